#pragma once

#include "processors/attributes_edit.h"

/* The new bytes of a metric's data points; scratch of one worker, all zero is empty. */
struct weft_metric_points {
    struct weft_slice *items; /* of all its data, in order */
    size_t count, capacity;
};

void weft_metric_points_fini(struct weft_metric_points *points);

/* Edits the attributes of every data point of a Metric, as weft_attributes_edit does for one record. */
enum weft_status weft_metric_points_edit(struct weft_metric_points *points, struct weft_attribute_editor *editor,
                                         const struct weft_attribute_edit *edits, size_t edit_count,
                                         struct weft_arena *arena, struct weft_slice *in_out_metric) WEFT_MUST_CHECK;
