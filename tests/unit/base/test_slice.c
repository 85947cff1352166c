/* Slices: equality with empty and NULL, what printf makes of them, and copies of few bytes. */
#include "base/base_test.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/few_bytes.h"
#include "base/slice.h"

START_TEST(test_equality_is_by_content)
{
    char left[] = "same bytes";
    char right[] = "same bytes";
    ck_assert(weft_slice_equal(weft_slice_of_text(left), weft_slice_of_text(right)));
    ck_assert(!weft_slice_equal(weft_slice_of(left, 4), weft_slice_of(right, 5)));
    right[9] = '!';
    ck_assert(!weft_slice_equal(weft_slice_of_text(left), weft_slice_of_text(right)));
    ck_assert(weft_slice_equal_text(weft_slice_of(left, 4), "same"));
    ck_assert(!weft_slice_equal_text(weft_slice_of(left, 4), "sam"));
}
END_TEST

START_TEST(test_empty_slices_are_equal_wherever_they_point)
{
    ck_assert(weft_slice_equal(WEFT_SLICE_EMPTY, weft_slice_of("x", 0)));
    ck_assert(weft_slice_equal_text(WEFT_SLICE_EMPTY, ""));
    ck_assert(!weft_slice_equal_text(WEFT_SLICE_EMPTY, "x"));
    char text[8];
    snprintf(text, sizeof text, "[%.*s]", WEFT_SLICE_PRINT(WEFT_SLICE_EMPTY));
    ck_assert_str_eq(text, "[]");
}
END_TEST

START_TEST(test_literal_keeps_inner_zero_bytes)
{
    struct weft_slice slice = WEFT_SLICE_LITERAL("a\0b");
    ck_assert_uint_eq(slice.length, 3);
    ck_assert_int_eq(slice.bytes[2], 'b');
}
END_TEST

/* From memory that ends with them and to memory that ends with them, of which a sanitizer knows. */
START_TEST(test_few_bytes_are_copied_and_no_others)
{
    enum { LONGEST = 70 };
    for (size_t length = 0; length <= LONGEST; length++) {
        uint8_t *from = weft_alloc(length + 1);
        uint8_t *to = weft_alloc(length + 2);
        for (size_t i = 0; i < length; i++) {
            from[1 + i] = (uint8_t)(i + 1);
        }
        to[0] = to[length + 1] = UINT8_MAX;
        ck_assert_ptr_eq(weft_put_few_bytes(to + 1, from + 1, length), to + 1 + length);
        ck_assert(memcmp(to + 1, from + 1, length) == 0);
        ck_assert(to[0] == UINT8_MAX && to[length + 1] == UINT8_MAX);
        weft_free(from);
        weft_free(to);
    }
    uint8_t byte = 0;
    ck_assert_ptr_eq(weft_put_few_bytes(&byte, NULL, 0), &byte);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_equality_is_by_content),
        BASE_TEST(test_empty_slices_are_equal_wherever_they_point),
        BASE_TEST(test_literal_keeps_inner_zero_bytes),
        BASE_TEST(test_few_bytes_are_copied_and_no_others),
    };
    return BASE_TEST_RUN("slice", tests);
}
