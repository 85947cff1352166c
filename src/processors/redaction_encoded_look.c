/* The first look for encoded forms (redaction_encoded.h): a percent sign before two hex digits, and the 16 characters
 * of base64 that become ASCII without which nothing is decoded. Ids and paths hardly ever have them: by the first two
 * characters of four, of which ASCII has some only, most are told apart 64 bytes at a time. */
#include "processors/redaction_encoded_internal.h"

size_t weft_encoded_find_percent(struct weft_slice text)
{
    size_t at = 0;
    while ((at = weft_find_byte(text, at, '%')) < text.length &&
           !(weft_is_hex(weft_byte_at(text, at + 1)) && weft_is_hex(weft_byte_at(text, at + 2)))) {
        at++;
    }
    return at;
}

static inline void note(struct weft_found *where, size_t start, size_t end)
{
    where->start = start < where->start ? start : where->start;
    where->end = end > where->end ? end : where->end;
}

static const struct weft_found nowhere = { SIZE_MAX, 0 };

/* Of the last characters, the very last as bit 0, which may be the first of four, and so on, and which end four. */
static bool find_by_bytes(const struct weft_encoded_rules *rules, struct weft_slice text, struct weft_found *out_where)
{
    uint32_t firsts = 0;
    uint32_t seconds = 0;
    uint32_t thirds = 0;
    uint32_t quads = 0;
    *out_where = nowhere;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t digit = rules->digits[text.bytes[i]];
        firsts = firsts << 1 | ((digit & WEFT_ENCODED_NO_FIRST) == 0);
        seconds = seconds << 1 | ((digit & WEFT_ENCODED_NO_SECOND) == 0);
        thirds = thirds << 1 | ((digit & WEFT_ENCODED_NO_THIRD) == 0);
        bool is_quad = (firsts >> 3 & seconds >> 2 & thirds >> 1 & (digit < WEFT_ENCODED_NO_DIGIT)) != 0;
        quads = quads << 1 | is_quad;
        if ((quads & quads >> 4 & quads >> 8 & quads >> 12 & 1) != 0) {
            note(out_where, i + 1 - WEFT_ENCODED_MIN_RUN, i + 1);
        }
    }
    return out_where->end > 0;
}

#ifdef __x86_64__

#include <immintrin.h>

enum { BLOCK_BYTES = 32, CHUNK_BYTES = 64 };

#define WITH_VECTORS __attribute__((target("avx2,bmi,bmi2")))

/* Groups of characters that may be the first of four for ASCII, or the second, by the upper half of a byte; and by the
 * lower half the groups that have it. */
enum {
    B_TO_G = 1, /* the second: A to H and Q to X */
    G_TO_N = 2,
    W_TO_Z = 4,
    ZERO_TO_3 = 8,
    SECONDS = 0xf,
    FIRST_CAPITALS = 0x20, /* the first */
    LAST_CAPITALS = 0x40,
    A_TO_F = 0x80,
};

/* Of the chunk before: its last bytes as bits, as far as they meet the next ones. */
struct before {
    uint64_t firsts, pairs, doubles;
};

struct tables {
    __m256i low, high;
};

WITH_VECTORS static inline struct tables tables_of(void)
{
    enum { CAPITALS = FIRST_CAPITALS | LAST_CAPITALS, ALL = CAPITALS | A_TO_F };
    const __m128i high = _mm_setr_epi8(0, 0, 0, ZERO_TO_3, FIRST_CAPITALS | B_TO_G, LAST_CAPITALS | B_TO_G,
                                       (char)(A_TO_F | G_TO_N), W_TO_Z, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i low =
        _mm_setr_epi8(LAST_CAPITALS | ZERO_TO_3, (char)(ALL | B_TO_G | ZERO_TO_3), (char)(ALL | B_TO_G | ZERO_TO_3),
                      (char)(ALL | B_TO_G | ZERO_TO_3), (char)(ALL | B_TO_G), (char)(ALL | B_TO_G),
                      (char)(ALL | B_TO_G), CAPITALS | B_TO_G | G_TO_N | W_TO_Z, CAPITALS | B_TO_G | G_TO_N | W_TO_Z,
                      CAPITALS | G_TO_N | W_TO_Z, CAPITALS | G_TO_N | W_TO_Z, FIRST_CAPITALS | G_TO_N,
                      FIRST_CAPITALS | G_TO_N, FIRST_CAPITALS | G_TO_N, FIRST_CAPITALS | G_TO_N, FIRST_CAPITALS);
    return (struct tables){ _mm256_broadcastsi128_si256(low), _mm256_broadcastsi128_si256(high) };
}

/* Bits for which of 32 bytes may be the first of four, and which the second. What is no ASCII has no lower half. */
WITH_VECTORS static inline uint64_t look_at_block(const struct tables *tables, const uint8_t *at, uint64_t *out_seconds)
{
    const __m256i half = _mm256_set1_epi8(0x0f);
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half);
    __m256i groups = _mm256_and_si256(_mm256_shuffle_epi8(tables->low, bytes), _mm256_shuffle_epi8(tables->high, high));
    /* so much more that each group makes the highest bit */
    __m256i firsts = _mm256_adds_epu8(groups, _mm256_set1_epi8(0x80 - FIRST_CAPITALS));
    __m256i seconds = _mm256_add_epi8(_mm256_and_si256(groups, _mm256_set1_epi8(SECONDS)), _mm256_set1_epi8(0x7f));
    *out_seconds = (uint32_t)_mm256_movemask_epi8(seconds);
    return (uint32_t)_mm256_movemask_epi8(firsts);
}

/* Of 64 bytes those that are the second of four, behind the first, with three such pairs four bytes apart before them.
 */
WITH_VECTORS static inline uint64_t look_at_chunk(const struct tables *tables, struct before *before, const uint8_t *at)
{
    uint64_t seconds;
    uint64_t more_seconds;
    uint64_t firsts = look_at_block(tables, at, &seconds);
    firsts |= look_at_block(tables, at + BLOCK_BYTES, &more_seconds) << BLOCK_BYTES;
    seconds |= more_seconds << BLOCK_BYTES;
    uint64_t pairs = seconds & (firsts << 1 | before->firsts);
    uint64_t doubles = pairs & (pairs << 4 | before->pairs);
    uint64_t fours = doubles & (doubles << 8 | before->doubles);
    before->firsts = firsts >> 63;
    before->pairs = pairs >> 60;
    before->doubles = doubles >> 56;
    return fours;
}

static bool is_ascii(const struct weft_encoded_rules *rules, struct weft_slice text, size_t start)
{
    size_t at = 0;
    while (at < WEFT_ENCODED_MIN_RUN && text.length - start >= WEFT_ENCODED_MIN_RUN &&
           weft_encoded_is_ascii_quad(rules, text.bytes + start + at)) {
        at += WEFT_ENCODED_QUAD;
    }
    return at == WEFT_ENCODED_MIN_RUN;
}

/* Notes the first and the last of them that are more than a first look's. */
static __attribute__((noinline)) void look_at_fours(const struct weft_encoded_rules *rules, struct weft_slice text,
                                                    size_t at, uint64_t fours, struct weft_found *where)
{
    enum { BEFORE = WEFT_ENCODED_MIN_RUN - WEFT_ENCODED_QUAD + 1 };
    weft_work_did(CHUNK_BYTES);
    for (; where->end == 0 && fours != 0; fours &= fours - 1) {
        size_t start = at + (size_t)__builtin_ctzll(fours) - BEFORE;
        if (is_ascii(rules, text, start)) {
            note(where, start, start + WEFT_ENCODED_MIN_RUN);
        }
    }
    while (fours != 0) {
        unsigned bit = 63 - (unsigned)__builtin_clzll(fours);
        size_t start = at + bit - BEFORE;
        bool is_last = is_ascii(rules, text, start);
        if (is_last) {
            note(where, start, start + WEFT_ENCODED_MIN_RUN);
        }
        fours = is_last ? 0 : fours & ~(UINT64_C(1) << bit);
    }
}

WITH_VECTORS static bool find_by_chunks(const struct weft_encoded_rules *rules, struct weft_slice text,
                                        struct weft_found *out_where)
{
    struct tables tables = tables_of();
    struct before before = { 0 };
    struct weft_found where = nowhere;
    for (size_t at = 0; at < text.length; at += CHUNK_BYTES) {
        uint8_t rest[CHUNK_BYTES];
        const uint8_t *bytes = text.bytes + at;
        if (WEFT_UNLIKELY(text.length - at < CHUNK_BYTES)) {
            memset(rest, 0, sizeof rest);
            memcpy(rest, bytes, text.length - at);
            bytes = rest;
        }
        uint64_t fours = look_at_chunk(&tables, &before, bytes);
        if (WEFT_UNLIKELY(fours != 0)) {
            look_at_fours(rules, text, at, fours, &where);
        }
    }
    *out_where = where;
    return where.end > 0;
}

bool weft_encoded_find_ascii(const struct weft_encoded_rules *rules, struct weft_slice text, bool has_vectors,
                             struct weft_found *out_where)
{
    *out_where = nowhere;
    return text.length >= WEFT_ENCODED_MIN_RUN &&
           (has_vectors ? find_by_chunks(rules, text, out_where) : find_by_bytes(rules, text, out_where));
}

#else

bool weft_encoded_find_ascii(const struct weft_encoded_rules *rules, struct weft_slice text, bool has_vectors,
                             struct weft_found *out_where)
{
    (void)has_vectors;
    return find_by_bytes(rules, text, out_where);
}

#endif
