/* What has happened since the opening: by worker and flow, and what the opening itself moved. */
#include "ledger/ledger_test.h"

START_TEST(test_growth_is_a_workers_own_and_since_the_opening)
{
    struct weft_ledger *ledger = test_ledger_open(test_directory, 2);
    struct test_flows flows = test_flows_register(ledger);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), flows.offered, 10);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), flows.refused, 10);
    weft_ledger_close(ledger);

    ledger = test_ledger_open(test_directory, 2);
    flows = test_flows_register(ledger);
    struct weft_ledger_worker *first = weft_ledger_worker_of(ledger, 0);
    struct weft_ledger_worker *second = weft_ledger_worker_of(ledger, 1);
    ck_assert_uint_eq(weft_ledger_worker_growth(ledger, first, flows.refused), 0);
    weft_ledger_move(first, flows.refused, 3);
    weft_ledger_move(second, flows.refused, 4);
    weft_ledger_move(second, flows.dropped, 5); /* new in this process */
    ck_assert_uint_eq(weft_ledger_worker_growth(ledger, first, flows.refused), 3);
    ck_assert_uint_eq(weft_ledger_worker_growth(ledger, second, flows.refused), 4);
    ck_assert_uint_eq(weft_ledger_worker_growth(ledger, second, flows.dropped), 5);
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_a_flow_says_where_it_leads)
{
    struct weft_ledger *ledger = test_ledger_open(NULL, 1);
    struct test_flows flows = test_flows_register(ledger);
    struct weft_ledger_balance end;
    ck_assert(weft_ledger_flow_end(ledger, flows.dropped, &end));
    ck_assert_int_eq(end.account.kind, WEFT_ACCOUNT_DROPPED);
    ck_assert_int_eq(end.account.reason, WEFT_DROP_QUEUE_FULL);
    ck_assert_str_eq(end.account.signal, "traces");
    ck_assert_str_eq(end.account.owner, "otlp/backend");
    ck_assert(!weft_ledger_flow_end(ledger, WEFT_FLOW_NONE, &end));
    ck_assert(!weft_ledger_flow_end(ledger, (weft_flow_id)weft_ledger_flow_limit(ledger), &end));
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_crash_moves_are_those_of_this_opening)
{
    struct weft_ledger *ledger = test_ledger_open(test_directory, 2);
    struct test_flows flows = test_flows_register(ledger);
    uint64_t count = 0;
    ck_assert_uint_eq(weft_ledger_crash_move(ledger, 0, &count), WEFT_FLOW_NONE);
    weft_ledger_move(weft_ledger_worker_of(ledger, 1), flows.offered, 100);
    weft_ledger_move(weft_ledger_worker_of(ledger, 1), flows.queued, 30);
    weft_ledger_close(ledger);

    ledger = test_ledger_open(test_directory, 2);
    uint64_t sum = 0;
    for (size_t i = 0; weft_ledger_crash_move(ledger, i, &count) != WEFT_FLOW_NONE; i++) {
        struct weft_ledger_balance end;
        weft_flow_id flow = weft_ledger_crash_move(ledger, i, &count);
        ck_assert(weft_ledger_flow_end(ledger, flow, &end));
        ck_assert_int_eq(end.account.reason, WEFT_DROP_CRASH);
        ck_assert_uint_eq(weft_ledger_worker_growth(ledger, weft_ledger_worker_of(ledger, 0), flow), 0);
        ck_assert_uint_eq(count, end.account.owner[0] == '\0' ? 70 : 30);
        sum += count;
    }
    ck_assert_uint_eq(sum, 100);
    weft_ledger_close(ledger);

    ledger = test_ledger_open(test_directory, 2);
    ck_assert_uint_eq(weft_ledger_crash_move(ledger, 0, &count), WEFT_FLOW_NONE);
    weft_ledger_close(ledger);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_growth_is_a_workers_own_and_since_the_opening);
    tcase_add_test(tests, test_a_flow_says_where_it_leads);
    tcase_add_test(tests, test_crash_moves_are_those_of_this_opening);
}

int main(void)
{
    return test_run("growth", add_tests);
}
