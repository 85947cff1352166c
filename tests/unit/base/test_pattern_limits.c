/* Matching within limits, groups, and memory that runs out (base/pattern). */
#include "base/base_test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
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

/* Without callouts nothing counts what an attempt reads: it has few steps, and each of many is counted then. */
START_TEST(test_what_many_attempts_read_of_a_short_subject_is_counted)
{
    enum { STEPS = 1000 * 1000, LENGTH = 300 };
    static uint8_t bytes[LENGTH];
    struct weft_pattern_scratch *scratch = new_scratch(0);
    struct weft_pattern *pattern = compile("\\w+\\d", NULL);
    uint64_t left = STEPS;
    memset(bytes, 'a', sizeof bytes);
    weft_pattern_scratch_set_steps(scratch, &left);
    enum weft_pattern_outcome outcome = weft_pattern_match(pattern, scratch, weft_slice_of(bytes, sizeof bytes));
    ck_assert_int_eq(outcome, WEFT_PATTERN_LIMIT);
    ck_assert_uint_lt(left, STEPS - LENGTH * LENGTH / 2);
    uint64_t before = left;
    ck_assert_int_eq(weft_pattern_match(pattern, scratch, weft_slice_of(bytes, 20)), WEFT_PATTERN_NO);
    ck_assert_uint_ge(left, before - 1000); /* honest words end before */
    weft_pattern_free(&pattern);
    weft_pattern_scratch_free(&scratch);
}
END_TEST

/* Each match reads what lies before it, not all that lies behind. */
START_TEST(test_many_matches_in_a_short_subject_are_within_the_steps)
{
    enum { LENGTH = 512 };
    static uint8_t bytes[LENGTH];
    struct weft_pattern_scratch *scratch = new_scratch(0);
    struct weft_pattern *pattern = compile("a", NULL);
    struct weft_buffer out = { 0 };
    uint64_t left = 1000 * 1000;
    memset(bytes, 'a', sizeof bytes);
    weft_pattern_scratch_set_steps(scratch, &left);
    ck_assert_int_eq(
        weft_pattern_replace(pattern, scratch, weft_slice_of(bytes, sizeof bytes), WEFT_SLICE_LITERAL("b"), &out),
        WEFT_PATTERN_MATCH);
    ck_assert_uint_eq(out.length, LENGTH);
    weft_buffer_fini(&out);
    weft_pattern_free(&pattern);
    weft_pattern_scratch_free(&scratch);
}
END_TEST

static bool log_names(int descriptor, const char *component, const char *pattern)
{
    char text[4096];
    ssize_t length = pread(descriptor, text, sizeof text - 1, 0);
    text[length < 0 ? 0 : length] = '\0';
    const char *end = strchr(text, '\n');
    return strstr(text, component) != NULL && strstr(text, pattern) != NULL && end != NULL && end[1] == '\0';
}

/* What slow matches need beyond their bytes is bounded over the batch; others go on as before. */
START_TEST(test_a_batch_has_so_many_steps_for_slow_matches)
{
    enum { SLOW = 2000 };
    struct weft_slice slow = WEFT_SLICE_LITERAL("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
    struct weft_slice less_slow = WEFT_SLICE_LITERAL("aaaaaaaaaa!"); /* a thousand ways to take it apart */
    struct weft_pattern_scratch *scratch = new_scratch(0);
    struct weft_pattern *pattern = compile("^(\\w+\\s?)*$", NULL);
    FILE *log = tmpfile();
    weft_log_configure(&(struct weft_log_config){ .service = "test", .descriptor = fileno(log) });
    for (int batch = 0; batch < 2; batch++) {
        weft_pattern_scratch_begin_batch(scratch, batch == 0 ? "filter/x" : NULL);
        ck_assert_int_eq(weft_pattern_match(pattern, scratch, less_slow), WEFT_PATTERN_NO);
        for (int i = 0; i < SLOW; i++) {
            ck_assert_int_eq(weft_pattern_match(pattern, scratch, slow), WEFT_PATTERN_LIMIT);
        }
        ck_assert_int_eq(weft_pattern_match(pattern, scratch, less_slow), WEFT_PATTERN_LIMIT);
        ck_assert_int_eq(weft_pattern_match(pattern, scratch, WEFT_SLICE_LITERAL("one two")), WEFT_PATTERN_MATCH);
        ck_assert_int_eq(weft_pattern_match(pattern, scratch, WEFT_SLICE_LITERAL("!")), WEFT_PATTERN_NO);
    }
    ck_assert_uint_eq(weft_pattern_scratch_limits_met(scratch), 2 * (SLOW + 1));
    ck_assert(log_names(fileno(log), "filter/x", "^(\\\\w+\\\\s?)*$")); /* once, and the other batch has no name */
    weft_log_configure(&(struct weft_log_config){ .service = "test", .descriptor = 2 });
    fclose(log);
    weft_pattern_free(&pattern);
    weft_pattern_scratch_free(&scratch);
}
END_TEST

/* A batch may be as large as it will. */
START_TEST(test_honest_matches_never_meet_the_batchs_limit)
{
    enum { LENGTH = 4000, VALUES = 20000 };
    static const char *const patterns[] = { "^\\d+$", "(?i)error|warn", "[a-z]+[0-9]", "(\\w+)@(\\w+)\\.com",
                                            ".*b.*c" };
    static uint8_t bytes[LENGTH];
    struct weft_pattern_scratch *scratch = new_scratch(2);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = i % 7 == 6 ? ' ' : (uint8_t)('d' + i % 5);
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(patterns); i++) {
        struct weft_pattern *pattern = compile(patterns[i], NULL);
        weft_pattern_scratch_begin_batch(scratch, NULL);
        for (size_t j = 0; j < VALUES; j++) {
            size_t length = j % 100 == 0 ? LENGTH : 1 + j % 200;
            ck_assert_int_eq(weft_pattern_match(pattern, scratch, weft_slice_of(bytes, length)), WEFT_PATTERN_NO);
        }
        weft_pattern_free(&pattern);
    }
    ck_assert_uint_eq(weft_pattern_scratch_limits_met(scratch), 0);
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
        BASE_TEST(test_what_many_attempts_read_of_a_short_subject_is_counted),
        BASE_TEST(test_many_matches_in_a_short_subject_are_within_the_steps),
        BASE_TEST(test_a_batch_has_so_many_steps_for_slow_matches),
        BASE_TEST(test_honest_matches_never_meet_the_batchs_limit),
        BASE_TEST(test_a_search_of_many_attempts_ends_in_time),
        BASE_TEST(test_time_asleep_is_not_counted),
        BASE_TEST(test_sizes_over_the_limits_are_told),
        BASE_TEST(test_groups_have_names_and_are_read_after_a_match),
        BASE_TEST(test_memory_that_runs_out_is_told),
        BASE_TEST(test_a_match_without_memory_says_limit),
    };
    return BASE_TEST_RUN("pattern limits", tests);
}
