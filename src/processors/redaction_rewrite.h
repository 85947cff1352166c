#pragma once

#include "base/assert.h"
#include "base/buffer.h"
#include "wire/otlp_attributes.h"
#include "wire/protobuf.h"

/* Writing one message anew, field by field, while it is read. Nothing is copied before the first change; then what is
 * written of it lies at the end of a buffer, behind what the messages around it have there. The new contents of a field
 * are appended first, and then put in its place. A failed append shows in the buffer's status. */
struct weft_rewriting {
    const uint8_t *kept_from; /* what lies before is in out already, or gone */
    bool is_changed;
};

static inline struct weft_rewriting weft_rewriting_of(struct weft_slice message)
{
    return (struct weft_rewriting){ .kept_from = message.bytes };
}

/* The next field of a checked message; false at its end. The common ones, bytes with a small number and a length below
 * 16 KiB, are read here. */
static inline bool weft_rewrite_next_field(struct weft_wire_reader *reader, struct weft_wire_field *out_field)
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

static inline const uint8_t *weft_rewrite_end_of(struct weft_slice slice)
{
    return slice.bytes + slice.length;
}

/* What lies in out from `at` on becomes the contents of the field `number`, in the place of `field`. */
void weft_rewrite_replace(struct weft_buffer *out, struct weft_rewriting *rewriting,
                          const struct weft_wire_field *field, uint32_t number, size_t at);

void weft_rewrite_drop(struct weft_buffer *out, struct weft_rewriting *rewriting, const struct weft_wire_field *field);

/* Appends what is left; true if the message is another one now: then all of it is in out. */
bool weft_rewrite_finish(struct weft_buffer *out, const struct weft_rewriting *rewriting, struct weft_slice message);

/* Appends a KeyValue whose value is this text; what else there was (the key, unknown fields) stays. */
void weft_rewrite_put_text_value(struct weft_buffer *out, struct weft_slice key_value, struct weft_slice text);

/* An attribute as SDKs write it, a key and a string and nothing else, or as the Collector does, which puts the value
 * first; false says nothing. */
bool weft_rewrite_read_plain(struct weft_slice key_value, struct weft_slice *out_key, struct weft_slice *out_text);

/* Of a KeyValue in any shape. */
struct weft_slice weft_rewrite_key_of(struct weft_slice key_value);
