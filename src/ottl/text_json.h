#pragma once

#include "ottl/run.h"

/* JSON as values: all numbers are doubles, as in the Collector. Texts without escapes stay where they are. WEFT_INVALID
 * says where and why: no object or array, or nested deeper than WEFT_OTTL_VALUE_MAX_DEPTH; WEFT_NOMEM. */
enum weft_status weft_ottl_read_json(struct weft_ottl_run *run, struct weft_slice text,
                                     struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
