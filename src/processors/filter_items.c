/* Span events and data points (filter_items.h): found, and left out of the bytes of their record. */
#include "processors/filter_items.h"

#include "wire/checked.h"
#include "wire/otlp_metric_data.h"
#include "wire/rewrite.h"

enum { EVENTS_FIELD = 11 };

/* The data of a Metric: the last of the fields that hold some, as protobuf has it. */
static bool find_data(struct weft_slice metric, struct weft_wire_field *out_field)
{
    struct weft_wire_reader reader = weft_wire_reader_of(metric);
    struct weft_wire_field field;
    bool is_found = false;
    while (weft_wire_next_checked(&reader, &field)) {
        if (weft_otlp_is_metric_data(&field)) {
            *out_field = field;
            is_found = true;
        }
    }
    return is_found;
}

struct weft_filter_items weft_filter_items_of(enum weft_signal signal, struct weft_slice record)
{
    struct weft_wire_field data;
    if (signal == WEFT_TRACES) {
        return (struct weft_filter_items){ weft_wire_reader_of(record), EVENTS_FIELD };
    }
    struct weft_slice points = signal == WEFT_METRICS && find_data(record, &data) ? data.bytes : WEFT_SLICE_EMPTY;
    return (struct weft_filter_items){ weft_wire_reader_of(points), WEFT_OTLP_METRIC_POINTS_FIELD };
}

bool weft_filter_items_next(struct weft_filter_items *items, struct weft_slice *out_item)
{
    return weft_wire_next_message(&items->reader, items->number, out_item);
}

size_t weft_filter_items_count(enum weft_signal signal, struct weft_slice record)
{
    struct weft_filter_items items = weft_filter_items_of(signal, record);
    struct weft_slice item;
    size_t count = 0;
    while (weft_filter_items_next(&items, &item)) {
        count++;
    }
    return count;
}

/* The message without those fields of the number that are not wanted. */
static void put_some(struct weft_slice message, uint32_t number, const struct weft_selection *items, bool are_selected,
                     struct weft_buffer *out)
{
    struct weft_rewriting rewriting = weft_rewriting_of(message);
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    size_t index = 0;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number == number && field.type == WEFT_WIRE_BYTES &&
            weft_selection_has(items, index++) != are_selected) {
            weft_rewrite_drop(out, &rewriting, &field);
        }
    }
    if (!weft_rewrite_finish(out, &rewriting, message)) {
        weft_buffer_append(out, message.bytes, message.length);
    }
}

void weft_filter_items_put(enum weft_signal signal, struct weft_slice record, const struct weft_selection *items,
                           bool are_selected, struct weft_buffer *out)
{
    struct weft_wire_field data;
    if (signal == WEFT_TRACES) {
        put_some(record, EVENTS_FIELD, items, are_selected, out);
        return;
    }
    if (!find_data(record, &data)) {
        weft_buffer_append(out, record.bytes, record.length);
        return;
    }
    struct weft_rewriting rewriting = weft_rewriting_of(record);
    size_t at = out->length;
    put_some(data.bytes, WEFT_OTLP_METRIC_POINTS_FIELD, items, are_selected, out);
    weft_rewrite_replace(out, &rewriting, &data, data.number, at);
    weft_rewrite_finish(out, &rewriting, record);
}
