/* The index of one record (otlp_index.h): a walk over its own fields that goes down into Status alone. The head that
 * SDKs give a span has the short way of the check; a run of attributes is a chain of lengths. Called for each record by
 * who joins, judges or edits, never for records that only pass. */
#include "wire/otlp_index.h"

#include <endian.h>

#include "wire/otlp_rules.h"
#include "wire/otlp_short.h"
#include "wire/wire_scan.h"

/* A whole tag: what a field is and how it is written. */
#define TAG(number, type) ((uint32_t)(number) << 3 | WEFT_WIRE_##type)

/* The walk's place: behind the tag of a field while that is taken. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct cursor cursor_of(struct weft_slice message)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    return (struct cursor){ reader.at, reader.end };
}

static inline bool take_bytes(struct cursor *cursor, struct weft_slice *out_bytes)
{
    uint32_t length;
    const uint8_t *contents = weft_wire_read_small(cursor->at, cursor->end, &length);
    if (contents == NULL || length > (size_t)(cursor->end - contents)) {
        return false;
    }
    *out_bytes = weft_slice_of(contents, length);
    cursor->at = contents + length;
    return true;
}

static inline bool take_id(struct cursor *cursor, size_t length, struct weft_slice *out_id)
{
    return take_bytes(cursor, out_id) && (out_id->length == length || out_id->length == 0);
}

static inline uint64_t fixed64_at(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

static inline bool take_fixed64(struct cursor *cursor, uint64_t *out_value)
{
    if (cursor->end - cursor->at < 8) {
        return false;
    }
    *out_value = fixed64_at(cursor->at);
    cursor->at += 8;
    return true;
}

static inline bool take_fixed32(struct cursor *cursor, uint32_t *out_value)
{
    uint32_t value;
    if (cursor->end - cursor->at < 4) {
        return false;
    }
    memcpy(&value, cursor->at, sizeof value);
    *out_value = le32toh(value);
    cursor->at += 4;
    return true;
}

/* An enum is 32 bits of whatever came. */
static inline bool take_enum(struct cursor *cursor, int32_t *out_value)
{
    uint64_t value;
    const uint8_t *after = weft_wire_read_varint(cursor->at, cursor->end, &value);
    if (after == NULL) {
        return false;
    }
    *out_value = (int32_t)(uint32_t)value;
    cursor->at = after;
    return true;
}

/* A message that is only counted. */
static inline bool take_counted(struct cursor *cursor, uint32_t *in_out_count)
{
    struct weft_slice contents;
    (*in_out_count)++;
    return take_bytes(cursor, &contents);
}

/* Widens a region so that it ends here; the first field begins it. */
static inline void region_extend(struct weft_slice *region, const uint8_t *start, const uint8_t *end)
{
    region->bytes = region->bytes == NULL ? start : region->bytes;
    region->length = (size_t)(end - region->bytes);
}

/* A run of attributes; the cursor is behind the tag of the first. */
static inline bool take_attributes(struct cursor *cursor, const uint8_t *start, uint8_t tag,
                                   struct weft_slice *in_out_region, uint32_t *in_out_count)
{
    const uint8_t *at = cursor->at;
    uint32_t count = 0;
    for (;;) {
        uint32_t length;
        at = weft_wire_read_small(at, cursor->end, &length);
        if (at == NULL || length > (size_t)(cursor->end - at)) {
            return false;
        }
        at += length;
        count++;
        if (at == cursor->end || *at != tag) {
            break;
        }
        at++;
    }
    cursor->at = at;
    *in_out_count += count;
    region_extend(in_out_region, start, at);
    return true;
}

/* What the index does not ask for: known fields of their right type, and unknown ones. */
static bool take_other(struct cursor *cursor, enum weft_otlp_message message, const uint8_t *start)
{
    struct weft_wire_reader reader = { start, cursor->end, start };
    struct weft_wire_field field;
    if (weft_wire_scan(&reader, &field) != NULL) {
        return false;
    }
    cursor->at = reader.at;
    if (field.number >= WEFT_OTLP_FIELD_LIMIT) {
        return true;
    }
    struct weft_otlp_rule rule = weft_otlp_rules[message][field.number];
    return rule.kind == OTLP_UNKNOWN || rule.wire_type == field.type;
}

/* ---- spans ---- */

static bool take_status(struct cursor *cursor, int32_t *in_out_code)
{
    struct weft_slice status;
    if (!take_bytes(cursor, &status)) {
        return false;
    }
    struct cursor inner = cursor_of(status);
    while (inner.at < inner.end) {
        const uint8_t *start = inner.at;
        uint32_t tag;
        inner.at = weft_wire_read_small(start, inner.end, &tag);
        if (inner.at == NULL ||
            !(tag == TAG(3, VARINT) ? take_enum(&inner, in_out_code) : take_other(&inner, OTLP_STATUS, start))) {
            return false;
        }
    }
    return true;
}

/* The head that SDKs give a span, as far as it is there; the cursor is at the span's start. */
static inline void take_head(struct cursor *cursor, struct weft_span_index *index)
{
    const uint8_t *at = cursor->at;
    size_t head_length = weft_otlp_short_span_head(at, cursor->end, &index->name);
    if (head_length == 0) {
        return;
    }
    cursor->at += head_length;
    index->trace_id = weft_slice_of(at + 2, WEFT_OTLP_TRACE_ID_BYTES);
    at += 2 + WEFT_OTLP_TRACE_ID_BYTES;
    index->span_id = weft_slice_of(at + 2, WEFT_OTLP_SPAN_ID_BYTES);
    at += 2 + WEFT_OTLP_SPAN_ID_BYTES;
    if (at < cursor->at && *at == TAG(4, BYTES)) {
        index->parent_span_id = weft_slice_of(at + 2, WEFT_OTLP_SPAN_ID_BYTES);
        at += 2 + WEFT_OTLP_SPAN_ID_BYTES;
    }
    if (at < cursor->at) {
        at += 2 + at[1];
        index->kind = at[1];
        index->start_ns = fixed64_at(at + 3);
        index->end_ns = fixed64_at(at + 12);
    }
}

static inline bool take_span_field(struct cursor *cursor, const uint8_t *start, uint32_t tag,
                                   struct weft_span_index *index)
{
    switch (tag) {
    case TAG(1, BYTES):
        return take_id(cursor, WEFT_OTLP_TRACE_ID_BYTES, &index->trace_id);
    case TAG(2, BYTES):
        return take_id(cursor, WEFT_OTLP_SPAN_ID_BYTES, &index->span_id);
    case TAG(3, BYTES):
        return take_bytes(cursor, &index->trace_state);
    case TAG(4, BYTES):
        return take_id(cursor, WEFT_OTLP_SPAN_ID_BYTES, &index->parent_span_id);
    case TAG(5, BYTES):
        return take_bytes(cursor, &index->name);
    case TAG(6, VARINT):
        return take_enum(cursor, &index->kind);
    case TAG(7, FIXED64):
        return take_fixed64(cursor, &index->start_ns);
    case TAG(8, FIXED64):
        return take_fixed64(cursor, &index->end_ns);
    case TAG(9, BYTES):
        return take_attributes(cursor, start, TAG(9, BYTES), &index->attributes, &index->attribute_count);
    case TAG(11, BYTES):
        return take_counted(cursor, &index->event_count);
    case TAG(13, BYTES):
        return take_counted(cursor, &index->link_count);
    case TAG(15, BYTES):
        return take_status(cursor, &index->status_code);
    case TAG(16, FIXED32):
        return take_fixed32(cursor, &index->flags);
    default:
        return take_other(cursor, OTLP_SPAN, start);
    }
}

enum weft_status weft_otlp_index_span(struct weft_slice span, struct weft_span_index *out_index)
{
    struct weft_span_index index = { 0 };
    struct cursor cursor = cursor_of(span);
    take_head(&cursor, &index);
    while (cursor.at < cursor.end) {
        const uint8_t *start = cursor.at;
        uint32_t tag;
        cursor.at = weft_wire_read_small(start, cursor.end, &tag);
        if (cursor.at == NULL || !take_span_field(&cursor, start, tag, &index)) {
            return WEFT_INVALID;
        }
    }
    *out_index = index;
    return WEFT_OK;
}

/* ---- log records ---- */

static inline bool take_log_field(struct cursor *cursor, const uint8_t *start, uint32_t tag,
                                  struct weft_log_index *index)
{
    struct weft_slice contents;
    switch (tag) {
    case TAG(1, FIXED64):
        return take_fixed64(cursor, &index->time_ns);
    case TAG(2, VARINT):
        return take_enum(cursor, &index->severity_number);
    case TAG(3, BYTES):
        return take_bytes(cursor, &index->severity_text);
    case TAG(WEFT_OTLP_BODY_FIELD, BYTES):
        if (!take_bytes(cursor, &contents)) {
            return false;
        }
        region_extend(&index->body, start, cursor->at);
        return true;
    case TAG(6, BYTES):
        return take_attributes(cursor, start, TAG(6, BYTES), &index->attributes, &index->attribute_count);
    case TAG(8, FIXED32):
        return take_fixed32(cursor, &index->flags);
    case TAG(9, BYTES):
        return take_id(cursor, WEFT_OTLP_TRACE_ID_BYTES, &index->trace_id);
    case TAG(10, BYTES):
        return take_id(cursor, WEFT_OTLP_SPAN_ID_BYTES, &index->span_id);
    case TAG(11, FIXED64):
        return take_fixed64(cursor, &index->observed_time_ns);
    case TAG(12, BYTES):
        return take_bytes(cursor, &index->event_name);
    default:
        return take_other(cursor, OTLP_LOG_RECORD, start);
    }
}

enum weft_status weft_otlp_index_log(struct weft_slice record, struct weft_log_index *out_index)
{
    struct weft_log_index index = { 0 };
    struct cursor cursor = cursor_of(record);
    while (cursor.at < cursor.end) {
        const uint8_t *start = cursor.at;
        uint32_t tag;
        cursor.at = weft_wire_read_small(start, cursor.end, &tag);
        if (cursor.at == NULL || !take_log_field(&cursor, start, tag, &index)) {
            return WEFT_INVALID;
        }
    }
    *out_index = index;
    return WEFT_OK;
}
