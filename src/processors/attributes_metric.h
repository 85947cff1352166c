#pragma once

#include "processors/attributes_edit.h"

/* The new bytes of a metric's data points; scratch of one worker, all zero is empty. */
struct weft_metric_points {
    struct weft_slice *items; /* of all its data, in order */
    size_t count, capacity;
};

void weft_metric_points_fini(struct weft_metric_points *points);

/* Runs the program over the attributes of every data point of a Metric. What is written has its frame before it, as
 * weft_attribute_editor_run says. */
enum weft_status weft_metric_points_edit(struct weft_metric_points *points, struct weft_attribute_editor *editor,
                                         struct weft_arena *arena, uint32_t frame,
                                         struct weft_slice *in_out_metric) WEFT_MUST_CHECK;
