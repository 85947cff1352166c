#pragma once

#include "base/slice.h"

/* A KeyValue whose value is a text, as the field `number` of what has attributes: tag to last byte. */
size_t weft_wire_size_string_attribute(uint32_t number, struct weft_slice key, struct weft_slice value);

/* Returns the byte after. */
uint8_t *weft_wire_put_string_attribute(uint8_t *to, uint32_t number, struct weft_slice key, struct weft_slice value);
