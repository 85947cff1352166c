#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"
#include "wire/ids.h"

/* One line of a log becomes one OTLP LogRecord, in one pass and without a tree. Nothing that a line can hold makes
 * it be lost or its neighbours: what is no JSON object is the text of the body, what cannot be kept as it is gets kept
 * as text and flagged.
 *
 * Where keys go is a table (log_line_keys.c): time, severity, body and ids to the record's fields; service and
 * environment to the resource; Rust's `fields` one level up; all others to attributes, objects as nested ones. The
 * first of several times, levels or bodies counts, the others stay attributes. Of a key that is repeated the first
 * value keeps its name and the others become `dup.<key>`, `dup.2.<key>`, ...; of `target` the last one keeps it.
 * request_id, user_id, team_id and job_id that only a nested object has (Rust's `span` and `spans`) are attributes of
 * the record, too. */

/* What was found in a line. Rows: name, word, whether the record says so in its attribute `weft.malformed`. */
#define WEFT_LINE_FLAG_ROWS(ROW)                                                                         \
    ROW(TEXT, "text", false)                    /* no JSON object: the body is the line */               \
    ROW(BROKEN_JSON, "broken_json", true)       /* text that begins like an object */                    \
    ROW(TRAILING_BYTES, "trailing_bytes", true) /* text: something follows the object */                 \
    ROW(BAD_UTF8, "bad_utf8", true)             /* bytes that are no UTF-8 are U+FFFD now */             \
    ROW(CUT, "cut", true)                       /* text: longer than max_line_bytes, the rest is lost */ \
    ROW(TOO_DEEP, "too_deep", true)             /* kept as JSON's text from the limit on */              \
    ROW(LONE_SURROGATE, "lone_surrogate", true) /* half a pair is U+FFFD now */                          \
    ROW(BIG_NUMBER, "big_number", true)         /* beyond 64 bits or any double: kept as text */         \
    ROW(DUPLICATE_KEY, "duplicate_key", true)                                                            \
    ROW(NUL_BYTE, "nul_byte", true) /* text with zero bytes in it */                                     \
    ROW(BAD_TIME, "bad_time", true) /* under a key for times, kept as an attribute */                    \
    ROW(ZONE_ASSUMED, "zone_assumed", false)                                                             \
    ROW(CLOCK_SKEW, "clock_skew", false)         /* more than a day from when it was observed */         \
    ROW(OPAQUE_SPAN_ID, "opaque_span_id", false) /* beside a usable trace id: kept as an attribute */

enum weft_line_flag {
#define WEFT_LINE_FLAG_ENUM(name, word, is_on_record) WEFT_LINE_##name,
    WEFT_LINE_FLAG_ROWS(WEFT_LINE_FLAG_ENUM)
#undef WEFT_LINE_FLAG_ENUM
        WEFT_LINE_FLAG_COUNT
};

/* Where the id stood; in the order in which they are looked at. */
#define WEFT_LINE_PLACE_ROWS(ROW)        \
    ROW(TOP, "top")                      \
    ROW(FIELDS, "fields")                \
    ROW(SPAN, "span")                    \
    ROW(SPANS, "spans")                  \
    ROW(OPEN_TELEMETRY, "openTelemetry") \
    ROW(OTEL, "otel")                    \
    ROW(CONTEXT, "context")              \
    ROW(CTX, "ctx")                      \
    ROW(SPAN_CONTEXT, "span_context")    \
    ROW(PAYLOAD, "payload")              \
    ROW(ATTRIBUTES, "attributes")        \
    ROW(RESOURCE, "resource")            \
    ROW(EXTRA, "extra")                  \
    ROW(MDC, "mdc")                      \
    ROW(DATADOG, "dd")                   \
    ROW(SERVICE, "service")              \
    ROW(TRACE, "trace")                  \
    ROW(LOG, "log")                      \
    ROW(NONE, "none")

enum weft_line_place {
#define WEFT_LINE_PLACE_ENUM(name, word) WEFT_LINE_PLACE_##name,
    WEFT_LINE_PLACE_ROWS(WEFT_LINE_PLACE_ENUM)
#undef WEFT_LINE_PLACE_ENUM
        WEFT_LINE_PLACE_COUNT
};

/* Words by which lines and traces can be joined when there is no id. */
enum weft_line_word {
    WEFT_LINE_REQUEST_ID,
    WEFT_LINE_USER_ID,
    WEFT_LINE_TEAM_ID,
    WEFT_LINE_JOB_ID,
    WEFT_LINE_WORD_COUNT
};

enum {
    WEFT_LINE_DEFAULT_BYTES = 1 << 20,
    /* Objects and arrays inside one another, the line itself apart: OTLP makes three messages of each, and readers
     * take a hundred. */
    WEFT_LINE_MAX_DEPTH = 24,
    WEFT_LINE_MAX_WORD = 256, /* of a service, an environment, one of the words above */
};

struct weft_log_line_settings {
    size_t max_line_bytes; /* 0 = WEFT_LINE_DEFAULT_BYTES */
    int zone_minutes;      /* east of UTC: of times without a zone */
};

/* Slices point into the line or into the reader: until its next line. */
struct weft_log_line {
    size_t record_at, record_length;        /* contents of the LogRecord, in `out` */
    struct weft_slice service, environment; /* empty: there is none */
    struct weft_slice words[WEFT_LINE_WORD_COUNT];
    struct weft_trace_id trace_id; /* kind NONE: there is none, for id_problem */
    struct weft_span_id span_id;
    enum weft_id_problem id_problem;
    enum weft_line_place id_place;
    uint64_t time_ns; /* 0: none */
    uint32_t flags;   /* 1 << enum weft_line_flag */
    uint8_t severity;
};

/* Sums over lines, for whoever reads them. */
struct weft_log_line_counts {
    uint64_t lines;
    uint64_t flags[WEFT_LINE_FLAG_COUNT];
    uint64_t id_kinds[WEFT_ID_KIND_COUNT];
    uint64_t id_problems[WEFT_ID_PROBLEM_COUNT]; /* lines without a usable id, by reason; OK: those with one */
    uint64_t id_places[WEFT_LINE_PLACE_COUNT];   /* of lines with one */
};

const char *weft_line_flag_name(enum weft_line_flag flag);
const char *weft_line_place_name(enum weft_line_place place);
void weft_log_line_count(struct weft_log_line_counts *counts, const struct weft_log_line *line);

/* Holds the table's index and the memory for what must be rewritten. One thread at a time. */
struct weft_log_line_reader;

struct weft_log_line_reader *weft_log_line_reader_new(const struct weft_log_line_settings *settings);
void weft_log_line_reader_free(struct weft_log_line_reader *reader);

enum { WEFT_LOG_ATTRIBUTE_FIELD = 6 /* of LogRecord */, WEFT_RESOURCE_ATTRIBUTE_FIELD = 1 /* of Resource */ };

/* What is known of lines beside what they say. Borrowed, as long as lines of it are read. */
struct weft_log_source {
    struct weft_slice fields;      /* added to each record as they are: of LogRecord, in protobuf */
    const struct weft_slice *keys; /* of the attributes among these: a line's own of the same name is dup.<key> */
    size_t key_count;
    struct weft_slice resource;        /* of a request (log_request.h): the same for the resource */
    struct weft_slice scope;           /* the same: its scope's name */
    uint64_t time_ns;                  /* of lines that say no time; 0: not known */
    bool has_service, has_environment; /* the resource says them: what lines say does not count */
    bool is_text; /* nothing is looked for in a line: without the white space around it it is the body */
};

/* Of the lines from now on. */
void weft_log_line_reader_set_source(struct weft_log_line_reader *reader, const struct weft_log_source *source);

/* Appends the line to out as one field `log_records` of ScopeLogs: tag, length, record. line: without its end; bytes
 * beyond max_line_bytes are cut off. WEFT_NOMEM: out is as it was, but for its is_failed. */
enum weft_status weft_log_line_read(struct weft_log_line_reader *reader, struct weft_slice line, uint64_t observed_ns,
                                    struct weft_buffer *out, struct weft_log_line *out_line) WEFT_MUST_CHECK;
