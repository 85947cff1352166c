/* Plain patterns beside the same ones interpreted by PCRE2: which are plain, and that both find the same, in texts of
 * all kinds of bytes. */
#include <check.h>

#include "base/pattern.h"
#include "base/pattern_plain.h"
#include "suite.h"

static const char *const plain_patterns[] = {
    "ab",     "^ab",    "ab$",      "^ab$",  "a",          "a\\.b",  "\\.$",    "^/",       "a[ab]+",
    "a[^b]*", "[^ab]+", "ab[b-x]*", "\\d+",  "=\\w+",      "a\\s*",  "^[0-9]+", "^a[a-z]*", "[-a]+",
    "b[a-]+", "a-b",    "aab",      "[^a]+", "a[0-9a-f]+", "=[^&]*", "\\s+",
};

static const char *const other_patterns[] = {
    "",       "^",       "$",      "a*",     "ab+",      "a?",          "[ab]",  "[ab]*",     "a|b",
    "(a)",    "a.",      "(?i)a",  "a{2}",   "[a-z]+b",  "\\bab",       "\\D+",  "\\pL+",     "[[:alpha:]]+",
    "[\\d]+", "[a\\]]+", "a[b]+?", "a[b]+$", "\xc3\xa9", "[\xc3\xa9]+", "[]a]+", "bb[^\\d]+", "a]",
    "\\a",    "[+-/]+",  "a^",     "a$b",
};

START_TEST(test_which_patterns_are_plain)
{
    struct weft_pattern_plain plain;
    for (size_t i = 0; i < WEFT_COUNT_OF(plain_patterns); i++) {
        ck_assert_msg(weft_pattern_plain_of(weft_slice_of_text(plain_patterns[i]), &plain), "%s", plain_patterns[i]);
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(other_patterns); i++) {
        ck_assert_msg(!weft_pattern_plain_of(weft_slice_of_text(other_patterns[i]), &plain), "%s", other_patterns[i]);
    }
}
END_TEST

/* All at once, with as many steps as one after the other takes, and one less. */
static void expect_few(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch,
                       struct weft_slice subject)
{
    enum { STEPS = 100000 };
    struct weft_pattern_search search;
    struct weft_pattern_few few;
    uint64_t left = STEPS;
    size_t start, end, count = 0;
    bool is_known = weft_pattern_find_few(pattern, scratch, subject, &few);
    weft_pattern_scratch_set_steps(scratch, &left);
    weft_pattern_search_start(pattern, scratch, subject, &search);
    while (weft_pattern_search_next(&search, &start, &end) == WEFT_PATTERN_MATCH) {
        ck_assert(!is_known || (few.items[count].start == start && few.items[count].end == end));
        count++;
    }
    ck_assert_int_eq(is_known, count <= WEFT_COUNT_OF(few.items));
    uint64_t steps = STEPS - left;
    if (is_known) {
        ck_assert_uint_eq(few.count, count);
        left = steps;
        ck_assert(weft_pattern_find_few(pattern, scratch, subject, &few));
        ck_assert_uint_eq(left, 0);
        left = steps - 1;
        ck_assert(!weft_pattern_find_few(pattern, scratch, subject, &few));
        ck_assert_uint_eq(left, steps - 1);
    }
    weft_pattern_scratch_set_steps(scratch, NULL);
}

static void expect_same(const char *text, struct weft_pattern *const patterns[2],
                        struct weft_pattern_scratch *scratch[2], struct weft_slice subject)
{
    struct weft_pattern_search searches[2];
    size_t start[2], end[2];
    enum weft_pattern_outcome outcome[2];
    for (size_t i = 0; i < 2; i++) {
        outcome[i] = weft_pattern_match(patterns[i], scratch[i], subject);
        weft_pattern_search_start(patterns[i], scratch[i], subject, &searches[i]);
    }
    ck_assert_int_eq(outcome[0], outcome[1]);
    ck_assert_int_eq(outcome[0], weft_pattern_match_plain(patterns[0], subject));
    ck_assert_int_eq(WEFT_PATTERN_LIMIT, weft_pattern_match_plain(patterns[1], subject));
    do {
        for (size_t i = 0; i < 2; i++) {
            start[i] = end[i] = 0;
            outcome[i] = weft_pattern_search_next(&searches[i], &start[i], &end[i]);
        }
        ck_assert_msg(outcome[0] == outcome[1] && start[0] == start[1] && end[0] == end[1],
                      "%s in \"%.*s\": %zu-%zu, not %zu-%zu", text, WEFT_SLICE_PRINT(subject), start[0], end[0],
                      start[1], end[1]);
    } while (outcome[0] == WEFT_PATTERN_MATCH);
}

START_TEST(test_plain_patterns_find_what_pcre2_does)
{
    static const struct weft_pattern_options interpreted = { .is_interpreted = true };
    static const uint8_t alphabet[] = "aaabbb./-=0x \n\t\xc3\xa9\xff\xe2\x80";
    struct weft_pattern *patterns[2] = { NULL, NULL };
    struct weft_pattern_scratch *scratch[2] = { NULL, NULL };
    uint8_t bytes[80];
    uint64_t state = 1;
    for (size_t i = 0; i < 2; i++) {
        ck_assert(weft_pattern_compile(weft_slice_of_text(plain_patterns[_i]), i == 0 ? NULL : &interpreted,
                                       &patterns[i], NULL) == WEFT_OK);
        ck_assert(weft_pattern_scratch_new(0, &scratch[i], NULL) == WEFT_OK);
    }
    for (size_t round = 0; round < 10000; round++) {
        struct weft_slice subject = { bytes, round % sizeof bytes };
        for (size_t i = 0; i < subject.length; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = alphabet[(state >> 33) % (sizeof alphabet - 1)];
        }
        for (size_t i = (state >> 40) % 40; round % 2 == 0 && i < subject.length && i % 40 > 0; i++) {
            bytes[i] = bytes[i] == '0' ? '0' : 'a'; /* so that classes have many members in a row */
        }
        expect_same(plain_patterns[_i], patterns, scratch, subject);
        expect_few(patterns[0], scratch[0], subject);
    }
    expect_same(plain_patterns[_i], patterns, scratch, WEFT_SLICE_EMPTY);
    expect_few(patterns[0], scratch[0], WEFT_SLICE_EMPTY);
    for (size_t i = 0; i < 2; i++) {
        weft_pattern_free(&patterns[i]);
        weft_pattern_scratch_free(&scratch[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pattern plain");
    TCase *tests = tcase_create("plain");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_which_patterns_are_plain);
    tcase_add_loop_test(tests, test_plain_patterns_find_what_pcre2_does, 0, WEFT_COUNT_OF(plain_patterns));
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
