#pragma once

#include "base/buffer.h"

/* Base64 (RFC 4648) in its four forms, and texts in other encodings than UTF-8. */
enum { WEFT_OTTL_BASE64_PADDED = 1, WEFT_OTTL_BASE64_URL = 2 };

/* "base64", "base64-raw", "base64-url", "base64-raw-url". */
bool weft_ottl_base64_form_of(struct weft_slice name, unsigned *out_form);
void weft_ottl_base64_put(struct weft_buffer *out, struct weft_slice bytes, unsigned form);

/* Ends of lines in it do not count. False: it is none. */
bool weft_ottl_base64_read(struct weft_buffer *out, struct weft_slice text, unsigned form) WEFT_MUST_CHECK;

enum weft_ottl_encoding {
    WEFT_OTTL_ENCODING_NONE, /* not known */
    WEFT_OTTL_ENCODING_UTF8, /* what is none becomes U+FFFD */
    WEFT_OTTL_ENCODING_RAW,
    WEFT_OTTL_ENCODING_LATIN1,
    WEFT_OTTL_ENCODING_UTF16_LITTLE,
    WEFT_OTTL_ENCODING_UTF16_BIG,
};

enum weft_ottl_encoding weft_ottl_text_encoding_of(struct weft_slice name);
void weft_ottl_text_decode(struct weft_buffer *out, struct weft_slice bytes, enum weft_ottl_encoding encoding);
