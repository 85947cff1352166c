/* Refused requests that are cut in two until what is at fault stands alone: by a backend that refuses what has certain
 * spans in it, or everything, or what is too large. */
#include "pipeline/sender_test.h"
#include "suite.h"

/* What the backend refuses. */
static struct {
    bool (*is_bad)(uint32_t span); /* NULL: none is */
    uint32_t bad;                  /* for is_the_bad_one */
    uint64_t max_weight;
    enum weft_push_fault fault;
} backend;

static bool is_the_bad_one(uint32_t span)
{
    return span == backend.bad;
}

static bool is_any(uint32_t span)
{
    (void)span;
    return true;
}

static bool is_even(uint32_t span)
{
    return span % 2 == 0;
}

/* Of two requests all even spans of the first, and one of the second. */
static bool is_even_or_in_the_second(uint32_t span)
{
    return span > 1000 ? span == 1300 : is_even(span);
}

static uint32_t number_of(const struct weft_otlp_record *span)
{
    uint32_t number;
    memcpy(&number, span->bytes + 2 + 8, sizeof number); /* as put_span has it in the trace id */
    return number;
}

static bool is_refused(const struct weft_batch *batch)
{
    struct weft_buffer bytes;
    struct weft_otlp_counts counts;
    struct weft_otlp_table table;
    struct weft_arena *arena = weft_arena_try_new();
    bool is_bad = backend.max_weight > 0 && batch->weight > backend.max_weight;
    if (backend.is_bad == NULL) {
        weft_arena_unref(&arena);
        return is_bad;
    }
    weft_buffer_init(&bytes, 0);
    append_bytes(batch, &bytes);
    ck_assert(weft_otlp_check(WEFT_TRACES, weft_buffer_slice(&bytes), NULL, &counts, NULL) == WEFT_OK);
    ck_assert(weft_otlp_table_build(WEFT_TRACES, weft_buffer_slice(&bytes), &counts, arena, &table, NULL) == WEFT_OK);
    for (uint32_t i = 0; i < table.record_count; i++) {
        is_bad = is_bad || backend.is_bad(number_of(&table.records[i]));
    }
    weft_buffer_fini(&bytes);
    weft_arena_unref(&arena);
    return is_bad;
}

/* Answers until nothing is left. */
static void play(void)
{
    while (started_count(&fakes[0]) > 0) {
        answer(&fakes[0], is_refused(first_batch(&fakes[0])) ? refused(backend.fault) : sent(0));
    }
    ck_assert_uint_eq(held(&fakes[0]), 0);
    ck_assert_uint_eq(weft_sender_queue_size(fakes[0].sender), 0);
}

static void begin_refusing(bool (*is_bad)(uint32_t span))
{
    defaults();
    config.sending_queue.queue_size = 100000;
    memset(&backend, 0, sizeof backend);
    backend.is_bad = is_bad;
    backend.fault = WEFT_PUSH_FAULT_INVALID;
}

static uint64_t rejected_for(enum weft_drop_reason reason)
{
    struct weft_ledger_snapshot snapshot;
    uint64_t count = 0;
    ck_assert(weft_ledger_snapshot_take(host.ledger, &snapshot) == WEFT_OK);
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct weft_account *account = &snapshot.balances[i].account;
        count += account->kind == WEFT_ACCOUNT_REJECTED && account->reason == reason ? snapshot.balances[i].inflow : 0;
    }
    weft_ledger_snapshot_fini(&snapshot);
    return count;
}

static struct weft_batch *merged_of_three(struct counted_ticket tickets[3])
{
    struct weft_batch *batch = NULL;
    for (uint32_t i = 0; i < 3; i++) {
        counted_init(&tickets[i], 4, WEFT_ACKNOWLEDGE_DELIVERED);
        struct weft_batch *other = spans(4 * i, 4, &tickets[i].ticket);
        if (batch == NULL) {
            batch = other;
        } else {
            ck_assert(weft_batch_merge(batch, &other) == WEFT_OK);
        }
    }
    return batch;
}

/* Only the client whose span it was hears of it, and the queue counts all pieces until they have ended. */
START_TEST(test_one_bad_record_of_a_merge_is_rejected_alone)
{
    for (int sizer = WEFT_SIZER_REQUESTS; sizer <= WEFT_SIZER_BYTES; sizer++) {
        for (uint32_t bad = 0; bad < 12; bad++) {
            struct counted_ticket tickets[3];
            begin_refusing(is_the_bad_one);
            backend.bad = bad;
            config.sending_queue.sizer.value = sizer;
            begin_with(1);
            ck_assert_int_eq(give(&fakes[0], merged_of_three(tickets)), WEFT_OK);
            uint64_t charge = weft_sender_queue_size(fakes[0].sender);
            answer(&fakes[0], refused(WEFT_PUSH_FAULT_INVALID));
            ck_assert_uint_eq(weft_sender_queue_size(fakes[0].sender), charge);
            expect_spans(first_batch(&fakes[0]), 0, 4); /* of three requests the first one, as it came */
            play();
            ck_assert_uint_eq(rejected_for(WEFT_DROP_INVALID), 1);
            ck_assert_uint_eq(totals().sent, 11);
            for (uint32_t i = 0; i < 3; i++) {
                ck_assert_uint_eq(tickets[i].settled, 1);
                ck_assert_int_eq(tickets[i].status, bad / 4 == i ? WEFT_INVALID : WEFT_OK);
            }
            end_all();
        }
    }
}
END_TEST

START_TEST(test_bad_record_is_found_in_few_requests)
{
    enum { COUNT = 1000, BAD = 700 };
    begin_refusing(is_the_bad_one);
    backend.bad = BAD;
    backend.fault = WEFT_PUSH_FAULT_TOO_LARGE;
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 1, COUNT), WEFT_OK);
    play();
    ck_assert_uint_eq(rejected_for(WEFT_DROP_TOO_LARGE), 1);
    ck_assert_uint_eq(totals().rejected, 1);
    ck_assert_uint_eq(totals().sent, COUNT - 1);
    ck_assert_uint_le(fakes[0].starts, 1 + 2 * 10);
    ck_assert_uint_eq(weft_sender_read_counters(fakes[0].sender)->halved, (fakes[0].starts - 1) / 2);
    end_all();
}
END_TEST

/* Nothing is at fault but the size. */
START_TEST(test_what_is_too_large_goes_in_halves)
{
    begin_refusing(NULL);
    backend.fault = WEFT_PUSH_FAULT_TOO_LARGE;
    backend.max_weight = 100;
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 1, 1000), WEFT_OK);
    play();
    ck_assert_uint_eq(totals().sent, 1000);
    ck_assert_uint_eq(totals().rejected, 0);
    end_all();
}
END_TEST

/* A metric, too, down to its data points. */
START_TEST(test_a_metric_that_is_too_large_goes_in_pieces)
{
    static const uint32_t points[] = { 40 };
    begin_refusing(NULL);
    backend.fault = WEFT_PUSH_FAULT_TOO_LARGE;
    backend.max_weight = 1;
    signal_of_all = WEFT_METRICS;
    begin_with(1);
    ck_assert_int_eq(give(&fakes[0], metrics(points, 1, NULL)), WEFT_OK);
    play();
    ck_assert_uint_eq(totals().sent + totals().rejected, 40);
    ck_assert_uint_ge(totals().sent, 30); /* so many pieces one client's request may have */
    end_all();
}
END_TEST

/* Their profiles refer to the dictionary beside them. */
START_TEST(test_a_request_of_profiles_is_rejected_as_a_whole)
{
    begin_refusing(NULL);
    backend.fault = WEFT_PUSH_FAULT_TOO_LARGE;
    backend.max_weight = 4;
    signal_of_all = WEFT_PROFILES;
    begin_with(1);
    ck_assert_int_eq(give(&fakes[0], profiles(5)), WEFT_OK);
    ck_assert_int_eq(give(&fakes[0], profiles(4)), WEFT_OK);
    play();
    ck_assert_uint_eq(fakes[0].starts, 2);
    ck_assert_uint_eq(totals().rejected, 5);
    ck_assert_uint_eq(totals().sent, 4);
    end_all();
}
END_TEST

/* It is asked for each client's request so often, and no more; what is left then ends with its verdict. */
START_TEST(test_a_request_full_of_bad_records_has_a_limit)
{
    enum { COUNT = 1024, MOST = 64 };
    begin_refusing(is_even);
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 1, COUNT), WEFT_OK);
    play();
    ck_assert_uint_le(fakes[0].starts, 1 + MOST);
    ck_assert_uint_gt(fakes[0].starts, MOST / 2);
    ck_assert_uint_gt(totals().sent, 0);
    ck_assert_uint_eq(totals().sent + totals().rejected, COUNT);
    ck_assert_uint_eq(rejected_for(WEFT_DROP_INVALID), totals().rejected);
    end_all();
}
END_TEST

/* One client's bad records do not use up what the others may have. */
START_TEST(test_the_limit_is_each_request_s_own)
{
    struct counted_ticket ticket;
    begin_refusing(is_even_or_in_the_second);
    begin_with(1);
    counted_init(&ticket, 512, WEFT_ACKNOWLEDGE_DELIVERED);
    struct weft_batch *batch = spans(1, 512, NULL), *other = spans(1001, 512, &ticket.ticket);
    ck_assert(weft_batch_merge(batch, &other) == WEFT_OK);
    ck_assert_int_eq(give(&fakes[0], batch), WEFT_OK);
    play();
    ck_assert_uint_ge(totals().sent, 511);
    ck_assert_int_eq(ticket.status, WEFT_INVALID);
    end_all();
}
END_TEST

START_TEST(test_a_backend_that_refuses_everything_is_not_asked_again_and_again)
{
    begin_refusing(is_any);
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 1, 1000), WEFT_OK);
    play();
    ck_assert_uint_eq(totals().rejected, 1000);
    unsigned starts = fakes[0].starts;
    ck_assert_uint_le(starts, 1 + 64);
    for (uint32_t i = 2; i < 10; i++) {
        ck_assert_int_eq(give_spans(&fakes[0], i * 1000, 1000), WEFT_OK);
        play();
        ck_assert_uint_le(fakes[0].starts - starts, 3);
        starts = fakes[0].starts;
    }
    backend.is_bad = is_the_bad_one;
    backend.bad = 20700; /* it takes something again: one half is enough to see that */
    ck_assert_int_eq(give_spans(&fakes[0], 20000, 1000), WEFT_OK);
    play();
    ck_assert_uint_eq(totals().sent, 999);
    end_all();
}
END_TEST

START_TEST(test_refusal_that_is_not_about_content_is_not_repeated)
{
    struct counted_ticket tickets[3];
    begin_refusing(NULL);
    begin_with(1);
    ck_assert_int_eq(give(&fakes[0], merged_of_three(tickets)), WEFT_OK);
    answer(&fakes[0], refused(WEFT_PUSH_FAULT_NONE));
    ck_assert_uint_eq(rejected_for(WEFT_DROP_NONE), 12);
    ck_assert_uint_eq(fakes[0].starts, 1);
    end_all();
}
END_TEST

/* The backend may have a record since an earlier attempt: of a half, too, that is said. */
START_TEST(test_halves_of_what_is_unconfirmed_are_unconfirmed)
{
    begin_refusing(is_the_bad_one);
    backend.bad = 3;
    begin_with(1);
    ck_assert_int_eq(give_spans(&fakes[0], 1, 4), WEFT_OK);
    answer(&fakes[0], retry(-1, true));
    advance(2 * WEFT_NS_PER_S);
    play();
    ck_assert_uint_eq(totals().rejected, 0);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_UNCONFIRMED), 1);
    ck_assert_uint_eq(totals().sent, 3);
    end_all();
}
END_TEST

/* Without memory to cut it a request is sent again later, and cut then. */
START_TEST(test_failed_halving_loses_nothing)
{
    for (int is_merged = 0; is_merged < 2; is_merged++) {
        for (size_t n = 1, is_done = 0; !is_done; n++) {
            struct counted_ticket tickets[3];
            begin_refusing(NULL);
            begin_with(1);
            ck_assert_int_eq(give(&fakes[0], is_merged ? merged_of_three(tickets) : spans(0, 12, NULL)), WEFT_OK);
            weft_alloc_fail_at(n);
            answer(&fakes[0], refused(WEFT_PUSH_FAULT_INVALID));
            is_done = !weft_alloc_has_failed();
            weft_alloc_fail_at(0);
            ck_assert_uint_eq(held(&fakes[0]), 12);
            advance(2 * WEFT_NS_PER_S);
            play();
            ck_assert_uint_eq(totals().sent, 12);
            for (size_t i = 0; i < 3 && is_merged; i++) {
                ck_assert_uint_eq(tickets[i].settled, 1);
                ck_assert_int_eq(tickets[i].status, WEFT_OK);
            }
            end_all();
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/sender_halve");
    TCase *tests = tcase_create("halve");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_one_bad_record_of_a_merge_is_rejected_alone);
    tcase_add_test(tests, test_bad_record_is_found_in_few_requests);
    tcase_add_test(tests, test_what_is_too_large_goes_in_halves);
    tcase_add_test(tests, test_a_metric_that_is_too_large_goes_in_pieces);
    tcase_add_test(tests, test_a_request_of_profiles_is_rejected_as_a_whole);
    tcase_add_test(tests, test_a_request_full_of_bad_records_has_a_limit);
    tcase_add_test(tests, test_the_limit_is_each_request_s_own);
    tcase_add_test(tests, test_a_backend_that_refuses_everything_is_not_asked_again_and_again);
    tcase_add_test(tests, test_refusal_that_is_not_about_content_is_not_repeated);
    tcase_add_test(tests, test_halves_of_what_is_unconfirmed_are_unconfirmed);
    tcase_add_test(tests, test_failed_halving_loses_nothing);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
