#pragma once

#include "exporters/prometheus_text.h"

/* Which format a scraper gets: the first that it accepts and weft has, as the Prometheus libraries for Go choose; the
 * text format if there is none. OpenMetrics only where it is enabled. */
enum { WEFT_PROMETHEUS_TYPE_BYTES = 120 };

struct weft_prometheus_accepted {
    struct weft_prometheus_format format;
    char content_type[WEFT_PROMETHEUS_TYPE_BYTES];
};

void weft_prometheus_accept(struct weft_slice accept, bool has_open_metrics,
                            struct weft_prometheus_accepted *out_accepted);

/* Whether Accept-Encoding allows gzip. */
bool weft_prometheus_accepts_gzip(struct weft_slice accept_encoding);
