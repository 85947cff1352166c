/* Writing a changed message in runs (write_short.h). It comes out as it would the long way: a field is written where
 * its first one was, an attribute where it was; added attributes go behind the others, and fields that the message did
 * not have to its end, by number. */
#include "ottl/write_short.h"

#include "base/assert.h"
#include "base/few_bytes.h"
#include "ottl/run.h"
#include "wire/protobuf.h"

enum { SHORT_NUMBER = 16 /* from here on tags of fields have two bytes */ };

enum patch_form {
    PATCH_BYTES,     /* as they are; none: what was there is gone */
    PATCH_CONTENTS,  /* of a field, which gets its tag and length */
    PATCH_CONSTANT,  /* of an attribute, which gets its tag */
    PATCH_TEXT,      /* of an attribute that is in a slot */
    PATCH_ATTRIBUTE, /* of another kind, in a slot: open */
};

/* Where the patch lies, in the order of the message. What goes to one place keeps the order in which it came, before
 * what is replaced there. The rest of it is empty. */
static inline struct weft_ottl_patch *add(struct weft_ottl_patches *patches, const uint8_t *from, const uint8_t *to)
{
    struct weft_ottl_patch *patch = &patches->items[patches->count++];
    while (patch > patches->items && (from != patch[-1].from ? from < patch[-1].from : to < patch[-1].to)) {
        *patch = patch[-1];
        patch--;
    }
    patch->from = from;
    patch->to = to;
    patch->form = PATCH_BYTES;
    patch->bytes = WEFT_SLICE_EMPTY;
    patches->length -= (size_t)(to - from);
    return patch;
}

static const uint8_t *end_of(const struct weft_ottl_message *message)
{
    return weft_wire_reader_of(message->bytes).end; /* there may be no bytes at all */
}

static void add_field(struct weft_ottl_patches *patches, uint32_t number)
{
    const struct weft_ottl_message *message = patches->message;
    const struct weft_ottl_field *field = &message->fields[number];
    const uint8_t *end = end_of(message);
    bool has_place = field->wire_first != NULL;
    struct weft_ottl_patch *patch =
        has_place ? add(patches, field->wire_first, field->wire_end) : add(patches, end, end);
    if ((message->present >> number & 1) == 0) {
        return;
    }
    bool is_lent = (message->lent >> number & 1) != 0;
    patch->bytes = weft_slice_of(field->first, (size_t)(field->end - field->first));
    patch->form = is_lent ? PATCH_CONTENTS : PATCH_BYTES;
    patch->number = (uint8_t)number;
    patches->length += (is_lent ? weft_wire_size_bytes_header(number, patch->bytes.length) : 0) + patch->bytes.length;
}

static size_t size_of_text(struct weft_slice text)
{
    return 1 + weft_wire_size_length(text.length) + text.length;
}

static inline void add_slot(struct weft_ottl_patches *patches, uint8_t number, const uint8_t *from, const uint8_t *to)
{
    const struct weft_ottl_slots *slots = &patches->message->slots;
    const struct weft_ottl_slot *slot = &slots->items[number];
    struct weft_ottl_patch *patch = add(patches, from, to);
    patch->number = number;
    if (slot->constant != NULL) {
        patch->form = PATCH_CONSTANT;
        patch->bytes = *slot->constant;
        patches->length += 1 + patch->bytes.length;
    } else if (slot->value.kind == WEFT_OTTL_STRING) {
        size_t value_length = size_of_text(slot->value.bytes);
        patch->form = PATCH_TEXT;
        patch->bytes = slot->value.bytes;
        patch->inner_length =
            size_of_text(slots->sought->keys[number]) + 1 + weft_wire_size_length(value_length) + value_length;
        patches->length += 1 + weft_wire_size_length(patch->inner_length) + patch->inner_length;
    } else {
        patch->form = PATCH_ATTRIBUTE;
        patches->is_open = true;
    }
}

static void add_slots(struct weft_ottl_patches *patches)
{
    const struct weft_ottl_slots *slots = &patches->message->slots;
    const struct weft_ottl_field *all = weft_ottl_message_field(patches->message, patches->attributes_field);
    const uint8_t *behind = all == NULL ? end_of(patches->message) : all->end;
    for (uint64_t left = slots->found & (slots->changed | slots->removed); left != 0; left &= left - 1) {
        uint8_t number = (uint8_t)__builtin_ctzll(left);
        const struct weft_ottl_slot *slot = &slots->items[number];
        if ((slots->removed >> number & 1) != 0) {
            (void)add(patches, slot->at, slot->end);
        } else {
            add_slot(patches, number, slot->at, slot->end);
        }
    }
    for (size_t i = 0; i < slots->added_count; i++) {
        add_slot(patches, slots->added[i], behind, behind);
    }
}

/* ---- bytes ---- */

static inline uint8_t *put_text(uint8_t *to, uint32_t field, struct weft_slice text)
{
    *to++ = (uint8_t)(field << 3 | WEFT_WIRE_BYTES);
    return weft_put_few_bytes(weft_wire_put_length(to, text.length), text.bytes, text.length);
}

/* Not of an open one. Fields of attributes have tags of one byte. */
static inline uint8_t *put_patch(const struct weft_ottl_patches *patches, const struct weft_ottl_patch *patch,
                                 uint8_t *to)
{
    uint8_t tag = (uint8_t)(patches->attributes_field << 3 | WEFT_WIRE_BYTES);
    switch ((enum patch_form)patch->form) {
    case PATCH_BYTES:
        break;
    case PATCH_CONTENTS:
        if (patch->number < SHORT_NUMBER) {
            return put_text(to, patch->number, patch->bytes);
        }
        to = weft_wire_put_bytes_header(to, patch->number, patch->bytes.length);
        break;
    case PATCH_CONSTANT:
        *to++ = tag;
        break;
    case PATCH_TEXT:
        *to++ = tag;
        to = weft_wire_put_length(to, patch->inner_length);
        to = put_text(to, WEFT_OTLP_KEY_FIELD, patches->message->slots.sought->keys[patch->number]);
        *to++ = WEFT_OTLP_VALUE_FIELD << 3 | WEFT_WIRE_BYTES;
        to = weft_wire_put_length(to, size_of_text(patch->bytes));
        return put_text(to, WEFT_OTLP_VALUE_STRING, patch->bytes);
    case PATCH_ATTRIBUTE:
        weft_assert(!"open");
    }
    return weft_put_few_bytes(to, patch->bytes.bytes, patch->bytes.length);
}

/* What could not be written was not let into a slot. Returns where the rest goes; NULL: the buffer failed. */
static uint8_t *put_attribute(struct weft_buffer *out, uint8_t *to, const struct weft_ottl_patches *patches,
                              uint8_t number)
{
    const struct weft_ottl_slots *slots = &patches->message->slots;
    out->length = (size_t)(to - out->bytes);
    enum weft_status status = weft_ottl_put_key_value(out, patches->attributes_field, slots->sought->keys[number],
                                                      &slots->items[number].value, NULL);
    weft_assert(status == WEFT_OK || weft_buffer_status(out) != WEFT_OK);
    return weft_buffer_reserve(out, patches->length);
}

/* What was from `from` to `end`. */
static void append_patches(struct weft_buffer *out, const struct weft_ottl_patches *patches, const uint8_t *from,
                           const uint8_t *end)
{
    uint8_t *to = weft_buffer_reserve(out, patches->length);
    for (size_t i = 0; to != NULL && i < patches->count; i++) {
        const struct weft_ottl_patch *patch = &patches->items[i];
        to = weft_put_few_bytes(to, from, (size_t)(patch->from - from));
        to = patch->form == PATCH_ATTRIBUTE ? put_attribute(out, to, patches, patch->number)
                                            : put_patch(patches, patch, to);
        from = patch->to;
    }
    if (to != NULL) {
        to = weft_put_few_bytes(to, from, (size_t)(end - from));
        out->length = (size_t)(to - out->bytes);
    }
}

static inline void begin(struct weft_ottl_patches *patches, const struct weft_ottl_message *message,
                         uint32_t attributes_field, size_t length)
{
    patches->message = message;
    patches->attributes_field = attributes_field;
    patches->is_open = false;
    patches->length = length;
    patches->count = 0;
}

bool weft_ottl_patches_of(struct weft_ottl_patches *patches, const struct weft_ottl_message *message,
                          uint32_t attributes_field)
{
    if ((message->touched & message->scattered) != 0 || message->attributes != NULL) {
        return false;
    }
    begin(patches, message, attributes_field, message->bytes.length);
    uint32_t left = message->touched & ~UINT32_C(1);
    if (weft_ottl_message_field(message, attributes_field) != NULL && weft_ottl_slots_are_changed(&message->slots)) {
        add_slots(patches); /* before what goes to the end, where they may be */
        left &= ~(UINT32_C(1) << attributes_field);
    }
    for (; left != 0; left &= left - 1) {
        uint32_t number = (uint32_t)__builtin_ctz(left);
        if (number != attributes_field) {
            add_field(patches, number);
        } else if (weft_ottl_slots_are_changed(&message->slots)) {
            add_slots(patches);
        }
    }
    return true;
}

void weft_ottl_patches_put(const struct weft_ottl_patches *patches, uint8_t *to)
{
    const uint8_t *from = patches->message->bytes.bytes;
    weft_assert(!patches->is_open);
    for (size_t i = 0; i < patches->count; i++) {
        const struct weft_ottl_patch *patch = &patches->items[i];
        to = weft_put_few_bytes(to, from, (size_t)(patch->from - from));
        to = put_patch(patches, patch, to);
        from = patch->to;
    }
    (void)weft_put_few_bytes(to, from, (size_t)(end_of(patches->message) - from));
}

bool weft_ottl_write_short(struct weft_buffer *out, const struct weft_ottl_message *message, uint32_t attributes_field)
{
    struct weft_ottl_patches patches;
    bool is_planned = weft_ottl_patches_of(&patches, message, attributes_field);
    if (is_planned) {
        append_patches(out, &patches, message->bytes.bytes, end_of(message));
    }
    return is_planned;
}

void weft_ottl_write_slots(struct weft_buffer *out, const struct weft_ottl_message *message, uint32_t attributes_field)
{
    struct weft_ottl_patches patches;
    const struct weft_ottl_field *all = weft_ottl_message_field(message, attributes_field);
    const uint8_t *end = all == NULL ? end_of(message) : all->end;
    const uint8_t *from = all == NULL ? end : all->first;
    begin(&patches, message, attributes_field, (size_t)(end - from));
    add_slots(&patches);
    append_patches(out, &patches, from, end);
}
