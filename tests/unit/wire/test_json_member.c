/* Members of small JSON objects, and the small protobuf messages that carry the same. */
#include <check.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "suite.h"
#include "wire/json_member.h"
#include "wire/rpc_status.h"

static const struct {
    const char *object;
    enum weft_status status;
    const char *value; /* of "a" */
} cases[] = {
    { "{\"a\":1}", WEFT_OK, "1" },
    { " { \"b\" : [1,{\"a\":2}] , \"a\" : { \"x\" : \"}\" } } \n", WEFT_OK, "{ \"x\" : \"}\" }" },
    { "{\"a\":1,\"a\":\"two\"}", WEFT_OK, "\"two\"" },
    { "{\"a\":\"q\\\"\\\\\"}", WEFT_OK, "\"q\\\"\\\\\"" },
    { "{}", WEFT_NOT_FOUND, NULL },
    { "{\"b\":1}", WEFT_NOT_FOUND, NULL },
    { "{\"a\":null}", WEFT_NOT_FOUND, NULL },
    { "{\"A\":1}", WEFT_NOT_FOUND, NULL },
    { "", WEFT_INVALID, NULL },
    { "1", WEFT_INVALID, NULL },
    { "[{\"a\":1}]", WEFT_INVALID, NULL },
    { "{\"a\":1", WEFT_INVALID, NULL },
    { "{\"a\":1,}", WEFT_INVALID, NULL },
    { "{\"a\" 1}", WEFT_INVALID, NULL },
    { "{\"a\":}", WEFT_INVALID, NULL },
    { "{\"a\":1}}", WEFT_INVALID, NULL },
    { "{\"a\":1} x", WEFT_INVALID, NULL },
    { "{a:1}", WEFT_INVALID, NULL },
    { "{\"a\":1,\"b\":tru}", WEFT_INVALID, NULL },
    { "{\"a\":1 \"b\":2}", WEFT_INVALID, NULL },
};

/* The text on the heap, so that reading past its end is seen. */
static enum weft_status find(const char *text, size_t length, struct weft_slice *out_value, char **out_copy)
{
    *out_copy = malloc(length + 1);
    memcpy(*out_copy, text, length);
    *out_copy = realloc(*out_copy, length == 0 ? 1 : length);
    return weft_json_find_member(weft_slice_of(*out_copy, length), "a", out_value);
}

START_TEST(test_members_are_found)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        struct weft_slice value = WEFT_SLICE_EMPTY;
        char *copy;
        ck_assert_msg(find(cases[i].object, strlen(cases[i].object), &value, &copy) == cases[i].status, "%s",
                      cases[i].object);
        if (cases[i].value != NULL) {
            ck_assert_msg(weft_slice_equal_text(value, cases[i].value), "%s", cases[i].object);
        }
        free(copy);
    }
}
END_TEST

START_TEST(test_every_beginning_of_an_object_is_refused)
{
    static const char text[] = "{\"b\":[1,{\"c\":null}],\"a\":\"x\\u00e9\"}";
    for (size_t length = 0; length < sizeof text - 1; length++) {
        struct weft_slice value;
        char *copy;
        ck_assert_int_eq(find(text, length, &value, &copy), WEFT_INVALID);
        free(copy);
    }
}
END_TEST

static void expect_text(const char *value, size_t capacity, const char *expected)
{
    char text[32];
    weft_json_copy_text(weft_slice_of_text(value), text, capacity);
    ck_assert_str_eq(text, expected);
}

START_TEST(test_texts_are_unescaped_and_cut)
{
    expect_text("\"plain\"", 32, "plain");
    expect_text("\"a\\n\\u00e9\\\"\"", 32, "a\n\xc3\xa9\"");
    expect_text("\"plain\"", 4, "pla");
    expect_text("\"\"", 32, "");
    expect_text("12", 32, "");
    weft_alloc_fail_at(1);
    expect_text("\"plain\"", 32, "");
    weft_alloc_fail_at(0);
}
END_TEST

START_TEST(test_counts_are_numbers_or_texts)
{
    static const struct {
        const char *value;
        uint64_t count;
    } counts[] = {
        { "7", 7 },
        { "\"7\"", 7 },
        { "0", 0 },
        { "-7", 0 },
        { "\"-7\"", 0 },
        { "1.5", 0 },
        { "1e3", 0 },
        { "\"\"", 0 },
        { "true", 0 },
        { "9223372036854775807", INT64_MAX },
        { "\"99999999999999999999\"", 0 },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(counts); i++) {
        ck_assert_uint_eq(weft_json_read_count(weft_slice_of_text(counts[i].value)), counts[i].count);
    }
}
END_TEST

START_TEST(test_status_message_is_read)
{
    struct weft_slice whole = WEFT_SLICE_LITERAL("\x08\x03\x12\x04oops");
    ck_assert(weft_slice_equal_text(weft_rpc_status_message(whole), "oops"));
    ck_assert_uint_eq(weft_rpc_status_message(WEFT_SLICE_LITERAL("<html>")).length, 0);
    ck_assert_uint_eq(weft_rpc_status_message(WEFT_SLICE_EMPTY).length, 0);
    whole.length--;
    ck_assert_uint_eq(weft_rpc_status_message(whole).length, 0);
}
END_TEST

START_TEST(test_response_that_cannot_be_read_is_told)
{
    ck_assert(weft_otlp_response_is_valid(WEFT_SLICE_EMPTY));
    ck_assert(weft_otlp_response_is_valid(WEFT_SLICE_LITERAL("\x0a\x00")));
    ck_assert(weft_otlp_response_is_valid(WEFT_SLICE_LITERAL("\x0a\x06\x08\x03\x12\x02no")));
    ck_assert(weft_otlp_response_is_valid(WEFT_SLICE_LITERAL("\x0a\x06\x08\x03\x12\x02no\x50\x01")));
    ck_assert(!weft_otlp_response_is_valid(WEFT_SLICE_LITERAL("\x0a\x05\x08\x03\x12\x02no")));
    ck_assert(!weft_otlp_response_is_valid(WEFT_SLICE_LITERAL("\x0a\x06\x08\x03\x12\x02n")));
    ck_assert(!weft_otlp_response_is_valid(WEFT_SLICE_LITERAL("OK")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_member");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, test_members_are_found);
    tcase_add_test(tcase, test_every_beginning_of_an_object_is_refused);
    tcase_add_test(tcase, test_texts_are_unescaped_and_cut);
    tcase_add_test(tcase, test_counts_are_numbers_or_texts);
    tcase_add_test(tcase, test_status_message_is_read);
    tcase_add_test(tcase, test_response_that_cannot_be_read_is_told);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
