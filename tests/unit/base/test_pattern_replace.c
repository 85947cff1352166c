/* Replacing matches: as Go's ReplaceAllString does it, found by running it; and what happens at a limit. */
#include "base/base_test.h"

#include "base/alloc.h"
#include "base/pattern.h"

struct fact {
    const char *pattern, *subject, *replaced;
};

static const struct fact facts[] = {
    { "a+", "baac", "b****c" },
    { "b*", "abc", "****a****c****" },
    { "^", "ab", "****ab" },
    { "$", "ab", "ab****" },
    { "(?s).*", "a\nb", "****" },
    { ".*", "a\nb", "****\n****" },
    { "\\d{3}-\\d{4}", "call 555-1234, 555-9876", "call ****, ****" },
    { ".", "\xff\xc3\xa9z", "************" },
    { "z", "\xff\xc3\xa9z\xfe", "\xff\xc3\xa9****\xfe" },
    { "", "\xc3\xa9", "****\xc3\xa9****" },
    { "\xc3\xa9*", "a\xc3\xa9\xc3\xa9", "****a****" },
    { "(?i)bearer \\S+", "Authorization: Bearer abc.def ghi", "Authorization: **** ghi" },
    { ".*", "", "****" },
};

static const struct weft_slice mask = WEFT_SLICE_LITERAL("****");

static enum weft_pattern_outcome replace(const char *text, struct weft_slice subject, size_t fail_at,
                                         struct weft_buffer *out)
{
    struct weft_pattern *pattern = NULL;
    struct weft_pattern_scratch *scratch = NULL;
    ck_assert_int_eq(weft_pattern_compile(weft_slice_of_text(text), NULL, &pattern, NULL), WEFT_OK);
    ck_assert_int_eq(weft_pattern_scratch_new(0, &scratch, NULL), WEFT_OK);
    weft_alloc_fail_at(fail_at);
    enum weft_pattern_outcome outcome = weft_pattern_replace(pattern, scratch, subject, mask, out);
    weft_alloc_fail_at(0);
    weft_pattern_free(&pattern);
    weft_pattern_scratch_free(&scratch);
    return outcome;
}

START_TEST(test_every_fact_is_as_in_go)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(facts); i++) {
        struct weft_buffer out;
        weft_buffer_init(&out, 0);
        ck_assert_int_eq(replace(facts[i].pattern, weft_slice_of_text(facts[i].subject), 0, &out), WEFT_PATTERN_MATCH);
        ck_assert_msg(weft_slice_equal_text(weft_buffer_slice(&out), facts[i].replaced), "%s: \"%.*s\"",
                      facts[i].pattern, WEFT_SLICE_PRINT(weft_buffer_slice(&out)));
        weft_buffer_fini(&out);
    }
}
END_TEST

/* Behind what was there before: nothing is added unless all of it is. */
START_TEST(test_nothing_is_written_without_a_match_or_at_a_limit)
{
    static const struct {
        const char *pattern, *subject;
        size_t fail_at;
        enum weft_pattern_outcome outcome;
    } rows[] = {
        { "x", "abc", 0, WEFT_PATTERN_NO },
        { "1|(x?[a-z]*)*[0-9]", "1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, WEFT_PATTERN_LIMIT },
        { "a",
          "abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a "
          "abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a abc a",
          1, WEFT_PATTERN_LIMIT },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_buffer out;
        weft_buffer_init(&out, 0);
        weft_buffer_append_text(&out, "before");
        ck_assert_int_eq(replace(rows[i].pattern, weft_slice_of_text(rows[i].subject), rows[i].fail_at, &out),
                         rows[i].outcome);
        ck_assert(weft_slice_equal_text(weft_buffer_slice(&out), "before"));
        weft_buffer_fini(&out);
    }
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_every_fact_is_as_in_go),
        BASE_TEST(test_nothing_is_written_without_a_match_or_at_a_limit),
    };
    return BASE_TEST_RUN("pattern replace", tests);
}
