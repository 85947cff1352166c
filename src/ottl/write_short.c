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

/* Patches while they are found. */
struct plan {
    const struct weft_ottl_message *message;
    struct weft_ottl_patch *first, *end;
    size_t length;
    bool is_open;
};

/* Where the patch lies, in the order of the message. What goes to one place keeps the order in which it came, before
 * what is replaced there. The rest of it is not filled in. */
static inline __attribute__((always_inline)) struct weft_ottl_patch *add(struct plan *plan, const uint8_t *from,
                                                                         const uint8_t *to)
{
    weft_assert(plan->end < plan->first + WEFT_OTTL_MAX_PATCHES);
    struct weft_ottl_patch *patch = plan->end++;
    while (patch > plan->first && (from != patch[-1].from ? from < patch[-1].from : to < patch[-1].to)) {
        *patch = patch[-1];
        patch--;
    }
    patch->from = from;
    patch->to = to;
    plan->length -= (size_t)(to - from);
    return patch;
}

/* What was there is gone. */
static inline __attribute__((always_inline)) void add_gap(struct plan *plan, const uint8_t *from, const uint8_t *to)
{
    struct weft_ottl_patch *patch = add(plan, from, to);
    patch->form = PATCH_BYTES;
    patch->bytes = WEFT_SLICE_EMPTY;
}

static const uint8_t *end_of(const struct weft_ottl_message *message)
{
    return weft_wire_reader_of(message->bytes).end; /* there may be no bytes at all */
}

static inline __attribute__((always_inline)) void add_field(struct plan *plan, uint32_t number)
{
    const struct weft_ottl_message *message = plan->message;
    const struct weft_ottl_field *field = &message->fields[number];
    const uint8_t *from = field->wire_first, *to = field->wire_end;
    if (from == NULL) {
        from = to = end_of(message);
    }
    if ((message->present >> number & 1) == 0) {
        add_gap(plan, from, to);
        return;
    }
    bool is_lent = (message->lent >> number & 1) != 0;
    struct weft_ottl_patch *patch = add(plan, from, to);
    patch->bytes = weft_slice_of(field->first, (size_t)(field->end - field->first));
    patch->form = is_lent ? PATCH_CONTENTS : PATCH_BYTES;
    patch->number = (uint8_t)number;
    plan->length += (is_lent ? weft_wire_size_bytes_header(number, patch->bytes.length) : 0) + patch->bytes.length;
}

static inline size_t size_of_text(struct weft_slice text)
{
    return 1 + weft_wire_size_length(text.length) + text.length;
}

static inline __attribute__((always_inline)) void add_slot(struct plan *plan, uint8_t number, const uint8_t *from,
                                                           const uint8_t *to)
{
    const struct weft_ottl_slots *slots = &plan->message->slots;
    const struct weft_ottl_slot *slot = &slots->items[number];
    struct weft_ottl_patch *patch = add(plan, from, to);
    patch->number = number;
    if (slot->constant != NULL) {
        patch->form = PATCH_CONSTANT;
        patch->bytes = *slot->constant;
        plan->length += 1 + patch->bytes.length;
    } else if (slot->value.kind == WEFT_OTTL_STRING) {
        size_t value_length = size_of_text(slot->value.bytes);
        size_t inner_length =
            size_of_text(slots->sought->keys[number]) + 1 + weft_wire_size_length(value_length) + value_length;
        patch->form = PATCH_TEXT;
        patch->bytes = slot->value.bytes;
        patch->inner_length = inner_length;
        plan->length += 1 + weft_wire_size_length(inner_length) + inner_length;
    } else {
        patch->form = PATCH_ATTRIBUTE;
        plan->is_open = true;
    }
}

static inline __attribute__((always_inline)) void add_slots(struct plan *plan, uint32_t attributes_field)
{
    const struct weft_ottl_slots *slots = &plan->message->slots;
    const struct weft_ottl_field *all = weft_ottl_message_field(plan->message, attributes_field);
    const uint8_t *behind = all == NULL ? end_of(plan->message) : all->end;
    for (uint64_t left = slots->found & (slots->changed | slots->removed); left != 0; left &= left - 1) {
        uint8_t number = (uint8_t)__builtin_ctzll(left);
        const struct weft_ottl_slot *slot = &slots->items[number];
        if ((slots->removed >> number & 1) != 0) {
            add_gap(plan, slot->at, slot->end);
        } else {
            add_slot(plan, number, slot->at, slot->end);
        }
    }
    for (size_t i = 0; i < slots->added_count; i++) {
        add_slot(plan, slots->added[i], behind, behind);
    }
}

/* ---- bytes ---- */

static inline uint8_t *put_text(uint8_t *to, uint32_t field, struct weft_slice text)
{
    *to++ = (uint8_t)(field << 3 | WEFT_WIRE_BYTES);
    return weft_put_few_bytes(weft_wire_put_length(to, text.length), text.bytes, text.length);
}

/* Not of an open one. tag: of attributes, which is one byte. */
static inline uint8_t *put_patch(const struct weft_ottl_patches *patches, const struct weft_ottl_patch *patch,
                                 uint8_t tag, uint8_t *to)
{
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

static inline uint8_t tag_of(const struct weft_ottl_patches *patches)
{
    return (uint8_t)(patches->attributes_field << 3 | WEFT_WIRE_BYTES);
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
    uint8_t tag = tag_of(patches);
    for (size_t i = 0; to != NULL && i < patches->count; i++) {
        const struct weft_ottl_patch *patch = &patches->items[i];
        to = weft_put_few_bytes(to, from, (size_t)(patch->from - from));
        to = patch->form == PATCH_ATTRIBUTE ? put_attribute(out, to, patches, patch->number)
                                            : put_patch(patches, patch, tag, to);
        from = patch->to;
    }
    if (to != NULL) {
        to = weft_put_few_bytes(to, from, (size_t)(end - from));
        out->length = (size_t)(to - out->bytes);
    }
}

static inline struct plan begin(struct weft_ottl_patches *patches, const struct weft_ottl_message *message,
                                size_t length)
{
    return (struct plan){ message, patches->items, patches->items, length, false };
}

static inline void end(struct weft_ottl_patches *patches, const struct plan *plan, uint32_t attributes_field)
{
    patches->message = plan->message;
    patches->attributes_field = attributes_field;
    patches->is_open = plan->is_open;
    patches->length = plan->length;
    patches->count = (size_t)(plan->end - plan->first);
}

/* Fields that the message did not have, by number. attributes_field: of those that are in slots, 0 = none is. */
static __attribute__((noinline)) struct plan add_late(struct plan plan, uint32_t fields, uint32_t attributes_field)
{
    for (; fields != 0; fields &= fields - 1) {
        uint32_t number = (uint32_t)__builtin_ctz(fields);
        if (number == attributes_field) {
            add_slots(&plan, attributes_field);
        } else {
            add_field(&plan, number);
        }
    }
    return plan;
}

bool weft_ottl_patches_of(struct weft_ottl_patches *patches, const struct weft_ottl_message *message,
                          uint32_t attributes_field)
{
    if ((message->touched & message->scattered) != 0 || message->attributes != NULL) {
        return false;
    }
    struct plan plan = begin(patches, message, message->bytes.length);
    bool has_slots = weft_ottl_slots_are_changed(&message->slots);
    uint32_t left = message->touched & ~UINT32_C(1);
    uint32_t late = 0; /* what goes to the end: behind attributes, which may be there, too */
    for (; left != 0; left &= left - 1) {
        uint32_t number = (uint32_t)__builtin_ctz(left);
        bool has_place = number == attributes_field ? weft_ottl_message_field(message, number) != NULL
                                                    : message->fields[number].wire_first != NULL;
        if (!has_place) {
            late |= UINT32_C(1) << number;
        } else if (number != attributes_field) {
            add_field(&plan, number);
        } else if (has_slots) {
            add_slots(&plan, attributes_field);
        }
    }
    if (late != 0) {
        plan = add_late(plan, late, has_slots ? attributes_field : 0);
    }
    end(patches, &plan, attributes_field);
    return true;
}

void weft_ottl_patches_put(const struct weft_ottl_patches *patches, uint8_t *to)
{
    const uint8_t *from = patches->message->bytes.bytes;
    const struct weft_ottl_patch *end = patches->items + patches->count;
    uint8_t tag = tag_of(patches);
    weft_assert(!patches->is_open);
    for (const struct weft_ottl_patch *patch = patches->items; patch < end; patch++) {
        to = weft_put_few_bytes(to, from, (size_t)(patch->from - from));
        to = put_patch(patches, patch, tag, to);
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
    const uint8_t *last = all == NULL ? end_of(message) : all->end;
    const uint8_t *from = all == NULL ? last : all->first;
    struct plan plan = begin(&patches, message, (size_t)(last - from));
    add_slots(&plan, attributes_field);
    end(&patches, &plan, attributes_field);
    append_patches(out, &patches, from, last);
}
