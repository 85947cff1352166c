/* GET /v1/drops?since=15m&by=reason,policy,service: what was dropped, refused and rejected lately, and whose it was
 * (docs/asking.md). Rows of all workers are put together by the columns that are asked for, largest first. */
#include <stdio.h>
#include <stdlib.h>

#include "admin/error.h"
#include "admin/page.h"
#include "base/alloc.h"
#include "config/duration.h"

enum { BY_REASON = 1, BY_POLICY = 2, BY_SERVICE = 4, PARAMETER_BYTES = 64 };

static const struct {
    const char *name;
    unsigned bit;
} columns[] = { { "reason", BY_REASON }, { "policy", BY_POLICY }, { "service", BY_SERVICE } };

static int refuse(struct weft_buffer *out, const char *message, const char *key, const char *value, const char *help)
{
    struct weft_admin_detail detail = { key, weft_slice_of_text(value) };
    weft_admin_error_write(
        &(struct weft_admin_error){
            .code = "BAD_PARAMETER", .message = message, .details = &detail, .detail_count = 1, .help = help },
        out);
    return 400;
}

static bool read_columns(const char *text, unsigned *out_groups)
{
    char list[PARAMETER_BYTES];
    snprintf(list, sizeof list, "%s", text);
    unsigned groups = 0;
    char *rest = NULL;
    for (char *word = strtok_r(list, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        size_t i = 0;
        while (i < WEFT_COUNT_OF(columns) && strcmp(word, columns[i].name) != 0) {
            i++;
        }
        if (i == WEFT_COUNT_OF(columns)) {
            return false;
        }
        groups |= columns[i].bit;
    }
    *out_groups = groups;
    return true;
}

/* default_text if the query has no such parameter. False: it does not fit, or is malformed. */
static bool read_parameter(struct weft_slice query, const char *name, const char *default_text, char *out_text)
{
    struct weft_slice value = weft_slice_of_text(default_text);
    (void)weft_admin_query_find(query, name, &value);
    return weft_admin_percent_decode(value, out_text, PARAMETER_BYTES);
}

static int begin(struct weft_admin_visit *visit, struct weft_slice word, struct weft_slice query,
                 struct weft_gather *gather, struct weft_buffer *out)
{
    (void)word;
    char since[PARAMETER_BYTES] = "";
    char by[PARAMETER_BYTES] = "";
    int64_t since_ns = 0;
    if (!read_parameter(query, "since", "15m", since) || !weft_duration_parse(since, &since_ns) || since_ns < 0) {
        return refuse(out, "since is not a duration", "since", since, "Like 90s, 15m or 24h.");
    }
    if (!read_parameter(query, "by", "reason,policy,service", by) || !read_columns(by, &visit->groups)) {
        return refuse(out, "by is not a list of columns", "by", by, "Some of reason, policy, service; commas between.");
    }
    gather->drops = weft_alloc(sizeof *gather->drops);
    weft_drops_summary_init(gather->drops, weft_monotonic_now(), since_ns);
    return WEFT_PAGE_OK;
}

/* ---- grouping ---- */

static int compare_slices(struct weft_slice left, struct weft_slice right)
{
    size_t length = left.length < right.length ? left.length : right.length;
    int order = length == 0 ? 0 : memcmp(left.bytes, right.bytes, length);
    return order != 0 ? order : (left.length > right.length) - (left.length < right.length);
}

static int compare_keys(const void *left_row, const void *right_row)
{
    const struct weft_drops_summary_row *left = left_row;
    const struct weft_drops_summary_row *right = right_row;
    int order = strcmp(left->signal, right->signal);
    order = order != 0 ? order : left->is_at_start - right->is_at_start;
    order = order != 0 ? order : strcmp(left->reason, right->reason);
    order = order != 0 ? order : compare_slices(left->policy, right->policy);
    return order != 0 ? order : compare_slices(left->service, right->service);
}

static int compare_sizes(const void *left_row, const void *right_row)
{
    const struct weft_drops_summary_row *left = left_row;
    const struct weft_drops_summary_row *right = right_row;
    return left->total != right->total ? (left->total < right->total ? 1 : -1) : compare_keys(left_row, right_row);
}

/* Keeps in total what was asked for and in the names the columns that were. */
static size_t pick(struct weft_drops_summary *summary, enum weft_drops_choice choice, enum weft_drops_window window,
                   bool has_start, unsigned groups)
{
    size_t count = 0;
    for (size_t i = 0; i < summary->row_count; i++) {
        struct weft_drops_summary_row row = summary->rows[i];
        bool is_total = choice == WEFT_DROPS_CHOICE_TOTALS || row.is_at_start;
        row.total = is_total ? row.total : row.recent[window];
        row.reason = (groups & BY_REASON) != 0 ? row.reason : "";
        row.policy = (groups & BY_POLICY) != 0 ? row.policy : WEFT_SLICE_EMPTY;
        row.service = (groups & BY_SERVICE) != 0 ? row.service : WEFT_SLICE_EMPTY;
        if (row.total > 0 && (has_start || !row.is_at_start)) {
            summary->rows[count++] = row;
        }
    }
    return count;
}

static void sort(struct weft_drops_summary *summary, size_t count, int (*compare)(const void *, const void *))
{
    if (count > 1) {
        qsort(summary->rows, count, sizeof summary->rows[0], compare);
    }
}

static size_t merge(struct weft_drops_summary_row *rows, size_t count)
{
    size_t merged = 0;
    for (size_t i = 0; i < count; i++) {
        if (merged > 0 && compare_keys(&rows[merged - 1], &rows[i]) == 0) {
            rows[merged - 1].total += rows[i].total;
        } else {
            rows[merged++] = rows[i];
        }
    }
    return merged;
}

/* ---- writing ---- */

static void append_column(struct weft_buffer *out, const char *name, struct weft_slice value)
{
    weft_buffer_append_format(out, "\"%s\":", name);
    weft_buffer_append_json_string(out, value);
    weft_buffer_append_byte(out, ',');
}

static void append_row(struct weft_buffer *out, const struct weft_drops_summary_row *row, unsigned groups)
{
    weft_buffer_append_byte(out, '{');
    append_column(out, "signal", weft_slice_of_text(row->signal));
    if ((groups & BY_REASON) != 0) {
        append_column(out, "reason", weft_slice_of_text(row->reason));
    }
    if ((groups & BY_POLICY) != 0) {
        append_column(out, "policy", row->policy);
    }
    if ((groups & BY_SERVICE) != 0) {
        append_column(out, "service", row->service);
    }
    weft_buffer_append_format(out, "\"records\":%llu", (unsigned long long)row->total);
    weft_buffer_append_text(out, row->is_at_start ? ",\"at_start\":true}" : "}");
}

static const char *windows_text(enum weft_drops_choice choice, enum weft_drops_window window)
{
    static const char *const texts[] = {
        [WEFT_DROPS_SECONDS] = "1s", [WEFT_DROPS_MINUTES] = "1m", [WEFT_DROPS_HOURS] = "1h"
    };
    return choice == WEFT_DROPS_CHOICE_WINDOWS ? texts[window] : "start";
}

static void append_end(const struct weft_admin_visit *visit, const struct weft_drops_summary *summary,
                       struct weft_monotonic covers_from, const char *windows, struct weft_buffer *out)
{
    char text[WEFT_RFC3339_BYTES];
    int64_t ago_ns = weft_monotonic_now().ns - covers_from.ns;
    struct weft_wall from = { weft_wall_now().ns - ago_ns };
    weft_wall_format(covers_from.ns == summary->started.ns ? visit->started : from, text);
    weft_buffer_append_format(out, "],\"covers_from\":\"%s\",\"windows\":\"%s\",\"balanced\":%s}", text, windows,
                              summary->is_balanced ? "true" : "false");
}

static int write_drops(struct weft_admin_visit *visit, struct weft_gather *gather, struct weft_buffer *out)
{
    struct weft_drops_summary *summary = gather->drops;
    enum weft_drops_window window = WEFT_DROPS_SECONDS;
    struct weft_monotonic covers_from = { 0 };
    if (summary->is_failed) {
        weft_admin_error_write(&(struct weft_admin_error){ .code = "OUT_OF_MEMORY",
                                                           .message = "no memory for the answer",
                                                           .help = "Ask again." },
                               out);
        return 503;
    }
    enum weft_drops_choice choice = weft_drops_summary_choose(summary, &window, &covers_from);
    if (choice == WEFT_DROPS_CHOICE_NONE && !visit->is_second) {
        struct weft_monotonic now = weft_monotonic_now();
        weft_drops_summary_fini(summary);
        weft_drops_summary_init(summary, now, now.ns - covers_from.ns);
        return WEFT_PAGE_AGAIN;
    }
    if (choice == WEFT_DROPS_CHOICE_NONE) { /* it has gone on meanwhile */
        choice = WEFT_DROPS_CHOICE_TOTALS;
        covers_from = summary->started;
    }
    bool has_start = covers_from.ns <= summary->started.ns;
    size_t count = pick(summary, choice, window, has_start, visit->groups);
    sort(summary, count, compare_keys);
    count = merge(summary->rows, count);
    sort(summary, count, compare_sizes);
    weft_buffer_append_text(out, "{\"drops\":[");
    for (size_t i = 0; i < count; i++) {
        weft_buffer_append_text(out, i == 0 ? "" : ",");
        append_row(out, &summary->rows[i], visit->groups);
    }
    append_end(visit, summary, covers_from, windows_text(choice, window), out);
    return summary->is_balanced ? WEFT_PAGE_OK : 500;
}

const struct weft_admin_page weft_drops_page = {
    .content_type = "application/json",
    .begin = begin,
    .write = write_drops,
};
