/* YAML -> tree: types of scalars, positions, and what is refused. */
#include "config/loading.h"

#include <math.h>
#include <stdio.h>

#include "config/node.h"
#include "suite.h"

struct scalar_case {
    const char *text;
    enum weft_node_kind kind;
    double number; /* of a bool: 0 or 1 */
};

/* Checked against go.yaml.in/yaml/v3 3.0.6 through confmap 1.71. */
static const struct scalar_case scalar_cases[] = {
    { "", WEFT_NODE_NULL, 0 },
    { "~", WEFT_NODE_NULL, 0 },
    { "null", WEFT_NODE_NULL, 0 },
    { "NULL", WEFT_NODE_NULL, 0 },
    { "nULL", WEFT_NODE_STRING, 0 },
    { "true", WEFT_NODE_BOOL, 1 },
    { "TRUE", WEFT_NODE_BOOL, 1 },
    { "False", WEFT_NODE_BOOL, 0 },
    { "yes", WEFT_NODE_STRING, 0 },
    { "on", WEFT_NODE_STRING, 0 },
    { "'true'", WEFT_NODE_STRING, 0 },
    { "\"12\"", WEFT_NODE_STRING, 0 },
    { "12", WEFT_NODE_INT, 12 },
    { "-12", WEFT_NODE_INT, -12 },
    { "+12", WEFT_NODE_INT, 12 },
    { "0x1f", WEFT_NODE_INT, 31 },
    { "-0X1F", WEFT_NODE_INT, -31 },
    { "0o17", WEFT_NODE_INT, 15 },
    { "0123", WEFT_NODE_INT, 83 },
    { "0b101", WEFT_NODE_INT, 5 },
    { "1_000", WEFT_NODE_INT, 1000 },
    { "08", WEFT_NODE_DOUBLE, 8 },
    { "0x", WEFT_NODE_STRING, 0 },
    { "0xg", WEFT_NODE_STRING, 0 },
    { "+", WEFT_NODE_STRING, 0 },
    { "1.5", WEFT_NODE_DOUBLE, 1.5 },
    { "1.", WEFT_NODE_DOUBLE, 1 },
    { ".5", WEFT_NODE_DOUBLE, 0.5 },
    { "-1e3", WEFT_NODE_DOUBLE, -1000 },
    { "1e", WEFT_NODE_STRING, 0 },
    { ".", WEFT_NODE_STRING, 0 },
    { "1.2.3", WEFT_NODE_STRING, 0 },
    { "5s", WEFT_NODE_STRING, 0 },
    { "1e400", WEFT_NODE_STRING, 0 },
    { ".inf", WEFT_NODE_DOUBLE, INFINITY },
    { "-.INF", WEFT_NODE_DOUBLE, -INFINITY },
    { ".Inf", WEFT_NODE_DOUBLE, INFINITY },
    { ".inF", WEFT_NODE_STRING, 0 },
    { "18446744073709551615", WEFT_NODE_INT, 18446744073709551615.0 },
    { "-9223372036854775808", WEFT_NODE_INT, -9223372036854775808.0 },
    { "18446744073709551616", WEFT_NODE_DOUBLE, 18446744073709551616.0 },
    { "-9223372036854775809", WEFT_NODE_DOUBLE, -9223372036854775809.0 },
    { "2024-01-02", WEFT_NODE_STRING, 0 },
};

START_TEST(test_scalar_takes_the_collectors_type)
{
    const struct scalar_case *row = &scalar_cases[_i];
    char text[100];
    snprintf(text, sizeof text, "key: %s\n", row->text);
    struct weft_tree *tree = must_load(text);
    const struct weft_node *node = weft_node_find(weft_tree_root(tree), "key");
    ck_assert_msg(weft_node_kind(node) == row->kind, "%s is %s", row->text, weft_node_kind_text(node));
    if (row->kind == WEFT_NODE_BOOL) {
        ck_assert_int_eq(weft_node_bool(node), row->number != 0);
    }
    if (row->kind == WEFT_NODE_INT || row->kind == WEFT_NODE_DOUBLE) {
        ck_assert(weft_node_double(node) == row->number);
    }
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_byte_order_mark_is_skipped)
{
    struct weft_tree *tree = must_load("\xef\xbb\xbfkey: 1\nother: 2\n");
    const struct weft_node *root = weft_tree_root(tree);
    ck_assert_uint_eq(weft_node_count(root), 2);
    ck_assert_int_eq(weft_node_position(weft_node_find(root, "key")).line, 1);
    weft_tree_free(&tree);
    tree = must_load("\xef\xbb\xbf");
    ck_assert_int_eq(weft_node_kind(weft_tree_root(tree)), WEFT_NODE_NULL);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_integers_fit_or_say_so)
{
    struct weft_tree *tree = must_load("a: 18446744073709551615\nb: -9223372036854775808\nc: -1\nd: .nan\n");
    const struct weft_node *root = weft_tree_root(tree);
    int64_t integer = 0;
    uint64_t natural = 0;
    ck_assert(!weft_node_get_int(weft_node_find(root, "a"), &integer));
    ck_assert(weft_node_get_uint(weft_node_find(root, "a"), &natural));
    ck_assert_uint_eq(natural, UINT64_MAX);
    ck_assert(weft_node_get_int(weft_node_find(root, "b"), &integer));
    ck_assert_int_eq(integer, INT64_MIN);
    ck_assert(!weft_node_get_uint(weft_node_find(root, "c"), &natural));
    ck_assert(isnan(weft_node_double(weft_node_find(root, "d"))));
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_nodes_know_where_they_stand)
{
    struct weft_tree *tree = must_load("# a comment\n"
                                       "exporters:\n"
                                       "  otlp:\n"
                                       "    timeout: 0123\n"
                                       "list:\n"
                                       "  - a\n"
                                       "  - b: |\n"
                                       "      text\n"
                                       "      more\n"
                                       "    c:\n");
    const struct weft_node *root = weft_tree_root(tree);
    const struct weft_node *otlp = weft_node_find(weft_node_find(root, "exporters"), "otlp");
    const struct weft_node *timeout = weft_node_find(otlp, "timeout");
    char path[64];
    weft_node_format_path(timeout, path, sizeof path);
    ck_assert_str_eq(path, "exporters.otlp.timeout");
    ck_assert_int_eq(weft_node_position(otlp).line, 3);
    ck_assert_int_eq(weft_node_position(timeout).line, 4);
    ck_assert_str_eq(weft_node_position(timeout).file, "config.yaml");
    ck_assert_str_eq(weft_node_text(timeout), "0123");
    const struct weft_node *item = weft_node_at(weft_node_find(root, "list"), 1);
    const struct weft_node *empty = weft_node_find(item, "c");
    weft_node_format_path(empty, path, sizeof path);
    ck_assert_str_eq(path, "list[1].c");
    ck_assert_int_eq(weft_node_position(empty).line, 10);
    ck_assert_str_eq(weft_node_text(weft_node_find(item, "b")), "text\nmore\n");
    ck_assert_ptr_null(weft_node_text(item));
    ck_assert_ptr_null(weft_node_key(item));
    ck_assert_uint_eq(weft_node_count(root), 2);
    ck_assert_str_eq(weft_node_key(weft_node_at(root, 1)), "list");
    ck_assert_ptr_null(weft_node_find(root, "exporter"));
    weft_node_format_path(timeout, path, 12);
    ck_assert_str_eq(path, "exporters.o");
    weft_tree_free(&tree);
}
END_TEST

static const struct {
    const char *text;
    enum weft_status status;
    const char *error;
} refused_cases[] = {
    { "a: 1\nb: 2\na: 3\n", WEFT_INVALID, "config.yaml:3: key \"a\" is already defined at line 1" },
    { "[a]: 1\n", WEFT_UNSUPPORTED, "config.yaml:1: a map key must be a single word or text" },
    { "a: \"x\\0y\"\n", WEFT_INVALID, "config.yaml:1: a text holds the NUL character" },
    { "a: b: c\n", WEFT_INVALID, "config.yaml:1: mapping values are not allowed in this context" },
    { "a:\n  b: 1\n c: 2\n", WEFT_INVALID, "config.yaml:3: did not find expected key, while parsing a block mapping" },
    { "a: 'x\n", WEFT_INVALID, "config.yaml:2: found unexpected end of stream, while scanning a quoted scalar" },
    { "a: \x01\n", WEFT_INVALID, "config.yaml: control characters are not allowed at byte 3" },
    { "a: \xff\n", WEFT_INVALID, "config.yaml: invalid leading UTF-8 octet at byte 3" },
    { "\xff\xfe"
      "a",
      WEFT_UNSUPPORTED, "config.yaml: UTF-16; write it in UTF-8" },
};

START_TEST(test_unsafe_yaml_is_refused)
{
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_config_load_text(refused_cases[_i].text, "config.yaml", &tree, &error);
    assert_fails_with(status, refused_cases[_i].status, error, refused_cases[_i].error);
    ck_assert_ptr_null(tree);
}
END_TEST

/* libyaml needs quadratic time on this text when it is let. */
START_TEST(test_deep_nesting_is_refused_early)
{
    static char text[200 * 1024];
    memset(text, '[', sizeof text - 1);
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    assert_fails_with(weft_config_load_text(text, "config.yaml", &tree, &error), WEFT_LIMIT, error,
                      "config.yaml:1: more than 32 nested maps and lists");
    text[32] = '\0';
    memset(text, '[', 32);
    ck_assert_int_eq(weft_config_load_text(text, "config.yaml", &tree, &error), WEFT_INVALID);
    char closed[65];
    memset(closed, '[', 32);
    memset(closed + 32, ']', 32);
    closed[64] = '\0';
    tree = must_load(closed);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_large_text_is_refused)
{
    enum { SIZE = 1024 * 1024 };
    char *text = weft_alloc(SIZE + 2);
    memset(text, ' ', SIZE + 1);
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    assert_fails_with(weft_config_load_text(text, "config.yaml", &tree, &error), WEFT_LIMIT, error,
                      "config.yaml: 1048577 bytes; the limit is 1 MiB");
    text[SIZE] = '\0';
    tree = must_load(text);
    ck_assert_int_eq(weft_node_kind(weft_tree_root(tree)), WEFT_NODE_NULL);
    weft_tree_free(&tree);
    weft_free(text);
}
END_TEST

START_TEST(test_many_keys_are_refused)
{
    enum { COUNT = 10001 };
    char *text = weft_alloc(COUNT * 8 + 1);
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(text + i * 8, 9, "k%05zu:\n", i);
    }
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    assert_fails_with(weft_config_load_text(text, "config.yaml", &tree, &error), WEFT_LIMIT, error,
                      "config.yaml:10001: more than 10000 values in one map or list");
    weft_free(text);
}
END_TEST

START_TEST(test_version_directive_comments_and_bom_are_accepted)
{
    struct weft_tree *tree = must_load("\xef\xbb\xbf# c\n%YAML 1.1\n---\na: '<<'\n\"<<\": b\n8080: x\n...\n");
    ck_assert_uint_eq(weft_node_count(weft_tree_root(tree)), 3);
    ck_assert_ptr_nonnull(weft_node_find(weft_tree_root(tree), "8080"));
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_every_failed_allocation_is_reported)
{
    static const char text[] = "a: 1\nb: [x, y, z, 1, 2, 3]\nc: {d: {e: text}}\nf:\ng:\n";
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_tree *tree = NULL;
        struct weft_error error = WEFT_ERROR_NONE;
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_config_load_text(text, "config.yaml", &tree, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        weft_tree_free(&tree);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("yaml");
    TCase *test_case = tcase_create("yaml");
    tcase_add_loop_test(test_case, test_scalar_takes_the_collectors_type, 0, WEFT_COUNT_OF(scalar_cases));
    tcase_add_test(test_case, test_byte_order_mark_is_skipped);
    tcase_add_test(test_case, test_integers_fit_or_say_so);
    tcase_add_test(test_case, test_nodes_know_where_they_stand);
    tcase_add_loop_test(test_case, test_unsafe_yaml_is_refused, 0, WEFT_COUNT_OF(refused_cases));
    tcase_add_test(test_case, test_deep_nesting_is_refused_early);
    tcase_add_test(test_case, test_large_text_is_refused);
    tcase_add_test(test_case, test_many_keys_are_refused);
    tcase_add_test(test_case, test_version_directive_comments_and_bom_are_accepted);
    tcase_add_test(test_case, test_every_failed_allocation_is_reported);
    suite_add_tcase(suite, test_case);
    return suite_run(suite);
}
