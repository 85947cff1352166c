#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/magic.h"
#include "base/status.h"

/* The timers of one worker: a binary heap by deadline, O(log n) to set and cancel, the earliest in O(1).
 * Sans-I/O: whoever owns it asks for the next deadline, waits by its own means, and calls weft_timers_run with the
 * time; so a simulation owns time and the event loop (net/loop) drives the same code. */
struct weft_timers;
struct weft_timer;

typedef void (*weft_timer_fn)(void *context);

WEFT_MAGIC(timer, 0x71e26e5d);

/* Embedded in its user, who keeps it in place while it is set. Zero-initialised plus weft_timer_init is unset. */
struct weft_timer {
    weft_timer_fn on_expired;
    void *context;
    struct weft_monotonic deadline;
    size_t heap_position; /* 1-based; 0 = not set */
    uint32_t magic;
};

/* start: the time now. */
struct weft_timers *weft_timers_new(struct weft_monotonic start);

/* All timers must be unset. */
void weft_timers_free(struct weft_timers *timers);

void weft_timer_init(struct weft_timer *timer, weft_timer_fn on_expired, void *context);

/* Sets or moves the deadline. Aborts if memory for the heap is gone (one pointer per timer). */
void weft_timer_set_at(struct weft_timers *timers, struct weft_timer *timer, struct weft_monotonic deadline);
void weft_timer_set_after(struct weft_timers *timers, struct weft_timer *timer, int64_t delay_ns);

/* Harmless when it is not set. */
void weft_timer_cancel(struct weft_timers *timers, struct weft_timer *timer);

static inline bool weft_timer_is_set(const struct weft_timer *timer)
{
    return timer->heap_position != 0;
}

/* WEFT_NEVER when none is set. */
struct weft_monotonic weft_timers_next(const struct weft_timers *timers);

/* Moves the time forward (never back) and calls every timer that is due, each unset before its call; a timer set
 * during the run for a time that is already due runs in the next one, so that a tick always ends. */
void weft_timers_run(struct weft_timers *timers, struct weft_monotonic now);

/* The time as of the last run (weft_timers_touch moves it without running anything). One reading per tick. */
struct weft_monotonic weft_timers_now(const struct weft_timers *timers);
void weft_timers_touch(struct weft_timers *timers, struct weft_monotonic now);
