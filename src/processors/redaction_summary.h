#pragma once

#include "processors/redaction_rules.h"
#include "wire/otlp_text.h"

/* What a redaction did to one set of attributes, and the attributes redaction.* that tell it, as the Collector writes
 * them: with `info` how many keys of each kind, with `debug` their names, too. */
enum weft_redaction_note {
    WEFT_REDACTION_NOTE_REDACTED,
    WEFT_REDACTION_NOTE_MASKED,
    WEFT_REDACTION_NOTE_ALLOWED,
    WEFT_REDACTION_NOTE_IGNORED,
    WEFT_REDACTION_NOTE_COUNT
};

enum {
    WEFT_REDACTION_PLACES = 2,                /* attributes, and the body of a log record */
    WEFT_REDACTION_MAX_NAME_BYTES = 64 << 10, /* of one record; more are counted, but not named */
};

/* Notes of messages inside one another lie on a stack. All zero is empty; one per worker. */
struct weft_redaction_notes {
    enum weft_redaction_summary level;
    uint64_t counts[WEFT_REDACTION_PLACES][WEFT_REDACTION_NOTE_COUNT];
    struct weft_buffer names;   /* the bytes of all names */
    struct weft_buffer items;   /* struct name: which note, where in names */
    struct weft_buffer entries; /* scratch: struct weft_otlp_named */
    struct weft_buffer values;  /* scratch: new KeyValues */
    struct weft_buffer message; /* scratch: the message with them */
};

void weft_redaction_notes_fini(struct weft_redaction_notes *notes);
void weft_redaction_notes_clear(struct weft_redaction_notes *notes);

/* Gives back what a large message has left behind. */
void weft_redaction_notes_trim(struct weft_redaction_notes *notes);

/* WEFT_NOMEM if a name or a new message was lost; a clear forgets it, and so does the next message. */
enum weft_status weft_redaction_notes_status(const struct weft_redaction_notes *notes) WEFT_MUST_CHECK;

/* The notes of a message are taken between begin and end. */
struct weft_redaction_page {
    uint64_t counts[WEFT_REDACTION_PLACES][WEFT_REDACTION_NOTE_COUNT];
    size_t names_length, items_length;
};

void weft_redaction_notes_begin(struct weft_redaction_notes *notes, struct weft_redaction_page *out_page);
void weft_redaction_notes_end(struct weft_redaction_notes *notes, const struct weft_redaction_page *page);

void weft_redaction_notes_add(struct weft_redaction_notes *notes, bool is_body, enum weft_redaction_note note,
                              struct weft_slice name);

/* The message, whose attributes are in that field, with the summary of what was noted since begin: counts add to those
 * that it has already, names join them. False if there is nothing to tell. *out_message is borrowed until the next
 * call. */
bool weft_redaction_notes_write(struct weft_redaction_notes *notes, const struct weft_redaction_page *page,
                                struct weft_slice message, uint32_t field, struct weft_slice *out_message);
