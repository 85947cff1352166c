#pragma once

#include <stdint.h>

/* Two clocks that cannot be mixed up: monotonic time for deadlines, wall time for what people and peers read. */
struct weft_monotonic {
    int64_t ns; /* since an arbitrary start; never goes back */
};

struct weft_wall {
    int64_t ns; /* since 1970-01-01T00:00:00Z; may jump */
};

#define WEFT_NS_PER_MS INT64_C(1000000)
#define WEFT_NS_PER_S  INT64_C(1000000000)

/* The largest time, for "no deadline". */
#define WEFT_NEVER ((struct weft_monotonic){ INT64_MAX })

struct weft_monotonic weft_monotonic_now(void);
struct weft_wall weft_wall_now(void);

/* Monotonic time as of the system's last tick: some milliseconds late, and a few times cheaper to read. */
struct weft_monotonic weft_monotonic_coarse(void);

/* What this thread has used of a processor since it began: for limits on work, which must not count the time in which
 * the thread was not let run. A system call, unlike the two above. */
int64_t weft_thread_cpu_ns(void);

/* Suspends the thread for about so long; a signal may end it sooner. */
void weft_pause(int64_t ns);

/* Saturates at WEFT_NEVER. */
static inline struct weft_monotonic weft_monotonic_after(struct weft_monotonic start, int64_t delay_ns)
{
    return delay_ns > INT64_MAX - start.ns ? WEFT_NEVER : (struct weft_monotonic){ start.ns + delay_ns };
}

enum { WEFT_RFC3339_BYTES = 32 };

/* "2026-01-30T12:00:00.000Z", in UTC with milliseconds; out_text holds WEFT_RFC3339_BYTES. */
void weft_wall_format(struct weft_wall time, char *out_text);
