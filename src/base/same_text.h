#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Whether two texts are the same where most are short: word by word, where a call would cost more than the look. */

/* Two texts of up to seven bytes. */
static inline bool weft_is_same_word(const uint8_t *left, const uint8_t *right, size_t length)
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
static inline bool weft_is_same_text(const uint8_t *left, const uint8_t *right, size_t length)
{
    uint64_t left_word, right_word;
    enum { WORD = sizeof left_word };
    if (length < WORD) {
        return weft_is_same_word(left, right, length);
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
