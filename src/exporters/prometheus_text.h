#pragma once

#include "exporters/prometheus_internal.h"

/* Writing a page in Prometheus's text format (0.0.4) or in OpenMetrics (1.0.0, 0.0.1), a part at a time: the table may
 * change between the parts. */
struct weft_prometheus_format {
    bool is_open_metrics;
    bool sends_timestamps;
    enum weft_prometheus_escaping escaping;
};

/* Appends until so many bytes are there, or the last series is written; target_info is first. True at the end. */
bool weft_prometheus_page_write(struct weft_prometheus_table *table, struct weft_prometheus_cursor *cursor,
                                const struct weft_prometheus_format *format, size_t enough_bytes,
                                struct weft_buffer *out);
