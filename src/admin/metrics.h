#pragma once

#include "base/buffer.h"

/* Writes the Prometheus text format (version 0.0.4), family by family: weft_metrics_family once, then its samples.
 * Pure. Names are the Collector's without suffixes ("otelcol_receiver_accepted_spans"); whether a unit and `_total` are
 * appended is the reader's setting, since dashboards of both spellings are in use. */
enum weft_metric_type { WEFT_METRIC_COUNTER, WEFT_METRIC_GAUGE, WEFT_METRIC_HISTOGRAM };

enum { WEFT_METRIC_NAME_BYTES = 200 };

struct weft_metrics_writer {
    struct weft_buffer *out;
    bool has_type_suffix;                /* `_total` on counters; the Collector's default reader has neither */
    bool has_unit_suffix;                /* `_seconds`, `_bytes` */
    char family[WEFT_METRIC_NAME_BYTES]; /* as written; set by weft_metrics_family */
};

struct weft_metric_label {
    const char *name;        /* dots and other characters that Prometheus does not allow become '_' */
    struct weft_slice value; /* any bytes; escaped, what is not UTF-8 replaced */
};

/* One histogram as recorded: counts[i] values were at most bounds[i] and above bounds[i - 1]; counts[bound_count] were
 * above all. */
struct weft_metric_histogram {
    const double *bounds;
    const uint64_t *counts;
    size_t bound_count;
    double sum;
};

void weft_metrics_writer_init(struct weft_metrics_writer *writer, struct weft_buffer *out, bool has_type_suffix,
                              bool has_unit_suffix);

/* unit: as OpenTelemetry writes it: "s", "ms", "By", "{spans}", "". A family is written once per page. */
void weft_metrics_family(struct weft_metrics_writer *writer, const char *name, const char *unit, const char *help,
                         enum weft_metric_type type);
void weft_metrics_sample(struct weft_metrics_writer *writer, const struct weft_metric_label *labels, size_t label_count,
                         uint64_t value);
void weft_metrics_sample_real(struct weft_metrics_writer *writer, const struct weft_metric_label *labels,
                              size_t label_count, double value);
void weft_metrics_sample_histogram(struct weft_metrics_writer *writer, const struct weft_metric_label *labels,
                                   size_t label_count, const struct weft_metric_histogram *histogram);

/* For the answer's Content-Type. */
#define WEFT_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
