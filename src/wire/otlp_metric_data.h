#pragma once

#include "wire/protobuf.h"

/* Where the data points of a Metric lie (opentelemetry/proto/metrics/v1): five of its fields, members of one oneof,
 * hold messages with points, each kind under the same number, and each kind of point has its attributes elsewhere. */
enum weft_otlp_metric_field {
    WEFT_OTLP_METRIC_GAUGE = 5,
    WEFT_OTLP_METRIC_SUM = 7,
    WEFT_OTLP_METRIC_HISTOGRAM = 9,
    WEFT_OTLP_METRIC_EXPONENTIAL_HISTOGRAM = 10,
    WEFT_OTLP_METRIC_SUMMARY = 11,
};

enum { WEFT_OTLP_METRIC_POINTS_FIELD = 1 }; /* of each of them */

/* By the field of the Metric, that of its points that holds their attributes; 0: it has no points. */
static inline uint32_t weft_otlp_metric_attributes_field(uint32_t metric_field)
{
    switch (metric_field) {
    case WEFT_OTLP_METRIC_GAUGE:
    case WEFT_OTLP_METRIC_SUM:
    case WEFT_OTLP_METRIC_SUMMARY:
        return 7;
    case WEFT_OTLP_METRIC_HISTOGRAM:
        return 9;
    case WEFT_OTLP_METRIC_EXPONENTIAL_HISTOGRAM:
        return 1;
    default:
        return 0;
    }
}

/* Whether the field of a Metric holds points. */
static inline bool weft_otlp_is_metric_data(const struct weft_wire_field *field)
{
    enum {
        FIELDS = 1 << WEFT_OTLP_METRIC_GAUGE | 1 << WEFT_OTLP_METRIC_SUM | 1 << WEFT_OTLP_METRIC_HISTOGRAM |
                 1 << WEFT_OTLP_METRIC_EXPONENTIAL_HISTOGRAM | 1 << WEFT_OTLP_METRIC_SUMMARY
    };
    return field->type == WEFT_WIRE_BYTES && field->number <= WEFT_OTLP_METRIC_SUMMARY &&
           (FIELDS >> field->number & 1) != 0;
}
