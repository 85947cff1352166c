/* The first look at a text (redaction_detector.h): which triggers are in it, how many digits, and whether some of them
 * stand as those of a card or a social security number do; 32 bytes at a time where the machine can. A byte's halves
 * look up eight bits each, one for a group of triggers; where both halves of four bytes that follow one another have
 * one in common, tables say which triggers it is. Most texts have none, and are done with that. */
#include "base/status.h"
#include "processors/redaction_detector.h"

enum { BLOCK_BYTES = 32 };

/* The triggers whose bytes these are. */
static inline uint64_t triggers_of(const struct weft_detector_filter *filter, uint8_t first, uint8_t second,
                                   uint8_t third, uint8_t fourth)
{
    return filter->places[0][first] & filter->places[1][second] & filter->places[2][third] & filter->places[3][fourth];
}

/* ---- byte by byte ---- */

/* Digits and separators of the last bytes, the very last as bit 0. */
enum {
    CARD_IN_ONE_PIECE = 0x3fff, /* 14 digits */
    CARD_DIGITS = 0x3def,       /* 4111 1111 1111, and one group or two more */
    CARD_SEPARATORS = 0x210,
    SHORT_CARD_DIGITS = 0xf7ef, /* 3700 000000 0000, and none or a digit more */
    SHORT_CARD_SEPARATORS = 0x810,
    SSN_DIGITS = 0x76f, /* 123-45-6789 */
    SSN_SEPARATORS = 0x090,
};

static bool have(uint32_t digits, uint32_t wanted_digits, uint32_t separators, uint32_t wanted_separators)
{
    return (digits & wanted_digits) == wanted_digits && (separators & wanted_separators) == wanted_separators;
}

/* Behind the text stand bytes that are none of a trigger's. */
static struct weft_text_signs look_at_bytes(const struct weft_detector_filter *filter, struct weft_slice text)
{
    struct weft_text_signs signs = { 0 };
    uint32_t digits = 0;
    uint32_t separators = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        bool is_digit = weft_is_digit(byte);
        digits = digits << 1 | is_digit;
        separators = separators << 1 | (byte == ' ' || byte == '-');
        signs.digit_count += is_digit;
        signs.has_card_form = signs.has_card_form || have(digits, CARD_IN_ONE_PIECE, 0, 0) ||
                              have(digits, CARD_DIGITS, separators, CARD_SEPARATORS) ||
                              have(digits, SHORT_CARD_DIGITS, separators, SHORT_CARD_SEPARATORS);
        signs.has_ssn_form = signs.has_ssn_form || have(digits, SSN_DIGITS, separators, SSN_SEPARATORS);
        signs.triggers |=
            triggers_of(filter, byte, weft_byte_at(text, i + 1), weft_byte_at(text, i + 2), weft_byte_at(text, i + 3));
    }
    return signs;
}

/* ---- by blocks ---- */

#ifdef __x86_64__

#include <immintrin.h>

#define WITH_VECTORS __attribute__((target("avx2,popcnt")))

WITH_VECTORS static inline __m256i load(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

struct look {
    __m256i low[WEFT_TRIGGER_BYTES], high[WEFT_TRIGGER_BYTES]; /* the filter's, twice */
    uint64_t triggers;
    uint64_t digits, separators; /* of this block and the one before, whose bits are the lower ones */
    uint64_t cards, ssns;
    size_t digit_count;
};

WITH_VECTORS static inline void start(struct look *look, const struct weft_detector_filter *filter)
{
    for (int i = 0; i < WEFT_TRIGGER_BYTES; i++) {
        look->low[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)filter->low[i]));
        look->high[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)filter->high[i]));
    }
    look->triggers = look->digits = look->separators = look->cards = look->ssns = 0;
    look->digit_count = 0;
}

/* A bit for each of 32 places at which triggers may begin. */
WITH_VECTORS static inline uint32_t find_places(const struct look *look, const uint8_t *at)
{
    const __m256i halves = _mm256_set1_epi8(0x0f);
    __m256i bits = _mm256_set1_epi8(-1);
    for (int i = 0; i < WEFT_TRIGGER_BYTES; i++) {
        __m256i bytes = load(at + i);
        __m256i low = _mm256_and_si256(bytes, halves);
        __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), halves);
        bits = _mm256_and_si256(
            bits, _mm256_and_si256(_mm256_shuffle_epi8(look->low[i], low), _mm256_shuffle_epi8(look->high[i], high)));
    }
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bits, _mm256_setzero_si256()));
}

WITH_VECTORS static inline uint32_t find_digits(__m256i bytes)
{
    __m256i from_zero = _mm256_sub_epi8(bytes, _mm256_set1_epi8('0'));
    return (uint32_t)_mm256_movemask_epi8(
        _mm256_cmpeq_epi8(_mm256_min_epu8(from_zero, _mm256_set1_epi8(9)), from_zero));
}

WITH_VECTORS static inline uint32_t find_separators(__m256i bytes)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(' ')),
                                                          _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('-'))));
}

/* Where a form begins in the two blocks, its bit is set. What goes on behind them is seen with the next one. Groups of
 * digits with something between them are rare: most blocks are done with a few steps. */
WITH_VECTORS static inline void find_forms(struct look *look)
{
    uint64_t digits = look->digits;
    uint64_t separators = look->separators;
    uint64_t two = digits & digits >> 1;
    uint64_t four = two & two >> 2;
    uint64_t eight = four & four >> 4;
    uint64_t group = four & separators >> 4; /* of four, and what parts it from the next */
    look->cards |= eight & eight >> 6;
    if (WEFT_UNLIKELY(group != 0)) {
        look->cards |=
            (group & group >> 5 & four >> 10) | (group & two >> 5 & four >> 7 & separators >> 11 & four >> 12);
    }
    uint64_t middle = separators & separators >> 3; /* two of them with two bytes between */
    if (WEFT_UNLIKELY(middle != 0)) {
        look->ssns |= two & digits >> 2 & middle >> 3 & two >> 4 & four >> 7;
    }
}

WITH_VECTORS static inline void look_at_block(const struct weft_detector_filter *filter, const uint8_t *at,
                                              struct look *look)
{
    __m256i bytes = load(at);
    uint32_t digits = find_digits(bytes);
    look->digits = (uint64_t)digits << BLOCK_BYTES | look->digits >> BLOCK_BYTES;
    look->separators = (uint64_t)find_separators(bytes) << BLOCK_BYTES | look->separators >> BLOCK_BYTES;
    look->digit_count += (size_t)__builtin_popcount(digits);
    find_forms(look);
    for (uint32_t left = find_places(look, at); left != 0; left &= left - 1) {
        const uint8_t *found = at + __builtin_ctz(left);
        look->triggers |= triggers_of(filter, found[0], found[1], found[2], found[3]);
    }
}

/* The last bytes with none behind them: a block may be looked at only where a trigger's bytes more can be read. */
WITH_VECTORS static struct weft_text_signs look_at_blocks(const struct weft_detector_filter *filter,
                                                          struct weft_slice text)
{
    struct look look;
    uint8_t last[3 * BLOCK_BYTES] = { 0 };
    size_t at = 0;
    start(&look, filter);
    for (; text.length - at >= BLOCK_BYTES + WEFT_TRIGGER_BYTES - 1; at += BLOCK_BYTES) {
        look_at_block(filter, text.bytes + at, &look);
    }
    memcpy(last, text.bytes + at, text.length - at);
    for (size_t from = 0; from < text.length - at; from += BLOCK_BYTES) {
        look_at_block(filter, last + from, &look);
    }
    return (struct weft_text_signs){ .triggers = look.triggers,
                                     .has_card_form = look.cards != 0,
                                     .has_ssn_form = look.ssns != 0,
                                     .digit_count = look.digit_count };
}

bool weft_detector_has_vectors(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("ssse3");
}

#else

static struct weft_text_signs look_at_blocks(const struct weft_detector_filter *filter, struct weft_slice text)
{
    return look_at_bytes(filter, text);
}

bool weft_detector_has_vectors(void)
{
    return false;
}

#endif

struct weft_text_signs weft_detector_look(const struct weft_detector_filter *filter, struct weft_slice text)
{
    enum { MIN_BYTES = 8 };
    return filter->has_vectors && text.length >= MIN_BYTES ? look_at_blocks(filter, text) : look_at_bytes(filter, text);
}
