/* The names of the signals (signal.h). */
#include "wire/signal.h"

#include <stddef.h>

#include "base/assert.h"

struct signal_row {
    const char *name;
    const char *items_name;
};

static const struct signal_row signal_rows[WEFT_SIGNAL_COUNT] = {
    [WEFT_TRACES] = { "traces", "spans" },
    [WEFT_METRICS] = { "metrics", "metric_points" },
    [WEFT_LOGS] = { "logs", "log_records" },
};

static const struct signal_row *row_of(enum weft_signal signal)
{
    weft_assert((size_t)signal < WEFT_SIGNAL_COUNT);
    return &signal_rows[signal];
}

const char *weft_signal_name(enum weft_signal signal)
{
    return row_of(signal)->name;
}

const char *weft_signal_items_name(enum weft_signal signal)
{
    return row_of(signal)->items_name;
}
