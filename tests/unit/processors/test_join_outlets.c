/* The join and its outlets: those that stay closed, that leave, that are renamed, and those that all goes to in a dry
 * run. */
#include "join_numbered.h"
#include "pipeline/loan.h"
#include "suite.h"

extern const struct weft_share_operations weft_join_share_operations;

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
    Suite *suite = suite_create("join outlets");
    TCase *tests = tcase_create("outlets");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_a_pipeline_that_is_not_used_after_all_costs_no_recent_trace);
    tcase_add_test(tests, test_a_reload_may_rename_as_many_pipelines_as_may_share_the_join);
    tcase_add_test(tests, test_kept_traces_that_cannot_go_close_the_stage_and_open_it_again);
    tcase_add_test(tests, test_memory_that_kept_traces_hold_closes_the_stage_until_they_are_gone);
    tcase_add_test(tests, test_those_that_wait_for_one_outlet_do_not_hold_up_others);
    tcase_add_test(tests, test_a_logs_pipeline_that_leaves_cuts_no_other_wait_short);
    tcase_add_test(tests, test_by_force_what_cannot_go_is_dropped_with_the_reason);
    tcase_add_test(tests, test_a_dry_run_judges_and_drops_nothing);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
