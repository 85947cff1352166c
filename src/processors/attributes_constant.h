#pragma once

#include "base/buffer.h"
#include "config/node.h"

/* Values of a config as they stand on the wire. */

/* Whether OTLP has it: WEFT_INVALID for a number of more than 64 bits and for too deep a nesting. NULL and null are
 * none, and have not to be asked about. */
enum weft_status weft_attribute_constant_validate(const struct weft_node *node,
                                                  struct weft_error *error) WEFT_MUST_CHECK;

/* Appends the field of a KeyValue that holds the value; its YAML type is kept. */
void weft_attribute_constant_put(struct weft_buffer *out, const struct weft_node *node);

/* The same of a text. */
void weft_attribute_constant_put_text(struct weft_buffer *out, struct weft_slice text);

/* The same for a key: the field of a KeyValue, or any other text in any other field. */
void weft_attribute_constant_put_field(struct weft_buffer *out, uint32_t number, struct weft_slice contents);
