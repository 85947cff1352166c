/* Trace contexts and scopes of entries. */
#include "operators/operators_test.h"

#define TRACE "  - {type: trace_parser, trace_id: {parse_from: body}}"

struct trace_case {
    const char *text, *trace_id; /* NULL: none */
    bool is_failure;
};

static void to_hex(const uint8_t *bytes, size_t size, char *out_text)
{
    for (size_t i = 0; i < size; i++) {
        sprintf(out_text + 2 * i, "%02x", bytes[i]);
    }
}

START_TEST(test_ids_are_hex)
{
    static const struct trace_case rows[] = {
        { "0123456789abcdefABCDEF0123456789", "0123456789abcdefabcdef0123456789", false },
        { "0123456789abcdef", "0123456789abcdef0000000000000000", false },
        { "0123456789abcdefABCDEF0123456789ff", "0123456789abcdefabcdef0123456789", false },
        { "", NULL, false },
        { "00000000000000000000000000000000", NULL, false },
        { "0123456789abcdefABCDEF012345678", NULL, true },
        { "0123456789abcdefABCDEF012345678g", NULL, true },
        { "0123456789abcdefABCDEF0123456789fg", NULL, true },
        { "01234567-89ab-cdef-abcd-ef0123456789", NULL, true },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct operators_test *test = weft_alloc(sizeof *test);
        char hex[64] = "";
        operators_test_open(test, TRACE);
        operators_test_begin(test, rows[i].text);
        test->entry.has_trace_id = true; /* what was there before is gone */
        test->entry.trace_id[0] = 1;
        ck_assert_ptr_nonnull(operators_test_send(test));
        to_hex(test->last.trace_id, WEFT_TRACE_ID_BYTES, hex);
        ck_assert_msg(test->last.has_trace_id == (rows[i].trace_id != NULL), "%s", rows[i].text);
        ck_assert_str_eq(hex, rows[i].trace_id == NULL ? "00000000000000000000000000000000" : rows[i].trace_id);
        ck_assert_uint_eq(operators_test_counts(test, 0).errors, rows[i].is_failure);
        operators_test_close(test);
        weft_free(test);
    }
}
END_TEST

static void check_flags(struct weft_log_value value, int expected)
{
    struct operators_test *test = weft_alloc(sizeof *test);
    operators_test_open(test, "  - {type: trace_parser, trace_flags: {parse_from: body}}");
    operators_test_begin(test, "");
    test->entry.body = value;
    ck_assert_ptr_nonnull(operators_test_send(test));
    ck_assert_uint_eq(operators_test_counts(test, 0).errors, expected < 0);
    ck_assert_uint_eq(test->last.trace_flags, expected < 0 ? 0 : (uint32_t)expected);
    operators_test_close(test);
    weft_free(test);
}

/* Numbers are what Go prints. */
START_TEST(test_flags_of_numbers)
{
    check_flags(weft_log_string(weft_slice_of_text("01")), 1);
    check_flags(weft_log_string(weft_slice_of_text("ff00")), 255);
    check_flags(weft_log_string(weft_slice_of_text("")), 0);
    check_flags(weft_log_string(weft_slice_of_text("1")), -1);
    check_flags(weft_log_string(weft_slice_of("0123", 3)), -1);
    check_flags((struct weft_log_value){ .kind = WEFT_LOG_INT, .integer = 10 }, 16);
    check_flags((struct weft_log_value){ .kind = WEFT_LOG_INT, .integer = 1 }, -1);
    check_flags((struct weft_log_value){ .kind = WEFT_LOG_INT, .integer = -1 }, -1);
    check_flags((struct weft_log_value){ .kind = WEFT_LOG_DOUBLE, .real = 10.0 }, 16);
    check_flags((struct weft_log_value){ .kind = WEFT_LOG_DOUBLE, .real = 10.5 }, -1);
    check_flags((struct weft_log_value){ .kind = WEFT_LOG_DOUBLE, .real = 10000000.0 }, -1); /* 1e+07 */
    check_flags((struct weft_log_value){ .kind = WEFT_LOG_BOOL, .boolean = true }, -1);
    check_flags((struct weft_log_value){ .kind = WEFT_LOG_NIL }, -1);
}
END_TEST

START_TEST(test_contexts_come_from_the_body)
{
    static const char line[] = "{\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"span_id\":\"b7ad6b7169203331\","
                               "\"trace_flags\":\"01\"}";
    static const char *const lists[] = {
        "  - {type: json_parser, parse_to: body}\n  - {type: trace_parser}",
        "  - {type: json_parser, parse_to: body, trace: {}}",
        "  - {type: json_parser, trace: {trace_id: {parse_from: attributes.trace_id}, "
        "span_id: {parse_from: attributes.span_id}, trace_flags: {parse_from: attributes.trace_flags}}}",
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(lists); i++) {
        struct operators_test *test = weft_alloc(sizeof *test);
        char trace_id[64];
        char span_id[64];
        operators_test_open(test, lists[i]);
        ck_assert_ptr_nonnull(operators_test_line(test, line));
        to_hex(test->last.trace_id, WEFT_TRACE_ID_BYTES, trace_id);
        to_hex(test->last.span_id, WEFT_SPAN_ID_BYTES, span_id);
        ck_assert_str_eq(trace_id, "0af7651916cd43dd8448eb211c80319c");
        ck_assert_str_eq(span_id, "b7ad6b7169203331");
        ck_assert_uint_eq(test->last.trace_flags, 1);
        ck_assert(test->last.has_trace_id && test->last.has_span_id);
        operators_test_close(test);
        weft_free(test);
    }
}
END_TEST

START_TEST(test_scopes_are_texts)
{
    struct operators_test *test = weft_alloc(sizeof *test);
    operators_test_open(test, "  - {type: scope_name_parser}");
    operators_test_line(test, "my.scope");
    ck_assert(weft_slice_equal_text(test->last.scope_name, "my.scope"));
    operators_test_begin(test, "");
    test->entry.body = (struct weft_log_value){ .kind = WEFT_LOG_INT, .integer = 1 };
    operators_test_send(test);
    ck_assert_uint_eq(test->last.scope_name.length, 0);
    ck_assert_uint_eq(operators_test_counts(test, 0).errors, 1);
    operators_test_close(test);
    operators_test_open(test, "  - {type: json_parser, scope_name: {parse_from: attributes.logger}}");
    operators_test_line(test, "{\"logger\":\"my.logger\"}");
    ck_assert(weft_slice_equal_text(test->last.scope_name, "my.logger"));
    operators_test_line(test, "{}");
    ck_assert_uint_eq(operators_test_counts(test, 0).errors, 1);
    operators_test_close(test);
    weft_free(test);
}
END_TEST

START_TEST(test_blocks_run_though_one_fails)
{
    struct operators_test *test = weft_alloc(sizeof *test);
    operators_test_open(test, "  - type: json_parser\n"
                              "    timestamp: {parse_from: attributes.ts, layout_type: epoch, layout: s}\n"
                              "    severity: {parse_from: attributes.level}\n"
                              "    scope_name: {parse_from: attributes.logger}\n");
    const char *out = operators_test_line(test, "{\"ts\":1136214245,\"level\":\"warn\",\"logger\":\"a\"}");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(test->last.time_ns, UINT64_C(1136214245000000000));
    ck_assert_uint_eq(test->last.severity, 13);
    ck_assert_uint_eq(operators_test_counts(test, 0).errors, 0);
    operators_test_line(test, "{\"ts\":\"now\",\"level\":\"warn\",\"logger\":\"a\"}");
    ck_assert_uint_eq(test->last.time_ns, 0);
    ck_assert_uint_eq(test->last.severity, 13);
    ck_assert(weft_slice_equal_text(test->last.scope_name, "a"));
    ck_assert_uint_eq(operators_test_counts(test, 0).errors, 1);
    operators_test_close(test);
    operators_test_open(test, "  - {type: json_parser, on_error: drop, severity: {parse_from: attributes.level}}");
    ck_assert_ptr_null(operators_test_line(test, "{}"));
    operators_test_close(test);
    operators_test_refuse("  - {type: json_parser, timestamp: {layout: '%F'}}", WEFT_INVALID,
                          "test.yaml:2: operators[0].timestamp: it needs parse_from");
    operators_test_refuse("  - {type: json_parser, severity: {preset: none}}", WEFT_INVALID,
                          "test.yaml:2: operators[0].severity: it needs parse_from");
    weft_free(test);
}
END_TEST

int main(void)
{
    const struct operators_test_function tests[] = {
        OPERATORS_TEST(test_ids_are_hex),
        OPERATORS_TEST(test_flags_of_numbers),
        OPERATORS_TEST(test_contexts_come_from_the_body),
        OPERATORS_TEST(test_scopes_are_texts),
        OPERATORS_TEST(test_blocks_run_though_one_fails),
    };
    return OPERATORS_TEST_RUN("traces", tests);
}
