#pragma once

#include "processors/redaction_detectors.h"
#include "processors/redaction_escapes.h"

/* What detectors find in what a text holds in another form: percent-encoded (RFC 3986, 2.1), or as base64 of either
 * alphabet in runs of 16 characters or more; in both at once, and in one within the other, three deep. Most texts are
 * done with one look, for a % before two hex digits and for runs in which ASCII may be. In a run only what becomes
 * ASCII is decoded, whatever stands before it: secrets are ASCII, and ids hardly ever are.
 *
 * What is decoded of a text is limited to a multiple of its length; a text that wants more is hidden as a whole. */
enum weft_encoded_form { WEFT_ENCODED_PERCENT = 1, WEFT_ENCODED_BASE64 = 2 };

enum { WEFT_ENCODED_DEPTH = 3, WEFT_ENCODED_MAX_FACTOR = 4, WEFT_ENCODED_MIN_RUN = 16 };

/* Made once for the rules. encodings 0: nothing is decoded. */
struct weft_encoded_rules {
    const struct weft_detector_filter *detectors;
    unsigned encodings;  /* of enum weft_encoded_form */
    uint8_t digits[256]; /* by character of base64 what it says; 64 and more: none */
};

void weft_encoded_rules_init(struct weft_encoded_rules *rules, const struct weft_detector_filter *detectors,
                             unsigned encodings);

/* What holds it in the text as it came. */
struct weft_encoded_hit {
    size_t start, end;
    weft_detector_set found;
};

/* One per worker. All zero is empty. */
struct weft_encoded {
    const struct weft_encoded_rules *rules;
    struct weft_encoded_level {
        struct weft_buffer decoded;
        struct weft_unescaped views[2];
    } levels[WEFT_ENCODED_DEPTH];
    struct weft_buffer hits; /* struct weft_encoded_hit */
    size_t left_bytes;       /* that may still be decoded */
    bool is_over;            /* they were not enough, or memory ran out: nobody knows what is there */
};

void weft_encoded_fini(struct weft_encoded *encoded);
void weft_encoded_trim(struct weft_encoded *encoded);

/* All that detectors find in what is encoded in the text; hits says where, until the next call. unescaped: the text
 * without its escapes, in which they have been looking already; NULL: it has none. */
weft_detector_set weft_encoded_find(struct weft_encoded *encoded, struct weft_slice text,
                                    const struct weft_unescaped *unescaped);

/* Whether in a text that lies anywhere in these bytes something may be encoded, apart from escapes, as
 * weft_detectors_may_find says it of what is not; *in_out_where is what that said, and becomes wider. */
bool weft_encoded_may_find(const struct weft_encoded_rules *rules, struct weft_slice bytes,
                           struct weft_found *in_out_where);
