#pragma once

#include "base/slice.h"
#include "base/status.h"

/* Why a value is no time. */
#define WEFT_TIME_PROBLEM_ROWS(ROW)                                              \
    ROW(OK, "ok")                                                                \
    ROW(EMPTY, "empty")   /* nothing, or zero, which OTLP has for "not known" */ \
    ROW(SYNTAX, "syntax") /* no date, no number: a duration or a word */         \
    ROW(RANGE, "range")   /* a day that no month has, before 1970, or beyond OTLP's year 2554 */

enum weft_time_problem {
#define WEFT_TIME_PROBLEM_ENUM(name, text) WEFT_TIME_PROBLEM_##name,
    WEFT_TIME_PROBLEM_ROWS(WEFT_TIME_PROBLEM_ENUM)
#undef WEFT_TIME_PROBLEM_ENUM
        WEFT_TIME_PROBLEM_COUNT
};

const char *weft_time_problem_name(enum weft_time_problem problem);

/* Times of log lines as nanoseconds since 1970. What is wildly wrong stays as it is; digits below a nanosecond are
 * cut. out_* are written on WEFT_TIME_PROBLEM_OK only.
 *
 * Text: RFC 3339, also with a space for T, a comma before the fraction, an offset as +hhmm or +hh or after a space;
 * without an offset zone_minutes (east of UTC) is taken and *out_is_assumed says so. Or a number in digits. */
enum weft_time_problem weft_time_of_text(struct weft_slice text, int zone_minutes, uint64_t *out_ns,
                                         bool *out_is_assumed) WEFT_MUST_CHECK;

/* A number of JSON: below 1e11 seconds, below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds. Read as
 * decimal text: a double has lost the last digits. */
enum weft_time_problem weft_time_of_number(struct weft_slice text, uint64_t *out_ns) WEFT_MUST_CHECK;

/* Google's {"seconds":...,"nanos":...}. */
enum weft_time_problem weft_time_of_parts(int64_t seconds, int64_t nanos, uint64_t *out_ns) WEFT_MUST_CHECK;

/* Days from 1970 on, in the Gregorian calendar. year is not negative; day may lie outside of its month. */
int64_t weft_time_days(int year, int month, int day);
int weft_time_month_days(int year, int month);
