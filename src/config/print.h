#pragma once

#include "base/buffer.h"
#include "config/field.h"

/* Writes the tree below node as block-style YAML that reads back to the same values, secrets as "[REDACTED]": those
 * that weft_config_parse met, so parse every component first. Check weft_buffer_status(out) at the end. */
void weft_config_print(const struct weft_node *node, struct weft_buffer *out);

/* Writes a Markdown table of the keys of a field table: key, type, default, help; nested keys with dots. */
void weft_config_print_reference(const struct weft_field *fields, struct weft_buffer *out);
