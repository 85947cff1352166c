/* Reading times by their layout (time_layout.h): element by element, as Go's time.Parse does it, without going back. */
#include "wire/time_reader.h"

#include "wire/time.h"

enum { FRACTION_DIGITS = 9, MONTHS = 12 };

bool weft_time_take_digits(struct weft_time_reader *reader, size_t min, size_t max, int *out_number)
{
    size_t count = 0;
    int number = 0;
    for (; count < max && weft_time_is_digit_at(reader, count); count++) {
        number = number * 10 + reader->at[count] - '0';
    }
    if (count < min) {
        return weft_time_refuse(reader, "digits are expected");
    }
    reader->at += count;
    *out_number = number;
    return true;
}

static const char *const month_names[] = { "January", "February", "March",     "April",   "May",      "June",
                                           "July",    "August",   "September", "October", "November", "December" };
static const char *const day_names[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };

/* The first of the names that stands here, in any case; short ones have three letters. */
static bool take_name(struct weft_time_reader *reader, const char *const *names, size_t count, bool is_short,
                      int *out_index)
{
    enum { SHORT_LETTERS = 3, CASE = 'a' ^ 'A' };
    for (size_t i = 0; i < count; i++) {
        size_t length = is_short ? SHORT_LETTERS : strlen(names[i]);
        size_t same = 0;
        while (same < length && same < weft_time_left(reader) && (reader->at[same] | CASE) == (names[i][same] | CASE)) {
            same++;
        }
        if (same == length) {
            reader->at += length;
            *out_index = (int)i;
            return true;
        }
    }
    return weft_time_refuse(reader, "a name is expected");
}

/* A year of two characters may have a sign in Go, too: then it is one digit. */
static bool take_short_year(struct weft_time_reader *reader)
{
    bool has_sign = weft_time_left(reader) >= 2 && (reader->at[0] == '-' || reader->at[0] == '+');
    bool is_negative = has_sign && reader->at[0] == '-';
    int year;
    reader->at += has_sign;
    if (!weft_time_take_digits(reader, has_sign ? 1 : 2, has_sign ? 1 : 2, &year)) {
        return false;
    }
    year = is_negative ? -year : year;
    reader->fields->year = year + (year >= 69 ? 1900 : 2000);
    return true;
}

static bool is_fraction_at(const struct weft_time_reader *reader)
{
    return weft_time_left(reader) >= 2 && (*reader->at == '.' || *reader->at == ',') &&
           weft_time_is_digit_at(reader, 1);
}

/* A point or comma and count digits; what is below a nanosecond is cut. */
static bool take_fraction(struct weft_time_reader *reader, size_t count)
{
    uint32_t nanos = 0;
    if (weft_time_left(reader) < count + 1 || (*reader->at != '.' && *reader->at != ',')) {
        return weft_time_refuse(reader, "a fraction of a second is expected");
    }
    for (size_t i = 1; i <= count || i <= FRACTION_DIGITS; i++) {
        if (i <= count && !weft_time_is_digit_at(reader, i)) {
            return weft_time_refuse(reader, "a fraction of a second is expected");
        }
        if (i <= FRACTION_DIGITS) {
            nanos = nanos * 10 + (i <= count ? (uint32_t)(reader->at[i] - '0') : 0);
        }
    }
    reader->at += count + 1;
    reader->fields->nanos = nanos;
    return true;
}

static bool take_any_fraction(struct weft_time_reader *reader)
{
    size_t count = 0;
    while (is_fraction_at(reader) && weft_time_is_digit_at(reader, count + 1)) {
        count++;
    }
    return count == 0 || take_fraction(reader, count);
}

static bool take_pm(struct weft_time_reader *reader, const char *am, const char *pm)
{
    enum { LETTERS = 2 };
    if (weft_time_left(reader) < LETTERS) {
        return weft_time_refuse(reader, "AM or PM is expected");
    }
    bool is_pm = memcmp(reader->at, pm, LETTERS) == 0;
    bool is_am = memcmp(reader->at, am, LETTERS) == 0;
    reader->is_pm |= is_pm;
    reader->is_am |= is_am;
    reader->at += LETTERS;
    return is_pm || is_am || weft_time_refuse(reader, "AM or PM is expected");
}

static void skip_spaces(struct weft_time_reader *reader, size_t max)
{
    for (size_t i = 0; i < max && weft_time_left(reader) > 0 && *reader->at == ' '; i++) {
        reader->at++;
    }
}

static bool take_month_name(struct weft_time_reader *reader, bool is_short)
{
    return take_name(reader, month_names, WEFT_COUNT_OF(month_names), is_short, &reader->fields->month) &&
           ++reader->fields->month > 0;
}

/* Elements that are one number. */
static const struct number {
    uint8_t min_digits, max_digits, min;
    uint16_t max;
    size_t offset; /* of fields */
} numbers[] = {
#define NUMBER(min_digits, max_digits, min, max, member)                            \
    {                                                                               \
        min_digits, max_digits, min, max, offsetof(struct weft_time_fields, member) \
    }
    [WEFT_TIME_MONTH] = NUMBER(1, 2, 1, 12, month),
    [WEFT_TIME_MONTH_TWO_DIGITS] = NUMBER(2, 2, 1, 12, month),
    [WEFT_TIME_DAY] = NUMBER(1, 2, 0, 99, day),
    [WEFT_TIME_DAY_SPACE] = NUMBER(1, 2, 0, 99, day),
    [WEFT_TIME_DAY_TWO_DIGITS] = NUMBER(2, 2, 0, 99, day),
    [WEFT_TIME_YEAR_DAY_SPACES] = NUMBER(1, 3, 0, 999, year_day),
    [WEFT_TIME_YEAR_DAY_THREE_DIGITS] = NUMBER(3, 3, 0, 999, year_day),
    [WEFT_TIME_HOUR] = NUMBER(1, 2, 0, 23, hour),
    [WEFT_TIME_HOUR12] = NUMBER(1, 2, 0, 12, hour),
    [WEFT_TIME_HOUR12_TWO_DIGITS] = NUMBER(2, 2, 0, 12, hour),
    [WEFT_TIME_MINUTE] = NUMBER(1, 2, 0, 59, minute),
    [WEFT_TIME_MINUTE_TWO_DIGITS] = NUMBER(2, 2, 0, 59, minute),
    [WEFT_TIME_SECOND] = NUMBER(1, 2, 0, 59, second),
    [WEFT_TIME_SECOND_TWO_DIGITS] = NUMBER(2, 2, 0, 59, second),
    [WEFT_TIME_YEAR] = NUMBER(4, 4, 0, 9999, year),
#undef NUMBER
};

static bool take_number_of(struct weft_time_reader *reader, enum weft_time_element_kind kind)
{
    const struct number *number = &numbers[kind];
    int value = 0;
    if (!weft_time_take_digits(reader, number->min_digits, number->max_digits, &value)) {
        return false;
    }
    memcpy((uint8_t *)reader->fields + number->offset, &value, sizeof value);
    return (value >= number->min && value <= number->max) || weft_time_refuse(reader, "a number is out of range");
}

/* A fraction of which the layout says nothing belongs to the second. */
static bool take_second(struct weft_time_reader *reader, const struct weft_time_element *element)
{
    enum weft_time_element_kind next = element[1].kind;
    if (!take_number_of(reader, element->kind)) {
        return false;
    }
    return next == WEFT_TIME_FRACTION || next == WEFT_TIME_FRACTION_ANY || take_any_fraction(reader);
}

static bool take_element(struct weft_time_reader *reader, const struct weft_time_element *element)
{
    int ignored;
    switch (element->kind) {
    case WEFT_TIME_END:
        return weft_time_left(reader) == 0 || weft_time_refuse(reader, "something follows");
    case WEFT_TIME_MONTH_NAME:
    case WEFT_TIME_MONTH_NAME_LONG:
        return take_month_name(reader, element->kind == WEFT_TIME_MONTH_NAME);
    case WEFT_TIME_WEEKDAY:
    case WEFT_TIME_WEEKDAY_LONG:
        return take_name(reader, day_names, WEFT_COUNT_OF(day_names), element->kind == WEFT_TIME_WEEKDAY, &ignored);
    case WEFT_TIME_DAY_SPACE:
        skip_spaces(reader, 1);
        return take_number_of(reader, element->kind);
    case WEFT_TIME_YEAR_DAY_SPACES:
        skip_spaces(reader, 2);
        return take_number_of(reader, element->kind);
    case WEFT_TIME_MONTH:
    case WEFT_TIME_MONTH_TWO_DIGITS:
    case WEFT_TIME_DAY:
    case WEFT_TIME_DAY_TWO_DIGITS:
    case WEFT_TIME_YEAR_DAY_THREE_DIGITS:
    case WEFT_TIME_HOUR:
    case WEFT_TIME_HOUR12:
    case WEFT_TIME_HOUR12_TWO_DIGITS:
    case WEFT_TIME_MINUTE:
    case WEFT_TIME_MINUTE_TWO_DIGITS:
    case WEFT_TIME_YEAR:
        return take_number_of(reader, element->kind);
    case WEFT_TIME_SECOND:
    case WEFT_TIME_SECOND_TWO_DIGITS:
        return take_second(reader, element);
    case WEFT_TIME_YEAR_TWO_DIGITS:
        return take_short_year(reader);
    case WEFT_TIME_YEAR_ANY:
        return take_number_of(reader, WEFT_TIME_YEAR) || take_short_year(reader);
    case WEFT_TIME_PM:
        return take_pm(reader, "AM", "PM");
    case WEFT_TIME_PM_LOWER:
        return take_pm(reader, "am", "pm");
    case WEFT_TIME_ZONE_NAME:
        return weft_time_take_zone_name(reader);
    case WEFT_TIME_OFFSET:
        return weft_time_take_offset(reader, element->detail);
    case WEFT_TIME_FRACTION:
        return take_fraction(reader, element->detail);
    case WEFT_TIME_FRACTION_ANY:
        return take_any_fraction(reader);
    }
    return false;
}

/* A space stands for one or more of them, and for none at the end. */
static bool take_literal(struct weft_time_reader *reader, struct weft_slice literal)
{
    size_t i = 0;
    while (i < literal.length) {
        bool is_space = literal.bytes[i] == ' ';
        if (weft_time_left(reader) == 0 ? !is_space : *reader->at != literal.bytes[i]) {
            return weft_time_refuse(reader, "the layout has another character");
        }
        reader->at += weft_time_left(reader) > 0;
        i++;
        while (is_space && i < literal.length && literal.bytes[i] == ' ') {
            i++;
        }
        while (is_space && weft_time_left(reader) > 0 && *reader->at == ' ') {
            reader->at++;
        }
    }
    return true;
}

static void skip_white_space(struct weft_time_reader *reader)
{
    while (weft_time_left(reader) > 0 && *reader->at != 0 && strchr(" \t\n\f\r", *reader->at) != NULL) {
        reader->at++;
    }
}

/* The day of the year as month and day; one that stands there, too, must be the same. */
static bool use_year_day(struct weft_time_reader *reader)
{
    struct weft_time_fields *fields = reader->fields;
    int month = 1;
    int day = fields->year_day;
    while (month <= MONTHS && day > weft_time_month_days(fields->year, month)) {
        day -= weft_time_month_days(fields->year, month++);
    }
    if (day < 1 || month > MONTHS) {
        return weft_time_refuse(reader, "there is no such day of the year");
    }
    if ((fields->month >= 0 && fields->month != month) || (fields->day >= 0 && fields->day != day)) {
        return weft_time_refuse(reader, "the day of the year is another day");
    }
    fields->month = month;
    fields->day = day;
    return true;
}

static bool finish(struct weft_time_reader *reader)
{
    enum { NOON = 12 };
    struct weft_time_fields *fields = reader->fields;
    if (reader->is_pm && fields->hour < NOON) {
        fields->hour += NOON;
    } else if (reader->is_am && !reader->is_pm && fields->hour == NOON) {
        fields->hour = 0;
    }
    if (fields->year_day >= 0) {
        return use_year_day(reader);
    }
    fields->month = fields->month < 0 ? 1 : fields->month;
    fields->day = fields->day < 0 ? 1 : fields->day;
    bool is_day = fields->day >= 1 && fields->day <= weft_time_month_days(fields->year, fields->month);
    return is_day || weft_time_refuse(reader, "the month has no such day");
}

bool weft_time_layout_read(const struct weft_time_layout *layout, struct weft_slice text,
                           struct weft_time_fields *out_fields, struct weft_time_fault *out_fault)
{
    static const uint8_t nothing[1];
    const uint8_t *start = text.length == 0 ? nothing : text.bytes;
    struct weft_time_fields fields = { .month = -1, .day = -1, .year_day = -1 };
    struct weft_time_reader reader = { .at = start, .end = start + text.length, .fields = &fields };
    const struct weft_time_element *element = layout->elements;
    bool is_good = true;
    do {
        is_good = take_literal(&reader, element->literal);
        if (is_good && element->skips_space) {
            skip_white_space(&reader);
        }
        is_good = is_good && take_element(&reader, element);
    } while (is_good && element++->kind != WEFT_TIME_END);
    if (is_good && finish(&reader)) {
        *out_fields = fields;
        return true;
    }
    *out_fault = (struct weft_time_fault){ (size_t)(reader.at - start), reader.reason };
    return false;
}
