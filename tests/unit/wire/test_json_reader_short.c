/* The OTLP/JSON reader's short ways against the long one, and what it writes against the writer and protobuf-c, for
 * random requests of all signals. */
#include "wire/json_reader_test.h"

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
        ck_assert(weft_otlp_counts_equal(&reading.counts, &counts));
        reading_fini(&reading);
        weft_free(text);
    }
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
        ck_assert(weft_otlp_counts_equal(&reading.counts, &checked));
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

int main(void)
{
    const TTest *const tests[] = {
        test_attributes_read_the_same_the_short_way_and_the_long_one,
        test_attributes_of_every_length_are_read_the_short_way,
        test_eight_bytes_with_one_that_follows_the_digits_are_no_number,
        test_cut_attributes_are_read_the_same_the_short_way_and_the_long_one,
        test_integers_read_the_same_the_short_way_and_the_long_one,
        test_lengths_of_any_size_follow_each_other,
        test_data_points_of_a_taken_back_choice_do_not_count,
        test_message_is_appended_to_what_is_there,
        test_what_the_writer_writes_is_read_back_equal,
    };
    return run_tests("json_reader_short", tests, WEFT_COUNT_OF(tests));
}
