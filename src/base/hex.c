/* Hex digits (hex.h). Ids come as 16 or 32 of them with every record of JSON, so sixteen are read at once. */
#include "base/hex.h"

#include "base/work.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK_BYTES = 8 };

#ifdef __SSE2__
/* Sixteen digits as eight bytes; true if all of them are some. */
static inline bool decode_block(const uint8_t *text, uint8_t *to)
{
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i digit = _mm_sub_epi8(block, _mm_set1_epi8('0'));
    __m128i letter = _mm_sub_epi8(_mm_or_si128(block, _mm_set1_epi8(32)), _mm_set1_epi8('a'));
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
    __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
    __m128i nibble =
        _mm_or_si128(_mm_and_si128(digit, is_digit), _mm_and_si128(_mm_add_epi8(letter, _mm_set1_epi8(10)), is_letter));
    __m128i pairs = _mm_or_si128(_mm_slli_epi16(nibble, 4), _mm_srli_epi16(nibble, 8));
    __m128i bytes = _mm_and_si128(pairs, _mm_set1_epi16(0xff));
    _mm_storel_epi64((__m128i *)(void *)to, _mm_packus_epi16(bytes, bytes));
    return _mm_movemask_epi8(_mm_or_si128(is_digit, is_letter)) == 0xffff;
}
#endif

static bool decode_bytes(const uint8_t *text, uint8_t *to, size_t length)
{
    int seen = 0;
    for (size_t i = 0; i < length; i++) {
        int byte = weft_hex_byte(text + 2 * i);
        weft_work_did_each(i + 1);
        seen |= byte;
        to[i] = (uint8_t)byte;
    }
    return seen >= 0;
}

bool weft_hex_decode(struct weft_slice text, uint8_t *to, size_t length)
{
    if (text.length != 2 * length) {
        return false;
    }
    size_t done = 0;
#ifdef __SSE2__
    for (; length - done >= BLOCK_BYTES; done += BLOCK_BYTES) {
        if (!decode_block(text.bytes + 2 * done, to + done)) {
            return false;
        }
    }
#endif
    return done == length || decode_bytes(text.bytes + 2 * done, to + done, length - done);
}

uint8_t *weft_hex_put(uint8_t *to, struct weft_slice bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        weft_work_did_each(i + 1);
        to = weft_hex_put_byte(to, bytes.bytes[i], WEFT_HEX_LOWER);
    }
    return to;
}

void weft_hex_append(struct weft_buffer *out, struct weft_slice bytes)
{
    uint8_t *to = weft_buffer_reserve(out, 2 * bytes.length);
    if (to != NULL) {
        weft_hex_put(to, bytes);
        out->length += 2 * bytes.length;
    }
}
