/* Threads: named, deaf to signals, joined; counters and mutexes under contention. */
#include "base/base_test.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/budget.h"
#include "base/thread.h"

enum { THREADS = 4, ROUNDS = 50000 };

struct seen {
    char name[16];
    bool is_term_blocked;
};

static void look_around(void *context)
{
    struct seen *seen = context;
    pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    seen->is_term_blocked = sigismember(&blocked, SIGTERM) == 1;
}

START_TEST(test_thread_has_its_name_and_takes_no_signals)
{
    struct seen seen = { .name = "" };
    struct weft_thread *thread = weft_thread_start("a name that is too long", look_around, &seen);
    weft_thread_join(thread);
    ck_assert_str_eq(seen.name, "a name that is ");
    ck_assert(seen.is_term_blocked);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    ck_assert_int_eq(sigismember(&blocked, SIGTERM), 0);
}
END_TEST

struct shared {
    struct weft_mutex mutex;
    uint64_t guarded;
    struct weft_budget budget;
};

static void count_up(void *context)
{
    struct shared *shared = context;
    for (size_t i = 0; i < ROUNDS; i++) {
        weft_mutex_lock(&shared->mutex);
        shared->guarded++;
        weft_mutex_unlock(&shared->mutex);
        weft_budget_charge(&shared->budget, 3);
        weft_budget_release(&shared->budget, 2);
    }
}

START_TEST(test_no_count_is_lost)
{
    struct shared shared = { .guarded = 0 };
    weft_mutex_init(&shared.mutex);
    struct weft_thread *threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        threads[i] = weft_thread_start("counter", count_up, &shared);
    }
    for (size_t i = 0; i < THREADS; i++) {
        weft_thread_join(threads[i]);
    }
    ck_assert_uint_eq(shared.guarded, THREADS * ROUNDS);
    ck_assert_uint_eq(weft_budget_reserved(&shared.budget), THREADS * ROUNDS);
    weft_mutex_fini(&shared.mutex);
}
END_TEST

START_TEST(test_atomic_operations_return_the_new_value)
{
    struct weft_atomic_u64 number = { 0 };
    weft_atomic_store(&number, 10);
    ck_assert_uint_eq(weft_atomic_add(&number, 5), 15);
    ck_assert_uint_eq(weft_atomic_sub(&number, 1), 14);
    ck_assert_uint_eq(weft_atomic_load(&number), 14);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_thread_has_its_name_and_takes_no_signals),
        BASE_TEST(test_no_count_is_lost),
        BASE_TEST(test_atomic_operations_return_the_new_value),
    };
    return BASE_TEST_RUN("thread", tests);
}
