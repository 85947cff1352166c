#pragma once

#include "base/buffer.h"
#include "wire/otlp_attributes.h"

/* Names with what belongs to them, to be put in order. The stack of a redaction holds them (an array in a buffer). */
struct weft_redaction_entry {
    struct weft_slice name;
    struct weft_slice contents;
};

/* By the bytes of the names; equal ones by where they lie. Without memory, in n log n steps whatever the names are. */
void weft_redaction_sort(struct weft_redaction_entry *entries, size_t count);

/* A value as the text that the Collector's patterns see under redact_all_types and in bodies: a string as it is, a
 * bool, a number, bytes as base64, nothing as "", an array or a map as JSON with the keys of maps in order (of equal
 * ones the last counts); "" if it holds a number that JSON has no word for. Appended to out; stack is as it was
 * afterwards. */
void weft_redaction_put_text(const struct weft_otlp_value *value, struct weft_buffer *stack, struct weft_buffer *out);
