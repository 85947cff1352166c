/* Worker: its pool belongs to the thread that it is built on, then to its own, then to the one that has joined it. */
#include <check.h>
#include <stdlib.h>

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

int main(void)
{
    Suite *suite = suite_create("worker");
    TCase *tcase = tcase_create("worker");
    tcase_add_test(tcase, test_pool_follows_the_worker);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
