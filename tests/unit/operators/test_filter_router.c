/* Operators `filter` and `router`: which entries end, and which way the others go. */
#include "operators/operators_test.h"

START_TEST(test_filter_ends_what_its_expression_takes)
{
    static const struct operators_case rows[] = {
        { "  - {type: filter, expr: 'body == \"x\"'}", "x", NULL },
        { "  - {type: filter, expr: 'body == \"x\"'}", "y", "\"y\"" },
        { "  - {type: filter, expr: 'body == \"x\"', drop_ratio: 0}", "x", "\"x\"" },
        { "  - {type: filter, expr: 'body == \"x\"', drop_ratio: 0.0009}", "x", "\"x\"" },
        { "  - {type: filter, expr: 'body == \"x\"', drop_ratio: 1.0}", "x", NULL },
        { "  - {type: filter, expr: 'attributes.x'}", "x", "\"x\"" },
        /* `if` counts for nothing */
        { "  - {type: filter, expr: 'body == \"x\"', if: 'false'}", "x", NULL },
        { "  - {type: filter, expr: 'body == \"x\"', output: e}\n"
          "  - {type: add, field: attributes.a, value: 1}\n"
          "  - {type: noop, id: e}",
          "y", "\"y\"" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

START_TEST(test_filtered_entries_are_counted)
{
    struct operators_test test;
    operators_test_open(&test, "  - {type: filter, expr: 'body matches \"^a\"'}");
    ck_assert_ptr_null(operators_test_line(&test, "abc"));
    ck_assert_str_eq(operators_test_line(&test, "bcd"), "\"bcd\"");
    ck_assert_uint_eq(operators_test_counts(&test, 0).filtered, 1);
    ck_assert_uint_eq(operators_test_counts(&test, 0).errors, 0);
    operators_test_close(&test);
}
END_TEST

/* As in the Collector, whatever on_error says. */
START_TEST(test_filter_ends_what_it_cannot_judge)
{
    static const char *const expressions[] = { "body.x.y", "body", "attributes.a < 1" };
    for (size_t i = 0; i < WEFT_COUNT_OF(expressions); i++) {
        struct operators_test test;
        char list[128];
        snprintf(list, sizeof list, "  - {type: filter, expr: '%s', on_error: send}", expressions[i]);
        operators_test_open(&test, list);
        ck_assert_ptr_null(operators_test_line(&test, "x"));
        ck_assert_uint_eq(operators_test_counts(&test, 0).filtered, 0);
        ck_assert_uint_eq(operators_test_counts(&test, 0).errors, 1);
        ck_assert_uint_eq(operators_test_counts(&test, 0).dropped, 1);
        operators_test_close(&test);
    }
}
END_TEST

/* That none or all of 400 are dropped by chance happens once in 2^399 runs. */
START_TEST(test_filter_drops_a_part_by_chance)
{
    enum { ENTRIES = 400 };
    struct operators_test test;
    operators_test_open(&test, "  - {type: filter, expr: 'true', drop_ratio: 0.5}");
    for (size_t i = 0; i < ENTRIES; i++) {
        operators_test_line(&test, "x");
    }
    ck_assert_uint_gt(operators_test_counts(&test, 0).filtered, 0);
    ck_assert_uint_lt(operators_test_counts(&test, 0).filtered, ENTRIES);
    operators_test_close(&test);
}
END_TEST

START_TEST(test_router_takes_the_first_route_that_is_true)
{
    static const char list[] = "  - type: router\n"
                               "    routes:\n"
                               "      - {expr: 'body contains \"a\"', output: a}\n"
                               "      - {expr: 'body contains \"b\"', output: [b]}\n"
                               "    default: [other]\n"
                               "  - {type: add, id: a, field: attributes.way, value: a, output: end}\n"
                               "  - {type: add, id: b, field: attributes.way, value: b, output: end}\n"
                               "  - {type: add, id: other, field: attributes.way, value: other}\n"
                               "  - {type: noop, id: end}";
    static const struct operators_case rows[] = {
        { list, "ab", "\"ab\" a{way:\"a\"}" },
        { list, "b", "\"b\" a{way:\"b\"}" },
        { list, "c", "\"c\" a{way:\"other\"}" },
        /* without a default it ends, and what stands behind the router gets nothing by itself */
        { "  - {type: router, routes: [{expr: 'body == \"a\"', output: e}]}\n  - {type: noop, id: e}", "b", NULL },
        { "  - {type: router, routes: [{expr: 'body == \"a\"', output: e}], default: []}\n  - {type: noop, id: e}", "b",
          NULL },
        { "  - {type: router, routes: [{expr: 'body == \"a\"', output: []}]}", "a", NULL },
        { "  - {type: router, routes: [], default: e, output: f, if: 'false'}\n"
          "  - {type: add, id: f, field: body, value: 1}\n"
          "  - {type: noop, id: e}",
          "a", "\"a\"" },
    };
    OPERATORS_TEST_CASES(rows);
}
END_TEST

START_TEST(test_routes_to_nowhere_are_counted)
{
    struct operators_test test;
    operators_test_open(&test, "  - {type: router, routes: [], default: [], output: nowhere}");
    ck_assert_ptr_null(operators_test_line(&test, "x"));
    ck_assert_uint_eq(operators_test_counts(&test, 0).filtered, 1);
    operators_test_close(&test);
}
END_TEST

START_TEST(test_router_gives_each_output_a_copy)
{
    struct operators_test test;
    operators_test_open(&test, "  - {type: router, routes: [{expr: 'true', output: [a, b]}]}\n"
                               "  - {type: add, id: a, field: attributes.a, value: 1, output: end}\n"
                               "  - {type: add, id: b, field: attributes.b, value: 1, output: end}\n"
                               "  - {type: noop, id: end}");
    operators_test_line(&test, "x");
    ck_assert_uint_eq(test.out_count, 2);
    ck_assert_str_eq(test.out[0], "\"x\" a{a:1}");
    ck_assert_str_eq(test.out[1], "\"x\" a{b:1}");
    ck_assert_uint_eq(operators_test_counts(&test, 0).filtered, 0);
    operators_test_close(&test);
}
END_TEST

START_TEST(test_routes_set_attributes)
{
    static const struct {
        const char *attributes, *expected;
    } rows[] = {
        { "{k: text}", "\"x\" a{k:\"text\"}" },
        { "{k: ''}", "\"x\" a{k:\"\"}" },
        { "{k: 'EXPR(body)'}", "\"x\" a{k:\"x\"}" },
        { "{k: 'a EXPR(body) b EXPR(\"(\" + body + \")\") c'}", "\"x\" a{k:\"a x b (x) c\"}" },
        { "{k: 'EXPR(body)EXPR(body)', l: 'EXPR(attributes.k)'}", "\"x\" a{k:\"xx\",l:\"xx\"}" },
        { "{k: 'a EXPR(body'}", "\"x\" a{k:\"a EXPR(body\"}" },
        { "{k: 'EXPR(body EXPR(body)'}", "\"x\" a{k:\"EXPR(body EXPR(body)\"}" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        char list[256];
        snprintf(list, sizeof list,
                 "  - {type: router, routes: [{expr: 'true', output: e, attributes: %s}]}\n  - {type: noop, id: e}",
                 rows[i].attributes);
        struct operators_case row = { list, "x", rows[i].expected };
        operators_test_case(&row);
    }
    operators_test_refuse(
        "  - {type: router, routes: [{expr: 'true', output: e, attributes: {k: '\xc3\xa4 EXPR(body) )'}}"
        "]}\n  - {type: noop, id: e}",
        WEFT_INVALID, "test.yaml:2: operators[0].routes[0].attributes.k: column 12: ) cannot stand here");
}
END_TEST

/* The next route may take what one cannot judge; what gets no attributes is lost, as in the Collector. */
START_TEST(test_failures_of_routes_are_counted)
{
    struct operators_test test;
    operators_test_open(&test,
                        "  - {type: router, on_error: send, routes: [{expr: 'body.x.y', output: e}, {expr: 'body', "
                        "output: e}, {expr: 'body == \"x\"', output: e}]}\n"
                        "  - {type: noop, id: e}");
    ck_assert_str_eq(operators_test_line(&test, "x"), "\"x\"");
    ck_assert_uint_eq(operators_test_counts(&test, 0).errors, 2);
    ck_assert_uint_eq(operators_test_counts(&test, 0).dropped, 0);
    ck_assert_ptr_null(operators_test_line(&test, "y"));
    ck_assert_uint_eq(operators_test_counts(&test, 0).errors, 4);
    ck_assert_uint_eq(operators_test_counts(&test, 0).filtered, 1);
    operators_test_close(&test);
    static const char *const values[] = { "EXPR(1)", "EXPR(nil)", "a EXPR(body.x)" };
    for (size_t i = 0; i < WEFT_COUNT_OF(values); i++) {
        char list[160];
        snprintf(list, sizeof list,
                 "  - {type: router, on_error: send, routes: [{expr: 'true', output: e, attributes: {k: '%s'}}]}\n"
                 "  - {type: noop, id: e}",
                 values[i]);
        operators_test_open(&test, list);
        ck_assert_ptr_null(operators_test_line(&test, "x"));
        ck_assert_uint_eq(operators_test_counts(&test, 0).errors, 1);
        ck_assert_uint_eq(operators_test_counts(&test, 0).dropped, 1);
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
        { "  - {type: filter}", WEFT_INVALID, "test.yaml:2: operators[0]: it needs an expression, as expr" },
        { "  - {type: filter, expr: ''}", WEFT_INVALID,
          "test.yaml:2: operators[0].expr: it needs an expression, as expr" },
        { "  - {type: filter, expr: 'len(body)'}", WEFT_INVALID,
          "test.yaml:2: operators[0].expr: column 1: it must be a bool, not an integer" },
        { "  - {type: filter, expr: 'true', drop_ratio: 1.1}", WEFT_INVALID,
          "test.yaml:2: operators[0].drop_ratio: it must be from 0 to 1" },
        { "  - {type: filter, expr: 'true', drop_ratio: -0.1}", WEFT_INVALID,
          "test.yaml:2: operators[0].drop_ratio: it must be from 0 to 1" },
        { "  - {type: router, default: a}\n  - {type: noop, id: a}", WEFT_INVALID,
          "test.yaml:2: operators[0]: it needs a list of routes" },
        { "  - {type: router, routes: {expr: 'true', output: a}}\n  - {type: noop, id: a}", WEFT_INVALID,
          "test.yaml:2: operators[0].routes: it needs a list of routes" },
        { "  - {type: router, routes: [a]}\n  - {type: noop, id: a}", WEFT_INVALID,
          "test.yaml:2: operators[0].routes[0]: wants a map, not a string" },
        { "  - {type: router, routes: [{output: a}]}\n  - {type: noop, id: a}", WEFT_INVALID,
          "test.yaml:2: operators[0].routes[0]: it needs an expression, as expr" },
        { "  - {type: router, routes: [{expr: 'true'}]}", WEFT_INVALID,
          "test.yaml:2: operators[0].routes[0]: it needs an output" },
        { "  - {type: router, routes: [{expr: 'true', output: b}]}\n  - {type: noop, id: a}", WEFT_INVALID,
          "test.yaml:2: operators[0].routes[0].output: there is no operator with the id \"b\"" },
        { "  - {type: router, routes: [{expr: 'true', output: a}], default: b}\n  - {type: noop, id: a}", WEFT_INVALID,
          "test.yaml:2: operators[0].default: there is no operator with the id \"b\"" },
        { "  - {type: noop, id: a}\n  - {type: router, routes: [{expr: 'true', output: a}]}", WEFT_INVALID,
          "test.yaml:2: operators[0]: operators send in a circle, which \"a\" is part of or behind" },
        { "  - {type: router, routes: [{expr: 'true', output: a, attributes: [k]}]}\n  - {type: noop, id: a}",
          WEFT_INVALID, "test.yaml:2: operators[0].routes[0].attributes: wants a map, not a list" },
        { "  - {type: router, routes: [{expr: 'body ==', output: a}]}\n  - {type: noop, id: a}", WEFT_INVALID,
          "test.yaml:2: operators[0].routes[0].expr: column 8: it ends too early" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        operators_test_refuse(rows[i].list, rows[i].status, rows[i].text);
    }
}
END_TEST

/* Each call that can fail fails once. */
START_TEST(test_memory_that_runs_out_is_an_error)
{
    static const char text[] =
        "operators:\n"
        "  - {type: filter, expr: 'body matches \"a\"'}\n"
        "  - {type: router, routes: [{expr: 'body matches \"b\"', output: [a], attributes: {k: 'x "
        "EXPR(body) y'}}], default: a}\n"
        "  - {type: noop, id: a}\n";
    bool has_failed = true;
    size_t failed_count = 0;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_tree *tree = NULL;
        struct weft_operators *operators = NULL;
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_int_eq(weft_config_load_text(text, "test.yaml", &tree, &error), WEFT_OK);
        weft_alloc_fail_at(nth);
        enum weft_status status =
            weft_operators_compile(weft_node_find(weft_tree_root(tree), "operators"), NULL, &operators, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        /* a pattern whose compiler gets no memory is interpreted */
        ck_assert(status == WEFT_OK || (has_failed && status == WEFT_NOMEM));
        failed_count += status == WEFT_NOMEM;
        weft_operators_free(operators);
        weft_tree_free(&tree);
    }
    ck_assert_uint_gt(failed_count, 4);
}
END_TEST

/* Who writes a line must not choose by its bytes that nobody sees it. */
START_TEST(test_a_filter_keeps_what_a_pattern_gives_up_on)
{
    char line[2100];
    struct operators_test *test = weft_alloc(sizeof *test);
    operators_test_open(test, "  - {type: filter, expr: 'body matches \"^(a+)+$\"'}");
    memset(line, 'a', 2000);
    strcpy(line + 2000, "b!");
    ck_assert_ptr_nonnull(operators_test_line(test, line));
    ck_assert_uint_eq(operators_test_counts(test, 0).errors, 1);
    ck_assert_uint_eq(operators_test_counts(test, 0).dropped, 0);
    ck_assert_ptr_null(operators_test_line(test, "aaa"));
    operators_test_close(test);
    weft_free(test);
}
END_TEST

int main(void)
{
    const struct operators_test_function tests[] = {
        OPERATORS_TEST(test_filter_ends_what_its_expression_takes),
        OPERATORS_TEST(test_a_filter_keeps_what_a_pattern_gives_up_on),
        OPERATORS_TEST(test_filtered_entries_are_counted),
        OPERATORS_TEST(test_filter_ends_what_it_cannot_judge),
        OPERATORS_TEST(test_filter_drops_a_part_by_chance),
        OPERATORS_TEST(test_router_takes_the_first_route_that_is_true),
        OPERATORS_TEST(test_routes_to_nowhere_are_counted),
        OPERATORS_TEST(test_router_gives_each_output_a_copy),
        OPERATORS_TEST(test_routes_set_attributes),
        OPERATORS_TEST(test_failures_of_routes_are_counted),
        OPERATORS_TEST(test_bad_configs_are_refused_with_their_place),
        OPERATORS_TEST(test_memory_that_runs_out_is_an_error),
    };
    return OPERATORS_TEST_RUN("operators filter and router", tests);
}
