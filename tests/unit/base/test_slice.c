/* Slices: equality with empty and NULL, and what printf makes of them. */
#include "base/base_test.h"

#include <stdio.h>

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

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_equality_is_by_content),
        BASE_TEST(test_empty_slices_are_equal_wherever_they_point),
        BASE_TEST(test_literal_keeps_inner_zero_bytes),
    };
    return BASE_TEST_RUN("slice", tests);
}
