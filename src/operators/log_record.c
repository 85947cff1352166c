/* Entries as LogRecords (log_record.h). Sizes and bytes are two functions for each message, side by side. */
#include "operators/log_record.h"

#include <endian.h>

#include "base/assert.h"
#include "operators/log_value_json.h"
#include "wire/log_line.h"
#include "wire/protobuf.h"

enum {
    /* of LogRecord */
    FIELD_TIME = 1,
    FIELD_SEVERITY = 2,
    FIELD_SEVERITY_TEXT = 3,
    FIELD_BODY = 5,
    FIELD_FLAGS = 8,
    FIELD_TRACE_ID = 9,
    FIELD_SPAN_ID = 10,
    FIELD_OBSERVED = 11,
    /* of AnyValue */
    FIELD_STRING = 1,
    FIELD_BOOL = 2,
    FIELD_INT = 3,
    FIELD_DOUBLE = 4,
    FIELD_ARRAY = 5,
    FIELD_KVLIST = 6,
    FIELD_BYTES = 7,
    /* of KeyValue; of ArrayValue and KeyValueList */
    FIELD_KEY = 1,
    FIELD_VALUE = 2,
    FIELD_ITEM = 1,

    FIXED64_BYTES = 9, /* with its tag */
    FIXED32_BYTES = 5,
};

/* ---- sizes ---- */

/* With a tag of one byte: all numbers are below 16. */
static inline size_t framed_size(size_t length)
{
    return 1 + weft_wire_size_length(length) + length;
}

/* Sizes of messages; *out_is_deep becomes true, and the size nothing, if something is nested too deep. */
static size_t value_size(const struct weft_log_value *value, int depth, bool *out_is_deep);

static size_t map_size(const struct weft_log_map *map, int depth, bool *out_is_deep)
{
    size_t size = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct weft_log_member *member = &map->members[i];
        size += framed_size(framed_size(member->key.length) +
                            framed_size(value_size(&member->value, depth + 1, out_is_deep)));
    }
    return size;
}

static size_t list_size(const struct weft_log_list *list, int depth, bool *out_is_deep)
{
    size_t size = 0;
    for (size_t i = 0; i < list->count; i++) {
        size += framed_size(value_size(&list->items[i], depth + 1, out_is_deep));
    }
    return size;
}

static size_t container_size(const struct weft_log_value *value, int depth, bool *out_is_deep)
{
    if (depth >= WEFT_LOG_RECORD_MAX_DEPTH) {
        *out_is_deep = true;
        return 0;
    }
    return framed_size(value->kind == WEFT_LOG_LIST ? list_size(value->list, depth, out_is_deep)
                                                    : map_size(value->map, depth, out_is_deep));
}

/* Of the AnyValue; nothing is an empty one. */
static size_t value_size(const struct weft_log_value *value, int depth, bool *out_is_deep)
{
    switch (value->kind) {
    case WEFT_LOG_NIL:
        return 0;
    case WEFT_LOG_BOOL:
        return 2;
    case WEFT_LOG_INT:
        return 1 + weft_wire_size_varint((uint64_t)value->integer);
    case WEFT_LOG_DOUBLE:
        return FIXED64_BYTES;
    case WEFT_LOG_STRING:
    case WEFT_LOG_BYTES:
        return framed_size(value->text.length);
    case WEFT_LOG_LIST:
    case WEFT_LOG_MAP:
        return container_size(value, depth, out_is_deep);
    }
    return 0;
}

static size_t record_size(const struct weft_log_entry *entry, bool *out_is_deep)
{
    size_t size = map_size(&entry->attributes, 0, out_is_deep);
    size += entry->time_ns == 0 ? 0 : FIXED64_BYTES;
    size += entry->observed_ns == 0 ? 0 : FIXED64_BYTES;
    size += entry->severity == 0 ? 0 : 2;
    size += entry->severity_text.length == 0 ? 0 : framed_size(entry->severity_text.length);
    size += entry->body.kind == WEFT_LOG_NIL ? 0 : framed_size(value_size(&entry->body, 0, out_is_deep));
    size += entry->trace_flags == 0 ? 0 : FIXED32_BYTES;
    size += entry->has_trace_id ? framed_size(sizeof entry->trace_id) : 0;
    size += entry->has_span_id ? framed_size(sizeof entry->span_id) : 0;
    return size;
}

/* ---- bytes: each put_* writes what ends at `end` and returns where it begins ---- */

static uint8_t *put_raw(uint8_t *end, const void *bytes, size_t length)
{
    end -= length;
    if (length > 0) {
        memcpy(end, bytes, length);
    }
    return end;
}

static inline uint8_t *put_varint(uint8_t *end, uint64_t value)
{
    if (WEFT_LIKELY(value < 0x80)) {
        *--end = (uint8_t)value;
        return end;
    }
    end -= weft_wire_size_varint(value);
    weft_wire_put_varint(end, value);
    return end;
}

static inline uint8_t *put_tag(uint8_t *end, uint32_t number, enum weft_wire_type type)
{
    *--end = (uint8_t)(number << 3 | type);
    return end;
}

/* Before contents that begin at `start`. */
static inline uint8_t *put_header(uint8_t *start, uint32_t number, size_t length)
{
    return put_tag(put_varint(start, length), number, WEFT_WIRE_BYTES);
}

static inline uint8_t *put_bytes(uint8_t *end, uint32_t number, const void *bytes, size_t length)
{
    return put_header(put_raw(end, bytes, length), number, length);
}

static uint8_t *put_fixed64(uint8_t *end, uint32_t number, uint64_t value)
{
    value = htole64(value);
    return put_tag(put_raw(end, &value, sizeof value), number, WEFT_WIRE_FIXED64);
}

static uint8_t *put_value(uint8_t *end, const struct weft_log_value *value);

static uint8_t *put_framed_value(uint8_t *end, uint32_t number, const struct weft_log_value *value)
{
    uint8_t *start = put_value(end, value);
    return put_header(start, number, (size_t)(end - start));
}

static uint8_t *put_map(uint8_t *end, const struct weft_log_map *map, uint32_t number)
{
    for (size_t i = map->count; i > 0; i--) {
        const struct weft_log_member *member = &map->members[i - 1];
        uint8_t *start = put_framed_value(end, FIELD_VALUE, &member->value);
        start = put_bytes(start, FIELD_KEY, member->key.bytes, member->key.length);
        end = put_header(start, number, (size_t)(end - start));
    }
    return end;
}

static uint8_t *put_list(uint8_t *end, const struct weft_log_list *list)
{
    for (size_t i = list->count; i > 0; i--) {
        end = put_framed_value(end, FIELD_ITEM, &list->items[i - 1]);
    }
    return end;
}

static uint8_t *put_value(uint8_t *end, const struct weft_log_value *value)
{
    uint8_t *start = end;
    uint64_t bits;
    switch (value->kind) {
    case WEFT_LOG_NIL:
        return end;
    case WEFT_LOG_BOOL:
        return put_tag(put_varint(end, value->boolean), FIELD_BOOL, WEFT_WIRE_VARINT);
    case WEFT_LOG_INT:
        return put_tag(put_varint(end, (uint64_t)value->integer), FIELD_INT, WEFT_WIRE_VARINT);
    case WEFT_LOG_DOUBLE:
        memcpy(&bits, &value->real, sizeof bits);
        return put_fixed64(end, FIELD_DOUBLE, bits);
    case WEFT_LOG_STRING:
        return put_bytes(end, FIELD_STRING, value->text.bytes, value->text.length);
    case WEFT_LOG_BYTES:
        return put_bytes(end, FIELD_BYTES, value->text.bytes, value->text.length);
    case WEFT_LOG_LIST:
        start = put_list(end, value->list);
        return put_header(start, FIELD_ARRAY, (size_t)(end - start));
    case WEFT_LOG_MAP:
        start = put_map(end, value->map, FIELD_ITEM);
        return put_header(start, FIELD_KVLIST, (size_t)(end - start));
    }
    return end;
}

static uint8_t *put_ids(uint8_t *end, const struct weft_log_entry *entry)
{
    if (entry->has_span_id) {
        end = put_bytes(end, FIELD_SPAN_ID, entry->span_id, sizeof entry->span_id);
    }
    if (entry->has_trace_id) {
        end = put_bytes(end, FIELD_TRACE_ID, entry->trace_id, sizeof entry->trace_id);
    }
    if (entry->trace_flags != 0) {
        uint32_t flags = htole32(entry->trace_flags);
        end = put_tag(put_raw(end, &flags, sizeof flags), FIELD_FLAGS, WEFT_WIRE_FIXED32);
    }
    return end;
}

static uint8_t *put_severity(uint8_t *end, const struct weft_log_entry *entry)
{
    if (entry->severity_text.length > 0) {
        end = put_bytes(end, FIELD_SEVERITY_TEXT, entry->severity_text.bytes, entry->severity_text.length);
    }
    return entry->severity == 0 ? end : put_tag(put_varint(end, entry->severity), FIELD_SEVERITY, WEFT_WIRE_VARINT);
}

void weft_log_record_write(const struct weft_log_entry *entry, uint8_t *to, size_t size)
{
    uint8_t *end = to + size;
    if (entry->observed_ns != 0) {
        end = put_fixed64(end, FIELD_OBSERVED, entry->observed_ns);
    }
    end = put_ids(end, entry);
    end = put_map(end, &entry->attributes, WEFT_LOG_ATTRIBUTE_FIELD);
    if (entry->body.kind != WEFT_LOG_NIL) {
        end = put_framed_value(end, FIELD_BODY, &entry->body);
    }
    end = put_severity(end, entry);
    if (entry->time_ns != 0) {
        end = put_fixed64(end, FIELD_TIME, entry->time_ns);
    }
    weft_assert(end == to);
}

/* ---- what is nested too deep ---- */

/* Nobody else has what is in it: an entry that leaves shares nothing with copies of it. */
static enum weft_status flatten(struct weft_log_value *value, struct weft_entry_memory *memory, int depth)
{
    bool is_container = value->kind == WEFT_LOG_MAP || value->kind == WEFT_LOG_LIST;
    if (is_container && depth >= WEFT_LOG_RECORD_MAX_DEPTH) {
        struct weft_slice text;
        enum weft_status status = weft_log_value_to_json(value, memory, &text);
        *value = status == WEFT_OK ? weft_log_string(text) : *value;
        return status;
    }
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; value->kind == WEFT_LOG_MAP && status == WEFT_OK && i < value->map->count; i++) {
        status = flatten(&value->map->members[i].value, memory, depth + 1);
    }
    for (size_t i = 0; value->kind == WEFT_LOG_LIST && status == WEFT_OK && i < value->list->count; i++) {
        status = flatten(&value->list->items[i], memory, depth + 1);
    }
    return status;
}

enum weft_status weft_log_record_prepare(struct weft_log_entry *entry, size_t *out_size)
{
    struct weft_log_value attributes = { .kind = WEFT_LOG_MAP, .map = &entry->attributes };
    enum weft_status status = WEFT_OK;
    bool is_deep = false;
    *out_size = record_size(entry, &is_deep);
    if (WEFT_UNLIKELY(is_deep)) {
        status = flatten(&entry->body, entry->memory, 0);
        status = status == WEFT_OK ? flatten(&attributes, entry->memory, 0) : status;
        *out_size = status == WEFT_OK ? record_size(entry, &is_deep) : 0;
    }
    return status;
}

enum weft_status weft_log_attributes_encode(struct weft_log_map *map, uint32_t field_number,
                                            struct weft_entry_memory *memory, struct weft_slice *out_fields)
{
    weft_assert(field_number < 16);
    struct weft_log_value value = { .kind = WEFT_LOG_MAP, .map = map };
    bool is_deep = false;
    size_t size = map_size(map, 0, &is_deep);
    *out_fields = WEFT_SLICE_EMPTY;
    if (WEFT_UNLIKELY(is_deep)) {
        enum weft_status status = flatten(&value, memory, 0);
        if (status != WEFT_OK) {
            return status;
        }
        size = map_size(map, 0, &is_deep);
    }
    if (size == 0) {
        return WEFT_OK;
    }
    uint8_t *to = weft_entry_memory_try_alloc(memory, size);
    if (to == NULL) {
        return WEFT_NOMEM;
    }
    uint8_t *start = put_map(to + size, map, field_number);
    weft_assert(start == to);
    *out_fields = weft_slice_of(to, size);
    return WEFT_OK;
}
