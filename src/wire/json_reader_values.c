/* Single values of OTLP/JSON as wire bytes (json_reader.h): text, ids, bytes and numbers, each in the forms
 * that are taken. */
#include "wire/json_internal.h"

#include <endian.h>
#include <math.h>

#include "base/base64.h"
#include "base/hex.h"
#include "wire/json_convert.h"

enum { SHORT_TEXT = 32, HEADER_BYTES = 16, TRACE_ID_BYTES = 16, SPAN_ID_BYTES = 8 };

/* Tag, varint or fixed value, and the eight bytes that put_tag writes. */
enum { NUMBER_ROOM = 32 };

const uint8_t *weft_json_reader_take_text(struct weft_json_reader *reader, const struct weft_json_place *place,
                                          const uint8_t *at, struct weft_slice *out_text)
{
    struct weft_json_fault fault = { .takes_bad_text = reader->takes_bad_text };
    bool has_escapes;
    const uint8_t *quote = weft_json_scan_string(at + 1, reader->end, &has_escapes, &fault);
    if (WEFT_UNLIKELY(quote == NULL)) {
        return weft_json_reader_fail_scan(reader, place, &fault);
    }
    reader->bad_texts += fault.has_bad_text;
    struct weft_slice text = { at + 1, (size_t)(quote - at - 1) };
    if (has_escapes) {
        if (!weft_json_reader_room(reader, HEADER_BYTES + text.length + 1 + HEADER_BYTES)) {
            return NULL;
        }
        uint8_t *start = reader->to + HEADER_BYTES;
        uint8_t *end = weft_json_unescape(start, text);
        *end = 0;
        text = weft_slice_of(start, (size_t)(end - start));
    }
    *out_text = text;
    return quote + 1;
}

/* Text with escapes lies in the room already, a header's length further on: it moves down to its place. */
static const uint8_t *read_escaped(struct weft_json_reader *reader, const struct weft_json_place *place,
                                   const uint8_t *at)
{
    struct weft_slice text;
    at = weft_json_reader_take_text(reader, place, at, &text);
    if (at != NULL) {
        weft_json_reader_put_tag(reader, place->field);
        weft_json_reader_put_varint(reader, text.length);
        memmove(reader->to, text.bytes, text.length);
        reader->to += text.length;
    }
    return at;
}

static const uint8_t *read_string(struct weft_json_reader *reader, const struct weft_json_place *place,
                                  const uint8_t *at, bool must_write)
{
    struct weft_json_fault fault = { .takes_bad_text = reader->takes_bad_text };
    bool has_escapes;
    const uint8_t *quote = weft_json_scan_string(at + 1, reader->end, &has_escapes, &fault);
    if (WEFT_UNLIKELY(quote == NULL)) {
        return weft_json_reader_fail_scan(reader, place, &fault);
    }
    reader->bad_texts += fault.has_bad_text;
    if (has_escapes) {
        return read_escaped(reader, place, at);
    }
    size_t length = (size_t)(quote - at - 1);
    if (length == 0 && !must_write) {
        return quote + 1;
    }
    if (!weft_json_reader_room(reader, length + HEADER_BYTES + SHORT_TEXT)) {
        return NULL;
    }
    weft_json_reader_put_tag(reader, place->field);
    weft_json_reader_put_varint(reader, length);
    if (length <= SHORT_TEXT && reader->end - at > SHORT_TEXT) {
        memcpy(reader->to, at + 1, SHORT_TEXT); /* of constant length: no call */
    } else {
        memcpy(reader->to, at + 1, length);
    }
    reader->to += length;
    return quote + 1;
}

/* Writes the id; false if that is no hex of so many bytes: then nothing has been written. */
static inline bool put_id(struct weft_json_reader *reader, const struct weft_json_field *field, struct weft_slice text,
                          size_t length)
{
    uint8_t *start = reader->to;
    weft_json_reader_put_tag(reader, field);
    *reader->to++ = (uint8_t)length;
    if (!weft_hex_decode(text, reader->to, length)) {
        reader->to = start;
        return false;
    }
    reader->to += length;
    return true;
}

/* Hex digits need no scan for what strings escape: the quote is where it must be, or the id is an unusual one. */
static const uint8_t *read_id(struct weft_json_reader *reader, const struct weft_json_place *place, const uint8_t *at,
                              bool must_write)
{
    const struct weft_json_field *field = place->field;
    size_t length = field->kind == WEFT_JSON_TRACE_ID ? TRACE_ID_BYTES : SPAN_ID_BYTES;
    struct weft_slice text = { at + 1, 2 * length };
    if (!weft_json_reader_room(reader, HEADER_BYTES + TRACE_ID_BYTES)) {
        return NULL;
    }
    const uint8_t *quote = at + 1 + 2 * length;
    if (reader->end - at > (ptrdiff_t)(1 + 2 * length) && *quote == '"' && put_id(reader, field, text, length)) {
        return quote + 1;
    }
    const uint8_t *after = weft_json_reader_take_text(reader, place, at, &text);
    if (after == NULL || (text.length == 0 && !must_write)) {
        return after;
    }
    bool is_id = put_id(reader, field, text, text.length == 0 ? 0 : length);
    return is_id ? after : weft_json_reader_fail_kind(reader, place, at);
}

/* The exact length of the header is known before decoding, since padding is at the end. */
static const uint8_t *read_bytes(struct weft_json_reader *reader, const struct weft_json_place *place,
                                 const uint8_t *at, bool must_write)
{
    struct weft_slice text;
    const uint8_t *after = weft_json_reader_take_text(reader, place, at, &text);
    if (after == NULL || (text.length == 0 && !must_write)) {
        return after;
    }
    if (!weft_json_reader_room(reader, text.length + HEADER_BYTES)) {
        return NULL;
    }
    size_t letters = text.length;
    while (letters > 0 && text.bytes[letters - 1] == '=') {
        letters--;
    }
    weft_json_reader_put_tag(reader, place->field);
    weft_json_reader_put_varint(reader, letters / 4 * 3 + letters % 4 * 3 / 4);
    size_t length;
    if (weft_base64_decode(text, WEFT_BASE64_EITHER, reader->to, &length) != WEFT_OK) {
        return weft_json_reader_fail_kind(reader, place, at);
    }
    reader->to += length;
    return after;
}

static bool number_of_text(struct weft_slice text, struct weft_json_number *out_number)
{
    struct weft_json_fault fault;
    const uint8_t *end = text.bytes + text.length;
    return weft_json_scan_number(text.bytes, end, out_number, &fault) == end;
}

/* A number, bare or in quotes. Quotes may hold another word instead: then *out_is_number is false. A number in
 * quotes is read where it is: only what does not end with it is scanned as a string. */
static const uint8_t *take_number(struct weft_json_reader *reader, const struct weft_json_place *place,
                                  const uint8_t *at, struct weft_json_number *out_number, struct weft_slice *out_word,
                                  bool *out_is_number)
{
    struct weft_json_fault fault;
    if (*at == '"') {
        const uint8_t *quote = weft_json_scan_number(at + 1, reader->end, out_number, &fault);
        if (quote != NULL && quote < reader->end && *quote == '"') {
            *out_is_number = true;
            *out_word = out_number->text;
            return quote + 1;
        }
        const uint8_t *after = weft_json_reader_take_text(reader, place, at, out_word);
        *out_is_number = after != NULL && number_of_text(*out_word, out_number);
        return after;
    }
    if (*at != '-' && (uint8_t)(*at - '0') > 9) {
        return weft_json_reader_fail_kind(reader, place, at);
    }
    const uint8_t *after = weft_json_scan_number(at, reader->end, out_number, &fault);
    if (after == reader->end) { /* strtod needs a byte after the number, and so does JSON */
        fault = (struct weft_json_fault){ .at = after, .reason = "the text ends here: it is cut off" };
        after = NULL;
    }
    *out_is_number = true;
    return after != NULL ? after : weft_json_reader_fail_scan(reader, place, &fault);
}

static bool is_in_range(const struct weft_json_field *field, bool is_negative, uint64_t magnitude)
{
    switch ((enum weft_json_kind)field->kind) {
    case WEFT_JSON_U64:
        return !is_negative || magnitude == 0;
    case WEFT_JSON_U32:
        return magnitude <= UINT32_MAX && (!is_negative || magnitude == 0);
    case WEFT_JSON_I64:
        return magnitude <= (uint64_t)INT64_MAX + is_negative;
    case WEFT_JSON_I32:
    case WEFT_JSON_ENUM:
        return magnitude <= (uint64_t)INT32_MAX + is_negative;
    case WEFT_JSON_MESSAGE:
    case WEFT_JSON_STRING:
    case WEFT_JSON_BYTES:
    case WEFT_JSON_TRACE_ID:
    case WEFT_JSON_SPAN_ID:
    case WEFT_JSON_BOOL:
    case WEFT_JSON_DOUBLE:
    case WEFT_JSON_FLOAT:
        break;
    }
    return false;
}

static bool integer_bits(const struct weft_json_field *field, const struct weft_json_number *number, uint64_t *out_bits)
{
    uint64_t magnitude = number->mantissa;
    bool is_plain = number->is_exact && number->exponent10 == 0;
    if (!is_plain && !weft_json_to_magnitude(number, &magnitude)) {
        return false;
    }
    if (!is_in_range(field, number->is_negative, magnitude)) {
        return false;
    }
    uint64_t bits = number->is_negative ? 0 - magnitude : magnitude;
    *out_bits = field->is_zigzag ? bits << 1 ^ (0 - (bits >> 63)) : bits;
    return true;
}

/* Digits and no more. Returns the byte after, or NULL for all that is written otherwise. */
static inline const uint8_t *read_plain_integer(const struct weft_json_reader *reader,
                                                const struct weft_json_field *field, const uint8_t *at,
                                                uint64_t *out_bits)
{
    bool is_quoted = *at == '"';
    at += is_quoted;
    if (reader->end - at < WEFT_JSON_PLAIN_ROOM || field->is_zigzag || (is_quoted && field->kind == WEFT_JSON_ENUM)) {
        return NULL;
    }
    uint64_t value;
    const uint8_t *after = weft_json_take_plain_digits(at, &value);
    if (after == NULL || !is_in_range(field, false, value)) {
        return NULL;
    }
    bool is_end = is_quoted ? *after == '"' : *after == ',' || *after == '}' || *after == ']';
    *out_bits = value;
    return is_end ? after + is_quoted : NULL;
}

static bool enum_bits_of_name(const ProtobufCEnumDescriptor *values, struct weft_slice name, uint64_t *out_bits)
{
    for (unsigned i = 0; i < values->n_values; i++) {
        if (weft_slice_equal_text(name, values->values[i].name)) {
            *out_bits = (uint64_t)values->values[i].value;
            return true;
        }
    }
    return false;
}

static bool double_of_word(struct weft_slice word, double *out_value)
{
    if (weft_slice_equal_text(word, "NaN")) {
        *out_value = (double)NAN;
        return true;
    }
    bool is_negative = word.length > 0 && word.bytes[0] == '-';
    *out_value = is_negative ? (double)-INFINITY : (double)INFINITY;
    return weft_slice_equal_text(word, is_negative ? "-Infinity" : "Infinity");
}

static bool real_bits(const struct weft_json_field *field, double value, bool may_be_infinite, uint64_t *out_bits)
{
    if (field->kind == WEFT_JSON_DOUBLE) {
        memcpy(out_bits, &value, sizeof value);
        return true;
    }
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    *out_bits = bits;
    return may_be_infinite || !isinf(narrow);
}

static void put_number(struct weft_json_reader *reader, const struct weft_json_field *field, uint64_t bits)
{
    if (!field->is_packed) {
        weft_json_reader_put_tag(reader, field);
    }
    if (field->wire_type == WEFT_WIRE_VARINT) {
        weft_json_reader_put_varint(reader, bits);
        return;
    }
    bits = htole64(bits);
    memcpy(reader->to, &bits, sizeof bits);
    reader->to += field->wire_type == WEFT_WIRE_FIXED64 ? 8 : 4;
}

static const uint8_t *read_number(struct weft_json_reader *reader, const struct weft_json_place *place,
                                  const uint8_t *at, uint64_t *out_bits)
{
    const struct weft_json_field *field = place->field;
    bool is_real = field->kind == WEFT_JSON_DOUBLE || field->kind == WEFT_JSON_FLOAT;
    const uint8_t *after = is_real ? NULL : read_plain_integer(reader, field, at, out_bits);
    if (after != NULL) {
        return after;
    }
    struct weft_json_number number;
    struct weft_slice word;
    bool is_number;
    after = take_number(reader, place, at, &number, &word, &is_number);
    if (after == NULL) {
        return NULL;
    }
    bool is_good;
    double value;
    if (is_real) {
        is_good = (is_number ? weft_json_to_double(&number, &value) : double_of_word(word, &value)) &&
                  real_bits(field, value, !is_number, out_bits);
    } else if (field->kind == WEFT_JSON_ENUM && *at == '"') {
        is_good = enum_bits_of_name(field->values, word, out_bits);
    } else {
        is_good = is_number && integer_bits(field, &number, out_bits);
    }
    return is_good ? after : weft_json_reader_fail_kind(reader, place, at);
}

static const uint8_t *read_bool(struct weft_json_reader *reader, const struct weft_json_place *place, const uint8_t *at,
                                uint64_t *out_bits)
{
    if (*at != 't' && *at != 'f') {
        return weft_json_reader_fail_kind(reader, place, at);
    }
    *out_bits = *at == 't';
    struct weft_json_fault fault;
    at = weft_json_scan_literal(at, reader->end, *at == 't' ? "true" : "false", &fault);
    return at != NULL ? at : weft_json_reader_fail_scan(reader, place, &fault);
}

const uint8_t *weft_json_read_value(struct weft_json_reader *reader, const struct weft_json_place *place,
                                    const uint8_t *at, bool must_write)
{
    if (at == reader->end) {
        return weft_json_reader_fail_kind(reader, place, at);
    }
    const struct weft_json_field *field = place->field;
    if (field->wire_type == WEFT_WIRE_BYTES) {
        if (*at != '"') {
            return weft_json_reader_fail_kind(reader, place, at);
        }
        return field->kind == WEFT_JSON_STRING  ? read_string(reader, place, at, must_write)
               : field->kind == WEFT_JSON_BYTES ? read_bytes(reader, place, at, must_write)
                                                : read_id(reader, place, at, must_write);
    }
    uint64_t bits = 0;
    at = field->kind == WEFT_JSON_BOOL ? read_bool(reader, place, at, &bits) : read_number(reader, place, at, &bits);
    if (at == NULL || (bits == 0 && !must_write)) {
        return at;
    }
    if (!weft_json_reader_room(reader, NUMBER_ROOM)) {
        return NULL;
    }
    put_number(reader, field, bits);
    return at;
}
