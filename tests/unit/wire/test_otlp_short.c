/* The short ways of the check against the general way: the same verdict, the same words with the same offset and path,
 * the same counts, for records as SDKs write them, for their odd neighbours, and for each of them damaged in every
 * place. More of all with WEFT_TEST_ROUNDS=factor. */
#include "wire/general_check.h"

#include "wire/otlp_short.h"
#include "wire/sdk_records.h"
#include "wire/wire_scan.h"

static uint32_t rounds(uint32_t count)
{
    const char *factor = getenv("WEFT_TEST_ROUNDS");
    return factor == NULL ? count : count * (uint32_t)strtoul(factor, NULL, 10);
}

struct tally {
    uint64_t accepted, refused, plain;
};

/* Runs half a million times: check's own assertions write to a file each time that they hold. */
static void compare(struct tally *tally, enum weft_signal signal, struct weft_slice request, uint32_t max_depth)
{
    struct weft_otlp_limits limits = { .max_depth = max_depth };
    struct weft_otlp_counts counts = { 0 };
    struct weft_otlp_counts general_counts = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_error general_error = WEFT_ERROR_NONE;
    enum weft_status status = weft_otlp_check(signal, request, &limits, &counts, &error);
    enum weft_status general_status = general_check(signal, request, &limits, &general_counts, &general_error);
    if (status != general_status || strcmp(error.text, general_error.text) != 0) {
        ck_abort_msg("%d \"%s\", the general way: %d \"%s\"", (int)status, error.text, (int)general_status,
                     general_error.text);
    }
    bool are_equal = weft_otlp_counts_equal(&counts, &general_counts) && counts.is_plain == general_counts.is_plain;
    if (!are_equal) {
        ck_abort_msg("%u records, %u points, %u bad texts, plain %d; the general way: %u, %u, %u, %d", counts.records,
                     counts.data_points, counts.bad_texts, counts.is_plain, general_counts.records,
                     general_counts.data_points, general_counts.bad_texts, general_counts.is_plain);
    }
    tally->accepted += status == WEFT_OK;
    tally->plain += counts.is_plain;
    tally->refused += status != WEFT_OK;
}

static void compare_record(struct tally *tally, enum weft_signal signal, struct weft_slice record, uint32_t max_depth)
{
    struct weft_slice request = request_of_record(record);
    compare(tally, signal, request, max_depth);
    slice_free(request);
}

START_TEST(test_records_as_sdks_write_them_and_odd_ones_are_taken_alike)
{
    struct tally tally = { 0 };
    for (uint32_t seed = 0; seed < rounds(20000); seed++) {
        struct sdk sdk = { .random = { .state = seed }, .odd_one_in = seed % 4 == 0 ? 0 : 5 + seed % 40 };
        struct weft_buffer record;
        weft_buffer_init(&record, 0);
        enum weft_signal signal = (enum weft_signal)(seed % SDK_SIGNAL_COUNT);
        sdk_put_record(&sdk, &record, signal);
        compare_record(&tally, signal, weft_buffer_slice(&record), 0);
        weft_buffer_fini(&record);
    }
    ck_assert_uint_eq(tally.refused, 0);
    ck_assert_uint_gt(tally.plain, tally.accepted / 4);
    ck_assert_uint_lt(tally.plain, tally.accepted);
}
END_TEST

/* A record as SDKs write it, of which some letters are those of other alphabets, or no letters. */
static void change_letters(struct random *random, struct weft_slice record)
{
    static const char *const letters[] = { "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80", "\x80", "\xe4\xb8", "\xff" };
    uint8_t *bytes = (uint8_t *)(uintptr_t)record.bytes;
    for (size_t i = 0; i < record.length; i++) {
        const char *letter = letters[random_below(random, WEFT_COUNT_OF(letters))];
        size_t length = strlen(letter);
        bool is_room = record.length - i >= length;
        for (size_t k = 0; is_room && k < length; k++) {
            is_room = bytes[i + k] >= 'a' && bytes[i + k] <= 'z';
        }
        if (is_room && random_below(random, 6) == 0) {
            memcpy(bytes + i, letter, length);
            i += length - 1;
        }
    }
}

START_TEST(test_texts_that_are_no_utf8_are_counted_alike)
{
    struct tally tally = { 0 };
    uint32_t bad = 0;
    for (uint32_t seed = 0; seed < rounds(20000); seed++) {
        struct sdk sdk = { .random = { .state = seed + 5000000 }, .odd_one_in = seed % 3 == 0 ? 30 : 0 };
        struct weft_buffer record;
        weft_buffer_init(&record, 0);
        enum weft_signal signal = (enum weft_signal)(seed % SDK_SIGNAL_COUNT);
        sdk.letters_only = true;
        sdk_put_record(&sdk, &record, signal);
        change_letters(&sdk.random, weft_buffer_slice(&record));
        struct weft_slice request = request_of_record(weft_buffer_slice(&record));
        struct weft_otlp_counts counts = { 0 };
        compare(&tally, signal, request, 0);
        if (weft_otlp_check(signal, request, NULL, &counts, NULL) == WEFT_OK) {
            bad += counts.bad_texts;
        }
        slice_free(request);
        weft_buffer_fini(&record);
    }
    ck_assert_uint_gt(tally.accepted, 5000);
    ck_assert_uint_gt(bad, 5000);
}
END_TEST

/* Malformed in one or a few places, while all lengths around are right. */
START_TEST(test_records_written_wrong_are_refused_alike)
{
    struct tally tally = { 0 };
    for (uint32_t seed = 0; seed < rounds(40000); seed++) {
        struct sdk sdk = { .random = { .state = seed + 1000000 },
                           .odd_one_in = seed % 3 == 0 ? 0 : 30,
                           .wrong_one_in = 20 + seed % 100 };
        struct weft_buffer record;
        weft_buffer_init(&record, 0);
        enum weft_signal signal = (enum weft_signal)(seed % SDK_SIGNAL_COUNT);
        sdk_put_record(&sdk, &record, signal);
        compare_record(&tally, signal, weft_buffer_slice(&record), 0);
        weft_buffer_fini(&record);
    }
    ck_assert_uint_gt(tally.accepted, 1000);
    ck_assert_uint_gt(tally.refused, 5000);
}
END_TEST

static void damage_every_byte(struct tally *tally, enum weft_signal signal, struct weft_slice record)
{
    static const uint8_t bytes[] = { 0x00, 0x7f, 0x80, 0x81, 0xff };
    struct weft_slice request = request_of_record(record);
    uint8_t *at = (uint8_t *)(uintptr_t)request.bytes;
    for (size_t i = 0; i < request.length; i++) {
        uint8_t original = at[i];
        for (unsigned change = 0; change < 10 + WEFT_COUNT_OF(bytes); change++) {
            at[i] = change < 8    ? original ^ (uint8_t)(1u << change)
                    : change == 8 ? (uint8_t)(original + 1)
                    : change == 9 ? (uint8_t)(original - 1)
                                  : bytes[change - 10];
            compare(tally, signal, request, 0);
        }
        at[i] = original;
    }
    slice_free(request);
}

/* Cut at every point: the record alone, with the lengths around it right, and the request as it stands. */
static void cut_everywhere(struct tally *tally, enum weft_signal signal, struct weft_slice record)
{
    struct weft_slice request = request_of_record(record);
    for (size_t length = 0; length < request.length; length++) {
        if (length < record.length) {
            compare_record(tally, signal, weft_slice_of(record.bytes, length), 0);
        }
        uint8_t *cut = weft_alloc(length + (length == 0));
        memcpy(cut, request.bytes, length);
        compare(tally, signal, weft_slice_of(cut, length), 0);
        weft_free(cut);
    }
    slice_free(request);
}

START_TEST(test_records_damaged_or_cut_in_every_place_are_refused_alike)
{
    enum { LONGEST = 700 };
    struct tally tally = { 0 };
    for (uint32_t seed = 0; seed < rounds(120); seed++) {
        struct sdk sdk = { .random = { .state = seed + 2000000 }, .odd_one_in = seed % 3 == 0 ? 30 : 0 };
        struct weft_buffer record;
        weft_buffer_init(&record, 0);
        enum weft_signal signal = (enum weft_signal)(seed % SDK_SIGNAL_COUNT);
        sdk_put_record(&sdk, &record, signal);
        if (record.length <= LONGEST) {
            damage_every_byte(&tally, signal, weft_buffer_slice(&record));
            cut_everywhere(&tally, signal, weft_buffer_slice(&record));
        }
        weft_buffer_fini(&record);
    }
    ck_assert_uint_gt(tally.accepted, 10000);
    ck_assert_uint_gt(tally.refused, 10000);
}
END_TEST

/* ---- nesting ---- */

/* A span with `depth` lists in one another, each the value of an attribute; the innermost attribute is plain. */
static void put_nested_attribute(struct weft_buffer *out, uint32_t number, unsigned depth, struct weft_slice innermost)
{
    struct weft_buffer inner;
    struct weft_buffer value;
    weft_buffer_init(&inner, 0);
    weft_buffer_init(&value, 0);
    struct sdk sdk = { 0 };
    if (depth == 0) {
        weft_buffer_append(&inner, innermost.bytes, innermost.length);
    } else {
        put_nested_attribute(&inner, 1, depth - 1, innermost);
        sdk_put_run(&sdk, &value, 6, inner.bytes, inner.length);
        inner.length = 0;
        sdk_put_run(&sdk, &inner, 1, "k", 1);
        sdk_put_run(&sdk, &inner, 2, value.bytes, value.length);
    }
    sdk_put_run(&sdk, out, number, inner.bytes, inner.length);
    weft_buffer_fini(&inner);
    weft_buffer_fini(&value);
}

START_TEST(test_short_ways_keep_the_limits_of_nesting)
{
    const struct weft_slice innermost[] = {
        WEFT_SLICE_LITERAL("\x0a\x01k\x12\x03\x0a\x01v"),
        WEFT_SLICE_LITERAL("\x0a\x01k\x12\x02\x18\x05"),
        WEFT_SLICE_LITERAL("\x0a\x01k\x12\x00"),
        WEFT_SLICE_LITERAL("\x0a\x01k"),
        WEFT_SLICE_LITERAL(""),
    };
    struct tally tally = { 0 };
    for (unsigned depth = 0; depth < 40; depth++) {
        for (size_t i = 0; i < WEFT_COUNT_OF(innermost); i++) {
            struct weft_buffer span;
            weft_buffer_init(&span, 0);
            put_nested_attribute(&span, 9, depth, innermost[i]);
            compare_record(&tally, WEFT_TRACES, weft_buffer_slice(&span), 0);
            for (uint32_t limit = depth; limit < depth + 3; limit++) {
                compare_record(&tally, WEFT_TRACES, weft_buffer_slice(&span), limit + (limit == 0));
            }
            weft_buffer_fini(&span);
        }
    }
    ck_assert_uint_gt(tally.accepted, 200);
    ck_assert_uint_gt(tally.refused, 100);
}
END_TEST

/* ---- the short ways themselves ---- */

/* A short way says how long something is: fields must end exactly there. */
static void assert_fields_end_at(struct weft_slice message, size_t length)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    while (reader.at < message.bytes + length) {
        ck_assert_ptr_null(weft_wire_scan(&reader, &field));
    }
    ck_assert_ptr_eq(reader.at, message.bytes + length);
}

START_TEST(test_short_ways_are_taken_and_end_where_a_field_ends)
{
    enum { WHOLE_HEAD = 28 + 10 + 2 + 20 };
    uint32_t whole_heads = 0;
    uint32_t texts = 0;
    uint32_t attributes = 0;
    for (uint32_t seed = 0; seed < rounds(4000); seed++) {
        struct sdk sdk = { .random = { .state = seed + 3000000 }, .odd_one_in = seed % 2 == 0 ? 0 : 20 };
        struct weft_buffer buffer;
        weft_buffer_init(&buffer, 0);
        sdk_put_span(&sdk, &buffer);
        struct weft_slice span = weft_buffer_slice(&buffer);
        struct weft_slice name = WEFT_SLICE_EMPTY;
        const uint8_t *value_text;
        size_t head = weft_otlp_short_span_head(span.bytes, span.bytes + span.length, &name);
        assert_fields_end_at(span, head);
        whole_heads += head >= WHOLE_HEAD;
        ck_assert(name.length == 0 || (name.bytes > span.bytes && name.bytes + name.length < span.bytes + head));
        buffer.length = 0;
        sdk_put_attribute(&sdk, &buffer, 9, 0);
        struct weft_slice attribute = weft_buffer_slice(&buffer);
        struct weft_wire_reader reader = weft_wire_reader_of(attribute);
        struct weft_wire_field field;
        ck_assert_ptr_null(weft_wire_scan(&reader, &field));
        size_t text = weft_otlp_short_text_attribute(attribute.bytes, reader.end, 9 << 3 | WEFT_WIRE_BYTES);
        ck_assert(text == 0 || text == attribute.length);
        texts += text > 0;
        attributes += weft_otlp_short_attribute(field.bytes.bytes, reader.end, &value_text);
        weft_buffer_fini(&buffer);
    }
    ck_assert_uint_gt(whole_heads, 1000);
    ck_assert_uint_gt(texts, 1000);
    ck_assert_uint_gt(attributes, 2000);
}
END_TEST

/* A KeyValue that ends where its memory ends, behind the two bytes of its tag and length at least; what the short way
 * takes the general way must take in a span. */
static bool is_taken_rightly(struct weft_slice key_value)
{
    enum { BEFORE = 2 };
    uint8_t *copy = weft_alloc(BEFORE + key_value.length);
    if (key_value.length > 0) {
        memcpy(copy + BEFORE, key_value.bytes, key_value.length);
    }
    const uint8_t *value_text;
    bool is_taken = weft_otlp_short_attribute(copy + BEFORE, copy + BEFORE + key_value.length, &value_text);
    weft_free(copy);
    if (is_taken) {
        struct sdk sdk = { 0 };
        struct weft_otlp_counts counts;
        struct weft_buffer span;
        weft_buffer_init(&span, 0);
        sdk_put_run(&sdk, &span, 9, key_value.bytes, key_value.length);
        struct weft_slice request = request_of_record(weft_buffer_slice(&span));
        ck_assert_int_eq(general_check(WEFT_TRACES, request, NULL, &counts, NULL), WEFT_OK);
        slice_free(request);
        weft_buffer_fini(&span);
    }
    return is_taken;
}

START_TEST(test_no_cut_attribute_is_taken)
{
    for (uint32_t seed = 0; seed < rounds(2000); seed++) {
        struct sdk sdk = { .random = { .state = seed + 4000000 }, .odd_one_in = seed % 2 == 0 ? 0 : 20 };
        struct weft_buffer field;
        weft_buffer_init(&field, 0);
        sdk_put_attribute(&sdk, &field, 9, 0);
        struct weft_wire_reader reader = weft_wire_reader_of(weft_buffer_slice(&field));
        struct weft_wire_field attribute;
        ck_assert_ptr_null(weft_wire_scan(&reader, &attribute));
        for (size_t length = attribute.bytes.length < 400 ? 0 : attribute.bytes.length;
             length <= attribute.bytes.length; length++) {
            (void)is_taken_rightly(weft_slice_of(attribute.bytes.bytes, length));
        }
        weft_buffer_fini(&field);
    }
    ck_assert(!is_taken_rightly(WEFT_SLICE_LITERAL("\x0a\x01k\x12\x80")));
    ck_assert(is_taken_rightly(WEFT_SLICE_LITERAL("\x0a\x01k\x12\x02\x0a\x00")));
}
END_TEST

/* A value of the greatest length that two bytes can say, and the same bytes with a length of three. */
START_TEST(test_lengths_of_three_bytes_are_not_read_as_two)
{
    enum { TEXT = 16380, VALUE = TEXT + 3 };
    struct weft_buffer attribute;
    weft_buffer_init(&attribute, 0);
    weft_buffer_append(&attribute, "\x0a\x01k\x12\xff\x7f\x0a\xfc\x7f", 9);
    memset(weft_buffer_reserve(&attribute, TEXT + 8), 'v', TEXT + 8);
    attribute.length += TEXT;
    ck_assert(is_taken_rightly(weft_buffer_slice(&attribute)));
    attribute.length += 3;
    memcpy(attribute.bytes + 4, "\x82\x80\x0a\xff\x7f", 5);
    ck_assert(!is_taken_rightly(weft_buffer_slice(&attribute)));
    /* an AnyValue alone: a text of 16385 bytes, whose length two bytes would say as one more, if they could */
    memcpy(attribute.bytes, "\x0a\x81\x80\x01", 4);
    const uint8_t *value_text;
    ck_assert(!weft_otlp_short_value(attribute.bytes, attribute.bytes + 3 + 16385, &value_text));
    weft_buffer_fini(&attribute);
}
END_TEST

START_TEST(test_short_varint_is_one_whole_varint)
{
    struct random random = { .state = 9 };
    uint32_t taken = 0;
    for (uint32_t i = 0; i < rounds(20000); i++) {
        uint8_t bytes[8 + 12];
        for (size_t k = 0; k < sizeof bytes; k++) {
            bytes[k] = (uint8_t)(random_below(&random, 256) | (random_below(&random, 4) > 0 ? 0x80 : 0));
        }
        const uint8_t *at = bytes + 8;
        for (size_t length = 0; length <= 12; length++) {
            uint64_t value;
            bool is_whole = length <= 8 && weft_wire_read_varint_long(at, at + length, &value) == at + length;
            if (weft_otlp_short_varint(at, at + length) != is_whole) {
                ck_abort_msg("%zu bytes", length);
            }
            taken += is_whole;
        }
    }
    ck_assert_uint_gt(taken, 10000);
}
END_TEST

/* Varints of 1 to 11 bytes, and cut short of their end: what one byte or two read short is what the loop reads. */
START_TEST(test_short_varints_are_read_as_the_long_way_reads_them)
{
    struct random random = { .state = 5 };
    for (uint32_t i = 0; i < rounds(200000); i++) {
        size_t length = random_below(&random, 13);
        uint8_t *bytes = weft_alloc(length + (length == 0));
        for (size_t k = 0; k < length; k++) {
            bytes[k] =
                (uint8_t)(random_below(&random, 256) | (random_below(&random, 8) > 0 && k + 1 < length ? 0x80 : 0));
        }
        uint64_t value = 1;
        uint64_t long_value = 1;
        uint32_t small = 1;
        uint32_t long_small = 1;
        const uint8_t *end = bytes + length;
        const uint8_t *after = weft_wire_read_varint(bytes, end, &value);
        if (after != weft_wire_read_varint_long(bytes, end, &long_value) || value != long_value) {
            ck_abort_msg("varint of %zu bytes", length);
        }
        after = weft_wire_read_small(bytes, end, &small);
        if (after != weft_wire_read_small_long(bytes, end, &long_small) || small != long_small) {
            ck_abort_msg("tag or length of %zu bytes", length);
        }
        weft_free(bytes);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_records_as_sdks_write_them_and_odd_ones_are_taken_alike,
        test_texts_that_are_no_utf8_are_counted_alike,
        test_records_written_wrong_are_refused_alike,
        test_records_damaged_or_cut_in_every_place_are_refused_alike,
        test_short_ways_keep_the_limits_of_nesting,
        test_short_ways_are_taken_and_end_where_a_field_ends,
        test_no_cut_attribute_is_taken,
        test_lengths_of_three_bytes_are_not_read_as_two,
        test_short_varint_is_one_whole_varint,
        test_short_varints_are_read_as_the_long_way_reads_them,
    };
    return run_tests("otlp_short", tests, WEFT_COUNT_OF(tests));
}
