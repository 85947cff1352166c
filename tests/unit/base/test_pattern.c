/* Regular expressions beside Go's: what Go 1.26's regexp says to each, as found by running it, and what weft adds of
 * its own refusals. The last part of the file reads UTF-8 that is broken. */
#include "base/base_test.h"

#include <stdio.h>
#include <string.h>

#include "base/pattern.h"

struct fact {
    const char *pattern;
    struct weft_slice subject;
    const char *found; /* all matches, "start-end start-end" */
};

static const struct fact facts[] = {
    { "a$", WEFT_SLICE_LITERAL("a\n"), "" },
    { "(?m)a$", WEFT_SLICE_LITERAL("a\n"), "0-1" },
    { "(?m)^", WEFT_SLICE_LITERAL("a\n"), "0-0 2-2" },
    { "^b", WEFT_SLICE_LITERAL("a\nb"), "" },
    { "(?m)^b", WEFT_SLICE_LITERAL("a\nb"), "2-3" },
    { "a\\z", WEFT_SLICE_LITERAL("a\n"), "" },
    { "(?m)\\Aa", WEFT_SLICE_LITERAL("b\na"), "" },
    { ".", WEFT_SLICE_LITERAL("\n"), "" },
    { "(?s).", WEFT_SLICE_LITERAL("\n"), "0-1" },
    { "[^a]", WEFT_SLICE_LITERAL("\n"), "0-1" },
    { "a.c",
      WEFT_SLICE_LITERAL("a\x0d"
                         "c"),
      "0-3" },
    { "\\d",
      WEFT_SLICE_LITERAL("\xd9\xa3"
                         "3"),
      "2-3" },
    { "\\w+",
      WEFT_SLICE_LITERAL("\xc3\xa9"
                         "a_\xc3\xa9"),
      "2-4" },
    { "\\s", WEFT_SLICE_LITERAL("\x0b\xc2\xa0\x09"), "3-4" },
    { "[[:space:]]", WEFT_SLICE_LITERAL("\x0b"), "0-1" },
    { "\\b\xc3\xa9", WEFT_SLICE_LITERAL("\xc3\xa9"), "" },
    { "\\b", WEFT_SLICE_LITERAL("\xc3\xa9 a"), "3-3 4-4" },
    { "[[:word:]]+", WEFT_SLICE_LITERAL("\xc3\xa9_a"), "2-4" },
    { "[[:^ascii:]]", WEFT_SLICE_LITERAL("a\xc3\xa9"), "1-3" },
    { "(?i)k", WEFT_SLICE_LITERAL("\xe2\x84\xaa"), "0-3" },
    { "(?i)S", WEFT_SLICE_LITERAL("\xc5\xbf"), "0-2" },
    { "(?i)\\w", WEFT_SLICE_LITERAL("\xc5\xbf"), "0-2" },
    { "(?i)\\W", WEFT_SLICE_LITERAL("\xc5\xbf"), "" },
    { "(?i)[^\\W]", WEFT_SLICE_LITERAL("\xe2\x84\xaa"), "0-3" },
    { "(?i)[\\W\\d]+", WEFT_SLICE_LITERAL("\xc5\xbf-1"), "2-4" },
    { "(?i)[^\\W\\d]", WEFT_SLICE_LITERAL("1\xc5\xbf"), "1-3" },
    { "(?i)\xcf\x83", WEFT_SLICE_LITERAL("\xcf\x82"), "0-2" },
    { "(?i)\xc3\x9f", WEFT_SLICE_LITERAL("\xe1\xba\x9e"), "0-3" },
    { "(?i)i", WEFT_SLICE_LITERAL("\xc4\xb0"), "" },
    { "(?i)[[:upper:]]", WEFT_SLICE_LITERAL("a"), "0-1" },
    { "(?i)[[:^upper:]]", WEFT_SLICE_LITERAL("aA1"), "2-3" },
    { "a(?i)b|c", WEFT_SLICE_LITERAL("C"), "0-1" },
    { "(a(?i)b)c", WEFT_SLICE_LITERAL("aBC"), "" },
    { "(a(?i)b)c", WEFT_SLICE_LITERAL("aBc"), "0-3" },
    { "(?i:a)b", WEFT_SLICE_LITERAL("AB"), "" },
    { "(?i)a(?-i)b", WEFT_SLICE_LITERAL("Ab"), "0-2" },
    { "\\pN", WEFT_SLICE_LITERAL("\xe2\x85\xa7"), "0-3" },
    { "\\p{Greek}", WEFT_SLICE_LITERAL("\xcd\x82\xce\xb2"), "2-4" },
    { "\\P{Greek}",
      WEFT_SLICE_LITERAL("\xce\xb2"
                         "a"),
      "2-3" },
    { "\\p{^Greek}",
      WEFT_SLICE_LITERAL("\xce\xb2"
                         "a"),
      "2-3" },
    { "[^\\pL]",
      WEFT_SLICE_LITERAL("\xc3\xa9"
                         "1"),
      "2-3" },
    { "\\x{10FFFF}", WEFT_SLICE_LITERAL("\xf4\x8f\xbf\xbf"), "0-4" },
    { "\\p{Any}", WEFT_SLICE_LITERAL("a"), "0-1" },
    { "(?i)\\p{Nd}", WEFT_SLICE_LITERAL("1"), "0-1" },
    { "\\pC", WEFT_SLICE_LITERAL("\xcd\xb8"), "0-2" },
    { "\\101\\012\\0", WEFT_SLICE_LITERAL("A\n\x00"), "0-3" },
    { "\\12", WEFT_SLICE_LITERAL("\n"), "0-1" },
    { "\\x41", WEFT_SLICE_LITERAL("A"), "0-1" },
    { "\\a\\f\\v", WEFT_SLICE_LITERAL("\x07\x0c\x0b"), "0-3" },
    { "\\_\\-\\@", WEFT_SLICE_LITERAL("_-@"), "0-3" },
    { "\\Qa.b\\E+", WEFT_SLICE_LITERAL("a.bb"), "0-4" },
    { "\\Q*", WEFT_SLICE_LITERAL("*"), "0-1" },
    { "a\\Q\\E*", WEFT_SLICE_LITERAL("aa"), "0-2" },
    { "[]a]+", WEFT_SLICE_LITERAL("]a"), "0-2" },
    { "[^]a]", WEFT_SLICE_LITERAL("]b"), "1-2" },
    { "[a-]", WEFT_SLICE_LITERAL("-"), "0-1" },
    { "[\\]a]", WEFT_SLICE_LITERAL("]"), "0-1" },
    { "[\\d-z]+", WEFT_SLICE_LITERAL("-1z"), "0-3" },
    { "[[:]", WEFT_SLICE_LITERAL(":"), "0-1" },
    { "[a&&b]+", WEFT_SLICE_LITERAL("&b"), "0-2" },
    { "[\\x00-\\x{10FFFF}]", WEFT_SLICE_LITERAL("a"), "0-1" },
    { "[^\\x00-\\x{10FFFF}]", WEFT_SLICE_LITERAL("a"), "" },
    { "a{,2}", WEFT_SLICE_LITERAL("a{,2}"), "0-5" },
    { "a{,2}", WEFT_SLICE_LITERAL("aa"), "" },
    { "a{01}", WEFT_SLICE_LITERAL("a{01}"), "0-5" },
    { "a{1,2", WEFT_SLICE_LITERAL("a{1,2"), "0-5" },
    { "{}", WEFT_SLICE_LITERAL("{}"), "0-2" },
    { "x{2}", WEFT_SLICE_LITERAL("xx"), "0-2" },
    { "(?P<n>a)(?<m>b)", WEFT_SLICE_LITERAL("ab"), "0-2" },
    { "(?P<9>a)(?P<9>b)", WEFT_SLICE_LITERAL("ab"), "0-2" },
    { "(?U)a+", WEFT_SLICE_LITERAL("aa"), "0-1 1-2" },
    { "(?U)a+?", WEFT_SLICE_LITERAL("aa"), "0-2" },
    { "(?)a", WEFT_SLICE_LITERAL("a"), "0-1" },
    { "a(?i)*", WEFT_SLICE_LITERAL("aa"), "0-2" },
    { "a*(?i)*", WEFT_SLICE_LITERAL("aa"), "0-2" },
    { "^*a", WEFT_SLICE_LITERAL("ba"), "1-2" },
    { "(?:\\b)+a", WEFT_SLICE_LITERAL("a"), "0-1" },
    { "\\b+", WEFT_SLICE_LITERAL("a"), "0-0 1-1" },
    { "()a", WEFT_SLICE_LITERAL("a"), "0-1" },
    { "a||b", WEFT_SLICE_LITERAL("b"), "0-0 1-1" },
    { "(a|ab)(c|bcd)", WEFT_SLICE_LITERAL("abcd"), "0-4" },
    { "(a*)*", WEFT_SLICE_LITERAL("aab"), "0-2 3-3" },
    { "(a|b*)+", WEFT_SLICE_LITERAL("abba"), "0-4" },
    { "(a+|b+)*", WEFT_SLICE_LITERAL("abba"), "0-4" },
    { "(?:a|)*", WEFT_SLICE_LITERAL("aa"), "0-2" },
    { "a{0}b", WEFT_SLICE_LITERAL("ab"), "1-2" },
    { "(?:a{0,2}){2,}", WEFT_SLICE_LITERAL("aaaaa"), "0-5" },
    { "(?s-i).", WEFT_SLICE_LITERAL("\n"), "0-1" },
    { ".", WEFT_SLICE_LITERAL("\xff\xc3\xe2\x84"), "0-1 1-2 2-3 3-4" },
    { "a.b",
      WEFT_SLICE_LITERAL("a\xff"
                         "b"),
      "0-3" },
    { "\xc3\xa9", WEFT_SLICE_LITERAL("\xc3\xc3\xa9"), "1-3" },
    { "\xef\xbf\xbd", WEFT_SLICE_LITERAL("\xed\xa0\x80"), "0-1 1-2 2-3" },
    { "[^a]", WEFT_SLICE_LITERAL("\xc0\x80"), "0-1 1-2" },
    { "\\x{ff}", WEFT_SLICE_LITERAL("\xff"), "" },
    { "", WEFT_SLICE_LITERAL("ab"), "0-0 1-1 2-2" },
    { "a*", WEFT_SLICE_LITERAL("baac"), "0-0 1-3 4-4" },
    { "\\b", WEFT_SLICE_LITERAL("a b\xc3\xa9"), "0-0 1-1 2-2 3-3" },
    { "(?m)$", WEFT_SLICE_LITERAL("a\n\nb"), "1-1 2-2 4-4" },
    { "b*", WEFT_SLICE_LITERAL("\xc3\xa9"), "0-0 2-2" },
};

/* Go refuses these. */
static const char *const refused[] = {
    "a**",         "a++",          "a*+",         "a{2}{3}",    "*a",
    "(*)",         "|*",           "(?i)*",       "{2}",        "a{1001}",
    "a{2,1}",      "(a{100}){11}", "(",           "a)",         "[a",
    "[]",          "[b-a]",        "[a-\\d]",     "[[:foo:]]",  "\\1",
    "(a)\\1",      "\\8",          "\\Z",         "\\C",        "\\K",
    "\\R",         "\\X",          "\\h",         "\\N",        "\\G",
    "\\E",         "\\e",          "\\\xc3\xa9",  "\\",         "\\x",
    "\\x4",        "\\x{}",        "\\x{110000}", "\\p{Foo}",   "\\p",
    "\\p\xc3\xa9", "\\p{",         "(?=a)",       "(?!a)",      "(?<=a)",
    "(?<!a)",      "(?>a)",        "(?#a)",       "(?R)",       "(?1)",
    "(?&n)",       "(?P>n)",       "(?P=n)",      "(?(1)a)",    "(?C)",
    "(?'n'a)",     "(?P<a-b>c)",   "(?P<>c)",     "(?P<a",      "(?x)a",
    "(?i-)a",      "(?i",          "(?--i)a",     "(*UTF)a",    "(*LIMIT_MATCH=1)a",
    "a\xff",       "[\\Q]\\E]",    "(?|a)",       "\\Qa\\E\\E",
};

/* Go takes these. */
static const char *const unsupported[] = {
    "(|a)*",
    "(a*|b)*",
    "(a?"
    "?)+",
    "(?:a*?|b){2,}",
    "(?:^|a)*",
    "(?i)\\p{Lu}",
    "(?i)[^\\pL]",
    "\\x{d800}",
    "[\\x{dfff}]",
};

static struct weft_pattern_scratch *scratch;

static void set_up(void)
{
    ck_assert_int_eq(weft_pattern_scratch_new(8, &scratch, NULL), WEFT_OK);
}

static void tear_down(void)
{
    weft_pattern_scratch_free(&scratch);
}

static void find_all(const struct weft_pattern *pattern, struct weft_slice subject, char *text, size_t size)
{
    struct weft_pattern_search search;
    enum weft_pattern_outcome outcome;
    size_t length = 0;
    size_t start;
    size_t end;
    text[0] = '\0';
    weft_pattern_search_start(pattern, scratch, subject, &search);
    while ((outcome = weft_pattern_search_next(&search, &start, &end)) == WEFT_PATTERN_MATCH && length < size) {
        length += (size_t)snprintf(text + length, size - length, "%s%zu-%zu", length == 0 ? "" : " ", start, end);
    }
    ck_assert_int_eq(outcome, WEFT_PATTERN_NO);
}

static void expect_fact(const struct fact *fact, const struct weft_pattern_options *options)
{
    char found[256];
    struct weft_pattern *pattern = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_pattern_compile(weft_slice_of_text(fact->pattern), options, &pattern, &error);
    ck_assert_msg(status == WEFT_OK, "%s: %s", fact->pattern, error.text);
    find_all(pattern, fact->subject, found, sizeof found);
    ck_assert_msg(strcmp(found, fact->found) == 0, "%s: \"%s\" instead of \"%s\"", fact->pattern, found, fact->found);
    enum weft_pattern_outcome outcome = weft_pattern_match(pattern, scratch, fact->subject);
    ck_assert_int_eq(outcome, found[0] == '\0' ? WEFT_PATTERN_NO : WEFT_PATTERN_MATCH);
    weft_pattern_free(&pattern);
}

START_TEST(test_every_fact_is_as_in_go)
{
    static const struct weft_pattern_options interpreted = { .is_interpreted = true };
    static const struct weft_pattern_options with_groups = { .has_groups = true };
    set_up();
    for (size_t i = 0; i < WEFT_COUNT_OF(facts); i++) {
        expect_fact(&facts[i], NULL);
        expect_fact(&facts[i], &interpreted);
        expect_fact(&facts[i], &with_groups);
    }
    tear_down();
}
END_TEST

/* Behind a long start the other way of matching is taken: nothing else may change. */
START_TEST(test_a_long_subject_is_matched_as_a_short_one)
{
    enum { BEFORE = 1000 };
    static uint8_t bytes[BEFORE + 64];
    static const char *const patterns[] = { "user=(alice|bob)", "(?i)BOB|x", "[a-z]+=", "(?m)^user" };
    static const char *const expected[] = { "1001-1009", "1006-1009", "1001-1006", "1001-1005" };
    set_up();
    memset(bytes, ' ', sizeof bytes);
    memcpy(bytes + BEFORE, "\nuser=bob", 9);
    for (size_t i = 0; i < WEFT_COUNT_OF(patterns); i++) {
        struct fact fact = { patterns[i], weft_slice_of(bytes, sizeof bytes), expected[i] };
        expect_fact(&fact, NULL);
    }
    tear_down();
}
END_TEST

/* Where it does not matter where a match ends, they are taken; Go's answers to whether there is one. */
START_TEST(test_a_group_that_would_rather_be_empty_is_taken_for_matching_only)
{
    static const struct weft_pattern_options match_only = { .is_match_only = true };
    static const struct {
        const char *pattern, *subject;
        bool is_match;
    } rows[] = {
        { "^(|a)*$", "aa", true },           { "^(|a)*$", "ab", false },       { "^(a*|b)*c$", "abbac", true },
        { "^(a*|b)*c$", "abxac", false },    { "^(a*?|b){2,}$", "bab", true }, { "^(?:\\b|[ab])+$", "ab", true },
        { "^(?:\\b|[ab])+$", "a-b", false },
    };
    set_up();
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_pattern *pattern = NULL;
        ck_assert_int_eq(weft_pattern_compile(weft_slice_of_text(rows[i].pattern), NULL, &pattern, NULL),
                         WEFT_UNSUPPORTED);
        ck_assert_int_eq(weft_pattern_compile(weft_slice_of_text(rows[i].pattern), &match_only, &pattern, NULL),
                         WEFT_OK);
        enum weft_pattern_outcome outcome = weft_pattern_match(pattern, scratch, weft_slice_of_text(rows[i].subject));
        ck_assert_msg(outcome == (rows[i].is_match ? WEFT_PATTERN_MATCH : WEFT_PATTERN_NO), "%s", rows[i].pattern);
        weft_pattern_free(&pattern);
    }
    tear_down();
}
END_TEST

static void expect_refused(const char *text, enum weft_status expected)
{
    struct weft_pattern *pattern = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_pattern_compile(weft_slice_of_text(text), NULL, &pattern, &error);
    ck_assert_msg(status == expected, "%s: %s, %s", text, weft_status_name(status), error.text);
    ck_assert_msg(strncmp(error.text, "regular expression: offset ", 27) == 0, "%s: %s", text, error.text);
    ck_assert_ptr_null(pattern);
}

START_TEST(test_what_go_refuses_is_refused)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(refused); i++) {
        expect_refused(refused[i], WEFT_INVALID);
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(unsupported); i++) {
        expect_refused(unsupported[i], WEFT_UNSUPPORTED);
    }
}
END_TEST

START_TEST(test_an_error_names_the_offset_and_what_is_right)
{
    static const struct {
        const char *pattern, *text;
    } errors[] = {
        { "ab\\Z", "regular expression: offset 2: \"\\Z\": \\Z is not in RE2's language; \\z is the end of the text" },
        { "a(?=b)", "regular expression: offset 1: \"(?=\": looking ahead is not in RE2's language" },
        { "x(?'n'b)", "regular expression: offset 1: \"(?'\": a named group is written (?P<name>...)" },
        { "a**", "regular expression: offset 2: \"*\": a repetition of a repetition (possessive ones are not in RE2's "
                 "language)" },
        { "ab(c", "regular expression: offset 2: \"(c\": a group that is not closed" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(errors); i++) {
        struct weft_pattern *pattern = NULL;
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_int_ne(weft_pattern_compile(weft_slice_of_text(errors[i].pattern), NULL, &pattern, &error), WEFT_OK);
        ck_assert_str_eq(error.text, errors[i].text);
    }
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_every_fact_is_as_in_go),
        BASE_TEST(test_a_long_subject_is_matched_as_a_short_one),
        BASE_TEST(test_a_group_that_would_rather_be_empty_is_taken_for_matching_only),
        BASE_TEST(test_what_go_refuses_is_refused),
        BASE_TEST(test_an_error_names_the_offset_and_what_is_right),
    };
    return BASE_TEST_RUN("pattern", tests);
}
