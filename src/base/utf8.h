#pragma once

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/buffer.h"
#include "base/slice.h"

/* Which bytes are UTF-8 (RFC 3629: no surrogates, nothing over U+10FFFF, no longer form than needed). */

/* Whether byte may follow a lead byte of 0xc2 to 0xf4 (RFC 3629 section 4). */
static inline bool weft_utf8_is_second_byte(uint8_t lead, uint8_t byte)
{
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    return byte >= low && byte <= high;
}

/* Bytes of the character that lead would begin: 1 to 4; 0 if it begins none. */
static inline size_t weft_utf8_length_of_lead(uint8_t lead)
{
    return lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
}

/* Bytes of the whole, valid character at `at`, which is before the end; 0 if there is none. */
static inline size_t weft_utf8_character_length(const uint8_t *at, const uint8_t *end)
{
    size_t length = weft_utf8_length_of_lead(*at);
    if (length <= 1) {
        return length;
    }
    if (length > (size_t)(end - at) || !weft_utf8_is_second_byte(at[0], at[1])) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

/* The length of the longest start of text that is whole, valid characters: text.length if all of it is. */
size_t weft_utf8_valid_length(struct weft_slice text);

static inline bool weft_utf8_word_is_ascii(const uint8_t *at, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, at, size);
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

/* Whether no byte from `at` to end has its highest bit set. The last load of a kind lies over the one before, so that
 * nothing is looked at byte by byte and nothing outside is read. */
static inline bool weft_utf8_is_ascii(const uint8_t *at, const uint8_t *end)
{
    size_t length = (size_t)(end - at);
#ifdef __SSE2__
    if (length >= 16) {
        const uint8_t *last = end - 16;
        __m128i seen = _mm_loadu_si128((const __m128i *)(const void *)last);
        for (; at < last; at += 16) {
            seen = _mm_or_si128(seen, _mm_loadu_si128((const __m128i *)(const void *)at));
        }
        return _mm_movemask_epi8(seen) == 0;
    }
#endif
    if (length >= 8) {
        const uint8_t *last = end - 8;
        bool is_ascii = weft_utf8_word_is_ascii(last, 8);
        for (; at < last; at += 8) {
            is_ascii &= weft_utf8_word_is_ascii(at, 8);
        }
        return is_ascii;
    }
    if (length >= 4) {
        return weft_utf8_word_is_ascii(at, 4) && weft_utf8_word_is_ascii(end - 4, 4);
    }
    return length == 0 || (at[0] | at[length / 2] | end[-1]) < 0x80;
}

bool weft_utf8_is_valid_long(const uint8_t *at, const uint8_t *end);

/* Most text is ASCII; only what is not is looked at more closely. */
static inline bool weft_utf8_is_valid(const uint8_t *at, const uint8_t *end)
{
    return weft_utf8_is_ascii(at, end) || weft_utf8_is_valid_long(at, end);
}

/* The character at the start of text and how many bytes it has; a byte that starts none is U+FFFD of one byte, as Go
 * reads it. text is not empty. */
uint32_t weft_utf8_decode(struct weft_slice text, size_t *out_length);

enum { WEFT_UTF8_MAX_BYTES = 4 /* of a character */ };

/* Writes a character and returns where it ends. */
uint8_t *weft_utf8_put(uint8_t *to, uint32_t character);

/* Appends text with each bad byte as U+FFFD (three bytes). */
void weft_utf8_append_repaired(struct weft_buffer *buffer, struct weft_slice text);

/* The same with one U+FFFD for each start of a character that could have gone on (Unicode 3.9, "maximal subpart"). */
void weft_utf8_append_repaired_by_part(struct weft_buffer *buffer, struct weft_slice text);

/* What one of these marks stands for: bytes at the start of text, where no character is. text is not empty. */
size_t weft_utf8_torn_length(struct weft_slice text);

/* Where in text that byte of its repaired form lies, for an offset at the start of a character or at the end. */
size_t weft_utf8_offset_before_repair(struct weft_slice text, size_t repaired_offset);
