/* The audit of in_transit (audit_transit.h). Called by the page of the ledger when all workers have answered. */
#include "admin/audit_transit.h"

#include "base/log.h"

/* Counts only grow: if every account has the same inflow and outflow, no record has moved. */
static bool has_paused(const struct weft_ledger_snapshot *before, const struct weft_ledger_snapshot *after)
{
    if (!before->is_exact || !after->is_exact || before->count != after->count) {
        return false;
    }
    for (size_t i = 0; i < after->count; i++) {
        if (before->balances[i].inflow != after->balances[i].inflow ||
            before->balances[i].outflow != after->balances[i].outflow) {
            return false;
        }
    }
    return true;
}

static void report(const struct weft_account *account, int64_t booked, uint64_t lent_records,
                   struct weft_buffer *out_text)
{
    weft_log(ERROR, "ledger.disagrees", "more is booked in transit than is on loan",
             WEFT_LOG_STRING("pipeline", account->pipeline), WEFT_LOG_STRING("owner", account->owner),
             WEFT_LOG_INT("booked", booked), WEFT_LOG_INT("lent", lent_records));
    weft_buffer_append_format(out_text, "%s{\"account\":\"in_transit\",\"signal\":\"%s\",\"pipeline\":",
                              out_text->length > 0 ? "," : "", account->signal);
    weft_buffer_append_json_string(out_text, weft_slice_of_text(account->pipeline));
    weft_buffer_append_text(out_text, ",\"owner\":");
    weft_buffer_append_json_string(out_text, weft_slice_of_text(account->owner));
    weft_buffer_append_format(out_text, ",\"booked\":%lld,\"held\":%llu}", (long long)booked,
                              (unsigned long long)lent_records);
}

size_t weft_audit_transit(const struct weft_ledger_snapshot *before, const struct weft_ledger_snapshot *after,
                          uint64_t lent_records, struct weft_buffer *out_text)
{
    size_t disagreements = 0;
    if (!has_paused(before, after)) {
        return 0;
    }
    for (size_t i = 0; i < after->count; i++) {
        const struct weft_ledger_balance *balance = &after->balances[i];
        int64_t booked = (int64_t)(balance->inflow - balance->outflow);
        if (balance->account.kind == WEFT_ACCOUNT_IN_TRANSIT && (booked < 0 || (uint64_t)booked > lent_records)) {
            disagreements++;
            report(&balance->account, booked, lent_records, out_text);
        }
    }
    return disagreements;
}
