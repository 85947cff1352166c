#pragma once

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ledger/ledger.h"
#include "suite.h"

/* A small agent's books: one receiver, one pipeline with a batch processor, one exporter. */
struct test_flows {
    weft_flow_id offered, buffered, unbuffered, queued, sent, dropped, refused;
};

static const struct weft_account test_offered = { WEFT_ACCOUNT_OFFERED, "traces", "", "otlp", WEFT_DROP_NONE };
static const struct weft_account test_in_flight = { WEFT_ACCOUNT_IN_FLIGHT, "traces", "traces", "", WEFT_DROP_NONE };
static const struct weft_account test_buffered = { WEFT_ACCOUNT_BUFFERED, "traces", "traces", "batch", WEFT_DROP_NONE };
static const struct weft_account test_queued = { WEFT_ACCOUNT_QUEUED, "traces", "", "otlp/backend", WEFT_DROP_NONE };
static const struct weft_account test_sent = { WEFT_ACCOUNT_SENT, "traces", "", "otlp/backend", WEFT_DROP_NONE };
static const struct weft_account test_rejected = { WEFT_ACCOUNT_REJECTED, "traces", "", "otlp/backend",
                                                   WEFT_DROP_NONE };
static const struct weft_account test_dropped = { WEFT_ACCOUNT_DROPPED, "traces", "", "otlp/backend",
                                                  WEFT_DROP_QUEUE_FULL };
static const struct weft_account test_refused = { WEFT_ACCOUNT_REFUSED, "traces", "", "otlp", WEFT_DROP_NONE };

static inline struct test_flows test_flows_register(struct weft_ledger *ledger)
{
    return (struct test_flows){
        .offered = weft_ledger_flow(ledger, &test_offered, &test_in_flight),
        .buffered = weft_ledger_flow(ledger, &test_in_flight, &test_buffered),
        .unbuffered = weft_ledger_flow(ledger, &test_buffered, &test_in_flight),
        .queued = weft_ledger_flow(ledger, &test_in_flight, &test_queued),
        .sent = weft_ledger_flow(ledger, &test_queued, &test_sent),
        .dropped = weft_ledger_flow(ledger, &test_queued, &test_dropped),
        .refused = weft_ledger_flow(ledger, &test_in_flight, &test_refused),
    };
}

static inline struct weft_ledger *test_ledger_open(const char *directory, uint32_t worker_count)
{
    struct weft_ledger *ledger = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(weft_ledger_open(directory, worker_count, &ledger, &error) == WEFT_OK, "%s", error.text);
    return ledger;
}

static inline struct weft_ledger_totals test_ledger_totals(struct weft_ledger *ledger)
{
    struct weft_ledger_snapshot snapshot;
    struct weft_ledger_totals totals;
    ck_assert_int_eq(weft_ledger_snapshot_take(ledger, &snapshot), WEFT_OK);
    weft_ledger_snapshot_totals(&snapshot, "traces", &totals);
    weft_ledger_snapshot_fini(&snapshot);
    return totals;
}

static inline uint64_t test_totals_held(const struct weft_ledger_totals *totals)
{
    return totals->in_flight + totals->in_transit + totals->buffered + totals->queued;
}

static inline uint64_t test_totals_ends(const struct weft_ledger_totals *totals)
{
    return totals->in_flight + totals->in_transit + totals->buffered + totals->queued + totals->spooled + totals->sent +
           totals->rejected + totals->handed_over + totals->dropped + totals->refused + totals->uncopied +
           totals->other;
}

/* inflow - outflow of one account; 0 if it is not there. */
static inline int64_t test_balance(struct weft_ledger *ledger, const struct weft_account *account)
{
    struct weft_ledger_snapshot snapshot;
    ck_assert_int_eq(weft_ledger_snapshot_take(ledger, &snapshot), WEFT_OK);
    int64_t balance = 0;
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct weft_account *found = &snapshot.balances[i].account;
        if (found->kind == account->kind && found->reason == account->reason &&
            strcmp(found->signal, account->signal) == 0 && strcmp(found->pipeline, account->pipeline) == 0 &&
            strcmp(found->owner, account->owner) == 0) {
            balance = (int64_t)(snapshot.balances[i].inflow - snapshot.balances[i].outflow);
        }
    }
    weft_ledger_snapshot_fini(&snapshot);
    return balance;
}

static char test_directory[64];

/* Tests that open a thousand files may have theirs in memory, where a sync costs nothing. */
static bool test_directory_is_memory;

static inline void test_directory_make(void)
{
    bool is_memory = test_directory_is_memory && access("/dev/shm", W_OK | X_OK) == 0;
    snprintf(test_directory, sizeof test_directory, "%s/weft-ledger-XXXXXX", is_memory ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(test_directory));
}

static inline const char *test_directory_path(const char *name)
{
    static char path[2][400];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", test_directory, name);
    return path[turn];
}

static inline void test_directory_remove(void)
{
    DIR *directory = opendir(test_directory);
    ck_assert_ptr_nonnull(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] != '.') {
            unlink(test_directory_path(entry->d_name));
        }
    }
    closedir(directory);
    ck_assert_int_eq(rmdir(test_directory), 0);
}

static inline int test_run(const char *name, void (*add)(TCase *))
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, test_directory_make, test_directory_remove);
    add(tests);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
