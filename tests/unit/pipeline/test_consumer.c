/* Dropping: what a client is told depends on the reason. Wished: OK, whatever the cause. Needed: come back later. */
#include "pipeline_test.h"

#include "base/base_test.h"
#include "suite.h"

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
            enum weft_status expected = is_ok ? WEFT_OK
                                        : reason == WEFT_DROP_TOO_LARGE
                                            ? WEFT_LIMIT /* it would be the next time, too */
                                            : WEFT_CLOSED;
            ck_assert_msg(counted.status == expected, "%s", weft_drop_reason_text((enum weft_drop_reason)reason));
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

static struct weft_consumer *outlet;

/* As a component's function would be that is called for another one's consumer. */
static void call_with_another_kind(void *consumer)
{
    struct weft_batch *batch = spans(1, 1, NULL);
    (void)outlet->operations->consume(consumer, &batch, NULL);
}

static void free_as_another_kind(void *consumer)
{
    outlet->operations->free(consumer);
}

static void give_it_a_batch(void *consumer)
{
    struct weft_batch *batch = spans(1, 1, NULL);
    ck_assert(weft_consumer_consume(consumer, &batch, NULL) == WEFT_CLOSED);
}

static void open_it(void *consumer)
{
    weft_consumer_set_open(consumer, false);
}

static void fini_it(void *consumer)
{
    weft_consumer_fini(consumer);
}

START_TEST(test_consumer_of_another_kind_is_not_cast)
{
    begin();
    stub_init(&stub, "stub");
    outlet = weft_outlet_new(&host, &in_flight, &stub.consumer);
    ck_assert(base_test_aborts(call_with_another_kind, &stub.consumer));
    ck_assert(!base_test_aborts(call_with_another_kind, outlet));
    ck_assert(base_test_aborts(free_as_another_kind, &stub.consumer));
    outlet->operations->free(outlet);
    stub_fini(&stub);
    end();
}
END_TEST

START_TEST(test_consumer_that_is_gone_does_nothing_any_more)
{
    begin();
    void (*const calls[])(void *context) = { give_it_a_batch, open_it, fini_it };
    for (size_t i = 0; i < WEFT_COUNT_OF(calls); i++) {
        stub_init(&stub, "stub");
        stub.answer = WEFT_CLOSED;
        ck_assert(!base_test_aborts(calls[i], &stub.consumer));
        stub_fini(&stub);
        ck_assert(base_test_aborts(calls[i], &stub.consumer));
    }
    end();
}
END_TEST

/* OK and the batch is gone, or something else and it is still there. */
static enum weft_status lie(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    (void)consumer;
    (void)own_batch;
    (void)error;
    return WEFT_OK;
}

static enum weft_status lie_otherwise(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                      struct weft_error *error)
{
    weft_batch_end(own_batch, NULL, -1);
    return weft_fail(error, WEFT_CLOSED, "%s is closed", consumer->id);
}

START_TEST(test_consumer_keeps_to_its_answer)
{
    begin();
    const struct weft_consumer_operations liars[] = { { .consume = lie }, { .consume = lie_otherwise } };
    for (size_t i = 0; i < WEFT_COUNT_OF(liars); i++) {
        struct weft_consumer liar;
        weft_consumer_init(&liar, &liars[i], &host, "liar");
        ck_assert(base_test_aborts(give_it_a_batch, &liar));
        weft_consumer_fini(&liar);
    }
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/consumer");
    TCase *tests = tcase_create("drop");
    tcase_add_test(tests, test_drop_that_was_wished_answers_ok);
    tcase_add_test(tests, test_drop_that_was_needed_is_retryable);
    tcase_add_test(tests, test_consumer_of_another_kind_is_not_cast);
    tcase_add_test(tests, test_consumer_that_is_gone_does_nothing_any_more);
    tcase_add_test(tests, test_consumer_keeps_to_its_answer);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
