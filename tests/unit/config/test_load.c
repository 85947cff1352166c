/* Sources, merging, --set and ${...}: every case is one config, and what the tree prints as; dollars are printed
 * doubled where loading would see more in them. */
#include "config/loading.h"

#include <stdlib.h>
#include <unistd.h>

#include "config/print.h"
#include "suite.h"

static const struct fake_entry variables[] = {
    { "NUMBER", "0123" },
    { "BOOL", "true" },
    { "WORD", "hello" },
    { "EMPTY", "" },
    { "LIST", "[a, 1]" },
    { "MAP", "{x: 1, \"y::z\": 2}" },
    { "QUOTED", "\"q\"" },
    { "NULLED", "null" },
    { "BROKEN", "a: b: c" },
    { "STAR", "*secret" },
    { "NAME", "WORD" },
    { "INDIRECT", "${env:NUMBER}" },
    { "DOLLARS", "$${env:WORD} $$5" },
    { "SELF", "${env:SELF}" },
    { "TWICE", "${env:TWICE}${env:TWICE}" },
    { "CONFIG", "a: 1" },
    { "LATIN", "caf\xe9" },
    { NULL, NULL },
};

static const struct fake_entry files[] = {
    { "config.yaml", "a: {b: 1, c: [1, 2]}\n" },
    { "block.yaml", "one: ${env:WORD}\ntwo: [${file:word.txt}]\n" },
    { "flow.yaml", "two: ['${file:word.txt}']\n" },
    { "word.txt", "text\n" },
    { "broken.yaml", "a: 1\n b: 2\n" },
    { "self.yaml", "a: ${file:self.yaml}\n" },
    { "list.yaml", "- 1\n" },
    { NULL, NULL },
};

static struct fake_world world = { variables, files };

struct load_case {
    const char *configs[3];
    const char *sets[3];
    const char *printed;
};

/* The trees were checked against confmap 1.71 with the env, file and yaml providers. */
static const struct load_case good_cases[] = {
    { { "config.yaml" }, { NULL }, "a:\n  b: 1\n  c:\n    - 1\n    - 2\n" },
    { { "file:config.yaml" }, { NULL }, "a:\n  b: 1\n  c:\n    - 1\n    - 2\n" },
    { { "env:CONFIG" }, { NULL }, "a: 1\n" },
    { { "yaml:a: 1" }, { NULL }, "a: 1\n" },
    { { "yaml:" }, { NULL }, "{}\n" },
    { { "yaml:a::b::c: 1" }, { NULL }, "a:\n  b:\n    c: 1\n" },
    { { "yaml:x: [{a::b: 1}]" }, { NULL }, "x:\n  - \"a::b\": 1\n" },
    /* Maps deep, lists and all else replaced, a null too. */
    { { "config.yaml", "yaml:a: {c: [3], d: 4}" }, { NULL }, "a:\n  b: 1\n  c:\n    - 3\n  d: 4\n" },
    { { "config.yaml", "yaml:a: null" }, { NULL }, "a: null\n" },
    { { "config.yaml", "yaml:a: 5", "yaml:a: {x: 1}" }, { NULL }, "a:\n  x: 1\n" },
    { { "config.yaml", "yaml:a::b: 2" }, { NULL }, "a:\n  b: 2\n  c:\n    - 1\n    - 2\n" },
    { { "config.yaml" }, { "a.b=text" }, "a:\n  b: text\n  c:\n    - 1\n    - 2\n" },
    { { "config.yaml" }, { "a::b=2s", "a.c=[x]" }, "a:\n  b: \"2s\"\n  c:\n    - x\n" },
    { { "config.yaml" }, { "d.e.f={g: 1}", "a= 7 " }, "a: 7\nd:\n  e:\n    f:\n      g: 1\n" },
    { { "config.yaml" }, { "a=" }, "a: null\n" },
    { { "config.yaml" }, { "a=b=c" }, "a: \"b=c\"\n" },
    /* A later source replaces before anything is looked up. */
    { { "yaml:a: ${env:9}", "yaml:a: 1" }, { NULL }, "a: 1\n" },
    { { "yaml:a: 1" }, { "a=${env:WORD}" }, "a: hello\n" },
    /* Substitution. */
    { { "yaml:a: ${env:NUMBER}" }, { NULL }, "a: 83\n" },
    { { "yaml:a: ${NUMBER}" }, { NULL }, "a: 83\n" },
    { { "yaml:a: '${NUMBER}'" }, { NULL }, "a: 83\n" },
    { { "yaml:a: x${NUMBER}" }, { NULL }, "a: x0123\n" },
    { { "yaml:a: ${env:BOOL}" }, { NULL }, "a: true\n" },
    { { "yaml:a: ${env:LIST}" }, { NULL }, "a:\n  - a\n  - 1\n" },
    { { "yaml:a: x${env:LIST}" }, { NULL }, "a: \"x[a, 1]\"\n" },
    { { "yaml:a: ${env:MAP}" }, { NULL }, "a:\n  x: 1\n  \"y::z\": 2\n" },
    { { "yaml:a: ${env:QUOTED}" }, { NULL }, "a: \"\\\"q\\\"\"\n" },
    { { "yaml:a: ${env:NULLED}" }, { NULL }, "a: null\n" },
    { { "yaml:a: ${env:EMPTY}" }, { NULL }, "a: null\n" },
    { { "yaml:a: ${env:BROKEN}" }, { NULL }, "a: \"a: b: c\"\n" },
    { { "yaml:a: ${env:STAR}" }, { NULL }, "a: \"*secret\"\n" },
    { { "yaml:a: ${env:UNSET:-5}" }, { NULL }, "a: 5\n" },
    { { "yaml:a: ${env:UNSET:-a:-b}" }, { NULL }, "a: \"a:-b\"\n" },
    { { "yaml:a: ${env:UNSET:-}" }, { NULL }, "a: \"\"\n" },
    { { "yaml:a: ${env:EMPTY:-5}" }, { NULL }, "a: null\n" },
    { { "yaml:a: ${env:UNSET:-${env:WORD}}" }, { NULL }, "a: hello\n" },
    { { "yaml:a: ${env:${env:NAME}}" }, { NULL }, "a: hello\n" },
    { { "yaml:a: ${env:INDIRECT}" }, { NULL }, "a: 83\n" },
    { { "yaml:a: ${yaml:[1, ${env:WORD}]}" }, { NULL }, "a:\n  - 1\n  - hello\n" },
    { { "yaml:a: ${file:word.txt}" }, { NULL }, "a: \"text\\n\"\n" },
    { { "yaml:a: ${file:flow.yaml}" }, { NULL }, "a:\n  two:\n    - \"text\\n\"\n" },
    { { "yaml:a: ['${WORD}', {b: '${WORD}-${NUMBER}-${WORD}'}]" },
      { NULL },
      "a:\n  - hello\n  - b: hello-0123-hello\n" },
    { { "yaml:${WORD}: 1" }, { NULL }, "\"${WORD}\": 1\n" },
    /* Escapes. */
    { { "yaml:a: $$5" }, { NULL }, "a: \"$5\"\n" },
    { { "yaml:a: $5" }, { NULL }, "a: \"$5\"\n" },
    { { "yaml:a: $${WORD}" }, { NULL }, "a: \"$${WORD}\"\n" },
    { { "yaml:a: $$${WORD}" }, { NULL }, "a: \"$hello\"\n" },
    { { "yaml:a: $${X} ${WORD}" }, { NULL }, "a: \"$${X} hello\"\n" },
    { { "yaml:a: $$$$" }, { NULL }, "a: \"$$$$\"\n" },
    { { "yaml:a: ${env:DOLLARS}" }, { NULL }, "a: \"$${env:WORD} $$5\"\n" },
    { { "yaml:a: '${'" }, { NULL }, "a: \"$${\"\n" },
    { { "yaml:a: '} ${WORD'" }, { NULL }, "a: \"} $${WORD\"\n" },
};

static enum weft_status load_row(const char *const *configs, const char *const *sets, struct weft_tree **out_tree,
                                 struct weft_config_notes *notes, struct weft_error *error)
{
    size_t config_count = 0;
    size_t set_count = 0;
    while (config_count < 3 && configs[config_count] != NULL) {
        config_count++;
    }
    while (set_count < 3 && sets[set_count] != NULL) {
        set_count++;
    }
    return load_world(&world, configs, config_count, sets, set_count, out_tree, notes, error);
}

START_TEST(test_sources_give_the_collectors_tree)
{
    const struct load_case *row = &good_cases[_i];
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = load_row(row->configs, row->sets, &tree, NULL, &error);
    ck_assert_msg(status == WEFT_OK, "%s: %s", row->configs[0], error.text);
    struct weft_buffer printed;
    weft_buffer_init(&printed, 0);
    weft_config_print(weft_tree_root(tree), &printed);
    weft_buffer_append_byte(&printed, '\0');
    ck_assert_str_eq((const char *)printed.bytes, row->printed);
    weft_buffer_fini(&printed);
    weft_tree_free(&tree);
}
END_TEST

struct bad_case {
    const char *configs[3];
    const char *sets[3];
    enum weft_status status;
    const char *error;
};

static const struct bad_case bad_cases[] = {
    { { "none.yaml" }, { NULL }, WEFT_NOT_FOUND, "--config: none.yaml: No such file or directory" },
    { { "yaml:[1]" }, { NULL }, WEFT_INVALID, "yaml:1: a config is a map, not a list" },
    { { "env:WORD" }, { NULL }, WEFT_INVALID, "env:WORD:1: a config is a map, not a string" },
    { { "http://x/y" },
      { NULL },
      WEFT_UNSUPPORTED,
      "--config: weft does not read config over the network (http:, https:); use file:, env: or yaml:" },
    { { "s3:x" }, { NULL }, WEFT_UNSUPPORTED, "--config: \"s3\" is not one of env, file, yaml" },
    { { "config.yaml", "broken.yaml" },
      { NULL },
      WEFT_INVALID,
      "broken.yaml:2: mapping values are not allowed in this context" },
    { { "config.yaml" }, { "a.b" }, WEFT_INVALID, "--set a.b: wants key=value" },
    { { "config.yaml" },
      { "a=[" },
      WEFT_INVALID,
      "--set a:2: did not find expected node content, while parsing a flow node" },
    { { "yaml:a: ${env:9X}" },
      { NULL },
      WEFT_INVALID,
      "yaml:1: a: ${...}: \"9X\" is not the name of an environment variable (letters, digits and _)" },
    { { "yaml:a: ${env:}" },
      { NULL },
      WEFT_INVALID,
      "yaml:1: a: ${...}: \"\" is not the name of an environment variable (letters, digits and _)" },
    { { "yaml:a: ${}" },
      { NULL },
      WEFT_INVALID,
      "yaml:1: a: ${...}: \"\" is not the name of an environment variable (letters, digits and _)" },
    { { "yaml:a:\n - b: x ${A-B}" },
      { NULL },
      WEFT_INVALID,
      "yaml:2: a[0].b: ${...}: \"A-B\" is not the name of an environment variable (letters, digits and _)" },
    { { "yaml:a: ${WORD:-x}" }, { NULL }, WEFT_UNSUPPORTED, "yaml:1: a: ${...}: for a default write ${env:WORD:-...}" },
    { { "yaml:a: ${https://x}" },
      { NULL },
      WEFT_UNSUPPORTED,
      "yaml:1: a: ${...}: weft does not read config over the network (http:, https:); use file:, env: or yaml:" },
    { { "yaml:a: ${vault:x}" },
      { NULL },
      WEFT_UNSUPPORTED,
      "yaml:1: a: ${...}: \"vault\" is not one of env, file, yaml" },
    { { "yaml:a: ${file:none}" }, { NULL }, WEFT_NOT_FOUND, "yaml:1: a: ${...}: none: No such file or directory" },
    { { "yaml:a: ${env:$WORD}" }, { NULL }, WEFT_INVALID, "yaml:1: a: a $ inside ${...}" },
    { { "yaml:a: ${env:SELF}" },
      { NULL },
      WEFT_LIMIT,
      "yaml:1: a: more than 1000 expansions: does ${...} name itself?" },
    { { "yaml:a: ${env:TWICE}" }, { NULL }, WEFT_LIMIT, "yaml:1: a: grows beyond 1 MiB" },
    { { "self.yaml" },
      { NULL },
      WEFT_LIMIT,
      "self.yaml:1: a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a: "
      "more than 32 nested maps and lists" },
    { { "yaml:a: ${file:block.yaml}\nb: *x" }, { NULL }, WEFT_INVALID, "yaml:2: no anchor &x stands before *x" },
};

START_TEST(test_bad_source_is_refused_with_its_place)
{
    const struct bad_case *row = &bad_cases[_i];
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    assert_fails_with(load_row(row->configs, row->sets, &tree, NULL, &error), row->status, error, row->error);
    ck_assert_ptr_null(tree);
}
END_TEST

START_TEST(test_too_many_places_are_refused)
{
    char text[1100] = "yaml:a: '";
    for (size_t i = 0; i < 101; i++) {
        strcat(text, "${WORD}");
    }
    strcat(text, "'");
    const char *configs[] = { text };
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    assert_fails_with(load_world(&world, configs, 1, NULL, 0, &tree, NULL, &error), WEFT_LIMIT, error,
                      "yaml:1: a: more than 100 ${...} in one value");
    memmove(text + 9, text + 16, strlen(text + 16) + 1);
    ck_assert_int_eq(load_world(&world, configs, 1, NULL, 0, &tree, NULL, &error), WEFT_OK);
    ck_assert_uint_eq(strlen(weft_node_text(weft_node_find(weft_tree_root(tree), "a"))), 500);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_many_key_parts_are_refused)
{
    char text[200] = "yaml:a";
    for (size_t i = 0; i < 40; i++) {
        strcat(text, "::a");
    }
    strcat(text, ": 1");
    const char *configs[] = { text };
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    assert_fails_with(load_world(&world, configs, 1, NULL, 0, &tree, NULL, &error), WEFT_LIMIT, error,
                      "yaml:1: a key with more than 32 parts");
}
END_TEST

START_TEST(test_unset_variable_is_noted_once)
{
    const char *configs[] = { "yaml:a: ${env:UNSET}\nb: ${UNSET}-${UNSET}\nc: ${env:EMPTY}" };
    struct weft_tree *tree = NULL;
    struct weft_config_notes notes = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(load_world(&world, configs, 1, NULL, 0, &tree, &notes, &error), WEFT_OK);
    ck_assert_uint_eq(notes.count, 2);
    ck_assert_str_eq(notes.items[0].text, "yaml:1: a: ${...}: environment variable UNSET is not set; taken as empty");
    ck_assert_str_eq(notes.items[1].text, "yaml:2: b: ${...}: environment variable UNSET is not set; taken as empty");
    ck_assert_int_eq(notes.items[0].kind, WEFT_NOTE_WARNING);
    weft_config_notes_fini(&notes);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_included_file_that_is_not_yaml_is_noted)
{
    const char *configs[] = { "yaml:a: ${file:broken.yaml}" };
    struct weft_tree *tree = NULL;
    struct weft_config_notes notes = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(load_world(&world, configs, 1, NULL, 0, &tree, &notes, &error), WEFT_OK);
    ck_assert_int_eq(weft_node_kind(weft_node_find(weft_tree_root(tree), "a")), WEFT_NODE_STRING);
    ck_assert_uint_eq(notes.count, 1);
    ck_assert_str_eq(notes.items[0].text, "yaml:1: a: taken as a text, for it is not YAML: broken.yaml:2: mapping "
                                          "values are not allowed in this context");
    weft_config_notes_fini(&notes);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_expanded_values_keep_their_text_and_place)
{
    const char *configs[] = { "yaml:a: ${NUMBER}\nb: ${file:flow.yaml}\nc: ${env:LIST}" };
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(load_world(&world, configs, 1, NULL, 0, &tree, NULL, &error), WEFT_OK);
    const struct weft_node *number = weft_node_find(weft_tree_root(tree), "a");
    const struct weft_node *file = weft_node_find(weft_tree_root(tree), "b");
    const struct weft_node *two = weft_node_find(file, "two");
    ck_assert_int_eq(weft_node_kind(number), WEFT_NODE_INT);
    ck_assert_str_eq(weft_node_text(number), "0123");
    ck_assert(weft_node_is_expanded(number));
    ck_assert_int_eq(weft_node_position(file).line, 2);
    ck_assert_str_eq(weft_node_position(two).file, "flow.yaml");
    ck_assert_int_eq(weft_node_position(two).line, 1);
    ck_assert_str_eq(weft_node_text(file), "two: ['text\n']\n");
    char path[32];
    weft_node_format_path(weft_node_at(two, 0), path, sizeof path);
    ck_assert_str_eq(path, "b.two[0]");
    ck_assert_str_eq(weft_node_text(weft_node_find(weft_tree_root(tree), "c")), "[a, 1]");
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_set_values_name_the_option_as_their_place)
{
    const char *configs[] = { "config.yaml" };
    const char *sets[] = { "a.b=5" };
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(load_world(&world, configs, 1, sets, 1, &tree, NULL, &error), WEFT_OK);
    const struct weft_node *node = weft_node_find(weft_node_find(weft_tree_root(tree), "a"), "b");
    ck_assert_int_eq(weft_node_fail(&error, WEFT_INVALID, node, "bad"), WEFT_INVALID);
    ck_assert_str_eq(error.text, "--set a.b: a.b: bad");
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_process_environment_reads_real_files_and_variables)
{
    char path[] = "/tmp/weft_config_test_XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    static const char text[] = "a: ${env:WEFT_CONFIG_TEST}\n";
    ck_assert_int_eq(write(descriptor, text, sizeof text - 1), (ssize_t)(sizeof text - 1));
    setenv("WEFT_CONFIG_TEST", "42", 1);
    const char *configs[] = { path };
    struct weft_config_sources sources = { .configs = configs, .config_count = 1 };
    struct weft_tree *tree = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_config_load(&sources, &tree, NULL, &error), WEFT_OK);
    ck_assert(weft_node_double(weft_node_find(weft_tree_root(tree), "a")) == 42);
    weft_tree_free(&tree);

    ck_assert_int_eq(ftruncate(descriptor, 1024 * 1024 + 1), 0);
    ck_assert_int_eq(weft_config_load(&sources, &tree, NULL, &error), WEFT_LIMIT);
    ck_assert_int_eq(ftruncate(descriptor, 10), 0);
    ck_assert_int_eq(ftruncate(descriptor, 20), 0);
    ck_assert_int_eq(weft_config_load(&sources, &tree, NULL, &error), WEFT_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "not a text, it holds the NUL character"));
    close(descriptor);
    unlink(path);
    const char *directory[] = { "/" };
    sources.configs = directory;
    assert_fails_with(weft_config_load(&sources, &tree, NULL, &error), WEFT_INVALID, error,
                      "--config: /: is a directory, not a file");
    sources.config_count = 0;
    assert_fails_with(weft_config_load(&sources, &tree, NULL, &error), WEFT_INVALID, error,
                      "no config given; use --config=PATH");
}
END_TEST

START_TEST(test_every_failed_allocation_is_reported)
{
    static const char *const configs[] = {
        "config.yaml",
        "yaml:a: {d::e: '${WORD} ${NUMBER} $$', f: '${env:LIST}', g: '${file:flow.yaml}'}\nh: '${UNSET}'",
        "yaml:a: {d: {i: '${env:MAP}'}}",
    };
    static const char *const sets[] = { "a.b=1", "j.k={}", NULL };
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_tree *tree = NULL;
        struct weft_config_notes notes = { 0 };
        struct weft_error error = WEFT_ERROR_NONE;
        weft_alloc_fail_at(nth);
        enum weft_status status = load_row(configs, sets, &tree, &notes, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_msg(status == (has_failed ? WEFT_NOMEM : WEFT_OK), "allocation %zu: %s", nth, error.text);
        weft_config_notes_fini(&notes);
        weft_tree_free(&tree);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("load");
    TCase *test_case = tcase_create("load");
    tcase_add_loop_test(test_case, test_sources_give_the_collectors_tree, 0, WEFT_COUNT_OF(good_cases));
    tcase_add_loop_test(test_case, test_bad_source_is_refused_with_its_place, 0, WEFT_COUNT_OF(bad_cases));
    tcase_add_test(test_case, test_too_many_places_are_refused);
    tcase_add_test(test_case, test_many_key_parts_are_refused);
    tcase_add_test(test_case, test_unset_variable_is_noted_once);
    tcase_add_test(test_case, test_included_file_that_is_not_yaml_is_noted);
    tcase_add_test(test_case, test_expanded_values_keep_their_text_and_place);
    tcase_add_test(test_case, test_set_values_name_the_option_as_their_place);
    tcase_add_test(test_case, test_process_environment_reads_real_files_and_variables);
    tcase_add_test(test_case, test_every_failed_allocation_is_reported);
    suite_add_tcase(suite, test_case);
    return suite_run(suite);
}
