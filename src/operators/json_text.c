/* JSON objects as values (json_text.h), on the scanner of wire. Keys of large objects are looked up by hash, so that a
 * long line costs in proportion to its length. */
#include "operators/json_text.h"

#include "wire/json_convert.h"

enum { UNINDEXED_KEYS = 16 };

struct reader {
    const struct weft_log_json_options *options;
    struct weft_entry_memory *memory;
    const uint8_t *end;
    struct weft_json_fault fault;
    bool has_memory;
};

/* Members of a map by key, once they are many: places in the map and one, by hash. */
struct index {
    uint32_t *slots;
    size_t size; /* a power of two, more than twice the members */
};

static const uint8_t *fail(struct reader *reader, const uint8_t *at, const char *reason)
{
    reader->fault =
        (struct weft_json_fault){ .at = at,
                                  .reason = at == reader->end ? "the text ends here: it is cut off" : reason };
    return NULL;
}

static const uint8_t *fail_memory(struct reader *reader)
{
    reader->has_memory = false;
    return NULL;
}

static bool is_at(const struct reader *reader, const uint8_t *at, uint8_t byte)
{
    return at < reader->end && *at == byte;
}

/* Where a text ends. Control characters may stand in it as they are, as in the Collector; NUL may not. */
static const uint8_t *find_quote(struct reader *reader, const uint8_t *at, bool *out_has_escapes)
{
    bool may_have_escapes = false;
    for (;;) {
        bool has_escapes = false;
        const uint8_t *quote = weft_json_scan_string(at, reader->end, &has_escapes, &reader->fault);
        if (quote != NULL) {
            *out_has_escapes = has_escapes || may_have_escapes;
            return quote;
        }
        at = reader->fault.at;
        if (at == reader->end || *at == 0 || *at >= ' ') {
            return NULL;
        }
        may_have_escapes = true;
        at++;
    }
}

/* at is the quote. */
static const uint8_t *read_text(struct reader *reader, const uint8_t *at, struct weft_slice *out_text)
{
    bool has_escapes;
    const uint8_t *quote = find_quote(reader, at + 1, &has_escapes);
    if (quote == NULL) {
        return NULL;
    }
    struct weft_slice text = { at + 1, (size_t)(quote - at - 1) };
    if (has_escapes) {
        uint8_t *bytes = weft_entry_memory_try_alloc(reader->memory, text.length);
        if (bytes == NULL) {
            return fail_memory(reader);
        }
        text = weft_slice_of(bytes, (size_t)(weft_json_unescape(bytes, text) - bytes));
    }
    *out_text = text;
    return quote + 1;
}

/* Whether the number is written as an integer and fits into 64 bits. */
static bool to_integer(const struct weft_json_number *number, int64_t *out_integer)
{
    for (size_t i = number->is_negative; i < number->text.length; i++) {
        if (number->text.bytes[i] < '0' || number->text.bytes[i] > '9') {
            return false;
        }
    }
    uint64_t magnitude;
    if (!weft_json_to_magnitude(number, &magnitude) || magnitude > (uint64_t)INT64_MAX + number->is_negative) {
        return false;
    }
    *out_integer = (int64_t)(number->is_negative ? 0 - magnitude : magnitude);
    return true;
}

static const uint8_t *read_number(struct reader *reader, const uint8_t *at, struct weft_log_value *out_value)
{
    struct weft_json_number number;
    const uint8_t *after = weft_json_scan_number(at, reader->end, &number, &reader->fault);
    if (after == NULL || after == reader->end) { /* strtod needs a byte after the number, and so does an object */
        return after == NULL ? NULL : fail(reader, after, NULL);
    }
    if (reader->options->has_integers && to_integer(&number, &out_value->integer)) {
        out_value->kind = WEFT_LOG_INT;
        return after;
    }
    out_value->kind = WEFT_LOG_DOUBLE;
    return weft_json_to_double(&number, &out_value->real) ? after : fail(reader, at, "the number is too large");
}

static const uint8_t *read_object(struct reader *reader, const uint8_t *at, int depth,
                                  struct weft_log_value *out_value);
static const uint8_t *read_array(struct reader *reader, const uint8_t *at, int depth, struct weft_log_value *out_value);

static const uint8_t *read_value(struct reader *reader, const uint8_t *at, int depth, struct weft_log_value *out_value)
{
    at = weft_json_skip_space(at, reader->end);
    switch (at < reader->end ? *at : 0) {
    case '"':
        out_value->kind = WEFT_LOG_STRING;
        return read_text(reader, at, &out_value->text);
    case '{':
        return read_object(reader, at, depth, out_value);
    case '[':
        return read_array(reader, at, depth, out_value);
    case 't':
        *out_value = (struct weft_log_value){ .kind = WEFT_LOG_BOOL, .boolean = true };
        return weft_json_scan_literal(at, reader->end, "true", &reader->fault);
    case 'f':
        *out_value = (struct weft_log_value){ .kind = WEFT_LOG_BOOL, .boolean = false };
        return weft_json_scan_literal(at, reader->end, "false", &reader->fault);
    case 'n':
        *out_value = (struct weft_log_value){ .kind = WEFT_LOG_NIL };
        return weft_json_scan_literal(at, reader->end, "null", &reader->fault);
    default:
        if (at < reader->end && (*at == '-' || (*at >= '0' && *at <= '9'))) {
            return read_number(reader, at, out_value);
        }
        return fail(reader, at, "a value is expected");
    }
}

static uint32_t *find_slot(const struct reader *reader, const struct index *index, const struct weft_log_map *map,
                           struct weft_slice key)
{
    size_t at = (size_t)weft_hash(reader->options->secret, key) & (index->size - 1);
    while (index->slots[at] != 0 && !weft_slice_equal(map->members[index->slots[at] - 1].key, key)) {
        at = (at + 1) & (index->size - 1);
    }
    return &index->slots[at];
}

/* Four times as large as the map is. */
static bool build_index(const struct reader *reader, const struct weft_log_map *map, struct index *index)
{
    index->size = index->size == 0 ? (size_t)4 * UNINDEXED_KEYS : index->size * 2;
    index->slots = weft_entry_memory_try_alloc(reader->memory, index->size * sizeof *index->slots);
    if (index->slots == NULL) {
        return false;
    }
    memset(index->slots, 0, index->size * sizeof *index->slots);
    for (size_t i = 0; i < map->count; i++) {
        *find_slot(reader, index, map, map->members[i].key) = (uint32_t)(i + 1);
    }
    return true;
}

static enum weft_status set_member(const struct reader *reader, struct weft_log_map *map, struct index *index,
                                   struct weft_slice key, struct weft_log_value value)
{
    if (map->count < UNINDEXED_KEYS) {
        return weft_log_map_set(map, reader->memory, key, value);
    }
    if (map->count * 2 >= index->size && !build_index(reader, map, index)) {
        return WEFT_NOMEM;
    }
    uint32_t *slot = find_slot(reader, index, map, key);
    if (*slot != 0) {
        map->members[*slot - 1].value = value;
        return WEFT_OK;
    }
    *slot = (uint32_t)(map->count + 1);
    return weft_log_map_append(map, reader->memory, key, value);
}

/* at is where a key is expected. */
static const uint8_t *read_member(struct reader *reader, const uint8_t *at, int depth, struct weft_log_map *map,
                                  struct index *index)
{
    struct weft_slice key;
    struct weft_log_value value;
    if (!is_at(reader, at, '"')) {
        return fail(reader, at, "a key in quotes is expected");
    }
    at = read_text(reader, at, &key);
    if (at == NULL) {
        return NULL;
    }
    at = weft_json_skip_space(at, reader->end);
    if (!is_at(reader, at, ':')) {
        return fail(reader, at, "a key is followed by :");
    }
    at = read_value(reader, at + 1, depth + 1, &value);
    if (at != NULL && set_member(reader, map, index, key, value) != WEFT_OK) {
        return fail_memory(reader);
    }
    return at;
}

static const uint8_t *read_object(struct reader *reader, const uint8_t *at, int depth, struct weft_log_value *out_value)
{
    struct index index = { 0 };
    if (depth >= WEFT_LOG_VALUE_MAX_DEPTH) {
        return fail(reader, at, "values are nested too deep");
    }
    struct weft_log_map *map = weft_log_map_try_new(reader->memory);
    if (map == NULL) {
        return fail_memory(reader);
    }
    *out_value = (struct weft_log_value){ .kind = WEFT_LOG_MAP, .map = map };
    at = weft_json_skip_space(at + 1, reader->end);
    if (is_at(reader, at, '}')) {
        return at + 1;
    }
    for (;;) {
        at = read_member(reader, weft_json_skip_space(at, reader->end), depth, map, &index);
        if (at == NULL) {
            return NULL;
        }
        at = weft_json_skip_space(at, reader->end);
        if (is_at(reader, at, '}')) {
            return at + 1;
        }
        if (!is_at(reader, at, ',')) {
            return fail(reader, at, "a member is followed by , or }");
        }
        at++;
    }
}

static const uint8_t *read_array(struct reader *reader, const uint8_t *at, int depth, struct weft_log_value *out_value)
{
    if (depth >= WEFT_LOG_VALUE_MAX_DEPTH) {
        return fail(reader, at, "values are nested too deep");
    }
    struct weft_log_list *list = weft_log_list_try_new(reader->memory);
    if (list == NULL) {
        return fail_memory(reader);
    }
    *out_value = (struct weft_log_value){ .kind = WEFT_LOG_LIST, .list = list };
    at = weft_json_skip_space(at + 1, reader->end);
    if (is_at(reader, at, ']')) {
        return at + 1;
    }
    for (;;) {
        struct weft_log_value item;
        at = read_value(reader, at, depth + 1, &item);
        if (at == NULL) {
            return NULL;
        }
        if (weft_log_list_append(list, reader->memory, item) != WEFT_OK) {
            return fail_memory(reader);
        }
        at = weft_json_skip_space(at, reader->end);
        if (is_at(reader, at, ']')) {
            return at + 1;
        }
        if (!is_at(reader, at, ',')) {
            return fail(reader, at, "an item is followed by , or ]");
        }
        at++;
    }
}

static const uint8_t *read_top(struct reader *reader, const uint8_t *at, struct weft_log_value *out_value)
{
    if (is_at(reader, at, '{')) {
        return read_object(reader, at, 0, out_value);
    }
    if (!is_at(reader, at, 'n')) {
        return fail(reader, at, "an object is expected");
    }
    *out_value = (struct weft_log_value){ .kind = WEFT_LOG_MAP, .map = weft_log_map_try_new(reader->memory) };
    return out_value->map == NULL ? fail_memory(reader)
                                  : weft_json_scan_literal(at, reader->end, "null", &reader->fault);
}

enum weft_status weft_log_json_read(struct weft_slice text, const struct weft_log_json_options *options,
                                    struct weft_entry_memory *memory, struct weft_log_value *out_value,
                                    struct weft_log_json_fault *out_fault)
{
    static const uint8_t nothing[1];
    const uint8_t *start = text.length == 0 ? nothing : text.bytes;
    struct reader reader = { .options = options, .memory = memory, .end = start + text.length, .has_memory = true };
    struct weft_log_value value;
    const uint8_t *at = read_top(&reader, weft_json_skip_space(start, reader.end), &value);
    at = at == NULL ? NULL : weft_json_skip_space(at, reader.end);
    if (at != NULL && at != reader.end && !options->may_go_on) {
        at = fail(&reader, at, "something follows the object");
    }
    if (at != NULL) {
        *out_value = value;
        return WEFT_OK;
    }
    if (!reader.has_memory) {
        return WEFT_NOMEM;
    }
    *out_fault = (struct weft_log_json_fault){ (size_t)(reader.fault.at - start), reader.fault.reason };
    return WEFT_INVALID;
}
