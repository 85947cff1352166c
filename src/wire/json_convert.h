#pragma once

#include "wire/json_scan.h"

/* What scanned JSON means: the inverse of json_values.h. All return false when the text does not say such a
 * value. */

/* The exact value of a number that is integral, however it is written (1, 1.0, 10e-1); sign apart. */
bool weft_json_to_magnitude(const struct weft_json_number *number, uint64_t *out_magnitude) WEFT_MUST_CHECK;

/* The nearest double. A byte that is no part of a number must follow the text. False: beyond any double. */
bool weft_json_to_double(const struct weft_json_number *number, double *out_value) WEFT_MUST_CHECK;
