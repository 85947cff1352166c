/* Operator json_parser, and what all parsers have in common. */
#include "operators/json_text.h"
#include "operators/operators_test.h"

#define PARSE "  - {type: json_parser, parse_to: body}"
#define INTS  "  - {type: json_parser, parse_to: body, parse_ints: true}"

START_TEST(test_json_becomes_values)
{
    static const struct operators_case rows[] = {
        { PARSE, "{}", "{}" },
        { PARSE, " { } ", "{}" },
        { PARSE, "null", "{}" },
        { PARSE, "{\"a\":1,\"b\":-2.5,\"c\":\"x\",\"d\":true,\"e\":false,\"f\":null}",
          "{a:1.0,b:-2.5,c:\"x\",d:true,e:false,f:nil}" },
        { PARSE, "{\"a\" : [ 1 , [ ] , { } , [ \"y\" ] ] }", "{a:[1.0,[],{},[\"y\"]]}" },
        { PARSE, "{\"a\":{\"b\":{\"c\":1e3}}}", "{a:{b:{c:1000.0}}}" },
        { PARSE, "{\"a\\n\\u00e9\":\"\\\"\\\\\\t\"}", "{a\n\xc3\xa9:\"\"\\\t\"}" },
        { PARSE, "{\"a\":1,\"b\":2,\"a\":3}", "{a:3.0,b:2.0}" },
        { PARSE, "{\"a\":9007199254740993}", "{a:9.00719925474e+15}" },
        { INTS, "{\"a\":1,\"b\":-9223372036854775808,\"c\":9223372036854775807,\"d\":1.0,\"e\":1e2,\"f\":-0}",
          "{a:1,b:-9223372036854775808,c:9223372036854775807,d:1.0,e:100.0,f:0}" },
        { INTS, "{\"a\":[1,{\"b\":2}],\"c\":9223372036854775808}", "{a:[1,{b:2}],c:9.22337203685e+18}" },
        { INTS, "{\"a\":1,\"d\":1e999}", "\"{\"a\":1,\"d\":1e999}\"" },
        { PARSE, "{\"a\":\"tab\t, \\n and \x1b[0m\",\"b\x01\":\"\x1f\"}",
          "{a:\"tab\t, \n and \x1b[0m\",b\x01:\"\x1f\"}" },
        { INTS, "{\"a\":1} and more", "{a:1}" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

START_TEST(test_what_is_no_json_object_goes_on_as_it_is)
{
    static const char *const lines[] = {
        "",
        " ",
        "text",
        "[1]",
        "1",
        "\"a\"",
        "true",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1}}",
        "{\"a\":1} x",
        "{\"a\":}",
        "{\"a\" 1}",
        "{\"a\":01}",
        "{\"a\":x}",
        "{\"a\":[1,]}",
        "{\"a\":[1",
        "{\"a\":[",
        "{\"a\":\"x",
        "{\"a\":1e999}",
        "{\"a\":\"\\\x01\"}",
        "{\"a\":\"\x01",
        "{\"a\":-}",
        "{\"a\":1 \"b\":2}",
        "nul",
        "{\"a\":tru}",
        "{\"\\x\":1}",
        "{\"a\":[1 2]}",
    };
    struct operators_test test;
    operators_test_open(&test, "  - {type: json_parser}");
    for (size_t i = 0; i < WEFT_COUNT_OF(lines); i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "\"%s\"", lines[i]);
        ck_assert_str_eq(operators_test_line(&test, lines[i]), expected);
        ck_assert_msg(operators_test_counts(&test, 0).errors == i + 1, "%s", lines[i]);
    }
    operators_test_close(&test);
}
END_TEST

/* The line ends where its memory does. */
START_TEST(test_every_start_of_a_line_is_no_object)
{
    static const char line[] = "{\"a\":[1,-2.5e33,\"x\\n\",{\"b\":null,\"c\":true}],\"d\":false}";
    struct operators_test test;
    operators_test_open(&test, PARSE);
    for (size_t length = 0; length < sizeof line; length++) {
        uint8_t *exact = length == 0 ? NULL : weft_try_alloc_raw(length);
        if (length > 0) {
            memcpy(exact, line, length);
        }
        operators_test_begin(&test, "");
        test.entry.body = weft_log_string(weft_slice_of(exact, length));
        ck_assert_ptr_nonnull(operators_test_send(&test));
        bool is_whole = length == sizeof line - 1;
        ck_assert_int_eq(test.last.body.kind, is_whole ? WEFT_LOG_MAP : WEFT_LOG_STRING);
        weft_free(exact);
        if (is_whole) {
            break;
        }
    }
    operators_test_close(&test);
}
END_TEST

static void nest(char *text, size_t depth)
{
    char *at = text;
    for (size_t i = 0; i < depth; i++) {
        at += sprintf(at, i % 2 == 0 ? "{\"a\":" : "[");
    }
    at += sprintf(at, "1");
    for (size_t i = depth; i-- > 0;) {
        *at++ = i % 2 == 0 ? '}' : ']';
    }
    *at = '\0';
}

START_TEST(test_nesting_has_a_limit)
{
    char text[1024];
    struct operators_test test;
    operators_test_open(&test, PARSE);
    nest(text, WEFT_LOG_VALUE_MAX_DEPTH);
    operators_test_line(&test, text);
    ck_assert_int_eq(test.last.body.kind, WEFT_LOG_MAP);
    nest(text, WEFT_LOG_VALUE_MAX_DEPTH + 1);
    operators_test_line(&test, text);
    ck_assert_int_eq(test.last.body.kind, WEFT_LOG_STRING);
    operators_test_close(&test);
}
END_TEST

/* Also when they are so many that they are looked up by hash. */
START_TEST(test_many_keys_are_there_once)
{
    enum { KEYS = 1000 };
    static char line[2 * KEYS * 32];
    char *at = line + sprintf(line, "{");
    for (int i = 0; i < 2 * KEYS; i++) {
        at += sprintf(at, "%s\"k%d\":%d", i == 0 ? "" : ",", i % KEYS, i);
    }
    sprintf(at, "}");
    struct weft_entry_memory memory = { 0 };
    struct weft_hash_secret secret;
    struct weft_log_json_fault fault;
    struct weft_log_value value;
    weft_hash_secret_init(&secret);
    struct weft_log_json_options options = { .secret = &secret, .has_integers = true };
    ck_assert_int_eq(weft_log_json_read(weft_slice_of_text(line), &options, &memory, &value, &fault), WEFT_OK);
    ck_assert_uint_eq(value.map->count, KEYS);
    struct weft_entry_memory none = { 0 };
    struct weft_log_value nothing;
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_log_json_read(weft_slice_of_text(line), &options, &none, &nothing, &fault), WEFT_NOMEM);
    weft_alloc_fail_at(0);
    for (int i = 0; i < KEYS; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        ck_assert(weft_slice_equal_text(value.map->members[i].key, key));
        ck_assert_int_eq(value.map->members[i].value.integer, KEYS + i);
    }
    weft_entry_memory_fini(&memory);
}
END_TEST

START_TEST(test_parsers_read_and_write_where_they_are_told)
{
    static const struct operators_case rows[] = {
        { "  - {type: json_parser}", "{\"a\":1,\"b\":{\"c\":2}}", "\"{\"a\":1,\"b\":{\"c\":2}}\" a{a:1.0,b:{c:2.0}}" },
        { "  - {type: json_parser, parse_to: attributes}", "{\"a\":1}", "\"{\"a\":1}\" a{a:1.0}" },
        { "  - {type: json_parser, parse_to: resource}", "{\"a\":1}", "\"{\"a\":1}\" r{a:1.0}" },
        { "  - {type: json_parser, parse_to: attributes.x.y}", "{\"a\":1}", "\"{\"a\":1}\" a{x:{y:{a:1.0}}}" },
        { "  - {type: add, field: attributes.a, value: old}\n  - {type: add, field: attributes.z, value: old}\n"
          "  - {type: json_parser}",
          "{\"b\":1,\"a\":2}", "\"{\"b\":1,\"a\":2}\" a{a:2.0,z:\"old\",b:1.0}" },
        { "  - {type: move, from: body, to: attributes.line}\n"
          "  - {type: json_parser, parse_from: attributes.line, parse_to: body}",
          "{\"a\":1}", "{a:1.0} a{line:\"{\"a\":1}\"}" },
        { "  - {type: json_parser, parse_from: attributes.line}", "{\"a\":1}", "\"{\"a\":1}\"" },
        { "  - {type: json_parser, body: attributes.msg}", "{\"msg\":\"hello\",\"a\":1}",
          "\"hello\" a{msg:\"hello\",a:1.0}" },
        { "  - {type: json_parser, body: attributes.none}", "{\"a\":1}", "\"{\"a\":1}\" a{a:1.0}" },
        { "  - {type: add, field: body, value: {a: 1}}\n  - {type: json_parser}", "x", "{a:1}" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

static void count_entry(void *user, struct weft_log_entry *entry)
{
    struct weft_log_entry *last = user;
    *last = *entry;
}

/* Whatever call fails, the entry comes out, as it went in or as it should. */
START_TEST(test_parsing_survives_without_memory)
{
    static char line[16384];
    int length = sprintf(line, "{\"x\":\"\\n%*s\",\"y\":[", 9000, "");
    for (int i = 0; i < 500; i++) {
        length += sprintf(line + length, "{\"k%d\":%d},", i, i);
    }
    sprintf(line + length, "0]}");
    struct operators_test *test = weft_alloc(sizeof *test);
    operators_test_open(test, "  - {type: json_parser}");
    struct weft_log_entry last;
    struct weft_operator_run *run = weft_operator_run_new(test->operators, 0, count_entry, &last);
    size_t nth = 0;
    bool has_failed = true;
    while (has_failed) {
        weft_entry_memory_fini(&test->memory);
        operators_test_begin(test, line);
        last = (struct weft_log_entry){ 0 };
        weft_alloc_fail_at(++nth);
        weft_operator_run_process(run, &test->entry);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(last.body.kind, WEFT_LOG_STRING);
        ck_assert_uint_eq(last.attributes.count, has_failed ? 0 : 2);
        ck_assert_uint_eq(weft_operator_run_collect(run, 0).errors, has_failed ? nth : nth - 1);
    }
    ck_assert_uint_gt(nth, 3);
    weft_operator_run_free(run);
    operators_test_close(test);
    weft_free(test);
}
END_TEST

/* Merged where keys meet, however many they are; the order of the first stays. */
START_TEST(test_large_objects_are_merged)
{
    enum { KEYS = 5000 };
    struct operators_test *test = weft_alloc(sizeof *test);
    struct weft_buffer line;
    weft_buffer_init(&line, 0);
    operators_test_open(test, "  - {type: json_parser, parse_ints: true}\n  - {type: json_parser, parse_ints: true}\n"
                              "  - {type: filter, expr: 'true'}");
    weft_buffer_append_byte(&line, '{');
    for (int i = 0; i < KEYS; i++) {
        weft_buffer_append_format(&line, "%s\"k%d\":%d", i == 0 ? "" : ",", i, i);
    }
    weft_buffer_append_text(&line, "}");
    weft_buffer_append_byte(&line, 0);
    operators_test_begin(test, (const char *)line.bytes);
    ck_assert_ptr_null(operators_test_send(test));
    ck_assert_uint_eq(test->entry.attributes.count, KEYS);
    for (int i = 0; i < KEYS; i++) {
        ck_assert_int_eq(test->entry.attributes.members[i].value.integer, i);
    }
    weft_buffer_fini(&line);
    operators_test_close(test);
    weft_free(test);
}
END_TEST

int main(void)
{
    const struct operators_test_function tests[] = {
        OPERATORS_TEST(test_json_becomes_values),
        OPERATORS_TEST(test_large_objects_are_merged),
        OPERATORS_TEST(test_what_is_no_json_object_goes_on_as_it_is),
        OPERATORS_TEST(test_every_start_of_a_line_is_no_object),
        OPERATORS_TEST(test_nesting_has_a_limit),
        OPERATORS_TEST(test_many_keys_are_there_once),
        OPERATORS_TEST(test_parsers_read_and_write_where_they_are_told),
        OPERATORS_TEST(test_parsing_survives_without_memory),
    };
    return OPERATORS_TEST_RUN("json_parser", tests);
}
