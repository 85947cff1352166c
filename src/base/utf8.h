#pragma once

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

/* The character at the start of text and how many bytes it has; a byte that starts none is U+FFFD of one byte, as Go
 * reads it. text is not empty. */
uint32_t weft_utf8_decode(struct weft_slice text, size_t *out_length);

/* Appends text with each bad byte as U+FFFD (three bytes). */
void weft_utf8_append_repaired(struct weft_buffer *buffer, struct weft_slice text);

/* The same with one U+FFFD for each start of a character that could have gone on (Unicode 3.9, "maximal subpart"). */
void weft_utf8_append_repaired_by_part(struct weft_buffer *buffer, struct weft_slice text);

/* Where in text that byte of its repaired form lies, for an offset at the start of a character or at the end. */
size_t weft_utf8_offset_before_repair(struct weft_slice text, size_t repaired_offset);
