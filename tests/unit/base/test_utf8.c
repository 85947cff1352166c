/* Reading UTF-8 that is broken: where it breaks, its repair, and offsets through the repair. */
#include "base/base_test.h"

#include "base/utf8.h"

START_TEST(test_valid_length_ends_at_the_first_bad_byte)
{
    static const struct {
        const char *text;
        size_t valid;
    } texts[] = {
        { "", 0 },
        { "plain text of some length", 25 },
        { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9 },
        { "eight by\xff", 8 },
        { "\xc0\x80", 0 },         /* longer than needed */
        { "\xe0\x9f\xbf", 0 },     /* longer than needed */
        { "\xf0\x8f\xbf\xbf", 0 }, /* longer than needed */
        { "\xed\xa0\x80", 0 },     /* a surrogate */
        { "\xf4\x90\x80\x80", 0 }, /* over 10FFFF */
        { "a\xe2\x82", 1 },        /* cut off */
        { "a\xe2\x82x", 1 },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(texts); i++) {
        ck_assert_uint_eq(weft_utf8_valid_length(weft_slice_of_text(texts[i].text)), texts[i].valid);
    }
}
END_TEST

START_TEST(test_repair_and_back_agree_at_each_character)
{
    struct weft_slice broken = WEFT_SLICE_LITERAL("a\xff\xc3\xa9\xe2\x82z");
    static const size_t repaired_offsets[] = { 0, 1, 4, 6, 9, 12, 13 };
    static const size_t offsets[] = { 0, 1, 2, 4, 5, 6, 7 };
    struct weft_buffer buffer;
    weft_buffer_init(&buffer, 0);
    weft_utf8_append_repaired(&buffer, broken);
    ck_assert(weft_slice_equal(weft_buffer_slice(&buffer),
                               WEFT_SLICE_LITERAL("a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbdz")));
    for (size_t i = 0; i < WEFT_COUNT_OF(offsets); i++) {
        ck_assert_uint_eq(weft_utf8_offset_before_repair(broken, repaired_offsets[i]), offsets[i]);
    }
    weft_buffer_fini(&buffer);
}
END_TEST

START_TEST(test_decode_reads_one_character_or_one_bad_byte)
{
    static const struct {
        const char *text;
        uint32_t character;
        size_t length;
    } texts[] = {
        { "a", 'a', 1 },
        { "\xc3\xa9x", 0xe9, 2 },
        { "\xe2\x82\xac", 0x20ac, 3 },
        { "\xf0\x9f\x98\x80", 0x1f600, 4 },
        { "\xff"
          "a",
          0xfffd, 1 },
        { "\xe2\x82", 0xfffd, 1 },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(texts); i++) {
        size_t length;
        ck_assert_uint_eq(weft_utf8_decode(weft_slice_of_text(texts[i].text), &length), texts[i].character);
        ck_assert_uint_eq(length, texts[i].length);
    }
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_valid_length_ends_at_the_first_bad_byte),
        BASE_TEST(test_repair_and_back_agree_at_each_character),
        BASE_TEST(test_decode_reads_one_character_or_one_bad_byte),
    };
    return BASE_TEST_RUN("utf8", tests);
}
