/* Groups that are disturbed: by rules that change while they are decided, and by what traces tell behind their verdict.
 */
#include "join/join_internal.h"
#include "join_words.h"
#include "suite.h"

#define CONFIG "decision_wait: 100ms\n" WORDS KEEP_ERRORS

static uint32_t trace_of_worker(uint32_t worker)
{
    uint32_t trace = 1;
    while (weft_join_owner_of_id(join->cores[0], id_of(trace)) != worker) {
        trace++;
    }
    return trace;
}

/* ---- rules that change meanwhile ---- */

static void deliver_first(uint32_t from, uint32_t to)
{
    struct weft_message *message = join_take_mail(from, to);
    message->on_delivered(message);
}

/* One trace on each of two workers with job_1: the first worker has asked both, has its own answer, and the question to
 * the second is in the mail. */
static void begin_asking(const char *config, bool is_failed, uint32_t out_numbers[2])
{
    start(2, config);
    for (uint32_t w = 0; w < 2; w++) {
        out_numbers[w] = offer_job(0, trace_of_worker(w), "job_1", is_failed);
    }
    join_deliver_all();
    advance(105 * WEFT_NS_PER_MS);
    ck_assert_uint_gt(join->lanes[0][1].count, 0);
}

/* The second worker answers by new rules, and the answer meets the first one when it has them, too. */
static void change_rules_around_the_answer(const char *config)
{
    struct join_rules rules = join_rules_of(config);
    join->cores[1]->operations->update(join->cores[1], rules.config, rules.shared);
    while (join->lanes[0][1].count > 0) {
        deliver_first(0, 1);
    }
    join->cores[0]->operations->update(join->cores[0], rules.config, rules.shared);
    join_rules_free(&join->rules);
    join->rules = rules;
}

/* Rules whose facts are larger. */
static const char *many_policies(void)
{
    static char text[65536];
    int length = snprintf(text, sizeof text, "%s", CONFIG) - 2;
    for (int i = 0; i < 300; i++) {
        length +=
            snprintf(text + length, sizeof text - (size_t)length,
                     ",\n  {name: p%d, type: string_attribute, string_attribute: {key: user, values: [\"%d\"]}}", i, i);
    }
    snprintf(text + length, sizeof text - (size_t)length, "]\n");
    return text;
}

START_TEST(test_larger_rules_while_a_group_is_decided_have_room)
{
    uint32_t numbers[2];
    begin_asking(CONFIG, true, numbers);
    change_rules_around_the_answer(many_policies());
    pass_time(100);
    expect_out(numbers[0], 1);
    expect_out(numbers[1], 1);
    ck_assert_uint_eq(join_held(), 0);
    stop();
}
END_TEST

#define KEEP_JOB(job) \
    "policies: [{name: j, type: string_attribute, string_attribute: {key: job_id, values: [" job "]}}]\n"

START_TEST(test_answers_of_two_rules_are_not_mixed)
{
    uint32_t numbers[2];
    begin_asking("decision_wait: 100ms\n" WORDS KEEP_JOB("job_1"), false, numbers);
    change_rules_around_the_answer("decision_wait: 100ms\n" WORDS KEEP_JOB("job_2"));
    pass_time(100);
    expect_out(numbers[0], 0);
    expect_out(numbers[1], 0);
    ck_assert_uint_eq(join_held(), 0);
    stop();
}
END_TEST

/* No answer comes to those that have changed: who answered by the former rules is asked again before it is decided. */
START_TEST(test_larger_rules_while_an_answer_is_missed_have_room)
{
    uint32_t numbers[2];
    begin_asking(CONFIG, false, numbers);
    struct join_rules rules = join_rules_of(many_policies());
    for (uint32_t w = 0; w < 2; w++) {
        join->cores[w]->operations->update(join->cores[w], rules.config, rules.shared);
    }
    join_rules_free(&join->rules);
    join->rules = rules;
    for (int ms = 0; ms < 12000; ms += 100) { /* the first worker hears of nobody */
        advance(100 * WEFT_NS_PER_MS);
    }
    expect_out(numbers[0], 0);
    expect_out(numbers[1], 0);
    ck_assert_uint_eq(join_held(), 0);
    stop();
}
END_TEST

/* ---- late words of what was dropped ---- */

/* Keeps traces of one span: a group of two is dropped, and each of them would be kept alone. */
#define KEEP_SINGLE "policies: [{name: n, type: span_count, span_count: {min_spans: 1, max_spans: 1}}]\n"

/* A trace that has nothing to do with it was dropped, alone or with a group of its own; more of it comes with the word
 * of two that are held: these are judged together all the same. */
START_TEST(test_a_late_word_of_a_dropped_trace_leaves_a_group_together)
{
    EACH_WORKER_COUNT(workers)
    {
        for (int has_group = 0; has_group < 2; has_group++) {
            start(workers, "decision_wait: 100ms\n" WORDS KEEP_SINGLE);
            for (int i = 0; i < 2; i++) {
                (void)(has_group ? offer_job(0, 9, "job_9", false) : offer(0, span_of(9, 0)));
            }
            pass_time(150);
            uint32_t one = offer_job(0, 1, "job_1", false);
            uint32_t other = offer_job(0, 2, "job_1", false);
            pass_time(20);
            uint32_t late = offer_job(0, 9, "job_1", false);
            pass_time(150);
            expect_out(one, 0);
            expect_out(other, 0);
            expect_out(late, 0);
            ck_assert(!is_late_member(1));
            ck_assert(!is_late_member(2));
            expect_sample("weft_join_late_members", 0);
            stop();
        }
    }
}
END_TEST

/* Late records of one dropped trace with the words of two groups that are held: they stay two. */
START_TEST(test_late_words_of_a_dropped_trace_merge_no_groups)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        (void)offer(0, span_of(9, 0));
        pass_time(150);
        uint32_t bad = offer_job(0, 1, "job_1", true);
        uint32_t healthy = offer_job(0, 2, "job_2", false);
        join_deliver_all();
        (void)offer_job(0, 9, "job_1", false);
        join_deliver_all();
        (void)offer_job(0, 9, "job_2", false);
        pass_time(150);
        expect_out(bad, 1);
        expect_out(healthy, 0);
        stop();
    }
}
END_TEST

/* ---- what one trace tells behind its verdict ---- */

static void offer_request(uint32_t trace, uint32_t request)
{
    char word[32];
    snprintf(word, sizeof word, "request_%u", request);
    (void)offer(0, with_word(span_of(trace, 0), "request_id", word));
}

START_TEST(test_a_decided_trace_brings_eight_words)
{
    for (int is_kept = 0; is_kept < 2; is_kept++) {
        EACH_WORKER_COUNT(workers)
        {
            start(workers, CONFIG);
            (void)offer_job(0, 1, "job_1", is_kept);
            pass_time(150);
            for (uint32_t i = 0; i < 9000; i++) {
                offer_request(1, i);
                join_deliver_all();
            }
            expect_sample("weft_join_aliases", 1 + 8);
            expect_sample("weft_join_group_words_passed_over", 9000 - 8);
            stop();
        }
    }
}
END_TEST

/* 64 traces of a group bring what they can before its verdict and behind it. */
START_TEST(test_a_group_has_512_words)
{
    start(1, CONFIG);
    for (uint32_t i = 0; i < 64; i++) {
        for (uint32_t word = 0; word < 7; word++) {
            offer_request(i, i * 7 + word);
        }
        (void)offer_job(0, i, "job_1", i == 0);
    }
    pass_time(150);
    expect_sample("weft_join_aliases", 64 * 7 + 1);
    for (uint32_t i = 0; i < 64 * 8; i++) {
        offer_request(i / 8, 1000 + i);
    }
    expect_sample("weft_join_groups", 1);
    expect_sample("weft_join_aliases", 512);
    expect_sample("weft_join_group_words_passed_over", 64 * 7 + 1);
    stop();
}
END_TEST

/* Two groups with words enough, of which one follows the other's verdict, would have more together. */
START_TEST(test_groups_with_too_many_words_stay_two)
{
    start(1, CONFIG);
    for (uint32_t i = 0; i < 32; i++) {
        (void)offer_job(0, i, "job_1", i == 0);
        for (uint32_t word = 0; word < 7; word++) {
            offer_request(i, i * 7 + word);
        }
    }
    pass_time(150);
    for (uint32_t i = 0; i < 32 * 8; i++) {
        offer_request(i / 8, 1000 + i);
    }
    expect_sample("weft_join_aliases", 1 + 32 * 7 + 32 * 8);
    uint32_t first = next_number;
    for (uint32_t i = 100; i < 106; i++) {
        (void)offer_job(0, i, "job_2", false);
        for (uint32_t word = 0; word < 6; word++) {
            offer_request(i, i * 100 + word);
        }
    }
    (void)offer_job(0, 100, "job_1", false);
    pass_time(150);
    expect_out(first, 0);
    expect_sample("weft_join_groups", 2);
    expect_sample("weft_join_groups_closed", 1);
    stop();
}
END_TEST

/* A word of a group that is full burns when many traces have it, not when one has it often. */
START_TEST(test_a_decided_trace_burns_no_word)
{
    for (int is_kept = 0; is_kept < 2; is_kept++) {
        EACH_WORKER_COUNT(workers)
        {
            start(workers, CONFIG);
            for (uint32_t i = 0; i < 64; i++) {
                (void)offer_job(0, i, "job_1", i == 3);
            }
            struct join_record other = with_word(span_of(100, 0), "request_id", "request_1");
            (void)offer(0, is_kept ? failed(other) : other);
            pass_time(150);
            for (uint32_t i = 0; i < 1100; i++) {
                (void)offer_job(0, 100, "job_1", false);
                join_deliver_all();
            }
            expect_sample("weft_join_aliases_burnt", 0);
            stop();
        }
    }
}
END_TEST

START_TEST(test_a_decided_trace_pushes_nobody_out)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers,
              "decision_wait: 100ms\naliases: {families: [job_id, request_id], alias_memory: 65536}\n" KEEP_ERRORS);
        (void)offer_job(0, 1, "job_1", true);
        (void)offer_job(0, 2, "job_2", true);
        pass_time(150);
        for (uint32_t i = 0; i < 1000; i++) {
            offer_request(2, i);
            join_deliver_all();
        }
        uint32_t number = offer_job(0, 3, "job_1", false);
        pass_time(150);
        expect_out(number, 1);
        expect_sample("weft_join_groups_forgotten", 0);
        stop();
    }
}
END_TEST

/* ---- spans that come while lines are due ---- */

/* A trace of lines only has asked for its verdict; before it hears that its group has no spans, it has one. It keeps
 * the words of its lines. */
static void span_comes_meanwhile(uint32_t there, uint32_t *out_number)
{
    (void)offer(1, with_word(line_of(there, 1), "job_id", "job_1"));
    (void)offer(1, with_word(line_of(there, 1), "request_id", "request_1"));
    join_deliver_all();
    advance(105 * WEFT_NS_PER_MS);
    ck_assert_uint_gt(join->lanes[1][0].count, 0);
    *out_number = offer(1, span_of(there, 0));
    pass_time(20);
}

START_TEST(test_a_span_that_comes_while_lines_are_due_has_their_words)
{
    static const char *const words[][2] = { { "job_id", "job_1" }, { "request_id", "request_1" } };
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        start(2, CONFIG);
        uint32_t number;
        span_comes_meanwhile(trace_of_worker(1), &number);
        uint32_t bad = offer(0, with_word(failed(span_of(trace_of_worker(0), 0)), words[i][0], words[i][1]));
        pass_time(150);
        expect_out(bad, 1);
        expect_out(number, 1);
        ck_assert_uint_eq(join_held(), 0);
        stop();
    }
}
END_TEST

/* ---- lines without an id, long after ---- */

/* What became of lines with a word holds for alias_ttl, as what became of its group does. */
START_TEST(test_lines_follow_no_verdict_that_is_too_old)
{
    for (unsigned is_kept = 0; is_kept < 2; is_kept++) {
        EACH_WORKER_COUNT(workers)
        {
            start(workers, "decision_wait: 100ms\naliases: {families: [job_id], alias_ttl: 1s}\n" KEEP_ERRORS);
            (void)offer_job(0, 1, "job_1", is_kept);
            uint32_t first = offer_line(0, 1, "job_id", "job_1");
            pass_time(600);
            uint32_t within = offer_line(0, 1, "job_id", "job_1");
            pass_time(1000);
            for (uint32_t i = 2; i < 4; i++) { /* the same again; and that verdict is followed */
                uint32_t span = offer_job(0, i, "job_1", !is_kept);
                uint32_t line = offer_line(0, 1, "job_id", "job_1");
                pass_time(150);
                expect_out(span, !is_kept);
                expect_out(line, !is_kept);
            }
            expect_out(first, is_kept);
            expect_out(within, is_kept);
            ck_assert_uint_eq(join_held(), 0);
            stop();
        }
    }
}
END_TEST

/* ---- what is counted ---- */

/* While the second worker is asked, words of its group come from one of the first's: they wait, as far as there is
 * room. */
START_TEST(test_words_that_wait_without_room_are_counted)
{
    start(2, CONFIG);
    uint32_t there = trace_of_worker(1);
    (void)offer_job(1, there, "job_1", false);
    join_deliver_all();
    advance(60 * WEFT_NS_PER_MS);
    uint32_t trace = 100;
    uint32_t traces[1000];
    for (uint32_t i = 0; i < 1000; trace++) {
        if (weft_join_owner_of_id(join->cores[0], id_of(trace)) == 0) {
            traces[i++] = trace;
            offer_request(trace, trace);
        }
    }
    advance(45 * WEFT_NS_PER_MS);
    deliver_first(1, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        (void)offer_job(0, traces[i], "job_1", false);
    }
    uint32_t room = (64 << 10) / sizeof(struct weft_item);
    expect_sample("weft_join_group_sightings_passed_over", 1000 - room);
    pass_time(300);
    stop();
}
END_TEST

START_TEST(test_traces_whose_group_was_forgotten_are_counted)
{
    start(1, "decision_wait: 100ms\naliases: {families: [job_id], alias_memory: 65536}\n" KEEP_ERRORS);
    for (uint32_t i = 0; i < 1000; i++) {
        char word[32];
        snprintf(word, sizeof word, "job_%u", i);
        (void)offer_job(0, i, word, false);
    }
    double forgotten = sample_of("weft_join_groups_forgotten");
    ck_assert(forgotten > 100);
    pass_time(150);
    expect_sample("weft_join_group_members_unknown", forgotten);
    stop();
}
END_TEST

/* 4 links and 14 traceparents in one text are 18 words. */
START_TEST(test_words_beyond_what_a_record_has_are_counted)
{
    static uint8_t ids[4][16];
    char text[14 * 60];
    size_t length = 0;
    start(1, CONFIG);
    for (uint32_t i = 0; i < 14; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "00-5b8efff798038103d269b633813fc6%02x-eee19b7ec3c1b174-01,", i);
    }
    for (uint32_t i = 0; i < 4; i++) {
        memcpy(ids[i], id_of(1000 + i), 16);
    }
    struct join_record span = with_word(span_of(1, 0), "_trace.traceparent", text);
    (void)offer(0, with_links(span, ids[0], 4));
    expect_sample("weft_join_aliases_passed_over", 18 - 8);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join groups disturbed");
    TCase *tests = tcase_create("groups");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_larger_rules_while_a_group_is_decided_have_room);
    tcase_add_test(tests, test_answers_of_two_rules_are_not_mixed);
    tcase_add_test(tests, test_larger_rules_while_an_answer_is_missed_have_room);
    tcase_add_test(tests, test_a_late_word_of_a_dropped_trace_leaves_a_group_together);
    tcase_add_test(tests, test_late_words_of_a_dropped_trace_merge_no_groups);
    tcase_add_test(tests, test_a_decided_trace_brings_eight_words);
    tcase_add_test(tests, test_a_group_has_512_words);
    tcase_add_test(tests, test_groups_with_too_many_words_stay_two);
    tcase_add_test(tests, test_a_decided_trace_burns_no_word);
    tcase_add_test(tests, test_a_decided_trace_pushes_nobody_out);
    tcase_add_test(tests, test_a_span_that_comes_while_lines_are_due_has_their_words);
    tcase_add_test(tests, test_lines_follow_no_verdict_that_is_too_old);
    tcase_add_test(tests, test_words_that_wait_without_room_are_counted);
    tcase_add_test(tests, test_traces_whose_group_was_forgotten_are_counted);
    tcase_add_test(tests, test_words_beyond_what_a_record_has_are_counted);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
