/* The first look at a text (redaction_detector_look.c), 64 bytes at a time. A byte's halves look up eight bits each,
 * for each of the last three places of triggers; where three bytes that follow one another have one of the first seven
 * bits in common, tables say which triggers it is. The eighth bit says that a byte may be part of a number: where as
 * many of them follow one another as the shortest form has, masks of digits say what it is.
 *
 * Which chunk of a text has something cannot be foretold, so nothing branches on it: what is seen of 16 chunks is kept
 * as masks, and only then it is gone from one find to the next. */
#include "base/alloc.h"
#include "processors/redaction_detector_look.h"

#ifdef __x86_64__

#include <immintrin.h>

enum { BLOCK_BYTES = 32, CHUNK_BYTES = 64, GROUP_CHUNKS = 16, LANES = 4 };

#define WITH_VECTORS __attribute__((target("avx2,bmi,bmi2")))

WITH_VECTORS static inline __m256i load(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

struct look {
    const struct weft_detector_filter *filter;
    struct weft_slice text;
    struct weft_text_signs signs;
};

/* What was seen of chunks that follow one another, a bit for each byte: where no trigger ends, and what may be part of
 * a number, that of the chunk before first. Behind the last chunk stand as many more as are looked at at once. */
struct group {
    size_t at;
    uint64_t no_ends[GROUP_CHUNKS + LANES], numbers[1 + GROUP_CHUNKS + LANES];
};

/* The filter's, twice. */
struct tables {
    __m256i low[WEFT_TRIGGER_PLACES], high[WEFT_TRIGGER_PLACES];
};

/* Of the block before: bits for the first and the second of three places. In registers, so nothing else may point to
 * it. */
struct before {
    __m256i first, second;
};

/* The bits of bytes for one place, by their halves. */
WITH_VECTORS static inline __m256i bits_of(const struct tables *tables, int place, __m256i low, __m256i high)
{
    return _mm256_and_si256(_mm256_shuffle_epi8(tables->low[place], low),
                            _mm256_shuffle_epi8(tables->high[place], high));
}

WITH_VECTORS static inline struct tables tables_of(const struct weft_detector_filter *filter)
{
    struct tables tables;
    for (int i = 0; i < WEFT_TRIGGER_PLACES; i++) {
        tables.low[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)filter->low[i]));
        tables.high[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)filter->high[i]));
    }
    return tables;
}

/* Before a text stand bytes that are none of any trigger's, as behind it: zeros. */
WITH_VECTORS static inline struct before nothing_before(const struct tables *tables)
{
    const __m256i zeros = _mm256_setzero_si256();
    return (struct before){ .first = bits_of(tables, 0, zeros, zeros), .second = bits_of(tables, 1, zeros, zeros) };
}

/* Other than 0 where a trigger may end. */
WITH_VECTORS static inline __m256i look_at_block(const struct tables *tables, struct before *before, const uint8_t *at,
                                                 uint64_t *out_numbers)
{
    const __m256i half = _mm256_set1_epi8(0x0f);
    __m256i bytes = load(at);
    __m256i low = _mm256_and_si256(bytes, half);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half);
    __m256i first = bits_of(tables, 0, low, high);
    __m256i second = bits_of(tables, 1, low, high);
    __m256i third = bits_of(tables, 2, low, high);
    /* with those of the block before in front of them: of two bytes ago, and of one */
    __m256i two_ago = _mm256_alignr_epi8(first, _mm256_permute2x128_si256(before->first, first, 0x21), 14);
    __m256i one_ago = _mm256_alignr_epi8(second, _mm256_permute2x128_si256(before->second, second, 0x21), 15);
    before->first = first;
    before->second = second;
    *out_numbers = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(first, second)); /* the highest of each byte */
    return _mm256_and_si256(_mm256_and_si256(two_ago, one_ago), third);
}

WITH_VECTORS static inline uint64_t find_no_ends(__m256i bits)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bits, _mm256_setzero_si256()));
}

WITH_VECTORS static inline void look_at_chunk(const struct tables *tables, struct before *before, const uint8_t *bytes,
                                              struct group *group, size_t index)
{
    uint64_t numbers;
    uint64_t more_numbers;
    uint64_t no_ends = find_no_ends(look_at_block(tables, before, bytes, &numbers));
    no_ends |= find_no_ends(look_at_block(tables, before, bytes + BLOCK_BYTES, &more_numbers)) << BLOCK_BYTES;
    group->no_ends[index] = no_ends;
    group->numbers[1 + index] = numbers | more_numbers << BLOCK_BYTES;
}

/* ---- what was seen ---- */

/* By chunk of four, which have ends. */
WITH_VECTORS static inline unsigned find_chunks_with_ends(const uint64_t no_ends[LANES])
{
    enum { ALL = (1 << LANES) - 1 };
    __m256i has_none = _mm256_cmpeq_epi64(load((const uint8_t *)no_ends), _mm256_set1_epi64x(-1));
    return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(has_none)) ^ ALL;
}

WITH_VECTORS static inline __m256i shift_in(__m256i bits, __m256i before, int count)
{
    return _mm256_and_si256(bits,
                            _mm256_or_si256(_mm256_slli_epi64(bits, count), _mm256_srli_epi64(before, 64 - count)));
}

/* Of four chunks those bytes of numbers before which ten more stand: those with one before them, of these those with
 * such a one two before, and so on. Of the chunk before only the last bytes count. Returns which chunks have any. */
WITH_VECTORS static inline unsigned find_elevenths(const uint64_t numbers[1 + LANES], uint64_t out_elevenths[LANES])
{
    enum { ALL = (1 << LANES) - 1 };
    __m256i before = load((const uint8_t *)numbers);
    __m256i twos_before = _mm256_and_si256(before, _mm256_slli_epi64(before, 1));
    __m256i fours_before = _mm256_and_si256(twos_before, _mm256_slli_epi64(twos_before, 2));
    __m256i eights_before = _mm256_and_si256(fours_before, _mm256_slli_epi64(fours_before, 4));
    __m256i twos = shift_in(load((const uint8_t *)(numbers + 1)), before, 1);
    __m256i fours = shift_in(twos, twos_before, 2);
    __m256i eights = shift_in(fours, fours_before, 4);
    __m256i elevens = shift_in(eights, eights_before, 3);
    _mm256_storeu_si256((__m256i *)(void *)out_elevenths, elevens);
    __m256i has_none = _mm256_cmpeq_epi64(elevens, _mm256_setzero_si256());
    return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(has_none)) ^ ALL;
}

WITH_VECTORS static inline void look_at_ends(struct look *look, size_t at, uint64_t ends)
{
    for (; ends != 0; ends &= ends - 1) {
        size_t end = at + (size_t)__builtin_ctzll(ends);
        note_triggers(&look->signs, triggers_at(look->filter, look->text, end), end);
    }
}

WITH_VECTORS static inline uint64_t find_digits(const uint8_t *at)
{
    __m256i from_zero = _mm256_sub_epi8(load(at), _mm256_set1_epi8('0'));
    __m256i are_digits = _mm256_cmpeq_epi8(_mm256_min_epu8(from_zero, _mm256_set1_epi8(9)), from_zero);
    return (uint32_t)_mm256_movemask_epi8(are_digits);
}

WITH_VECTORS static inline uint64_t find_separators(const uint8_t *at)
{
    __m256i bytes = load(at);
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(' ')),
                                                          _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('-'))));
}

/* Of 64 bytes. */
WITH_VECTORS static inline void look_for_forms(struct look *look, const uint8_t *bytes, size_t at)
{
    uint64_t digits = find_digits(bytes) | find_digits(bytes + BLOCK_BYTES) << BLOCK_BYTES;
    uint64_t separators = find_separators(bytes) | find_separators(bytes + BLOCK_BYTES) << BLOCK_BYTES;
    uint64_t two = digits & digits >> 1;
    uint64_t four = two & two >> 2;
    uint64_t eight = four & four >> 4;
    uint64_t cards = eight & eight >> 6;
    uint64_t ssns = 0;
    uint64_t group = four & separators >> 4;        /* of four, and what parts it from the next */
    uint64_t middle = separators & separators >> 3; /* two of these with two bytes between */
    if (group != 0) {
        cards |= group & group >> 5 & group >> 10 & digits >> 15;
        cards |= group & two >> 5 & four >> 7 & separators >> 11 & four >> 12;
    }
    if (middle != 0) {
        ssns = two & digits >> 2 & middle >> 3 & two >> 4 & four >> 7;
    }
    for (uint64_t left = cards | ssns; left != 0; left &= left - 1) {
        unsigned bit = (unsigned)__builtin_ctzll(left);
        if (may_begin(look->text, at + bit)) {
            look->signs.has_card_form = look->signs.has_card_form || (cards >> bit & 1) != 0;
            look->signs.has_ssn_form = look->signs.has_ssn_form || (ssns >> bit & 1) != 0;
            note(&look->signs, at + bit, at + bit + SSN_BYTES);
        }
    }
}

/* In a text that is shorter than that. */
WITH_VECTORS static __attribute__((noinline)) void look_for_forms_in_short(struct look *look)
{
    uint8_t padded[CHUNK_BYTES] = { 0 };
    memcpy(padded, look->text.bytes, look->text.length);
    look_for_forms(look, padded, 0);
}

/* A form begins ten bytes before its eleventh. */
WITH_VECTORS static inline void look_at_elevenths(struct look *look, size_t at, uint64_t elevenths)
{
    enum { SEEN_BYTES = CHUNK_BYTES - MAX_FORM_BYTES };
    while (elevenths != 0) {
        unsigned bit = (unsigned)__builtin_ctzll(elevenths);
        size_t from = at + bit + 1 - SSN_BYTES;
        if (look->text.length >= CHUNK_BYTES) {
            size_t last = look->text.length - CHUNK_BYTES;
            from = from < last ? from : last;
            look_for_forms(look, look->text.bytes + from, from);
        } else {
            look_for_forms_in_short(look);
        }
        /* of those up to there all forms lie in these 64 bytes */
        elevenths &= ~(((UINT64_C(1) << SEEN_BYTES) - 1) << bit);
    }
}

/* What was seen of so many chunks; the last of them comes before those of the next group. */
WITH_VECTORS static void look_at_group(struct look *look, struct group *group, size_t count)
{
    uint64_t elevenths[GROUP_CHUNKS + LANES];
    unsigned with_ends = 0;
    unsigned with_elevenths = 0;
    _mm256_storeu_si256((__m256i *)(void *)(group->no_ends + count), _mm256_set1_epi64x(-1));
    _mm256_storeu_si256((__m256i *)(void *)(group->numbers + 1 + count), _mm256_setzero_si256());
    for (size_t i = 0; i < count; i += LANES) {
        with_ends |= find_chunks_with_ends(group->no_ends + i) << i;
        with_elevenths |= find_elevenths(group->numbers + i, elevenths + i) << i;
    }
    for (; with_ends != 0; with_ends &= with_ends - 1) {
        size_t index = (size_t)__builtin_ctz(with_ends);
        look_at_ends(look, group->at + index * CHUNK_BYTES, ~group->no_ends[index]);
    }
    for (; with_elevenths != 0; with_elevenths &= with_elevenths - 1) {
        size_t index = (size_t)__builtin_ctz(with_elevenths);
        look_at_elevenths(look, group->at + index * CHUNK_BYTES, elevenths[index]);
    }
    group->numbers[0] = group->numbers[count];
    group->at += count * CHUNK_BYTES;
    weft_work_did(count * CHUNK_BYTES);
}

/* The last bytes of a text, zeros behind them. The bytes before them are copied along: a copy of a known length is no
 * call. Returns where they begin. */
static inline const uint8_t *copy_rest(struct weft_slice text, size_t length, uint8_t rest[2 * CHUNK_BYTES])
{
    memset(rest + CHUNK_BYTES, 0, CHUNK_BYTES);
    if (text.length >= CHUNK_BYTES) {
        memcpy(rest, text.bytes + text.length - CHUNK_BYTES, CHUNK_BYTES);
        return rest + CHUNK_BYTES - length;
    }
    memset(rest, 0, CHUNK_BYTES);
    memcpy(rest, text.bytes, length);
    return rest;
}

WITH_VECTORS struct weft_text_signs weft_detector_look_at_blocks(const struct weft_detector_filter *filter,
                                                                 struct weft_slice text)
{
    struct look look = { filter, text, no_signs };
    struct group group; /* nothing seen yet, and no time to clear it */
    struct tables tables = tables_of(filter);
    struct before before = nothing_before(&tables);
    size_t chunks = text.length / CHUNK_BYTES;
    size_t rest_length = text.length % CHUNK_BYTES;
    group.at = 0;
    group.numbers[0] = 0;
    for (; chunks >= GROUP_CHUNKS; chunks -= GROUP_CHUNKS) {
        for (size_t i = 0; i < GROUP_CHUNKS; i++) {
            look_at_chunk(&tables, &before, text.bytes + group.at + i * CHUNK_BYTES, &group, i);
        }
        look_at_group(&look, &group, GROUP_CHUNKS);
    }
    for (size_t i = 0; i < chunks; i++) {
        look_at_chunk(&tables, &before, text.bytes + group.at + i * CHUNK_BYTES, &group, i);
    }
    if (rest_length > 0) {
        uint8_t rest[2 * CHUNK_BYTES];
        look_at_chunk(&tables, &before, copy_rest(text, rest_length, rest), &group, chunks++);
    }
    look_at_group(&look, &group, chunks);
    return look.signs;
}

bool weft_detector_has_vectors(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

#else

struct weft_text_signs weft_detector_look_at_blocks(const struct weft_detector_filter *filter, struct weft_slice text)
{
    (void)filter;
    (void)text;
    return no_signs;
}

bool weft_detector_has_vectors(void)
{
    return false;
}

#endif
