/* Two workers count, two threads look: no balance is ever seen below zero. Meant for -fsanitize=thread too. */
#include <stdatomic.h>

#include "base/thread.h"
#include "ledger/ledger_test.h"

static struct weft_ledger *shared_ledger;
static struct test_flows shared_flows;
static weft_flow_id buffered_again, unbuffered_again;
static bool has_cycle; /* then an inexact reading promises nothing about the accounts within it */
static struct weft_atomic_u64 stop_requested;
static struct weft_atomic_u64 snapshots_moved, snapshots_exact, snapshots_negative, snapshots_unbalanced;

/* No cycle: what even an unlucky reading must get right. */
static void count_straight(void *context)
{
    struct weft_ledger_worker *worker = context;
    for (uint64_t i = 0; weft_atomic_load(&stop_requested) == 0; i++) {
        uint64_t count = 1 + i % 7;
        weft_ledger_move(worker, shared_flows.offered, count);
        weft_ledger_move(worker, shared_flows.queued, count);
        weft_ledger_move(worker, i % 3 == 0 ? shared_flows.dropped : shared_flows.sent, count);
    }
}

/* Twice through a processor and back into the same account: no order of reading is right for that. With the pauses
 * between batches that real workers have. */
static void count_in_a_cycle(void *context)
{
    struct weft_ledger_worker *worker = context;
    for (uint64_t i = 0; weft_atomic_load(&stop_requested) == 0; i++) {
        weft_ledger_move(worker, shared_flows.offered, 1);
        weft_ledger_move(worker, shared_flows.buffered, 1);
        weft_ledger_move(worker, shared_flows.unbuffered, 1);
        weft_ledger_move(worker, buffered_again, 1);
        weft_ledger_move(worker, unbuffered_again, 1);
        weft_ledger_move(worker, shared_flows.queued, 1);
        weft_ledger_move(worker, shared_flows.sent, 1);
        if (i % 4096 == 0) {
            usleep(500);
        }
    }
}

static void look(void *context)
{
    (void)context;
    uint64_t last_offered = 0;
    while (weft_atomic_load(&stop_requested) == 0) {
        struct weft_ledger_snapshot snapshot;
        if (weft_ledger_snapshot_take(shared_ledger, &snapshot) != WEFT_OK) {
            continue;
        }
        weft_atomic_add(&snapshots_exact, snapshot.is_exact);
        for (size_t i = 0; i < snapshot.count; i++) {
            const struct weft_ledger_balance *balance = &snapshot.balances[i];
            if ((snapshot.is_exact || !has_cycle) && balance->account.kind != WEFT_ACCOUNT_OFFERED &&
                balance->inflow < balance->outflow) {
                weft_atomic_add(&snapshots_negative, 1);
            }
        }
        struct weft_ledger_totals totals;
        weft_ledger_snapshot_totals(&snapshot, "traces", &totals);
        weft_atomic_add(&snapshots_moved, totals.offered != last_offered);
        last_offered = totals.offered;
        weft_atomic_add(&snapshots_unbalanced, totals.offered != test_totals_ends(&totals));
        weft_ledger_snapshot_fini(&snapshot);
    }
}

/* Flows that a reading meets between the ends and the sources, so that it takes long enough to be torn if it can be. */
static void register_others(int start, int end)
{
    for (int i = start; i < end; i++) {
        char owner[32];
        snprintf(owner, sizeof owner, "batch/%d", i);
        struct weft_account buffered = test_buffered;
        buffered.owner = owner;
        weft_ledger_flow(shared_ledger, &buffered, &test_in_flight);
    }
}

/* Only snapshots between which something moved are worth counting. */
static void run(weft_thread_fn count, uint64_t snapshot_goal)
{
    shared_ledger = test_ledger_open(test_directory, 2);
    shared_flows = test_flows_register(shared_ledger);
    register_others(0, 700);
    struct weft_account second = test_buffered;
    second.owner = "batch/second";
    buffered_again = weft_ledger_flow(shared_ledger, &test_in_flight, &second);
    unbuffered_again = weft_ledger_flow(shared_ledger, &second, &test_in_flight);
    weft_atomic_store(&stop_requested, 0);
    weft_atomic_store(&snapshots_moved, 0);
    weft_atomic_store(&snapshots_exact, 0);
    weft_atomic_store(&snapshots_negative, 0);
    weft_atomic_store(&snapshots_unbalanced, 0);
    struct weft_thread *threads[4];
    for (uint32_t i = 0; i < 2; i++) {
        threads[i] = weft_thread_start("worker", count, weft_ledger_worker_of(shared_ledger, i));
        threads[2 + i] = weft_thread_start("reader", look, NULL);
    }
    register_others(700, 800); /* a hundred new ones while workers move, as a reload does */
    while (weft_atomic_load(&snapshots_moved) < snapshot_goal) {
        usleep(1000);
    }
    weft_atomic_store(&stop_requested, 1);
    for (size_t i = 0; i < WEFT_COUNT_OF(threads); i++) {
        weft_thread_join(threads[i]);
    }
}

START_TEST(test_straight_way_never_shows_a_negative_balance)
{
    has_cycle = false;
    run(count_straight, 500);
    ck_assert_uint_eq(weft_atomic_load(&snapshots_negative), 0);
    ck_assert_uint_eq(weft_atomic_load(&snapshots_unbalanced), 0);
    struct weft_ledger_totals totals = test_ledger_totals(shared_ledger);
    ck_assert_uint_eq(totals.in_flight + totals.queued, 0);
    ck_assert_uint_eq(totals.offered, totals.sent + totals.dropped);
    weft_ledger_close(shared_ledger);
}
END_TEST

START_TEST(test_cycle_never_shows_a_negative_balance)
{
    has_cycle = true;
    run(count_in_a_cycle, 500);
    ck_assert_uint_gt(weft_atomic_load(&snapshots_exact), 0);
    ck_assert_uint_eq(weft_atomic_load(&snapshots_negative), 0);
    ck_assert_uint_eq(weft_atomic_load(&snapshots_unbalanced), 0);
    weft_ledger_close(shared_ledger);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_straight_way_never_shows_a_negative_balance);
    tcase_add_test(tests, test_cycle_never_shows_a_negative_balance);
}

int main(void)
{
    return test_run("snapshot", add_tests);
}
