#pragma once

#include "pipeline/drops.h"
#include "pipeline/host.h"

/* What all workers' breakdowns say about one stretch of time: a question that goes from worker to worker. Each adds its
 * rows and looks whether they agree with its books; how far back each kind of window reaches on all of them is known
 * when the last one has answered. */
struct weft_drops_summary_row {
    const char *signal, *reason;       /* "refused" and "rejected" are reasons, too; as long as the ledger lives */
    struct weft_slice policy, service; /* as long as the drops of the workers live */
    bool is_at_start;                  /* dropped(crash): what the former process had in memory when it was killed */
    uint64_t total;
    uint64_t recent[WEFT_DROPS_WINDOW_COUNT];
};

struct weft_drops_summary {
    struct weft_monotonic asked, from; /* `from` may lie before the start */
    struct weft_monotonic started;     /* of the workers */
    uint32_t from_windows[WEFT_DROPS_WINDOW_COUNT];
    uint32_t first_windows[WEFT_DROPS_WINDOW_COUNT]; /* that all workers still have */
    struct weft_drops_summary_row *rows;
    size_t row_count, row_capacity;
    bool is_balanced; /* on every worker, the rows of each flow are the flow's growth */
    bool is_failed;   /* no memory for the rows of a worker */
};

void weft_drops_summary_init(struct weft_drops_summary *summary, struct weft_monotonic asked, int64_t since_ns);
void weft_drops_summary_fini(struct weft_drops_summary *summary);

/* On the worker's thread. */
void weft_drops_summary_add(struct weft_drops_summary *summary, const struct weft_host *host);

/* Which numbers answer the question, and from when on they count. */
enum weft_drops_choice {
    WEFT_DROPS_CHOICE_WINDOWS, /* recent[*out_window] */
    WEFT_DROPS_CHOICE_TOTALS,  /* total: since the start */
    WEFT_DROPS_CHOICE_NONE,    /* no windows reach back so far; *out_covers_from: what can be had */
};

enum weft_drops_choice weft_drops_summary_choose(const struct weft_drops_summary *summary,
                                                 enum weft_drops_window *out_window,
                                                 struct weft_monotonic *out_covers_from);
