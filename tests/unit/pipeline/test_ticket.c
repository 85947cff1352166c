/* Tickets: settled once, with the outcome that loses nothing. */
#include "pipeline_test.h"

#include "base/base_test.h"
#include "suite.h"

static struct weft_error failure(enum weft_status status)
{
    return (struct weft_error){ .status = status };
}

START_TEST(test_ticket_settles_with_its_last_record)
{
    struct counted_ticket counted;
    counted_init(&counted, 5, WEFT_ACKNOWLEDGE_ACCEPTED);
    weft_ticket_settle(&counted.ticket, 2, NULL, -1);
    weft_ticket_settle(&counted.ticket, 0, NULL, -1);
    ck_assert_uint_eq(counted.settled, 0);
    weft_ticket_settle(&counted.ticket, 3, NULL, -1);
    ck_assert_uint_eq(counted.settled, 1);
    ck_assert_int_eq(counted.status, WEFT_OK);
    ck_assert_int_eq(counted.retry_after_ns, -1);
}
END_TEST

START_TEST(test_ticket_waits_for_added_copies)
{
    struct counted_ticket counted;
    counted_init(&counted, 2, WEFT_ACKNOWLEDGE_DELIVERED);
    weft_ticket_add(&counted.ticket, 2);
    weft_ticket_settle(&counted.ticket, 2, NULL, -1);
    ck_assert_uint_eq(counted.settled, 0);
    weft_ticket_settle(&counted.ticket, 2, NULL, -1);
    ck_assert_uint_eq(counted.settled, 1);
}
END_TEST

START_TEST(test_ticket_prefers_a_retryable_failure)
{
    static const struct {
        enum weft_status first, second, worst;
    } cases[] = {
        { WEFT_OK, WEFT_OK, WEFT_OK },
        { WEFT_INVALID, WEFT_OK, WEFT_INVALID },
        { WEFT_OK, WEFT_LIMIT, WEFT_LIMIT },
        { WEFT_INVALID, WEFT_CLOSED, WEFT_CLOSED },
        { WEFT_CLOSED, WEFT_INVALID, WEFT_CLOSED },
        { WEFT_CLOSED, WEFT_IO, WEFT_CLOSED },
        { WEFT_LIMIT, WEFT_INVALID, WEFT_LIMIT },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        struct counted_ticket counted;
        struct weft_error first = failure(cases[i].first), second = failure(cases[i].second);
        counted_init(&counted, 2, WEFT_ACKNOWLEDGE_ACCEPTED);
        weft_ticket_settle(&counted.ticket, 1, first.status == WEFT_OK ? NULL : &first, -1);
        weft_ticket_settle(&counted.ticket, 1, second.status == WEFT_OK ? NULL : &second, -1);
        ck_assert_int_eq(counted.status, cases[i].worst);
        ck_assert_uint_eq(counted.settled, 1);
    }
}
END_TEST

START_TEST(test_ticket_keeps_the_longest_delay)
{
    struct counted_ticket counted;
    struct weft_error error = failure(WEFT_CLOSED);
    counted_init(&counted, 3, WEFT_ACKNOWLEDGE_ACCEPTED);
    weft_ticket_settle(&counted.ticket, 1, &error, 7);
    weft_ticket_settle(&counted.ticket, 1, &error, 3);
    weft_ticket_settle(&counted.ticket, 1, &error, -1);
    ck_assert_int_eq(counted.retry_after_ns, 7);
}
END_TEST

static void free_ticket(struct weft_ticket *ticket)
{
    free(ticket);
}

/* A receiver frees its call with the answer; two parts of one request then must not look at it again. */
START_TEST(test_ticket_may_be_gone_after_the_last_part)
{
    begin();
    struct weft_ticket *ticket = malloc(sizeof *ticket);
    weft_ticket_init(ticket, 10, WEFT_ACKNOWLEDGE_ACCEPTED, free_ticket);
    struct weft_batch *batch = spans(0, 10, ticket);
    struct weft_batch *head = NULL;
    ck_assert(weft_batch_split(batch, 4, 0, &head) == WEFT_OK);
    ck_assert(weft_batch_merge(head, &batch) == WEFT_OK);
    weft_batch_hand_over(head, 0);
    weft_batch_end(&head, NULL, -1);
    end();
}
END_TEST

static void settle_one(void *ticket)
{
    weft_ticket_settle(ticket, 1, NULL, -1);
}

static void settle_none(void *ticket)
{
    weft_ticket_settle(ticket, 0, NULL, -1);
}

static void add_one(void *ticket)
{
    weft_ticket_add(ticket, 1);
}

START_TEST(test_ticket_is_settled_once)
{
    void (*const calls[])(void *ticket) = { settle_one, settle_none, add_one };
    struct counted_ticket counted;
    counted_init(&counted, 1, WEFT_ACKNOWLEDGE_ACCEPTED);
    for (size_t i = 0; i < WEFT_COUNT_OF(calls); i++) {
        ck_assert(!base_test_aborts(calls[i], &counted.ticket));
    }
    weft_ticket_settle(&counted.ticket, 1, NULL, -1);
    for (size_t i = 0; i < WEFT_COUNT_OF(calls); i++) {
        ck_assert(base_test_aborts(calls[i], &counted.ticket));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/ticket");
    TCase *tests = tcase_create("ticket");
    tcase_add_test(tests, test_ticket_settles_with_its_last_record);
    tcase_add_test(tests, test_ticket_waits_for_added_copies);
    tcase_add_test(tests, test_ticket_prefers_a_retryable_failure);
    tcase_add_test(tests, test_ticket_keeps_the_longest_delay);
    tcase_add_test(tests, test_ticket_may_be_gone_after_the_last_part);
    tcase_add_test(tests, test_ticket_is_settled_once);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
