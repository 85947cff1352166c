/* Where the fields of a message lie (record.h), in one walk. A span has twenty or thirty fields, most of them
 * attributes, and all that is asked of most is where they end. */
#include "base/assert.h"
#include "ottl/record.h"
#include "wire/wire_scan.h"

enum { TYPE_BITS = 3, TYPE_MASK = 7 };

/* Any field, tag and all: long ones, groups, fixed32, numbers that nobody knows. The byte behind it. */
__attribute__((noinline)) static const uint8_t *note_other(struct weft_ottl_message *message, const uint8_t *at,
                                                           const uint8_t *end)
{
    struct weft_wire_reader reader = { at, end, at };
    struct weft_wire_field field;
    const char *reason = weft_wire_scan(&reader, &field);
    weft_assert(reason == NULL);
    if (field.number < WEFT_OTTL_FIELD_COUNT) {
        struct weft_ottl_field *kept = &message->fields[field.number];
        kept->first = (message->present >> field.number & 1) == 0 ? at : kept->first;
        kept->end = reader.at;
        kept->bytes = field.bytes;
        kept->number = field.number_value;
        message->present |= UINT32_C(1) << field.number;
    }
    return reader.at;
}

/* A field of up to 127 bytes, a small number or eight bytes, whose number has one byte; NULL: it is another one. What
 * its type has no use for stays as it was: nobody reads a text from a number. */
static inline const uint8_t *note_short(struct weft_ottl_message *message, const uint8_t *at, const uint8_t *end)
{
    enum { NUMBER_BYTES = 8 };
    uint32_t number = at[0] >> TYPE_BITS;
    if (end - at < 2 || number >= WEFT_OTTL_FIELD_COUNT || at[0] >= 0x80) {
        return NULL;
    }
    struct weft_ottl_field *kept = &message->fields[number];
    const uint8_t *after = at + 2;
    switch (at[0] & TYPE_MASK) {
    case WEFT_WIRE_BYTES:
        if (at[1] >= 0x80 || at[1] > end - after) {
            return NULL;
        }
        kept->bytes = (struct weft_slice){ after, at[1] };
        after += at[1];
        break;
    case WEFT_WIRE_VARINT:
        if (at[1] >= 0x80) {
            return NULL;
        }
        kept->number = at[1];
        break;
    case WEFT_WIRE_FIXED64:
        if (end - at < 1 + NUMBER_BYTES) {
            return NULL;
        }
        memcpy(&kept->number, at + 1, NUMBER_BYTES);
        after = at + 1 + NUMBER_BYTES;
        break;
    default:
        return NULL;
    }
    if ((message->present >> number & 1) == 0) {
        message->present |= UINT32_C(1) << number;
        kept->first = at;
    }
    kept->end = after;
    return after;
}

/* Short attributes at `at`, one after the other: the byte behind them. */
static inline const uint8_t *skip_items(const uint8_t *at, const uint8_t *end, uint32_t tag)
{
    while (end - at >= 2 && at[0] == tag && at[1] < 0x80 && at[1] <= end - at - 2) {
        at += 2 + at[1];
    }
    return at;
}

/* Of a list it counts where it begins and ends; of attributes nobody asks for the contents of the last. */
void weft_ottl_message_decode(struct weft_ottl_message *message)
{
    const uint8_t *at = message->bytes.bytes;
    const uint8_t *end = at + message->bytes.length;
    uint32_t tag = message->list_field << TYPE_BITS | WEFT_WIRE_BYTES;
    struct weft_ottl_field *list = &message->fields[message->list_field];
    message->present = 0;
    message->is_decoded = true;
    while (at < end) {
        const uint8_t *after = note_short(message, at, end);
        bool is_item = at[0] == tag;
        at = after != NULL ? after : note_other(message, at, end);
        if (is_item) {
            list->end = at = skip_items(at, end, tag);
        }
    }
}
