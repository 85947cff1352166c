/* The check of export requests, with requests made by hand: what is refused is named by byte and path. */
#include "wire/wire_test.h"

static enum weft_status check(enum weft_signal signal, struct weft_slice request, struct weft_otlp_counts *out_counts)
{
    return weft_otlp_check(signal, request, NULL, out_counts, NULL);
}

/* Puts contents into a field, in place: buffer becomes "tag length contents". */
static void wrap(struct weft_buffer *buffer, uint32_t number)
{
    uint8_t header[15];
    size_t length = (size_t)(weft_wire_put_bytes_header(header, number, buffer->length) - header);
    ck_assert_ptr_nonnull(weft_buffer_reserve(buffer, length));
    memmove(buffer->bytes + length, buffer->bytes, buffer->length);
    memcpy(buffer->bytes, header, length);
    buffer->length += length;
}

/* Checks a request with one record of these contents. */
static enum weft_status check_record(enum weft_signal signal, const void *contents, size_t length,
                                     struct weft_otlp_counts *out_counts, struct weft_error *error)
{
    struct weft_buffer buffer;
    weft_buffer_init(&buffer, 0);
    weft_buffer_append(&buffer, contents, length);
    wrap(&buffer, 2);
    wrap(&buffer, 2);
    wrap(&buffer, 1);
    enum weft_status status = weft_otlp_check(signal, weft_buffer_slice(&buffer), NULL, out_counts, error);
    weft_buffer_fini(&buffer);
    return status;
}

#define ck_assert_record_refused(signal, literal, expected_text)                                               \
    do {                                                                                                       \
        struct weft_error error_ = WEFT_ERROR_NONE;                                                            \
        struct weft_otlp_counts counts_;                                                                       \
        ck_assert_int_eq(check_record(signal, literal, sizeof(literal) - 1, &counts_, &error_), WEFT_INVALID); \
        ck_assert_str_eq(error_.text, expected_text);                                                          \
    } while (0)

#define ck_assert_record_accepted(signal, literal)                                                            \
    do {                                                                                                      \
        struct weft_error error_ = WEFT_ERROR_NONE;                                                           \
        struct weft_otlp_counts counts_;                                                                      \
        ck_assert_msg(check_record(signal, literal, sizeof(literal) - 1, &counts_, &error_) == WEFT_OK, "%s", \
                      error_.text);                                                                           \
        ck_assert_uint_eq(counts_.records, 1);                                                                \
    } while (0)

/* Contents of a record start at byte 6 of the request. */
#define SPAN_PATH "byte 6: resource_spans[0].scope_spans[0].spans[0]."

START_TEST(test_empty_request_is_accepted)
{
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        struct weft_otlp_counts counts = { 9, 9, 9, 9 };
        ck_assert_int_eq(check((enum weft_signal)signal, WEFT_SLICE_EMPTY, &counts), WEFT_OK);
        assert_counts_equal(counts, (struct weft_otlp_counts){ 0 });
    }
}
END_TEST

START_TEST(test_ids_of_wrong_length_are_refused)
{
    ck_assert_record_accepted(WEFT_TRACES, "\x0a\x10"
                                           "0123456789abcdef"
                                           "\x12\x08"
                                           "01234567"
                                           "\x22\x08"
                                           "01234567");
    ck_assert_record_accepted(WEFT_TRACES, "\x0a\x00\x12\x00\x22\x00");
    ck_assert_record_refused(WEFT_TRACES,
                             "\x0a\x0f"
                             "0123456789abcde",
                             SPAN_PATH "trace_id: id is 15 bytes, must be 16 or empty");
    ck_assert_record_refused(WEFT_TRACES,
                             "\x12\x10"
                             "0123456789abcdef",
                             SPAN_PATH "span_id: id is 16 bytes, must be 8 or empty");
    ck_assert_record_refused(WEFT_TRACES, "\x22\x01x", SPAN_PATH "parent_span_id: id is 1 bytes, must be 8 or empty");
    ck_assert_record_refused(WEFT_TRACES, "\x6a\x00\x6a\x05\x28\x01\x0a\x01x",
                             "byte 12: resource_spans[0].scope_spans[0].spans[0].links[1].trace_id: "
                             "id is 1 bytes, must be 16 or empty");
    ck_assert_record_refused(WEFT_LOGS, "\x4a\x01x",
                             "byte 6: resource_logs[0].scope_logs[0].log_records[0].trace_id: "
                             "id is 1 bytes, must be 16 or empty");
    ck_assert_record_refused(
        WEFT_METRICS, "\x2a\x07\x0a\x05\x2a\x03\x22\x01x",
        "byte 12: resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0].exemplars[0]."
        "span_id: id is 1 bytes, must be 8 or empty");
}
END_TEST

START_TEST(test_wrong_wire_types_are_refused)
{
    ck_assert_record_refused(WEFT_TRACES, "\x08\x01", SPAN_PATH "trace_id: wire type is 0, must be 2");
    ck_assert_record_refused(WEFT_TRACES, "\x32\x00", SPAN_PATH "kind: wire type is 2, must be 0");
    ck_assert_record_refused(WEFT_TRACES, "\x38\x00", SPAN_PATH "start_time_unix_nano: wire type is 0, must be 1");
    ck_assert_record_refused(WEFT_TRACES, "\x80\x01\x00", SPAN_PATH "flags: wire type is 0, must be 5");
    ck_assert_record_refused(WEFT_TRACES, "\x48\x00", SPAN_PATH "attributes[0]: wire type is 0, must be 2");
    ck_assert_record_refused(WEFT_TRACES, "\x4b\x4c", SPAN_PATH "attributes[0]: wire type is 3, must be 2");
}
END_TEST

START_TEST(test_lying_lengths_are_refused)
{
    ck_assert_record_refused(WEFT_TRACES, "\x2a\x05name", SPAN_PATH "name: length goes past the end");
    ck_assert_record_refused(WEFT_TRACES, "\x2a\x80", SPAN_PATH "name: length is cut off or too long");
    ck_assert_record_refused(WEFT_TRACES, "\x39\x01\x02", SPAN_PATH "start_time_unix_nano: fixed value is cut off");
    ck_assert_record_refused(WEFT_TRACES, "\x4a\x05\x0a\x01k\x12", SPAN_PATH "attributes[0]: length goes past the end");
    /* an attribute whose value says that it is longer than the attribute */
    ck_assert_record_refused(WEFT_TRACES, "\x4a\x07\x0a\x01k\x12\x03\x0a\x01v",
                             "byte 11: resource_spans[0].scope_spans[0].spans[0].attributes[0].value: "
                             "length goes past the end");
    ck_assert_record_refused(WEFT_TRACES, "\x4a\x08\x0a\x01k\x12\x03\x0a\x02v",
                             "byte 13: resource_spans[0].scope_spans[0].spans[0].attributes[0].value.string_value: "
                             "length goes past the end");
    ck_assert_record_refused(WEFT_TRACES, "\x4a\x08\x0a\x01k\x12\x03\x18\x80\x80",
                             "byte 13: resource_spans[0].scope_spans[0].spans[0].attributes[0].value.int_value: "
                             "varint is cut off or longer than 10 bytes");
}
END_TEST

START_TEST(test_bytes_after_a_plain_value_are_checked)
{
#define ATTRIBUTE_PATH "resource_spans[0].scope_spans[0].spans[0].attributes[0]"
    ck_assert_record_refused(WEFT_TRACES, "\x4a\x09\x0a\x01k\x12\x04\x0a\x01v\x80",
                             "byte 16: " ATTRIBUTE_PATH ".value: tag is cut off or too long");
    ck_assert_record_refused(WEFT_TRACES, "\x4a\x0a\x0a\x01k\x12\x05\x0a\x81\x00v\x80",
                             "byte 17: " ATTRIBUTE_PATH ".value: tag is cut off or too long");
    ck_assert_record_refused(WEFT_TRACES, "\x4a\x08\x0a\x01k\x12\x03\x18\x05\x80",
                             "byte 15: " ATTRIBUTE_PATH ".value: tag is cut off or too long");
    ck_assert_record_refused(WEFT_TRACES, "\x4a\x09\x0a\x01k\x12\x03\x0a\x01v\x80",
                             "byte 16: " ATTRIBUTE_PATH ": tag is cut off or too long");
}
END_TEST

START_TEST(test_varints_longer_than_ten_bytes_are_refused)
{
    ck_assert_record_accepted(WEFT_TRACES, "\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    ck_assert_record_refused(WEFT_TRACES, "\x30\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
                             SPAN_PATH "kind: varint is cut off or longer than 10 bytes");
    ck_assert_record_accepted(WEFT_TRACES, "\x4a\x10\x0a\x01k\x12\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    ck_assert_record_accepted(WEFT_TRACES, "\x4a\x0e\x0a\x01k\x12\x09\x18\xff\xff\xff\xff\xff\xff\xff\x01");
    ck_assert_record_refused(WEFT_TRACES, "\x4a\x11\x0a\x01k\x12\x0c\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x80\x01",
                             "byte 13: resource_spans[0].scope_spans[0].spans[0].attributes[0].value.int_value: "
                             "varint is cut off or longer than 10 bytes");
}
END_TEST

START_TEST(test_malformed_tags_are_refused)
{
    ck_assert_record_refused(WEFT_TRACES, "\x00\x00",
                             "byte 6: resource_spans[0].scope_spans[0].spans[0]: field number is 0");
    ck_assert_record_refused(WEFT_TRACES, "\x0e\x00", SPAN_PATH "trace_id: wire type is 6 or 7");
    ck_assert_record_refused(WEFT_TRACES, "\x80",
                             "byte 6: resource_spans[0].scope_spans[0].spans[0]: tag is cut off or too long");
    ck_assert_record_refused(WEFT_TRACES, "\xf9\x01\x00", SPAN_PATH "field 31: fixed value is cut off");
}
END_TEST

START_TEST(test_unknown_fields_and_groups_are_accepted_when_well_formed)
{
    ck_assert_record_accepted(WEFT_TRACES, "\xf8\x01\x05\xf9\x01"
                                           "12345678"
                                           "\xfa\x01\x01x\xfd\x01"
                                           "1234");
    ck_assert_record_accepted(WEFT_TRACES, "\xfb\x01\x08\x01\xfb\x01\xfc\x01\xfc\x01");
    ck_assert_record_refused(WEFT_TRACES, "\xfb\x01\x08\x01", SPAN_PATH "field 31: group is not closed");
    ck_assert_record_refused(WEFT_TRACES, "\xfc\x01", SPAN_PATH "field 31: group is closed that was not opened");
    ck_assert_record_refused(WEFT_LOGS, "\x20\x01\x22\x05x",
                             "byte 8: resource_logs[0].scope_logs[0].log_records[0].field 4: length goes past the end");
}
END_TEST

START_TEST(test_legal_oddities_are_accepted)
{
    /* fields in reverse, a singular field twice, tags and lengths longer than needed */
    ck_assert_record_accepted(WEFT_TRACES, "\x30\x02\x2a\x01z\x2a\x81\x00y\xb0\x80\x00\x01\x0a\x00");
    /* attribute: value first, key twice, no value, empty, tag of two bytes */
    ck_assert_record_accepted(WEFT_TRACES,
                              "\x4a\x07\x12\x02\x10\x01\x0a\x01k\x4a\x06\x0a\x01k\x0a\x01k\x4a\x03\x0a\x01k\x4a\x00"
                              "\xca\x00\x00");
    /* attribute values: empty, string and bool in turn, bytes, array, list */
    ck_assert_record_accepted(WEFT_TRACES,
                              "\x4a\x02\x12\x00\x4a\x06\x12\x04\x0a\x00\x10\x01\x4a\x05\x12\x03\x3a\x01x"
                              "\x4a\x08\x12\x06\x2a\x04\x0a\x02\x10\x01\x4a\x08\x12\x06\x32\x04\x0a\x02\x12\x00");
}
END_TEST

START_TEST(test_packed_fields_are_accepted_packed_and_one_by_one)
{
    /* histogram point: bucket_counts = 6, packed fixed64 */
    ck_assert_record_accepted(WEFT_METRICS, "\x4a\x0c\x0a\x0a\x32\x08"
                                            "12345678");
    ck_assert_record_accepted(WEFT_METRICS, "\x4a\x0b\x0a\x09\x31"
                                            "12345678");
    ck_assert_record_refused(WEFT_METRICS,
                             "\x4a\x0b\x0a\x09\x32\x07"
                             "1234567",
                             "byte 10: resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0]."
                             "bucket_counts[0]: 7 packed bytes, must be a multiple of 8");
    ck_assert_record_refused(WEFT_METRICS, "\x4a\x04\x0a\x02\x30\x01",
                             "byte 10: resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0]."
                             "bucket_counts[0]: wire type is 0, must be 2");
    /* exponential histogram point: positive = 8, bucket_counts = 2, packed varints */
    ck_assert_record_accepted(WEFT_METRICS, "\x52\x09\x0a\x07\x42\x05\x12\x03\x01\x80\x01");
    ck_assert_record_accepted(WEFT_METRICS, "\x52\x08\x0a\x06\x42\x04\x10\x01\x10\x02");
    ck_assert_record_refused(
        WEFT_METRICS, "\x52\x08\x0a\x06\x42\x04\x12\x02\x01\x80",
        "byte 12: resource_metrics[0].scope_metrics[0].metrics[0].exponential_histogram.data_points[0]."
        "positive.bucket_counts[0]: packed varints are malformed");
}
END_TEST

START_TEST(test_points_count_as_protobuf_merges_a_oneof)
{
    static const struct {
        const char *bytes;
        size_t length;
        uint32_t points;
    } rows[] = {
        { "\x2a\x04\x0a\x00\x0a\x00", 6, 2 },                  /* gauge of two */
        { "\x2a\x04\x0a\x00\x0a\x00\x2a\x02\x0a\x00", 10, 3 }, /* the same kind adds */
        { "\x2a\x04\x0a\x00\x0a\x00\x3a\x02\x0a\x00", 10, 1 }, /* another kind replaces */
        { "\x3a\x04\x10\x01\x18\x01", 6, 0 },                  /* sum without points */
        { "\x4a\x02\x0a\x00", 4, 1 },                          /* histogram */
        { "\x52\x02\x0a\x00", 4, 1 },                          /* exponential histogram */
        { "\x5a\x02\x0a\x00", 4, 1 },                          /* summary */
        { "\x62\x02\x0a\x00\xa2\x01\x02\x0a\x00", 9, 0 },      /* metadata, and a field to come */
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_otlp_counts counts;
        struct weft_error error = WEFT_ERROR_NONE;
        enum weft_status status = check_record(WEFT_METRICS, rows[i].bytes, rows[i].length, &counts, &error);
        ck_assert_msg(status == WEFT_OK, "%zu: %s", i, error.text);
        ck_assert_uint_eq(counts.records, 1);
        ck_assert_uint_eq(counts.data_points, rows[i].points);
    }
}
END_TEST

/* A log whose body holds an array in an array ..., `values` AnyValues in one another, the last with these
 * contents. */
static enum weft_status check_nested(size_t values, struct weft_slice innermost, const struct weft_otlp_limits *limits,
                                     struct weft_error *error)
{
    size_t capacity = values * 12 + 64;
    uint8_t *bytes = weft_alloc(capacity);
    uint8_t *end = bytes + capacity;
    uint8_t *at = end - innermost.length;
    if (innermost.length > 0) {
        memcpy(at, innermost.bytes, innermost.length);
    }
    for (size_t i = 0; i + 1 < values; i++) {
        static const uint32_t numbers[] = { 1, 5 };
        for (size_t k = 0; k < 2; k++) {
            size_t length = (size_t)(end - at);
            at -= weft_wire_size_bytes_header(numbers[k], length);
            weft_wire_put_bytes_header(at, numbers[k], length);
        }
    }
    struct weft_buffer buffer;
    weft_buffer_init(&buffer, 0);
    weft_buffer_append(&buffer, at, (size_t)(end - at));
    weft_free(bytes);
    static const uint32_t frame[] = { 5, 2, 2, 1 };
    for (size_t i = 0; i < WEFT_COUNT_OF(frame); i++) {
        wrap(&buffer, frame[i]);
    }
    struct weft_otlp_counts counts;
    enum weft_status status = weft_otlp_check(WEFT_LOGS, weft_buffer_slice(&buffer), limits, &counts, error);
    weft_buffer_fini(&buffer);
    return status;
}

START_TEST(test_nesting_is_limited_in_values_and_in_messages)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_otlp_limits four = { .max_depth = 4 };
    ck_assert_int_eq(check_nested(4, WEFT_SLICE_EMPTY, &four, NULL), WEFT_OK);
    ck_assert_int_eq(check_nested(5, WEFT_SLICE_EMPTY, &four, &error), WEFT_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "array_value.values[0]: is nested too deep (4 values, 100 messages)"));
    /* 3 messages down to the record, 1 for the first value, 2 for each further one */
    ck_assert_int_eq(check_nested(49, WEFT_SLICE_EMPTY, NULL, NULL), WEFT_OK);
    struct weft_slice empty_array = WEFT_SLICE_LITERAL("\x2a\x00");
    ck_assert_int_eq(check_nested(48, empty_array, NULL, NULL), WEFT_OK);
    ck_assert_int_eq(check_nested(49, empty_array, NULL, NULL), WEFT_INVALID);
}
END_TEST

START_TEST(test_depth_of_100000_costs_nothing)
{
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(check_nested(100000, WEFT_SLICE_EMPTY, NULL, &error), WEFT_INVALID);
    ck_assert_uint_eq(strncmp(error.text, "byte ", 5), 0);
    ck_assert_ptr_nonnull(strstr(error.text, "is nested too deep"));
    struct weft_otlp_limits huge = { .max_depth = UINT32_MAX };
    ck_assert_int_eq(check_nested(100000, WEFT_SLICE_EMPTY, &huge, NULL), WEFT_INVALID);
}
END_TEST

START_TEST(test_a_mebibyte_of_empty_spans_is_accepted_and_counted)
{
    enum { SPANS = 512 * 1024 };
    struct weft_buffer buffer;
    weft_buffer_init(&buffer, 0);
    for (size_t i = 0; i < SPANS; i++) {
        weft_buffer_append(&buffer, "\x12\x00", 2);
    }
    wrap(&buffer, 2);
    wrap(&buffer, 1);
    struct weft_otlp_counts counts;
    ck_assert_int_eq(check(WEFT_TRACES, weft_buffer_slice(&buffer), &counts), WEFT_OK);
    assert_counts_equal(counts, (struct weft_otlp_counts){ 1, 1, SPANS, SPANS });
    weft_buffer_fini(&buffer);
}
END_TEST

START_TEST(test_failure_names_every_index_of_its_path)
{
    static const char bytes[] = "\x0a\x00\x0a\x0c\x12\x00\x12\x08\x12\x00\x1a\x00\x12\x02\x2a\x05";
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_otlp_counts counts = { 7, 7, 7, 7 };
    ck_assert_int_eq(weft_otlp_check(WEFT_TRACES, weft_slice_of(bytes, sizeof bytes - 1), NULL, &counts, &error),
                     WEFT_INVALID);
    ck_assert_str_eq(error.text, "byte 14: resource_spans[1].scope_spans[1].spans[1].name: length goes past the end");
    ck_assert_uint_eq(counts.records, 7);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_empty_request_is_accepted,
        test_ids_of_wrong_length_are_refused,
        test_wrong_wire_types_are_refused,
        test_lying_lengths_are_refused,
        test_bytes_after_a_plain_value_are_checked,
        test_varints_longer_than_ten_bytes_are_refused,
        test_malformed_tags_are_refused,
        test_unknown_fields_and_groups_are_accepted_when_well_formed,
        test_legal_oddities_are_accepted,
        test_packed_fields_are_accepted_packed_and_one_by_one,
        test_points_count_as_protobuf_merges_a_oneof,
        test_nesting_is_limited_in_values_and_in_messages,
        test_depth_of_100000_costs_nothing,
        test_a_mebibyte_of_empty_spans_is_accepted_and_counted,
        test_failure_names_every_index_of_its_path,
    };
    return run_tests("otlp_check", tests, WEFT_COUNT_OF(tests));
}
