/* The signals (signal.h): what is told apart by a word only stands in one row each. */
#include "wire/signal.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"

struct signal_row {
    const char *name;
    const char *items_name;
    const char *export_method;
    const char *url_path;
    const char *rejected_key;
};

static const struct signal_row signal_rows[WEFT_SIGNAL_COUNT] = {
    [WEFT_TRACES] = { "traces", "spans", "/opentelemetry.proto.collector.trace.v1.TraceService/Export", "/v1/traces",
                      "rejectedSpans" },
    [WEFT_METRICS] = { "metrics", "metric_points", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
                       "/v1/metrics", "rejectedDataPoints" },
    [WEFT_LOGS] = { "logs", "log_records", "/opentelemetry.proto.collector.logs.v1.LogsService/Export", "/v1/logs",
                    "rejectedLogRecords" },
    [WEFT_PROFILES] = { "profiles", "profile_samples",
                        "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
                        "/v1development/profiles", "rejectedProfiles" },
};

static const struct signal_row *row_of(enum weft_signal signal)
{
    weft_assert((size_t)signal < WEFT_SIGNAL_COUNT);
    return &signal_rows[signal];
}

bool weft_signal_parse(const char *name, enum weft_signal *out_signal)
{
    for (size_t i = 0; i < WEFT_SIGNAL_COUNT; i++) {
        if (strcmp(name, signal_rows[i].name) == 0) {
            *out_signal = (enum weft_signal)i;
            return true;
        }
    }
    return false;
}

const char *weft_signal_name(enum weft_signal signal)
{
    return row_of(signal)->name;
}

const char *weft_signal_items_name(enum weft_signal signal)
{
    return row_of(signal)->items_name;
}

const char *weft_signal_export_method(enum weft_signal signal)
{
    return row_of(signal)->export_method;
}

const char *weft_signal_url_path(enum weft_signal signal)
{
    return row_of(signal)->url_path;
}

const char *weft_signal_rejected_key(enum weft_signal signal)
{
    return row_of(signal)->rejected_key;
}
