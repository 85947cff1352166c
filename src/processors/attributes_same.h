#pragma once

#include "config/node.h"
#include "wire/otlp_attributes.h"

/* Whether a value is the one that a config speaks of: of its type, lists in order, maps in any. A null is an empty
 * value. */
bool weft_attribute_is_same(const struct weft_otlp_value *value, const struct weft_node *node);

/* The number with the fewest digits that read back as the same, without an exponent; NaN, +Inf, -Inf. */
enum { WEFT_ATTRIBUTE_DECIMAL_BYTES = 1100 };
struct weft_slice weft_attribute_put_decimal(double number, char out_text[WEFT_ATTRIBUTE_DECIMAL_BYTES]);
