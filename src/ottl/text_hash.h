#pragma once

#include "base/slice.h"

/* Hashes that nobody relies on for secrecy, as the Collector's functions give them. */
uint64_t weft_ottl_fnv1a(struct weft_slice text);
uint32_t weft_ottl_murmur3(struct weft_slice text);

/* murmur3 for x64: two words, the low one first. */
struct weft_ottl_wide_hash {
    uint64_t low, high;
};

struct weft_ottl_wide_hash weft_ottl_murmur3_wide(struct weft_slice text);

enum { WEFT_OTTL_LUHN_NO, WEFT_OTTL_LUHN_YES, WEFT_OTTL_LUHN_OTHER /* it has more than digits and spaces */ };

/* Whether the last digit is the check digit of those before. */
int weft_ottl_luhn(struct weft_slice text);
