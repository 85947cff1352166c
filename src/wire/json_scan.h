#pragma once

#include <endian.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/slice.h"
#include "base/status.h"

/* Strict JSON (RFC 8259) taken apart piece by piece, without memory of its own and without recursion. Each
 * function gets where to read and where the text ends, and returns the byte after what it has read, or NULL
 * with the fault filled in. Text is UTF-8 or it is refused, as by protobuf's JSON readers, unless the caller
 * takes it; control characters stand in strings as escapes only. */
struct weft_json_fault {
    const uint8_t *at;
    const char *reason; /* names what would be right */

    bool takes_bad_text; /* before a call: what is no UTF-8 stands in strings as it came; */
    bool has_bad_text;   /* after it: there was some */
};

/* Values inside one another that a skip takes. */
enum { WEFT_JSON_MAX_SKIP_DEPTH = 64 };

/* A number: (is_negative ? -1 : 1) * mantissa * 10^exponent10, if is_exact; else it has more significant
 * digits than the mantissa holds and only its text says all. */
struct weft_json_number {
    struct weft_slice text;
    uint64_t mantissa; /* the first 19 significant digits */
    int64_t exponent10;
    bool is_negative;
    bool is_exact;
};

const uint8_t *weft_json_skip_space_long(const uint8_t *at, const uint8_t *end);

static inline const uint8_t *weft_json_skip_space(const uint8_t *at, const uint8_t *end)
{
    return at<end && * at> ' ' ? at : weft_json_skip_space_long(at, end);
}

/* Skips bytes of a string that stand for themselves, as long as there is a whole block of them: stops at a
 * quote, a backslash, a control character, what is not ASCII, or near the end. */
static inline const uint8_t *weft_json_skip_plain(const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    while (end - at >= 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
        /* signed: below a space are the control characters and all that is not ASCII */
        __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
                                       _mm_cmplt_epi8(block, space));
        unsigned mask = (unsigned)_mm_movemask_epi8(special);
        if (mask != 0) {
            return at + __builtin_ctz(mask);
        }
        at += 16;
    }
#else
    const uint64_t ones = UINT64_C(0x0101010101010101);
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        word = le64toh(word);
        uint64_t quote = word ^ ones * '"';
        uint64_t backslash = word ^ ones * '\\';
        /* exact for the lowest special byte, which is all that counts */
        uint64_t special =
            (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | (word - ones * ' ') | word) & ones * 0x80;
        if (special != 0) {
            return at + __builtin_ctzll(special) / 8;
        }
        at += 8;
    }
#endif
    return at;
}

const uint8_t *weft_json_scan_string_long(const uint8_t *at, const uint8_t *end, bool *out_has_escapes,
                                          struct weft_json_fault *fault) WEFT_MUST_CHECK;

/* at is after the opening quote. Returns the closing quote (not the byte after). */
static inline const uint8_t *weft_json_scan_string(const uint8_t *at, const uint8_t *end, bool *out_has_escapes,
                                                   struct weft_json_fault *fault)
{
    at = weft_json_skip_plain(at, end);
    if (at < end && *at == '"') {
        *out_has_escapes = false;
        return at;
    }
    return weft_json_scan_string_long(at, end, out_has_escapes, fault);
}

/* Writes what is between the quotes of a scanned string with its escapes resolved: never longer than that,
 * and both may be the same memory. Half a surrogate pair becomes U+FFFD. Returns the byte after. */
uint8_t *weft_json_unescape(uint8_t *to, struct weft_slice contents);

/* Eight digits at a time: the sum of neighbours, then of pairs, then of fours. False: they are not all digits. */
static inline bool weft_json_take_eight_digits(const uint8_t *at, uint64_t *out_value)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t digits = le64toh(word) ^ ones * '0';
    if (((digits | (digits + ones * 6)) & ones * 0xf0) != 0) {
        return false;
    }
    digits = digits * 10 + (digits >> 8);
    *out_value = ((digits & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
                  (digits >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
                 32;
    return true;
}

enum { WEFT_JSON_PLAIN_DIGITS = 19, WEFT_JSON_PLAIN_ROOM = 28 };

/* A whole number of at most WEFT_JSON_PLAIN_DIGITS digits, of which the value fits into 64 bits whatever they are, and
 * without a leading zero, as senders write times, counts and numbers of enums. WEFT_JSON_PLAIN_ROOM bytes can be read
 * from at on. Returns the byte after, or NULL: there is none, and it may be a number all the same. */
static inline const uint8_t *weft_json_take_plain_digits(const uint8_t *at, uint64_t *out_value)
{
    const uint8_t *digit = at;
    uint64_t value = 0;
    uint64_t eight;
    while (digit - at < 16 && weft_json_take_eight_digits(digit, &eight)) {
        value = value * 100000000 + eight;
        digit += 8;
    }
    for (; (uint8_t)(*digit - '0') < 10 && digit - at < WEFT_JSON_PLAIN_DIGITS; digit++) {
        value = value * 10 + (uint64_t)(*digit - '0');
    }
    *out_value = value;
    return digit == at || (*at == '0' && digit - at > 1) ? NULL : digit;
}

const uint8_t *weft_json_scan_number(const uint8_t *at, const uint8_t *end, struct weft_json_number *out_number,
                                     struct weft_json_fault *fault) WEFT_MUST_CHECK;

/* literal: true, false or null */
const uint8_t *weft_json_scan_literal(const uint8_t *at, const uint8_t *end, const char *literal,
                                      struct weft_json_fault *fault) WEFT_MUST_CHECK;

/* Any value, checked to its last byte. */
const uint8_t *weft_json_skip_value(const uint8_t *at, const uint8_t *end,
                                    struct weft_json_fault *fault) WEFT_MUST_CHECK;
