/* SHA-256 for names that are turned into ids (ids.h). A hash of a few dozen bytes, once per line that has such a name,
 * needs no fast one and nothing that is set up before (base/digest.h is for the rest). It guards no secret. */
#include "wire/sha256.h"

enum { BLOCK_BYTES = 64, LENGTH_BYTES = 8, ROUNDS = 64, WORDS = 8 };

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t round_constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t word, unsigned count)
{
    return word >> count | word << (32 - count);
}

static void expand(const uint8_t *block, uint32_t schedule[ROUNDS])
{
    for (size_t i = 0; i < 16; i++) {
        const uint8_t *at = block + 4 * i;
        schedule[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    for (size_t i = 16; i < ROUNDS; i++) {
        uint32_t early = schedule[i - 15];
        uint32_t late = schedule[i - 2];
        uint32_t sigma0 = rotate(early, 7) ^ rotate(early, 18) ^ early >> 3;
        uint32_t sigma1 = rotate(late, 17) ^ rotate(late, 19) ^ late >> 10;
        schedule[i] = schedule[i - 16] + sigma0 + schedule[i - 7] + sigma1;
    }
}

/* The names of the eight words are the standard's. */
static void add_block(uint32_t state[WORDS], const uint8_t *block)
{
    uint32_t schedule[ROUNDS];
    expand(block, schedule);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (size_t i = 0; i < ROUNDS; i++) {
        uint32_t sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        uint32_t first = h + sum1 + ((e & f) ^ (~e & g)) + round_constants[i] + schedule[i];
        uint32_t sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        uint32_t second = sum0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + second;
    }
    const uint32_t words[WORDS] = { a, b, c, d, e, f, g, h };
    for (size_t i = 0; i < WORDS; i++) {
        state[i] += words[i];
    }
}

/* The rest of the text, a one, zeros, and the length in bits: one block or two. */
static void add_last_blocks(uint32_t state[WORDS], struct weft_slice text)
{
    uint8_t last[2 * BLOCK_BYTES] = { 0 };
    size_t rest = text.length % BLOCK_BYTES;
    if (rest > 0) {
        memcpy(last, text.bytes + text.length - rest, rest);
    }
    last[rest] = 0x80;
    size_t length = rest < BLOCK_BYTES - LENGTH_BYTES ? BLOCK_BYTES : sizeof last;
    uint64_t bits = (uint64_t)text.length * 8;
    for (size_t i = 1; i <= LENGTH_BYTES; i++, bits >>= 8) {
        last[length - i] = (uint8_t)bits;
    }
    for (size_t at = 0; at < length; at += BLOCK_BYTES) {
        add_block(state, last + at);
    }
}

void weft_sha256(struct weft_slice text, uint8_t out_digest[WEFT_SHA256_BYTES])
{
    uint32_t state[WORDS] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                              0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    for (size_t at = 0; text.length - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
        add_block(state, text.bytes + at);
    }
    add_last_blocks(state, text);
    for (size_t i = 0; i < WEFT_SHA256_BYTES; i++) {
        out_digest[i] = (uint8_t)(state[i / 4] >> (24 - i % 4 * 8));
    }
}
