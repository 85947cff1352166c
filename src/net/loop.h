#pragma once

#include "base/list.h"
#include "base/mailbox.h"
#include "base/timers.h"

/* One worker's event loop: descriptors (libevent), timers (base/timers) and work put off to the end of the tick.
 * Everything here is called on the loop's own thread. One time for a whole tick: weft_timers_now(loop timers). */
struct weft_loop;

struct weft_loop *weft_loop_new(void);
void weft_loop_free(struct weft_loop *loop);

/* Until weft_loop_stop; the tick that is under way ends first. */
void weft_loop_run(struct weft_loop *loop);
void weft_loop_stop(struct weft_loop *loop);

/* Wake-up moderation (moderation.h): under many small requests wake-ups are so far apart at least. 0, as at first: off.
 */
void weft_loop_set_wake_interval(struct weft_loop *loop, int64_t interval_ns);

/* So much was read from a client in this tick. */
void weft_loop_count_read(struct weft_loop *loop, size_t bytes);

struct weft_timers *weft_loop_timers(struct weft_loop *loop);

/* Ticks by how long they took, from what woke the loop to the end of the work; monotone. While one goes on nothing else
 * of the worker does. */
enum { WEFT_LOOP_PACES = 4 };
struct weft_loop_pace {
    uint64_t ticks;
    uint64_t slow_ticks[WEFT_LOOP_PACES]; /* longer than weft_loop_pace_bounds_ns of the same index */
    int64_t longest_ns;
};
extern const int64_t weft_loop_pace_bounds_ns[WEFT_LOOP_PACES];
const struct weft_loop_pace *weft_loop_read_pace(const struct weft_loop *loop);

enum weft_readiness { WEFT_READABLE = 1, WEFT_WRITABLE = 2 };

typedef void (*weft_watch_fn)(void *context, unsigned readiness);

/* A watched descriptor. Embedded in its user, or opaque behind weft_watch_new if libevent's struct must stay hidden. */
struct weft_watch;

/* The descriptor stays the caller's to close, after weft_watch_free. interest: OR of weft_readiness, may be 0.
 * Level-triggered. */
struct weft_watch *weft_watch_new(struct weft_loop *loop, int descriptor, unsigned interest, weft_watch_fn on_ready,
                                  void *context);
void weft_watch_set_interest(struct weft_watch *watch, unsigned interest);
void weft_watch_free(struct weft_watch *watch);

/* Delivers the mailbox's messages on this loop for as long as the loop lives. */
void weft_loop_attach_mailbox(struct weft_loop *loop, struct weft_mailbox *mailbox);

/* Work for the end of this tick, in order of posting; posted twice runs once. This is where things that are closed
 * inside their own callback are freed, and where output of the tick is written in one go. */
struct weft_deferred {
    struct weft_list node; /* init with weft_deferred_init */
    void (*run)(void *context);
    void *context;
};

void weft_deferred_init(struct weft_deferred *deferred, void (*run)(void *context), void *context);
void weft_loop_defer(struct weft_loop *loop, struct weft_deferred *deferred);
void weft_deferred_cancel(struct weft_deferred *deferred);
