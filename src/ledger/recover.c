/* What a former process left in ledger.weft: proved before anything is written to it, then gone on with in place. Every
 * count and name carries its check; what no interrupted run can produce, as a balance below zero, is damage too. Called
 * once, by weft_ledger_open. */
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "ledger/internal.h"

static bool is_terminated(const struct weft_ledger_name *name)
{
    return name->kind[sizeof name->kind - 1] == '\0' && name->kind_class[sizeof name->kind_class - 1] == '\0' &&
           name->reason[sizeof name->reason - 1] == '\0' && name->signal[sizeof name->signal - 1] == '\0' &&
           name->pipeline[sizeof name->pipeline - 1] == '\0' && name->owner[sizeof name->owner - 1] == '\0';
}

static enum weft_status load_accounts(struct weft_ledger *ledger, uint32_t count, struct weft_error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        struct weft_ledger_account_entry *entry = &ledger->live.accounts[i];
        uint64_t checksum = atomic_load_explicit(&ledger->file.accounts[i].checksum, memory_order_relaxed);
        if (checksum == 0) {
            continue; /* free; a process that was killed while it wrote a name leaves this, too */
        }
        entry->name = ledger->file.accounts[i].name;
        if (checksum != weft_ledger_name_checksum(&entry->name) || !is_terminated(&entry->name)) {
            return weft_fail(error, WEFT_INVALID, "account %u is damaged", i);
        }
        atomic_store_explicit(&entry->checksum, checksum, memory_order_relaxed);
    }
    atomic_store_explicit(&ledger->live.header->account_count, count, memory_order_relaxed);
    return WEFT_OK;
}

static const struct weft_ledger_name *account_of(const struct weft_ledger *ledger, uint16_t index)
{
    bool is_there = index < atomic_load_explicit(&ledger->live.header->account_count, memory_order_relaxed) &&
                    atomic_load_explicit(&ledger->live.accounts[index].checksum, memory_order_relaxed) != 0;
    return is_there ? &ledger->live.accounts[index].name : NULL;
}

static bool has_valid_ends(const struct weft_ledger *ledger, uint64_t entry)
{
    struct weft_ledger_flow_ends ends = weft_ledger_flow_unpack(entry);
    const struct weft_ledger_name *from = account_of(ledger, ends.from);
    const struct weft_ledger_name *to = account_of(ledger, ends.to);
    return from != NULL && to != NULL && memcmp(from->signal, to->signal, sizeof from->signal) == 0 &&
           weft_ledger_name_class(from) != WEFT_ACCOUNT_CLASS_END &&
           weft_ledger_name_class(to) != WEFT_ACCOUNT_CLASS_SOURCE;
}

static enum weft_status load_flows(struct weft_ledger *ledger, uint32_t count, struct weft_error *error)
{
    for (uint32_t i = 1; i < count; i++) {
        uint64_t entry = atomic_load_explicit(&ledger->file.flows[i], memory_order_relaxed);
        if (entry == 0) {
            continue;
        }
        if (!weft_ledger_flow_is_valid(entry, i) || !has_valid_ends(ledger, entry)) {
            return weft_fail(error, WEFT_INVALID, "flow %u is damaged", i);
        }
        atomic_store_explicit(&ledger->live.flows[i], entry, memory_order_relaxed);
    }
    atomic_store_explicit(&ledger->live.header->flow_count, count, memory_order_relaxed);
    return WEFT_OK;
}

static enum weft_status load_cells(struct weft_ledger *ledger, uint32_t flow_count, uint32_t worker_count,
                                   struct weft_error *error)
{
    for (uint32_t worker = 0; worker < worker_count; worker++) {
        size_t block = (size_t)worker * WEFT_LEDGER_FLOW_LIMIT;
        for (uint32_t i = 1; i < flow_count; i++) {
            uint64_t entry = atomic_load_explicit(&ledger->live.flows[i], memory_order_relaxed);
            uint64_t word = atomic_load_explicit(&ledger->file.cells[block + i], memory_order_relaxed);
            uint64_t total = 0;
            if (entry != 0 && !weft_ledger_word_read(word, i, &total)) {
                struct weft_ledger_flow_ends ends = weft_ledger_flow_unpack(entry);
                const struct weft_ledger_name *from = account_of(ledger, ends.from);
                const struct weft_ledger_name *to = account_of(ledger, ends.to);
                return weft_fail(error, WEFT_INVALID, "worker %u's count of %s from %s(%s) to %s(%s) is damaged",
                                 worker, from->signal, from->kind, from->owner, to->kind, to->owner);
            }
            atomic_store_explicit(&ledger->live.cells[block + i], total, memory_order_relaxed);
        }
    }
    return WEFT_OK;
}

/* ---- balances ---- */

static uint64_t total_of(const struct weft_ledger *ledger, uint32_t flow)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < ledger->block_count; i++) {
        total +=
            atomic_load_explicit(&ledger->live.cells[(size_t)i * WEFT_LEDGER_FLOW_LIMIT + flow], memory_order_relaxed);
    }
    return total;
}

static uint32_t count_of(const _Atomic uint64_t *count)
{
    return (uint32_t)atomic_load_explicit(count, memory_order_relaxed);
}

/* No process books this many records. */
#define BALANCE_LIMIT (INT64_C(1) << 61)

/* One per account, over all workers; the caller frees. NULL: no memory. Wraps round rather than overflows. */
static int64_t *balances_new(const struct weft_ledger *ledger)
{
    int64_t *balances = weft_try_alloc((count_of(&ledger->live.header->account_count) + 1) * sizeof balances[0]);
    for (uint32_t i = 1; balances != NULL && i < count_of(&ledger->live.header->flow_count); i++) {
        uint64_t entry = atomic_load_explicit(&ledger->live.flows[i], memory_order_relaxed);
        if (entry != 0) {
            struct weft_ledger_flow_ends ends = weft_ledger_flow_unpack(entry);
            uint64_t total = total_of(ledger, i);
            balances[ends.from] = (int64_t)((uint64_t)balances[ends.from] - total);
            balances[ends.to] = (int64_t)((uint64_t)balances[ends.to] + total);
        }
    }
    return balances;
}

static bool holds_records(const struct weft_ledger *ledger, uint32_t index)
{
    const struct weft_ledger_name *name = account_of(ledger, (uint16_t)index);
    enum weft_account_class account_class = name == NULL ? WEFT_ACCOUNT_CLASS_END : weft_ledger_name_class(name);
    return account_class == WEFT_ACCOUNT_CLASS_MEMORY || account_class == WEFT_ACCOUNT_CLASS_STORE;
}

static bool is_sibling(const struct weft_ledger_name *left, const struct weft_ledger_name *right)
{
    return memcmp(left->kind, right->kind, sizeof left->kind) == 0 &&
           memcmp(left->signal, right->signal, sizeof left->signal) == 0;
}

/* A shared account takes the moves out of others of its kind, so it may be below zero by what they hold too much. */
static bool is_covered(const struct weft_ledger *ledger, const int64_t *balances, uint32_t shared)
{
    const struct weft_ledger_name *name = account_of(ledger, (uint16_t)shared);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count_of(&ledger->live.header->account_count); i++) {
        const struct weft_ledger_name *other = account_of(ledger, (uint16_t)i);
        sum += other != NULL && is_sibling(other, name) ? (uint64_t)balances[i] : 0;
    }
    return weft_ledger_name_is_overflow(name) && (int64_t)sum >= 0;
}

static enum weft_status check_balances(const struct weft_ledger *ledger, struct weft_error *error)
{
    int64_t *balances = balances_new(ledger);
    if (balances == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory to read the former ledger");
    }
    enum weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < count_of(&ledger->live.header->account_count) && status == WEFT_OK; i++) {
        /* weft books the way in before anything else, so that even a cut in the middle leaves none below zero. */
        if (holds_records(ledger, i) && balances[i] < 0 && !is_covered(ledger, balances, i)) {
            status = weft_fail(error, WEFT_INVALID, "the balance of account %u is below zero", i);
        }
        if (balances[i] > BALANCE_LIMIT || balances[i] < -BALANCE_LIMIT) {
            status = weft_fail(error, WEFT_INVALID, "the balance of account %u is beyond reason", i);
        }
    }
    weft_free(balances);
    return status;
}

/* A ledger leaves room for shared flows; one that does not is no ledger of ours, and could not be gone on with. */
static enum weft_status check_room(const struct weft_ledger *ledger, struct weft_error *error)
{
    uint32_t accounts = 0;
    uint32_t flows = 1;
    for (uint32_t i = 0; i < count_of(&ledger->live.header->account_count); i++) {
        const struct weft_ledger_name *name = account_of(ledger, (uint16_t)i);
        accounts += name != NULL && !weft_ledger_name_is_overflow(name);
    }
    for (uint32_t i = 1; i < count_of(&ledger->live.header->flow_count); i++) {
        uint64_t entry = atomic_load_explicit(&ledger->live.flows[i], memory_order_relaxed);
        struct weft_ledger_flow_ends ends = weft_ledger_flow_unpack(entry);
        flows += entry != 0 && !(weft_ledger_name_is_overflow(account_of(ledger, ends.from)) &&
                                 weft_ledger_name_is_overflow(account_of(ledger, ends.to)));
    }
    bool has_room = accounts + WEFT_LEDGER_RESERVED_ACCOUNTS <= WEFT_LEDGER_ACCOUNT_LIMIT &&
                    flows + WEFT_LEDGER_RESERVED_FLOWS <= WEFT_LEDGER_FLOW_LIMIT;
    return has_room ? WEFT_OK : weft_fail(error, WEFT_INVALID, "more accounts and flows than a ledger holds");
}

/* Forgets flows that never counted anything and accounts without flows. */
static enum weft_status forget_unused(struct weft_ledger *ledger, struct weft_error *error)
{
    uint32_t account_count = count_of(&ledger->live.header->account_count);
    bool *is_used = weft_try_alloc(account_count + 1);
    if (is_used == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory to read the former ledger");
    }
    for (uint32_t i = 1; i < count_of(&ledger->live.header->flow_count); i++) {
        uint64_t entry = atomic_load_explicit(&ledger->live.flows[i], memory_order_relaxed);
        if (entry != 0 && total_of(ledger, i) == 0) {
            atomic_store_explicit(&ledger->live.flows[i], 0, memory_order_relaxed);
        } else if (entry != 0) {
            struct weft_ledger_flow_ends ends = weft_ledger_flow_unpack(entry);
            is_used[ends.from] = is_used[ends.to] = true;
        }
    }
    for (uint32_t i = 0; i < account_count; i++) {
        if (!is_used[i]) {
            atomic_store_explicit(&ledger->live.accounts[i].checksum, 0, memory_order_relaxed);
        }
    }
    weft_free(is_used);
    return WEFT_OK;
}

enum weft_status weft_ledger_load(struct weft_ledger *ledger, uint32_t account_count, uint32_t flow_count,
                                  uint32_t worker_count, struct weft_error *error)
{
    enum weft_status status = load_accounts(ledger, account_count, error);
    status = status == WEFT_OK ? load_flows(ledger, flow_count, error) : status;
    status = status == WEFT_OK ? load_cells(ledger, flow_count, worker_count, error) : status;
    status = status == WEFT_OK ? check_balances(ledger, error) : status;
    status = status == WEFT_OK ? forget_unused(ledger, error) : status;
    return status == WEFT_OK ? check_room(ledger, error) : status;
}

/* ---- going on with it ---- */

/* Flows first: an account may only go when nothing refers to it. */
void weft_ledger_free_unused(struct weft_ledger *ledger)
{
    for (uint32_t i = 1; i < count_of(&ledger->live.header->flow_count); i++) {
        if (atomic_load_explicit(&ledger->live.flows[i], memory_order_relaxed) == 0) {
            atomic_store_explicit(&ledger->file.flows[i], 0, memory_order_release);
        }
    }
    for (uint32_t i = 0; i < count_of(&ledger->live.header->account_count); i++) {
        if (atomic_load_explicit(&ledger->live.accounts[i].checksum, memory_order_relaxed) == 0) {
            atomic_store_explicit(&ledger->file.accounts[i].checksum, 0, memory_order_release);
        }
    }
}

/* One store: done or not done, and if it was not, the next start finds the same balance. Without room for the flow the
 * records stay where they are, in a memory account, which balances, too. */
static weft_flow_id move_balance(struct weft_ledger *ledger, uint32_t from, const struct weft_ledger_name *to,
                                 int64_t *balance, int64_t count)
{
    struct weft_ledger_name from_name = *account_of(ledger, (uint16_t)from);
    weft_flow_id flow = WEFT_FLOW_NONE;
    if (count > 0 && weft_ledger_add_flow(ledger, &from_name, to, false, &flow)) {
        weft_ledger_move(&ledger->workers[0], flow, (uint64_t)count);
        *balance -= count;
    } else if (count > 0) {
        weft_atomic_add(&ledger->overflowed, 1);
    }
    return flow;
}

/* What shared accounts are short of comes from the accounts that hold it too much. */
static void cover_shared(struct weft_ledger *ledger, int64_t *balances, uint32_t account_count)
{
    for (uint32_t i = 0; i < account_count; i++) {
        const struct weft_ledger_name *shared =
            holds_records(ledger, i) && balances[i] < 0 ? account_of(ledger, (uint16_t)i) : NULL;
        for (uint32_t j = 0; shared != NULL && j < account_count && balances[i] < 0; j++) {
            const struct weft_ledger_name *other = account_of(ledger, (uint16_t)j);
            if (other != NULL && balances[j] > 0 && is_sibling(other, shared)) {
                int64_t count = balances[j] < -balances[i] ? balances[j] : -balances[i];
                int64_t left = balances[j];
                move_balance(ledger, j, shared, &left, count);
                balances[i] += count; /* moved or not: this much of the other's balance is not lost records */
                balances[j] -= count;
            }
        }
    }
}

static struct weft_ledger_name crash_name(const struct weft_ledger_name *from)
{
    struct weft_account crash = { .kind = WEFT_ACCOUNT_DROPPED,
                                  .signal = from->signal,
                                  .pipeline = from->pipeline,
                                  .owner = from->owner,
                                  .reason = WEFT_DROP_CRASH };
    struct weft_ledger_name name;
    weft_ledger_name_fill(&name, &crash);
    return name;
}

/* Room first: what is moved is also said. */
static enum weft_status move_to_crash(struct weft_ledger *ledger, uint32_t from, int64_t *balance)
{
    if (weft_try_grow(&ledger->crash_moves, sizeof ledger->crash_moves[0], ledger->crash_move_count,
                      &ledger->crash_move_capacity) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    struct weft_ledger_name crash = crash_name(account_of(ledger, (uint16_t)from));
    uint64_t count = (uint64_t)*balance;
    weft_flow_id flow = move_balance(ledger, from, &crash, balance, *balance);
    if (flow != WEFT_FLOW_NONE) {
        ledger->crash_moves[ledger->crash_move_count++] = (struct weft_ledger_crash_move){ flow, count };
    }
    return WEFT_OK;
}

enum weft_status weft_ledger_carry_over(struct weft_ledger *ledger, struct weft_error *error)
{
    int64_t *balances = balances_new(ledger);
    enum weft_status status = WEFT_OK;
    if (balances == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory to read the former ledger");
    }
    uint32_t account_count = count_of(&ledger->live.header->account_count);
    cover_shared(ledger, balances, account_count);
    for (uint32_t i = 0; i < account_count && status == WEFT_OK; i++) {
        const struct weft_ledger_name *name = account_of(ledger, (uint16_t)i);
        if (name != NULL && weft_ledger_name_class(name) == WEFT_ACCOUNT_CLASS_MEMORY && balances[i] > 0) {
            status = move_to_crash(ledger, i, &balances[i]);
        }
    }
    weft_free(balances);
    return status == WEFT_OK ? WEFT_OK : weft_fail(error, status, "no memory to read the former ledger");
}
