/* Allocation: zeroed memory, growing arrays, and the hook that makes the n-th call fail. */
#include "base/base_test.h"

#include <string.h>

#include "base/alloc.h"

START_TEST(test_memory_is_zeroed_and_strings_are_copied)
{
    unsigned char *memory = weft_alloc(1000);
    unsigned char *tried = weft_try_alloc(1000);
    for (size_t i = 0; i < 1000; i++) {
        BASE_TEST_EXPECT(memory[i] == 0 && tried[i] == 0);
    }
    char source[] = "text";
    char *copy = weft_alloc_string(source);
    source[0] = 'n';
    ck_assert_str_eq(copy, "text");
    char *formatted = weft_alloc_format("%s-%d", copy, 3);
    ck_assert_str_eq(formatted, "text-3");
    void *nothing = weft_try_alloc(0);
    ck_assert_ptr_nonnull(nothing);
    weft_free(nothing);
    weft_free(NULL);
    weft_free(formatted);
    weft_free(copy);
    weft_free(tried);
    weft_free(memory);
}
END_TEST

START_TEST(test_nth_call_fails_once)
{
    weft_alloc_fail_at(3);
    void *first = weft_try_alloc(8);
    void *second = weft_try_alloc_raw(8);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(second);
    ck_assert(!weft_alloc_has_failed());
    void *third = weft_try_realloc(first, 16);
    ck_assert_ptr_null(third);
    ck_assert(weft_alloc_has_failed());
    void *fourth = weft_try_realloc(first, 16);
    ck_assert_ptr_nonnull(fourth);
    weft_alloc_fail_at(0);
    ck_assert(!weft_alloc_has_failed());
    weft_free(fourth);
    weft_free(second);
}
END_TEST

START_TEST(test_start_up_allocations_are_not_failed)
{
    weft_alloc_fail_at(1);
    void *memory = weft_alloc(8);
    ck_assert_ptr_nonnull(memory);
    ck_assert(!weft_alloc_has_failed());
    weft_alloc_fail_at(0);
    weft_free(memory);
}
END_TEST

START_TEST(test_grow_doubles_and_keeps_contents)
{
    uint64_t *items = NULL;
    size_t capacity = 0;
    for (size_t count = 0; count < 1000; count++) {
        ck_assert_int_eq(weft_try_grow(&items, sizeof *items, count, &capacity), WEFT_OK);
        ck_assert_uint_gt(capacity, count);
        items[count] = count * 3;
    }
    for (size_t i = 0; i < 1000; i++) {
        ck_assert_uint_eq(items[i], i * 3);
    }
    ck_assert_uint_eq(capacity, 1024);
    weft_free(items);
}
END_TEST

START_TEST(test_failed_grow_changes_nothing)
{
    uint32_t *items = NULL;
    size_t capacity = 0;
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_try_grow(&items, sizeof *items, 0, &capacity), WEFT_NOMEM);
    ck_assert_ptr_null(items);
    ck_assert_uint_eq(capacity, 0);
    ck_assert_int_eq(weft_try_grow(&items, sizeof *items, 0, &capacity), WEFT_OK);
    items[3] = 9;
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_try_grow(&items, sizeof *items, 4, &capacity), WEFT_NOMEM);
    weft_alloc_fail_at(0);
    ck_assert_uint_eq(items[3], 9);
    ck_assert_uint_eq(capacity, 4);
    size_t enormous = SIZE_MAX / 4;
    ck_assert_int_eq(weft_try_grow(&items, 16, enormous, &enormous), WEFT_NOMEM);
    weft_free(items);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_memory_is_zeroed_and_strings_are_copied),
        BASE_TEST(test_nth_call_fails_once),
        BASE_TEST(test_start_up_allocations_are_not_failed),
        BASE_TEST(test_grow_doubles_and_keeps_contents),
        BASE_TEST(test_failed_grow_changes_nothing),
    };
    return BASE_TEST_RUN("alloc", tests);
}
