#pragma once

#include "base/buffer.h"

/* A text as it is when the escapes that JSON and its neighbours write (\n, \u0040, \/, \x3d) are undone and the colours
 * of terminals are left out, and where each byte of it stood. In both a letter stands before a secret as if it were a
 * part of it, and an @ or a = may be written as an escape. However often the backslash itself was escaped, it is one
 * escape: what lies in JSON in JSON is seen as well. */
struct weft_unescaped {
    struct weft_buffer text;
    struct weft_buffer origin; /* uint32_t: by byte of text and once behind it, where it began */
};

/* False if there is nothing to undo. When memory runs out, the buffers say so. */
bool weft_redaction_unescape(struct weft_slice text, struct weft_unescaped *out_unescaped);

static inline size_t weft_unescaped_origin(const struct weft_unescaped *unescaped, size_t at)
{
    return ((const uint32_t *)(const void *)unescaped->origin.bytes)[at];
}
