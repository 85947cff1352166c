#pragma once

#include <stddef.h>
#include <stdint.h>

/* A length of one or two bytes, and the byte behind it; NULL: it is longer. */
static inline const uint8_t *weft_ottl_take_length(const uint8_t *at, size_t *out_length)
{
    enum { LENGTH_BITS = 7, MORE = 0x80 };
    *out_length = at[0];
    if (at[0] < MORE) {
        return at + 1;
    }
    *out_length = (at[0] & (size_t)(MORE - 1)) | (size_t)at[1] << LENGTH_BITS;
    return at[1] < MORE ? at + 2 : NULL;
}
