/* Groups of traces when rules change, and when they are drained. */
#include "join/join_internal.h"
#include "join_words.h"
#include "suite.h"

#define CONFIG "decision_wait: 100ms\n" WORDS KEEP_ERRORS

/* ---- reload ---- */

START_TEST(test_new_rules_judge_what_is_held)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        uint32_t one = offer_job(0, 1, "job_1", false);
        uint32_t other = offer(0, with_word(span_of(2, 0), "job_id", "job_1"));
        pass_time(50);
        join_update("decision_wait: 100ms\n" WORDS
                    "policies: [{name: slow, type: latency, latency: {threshold_ms: 5000}},\n"
                    "  {name: two, type: span_count, span_count: {min_spans: 2}}]\n");
        pass_time(150);
        expect_out(one, 1);
        expect_out(other, 1);
        join_update("decision_wait: 100ms\n" KEEP_ERRORS);
        uint32_t after = offer_job(0, 3, "job_1", false);
        pass_time(150);
        expect_out(after, 0); /* words are of no interest any more */
        stop();
    }
}
END_TEST

#define KEEP_JOB(job) \
    "policies: [{name: j, type: string_attribute, string_attribute: {key: job_id, values: [" job "]}}]\n"

/* One worker has the new rules and the others have not: what is asked meanwhile is asked again, since facts of the
 * former rules mean something else under these. */
START_TEST(test_rules_that_change_worker_by_worker)
{
    start(4, "decision_wait: 100ms\n" WORDS KEEP_JOB("job_1"));
    uint32_t numbers[16];
    for (uint32_t i = 0; i < 16; i++) {
        numbers[i] = offer_job(i % 4, i, "job_1", false);
    }
    join_deliver_all();
    struct join_rules rules = join_rules_of("decision_wait: 1ms\n" WORDS KEEP_JOB("job_2"));
    uint32_t first = 0; /* one that has some of the traces */
    while (weft_face_held(join->faces[first][0]) == 0) {
        first++;
    }
    join->cores[first]->operations->update(join->cores[first], rules.config, rules.shared);
    pass_time(30);
    ck_assert_uint_eq(totals().dropped, 0);
    for (uint32_t w = 0; w < 4; w++) {
        if (w != first) {
            join->cores[w]->operations->update(join->cores[w], rules.config, rules.shared);
        }
    }
    join_rules_free(&join->rules);
    join->rules = rules;
    pass_time(50);
    for (uint32_t i = 0; i < 16; i++) {
        expect_out(numbers[i], 0);
    }
    ck_assert_uint_eq(totals().dropped, 16);
    expect_sample("weft_join_group_answers_missed", 0);
    stop();
}
END_TEST

/* Rules whose facts need larger entries. */
static const char *many_policies(void)
{
    static char text[65536];
    int length = snprintf(text, sizeof text, "decision_wait: 100ms\n%s", KEEP_ERRORS);
    weft_assert(strcmp(text + length - 2, "]\n") == 0);
    length -= 2;
    for (int i = 0; i < 600; i++) {
        length += snprintf(text + length, sizeof text - (size_t)length,
                           ",\n  {name: p%d, type: latency, latency: {threshold_ms: %d}}", i, 100000 + i);
    }
    snprintf(text + length, sizeof text - (size_t)length, "]\n");
    return text;
}

/* One worker never comes to the new rules: its traces count as unknown then, and nobody waits for ever. */
START_TEST(test_a_worker_with_other_rules_is_not_waited_for)
{
    start(2, "decision_wait: 100ms\n" WORDS KEEP_ERRORS);
    uint32_t numbers[8];
    for (uint32_t i = 0; i < 8; i++) {
        numbers[i] = offer_job(0, i, "job_1", true);
    }
    join_deliver_all();
    struct join_rules rules = join_rules_of("decision_wait: 100ms\n" WORDS KEEP_ERRORS);
    join->cores[0]->operations->update(join->cores[0], rules.config, rules.shared);
    pass_time(15000);
    for (uint32_t i = 0; i < 8; i++) {
        expect_out(numbers[i], 1);
    }
    join->cores[1]->operations->update(join->cores[1], rules.config, rules.shared);
    join_rules_free(&join->rules);
    join->rules = rules;
    stop();
}
END_TEST

static uint32_t trace_of_worker(uint32_t worker, uint32_t from)
{
    while (weft_join_owner_of_id(join->cores[0], id_of(from)) != worker) {
        from++;
    }
    return from;
}

/* A trace sights a word of a group whose members are just being asked: it waits for what becomes of that group, as if
 * it had come behind the verdict. */
START_TEST(test_who_meets_a_group_that_is_being_decided_waits)
{
    for (int is_kept = 0; is_kept < 2; is_kept++) {
        start(2, CONFIG);
        uint32_t there = trace_of_worker(1, 1);
        uint32_t here = trace_of_worker(0, 1);
        (void)offer_job(1, there, "job_1", is_kept);
        join_deliver_all();
        advance(60 * WEFT_NS_PER_MS);
        uint32_t number = offer_job(0, here, "job_2", false);
        advance(45 * WEFT_NS_PER_MS);
        struct weft_message *due = join_take_mail(1, 0);
        due->on_delivered(due);
        (void)offer_job(0, here, "job_1", false);
        pass_time(150);
        expect_out(number, (unsigned)is_kept);
        expect_sample("weft_join_alias_sightings", 3);
        stop();
    }
}
END_TEST

/* The block comes while traces are held and goes again: those that are held before have no words, those that come
 * between keep theirs wherever their entries are moved. */
START_TEST(test_aliases_come_and_go_with_the_rules)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, "decision_wait: 100ms\n" KEEP_ERRORS);
        uint32_t before = offer_job(0, 1, "job_1", false);
        join_deliver_all();
        join_update("decision_wait: 100ms\n" WORDS KEEP_ERRORS);
        uint32_t between = offer_job(0, 2, "job_1", false);
        uint32_t broken = offer_job(0, 3, "job_1", true);
        uint32_t line = offer_line(0, 1, "job_id", "job_1");
        join_deliver_all();
        join_update(many_policies());
        uint32_t after = offer_job(0, 4, "job_1", false);
        uint32_t loose = offer_line(0, 1, "job_id", "job_1");
        expect_out(loose, 1);
        pass_time(150);
        expect_out(before, 0);
        expect_out(between, 1);
        expect_out(broken, 1);
        expect_out(line, 1);
        expect_out(after, 0);
        ck_assert_uint_eq(join_held(), 0);
        stop();
    }
}
END_TEST

/* What a held trace takes. */
static double bytes_of_traces(const char *config)
{
    start(1, config);
    for (uint32_t i = 0; i < 20000; i++) {
        (void)offer(0, span_of(i, 0));
    }
    double bytes = sample_of("weft_join_bytes") / 20000;
    stop();
    return bytes;
}

START_TEST(test_words_take_room_only_where_rules_have_aliases)
{
    double without = bytes_of_traces("decision_wait: 100s\n" KEEP_ERRORS);
    double with = bytes_of_traces("decision_wait: 100s\n" WORDS KEEP_ERRORS);
    ck_assert_msg(with - without >= (double)sizeof(struct weft_trace_words) * 0.9, "%g and %g bytes", with, without);
    ck_assert_uint_eq(offsetof(struct weft_trace, facts), 184);
    ck_assert_uint_eq(sizeof(struct weft_verdict), 112);
}
END_TEST

/* ---- drain ---- */

START_TEST(test_a_drain_decides_now)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        uint32_t line = offer_line(0, 1, "job_id", "job_1");
        uint32_t one = offer_job(0, 1, "job_1", false);
        uint32_t other = offer_job(0, 2, "job_1", true);
        uint32_t loose = offer_line(0, 2, "job_id", "job_2");
        join_deliver_all();
        drain_with_mail(false);
        expect_out(line, 1);
        expect_out(one, 1);
        expect_out(other, 1);
        expect_out(loose, 1);
        stop();
    }
}
END_TEST

/* A pipeline of logs leaves while its lines wait for the spans of their group: what is there of them decides. */
START_TEST(test_lines_that_wait_leave_with_their_pipeline)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        uint32_t line = offer_line(0, 1, "job_id", "job_1");
        pass_time(60);
        uint32_t span = offer_job(0, 1, "job_1", true);
        pass_time(60);
        expect_out(line, 0);
        for (uint32_t w = 0; w < workers; w++) {
            join->faces[w][1]->operations->drain(join->faces[w][1], WEFT_DROP_RELOAD, false);
        }
        pass_time(5);
        expect_out(line, 1);
        expect_out(span, 1);
        stop();
    }
}
END_TEST

START_TEST(test_a_drain_by_force_waits_for_no_answer)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        for (uint32_t i = 0; i < 20; i++) {
            (void)offer_job(0, i, "job_1", i == 3);
            (void)offer_line(0, 1, "job_id", "job_1");
        }
        join_deliver_all();
        drain_with_mail(true);
        stop();
    }
}
END_TEST

/* The worker that has the groups says nothing: traces are judged all the same. */
START_TEST(test_no_trace_waits_for_ever)
{
    start(2, CONFIG);
    uint32_t numbers[20];
    for (uint32_t i = 0; i < 20; i++) {
        numbers[i] = offer_job(0, i, "job_1", true);
    }
    join_deliver_all();
    for (int i = 0; i < 11000; i += 100) {
        advance(100 * WEFT_NS_PER_MS);
    }
    for (uint32_t i = 0; i < 20; i++) {
        expect_out(numbers[i], 1);
    }
    ck_assert_uint_gt((uint64_t)sample_of("weft_join_group_verdicts_missed"), 0);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join groups, reload");
    TCase *tests = tcase_create("groups, reload");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_new_rules_judge_what_is_held);
    tcase_add_test(tests, test_rules_that_change_worker_by_worker);
    tcase_add_test(tests, test_a_worker_with_other_rules_is_not_waited_for);
    tcase_add_test(tests, test_who_meets_a_group_that_is_being_decided_waits);
    tcase_add_test(tests, test_aliases_come_and_go_with_the_rules);
    tcase_add_test(tests, test_words_take_room_only_where_rules_have_aliases);
    tcase_add_test(tests, test_a_drain_decides_now);
    tcase_add_test(tests, test_lines_that_wait_leave_with_their_pipeline);
    tcase_add_test(tests, test_a_drain_by_force_waits_for_no_answer);
    tcase_add_test(tests, test_no_trace_waits_for_ever);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
