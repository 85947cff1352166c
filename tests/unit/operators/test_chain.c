/* Chains of operators: ids, outputs, what happens on failure, and what a config may not say. */
#include "operators/operators_test.h"

START_TEST(test_no_operators_let_entries_pass)
{
    static const struct operators_case rows[] = {
        { "", "line", "\"line\"" },
        { "  []", "line", "\"line\"" },
        { "  - {type: noop}", "line", "\"line\"" },
        { "  - {type: noop, if: null, on_error: null, output: null}", "line", "\"line\"" },
    };
    OPERATORS_TEST_CASES(rows);
    struct weft_operators *operators = NULL;
    ck_assert_int_eq(weft_operators_compile(NULL, NULL, &operators, NULL), WEFT_OK);
    ck_assert_uint_eq(weft_operators_count(operators), 0);
    weft_operators_free(operators);
    weft_operators_free(NULL);
    weft_operator_run_free(NULL);
}
END_TEST

START_TEST(test_operators_run_in_order)
{
    static const struct operators_case rows[] = {
        { "  - {type: add, field: attributes.a, value: 1}\n"
          "  - {type: add, field: attributes.a, value: 2}\n"
          "  - {type: move, from: attributes.a, to: attributes.b}",
          "x", "\"x\" a{b:2}" },
        { "  - {type: add, field: attributes.a, value: 1, output: end}\n"
          "  - {type: add, field: attributes.a, value: 2}\n"
          "  - {type: noop, id: end}",
          "x", "\"x\" a{a:1}" },
        /* what stands before may be named, too, as long as there is no circle */
        { "  - {type: noop, output: c}\n"
          "  - {type: add, id: b, field: attributes.b, value: 1, output: [d]}\n"
          "  - {type: add, id: c, field: attributes.c, value: 1, output: b}\n"
          "  - {type: noop, id: d}",
          "x", "\"x\" a{c:1,b:1}" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

START_TEST(test_ids_are_types_with_numbers)
{
    static const char *const expected[] = { "noop", "noop1", "x", "noop3", "add", "noop2" };
    struct operators_test test;
    operators_test_open(&test, "  - {type: noop}\n"
                               "  - {type: noop}\n"
                               "  - {type: noop, id: x}\n"
                               "  - {type: noop}\n"
                               "  - {type: add, field: body, value: 1}\n"
                               "  - {type: noop, id: noop2}");
    ck_assert_uint_eq(weft_operators_count(test.operators), WEFT_COUNT_OF(expected));
    for (size_t i = 0; i < WEFT_COUNT_OF(expected); i++) {
        ck_assert_str_eq(weft_operators_id(test.operators, i), expected[i]);
    }
    operators_test_close(&test);
}
END_TEST

START_TEST(test_outputs_get_a_copy_each)
{
    struct operators_test test;
    operators_test_open(&test, "  - {type: add, field: body.m, value: {k: [1, {n: 2}]}, output: [one, two, three]}\n"
                               "  - {type: add, id: one, field: body.m.k, value: 1, output: end}\n"
                               "  - {type: remove, id: two, field: body.m.k, output: end}\n"
                               "  - {type: add, id: three, field: attributes.a, value: 3}\n"
                               "  - {type: noop, id: end}");
    operators_test_line(&test, "x");
    ck_assert_uint_eq(test.out_count, 3);
    ck_assert_str_eq(test.out[0], "{m:{k:1}}");
    ck_assert_str_eq(test.out[1], "{m:{}}");
    ck_assert_str_eq(test.out[2], "{m:{k:[1,{n:2}]}} a{a:3}");
    operators_test_close(&test);
}
END_TEST

START_TEST(test_on_error_says_what_becomes_of_an_entry)
{
    static const struct {
        const char *on_error, *expected;
        uint64_t dropped;
    } rows[] = {
        { "", "\"x\" a{b:1}", 0 },
        { ", on_error: send", "\"x\" a{b:1}", 0 },
        { ", on_error: send_quiet", "\"x\" a{b:1}", 0 },
        { ", on_error: drop", NULL, 1 },
        { ", on_error: drop_quiet", NULL, 1 },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct operators_test test;
        char list[256];
        snprintf(list, sizeof list,
                 "  - {type: remove, field: attributes.a%s}\n  - {type: add, field: attributes.b, value: 1}",
                 rows[i].on_error);
        operators_test_open(&test, list);
        const char *out = operators_test_line(&test, "x");
        ck_assert_msg(out == rows[i].expected || strcmp(out, rows[i].expected) == 0, "%s: %s", list, out);
        ck_assert_uint_eq(operators_test_counts(&test, 0).errors, 1);
        ck_assert_uint_eq(operators_test_counts(&test, 0).dropped, rows[i].dropped);
        ck_assert_uint_eq(operators_test_counts(&test, 0).filtered, 0);
        ck_assert_uint_eq(operators_test_counts(&test, 1).errors, 0);
        operators_test_close(&test);
    }
}
END_TEST

START_TEST(test_bad_configs_are_refused_with_their_place)
{
    static const struct {
        const char *list;
        enum weft_status status;
        const char *text;
    } rows[] = {
        { "  {type: noop}", WEFT_INVALID, "test.yaml:1: operators: wants a list of operators, not a map" },
        { "  - noop", WEFT_INVALID, "test.yaml:2: operators[0]: an operator is a map, not a string" },
        { "  - {type: noop}\n  - {type: noop, id: a}\n  - {type: add, id: a, field: body, value: 1}", WEFT_INVALID,
          "test.yaml:4: operators[2]: the id \"a\" is that of another operator, too (line 3)" },
        { "  - {type: noop, output: nowhere}", WEFT_INVALID,
          "test.yaml:2: operators[0].output: there is no operator with the id \"nowhere\"" },
        { "  - {type: noop, output: [a, a]}\n  - {type: noop, id: a}", WEFT_INVALID,
          "test.yaml:2: operators[0].output: \"a\" is there twice" },
        { "  - {type: noop, id: a}\n  - {type: noop, output: a}", WEFT_INVALID,
          "test.yaml:2: operators[0]: operators send in a circle, which \"a\" is part of or behind" },
        { "  - {type: noop, output: noop}", WEFT_INVALID,
          "test.yaml:2: operators[0]: operators send in a circle, which \"noop\" is part of or behind" },
        { "  - {type: noop, on_error: ignore}", WEFT_INVALID,
          "test.yaml:2: operators[0].on_error: wants one of send, drop, send_quiet, drop_quiet" },
        { "  - {type: move, from: body.a}", WEFT_INVALID, "test.yaml:2: operators[0]: it needs both from and to" },
        { "  - {type: add, value: 1}", WEFT_INVALID, "test.yaml:2: operators[0]: it needs a field" },
        { "  - {type: add, field: body}", WEFT_INVALID, "test.yaml:2: operators[0]: it needs a value" },
        { "  - {type: remove}", WEFT_INVALID, "test.yaml:2: operators[0]: it needs a field" },
        { "  - {type: json_parser, parse_ints: 1}", WEFT_INVALID,
          "test.yaml:2: operators[0].parse_ints: 1 is not a bool (true or false, without quotes)" },
        { "  - {type: json_parser, body: body.a, parse_to: body}", WEFT_INVALID,
          "test.yaml:2: operators[0].body: it cannot stand beside parse_to: body, which it would replace" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        operators_test_refuse(rows[i].list, rows[i].status, rows[i].text);
    }
}
END_TEST

/* The list of types grows: only the start of the text is known. */
START_TEST(test_unknown_types_are_refused)
{
    static const struct {
        const char *list;
        enum weft_status status;
        const char *start;
    } rows[] = {
        { "  - {id: a}", WEFT_INVALID, "test.yaml:2: operators[0]: an operator needs a type; there are noop, move" },
        { "  - {type: 1}", WEFT_INVALID, "test.yaml:2: operators[0].type: an operator needs a type; there are noop" },
        { "  - {type: jsonparser}", WEFT_INVALID,
          "test.yaml:2: operators[0].type: there are no operators of type \"jsonparser\"; there are noop, move" },
        { "  - {type: syslog_parser}", WEFT_UNSUPPORTED,
          "test.yaml:2: operators[0].type: weft does not have operators of type syslog_parser yet: docs/file_log.md" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_operators *operators = NULL;
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_int_eq(operators_test_load(rows[i].list, NULL, &operators, &error), rows[i].status);
        ck_assert_msg(strncmp(error.text, rows[i].start, strlen(rows[i].start)) == 0, "%s", error.text);
    }
}
END_TEST

START_TEST(test_operators_have_a_limit)
{
    char list[300 * 20];
    char *at = list;
    for (int i = 0; i < 256; i++) {
        at += sprintf(at, "  - {type: noop}\n");
    }
    struct operators_test test;
    operators_test_open(&test, list);
    ck_assert_str_eq(operators_test_line(&test, "x"), "\"x\"");
    operators_test_close(&test);
    sprintf(at, "  - {type: noop}\n");
    operators_test_refuse(list, WEFT_LIMIT, "test.yaml:1: operators: there are more than 256 operators");
}
END_TEST

START_TEST(test_unknown_keys_are_noted)
{
    struct weft_config_notes notes = { 0 };
    struct weft_operators *operators = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(operators_test_load("  - {type: noop, field: body.a}", &notes, &operators, &error), WEFT_OK);
    ck_assert_uint_eq(notes.count, 1);
    ck_assert_str_eq(notes.items[0].text, "test.yaml:2: operators[0].field: noop has no such key: it is ignored");
    weft_operators_free(operators);
    weft_config_notes_fini(&notes);
}
END_TEST

/* Each call that can fail fails once. */
START_TEST(test_memory_that_runs_out_is_an_error)
{
    static const char list[] = "  - {type: json_parser, id: a, parse_from: body, output: [noop, b]}\n"
                               "  - {type: noop}\n"
                               "  - {type: add, id: b, field: body.a.b, value: {k: [1, x]}}";
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_tree *tree = NULL;
        struct weft_operators *operators = NULL;
        struct weft_error error = WEFT_ERROR_NONE;
        char *text = weft_alloc_format("operators:\n%s\n", list);
        ck_assert_int_eq(weft_config_load_text(text, "test.yaml", &tree, &error), WEFT_OK);
        weft_free(text);
        weft_alloc_fail_at(nth);
        enum weft_status status =
            weft_operators_compile(weft_node_find(weft_tree_root(tree), "operators"), NULL, &operators, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        weft_operators_free(operators);
        weft_tree_free(&tree);
    }
}
END_TEST

START_TEST(test_run_without_memory_is_none)
{
    struct operators_test test;
    operators_test_open(&test, "  - {type: noop}");
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        weft_alloc_fail_at(nth);
        struct weft_operator_run *run = weft_operator_run_new(test.operators, 0, operators_test_emit, &test);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(run == NULL, has_failed);
        weft_operator_run_free(run);
    }
    operators_test_close(&test);
}
END_TEST

/* Two that part, and so on: one entry would become 2^n. */
START_TEST(test_ways_that_part_too_often_are_refused)
{
    char list[4096] = "";
    size_t length = 0;
    for (int i = 0; i < 12; i++) {
        length +=
            (size_t)snprintf(list + length, sizeof list - length,
                             "  - {type: noop, id: a%d, output: [b%d, c%d]}\n  - {type: noop, id: b%d, output: a%d}\n"
                             "  - {type: noop, id: c%d, output: a%d}\n",
                             i, i, i, i, i + 1, i, i + 1);
        if (i == 8) { /* 512 ways */
            char good[4096];
            snprintf(good, sizeof good, "%s  - {type: noop, id: a9}", list);
            struct operators_test *test = weft_alloc(sizeof *test);
            operators_test_open(test, good);
            operators_test_close(test);
            weft_free(test);
        }
    }
    snprintf(list + length, sizeof list - length, "  - {type: noop, id: a12}");
    operators_test_refuse(list, WEFT_LIMIT,
                          "test.yaml:1: operators: one entry could become more than 1000: outputs part too often");
}
END_TEST

int main(void)
{
    const struct operators_test_function tests[] = {
        OPERATORS_TEST(test_no_operators_let_entries_pass),
        OPERATORS_TEST(test_ways_that_part_too_often_are_refused),
        OPERATORS_TEST(test_operators_run_in_order),
        OPERATORS_TEST(test_ids_are_types_with_numbers),
        OPERATORS_TEST(test_outputs_get_a_copy_each),
        OPERATORS_TEST(test_on_error_says_what_becomes_of_an_entry),
        OPERATORS_TEST(test_bad_configs_are_refused_with_their_place),
        OPERATORS_TEST(test_unknown_types_are_refused),
        OPERATORS_TEST(test_operators_have_a_limit),
        OPERATORS_TEST(test_unknown_keys_are_noted),
        OPERATORS_TEST(test_memory_that_runs_out_is_an_error),
        OPERATORS_TEST(test_run_without_memory_is_none),
    };
    return OPERATORS_TEST_RUN("operators chain", tests);
}
