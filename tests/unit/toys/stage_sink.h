#pragma once

#include "stage_edits.h"
#include "stage_world.h"

/* Exporter `sink`: takes, refuses, closes and opens as it likes, keeps what it took for a while, and remembers which
 * record came out of which pipeline on which worker. */
struct sink_config {
    char *text;
};

struct sink;

struct sunk {
    struct weft_list node;
    struct sink *sink;
    struct weft_batch *batch;
    struct weft_timer timer;
};

struct sink {
    struct weft_consumer consumer;
    struct weft_list node; /* in all_sinks */
    struct weft_list queue;
    size_t index;
    enum weft_signal signal;
    uint64_t held;
    uint32_t queue_max, queue_count;
    bool is_shut; /* by the weather */
    bool is_draining;
    weft_flow_id sent_flow, rejected_flow, exhausted_flow, shutdown_flow, reload_flow;
};

static struct weft_list all_sinks;
static weft_flow_id outlet_flows[SINKS][PIPELINES]; /* in_flight(pipeline) -> queued(sink) */

static const struct weft_field sink_fields[] = {
    WEFT_FIELD(struct sink_config, text, NULL, ""),
    WEFT_FIELDS_END,
};

static inline struct sink *sink_of(const struct weft_consumer *consumer)
{
    return WEFT_CONTAINER_OF(consumer, struct sink, consumer);
}

static inline void sink_update_open(struct sink *sink)
{
    weft_consumer_set_open(&sink->consumer, !sink->is_shut && sink->queue_count < sink->queue_max);
}

/* ---- what it sees ---- */

static inline size_t pipeline_of(const struct sink *sink, const struct weft_batch *batch)
{
    for (size_t p = 0; p < PIPELINES; p++) {
        if (signal_of(p) == sink->signal && outlet_flows[sink->index][p] == batch->outlet_flow) {
            return p;
        }
    }
    EXPECT(false, "%s got a batch out of no pipeline", sink->consumer.id);
    return 0;
}

static inline void see(struct sink *sink, const struct weft_batch *batch)
{
    size_t p = pipeline_of(sink, batch);
    uint32_t worker = sink->consumer.host->worker_index;
    struct weft_batch_cursor cursor = weft_batch_records(batch);
    struct weft_slice record;
    uint64_t count = 0;
    for (; weft_batch_next_record(&cursor, &record); count++) {
        uint64_t id = 0;
        EXPECT(record.length >= 28, "a record of %zu bytes", record.length);
        memcpy(&id, record.bytes + 20, 8);
        EXPECT(id < RECORD_COUNT && world->was_offered[p][id], "record %llu came out of %s, not in by it",
               (unsigned long long)id, pipeline_names[p]);
        EXPECT(world->seen[sink->index][p][id]++ == 0, "record %llu came twice out of %s to %s", (unsigned long long)id,
               pipeline_names[p], sink->consumer.id);
        EXPECT(record.bytes[10] == world->owner_byte[id], "record %llu was changed", (unsigned long long)id);
        see_edits_of_record(record, sink->signal, p);
        see_filtered(id, p);
        EXPECT(!world->was_held[p][id] || record.bytes[10] % world->worker_count == worker,
               "record %llu was not held by its owner: it left on worker %u", (unsigned long long)id, worker);
    }
    EXPECT(count == batch->weight, "a batch of %llu records weighs %llu", (unsigned long long)count,
           (unsigned long long)batch->weight);
    see_edits_of_resources(batch, p);
    EXPECT(!batch->is_lent, "a lent batch was passed on");
    world->at_sink[p] += count;
}

/* ---- what it does ---- */

static inline void sunk_free(struct sunk *sunk)
{
    struct sink *sink = sunk->sink;
    weft_timer_cancel(world->timers, &sunk->timer);
    weft_list_remove(&sunk->node);
    weft_free(sunk);
    sink->queue_count--;
}

static inline void sunk_answered(void *context)
{
    struct sunk *sunk = context;
    struct sink *sink = sunk->sink;
    uint64_t weight = sunk->batch->weight;
    sink->held -= weight;
    if (!world->is_calm && chance(10)) {
        weft_consumer_drop(&sink->consumer, &sunk->batch, sink->exhausted_flow, WEFT_DROP_RETRIES_EXHAUSTED, NULL);
    } else {
        weft_host_book(sink->consumer.host, chance(10) ? sink->rejected_flow : sink->sent_flow, weight);
        weft_batch_end(&sunk->batch, NULL, -1);
    }
    sunk_free(sunk);
    sink_update_open(sink);
}

static inline enum weft_status refuse(struct sink *sink, struct weft_error *error)
{
    static const enum weft_status finals[] = { WEFT_NOMEM, WEFT_INVALID, WEFT_LIMIT };
    uint32_t kind = pick(10);
    if (kind < 6) {
        sink->is_shut = true;
        sink_update_open(sink);
    }
    return weft_fail(error, kind < 7 ? WEFT_CLOSED : finals[kind - 7], "no");
}

static inline enum weft_status sink_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                            struct weft_error *error)
{
    struct sink *sink = sink_of(consumer);
    EXPECT(!sink->is_draining, "%s on worker %u got a batch after it was told that none would come", consumer->id,
           consumer->host->worker_index);
    if (!consumer->is_open) {
        return weft_fail(error, WEFT_CLOSED, "closed");
    }
    if (!world->is_calm && chance(world->bad_percent)) {
        return refuse(sink, error);
    }
    struct sunk *sunk = weft_alloc(sizeof *sunk);
    sunk->sink = sink;
    sunk->batch = *own_batch;
    *own_batch = NULL;
    see(sink, sunk->batch);
    weft_host_book(consumer->host, sunk->batch->outlet_flow, sunk->batch->weight);
    sink->held += sunk->batch->weight;
    sink->queue_count++;
    weft_list_push_back(&sink->queue, &sunk->node);
    weft_timer_init(&sunk->timer, sunk_answered, sunk);
    if (!world->is_calm && chance(5)) {
        weft_consumer_set_open(consumer, false); /* and open again within the call */
    }
    sink_update_open(sink);
    if (chance(40)) {
        sunk_answered(sunk);
    } else {
        weft_timer_set_after(world->timers, &sunk->timer, random_ms(300));
    }
    return WEFT_OK;
}

static inline void sink_audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    *in_out_count += sink_of(consumer)->held;
}

static inline void sink_drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    struct sink *sink = sink_of(consumer);
    sink->is_draining = true;
    while (is_forced && !weft_list_is_empty(&sink->queue)) {
        struct sunk *sunk = WEFT_CONTAINER_OF(sink->queue.next, struct sunk, node);
        sink->held -= sunk->batch->weight;
        weft_consumer_drop(consumer, &sunk->batch, reason == WEFT_DROP_RELOAD ? sink->reload_flow : sink->shutdown_flow,
                           reason, NULL);
        sunk_free(sunk);
    }
}

static inline void sink_free(struct weft_consumer *consumer)
{
    struct sink *sink = sink_of(consumer);
    EXPECT(weft_list_is_empty(&sink->queue), "%s is freed with records", consumer->id);
    weft_list_remove(&sink->node);
    weft_consumer_fini(consumer);
    weft_free(sink);
}

static const struct weft_consumer_operations sink_operations = {
    .consume = sink_consume, .audit = sink_audit, .drain = sink_drain, .free = sink_free
};

static inline weft_flow_id sink_end_flow(const struct sink *sink, enum weft_account_kind kind)
{
    struct weft_account end = sink->consumer.held_account;
    end.kind = kind;
    return weft_ledger_flow(ledger, &sink->consumer.held_account, &end);
}

static inline void find_outlet_flows(const struct sink *sink)
{
    for (size_t p = 0; p < PIPELINES; p++) {
        struct weft_account from = { .kind = WEFT_ACCOUNT_IN_FLIGHT,
                                     .signal = weft_signal_name(sink->signal),
                                     .pipeline = pipeline_names[p],
                                     .owner = "" };
        if (signal_of(p) == sink->signal) {
            outlet_flows[sink->index][p] = weft_ledger_flow(ledger, &from, &sink->consumer.held_account);
        }
    }
}

static inline enum weft_status sink_create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                                           struct weft_error *error)
{
    if (setup->host->worker_index == world->failing_worker) {
        return weft_fail(error, WEFT_IO, "told to fail");
    }
    struct sink *sink = weft_alloc(sizeof *sink);
    weft_consumer_init(&sink->consumer, &sink_operations, setup->host, setup->id);
    sink->consumer.held_account = (struct weft_account){
        .kind = WEFT_ACCOUNT_QUEUED, .signal = weft_signal_name(setup->signal), .pipeline = "", .owner = setup->id
    };
    sink->index = (size_t)(setup->id[5] - '0');
    sink->signal = setup->signal;
    sink->queue_max = 1 + pick(6);
    weft_list_init(&sink->queue);
    weft_list_push_back(&all_sinks, &sink->node);
    sink->sent_flow = sink_end_flow(sink, WEFT_ACCOUNT_SENT);
    sink->rejected_flow = sink_end_flow(sink, WEFT_ACCOUNT_REJECTED);
    sink->exhausted_flow = weft_consumer_drop_flow(&sink->consumer, WEFT_DROP_RETRIES_EXHAUSTED);
    sink->shutdown_flow = weft_consumer_drop_flow(&sink->consumer, WEFT_DROP_SHUTDOWN);
    sink->reload_flow = weft_consumer_drop_flow(&sink->consumer, WEFT_DROP_RELOAD);
    find_outlet_flows(sink);
    *out_consumer = &sink->consumer;
    return WEFT_OK;
}

static const struct weft_component sink_component = {
    .kind = WEFT_EXPORTER,
    .type = "sink",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_LOGS,
    .fields = sink_fields,
    .config_size = sizeof(struct sink_config),
    .create_consumer = sink_create,
};

/* Some sink opens or closes. */
static inline void weather_changes(void)
{
    WEFT_LIST_EACH(node, &all_sinks)
    {
        struct sink *sink = WEFT_CONTAINER_OF(node, struct sink, node);
        if (world->is_calm || chance(40)) {
            sink->is_shut = !world->is_calm && chance(50);
            sink_update_open(sink);
        }
    }
}
