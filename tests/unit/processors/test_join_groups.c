/* Groups of traces at their limits: closed and burnt ones, late members, time, memory. */
#include "join/join_internal.h"
#include "join_words.h"
#include "suite.h"

#define CONFIG "decision_wait: 100ms\n" WORDS KEEP_ERRORS

/* ---- too many ---- */

START_TEST(test_a_group_closes_at_64_traces)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        uint32_t numbers[80];
        for (uint32_t i = 0; i < 80; i++) {
            numbers[i] = offer_job(0, i, "job_789", i == 3);
            join_deliver_all();
        }
        pass_time(150);
        for (uint32_t i = 0; i < 80; i++) {
            expect_out(numbers[i], i < 64);
        }
        expect_sample("weft_join_groups_closed", 1);
        expect_sample("weft_join_group_members", 64);
        expect_sample("weft_join_aliases_burnt", 0);
        stop();
    }
}
END_TEST

/* 10,000 traces with one word: 64 are together, the others alone, and from some point on nobody joins. */
START_TEST(test_a_word_that_all_have_is_burnt)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        uint64_t bytes = 0;
        for (uint32_t i = 0; i < 10000; i++) {
            (void)offer_job(0, i, "job_789", i == 9000);
            join_deliver_all();
            bytes = i == 2000 ? (uint64_t)sample_of("weft_join_alias_bytes") : bytes;
        }
        expect_sample("weft_join_aliases_burnt", 1);
        ck_assert_uint_le((uint64_t)sample_of("weft_join_alias_bytes"), bytes + 65536);
        pass_time(150);
        ck_assert_uint_eq(totals().dropped, 9999);
        uint32_t one = offer_job(0, 20000, "job_789", false);
        uint32_t other = offer_job(0, 20001, "job_789", true);
        pass_time(150);
        expect_out(one, 0);
        expect_out(other, 1);
        stop();
    }
}
END_TEST

/* Each trace links to the one before: groups of 64 at most, whatever the order in which they meet. */
START_TEST(test_chains_of_links_are_bounded)
{
    EACH_WORKER_COUNT(workers)
    {
        enum { COUNT = 3000 };
        start(workers, CONFIG);
        uint32_t first = next_number;
        for (uint32_t i = 0; i < COUNT; i++) {
            uint8_t id[16];
            memcpy(id, id_of(i), 16);
            struct join_record span = with_links(span_of(i + 1, 0), id, 1);
            (void)offer(0, i == COUNT / 2 ? failed(span) : span);
            join_deliver_all();
        }
        pass_time(200);
        unsigned kept = 0;
        for (uint32_t i = 0; i < COUNT; i++) {
            kept += seen[first + i];
        }
        ck_assert_uint_ge(kept, 1);
        ck_assert_uint_le(kept, 64);
        ck_assert_uint_eq(join_held(), 0);
        stop();
    }
}
END_TEST

START_TEST(test_a_trace_tells_eight_words)
{
    start(1, CONFIG);
    for (uint32_t i = 0; i < 20; i++) {
        char word[32];
        snprintf(word, sizeof word, "request_%u", i / 2);
        (void)offer(0, with_word(span_of(1, 0), "request_id", word));
    }
    expect_sample("weft_join_alias_sightings", 8);
    expect_sample("weft_join_aliases_passed_over", 4);
    stop();
}
END_TEST

/* A share of the groups, by an id that no order of arrival decides: the same on any number of workers. */
START_TEST(test_a_share_is_the_same_whoever_comes_first)
{
    enum { JOBS = 200, TRACES = 3 };
    static bool kept[JOBS];
    uint64_t state = 7;
    EACH_WORKER_COUNT(workers)
    {
        uint32_t order[JOBS * TRACES];
        uint32_t numbers[JOBS * TRACES];
        unsigned kept_count = 0;
        start(workers, "decision_wait: 100ms\n" WORDS
                       "policies: [{name: p, type: probabilistic, probabilistic: {sampling_percentage: 50}}]\n");
        for (uint32_t i = 0; i < JOBS * TRACES; i++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            uint32_t at = (uint32_t)(state >> 33) % (i + 1);
            order[i] = order[at];
            order[at] = i;
        }
        for (uint32_t i = 0; i < JOBS * TRACES; i++) {
            char word[32];
            snprintf(word, sizeof word, "job_%u", order[i] / TRACES);
            numbers[order[i]] = offer_job(order[i] % workers, order[i], word, false);
        }
        pass_time(150);
        for (uint32_t i = 0; i < JOBS * TRACES; i++) {
            kept[i / TRACES] = workers == 1 && i % TRACES == 0 ? seen[numbers[i]] > 0 : kept[i / TRACES];
            expect_out(numbers[i], kept[i / TRACES]);
            kept_count += seen[numbers[i]];
        }
        ck_assert_uint_gt(kept_count, 200);
        ck_assert_uint_lt(kept_count, 400);
        stop();
    }
}
END_TEST

/* ---- late members ---- */

START_TEST(test_who_comes_after_a_keep_follows_it)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        (void)offer_job(0, 1, "job_1", true);
        pass_time(150);
        uint32_t late = offer_job(0, 2, "job_1", false);
        pass_time(150);
        expect_out(late, 1);
        ck_assert(!is_late_member(2));
        expect_sample("weft_join_late_members", 0);
        stop();
    }
}
END_TEST

START_TEST(test_who_comes_after_a_drop_is_judged_alone)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        uint32_t first = offer_job(0, 1, "job_1", false);
        pass_time(150);
        uint32_t bad = offer_job(0, 2, "job_1", true);
        uint32_t healthy = offer_job(0, 3, "job_1", false);
        pass_time(150);
        expect_out(first, 0);
        expect_out(bad, 1);
        expect_out(healthy, 0);
        ck_assert(!is_late_member(1));
        ck_assert(is_late_member(2));
        ck_assert(is_late_member(3));
        expect_sample("weft_join_late_members", 2);
        stop();
    }
}
END_TEST

START_TEST(test_a_group_is_forgotten_after_its_time)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, "decision_wait: 100ms\naliases: {families: [job_id], alias_ttl: 2s}\n" KEEP_ERRORS);
        (void)offer_job(0, 1, "job_1", true);
        pass_time(1500);
        uint32_t within = offer_job(0, 2, "job_1", false);
        pass_time(3000);
        expect_sample("weft_join_groups", 0);
        expect_sample("weft_join_aliases", 0);
        uint32_t after = offer_job(0, 3, "job_1", false);
        pass_time(150);
        expect_out(within, 1);
        expect_out(after, 0);
        ck_assert(!is_late_member(3));
        stop();
    }
}
END_TEST

/* ---- asking ---- */

static struct weft_trace_answer ask_word(const char *word)
{
    struct weft_trace_answer answer = { .knowledge = WEFT_TRACE_NOT_SEEN };
    struct weft_trace_question question = { .word = word };
    for (uint32_t w = 0; w < join->worker_count; w++) {
        weft_join_look_up(join->cores[w], &question, &answer);
    }
    weft_buffer_append_byte(&answer.group.json, '\0');
    weft_buffer_append_byte(&answer.group.nodes, '\0');
    return answer;
}

static unsigned count_in(const struct weft_buffer *json, const char *text)
{
    unsigned count = 0;
    for (const char *at = (const char *)json->bytes; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

START_TEST(test_a_word_shows_its_group)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        (void)offer_job(0, 1, "job_1", true);
        (void)offer_job(0, 2, "job_1", false);
        (void)offer_line(0, 1, "job_id", "job_1");
        join_deliver_all();
        for (int round = 0; round < 2; round++) {
            struct weft_trace_answer answer = ask_word("job_1");
            ck_assert(answer.group.is_known && !answer.group.is_burnt);
            ck_assert_uint_eq(answer.group.member_count, 3);
            ck_assert_str_eq(answer.group.state, round == 0 ? "undecided" : "kept");
            ck_assert_int_eq(answer.group.knowledge, round == 0 ? WEFT_TRACE_HELD : WEFT_TRACE_KEPT);
            ck_assert_uint_eq(
                count_in(&answer.group.json, round == 0 ? "\"verdict\":\"held\"" : "\"verdict\":\"kept\""), 3);
            ck_assert_uint_eq(count_in(&answer.group.json, "\"trace_id\":"), 2);
            ck_assert_uint_eq(count_in(&answer.group.json, "\"lines_without_trace_id\":true"), 1);
            ck_assert_uint_eq(answer.group.part_count, 3);
            ck_assert_uint_eq(count_in(&answer.group.nodes, ",{\"depth\":1,\"verdict\":"), 3);
            ck_assert_uint_eq(count_in(&answer.group.nodes, ",{\"depth\":2,"), 3);
            ck_assert(!answer.group.is_tree_cut);
            weft_buffer_fini(&answer.group.json);
            weft_buffer_fini(&answer.group.nodes);
            pass_time(150);
        }
        struct weft_trace_answer none = ask_word("job_2");
        ck_assert(!none.group.is_known);
        weft_buffer_fini(&none.group.json);
        weft_buffer_fini(&none.group.nodes);
        stop();
    }
}
END_TEST

/* The trace that is linked to is in a group, which was dropped: those that link to it are late members of that one. */
START_TEST(test_links_to_a_dropped_group_lead_to_it)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG);
        uint8_t id[16];
        memcpy(id, id_of(1), sizeof id);
        uint32_t first = offer_job(0, 1, "job_1", false);
        (void)offer_line(0, 1, "job_id", "job_1");
        pass_time(150);
        uint32_t bad = offer(0, with_links(failed(span_of(2, 0)), id, 1));
        pass_time(150);
        uint32_t healthy = offer(0, with_links(span_of(3, 0), id, 1));
        pass_time(150);
        expect_out(first, 0);
        expect_out(bad, 1);
        expect_out(healthy, 0);
        ck_assert(!is_late_member(1));
        ck_assert(is_late_member(2));
        ck_assert(is_late_member(3));
        struct weft_trace_answer answer = ask_word("job_1");
        ck_assert_uint_eq(answer.group.member_count, 4);
        ck_assert_str_eq(answer.group.state, "dropped");
        weft_buffer_fini(&answer.group.json);
        weft_buffer_fini(&answer.group.nodes);
        stop();
    }
}
END_TEST

/* ---- memory ---- */

START_TEST(test_alias_memory_is_a_limit)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, "decision_wait: 100ms\naliases: {families: [job_id], alias_memory: 65536}\n" KEEP_ERRORS);
        for (uint32_t i = 0; i < 3000; i++) {
            char word[32];
            snprintf(word, sizeof word, "job_%u", i);
            (void)offer_job(0, i, word, false);
            join_deliver_all();
        }
        ck_assert_uint_gt((uint64_t)sample_of("weft_join_groups_forgotten"), 1000);
        ck_assert_uint_le((uint64_t)sample_of("weft_join_alias_bytes"), 65536 + (1 << 20));
        pass_time(150);
        ck_assert_uint_eq(join_held(), 0);
        ck_assert_uint_eq(totals().dropped, 3000);
        stop();
    }
}
END_TEST

/* Traces that are named and never come are remembered within alias_memory, too. */
START_TEST(test_names_of_traces_that_never_come_are_bounded)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, "decision_wait: 100ms\naliases: {families: [links], alias_memory: 65536}\n" KEEP_ERRORS);
        for (uint32_t i = 0; i < 4000; i++) {
            uint8_t id[16];
            memcpy(id, id_of(100000 + i), 16);
            (void)offer(0, with_links(span_of(i, 0), id, 1));
            join_deliver_all();
        }
        size_t claims = 0;
        for (uint32_t w = 0; w < workers; w++) {
            claims += weft_table_count(weft_join_of(join->cores[w])->claims);
        }
        ck_assert_uint_gt(claims, 8);
        ck_assert_uint_le(claims, 200);
        ck_assert_uint_gt((uint64_t)sample_of("weft_join_claims_passed_over"), 3000);
        pass_time(150);
        ck_assert_uint_eq(totals().dropped, 4000);
        stop();
    }
}
END_TEST

/* Deciding early where memory is short: groups are decided on what is known, and nothing stays behind. */
START_TEST(test_beyond_max_bytes_groups_are_decided_early)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, "max_bytes: 4194304\nverdict_memory: 65536\nrecent_traces: 0\n" WORDS KEEP_ERRORS);
        for (uint32_t i = 0; i < 8000; i++) {
            char word[32];
            snprintf(word, sizeof word, "job_%u", i / 4);
            (void)offer(0, with_word(span_of(i, 1000), "job_id", word));
            join_deliver_all();
            ck_assert_uint_lt(weft_budget_reserved(&budget), 3 * 4194304);
        }
        ck_assert_uint_gt(totals().dropped, 2000);
        ck_assert_uint_gt(join_held(), 500);
        join_expect_audit();
        drain_with_mail(false);
        stop();
    }
}
END_TEST

/* One record, during which the nth allocation of the join fails. */
static void offer_without_memory(struct join_record record, size_t nth)
{
    struct weft_payload *payload = join_payload(&record, 1);
    struct weft_batch *batch = batch_of(join_signal_of(record.pipeline), payload, NULL);
    struct weft_error error = WEFT_ERROR_NONE;
    weft_host_book(&join->hosts[0], join->offered_flow[record.pipeline], 1);
    weft_alloc_fail_at(nth);
    enum weft_status status = weft_consumer_consume(join->faces[0][record.pipeline], &batch, &error);
    join_deliver_all();
    weft_alloc_fail_at(0);
    if (status != WEFT_OK) {
        weft_host_book(&join->hosts[0], join->refused_flow[record.pipeline], 1);
        error.status = status;
        weft_batch_end(&batch, &error, -1);
    }
}

static void offer_group_without_memory(uint32_t round)
{
    char word[32];
    snprintf(word, sizeof word, "job_%u", round);
    for (uint32_t i = 0; i < 3; i++) {
        struct join_record line = with_word(line_of(0, 1), "job_id", word);
        line.trace_id = NULL;
        offer_without_memory(with_word(span_of(round * 4 + i, 0), "job_id", word), 1 + round / 5);
        offer_without_memory(line, 1 + round / 5);
    }
    if (round >= 10) { /* its verdict is there */
        offer_without_memory(with_word(span_of(round * 4 - 40, 0), "job_id", word), 1 + round / 7);
    }
}

START_TEST(test_each_allocation_may_fail)
{
    EACH_WORKER_COUNT(workers)
    {
        start(workers, CONFIG "logs_without_trace_id: drop\n");
        for (uint32_t round = 0; round < 150; round++) {
            offer_group_without_memory(round);
            weft_alloc_fail_at(1 + round / 7);
            for (int i = 0; i < 30; i++) {
                join_deliver_all();
                advance(5 * WEFT_NS_PER_MS);
            }
            weft_alloc_fail_at(0);
            join_expect_audit();
        }
        pass_time(15000);
        ck_assert_uint_eq(join_held(), 0);
        stop();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join groups");
    TCase *tests = tcase_create("groups");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_a_group_closes_at_64_traces);
    tcase_add_test(tests, test_a_word_that_all_have_is_burnt);
    tcase_add_test(tests, test_chains_of_links_are_bounded);
    tcase_add_test(tests, test_a_trace_tells_eight_words);
    tcase_add_test(tests, test_a_share_is_the_same_whoever_comes_first);
    tcase_add_test(tests, test_who_comes_after_a_keep_follows_it);
    tcase_add_test(tests, test_who_comes_after_a_drop_is_judged_alone);
    tcase_add_test(tests, test_a_group_is_forgotten_after_its_time);
    tcase_add_test(tests, test_a_word_shows_its_group);
    tcase_add_test(tests, test_links_to_a_dropped_group_lead_to_it);
    tcase_add_test(tests, test_names_of_traces_that_never_come_are_bounded);
    tcase_add_test(tests, test_alias_memory_is_a_limit);
    tcase_add_test(tests, test_beyond_max_bytes_groups_are_decided_early);
    tcase_add_test(tests, test_each_allocation_may_fail);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
