/* How the JSON reader says what is wrong and where, and how it gets more room: the two things that it does
 * seldom. Texts name fields of the schema and never repeat what the peer sent. */
#include "wire/json_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

enum { MAX_PATH_DEPTH = 128 };

static const char *const expected_texts[] = {
#define WEFT_JSON_KIND_TEXT(name, expected) [WEFT_JSON_##name] = expected,
    WEFT_JSON_KIND_ROWS(WEFT_JSON_KIND_TEXT)
#undef WEFT_JSON_KIND_TEXT
};

/* "resourceSpans[0].resource: ", or nothing at the root. A path that does not fit ends in "...: ". */
static void write_path(const struct weft_json_place *place, char *text, size_t size_bytes)
{
    static const char ellipsis[] = "...: ";
    const struct weft_json_place *places[MAX_PATH_DEPTH];
    size_t count = 0;
    for (; place != NULL; place = place->parent) {
        weft_assert(count < MAX_PATH_DEPTH);
        if (place->field != NULL) {
            places[count++] = place;
        }
    }
    text[0] = 0;
    size_t used = 0;
    for (; count > 0 && used < size_bytes; count--) {
        place = places[count - 1];
        char index[24] = "";
        if (place->index != WEFT_JSON_NO_INDEX) {
            snprintf(index, sizeof index, "[%zu]", place->index);
        }
        used += (size_t)snprintf(text + used, size_bytes - used, "%s%s%s", place->field->name, index,
                                 count > 1 ? "." : ": ");
    }
    if (used >= size_bytes) {
        memcpy(text + size_bytes - sizeof ellipsis, ellipsis, sizeof ellipsis);
    }
}

const uint8_t *weft_json_reader_fail(struct weft_json_reader *reader, const struct weft_json_place *place,
                                     const uint8_t *at, const char *format, ...)
{
    char path[256];
    char reason[160];
    va_list arguments;
    write_path(place, path, sizeof path);
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    reader->status =
        weft_fail(reader->error, WEFT_INVALID, "byte %zu: %s%s", (size_t)(at - reader->origin), path, reason);
    return NULL;
}

const uint8_t *weft_json_reader_fail_scan(struct weft_json_reader *reader, const struct weft_json_place *place,
                                          const struct weft_json_fault *fault)
{
    return weft_json_reader_fail(reader, place, fault->at, "%s", fault->reason);
}

const uint8_t *weft_json_reader_fail_kind(struct weft_json_reader *reader, const struct weft_json_place *place,
                                          const uint8_t *at)
{
    return weft_json_reader_fail(reader, place, at, "%s is expected%s", expected_texts[place->field->kind],
                                 at == reader->end ? ", the text is cut off" : "");
}

bool weft_json_reader_grow(struct weft_json_reader *reader, size_t length)
{
    struct weft_payload *out = reader->out;
    size_t base = out->length;
    size_t used = (size_t)(reader->to - out->bytes);
    if (used - base > reader->max_bytes) {
        reader->status =
            weft_fail(reader->error, WEFT_LIMIT, "the message is larger than %zu bytes", reader->max_bytes);
        return false;
    }
    size_t needed = used + length;
    out->length = used; /* so that the payload takes along what it does not count yet */
    enum weft_status status = weft_payload_reserve(out, needed > 2 * out->capacity ? needed : 2 * out->capacity);
    out->length = base;
    if (status != WEFT_OK) {
        reader->status = weft_fail(reader->error, status, "no memory for a message of %zu bytes", needed);
        return false;
    }
    reader->to = out->bytes + used;
    reader->room_end = out->bytes + out->capacity;
    return true;
}
