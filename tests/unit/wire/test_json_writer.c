/* OTLP/JSON from wire bytes: the forms of every kind of value, what protobuf says about repeats and oneofs,
 * limits, memory running out. Expected texts are written out; whole random requests are held against
 * protobuf-c's packing. */
#include "wire/wire_test.h"

#include <math.h>
#include <sys/resource.h>

#include "google_rpc.pb-c.h"
#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "wire/json_values.h"
#include "wire/json_writer.h"

static void assert_json(const ProtobufCMessageDescriptor *descriptor, struct weft_slice message, const char *expected)
{
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_json_write_message(descriptor, message, &out, &error);
    ck_assert_msg(status == WEFT_OK, "%s", error.text);
    weft_buffer_append_byte(&out, 0);
    ck_assert_str_eq((const char *)out.bytes, expected);
    weft_buffer_fini(&out);
}

static void assert_refused(const ProtobufCMessageDescriptor *descriptor, struct weft_slice message,
                           const char *expected)
{
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_json_write_message(descriptor, message, &out, &error), WEFT_INVALID);
    ck_assert_str_eq(error.text, expected);
    weft_buffer_fini(&out);
}

#define SPAN  (&opentelemetry__proto__trace__v1__span__descriptor)
#define VALUE (&opentelemetry__proto__common__v1__any_value__descriptor)
#define ATTR  (&opentelemetry__proto__common__v1__key_value__descriptor)
#define POINT (&opentelemetry__proto__metrics__v1__histogram_data_point__descriptor)

#define ck_assert_json(descriptor, literal, expected) assert_json(descriptor, WEFT_SLICE_LITERAL(literal), expected)

START_TEST(test_empty_message_is_an_empty_object)
{
    ck_assert_json(SPAN, "", "{}");
}
END_TEST

START_TEST(test_ids_are_lower_hex)
{
    ck_assert_json(SPAN,
                   "\x0a\x10\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c\x12\x08\xee\xe1"
                   "\x9b\x7e\xc3\xc1\xb1\x74"
                   "\x22\x08\xee\xe1\x9b\x7e\xc3\xc1\xb1\x73",
                   "{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\","
                   "\"parentSpanId\":\"eee19b7ec3c1b173\"}");
}
END_TEST

START_TEST(test_times_are_strings_and_flags_and_enums_numbers)
{
    ck_assert_json(SPAN, "\x2a\x06I'm \"A\x30\x02\x39\x00\x10\x2a\xb7\xbd\x84\x05\x17\x50\x07\x85\x01\x01\x03\x00\x00",
                   "{\"name\":\"I'm \\\"A\",\"kind\":2,\"startTimeUnixNano\":\"1658877988112568320\","
                   "\"droppedAttributesCount\":7,\"flags\":769}");
}
END_TEST

START_TEST(test_each_kind_of_value_has_its_form)
{
    ck_assert_json(VALUE, "\x0a\x02hi", "{\"stringValue\":\"hi\"}");
    ck_assert_json(VALUE, "\x10\x01", "{\"boolValue\":true}");
    ck_assert_json(VALUE, "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "{\"intValue\":\"-1\"}");
    ck_assert_json(VALUE, "\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "{\"intValue\":\"-9223372036854775808\"}");
    ck_assert_json(VALUE, "\x21\x00\x00\x00\x00\x00\x00\xf8\x3f", "{\"doubleValue\":1.5}");
    ck_assert_json(VALUE, "\x2a\x08\x0a\x02\x18\x05\x0a\x02\x10\x00",
                   "{\"arrayValue\":{\"values\":[{\"intValue\":\"5\"},{\"boolValue\":false}]}}");
    ck_assert_json(VALUE, "\x32\x09\x0a\x07\x0a\x01k\x12\x02\x0a\x00",
                   "{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"\"}}]}}");
    ck_assert_json(VALUE, "\x3a\x04\xfb\xff\xbe\x01", "{\"bytesValue\":\"+/++AQ==\"}");
}
END_TEST

START_TEST(test_base64_is_padded)
{
    ck_assert_json(VALUE, "\x3a\x00", "{\"bytesValue\":\"\"}");
    ck_assert_json(VALUE,
                   "\x3a\x01"
                   "f",
                   "{\"bytesValue\":\"Zg==\"}");
    ck_assert_json(VALUE,
                   "\x3a\x02"
                   "fo",
                   "{\"bytesValue\":\"Zm8=\"}");
    ck_assert_json(VALUE,
                   "\x3a\x03"
                   "foo",
                   "{\"bytesValue\":\"Zm9v\"}");
    ck_assert_json(VALUE,
                   "\x3a\x06"
                   "foobar",
                   "{\"bytesValue\":\"Zm9vYmFy\"}");
}
END_TEST

START_TEST(test_defaults_are_left_out_except_in_a_oneof)
{
    ck_assert_json(SPAN, "\x0a\x00\x2a\x00\x30\x00\x39\x00\x00\x00\x00\x00\x00\x00\x00\x50\x00", "{}");
    ck_assert_json(VALUE, "\x10\x00", "{\"boolValue\":false}");
    ck_assert_json(VALUE, "\x18\x00", "{\"intValue\":\"0\"}");
    ck_assert_json(VALUE, "\x21\x00\x00\x00\x00\x00\x00\x00\x00", "{\"doubleValue\":0}");
    ck_assert_json(POINT, "\x29\x00\x00\x00\x00\x00\x00\x00\x00\x21\x00\x00\x00\x00\x00\x00\x00\x00", "{\"sum\":0}");
    ck_assert_json(SPAN, "\x7a\x00", "{\"status\":{}}");
    ck_assert_json(ATTR, "\x0a\x01k\x12\x00", "{\"key\":\"k\",\"value\":{}}");
}
END_TEST

START_TEST(test_packed_and_single_elements_make_one_array)
{
    ck_assert_json(POINT,
                   "\x31\x01\x00\x00\x00\x00\x00\x00\x00\x3a\x08\x00\x00\x00\x00\x00\x00\xe0\x3f"
                   "\x32\x10\x02\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff",
                   "{\"bucketCounts\":[\"1\",\"2\",\"18446744073709551615\"],\"explicitBounds\":[0.5]}");
    ck_assert_json(POINT, "\x32\x00", "{}");
    ck_assert_json(&opentelemetry__proto__metrics__v1__exponential_histogram_data_point__buckets__descriptor,
                   "\x08\x03\x12\x03\x01\x80\x01\x10\x07", "{\"offset\":-2,\"bucketCounts\":[\"1\",\"128\",\"7\"]}");
}
END_TEST

START_TEST(test_fields_in_any_order_come_out_in_one)
{
    ck_assert_json(
        SPAN,
        "\x4a\x03\x0a\x01"
        "a\x2a\x01n\x5a\x00\x4a\x03\x0a\x01"
        "b\x5a\x03\x12\x01"
        "e",
        "{\"name\":\"n\",\"attributes\":[{\"key\":\"a\"},{\"key\":\"b\"}],\"events\":[{},{\"name\":\"e\"}]}");
}
END_TEST

START_TEST(test_last_scalar_wins_and_messages_merge)
{
    ck_assert_json(SPAN,
                   "\x2a\x01"
                   "a\x2a\x01"
                   "b",
                   "{\"name\":\"b\"}");
    ck_assert_json(SPAN,
                   "\x2a\x01"
                   "a\x2a\x00",
                   "{}");
    ck_assert_json(SPAN, "\x7a\x05\x12\x03old\x2a\x01n\x7a\x02\x18\x02\x7a\x03\x12\x01m",
                   "{\"name\":\"n\",\"status\":{\"message\":\"m\",\"code\":2}}");
}
END_TEST

START_TEST(test_last_member_of_a_oneof_wins)
{
    ck_assert_json(VALUE,
                   "\x0a\x01"
                   "a\x18\x05",
                   "{\"intValue\":\"5\"}");
    ck_assert_json(VALUE,
                   "\x18\x05\x0a\x01"
                   "a",
                   "{\"stringValue\":\"a\"}");
    /* the first array is gone when the second begins; the second and third merge */
    ck_assert_json(VALUE, "\x2a\x04\x0a\x02\x18\x01\x18\x05\x2a\x04\x0a\x02\x18\x02\x2a\x04\x0a\x02\x18\x03",
                   "{\"arrayValue\":{\"values\":[{\"intValue\":\"2\"},{\"intValue\":\"3\"}]}}");
}
END_TEST

START_TEST(test_unknown_fields_are_skipped)
{
    ck_assert_json(SPAN, "\xf8\x01\x05\x2a\x01n\xfb\x01\x08\x01\xfc\x01\xfa\x01\x01x", "{\"name\":\"n\"}");
}
END_TEST

START_TEST(test_service_response_and_status_are_written)
{
    ck_assert_json(&opentelemetry__proto__collector__logs__v1__export_logs_service_response__descriptor,
                   "\x0a\x07\x08\x03\x12\x03why",
                   "{\"partialSuccess\":{\"rejectedLogRecords\":\"3\",\"errorMessage\":\"why\"}}");
    ck_assert_json(&google__rpc__status__descriptor,
                   "\x08\x03\x12\x03"
                   "bad",
                   "{\"code\":3,\"message\":\"bad\"}");
}
END_TEST

START_TEST(test_text_that_is_not_utf8_stays_json)
{
    ck_assert_json(VALUE,
                   "\x0a\x04"
                   "a\xff\x01z",
                   "{\"stringValue\":\"a\xef\xbf\xbd\\u0001z\"}");
}
END_TEST

START_TEST(test_malformed_bytes_are_refused)
{
    assert_refused(SPAN, WEFT_SLICE_LITERAL("\x2a\x05x"), "Span: length goes past the end");
    assert_refused(SPAN, WEFT_SLICE_LITERAL("\x28\x05"), "name: wire type does not fit");
    assert_refused(SPAN, WEFT_SLICE_LITERAL("\x7a\x02\x12\x09"), "Status: length goes past the end");
    assert_refused(POINT,
                   WEFT_SLICE_LITERAL("\x32\x07"
                                      "1234567"),
                   "bucket_counts: packed values are malformed");
}
END_TEST

/* Puts one more level around a message: values in arrays in values. Level 0 is an empty array. */
static uint8_t *nest(uint8_t *at, const uint8_t *end, size_t level)
{
    size_t length = (size_t)(end - at);
    uint32_t number = level % 2 == 0 ? 5 : 1;
    at -= weft_wire_size_bytes_header(number, length);
    weft_wire_put_bytes_header(at, number, length);
    return at;
}

START_TEST(test_nesting_is_limited)
{
    enum { LEVELS = 100000, MAX_LEVEL = 100 };
    const ProtobufCMessageDescriptor *array = &opentelemetry__proto__common__v1__array_value__descriptor;
    size_t capacity = LEVELS * 5;
    uint8_t *bytes = weft_alloc(capacity);
    uint8_t *end = bytes + capacity;
    uint8_t *at = end;
    for (size_t level = 0; level < LEVELS; level++) {
        struct weft_slice message = weft_slice_of(at, (size_t)(end - at));
        if (level == MAX_LEVEL) {
            struct weft_buffer out;
            weft_buffer_init(&out, 0);
            ck_assert_int_eq(weft_json_write_message(array, message, &out, NULL), WEFT_OK);
            weft_buffer_fini(&out);
        } else if (level == MAX_LEVEL + 1) {
            assert_refused(VALUE, message, "ArrayValue: is nested too deep");
        }
        at = nest(at, end, level);
    }
    assert_refused(array, weft_slice_of(at, (size_t)(end - at)), "AnyValue: is nested too deep");
    weft_free(bytes);
}
END_TEST

static void assert_double(double value, const char *expected)
{
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    weft_json_put_double(&out, value);
    weft_buffer_append_byte(&out, 0);
    ck_assert_str_eq((const char *)out.bytes, expected);
    weft_buffer_fini(&out);
}

START_TEST(test_doubles_are_short_and_read_back_the_same)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        { 0.1, "0.1" },
        { 100, "100" },
        { -2.5, "-2.5" },
        { 1e300, "1e+300" },
        { 5e-324, "5e-324" },
        { 1.0 / 3, "0.3333333333333333" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 9007199254740993.0, "9007199254740992" },
        { -0.0, "-0.0" },
        { 0.0, "0" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        assert_double(rows[i].value, rows[i].text);
        ck_assert(strtod(rows[i].text, NULL) == rows[i].value);
    }
    assert_double((double)INFINITY, "\"Infinity\"");
    assert_double((double)-INFINITY, "\"-Infinity\"");
    assert_double((double)NAN, "\"NaN\"");
}
END_TEST

/* Braces and brackets balance outside strings, and nothing follows the end. */
static void assert_balanced(struct weft_slice text)
{
    size_t depth = 0;
    bool is_string = false;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        if (is_string) {
            i += byte == '\\';
            is_string = byte != '"';
            continue;
        }
        is_string = byte == '"';
        depth += byte == '{' || byte == '[';
        ck_assert(depth > 0);
        depth -= byte == '}' || byte == ']';
        ck_assert(depth > 0 || i + 1 == text.length);
        bool is_open = byte == '{' || byte == '[' || byte == ',' || byte == ':';
        ck_assert(!(is_open && i + 1 < text.length && text.bytes[i + 1] == ','));
    }
    ck_assert(depth == 0 && !is_string);
}

/* All encodings of one message give one text: the odd one that was made, and protobuf-c's own packing of it.
 */
START_TEST(test_random_requests_give_the_text_of_their_canonical_form)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        enum weft_signal signal = (enum weft_signal)(seed % 3);
        struct random random = { .state = seed };
        struct weft_slice request = random_request(&random, signal);
        any_request *oracle = oracle_read(signal, request);
        struct weft_slice canonical = oracle_write(oracle);
        struct weft_buffer texts[2];
        const struct weft_slice forms[2] = { request, canonical };
        for (size_t i = 0; i < 2; i++) {
            weft_buffer_init(&texts[i], 0);
            ck_assert_int_eq(weft_json_write_message(weft_otlp_request_descriptor(signal), forms[i], &texts[i], NULL),
                             WEFT_OK);
        }
        assert_balanced(weft_buffer_slice(&texts[0]));
        ck_assert_slice_eq(weft_buffer_slice(&texts[0]), weft_buffer_slice(&texts[1]));
        weft_buffer_fini(&texts[0]);
        weft_buffer_fini(&texts[1]);
        slice_free(canonical);
        oracle_free(oracle);
        slice_free(request);
    }
}
END_TEST

/* The whole of `value` as the second of two AnyValues of a KeyValue, in the second of two lists: what merges, twice. */
static struct weft_buffer repeat_around(struct weft_slice value)
{
    static const uint8_t numbers[] = { 2, 1, 6 }; /* KeyValue.value, KeyValueList.values, AnyValue.kvlist_value */
    struct weft_buffer inner;
    weft_buffer_init(&inner, 0);
    weft_buffer_append(&inner, value.bytes, value.length);
    for (size_t i = 0; i < WEFT_COUNT_OF(numbers); i++) {
        struct weft_buffer outer;
        uint8_t header[16];
        weft_buffer_init(&outer, 0);
        if (numbers[i] != 1) {
            weft_buffer_append(&outer, header, (size_t)(weft_wire_put_bytes_header(header, numbers[i], 0) - header));
        }
        uint8_t *end = weft_wire_put_bytes_header(header, numbers[i], inner.length);
        weft_buffer_append(&outer, header, (size_t)(end - header));
        weft_buffer_append(&outer, inner.bytes, inner.length);
        weft_buffer_fini(&inner);
        inner = outer;
    }
    return inner;
}

static size_t peak_bytes(void)
{
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return (size_t)usage.ru_maxrss * 1024;
}

START_TEST(test_messages_repeated_inside_one_another_are_not_copied)
{
    enum { TEXT_BYTES = 2 * 1024 * 1024, LEVELS = 30 };
    struct weft_buffer value;
    uint8_t header[16];
    weft_buffer_init(&value, 0);
    uint8_t *end = weft_wire_put_bytes_header(header, 1, TEXT_BYTES);
    weft_buffer_append(&value, header, (size_t)(end - header));
    memset(weft_buffer_reserve(&value, TEXT_BYTES), 'x', TEXT_BYTES);
    value.length += TEXT_BYTES;
    for (size_t level = 0; level < LEVELS; level++) {
        struct weft_buffer outer = repeat_around(weft_buffer_slice(&value));
        weft_buffer_fini(&value);
        value = outer;
    }
    struct weft_buffer out;
    struct weft_error error = WEFT_ERROR_NONE;
    weft_buffer_init(&out, 0);
    ck_assert_ptr_nonnull(weft_buffer_reserve(&out, 4 * TEXT_BYTES));
    memset(out.bytes, 0, 4 * TEXT_BYTES);
    size_t before = peak_bytes();
    enum weft_status status = weft_json_write_message(VALUE, weft_buffer_slice(&value), &out, &error);
    ck_assert_msg(status == WEFT_OK, "%s", error.text);
    ck_assert_uint_gt(out.length, TEXT_BYTES);
    ck_assert_uint_lt(peak_bytes() - before, 8 * TEXT_BYTES);
    weft_buffer_fini(&out);
    weft_buffer_fini(&value);
}
END_TEST

START_TEST(test_every_failing_allocation_is_an_error)
{
    /* a status in two parts, whose list needs memory, and a name that fills the buffer */
    uint8_t message[600] = "\x7a\x05\x12\x03old\x7a\x02\x18\x02\x2a\xc8\x03";
    memset(message + 14, 'x', 456);
    for (size_t nth = 1;; nth++) {
        struct weft_buffer out;
        weft_buffer_init(&out, 0);
        struct weft_error error = WEFT_ERROR_NONE;
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_json_write_message(SPAN, weft_slice_of(message, 14 + 456), &out, &error);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        ck_assert_int_eq(error.status, status);
        weft_buffer_fini(&out);
        if (!has_failed) {
            ck_assert_uint_gt(nth, 3);
            break;
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_empty_message_is_an_empty_object,
        test_ids_are_lower_hex,
        test_times_are_strings_and_flags_and_enums_numbers,
        test_each_kind_of_value_has_its_form,
        test_base64_is_padded,
        test_defaults_are_left_out_except_in_a_oneof,
        test_packed_and_single_elements_make_one_array,
        test_fields_in_any_order_come_out_in_one,
        test_last_scalar_wins_and_messages_merge,
        test_last_member_of_a_oneof_wins,
        test_unknown_fields_are_skipped,
        test_service_response_and_status_are_written,
        test_text_that_is_not_utf8_stays_json,
        test_malformed_bytes_are_refused,
        test_nesting_is_limited,
        test_doubles_are_short_and_read_back_the_same,
        test_random_requests_give_the_text_of_their_canonical_form,
        test_messages_repeated_inside_one_another_are_not_copied,
        test_every_failing_allocation_is_an_error,
    };
    return run_tests("json_writer", tests, WEFT_COUNT_OF(tests));
}
