#pragma once

#include "base/buffer.h"
#include "base/entry_memory.h"

/* Layouts of times, as Go's time package reads them: a layout is the text of one certain moment, cut into elements;
 * what stands between them is taken as it is. strptime layouts become such ones, with the Collector's additions: spaces
 * before a number do not count, and %z reads several forms. Compiled once, never changed. */
enum weft_time_element_kind {
    WEFT_TIME_END, /* nothing more may follow */
    WEFT_TIME_MONTH_NAME,
    WEFT_TIME_MONTH_NAME_LONG,
    WEFT_TIME_MONTH,
    WEFT_TIME_MONTH_TWO_DIGITS,
    WEFT_TIME_WEEKDAY,
    WEFT_TIME_WEEKDAY_LONG,
    WEFT_TIME_DAY,
    WEFT_TIME_DAY_SPACE,
    WEFT_TIME_DAY_TWO_DIGITS,
    WEFT_TIME_YEAR_DAY_SPACES,
    WEFT_TIME_YEAR_DAY_THREE_DIGITS,
    WEFT_TIME_HOUR,
    WEFT_TIME_HOUR12,
    WEFT_TIME_HOUR12_TWO_DIGITS,
    WEFT_TIME_MINUTE,
    WEFT_TIME_MINUTE_TWO_DIGITS,
    WEFT_TIME_SECOND,
    WEFT_TIME_SECOND_TWO_DIGITS,
    WEFT_TIME_YEAR,
    WEFT_TIME_YEAR_TWO_DIGITS,
    WEFT_TIME_YEAR_ANY, /* four digits, else two */
    WEFT_TIME_PM,
    WEFT_TIME_PM_LOWER,
    WEFT_TIME_ZONE_NAME,
    WEFT_TIME_OFFSET,       /* what is between sign and digits: see below */
    WEFT_TIME_FRACTION,     /* as many digits as the layout has */
    WEFT_TIME_FRACTION_ANY, /* any number of digits, none too */
};

enum { /* of WEFT_TIME_OFFSET */
       WEFT_TIME_OFFSET_MINUTES = 1,
       WEFT_TIME_OFFSET_SECONDS = 2,
       WEFT_TIME_OFFSET_COLONS = 4,
       WEFT_TIME_OFFSET_OR_Z = 8,
       WEFT_TIME_OFFSET_ANY = 16, /* +hhmm, +hh:mm or +hh */
};

struct weft_time_element {
    struct weft_slice literal; /* before it; a space stands for any number of spaces */
    enum weft_time_element_kind kind;
    uint8_t detail; /* of FRACTION the digits, of OFFSET its form */
    bool skips_space;
    bool has_comma; /* of FRACTION: instead of the point */
};

struct weft_time_layout {
    struct weft_time_element *elements; /* the last one is END */
    bool has_zone_name;
};

/* memory: of what the layout is made of; text may go. WEFT_INVALID says why, without a place; WEFT_NOMEM. */
enum weft_status weft_time_layout_compile_go(const char *text, struct weft_entry_memory *memory,
                                             struct weft_time_layout *out_layout,
                                             struct weft_error *error) WEFT_MUST_CHECK;
enum weft_status weft_time_layout_compile_strptime(const char *text, struct weft_entry_memory *memory,
                                                   struct weft_time_layout *out_layout,
                                                   struct weft_error *error) WEFT_MUST_CHECK;

/* The same directives for writing: numbers have all their digits. */
enum weft_status weft_time_layout_compile_strftime(const char *text, struct weft_entry_memory *memory,
                                                   struct weft_time_layout *out_layout,
                                                   struct weft_error *error) WEFT_MUST_CHECK;

/* A moment as a clock shows it that is so far ahead of UTC. */
struct weft_time_clock {
    int64_t seconds; /* since 1970, in UTC */
    uint32_t nanos;
    int32_t offset_s;
};

struct weft_time_date {
    int64_t year;
    int month, day, weekday; /* 0 = Sunday */
    int year_day;            /* 1 is the first of January */
    int hour, minute, second;
};

struct weft_time_date weft_time_date_of(const struct weft_time_clock *clock);

/* Appends the clock in the layout; a failed append shows in the buffer's status. */
void weft_time_layout_write(const struct weft_time_layout *layout, const struct weft_time_clock *clock,
                            struct weft_buffer *out);

/* What a text says: a day that exists. */
struct weft_time_fields {
    int year; /* 0 and less: it says none */
    int month, day, hour, minute, second;
    int year_day; /* -1: it says none */
    uint32_t nanos;
    bool is_utc, has_offset;
    int offset_s;
    struct weft_slice zone_name; /* empty: none */
};

struct weft_time_fault {
    size_t offset;
    const char *reason;
};

/* False: the text is not of this layout, or names no day, with out_fault. */
bool weft_time_layout_read(const struct weft_time_layout *layout, struct weft_slice text,
                           struct weft_time_fields *out_fields, struct weft_time_fault *out_fault) WEFT_MUST_CHECK;
