/* Log lines as LogRecords: lines of real producers beside what they become (log_lines.txt), bad input and its flags,
 * the facts that come with a record, and what happens without memory. Every record passes the check of requests and
 * protobuf-c. */
#include "wire/log_line_test.h"

#include <stdio.h>

#include "wire/log_line_internal.h"

static void with_reader(void (*run)(struct line_fixture *), size_t max_line_bytes)
{
    struct line_fixture fixture;
    line_fixture_init(&fixture, max_line_bytes);
    run(&fixture);
    line_fixture_fini(&fixture);
}

/* The record without its observed time, which is its last field. */
static void check_record(struct line_fixture *fixture, struct weft_slice line, struct weft_slice expected)
{
    char *json = strdup(read_line(fixture, line));
    char *observed = strstr(json, OBSERVED "}");
    ck_assert_ptr_nonnull(observed);
    observed -= observed[-1] == ',';
    observed[0] = '}';
    observed[1] = 0;
    ck_assert_msg(weft_slice_equal_text(expected, json), "%.*s\nbecomes  %s\nnot      %.*s", WEFT_SLICE_PRINT(line),
                  json, WEFT_SLICE_PRINT(expected));
    free(json);
}

static void check_text_record(struct line_fixture *fixture, const char *line, const char *expected)
{
    check_record(fixture, weft_slice_of_text(line), weft_slice_of_text(expected));
}

static size_t read_file_line(FILE *file, char **line, size_t *capacity)
{
    ssize_t length = getline(line, capacity, file);
    return length > 0 ? (size_t)length - ((*line)[length - 1] == '\n') : 0;
}

typedef void example_fn(struct line_fixture *fixture, struct weft_slice line, struct weft_slice expected);

static void for_each_example(struct line_fixture *fixture, example_fn *on_example)
{
    FILE *file = fopen("tests/unit/wire/log_lines.txt", "r");
    ck_assert_msg(file != NULL, "run this from the project's folder");
    char *line = NULL;
    char *expected = NULL;
    size_t line_capacity = 0;
    size_t expected_capacity = 0;
    size_t count = 0;
    while (!feof(file)) {
        size_t length = read_file_line(file, &line, &line_capacity);
        if (length == 0 || line[0] == '#') {
            continue;
        }
        size_t expected_length = read_file_line(file, &expected, &expected_capacity);
        on_example(fixture, weft_slice_of(line, length), weft_slice_of(expected, expected_length));
        count++;
    }
    ck_assert_uint_ge(count, 39);
    free(line);
    free(expected);
    fclose(file);
}

static void run_examples(struct line_fixture *fixture)
{
    for_each_example(fixture, check_record);
}

START_TEST(test_lines_of_real_producers_become_their_records)
{
    with_reader(run_examples, 0);
}
END_TEST

/* A line that is cut anywhere is text, whole, with the ids that came before the cut. */
static void truncate(struct line_fixture *fixture, struct weft_slice line, struct weft_slice expected)
{
    (void)expected;
    read_line(fixture, line);
    bool was_json = !has_flag(fixture, WEFT_LINE_TEXT);
    for (size_t length = 1; length < line.length; length++) {
        struct weft_slice cut = { line.bytes, length };
        const char *json = read_line(fixture, cut);
        struct weft_buffer body;
        weft_buffer_init(&body, 0);
        weft_buffer_append_text(&body, "\"body\":{\"stringValue\":");
        weft_buffer_append_json_string(&body, cut);
        weft_buffer_append_byte(&body, 0);
        ck_assert_msg(strstr(json, (const char *)body.bytes) != NULL, "%s\nlacks %s", json, body.bytes);
        ck_assert(has_flag(fixture, WEFT_LINE_TEXT));
        ck_assert(!was_json || has_flag(fixture, WEFT_LINE_BROKEN_JSON));
        weft_buffer_fini(&body);
    }
}

static void run_truncations(struct line_fixture *fixture)
{
    for_each_example(fixture, truncate);
}

START_TEST(test_every_truncation_is_kept_as_text)
{
    with_reader(run_truncations, 0);
}
END_TEST

/* Bytes that mean something in JSON, UTF-8 or ids, at every place. Whatever comes of it is a record. */
static void mutate(struct line_fixture *fixture, struct weft_slice line, struct weft_slice expected)
{
    (void)expected;
    static const uint8_t bytes[] = { '"', '\\', '{', '}', '[', ',', ':', '0', 0, ' ', 0x80, 0xff, 0xe2, 0xc3, 'u' };
    uint8_t *copy = weft_alloc(line.length);
    for (size_t i = 0; i < line.length; i += 1 + line.length / 100) {
        for (size_t k = 0; k < sizeof bytes; k++) {
            memcpy(copy, line.bytes, line.length);
            copy[i] = bytes[k];
            read_line(fixture, weft_slice_of(copy, line.length));
            ck_assert(weft_line_is_utf8(weft_slice_of(fixture->json.bytes, fixture->json.length)));
            ck_assert(bytes[k] < 0x80 || line.bytes[i] >= 0x80 || has_flag(fixture, WEFT_LINE_BAD_UTF8));
        }
    }
    weft_free(copy);
}

static void run_mutations(struct line_fixture *fixture)
{
    for_each_example(fixture, mutate);
}

START_TEST(test_any_byte_at_any_place_leaves_a_record)
{
    with_reader(run_mutations, 0);
}
END_TEST

#define FULL_HEX "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN_HEX "00f067aa0ba902b7"
#define IDS      "\"traceId\":\"" FULL_HEX "\",\"spanId\":\"" SPAN_HEX "\""

static void run_texts(struct line_fixture *fixture)
{
    check_text_record(fixture, "hello", "{\"body\":{\"stringValue\":\"hello\"}}");
    check_text_record(fixture, "[1,2]", "{\"body\":{\"stringValue\":\"[1,2]\"}}");
    check_text_record(fixture, "\"x\"", "{\"body\":{\"stringValue\":\"\\\"x\\\"\"}}");
    check_text_record(fixture, "x trace_id=" FULL_HEX " span_id=" SPAN_HEX " y",
                      "{\"body\":{\"stringValue\":\"x trace_id=" FULL_HEX " span_id=" SPAN_HEX " y\"}," IDS "}");
    check_text_record(fixture, "x [trace_id=0 span_id=0 resource.service.name= trace_sampled=False] - m",
                      "{\"body\":{\"stringValue\":\"x [trace_id=0 span_id=0 resource.service.name= "
                      "trace_sampled=False] - m\"}}");
    ck_assert_int_eq(fixture->line.id_problem, WEFT_ID_PROBLEM_EMPTY);
    check_text_record(fixture, "[dd.trace_id=12 dd.span_id=10]",
                      "{\"body\":{\"stringValue\":\"[dd.trace_id=12 dd.span_id=10]\"},"
                      "\"traceId\":\"0000000000000000000000000000000c\",\"spanId\":\"000000000000000a\"}");
    check_text_record(fixture, "parent_trace_id=" FULL_HEX,
                      "{\"body\":{\"stringValue\":\"parent_trace_id=" FULL_HEX "\"}}");
    check_text_record(fixture, "traceparent: 00-" FULL_HEX "-" SPAN_HEX "-01",
                      "{\"body\":{\"stringValue\":\"traceparent: 00-" FULL_HEX "-" SPAN_HEX "-01\"},\"flags\":1," IDS
                      "}");
    check_text_record(fixture, "00-" FULL_HEX "-" SPAN_HEX "-012",
                      "{\"body\":{\"stringValue\":\"00-" FULL_HEX "-" SPAN_HEX "-012\"}}");
    read_line(fixture, WEFT_SLICE_LITERAL("a\0b"));
    ck_assert(has_flag(fixture, WEFT_LINE_NUL_BYTE));
    read_line(fixture, WEFT_SLICE_EMPTY);
    ck_assert(has_flag(fixture, WEFT_LINE_TEXT));
}

START_TEST(test_text_is_the_body_and_may_hold_ids)
{
    with_reader(run_texts, 0);
}
END_TEST

#define MALFORMED(words) "\"attributes\":[{\"key\":\"weft.malformed\",\"value\":{\"stringValue\":\"" words "\"}}]"

static void run_bad_lines(struct line_fixture *fixture)
{
    check_text_record(fixture, "{\"message\":\"a\"}x",
                      "{\"body\":{\"stringValue\":\"{\\\"message\\\":\\\"a\\\"}x\"}," MALFORMED("trailing_bytes") "}");
    check_text_record(fixture, "{\"level\":\"warn\",\"trace_id\":\"" FULL_HEX "\",\"a\":}",
                      "{\"severityNumber\":13,\"severityText\":\"warn\",\"body\":{\"stringValue\":"
                      "\"{\\\"level\\\":\\\"warn\\\",\\\"trace_id\\\":\\\"" FULL_HEX
                      "\\\",\\\"a\\\":}\"}," MALFORMED("broken_json") ",\"traceId\":\"" FULL_HEX "\"}");
    check_text_record(
        fixture, "{\"a\":\"\\ud800\",\"a\":1e999,", /* nothing of it is kept but the text */
        "{\"body\":{\"stringValue\":\"{\\\"a\\\":\\\"\\\\ud800\\\",\\\"a\\\":1e999,\"}," MALFORMED("broken_json") "}");
    check_text_record(fixture, "{\"level\":3", /* of 30, perhaps */
                      "{\"body\":{\"stringValue\":\"{\\\"level\\\":3\"}," MALFORMED("broken_json") "}");
    check_text_record(fixture, "{\"message\":\"a\xff\xe2\x82z\"}",
                      "{\"body\":{\"stringValue\":\"a\xef\xbf\xbd\xef\xbf\xbdz\"}," MALFORMED("bad_utf8") "}");
    check_text_record(fixture, "torn \xe2\x82",
                      "{\"body\":{\"stringValue\":\"torn \xef\xbf\xbd\"}," MALFORMED("bad_utf8") "}");
    check_text_record(
        fixture, "{\"message\":\"\\ud800x\\udc00\\ud83d\\ude00\"}",
        "{\"body\":{\"stringValue\":\"\xef\xbf\xbdx\xef\xbf\xbd\xf0\x9f\x98\x80\"}," MALFORMED("lone_surrogate") "}");
    check_text_record(fixture, "{\"message\":\"\\ud83d\\ude00\"}", "{\"body\":{\"stringValue\":\"\xf0\x9f\x98\x80\"}}");
    check_text_record(fixture, "{\"message\":18446744073709551616}",
                      "{\"body\":{\"stringValue\":\"18446744073709551616\"}," MALFORMED("big_number") "}");
    check_text_record(fixture, "{\"message\":-9223372036854775809}",
                      "{\"body\":{\"stringValue\":\"-9223372036854775809\"}," MALFORMED("big_number") "}");
    check_text_record(fixture, "{\"message\":1e400}",
                      "{\"body\":{\"stringValue\":\"1e400\"}," MALFORMED("big_number") "}");
    check_text_record(fixture, "{\"time\":\"   0.000123456s\",\"message\":\"m\"}",
                      "{\"body\":{\"stringValue\":\"m\"},\"attributes\":[{\"key\":\"time\",\"value\":{\"stringValue\":"
                      "\"   0.000123456s\"}},{\"key\":\"weft.malformed\",\"value\":{\"stringValue\":\"bad_time\"}}]}");
    check_text_record(fixture, "{\"a\":1,\"a\":2,\"a\":3}",
                      "{\"attributes\":[{\"key\":\"a\",\"value\":{\"intValue\":\"1\"}},{\"key\":\"dup.a\",\"value\":{"
                      "\"intValue\":\"2\"}},{\"key\":\"dup.2.a\",\"value\":{\"intValue\":\"3\"}},{\"key\":"
                      "\"weft.malformed\",\"value\":{\"stringValue\":\"duplicate_key\"}}]}");
}

START_TEST(test_bad_input_is_kept_and_flagged)
{
    with_reader(run_bad_lines, 0);
}
END_TEST

static void run_cuts(struct line_fixture *fixture)
{
    check_text_record(fixture, "0123456789abcdefghi",
                      "{\"body\":{\"stringValue\":\"0123456789abcdef\"}," MALFORMED("cut") "}");
    check_text_record(fixture, "0123456789abcd\xe2\x82\xacz",
                      "{\"body\":{\"stringValue\":\"0123456789abcd\"}," MALFORMED("cut") "}");
    check_text_record(fixture, "0123456789abcdef", "{\"body\":{\"stringValue\":\"0123456789abcdef\"}}");
    check_text_record(fixture, "{\"message\":\"long\"}",
                      "{\"body\":{\"stringValue\":\"{\\\"message\\\":\\\"long\"}," MALFORMED("cut") "}");
}

START_TEST(test_long_lines_are_cut_between_characters)
{
    with_reader(run_cuts, 16);
}
END_TEST

/* depth arrays, in the value of one key, and a member behind them. */
static void read_deep(struct line_fixture *fixture, size_t depth, bool *out_is_deep, size_t *out_text_length)
{
    struct weft_buffer line;
    weft_buffer_init(&line, 0);
    weft_buffer_append_text(&line, "{\"a\":");
    for (size_t i = 0; i < depth; i++) {
        weft_buffer_append_byte(&line, '[');
    }
    for (size_t i = 0; i < depth; i++) {
        weft_buffer_append_byte(&line, ']');
    }
    weft_buffer_append_text(&line, ",\"message\":\"still here\"}");
    const char *json = read_line(fixture, weft_buffer_slice(&line));
    ck_assert_ptr_nonnull(strstr(json, "\"body\":{\"stringValue\":\"still here\"}"));
    *out_is_deep = has_flag(fixture, WEFT_LINE_TOO_DEEP);
    const char *text = strstr(json, "\"stringValue\":\"[");
    *out_text_length = text == NULL ? 0 : strcspn(text + 15, "\"");
    weft_buffer_fini(&line);
}

static void run_depths(struct line_fixture *fixture)
{
    static const size_t depths[] = { 1, 2, WEFT_LINE_MAX_DEPTH, WEFT_LINE_MAX_DEPTH + 1, 87, 88, 89, 90, 100000 };
    for (size_t i = 0; i < WEFT_COUNT_OF(depths); i++) {
        bool is_deep;
        size_t text_length;
        read_deep(fixture, depths[i], &is_deep, &text_length);
        ck_assert_int_eq(is_deep, depths[i] > WEFT_LINE_MAX_DEPTH);
        ck_assert_uint_eq(text_length, is_deep ? 2 * (depths[i] - WEFT_LINE_MAX_DEPTH) : 0);
    }
}

START_TEST(test_what_is_too_deep_is_kept_as_its_text)
{
    with_reader(run_depths, 0);
}
END_TEST

/* Objects are three messages each: the deepest that are written pass every reader's limit of a hundred. */
static void run_deep_objects(struct line_fixture *fixture)
{
    struct weft_buffer line;
    weft_buffer_init(&line, 0);
    for (size_t i = 0; i < 200; i++) {
        weft_buffer_append_text(&line, "{\"k\":");
    }
    weft_buffer_append_text(&line, "1");
    for (size_t i = 0; i < 200; i++) {
        weft_buffer_append_byte(&line, '}');
    }
    read_line(fixture, weft_buffer_slice(&line));
    ck_assert(has_flag(fixture, WEFT_LINE_TOO_DEEP) && !has_flag(fixture, WEFT_LINE_TEXT));
    weft_buffer_fini(&line);
}

START_TEST(test_deep_objects_pass_the_check)
{
    with_reader(run_deep_objects, 0);
}
END_TEST

/* Values around the lengths at which a varint grows, plain and with an escape, at the top and inside. */
static void run_lengths(struct line_fixture *fixture)
{
    static const size_t lengths[] = { 0,     1,     31,    32,    33,    90,    110,   118,   119,   120,
                                      121,   122,   123,   124,   125,   126,   127,   128,   129,   250,
                                      16370, 16376, 16378, 16380, 16381, 16382, 16383, 16384, 16390, 70000 };
    static const char *const forms[] = { "{\"a\":\"%s\"}", "{\"a\":\"\\n%s\"}", "{\"%s\":1}", "{\"message\":\"%s\"}",
                                         "{\"a\":{\"b\":[\"%s\"]},\"c\":1}" };
    char *text = weft_alloc(70001);
    for (size_t i = 0; i < WEFT_COUNT_OF(lengths); i++) {
        memset(text, 'x', lengths[i]);
        text[lengths[i]] = 0;
        for (size_t form = 0; form < WEFT_COUNT_OF(forms); form++) {
            char *line = NULL;
            const char *at = strstr(forms[form], "%s");
            ck_assert_int_gt(asprintf(&line, "%.*s%s%s", (int)(at - forms[form]), forms[form], text, at + 2), 0);
            const char *json = read_text_line(fixture, line);
            ck_assert_ptr_nonnull(strstr(json, text));
            ck_assert(fixture->line.flags == 0);
            free(line);
        }
    }
    weft_free(text);
}

START_TEST(test_lengths_are_right_where_they_grow)
{
    with_reader(run_lengths, 0);
}
END_TEST

static void run_facts(struct line_fixture *fixture)
{
    struct weft_log_line *line = &fixture->line;
    static const char text[] =
        "{\"service\":\"a\\u00e9\",\"environment\":\"prod\",\"job_id\":7,\"request_id\":\"r\\n1\","
        "\"trace_id\":\"word\",\"span_id\":\"word\",\"time\":1000,\"level\":\"error\"}";
    weft_buffer_clear(&fixture->out);
    ck_assert_int_eq(weft_log_line_read(fixture->reader, weft_slice_of_text(text), OBSERVED_NS, &fixture->out, line),
                     WEFT_OK);
    ck_assert(weft_slice_equal_text(line->service, "a\xc3\xa9") && weft_slice_equal_text(line->environment, "prod"));
    ck_assert(weft_slice_equal_text(line->words[WEFT_LINE_JOB_ID], "7"));
    ck_assert(weft_slice_equal_text(line->words[WEFT_LINE_REQUEST_ID], "r\n1"));
    ck_assert_uint_eq(line->words[WEFT_LINE_USER_ID].length, 0);
    ck_assert_int_eq(line->trace_id.kind, WEFT_ID_OPAQUE);
    ck_assert_int_eq(line->span_id.kind, WEFT_ID_NONE);
    ck_assert(has_flag(fixture, WEFT_LINE_CLOCK_SKEW) && has_flag(fixture, WEFT_LINE_OPAQUE_SPAN_ID));
    ck_assert_uint_eq(line->time_ns, UINT64_C(1000000000000));
    ck_assert_uint_eq(line->severity, 17);
}

START_TEST(test_facts_come_with_the_record)
{
    with_reader(run_facts, 0);
}
END_TEST

static void run_counts(struct line_fixture *fixture)
{
    static const char *const lines[] = { "{\"trace_id\":\"" FULL_HEX "\"}",
                                         "{\"trace_id\":\"word\"}",
                                         "text",
                                         "{\"trace_id\":7}",
                                         "{\"span\":{\"trace_id\":\"" FULL_HEX "\"}}",
                                         "{\"a\":1}x",
                                         "{\"traceparent\":\"00\"}",
                                         "{\"trace_id\":null}" };
    struct weft_log_line_counts counts = { 0 };
    for (size_t i = 0; i < WEFT_COUNT_OF(lines); i++) {
        read_text_line(fixture, lines[i]);
        weft_log_line_count(&counts, &fixture->line);
    }
    ck_assert_uint_eq(counts.lines, WEFT_COUNT_OF(lines));
    ck_assert_uint_eq(counts.flags[WEFT_LINE_TEXT], 2);
    ck_assert_uint_eq(counts.flags[WEFT_LINE_TRAILING_BYTES], 1);
    ck_assert_uint_eq(counts.id_kinds[WEFT_ID_FULL], 2);
    ck_assert_uint_eq(counts.id_kinds[WEFT_ID_OPAQUE], 1);
    ck_assert_uint_eq(counts.id_kinds[WEFT_ID_NONE], 5);
    ck_assert_uint_eq(counts.id_problems[WEFT_ID_PROBLEM_OK], 3);
    ck_assert_uint_eq(counts.id_problems[WEFT_ID_PROBLEM_ABSENT], 2);
    ck_assert_uint_eq(counts.id_problems[WEFT_ID_PROBLEM_NOT_TEXT], 1);
    ck_assert_uint_eq(counts.id_problems[WEFT_ID_PROBLEM_MALFORMED], 1);
    ck_assert_uint_eq(counts.id_problems[WEFT_ID_PROBLEM_EMPTY], 1);
    ck_assert_uint_eq(counts.id_places[WEFT_LINE_PLACE_TOP], 2);
    ck_assert_uint_eq(counts.id_places[WEFT_LINE_PLACE_SPAN], 1);
}

START_TEST(test_lines_without_an_id_are_counted_by_reason)
{
    with_reader(run_counts, 0);
}
END_TEST

/* Records follow one another in one buffer. */
static void run_neighbours(struct line_fixture *fixture)
{
    static const char *const lines[] = { "{\"a\":1}", "{\"broken\":", "text", "{\"message\":\"\xff\"}", "{\"b\":2}" };
    for (size_t i = 0; i < WEFT_COUNT_OF(lines); i++) {
        ck_assert_int_eq(weft_log_line_read(fixture->reader, weft_slice_of_text(lines[i]), OBSERVED_NS, &fixture->out,
                                            &fixture->line),
                         WEFT_OK);
    }
    check_as_request(weft_buffer_slice(&fixture->out), WEFT_COUNT_OF(lines));
}

START_TEST(test_neighbours_of_bad_lines_stay)
{
    with_reader(run_neighbours, 0);
}
END_TEST

/* Each allocation fails in turn: what had been appended stays, and the next line is read as ever. */
START_TEST(test_without_memory_nothing_is_appended)
{
    static const char line[] =
        "{\"\\u0061\":\"\\n\",\"a\":1,\"a\":[2],\"message\":\"\xff\",\"x\":\"0123456789012345678901234"
        "56789012345678901234567890123456789012345678901234567890123456789012345678901234567\"}";
    size_t nth = 1;
    for (bool has_failed = true; has_failed; nth++) {
        struct line_fixture fixture;
        line_fixture_init(&fixture, 0);
        weft_buffer_append_text(&fixture.out, "before");
        weft_alloc_fail_at(nth);
        enum weft_status status =
            weft_log_line_read(fixture.reader, weft_slice_of_text(line), OBSERVED_NS, &fixture.out, &fixture.line);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        if (has_failed) {
            ck_assert(weft_slice_equal_text(weft_buffer_slice(&fixture.out), "before"));
            read_text_line(&fixture, line);
        }
        line_fixture_fini(&fixture);
    }
    ck_assert_uint_ge(nth, 5);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_lines_of_real_producers_become_their_records,
        test_every_truncation_is_kept_as_text,
        test_any_byte_at_any_place_leaves_a_record,
        test_text_is_the_body_and_may_hold_ids,
        test_bad_input_is_kept_and_flagged,
        test_long_lines_are_cut_between_characters,
        test_what_is_too_deep_is_kept_as_its_text,
        test_deep_objects_pass_the_check,
        test_lengths_are_right_where_they_grow,
        test_facts_come_with_the_record,
        test_lines_without_an_id_are_counted_by_reason,
        test_neighbours_of_bad_lines_stay,
        test_without_memory_nothing_is_appended,
    };
    return run_tests("log_line", tests, WEFT_COUNT_OF(tests));
}
