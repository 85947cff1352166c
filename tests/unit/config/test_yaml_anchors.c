/* Anchors, aliases, merge keys, tags and several documents: what a document comes to, and what is refused. */
#include "config/loading.h"

#include <stdio.h>

#include "config/node.h"
#include "config/yaml.h"
#include "suite.h"

/* The tree as JSON, near enough: "text", 12, true, null, [..], {"key": ..}. */
static void print(const struct weft_node *node, char *out, size_t size)
{
    size_t used = strlen(out);
    bool is_map = weft_node_kind(node) == WEFT_NODE_MAP;
    switch (weft_node_kind(node)) {
    case WEFT_NODE_NULL:
        snprintf(out + used, size - used, "null");
        break;
    case WEFT_NODE_BOOL:
        snprintf(out + used, size - used, "%s", weft_node_bool(node) ? "true" : "false");
        break;
    case WEFT_NODE_INT:
    case WEFT_NODE_DOUBLE:
        snprintf(out + used, size - used, "%g%s", weft_node_double(node),
                 weft_node_kind(node) == WEFT_NODE_DOUBLE ? "f" : "");
        break;
    case WEFT_NODE_STRING:
        snprintf(out + used, size - used, "\"%s\"", weft_node_text(node));
        break;
    case WEFT_NODE_LIST:
    case WEFT_NODE_MAP:
        snprintf(out + used, size - used, is_map ? "{" : "[");
        for (size_t i = 0; i < weft_node_count(node); i++) {
            used = strlen(out);
            snprintf(out + used, size - used, i > 0 ? "," : "");
            if (is_map) {
                used = strlen(out);
                snprintf(out + used, size - used, "%s:", weft_node_key(weft_node_at(node, i)));
            }
            print(weft_node_at(node, i), out, size);
        }
        used = strlen(out);
        snprintf(out + used, size - used, is_map ? "}" : "]");
        break;
    }
}

/* Each against go.yaml.in/yaml/v3 3.0.4, as confmap uses it; there maps have no order. */
static const struct {
    const char *text, *tree;
} cases[] = {
    { "a: &x 1\nb: *x\n", "{a:1,b:1}" },
    { "a: &x {b: 1}\nc: *x\n", "{a:{b:1},c:{b:1}}" },
    { "a:\n  - &x [1, 2]\n  - *x\n", "{a:[[1,2],[1,2]]}" },
    { "x: &x\n  y: &y {z: 1}\n  w: *y\nv: *x\n", "{x:{y:{z:1},w:{z:1}},v:{y:{z:1},w:{z:1}}}" },
    { "a: &x 1\na2: &x 2\nb: *x\n", "{a:1,a2:2,b:2}" },
    { "a: &k key\n*k : 2\n", "{a:\"key\",key:2}" },
    { "&k key: 1\nb: *k\n", "{key:1,b:\"key\"}" },
    { "a: &x\nb: *x\n", "{a:null,b:null}" },
    { "base: &b {x: 1, y: 2}\nd:\n  <<: *b\n  y: 3\n", "{base:{x:1,y:2},d:{y:3,x:1}}" },
    { "base: &b {x: 1}\nd:\n  y: 3\n  <<: *b\n", "{base:{x:1},d:{y:3,x:1}}" },
    { "a: &a {x: 1}\nb: &b {x: 2, z: 3}\nc:\n  <<: [*a, *b]\n  q: 1\n", "{a:{x:1},b:{x:2,z:3},c:{q:1,x:1,z:3}}" },
    { "x: {<<: {a: {b: 1}}, a: {c: 1}}\n", "{x:{a:{c:1}}}" },
    { "a: &a {<<: {b: 1}}\nc: *a\n", "{a:{b:1},c:{b:1}}" },
    { "'<<': {a: 1}\nb: 2\n", "{<<:{a:1},b:2}" },
    { "!!merge <<: {a: 1}\n", "{a:1}" },
    { "a: !!str 1\n", "{a:\"1\"}" },
    { "a: !!str\n", "{a:\"\"}" },
    { "a: !!str ~\n", "{a:\"~\"}" },
    { "a: !!str 0123\n", "{a:\"0123\"}" },
    { "a: !!int \"12\"\n", "{a:12}" },
    { "a: !!float 1\n", "{a:1f}" },
    { "a: !!bool true\n", "{a:true}" },
    { "a: !!null ~\n", "{a:null}" },
    { "a: !!binary aGVsbG8=\n", "{a:\"hello\"}" },
    { "a: !!binary |\n  aGVs\n  bG8=\n", "{a:\"hello\"}" },
    { "a: ! 12\n", "{a:12}" },
    { "a: !x foo\n", "{a:\"foo\"}" },
    { "a: !x 12\n", "{a:\"12\"}" },
    { "a: !x {b: 1}\n", "{a:{b:1}}" },
    { "a: !!set {b}\n", "{a:{b:null}}" },
    { "%TAG !e! tag:example.com,2000:\n---\na: !e!x 1\n", "{a:\"1\"}" },
    { "a: 1\n---\nb: 2\n", "{a:1}" },
    { "a: 1\n--- [\n", "{a:1}" },
    { "---\n---\na: 1\n", "null" },
};

START_TEST(test_document_comes_to_this)
{
    char text[512] = "";
    struct weft_tree *tree = must_load(cases[_i].text);
    print(weft_tree_root(tree), text, sizeof text);
    ck_assert_str_eq(text, cases[_i].tree);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_copies_know_where_they_stand)
{
    char path[64];
    struct weft_tree *tree = must_load("a: &x\n  b:\n    - 1\nc:\n  <<: *x\n  d: *x\n");
    const struct weft_node *c = weft_node_find(weft_tree_root(tree), "c");
    const struct weft_node *merged = weft_node_at(weft_node_find(c, "b"), 0);
    weft_node_format_path(merged, path, sizeof path);
    ck_assert_str_eq(path, "c.b[0]");
    const struct weft_node *copied = weft_node_find(c, "d");
    weft_node_format_path(weft_node_find(copied, "b"), path, sizeof path);
    ck_assert_str_eq(path, "c.d.b");
    ck_assert_int_eq(weft_node_position(copied).line, 6);
    ck_assert_int_eq(weft_node_position(weft_node_find(copied, "b")).line, 2); /* where it was written */
    weft_tree_free(&tree);
}
END_TEST

static const struct {
    const char *text;
    enum weft_status status;
    const char *error;
} refused[] = {
    { "a: 1\nb: *nope\n", WEFT_INVALID, "config.yaml:2: no anchor &nope stands before *nope" },
    { "a: *x\nb: &x 1\n", WEFT_INVALID, "config.yaml:1: no anchor &x stands before *x" },
    { "a: &x [1, *x]\n", WEFT_INVALID, "config.yaml:1: *x stands inside of &x itself" },
    { "<<: 1\n", WEFT_INVALID, "config.yaml:2: what is merged (<<) must be a map or a list of maps, not a number" },
    { "<<: [1]\n", WEFT_INVALID, "config.yaml:2: what is merged (<<) must be a map or a list of maps, not a number" },
    { "<<: {a: 1}\n<<: {b: 1}\n", WEFT_INVALID, "config.yaml:2: key \"<<\" is already defined at line 1" },
    { "a: &x [1]\n*x : 1\n", WEFT_UNSUPPORTED, "config.yaml:2: a map key must be a single word or text" },
    { "a: !!int abc\n", WEFT_INVALID, "config.yaml:1: \"abc\" is not of the type !!int" },
    { "a: !!int 1.5\n", WEFT_INVALID, "config.yaml:1: \"1.5\" is not of the type !!int" },
    { "a: !!int ''\n", WEFT_INVALID, "config.yaml:1: \"\" is not of the type !!int" },
    { "a: !!bool yes\n", WEFT_INVALID, "config.yaml:1: \"yes\" is not of the type !!bool" },
    { "a: !!null x\n", WEFT_INVALID, "config.yaml:1: \"x\" is not of the type !!null" },
    { "a: !!float x\n", WEFT_INVALID, "config.yaml:1: \"x\" is not of the type !!float" },
    { "a: !!binary '#'\n", WEFT_INVALID, "config.yaml:1: !!binary wants base64 of a text without NUL" },
    { "a: !!binary aGVsbG8\n", WEFT_INVALID, "config.yaml:1: !!binary wants base64 of a text without NUL" },
    { "a: !!binary aGU=bG8=\n", WEFT_INVALID, "config.yaml:1: !!binary wants base64 of a text without NUL" },
    { "a: !!binary AAAA\n", WEFT_INVALID, "config.yaml:1: !!binary wants base64 of a text without NUL" },
    { "a: !!binary ===\n", WEFT_INVALID, "config.yaml:1: !!binary wants base64 of a text without NUL" },
    { "a: !!timestamp 2001-01-01\n", WEFT_UNSUPPORTED,
      "config.yaml:1: the type !!timestamp is not supported; leave it out" },
};

static void assert_refused(const char *text, enum weft_status status, const char *message)
{
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    assert_fails_with(weft_config_load_text(text, "config.yaml", &tree, &error), status, error, message);
}

START_TEST(test_refused_with_place_and_reason)
{
    assert_refused(refused[_i].text, refused[_i].status, refused[_i].error);
}
END_TEST

/* Ten of ten of ten ...: 10^9 values out of 400 bytes. */
START_TEST(test_document_that_multiplies_itself_is_refused)
{
    char text[2048] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; i++) {
        size_t used = strlen(text);
        used += (size_t)snprintf(text + used, sizeof text - used, "a%d: &a%d [", i, i);
        for (int item = 0; item < 10; item++) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s*a%d", item > 0 ? ", " : "", i - 1);
        }
        snprintf(text + used, sizeof text - used, "]\n");
    }
    assert_refused(text, WEFT_LIMIT, "config.yaml:5: aliases come to more than 100000 values");
}
END_TEST

START_TEST(test_aliases_nest_no_deeper_than_what_is_written)
{
    char text[2048] = "a0: &a0 {x: 1}\n";
    for (int i = 1; i < 31; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "a%d: &a%d {x: *a%d}\n", i, i, i - 1);
    }
    struct weft_tree *tree = must_load(text); /* 31 maps in the top one */
    weft_tree_free(&tree);
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "b: {x: *a30}\n");
    assert_refused(text, WEFT_LIMIT, "config.yaml:32: more than 32 nested maps and lists");
}
END_TEST

START_TEST(test_every_failed_allocation_is_reported)
{
    static const char text[] = "a: &x {b: 1, c: [1, 2, 3, 4, 5]}\nd: {<<: [*x, *x], e: !!binary aGVsbG8=}\nf: *x\n";
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
    TCase *tcase = tcase_create("yaml_anchors");
    tcase_add_loop_test(tcase, test_document_comes_to_this, 0, WEFT_COUNT_OF(cases));
    tcase_add_test(tcase, test_copies_know_where_they_stand);
    tcase_add_loop_test(tcase, test_refused_with_place_and_reason, 0, WEFT_COUNT_OF(refused));
    tcase_add_test(tcase, test_document_that_multiplies_itself_is_refused);
    tcase_add_test(tcase, test_aliases_nest_no_deeper_than_what_is_written);
    Suite *suite = suite_create("config");
    tcase_add_test(tcase, test_every_failed_allocation_is_reported);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
