/* Writing a changed message in runs (write_short.h). It comes out as it would the long way: a field is written where
 * its first one was, an attribute where it was; added attributes go behind the others, and fields that the message did
 * not have to its end, by number. */
#include "ottl/write_short.h"

#include "base/assert.h"
#include "ottl/run.h"
#include "wire/protobuf.h"

enum { MAX_PATCHES = WEFT_OTTL_FIELD_COUNT + WEFT_OTTL_MAX_SOUGHT, NO_SLOT = UINT8_MAX };

/* What stands now where `from` to `to` was: bytes, or an attribute in its slot. */
struct patch {
    const uint8_t *from, *to;
    struct weft_slice bytes;
    uint8_t slot;
};

struct patches {
    const struct weft_ottl_message *message;
    size_t count;
    struct patch items[MAX_PATCHES];
};

static bool is_before(const struct patch *left, const struct patch *right)
{
    return left->from != right->from ? left->from < right->from : left->to < right->to;
}

/* In the order of the message. What goes to one place keeps the order in which it came, before what is replaced there.
 */
static void add(struct patches *patches, struct patch patch)
{
    size_t at = patches->count++;
    while (at > 0 && is_before(&patch, &patches->items[at - 1])) {
        patches->items[at] = patches->items[at - 1];
        at--;
    }
    patches->items[at] = patch;
}

static const uint8_t *end_of(const struct weft_ottl_message *message)
{
    return weft_wire_reader_of(message->bytes).end; /* there may be no bytes at all */
}

static void add_field(struct patches *patches, uint32_t number)
{
    const struct weft_ottl_field *field = &patches->message->fields[number];
    const uint8_t *end = end_of(patches->message);
    bool has_place = field->wire_first != NULL;
    struct patch patch = { .from = has_place ? field->wire_first : end,
                           .to = has_place ? field->wire_end : end,
                           .slot = NO_SLOT };
    if ((patches->message->present >> number & 1) != 0) {
        patch.bytes = weft_slice_of(field->first, (size_t)(field->end - field->first));
    }
    add(patches, patch);
}

static void add_slots(struct patches *patches, uint32_t attributes_field)
{
    const struct weft_ottl_slots *slots = &patches->message->slots;
    const struct weft_ottl_field *all = weft_ottl_message_field(patches->message, attributes_field);
    const uint8_t *behind = all == NULL ? end_of(patches->message) : all->end;
    uint64_t in_place = slots->found & (slots->changed | slots->removed);
    for (uint64_t left = in_place; left != 0; left &= left - 1) {
        uint8_t number = (uint8_t)__builtin_ctzll(left);
        const struct weft_ottl_slot *slot = &slots->items[number];
        bool is_gone = (slots->removed >> number & 1) != 0;
        add(patches, (struct patch){ .from = slot->at, .to = slot->end, .slot = is_gone ? NO_SLOT : number });
    }
    for (size_t i = 0; i < slots->added_count; i++) {
        add(patches, (struct patch){ .from = behind, .to = behind, .slot = slots->added[i] });
    }
}

/* ---- bytes ---- */

enum { FRAMES_BYTES = 5 * 11 /* tags and lengths around the text of an attribute */ };

static uint8_t *put_bytes(uint8_t *to, const uint8_t *from, size_t length)
{
    if (length > 0) {
        memcpy(to, from, length);
    }
    return to + length;
}

static uint8_t *put_text(uint8_t *to, uint32_t field, struct weft_slice text)
{
    *to++ = (uint8_t)(field << 3 | WEFT_WIRE_BYTES);
    return put_bytes(weft_wire_put_length(to, text.length), text.bytes, text.length);
}

/* An attribute that is a text; its field has one byte. */
static uint8_t *put_text_attribute(uint8_t *to, uint32_t field, struct weft_slice key, struct weft_slice text)
{
    size_t value_length = 1 + weft_wire_size_length(text.length) + text.length;
    size_t length =
        1 + weft_wire_size_length(key.length) + key.length + 1 + weft_wire_size_length(value_length) + value_length;
    *to++ = (uint8_t)(field << 3 | WEFT_WIRE_BYTES);
    to = put_text(weft_wire_put_length(to, length), WEFT_OTLP_KEY_FIELD, key);
    *to++ = WEFT_OTLP_VALUE_FIELD << 3 | WEFT_WIRE_BYTES;
    return put_text(weft_wire_put_length(to, value_length), WEFT_OTLP_VALUE_STRING, text);
}

/* Of all that is written but attributes of other kinds than texts. */
static size_t room_of(const struct patches *patches)
{
    const struct weft_ottl_slots *slots = &patches->message->slots;
    size_t room = patches->message->bytes.length;
    for (size_t i = 0; i < patches->count; i++) {
        const struct patch *patch = &patches->items[i];
        room += patch->bytes.length;
        if (patch->slot != NO_SLOT && slots->items[patch->slot].value.kind == WEFT_OTTL_STRING) {
            room +=
                slots->sought->keys[patch->slot].length + slots->items[patch->slot].value.bytes.length + FRAMES_BYTES;
        }
    }
    return room;
}

/* What could not be written was not let into a slot. Returns where the rest goes; NULL: the buffer failed. */
static uint8_t *put_slot(struct weft_buffer *out, uint8_t *to, const struct weft_ottl_slots *slots, uint8_t number,
                         uint32_t attributes_field, size_t room)
{
    struct weft_slice key = slots->sought->keys[number];
    const struct weft_ottl_value *value = &slots->items[number].value;
    if (value->kind == WEFT_OTTL_STRING) {
        return put_text_attribute(to, attributes_field, key, value->bytes);
    }
    out->length = (size_t)(to - out->bytes);
    enum weft_status status = weft_ottl_put_key_value(out, attributes_field, key, value, NULL);
    weft_assert(status == WEFT_OK || weft_buffer_status(out) != WEFT_OK);
    return weft_buffer_reserve(out, room);
}

/* What was from `from` to `end`. */
static void write_patches(struct weft_buffer *out, const struct patches *patches, uint32_t attributes_field,
                          const uint8_t *from, const uint8_t *end)
{
    size_t room = room_of(patches);
    uint8_t *to = weft_buffer_reserve(out, room);
    for (size_t i = 0; to != NULL && i < patches->count; i++) {
        const struct patch *patch = &patches->items[i];
        to = put_bytes(to, from, (size_t)(patch->from - from));
        to = put_bytes(to, patch->bytes.bytes, patch->bytes.length);
        if (patch->slot != NO_SLOT) {
            to = put_slot(out, to, &patches->message->slots, patch->slot, attributes_field, room);
        }
        from = patch->to;
    }
    if (to != NULL) {
        to = put_bytes(to, from, (size_t)(end - from));
        out->length = (size_t)(to - out->bytes);
    }
}

void weft_ottl_write_slots(struct weft_buffer *out, const struct weft_ottl_message *message, uint32_t attributes_field)
{
    struct patches patches;
    const struct weft_ottl_field *all = weft_ottl_message_field(message, attributes_field);
    const uint8_t *end = all == NULL ? end_of(message) : all->end;
    patches.message = message;
    patches.count = 0;
    add_slots(&patches, attributes_field);
    write_patches(out, &patches, attributes_field, all == NULL ? end : all->first, end);
}

bool weft_ottl_write_short(struct weft_buffer *out, const struct weft_ottl_message *message, uint32_t attributes_field)
{
    struct patches patches;
    patches.message = message;
    patches.count = 0;
    if ((message->touched & message->scattered) != 0 || message->attributes != NULL) {
        return false;
    }
    uint32_t left = message->touched & ~UINT32_C(1);
    if (weft_ottl_message_field(message, attributes_field) != NULL && weft_ottl_slots_are_changed(&message->slots)) {
        add_slots(&patches, attributes_field); /* before what goes to the end, where they may be */
        left &= ~(UINT32_C(1) << attributes_field);
    }
    for (; left != 0; left &= left - 1) {
        uint32_t number = (uint32_t)__builtin_ctz(left);
        if (number != attributes_field) {
            add_field(&patches, number);
        } else if (weft_ottl_slots_are_changed(&message->slots)) {
            add_slots(&patches, attributes_field);
        }
    }
    write_patches(out, &patches, attributes_field, message->bytes.bytes, end_of(message));
    return true;
}
