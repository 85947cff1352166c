/* The list of notes about a valid config (notes.h). Filled while loading and parsing, read by validate. */
#include "config/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void weft_config_notes_fini(struct weft_config_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        weft_free(notes->items[i].text);
    }
    weft_free(notes->items);
    *notes = (struct weft_config_notes){ 0 };
}

static bool has_note(const struct weft_config_notes *notes, enum weft_note_kind kind, const char *text)
{
    for (size_t i = 0; i < notes->count; i++) {
        if (notes->items[i].kind == kind && strcmp(notes->items[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

enum weft_status weft_config_notes_add(struct weft_config_notes *notes, enum weft_note_kind kind, const char *format,
                                       ...)
{
    enum { MAX_NOTES = 1000 };
    if (notes == NULL || notes->count >= MAX_NOTES) {
        return WEFT_OK;
    }
    char text_buffer[480];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text_buffer, sizeof text_buffer, format, arguments);
    va_end(arguments);
    if (has_note(notes, kind, text_buffer)) {
        return WEFT_OK;
    }
    if (weft_try_grow(&notes->items, sizeof notes->items[0], notes->count, &notes->capacity) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    size_t size_bytes = strlen(text_buffer) + 1;
    char *text = weft_try_alloc_raw(size_bytes);
    if (text == NULL) {
        return WEFT_NOMEM;
    }
    memcpy(text, text_buffer, size_bytes);
    notes->items[notes->count++] = (struct weft_config_note){ .kind = kind, .text = text };
    notes->error_count += kind == WEFT_NOTE_ERROR;
    return WEFT_OK;
}

enum weft_status weft_config_notes_survive(struct weft_config_notes *notes, enum weft_status status,
                                           const struct weft_error *error)
{
    if (status == WEFT_OK || status == WEFT_NOMEM || notes == NULL || !notes->keeps_errors) {
        return status;
    }
    notes->first_error = notes->error_count == 0 ? status : notes->first_error;
    return weft_config_notes_add(notes, WEFT_NOTE_ERROR, "%s", error->text);
}

enum weft_status weft_config_notes_fail(const struct weft_config_notes *notes, size_t error_count,
                                        struct weft_error *error)
{
    if (weft_config_notes_errors(notes) == error_count) {
        return WEFT_OK;
    }
    size_t number = 0;
    for (size_t i = 0; i < notes->count; i++) {
        if (notes->items[i].kind == WEFT_NOTE_ERROR && number++ == error_count) {
            return weft_fail(error, error_count == 0 ? notes->first_error : WEFT_INVALID, "%s", notes->items[i].text);
        }
    }
    return WEFT_OK;
}

const char *weft_note_kind_name(enum weft_note_kind kind)
{
    switch (kind) {
    case WEFT_NOTE_ERROR:
        return "error";
    case WEFT_NOTE_WARNING:
        return "warning";
    case WEFT_NOTE_NO_EFFECT:
        return "no effect";
    }
    return "";
}
