/* Entries as OTLP: every kind of value and every field, as JSON that the checked request becomes. */
#include "operators/operators_test.h"

#include "base/payload.h"
#include "operators/json_text.h"
#include "operators/log_record.h"
#include "wire/json_writer.h"
#include "wire/log_request.h"
#include "wire/otlp_check.h"

struct fixture {
    struct weft_budget budget;
    struct weft_payload_pool *pool;
    struct weft_log_request *request;
    struct weft_entry_memory memory;
    struct weft_log_entry entry;
    struct weft_buffer json;
};

static struct fixture fixture;

static void begin(const char *line)
{
    const struct weft_log_line_settings settings = { 0 };
    memset(&fixture, 0, sizeof fixture);
    fixture.pool = weft_payload_pool_new(&fixture.budget, 0);
    fixture.request = weft_log_request_new(&settings);
    weft_buffer_init(&fixture.json, 0);
    weft_log_entry_begin(&fixture.entry, &fixture.memory, weft_slice_of_text(line), 0);
}

static void end(void)
{
    weft_buffer_fini(&fixture.json);
    weft_entry_memory_fini(&fixture.memory);
    weft_log_request_free(fixture.request);
    weft_payload_pool_free(fixture.pool);
}

static void add(void)
{
    size_t size;
    ck_assert_int_eq(weft_log_record_prepare(&fixture.entry, &size), WEFT_OK);
    uint8_t *to = weft_log_request_add_record(fixture.request, size);
    ck_assert_ptr_nonnull(to);
    weft_log_record_write(&fixture.entry, to, size);
}

static const char *json_of_request(void)
{
    struct weft_otlp_counts counts, checked;
    struct weft_payload *payload = weft_payload_try_new(fixture.pool, 0);
    ck_assert_int_eq(weft_log_request_finish(fixture.request, payload, &counts), WEFT_OK);
    ck_assert_int_eq(weft_otlp_check(WEFT_LOGS, weft_payload_slice(payload), NULL, &checked, NULL), WEFT_OK);
    ck_assert(weft_otlp_counts_equal(&checked, &counts));
    ck_assert_int_eq(weft_json_write_request(WEFT_LOGS, weft_payload_slice(payload), &fixture.json, NULL), WEFT_OK);
    weft_buffer_append_byte(&fixture.json, 0);
    weft_payload_unref(&payload);
    return (const char *)fixture.json.bytes;
}

#define LOGS(records) "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[" records "]}]}]}"

static struct weft_log_value read_json(const char *text)
{
    struct weft_hash_secret secret;
    weft_hash_secret_init(&secret);
    struct weft_log_json_options options = { .secret = &secret, .has_integers = true };
    struct weft_log_json_fault fault;
    struct weft_log_value value;
    ck_assert_int_eq(weft_log_json_read(weft_slice_of_text(text), &options, &fixture.memory, &value, &fault), WEFT_OK);
    return value;
}

START_TEST(test_all_fields_and_kinds_are_written)
{
    begin("");
    struct weft_log_entry *entry = &fixture.entry;
    entry->time_ns = 1;
    entry->observed_ns = 2;
    entry->severity = 17;
    entry->severity_text = weft_slice_of_text("ERROR");
    entry->trace_flags = 1;
    entry->has_trace_id = entry->has_span_id = true;
    memset(entry->trace_id, 0xab, sizeof entry->trace_id);
    memset(entry->span_id, 0xcd, sizeof entry->span_id);
    entry->body = read_json("{\"s\":\"x\",\"i\":-1,\"d\":0.5,\"b\":true,\"n\":null,\"l\":[1,[]],\"m\":{\"k\":\"v\"}}");
    entry->attributes = *read_json("{\"a\":\"1\",\"b\":{\"c\":[]}}").map;
    add();
    ck_assert_str_eq(
        json_of_request(),
        LOGS("{\"timeUnixNano\":\"1\",\"severityNumber\":17,\"severityText\":\"ERROR\",\"body\":{\"kvlistValue\":{"
             "\"values\":[{\"key\":\"s\",\"value\":{\"stringValue\":\"x\"}},{\"key\":\"i\",\"value\":{\"intValue\":"
             "\"-1\"}},{\"key\":\"d\",\"value\":{\"doubleValue\":0.5}},{\"key\":\"b\",\"value\":{\"boolValue\":true}},"
             "{\"key\":\"n\",\"value\":{}},{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},"
             "{\"arrayValue\":{}}]}}},{\"key\":\"m\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"k\","
             "\"value\":{\"stringValue\":\"v\"}}]}}}]}},\"attributes\":[{\"key\":\"a\",\"value\":{\"stringValue\":"
             "\"1\"}},{\"key\":\"b\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"c\",\"value\":{\"arrayValue\":"
             "{}}}]}}}],\"flags\":1,\"traceId\":\"abababababababababababababababab\",\"spanId\":"
             "\"cdcdcdcdcdcdcdcd\",\"observedTimeUnixNano\":\"2\"}"));
    end();
}
END_TEST

START_TEST(test_what_is_not_there_is_not_written)
{
    begin("x");
    fixture.entry.body.kind = WEFT_LOG_NIL;
    add();
    ck_assert_str_eq(json_of_request(), LOGS("{}"));
    end();
}
END_TEST

/* Lengths of one, two and three bytes, in texts and around them. */
START_TEST(test_long_texts_have_long_lengths)
{
    static const size_t lengths[] = { 0, 1, 120, 127, 128, 16383, 16384, 100000 };
    for (size_t i = 0; i < WEFT_COUNT_OF(lengths); i++) {
        begin("");
        uint8_t *text = weft_entry_memory_try_alloc(&fixture.memory, lengths[i] + 1);
        memset(text, 'x', lengths[i]);
        fixture.entry.body = weft_log_string(weft_slice_of(text, lengths[i]));
        add();
        const char *json = json_of_request();
        const char *body = strstr(json, "\"stringValue\":\"");
        ck_assert_ptr_nonnull(body);
        ck_assert_uint_eq(strspn(body + strlen("\"stringValue\":\""), "x"), lengths[i]);
        end();
    }
}
END_TEST

/* An object in an object, and so on, and a number within. */
static void nest(char *out, size_t levels, const char *key)
{
    for (size_t i = 0; i < levels; i++) {
        strcat(out, key);
    }
    strcat(out, "1.5");
    for (size_t i = 0; i < levels; i++) {
        strcat(out, "}");
    }
}

static void expect_levels(const char *json, size_t levels, const char *text)
{
    size_t found = 0;
    for (const char *at = json; (at = strstr(at, "kvlistValue")) != NULL; at++) {
        found++;
    }
    ck_assert_uint_eq(found, levels);
    ck_assert_msg(strstr(json, text) != NULL, "%s in %s", text, json);
}

START_TEST(test_what_is_nested_too_deep_becomes_text)
{
    static const struct {
        size_t levels, kept;
    } rows[] = { { 23, 23 }, { 24, 24 }, { 25, 24 }, { 30, 24 } };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        char line[256] = "", text[256] = "";
        begin("");
        nest(line, rows[i].levels, "{\"a\":");
        nest(text, rows[i].levels - rows[i].kept, "{\\\"a\\\":");
        fixture.entry.body = read_json(line);
        add();
        expect_levels(json_of_request(), rows[i].kept, text);
        end();
        begin("");
        fixture.entry.body.kind = WEFT_LOG_NIL;
        fixture.entry.attributes.count = 0;
        char with_attribute[300];
        snprintf(with_attribute, sizeof with_attribute, "{\"k\":%s}", line);
        fixture.entry.attributes = *read_json(with_attribute).map;
        add();
        expect_levels(json_of_request(), rows[i].levels < 24 ? rows[i].levels : 23,
                      rows[i].levels < 24 ? "1.5" : "stringValue");
        struct weft_slice fields;
        ck_assert_int_eq(weft_log_attributes_encode(&fixture.entry.attributes, 1, &fixture.memory, &fields), WEFT_OK);
        end();
    }
}
END_TEST

START_TEST(test_attributes_are_fields_of_what_has_them)
{
    begin("");
    struct weft_slice fields;
    fixture.entry.attributes = *read_json("{\"a\":\"b\"}").map;
    ck_assert_int_eq(weft_log_attributes_encode(&fixture.entry.attributes, 1, &fixture.memory, &fields), WEFT_OK);
    ck_assert_uint_eq(fields.length, 10);
    ck_assert_mem_eq(fields.bytes,
                     "\x0a\x08\x0a\x01"
                     "a\x12\x03\x0a\x01"
                     "b",
                     10);
    end();
}
END_TEST

int main(void)
{
    const struct operators_test_function tests[] = {
        OPERATORS_TEST(test_all_fields_and_kinds_are_written),
        OPERATORS_TEST(test_what_is_not_there_is_not_written),
        OPERATORS_TEST(test_long_texts_have_long_lengths),
        OPERATORS_TEST(test_what_is_nested_too_deep_becomes_text),
        OPERATORS_TEST(test_attributes_are_fields_of_what_has_them),
    };
    return OPERATORS_TEST_RUN("log_record", tests);
}
