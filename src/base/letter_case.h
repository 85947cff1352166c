#pragma once

#include "base/buffer.h"

/* Lower and upper case as Go's strings.ToLower and ToUpper have it, and so the Collector: letter by letter (Unicode's
 * simple mappings), whatever the locale. */

uint32_t weft_letter_lower(uint32_t letter);
uint32_t weft_letter_upper(uint32_t letter);

/* Appends text in that case; a byte that is not UTF-8 becomes U+FFFD. */
void weft_letter_append_lower(struct weft_buffer *out, struct weft_slice text);
void weft_letter_append_upper(struct weft_buffer *out, struct weft_slice text);
