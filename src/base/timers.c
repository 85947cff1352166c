/* Timer heap (timers.h). heap[1] is the earliest; the children of i are 2i and 2i + 1. */
#include "base/timers.h"

#include "base/alloc.h"
#include "base/assert.h"

struct weft_timers {
    struct weft_timer **heap; /* heap[0] is not used */
    size_t count;
    size_t capacity;
    struct weft_monotonic now;
    bool is_running;
};

struct weft_timers *weft_timers_new(struct weft_monotonic start)
{
    struct weft_timers *timers = weft_alloc(sizeof *timers);
    timers->now = start;
    timers->capacity = 16;
    timers->heap = weft_alloc(timers->capacity * sizeof(struct weft_timer *));
    return timers;
}

void weft_timers_free(struct weft_timers *timers)
{
    weft_assert(timers->count == 0);
    weft_free(timers->heap);
    weft_free(timers);
}

void weft_timer_init(struct weft_timer *timer, weft_timer_fn on_expired, void *context)
{
    *timer = (struct weft_timer){ .on_expired = on_expired, .context = context };
    weft_set_magic(timer, timer);
}

static void place(struct weft_timers *timers, size_t position, struct weft_timer *timer)
{
    timers->heap[position] = timer;
    timer->heap_position = position;
}

static void sift_up(struct weft_timers *timers, size_t position, struct weft_timer *timer)
{
    while (position > 1 && timer->deadline.ns < timers->heap[position / 2]->deadline.ns) {
        place(timers, position, timers->heap[position / 2]);
        position /= 2;
    }
    place(timers, position, timer);
}

static void sift_down(struct weft_timers *timers, size_t position, struct weft_timer *timer)
{
    for (;;) {
        size_t child = position * 2;
        if (child > timers->count) {
            break;
        }
        if (child < timers->count && timers->heap[child + 1]->deadline.ns < timers->heap[child]->deadline.ns) {
            child++;
        }
        if (timers->heap[child]->deadline.ns >= timer->deadline.ns) {
            break;
        }
        place(timers, position, timers->heap[child]);
        position = child;
    }
    place(timers, position, timer);
}

void weft_timer_cancel(struct weft_timers *timers, struct weft_timer *timer)
{
    size_t position = timer->heap_position;
    if (position == 0) {
        return;
    }
    weft_check_magic(timer, timer);
    weft_assert(position <= timers->count && timers->heap[position] == timer);
    struct weft_timer *last = timers->heap[timers->count--];
    timer->heap_position = 0;
    if (last == timer) {
        return;
    }
    if (position > 1 && last->deadline.ns < timers->heap[position / 2]->deadline.ns) {
        sift_up(timers, position, last);
    } else {
        sift_down(timers, position, last);
    }
}

void weft_timer_set_at(struct weft_timers *timers, struct weft_timer *timer, struct weft_monotonic deadline)
{
    weft_check_magic(timer, timer);
    weft_assert(timer->on_expired != NULL);
    weft_timer_cancel(timers, timer);
    if (timers->is_running && deadline.ns <= timers->now.ns) {
        deadline = weft_monotonic_after(timers->now, 1);
    }
    timer->deadline = deadline;
    if (timers->count + 1 == timers->capacity) {
        size_t capacity = timers->capacity * 2;
        struct weft_timer **heap = weft_alloc(capacity * sizeof(struct weft_timer *));
        for (size_t i = 1; i <= timers->count; i++) {
            heap[i] = timers->heap[i];
        }
        weft_free(timers->heap);
        timers->heap = heap;
        timers->capacity = capacity;
    }
    timers->count++;
    sift_up(timers, timers->count, timer);
}

void weft_timer_set_after(struct weft_timers *timers, struct weft_timer *timer, int64_t delay_ns)
{
    weft_timer_set_at(timers, timer, weft_monotonic_after(timers->now, delay_ns < 0 ? 0 : delay_ns));
}

struct weft_monotonic weft_timers_next(const struct weft_timers *timers)
{
    return timers->count == 0 ? WEFT_NEVER : timers->heap[1]->deadline;
}

void weft_timers_touch(struct weft_timers *timers, struct weft_monotonic now)
{
    if (now.ns > timers->now.ns) {
        timers->now = now;
    }
}

void weft_timers_run(struct weft_timers *timers, struct weft_monotonic now)
{
    weft_assert(!timers->is_running);
    weft_timers_touch(timers, now);
    timers->is_running = true;
    while (timers->count > 0 && timers->heap[1]->deadline.ns <= timers->now.ns) {
        struct weft_timer *timer = timers->heap[1];
        weft_timer_cancel(timers, timer);
        timer->on_expired(timer->context);
    }
    timers->is_running = false;
}

struct weft_monotonic weft_timers_now(const struct weft_timers *timers)
{
    return timers->now;
}
