#pragma once

#include "base/buffer.h"
#include "wire/otlp_attributes.h"

/* Names with what belongs to them, to be put in order. A stack of them is an array in a buffer. */
struct weft_otlp_named {
    struct weft_slice name;
    struct weft_slice contents;
};

/* By the bytes of the names; equal ones by where they lie. Without memory, in n log n steps whatever the names are. */
void weft_otlp_sort_named(struct weft_otlp_named *entries, size_t count);

/* A value as the text that the Collector's AsString makes of it: a string as it is, a bool, a number, bytes as base64,
 * nothing as "", an array or a map as JSON with the keys of maps in order (of equal ones the last counts); "" if it
 * holds a number that JSON has no word for. Appended to out; stack is as it was afterwards. */
void weft_otlp_put_text(const struct weft_otlp_value *value, struct weft_buffer *stack, struct weft_buffer *out);
