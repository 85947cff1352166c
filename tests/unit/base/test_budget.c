/* Budget: the lowest limit counts, wherever it stands among those that come and go. */
#include "base/base_test.h"

#include "base/budget.h"

START_TEST(test_without_a_limit_everything_is_allowed)
{
    struct weft_budget budget = { 0 };
    weft_budget_charge(&budget, (size_t)1 << 50);
    ck_assert_uint_eq(weft_budget_limit(&budget), UINT64_MAX);
    ck_assert(!weft_budget_is_overdrawn(&budget));
    ck_assert_uint_eq(weft_budget_share(&budget, 64 << 20), 64 << 20);
}
END_TEST

START_TEST(test_lowest_limit_counts)
{
    struct weft_budget budget = { 0 };
    struct weft_budget_limit limits[] = { { .bytes = 300 }, { .bytes = 100 }, { .bytes = 200 } };
    for (size_t i = 0; i < 3; i++) {
        weft_budget_add_limit(&budget, &limits[i]);
    }
    ck_assert_uint_eq(weft_budget_limit(&budget), 100);
    weft_budget_remove_limit(&budget, &limits[1]);
    ck_assert_uint_eq(weft_budget_limit(&budget), 200);
    weft_budget_remove_limit(&budget, &limits[2]);
    ck_assert_uint_eq(weft_budget_limit(&budget), 300);
    weft_budget_remove_limit(&budget, &limits[0]);
    ck_assert_uint_eq(weft_budget_limit(&budget), UINT64_MAX);
}
END_TEST

START_TEST(test_an_eighth_above_the_limit_is_overdrawn)
{
    struct weft_budget budget = { 0 };
    struct weft_budget_limit limit = { .bytes = 800 };
    weft_budget_add_limit(&budget, &limit);
    weft_budget_charge(&budget, 900);
    ck_assert(!weft_budget_is_overdrawn(&budget));
    weft_budget_charge(&budget, 1);
    ck_assert(weft_budget_is_overdrawn(&budget));
    weft_budget_release(&budget, 1);
    ck_assert(!weft_budget_is_overdrawn(&budget));
}
END_TEST

START_TEST(test_one_use_gets_half_of_the_limit)
{
    struct weft_budget budget = { 0 };
    struct weft_budget_limit limit = { .bytes = 800 };
    weft_budget_add_limit(&budget, &limit);
    ck_assert_uint_eq(weft_budget_share(&budget, 399), 399);
    ck_assert_uint_eq(weft_budget_share(&budget, 401), 400);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_without_a_limit_everything_is_allowed),
        BASE_TEST(test_lowest_limit_counts),
        BASE_TEST(test_an_eighth_above_the_limit_is_overdrawn),
        BASE_TEST(test_one_use_gets_half_of_the_limit),
    };
    return BASE_TEST_RUN("budget", tests);
}
