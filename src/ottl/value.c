/* Values (value.h): what a map or list has, wherever it lies, and how one is opened. */
#include "ottl/value.h"

#include "base/work.h"

#include "wire/checked.h"

enum { ARRAY_VALUES_FIELD = 1, LIST_VALUES_FIELD = 1 };
enum { MEMBER_BYTES = 16 }; /* what reading one costs besides */

const char *weft_ottl_kind_text(enum weft_ottl_kind kind)
{
    switch (kind) {
    case WEFT_OTTL_NIL:
        return "nil";
    case WEFT_OTTL_BOOL:
        return "a bool";
    case WEFT_OTTL_INT:
        return "an int";
    case WEFT_OTTL_DOUBLE:
        return "a float";
    case WEFT_OTTL_STRING:
        return "a string";
    case WEFT_OTTL_BYTES:
        return "bytes";
    case WEFT_OTTL_TIME:
        return "a time";
    case WEFT_OTTL_DURATION:
        return "a duration";
    case WEFT_OTTL_MAP:
        return "a map";
    case WEFT_OTTL_LIST:
        return "a list";
    case WEFT_OTTL_TRACE_ID:
        return "a trace id";
    case WEFT_OTTL_SPAN_ID:
        return "a span id";
    case WEFT_OTTL_MESSAGE:
        return "a message";
    case WEFT_OTTL_MESSAGES:
        return "a list of messages";
    case WEFT_OTTL_FUNCTION:
        return "a function";
    case WEFT_OTTL_ABSENT:
        break;
    }
    return "nothing";
}

struct weft_ottl_value weft_ottl_value_of_wire(const struct weft_otlp_value *wire)
{
    struct weft_ottl_value value = weft_ottl_nil();
    switch (wire->kind) {
    case WEFT_OTLP_VALUE_NONE:
        break;
    case WEFT_OTLP_VALUE_STRING:
        value = weft_ottl_string(wire->bytes);
        break;
    case WEFT_OTLP_VALUE_BOOL:
        value = weft_ottl_bool(wire->is_true);
        break;
    case WEFT_OTLP_VALUE_INT:
        value = weft_ottl_int(wire->integer);
        break;
    case WEFT_OTLP_VALUE_DOUBLE:
        value = weft_ottl_double(wire->real);
        break;
    case WEFT_OTLP_VALUE_ARRAY:
        value = (struct weft_ottl_value){ .kind = WEFT_OTTL_LIST, .is_wire = true, .bytes = wire->bytes };
        break;
    case WEFT_OTLP_VALUE_MAP:
        value = weft_ottl_wire_map(wire->bytes, LIST_VALUES_FIELD);
        break;
    case WEFT_OTLP_VALUE_BYTES:
        value = (struct weft_ottl_value){ .kind = WEFT_OTTL_BYTES,
                                          .bytes = wire->bytes.length == 0 ? WEFT_SLICE_EMPTY : wire->bytes };
        break;
    }
    return value;
}

struct weft_ottl_value weft_ottl_value_of_key_value(struct weft_slice key_value)
{
    struct weft_otlp_value wire = weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD);
    return weft_ottl_value_of_wire(&wire);
}

static struct weft_slice key_of(struct weft_slice key_value)
{
    struct weft_slice key = WEFT_SLICE_EMPTY;
    struct weft_wire_reader reader = weft_wire_reader_of(key_value);
    while (weft_wire_next_message(&reader, WEFT_OTLP_KEY_FIELD, &key)) {
    }
    return key;
}

/* ---- walking ---- */

struct weft_ottl_each weft_ottl_each_of(const struct weft_ottl_value *value)
{
    return (struct weft_ottl_each){ .value = value, .rest = value->is_wire ? value->bytes : WEFT_SLICE_EMPTY };
}

/* Tag and length of one or two bytes; the contents, which must lie before the end. NULL: another field, or a longer
 * one. */
static const uint8_t *take_short(const uint8_t *at, const uint8_t *end, uint8_t tag, size_t *out_length)
{
    if (end - at < 2 || at[0] != tag) {
        return NULL;
    }
    size_t length = at[1];
    at += 2;
    if (length >= 0x80) {
        if (at == end || *at >= 0x80) {
            return NULL;
        }
        length = (length & 0x7f) | (size_t)*at++ << 7;
    }
    *out_length = length;
    return length <= (size_t)(end - at) ? at : NULL;
}

/* What nearly every member is: a key, a value, nothing else; most values are strings. False: the general way goes. */
static bool next_plain(struct weft_ottl_each *each, struct weft_ottl_member *out_member)
{
    enum {
        KEY_TAG = WEFT_OTLP_KEY_FIELD << 3 | WEFT_WIRE_BYTES,
        VALUE_TAG = WEFT_OTLP_VALUE_FIELD << 3 | WEFT_WIRE_BYTES,
        STRING_TAG = WEFT_OTLP_VALUE_STRING << 3 | WEFT_WIRE_BYTES,
        ONE_BYTE_FIELDS = 16
    };
    const struct weft_ottl_value *map = each->value;
    const uint8_t *end = each->rest.bytes + each->rest.length;
    size_t length, key_length, value_length, text_length;
    const uint8_t *whole =
        map->field >= ONE_BYTE_FIELDS
            ? NULL
            : take_short(each->rest.bytes, end, (uint8_t)(map->field << 3 | WEFT_WIRE_BYTES), &length);
    const uint8_t *member_end = whole == NULL ? NULL : whole + length;
    const uint8_t *key = whole == NULL ? NULL : take_short(whole, member_end, KEY_TAG, &key_length);
    const uint8_t *value = key == NULL ? NULL : take_short(key + key_length, member_end, VALUE_TAG, &value_length);
    if (value == NULL || value + value_length != member_end) {
        return false;
    }
    const uint8_t *text = take_short(value, member_end, STRING_TAG, &text_length);
    weft_work_did(length);
    out_member->key = weft_slice_of(key, key_length);
    out_member->wire = weft_slice_of(whole, length);
    out_member->value = text != NULL && text + text_length == member_end
                            ? weft_ottl_string(weft_slice_of(text, text_length))
                            : weft_ottl_value_of_key_value(out_member->wire);
    each->rest = weft_slice_of(member_end, (size_t)(end - member_end));
    return true;
}

static bool next_on_wire(struct weft_ottl_each *each, struct weft_ottl_member *out_member)
{
    const struct weft_ottl_value *value = each->value;
    uint32_t number = value->kind == WEFT_OTTL_MAP ? value->field : (uint32_t)ARRAY_VALUES_FIELD;
    struct weft_wire_reader reader = weft_wire_reader_of(each->rest);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number != number || field.type != WEFT_WIRE_BYTES) {
            continue;
        }
        each->rest = weft_slice_of(reader.at, (size_t)(reader.end - reader.at));
        weft_work_did(field.bytes.length + MEMBER_BYTES);
        if (value->kind == WEFT_OTTL_MAP) {
            *out_member = (struct weft_ottl_member){ .key = key_of(field.bytes),
                                                     .value = weft_ottl_value_of_key_value(field.bytes),
                                                     .wire = field.bytes };
        } else {
            struct weft_otlp_value wire = weft_otlp_value_of(field.whole, number);
            *out_member = (struct weft_ottl_member){ .value = weft_ottl_value_of_wire(&wire) };
        }
        return true;
    }
    each->rest = WEFT_SLICE_EMPTY;
    return false;
}

bool weft_ottl_each_next(struct weft_ottl_each *each, struct weft_ottl_member *out_member)
{
    const struct weft_ottl_value *value = each->value;
    if (value->is_wire) {
        return each->rest.length > 0 &&
               ((value->kind == WEFT_OTTL_MAP && next_plain(each, out_member)) || next_on_wire(each, out_member));
    }
    size_t count = value->kind == WEFT_OTTL_MAP ? value->map->count : value->list->count;
    if (each->at >= count) {
        return false;
    }
    *out_member = value->kind == WEFT_OTTL_MAP ? value->map->members[each->at]
                                               : (struct weft_ottl_member){ .value = value->list->items[each->at] };
    each->at++;
    return true;
}

size_t weft_ottl_length(const struct weft_ottl_value *value)
{
    if (value->kind != WEFT_OTTL_MESSAGES && !value->is_wire) {
        return value->kind == WEFT_OTTL_MAP ? value->map->count : value->list->count;
    }
    uint32_t number = value->kind == WEFT_OTTL_LIST ? (uint32_t)ARRAY_VALUES_FIELD : value->field;
    struct weft_wire_reader reader = weft_wire_reader_of(value->bytes);
    struct weft_slice contents;
    size_t count = 0;
    while (weft_wire_next_message(&reader, number, &contents)) {
        weft_work_did(contents.length + MEMBER_BYTES);
        count++;
    }
    return count;
}

/* The first KeyValue with that key. Nearly all are short and begin with their keys, so that two bytes and a length say
 * that it is another one; from the first that does not, the general way goes on. */
static bool find_on_wire(const struct weft_ottl_value *map, struct weft_slice key, struct weft_slice *out_key_value)
{
    enum {
        KEY_TAG = WEFT_OTLP_KEY_FIELD << 3 | WEFT_WIRE_BYTES,
        VALUE_TAG = WEFT_OTLP_VALUE_FIELD << 3 | WEFT_WIRE_BYTES
    };
    if (map->bytes.length == 0) {
        return false; /* there may be no pointer either */
    }
    const uint8_t *at = map->bytes.bytes;
    const uint8_t *end = at + map->bytes.length;
    const uint32_t tag = map->field << 3 | WEFT_WIRE_BYTES;
    while (end - at >= 4 && at[0] == tag && at[1] < 0x80 && at[1] <= end - at - 2 && at[2] == KEY_TAG) {
        size_t length = at[1], key_length = at[3];
        if (key_length + 4 > length || at[4 + key_length] != VALUE_TAG ||
            at[5 + key_length] != length - 4 - key_length) {
            break; /* in another shape */
        }
        if (weft_slice_equal(weft_slice_of(at + 4, key_length), key)) {
            *out_key_value = weft_slice_of(at + 2, length);
            return true;
        }
        at += 2 + length;
    }
    return weft_otlp_attribute_find(weft_slice_of(at, (size_t)(end - at)), map->field, key, out_key_value);
}

bool weft_ottl_map_find(const struct weft_ottl_value *map, struct weft_slice key, struct weft_ottl_value *out_value)
{
    struct weft_slice key_value;
    if (map->is_wire) {
        if (!find_on_wire(map, key, &key_value)) {
            return false;
        }
        *out_value = weft_ottl_value_of_key_value(key_value);
        return true;
    }
    weft_work_did(map->map->count * sizeof key);
    for (size_t i = 0; i < map->map->count; i++) {
        if (weft_slice_equal(map->map->members[i].key, key)) {
            *out_value = map->map->members[i].value;
            return true;
        }
    }
    return false;
}

bool weft_ottl_list_at(const struct weft_ottl_value *list, int64_t index, struct weft_ottl_value *out_value)
{
    struct weft_ottl_each each = weft_ottl_each_of(list);
    struct weft_ottl_member member;
    if (index < 0) {
        return false;
    }
    each.at = list->is_wire ? 0 : (size_t)index;
    for (int64_t i = list->is_wire ? 0 : index; weft_ottl_each_next(&each, &member); i++) {
        if (i == index) {
            *out_value = member.value;
            return true;
        }
    }
    return false;
}

/* ---- opening and changing ---- */

/* Room for one more of count elements; false without memory. */
static bool grow(struct weft_entry_memory *memory, void *items_address, size_t item_bytes, size_t count,
                 size_t *capacity)
{
    void **items = items_address;
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? 8 : *capacity * 2;
    void *grown = weft_entry_memory_try_alloc(memory, wanted * item_bytes);
    if (grown == NULL) {
        return false;
    }
    if (count > 0) {
        weft_work_copy(grown, *items, count * item_bytes);
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

enum weft_status weft_ottl_map_append(struct weft_entry_memory *memory, struct weft_ottl_map *map,
                                      struct weft_slice key, struct weft_ottl_value value)
{
    if (!grow(memory, &map->members, sizeof *map->members, map->count, &map->capacity)) {
        return WEFT_NOMEM;
    }
    weft_work_did(sizeof *map->members);
    map->members[map->count++] = (struct weft_ottl_member){ .key = key, .value = value };
    return WEFT_OK;
}

enum weft_status weft_ottl_map_set(struct weft_entry_memory *memory, struct weft_ottl_map *map, struct weft_slice key,
                                   struct weft_ottl_value value)
{
    weft_work_did(map->count * sizeof key);
    for (size_t i = 0; i < map->count; i++) {
        if (weft_slice_equal(map->members[i].key, key)) {
            map->members[i].value = value;
            map->members[i].wire = WEFT_SLICE_EMPTY;
            return WEFT_OK;
        }
    }
    return weft_ottl_map_append(memory, map, key, value);
}

enum weft_status weft_ottl_list_append(struct weft_entry_memory *memory, struct weft_ottl_list *list,
                                       struct weft_ottl_value value)
{
    if (!grow(memory, &list->items, sizeof *list->items, list->count, &list->capacity)) {
        return WEFT_NOMEM;
    }
    weft_work_did(sizeof *list->items);
    list->items[list->count++] = value;
    return WEFT_OK;
}

struct weft_ottl_map *weft_ottl_map_open(struct weft_entry_memory *memory, const struct weft_ottl_value *map)
{
    struct weft_ottl_map *open = weft_entry_memory_try_alloc(memory, sizeof *open);
    struct weft_ottl_each each = weft_ottl_each_of(map);
    struct weft_ottl_member member;
    if (open == NULL) {
        return NULL;
    }
    *open = (struct weft_ottl_map){ 0 };
    while (weft_ottl_each_next(&each, &member)) {
        if (weft_ottl_map_append(memory, open, member.key, member.value) != WEFT_OK) {
            return NULL;
        }
        open->members[open->count - 1].wire = member.wire;
    }
    return open;
}

struct weft_ottl_list *weft_ottl_list_open(struct weft_entry_memory *memory, const struct weft_ottl_value *list)
{
    struct weft_ottl_list *open = weft_entry_memory_try_alloc(memory, sizeof *open);
    struct weft_ottl_each each = weft_ottl_each_of(list);
    struct weft_ottl_member member;
    if (open == NULL) {
        return NULL;
    }
    *open = (struct weft_ottl_list){ 0 };
    while (weft_ottl_each_next(&each, &member)) {
        if (weft_ottl_list_append(memory, open, member.value) != WEFT_OK) {
            return NULL;
        }
    }
    return open;
}
