/* Clocks: text of known instants, monotonic order, saturation. */
#include "base/base_test.h"

#include "base/clock.h"

static void expect_format(int64_t ns, const char *expected)
{
    char text[WEFT_RFC3339_BYTES];
    weft_wall_format((struct weft_wall){ ns }, text);
    ck_assert_str_eq(text, expected);
}

START_TEST(test_known_instants_are_formatted)
{
    expect_format(0, "1970-01-01T00:00:00.000Z");
    expect_format(INT64_C(1769774400000000000), "2026-01-30T12:00:00.000Z");
    expect_format(INT64_C(1709251199999999999), "2024-02-29T23:59:59.999Z");
    expect_format(INT64_C(951782400001000000), "2000-02-29T00:00:00.001Z");
    expect_format(999999, "1970-01-01T00:00:00.000Z");
    expect_format(INT64_MAX, "2262-04-11T23:47:16.854Z");
}
END_TEST

START_TEST(test_instants_before_the_epoch_are_formatted)
{
    expect_format(-1, "1969-12-31T23:59:59.999Z");
    expect_format(-WEFT_NS_PER_S, "1969-12-31T23:59:59.000Z");
    expect_format(-1500 * WEFT_NS_PER_MS, "1969-12-31T23:59:58.500Z");
    expect_format(INT64_MIN, "1677-09-21T00:12:43.145Z");
}
END_TEST

START_TEST(test_monotonic_never_goes_back)
{
    struct weft_monotonic previous = weft_monotonic_now();
    for (int i = 0; i < 10000; i++) {
        struct weft_monotonic now = weft_monotonic_now();
        BASE_TEST_EXPECT(now.ns >= previous.ns);
        previous = now;
    }
    ck_assert_int_gt(weft_wall_now().ns, INT64_C(1700000000) * WEFT_NS_PER_S);
}
END_TEST

START_TEST(test_deadlines_saturate)
{
    struct weft_monotonic start = { 1000 };
    ck_assert_int_eq(weft_monotonic_after(start, 5).ns, 1005);
    ck_assert_int_eq(weft_monotonic_after(start, INT64_MAX).ns, WEFT_NEVER.ns);
    ck_assert_int_eq(weft_monotonic_after(start, INT64_MAX - 1000).ns, INT64_MAX);
    ck_assert_int_eq(weft_monotonic_after(WEFT_NEVER, 1).ns, INT64_MAX);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_known_instants_are_formatted),
        BASE_TEST(test_instants_before_the_epoch_are_formatted),
        BASE_TEST(test_monotonic_never_goes_back),
        BASE_TEST(test_deadlines_saturate),
    };
    return BASE_TEST_RUN("clock", tests);
}
