/* Base64, both ways. */
#include <check.h>

#include "base/base64.h"
#include "suite.h"

static const struct {
    const char *text, *bytes; /* NULL: invalid */
    bool is_url;              /* it has letters of the alphabet for URLs, else of the standard one, if of one */
    bool is_of_one;
} cases[] = {
    { "", "" },
    { "Zg==", "f" },
    { "Zg", "f" },
    { "Zm8=", "fo" },
    { "Zm8", "fo" },
    { "Zm9v", "foo" },
    { "Zm9vYg", "foob" },
    { "Zm9vYmFy", "foobar" },
    { "+/8", "\xfb\xff", false, true },
    { "-_8=", "\xfb\xff", true, true },
    { "+/++AQ==", "\xfb\xff\xbe\x01", false, true },
    { "-_--AQ", "\xfb\xff\xbe\x01", true, true },
    { "Z", NULL },
    { "Zg=", NULL },
    { "Zg===", NULL },
    { "Zm8==", NULL },
    { "Zm9v=", NULL },
    { "====", NULL },
    { "=", NULL },
    { "Zg=g", NULL },
    { "Zm9v=g", NULL },
    { "Zm9v ", NULL },
    { "Zm 9", NULL },
    { "Zm9\nZm9", NULL },
    { "Z%==", NULL },
    { "Zm9vY", NULL },
    { "Zm9vZ===", NULL },
    { "\xc3\xa9zz", NULL },
};

START_TEST(test_base64_has_two_alphabets_and_optional_padding)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        for (int alphabet = WEFT_BASE64_STANDARD; alphabet <= WEFT_BASE64_EITHER; alphabet++) {
            uint8_t bytes[16];
            size_t length = 99;
            bool is_of_other =
                cases[i].is_of_one && alphabet == (cases[i].is_url ? WEFT_BASE64_STANDARD : WEFT_BASE64_URL);
            bool is_valid = cases[i].bytes != NULL && !is_of_other;
            enum weft_status status = weft_base64_decode(weft_slice_of_text(cases[i].text),
                                                         (enum weft_base64_alphabet)alphabet, bytes, &length);
            ck_assert_msg(status == (is_valid ? WEFT_OK : WEFT_INVALID), "row %zu alphabet %d", i, alphabet);
            if (is_valid) {
                ck_assert_uint_eq(length, strlen(cases[i].bytes));
                ck_assert(memcmp(bytes, cases[i].bytes, length) == 0);
            } else {
                ck_assert_uint_eq(length, 99);
            }
        }
    }
}
END_TEST

START_TEST(test_lines_are_read_as_one_with_padding_or_without)
{
    static const struct {
        const char *text, *bytes; /* NULL: invalid */
        bool has_padding;
    } lines[] = {
        { "", "", true },
        { "\r\n", "", false },
        { "Zm\n9v\r\nYg==", "foob", true },
        { "Zm9vYg=\n=\n", "foob", true },
        { "Zm9vY\ng", "foob", false },
        { "Zm9vYg", NULL, true },
        { "Zm9vYg=", NULL, true },
        { "Zm9vYg==", NULL, false },
        { "Zg==\nZg==", NULL, true },
        { "Zm 9v", NULL, true },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(lines); i++) {
        uint8_t bytes[16];
        size_t length = 99;
        enum weft_status status = weft_base64_decode_lines(weft_slice_of_text(lines[i].text), WEFT_BASE64_STANDARD,
                                                           lines[i].has_padding, bytes, &length);
        ck_assert_msg(status == (lines[i].bytes != NULL ? WEFT_OK : WEFT_INVALID), "row %zu", i);
        if (lines[i].bytes != NULL) {
            ck_assert(weft_slice_equal_text(weft_slice_of(bytes, length), lines[i].bytes));
        }
    }
}
END_TEST

START_TEST(test_what_is_written_is_read_where_it_stands)
{
    static const uint8_t bytes[] = { 0xff, 0, 0xfe, 'a', 0x3e };
    for (size_t length = 0; length <= sizeof bytes; length++) {
        for (int form = 0; form < 4; form++) {
            enum weft_base64_alphabet alphabet = form % 2 == 0 ? WEFT_BASE64_STANDARD : WEFT_BASE64_URL;
            bool has_padding = form >= 2;
            struct weft_buffer text;
            size_t back_length = 99;
            weft_buffer_init(&text, 0);
            weft_base64_append(&text, weft_slice_of(bytes, length), alphabet, has_padding);
            ck_assert_uint_eq(text.length, has_padding ? (length + 2) / 3 * 4 : (length * 4 + 2) / 3);
            ck_assert_int_eq(weft_base64_decode(weft_buffer_slice(&text), alphabet, text.bytes, &back_length), WEFT_OK);
            ck_assert_uint_eq(back_length, length);
            ck_assert(length == 0 || memcmp(text.bytes, bytes, length) == 0);
            weft_buffer_fini(&text);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base64");
    TCase *tcase = tcase_create("base64");
    tcase_add_test(tcase, test_base64_has_two_alphabets_and_optional_padding);
    tcase_add_test(tcase, test_lines_are_read_as_one_with_padding_or_without);
    tcase_add_test(tcase, test_what_is_written_is_read_where_it_stands);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
