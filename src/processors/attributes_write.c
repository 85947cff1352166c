/* Writing an edited message (attributes_edit_internal.h): runs of what stays are copied as one piece, and what was
 * inserted goes behind the last attribute. */
#include "processors/attributes_edit_internal.h"

#include "base/assert.h"
#include "base/few_bytes.h"
#include "wire/protobuf.h"

static size_t contents_length(const struct weft_attribute_slot *slot)
{
    return slot->head.length + slot->value.length;
}

static size_t edited_length(const struct weft_attribute_editor *editor)
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

static inline uint8_t *put_bytes(uint8_t *to, struct weft_slice bytes)
{
    return weft_put_few_bytes(to, bytes.bytes, bytes.length);
}

static inline uint8_t *put_run(uint8_t *to, const uint8_t *from, const uint8_t *end)
{
    return weft_put_few_bytes(to, from, (size_t)(end - from));
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

static uint8_t *put_edited(const struct weft_attribute_editor *editor, uint8_t *to)
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

enum weft_status weft_attribute_note_appendix(struct weft_attribute_editor *editor)
{
    struct weft_buffer *out = &editor->appendix;
    size_t length = edited_length(editor) - editor->message.length;
    weft_assert(editor->original_count == 0);
    weft_buffer_clear(out);
    uint8_t *to = weft_buffer_reserve(out, length);
    if (to == NULL) {
        return weft_buffer_status(out);
    }
    for (size_t i = 0; i < editor->count; i++) {
        to = put_slot(&editor->slots[i], editor->field, to);
    }
    out->length = length;
    return WEFT_OK;
}

static uint8_t *put_appended(const struct weft_attribute_editor *editor, uint8_t *to)
{
    const uint8_t *end = editor->message.bytes + editor->message.length;
    to = put_run(to, editor->message.bytes, editor->insert_at);
    to = put_bytes(to, weft_buffer_slice(&editor->appendix));
    return put_run(to, editor->insert_at, end);
}

/* Room for a message of that length behind its frame. NULL if memory is gone. */
static uint8_t *place(struct weft_attribute_editor *editor, uint32_t frame, size_t length)
{
    size_t frame_length = frame == 0 ? 0 : weft_wire_size_bytes_header(frame, length);
    uint8_t *bytes = weft_arena_try_bytes(editor->arena, frame_length + length);
    weft_arena_look_ahead(editor->arena, frame_length + length);
    return bytes == NULL || frame == 0 ? bytes : weft_wire_put_bytes_header(bytes, frame, length);
}

enum weft_status weft_attribute_write_appended(struct weft_attribute_editor *editor, uint32_t frame,
                                               struct weft_slice *out_message)
{
    size_t length = editor->message.length + editor->appendix.length;
    *out_message = editor->message;
    if (editor->appendix.length == 0) {
        return WEFT_OK;
    }
    uint8_t *bytes = place(editor, frame, length);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    editor->is_changed = true;
    const uint8_t *end = put_appended(editor, bytes);
    weft_assert((size_t)(end - bytes) == length);
    *out_message = (struct weft_slice){ bytes, length };
    return WEFT_OK;
}

enum weft_status weft_attribute_write_edited(struct weft_attribute_editor *editor, uint32_t frame,
                                             struct weft_slice *out_message)
{
    size_t length = edited_length(editor);
    uint8_t *bytes = place(editor, frame, length);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    const uint8_t *end = put_edited(editor, bytes);
    weft_assert((size_t)(end - bytes) == length);
    *out_message = weft_slice_of(bytes, length);
    return WEFT_OK;
}
