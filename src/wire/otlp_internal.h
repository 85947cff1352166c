#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/slice.h"
#include "wire/otlp_rules.h"
#include "wire/protobuf.h"
#include "wire/signal.h"

/* What the files about OTLP share among themselves. */

/* Data points of one Metric that was checked. As protobuf merges a oneof: the last kind of data wins, and
 * repeats of the same kind add up. Check and table both count with it, so that they never differ. */
uint32_t weft_otlp_metric_points(struct weft_slice metric);

/* Samples of one Profile that was checked. */
uint32_t weft_otlp_profile_samples(struct weft_slice profile);

/* What the ledger counts one record for. */
static inline uint32_t weft_otlp_record_weight(enum weft_signal signal, struct weft_slice record)
{
    if (!weft_signal_weighs_items(signal)) {
        return 1;
    }
    return signal == WEFT_METRICS ? weft_otlp_metric_points(record) : weft_otlp_profile_samples(record);
}

/* The export request of a signal, for names: the walk itself has tables of its own. */
const ProtobufCMessageDescriptor *weft_otlp_request_descriptor(enum weft_signal signal);

/* Writes the path of the field whose tag is at `position`
 * ("resource_spans[0].scope_spans[1].spans[7].trace_id"), by walking the request once more: all before
 * position must be well formed. A path that is too long ends in "...". */
void weft_otlp_path(enum weft_signal signal, struct weft_slice request, const uint8_t *position, char *out_path,
                    size_t path_size);
