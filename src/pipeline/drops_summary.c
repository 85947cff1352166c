/* The breakdowns of all workers put together (drops_summary.h). Whether rows and books agree is looked at on the thread
 * that counts both, so it needs no snapshot: between two calls nothing moves. */
#include "pipeline/drops_summary.h"

#include "base/alloc.h"

void weft_drops_summary_init(struct weft_drops_summary *summary, struct weft_monotonic asked, int64_t since_ns)
{
    int64_t from_ns = since_ns > asked.ns ? 0 : asked.ns - since_ns;
    *summary =
        (struct weft_drops_summary){ .asked = asked, .from = { from_ns }, .started = asked, .is_balanced = true };
    for (int i = 0; i < WEFT_DROPS_WINDOW_COUNT; i++) {
        summary->from_windows[i] = weft_drops_window_of((enum weft_drops_window)i, summary->from);
    }
}

void weft_drops_summary_fini(struct weft_drops_summary *summary)
{
    weft_free(summary->rows);
    *summary = (struct weft_drops_summary){ 0 };
}

static const char *reason_of(const struct weft_ledger_balance *end)
{
    return end->account.kind == WEFT_ACCOUNT_DROPPED ? end->reason_text : end->kind_text;
}

static bool is_broken_down(const struct weft_ledger_balance *end)
{
    return end->account.kind == WEFT_ACCOUNT_DROPPED || end->account.kind == WEFT_ACCOUNT_REFUSED ||
           end->account.kind == WEFT_ACCOUNT_REJECTED;
}

static void add_row(struct weft_drops_summary *summary, const struct weft_drops_summary_row *row)
{
    if (weft_try_grow(&summary->rows, sizeof *row, summary->row_count, &summary->row_capacity) != WEFT_OK) {
        summary->is_failed = true;
        return;
    }
    summary->rows[summary->row_count++] = *row;
}

static void add_rows(struct weft_drops_summary *summary, struct weft_ledger *ledger, const struct weft_drops_row *rows,
                     size_t count)
{
    struct weft_ledger_balance end;
    for (size_t i = 0; i < count && !summary->is_failed; i++) {
        if (weft_ledger_flow_end(ledger, rows[i].flow, &end)) {
            struct weft_drops_summary_row row = { .signal = end.account.signal,
                                                  .reason = reason_of(&end),
                                                  .policy = rows[i].policy,
                                                  .service = rows[i].service,
                                                  .total = rows[i].total };
            memcpy(row.recent, rows[i].recent, sizeof row.recent);
            add_row(summary, &row);
        }
    }
}

/* What the opening moved belongs to no worker: the first one tells. It falls at the start, before every whole window.
 */
static void add_crash_moves(struct weft_drops_summary *summary, struct weft_ledger *ledger)
{
    struct weft_ledger_balance end;
    uint64_t count = 0;
    weft_flow_id flow;
    for (size_t i = 0; (flow = weft_ledger_crash_move(ledger, i, &count)) != WEFT_FLOW_NONE; i++) {
        if (weft_ledger_flow_end(ledger, flow, &end)) {
            struct weft_drops_summary_row row = {
                .signal = end.account.signal, .reason = reason_of(&end), .is_at_start = true, .total = count
            };
            add_row(summary, &row);
        }
    }
}

/* sums: by flow, what the rows say; taken apart. */
static bool agrees(const struct weft_host *host, const uint64_t *sums, uint32_t flow_limit)
{
    struct weft_ledger_balance end;
    for (uint32_t flow = 1; flow < flow_limit; flow++) {
        bool is_end = weft_ledger_flow_end(host->ledger, (weft_flow_id)flow, &end) && is_broken_down(&end);
        uint64_t growth = is_end ? weft_ledger_worker_growth(host->ledger, host->books, (weft_flow_id)flow) : 0;
        if (sums[flow] != growth) {
            return false;
        }
    }
    return true;
}

static void compare(struct weft_drops_summary *summary, const struct weft_host *host, const struct weft_drops_row *rows,
                    size_t count)
{
    uint32_t flow_limit = weft_ledger_flow_limit(host->ledger);
    uint64_t *sums = weft_try_alloc(flow_limit * sizeof sums[0]);
    if (sums == NULL) {
        summary->is_failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        sums[rows[i].flow] += rows[i].total;
    }
    summary->is_balanced = summary->is_balanced && agrees(host, sums, flow_limit);
    weft_free(sums);
}

void weft_drops_summary_add(struct weft_drops_summary *summary, const struct weft_host *host)
{
    size_t count = weft_drops_row_count(host->drops);
    struct weft_drops_row *rows = weft_try_alloc((count + 1) * sizeof *rows);
    if (rows == NULL) {
        summary->is_failed = true;
        return;
    }
    weft_drops_read(host->drops, summary->from_windows, rows);
    add_rows(summary, host->ledger, rows, count);
    compare(summary, host, rows, count);
    weft_free(rows);
    if (host->worker_index == 0) {
        add_crash_moves(summary, host->ledger);
    }
    struct weft_monotonic started = weft_drops_started(host->drops);
    summary->started = started.ns < summary->started.ns ? started : summary->started;
    for (int i = 0; i < WEFT_DROPS_WINDOW_COUNT; i++) {
        uint32_t first = weft_drops_first_window(host->drops, (enum weft_drops_window)i);
        summary->first_windows[i] = first > summary->first_windows[i] ? first : summary->first_windows[i];
    }
}

static struct weft_monotonic start_of(enum weft_drops_window window, uint32_t number)
{
    return (struct weft_monotonic){ number * weft_drops_window_ns(window) };
}

enum weft_drops_choice weft_drops_summary_choose(const struct weft_drops_summary *summary,
                                                 enum weft_drops_window *out_window,
                                                 struct weft_monotonic *out_covers_from)
{
    if (summary->from.ns <= summary->started.ns) {
        *out_covers_from = summary->started;
        return WEFT_DROPS_CHOICE_TOTALS;
    }
    for (int i = 0; i < WEFT_DROPS_WINDOW_COUNT; i++) {
        if (summary->first_windows[i] <= summary->from_windows[i]) {
            struct weft_monotonic start = start_of((enum weft_drops_window)i, summary->from_windows[i]);
            *out_window = (enum weft_drops_window)i;
            *out_covers_from = start.ns < summary->started.ns ? summary->started : start;
            return WEFT_DROPS_CHOICE_WINDOWS;
        }
    }
    *out_covers_from = start_of(WEFT_DROPS_HOURS, summary->first_windows[WEFT_DROPS_HOURS]);
    return WEFT_DROPS_CHOICE_NONE;
}
