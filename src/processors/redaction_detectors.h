#pragma once

#include "base/slice.h"

/* Detectors: what is known to be a secret or personal by its form alone. Each
 * is a search written for it that takes time in proportion to the text, and
 * confirms what it found (checksums, ranges, alphabets, what stands around it),
 * so there are no limits to meet. Before any of them looks, one pass over the
 * text says which of them may find something.
 */
enum weft_detector_id {
    WEFT_DETECT_EMAIL,
    WEFT_DETECT_CREDIT_CARD,
    WEFT_DETECT_IBAN,
    WEFT_DETECT_JWT,
    WEFT_DETECT_PEM,
    WEFT_DETECT_AWS_KEY,
    WEFT_DETECT_GITHUB_TOKEN,
    WEFT_DETECT_SLACK_TOKEN,
    WEFT_DETECT_STRIPE_KEY,
    WEFT_DETECT_GOOGLE_API_KEY,
    WEFT_DETECT_OPENAI_KEY,
    WEFT_DETECT_ANTHROPIC_KEY,
    WEFT_DETECT_RUNPOD_KEY,
    WEFT_DETECT_INNGEST_KEY,
    WEFT_DETECT_BEARER,
    WEFT_DETECT_BASIC_AUTH,
    WEFT_DETECT_URL_PASSWORD,
    WEFT_DETECT_PASSWORD_KV,
    WEFT_DETECT_IPV4,
    WEFT_DETECT_IPV6,
    WEFT_DETECT_US_SSN,
    WEFT_DETECT_PHONE,
    WEFT_DETECTOR_COUNT
};

/* Sets of detectors: bit 1 << id. */
typedef uint32_t weft_detector_set;

/* Where something was found: [start, end). */
struct weft_found {
    size_t start, end;
};

const char *weft_detector_name(enum weft_detector_id id);

/* WEFT_DETECTOR_COUNT if there is none of that name. */
enum weft_detector_id weft_detector_of(const char *name);

/* The pass over a text that says which of a set may find something in it: by byte, which triggers have it as their
 * first, second, third or fourth one. 9 KiB, made once. */
enum { WEFT_TRIGGER_BYTES = 4, WEFT_TRIGGER_PLACES = 3, WEFT_TRIGGER_NUMBER = 0x80 };

struct weft_detector_filter {
    weft_detector_set set;
    weft_detector_set without_trigger; /* digits alone say whether they are asked */
    uint64_t places[WEFT_TRIGGER_BYTES][256];
    uint64_t groups[WEFT_DETECTOR_COUNT][2]; /* triggers, one of each group is needed; 0: no such group */
    uint64_t escapes;                        /* triggers */
    /* coarser, of the last places, by halves of bytes; triggers share seven bits, numbers have the eighth of the first
     * two */
    uint8_t low[WEFT_TRIGGER_PLACES][16], high[WEFT_TRIGGER_PLACES][16];
    uint8_t min_bytes; /* in a shorter text nothing is found */
    bool has_vectors;
};

void weft_detector_filter_init(struct weft_detector_filter *filter, weft_detector_set set);

/* Those of the filter's set that find something in the text. */
weft_detector_set weft_detectors_find(const struct weft_detector_filter *filter, struct weft_slice text);

/* The same, and whether there are escapes in it (redaction_escapes.h) behind which something else may be found. */
weft_detector_set weft_detectors_find_in(const struct weft_detector_filter *filter, struct weft_slice text,
                                         bool *out_has_escapes);

/* Whether some of the set may find something, or undo escapes first, in a text that lies anywhere in these bytes. A
 * text in which that may be has a byte of *out_where, which is no place at all (its end before its start) if there is
 * none. */
bool weft_detectors_may_find(const struct weft_detector_filter *filter, struct weft_slice bytes,
                             struct weft_found *out_where);

/* The first thing that the detector finds at or behind from. */
bool weft_detector_next(enum weft_detector_id id, struct weft_slice text, size_t from, struct weft_found *out_found);
