/* The attribute as almost every sender writes it, read and written in one piece (json_reader.h):
 *
 *     {"key":"http.route","value":{"stringValue":"/api/v1/jobs"}}
 *
 * Most of a request's text is attributes, and their keys and brackets are the same bytes each time: comparing
 * them whole, and writing three nested messages whose lengths are known beforehand, costs a third of going
 * through the general reader. Whatever looks different in the least (white space, another order, escapes, text
 * that is not ASCII, other types of value) is left to that one. */
#include "wire/json_internal.h"

enum {
    /* Read without asking for the end at each step; no text between two strings is longer. */
    LOOK_AHEAD = 64,
    COPY_BLOCK = 32,
    /* Tag and length of an attribute, a key, a value and what is in it. */
    HEADERS_ROOM = 4 * 16,
    TAG_KEY = 1 << 3 | WEFT_WIRE_BYTES,
    TAG_VALUE = 2 << 3 | WEFT_WIRE_BYTES,
    TAG_STRING_VALUE = 1 << 3 | WEFT_WIRE_BYTES,
    TAG_INT_VALUE = 3 << 3 | WEFT_WIRE_VARINT,
};

static inline bool is_text(const uint8_t *at, const char *text, size_t length)
{
    return memcmp(at, text, length) == 0;
}

#define IS_TEXT(at, text) is_text(at, text, sizeof(text) - 1)

/* The closing quote of a string without anything special in it, LOOK_AHEAD bytes before the end at least; else
 * NULL. */
static inline const uint8_t *find_quote(const uint8_t *at, const uint8_t *end)
{
    if (end - at < LOOK_AHEAD) {
        return NULL;
    }
    at = weft_json_skip_plain(at, end);
    return end - at >= LOOK_AHEAD && *at == '"' ? at : NULL;
}

/* Whole blocks: both sides have COPY_BLOCK bytes more. */
static inline uint8_t *copy_text(uint8_t *to, const uint8_t *from, size_t length)
{
    for (size_t done = 0; done < length; done += COPY_BLOCK) {
        memcpy(to + done, from + done, COPY_BLOCK);
    }
    return to + length;
}

static inline uint8_t *put_key(struct weft_json_reader *reader, const struct weft_json_field *field,
                               struct weft_slice key, size_t value_length)
{
    size_t key_length = 1 + weft_wire_size_length(key.length) + key.length;
    weft_json_reader_put_tag(reader, field);
    uint8_t *to = weft_wire_put_length(reader->to, key_length + 1 + weft_wire_size_length(value_length) + value_length);
    *to++ = TAG_KEY;
    to = weft_wire_put_length(to, key.length);
    to = copy_text(to, key.bytes, key.length);
    *to++ = TAG_VALUE;
    return weft_wire_put_length(to, value_length);
}

/* at is after the opening quote. */
static inline const uint8_t *read_string_value(struct weft_json_reader *reader, const struct weft_json_field *field,
                                               struct weft_slice key, const uint8_t *at)
{
    const uint8_t *quote = find_quote(at, reader->end);
    if (quote == NULL || !IS_TEXT(quote + 1, "}}")) {
        return NULL;
    }
    struct weft_slice text = { at, (size_t)(quote - at) };
    if (!weft_json_reader_room(reader, HEADERS_ROOM + key.length + text.length + 2 * COPY_BLOCK)) {
        return NULL;
    }
    uint8_t *to = put_key(reader, field, key, 1 + weft_wire_size_length(text.length) + text.length);
    *to++ = TAG_STRING_VALUE;
    to = weft_wire_put_length(to, text.length);
    reader->to = copy_text(to, text.bytes, text.length);
    return quote + 3;
}

/* at is the first digit. */
static inline const uint8_t *read_int_value(struct weft_json_reader *reader, const struct weft_json_field *field,
                                            struct weft_slice key, const uint8_t *at, bool is_quoted)
{
    uint64_t value;
    const uint8_t *after = weft_json_take_plain_digits(at, &value);
    bool is_plain = after != NULL && value <= INT64_MAX && (!is_quoted || *after == '"');
    if (!is_plain || !IS_TEXT(after + is_quoted, "}}")) {
        return NULL;
    }
    if (!weft_json_reader_room(reader, HEADERS_ROOM + key.length + COPY_BLOCK)) {
        return NULL;
    }
    uint8_t *to = put_key(reader, field, key, 1 + weft_wire_size_varint(value));
    *to++ = TAG_INT_VALUE;
    reader->to = weft_wire_put_varint(to, value);
    return after + is_quoted + 2;
}

const uint8_t *weft_json_read_plain_attribute(struct weft_json_reader *reader, const struct weft_json_field *field,
                                              const uint8_t *at)
{
    if (reader->end - at < LOOK_AHEAD || !IS_TEXT(at, "{\"key\":\"")) {
        return NULL;
    }
    at += sizeof("{\"key\":\"") - 1;
    const uint8_t *quote = find_quote(at, reader->end);
    if (quote == NULL || quote == at || !IS_TEXT(quote, "\",\"value\":{\"")) {
        return NULL;
    }
    struct weft_slice key = { at, (size_t)(quote - at) };
    at = quote + sizeof("\",\"value\":{\"") - 1;
    if (IS_TEXT(at, "stringValue\":\"")) {
        return read_string_value(reader, field, key, at + sizeof("stringValue\":\"") - 1);
    }
    if (IS_TEXT(at, "intValue\":")) {
        at += sizeof("intValue\":") - 1;
        bool is_quoted = *at == '"';
        return read_int_value(reader, field, key, at + is_quoted, is_quoted);
    }
    return NULL;
}
