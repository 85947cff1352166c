#pragma once

#include "wire/json_scan.h"

/* What scanned JSON means: the inverse of json_values.h. All return false when the text does not say such a
 * value. */

/* The exact value of a number that is integral, however it is written (1, 1.0, 10e-1); sign apart. */
bool weft_json_to_magnitude(const struct weft_json_number *number, uint64_t *out_magnitude) WEFT_MUST_CHECK;

/* The nearest double. A byte that is no part of a number must follow the text. False: beyond any double. */
bool weft_json_to_double(const struct weft_json_number *number, double *out_value) WEFT_MUST_CHECK;

/* Base64 in the standard or the URL-safe alphabet, padded or not. `to` has room for 3 bytes per 4 letters,
 * rounded up, and may lie before or at the text. */
bool weft_json_to_base64(struct weft_slice text, uint8_t *to, size_t *out_length) WEFT_MUST_CHECK;
