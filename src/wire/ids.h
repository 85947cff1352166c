#pragma once

#include "base/slice.h"
#include "base/status.h"

/* Trace ids and span ids as producers write them, brought to the bytes that OTLP has: one table of rules in ids.c. */

enum { WEFT_TRACE_ID_BYTES = 16, WEFT_SPAN_ID_BYTES = 8, WEFT_ID_MAX_WORD = 256 };

/* What an id was before. */
#define WEFT_ID_KIND_ROWS(ROW)                                                                  \
    ROW(NONE, "none")                                                                           \
    ROW(FULL, "full")     /* all its bits were written: hex, a UUID, X-Ray's and GCP's forms */ \
    ROW(LOW64, "low64")   /* a 64-bit trace id: the upper half is unknown, here zeros */        \
    ROW(PADDED, "padded") /* hex without its leading zeros */                                   \
    ROW(OPAQUE, "opaque") /* a word that is no id: the bytes are its hash */

enum weft_id_kind {
#define WEFT_ID_KIND_ENUM(name, text) WEFT_ID_##name,
    WEFT_ID_KIND_ROWS(WEFT_ID_KIND_ENUM)
#undef WEFT_ID_KIND_ENUM
        WEFT_ID_KIND_COUNT
};

/* Why there is no usable id. */
#define WEFT_ID_PROBLEM_ROWS(ROW)                                                                     \
    ROW(OK, "ok")                                                                                     \
    ROW(ABSENT, "absent")           /* no place holds one */                                          \
    ROW(EMPTY, "empty")             /* nothing, or a word for nothing, as outside a span: no fault */ \
    ROW(ZERO, "zero")               /* all zeros */                                                   \
    ROW(NOT_TEXT, "not_text")       /* a number where numbers are no ids, an object, true */          \
    ROW(TOO_LONG, "too_long")       /* a word of more than WEFT_ID_MAX_WORD bytes */                  \
    ROW(MALFORMED, "malformed")     /* a traceparent or another header that is none */                \
    ROW(OPAQUE_SPAN, "opaque_span") /* a word for a span id: it names nothing that a span could have */

enum weft_id_problem {
#define WEFT_ID_PROBLEM_ENUM(name, text) WEFT_ID_PROBLEM_##name,
    WEFT_ID_PROBLEM_ROWS(WEFT_ID_PROBLEM_ENUM)
#undef WEFT_ID_PROBLEM_ENUM
        WEFT_ID_PROBLEM_COUNT
};

/* Whose key the id stands under: tracers cut leading zeros off, Datadog's write decimal numbers. */
enum weft_id_dialect { WEFT_ID_GENERIC, WEFT_ID_TRACER, WEFT_ID_DATADOG };

struct weft_trace_id {
    uint8_t bytes[WEFT_TRACE_ID_BYTES];
    enum weft_id_kind kind;
};

struct weft_span_id {
    uint8_t bytes[WEFT_SPAN_ID_BYTES];
    enum weft_id_kind kind;
};

/* Headers that hold a whole context in one text. */
enum weft_id_header { WEFT_ID_TRACEPARENT, WEFT_ID_B3, WEFT_ID_UBER, WEFT_ID_XRAY_HEADER };

struct weft_trace_context {
    struct weft_trace_id trace_id;
    struct weft_span_id span_id; /* kind NONE: there is none */
    uint8_t flags;
    bool has_flags;
};

const char *weft_id_kind_name(enum weft_id_kind kind);
const char *weft_id_problem_name(enum weft_id_problem problem);

/* Under a key for trace ids of a log line. A word that follows no rule becomes the first 16 bytes of
 * SHA-256("weft-id" NUL word), so that the same word always joins. `Some("...")` and quotes around the word are taken
 * off, one level. */
enum weft_id_problem weft_trace_id_of_text(struct weft_slice text, enum weft_id_dialect dialect,
                                           struct weft_trace_id *out_id) WEFT_MUST_CHECK;

/* The same for span ids. Words are WEFT_ID_PROBLEM_OPAQUE_SPAN. */
enum weft_id_problem weft_span_id_of_text(struct weft_slice text, enum weft_id_dialect dialect,
                                          struct weft_span_id *out_id) WEFT_MUST_CHECK;

/* text is a number of JSON: Datadog's ids only, exact to the last of their 64 bits. */
enum weft_id_problem weft_trace_id_of_number(struct weft_slice text, enum weft_id_dialect dialect,
                                             struct weft_trace_id *out_id) WEFT_MUST_CHECK;
enum weft_id_problem weft_span_id_of_number(struct weft_slice text, enum weft_id_dialect dialect,
                                            struct weft_span_id *out_id) WEFT_MUST_CHECK;

/* Never opaque: what does not have the header's form is WEFT_ID_PROBLEM_MALFORMED. */
enum weft_id_problem weft_ids_of_header(enum weft_id_header header, struct weft_slice text,
                                        struct weft_trace_context *out_context) WEFT_MUST_CHECK;

/* "01", "1", "true", "False"; the flags' byte. False: it is none of these. */
bool weft_trace_flags_of_text(struct weft_slice text, uint8_t *out_flags) WEFT_MUST_CHECK;
