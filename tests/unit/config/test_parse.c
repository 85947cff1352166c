/* Field tables: defaults, every kind, and every way to get a key wrong. */
#include "config/loading.h"

#include "config/every_kind.h"
#include "config/print.h"
#include "config/unknown_key.h"
#include "suite.h"

static struct every_kind must_parse(const char *text, struct weft_tree **out_tree, struct weft_config_notes *notes)
{
    struct every_kind config;
    memset(&config, 0xaa, sizeof config);
    struct weft_error error = WEFT_ERROR_NONE;
    *out_tree = must_load(text);
    enum weft_status status = weft_config_parse(every_fields, weft_tree_root(*out_tree), &config, notes, &error);
    ck_assert_msg(status == WEFT_OK, "%s\n--- of ---\n%s", error.text, text);
    return config;
}

static void assert_defaults(const struct every_kind *config)
{
    ck_assert(config->flag);
    ck_assert_int_eq(config->integer, -5);
    ck_assert_uint_eq(config->natural, 16);
    ck_assert(config->real == 0.5);
    ck_assert_str_eq(config->text, "null");
    ck_assert_ptr_null(config->text_or_null);
    ck_assert_ptr_null(config->password.text);
    ck_assert_int_eq(config->timeout.ns, 90000000000);
    ck_assert_uint_eq(config->words.count, 2);
    ck_assert_str_eq(config->words.items[1], "b");
    ck_assert_uint_eq(config->labels.count, 1);
    ck_assert_str_eq(config->labels.entries[0].value, "v");
    ck_assert_uint_eq(config->headers.map.count, 0);
    ck_assert_ptr_null(config->value.node);
    ck_assert_int_eq(config->mode.value, 1);
    ck_assert(config->block.flag);
    ck_assert_int_eq(config->block.interval.ns, 5000000000);
    ck_assert(!config->has_retry);
    ck_assert(config->retry.flag);
    ck_assert(config->has_queue);
    ck_assert_uint_eq(config->queue.size, 1000);
    ck_assert_uint_eq(config->items.count, 0);
    ck_assert_str_eq(config->client.endpoint, "localhost:4317");
}

START_TEST(test_absent_and_null_keys_take_their_defaults)
{
    static const char *const texts[] = {
        "",
        "{}",
        "flag:\ninteger: null\nnatural: ~\nreal:\ntext:\ntext_or_null:\npassword:\ntimeout:\nwords:\nlabels:\n"
        "headers:\nmode:\nblock:\nitems:\nendpoint:\ntoken:\n",
        "block: {}",
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(texts); i++) {
        struct weft_tree *tree = NULL;
        struct every_kind config = must_parse(texts[i], &tree, NULL);
        assert_defaults(&config);
        weft_config_fini(every_fields, &config);
        ck_assert_ptr_null(config.text);
        weft_config_fini(every_fields, &config);
        weft_tree_free(&tree);
    }
    struct every_kind config;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_config_parse(every_fields, NULL, &config, NULL, &error), WEFT_OK);
    assert_defaults(&config);
    ck_assert_int_eq(config.position.line, 0);
    weft_config_fini(every_fields, &config);
}
END_TEST

static const char full_text[] = "flag: false\n"
                                "integer: 7\n"
                                "natural: 18446744073709551615\n"
                                "real: 1\n"
                                "text: '0123'\n"
                                "text_or_null: \"\"\n"
                                "password: hunter2\n"
                                "timeout: 2500ms\n"
                                "words: [x, '08', 'true']\n"
                                "labels: {a: 1, b: , c: 0x1F}\n"
                                "headers: {Authorization: Bearer abc}\n"
                                "value: [1, \"1\"]\n"
                                "mode: detailed\n"
                                "block: {flag: false}\n"
                                "retry: {interval: 5}\n"
                                "queue: {enabled: false, size: 9}\n"
                                "items:\n"
                                "  - name: one\n"
                                "  - weight: 4\n"
                                "    name: two\n"
                                "endpoint: there:1\n"
                                "token: s3cret\n";

START_TEST(test_every_kind_is_read)
{
    struct weft_tree *tree = NULL;
    struct every_kind config = must_parse(full_text, &tree, NULL);
    ck_assert(!config.flag);
    ck_assert_int_eq(config.integer, 7);
    ck_assert_uint_eq(config.natural, UINT64_MAX);
    ck_assert(config.real == 1);
    ck_assert_str_eq(config.text, "0123");
    ck_assert_str_eq(config.text_or_null, "");
    ck_assert_str_eq(config.password.text, "hunter2");
    ck_assert_int_eq(config.timeout.ns, 2500000000);
    ck_assert_uint_eq(config.words.count, 3);
    ck_assert_str_eq(config.words.items[1], "08");
    ck_assert_str_eq(config.words.items[2], "true");
    ck_assert_uint_eq(config.labels.count, 3);
    ck_assert_str_eq(config.labels.entries[1].key, "b");
    ck_assert_str_eq(config.labels.entries[1].value, "");
    ck_assert_str_eq(config.labels.entries[2].value, "0x1F");
    ck_assert_str_eq(config.headers.map.entries[0].value, "Bearer abc");
    ck_assert_int_eq(weft_node_kind(weft_node_at(config.value.node, 1)), WEFT_NODE_STRING);
    ck_assert_int_eq(config.mode.value, 2);
    ck_assert(!config.block.flag);
    ck_assert_int_eq(config.block.interval.ns, 5000000000);
    ck_assert(config.has_retry);
    ck_assert_int_eq(config.retry.interval.ns, 5);
    ck_assert(!config.has_queue);
    ck_assert(!config.queue.enabled);
    ck_assert_uint_eq(config.queue.size, 9);
    const struct every_item *items = config.items.items;
    ck_assert_uint_eq(config.items.count, 2);
    ck_assert_str_eq(items[1].name, "two");
    ck_assert_int_eq(items[0].weight, 1);
    ck_assert_int_eq(items[1].weight, 4);
    ck_assert_int_eq(items[1].position.line, 19);
    ck_assert_str_eq(config.client.endpoint, "there:1");
    ck_assert_str_eq(config.client.token.text, "s3cret");
    weft_config_fini(every_fields, &config);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_optional_blocks_switch_on_by_being_there)
{
    static const struct {
        const char *text;
        bool has_retry;
        bool has_queue;
    } cases[] = {
        { "retry:\nqueue:\n", true, true },
        { "retry: {}\nqueue: {}\n", true, true },
        { "retry: {enabled: false}\nqueue: {enabled: false}\n", false, false },
        { "retry: {enabled: true}\nqueue: {size: 1}\n", true, true },
        { "retry: {enabled: }\n", true, true },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        struct weft_tree *tree = NULL;
        struct every_kind config = must_parse(cases[i].text, &tree, NULL);
        ck_assert_int_eq(config.has_retry, cases[i].has_retry);
        ck_assert_int_eq(config.has_queue, cases[i].has_queue);
        weft_config_fini(every_fields, &config);
        weft_tree_free(&tree);
    }
}
END_TEST

/* What is not there needs no support. */
START_TEST(test_unsupported_key_may_say_nothing)
{
    static const char *const texts[] = { "tpm:", "tpm: ''", "tpm: []", "tpm: {enabled: false, path: /x}" };
    for (size_t i = 0; i < WEFT_COUNT_OF(texts); i++) {
        struct weft_tree *tree = NULL;
        struct every_kind config = must_parse(texts[i], &tree, NULL);
        weft_config_fini(every_fields, &config);
        weft_tree_free(&tree);
    }
}
END_TEST

START_TEST(test_optional_block_may_be_off_as_null)
{
    static const struct {
        const char *text;
        bool has_guard;
    } cases[] = {
        { "guard:\n", false },
        { "guard: {}\n", true },
        { "guard: {flag: false}\n", true },
        { "guard: {enabled: false}\n", false },
        { "retry:\n", false },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        struct weft_tree *tree = NULL;
        struct every_kind config = must_parse(cases[i].text, &tree, NULL);
        ck_assert_msg(config.has_guard == cases[i].has_guard, "%s", cases[i].text);
        ck_assert_int_eq(config.guard.interval.ns, INT64_C(5000000000));
        weft_config_fini(every_fields, &config);
        weft_tree_free(&tree);
    }
}
END_TEST

START_TEST(test_lists_split_and_headers_take_pairs)
{
    struct weft_tree *tree = NULL;
    struct every_kind config = must_parse("words: 'a, b,c'\nheaders: [{name: X, value: '1'}, {value: z, name: Y}]\n"
                                          "labels: {}\n",
                                          &tree, NULL);
    ck_assert_uint_eq(config.words.count, 3);
    ck_assert_str_eq(config.words.items[1], " b");
    ck_assert_str_eq(config.words.items[2], "c");
    ck_assert_uint_eq(config.headers.map.count, 2);
    ck_assert_str_eq(config.headers.map.entries[0].value, "1");
    ck_assert_str_eq(config.headers.map.entries[1].key, "Y");
    ck_assert_uint_eq(config.labels.count, 0);
    weft_config_fini(every_fields, &config);
    weft_tree_free(&tree);
    config = must_parse("words: ''\n", &tree, NULL);
    ck_assert_uint_eq(config.words.count, 0);
    weft_config_fini(every_fields, &config);
    weft_tree_free(&tree);
}
END_TEST

static const struct {
    const char *text;
    enum weft_status status;
    const char *error;
} bad_cases[] = {
    { "exporters", WEFT_INVALID, "config.yaml:1: wants a map, not a string" },
    { "flag: \"true\"", WEFT_INVALID, "config.yaml:1: flag: \"true\" is not a bool (true or false, without quotes)" },
    { "flag: 1", WEFT_INVALID, "config.yaml:1: flag: 1 is not a bool (true or false, without quotes)" },
    { "flag: [true]", WEFT_INVALID, "config.yaml:1: flag: wants a bool (true or false, without quotes), not a list" },
    { "integer: \"5\"", WEFT_INVALID, "config.yaml:1: integer: \"5\" is not a whole number" },
    { "integer: 18446744073709551615", WEFT_INVALID,
      "config.yaml:1: integer: 18446744073709551615 is not a whole number" },
    { "integer: .nan", WEFT_INVALID, "config.yaml:1: integer: .nan is not a whole number in range" },
    { "integer: 1e30", WEFT_INVALID, "config.yaml:1: integer: 1e30 is not a whole number in range" },
    { "integer: 1001", WEFT_INVALID, "config.yaml:1: integer: must be between -10 and 1000" },
    { "natural: -1", WEFT_INVALID, "config.yaml:1: natural: -1 is not a whole number, 0 or more" },
    { "natural: -1.0", WEFT_INVALID, "config.yaml:1: natural: -1.0 is not a whole number in range" },
    { "real: x", WEFT_INVALID, "config.yaml:1: real: \"x\" is not a number" },
    { "real: 1.01", WEFT_INVALID, "config.yaml:1: real: must be between 0 and 1" },
    { "real: .nan", WEFT_INVALID, "config.yaml:1: real: must be between 0 and 1" },
    { "text: 0123", WEFT_INVALID, "config.yaml:1: text: wants a string, not a number; write \"0123\"" },
    { "text: true", WEFT_INVALID, "config.yaml:1: text: wants a string, not a bool; write \"true\"" },
    { "words: [a, 1.5]", WEFT_INVALID, "config.yaml:1: words[1]: wants a string, not a number; write \"1.5\"" },
    { "password: 12345", WEFT_INVALID, "config.yaml:1: password: wants a string, not a number; put quotes around it" },
    { "headers: {a: 12345}", WEFT_INVALID,
      "config.yaml:1: headers.a: wants a string, not a number; put quotes around it" },
    { "text: [a]", WEFT_INVALID, "config.yaml:1: text: wants a string, not a list" },
    { "password: {a: hunter2}", WEFT_INVALID, "config.yaml:1: password: wants a string, not a map" },
    { "timeout: 5x", WEFT_INVALID, "config.yaml:1: timeout: \"5x\" is not a duration (like 300ms, 5s or 1m30s)" },
    { "timeout: \"5\"", WEFT_INVALID, "config.yaml:1: timeout: \"5\" is not a duration (like 300ms, 5s or 1m30s)" },
    { "timeout: true", WEFT_INVALID, "config.yaml:1: timeout: true is not a duration (like 300ms, 5s or 1m30s)" },
    { "timeout: 2h", WEFT_INVALID, "config.yaml:1: timeout: must be between 0 and 3600 s" },
    { "timeout: -1s", WEFT_INVALID, "config.yaml:1: timeout: must be between 0 and 3600 s" },
    { "words: {a: b}", WEFT_INVALID, "config.yaml:1: words: wants a list of strings, not a map" },
    { "words:\n- a\n- [b]", WEFT_INVALID, "config.yaml:3: words[1]: wants a string, not a list" },
    { "labels: [a]", WEFT_INVALID, "config.yaml:1: labels: wants a map, not a list" },
    { "labels: {a: {b: c}}", WEFT_INVALID, "config.yaml:1: labels.a: wants a string, not a map" },
    { "tags: {a: 1}", WEFT_INVALID, "config.yaml:1: tags.a: wants a string, not a number; write \"1\"" },
    { "headers: x", WEFT_INVALID, "config.yaml:1: headers: wants a map, not a string" },
    { "headers: [{value: a}]", WEFT_INVALID, "config.yaml:1: headers[0]: wants exactly the keys name and value" },
    { "headers: [{name: a, value: b, more: c}]", WEFT_INVALID,
      "config.yaml:1: headers[0]: wants exactly the keys name and value" },
    { "headers: [a]", WEFT_INVALID, "config.yaml:1: headers[0]: wants exactly the keys name and value" },
    { "mode: verbose", WEFT_INVALID, "config.yaml:1: mode: \"verbose\" is not one of basic, normal, detailed" },
    { "mode: [basic]", WEFT_INVALID, "config.yaml:1: mode: wants one of basic, normal, detailed, not a list" },
    { "block: 5", WEFT_INVALID, "config.yaml:1: block: wants a map, not a number" },
    { "block:\n  flg: true", WEFT_INVALID, "config.yaml:2: block: unknown key \"flg\"; did you mean \"flag\"?" },
    { "block: {enabled: true}", WEFT_INVALID, "config.yaml:1: block: unknown key \"enabled\"; known: flag, interval" },
    { "retry: {enabled: 1}", WEFT_INVALID,
      "config.yaml:1: retry.enabled: 1 is not a bool (true or false, without quotes)" },
    { "retry: {enabled: false, interval: x}", WEFT_INVALID,
      "config.yaml:1: retry.interval: \"x\" is not a duration (like 300ms, 5s or 1m30s)" },
    { "retry: true", WEFT_INVALID, "config.yaml:1: retry: wants a map, not a bool" },
    { "items: {}", WEFT_INVALID, "config.yaml:1: items: wants a list, not a map" },
    { "items:\n  - name: a\n  - weight: 1", WEFT_INVALID, "config.yaml:3: items[1]: key \"name\" is required" },
    { "items: [{name: a, weight: 0}]", WEFT_INVALID, "config.yaml:1: items[0].weight: must be 1 or more" },
    { "endpont: x", WEFT_INVALID, "config.yaml:1: unknown key \"endpont\"; did you mean \"endpoint\"?" },
    { "itmes: []", WEFT_INVALID, "config.yaml:1: unknown key \"itmes\"; did you mean \"items\"?" },
    { "flag: true\n\nclient: {}", WEFT_INVALID,
      "config.yaml:3: unknown key \"client\"; known: flag, integer, natural, real, text, text_or_null, password, "
      "timeout, "
      "words, labels, tags, headers, value, mode, block, retry, queue, guard, items, endpoint, token, "
      "read_buffer_size, "
      "idle_timeout, "
      "cookies, keep_alive, former, unused" },
    { "(position): 1", WEFT_INVALID,
      "config.yaml:1: unknown key \"(position)\"; known: flag, integer, natural, real, "
      "text, text_or_null, password, timeout, words, labels, tags, headers, value, mode, block, "
      "retry, queue, guard, items, endpoint, token, read_buffer_size, idle_timeout, cookies, "
      "keep_alive, former, unused" },
    { "a:\n", WEFT_INVALID,
      "config.yaml:1: unknown key \"a\"; known: flag, integer, natural, real, text, text_or_null, "
      "password, timeout, words, labels, tags, headers, value, mode, block, retry, queue, guard, items, "
      "endpoint, token, read_buffer_size, idle_timeout, cookies, keep_alive, former, unused" },
    { "tpm: {enabled: true}", WEFT_UNSUPPORTED,
      "config.yaml:1: tpm: weft does not support this key yet; docs/from-the-collector.md says what is there" },
    { "tpm: {}", WEFT_UNSUPPORTED,
      "config.yaml:1: tpm: weft does not support this key yet; docs/from-the-collector.md says what is there" },
    { "tpm: [a]", WEFT_UNSUPPORTED,
      "config.yaml:1: tpm: weft does not support this key yet; docs/from-the-collector.md says what is there" },
    { "tpm: false", WEFT_UNSUPPORTED,
      "config.yaml:1: tpm: weft does not support this key yet; docs/from-the-collector.md says what is there" },
    { "tpm: {enabled: }", WEFT_UNSUPPORTED,
      "config.yaml:1: tpm: weft does not support this key yet; docs/from-the-collector.md says what is there" },
    { "read_buffer_size: x", WEFT_INVALID, "config.yaml:1: read_buffer_size: \"x\" is not a whole number" },
    { "idle_timeout: x", WEFT_INVALID,
      "config.yaml:1: idle_timeout: \"x\" is not a duration (like 300ms, 5s or 1m30s)" },
    { "keep_alive: x", WEFT_INVALID, "config.yaml:1: keep_alive: \"x\" is not a bool (true or false, without quotes)" },
    { "former: 1", WEFT_INVALID, "config.yaml:1: former: wants a map, not a number" },
    { "former: {a: x}", WEFT_INVALID,
      "config.yaml:1: former: unknown key \"a\"; known: count, sort, names, list, share" },
    { "former: {\n  cuont: 1}", WEFT_INVALID, "config.yaml:2: former: unknown key \"cuont\"; did you mean \"count\"?" },
    { "former: {\n  count: -1}", WEFT_INVALID, "config.yaml:2: former.count: -1 is not a whole number, 0 or more" },
    { "former: {count: 9}", WEFT_INVALID, "config.yaml:1: former.count: must be between 0 and 8" },
    { "former: {sort: c}", WEFT_INVALID, "config.yaml:1: former.sort: \"c\" is not one of a, b" },
    { "former: {names: {}}", WEFT_INVALID, "config.yaml:1: former.names: wants a list of strings, not a map" },
    { "former: {names: [1]}", WEFT_INVALID,
      "config.yaml:1: former.names[0]: wants a string, not a number; write \"1\"" },
    { "former: {list: {}}", WEFT_INVALID, "config.yaml:1: former.list: wants a list, not a map" },
    { "former: {list: [1]}", WEFT_INVALID, "config.yaml:1: former.list[0]: wants a map, not a number" },
    { "former: {list: [{}, {wait: 1 s}]}", WEFT_INVALID,
      "config.yaml:1: former.list[1].wait: \"1 s\" is not a duration (like 300ms, 5s or 1m30s)" },
    { "former: {share: x}", WEFT_INVALID, "config.yaml:1: former.share: \"x\" is not a number" },
    { "unused: x", WEFT_INVALID, "config.yaml:1: unused: \"x\" is not a whole number, 0 or more" },
};

START_TEST(test_wrong_key_is_refused_with_its_place)
{
    struct weft_tree *tree = must_load(bad_cases[_i].text);
    struct every_kind config;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_config_parse(every_fields, weft_tree_root(tree), &config, NULL, &error);
    assert_fails_with(status, bad_cases[_i].status, error, bad_cases[_i].error);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_nearest_word_is_one_slip_away)
{
    static const char *const words[] = { "on", "compression", "timeout" };
    ck_assert_str_eq(weft_config_nearest("no", words, 3), "on");
    ck_assert_str_eq(weft_config_nearest("time_out", words, 3), "timeout");
    ck_assert_str_eq(weft_config_nearest("compresion", words, 3), "compression");
    ck_assert_ptr_null(weft_config_nearest("ab", words, 3));
    ck_assert_ptr_null(weft_config_nearest("headers", words, 3));
    ck_assert_ptr_null(weft_config_nearest("", words, 3));
    char long_word[200];
    memset(long_word, 't', sizeof long_word - 1);
    long_word[199] = '\0';
    ck_assert_ptr_null(weft_config_nearest(long_word, words, 3));
}
END_TEST

START_TEST(test_values_shown_in_errors_are_short_and_on_one_line)
{
    struct weft_tree *tree = must_load("timeout: \"one\\ntwo\"\n");
    struct every_kind config;
    struct weft_error error = WEFT_ERROR_NONE;
    assert_fails_with(weft_config_parse(every_fields, weft_tree_root(tree), &config, NULL, &error), WEFT_INVALID, error,
                      "config.yaml:1: timeout: \"one\" is not a duration (like 300ms, 5s or 1m30s)");
    weft_tree_free(&tree);
    char text[400] = "timeout: x";
    for (size_t i = 0; i < 60; i++) {
        strcat(text, "\xc3\xa9");
    }
    tree = must_load(text);
    ck_assert_int_eq(weft_config_parse(every_fields, weft_tree_root(tree), &config, NULL, &error), WEFT_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "\xc3\xa9\" is not"));
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_keys_without_effect_are_noted_once)
{
    struct weft_tree *tree = NULL;
    struct weft_config_notes notes = { 0 };
    struct every_kind config =
        must_parse("read_buffer_size: 512\ncookies: {enabled: true}\nidle_timeout:\n"
                   "integer: 1.5\nkeep_alive: true\n"
                   "former: {count: 8, sort: a, names: a, list: [{wait: 1s}, null], share: 0.5}\n"
                   "unused: 7\n",
                   &tree, &notes);
    ck_assert_int_eq(config.integer, 1);
    ck_assert_uint_eq(config.unused, 7);
    weft_config_fini(every_fields, &config);
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_config_parse(every_fields, weft_tree_root(tree), &config, &notes, &error), WEFT_OK);
    weft_config_fini(every_fields, &config);
    ck_assert_uint_eq(notes.count, 7);
    ck_assert_str_eq(notes.items[5].text, "config.yaml:6: former: has no effect in weft: of former days");
    ck_assert_str_eq(notes.items[6].text, "config.yaml:7: unused: has no effect in weft: for a rule alone");
    ck_assert_str_eq(notes.items[0].text, "config.yaml:4: integer: 1.5 is cut to the whole number 1");
    ck_assert_int_eq(notes.items[0].kind, WEFT_NOTE_WARNING);
    ck_assert_str_eq(notes.items[1].text,
                     "config.yaml:1: read_buffer_size: has no effect in weft: the kernel sizes its buffers");
    ck_assert_int_eq(notes.items[1].kind, WEFT_NOTE_NO_EFFECT);
    ck_assert_str_eq(notes.items[2].text, "config.yaml:3: idle_timeout: has no effect in weft: connections stay open");
    weft_config_notes_fini(&notes);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_expanded_values_take_the_type_of_their_key)
{
    static const struct fake_entry variables[] = {
        { "NUMBER", "0123" }, { "TRUE", "true" }, { "WORDS", "[a, b]" }, { "MAP", "{x: y}" }, { NULL, NULL },
    };
    struct fake_world world = { variables, NULL };
    const char *configs[] = {
        "yaml:{integer: '${NUMBER}', text: '${NUMBER}', flag: '${TRUE}', password: '${MAP}', "
        "words: '${WORDS}', timeout: '${NUMBER}', labels: '${MAP}', real: '${UNSET}', "
        "natural: '${UNSET}', text_or_null: '${UNSET}', endpoint: '${WORDS}', "
        "mode: '${env:UNSET:-basic}', block: {interval: '${UNSET}', flag: '${UNSET}'}, items: '${UNSET}'}"
    };
    struct weft_tree *tree = NULL;
    struct every_kind config;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(load_world(&world, configs, 1, NULL, 0, &tree, NULL, &error), WEFT_OK);
    enum weft_status status = weft_config_parse(every_fields, weft_tree_root(tree), &config, NULL, &error);
    ck_assert_msg(status == WEFT_OK, "%s", error.text);
    ck_assert_int_eq(config.integer, 83);
    ck_assert_str_eq(config.text, "0123");
    ck_assert(config.flag);
    ck_assert_str_eq(config.password.text, "{x: y}");
    ck_assert_uint_eq(config.words.count, 2);
    ck_assert_int_eq(config.timeout.ns, 83);
    ck_assert_str_eq(config.labels.entries[0].key, "x");
    ck_assert(config.real == 0); /* not the default: the key is there */
    ck_assert_uint_eq(config.natural, 0);
    ck_assert_int_eq(config.block.interval.ns, 0);
    ck_assert(!config.block.flag);
    ck_assert_str_eq(config.text_or_null, "");
    ck_assert_str_eq(config.client.endpoint, "[a, b]");
    ck_assert_int_eq(config.mode.value, 0);
    weft_config_fini(every_fields, &config);
    weft_tree_free(&tree);
}
END_TEST

/* What a variable gives may be a secret, wherever it was put by mistake: its name and kind are said. */
START_TEST(test_expanded_values_are_not_shown_in_errors)
{
    static const struct fake_entry variables[] = {
        { "SECRET", "hunter2-of-the-house" },
        { "MAP", "{flag: hunter2-of-the-house}" },
        { "NUMBER", "123456789" },
        { "LONG", "hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2" },
        { NULL, NULL },
    };
    static const struct {
        const char *config, *error;
    } rows[] = {
        { "yaml:flag: ${env:SECRET}",
          "yaml:1: flag: what ${env:SECRET} gives is a string, not a bool (true or false, without quotes)" },
        { "yaml:integer: 1${SECRET}", "yaml:1: integer: what 1${SECRET} gives is a string, not a whole number" },
        { "yaml:flag: ${NUMBER}",
          "yaml:1: flag: what ${NUMBER} gives is a number, not a bool (true or false, without quotes)" },
        { "yaml:timeout: ${LONG}",
          "yaml:1: timeout: what ${LONG} gives is a string, not a duration (like 300ms, 5s or 1m30s)" },
        { "yaml:mode: ${SECRET}", "yaml:1: mode: \"${SECRET}\" is not one of basic, normal, detailed" },
        { "yaml:mode: ${LONG}", "yaml:1: mode: \"${LONG}\" is not one of basic, normal, detailed" },
        { "yaml:block: ${env:MAP}",
          "yaml:1: block.flag: what ${env:MAP} gives is a string, not a bool (true or false, without quotes)" },
    };
    struct fake_world world = { variables, NULL };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_tree *tree = NULL;
        struct every_kind config;
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_int_eq(load_world(&world, &rows[i].config, 1, NULL, 0, &tree, NULL, &error), WEFT_OK);
        assert_fails_with(weft_config_parse(every_fields, weft_tree_root(tree), &config, NULL, &error), WEFT_INVALID,
                          error, rows[i].error);
        ck_assert_ptr_null(strstr(error.text, "hunter2"));
        /* a component's own words about the whole of it */
        weft_node_fail(&error, WEFT_INVALID, weft_tree_root(tree), "no host \"%s\" (%.50s)", "hunter2-of-the-house",
                       variables[3].text);
        ck_assert(strstr(rows[i].config, "SECRET") == NULL || strstr(error.text, "of-the-house") == NULL);
        ck_assert(strstr(rows[i].config, "LONG") == NULL || strstr(error.text, "hunter2-hunter2") == NULL);
        weft_tree_free(&tree);
    }
}
END_TEST

START_TEST(test_secrets_are_masked_in_print)
{
    struct weft_tree *tree = NULL;
    struct every_kind config = must_parse("password: hunter2\ntoken: hunter2\nheaders: {a: hunter2, b: }\n"
                                          "items: [{name: seen}]\n",
                                          &tree, NULL);
    struct weft_buffer printed;
    weft_buffer_init(&printed, 0);
    weft_config_print(weft_tree_root(tree), &printed);
    weft_buffer_append_byte(&printed, '\0');
    ck_assert_str_eq((const char *)printed.bytes, "password: \"[REDACTED]\"\ntoken: \"[REDACTED]\"\nheaders:\n"
                                                  "  a: \"[REDACTED]\"\n  b: null\nitems:\n  - name: seen\n");
    weft_buffer_fini(&printed);
    weft_config_fini(every_fields, &config);
    weft_tree_free(&tree);
    config = must_parse("headers: [{name: a, value: hunter2}, {name: b}]\n", &tree, NULL);
    weft_config_print(weft_tree_root(tree), &printed);
    weft_buffer_append_byte(&printed, '\0');
    ck_assert_str_eq((const char *)printed.bytes, "headers:\n  - name: a\n    value: \"[REDACTED]\"\n  - name: b\n");
    weft_buffer_fini(&printed);
    weft_config_fini(every_fields, &config);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_every_failed_allocation_is_reported)
{
    static const char more[] = "read_buffer_size: 1\n";
    char text[sizeof full_text + sizeof more];
    strcat(strcpy(text, full_text), more);
    struct weft_tree *tree = must_load(text);
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct every_kind config;
        struct weft_config_notes notes = { 0 };
        struct weft_error error = WEFT_ERROR_NONE;
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_config_parse(every_fields, weft_tree_root(tree), &config, &notes, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        if (status == WEFT_OK) {
            weft_config_fini(every_fields, &config);
        }
        weft_config_notes_fini(&notes);
    }
    has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct every_kind config;
        struct weft_error error = WEFT_ERROR_NONE;
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_config_parse(every_fields, NULL, &config, NULL, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        if (status == WEFT_OK) {
            weft_config_fini(every_fields, &config);
        }
    }
    weft_tree_free(&tree);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parse");
    TCase *test_case = tcase_create("parse");
    tcase_add_test(test_case, test_absent_and_null_keys_take_their_defaults);
    tcase_add_test(test_case, test_every_kind_is_read);
    tcase_add_test(test_case, test_optional_blocks_switch_on_by_being_there);
    tcase_add_test(test_case, test_unsupported_key_may_say_nothing);
    tcase_add_test(test_case, test_optional_block_may_be_off_as_null);
    tcase_add_test(test_case, test_lists_split_and_headers_take_pairs);
    tcase_add_loop_test(test_case, test_wrong_key_is_refused_with_its_place, 0, WEFT_COUNT_OF(bad_cases));
    tcase_add_test(test_case, test_nearest_word_is_one_slip_away);
    tcase_add_test(test_case, test_values_shown_in_errors_are_short_and_on_one_line);
    tcase_add_test(test_case, test_expanded_values_are_not_shown_in_errors);
    tcase_add_test(test_case, test_keys_without_effect_are_noted_once);
    tcase_add_test(test_case, test_expanded_values_take_the_type_of_their_key);
    tcase_add_test(test_case, test_secrets_are_masked_in_print);
    tcase_add_test(test_case, test_every_failed_allocation_is_reported);
    suite_add_tcase(suite, test_case);
    return suite_run(suite);
}
