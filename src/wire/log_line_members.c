/* The members of a line, and of `fields` in it (log_line_internal.h): each known key has a role, each role a function
 * that writes the value, or keeps it until the line has ended. They go out in the order in which they stand in the
 * line. */
#include "wire/log_line_internal.h"
#include "wire/log_line_record.h"

enum { MEMBER_DEPTH = 0 };

/* One member of the line, or of `fields`. */
struct member {
    const struct weft_line_key *row;
    enum weft_line_place place;
    struct weft_slice key;
};

/* Writes or keeps the value at `at`; returns the byte after, NULL as weft_line_put_value. */
typedef const uint8_t *handle_fn(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at);

static const uint8_t *put_attribute(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at)
{
    return weft_line_put_value(reader, WEFT_LINE_TAG_ATTRIBUTE, &member->key, at, MEMBER_DEPTH, WEFT_LINE_PLACE_NONE);
}

/* The value is checked but written later, if at all. The line does not end with it: something closes the object. */
static const uint8_t *skip_value(const struct weft_log_line_reader *reader, const uint8_t *at,
                                 struct weft_slice *out_value)
{
    struct weft_json_fault fault = { 0 };
    const uint8_t *after = weft_json_skip_value(at, reader->end, &fault);
    if (after == NULL || after == reader->end) {
        return NULL;
    }
    *out_value = weft_slice_of(at, (size_t)(after - at));
    return after;
}

static bool is_container(const struct weft_log_line_reader *reader, const uint8_t *at)
{
    return at < reader->end && (*at == '{' || *at == '[');
}

static const uint8_t *take_id(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at)
{
    struct weft_slice value;
    bool is_late = member->place == WEFT_LINE_PLACE_TOP && !is_container(reader, at);
    const uint8_t *after = is_late ? skip_value(reader, at, &value) : put_attribute(reader, member, at);
    if (after == NULL) {
        return NULL;
    }
    value = weft_slice_of(at, (size_t)(after - at));
    struct weft_line_id_set *set = member->place == WEFT_LINE_PLACE_TOP ? &reader->top : &reader->inside;
    weft_line_note_id(set, member->row, value, !is_late);
    return after;
}

static const uint8_t *take_body(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at)
{
    if (reader->state.has_body) {
        return put_attribute(reader, member, at);
    }
    struct weft_slice value;
    if (at < reader->end && *at == 'n') {
        return skip_value(reader, at, &value);
    }
    reader->state.has_body = true;
    return weft_line_put_value(reader, WEFT_LINE_TAG_BODY, NULL, at, MEMBER_DEPTH, WEFT_LINE_PLACE_NONE);
}

static const uint8_t *take_late_body(struct weft_log_line_reader *reader, const struct member *member,
                                     const uint8_t *at)
{
    struct weft_line_member *late = &reader->state.late_body;
    if (reader->state.has_body || late->key != NULL || is_container(reader, at)) {
        return put_attribute(reader, member, at);
    }
    struct weft_slice value;
    const uint8_t *after = skip_value(reader, at, &value);
    if (after != NULL) {
        *late = (struct weft_line_member){ member->row, value, false };
    }
    return after;
}

static const uint8_t *take_time(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at)
{
    struct weft_slice value;
    if (reader->state.time_ns != 0) {
        return put_attribute(reader, member, at);
    }
    if (is_container(reader, at)) {
        const uint8_t *after = put_attribute(reader, member, at);
        if (after != NULL) {
            weft_line_take_time_parts(reader, weft_slice_of(at, (size_t)(after - at)));
        }
        return after;
    }
    const uint8_t *after = skip_value(reader, at, &value);
    if (after == NULL || weft_line_take_time(reader, value)) {
        return after;
    }
    return put_attribute(reader, member, at);
}

/* A word or a number of at most so many bytes; anything longer is no severity. */
static const uint8_t *take_severity(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at)
{
    struct weft_line_state *state = &reader->state;
    struct weft_slice value;
    if (state->severity.length > 0 || is_container(reader, at)) {
        return put_attribute(reader, member, at);
    }
    const uint8_t *after = skip_value(reader, at, &value);
    bool is_word = after != NULL && (*at == '"' || *at == '-' || (*at >= '0' && *at <= '9'));
    if (!is_word || value.length > WEFT_LINE_SHORT_TEXT) {
        return after == NULL ? NULL : put_attribute(reader, member, at);
    }
    state->severity_scale = (enum weft_severity_scale)member->row->argument;
    state->is_severity_number = *at != '"';
    if (state->is_severity_number) {
        state->severity = value;
    } else if (!weft_line_string_text(value, reader->texts[WEFT_LINE_TEXT_SEVERITY], WEFT_LINE_MAX_WORD,
                                      &state->severity)) {
        return put_attribute(reader, member, at);
    }
    return after;
}

static const uint8_t *take_severity_number(struct weft_log_line_reader *reader, const struct member *member,
                                           const uint8_t *at)
{
    struct weft_slice value;
    const uint8_t *after = is_container(reader, at) ? NULL : skip_value(reader, at, &value);
    uint8_t number = after == NULL || *at == '"' ? 0 : weft_severity_of_text(value, WEFT_SEVERITY_OTEL);
    if (number == 0 || reader->state.severity_number != 0) {
        return put_attribute(reader, member, at);
    }
    reader->state.severity_number = number;
    return after;
}

static const uint8_t *put_place(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at,
                                enum weft_line_place place)
{
    if (place == WEFT_LINE_PLACE_FIELDS && at < reader->end && *at == '{') {
        weft_line_begin_nested(reader);
        at = weft_line_read_members(reader, at, place);
        weft_line_end_nested(reader, place);
        return at;
    }
    bool is_array = place == WEFT_LINE_PLACE_SPANS;
    bool is_place = at < reader->end && *at == (is_array ? '[' : '{');
    return weft_line_put_value(reader, WEFT_LINE_TAG_ATTRIBUTE, &member->key, at, MEMBER_DEPTH,
                               is_place ? place : WEFT_LINE_PLACE_NONE);
}

static const uint8_t *take_place(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at)
{
    return put_place(reader, member, at, (enum weft_line_place)member->row->argument);
}

/* A name of the resource: a text that is not empty and not long; else an attribute. */
static const uint8_t *take_name(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at,
                                struct weft_slice *slot, uint8_t *scratch)
{
    struct weft_slice value;
    struct weft_slice text;
    bool may_be = slot->length == 0 && at < reader->end && *at == '"';
    const uint8_t *after = may_be ? skip_value(reader, at, &value) : NULL;
    if (after == NULL || !weft_line_string_text(value, scratch, WEFT_LINE_MAX_WORD, &text) || text.length == 0 ||
        text.length > WEFT_LINE_MAX_WORD) {
        return put_attribute(reader, member, at);
    }
    *slot = text;
    return after;
}

static const uint8_t *take_service(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at)
{
    if (at < reader->end && *at == '{') {
        return put_place(reader, member, at, WEFT_LINE_PLACE_SERVICE);
    }
    return take_name(reader, member, at, &reader->state.service, reader->texts[WEFT_LINE_TEXT_SERVICE]);
}

static const uint8_t *take_environment(struct weft_log_line_reader *reader, const struct member *member,
                                       const uint8_t *at)
{
    return take_name(reader, member, at, &reader->state.environment, reader->texts[WEFT_LINE_TEXT_ENVIRONMENT]);
}

static const uint8_t *take_word(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at)
{
    const uint8_t *after = put_attribute(reader, member, at);
    if (after != NULL) {
        weft_line_note_nested(reader, member->place, member->row, weft_slice_of(at, (size_t)(after - at)));
    }
    return after;
}

/* Of several the last one keeps the name, so the first waits. */
static const uint8_t *take_target(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at)
{
    struct weft_slice value;
    if (at == reader->end || *at != '"') {
        return put_attribute(reader, member, at);
    }
    const uint8_t *after = skip_value(reader, at, &value);
    if (after != NULL) {
        reader->state.target = (struct weft_line_member){ member->row, value, false };
    }
    return after;
}

static const uint8_t *take_hint(struct weft_log_line_reader *reader, const struct member *member, const uint8_t *at)
{
    reader->state.hints |= member->row->argument;
    return put_attribute(reader, member, at);
}

static handle_fn *const handlers[WEFT_LINE_ROLE_COUNT] = {
    [WEFT_LINE_ROLE_TRACE_ID] = take_id,         [WEFT_LINE_ROLE_SPAN_ID] = take_id,
    [WEFT_LINE_ROLE_TRACE_FLAGS] = take_id,      [WEFT_LINE_ROLE_BODY] = take_body,
    [WEFT_LINE_ROLE_LATE_BODY] = take_late_body, [WEFT_LINE_ROLE_TIME] = take_time,
    [WEFT_LINE_ROLE_SEVERITY] = take_severity,   [WEFT_LINE_ROLE_SEVERITY_NUMBER] = take_severity_number,
    [WEFT_LINE_ROLE_SERVICE] = take_service,     [WEFT_LINE_ROLE_ENVIRONMENT] = take_environment,
    [WEFT_LINE_ROLE_WORD] = take_word,           [WEFT_LINE_ROLE_PLACE] = take_place,
    [WEFT_LINE_ROLE_TARGET] = take_target,       [WEFT_LINE_ROLE_HINT] = take_hint,
};

/* How often the line has had the key before. Beyond WEFT_LINE_MAX_KEYS keys new ones are not remembered. */
static uint32_t count_key(struct weft_log_line_reader *reader, struct weft_slice raw, uint32_t hash)
{
    struct weft_line_state *state = &reader->state;
    uint64_t bit = UINT64_C(1) << (hash >> 26);
    if ((state->seen_bits & bit) != 0) {
        for (size_t i = 0; i < state->seen_count; i++) {
            struct weft_line_seen_key *seen = &reader->seen[i];
            if (seen->hash == hash && weft_slice_equal(seen->key, raw)) {
                return ++seen->count;
            }
        }
    }
    if (state->seen_count < WEFT_LINE_MAX_KEYS) {
        reader->seen[state->seen_count++] = (struct weft_line_seen_key){ raw, hash, 0 };
        state->seen_bits |= bit;
    }
    return 0;
}

void weft_line_see_keys(struct weft_log_line_reader *reader, const struct weft_slice *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t hash = weft_line_key_hash(keys[i]);
        if (weft_line_keys_find(reader->index, keys[i], hash) == NULL) {
            (void)count_key(reader, keys[i], hash);
        }
    }
}

/* dup.<key>, dup.2.<key>, ... in the reader's memory for keys. */
static bool name_duplicate(struct weft_log_line_reader *reader, struct weft_slice *key, uint32_t count)
{
    struct weft_buffer name;
    weft_buffer_init(&name, 0);
    weft_buffer_append_text(&name, "dup.");
    if (count > 1) {
        weft_buffer_append_format(&name, "%u.", count);
    }
    weft_buffer_append(&name, key->bytes, key->length);
    if (weft_buffer_status(&name) != WEFT_OK) {
        weft_buffer_fini(&name);
        reader->is_out_of_memory = true;
        return false;
    }
    weft_buffer_fini(&reader->key);
    reader->key = name;
    *key = weft_buffer_slice(&reader->key);
    weft_line_flag(reader, WEFT_LINE_DUPLICATE_KEY);
    return true;
}

static const uint8_t *read_duplicate(struct weft_log_line_reader *reader, struct member *member, uint32_t count,
                                     const uint8_t *at)
{
    struct weft_line_member *target = &reader->state.target;
    if (!name_duplicate(reader, &member->key, count)) {
        return NULL;
    }
    bool is_target = weft_line_has_key(member->row, member->place) && member->row->role == WEFT_LINE_ROLE_TARGET;
    if (!is_target || target->key == NULL || at == reader->end || *at != '"') {
        return put_attribute(reader, member, at);
    }
    if (weft_line_put_value(reader, WEFT_LINE_TAG_ATTRIBUTE, &member->key, target->value.bytes, MEMBER_DEPTH,
                            WEFT_LINE_PLACE_NONE) == NULL) {
        return NULL;
    }
    return take_target(reader, member, at);
}

static const uint8_t *read_member(struct weft_log_line_reader *reader, const uint8_t *at, enum weft_line_place place)
{
    struct member member = { .place = place };
    struct weft_slice raw;
    at = weft_line_take_key(reader, at, &member.key, &raw);
    if (at == NULL) {
        return NULL;
    }
    uint32_t hash = weft_line_key_hash(member.key);
    member.row = weft_line_keys_find(reader->index, member.key, hash);
    uint32_t count = count_key(reader, raw, hash);
    if (WEFT_UNLIKELY(count > 0)) {
        return read_duplicate(reader, &member, count, at);
    }
    bool is_known = weft_line_has_key(member.row, place);
    return is_known ? handlers[member.row->role](reader, &member, at) : put_attribute(reader, &member, at);
}

/* at is the opening brace. */
const uint8_t *weft_line_read_members(struct weft_log_line_reader *reader, const uint8_t *at,
                                      enum weft_line_place place)
{
    at = weft_json_skip_space(at + 1, reader->end);
    if (at < reader->end && *at == '}') {
        return at + 1;
    }
    while ((at = read_member(reader, at, place)) != NULL) {
        at = weft_json_skip_space(at, reader->end);
        if (at < reader->end && *at == '}') {
            return at + 1;
        }
        if (at == reader->end || *at != ',') {
            return NULL;
        }
        at = weft_json_skip_space(at + 1, reader->end);
    }
    return NULL;
}
