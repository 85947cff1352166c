#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* The home of pthread and _Atomic, besides base/mailbox, base/log and the ledger's counters. */

#define WEFT_THREAD_LOCAL __thread

extern WEFT_THREAD_LOCAL char weft_thread_mark; /* for weft_thread_id only */

/* A number that no other thread alive has, never 0: for asserting that an owner's thread is the caller's. It costs an
 * addition. A thread that comes after another one has ended may get that one's number. */
static inline uintptr_t weft_thread_id(void)
{
    return (uintptr_t)&weft_thread_mark;
}

/* A number that several threads read and write. Relaxed: it counts, it publishes no other memory. */
struct weft_atomic_u64 {
    _Atomic uint64_t value;
};

static inline uint64_t weft_atomic_load(const struct weft_atomic_u64 *number)
{
    return atomic_load_explicit(&number->value, memory_order_relaxed);
}

static inline void weft_atomic_store(struct weft_atomic_u64 *number, uint64_t value)
{
    atomic_store_explicit(&number->value, value, memory_order_relaxed);
}

/* Both return the new value. */
static inline uint64_t weft_atomic_add(struct weft_atomic_u64 *number, uint64_t amount)
{
    return atomic_fetch_add_explicit(&number->value, amount, memory_order_relaxed) + amount;
}

static inline uint64_t weft_atomic_sub(struct weft_atomic_u64 *number, uint64_t amount)
{
    return atomic_fetch_sub_explicit(&number->value, amount, memory_order_relaxed) - amount;
}

/* False if the number is no longer *in_out_expected, which then says what it is. */
static inline bool weft_atomic_replace(struct weft_atomic_u64 *number, uint64_t *in_out_expected, uint64_t value)
{
    return atomic_compare_exchange_weak_explicit(&number->value, in_out_expected, value, memory_order_relaxed,
                                                 memory_order_relaxed);
}

struct weft_mutex {
    pthread_mutex_t native;
};

#define WEFT_MUTEX_INITIALIZER    \
    {                             \
        PTHREAD_MUTEX_INITIALIZER \
    }

void weft_mutex_init(struct weft_mutex *mutex);
void weft_mutex_fini(struct weft_mutex *mutex);
void weft_mutex_lock(struct weft_mutex *mutex);
void weft_mutex_unlock(struct weft_mutex *mutex);

/* False if it is locked, by whomever. */
bool weft_mutex_try_lock(struct weft_mutex *mutex) WEFT_MUST_CHECK;

/* Where threads sleep until something under a mutex has changed. Whoever changes it signals, to all of them; whoever
 * wakes looks again. */
struct weft_condition {
    pthread_cond_t native;
};

#define WEFT_CONDITION_INITIALIZER \
    {                              \
        PTHREAD_COND_INITIALIZER   \
    }

void weft_condition_init(struct weft_condition *condition);
void weft_condition_fini(struct weft_condition *condition);
void weft_condition_signal(struct weft_condition *condition);

/* With the mutex locked, which it is again afterwards. */
void weft_condition_wait(struct weft_condition *condition, struct weft_mutex *mutex);

/* The same, for so long at most. */
void weft_condition_wait_for(struct weft_condition *condition, struct weft_mutex *mutex, int64_t timeout_ns);

typedef void (*weft_thread_fn)(void *context);

/* A running thread. All signals but SIGBUS (a fault of its own) are blocked in it: only the main thread takes them. */
struct weft_thread;

/* name: at most 15 bytes, seen in ps and gdb. Aborts if the system has no thread to give. */
struct weft_thread *weft_thread_start(const char *name, weft_thread_fn main, void *context);

/* Waits for the thread's main to return, then frees it. */
void weft_thread_join(struct weft_thread *thread);

/* The same for a thread that nobody waits for: it ends with its main, or with the process. WEFT_LIMIT: the system has
 * no thread to give; WEFT_NOMEM. */
enum weft_status weft_thread_try_detached(const char *name, weft_thread_fn main, void *context) WEFT_MUST_CHECK;
