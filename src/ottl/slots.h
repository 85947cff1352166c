#pragma once

#include "ottl/sought.h"
#include "ottl/value.h"
#include "wire/protobuf.h"

/* The attributes of a message that are sought (sought.h), found in one walk over it, and what statements made of them.
 * A read is one step, a write leaves all other attributes where they are: they go through as bytes, in runs
 * (write_short.c).
 *
 * Slots know keys that the texts name and nothing else. Whoever asks for all attributes, or changes them in another
 * way, has them opened (weft_ottl_message_attributes), with what slots have become in them; from then on slots say
 * nothing about the message. */
struct weft_ottl_slot {
    const uint8_t *at, *end;      /* the field in the message, tag and all; of several with that key the first */
    const uint8_t *contents;      /* of its AnyValue, which ends there, too; NULL: the field has another shape */
    struct weft_ottl_value value; /* once it is changed */
    const struct weft_slice *constant; /* then: the attribute behind its tag, if that was known beforehand, or NULL */
};

struct weft_ottl_slots {
    const struct weft_ottl_sought *sought; /* NULL: slots say nothing */
    /* A bit for each key. */
    uint64_t found;   /* it is in the message */
    uint64_t doubled; /* there it is again */
    uint64_t removed; /* what is in the message counts no more */
    uint64_t changed; /* the slot's value counts: in the place of what is in the message, or as an added one */
    uint8_t added[WEFT_OTTL_MAX_SOUGHT];
    size_t added_count;
    struct weft_ottl_slot items[WEFT_OTTL_MAX_SOUGHT];
};

static inline bool weft_ottl_slots_have(const struct weft_ottl_slots *slots, uint8_t number)
{
    return ((slots->changed | (slots->found & ~slots->removed)) >> number & 1) != 0;
}

/* They say something that the bytes of the message do not. */
static inline bool weft_ottl_slots_are_changed(const struct weft_ottl_slots *slots)
{
    return slots->sought != NULL && (slots->changed | slots->removed) != 0;
}

/* As it came. */
struct weft_ottl_value weft_ottl_slot_wire_value(const struct weft_ottl_slot *slot);

/* What is read most often: short strings and small numbers, as they came. False: another kind of value. */
static inline bool weft_ottl_slot_short_value(const struct weft_ottl_slot *slot, struct weft_ottl_value *out_value)
{
    enum {
        STRING_TAG = WEFT_OTLP_VALUE_STRING << 3 | WEFT_WIRE_BYTES,
        INT_TAG = WEFT_OTLP_VALUE_INT << 3 | WEFT_WIRE_VARINT,
        FRAME = 2,
        MORE = 0x80
    };
    const uint8_t *at = slot->contents;
    size_t length = at == NULL ? 0 : (size_t)(slot->end - at);
    if (length < FRAME || at[1] >= MORE) {
        bool is_long_int = length == FRAME + 1 && at[0] == INT_TAG;
        *out_value = weft_ottl_int(is_long_int ? (at[1] & (MORE - 1)) | (int64_t)at[2] << 7 : 0);
        return is_long_int;
    }
    if (at[0] == STRING_TAG && at[1] + (size_t)FRAME == length) {
        *out_value = weft_ottl_string((struct weft_slice){ at + FRAME, length - FRAME });
        return true;
    }
    *out_value = weft_ottl_int(at[1]);
    return at[0] == INT_TAG && length == FRAME;
}

/* nil if the message does not have the key. */
static inline void weft_ottl_slot_read(const struct weft_ottl_slots *slots, uint8_t number,
                                       struct weft_ottl_value *out_value)
{
    const struct weft_ottl_slot *slot = &slots->items[number];
    if (!weft_ottl_slots_have(slots, number)) {
        *out_value = weft_ottl_nil();
    } else if ((slots->changed >> number & 1) != 0) {
        *out_value = slot->value;
    } else if (!weft_ottl_slot_short_value(slot, out_value)) {
        *out_value = weft_ottl_slot_wire_value(slot);
    }
}

/* constant: see above; it stays at least as long as the message. */
static inline void weft_ottl_slots_put(struct weft_ottl_slots *slots, uint8_t number,
                                       const struct weft_ottl_value *value, const struct weft_slice *constant)
{
    if (!weft_ottl_slots_have(slots, number)) {
        slots->added[slots->added_count++] = number;
    }
    slots->changed |= UINT64_C(1) << number;
    slots->items[number].value = *value;
    slots->items[number].constant = constant;
}

/* Of a key that the message has, once. */
void weft_ottl_slots_remove(struct weft_ottl_slots *slots, uint8_t number);

/* What slots have become, in the open map of the message as it came. WEFT_NOMEM leaves it half done. */
enum weft_status weft_ottl_slots_settle(const struct weft_ottl_slots *slots, struct weft_ottl_map *map,
                                        struct weft_entry_memory *memory) WEFT_MUST_CHECK;
