#pragma once

#include "base/buffer.h"

/* Names as Prometheus has them, made of OpenTelemetry's by the Collector's rules (its otlptranslator, for metrics and
 * for labels). Pure; a failed append shows in the buffer's status. */
enum weft_prometheus_kind {
    WEFT_PROMETHEUS_GAUGE,
    WEFT_PROMETHEUS_SUM, /* not monotonic: shown as a gauge, named as a sum */
    WEFT_PROMETHEUS_COUNTER,
    WEFT_PROMETHEUS_HISTOGRAM,
    WEFT_PROMETHEUS_EXPONENTIAL, /* shown as a histogram without buckets: the text formats have no native ones */
    WEFT_PROMETHEUS_SUMMARY,
};

struct weft_prometheus_naming {
    struct weft_slice name_space;
    bool adds_suffixes; /* units and _total */
    bool allows_utf8;   /* names are kept as they are; what a scraper cannot read is escaped for it */
};

/* What a scraper takes: the escaping that it asked for. */
enum weft_prometheus_escaping {
    WEFT_PROMETHEUS_UNDERSCORES,
    WEFT_PROMETHEUS_ALLOW_UTF8,
    WEFT_PROMETHEUS_DOTS,
    WEFT_PROMETHEUS_VALUES,
};

/* Appends the metric's name. False: nothing would be left of it; out is as it was. */
bool weft_prometheus_put_metric_name(const struct weft_prometheus_naming *naming, enum weft_prometheus_kind kind,
                                     struct weft_slice name, struct weft_slice unit, struct weft_buffer *out);

/* Appends the name of a label: of prefix and key together. False: there is none for them; out is as it was. */
bool weft_prometheus_put_label_name(const struct weft_prometheus_naming *naming, const char *prefix,
                                    struct weft_slice key, struct weft_buffer *out);

/* Such a name says nothing; so does an empty one. */
bool weft_prometheus_is_underscores_only(struct weft_slice name);

/* A name that every version of the formats has bare: letters, digits, '_' and ':'. */
bool weft_prometheus_is_plain_name(struct weft_slice name);

/* Appends a name that is not plain as this escaping has it. */
void weft_prometheus_put_escaped_name(struct weft_slice name, enum weft_prometheus_escaping escaping,
                                      struct weft_buffer *out);
