/* OTLP/JSON to wire bytes (json_reader.h): objects, keys and arrays, and the lengths of what they become. A
 * length is known only at the end of its message, so room is kept for one like the last and the message moves
 * when that was wrong. Recursion is bounded by max_depth; single values are read in json_reader_values.c. */
#include "wire/json_reader.h"

#include "base/assert.h"
#include "wire/json_internal.h"

enum { DEFAULT_DEPTH = 64, MAX_DEPTH = 100, MAX_BYTES = INT32_MAX, HEADER_ROOM = 16 };

/* A length whose message is being written. */
struct opened {
    size_t start; /* of the contents, from the payload's start */
    size_t room;  /* bytes before them that are kept for the length */
};

/* What the message being read has so far. */
struct members {
    uint64_t seen; /* one bit for each field */
    uint16_t step; /* of the last field that is known */
    /* the last member of a oneof that is a message, where it lies, and what had been counted before */
    const struct weft_json_field *choice;
    size_t choice_start, choice_end;
    uint32_t points_before_choice;
};

static const uint8_t *read_message(struct weft_json_reader *reader, const struct weft_json_message *message,
                                   const uint8_t *at, const struct weft_json_place *parent);

static inline bool is_at(const struct weft_json_reader *reader, const uint8_t *at, uint8_t byte)
{
    return at < reader->end && *at == byte;
}

static const uint8_t *fail_expected(struct weft_json_reader *reader, const struct weft_json_place *place,
                                    const uint8_t *at, const char *expected)
{
    return weft_json_reader_fail(reader, place, at, "%s is expected%s", expected,
                                 at == reader->end ? ", the text is cut off" : "");
}

/* What so much text becomes: keys are gone, ids are halved, numbers often grow. */
static inline size_t expected_size(size_t text_length)
{
    return text_length / 2 + text_length / 8;
}

/* Tag and room for a length: as many bytes as the field's last one took. The first one of an outermost message
 * takes most of what follows, since senders have one resource and few scopes. False: the reader has failed. */
static inline bool open_length(struct weft_json_reader *reader, const struct weft_json_place *place, const uint8_t *at,
                               struct opened *out_opened)
{
    if (!weft_json_reader_room(reader, HEADER_ROOM)) {
        return false;
    }
    const struct weft_json_field *field = place->field;
    size_t room = reader->length_sizes[field->step];
    if (room == 0) {
        bool takes_most = place->depth <= 2 && field->is_repeated;
        room = takes_most ? weft_wire_size_varint(expected_size((size_t)(reader->end - at))) : 1;
    }
    weft_json_reader_put_tag(reader, field);
    reader->to += room;
    *out_opened = (struct opened){ weft_json_reader_offset(reader), room };
    return true;
}

static inline bool close_length(struct weft_json_reader *reader, const struct weft_json_field *field,
                                const struct opened *opened)
{
    size_t length = weft_json_reader_offset(reader) - opened->start;
    size_t size = weft_wire_size_varint(length);
    if (size != opened->room) {
        if (!weft_json_reader_room(reader, HEADER_ROOM)) {
            return false;
        }
        uint8_t *start = reader->out->bytes + opened->start;
        memmove(start - opened->room + size, start, length);
        reader->to = start - opened->room + size + length;
        reader->length_sizes[field->step] = (uint8_t)size;
    }
    weft_wire_put_varint(reader->out->bytes + opened->start - opened->room, length);
    return true;
}

static const uint8_t *read_child(struct weft_json_reader *reader, const struct weft_json_place *place,
                                 const uint8_t *at)
{
    struct opened opened;
    if (!open_length(reader, place, at, &opened)) {
        return NULL;
    }
    at = read_message(reader, place->field->message, at, place);
    return at != NULL && close_length(reader, place->field, &opened) ? at : NULL;
}

/* Of a oneof the last member counts. Parsers agree on that by themselves, except where one message is given
 * twice, which protobuf merges: there the first is taken back. What was counted in the former one counts no more. */
static const uint8_t *read_choice(struct weft_json_reader *reader, const struct weft_json_place *place,
                                  struct members *members, const uint8_t *at)
{
    if (members->choice == place->field) {
        uint8_t *start = reader->out->bytes + members->choice_start;
        size_t length = members->choice_end - members->choice_start;
        memmove(start, start + length, (size_t)(reader->to - start) - length);
        reader->to -= length;
    }
    if (members->choice == NULL) {
        members->points_before_choice = reader->counts[WEFT_JSON_ROLE_DATA_POINT];
    }
    reader->counts[WEFT_JSON_ROLE_DATA_POINT] = members->points_before_choice;
    members->choice = place->field;
    members->choice_start = weft_json_reader_offset(reader);
    at = read_child(reader, place, at);
    members->choice_end = weft_json_reader_offset(reader);
    return at;
}

static const uint8_t *read_element(struct weft_json_reader *reader, const struct weft_json_place *place,
                                   const uint8_t *at)
{
    if (place->field->kind != WEFT_JSON_MESSAGE) {
        return weft_json_read_value(reader, place, at, true);
    }
    uint8_t role = place->field->message->role;
    reader->counts[role]++;
    if (role == WEFT_JSON_ROLE_ATTRIBUTE && place->depth + 2 <= reader->max_depth) {
        const uint8_t *after = weft_json_read_plain_attribute(reader, place->field, at);
        if (after != NULL) {
            return after;
        }
    }
    if (!is_at(reader, at, 'n')) {
        return read_child(reader, place, at);
    }
    struct weft_json_fault fault;
    at = weft_json_scan_literal(at, reader->end, "null", &fault);
    if (at == NULL) {
        return weft_json_reader_fail_scan(reader, place, &fault);
    }
    struct opened opened;
    return open_length(reader, place, at, &opened) && close_length(reader, place->field, &opened) ? at : NULL;
}

/* at is after the bracket, and the array is not empty. */
static const uint8_t *read_elements(struct weft_json_reader *reader, struct weft_json_place *place, const uint8_t *at)
{
    for (place->index = 0;; place->index++) {
        at = read_element(reader, place, at);
        if (at == NULL) {
            return NULL;
        }
        at = weft_json_skip_space(at, reader->end);
        if (is_at(reader, at, ']')) {
            return at + 1;
        }
        if (!is_at(reader, at, ',')) {
            return fail_expected(reader, place, at, ", or ]");
        }
        at = weft_json_skip_space(at + 1, reader->end);
    }
}

static const uint8_t *read_array(struct weft_json_reader *reader, struct weft_json_place *place, const uint8_t *at)
{
    if (!is_at(reader, at, '[')) {
        return fail_expected(reader, place, at, "an array");
    }
    at = weft_json_skip_space(at + 1, reader->end);
    if (is_at(reader, at, ']')) {
        return at + 1;
    }
    if (!place->field->is_packed) {
        return read_elements(reader, place, at);
    }
    struct opened opened;
    at = open_length(reader, place, at, &opened) ? read_elements(reader, place, at) : NULL;
    return at != NULL && close_length(reader, place->field, &opened) ? at : NULL;
}

static const uint8_t *read_field(struct weft_json_reader *reader, struct weft_json_place *place,
                                 struct members *members, const uint8_t *at)
{
    const struct weft_json_field *field = place->field;
    if (field->is_repeated) {
        return read_array(reader, place, at);
    }
    if (field->kind == WEFT_JSON_MESSAGE) {
        return field->is_oneof ? read_choice(reader, place, members, at) : read_child(reader, place, at);
    }
    uint64_t bit = UINT64_C(1) << field->index;
    bool must_write = field->is_oneof || (members->seen & bit) != 0;
    members->seen |= bit;
    return weft_json_read_value(reader, place, at, must_write);
}

/* at is the opening quote. */
static const uint8_t *look_up_key(struct weft_json_reader *reader, const struct weft_json_message *message,
                                  struct weft_json_place *place, struct members *members, const uint8_t *at)
{
    struct weft_slice key;
    at = weft_json_reader_take_text(reader, place, at, &key);
    if (at == NULL) {
        return NULL;
    }
    place->field = weft_json_message_find(message, key);
    if (place->field != NULL && place->field->key_length > 0) {
        reader->next[members->step] = place->field;
    }
    return at;
}

/* A key, its colon and what follows up to the value. */
static const uint8_t *read_key(struct weft_json_reader *reader, const struct weft_json_message *message,
                               struct weft_json_place *place, struct members *members, const uint8_t *at)
{
    place->field = NULL;
    place->index = WEFT_JSON_NO_INDEX;
    if (!is_at(reader, at, '"')) {
        return fail_expected(reader, place, at, "a key in quotes");
    }
    const struct weft_json_field *expected = reader->next[members->step];
    if (expected != NULL && reader->end - at > (ptrdiff_t)sizeof expected->key_words &&
        weft_json_field_is_at(expected, at + 1)) {
        place->field = expected;
        at += 1 + expected->key_length;
    } else {
        at = look_up_key(reader, message, place, members, at);
        if (at == NULL) {
            return NULL;
        }
    }
    members->step = place->field != NULL ? place->field->step : members->step;
    at = weft_json_skip_space(at, reader->end);
    if (!is_at(reader, at, ':')) {
        return fail_expected(reader, place, at, ":");
    }
    return weft_json_skip_space(at + 1, reader->end);
}

static const uint8_t *read_member(struct weft_json_reader *reader, const struct weft_json_message *message,
                                  struct weft_json_place *place, struct members *members, const uint8_t *at)
{
    at = read_key(reader, message, place, members, at);
    if (at == NULL) {
        return NULL;
    }
    bool is_null = is_at(reader, at, 'n');
    if (place->field != NULL && !is_null) {
        return read_field(reader, place, members, at);
    }
    struct weft_json_fault fault = { .takes_bad_text = reader->takes_bad_text };
    at = weft_json_skip_value(at, reader->end, &fault);
    return at != NULL ? at : weft_json_reader_fail_scan(reader, place, &fault);
}

static const uint8_t *read_message(struct weft_json_reader *reader, const struct weft_json_message *message,
                                   const uint8_t *at, const struct weft_json_place *parent)
{
    struct weft_json_place place = { .parent = parent, .depth = parent == NULL ? 1 : parent->depth + 1 };
    struct members members = { .step = message->first_step };
    if (!is_at(reader, at, '{')) {
        return fail_expected(reader, parent, at, "an object");
    }
    if (place.depth > reader->max_depth) {
        return weft_json_reader_fail(reader, parent, at, "messages are nested deeper than %u", reader->max_depth);
    }
    at = weft_json_skip_space(at + 1, reader->end);
    if (is_at(reader, at, '}')) {
        return at + 1;
    }
    for (;;) {
        at = read_member(reader, message, &place, &members, at);
        if (at == NULL) {
            return NULL;
        }
        at = weft_json_skip_space(at, reader->end);
        if (is_at(reader, at, '}')) {
            return at + 1;
        }
        place.field = NULL;
        if (!is_at(reader, at, ',')) {
            return fail_expected(reader, &place, at, ", or }");
        }
        at = weft_json_skip_space(at + 1, reader->end);
    }
}

static bool begin(struct weft_json_reader *reader, const struct weft_json_schema *schema, struct weft_slice json,
                  const struct weft_json_limits *limits)
{
    struct weft_payload *out = reader->out;
    if (weft_payload_reserve(out, out->length + expected_size(json.length) + HEADER_ROOM) != WEFT_OK) {
        reader->status = weft_fail(reader->error, WEFT_NOMEM, "no memory for %zu bytes of JSON", json.length);
        return false;
    }
    reader->origin = json.bytes;
    reader->end = json.bytes + json.length;
    reader->to = out->bytes + out->length;
    reader->room_end = out->bytes + out->capacity;
    bool has_max = limits->max_bytes > 0 && limits->max_bytes < MAX_BYTES;
    reader->max_bytes = has_max ? limits->max_bytes : MAX_BYTES;
    reader->max_depth = limits->max_depth == 0          ? DEFAULT_DEPTH
                        : limits->max_depth > MAX_DEPTH ? MAX_DEPTH
                                                        : limits->max_depth;
    size_t step_count = weft_json_schema_step_count(schema);
    memset(reader->next, 0, step_count * sizeof *reader->next);
    memset(reader->length_sizes, 0, step_count * sizeof *reader->length_sizes);
    memset(reader->counts, 0, sizeof reader->counts);
    reader->takes_bad_text = limits->takes_bad_text;
    reader->bad_texts = 0;
    return true;
}

enum weft_status weft_json_read_message(const struct weft_json_schema *schema, struct weft_slice json,
                                        const struct weft_json_limits *limits, struct weft_payload *out,
                                        struct weft_otlp_counts *out_counts, struct weft_error *error)
{
    const struct weft_json_limits none = { 0 };
    limits = limits == NULL ? &none : limits;
    struct weft_json_reader reader;
    if (json.length == 0) {
        return weft_fail(error, WEFT_INVALID, "byte 0: the text is empty, an object is expected");
    }
    reader.out = out;
    reader.error = error;
    if (!begin(&reader, schema, json, limits)) {
        return reader.status;
    }
    const uint8_t *at = weft_json_skip_space(json.bytes, reader.end);
    at = read_message(&reader, weft_json_schema_root(schema), at, NULL);
    weft_payload_note_written(out, weft_json_reader_offset(&reader));
    if (at == NULL) {
        return reader.status;
    }
    at = weft_json_skip_space(at, reader.end);
    if (at != reader.end) {
        weft_json_reader_fail(&reader, NULL, at, "nothing may follow the object");
        return reader.status;
    }
    size_t length = weft_json_reader_offset(&reader) - out->length;
    if (length > reader.max_bytes) {
        return weft_fail(error, WEFT_LIMIT, "the message is larger than %zu bytes", reader.max_bytes);
    }
    weft_payload_commit(out, length);
    uint32_t records = reader.counts[WEFT_JSON_ROLE_RECORD];
    uint32_t data_points = reader.counts[WEFT_JSON_ROLE_DATA_POINT];
    *out_counts = (struct weft_otlp_counts){
        .resources = reader.counts[WEFT_JSON_ROLE_RESOURCE],
        .scopes = reader.counts[WEFT_JSON_ROLE_SCOPE],
        .records = records,
        .data_points = weft_json_schema_has_data_points(schema) ? data_points : records,
        .bad_texts = reader.bad_texts,
    };
    return WEFT_OK;
}
