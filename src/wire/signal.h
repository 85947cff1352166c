#pragma once

/* The three signals. The shape of an export request is the same for all: 1 = ResourceX {1 = resource, 2 =
 * ScopeX {1 = scope, 2 = records, 3 = schema_url}, 3 = schema_url} (opentelemetry-proto v1). A record is a
 * Span, a Metric (counted by its data points) or a LogRecord. */
enum weft_signal { WEFT_TRACES, WEFT_METRICS, WEFT_LOGS };

enum { WEFT_SIGNAL_COUNT = 3 };

/* "traces", "metrics", "logs" */
const char *weft_signal_name(enum weft_signal signal);

/* "spans", "metric_points", "log_records": as in the Collector's metric names. */
const char *weft_signal_items_name(enum weft_signal signal);
