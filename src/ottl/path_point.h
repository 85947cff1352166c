#pragma once

#include "ottl/path.h"

/* Paths of data points that only some kinds of points have: how a value of theirs lies in the point. */
enum weft_ottl_point_form {
    WEFT_OTTL_POINT_FIXED_INT,
    WEFT_OTTL_POINT_UINT,
    WEFT_OTTL_POINT_SINT,
    WEFT_OTTL_POINT_DOUBLE,
    WEFT_OTTL_POINT_AS_DOUBLE, /* a number point has one of these two */
    WEFT_OTTL_POINT_AS_INT,
    WEFT_OTTL_POINT_MESSAGE,
    WEFT_OTTL_POINT_MESSAGES,
    WEFT_OTTL_POINT_INTS, /* packed: fixed64, double, varint */
    WEFT_OTTL_POINT_DOUBLES,
    WEFT_OTTL_POINT_VARINTS,
};

/* What a word means for each kind of points; a field of 0: they do not have it. For positive.x and negative.x inner is
 * the field in Buckets. */
struct weft_ottl_point_path {
    const char *name;
    enum weft_ottl_point_form form;
    uint32_t number, histogram, exponential, summary;
    uint32_t inner;
};

const struct weft_ottl_point_path *weft_ottl_point_path_of(const struct weft_ottl_path *path);
uint32_t weft_ottl_point_field(const struct weft_ottl_point_path *path, enum weft_ottl_metric_type type);
