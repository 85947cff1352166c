#pragma once

#include "base/payload.h"
#include "wire/json_reader.h"
#include "wire/json_scan.h"
#include "wire/protobuf.h"

/* What the files of the JSON reader share: where it writes, where it is, and how it fails. */

#define WEFT_JSON_NO_INDEX SIZE_MAX

/* One open message, and in it the field whose value is being read: the path for a person. */
struct weft_json_place {
    const struct weft_json_place *parent;
    const struct weft_json_field *field; /* NULL: between fields */
    size_t index;                        /* of an element, or WEFT_JSON_NO_INDEX */
    uint32_t depth;                      /* 1 is the root */
};

/* Bytes from `to` on are the reader's until room_end. They move when the payload grows, so what must outlast
 * that is an offset from the payload's start. */
struct weft_json_reader {
    const uint8_t *origin;
    const uint8_t *end;
    uint8_t *to;
    uint8_t *room_end;
    struct weft_payload *out;
    size_t max_bytes;
    uint32_t max_depth;
    bool takes_bad_text;
    uint32_t bad_texts;
    struct weft_error *error;
    enum weft_status status;
    /* Which field came after this one the last time: senders write their fields in one order, so the next key
     * is compared with that one before it is looked up. NULL: not known yet. */
    const struct weft_json_field *next[WEFT_JSON_MAX_STEPS];
    uint32_t counts[WEFT_JSON_ROLE_COUNT]; /* elements seen of messages of each role */
    /* Bytes that the length of the last message of a field took, by the field's step. 0: there was none. */
    uint8_t length_sizes[WEFT_JSON_MAX_STEPS];
};

/* Both return NULL, so that a failing function can end with them. */
const uint8_t *weft_json_reader_fail(struct weft_json_reader *reader, const struct weft_json_place *place,
                                     const uint8_t *at, const char *format, ...) WEFT_PRINTF(4, 5)
    __attribute__((cold));
const uint8_t *weft_json_reader_fail_scan(struct weft_json_reader *reader, const struct weft_json_place *place,
                                          const struct weft_json_fault *fault) __attribute__((cold));

/* The value at `at` is not what the field of this place takes. */
const uint8_t *weft_json_reader_fail_kind(struct weft_json_reader *reader, const struct weft_json_place *place,
                                          const uint8_t *at) __attribute__((cold));

bool weft_json_reader_grow(struct weft_json_reader *reader, size_t length) WEFT_MUST_CHECK;

/* False when there is none; the reader then has failed. */
static inline bool weft_json_reader_room(struct weft_json_reader *reader, size_t length)
{
    return (size_t)(reader->room_end - reader->to) >= length || weft_json_reader_grow(reader, length);
}

/* The room has been made, 8 bytes at least. */
static inline void weft_json_reader_put_tag(struct weft_json_reader *reader, const struct weft_json_field *field)
{
    memcpy(reader->to, field->tag, sizeof field->tag);
    reader->to += field->tag_size;
}

static inline void weft_json_reader_put_varint(struct weft_json_reader *reader, uint64_t value)
{
    if (value < 0x80) {
        *reader->to++ = (uint8_t)value;
    } else {
        reader->to = weft_wire_put_varint(reader->to, value);
    }
}

static inline size_t weft_json_reader_offset(const struct weft_json_reader *reader)
{
    return (size_t)(reader->to - reader->out->bytes);
}

/* A string, scanned; at is its opening quote. The text has its escapes resolved: it then lies in the room,
 * 16 bytes after `to`, with a NUL after it, and the room has another 16 bytes after that. Returns the byte
 * after the closing quote. */
const uint8_t *weft_json_reader_take_text(struct weft_json_reader *reader, const struct weft_json_place *place,
                                          const uint8_t *at, struct weft_slice *out_text) WEFT_MUST_CHECK;

/* One value of a field that is no message. must_write: also if it is the default. Packed elements have no
 * tag. */
const uint8_t *weft_json_read_value(struct weft_json_reader *reader, const struct weft_json_place *place,
                                    const uint8_t *at, bool must_write) WEFT_MUST_CHECK;

/* An element of KeyValue in the form that senders write. NULL: it looks otherwise, nothing has been written. */
const uint8_t *weft_json_read_plain_attribute(struct weft_json_reader *reader, const struct weft_json_field *field,
                                              const uint8_t *at) WEFT_MUST_CHECK;
