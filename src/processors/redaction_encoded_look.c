/* The first look for encoded forms (redaction_encoded.h): a percent sign before two hex digits, a run of characters of
 * base64. */
#include "processors/redaction_encoded_internal.h"

bool weft_encoded_has_percent(struct weft_slice text)
{
    for (size_t at = 0; (at = weft_find_byte(text, at, '%')) < text.length; at++) {
        if (weft_is_hex(weft_byte_at(text, at + 1)) && weft_is_hex(weft_byte_at(text, at + 2))) {
            return true;
        }
    }
    return false;
}

static bool has_run_by_bytes(struct weft_slice text)
{
    size_t run = 0;
    for (size_t i = 0; i < text.length && run < WEFT_ENCODED_MIN_RUN; i++) {
        run = weft_is_base64(text.bytes[i]) ? run + 1 : 0;
    }
    return run >= WEFT_ENCODED_MIN_RUN;
}

#ifdef __x86_64__

#include <tmmintrin.h>

enum { BLOCK_BYTES = 16 };

/* A bit for each of 16 bytes that is a character of base64: groups of characters by the upper half of a byte, and by
 * the lower half the groups that have it. */
__attribute__((target("ssse3"))) static inline uint32_t find_characters(const uint8_t *at)
{
    enum { SIGNS = 1, DIGITS = 2, LETTERS = 4, LAST_CAPITALS = 8, LAST_SMALL = 16 };
    enum { ALL_LAST = LAST_CAPITALS | LAST_SMALL, COMMON = DIGITS | LETTERS | ALL_LAST };
    const __m128i by_high =
        _mm_setr_epi8(0, 0, SIGNS, DIGITS, LETTERS, LAST_CAPITALS, LETTERS, LAST_SMALL, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i by_low = _mm_setr_epi8(DIGITS | ALL_LAST, COMMON, COMMON, COMMON, COMMON, COMMON, COMMON, COMMON,
                                         COMMON, COMMON, LETTERS | ALL_LAST, LETTERS | SIGNS, LETTERS, LETTERS | SIGNS,
                                         LETTERS, LETTERS | SIGNS | LAST_CAPITALS);
    const __m128i halves = _mm_set1_epi8(0x0f);
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i low = _mm_shuffle_epi8(by_low, _mm_and_si128(bytes, halves));
    __m128i high = _mm_shuffle_epi8(by_high, _mm_and_si128(_mm_srli_epi16(bytes, 4), halves));
    __m128i none = _mm_cmpeq_epi8(_mm_and_si128(low, high), _mm_setzero_si128());
    return ~(uint32_t)_mm_movemask_epi8(none) & 0xffff;
}

/* Whether 16 characters stand in a row: bits that stay when each is taken with the one before it, then two, four and
 * eight before. A run of that length lies in two blocks at most. */
__attribute__((target("ssse3"))) static bool has_run_by_blocks(struct weft_slice text)
{
    uint32_t before = 0;
    uint32_t runs = 0;
    size_t at = 0;
    for (; text.length - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
        uint32_t characters = find_characters(text.bytes + at) << BLOCK_BYTES | before;
        before = characters >> BLOCK_BYTES;
        runs = characters & characters >> 1;
        runs &= runs >> 2;
        runs &= runs >> 4;
        if ((runs & runs >> 8) != 0) {
            return true;
        }
    }
    size_t from = at < BLOCK_BYTES ? 0 : at - BLOCK_BYTES + 1; /* a run that ends in the rest begins here */
    return has_run_by_bytes(weft_slice_of(text.bytes + from, text.length - from));
}

bool weft_encoded_has_run(struct weft_slice text, bool has_vectors)
{
    return has_vectors && text.length >= BLOCK_BYTES ? has_run_by_blocks(text) : has_run_by_bytes(text);
}

#else

bool weft_encoded_has_run(struct weft_slice text, bool has_vectors)
{
    (void)has_vectors;
    return has_run_by_bytes(text);
}

#endif
