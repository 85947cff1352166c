/* The resolver with a scripted look-up on its thread, and with the system's. */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "net/resolver.h"
#include "suite.h"

static struct weft_loop *loop;
static struct weft_resolver *resolver;
static struct weft_mutex gate = WEFT_MUTEX_INITIALIZER; /* the scripted look-up passes through it */
static struct weft_atomic_u64 lookups;
static unsigned answers_wanted, answers;
static struct weft_resolver_answer last;

static void set_up(void)
{
    loop = weft_loop_new();
    weft_atomic_store(&lookups, 0);
    answers = 0;
    answers_wanted = 1;
}

static void tear_down(void)
{
    weft_resolver_free(resolver);
    weft_loop_free(loop);
}

static void look_up_port(const struct weft_endpoint *endpoint, struct weft_resolver_answer *out_answer)
{
    weft_atomic_add(&lookups, 1);
    weft_mutex_lock(&gate);
    weft_mutex_unlock(&gate);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(endpoint->port) };
    memcpy(&out_answer->addresses[0].socket_address, &address, sizeof address);
    out_answer->addresses[0].length = sizeof address;
    out_answer->count = endpoint->port != 0;
    out_answer->status = WEFT_OK;
}

/* A look-up that is left goes on, and would be counted by the next test. */
static void wait_for_look_ups(uint64_t wanted)
{
    while (weft_atomic_load(&lookups) < wanted) {
        poll(NULL, 0, 1);
    }
}

static void on_answered(void *context, const struct weft_resolver_answer *answer)
{
    last = *answer;
    if (context != NULL) {
        ++*(unsigned *)context;
    }
    if (++answers == answers_wanted) {
        weft_loop_stop(loop);
    }
}

static struct weft_endpoint endpoint_of(const char *host, uint16_t port)
{
    struct weft_endpoint endpoint = { .port = port, .is_unix = host[0] == '/' };
    snprintf(endpoint.host, sizeof endpoint.host, "%s", host);
    return endpoint;
}

static struct weft_resolver_query *ask(const char *host, uint16_t port, unsigned *counter)
{
    struct weft_endpoint endpoint = endpoint_of(host, port);
    struct weft_resolver_query *query = NULL;
    unsigned before = answers;
    ck_assert_int_eq(weft_resolver_ask(resolver, &endpoint, on_answered, counter, &query, NULL), WEFT_OK);
    ck_assert_uint_eq(answers, before); /* never inside the call */
    return query;
}

START_TEST(test_literal_addresses_need_no_look_up)
{
    static const struct {
        const char *host;
        int family;
    } cases[] = { { "127.0.0.1", AF_INET }, { "::1", AF_INET6 }, { "/tmp/weft.sock", AF_UNIX } };
    resolver = weft_resolver_new(loop, look_up_port);
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        answers = 0;
        ask(cases[i].host, 4317, NULL);
        weft_loop_run(loop);
        ck_assert_int_eq(last.status, WEFT_OK);
        ck_assert_uint_eq(last.count, 1);
        ck_assert_int_eq(last.addresses[0].socket_address.ss_family, cases[i].family);
    }
    ck_assert_uint_eq(weft_atomic_load(&lookups), 0);
}
END_TEST

START_TEST(test_each_query_gets_the_answer_of_its_name)
{
    static unsigned counters[9];
    resolver = weft_resolver_new(loop, look_up_port);
    answers_wanted = 9;
    for (uint16_t port = 1; port <= 9; port++) {
        ask("name.test", port, &counters[port - 1]);
    }
    weft_loop_run(loop);
    ck_assert_int_eq(last.status, WEFT_OK);
    for (size_t i = 0; i < 9; i++) {
        ck_assert_uint_eq(counters[i], 1);
    }
    ck_assert_uint_eq(weft_atomic_load(&lookups), 9);
}
END_TEST

START_TEST(test_one_name_is_looked_up_once_for_all_who_ask)
{
    resolver = weft_resolver_new(loop, look_up_port);
    answers_wanted = 5;
    weft_mutex_lock(&gate);
    for (size_t i = 0; i < 6; i++) {
        struct weft_resolver_query *query = ask("name.test", 4317, NULL);
        if (i == 0) {
            weft_resolver_cancel(resolver, query); /* the look-up goes on, for the others */
        }
    }
    weft_mutex_unlock(&gate);
    weft_loop_run(loop);
    ck_assert_uint_eq(weft_atomic_load(&lookups), 1);
}
END_TEST

/* A name that takes long passes the gate, the other one does not. */
static void look_up_slow_and_fast(const struct weft_endpoint *endpoint, struct weft_resolver_answer *out_answer)
{
    out_answer->status = WEFT_OK;
    out_answer->count = 1;
    if (strcmp(endpoint->host, "slow.test") == 0) {
        weft_mutex_lock(&gate);
        weft_mutex_unlock(&gate);
    }
}

START_TEST(test_slow_name_holds_up_no_other)
{
    unsigned slow = 0;
    resolver = weft_resolver_new(loop, look_up_slow_and_fast);
    weft_mutex_lock(&gate);
    for (uint16_t port = 1; port < WEFT_RESOLVER_HELPERS; port++) {
        ask("slow.test", port, &slow);
    }
    ask("fast.test", 1, NULL);
    weft_loop_run(loop);
    ck_assert_uint_eq(slow, 0);
    ck_assert_uint_eq(answers, 1);
    answers_wanted = WEFT_RESOLVER_HELPERS;
    weft_mutex_unlock(&gate);
    weft_loop_run(loop);
    ck_assert_uint_eq(slow, WEFT_RESOLVER_HELPERS - 1);
}
END_TEST

/* It would wait for ever: the gate opens when the resolver is gone. */
START_TEST(test_free_does_not_wait_for_a_look_up)
{
    resolver = weft_resolver_new(loop, look_up_port);
    weft_mutex_lock(&gate);
    for (uint16_t port = 1; port <= 2 * WEFT_RESOLVER_HELPERS; port++) {
        ask("name.test", port, NULL);
    }
    wait_for_look_ups(WEFT_RESOLVER_HELPERS);
    weft_resolver_free(resolver);
    weft_mutex_unlock(&gate);
    ck_assert_uint_eq(answers, 0);
    resolver = weft_resolver_new(loop, NULL);
}
END_TEST

START_TEST(test_answer_without_address_is_not_found)
{
    resolver = weft_resolver_new(loop, look_up_port);
    ask("name.test", 0, NULL);
    weft_loop_run(loop);
    ck_assert_int_eq(last.status, WEFT_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(last.failure, "name.test"));
}
END_TEST

START_TEST(test_cancelled_queries_are_not_answered)
{
    unsigned cancelled_answers = 0;
    resolver = weft_resolver_new(loop, look_up_port);
    weft_mutex_lock(&gate);
    struct weft_resolver_query *running = ask("a.test", 1, &cancelled_answers);
    struct weft_resolver_query *queued = ask("b.test", 2, &cancelled_answers);
    struct weft_resolver_query *literal = ask("127.0.0.1", 3, &cancelled_answers);
    ask("c.test", 4, NULL);
    weft_resolver_cancel(resolver, running);
    weft_resolver_cancel(resolver, queued);
    weft_resolver_cancel(resolver, literal);
    weft_mutex_unlock(&gate);
    weft_loop_run(loop);
    ck_assert_uint_eq(cancelled_answers, 0);
    ck_assert_uint_eq(answers, 1);
}
END_TEST

START_TEST(test_queries_under_way_are_bounded)
{
    resolver = weft_resolver_new(loop, look_up_port);
    weft_mutex_lock(&gate);
    struct weft_resolver_query *query = NULL;
    for (uint16_t i = 0; i < WEFT_RESOLVER_QUERIES; i++) {
        query = ask("name.test", (uint16_t)(i + 1), NULL);
    }
    struct weft_endpoint endpoint = endpoint_of("one.more.test", 1);
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_resolver_ask(resolver, &endpoint, on_answered, NULL, &query, &error), WEFT_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.text, "one.more.test"));
    answers_wanted = WEFT_RESOLVER_QUERIES;
    weft_mutex_unlock(&gate);
    weft_loop_run(loop);
    answers = 0;
    answers_wanted = 1;
    ask("name.test", 7, NULL); /* there is room again */
    weft_loop_run(loop);
    ck_assert_int_eq(last.status, WEFT_OK);
}
END_TEST

START_TEST(test_free_drops_queries_under_way)
{
    resolver = weft_resolver_new(loop, look_up_port);
    for (uint16_t port = 1; port <= 5; port++) {
        ask("name.test", port, NULL);
    }
    ask("127.0.0.1", 1, NULL);
    wait_for_look_ups(WEFT_RESOLVER_HELPERS);
    weft_resolver_free(resolver);
    ck_assert_uint_eq(answers, 0);
    resolver = weft_resolver_new(loop, NULL);
}
END_TEST

START_TEST(test_system_resolves_localhost)
{
    resolver = weft_resolver_new(loop, NULL);
    ask("localhost", 4317, NULL);
    weft_loop_run(loop);
    ck_assert_int_eq(last.status, WEFT_OK);
    ck_assert_uint_ge(last.count, 1);
}
END_TEST

START_TEST(test_system_refuses_an_impossible_name)
{
    resolver = weft_resolver_new(loop, NULL);
    ask("not..a..name", 4317, NULL);
    weft_loop_run(loop);
    ck_assert_int_ne(last.status, WEFT_OK);
    ck_assert_uint_eq(last.count, 0);
    ck_assert_ptr_nonnull(strstr(last.failure, "not..a..name"));
}
END_TEST

START_TEST(test_failing_allocation_is_reported)
{
    resolver = weft_resolver_new(loop, look_up_port);
    struct weft_endpoint endpoint = endpoint_of("name.test", 1);
    struct weft_resolver_query *query = NULL;
    for (size_t call = 1; call <= 3; call++) { /* query, look-up, thread */
        weft_alloc_fail_at(call);
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_int_eq(weft_resolver_ask(resolver, &endpoint, on_answered, NULL, &query, &error), WEFT_NOMEM);
        ck_assert(weft_alloc_has_failed());
        ck_assert_ptr_nonnull(strstr(error.text, "cannot resolve name.test: "));
    }
    weft_alloc_fail_at(0);
    ask("name.test", 1, NULL);
    weft_loop_run(loop);
    ck_assert_int_eq(last.status, WEFT_OK);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_literal_addresses_need_no_look_up,
        test_each_query_gets_the_answer_of_its_name,
        test_one_name_is_looked_up_once_for_all_who_ask,
        test_slow_name_holds_up_no_other,
        test_free_does_not_wait_for_a_look_up,
        test_answer_without_address_is_not_found,
        test_cancelled_queries_are_not_answered,
        test_queries_under_way_are_bounded,
        test_free_drops_queries_under_way,
        test_system_resolves_localhost,
        test_system_refuses_an_impossible_name,
        test_failing_allocation_is_reported,
    };
    Suite *suite = suite_create("net/resolver");
    TCase *tcase = tcase_create("resolver");
    tcase_set_timeout(tcase, 0);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < WEFT_COUNT_OF(tests); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
