/* Redacting on the wire (redaction_walk.h). Messages are read field by field; only when one of them changes is its
 * message written, into `out`: first the new contents of the field, then, in front of them, the bytes that stay and the
 * field's header. So nothing is copied of a message in which nothing changes, and lengths are known when they are
 * written. How deep values lie in one another is bounded by the check. */
#include "processors/redaction_walk.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "wire/otlp_attributes.h"
#include "wire/protobuf.h"

/* ---- where attributes stand ---- */

struct place {
    uint32_t attributes; /* the field; 0 = none */
    uint32_t body;       /* the field; 0 = none */
    struct {
        uint32_t field;
        const struct place *place;
    } inner[5];
};

static const struct place event = { .attributes = 3 };
static const struct place span = { .attributes = 9, .inner = { { 11, &event } } };
static const struct place log_record = { .attributes = 6, .body = WEFT_OTLP_BODY_FIELD };
static const struct place number_point = { .attributes = 7 }; /* and a SummaryDataPoint */
static const struct place histogram_point = { .attributes = 9 };
static const struct place exponential_point = { .attributes = 1 };
static const struct place number_data = { .inner = { { 1, &number_point } } };
static const struct place histogram_data = { .inner = { { 1, &histogram_point } } };
static const struct place exponential_data = { .inner = { { 1, &exponential_point } } };
static const struct place metric = { .inner = { { 5, &number_data },
                                                { 7, &number_data },
                                                { 9, &histogram_data },
                                                { 10, &exponential_data },
                                                { 11, &number_data } } };
static const struct place resource = { .attributes = WEFT_OTLP_RESOURCE_ATTRIBUTES_FIELD };
static const struct place scope = { .attributes = 3 };
static const struct place resource_x = { .inner = { { WEFT_OTLP_RESOURCE_FIELD, &resource } } };
static const struct place scope_x = { .inner = { { 1, &scope } } };

/* ---- writing a message anew ---- */

struct rewriting {
    const uint8_t *kept_from; /* what lies before is in out already, or gone */
    bool is_changed;
};

static struct rewriting rewriting_of(struct weft_slice message)
{
    return (struct rewriting){ .kept_from = message.bytes };
}

/* The next field of a checked message; false at its end. */
static inline bool next_field(struct weft_wire_reader *reader, struct weft_wire_field *out_field)
{
    bool has_field = false;
    enum weft_status status = weft_wire_next(reader, out_field, &has_field, NULL);
    weft_assert(status == WEFT_OK);
    return has_field;
}

static const uint8_t *end_of(struct weft_slice slice)
{
    return slice.bytes + slice.length;
}

/* What lies in out from `at` on becomes the contents of the field `number`, behind bytes that stay. */
static void wrap(struct weft_buffer *out, size_t at, struct weft_slice kept, uint32_t number)
{
    size_t length = out->length - at;
    size_t before = kept.length + weft_wire_size_bytes_header(number, length);
    if (weft_buffer_reserve(out, before) == NULL) {
        return;
    }
    memmove(out->bytes + at + before, out->bytes + at, length);
    if (kept.length > 0) {
        memcpy(out->bytes + at, kept.bytes, kept.length);
    }
    weft_wire_put_bytes_header(out->bytes + at + kept.length, number, length);
    out->length += before;
}

static struct weft_slice kept_before(const struct rewriting *rewriting, const struct weft_wire_field *field)
{
    return weft_slice_of(rewriting->kept_from, (size_t)(field->whole.bytes - rewriting->kept_from));
}

/* What lies in out from `at` on becomes the contents of the field `number`, in the place of `field`. */
static void replace_field(struct weft_redactor *redactor, struct rewriting *rewriting,
                          const struct weft_wire_field *field, uint32_t number, size_t at)
{
    wrap(&redactor->out, at, kept_before(rewriting, field), number);
    rewriting->kept_from = end_of(field->whole);
    rewriting->is_changed = true;
}

static void drop_field(struct weft_redactor *redactor, struct rewriting *rewriting, const struct weft_wire_field *field)
{
    struct weft_slice kept = kept_before(rewriting, field);
    weft_buffer_append(&redactor->out, kept.bytes, kept.length);
    rewriting->kept_from = end_of(field->whole);
    rewriting->is_changed = true;
}

/* Appends what is left; true if the message is another one now: then all of it is in out. */
static bool finish(struct weft_redactor *redactor, const struct rewriting *rewriting, struct weft_slice message)
{
    if (rewriting->is_changed) {
        weft_buffer_append(&redactor->out, rewriting->kept_from, (size_t)(end_of(message) - rewriting->kept_from));
    }
    return rewriting->is_changed;
}

static void put_field(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    uint8_t header[16];
    weft_buffer_append(out, header, (size_t)(weft_wire_put_bytes_header(header, number, contents.length) - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

/* A new KeyValue whose value is this text; what else there was (the key, unknown fields) stays. */
static void put_text_value(struct weft_redactor *redactor, struct weft_slice key_value, struct weft_slice text)
{
    struct weft_buffer *out = &redactor->out;
    struct weft_wire_reader reader = weft_wire_reader_of(key_value);
    struct weft_wire_field field;
    while (next_field(&reader, &field)) {
        if (field.number != WEFT_OTLP_VALUE_FIELD || field.type != WEFT_WIRE_BYTES) {
            weft_buffer_append(out, field.whole.bytes, field.whole.length);
        }
    }
    size_t at = out->length;
    put_field(out, WEFT_OTLP_VALUE_STRING, text);
    wrap(out, at, WEFT_SLICE_EMPTY, WEFT_OTLP_VALUE_FIELD);
}

/* ---- KeyValues ---- */

/* A length below 16 KiB and what it says is there; NULL says nothing. */
static inline const uint8_t *read_length(const uint8_t *at, const uint8_t *end, size_t *out_length)
{
    enum { MORE = 0x80 };
    if (at == end || (at[0] >= MORE && (end - at < 2 || at[1] >= MORE))) {
        return NULL;
    }
    bool is_long = at[0] >= MORE;
    *out_length = is_long ? (size_t)(at[0] - MORE) | (size_t)at[1] << 7 : at[0];
    at += is_long ? 2 : 1;
    return *out_length <= (size_t)(end - at) ? at : NULL;
}

/* The contents of an AnyValue that is one string and no more. */
static inline bool read_plain_value(const uint8_t *at, const uint8_t *end, struct weft_slice *out_text)
{
    enum { STRING_TAG = WEFT_OTLP_VALUE_STRING << 3 | WEFT_WIRE_BYTES };
    size_t length;
    if (at == end || *at != STRING_TAG || (at = read_length(at + 1, end, &length)) == NULL || at + length != end) {
        return false;
    }
    *out_text = weft_slice_of(at, length);
    return true;
}

/* An attribute as SDKs write it, a key and a string and nothing else, or as the Collector does, which puts the value
 * first; false says nothing. */
static inline bool read_plain(struct weft_slice key_value, struct weft_slice *out_key, struct weft_slice *out_text)
{
    enum {
        KEY_TAG = WEFT_OTLP_KEY_FIELD << 3 | WEFT_WIRE_BYTES,
        VALUE_TAG = WEFT_OTLP_VALUE_FIELD << 3 | WEFT_WIRE_BYTES
    };
    const uint8_t *at = key_value.bytes;
    const uint8_t *end = end_of(key_value);
    bool has_key = false;
    bool has_text = false;
    for (int i = 0; i < 2 && at != NULL && at < end; i++) {
        size_t length;
        uint8_t tag = *at;
        at = read_length(at + 1, end, &length);
        if (at != NULL && tag == KEY_TAG) {
            *out_key = weft_slice_of(at, length);
            has_key = true;
        } else if (at == NULL || tag != VALUE_TAG || !read_plain_value(at, at + length, out_text)) {
            return false;
        } else {
            has_text = true;
        }
        at += length;
    }
    return at == end && has_key && has_text;
}

static struct weft_slice key_of(struct weft_slice key_value)
{
    struct weft_slice key = WEFT_SLICE_EMPTY;
    struct weft_wire_reader reader = weft_wire_reader_of(key_value);
    struct weft_wire_field field;
    while (next_field(&reader, &field)) {
        if (field.number == WEFT_OTLP_KEY_FIELD && field.type == WEFT_WIRE_BYTES) {
            key = field.bytes;
        }
    }
    return key;
}

/* ---- paths and notes ---- */

static bool has_paths(const struct weft_redactor *redactor)
{
    return redactor->notes.level == WEFT_REDACTION_DEBUG;
}

/* Returns what path_leave takes. */
static size_t path_enter_key(struct weft_redactor *redactor, struct weft_slice key)
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

static void path_leave(struct weft_redactor *redactor, size_t length)
{
    redactor->path.length = length;
    redactor->path_depth--;
}

static void note(struct weft_redactor *redactor, enum weft_redaction_note kind)
{
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
static struct weft_slice text_of(struct weft_redactor *redactor, const struct weft_otlp_value *value)
{
    if (value->kind == WEFT_OTLP_VALUE_STRING) {
        return value->bytes;
    }
    weft_buffer_clear(&redactor->text);
    weft_buffer_clear(&redactor->stack);
    weft_redaction_put_text(value, &redactor->stack, &redactor->text);
    if (weft_buffer_status(&redactor->text) != WEFT_OK || weft_buffer_status(&redactor->stack) != WEFT_OK) {
        redactor->out.is_failed = true;
    }
    return weft_buffer_slice(&redactor->text);
}

/* Masks a text within a value; true if *out_masked is to take its place. */
static bool mask_inner_text(struct weft_redactor *redactor, struct weft_slice text, struct weft_slice *out_masked)
{
    if (weft_redaction_allows(&redactor->matcher, text)) {
        note(redactor, WEFT_REDACTION_NOTE_ALLOWED);
        return false;
    }
    bool is_masked = weft_redaction_mask(&redactor->matcher, text, out_masked);
    if (is_masked) {
        note(redactor, WEFT_REDACTION_NOTE_MASKED);
    }
    return is_masked;
}

static bool redact_value(struct weft_redactor *redactor, struct weft_slice any_value);

static bool redact_array(struct weft_redactor *redactor, struct weft_slice array)
{
    struct rewriting rewriting = rewriting_of(array);
    struct weft_wire_reader reader = weft_wire_reader_of(array);
    struct weft_wire_field field;
    size_t index = 0;
    while (next_field(&reader, &field)) {
        if (field.number != 1 || field.type != WEFT_WIRE_BYTES) {
            continue;
        }
        size_t path = path_enter_index(redactor, index++);
        size_t at = redactor->out.length;
        if (redact_value(redactor, field.bytes)) {
            replace_field(redactor, &rewriting, &field, 1, at);
        }
        path_leave(redactor, path);
    }
    return finish(redactor, &rewriting, array);
}

/* The values of a KeyValue whose key says nothing about them. */
static bool redact_inner_values(struct weft_redactor *redactor, struct weft_slice key_value)
{
    struct rewriting rewriting = rewriting_of(key_value);
    struct weft_wire_reader reader = weft_wire_reader_of(key_value);
    struct weft_wire_field field;
    bool has_value = false;
    while (next_field(&reader, &field)) {
        if (field.number != WEFT_OTLP_VALUE_FIELD || field.type != WEFT_WIRE_BYTES) {
            continue;
        }
        size_t at = redactor->out.length;
        has_value = true;
        if (redact_value(redactor, field.bytes)) {
            replace_field(redactor, &rewriting, &field, WEFT_OTLP_VALUE_FIELD, at);
        }
    }
    if (!has_value) {
        struct weft_wire_field end = { .whole = { end_of(key_value), 0 } };
        size_t at = redactor->out.length;
        if (redact_value(redactor, end.whole)) {
            replace_field(redactor, &rewriting, &end, WEFT_OTLP_VALUE_FIELD, at);
        }
    }
    return finish(redactor, &rewriting, key_value);
}

/* In the place of the field, a KeyValue: the same with a mask for each line of its text, if it is one. */
static void mask_key_value(struct weft_redactor *redactor, struct rewriting *rewriting,
                           const struct weft_wire_field *field, struct weft_slice text)
{
    struct weft_buffer *lines = &redactor->stack;
    size_t at = redactor->out.length;
    weft_buffer_clear(lines);
    weft_redaction_mask_lines(text, lines);
    redactor->out.is_failed = redactor->out.is_failed || weft_buffer_status(lines) != WEFT_OK;
    struct weft_slice key;
    struct weft_slice plain;
    if (!read_plain(field->bytes, &key, &plain) || !weft_slice_equal(plain, weft_buffer_slice(lines))) {
        put_text_value(redactor, field->bytes, weft_buffer_slice(lines));
        replace_field(redactor, rewriting, field, field->number, at);
    }
    note(redactor, WEFT_REDACTION_NOTE_MASKED);
}

/* A KeyValue in a map. allowed_keys speaks of those in bodies, at any depth, but not of those in attributes. */
static void redact_member(struct weft_redactor *redactor, struct rewriting *rewriting,
                          const struct weft_wire_field *field)
{
    struct weft_slice key = key_of(field->bytes);
    size_t path = path_enter_key(redactor, key);
    size_t at = redactor->out.length;
    struct weft_otlp_value value;
    switch (weft_redaction_judge_key(&redactor->matcher, key, redactor->is_body)) {
    case WEFT_REDACTION_IGNORE:
        note(redactor, WEFT_REDACTION_NOTE_IGNORED);
        break;
    case WEFT_REDACTION_REMOVE:
        drop_field(redactor, rewriting, field);
        note(redactor, WEFT_REDACTION_NOTE_REDACTED);
        break;
    case WEFT_REDACTION_MASK:
        value = weft_otlp_value_of(field->bytes, WEFT_OTLP_VALUE_FIELD);
        mask_key_value(redactor, rewriting, field,
                       value.kind == WEFT_OTLP_VALUE_STRING ? value.bytes : WEFT_SLICE_EMPTY);
        break;
    case WEFT_REDACTION_LOOK:
        if (redact_inner_values(redactor, field->bytes)) {
            replace_field(redactor, rewriting, field, field->number, at);
        }
        break;
    }
    path_leave(redactor, path);
}

static bool redact_map(struct weft_redactor *redactor, struct weft_slice map)
{
    struct rewriting rewriting = rewriting_of(map);
    struct weft_wire_reader reader = weft_wire_reader_of(map);
    struct weft_wire_field field;
    while (next_field(&reader, &field)) {
        if (field.number == 1 && field.type == WEFT_WIRE_BYTES) {
            redact_member(redactor, &rewriting, &field);
        }
    }
    return finish(redactor, &rewriting, map);
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
static void redact_any_member(struct weft_redactor *redactor, struct rewriting *rewriting,
                              const struct weft_wire_field *field)
{
    size_t at = redactor->out.length;
    struct weft_slice masked;
    if (field->number == WEFT_OTLP_VALUE_ARRAY || field->number == WEFT_OTLP_VALUE_MAP) {
        bool is_array = field->number == WEFT_OTLP_VALUE_ARRAY;
        if (is_array ? redact_array(redactor, field->bytes) : redact_map(redactor, field->bytes)) {
            replace_field(redactor, rewriting, field, field->number, at);
        }
        return;
    }
    if (field->number != WEFT_OTLP_VALUE_STRING && !wants_all_types(redactor)) {
        return;
    }
    struct weft_otlp_value value = value_of_member(field);
    if (mask_inner_text(redactor, text_of(redactor, &value), &masked)) {
        weft_buffer_append(&redactor->out, masked.bytes, masked.length);
        replace_field(redactor, rewriting, field, WEFT_OTLP_VALUE_STRING, at);
    }
}

/* An AnyValue. Each member that it has is looked at, though only the last one counts: the others lie in the bytes that
 * leave, too. */
static bool redact_value(struct weft_redactor *redactor, struct weft_slice any_value)
{
    struct rewriting rewriting = rewriting_of(any_value);
    struct weft_wire_reader reader = weft_wire_reader_of(any_value);
    struct weft_wire_field field;
    bool has_member = false;
    while (next_field(&reader, &field)) {
        if (field.number <= WEFT_OTLP_VALUE_BYTES) {
            has_member = true;
            redact_any_member(redactor, &rewriting, &field);
        }
    }
    struct weft_slice masked;
    if (!has_member && redactor->is_body && mask_inner_text(redactor, WEFT_SLICE_EMPTY, &masked)) {
        struct weft_wire_field end = { .whole = { end_of(any_value), 0 } };
        size_t at = redactor->out.length;
        weft_buffer_append(&redactor->out, masked.bytes, masked.length);
        replace_field(redactor, &rewriting, &end, WEFT_OTLP_VALUE_STRING, at);
    }
    return finish(redactor, &rewriting, any_value);
}

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
    if (!read_plain(key_value, &seen.key, &seen.text)) {
        struct weft_otlp_value value = weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD);
        seen.is_plain = false;
        seen.is_seen = value.kind == WEFT_OTLP_VALUE_STRING || redactor->matcher.rules->redact_all_types;
        seen.text = seen.is_seen ? text_of(redactor, &value) : WEFT_SLICE_EMPTY;
        seen.key = key_of(key_value);
    }
    return seen;
}

/* The value of an attribute that stays and whose key is not blocked. */
static void redact_attribute_value(struct weft_redactor *redactor, struct rewriting *rewriting,
                                   const struct weft_wire_field *field, const struct seen *seen)
{
    size_t at = redactor->out.length;
    struct weft_slice masked;
    if (weft_redaction_mask(&redactor->matcher, seen->text, &masked)) {
        put_text_value(redactor, field->bytes, masked);
        replace_field(redactor, rewriting, field, field->number, at);
        note(redactor, WEFT_REDACTION_NOTE_MASKED);
    } else if (!seen->is_plain && redact_inner_values(redactor, field->bytes)) {
        replace_field(redactor, rewriting, field, field->number, at);
    }
}

static void redact_attribute(struct weft_redactor *redactor, struct rewriting *rewriting,
                             const struct weft_wire_field *field)
{
    struct weft_redaction_matcher *matcher = &redactor->matcher;
    struct seen seen = see(redactor, field->bytes);
    size_t path = path_enter_key(redactor, seen.key);
    enum weft_redaction_verdict verdict = weft_redaction_judge_key(matcher, seen.key, true);
    if (verdict == WEFT_REDACTION_IGNORE) {
        note(redactor, WEFT_REDACTION_NOTE_IGNORED);
    } else if (verdict == WEFT_REDACTION_REMOVE) {
        drop_field(redactor, rewriting, field);
        note(redactor, WEFT_REDACTION_NOTE_REDACTED);
    } else if (weft_redaction_allows(matcher, seen.text)) {
        note(redactor, WEFT_REDACTION_NOTE_ALLOWED);
        size_t at = redactor->out.length;
        if (!seen.is_seen && redact_inner_values(redactor, field->bytes)) {
            replace_field(redactor, rewriting, field, field->number, at);
        }
    } else if (verdict == WEFT_REDACTION_MASK) {
        mask_key_value(redactor, rewriting, field, seen.text);
    } else {
        redact_attribute_value(redactor, rewriting, field, &seen);
    }
    path_leave(redactor, path);
}

/* ---- bodies ---- */

/* The body of a log record, or a piece of one. A body that is no map and no array is named "body", and one that is
 * allowed is not told of. */
static void redact_body(struct weft_redactor *redactor, struct rewriting *rewriting,
                        const struct weft_wire_field *field)
{
    struct weft_otlp_value value = weft_otlp_value_of(field->whole, WEFT_OTLP_BODY_FIELD);
    bool is_scalar = value.kind != WEFT_OTLP_VALUE_ARRAY && value.kind != WEFT_OTLP_VALUE_MAP;
    size_t at = redactor->out.length;
    bool is_changed = false;
    redactor->is_body = true;
    if (!is_scalar) {
        is_changed = redact_value(redactor, field->bytes);
    } else {
        size_t path = path_enter_key(redactor, WEFT_SLICE_LITERAL("body"));
        is_changed = !weft_redaction_allows(&redactor->matcher, text_of(redactor, &value)) &&
                     redact_value(redactor, field->bytes);
        path_leave(redactor, path);
    }
    if (is_changed) {
        replace_field(redactor, rewriting, field, WEFT_OTLP_BODY_FIELD, at);
    }
    redactor->is_body = false;
}

/* ---- messages ---- */

static const struct place *inner_place(const struct place *place, uint32_t number)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(place->inner) && place->inner[i].place != NULL; i++) {
        if (place->inner[i].field == number) {
            return place->inner[i].place;
        }
    }
    return NULL;
}

/* Behind what was written of the message from `at` on, or instead of it as it came: with its summary. */
static bool summarize(struct weft_redactor *redactor, const struct place *place, const struct weft_redaction_page *page,
                      struct weft_slice message, size_t at, bool is_changed)
{
    struct weft_slice contents =
        is_changed ? weft_slice_of(redactor->out.bytes + at, redactor->out.length - at) : message;
    struct weft_slice with_summary;
    if (!weft_redaction_notes_write(&redactor->notes, page, contents, place->attributes, &with_summary)) {
        return is_changed;
    }
    redactor->out.length = at;
    weft_buffer_append(&redactor->out, with_summary.bytes, with_summary.length);
    redactor->out.is_failed = redactor->out.is_failed || weft_redaction_notes_status(&redactor->notes) != WEFT_OK;
    return true;
}

static bool redact_message(struct weft_redactor *redactor, const struct place *place, struct weft_slice message)
{
    const struct place *inner;
    struct weft_redaction_page page;
    struct rewriting rewriting = rewriting_of(message);
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    size_t start = redactor->out.length;
    bool has_body = false;
    weft_redaction_notes_begin(&redactor->notes, &page);
    while (next_field(&reader, &field)) {
        size_t at = redactor->out.length;
        if (field.type != WEFT_WIRE_BYTES) {
            continue;
        }
        if (field.number == place->attributes) {
            redact_attribute(redactor, &rewriting, &field);
        } else if (field.number == place->body) {
            has_body = true;
            redact_body(redactor, &rewriting, &field);
        } else if ((inner = inner_place(place, field.number)) != NULL && redact_message(redactor, inner, field.bytes)) {
            replace_field(redactor, &rewriting, &field, field.number, at);
        }
    }
    if (place->body != 0 && !has_body) {
        field = (struct weft_wire_field){ .whole = { end_of(message), 0 }, .bytes = { end_of(message), 0 } };
        redact_body(redactor, &rewriting, &field);
    }
    bool is_changed = finish(redactor, &rewriting, message);
    if (place->attributes != 0) {
        is_changed = summarize(redactor, place, &page, message, start, is_changed);
    }
    weft_redaction_notes_end(&redactor->notes, &page);
    return is_changed;
}

static const struct place *place_of(enum weft_signal signal, enum weft_redaction_target target)
{
    switch (target) {
    case WEFT_REDACTION_RESOURCE_X:
        return &resource_x;
    case WEFT_REDACTION_SCOPE_X:
        return &scope_x;
    case WEFT_REDACTION_RECORD:
        break;
    }
    return signal == WEFT_TRACES ? &span : signal == WEFT_LOGS ? &log_record : &metric;
}

enum weft_status weft_redactor_apply(struct weft_redactor *redactor, enum weft_signal signal,
                                     enum weft_redaction_target target, struct weft_arena *arena,
                                     struct weft_slice *in_out_message)
{
    weft_buffer_clear(&redactor->out);
    weft_buffer_clear(&redactor->path);
    weft_redaction_notes_clear(&redactor->notes);
    bool is_changed = redact_message(redactor, place_of(signal, target), *in_out_message);
    if (weft_buffer_status(&redactor->out) != WEFT_OK || weft_buffer_status(&redactor->path) != WEFT_OK ||
        weft_redaction_notes_status(&redactor->notes) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    if (!is_changed) {
        return WEFT_OK;
    }
    uint8_t *bytes = weft_arena_try_bytes(arena, redactor->out.length + 1); /* a message may become empty */
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    if (redactor->out.length > 0) {
        memcpy(bytes, redactor->out.bytes, redactor->out.length);
    }
    *in_out_message = weft_slice_of(bytes, redactor->out.length);
    return WEFT_OK;
}

/* ---- life ---- */

enum weft_status weft_redactor_init(struct weft_redactor *redactor, const struct weft_redaction_rules *rules,
                                    struct weft_error *error)
{
    *redactor = (struct weft_redactor){ .notes = { .level = rules->summary } };
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
    weft_redaction_matcher_trim(&redactor->matcher);
}
