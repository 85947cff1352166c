#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"

/* Base64 of the standard alphabet (RFC 4648 section 4), with or without padding. out_bytes holds encoded.length * 3 / 4
 * bytes or more. WEFT_INVALID if it is none. */
enum weft_status weft_base64_decode(struct weft_slice encoded, uint8_t *out_bytes, size_t *out_length) WEFT_MUST_CHECK;

/* has_padding: '=' up to a multiple of four. */
void weft_base64_append(struct weft_buffer *out, struct weft_slice bytes, bool has_padding);
