/* Wake-up moderation (moderation.h): the loop asks at the end of each tick. */
#include "net/moderation.h"

#include <string.h>

#include "base/assert.h"

enum {
    DENSE_TICKS = 16,       /* a connection's first exchanges, say, are not slowed down */
    BULKY_BYTES = 32 << 10, /* per event */
    SHORT_DIVISOR = 4,
    RUN_EVENTS = 512,           /* of a short run and of the first full one: their rates are good to a 20th */
    MAX_FULL_RUN_EVENTS = 8192, /* once pauses have proved themselves, a 16th of the events is spent on proof */
    YIELD_TICKS = 64,           /* after so many the yield is looked at */
    MIN_YIELD = 2,              /* events a tick; less is not worth a pause */
};

static const int64_t first_rest_ns = 100 * WEFT_NS_PER_MS;
static const int64_t longest_rest_ns = 12800 * WEFT_NS_PER_MS;

void weft_moderation_init(struct weft_moderation *moderation, int64_t interval_ns)
{
    weft_assert(interval_ns >= 0);
    *moderation = (struct weft_moderation){
        .interval_ns = interval_ns,
        .phase = WEFT_MODERATION_FULL,
        .rest_ns = first_rest_ns,
        .full_run_events = RUN_EVENTS,
    };
}

static void begin(struct weft_moderation *moderation, enum weft_moderation_phase phase)
{
    moderation->phase = phase;
    moderation->has_paused = false;
    memset(&moderation->present, 0, sizeof moderation->present);
}

static void rest(struct weft_moderation *moderation, struct weft_monotonic now)
{
    begin(moderation, WEFT_MODERATION_RESTING);
    moderation->rests_until = weft_monotonic_after(now, moderation->rest_ns);
    moderation->rest_ns = moderation->rest_ns * 2 < longest_rest_ns ? moderation->rest_ns * 2 : longest_rest_ns;
    moderation->full_run_events = RUN_EVENTS;
}

/* Did more arrive per second in the short pauses, by a tenth? */
static bool costs_throughput(const struct weft_moderation_run *full, const struct weft_moderation_run *brief)
{
    double full_rate = (double)full->event_count / (double)full->ns;
    double short_rate = (double)brief->event_count / (double)brief->ns;
    return short_rate > 1.1 * full_rate;
}

static bool gathers_nothing(const struct weft_moderation_run *full)
{
    return full->tick_count >= YIELD_TICKS && full->event_count < MIN_YIELD * full->tick_count;
}

static void end_full_run(struct weft_moderation *moderation)
{
    moderation->full = moderation->present;
    begin(moderation, WEFT_MODERATION_SHORT);
}

static void end_short_run(struct weft_moderation *moderation, struct weft_monotonic now)
{
    if (costs_throughput(&moderation->full, &moderation->present)) {
        rest(moderation, now);
        return;
    }
    moderation->rest_ns = first_rest_ns;
    if (moderation->full_run_events < MAX_FULL_RUN_EVENTS) {
        moderation->full_run_events *= 2;
    }
    begin(moderation, WEFT_MODERATION_FULL);
}

/* Counts the tick that followed a pause; may end the run. */
static void count(struct weft_moderation *moderation, const struct weft_moderation_tick *tick, int64_t gap_ns)
{
    struct weft_moderation_run *run = &moderation->present;
    run->event_count += tick->event_count;
    run->tick_count++;
    run->ns += gap_ns;
    if (moderation->phase == WEFT_MODERATION_FULL && gathers_nothing(run)) {
        rest(moderation, tick->ended);
    } else if (moderation->phase == WEFT_MODERATION_FULL && run->event_count >= moderation->full_run_events) {
        end_full_run(moderation);
    } else if (moderation->phase == WEFT_MODERATION_SHORT && run->event_count >= RUN_EVENTS) {
        end_short_run(moderation, tick->ended);
    }
}

/* Many small things, close together, for some ticks. */
static bool is_worth_a_pause(struct weft_moderation *moderation, const struct weft_moderation_tick *tick,
                             int64_t gap_ns)
{
    bool is_dense = gap_ns < 2 * moderation->interval_ns;
    bool is_bulky = tick->read_bytes > tick->event_count * BULKY_BYTES;
    moderation->dense_ticks = is_dense && !is_bulky ? moderation->dense_ticks + 1 : 0;
    return moderation->dense_ticks >= DENSE_TICKS;
}

int64_t weft_moderation_pause_ns(struct weft_moderation *moderation, const struct weft_moderation_tick *tick)
{
    if (moderation->interval_ns == 0) {
        return 0;
    }
    int64_t gap_ns = tick->woken.ns - moderation->last_woken.ns;
    moderation->last_woken = tick->woken;
    if (!is_worth_a_pause(moderation, tick, gap_ns)) {
        moderation->has_paused = false;
        return 0;
    }
    if (moderation->phase == WEFT_MODERATION_RESTING) {
        if (tick->ended.ns < moderation->rests_until.ns) {
            return 0;
        }
        begin(moderation, WEFT_MODERATION_FULL);
    }
    if (moderation->has_paused) {
        count(moderation, tick, gap_ns);
    }
    if (moderation->phase == WEFT_MODERATION_RESTING) {
        return 0;
    }
    moderation->has_paused = true;
    int64_t wanted_ns = moderation->interval_ns / (moderation->phase == WEFT_MODERATION_SHORT ? SHORT_DIVISOR : 1);
    int64_t pause_ns = wanted_ns - (tick->ended.ns - tick->woken.ns);
    return pause_ns > 0 ? pause_ns : 0;
}
