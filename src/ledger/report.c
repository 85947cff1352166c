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

/* The columns of a table for people are as wide as what stands in them. */
enum { COLUMN_ACCOUNT, COLUMN_PIPELINE, COLUMN_OWNER, COLUMN_AMOUNT, COLUMN_COUNT };

struct cells {
    char account[64], amount[24];
    const char *texts[COLUMN_COUNT];
};

static void cells_of(const struct weft_ledger_balance *balance, struct cells *cells)
{
    const struct weft_account *account = &balance->account;
    bool has_reason = balance->reason_text[0] != '\0';
    snprintf(cells->account, sizeof cells->account, has_reason ? "%s(%s)" : "%s", balance->kind_text,
             balance->reason_text);
    snprintf(cells->amount, sizeof cells->amount, "%" PRId64, amount_of(balance));
    cells->texts[COLUMN_ACCOUNT] = cells->account;
    cells->texts[COLUMN_PIPELINE] = account->pipeline[0] == '\0' ? "-" : account->pipeline;
    cells->texts[COLUMN_OWNER] = account->owner[0] == '\0' ? "-" : account->owner;
    cells->texts[COLUMN_AMOUNT] = cells->amount;
}

static bool is_shown(const struct weft_ledger_balance *balance)
{
    return balance->inflow + balance->outflow > 0;
}

static void measure(const struct weft_ledger_snapshot *snapshot, int widths[COLUMN_COUNT])
{
    struct cells cells;
    for (size_t i = 0; i < snapshot->count; i++) {
        if (!is_shown(&snapshot->balances[i])) {
            continue;
        }
        cells_of(&snapshot->balances[i], &cells);
        for (int column = 0; column < COLUMN_COUNT; column++) {
            int width = (int)strlen(cells.texts[column]);
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
}

static void write_text_account(const struct weft_ledger_balance *balance, const int widths[COLUMN_COUNT],
                               struct weft_buffer *out)
{
    struct cells cells;
    cells_of(balance, &cells);
    weft_buffer_append_format(out, "  %-*s  %-*s  %-*s  %*s\n", widths[COLUMN_ACCOUNT], cells.texts[COLUMN_ACCOUNT],
                              widths[COLUMN_PIPELINE], cells.texts[COLUMN_PIPELINE], widths[COLUMN_OWNER],
                              cells.texts[COLUMN_OWNER], widths[COLUMN_AMOUNT], cells.texts[COLUMN_AMOUNT]);
}

static void write_text_signal(const struct weft_ledger_snapshot *snapshot, const char *signal,
                              const int widths[COLUMN_COUNT], struct weft_buffer *out)
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
                is_shown(balance)) {
                write_text_account(balance, widths, out);
            }
        }
    }
}

void weft_ledger_snapshot_write_text(const struct weft_ledger_snapshot *snapshot, struct weft_buffer *out)
{
    int widths[COLUMN_COUNT] = { 0 };
    measure(snapshot, widths);
    for (size_t i = 0; i < snapshot->count; i++) {
        if (is_first_of_signal(snapshot, i)) {
            write_text_signal(snapshot, snapshot->balances[i].account.signal, widths, out);
        }
    }
}
