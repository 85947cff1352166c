/* Words that join traces and log lines: who belongs together, who does not, on one worker and on several. */
#include "join_words.h"
#include "suite.h"

#define CONFIG "decision_wait: 100ms\n" WORDS KEEP_ERRORS

/* ---- spans ---- */

START_TEST(test_a_word_joins_traces)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        uint32_t numbers[12];
        for (uint32_t i = 0; i < 12; i++) {
            numbers[i] = offer_job(i % workers, i, i % 2 == 0 ? "job_789" : "job_790", i == 6);
        }
        pass_time(150);
        for (uint32_t i = 0; i < 12; i++) {
            expect_out(numbers[i], i % 2 == 0);
            expect_knowledge(i, i % 2 == 0 ? WEFT_TRACE_KEPT : WEFT_TRACE_DROPPED);
        }
        ck_assert_uint_eq(join_held(), 0);
        expect_sample("weft_join_groups_begun", 2);
        expect_sample("weft_join_group_members", 12);
        stop();
    }
}
END_TEST

START_TEST(test_without_the_block_nothing_joins)
{
    start(2, "decision_wait: 100ms\n" KEEP_ERRORS);
    uint32_t healthy = offer_job(0, 1, "job_789", false);
    uint32_t broken = offer_job(0, 2, "job_789", true);
    uint32_t line = offer_line(0, 1, "job_id", "job_789");
    expect_out(line, 1);
    pass_time(150);
    expect_out(healthy, 0);
    expect_out(broken, 1);
    expect_sample("weft_join_alias_sightings", 0);
    stop();
}
END_TEST

/* Chains of words and of traces: one word after another, until two groups meet. */
START_TEST(test_groups_merge)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        uint32_t api = offer_job(0, 1, "job_1", false);
        uint32_t comfy = offer(0, with_word(span_of(2, 0), "prompt_id", "prompt_1"));
        uint32_t both = offer_job(0, 3, "job_1", false);
        join_deliver_all();
        uint32_t second = offer(0, with_word(failed(span_of(3, 0)), "prompt_id", "prompt_1"));
        pass_time(150);
        expect_out(api, 1);
        expect_out(comfy, 1);
        expect_out(both, 1);
        expect_out(second, 1);
        stop();
    }
}
END_TEST

/* A link names a trace, which does not name itself: before it comes, while it is held, and after a keep. */
START_TEST(test_links_join_in_any_order)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        uint8_t id[16];
        memcpy(id, id_of(2), 16);
        uint32_t link = offer(0, with_links(span_of(1, 0), id, 1));
        join_deliver_all();
        uint32_t linked = offer(0, failed(span_of(2, 0)));
        pass_time(150);
        expect_out(link, 1);
        expect_out(linked, 1);
        memcpy(id, id_of(3), 16);
        uint32_t held = offer(0, span_of(3, 0));
        link = offer(0, with_links(failed(span_of(4, 0)), id, 1));
        pass_time(150);
        expect_out(held, 1);
        expect_out(link, 1);
        link = offer(0, with_links(span_of(5, 0), id, 1));
        pass_time(150);
        expect_out(link, 1);
        stop();
    }
}
END_TEST

/* Who links to a trace that was decided by itself follows a keep, and is late after a drop. */
START_TEST(test_links_to_what_is_decided)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        uint8_t ids[2][16];
        memcpy(ids[0], id_of(1), 16);
        memcpy(ids[1], id_of(2), 16);
        (void)offer(0, failed(span_of(1, 0)));
        (void)offer(0, span_of(2, 0));
        pass_time(150);
        uint32_t follows = offer(0, with_links(span_of(3, 0), ids[0], 1));
        uint32_t late = offer(0, with_links(failed(span_of(4, 0)), ids[1], 1));
        uint32_t late_and_healthy = offer(0, with_links(span_of(5, 0), ids[1], 1));
        pass_time(150);
        expect_out(follows, 1);
        expect_out(late, 1);
        expect_out(late_and_healthy, 1); /* with the trace that links to the same */
        stop();
    }
}
END_TEST

/* Ids that begin with the time, as X-Ray's: those of one second are told apart. */
START_TEST(test_links_to_ids_with_one_beginning_join)
{
    start(1, CONFIG);
    static uint8_t ids[32];
    memset(ids, 0x65, 4);
    memset(ids + 16, 0x65, 4);
    memset(ids + 4, 1, 12);
    memset(ids + 20, 2, 12);
    uint32_t numbers[2];
    for (int i = 0; i < 2; i++) {
        struct join_record span = failed(span_of(0, 0));
        span.trace_id = ids + (size_t)16 * (size_t)i;
        span.status = i == 0 ? 0 : 2;
        numbers[i] = offer(0, span);
    }
    uint32_t link = offer(0, with_links(span_of(1, 0), ids, 2));
    pass_time(150);
    expect_out(numbers[0], 1);
    expect_out(numbers[1], 1);
    expect_out(link, 1);
    expect_sample("weft_join_alias_sightings", 4);
    stop();
}
END_TEST

/* A traceparent in a trace's own records names it, and joins it with nobody. */
START_TEST(test_the_own_id_is_no_word)
{
    start(1, CONFIG);
    uint8_t id[16];
    memcpy(id, id_of(1), 16);
    (void)offer(0, with_links(span_of(1, 0), id, 1));
    expect_sample("weft_join_alias_sightings", 0);
    expect_sample("weft_join_groups_begun", 0);
    stop();
}
END_TEST

START_TEST(test_traceparents_join)
{
    start(1, CONFIG);
    char parent[160] = "%22traceparent%22%3A%2200-";
    uint8_t id[16];
    memcpy(id, id_of(1), 16);
    for (int i = 0; i < 16; i++) {
        snprintf(parent + strlen(parent), 3, "%02x", id[i]);
    }
    strcat(parent, "-00f067aa0ba902b7-01%22");
    uint32_t run = offer(0, failed(span_of(1, 0)));
    uint32_t step = offer(0, with_word(span_of(2, 0), "inngest.traceref", parent));
    uint32_t line = offer_line(0, 1, "_trace.traceparent", parent);
    pass_time(150);
    expect_out(run, 1);
    expect_out(step, 1);
    expect_out(line, 1);
    stop();
}
END_TEST

/* ---- what joins nobody ---- */

static void expect_not_joined(struct join_record one, struct join_record other)
{
    start(1, CONFIG);
    one.number = next_number++;
    other.number = next_number++;
    (void)offer(0, one);
    (void)offer(0, failed(other));
    pass_time(150);
    expect_out(one.number, 0);
    expect_out(other.number, 1);
    stop();
}

START_TEST(test_short_values_and_stop_words_join_nobody)
{
    static const char *const words[] = {
        "",     "7",       "job",       "null",  "None",         "UNKNOWN",
        "0000", "default", "undefined", "<nil>", "000000000000", "00000000-0000-0000-0000-000000000000"
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        expect_not_joined(with_word(span_of(1, 0), "job_id", words[i]), with_word(span_of(2, 0), "job_id", words[i]));
    }
}
END_TEST

START_TEST(test_a_word_counts_within_its_family)
{
    expect_not_joined(with_word(span_of(1, 0), "job_id", "word_1"), with_word(span_of(2, 0), "requestId", "word_1"));
}
END_TEST

START_TEST(test_own_families_join_their_attributes)
{
    start(1,
          "decision_wait: 100ms\naliases: {custom: [{name: render, attributes: [job_id, requestId]}]}\n" KEEP_ERRORS);
    uint32_t one = offer_job(0, 1, "word_1", false);
    uint32_t other = offer(0, failed(with_word(span_of(2, 0), "requestId", "word_1")));
    pass_time(150);
    expect_out(one, 1);
    expect_out(other, 1);
    stop();
}
END_TEST

/* Attributes whose names share length, first and last byte, in two families, and one attribute in both. */
START_TEST(test_attributes_that_look_alike_are_told_apart)
{
    static const char *const keys[] = { "order.a.id", "order.b.id", "order.c.id", "order.d.id" };
    for (size_t i = 0; i < WEFT_COUNT_OF(keys); i++) {
        start(1, "decision_wait: 100ms\n"
                 "aliases: {custom: [{name: one, attributes: [order.a.id, order.b.id]},\n"
                 "  {name: other, attributes: [order.c.id, order.b.id]}]}\n" KEEP_ERRORS);
        uint32_t one = offer(0, with_word(span_of(1, 0), "order.a.id", "word_1"));
        uint32_t other = offer(0, with_word(span_of(2, 0), "order.c.id", "word_1"));
        (void)offer(0, failed(with_word(span_of(3, 0), keys[i], "word_1")));
        pass_time(150);
        expect_out(one, i < 2);
        expect_out(other, i == 1 || i == 2);
        stop();
    }
}
END_TEST

START_TEST(test_five_links_join_nobody)
{
    uint8_t ids[5 * 16];
    for (uint32_t i = 0; i < 5; i++) {
        memcpy(ids + (size_t)16 * i, id_of(2 + i), 16);
    }
    expect_not_joined(with_links(span_of(1, 0), ids, 5), span_of(2, 0));
}
END_TEST

/* Spans without an id lie in one trace, whose words have nothing to do with each other. */
START_TEST(test_spans_without_an_id_join_nobody)
{
    static const uint8_t zeros[16];
    start(1, CONFIG);
    uint32_t one = offer_job(0, 1, "job_1", false);
    struct join_record loose = with_word(span_of(0, 0), "job_id", "job_1");
    loose.trace_id = zeros;
    (void)offer(0, loose);
    loose = failed(with_word(span_of(0, 0), "job_id", "job_2"));
    loose.trace_id = zeros;
    uint32_t broken = offer(0, loose);
    uint32_t other = offer_job(0, 2, "job_2", false);
    pass_time(150);
    expect_out(one, 0);
    expect_out(other, 0);
    expect_out(broken, 1);
    stop();
}
END_TEST

static void expect_config_error(const char *text, const char *expected)
{
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    const struct weft_component *component = &weft_processor_tail_sampling;
    void *config = weft_alloc(component->config_size);
    ck_assert_int_eq(weft_config_load_text(text, "test.yaml", &tree, &error), WEFT_OK);
    ck_assert_int_eq(weft_config_parse(component->fields, weft_tree_root(tree), config, NULL, &error), WEFT_OK);
    ck_assert_int_eq(component->validate(config, &error), WEFT_INVALID);
    ck_assert_msg(strstr(error.text, expected) != NULL, "%s", error.text);
    weft_config_fini(component->fields, config);
    weft_free(config);
    weft_tree_free(&tree);
}

START_TEST(test_families_that_nobody_knows_are_errors)
{
    expect_config_error("policies: []\naliases:\n  families: [job_id, jobs]\n", "test.yaml:2");
    expect_config_error("policies: []\naliases:\n  families: [jobs]\n", "no family \"jobs\"");
    expect_config_error("aliases:\n  custom: [{name: job_id, attributes: [a]}]\n", "not built in");
}
END_TEST

/* ---- lines ---- */

START_TEST(test_lines_without_an_id_follow_their_group)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        uint32_t before = offer_line(0, 1, "job_id", "job_1");
        uint32_t healthy = offer_line(workers - 1, 1, "job_id", "job_2");
        pass_time(60);
        uint32_t span = offer_job(0, 1, "job_1", true);
        uint32_t other = offer_job(0, 2, "job_2", false);
        pass_time(60); /* the lines' time is up: they wait for the spans */
        expect_out(before, 0);
        uint32_t between = offer_line(workers - 1, 2, "job_id", "job_1");
        pass_time(60);
        uint32_t after = offer_line(0, 2, "job_id", "job_1");
        uint32_t dropped = offer_line(0, 2, "job_id", "job_2");
        pass_time(10);
        expect_out(before, 1);
        expect_out(span, 1);
        expect_out(between, 1);
        expect_out(after, 1);
        expect_out(healthy, 0);
        expect_out(other, 0);
        expect_out(dropped, 0);
        ck_assert_uint_eq(join_held(), 0);
        stop();
    }
}
END_TEST

static void expect_lines_without_spans(uint32_t workers, bool drops)
{
    start(workers, drops ? CONFIG "logs_without_trace_id: drop\n" : CONFIG);
    uint32_t one = offer_line(0, 1, "job_id", "job_1");
    uint32_t none = offer_line(0, 1, "job_id", "null");
    expect_out(none, !drops);
    pass_time(95);
    expect_out(one, 0);
    pass_time(20);
    expect_out(one, !drops);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_NO_TRACE), drops ? 2 : 0);
    expect_sample("weft_join_logs_without_trace_id", 2);
    uint32_t again = offer_line(0, 1, "job_id", "job_1"); /* no verdict is left */
    uint32_t span = offer_job(0, 1, "job_1", true);
    pass_time(150);
    expect_out(again, 1);
    expect_out(span, 1);
    stop();
}

START_TEST(test_lines_whose_group_has_no_spans_are_without_a_trace)
{
    EACH_WORKER_COUNT(workers)
    {
        expect_lines_without_spans(workers, false);
        expect_lines_without_spans(workers, true);
    }
}
END_TEST

/* A traceparent is as good as a trace id: such a line names a trace, which has no spans. */
START_TEST(test_lines_with_a_traceparent_name_a_trace)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers,
              "decision_wait: 100ms\nlogs_without_trace_id: drop\nlogs_without_spans: pass\n" WORDS KEEP_ERRORS);
        uint32_t with_job = offer_line(0, 1, "job_id", "job_1");
        uint32_t with_trace =
            offer_line(0, 1, "_trace.traceparent", "00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174-01");
        pass_time(300);
        expect_out(with_job, 0);
        expect_out(with_trace, 1);
        expect_sample("weft_join_logs_without_trace_id", 1);
        expect_sample("weft_join_logs_without_spans", 1);
        stop();
    }
}
END_TEST

/* A line's severity counts for the group, and a line with an id brings its trace a word. */
START_TEST(test_lines_bring_words_and_severity)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, "decision_wait: 100ms\n" WORDS
                       "policies: [{name: s, type: log_severity, log_severity: {min_severity: ERROR}}]\n");
        uint32_t span = offer(0, span_of(1, 0));
        uint32_t line = offer(0, with_word(line_of(1, 1), "job_id", "job_1"));
        struct join_record bad = with_word(line_of(0, 2), "job_id", "job_1");
        bad.trace_id = NULL;
        bad.severity = 17;
        (void)offer(0, bad);
        pass_time(150);
        expect_out(span, 1);
        expect_out(line, 1);
        expect_out(bad.number, 1);
        stop();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join aliases");
    TCase *tests = tcase_create("aliases");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_a_word_joins_traces);
    tcase_add_test(tests, test_without_the_block_nothing_joins);
    tcase_add_test(tests, test_groups_merge);
    tcase_add_test(tests, test_links_join_in_any_order);
    tcase_add_test(tests, test_links_to_what_is_decided);
    tcase_add_test(tests, test_links_to_ids_with_one_beginning_join);
    tcase_add_test(tests, test_the_own_id_is_no_word);
    tcase_add_test(tests, test_spans_without_an_id_join_nobody);
    tcase_add_test(tests, test_traceparents_join);
    tcase_add_test(tests, test_short_values_and_stop_words_join_nobody);
    tcase_add_test(tests, test_a_word_counts_within_its_family);
    tcase_add_test(tests, test_own_families_join_their_attributes);
    tcase_add_test(tests, test_attributes_that_look_alike_are_told_apart);
    tcase_add_test(tests, test_five_links_join_nobody);
    tcase_add_test(tests, test_families_that_nobody_knows_are_errors);
    tcase_add_test(tests, test_lines_without_an_id_follow_their_group);
    tcase_add_test(tests, test_lines_whose_group_has_no_spans_are_without_a_trace);
    tcase_add_test(tests, test_lines_with_a_traceparent_name_a_trace);
    tcase_add_test(tests, test_lines_bring_words_and_severity);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
