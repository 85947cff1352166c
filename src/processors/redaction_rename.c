/* Keys as texts (redaction_value.h): with scope `all` a secret in a key is masked there. The KeyValue is written anew
 * with the other key first, in the batch's arena, and its value is looked at in there. */
#include "processors/redaction_value.h"
#include "wire/checked.h"

/* Writes the KeyValue with its keys masked behind what is in out. False if nothing is to be masked. */
static bool put_renamed(struct weft_redactor *redactor, struct weft_slice key_value)
{
    struct weft_rewriting rewriting = weft_rewriting_of(key_value);
    struct weft_wire_reader reader = weft_wire_reader_of(key_value);
    struct weft_wire_field field;
    struct weft_slice masked;
    while (weft_wire_next_checked(&reader, &field)) {
        size_t at = redactor->out.length;
        if (field.number == WEFT_OTLP_KEY_FIELD && field.type == WEFT_WIRE_BYTES &&
            weft_redaction_mask(&redactor->matcher, field.bytes, &masked)) {
            weft_buffer_append(&redactor->out, masked.bytes, masked.length);
            weft_rewrite_replace(&redactor->out, &rewriting, &field, WEFT_OTLP_KEY_FIELD, at);
        }
    }
    return weft_rewrite_finish(&redactor->out, &rewriting, key_value);
}

bool weft_redactor_rename_key(struct weft_redactor *redactor, const struct weft_wire_field *field,
                              struct weft_redaction_renaming *out_renaming)
{
    size_t at = redactor->out.length;
    if (!put_renamed(redactor, field->bytes)) {
        return false;
    }
    size_t length = redactor->out.length - at;
    uint8_t *bytes = weft_arena_try_bytes(redactor->arena, length + 1);
    if (bytes == NULL || weft_buffer_status(&redactor->out) != WEFT_OK) {
        redactor->out.is_failed = true;
        return false;
    }
    memcpy(bytes, redactor->out.bytes + at, length);
    redactor->out.length = at;
    out_renaming->field = *field;
    out_renaming->field.bytes = weft_slice_of(bytes, length);
    out_renaming->key = weft_rewrite_key_of(out_renaming->field.bytes);
    return true;
}

void weft_redactor_put_renamed(struct weft_redactor *redactor, struct weft_rewriting *rewriting,
                               const struct weft_redaction_renaming *renaming)
{
    bool is_written = rewriting->kept_from == weft_rewrite_end_of(renaming->field.whole);
    if (!is_written) {
        size_t at = redactor->out.length;
        weft_buffer_append(&redactor->out, renaming->field.bytes.bytes, renaming->field.bytes.length);
        weft_rewrite_replace(&redactor->out, rewriting, &renaming->field, renaming->field.number, at);
        weft_redactor_note(redactor, WEFT_REDACTION_NOTE_MASKED);
    }
}
