#pragma once

#include <check.h>

#include "net/loop.h"

/* For tests that let a real loop run until something has come about. One loop at a time. */

enum { LOOP_GUARD_S = 30 }; /* a hang becomes a failure after so long; no test measures time */

static struct {
    struct weft_loop *loop;
    struct weft_timer poll_timer;
    struct weft_monotonic give_up;
    bool (*is_reached)(void);
    bool has_given_up;
    unsigned ticks_left;
} loop_run;

static void poll_loop(void *context)
{
    (void)context;
    loop_run.has_given_up = weft_monotonic_now().ns > loop_run.give_up.ns;
    if (loop_run.is_reached() || loop_run.has_given_up) {
        weft_loop_stop(loop_run.loop);
    } else {
        weft_timer_set_after(weft_loop_timers(loop_run.loop), &loop_run.poll_timer, WEFT_NS_PER_MS);
    }
}

static void run_loop_until(struct weft_loop *loop, bool (*is_reached)(void))
{
    loop_run.loop = loop;
    loop_run.is_reached = is_reached;
    loop_run.give_up = weft_monotonic_after(weft_monotonic_now(), LOOP_GUARD_S * WEFT_NS_PER_S);
    weft_timer_init(&loop_run.poll_timer, poll_loop, NULL);
    weft_timer_set_after(weft_loop_timers(loop), &loop_run.poll_timer, 0);
    weft_loop_run(loop);
    ck_assert(!loop_run.has_given_up);
}

static bool have_loop_ticks_passed(void)
{
    return loop_run.ticks_left-- == 0;
}

/* Lets what must not happen have its chance. */
static inline void run_loop_ticks(struct weft_loop *loop, unsigned count)
{
    loop_run.ticks_left = count;
    run_loop_until(loop, have_loop_ticks_passed);
}
