/* Where the fields of a message lie, and the attributes that are sought in it, beside a walk that reads each field:
 * spans as SDKs write them, and with fields in any order, left out and repeated. */
#include <check.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "ottl/record.h"
#include "suite.h"
#include "wire/protobuf.h"

enum { ATTRIBUTES = 9 };

static const char *const sought_keys[] = { "a", "bb", "http.route" };

static uint64_t random_state = 1;

static uint64_t lot(uint64_t count)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 33) % count;
}

static void put_bytes(struct weft_buffer *out, uint32_t number, size_t length)
{
    static const uint8_t bytes[20000] = { 'x' };
    uint8_t header[16];
    uint8_t *end = weft_wire_put_bytes_header(header, number, length);
    weft_buffer_append(out, header, (size_t)(end - header));
    weft_buffer_append(out, bytes, length);
}

static void put_number(struct weft_buffer *out, uint32_t number, enum weft_wire_type type, uint64_t value)
{
    uint8_t bytes[20];
    uint8_t *at = weft_wire_put_varint(bytes, (uint64_t)number << 3 | type);
    if (type == WEFT_WIRE_VARINT) {
        at = weft_wire_put_varint(at, value);
    } else {
        memcpy(at, &value, sizeof value);
        at += sizeof value;
    }
    weft_buffer_append(out, bytes, (size_t)(at - bytes));
}

static bool is_plain; /* then no attribute has a key behind its value */

/* Now and then a field is left out, or has another length. */
static void put_head(struct weft_buffer *out)
{
    uint64_t odd = lot(24);
    put_bytes(out, 1, odd == 0 ? 15 : 16);
    put_bytes(out, 2, odd == 1 ? 0 : 8);
    if (lot(2) == 0) {
        put_bytes(out, 4, odd == 2 ? 7 : 8);
    }
    put_bytes(out, odd == 3 ? 3 : 5, odd == 4 ? 200 : lot(20));
    put_number(out, 6, WEFT_WIRE_VARINT, odd == 5 ? 300 : lot(5));
    put_number(out, odd == 6 ? 8 : 7, WEFT_WIRE_FIXED64, lot(1000));
    put_number(out, odd == 7 ? 12 : 8, WEFT_WIRE_FIXED64, 1000 + lot(1000));
}

static void put_attribute(struct weft_buffer *out)
{
    static const char *const keys[] = { "a", "bb", "http.route", "http.routf", "ab", "", "service" };
    static const size_t lengths[] = { 0, 1, 90, 115, 118, 119, 123, 200, 20000 };
    const char *key = keys[lot(WEFT_COUNT_OF(keys))];
    struct weft_buffer inner = { 0 };
    uint8_t header[16];
    if (lot(10) == 0) {
        put_bytes(&inner, 2, lot(9));
    }
    uint8_t *end = weft_wire_put_bytes_header(header, 1, strlen(key));
    weft_buffer_append(&inner, header, (size_t)(end - header));
    weft_buffer_append_text(&inner, key);
    put_bytes(&inner, lot(10) == 0 ? 12 : 2, lengths[lot(WEFT_COUNT_OF(lengths))]);
    if (lot(10) == 0) {
        put_bytes(&inner, 13, lot(3));
    }
    if (lot(10) == 0 && !is_plain) {
        weft_buffer_append(&inner,
                           "\x0a\x02"
                           "bb",
                           4); /* of two keys the last counts */
    }
    end = weft_wire_put_bytes_header(header, ATTRIBUTES, inner.length);
    weft_buffer_append(out, header, (size_t)(end - header));
    weft_buffer_append(out, inner.bytes, inner.length);
    weft_buffer_fini(&inner);
}

static void put_span(struct weft_buffer *out)
{
    if (lot(4) != 0) {
        put_head(out);
    }
    for (uint64_t left = lot(12); left > 0; left--) {
        uint64_t choice = lot(8);
        if (choice < 5) {
            put_attribute(out);
        } else if (choice == 5) {
            put_bytes(out, 10 + (uint32_t)lot(20), lot(200));
        } else {
            put_number(out, 1 + (uint32_t)lot(20), choice == 6 ? WEFT_WIRE_VARINT : WEFT_WIRE_FIXED64, lot(1000));
        }
    }
}

static void expect_field(const struct weft_ottl_message *message, uint32_t number)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message->bytes);
    struct weft_wire_field field;
    struct weft_wire_field last = { 0 };
    const uint8_t *first = NULL, *end = NULL;
    bool has_field = true, is_scattered = false;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == number) {
            is_scattered = is_scattered || (first != NULL && end != field.whole.bytes);
            first = first != NULL ? first : field.whole.bytes;
            end = field.whole.bytes + field.whole.length;
            last = field;
        }
    }
    const struct weft_ottl_field *found = weft_ottl_message_field(message, number);
    ck_assert_uint_eq(found != NULL, first != NULL);
    ck_assert_uint_eq(message->scattered >> number & 1, is_scattered);
    if (found == NULL) {
        return;
    }
    ck_assert_ptr_eq(found->first, first);
    ck_assert_ptr_eq(found->end, end);
    if (last.type != WEFT_WIRE_BYTES) {
        ck_assert_uint_eq(found->number, last.number_value);
    } else if (number != ATTRIBUTES) {
        ck_assert_ptr_eq(found->bytes.bytes, last.bytes.bytes);
        ck_assert_uint_eq(found->bytes.length, last.bytes.length);
    }
}

static void expect_slot(const struct weft_ottl_message *message, uint8_t number)
{
    struct weft_otlp_attributes all = { 0 };
    const struct weft_ottl_slots *slots = &message->slots;
    size_t count = 0;
    ck_assert(weft_otlp_attributes_read(message->bytes, ATTRIBUTES, &all) == WEFT_OK);
    for (size_t i = 0; i < all.count; i++) {
        if (weft_slice_equal(all.items[i].key, slots->sought->keys[number])) {
            struct weft_slice whole = all.items[i].whole;
            ck_assert(count > 0 || slots->items[number].at == whole.bytes);
            ck_assert(count > 0 || slots->items[number].end == whole.bytes + whole.length);
            count++;
        }
    }
    ck_assert_uint_eq(slots->found >> number & 1, count > 0);
    ck_assert_uint_eq(slots->doubled >> number & 1, count > 1);
    weft_otlp_attributes_fini(&all);
}

/* Of the fields that SDKs begin a span with those are there that texts ask for. */
static void expect_fields(const struct weft_ottl_message *message, uint32_t fields)
{
    const uint32_t head = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8;
    for (uint32_t i = 1; i < WEFT_OTTL_FIELD_COUNT; i++) {
        if (((fields | ~head) >> i & 1) != 0) {
            expect_field(message, i);
        }
    }
}

/* What is skimmed beside what is decoded. */
static void expect_skimmed(const struct weft_ottl_message *skimmed, const struct weft_ottl_message *decoded,
                           const struct weft_ottl_wants *wants)
{
    ck_assert(skimmed->is_skimmed && !skimmed->is_decoded);
    for (uint32_t i = 1; i < WEFT_OTTL_FIELD_COUNT; i++) {
        const struct weft_ottl_field *found = weft_ottl_message_field(skimmed, i);
        const struct weft_ottl_field *expected = weft_ottl_message_field(decoded, i);
        if ((wants->fields >> i & 1) == 0 || i == ATTRIBUTES) {
            continue;
        }
        ck_assert_uint_eq(found != NULL, expected != NULL);
        bool is_text = expected != NULL && (*expected->first & 7) == WEFT_WIRE_BYTES;
        bool is_one_type = expected != NULL && (decoded->scattered >> i & 1) == 0;
        if (is_one_type && is_text) {
            ck_assert_ptr_eq(found->bytes.bytes, expected->bytes.bytes);
            ck_assert_uint_eq(found->bytes.length, expected->bytes.length);
        } else if (is_one_type) {
            ck_assert_uint_eq(found->number, expected->number);
        }
    }
    for (uint8_t i = 0; i < WEFT_COUNT_OF(sought_keys); i++) {
        const struct weft_ottl_slot *found = &skimmed->slots.items[i], *expected = &decoded->slots.items[i];
        if ((wants->keys >> i & 1) == 0) {
            continue;
        }
        ck_assert_uint_eq(skimmed->slots.found >> i & 1, decoded->slots.found >> i & 1);
        if ((decoded->slots.found >> i & 1) != 0) {
            ck_assert(found->at == expected->at && found->end == expected->end);
            ck_assert_ptr_eq(found->contents, expected->contents);
        }
    }
}

START_TEST(test_fields_and_attributes_lie_where_a_walk_finds_them)
{
    struct weft_ottl_record *record = calloc(1, sizeof *record);
    struct weft_ottl_sought sought = { 0 };
    uint8_t number;
    for (size_t i = 0; i < WEFT_COUNT_OF(sought_keys); i++) {
        ck_assert(weft_ottl_sought_add(&sought, weft_slice_of_text(sought_keys[i]), &number));
    }
    struct weft_ottl_record *skimmed = calloc(1, sizeof *skimmed);
    struct weft_ottl_wants wants;
    weft_ottl_record_seek(skimmed, &sought);
    weft_ottl_record_want(skimmed, &wants);
    for (int round = 0; round < 20000; round++) {
        wants = (struct weft_ottl_wants){ lot(8), (uint32_t)lot(2) * (uint32_t)lot(1 << 17) | (uint32_t)lot(4) << 5 };
        struct weft_buffer span = { 0 };
        sought.fields = wants.fields | (lot(2) == 0 ? UINT32_MAX : (uint32_t)lot(1 << 17));
        is_plain = lot(2) == 0;
        put_span(&span);
        weft_ottl_record_seek(record, &sought);
        weft_ottl_record_set_plain(record, is_plain);
        weft_ottl_record_set_resource(record, WEFT_TRACES, WEFT_SLICE_EMPTY);
        weft_ottl_record_set_record(record, weft_buffer_slice(&span));
        const struct weft_ottl_message *message = weft_ottl_record_decoded(record, WEFT_OTTL_LEVEL_RECORD);
        expect_fields(message, sought.fields);
        for (uint8_t i = 0; i < sought.count; i++) {
            expect_slot(message, i);
        }
        weft_ottl_record_set_plain(skimmed, is_plain);
        weft_ottl_record_set_resource(skimmed, WEFT_TRACES, WEFT_SLICE_EMPTY);
        weft_ottl_record_set_record(skimmed, weft_buffer_slice(&span));
        expect_skimmed(weft_ottl_record_skimmed(skimmed, WEFT_OTTL_LEVEL_RECORD), message, &wants);
        const struct weft_ottl_message *both = weft_ottl_record_decoded(skimmed, WEFT_OTTL_LEVEL_RECORD);
        expect_fields(both, sought.fields);
        for (uint8_t i = 0; i < sought.count; i++) {
            expect_slot(both, i);
        }
        weft_buffer_fini(&span);
    }
    free(skimmed);
    free(record);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");
    TCase *tests = tcase_create("decode");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_fields_and_attributes_lie_where_a_walk_finds_them);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
