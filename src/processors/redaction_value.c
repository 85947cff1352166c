/* Values and what lies in them (redaction_value.h): maps and arrays, down to texts. How deep they lie in one another is
 * bounded by the check, and so is the recursion here. */
#include "processors/redaction_value.h"
#include "wire/checked.h"

/* ---- paths and notes ---- */

static bool has_paths(const struct weft_redactor *redactor)
{
    return redactor->notes.level == WEFT_REDACTION_DEBUG || redactor->explanation != NULL;
}

/* Returns what leave takes. */
size_t weft_redactor_enter_key(struct weft_redactor *redactor, struct weft_slice key)
{
    size_t length = redactor->path.length;
    if (has_paths(redactor)) {
        weft_buffer_append(&redactor->path, ".", redactor->path_depth == 0 ? 0 : 1);
        weft_buffer_append(&redactor->path, key.bytes, key.length);
    }
    redactor->path_depth++;
    return length;
}

static size_t path_enter_index(struct weft_redactor *redactor, size_t index)
{
    size_t length = redactor->path.length;
    if (has_paths(redactor)) {
        weft_buffer_append_format(&redactor->path, "%s[%zu]", redactor->path_depth == 0 ? "" : ".", index);
    }
    redactor->path_depth++;
    return length;
}

void weft_redactor_leave(struct weft_redactor *redactor, size_t length)
{
    redactor->path.length = length;
    redactor->path_depth--;
}

/* "masked a.b by detector email". What no rule masked met a limit. */
static void explain(struct weft_redactor *redactor, enum weft_redaction_note kind)
{
    static const char *const words[][2] = {
        [WEFT_REDACTION_NOTE_REDACTED] = { "removed", "allowed_keys" },
        [WEFT_REDACTION_NOTE_MASKED] = { "masked", "a match limit" },
        [WEFT_REDACTION_NOTE_ALLOWED] = { "left", "allowed_values" },
        [WEFT_REDACTION_NOTE_IGNORED] = { "left", "ignored_keys or ignored_key_patterns" },
    };
    bool has_names = kind == WEFT_REDACTION_NOTE_MASKED && redactor->found_by.length > 0;
    struct weft_slice names = has_names ? weft_buffer_slice(&redactor->found_by) : weft_slice_of_text(words[kind][1]);
    weft_buffer_append_format(redactor->explanation, "%s ", words[kind][0]);
    weft_buffer_append_json_string(redactor->explanation, weft_buffer_slice(&redactor->path));
    weft_buffer_append_format(redactor->explanation, " by %.*s\n", WEFT_SLICE_PRINT(names));
    weft_buffer_clear(&redactor->found_by);
}

void weft_redactor_note(struct weft_redactor *redactor, enum weft_redaction_note kind)
{
    if (redactor->explanation != NULL) {
        explain(redactor, kind);
    }
    redactor->counts.masked += kind == WEFT_REDACTION_NOTE_MASKED;
    redactor->counts.removed += kind == WEFT_REDACTION_NOTE_REDACTED;
    if (redactor->notes.level >= WEFT_REDACTION_INFO) {
        weft_redaction_notes_add(&redactor->notes, redactor->is_body, kind, weft_buffer_slice(&redactor->path));
    }
}

/* ---- values ---- */

/* In bodies every value is looked at as text, in attributes only strings are, unless the config says more. */
static bool wants_all_types(const struct weft_redactor *redactor)
{
    return redactor->is_body || redactor->matcher.rules->redact_all_types;
}

/* borrowed until the next call. */
struct weft_slice weft_redactor_text_of(struct weft_redactor *redactor, const struct weft_otlp_value *value)
{
    if (value->kind == WEFT_OTLP_VALUE_STRING) {
        return value->bytes;
    }
    weft_buffer_clear(&redactor->text);
    weft_buffer_clear(&redactor->stack);
    weft_otlp_put_text(value, &redactor->stack, &redactor->text);
    if (weft_buffer_status(&redactor->text) != WEFT_OK || weft_buffer_status(&redactor->stack) != WEFT_OK) {
        redactor->out.is_failed = true;
    }
    return weft_buffer_slice(&redactor->text);
}

/* Masks a text within a value; true if *out_masked is to take its place. */
static bool mask_inner_text(struct weft_redactor *redactor, struct weft_slice text, struct weft_slice *out_masked)
{
    if (weft_redaction_allows(&redactor->matcher, text)) {
        weft_redactor_note(redactor, WEFT_REDACTION_NOTE_ALLOWED);
        return false;
    }
    bool is_masked = weft_redaction_mask_value(&redactor->matcher, redactor->sanitizing, text, out_masked);
    if (is_masked) {
        weft_redactor_note(redactor, WEFT_REDACTION_NOTE_MASKED);
    }
    return is_masked;
}

static bool redact_array(struct weft_redactor *redactor, struct weft_slice array)
{
    struct weft_rewriting rewriting = weft_rewriting_of(array);
    struct weft_wire_reader reader = weft_wire_reader_of(array);
    struct weft_wire_field field;
    size_t index = 0;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number != 1 || field.type != WEFT_WIRE_BYTES) {
            continue;
        }
        size_t path = path_enter_index(redactor, index++);
        size_t at = redactor->out.length;
        if (weft_redactor_value(redactor, field.bytes)) {
            weft_rewrite_replace(&redactor->out, &rewriting, &field, 1, at);
        }
        weft_redactor_leave(redactor, path);
    }
    return weft_rewrite_finish(&redactor->out, &rewriting, array);
}

/* The values of a KeyValue whose key says nothing about them. */
bool weft_redactor_inner_values(struct weft_redactor *redactor, struct weft_slice key_value)
{
    struct weft_rewriting rewriting = weft_rewriting_of(key_value);
    struct weft_wire_reader reader = weft_wire_reader_of(key_value);
    struct weft_wire_field field;
    bool has_value = false;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number != WEFT_OTLP_VALUE_FIELD || field.type != WEFT_WIRE_BYTES) {
            continue;
        }
        size_t at = redactor->out.length;
        has_value = true;
        if (weft_redactor_value(redactor, field.bytes)) {
            weft_rewrite_replace(&redactor->out, &rewriting, &field, WEFT_OTLP_VALUE_FIELD, at);
        }
    }
    if (!has_value) {
        struct weft_wire_field end = { .whole = { weft_rewrite_end_of(key_value), 0 } };
        size_t at = redactor->out.length;
        if (weft_redactor_value(redactor, end.whole)) {
            weft_rewrite_replace(&redactor->out, &rewriting, &end, WEFT_OTLP_VALUE_FIELD, at);
        }
    }
    return weft_rewrite_finish(&redactor->out, &rewriting, key_value);
}

/* In the place of the field, a KeyValue: the same with a mask for each line of its text, if it is one. */
void weft_redactor_mask_key_value(struct weft_redactor *redactor, struct weft_rewriting *rewriting,
                                  const struct weft_wire_field *field, struct weft_slice text)
{
    struct weft_buffer *lines = &redactor->stack;
    size_t at = redactor->out.length;
    weft_buffer_clear(lines);
    weft_redaction_mask_lines(&redactor->matcher, text, lines);
    redactor->out.is_failed = redactor->out.is_failed || weft_buffer_status(lines) != WEFT_OK;
    weft_redaction_count_value(&redactor->matcher.tally, WEFT_REDACTION_BLOCKED_KEY, 0);
    if (redactor->explanation != NULL) {
        weft_buffer_clear(&redactor->found_by);
        weft_buffer_append_text(&redactor->found_by, "blocked_key_patterns");
    }
    struct weft_slice key;
    struct weft_slice plain;
    if (!weft_rewrite_read_plain(field->bytes, &key, &plain) || !weft_slice_equal(plain, weft_buffer_slice(lines))) {
        weft_rewrite_put_text_value(&redactor->out, field->bytes, weft_buffer_slice(lines));
        weft_rewrite_replace(&redactor->out, rewriting, field, field->number, at);
    }
    weft_redactor_note(redactor, WEFT_REDACTION_NOTE_MASKED);
}

/* The value of a member that stays; field is as it is named now. */
static void redact_member_value(struct weft_redactor *redactor, struct weft_rewriting *rewriting,
                                const struct weft_wire_field *field, bool is_masked)
{
    size_t at = redactor->out.length;
    if (is_masked) {
        struct weft_otlp_value value = weft_otlp_value_of(field->bytes, WEFT_OTLP_VALUE_FIELD);
        weft_redactor_mask_key_value(redactor, rewriting, field,
                                     value.kind == WEFT_OTLP_VALUE_STRING ? value.bytes : WEFT_SLICE_EMPTY);
    } else if (weft_redactor_inner_values(redactor, field->bytes)) {
        weft_rewrite_replace(&redactor->out, rewriting, field, field->number, at);
    }
}

/* A KeyValue in a map. allowed_keys speaks of those in bodies, at any depth, but not of those in attributes. */
static void redact_member(struct weft_redactor *redactor, struct weft_rewriting *rewriting,
                          const struct weft_wire_field *field)
{
    struct weft_slice key = weft_rewrite_key_of(field->bytes);
    struct weft_redaction_renaming renaming;
    bool is_renamed = weft_redactor_rename(redactor, field, &renaming);
    size_t path = weft_redactor_enter_key(redactor, is_renamed ? renaming.key : key);
    enum weft_redaction_verdict verdict = weft_redaction_judge_key(&redactor->matcher, key, redactor->is_body);
    if (verdict == WEFT_REDACTION_IGNORE) {
        weft_redactor_note(redactor, WEFT_REDACTION_NOTE_IGNORED);
    } else if (verdict == WEFT_REDACTION_REMOVE) {
        weft_rewrite_drop(&redactor->out, rewriting, field);
        weft_redactor_note(redactor, WEFT_REDACTION_NOTE_REDACTED);
    } else {
        redact_member_value(redactor, rewriting, is_renamed ? &renaming.field : field, verdict == WEFT_REDACTION_MASK);
        if (is_renamed) {
            weft_redactor_put_renamed(redactor, rewriting, &renaming);
        }
    }
    weft_redactor_leave(redactor, path);
}

static bool redact_map(struct weft_redactor *redactor, struct weft_slice map)
{
    struct weft_rewriting rewriting = weft_rewriting_of(map);
    struct weft_wire_reader reader = weft_wire_reader_of(map);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number == 1 && field.type == WEFT_WIRE_BYTES) {
            redact_member(redactor, &rewriting, &field);
        }
    }
    return weft_rewrite_finish(&redactor->out, &rewriting, map);
}

static struct weft_otlp_value value_of_member(const struct weft_wire_field *field)
{
    struct weft_otlp_value value = { .kind = (enum weft_otlp_value_kind)field->number, .bytes = field->bytes };
    if (value.kind == WEFT_OTLP_VALUE_BOOL) {
        value.is_true = field->number_value != 0;
    } else if (value.kind == WEFT_OTLP_VALUE_INT) {
        value.integer = (int64_t)field->number_value;
    } else if (value.kind == WEFT_OTLP_VALUE_DOUBLE) {
        memcpy(&value.real, &field->number_value, sizeof value.real);
    }
    return value;
}

/* One member of an AnyValue. */
static void redact_any_member(struct weft_redactor *redactor, struct weft_rewriting *rewriting,
                              const struct weft_wire_field *field)
{
    size_t at = redactor->out.length;
    struct weft_slice masked;
    if (field->number == WEFT_OTLP_VALUE_ARRAY || field->number == WEFT_OTLP_VALUE_MAP) {
        bool is_array = field->number == WEFT_OTLP_VALUE_ARRAY;
        if (is_array ? redact_array(redactor, field->bytes) : redact_map(redactor, field->bytes)) {
            weft_rewrite_replace(&redactor->out, rewriting, field, field->number, at);
        }
        return;
    }
    if (field->number == WEFT_OTLP_VALUE_BYTES && redactor->matcher.rules->scope == WEFT_REDACTION_ALL &&
        !weft_redaction_allows(&redactor->matcher, field->bytes) &&
        weft_redaction_mask(&redactor->matcher, field->bytes, &masked)) {
        weft_buffer_append(&redactor->out, masked.bytes, masked.length);
        weft_rewrite_replace(&redactor->out, rewriting, field, WEFT_OTLP_VALUE_BYTES, at);
        weft_redactor_note(redactor, WEFT_REDACTION_NOTE_MASKED);
        return;
    }
    if (field->number != WEFT_OTLP_VALUE_STRING && !wants_all_types(redactor)) {
        return;
    }
    struct weft_otlp_value value = value_of_member(field);
    if (mask_inner_text(redactor, weft_redactor_text_of(redactor, &value), &masked)) {
        weft_buffer_append(&redactor->out, masked.bytes, masked.length);
        weft_rewrite_replace(&redactor->out, rewriting, field, WEFT_OTLP_VALUE_STRING, at);
    }
}

/* An AnyValue. Each member that it has is looked at, though only the last one counts: the others lie in the bytes that
 * leave, too. */
bool weft_redactor_value(struct weft_redactor *redactor, struct weft_slice any_value)
{
    struct weft_rewriting rewriting = weft_rewriting_of(any_value);
    struct weft_wire_reader reader = weft_wire_reader_of(any_value);
    struct weft_wire_field field;
    bool has_member = false;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number <= WEFT_OTLP_VALUE_BYTES) {
            has_member = true;
            redact_any_member(redactor, &rewriting, &field);
        }
    }
    struct weft_slice masked;
    if (!has_member && redactor->is_body && mask_inner_text(redactor, WEFT_SLICE_EMPTY, &masked)) {
        struct weft_wire_field end = { .whole = { weft_rewrite_end_of(any_value), 0 } };
        size_t at = redactor->out.length;
        weft_buffer_append(&redactor->out, masked.bytes, masked.length);
        weft_rewrite_replace(&redactor->out, &rewriting, &end, WEFT_OTLP_VALUE_STRING, at);
    }
    return weft_rewrite_finish(&redactor->out, &rewriting, any_value);
}
