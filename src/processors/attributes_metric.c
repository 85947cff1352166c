/* Editing the data points of a metric (attributes_metric.h): Metric { gauge, sum, ... { data_points {attributes} } }.
 * First every point is edited, then the two messages around them are written anew with their new lengths. */
#include "processors/attributes_metric.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "wire/checked.h"
#include "wire/otlp_metric_data.h"

void weft_metric_points_fini(struct weft_metric_points *points)
{
    weft_free(points->items);
    *points = (struct weft_metric_points){ 0 };
}

static uint32_t attribute_field(const struct weft_wire_field *field)
{
    return field->type == WEFT_WIRE_BYTES ? weft_otlp_metric_attributes_field(field->number) : 0;
}

static bool is_point(const struct weft_wire_field *field)
{
    return field->number == WEFT_OTLP_METRIC_POINTS_FIELD && field->type == WEFT_WIRE_BYTES;
}

static enum weft_status push(struct weft_metric_points *points, struct weft_slice point)
{
    if (points->count == points->capacity &&
        weft_try_grow(&points->items, sizeof *points->items, points->count, &points->capacity) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    points->items[points->count++] = point;
    return WEFT_OK;
}

/* A pass over a metric: with `to` NULL it measures, else it writes. Points are taken from `points` one by one. */
struct pass {
    const struct weft_metric_points *points;
    size_t next_point;
    uint8_t *to;
    size_t length;
};

static void put(struct pass *pass, struct weft_slice bytes)
{
    if (pass->to != NULL) {
        memcpy(pass->to + pass->length, bytes.bytes, bytes.length);
    }
    pass->length += bytes.length;
}

static void put_header(struct pass *pass, uint32_t number, size_t length)
{
    if (pass->to != NULL) {
        weft_wire_put_bytes_header(pass->to + pass->length, number, length);
    }
    pass->length += weft_wire_size_bytes_header(number, length);
}

static void put_data(struct pass *pass, struct weft_slice data)
{
    struct weft_wire_reader reader = weft_wire_reader_of(data);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (is_point(&field)) {
            struct weft_slice point = pass->points->items[pass->next_point++];
            put_header(pass, WEFT_OTLP_METRIC_POINTS_FIELD, point.length);
            put(pass, point);
        } else {
            put(pass, field.whole);
        }
    }
}

static void put_metric(struct pass *pass, struct weft_slice metric)
{
    struct weft_wire_reader reader = weft_wire_reader_of(metric);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (attribute_field(&field) == 0) {
            put(pass, field.whole);
            continue;
        }
        struct pass measure = { .points = pass->points, .next_point = pass->next_point };
        put_data(&measure, field.bytes);
        put_header(pass, field.number, measure.length);
        put_data(pass, field.bytes);
    }
}

static enum weft_status edit_points(struct weft_metric_points *points, struct weft_attribute_editor *editor,
                                    struct weft_arena *arena, const struct weft_wire_field *data,
                                    bool *in_out_is_changed)
{
    struct weft_wire_reader reader = weft_wire_reader_of(data->bytes);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (!is_point(&field)) {
            continue;
        }
        struct weft_slice point = field.bytes;
        enum weft_status status = weft_attribute_editor_apply(editor, attribute_field(data), arena, 0, &point);
        if (status == WEFT_OK) {
            status = push(points, point);
        }
        if (status != WEFT_OK) {
            return status;
        }
        *in_out_is_changed = *in_out_is_changed || point.bytes != field.bytes.bytes;
    }
    return WEFT_OK;
}

enum weft_status weft_metric_points_edit(struct weft_metric_points *points, struct weft_attribute_editor *editor,
                                         struct weft_arena *arena, uint32_t frame, struct weft_slice *in_out_metric)
{
    bool is_changed = false;
    struct weft_wire_reader reader = weft_wire_reader_of(*in_out_metric);
    struct weft_wire_field field;
    points->count = 0;
    while (weft_wire_next_checked(&reader, &field)) {
        if (attribute_field(&field) != 0 && edit_points(points, editor, arena, &field, &is_changed) != WEFT_OK) {
            return WEFT_NOMEM;
        }
    }
    if (!is_changed) {
        return WEFT_OK;
    }
    struct pass measure = { .points = points };
    put_metric(&measure, *in_out_metric);
    size_t frame_length = frame == 0 ? 0 : weft_wire_size_bytes_header(frame, measure.length);
    uint8_t *bytes = weft_arena_try_bytes(arena, frame_length + measure.length);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    struct pass write = { .points = points,
                          .to = frame == 0 ? bytes : weft_wire_put_bytes_header(bytes, frame, measure.length) };
    put_metric(&write, *in_out_metric);
    weft_assert(write.length == measure.length);
    *in_out_metric = weft_slice_of(write.to, write.length);
    return WEFT_OK;
}
