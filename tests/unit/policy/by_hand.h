#pragma once

#include "policy/policy_test.h"

/* Attributes written by hand: any value, twice, of a span or of a resource; and policies that ask for one. */

enum { SPAN_ATTRIBUTES = 9, RESOURCE_ATTRIBUTES = 1 };

/* Policies with other keys, that match nothing: with so many keys a span's attributes are read into a list, while a few
 * are looked for one by one. */
#define OTHER(key) "\n  - {name: " key ", type: numeric_attribute, numeric_attribute: {key: " key ", min_value: 1}}"
enum { OTHER_COUNT = 4 };

static inline void open_list(struct policy_test *test, const char *list, bool has_others)
{
    char *whole = weft_alloc_format("%s%s", list, has_others ? OTHER("k1") OTHER("k2") OTHER("k3") OTHER("k4") : "");
    policy_test_open(test, whole);
    weft_free(whole);
}

static inline void open_with(struct policy_test *test, const char *type, const char *keys, bool has_others)
{
    char *list = weft_alloc_format("  - {name: p, type: %s, %s: {key: count%s%s}}", type, type,
                                   keys[0] == '\0' ? "" : ", ", keys);
    open_list(test, list, has_others);
    weft_free(list);
}

/* ---- attributes by hand ---- */

/* An AnyValue: its bytes as they are, or an integer. */
struct any {
    struct weft_slice bytes;
    int64_t integer;
    bool is_integer;
};

#define INTEGER(number)                         \
    {                                           \
        .integer = (number), .is_integer = true \
    }
#define ANY(text)                         \
    {                                     \
        .bytes = WEFT_SLICE_LITERAL(text) \
    }

static const struct any any_true = ANY("\x10\x01"), any_false = ANY("\x10\x00"), any_empty = ANY("");

static inline size_t put_any(uint8_t *to, const struct any *any)
{
    if (any->is_integer) {
        to[0] = 3 << 3;
        return (size_t)(weft_wire_put_varint(to + 1, (uint64_t)any->integer) - to);
    }
    memcpy(to, any->bytes.bytes, any->bytes.length);
    return any->bytes.length;
}

static inline size_t put_attribute(uint8_t *to, uint32_t field, const char *key, const struct any *any)
{
    uint8_t value[64];
    size_t value_length = put_any(value, any);
    size_t key_length = strlen(key);
    uint8_t *at = weft_wire_put_bytes_header(to, field, 2 + key_length + 2 + value_length);
    at = weft_wire_put_bytes_header(at, 1, key_length);
    memcpy(at, key, key_length);
    at = weft_wire_put_bytes_header(at + key_length, 2, value_length);
    memcpy(at, value, value_length);
    return (size_t)(at + value_length - to);
}

static inline void add_span(struct policy_test *test, const char *key, struct any any)
{
    uint8_t bytes[128];
    size_t length = put_attribute(bytes, SPAN_ATTRIBUTES, key, &any);
    policy_test_add_span(test, 1, 2, 0, weft_slice_of(bytes, length));
}

static inline void add_span_of_two(struct policy_test *test, const char *key, struct any first, struct any second)
{
    uint8_t bytes[256];
    size_t length = put_attribute(bytes, SPAN_ATTRIBUTES, key, &first);
    length += put_attribute(bytes + length, SPAN_ATTRIBUTES, key, &second);
    policy_test_add_span(test, 1, 2, 0, weft_slice_of(bytes, length));
}

/* Of the spans that follow, with the attributes as they are. */
static inline void set_resource_attributes(struct policy_test *test, struct weft_slice attributes)
{
    uint8_t header[300];
    uint8_t *at = weft_wire_put_bytes_header(header, 1, attributes.length);
    memcpy(at, attributes.bytes, attributes.length);
    memset(test->resource, 0, weft_policy_set_facts_bytes(test->set));
    weft_policy_set_gather_resource(test->set, test->scratch,
                                    weft_slice_of(header, (size_t)(at - header) + attributes.length), test->resource);
}

static inline void set_resource(struct policy_test *test, const char *key, struct any any)
{
    uint8_t bytes[128];
    size_t length = put_attribute(bytes, RESOURCE_ATTRIBUTES, key, &any);
    set_resource_attributes(test, weft_slice_of(bytes, length));
}
