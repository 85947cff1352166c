/* Severities of entries: presets, mappings, kinds of values, and what a config may not say. */
#include "operators/operators_test.h"

#define PARSE(keys) "  - {type: severity_parser, parse_from: body, on_error: drop" keys "}"
#define ALL                                                                                          \
    PARSE(", mapping: {info: 3xx, ERROR3: 4xx, debug4: '5xx', fatal2: '', 9: nine, warn: 12, "       \
          "trace2: [Tracer, {min: 1234, max: 1111}, {min: -5, max: -1}, 7], default: err, x: info, " \
          "error: null}")

struct severity_case {
    const char *list, *text;
    int severity; /* -1: it fails */
    const char *severity_text;
};

static void check(const struct severity_case *row, struct weft_log_value value)
{
    struct operators_test *test = weft_alloc(sizeof *test);
    operators_test_open(test, row->list);
    operators_test_begin(test, "");
    test->entry.body = value;
    bool is_out = operators_test_send(test) != NULL;
    ck_assert_msg(is_out == (row->severity >= 0), "%s: %s", row->list, row->text);
    if (is_out) {
        ck_assert_msg(test->last.severity == row->severity &&
                          weft_slice_equal_text(test->last.severity_text, row->severity_text),
                      "%s: \"%s\" gives %d, \"%.*s\"", row->list, row->text, test->last.severity,
                      WEFT_SLICE_PRINT(test->last.severity_text));
    }
    operators_test_close(test);
    weft_free(test);
}

START_TEST(test_texts_have_severities)
{
    static const struct severity_case rows[] = {
        { PARSE(""), "info", 9, "info" },
        { PARSE(""), "INFO3", 11, "INFO3" },
        { PARSE(""), "Warning", 13, "Warning" },
        { PARSE(""), "err4", 20, "err4" },
        { PARSE(""), "trace2", 2, "trace2" },
        { PARSE(""), "24", 24, "24" },
        { PARSE(""), "25", 0, "25" },
        { PARSE(""), "05", 0, "05" },
        { PARSE(""), "0", 0, "0" },
        { PARSE(""), "info1", 0, "info1" },
        { PARSE(""), "info5", 0, "info5" },
        { PARSE(""), "critical", 0, "critical" },
        { PARSE(""), "", 0, "" },
        { PARSE(", preset: default"), "err", 17, "err" },
        { PARSE(", preset: otel"), "err", 0, "err" },
        { PARSE(", preset: aliases"), "fatal", 21, "fatal" },
        { PARSE(", preset: none"), "fatal", 0, "fatal" },
        { PARSE(", preset: http"), "err", 17, "err" },
        { PARSE(", overwrite_text: true"), "warning2", 14, "WARN2" },
        { PARSE(", overwrite_text: true"), "what", 0, "what" },
        { ALL, "301", 9, "301" },
        { ALL, "0301", 0, "0301" },
        { ALL, "+301", 0, "+301" },
        { ALL, "300.0", 0, "300.0" },
        { ALL, "499", 19, "499" },
        { ALL, "555", 8, "555" },
        { ALL, "600", 0, "600" },
        { ALL, "", 22, "FATAL2" },
        { ALL, "NINE", 9, "NINE" },
        { ALL, "12", 13, "12" },
        { ALL, "tracer", 2, "tracer" },
        { ALL, "1111", 2, "1111" },
        { ALL, "1234", 2, "1234" },
        { ALL, "1235", 0, "1235" },
        { ALL, "-5", 2, "-5" },
        { ALL, "-6", 0, "-6" },
        { ALL, "-0", 0, "-0" },
        { ALL, "7", 2, "7" },
        { ALL, "err", 0, "err" },
        { ALL, "info", 0, "info" },
        { ALL, "fatal", 21, "fatal" },
        { ALL, "99999999999999999999", 0, "99999999999999999999" },
        { PARSE(", mapping: {info: x, error: X}"), "x", 17, "x" },
        { PARSE(", mapping: {error: 9}"), "9", 17, "9" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        check(&rows[i], weft_log_string(weft_slice_of_text(rows[i].text)));
    }
}
END_TEST

START_TEST(test_numbers_have_severities)
{
    static const struct {
        struct severity_case row;
        struct weft_log_value value;
    } rows[] = {
        { { ALL, "int", 9, "302" }, { .kind = WEFT_LOG_INT, .integer = 302 } },
        { { ALL, "int", 2, "-1" }, { .kind = WEFT_LOG_INT, .integer = -1 } },
        { { PARSE(""), "int", 0, "-9223372036854775808" }, { .kind = WEFT_LOG_INT, .integer = INT64_MIN } },
        { { ALL, "double", 19, "404" }, { .kind = WEFT_LOG_DOUBLE, .real = 404.0 } },
        { { ALL, "double", -1, "" }, { .kind = WEFT_LOG_DOUBLE, .real = 404.5 } },
        { { ALL, "double", -1, "" }, { .kind = WEFT_LOG_DOUBLE, .real = 1e19 } },
        { { ALL, "bool", -1, "" }, { .kind = WEFT_LOG_BOOL, .boolean = true } },
        { { ALL, "nil", -1, "" }, { .kind = WEFT_LOG_NIL } },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        check(&rows[i].row, rows[i].value);
    }
}
END_TEST

START_TEST(test_a_failure_changes_nothing)
{
    struct operators_test *test = weft_alloc(sizeof *test);
    operators_test_open(test, "  - {type: severity_parser, parse_from: attributes.level}");
    operators_test_begin(test, "x");
    test->entry.severity = 5;
    ck_assert_ptr_nonnull(operators_test_send(test));
    ck_assert_uint_eq(test->last.severity, 5);
    ck_assert_uint_eq(operators_test_counts(test, 0).errors, 1);
    operators_test_close(test);
    weft_free(test);
}
END_TEST

START_TEST(test_what_a_config_may_not_say)
{
    static const struct {
        const char *list;
        enum weft_status status;
        const char *text;
    } rows[] = {
        { "  - {type: severity_parser}", WEFT_INVALID, "test.yaml:2: operators[0]: it needs parse_from" },
        { PARSE(", mapping: [a]"), WEFT_INVALID, "test.yaml:2: operators[0].mapping: wants a map, not a list" },
        { PARSE(", mapping: {info: true}"), WEFT_INVALID,
          "test.yaml:2: operators[0].mapping.info: wants a text, an integer or a map with the integers min and max" },
        { PARSE(", mapping: {info: [[a]]}"), WEFT_INVALID,
          "test.yaml:2: operators[0].mapping.info[0]: wants a text, an integer or a map with the integers min and "
          "max" },
        { PARSE(", mapping: {info: {min: 1}}"), WEFT_INVALID,
          "test.yaml:2: operators[0].mapping.info: wants a text, an integer or a map with the integers min and max" },
        { PARSE(", mapping: {info: \xc3\x84}"), WEFT_UNSUPPORTED,
          "test.yaml:2: operators[0].mapping.info: weft takes ASCII texts only here" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        operators_test_refuse(rows[i].list, rows[i].status, rows[i].text);
    }
}
END_TEST

START_TEST(test_names_without_effect_are_noted)
{
    static const char *const expected[] = {
        "test.yaml:2: there is no preset \"http\": the default one counts",
        "test.yaml:2: there is no severity critical: its values have none",
    };
    struct weft_config_notes notes = { 0 };
    struct weft_operators *operators = NULL;
    ck_assert_int_eq(operators_test_load(PARSE(", preset: http, mapping: {critical: 5xx}"), &notes, &operators, NULL),
                     WEFT_OK);
    ck_assert_uint_eq(notes.count, WEFT_COUNT_OF(expected));
    for (size_t i = 0; i < WEFT_COUNT_OF(expected); i++) {
        ck_assert_str_eq(notes.items[i].text, expected[i]);
    }
    weft_config_notes_fini(&notes);
    weft_operators_free(operators);
}
END_TEST

int main(void)
{
    const struct operators_test_function tests[] = {
        OPERATORS_TEST(test_texts_have_severities),          OPERATORS_TEST(test_numbers_have_severities),
        OPERATORS_TEST(test_a_failure_changes_nothing),      OPERATORS_TEST(test_what_a_config_may_not_say),
        OPERATORS_TEST(test_names_without_effect_are_noted),
    };
    return OPERATORS_TEST_RUN("severities", tests);
}
