/* Words that records bring behind the verdict on their trace: what was dropped follows a group that was kept from then
 * on, and who comes later follows what was kept. */
#include "join/join_internal.h"
#include "join_words.h"
#include "suite.h"

#define CONFIG "decision_wait: 100ms\n" WORDS KEEP_ERRORS

/* Trace 1 is dropped by itself, job_1 is kept, job_2 is dropped. */
static void begin_three(uint32_t workers)
{
    start(workers, CONFIG);
    (void)offer(0, span_of(1, 0));
    (void)offer_job(0, 2, "job_1", true);
    (void)offer_job(0, 3, "job_2", false);
    pass_time(150);
    expect_knowledge(1, WEFT_TRACE_DROPPED);
}

START_TEST(test_a_late_span_with_a_word_of_a_kept_group_is_kept)
{
    EACH_WORKER_COUNT(workers)
    {
        begin_three(workers);
        uint32_t late = offer_job(0, 1, "job_1", false);
        join_deliver_all();
        expect_knowledge(1, WEFT_TRACE_KEPT);
        uint32_t later = offer(0, span_of(1, 0));
        uint32_t line = offer(0, line_of(1, 1));
        join_deliver_all();
        expect_out(late, 1);
        expect_out(later, 1);
        expect_out(line, 1);
        ck_assert(is_late_member(1));
        ck_assert(!is_late_member(2));
        expect_sample("weft_join_late_records_kept", 3);
        expect_sample("weft_join_late_records_dropped", 0);
        expect_sample("otelcol_processor_tail_sampling_new_trace_id_received", 3);
        ck_assert_uint_eq(join_held(), 0);
        stop();
    }
}
END_TEST

START_TEST(test_a_late_line_with_a_word_of_a_kept_group_is_kept)
{
    EACH_WORKER_COUNT(workers)
    {
        begin_three(workers);
        uint32_t late = offer(0, with_word(line_of(1, 1), "job_id", "job_1"));
        join_deliver_all();
        expect_out(late, 1);
        ck_assert(is_late_member(1));
        stop();
    }
}
END_TEST

START_TEST(test_a_late_span_with_a_word_of_a_dropped_group_is_dropped)
{
    EACH_WORKER_COUNT(workers)
    {
        begin_three(workers);
        uint32_t late = offer_job(0, 1, "job_2", true);
        uint32_t of_nobody = offer_job(0, 1, "job_3", true);
        join_deliver_all();
        expect_out(late, 0);
        expect_out(of_nobody, 0);
        expect_knowledge(1, WEFT_TRACE_DROPPED);
        ck_assert(!is_late_member(1));
        expect_sample("weft_join_late_records_dropped", 2);
        expect_sample("weft_join_late_members", 0);
        ck_assert_uint_eq(join_held(), 0);
        stop();
    }
}
END_TEST

/* Two late spans, one of a dropped group and one of a kept one: what came before the answer goes with what comes. */
START_TEST(test_any_word_of_a_kept_group_is_enough)
{
    EACH_WORKER_COUNT(workers)
    {
        begin_three(workers);
        uint32_t one = offer_job(0, 1, "job_2", false);
        uint32_t other = offer_job(0, 1, "job_1", false);
        join_deliver_all();
        expect_out(other, 1);
        expect_out(one, workers > 1 && weft_join_owner_of_id(join->cores[0], id_of(1)) != 0);
        ck_assert(is_late_member(1));
        stop();
    }
}
END_TEST

START_TEST(test_who_shares_a_late_word_with_a_kept_trace_follows_it)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        (void)offer(0, failed(span_of(1, 0)));
        pass_time(150);
        uint32_t held = offer_job(0, 2, "job_3", false);
        join_deliver_all();
        uint32_t late = offer_job(0, 1, "job_3", false);
        join_deliver_all();
        uint32_t after = offer_job(0, 3, "job_3", false);
        expect_out(late, 1);
        pass_time(150);
        expect_out(held, 1);
        expect_out(after, 1);
        ck_assert(!is_late_member(1));
        stop();
    }
}
END_TEST

/* While the group is held nobody knows; once it was kept, what comes then follows it. */
START_TEST(test_a_late_span_decides_no_group)
{
    EACH_WORKER_COUNT(workers)
    {
        begin_three(workers);
        uint32_t held = offer_job(0, 4, "job_4", true);
        join_deliver_all();
        uint32_t late = offer_job(0, 1, "job_4", false);
        join_deliver_all();
        expect_out(late, 0);
        expect_out(held, 0);
        expect_knowledge(4, WEFT_TRACE_HELD);
        pass_time(150);
        uint32_t later = offer_job(0, 1, "job_4", false);
        join_deliver_all();
        expect_out(held, 1);
        expect_out(later, 1);
        stop();
    }
}
END_TEST

/* What waits for an answer is held, and let go of by force like anything else. */
START_TEST(test_late_spans_that_wait_are_in_the_books)
{
    start(4, CONFIG);
    for (uint32_t i = 0; i < 40; i++) {
        (void)offer(0, span_of(i, 0));
    }
    pass_time(150);
    for (uint32_t i = 0; i < 40; i++) {
        (void)offer_job(0, i, "job_1", false);
        (void)offer(0, with_word(line_of(i, 1), "job_id", "job_1"));
    }
    for (uint32_t w = 1; w < 4; w++) { /* the owners have them, and the groups' worker does not answer */
        for (size_t count = join->lanes[0][w].count; count > 0; count--) {
            struct weft_message *message = join_take_mail(0, w);
            message->on_delivered(message);
        }
    }
    ck_assert_uint_gt(join_held(), 20);
    join_expect_audit();
    expect_knowledge(1, WEFT_TRACE_DROPPED);
    for (uint32_t w = 0; w < 4; w++) {
        for (size_t p = 0; p < JOIN_PIPELINES; p++) {
            join->faces[w][p]->operations->drain(join->faces[w][p], WEFT_DROP_SHUTDOWN, true);
        }
        ck_assert_uint_eq(weft_join_of(join->cores[w])->asking_count, 0);
    }
    join_deliver_all();
    ck_assert_uint_eq(join_held(), 0);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_SAMPLED_OUT), 120);
    stop();
}
END_TEST

/* Nobody answers: the verdict that is there stands, in time. */
START_TEST(test_late_spans_wait_only_so_long)
{
    start(2, CONFIG);
    for (uint32_t i = 0; i < 20; i++) {
        (void)offer(1, span_of(i, 0));
    }
    pass_time(150);
    for (uint32_t i = 0; i < 20; i++) {
        if (weft_join_owner_of_id(join->cores[0], id_of(i)) == 1) {
            (void)offer_job(1, i, "job_1", false);
        }
    }
    ck_assert_uint_gt(join_held(), 0);
    advance(11 * WEFT_NS_PER_S);
    ck_assert_uint_eq(join_held(), 0);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join late words");
    TCase *tests = tcase_create("late");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_a_late_span_with_a_word_of_a_kept_group_is_kept);
    tcase_add_test(tests, test_a_late_line_with_a_word_of_a_kept_group_is_kept);
    tcase_add_test(tests, test_a_late_span_with_a_word_of_a_dropped_group_is_dropped);
    tcase_add_test(tests, test_any_word_of_a_kept_group_is_enough);
    tcase_add_test(tests, test_who_shares_a_late_word_with_a_kept_trace_follows_it);
    tcase_add_test(tests, test_a_late_span_decides_no_group);
    tcase_add_test(tests, test_late_spans_that_wait_are_in_the_books);
    tcase_add_test(tests, test_late_spans_wait_only_so_long);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
