/* The OTLP/JSON reader and wrong input: each wrong type in each field of the schema, every truncation, limits,
 * memory running out. */
#include "wire/json_reader_test.h"

START_TEST(test_errors_name_place_and_remedy)
{
    ck_assert_refused(
        TRACES, "{\"resourceSpans\":[{},{\"scopeSpans\":[{\"spans\":[{},{},{\"traceId\":\"xy\"}]}]}]}",
        "byte 63: resourceSpans[1].scopeSpans[0].spans[2].traceId: a string of 32 hex digits or none is expected");
    ck_assert_refused(TRACES, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"k\",\"value\":7}]}}]}",
                      "byte 64: resourceSpans[0].resource.attributes[0].value: an object is expected");
    ck_assert_refused(TRACES, "{\"resourceSpans\":{}}", "byte 17: resourceSpans: an array is expected");
    ck_assert_refused(TRACES, "[]", "byte 0: an object is expected");
    ck_assert_refused(TRACES, "", "byte 0: the text is empty, an object is expected");
    ck_assert_refused(TRACES, "  ", "byte 2: an object is expected, the text is cut off");
    ck_assert_refused(TRACES, "{} {}", "byte 3: nothing may follow the object");
    ck_assert_refused(TRACES, "{}\x00", "byte 2: nothing may follow the object");
    ck_assert_refused(TRACES, "\xef\xbb\xbf{}", "byte 0: an object is expected");
    ck_assert_refused(TRACES, "{\"resourceSpans\":[{}}", "byte 20: resourceSpans[0]: , or ] is expected");
    ck_assert_refused(SPAN, "{\"name\" \"n\"}", "byte 8: name: : is expected");
    ck_assert_refused(SPAN, "{\"name\":\"n\" \"kind\":1}", "byte 12: , or } is expected");
    ck_assert_refused(SPAN, "{\"name\":\"n\",}", "byte 12: a key in quotes is expected");
    ck_assert_refused(SPAN, "{name:\"n\"}", "byte 1: a key in quotes is expected");
}
END_TEST

/* What each kind of field takes of the sample values below, one letter each: y = yes. */
static const struct weft_slice samples[] = {
#define SAMPLE(text) WEFT_SLICE_LITERAL(text)
    SAMPLE("{}"),       SAMPLE("[]"),      SAMPLE("[{}]"),     SAMPLE("[[]]"),  SAMPLE("[1]"),
    SAMPLE("[\"a\"]"),  SAMPLE("\"\""),    SAMPLE("\"Zm9v\""), SAMPLE("\"1\""), SAMPLE("1"),
    SAMPLE("-1"),       SAMPLE("1.5"),     SAMPLE("1e30"),     SAMPLE("true"),  SAMPLE("null"),
    SAMPLE("\"true\""), SAMPLE("\"NaN\""), SAMPLE("nul"),      SAMPLE("[1,2"),  SAMPLE("[null]"),
};

static const char *takes(const ProtobufCFieldDescriptor *field)
{
    bool is_repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return is_repeated ? "-yy-----------y----y" : "y-------------y-----";
    case PROTOBUF_C_TYPE_STRING:
        return is_repeated ? "-y---y--------y-----" : "------yyy-----yyy---";
    case PROTOBUF_C_TYPE_BYTES:
        return is_id_field(field) ? "------y-------y-----" : "------yy------yyy---";
    case PROTOBUF_C_TYPE_BOOL:
        return "-------------yy-----";
    case PROTOBUF_C_TYPE_ENUM:
        return "---------yy---y-----";
    case PROTOBUF_C_TYPE_DOUBLE:
        return is_repeated ? "-y--y---------y-----" : "--------yyyyy-y-y---";
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT32:
        return "--------yyy---y-----";
    default:
        return is_repeated ? "-y--y---------y-----" : "--------yy----y-----";
    }
}

static void check_every_type(const ProtobufCMessageDescriptor *descriptor, const ProtobufCMessageDescriptor **messages,
                             size_t *count)
{
    struct weft_json_schema *schema = weft_json_schema_new(descriptor, WEFT_JSON_ALL_NAMES);
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        const char *expected = takes(field);
        ck_assert_uint_eq(strlen(expected), WEFT_COUNT_OF(samples));
        for (size_t sample = 0; sample < WEFT_COUNT_OF(samples); sample++) {
            struct weft_buffer text;
            weft_buffer_init(&text, 0);
            weft_buffer_append_format(&text, "{\"%s\":%.*s}", field->name, WEFT_SLICE_PRINT(samples[sample]));
            struct reading reading;
            reading_run(&reading, schema, weft_buffer_slice(&text), NULL);
            ck_assert_msg(reading.status == (expected[sample] == 'y' ? WEFT_OK : WEFT_INVALID), "%s %.*s %s",
                          descriptor->short_name, WEFT_SLICE_PRINT(weft_buffer_slice(&text)), reading.error.text);
            reading_fini(&reading);
            weft_buffer_fini(&text);
        }
        bool is_known = field->type != PROTOBUF_C_TYPE_MESSAGE;
        for (size_t known = 0; !is_known && known < *count; known++) {
            is_known = messages[known] == field->descriptor;
        }
        if (!is_known) {
            messages[(*count)++] = field->descriptor;
        }
    }
    weft_json_schema_free(schema);
}

START_TEST(test_each_wrong_type_is_refused_in_each_field)
{
    const ProtobufCMessageDescriptor *messages[64] = { weft_otlp_request_descriptor(WEFT_TRACES),
                                                       weft_otlp_request_descriptor(WEFT_METRICS),
                                                       weft_otlp_request_descriptor(WEFT_LOGS) };
    size_t count = 3;
    for (size_t i = 0; i < count; i++) {
        check_every_type(messages[i], messages, &count);
    }
    ck_assert_uint_eq(count, 34);
}
END_TEST

START_TEST(test_every_truncation_is_refused)
{
    static const char text[] =
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"a\\n\",\"value\":{\"doubleValue\":1.25e3}}]},"
        "\"scopeSpans\":[{\"spans\":[{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"kind\":\"SPAN_KIND_SERVER\","
        "\"startTimeUnixNano\":\"1658877988112568320\",\"unknown\":[true,null,{}],\"flags\":257,"
        "\"attributes\":[{\"key\":\"\xc3\xa9\",\"value\":{\"arrayValue\":{\"values\":[{\"boolValue\":true},"
        "{\"bytesValue\":\"Zm9v\"}]}}}]}]}]}]}";
    struct weft_json_schema *schema = weft_json_schema_new(TRACES, WEFT_JSON_CAMEL_NAMES);
    for (size_t length = 0; length < sizeof text; length++) {
        struct reading reading;
        reading_run(&reading, schema, weft_slice_of(text, length), NULL);
        ck_assert_int_eq(reading.status, length == sizeof text - 1 ? WEFT_OK : WEFT_INVALID);
        reading_fini(&reading);
    }
    weft_json_schema_free(schema);
}
END_TEST

/* levels messages inside one another, values in arrays in values. */
static enum weft_status read_nested(size_t levels, const struct weft_json_limits *limits, struct weft_error *out_error)
{
    struct weft_json_schema *schema = weft_json_schema_new(VALUE, WEFT_JSON_CAMEL_NAMES);
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    for (size_t i = 1; i < levels; i++) {
        weft_buffer_append_text(&text, i % 2 == 1 ? "{\"arrayValue\":" : "{\"values\":[");
    }
    weft_buffer_append_text(&text, "{}");
    for (size_t i = levels - 1; i > 0; i--) {
        weft_buffer_append_text(&text, i % 2 == 1 ? "}" : "]}");
    }
    struct reading reading;
    reading_run(&reading, schema, weft_buffer_slice(&text), limits);
    enum weft_status status = reading.status;
    if (out_error != NULL) {
        *out_error = reading.error;
    }
    reading_fini(&reading);
    weft_buffer_fini(&text);
    weft_json_schema_free(schema);
    return status;
}

START_TEST(test_nesting_is_limited)
{
    const struct weft_json_limits five = { .max_depth = 5 };
    const struct weft_json_limits many = { .max_depth = 1000000 };
    ck_assert_int_eq(read_nested(64, NULL, NULL), WEFT_OK);
    ck_assert_int_eq(read_nested(65, NULL, NULL), WEFT_INVALID);
    ck_assert_int_eq(read_nested(5, &five, NULL), WEFT_OK);
    ck_assert_int_eq(read_nested(6, &five, NULL), WEFT_INVALID);
    ck_assert_int_eq(read_nested(100, &many, NULL), WEFT_OK);
    ck_assert_int_eq(read_nested(101, &many, NULL), WEFT_INVALID);
    ck_assert_int_eq(read_nested(1000000, &many, NULL), WEFT_INVALID);
}
END_TEST

START_TEST(test_long_path_says_that_it_is_cut)
{
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(read_nested(65, NULL, &error), WEFT_INVALID);
    ck_assert_msg(strstr(error.text, "...: messages are nested deeper than 64") != NULL, "%s", error.text);
}
END_TEST

START_TEST(test_size_is_limited)
{
    struct weft_json_schema *schema = weft_json_schema_new(POINT, WEFT_JSON_CAMEL_NAMES);
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    weft_buffer_append_text(&text, "{\"bucketCounts\":[0");
    for (size_t i = 1; i < 10000; i++) {
        weft_buffer_append_text(&text, ",0");
    }
    weft_buffer_append_text(&text, "]}");
    for (size_t max = 80003; max <= 80004; max++) { /* tag, three bytes of length, 10000 numbers */
        const struct weft_json_limits limits = { .max_bytes = max };
        struct reading reading;
        reading_run(&reading, schema, weft_buffer_slice(&text), &limits);
        ck_assert_int_eq(reading.status, max == 80003 ? WEFT_LIMIT : WEFT_OK);
        reading_fini(&reading);
    }
    const struct weft_json_limits small = { .max_bytes = 100 };
    struct reading reading;
    reading_run(&reading, schema, weft_buffer_slice(&text), &small);
    ck_assert_int_eq(reading.status, WEFT_LIMIT);
    ck_assert_str_eq(reading.error.text, "the message is larger than 100 bytes");
    reading_fini(&reading);
    weft_buffer_fini(&text);
    weft_json_schema_free(schema);
}
END_TEST

/* The block goes back to the pool with the pages that the reader has touched. */
START_TEST(test_what_a_failed_read_has_written_is_resident)
{
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    weft_buffer_append_text(&text, "{\"name\":\"");
    for (size_t i = 0; i < 1000; i++) {
        weft_buffer_append_text(&text, "0123456789");
    }
    weft_buffer_append_text(&text, "\",!");
    struct reading reading;
    read_text(&reading, SPAN, weft_buffer_slice(&text));
    ck_assert_int_eq(reading.status, WEFT_INVALID);
    ck_assert_uint_ge(weft_budget_reserved(&reading.budget), 10000);
    reading_fini(&reading);
    weft_buffer_fini(&text);
}
END_TEST

START_TEST(test_every_failing_allocation_is_an_error)
{
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    weft_buffer_append_text(&text, "{\"bucketCounts\":[0");
    for (size_t i = 0; i < 20000; i++) {
        weft_buffer_append_text(&text, ",0");
    }
    weft_buffer_append_text(&text, "]}");
    struct weft_json_schema *schema = weft_json_schema_new(POINT, WEFT_JSON_CAMEL_NAMES);
    for (size_t nth = 1;; nth++) {
        struct weft_budget budget = { 0 };
        struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 0);
        struct weft_payload *payload = weft_payload_try_new(pool, 0);
        struct weft_error error = WEFT_ERROR_NONE;
        struct weft_otlp_counts counts;
        weft_alloc_fail_at(nth);
        enum weft_status status =
            weft_json_read_message(schema, weft_buffer_slice(&text), NULL, payload, &counts, &error);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        ck_assert_int_eq(error.status, status);
        ck_assert(status == WEFT_OK || payload->length == 0);
        weft_payload_unref(&payload);
        ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
        weft_payload_pool_free(pool);
        if (!has_failed) {
            ck_assert_uint_gt(nth, 4);
            break;
        }
    }
    weft_json_schema_free(schema);
    weft_buffer_fini(&text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_errors_name_place_and_remedy,
        test_each_wrong_type_is_refused_in_each_field,
        test_every_truncation_is_refused,
        test_nesting_is_limited,
        test_long_path_says_that_it_is_cut,
        test_size_is_limited,
        test_what_a_failed_read_has_written_is_resident,
        test_every_failing_allocation_is_an_error,
    };
    return run_tests("json_reader_errors", tests, WEFT_COUNT_OF(tests));
}
