/* What actions take from the request (attributes_edit.h): the values of metadata, made into values of attributes before
 * the messages of the request come. */
#include <strings.h>

#include "processors/attributes_constant.h"
#include "processors/attributes_edit.h"

/* All values of the key, joined, as a string of a KeyValue. Returns its bytes; 0 if there are no values. */
static size_t put_context(struct weft_buffer *out, const struct weft_metadata *metadata,
                          const struct weft_attribute_step *step)
{
    const char *key = step->context;
    struct weft_slice value = WEFT_SLICE_EMPTY;
    size_t before = out->length;
    if (step->source == WEFT_ATTRIBUTE_FROM_ADDRESS) {
        weft_attribute_constant_put_text(out, metadata == NULL ? value : metadata->address);
        return out->length - before;
    }
    size_t count = step->source == WEFT_ATTRIBUTE_FROM_AUTH ? 0 : weft_metadata_find(metadata, key, &value);
    if (count == 0) {
        return 0;
    }
    struct weft_buffer joined = { 0 };
    bool is_first = true;
    for (size_t i = 0; count > 1 && i < metadata->count; i++) {
        const struct weft_metadata_item *item = &metadata->items[i];
        if (item->key.length == strlen(key) && strncasecmp((const char *)item->key.bytes, key, item->key.length) == 0) {
            weft_buffer_append_text(&joined, is_first ? "" : ";");
            weft_buffer_append(&joined, item->value.bytes, item->value.length);
            is_first = false;
        }
    }
    weft_attribute_constant_put_text(out, count > 1 ? weft_buffer_slice(&joined) : value);
    out->is_failed = out->is_failed || joined.is_failed;
    weft_buffer_fini(&joined);
    return out->length - before;
}

enum weft_status weft_attribute_editor_begin(struct weft_attribute_editor *editor, const struct weft_metadata *metadata)
{
    const struct weft_attribute_program *program = editor->program;
    struct weft_buffer *bytes = &editor->context_bytes;
    weft_buffer_clear(bytes);
    editor->appendix_field = 0;
    for (size_t i = 0; program->context_count > 0 && i < program->step_count; i++) {
        const struct weft_attribute_step *step = &program->steps[i];
        if (step->context != NULL) {
            editor->contexts[step->context_index].length = put_context(bytes, metadata, step);
        }
    }
    const uint8_t *at = bytes->bytes;
    for (size_t i = 0; i < program->context_count; i++) {
        editor->contexts[i].bytes = at;
        at += editor->contexts[i].length;
    }
    return weft_buffer_status(bytes);
}
