/* Editing the attributes of one message (attributes_edit.h): read, run, and have it written. Nothing is copied until
 * then, since an attribute is a pair of slices: where its key comes from and where its value does. What the request
 * says is attributes_context.c, writing attributes_write.c. */
#include "processors/attributes_edit_internal.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "wire/checked.h"

enum weft_status weft_attribute_editor_init(struct weft_attribute_editor *editor,
                                            const struct weft_attribute_program *program, struct weft_error *error)
{
    *editor = (struct weft_attribute_editor){ .program = program };
    enum weft_status status = WEFT_OK;
    if (program->has_hash) {
        status = weft_digest_new(WEFT_DIGEST_SHA256, NULL, &editor->digest, error);
    }
    if (status == WEFT_OK && program->has_patterns) {
        status = weft_pattern_scratch_new(program->max_groups, &editor->scratch, error);
    }
    if (status == WEFT_OK) {
        size_t verdict_count = program->key_pattern_count * WEFT_ATTRIBUTE_VERDICTS;
        editor->verdicts = weft_try_alloc((verdict_count + 1) * sizeof *editor->verdicts);
        editor->contexts = weft_try_alloc((program->context_count + 1) * sizeof *editor->contexts);
        if (editor->verdicts == NULL || editor->contexts == NULL) {
            status = weft_fail(error, WEFT_NOMEM, "no memory");
        }
    }
    return status;
}

void weft_attribute_editor_fini(struct weft_attribute_editor *editor)
{
    weft_otlp_attributes_fini(&editor->attributes);
    weft_free(editor->slots);
    weft_digest_free(&editor->digest);
    weft_pattern_scratch_free(&editor->scratch);
    weft_attribute_texts_fini(&editor->texts);
    weft_free(editor->verdicts);
    weft_free(editor->contexts);
    weft_buffer_fini(&editor->context_bytes);
    weft_buffer_fini(&editor->appendix);
    *editor = (struct weft_attribute_editor){ 0 };
}

void weft_attribute_editor_begin_batch(struct weft_attribute_editor *editor, const char *component)
{
    if (editor->scratch != NULL) {
        weft_pattern_scratch_begin_batch(editor->scratch, component);
    }
}

void weft_attribute_editor_trim(struct weft_attribute_editor *editor)
{
    enum { KEPT_BYTES = 64 << 10 };
    if (editor->capacity * sizeof *editor->slots > KEPT_BYTES) {
        weft_otlp_attributes_fini(&editor->attributes);
        weft_free(editor->slots);
        editor->slots = NULL;
        editor->capacity = editor->count = 0;
    }
    if (editor->texts.text.capacity > KEPT_BYTES || editor->texts.stack.capacity > KEPT_BYTES) {
        weft_attribute_texts_fini(&editor->texts);
    }
    if (editor->appendix.capacity > KEPT_BYTES) {
        weft_buffer_fini(&editor->appendix);
        editor->appendix_field = 0;
    }
}

/* ---- slots ---- */

static struct weft_attribute_slot *push(struct weft_attribute_editor *editor)
{
    if (editor->count == editor->capacity &&
        weft_try_grow(&editor->slots, sizeof *editor->slots, editor->count, &editor->capacity) != WEFT_OK) {
        editor->is_failed = true;
        return NULL;
    }
    return &editor->slots[editor->count++];
}

/* All of them; where the last one ends. */
static enum weft_status read_all(struct weft_attribute_editor *editor)
{
    struct weft_otlp_attributes *attributes = &editor->attributes;
    enum weft_status status = weft_otlp_attributes_read(editor->message, editor->field, attributes);
    if (attributes->count > 0) {
        struct weft_slice last = attributes->items[attributes->count - 1].whole;
        editor->insert_at = last.bytes + last.length;
    }
    return status;
}

enum weft_status weft_attribute_editor_read(struct weft_attribute_editor *editor, struct weft_slice message,
                                            uint32_t field, struct weft_arena *arena)
{
    const struct weft_attribute_keys *keys = &editor->program->keys;
    bool sees_all = editor->program->sees_all || editor->is_thorough;
    editor->message = message;
    editor->field = field;
    editor->arena = arena;
    editor->insert_at = message.bytes + message.length;
    editor->is_changed = editor->is_failed = false;
    editor->count = 0;
    enum weft_status status = sees_all ? read_all(editor)
                                       : weft_otlp_attributes_sift(message, field, &keys->slots, editor->is_plain,
                                                                   &editor->attributes, &editor->insert_at);
    for (size_t i = 0; status == WEFT_OK && i < editor->attributes.count; i++) {
        const struct weft_otlp_attribute *attribute = &editor->attributes.items[i];
        uint16_t key = weft_attribute_keys_find(keys, attribute->key);
        if (key == WEFT_NO_ATTRIBUTE_KEY && !sees_all) {
            continue;
        }
        struct weft_attribute_slot *slot = push(editor);
        if (slot == NULL) {
            return WEFT_NOMEM;
        }
        slot->name = attribute->key;
        slot->whole = attribute->whole;
        slot->contents = attribute->contents;
        slot->is_split = false;
        slot->key = key;
        slot->state = WEFT_ATTRIBUTE_KEPT;
    }
    editor->original_count = editor->count;
    return status;
}

static struct weft_attribute_slot *find(const struct weft_attribute_editor *editor, uint16_t key)
{
    for (size_t i = 0; i < editor->count; i++) {
        struct weft_attribute_slot *slot = &editor->slots[i];
        if (slot->key == key && slot->state != WEFT_ATTRIBUTE_DELETED) {
            return slot;
        }
    }
    return NULL;
}

const struct weft_attribute_slot *weft_attribute_editor_find(const struct weft_attribute_editor *editor, uint16_t key)
{
    return find(editor, key);
}

/* Fields of a KeyValue that are values, or all the others: in one piece of it, or put together in arena. */
static struct weft_slice take_fields(struct weft_attribute_editor *editor, struct weft_slice contents,
                                     bool wants_values)
{
    struct weft_slice run = { contents.bytes, 0 };
    uint8_t *copy = NULL;
    struct weft_wire_reader reader = weft_wire_reader_of(contents);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        bool is_value = field.number == WEFT_OTLP_VALUE_FIELD && field.type == WEFT_WIRE_BYTES;
        if (is_value != wants_values) {
            continue;
        }
        if (run.length == 0) {
            run = field.whole;
            continue;
        }
        if (copy == NULL && run.bytes + run.length != field.whole.bytes) {
            copy = weft_arena_try_bytes(editor->arena, contents.length);
            if (copy == NULL) {
                editor->is_failed = true;
                return WEFT_SLICE_EMPTY;
            }
            memcpy(copy, run.bytes, run.length);
            run.bytes = copy;
        }
        if (copy != NULL) {
            memcpy(copy + run.length, field.whole.bytes, field.whole.length);
        }
        run.length += field.whole.length;
    }
    return run;
}

/* The short way through a KeyValue that is a short key, then a value, and no more. */
static bool split_plain(struct weft_attribute_slot *slot)
{
    enum { MAX_SHORT_BYTES = 127, FRAME_BYTES = 2 };
    struct weft_slice contents = slot->contents;
    size_t head_length = FRAME_BYTES + slot->name.length;
    struct weft_wire_field field;
    if (slot->name.length > MAX_SHORT_BYTES || slot->name.bytes != contents.bytes + FRAME_BYTES) {
        return false;
    }
    struct weft_slice rest = { contents.bytes + head_length, contents.length - head_length };
    struct weft_wire_reader reader = weft_wire_reader_of(rest);
    bool is_short = rest.length >= FRAME_BYTES && rest.bytes[0] == (WEFT_OTLP_VALUE_FIELD << 3 | WEFT_WIRE_BYTES) &&
                    rest.bytes[1] <= MAX_SHORT_BYTES && rest.bytes[1] + (size_t)FRAME_BYTES == rest.length;
    if (is_short) {
        slot->head = weft_slice_of(contents.bytes, head_length);
        slot->value = rest;
        return true;
    }
    if (!weft_wire_next_checked(&reader, &field) || field.number != WEFT_OTLP_VALUE_FIELD ||
        field.type != WEFT_WIRE_BYTES || field.whole.length != rest.length) {
        return false;
    }
    slot->head = weft_slice_of(contents.bytes, head_length);
    slot->value = rest;
    return true;
}

static void split(struct weft_attribute_editor *editor, struct weft_attribute_slot *slot)
{
    if (slot->is_split) {
        return;
    }
    if (!split_plain(slot)) {
        slot->head = take_fields(editor, slot->contents, false);
        slot->value = take_fields(editor, slot->contents, true);
    }
    slot->is_split = true;
}

/* ---- steps ---- */

static void change(struct weft_attribute_editor *editor, struct weft_attribute_slot *slot, struct weft_slice value)
{
    split(editor, slot);
    slot->value = value;
    slot->state = WEFT_ATTRIBUTE_CHANGED;
    editor->is_changed = true;
}

static void insert(struct weft_attribute_editor *editor, const struct weft_attribute_target *target,
                   struct weft_slice value)
{
    struct weft_attribute_slot *slot = push(editor);
    if (slot != NULL) {
        slot->name = editor->program->keys.names[target->key];
        slot->whole = slot->contents = WEFT_SLICE_EMPTY;
        slot->head = target->head;
        slot->value = value;
        slot->is_split = true;
        slot->key = target->key;
        slot->state = WEFT_ATTRIBUTE_CHANGED;
        editor->is_changed = true;
    }
}

/* What memory could not be had for. */
static bool is_made(struct weft_attribute_editor *editor, struct weft_slice value)
{
    editor->is_failed = editor->is_failed || value.bytes == NULL;
    return value.bytes != NULL;
}

static void put(struct weft_attribute_editor *editor, const struct weft_attribute_target *target,
                struct weft_slice value)
{
    struct weft_attribute_slot *slot = find(editor, target->key);
    if (slot != NULL) {
        change(editor, slot, value);
    } else {
        insert(editor, target, value);
    }
}

static bool find_source(struct weft_attribute_editor *editor, const struct weft_attribute_step *step,
                        struct weft_slice *out_value)
{
    struct weft_attribute_slot *source = step->from == WEFT_NO_ATTRIBUTE_KEY ? NULL : find(editor, step->from);
    if (source != NULL) {
        split(editor, source);
        *out_value = source->value;
        return true;
    }
    if (step->context != NULL && editor->contexts[step->context_index].length > 0) {
        *out_value = editor->contexts[step->context_index];
        return true;
    }
    *out_value = step->value.length > 0 ? step->value : step->default_value;
    return out_value->length > 0;
}

static void set(struct weft_attribute_editor *editor, const struct weft_attribute_step *step)
{
    struct weft_slice value;
    struct weft_attribute_slot *slot = find(editor, step->target.key);
    bool is_wanted = slot == NULL ? step->action != WEFT_ATTRIBUTE_UPDATE : step->action != WEFT_ATTRIBUTE_INSERT;
    if (!is_wanted || !find_source(editor, step, &value)) {
        return;
    }
    if (slot != NULL) {
        change(editor, slot, value);
    } else {
        insert(editor, &step->target, value);
    }
}

static struct weft_otlp_value value_of(struct weft_attribute_editor *editor, struct weft_attribute_slot *slot)
{
    split(editor, slot);
    return weft_otlp_value_of(slot->value, WEFT_OTLP_VALUE_FIELD);
}

static void delete_slot(struct weft_attribute_editor *editor, struct weft_attribute_slot *slot)
{
    slot->state = WEFT_ATTRIBUTE_DELETED;
    editor->is_changed = true;
}

static void hash_slot(struct weft_attribute_editor *editor, struct weft_attribute_slot *slot)
{
    struct weft_otlp_value value = value_of(editor, slot);
    struct weft_slice hash = weft_attribute_hash_value(editor->arena, editor->digest, &value);
    if (is_made(editor, hash)) {
        change(editor, slot, hash);
    }
}

/* A match that met its limit counts as one: it hides. */
static bool matches_key(struct weft_attribute_editor *editor, const struct weft_attribute_step *step,
                        struct weft_slice key)
{
    struct weft_attribute_verdict *known =
        &editor->verdicts[step->pattern_index * WEFT_ATTRIBUTE_VERDICTS + weft_otlp_key_slot(key)];
    bool fits = key.length > 0 && key.length <= sizeof known->key;
    if (fits && known->length == key.length && memcmp(known->key, key.bytes, key.length) == 0) {
        return known->is_match;
    }
    enum weft_pattern_outcome outcome = weft_pattern_match(step->pattern, editor->scratch, key);
    if (outcome == WEFT_PATTERN_LIMIT) {
        editor->limit_count++;
    } else if (fits) {
        known->length = (uint8_t)key.length;
        known->is_match = outcome == WEFT_PATTERN_MATCH;
        memcpy(known->key, key.bytes, key.length);
    }
    return outcome != WEFT_PATTERN_NO;
}

/* The key of a step first, then all that the pattern matches in: a slot of both is hashed twice, as in the Collector.
 */
static void act_on_keys(struct weft_attribute_editor *editor, const struct weft_attribute_step *step,
                        void (*act)(struct weft_attribute_editor *editor, struct weft_attribute_slot *slot))
{
    struct weft_attribute_slot *named = find(editor, step->target.key);
    if (named != NULL) {
        act(editor, named);
    }
    for (size_t i = 0; step->pattern != NULL && i < editor->count; i++) {
        struct weft_attribute_slot *slot = &editor->slots[i];
        if (slot->state != WEFT_ATTRIBUTE_DELETED && matches_key(editor, step, slot->name)) {
            act(editor, slot);
        }
    }
}

/* A group that took no part is an empty string. */
static void extract(struct weft_attribute_editor *editor, const struct weft_attribute_step *step)
{
    struct weft_attribute_slot *source = find(editor, step->target.key);
    struct weft_pattern_search search;
    size_t start, end;
    if (source == NULL) {
        return;
    }
    struct weft_otlp_value value = value_of(editor, source);
    if (value.kind != WEFT_OTLP_VALUE_STRING) {
        return;
    }
    weft_pattern_search_start(step->pattern, editor->scratch, value.bytes, &search);
    enum weft_pattern_outcome outcome = weft_pattern_search_next(&search, &start, &end);
    editor->limit_count += outcome == WEFT_PATTERN_LIMIT;
    for (size_t i = 0; outcome == WEFT_PATTERN_MATCH && i < step->group_count; i++) {
        struct weft_slice text = WEFT_SLICE_EMPTY;
        if (!weft_pattern_search_group(&search, i + 1, &text)) {
            text = WEFT_SLICE_EMPTY;
        }
        struct weft_slice made = weft_attribute_text_value(editor->arena, text);
        if (is_made(editor, made)) {
            put(editor, &step->groups[i], made);
        }
    }
}

static void convert(struct weft_attribute_editor *editor, const struct weft_attribute_step *step)
{
    struct weft_attribute_slot *slot = find(editor, step->target.key);
    if (slot == NULL) {
        return;
    }
    struct weft_otlp_value value = value_of(editor, slot);
    struct weft_slice made;
    if (weft_attribute_convert_value(editor->arena, &editor->texts, step->type, &value, &made) &&
        is_made(editor, made)) {
        change(editor, slot, made);
    }
}

static void run_step(struct weft_attribute_editor *editor, const struct weft_attribute_step *step)
{
    switch (step->action) {
    case WEFT_ATTRIBUTE_INSERT:
    case WEFT_ATTRIBUTE_UPDATE:
    case WEFT_ATTRIBUTE_UPSERT:
        set(editor, step);
        return;
    case WEFT_ATTRIBUTE_DELETE:
        act_on_keys(editor, step, delete_slot);
        return;
    case WEFT_ATTRIBUTE_HASH:
        act_on_keys(editor, step, hash_slot);
        return;
    case WEFT_ATTRIBUTE_EXTRACT:
        extract(editor, step);
        return;
    case WEFT_ATTRIBUTE_CONVERT:
        convert(editor, step);
        return;
    }
}

/* ---- all of it ---- */

/* What the steps made of this message, which has none of their keys, they make of every one of the request. A limit is
 * counted for each. */
static enum weft_status keep_appendix(struct weft_attribute_editor *editor, uint64_t limits_before)
{
    if (editor->limit_count != limits_before) {
        return WEFT_OK;
    }
    enum weft_status status = weft_attribute_note_appendix(editor);
    editor->appendix_field = status == WEFT_OK ? editor->field : 0;
    return status;
}

enum weft_status weft_attribute_editor_run(struct weft_attribute_editor *editor, uint32_t frame,
                                           struct weft_slice *out_message)
{
    const struct weft_attribute_program *program = editor->program;
    bool has_none = editor->original_count == 0 && !editor->is_thorough;
    if (has_none && editor->appendix_field == editor->field) {
        return weft_attribute_write_appended(editor, frame, out_message);
    }
    uint64_t limits_before = editor->limit_count;
    for (size_t i = 0; i < program->step_count; i++) {
        run_step(editor, &program->steps[i]);
    }
    *out_message = editor->message;
    if (editor->is_failed || (has_none && keep_appendix(editor, limits_before) != WEFT_OK)) {
        return WEFT_NOMEM;
    }
    return editor->is_changed ? weft_attribute_write_edited(editor, frame, out_message) : WEFT_OK;
}

enum weft_status weft_attribute_editor_apply(struct weft_attribute_editor *editor, uint32_t field,
                                             struct weft_arena *arena, uint32_t frame,
                                             struct weft_slice *in_out_message)
{
    enum weft_status status = weft_attribute_editor_read(editor, *in_out_message, field, arena);
    return status == WEFT_OK ? weft_attribute_editor_run(editor, frame, in_out_message) : status;
}

void weft_attribute_collect_limits(struct weft_samples *samples, const char *id, enum weft_signal signal,
                                   uint64_t limit_count)
{
    const struct weft_sample_label *labels = WEFT_LABELS({ "processor", id }, { "signal", weft_signal_name(signal) });
    weft_samples_add(samples, "weft_attributes_limits_met",
                     "Matches of patterns that met their limit: delete and hash act, all else takes them for none",
                     WEFT_SAMPLE_COUNTER, (double)limit_count, labels);
}
