/* Reading UTF-8 that is broken: where it breaks, its repair, and offsets through the repair. */
#include "base/base_test.h"

#include "base/alloc.h"
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

/* Every lead byte with every second byte, and what may follow, at each place of texts of each length: the verdict over
 * blocks is that of reading character by character. */
static void compare_at(uint8_t *text, size_t length, size_t at, const uint8_t *character, size_t character_length)
{
    memset(text, 'a', length);
    size_t part = character_length < length - at ? character_length : length - at;
    memcpy(text + at, character, part);
    bool is_valid = weft_utf8_valid_length(weft_slice_of(text, length)) == length;
    if (weft_utf8_is_valid(text, text + length) != is_valid) {
        ck_abort_msg("%02x %02x %02x %02x at %zu of %zu: %d", character[0], character[1], character[2], character[3],
                     at, length, is_valid);
    }
}

START_TEST(test_validity_by_blocks_is_validity_by_characters)
{
    static const uint8_t thirds[] = { 'a', 0x80, 0xbf, 0xc3 };
    for (size_t length = 1; length < 70; length += length < 20 || length > 30 ? 9 : 1) {
        uint8_t *text = weft_alloc(length); /* as long as it is: a read behind its end is seen */
        for (unsigned head = 0; head < 0x8000; head++) {
            uint8_t character[4] = { (uint8_t)(0x80 | head >> 8), (uint8_t)head, thirds[head % 4],
                                     thirds[head / 4 % 4] };
            compare_at(text, length, head % length, character, 2 + head % 3);
        }
        for (size_t at = 0; at < length; at++) {
            compare_at(text, length, at, (const uint8_t *)"\xf4\x8f\xbf\xbf", 4);
            compare_at(text, length, at, (const uint8_t *)"\xed\x9f\xbf\xbf", 3);
            compare_at(text, length, at, (const uint8_t *)"\xe0\xa0\x80\x80", 3);
            compare_at(text, length, at, (const uint8_t *)"\xf0\x90\x80\x80", 4);
            compare_at(text, length, at, (const uint8_t *)"\xe4\xb8\xad\x80", 4);
            memset(text, 'a', length);
            ck_assert(weft_utf8_is_ascii(text, text + length));
            text[at] = 0x80;
            ck_assert(!weft_utf8_is_ascii(text, text + length));
        }
        weft_free(text);
    }
    ck_assert(weft_utf8_is_valid(NULL, NULL));
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
        BASE_TEST(test_validity_by_blocks_is_validity_by_characters),
        BASE_TEST(test_repair_and_back_agree_at_each_character),
        BASE_TEST(test_decode_reads_one_character_or_one_bad_byte),
    };
    return BASE_TEST_RUN("utf8", tests);
}
