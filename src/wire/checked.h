#pragma once

#include "base/assert.h"
#include "wire/protobuf.h"

/* Reading messages that have passed the check (otlp_check.h), or that weft wrote: what cannot be read is a bug. */

/* The next field of a checked message; false at its end. The common ones, bytes with a small number and a length below
 * 16 KiB, are read here. */
static inline bool weft_wire_next_checked(struct weft_wire_reader *reader, struct weft_wire_field *out_field)
{
    enum { MORE = 0x80, TYPE_BITS = 3, TYPE = 7, HEADER = 3 };
    const uint8_t *at = reader->at;
    if (reader->end - at >= HEADER && (at[0] & (MORE | TYPE)) == WEFT_WIRE_BYTES && at[0] >> TYPE_BITS != 0 &&
        (at[1] < MORE || at[2] < MORE)) {
        bool is_long = at[1] >= MORE;
        size_t length = is_long ? (size_t)(at[1] - MORE) | (size_t)at[2] << 7 : at[1];
        const uint8_t *contents = at + (is_long ? HEADER : HEADER - 1);
        if (length <= (size_t)(reader->end - contents)) {
            out_field->number = at[0] >> TYPE_BITS;
            out_field->type = WEFT_WIRE_BYTES;
            out_field->bytes = (struct weft_slice){ contents, length };
            out_field->whole = (struct weft_slice){ at, (size_t)(contents - at) + length };
            out_field->number_value = 0;
            reader->at = contents + length;
            return true;
        }
    }
    bool has_field = false;
    enum weft_status status = weft_wire_next(reader, out_field, &has_field, NULL);
    weft_assert(status == WEFT_OK);
    return has_field;
}

/* The next of the messages that lie in that field; false when there are no more. A singular message that is repeated
 * merges: whoever looks into one looks into all of them. */
static inline bool weft_wire_next_message(struct weft_wire_reader *reader, uint32_t number,
                                          struct weft_slice *out_message)
{
    struct weft_wire_field field;
    while (weft_wire_next_checked(reader, &field)) {
        if (field.number == number && field.type == WEFT_WIRE_BYTES) {
            *out_message = field.bytes;
            return true;
        }
    }
    return false;
}
