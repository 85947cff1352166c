#pragma once

#include "base/hash.h"
#include "config/load.h"
#include "join/join.h"
#include "pipeline/pipeline_test.h"
#include "weft/component.h"

/* The real tail_sampling on one to four workers of one thread: cores, faces, and sinks that tell what comes out; mail
 * that is delivered when a test says so, each lane in order. The host's timers are everybody's: time is virtual. */
extern const struct weft_component weft_processor_tail_sampling;

enum { JOIN_WORKERS = 4, JOIN_PIPELINES = 3, JOIN_LANE_MAX = 512 };

static const char *const join_pipelines[JOIN_PIPELINES] = { "traces/t", "logs/a", "logs/b" };

static inline enum weft_signal join_signal_of(size_t pipeline)
{
    return pipeline == 0 ? WEFT_TRACES : WEFT_LOGS;
}

/* Rules as the plan has them. */
struct join_rules {
    struct weft_tree *tree;
    void *config, *shared;
};

struct join_sink {
    struct weft_consumer consumer;
    size_t pipeline;
    uint32_t worker;
    weft_flow_id sent_flow;
    uint64_t records;
};

struct join_lane {
    struct weft_message *messages[JOIN_LANE_MAX];
    size_t count;
};

struct join_world {
    uint32_t worker_count;
    struct weft_hash_secret secret;
    struct weft_post post;
    struct weft_host hosts[JOIN_WORKERS];
    struct weft_host *host_pointers[JOIN_WORKERS];
    struct join_lane lanes[JOIN_WORKERS][JOIN_WORKERS];
    struct weft_stage_identity *identity;
    struct join_rules rules;
    struct weft_stage *cores[JOIN_WORKERS];
    struct weft_consumer *faces[JOIN_WORKERS][JOIN_PIPELINES];
    struct weft_consumer *outlets[JOIN_WORKERS][JOIN_PIPELINES];
    struct join_sink sinks[JOIN_WORKERS][JOIN_PIPELINES];
    struct weft_account in_flight[JOIN_PIPELINES];
    weft_flow_id offered_flow[JOIN_PIPELINES], refused_flow[JOIN_PIPELINES];
    /* One record has come out. */
    void (*on_out)(size_t pipeline, uint32_t worker, const struct weft_otlp_table *table, uint32_t row);
};

static struct join_world *join;

static inline int64_t join_now(void)
{
    return weft_timers_now(host.timers).ns;
}

/* ---- mail ---- */

static inline void join_send(struct weft_post *post, uint32_t from, uint32_t to, struct weft_message *message)
{
    (void)post;
    struct join_lane *lane = &join->lanes[from][to];
    ck_assert_uint_lt(lane->count, JOIN_LANE_MAX);
    lane->messages[lane->count++] = message;
}

static inline struct weft_message *join_take_mail(uint32_t from, uint32_t to)
{
    struct join_lane *lane = &join->lanes[from][to];
    struct weft_message *message = lane->messages[0];
    memmove(lane->messages, lane->messages + 1, --lane->count * sizeof message);
    return message;
}

static inline size_t join_mail_count(void)
{
    size_t count = 0;
    for (uint32_t from = 0; from < join->worker_count; from++) {
        for (uint32_t to = 0; to < join->worker_count; to++) {
            count += join->lanes[from][to].count;
        }
    }
    return count;
}

static inline void join_deliver_all(void)
{
    while (join_mail_count() > 0) {
        for (uint32_t i = 0; i < JOIN_WORKERS * JOIN_WORKERS; i++) {
            if (join->lanes[i / JOIN_WORKERS][i % JOIN_WORKERS].count > 0) {
                struct weft_message *message = join_take_mail(i / JOIN_WORKERS, i % JOIN_WORKERS);
                message->on_delivered(message);
            }
        }
    }
}

/* ---- sinks ---- */

static inline void join_sink_see(struct join_sink *sink, const struct weft_batch *batch)
{
    uint64_t count = 0;
    for (size_t i = 0; i < batch->part_count; i++) {
        struct weft_arena *arena = NULL;
        struct weft_otlp_table table;
        ck_assert(weft_batch_look(batch, &batch->parts[i], &arena, &table) == WEFT_OK);
        for (uint32_t row = 0; row < table.record_count && join->on_out != NULL; row++) {
            join->on_out(sink->pipeline, sink->worker, &table, row);
        }
        count += table.record_count;
        if (arena != NULL) {
            weft_arena_unref(&arena);
        }
    }
    ck_assert_uint_eq(count, batch->weight);
    sink->records += count;
}

static inline enum weft_status join_sink_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                                 struct weft_error *error)
{
    struct join_sink *sink = WEFT_CONTAINER_OF(consumer, struct join_sink, consumer);
    if (!consumer->is_open) {
        return weft_fail(error, WEFT_CLOSED, "closed");
    }
    weft_alloc_fail_at(0); /* what a sink needs is not what is tested */
    ck_assert(!(*own_batch)->is_lent);
    ck_assert_int_eq((*own_batch)->signal, join_signal_of(sink->pipeline));
    join_sink_see(sink, *own_batch);
    weft_host_book(consumer->host, (*own_batch)->outlet_flow, (*own_batch)->weight);
    weft_host_book(consumer->host, sink->sent_flow, (*own_batch)->weight);
    weft_batch_end(own_batch, NULL, -1);
    return WEFT_OK;
}

static const struct weft_consumer_operations join_sink_operations = { .consume = join_sink_consume };

static inline void join_sink_init(struct join_sink *sink, uint32_t worker, size_t pipeline)
{
    sink->pipeline = pipeline;
    sink->worker = worker;
    weft_consumer_init(&sink->consumer, &join_sink_operations, &join->hosts[worker], "sink");
    sink->consumer.held_account = (struct weft_account){ .kind = WEFT_ACCOUNT_QUEUED,
                                                         .signal = weft_signal_name(join_signal_of(pipeline)),
                                                         .pipeline = "",
                                                         .owner = "sink" };
    struct weft_account sent = sink->consumer.held_account;
    sent.kind = WEFT_ACCOUNT_SENT;
    sink->sent_flow = weft_ledger_flow(host.ledger, &sink->consumer.held_account, &sent);
}

/* ---- rules ---- */

static inline struct join_rules join_rules_of(const char *text)
{
    struct join_rules rules = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    const struct weft_component *component = &weft_processor_tail_sampling;
    ck_assert_msg(weft_config_load_text(text, "test", &rules.tree, &error) == WEFT_OK, "%s", error.text);
    rules.config = weft_alloc(component->config_size);
    ck_assert_msg(weft_config_parse(component->fields, weft_tree_root(rules.tree), rules.config, NULL, &error) ==
                      WEFT_OK,
                  "%s", error.text);
    ck_assert_msg(component->validate(rules.config, &error) == WEFT_OK, "%s", error.text);
    ck_assert(component->share(rules.config, "tail_sampling", &budget, &rules.shared, &error) == WEFT_OK);
    return rules;
}

static inline void join_rules_free(struct join_rules *rules)
{
    weft_processor_tail_sampling.unshare(rules->shared);
    weft_config_fini(weft_processor_tail_sampling.fields, rules->config);
    weft_free(rules->config);
    weft_tree_free(&rules->tree);
}

/* As a reload: the cores stay. */
static inline void join_update(const char *text)
{
    struct join_rules rules = join_rules_of(text);
    for (uint32_t w = 0; w < join->worker_count; w++) {
        join->cores[w]->operations->update(join->cores[w], rules.config, rules.shared);
    }
    join_rules_free(&join->rules);
    join->rules = rules;
}

/* ---- begin and end ---- */

static inline void join_workers_init(void)
{
    join->post =
        (struct weft_post){ .send = join_send, .hosts = join->host_pointers, .worker_count = join->worker_count };
    for (uint32_t w = 0; w < join->worker_count; w++) {
        join->hosts[w] = host;
        join->hosts[w].books = weft_ledger_worker_of(host.ledger, w);
        join->hosts[w].worker_index = w;
        join->hosts[w].secret = &join->secret;
        join->hosts[w].post = join->worker_count == 1 ? NULL : &join->post;
        join->host_pointers[w] = &join->hosts[w];
    }
}

static inline void join_pipeline_init(size_t p)
{
    const char *signal = weft_signal_name(join_signal_of(p));
    struct weft_account offered = { .kind = WEFT_ACCOUNT_OFFERED, .signal = signal, .pipeline = "", .owner = "client" };
    struct weft_account refused = offered;
    refused.kind = WEFT_ACCOUNT_REFUSED;
    join->in_flight[p] = (struct weft_account){
        .kind = WEFT_ACCOUNT_IN_FLIGHT, .signal = signal, .pipeline = join_pipelines[p], .owner = ""
    };
    join->offered_flow[p] = weft_ledger_flow(host.ledger, &offered, &join->in_flight[p]);
    join->refused_flow[p] = weft_ledger_flow(host.ledger, &join->in_flight[p], &refused);
}

static inline void join_begin(uint32_t worker_count, const char *config)
{
    begin_as(worker_count);
    join = weft_alloc(sizeof *join);
    *join = (struct join_world){ .worker_count = worker_count };
    weft_hash_secret_init(&join->secret);
    join_workers_init();
    join->identity = weft_stage_identity_new("tail_sampling", "traces/t", worker_count);
    join->rules = join_rules_of(config);
    for (size_t p = 0; p < JOIN_PIPELINES; p++) {
        join_pipeline_init(p);
    }
    for (uint32_t w = 0; w < worker_count; w++) {
        struct weft_instance_setup setup = { .host = &join->hosts[w],
                                             .id = "tail_sampling",
                                             .config = join->rules.config,
                                             .shared = join->rules.shared,
                                             .stage = join->identity };
        ck_assert(weft_processor_tail_sampling.create_stage(&setup, &join->cores[w], NULL) == WEFT_OK);
        for (size_t p = 0; p < JOIN_PIPELINES; p++) {
            join_sink_init(&join->sinks[w][p], w, p);
            join->outlets[w][p] = weft_outlet_new(&join->hosts[w], &join->in_flight[p], &join->sinks[w][p].consumer);
            join->faces[w][p] =
                weft_face_new(join->cores[w], &join->in_flight[p], join_signal_of(p), join->outlets[w][p]);
            weft_face_attach(join->faces[w][p]);
        }
    }
}

/* Everything was drained. */
static inline void join_end(void)
{
    join_deliver_all();
    for (uint32_t w = 0; w < join->worker_count; w++) {
        for (size_t p = 0; p < JOIN_PIPELINES; p++) {
            join->faces[w][p]->operations->free(join->faces[w][p]);
        }
        join->cores[w]->operations->free(join->cores[w]);
        for (size_t p = 0; p < JOIN_PIPELINES; p++) {
            join->outlets[w][p]->operations->free(join->outlets[w][p]);
            weft_consumer_fini(&join->sinks[w][p].consumer);
        }
    }
    join_rules_free(&join->rules);
    weft_stage_identity_unref(&join->identity);
    weft_free(join);
    join = NULL;
    end();
}

static inline uint64_t join_held(void)
{
    uint64_t held = 0;
    for (uint32_t w = 0; w < join->worker_count; w++) {
        for (size_t p = 0; p < JOIN_PIPELINES; p++) {
            held += weft_face_held(join->faces[w][p]);
        }
    }
    return held;
}

static inline void join_drain(enum weft_drop_reason reason, bool is_forced)
{
    for (int round = 0; round == 0 || (round < 1000 && join_held() > 0); round++) {
        for (uint32_t w = 0; w < join->worker_count; w++) {
            for (size_t p = 0; p < JOIN_PIPELINES; p++) {
                join->faces[w][p]->operations->drain(join->faces[w][p], reason, is_forced);
            }
        }
        advance(WEFT_NS_PER_MS);
    }
    ck_assert_uint_eq(join_held(), 0);
}

/* Each core's lines against its own books. */
static inline void join_expect_audit(void)
{
    for (uint32_t w = 0; w < join->worker_count; w++) {
        struct weft_audit audit = { 0 };
        join->cores[w]->operations->audit(join->cores[w], &audit);
        ck_assert_uint_ge(audit.count, JOIN_PIPELINES);
        for (size_t i = 0; i < audit.count; i++) {
            int64_t books = weft_ledger_worker_balance(host.ledger, join->hosts[w].books, &audit.lines[i].account);
            ck_assert_msg(books == (int64_t)audit.lines[i].held, "worker %u, %s %s: the books say %lld, there are %llu",
                          w, weft_account_kind_text(audit.lines[i].account.kind), audit.lines[i].account.pipeline,
                          (long long)books, (unsigned long long)audit.lines[i].held);
        }
        weft_audit_fini(&audit);
    }
}

static inline struct weft_trace_answer join_ask(const uint8_t *trace_id)
{
    struct weft_trace_answer answer = { .knowledge = WEFT_TRACE_NOT_SEEN };
    struct weft_trace_question question = { .word = "test", .has_trace_id = true };
    memcpy(question.trace_id, trace_id, sizeof question.trace_id);
    weft_buffer_init(&answer.json, 0);
    for (uint32_t w = 0; w < join->worker_count; w++) {
        weft_join_look_up(join->cores[w], &question, &answer);
    }
    return answer;
}
