/* Reading JSON (text_json.h) on the scanner of wire. Objects and arrays that are open lie on a stack of their own, so
 * that there is one loop and no recursion. */
#include "ottl/text_json.h"

#include "ottl/map_settle.h"
#include "wire/json_convert.h"

enum { STEPS_OF_NUMBER = 150 };

struct open {
    struct weft_ottl_map *map; /* NULL: it is the list */
    struct weft_ottl_list *list;
    struct weft_slice key; /* of the member that is read */
};

struct reader {
    struct weft_ottl_run *run;
    struct weft_entry_memory *memory;
    const uint8_t *at, *start, *end;
    struct weft_json_fault fault;
    bool has_memory, has_steps;
    struct open open[WEFT_OTTL_VALUE_MAX_DEPTH];
    size_t depth;
};

static bool fail(struct reader *reader, const char *reason)
{
    reader->fault = (struct weft_json_fault){ .at = reader->at, .reason = reason };
    return false;
}

static bool fail_memory(struct reader *reader)
{
    reader->has_memory = false;
    return false;
}

static bool fail_steps(struct reader *reader)
{
    reader->has_steps = false;
    return false;
}

static bool is_at(const struct reader *reader, uint8_t byte)
{
    return reader->at < reader->end && *reader->at == byte;
}

static void skip_space(struct reader *reader)
{
    reader->at = weft_json_skip_space(reader->at, reader->end);
}

/* Control characters may stand in a text as they are, but for NUL. NULL: it does not end. */
static const uint8_t *find_quote(struct reader *reader, bool *out_has_escapes)
{
    const uint8_t *at = reader->at + 1;
    bool had_escapes = false;
    for (;;) {
        reader->fault = (struct weft_json_fault){ .takes_bad_text = true };
        const uint8_t *quote = weft_json_scan_string(at, reader->end, out_has_escapes, &reader->fault);
        *out_has_escapes = *out_has_escapes || had_escapes;
        if (quote != NULL || reader->fault.at == reader->end || *reader->fault.at == 0 || *reader->fault.at >= ' ') {
            return quote;
        }
        had_escapes = true;
        at = reader->fault.at + 1;
    }
}

static bool read_text(struct reader *reader, struct weft_slice *out_text)
{
    bool has_escapes = false;
    const uint8_t *quote = find_quote(reader, &has_escapes);
    if (quote == NULL) {
        return false;
    }
    struct weft_slice text = { reader->at + 1, (size_t)(quote - reader->at - 1) };
    reader->at = quote + 1;
    if (has_escapes) {
        uint8_t *bytes = weft_entry_memory_try_alloc(reader->memory, text.length);
        if (bytes == NULL) {
            return fail_memory(reader);
        }
        text = weft_slice_of(bytes, (size_t)(weft_json_unescape(bytes, text) - bytes));
    }
    *out_text = text;
    return true;
}

/* A byte follows every number that counts: what stands alone is no object. */
static bool read_number(struct reader *reader, struct weft_ottl_value *out_value)
{
    struct weft_json_number number;
    const uint8_t *after = weft_json_scan_number(reader->at, reader->end, &number, &reader->fault);
    if (after == NULL) {
        return false;
    }
    if (!weft_ottl_spend(reader->run, STEPS_OF_NUMBER + (uint64_t)(after - reader->at))) {
        return fail_steps(reader);
    }
    if (after == reader->end || !weft_json_to_double(&number, &out_value->real)) {
        return fail(reader, after == reader->end ? "it is cut off" : "the number is too large");
    }
    out_value->kind = WEFT_OTTL_DOUBLE;
    reader->at = after;
    return true;
}

static bool read_word(struct reader *reader, const char *word, struct weft_ottl_value value,
                      struct weft_ottl_value *out_value)
{
    const uint8_t *after = weft_json_scan_literal(reader->at, reader->end, word, &reader->fault);
    if (after == NULL) {
        return false;
    }
    reader->at = after;
    *out_value = value;
    return true;
}

/* The value is what its { or [ opens; what is in it comes next. */
static bool open_collection(struct reader *reader, struct weft_ottl_value *out_value)
{
    bool is_map = *reader->at == '{';
    if (reader->depth == WEFT_OTTL_VALUE_MAX_DEPTH) {
        return fail(reader, "values are nested too deep");
    }
    void *made = weft_entry_memory_try_alloc(reader->memory,
                                             is_map ? sizeof(struct weft_ottl_map) : sizeof(struct weft_ottl_list));
    if (made == NULL) {
        return fail_memory(reader);
    }
    struct open *open = &reader->open[reader->depth++];
    *open = (struct open){ .map = is_map ? made : NULL, .list = is_map ? NULL : made };
    if (is_map) {
        *open->map = (struct weft_ottl_map){ 0 };
        *out_value = weft_ottl_open_map(open->map);
    } else {
        *open->list = (struct weft_ottl_list){ 0 };
        *out_value = weft_ottl_open_list(open->list);
    }
    reader->at++;
    return true;
}

static bool read_value(struct reader *reader, struct weft_ottl_value *out_value)
{
    struct weft_slice text;
    *out_value = weft_ottl_nil();
    switch (reader->at < reader->end ? *reader->at : 0) {
    case '"':
        if (!read_text(reader, &text)) {
            return false;
        }
        *out_value = weft_ottl_string(text);
        return true;
    case '{':
    case '[':
        return open_collection(reader, out_value);
    case 't':
        return read_word(reader, "true", weft_ottl_bool(true), out_value);
    case 'f':
        return read_word(reader, "false", weft_ottl_bool(false), out_value);
    case 'n':
        return read_word(reader, "null", weft_ottl_nil(), out_value);
    default:
        return reader->at < reader->end && (*reader->at == '-' || (*reader->at >= '0' && *reader->at <= '9'))
                   ? read_number(reader, out_value)
                   : fail(reader, "a value is expected");
    }
}

static bool close_collection(struct reader *reader)
{
    struct open *open = &reader->open[--reader->depth];
    reader->at++;
    if (open->map != NULL && weft_ottl_map_settle(reader->memory, open->map, 0, WEFT_OTTL_UPSERT) != WEFT_OK) {
        return fail_memory(reader);
    }
    return true;
}

static bool read_key(struct reader *reader, struct open *open)
{
    if (!is_at(reader, '"')) {
        return fail(reader, "a key in quotes is expected");
    }
    if (!read_text(reader, &open->key)) {
        return false;
    }
    skip_space(reader);
    if (!is_at(reader, ':')) {
        return fail(reader, "a key is followed by :");
    }
    reader->at++;
    skip_space(reader);
    return true;
}

static bool add(struct reader *reader, struct open *open)
{
    struct weft_ottl_value value;
    struct weft_slice key = open->key;
    struct weft_ottl_map *map = open->map;
    if (!read_value(reader, &value)) {
        return false;
    }
    enum weft_status status = map != NULL ? weft_ottl_map_append(reader->memory, map, key, value)
                                          : weft_ottl_list_append(reader->memory, open->list, value);
    return status == WEFT_OK ? true : fail_memory(reader);
}

/* What is next in the innermost collection that is open. */
static bool step(struct reader *reader)
{
    struct open *open = &reader->open[reader->depth - 1];
    bool is_empty = open->map != NULL ? open->map->count == 0 : open->list->count == 0;
    skip_space(reader);
    if (is_at(reader, open->map != NULL ? '}' : ']')) {
        return close_collection(reader);
    }
    if (!is_empty && !is_at(reader, ',')) {
        return fail(reader, "a comma or the end is expected");
    }
    reader->at += !is_empty;
    skip_space(reader);
    return (open->map == NULL || read_key(reader, open)) && add(reader, open);
}

enum weft_status weft_ottl_read_json(struct weft_ottl_run *run, struct weft_slice text,
                                     struct weft_ottl_value *out_value)
{
    static const uint8_t nothing[1];
    const uint8_t *start = text.length == 0 ? nothing : text.bytes;
    struct reader reader = { .run = run,
                             .memory = &run->memory,
                             .at = start,
                             .start = start,
                             .end = start + text.length,
                             .has_memory = true,
                             .has_steps = true };
    struct weft_ottl_value value;
    skip_space(&reader);
    bool is_good = is_at(&reader, '{') || is_at(&reader, '[') ? open_collection(&reader, &value)
                                                              : fail(&reader, "an object or an array is expected");
    while (is_good && reader.depth > 0) {
        is_good = step(&reader);
    }
    skip_space(&reader);
    if (is_good && reader.at != reader.end) {
        is_good = fail(&reader, "something follows it");
    }
    if (is_good) {
        *out_value = value;
        return WEFT_OK;
    }
    if (!reader.has_steps) {
        return weft_ottl_fail_steps(run);
    }
    return reader.has_memory ? weft_fail(&run->error, WEFT_INVALID, "no JSON: byte %zu: %s",
                                         (size_t)(reader.fault.at - reader.start), reader.fault.reason)
                             : WEFT_NOMEM;
}
