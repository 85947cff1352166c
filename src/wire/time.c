/* Dates and epoch numbers of log lines (time.h). Integers only, one look at each byte. */
#include "wire/time.h"

#include "base/assert.h"

#define SECOND_NS UINT64_C(1000000000)

enum { FRACTION_DIGITS = 9, MAX_NUMBER_DIGITS = 19, DATE_LENGTH = 19, DAY_SECONDS = 86400 };

static const char *const problem_names[] = {
#define PROBLEM_NAME(name, text) text,
    WEFT_TIME_PROBLEM_ROWS(PROBLEM_NAME)
#undef PROBLEM_NAME
};

/* What is left of the text. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

const char *weft_time_problem_name(enum weft_time_problem problem)
{
    weft_assert(problem < WEFT_TIME_PROBLEM_COUNT);
    return problem_names[problem];
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_at_any(const struct cursor *cursor, const char *bytes)
{
    return cursor->at < cursor->end && *cursor->at != 0 && strchr(bytes, *cursor->at) != NULL;
}

static bool take(struct cursor *cursor, const char *bytes)
{
    bool is_there = is_at_any(cursor, bytes);
    cursor->at += is_there;
    return is_there;
}

/* Two digits. */
static bool take_pair(struct cursor *cursor, int *out_value)
{
    if (cursor->end - cursor->at < 2 || !is_digit(cursor->at[0]) || !is_digit(cursor->at[1])) {
        return false;
    }
    *out_value = (cursor->at[0] - '0') * 10 + cursor->at[1] - '0';
    cursor->at += 2;
    return true;
}

/* Digits after a point, as billionths; any number of them, none too. */
static uint32_t take_fraction(struct cursor *cursor)
{
    uint32_t value = 0;
    size_t count = 0;
    for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++) {
        if (count < FRACTION_DIGITS) {
            value = value * 10 + (uint32_t)(*cursor->at - '0');
            count++;
        }
    }
    for (; count < FRACTION_DIGITS; count++) {
        value *= 10;
    }
    return value;
}

struct date {
    int year, month, day, hour, minute, second;
};

static bool take_byte(struct cursor *cursor, uint8_t byte)
{
    bool is_there = cursor->at < cursor->end && *cursor->at == byte;
    cursor->at += is_there;
    return is_there;
}

static bool take_date(struct cursor *cursor, struct date *date)
{
    int century;
    uint8_t dash = cursor->end - cursor->at > 4 && cursor->at[4] == '/' ? '/' : '-';
    bool is_day = take_pair(cursor, &century) && take_pair(cursor, &date->year) && take_byte(cursor, dash) &&
                  take_pair(cursor, &date->month) && take_byte(cursor, dash) && take_pair(cursor, &date->day);
    if (!is_day || !(take_byte(cursor, 'T') || take(cursor, "t _"))) {
        return false;
    }
    date->year += century * 100;
    return take_pair(cursor, &date->hour) && take_byte(cursor, ':') && take_pair(cursor, &date->minute) &&
           take_byte(cursor, ':') && take_pair(cursor, &date->second);
}

int weft_time_month_days(int year, int month)
{
    static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    weft_assert(month >= 1 && month <= 12);
    bool is_leap_year = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && is_leap_year);
}

/* A second of 60 is a leap second: it is the first of the next minute, as clocks show it afterwards. */
static bool is_date(const struct date *date)
{
    if (date->month < 1 || date->month > 12) {
        return false;
    }
    int days = weft_time_month_days(date->year, date->month);
    return date->day >= 1 && date->day <= days && date->hour < 24 && date->minute < 60 && date->second <= 60;
}

/* Years begin in March here, so that the leap day is the last one. */
int64_t weft_time_days(int year, int month, int day)
{
    static const int16_t before_month[] = { 306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275 };
    weft_assert(year >= 0 && month >= 1 && month <= 12);
    int64_t from_march = year - (month <= 2);
    int64_t leap_days = from_march / 4 - from_march / 100 + from_march / 400;
    return from_march * 365 + leap_days + before_month[month - 1] + day - 1 - 719468;
}

/* Z, +hh:mm, +hhmm, +hh, also after a space; "UTC" and "GMT". False: something else stands here. */
static bool take_zone(struct cursor *cursor, int *out_minutes, bool *out_has_zone)
{
    take_byte(cursor, ' ');
    *out_has_zone = cursor->at < cursor->end;
    *out_minutes = 0;
    if (!*out_has_zone || take_byte(cursor, 'Z') || take_byte(cursor, 'z')) {
        return cursor->at == cursor->end;
    }
    bool is_west = is_at_any(cursor, "-");
    int hours;
    int minutes = 0;
    if (take(cursor, "+-")) {
        bool is_good = take_pair(cursor, &hours) && hours < 24;
        bool has_minutes = is_good && (take(cursor, ":") || cursor->at < cursor->end);
        is_good = is_good && (!has_minutes || (take_pair(cursor, &minutes) && minutes < 60));
        *out_minutes = is_good ? (is_west ? -1 : 1) * (hours * 60 + minutes) : 0;
        return is_good && cursor->at == cursor->end;
    }
    struct weft_slice rest = weft_slice_of(cursor->at, (size_t)(cursor->end - cursor->at));
    return weft_slice_equal_text(rest, "UTC") || weft_slice_equal_text(rest, "GMT");
}

enum weft_time_problem weft_time_of_parts(int64_t seconds, int64_t nanos, uint64_t *out_ns)
{
    if (seconds < 0 || nanos < 0 || (uint64_t)nanos >= SECOND_NS) {
        return WEFT_TIME_PROBLEM_RANGE;
    }
    uint64_t ns;
    if (__builtin_mul_overflow((uint64_t)seconds, SECOND_NS, &ns) || __builtin_add_overflow(ns, (uint64_t)nanos, &ns)) {
        return WEFT_TIME_PROBLEM_RANGE;
    }
    if (ns == 0) {
        return WEFT_TIME_PROBLEM_EMPTY;
    }
    *out_ns = ns;
    return WEFT_TIME_PROBLEM_OK;
}

/* An integer part, by whose size the unit is told, and a fraction; no sign, no exponent. */
enum weft_time_problem weft_time_of_number(struct weft_slice text, uint64_t *out_ns)
{
    struct cursor cursor = { text.bytes, text.bytes + text.length };
    uint64_t whole = 0;
    size_t count = 0;
    if (text.length == 0) {
        return WEFT_TIME_PROBLEM_EMPTY;
    }
    for (; cursor.at < cursor.end && is_digit(*cursor.at); cursor.at++) {
        whole = count < MAX_NUMBER_DIGITS ? whole * 10 + (uint64_t)(*cursor.at - '0') : whole;
        count += count > 0 || *cursor.at != '0';
    }
    bool has_digits = cursor.at > text.bytes;
    uint64_t billionths = has_digits && take_byte(&cursor, '.') ? take_fraction(&cursor) : 0;
    if (!has_digits || cursor.at != cursor.end) {
        bool is_negative = text.bytes[0] == '-' && text.length > 1 && is_digit(text.bytes[1]);
        return is_negative ? WEFT_TIME_PROBLEM_RANGE : WEFT_TIME_PROBLEM_SYNTAX;
    }
    if (count > MAX_NUMBER_DIGITS) {
        return WEFT_TIME_PROBLEM_RANGE;
    }
    uint64_t unit_ns = whole < UINT64_C(100000000000)         ? SECOND_NS
                       : whole < UINT64_C(100000000000000)    ? UINT64_C(1000000)
                       : whole < UINT64_C(100000000000000000) ? UINT64_C(1000)
                                                              : 1;
    uint64_t per_second = SECOND_NS / unit_ns;
    uint64_t nanos = whole % per_second * unit_ns + billionths * unit_ns / SECOND_NS;
    return weft_time_of_parts((int64_t)(whole / per_second), (int64_t)nanos, out_ns);
}

enum weft_time_problem weft_time_of_text(struct weft_slice text, int zone_minutes, uint64_t *out_ns,
                                         bool *out_is_assumed)
{
    struct cursor cursor = { text.bytes, text.bytes + text.length };
    struct date date;
    uint64_t ns;
    if (text.length < DATE_LENGTH || !take_date(&cursor, &date)) {
        enum weft_time_problem problem = weft_time_of_number(text, &ns);
        if (problem == WEFT_TIME_PROBLEM_OK) {
            *out_ns = ns;
            *out_is_assumed = false;
        }
        return problem;
    }
    uint32_t nanos = take_byte(&cursor, '.') || take_byte(&cursor, ',') ? take_fraction(&cursor) : 0;
    int minutes;
    bool has_zone;
    if (!take_zone(&cursor, &minutes, &has_zone)) {
        return WEFT_TIME_PROBLEM_SYNTAX;
    }
    if (!is_date(&date)) {
        return WEFT_TIME_PROBLEM_RANGE;
    }
    int64_t seconds = weft_time_days(date.year, date.month, date.day) * DAY_SECONDS + date.hour * 3600 +
                      date.minute * 60 + date.second;
    seconds -= (has_zone ? minutes : zone_minutes) * INT64_C(60);
    enum weft_time_problem problem = weft_time_of_parts(seconds, nanos, &ns);
    if (problem == WEFT_TIME_PROBLEM_OK) {
        *out_ns = ns;
        *out_is_assumed = !has_zone;
    }
    return problem;
}
