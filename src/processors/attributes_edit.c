/* Editing the attributes of one record (attributes_edit.h): read, apply, measure, write. Nothing is copied until the
 * record is written, since a changed attribute is a pair of slices: where its key comes from and where its value does.
 */
#include "processors/attributes_edit.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "wire/protobuf.h"

void weft_attribute_editor_fini(struct weft_attribute_editor *editor)
{
    weft_otlp_attributes_fini(&editor->attributes);
    weft_free(editor->items);
    *editor = (struct weft_attribute_editor){ 0 };
}

static enum weft_status push(struct weft_attribute_editor *editor, const struct weft_edited_attribute *attribute)
{
    if (editor->count == editor->capacity &&
        weft_try_grow(&editor->items, sizeof *editor->items, editor->count, &editor->capacity) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    editor->items[editor->count++] = *attribute;
    return WEFT_OK;
}

static enum weft_status read_record(struct weft_attribute_editor *editor, struct weft_slice record, uint32_t field)
{
    enum weft_status status = weft_otlp_attributes_read(record, field, &editor->attributes);
    editor->count = 0;
    for (size_t i = 0; status == WEFT_OK && i < editor->attributes.count; i++) {
        const struct weft_otlp_attribute *attribute = &editor->attributes.items[i];
        status = push(editor, &(struct weft_edited_attribute){ .key = attribute->key,
                                                               .whole = attribute->whole,
                                                               .base = attribute->contents,
                                                               .value_source = attribute->contents });
    }
    editor->original_count = editor->count;
    return status;
}

/* ---- applying ---- */

static struct weft_edited_attribute *find(struct weft_attribute_editor *editor, struct weft_slice key)
{
    for (size_t i = 0; i < editor->count; i++) {
        struct weft_edited_attribute *attribute = &editor->items[i];
        if (!attribute->is_deleted && weft_slice_equal(attribute->key, key)) {
            return attribute;
        }
    }
    return NULL;
}

static enum weft_status set(struct weft_attribute_editor *editor, const struct weft_attribute_edit *edit,
                            bool *in_out_is_changed)
{
    struct weft_edited_attribute *target = find(editor, edit->key);
    bool is_wanted = target == NULL ? edit->action != WEFT_ATTRIBUTE_UPDATE : edit->action != WEFT_ATTRIBUTE_INSERT;
    if (!is_wanted) {
        return WEFT_OK;
    }
    struct weft_slice value_source = edit->key_value;
    if (edit->from_key.length > 0) {
        const struct weft_edited_attribute *source = find(editor, edit->from_key);
        if (source == NULL) {
            return WEFT_OK;
        }
        value_source = source->value_source;
    }
    *in_out_is_changed = true;
    if (target == NULL) {
        return push(editor,
                    &(struct weft_edited_attribute){
                        .key = edit->key, .base = edit->key_value, .value_source = value_source, .is_changed = true });
    }
    target->value_source = value_source;
    target->is_changed = true;
    return WEFT_OK;
}

static enum weft_status apply(struct weft_attribute_editor *editor, const struct weft_attribute_edit *edits,
                              size_t edit_count, bool *out_is_changed)
{
    bool is_changed = false;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < edit_count; i++) {
        if (edits[i].action == WEFT_ATTRIBUTE_DELETE) {
            struct weft_edited_attribute *target = find(editor, edits[i].key);
            if (target != NULL) {
                target->is_deleted = true;
                is_changed = true;
            }
        } else {
            status = set(editor, &edits[i], &is_changed);
        }
    }
    *out_is_changed = is_changed;
    return status;
}

/* ---- writing ---- */

static bool same_bytes(struct weft_slice left, struct weft_slice right)
{
    return left.bytes == right.bytes && left.length == right.length;
}

/* Fields of a KeyValue that are values, or all the others; to may be NULL for measuring. Returns their length. */
static size_t copy_fields(struct weft_slice key_value, bool wants_values, uint8_t *to)
{
    size_t length = 0;
    struct weft_wire_reader reader = weft_wire_reader_of(key_value);
    struct weft_wire_field field;
    bool has_field = true;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        bool is_value = field.number == WEFT_OTLP_VALUE_FIELD && field.type == WEFT_WIRE_BYTES;
        if (is_value != wants_values) {
            continue;
        }
        if (to != NULL) {
            memcpy(to + length, field.whole.bytes, field.whole.length);
        }
        length += field.whole.length;
    }
    return length;
}

static size_t contents_length(const struct weft_edited_attribute *attribute)
{
    if (same_bytes(attribute->base, attribute->value_source)) {
        return attribute->base.length;
    }
    return copy_fields(attribute->base, false, NULL) + copy_fields(attribute->value_source, true, NULL);
}

static uint8_t *put_attribute(const struct weft_edited_attribute *attribute, uint32_t field, uint8_t *to)
{
    to = weft_wire_put_bytes_header(to, field, contents_length(attribute));
    if (same_bytes(attribute->base, attribute->value_source)) {
        memcpy(to, attribute->base.bytes, attribute->base.length);
        return to + attribute->base.length;
    }
    to += copy_fields(attribute->base, false, to);
    return to + copy_fields(attribute->value_source, true, to);
}

static size_t new_length(const struct weft_attribute_editor *editor, size_t record_length, uint32_t field)
{
    size_t length = record_length;
    for (size_t i = 0; i < editor->count; i++) {
        const struct weft_edited_attribute *attribute = &editor->items[i];
        if (attribute->is_deleted || attribute->is_changed) {
            length -= attribute->whole.length;
        }
        if (attribute->is_changed && !attribute->is_deleted) {
            size_t contents = contents_length(attribute);
            length += weft_wire_size_bytes_header(field, contents) + contents;
        }
    }
    return length;
}

static uint8_t *put_bytes(uint8_t *to, const uint8_t *from, const uint8_t *end)
{
    memcpy(to, from, (size_t)(end - from));
    return to + (end - from);
}

/* Runs of what stays are copied as one piece. */
static uint8_t *put_record(const struct weft_attribute_editor *editor, struct weft_slice record, uint32_t field,
                           uint8_t *to)
{
    const uint8_t *end = record.bytes + record.length;
    const uint8_t *kept_from = record.bytes;
    const uint8_t *insert_at = end;
    for (size_t i = 0; i < editor->original_count; i++) {
        const struct weft_edited_attribute *attribute = &editor->items[i];
        insert_at = attribute->whole.bytes + attribute->whole.length;
        if (!attribute->is_changed && !attribute->is_deleted) {
            continue;
        }
        to = put_bytes(to, kept_from, attribute->whole.bytes);
        to = attribute->is_deleted ? to : put_attribute(attribute, field, to);
        kept_from = insert_at;
    }
    to = put_bytes(to, kept_from, insert_at);
    for (size_t i = editor->original_count; i < editor->count; i++) {
        to = editor->items[i].is_deleted ? to : put_attribute(&editor->items[i], field, to);
    }
    return put_bytes(to, insert_at, end);
}

enum weft_status weft_attributes_edit(struct weft_attribute_editor *editor, const struct weft_attribute_edit *edits,
                                      size_t edit_count, uint32_t field, struct weft_arena *arena,
                                      struct weft_slice *in_out_record)
{
    bool is_changed = false;
    enum weft_status status = read_record(editor, *in_out_record, field);
    if (status == WEFT_OK) {
        status = apply(editor, edits, edit_count, &is_changed);
    }
    if (status != WEFT_OK || !is_changed) {
        return status;
    }
    size_t length = new_length(editor, in_out_record->length, field);
    uint8_t *bytes = weft_arena_try_bytes(arena, length);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    uint8_t *end = put_record(editor, *in_out_record, field, bytes);
    weft_assert((size_t)(end - bytes) == length);
    *in_out_record = weft_slice_of(bytes, length);
    return WEFT_OK;
}
