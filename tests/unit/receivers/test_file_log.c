/* The config of the receiver `file_log`: what is refused, and what is only warned of. */
#include "component_test.h"
#include "suite.h"

extern const struct weft_component weft_receiver_file_log;

#define INCLUDE "include: [/var/log/*.log]\n"

static const struct {
    const char *yaml;
    enum weft_status status;
    const char *text;
} refused_rows[] = {
    { "start_at: end", WEFT_INVALID, "include" },
    { "include: []", WEFT_INVALID, "include needs a pattern" },
    { "include: ['/a/[b']", WEFT_INVALID, "a [ without its ]" },
    { "include: ['/a/{b,c}']", WEFT_UNSUPPORTED, "write a pattern for each" },
    { INCLUDE "exclude: ['/a/[b']", WEFT_INVALID, "a [ without its ]" },
    { INCLUDE "start_at: middle", WEFT_INVALID, "test.yaml:2" },
    { INCLUDE "max_concurrent_files: 1", WEFT_INVALID, "test.yaml:2" },
    { INCLUDE "max_log_size: 0", WEFT_INVALID, "test.yaml:2" },
    { INCLUDE "max_log_size_behavior: truncate", WEFT_INVALID, "test.yaml:2" },
    { INCLUDE "encoding: utf-16le", WEFT_INVALID, "test.yaml:2" },
    { INCLUDE "multiline: {line_start_pattern: a}", WEFT_UNSUPPORTED, "test.yaml:2" },
    { INCLUDE "storage: file_storage", WEFT_UNSUPPORTED, "test.yaml:2" },
    { INCLUDE "colour: red", WEFT_INVALID, "test.yaml:2" },
    { INCLUDE "operators: log_profile", WEFT_INVALID, "a list of operators" },
    { INCLUDE "operators: {type: log_profile}", WEFT_INVALID, "a list of operators" },
    { INCLUDE "operators: [log_profile]", WEFT_INVALID, "an operator is a map" },
    { INCLUDE "operators: [{id: a}]", WEFT_INVALID, "needs a type" },
    { INCLUDE "operators:\n- type: csv_parser", WEFT_UNSUPPORTED, "test.yaml:3" },
    { INCLUDE "operators:\n- type: log_profile\n  if: 'tru('", WEFT_INVALID, "test.yaml:4" },
    { INCLUDE "operators: [{type: log_profile}, {type: noop}]", WEFT_UNSUPPORTED, "must be the last" },
};

START_TEST(test_what_means_nothing_or_is_not_there_is_refused)
{
    for (size_t i = 0; i < sizeof refused_rows / sizeof refused_rows[0]; i++) {
        component_expect_refused(&weft_receiver_file_log, refused_rows[i].yaml, refused_rows[i].status,
                                 refused_rows[i].text);
    }
}
END_TEST

static void expect_notes(const char *yaml, size_t count)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_config_notes notes = { 0 };
    ck_assert_msg(component_configure(&weft_receiver_file_log, yaml, &error) == WEFT_OK, "%s", error.text);
    ck_assert(weft_receiver_file_log.advise(fixture.config, weft_tree_root(fixture.tree), &notes) == WEFT_OK);
    ck_assert_uint_eq(notes.count, count);
    weft_config_notes_fini(&notes);
    weft_config_fini(weft_receiver_file_log.fields, fixture.config);
    weft_free(fixture.config);
    weft_tree_free(&fixture.tree);
    fixture.config = NULL;
}

START_TEST(test_keys_that_an_operator_does_not_know_are_warned_of)
{
    expect_notes(INCLUDE, 0);
    expect_notes(INCLUDE "operators:", 0);
    expect_notes(INCLUDE "operators: []", 0);
    expect_notes(INCLUDE "operators: [{type: log_profile, id: mine}]", 0);
    expect_notes(INCLUDE "operators: [{type: log_profile, colour: red, size: 3}]", 2);
}
END_TEST

START_TEST(test_a_container_without_paths_is_warned_of)
{
    expect_notes(INCLUDE "operators: [{type: container}]", 1);
    expect_notes(INCLUDE "operators: [{type: container, add_metadata_from_filepath: false}]", 0);
    expect_notes(INCLUDE "include_file_path: true\noperators: [{type: container}]", 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file_log");
    TCase *tcase = tcase_create("config");
    tcase_add_test(tcase, test_what_means_nothing_or_is_not_there_is_refused);
    tcase_add_test(tcase, test_keys_that_an_operator_does_not_know_are_warned_of);
    tcase_add_test(tcase, test_a_container_without_paths_is_warned_of);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
