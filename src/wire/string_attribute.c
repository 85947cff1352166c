/* Attributes that are texts (string_attribute.h). Field numbers are those of opentelemetry.proto.common.v1. */
#include "wire/string_attribute.h"

#include "wire/protobuf.h"

enum {
    FIELD_KEY = 1, /* of KeyValue */
    FIELD_VALUE = 2,
    FIELD_STRING = 1, /* of AnyValue */
};

static size_t framed_size(uint32_t number, size_t length)
{
    return weft_wire_size_bytes_header(number, length) + length;
}

static size_t key_value_size(struct weft_slice key, struct weft_slice value)
{
    return framed_size(FIELD_KEY, key.length) + framed_size(FIELD_VALUE, framed_size(FIELD_STRING, value.length));
}

size_t weft_wire_size_string_attribute(uint32_t number, struct weft_slice key, struct weft_slice value)
{
    return framed_size(number, key_value_size(key, value));
}

static uint8_t *put_bytes(uint8_t *to, uint32_t number, struct weft_slice bytes)
{
    to = weft_wire_put_bytes_header(to, number, bytes.length);
    if (bytes.length > 0) {
        memcpy(to, bytes.bytes, bytes.length);
    }
    return to + bytes.length;
}

uint8_t *weft_wire_put_string_attribute(uint8_t *to, uint32_t number, struct weft_slice key, struct weft_slice value)
{
    to = weft_wire_put_bytes_header(to, number, key_value_size(key, value));
    to = put_bytes(to, FIELD_KEY, key);
    to = weft_wire_put_bytes_header(to, FIELD_VALUE, framed_size(FIELD_STRING, value.length));
    return put_bytes(to, FIELD_STRING, value);
}
