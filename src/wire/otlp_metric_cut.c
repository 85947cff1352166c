/* Cutting a Metric between its data points (otlp_metric_cut.h). Called for a table's split; the metric passed the
 * check. */
#include "wire/otlp_metric_cut.h"

#include <string.h>

#include "base/assert.h"
#include "wire/checked.h"
#include "wire/otlp_internal.h"
#include "wire/otlp_metric_data.h"

/* A walk that measures what it lays out, and with `to` set writes it. */
struct laying {
    uint8_t *to;
    size_t length;
};

static void lay(struct laying *laying, struct weft_slice bytes)
{
    if (laying->to != NULL && bytes.length > 0) {
        memcpy(laying->to + laying->length, bytes.bytes, bytes.length);
    }
    laying->length += bytes.length;
}

/* As protobuf merges a oneof: the last kind of data counts, from where no other kind comes after it. */
struct last_data {
    uint32_t number;
    const uint8_t *start; /* in the metric */
};

static struct last_data find_last_data(struct weft_slice metric)
{
    struct last_data last = { 0 };
    struct weft_wire_reader reader = weft_wire_reader_of(metric);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (weft_otlp_is_metric_data(&field) && field.number != last.number) {
            last = (struct last_data){ field.number, field.whole.bytes };
        }
    }
    return last;
}

static void lay_fields(struct laying *laying, struct weft_slice metric)
{
    struct weft_wire_reader reader = weft_wire_reader_of(metric);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (!weft_otlp_is_metric_data(&field)) {
            lay(laying, field.whole);
        }
    }
}

static bool is_point(const struct weft_wire_field *field)
{
    return field->number == WEFT_OTLP_METRIC_POINTS_FIELD && field->type == WEFT_WIRE_BYTES;
}

/* The data's points, or its other fields. */
static void lay_data(struct laying *laying, struct weft_slice metric, const struct last_data *last, bool is_for_points)
{
    struct weft_wire_reader reader = weft_wire_reader_of(metric);
    struct weft_slice data;
    reader.at = last->start;
    while (weft_wire_next_message(&reader, last->number, &data)) {
        struct weft_wire_reader inner = weft_wire_reader_of(data);
        struct weft_wire_field field;
        while (weft_wire_next_checked(&inner, &field)) {
            if (is_point(&field) == is_for_points) {
                lay(laying, field.whole);
            }
        }
    }
}

static size_t data_bytes(struct weft_slice metric, const struct last_data *last)
{
    struct laying measure = { 0 };
    lay_data(&measure, metric, last, false);
    lay_data(&measure, metric, last, true);
    return measure.length;
}

size_t weft_otlp_metric_laid_bytes(struct weft_slice metric)
{
    struct last_data last = find_last_data(metric);
    struct laying measure = { 0 };
    lay_fields(&measure, metric);
    return measure.length + weft_wire_size_bytes_field(last.number, data_bytes(metric, &last));
}

void weft_otlp_metric_lay_out(struct weft_slice metric, uint8_t *to)
{
    struct last_data last = find_last_data(metric);
    struct laying laying = { .to = to };
    weft_assert(last.number != 0);
    lay_fields(&laying, metric);
    uint8_t *data = weft_wire_put_bytes_header(to + laying.length, last.number, data_bytes(metric, &last));
    laying.length = (size_t)(data - to);
    lay_data(&laying, metric, &last, false);
    lay_data(&laying, metric, &last, true);
}

struct weft_otlp_laid_metric weft_otlp_laid_metric_of(struct weft_slice laid)
{
    struct weft_otlp_laid_metric metric = { .fields = weft_slice_of(laid.bytes, 0) };
    struct weft_wire_reader reader = weft_wire_reader_of(laid);
    struct weft_wire_field field;
    bool has_field;
    while ((has_field = weft_wire_next_checked(&reader, &field)) && !weft_otlp_is_metric_data(&field)) {
        metric.fields.length += field.whole.length;
    }
    weft_assert(has_field && reader.at == reader.end);
    metric.data_number = field.number;
    metric.data_fields = weft_slice_of(field.bytes.bytes, 0);
    metric.points = field.bytes;
    reader = weft_wire_reader_of(field.bytes);
    while (weft_wire_next_checked(&reader, &field) && !is_point(&field)) {
        metric.data_fields.length += field.whole.length;
    }
    metric.points.bytes += metric.data_fields.length;
    metric.points.length -= metric.data_fields.length;
    return metric;
}

size_t weft_otlp_laid_metric_bytes(const struct weft_otlp_laid_metric *metric, size_t points_length)
{
    return metric->fields.length +
           weft_wire_size_bytes_field(metric->data_number, metric->data_fields.length + points_length);
}

struct weft_slice weft_otlp_laid_metric_cut(uint8_t *laid, size_t length, size_t points_length, uint8_t *front)
{
    struct weft_otlp_laid_metric metric = weft_otlp_laid_metric_of(weft_slice_of(laid, length));
    weft_assert(points_length > 0 && points_length < metric.points.length);
    size_t fields_length = metric.fields.length, data_fields_length = metric.data_fields.length;
    memcpy(front, laid, fields_length);
    front = weft_wire_put_bytes_header(front + fields_length, metric.data_number, data_fields_length + points_length);
    memcpy(front, metric.data_fields.bytes, data_fields_length + points_length); /* the points lie behind them */

    /* What is left, from its end to its start: each piece moves towards the end, over points that were taken. */
    size_t left_length = data_fields_length + metric.points.length - points_length;
    uint8_t *at = laid + length - left_length;
    memmove(at, metric.data_fields.bytes, data_fields_length);
    at -= weft_wire_size_bytes_header(metric.data_number, left_length);
    weft_wire_put_bytes_header(at, metric.data_number, left_length);
    at -= fields_length;
    memmove(at, laid, fields_length);
    return weft_slice_of(at, length - (size_t)(at - laid));
}
