/* Data points (prometheus_point.h): one walk over the fields of each. What was checked is not looked at again. */
#include "exporters/prometheus_point.h"

#include <string.h>

#include "base/alloc.h"
#include "wire/checked.h"
#include "wire/otlp_metric_data.h"

enum { NAME = 1, DESCRIPTION = 2, UNIT = 3 };
enum { TEMPORALITY = 2, IS_MONOTONIC = 3 };

static double real_of(uint64_t bits)
{
    double real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

/* ---- metrics ---- */

static void read_data(struct weft_prometheus_metric *metric, bool *out_is_monotonic)
{
    struct weft_wire_reader reader = weft_wire_reader_of(metric->data);
    struct weft_slice data;
    while (weft_wire_next_message(&reader, metric->data_field, &data)) {
        struct weft_wire_reader inner = weft_wire_reader_of(data);
        struct weft_wire_field field;
        while (weft_wire_next_checked(&inner, &field)) {
            if (field.type == WEFT_WIRE_VARINT && field.number == TEMPORALITY) {
                metric->temporality = field.number_value;
            } else if (field.type == WEFT_WIRE_VARINT && field.number == IS_MONOTONIC) {
                *out_is_monotonic = field.number_value != 0;
            }
        }
    }
}

static enum weft_prometheus_kind kind_of(uint32_t data_field, bool is_monotonic)
{
    switch (data_field) {
    case WEFT_OTLP_METRIC_SUM:
        return is_monotonic ? WEFT_PROMETHEUS_COUNTER : WEFT_PROMETHEUS_SUM;
    case WEFT_OTLP_METRIC_HISTOGRAM:
        return WEFT_PROMETHEUS_HISTOGRAM;
    case WEFT_OTLP_METRIC_EXPONENTIAL_HISTOGRAM:
        return WEFT_PROMETHEUS_EXPONENTIAL;
    case WEFT_OTLP_METRIC_SUMMARY:
        return WEFT_PROMETHEUS_SUMMARY;
    default:
        return WEFT_PROMETHEUS_GAUGE;
    }
}

void weft_prometheus_metric_read(struct weft_slice bytes, struct weft_prometheus_metric *out_metric)
{
    struct weft_prometheus_metric metric = { 0 };
    struct weft_wire_reader reader = weft_wire_reader_of(bytes);
    struct weft_wire_field field;
    bool is_monotonic = false;
    while (weft_wire_next_checked(&reader, &field)) {
        if (weft_otlp_is_metric_data(&field) && field.number != metric.data_field) {
            size_t start = (size_t)(field.whole.bytes - bytes.bytes);
            metric.data_field = field.number;
            metric.data = weft_slice_of(field.whole.bytes, bytes.length - start);
        } else if (field.type == WEFT_WIRE_BYTES && field.number == NAME) {
            metric.name = field.bytes;
        } else if (field.type == WEFT_WIRE_BYTES && field.number == DESCRIPTION) {
            metric.description = field.bytes;
        } else if (field.type == WEFT_WIRE_BYTES && field.number == UNIT) {
            metric.unit = field.bytes;
        }
    }
    read_data(&metric, &is_monotonic);
    metric.kind = kind_of(metric.data_field, is_monotonic);
    metric.attributes_field = weft_otlp_metric_attributes_field(metric.data_field);
    *out_metric = metric;
}

struct weft_prometheus_points weft_prometheus_points_of(const struct weft_prometheus_metric *metric)
{
    return (struct weft_prometheus_points){ .data_field = metric->data_field,
                                            .metric = weft_wire_reader_of(metric->data),
                                            .data = weft_wire_reader_of(WEFT_SLICE_EMPTY) };
}

bool weft_prometheus_points_next(struct weft_prometheus_points *points, struct weft_slice *out_point)
{
    struct weft_slice data;
    while (!weft_wire_next_message(&points->data, WEFT_OTLP_METRIC_POINTS_FIELD, out_point)) {
        if (!weft_wire_next_message(&points->metric, points->data_field, &data)) {
            return false;
        }
        points->data = weft_wire_reader_of(data);
    }
    return true;
}

/* ---- points ---- */

static enum weft_status push(struct weft_prometheus_numbers *numbers, uint64_t bits)
{
    if (numbers->count == numbers->capacity) {
        enum weft_status status =
            weft_try_grow(&numbers->items, sizeof *numbers->items, numbers->count, &numbers->capacity);
        if (status != WEFT_OK) {
            return status;
        }
    }
    numbers->items[numbers->count++].integer = bits;
    return WEFT_OK;
}

static uint64_t fixed_at(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof value; i++) {
        value |= (uint64_t)bytes[i] << 8 * i;
    }
    return value;
}

/* Packed, or one by one. */
static enum weft_status push_fixed(struct weft_prometheus_numbers *numbers, const struct weft_wire_field *field)
{
    enum weft_status status = WEFT_OK;
    if (field->type == WEFT_WIRE_FIXED64) {
        return push(numbers, field->number_value);
    }
    for (size_t at = 0; status == WEFT_OK && at + sizeof(uint64_t) <= field->bytes.length; at += sizeof(uint64_t)) {
        status = push(numbers, fixed_at(field->bytes.bytes + at));
    }
    return status;
}

static uint64_t sum_of_varints(struct weft_slice packed)
{
    uint64_t sum = 0;
    uint64_t value = 0;
    unsigned shift = 0;
    for (size_t i = 0; i < packed.length; i++) {
        value |= shift < 64 ? (uint64_t)(packed.bytes[i] & 0x7f) << shift : 0;
        shift += 7;
        if (packed.bytes[i] < 0x80) {
            sum += value;
            value = 0;
            shift = 0;
        }
    }
    return sum;
}

static uint64_t population_of(struct weft_slice buckets)
{
    enum { COUNTS = 2 };
    uint64_t sum = 0;
    struct weft_wire_reader reader = weft_wire_reader_of(buckets);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number == COUNTS) {
            sum += field.type == WEFT_WIRE_BYTES ? sum_of_varints(field.bytes) : field.number_value;
        }
    }
    return sum;
}

static enum weft_status push_quantile(struct weft_prometheus_numbers *pairs, struct weft_slice bytes)
{
    uint64_t quantile = 0;
    uint64_t value = 0;
    struct weft_wire_reader reader = weft_wire_reader_of(bytes);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.type == WEFT_WIRE_FIXED64 && field.number == 1) {
            quantile = field.number_value;
        } else if (field.type == WEFT_WIRE_FIXED64 && field.number == 2) {
            value = field.number_value;
        }
    }
    enum weft_status status = push(pairs, quantile);
    return status == WEFT_OK ? push(pairs, value) : status;
}

static void read_number(const struct weft_wire_field *field, struct weft_prometheus_point *point)
{
    if (field->type == WEFT_WIRE_FIXED64 && field->number == 4) {
        point->is_integer = false;
        point->real = real_of(field->number_value);
    } else if (field->type == WEFT_WIRE_FIXED64 && field->number == 6) {
        point->is_integer = true;
        point->integer = (int64_t)field->number_value;
    } else if (field->type == WEFT_WIRE_VARINT && field->number == 8) {
        point->flags = field->number_value;
    }
}

/* What histograms and summaries have alike. */
static void read_count_and_sum(const struct weft_wire_field *field, struct weft_prometheus_point *point)
{
    if (field->type == WEFT_WIRE_FIXED64 && field->number == 4) {
        point->count = field->number_value;
    } else if (field->type == WEFT_WIRE_FIXED64 && field->number == 5) {
        point->sum = real_of(field->number_value);
        point->has_sum = true;
    }
}

static enum weft_status read_histogram(const struct weft_wire_field *field, struct weft_prometheus_point *point)
{
    read_count_and_sum(field, point);
    if (field->number == 6) {
        return push_fixed(&point->counts, field);
    }
    if (field->number == 7) {
        return push_fixed(&point->bounds, field);
    }
    if (field->type == WEFT_WIRE_VARINT && field->number == 10) {
        point->flags = field->number_value;
    }
    return WEFT_OK;
}

static void read_exponential(const struct weft_wire_field *field, struct weft_prometheus_point *point)
{
    read_count_and_sum(field, point);
    if (field->type == WEFT_WIRE_VARINT && field->number == 6) {
        uint32_t zigzag = (uint32_t)field->number_value;
        point->scale = (int32_t)(zigzag >> 1 ^ (0 - (zigzag & 1)));
    } else if (field->type == WEFT_WIRE_FIXED64 && field->number == 7) {
        point->zero_count = field->number_value;
    } else if (field->type == WEFT_WIRE_BYTES && (field->number == 8 || field->number == 9)) {
        point->population += population_of(field->bytes);
    } else if (field->type == WEFT_WIRE_VARINT && field->number == 10) {
        point->flags = field->number_value;
    }
}

static enum weft_status read_summary(const struct weft_wire_field *field, struct weft_prometheus_point *point)
{
    read_count_and_sum(field, point);
    if (field->type == WEFT_WIRE_BYTES && field->number == 6) {
        return push_quantile(&point->bounds, field->bytes);
    }
    if (field->type == WEFT_WIRE_VARINT && field->number == 8) {
        point->flags = field->number_value;
    }
    return WEFT_OK;
}

static enum weft_status read_field(enum weft_prometheus_kind kind, const struct weft_wire_field *field,
                                   struct weft_prometheus_point *point)
{
    if (field->type == WEFT_WIRE_FIXED64 && field->number == 2) {
        point->start_ns = field->number_value;
        return WEFT_OK;
    }
    if (field->type == WEFT_WIRE_FIXED64 && field->number == 3) {
        point->time_ns = field->number_value;
        return WEFT_OK;
    }
    switch (kind) {
    case WEFT_PROMETHEUS_GAUGE:
    case WEFT_PROMETHEUS_SUM:
    case WEFT_PROMETHEUS_COUNTER:
        read_number(field, point);
        return WEFT_OK;
    case WEFT_PROMETHEUS_HISTOGRAM:
        return read_histogram(field, point);
    case WEFT_PROMETHEUS_EXPONENTIAL:
        read_exponential(field, point);
        return WEFT_OK;
    case WEFT_PROMETHEUS_SUMMARY:
        return read_summary(field, point);
    }
    return WEFT_OK;
}

enum weft_status weft_prometheus_point_read(enum weft_prometheus_kind kind, struct weft_slice bytes,
                                            struct weft_prometheus_point *point)
{
    struct weft_prometheus_numbers bounds = point->bounds;
    struct weft_prometheus_numbers counts = point->counts;
    enum weft_status status = WEFT_OK;
    bounds.count = 0;
    counts.count = 0;
    *point = (struct weft_prometheus_point){ .bytes = bytes, .bounds = bounds, .counts = counts };
    struct weft_wire_reader reader = weft_wire_reader_of(bytes);
    struct weft_wire_field field;
    while (status == WEFT_OK && weft_wire_next_checked(&reader, &field)) {
        status = read_field(kind, &field, point);
    }
    return status;
}

void weft_prometheus_point_fini(struct weft_prometheus_point *point)
{
    weft_free(point->bounds.items);
    weft_free(point->counts.items);
    *point = (struct weft_prometheus_point){ 0 };
}

/* ---- exemplars ---- */

uint32_t weft_prometheus_exemplars_field(enum weft_prometheus_kind kind)
{
    return kind == WEFT_PROMETHEUS_COUNTER ? 5 : kind == WEFT_PROMETHEUS_HISTOGRAM ? 8 : 0;
}

static bool take_id(struct weft_slice bytes, uint8_t *to, size_t length)
{
    uint8_t any = 0;
    if (bytes.length != length) {
        return false;
    }
    memcpy(to, bytes.bytes, length);
    for (size_t i = 0; i < length; i++) {
        any |= to[i];
    }
    return any != 0;
}

struct weft_prometheus_exemplar weft_prometheus_exemplar_read(struct weft_slice bytes)
{
    struct weft_prometheus_exemplar exemplar = { 0 };
    struct weft_wire_reader reader = weft_wire_reader_of(bytes);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.type == WEFT_WIRE_FIXED64 && field.number == 2) {
            exemplar.time_ns = field.number_value;
        } else if (field.type == WEFT_WIRE_FIXED64 && field.number == 3) {
            exemplar.value = real_of(field.number_value);
        } else if (field.type == WEFT_WIRE_FIXED64 && field.number == 6) {
            exemplar.value = (double)(int64_t)field.number_value;
        } else if (field.type == WEFT_WIRE_BYTES && field.number == 4) {
            exemplar.has_span_id = take_id(field.bytes, exemplar.span_id, sizeof exemplar.span_id);
        } else if (field.type == WEFT_WIRE_BYTES && field.number == 5) {
            exemplar.has_trace_id = take_id(field.bytes, exemplar.trace_id, sizeof exemplar.trace_id);
        }
    }
    return exemplar;
}
