#pragma once

#include "base/arena.h"
#include "processors/redaction_places.h"
#include "processors/redaction_summary.h"
#include "wire/signal.h"

struct weft_redaction_counts {
    uint64_t masked;  /* values */
    uint64_t removed; /* attributes */
};

/* Finds keys and values where they stand in a record, a resource or a scope, and writes those messages anew in which
 * something changed. One per worker and instance. */
struct weft_redactor {
    struct weft_redaction_matcher matcher;
    struct weft_redaction_notes notes;
    struct weft_buffer out;   /* contents of new messages: an inner one lies behind what its outer one has so far */
    struct weft_buffer path;  /* of the value that is being looked at, if names are noted */
    size_t path_depth;        /* names in path, empty ones, too */
    struct weft_buffer text;  /* of a value that is no string */
    struct weft_buffer stack; /* while that is made */
    struct weft_buffer *explanation; /* a line for each note; NULL: nobody asks */
    struct weft_buffer found_by;     /* while somebody does */
    bool is_body;
    struct weft_sanitizing sanitizing;   /* what looks at the value that is being looked at, besides the rules */
    struct weft_redaction_system system; /* that its message names */
    enum weft_signal signal;
    struct weft_arena *arena;    /* of the message that is being looked at */
    struct weft_slice suspected; /* outside of it nothing is found in strings */
    bool is_search_only;         /* nothing is done but what detectors find in strings as they lie in the record */
    struct weft_redaction_counts counts;
};

/* Whatever it returns, fini comes after it. */
enum weft_status weft_redactor_init(struct weft_redactor *redactor, const struct weft_redaction_rules *rules,
                                    struct weft_error *error) WEFT_MUST_CHECK;
void weft_redactor_fini(struct weft_redactor *redactor);

/* After a batch: gives back what large records have left behind. */
void weft_redactor_trim(struct weft_redactor *redactor);

/* Redacts a checked message. *in_out_message stays if nothing changes, else it is in arena. WEFT_NOMEM changes nothing.
 */
enum weft_status weft_redactor_apply(struct weft_redactor *redactor, enum weft_signal signal,
                                     enum weft_redaction_target target, struct weft_arena *arena,
                                     struct weft_slice *in_out_message) WEFT_MUST_CHECK;

/* What is left of a text that is shown: as the value of an attribute with that key, or of none. Borrowed until the next
 * call of anything here. */
struct weft_slice weft_redactor_hide(struct weft_redactor *redactor, struct weft_slice key, struct weft_slice text);
