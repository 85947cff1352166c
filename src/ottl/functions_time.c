/* Converters of times and durations. A time knows how far its clock is ahead of UTC, so that its hour is the one that
 * was written. */
#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "config/duration.h"
#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "wire/time_zone.h"

static struct weft_time_clock clock_of(const struct weft_ottl_value *time)
{
    return (struct weft_time_clock){ .seconds = time->time.seconds,
                                     .nanos = (uint32_t)time->time.nanos,
                                     .offset_s = time->time.east_of_utc_seconds };
}

static struct weft_ottl_value time_of(const struct weft_time_clock *clock)
{
    return (struct weft_ottl_value){ .kind = WEFT_OTTL_TIME,
                                     .time = { clock->seconds, (int32_t)clock->nanos, clock->offset_s } };
}

/* ---- parts ---- */

static struct weft_time_date date_of(const struct weft_ottl_call *call)
{
    struct weft_time_clock clock = clock_of(&call->arguments[0]);
    return weft_time_date_of(&clock);
}

#define PART(name, member)                                                                     \
    static enum weft_status name(struct weft_ottl_run *run, const struct weft_ottl_call *call, \
                                 struct weft_ottl_value *out_value)                            \
    {                                                                                          \
        (void)run;                                                                             \
        return weft_ottl_give(out_value, weft_ottl_int(date_of(call).member));                 \
    }

PART(year, year)
PART(month, month)
PART(day, day)
PART(hour, hour)
PART(minute, minute)
PART(second, second)
PART(weekday, weekday)

static enum weft_status nanosecond(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                   struct weft_ottl_value *out_value)
{
    (void)run;
    return weft_ottl_give(out_value, weft_ottl_int(call->arguments[0].time.nanos));
}

/* ---- since 1970 ---- */

/* In units of that many nanoseconds; wraps where 64 bits end, as in Go. */
static enum weft_status give_since(const struct weft_ottl_call *call, int64_t unit_ns,
                                   struct weft_ottl_value *out_value)
{
    const struct weft_ottl_time *time = &call->arguments[0].time;
    uint64_t whole = (uint64_t)time->seconds * (uint64_t)(WEFT_NS_PER_S / unit_ns);
    return weft_ottl_give(out_value, weft_ottl_int((int64_t)(whole + (uint64_t)(time->nanos / unit_ns))));
}

#define SINCE(name, unit_ns)                                                                   \
    static enum weft_status name(struct weft_ottl_run *run, const struct weft_ottl_call *call, \
                                 struct weft_ottl_value *out_value)                            \
    {                                                                                          \
        (void)run;                                                                             \
        return give_since(call, unit_ns, out_value);                                           \
    }

SINCE(unix_nano, 1)
SINCE(unix_micro, 1000)
SINCE(unix_milli, WEFT_NS_PER_MS)
SINCE(unix_seconds, WEFT_NS_PER_S)

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static enum weft_status unix_time(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                  struct weft_ottl_value *out_value)
{
    (void)run;
    int64_t nanos = weft_ottl_is_given(call, 1) ? call->arguments[1].integer : 0;
    int64_t more = floor_divide(nanos, WEFT_NS_PER_S);
    struct weft_time_clock clock = { .seconds = (int64_t)((uint64_t)call->arguments[0].integer + (uint64_t)more),
                                     .nanos = (uint32_t)(nanos - more * WEFT_NS_PER_S) };
    return weft_ottl_give(out_value, time_of(&clock));
}

static enum weft_status now(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                            struct weft_ottl_value *out_value)
{
    (void)run;
    (void)call;
    int64_t ns = weft_wall_now().ns;
    struct weft_time_clock clock = { .seconds = floor_divide(ns, WEFT_NS_PER_S) };
    clock.nanos = (uint32_t)(ns - clock.seconds * WEFT_NS_PER_S);
    return weft_ottl_give(out_value, time_of(&clock));
}

/* Down to a multiple of the duration since the year 1, as Go counts; one that is not positive changes nothing. */
static enum weft_status truncate_time(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value)
{
    (void)run;
    const int64_t since_year_1 = INT64_C(62135596800);
    struct weft_time_clock clock = clock_of(&call->arguments[0]);
    int64_t step = call->arguments[1].integer;
    if (step > 0) {
        __int128 ns = ((__int128)clock.seconds + since_year_1) * WEFT_NS_PER_S + clock.nanos;
        __int128 beyond = ns % step;
        ns -= beyond < 0 ? beyond + step : beyond;
        __int128 seconds = ns / WEFT_NS_PER_S - (ns % WEFT_NS_PER_S < 0);
        clock.nanos = (uint32_t)(ns - seconds * WEFT_NS_PER_S);
        clock.seconds = (int64_t)(seconds - since_year_1);
    }
    return weft_ottl_give(out_value, time_of(&clock));
}

/* ---- durations ---- */

static enum weft_status duration(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                 struct weft_ottl_value *out_value)
{
    enum { MAX_TEXT_BYTES = 256 };
    struct weft_slice text = call->arguments[0].bytes;
    char copy[MAX_TEXT_BYTES];
    int64_t ns = 0;
    bool is_short = text.length > 0 && text.length < sizeof copy && memchr(text.bytes, 0, text.length) == NULL;
    if (is_short) {
        memcpy(copy, text.bytes, text.length);
        copy[text.length] = '\0';
    }
    if (!is_short || !weft_duration_parse(copy, &ns)) {
        return weft_fail(&run->error, WEFT_INVALID, "Duration: this is no duration, as 1h2m3.5s is");
    }
    return weft_ottl_give(out_value, (struct weft_ottl_value){ .kind = WEFT_OTTL_DURATION, .integer = ns });
}

static enum weft_status give_float_units(const struct weft_ottl_call *call, int64_t unit_ns,
                                         struct weft_ottl_value *out_value)
{
    int64_t ns = call->arguments[0].integer;
    double units = (double)(ns / unit_ns) + (double)(ns % unit_ns) / (double)unit_ns;
    return weft_ottl_give(out_value, weft_ottl_double(units));
}

#define FLOAT_UNITS(name, unit_ns)                                                             \
    static enum weft_status name(struct weft_ottl_run *run, const struct weft_ottl_call *call, \
                                 struct weft_ottl_value *out_value)                            \
    {                                                                                          \
        (void)run;                                                                             \
        return give_float_units(call, unit_ns, out_value);                                     \
    }

FLOAT_UNITS(hours, 3600 * WEFT_NS_PER_S)
FLOAT_UNITS(minutes, 60 * WEFT_NS_PER_S)
FLOAT_UNITS(seconds, WEFT_NS_PER_S)

#define WHOLE_UNITS(name, unit_ns)                                                               \
    static enum weft_status name(struct weft_ottl_run *run, const struct weft_ottl_call *call,   \
                                 struct weft_ottl_value *out_value)                              \
    {                                                                                            \
        (void)run;                                                                               \
        return weft_ottl_give(out_value, weft_ottl_int(call->arguments[0].integer / (unit_ns))); \
    }

WHOLE_UNITS(milliseconds, WEFT_NS_PER_MS)
WHOLE_UNITS(microseconds, 1000)
WHOLE_UNITS(nanoseconds, 1)

/* ---- texts ---- */

/* What a format says, compiled once. */
struct format {
    struct weft_entry_memory memory;
    struct weft_time_layout layout;
    bool has_zone;
    struct weft_time_zone zone;
};

static void free_format(void *state)
{
    struct format *format = state;
    weft_entry_memory_fini(&format->memory);
    weft_free(format);
}

typedef enum weft_status (*compile_fn)(const char *text, struct weft_entry_memory *memory,
                                       struct weft_time_layout *out_layout, struct weft_error *error);

static const char *copy_text(struct format *format, struct weft_slice text)
{
    char *copy = weft_entry_memory_try_alloc(&format->memory, text.length + 1);
    if (copy != NULL) {
        memcpy(copy, text.length > 0 ? text.bytes : (const uint8_t *)"", text.length);
        copy[text.length] = '\0';
    }
    return copy;
}

static enum weft_status compile_format(struct weft_slice text, compile_fn compile, struct format **out_format,
                                       struct weft_error *error)
{
    if (text.length == 0) {
        return weft_fail(error, WEFT_INVALID, "the format is empty");
    }
    struct format *format = weft_try_alloc(sizeof *format);
    if (format == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a format");
    }
    *format = (struct format){ 0 };
    const char *copy = copy_text(format, text);
    enum weft_status status = copy == NULL ? weft_fail(error, WEFT_NOMEM, "no memory for a format")
                                           : compile(copy, &format->memory, &format->layout, error);
    if (status != WEFT_OK) {
        free_format(format);
        return status;
    }
    *out_format = format;
    return WEFT_OK;
}

static enum weft_status load_zone(struct format *format, struct weft_slice name, struct weft_error *error)
{
    const char *copy = copy_text(format, name);
    if (copy == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a time zone");
    }
    format->has_zone = true;
    return weft_time_zone_load(copy, &format->memory, &format->zone, error);
}

/* The names of months and days in other languages, of which the Collector has all of CLDR's, would be half a megabyte.
 */
static bool is_english(struct weft_slice locale)
{
    return weft_slice_equal_text(locale, "en") || weft_slice_equal_text(locale, "en-US");
}

static enum weft_status make_time(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                  struct weft_error *error)
{
    (void)maker;
    struct format *format = NULL;
    if (weft_ottl_is_given(call, 3) && !is_english(call->arguments[3].bytes)) {
        return weft_fail(error, WEFT_UNSUPPORTED,
                         "Time: the locale %.*s is not supported by weft, which knows names in English: en and en-US",
                         WEFT_SLICE_PRINT(call->arguments[3].bytes));
    }
    enum weft_status status =
        compile_format(call->arguments[1].bytes, weft_time_layout_compile_strptime, &format, error);
    if (status == WEFT_OK && weft_ottl_text_or(call, 2, "").length > 0) {
        status = load_zone(format, call->arguments[2].bytes, error);
        if (status != WEFT_OK) {
            free_format(format);
        }
    }
    if (status == WEFT_OK) {
        *out_state = format;
    }
    return status;
}

/* A text that names no zone is in UTC, as where weft runs. */
static enum weft_status time_from_text(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                       struct weft_ottl_value *out_value)
{
    const struct format *format = call->state;
    struct weft_time_fields fields;
    struct weft_time_fault fault;
    struct weft_time_clock clock;
    if (call->arguments[0].bytes.length == 0) {
        return weft_fail(&run->error, WEFT_INVALID, "Time: the text is empty");
    }
    if (!weft_time_layout_read(&format->layout, call->arguments[0].bytes, &fields, &fault)) {
        return weft_fail(&run->error, WEFT_INVALID, "Time: byte %zu: %s", fault.offset, fault.reason);
    }
    const char *reason =
        weft_time_moment_of(&fields, format->has_zone ? &format->zone : NULL, 0, (uint64_t)weft_wall_now().ns, &clock);
    if (reason != NULL) {
        return weft_fail(&run->error, WEFT_INVALID, "Time: %s", reason);
    }
    return weft_ottl_give(out_value, time_of(&clock));
}

static enum weft_status make_format_time(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                         void **out_state, struct weft_error *error)
{
    (void)maker;
    struct format *format = NULL;
    enum weft_status status =
        compile_format(call->arguments[1].bytes, weft_time_layout_compile_strftime, &format, error);
    if (status == WEFT_OK) {
        *out_state = format;
    }
    return status;
}

static enum weft_status format_time(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                    struct weft_ottl_value *out_value)
{
    const struct format *format = call->state;
    struct weft_time_clock clock = clock_of(&call->arguments[0]);
    weft_time_layout_write(&format->layout, &clock, weft_ottl_scratch(run));
    return weft_ottl_give_scratch(run, out_value);
}

#define OF_TIME                          \
    {                                    \
        {                                \
            "time", WEFT_OTTL_TAKES_TIME \
        }                                \
    }
#define OF_DURATION                              \
    {                                            \
        {                                        \
            "duration", WEFT_OTTL_TAKES_DURATION \
        }                                        \
    }

const struct weft_ottl_function weft_ottl_functions_time[] = {
    { .name = "Day", .parameters = OF_TIME, .call = day },
    { .name = "Duration", .parameters = { { "duration", WEFT_OTTL_TAKES_STRING } }, .call = duration },
    { .name = "FormatTime",
      .parameters = { { "time", WEFT_OTTL_TAKES_TIME }, { "format", WEFT_OTTL_TAKES_LITERAL_STRING } },
      .make = make_format_time,
      .free_state = free_format,
      .call = format_time },
    { .name = "Hour", .parameters = OF_TIME, .call = hour },
    { .name = "Hours", .parameters = OF_DURATION, .call = hours },
    { .name = "Microseconds", .parameters = OF_DURATION, .call = microseconds },
    { .name = "Milliseconds", .parameters = OF_DURATION, .call = milliseconds },
    { .name = "Minute", .parameters = OF_TIME, .call = minute },
    { .name = "Minutes", .parameters = OF_DURATION, .call = minutes },
    { .name = "Month", .parameters = OF_TIME, .call = month },
    { .name = "Nanosecond", .parameters = OF_TIME, .call = nanosecond },
    { .name = "Nanoseconds", .parameters = OF_DURATION, .call = nanoseconds },
    { .name = "Now", .call = now },
    { .name = "Second", .parameters = OF_TIME, .call = second },
    { .name = "Seconds", .parameters = OF_DURATION, .call = seconds },
    { .name = "Time",
      .parameters = { { "time", WEFT_OTTL_TAKES_STRING },
                      { "format", WEFT_OTTL_TAKES_LITERAL_STRING },
                      { "location", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true },
                      { "locale", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true } },
      .make = make_time,
      .free_state = free_format,
      .call = time_from_text },
    { .name = "TruncateTime",
      .parameters = { { "time", WEFT_OTTL_TAKES_TIME }, { "duration", WEFT_OTTL_TAKES_DURATION } },
      .call = truncate_time },
    { .name = "Unix",
      .parameters = { { "seconds", WEFT_OTTL_TAKES_INT }, { "nanoseconds", WEFT_OTTL_TAKES_INT, .is_optional = true } },
      .call = unix_time },
    { .name = "UnixMicro", .parameters = OF_TIME, .call = unix_micro },
    { .name = "UnixMilli", .parameters = OF_TIME, .call = unix_milli },
    { .name = "UnixNano", .parameters = OF_TIME, .call = unix_nano },
    { .name = "UnixSeconds", .parameters = OF_TIME, .call = unix_seconds },
    { .name = "Weekday", .parameters = OF_TIME, .call = weekday },
    { .name = "Year", .parameters = OF_TIME, .call = year },
    { .name = NULL },
};
