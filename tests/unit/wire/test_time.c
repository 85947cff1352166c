/* Times of log lines: dates with every kind of zone and fraction, epoch numbers of each unit, what is no time, and
 * every day of six centuries beside the C library's calendar. */
#include "wire/wire_test.h"

#include <time.h>

#include "wire/time.h"

struct time_case {
    const char *text;
    enum weft_time_problem problem;
    uint64_t ns;
    bool is_assumed;
};

#define AT(text, ns)                                    \
    {                                                   \
        text, WEFT_TIME_PROBLEM_OK, UINT64_C(ns), false \
    }
#define ASSUMED(text, ns)                              \
    {                                                  \
        text, WEFT_TIME_PROBLEM_OK, UINT64_C(ns), true \
    }
#define NONE(text, problem)                         \
    {                                               \
        text, WEFT_TIME_PROBLEM_##problem, 0, false \
    }

/* 2026-11-23T16:15:49Z is 1795450549. */
static const struct time_case cases[] = {
    AT("2026-11-23T16:15:49Z", 1795450549000000000),
    AT("2026-11-23T16:15:49.485559Z", 1795450549485559000),
    AT("2026-11-23T16:15:49.4Z", 1795450549400000000),
    AT("2026-11-23T16:15:49.123456789Z", 1795450549123456789),
    AT("2026-11-23T16:15:49.1234567899999Z", 1795450549123456789),
    AT("2026-11-23T16:15:49.Z", 1795450549000000000),
    AT("2026-11-23t16:15:49z", 1795450549000000000),
    AT("2026-11-23 16:15:49.485559Z", 1795450549485559000),
    AT("2026-11-23T16:15:49+00:00", 1795450549000000000),
    AT("2026-11-23T18:15:49.5+02:00", 1795450549500000000),
    AT("2026-11-23T10:45:49-05:30", 1795450549000000000),
    AT("2026-11-23T18:15:49+0200", 1795450549000000000),
    AT("2026-11-23T18:15:49+02", 1795450549000000000),
    AT("2026-11-23 18:15:49 +0200", 1795450549000000000),
    AT("2026-11-23 16:15:49 UTC", 1795450549000000000),
    AT("2026/11/23 16:15:49Z", 1795450549000000000),
    AT("2000-02-29T00:00:00Z", 951782400000000000),
    AT("2016-12-31T23:59:60Z", 1483228800000000000),
    AT("2554-07-21T23:34:33.709551615Z", 18446744073709551615),
    ASSUMED("2026-11-23 16:15:49,678", 1795450549678000000),
    ASSUMED("2026-11-23T16:15:49.678", 1795450549678000000),
    ASSUMED("2026-11-23 16:15:49", 1795450549000000000),
    AT("1795450549", 1795450549000000000),
    AT("1795450549.1234567", 1795450549123456700),
    AT("1795450549485", 1795450549485000000),
    AT("1795450549485.25", 1795450549485250000),
    AT("1795450549485559", 1795450549485559000),
    AT("1795450549485559123", 1795450549485559123),
    AT("18446744073", 18446744073000000000),
    NONE("99999999999", RANGE),
    NONE("", EMPTY),
    NONE("0", EMPTY),
    NONE("0.0", EMPTY),
    NONE("1970-01-01T00:00:00Z", EMPTY),
    NONE("   0.000123456s", SYNTAX),
    NONE("139\xc2\xb5s", SYNTAX),
    NONE("yesterday", SYNTAX),
    NONE("-", SYNTAX),
    NONE(".5", SYNTAX),
    NONE("1.5e9", SYNTAX),
    NONE("2026-11-23", SYNTAX),
    NONE("2026-11-23T16:15Z", SYNTAX),
    NONE("2026-11-23T16:15:49Q", SYNTAX),
    NONE("2026-11-23T16:15:49+2", SYNTAX),
    NONE("2026-11-23T16:15:49+02:", SYNTAX),
    NONE("2026-11-23T16:15:49+02:000", SYNTAX),
    NONE("2026-11-23T16:15:49+24:00", SYNTAX),
    NONE("2026-11-23T16:15:49ZZ", SYNTAX),
    NONE("2026-11/23T16:15:49Z", SYNTAX),
    NONE("-1", RANGE),
    NONE("1969-12-31T23:59:59Z", RANGE),
    NONE("1970-01-01T00:00:00+01:00", RANGE),
    NONE("2554-07-21T23:34:33.709551616Z", RANGE),
    NONE("9999-12-31T23:59:59Z", RANGE),
    NONE("0000-01-01T00:00:00Z", RANGE),
    NONE("2026-13-01T00:00:00Z", RANGE),
    NONE("2026-00-01T00:00:00Z", RANGE),
    NONE("2026-02-29T00:00:00Z", RANGE),
    NONE("2100-02-29T00:00:00Z", RANGE),
    NONE("2026-11-31T00:00:00Z", RANGE),
    NONE("2026-11-23T24:00:00Z", RANGE),
    NONE("2026-11-23T16:60:00Z", RANGE),
    NONE("2026-11-23T16:15:61Z", RANGE),
    NONE("99999999999999999999999", RANGE),
};

static enum weft_time_problem read(const char *text, size_t length, int zone, uint64_t *out_ns, bool *out_is_assumed)
{
    uint8_t *copy = weft_alloc(length > 0 ? length : 1); /* exact: a read past the end is seen */
    memcpy(copy, text, length);
    enum weft_time_problem problem = weft_time_of_text(weft_slice_of(copy, length), zone, out_ns, out_is_assumed);
    weft_free(copy);
    return problem;
}

START_TEST(test_texts_are_the_times_that_they_say)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        const struct time_case *example = &cases[i];
        uint64_t ns = 0;
        bool is_assumed = false;
        enum weft_time_problem problem = read(example->text, strlen(example->text), 0, &ns, &is_assumed);
        ck_assert_msg(problem == example->problem, "%s: %s", example->text, weft_time_problem_name(problem));
        ck_assert_msg(ns == example->ns, "%s: %lu", example->text, (unsigned long)ns);
        ck_assert_int_eq(is_assumed, example->is_assumed);
    }
}
END_TEST

START_TEST(test_a_zone_is_assumed_only_where_there_is_none)
{
    uint64_t ns;
    bool is_assumed;
    const char *text = "2026-11-23 18:15:49,678";
    ck_assert_int_eq(read(text, strlen(text), 120, &ns, &is_assumed), WEFT_TIME_PROBLEM_OK);
    ck_assert(is_assumed && ns == UINT64_C(1795450549678000000));
    text = "2026-11-23T16:15:49Z";
    ck_assert_int_eq(read(text, strlen(text), 120, &ns, &is_assumed), WEFT_TIME_PROBLEM_OK);
    ck_assert(!is_assumed && ns == UINT64_C(1795450549000000000));
}
END_TEST

START_TEST(test_truncated_texts_are_read_within_their_bounds)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        for (size_t length = 0; length < strlen(cases[i].text); length++) {
            uint64_t ns = 0;
            bool is_assumed = false;
            enum weft_time_problem problem = read(cases[i].text, length, 0, &ns, &is_assumed);
            ck_assert((problem == WEFT_TIME_PROBLEM_OK) == (ns != 0));
        }
    }
}
END_TEST

START_TEST(test_units_are_told_by_magnitude)
{
    uint64_t ns;
    static const char *const largest[] = { "99999999999", "99999999999999", "99999999999999999" };
    static const char *const next[] = { "100000000000", "100000000000000", "100000000000000000" };
    for (size_t i = 0; i < WEFT_COUNT_OF(next); i++) {
        ck_assert_int_eq(weft_time_of_number(weft_slice_of_text(largest[i]), &ns), WEFT_TIME_PROBLEM_RANGE);
        ck_assert_int_eq(weft_time_of_number(weft_slice_of_text(next[i]), &ns), WEFT_TIME_PROBLEM_OK);
        ck_assert_uint_eq(ns, UINT64_C(100000000000000000));
    }
}
END_TEST

START_TEST(test_seconds_and_nanos_are_added)
{
    uint64_t ns;
    ck_assert_int_eq(weft_time_of_parts(1795450549, 5, &ns), WEFT_TIME_PROBLEM_OK);
    ck_assert_uint_eq(ns, UINT64_C(1795450549000000005));
    ck_assert_int_eq(weft_time_of_parts(0, 0, &ns), WEFT_TIME_PROBLEM_EMPTY);
    ck_assert_int_eq(weft_time_of_parts(-1, 0, &ns), WEFT_TIME_PROBLEM_RANGE);
    ck_assert_int_eq(weft_time_of_parts(1, 1000000000, &ns), WEFT_TIME_PROBLEM_RANGE);
    ck_assert_int_eq(weft_time_of_parts(INT64_MAX, 0, &ns), WEFT_TIME_PROBLEM_RANGE);
}
END_TEST

START_TEST(test_every_day_is_that_of_the_calendar)
{
    for (int64_t day = 1; day < 213000; day++) {
        time_t seconds = (time_t)(day * 86400);
        struct tm date;
        char text[40];
        uint64_t ns;
        bool is_assumed;
        ck_assert(gmtime_r(&seconds, &date) != NULL);
        ck_assert_uint_gt(strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &date), 0);
        ck_assert_int_eq(weft_time_of_text(weft_slice_of_text(text), 0, &ns, &is_assumed), WEFT_TIME_PROBLEM_OK);
        ck_assert_uint_eq(ns, (uint64_t)seconds * UINT64_C(1000000000));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_texts_are_the_times_that_they_say,
        test_a_zone_is_assumed_only_where_there_is_none,
        test_truncated_texts_are_read_within_their_bounds,
        test_units_are_told_by_magnitude,
        test_seconds_and_nanos_are_added,
        test_every_day_is_that_of_the_calendar,
    };
    return run_tests("time", tests, WEFT_COUNT_OF(tests));
}
