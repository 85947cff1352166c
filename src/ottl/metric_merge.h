#pragma once

#include "ottl/metric_groups.h"

/* What data points are put together by. Histograms are always added up. */
enum weft_ottl_aggregation {
    WEFT_OTTL_AGGREGATE_SUM,
    WEFT_OTTL_AGGREGATE_MEAN,
    WEFT_OTTL_AGGREGATE_MIN,
    WEFT_OTTL_AGGREGATE_MAX,
    WEFT_OTTL_AGGREGATE_MEDIAN,
    WEFT_OTTL_AGGREGATE_COUNT,
    WEFT_OTTL_AGGREGATION_COUNT,
};

/* "sum" ... */
extern const char *const weft_ottl_aggregations[WEFT_OTTL_AGGREGATION_COUNT];

struct weft_ottl_merging {
    struct weft_ottl_run *run;
    enum weft_ottl_metric_type type;
    const struct weft_ottl_regard *regard;
    const struct weft_ottl_point_groups *groups;
    enum weft_ottl_aggregation aggregation;
};

/* Appends the contents of the point that a group becomes, whose first one that is; run->text and run->replaced are
 * used. WEFT_INVALID: their buckets do not go together. WEFT_NOMEM. */
enum weft_status weft_ottl_merge_points(const struct weft_ottl_merging *merging, uint32_t first,
                                        struct weft_buffer *out) WEFT_MUST_CHECK;

/* metric_merge_histogram.c: the same for groups of several points that are histograms. */
enum weft_status weft_ottl_merge_histograms(const struct weft_ottl_merging *merging, uint32_t first,
                                            struct weft_buffer *out) WEFT_MUST_CHECK;

/* Fields of a point but those in the mask, its attributes as they count. */
void weft_ottl_put_rest_of_point(const struct weft_ottl_merging *merging, struct weft_slice point, uint32_t mask,
                                 struct weft_buffer *out);
