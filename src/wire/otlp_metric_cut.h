#pragma once

#include "base/slice.h"
#include "wire/protobuf.h"

/* Cutting a Metric between its data points. First it is laid out in memory of the cutter's own: all fields but the
 * data, in order, then one field of data that begins with what is not a point. What protobuf would merge is one then,
 * and what a later kind of data replaces is gone. Each further cut only copies the points that it takes, since the
 * front of what is left is written over them: any number of cuts costs two copies of the metric. Unknown fields of both
 * messages go with each piece. */
struct weft_otlp_laid_metric {
    struct weft_slice fields;      /* of the Metric, but its data */
    struct weft_slice data_fields; /* of the data, but its points */
    struct weft_slice points;      /* fields, one after the other */
    uint32_t data_number;          /* which kind of data, as a field of Metric */
};

/* Bytes of a checked metric, with at least one data point, when it is laid out; at most its own. */
size_t weft_otlp_metric_laid_bytes(struct weft_slice metric);

/* Lays the metric out at `to`, which has room for that and nothing of the metric in it. */
void weft_otlp_metric_lay_out(struct weft_slice metric, uint8_t *to);

/* The parts of a metric that was laid out, or that a cut has left. */
struct weft_otlp_laid_metric weft_otlp_laid_metric_of(struct weft_slice laid);

/* Bytes of the metric with its first points that take so many bytes. */
size_t weft_otlp_laid_metric_bytes(const struct weft_otlp_laid_metric *metric, size_t points_length);

/* Writes the first points that take so many bytes, as a metric of their own, at `front`; returns what is left, which is
 * the caller's laid bytes from a later one on, with other contents. Not all points, and not none. */
struct weft_slice weft_otlp_laid_metric_cut(uint8_t *laid, size_t length, size_t points_length, uint8_t *front);
