/* Durations: what Go's time.ParseDuration takes, and nothing else. */
#include "config/loading.h"

#include "config/duration.h"
#include "suite.h"

static const struct {
    const char *text;
    int64_t ns;
} good_cases[] = {
    { "0", 0 },
    { "-0", 0 },
    { "+0", 0 },
    { "0s", 0 },
    { "300ms", 300000000 },
    { "5s", 5000000000 },
    { "1m30s", 90000000000 },
    { "1h2m3.5s", 3723500000000 },
    { "-1s", -1000000000 },
    { "+2s", 2000000000 },
    { ".5s", 500000000 },
    { "5.s", 5000000000 },
    { "1us", 1000 },
    { "1\xc2\xb5s", 1000 },
    { "1\xce\xbcs", 1000 },
    { "1.5ns", 1 },
    { "2h0.000000001s", 7200000000001 },
    { "0.100000000000000000000h", 360000000000 },
    { "0.3333333333333333333h", 1200000000000 },
    { "2562047h47m16.854775807s", INT64_MAX },
    { "-2562047h47m16.854775808s", INT64_MIN },
    { "9223372036854775807ns", INT64_MAX },
    { "1s1s", 2000000000 },
};

START_TEST(test_go_form_is_read)
{
    int64_t ns = -7;
    ck_assert_msg(weft_duration_parse(good_cases[_i].text, &ns), "%s", good_cases[_i].text);
    ck_assert_int_eq(ns, good_cases[_i].ns);
}
END_TEST

static const char *const bad_cases[] = {
    "",
    "5",
    "-",
    "+",
    "s",
    ".s",
    "-.s",
    "5x",
    "5 s",
    " 5s",
    "5s ",
    "1d",
    "5S",
    "1e3s",
    "--1s",
    "1s-1s",
    "1.2.3s",
    "00",
    "9223372036854775808ns",
    "2562047h47m16.854775808s",
    "-2562047h47m16.854775809s",
    "99999999999999999999s",
    "18446744073709551616ns",
    "1_0s",
};

START_TEST(test_anything_else_is_refused)
{
    int64_t ns = -7;
    ck_assert_msg(!weft_duration_parse(bad_cases[_i], &ns), "%s", bad_cases[_i]);
    ck_assert_int_eq(ns, -7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("duration");
    TCase *test_case = tcase_create("duration");
    tcase_add_loop_test(test_case, test_go_form_is_read, 0, WEFT_COUNT_OF(good_cases));
    tcase_add_loop_test(test_case, test_anything_else_is_refused, 0, WEFT_COUNT_OF(bad_cases));
    suite_add_tcase(suite, test_case);
    return suite_run(suite);
}
