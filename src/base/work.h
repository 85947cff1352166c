#pragma once

#include <string.h>

#include "base/status.h"
#include "base/thread.h"

/* Work that can let go of its thread in the middle, and go on there later: it has a stack of its own. For what takes
 * long at times and could be cut into pieces only by being written anew, as a regular expression that runs over
 * megabytes: an event loop gives it a turn, and another one in its next tick.
 *
 * Work says in its loops how much it did (weft_work_did), and that is where it is put off once its turn is over. So
 * what it uses must stay as it is until it has ended: nobody else may use its buffers meanwhile. Work that was begun
 * goes on until it has ended, in the same thread. */
struct weft_work;

typedef void (*weft_work_fn)(void *context);

enum { WEFT_WORK_STACK_BYTES = 1 << 20 }; /* addresses; memory is what was used of it */

/* NULL: there is no memory. */
struct weft_work *weft_work_try_new(void);

/* It is not under way. */
void weft_work_free(struct weft_work **own_work);

/* Runs it until it ends (true) or has had so long, about. One at a time: work does not begin other work. */
bool weft_work_begin(struct weft_work *work, weft_work_fn run, void *context, int64_t turn_ns);

/* The same with what was put off. INT64_MAX: to its end. */
bool weft_work_go_on(struct weft_work *work, int64_t turn_ns);

/* Whether this is called by work. */
bool weft_work_is_here(void);

bool weft_work_is_under_way(const struct weft_work *work);

/* What this thread has used of a processor (weft_thread_cpu_ns) without what it did while the work that calls this was
 * put off: for limits on work. */
int64_t weft_work_cpu_ns(void);

extern WEFT_THREAD_LOCAL int64_t weft_work_left_bytes; /* until the clock is looked at; for weft_work_did only */
void weft_work_look(void);

/* About so many bytes were read, or as much was done as that costs. Outside of any work it does nothing. */
static inline void weft_work_did(size_t bytes)
{
    weft_work_left_bytes -= (int64_t)bytes;
    if (WEFT_UNLIKELY(weft_work_left_bytes <= 0)) {
        weft_work_look();
    }
}

/* Between these two the thread is not left, since a lock is held that others on it ask for, too. */
static inline int64_t weft_work_stay(void)
{
    int64_t left_bytes = weft_work_left_bytes;
    weft_work_left_bytes = INT64_MAX;
    return left_bytes;
}

static inline void weft_work_may_go(int64_t left_bytes)
{
    weft_work_left_bytes = left_bytes;
}

/* More than that: the next call looks at the clock. */
enum { WEFT_WORK_LOOK_BYTES = 16 << 10 };

void weft_work_copy_long(void *to, const void *from, size_t length);

/* memcpy, a long one in pieces between which the thread may be left: memory that was not touched before costs more than
 * the copy. */
static inline void weft_work_copy(void *to, const void *from, size_t length)
{
    enum { LONG_BYTES = 64 << 10 };
    if (WEFT_UNLIKELY(length >= LONG_BYTES)) {
        weft_work_copy_long(to, from, length);
    } else if (length > 0) {
        memcpy(to, from, length);
    }
}

/* The same in a loop over each byte, or what costs as much: once for so many. */
static inline void weft_work_did_each(size_t index)
{
    enum { BYTES = 4096 };
    if (WEFT_UNLIKELY(index % BYTES == 0)) {
        weft_work_did(BYTES);
    }
}
