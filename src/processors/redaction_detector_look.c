/* The first look at a text (redaction_detector.h): how many digits it has, and whether triggers may be in it, 16 bytes
 * at a time where the machine can. A byte's halves look up eight bits each, one for a group of triggers; what both
 * halves of three bytes that follow one another have in common may be a trigger. Most texts have none, and are done
 * with that. */
#include "processors/redaction_detector.h"

enum { BLOCK_BYTES = 16, RUN_DIGITS = 4 };

static struct weft_text_signs look_at_bytes(struct weft_slice text)
{
    struct weft_text_signs signs = { .may_have_triggers = true };
    size_t run = 0;
    for (size_t i = 0; i < text.length; i++) {
        run = weft_is_digit(text.bytes[i]) ? run + 1 : 0;
        signs.digit_count += run > 0;
        signs.has_run = signs.has_run || run >= RUN_DIGITS;
    }
    return signs;
}

#ifdef __x86_64__

#include <tmmintrin.h>

#define WITH_VECTORS __attribute__((target("ssse3,popcnt")))

/* The bits of triggers that may begin at each of 16 places. */
WITH_VECTORS static inline __m128i find_bits(const struct weft_detector_filter *filter, const uint8_t *at)
{
    const __m128i halves = _mm_set1_epi8(0x0f);
    __m128i bits = _mm_set1_epi8(-1);
    for (int i = 0; i < 3; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + i));
        __m128i low = _mm_and_si128(bytes, halves);
        __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), halves);
        __m128i by_low = _mm_loadu_si128((const __m128i *)(const void *)filter->low[i]);
        __m128i by_high = _mm_loadu_si128((const __m128i *)(const void *)filter->high[i]);
        bits = _mm_and_si128(bits, _mm_and_si128(_mm_shuffle_epi8(by_low, low), _mm_shuffle_epi8(by_high, high)));
    }
    return bits;
}

/* A bit for each of 16 bytes that is a digit. */
WITH_VECTORS static inline uint32_t find_digits(const uint8_t *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i from_zero = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(from_zero, _mm_set1_epi8(9)), from_zero));
}

struct look {
    __m128i bits;
    uint32_t last_digits; /* the last three of the block before */
    uint32_t runs;
    size_t digit_count;
};

WITH_VECTORS static inline void look_at_block(const struct weft_detector_filter *filter, const uint8_t *at,
                                              struct look *look)
{
    uint32_t digits = find_digits(at);
    uint32_t with_last = digits << (RUN_DIGITS - 1) | look->last_digits;
    look->bits = _mm_or_si128(look->bits, find_bits(filter, at));
    look->runs |= with_last & with_last >> 1 & with_last >> 2 & with_last >> 3;
    look->last_digits = digits >> (BLOCK_BYTES - RUN_DIGITS + 1);
    look->digit_count += (size_t)__builtin_popcount(digits);
}

/* The last bytes with none behind them: a block may be looked at only where two bytes more can be read. */
WITH_VECTORS static struct weft_text_signs look_at_blocks(const struct weft_detector_filter *filter,
                                                          struct weft_slice text)
{
    struct look look = { .bits = _mm_setzero_si128() };
    uint8_t last[3 * BLOCK_BYTES] = { 0 };
    size_t at = 0;
    for (; text.length - at >= BLOCK_BYTES + 2; at += BLOCK_BYTES) {
        look_at_block(filter, text.bytes + at, &look);
    }
    memcpy(last, text.bytes + at, text.length - at);
    for (size_t from = 0; from < text.length - at; from += BLOCK_BYTES) {
        look_at_block(filter, last + from, &look);
    }
    bool has_bits = _mm_movemask_epi8(_mm_cmpeq_epi8(look.bits, _mm_setzero_si128())) != 0xffff;
    return (struct weft_text_signs){ has_bits, look.runs != 0, look.digit_count };
}

bool weft_detector_has_vectors(void)
{
    return __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt");
}

#else

static struct weft_text_signs look_at_blocks(const struct weft_detector_filter *filter, struct weft_slice text)
{
    (void)filter;
    return look_at_bytes(text);
}

bool weft_detector_has_vectors(void)
{
    return false;
}

#endif

struct weft_text_signs weft_detector_look(const struct weft_detector_filter *filter, struct weft_slice text)
{
    return filter->has_vectors && text.length >= BLOCK_BYTES ? look_at_blocks(filter, text) : look_at_bytes(text);
}
