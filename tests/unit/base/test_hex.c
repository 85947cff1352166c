/* Hex digits, both ways. */
#include <check.h>

#include "base/hex.h"
#include "suite.h"

static const char all_digits[] = "0123456789abcdefABCDEF";

START_TEST(test_a_digit_has_a_value_and_nothing_else_has)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        const char *found = byte == 0 ? NULL : strchr(all_digits, (int)byte);
        int value = found == NULL ? -1 : (int)(found - all_digits);
        ck_assert_int_eq(weft_hex_value((uint8_t)byte), value > 15 ? value - 6 : value);
    }
    ck_assert_int_eq(weft_hex_byte((const uint8_t *)"fA"), 0xfa);
    ck_assert_int_eq(weft_hex_byte((const uint8_t *)"00"), 0);
    ck_assert_int_eq(weft_hex_byte((const uint8_t *)"g0"), -1);
    ck_assert_int_eq(weft_hex_byte((const uint8_t *)"0g"), -1);
}
END_TEST

START_TEST(test_text_of_any_case_is_decoded)
{
    uint8_t bytes[16];
    ck_assert(weft_hex_decode(WEFT_SLICE_LITERAL("0123456789abcdef"), bytes, 8));
    ck_assert_mem_eq(bytes, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
    ck_assert(weft_hex_decode(WEFT_SLICE_LITERAL("0123456789aBcDeFFEDCBA9876543210"), bytes, 16));
    ck_assert_mem_eq(bytes, "\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10", 16);
    ck_assert(weft_hex_decode(WEFT_SLICE_EMPTY, bytes, 0));
    ck_assert(!weft_hex_decode(WEFT_SLICE_LITERAL("0123456789abcde"), bytes, 8));
    ck_assert(!weft_hex_decode(WEFT_SLICE_LITERAL("0123456789abcdef0"), bytes, 8));
    ck_assert(!weft_hex_decode(WEFT_SLICE_LITERAL("0123456789abcdef"), bytes, 16));
}
END_TEST

/* Of lengths with and without bytes behind the last block. */
START_TEST(test_a_byte_that_is_no_digit_is_seen_at_every_place)
{
    enum { MAX_BYTES = 19 };
    for (size_t length = 1; length <= MAX_BYTES; length++) {
        for (size_t place = 0; place < 2 * length; place++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                uint8_t text[2 * MAX_BYTES], bytes[MAX_BYTES];
                memset(text, '0', sizeof text);
                text[place] = (uint8_t)byte;
                bool is_digit = byte != 0 && strchr(all_digits, (int)byte) != NULL;
                ck_assert(weft_hex_decode(weft_slice_of(text, 2 * length), bytes, length) == is_digit);
            }
        }
    }
}
END_TEST

START_TEST(test_what_is_written_is_read_where_it_stands)
{
    uint8_t bytes[32];
    uint8_t text[2 * sizeof bytes];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 37);
    }
    for (size_t length = 0; length <= sizeof bytes; length++) {
        ck_assert_ptr_eq(weft_hex_put(text, weft_slice_of(bytes, length)), text + 2 * length);
        ck_assert(weft_hex_decode(weft_slice_of(text, 2 * length), text, length));
        ck_assert_mem_eq(text, bytes, length);
    }
}
END_TEST

START_TEST(test_digits_are_lower_case_unless_they_are_named)
{
    struct weft_buffer out;
    uint8_t pair[2];
    weft_buffer_init(&out, 9);
    weft_buffer_append_byte(&out, '=');
    weft_hex_append(&out, WEFT_SLICE_LITERAL("\x0a\xbc\xff"));
    ck_assert(weft_slice_equal_text(weft_buffer_slice(&out), "=0abcff"));
    weft_hex_append(&out, WEFT_SLICE_LITERAL("\x01\x02"));
    ck_assert(out.is_failed);
    ck_assert(weft_slice_equal_text(weft_buffer_slice(&out), "=0abcff"));
    weft_buffer_fini(&out);
    ck_assert_ptr_eq(weft_hex_put_byte(pair, 0xbc, WEFT_HEX_UPPER), pair + 2);
    ck_assert_mem_eq(pair, "BC", 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hex");
    TCase *tcase = tcase_create("hex");
    tcase_add_test(tcase, test_a_digit_has_a_value_and_nothing_else_has);
    tcase_add_test(tcase, test_text_of_any_case_is_decoded);
    tcase_add_test(tcase, test_a_byte_that_is_no_digit_is_seen_at_every_place);
    tcase_add_test(tcase, test_what_is_written_is_read_where_it_stands);
    tcase_add_test(tcase, test_digits_are_lower_case_unless_they_are_named);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
