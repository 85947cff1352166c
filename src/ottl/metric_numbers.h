#pragma once

#include "ottl/metric.h"

/* Numbers of data points, read off their bytes. */

/* The field of a point's attributes. */
uint32_t weft_ottl_point_attributes_field(enum weft_ottl_metric_type type);

/* What is said once in a message, as it said it last: numbers by field, 0 where there is none. */
struct weft_ottl_numbers {
    uint32_t present; /* bit n: field n is there */
    uint64_t of[16];
};

void weft_ottl_read_numbers(struct weft_slice message, struct weft_ottl_numbers *out_numbers);

/* Lists of numbers, in run->memory: those of eight bytes each, and varints, packed or one by one. WEFT_NOMEM. */
struct weft_ottl_words {
    uint64_t *items;
    size_t count;
};

enum weft_status weft_ottl_read_words(struct weft_ottl_run *run, struct weft_slice message, uint32_t number,
                                      struct weft_ottl_words *out_words) WEFT_MUST_CHECK;
enum weft_status weft_ottl_read_varints(struct weft_ottl_run *run, struct weft_slice message, uint32_t number,
                                        struct weft_ottl_words *out_words) WEFT_MUST_CHECK;

static inline int32_t weft_ottl_unzigzag(uint64_t number)
{
    uint32_t low = (uint32_t)number;
    return (int32_t)((low >> 1) ^ (0 - (low & 1)));
}
