/* Skimming a record (record.h) of a request whose KeyValues are plain, as nearly all are: a key that is short, a value,
 * and no more. What begins one says it all then, so that the walk looks into those that are wanted and steps over the
 * others. An attribute of another shape ends it: the walk over records of any shape begins anew (record_decode.c). */
#include <endian.h>

#include "base/assert.h"
#include "ottl/record.h"
#include "ottl/record_length.h"
#include "wire/wire_scan.h"

enum { TYPE_BITS = 3, TYPE_MASK = 7, MORE = 0x80, FRAME = 2 };
enum { SPAN_ATTRIBUTES = 9, NAME = 5, KIND = 6, LEAST = 6 /* bytes of an attribute */ };
enum {
    KEY_TAG = WEFT_OTLP_KEY_FIELD << TYPE_BITS | WEFT_WIRE_BYTES,
    VALUE_TAG = WEFT_OTLP_VALUE_FIELD << TYPE_BITS | WEFT_WIRE_BYTES
};

static inline uint32_t load_2(const uint8_t *at)
{
    uint16_t two;
    memcpy(&two, at, sizeof two);
    return le16toh(two);
}

static inline uint32_t load_4(const uint8_t *at)
{
    uint32_t four;
    memcpy(&four, at, sizeof four);
    return le32toh(four);
}

static inline void note_text(struct weft_ottl_message *message, uint32_t number, const uint8_t *at, size_t length)
{
    message->present |= UINT32_C(1) << number;
    message->fields[number].bytes = (struct weft_slice){ at, length };
}

static inline void note_number(struct weft_ottl_message *message, uint32_t number, uint64_t value)
{
    message->present |= UINT32_C(1) << number;
    message->fields[number].number = value;
}

/* The fields that SDKs begin a span with, of which no more than name and kind is noted: the byte behind them, which is
 * the first if they are others. */
static inline const uint8_t *note_head(struct weft_ottl_message *message, const uint8_t *at, const uint8_t *end)
{
    enum {
        TRACE_ID_BYTES = 16,
        ID_BYTES = 8,
        IDS_BYTES = FRAME + TRACE_ID_BYTES + FRAME + ID_BYTES,
        PARENT_BYTES = FRAME + ID_BYTES,
        KIND_AND_TIMES_BYTES = 20,
        END_TIME = 11, /* its tag, behind the kind's */
        TRACE_ID_FRAME = TRACE_ID_BYTES << 8 | 1 << TYPE_BITS | WEFT_WIRE_BYTES,
        ID_FRAME = ID_BYTES << 8 | 2 << TYPE_BITS | WEFT_WIRE_BYTES,
        PARENT_FRAME = ID_BYTES << 8 | 4 << TYPE_BITS | WEFT_WIRE_BYTES,
    };
    const uint32_t kind_and_time = (7 << TYPE_BITS | WEFT_WIRE_FIXED64) << 16 | 6 << TYPE_BITS | WEFT_WIRE_VARINT;
    const uint8_t *name = at + IDS_BYTES;
    if (end - at < IDS_BYTES + PARENT_BYTES + FRAME + KIND_AND_TIMES_BYTES || load_2(at) != TRACE_ID_FRAME ||
        load_2(at + FRAME + TRACE_ID_BYTES) != ID_FRAME) {
        return at;
    }
    name += load_2(name) == PARENT_FRAME ? PARENT_BYTES : 0;
    uint32_t frame = load_2(name);
    const uint8_t *kind = name + FRAME + (frame >> 8);
    if ((frame & (MORE << 8 | 0xff)) != (NAME << TYPE_BITS | WEFT_WIRE_BYTES) || end - kind < KIND_AND_TIMES_BYTES ||
        (load_4(kind) & 0xff80ff) != kind_and_time || kind[END_TIME] != (8 << TYPE_BITS | WEFT_WIRE_FIXED64)) {
        return at;
    }
    note_text(message, NAME, name + FRAME, frame >> 8);
    note_number(message, KIND, kind[1]);
    return kind + KIND_AND_TIMES_BYTES;
}

/* Any field, tag and all: long ones, groups, fixed32, numbers that nobody knows. The byte behind it; NULL: it is an
 * attribute whose tag has more bytes than it needs. */
static __attribute__((noinline)) const uint8_t *note_other(struct weft_ottl_message *message, const uint8_t *at,
                                                           const uint8_t *end)
{
    struct weft_wire_reader reader = { at, end, at };
    struct weft_wire_field field;
    const char *reason = weft_wire_scan(&reader, &field);
    weft_assert(reason == NULL);
    if (field.number == message->list_field && at[0] >= MORE) {
        return NULL;
    }
    if (field.number < WEFT_OTTL_FIELD_COUNT) {
        note_text(message, field.number, field.bytes.bytes, field.bytes.length);
        note_number(message, field.number, field.number_value);
    }
    return reader.at;
}

/* Of a field that is repeated the last counts. */
static inline const uint8_t *note_field(struct weft_ottl_message *message, const uint8_t *at, const uint8_t *end)
{
    enum { NUMBER_BYTES = 8 };
    uint8_t type = at[0] & TYPE_MASK;
    uint32_t number = at[0] >> TYPE_BITS;
    uint64_t value;
    if (at[0] >= MORE || end - at < FRAME) {
        return note_other(message, at, end);
    }
    if (type == WEFT_WIRE_BYTES && at[1] < MORE) {
        note_text(message, number, at + FRAME, at[1]);
        return at + FRAME + at[1];
    }
    if (type == WEFT_WIRE_VARINT && at[1] < MORE) {
        note_number(message, number, at[1]);
        return at + FRAME;
    }
    if (type == WEFT_WIRE_FIXED64 && end - at > NUMBER_BYTES) {
        memcpy(&value, at + 1, sizeof value);
        note_number(message, number, le64toh(value));
        return at + 1 + NUMBER_BYTES;
    }
    return note_other(message, at, end);
}

/* ---- attributes ---- */

/* Contents of the value of 128 bytes and more that goes on to `after`; NULL: there is none. */
static __attribute__((noinline)) const uint8_t *long_contents(const uint8_t *value, const uint8_t *after)
{
    size_t length;
    if (after - value < FRAME || value[0] != VALUE_TAG) {
        return NULL;
    }
    const uint8_t *contents = weft_ottl_take_length(value + 1, &length);
    return contents != NULL && contents + length == after ? contents : NULL;
}

/* Notes the attribute if it is one of those that are missing. False: it has another shape. */
static inline bool seek(struct weft_ottl_slots *slots, uint64_t *in_out_missing, const uint8_t *at, const uint8_t *item,
                        const uint8_t *after)
{
    const uint8_t *key = item + FRAME;
    const uint8_t *value = key + item[1];
    const uint8_t *contents = value + FRAME;
    size_t length = (size_t)(after - contents);
    uint8_t number;
    if (length >= MORE || load_2(value) != (VALUE_TAG | length << 8)) {
        contents = long_contents(value, after);
        if (contents == NULL) {
            return false;
        }
    }
    if (weft_ottl_sought_find(slots->sought, key, item[1], &number) && (*in_out_missing >> number & 1) != 0) {
        slots->items[number].at = at;
        slots->items[number].end = after;
        slots->items[number].contents = contents;
        *in_out_missing &= ~(UINT64_C(1) << number);
    }
    return true;
}

/* From attribute to attribute until none is missing or something else follows; NULL: one has another shape. */
static inline const uint8_t *find_missing(struct weft_ottl_slots *slots, uint64_t *in_out_missing, const uint8_t *at,
                                          const uint8_t *last, uint8_t tag)
{
    const uint32_t fixed = UINT32_C(0x80ff80ff); /* the tags, and that lengths have no more bytes */
    const uint32_t wanted = tag | (uint32_t)KEY_TAG << 16;
    const uint8_t *by_length = slots->sought->by_length;
    while (at <= last) {
        uint32_t head = load_4(at);
        const uint8_t *item = at + FRAME;
        size_t length = at[1];
        if (WEFT_UNLIKELY((head & fixed) != wanted)) {
            if (at[0] != tag) {
                break;
            }
            item = weft_ottl_take_length(at + 1, &length);
            if (item == NULL || length < LEAST - FRAME || item[0] != KEY_TAG || item[1] >= MORE) {
                return NULL;
            }
        }
        const uint8_t *after = item + length;
        if (by_length[item[1]] != 0) {
            if (!seek(slots, in_out_missing, at, item, after)) {
                return NULL;
            }
            if (*in_out_missing == 0) {
                return after;
            }
        }
        at = after;
    }
    return at;
}

/* Past those that nobody asks for, but those of 16 KiB and more. */
static inline const uint8_t *skip(const uint8_t *at, const uint8_t *last, uint8_t tag)
{
    size_t length;
    while (at <= last) {
        if (WEFT_LIKELY((load_2(at) & (MORE << 8 | 0xff)) == tag)) {
            at += FRAME + at[1];
            continue;
        }
        const uint8_t *item = at[0] == tag ? weft_ottl_take_length(at + 1, &length) : NULL;
        if (item == NULL) {
            break;
        }
        at = item + length;
    }
    return at;
}

static inline bool end_at(struct weft_ottl_message *message, uint64_t found, const uint8_t *at, const uint8_t *end)
{
    message->slots.found = found;
    message->is_skimmed = true;
    return at == end;
}

/* What lies behind the first run of attributes. */
static __attribute__((noinline)) bool note_rest(struct weft_ottl_message *message, uint64_t keys, uint64_t missing,
                                                const uint8_t *at, const uint8_t *end, uint8_t tag)
{
    const uint8_t *last = end - LEAST;
    while (at < end) {
        const uint8_t *start = at;
        if (at[0] != tag) {
            at = note_field(message, at, end);
        } else if (missing == 0) {
            at = skip(at, last, tag);
            at = at > start ? at : note_other(message, at, end);
        } else {
            at = find_missing(&message->slots, &missing, at, last, tag);
        }
        if (at == NULL || at == start) {
            return false;
        }
    }
    return end_at(message, keys & ~missing, at, end);
}

bool weft_ottl_message_skim_plain(struct weft_ottl_message *message, const struct weft_ottl_wants *wants)
{
    enum { NOT_OF_HEAD = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 7 | 1 << 8 };
    struct weft_ottl_slots *slots = &message->slots;
    uint8_t tag = (uint8_t)(message->list_field << TYPE_BITS | WEFT_WIRE_BYTES);
    uint64_t keys = slots->sought != NULL ? wants->keys : 0;
    uint64_t missing = keys;
    if (message->bytes.length < LEAST) {
        return false;
    }
    const uint8_t *at = message->bytes.bytes;
    const uint8_t *end = at + message->bytes.length;
    message->present = message->scattered = 0;
    slots->found = slots->doubled = slots->removed = slots->changed = 0;
    slots->added_count = 0;
    if (message->list_field == SPAN_ATTRIBUTES && (wants->fields & NOT_OF_HEAD) == 0) {
        at = note_head(message, at, end);
    }
    if (missing != 0) {
        at = find_missing(slots, &missing, at, end - LEAST, tag);
        if (at == NULL) {
            return false;
        }
    }
    if (missing == 0) {
        if (wants->fields == 0) {
            return end_at(message, keys, end, end); /* the first of a key counts, whatever follows */
        }
        at = skip(at, end - LEAST, tag);
    }
    return at < end ? note_rest(message, keys, missing, at, end, tag) : end_at(message, keys & ~missing, at, end);
}
