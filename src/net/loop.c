/* Event loop of one worker (loop.h): libevent waits for descriptors, base/timers holds all deadlines behind one
 * libevent timer. A tick is: wait, callbacks of descriptors, timers that are due, deferred work; under many small
 * requests a pause before the wait (moderation.h). The clock is read right after the wait, so that nothing in the tick
 * sees the time from before a long sleep, and once more at its end. Where so many descriptors are ready that their
 * callbacks take long, the rest has its turn in the next tick, so that output, timers and what is new do not wait for
 * all. */
#include "net/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/moderation.h"

enum { EVENTS_PER_LOOK = 4 }; /* at the clock */

static const int64_t longest_callbacks_ns = 10 * WEFT_NS_PER_MS;

struct mail_watch {
    struct weft_list node;
    struct weft_mailbox *mailbox;
    struct weft_watch *watch;
};

struct weft_loop {
    struct event_base *base;
    struct event wake; /* fires at the earliest weft timer, or before it */
    struct weft_monotonic wake_at;
    struct weft_timers *timers;
    struct weft_list deferred;
    struct weft_list mailboxes;
    struct weft_moderation moderation;
    struct weft_moderation_tick tick; /* the present one, as far as it has come */
    struct weft_monotonic tick_ended; /* the last one */
    struct weft_loop_pace pace;
    bool has_read_clock; /* in this tick */
    bool is_running;
    bool is_stopping;
};

struct weft_watch {
    struct weft_loop *loop;
    struct event event;
    int descriptor;
    unsigned interest;
    weft_watch_fn on_ready;
    void *context;
};

static void read_clock(struct weft_loop *loop)
{
    if (!loop->has_read_clock) {
        loop->has_read_clock = true;
        weft_timers_touch(loop->timers, weft_monotonic_now());
    }
}

static void on_wake(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct weft_loop *loop = context;
    loop->wake_at = WEFT_NEVER;
}

struct weft_loop *weft_loop_new(void)
{
    struct weft_loop *loop = weft_alloc(sizeof *loop);
    loop->base = event_base_new();
    weft_assert(loop->base != NULL);
    loop->timers = weft_timers_new(weft_monotonic_now());
    loop->wake_at = WEFT_NEVER;
    evtimer_assign(&loop->wake, loop->base, on_wake, loop);
    weft_list_init(&loop->deferred);
    weft_list_init(&loop->mailboxes);
    return loop;
}

/* What is deferred while this runs waits for the next tick, so that a tick always ends. */
static void run_deferred(struct weft_loop *loop)
{
    struct weft_list batch;
    weft_list_init(&batch);
    if (!weft_list_is_empty(&loop->deferred)) {
        weft_list_insert_before(loop->deferred.next, &batch);
        weft_list_remove(&loop->deferred);
    }
    struct weft_list *node;
    while ((node = weft_list_pop_front(&batch)) != NULL) {
        struct weft_deferred *deferred = WEFT_CONTAINER_OF(node, struct weft_deferred, node);
        deferred->run(deferred->context);
    }
}

void weft_loop_free(struct weft_loop *loop)
{
    weft_assert(!loop->is_running);
    while (!weft_list_is_empty(&loop->deferred)) {
        run_deferred(loop);
    }
    struct weft_list *node;
    while ((node = weft_list_pop_front(&loop->mailboxes)) != NULL) {
        struct mail_watch *mail = WEFT_CONTAINER_OF(node, struct mail_watch, node);
        weft_watch_free(mail->watch);
        weft_free(mail);
    }
    event_del(&loop->wake);
    event_base_free(loop->base);
    weft_timers_free(loop->timers);
    weft_free(loop);
}

/* The wake-up is moved only to an earlier time: one that comes too early costs an idle tick, moving it for every
 * timer that is cancelled would cost more. */
static void set_wake(struct weft_loop *loop)
{
    struct weft_monotonic next = weft_timers_next(loop->timers);
    if (next.ns >= loop->wake_at.ns) {
        return;
    }
    int64_t delay_ns = next.ns - weft_timers_now(loop->timers).ns;
    int64_t delay_us = delay_ns <= 0 ? 0 : (delay_ns - 1) / 1000 + 1;
    struct timeval delay = { .tv_sec = delay_us / 1000000, .tv_usec = delay_us % 1000000 };
    evtimer_add(&loop->wake, &delay);
    loop->wake_at = next;
}

/* Between two ticks: the one that has ended says whether to pause. */
static void moderate(struct weft_loop *loop)
{
    if (loop->moderation.interval_ns == 0) {
        return;
    }
    loop->tick.woken = weft_timers_now(loop->timers);
    loop->tick.ended = loop->tick_ended;
    int64_t pause_ns = weft_moderation_pause_ns(&loop->moderation, &loop->tick);
    loop->tick = (struct weft_moderation_tick){ 0 };
    if (pause_ns > 0) {
        weft_pause(pause_ns);
    }
}

const int64_t weft_loop_pace_bounds_ns[WEFT_LOOP_PACES] = { 10 * WEFT_NS_PER_MS, 50 * WEFT_NS_PER_MS,
                                                            250 * WEFT_NS_PER_MS, WEFT_NS_PER_S };

static void count_tick(struct weft_loop *loop)
{
    struct weft_loop_pace *pace = &loop->pace;
    loop->tick_ended = weft_monotonic_now();
    int64_t took_ns = loop->tick_ended.ns - weft_timers_now(loop->timers).ns;
    pace->ticks++;
    if (took_ns <= pace->longest_ns && took_ns <= weft_loop_pace_bounds_ns[0]) {
        return;
    }
    pace->longest_ns = took_ns > pace->longest_ns ? took_ns : pace->longest_ns;
    for (size_t i = 0; i < WEFT_LOOP_PACES && took_ns > weft_loop_pace_bounds_ns[i]; i++) {
        pace->slow_ticks[i]++;
    }
}

const struct weft_loop_pace *weft_loop_read_pace(const struct weft_loop *loop)
{
    return &loop->pace;
}

static void run_tick(struct weft_loop *loop)
{
    bool must_not_wait = !weft_list_is_empty(&loop->deferred);
    set_wake(loop);
    if (!must_not_wait) {
        moderate(loop);
    }
    loop->has_read_clock = false;
    /* ONCE in both cases: with NONBLOCK alone libevent goes on as long as any descriptor is ready. */
    int result = event_base_loop(loop->base, must_not_wait ? EVLOOP_ONCE | EVLOOP_NONBLOCK : EVLOOP_ONCE);
    weft_assert(result >= 0);
    read_clock(loop);
    weft_timers_run(loop->timers, weft_timers_now(loop->timers));
    run_deferred(loop);
    count_tick(loop);
    if (result == 1 && weft_timers_next(loop->timers).ns == INT64_MAX && weft_list_is_empty(&loop->deferred)) {
        loop->is_stopping = true; /* nothing is left that could ever happen */
    }
}

void weft_loop_run(struct weft_loop *loop)
{
    weft_assert(!loop->is_running);
    loop->is_running = true;
    loop->tick_ended = weft_monotonic_now();
    weft_timers_touch(loop->timers, loop->tick_ended);
    while (!loop->is_stopping) {
        run_tick(loop);
    }
    loop->is_stopping = false;
    loop->is_running = false;
}

void weft_loop_stop(struct weft_loop *loop)
{
    loop->is_stopping = true;
}

void weft_loop_set_wake_interval(struct weft_loop *loop, int64_t interval_ns)
{
    weft_moderation_init(&loop->moderation, interval_ns);
}

void weft_loop_count_read(struct weft_loop *loop, size_t bytes)
{
    loop->tick.read_bytes += bytes;
}

struct weft_timers *weft_loop_timers(struct weft_loop *loop)
{
    return loop->timers;
}

/* The watch may be freed by its own callback: it is not touched after that. */
static void on_event(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    struct weft_watch *watch = context;
    struct weft_loop *loop = watch->loop;
    read_clock(loop);
    loop->tick.event_count++;
    unsigned readiness = ((what & EV_READ) != 0 ? WEFT_READABLE : 0U) | ((what & EV_WRITE) != 0 ? WEFT_WRITABLE : 0U);
    watch->on_ready(watch->context, readiness);
    if (loop->tick.event_count % EVENTS_PER_LOOK == 0 &&
        weft_monotonic_now().ns - weft_timers_now(loop->timers).ns > longest_callbacks_ns) {
        event_base_loopbreak(loop->base); /* those that are left come first in the next tick */
    }
}

static void add_event(struct weft_watch *watch)
{
    if (watch->interest == 0) {
        return;
    }
    short what = EV_PERSIST;
    what |= (watch->interest & WEFT_READABLE) != 0 ? EV_READ : 0;
    what |= (watch->interest & WEFT_WRITABLE) != 0 ? EV_WRITE : 0;
    int result = event_assign(&watch->event, watch->loop->base, watch->descriptor, what, on_event, watch);
    weft_assert(result == 0);
    result = event_add(&watch->event, NULL);
    weft_assert(result == 0);
}

struct weft_watch *weft_watch_new(struct weft_loop *loop, int descriptor, unsigned interest, weft_watch_fn on_ready,
                                  void *context)
{
    weft_assert(descriptor >= 0 && on_ready != NULL);
    struct weft_watch *watch = weft_alloc(sizeof *watch);
    watch->loop = loop;
    watch->descriptor = descriptor;
    watch->interest = interest;
    watch->on_ready = on_ready;
    watch->context = context;
    add_event(watch);
    return watch;
}

void weft_watch_set_interest(struct weft_watch *watch, unsigned interest)
{
    if (interest == watch->interest) {
        return;
    }
    if (watch->interest != 0) {
        event_del(&watch->event);
    }
    watch->interest = interest;
    add_event(watch);
}

void weft_watch_free(struct weft_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    if (watch->interest != 0) {
        event_del(&watch->event);
    }
    weft_free(watch);
}

static void on_mail(void *context, unsigned readiness)
{
    (void)readiness;
    struct mail_watch *mail = context;
    weft_mailbox_deliver(mail->mailbox);
}

void weft_loop_attach_mailbox(struct weft_loop *loop, struct weft_mailbox *mailbox)
{
    struct mail_watch *mail = weft_alloc(sizeof *mail);
    mail->mailbox = mailbox;
    mail->watch = weft_watch_new(loop, weft_mailbox_descriptor(mailbox), WEFT_READABLE, on_mail, mail);
    weft_list_push_back(&loop->mailboxes, &mail->node);
}

void weft_deferred_init(struct weft_deferred *deferred, void (*run)(void *context), void *context)
{
    *deferred = (struct weft_deferred){ .run = run, .context = context };
    weft_list_init(&deferred->node);
}

void weft_loop_defer(struct weft_loop *loop, struct weft_deferred *deferred)
{
    if (weft_list_is_empty(&deferred->node)) {
        weft_list_push_back(&loop->deferred, &deferred->node);
    }
}

void weft_deferred_cancel(struct weft_deferred *deferred)
{
    weft_list_remove(&deferred->node);
}
