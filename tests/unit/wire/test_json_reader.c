/* The OTLP/JSON reader against expected wire bytes, against the writer and protobuf-c for random requests of
 * all signals, and against wrong input: each wrong type in each field of the schema, every truncation, limits,
 * memory running out. */
#include "wire/wire_test.h"

#include <math.h>
#include <stdio.h>

#include "base/payload.h"
#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"

#define SPAN    (&opentelemetry__proto__trace__v1__span__descriptor)
#define VALUE   (&opentelemetry__proto__common__v1__any_value__descriptor)
#define ATTR    (&opentelemetry__proto__common__v1__key_value__descriptor)
#define POINT   (&opentelemetry__proto__metrics__v1__histogram_data_point__descriptor)
#define NUMBER  (&opentelemetry__proto__metrics__v1__number_data_point__descriptor)
#define BUCKETS (&opentelemetry__proto__metrics__v1__exponential_histogram_data_point__buckets__descriptor)
#define TRACES  (&opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor)

/* Where one text was read to. */
struct reading {
    struct weft_budget budget;
    struct weft_payload_pool *pool;
    struct weft_payload *payload;
    enum weft_status status;
    struct weft_error error;
    struct weft_otlp_counts counts;
};

/* The text lies in memory of its own, so that a read past the end is seen. */
static void reading_run(struct reading *reading, const struct weft_json_schema *schema, struct weft_slice text,
                        const struct weft_json_limits *limits)
{
    uint8_t *copy = weft_alloc(text.length > 0 ? text.length : 1);
    memcpy(copy, text.bytes, text.length);
    *reading = (struct reading){ .error = WEFT_ERROR_NONE };
    reading->pool = weft_payload_pool_new(&reading->budget, 0);
    reading->payload = weft_payload_try_new(reading->pool, 0);
    reading->status = weft_json_read_message(schema, weft_slice_of(copy, text.length), limits, reading->payload,
                                             &reading->counts, &reading->error);
    ck_assert_int_eq(reading->error.status, reading->status);
    ck_assert(reading->status == WEFT_OK || reading->payload->length == 0);
    ck_assert_uint_eq(weft_budget_reserved(&reading->budget), reading->payload->resident);
    /* nothing was written beyond the end: no page more is charged than the length takes */
    ck_assert(reading->status != WEFT_OK || reading->payload->resident < reading->payload->length + 4096);
    weft_free(copy);
}

static void reading_fini(struct reading *reading)
{
    weft_payload_unref(&reading->payload);
    weft_payload_pool_free(reading->pool);
}

static void read_text(struct reading *reading, const ProtobufCMessageDescriptor *descriptor, struct weft_slice text)
{
    struct weft_json_schema *schema = weft_json_schema_new(descriptor, WEFT_JSON_CAMEL_NAMES);
    reading_run(reading, schema, text, NULL);
    weft_json_schema_free(schema);
}

static void assert_read(const ProtobufCMessageDescriptor *descriptor, struct weft_slice text,
                        struct weft_slice expected)
{
    struct reading reading;
    read_text(&reading, descriptor, text);
    ck_assert_msg(reading.status == WEFT_OK, "%.*s: %s", WEFT_SLICE_PRINT(text), reading.error.text);
    struct weft_slice read = weft_payload_slice(reading.payload);
    ck_assert_msg(weft_slice_equal(read, expected), "%.*s", WEFT_SLICE_PRINT(text));
    reading_fini(&reading);
}

static void assert_refused(const ProtobufCMessageDescriptor *descriptor, struct weft_slice text, const char *expected)
{
    struct reading reading;
    read_text(&reading, descriptor, text);
    ck_assert_int_eq(reading.status, WEFT_INVALID);
    ck_assert_str_eq(reading.error.text, expected);
    reading_fini(&reading);
}

#define ck_assert_read(descriptor, text, bytes) \
    assert_read(descriptor, WEFT_SLICE_LITERAL(text), WEFT_SLICE_LITERAL(bytes))
#define ck_assert_refused(descriptor, text, expected) assert_refused(descriptor, WEFT_SLICE_LITERAL(text), expected)

START_TEST(test_empty_object_is_an_empty_message)
{
    ck_assert_read(SPAN, "{}", "");
    ck_assert_read(SPAN, " \r\n\t{ } \n", "");
    ck_assert_read(TRACES, "{\"resourceSpans\":[]}", "");
    ck_assert_read(TRACES, "{\"resourceSpans\":[{}, {}]}", "\x0a\x00\x0a\x00");
}
END_TEST

START_TEST(test_ids_are_hex_of_any_case_or_empty)
{
    ck_assert_read(SPAN,
                   "{\"traceId\":\"5B8EFFF798038103D269b633813fc60c\",\"spanId\":\"EEE19b7ec3c1b174\","
                   "\"parentSpanId\":\"eee19B7EC3C1B173\"}",
                   "\x0a\x10\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c\x12\x08\xee\xe1"
                   "\x9b\x7e\xc3\xc1\xb1\x74"
                   "\x22\x08\xee\xe1\x9b\x7e\xc3\xc1\xb1\x73");
    ck_assert_read(SPAN, "{\"traceId\":\"\",\"spanId\":\"\",\"parentSpanId\":null}", "");
    ck_assert_read(SPAN, "{\"spanId\":\"\\u0065ee19b7ec3c1b174\"}", "\x12\x08\xee\xe1\x9b\x7e\xc3\xc1\xb1\x74");
    ck_assert_refused(SPAN, "{\"traceId\":\"5b8e\"}",
                      "byte 11: traceId: a string of 32 hex digits or none is expected");
    ck_assert_refused(SPAN, "{\"spanId\":\"eee19b7ec3c1b17g\"}",
                      "byte 10: spanId: a string of 16 hex digits or none is expected");
    ck_assert_refused(SPAN, "{\"spanId\":\"eee19b7ec3c1b174,}", "byte 29: spanId: the text ends here: it is cut off");
    ck_assert_refused(SPAN, "{\"spanId\":\"7uGbfsPBsXQ=\"}",
                      "byte 10: spanId: a string of 16 hex digits or none is expected");
}
END_TEST

START_TEST(test_each_kind_of_value_is_read)
{
    ck_assert_read(VALUE, "{\"stringValue\":\"hi\"}", "\x0a\x02hi");
    ck_assert_read(VALUE, "{\"boolValue\":true}", "\x10\x01");
    ck_assert_read(VALUE, "{\"intValue\":\"-1\"}", "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    ck_assert_read(VALUE, "{\"intValue\":42}", "\x18\x2a");
    ck_assert_read(VALUE, "{\"doubleValue\":1.5}", "\x21\x00\x00\x00\x00\x00\x00\xf8\x3f");
    ck_assert_read(VALUE, "{\"doubleValue\":\"1.5\"}", "\x21\x00\x00\x00\x00\x00\x00\xf8\x3f");
    ck_assert_read(VALUE, "{\"arrayValue\":{\"values\":[{\"intValue\":\"5\"},{\"boolValue\":false}]}}",
                   "\x2a\x08\x0a\x02\x18\x05\x0a\x02\x10\x00");
    ck_assert_read(VALUE, "{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"\"}}]}}",
                   "\x32\x09\x0a\x07\x0a\x01k\x12\x02\x0a\x00");
    ck_assert_read(VALUE, "{\"bytesValue\":\"+/++AQ==\"}", "\x3a\x04\xfb\xff\xbe\x01");
    ck_assert_read(VALUE, "{\"bytesValue\":\"-_--AQ\"}", "\x3a\x04\xfb\xff\xbe\x01");
    ck_assert_read(VALUE, "{\"bytesValue\":\"+\\/++AQ==\"}", "\x3a\x04\xfb\xff\xbe\x01");
    ck_assert_read(VALUE, "{}", "");
}
END_TEST

START_TEST(test_defaults_are_left_out_except_in_a_oneof)
{
    ck_assert_read(
        SPAN, "{\"name\":\"\",\"kind\":0,\"startTimeUnixNano\":\"0\",\"droppedAttributesCount\":0,\"flags\":0}", "");
    ck_assert_read(VALUE, "{\"boolValue\":false}", "\x10\x00");
    ck_assert_read(VALUE, "{\"intValue\":0}", "\x18\x00");
    ck_assert_read(VALUE, "{\"stringValue\":\"\"}", "\x0a\x00");
    ck_assert_read(VALUE, "{\"bytesValue\":\"\"}", "\x3a\x00");
    ck_assert_read(POINT, "{\"count\":0,\"sum\":0}", "\x29\x00\x00\x00\x00\x00\x00\x00\x00");
    ck_assert_read(SPAN, "{\"status\":{}}", "\x7a\x00");
    ck_assert_read(NUMBER, "{\"asInt\":0}", "\x31\x00\x00\x00\x00\x00\x00\x00\x00");
}
END_TEST

START_TEST(test_null_is_not_there)
{
    ck_assert_read(SPAN, "{\"name\":null,\"kind\":null,\"attributes\":null,\"status\":null,\"traceId\":null}", "");
    ck_assert_read(VALUE, "{\"stringValue\":null,\"arrayValue\":null}", "");
    ck_assert_read(SPAN, "{\"events\":[null,{\"name\":\"e\"}]}",
                   "\x5a\x00\x5a\x03\x12\x01"
                   "e");
    ck_assert_refused(POINT, "{\"bucketCounts\":[1,null]}",
                      "byte 19: bucketCounts[1]: an integer from 0 to 18446744073709551615 is expected");
    ck_assert_refused(TRACES, "null", "byte 0: an object is expected");
}
END_TEST

START_TEST(test_enums_are_numbers_or_names)
{
    ck_assert_read(SPAN, "{\"kind\":2}", "\x30\x02");
    ck_assert_read(SPAN, "{\"kind\":\"SPAN_KIND_SERVER\"}", "\x30\x02");
    ck_assert_read(SPAN, "{\"kind\":\"SPAN_KIND_UNSPECIFIED\"}", "");
    ck_assert_read(SPAN, "{\"kind\":77}", "\x30\x4d");
    ck_assert_read(SPAN, "{\"kind\":-1}", "\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    static const char expected[] =
        "byte 8: kind: a number from -2147483648 to 2147483647 or a name of the enum is expected";
    ck_assert_refused(SPAN, "{\"kind\":\"SERVER\"}", expected);
    ck_assert_refused(SPAN, "{\"kind\":\"\"}", expected);
    ck_assert_refused(SPAN, "{\"kind\":2147483648}", expected);
    ck_assert_refused(SPAN, "{\"kind\":1.5}", expected);
}
END_TEST

START_TEST(test_packed_arrays_are_one_field)
{
    ck_assert_read(POINT, "{\"bucketCounts\":[\"1\",2,18446744073709551615],\"explicitBounds\":[0.5]}",
                   "\x32\x18\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"
                   "\xff\xff\xff\xff\xff\xff\xff\xff\x3a\x08\x00\x00\x00\x00\x00\x00\xe0\x3f");
    ck_assert_read(POINT, "{\"bucketCounts\":[0],\"explicitBounds\":[ ]}", "\x32\x08\x00\x00\x00\x00\x00\x00\x00\x00");
    ck_assert_read(BUCKETS, "{\"offset\":-2,\"bucketCounts\":[1,\"128\",0]}", "\x08\x03\x12\x04\x01\x80\x01\x00");
}
END_TEST

START_TEST(test_integers_are_exact_and_in_range)
{
    static const struct {
        const ProtobufCMessageDescriptor *descriptor;
        struct weft_slice text;
        struct weft_slice bytes; /* empty: out of range */
    } rows[] = {
#define ROW(descriptor, text, bytes) { descriptor, WEFT_SLICE_LITERAL(text), WEFT_SLICE_LITERAL(bytes) }
        ROW(SPAN, "{\"startTimeUnixNano\":1658877988112568321}", "\x39\x01\x10\x2a\xb7\xbd\x84\x05\x17"),
        ROW(SPAN, "{\"startTimeUnixNano\":\"1658877988112568321\"}", "\x39\x01\x10\x2a\xb7\xbd\x84\x05\x17"),
        ROW(SPAN, "{\"startTimeUnixNano\":1.658877988112568321e18}", "\x39\x01\x10\x2a\xb7\xbd\x84\x05\x17"),
        ROW(SPAN, "{\"startTimeUnixNano\":18446744073709551615}", "\x39\xff\xff\xff\xff\xff\xff\xff\xff"),
        ROW(SPAN, "{\"startTimeUnixNano\":18446744073709551616}", ""),
        ROW(SPAN, "{\"startTimeUnixNano\":-1}", ""),
        ROW(SPAN, "{\"startTimeUnixNano\":0.5}", ""),
        ROW(SPAN, "{\"startTimeUnixNano\":\"\"}", ""),
        ROW(SPAN, "{\"startTimeUnixNano\":\" 1\"}", ""),
        ROW(SPAN, "{\"startTimeUnixNano\":\"1 \"}", ""),
        ROW(SPAN, "{\"startTimeUnixNano\":\"0x1\"}", ""),
        ROW(SPAN, "{\"startTimeUnixNano\":\"NaN\"}", ""),
        ROW(SPAN, "{\"startTimeUnixNano\":\"\\u0031\"}", "\x39\x01\x00\x00\x00\x00\x00\x00\x00"),
        ROW(SPAN, "{\"droppedAttributesCount\":4294967295}", "\x50\xff\xff\xff\xff\x0f"),
        ROW(SPAN, "{\"droppedAttributesCount\":4294967296}", ""),
        ROW(SPAN, "{\"droppedAttributesCount\":-1}", ""),
        ROW(SPAN, "{\"droppedAttributesCount\":3.0}", "\x50\x03"),
        ROW(SPAN, "{\"flags\":\"4294967295\"}", "\x85\x01\xff\xff\xff\xff"),
        ROW(SPAN, "{\"flags\":4294967296}", ""),
        ROW(SPAN, "{\"flags\":257}", "\x85\x01\x01\x01\x00\x00"),
        ROW(VALUE, "{\"intValue\":9223372036854775807}", "\x18\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
        ROW(VALUE, "{\"intValue\":9223372036854775808}", ""),
        ROW(VALUE, "{\"intValue\":-9223372036854775808}", "\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
        ROW(VALUE, "{\"intValue\":-9223372036854775809}", ""),
        ROW(VALUE, "{\"intValue\":9007199254740993}", "\x18\x81\x80\x80\x80\x80\x80\x80\x10"),
        ROW(VALUE, "{\"intValue\":-0}", "\x18\x00"),
        ROW(VALUE, "{\"intValue\":1e3}", "\x18\xe8\x07"),
        ROW(NUMBER, "{\"asInt\":-2}", "\x31\xfe\xff\xff\xff\xff\xff\xff\xff"),
        ROW(BUCKETS, "{\"offset\":2147483647}", "\x08\xfe\xff\xff\xff\x0f"),
        ROW(BUCKETS, "{\"offset\":-2147483648}", "\x08\xff\xff\xff\xff\x0f"),
        ROW(BUCKETS, "{\"offset\":2147483648}", ""),
        ROW(BUCKETS, "{\"offset\":-2147483649}", ""),
#undef ROW
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        if (rows[i].bytes.length > 0) {
            assert_read(rows[i].descriptor, rows[i].text, rows[i].bytes);
            continue;
        }
        struct reading reading;
        read_text(&reading, rows[i].descriptor, rows[i].text);
        ck_assert_msg(reading.status == WEFT_INVALID, "%.*s", WEFT_SLICE_PRINT(rows[i].text));
        reading_fini(&reading);
    }
}
END_TEST

START_TEST(test_doubles_have_words)
{
    ck_assert_read(VALUE, "{\"doubleValue\":\"Infinity\"}", "\x21\x00\x00\x00\x00\x00\x00\xf0\x7f");
    ck_assert_read(VALUE, "{\"doubleValue\":\"-Infinity\"}", "\x21\x00\x00\x00\x00\x00\x00\xf0\xff");
    ck_assert_read(VALUE, "{\"doubleValue\":\"NaN\"}", "\x21\x00\x00\x00\x00\x00\x00\xf8\x7f");
    ck_assert_read(VALUE, "{\"doubleValue\":-0.0}", "\x21\x00\x00\x00\x00\x00\x00\x00\x80");
    ck_assert_read(VALUE, "{\"doubleValue\":0.30000000000000004}", "\x21\x34\x33\x33\x33\x33\x33\xd3\x3f");
    ck_assert_read(VALUE, "{\"doubleValue\":\"0.30000000000000004\"}", "\x21\x34\x33\x33\x33\x33\x33\xd3\x3f");
    static const char expected[] =
        "byte 15: doubleValue: a number, or one of \"NaN\", \"Infinity\", \"-Infinity\" is expected";
    ck_assert_refused(VALUE, "{\"doubleValue\":\"nan\"}", expected);
    ck_assert_refused(VALUE, "{\"doubleValue\":\"inf\"}", expected);
    ck_assert_refused(VALUE, "{\"doubleValue\":\"\"}", expected);
    ck_assert_refused(VALUE, "{\"doubleValue\":\"1.5x\"}", expected);
    ck_assert_refused(VALUE, "{\"doubleValue\":NaN}", expected);
    ck_assert_refused(VALUE, "{\"doubleValue\":1e400}", expected);
    ck_assert_refused(VALUE, "{\"doubleValue\":-1e400}", expected);
}
END_TEST

START_TEST(test_strings_keep_their_text)
{
    ck_assert_read(VALUE, "{\"stringValue\":\"a\\\"b\\\\\\/\\b\\f\\n\\r\\t\\u0041\"}",
                   "\x0a\x0b"
                   "a\"b\\/\b\f\n\r\tA");
    ck_assert_read(VALUE, "{\"stringValue\":\"\\ud83d\\ude00 \\ud800 \xc3\xa9\"}",
                   "\x0a\x0b\xf0\x9f\x98\x80 \xef\xbf\xbd \xc3\xa9");
    ck_assert_read(VALUE, "{\"stringValue\":\"\\u0000\"}", "\x0a\x01\x00");
    ck_assert_refused(VALUE, "{\"stringValue\":\"a\xff\"}", "byte 17: stringValue: text must be UTF-8");
    ck_assert_refused(VALUE, "{\"stringValue\":\"a\n\"}", "byte 17: stringValue: a control character must be escaped");
}
END_TEST

/* For whom that is not the end: the bytes as they are, with and without escapes, and passed over in what is unknown. */
START_TEST(test_strings_that_are_no_utf8_may_be_taken)
{
    struct weft_slice text = WEFT_SLICE_LITERAL("{\"x\xff\":[\"\xff\"],\"stringValue\":\"\xff\\n\xc3(\"}");
    struct weft_json_schema *schema = weft_json_schema_new(VALUE, WEFT_JSON_CAMEL_NAMES);
    struct reading reading;
    reading_run(&reading, schema, text, &(struct weft_json_limits){ .takes_bad_text = true });
    ck_assert_msg(reading.status == WEFT_OK, "%s", reading.error.text);
    ck_assert_slice_eq(weft_payload_slice(reading.payload), WEFT_SLICE_LITERAL("\x0a\x04\xff\n\xc3("));
    ck_assert_uint_gt(reading.counts.bad_texts, 0);
    reading_fini(&reading);
    reading_run(&reading, schema, text, NULL);
    ck_assert_int_eq(reading.status, WEFT_INVALID);
    reading_fini(&reading);
    weft_json_schema_free(schema);
}
END_TEST

/* Every length around those where the length of the length changes, without and with an escape. */
START_TEST(test_lengths_of_messages_are_shortest)
{
    struct weft_json_schema *schema = weft_json_schema_new(ATTR, WEFT_JSON_CAMEL_NAMES);
    for (size_t length = 0; length<17000; length += length> 300 && length < 16200 ? 997 : 1) {
        struct weft_buffer text;
        weft_buffer_init(&text, 0);
        weft_buffer_append_text(&text, "{\"value\":{\"stringValue\":\"");
        for (size_t i = 0; i < length; i++) {
            weft_buffer_append_text(&text, length % 2 == 1 && i == length / 2 ? "\\n" : "x");
        }
        weft_buffer_append_text(&text, "\"}}");
        struct reading reading;
        reading_run(&reading, schema, weft_buffer_slice(&text), NULL);
        ck_assert_int_eq(reading.status, WEFT_OK);
        struct weft_slice read = weft_payload_slice(reading.payload);
        ProtobufCMessage *message = protobuf_c_message_unpack(ATTR, NULL, read.length, read.bytes);
        ck_assert_ptr_nonnull(message);
        const Opentelemetry__Proto__Common__V1__KeyValue *attribute = (const void *)message;
        ck_assert_uint_eq(strlen(attribute->value->string_value), length);
        ck_assert_uint_eq(protobuf_c_message_get_packed_size(message), read.length);
        protobuf_c_message_free_unpacked(message, NULL);
        reading_fini(&reading);
        weft_buffer_fini(&text);
    }
    weft_json_schema_free(schema);
}
END_TEST

START_TEST(test_unknown_keys_are_skipped_and_checked)
{
    ck_assert_read(SPAN, "{\"future\":{\"a\":[1,{\"b\":null}]},\"name\":\"n\",\"\":0,\"x\":\"\\n\",\"Name\":\"N\"}",
                   "\x2a\x01n");
    ck_assert_read(SPAN, "{\"n\\u0061me\":\"n\"}", "\x2a\x01n");
    ck_assert_refused(SPAN, "{\"future\":[1,],\"name\":\"n\"}", "byte 13: a value is expected");
    ck_assert_refused(SPAN, "{\"status\":{\"future\":tru}}", "byte 20: status: a word is one of true, false, null");
}
END_TEST

/* The reader expects the order that it has met before: what is another key, or only begins like the expected
 * one, must not pass for it. */
START_TEST(test_keys_may_come_in_another_order_each_time)
{
    ck_assert_read(SPAN,
                   "{\"attributes\":[{\"key\":\"a\",\"value\":{}},{\"key\":\"b\",\"value\":{}},"
                   "{\"value\":{},\"key\":\"c\"},{\"key\":\"d\",\"valu\":{},\"value\":{}},"
                   "{\"key\":\"e\",\"value2\":{}},{\"keys\":\"f\",\"value\":{}},{\"k\\u0065y\":\"g\",\"value\":{}},"
                   "{\"key\" : \"h\" , \"value\" : {}}],\"name\":\"a name that is longer than all keys are\"}",
                   "\x4a\x05\x0a\x01"
                   "a\x12\x00\x4a\x05\x0a\x01"
                   "b\x12\x00\x4a\x05\x12\x00\x0a\x01"
                   "c\x4a\x05\x0a\x01"
                   "d\x12\x00\x4a\x03\x0a\x01"
                   "e\x4a\x02\x12\x00\x4a\x05\x0a\x01"
                   "g\x12\x00\x4a\x05\x0a\x01"
                   "h\x12\x00\x2a\x27"
                   "a name that is longer than all keys are");
}
END_TEST

START_TEST(test_names_of_the_schema_are_taken_if_asked_for)
{
    struct weft_slice text = WEFT_SLICE_LITERAL("{\"trace_state\":\"s\",\"name\":\"n\"}");
    assert_read(SPAN, text, WEFT_SLICE_LITERAL("\x2a\x01n"));
    struct weft_json_schema *schema = weft_json_schema_new(SPAN, WEFT_JSON_ALL_NAMES);
    struct reading reading;
    reading_run(&reading, schema, text, NULL);
    ck_assert_int_eq(reading.status, WEFT_OK);
    ck_assert_slice_eq(weft_payload_slice(reading.payload), WEFT_SLICE_LITERAL("\x1a\x01s\x2a\x01n"));
    reading_fini(&reading);
    text = WEFT_SLICE_LITERAL("{\"traceState\":\"s\",\"name\":\"n\"}");
    reading_run(&reading, schema, text, NULL);
    ck_assert_slice_eq(weft_payload_slice(reading.payload), WEFT_SLICE_LITERAL("\x1a\x01s\x2a\x01n"));
    reading_fini(&reading);
    weft_json_schema_free(schema);
}
END_TEST

START_TEST(test_last_of_repeated_keys_counts)
{
    ck_assert_read(SPAN, "{\"name\":\"a\",\"name\":\"b\"}",
                   "\x2a\x01"
                   "a\x2a\x01"
                   "b");
    ck_assert_read(SPAN, "{\"name\":\"a\",\"name\":\"\",\"kind\":1,\"kind\":0}",
                   "\x2a\x01"
                   "a\x2a\x00\x30\x01\x30\x00");
    ck_assert_read(SPAN, "{\"name\":\"a\",\"name\":null}",
                   "\x2a\x01"
                   "a");
    ck_assert_read(SPAN, "{\"status\":{\"message\":\"m\"},\"status\":{\"code\":2}}",
                   "\x7a\x03\x12\x01m\x7a\x02\x18\x02");
}
END_TEST

START_TEST(test_last_member_of_a_oneof_counts)
{
    ck_assert_read(VALUE, "{\"stringValue\":\"a\",\"intValue\":5}",
                   "\x0a\x01"
                   "a\x18\x05");
    /* where protobuf would merge the two, the first goes */
    ck_assert_read(VALUE, "{\"arrayValue\":{\"values\":[{\"intValue\":1}]},\"arrayValue\":{\"values\":[{}]}}",
                   "\x2a\x02\x0a\x00");
    ck_assert_read(VALUE, "{\"arrayValue\":{\"values\":[{\"intValue\":1}]},\"intValue\":3,\"arrayValue\":{}}",
                   "\x18\x03\x2a\x00");
    ck_assert_read(VALUE, "{\"arrayValue\":{\"values\":[{\"intValue\":1}]},\"kvlistValue\":{},\"arrayValue\":{}}",
                   "\x2a\x04\x0a\x02\x18\x01\x32\x00\x2a\x00");
}
END_TEST

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

/* Reads {"attributes":[before + attribute, after]}. */
static void read_attribute(struct reading *reading, const struct weft_json_schema *schema, const char *before,
                           const char *attribute, const char *after)
{
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    weft_buffer_append_text(&text, "{\"attributes\":[");
    weft_buffer_append_text(&text, before);
    weft_buffer_append_text(&text, attribute);
    weft_buffer_append_text(&text, after);
    weft_buffer_append_text(&text, "]}");
    reading_run(reading, schema, weft_buffer_slice(&text), NULL);
    weft_buffer_fini(&text);
}

/* A space before the attribute does not change what it says, but takes it off the short way. */
static void compare_short_way(const struct weft_json_schema *schema, const char *attribute, const char *after)
{
    struct reading plain;
    struct reading spaced;
    char spaced_attribute[1024];
    snprintf(spaced_attribute, sizeof spaced_attribute, "{ %s", attribute + 1);
    read_attribute(&plain, schema, "", attribute, after);
    read_attribute(&spaced, schema, "", spaced_attribute, after);
    ck_assert_msg(plain.status == spaced.status, "%s: %s, %s", attribute, plain.error.text, spaced.error.text);
    ck_assert_slice_eq(weft_payload_slice(plain.payload), weft_payload_slice(spaced.payload));
    reading_fini(&plain);
    reading_fini(&spaced);
}

START_TEST(test_attributes_read_the_same_the_short_way_and_the_long_one)
{
    static const char *const attributes[] = {
        "{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}",
        "{\"key\":\"k\",\"value\":{\"stringValue\":\"\"}}",
        "{\"key\":\"\",\"value\":{\"stringValue\":\"v\"}}",
        "{\"key\":\"k\",\"value\":{\"stringValue\":\"a\\\"b\"}}",
        "{\"key\":\"k\",\"value\":{\"stringValue\":\"gr\u00fc\u00dfe\"}}",
        "{\"key\":\"k\",\"value\":{\"stringValue\":\"\x01\"}}",
        "{\"key\":\"k\",\"value\":{\"stringValue\":\"\xff\"}}",
        "{\"key\":\"k\\u0041\",\"value\":{\"stringValue\":\"v\"}}",
        "{\"key\":\"k\",\"value\":{\"stringValue\":\"v\",\"intValue\":1}}",
        "{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"},\"key\":\"l\"}",
        "{\"key\":\"k\",\"value\":{\"stringValue\":7}}",
        "{\"key\":\"k\",\"value\":{\"string_value\":\"v\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"200\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":200}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"0\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":0}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"00\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"-1\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":-1}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"1e3\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":1.0}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"5}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":5\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"5x}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"1234567:\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"100000000000000000000000\"}}",
        /* what stops a look for the quote and is none */
        "{\"key\":\"k\",\"value\":{\"stringValue\":\"a\\}}",
        "{\"key\":\"k\",\"value\":{\"stringValue\":\"a\x01}}",
        "{\"key\":\"k\",\"value\":{\"stringValue\":\"a\xc3}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"999999999999999999\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"1000000000000000000\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"9223372036854775807\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"9223372036854775808\"}}",
        "{\"key\":\"k\",\"value\":{\"intValue\":\"99999999999999999999\"}}",
        "{\"key\":\"k\",\"value\":{\"boolValue\":true}}",
        "{\"key\":\"k\",\"value\":{\"doubleValue\":0.5}}",
        "{\"key\":\"k\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":1}]}}}",
        "{\"key\":\"k\",\"value\":{}}",
        "{\"key\":\"k\",\"value\":null}",
        "{\"key\":\"k\"}",
        "{\"value\":{\"stringValue\":\"v\"},\"key\":\"k\"}",
    };
    /* far from the end of the text, and close to it */
    char after[300] = "";
    struct weft_json_schema *schema = weft_json_schema_new(SPAN, WEFT_JSON_CAMEL_NAMES);
    for (size_t length = 0; length < 200; length += length < 90 ? 1 : 50) {
        snprintf(after, sizeof after, "%*s", (int)length, "");
        for (size_t i = 0; i < WEFT_COUNT_OF(attributes); i++) {
            compare_short_way(schema, attributes[i], after);
        }
    }
    weft_json_schema_free(schema);
}
END_TEST

START_TEST(test_attributes_of_every_length_are_read_the_short_way)
{
    static const size_t lengths[] = { 1, 15, 16, 17, 31, 32, 33, 63, 64, 100, 122, 123, 124, 125, 126, 127, 128, 300 };
    struct weft_json_schema *schema = weft_json_schema_new(SPAN, WEFT_JSON_CAMEL_NAMES);
    char spaces[200];
    snprintf(spaces, sizeof spaces, "%150s", "");
    for (size_t key = 0; key < WEFT_COUNT_OF(lengths); key++) {
        for (size_t value = 0; value < WEFT_COUNT_OF(lengths); value++) {
            char letters[512];
            char attribute[1000];
            memset(letters, 'x', sizeof letters);
            snprintf(attribute, sizeof attribute, "{\"key\":\"%.*s\",\"value\":{\"stringValue\":\"%.*s\"}}",
                     (int)lengths[key], letters, (int)lengths[value], letters);
            compare_short_way(schema, attribute, spaces);
        }
    }
    weft_json_schema_free(schema);
}
END_TEST

START_TEST(test_eight_bytes_with_one_that_follows_the_digits_are_no_number)
{
    ck_assert_refused(SPAN, "{\"startTimeUnixNano\":\"1234567:\"}",
                      "byte 21: startTimeUnixNano: an integer from 0 to 18446744073709551615 is expected");
    ck_assert_refused(SPAN, "{\"startTimeUnixNano\":1234567?}", "byte 28: , or } is expected");
}
END_TEST

/* Cut at every point: what the short way looks at ahead must be there. */
START_TEST(test_cut_attributes_are_read_the_same_the_short_way_and_the_long_one)
{
    struct weft_json_schema *schema = weft_json_schema_new(SPAN, WEFT_JSON_CAMEL_NAMES);
    char letters[200];
    memset(letters, 'x', sizeof letters);
    for (int key = 1; key < 120; key += 13) {
        char attribute[400];
        snprintf(attribute, sizeof attribute, "{\"key\":\"%.*s\",\"value\":{\"stringValue\":\"%.*s\"}}", key, letters,
                 130 - key, letters);
        for (size_t length = strlen(attribute) - 1; length > 0; length--) {
            attribute[length] = '\0';
            compare_short_way(schema, attribute, "");
        }
    }
    weft_json_schema_free(schema);
}
END_TEST

/* Near the end of a text integers are read the long way. */
START_TEST(test_integers_read_the_same_the_short_way_and_the_long_one)
{
    static const struct {
        const ProtobufCMessageDescriptor *message;
        const char *key;
    } fields[] = {
        { SPAN, "startTimeUnixNano" },
        { SPAN, "kind" },
        { SPAN, "flags" },
        { NUMBER, "asInt" },
        { &opentelemetry__proto__metrics__v1__exponential_histogram_data_point__descriptor, "scale" },
    };
    static const char *const numbers[] = {
        "0",
        "00",
        "01",
        "-0",
        "-1",
        "7",
        "12345678",
        "123456789",
        "1234567890123456",
        "12345678901234567",
        "2147483647",
        "2147483648",
        "4294967295",
        "4294967296",
        "999999999999999999",
        "1234567890123456789",
        "9223372036854775807",
        "9223372036854775808",
        "9999999999999999999",
        "10000000000000000000",
        "18446744073709551615",
        "18446744073709551616",
        "100000000000000000000000",
        "1234567?",
        "\"5}",
        "1e3",
        "1.0",
        "1.5",
        "1x",
        "+1",
        "1 ",
        "",
        "12345678/",
        "1234567:",
    };
    for (size_t field = 0; field < WEFT_COUNT_OF(fields); field++) {
        struct weft_json_schema *schema = weft_json_schema_new(fields[field].message, WEFT_JSON_CAMEL_NAMES);
        for (size_t i = 0; i < 2 * WEFT_COUNT_OF(numbers); i++) {
            char text[200];
            const char *quote = i % 2 == 0 ? "" : "\"";
            int length =
                snprintf(text, sizeof text, "{\"%s\":%s%s%s}%60s", fields[field].key, quote, numbers[i / 2], quote, "");
            struct reading fast;
            struct reading slow;
            reading_run(&fast, schema, weft_slice_of(text, (size_t)length), NULL);
            reading_run(&slow, schema, weft_slice_of(text, (size_t)length - 60), NULL);
            ck_assert_msg(fast.status == slow.status, "%s: %s, %s", text, fast.error.text, slow.error.text);
            ck_assert_slice_eq(weft_payload_slice(fast.payload), weft_payload_slice(slow.payload));
            reading_fini(&fast);
            reading_fini(&slow);
        }
        weft_json_schema_free(schema);
    }
}
END_TEST

/* Each list is longer than the one before: the room kept for its length is that of the last, and then too small,
 * or too large. */
START_TEST(test_lengths_of_any_size_follow_each_other)
{
    struct weft_json_schema *schema = weft_json_schema_new(TRACES, WEFT_JSON_CAMEL_NAMES);
    static const size_t spans[] = { 0, 1, 40, 1, 6000, 0, 3 };
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    weft_buffer_append_text(&text, "{\"resourceSpans\":[");
    size_t total = 0;
    for (size_t i = 0; i < WEFT_COUNT_OF(spans); i++) {
        weft_buffer_append_text(&text, i > 0 ? ",{\"scopeSpans\":[{\"spans\":[" : "{\"scopeSpans\":[{\"spans\":[");
        for (size_t span = 0; span < spans[i]; span++) {
            weft_buffer_append_text(&text, span > 0 ? ",{\"name\":\"n\"}" : "{\"name\":\"n\"}");
        }
        weft_buffer_append_text(&text, "]}]}");
        total += spans[i];
    }
    weft_buffer_append_text(&text, "]}");
    struct reading reading;
    reading_run(&reading, schema, weft_buffer_slice(&text), NULL);
    ck_assert_int_eq(reading.status, WEFT_OK);
    struct weft_otlp_counts counts;
    ck_assert_int_eq(weft_otlp_check(WEFT_TRACES, weft_payload_slice(reading.payload), NULL, &counts, NULL), WEFT_OK);
    ck_assert_uint_eq(counts.records, total);
    ck_assert_uint_eq(reading.counts.records, total);
    any_request *oracle = oracle_read(WEFT_TRACES, weft_payload_slice(reading.payload));
    struct weft_slice canonical = oracle_write(oracle);
    ck_assert_slice_eq(weft_payload_slice(reading.payload), canonical);
    slice_free(canonical);
    oracle_free(oracle);
    reading_fini(&reading);
    weft_buffer_fini(&text);
    weft_json_schema_free(schema);
}
END_TEST

/* What a metric has, in the order of its members: only the last of them counts, and the check agrees. */
START_TEST(test_data_points_of_a_taken_back_choice_do_not_count)
{
    static const struct {
        const char *members;
        uint32_t data_points;
    } rows[] = {
        { "\"gauge\":{\"dataPoints\":[{},{}]},\"gauge\":{\"dataPoints\":[{},{},{}]}", 3 },
        { "\"gauge\":{\"dataPoints\":[{},{}]},\"sum\":{\"dataPoints\":[{}]}", 1 },
        { "\"gauge\":{\"dataPoints\":[{}]},\"sum\":{},\"name\":\"n\"", 0 },
        { "\"sum\":{\"dataPoints\":[{},{}]},\"gauge\":{\"dataPoints\":[{}]},\"sum\":{\"dataPoints\":[{},{},{}]}", 3 },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct reading reading;
        struct weft_otlp_counts counts;
        char *text = weft_alloc_format("{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{%s},{\"gauge\":"
                                       "{\"dataPoints\":[{}]}}]}]}]}",
                                       rows[i].members);
        read_text(&reading, &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
                  weft_slice_of_text(text));
        ck_assert_int_eq(reading.status, WEFT_OK);
        ck_assert(weft_otlp_check(WEFT_METRICS, weft_payload_slice(reading.payload), NULL, &counts, NULL) == WEFT_OK);
        ck_assert_uint_eq(counts.data_points, rows[i].data_points + 1);
        ck_assert_mem_eq(&reading.counts, &counts, sizeof counts);
        reading_fini(&reading);
        weft_free(text);
    }
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

START_TEST(test_message_is_appended_to_what_is_there)
{
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 0);
    struct weft_payload *payload = weft_payload_try_new(pool, 16);
    struct weft_json_schema *schema = weft_json_schema_new(SPAN, WEFT_JSON_CAMEL_NAMES);
    struct weft_otlp_counts counts;
    weft_payload_append(payload, "12345", 5);
    ck_assert_int_eq(
        weft_json_read_message(schema, WEFT_SLICE_LITERAL("{\"name\":\"n\"}"), NULL, payload, &counts, NULL), WEFT_OK);
    ck_assert_int_eq(
        weft_json_read_message(schema, WEFT_SLICE_LITERAL("{\"name\":\"m\"!"), NULL, payload, &counts, NULL),
        WEFT_INVALID);
    ck_assert_slice_eq(weft_payload_slice(payload), WEFT_SLICE_LITERAL("12345\x2a\x01n"));
    weft_json_schema_free(schema);
    weft_payload_unref(&payload);
    weft_payload_pool_free(pool);
}
END_TEST

static void write_json(enum weft_signal signal, struct weft_slice request, struct weft_buffer *out)
{
    weft_buffer_init(out, 0);
    ck_assert_int_eq(weft_json_write_message(weft_otlp_request_descriptor(signal), request, out, NULL), WEFT_OK);
}

/* The writer says a NaN without its bits, so these cannot be held against the bytes that were. (Nor can
 * messages with unknown fields, which protobuf-c keeps and JSON loses.) */
static bool has_nan(struct weft_slice text)
{
    return memmem(text.bytes, text.length, "\"NaN\"", 5) != NULL;
}

START_TEST(test_what_the_writer_writes_is_read_back_equal)
{
    struct weft_json_schema *schemas[WEFT_SIGNAL_COUNT];
    for (size_t i = 0; i < WEFT_SIGNAL_COUNT; i++) {
        schemas[i] = weft_json_schema_new(weft_otlp_request_descriptor((enum weft_signal)i), WEFT_JSON_CAMEL_NAMES);
    }
    size_t compared = 0;
    for (uint64_t seed = 0; seed < 600; seed++) {
        enum weft_signal signal = (enum weft_signal)(seed % 3);
        struct random random = { .state = seed, .is_plain = seed / 3 % 2 == 0 };
        struct weft_slice request = random_request(&random, signal);
        any_request *oracle = oracle_read(signal, request);
        struct weft_slice canonical = oracle_write(oracle);
        struct weft_buffer text;
        struct weft_buffer again;
        write_json(signal, request, &text);
        struct reading reading;
        reading_run(&reading, schemas[signal], weft_buffer_slice(&text), NULL);
        ck_assert_msg(reading.status == WEFT_OK, "%s", reading.error.text);
        struct weft_otlp_counts checked;
        ck_assert_int_eq(weft_otlp_check(signal, weft_payload_slice(reading.payload), NULL, &checked, NULL), WEFT_OK);
        ck_assert_mem_eq(&reading.counts, &checked, sizeof checked);
        write_json(signal, weft_payload_slice(reading.payload), &again);
        ck_assert_slice_eq(weft_buffer_slice(&again), weft_buffer_slice(&text));
        if (random.is_plain && !has_nan(weft_buffer_slice(&text))) {
            ck_assert_slice_eq(weft_payload_slice(reading.payload), canonical);
            compared++;
        }
        reading_fini(&reading);
        weft_buffer_fini(&again);
        weft_buffer_fini(&text);
        slice_free(canonical);
        oracle_free(oracle);
        slice_free(request);
    }
    ck_assert_uint_gt(compared, 250);
    for (size_t i = 0; i < WEFT_SIGNAL_COUNT; i++) {
        weft_json_schema_free(schemas[i]);
    }
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
        test_empty_object_is_an_empty_message,
        test_ids_are_hex_of_any_case_or_empty,
        test_each_kind_of_value_is_read,
        test_defaults_are_left_out_except_in_a_oneof,
        test_null_is_not_there,
        test_enums_are_numbers_or_names,
        test_packed_arrays_are_one_field,
        test_integers_are_exact_and_in_range,
        test_doubles_have_words,
        test_strings_keep_their_text,
        test_strings_that_are_no_utf8_may_be_taken,
        test_lengths_of_messages_are_shortest,
        test_unknown_keys_are_skipped_and_checked,
        test_keys_may_come_in_another_order_each_time,
        test_names_of_the_schema_are_taken_if_asked_for,
        test_last_of_repeated_keys_counts,
        test_last_member_of_a_oneof_counts,
        test_errors_name_place_and_remedy,
        test_each_wrong_type_is_refused_in_each_field,
        test_every_truncation_is_refused,
        test_nesting_is_limited,
        test_long_path_says_that_it_is_cut,
        test_size_is_limited,
        test_attributes_read_the_same_the_short_way_and_the_long_one,
        test_attributes_of_every_length_are_read_the_short_way,
        test_eight_bytes_with_one_that_follows_the_digits_are_no_number,
        test_cut_attributes_are_read_the_same_the_short_way_and_the_long_one,
        test_integers_read_the_same_the_short_way_and_the_long_one,
        test_lengths_of_any_size_follow_each_other,
        test_data_points_of_a_taken_back_choice_do_not_count,
        test_what_a_failed_read_has_written_is_resident,
        test_message_is_appended_to_what_is_there,
        test_what_the_writer_writes_is_read_back_equal,
        test_every_failing_allocation_is_an_error,
    };
    return run_tests("json_reader", tests, WEFT_COUNT_OF(tests));
}
