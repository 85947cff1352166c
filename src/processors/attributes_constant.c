/* Values of a config as AnyValues (attributes_constant.h): scalars by their YAML type, lists and maps in their order.
 */
#include "processors/attributes_constant.h"

#include "wire/otlp_attributes.h"
#include "wire/protobuf.h"

enum { MAX_DEPTH = 60, ITEMS_FIELD = 1 }; /* the check of requests allows 64, with what is around it */

static enum weft_status validate(const struct weft_node *node, unsigned depth, struct weft_error *error)
{
    int64_t integer;
    if (depth > MAX_DEPTH) {
        return weft_fail(error, WEFT_INVALID, "nested more than %d deep", MAX_DEPTH);
    }
    if (weft_node_kind(node) == WEFT_NODE_INT && !weft_node_get_int(node, &integer)) {
        return weft_fail(error, WEFT_INVALID, "%s does not fit 64 bits", weft_node_text(node));
    }
    for (size_t i = 0; i < weft_node_count(node); i++) {
        enum weft_status status = validate(weft_node_at(node, i), depth + 1, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return WEFT_OK;
}

enum weft_status weft_attribute_constant_validate(const struct weft_node *node, struct weft_error *error)
{
    return validate(node, 0, error);
}

void weft_attribute_constant_put_field(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    uint8_t header[16];
    uint8_t *end = weft_wire_put_bytes_header(header, number, contents.length);
    weft_buffer_append(out, header, (size_t)(end - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

static void put_message(struct weft_buffer *out, uint32_t number, struct weft_buffer *own_message)
{
    if (weft_buffer_status(own_message) != WEFT_OK) {
        out->is_failed = true;
    }
    weft_attribute_constant_put_field(out, number, weft_buffer_slice(own_message));
    weft_buffer_fini(own_message);
}

static void put_number(struct weft_buffer *out, uint32_t number, uint64_t value)
{
    uint8_t bytes[1 + 10];
    bytes[0] = (uint8_t)(number << 3 | WEFT_WIRE_VARINT);
    weft_buffer_append(out, bytes, (size_t)(weft_wire_put_varint(bytes + 1, value) - bytes));
}

static void put_any(struct weft_buffer *out, const struct weft_node *node);

static void put_items(struct weft_buffer *out, uint32_t member, const struct weft_node *node)
{
    struct weft_buffer items = { 0 };
    for (size_t i = 0; i < weft_node_count(node); i++) {
        const struct weft_node *item = weft_node_at(node, i);
        struct weft_buffer made = { 0 };
        if (member == WEFT_OTLP_VALUE_MAP) {
            const char *key = weft_node_key(item);
            weft_attribute_constant_put_field(&made, WEFT_OTLP_KEY_FIELD, weft_slice_of_text(key));
            weft_attribute_constant_put(&made, item);
        } else {
            put_any(&made, item);
        }
        put_message(&items, ITEMS_FIELD, &made);
    }
    put_message(out, member, &items);
}

static void put_any(struct weft_buffer *out, const struct weft_node *node)
{
    int64_t integer = 0;
    double real;
    switch (weft_node_kind(node)) {
    case WEFT_NODE_NULL:
        return;
    case WEFT_NODE_BOOL:
        put_number(out, WEFT_OTLP_VALUE_BOOL, weft_node_bool(node));
        return;
    case WEFT_NODE_INT:
        put_number(out, WEFT_OTLP_VALUE_INT, weft_node_get_int(node, &integer) ? (uint64_t)integer : 0);
        return;
    case WEFT_NODE_DOUBLE:
        real = weft_node_double(node);
        weft_buffer_append_byte(out, WEFT_OTLP_VALUE_DOUBLE << 3 | WEFT_WIRE_FIXED64);
        weft_buffer_append(out, &real, sizeof real);
        return;
    case WEFT_NODE_STRING:
        weft_attribute_constant_put_field(out, WEFT_OTLP_VALUE_STRING, weft_slice_of_text(weft_node_text(node)));
        return;
    case WEFT_NODE_LIST:
        put_items(out, WEFT_OTLP_VALUE_ARRAY, node);
        return;
    case WEFT_NODE_MAP:
        put_items(out, WEFT_OTLP_VALUE_MAP, node);
        return;
    }
}

void weft_attribute_constant_put(struct weft_buffer *out, const struct weft_node *node)
{
    struct weft_buffer value = { 0 };
    put_any(&value, node);
    put_message(out, WEFT_OTLP_VALUE_FIELD, &value);
}

void weft_attribute_constant_put_text(struct weft_buffer *out, struct weft_slice text)
{
    struct weft_buffer value = { 0 };
    weft_attribute_constant_put_field(&value, WEFT_OTLP_VALUE_STRING, text);
    put_message(out, WEFT_OTLP_VALUE_FIELD, &value);
}
