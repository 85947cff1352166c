#pragma once

#include "base/slice.h"
#include "wire/protobuf.h"
#include "wire/signal.h"

/* The resources of a checked request one after the other, with what lies in them counted, without a table. Plain data.
 */
struct weft_otlp_resource_walk {
    enum weft_signal signal;
    struct weft_wire_reader request;
};

struct weft_otlp_resource_part {
    struct weft_slice resource_x; /* contents of the ResourceX; borrowed from the request */
    uint32_t record_count;        /* Spans, LogRecords, Metrics */
    uint64_t weight;              /* the same, or their data points */
};

struct weft_otlp_resource_walk weft_otlp_resources_of(enum weft_signal signal, struct weft_slice request);

/* False at the end. Records in the order of weft_otlp_walk_next. */
bool weft_otlp_resources_next(struct weft_otlp_resource_walk *walk, struct weft_otlp_resource_part *out_part);
