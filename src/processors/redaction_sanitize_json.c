/* Queries in JSON without their values (redaction_sanitize.h): MongoDB's, OpenSearch's, Elasticsearch's. One pass reads
 * the text as strictly as RFC 8259 and writes it without white space; if it turns out to be none, it stays as it is. */
#include "processors/redaction_sanitize.h"

enum { MAX_DEPTH = 10000, WORD_BITS = 64 }; /* Go's encoding/json refuses more */

struct reader {
    const uint8_t *at, *end;
    struct weft_buffer *out;
    uint64_t objects[MAX_DEPTH / WORD_BITS + 1]; /* a bit for each depth: an object, no array */
    size_t depth;
};

static uint8_t peek(const struct reader *reader)
{
    return reader->at < reader->end ? *reader->at : 0;
}

static void skip_spaces(struct reader *reader)
{
    while (reader->at < reader->end && weft_slice_is_space(*reader->at)) {
        reader->at++;
    }
}

static bool skip_byte(struct reader *reader, uint8_t byte)
{
    bool is_there = reader->at < reader->end && *reader->at == byte;
    reader->at += is_there;
    return is_there;
}

static bool put_byte(struct reader *reader, uint8_t byte)
{
    bool is_there = skip_byte(reader, byte);
    if (is_there) {
        weft_buffer_append_byte(reader->out, byte);
    }
    return is_there;
}

/* ---- scalars ---- */

static bool is_hex(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

static bool skip_escape(struct reader *reader)
{
    enum { HEX_DIGITS = 4 };
    uint8_t byte = peek(reader);
    if (byte != 'u') {
        reader->at += reader->at < reader->end;
        return byte != 0 && strchr("bfnrt\\/\"", byte) != NULL;
    }
    reader->at++;
    for (int i = 0; i < HEX_DIGITS; i++, reader->at++) {
        if (!is_hex(peek(reader))) {
            return false;
        }
    }
    return true;
}

static bool skip_string(struct reader *reader)
{
    if (!skip_byte(reader, '"')) {
        return false;
    }
    while (reader->at < reader->end && *reader->at >= ' ') {
        uint8_t byte = *reader->at++;
        if (byte == '"') {
            return true;
        }
        if (byte == '\\' && !skip_escape(reader)) {
            return false;
        }
    }
    return false;
}

static bool skip_digits(struct reader *reader)
{
    const uint8_t *from = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9') {
        reader->at++;
    }
    return reader->at > from;
}

static bool skip_number(struct reader *reader)
{
    skip_byte(reader, '-');
    bool is_number = skip_byte(reader, '0') || skip_digits(reader);
    if (is_number && skip_byte(reader, '.')) {
        is_number = skip_digits(reader);
    }
    if (is_number && (skip_byte(reader, 'e') || skip_byte(reader, 'E'))) {
        if (!skip_byte(reader, '+')) {
            skip_byte(reader, '-');
        }
        is_number = skip_digits(reader);
    }
    return is_number;
}

static bool skip_word(struct reader *reader)
{
    static const char *const words[] = { "true", "false", "null" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i]);
        if ((size_t)(reader->end - reader->at) >= length && memcmp(reader->at, words[i], length) == 0) {
            reader->at += length;
            return true;
        }
    }
    return false;
}

static bool hide_scalar(struct reader *reader)
{
    uint8_t byte = peek(reader);
    bool is_number = byte == '-' || (byte >= '0' && byte <= '9');
    weft_buffer_append_text(reader->out, "\"?\"");
    return byte == '"' ? skip_string(reader) : is_number ? skip_number(reader) : skip_word(reader);
}

/* ---- objects and arrays ---- */

static bool is_in_object(const struct reader *reader)
{
    size_t index = reader->depth - 1;
    return (reader->objects[index / WORD_BITS] >> index % WORD_BITS & 1) != 0;
}

static bool put_key(struct reader *reader)
{
    skip_spaces(reader);
    const uint8_t *from = reader->at;
    if (!skip_string(reader)) {
        return false;
    }
    weft_buffer_append(reader->out, from, (size_t)(reader->at - from));
    skip_spaces(reader);
    return put_byte(reader, ':');
}

static bool put_end(struct reader *reader)
{
    bool is_end = put_byte(reader, is_in_object(reader) ? '}' : ']');
    reader->depth -= is_end;
    return is_end;
}

/* Into an object or an array: *out_has_value if a value comes next, none if it is empty. */
static bool open(struct reader *reader, bool is_object, bool *out_has_value)
{
    if (reader->depth == MAX_DEPTH) {
        return false;
    }
    size_t index = reader->depth++;
    uint64_t bit = UINT64_C(1) << index % WORD_BITS;
    uint64_t *word = &reader->objects[index / WORD_BITS];
    *word = is_object ? *word | bit : *word & ~bit;
    skip_spaces(reader);
    *out_has_value = !put_end(reader);
    return !*out_has_value || !is_object || put_key(reader);
}

/* Behind a value, to the next one or behind the end of all. */
static bool go_on(struct reader *reader, bool *out_has_value)
{
    *out_has_value = false;
    while (reader->depth > 0) {
        skip_spaces(reader);
        if (put_byte(reader, ',')) {
            *out_has_value = true;
            return !is_in_object(reader) || put_key(reader);
        }
        if (!put_end(reader)) {
            return false;
        }
    }
    return true;
}

static bool put_values(struct reader *reader)
{
    bool is_json = true;
    for (bool has_value = true; is_json && has_value;) {
        skip_spaces(reader);
        bool is_object = put_byte(reader, '{');
        if (is_object || put_byte(reader, '[')) {
            is_json = open(reader, is_object, &has_value);
        } else {
            is_json = hide_scalar(reader);
            has_value = false;
        }
        if (is_json && !has_value) {
            is_json = go_on(reader, &has_value);
        }
    }
    return is_json;
}

void weft_sanitize_json(struct weft_slice json, struct weft_buffer *out)
{
    size_t start = out->length;
    if (json.length == 0) {
        return; /* there may be no pointer either */
    }
    struct reader reader = { .at = json.bytes, .end = json.bytes + json.length, .out = out };
    bool is_json = put_values(&reader);
    const uint8_t *behind = reader.at;
    skip_spaces(&reader);
    if (is_json && reader.at == reader.end) {
        weft_buffer_append(out, behind, (size_t)(reader.at - behind)); /* the Collector keeps these spaces */
    } else {
        out->length = start < out->length ? start : out->length;
        weft_buffer_append(out, json.bytes, json.length);
    }
}
