/* Fan-out: each branch gets every byte, extra copies are booked, a refusal costs the others nothing, and what a closed
 * branch could not take waits for it. */
#include "pipeline_test.h"
#include "suite.h"

enum { BRANCHES = 3 };
static const char *const stub_ids[BRANCHES] = { "stub/0", "stub/1", "stub/2" };
static struct stub stubs[BRANCHES];
static struct weft_consumer *outlets[BRANCHES];
static struct weft_consumer *fan_out;
static size_t branch_count;

static void begin_with(size_t count)
{
    begin();
    branch_count = count;
    for (size_t i = 0; i < count; i++) {
        stub_init(&stubs[i], stub_ids[i]);
        outlets[i] = weft_outlet_new(&host, &in_flight, &stubs[i].consumer);
    }
    fan_out = weft_fan_out_new(&host, &in_flight, outlets, count);
}

/* The books have to say that all came to an end. */
static void end_all(void)
{
    for (size_t i = 0; i < branch_count; i++) {
        stub_end_kept(&stubs[i], NULL);
    }
    fan_out->operations->free(fan_out);
    for (size_t i = 0; i < branch_count; i++) {
        outlets[i]->operations->free(outlets[i]);
        stub_fini(&stubs[i]);
    }
    struct weft_ledger_totals sum = totals();
    ck_assert_uint_eq(sum.in_flight + sum.queued, 0);
    ck_assert_uint_eq(sum.offered + sum.copied, sum.sent + sum.dropped + sum.refused + sum.uncopied);
    end();
}

static uint64_t parked(void)
{
    uint64_t count = 0;
    fan_out->operations->audit(fan_out, &count);
    ck_assert_int_eq(weft_ledger_worker_balance(host.ledger, host.books, &in_flight), (int64_t)count);
    return count;
}

/* What a caller does with what was not taken. */
static void refuse(struct weft_batch **own_batch, const struct weft_error *error)
{
    struct weft_account refused = {
        .kind = WEFT_ACCOUNT_REFUSED, .signal = "traces", .pipeline = "", .owner = "client"
    };
    weft_host_book(&host, weft_ledger_flow(host.ledger, &in_flight, &refused), (*own_batch)->weight);
    weft_batch_end(own_batch, error, -1);
}

static enum weft_status offer(uint32_t count, struct counted_ticket *counted, struct weft_error *error)
{
    counted_init(counted, count, WEFT_ACKNOWLEDGE_DELIVERED);
    struct weft_batch *batch = spans(0, count, &counted->ticket);
    book_offered(count);
    enum weft_status status = weft_consumer_consume(fan_out, &batch, error);
    ck_assert((status == WEFT_OK) == (batch == NULL));
    if (batch != NULL) {
        expect_spans(batch, 0, count);
        error->status = status;
        refuse(&batch, error);
    }
    return status;
}

START_TEST(test_every_branch_gets_every_byte)
{
    static const uint32_t counts[] = { 1, 10, 1000 };
    begin_with(3);
    struct weft_error error = WEFT_ERROR_NONE;
    for (size_t i = 0; i < WEFT_COUNT_OF(counts); i++) {
        struct counted_ticket counted;
        uint64_t copied = totals().copied;
        ck_assert_int_eq(offer(counts[i], &counted, &error), WEFT_OK);
        ck_assert_uint_eq(totals().copied - copied, 2 * counts[i]);
        for (size_t j = 0; j < 3; j++) {
            expect_spans(stubs[j].kept[0], 0, counts[i]);
            ck_assert_uint_eq(counted.settled, 0);
            stub_end_kept(&stubs[j], NULL);
        }
        ck_assert_uint_eq(counted.settled, 1);
    }
    end_all();
}
END_TEST

START_TEST(test_editor_in_one_branch_leaves_the_bytes_of_the_others)
{
    static const uint32_t counts[] = { 1, 10, 1000 };
    for (size_t editor = 0; editor < 3; editor++) {
        begin_with(3);
        stubs[editor].must_edit = true;
        for (size_t i = 0; i < WEFT_COUNT_OF(counts); i++) {
            struct counted_ticket counted;
            struct weft_error error = WEFT_ERROR_NONE;
            ck_assert_int_eq(offer(counts[i], &counted, &error), WEFT_OK);
            for (size_t j = 0; j < 3; j++) {
                if (j != editor) {
                    expect_spans(stubs[j].kept[0], 0, counts[i]);
                }
                stub_end_kept(&stubs[j], NULL);
            }
        }
        end_all();
    }
}
END_TEST

START_TEST(test_refusal_of_one_branch_is_partial)
{
    for (size_t refuser = 0; refuser < 3; refuser++) {
        begin_with(3);
        struct counted_ticket counted;
        struct weft_error error = WEFT_ERROR_NONE;
        stubs[refuser].answer = WEFT_LIMIT;
        ck_assert_int_eq(offer(10, &counted, &error), WEFT_PARTIAL);
        ck_assert_ptr_nonnull(strstr(error.text, stub_ids[refuser]));
        ck_assert_uint_eq(totals().uncopied, 0);
        ck_assert_uint_eq(totals().refused, 10);
        ck_assert_uint_eq(totals().queued, 20);
        end_all();
        ck_assert_uint_eq(counted.settled, 1);
        ck_assert_int_eq(counted.status, WEFT_PARTIAL);
    }
}
END_TEST

START_TEST(test_refusal_of_all_branches_is_the_retryable_one)
{
    begin_with(3);
    struct counted_ticket counted;
    struct weft_error error = WEFT_ERROR_NONE;
    stubs[0].answer = WEFT_LIMIT;
    stubs[1].answer = WEFT_CLOSED;
    stubs[2].answer = WEFT_INVALID;
    ck_assert_int_eq(offer(10, &counted, &error), WEFT_CLOSED);
    ck_assert_ptr_nonnull(strstr(error.text, "stub/1"));
    struct weft_ledger_totals sum = totals();
    ck_assert_uint_eq(sum.copied, 20);
    ck_assert_uint_eq(sum.uncopied, 20);
    ck_assert_uint_eq(sum.refused, 10);
    ck_assert_uint_eq(counted.settled, 1);
    end_all();
}
END_TEST

START_TEST(test_branch_that_closes_keeps_its_copy_waiting)
{
    begin_with(2);
    struct counted_ticket counted;
    struct weft_error error = WEFT_ERROR_NONE;
    stubs[0].answer = WEFT_CLOSED;
    stubs[0].must_close = true;
    ck_assert_int_eq(offer(10, &counted, &error), WEFT_OK);
    ck_assert(!fan_out->is_open);
    ck_assert_uint_eq(parked(), 10);
    expect_spans(stubs[1].kept[0], 0, 10);

    struct counted_ticket refused;
    ck_assert_int_eq(offer(3, &refused, &error), WEFT_CLOSED);
    ck_assert_uint_eq(stubs[1].kept_count, 1);

    stubs[0].answer = WEFT_OK;
    stubs[0].must_close = false;
    weft_consumer_set_open(&stubs[0].consumer, true);
    ck_assert(fan_out->is_open);
    ck_assert_uint_eq(parked(), 0);
    expect_spans(stubs[0].kept[0], 0, 10);
    end_all();
    ck_assert_uint_eq(counted.settled, 1);
    ck_assert_int_eq(counted.status, WEFT_OK);
}
END_TEST

START_TEST(test_parked_copy_stays_parked_if_the_branch_closes_again)
{
    begin_with(2);
    struct counted_ticket counted;
    struct weft_error error = WEFT_ERROR_NONE;
    stubs[1].answer = WEFT_CLOSED;
    stubs[1].must_close = true;
    ck_assert_int_eq(offer(4, &counted, &error), WEFT_OK);
    weft_consumer_set_open(&stubs[1].consumer, true);
    ck_assert(!fan_out->is_open);
    ck_assert_uint_eq(parked(), 4);
    fan_out->operations->drain(fan_out, WEFT_DROP_SHUTDOWN, false);
    ck_assert_uint_eq(parked(), 4);
    fan_out->operations->drain(fan_out, WEFT_DROP_SHUTDOWN, true);
    ck_assert_uint_eq(parked(), 0);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_SHUTDOWN), 4);
    end_all();
    ck_assert_int_eq(counted.status, WEFT_CLOSED);
    ck_assert_uint_eq(counted.settled, 1);
}
END_TEST

START_TEST(test_parked_copy_that_is_refused_for_good_is_dropped)
{
    begin_with(2);
    struct counted_ticket counted;
    struct weft_error error = WEFT_ERROR_NONE;
    stubs[1].answer = WEFT_CLOSED;
    stubs[1].must_close = true;
    ck_assert_int_eq(offer(4, &counted, &error), WEFT_OK);
    stubs[1].answer = WEFT_LIMIT;
    stubs[1].must_close = false;
    weft_consumer_set_open(&stubs[1].consumer, true);
    ck_assert(fan_out->is_open);
    ck_assert_uint_eq(parked(), 0);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_REFUSED_DOWNSTREAM), 4);
    end_all();
    ck_assert_uint_eq(counted.settled, 1);
    ck_assert(weft_status_is_retryable(counted.status));
}
END_TEST

START_TEST(test_failed_copies_are_not_booked_and_offered_to_nobody)
{
    for (size_t n = 1, is_done = 0; !is_done; n++) {
        begin_with(3);
        struct counted_ticket counted;
        struct weft_error error = WEFT_ERROR_NONE;
        counted_init(&counted, 10, WEFT_ACKNOWLEDGE_DELIVERED);
        struct weft_batch *batch = spans(0, 10, &counted.ticket);
        ck_assert(weft_batch_open(batch) == WEFT_OK);
        weft_batch_recount(batch);
        book_offered(10);
        weft_alloc_fail_at(n);
        enum weft_status status = weft_consumer_consume(fan_out, &batch, &error);
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        if (status != WEFT_OK) {
            ck_assert_int_eq(status, WEFT_NOMEM);
            ck_assert_uint_eq(totals().copied, 0);
            ck_assert_uint_eq(stubs[0].offers + stubs[1].offers + stubs[2].offers, 0);
            ck_assert_uint_eq(counted.ticket.outstanding, 10);
            expect_spans(batch, 0, 10);
            refuse(&batch, &error);
        }
        end_all();
        ck_assert_uint_eq(counted.settled, 1);
    }
}
END_TEST

START_TEST(test_fan_out_is_open_when_all_branches_are)
{
    begin_with(3);
    for (unsigned bits = 0; bits < 8; bits++) {
        for (size_t i = 0; i < 3; i++) {
            weft_consumer_set_open(&stubs[i].consumer, (bits >> i & 1) != 0);
        }
        ck_assert_int_eq(fan_out->is_open, bits == 7);
    }
    end_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/fan_out");
    TCase *tests = tcase_create("fan_out");
    tcase_add_test(tests, test_every_branch_gets_every_byte);
    tcase_add_test(tests, test_editor_in_one_branch_leaves_the_bytes_of_the_others);
    tcase_add_test(tests, test_refusal_of_one_branch_is_partial);
    tcase_add_test(tests, test_refusal_of_all_branches_is_the_retryable_one);
    tcase_add_test(tests, test_branch_that_closes_keeps_its_copy_waiting);
    tcase_add_test(tests, test_parked_copy_stays_parked_if_the_branch_closes_again);
    tcase_add_test(tests, test_parked_copy_that_is_refused_for_good_is_dropped);
    tcase_add_test(tests, test_failed_copies_are_not_booked_and_offered_to_nobody);
    tcase_add_test(tests, test_fan_out_is_open_when_all_branches_are);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
