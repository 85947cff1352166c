/* Editors of one metric that keep its points, each of which counts as before: sums and gauges become one another, and
 * values are scaled. */
#include "base/assert.h"
#include "ottl/functions.h"
#include "ottl/functions_metric.h"
#include "ottl/path_write.h"
#include "wire/checked.h"

enum { EXEMPLARS_OF_HISTOGRAM = 8, QUANTILES_OF_SUMMARY = 6, BOUNDS_OF_HISTOGRAM = 7 };

/* ---- sums and gauges ---- */

static void put_points(struct weft_buffer *out, struct weft_slice data)
{
    struct weft_wire_reader reader = weft_wire_reader_of(data);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number == WEFT_OTTL_DATA_POINTS) {
            weft_buffer_append(out, field.whole.bytes, field.whole.length);
        }
    }
}

static enum weft_status convert_sum_to_gauge(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                             struct weft_ottl_value *out_value)
{
    struct weft_ottl_metric metric;
    (void)call;
    (void)out_value;
    enum weft_status status = weft_ottl_record_metric_type(&run->record) == WEFT_OTTL_METRIC_SUM
                                  ? weft_ottl_metric_read(run, &metric)
                                  : WEFT_OK;
    if (status != WEFT_OK || weft_ottl_record_metric_type(&run->record) != WEFT_OTTL_METRIC_SUM) {
        return status;
    }
    put_points(weft_ottl_data_scratch(run), metric.data);
    return weft_ottl_metric_renew_data(run, &metric, WEFT_OTTL_METRIC_WHOLE, WEFT_OTTL_METRIC_GAUGE);
}

enum weft_status weft_ottl_make_temporality(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                            void **out_state, struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    struct weft_slice name = call->arguments[0].bytes;
    return weft_slice_equal_text(name, "delta") || weft_slice_equal_text(name, "cumulative")
               ? WEFT_OK
               : weft_fail(error, WEFT_INVALID, "\"%.*s\" is no aggregation temporality; use delta or cumulative",
                           WEFT_SLICE_PRINT(name));
}

void weft_ottl_put_sum_kind(struct weft_buffer *out, enum weft_ottl_temporality temporality, bool is_monotonic)
{
    weft_ottl_put_varint(out, WEFT_OTTL_DATA_TEMPORALITY, temporality);
    if (is_monotonic) {
        weft_ottl_put_varint(out, WEFT_OTTL_SUM_MONOTONIC, 1);
    }
}

static enum weft_status convert_gauge_to_sum(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                             struct weft_ottl_value *out_value)
{
    struct weft_ottl_metric metric;
    (void)out_value;
    if (weft_ottl_record_metric_type(&run->record) != WEFT_OTTL_METRIC_GAUGE) {
        return WEFT_OK;
    }
    enum weft_status status = weft_ottl_metric_read(run, &metric);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_buffer *data = weft_ottl_data_scratch(run);
    put_points(data, metric.data);
    weft_ottl_put_sum_kind(data, weft_ottl_temporality_of(call), call->arguments[1].boolean);
    return weft_ottl_metric_renew_data(run, &metric, WEFT_OTTL_METRIC_WHOLE, WEFT_OTTL_METRIC_SUM);
}

/* ---- scale_metric ---- */

/* What is scaled lies on the wire in eight bytes, which stay eight: a copy of the data is written over. */
static void scale_double(const uint8_t *at, double multiplier)
{
    double real;
    memcpy(&real, at, sizeof real);
    real *= multiplier;
    memcpy((uint8_t *)(uintptr_t)at, &real, sizeof real);
}

/* Beyond an int's range it is the lowest, as Go has it on x86. */
static void scale_int(const uint8_t *at, double multiplier)
{
    static const double beyond = 9223372036854775808.0;
    int64_t integer;
    memcpy(&integer, at, sizeof integer);
    double real = (double)integer * multiplier;
    integer = real >= -beyond && real < beyond ? (int64_t)real : INT64_MIN;
    memcpy((uint8_t *)(uintptr_t)at, &integer, sizeof integer);
}

static const uint8_t *payload_of(const struct weft_wire_field *field)
{
    return field->whole.bytes + field->whole.length - sizeof(uint64_t);
}

/* Numbers of a point, of a quantile or of an exemplar: which fields are doubles, and which one is an int. */
static void scale_fields(struct weft_slice message, uint32_t doubles, uint32_t int_field, double multiplier)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        bool is_double = field.number < 32 && (doubles >> field.number & 1) != 0;
        if (field.type == WEFT_WIRE_FIXED64 && is_double) {
            scale_double(payload_of(&field), multiplier);
        } else if (field.type == WEFT_WIRE_FIXED64 && field.number == int_field) {
            scale_int(payload_of(&field), multiplier);
        } else if (field.type == WEFT_WIRE_BYTES && is_double) {
            for (size_t at = 0; at + sizeof(double) <= field.bytes.length; at += sizeof(double)) {
                scale_double(field.bytes.bytes + at, multiplier);
            }
        }
    }
}

static void scale_point(struct weft_slice point, enum weft_ottl_metric_type type, double multiplier)
{
    enum { NUMBER_DOUBLES = 1 << 4, NUMBER_INT = 6, EXEMPLAR_DOUBLES = 1 << 3, EXEMPLAR_INT = 6 };
    enum {
        SUMMARY_DOUBLES = 1 << 5,
        QUANTILE_DOUBLES = 1 << 2,
        HISTOGRAM_DOUBLES = 1 << 5 | 1 << 7 | 1 << 11 | 1 << 12
    };
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_slice inner;
    if (type == WEFT_OTTL_METRIC_GAUGE || type == WEFT_OTTL_METRIC_SUM) {
        scale_fields(point, NUMBER_DOUBLES, NUMBER_INT, multiplier);
        return;
    }
    bool is_summary = type == WEFT_OTTL_METRIC_SUMMARY;
    scale_fields(point, is_summary ? (uint32_t)SUMMARY_DOUBLES : (uint32_t)HISTOGRAM_DOUBLES, 0, multiplier);
    while (weft_wire_next_message(
        &reader, is_summary ? (uint32_t)QUANTILES_OF_SUMMARY : (uint32_t)EXEMPLARS_OF_HISTOGRAM, &inner)) {
        scale_fields(inner, is_summary ? (uint32_t)QUANTILE_DOUBLES : (uint32_t)EXEMPLAR_DOUBLES,
                     is_summary ? 0 : (uint32_t)EXEMPLAR_INT, multiplier);
    }
}

static enum weft_status put_unit(struct weft_ottl_run *run, const struct weft_ottl_value *unit)
{
    struct weft_ottl_value own;
    enum weft_status status = weft_ottl_value_own(run, unit, &own);
    return status != WEFT_OK
               ? status
               : weft_ottl_message_put_bytes(weft_ottl_record_decoded(&run->record, WEFT_OTTL_LEVEL_RECORD),
                                             WEFT_OTTL_METRIC_UNIT, own.bytes, &run->memory);
}

static enum weft_status scale_metric(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value)
{
    enum weft_ottl_metric_type type = weft_ottl_record_metric_type(&run->record);
    struct weft_ottl_metric metric;
    struct weft_slice point;
    (void)out_value;
    if (type == WEFT_OTTL_METRIC_NONE || type == WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM) {
        return weft_fail(&run->error, WEFT_INVALID, "scale_metric: a metric of type %s is not scaled",
                         weft_ottl_metric_type_text(type));
    }
    enum weft_status status = weft_ottl_metric_read(run, &metric);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_buffer *data = weft_ottl_data_scratch(run);
    weft_buffer_append(data, metric.data.bytes, metric.data.length);
    if (weft_buffer_status(data) == WEFT_OK) {
        struct weft_wire_reader reader = weft_wire_reader_of(weft_buffer_slice(data));
        while (weft_wire_next_message(&reader, WEFT_OTTL_DATA_POINTS, &point)) {
            scale_point(point, type, call->arguments[0].real);
        }
    }
    status = weft_ottl_metric_renew_data(run, &metric, WEFT_OTTL_METRIC_WHOLE, type);
    return status == WEFT_OK && weft_ottl_is_given(call, 1) ? put_unit(run, &call->arguments[1]) : status;
}

const struct weft_ottl_function weft_ottl_functions_metric[] = {
    { .name = "convert_sum_to_gauge", .contexts = WEFT_OTTL_IN_METRIC, .call = convert_sum_to_gauge },
    { .name = "convert_gauge_to_sum",
      .contexts = WEFT_OTTL_IN_METRIC,
      .parameters = { { "string_agg_temp", WEFT_OTTL_TAKES_LITERAL_STRING },
                      { "monotonic", WEFT_OTTL_TAKES_LITERAL_BOOL } },
      .make = weft_ottl_make_temporality,
      .call = convert_gauge_to_sum },
    { .name = "scale_metric",
      .contexts = WEFT_OTTL_IN_METRIC,
      .parameters = { { "multiplier", WEFT_OTTL_TAKES_LITERAL_FLOAT },
                      { "unit", WEFT_OTTL_TAKES_STRING, .is_optional = true } },
      .call = scale_metric },
    { .name = NULL },
};
