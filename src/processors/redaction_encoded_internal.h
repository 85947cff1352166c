#pragma once

#include "processors/redaction_detector.h"
#include "processors/redaction_encoded.h"

/* What the files of redaction_encoded.h share. Four characters of base64 are three bytes. A character that is a digit
 * of 64 or more is none; of the others those with these bits make a byte that is no ASCII where they stand. */
enum {
    WEFT_ENCODED_QUAD = 4,
    WEFT_ENCODED_NO_DIGIT = 0x40,
    WEFT_ENCODED_NO_FIRST = WEFT_ENCODED_NO_DIGIT | 0x20,
    WEFT_ENCODED_NO_SECOND = WEFT_ENCODED_NO_DIGIT | 0x08,
    WEFT_ENCODED_NO_THIRD = WEFT_ENCODED_NO_DIGIT | 0x02,
};

/* Of either alphabet, without the = behind it. */
static inline bool weft_is_base64(uint8_t byte)
{
    return weft_is_base64url(byte) || byte == '+' || byte == '/';
}

/* Whether four characters stand there that stand for three bytes of ASCII. */
static inline bool weft_encoded_is_ascii_quad(const struct weft_encoded_rules *rules, const uint8_t *at)
{
    const uint8_t *digits = rules->digits;
    return ((digits[at[0]] & WEFT_ENCODED_NO_FIRST) | (digits[at[1]] & WEFT_ENCODED_NO_SECOND) |
            (digits[at[2]] & WEFT_ENCODED_NO_THIRD) | (digits[at[3]] & WEFT_ENCODED_NO_DIGIT)) == 0;
}

/* Where a percent sign stands first before two hex digits; the length if nowhere. */
size_t weft_encoded_find_percent(struct weft_slice text);

/* Whether somewhere as many characters of base64 as a run has at least stand for ASCII, by fours. out_where: the first
 * such place and the last one, and what is between them. */
bool weft_encoded_find_ascii(const struct weft_encoded_rules *rules, struct weft_slice text, bool has_vectors,
                             struct weft_found *out_where);
