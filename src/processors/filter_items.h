#pragma once

#include "base/buffer.h"
#include "wire/otlp_table_selection.h"
#include "wire/otlp_attributes.h"
#include "wire/protobuf.h"
#include "wire/signal.h"

/* What lies within records and can go alone: the events of a Span, the data points of a Metric. */

/* The items of a record, one after the other. Plain data. */
struct weft_filter_items {
    struct weft_wire_reader reader;
    uint32_t number; /* of the field */
};

/* Of a log record there are none. */
struct weft_filter_items weft_filter_items_of(enum weft_signal signal, struct weft_slice record);
bool weft_filter_items_next(struct weft_filter_items *items, struct weft_slice *out_item);

size_t weft_filter_items_count(enum weft_signal signal, struct weft_slice record);

/* Appends the record with only those items that are selected, or only those that are not. What else there is in it
 * stays. */
void weft_filter_items_put(enum weft_signal signal, struct weft_slice record, const struct weft_selection *items,
                           bool are_selected, struct weft_buffer *out);
