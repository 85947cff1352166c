/* Dropping: what a client is told depends on the reason. Wished: OK, whatever the cause. Needed: come back later. */
#include "pipeline_test.h"

static struct stub stub;
static struct counted_ticket counted;

/* Drops two spans for this reason; the ticket has settled afterwards. */
static void drop_two(enum weft_drop_reason reason, const struct weft_error *cause)
{
    begin();
    stub_init(&stub, "stub");
    stub.consumer.held_account = in_flight;
    counted_init(&counted, 2, WEFT_ACKNOWLEDGE_DELIVERED);
    struct weft_batch *batch = spans(1, 2, &counted.ticket);
    book_offered(2);
    weft_consumer_drop(&stub.consumer, &batch, weft_consumer_drop_flow(&stub.consumer, reason), reason, cause);
    ck_assert_ptr_null(batch);
    ck_assert_uint_eq(counted.settled, 1);
    ck_assert_uint_eq(dropped_for(reason), 2);
    ck_assert_uint_eq(totals().in_flight, 0);
    stub_fini(&stub);
    end();
}

START_TEST(test_drop_that_was_wished_answers_ok)
{
    struct weft_error cause = { .status = WEFT_CLOSED, .text = "full" };
    for (int reason = 0; reason < WEFT_DROP_COUNT; reason++) {
        for (int has_cause = 0; has_cause < 2; has_cause++) {
            drop_two((enum weft_drop_reason)reason, has_cause != 0 ? &cause : NULL);
            bool is_ok = weft_drop_reason_is_ok((enum weft_drop_reason)reason);
            ck_assert_msg(counted.status == (is_ok ? WEFT_OK : WEFT_CLOSED), "%s",
                          weft_drop_reason_text((enum weft_drop_reason)reason));
        }
    }
    drop_two(WEFT_DROP_SAMPLED_OUT, NULL);
    ck_assert_int_eq(counted.status, WEFT_OK);
    drop_two(WEFT_DROP_EVICTED, NULL);
    ck_assert_int_eq(counted.status, WEFT_CLOSED);
}
END_TEST

START_TEST(test_drop_that_was_needed_is_retryable)
{
    struct weft_error final = { .status = WEFT_INVALID, .text = "broken" };
    drop_two(WEFT_DROP_REFUSED_DOWNSTREAM, &final);
    ck_assert_int_eq(counted.status, WEFT_CLOSED);
    struct weft_error slow = { .status = WEFT_TIMEOUT, .text = "slow" };
    drop_two(WEFT_DROP_REFUSED_DOWNSTREAM, &slow);
    ck_assert_int_eq(counted.status, WEFT_TIMEOUT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/consumer");
    TCase *tests = tcase_create("drop");
    tcase_add_test(tests, test_drop_that_was_wished_answers_ok);
    tcase_add_test(tests, test_drop_that_was_needed_is_retryable);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
