/* Hashes of texts (text_hash.h). */
#include "ottl/text_hash.h"

#include "base/work.h"

uint64_t weft_ottl_fnv1a(struct weft_slice text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.length; i++) {
        weft_work_did_each(i + 1);
        hash = (hash ^ text.bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* ---- murmur3 ---- */

static uint32_t rotate32(uint32_t word, int bits)
{
    return word << bits | word >> (32 - bits);
}

static uint64_t rotate64(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

/* The first length bytes at `at` as a word, the lowest first. */
static uint64_t word_at(const uint8_t *at, size_t length)
{
    uint64_t word = 0;
    for (size_t i = 0; i < length; i++) {
        word |= (uint64_t)at[i] << (8 * i);
    }
    return word;
}

uint32_t weft_ottl_murmur3(struct weft_slice text)
{
    const uint32_t first = 0xcc9e2d51;
    const uint32_t second = 0x1b873593;
    uint32_t hash = 0;
    for (size_t at = 0; at < text.length; at += 4) {
        size_t length = text.length - at < 4 ? text.length - at : 4;
        weft_work_did_each(at + 1);
        uint32_t word = (uint32_t)word_at(text.bytes + at, length);
        hash ^= rotate32(word * first, 15) * second;
        hash = length == 4 ? rotate32(hash, 13) * 5 + 0xe6546b64 : hash;
    }
    hash ^= (uint32_t)text.length;
    hash = (hash ^ hash >> 16) * 0x85ebca6b;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35;
    return hash ^ hash >> 16;
}

static uint64_t mix64(uint64_t word)
{
    word = (word ^ word >> 33) * UINT64_C(0xff51afd7ed558ccd);
    word = (word ^ word >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return word ^ word >> 33;
}

struct weft_ottl_wide_hash weft_ottl_murmur3_wide(struct weft_slice text)
{
    const uint64_t first = UINT64_C(0x87c37b91114253d5);
    const uint64_t second = UINT64_C(0x4cf5ad432745937f);
    enum { BLOCK = 16, HALF = 8 };
    uint64_t low = 0;
    uint64_t high = 0;
    size_t at = 0;
    for (; text.length - at >= BLOCK; at += BLOCK) {
        weft_work_did_each(at + 1);
        low ^= rotate64(word_at(text.bytes + at, HALF) * first, 31) * second;
        low = (rotate64(low, 27) + high) * 5 + 0x52dce729;
        high ^= rotate64(word_at(text.bytes + at + HALF, HALF) * second, 33) * first;
        high = (rotate64(high, 31) + low) * 5 + 0x38495ab5;
    }
    size_t rest = text.length - at;
    size_t low_rest = rest < HALF ? rest : HALF;
    high ^= rotate64(word_at(text.bytes + at + low_rest, rest - low_rest) * second, 33) * first;
    low ^= rotate64(word_at(text.bytes + at, low_rest) * first, 31) * second;
    low ^= text.length;
    high ^= text.length;
    low += high;
    high += low;
    low = mix64(low);
    high = mix64(high);
    low += high;
    high += low;
    return (struct weft_ottl_wide_hash){ low, high };
}

int weft_ottl_luhn(struct weft_slice text)
{
    int sum = 0;
    size_t digits = 0;
    for (size_t i = text.length; i > 0; i--) {
        uint8_t byte = text.bytes[i - 1];
        weft_work_did_each(i + 1);
        if (byte == ' ') {
            continue;
        }
        if (byte < '0' || byte > '9') {
            return WEFT_OTTL_LUHN_OTHER;
        }
        int digit = byte - '0';
        int doubled = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digits % 2 == 1 ? doubled : digit;
        digits++;
    }
    return digits > 0 && sum % 10 == 0 ? WEFT_OTTL_LUHN_YES : WEFT_OTTL_LUHN_NO;
}
