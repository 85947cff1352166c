/* The rule at the end of a zone file (POSIX's TZ with RFC 8536's additions) as starts of periods, for each year. */
#include "wire/time_zone.h"

#include "wire/time.h"

enum { DAY_S = 86400, LAST_YEAR = 2554, MAX_HOURS = 24 * 7 };

/* When in a year. */
struct change {
    char kind;            /* 'M': a weekday of a month, 'J': a day without leap days, 'D': with them */
    int month, week, day; /* 'J' and 'D': day only */
    int time_s;
};

struct cursor {
    const char *at;
    bool is_good;
};

static int take_number(struct cursor *cursor, int min, int max)
{
    int number = 0;
    bool has_digits = *cursor->at >= '0' && *cursor->at <= '9';
    while (*cursor->at >= '0' && *cursor->at <= '9' && number <= max) {
        number = number * 10 + *cursor->at++ - '0';
    }
    cursor->is_good = cursor->is_good && has_digits && number >= min && number <= max;
    return cursor->is_good ? number : min;
}

static bool take(struct cursor *cursor, char byte)
{
    bool is_there = *cursor->at == byte;
    cursor->at += is_there;
    return is_there;
}

static void need(struct cursor *cursor, char byte)
{
    cursor->is_good = take(cursor, byte) && cursor->is_good;
}

/* [+-]hh[:mm[:ss]] */
static int take_time(struct cursor *cursor)
{
    bool is_negative = take(cursor, '-');
    if (!is_negative) {
        take(cursor, '+');
    }
    int time = take_number(cursor, 0, MAX_HOURS) * 3600;
    if (take(cursor, ':')) {
        time += take_number(cursor, 0, 59) * 60;
        time += take(cursor, ':') ? take_number(cursor, 0, 59) : 0;
    }
    return is_negative ? -time : time;
}

/* Letters, or anything between < and >. It stays in the rule's text, of which the end is cut. */
static struct weft_slice take_name(struct cursor *cursor)
{
    bool is_quoted = take(cursor, '<');
    const char *start = cursor->at;
    size_t length = strcspn(start, is_quoted ? ">" : "0123456789,-+");
    cursor->at += length;
    if (is_quoted) {
        need(cursor, '>');
    }
    return weft_slice_of(start, length);
}

static struct change take_change(struct cursor *cursor)
{
    struct change change = { .time_s = 2 * 3600 };
    if (take(cursor, 'M')) {
        change.kind = 'M';
        change.month = take_number(cursor, 1, 12);
        need(cursor, '.');
        change.week = take_number(cursor, 1, 5);
        need(cursor, '.');
        change.day = take_number(cursor, 0, 6);
    } else if (take(cursor, 'J')) {
        change.kind = 'J';
        change.day = take_number(cursor, 1, 365);
    } else {
        change.kind = 'D';
        change.day = take_number(cursor, 0, 365);
    }
    if (take(cursor, '/')) {
        change.time_s = take_time(cursor);
    }
    return change;
}

/* Week 5 is the last one. */
static int64_t day_of_change(const struct change *change, int year)
{
    int64_t start = weft_time_days(year, 1, 1);
    if (change->kind == 'D') {
        return start + change->day;
    }
    if (change->kind == 'J') {
        bool is_leap = weft_time_month_days(year, 2) > 28;
        return start + change->day - 1 + (is_leap && change->day >= 60);
    }
    int64_t first = weft_time_days(year, change->month, 1);
    int64_t weekday = (first + 4) % 7; /* 1970 began on a Thursday */
    weekday = weekday < 0 ? weekday + 7 : weekday;
    int64_t day = first + (change->day - weekday + 7) % 7 + (change->week - 1) * 7;
    int64_t end = first + weft_time_month_days(year, change->month);
    return day >= end ? day - 7 : day;
}

static int64_t time_of_change(const struct change *change, int year, int32_t offset_s)
{
    return day_of_change(change, year) * DAY_S + change->time_s - offset_s;
}

static void add_start(struct weft_time_zone *zone, int64_t start, size_t kind)
{
    if (zone->start_count == 0 || start > zone->starts[zone->start_count - 1]) {
        zone->starts[zone->start_count] = start;
        zone->kinds[zone->start_count++] = (uint8_t)kind;
    }
}

/* A period of the rule, which may be one of those that the file has. */
static enum weft_status add_period(struct weft_time_zone *zone, struct weft_slice name, int32_t offset_s, bool is_dst,
                                   struct weft_entry_memory *memory, size_t *out_kind)
{
    for (size_t i = 0; i < zone->period_count; i++) {
        const struct weft_zone_period *period = &zone->periods[i];
        if (weft_slice_equal_text(name, period->name) && period->offset_s == offset_s && period->is_dst == is_dst) {
            *out_kind = i;
            return WEFT_OK;
        }
    }
    char *copy = weft_entry_memory_try_alloc(memory, name.length + 1);
    if (copy == NULL) {
        return WEFT_NOMEM;
    }
    memcpy(copy, name.bytes, name.length);
    copy[name.length] = '\0';
    *out_kind = zone->period_count++;
    zone->periods[*out_kind] = (struct weft_zone_period){ copy, offset_s, is_dst };
    return WEFT_OK;
}

/* Of two changes in a year the earlier one comes first; south of the equator that is the end of summer. */
static void add_years(struct weft_time_zone *zone, const struct change changes[2], const size_t kinds[2])
{
    int32_t standard = zone->periods[kinds[0]].offset_s;
    int32_t summer = zone->periods[kinds[1]].offset_s;
    for (int year = 1970; year <= LAST_YEAR; year++) {
        int64_t begins = time_of_change(&changes[0], year, standard);
        int64_t ends = time_of_change(&changes[1], year, summer);
        bool is_south = ends < begins;
        add_start(zone, is_south ? ends : begins, is_south ? kinds[0] : kinds[1]);
        add_start(zone, is_south ? begins : ends, is_south ? kinds[1] : kinds[0]);
    }
}

static enum weft_status add_rule(struct weft_time_zone *zone, struct cursor cursor, struct weft_entry_memory *memory)
{
    size_t kinds[2];
    struct change changes[2] = { { .kind = 'M', .month = 3, .week = 2, .time_s = 2 * 3600 },
                                 { .kind = 'M', .month = 11, .week = 1, .time_s = 2 * 3600 } };
    struct weft_slice name = take_name(&cursor);
    int standard = -take_time(&cursor);
    if (!cursor.is_good) {
        return WEFT_INVALID;
    }
    enum weft_status status = add_period(zone, name, standard, false, memory, &kinds[0]);
    if (status != WEFT_OK || *cursor.at == '\0' || *cursor.at == ',') {
        if (status == WEFT_OK && zone->start_count == 0) {
            zone->first = (uint8_t)kinds[0];
        }
        return status;
    }
    name = take_name(&cursor);
    int summer = *cursor.at == '\0' || *cursor.at == ',' ? standard + 3600 : -take_time(&cursor);
    for (size_t i = 0; i < 2 && *cursor.at != '\0'; i++) {
        need(&cursor, ',');
        changes[i] = take_change(&cursor);
    }
    if (!cursor.is_good || *cursor.at != '\0') {
        return WEFT_INVALID;
    }
    status = add_period(zone, name, summer, true, memory, &kinds[1]);
    if (status == WEFT_OK) {
        add_years(zone, changes, kinds);
    }
    return status;
}

enum weft_status weft_time_zone_add_rule(struct weft_time_zone *zone, struct weft_slice rule,
                                         struct weft_entry_memory *memory)
{
    char text[128];
    if (rule.length >= sizeof text) {
        return WEFT_INVALID;
    }
    memcpy(text, rule.bytes, rule.length);
    text[rule.length] = '\0';
    return add_rule(zone, (struct cursor){ text, true }, memory);
}
