#pragma once

#include "base/slice.h"
#include "base/status.h"

/* Reading and writing protobuf wire format (protobuf.dev/programming-guides/encoding) without a schema.
 * Nothing allocates; nothing reads past its slice. Offsets in errors are counted from `origin`, the start of
 * the message that the peer sent. */
enum weft_wire_type {
    WEFT_WIRE_VARINT = 0,
    WEFT_WIRE_FIXED64 = 1,
    WEFT_WIRE_BYTES = 2,
    WEFT_WIRE_GROUP_START = 3,
    WEFT_WIRE_GROUP_END = 4,
    WEFT_WIRE_FIXED32 = 5
};

struct weft_wire_field {
    uint32_t number;
    enum weft_wire_type type;
    struct weft_slice whole; /* tag to last byte */
    struct weft_slice bytes; /* WEFT_WIRE_BYTES: the contents */
    uint64_t number_value;   /* varint, fixed64, fixed32 */
};

struct weft_wire_reader {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *origin;
};

static inline struct weft_wire_reader weft_wire_reader_of(struct weft_slice message)
{
    if (message.length == 0) { /* there may be no bytes at all */
        return (struct weft_wire_reader){ message.bytes, message.bytes, message.bytes };
    }
    return (struct weft_wire_reader){ message.bytes, message.bytes + message.length, message.bytes };
}

/* WEFT_OK with *out_has_field false at the end. WEFT_INVALID with the byte offset on anything malformed: bad
 * tag, field number 0, varint over 10 bytes, length past the end, groups (types 3 and 4; OTLP has none,
 * protoc-generated readers skip well-formed unknown ones: a balanced group is returned as one field of type
 * GROUP_START spanning it, depth-limited). */
enum weft_status weft_wire_next(struct weft_wire_reader *reader, struct weft_wire_field *out_field, bool *out_has_field,
                                struct weft_error *error) WEFT_MUST_CHECK;

/* Writing. size_* give what the put_* write; put_* return the byte after. */
size_t weft_wire_size_varint(uint64_t value);
uint8_t *weft_wire_put_varint(uint8_t *to, uint64_t value);

/* The same for values that are mostly below 128: lengths. */
static inline size_t weft_wire_size_length(size_t length)
{
    return WEFT_LIKELY(length < 0x80) ? 1 : weft_wire_size_varint(length);
}

static inline uint8_t *weft_wire_put_length(uint8_t *to, size_t length)
{
    if (WEFT_LIKELY(length < 0x80)) {
        *to = (uint8_t)length;
        return to + 1;
    }
    return weft_wire_put_varint(to, length);
}

/* Tag and length of a bytes field (at most 15 bytes): what goes before contents of that length. Most have a number
 * below 16 and less than 16 KiB. */
static inline size_t weft_wire_size_bytes_header(uint32_t number, size_t length)
{
    if (WEFT_LIKELY(number < 16 && length < 0x4000)) {
        return length < 0x80 ? 2 : 3;
    }
    return weft_wire_size_varint((uint64_t)number << 3) + weft_wire_size_varint(length);
}

static inline uint8_t *weft_wire_put_bytes_header(uint8_t *to, uint32_t number, size_t length)
{
    if (WEFT_LIKELY(number < 16 && length < 0x4000)) {
        *to++ = (uint8_t)(number << 3 | WEFT_WIRE_BYTES);
        if (length >= 0x80) {
            *to++ = (uint8_t)(length | 0x80);
            length >>= 7;
        }
        *to++ = (uint8_t)length;
        return to;
    }
    to = weft_wire_put_varint(to, (uint64_t)number << 3 | WEFT_WIRE_BYTES);
    return weft_wire_put_varint(to, length);
}

/* The whole field. */
static inline size_t weft_wire_size_bytes_field(uint32_t number, size_t length)
{
    return weft_wire_size_bytes_header(number, length) + length;
}
