#pragma once

#include "ottl/metric_numbers.h"

/* Which data points of a metric are one: those with the same attributes, the same time, and whatever else of their kind
 * must not be put together. All of it lies in the run's memory. n points cost what their bytes cost and n log n. */

/* What counts of the attributes. */
struct weft_ottl_regard {
    const struct weft_ottl_list *kept; /* keys; NULL: all of them */
    struct weft_slice attribute;       /* whose value counts as renamed where it is among the values */
    const struct weft_ottl_list *values;
    struct weft_slice renamed; /* contents of the KeyValue that it is then; bytes NULL: there is no such attribute */
};

/* The KeyValue as it counts; false: it does not. */
bool weft_ottl_regard_attribute(const struct weft_ottl_regard *regard, struct weft_slice *in_out_key_value);

struct weft_ottl_grouped_point {
    struct weft_slice bytes;
    uint32_t next; /* of its group; 0: it is the last */
    bool is_first;
};

struct weft_ottl_point_groups {
    struct weft_ottl_grouped_point *points; /* as they came */
    uint32_t count;
};

/* WEFT_INVALID: no steps left; WEFT_NOMEM. */
enum weft_status weft_ottl_group_points(struct weft_ottl_run *run, const struct weft_ottl_metric *metric,
                                        const struct weft_ottl_regard *regard,
                                        struct weft_ottl_point_groups *out_groups) WEFT_MUST_CHECK;
