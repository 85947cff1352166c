/* Reading UTF-8 that may be broken (utf8.h). ASCII is passed eight bytes at a time; everything else goes character by
 * character, but where the only question is whether all of it is valid. What is not valid counts byte by byte, so that
 * two readers that follow the same rule agree on offsets. */
#include "base/utf8.h"

#include "base/work.h"

static const uint8_t replacement[] = { 0xef, 0xbf, 0xbd }; /* U+FFFD */

static size_t valid_length(struct weft_slice text)
{
    size_t at = 0;
    while (at < text.length) {
        uint64_t word;
        if (text.length - at >= sizeof word) {
            memcpy(&word, text.bytes + at, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof word;
                continue;
            }
        }
        size_t length = weft_utf8_character_length(text.bytes + at, text.bytes + text.length);
        if (length == 0) {
            return at;
        }
        at += length;
    }
    return at;
}

/* A long one in pieces, which may end within a character: that is looked at again with the next one. */
size_t weft_utf8_valid_length(struct weft_slice text)
{
    enum { PIECE_BYTES = 64 << 10 };
    size_t at = 0;
    while (text.length - at > PIECE_BYTES) {
        size_t valid = valid_length(weft_slice_of(text.bytes + at, PIECE_BYTES));
        weft_work_did(valid);
        at += valid;
        if (valid + WEFT_UTF8_MAX_BYTES <= PIECE_BYTES) {
            return at;
        }
    }
    return at == text.length ? at : at + valid_length(weft_slice_of(text.bytes + at, text.length - at));
}

#ifdef __SSE2__
static inline __m128i load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* All bits of a byte that follows `lead` and is wrong there. */
static inline __m128i second_byte_fault(__m128i before, int lead, __m128i is_wrong)
{
    return _mm_and_si128(_mm_cmpeq_epi8(before, _mm_set1_epi8((char)lead)), is_wrong);
}

/* What is wrong with 16 bytes, not zero in the byte where it shows; before1 to before3: the bytes one to three before
 * each. A byte continues a character if and only if a lead within reach asks for it; bytes 0x80 to 0xbf are below all
 * others as signed numbers, and in order among themselves. */
static inline __m128i block_fault(__m128i block, __m128i before1, __m128i before2, __m128i before3)
{
    const __m128i must_not_go_on =
        _mm_cmpeq_epi8(_mm_or_si128(_mm_or_si128(_mm_subs_epu8(before1, _mm_set1_epi8((char)0xbf)),
                                                 _mm_subs_epu8(before2, _mm_set1_epi8((char)0xdf))),
                                    _mm_subs_epu8(before3, _mm_set1_epi8((char)0xef))),
                       _mm_setzero_si128());
    const __m128i goes_on = _mm_cmplt_epi8(block, _mm_set1_epi8((char)0xc0));
    const __m128i no_lead =
        _mm_or_si128(_mm_subs_epu8(block, _mm_set1_epi8((char)0xf4)),
                     _mm_cmpeq_epi8(_mm_and_si128(block, _mm_set1_epi8((char)0xfe)), _mm_set1_epi8((char)0xc0)));
    const __m128i below_90 = _mm_cmplt_epi8(block, _mm_set1_epi8((char)0x90));
    const __m128i below_a0 = _mm_cmplt_epi8(block, _mm_set1_epi8((char)0xa0));
    const __m128i all = _mm_set1_epi8((char)0xff);
    const __m128i wrong_second =
        _mm_or_si128(_mm_or_si128(second_byte_fault(before1, 0xe0, below_a0),
                                  second_byte_fault(before1, 0xed, _mm_xor_si128(below_a0, all))),
                     _mm_or_si128(second_byte_fault(before1, 0xf0, below_90),
                                  second_byte_fault(before1, 0xf4, _mm_xor_si128(below_90, all))));
    return _mm_or_si128(_mm_or_si128(no_lead, wrong_second), _mm_cmpeq_epi8(must_not_go_on, goes_on));
}

/* 16 bytes at a time; the last block lies over the one before. */
static bool are_blocks_valid(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *last = end - 16;
    __m128i block = load(at);
    __m128i fault = block_fault(block, _mm_slli_si128(block, 1), _mm_slli_si128(block, 2), _mm_slli_si128(block, 3));
    while (at < last) {
        at = last - at < 16 ? last : at + 16;
        fault = _mm_or_si128(fault, block_fault(load(at), load(at - 1), load(at - 2), load(at - 3)));
    }
    bool is_whole = _mm_movemask_epi8(_mm_cmpeq_epi8(fault, _mm_setzero_si128())) == 0xffff;
    return is_whole && end[-1] < 0xc0 && end[-2] < 0xe0 && end[-3] < 0xf0;
}

enum { SHORTEST_IN_BLOCKS = 19 }; /* three bytes before the last block are there */
#endif

bool weft_utf8_is_valid_long(const uint8_t *at, const uint8_t *end)
{
    size_t length = (size_t)(end - at);
#ifdef __SSE2__
    if (length >= SHORTEST_IN_BLOCKS) {
        return are_blocks_valid(at, end);
    }
#endif
    return weft_utf8_valid_length(weft_slice_of(at, length)) == length;
}

uint32_t weft_utf8_decode(struct weft_slice text, size_t *out_length)
{
    size_t length = weft_utf8_character_length(text.bytes, text.bytes + text.length);
    const uint8_t *at = text.bytes;
    weft_work_did(WEFT_UTF8_MAX_BYTES);
    *out_length = length == 0 ? 1 : length;
    switch (length) {
    case 1:
        return at[0];
    case 2:
        return (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
    case 3:
        return (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
    case 4:
        return (at[0] & 0x07u) << 18 | (at[1] & 0x3fu) << 12 | (at[2] & 0x3fu) << 6 | (at[3] & 0x3fu);
    default:
        return 0xfffd;
    }
}

uint8_t *weft_utf8_put(uint8_t *to, uint32_t character)
{
    if (character < 0x80) {
        *to++ = (uint8_t)character;
        return to;
    }
    if (character < 0x800) {
        *to++ = (uint8_t)(0xc0 | character >> 6);
    } else {
        if (character < 0x10000) {
            *to++ = (uint8_t)(0xe0 | character >> 12);
        } else {
            *to++ = (uint8_t)(0xf0 | character >> 18);
            *to++ = (uint8_t)(0x80 | (character >> 12 & 0x3f));
        }
        *to++ = (uint8_t)(0x80 | (character >> 6 & 0x3f));
    }
    *to++ = (uint8_t)(0x80 | (character & 0x3f));
    return to;
}

/* One for each byte up to the next character, at most RUN; how many. */
static size_t append_replacements(struct weft_buffer *buffer, struct weft_slice text)
{
    enum { RUN = 64 };
    uint8_t run[RUN * sizeof replacement];
    size_t count = 0;
    while (count < text.length && count < RUN &&
           weft_utf8_character_length(text.bytes + count, text.bytes + text.length) == 0) {
        memcpy(run + count * sizeof replacement, replacement, sizeof replacement);
        count++;
    }
    weft_work_did(count * sizeof replacement);
    weft_buffer_append(buffer, run, count * sizeof replacement);
    return count;
}

void weft_utf8_append_repaired(struct weft_buffer *buffer, struct weft_slice text)
{
    while (text.length > 0) {
        size_t valid = weft_utf8_valid_length(text);
        weft_buffer_append(buffer, text.bytes, valid);
        weft_work_did(valid);
        text = weft_slice_of(text.bytes + valid, text.length - valid);
        size_t broken = append_replacements(buffer, text);
        text = weft_slice_of(text.bytes + broken, text.length - broken);
    }
}

size_t weft_utf8_offset_before_repair(struct weft_slice text, size_t repaired_offset)
{
    size_t at = 0;
    while (repaired_offset > 0 && at < text.length) {
        size_t length = weft_utf8_character_length(text.bytes + at, text.bytes + text.length);
        size_t repaired_length = length == 0 ? sizeof replacement : length;
        at += length == 0 ? 1 : length;
        repaired_offset -= repaired_length < repaired_offset ? repaired_length : repaired_offset;
    }
    return at;
}

/* The longest start of a sequence that could have gone on is replaced as one (Unicode 3.9, "maximal subpart"): a
 * character that was torn leaves one mark, not three. */
size_t weft_utf8_torn_length(struct weft_slice text)
{
    const uint8_t *at = text.bytes;
    const uint8_t *end = at + text.length;
    size_t whole = weft_utf8_length_of_lead(*at);
    size_t length = 1;
    if (whole < 2 || at + 1 == end || !weft_utf8_is_second_byte(at[0], at[1])) {
        return length;
    }
    for (length = 2; length < whole && at + length < end && (at[length] & 0xc0) == 0x80;) {
        length++;
    }
    return length;
}

void weft_utf8_append_repaired_by_part(struct weft_buffer *out, struct weft_slice text)
{
    while (text.length > 0) {
        size_t whole = weft_utf8_valid_length(text);
        weft_buffer_append(out, text.bytes, whole);
        weft_work_did(whole + WEFT_UTF8_MAX_BYTES);
        if (whole < text.length) {
            weft_buffer_append(out, "\xef\xbf\xbd", 3);
            whole += weft_utf8_torn_length(weft_slice_of(text.bytes + whole, text.length - whole));
        }
        text = weft_slice_of(text.bytes + whole, text.length - whole);
    }
}
