/* The join at its limits: traces and bytes that are held, one batch with several records of a trace that is decided
 * while the batch is being taken, records of nothing. */
#include "join_numbered.h"
#include "suite.h"

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

int main(void)
{
    Suite *suite = suite_create("join limits");
    TCase *tests = tcase_create("limits");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_a_span_whose_parent_is_zeros_is_a_root);
    tcase_add_test(tests, test_beyond_num_traces_the_oldest_is_decided_and_no_other);
    tcase_add_test(tests, test_kept_traces_that_wait_for_an_outlet_take_no_place_of_num_traces);
    tcase_add_test(tests, test_a_trace_that_is_decided_within_its_batch_loses_nothing);
    tcase_add_test(tests, test_beyond_max_bytes_a_few_are_decided);
    tcase_add_test(tests, test_a_trace_that_is_too_large_is_dropped_and_late_spans_follow);
    tcase_add_test(tests, test_records_without_a_byte_are_records);
    tcase_add_test(tests, test_records_that_come_all_the_time_do_not_put_off_what_is_due);
    tcase_add_test(tests, test_a_stage_that_is_full_opens_before_the_next_trace_is_due);
    tcase_add_test(tests, test_a_trace_that_was_decided_to_make_room_is_not_used_again);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
