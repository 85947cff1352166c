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
