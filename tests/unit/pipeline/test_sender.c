/* Sender: queue, consumers, retry and drain. */
#include "pipeline/sender_test.h"
#include "suite.h"

/* ---- queue ---- */

START_TEST(test_full_queue_refuses)
{
    defaults();
    config.sending_queue.queue_size = 2;
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 0, 3), WEFT_OK);
    ck_assert_int_eq(give_spans(&fakes[0], 3, 3), WEFT_OK);
    ck_assert_int_eq(give_spans(&fakes[0], 6, 3), WEFT_CLOSED);
    ck_assert(fakes[0].consumer.is_open);
    ck_assert_uint_eq(weft_sender_read_counters(fakes[0].sender)->enqueue_failed, 3);
    answer(&fakes[0], sent(0));
    ck_assert_int_eq(give_spans(&fakes[0], 6, 3), WEFT_OK);
    end_all();
}
END_TEST

/* It would never fit: it is taken when the queue is not full, and goes in pieces that are not larger than the queue. */
START_TEST(test_request_larger_than_the_queue_goes_in_pieces)
{
    for (int is_blocking = 0; is_blocking < 2; is_blocking++) {
        defaults();
        config.sending_queue.sizer.value = WEFT_SIZER_ITEMS;
        config.sending_queue.queue_size = 5;
        config.sending_queue.block_on_overflow = is_blocking != 0;
        begin_with(1);
        ck_assert_int_eq(give_spans(&fakes[0], 100, 4), WEFT_OK);
        ck_assert_int_eq(give_spans(&fakes[0], 0, 12), WEFT_OK);
        ck_assert_uint_eq(weft_sender_queue_size(fakes[0].sender), 16);
        ck_assert_int_eq(give_spans(&fakes[0], 12, 1), WEFT_CLOSED);
        ck_assert_int_eq(give_spans(&fakes[0], 12, 6), WEFT_CLOSED);
        ck_assert_int_eq(fakes[0].consumer.is_open, !is_blocking);
        answer(&fakes[0], sent(0));
        for (uint32_t first = 0; first < 12; first += 5) {
            expect_spans(first_batch(&fakes[0]), first, first < 10 ? 5 : 2);
            answer(&fakes[0], sent(0));
        }
        ck_assert_uint_eq(weft_sender_queue_size(fakes[0].sender), 0);
        ck_assert_uint_eq(totals().sent, 16);
        end_all();
    }
}
END_TEST

START_TEST(test_record_larger_than_the_queue_is_dropped_alone)
{
    enum { LONGEST = 33 }; /* of the spans from 30 to 35 */
    struct counted_ticket counted;
    defaults();
    begin_with(1);
    struct weft_batch *longest = spans(LONGEST, 1, NULL);
    config.sending_queue.sizer.value = WEFT_SIZER_BYTES;
    config.sending_queue.queue_size = longest->size_bytes - 1;
    weft_batch_end(&longest, NULL, -1);
    counted_init(&counted, 6, WEFT_ACKNOWLEDGE_DELIVERED);
    ck_assert_int_eq(give(&fakes[0], spans(30, 6, &counted.ticket)), WEFT_OK);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_TOO_LARGE), 1);
    for (uint32_t i = 30; i < 36; i++) {
        if (i != LONGEST) {
            expect_spans(first_batch(&fakes[0]), i, 1);
            answer(&fakes[0], sent(0));
        }
    }
    ck_assert_uint_eq(weft_sender_queue_size(fakes[0].sender), 0);
    ck_assert_uint_eq(totals().sent, 5);
    ck_assert_uint_eq(counted.settled, 1);
    ck_assert_int_eq(counted.status, WEFT_LIMIT);
    end_all();
}
END_TEST

START_TEST(test_charge_is_what_the_sizer_counts)
{
    for (int sizer = WEFT_SIZER_REQUESTS; sizer <= WEFT_SIZER_BYTES; sizer++) {
        defaults();
        config.sending_queue.sizer.value = sizer;
        config.sending_queue.queue_size = 100000;
        begin_with(1);
        struct weft_batch *batch = spans(0, 7, NULL);
        uint64_t expected = sizer == WEFT_SIZER_REQUESTS ? 1 : sizer == WEFT_SIZER_ITEMS ? 7 : batch->size_bytes;
        ck_assert_int_eq(give(&fakes[0], batch), WEFT_OK);
        ck_assert_uint_eq(weft_sender_queue_size(fakes[0].sender), expected);
        answer(&fakes[0], sent(0));
        ck_assert_uint_eq(weft_sender_queue_size(fakes[0].sender), 0);
        end_all();
    }
}
END_TEST

/* Nobody before the sender can know that this batch does not fit: to refuse it would be to lose it. */
START_TEST(test_blocking_queue_takes_the_batch_that_fills_it_and_closes)
{
    defaults();
    config.sending_queue.sizer.value = WEFT_SIZER_ITEMS;
    config.sending_queue.queue_size = 10;
    config.sending_queue.block_on_overflow = true;
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 0, 9), WEFT_OK);
    ck_assert(fakes[0].consumer.is_open);
    ck_assert_int_eq(give_spans(&fakes[0], 9, 9), WEFT_OK);
    ck_assert(!fakes[0].consumer.is_open);
    ck_assert_int_eq(give_spans(&fakes[0], 18, 1), WEFT_CLOSED);
    answer(&fakes[0], sent(0));
    ck_assert(fakes[0].consumer.is_open);
    ck_assert_int_eq(give_spans(&fakes[0], 18, 1), WEFT_OK);
    end_all();
}
END_TEST

START_TEST(test_workers_share_the_queue_and_see_its_room)
{
    defaults();
    config.sending_queue.queue_size = 2;
    config.sending_queue.block_on_overflow = true;
    begin_with(2);
    ck_assert_int_eq(give_spans(&fakes[0], 0, 1), WEFT_OK);
    ck_assert_int_eq(give_spans(&fakes[0], 1, 1), WEFT_OK);
    ck_assert(!fakes[0].consumer.is_open);
    ck_assert(fakes[1].consumer.is_open);
    ck_assert_int_eq(give_spans(&fakes[1], 2, 1), WEFT_OK); /* it could not know */
    ck_assert(!fakes[1].consumer.is_open);
    ck_assert_int_eq(give_spans(&fakes[1], 3, 1), WEFT_CLOSED);
    ck_assert_uint_eq(weft_sender_queue_size(fakes[1].sender), 3);
    answer(&fakes[0], sent(0));
    answer(&fakes[0], sent(0));
    ck_assert(fakes[0].consumer.is_open);
    ck_assert(!fakes[1].consumer.is_open);
    advance(20 * WEFT_NS_PER_MS);
    ck_assert(fakes[1].consumer.is_open);
    end_all();
}
END_TEST

START_TEST(test_consumers_are_divided_between_workers)
{
    static const struct {
        uint64_t consumers, expected;
    } cases[] = { { 1, 1 }, { 2, 1 }, { 3, 2 }, { 10, 5 } };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        defaults();
        config.sending_queue.num_consumers = cases[i].consumers;
        begin_with(2);
        for (uint32_t j = 0; j < 8; j++) {
            ck_assert_int_eq(give_spans(&fakes[0], j, 1), WEFT_OK);
        }
        ck_assert_uint_eq(started_count(&fakes[0]), cases[i].expected);
        answer(&fakes[0], sent(0));
        ck_assert_uint_eq(started_count(&fakes[0]), cases[i].expected);
        ck_assert_uint_eq(fakes[0].starts, cases[i].expected + 1);
        end_all();
    }
}
END_TEST

START_TEST(test_without_a_queue_everything_starts_and_the_client_waits)
{
    struct counted_ticket counted;
    defaults();
    config.has_queue = false;
    begin_with(1);
    counted_init(&counted, 3, WEFT_ACKNOWLEDGE_ACCEPTED);
    ck_assert_int_eq(give(&fakes[0], spans(0, 3, &counted.ticket)), WEFT_OK);
    ck_assert_int_eq(give_spans(&fakes[0], 3, 3), WEFT_OK);
    ck_assert_uint_eq(started_count(&fakes[0]), 2);
    ck_assert_uint_eq(counted.settled, 0);
    answer(&fakes[0], refused(WEFT_PUSH_FAULT_NONE));
    ck_assert_uint_eq(counted.settled, 1);
    ck_assert_int_eq(counted.status, WEFT_INVALID);
    end_all();
}
END_TEST

START_TEST(test_hand_over_answers_unless_the_result_is_waited_for)
{
    for (int bits = 0; bits < 8; bits++) {
        bool must_wait = (bits & 1) != 0, is_delivered = (bits & 2) != 0, has_batch = (bits & 4) != 0;
        struct counted_ticket first, second;
        defaults();
        config.sending_queue.wait_for_result = must_wait;
        config.sending_queue.has_batch = has_batch;
        config.sending_queue.batch.min_size = 100;
        begin_with(1);
        counted_init(&first, 3, is_delivered ? WEFT_ACKNOWLEDGE_DELIVERED : WEFT_ACKNOWLEDGE_ACCEPTED);
        counted_init(&second, 2, is_delivered ? WEFT_ACKNOWLEDGE_DELIVERED : WEFT_ACKNOWLEDGE_ACCEPTED);
        ck_assert_int_eq(give(&fakes[0], spans(0, 3, &first.ticket)), WEFT_OK);
        ck_assert_int_eq(give(&fakes[0], spans(3, 2, &second.ticket)), WEFT_OK);
        ck_assert_uint_eq(first.settled, must_wait || is_delivered ? 0 : 1);
        ck_assert_uint_eq(second.settled, must_wait || is_delivered ? 0 : 1);
        advance(2 * WEFT_NS_PER_S);
        while (started_count(&fakes[0]) > 0) {
            answer(&fakes[0], sent(0));
        }
        ck_assert_uint_eq(first.settled, 1);
        ck_assert_uint_eq(second.settled, 1);
        end_all();
    }
}
END_TEST

/* Answered inside start, a thousand times over: no recursion, each once. */
START_TEST(test_answers_inside_start)
{
    defaults();
    begin_with(1);
    for (uint32_t i = 0; i < 500; i++) {
        ck_assert_int_eq(give_spans(&fakes[0], i, 1), WEFT_OK);
    }
    fakes[0].answers_at_once = true;
    fakes[0].at_once = sent(0);
    answer(&fakes[0], sent(0));
    ck_assert_uint_eq(fakes[0].starts, 500);
    ck_assert_uint_eq(held(&fakes[0]), 0);
    ck_assert_uint_eq(totals().sent, 500);
    end_all();
}
END_TEST

/* ---- outcomes ---- */

START_TEST(test_partial_success_is_booked_and_the_client_is_content)
{
    struct counted_ticket counted;
    defaults();
    begin_with(1);
    counted_init(&counted, 10, WEFT_ACKNOWLEDGE_DELIVERED);
    ck_assert_int_eq(give(&fakes[0], spans(0, 10, &counted.ticket)), WEFT_OK);
    answer(&fakes[0], sent(3));
    ck_assert_uint_eq(totals().sent, 7);
    ck_assert_uint_eq(totals().rejected, 3);
    ck_assert_int_eq(counted.status, WEFT_OK);
    ck_assert_int_eq(give_spans(&fakes[0], 0, 10), WEFT_OK);
    answer(&fakes[0], sent(1000));
    ck_assert_uint_eq(totals().sent, 7);
    ck_assert_uint_eq(totals().rejected, 13);
    end_all();
}
END_TEST

START_TEST(test_retry_pauses_then_sends_again)
{
    defaults();
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 0, 4), WEFT_OK);
    ck_assert_int_eq(give_spans(&fakes[0], 4, 4), WEFT_OK);
    answer(&fakes[0], retry(-1, false));
    ck_assert_uint_eq(started_count(&fakes[0]), 0); /* the slot is kept, as in the Collector */
    advance(WEFT_NS_PER_S - 1);
    ck_assert_uint_eq(started_count(&fakes[0]), 0);
    advance(1);
    expect_spans(first_batch(&fakes[0]), 0, 4);
    answer(&fakes[0], retry(7 * WEFT_NS_PER_S, false));
    advance(7 * WEFT_NS_PER_S - 1);
    ck_assert_uint_eq(started_count(&fakes[0]), 0);
    advance(1);
    answer(&fakes[0], sent(0));
    expect_spans(first_batch(&fakes[0]), 4, 4);
    ck_assert_uint_eq(weft_sender_read_counters(fakes[0].sender)->retries, 2);
    end_all();
}
END_TEST

START_TEST(test_deadline_of_an_attempt_is_the_timeout)
{
    defaults();
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 0, 1), WEFT_OK);
    ck_assert_int_eq(first_started(&fakes[0])->push.deadline.ns, 1 + 5 * WEFT_NS_PER_S);
    end_all();
    config.timeout.ns = 0;
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 0, 1), WEFT_OK);
    ck_assert_int_eq(first_started(&fakes[0])->push.deadline.ns, WEFT_NEVER.ns);
    end_all();
}
END_TEST

static void expect_dropped(struct weft_push_outcome first, struct weft_push_outcome last, enum weft_drop_reason reason)
{
    struct counted_ticket counted;
    begin_with(1);
    counted_init(&counted, 4, WEFT_ACKNOWLEDGE_DELIVERED);
    ck_assert_int_eq(give(&fakes[0], spans(0, 4, &counted.ticket)), WEFT_OK);
    answer(&fakes[0], first);
    advance(19 * WEFT_NS_PER_S);
    answer(&fakes[0], last);
    ck_assert_uint_eq(held(&fakes[0]), 0);
    ck_assert_uint_eq(dropped_for(reason), 4);
    ck_assert_uint_eq(counted.settled, 1);
    ck_assert(weft_status_is_retryable(counted.status));
    end_all();
}

START_TEST(test_exhausted_retries_drop)
{
    defaults();
    expect_dropped(retry(-1, false), retry(-1, false), WEFT_DROP_RETRIES_EXHAUSTED);
    expect_dropped(retry(-1, true), retry(-1, false), WEFT_DROP_UNCONFIRMED);
    expect_dropped(retry(-1, false), retry(-1, true), WEFT_DROP_UNCONFIRMED);
    expect_dropped(retry(-1, false), retry(INT64_MAX, false), WEFT_DROP_RETRIES_EXHAUSTED);
}
END_TEST

START_TEST(test_without_retry_the_first_failure_drops)
{
    defaults();
    config.has_retry = false;
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 0, 4), WEFT_OK);
    answer(&fakes[0], retry(-1, false));
    ck_assert_uint_eq(dropped_for(WEFT_DROP_RETRIES_EXHAUSTED), 4);
    end_all();
}
END_TEST

START_TEST(test_permanent_refusal_is_rejected)
{
    struct counted_ticket counted;
    defaults();
    begin_with(1);
    counted_init(&counted, 4, WEFT_ACKNOWLEDGE_DELIVERED);
    ck_assert_int_eq(give(&fakes[0], spans(0, 4, &counted.ticket)), WEFT_OK);
    answer(&fakes[0], refused(WEFT_PUSH_FAULT_NONE));
    ck_assert_uint_eq(totals().rejected, 4);
    ck_assert_int_eq(counted.status, WEFT_INVALID);
    end_all();
}
END_TEST

/* For /ready: until it takes records again, or a minute is over. */
START_TEST(test_what_a_backend_refused_with_is_told_for_a_minute)
{
    defaults();
    begin_with(1);
    const struct weft_sender *sender = fakes[0].sender;
    ck_assert_ptr_null(weft_sender_rejection(sender));
    for (int is_over = 0; is_over < 2; is_over++) {
        ck_assert_int_eq(give_spans(&fakes[0], 0, 1), WEFT_OK);
        answer(&fakes[0], refused(WEFT_PUSH_FAULT_NONE));
        ck_assert_str_eq(weft_sender_rejection(sender), "never");
        advance(60 * WEFT_NS_PER_S - 1 + is_over);
        ck_assert_int_eq(weft_sender_rejection(sender) == NULL, is_over);
        ck_assert_int_eq(give_spans(&fakes[0], 0, 2), WEFT_OK);
        answer(&fakes[0], sent(1));
        ck_assert_ptr_null(weft_sender_rejection(sender));
    }
    end_all();
}
END_TEST

/* The backend may have what it refuses now: an answer to an earlier attempt was lost, or this one says nothing of what
 * became of the request. Booked as rejected it would be with the backend and nowhere in the books. */
START_TEST(test_refusal_after_a_lost_answer_is_unconfirmed)
{
    for (int is_lost_before = 0; is_lost_before <= 1; is_lost_before++) {
        struct counted_ticket counted;
        defaults();
        begin_with(1);
        counted_init(&counted, 4, WEFT_ACKNOWLEDGE_DELIVERED);
        ck_assert_int_eq(give(&fakes[0], spans(0, 4, &counted.ticket)), WEFT_OK);
        if (is_lost_before) {
            answer(&fakes[0], retry(-1, true));
            advance(2 * WEFT_NS_PER_S);
        }
        struct weft_push_outcome outcome = refused(WEFT_PUSH_FAULT_NONE);
        outcome.is_unconfirmed = !is_lost_before;
        answer(&fakes[0], outcome);
        ck_assert_uint_eq(totals().rejected, 0);
        ck_assert_uint_eq(dropped_for(WEFT_DROP_UNCONFIRMED), 4);
        ck_assert_uint_eq(weft_sender_read_counters(fakes[0].sender)->rejected, 0);
        ck_assert_uint_eq(weft_sender_read_counters(fakes[0].sender)->send_failed, 4);
        ck_assert_int_eq(counted.status, WEFT_INVALID);
        end_all();
    }
}
END_TEST

/* ---- drain ---- */

START_TEST(test_drain_sends_what_is_held_and_takes_no_more)
{
    batching(WEFT_SIZER_ITEMS, 100, 0);
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 0, 10), WEFT_OK);
    weft_sender_drain(fakes[0].sender, WEFT_DROP_SHUTDOWN, false);
    expect_spans(first_batch(&fakes[0]), 0, 10);
    ck_assert_int_eq(give_spans(&fakes[0], 10, 1), WEFT_CLOSED);
    answer(&fakes[0], sent(0));
    ck_assert_uint_eq(totals().sent, 10);
    end_all();
}
END_TEST

START_TEST(test_forced_drain_drops_each_record_once)
{
    struct counted_ticket counted;
    for (int reason = WEFT_DROP_SHUTDOWN; reason <= WEFT_DROP_RELOAD; reason++) {
        defaults();
        config.sending_queue.num_consumers = 2;
        begin_with(1);
        counted_init(&counted, 3, WEFT_ACKNOWLEDGE_DELIVERED);
        ck_assert_int_eq(give_spans(&fakes[0], 0, 1), WEFT_OK); /* will be pausing */
        answer(&fakes[0], retry(-1, false));
        ck_assert_int_eq(give_spans(&fakes[0], 1, 2), WEFT_OK);                   /* will be under way */
        ck_assert_int_eq(give(&fakes[0], spans(3, 3, &counted.ticket)), WEFT_OK); /* will be waiting */
        weft_sender_drain(fakes[0].sender, (enum weft_drop_reason)reason, true);
        ck_assert_uint_eq(fakes[0].cancels, 1);
        ck_assert_uint_eq(held(&fakes[0]), 0);
        ck_assert_uint_eq(dropped_for((enum weft_drop_reason)reason), 4);
        ck_assert_uint_eq(dropped_for(WEFT_DROP_UNCONFIRMED), 2);
        ck_assert_uint_eq(counted.settled, 1);
        ck_assert_int_eq(counted.status, WEFT_CLOSED);
        end_all();
    }
}
END_TEST

/* ---- allocation failures ---- */

START_TEST(test_failed_enqueue_refuses_and_gives_the_room_back)
{
    for (int has_batch = 0; has_batch < 2; has_batch++) {
        for (size_t n = 1, is_done = 0; !is_done; n++) {
            struct counted_ticket counted;
            batching(WEFT_SIZER_ITEMS, 100, 0);
            config.sending_queue.has_batch = has_batch != 0;
            begin_with(1);
            ck_assert_int_eq(give_spans(&fakes[0], 0, 4), WEFT_OK);
            uint64_t size = weft_sender_queue_size(fakes[0].sender);
            counted_init(&counted, 3, WEFT_ACKNOWLEDGE_ACCEPTED);
            struct weft_batch *batch = spans(4, 3, &counted.ticket);
            struct weft_error error = WEFT_ERROR_NONE;
            book_offered(3);
            weft_alloc_fail_at(n);
            enum weft_status status = weft_consumer_consume(fakes[0].outlet, &batch, &error);
            is_done = !weft_alloc_has_failed();
            weft_alloc_fail_at(0);
            ck_assert_uint_eq(counted.settled, status == WEFT_OK ? 1 : 0);
            if (status != WEFT_OK) {
                ck_assert_int_eq(status, WEFT_NOMEM);
                ck_assert_uint_eq(weft_sender_queue_size(fakes[0].sender), size);
                ck_assert_uint_eq(held(&fakes[0]), 4);
                expect_spans(batch, 4, 3);
                ck_assert_int_eq(weft_consumer_consume(fakes[0].outlet, &batch, &error), WEFT_OK);
            }
            end_all();
        }
    }
}
END_TEST

/* Without memory to cut or to take apart, batches go as they are: larger than wished, but nothing is lost. */
START_TEST(test_failed_cuts_lose_nothing)
{
    for (size_t n = 1, is_done = 0; !is_done; n++) {
        batching(WEFT_SIZER_ITEMS, 3, 3);
        begin_with(1);
        struct weft_batch *batch = spans(0, 10, NULL);
        struct weft_error error = WEFT_ERROR_NONE;
        book_offered(10);
        weft_alloc_fail_at(n);
        enum weft_status status = weft_consumer_consume(fakes[0].outlet, &batch, &error);
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        if (status != WEFT_OK) {
            ck_assert_int_eq(weft_consumer_consume(fakes[0].outlet, &batch, &error), WEFT_OK);
        }
        advance(WEFT_NS_PER_S);
        uint32_t got = 0;
        while (started_count(&fakes[0]) > 0) {
            uint32_t count = (uint32_t)first_batch(&fakes[0])->weight;
            expect_spans(first_batch(&fakes[0]), got, count);
            got += count;
            answer(&fakes[0], sent(0));
        }
        ck_assert_uint_eq(got, 10);
        end_all();
    }
}
END_TEST

/* ---- our own mistakes ---- */

static void done_once(void *push)
{
    struct weft_push_outcome outcome = { .verdict = WEFT_PUSH_RETRY, .retry_after_ns = -1 };
    weft_push_done(push, &outcome);
}

static void done_twice(void *push)
{
    done_once(push);
    done_once(push);
}

static void done_as_another_push(void *push)
{
    struct weft_push other = *(struct weft_push *)push;
    other.magic = 0;
    done_once(&other);
}

START_TEST(test_push_is_done_once)
{
    defaults();
    begin_with(1);
    ck_assert(give_spans(&fakes[0], 0, 3) == WEFT_OK);
    struct weft_push *push = &first_started(&fakes[0])->push;
    ck_assert(!base_test_aborts(done_once, push));
    ck_assert(base_test_aborts(done_twice, push));
    ck_assert(base_test_aborts(done_as_another_push, push));
    end_all();
}
END_TEST

static void free_it(void *sender)
{
    weft_sender_free(sender);
}

START_TEST(test_sender_that_holds_records_is_not_freed)
{
    defaults();
    begin_with(1);
    ck_assert(give_spans(&fakes[0], 0, 3) == WEFT_OK);
    ck_assert(base_test_aborts(free_it, fakes[0].sender));
    end_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/sender");
    TCase *queue = tcase_create("queue"), *outcomes = tcase_create("outcomes"),
          *rest = tcase_create("drain and memory"), *mistakes = tcase_create("mistakes");
    tcase_add_test(queue, test_full_queue_refuses);
    tcase_add_test(queue, test_request_larger_than_the_queue_goes_in_pieces);
    tcase_add_test(queue, test_record_larger_than_the_queue_is_dropped_alone);
    tcase_add_test(queue, test_charge_is_what_the_sizer_counts);
    tcase_add_test(queue, test_blocking_queue_takes_the_batch_that_fills_it_and_closes);
    tcase_add_test(queue, test_workers_share_the_queue_and_see_its_room);
    tcase_add_test(queue, test_consumers_are_divided_between_workers);
    tcase_add_test(queue, test_without_a_queue_everything_starts_and_the_client_waits);
    tcase_add_test(queue, test_hand_over_answers_unless_the_result_is_waited_for);
    tcase_add_test(queue, test_answers_inside_start);
    tcase_add_test(outcomes, test_partial_success_is_booked_and_the_client_is_content);
    tcase_add_test(outcomes, test_retry_pauses_then_sends_again);
    tcase_add_test(outcomes, test_deadline_of_an_attempt_is_the_timeout);
    tcase_add_test(outcomes, test_exhausted_retries_drop);
    tcase_add_test(outcomes, test_without_retry_the_first_failure_drops);
    tcase_add_test(outcomes, test_permanent_refusal_is_rejected);
    tcase_add_test(outcomes, test_what_a_backend_refused_with_is_told_for_a_minute);
    tcase_add_test(outcomes, test_refusal_after_a_lost_answer_is_unconfirmed);
    tcase_add_test(rest, test_drain_sends_what_is_held_and_takes_no_more);
    tcase_add_test(rest, test_forced_drain_drops_each_record_once);
    tcase_add_test(rest, test_failed_enqueue_refuses_and_gives_the_room_back);
    tcase_add_test(rest, test_failed_cuts_lose_nothing);
    tcase_add_test(mistakes, test_push_is_done_once);
    tcase_add_test(mistakes, test_sender_that_holds_records_is_not_freed);
    suite_add_tcase(suite, queue);
    suite_add_tcase(suite, outcomes);
    suite_add_tcase(suite, rest);
    suite_add_tcase(suite, mistakes);
    return suite_run(suite);
}
