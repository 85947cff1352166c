/* Redacting records, resources and scopes on the wire (redaction_walk.h): the rules for
 * attributes, bodies and other strings where they stand (redaction_places.h). Messages are read field by field; only
 * one in which something changes is written anew, into `out`, and the outermost one from there to the arena. */
#include "processors/redaction_walk.h"

#include "base/alloc.h"
#include "processors/redaction_value.h"
#include "wire/checked.h"

/* ---- attributes ---- */

/* What the Collector sees of a value: of what is no string, nothing. */
struct seen {
    struct weft_slice key, text;
    bool is_plain; /* there is nothing else in the KeyValue */
    bool is_seen;  /* text is all of the value */
};

static struct seen see(struct weft_redactor *redactor, struct weft_slice key_value)
{
    struct seen seen = { .is_plain = true, .is_seen = true };
    if (!weft_rewrite_read_plain(key_value, &seen.key, &seen.text)) {
        struct weft_otlp_value value = weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD);
        seen.is_plain = false;
        seen.is_seen = value.kind == WEFT_OTLP_VALUE_STRING || redactor->matcher.rules->redact_all_types;
        seen.text = seen.is_seen ? weft_redactor_text_of(redactor, &value) : WEFT_SLICE_EMPTY;
        seen.key = weft_rewrite_key_of(key_value);
    }
    return seen;
}

/* The value of an attribute that stays. */
static void redact_attribute_value(struct weft_redactor *redactor, struct weft_rewriting *rewriting,
                                   const struct weft_wire_field *field, const struct seen *seen,
                                   enum weft_redaction_verdict verdict)
{
    size_t at = redactor->out.length;
    struct weft_slice masked;
    if (weft_redaction_allows(&redactor->matcher, seen->text)) {
        weft_redactor_note(redactor, WEFT_REDACTION_NOTE_ALLOWED);
        if (!seen->is_seen && weft_redactor_inner_values(redactor, field->bytes)) {
            weft_rewrite_replace(&redactor->out, rewriting, field, field->number, at);
        }
    } else if (verdict == WEFT_REDACTION_MASK) {
        weft_redactor_mask_key_value(redactor, rewriting, field, seen->text);
    } else if (weft_redaction_mask_value(&redactor->matcher, redactor->sanitizing, seen->text, &masked)) {
        weft_rewrite_put_text_value(&redactor->out, field->bytes, masked);
        weft_rewrite_replace(&redactor->out, rewriting, field, field->number, at);
        weft_redactor_note(redactor, WEFT_REDACTION_NOTE_MASKED);
    } else if (!seen->is_plain && weft_redactor_inner_values(redactor, field->bytes)) {
        weft_rewrite_replace(&redactor->out, rewriting, field, field->number, at);
    }
}

static void redact_attribute(struct weft_redactor *redactor, struct weft_rewriting *rewriting,
                             const struct weft_wire_field *field)
{
    struct weft_redaction_matcher *matcher = &redactor->matcher;
    struct seen seen = see(redactor, field->bytes);
    struct weft_redaction_renaming renaming;
    bool is_renamed = weft_redactor_rename(redactor, field, &renaming);
    size_t path = weft_redactor_enter_key(redactor, is_renamed ? renaming.key : seen.key);
    enum weft_redaction_verdict verdict = weft_redaction_judge_key(matcher, seen.key, true);
    const struct weft_redaction_sanitizers *sanitizers = &matcher->rules->sanitizers;
    if (sanitizers->enabled != 0) {
        bool is_log = redactor->signal == WEFT_LOGS;
        redactor->sanitizing = weft_redaction_sanitizing_of(sanitizers, &redactor->system, is_log, seen.key);
    }
    if (verdict == WEFT_REDACTION_IGNORE) {
        weft_redactor_note(redactor, WEFT_REDACTION_NOTE_IGNORED);
    } else if (verdict == WEFT_REDACTION_REMOVE) {
        weft_rewrite_drop(&redactor->out, rewriting, field);
        weft_redactor_note(redactor, WEFT_REDACTION_NOTE_REDACTED);
    } else {
        redact_attribute_value(redactor, rewriting, is_renamed ? &renaming.field : field, &seen, verdict);
        if (is_renamed) {
            weft_redactor_put_renamed(redactor, rewriting, &renaming);
        }
    }
    redactor->sanitizing.set = 0;
    weft_redactor_leave(redactor, path);
}

/* ---- bodies ---- */

/* The body of a log record, or a piece of one. A body that is no map and no array is named "body", and one that is
 * allowed is not told of. */
static void redact_body(struct weft_redactor *redactor, struct weft_rewriting *rewriting,
                        const struct weft_wire_field *field)
{
    struct weft_otlp_value value = weft_otlp_value_of(field->whole, WEFT_OTLP_BODY_FIELD);
    bool is_scalar = value.kind != WEFT_OTLP_VALUE_ARRAY && value.kind != WEFT_OTLP_VALUE_MAP;
    size_t at = redactor->out.length;
    bool is_changed = false;
    redactor->is_body = true;
    redactor->sanitizing = (struct weft_sanitizing){ .set = redactor->matcher.rules->sanitizers.enabled };
    if (!is_scalar) {
        is_changed = weft_redactor_value(redactor, field->bytes);
    } else {
        size_t path = weft_redactor_enter_key(redactor, WEFT_SLICE_LITERAL("body"));
        is_changed = !weft_redaction_allows(&redactor->matcher, weft_redactor_text_of(redactor, &value)) &&
                     weft_redactor_value(redactor, field->bytes);
        weft_redactor_leave(redactor, path);
    }
    if (is_changed) {
        weft_rewrite_replace(&redactor->out, rewriting, field, WEFT_OTLP_BODY_FIELD, at);
    }
    redactor->is_body = false;
    redactor->sanitizing.set = 0;
}

/* ---- messages ---- */

/* A string that is no attribute. One that is allowed is not told of. */
static void redact_text(struct weft_redactor *redactor, struct weft_rewriting *rewriting,
                        const struct weft_wire_field *field, const char *name)
{
    struct weft_slice masked;
    size_t at = redactor->out.length;
    if (weft_redaction_allows(&redactor->matcher, field->bytes) ||
        !weft_redaction_mask(&redactor->matcher, field->bytes, &masked)) {
        return;
    }
    weft_buffer_append(&redactor->out, masked.bytes, masked.length);
    weft_rewrite_replace(&redactor->out, rewriting, field, field->number, at);
    size_t path = weft_redactor_enter_key(redactor, weft_slice_of_text(name));
    weft_redactor_note(redactor, WEFT_REDACTION_NOTE_MASKED);
    weft_redactor_leave(redactor, path);
}

/* Behind what was written of the message from `at` on, or instead of it as it came: with its summary. */
static bool summarize(struct weft_redactor *redactor, const struct weft_redaction_place *place,
                      const struct weft_redaction_page *page, struct weft_slice message, size_t at, bool is_changed)
{
    if (weft_buffer_status(&redactor->out) != WEFT_OK) {
        return is_changed; /* what is there may end anywhere */
    }
    struct weft_slice contents = message;
    if (is_changed) { /* to nothing, maybe, before anything was ever written */
        bool is_empty = redactor->out.length == at;
        contents = is_empty ? WEFT_SLICE_EMPTY : weft_slice_of(redactor->out.bytes + at, redactor->out.length - at);
    }
    struct weft_slice with_summary;
    if (!weft_redaction_notes_write(&redactor->notes, page, contents, place->attributes, &with_summary)) {
        return is_changed;
    }
    redactor->out.length = at;
    weft_buffer_append(&redactor->out, with_summary.bytes, with_summary.length);
    redactor->out.is_failed = redactor->out.is_failed || weft_redaction_notes_status(&redactor->notes) != WEFT_OK;
    return true;
}

/* What only touches it counts, too: a field without contents has no place of its own. */
static bool is_suspected(const struct weft_redactor *redactor, struct weft_slice contents)
{
    return contents.bytes <= weft_rewrite_end_of(redactor->suspected) &&
           weft_rewrite_end_of(contents) >= redactor->suspected.bytes;
}

static bool redact_message(struct weft_redactor *redactor, const struct weft_redaction_place *place,
                           struct weft_slice message)
{
    const struct weft_redaction_place *inner;
    const char *name;
    struct weft_redaction_page page;
    struct weft_rewriting rewriting = weft_rewriting_of(message);
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    size_t start = redactor->out.length;
    bool has_body = false;
    struct weft_redaction_system system = { .is_named = false };
    const struct weft_redaction_sanitizers *sanitizers = &redactor->matcher.rules->sanitizers;
    if (sanitizers->enabled != 0 && place->attributes != 0) {
        system = weft_redaction_system_of(sanitizers, message, place->attributes);
    }
    if (place->attributes != 0) { /* notes of a message without any are told by the one around it */
        weft_redaction_notes_begin(&redactor->notes, &page);
    }
    while (weft_wire_next_checked(&reader, &field)) {
        size_t at = redactor->out.length;
        if (field.type != WEFT_WIRE_BYTES || (field.number != place->body && !is_suspected(redactor, field.bytes))) {
            continue;
        }
        if (field.number == place->attributes) {
            redactor->system = system;
            redact_attribute(redactor, &rewriting, &field);
        } else if (field.number == place->body) {
            has_body = true;
            redact_body(redactor, &rewriting, &field);
        } else if ((name = weft_redaction_text_name(place, field.number)) != NULL) {
            redact_text(redactor, &rewriting, &field, name);
        } else if ((inner = weft_redaction_inner_place(place, field.number)) != NULL &&
                   redact_message(redactor, inner, field.bytes)) {
            weft_rewrite_replace(&redactor->out, &rewriting, &field, field.number, at);
        }
    }
    if (place->body != 0 && !has_body) {
        field = (struct weft_wire_field){ .whole = { weft_rewrite_end_of(message), 0 },
                                          .bytes = { weft_rewrite_end_of(message), 0 } };
        redact_body(redactor, &rewriting, &field);
    }
    bool is_changed = weft_rewrite_finish(&redactor->out, &rewriting, message);
    if (place->attributes != 0) {
        is_changed = summarize(redactor, place, &page, message, start, is_changed);
        weft_redaction_notes_end(&redactor->notes, &page);
    }
    return is_changed;
}

/* What was written becomes the message, in the batch's arena. */
static enum weft_status take(struct weft_redactor *redactor, bool is_changed, struct weft_slice *in_out_message)
{
    if (weft_buffer_status(&redactor->out) != WEFT_OK || weft_buffer_status(&redactor->path) != WEFT_OK ||
        weft_redaction_notes_status(&redactor->notes) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    if (!is_changed) {
        return WEFT_OK;
    }
    uint8_t *bytes = weft_arena_try_bytes(redactor->arena, redactor->out.length + 1); /* a message may become empty */
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    if (redactor->out.length > 0) {
        memcpy(bytes, redactor->out.bytes, redactor->out.length);
    }
    *in_out_message = weft_slice_of(bytes, redactor->out.length);
    return WEFT_OK;
}

/* ---- records in which nothing can be found ---- */

static bool is_search_only(const struct weft_redaction_rules *rules)
{
    return rules->allow_all_keys && !rules->redact_all_types && rules->summary <= WEFT_REDACTION_SILENT &&
           rules->blocked_key_patterns.count == 0 && rules->blocked_values.count == 0 &&
           rules->own_patterns.count == 0 && rules->sanitizers.enabled == 0;
}

/* Whether bodies, in which numbers and bytes are looked at as text, are strings. */
static bool has_string_bodies(struct weft_slice log_record)
{
    enum { STRING_TAG = WEFT_OTLP_VALUE_STRING << 3 | WEFT_WIRE_BYTES };
    struct weft_wire_reader reader = weft_wire_reader_of(log_record);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number != WEFT_OTLP_BODY_FIELD || field.type != WEFT_WIRE_BYTES || field.bytes.length == 0) {
            continue;
        }
        struct weft_wire_reader any = weft_wire_reader_of(field.bytes);
        struct weft_wire_field member;
        if (field.bytes.bytes[0] != STRING_TAG || !weft_wire_next_checked(&any, &member) || any.at != any.end) {
            return false;
        }
    }
    return true;
}

/* A look at all bytes of a message, in which a secret has what it has in its string, costs less than reading it, and
 * says which fields of it need not be read. */
static bool is_clean(struct weft_redactor *redactor, enum weft_signal signal, enum weft_redaction_target target,
                     struct weft_slice message)
{
    struct weft_found where;
    redactor->suspected = message;
    if (!redactor->is_search_only || redactor->explanation != NULL) {
        return false;
    }
    const struct weft_redaction_rules *rules = redactor->matcher.rules;
    bool may_find = weft_detectors_may_find(&rules->detectors, message, &where);
    may_find = weft_encoded_may_find(&rules->encoded, message, &where) || may_find;
    if (where.start < where.end) {
        size_t end = where.end < message.length ? where.end : message.length;
        redactor->suspected = weft_slice_of(message.bytes + where.start, end - where.start);
    } else {
        redactor->suspected.length = 0;
    }
    return !may_find && (signal != WEFT_LOGS || target != WEFT_REDACTION_RECORD || has_string_bodies(message));
}

enum weft_status weft_redactor_apply(struct weft_redactor *redactor, enum weft_signal signal,
                                     enum weft_redaction_target target, struct weft_arena *arena,
                                     struct weft_slice *in_out_message)
{
    if (is_clean(redactor, signal, target, *in_out_message)) {
        return WEFT_OK;
    }
    weft_buffer_clear(&redactor->out);
    weft_buffer_clear(&redactor->path);
    weft_redaction_notes_clear(&redactor->notes);
    redactor->arena = arena;
    redactor->signal = signal;
    redactor->sanitizing.set = 0;
    redactor->matcher.found_by = redactor->explanation == NULL ? NULL : &redactor->found_by;
    enum weft_redaction_scope scope = redactor->matcher.rules->scope;
    bool is_changed = redact_message(redactor, weft_redaction_place_of(scope, signal, target), *in_out_message);
    struct weft_slice message = *in_out_message;
    enum weft_status status = take(redactor, is_changed, &message);
    if (status == WEFT_OK && redactor->matcher.rules->sanitizers.of_names != 0 && signal == WEFT_TRACES &&
        target == WEFT_REDACTION_RECORD) {
        weft_buffer_clear(&redactor->out);
        status = take(redactor, weft_redactor_sanitize_name(redactor, message), &message);
    }
    if (status == WEFT_OK) {
        *in_out_message = message;
    }
    return status;
}

/* ---- life ---- */

enum weft_status weft_redactor_init(struct weft_redactor *redactor, const struct weft_redaction_rules *rules,
                                    struct weft_error *error)
{
    *redactor = (struct weft_redactor){ .notes = { .level = rules->summary }, .is_search_only = is_search_only(rules) };
    return weft_redaction_matcher_init(&redactor->matcher, rules, error);
}

static void own_buffers(struct weft_redactor *redactor, struct weft_buffer *out_buffers[4])
{
    out_buffers[0] = &redactor->out;
    out_buffers[1] = &redactor->path;
    out_buffers[2] = &redactor->text;
    out_buffers[3] = &redactor->stack;
}

void weft_redactor_fini(struct weft_redactor *redactor)
{
    struct weft_buffer *buffers[4];
    own_buffers(redactor, buffers);
    for (size_t i = 0; i < WEFT_COUNT_OF(buffers); i++) {
        weft_buffer_fini(buffers[i]);
    }
    weft_buffer_fini(&redactor->found_by);
    weft_redaction_notes_fini(&redactor->notes);
    weft_redaction_matcher_fini(&redactor->matcher);
}

void weft_redactor_trim(struct weft_redactor *redactor)
{
    enum { KEPT_BYTES = 64 << 10 };
    struct weft_buffer *buffers[4];
    own_buffers(redactor, buffers);
    for (size_t i = 0; i < WEFT_COUNT_OF(buffers); i++) {
        if (buffers[i]->capacity > KEPT_BYTES) {
            weft_buffer_fini(buffers[i]);
            weft_buffer_init(buffers[i], 0);
        }
    }
    weft_redaction_notes_trim(&redactor->notes);
    weft_redaction_matcher_trim(&redactor->matcher);
}
