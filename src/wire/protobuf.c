/* Protobuf wire format without a schema (protobuf.dev/programming-guides/encoding): the one place that takes
 * tags, varints, lengths and groups apart. otlp_check.c has its own loop for known fields and comes here for
 * the others. */
#include "wire/protobuf.h"

#include "wire/wire_scan.h"

enum { MAX_FIELD_NUMBER = (1 << 29) - 1 };

const uint8_t *weft_wire_read_varint_long(const uint8_t *at, const uint8_t *end, uint64_t *out_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && at < end; shift += 7) {
        uint8_t byte = *at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (shift == 63 && byte > 1) {
                return NULL;
            }
            *out_value = value;
            return at;
        }
    }
    return NULL;
}

const uint8_t *weft_wire_read_small_long(const uint8_t *at, const uint8_t *end, uint32_t *out_value)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 35 && at < end; shift += 7) {
        uint8_t byte = *at++;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (shift == 28 && byte > 0x0f) {
                return NULL;
            }
            *out_value = value;
            return at;
        }
    }
    return NULL;
}

static uint64_t read_fixed(const uint8_t *at, size_t size_bytes)
{
    uint64_t value = 0;
    for (size_t i = size_bytes; i > 0; i--) {
        value = value << 8 | at[i - 1];
    }
    return value;
}

static const char *scan_tag(const uint8_t **at, const uint8_t *end, struct weft_wire_field *field)
{
    uint32_t tag;
    const uint8_t *after = weft_wire_read_small(*at, end, &tag);
    if (after == NULL) {
        return "tag is cut off or too long";
    }
    field->number = tag >> 3;
    field->type = (enum weft_wire_type)(tag & 7);
    if (field->number == 0) {
        return "field number is 0";
    }
    if (field->number > MAX_FIELD_NUMBER) {
        return "field number is too large";
    }
    if ((tag & 7) > WEFT_WIRE_FIXED32) {
        return "wire type is 6 or 7";
    }
    *at = after;
    return NULL;
}

/* What follows the tag of a field that is no group. */
static const char *scan_value(const uint8_t **at, const uint8_t *end, struct weft_wire_field *field)
{
    if (field->type == WEFT_WIRE_VARINT) {
        const uint8_t *after = weft_wire_read_varint(*at, end, &field->number_value);
        if (after == NULL) {
            return "varint is cut off or longer than 10 bytes";
        }
        *at = after;
        return NULL;
    }
    if (field->type == WEFT_WIRE_BYTES) {
        uint32_t length;
        const uint8_t *contents = weft_wire_read_small(*at, end, &length);
        if (contents == NULL) {
            return "length is cut off or too long";
        }
        if (length > (size_t)(end - contents)) {
            return "length goes past the end";
        }
        field->bytes = weft_slice_of(contents, length);
        *at = contents + length;
        return NULL;
    }
    size_t size_bytes = field->type == WEFT_WIRE_FIXED64 ? 8 : 4;
    if ((size_t)(end - *at) < size_bytes) {
        return "fixed value is cut off";
    }
    field->number_value = read_fixed(*at, size_bytes);
    *at += size_bytes;
    return NULL;
}

/* From after the start tag to after the end tag that balances it; the numbers of open groups are kept, since
 * an end tag must name the group that it closes. */
static const char *scan_group(const uint8_t **at, const uint8_t *end, uint32_t number)
{
    uint32_t open[WEFT_WIRE_MAX_GROUP_DEPTH] = { number };
    size_t depth = 1;
    while (depth > 0) {
        struct weft_wire_field inner = { 0 };
        if (*at == end) {
            return "group is not closed";
        }
        const char *reason = scan_tag(at, end, &inner);
        if (reason == NULL && inner.type == WEFT_WIRE_GROUP_START) {
            if (depth == WEFT_WIRE_MAX_GROUP_DEPTH) {
                return "groups are nested too deep";
            }
            open[depth++] = inner.number;
        } else if (reason == NULL && inner.type == WEFT_WIRE_GROUP_END) {
            if (open[--depth] != inner.number) {
                return "group is closed by another number";
            }
        } else if (reason == NULL) {
            reason = scan_value(at, end, &inner);
        }
        if (reason != NULL) {
            return reason;
        }
    }
    return NULL;
}

const char *weft_wire_scan(struct weft_wire_reader *reader, struct weft_wire_field *out_field)
{
    const uint8_t *at = reader->at;
    struct weft_wire_field field = { 0 };
    const char *reason = scan_tag(&at, reader->end, &field);
    if (reason == NULL && field.type == WEFT_WIRE_GROUP_END) {
        reason = "group is closed that was not opened";
    } else if (reason == NULL && field.type == WEFT_WIRE_GROUP_START) {
        reason = scan_group(&at, reader->end, field.number);
    } else if (reason == NULL) {
        reason = scan_value(&at, reader->end, &field);
    }
    if (reason != NULL) {
        return reason;
    }
    field.whole = weft_slice_of(reader->at, (size_t)(at - reader->at));
    reader->at = at;
    *out_field = field;
    return NULL;
}

enum weft_status weft_wire_next(struct weft_wire_reader *reader, struct weft_wire_field *out_field, bool *out_has_field,
                                struct weft_error *error)
{
    if (reader->at == reader->end) {
        *out_has_field = false;
        return WEFT_OK;
    }
    const char *reason = weft_wire_scan(reader, out_field);
    if (reason != NULL) {
        return weft_fail(error, WEFT_INVALID, "byte %zu: %s", (size_t)(reader->at - reader->origin), reason);
    }
    *out_has_field = true;
    return WEFT_OK;
}

size_t weft_wire_size_varint(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    return (bits + 6) / 7;
}

uint8_t *weft_wire_put_varint(uint8_t *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    return to;
}
