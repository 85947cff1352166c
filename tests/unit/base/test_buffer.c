/* Growing buffer: contents and limits against a plain array, JSON strings byte by byte, memory running out.
 */
#include "base/base_test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"

static void expect_text(const struct weft_buffer *buffer, const char *expected)
{
    ck_assert_msg(weft_slice_equal_text(weft_buffer_slice(buffer), expected), "\"%.*s\" instead of \"%s\"",
                  WEFT_SLICE_PRINT(weft_buffer_slice(buffer)), expected);
}

START_TEST(test_appends_match_a_plain_array)
{
    static uint8_t model[200000];
    size_t length = 0;
    struct weft_buffer buffer;
    weft_buffer_init(&buffer, 0);
    uint64_t random = 3;
    while (length < sizeof model - 2000) {
        uint8_t piece[1000];
        size_t piece_length = base_test_random(&random) % sizeof piece;
        memset(piece, (int)(base_test_random(&random) & 0xff), piece_length);
        switch (base_test_random(&random) % 4) {
        case 0:
            weft_buffer_append(&buffer, piece, piece_length);
            memcpy(model + length, piece, piece_length);
            length += piece_length;
            break;
        case 1:
            weft_buffer_append_byte(&buffer, 'b');
            model[length++] = 'b';
            break;
        case 2:
            weft_buffer_append_format(&buffer, "%zu;", length);
            length += (size_t)sprintf((char *)model + length, "%zu;", length);
            break;
        default:
            piece_length = length < piece_length / 8 ? length : piece_length / 8;
            weft_buffer_consume(&buffer, piece_length);
            memmove(model, model + piece_length, length - piece_length);
            length -= piece_length;
        }
        ck_assert(weft_slice_equal(weft_buffer_slice(&buffer), weft_slice_of(model, length)));
    }
    ck_assert_int_eq(weft_buffer_status(&buffer), WEFT_OK);
    weft_buffer_fini(&buffer);
}
END_TEST

START_TEST(test_reserve_gives_room_without_growing_length)
{
    struct weft_buffer buffer;
    weft_buffer_init(&buffer, 0);
    uint8_t *room = weft_buffer_reserve(&buffer, 5000);
    ck_assert_ptr_nonnull(room);
    memset(room, 'r', 5000);
    ck_assert_uint_eq(buffer.length, 0);
    buffer.length = 5000;
    weft_buffer_append_text(&buffer, "end");
    ck_assert_int_eq(buffer.bytes[4999], 'r');
    ck_assert_uint_eq(buffer.length, 5003);
    weft_buffer_clear(&buffer);
    ck_assert_uint_eq(buffer.length, 0);
    ck_assert_ptr_nonnull(buffer.bytes);
    weft_buffer_fini(&buffer);
    ck_assert_ptr_null(buffer.bytes);
}
END_TEST

START_TEST(test_limit_is_exact_and_sticks_until_cleared)
{
    struct weft_buffer buffer;
    weft_buffer_init(&buffer, 10);
    weft_buffer_append_text(&buffer, "12345678");
    weft_buffer_append_text(&buffer, "abc");
    ck_assert_int_eq(weft_buffer_status(&buffer), WEFT_NOMEM);
    weft_buffer_append_text(&buffer, "9");
    expect_text(&buffer, "12345678");
    weft_buffer_clear(&buffer);
    weft_buffer_append_text(&buffer, "1234567890");
    ck_assert_int_eq(weft_buffer_status(&buffer), WEFT_OK);
    weft_buffer_clear(&buffer);
    weft_buffer_append_format(&buffer, "%010d", 7);
    ck_assert_int_eq(weft_buffer_status(&buffer), WEFT_OK);
    expect_text(&buffer, "0000000007");
    weft_buffer_append_format(&buffer, "%d", 7);
    ck_assert_int_eq(weft_buffer_status(&buffer), WEFT_NOMEM);
    weft_buffer_fini(&buffer);
}
END_TEST

START_TEST(test_impossible_length_fails)
{
    struct weft_buffer buffer;
    weft_buffer_init(&buffer, 0);
    weft_buffer_append_byte(&buffer, 'a');
    uint8_t *room = weft_buffer_reserve(&buffer, SIZE_MAX);
    ck_assert_ptr_null(room);
    ck_assert_int_eq(weft_buffer_status(&buffer), WEFT_NOMEM);
    weft_buffer_fini(&buffer);
}
END_TEST

START_TEST(test_json_escapes_what_must_be_escaped)
{
    struct weft_buffer buffer;
    weft_buffer_init(&buffer, 0);
    weft_buffer_append_json_string(&buffer, WEFT_SLICE_LITERAL("a\"b\\c/\n\r\t\b\f\x01\x1f\x7f\0z"));
    expect_text(&buffer, "\"a\\\"b\\\\c/\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\x7f\\u0000z\"");
    weft_buffer_clear(&buffer);
    weft_buffer_append_json_escaped(&buffer, WEFT_SLICE_EMPTY);
    ck_assert_uint_eq(buffer.length, 0);
    weft_buffer_append_json_string(&buffer, WEFT_SLICE_EMPTY);
    expect_text(&buffer, "\"\"");
    weft_buffer_fini(&buffer);
}
END_TEST

#define REPLACED "\xef\xbf\xbd"

START_TEST(test_json_repairs_what_is_not_utf8)
{
    static const struct {
        const char *text;
        const char *expected;
    } rows[] = {
        { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
        { "\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80" },
        { "\x80", REPLACED },      /* continuation alone */
        { "a\xc3", "a" REPLACED }, /* cut short */
        { "a\xe2\x82", "a" REPLACED REPLACED },
        { "\xc3(", REPLACED "(" }, /* the next byte is kept */
        { "\xc3\"", REPLACED "\\\"" },
        { "\xc0\xaf", REPLACED REPLACED }, /* overlong */
        { "\xe0\x9f\xbf", REPLACED REPLACED REPLACED },
        { "\xf0\x8f\xbf\xbf", REPLACED REPLACED REPLACED REPLACED },
        { "\xed\xa0\x80", REPLACED REPLACED REPLACED }, /* surrogate */
        { "\xed\x9f\xbf", "\xed\x9f\xbf" },
        { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },                  /* U+10FFFF */
        { "\xf4\x90\x80\x80", REPLACED REPLACED REPLACED REPLACED }, /* beyond it */
        { "\xf5\xff", REPLACED REPLACED },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_buffer buffer;
        weft_buffer_init(&buffer, 0);
        /* On the heap at its exact length, so that reading past the end is seen. */
        size_t length = strlen(rows[i].text);
        char *text = malloc(length);
        memcpy(text, rows[i].text, length);
        weft_buffer_append_json_escaped(&buffer, weft_slice_of(text, length));
        expect_text(&buffer, rows[i].expected);
        free(text);
        weft_buffer_fini(&buffer);
    }
}
END_TEST

static void append_one_of_each(struct weft_buffer *buffer)
{
    static const uint8_t filler[700];
    weft_buffer_append_text(buffer, "head");
    weft_buffer_append(buffer, filler, sizeof filler);
    weft_buffer_append_json_string(buffer, WEFT_SLICE_LITERAL("a\nb"));
    weft_buffer_append_format(buffer, "%700d", 1);
    weft_buffer_append_byte(buffer, '.');
}

START_TEST(test_failed_growth_is_reported_once_at_the_end)
{
    for (size_t nth = 1;; nth++) {
        struct weft_buffer buffer;
        weft_buffer_init(&buffer, 0);
        weft_alloc_fail_at(nth);
        append_one_of_each(&buffer);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(weft_buffer_status(&buffer), has_failed ? WEFT_NOMEM : WEFT_OK);
        weft_buffer_clear(&buffer);
        append_one_of_each(&buffer);
        ck_assert_int_eq(weft_buffer_status(&buffer), WEFT_OK);
        ck_assert_uint_eq(buffer.length, 4 + 700 + 6 + 700 + 1);
        weft_buffer_fini(&buffer);
        if (!has_failed) {
            ck_assert_uint_gt(nth, 3);
            break;
        }
    }
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_appends_match_a_plain_array),
        BASE_TEST(test_reserve_gives_room_without_growing_length),
        BASE_TEST(test_limit_is_exact_and_sticks_until_cleared),
        BASE_TEST(test_impossible_length_fails),
        BASE_TEST(test_json_escapes_what_must_be_escaped),
        BASE_TEST(test_json_repairs_what_is_not_utf8),
        BASE_TEST(test_failed_growth_is_reported_once_at_the_end),
    };
    return BASE_TEST_RUN("buffer", tests);
}
