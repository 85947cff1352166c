/* Printing: the tree as YAML that reads back the same, and field tables as Markdown. */
#include "config/loading.h"

#include <math.h>
#include <stdio.h>

#include "config/every_kind.h"
#include "config/print.h"
#include "suite.h"

static char *print(const struct weft_node *node, struct weft_buffer *buffer)
{
    weft_buffer_init(buffer, 0);
    weft_config_print(node, buffer);
    weft_buffer_append_byte(buffer, '\0');
    ck_assert_int_eq(weft_buffer_status(buffer), WEFT_OK);
    return (char *)buffer->bytes;
}

static const struct {
    const char *text;
    const char *printed;
} cases[] = {
    { "", "null\n" },
    { "5", "5\n" },
    { "[]", "[]\n" },
    { "{}", "{}\n" },
    { "[1, [2, [3]], {a: [4], b: {c: d}}, [], {}]",
      "- 1\n- - 2\n  - - 3\n- a:\n    - 4\n  b:\n    c: d\n- []\n- {}\n" },
    { "{a: {b: {c: 1, d: [x]}}, e: 2}", "a:\n  b:\n    c: 1\n    d:\n      - x\ne: 2\n" },
    { "[0x1F, -0, -17, 1e3, 0.1, 1e300, -.inf, .nan, ~, False]",
      "- 31\n- 0\n- -17\n- 1000.0\n- 0.1\n- 1e+300\n- -.inf\n- .nan\n- null\n- false\n" },
    { "['true', '1', '', ' a', 'a b', 'a: b', '#', '~', '.inf', '-', 'a-b/c.d_e', 'null', \"a\\tb\\nc\\\"\\\\\"]",
      "- \"true\"\n- \"1\"\n- \"\"\n- \" a\"\n- \"a b\"\n- \"a: b\"\n- \"#\"\n- \"~\"\n- \".inf\"\n- \"-\"\n- "
      "a-b/c.d_e\n"
      "- \"null\"\n- \"a\\u0009b\\nc\\\"\\\\\"\n" },
    { "{'a: b': 1, '': 2, 'x y': {'1': 3}}", "\"a: b\": 1\n\"\": 2\n\"x y\":\n  \"1\": 3\n" },
    { "[\"\xc3\xa4\xf0\x9f\x98\x80\", \"\\x85\\u2028\\ufeff\"]",
      "- \"\xc3\xa4\xf0\x9f\x98\x80\"\n- \"\\u0085\\u2028\\ufeff\"\n" },
};

START_TEST(test_tree_prints_and_reads_back)
{
    struct weft_tree *tree = must_load(cases[_i].text);
    struct weft_buffer first;
    struct weft_buffer second;
    ck_assert_str_eq(print(weft_tree_root(tree), &first), cases[_i].printed);
    weft_tree_free(&tree);
    tree = must_load((const char *)first.bytes);
    ck_assert_str_eq(print(weft_tree_root(tree), &second), cases[_i].printed);
    weft_tree_free(&tree);
    weft_buffer_fini(&first);
    weft_buffer_fini(&second);
}
END_TEST

START_TEST(test_long_keys_read_back)
{
    char text[1300];
    memset(text, 'k', sizeof text);
    strcpy(text, "a:\n  ? \"");
    text[strlen(text)] = ' ';
    memcpy(text + 1200, "\"\n  : [1]\n", 11);
    struct weft_tree *tree = must_load(text);
    struct weft_buffer first;
    struct weft_tree *again = must_load(print(weft_tree_root(tree), &first));
    const struct weft_node *map = weft_node_find(weft_tree_root(again), "a");
    ck_assert_uint_eq(strlen(weft_node_key(weft_node_at(map, 0))), 1192);
    weft_buffer_fini(&first);
    weft_tree_free(&again);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_text_that_is_not_utf8_is_replaced)
{
    static const struct fake_entry variables[] = { { "LATIN", "caf\xe9 \xed\xa0\x80\xc0\xaf" }, { NULL, NULL } };
    struct fake_world world = { variables, NULL };
    const char *configs[] = { "yaml:a: ${LATIN}" };
    struct weft_tree *tree = NULL;
    struct weft_buffer printed;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(load_world(&world, configs, 1, NULL, 0, &tree, NULL, &error), WEFT_OK);
    ck_assert_str_eq(weft_node_text(weft_node_find(weft_tree_root(tree), "a")), "caf\xe9 \xed\xa0\x80\xc0\xaf");
    ck_assert_str_eq(print(weft_tree_root(tree), &printed),
                     "a: \"caf\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n");
    weft_buffer_fini(&printed);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_reference_lists_every_key)
{
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    weft_config_print_reference(every_fields, &out);
    weft_buffer_append_byte(&out, '\0');
    static const char *const rows[] = {
        "| key | type | default | |\n|---|---|---|---|\n| `flag` | bool | `true` | A flag. |\n",
        "| `integer` | int, -10 to 1000 | `-5` | An int. |\n",
        "| `password` | secret string |  | A secret. |\n",
        "| `mode` | one of `basic`, `normal`, `detailed` | `normal` | A mode. |\n",
        "| `block` | block |  | A block. |\n| `block.flag` | bool | `true` | A flag \\| with a bar. |\n",
        "| `retry` | block, on when present | `off` | Retry. |\n",
        "| `items[].name` | string | required | The name. |\n| `items[].weight` | int, at least 1 | `1` |",
        "| `endpoint` | string | `localhost:4317` | Where to. |\n",
        "| `idle_timeout` | no effect |  | connections stay open |\n",
        "| `tpm` | not supported yet |  | Keys in a TPM. |\n",
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        ck_assert_msg(strstr((const char *)out.bytes, rows[i]) != NULL, "no %s in %s", rows[i], out.bytes);
    }
    ck_assert_ptr_null(strstr((const char *)out.bytes, "position"));
    weft_buffer_fini(&out);
}
END_TEST

/* The policies of a sampler stand in one another: the page would list them five times. */
START_TEST(test_reference_lists_a_large_table_once)
{
    enum { ROWS = 31 };
    static char keys[ROWS][8];
    static struct weft_field large[ROWS + 1];
    for (int i = 0; i < ROWS; i++) {
        snprintf(keys[i], sizeof keys[i], "key%d", i);
        large[i] = (struct weft_field){ .key = keys[i], .kind = WEFT_KIND_INT };
    }
    const struct weft_field outer[] = { { .key = "first", .kind = WEFT_KIND_BLOCK, .fields = large },
                                        { .key = "second", .kind = WEFT_KIND_LIST, .fields = large },
                                        { .key = NULL } };
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    weft_config_print_reference(outer, &out);
    weft_buffer_append_byte(&out, 0);
    const char *text = (const char *)out.bytes;
    ck_assert_ptr_nonnull(strstr(text, "| `first.key30` | int |"));
    ck_assert_ptr_nonnull(strstr(text, "| `second[].*` |  |  | Keys as in `first.*`. |"));
    ck_assert_ptr_null(strstr(text, "second[].key"));
    weft_buffer_fini(&out);
}
END_TEST

START_TEST(test_memory_that_runs_out_is_seen_in_the_buffer)
{
    struct weft_tree *tree = must_load(cases[4].text);
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    weft_alloc_fail_at(1);
    weft_config_print(weft_tree_root(tree), &out);
    weft_alloc_fail_at(0);
    ck_assert_int_eq(weft_buffer_status(&out), WEFT_NOMEM);
    weft_buffer_fini(&out);
    weft_tree_free(&tree);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("print");
    TCase *test_case = tcase_create("print");
    tcase_add_loop_test(test_case, test_tree_prints_and_reads_back, 0, WEFT_COUNT_OF(cases));
    tcase_add_test(test_case, test_long_keys_read_back);
    tcase_add_test(test_case, test_text_that_is_not_utf8_is_replaced);
    tcase_add_test(test_case, test_reference_lists_every_key);
    tcase_add_test(test_case, test_reference_lists_a_large_table_once);
    tcase_add_test(test_case, test_memory_that_runs_out_is_seen_in_the_buffer);
    suite_add_tcase(suite, test_case);
    return suite_run(suite);
}
