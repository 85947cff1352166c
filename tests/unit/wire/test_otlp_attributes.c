/* Opening attributes: every legal shape of a record and of a KeyValue. */
#include "wire/otlp_attributes.h"

#include <check.h>
#include <stdlib.h>

#include "base/alloc.h"

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

int main(void)
{
    Suite *suite = suite_create("otlp_attributes");
    TCase *tests = tcase_create("otlp_attributes");
    tcase_add_test(tests, test_attributes_are_found_between_fields_of_every_type);
    tcase_add_test(tests, test_keys_of_odd_key_values_are_found);
    tcase_add_test(tests, test_long_keys_are_whole);
    tcase_add_test(tests, test_signals_have_their_field);
    tcase_add_test(tests, test_growing_may_fail);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    weft_otlp_attributes_fini(&attributes);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
