#pragma once

#include <stdbool.h>

#include "base/clock.h"

/* Wake-up moderation of an event loop. With many small requests a wake-up for each costs more in context switches, ours
 * and the clients', than the work does. So a loop that is woken often pauses before it looks again, and does what
 * came meanwhile in one go, as network cards moderate their interrupts.
 *
 * A pause must cost latency only, never throughput. Whether clients wait for our answers before they send more cannot
 * be seen; so it is tried out: after a run of full pauses comes a run of short ones, and if more arrived per second in
 * these, moderation rests, longer each time. It also rests when pauses gather nothing, and never begins for traffic
 * that is sparse (nothing to gather) or bulky (a wake-up is cheap beside its bytes).
 *
 * No clock and no sleep in here: times come in, the pause goes out. One loop's thread. */
enum weft_moderation_phase {
    WEFT_MODERATION_RESTING, /* no pauses before rests_until */
    WEFT_MODERATION_FULL,    /* pauses up to the interval; their yield is counted */
    WEFT_MODERATION_SHORT,   /* a quarter of that, for comparison */
};

/* What a run of ticks has gathered. */
struct weft_moderation_run {
    uint64_t event_count;
    uint64_t tick_count;
    int64_t ns; /* from wake-up to wake-up */
};

struct weft_moderation {
    int64_t interval_ns; /* wake-ups are this far apart at least; 0 = off */
    enum weft_moderation_phase phase;
    struct weft_monotonic last_woken;
    struct weft_monotonic rests_until;
    int64_t rest_ns;          /* of the next rest */
    uint64_t full_run_events; /* length of the next full run */
    uint32_t dense_ticks;     /* in a row; before there are some, nothing is paused */
    bool has_paused;          /* before the tick that ends now */
    struct weft_moderation_run full, present;
};

/* One tick, as it ends. */
struct weft_moderation_tick {
    struct weft_monotonic woken, ended;
    uint64_t event_count; /* descriptors that were ready */
    uint64_t read_bytes;  /* from clients */
};

void weft_moderation_init(struct weft_moderation *moderation, int64_t interval_ns);

/* How long to pause before the loop looks for events again; 0 = not at all. */
int64_t weft_moderation_pause_ns(struct weft_moderation *moderation, const struct weft_moderation_tick *tick);
