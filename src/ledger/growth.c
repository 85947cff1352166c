/* What has happened since the opening (ledger.h): how far each worker's flows have grown, and what the opening itself
 * moved because a former process was killed. For who breaks drops down and has to agree with the books. */
#include "ledger/internal.h"

bool weft_ledger_flow_end(struct weft_ledger *ledger, weft_flow_id flow, struct weft_ledger_balance *out_end)
{
    if (flow == WEFT_FLOW_NONE || flow >= weft_ledger_flow_limit(ledger)) {
        return false;
    }
    uint64_t entry = atomic_load_explicit(&ledger->live.flows[flow], memory_order_acquire);
    if (entry == 0) {
        return false;
    }
    struct weft_ledger_balance end = { 0 };
    weft_ledger_name_read(&ledger->live.accounts[weft_ledger_flow_unpack(entry).to].name, &end);
    *out_end = end;
    return true;
}

uint32_t weft_ledger_flow_limit(const struct weft_ledger *ledger)
{
    return (uint32_t)atomic_load_explicit(&ledger->live.header->flow_count, memory_order_acquire);
}

uint64_t weft_ledger_worker_growth(const struct weft_ledger *ledger, const struct weft_ledger_worker *worker,
                                   weft_flow_id flow)
{
    uint64_t total = atomic_load_explicit(&worker->cells[flow], memory_order_relaxed);
    return total - (flow < ledger->past_count ? worker->past[flow] : 0);
}

weft_flow_id weft_ledger_crash_move(const struct weft_ledger *ledger, size_t index, uint64_t *out_count)
{
    if (index >= ledger->crash_move_count) {
        return WEFT_FLOW_NONE;
    }
    *out_count = ledger->crash_moves[index].count;
    return ledger->crash_moves[index].flow;
}
