#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies bytes that are few, for the most part, to where there is room for them. Returns where the next ones go. */
static inline __attribute__((always_inline)) uint8_t *weft_put_few_bytes(uint8_t *to, const uint8_t *from,
                                                                         size_t length)
{
    enum { HALF = 4, WORD = 8, TWO_WORDS = 16 };
    if (length > (size_t)2 * TWO_WORDS) {
        memcpy(to, from, length);
    } else if (length >= TWO_WORDS) { /* the second half may lie over the first one */
        memcpy(to, from, TWO_WORDS);
        memcpy(to + length - TWO_WORDS, from + length - TWO_WORDS, TWO_WORDS);
    } else if (length >= WORD) {
        memcpy(to, from, WORD);
        memcpy(to + length - WORD, from + length - WORD, WORD);
    } else if (length >= HALF) {
        memcpy(to, from, HALF);
        memcpy(to + length - HALF, from + length - HALF, HALF);
    } else if (length > 0) {
        to[0] = from[0];
        to[length / 2] = from[length / 2];
        to[length - 1] = from[length - 1];
    }
    return to + length;
}
