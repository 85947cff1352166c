/* Records that the join keeps in the payload they came in: when it does, when it copies them after all, and that what
 * comes out is what came in. The payloads here are all records but for a few bytes; elsewhere in these tests they are
 * small, and copied. */
#include "join/join_internal.h"
#include "join_seen.h"
#include "suite.h"

enum { PADDING = 3700, SMALL_PADDING = 3000, TRACES = 8, SEEN_MAX = 64, WAIT_MS = 100 };

#define WAIT     "decision_wait: 100ms\nrecent_traces: 0\n"
#define KEEP_ALL "policies: [{name: all, type: always_sample}]\n"

/* All that comes out has its padding, which is what put_padding writes. */
static void see_whole(size_t pipeline, uint32_t worker, const struct weft_otlp_table *table, uint32_t row)
{
    struct weft_slice record = weft_slice_of(table->records[row].bytes, table->records[row].length);
    size_t padding = 0;
    for (size_t i = 0; i < record.length; i++) {
        padding += record.bytes[i] == 'x';
    }
    ck_assert_uint_ge(padding, SMALL_PADDING);
    see(pipeline, worker, table, row);
}

static void start(uint32_t worker_count, const char *config)
{
    start_seeing(worker_count, config);
    join->on_out = see_whole;
}

/* Their ids say which worker owns them; number is the span's and its trace's. */
static struct join_record span_of(uint32_t number, bool is_root)
{
    static uint8_t ids[SEEN_MAX][16];
    memset(ids[number], 0x11, 16);
    memcpy(ids[number], &number, sizeof number);
    memcpy(ids[number] + 8, &number, sizeof number);
    return (struct join_record){ .number = number,
                                 .trace_id = ids[number],
                                 .parent = is_root ? JOIN_NO_SPAN : number,
                                 .span = JOIN_NO_SPAN,
                                 .start_ns = 1000,
                                 .end_ns = 2000,
                                 .padding = PADDING };
}

/* One request with a span of each trace; roots: a bit for each that has its root in it. */
static void offer_traces(uint32_t first, uint32_t roots)
{
    struct join_record records[TRACES];
    for (uint32_t i = 0; i < TRACES; i++) {
        records[i] = span_of(first + i, (roots >> i & 1) != 0);
    }
    ck_assert_int_eq(join_offer(0, records, TRACES, NULL), WEFT_OK);
}

static struct weft_join *core(uint32_t worker)
{
    return weft_join_of(join->cores[worker]);
}

static uint32_t pinned_records(uint32_t worker)
{
    uint32_t cursor = 0, count = 0;
    for (const struct weft_trace *trace = weft_table_next(core(worker)->traces, &cursor); trace != NULL;
         trace = weft_table_next(core(worker)->traces, &cursor)) {
        count += trace->chain.pinned_count;
    }
    return count;
}

static unsigned seen_count(uint32_t first)
{
    unsigned count = 0;
    for (uint32_t i = first; i < first + TRACES; i++) {
        ck_assert_uint_le(seen[i], 1);
        count += seen[i];
    }
    return count;
}

START_TEST(test_payload_of_records_stays_until_they_are_decided)
{
    start(1, WAIT KEEP_ALL);
    offer_traces(0, 0);
    ck_assert_uint_eq(pinned_records(0), TRACES);
    ck_assert_uint_gt(weft_slab_size_bytes(core(0)->slab), TRACES * PADDING);
    advance((WAIT_MS + 1) * WEFT_NS_PER_MS);
    ck_assert_uint_eq(seen_count(0), TRACES);
    ck_assert_uint_lt(weft_slab_size_bytes(core(0)->slab), PADDING);
    stop();
}
END_TEST

START_TEST(test_payload_with_much_else_is_not_kept)
{
    start(1, WAIT KEEP_ALL);
    struct join_record small = span_of(0, false);
    small.padding = SMALL_PADDING; /* of a page */
    ck_assert_int_eq(join_offer(0, &small, 1, NULL), WEFT_OK);
    ck_assert_uint_eq(pinned_records(0), 0);
    small.padding = 3900;
    small.number = 1;
    ck_assert_int_eq(join_offer(0, &small, 1, NULL), WEFT_OK);
    ck_assert_uint_eq(pinned_records(0), 1);
    advance((WAIT_MS + 1) * WEFT_NS_PER_MS);
    ck_assert(seen[0] == 1 && seen[1] == 1);
    stop();
}
END_TEST

/* All but one of the traces are decided soon: the one must not hold the payload of all. */
START_TEST(test_one_trace_does_not_keep_the_payload_of_others)
{
    start(1, WAIT "decision_wait_after_root_received: 10ms\nmax_bytes: 300000\n" KEEP_ALL);
    offer_traces(0, 0xfe);
    ck_assert_uint_eq(pinned_records(0), TRACES);
    advance(11 * WEFT_NS_PER_MS);
    ck_assert_uint_eq(seen_count(0), TRACES - 1);
    advance(6 * WEFT_NS_PER_MS); /* the next step */
    ck_assert_uint_eq(pinned_records(0), 0);
    ck_assert_uint_eq(weft_slab_unused_pinned_bytes(core(0)->slab), 0);
    struct join_record more = span_of(0, false);
    more.number = TRACES;
    more.padding = 3900;
    ck_assert_int_eq(join_offer(0, &more, 1, NULL), WEFT_OK);
    ck_assert_uint_eq(pinned_records(0), 0); /* nor will it again */
    advance(WAIT_MS * WEFT_NS_PER_MS);
    ck_assert_uint_eq(seen_count(0), TRACES);
    ck_assert_uint_eq(seen[TRACES], 1);
    stop();
}
END_TEST

/* What is kept but cannot go on may stay for hours, and the dropped ones that came with it must not. */
START_TEST(test_kept_trace_that_waits_lets_go_of_the_dropped_ones)
{
    start(1, WAIT "max_bytes: 300000\npolicies: [{name: errors, type: status_code, status_code: {status_codes: "
                  "[ERROR]}}]\n");
    weft_consumer_set_open(&join->sinks[0][0].consumer, false);
    struct join_record records[TRACES];
    for (uint32_t half = 0; half < 2; half++) {
        for (uint32_t i = 0; i < TRACES; i++) {
            records[i] = span_of(half * TRACES + i, false);
            records[i].status = i == 3 ? 2 : 0;
        }
        advance(WAIT_MS / 2 * half * WEFT_NS_PER_MS);
        ck_assert_int_eq(join_offer(0, records, TRACES, NULL), WEFT_OK);
    }
    ck_assert_uint_eq(pinned_records(0), 2 * TRACES);
    advance((WAIT_MS / 2 + 1) * WEFT_NS_PER_MS); /* what is written is parked and blocks the outlet */
    advance((WAIT_MS / 2 + 6) * WEFT_NS_PER_MS);
    ck_assert_uint_eq(core(0)->kept_count, 1);
    ck_assert_uint_eq(pinned_records(0), 0);
    ck_assert_uint_eq(weft_slab_unused_pinned_bytes(core(0)->slab), 0);
    weft_consumer_set_open(&join->sinks[0][0].consumer, true);
    advance(WEFT_NS_PER_S);
    ck_assert(seen[3] == 1 && seen[TRACES + 3] == 1 && seen_count(0) + seen_count(TRACES) == 2);
    stop();
}
END_TEST

/* 16 KiB of kept traces that wait: with others they would be too much if they were copied while their payload stays. */
START_TEST(test_kept_traces_that_wait_cost_no_second_time)
{
    start(1, WAIT "max_bytes: 300000\n" KEEP_ALL);
    weft_consumer_set_open(&join->sinks[0][0].consumer, false);
    offer_traces(0, 0);
    advance(WAIT_MS / 2 * WEFT_NS_PER_MS);
    offer_traces(TRACES, 0);
    advance((WAIT_MS / 2 + 1) * WEFT_NS_PER_MS);
    size_t before = weft_slab_size_bytes(core(0)->slab);
    advance(WAIT_MS * WEFT_NS_PER_MS);
    ck_assert_uint_eq(core(0)->kept_count, TRACES);
    ck_assert_uint_eq(pinned_records(0), TRACES);
    ck_assert_uint_le(weft_slab_size_bytes(core(0)->slab), before);
    weft_consumer_set_open(&join->sinks[0][0].consumer, true);
    advance(WEFT_NS_PER_S);
    ck_assert_uint_eq(seen_count(0) + seen_count(TRACES), 2 * TRACES);
    stop();
}
END_TEST

/* Above half of max_bytes deciding early must free memory at once. */
START_TEST(test_nothing_is_pinned_when_memory_is_half_used_up)
{
    start(1, WAIT "max_bytes: 200000\nverdict_memory: 65536\n" KEEP_ALL);
    uint32_t offered = 0;
    while (weft_join_size_bytes(core(0)) <= 100000) {
        offer_traces(offered, 0);
        offered += TRACES;
        ck_assert_uint_lt(offered, SEEN_MAX - TRACES);
    }
    uint32_t pinned = pinned_records(0);
    offer_traces(offered, 0);
    ck_assert_uint_eq(pinned_records(0), pinned);
    ck_assert_uint_eq(join_held(), offered + TRACES);
    stop();
}
END_TEST

/* A trace that is dropped early leaves its payload to the recent ones beside it: they are copied, and nobody else. */
START_TEST(test_recent_traces_are_copied_before_held_ones)
{
    start(1, "decision_wait: 100ms\ndecision_wait_after_root_received: 10ms\nrecent_traces: 16000\n"
             "max_bytes: 400000\n" KEEP_ALL);
    struct join_record records[3 * TRACES], held = span_of(3 * TRACES, false);
    for (uint32_t i = 0; i < 3 * TRACES; i++) {
        records[i] = span_of(i, true);
    }
    held.padding = 3900;
    ck_assert_int_eq(join_offer(0, records, 3 * TRACES, NULL), WEFT_OK);
    ck_assert_int_eq(join_offer(0, &held, 1, NULL), WEFT_OK);
    advance(11 * WEFT_NS_PER_MS);
    ck_assert_uint_eq(core(0)->recent_count, 4); /* the others have left the ring already */
    advance(6 * WEFT_NS_PER_MS);
    ck_assert_uint_eq(core(0)->recent_copied_count, 4);
    ck_assert_uint_le(weft_slab_unused_pinned_bytes(core(0)->slab), 4096);
    ck_assert_uint_eq(pinned_records(0), 1);
    stop();
}
END_TEST

/* A batch that another worker lends is its own: its payloads are counted there. */
START_TEST(test_records_of_another_worker_are_copied)
{
    start(2, WAIT KEEP_ALL);
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 0);
    join->hosts[1].pool = pool;
    struct join_record records[TRACES];
    uint32_t count = 0;
    for (uint32_t number = 0; count < TRACES; number++) { /* those that worker 1 owns */
        ck_assert_uint_lt(number, SEEN_MAX - TRACES);
        records[count] = span_of(number, false);
        ck_assert_int_eq(join_offer(0, &records[count], 1, NULL), WEFT_OK);
        join_deliver_all();
        count += weft_face_held(join->faces[1][0]) > count;
        records[count == 0 ? 0 : count - 1].number = SEEN_MAX - 1 - count;
    }
    ck_assert_int_eq(join_offer(0, records, TRACES, NULL), WEFT_OK);
    join_deliver_all();
    ck_assert_uint_eq(weft_face_held(join->faces[1][0]), 2 * TRACES);
    ck_assert_uint_eq(pinned_records(1), 0);
    join_drain(WEFT_DROP_SHUTDOWN, false);
    weft_payload_pool_free(pool); /* asserts that all are back */
    join->hosts[1].pool = host.pool;
    stop();
}
END_TEST

START_TEST(test_recent_trace_lets_go_of_its_payload_when_others_come)
{
    start(1, "decision_wait: 100ms\nrecent_traces: 100000\n" KEEP_ALL);
    offer_traces(0, 0);
    advance((WAIT_MS + 1) * WEFT_NS_PER_MS);
    ck_assert_uint_gt(weft_slab_size_bytes(core(0)->slab), TRACES * PADDING);
    struct weft_trace_answer answer = join_ask(span_of(0, false).trace_id);
    ck_assert_int_eq(answer.knowledge, WEFT_TRACE_KEPT);
    ck_assert_ptr_nonnull(memmem(answer.json.bytes, answer.json.length, "\"tree\"", 6));
    weft_buffer_fini(&answer.json);
    for (uint32_t i = 1; i < 4; i++) {
        offer_traces(i * TRACES, 0);
        advance((WAIT_MS + 1) * WEFT_NS_PER_MS);
    }
    ck_assert_uint_lt(weft_slab_size_bytes(core(0)->slab), 200000);
    stop();
}
END_TEST

/* Room for more facts moves the traces to another table, and their places in the list of who keeps payloads. */
START_TEST(test_reload_with_more_facts_keeps_what_is_pinned)
{
    static char text[65536];
    size_t length = (size_t)snprintf(text, sizeof text, WAIT "policies: [");
    for (int i = 0; i < 400; i++) {
        length +=
            (size_t)snprintf(text + length, sizeof text - length,
                             "{name: p%d, type: string_attribute, string_attribute: {key: k, values: [v%d]}},", i, i);
    }
    snprintf(text + length, sizeof text - length, "{name: all, type: always_sample}]\n");
    start(1, WAIT KEEP_ALL);
    size_t entry_facts_bytes = core(0)->entry_facts_bytes;
    offer_traces(0, 0);
    join_update(text);
    ck_assert_uint_gt(core(0)->entry_facts_bytes, entry_facts_bytes);
    ck_assert_uint_eq(pinned_records(0), TRACES);
    size_t listed = 0;
    WEFT_LIST_EACH(node, &core(0)->pinning)
    {
        listed++;
    }
    ck_assert_uint_eq(listed, TRACES);
    advance((WAIT_MS + 1) * WEFT_NS_PER_MS);
    ck_assert_uint_eq(seen_count(0), TRACES);
    ck_assert(weft_list_is_empty(&core(0)->pinning));
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join pinned");
    TCase *tests = tcase_create("pinned");
    tcase_add_test(tests, test_payload_of_records_stays_until_they_are_decided);
    tcase_add_test(tests, test_payload_with_much_else_is_not_kept);
    tcase_add_test(tests, test_one_trace_does_not_keep_the_payload_of_others);
    tcase_add_test(tests, test_kept_trace_that_waits_lets_go_of_the_dropped_ones);
    tcase_add_test(tests, test_kept_traces_that_wait_cost_no_second_time);
    tcase_add_test(tests, test_nothing_is_pinned_when_memory_is_half_used_up);
    tcase_add_test(tests, test_recent_traces_are_copied_before_held_ones);
    tcase_add_test(tests, test_records_of_another_worker_are_copied);
    tcase_add_test(tests, test_recent_trace_lets_go_of_its_payload_when_others_come);
    tcase_add_test(tests, test_reload_with_more_facts_keeps_what_is_pinned);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
