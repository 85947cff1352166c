/* Cases of letters: those of ASCII, of other scripts, and what is no letter. */
#include "base/base_test.h"

#include "base/letter_case.h"

START_TEST(test_texts_change_case)
{
    static const struct {
        const char *text, *lower, *upper;
    } rows[] = {
        { "", "", "" },
        { "Hello, World 42", "hello, world 42", "HELLO, WORLD 42" },
        { "Grüße ÅÄÖ", "grüße åäö", "GRÜßE ÅÄÖ" },
        { "Ĳ Ǆ ǅ", "ĳ ǆ ǆ", "Ĳ Ǆ Ǆ" },
        { "ΣΊΣΥΦΟΣ ς", "σίσυφοσ ς", "ΣΊΣΥΦΟΣ Σ" },
        { "Привет", "привет", "ПРИВЕТ" },
        { "ﬀ 日本 𐐀𐐨", "ﬀ 日本 𐐨𐐨", "ﬀ 日本 𐐀𐐀" },
        { "a\xff\x62", "a\xef\xbf\xbd\x62", "A\xef\xbf\xbd\x42" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_buffer lower = { 0 };
        struct weft_buffer upper = { 0 };
        weft_letter_append_lower(&lower, weft_slice_of_text(rows[i].text));
        weft_letter_append_upper(&upper, weft_slice_of_text(rows[i].text));
        ck_assert(weft_slice_equal_text(weft_buffer_slice(&lower), rows[i].lower));
        ck_assert(weft_slice_equal_text(weft_buffer_slice(&upper), rows[i].upper));
        weft_buffer_fini(&lower);
        weft_buffer_fini(&upper);
    }
}
END_TEST

START_TEST(test_letters_have_one_other_case)
{
    ck_assert_uint_eq(weft_letter_upper(0x0131), 'I');    /* dotless i */
    ck_assert_uint_eq(weft_letter_upper(0x017f), 'S');    /* long s */
    ck_assert_uint_eq(weft_letter_lower(0x0130), 'i');    /* I with a dot */
    ck_assert_uint_eq(weft_letter_lower(0x212a), 'k');    /* the Kelvin sign */
    ck_assert_uint_eq(weft_letter_lower(0x0101), 0x0101); /* between two of a run in steps of two */
    ck_assert_uint_eq(weft_letter_lower(0x10ffff), 0x10ffff);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_texts_change_case),
        BASE_TEST(test_letters_have_one_other_case),
    };
    return BASE_TEST_RUN("letter_case", tests);
}
