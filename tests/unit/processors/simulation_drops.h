#pragma once

#include <check.h>

#include "pipeline/drops.h"
#include "pipeline/host.h"

/* Seeds share a ledger, and each has a breakdown of drops of its own: what a seed's rows say of a flow is what the flow
 * has grown by since the seed before. */
static uint64_t drops_before[WEFT_LEDGER_FLOW_LIMIT];

static inline bool drops_are_broken_down(enum weft_account_kind kind)
{
    return kind == WEFT_ACCOUNT_DROPPED || kind == WEFT_ACCOUNT_REFUSED || kind == WEFT_ACCOUNT_REJECTED;
}

/* Returns how many records the seed lost. */
static inline uint64_t drops_check(const struct weft_host *host, uint64_t seed)
{
    static uint64_t sums[WEFT_LEDGER_FLOW_LIMIT];
    static struct weft_drops_row rows[WEFT_DROPS_NAMED_ROWS];
    uint32_t from[WEFT_DROPS_WINDOW_COUNT] = { 0 };
    uint64_t lost = 0;
    memset(sums, 0, sizeof sums);
    ck_assert_uint_le(weft_drops_row_count(host->drops), WEFT_DROPS_NAMED_ROWS);
    weft_drops_read(host->drops, from, rows);
    for (size_t i = 0; i < weft_drops_row_count(host->drops); i++) {
        sums[rows[i].flow] += rows[i].total;
        ck_assert_uint_eq(rows[i].recent[WEFT_DROPS_HOURS], rows[i].total);
    }
    for (uint32_t flow = 1; flow < weft_ledger_flow_limit(host->ledger); flow++) {
        struct weft_ledger_balance end;
        ck_assert(weft_ledger_flow_end(host->ledger, (weft_flow_id)flow, &end));
        uint64_t total = weft_ledger_worker_growth(host->ledger, host->books, (weft_flow_id)flow);
        uint64_t grown = drops_are_broken_down(end.account.kind) ? total - drops_before[flow] : 0;
        ck_assert_msg(sums[flow] == grown, "seed %llu: %llu records to %s of %s, %llu of them broken down",
                      (unsigned long long)seed, (unsigned long long)grown, end.kind_text, end.account.owner,
                      (unsigned long long)sums[flow]);
        drops_before[flow] = total;
        lost += grown;
    }
    return lost;
}
