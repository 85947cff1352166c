/* Matching within limits, groups, and memory that runs out (base/pattern). */
#include "base/base_test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/pattern.h"

static struct weft_pattern *compile(const char *text, const struct weft_pattern_options *options)
{
    struct weft_pattern *pattern = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(weft_pattern_compile(weft_slice_of_text(text), options, &pattern, &error) == WEFT_OK, "%s",
                  error.text);
    return pattern;
}

static struct weft_pattern_scratch *new_scratch(size_t max_groups)
{
    struct weft_pattern_scratch *scratch = NULL;
    ck_assert_int_eq(weft_pattern_scratch_new(max_groups, &scratch, NULL), WEFT_OK);
    return scratch;
}

/* Exponential: without a limit no machine ends this. Nor does the search go on behind it. */
START_TEST(test_a_match_that_would_not_end_says_limit)
{
    static const struct weft_pattern_options options[] = { { 0 }, { .is_interpreted = true } };
    struct weft_pattern_scratch *scratch = new_scratch(0);
    struct weft_slice subject = WEFT_SLICE_LITERAL("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    for (size_t i = 0; i < WEFT_COUNT_OF(options); i++) {
        struct weft_pattern *pattern = compile("(x?[a-z]*)*[0-9]", &options[i]);
        ck_assert_int_eq(weft_pattern_match(pattern, scratch, subject), WEFT_PATTERN_LIMIT);
        struct weft_pattern_search search;
        size_t start;
        size_t end;
        weft_pattern_search_start(pattern, scratch, subject, &search);
        ck_assert_int_eq(weft_pattern_search_next(&search, &start, &end), WEFT_PATTERN_LIMIT);
        ck_assert_int_eq(weft_pattern_search_next(&search, &start, &end), WEFT_PATTERN_LIMIT);
        /* The scratch is as good as before. */
        ck_assert_int_eq(weft_pattern_match(pattern, scratch, WEFT_SLICE_LITERAL("a1")), WEFT_PATTERN_MATCH);
        weft_pattern_free(&pattern);
    }
    weft_pattern_scratch_free(&scratch);
}
END_TEST

/* How far it reads again and again within one attempt: no limit of PCRE2 counts that. Steps are the same each time. */
START_TEST(test_a_match_takes_no_more_steps_than_there_are)
{
    enum { LENGTH = 1 << 20, STEPS = 1000 * 1000 };
    static uint8_t bytes[LENGTH];
    static const struct weft_pattern_options options[] = {
        { .max_match_ns = 3600 * WEFT_NS_PER_S }, { .max_match_ns = 3600 * WEFT_NS_PER_S, .is_interpreted = true }
    };
    struct weft_pattern_scratch *scratch = new_scratch(0);
    memset(bytes, 'a', sizeof bytes);
    for (size_t i = 0; i < WEFT_COUNT_OF(options); i++) {
        struct weft_pattern *pattern = compile("(a*)(a*)[bc]", &options[i]);
        struct weft_pattern *honest = compile("(a+)$", &options[i]);
        uint64_t left = STEPS;
        weft_pattern_scratch_set_steps(scratch, &left);
        ck_assert_int_eq(weft_pattern_match(pattern, scratch, weft_slice_of(bytes, sizeof bytes)), WEFT_PATTERN_LIMIT);
        ck_assert_uint_eq(left, 0);
        left = 2 * LENGTH;
        ck_assert_int_eq(weft_pattern_match(honest, scratch, weft_slice_of(bytes, sizeof bytes)), WEFT_PATTERN_MATCH);
        uint64_t once = left;
        left = 2 * LENGTH;
        ck_assert_int_eq(weft_pattern_match(honest, scratch, weft_slice_of(bytes, sizeof bytes)), WEFT_PATTERN_MATCH);
        ck_assert_uint_eq(left, once);
        ck_assert_uint_gt(left, 0);
        left = STEPS; /* of a short subject, whose steps are counted when it has taken some without */
        ck_assert_int_eq(weft_pattern_match(pattern, scratch, weft_slice_of(bytes, 500)), WEFT_PATTERN_LIMIT);
        ck_assert_uint_gt(left, 0);
        ck_assert_int_eq(weft_pattern_match(pattern, scratch, WEFT_SLICE_LITERAL("aaab")), WEFT_PATTERN_MATCH);
        weft_pattern_scratch_set_steps(scratch, NULL);
        weft_pattern_free(&pattern);
        weft_pattern_free(&honest);
    }
    weft_pattern_scratch_free(&scratch);
}
END_TEST

/* Each attempt is short here, but there are many: the clock ends it. */
START_TEST(test_a_search_of_many_attempts_ends_in_time)
{
    enum { LENGTH = 100000 };
    static uint8_t bytes[LENGTH];
    static const struct weft_pattern_options options = { .max_match_ns = 1 };
    struct weft_pattern_scratch *scratch = new_scratch(0);
    struct weft_pattern *pattern = compile("[a-z]*[0-9]", &options);
    memset(bytes, 'a', sizeof bytes);
    ck_assert_int_eq(weft_pattern_match(pattern, scratch, weft_slice_of(bytes, sizeof bytes)), WEFT_PATTERN_LIMIT);
    bytes[sizeof bytes - 1] = '0';
    ck_assert_int_eq(weft_pattern_match(pattern, scratch, weft_slice_of(bytes, sizeof bytes)), WEFT_PATTERN_MATCH);
    weft_pattern_free(&pattern);

    /* Many matches, each found at once: the search as a whole ends in time. */
    struct weft_pattern_search search;
    enum weft_pattern_outcome outcome;
    size_t matches = 0;
    size_t start;
    size_t end;
    pattern = compile("a", &options);
    weft_pattern_search_start(pattern, scratch, weft_slice_of(bytes, sizeof bytes), &search);
    while ((outcome = weft_pattern_search_next(&search, &start, &end)) == WEFT_PATTERN_MATCH) {
        matches++;
    }
    ck_assert_int_eq(outcome, WEFT_PATTERN_LIMIT);
    ck_assert_uint_gt(matches, 0);
    weft_pattern_free(&pattern);
    weft_pattern_scratch_free(&scratch);
}
END_TEST

/* What counts is work: a thread that was not let run has done none. */
START_TEST(test_time_asleep_is_not_counted)
{
    enum { LENGTH = 2000, LIMIT_MS = 200 };
    static uint8_t bytes[LENGTH];
    static const struct weft_pattern_options options = { .max_match_ns = LIMIT_MS * WEFT_NS_PER_MS };
    struct weft_pattern_scratch *scratch = new_scratch(0);
    struct weft_pattern *pattern = compile("a", &options);
    struct weft_pattern_search search;
    enum weft_pattern_outcome outcome;
    size_t matches = 0;
    size_t start;
    size_t end;
    memset(bytes, 'a', sizeof bytes);
    weft_pattern_search_start(pattern, scratch, weft_slice_of(bytes, sizeof bytes), &search);
    while ((outcome = weft_pattern_search_next(&search, &start, &end)) == WEFT_PATTERN_MATCH) {
        if (++matches == LENGTH / 2) {
            weft_pause((LIMIT_MS + LIMIT_MS / 4) * WEFT_NS_PER_MS);
        }
    }
    ck_assert_int_eq(outcome, WEFT_PATTERN_NO);
    ck_assert_uint_eq(matches, LENGTH);
    weft_pattern_free(&pattern);
    weft_pattern_scratch_free(&scratch);
}
END_TEST

START_TEST(test_sizes_over_the_limits_are_told)
{
    struct weft_pattern_scratch *scratch = new_scratch(0);
    struct weft_pattern *pattern = compile("a", NULL);
    uint8_t *bytes = weft_alloc(WEFT_PATTERN_MAX_SUBJECT_BYTES + 1);
    bytes[WEFT_PATTERN_MAX_SUBJECT_BYTES - 1] = 'a';
    struct weft_slice subject = weft_slice_of(bytes, WEFT_PATTERN_MAX_SUBJECT_BYTES);
    ck_assert_int_eq(weft_pattern_match(pattern, scratch, subject), WEFT_PATTERN_MATCH);
    subject.length++;
    ck_assert_int_eq(weft_pattern_match(pattern, scratch, subject), WEFT_PATTERN_LIMIT);
    weft_pattern_free(&pattern);
    weft_pattern_scratch_free(&scratch);

    memset(bytes, 'a', WEFT_PATTERN_MAX_TEXT_BYTES + 1);
    ck_assert_int_eq(weft_pattern_compile(weft_slice_of(bytes, WEFT_PATTERN_MAX_TEXT_BYTES + 1), NULL, &pattern, NULL),
                     WEFT_LIMIT);
    memset(bytes, '(', WEFT_PATTERN_MAX_TEXT_BYTES);
    ck_assert_int_eq(weft_pattern_compile(weft_slice_of(bytes, 251), NULL, &pattern, NULL), WEFT_UNSUPPORTED);
    memset(bytes + 250, ')', 250);
    ck_assert_int_eq(weft_pattern_compile(weft_slice_of(bytes, 500), NULL, &pattern, NULL), WEFT_OK);
    weft_pattern_free(&pattern);
    weft_free(bytes);
}
END_TEST

START_TEST(test_groups_have_names_and_are_read_after_a_match)
{
    static const struct weft_pattern_options options = { .has_groups = true };
    struct weft_pattern_scratch *scratch = new_scratch(3);
    struct weft_pattern *pattern = compile("(?P<user>[a-z]+)=(\\d+)?(?<rest>.*)", &options);
    ck_assert_uint_eq(weft_pattern_group_count(pattern), 3);
    ck_assert_str_eq(weft_pattern_group_name(pattern, 1), "user");
    ck_assert_ptr_null(weft_pattern_group_name(pattern, 2));
    ck_assert_str_eq(weft_pattern_group_name(pattern, 3), "rest");

    struct weft_pattern_search search;
    struct weft_slice text;
    size_t start;
    size_t end;
    weft_pattern_search_start(pattern, scratch, WEFT_SLICE_LITERAL("\xff bob=x\xfey"), &search);
    ck_assert_int_eq(weft_pattern_search_next(&search, &start, &end), WEFT_PATTERN_MATCH);
    ck_assert_uint_eq(start, 2);
    ck_assert_uint_eq(end, 9);
    ck_assert(weft_pattern_search_group(&search, 1, &text) && weft_slice_equal_text(text, "bob"));
    ck_assert(!weft_pattern_search_group(&search, 2, &text));
    ck_assert(weft_pattern_search_group(&search, 3, &text) && weft_slice_equal_text(text, "x\xfey"));
    ck_assert(!weft_pattern_search_group(&search, 4, &text));
    weft_pattern_free(&pattern);
    weft_pattern_scratch_free(&scratch);
}
END_TEST

/* Each allocation fails in turn: refused without a leak, or done. */
START_TEST(test_memory_that_runs_out_is_told)
{
    static const struct weft_pattern_options options = { .has_groups = true };
    struct weft_slice text = WEFT_SLICE_LITERAL("(?i)(?P<a>[^\\Wx]|\\p{Han}{2,3})+(b)*");
    for (size_t nth = 1;; nth++) {
        struct weft_pattern *pattern = NULL;
        struct weft_error error = WEFT_ERROR_NONE;
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_pattern_compile(text, &options, &pattern, &error);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status == WEFT_OK, pattern != NULL);
        ck_assert_msg(status == WEFT_OK || status == WEFT_NOMEM, "%zu: %s", nth, error.text);
        ck_assert_int_eq(error.status, status);
        weft_pattern_free(&pattern);
        if (!has_failed) {
            ck_assert_uint_gt(nth, 8);
            break;
        }
    }
    for (size_t nth = 1;; nth++) {
        struct weft_pattern_scratch *scratch = NULL;
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_pattern_scratch_new(2, &scratch, NULL);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        weft_pattern_scratch_free(&scratch);
        if (!has_failed) {
            break;
        }
    }
}
END_TEST

/* A copy is needed for bytes that are not UTF-8; without memory for it the outcome is not "no". */
START_TEST(test_a_match_without_memory_says_limit)
{
    struct weft_pattern_scratch *scratch = new_scratch(0);
    struct weft_pattern *pattern = compile("b|c", NULL);
    struct weft_slice subject = WEFT_SLICE_LITERAL("a\xff");
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_pattern_match(pattern, scratch, subject), WEFT_PATTERN_LIMIT);
    weft_alloc_fail_at(0);
    ck_assert_int_eq(weft_pattern_match(pattern, scratch, subject), WEFT_PATTERN_NO);
    weft_pattern_free(&pattern);
    weft_pattern_scratch_free(&scratch);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_a_match_that_would_not_end_says_limit),
        BASE_TEST(test_a_match_takes_no_more_steps_than_there_are),
        BASE_TEST(test_a_search_of_many_attempts_ends_in_time),
        BASE_TEST(test_time_asleep_is_not_counted),
        BASE_TEST(test_sizes_over_the_limits_are_told),
        BASE_TEST(test_groups_have_names_and_are_read_after_a_match),
        BASE_TEST(test_memory_that_runs_out_is_told),
        BASE_TEST(test_a_match_without_memory_says_limit),
    };
    return BASE_TEST_RUN("pattern limits", tests);
}
