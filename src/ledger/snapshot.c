/* Snapshots of the ledger: a consistent reading of all counters while workers go on counting, and sums over it.
 * Called from any thread (telemetry server, windows, audit). Reads only. */
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "ledger/internal.h"

enum { READING_ATTEMPTS = 64 };

/* The order in which a record meets flows, turned round: what comes late is read early, so that whoever is seen to
 * leave an account is also seen to have entered it. */
static int reading_rank(const struct weft_ledger *ledger, uint32_t flow)
{
    const struct weft_ledger_flow_entry *entry = &ledger->image.flows[flow];
    enum weft_account_kind from = (enum weft_account_kind)ledger->image.accounts[entry->from].kind;
    enum weft_account_kind to = (enum weft_account_kind)ledger->image.accounts[entry->to].kind;
    if (weft_account_class_of(from) == WEFT_ACCOUNT_CLASS_SOURCE) {
        return 4;
    }
    if (weft_account_class_of(to) == WEFT_ACCOUNT_CLASS_END) {
        return 0;
    }
    return to == WEFT_ACCOUNT_QUEUED ? 1 : from != WEFT_ACCOUNT_IN_FLIGHT ? 2 : 3;
}

static uint64_t read_flow(const struct weft_ledger *ledger, uint32_t flow)
{
    uint64_t total = ledger->image.past[flow];
    for (uint32_t i = 0; i < ledger->worker_count; i++) {
        total += atomic_load_explicit(&ledger->workers[i].cells[flow], memory_order_acquire);
    }
    return total;
}

/* Returns whether nothing had changed since the last reading. */
static bool read_flows(const struct weft_ledger *ledger, uint32_t count, const uint8_t *ranks, uint64_t *totals)
{
    bool is_same = true;
    for (int rank = 0; rank <= 4; rank++) {
        for (uint32_t i = 0; i < count; i++) {
            if (ranks[i] == rank) {
                uint64_t total = read_flow(ledger, i);
                is_same = is_same && total == totals[i];
                totals[i] = total;
            }
        }
    }
    return is_same;
}

static bool read_until_same(const struct weft_ledger *ledger, uint32_t count, const uint8_t *ranks, uint64_t *totals)
{
    read_flows(ledger, count, ranks, totals);
    for (int attempt = 0; attempt < READING_ATTEMPTS; attempt++) {
        if (read_flows(ledger, count, ranks, totals)) {
            return true;
        }
    }
    return false;
}

enum weft_status weft_ledger_snapshot_take(struct weft_ledger *ledger, struct weft_ledger_snapshot *out_snapshot)
{
    const struct weft_ledger_image *image = &ledger->image;
    uint32_t flow_count = atomic_load_explicit(&image->header->flow_count, memory_order_acquire);
    uint32_t account_count = atomic_load_explicit(&image->header->account_count, memory_order_acquire);
    struct weft_ledger_balance *balances = weft_try_alloc(account_count * sizeof balances[0]);
    uint64_t *totals = weft_try_alloc(flow_count * sizeof totals[0]);
    uint8_t *ranks = weft_try_alloc(flow_count);
    if (balances == NULL || totals == NULL || ranks == NULL) {
        weft_free(balances);
        weft_free(totals);
        weft_free(ranks);
        return WEFT_NOMEM;
    }
    for (uint32_t i = 0; i < flow_count; i++) {
        ranks[i] = (uint8_t)reading_rank(ledger, i);
    }
    bool is_exact = read_until_same(ledger, flow_count, ranks, totals);
    for (uint32_t i = 0; i < account_count; i++) {
        weft_ledger_account_entry_read(&image->accounts[i], &balances[i].account);
    }
    for (uint32_t i = 0; i < flow_count; i++) {
        balances[image->flows[i].from].outflow += totals[i];
        balances[image->flows[i].to].inflow += totals[i];
    }
    weft_free(totals);
    weft_free(ranks);
    *out_snapshot = (struct weft_ledger_snapshot){ balances, account_count, is_exact };
    return WEFT_OK;
}

void weft_ledger_snapshot_fini(struct weft_ledger_snapshot *snapshot)
{
    weft_free(snapshot->balances);
    *snapshot = (struct weft_ledger_snapshot){ 0 };
}

int64_t weft_ledger_worker_balance(struct weft_ledger *ledger, const struct weft_ledger_worker *worker,
                                   const struct weft_account *account)
{
    const struct weft_ledger_image *image = &ledger->image;
    struct weft_ledger_account_entry wanted;
    weft_ledger_account_entry_fill(&wanted, account);
    uint32_t account_count = atomic_load_explicit(&image->header->account_count, memory_order_acquire);
    uint32_t index = 0;
    while (index < account_count && !weft_ledger_account_entry_is_same(&image->accounts[index], &wanted)) {
        index++;
    }
    if (index == account_count) {
        return 0;
    }
    uint32_t flow_count = atomic_load_explicit(&image->header->flow_count, memory_order_acquire);
    uint64_t balance = 0;
    for (uint32_t i = 0; i < flow_count; i++) {
        uint64_t total = atomic_load_explicit(&worker->cells[i], memory_order_relaxed);
        balance += image->flows[i].to == index ? total : 0;
        balance -= image->flows[i].from == index ? total : 0;
    }
    return (int64_t)balance;
}

void weft_ledger_snapshot_totals(const struct weft_ledger_snapshot *snapshot, const char *signal,
                                 struct weft_ledger_totals *out_totals)
{
    struct weft_ledger_totals totals = { 0 };
    uint64_t *const sums[] = {
        [WEFT_ACCOUNT_OFFERED] = &totals.offered,     [WEFT_ACCOUNT_COPIED] = &totals.copied,
        [WEFT_ACCOUNT_IN_FLIGHT] = &totals.in_flight, [WEFT_ACCOUNT_BUFFERED] = &totals.buffered,
        [WEFT_ACCOUNT_QUEUED] = &totals.queued,       [WEFT_ACCOUNT_SENT] = &totals.sent,
        [WEFT_ACCOUNT_REJECTED] = &totals.rejected,   [WEFT_ACCOUNT_DROPPED] = &totals.dropped,
        [WEFT_ACCOUNT_REFUSED] = &totals.refused,     [WEFT_ACCOUNT_UNCOPIED] = &totals.uncopied,
    };
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct weft_ledger_balance *balance = &snapshot->balances[i];
        if (strcmp(balance->account.signal, signal) == 0) {
            bool is_source = weft_account_class_of(balance->account.kind) == WEFT_ACCOUNT_CLASS_SOURCE;
            *sums[balance->account.kind] += is_source ? balance->outflow : balance->inflow - balance->outflow;
        }
    }
    *out_totals = totals;
}
