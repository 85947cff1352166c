#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* What a person should know about a config: shown by `weft validate`, and logged once at the start. Errors are among
 * them only if they are kept. */
enum weft_note_kind {
    WEFT_NOTE_ERROR,
    WEFT_NOTE_WARNING,   /* probably not what was meant: an unset environment variable */
    WEFT_NOTE_NO_EFFECT, /* a key that the Collector has, and that weft needs not */
};

struct weft_config_note {
    enum weft_note_kind kind;
    char *text; /* "file:line: path: ..." */
};

/* In order of finding; the same text is listed once. All zero is an empty list. */
struct weft_config_notes {
    bool keeps_errors; /* one error does not end the reading: all are to be told */
    size_t error_count;
    enum weft_status first_error;
    struct weft_config_note *items;
    size_t count;
    size_t capacity;
};

void weft_config_notes_fini(struct weft_config_notes *notes);

/* notes may be NULL: then nothing is kept. WEFT_NOMEM. */
enum weft_status weft_config_notes_add(struct weft_config_notes *notes, enum weft_note_kind kind, const char *format,
                                       ...) WEFT_PRINTF(3, 4) WEFT_MUST_CHECK;

/* What a reader does with an error that it could read past: WEFT_OK if notes keep it, else the status as it is (notes
 * NULL; no memory). Whoever got WEFT_OK has not got the value; weft_config_notes_fail tells in the end. */
enum weft_status weft_config_notes_survive(struct weft_config_notes *notes, enum weft_status status,
                                           const struct weft_error *error) WEFT_MUST_CHECK;

/* The first error that was kept since there were so many; WEFT_OK if there is none. */
enum weft_status weft_config_notes_fail(const struct weft_config_notes *notes, size_t error_count,
                                        struct weft_error *error) WEFT_MUST_CHECK;

static inline size_t weft_config_notes_errors(const struct weft_config_notes *notes)
{
    return notes == NULL ? 0 : notes->error_count;
}

/* "error", "warning", "no effect" */
const char *weft_note_kind_name(enum weft_note_kind kind);
