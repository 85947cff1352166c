#pragma once

#include "base/buffer.h"
#include "base/slice.h"

/* Hex digits (RFC 4648 section 8): read in either case, written in lower case unless the digits are named. */
#define WEFT_HEX_LOWER "0123456789abcdef"
#define WEFT_HEX_UPPER "0123456789ABCDEF"

/* What the digit stands for; -1 if it is none. */
static inline int weft_hex_value(uint8_t digit)
{
    uint8_t letter = digit | 0x20;
    return digit >= '0' && digit <= '9' ? digit - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* The byte that two digits stand for; -1 if one of them is none. */
static inline int weft_hex_byte(const uint8_t digits[2])
{
    int high = weft_hex_value(digits[0]);
    int low = weft_hex_value(digits[1]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* So many bytes of twice as many digits. False: there are fewer or more, or one is none; what `to` holds then is
 * undefined. `to` may lie before or at the text. */
bool weft_hex_decode(struct weft_slice text, uint8_t *to, size_t length) WEFT_MUST_CHECK;

/* Writes the two digits of a byte, of WEFT_HEX_LOWER or WEFT_HEX_UPPER; returns what is behind them. */
static inline uint8_t *weft_hex_put_byte(uint8_t *to, uint8_t byte, const char *digits)
{
    to[0] = (uint8_t)digits[byte >> 4];
    to[1] = (uint8_t)digits[byte & 15];
    return to + 2;
}

/* Writes twice as many digits as there are bytes; returns what is behind them. */
uint8_t *weft_hex_put(uint8_t *to, struct weft_slice bytes);

void weft_hex_append(struct weft_buffer *out, struct weft_slice bytes);
