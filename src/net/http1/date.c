/* Dates as HTTP writes them (date.h). Fixed width and English, whatever the locale; no strptime, which reads more
 * than the grammar has. */
#include "net/http1/date.h"

enum { DATE_LENGTH = 29, MAX_SECOND_DIGITS = 9 };

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* The place of a three-letter word in a row of them, or -1. */
static int find_word(const char *words, const uint8_t *text)
{
    for (int i = 0; words[i * 3] != '\0'; i++) {
        if (memcmp(words + i * 3, text, 3) == 0) {
            return i;
        }
    }
    return -1;
}

/* count digits as a number, or -1. */
static int64_t read_digits(const uint8_t *text, size_t count)
{
    int64_t number = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_in_month(int64_t year, int month)
{
    static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[month] + (month == 1 && is_leap(year) ? 1 : 0);
}

/* Days from 1970-01-01; month from 0, day from 1. */
static int64_t days_since_epoch(int64_t year, int month, int64_t day)
{
    int64_t before = year - 1;
    int64_t days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;
    for (int i = 0; i < month; i++) {
        days += days_in_month(year, i);
    }
    return days + day - 1;
}

bool weft_http_date_parse(struct weft_slice text, struct weft_wall *out_time)
{
    static const char form[] = "___, __ ___ ____ __:__:__ GMT";
    if (text.length != DATE_LENGTH) {
        return false;
    }
    for (size_t i = 0; i < DATE_LENGTH; i++) {
        if (form[i] != '_' && (uint8_t)form[i] != text.bytes[i]) {
            return false;
        }
    }
    const uint8_t *at = text.bytes;
    int weekday = find_word(day_names, at);
    int month = find_word(month_names, at + 8);
    int64_t day = read_digits(at + 5, 2), year = read_digits(at + 12, 4);
    int64_t hour = read_digits(at + 17, 2), minute = read_digits(at + 20, 2), second = read_digits(at + 23, 2);
    bool has_date = weekday >= 0 && month >= 0 && year >= 1970 && day >= 1 && day <= days_in_month(year, month);
    bool has_time = hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 60;
    if (!has_date || !has_time) {
        return false;
    }
    int64_t days = days_since_epoch(year, month, day);
    if ((days + 4) % 7 != weekday) { /* 1970-01-01 was a Thursday */
        return false;
    }
    int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second;
    *out_time = (struct weft_wall){ seconds > INT64_MAX / WEFT_NS_PER_S ? INT64_MAX : seconds * WEFT_NS_PER_S };
    return true;
}

int64_t weft_retry_after_parse(struct weft_slice text, struct weft_wall now)
{
    struct weft_wall moment;
    if (weft_http_date_parse(text, &moment)) {
        return moment.ns > now.ns ? moment.ns - now.ns : 0;
    }
    bool is_number = text.length > 0 && text.length <= MAX_SECOND_DIGITS;
    int64_t seconds = is_number ? read_digits(text.bytes, text.length) : -1;
    return seconds < 0 ? -1 : seconds * WEFT_NS_PER_S;
}
