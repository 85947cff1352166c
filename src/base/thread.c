/* Threads and mutexes: thin, so that pthread has one home. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"

WEFT_THREAD_LOCAL char weft_thread_mark;

struct weft_thread {
    pthread_t native;
    weft_thread_fn main;
    void *context;
    char name[16];
};

void weft_mutex_init(struct weft_mutex *mutex)
{
    weft_assert(pthread_mutex_init(&mutex->native, NULL) == 0);
}

void weft_mutex_fini(struct weft_mutex *mutex)
{
    weft_assert(pthread_mutex_destroy(&mutex->native) == 0);
}

void weft_mutex_lock(struct weft_mutex *mutex)
{
    weft_assert(pthread_mutex_lock(&mutex->native) == 0);
}

void weft_mutex_unlock(struct weft_mutex *mutex)
{
    weft_assert(pthread_mutex_unlock(&mutex->native) == 0);
}

bool weft_mutex_try_lock(struct weft_mutex *mutex)
{
    int code = pthread_mutex_trylock(&mutex->native);
    weft_assert(code == 0 || code == EBUSY);
    return code == 0;
}

void weft_condition_init(struct weft_condition *condition)
{
    weft_assert(pthread_cond_init(&condition->native, NULL) == 0);
}

void weft_condition_fini(struct weft_condition *condition)
{
    weft_assert(pthread_cond_destroy(&condition->native) == 0);
}

void weft_condition_signal(struct weft_condition *condition)
{
    weft_assert(pthread_cond_broadcast(&condition->native) == 0);
}

void weft_condition_wait(struct weft_condition *condition, struct weft_mutex *mutex)
{
    weft_assert(pthread_cond_wait(&condition->native, &mutex->native) == 0);
}

void weft_condition_wait_for(struct weft_condition *condition, struct weft_mutex *mutex, int64_t timeout_ns)
{
    struct weft_monotonic end = weft_monotonic_after(weft_monotonic_now(), timeout_ns);
    struct timespec deadline = { .tv_sec = end.ns / WEFT_NS_PER_S, .tv_nsec = end.ns % WEFT_NS_PER_S };
    int code = pthread_cond_clockwait(&condition->native, &mutex->native, CLOCK_MONOTONIC, &deadline);
    weft_assert(code == 0 || code == ETIMEDOUT);
}

static void *thread_main(void *argument)
{
    struct weft_thread *thread = argument;
    pthread_setname_np(pthread_self(), thread->name);
    thread->main(thread->context);
    return NULL;
}

static void *detached_main(void *argument)
{
    struct weft_thread *thread = argument;
    weft_thread_fn main = thread->main;
    void *context = thread->context;
    pthread_setname_np(pthread_self(), thread->name);
    weft_free(thread);
    main(context);
    return NULL;
}

static void describe(struct weft_thread *thread, const char *name, weft_thread_fn main, void *context)
{
    thread->main = main;
    thread->context = context;
    for (size_t i = 0; i + 1 < sizeof thread->name && name[i] != '\0'; i++) {
        thread->name[i] = name[i];
    }
}

/* A fault of the thread's own: blocked, it would end the process without a word, and nobody could handle it. */
static const int faults[] = { SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGABRT };

static int create(pthread_t *out_native, const pthread_attr_t *attributes, void *(*main)(void *argument),
                  void *argument)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    for (size_t i = 0; i < WEFT_COUNT_OF(faults); i++) {
        sigdelset(&all, faults[i]);
    }
    weft_assert(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    int code = pthread_create(out_native, attributes, main, argument);
    weft_assert(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return code;
}

struct weft_thread *weft_thread_start(const char *name, weft_thread_fn main, void *context)
{
    struct weft_thread *thread = weft_alloc(sizeof *thread);
    describe(thread, name, main, context);
    weft_assert(create(&thread->native, NULL, thread_main, thread) == 0);
    return thread;
}

enum weft_status weft_thread_try_detached(const char *name, weft_thread_fn main, void *context)
{
    struct weft_thread *thread = weft_try_alloc(sizeof *thread);
    if (thread == NULL) {
        return WEFT_NOMEM;
    }
    describe(thread, name, main, context);
    pthread_t ignored; /* the thread may have freed its own by the time this is set */
    pthread_attr_t attributes;
    weft_assert(pthread_attr_init(&attributes) == 0);
    weft_assert(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    int code = create(&ignored, &attributes, detached_main, thread);
    weft_assert(pthread_attr_destroy(&attributes) == 0);
    if (code != 0) {
        weft_free(thread);
    }
    return code == 0 ? WEFT_OK : WEFT_LIMIT;
}

void weft_thread_join(struct weft_thread *thread)
{
    weft_assert(pthread_join(thread->native, NULL) == 0);
    weft_free(thread);
}
