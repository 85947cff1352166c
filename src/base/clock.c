/* The clocks (clock.h). */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * WEFT_NS_PER_S + now.tv_nsec;
}

struct weft_monotonic weft_monotonic_now(void)
{
    return (struct weft_monotonic){ read_clock(CLOCK_MONOTONIC) };
}

struct weft_monotonic weft_monotonic_coarse(void)
{
    return (struct weft_monotonic){ read_clock(CLOCK_MONOTONIC_COARSE) };
}

struct weft_wall weft_wall_now(void)
{
    return (struct weft_wall){ read_clock(CLOCK_REALTIME) };
}

int64_t weft_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void weft_pause(int64_t ns)
{
    struct timespec length = { .tv_sec = (time_t)(ns / WEFT_NS_PER_S), .tv_nsec = (long)(ns % WEFT_NS_PER_S) };
    nanosleep(&length, NULL);
}

void weft_wall_format(struct weft_wall time, char *out_text)
{
    /* Rounded down, for instants before 1970 too: peers choose them. */
    time_t seconds = (time_t)(time.ns / WEFT_NS_PER_S - (time.ns % WEFT_NS_PER_S < 0));
    int64_t rest_ns = (time.ns % WEFT_NS_PER_S + WEFT_NS_PER_S) % WEFT_NS_PER_S;
    struct tm calendar;
    gmtime_r(&seconds, &calendar);
    size_t used = strftime(out_text, WEFT_RFC3339_BYTES, "%Y-%m-%dT%H:%M:%S", &calendar);
    snprintf(out_text + used, WEFT_RFC3339_BYTES - used, ".%03dZ", (int)(rest_ns / WEFT_NS_PER_MS));
}
