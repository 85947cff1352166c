/* Writing an edited message (attributes_edit_internal.h): runs of what stays are copied as one piece, and what was
 * inserted goes behind the last attribute. */
#include "processors/attributes_edit_internal.h"

#include "wire/protobuf.h"

static size_t contents_length(const struct weft_attribute_slot *slot)
{
    return slot->head.length + slot->value.length;
}

size_t weft_attribute_edited_length(const struct weft_attribute_editor *editor)
{
    size_t length = editor->message.length;
    for (size_t i = 0; i < editor->count; i++) {
        const struct weft_attribute_slot *slot = &editor->slots[i];
        if (slot->state != WEFT_ATTRIBUTE_KEPT) {
            length -= slot->whole.length;
        }
        if (slot->state == WEFT_ATTRIBUTE_CHANGED) {
            size_t contents = contents_length(slot);
            length += 1 + weft_wire_size_length(contents) + contents;
        }
    }
    return length;
}

static uint8_t *put_bytes(uint8_t *to, struct weft_slice bytes)
{
    if (bytes.length > 0) {
        memcpy(to, bytes.bytes, bytes.length);
    }
    return to + bytes.length;
}

static uint8_t *put_run(uint8_t *to, const uint8_t *from, const uint8_t *end)
{
    return put_bytes(to, weft_slice_of(from, (size_t)(end - from)));
}

static uint8_t *put_slot(const struct weft_attribute_slot *slot, uint32_t field, uint8_t *to)
{
    if (slot->state == WEFT_ATTRIBUTE_DELETED) {
        return to;
    }
    *to++ = (uint8_t)(field << 3 | WEFT_WIRE_BYTES);
    to = weft_wire_put_length(to, contents_length(slot));
    return put_bytes(put_bytes(to, slot->head), slot->value);
}

uint8_t *weft_attribute_put_edited(const struct weft_attribute_editor *editor, uint8_t *to)
{
    const uint8_t *kept_from = editor->message.bytes;
    for (size_t i = 0; i < editor->original_count; i++) {
        const struct weft_attribute_slot *slot = &editor->slots[i];
        if (slot->state != WEFT_ATTRIBUTE_KEPT) {
            to = put_run(to, kept_from, slot->whole.bytes);
            to = put_slot(slot, editor->field, to);
            kept_from = slot->whole.bytes + slot->whole.length;
        }
    }
    to = put_run(to, kept_from, editor->insert_at);
    for (size_t i = editor->original_count; i < editor->count; i++) {
        to = put_slot(&editor->slots[i], editor->field, to);
    }
    return put_run(to, editor->insert_at, editor->message.bytes + editor->message.length);
}
