/* HTTP dates and Retry-After. */
#include <check.h>
#include <time.h>

#include "net/http1/date.h"
#include "suite.h"

static int64_t seconds_of(const char *text)
{
    struct weft_wall time = { -1 };
    return weft_http_date_parse(weft_slice_of_text(text), &time) ? time.ns / WEFT_NS_PER_S : -1;
}

START_TEST(test_known_dates_are_read)
{
    ck_assert_int_eq(seconds_of("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    ck_assert_int_eq(seconds_of("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(seconds_of("Tue, 29 Feb 2000 23:59:59 GMT"), 951868799);
    ck_assert_int_eq(seconds_of("Mon, 23 Nov 2026 12:00:00 GMT"), 1795435200);
    ck_assert_int_eq(seconds_of("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800); /* a leap second */
}
END_TEST

START_TEST(test_every_day_of_two_centuries_agrees_with_the_library)
{
    for (int64_t day = 0; day < 73000; day++) {
        time_t seconds = day * 86400 + day % 86400;
        struct tm parts;
        char text[40];
        gmtime_r(&seconds, &parts);
        ck_assert_uint_eq(strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts), 29);
        ck_assert_int_eq(seconds_of(text), seconds);
    }
}
END_TEST

START_TEST(test_what_is_not_a_date_is_refused)
{
    static const char *const bad[] = {
        "",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Mon, 29 Feb 2100 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 19x4 08:49:37 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Sun, 06 Nov 1994 -8:49:37 GMT",
        "unS, 06 Nov 1994 08:49:37 GMT",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(seconds_of(bad[i]) == -1, "%s", bad[i]);
    }
}
END_TEST

static int64_t pause_of(const char *text, int64_t now_s)
{
    return weft_retry_after_parse(weft_slice_of_text(text), (struct weft_wall){ now_s * WEFT_NS_PER_S });
}

START_TEST(test_retry_after_is_read_both_ways)
{
    ck_assert_int_eq(pause_of("0", 5), 0);
    ck_assert_int_eq(pause_of("120", 5), 120 * WEFT_NS_PER_S);
    ck_assert_int_eq(pause_of("999999999", 5), 999999999 * WEFT_NS_PER_S);
    ck_assert_int_eq(pause_of("Sun, 06 Nov 1994 08:49:37 GMT", 784111700), 77 * WEFT_NS_PER_S);
    ck_assert_int_eq(pause_of("Sun, 06 Nov 1994 08:49:37 GMT", 784111777), 0);
    ck_assert_int_eq(pause_of("Sun, 06 Nov 1994 08:49:37 GMT", 1795435200), 0);
    ck_assert_int_gt(pause_of("Fri, 31 Dec 9999 23:59:59 GMT", 0), 0);
    static const char *const bad[] = { "", "-1", "+1", "1.5", "soon", "9999999999", " 1", "1s", "0x10" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(pause_of(bad[i], 5) == -1, "%s", bad[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_date");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, test_known_dates_are_read);
    tcase_add_test(tcase, test_every_day_of_two_centuries_agrees_with_the_library);
    tcase_add_test(tcase, test_what_is_not_a_date_is_refused);
    tcase_add_test(tcase, test_retry_after_is_read_both_ways);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
