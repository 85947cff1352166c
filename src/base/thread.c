/* Threads and mutexes: thin, so that pthread has one home. */
#include "base/thread.h"

#include <signal.h>

#include "base/alloc.h"
#include "base/assert.h"

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

static void *thread_main(void *argument)
{
    struct weft_thread *thread = argument;
    pthread_setname_np(pthread_self(), thread->name);
    thread->main(thread->context);
    return NULL;
}

struct weft_thread *weft_thread_start(const char *name, weft_thread_fn main, void *context)
{
    struct weft_thread *thread = weft_alloc(sizeof *thread);
    thread->main = main;
    thread->context = context;
    for (size_t i = 0; i + 1 < sizeof thread->name && name[i] != '\0'; i++) {
        thread->name[i] = name[i];
    }
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigdelset(&all, SIGBUS); /* a fault of the thread's own: blocked, it could not be handled */
    weft_assert(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    weft_assert(pthread_create(&thread->native, NULL, thread_main, thread) == 0);
    weft_assert(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return thread;
}

void weft_thread_join(struct weft_thread *thread)
{
    weft_assert(pthread_join(thread->native, NULL) == 0);
    weft_free(thread);
}
