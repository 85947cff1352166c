/* A snapshot for others: JSON for /v1/ledger, a table for people. Pure functions of the snapshot. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ledger/layout.h"

/* What the account holds (memory), has taken (end) or has given (source). */
static int64_t amount_of(const struct weft_ledger_balance *balance)
{
    bool is_source = balance->account_class == WEFT_ACCOUNT_CLASS_SOURCE;
    return (int64_t)(is_source ? balance->outflow : balance->inflow - balance->outflow);
}

static bool is_first_of_signal(const struct weft_ledger_snapshot *snapshot, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(snapshot->balances[i].account.signal, snapshot->balances[index].account.signal) == 0) {
            return false;
        }
    }
    return true;
}

#define TOTAL_ROWS(ROW) \
    ROW(offered)        \
    ROW(copied)         \
    ROW(in_flight)      \
    ROW(in_transit)     \
    ROW(buffered)       \
    ROW(queued)         \
    ROW(spooled)        \
    ROW(sent)           \
    ROW(rejected)       \
    ROW(handed_over)    \
    ROW(dropped)        \
    ROW(refused)        \
    ROW(uncopied)       \
    ROW(other)

static void write_json_text(struct weft_buffer *out, const char *key, const char *text)
{
    weft_buffer_append_format(out, "\"%s\":", key);
    weft_buffer_append_json_string(out, weft_slice_of_text(text));
    weft_buffer_append_byte(out, ',');
}

static void write_json_totals(const char *signal, const struct weft_ledger_totals *totals, struct weft_buffer *out)
{
    weft_buffer_append_json_string(out, weft_slice_of_text(signal));
    weft_buffer_append_format(out, ":{\"accepted\":%" PRId64, (int64_t)(totals->offered - totals->refused));
#define WRITE_TOTAL(name) weft_buffer_append_format(out, ",\"" #name "\":%" PRId64, (int64_t)totals->name);
    TOTAL_ROWS(WRITE_TOTAL)
#undef WRITE_TOTAL
    weft_buffer_append_format(out, ",\"balanced\":%s}", weft_ledger_totals_balance(totals) ? "true" : "false");
}

void weft_ledger_snapshot_write_json(const struct weft_ledger_snapshot *snapshot, struct weft_buffer *out)
{
    weft_buffer_append_format(out, "{\"exact\":%s,\"signals\":{", snapshot->is_exact ? "true" : "false");
    const char *separator = "";
    for (size_t i = 0; i < snapshot->count; i++) {
        if (is_first_of_signal(snapshot, i)) {
            struct weft_ledger_totals totals;
            weft_ledger_snapshot_totals(snapshot, snapshot->balances[i].account.signal, &totals);
            weft_buffer_append_text(out, separator);
            write_json_totals(snapshot->balances[i].account.signal, &totals, out);
            separator = ",";
        }
    }
    weft_buffer_append_text(out, "},\"accounts\":[");
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct weft_ledger_balance *balance = &snapshot->balances[i];
        weft_buffer_append_text(out, i == 0 ? "{" : ",{");
        write_json_text(out, "account", balance->kind_text);
        write_json_text(out, "signal", balance->account.signal);
        write_json_text(out, "pipeline", balance->account.pipeline);
        write_json_text(out, "owner", balance->account.owner);
        write_json_text(out, "reason", balance->reason_text);
        weft_buffer_append_format(out, "\"inflow\":%" PRIu64 ",\"outflow\":%" PRIu64 ",\"balance\":%" PRId64 "}",
                                  balance->inflow, balance->outflow, amount_of(balance));
    }
    weft_buffer_append_text(out, "]}");
}

static void write_text_account(const struct weft_ledger_balance *balance, struct weft_buffer *out)
{
    const struct weft_account *account = &balance->account;
    char name[64];
    bool has_reason = balance->reason_text[0] != '\0';
    snprintf(name, sizeof name, has_reason ? "%s(%s)" : "%s", balance->kind_text, balance->reason_text);
    weft_buffer_append_format(out, "  %-28s %-24s %-32s %20" PRId64 "\n", name,
                              account->pipeline[0] == '\0' ? "-" : account->pipeline,
                              account->owner[0] == '\0' ? "-" : account->owner, amount_of(balance));
}

static void write_text_signal(const struct weft_ledger_snapshot *snapshot, const char *signal, struct weft_buffer *out)
{
    struct weft_ledger_totals totals;
    weft_ledger_snapshot_totals(snapshot, signal, &totals);
    weft_buffer_append_format(out, "%s: accepted %" PRId64 ", the books %s\n", signal,
                              (int64_t)(totals.offered - totals.refused),
                              weft_ledger_totals_balance(&totals) ? "balance" : "DO NOT BALANCE");
    for (int kind = 0; kind <= WEFT_ACCOUNT_COUNT; kind++) { /* the last: kinds that this build does not know */
        for (size_t i = 0; i < snapshot->count; i++) {
            const struct weft_ledger_balance *balance = &snapshot->balances[i];
            if ((int)balance->account.kind == kind && strcmp(balance->account.signal, signal) == 0 &&
                balance->inflow + balance->outflow > 0) {
                write_text_account(balance, out);
            }
        }
    }
}

void weft_ledger_snapshot_write_text(const struct weft_ledger_snapshot *snapshot, struct weft_buffer *out)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        if (is_first_of_signal(snapshot, i)) {
            write_text_signal(snapshot, snapshot->balances[i].account.signal, out);
        }
    }
}
