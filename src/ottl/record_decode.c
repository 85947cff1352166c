/* Where the fields of a message lie (record.h), in one walk. A span has twenty or thirty fields, most of them
 * attributes, and all that is asked of most is where they end. */
#include <endian.h>

#include "base/assert.h"
#include "ottl/record.h"
#include "ottl/record_length.h"
#include "wire/checked.h"
#include "wire/otlp_short.h"
#include "wire/wire_scan.h"

enum { SPAN_ATTRIBUTES = 9, TYPE_BITS = 3, TYPE_MASK = 7, MORE = 0x80 };

static inline bool has_bit(uint32_t bits, uint32_t number)
{
    return (bits >> number & 1) != 0;
}

/* The field lies there. What its type has no use for stays as it was: nobody reads a text from a number. */
static inline void note(struct weft_ottl_message *message, uint32_t number, const uint8_t *at, const uint8_t *after)
{
    struct weft_ottl_field *field = &message->fields[number];
    if (!has_bit(message->present, number)) {
        message->present |= UINT32_C(1) << number;
        field->first = at;
    } else if (field->end != at) {
        message->scattered |= UINT32_C(1) << number;
    }
    field->end = after;
}

static void note_slot(struct weft_ottl_slots *slots, uint8_t number, struct weft_ottl_slot found)
{
    uint64_t bit = UINT64_C(1) << number;
    if ((slots->found & bit) != 0) {
        slots->doubled |= bit;
        return;
    }
    slots->found |= bit;
    slots->items[number].at = found.at;
    slots->items[number].end = found.end;
    slots->items[number].contents = found.contents;
}

/* An attribute of any shape, the last of whose keys counts, which lies from `at` to `after`. */
static void note_odd_slot(struct weft_ottl_message *message, const uint8_t *at, const uint8_t *after,
                          struct weft_slice key_value)
{
    struct weft_slice key = WEFT_SLICE_EMPTY;
    struct weft_wire_reader fields = weft_wire_reader_of(key_value);
    while (weft_wire_next_message(&fields, WEFT_OTLP_KEY_FIELD, &key)) {
    }
    uint8_t number;
    if (message->slots.sought != NULL && key.length <= WEFT_OTTL_MAX_SOUGHT_BYTES &&
        weft_ottl_sought_find(message->slots.sought, key.bytes, key.length, &number)) {
        note_slot(&message->slots, number, (struct weft_ottl_slot){ .at = at, .end = after });
    }
}

/* Any field, tag and all: long ones, groups, fixed32, numbers that nobody knows. The byte behind it. */
__attribute__((noinline)) static const uint8_t *note_other(struct weft_ottl_message *message, const uint8_t *at,
                                                           const uint8_t *end)
{
    struct weft_wire_reader reader = { at, end, at };
    struct weft_wire_field field;
    const char *reason = weft_wire_scan(&reader, &field);
    weft_assert(reason == NULL);
    if (field.number < WEFT_OTTL_FIELD_COUNT) {
        note(message, field.number, at, reader.at);
        message->fields[field.number].bytes = field.bytes;
        message->fields[field.number].number = field.number_value;
    }
    if (field.number == message->list_field && field.type == WEFT_WIRE_BYTES) { /* its tag has needless bytes */
        note_odd_slot(message, at, reader.at, field.bytes);
    }
    return reader.at;
}

/* A field of up to 127 bytes, a small number or eight bytes, whose number has one byte; NULL: it is another one. That
 * it does not go on behind its message was checked, and is checked again at the end of the walk. */
static inline const uint8_t *note_short(struct weft_ottl_message *message, const uint8_t *at, const uint8_t *end)
{
    enum { NUMBER_BYTES = 8 };
    uint8_t type = at[0] & TYPE_MASK;
    uint32_t number = at[0] >> TYPE_BITS;
    const uint8_t *after;
    if (at[0] >= MORE || end - at < 2) {
        return NULL;
    }
    struct weft_ottl_field *kept = &message->fields[number];
    if (type == WEFT_WIRE_BYTES && at[1] < MORE) {
        after = at + 2 + at[1];
        kept->bytes = (struct weft_slice){ at + 2, at[1] };
    } else if (type == WEFT_WIRE_FIXED64 && end - at > NUMBER_BYTES) {
        after = at + 1 + NUMBER_BYTES;
        memcpy(&kept->number, at + 1, NUMBER_BYTES);
    } else if (type == WEFT_WIRE_VARINT && at[1] < MORE) {
        after = at + 2;
        kept->number = at[1];
    } else {
        return NULL;
    }
    note(message, number, at, after);
    return after;
}

static void note_head_field(struct weft_ottl_message *message, uint32_t number, const uint8_t *at, const uint8_t *end)
{
    struct weft_ottl_field *field = &message->fields[number];
    field->first = at;
    field->end = end;
    field->bytes = (struct weft_slice){ at + 2, (size_t)(end - at) - 2 };
    message->present |= UINT32_C(1) << number;
}

enum { TRACE_ID = 1, SPAN_ID, PARENT_SPAN_ID = 4, NAME, KIND, START, END, FRAME = 2, TIME_BYTES = 9 };

/* The fields that SDKs begin a span with, in one step: the byte behind them, which is the first if they are others. */
static const uint8_t *note_span_head(struct weft_ottl_message *message, const uint8_t *at, const uint8_t *end)
{
    struct weft_slice name = WEFT_SLICE_EMPTY;
    size_t length = weft_otlp_short_span_head(at, end, &name);
    if (name.bytes == NULL) {
        return at; /* not all of them are there */
    }
    const uint8_t *span_id = at + FRAME + WEFT_OTLP_TRACE_ID_BYTES;
    const uint8_t *parent = span_id + FRAME + WEFT_OTLP_SPAN_ID_BYTES;
    const uint8_t *kind = name.bytes + name.length;
    const uint8_t *start = kind + FRAME;
    const uint8_t *end_time = start + TIME_BYTES;
    note_head_field(message, TRACE_ID, at, span_id);
    note_head_field(message, SPAN_ID, span_id, parent);
    if (parent != name.bytes - FRAME) {
        note_head_field(message, PARENT_SPAN_ID, parent, name.bytes - FRAME);
    }
    note_head_field(message, NAME, name.bytes - FRAME, kind);
    note_head_field(message, KIND, kind, start);
    note_head_field(message, START, start, end_time);
    note_head_field(message, END, end_time, end_time + TIME_BYTES);
    message->fields[KIND].number = kind[1];
    memcpy(&message->fields[START].number, start + 1, sizeof message->fields[START].number);
    memcpy(&message->fields[END].number, end_time + 1, sizeof message->fields[END].number);
    weft_assert(end_time + TIME_BYTES == at + length);
    return at + length;
}

/* The same, of which no more than name and kind is wanted. */
static inline const uint8_t *skim_span_head(struct weft_ottl_message *message, const uint8_t *at, const uint8_t *end,
                                            uint32_t wanted)
{
    struct weft_slice name = WEFT_SLICE_EMPTY;
    size_t length = weft_otlp_short_span_head(at, end, &name);
    if (name.bytes == NULL) {
        return at;
    }
    const uint8_t *kind = name.bytes + name.length;
    if (has_bit(wanted, NAME)) {
        note_head_field(message, NAME, name.bytes - FRAME, kind);
    }
    if (has_bit(wanted, KIND)) {
        note_head_field(message, KIND, kind, kind + FRAME);
        message->fields[KIND].number = kind[1];
    }
    return at + length;
}

/* ---- attributes ---- */

static __attribute__((noinline)) const uint8_t *note_odd_item(struct weft_ottl_message *message, const uint8_t *at,
                                                              const uint8_t *end)
{
    struct weft_wire_reader reader = { at, end, at };
    struct weft_wire_field field;
    const char *reason = weft_wire_scan(&reader, &field);
    weft_assert(reason == NULL);
    note_odd_slot(message, at, reader.at, field.bytes);
    return reader.at;
}

enum {
    KEY_TAG = WEFT_OTLP_KEY_FIELD << TYPE_BITS | WEFT_WIRE_BYTES,
    VALUE_TAG = WEFT_OTLP_VALUE_FIELD << TYPE_BITS | WEFT_WIRE_BYTES,
    FRAMES = 4 /* tags and lengths of key and value, at least */
};

/* True if it is one of those that are sought. */
static inline bool seek(struct weft_ottl_slots *slots, const struct weft_ottl_sought *sought, const uint8_t *key,
                        size_t key_length, struct weft_ottl_slot found)
{
    uint8_t number;
    if (WEFT_LIKELY(sought->by_length[key_length] == 0) || !weft_ottl_sought_find(sought, key, key_length, &number)) {
        return false;
    }
    note_slot(slots, number, found);
    return true;
}

/* Where a message is skimmed, those that are wanted are there. */
static inline bool has_enough(const struct weft_ottl_slots *slots, const struct weft_ottl_wants *wants)
{
    return wants != NULL && (wants->keys & ~slots->found) == 0;
}

/* An attribute that is a key and a value and no more, of up to 16 KiB; NULL: another one. */
static const uint8_t *note_plain_item(struct weft_ottl_message *message, const uint8_t *at, const uint8_t *end)
{
    size_t length, value_length;
    const uint8_t *item = end - at < 2 + FRAMES ? NULL : weft_ottl_take_length(at + 1, &length);
    if (item == NULL || length < FRAMES || length > (size_t)(end - item) || item[0] != KEY_TAG) {
        return NULL;
    }
    size_t key_length = item[1];
    if (key_length >= MORE || key_length + FRAMES + 1 > length) {
        return NULL; /* or a value of nothing */
    }
    const uint8_t *value = item + 2 + key_length;
    const uint8_t *contents = weft_ottl_take_length(value + 1, &value_length);
    if (value[0] != VALUE_TAG || contents == NULL || contents + value_length != item + length) {
        return NULL;
    }
    seek(&message->slots, message->slots.sought, item + 2, key_length,
         (struct weft_ottl_slot){ at, item + length, contents });
    return item + length;
}

/* Whether behind the key there is a value that goes on to the end; of an attribute of up to 127 bytes. */
static inline bool is_value_next(const uint8_t *value, size_t key_length, size_t length)
{
    uint16_t frame;
    if (key_length + FRAMES > length) {
        return false;
    }
    memcpy(&frame, value, sizeof frame);
    return le16toh(frame) == (VALUE_TAG | (length - key_length - FRAMES) << 8);
}

/* Those of up to 127 bytes, one after the other, from `at` on: the byte behind them. Tags and lengths before a key are
 * four bytes that are looked at as one number. is_plain: all of them are a key and a value and no more. */
static inline __attribute__((always_inline)) const uint8_t *
note_short_items(struct weft_ottl_message *message, const uint8_t *at, const uint8_t *end, uint32_t tag,
                 const struct weft_ottl_wants *wants, bool is_plain)
{
    const uint32_t fixed = UINT32_C(0x80ff80ff); /* the tags, and that lengths have no more bytes */
    const uint32_t wanted = tag | (uint32_t)KEY_TAG << 16;
    const struct weft_ottl_sought *sought = message->slots.sought;
    uint32_t head;
    if (end - at < 2 + FRAMES) {
        return at;
    }
    for (const uint8_t *last = end - (2 + FRAMES); at <= last;) {
        memcpy(&head, at, sizeof head);
        size_t length = at[1];
        size_t key_length = at[3];
        const uint8_t *value = at + FRAMES + key_length;
        const uint8_t *after = at + 2 + length;
        if ((le32toh(head) & fixed) != wanted || (!is_plain && !is_value_next(value, key_length, length))) {
            break;
        }
        bool is_found =
            seek(&message->slots, sought, at + FRAMES, key_length, (struct weft_ottl_slot){ at, after, value + 2 });
        at = after;
        if (is_found && has_enough(&message->slots, wants)) {
            break;
        }
    }
    return at;
}

/* All that follow one another, or so many of them that there is enough. */
static inline const uint8_t *note_items(struct weft_ottl_message *message, const uint8_t *at, const uint8_t *end,
                                        uint32_t tag, const struct weft_ottl_wants *wants)
{
    do {
        const uint8_t *start = at;
        at = message->is_plain ? note_short_items(message, at, end, tag, wants, true)
                               : note_short_items(message, at, end, tag, wants, false);
        if (at == start) {
            const uint8_t *after = note_plain_item(message, at, end);
            at = after != NULL ? after : note_odd_item(message, at, end);
        }
    } while (at < end && at[0] == tag && !has_enough(&message->slots, wants));
    return at;
}

/* The same, of which nobody asks for any by its key. */
static inline const uint8_t *skip_items(struct weft_ottl_message *message, const uint8_t *start, const uint8_t *end,
                                        uint32_t tag)
{
    enum { LEAST = 3 };
    const uint8_t *at = start;
    size_t length;
    while (end - at >= LEAST && at[0] == tag) {
        const uint8_t *item = weft_ottl_take_length(at + 1, &length);
        if (item == NULL) {
            break;
        }
        at = item + length; /* that it is not behind the end was checked, and is again */
    }
    return at > start ? at : note_odd_item(message, at, end);
}

/* Of a list it counts where it begins and ends; of attributes nobody asks for the contents of the last. wants: NULL:
 * everything. */
static inline void walk(struct weft_ottl_message *message, const struct weft_ottl_wants *wants)
{
    enum { OTHERS_OF_HEAD = 1 << TRACE_ID | 1 << SPAN_ID | 1 << PARENT_SPAN_ID | 1 << START | 1 << END };
    struct weft_wire_reader all = weft_wire_reader_of(message->bytes); /* which may have no bytes at all */
    const uint8_t *at = all.at;
    const uint8_t *end = all.end;
    uint32_t tag = message->list_field << TYPE_BITS | WEFT_WIRE_BYTES;
    struct weft_ottl_slots *slots = &message->slots;
    message->present = message->scattered = 0;
    slots->found = slots->doubled = slots->removed = slots->changed = 0;
    slots->added_count = 0;
    if (message->list_field == SPAN_ATTRIBUTES && at < end) {
        uint32_t wanted = wants != NULL ? wants->fields : message->head_fields;
        bool is_short = (wanted & OTHERS_OF_HEAD) == 0;
        at = is_short ? skim_span_head(message, at, end, wanted) : note_span_head(message, at, end);
    }
    while (at < end) {
        const uint8_t *after;
        if (at[0] == tag) {
            bool is_skipped = slots->sought == NULL || has_enough(slots, wants);
            after = is_skipped ? skip_items(message, at, end, tag) : note_items(message, at, end, tag, wants);
            if (wants == NULL) {
                note(message, message->list_field, at, after);
            }
        } else {
            after = note_short(message, at, end);
            after = after != NULL ? after : note_other(message, at, end);
        }
        at = after;
    }
    weft_assert(at == end);
}

void weft_ottl_message_decode(struct weft_ottl_message *message)
{
    message->is_decoded = message->is_skimmed = true;
    walk(message, NULL);
}

void weft_ottl_message_skim(struct weft_ottl_message *message, const struct weft_ottl_wants *wants)
{
    message->is_skimmed = true;
    walk(message, wants);
}
