#pragma once

#include "base/slice.h"

/* The keys of attributes that texts name which are asked about the same records. They are numbered while the texts are
 * compiled, so that one walk over a record's attributes finds the values of all of them (slots.h).
 *
 * A key takes part if it is written in the text, short and UTF-8, and if there is room; another one is looked for when
 * it is asked for. The keys lie in the programs that name them: once one could not be compiled, nothing may be added.
 */
enum { WEFT_OTTL_MAX_SOUGHT = 64, WEFT_OTTL_MAX_SOUGHT_BYTES = 127 };

/* All zero is empty. */
struct weft_ottl_sought {
    uint8_t count;
    uint8_t by_length[WEFT_OTTL_MAX_SOUGHT_BYTES + 1]; /* 1 + the number of a key that is so long; 0 = none */
    uint8_t next[WEFT_OTTL_MAX_SOUGHT];                /* 1 + that of another one of the same length */
    struct weft_slice keys[WEFT_OTTL_MAX_SOUGHT];
};

/* False: it takes no part. */
bool weft_ottl_sought_add(struct weft_ottl_sought *sought, struct weft_slice key, uint8_t *out_number);

/* Two texts of up to seven bytes. */
static inline bool weft_ottl_is_same_word(const uint8_t *left, const uint8_t *right, size_t length)
{
    uint32_t left_half, right_half;
    enum { HALF = sizeof left_half };
    if (length >= HALF) {
        memcpy(&left_half, left, HALF);
        memcpy(&right_half, right, HALF);
        if (left_half != right_half) {
            return false;
        }
        memcpy(&left_half, left + length - HALF, HALF);
        memcpy(&right_half, right + length - HALF, HALF);
        return left_half == right_half;
    }
    for (size_t at = 0; at < length; at++) {
        if (left[at] != right[at]) {
            return false;
        }
    }
    return true;
}

/* Two texts of that length. They are short, and most that are not the same differ at their ends. */
static inline bool weft_ottl_is_same_text(const uint8_t *left, const uint8_t *right, size_t length)
{
    uint64_t left_word, right_word;
    enum { WORD = sizeof left_word };
    if (length < WORD) {
        return weft_ottl_is_same_word(left, right, length);
    }
    memcpy(&left_word, left + length - WORD, WORD);
    memcpy(&right_word, right + length - WORD, WORD);
    if (left_word != right_word) {
        return false;
    }
    for (size_t at = 0; at + WORD < length; at += WORD) {
        memcpy(&left_word, left + at, WORD);
        memcpy(&right_word, right + at, WORD);
        if (left_word != right_word) {
            return false;
        }
    }
    return true;
}

/* Whether it is one of them; a key of up to WEFT_OTTL_MAX_SOUGHT_BYTES. */
static inline bool weft_ottl_sought_find(const struct weft_ottl_sought *sought, const uint8_t *key, size_t length,
                                         uint8_t *out_number)
{
    for (uint8_t next = sought->by_length[length]; next != 0; next = sought->next[next - 1]) {
        if (weft_ottl_is_same_text(sought->keys[next - 1].bytes, key, length)) {
            *out_number = (uint8_t)(next - 1);
            return true;
        }
    }
    return false;
}
