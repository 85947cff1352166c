#pragma once

#include "processors/redaction_rules.h"
#include "wire/signal.h"

/* What the slice holds: contents of a Span, Metric or LogRecord, or the fields of a ResourceX or ScopeX other than
 * records. */
enum weft_redaction_target { WEFT_REDACTION_RECORD, WEFT_REDACTION_RESOURCE_X, WEFT_REDACTION_SCOPE_X };

/* A string of a message that is no attribute, and what a summary calls it. */
struct weft_redaction_text {
    uint32_t field; /* 0 ends the list */
    const char *name;
};

/* Where a message has what is looked at. */
struct weft_redaction_place {
    uint32_t attributes; /* the field; 0 = none */
    uint32_t body;       /* the field; 0 = none */
    struct weft_redaction_text texts[4];
    struct {
        uint32_t field;
        const struct weft_redaction_place *place; /* NULL ends the list */
    } inner[5];
};

const struct weft_redaction_place *weft_redaction_place_of(enum weft_redaction_scope scope, enum weft_signal signal,
                                                           enum weft_redaction_target target);

/* NULL if nothing is looked at in the message of that field. */
const struct weft_redaction_place *weft_redaction_inner_place(const struct weft_redaction_place *place,
                                                              uint32_t number);

/* The name of a text; NULL if that field is not looked at. */
const char *weft_redaction_text_name(const struct weft_redaction_place *place, uint32_t number);
