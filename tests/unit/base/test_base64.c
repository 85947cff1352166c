/* Base64, both ways. */
#include <check.h>
#include <stdlib.h>

#include "base/base64.h"

START_TEST(test_base64_takes_padded_and_bare_text)
{
    static const struct {
        const char *encoded, *decoded;
        bool is_valid;
    } cases[] = { { "", "", true },           { "Zg==", "f", true },       { "Zg", "f", true },
                  { "Zm8=", "fo", true },     { "Zm8", "fo", true },       { "Zm9v", "foo", true },
                  { "Zm9vYg", "foob", true }, { "+/8", "\xFB\xFF", true }, { "Z", "", false },
                  { "Zm9v=g", "", false },    { "Zm 9", "", false },       { "====", "", false },
                  { "Zm9-", "", false },      { "Zm9vY", "", false } };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        uint8_t bytes[16];
        size_t length = 99;
        enum weft_status status = weft_base64_decode(weft_slice_of_text(cases[i].encoded), bytes, &length);
        ck_assert_int_eq(status, cases[i].is_valid ? WEFT_OK : WEFT_INVALID);
        if (cases[i].is_valid) {
            ck_assert_uint_eq(length, strlen(cases[i].decoded));
            ck_assert(memcmp(bytes, cases[i].decoded, length) == 0);
        }
    }
}
END_TEST

START_TEST(test_what_is_written_is_read)
{
    static const uint8_t bytes[] = { 0xff, 0, 0xfe, 'a', 0x3e };
    for (size_t length = 0; length <= sizeof bytes; length++) {
        for (int has_padding = 0; has_padding < 2; has_padding++) {
            struct weft_buffer text;
            uint8_t back[8];
            size_t back_length = 99;
            weft_buffer_init(&text, 0);
            weft_base64_append(&text, weft_slice_of(bytes, length), has_padding != 0);
            ck_assert(has_padding == 0 || text.length % 4 == 0);
            ck_assert_int_eq(weft_base64_decode(weft_buffer_slice(&text), back, &back_length), WEFT_OK);
            ck_assert_uint_eq(back_length, length);
            ck_assert(length == 0 || memcmp(back, bytes, length) == 0);
            weft_buffer_fini(&text);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base64");
    TCase *tcase = tcase_create("base64");
    tcase_add_test(tcase, test_base64_takes_padded_and_bare_text);
    tcase_add_test(tcase, test_what_is_written_is_read);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
