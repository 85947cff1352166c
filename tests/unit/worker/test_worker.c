/* Worker: its pool belongs to the thread that it is built on, then to its own, then to the one that has joined it. */
#include <check.h>

#include "base/base_test.h"
#include "suite.h"
#include "worker/worker.h"

struct letter {
    struct weft_message message;
    struct weft_worker *worker;
    struct weft_payload *shared;
};

static void take_one_and_stop(struct weft_message *message)
{
    struct letter *letter = WEFT_CONTAINER_OF(message, struct letter, message);
    letter->shared = weft_payload_try_new(weft_worker_host(letter->worker)->pool, 100);
    weft_worker_stop(letter->worker);
}

START_TEST(test_pool_follows_the_worker)
{
    struct weft_budget budget = { 0 };
    struct weft_ledger *ledger = NULL;
    ck_assert(weft_ledger_open(NULL, 1, &ledger, NULL) == WEFT_OK);
    struct weft_worker_settings settings = { .count = 1, .budget = &budget, .ledger = ledger };
    struct weft_worker *worker = weft_worker_new(&settings);
    struct weft_payload *payload = weft_payload_try_new(weft_worker_host(worker)->pool, 100);
    ck_assert_ptr_nonnull(payload);

    struct letter letter = { .message.on_delivered = take_one_and_stop, .worker = worker };
    weft_worker_start_thread(worker);
    weft_mailbox_post_always(weft_worker_mailbox(worker), &letter.message);
    weft_worker_join(worker);

    ck_assert_ptr_nonnull(letter.shared);
    weft_payload_unref(&letter.shared);
    weft_payload_unref(&payload);
    weft_worker_free(worker);
    weft_ledger_close(ledger);
}
END_TEST

static void answer(void *worker)
{
    struct weft_gather gather = { 0 };
    weft_worker_answer(worker, &gather);
}

static void book(void *worker)
{
    struct weft_host *host = weft_worker_host(worker);
    struct weft_account offered = { .kind = WEFT_ACCOUNT_OFFERED, .signal = "traces", .pipeline = "", .owner = "in" };
    struct weft_account in_flight = offered;
    in_flight.kind = WEFT_ACCOUNT_IN_FLIGHT;
    weft_host_book(host, weft_ledger_flow(host->ledger, &offered, &in_flight), 1);
}

static void stop(struct weft_message *message)
{
    weft_worker_stop(WEFT_CONTAINER_OF(message, struct letter, message)->worker);
}

START_TEST(test_what_a_worker_has_is_touched_by_its_thread_only)
{
    struct weft_budget budget = { 0 };
    struct weft_ledger *ledger = NULL;
    ck_assert(weft_ledger_open(NULL, 1, &ledger, NULL) == WEFT_OK);
    struct weft_worker_settings settings = { .count = 1, .budget = &budget, .ledger = ledger };
    struct weft_worker *worker = weft_worker_new(&settings);
    void (*const calls[])(void *worker) = { answer, book };
    struct letter letter = { .message.on_delivered = stop, .worker = worker };
    for (size_t i = 0; i < WEFT_COUNT_OF(calls); i++) {
        ck_assert(!base_test_aborts(calls[i], worker));
    }
    weft_worker_host(worker)->thread = weft_thread_id() + 1;
    for (size_t i = 0; i < WEFT_COUNT_OF(calls); i++) {
        ck_assert(base_test_aborts(calls[i], worker));
    }
    weft_worker_host(worker)->thread = 0;
    weft_worker_start_thread(worker);
    weft_mailbox_post_always(weft_worker_mailbox(worker), &letter.message);
    weft_worker_join(worker);
    ck_assert_uint_eq(weft_worker_host(worker)->thread, weft_thread_id());
    weft_worker_free(worker);
    weft_ledger_close(ledger);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("worker");
    TCase *tcase = tcase_create("worker");
    tcase_add_test(tcase, test_pool_follows_the_worker);
    tcase_add_test(tcase, test_what_a_worker_has_is_touched_by_its_thread_only);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
