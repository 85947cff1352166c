/* Opening attributes: every legal shape of a record and of a KeyValue. */
#include "suite.h"
#include "wire/otlp_attributes.h"

#include <check.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "wire/checked.h"

static struct weft_otlp_attributes attributes;

#define READ(bytes, field) weft_otlp_attributes_read(weft_slice_of(bytes, sizeof(bytes) - 1), (field), &attributes)

static void expect_key(size_t index, const char *key)
{
    ck_assert_uint_lt(index, attributes.count);
    ck_assert_msg(weft_slice_equal_text(attributes.items[index].key, key), "%.*s",
                  WEFT_SLICE_PRINT(attributes.items[index].key));
}

START_TEST(test_attributes_are_found_between_fields_of_every_type)
{
    static const char record[] = "\x4a\x07\x0a\x01"
                                 "a\x12\x02\x10\x01" /* a */
                                 "\x08\xff\x01"      /* varint */
                                 "\x11"
                                 "12345678" /* fixed64 */
                                 "\x1d"
                                 "1234" /* fixed32 */
                                 "\x2a\x04\x4a\x02"
                                 "no"                       /* bytes that look like one */
                                 "\x53\x4a\x02\x0a\x00\x54" /* a group with one inside */
                                 "\x48\x01"                 /* the number with another type */
                                 "\x4a\x05\x0a\x01"
                                 "b\x12\x00"
                                 "\x4a\x05\x0a\x01"
                                 "a\x12\x00"; /* a again */
    ck_assert(READ(record, 9) == WEFT_OK);
    ck_assert_uint_eq(attributes.count, 3);
    expect_key(0, "a");
    expect_key(1, "b");
    expect_key(2, "a");
    ck_assert_ptr_eq(attributes.items[0].whole.bytes, record);
    ck_assert_uint_eq(attributes.items[0].whole.length, 9);
    ck_assert_ptr_eq(attributes.items[0].contents.bytes, record + 2);
    ck_assert_uint_eq(attributes.items[0].contents.length, 7);
    ck_assert(READ("", 9) == WEFT_OK);
    ck_assert_uint_eq(attributes.count, 0);
}
END_TEST

START_TEST(test_keys_of_odd_key_values_are_found)
{
    ck_assert(READ("\x32\x05\x12\x00\x0a\x01"
                   "a",
                   6) == WEFT_OK); /* value before key */
    expect_key(0, "a");
    ck_assert(READ("\x32\x08\x0a\x01"
                   "a\x12\x00\x0a\x01"
                   "b",
                   6) == WEFT_OK); /* the last key counts */
    expect_key(0, "b");
    ck_assert(READ("\x32\x06\x0a\x01"
                   "a\x0a\x01"
                   "b",
                   6) == WEFT_OK);
    expect_key(0, "b");
    ck_assert(READ("\x32\x03\x0a\x01"
                   "a",
                   6) == WEFT_OK); /* no value */
    expect_key(0, "a");
    ck_assert(READ("\x32\x02\x12\x00", 6) == WEFT_OK); /* no key */
    expect_key(0, "");
    ck_assert(READ("\x32\x00", 6) == WEFT_OK);
    expect_key(0, "");
    ck_assert(READ("\x32\x82\x80\x00\x12\x00", 6) == WEFT_OK); /* a length with more bytes than it needs */
    expect_key(0, "");
    ck_assert(READ("\x32\x06\x0a\x81\x00"
                   "a\x12\x00",
                   6) == WEFT_OK);
    expect_key(0, "a");
}
END_TEST

START_TEST(test_long_keys_are_whole)
{
    char record[300] = "\x4a\xd0\x01\x0a\xcd\x01";
    memset(record + 6, 'k', 205);
    ck_assert(weft_otlp_attributes_read(weft_slice_of(record, 211), 9, &attributes) == WEFT_OK);
    ck_assert_uint_eq(attributes.items[0].key.length, 205);
}
END_TEST

START_TEST(test_signals_have_their_field)
{
    ck_assert_uint_eq(weft_otlp_attributes_field(WEFT_TRACES), 9);
    ck_assert_uint_eq(weft_otlp_attributes_field(WEFT_LOGS), 6);
    ck_assert_uint_eq(weft_otlp_attributes_field(WEFT_METRICS), 0);
}
END_TEST

START_TEST(test_growing_may_fail)
{
    weft_otlp_attributes_fini(&attributes);
    weft_alloc_fail_at(1);
    ck_assert(READ("\x4a\x03\x0a\x01"
                   "a",
                   9) == WEFT_NOMEM);
    weft_alloc_fail_at(0);
    ck_assert(READ("\x4a\x03\x0a\x01"
                   "a",
                   9) == WEFT_OK);
    ck_assert_uint_eq(attributes.count, 1);
}
END_TEST

static struct weft_slice find(struct weft_slice message, const char *key)
{
    struct weft_slice found = WEFT_SLICE_LITERAL("none");
    (void)weft_otlp_attribute_find(message, 9, weft_slice_of_text(key), &found);
    return found;
}

START_TEST(test_the_first_attribute_with_a_key_is_found)
{
    struct weft_slice record = WEFT_SLICE_LITERAL("\x48\x01" /* the number with another type */
                                                  "\x4a\x03\x0a\x01"
                                                  "a" /* a, without a value */
                                                  "\x2a\x05\x4a\x03\x0a\x01"
                                                  "b" /* another field that looks like one */
                                                  "\x4a\x07\x12\x02\x10\x01\x0a\x01"
                                                  "b" /* b, value before key */
                                                  "\x4a\x04\x0a\x02"
                                                  "ab\x4a\x07\x0a\x01"
                                                  "a\x12\x02\x10\x01" /* ab, and a again */
                                                  "\x4a\x00");
    ck_assert_ptr_eq(find(record, "a").bytes, record.bytes + 4);
    ck_assert_uint_eq(find(record, "a").length, 3);
    ck_assert_uint_eq(find(record, "b").length, 7);
    ck_assert_uint_eq(find(record, "ab").length, 4);
    ck_assert_uint_eq(find(record, "").length, 0);
    ck_assert(weft_slice_equal_text(find(record, "c"), "none"));
    ck_assert(weft_slice_equal_text(find(WEFT_SLICE_EMPTY, ""), "none"));
}
END_TEST

/* A key of 129 bytes whose end looks like a value's tag and length to who takes its length for one byte. */
START_TEST(test_a_length_of_two_bytes_is_not_read_as_one)
{
    char record[200] = "\x4a\x97\x01\x0a\x81\x01";
    memset(record + 6, 'k', 128);
    memcpy(record + 6 + 128, "\x12\x12\x11\x0a\x0f", 5);
    memset(record + 6 + 128 + 5, 'v', 15);
    ck_assert(weft_otlp_attributes_read(weft_slice_of(record, 6 + 128 + 5 + 15), 9, &attributes) == WEFT_OK);
    ck_assert_ptr_eq(attributes.items[0].key.bytes, record + 6);
    ck_assert_uint_eq(attributes.items[0].key.length, 129);
    struct weft_slice found;
    ck_assert(weft_otlp_attribute_find(weft_slice_of(record, 6 + 128 + 5 + 15), 9, attributes.items[0].key, &found));
}
END_TEST

/* The value's length has a byte that it does not need, and read as one byte it would reach to the end, over a second
 * key. */
START_TEST(test_a_value_of_such_a_length_does_not_hide_a_key)
{
    char record[200] = "\x4a\x87\x01\x0a\x01"
                       "a\x12\x82\x00\x10\x01\x0a\x7d";
    memset(record + 13, 'b', 125);
    struct weft_slice message = weft_slice_of(record, 3 + 135);
    ck_assert(weft_otlp_attributes_read(message, 9, &attributes) == WEFT_OK);
    ck_assert_uint_eq(attributes.items[0].key.length, 125);
    struct weft_slice found;
    ck_assert(weft_otlp_attribute_find(message, 9, attributes.items[0].key, &found));
    ck_assert(!weft_otlp_attribute_find(message, 9, WEFT_SLICE_LITERAL("a"), &found));
}
END_TEST

/* ---- the short way of finding against reading all ---- */

static uint64_t random_state = 41;

static uint32_t pick(uint32_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(random_state >> 33) % bound;
}

/* A length in its own size, or with a byte that it does not need. */
static size_t put_length(uint8_t *to, size_t length, bool is_long)
{
    if (length < 0x80 && !is_long) {
        to[0] = (uint8_t)length;
        return 1;
    }
    to[0] = (uint8_t)(length | 0x80);
    to[1] = (uint8_t)(length >> 7);
    return 2;
}

static size_t put_member(uint8_t *to, uint8_t tag, size_t length, uint8_t first)
{
    to[0] = tag;
    size_t at = 1 + put_length(to + 1, length, pick(8) == 0);
    memset(to + at, first, length);
    /* Contents that look like a value of the right length to who reads past a key. */
    for (size_t i = 0; i + 1 < length && pick(2) == 0; i++) {
        to[at + i] = 0x12;
        to[at + i + 1] = (uint8_t)(length - i - 2);
    }
    return at + length;
}

/* Mostly a key and a value; else members in any number and order. */
static size_t put_attribute(uint8_t *to)
{
    static const size_t lengths[] = { 0, 1, 1, 2, 2, 3, 126, 127, 128, 129, 140 };
    uint8_t contents[1024];
    size_t length = 0;
    uint32_t members = pick(3) > 0 ? 2 : pick(5);
    for (uint32_t i = 0; i < members; i++) {
        bool is_key = members == 2 && pick(8) > 0 ? i == 0 : pick(2) == 0;
        length += put_member(contents + length, is_key ? 0x0a : 0x12, lengths[pick(WEFT_COUNT_OF(lengths))],
                             is_key ? (uint8_t)('a' + pick(2)) : (uint8_t)pick(256));
    }
    to[0] = 0x4a;
    size_t at = 1 + put_length(to + 1, length, pick(8) == 0);
    memcpy(to + at, contents, length);
    return at + length;
}

START_TEST(test_what_is_found_is_the_first_that_was_read)
{
    for (int round = 0; round < 20000; round++) {
        uint8_t record[8192];
        size_t length = 0;
        for (uint32_t i = pick(6); i > 0; i--) {
            length += put_attribute(record + length);
        }
        struct weft_slice message = weft_slice_of(record, length);
        ck_assert(weft_otlp_attributes_read(message, 9, &attributes) == WEFT_OK);
        for (size_t i = 0; i < attributes.count; i++) {
            struct weft_slice found = WEFT_SLICE_EMPTY;
            size_t first = 0;
            while (!weft_slice_equal(attributes.items[first].key, attributes.items[i].key)) {
                first++;
            }
            ck_assert(weft_otlp_attribute_find(message, 9, attributes.items[i].key, &found));
            ck_assert_msg(found.bytes == attributes.items[first].contents.bytes &&
                              found.length == attributes.items[first].contents.length,
                          "round %d, attribute %zu", round, i);
        }
        struct weft_slice found;
        ck_assert(!weft_otlp_attribute_find(message, 9, WEFT_SLICE_LITERAL("no such key"), &found));
    }
    weft_otlp_attributes_fini(&attributes);
}
END_TEST

/* What the counts of a request call plain, read by the general reader. */
static bool is_plain(const struct weft_otlp_attribute *attribute)
{
    struct weft_wire_reader reader = weft_wire_reader_of(attribute->contents);
    struct weft_wire_field key, value;
    return weft_wire_next_checked(&reader, &key) && key.number == 1 && key.whole.length == key.bytes.length + 2 &&
           key.bytes.length < 0x80 && weft_wire_next_checked(&reader, &value) && value.number == 2 &&
           reader.at == reader.end;
}

static bool are_plain(void)
{
    size_t count = 0;
    while (count < attributes.count && is_plain(&attributes.items[count])) {
        count++;
    }
    return count == attributes.count;
}

/* Sifting finds those of `attributes` that are in slots with keys, and where the last of all ends. */
static void expect_sifted(struct weft_slice record, const struct weft_otlp_keys *keys, bool is_known_plain)
{
    struct weft_otlp_attributes sifted = { 0 };
    const uint8_t *end = NULL;
    size_t at = 0;
    ck_assert(weft_otlp_attributes_sift(record, 9, keys, is_known_plain, &sifted, &end) == WEFT_OK);
    ck_assert_ptr_eq(end, record.bytes + record.length);
    for (size_t i = 0; i < attributes.count; i++) {
        if (weft_otlp_keys_may_have(keys, attributes.items[i].key)) {
            ck_assert_uint_lt(at, sifted.count);
            ck_assert(weft_slice_equal(sifted.items[at].key, attributes.items[i].key));
            ck_assert_ptr_eq(sifted.items[at].whole.bytes, attributes.items[i].whole.bytes);
            ck_assert_uint_eq(sifted.items[at].whole.length, attributes.items[i].whole.length);
            ck_assert_ptr_eq(sifted.items[at].contents.bytes, attributes.items[i].contents.bytes);
            at++;
        }
    }
    ck_assert_uint_eq(at, sifted.count);
    weft_otlp_attributes_fini(&sifted);
}

START_TEST(test_attributes_are_sifted_between_other_fields)
{
    static const char span[] = "\x0a\x10"
                               "0123456789abcdef\x12\x08"
                               "01234567\x2a\x01n\x30\x01\x39"
                               "12345678\x41"
                               "12345678" /* the head that SDKs write */
                               "\x4a\x07\x0a\x01"
                               "a\x12\x02\x10\x01\x50\x01\x4a\x05\x0a\x01"
                               "b\x12\x00\x7a\x02\x18\x02";
    struct weft_slice message = weft_slice_of(span, sizeof span - 1);
    struct weft_otlp_keys keys = { 0 };
    const uint8_t *end = NULL;
    *weft_otlp_keys_place(&keys, WEFT_SLICE_LITERAL("b")) = 1;
    ck_assert(weft_otlp_attributes_sift(message, 9, &keys, _i == 1, &attributes, &end) == WEFT_OK);
    ck_assert_uint_eq(attributes.count, 1);
    expect_key(0, "b");
    ck_assert_ptr_eq(end, message.bytes + message.length - 4);
    ck_assert(weft_otlp_attributes_sift(message, 6, &keys, _i == 1, &attributes, &end) == WEFT_OK);
    ck_assert_uint_eq(attributes.count, 0);
    ck_assert_ptr_eq(end, message.bytes + message.length);
}
END_TEST

/* An edit writes one where no key was long before. */
START_TEST(test_long_keys_are_sifted_even_where_all_came_short)
{
    enum { KEY_BYTES = 130 };
    uint8_t key_bytes[KEY_BYTES];
    memset(key_bytes, 'L', sizeof key_bytes);
    struct weft_slice key = weft_slice_of(key_bytes, sizeof key_bytes);
    static const uint8_t before[] = "\x4a\x07\x0a\x01"
                                    "a\x12\x02\x10\x01\x4a\x89\x01\x0a\x82\x01";
    uint8_t message[sizeof before - 1 + KEY_BYTES + 4];
    memcpy(message, before, sizeof before - 1);
    memcpy(message + sizeof before - 1, key_bytes, KEY_BYTES);
    memcpy(message + sizeof before - 1 + KEY_BYTES, "\x12\x02\x10\x01", 4);
    struct weft_otlp_keys keys = { 0 };
    const uint8_t *end = NULL;
    *weft_otlp_keys_place(&keys, key) = 1;
    ck_assert(weft_otlp_attributes_sift(weft_slice_of(message, sizeof message), 9, &keys, _i == 1, &attributes, &end) ==
              WEFT_OK);
    ck_assert_uint_eq(attributes.count, 1);
    ck_assert(weft_slice_equal(attributes.items[0].key, key));
    ck_assert_ptr_eq(end, message + sizeof message);
}
END_TEST

START_TEST(test_attributes_in_slots_with_keys_are_all_found)
{
    int plain_count = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t record[8192];
        struct weft_otlp_keys keys = { 0 };
        size_t length = 0;
        for (uint32_t i = pick(6); i > 0; i--) {
            length += put_attribute(record + length);
        }
        struct weft_slice rest = weft_slice_of(record, length);
        struct weft_otlp_attribute found;
        ck_assert(weft_otlp_attributes_read(rest, 9, &attributes) == WEFT_OK);
        for (size_t i = 0; i < attributes.count; i++) {
            if (pick(2) != 0) {
                *weft_otlp_keys_place(&keys, attributes.items[i].key) = 1;
            }
        }
        for (size_t i = 0; i < attributes.count; i++) {
            if (!weft_otlp_keys_may_have(&keys, attributes.items[i].key)) {
                continue;
            }
            ck_assert(weft_otlp_attribute_next(&rest, 9, &keys, &found));
            ck_assert(weft_slice_equal(found.key, attributes.items[i].key));
            ck_assert_ptr_eq(found.whole.bytes, attributes.items[i].whole.bytes);
            ck_assert_uint_eq(found.whole.length, attributes.items[i].whole.length);
            ck_assert_ptr_eq(found.contents.bytes, attributes.items[i].contents.bytes);
        }
        ck_assert(!weft_otlp_attribute_next(&rest, 9, &keys, &found));
        expect_sifted(weft_slice_of(record, length), &keys, false);
        if (are_plain()) {
            expect_sifted(weft_slice_of(record, length), &keys, true);
            plain_count += attributes.count > 2;
        }
    }
    ck_assert_int_gt(plain_count, 100);
    weft_otlp_attributes_fini(&attributes);
}
END_TEST

/* The value of a KeyValue with these contents behind its key. */
#define VALUE(bytes) weft_otlp_value_of(WEFT_SLICE_LITERAL("\x0a\x01k" bytes), WEFT_OTLP_VALUE_FIELD)

START_TEST(test_values_of_every_kind_are_read)
{
    ck_assert_int_eq(VALUE("").kind, WEFT_OTLP_VALUE_NONE);
    ck_assert_int_eq(VALUE("\x12\x00").kind, WEFT_OTLP_VALUE_NONE);
    ck_assert_int_eq(VALUE("\x12\x02\x48\x01").kind, WEFT_OTLP_VALUE_NONE); /* a member to come */
    struct weft_otlp_value value = VALUE("\x12\x04\x0a\x02hi");
    ck_assert_int_eq(value.kind, WEFT_OTLP_VALUE_STRING);
    ck_assert(weft_slice_equal_text(value.bytes, "hi"));
    value = VALUE("\x12\x02\x10\x01");
    ck_assert(value.kind == WEFT_OTLP_VALUE_BOOL && value.is_true);
    value = VALUE("\x12\x02\x10\x00");
    ck_assert(value.kind == WEFT_OTLP_VALUE_BOOL && !value.is_true);
    value = VALUE("\x12\x04\x10\x80\x80\x04");
    ck_assert(value.kind == WEFT_OTLP_VALUE_BOOL && value.is_true);
    value = VALUE("\x12\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    ck_assert(value.kind == WEFT_OTLP_VALUE_INT && value.integer == -1);
    value = VALUE("\x12\x09\x21\x00\x00\x00\x00\x00\x00\xf8\xbf");
    ck_assert(value.kind == WEFT_OTLP_VALUE_DOUBLE && value.real == -1.5);
    value = VALUE("\x12\x04\x3a\x02\x00\xff");
    ck_assert(value.kind == WEFT_OTLP_VALUE_BYTES && value.bytes.length == 2);
    value = VALUE("\x12\x06\x2a\x04\x0a\x02\x18\x01");
    ck_assert(value.kind == WEFT_OTLP_VALUE_ARRAY && !value.is_split && value.bytes.length == 4);
    value = weft_otlp_value_of(value.bytes, 1); /* an array is a message with values, too */
    ck_assert(value.kind == WEFT_OTLP_VALUE_INT && value.integer == 1);
    value = VALUE("\x12\x02\x32\x00");
    ck_assert(value.kind == WEFT_OTLP_VALUE_MAP && value.bytes.length == 0);
}
END_TEST

START_TEST(test_of_a_repeated_value_the_last_member_counts)
{
    struct weft_otlp_value value = VALUE("\x12\x05\x0a\x01x\x18\x07");
    ck_assert(value.kind == WEFT_OTLP_VALUE_INT && value.integer == 7 && value.bytes.length == 0);
    value = VALUE("\x12\x02\x18\x07\x12\x03\x0a\x01x");
    ck_assert(value.kind == WEFT_OTLP_VALUE_STRING && weft_slice_equal_text(value.bytes, "x"));
    value = VALUE("\x12\x02\x18\x07\x12\x00");
    ck_assert(value.kind == WEFT_OTLP_VALUE_INT && value.integer == 7);
    ck_assert(VALUE("\x12\x02\x32\x00\x12\x02\x32\x00").is_split);
    ck_assert(!VALUE("\x12\x02\x32\x00\x12\x02\x2a\x00").is_split);
    ck_assert(!VALUE("\x12\x02\x0a\x00\x12\x02\x0a\x00").is_split);
}
END_TEST

#define SERVICE_NAME(bytes) weft_otlp_service_name(WEFT_SLICE_LITERAL(bytes))
#define SERVICE             "\x0a\x0cservice.name"

START_TEST(test_the_service_name_of_a_resource_is_found)
{
    ck_assert(weft_slice_equal_text(SERVICE_NAME("\x0a\x19\x0a\x17" SERVICE "\x12\x07\x0a\x05"
                                                 "carts"),
                                    "carts"));
    /* behind another attribute, other fields of the resource and of what it is in, in the second piece */
    ck_assert(weft_slice_equal_text(SERVICE_NAME("\x1a\x01x\x0a\x02\x10\x01"
                                                 "\x0a\x20\x10\x00\x0a\x05\x0a\x03"
                                                 "abc\x0a\x15" SERVICE "\x12\x05\x0a\x03"
                                                 "one"),
                                    "one"));
    ck_assert_uint_eq(SERVICE_NAME("\x0a\x14\x0a\x12" SERVICE "\x12\x02\x18\x01").length, 0);
    ck_assert_uint_eq(SERVICE_NAME("\x0a\x15\x0a\x13" SERVICE "\x12\x03\x3a\x01x").length, 0);
    ck_assert_uint_eq(SERVICE_NAME("\x0a\x07\x0a\x05\x0a\x03"
                                   "abc")
                          .length,
                      0);
    ck_assert_uint_eq(SERVICE_NAME("").length, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("otlp_attributes");
    TCase *tests = tcase_create("otlp_attributes");
    tcase_add_test(tests, test_attributes_are_found_between_fields_of_every_type);
    tcase_add_test(tests, test_keys_of_odd_key_values_are_found);
    tcase_add_test(tests, test_long_keys_are_whole);
    tcase_add_test(tests, test_a_length_of_two_bytes_is_not_read_as_one);
    tcase_add_test(tests, test_a_value_of_such_a_length_does_not_hide_a_key);
    tcase_add_test(tests, test_signals_have_their_field);
    tcase_add_test(tests, test_growing_may_fail);
    tcase_add_test(tests, test_the_first_attribute_with_a_key_is_found);
    tcase_add_test(tests, test_what_is_found_is_the_first_that_was_read);
    tcase_add_test(tests, test_attributes_in_slots_with_keys_are_all_found);
    tcase_add_loop_test(tests, test_attributes_are_sifted_between_other_fields, 0, 2);
    tcase_add_loop_test(tests, test_long_keys_are_sifted_even_where_all_came_short, 0, 2);
    tcase_add_test(tests, test_values_of_every_kind_are_read);
    tcase_add_test(tests, test_of_a_repeated_value_the_last_member_counts);
    tcase_add_test(tests, test_the_service_name_of_a_resource_is_found);
    suite_add_tcase(suite, tests);
    int result = suite_run(suite);
    weft_otlp_attributes_fini(&attributes);
    return result;
}
