#pragma once

#include "base/buffer.h"
#include "base/slice.h"

/* Which bytes are UTF-8 (RFC 3629: no surrogates, nothing over U+10FFFF, no longer form than needed). */

/* The length of the longest start of text that is whole, valid characters: text.length if all of it is. */
size_t weft_utf8_valid_length(struct weft_slice text);

/* The character at the start of text and how many bytes it has; a byte that starts none is U+FFFD of one byte, as Go
 * reads it. text is not empty. */
uint32_t weft_utf8_decode(struct weft_slice text, size_t *out_length);

/* Appends text with each bad byte as U+FFFD (three bytes). */
void weft_utf8_append_repaired(struct weft_buffer *buffer, struct weft_slice text);

/* Where in text that byte of its repaired form lies, for an offset at the start of a character or at the end. */
size_t weft_utf8_offset_before_repair(struct weft_slice text, size_t repaired_offset);
