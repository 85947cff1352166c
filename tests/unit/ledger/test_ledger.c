/* Accounts, flows, moves, totals, carrying over, and what is written for others. */
#include <signal.h>
#include <sys/wait.h>

#include "ledger/ledger_test.h"

START_TEST(test_move_changes_both_balances)
{
    struct weft_ledger *ledger = test_ledger_open(NULL, 2);
    struct test_flows flows = test_flows_register(ledger);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), flows.offered, 100);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), flows.queued, 60);
    weft_ledger_move(weft_ledger_worker_of(ledger, 1), flows.sent, 25);
    weft_ledger_move(weft_ledger_worker_of(ledger, 1), flows.dropped, 5);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), flows.refused, 10);
    struct weft_ledger_totals totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.offered, 100);
    ck_assert_uint_eq(totals.in_flight, 30);
    ck_assert_uint_eq(totals.queued, 30);
    ck_assert_uint_eq(totals.sent, 25);
    ck_assert_uint_eq(totals.dropped, 5);
    ck_assert_uint_eq(totals.refused, 10);
    ck_assert_uint_eq(totals.offered + totals.copied, test_totals_ends(&totals));
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_flow_is_found_again_and_identity_is_every_field)
{
    struct weft_ledger *ledger = test_ledger_open(NULL, 1);
    struct test_flows first = test_flows_register(ledger);
    struct test_flows second = test_flows_register(ledger);
    ck_assert_mem_eq(&first, &second, sizeof first);
    struct weft_account other = test_dropped;
    other.reason = WEFT_DROP_SHUTDOWN;
    ck_assert_uint_ne(weft_ledger_flow(ledger, &test_queued, &other), first.dropped);
    other = test_dropped;
    other.owner = "otlp/other";
    ck_assert_uint_ne(weft_ledger_flow(ledger, &test_queued, &other), first.dropped);
    other = test_dropped;
    other.pipeline = "traces/b";
    ck_assert_uint_ne(weft_ledger_flow(ledger, &test_queued, &other), first.dropped);
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_long_owners_stay_distinct)
{
    struct weft_ledger *ledger = test_ledger_open(NULL, 1);
    char left[400], right[400];
    memset(left, 'x', sizeof left);
    left[sizeof left - 1] = '\0';
    memcpy(right, left, sizeof left);
    right[sizeof right - 2] = 'y';
    struct weft_account sent_left = test_sent, sent_right = test_sent;
    sent_left.owner = left;
    sent_right.owner = right;
    weft_flow_id flow = weft_ledger_flow(ledger, &test_queued, &sent_left);
    ck_assert_uint_ne(flow, weft_ledger_flow(ledger, &test_queued, &sent_right));
    ck_assert_uint_eq(flow, weft_ledger_flow(ledger, &test_queued, &sent_left));
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_worker_balance_is_its_own_cells)
{
    struct weft_ledger *ledger = test_ledger_open(NULL, 2);
    struct test_flows flows = test_flows_register(ledger);
    struct weft_ledger_worker *first = weft_ledger_worker_of(ledger, 0);
    struct weft_ledger_worker *second = weft_ledger_worker_of(ledger, 1);
    weft_ledger_move(first, flows.offered, 7);
    weft_ledger_move(first, flows.queued, 7);
    weft_ledger_move(second, flows.sent, 3);
    ck_assert_int_eq(weft_ledger_worker_balance(ledger, first, &test_queued), 7);
    ck_assert_int_eq(weft_ledger_worker_balance(ledger, second, &test_queued), -3);
    ck_assert_int_eq(weft_ledger_worker_balance(ledger, first, &test_in_flight), 0);
    struct weft_account unknown = test_queued;
    unknown.owner = "nobody";
    ck_assert_int_eq(weft_ledger_worker_balance(ledger, first, &unknown), 0);
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_restart_keeps_totals_and_moves_memory_to_crash)
{
    struct weft_ledger *ledger = test_ledger_open(test_directory, 2);
    struct test_flows flows = test_flows_register(ledger);
    struct weft_ledger_worker *worker = weft_ledger_worker_of(ledger, 1);
    weft_ledger_move(worker, flows.offered, 100);
    weft_ledger_move(worker, flows.buffered, 40);
    weft_ledger_move(worker, flows.queued, 50);
    weft_ledger_move(worker, flows.sent, 30);
    weft_ledger_close(ledger);

    ledger = test_ledger_open(test_directory, 3);
    struct weft_account crash = test_queued;
    crash.kind = WEFT_ACCOUNT_DROPPED;
    crash.reason = WEFT_DROP_CRASH;
    ck_assert_int_eq(test_balance(ledger, &crash), 20);
    crash.owner = "batch";
    crash.pipeline = "traces";
    ck_assert_int_eq(test_balance(ledger, &crash), 40);
    crash.owner = "";
    ck_assert_int_eq(test_balance(ledger, &crash), 10);
    struct weft_ledger_totals totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.offered, 100);
    ck_assert_uint_eq(totals.sent, 30);
    ck_assert_uint_eq(totals.dropped, 70);
    ck_assert_uint_eq(totals.in_flight + totals.buffered + totals.queued, 0);

    /* Counting goes on where it was, and another restart drops nothing twice. */
    flows = test_flows_register(ledger);
    weft_ledger_move(weft_ledger_worker_of(ledger, 2), flows.offered, 1);
    weft_ledger_move(weft_ledger_worker_of(ledger, 2), flows.queued, 1);
    weft_ledger_move(weft_ledger_worker_of(ledger, 2), flows.sent, 1);
    weft_ledger_close(ledger);
    ledger = test_ledger_open(test_directory, 1);
    totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.offered, 101);
    ck_assert_uint_eq(totals.sent, 31);
    ck_assert_uint_eq(totals.dropped, 70);
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_second_opener_is_refused_while_the_first_lives)
{
    struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
    struct weft_ledger *second = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_ledger_open(test_directory, 1, &second, &error), WEFT_CLOSED);
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(strstr(error.text, "in use"));
    weft_ledger_close(ledger);
    weft_ledger_close(test_ledger_open(test_directory, 1));
}
END_TEST

static bool aborts_when_moving(weft_flow_id flow)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(2);
        struct weft_ledger *ledger = test_ledger_open(NULL, 1);
        test_flows_register(ledger);
        weft_ledger_move(weft_ledger_worker_of(ledger, 0), flow, 1);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

START_TEST(test_memory_of_zeros_names_no_flow)
{
    struct test_flows flows = { 0 };
    ck_assert_uint_eq(flows.sent, WEFT_FLOW_NONE);
    ck_assert(aborts_when_moving(flows.sent));
    ck_assert(!aborts_when_moving(1));
    struct weft_ledger *ledger = test_ledger_open(NULL, 1);
    ck_assert_uint_ne(test_flows_register(ledger).offered, WEFT_FLOW_NONE);
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_in_transit_is_a_sum_over_workers)
{
    static const struct weft_account in_transit = { WEFT_ACCOUNT_IN_TRANSIT, "traces", "traces", "join",
                                                    WEFT_DROP_NONE };
    struct weft_account crash = in_transit;
    crash.kind = WEFT_ACCOUNT_DROPPED;
    crash.reason = WEFT_DROP_CRASH;
    struct weft_ledger *ledger = test_ledger_open(test_directory, 3);
    struct test_flows flows = test_flows_register(ledger);
    struct weft_ledger_worker *home = weft_ledger_worker_of(ledger, 2);
    struct weft_ledger_worker *owner = weft_ledger_worker_of(ledger, 0);
    weft_ledger_move(home, flows.offered, 10);
    weft_ledger_move(home, weft_ledger_flow(ledger, &test_in_flight, &in_transit), 10);
    weft_ledger_move(owner, weft_ledger_flow(ledger, &in_transit, &test_buffered), 7);
    ck_assert_int_eq(weft_ledger_worker_balance(ledger, home, &in_transit), 10);
    ck_assert_int_eq(weft_ledger_worker_balance(ledger, owner, &in_transit), -7);
    struct weft_ledger_totals totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.in_transit, 3);
    ck_assert_uint_eq(totals.buffered, 7);
    ck_assert(weft_ledger_totals_balance(&totals));
    weft_ledger_close(ledger);

    ledger = test_ledger_open(test_directory, 1);
    totals = test_ledger_totals(ledger);
    ck_assert_int_eq(test_balance(ledger, &crash), 3);
    ck_assert_uint_eq(totals.in_transit + totals.buffered, 0);
    ck_assert_uint_eq(totals.dropped, 10);
    ck_assert_int_eq(weft_ledger_worker_balance(ledger, weft_ledger_worker_of(ledger, 0), &in_transit), 0);
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_spooled_outlives_the_process_and_handed_over_is_an_end)
{
    static const struct weft_account spooled = { WEFT_ACCOUNT_SPOOLED, "traces", "", "otlp/backend", WEFT_DROP_NONE };
    static const struct weft_account handed = { WEFT_ACCOUNT_HANDED_OVER, "traces", "traces", "count", WEFT_DROP_NONE };
    struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
    struct test_flows flows = test_flows_register(ledger);
    struct weft_ledger_worker *worker = weft_ledger_worker_of(ledger, 0);
    weft_ledger_move(worker, flows.offered, 30);
    weft_ledger_move(worker, weft_ledger_flow(ledger, &test_in_flight, &handed), 5);
    weft_ledger_move(worker, flows.queued, 25);
    weft_ledger_move(worker, weft_ledger_flow(ledger, &test_queued, &spooled), 20);
    weft_ledger_close(ledger);
    ledger = test_ledger_open(test_directory, 1);
    struct weft_ledger_totals totals = test_ledger_totals(ledger);
    ck_assert_uint_eq(totals.spooled, 20);
    ck_assert_uint_eq(totals.handed_over, 5);
    ck_assert_uint_eq(totals.dropped, 5);
    ck_assert_uint_eq(totals.queued, 0);
    ck_assert(weft_ledger_totals_balance(&totals));
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), weft_ledger_flow(ledger, &spooled, &test_sent), 20);
    ck_assert_uint_eq(test_ledger_totals(ledger).spooled, 0);
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_audit_of_a_process_does_not_see_the_past)
{
    struct weft_ledger *ledger = NULL;
    for (int round = 0; round < 3; round++) {
        ledger = test_ledger_open(test_directory, 2);
        struct test_flows flows = test_flows_register(ledger);
        for (uint32_t i = 0; i < 2; i++) {
            struct weft_ledger_worker *worker = weft_ledger_worker_of(ledger, i);
            ck_assert_int_eq(weft_ledger_worker_balance(ledger, worker, &test_queued), 0);
            ck_assert_int_eq(weft_ledger_worker_balance(ledger, worker, &test_in_flight), 0);
            weft_ledger_move(worker, flows.offered, 9);
            weft_ledger_move(worker, flows.queued, 5);
            ck_assert_int_eq(weft_ledger_worker_balance(ledger, worker, &test_queued), 5);
            ck_assert_int_eq(weft_ledger_worker_balance(ledger, worker, &test_in_flight), 4);
        }
        weft_ledger_close(ledger);
    }
}
END_TEST

START_TEST(test_reasons_say_whether_all_is_well)
{
    static const enum weft_drop_reason well[] = { WEFT_DROP_NONE,     WEFT_DROP_SAMPLED_OUT, WEFT_DROP_FILTERED,
                                                  WEFT_DROP_NO_TRACE, WEFT_DROP_AGGREGATED,  WEFT_DROP_SUPERSEDED };
    size_t well_count = 0;
    for (int reason = 0; reason < WEFT_DROP_COUNT; reason++) {
        well_count += weft_drop_reason_is_ok((enum weft_drop_reason)reason);
    }
    ck_assert_uint_eq(well_count, WEFT_COUNT_OF(well));
    for (size_t i = 0; i < WEFT_COUNT_OF(well); i++) {
        ck_assert(weft_drop_reason_is_ok(well[i]));
    }
}
END_TEST

START_TEST(test_snapshot_is_written_as_json_and_text)
{
    struct weft_ledger *ledger = test_ledger_open(NULL, 1);
    struct weft_account quoted = test_sent;
    quoted.owner = "otlp/\"q\"";
    weft_flow_id offered = weft_ledger_flow(ledger, &test_offered, &test_in_flight);
    weft_flow_id sent = weft_ledger_flow(ledger, &test_in_flight, &quoted);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), offered, 12);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), sent, 5);
    struct weft_ledger_snapshot snapshot;
    ck_assert_int_eq(weft_ledger_snapshot_take(ledger, &snapshot), WEFT_OK);
    ck_assert(snapshot.is_exact);
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    weft_ledger_snapshot_write_json(&snapshot, &out);
    weft_buffer_append_byte(&out, 0);
    ck_assert_str_eq(
        (const char *)out.bytes,
        "{\"exact\":true,\"signals\":{\"traces\":{\"accepted\":12,\"offered\":12,\"copied\":0,\"in_flight\":7,"
        "\"in_transit\":0,\"buffered\":0,\"queued\":0,\"spooled\":0,\"sent\":5,\"rejected\":0,\"handed_over\":0,"
        "\"dropped\":0,\"refused\":0,\"uncopied\":0,\"other\":0,\"balanced\":true}},\"accounts\":["
        "{\"account\":\"offered\",\"signal\":\"traces\",\"pipeline\":\"\",\"owner\":\"otlp\",\"reason\":\"\","
        "\"inflow\":0,\"outflow\":12,\"balance\":12},"
        "{\"account\":\"in_flight\",\"signal\":\"traces\",\"pipeline\":\"traces\",\"owner\":\"\",\"reason\":\"\","
        "\"inflow\":12,\"outflow\":5,\"balance\":7},"
        "{\"account\":\"sent\",\"signal\":\"traces\",\"pipeline\":\"\",\"owner\":\"otlp/\\\"q\\\"\",\"reason\":\"\","
        "\"inflow\":5,\"outflow\":0,\"balance\":5}]}");
    weft_buffer_clear(&out);
    weft_ledger_snapshot_write_text(&snapshot, &out);
    weft_buffer_append_byte(&out, 0);
    ck_assert_ptr_nonnull(strstr((const char *)out.bytes, "traces: accepted 12, the books balance\n"));
    ck_assert_ptr_nonnull(strstr((const char *)out.bytes, "  in_flight "));
    weft_buffer_fini(&out);
    weft_ledger_snapshot_fini(&snapshot);
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_snapshot_without_memory_fails_cleanly)
{
    struct weft_ledger *ledger = test_ledger_open(NULL, 1);
    test_flows_register(ledger);
    for (size_t nth = 1;; nth++) {
        struct weft_ledger_snapshot snapshot;
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_ledger_snapshot_take(ledger, &snapshot);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        if (!has_failed) {
            weft_ledger_snapshot_fini(&snapshot);
            break;
        }
    }
    weft_ledger_close(ledger);
}
END_TEST

START_TEST(test_open_without_memory_fails_cleanly_and_loses_nothing)
{
    struct weft_ledger *ledger = test_ledger_open(test_directory, 1);
    struct test_flows flows = test_flows_register(ledger);
    weft_ledger_move(weft_ledger_worker_of(ledger, 0), flows.offered, 9);
    weft_ledger_close(ledger);
    for (size_t nth = 1;; nth++) {
        struct weft_error error = WEFT_ERROR_NONE;
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_ledger_open(test_directory, 1, &ledger, &error);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        if (!has_failed) {
            break;
        }
    }
    ck_assert_uint_eq(test_ledger_totals(ledger).dropped, 9);
    weft_ledger_close(ledger);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_move_changes_both_balances);
    tcase_add_test(tests, test_flow_is_found_again_and_identity_is_every_field);
    tcase_add_test(tests, test_long_owners_stay_distinct);
    tcase_add_test(tests, test_worker_balance_is_its_own_cells);
    tcase_add_test(tests, test_restart_keeps_totals_and_moves_memory_to_crash);
    tcase_add_test(tests, test_second_opener_is_refused_while_the_first_lives);
    tcase_add_test(tests, test_memory_of_zeros_names_no_flow);
    tcase_add_test(tests, test_in_transit_is_a_sum_over_workers);
    tcase_add_test(tests, test_spooled_outlives_the_process_and_handed_over_is_an_end);
    tcase_add_test(tests, test_audit_of_a_process_does_not_see_the_past);
    tcase_add_test(tests, test_reasons_say_whether_all_is_well);
    tcase_add_test(tests, test_snapshot_is_written_as_json_and_text);
    tcase_add_test(tests, test_snapshot_without_memory_fails_cleanly);
    tcase_add_test(tests, test_open_without_memory_fails_cleanly_and_loses_nothing);
}

int main(void)
{
    return test_run("ledger", add_tests);
}
