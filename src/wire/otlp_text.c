/* Values as text (otlp_text.h), written as Go's strconv and encoding/json write them, so that a pattern made for
 * the Collector matches here, too. */
#include "wire/otlp_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/work.h"
#include "wire/json_values.h"
#include "wire/protobuf.h"
#include "wire/checked.h"

/* ---- order ---- */

static bool is_before(const struct weft_otlp_named *left, const struct weft_otlp_named *right)
{
    size_t length = left->name.length < right->name.length ? left->name.length : right->name.length;
    weft_work_did(sizeof *left);
    int order = length == 0 ? 0 : memcmp(left->name.bytes, right->name.bytes, length);
    if (order != 0) {
        return order < 0;
    }
    return left->name.length != right->name.length ? left->name.length < right->name.length
                                                   : left->name.bytes < right->name.bytes;
}

static void sift_down(struct weft_otlp_named *entries, size_t at, size_t count)
{
    while (2 * at + 1 < count) {
        size_t child = 2 * at + 1;
        child += child + 1 < count && is_before(&entries[child], &entries[child + 1]);
        if (!is_before(&entries[at], &entries[child])) {
            return;
        }
        struct weft_otlp_named kept = entries[at];
        entries[at] = entries[child];
        entries[child] = kept;
        at = child;
    }
}

void weft_otlp_sort_named(struct weft_otlp_named *entries, size_t count)
{
    for (size_t i = count / 2; i > 0; i--) {
        sift_down(entries, i - 1, count);
    }
    for (size_t left = count; left > 1; left--) {
        struct weft_otlp_named largest = entries[0];
        entries[0] = entries[left - 1];
        entries[left - 1] = largest;
        sift_down(entries, 0, left - 1);
    }
}

/* ---- scalars ---- */

/* The fewest digits that read back as the same number: d.ddde[+-]xx. */
static void format_shortest(double value, char *out_text, size_t size_bytes)
{
    enum { MAX_DIGITS = 17 };
    int digits = 1;
    do {
        snprintf(out_text, size_bytes, "%.*e", digits - 1, value);
    } while (strtod(out_text, NULL) != value && ++digits <= MAX_DIGITS);
}

static void put_zeros(struct weft_buffer *out, int count)
{
    for (int i = 0; i < count; i++) {
        weft_buffer_append_byte(out, '0');
    }
}

/* digits without their point, of which the first stands for 10^exponent. */
static void put_plain_number(const char *digits, int count, int exponent, struct weft_buffer *out)
{
    if (exponent < 0) {
        weft_buffer_append_text(out, "0.");
        put_zeros(out, -exponent - 1);
        weft_buffer_append(out, digits, (size_t)count);
        return;
    }
    int before_point = exponent + 1 < count ? exponent + 1 : count;
    weft_buffer_append(out, digits, (size_t)before_point);
    put_zeros(out, exponent + 1 - before_point);
    if (before_point < count) {
        weft_buffer_append_byte(out, '.');
        weft_buffer_append(out, digits + before_point, (size_t)(count - before_point));
    }
}

static void put_finite(double value, struct weft_buffer *out)
{
    char text[40];
    char digits[40];
    int count = 0;
    format_shortest(fabs(value), text, sizeof text);
    const char *at = text;
    for (; *at != 'e' && *at != '\0'; at++) {
        if (*at != '.') {
            digits[count++] = *at;
        }
    }
    int exponent = *at == 'e' ? atoi(at + 1) : 0;
    if (signbit(value)) {
        weft_buffer_append_byte(out, '-');
    }
    if (value == 0 || (fabs(value) >= 1e-6 && fabs(value) < 1e21)) {
        put_plain_number(digits, count, exponent, out);
        return;
    }
    weft_buffer_append(out, text, (size_t)(at - text));
    weft_buffer_append_format(out, exponent < 0 ? "e-%d" : "e+%d", abs(exponent));
}

static void put_double(double value, struct weft_buffer *out)
{
    if (isnan(value)) {
        weft_buffer_append_text(out, "NaN");
    } else if (isinf(value)) {
        weft_buffer_append_text(out, value > 0 ? "Infinity" : "-Infinity");
    } else {
        put_finite(value, out);
    }
}

static void put_base64(struct weft_slice bytes, struct weft_buffer *out)
{
    size_t start = out->length;
    weft_json_put_base64(out, bytes);
    if (weft_buffer_status(out) == WEFT_OK) {
        memmove(out->bytes + start, out->bytes + start + 1, out->length - start - 2);
        out->length -= 2; /* its quotes */
    }
}

/* ---- JSON ---- */

static bool put_json(const struct weft_otlp_value *value, struct weft_buffer *stack, struct weft_buffer *out);

/* As weft_buffer_append_json_string, but with Go's escapes for \b and \f, and for the two separators that JavaScript
 * takes for ends of lines. */
static void put_json_string(struct weft_slice text, struct weft_buffer *out)
{
    enum { SEPARATOR_BYTES = 3 };
    size_t from = 0;
    if (text.length == 0) {
        weft_buffer_append_text(out, "\"\"");
        return;
    }
    weft_buffer_append_byte(out, '"');
    for (size_t at = 0; at < text.length; at++) {
        const uint8_t *byte = text.bytes + at;
        weft_work_did(1);
        bool is_separator = text.length - at >= SEPARATOR_BYTES && byte[0] == 0xe2 && byte[1] == 0x80 &&
                            (byte[2] == 0xa8 || byte[2] == 0xa9);
        if (*byte != '\b' && *byte != '\f' && !is_separator) {
            continue;
        }
        weft_buffer_append_json_escaped(out, weft_slice_of(text.bytes + from, at - from));
        weft_buffer_append_text(out, *byte == '\b'     ? "\\b"
                                     : *byte == '\f'   ? "\\f"
                                     : byte[2] == 0xa8 ? "\\u2028"
                                                       : "\\u2029");
        at += is_separator ? SEPARATOR_BYTES - 1 : 0;
        from = at + 1;
    }
    weft_buffer_append_json_escaped(out, weft_slice_of(text.bytes + from, text.length - from));
    weft_buffer_append_byte(out, '"');
}

static struct weft_slice key_of(struct weft_slice key_value)
{
    struct weft_slice key = WEFT_SLICE_EMPTY;
    struct weft_wire_reader reader = weft_wire_reader_of(key_value);
    while (weft_wire_next_message(&reader, WEFT_OTLP_KEY_FIELD, &key)) {
    }
    return key;
}

/* Its fields 1 as a value each: of an ArrayValue. */
static bool put_array(struct weft_slice array, struct weft_buffer *stack, struct weft_buffer *out)
{
    struct weft_wire_reader reader = weft_wire_reader_of(array);
    struct weft_wire_field field;
    bool has_field = true;
    bool is_written = true;
    bool is_first = true;
    weft_buffer_append_byte(out, '[');
    while (is_written && weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == 1 && field.type == WEFT_WIRE_BYTES) {
            struct weft_otlp_value value = weft_otlp_value_of(field.whole, 1);
            weft_buffer_append_text(out, is_first ? "" : ",");
            is_written = put_json(&value, stack, out);
            is_first = false;
        }
    }
    weft_buffer_append_byte(out, ']');
    return is_written;
}

static bool put_entries(size_t start, size_t end, struct weft_buffer *stack, struct weft_buffer *out)
{
    bool is_written = true;
    bool is_first = true;
    for (size_t at = start; is_written && at < end; at += sizeof(struct weft_otlp_named)) {
        struct weft_otlp_named entry;
        struct weft_otlp_named next = { { NULL, SIZE_MAX }, WEFT_SLICE_EMPTY };
        memcpy(&entry, stack->bytes + at, sizeof entry); /* the stack may move below */
        if (at + sizeof entry < end) {
            memcpy(&next, stack->bytes + at + sizeof entry, sizeof next);
        }
        if (weft_slice_equal(entry.name, next.name)) {
            continue; /* the last one counts */
        }
        struct weft_otlp_value value = weft_otlp_value_of(entry.contents, WEFT_OTLP_VALUE_FIELD);
        weft_buffer_append_text(out, is_first ? "" : ",");
        put_json_string(entry.name, out);
        weft_buffer_append_byte(out, ':');
        is_written = put_json(&value, stack, out);
        is_first = false;
    }
    return is_written;
}

static bool put_map(struct weft_slice map, struct weft_buffer *stack, struct weft_buffer *out)
{
    size_t start = stack->length;
    struct weft_wire_reader reader = weft_wire_reader_of(map);
    struct weft_otlp_named entry;
    while (weft_wire_next_message(&reader, 1, &entry.contents)) {
        entry.name = key_of(entry.contents);
        weft_buffer_append(stack, &entry, sizeof entry);
    }
    size_t end = stack->length;
    if (end > start) {
        weft_otlp_sort_named((struct weft_otlp_named *)(void *)(stack->bytes + start), (end - start) / sizeof entry);
    }
    weft_buffer_append_byte(out, '{');
    bool is_written = put_entries(start, end, stack, out);
    weft_buffer_append_byte(out, '}');
    stack->length = start;
    return is_written;
}

/* False for what JSON has no word for. */
static bool put_json(const struct weft_otlp_value *value, struct weft_buffer *stack, struct weft_buffer *out)
{
    switch (value->kind) {
    case WEFT_OTLP_VALUE_NONE:
        weft_buffer_append_text(out, "null");
        return true;
    case WEFT_OTLP_VALUE_STRING:
        put_json_string(value->bytes, out);
        return true;
    case WEFT_OTLP_VALUE_BYTES:
        if (value->bytes.length == 0) {
            weft_buffer_append_text(out, "null"); /* what the Collector makes of no bytes */
        } else {
            weft_json_put_base64(out, value->bytes);
        }
        return true;
    case WEFT_OTLP_VALUE_BOOL:
    case WEFT_OTLP_VALUE_INT:
        weft_otlp_put_text(value, stack, out);
        return true;
    case WEFT_OTLP_VALUE_DOUBLE:
        put_double(value->real, out);
        return isfinite(value->real);
    case WEFT_OTLP_VALUE_ARRAY:
        return put_array(value->bytes, stack, out);
    case WEFT_OTLP_VALUE_MAP:
        return put_map(value->bytes, stack, out);
    }
    return false;
}

void weft_otlp_put_text(const struct weft_otlp_value *value, struct weft_buffer *stack, struct weft_buffer *out)
{
    size_t start = out->length;
    switch (value->kind) {
    case WEFT_OTLP_VALUE_NONE:
        break;
    case WEFT_OTLP_VALUE_STRING:
        weft_buffer_append(out, value->bytes.bytes, value->bytes.length);
        break;
    case WEFT_OTLP_VALUE_BOOL:
        weft_buffer_append_text(out, value->is_true ? "true" : "false");
        break;
    case WEFT_OTLP_VALUE_INT:
        weft_json_put_i64(out, value->integer);
        break;
    case WEFT_OTLP_VALUE_DOUBLE:
        put_double(value->real, out);
        break;
    case WEFT_OTLP_VALUE_BYTES:
        put_base64(value->bytes, out);
        break;
    case WEFT_OTLP_VALUE_ARRAY:
    case WEFT_OTLP_VALUE_MAP:
        if (!put_json(value, stack, out)) {
            out->length = start;
        }
        break;
    }
}
