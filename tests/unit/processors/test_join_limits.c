/* The join at its limits: traces and bytes that are held, outlets that stay closed, one batch with several records of a
 * trace that is decided while the batch is being taken. */
#include "join_seen.h"
#include "pipeline/loan.h"

extern const struct weft_share_operations weft_join_share_operations;

#define KEEP_ALL    "policies: [{name: all, type: always_sample}]\n"
#define KEEP_ERRORS "policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]\n"

static uint32_t next_number;

static void start(uint32_t worker_count, const char *config)
{
    next_number = 0;
    start_seeing(worker_count, config);
}

/* Trace ids by number. */
static const uint8_t *id_of(uint32_t trace)
{
    static uint8_t ids[16][16];
    static unsigned next;
    uint8_t *id = ids[next++ % 16];
    memset(id, 0x11, 16);
    memcpy(id, &trace, sizeof trace);
    memcpy(id + 8, &trace, sizeof trace);
    return id;
}

static struct join_record span_of(uint32_t trace, uint32_t padding)
{
    return (struct join_record){ .number = next_number++,
                                 .trace_id = id_of(trace),
                                 .parent = JOIN_NO_SPAN,
                                 .span = JOIN_NO_SPAN,
                                 .start_ns = 1000,
                                 .end_ns = 2000,
                                 .padding = padding };
}

static struct join_record line_of(uint32_t trace, size_t pipeline)
{
    struct join_record record = span_of(trace, 0);
    record.pipeline = pipeline;
    return record;
}

static enum weft_status offer_one(uint32_t worker, struct join_record record)
{
    return join_offer(worker, &record, 1, NULL);
}

static enum weft_trace_knowledge knowledge_of(uint32_t trace)
{
    struct weft_trace_answer answer = join_ask(id_of(trace));
    weft_buffer_fini(&answer.json);
    return answer.knowledge;
}

static void expect_knowledge(uint32_t trace, enum weft_trace_knowledge knowledge)
{
    ck_assert_msg(knowledge_of(trace) == knowledge, "trace %u: %d, not %d", trace, (int)knowledge_of(trace),
                  (int)knowledge);
}

/* ---- num_traces ---- */

static void expect_only_the_oldest_goes(const char *config, enum weft_trace_knowledge knowledge)
{
    start(1, config);
    for (uint32_t trace = 0; trace < 5; trace++) {
        ck_assert_int_eq(offer_one(0, span_of(trace, 0)), WEFT_OK);
    }
    expect_knowledge(0, WEFT_TRACE_HELD);
    ck_assert_int_eq(offer_one(0, span_of(5, 0)), WEFT_OK);
    expect_knowledge(0, knowledge);
    for (uint32_t trace = 1; trace < 6; trace++) {
        expect_knowledge(trace, WEFT_TRACE_HELD);
    }
    ck_assert_uint_eq(totals().dropped, knowledge == WEFT_TRACE_DROPPED ? 1 : 0);
    ck_assert_uint_eq(seen[0], knowledge == WEFT_TRACE_KEPT ? 1 : 0);
    stop();
}

START_TEST(test_beyond_num_traces_the_oldest_is_decided_and_no_other)
{
    expect_only_the_oldest_goes("num_traces: 5\n" KEEP_ALL, WEFT_TRACE_KEPT);
    expect_only_the_oldest_goes("num_traces: 5\n" KEEP_ERRORS, WEFT_TRACE_DROPPED);
}
END_TEST

/* Traces that have their verdict and wait for an outlet must not cost others their time. */
START_TEST(test_kept_traces_that_wait_for_an_outlet_take_no_place_of_num_traces)
{
    start(1, "num_traces: 5\ndecision_wait: 10ms\n" KEEP_ALL);
    weft_consumer_set_open(&join->sinks[0][1].consumer, false);
    ck_assert_int_eq(offer_one(0, line_of(0, 1)), WEFT_OK); /* its turn comes first, and blocks the outlet */
    ck_assert_int_eq(offer_one(0, span_of(0, 0)), WEFT_OK);
    advance(5 * WEFT_NS_PER_MS);
    for (uint32_t trace = 1; trace < 5; trace++) {
        ck_assert_int_eq(offer_one(0, line_of(trace, 1)), WEFT_OK);
        ck_assert_int_eq(offer_one(0, span_of(trace, 0)), WEFT_OK);
    }
    advance(6 * WEFT_NS_PER_MS);
    advance(10 * WEFT_NS_PER_MS);
    for (uint32_t trace = 5; trace < 10; trace++) {
        ck_assert_int_eq(offer_one(0, span_of(trace, 0)), WEFT_OK);
    }
    for (uint32_t trace = 5; trace < 10; trace++) {
        expect_knowledge(trace, WEFT_TRACE_HELD);
    }
    ck_assert_int_eq(offer_one(0, span_of(10, 0)), WEFT_OK);
    expect_knowledge(5, WEFT_TRACE_KEPT);
    expect_knowledge(6, WEFT_TRACE_HELD);
    weft_consumer_set_open(&join->sinks[0][1].consumer, true);
    advance(WEFT_NS_PER_S);
    stop();
}
END_TEST

/* With one place each new trace decides on the one before, several times within the batch. */
START_TEST(test_a_trace_that_is_decided_within_its_batch_loses_nothing)
{
    enum { COUNT = 60 };
    struct join_record records[COUNT];
    for (unsigned traces = 1; traces < 5; traces++) {
        start(1, "num_traces: 1\n" KEEP_ALL);
        for (unsigned i = 0; i < COUNT; i++) {
            records[i] = span_of(i % traces, 0);
        }
        ck_assert_int_eq(join_offer(0, records, COUNT, NULL), WEFT_OK);
        join_expect_audit();
        advance(60 * WEFT_NS_PER_S);
        for (unsigned i = 0; i < COUNT; i++) {
            ck_assert_msg(seen[i] == 1, "%u traces, span %u came %u times", traces, i, seen[i]);
        }
        ck_assert_uint_eq(totals().buffered, 0);
        ck_assert_uint_eq(totals().dropped, 0);
        stop();
    }
}
END_TEST

/* ---- bytes ---- */

/* What is held stays near the limit: neither far above, nor is all of it decided when a little is too much. */
static void expect_bytes_near_the_limit(const char *policies, uint32_t padding)
{
    enum { LIMIT_BYTES = 4 << 20 };
    char config[400];
    uint64_t least = UINT64_MAX;
    snprintf(config, sizeof config, "max_bytes: %d\nverdict_memory: 65536\nrecent_traces: 0\nnum_traces: 1000000\n%s",
             LIMIT_BYTES, policies);
    start(1, config);
    for (uint32_t trace = 0; trace < 15000; trace++) {
        ck_assert_int_eq(offer_one(0, span_of(trace, padding)), WEFT_OK);
        ck_assert_msg(weft_budget_reserved(&budget) < LIMIT_BYTES + (LIMIT_BYTES / 2), "trace %u: %llu bytes", trace,
                      (unsigned long long)weft_budget_reserved(&budget));
        uint64_t held = join_held();
        least = trace > 12000 && held < least ? held : least;
    }
    printf("padding %u: at least %llu spans of about %u bytes held below %d bytes\n", padding,
           (unsigned long long)least, padding + 90, LIMIT_BYTES);
    ck_assert_uint_gt(least * (padding + 90), LIMIT_BYTES / 5);
    stop();
}

START_TEST(test_beyond_max_bytes_a_few_are_decided)
{
    expect_bytes_near_the_limit(KEEP_ALL, 1000);
    expect_bytes_near_the_limit(KEEP_ERRORS, 1000);
}
END_TEST

START_TEST(test_a_trace_that_is_too_large_is_dropped_and_late_spans_follow)
{
    start(1, "maximum_trace_size_bytes: 10000\n" KEEP_ALL);
    for (int i = 0; i < 12; i++) {
        ck_assert_int_eq(offer_one(0, span_of(1, 1000)), WEFT_OK);
    }
    expect_knowledge(1, WEFT_TRACE_DROPPED);
    ck_assert_int_eq(offer_one(0, span_of(2, 1000)), WEFT_OK);
    advance(60 * WEFT_NS_PER_S);
    ck_assert_uint_eq(totals().dropped, 12);
    ck_assert_uint_gt(dropped_for(WEFT_DROP_EVICTED), 5);
    ck_assert_uint_eq(seen[12], 1);
    stop();
}
END_TEST

/* ---- roots ---- */

/* Some producers write the parent of a root as eight zeros. */
START_TEST(test_a_span_whose_parent_is_zeros_is_a_root)
{
    struct join_record span = span_of(1, 0);
    span.parent = JOIN_ZERO_SPAN;
    start(1, "decision_wait: 10s\ndecision_wait_after_root_received: 10ms\n" KEEP_ALL);
    ck_assert_int_eq(offer_one(0, span), WEFT_OK);
    struct weft_trace_answer answer = join_ask(id_of(1));
    weft_buffer_append_byte(&answer.json, 0);
    ck_assert_ptr_nonnull(strstr((const char *)answer.json.bytes, "\"has_root\":true"));
    ck_assert_ptr_null(strstr((const char *)answer.json.bytes, "orphan"));
    weft_buffer_fini(&answer.json);
    advance(20 * WEFT_NS_PER_MS);
    expect_knowledge(1, WEFT_TRACE_KEPT);
    stop();
}
END_TEST

/* ---- pipelines ---- */

/* Until the former graph has left, a core has the outlets of both. */
START_TEST(test_a_reload_may_rename_as_many_pipelines_as_may_share_the_join)
{
    enum { USES_MAX = 64 };
    struct weft_use uses[USES_MAX];
    struct weft_consumer *faces[2 * USES_MAX];
    char names[2 * USES_MAX][16];
    struct weft_error error = WEFT_ERROR_NONE;
    size_t count = 1;
    for (size_t i = 0; i < USES_MAX; i++) {
        uses[i] = (struct weft_use){ "traces", i == 0 ? WEFT_TRACES : WEFT_LOGS };
    }
    start(1, KEEP_ALL);
    while (count < USES_MAX &&
           weft_processor_tail_sampling.validate_uses(join->rules.config, uses, count + 1, &error) == WEFT_OK) {
        count++;
    }
    ck_assert_uint_eq(count, 16);
    ck_assert_str_eq(error.text, "17 pipelines name it, at most 16 can");
    size_t more = 2 * count - JOIN_PIPELINES;
    for (size_t i = 0; i < more; i++) {
        snprintf(names[i], sizeof names[i], "logs/more%zu", i);
        struct weft_account account = join->in_flight[1];
        account.pipeline = names[i];
        faces[i] = weft_face_new(join->cores[0], &account, WEFT_LOGS, join->outlets[0][1]);
    }
    for (size_t i = 0; i < more; i++) {
        faces[i]->operations->free(faces[i]);
    }
    stop();
}
END_TEST

/* As when a reload fails on another worker. */
static void expect_told(uint32_t trace, const char *text)
{
    struct weft_trace_answer answer = join_ask(id_of(trace));
    weft_buffer_append_byte(&answer.json, 0);
    ck_assert_int_eq(answer.knowledge, WEFT_TRACE_KEPT);
    ck_assert_ptr_nonnull(strstr((const char *)answer.json.bytes, text));
    weft_buffer_fini(&answer.json);
}

START_TEST(test_a_pipeline_that_is_not_used_after_all_costs_no_recent_trace)
{
    start(1, "decision_wait: 10ms\n" KEEP_ALL);
    ck_assert_int_eq(offer_one(0, span_of(1, 0)), WEFT_OK);
    advance(20 * WEFT_NS_PER_MS);
    struct weft_account account = join->in_flight[1];
    account.pipeline = "logs/new";
    struct weft_consumer *face = weft_face_new(join->cores[0], &account, WEFT_LOGS, join->outlets[0][1]);
    face->operations->free(face);
    expect_told(1, "\"tree\"");
    stop();
}
END_TEST

/* ---- outlets that stay closed ---- */

START_TEST(test_kept_traces_that_cannot_go_close_the_stage_and_open_it_again)
{
    start(1, "max_bytes: 2000000\nverdict_memory: 65536\nrecent_traces: 0\ndecision_wait: 10ms\n" KEEP_ALL);
    weft_consumer_set_open(&join->sinks[0][1].consumer, false);
    uint32_t trace = 0;
    uint32_t taken = 0;
    for (; trace < 10000; trace++) {
        struct join_record line = line_of(trace, 1);
        if (!join->faces[0][0]->is_open) {
            break;
        }
        ck_assert_int_eq(offer_one(0, span_of(trace, 1000)), WEFT_OK);
        taken++;
        if (join->faces[0][1]->is_open) {
            line.number = next_number++;
            ck_assert_int_eq(offer_one(0, line), WEFT_OK);
            taken++;
        }
        if (trace < 3) {
            advance(20 * WEFT_NS_PER_MS);
            ck_assert(!join->faces[0][1]->is_open);
            weft_consumer_set_open(&join->sinks[0][0].consumer, false);
            ck_assert_int_eq(offer_one(0, span_of(100000, 0)), WEFT_OK);
            advance(20 * WEFT_NS_PER_MS);
            taken++;
            weft_consumer_set_open(&join->sinks[0][0].consumer, true);
            weft_consumer_set_open(&join->sinks[0][1].consumer, true);
            advance(20 * WEFT_NS_PER_MS);
            weft_consumer_set_open(&join->sinks[0][1].consumer, false);
            ck_assert(join->faces[0][0]->is_open);
        } else {
            weft_consumer_set_open(&join->sinks[0][0].consumer, false);
            advance(WEFT_NS_PER_MS);
            ck_assert_msg(trace < 9000, "it never closes");
        }
        join_expect_audit();
        if (trace == 3) {
            break;
        }
    }
    weft_consumer_set_open(&join->sinks[0][0].consumer, true);
    weft_consumer_set_open(&join->sinks[0][1].consumer, true);
    advance(WEFT_NS_PER_S);
    ck_assert(join->faces[0][0]->is_open && join->faces[0][1]->is_open);
    ck_assert_uint_eq(join->sinks[0][0].records + join->sinks[0][1].records, taken);
    stop();
}
END_TEST

/* The next trace from this number on that the worker owns. */
static uint32_t owned_by(uint32_t worker, uint32_t trace)
{
    for (;; trace++) {
        struct join_record record = { .number = 1, .trace_id = id_of(trace), .parent = JOIN_NO_SPAN };
        struct weft_buffer bytes;
        weft_buffer_init(&bytes, 0);
        put_join_record(&bytes, &record);
        uint32_t owner = weft_join_share_operations.owner_of(join->cores[0], WEFT_TRACES, weft_buffer_slice(&bytes));
        weft_buffer_fini(&bytes);
        if (owner == worker) {
            return trace;
        }
    }
}

static void wait_ms(int count)
{
    for (int i = 0; i < count; i++) {
        advance(WEFT_NS_PER_MS);
        join_deliver_all();
    }
}

/* One worker's outlet is shut; its traces come by the other worker, whose outlets are open: they are kept until memory
 * is used up, then no worker takes more, and all do again when what was kept is gone. */
START_TEST(test_memory_that_kept_traces_hold_closes_the_stage_until_they_are_gone)
{
    start(2, "max_bytes: 4000000\nverdict_memory: 65536\nrecent_traces: 0\ndecision_wait: 10ms\n" KEEP_ALL);
    weft_consumer_set_open(&join->sinks[0][0].consumer, false);
    uint64_t taken = 0;
    for (uint32_t trace = 0; join->faces[1][0]->is_open; trace++, taken++) {
        trace = owned_by(0, trace);
        ck_assert_int_eq(offer_one(1, span_of(trace, 1000)), WEFT_OK);
        wait_ms(1);
        ck_assert_uint_lt(taken, 6000);
    }
    ck_assert_uint_gt(taken, 1000);
    ck_assert(!join->faces[1][1]->is_open && !join->faces[0][1]->is_open);
    ck_assert_uint_lt(weft_budget_reserved(&budget), 6000000);
    join_expect_audit();
    weft_consumer_set_open(&join->sinks[0][0].consumer, true);
    wait_ms(100);
    ck_assert_uint_eq(join->sinks[0][0].records, taken);
    for (uint32_t w = 0; w < 2; w++) {
        for (size_t p = 0; p < JOIN_PIPELINES; p++) {
            ck_assert_msg(join->faces[w][p]->is_open, "worker %u, %s stays closed", w, join_pipelines[p]);
        }
    }
    stop();
}
END_TEST

/* More that wait for one outlet than are looked at in one step do not hold up what waits for another one. Records come
 * by the other worker, whose faces are open. */
START_TEST(test_those_that_wait_for_one_outlet_do_not_hold_up_others)
{
    enum { COUNT = 3000 };
    start(2, "decision_wait: 500ms\n" KEEP_ALL);
    uint32_t kept = owned_by(0, 1000000);
    ck_assert_int_eq(offer_one(1, span_of(kept, 0)), WEFT_OK);
    wait_ms(510);
    expect_knowledge(kept, WEFT_TRACE_KEPT);
    for (uint32_t i = 0, trace = 0; i < COUNT; i++, trace++) {
        trace = owned_by(0, trace);
        ck_assert_int_eq(offer_one(1, span_of(trace, 0)), WEFT_OK);
        join_deliver_all();
    }
    struct join_record line = line_of(kept + 1, 1);
    line.trace_id = NULL;
    weft_consumer_set_open(&join->sinks[0][0].consumer, false);
    weft_consumer_set_open(&join->sinks[0][1].consumer, false);
    ck_assert_int_eq(offer_one(0, line), WEFT_OK);
    wait_ms(600);
    ck_assert(!join->faces[0][0]->is_open && !join->faces[0][1]->is_open);
    struct join_record late = line_of(kept, 1), later = line_of(kept, 1);
    ck_assert_int_eq(offer_one(1, late), WEFT_OK);
    ck_assert_int_eq(offer_one(1, later), WEFT_OK);
    wait_ms(10);
    ck_assert_uint_eq(seen[late.number], 0);
    expect_told(kept, "\"late_logs\":2");
    weft_consumer_set_open(&join->sinks[0][1].consumer, true);
    wait_ms(100);
    ck_assert_uint_eq(seen[line.number], 1);
    ck_assert_uint_eq(seen[late.number], 1);
    ck_assert_uint_gt(totals().buffered, 1500);
    weft_consumer_set_open(&join->sinks[0][0].consumer, true);
    wait_ms(100);
    ck_assert_uint_eq(totals().buffered, 0);
    stop();
}
END_TEST

/* ---- records of nothing ---- */

static struct weft_payload *empty_records(uint32_t count)
{
    struct weft_buffer request, resource, scope;
    weft_buffer_init(&request, 0);
    weft_buffer_init(&resource, 0);
    weft_buffer_init(&scope, 0);
    for (uint32_t i = 0; i < count; i++) {
        put_field(&scope, 2, "", 0);
    }
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    struct weft_payload *payload = weft_payload_try_new(host.pool, request.length);
    weft_payload_append(payload, request.bytes, request.length);
    weft_buffer_fini(&request);
    return payload;
}

START_TEST(test_records_without_a_byte_are_records)
{
    start(1, "decision_wait: 10ms\n" KEEP_ALL);
    join->on_out = NULL;
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(join_offer_payload(0, 1, empty_records(3), NULL), WEFT_OK);
        ck_assert_int_eq(join_offer_payload(0, 0, empty_records(2), NULL), WEFT_OK);
        join_expect_audit();
        advance(100 * WEFT_NS_PER_MS);
        ck_assert_uint_eq(join->sinks[0][1].records, 3 * (round + 1));
        ck_assert_uint_eq(join->sinks[0][0].records, 2 * (round + 1));
    }
    ck_assert_uint_eq(join_held(), 0);
    stop();
}
END_TEST

/* ---- time ---- */

START_TEST(test_records_that_come_all_the_time_do_not_put_off_what_is_due)
{
    start(1, "decision_wait: 100ms\n" KEEP_ALL);
    ck_assert_int_eq(offer_one(0, span_of(0, 0)), WEFT_OK);
    for (uint32_t trace = 1; trace < 110; trace++) {
        advance(WEFT_NS_PER_MS);
        ck_assert_int_eq(offer_one(0, span_of(trace, 0)), WEFT_OK);
    }
    ck_assert_uint_eq(seen[0], 1);
    stop();
}
END_TEST

/* ---- ends ---- */

START_TEST(test_a_logs_pipeline_that_leaves_cuts_no_other_wait_short)
{
    start(1, "decision_wait: 1h\n" KEEP_ALL);
    ck_assert_int_eq(offer_one(0, span_of(1, 0)), WEFT_OK);
    ck_assert_int_eq(offer_one(0, span_of(2, 0)), WEFT_OK);
    ck_assert_int_eq(offer_one(0, line_of(2, 1)), WEFT_OK);
    ck_assert_int_eq(offer_one(0, line_of(3, 2)), WEFT_OK);
    join->faces[0][1]->operations->drain(join->faces[0][1], WEFT_DROP_RELOAD, false);
    advance(10 * WEFT_NS_PER_MS);
    ck_assert_uint_eq(seen[0] + seen[3], 0);
    ck_assert_uint_eq(seen[1] + seen[2], 2);
    expect_knowledge(1, WEFT_TRACE_HELD);
    expect_knowledge(2, WEFT_TRACE_KEPT);
    stop();
}
END_TEST

START_TEST(test_by_force_what_cannot_go_is_dropped_with_the_reason)
{
    start(1, "decision_wait: 1s\n" KEEP_ALL);
    ck_assert_int_eq(offer_one(0, span_of(1, 0)), WEFT_OK);
    ck_assert_int_eq(offer_one(0, line_of(1, 1)), WEFT_OK);
    ck_assert_int_eq(offer_one(0, line_of(7, 2)), WEFT_OK);
    for (size_t p = 0; p < JOIN_PIPELINES; p++) {
        weft_consumer_set_open(&join->sinks[0][p].consumer, false);
    }
    advance(2 * WEFT_NS_PER_S);
    ck_assert_int_eq((int)join_held(), 3);
    join_drain(WEFT_DROP_RELOAD, true);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_RELOAD), 3);
    stop();
}
END_TEST

/* One request of more than there is room for, in records that are copied: the stage closes, and decides down to where
 * it opens, before anything is due. */
START_TEST(test_a_stage_that_is_full_opens_before_the_next_trace_is_due)
{
    enum { TRACES = 1500, PADDING = 5000 };
    static uint8_t ids[TRACES][16];
    struct join_record *records = weft_alloc(TRACES * sizeof *records);
    start(1, "max_bytes: 2000000\nverdict_memory: 65536\nrecent_traces: 0\ndecision_wait: 1h\n" KEEP_ERRORS);
    for (uint32_t i = 0; i < TRACES; i++) {
        memcpy(ids[i], id_of(i), sizeof ids[i]);
        records[i] = span_of(i, PADDING);
        records[i].trace_id = ids[i];
    }
    ck_assert_int_eq(join_offer(0, records, TRACES, NULL), WEFT_OK);
    ck_assert(!join->faces[0][0]->is_open);
    for (int step = 0; step < 10; step++) {
        advance(6 * WEFT_NS_PER_MS);
    }
    ck_assert(join->faces[0][0]->is_open);
    ck_assert_uint_gt(join_held(), TRACES / 8);
    weft_free(records);
    stop();
}
END_TEST

static size_t failing_at;

static void shut_and_fail(size_t pipeline, uint32_t worker, const struct weft_otlp_table *table, uint32_t row)
{
    (void)table;
    (void)row;
    weft_consumer_set_open(&join->sinks[worker][pipeline].consumer, false);
    weft_alloc_fail_at(failing_at);
}

/* The line without an id blocks the outlet; the next one makes room by deciding on the trace of the line before it, and
 * then there is no memory. The last line is of that trace. */
static void make_room_without_memory(size_t nth)
{
    struct join_record first = line_of(1, 1);
    struct join_record records[3] = { line_of(2, 1), line_of(3, 1), line_of(2, 1) };
    struct weft_error error = WEFT_ERROR_NONE;
    first.trace_id = records[1].trace_id = NULL;
    struct weft_batch *batch = batch_of(WEFT_LOGS, join_payload(&first, 1), NULL);
    struct weft_batch *more[] = { batch_of(WEFT_LOGS, join_payload(&first, 1), NULL),
                                  batch_of(WEFT_LOGS, join_payload(records, 3), NULL) };
    for (size_t i = 0; i < WEFT_COUNT_OF(more); i++) {
        ck_assert(weft_batch_merge(batch, &more[i]) == WEFT_OK);
    }
    failing_at = nth;
    join->on_out = shut_and_fail;
    weft_host_book(&join->hosts[0], join->offered_flow[1], 5);
    ck_assert(weft_consumer_consume(join->faces[0][1], &batch, &error) == WEFT_OK);
    weft_alloc_fail_at(0);
    join->on_out = see;
    weft_consumer_set_open(&join->sinks[0][1].consumer, true);
}

START_TEST(test_a_trace_that_was_decided_to_make_room_is_not_used_again)
{
    for (size_t nth = 1; nth < 90; nth++) {
        start(1, "num_traces: 1\ndecision_wait: 20s\nlogs_without_spans: drop\nrecent_traces: 0\n" KEEP_ERRORS);
        make_room_without_memory(nth);
        stop();
    }
}
END_TEST

/* Judged, and passed on all the same, late ones and lines without a trace, too. */
START_TEST(test_a_dry_run_judges_and_drops_nothing)
{
    start(1, "dry_run: true\nlogs_without_trace_id: drop\nlogs_without_spans: drop\ndecision_wait: 10ms\n" KEEP_ERRORS);
    ck_assert_int_eq(offer_one(0, span_of(1, 0)), WEFT_OK);
    ck_assert_int_eq(offer_one(0, line_of(2, 1)), WEFT_OK);
    struct join_record loose = line_of(3, 1);
    loose.trace_id = NULL;
    ck_assert_int_eq(offer_one(0, loose), WEFT_OK);
    advance(11 * WEFT_NS_PER_MS);
    expect_knowledge(1, WEFT_TRACE_DROPPED);
    struct weft_trace_answer answer = join_ask(id_of(1));
    ck_assert_ptr_nonnull(memmem(answer.json.bytes, answer.json.length, "\"dry_run\":true", 14));
    weft_buffer_fini(&answer.json);
    ck_assert_int_eq(offer_one(0, span_of(1, 0)), WEFT_OK);
    for (uint32_t number = 0; number < 4; number++) {
        ck_assert_uint_eq(seen[number], 1);
    }
    ck_assert_uint_eq(totals().dropped, 0);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join limits");
    TCase *tests = tcase_create("limits");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_a_span_whose_parent_is_zeros_is_a_root);
    tcase_add_test(tests, test_a_pipeline_that_is_not_used_after_all_costs_no_recent_trace);
    tcase_add_test(tests, test_a_reload_may_rename_as_many_pipelines_as_may_share_the_join);
    tcase_add_test(tests, test_beyond_num_traces_the_oldest_is_decided_and_no_other);
    tcase_add_test(tests, test_kept_traces_that_wait_for_an_outlet_take_no_place_of_num_traces);
    tcase_add_test(tests, test_a_trace_that_is_decided_within_its_batch_loses_nothing);
    tcase_add_test(tests, test_beyond_max_bytes_a_few_are_decided);
    tcase_add_test(tests, test_a_trace_that_is_too_large_is_dropped_and_late_spans_follow);
    tcase_add_test(tests, test_kept_traces_that_cannot_go_close_the_stage_and_open_it_again);
    tcase_add_test(tests, test_memory_that_kept_traces_hold_closes_the_stage_until_they_are_gone);
    tcase_add_test(tests, test_those_that_wait_for_one_outlet_do_not_hold_up_others);
    tcase_add_test(tests, test_records_without_a_byte_are_records);
    tcase_add_test(tests, test_records_that_come_all_the_time_do_not_put_off_what_is_due);
    tcase_add_test(tests, test_a_logs_pipeline_that_leaves_cuts_no_other_wait_short);
    tcase_add_test(tests, test_by_force_what_cannot_go_is_dropped_with_the_reason);
    tcase_add_test(tests, test_a_stage_that_is_full_opens_before_the_next_trace_is_due);
    tcase_add_test(tests, test_a_trace_that_was_decided_to_make_room_is_not_used_again);
    tcase_add_test(tests, test_a_dry_run_judges_and_drops_nothing);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
