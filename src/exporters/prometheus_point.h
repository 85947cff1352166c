#pragma once

#include "exporters/prometheus_name.h"
#include "wire/protobuf.h"

/* Reading the data points of checked metrics: scalars as they are, lists of numbers into arrays that are used again
 * from point to point. */
enum weft_prometheus_temporality {
    WEFT_PROMETHEUS_UNSPECIFIED = 0,
    WEFT_PROMETHEUS_DELTA = 1,
    WEFT_PROMETHEUS_CUMULATIVE = 2,
};

struct weft_prometheus_metric {
    enum weft_prometheus_kind kind;
    struct weft_slice name, description, unit;
    uint64_t temporality;
    uint32_t attributes_field; /* of its points */
    uint32_t data_field;       /* of Metric; 0: it has no data */
    struct weft_slice data; /* the metric from where its data begins: what lies in the messages of data_field merges */
};

struct weft_prometheus_points {
    uint32_t data_field;
    struct weft_wire_reader metric, data;
};

/* A bounded growing array. */
struct weft_prometheus_numbers {
    union weft_prometheus_word {
        uint64_t integer;
        double real;
    } * items;
    size_t count, capacity;
};

struct weft_prometheus_point {
    struct weft_slice bytes;
    uint64_t start_ns, time_ns, flags;
    bool is_integer, has_sum;
    int64_t integer;
    double real, sum;
    uint64_t count, zero_count, population; /* population: what the buckets of an exponential histogram hold */
    int32_t scale;
    struct weft_prometheus_numbers bounds; /* of a histogram; of a summary pairs of quantile and value */
    struct weft_prometheus_numbers counts; /* of a histogram */
};

enum { WEFT_PROMETHEUS_NO_RECORDED_VALUE = 1 }; /* in flags */

void weft_prometheus_metric_read(struct weft_slice metric, struct weft_prometheus_metric *out_metric);

struct weft_prometheus_points weft_prometheus_points_of(const struct weft_prometheus_metric *metric);

/* The contents of the next data point; false at the end. */
bool weft_prometheus_points_next(struct weft_prometheus_points *points, struct weft_slice *out_point);

/* point is zero at first, and read into again and again. WEFT_NOMEM only. */
enum weft_status weft_prometheus_point_read(enum weft_prometheus_kind kind, struct weft_slice bytes,
                                            struct weft_prometheus_point *point) WEFT_MUST_CHECK;
void weft_prometheus_point_fini(struct weft_prometheus_point *point);

/* An Exemplar, read whole. */
struct weft_prometheus_exemplar {
    double value;
    uint64_t time_ns;
    uint8_t trace_id[16], span_id[8];
    bool has_trace_id, has_span_id; /* there, and not zeros only */
    uint32_t bucket;                /* that it lies in, of a histogram */
};

/* The field of the point that has exemplars; 0 = none that are shown. */
uint32_t weft_prometheus_exemplars_field(enum weft_prometheus_kind kind);
struct weft_prometheus_exemplar weft_prometheus_exemplar_read(struct weft_slice bytes);
