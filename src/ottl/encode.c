/* Values back to the wire (run.h). What is still on the wire is copied as it is. */
#include "ottl/run.h"
#include "wire/protobuf.h"

enum { MAX_HEADER_BYTES = 16, NUMBER_BYTES = 11 };

static void put_contents(struct weft_buffer *out, uint32_t field, struct weft_slice contents)
{
    uint8_t header[MAX_HEADER_BYTES];
    uint8_t *end = weft_wire_put_bytes_header(header, field, contents.length);
    weft_buffer_append(out, header, (size_t)(end - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

static void put_number(struct weft_buffer *out, const struct weft_ottl_value *value)
{
    uint8_t bytes[NUMBER_BYTES];
    uint8_t *at = bytes;
    if (value->kind == WEFT_OTTL_DOUBLE) {
        *at++ = WEFT_OTLP_VALUE_DOUBLE << 3 | WEFT_WIRE_FIXED64;
        memcpy(at, &value->real, sizeof value->real);
        at += sizeof value->real;
    } else if (value->kind == WEFT_OTTL_BOOL) {
        *at++ = WEFT_OTLP_VALUE_BOOL << 3 | WEFT_WIRE_VARINT;
        *at++ = value->boolean;
    } else {
        *at++ = WEFT_OTLP_VALUE_INT << 3 | WEFT_WIRE_VARINT;
        at = weft_wire_put_varint(at, (uint64_t)value->integer);
    }
    weft_buffer_append(out, bytes, (size_t)(at - bytes));
}

/* What was appended behind `start` becomes the contents of a field. */
static void wrap(struct weft_buffer *out, size_t start, uint32_t field)
{
    uint8_t header[MAX_HEADER_BYTES];
    size_t length = out->length - start;
    uint8_t *end = weft_wire_put_bytes_header(header, field, length);
    size_t header_length = (size_t)(end - header);
    if (weft_buffer_reserve(out, header_length) == NULL) {
        return;
    }
    if (length > 0) {
        memmove(out->bytes + start + header_length, out->bytes + start, length);
    }
    memcpy(out->bytes + start, header, header_length);
    out->length += header_length;
}

static enum weft_status put_value(struct weft_buffer *out, const struct weft_ottl_value *value, int depth,
                                  struct weft_error *error);

static enum weft_status put_member(struct weft_buffer *out, uint32_t field, struct weft_slice key,
                                   const struct weft_ottl_value *value, int depth, struct weft_error *error)
{
    size_t start = out->length;
    put_contents(out, WEFT_OTLP_KEY_FIELD, key);
    size_t value_start = out->length;
    enum weft_status status = put_value(out, value, depth, error);
    wrap(out, value_start, WEFT_OTLP_VALUE_FIELD);
    wrap(out, start, field);
    return status;
}

/* The fields of an ArrayValue or KeyValueList. */
static enum weft_status put_items(struct weft_buffer *out, const struct weft_ottl_value *value, int depth,
                                  struct weft_error *error)
{
    enum { ITEMS_FIELD = 1 };
    struct weft_ottl_each each = weft_ottl_each_of(value);
    struct weft_ottl_member member;
    enum weft_status status = WEFT_OK;
    if (depth >= WEFT_OTTL_VALUE_MAX_DEPTH) {
        return weft_fail(error, WEFT_INVALID, "a value of more than %d maps and lists within one another",
                         WEFT_OTTL_VALUE_MAX_DEPTH);
    }
    while (status == WEFT_OK && weft_ottl_each_next(&each, &member)) {
        size_t start = out->length;
        if (value->kind == WEFT_OTTL_MAP && member.wire.bytes != NULL) {
            put_contents(out, ITEMS_FIELD, member.wire);
        } else if (value->kind == WEFT_OTTL_MAP) {
            status = put_member(out, ITEMS_FIELD, member.key, &member.value, depth + 1, error);
        } else {
            status = put_value(out, &member.value, depth + 1, error);
            wrap(out, start, ITEMS_FIELD);
        }
    }
    return status;
}

static enum weft_status put_container(struct weft_buffer *out, const struct weft_ottl_value *value, int depth,
                                      struct weft_error *error)
{
    enum { PLAIN_MEMBERS_FIELD = 1 };
    uint32_t field = value->kind == WEFT_OTTL_MAP ? WEFT_OTLP_VALUE_MAP : WEFT_OTLP_VALUE_ARRAY;
    size_t start = out->length;
    bool is_plain = value->is_wire && (value->kind == WEFT_OTTL_LIST || value->field == PLAIN_MEMBERS_FIELD);
    if (is_plain) {
        put_contents(out, field, value->bytes);
        return WEFT_OK;
    }
    enum weft_status status = put_items(out, value, depth, error);
    wrap(out, start, field);
    return status;
}

static enum weft_status put_value(struct weft_buffer *out, const struct weft_ottl_value *value, int depth,
                                  struct weft_error *error)
{
    switch (value->kind) {
    case WEFT_OTTL_NIL:
        return WEFT_OK;
    case WEFT_OTTL_BOOL:
    case WEFT_OTTL_INT:
    case WEFT_OTTL_DOUBLE:
        put_number(out, value);
        return WEFT_OK;
    case WEFT_OTTL_STRING:
        put_contents(out, WEFT_OTLP_VALUE_STRING, value->bytes);
        return WEFT_OK;
    case WEFT_OTTL_BYTES:
        put_contents(out, WEFT_OTLP_VALUE_BYTES, value->bytes);
        return WEFT_OK;
    case WEFT_OTTL_MAP:
    case WEFT_OTTL_LIST:
        return put_container(out, value, depth, error);
    case WEFT_OTTL_TIME:
    case WEFT_OTTL_DURATION:
    case WEFT_OTTL_TRACE_ID:
    case WEFT_OTTL_SPAN_ID:
    case WEFT_OTTL_MESSAGE:
    case WEFT_OTTL_MESSAGES:
    case WEFT_OTTL_FUNCTION:
    case WEFT_OTTL_ABSENT:
        break;
    }
    return weft_fail(error, WEFT_INVALID, "%s can be no value of an attribute", weft_ottl_kind_text(value->kind));
}

enum weft_status weft_ottl_put_any_value(struct weft_buffer *out, const struct weft_ottl_value *value,
                                         struct weft_error *error)
{
    return put_value(out, value, 0, error);
}

enum weft_status weft_ottl_put_key_value(struct weft_buffer *out, uint32_t field, struct weft_slice key,
                                         const struct weft_ottl_value *value, struct weft_error *error)
{
    return put_member(out, field, key, value, 0, error);
}
