/* Selections of records, against a plain list of bools. */
#include "wire/wire_test.h"

#include "wire/otlp_table_selection.h"

enum { MOST = 200 };

static void compare(const struct weft_selection *selection, const bool *model, size_t first, size_t end)
{
    size_t count = 0, next = first;
    for (size_t i = first; i < end; i++) {
        count += model[i];
    }
    while (next < end && !model[next]) {
        next++;
    }
    ck_assert_uint_eq(weft_selection_count(selection, first, end), count);
    ck_assert_uint_eq(weft_selection_next(selection, first, end), next);
}

START_TEST(test_ranges_equal_the_model)
{
    struct weft_selection selection = { 0 };
    for (uint64_t seed = 1; seed < 120; seed++) {
        struct random random = { .state = seed };
        size_t count = random_below(&random, MOST);
        bool model[MOST] = { false };
        uint32_t one_in = 1 + random_below(&random, 60);
        ck_assert_int_eq(weft_selection_begin(&selection, count), WEFT_OK);
        for (size_t i = 0; i < count; i++) {
            model[i] = random_below(&random, one_in) == 0;
            if (model[i]) {
                weft_selection_add(&selection, i);
            }
        }
        for (int turn = 0; turn < 2; turn++) {
            for (size_t first = 0; first <= count; first += 1 + first % 5) {
                for (size_t end = first; end <= count; end += 1 + end % 3) {
                    compare(&selection, model, first, end);
                }
            }
            for (size_t i = 0; i < count; i++) {
                ck_assert(weft_selection_has(&selection, i) == model[i]);
                model[i] = !model[i];
            }
            weft_selection_invert(&selection);
        }
    }
    weft_selection_fini(&selection);
}
END_TEST

START_TEST(test_a_selection_begun_anew_is_empty)
{
    struct weft_selection selection = { 0 };
    ck_assert_int_eq(weft_selection_begin(&selection, 130), WEFT_OK);
    weft_selection_invert(&selection);
    ck_assert_int_eq(weft_selection_begin(&selection, 100), WEFT_OK);
    ck_assert_uint_eq(weft_selection_count(&selection, 0, 100), 0);
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_selection_begin(&selection, 128), WEFT_OK); /* what it had is enough */
    ck_assert_int_eq(weft_selection_begin(&selection, 1000), WEFT_NOMEM);
    weft_alloc_fail_at(0);
    ck_assert_uint_eq(selection.count, 128);
    weft_selection_fini(&selection);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { test_ranges_equal_the_model, test_a_selection_begun_anew_is_empty };
    return run_tests("otlp_table_selection", tests, WEFT_COUNT_OF(tests));
}
