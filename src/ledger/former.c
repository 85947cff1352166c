/* Reads what a former process left in ledger.weft and proves that it can be believed before anything is carried over:
 * checksums of all that is immutable, and for the counters, which cannot have one, what no interrupted move can
 * produce: a negative balance, a count beyond reason, a cell without a flow. Called once, by weft_ledger_open. */
#include <string.h>

#include "base/alloc.h"
#include "ledger/layout.h"

/* No process books this many records; sums of these cannot overflow. */
#define TOTAL_LIMIT (UINT64_C(1) << 50)

static bool is_zero(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    return length == 0 || (at[0] == 0 && memcmp(at, at + 1, length - 1) == 0);
}

static bool is_valid_account(const struct weft_ledger_account_entry *entry, size_t index)
{
    return entry->checksum == weft_ledger_account_entry_checksum(entry, index) &&
           entry->kind <= WEFT_ACCOUNT_UNCOPIED && entry->reason <= WEFT_DROP_CRASH &&
           entry->signal[sizeof entry->signal - 1] == '\0' && entry->pipeline[sizeof entry->pipeline - 1] == '\0' &&
           entry->owner[sizeof entry->owner - 1] == '\0';
}

static bool is_valid_flow(const struct weft_ledger_former *former, size_t index)
{
    const struct weft_ledger_flow_entry *entry = &former->image.flows[index];
    return entry->checksum == weft_ledger_flow_entry_checksum(entry, index) && entry->from < former->account_count &&
           entry->to < former->account_count;
}

/* An entry is written first and counted after, so the one after the last may be anything: torn, or complete and not
 * yet counted. What is complete is taken, which also mends a damaged count. Beyond a torn one there is nothing. */
static enum weft_status read_accounts(struct weft_ledger_former *former, struct weft_error *error)
{
    const struct weft_ledger_account_entry *entries = former->image.accounts;
    uint32_t count = atomic_load_explicit(&former->image.header->account_count, memory_order_relaxed);
    if (count > WEFT_LEDGER_ACCOUNT_LIMIT) {
        return weft_fail(error, WEFT_INVALID, "the number of accounts is damaged");
    }
    while (count < WEFT_LEDGER_ACCOUNT_LIMIT && is_valid_account(&entries[count], count)) {
        count++;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!is_valid_account(&entries[i], i)) {
            return weft_fail(error, WEFT_INVALID, "account %u is damaged", i);
        }
    }
    if (count + 1 < WEFT_LEDGER_ACCOUNT_LIMIT &&
        !is_zero(&entries[count + 1], (WEFT_LEDGER_ACCOUNT_LIMIT - count - 1) * sizeof entries[0])) {
        return weft_fail(error, WEFT_INVALID, "there are entries beyond account %u", count);
    }
    former->account_count = count;
    return WEFT_OK;
}

static enum weft_status read_flows(struct weft_ledger_former *former, struct weft_error *error)
{
    const struct weft_ledger_flow_entry *entries = former->image.flows;
    uint32_t count = atomic_load_explicit(&former->image.header->flow_count, memory_order_relaxed);
    if (count > WEFT_LEDGER_FLOW_LIMIT) {
        return weft_fail(error, WEFT_INVALID, "the number of flows is damaged");
    }
    while (count < WEFT_LEDGER_FLOW_LIMIT && is_valid_flow(former, count)) {
        count++;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!is_valid_flow(former, i)) {
            return weft_fail(error, WEFT_INVALID, "flow %u is damaged", i);
        }
    }
    if (count + 1 < WEFT_LEDGER_FLOW_LIMIT &&
        !is_zero(&entries[count + 1], (WEFT_LEDGER_FLOW_LIMIT - count - 1) * sizeof entries[0])) {
        return weft_fail(error, WEFT_INVALID, "there are entries beyond flow %u", count);
    }
    former->flow_count = count;
    return WEFT_OK;
}

static enum weft_status add_block(struct weft_ledger_former *former, const uint64_t *block, struct weft_error *error)
{
    for (uint32_t i = 0; i < former->flow_count; i++) {
        former->totals[i] += block[i];
        if (block[i] >= TOTAL_LIMIT || former->totals[i] >= TOTAL_LIMIT) {
            return weft_fail(error, WEFT_INVALID, "the total of flow %u is damaged", i);
        }
    }
    if (!is_zero(block + former->flow_count, (WEFT_LEDGER_FLOW_LIMIT - former->flow_count) * sizeof block[0])) {
        return weft_fail(error, WEFT_INVALID, "there are counts without a flow");
    }
    return WEFT_OK;
}

static enum weft_status add_totals(struct weft_ledger_former *former, struct weft_error *error)
{
    uint32_t past_count = former->image.header->past_count;
    if (!is_zero(former->image.past + past_count, (WEFT_LEDGER_FLOW_LIMIT - past_count) * sizeof(uint64_t))) {
        return weft_fail(error, WEFT_INVALID, "there are totals without a past");
    }
    enum weft_status status = add_block(former, former->image.past, error);
    /* Nobody writes to this copy: the cells are plain numbers here. */
    const uint64_t *block = (const uint64_t *)(const void *)former->image.cells;
    for (uint32_t i = 0; i < former->image.header->worker_count && status == WEFT_OK; i++) {
        status = add_block(former, block + (size_t)i * WEFT_LEDGER_FLOW_LIMIT, error);
    }
    return status;
}

static bool is_memory(const struct weft_ledger_former *former, uint16_t account)
{
    enum weft_account_kind kind = (enum weft_account_kind)former->image.accounts[account].kind;
    return weft_account_class_of(kind) == WEFT_ACCOUNT_CLASS_MEMORY;
}

static enum weft_status balance_memory(struct weft_ledger_former *former, struct weft_error *error)
{
    for (uint32_t i = 0; i < former->flow_count; i++) {
        const struct weft_ledger_flow_entry *flow = &former->image.flows[i];
        former->balances[flow->to] += is_memory(former, flow->to) ? former->totals[i] : 0;
        former->balances[flow->from] -= is_memory(former, flow->from) ? former->totals[i] : 0;
    }
    for (uint32_t i = 0; i < former->account_count; i++) {
        /* weft books the way in before anything else, so that even a cut in the middle leaves none below zero. */
        if ((int64_t)former->balances[i] < 0) {
            return weft_fail(error, WEFT_INVALID, "the balance of account %u is below zero", i);
        }
    }
    return WEFT_OK;
}

enum weft_status weft_ledger_former_read(uint8_t *own_bytes, size_t size_bytes, struct weft_ledger_former *out_former,
                                         struct weft_error *error)
{
    struct weft_ledger_former former = { 0 };
    weft_ledger_image_point(&former.image, own_bytes, size_bytes);
    enum weft_status status = size_bytes < weft_ledger_image_size(1)
                                  ? weft_fail(error, WEFT_INVALID, "truncated to %zu bytes", size_bytes)
                                  : weft_ledger_image_check(&former.image, error);
    if (status == WEFT_OK) {
        former.totals = weft_try_alloc(WEFT_LEDGER_FLOW_LIMIT * sizeof former.totals[0]);
        former.balances = weft_try_alloc(WEFT_LEDGER_ACCOUNT_LIMIT * sizeof former.balances[0]);
        if (former.totals == NULL || former.balances == NULL) {
            status = weft_fail(error, WEFT_NOMEM, "no memory to read the former ledger");
        }
    }
    status = status == WEFT_OK ? read_accounts(&former, error) : status;
    status = status == WEFT_OK ? read_flows(&former, error) : status;
    status = status == WEFT_OK ? add_totals(&former, error) : status;
    status = status == WEFT_OK ? balance_memory(&former, error) : status;
    if (status != WEFT_OK) {
        weft_ledger_former_fini(&former);
        return status;
    }
    *out_former = former;
    return WEFT_OK;
}

void weft_ledger_former_fini(struct weft_ledger_former *former)
{
    weft_free(former->image.bytes);
    weft_free(former->totals);
    weft_free(former->balances);
    *former = (struct weft_ledger_former){ 0 };
}
