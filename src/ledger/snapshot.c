/* Snapshots of the ledger: a consistent reading of all counters while workers go on counting, and sums over it.
 * Called from any thread (telemetry server, windows, audit). Reads only. */
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "ledger/internal.h"

enum { READING_ATTEMPTS = 64 };

enum { RANKS = 7 };

/* The order in which a record meets flows, turned round: what comes late is read early, so that whoever is seen to
 * leave an account is also seen to have entered it. */
static int reading_rank(const struct weft_ledger_balance *from, const struct weft_ledger_balance *to)
{
    if (from->account_class == WEFT_ACCOUNT_CLASS_SOURCE) {
        return 6;
    }
    if (to->account_class == WEFT_ACCOUNT_CLASS_END) {
        return 0;
    }
    if (to->account.kind == WEFT_ACCOUNT_SPOOLED || to->account.kind == WEFT_ACCOUNT_QUEUED) {
        return to->account.kind == WEFT_ACCOUNT_SPOOLED ? 1 : 2;
    }
    if (from->account.kind == WEFT_ACCOUNT_IN_FLIGHT || from->account.kind == WEFT_ACCOUNT_IN_TRANSIT) {
        return from->account.kind == WEFT_ACCOUNT_IN_FLIGHT ? 5 : 4;
    }
    return 3;
}

static uint64_t read_flow(const struct weft_ledger *ledger, uint32_t flow)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < ledger->block_count; i++) {
        const _Atomic uint64_t *cell = &ledger->live.cells[(size_t)i * WEFT_LEDGER_FLOW_LIMIT + flow];
        total += atomic_load_explicit(cell, memory_order_acquire);
    }
    return total;
}

/* One flow as a reading keeps it. */
struct reading {
    uint64_t total;
    struct weft_ledger_flow_ends ends;
    uint16_t flow;
    uint8_t rank;
};

/* Returns whether nothing had changed since the last reading. */
static bool read_flows(const struct weft_ledger *ledger, struct reading *readings, uint32_t count)
{
    bool is_same = true;
    for (int rank = 0; rank < RANKS; rank++) {
        for (uint32_t i = 0; i < count; i++) {
            if (readings[i].rank == rank) {
                uint64_t total = read_flow(ledger, readings[i].flow);
                is_same = is_same && total == readings[i].total;
                readings[i].total = total;
            }
        }
    }
    return is_same;
}

static bool read_until_same(const struct weft_ledger *ledger, struct reading *readings, uint32_t count)
{
    read_flows(ledger, readings, count);
    for (int attempt = 0; attempt < READING_ATTEMPTS; attempt++) {
        if (read_flows(ledger, readings, count)) {
            return true;
        }
    }
    return false;
}

/* The flows that there are; their accounts are published before they are. Returns how many. */
static uint32_t list_flows(const struct weft_ledger *ledger, uint32_t flow_count, struct reading *readings)
{
    uint32_t count = 0;
    for (uint32_t i = 1; i < flow_count; i++) {
        uint64_t entry = atomic_load_explicit(&ledger->live.flows[i], memory_order_acquire);
        if (entry != 0) {
            readings[count++] = (struct reading){ .ends = weft_ledger_flow_unpack(entry), .flow = (uint16_t)i };
        }
    }
    return count;
}

/* By index, with those that are free left empty (signal NULL). */
static void list_accounts(const struct weft_ledger *ledger, uint32_t account_count,
                          struct weft_ledger_balance *balances)
{
    for (uint32_t i = 0; i < account_count; i++) {
        const struct weft_ledger_account_entry *entry = &ledger->live.accounts[i];
        if (atomic_load_explicit(&entry->checksum, memory_order_acquire) != 0) {
            weft_ledger_name_read(&entry->name, &balances[i]);
        }
    }
}

static size_t close_gaps(struct weft_ledger_balance *balances, uint32_t account_count)
{
    size_t count = 0;
    for (uint32_t i = 0; i < account_count; i++) {
        if (balances[i].account.signal != NULL) {
            balances[count++] = balances[i];
        }
    }
    return count;
}

enum weft_status weft_ledger_snapshot_take(struct weft_ledger *ledger, struct weft_ledger_snapshot *out_snapshot)
{
    const struct weft_ledger_header *header = ledger->live.header;
    uint32_t flow_count = (uint32_t)atomic_load_explicit(&header->flow_count, memory_order_acquire);
    struct reading *readings = weft_try_alloc(flow_count * sizeof readings[0]);
    if (readings == NULL) {
        return WEFT_NOMEM;
    }
    uint32_t reading_count = list_flows(ledger, flow_count, readings);
    uint32_t account_count = (uint32_t)atomic_load_explicit(&header->account_count, memory_order_acquire);
    struct weft_ledger_balance *balances = weft_try_alloc((account_count + 1) * sizeof balances[0]);
    if (balances == NULL) {
        weft_free(readings);
        return WEFT_NOMEM;
    }
    list_accounts(ledger, account_count, balances);
    for (uint32_t i = 0; i < reading_count; i++) {
        readings[i].rank = (uint8_t)reading_rank(&balances[readings[i].ends.from], &balances[readings[i].ends.to]);
    }
    bool is_exact = read_until_same(ledger, readings, reading_count);
    for (uint32_t i = 0; i < reading_count; i++) {
        balances[readings[i].ends.from].outflow += readings[i].total;
        balances[readings[i].ends.to].inflow += readings[i].total;
    }
    weft_free(readings);
    *out_snapshot = (struct weft_ledger_snapshot){ balances, close_gaps(balances, account_count), is_exact };
    return WEFT_OK;
}

void weft_ledger_snapshot_fini(struct weft_ledger_snapshot *snapshot)
{
    weft_free(snapshot->balances);
    *snapshot = (struct weft_ledger_snapshot){ 0 };
}

static uint32_t find_account(const struct weft_ledger *ledger, const struct weft_account *account, uint32_t count)
{
    struct weft_ledger_name wanted;
    weft_ledger_name_fill(&wanted, account);
    uint32_t index = 0;
    while (index < count && (atomic_load_explicit(&ledger->live.accounts[index].checksum, memory_order_acquire) == 0 ||
                             !weft_ledger_name_is_same(&ledger->live.accounts[index].name, &wanted))) {
        index++;
    }
    return index;
}

int64_t weft_ledger_worker_balance(struct weft_ledger *ledger, const struct weft_ledger_worker *worker,
                                   const struct weft_account *account)
{
    const struct weft_ledger_header *header = ledger->live.header;
    uint32_t account_count = (uint32_t)atomic_load_explicit(&header->account_count, memory_order_acquire);
    uint32_t index = find_account(ledger, account, account_count);
    uint32_t flow_count = (uint32_t)atomic_load_explicit(&header->flow_count, memory_order_acquire);
    uint64_t balance = 0;
    for (uint32_t i = 1; i < flow_count && index < account_count; i++) {
        uint64_t entry = atomic_load_explicit(&ledger->live.flows[i], memory_order_acquire);
        struct weft_ledger_flow_ends ends = weft_ledger_flow_unpack(entry);
        if (entry != 0 && (ends.from == index || ends.to == index)) {
            uint64_t total = atomic_load_explicit(&worker->cells[i], memory_order_relaxed);
            total -= i < ledger->past_count ? worker->past[i] : 0;
            balance += ends.to == index ? total : 0;
            balance -= ends.from == index ? total : 0;
        }
    }
    return (int64_t)balance;
}

void weft_ledger_snapshot_totals(const struct weft_ledger_snapshot *snapshot, const char *signal,
                                 struct weft_ledger_totals *out_totals)
{
    struct weft_ledger_totals totals = { 0 };
    uint64_t *const sums[] = {
        [WEFT_ACCOUNT_OFFERED] = &totals.offered,     [WEFT_ACCOUNT_COPIED] = &totals.copied,
        [WEFT_ACCOUNT_IN_FLIGHT] = &totals.in_flight, [WEFT_ACCOUNT_IN_TRANSIT] = &totals.in_transit,
        [WEFT_ACCOUNT_BUFFERED] = &totals.buffered,   [WEFT_ACCOUNT_QUEUED] = &totals.queued,
        [WEFT_ACCOUNT_SPOOLED] = &totals.spooled,     [WEFT_ACCOUNT_SENT] = &totals.sent,
        [WEFT_ACCOUNT_REJECTED] = &totals.rejected,   [WEFT_ACCOUNT_HANDED_OVER] = &totals.handed_over,
        [WEFT_ACCOUNT_DROPPED] = &totals.dropped,     [WEFT_ACCOUNT_REFUSED] = &totals.refused,
        [WEFT_ACCOUNT_UNCOPIED] = &totals.uncopied,   [WEFT_ACCOUNT_COUNT] = &totals.other,
    };
    _Static_assert(sizeof totals == WEFT_COUNT_OF(sums) * sizeof(uint64_t), "a total for each kind");
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct weft_ledger_balance *balance = &snapshot->balances[i];
        if (strcmp(balance->account.signal, signal) == 0) {
            uint64_t held = balance->inflow - balance->outflow;
            enum weft_account_kind kind = balance->account.kind;
            bool is_source = balance->account_class == WEFT_ACCOUNT_CLASS_SOURCE;
            *sums[kind] += is_source && kind != WEFT_ACCOUNT_COUNT ? -held : held;
        }
    }
    *out_totals = totals;
}

bool weft_ledger_totals_balance(const struct weft_ledger_totals *totals)
{
    return totals->offered + totals->copied == totals->in_flight + totals->in_transit + totals->buffered +
                                                   totals->queued + totals->spooled + totals->sent + totals->rejected +
                                                   totals->handed_over + totals->dropped + totals->refused +
                                                   totals->uncopied + totals->other;
}
