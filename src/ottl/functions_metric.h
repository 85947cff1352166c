#pragma once

#include "ottl/functions_give.h"
#include "ottl/metric.h"

/* What the files functions_metric*.c share. */

/* For a first parameter that is "delta" or "cumulative". */
enum weft_status weft_ottl_make_temporality(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                            void **out_state, struct weft_error *error);

static inline enum weft_ottl_temporality weft_ottl_temporality_of(const struct weft_ottl_call *call)
{
    return weft_slice_equal_text(call->arguments[0].bytes, "delta") ? WEFT_OTTL_DELTA : WEFT_OTTL_CUMULATIVE;
}

/* What a Sum says of all its points. */
void weft_ottl_put_sum_kind(struct weft_buffer *out, enum weft_ottl_temporality temporality, bool is_monotonic);

/* When the point was, and its attributes, as those of a number. */
void weft_ottl_put_number_frame(struct weft_buffer *out, struct weft_slice point, enum weft_ottl_metric_type type);

/* What lies in the scratch for data, as one more metric, which is called as this one is, and the suffix. unit NULL: as
 * of this one. WEFT_NOMEM. */
enum weft_status weft_ottl_metric_make_named(struct weft_ottl_run *run, const struct weft_ottl_metric *metric,
                                             struct weft_slice suffix, const char *unit,
                                             enum weft_ottl_metric_type type) WEFT_MUST_CHECK;
