#pragma once

/* What the tests of this floor share: running one suite, and random bytes that are the same in every run. */
#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

struct base_test {
    const char *name;
    const TTest *test;
};

static inline int base_test_run(const char *suite_name, const struct base_test *tests, size_t count)
{
    Suite *suite = suite_create(suite_name);
    for (size_t i = 0; i < count; i++) {
        TCase *tcase = tcase_create(tests[i].name);
        tcase_set_timeout(tcase, 0);
        tcase_add_test(tcase, tests[i].test);
        suite_add_tcase(suite, tcase);
    }
    return suite_run(suite);
}

#define BASE_TEST(name) \
    {                   \
#name, name     \
    }
#define BASE_TEST_RUN(suite, tests) base_test_run(suite, tests, sizeof(tests) / sizeof((tests)[0]))

/* ck_assert notes its place on every call; inside long loops this asks first. */
#define BASE_TEST_EXPECT(condition)         \
    do {                                    \
        if (!(condition)) {                 \
            ck_abort_msg("%s", #condition); \
        }                                   \
    } while (0)

/* True if the call ends in an assertion. It runs in a child, whose words on stderr go nowhere. */
static inline bool base_test_aborts(void (*call)(void *context), void *context)
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(2);
        }
        call(context);
        _exit(0);
    }
    int outcome;
    ck_assert_int_eq(waitpid(child, &outcome, 0), child);
    ck_assert(WIFSIGNALED(outcome) || WEXITSTATUS(outcome) == 0);
    return WIFSIGNALED(outcome) && WTERMSIG(outcome) == SIGABRT;
}

/* xorshift64; the state must not be 0. */
static inline uint64_t base_test_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
