#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"

/* Base64 (RFC 4648): of the standard alphabet, or of that for URLs and file names, with '-' and '_' in the place of '+'
 * and '/'. */
enum weft_base64_alphabet {
    WEFT_BASE64_STANDARD = 1,
    WEFT_BASE64_URL = 2,
    WEFT_BASE64_EITHER = 3, /* what is read may have letters of both */
};

/* The six bits that the letter stands for; -1 if it is none of the alphabet. */
static inline int weft_base64_value(uint8_t letter, enum weft_base64_alphabet alphabet)
{
    if (letter >= 'A' && letter <= 'Z') {
        return letter - 'A';
    }
    if (letter >= 'a' && letter <= 'z') {
        return letter - 'a' + 26;
    }
    if (letter >= '0' && letter <= '9') {
        return letter - '0' + 52;
    }
    bool is_standard = (alphabet & WEFT_BASE64_STANDARD) != 0 && (letter == '+' || letter == '/');
    bool is_url = (alphabet & WEFT_BASE64_URL) != 0 && (letter == '-' || letter == '_');
    return !is_standard && !is_url ? -1 : letter == '+' || letter == '-' ? 62 : 63;
}

/* With the padding that completes the last four letters or without any. out_bytes has room for 3 bytes per 4 letters,
 * rounded up, and may lie before or at the text. WEFT_INVALID if it is none; out_bytes are undefined then. */
enum weft_status weft_base64_decode(struct weft_slice encoded, enum weft_base64_alphabet alphabet, uint8_t *out_bytes,
                                    size_t *out_length) WEFT_MUST_CHECK;

/* The same of a text that line breaks may stand in, and that has padding where it needs some or, without has_padding,
 * nowhere. out_bytes has room for encoded.length bytes. */
enum weft_status weft_base64_decode_lines(struct weft_slice encoded, enum weft_base64_alphabet alphabet,
                                          bool has_padding, uint8_t *out_bytes, size_t *out_length) WEFT_MUST_CHECK;

/* alphabet: one of them. has_padding: '=' up to a multiple of four. */
void weft_base64_append(struct weft_buffer *out, struct weft_slice bytes, enum weft_base64_alphabet alphabet,
                        bool has_padding);
