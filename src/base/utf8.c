/* Reading UTF-8 that may be broken (utf8.h). ASCII is passed eight bytes at a time; everything else goes character by
 * character. What is not valid counts byte by byte, so that two readers that follow the same rule agree on offsets. */
#include "base/utf8.h"

static const uint8_t replacement[] = { 0xef, 0xbf, 0xbd }; /* U+FFFD */

size_t weft_utf8_valid_length(struct weft_slice text)
{
    size_t at = 0;
    while (at < text.length) {
        uint64_t word;
        if (text.length - at >= sizeof word) {
            memcpy(&word, text.bytes + at, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof word;
                continue;
            }
        }
        size_t length = weft_utf8_character_length(text.bytes + at, text.bytes + text.length);
        if (length == 0) {
            return at;
        }
        at += length;
    }
    return at;
}

uint32_t weft_utf8_decode(struct weft_slice text, size_t *out_length)
{
    size_t length = weft_utf8_character_length(text.bytes, text.bytes + text.length);
    const uint8_t *at = text.bytes;
    *out_length = length == 0 ? 1 : length;
    switch (length) {
    case 1:
        return at[0];
    case 2:
        return (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
    case 3:
        return (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
    case 4:
        return (at[0] & 0x07u) << 18 | (at[1] & 0x3fu) << 12 | (at[2] & 0x3fu) << 6 | (at[3] & 0x3fu);
    default:
        return 0xfffd;
    }
}

void weft_utf8_append_repaired(struct weft_buffer *buffer, struct weft_slice text)
{
    while (text.length > 0) {
        size_t valid = weft_utf8_valid_length(text);
        weft_buffer_append(buffer, text.bytes, valid);
        if (valid < text.length) {
            weft_buffer_append(buffer, replacement, sizeof replacement);
            valid++;
        }
        text = weft_slice_of(text.bytes + valid, text.length - valid);
    }
}

size_t weft_utf8_offset_before_repair(struct weft_slice text, size_t repaired_offset)
{
    size_t at = 0;
    while (repaired_offset > 0 && at < text.length) {
        size_t length = weft_utf8_character_length(text.bytes + at, text.bytes + text.length);
        size_t repaired_length = length == 0 ? sizeof replacement : length;
        at += length == 0 ? 1 : length;
        repaired_offset -= repaired_length < repaired_offset ? repaired_length : repaired_offset;
    }
    return at;
}

/* The longest start of a sequence that could have gone on is replaced as one (Unicode 3.9, "maximal subpart"): a
 * character that was torn leaves one mark, not three. */
static size_t torn_length(const uint8_t *at, const uint8_t *end)
{
    size_t whole = weft_utf8_length_of_lead(*at);
    size_t length = 1;
    if (whole < 2 || at + 1 == end || !weft_utf8_is_second_byte(at[0], at[1])) {
        return length;
    }
    for (length = 2; length < whole && at + length < end && (at[length] & 0xc0) == 0x80;) {
        length++;
    }
    return length;
}

void weft_utf8_append_repaired_by_part(struct weft_buffer *out, struct weft_slice text)
{
    while (text.length > 0) {
        size_t whole = weft_utf8_valid_length(text);
        weft_buffer_append(out, text.bytes, whole);
        if (whole < text.length) {
            weft_buffer_append(out, "\xef\xbf\xbd", 3);
            whole += torn_length(text.bytes + whole, text.bytes + text.length);
        }
        text = weft_slice_of(text.bytes + whole, text.length - whole);
    }
}
