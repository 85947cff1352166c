/* Writing times in a layout (time_layout.h), as Go's time.Format does. */
#include "wire/time_layout.h"

#include <stdio.h>

enum { DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60 };

static const char *const months[] = { "January", "February", "March",     "April",   "May",      "June",
                                      "July",    "August",   "September", "October", "November", "December" };
static const char *const weekdays[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Years are counted from March, so that the day that some have more is their last. */
static void set_day(struct weft_time_date *date, int64_t days)
{
    enum { DAYS_OF_400_YEARS = 146097, FROM_MARCH_OF_0 = 719468 };
    static const int before_month[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    int64_t shifted = days + FROM_MARCH_OF_0;
    int64_t era = floor_divide(shifted, DAYS_OF_400_YEARS);
    int64_t of_era = shifted - era * DAYS_OF_400_YEARS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int month = (int)((5 * of_year + 2) / 153);
    date->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    date->month = month < 10 ? month + 3 : month - 9;
    date->year = era * 400 + year + (date->month <= 2);
    date->year_day = before_month[date->month - 1] + date->day + (date->month > 2 && is_leap(date->year));
}

struct weft_time_date weft_time_date_of(const struct weft_time_clock *clock)
{
    enum { THURSDAY = 4, WEEK = 7 };
    struct weft_time_date date = { 0 };
    int64_t seconds = clock->seconds + clock->offset_s;
    int64_t days = floor_divide(seconds, DAY_S);
    int of_day = (int)(seconds - days * DAY_S);
    set_day(&date, days);
    date.weekday = (int)(days + THURSDAY - floor_divide(days + THURSDAY, WEEK) * WEEK);
    date.hour = of_day / HOUR_S;
    date.minute = of_day / MINUTE_S % 60;
    date.second = of_day % MINUTE_S;
    return date;
}

static void put_number(struct weft_buffer *out, int64_t number, int width)
{
    weft_buffer_append_format(out, "%0*lld", width + (number < 0), (long long)number);
}

/* ".000" has its digits, ".999" those up to the last that is no zero; its point goes with them. */
static void put_fraction(struct weft_buffer *out, const struct weft_time_element *element, uint32_t nanos)
{
    enum { NANO_DIGITS = 9 };
    char digits[16];
    size_t count = element->detail < NANO_DIGITS ? element->detail : NANO_DIGITS;
    snprintf(digits, sizeof digits, "%09u", (unsigned)nanos);
    while (element->kind == WEFT_TIME_FRACTION_ANY && count > 0 && digits[count - 1] == '0') {
        count--;
    }
    if (count > 0) {
        weft_buffer_append_byte(out, element->has_comma ? ',' : '.');
        weft_buffer_append(out, digits, count);
    }
}

static void put_offset(struct weft_buffer *out, unsigned form, int32_t offset_s)
{
    const char *colon = (form & WEFT_TIME_OFFSET_COLONS) != 0 ? ":" : "";
    int ahead = offset_s < 0 ? -offset_s : offset_s;
    if (offset_s == 0 && (form & WEFT_TIME_OFFSET_OR_Z) != 0) {
        weft_buffer_append_byte(out, 'Z');
        return;
    }
    weft_buffer_append_format(out, "%c%02d", offset_s < 0 ? '-' : '+', ahead / HOUR_S);
    if ((form & WEFT_TIME_OFFSET_MINUTES) != 0) {
        weft_buffer_append_format(out, "%s%02d", colon, ahead / MINUTE_S % 60);
    }
    if ((form & WEFT_TIME_OFFSET_SECONDS) != 0) {
        weft_buffer_append_format(out, "%s%02d", colon, ahead % MINUTE_S);
    }
}

static void put_zone_name(struct weft_buffer *out, int32_t offset_s)
{
    if (offset_s == 0) {
        weft_buffer_append_text(out, "UTC");
        return;
    }
    put_offset(out, offset_s % HOUR_S == 0 ? 0 : WEFT_TIME_OFFSET_MINUTES, offset_s);
}

static int hour12(int hour)
{
    return hour % 12 == 0 ? 12 : hour % 12;
}

static void put_element(struct weft_buffer *out, const struct weft_time_element *element,
                        const struct weft_time_date *date, const struct weft_time_clock *clock)
{
    switch (element->kind) {
    case WEFT_TIME_END:
        return;
    case WEFT_TIME_MONTH_NAME:
        weft_buffer_append(out, months[date->month - 1], 3);
        return;
    case WEFT_TIME_MONTH_NAME_LONG:
        weft_buffer_append_text(out, months[date->month - 1]);
        return;
    case WEFT_TIME_MONTH:
        put_number(out, date->month, 1);
        return;
    case WEFT_TIME_MONTH_TWO_DIGITS:
        put_number(out, date->month, 2);
        return;
    case WEFT_TIME_WEEKDAY:
        weft_buffer_append(out, weekdays[date->weekday], 3);
        return;
    case WEFT_TIME_WEEKDAY_LONG:
        weft_buffer_append_text(out, weekdays[date->weekday]);
        return;
    case WEFT_TIME_DAY:
        put_number(out, date->day, 1);
        return;
    case WEFT_TIME_DAY_SPACE:
        weft_buffer_append_format(out, "%2d", date->day);
        return;
    case WEFT_TIME_DAY_TWO_DIGITS:
        put_number(out, date->day, 2);
        return;
    case WEFT_TIME_YEAR_DAY_SPACES:
        weft_buffer_append_format(out, "%3d", date->year_day);
        return;
    case WEFT_TIME_YEAR_DAY_THREE_DIGITS:
        put_number(out, date->year_day, 3);
        return;
    case WEFT_TIME_HOUR:
        put_number(out, date->hour, 2);
        return;
    case WEFT_TIME_HOUR12:
        put_number(out, hour12(date->hour), 1);
        return;
    case WEFT_TIME_HOUR12_TWO_DIGITS:
        put_number(out, hour12(date->hour), 2);
        return;
    case WEFT_TIME_MINUTE:
        put_number(out, date->minute, 1);
        return;
    case WEFT_TIME_MINUTE_TWO_DIGITS:
        put_number(out, date->minute, 2);
        return;
    case WEFT_TIME_SECOND:
        put_number(out, date->second, 1);
        return;
    case WEFT_TIME_SECOND_TWO_DIGITS:
        put_number(out, date->second, 2);
        return;
    case WEFT_TIME_YEAR:
    case WEFT_TIME_YEAR_ANY:
        put_number(out, date->year, 4);
        return;
    case WEFT_TIME_YEAR_TWO_DIGITS:
        put_number(out, (date->year % 100 + 100) % 100, 2);
        return;
    case WEFT_TIME_PM:
        weft_buffer_append_text(out, date->hour >= 12 ? "PM" : "AM");
        return;
    case WEFT_TIME_PM_LOWER:
        weft_buffer_append_text(out, date->hour >= 12 ? "pm" : "am");
        return;
    case WEFT_TIME_ZONE_NAME:
        put_zone_name(out, clock->offset_s);
        return;
    case WEFT_TIME_OFFSET:
        put_offset(out, element->detail, clock->offset_s);
        return;
    case WEFT_TIME_FRACTION:
    case WEFT_TIME_FRACTION_ANY:
        put_fraction(out, element, clock->nanos);
        return;
    }
}

void weft_time_layout_write(const struct weft_time_layout *layout, const struct weft_time_clock *clock,
                            struct weft_buffer *out)
{
    struct weft_time_date date = weft_time_date_of(clock);
    const struct weft_time_element *element = layout->elements;
    for (;; element++) {
        weft_buffer_append(out, element->literal.bytes, element->literal.length);
        if (element->kind == WEFT_TIME_END) {
            return;
        }
        put_element(out, element, &date, clock);
    }
}
