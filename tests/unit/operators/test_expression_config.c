/* Expressions in configs: what is refused, with its column, what is limited, and what `if` and `add` make of them. */
#include "operators/operators_test.h"

/* Of a condition. */
static void refuse(const char *expression, enum weft_status status, const char *text)
{
    char *list = weft_alloc_format("  - type: move\n    if: |-\n      %s\n    from: body\n    to: body.a", expression);
    char *expected = weft_alloc_format("test.yaml:3: operators[0].if: column %s", text);
    operators_test_refuse(list, status, expected);
    weft_free(expected);
    weft_free(list);
}

START_TEST(test_what_is_no_expression_is_refused_with_its_column)
{
    static const struct {
        const char *expression, *text;
    } rows[] = {
        { "body ==", "8: it ends too early" },
        { "body == 1)", "10: ) cannot stand here" },
        { "(body == 1", "11: it ends too early" },
        { "body body", "6: body cannot stand here" },
        { "body = 1", "6: = cannot stand here" },
        { "body not 1", "10: 1 cannot stand here" },
        { "body ? 1", "9: it ends too early" },
        { "body.0", "5: .0 cannot stand here" },
        { "body.[1]", "6: [ cannot stand here" },
        { "'\xc3\xa4' + \xc3\xa4",
          "7: U+00E4 cannot stand here: a key with such characters stands in brackets and quotes" },
        { "body == 'a", "9: a text is not closed" },
        { "body == 'a\\q'", "11: there is no such escape; a backslash itself is \\\\" },
        { "body == \"\\'\"", "10: there is no such escape; a backslash itself is \\\\" },
        { "body == '\\400'", "10: there is no such escape; a backslash itself is \\\\" },
        { "body /* a", "6: a comment is not closed" },
        { "body == 1a", "9: this is no number" },
        { "body == 0x", "9: this is no number, or too large" },
        { "body == 9223372036854775808", "9: this is no number, or too large" },
        { "body == 1e", "9: this is no number, or too large" },
        { "nope(body)", "1: there is no function nope()" },
        { "body ?? 1 == 1", "11: == behind ?? needs one of them in parentheses" },
        { "body matches '('", "6: matches: regular expression: offset 0: \"(\": a group that is not closed" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        refuse(rows[i].expression, WEFT_INVALID, rows[i].text);
    }
}
END_TEST

START_TEST(test_what_can_never_be_right_is_refused)
{
    static const struct {
        const char *expression, *text;
    } rows[] = {
        { "1", "1: it must be a bool, not an integer" },
        { "nil", "1: it must be a bool, not nil" },
        { "body.s + 'a' == 'b' ? 'x' : 'y'", "1: it must be a bool, not a text" },
        { "'a' + 1 == body", "5: + does not take a text and an integer" },
        { "nil < 3", "5: < does not take nil and an integer" },
        { "not 'a'", "1: not does not take a text" },
        { "not body.s in ['a', 1] + 1", "24: + does not take a list and an integer" },
        { "not body.s in ['a']", "12: in does not take a bool and a list" },
        { "-'a' == 1", "1: - does not take a text" },
        { "1 in ['a']", "3: in does not take an integer and a list" },
        { "'a' in 'abc'", "5: in does not take a text and a text" },
        { "body contains 1", "6: contains does not take what it is given and an integer" },
        { "body matches 1", "6: matches does not take what it is given and an integer" },
        { "body and 1", "6: and does not take what it is given and an integer" },
        { "7.5 % 2 == 1", "5: % does not take a number and an integer" },
        { "7 % 0 == 1", "3: % by zero" },
        { "1 ? true : false", "3: a condition must be a bool, not an integer" },
        { "'abc'[0] == 1", "6: a member does not take a text and an integer" },
        { "nil.x == 1", "4: . cannot stand here" },
        { "len(1) == 1", "1: len() does not take an integer" },
        { "lower(nil) == 'a'", "1: lower() does not take nil" },
        { "len() == 1", "1: len() does not take 0 arguments" },
        { "hasPrefix(body)", "1: hasPrefix() does not take 1 arguments" },
        { "lower('A') + 1 == 2", "12: + does not take a text and an integer" },
        { "1 in split('a', ',')", "3: in does not take an integer and a list" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        refuse(rows[i].expression, WEFT_INVALID, rows[i].text);
    }
}
END_TEST

START_TEST(test_what_weft_does_not_have_is_named)
{
    static const struct {
        const char *expression, *text;
    } rows[] = {
        { "let x = 1; x == 1", "1: weft does not have variables (let) yet" },
        { "if body { true } else { false }", "1: weft does not have if {} else {} yet" },
        { "body; true", "5: weft does not have sequences (;) yet" },
        { "(body; true)", "6: weft does not have sequences (;) yet" },
        { "{a: 1} == body", "1: weft does not have maps ({}) yet" },
        { "# == 1", "1: weft does not have predicates (# and .) yet" },
        { "::len(body) == 1", "1: weft does not have names behind :: yet" },
        { "any(body, # == 1)", "1: weft does not have the function any() yet" },
        { "body | now()", "8: weft does not have the function now() yet" },
        { "body.a.b()", "8: weft does not have methods (.b()) yet" },
        { "body[1:2] == 1", "7: weft does not have slices ([:]) yet" },
        { "body[:2] == 1", "6: weft does not have slices ([:]) yet" },
        { "len(1..3) == 3", "5: weft has ranges (..) only behind `in` yet" },
        { "1..3 == body", "6: weft has ranges (..) only behind `in` yet" },
        { "1..3 in body", "6: weft has ranges (..) only behind `in` yet" },
        { "1..3", "1: weft has ranges (..) only behind `in` yet" },
        { "body == b'a'", "9: weft does not have bytes (b\"...\") yet" },
        { "body matches attributes.p", "6: weft has matches only with a constant pattern yet" },
        { "env(body) == 'a'", "1: weft has env() only with one constant text yet" },
        { "timestamp == nil", "1: weft does not have timestamp in expressions yet" },
        { "$env == nil", "1: weft does not have $env in expressions yet" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        refuse(rows[i].expression, WEFT_UNSUPPORTED, rows[i].text);
    }
}
END_TEST

/* before, count times part, after */
static char *repeat(const char *before, const char *part, size_t count, const char *after)
{
    size_t length = strlen(part);
    char *text = weft_alloc(strlen(before) + length * count + strlen(after) + 1);
    char *at = stpcpy(text, before);
    for (size_t i = 0; i < count; i++) {
        at = stpcpy(at, part);
    }
    stpcpy(at, after);
    return text;
}

static enum weft_status load_condition(const char *expression, struct weft_error *error)
{
    struct weft_operators *operators = NULL;
    char *list = weft_alloc_format("  - type: move\n    if: |-\n      %s\n    from: body\n    to: body.a", expression);
    enum weft_status status = operators_test_load(list, NULL, &operators, error);
    weft_operators_free(operators);
    weft_free(list);
    return status;
}

/* before, so many times part, after: is taken; once more is not. */
static void check_limit(const char *before, const char *part, size_t most, const char *after, const char *text)
{
    struct weft_error error = WEFT_ERROR_NONE;
    char *expression = repeat(before, part, most, after);
    ck_assert_msg(load_condition(expression, &error) == WEFT_OK, "%s", error.text);
    weft_free(expression);
    expression = repeat(before, part, most + 1, after);
    char *expected = weft_alloc_format("test.yaml:3: operators[0].if: column %s", text);
    ck_assert_int_eq(load_condition(expression, &error), WEFT_LIMIT);
    ck_assert_str_eq(error.text, expected);
    weft_free(expected);
    weft_free(expression);
}

START_TEST(test_sizes_are_limited)
{
    check_limit("", "!", 63, "true", "65: it is nested deeper than 64");
    check_limit("body", "+body", 126, " == 1", "641: it is nested deeper than 128");
    check_limit("body", " or body", 998, "", "7993: it has more than 1000 parts");
    check_limit("true//", "a", (16 << 10) - 6, "", "1: it has more than 16384 bytes");
}
END_TEST

/* What is compared twice in each of 30 pairs of parentheses would take 2^30 looks. */
START_TEST(test_evaluation_is_limited)
{
    struct operators_test test;
    char *opening = repeat("  - {type: add, on_error: send, field: body, value: 'EXPR(", "(0 < ", 25, "len(body)");
    char *list = repeat(opening, " < 9 ? 1 : 2)", 25, ")'}");
    operators_test_open(&test, list);
    ck_assert_str_eq(operators_test_line(&test, "x"), "\"x\"");
    ck_assert_uint_eq(operators_test_counts(&test, 0).errors, 1);
    operators_test_close(&test);
    weft_free(list);
    weft_free(opening);
    char *line = repeat("", "0123456789abcdef", 65536, ""); /* 1 MiB */
    struct operators_test *large = weft_alloc(sizeof *large);
    operators_test_open(large, "  - {type: add, field: body, value: 'EXPR(len(body+body+body+body+body))'}");
    ck_assert_str_eq(operators_test_line(large, line), "5242880");
    operators_test_close(large);
    operators_test_open(
        large, "  - {type: add, on_error: drop, field: body, value: 'EXPR(len(body+body+body+body+body+body))'}");
    ck_assert_ptr_null(operators_test_line(large, line));
    operators_test_close(large);
    weft_free(large);
    weft_free(line);
}
END_TEST

START_TEST(test_unknown_names_are_noted)
{
    struct weft_config_notes notes = { 0 };
    struct weft_operators *operators = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(
        operators_test_load("  - {type: noop, if: 'true and severity_text == \"x\"'}", &notes, &operators, &error),
        WEFT_OK);
    ck_assert_uint_eq(notes.count, 1);
    ck_assert_str_eq(notes.items[0].text,
                     "test.yaml:2: operators[0].if: column 10: severity_text is nothing that expressions know, always "
                     "nil; they know body, attributes and resource");
    weft_operators_free(operators);
    weft_config_notes_fini(&notes);
}
END_TEST

START_TEST(test_if_says_which_entries_are_taken)
{
    static const struct operators_case rows[] = {
        { "  - {type: add, if: 'body == \"x\"', field: attributes.a, value: 1}", "x", "\"x\" a{a:1}" },
        { "  - {type: add, if: 'body == \"y\"', field: attributes.a, value: 1}", "x", "\"x\"" },
        { "  - {type: add, if: '', field: attributes.a, value: 1}", "x", "\"x\" a{a:1}" },
        { "  - {type: noop, if: 'body.nope', on_error: drop}", "x", "\"x\"" },
        /* nothing is false */
        { "  - {type: add, if: 'attributes.x', on_error: drop, field: attributes.a, value: 1}", "x", "\"x\"" },
        { "  - {type: add, if: 'true and attributes.x', on_error: drop, field: attributes.a, value: 1}", "x", "\"x\"" },
        { "  - {type: add, if: 'not attributes.x', on_error: drop, field: attributes.a, value: 1}", "x", NULL },
        { "  - {type: add, if: 'attributes.x or true', on_error: drop, field: attributes.a, value: 1}", "x",
          "\"x\" a{a:1}" },
        /* a failure and what is no bool */
        { "  - {type: add, if: 'body.a.b', field: attributes.a, value: 1}", "x", "\"x\"" },
        { "  - {type: add, if: 'body', field: attributes.a, value: 1}", "x", "\"x\"" },
        { "  - {type: add, if: 'body', on_error: drop, field: attributes.a, value: 1}", "x", NULL },
        { "  - {type: add, if: 'body == \"y\"', on_error: drop, field: attributes.a, value: 1, output: e}\n"
          "  - {type: add, field: attributes.b, value: 1}\n"
          "  - {type: noop, id: e}",
          "x", "\"x\"" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

START_TEST(test_add_takes_what_an_expression_gives)
{
    static const struct operators_case rows[] = {
        { "  - {type: add, field: attributes.a, value: 'EXPR(body + \"!\")'}", "x", "\"x\" a{a:\"x!\"}" },
        { "  - {type: add, field: body, value: 'EXPR([body, 1, nil])'}", "x", "[\"x\",1,nil]" },
        { "  - {type: add, field: attributes.a, value: 'EXPR(nil)'}", "x", "\"x\" a{a:nil}" },
        { "  - {type: add, field: attributes.a, value: \"EXPR(1 // one\\n + 2)\"}", "x", "\"x\" a{a:3}" },
        { "  - {type: add, field: attributes.a, value: 'a EXPR(body)'}", "x", "\"x\" a{a:\"a EXPR(body)\"}" },
        { "  - {type: add, field: attributes.a, value: 'EXPR(body) '}", "x", "\"x\" a{a:\"EXPR(body) \"}" },
        { "  - {type: add, field: attributes.a, value: ['EXPR(body)']}", "x", "\"x\" a{a:[\"EXPR(body)\"]}" },
        /* a map is merged, and never becomes a part of itself */
        { "  - {type: json_parser}\n"
          "  - {type: add, field: attributes.b, value: 'EXPR(attributes)'}\n"
          "  - {type: add, field: attributes.b.a, value: 2}",
          "{\"a\": true}", "\"{\"a\": true}\" a{a:true,b:{a:2}}" },
        { "  - {type: add, field: attributes.a, value: 'EXPR(body.x)'}", "x", "\"x\"" },
        { "  - {type: add, field: attributes.a, value: 'EXPR(body.x)', on_error: drop}", "x", NULL },
    };
    OPERATORS_TEST_CASES(rows);
    operators_test_refuse("  - {type: add, field: body, value: \"EXPR('a\\nb')\"}", WEFT_INVALID,
                          "test.yaml:2: operators[0].value: column 6: a text is not closed");
    operators_test_refuse("  - {type: add, field: body, value: 'EXPR(1 +)'}", WEFT_INVALID,
                          "test.yaml:2: operators[0].value: column 9: it ends too early");
    operators_test_refuse("  - {type: add, field: body, value: 'EXPR()'}", WEFT_INVALID,
                          "test.yaml:2: operators[0].value: column 6: it ends too early");
}
END_TEST

/* Each call that can fail fails once. */
START_TEST(test_memory_that_runs_out_is_an_error)
{
    char *long_text = repeat("'", "a", 9000, "'");
    char *text = weft_alloc_format("operators: [{type: add, field: body, value: \"EXPR(body matches 'a.*b' ? [unknown, "
                                   "body.b] : lower(%s))\"}]",
                                   long_text);
    bool has_failed = true;
    size_t failed_count = 0;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_tree *tree = NULL;
        struct weft_operators *operators = NULL;
        struct weft_config_notes notes = { 0 };
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_int_eq(weft_config_load_text(text, "test.yaml", &tree, &error), WEFT_OK);
        weft_alloc_fail_at(nth);
        enum weft_status status =
            weft_operators_compile(weft_node_find(weft_tree_root(tree), "operators"), &notes, &operators, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        /* a pattern whose compiler gets no memory is interpreted */
        ck_assert(status == WEFT_OK || (has_failed && status == WEFT_NOMEM));
        failed_count += status == WEFT_NOMEM;
        weft_operators_free(operators);
        weft_config_notes_fini(&notes);
        weft_tree_free(&tree);
    }
    ck_assert_uint_gt(failed_count, 4);
    weft_free(text);
    weft_free(long_text);
}
END_TEST

static void drop_entry(void *user, struct weft_log_entry *entry)
{
    *(enum weft_log_value_kind *)user = entry->body.kind;
}

/* The entry goes on as it was. */
START_TEST(test_memory_that_runs_out_for_an_entry_is_a_failure)
{
    struct weft_operators *operators = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(operators_test_load("  - {type: add, field: body, value: 'EXPR([upper(body) + body, split(body, "
                                         "\"\"), string(1)])'}",
                                         NULL, &operators, &error),
                     WEFT_OK);
    enum weft_log_value_kind kind = WEFT_LOG_NIL;
    struct weft_operator_run *run = weft_operator_run_new(operators, 0, drop_entry, &kind);
    char *line = repeat("", "a", 9000, "");
    size_t nth = 0;
    do {
        struct weft_entry_memory memory = { 0 };
        struct weft_log_entry entry;
        weft_log_entry_begin(&entry, &memory, weft_slice_of_text(line), 1);
        weft_alloc_fail_at(++nth);
        weft_operator_run_process(run, &entry);
        ck_assert_int_eq(kind, weft_alloc_has_failed() ? WEFT_LOG_STRING : WEFT_LOG_LIST);
        weft_alloc_fail_at(0);
        ck_assert_uint_eq(weft_operator_run_collect(run, 0).errors, kind == WEFT_LOG_STRING ? nth : nth - 1);
        weft_entry_memory_fini(&memory);
    } while (kind == WEFT_LOG_STRING);
    ck_assert_uint_gt(nth, 4);
    weft_operator_run_free(run);
    weft_operators_free(operators);
    weft_free(line);
}
END_TEST

int main(void)
{
    const struct operators_test_function tests[] = {
        OPERATORS_TEST(test_what_is_no_expression_is_refused_with_its_column),
        OPERATORS_TEST(test_what_can_never_be_right_is_refused),
        OPERATORS_TEST(test_what_weft_does_not_have_is_named),
        OPERATORS_TEST(test_sizes_are_limited),
        OPERATORS_TEST(test_evaluation_is_limited),
        OPERATORS_TEST(test_unknown_names_are_noted),
        OPERATORS_TEST(test_if_says_which_entries_are_taken),
        OPERATORS_TEST(test_add_takes_what_an_expression_gives),
        OPERATORS_TEST(test_memory_that_runs_out_is_an_error),
        OPERATORS_TEST(test_memory_that_runs_out_for_an_entry_is_a_failure),
    };
    return OPERATORS_TEST_RUN("operators expression config", tests);
}
