/* What a pattern needs in a text: whenever it matches in one, the text has it. */
#include <check.h>

#include "base/pattern.h"
#include "suite.h"

static const char *const patterns[] = {
    "4[0-9]{12}(?:[0-9]{3})?",
    "[a-z0-9.]+@[a-z0-9.]+\\.[a-z]{2}",
    "(?i)bearer\\s+\\S",
    "(?i)k",
    "(?i)ab|[x-z]C",
    "a|b|",
    "^a",
    "b$",
    "\\bab\\b",
    "(?m)^b",
    ".*",
    "x*",
    "(?s).+@",
    "\\D@",
    "[^a]b",
    "(a|b)+@c?",
    "\\x{212a}",
    "\\B.",
    "(?:a@)?b",
    "A(?i)b@",
};

static bool has_one(struct weft_slice text, const uint64_t words[2])
{
    for (size_t i = 0; i < text.length; i++) {
        if ((words[text.bytes[i] / 64] >> text.bytes[i] % 64 & 1) != 0) {
            return true;
        }
    }
    return false;
}

START_TEST(test_a_text_with_a_match_has_what_is_needed)
{
    static const char alphabet[] = "aAbBkKeErR@.4 xC1\nz";
    struct weft_pattern *pattern = NULL;
    struct weft_pattern_scratch *scratch = NULL;
    uint8_t bytes[24];
    uint64_t state = 1;
    ck_assert(weft_pattern_compile(weft_slice_of_text(patterns[_i]), NULL, &pattern, NULL) == WEFT_OK);
    ck_assert(weft_pattern_scratch_new(0, &scratch, NULL) == WEFT_OK);
    struct weft_pattern_needs needs = weft_pattern_needs_of(pattern);
    for (int round = 0; round < 20000; round++) {
        struct weft_slice text = { bytes, 1 + (size_t)round % sizeof bytes };
        for (size_t i = 0; i < text.length; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (uint8_t)alphabet[(state >> 33) % (sizeof alphabet - 1)];
        }
        if (weft_pattern_match(pattern, scratch, text) == WEFT_PATTERN_MATCH) {
            ck_assert_msg(has_one(text, needs.start) && has_one(text, needs.inside), "%s in %.*s", patterns[_i],
                          WEFT_SLICE_PRINT(text));
        }
    }
    weft_pattern_scratch_free(&scratch);
    weft_pattern_free(&pattern);
}
END_TEST

START_TEST(test_needs_say_something)
{
    struct weft_pattern *pattern = NULL;
    ck_assert(weft_pattern_compile(weft_slice_of_text(patterns[0]), NULL, &pattern, NULL) == WEFT_OK);
    struct weft_pattern_needs needs = weft_pattern_needs_of(pattern);
    ck_assert(needs.start[0] == UINT64_C(1) << '4' && needs.start[1] == 0);
    weft_pattern_free(&pattern);
    ck_assert(weft_pattern_compile(weft_slice_of_text(patterns[2]), NULL, &pattern, NULL) == WEFT_OK);
    needs = weft_pattern_needs_of(pattern);
    ck_assert(needs.start[0] == 0 && needs.start[1] == (UINT64_C(1) << ('b' - 64) | UINT64_C(1) << ('B' - 64)));
    weft_pattern_free(&pattern);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pattern needs");
    TCase *tests = tcase_create("needs");
    tcase_add_loop_test(tests, test_a_text_with_a_match_has_what_is_needed, 0, WEFT_COUNT_OF(patterns));
    tcase_add_test(tests, test_needs_say_something);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
