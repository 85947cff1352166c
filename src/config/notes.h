#pragma once

#include <stddef.h>

#include "base/status.h"

/* What a person should know about a config that is valid: shown by `weft validate` and logged once at the start. */
enum weft_note_kind {
    WEFT_NOTE_WARNING,   /* probably not what was meant: an unset environment variable */
    WEFT_NOTE_NO_EFFECT, /* a key that the Collector has, and that weft needs not */
};

struct weft_config_note {
    enum weft_note_kind kind;
    char *text; /* "file:line: path: ..." */
};

/* In order of finding; the same text is listed once. All zero is an empty list. */
struct weft_config_notes {
    struct weft_config_note *items;
    size_t count;
    size_t capacity;
};

void weft_config_notes_fini(struct weft_config_notes *notes);

/* notes may be NULL: then nothing is kept. WEFT_NOMEM. */
enum weft_status weft_config_notes_add(struct weft_config_notes *notes, enum weft_note_kind kind, const char *format,
                                       ...) WEFT_PRINTF(3, 4) WEFT_MUST_CHECK;

/* "warning", "no effect" */
const char *weft_note_kind_name(enum weft_note_kind kind);
