/* Values of records beside those of a config (attributes_same.h). */
#include "processors/attributes_same.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/checked.h"

enum { ITEMS_FIELD = 1 };

static bool is_same_list(struct weft_slice array, const struct weft_node *node)
{
    struct weft_wire_reader reader = weft_wire_reader_of(array);
    struct weft_wire_field field;
    size_t count = 0;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number != ITEMS_FIELD || field.type != WEFT_WIRE_BYTES) {
            continue;
        }
        struct weft_otlp_value item = weft_otlp_value_of(field.whole, ITEMS_FIELD);
        if (count == weft_node_count(node) || !weft_attribute_is_same(&item, weft_node_at(node, count))) {
            return false;
        }
        count++;
    }
    return count == weft_node_count(node);
}

static struct weft_slice key_of(struct weft_slice key_value)
{
    struct weft_wire_reader reader = weft_wire_reader_of(key_value);
    struct weft_slice key = WEFT_SLICE_EMPTY;
    struct weft_slice last;
    while (weft_wire_next_message(&reader, WEFT_OTLP_KEY_FIELD, &last)) {
        key = last;
    }
    return key;
}

/* Of a map with a key twice only one can be the config's. */
static bool is_same_map(struct weft_slice list, const struct weft_node *node)
{
    struct weft_wire_reader reader = weft_wire_reader_of(list);
    struct weft_slice key_value;
    size_t count = 0;
    while (weft_wire_next_message(&reader, ITEMS_FIELD, &key_value)) {
        struct weft_slice key = key_of(key_value);
        struct weft_otlp_value member = weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD);
        bool is_found = false;
        for (size_t i = 0; !is_found && i < weft_node_count(node); i++) {
            const struct weft_node *wanted = weft_node_at(node, i);
            is_found = weft_slice_equal_text(key, weft_node_key(wanted)) && weft_attribute_is_same(&member, wanted);
        }
        if (!is_found) {
            return false;
        }
        count++;
    }
    return count == weft_node_count(node);
}

bool weft_attribute_is_same(const struct weft_otlp_value *value, const struct weft_node *node)
{
    int64_t integer = 0;
    switch (weft_node_kind(node)) {
    case WEFT_NODE_NULL:
        return value->kind == WEFT_OTLP_VALUE_NONE;
    case WEFT_NODE_BOOL:
        return value->kind == WEFT_OTLP_VALUE_BOOL && value->is_true == weft_node_bool(node);
    case WEFT_NODE_INT:
        return value->kind == WEFT_OTLP_VALUE_INT && weft_node_get_int(node, &integer) && value->integer == integer;
    case WEFT_NODE_DOUBLE:
        return value->kind == WEFT_OTLP_VALUE_DOUBLE && value->real == weft_node_double(node);
    case WEFT_NODE_STRING:
        return value->kind == WEFT_OTLP_VALUE_STRING && weft_slice_equal_text(value->bytes, weft_node_text(node));
    case WEFT_NODE_LIST:
        return value->kind == WEFT_OTLP_VALUE_ARRAY && !value->is_split && is_same_list(value->bytes, node);
    case WEFT_NODE_MAP:
        return value->kind == WEFT_OTLP_VALUE_MAP && !value->is_split && is_same_map(value->bytes, node);
    }
    return false;
}

struct weft_slice weft_attribute_put_decimal(double number, char out_text[WEFT_ATTRIBUTE_DECIMAL_BYTES])
{
    enum { MAX_DIGITS = 17 };
    char shortest[40];
    int digits = 0;
    if (!isfinite(number)) {
        return weft_slice_of_text(isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf");
    }
    do {
        snprintf(shortest, sizeof shortest, "%.*e", digits, number);
    } while (strtod(shortest, NULL) != number && ++digits < MAX_DIGITS);
    /* digits behind the point of d.ddde[+-]xx */
    int exponent = atoi(strchr(shortest, 'e') + 1);
    if (exponent < digits) {
        int length = snprintf(out_text, WEFT_ATTRIBUTE_DECIMAL_BYTES, "%.*f", digits - exponent, number);
        return weft_slice_of(out_text, (size_t)length);
    }
    char *to = out_text;
    for (const char *at = shortest; *at != 'e'; at++) {
        if (*at != '.') {
            *to++ = *at;
        }
    }
    memset(to, '0', (size_t)(exponent - digits));
    return weft_slice_of(out_text, (size_t)(to - out_text) + (size_t)(exponent - digits));
}
