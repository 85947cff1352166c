/* Values of a line as AnyValue (log_line_internal.h). Of what has a known length the headers are written first; of
 * objects and arrays room is kept for the lengths, and the contents move when that was wrong. Recursion is bounded by
 * WEFT_LINE_MAX_DEPTH: what is deeper stays text. */
#include <math.h>

#include "wire/json_convert.h"
#include "wire/lines.h"
#include "wire/log_line_internal.h"

enum {
    TAG_STRING = 1 << 3 | WEFT_WIRE_BYTES,
    TAG_BOOL = 2 << 3 | WEFT_WIRE_VARINT,
    TAG_INT = 3 << 3 | WEFT_WIRE_VARINT,
    TAG_DOUBLE = 4 << 3 | WEFT_WIRE_FIXED64,
    TAG_ARRAY = 5 << 3 | WEFT_WIRE_BYTES,
    TAG_OBJECT = 6 << 3 | WEFT_WIRE_BYTES,
    TAG_ELEMENT = 1 << 3 | WEFT_WIRE_BYTES, /* of an array: AnyValue; of an object: KeyValue */
    TAG_KEY = 1 << 3 | WEFT_WIRE_BYTES,
    TAG_VALUE = 2 << 3 | WEFT_WIRE_BYTES,
    HEADERS_ROOM = 64, /* more than tags and lengths of a KeyValue, its key, its value and what is in that take */
    MAX_SCALAR = 16,
};

bool weft_line_grow(struct weft_log_line_reader *reader, size_t length)
{
    struct weft_buffer *out = reader->out;
    size_t before = out->length;
    out->length = (size_t)(reader->to - out->bytes);
    uint8_t *to = weft_buffer_reserve(out, length);
    out->length = before;
    if (to == NULL) {
        reader->is_out_of_memory = true;
        return false;
    }
    reader->to = to;
    reader->room_end = out->bytes + out->capacity;
    return true;
}

/* Text of the line, in one block if it is short and the line goes on behind it. */
static inline uint8_t *copy_text(const struct weft_log_line_reader *reader, uint8_t *to, struct weft_slice text)
{
    size_t at = (uintptr_t)text.bytes - (uintptr_t)reader->begin; /* other memory is far beyond */
    if (text.length <= WEFT_LINE_COPY_BLOCK && at < reader->block_end) {
        memcpy(to, text.bytes, WEFT_LINE_COPY_BLOCK);
    } else if (text.length > 0) {
        memmove(to, text.bytes, text.length);
    }
    return to + text.length;
}

struct weft_line_opened weft_line_open(struct weft_log_line_reader *reader, size_t expected)
{
    size_t room = weft_wire_size_length(expected);
    reader->to += room;
    return (struct weft_line_opened){ (size_t)(reader->to - reader->out->bytes), room };
}

bool weft_line_close(struct weft_log_line_reader *reader, const struct weft_line_opened *opened)
{
    size_t length = (size_t)(reader->to - reader->out->bytes) - opened->start;
    size_t size = weft_wire_size_length(length);
    if (size != opened->room) {
        if (!weft_line_room(reader, HEADERS_ROOM)) {
            return false;
        }
        uint8_t *start = reader->out->bytes + opened->start;
        memmove(start - opened->room + size, start, length);
        reader->to = start - opened->room + size + length;
    }
    weft_wire_put_length(reader->out->bytes + opened->start - opened->room, length);
    return true;
}

/* What goes before a value of value_length bytes; room for it, the key and WEFT_LINE_COPY_BLOCK more has been made. */
static inline void put_headers(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                               size_t value_length)
{
    uint8_t *to = reader->to;
    *to++ = tag;
    if (key != NULL) {
        size_t key_length = 1 + weft_wire_size_length(key->length) + key->length;
        to = weft_wire_put_length(to, key_length + 1 + weft_wire_size_length(value_length) + value_length);
        *to++ = TAG_KEY;
        to = weft_wire_put_length(to, key->length);
        to = copy_text(reader, to, *key);
        *to++ = TAG_VALUE;
    }
    reader->to = weft_wire_put_length(to, value_length);
}

static inline size_t headers_room(const struct weft_slice *key)
{
    return HEADERS_ROOM + WEFT_LINE_COPY_BLOCK + (key == NULL ? 0 : key->length);
}

bool weft_line_put_text(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                        struct weft_slice text)
{
    if (!weft_line_room(reader, headers_room(key) + text.length + WEFT_LINE_COPY_BLOCK)) {
        return false;
    }
    put_headers(reader, tag, key, 1 + weft_wire_size_length(text.length) + text.length);
    *reader->to++ = TAG_STRING;
    reader->to = weft_wire_put_length(reader->to, text.length);
    reader->to = copy_text(reader, reader->to, text);
    return true;
}

static inline bool put_scalar(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                              const uint8_t *scalar, size_t length)
{
    if (!weft_line_room(reader, headers_room(key) + MAX_SCALAR)) {
        return false;
    }
    put_headers(reader, tag, key, length);
    memcpy(reader->to, scalar, MAX_SCALAR);
    reader->to += length;
    return true;
}

static inline bool is_hex_of(const uint8_t *at, uint8_t first, const char *second)
{
    return (at[0] | 32) == first && at[1] != 0 && strchr(second, at[1] | 32) != NULL;
}

/* contents: of a string that has been scanned. Half a pair of surrogates is no text. */
static bool has_lone_surrogate(struct weft_slice contents)
{
    const uint8_t *at = contents.bytes;
    const uint8_t *end = at + contents.length;
    while (at < end && (at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
        if (at[1] != 'u') {
            at += 2;
            continue;
        }
        bool is_high = is_hex_of(at + 2, 'd', "89ab");
        bool is_low = is_hex_of(at + 2, 'd', "cdef");
        at += 6;
        bool is_pair = is_high && end - at >= 6 && at[0] == '\\' && at[1] == 'u' && is_hex_of(at + 2, 'd', "cdef");
        if (is_low || (is_high && !is_pair)) {
            return true;
        }
        at += is_pair ? 6 : 0;
    }
    return false;
}

/* The text goes behind where its headers will be and moves down to them. */
static bool put_escaped(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                        struct weft_slice contents)
{
    if (!weft_line_room(reader, headers_room(key) + contents.length + WEFT_LINE_COPY_BLOCK)) {
        return false;
    }
    uint8_t *start = reader->to + headers_room(key);
    uint8_t *end = weft_json_unescape(start, contents);
    if (WEFT_UNLIKELY(has_lone_surrogate(contents))) {
        weft_line_flag(reader, WEFT_LINE_LONE_SURROGATE);
    }
    size_t length = (size_t)(end - start);
    put_headers(reader, tag, key, 1 + weft_wire_size_length(length) + length);
    *reader->to++ = TAG_STRING;
    reader->to = weft_wire_put_length(reader->to, length);
    memmove(reader->to, start, length);
    reader->to += length;
    return true;
}

/* at is the opening quote. */
static inline const uint8_t *put_string(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                                        const uint8_t *at)
{
    struct weft_json_fault fault = { 0 };
    bool has_escapes;
    const uint8_t *quote = weft_json_scan_string(at + 1, reader->end, &has_escapes, &fault);
    if (WEFT_UNLIKELY(quote == NULL)) {
        return NULL;
    }
    struct weft_slice text = { at + 1, (size_t)(quote - at - 1) };
    bool is_put = has_escapes ? put_escaped(reader, tag, key, text) : weft_line_put_text(reader, tag, key, text);
    return is_put ? quote + 1 : NULL;
}

static size_t int_scalar(uint8_t *scalar, uint64_t bits)
{
    scalar[0] = TAG_INT;
    return (size_t)(weft_wire_put_varint(scalar + 1, bits) - scalar);
}

static size_t double_scalar(uint8_t *scalar, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = htole64(bits);
    scalar[0] = TAG_DOUBLE;
    memcpy(scalar + 1, &bits, sizeof bits);
    return 1 + sizeof bits;
}

/* Whole numbers without a point are integers, the others doubles; what neither holds is kept as its text. The number
 * does not end the line, so a byte follows it that is no part of it. */
static bool put_number(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                       const struct weft_json_number *number)
{
    uint8_t scalar[MAX_SCALAR];
    double value;
    bool is_whole = true;
    for (size_t i = 0; i < number->text.length; i++) {
        uint8_t byte = number->text.bytes[i];
        is_whole = is_whole && byte != '.' && (byte | 32) != 'e';
    }
    if (is_whole) {
        uint64_t magnitude;
        bool is_in_64_bits = weft_json_to_magnitude(number, &magnitude);
        if (is_in_64_bits && magnitude <= (uint64_t)INT64_MAX + number->is_negative) {
            return put_scalar(reader, tag, key, scalar,
                              int_scalar(scalar, number->is_negative ? 0 - magnitude : magnitude));
        }
        if (is_in_64_bits &&
            !number->is_negative) { /* Rust's u64, Datadog's ids: in order, but OTLP has no such type */
            return weft_line_put_text(reader, tag, key, number->text);
        }
    } else if (weft_json_to_double(number, &value)) {
        return put_scalar(reader, tag, key, scalar, double_scalar(scalar, value));
    }
    weft_line_flag(reader, WEFT_LINE_BIG_NUMBER);
    return weft_line_put_text(reader, tag, key, number->text);
}

static const uint8_t *put_any_number(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                                     const uint8_t *at)
{
    if (reader->end - at >= WEFT_JSON_PLAIN_ROOM) {
        uint8_t scalar[MAX_SCALAR];
        uint64_t value;
        const uint8_t *after = weft_json_take_plain_digits(at, &value);
        if (after != NULL && value <= INT64_MAX && (*after == ',' || *after == '}' || *after == ']')) {
            return put_scalar(reader, tag, key, scalar, int_scalar(scalar, value)) ? after : NULL;
        }
    }
    struct weft_json_fault fault = { 0 };
    struct weft_json_number number;
    const uint8_t *after = weft_json_scan_number(at, reader->end, &number, &fault);
    if (after == NULL || after == reader->end) {
        return NULL;
    }
    return put_number(reader, tag, key, &number) ? after : NULL;
}

/* null is a value without one. */
static const uint8_t *put_literal(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                                  const uint8_t *at)
{
    struct weft_json_fault fault = { 0 };
    const char *word = *at == 't' ? "true" : *at == 'f' ? "false" : "null";
    const uint8_t scalar[MAX_SCALAR] = { TAG_BOOL, *at == 't' };
    const uint8_t *after = weft_json_scan_literal(at, reader->end, word, &fault);
    return after != NULL && put_scalar(reader, tag, key, scalar, *at == 'n' ? 0 : 2) ? after : NULL;
}

/* Too deep for a message: the text of it. Its brackets are balanced, or the line is none of JSON. */
static const uint8_t *put_deep(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                               const uint8_t *at)
{
    struct weft_json_fault fault = { 0 };
    const uint8_t *after = weft_json_skip_value(at, reader->end, &fault);
    if (after == NULL) {
        size_t depth = 0;
        after = weft_json_skip_balanced(at, reader->end, &depth);
        bool is_good = after != NULL && depth > WEFT_JSON_MAX_SKIP_DEPTH &&
                       weft_line_is_utf8(weft_slice_of(at, (size_t)(after - at)));
        if (!is_good) {
            return NULL;
        }
    }
    weft_line_flag(reader, WEFT_LINE_TOO_DEEP);
    return weft_line_put_text(reader, tag, key, weft_slice_of(at, (size_t)(after - at))) ? after : NULL;
}

static inline bool is_at(const struct weft_log_line_reader *reader, const uint8_t *at, uint8_t byte)
{
    return at < reader->end && *at == byte;
}

const uint8_t *weft_line_take_key(struct weft_log_line_reader *reader, const uint8_t *at, struct weft_slice *out_key,
                                  struct weft_slice *out_raw)
{
    struct weft_json_fault fault = { 0 };
    bool has_escapes;
    if (!is_at(reader, at, '"')) {
        return NULL;
    }
    const uint8_t *quote = weft_json_scan_string(at + 1, reader->end, &has_escapes, &fault);
    if (quote == NULL) {
        return NULL;
    }
    struct weft_slice raw = { at + 1, (size_t)(quote - at - 1) };
    *out_raw = raw;
    *out_key = raw;
    if (WEFT_UNLIKELY(has_escapes)) {
        weft_buffer_clear(&reader->key);
        uint8_t *to = weft_buffer_reserve(&reader->key, raw.length);
        if (to == NULL) {
            reader->is_out_of_memory = true;
            return NULL;
        }
        reader->key.length = (size_t)(weft_json_unescape(to, raw) - to);
        *out_key = weft_buffer_slice(&reader->key);
        if (has_lone_surrogate(raw)) {
            weft_line_flag(reader, WEFT_LINE_LONE_SURROGATE);
        }
    }
    at = weft_json_skip_space(quote + 1, reader->end);
    return is_at(reader, at, ':') ? weft_json_skip_space(at + 1, reader->end) : NULL;
}

/* What follows an element: the next one, or NULL with *out_is_end: after the closing bracket. */
static inline const uint8_t *take_comma(const struct weft_log_line_reader *reader, const uint8_t *at, uint8_t closing,
                                        bool *out_is_end)
{
    at = weft_json_skip_space(at, reader->end);
    *out_is_end = is_at(reader, at, closing);
    if (*out_is_end) {
        return at + 1;
    }
    return is_at(reader, at, ',') ? weft_json_skip_space(at + 1, reader->end) : NULL;
}

/* at is after the bracket and the space behind it; the object is not empty. */
static const uint8_t *put_members(struct weft_log_line_reader *reader, const uint8_t *at, unsigned depth,
                                  enum weft_line_place place)
{
    bool is_end = false;
    while (at != NULL && !is_end) {
        struct weft_slice key;
        struct weft_slice raw;
        at = weft_line_take_key(reader, at, &key, &raw);
        if (at == NULL) {
            return NULL;
        }
        const uint8_t *value = at;
        const struct weft_line_key *row = NULL;
        if (place != WEFT_LINE_PLACE_NONE) {
            row = weft_line_keys_find(reader->index, key, weft_line_key_hash(key));
        }
        at = weft_line_put_value(reader, TAG_ELEMENT, &key, at, depth, WEFT_LINE_PLACE_NONE);
        if (at != NULL && weft_line_has_key(row, place)) {
            weft_line_note_nested(reader, place, row, weft_slice_of(value, (size_t)(at - value)));
        }
        at = at == NULL ? NULL : take_comma(reader, at, '}', &is_end);
    }
    return at;
}

static const uint8_t *put_elements(struct weft_log_line_reader *reader, const uint8_t *at, unsigned depth,
                                   enum weft_line_place place)
{
    bool is_end = false;
    while (at != NULL && !is_end) {
        at = weft_line_put_value(reader, TAG_ELEMENT, NULL, at, depth, place);
        at = at == NULL ? NULL : take_comma(reader, at, ']', &is_end);
    }
    return at;
}

static const uint8_t *put_contents(struct weft_log_line_reader *reader, const uint8_t *at, unsigned depth,
                                   enum weft_line_place place)
{
    bool is_object = *at == '{';
    at = weft_json_skip_space(at + 1, reader->end);
    if (is_at(reader, at, is_object ? '}' : ']')) {
        return at + 1;
    }
    if (!is_object) {
        return put_elements(reader, at, depth + 1, place == WEFT_LINE_PLACE_SPANS ? place : WEFT_LINE_PLACE_NONE);
    }
    if (place == WEFT_LINE_PLACE_NONE) {
        return put_members(reader, at, depth + 1, place);
    }
    weft_line_begin_nested(reader);
    at = put_members(reader, at, depth + 1, place);
    weft_line_end_nested(reader, place); /* also of a line that breaks off here */
    return at;
}

static const uint8_t *put_container(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                                    const uint8_t *at, unsigned depth, enum weft_line_place place)
{
    if (depth >= WEFT_LINE_MAX_DEPTH) {
        return put_deep(reader, tag, key, at);
    }
    if (!weft_line_room(reader, headers_room(key))) {
        return NULL;
    }
    struct weft_line_opened pair = { 0, 0 };
    *reader->to++ = tag;
    if (key != NULL) {
        pair = weft_line_open(reader, 0);
        *reader->to++ = TAG_KEY;
        reader->to = copy_text(reader, weft_wire_put_length(reader->to, key->length), *key);
        *reader->to++ = TAG_VALUE;
    }
    struct weft_line_opened value = weft_line_open(reader, 0);
    *reader->to++ = *at == '{' ? TAG_OBJECT : TAG_ARRAY;
    struct weft_line_opened list = weft_line_open(reader, 0);
    at = put_contents(reader, at, depth, place);
    bool is_closed = at != NULL && weft_line_close(reader, &list) && weft_line_close(reader, &value) &&
                     (key == NULL || weft_line_close(reader, &pair));
    return is_closed ? at : NULL;
}

const uint8_t *weft_line_put_value(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                                   const uint8_t *at, unsigned depth, enum weft_line_place place)
{
    if (WEFT_UNLIKELY(at == reader->end)) {
        return NULL;
    }
    switch (*at) {
    case '"':
        return put_string(reader, tag, key, at);
    case '{':
    case '[':
        return put_container(reader, tag, key, at, depth, place);
    case 't':
    case 'f':
    case 'n':
        return put_literal(reader, tag, key, at);
    default:
        return put_any_number(reader, tag, key, at);
    }
}

bool weft_line_string_text(struct weft_slice value, uint8_t *scratch, size_t scratch_size, struct weft_slice *out_text)
{
    if (value.length < 2 || value.bytes[0] != '"') {
        return false;
    }
    struct weft_slice contents = { value.bytes + 1, value.length - 2 };
    if (memchr(contents.bytes, '\\', contents.length) == NULL) {
        *out_text = contents;
        return true;
    }
    if (contents.length > scratch_size) {
        return false;
    }
    *out_text = weft_slice_of(scratch, (size_t)(weft_json_unescape(scratch, contents) - scratch));
    return true;
}
