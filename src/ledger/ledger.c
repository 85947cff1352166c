/* The ledger in use: registration of flows, the move, and what is said when the file is in trouble. Registration is any
 * thread's, one at a time; a move is its worker's, on its own cells; snapshots (snapshot.c) read from any thread. What
 * is published, a table entry before its count and a move before a later one, is published by release stores. */
#include "ledger/ledger.h"

#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/log.h"
#include "ledger/fault.h"
#include "ledger/internal.h"

struct weft_ledger_worker *weft_ledger_worker_of(struct weft_ledger *ledger, uint32_t worker_index)
{
    weft_assert(worker_index < ledger->worker_count);
    return &ledger->workers[worker_index];
}

void weft_ledger_move(struct weft_ledger_worker *worker, weft_flow_id flow, uint64_t count)
{
    weft_assert(flow != WEFT_FLOW_NONE);
    /* One writer: a load and a store, without the price of a locked add. Release, so that whoever sees this move sees
     * those that came before it; the next process, too. */
    _Atomic uint64_t *cell = &worker->cells[flow];
    uint64_t total = atomic_load_explicit(cell, memory_order_relaxed) + count;
    atomic_store_explicit(cell, total, memory_order_release);
    atomic_store_explicit(&worker->words[flow], weft_ledger_word(total, flow), memory_order_release);
}

weft_flow_id weft_ledger_flow(struct weft_ledger *ledger, const struct weft_account *from,
                              const struct weft_account *to)
{
    weft_assert(strcmp(from->signal, to->signal) == 0);
    weft_assert(weft_account_class_of(from->kind) != WEFT_ACCOUNT_CLASS_END);
    weft_assert(weft_account_class_of(to->kind) != WEFT_ACCOUNT_CLASS_SOURCE);
    weft_mutex_lock(&ledger->registration);
    weft_flow_id flow = weft_ledger_register(ledger, from, to);
    weft_mutex_unlock(&ledger->registration);
    if (weft_atomic_load(&ledger->overflowed) > 0) {
        weft_ledger_trouble(ledger);
    }
    return flow;
}

uint64_t weft_ledger_overflowed(const struct weft_ledger *ledger)
{
    return weft_atomic_load(&ledger->overflowed);
}

static bool is_cut(struct weft_ledger *ledger)
{
    struct stat file;
    if (ledger->files.descriptor < 0 || weft_atomic_load(&ledger->is_cut) > 0) {
        return ledger->files.descriptor >= 0;
    }
    bool has_fault = weft_ledger_guard_has_faulted(ledger->guard) || fstat(ledger->files.descriptor, &file) != 0 ||
                     (size_t)file.st_size < ledger->file.size_bytes || file.st_nlink == 0;
    if (has_fault && weft_atomic_add(&ledger->is_cut, 1) == 1) {
        weft_log(ERROR, "ledger.cut",
                 "ledger.weft was cut or removed under the running process: it counts on in memory",
                 WEFT_LOG_STRING("file", ledger->files.path));
    }
    return has_fault;
}

const char *weft_ledger_trouble(struct weft_ledger *ledger)
{
    if (ledger->memory_reason.status != WEFT_OK) {
        return ledger->memory_reason.text;
    }
    if (is_cut(ledger)) {
        return "ledger.weft was cut or removed: counts go on in memory, a restart begins at zero";
    }
    uint64_t overflowed = weft_atomic_load(&ledger->overflowed);
    if (overflowed > 0 && weft_atomic_add(&ledger->is_overflow_told, 1) == 1) {
        weft_log(WARN, "ledger.overflow", "no room for more flows: new ones share the owner (overflow)",
                 WEFT_LOG_INT("flows", overflowed));
    }
    return overflowed > 0 ? "no room for more flows: some share the owner (overflow), totals are exact" : NULL;
}
