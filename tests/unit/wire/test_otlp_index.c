/* The index of spans and log records beside protobuf-c's reading of the same bytes: fields in any order, repeated,
 * unknown; and damaged or cut in every place, where it may say no but not read past the end, and must not say no to
 * what the check takes. More of all with WEFT_TEST_ROUNDS=factor. */
#include "wire/otlp_index.h"

#include "logs.pb-c.h"
#include "trace.pb-c.h"
#include "wire/sdk_records.h"

typedef Opentelemetry__Proto__Trace__V1__Span any_span;
typedef Opentelemetry__Proto__Logs__V1__LogRecord any_log;
typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;

#define SPAN (&opentelemetry__proto__trace__v1__span__descriptor)
#define LOG  (&opentelemetry__proto__logs__v1__log_record__descriptor)

static uint32_t rounds(uint32_t count)
{
    const char *factor = getenv("WEFT_TEST_ROUNDS");
    return factor == NULL ? count : count * (uint32_t)strtoul(factor, NULL, 10);
}

/* check's own assertions write to a file each time that they hold, which is most of the time of a long test. */
#define EXPECT(condition)                   \
    do {                                    \
        if (!(condition)) {                 \
            ck_abort_msg("%s", #condition); \
        }                                   \
    } while (0)

/* protobuf-c ends a text where a zero byte is. */
static bool is_text(struct weft_slice slice, const char *text)
{
    size_t length = strlen(text);
    return length <= slice.length && (length == 0 || memcmp(slice.bytes, text, length) == 0) &&
           (length == slice.length || slice.bytes[length] == '\0');
}

static bool is_bytes(struct weft_slice slice, ProtobufCBinaryData data)
{
    return weft_slice_equal(slice, weft_slice_of(data.data, data.len));
}

static bool is_inside(struct weft_slice slice, struct weft_slice record)
{
    return slice.length == 0 ||
           (slice.bytes >= record.bytes && slice.bytes + slice.length <= record.bytes + record.length);
}

/* What is read of the region is what is read of the record, and the region is no longer than that. */
static void expect_region(struct weft_slice record, uint32_t field, struct weft_slice region, uint32_t count)
{
    struct weft_otlp_attributes of_record = { 0 };
    struct weft_otlp_attributes of_region = { 0 };
    EXPECT(weft_otlp_attributes_read(record, field, &of_record) == WEFT_OK);
    EXPECT(weft_otlp_attributes_read(region, field, &of_region) == WEFT_OK);
    EXPECT(of_record.count == count && of_region.count == count);
    for (size_t i = 0; i < count; i++) {
        EXPECT(of_record.items[i].whole.bytes == of_region.items[i].whole.bytes);
        struct weft_slice found;
        EXPECT(weft_otlp_attribute_find(region, field, of_record.items[i].key, &found));
        size_t first = 0;
        while (!weft_slice_equal(of_record.items[first].key, of_record.items[i].key)) {
            first++;
        }
        EXPECT(found.bytes == of_record.items[first].contents.bytes);
    }
    if (count > 0) {
        struct weft_slice last = of_record.items[count - 1].whole;
        EXPECT(region.bytes == of_record.items[0].whole.bytes);
        EXPECT(region.bytes + region.length == last.bytes + last.length);
    } else {
        EXPECT(region.length == 0);
    }
    weft_otlp_attributes_fini(&of_record);
    weft_otlp_attributes_fini(&of_region);
}

static void expect_span(struct weft_slice record, const any_span *span)
{
    struct weft_span_index index;
    EXPECT(weft_otlp_index_span(record, &index) == WEFT_OK);
    EXPECT(is_bytes(index.trace_id, span->trace_id) && is_inside(index.trace_id, record));
    EXPECT(is_bytes(index.span_id, span->span_id) && is_inside(index.span_id, record));
    EXPECT(is_bytes(index.parent_span_id, span->parent_span_id) && is_inside(index.parent_span_id, record));
    EXPECT(is_text(index.trace_state, span->trace_state) && is_inside(index.trace_state, record));
    EXPECT(is_text(index.name, span->name) && is_inside(index.name, record));
    EXPECT(index.start_ns == span->start_time_unix_nano);
    EXPECT(index.end_ns == span->end_time_unix_nano);
    EXPECT(index.kind == (int32_t)span->kind);
    EXPECT(index.status_code == (span->status == NULL ? 0 : (int32_t)span->status->code));
    EXPECT(index.flags == span->flags);
    EXPECT(index.attribute_count == span->n_attributes);
    EXPECT(index.event_count == span->n_events);
    EXPECT(index.link_count == span->n_links);
    expect_region(record, weft_otlp_attributes_field(WEFT_TRACES), index.attributes, index.attribute_count);
}

/* protobuf-c loses a value that is followed by an empty one: of values in several pieces the tests by hand speak. */
static bool is_in_pieces(struct weft_slice message, uint32_t number)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    bool has_field = true;
    uint32_t count = 0;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        count += field.number == number;
    }
    return count > 1;
}

static void expect_value(struct weft_slice message, uint32_t field, const any_value *expected)
{
    struct weft_otlp_value value = weft_otlp_value_of(message, field);
    if (is_in_pieces(message, field)) {
        return;
    }
    if (expected == NULL) {
        EXPECT(value.kind == WEFT_OTLP_VALUE_NONE);
        return;
    }
    if (expected->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE_STRINDEX) {
        EXPECT(value.kind == WEFT_OTLP_VALUE_NONE); /* it means something only where there is a dictionary */
        return;
    }
    EXPECT((int)value.kind == (int)expected->value_case); /* protobuf-c numbers the cases as the fields */
    switch (value.kind) {
    case WEFT_OTLP_VALUE_STRING:
        EXPECT(is_text(value.bytes, expected->string_value));
        return;
    case WEFT_OTLP_VALUE_BYTES:
        EXPECT(is_bytes(value.bytes, expected->bytes_value));
        return;
    case WEFT_OTLP_VALUE_BOOL:
        EXPECT(value.is_true == (expected->bool_value != 0));
        return;
    case WEFT_OTLP_VALUE_INT:
        EXPECT(value.integer == expected->int_value);
        return;
    case WEFT_OTLP_VALUE_DOUBLE:
        EXPECT(memcmp(&value.real, &expected->double_value, sizeof value.real) == 0);
        return;
    case WEFT_OTLP_VALUE_ARRAY:
    case WEFT_OTLP_VALUE_MAP:
    case WEFT_OTLP_VALUE_NONE:
        return;
    }
}

static void expect_log(struct weft_slice record, const any_log *log)
{
    struct weft_log_index index;
    EXPECT(weft_otlp_index_log(record, &index) == WEFT_OK);
    EXPECT(is_bytes(index.trace_id, log->trace_id) && is_inside(index.trace_id, record));
    EXPECT(is_bytes(index.span_id, log->span_id) && is_inside(index.span_id, record));
    EXPECT(is_text(index.severity_text, log->severity_text) && is_inside(index.severity_text, record));
    EXPECT(is_text(index.event_name, log->event_name) && is_inside(index.event_name, record));
    EXPECT(index.time_ns == log->time_unix_nano);
    EXPECT(index.observed_time_ns == log->observed_time_unix_nano);
    EXPECT(index.severity_number == (int32_t)log->severity_number);
    EXPECT(index.flags == log->flags);
    EXPECT(index.attribute_count == log->n_attributes);
    expect_value(index.body, WEFT_OTLP_BODY_FIELD, log->body);
    expect_value(record, WEFT_OTLP_BODY_FIELD, log->body);
    expect_region(record, weft_otlp_attributes_field(WEFT_LOGS), index.attributes, index.attribute_count);
    struct weft_otlp_attributes attributes = { 0 };
    EXPECT(weft_otlp_attributes_read(index.attributes, 6, &attributes) == WEFT_OK);
    for (size_t i = 0; i < log->n_attributes; i++) {
        expect_value(attributes.items[i].contents, WEFT_OTLP_VALUE_FIELD, log->attributes[i]->value);
    }
    weft_otlp_attributes_fini(&attributes);
}

/* False if protobuf-c cannot read a record that is legal: groups, and empty AnyValues that are repeated. */
static bool expect_record(enum weft_signal signal, struct weft_slice record)
{
    bool is_span = signal == WEFT_TRACES;
    ProtobufCMessage *message = protobuf_c_message_unpack(is_span ? SPAN : LOG, NULL, record.length, record.bytes);
    if (message == NULL) {
        return false;
    }
    if (is_span) {
        expect_span(record, (const any_span *)message);
    } else {
        expect_log(record, (const any_log *)message);
    }
    protobuf_c_message_free_unpacked(message, NULL);
    return true;
}

START_TEST(test_random_records_are_indexed_as_protobuf_c_reads_them)
{
    for (uint32_t seed = 0; seed < rounds(8000); seed++) {
        struct random random = { .state = seed, .is_plain = seed % 11 == 0 };
        struct weft_buffer record;
        weft_buffer_init(&record, 0);
        enum weft_signal signal = seed % 2 == 0 ? WEFT_TRACES : WEFT_LOGS;
        random_put_message(&random, &record, signal == WEFT_TRACES ? SPAN : LOG, 3);
        EXPECT(expect_record(signal, weft_buffer_slice(&record)));
        weft_buffer_fini(&record);
    }
}
END_TEST

START_TEST(test_records_as_sdks_write_them_are_indexed_as_protobuf_c_reads_them)
{
    uint32_t compared = 0;
    for (uint32_t seed = 0; seed < rounds(12000); seed++) {
        struct sdk sdk = { .random = { .state = seed }, .odd_one_in = seed % 4 == 0 ? 0 : 4 + seed % 40 };
        struct weft_buffer record;
        weft_buffer_init(&record, 0);
        enum weft_signal signal = seed % 2 == 0 ? WEFT_TRACES : WEFT_LOGS;
        sdk_put_record(&sdk, &record, signal);
        compared += expect_record(signal, weft_buffer_slice(&record));
        weft_buffer_fini(&record);
    }
    ck_assert_uint_gt(compared, 11800);
}
END_TEST

/* ---- damaged ---- */

/* The record lies in memory of its own. What the check takes the index must take. */
static void expect_no_harm(enum weft_signal signal, struct weft_slice record, uint64_t *in_out_taken)
{
    uint8_t *copy = weft_alloc(record.length + (record.length == 0));
    if (record.length > 0) {
        memcpy(copy, record.bytes, record.length);
    }
    struct weft_slice damaged = weft_slice_of(copy, record.length);
    struct weft_span_index span = { .attribute_count = 77 };
    struct weft_log_index log = { .attribute_count = 77 };
    enum weft_status status =
        signal == WEFT_TRACES ? weft_otlp_index_span(damaged, &span) : weft_otlp_index_log(damaged, &log);
    if (status != WEFT_OK) {
        EXPECT(status == WEFT_INVALID);
        EXPECT(signal == WEFT_TRACES ? span.attribute_count == 77 : log.attribute_count == 77);
        struct weft_otlp_counts counts;
        struct weft_slice request = request_of_record(damaged);
        EXPECT(weft_otlp_check(signal, request, NULL, &counts, NULL) == WEFT_INVALID);
        slice_free(request);
    } else {
        EXPECT(is_inside(span.trace_id, damaged) && is_inside(span.span_id, damaged));
        EXPECT(is_inside(span.parent_span_id, damaged) && is_inside(span.name, damaged));
        EXPECT(is_inside(span.trace_state, damaged) && is_inside(span.attributes, damaged));
        EXPECT(is_inside(log.trace_id, damaged) && is_inside(log.span_id, damaged));
        EXPECT(is_inside(log.severity_text, damaged) && is_inside(log.event_name, damaged));
        EXPECT(is_inside(log.body, damaged) && is_inside(log.attributes, damaged));
    }
    *in_out_taken += status == WEFT_OK;
    weft_free(copy);
}

/* A damaged record that the check takes is read as protobuf-c reads it. */
static void expect_same_if_legal(enum weft_signal signal, struct weft_slice record, uint64_t *in_out_legal)
{
    struct weft_otlp_counts counts;
    struct weft_slice request = request_of_record(record);
    bool is_legal = weft_otlp_check(signal, request, NULL, &counts, NULL) == WEFT_OK;
    slice_free(request);
    *in_out_legal += is_legal && expect_record(signal, record);
}

START_TEST(test_records_damaged_or_cut_in_every_place_do_no_harm)
{
    enum { LONGEST = 400 };
    uint64_t taken = 0;
    uint64_t legal = 0;
    for (uint32_t seed = 0; seed < rounds(200); seed++) {
        struct sdk sdk = { .random = { .state = seed + 500 }, .odd_one_in = seed % 4 == 0 ? 0 : 20 };
        struct weft_buffer record;
        weft_buffer_init(&record, 0);
        enum weft_signal signal = seed % 2 == 0 ? WEFT_TRACES : WEFT_LOGS;
        sdk_put_record(&sdk, &record, signal);
        for (size_t i = 0; i < record.length && record.length <= LONGEST; i++) {
            expect_no_harm(signal, weft_slice_of(record.bytes, i), &taken);
            expect_same_if_legal(signal, weft_slice_of(record.bytes, i), &legal);
            uint8_t original = record.bytes[i];
            for (unsigned change = 0; change < 12; change++) {
                record.bytes[i] = change < 8    ? original ^ (uint8_t)(1u << change)
                                  : change == 8 ? (uint8_t)(original + 1)
                                  : change == 9 ? (uint8_t)(original - 1)
                                                : (uint8_t)(change == 10 ? 0 : 0xff);
                expect_no_harm(signal, weft_buffer_slice(&record), &taken);
                if (change % 4 == i % 4) {
                    expect_same_if_legal(signal, weft_buffer_slice(&record), &legal);
                }
            }
            record.bytes[i] = original;
        }
        weft_buffer_fini(&record);
    }
    ck_assert_uint_gt(taken, 5000);
    ck_assert_uint_gt(legal, 1000);
}
END_TEST

START_TEST(test_records_written_wrong_do_no_harm)
{
    uint64_t taken = 0;
    for (uint32_t seed = 0; seed < rounds(10000); seed++) {
        struct sdk sdk = { .random = { .state = seed + 900 }, .odd_one_in = 30, .wrong_one_in = 10 + seed % 60 };
        struct weft_buffer record;
        weft_buffer_init(&record, 0);
        enum weft_signal signal = seed % 2 == 0 ? WEFT_TRACES : WEFT_LOGS;
        sdk_put_record(&sdk, &record, signal);
        expect_no_harm(signal, weft_buffer_slice(&record), &taken);
        weft_buffer_fini(&record);
    }
    ck_assert_uint_gt(taken, 500);
    ck_assert_uint_lt(taken, rounds(9500));
}
END_TEST

/* ---- made by hand: where protobuf-c does not do as protobuf does ---- */

#define INDEX_SPAN(literal, index) weft_otlp_index_span(weft_slice_of(literal, sizeof(literal) - 1), (index))
#define INDEX_LOG(literal, index)  weft_otlp_index_log(weft_slice_of(literal, sizeof(literal) - 1), (index))

START_TEST(test_a_status_in_pieces_merges_and_its_last_code_counts)
{
    struct weft_span_index index;
    ck_assert_int_eq(INDEX_SPAN("\x7a\x02\x18\x02\x7a\x03\x12\x01m", &index), WEFT_OK);
    ck_assert_int_eq(index.status_code, 2);
    ck_assert_int_eq(INDEX_SPAN("\x7a\x02\x18\x02\x7a\x02\x18\x00", &index), WEFT_OK);
    ck_assert_int_eq(index.status_code, 0);
    ck_assert_int_eq(INDEX_SPAN("\x7a\x04\x18\x02\x18\x01", &index), WEFT_OK);
    ck_assert_int_eq(index.status_code, 1);
    ck_assert_int_eq(INDEX_SPAN("\x7a\x00", &index), WEFT_OK);
    ck_assert_int_eq(index.status_code, 0);
    ck_assert_int_eq(INDEX_SPAN("\x7a\x02\x18\x80", &index), WEFT_INVALID);
    ck_assert_int_eq(INDEX_SPAN("\x7a\x02\x1a\x00", &index), WEFT_INVALID); /* code, written as bytes */
}
END_TEST

START_TEST(test_unknown_fields_and_groups_are_passed_over_and_wrong_types_are_not)
{
    struct weft_span_index index;
    ck_assert_int_eq(INDEX_SPAN("\xfb\x01\x32\x01x\xfc\x01\x30\x03\xf8\x01\x05", &index), WEFT_OK);
    ck_assert_int_eq(index.kind, 3);
    ck_assert_int_eq(INDEX_SPAN("\xfb\x01\x32\x01x\x30\x03", &index), WEFT_INVALID); /* a group without its end */
    ck_assert_int_eq(INDEX_SPAN("\x32\x01x", &index), WEFT_INVALID);
    ck_assert_int_eq(INDEX_SPAN("\x52\x01x", &index), WEFT_INVALID); /* one that the index does not ask for */
    ck_assert_int_eq(INDEX_SPAN("\x50\x01", &index), WEFT_OK);
    ck_assert_int_eq(INDEX_SPAN("\x12\x07"
                                "1234567",
                                &index),
                     WEFT_INVALID);
    ck_assert_int_eq(INDEX_SPAN("\x12\x08"
                                "12345678\x12\x00",
                                &index),
                     WEFT_OK);
    ck_assert_uint_eq(index.span_id.length, 0); /* the last counts */
    ck_assert_int_eq(weft_otlp_index_span(WEFT_SLICE_EMPTY, &index), WEFT_OK);
    ck_assert_ptr_null(index.attributes.bytes);
}
END_TEST

START_TEST(test_attributes_apart_and_with_long_tags_are_one_region)
{
    struct weft_span_index index;
    static const char span[] = "\x30\x01"
                               "\xca\x00\x03\x0a\x01"
                               "a"
                               "\x4a\x03\x0a\x01"
                               "b"
                               "\x30\x02"
                               "\xca\x80\x00\x03\x0a\x01"
                               "c"
                               "\x4a\x03\x0a\x01"
                               "d"
                               "\x30\x03";
    ck_assert_int_eq(INDEX_SPAN(span, &index), WEFT_OK);
    ck_assert_uint_eq(index.attribute_count, 4);
    ck_assert_ptr_eq(index.attributes.bytes, span + 2);
    ck_assert_uint_eq(index.attributes.length, sizeof span - 1 - 4);
    ck_assert_int_eq(index.kind, 3);
}
END_TEST

START_TEST(test_a_body_in_pieces_merges)
{
    struct weft_log_index index;
    ck_assert_int_eq(INDEX_LOG("\x2a\x03\x0a\x01x\x10\x09\x2a\x02\x18\x07", &index), WEFT_OK);
    struct weft_otlp_value body = weft_otlp_value_of(index.body, WEFT_OTLP_BODY_FIELD);
    ck_assert_int_eq(body.kind, WEFT_OTLP_VALUE_INT);
    ck_assert_int_eq(body.integer, 7);
    ck_assert_int_eq(index.severity_number, 9);
    ck_assert_int_eq(INDEX_LOG("\x2a\x03\x0a\x01x\x2a\x00", &index), WEFT_OK);
    body = weft_otlp_value_of(index.body, WEFT_OTLP_BODY_FIELD);
    ck_assert_int_eq(body.kind, WEFT_OTLP_VALUE_STRING);
    ck_assert(weft_slice_equal_text(body.bytes, "x"));
    ck_assert_int_eq(INDEX_LOG("\x10\x09", &index), WEFT_OK);
    ck_assert_int_eq(weft_otlp_value_of(index.body, WEFT_OTLP_BODY_FIELD).kind, WEFT_OTLP_VALUE_NONE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_random_records_are_indexed_as_protobuf_c_reads_them,
        test_records_as_sdks_write_them_are_indexed_as_protobuf_c_reads_them,
        test_records_damaged_or_cut_in_every_place_do_no_harm,
        test_records_written_wrong_do_no_harm,
        test_a_status_in_pieces_merges_and_its_last_code_counts,
        test_unknown_fields_and_groups_are_passed_over_and_wrong_types_are_not,
        test_attributes_apart_and_with_long_tags_are_one_region,
        test_a_body_in_pieces_merges,
    };
    return run_tests("otlp_index", tests, WEFT_COUNT_OF(tests));
}
