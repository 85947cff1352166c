/* One level of JSON, member by member. */
#include "wire/wire_test.h"

#include "suite.h"
#include "wire/json_each.h"

/* What the walk finds, as `key=value;`. */
static void walk(const char *text, struct weft_buffer *out)
{
    size_t length = strlen(text);
    uint8_t *copy = malloc(length + 1); /* so that reading past its end is seen */
    memcpy(copy, text, length);
    struct weft_json_each each = weft_json_each_of(weft_slice_of(copy, length));
    while (weft_json_each_next(&each)) {
        weft_buffer_append_format(out, "%.*s=%.*s;", WEFT_SLICE_PRINT(each.key), WEFT_SLICE_PRINT(each.value));
    }
    ck_assert(!weft_json_each_next(&each));
    weft_buffer_append_byte(out, 0);
    free(copy);
}

static const struct {
    const char *text;
    const char *found;
} cases[] = {
    { "{\"a\":1,\"b\":[2,{\"c\":3}]}", "a=1;b=[2,{\"c\":3}];" },
    { " { \"a\" : \"}\\\"\" , \"a\" : null } ", "a=\"}\\\"\";a=null;" },
    { "[1, \"two\" ,{}]", "=1;=\"two\";={};" },
    { "{}", "" },
    { "[ ]", "" },
    { "", "" },
    { "  ", "" },
    { "1", "" },
    { "\"{\"", "" },
    { "{\"a\":1,}", "a=1;" },
    { "{\"a\":1 \"b\":2}", "a=1;" },
    { "{\"a\" 1}", "" },
    { "{a:1}", "" },
    { "[1,", "=1;" },
    { "[1,tru]", "=1;" },
    { "{\"a\":1", "a=1;" },
    { "{\"a", "" },
    { "{\"a\":", "" },
    { "{", "" },
};

START_TEST(test_members_and_items_come_in_order)
{
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    walk(cases[_i].text, &out);
    ck_assert_str_eq((const char *)out.bytes, cases[_i].found);
    weft_buffer_fini(&out);
}
END_TEST

START_TEST(test_what_is_too_deep_ends_the_walk)
{
    char text[400] = "{\"a\":1,\"b\":";
    memset(text + strlen(text), '[', 100);
    memset(text + strlen(text), ']', 100);
    strcat(text, ",\"c\":2}");
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    walk(text, &out);
    ck_assert_str_eq((const char *)out.bytes, "a=1;");
    weft_buffer_fini(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire/json_each");
    TCase *tests = tcase_create("json_each");
    tcase_add_loop_test(tests, test_members_and_items_come_in_order, 0, (int)WEFT_COUNT_OF(cases));
    tcase_add_test(tests, test_what_is_too_deep_ends_the_walk);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
