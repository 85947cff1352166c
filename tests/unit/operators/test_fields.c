/* Fields of entries, and the operators that move, add and remove them. */
#include "operators/log_path.h"
#include "operators/operators_test.h"

START_TEST(test_paths_are_read_as_the_collector_reads_them)
{
    static const struct {
        const char *text;
        enum weft_log_root root;
        const char *keys[3];
    } rows[] = {
        { "body", WEFT_LOG_BODY, { NULL } },
        { "body.a", WEFT_LOG_BODY, { "a" } },
        { "body.a[\"b.c\"]", WEFT_LOG_BODY, { "a", "b.c" } },
        { "attributes.x", WEFT_LOG_ATTRIBUTES, { "x" } },
        { "attributes['x.y'].z", WEFT_LOG_ATTRIBUTES, { "x.y", "z" } },
        { "attributes['a']['b\"']", WEFT_LOG_ATTRIBUTES, { "a", "b\"" } },
        { "resource[\"k\"]", WEFT_LOG_RESOURCE, { "k" } },
        { "['body']['a']", WEFT_LOG_BODY, { "a" } },
        { "body.", WEFT_LOG_BODY, { "" } },
        { "body..a", WEFT_LOG_BODY, { "", "a" } },
        { "body['']", WEFT_LOG_BODY, { "" } },
    };
    struct weft_entry_memory memory = { 0 };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_log_path path;
        ck_assert_int_eq(weft_log_path_parse(rows[i].text, false, &memory, &path, NULL), WEFT_OK);
        ck_assert_int_eq(path.root, rows[i].root);
        size_t count = 0;
        for (; count < 3 && rows[i].keys[count] != NULL; count++) {
            ck_assert_uint_lt(count, path.count);
            ck_assert_msg(weft_slice_equal_text(path.keys[count], rows[i].keys[count]), "%s", rows[i].text);
        }
        ck_assert_msg(path.count == count, "%s", rows[i].text);
    }
    weft_entry_memory_fini(&memory);
}
END_TEST

START_TEST(test_what_is_no_path_is_refused)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        { "", "it is empty" },
        { "bodies", "it must begin with body, attributes or resource" },
        { "$body", "it must begin with body, attributes or resource" },
        { ".body", "it must begin with body, attributes or resource" },
        { "attributes", "attributes needs a key here" },
        { "resource", "resource needs a key here" },
        { "body[", "a bracket is not closed" },
        { "body[a]", "a key in brackets must stand in quotes" },
        { "body['a", "a quote is not closed" },
        { "body[\"a']", "a quote is not closed" },
        { "body['a'", "a key in quotes must be followed by ]" },
        { "body['a'.b]", "a key in quotes must be followed by ]" },
        { "body['a']b", "after ] another key must follow, with . or [" },
    };
    struct weft_entry_memory memory = { 0 };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_log_path path;
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_int_eq(weft_log_path_parse(rows[i].text, false, &memory, &path, &error), WEFT_INVALID);
        ck_assert_str_eq(error.text, rows[i].expected);
    }
    struct weft_log_path path;
    ck_assert_int_eq(weft_log_path_parse("attributes", true, &memory, &path, NULL), WEFT_OK);
    ck_assert_int_eq(weft_log_path_parse("body.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a", true,
                                         &memory, &path, NULL),
                     WEFT_LIMIT);
    weft_entry_memory_fini(&memory);
}
END_TEST

START_TEST(test_fields_errors_name_the_place)
{
    operators_test_refuse("  - {type: remove, field: x}", WEFT_INVALID,
                          "test.yaml:2: operators[0].field: \"x\" is no field: it must begin with body, attributes or "
                          "resource");
    operators_test_refuse("  - {type: add, field: attributes, value: 1}", WEFT_INVALID,
                          "test.yaml:2: operators[0].field: \"attributes\" is no field: attributes needs a key here");
    operators_test_refuse("  - {type: move, from: resource, to: body}", WEFT_INVALID,
                          "test.yaml:2: operators[0].from: \"resource\" is no field: resource needs a key here");
}
END_TEST

START_TEST(test_add_sets_values_of_any_kind)
{
    static const struct operators_case rows[] = {
        { "  - {type: add, field: attributes.a, value: text}", "x", "\"x\" a{a:\"text\"}" },
        { "  - {type: add, field: attributes.a, value: '1'}", "x", "\"x\" a{a:\"1\"}" },
        { "  - {type: add, field: attributes.a, value: -1}", "x", "\"x\" a{a:-1}" },
        { "  - {type: add, field: attributes.a, value: 18446744073709551615}", "x", "\"x\" a{a:1.84467440737e+19}" },
        { "  - {type: add, field: attributes.a, value: 1.5}", "x", "\"x\" a{a:1.5}" },
        { "  - {type: add, field: attributes.a, value: true}", "x", "\"x\" a{a:true}" },
        { "  - {type: add, field: attributes.a, value: [1, [null, x]]}", "x", "\"x\" a{a:[1,[nil,\"x\"]]}" },
        { "  - {type: add, field: attributes.a, value: {b: {c: 1}}}", "x", "\"x\" a{a:{b:{c:1}}}" },
        { "  - {type: add, field: attributes.a.b, value: 1}", "x", "\"x\" a{a:{b:1}}" },
        { "  - {type: add, field: 'attributes[\"a.b\"]', value: 1}", "x", "\"x\" a{a.b:1}" },
        { "  - {type: add, field: resource.a, value: 1}", "x", "\"x\" r{a:1}" },
        { "  - {type: add, field: body, value: 1}", "x", "1" },
        { "  - {type: add, field: body.a, value: 1}", "x", "{a:1}" },
        { "  - {type: add, field: body, value: {a: 1}}", "x", "{a:1}" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

START_TEST(test_set_merges_maps_and_replaces_the_rest)
{
    static const struct operators_case rows[] = {
        { "  - {type: add, field: body, value: {a: 1, b: {c: 2}}}\n"
          "  - {type: add, field: body, value: {b: {d: 3}, e: 4}}",
          "x", "{a:1,b:{d:3},e:4}" },
        { "  - {type: add, field: body, value: {a: 1, b: {c: 2}}}\n"
          "  - {type: add, field: body.b, value: {d: 3}}",
          "x", "{a:1,b:{c:2,d:3}}" },
        { "  - {type: add, field: body, value: {a: 1}}\n"
          "  - {type: add, field: body.a.b, value: 3}",
          "x", "{a:{b:3}}" },
        { "  - {type: add, field: body, value: {a: 1}}\n"
          "  - {type: add, field: body.a, value: {b: 3}}",
          "x", "{a:{b:3}}" },
        { "  - {type: add, field: body, value: {a: {b: 1}}}\n"
          "  - {type: add, field: body.a, value: 3}",
          "x", "{a:3}" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

/* What one entry does to a map of the config the next one must not see. */
START_TEST(test_maps_of_the_config_stay_as_they_are)
{
    struct operators_test test;
    operators_test_open(&test, "  - {type: add, field: body, value: {a: {b: 1}, l: [{m: 1}]}}\n"
                               "  - {type: remove, field: body.a.b}\n"
                               "  - {type: add, field: body.a.c, value: 2}");
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(operators_test_line(&test, "x"), "{a:{c:2},l:[{m:1}]}");
        ck_assert_uint_eq(operators_test_counts(&test, 1).errors, 0);
    }
    operators_test_close(&test);
}
END_TEST

START_TEST(test_move_takes_values_along)
{
    static const struct operators_case rows[] = {
        { "  - {type: move, from: body, to: attributes.a}", "x", "nil a{a:\"x\"}" },
        { "  - {type: move, from: body, to: body.a.b}", "x", "{a:{b:\"x\"}}" },
        { "  - {type: move, from: body, to: 'resource[\"a\"]'}", "x", "nil r{a:\"x\"}" },
        { "  - {type: add, field: body, value: {a: {b: 1, c: 2}, d: 3}}\n"
          "  - {type: move, from: body.a, to: body}",
          "x", "{d:3,b:1,c:2}" },
        { "  - {type: add, field: body, value: {a: {b: 1}}}\n"
          "  - {type: move, from: body.a, to: attributes.x}",
          "x", "{} a{x:{b:1}}" },
        { "  - {type: add, field: body, value: {a: {b: 1}}}\n"
          "  - {type: move, from: body, to: body.c}",
          "x", "{c:{a:{b:1}}}" },
        { "  - {type: move, from: body.a, to: attributes.x}", "x", "\"x\"" },
        { "  - {type: move, from: attributes.a, to: attributes.x}", "x", "\"x\"" },
        { "  - {type: add, field: attributes.a, value: 1}\n"
          "  - {type: move, from: attributes.a.b, to: attributes.x}",
          "x", "\"x\" a{a:1}" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

START_TEST(test_remove_takes_values_away)
{
    static const struct operators_case rows[] = {
        { "  - {type: remove, field: body}", "x", "nil" },
        { "  - {type: remove, field: body.a}", "x", "\"x\"" },
        { "  - {type: remove, field: attributes}", "x", "\"x\"" },
        { "  - {type: add, field: attributes.a, value: 1}\n  - {type: add, field: attributes.b, value: 1}\n"
          "  - {type: remove, field: attributes.a}",
          "x", "\"x\" a{b:1}" },
        { "  - {type: add, field: attributes.a, value: 1}\n  - {type: add, field: resource.b, value: 1}\n"
          "  - {type: remove, field: attributes}",
          "x", "\"x\" r{b:1}" },
        { "  - {type: add, field: attributes.a, value: 1}\n  - {type: add, field: resource.b, value: 1}\n"
          "  - {type: remove, field: resource}",
          "x", "\"x\" a{a:1}" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

/* Whatever call fails, the entry comes out, and either as it went in or as it should. */
START_TEST(test_entries_survive_without_memory)
{
    static const char *const lists[] = {
        "  - {type: add, field: attributes.a.b, value: {c: [1]}}",
        "  - {type: move, from: body, to: attributes.x}",
    };
    static const char *const expected[] = { "\"x\" a{a:{b:{c:[1]}}}", "nil a{x:\"x\"}" };
    for (size_t i = 0; i < WEFT_COUNT_OF(lists); i++) {
        struct operators_test test;
        operators_test_open(&test, lists[i]);
        weft_alloc_fail_at(1);
        const char *out = operators_test_line(&test, "x");
        ck_assert(weft_alloc_has_failed());
        weft_alloc_fail_at(0);
        ck_assert_str_eq(out, "\"x\"");
        ck_assert_uint_eq(operators_test_counts(&test, 0).errors, 1);
        ck_assert_str_eq(operators_test_line(&test, "x"), expected[i]);
        operators_test_close(&test);
    }
}
END_TEST

int main(void)
{
    const struct operators_test_function tests[] = {
        OPERATORS_TEST(test_paths_are_read_as_the_collector_reads_them),
        OPERATORS_TEST(test_what_is_no_path_is_refused),
        OPERATORS_TEST(test_fields_errors_name_the_place),
        OPERATORS_TEST(test_add_sets_values_of_any_kind),
        OPERATORS_TEST(test_set_merges_maps_and_replaces_the_rest),
        OPERATORS_TEST(test_maps_of_the_config_stay_as_they_are),
        OPERATORS_TEST(test_move_takes_values_along),
        OPERATORS_TEST(test_remove_takes_values_away),
        OPERATORS_TEST(test_entries_survive_without_memory),
    };
    return OPERATORS_TEST_RUN("operators fields", tests);
}
