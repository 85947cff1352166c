#pragma once

#include <stdbool.h>

/* The signals. The shape of an export request is the same for all: 1 = ResourceX {1 = resource, 2 =
 * ScopeX {1 = scope, 2 = records, 3 = schema_url}, 3 = schema_url} (opentelemetry-proto v1). A record is a
 * Span, a Metric (counted by its data points), a LogRecord or a Profile (counted by its samples).
 *
 * A further one is an enumerator here, a row in signal.c, its messages in otlp_rules.c and json_schema.c and its
 * descriptor in otlp_path.c; whatever else tells signals apart is a switch, which does not build without it. */
enum weft_signal { WEFT_TRACES, WEFT_METRICS, WEFT_LOGS, WEFT_PROFILES };

enum { WEFT_SIGNAL_COUNT = 4 };

/* False: no signal has that name. */
bool weft_signal_parse(const char *name, enum weft_signal *out_signal);

/* "traces", "metrics", "logs", "profiles" */
const char *weft_signal_name(enum weft_signal signal);

/* "spans", "metric_points", "log_records", "profile_samples": as in the Collector's metric names. */
const char *weft_signal_items_name(enum weft_signal signal);

/* Where OTLP has it exported to: the method of gRPC, and the path of a URL ("/v1/traces"). */
const char *weft_signal_export_method(enum weft_signal signal);
const char *weft_signal_url_path(enum weft_signal signal);

/* The key of a partial success that says how many were not taken, in JSON: "rejectedSpans". */
const char *weft_signal_rejected_key(enum weft_signal signal);

/* Whether a record counts for what is in it (a metric for its data points, a profile for its samples), not for one. */
static inline bool weft_signal_weighs_items(enum weft_signal signal)
{
    return signal == WEFT_METRICS || signal == WEFT_PROFILES;
}

/* Whether requests stay as they came, neither merged nor cut: profiles refer to a dictionary, which is a field of the
 * request beside them. */
static inline bool weft_signal_stays_whole(enum weft_signal signal)
{
    return signal == WEFT_PROFILES;
}
