/* The scanner of strict JSON: texts that RFC 8259 has and texts that it has not, every special byte at every
 * place of a block, every truncation, escapes, and numbers as exact values. Texts lie in memory of exactly
 * their length, so that a read past the end is seen. */
#include "wire/wire_test.h"

#include <math.h>
#include <stdio.h>

#include "wire/json_convert.h"
#include "wire/json_scan.h"

static bool is_json(struct weft_slice text)
{
    uint8_t *copy = weft_alloc(text.length > 0 ? text.length : 1);
    memcpy(copy, text.bytes, text.length);
    struct weft_json_fault fault = { NULL, NULL };
    const uint8_t *end = copy + text.length;
    const uint8_t *at = weft_json_skip_value(copy, end, &fault);
    if (at == NULL) {
        ck_assert(fault.reason != NULL && fault.at >= copy && fault.at <= end);
    }
    bool is_good = at != NULL && weft_json_skip_space(at, end) == end;
    weft_free(copy);
    return is_good;
}

#define TEXT(literal) WEFT_SLICE_LITERAL(literal)

static const struct weft_slice accepted[] = {
    TEXT("null"),
    TEXT("true"),
    TEXT("false"),
    TEXT(" null"),
    TEXT("null\n"),
    TEXT("\t\r\n true \t\r\n"),
    TEXT("0"),
    TEXT("-0"),
    TEXT("7"),
    TEXT("-1"),
    TEXT("10"),
    TEXT("1234567890"),
    TEXT("123456789012345678901234567890"),
    TEXT("0.5"),
    TEXT("-0.0"),
    TEXT("1.000000000000000000000000000001"),
    TEXT("1e1"),
    TEXT("1E1"),
    TEXT("1e+1"),
    TEXT("1e-1"),
    TEXT("0e0"),
    TEXT("0e+1"),
    TEXT("1.5e10"),
    TEXT("-1.5E-10"),
    TEXT("1e00012"),
    TEXT("1e999999999999999999999999"),
    TEXT("1e-999999999999999999999999"),
    TEXT("\"\""),
    TEXT("\"a\""),
    TEXT("\" \""),
    TEXT("\"\\\"\""),
    TEXT("\"\\\\\""),
    TEXT("\"\\/\""),
    TEXT("\"/\""),
    TEXT("\"\\b\\f\\n\\r\\t\""),
    TEXT("\"\\u0000\""),
    TEXT("\"\\u00e9\""),
    TEXT("\"\\uABCD\\uabcd\""),
    TEXT("\"\\ud83d\\ude00\""),
    TEXT("\"\\uD800\""),
    TEXT("\"\\uDC00\\uD800\""),
    TEXT("\"\\ud800\\u0041\""),
    TEXT("\"\x7f\""),
    TEXT("\"\xc2\x80\""),
    TEXT("\"\xdf\xbf\""),
    TEXT("\"\xe0\xa0\x80\""),
    TEXT("\"\xed\x9f\xbf\""),
    TEXT("\"\xee\x80\x80\""),
    TEXT("\"\xef\xbf\xbf\""),
    TEXT("\"\xf0\x90\x80\x80\""),
    TEXT("\"\xf4\x8f\xbf\xbf\""),
    TEXT("\"\xe2\x80\xa8\xe2\x80\xa9\""),
    TEXT("\"\xef\xbb\xbf\""),
    TEXT("\"[1,2}\""),
    TEXT("\"a plain text that is longer than two blocks of sixteen bytes\""),
    TEXT("[]"),
    TEXT("[ ]"),
    TEXT("[\n]"),
    TEXT("[1]"),
    TEXT("[1,2]"),
    TEXT("[ 1 , 2 ]"),
    TEXT("[null,true,false,0,\"\",[],{}]"),
    TEXT("[[]]"),
    TEXT("[[],[[]]]"),
    TEXT("[{}]"),
    TEXT("[\"\"]"),
    TEXT("[-0]"),
    TEXT("[1e5,1]"),
    TEXT("{}"),
    TEXT("{ }"),
    TEXT("{\"a\":1}"),
    TEXT("{ \"a\" : 1 }"),
    TEXT("{\"a\":1,\"b\":2}"),
    TEXT("{\"a\":1,\"a\":2}"),
    TEXT("{\"\":0}"),
    TEXT("{\"\\u0061\":0}"),
    TEXT("{\"a\":{}}"),
    TEXT("{\"a\":[]}"),
    TEXT("{\"a\":{\"b\":{\"c\":[{\"d\":null}]}}}"),
    TEXT("{\"a\":\n[\r\n1\t]}"),
    TEXT("{\"a\":\"}\"}"),
    TEXT("[1,{\"a\":[2,{}]},3]"),
    TEXT("{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}"),
};

static const struct weft_slice refused[] = {
    TEXT(""),
    TEXT(" "),
    TEXT("\n"),
    TEXT("\xef\xbb\xbf{}"),
    TEXT("\xef\xbb\xbf"),
    TEXT("n"),
    TEXT("nul"),
    TEXT("nulL"),
    TEXT("Null"),
    TEXT("NULL"),
    TEXT("tru"),
    TEXT("TRUE"),
    TEXT("truth"),
    TEXT("fals"),
    TEXT("False"),
    TEXT("nullx"),
    TEXT("true false"),
    TEXT("nan"),
    TEXT("NaN"),
    TEXT("Infinity"),
    TEXT("-Infinity"),
    TEXT("undefined"),
    TEXT("+1"),
    TEXT("-"),
    TEXT("--1"),
    TEXT("- 1"),
    TEXT("01"),
    TEXT("-01"),
    TEXT("00"),
    TEXT("1."),
    TEXT("1.e1"),
    TEXT(".5"),
    TEXT("-.5"),
    TEXT("1e"),
    TEXT("1e+"),
    TEXT("1e-"),
    TEXT("1eE1"),
    TEXT("1.5."),
    TEXT("1.5.5"),
    TEXT("1e1.5"),
    TEXT("0x10"),
    TEXT("0X1"),
    TEXT("1_000"),
    TEXT("1,000"),
    TEXT("1 000"),
    TEXT("1f"),
    TEXT("1\x00"),
    TEXT("\xef\xbc\x91"),
    TEXT("\""),
    TEXT("\"a"),
    TEXT("'a'"),
    TEXT("a"),
    TEXT("\"\\\""),
    TEXT("\"\\"),
    TEXT("\"\\a\""),
    TEXT("\"\\x41\""),
    TEXT("\"\\'\""),
    TEXT("\"\\0\""),
    TEXT("\"\\\x00\""),
    TEXT("\"\\U0041\""),
    TEXT("\"\\u\""),
    TEXT("\"\\u1\""),
    TEXT("\"\\u12\""),
    TEXT("\"\\u123\""),
    TEXT("\"\\u123g\""),
    TEXT("\"\\u-123\""),
    TEXT("\"\\u 123\""),
    TEXT("\"\\ud83d\\u\""),
    TEXT("\"\\ud83d\\"),
    TEXT("\"\\ud83d\\u12\""),
    TEXT("\"\n\""),
    TEXT("\"\t\""),
    TEXT("\"\r\""),
    TEXT("\"\x1f\""),
    TEXT("\"\x00\""),
    TEXT("\"\x80\""),
    TEXT("\"\xbf\""),
    TEXT("\"\xc0\x80\""),
    TEXT("\"\xc1\xbf\""),
    TEXT("\"\xc3\""),
    TEXT("\"\xc3"),
    TEXT("\"\xc3\x28\""),
    TEXT("\"\xe0\x80\x80\""),
    TEXT("\"\xe0\x9f\xbf\""),
    TEXT("\"\xe2\x82\""),
    TEXT("\"\xed\xa0\x80\""),
    TEXT("\"\xed\xbf\xbf\""),
    TEXT("\"\xf0\x80\x80\x80\""),
    TEXT("\"\xf0\x8f\xbf\xbf\""),
    TEXT("\"\xf0\x9f\x98\""),
    TEXT("\"\xf4\x90\x80\x80\""),
    TEXT("\"\xf5\x80\x80\x80\""),
    TEXT("\"\xf8\x88\x80\x80\x80\""),
    TEXT("\"\xfe\""),
    TEXT("\"\xff\""),
    TEXT("["),
    TEXT("]"),
    TEXT("[1"),
    TEXT("[1,"),
    TEXT("[1,]"),
    TEXT("[,1]"),
    TEXT("[,]"),
    TEXT("[1,,2]"),
    TEXT("[1 2]"),
    TEXT("[1;2]"),
    TEXT("[1}"),
    TEXT("[1]]"),
    TEXT("[1],"),
    TEXT("[\"a\" \"b\"]"),
    TEXT("[\"a\":1]"),
    TEXT("[\"a\","),
    TEXT("[[]"),
    TEXT("[nul]"),
    TEXT("[\x0b]"),
    TEXT("[\x0c]"),
    TEXT("[\xc2\xa0]"),
    TEXT("[1]x"),
    TEXT("[][]"),
    TEXT("[]\x00"),
    TEXT("{"),
    TEXT("}"),
    TEXT("{]"),
    TEXT("{\"a\""),
    TEXT("{\"a\":"),
    TEXT("{\"a\":1"),
    TEXT("{\"a\":1,"),
    TEXT("{\"a\":1,}"),
    TEXT("{,\"a\":1}"),
    TEXT("{,}"),
    TEXT("{\"a\":1,,\"b\":2}"),
    TEXT("{\"a\"}"),
    TEXT("{\"a\" 1}"),
    TEXT("{\"a\",1}"),
    TEXT("{\"a\"::1}"),
    TEXT("{\"a\":}"),
    TEXT("{:1}"),
    TEXT("{\"a\":1 \"b\":2}"),
    TEXT("{\"a\":1]"),
    TEXT("{\"a\":1}}"),
    TEXT("{a:1}"),
    TEXT("{'a':1}"),
    TEXT("{1:1}"),
    TEXT("{null:1}"),
    TEXT("{[]:1}"),
    TEXT("{{}:1}"),
    TEXT("{\"a\":1}{}"),
    TEXT("{\"a\":1} //"),
    TEXT("/**/{}"),
    TEXT("{\"a\":/*c*/1}"),
    TEXT("{} #"),
    TEXT("{\"a\":\"b}"),
    TEXT("{\"a\x00\":1}"),
    TEXT("{\"\xff\":1}"),
    TEXT("{\"a\":tru}"),
    TEXT("{\"a\":+1}"),
    TEXT("{\"a\":[1,{\"b\":2]}"),
};

START_TEST(test_texts_of_the_standard_are_taken)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(accepted); i++) {
        ck_assert_msg(is_json(accepted[i]), "%.*s", WEFT_SLICE_PRINT(accepted[i]));
    }
}
END_TEST

START_TEST(test_other_texts_are_refused)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(refused); i++) {
        ck_assert_msg(!is_json(refused[i]), "row %zu: %.*s", i, WEFT_SLICE_PRINT(refused[i]));
    }
}
END_TEST

/* What is cut off is refused, but for numbers, which are shorter numbers then. */
START_TEST(test_every_truncation_is_refused)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(accepted); i++) {
        struct weft_slice text = accepted[i];
        bool is_closed = text.bytes[0] == '{' || text.bytes[0] == '[' || text.bytes[0] == '"';
        for (size_t length = 0; is_closed && length < text.length; length++) {
            ck_assert(!is_json(weft_slice_of(text.bytes, length)));
        }
    }
}
END_TEST

START_TEST(test_special_bytes_are_seen_at_every_place)
{
    static const uint8_t specials[] = { 0, 1, '\n', 0x1f, '"', 0x80, 0xc3, 0xff };
    for (size_t length = 1; length < 70; length++) {
        uint8_t text[72];
        memset(text, 'a', sizeof text);
        text[0] = '"';
        text[length + 1] = '"';
        struct weft_slice whole = weft_slice_of(text, length + 2);
        ck_assert(is_json(whole));
        for (size_t place = 1; place <= length; place++) {
            for (size_t i = 0; i < WEFT_COUNT_OF(specials); i++) {
                text[place] = specials[i];
                ck_assert(!is_json(whole));
            }
            text[place] = '\\';
            ck_assert(!is_json(whole));
            text[place] = 0x7f;
            ck_assert(is_json(whole));
            text[place] = 'a';
        }
    }
}
END_TEST

static bool is_nested_json(size_t depth, const char *open, const char *close)
{
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    for (size_t i = 0; i < depth; i++) {
        weft_buffer_append_text(&text, open);
    }
    weft_buffer_append_text(&text, "0");
    for (size_t i = 0; i < depth; i++) {
        weft_buffer_append_text(&text, close);
    }
    bool is_good = is_json(weft_buffer_slice(&text));
    weft_buffer_fini(&text);
    return is_good;
}

START_TEST(test_nesting_is_limited)
{
    static const char *const pairs[][2] = { { "[", "]" }, { "{\"a\":", "}" } };
    for (size_t i = 0; i < 2; i++) {
        ck_assert(is_nested_json(WEFT_JSON_MAX_SKIP_DEPTH, pairs[i][0], pairs[i][1]));
        ck_assert(!is_nested_json(WEFT_JSON_MAX_SKIP_DEPTH + 1, pairs[i][0], pairs[i][1]));
        ck_assert(!is_nested_json(1000000, pairs[i][0], pairs[i][1]));
    }
    ck_assert(is_nested_json(WEFT_JSON_MAX_SKIP_DEPTH / 2, "[{\"a\":", "}]"));
    ck_assert(!is_nested_json(WEFT_JSON_MAX_SKIP_DEPTH / 2, "[{\"a\":", "]}"));
}
END_TEST

static void assert_unescaped(struct weft_slice contents, struct weft_slice expected)
{
    uint8_t apart[64];
    size_t length = (size_t)(weft_json_unescape(apart, contents) - apart);
    ck_assert_slice_eq(weft_slice_of(apart, length), expected);
    uint8_t same[64];
    memcpy(same, contents.bytes, contents.length);
    length = (size_t)(weft_json_unescape(same, weft_slice_of(same, contents.length)) - same);
    ck_assert_slice_eq(weft_slice_of(same, length), expected);
}

START_TEST(test_escapes_are_resolved)
{
    assert_unescaped(TEXT("plain"), TEXT("plain"));
    assert_unescaped(TEXT("\\\"\\\\\\/\\b\\f\\n\\r\\t"), TEXT("\"\\/\b\f\n\r\t"));
    assert_unescaped(TEXT("a\\u0000b"), TEXT("a\0b"));
    assert_unescaped(TEXT("\\u007f\\u0080\\u07ff\\u0800\\uffff"), TEXT("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"));
    assert_unescaped(TEXT("\\ud83d\\uDE00\\udbff\\udfff\\ud800\\udc00"),
                     TEXT("\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xf0\x90\x80\x80"));
    assert_unescaped(TEXT("\xc3\xa9\\n\xc3\xa9"), TEXT("\xc3\xa9\n\xc3\xa9"));
}
END_TEST

START_TEST(test_half_pairs_become_replacement_characters)
{
    assert_unescaped(TEXT("\\ud800"), TEXT("\xef\xbf\xbd"));
    assert_unescaped(TEXT("\\udc00x"), TEXT("\xef\xbf\xbdx"));
    assert_unescaped(TEXT("\\udc00\\ud800"), TEXT("\xef\xbf\xbd\xef\xbf\xbd"));
    assert_unescaped(TEXT("\\ud800\\u0041"), TEXT("\xef\xbf\xbd"
                                                  "A"));
    assert_unescaped(TEXT("\\ud800\\n"), TEXT("\xef\xbf\xbd\n"));
    assert_unescaped(TEXT("\\ud800\\ud83d\\ude00"), TEXT("\xef\xbf\xbd\xf0\x9f\x98\x80"));
}
END_TEST

static struct weft_json_number number_of(const char *text)
{
    struct weft_json_fault fault = { 0 };
    struct weft_json_number number;
    const uint8_t *at = (const uint8_t *)text;
    ck_assert(weft_json_scan_number(at, at + strlen(text), &number, &fault) == at + strlen(text));
    return number;
}

START_TEST(test_integers_are_exact_however_they_are_written)
{
    static const struct {
        const char *text;
        uint64_t magnitude;
    } rows[] = {
        { "0", 0 },
        { "-0", 0 },
        { "0.000", 0 },
        { "0e999999999999", 0 },
        { "0.0e-999999999999", 0 },
        { "1.0", 1 },
        { "1e3", 1000 },
        { "1.5e1", 15 },
        { "1500e-2", 15 },
        { "-9223372036854775808", UINT64_C(9223372036854775808) },
        { "9007199254740993", UINT64_C(9007199254740993) },
        { "18446744073709551615", UINT64_MAX },
        { "18446744073709551615.000", UINT64_MAX },
        { "1.8446744073709551615e19", UINT64_MAX },
        { "184467440737095516150000e-4", UINT64_MAX },
        { "1000000000000000000000000e-24", 1 },
        { "10000000000000000000", UINT64_C(10000000000000000000) },
        { "0.00000000000000000000000000000000000001e38", 1 },
        { "1e19", UINT64_C(10000000000000000000) },
        { "10203040506070809001", UINT64_C(10203040506070809001) },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_json_number number = number_of(rows[i].text);
        uint64_t magnitude;
        ck_assert_msg(weft_json_to_magnitude(&number, &magnitude), "%s", rows[i].text);
        ck_assert_msg(magnitude == rows[i].magnitude, "%s", rows[i].text);
    }
}
END_TEST

START_TEST(test_numbers_that_are_no_integer_are_told)
{
    static const char *const rows[] = {
        "0.5",
        "1e-1",
        "15e-2",
        "1e-999999999999",
        "1e20",
        "1e999999999999",
        "18446744073709551616",
        "99999999999999999999",
        "1234567890123456789012345",
        "18446744073709551615.5",
        "1.00000000000000000000000000001",
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_json_number number = number_of(rows[i]);
        uint64_t magnitude;
        ck_assert_msg(!weft_json_to_magnitude(&number, &magnitude), "%s", rows[i]);
    }
}
END_TEST

START_TEST(test_doubles_are_the_nearest)
{
    struct random random = { .state = 7 };
    for (size_t i = 0; i < 20000; i++) {
        char text[64];
        switch (i % 4) {
        case 0:
            snprintf(text, sizeof text, "%u.%ue%d", random_next(&random), random_next(&random),
                     (int)random_below(&random, 80) - 40);
            break;
        case 1:
            snprintf(text, sizeof text, "%u.%u", random_below(&random, 1000), random_below(&random, 100000));
            break;
        case 2:
            snprintf(text, sizeof text, "-%.17g", (double)random_value(&random) / 3.0);
            break;
        default:
            snprintf(text, sizeof text, "%u%u%ue-%u", 1 + random_below(&random, 9), random_next(&random),
                     random_next(&random), random_below(&random, 330));
        }
        struct weft_json_number number = number_of(text);
        double value;
        ck_assert(weft_json_to_double(&number, &value));
        double expected = strtod(text, NULL);
        ck_assert_msg(memcmp(&value, &expected, sizeof value) == 0, "%s", text);
    }
    struct weft_json_number number = number_of("-0.0");
    double value;
    ck_assert(weft_json_to_double(&number, &value) && signbit(value));
    number = number_of("1e400");
    ck_assert(!weft_json_to_double(&number, &value));
    number = number_of("1e-400");
    ck_assert(weft_json_to_double(&number, &value) && value == 0);
    number = number_of("1.7976931348623157e308");
    ck_assert(weft_json_to_double(&number, &value) && value == 1.7976931348623157e308);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_texts_of_the_standard_are_taken,
        test_other_texts_are_refused,
        test_every_truncation_is_refused,
        test_special_bytes_are_seen_at_every_place,
        test_nesting_is_limited,
        test_escapes_are_resolved,
        test_half_pairs_become_replacement_characters,
        test_integers_are_exact_however_they_are_written,
        test_numbers_that_are_no_integer_are_told,
        test_doubles_are_the_nearest,
    };
    return run_tests("json_scan", tests, WEFT_COUNT_OF(tests));
}
