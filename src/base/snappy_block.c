/* Blocks of snappy (snappy_block.h). Inflating trusts no length and no distance: each is held against what is left of
 * either side before a byte moves. Deflating is greedy: at each place the last one with the same four bytes is tried,
 * and where nothing has matched for a while, places are left out. */
#include "base/snappy_block.h"

#include <endian.h>
#include <string.h>

#include "base/assert.h"

enum {
    KIND_LITERAL = 0, /* the low two bits of a tag */
    KIND_COPY_1 = 1,  /* so many bytes of distance follow */
    KIND_COPY_2 = 2,
    KIND_COPY_4 = 3,
    LONGEST_IN_TAG = 60, /* a longer literal has its length behind the tag */
    LONGEST_COPY = 64,
    SHORTEST_COPY = 4,
    LONGEST_COPY_1 = 11,
    FURTHEST_COPY_1 = 2047,
    STEP = 16,
    HALF_STEP = 8,
    SMALLEST_TABLE_BITS = 8,
    LARGEST_TABLE_BITS = 14,
    PATIENCE_BITS = 5, /* after 32 misses every second place is tried, after 64 every third, and so on */
};

_Static_assert(1 << LARGEST_TABLE_BITS == WEFT_SNAPPY_TABLE_ENTRIES, "the largest table is the caller's");

/* ---- inflating ---- */

static size_t preamble_of(struct weft_slice block, size_t *out_length)
{
    uint64_t length = 0;
    for (size_t i = 0; i < block.length && i < WEFT_SNAPPY_MAX_PREAMBLE_BYTES; i++) {
        length |= (uint64_t)(block.bytes[i] & 0x7f) << 7 * i;
        if (block.bytes[i] < 0x80) {
            *out_length = (size_t)length;
            return length <= UINT32_MAX ? i + 1 : 0;
        }
    }
    return 0;
}

bool weft_snappy_block_length(struct weft_slice block, size_t *out_length)
{
    size_t length = 0;
    bool is_said = preamble_of(block, &length) > 0;
    if (is_said) {
        *out_length = length;
    }
    return is_said;
}

static size_t read_little_endian(const uint8_t *bytes, size_t count)
{
    size_t number = 0;
    for (size_t i = 0; i < count; i++) {
        number |= (size_t)bytes[i] << 8 * i;
    }
    return number;
}

struct inflation {
    const uint8_t *from, *from_end;
    uint8_t *start, *to, *to_end;
};

static bool inflate_literal(struct inflation *inflation, uint8_t tag)
{
    size_t length = (size_t)(tag >> 2) + 1;
    size_t there = (size_t)(inflation->from_end - inflation->from);
    size_t room = (size_t)(inflation->to_end - inflation->to);
    if (length <= STEP && there >= STEP && room >= STEP) { /* most are short */
        memcpy(inflation->to, inflation->from, STEP);
    } else {
        size_t more = length > LONGEST_IN_TAG ? length - LONGEST_IN_TAG : 0;
        if (more > there) {
            return false;
        }
        length = more > 0 ? read_little_endian(inflation->from, more) + 1 : length;
        inflation->from += more;
        if (length > there - more || length > room) {
            return false;
        }
        memcpy(inflation->to, inflation->from, length);
    }
    inflation->from += length;
    inflation->to += length;
    return true;
}

/* What is copied may overlap what it makes: abcabcabc is abc and six bytes from three before. Steps are as long as the
 * distance allows, and may write beyond the end of the copy where there is room for it. */
static void copy_back(uint8_t *to, size_t distance, size_t length, size_t room)
{
    const uint8_t *from = to - distance;
    if (distance >= STEP && room >= LONGEST_COPY) {
        for (size_t done = 0; done < length; done += STEP) {
            memcpy(to + done, from + done, STEP);
        }
    } else if (distance >= HALF_STEP && room >= LONGEST_COPY) {
        for (size_t done = 0; done < length; done += HALF_STEP) {
            memcpy(to + done, from + done, HALF_STEP);
        }
    } else {
        for (size_t done = 0; done < length; done++) {
            to[done] = from[done];
        }
    }
}

static bool inflate_copy(struct inflation *inflation, uint8_t tag)
{
    uint8_t kind = tag & 3;
    size_t distance_bytes = kind == KIND_COPY_4 ? 4 : kind;
    if ((size_t)(inflation->from_end - inflation->from) < distance_bytes) {
        return false;
    }
    size_t distance = read_little_endian(inflation->from, distance_bytes);
    size_t length = (size_t)(tag >> 2) + 1;
    if (kind == KIND_COPY_1) {
        distance |= (size_t)(tag >> 5) << 8;
        length = SHORTEST_COPY + (tag >> 2 & 7);
    }
    size_t room = (size_t)(inflation->to_end - inflation->to);
    if (distance == 0 || distance > (size_t)(inflation->to - inflation->start) || length > room) {
        return false;
    }
    copy_back(inflation->to, distance, length, room);
    inflation->from += distance_bytes;
    inflation->to += length;
    return true;
}

bool weft_snappy_block_inflate(struct weft_slice block, uint8_t *to, size_t length)
{
    size_t said = 0;
    size_t preamble = preamble_of(block, &said);
    weft_assert(preamble > 0 && said == length);
    struct inflation inflation = { block.bytes + preamble, block.bytes + block.length, to, to, to + length };
    while (inflation.from < inflation.from_end) {
        uint8_t tag = *inflation.from++;
        if (!((tag & 3) == KIND_LITERAL ? inflate_literal(&inflation, tag) : inflate_copy(&inflation, tag))) {
            return false;
        }
    }
    return inflation.to == inflation.to_end;
}

/* ---- deflating ---- */

/* A copy is shorter than what it stands for, by as much as a literal's tag beside it takes, but for the tags of two and
 * three bytes: those stand before 61 and 257 bytes. A sixth is far more, and what other writers of snappy reserve. */
size_t weft_snappy_block_bound(size_t length)
{
    return 32 + length + length / 6;
}

uint8_t *weft_snappy_block_begin(size_t length, uint8_t *to)
{
    weft_assert(length <= UINT32_MAX);
    for (; length >= 0x80; length >>= 7) {
        *to++ = (uint8_t)(length | 0x80);
    }
    *to++ = (uint8_t)length;
    return to;
}

/* there: bytes that may be read from there on. Most literals are short, and a step is copied sooner than so many bytes;
 * what it writes too much lies within the bound, since what is read too much is still to be written. */
static uint8_t *put_literal(const uint8_t *from, size_t length, size_t there, uint8_t *to)
{
    if (length == 0) {
        return to;
    }
    size_t less = length - 1;
    if (length <= STEP && there >= STEP) {
        *to++ = (uint8_t)(less << 2 | KIND_LITERAL);
        memcpy(to, from, STEP);
        return to + length;
    }
    if (less < LONGEST_IN_TAG) {
        *to++ = (uint8_t)(less << 2 | KIND_LITERAL);
    } else {
        size_t more = less > UINT8_MAX ? 2 : 1;
        *to++ = (uint8_t)((LONGEST_IN_TAG - 1 + more) << 2 | KIND_LITERAL);
        for (size_t i = 0; i < more; i++) {
            *to++ = (uint8_t)(less >> 8 * i);
        }
    }
    memcpy(to, from, length);
    return to + length;
}

static uint8_t *put_copy(size_t distance, size_t length, uint8_t *to)
{
    if (length <= LONGEST_COPY_1 && distance <= FURTHEST_COPY_1) {
        *to++ = (uint8_t)(distance >> 8 << 5 | (length - SHORTEST_COPY) << 2 | KIND_COPY_1);
        *to++ = (uint8_t)distance;
        return to;
    }
    *to++ = (uint8_t)((length - 1) << 2 | KIND_COPY_2);
    *to++ = (uint8_t)distance;
    *to++ = (uint8_t)(distance >> 8);
    return to;
}

static uint8_t *put_copies(size_t distance, size_t length, uint8_t *to)
{
    while (length > LONGEST_COPY) { /* what is left may not be shorter than a copy */
        size_t part = length >= LONGEST_COPY + SHORTEST_COPY ? LONGEST_COPY : LONGEST_COPY - SHORTEST_COPY;
        to = put_copy(distance, part, to);
        length -= part;
    }
    return put_copy(distance, length, to);
}

static uint32_t load_u32(const uint8_t *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

static uint32_t hash_of(uint32_t four, unsigned bits)
{
    return four * 2654435761U >> (32 - bits);
}

static size_t match_length(const uint8_t *piece, size_t before, size_t at, size_t end)
{
    size_t length = SHORTEST_COPY;
    for (; at + length + sizeof(uint64_t) <= end; length += sizeof(uint64_t)) {
        uint64_t left, right;
        memcpy(&left, piece + before + length, sizeof left);
        memcpy(&right, piece + at + length, sizeof right);
        if (left != right) {
            return length + (size_t)__builtin_ctzll(htole64(left ^ right)) / 8;
        }
    }
    while (at + length < end && piece[before + length] == piece[at + length]) {
        length++;
    }
    return length;
}

/* A small piece needs no large table, which has to be emptied for each. */
static unsigned table_bits_for(size_t length)
{
    unsigned bits = SMALLEST_TABLE_BITS;
    while (bits < LARGEST_TABLE_BITS && (size_t)1 << bits < length) {
        bits++;
    }
    return bits;
}

uint8_t *weft_snappy_block_deflate(const uint8_t *piece, size_t length, uint16_t *table, uint8_t *to)
{
    weft_assert(length <= WEFT_SNAPPY_PIECE_BYTES);
    unsigned bits = table_bits_for(length);
    memset(table, 0, sizeof *table << bits); /* the first place, where it may well not match */
    size_t literal = 0;                      /* where what is not written yet begins */
    size_t misses = 0;
    for (size_t at = 1; at + SHORTEST_COPY <= length;) {
        uint32_t four = load_u32(piece + at);
        uint16_t *entry = &table[hash_of(four, bits)];
        size_t before = *entry;
        *entry = (uint16_t)at;
        if (load_u32(piece + before) != four) {
            at += 1 + (misses++ >> PATIENCE_BITS);
            continue;
        }
        size_t same = match_length(piece, before, at, length);
        to = put_literal(piece + literal, at - literal, length - literal, to);
        to = put_copies(at - before, same, to);
        at += same;
        literal = at;
        misses = 0;
        if (at + SHORTEST_COPY <= length) { /* what follows often begins with the end of this */
            table[hash_of(load_u32(piece + at - 1), bits)] = (uint16_t)(at - 1);
        }
    }
    return put_literal(piece + literal, length - literal, length - literal, to);
}
