/* What the OTLP/JSON reader makes of each kind of value and key, against expected wire bytes. */
#include "wire/json_reader_test.h"

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
    };
    return run_tests("json_reader", tests, WEFT_COUNT_OF(tests));
}
