/* The schema-less reader and writer: every wire type, the edges of varints and lengths, groups, every cut. */
#include "wire/wire_test.h"

#include "wire/signal.h"

static enum weft_status read_one(const void *bytes, size_t length, struct weft_wire_field *out_field,
                                 struct weft_error *error)
{
    struct weft_wire_reader reader = weft_wire_reader_of(weft_slice_of(bytes, length));
    bool has_field = false;
    enum weft_status status = weft_wire_next(&reader, out_field, &has_field, error);
    if (status == WEFT_OK) {
        ck_assert(has_field);
        ck_assert_uint_eq(out_field->whole.length, length);
        ck_assert_ptr_eq(reader.at, reader.end);
    }
    return status;
}

#define ck_assert_refused(literal, expected_text)                                                 \
    do {                                                                                          \
        struct weft_error error_ = WEFT_ERROR_NONE;                                               \
        struct weft_wire_field field_;                                                            \
        ck_assert_int_eq(read_one(literal, sizeof(literal) - 1, &field_, &error_), WEFT_INVALID); \
        ck_assert_str_eq(error_.text, expected_text);                                             \
    } while (0)

#define ck_assert_field(literal, number_, type_, value_)                                  \
    do {                                                                                  \
        struct weft_wire_field field_;                                                    \
        ck_assert_int_eq(read_one(literal, sizeof(literal) - 1, &field_, NULL), WEFT_OK); \
        ck_assert_uint_eq(field_.number, number_);                                        \
        ck_assert_int_eq(field_.type, type_);                                             \
        ck_assert_uint_eq(field_.number_value, value_);                                   \
    } while (0)

START_TEST(test_each_wire_type_is_read)
{
    ck_assert_field("\x08\x96\x01", 1, WEFT_WIRE_VARINT, 150);
    ck_assert_field("\x09\x01\x02\x03\x04\x05\x06\x07\x08", 1, WEFT_WIRE_FIXED64, UINT64_C(0x0807060504030201));
    ck_assert_field("\x85\x01\x01\x02\x03\xff", 16, WEFT_WIRE_FIXED32, 0xff030201u);
    struct weft_wire_field field;
    ck_assert_int_eq(read_one("\x12\x07testing", 9, &field, NULL), WEFT_OK);
    ck_assert(field.type == WEFT_WIRE_BYTES && field.number == 2);
    ck_assert(weft_slice_equal_text(field.bytes, "testing"));
    ck_assert_int_eq(read_one("\x12\x00", 2, &field, NULL), WEFT_OK);
    ck_assert_uint_eq(field.bytes.length, 0);
}
END_TEST

START_TEST(test_varint_of_ten_bytes_is_read_and_of_eleven_refused)
{
    ck_assert_field("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 1, WEFT_WIRE_VARINT, UINT64_MAX);
    ck_assert_field("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 1, WEFT_WIRE_VARINT, 0);
    ck_assert_refused("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
                      "byte 0: varint is cut off or longer than 10 bytes");
    ck_assert_refused("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
                      "byte 0: varint is cut off or longer than 10 bytes");
}
END_TEST

START_TEST(test_tags_and_lengths_end_at_five_bytes)
{
    ck_assert_field("\x88\x80\x80\x80\x00\x05", 1, WEFT_WIRE_VARINT, 5);
    ck_assert_refused("\x88\x80\x80\x80\x80\x00\x05", "byte 0: tag is cut off or too long");
    ck_assert_field("\xf8\xff\xff\xff\x0f\x05", 536870911, WEFT_WIRE_VARINT, 5);
    ck_assert_refused("\xf8\xff\xff\xff\x1f\x05", "byte 0: tag is cut off or too long");
    struct weft_wire_field field;
    ck_assert_int_eq(read_one("\x0a\x81\x80\x80\x80\x00x", 7, &field, NULL), WEFT_OK);
    ck_assert(weft_slice_equal_text(field.bytes, "x"));
    ck_assert_refused("\x0a\x81\x80\x80\x80\x80\x00x", "byte 0: length is cut off or too long");
    ck_assert_refused("\x0a\xff\xff\xff\xff\x0fx", "byte 0: length goes past the end");
    ck_assert_refused("\x0a\xff\xff\xff\xff\x1fx", "byte 0: length is cut off or too long");
}
END_TEST

START_TEST(test_malformed_tags_are_refused)
{
    ck_assert_refused("\x00\x01", "byte 0: field number is 0");
    ck_assert_refused("\x0e\x01", "byte 0: wire type is 6 or 7");
    ck_assert_refused("\x0f\x01", "byte 0: wire type is 6 or 7");
}
END_TEST

START_TEST(test_offset_counts_from_the_origin)
{
    static const uint8_t bytes[] = "\x08\x01\x12\x03"
                                   "abc"
                                   "\x12\x7f";
    struct weft_wire_reader reader = weft_wire_reader_of(weft_slice_of(bytes, sizeof bytes - 1));
    struct weft_wire_field field;
    bool has_field = false;
    ck_assert_int_eq(weft_wire_next(&reader, &field, &has_field, NULL), WEFT_OK);
    ck_assert_int_eq(weft_wire_next(&reader, &field, &has_field, NULL), WEFT_OK);
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_wire_next(&reader, &field, &has_field, &error), WEFT_INVALID);
    ck_assert_str_eq(error.text, "byte 7: length goes past the end");
}
END_TEST

START_TEST(test_end_is_no_error)
{
    struct weft_wire_reader reader = weft_wire_reader_of(WEFT_SLICE_EMPTY);
    struct weft_wire_field field;
    bool has_field = true;
    ck_assert_int_eq(weft_wire_next(&reader, &field, &has_field, NULL), WEFT_OK);
    ck_assert(!has_field);
}
END_TEST

START_TEST(test_balanced_group_is_one_field)
{
    ck_assert_field("\x0b\x0c", 1, WEFT_WIRE_GROUP_START, 0);
    ck_assert_field("\x0b\x08\x01\x13\x1a\x01x\x14\x0c", 1, WEFT_WIRE_GROUP_START, 0);
}
END_TEST

START_TEST(test_unbalanced_groups_are_refused)
{
    ck_assert_refused("\x0c", "byte 0: group is closed that was not opened");
    ck_assert_refused("\x0b", "byte 0: group is not closed");
    ck_assert_refused("\x0b\x13\x0c\x14", "byte 0: group is closed by another number");
    ck_assert_refused("\x0b\x12\x7f\x0c", "byte 0: length goes past the end");
}
END_TEST

static void group_of_depth(size_t depth, struct weft_error *error, enum weft_status expected)
{
    uint8_t *bytes = weft_alloc(2 * depth);
    memset(bytes, 0x0b, depth);
    memset(bytes + depth, 0x0c, depth);
    struct weft_wire_field field;
    ck_assert_int_eq(read_one(bytes, 2 * depth, &field, error), expected);
    weft_free(bytes);
}

START_TEST(test_groups_end_at_depth_64)
{
    struct weft_error error = WEFT_ERROR_NONE;
    group_of_depth(64, &error, WEFT_OK);
    group_of_depth(65, &error, WEFT_INVALID);
    ck_assert_str_eq(error.text, "byte 0: groups are nested too deep");
    group_of_depth(100000, &error, WEFT_INVALID);
}
END_TEST

/* In memory of exactly that size, so that ASan sees a read past the cut. */
START_TEST(test_every_cut_is_refused)
{
    static const struct {
        const char *bytes;
        size_t length;
    } rows[] = {
        { "\x08\x96\x81\x01", 4 },         { "\x81\x01\x02\x03\x04\x05\x06\x07\x08\x09", 10 }, { "\x0a\x81\x00x", 4 },
        { "\x85\x01\x01\x02\x03\x04", 6 }, { "\x0b\x08\x01\x13\x1a\x01x\x14\x0c", 9 },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        for (size_t length = 1; length <= rows[i].length; length++) {
            uint8_t *copy = weft_alloc(length);
            memcpy(copy, rows[i].bytes, length);
            struct weft_wire_field field;
            ck_assert_int_eq(read_one(copy, length, &field, NULL), length == rows[i].length ? WEFT_OK : WEFT_INVALID);
            weft_free(copy);
        }
    }
}
END_TEST

START_TEST(test_written_varint_reads_back)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int delta = -1; delta <= 1; delta++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)delta;
            uint8_t bytes[11] = { 0x08 };
            size_t length = (size_t)(weft_wire_put_varint(bytes + 1, value) - bytes);
            ck_assert_uint_eq(weft_wire_size_varint(value), length - 1);
            struct weft_wire_field field;
            ck_assert_int_eq(read_one(bytes, length, &field, NULL), WEFT_OK);
            ck_assert_uint_eq(field.number_value, value);
        }
    }
}
END_TEST

START_TEST(test_written_header_has_the_promised_size)
{
    static const uint32_t numbers[] = { 1, 15, 16, 2047, 2048, 536870911 };
    static const size_t lengths[] = { 0, 1, 127, 128, 16383, 16384, 2097151, 2097152 };
    for (size_t i = 0; i < WEFT_COUNT_OF(numbers); i++) {
        for (size_t j = 0; j < WEFT_COUNT_OF(lengths); j++) {
            uint8_t *bytes = weft_alloc(lengths[j] + 15);
            size_t header = (size_t)(weft_wire_put_bytes_header(bytes, numbers[i], lengths[j]) - bytes);
            ck_assert_uint_eq(header, weft_wire_size_bytes_header(numbers[i], lengths[j]));
            struct weft_wire_field field;
            ck_assert_int_eq(read_one(bytes, header + lengths[j], &field, NULL), WEFT_OK);
            ck_assert_uint_eq(field.number, numbers[i]);
            ck_assert_uint_eq(field.bytes.length, lengths[j]);
            weft_free(bytes);
        }
    }
}
END_TEST

START_TEST(test_signals_have_the_names_of_the_collector)
{
    ck_assert_str_eq(weft_signal_name(WEFT_TRACES), "traces");
    ck_assert_str_eq(weft_signal_name(WEFT_METRICS), "metrics");
    ck_assert_str_eq(weft_signal_name(WEFT_LOGS), "logs");
    ck_assert_str_eq(weft_signal_items_name(WEFT_TRACES), "spans");
    ck_assert_str_eq(weft_signal_items_name(WEFT_METRICS), "metric_points");
    ck_assert_str_eq(weft_signal_items_name(WEFT_LOGS), "log_records");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_each_wire_type_is_read,
        test_varint_of_ten_bytes_is_read_and_of_eleven_refused,
        test_tags_and_lengths_end_at_five_bytes,
        test_malformed_tags_are_refused,
        test_offset_counts_from_the_origin,
        test_end_is_no_error,
        test_balanced_group_is_one_field,
        test_unbalanced_groups_are_refused,
        test_groups_end_at_depth_64,
        test_every_cut_is_refused,
        test_written_varint_reads_back,
        test_written_header_has_the_promised_size,
        test_signals_have_the_names_of_the_collector,
    };
    return run_tests("protobuf", tests, WEFT_COUNT_OF(tests));
}
