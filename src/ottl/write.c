/* Writing messages (write.h). */
#include "ottl/write.h"

#include "base/assert.h"
#include "ottl/run.h"
#include "ottl/write_short.h"
#include "wire/checked.h"

enum { FIELD_HEADER_BYTES = 15, NUMBER_BYTES = 10 };
enum { CHANGED = 1 /* in touched: bit 0, which is no field */ };

/* ---- values ---- */

/* Tag and number; returns their length. */
static size_t put_number_field(uint8_t *to, uint32_t number, enum weft_wire_type type, uint64_t value)
{
    uint8_t *at = weft_wire_put_varint(to, (uint64_t)number << 3 | type);
    uint32_t half = (uint32_t)value;
    weft_assert(type == WEFT_WIRE_VARINT || type == WEFT_WIRE_FIXED64 || type == WEFT_WIRE_FIXED32);
    if (type == WEFT_WIRE_VARINT) {
        return (size_t)(weft_wire_put_varint(at, value) - to);
    }
    memcpy(at, type == WEFT_WIRE_FIXED64 ? (const void *)&value : (const void *)&half,
           type == WEFT_WIRE_FIXED64 ? 8 : 4);
    return (size_t)(at - to) + (type == WEFT_WIRE_FIXED64 ? 8 : 4);
}

/* A field whose contents are the first length bytes of the piece, and what follows in it. */
static void append_piece(struct weft_buffer *out, uint32_t number, size_t length, struct weft_slice piece)
{
    uint8_t header[FIELD_HEADER_BYTES];
    uint8_t *end = weft_wire_put_bytes_header(header, number, length);
    weft_buffer_append(out, header, (size_t)(end - header));
    weft_buffer_append(out, piece.bytes, piece.length);
}

static void append_bytes_field(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    append_piece(out, number, contents.length, contents);
}

static bool are_members_storable(const struct weft_ottl_value *value)
{
    struct weft_ottl_each each = weft_ottl_each_of(value);
    struct weft_ottl_member member;
    while (!value->is_wire && weft_ottl_each_next(&each, &member)) {
        if (!weft_ottl_is_storable(&member.value)) {
            return false;
        }
    }
    return true;
}

bool weft_ottl_is_storable(const struct weft_ottl_value *value)
{
    switch (value->kind) {
    case WEFT_OTTL_NIL:
    case WEFT_OTTL_BOOL:
    case WEFT_OTTL_INT:
    case WEFT_OTTL_DOUBLE:
    case WEFT_OTTL_STRING:
    case WEFT_OTTL_BYTES:
        return true;
    case WEFT_OTTL_MAP:
    case WEFT_OTTL_LIST:
        return are_members_storable(value);
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
    return false;
}

/* ---- messages ---- */

static bool has_bit(uint32_t bits, uint32_t number)
{
    return number < WEFT_OTTL_FIELD_COUNT && (bits >> number & 1) != 0;
}

/* Whether the contents lie behind `end` as a field that is written so, and so can be copied along with what is before.
 */
static bool is_next(const uint8_t *end, uint32_t number, struct weft_slice contents)
{
    uint8_t header[FIELD_HEADER_BYTES];
    size_t length = (size_t)(weft_wire_put_bytes_header(header, number, contents.length) - header);
    return contents.bytes != NULL && (uintptr_t)contents.bytes - (uintptr_t)end == length &&
           memcmp(end, header, length) == 0;
}

/* Members that did not change are the bytes that they came in, those that lay side by side in one piece. */
static void append_members(struct weft_buffer *out, uint32_t number, const struct weft_ottl_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct weft_ottl_member *member = &map->members[i];
        if (member->wire.bytes != NULL) {
            struct weft_slice piece = member->wire;
            while (i + 1 < map->count && is_next(piece.bytes + piece.length, number, map->members[i + 1].wire)) {
                i++;
                piece.length = (size_t)(map->members[i].wire.bytes - piece.bytes) + map->members[i].wire.length;
            }
            append_piece(out, number, member->wire.length, piece);
            continue;
        }
        /* what could not be written was not let in */
        enum weft_status status = weft_ottl_put_key_value(out, number, member->key, &member->value, NULL);
        weft_assert(status == WEFT_OK || weft_buffer_status(out) != WEFT_OK);
    }
}

static void append_touched(struct weft_buffer *out, const struct weft_ottl_message *message, uint32_t number,
                           uint32_t attributes_field)
{
    if (number == attributes_field && message->attributes != NULL) {
        append_members(out, number, message->attributes);
    } else if (number == attributes_field && weft_ottl_slots_are_changed(&message->slots)) {
        weft_ottl_write_slots(out, message, attributes_field);
    } else if (has_bit(message->present, number)) {
        const struct weft_ottl_field *field = &message->fields[number];
        struct weft_slice piece = weft_slice_of(field->first, (size_t)(field->end - field->first));
        if (has_bit(message->lent, number)) {
            append_bytes_field(out, number, piece);
        } else {
            weft_buffer_append(out, piece.bytes, piece.length);
        }
    }
}

/* Runs of what stays are copied as one piece. */
struct run {
    struct weft_buffer *out;
    const uint8_t *from;
};

static void end_run(struct run *run, const uint8_t *to, const uint8_t *next)
{
    weft_buffer_append(run->out, run->from, (size_t)(to - run->from));
    run->from = next;
}

/* Field by field. */
static void write_long(struct weft_buffer *out, const struct weft_ottl_message *message, uint32_t attributes_field,
                       const struct weft_ottl_replaced *replaced)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message->bytes);
    struct weft_wire_field field;
    struct run run = { out, message->bytes.bytes };
    uint32_t written = 0;
    size_t item = 0;
    while (weft_wire_next_checked(&reader, &field)) {
        if (has_bit(message->touched, field.number)) {
            end_run(&run, field.whole.bytes, reader.at);
            if (!has_bit(written, field.number)) {
                append_touched(out, message, field.number, attributes_field);
            }
            written |= UINT32_C(1) << field.number;
        } else if (replaced != NULL && field.number == replaced->field && field.type == WEFT_WIRE_BYTES) {
            weft_assert(item < replaced->count);
            if (replaced->contents[item].bytes != NULL) {
                end_run(&run, field.whole.bytes, reader.at);
                append_bytes_field(out, field.number, replaced->contents[item]);
            }
            item++;
        }
    }
    end_run(&run, reader.end, reader.end);
    for (uint32_t number = 1; number < WEFT_OTTL_FIELD_COUNT; number++) {
        if (has_bit(message->touched & ~written, number)) {
            append_touched(out, message, number, attributes_field);
        }
    }
}

enum weft_status weft_ottl_write_message(struct weft_buffer *out, const struct weft_ottl_message *message,
                                         uint32_t attributes_field, const struct weft_ottl_replaced *replaced)
{
    if (replaced != NULL || !weft_ottl_write_short(out, message, attributes_field)) {
        write_long(out, message, attributes_field, replaced);
    }
    return weft_buffer_status(out);
}

/* ---- fields ---- */

/* The field is written; where it was in the message is remembered. */
static inline void note_touch(struct weft_ottl_message *message, uint32_t number)
{
    struct weft_ottl_field *field = &message->fields[number];
    if (!has_bit(message->touched, number)) {
        bool is_there = has_bit(message->present, number);
        field->wire_first = is_there ? field->first : NULL;
        field->wire_end = is_there ? field->end : NULL;
    }
    message->touched |= UINT32_C(1) << number;
}

static inline __attribute__((always_inline)) void touch(struct weft_ottl_message *message, uint32_t number,
                                                        const uint8_t *first, const uint8_t *end)
{
    struct weft_ottl_field *field = &message->fields[number];
    note_touch(message, number);
    field->first = first;
    field->end = end;
    field->bytes = WEFT_SLICE_EMPTY;
    field->number = 0;
    message->present |= UINT32_C(1) << number;
    message->lent &= ~(UINT32_C(1) << number);
}

void weft_ottl_message_lend_bytes(struct weft_ottl_message *message, uint32_t number, struct weft_slice contents)
{
    weft_assert(message->is_decoded && number < WEFT_OTTL_FIELD_COUNT);
    touch(message, number, contents.bytes, contents.bytes + contents.length);
    message->fields[number].bytes = contents;
    message->lent |= UINT32_C(1) << number;
}

enum weft_status weft_ottl_message_put_bytes(struct weft_ottl_message *message, uint32_t number,
                                             struct weft_slice contents, struct weft_entry_memory *memory)
{
    weft_assert(message->is_decoded && number < WEFT_OTTL_FIELD_COUNT);
    uint8_t *field = weft_entry_memory_try_alloc(memory, FIELD_HEADER_BYTES + contents.length);
    if (field == NULL) {
        return WEFT_NOMEM;
    }
    uint8_t *at = weft_wire_put_bytes_header(field, number, contents.length);
    if (contents.length > 0) {
        memcpy(at, contents.bytes, contents.length);
    }
    touch(message, number, field, at + contents.length);
    message->fields[number].bytes = weft_slice_of(at, contents.length);
    return WEFT_OK;
}

enum weft_status weft_ottl_message_put_number(struct weft_ottl_message *message, uint32_t number,
                                              enum weft_wire_type type, uint64_t value,
                                              struct weft_entry_memory *memory)
{
    weft_assert(message->is_decoded && number < WEFT_OTTL_FIELD_COUNT);
    uint8_t *field = weft_entry_memory_try_alloc(memory, (size_t)2 * NUMBER_BYTES);
    if (field == NULL) {
        return WEFT_NOMEM;
    }
    touch(message, number, field, field + put_number_field(field, number, type, value));
    message->fields[number].number = value;
    return WEFT_OK;
}

enum weft_status weft_ottl_message_put_messages(struct weft_ottl_message *message, uint32_t number,
                                                const struct weft_ottl_value *messages,
                                                struct weft_entry_memory *memory)
{
    weft_assert(message->is_decoded && number < WEFT_OTTL_FIELD_COUNT && messages->kind == WEFT_OTTL_MESSAGES);
    struct weft_wire_reader reader = weft_wire_reader_of(messages->bytes);
    struct weft_slice contents;
    size_t length = 0;
    while (weft_wire_next_message(&reader, messages->field, &contents)) {
        length += FIELD_HEADER_BYTES + contents.length;
    }
    uint8_t *bytes = weft_entry_memory_try_alloc(memory, length + 1);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    uint8_t *at = bytes;
    reader = weft_wire_reader_of(messages->bytes);
    while (weft_wire_next_message(&reader, messages->field, &contents)) {
        at = weft_wire_put_bytes_header(at, number, contents.length);
        if (contents.length > 0) {
            memcpy(at, contents.bytes, contents.length);
        }
        at += contents.length;
    }
    touch(message, number, bytes, at);
    return WEFT_OK;
}

void weft_ottl_message_renew(struct weft_ottl_message *message, struct weft_slice bytes)
{
    message->bytes = bytes;
    message->is_decoded = message->is_skimmed = false;
    message->touched = message->touched != 0 ? CHANGED : 0;
    message->attributes = NULL;
    message->slots.sought = NULL;
}

void weft_ottl_message_replace(struct weft_ottl_message *message, struct weft_slice bytes)
{
    message->touched = CHANGED;
    weft_ottl_message_renew(message, bytes);
}

void weft_ottl_message_remove(struct weft_ottl_message *message, uint32_t number)
{
    weft_assert(message->is_decoded && number < WEFT_OTTL_FIELD_COUNT);
    note_touch(message, number);
    message->present &= ~(UINT32_C(1) << number);
}
