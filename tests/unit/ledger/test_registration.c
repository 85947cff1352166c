/* Registration from several threads at once, as the workers of a reload do: each flow has one number, and no two share
 * one. */
#include <check.h>
#include <stdio.h>

#include "base/thread.h"
#include "ledger/ledger.h"
#include "suite.h"

enum { THREADS = 4, FLOWS = 300, SHARED_FLOWS = 100 };

struct registrar {
    struct weft_ledger *ledger;
    unsigned number;
    weft_flow_id flows[FLOWS];
};

/* The first SHARED_FLOWS are the same for all threads, the others its own. */
static void register_flows(void *context)
{
    struct registrar *registrar = context;
    for (unsigned i = 0; i < FLOWS; i++) {
        char owner[32];
        snprintf(owner, sizeof owner, "owner/%u/%u", i < SHARED_FLOWS ? 0 : registrar->number, i);
        struct weft_account from = { .kind = WEFT_ACCOUNT_QUEUED, .signal = "traces", .pipeline = "", .owner = owner };
        struct weft_account to = { .kind = WEFT_ACCOUNT_SENT, .signal = "traces", .pipeline = "", .owner = owner };
        registrar->flows[i] = weft_ledger_flow(registrar->ledger, &from, &to);
        weft_ledger_move(weft_ledger_worker_of(registrar->ledger, registrar->number), registrar->flows[i], 1);
    }
}

START_TEST(test_threads_get_distinct_flows)
{
    struct weft_ledger *ledger = NULL;
    static struct registrar registrars[THREADS];
    struct weft_thread *threads[THREADS];
    static bool is_taken[WEFT_LEDGER_FLOW_LIMIT];
    ck_assert(weft_ledger_open(NULL, THREADS, &ledger, NULL) == WEFT_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        registrars[i] = (struct registrar){ .ledger = ledger, .number = i };
        threads[i] = weft_thread_start("registrar", register_flows, &registrars[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        weft_thread_join(threads[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        for (unsigned j = 0; j < FLOWS; j++) {
            weft_flow_id flow = registrars[i].flows[j];
            if (j < SHARED_FLOWS) {
                ck_assert_uint_eq(flow, registrars[0].flows[j]);
            }
            if (j >= SHARED_FLOWS || i == 0) {
                ck_assert_msg(!is_taken[flow], "flow %u was given twice", flow);
                is_taken[flow] = true;
            }
        }
    }
    struct weft_ledger_snapshot snapshot;
    struct weft_ledger_totals totals;
    ck_assert(weft_ledger_snapshot_take(ledger, &snapshot) == WEFT_OK);
    weft_ledger_snapshot_totals(&snapshot, "traces", &totals);
    ck_assert_uint_eq(totals.sent, THREADS * FLOWS);
    weft_ledger_snapshot_fini(&snapshot);
    weft_ledger_close(ledger);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ledger/registration");
    TCase *tests = tcase_create("threads");
    tcase_add_test(tests, test_threads_get_distinct_flows);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
