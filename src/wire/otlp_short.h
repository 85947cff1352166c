#pragma once

#include <endian.h>

#include "base/slice.h"
#include "wire/protobuf.h"

/* The short ways of the check (otlp_check.c) through what every SDK writes: functions of bytes alone. Each knows one
 * shape; "no" (false, a length of 0) says nothing, and the general walk then decides. What a short way takes the
 * general walk would take, too. A test holds them to that: it compiles the check once more without short ways and
 * compares verdicts, offsets and counts. */
#ifdef WEFT_OTLP_WITHOUT_SHORT_WAYS
enum { WEFT_OTLP_HAS_SHORT_WAYS = false };
#else
enum { WEFT_OTLP_HAS_SHORT_WAYS = true };
#endif

enum { WEFT_OTLP_TRACE_ID_BYTES = 16, WEFT_OTLP_SPAN_ID_BYTES = 8 };

/* True if at .. end is one varint of at most eight bytes: all bytes but the last go on. Without a loop, since
 * lengths vary and a wrong guess costs more than the whole check. The eight bytes before end are the walk's
 * to read: an attribute's tag, length and key come first. */
static inline bool weft_otlp_short_varint(const uint8_t *at, const uint8_t *end)
{
    size_t length = (size_t)(end - at);
    if (length == 0 || length > 8) {
        return false;
    }
    uint64_t word;
    memcpy(&word, end - 8, sizeof word);
    word = le64toh(word) & UINT64_C(0x8080808080808080);
    unsigned before = 8 * (8 - (unsigned)length);
    return word >> before == UINT64_C(0x0080808080808080) >> before;
}

/* True if value, the contents of an AnyValue, is exactly one string, bool, int or double. *out_text: the string's first
 * byte; as it was if it is none. */
static inline bool weft_otlp_short_value(const uint8_t *at, const uint8_t *end, const uint8_t **out_text)
{
    size_t length = (size_t)(end - at);
    if (length < 2) {
        return length == 0;
    }
    switch (at[0]) {
    case 1 << 3 | WEFT_WIRE_BYTES:
        if (at[1] < 0x80) {
            *out_text = at + 2;
            return at[1] == length - 2;
        }
        *out_text = at + 3;
        return length > 2 && at[2] < 0x80 && ((at[1] & 0x7fu) | (uint32_t)at[2] << 7) == length - 3;
    case 2 << 3 | WEFT_WIRE_VARINT:
    case 3 << 3 | WEFT_WIRE_VARINT:
        return weft_otlp_short_varint(at + 1, end);
    case 4 << 3 | WEFT_WIRE_FIXED64:
        return length == 9;
    default:
        return false;
    }
}

/* True if a KeyValue is the one that every SDK writes: the key, then a plain value, and no more. False says
 * nothing: the general walk then decides. The key is at[1] bytes from at + 2 on; *out_text is where a value that is a
 * string begins, which goes on to the end, else `end`. */
static inline bool weft_otlp_short_attribute(const uint8_t *at, const uint8_t *end, const uint8_t **out_text)
{
    *out_text = end;
    if (end - at < 2 || at[0] != (1 << 3 | WEFT_WIRE_BYTES) || at[1] >= 0x80 || end - at - 2 < at[1]) {
        return false;
    }
    at += 2 + at[1];
    if (end - at < 3 || at[0] != (2 << 3 | WEFT_WIRE_BYTES)) {
        return false;
    }
    size_t length = at[1];
    at += 2;
    if (length >= 0x80) {
        if (*at >= 0x80) {
            return false;
        }
        length = (length & 0x7f) | (size_t)*at++ << 7;
    }
    return length == (size_t)(end - at) && weft_otlp_short_value(at, end, out_text);
}

/* The length of the head that SDKs give a span, as far as it is there: trace_id, span_id, parent_span_id, name, kind,
 * start and end, each with its usual length. Anything else is left to the general walk, from where this stopped.
 * *out_name: the name, if that is in it; else as it was. */
static inline size_t weft_otlp_short_span_head(const uint8_t *at, const uint8_t *end, struct weft_slice *out_name)
{
    enum {
        IDS_BYTES = 2 + WEFT_OTLP_TRACE_ID_BYTES + 2 + WEFT_OTLP_SPAN_ID_BYTES,
        PARENT_BYTES = 2 + WEFT_OTLP_SPAN_ID_BYTES,
        KIND_AND_TIMES_BYTES = 20
    };
    const uint8_t *start = at;
    if (end - at < IDS_BYTES + PARENT_BYTES || at[0] != (1 << 3 | WEFT_WIRE_BYTES) ||
        at[1] != WEFT_OTLP_TRACE_ID_BYTES || at[18] != (2 << 3 | WEFT_WIRE_BYTES) ||
        at[19] != WEFT_OTLP_SPAN_ID_BYTES) {
        return 0;
    }
    at += IDS_BYTES;
    if (at[0] == (4 << 3 | WEFT_WIRE_BYTES) && at[1] == WEFT_OTLP_SPAN_ID_BYTES) {
        at += PARENT_BYTES;
    }
    if (end - at < 2 || at[0] != (5 << 3 | WEFT_WIRE_BYTES) || at[1] >= 0x80 ||
        end - at < 2 + at[1] + KIND_AND_TIMES_BYTES) {
        return (size_t)(at - start);
    }
    const uint8_t *kind = at + 2 + at[1];
    bool has_times = (kind[0] == (6 << 3 | WEFT_WIRE_VARINT)) & (kind[1] < 0x80) &
                     (kind[2] == (7 << 3 | WEFT_WIRE_FIXED64)) & (kind[11] == (8 << 3 | WEFT_WIRE_FIXED64));
    if (!has_times) {
        return (size_t)(at - start);
    }
    *out_name = weft_slice_of(at + 2, at[1]);
    return (size_t)(kind + KIND_AND_TIMES_BYTES - start);
}

/* The length of the attribute at `at`, tag included, if it is the commonest one: a short key with a short string, each
 * length in one byte. 0 says nothing. Two loads and two branches: where the next attribute starts follows from the
 * first load alone, so that the processor can look at several attributes at once. */
static inline size_t weft_otlp_short_text_attribute(const uint8_t *at, const uint8_t *end, uint8_t tag)
{
    enum { SHORTEST = 8 };
    const uint32_t lengths_below_128 = 0x80ff80ff; /* byte 0 and 2 exact, the top bit of bytes 1 and 3 clear */
    uint32_t head;
    uint32_t value;
    if (end - at < SHORTEST) {
        return 0;
    }
    memcpy(&head, at, sizeof head);
    head = le32toh(head);
    uint32_t length = head >> 8 & 0x7f;
    uint32_t key_length = head >> 24;
    if ((head & lengths_below_128) != ((1u << 3 | WEFT_WIRE_BYTES) << 16 | tag) || length + 2 > (size_t)(end - at) ||
        key_length + 6 > length) {
        return 0;
    }
    memcpy(&value, at + 4 + key_length, sizeof value);
    value = le32toh(value);
    uint32_t value_length = value >> 8 & 0x7f;
    bool is_text = ((value & lengths_below_128) == ((1u << 3 | WEFT_WIRE_BYTES) << 16 | (2u << 3 | WEFT_WIRE_BYTES))) &
                   ((value >> 24) + 2 == value_length) & (key_length + value_length + 4 == length);
    return is_text ? length + 2 : 0;
}
