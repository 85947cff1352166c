/* Writing messages anew (rewrite.h), and the KeyValues among them. The header of a field goes in front of its
 * contents when those are there, so lengths are known when they are written; what stays of a message is copied in runs.
 */
#include "wire/rewrite.h"

#include "wire/checked.h"

/* What lies in out from `at` on becomes the contents of the field `number`, behind bytes that stay. */
static void wrap(struct weft_buffer *out, size_t at, struct weft_slice kept, uint32_t number)
{
    size_t length = out->length - at;
    size_t before = kept.length + weft_wire_size_bytes_header(number, length);
    if (weft_buffer_reserve(out, before) == NULL) {
        return;
    }
    memmove(out->bytes + at + before, out->bytes + at, length);
    if (kept.length > 0) {
        memcpy(out->bytes + at, kept.bytes, kept.length);
    }
    weft_wire_put_bytes_header(out->bytes + at + kept.length, number, length);
    out->length += before;
}

static struct weft_slice kept_before(const struct weft_rewriting *rewriting, const struct weft_wire_field *field)
{
    return weft_slice_of(rewriting->kept_from, (size_t)(field->whole.bytes - rewriting->kept_from));
}

/* What lies in out from `at` on becomes the contents of the field `number`, in the place of `field`. */
void weft_rewrite_replace(struct weft_buffer *out, struct weft_rewriting *rewriting,
                          const struct weft_wire_field *field, uint32_t number, size_t at)
{
    wrap(out, at, kept_before(rewriting, field), number);
    rewriting->kept_from = weft_rewrite_end_of(field->whole);
    rewriting->is_changed = true;
}

void weft_rewrite_drop(struct weft_buffer *out, struct weft_rewriting *rewriting, const struct weft_wire_field *field)
{
    struct weft_slice kept = kept_before(rewriting, field);
    weft_buffer_append(out, kept.bytes, kept.length);
    rewriting->kept_from = weft_rewrite_end_of(field->whole);
    rewriting->is_changed = true;
}

/* Appends what is left; true if the message is another one now: then all of it is in out. */
bool weft_rewrite_finish(struct weft_buffer *out, const struct weft_rewriting *rewriting, struct weft_slice message)
{
    if (rewriting->is_changed) {
        weft_buffer_append(out, rewriting->kept_from, (size_t)(weft_rewrite_end_of(message) - rewriting->kept_from));
    }
    return rewriting->is_changed;
}

static void put_field(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    uint8_t header[16];
    weft_buffer_append(out, header, (size_t)(weft_wire_put_bytes_header(header, number, contents.length) - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

/* A new KeyValue whose value is this text; what else there was (the key, unknown fields) stays. */
void weft_rewrite_put_text_value(struct weft_buffer *out, struct weft_slice key_value, struct weft_slice text)
{
    struct weft_wire_reader reader = weft_wire_reader_of(key_value);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number != WEFT_OTLP_VALUE_FIELD || field.type != WEFT_WIRE_BYTES) {
            weft_buffer_append(out, field.whole.bytes, field.whole.length);
        }
    }
    size_t at = out->length;
    put_field(out, WEFT_OTLP_VALUE_STRING, text);
    wrap(out, at, WEFT_SLICE_EMPTY, WEFT_OTLP_VALUE_FIELD);
}

/* ---- KeyValues ---- */

/* A length below 16 KiB and what it says is there; NULL says nothing. */
static inline const uint8_t *read_length(const uint8_t *at, const uint8_t *end, size_t *out_length)
{
    enum { MORE = 0x80 };
    if (at == end || (at[0] >= MORE && (end - at < 2 || at[1] >= MORE))) {
        return NULL;
    }
    bool is_long = at[0] >= MORE;
    *out_length = is_long ? (size_t)(at[0] - MORE) | (size_t)at[1] << 7 : at[0];
    at += is_long ? 2 : 1;
    return *out_length <= (size_t)(end - at) ? at : NULL;
}

/* The contents of an AnyValue that is one string and no more. */
static inline bool read_plain_value(const uint8_t *at, const uint8_t *end, struct weft_slice *out_text)
{
    enum { STRING_TAG = WEFT_OTLP_VALUE_STRING << 3 | WEFT_WIRE_BYTES };
    size_t length;
    if (at == end || *at != STRING_TAG || (at = read_length(at + 1, end, &length)) == NULL || at + length != end) {
        return false;
    }
    *out_text = weft_slice_of(at, length);
    return true;
}

/* An attribute as SDKs write it, a key and a string and nothing else, or as the Collector does, which puts the value
 * first; false says nothing. */
bool weft_rewrite_read_plain(struct weft_slice key_value, struct weft_slice *out_key, struct weft_slice *out_text)
{
    enum {
        KEY_TAG = WEFT_OTLP_KEY_FIELD << 3 | WEFT_WIRE_BYTES,
        VALUE_TAG = WEFT_OTLP_VALUE_FIELD << 3 | WEFT_WIRE_BYTES
    };
    const uint8_t *at = key_value.bytes;
    const uint8_t *end = weft_rewrite_end_of(key_value);
    bool has_key = false;
    bool has_text = false;
    for (int i = 0; i < 2 && at != NULL && at < end; i++) {
        size_t length;
        uint8_t tag = *at;
        at = read_length(at + 1, end, &length);
        if (at != NULL && tag == KEY_TAG) {
            *out_key = weft_slice_of(at, length);
            has_key = true;
        } else if (at == NULL || tag != VALUE_TAG || !read_plain_value(at, at + length, out_text)) {
            return false;
        } else {
            has_text = true;
        }
        at += length;
    }
    return at == end && has_key && has_text;
}

struct weft_slice weft_rewrite_key_of(struct weft_slice key_value)
{
    struct weft_slice key = WEFT_SLICE_EMPTY;
    struct weft_wire_reader reader = weft_wire_reader_of(key_value);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number == WEFT_OTLP_KEY_FIELD && field.type == WEFT_WIRE_BYTES) {
            key = field.bytes;
        }
    }
    return key;
}
