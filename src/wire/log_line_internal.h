#pragma once

#include "wire/json_scan.h"
#include "wire/log_line.h"
#include "wire/protobuf.h"
#include "wire/severity.h"

/* What the files of the log line's reader share: the table of keys, the ids seen so far, and where it writes. */

/* Tags of one byte: field number and wire type. */
enum {
    WEFT_LINE_TAG_RECORD = 2 << 3 | WEFT_WIRE_BYTES, /* of ScopeLogs; the others of LogRecord */
    WEFT_LINE_TAG_TIME = 1 << 3 | WEFT_WIRE_FIXED64,
    WEFT_LINE_TAG_SEVERITY = 2 << 3 | WEFT_WIRE_VARINT,
    WEFT_LINE_TAG_SEVERITY_TEXT = 3 << 3 | WEFT_WIRE_BYTES,
    WEFT_LINE_TAG_BODY = 5 << 3 | WEFT_WIRE_BYTES,
    WEFT_LINE_TAG_ATTRIBUTE = WEFT_LOG_ATTRIBUTE_FIELD << 3 | WEFT_WIRE_BYTES,
    WEFT_LINE_TAG_FLAGS = 8 << 3 | WEFT_WIRE_FIXED32,
    WEFT_LINE_TAG_TRACE_ID = 9 << 3 | WEFT_WIRE_BYTES,
    WEFT_LINE_TAG_SPAN_ID = 10 << 3 | WEFT_WIRE_BYTES,
    WEFT_LINE_TAG_OBSERVED = 11 << 3 | WEFT_WIRE_FIXED64,
};

enum weft_line_role {
    WEFT_LINE_ROLE_TRACE_ID, /* argument: family */
    WEFT_LINE_ROLE_SPAN_ID,
    WEFT_LINE_ROLE_TRACE_FLAGS,
    WEFT_LINE_ROLE_BODY,
    WEFT_LINE_ROLE_LATE_BODY, /* if nothing better comes */
    WEFT_LINE_ROLE_TIME,
    WEFT_LINE_ROLE_SEVERITY,        /* argument: scale */
    WEFT_LINE_ROLE_SEVERITY_NUMBER, /* OpenTelemetry's */
    WEFT_LINE_ROLE_SERVICE,         /* argument: place, if it is an object */
    WEFT_LINE_ROLE_ENVIRONMENT,
    WEFT_LINE_ROLE_WORD,  /* argument: which */
    WEFT_LINE_ROLE_PLACE, /* argument: which */
    WEFT_LINE_ROLE_TARGET,
    WEFT_LINE_ROLE_HINT, /* argument: which; tells whose line it is */
    WEFT_LINE_ROLE_COUNT
};

/* Keys that belong together: a span id counts beside a trace id of the same family only. In the order in which
 * they count at one place. From XRAY on some are whole contexts in one text. */
enum weft_line_family {
    WEFT_LINE_FAMILY_SNAKE,
    WEFT_LINE_FAMILY_CAMEL,
    WEFT_LINE_FAMILY_OTEL,
    WEFT_LINE_FAMILY_ECS,
    WEFT_LINE_FAMILY_DATADOG,
    WEFT_LINE_FAMILY_GCP,
    WEFT_LINE_FAMILY_XRAY,
    WEFT_LINE_FAMILY_B3,
    WEFT_LINE_FAMILY_B3_SINGLE,
    WEFT_LINE_FAMILY_UBER,
    WEFT_LINE_FAMILY_TRACEPARENT, /* after all others of all places */
    WEFT_LINE_FAMILY_COUNT
};

enum weft_line_hint {
    WEFT_LINE_HINT_PID = 1,
    WEFT_LINE_HINT_HOSTNAME = 2,
    WEFT_LINE_HINT_PINO = WEFT_LINE_HINT_PID | WEFT_LINE_HINT_HOSTNAME,
    WEFT_LINE_HINT_PYTHON = 4
};

struct weft_line_key {
    const char *text;
    uint8_t length;
    uint8_t role;     /* enum weft_line_role */
    uint8_t argument; /* what it means depends on the role */
    uint32_t places;  /* where it holds: 1 << enum weft_line_place */
};

enum { WEFT_LINE_INDEX_SIZE = 512, WEFT_LINE_MAX_KEYS = 64, WEFT_LINE_SHORT_TEXT = 64, WEFT_LINE_COPY_BLOCK = 32 };

/* A value under a known key, as it stands in the line. */
struct weft_line_member {
    const struct weft_line_key *key;
    struct weft_slice value;
    bool is_written; /* it is an attribute, or part of one, already */
};

/* The ids of one object; an entry holds if its bit is set. */
struct weft_line_id_set {
    uint16_t traces, spans, flags;
    struct weft_line_member trace[WEFT_LINE_FAMILY_COUNT];
    struct weft_line_member span[WEFT_LINE_FAMILY_COUNT];
    struct weft_line_member flag[WEFT_LINE_FAMILY_COUNT];
};

struct weft_line_ids {
    struct weft_trace_context context; /* kind NONE of the trace id: nothing is found */
    enum weft_id_problem problem;      /* of the best place that had something */
    enum weft_line_place place;
    enum weft_line_family family;
    bool is_opaque_span; /* beside the id stood a word for a span id */
    /* The id, the span id, the flags say all that their texts said. */
    bool is_plain_trace, is_plain_span, is_plain_flags;
};

struct weft_line_seen_key {
    struct weft_slice key; /* as it stands in the line */
    uint32_t hash;
    uint32_t count;
};

/* What one line has so far; emptied for each. */
struct weft_line_state {
    uint32_t flags;
    uint32_t hints;
    bool has_body;
    uint64_t time_ns;
    uint8_t severity_number; /* OpenTelemetry's own; 0: to be told from severity */
    enum weft_severity_scale severity_scale;
    struct weft_slice severity; /* as sent */
    bool is_severity_number;
    struct weft_slice service, environment;
    struct weft_slice words[WEFT_LINE_WORD_COUNT];              /* their text */
    struct weft_line_member word_members[WEFT_LINE_WORD_COUNT]; /* is_written: an attribute of the record */
    enum weft_line_place word_places[WEFT_LINE_WORD_COUNT];
    struct weft_line_member late_body;
    struct weft_line_member target;
    struct weft_line_ids nested;      /* the best of all places inside */
    struct weft_line_ids traceparent; /* the same for headers of W3C */
    uint64_t seen_bits;
    size_t seen_count;
};

struct weft_log_line_reader {
    struct weft_log_line_settings settings;
    /* Where it reads and writes. `to` moves when the buffer grows: what must outlast that is an offset. */
    const uint8_t *begin;
    const uint8_t *end;
    size_t block_end; /* offsets in the line before this have WEFT_LINE_COPY_BLOCK bytes that can be read */
    uint8_t *to;
    uint8_t *room_end;
    struct weft_buffer *out;
    struct weft_log_source source;
    bool is_out_of_memory;
    struct weft_line_state state;
    struct weft_line_id_set top;    /* of the line itself, with what `dd`, `trace` and `span` say for it */
    struct weft_line_id_set inside; /* of the object that is open */
    struct weft_line_seen_key seen[WEFT_LINE_MAX_KEYS];
    struct weft_buffer key;      /* one that is not in the line as it is written */
    struct weft_buffer repaired; /* the line without what is no UTF-8 */
    /* texts whose escapes are resolved: service, environment, words, severity */
    uint8_t texts[WEFT_LINE_WORD_COUNT + 3][WEFT_LINE_MAX_WORD];
    uint8_t index[WEFT_LINE_INDEX_SIZE]; /* row of the table and one, by hash; 0: none */
};

enum { WEFT_LINE_TEXT_SERVICE = WEFT_LINE_WORD_COUNT, WEFT_LINE_TEXT_ENVIRONMENT, WEFT_LINE_TEXT_SEVERITY };

/* log_line_keys.c */
void weft_line_keys_index(uint8_t index[WEFT_LINE_INDEX_SIZE]);
const struct weft_line_key *weft_line_keys_find(const uint8_t index[WEFT_LINE_INDEX_SIZE], struct weft_slice key,
                                                uint32_t hash);

static inline uint64_t weft_line_word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint32_t weft_line_half_word_at(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Of a key's first and last bytes and its length: keys that share all of these are told apart by comparing them. */
static inline uint32_t weft_line_key_hash(struct weft_slice key)
{
    uint64_t word = 0;
    if (key.length >= 8) {
        uint64_t last = weft_line_word_at(key.bytes + key.length - 8);
        word = weft_line_word_at(key.bytes) ^ (last << 29 | last >> 35);
    } else if (key.length >= 4) {
        word = weft_line_half_word_at(key.bytes) | (uint64_t)weft_line_half_word_at(key.bytes + key.length - 4) << 32;
    } else if (key.length > 0) {
        word = key.bytes[0] | (uint32_t)key.bytes[key.length / 2] << 8 | (uint32_t)key.bytes[key.length - 1] << 16;
    }
    word = (word ^ key.length) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(word >> 32);
}

static inline bool weft_line_has_key(const struct weft_line_key *key, enum weft_line_place place)
{
    return key != NULL && (key->places & 1u << place) != 0;
}

static inline struct weft_slice weft_line_key_text(const struct weft_line_key *key)
{
    return weft_slice_of(key->text, key->length);
}

/* log_line_value.c: both return the byte after the value, or NULL: it is no JSON, or memory is gone
 * (reader->is_out_of_memory). */

/* One value as AnyValue behind a tag; with a key, as KeyValue. depth: containers that are open; place: what is looked
 * for inside. */
const uint8_t *weft_line_put_value(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                                   const uint8_t *at, unsigned depth, enum weft_line_place place) WEFT_MUST_CHECK;

/* A key, as it is and as it stands in the line, its colon, and what follows up to the value. */
const uint8_t *weft_line_take_key(struct weft_log_line_reader *reader, const uint8_t *at, struct weft_slice *out_key,
                                  struct weft_slice *out_raw) WEFT_MUST_CHECK;

bool weft_line_put_text(struct weft_log_line_reader *reader, uint8_t tag, const struct weft_slice *key,
                        struct weft_slice text) WEFT_MUST_CHECK;
bool weft_line_grow(struct weft_log_line_reader *reader, size_t length) WEFT_MUST_CHECK;

static inline void weft_line_flag(struct weft_log_line_reader *reader, enum weft_line_flag flag)
{
    reader->state.flags |= 1u << flag;
}

static inline bool weft_line_room(struct weft_log_line_reader *reader, size_t length)
{
    return WEFT_LIKELY((size_t)(reader->room_end - reader->to) >= length) || weft_line_grow(reader, length);
}

/* A length whose message is being written. */
struct weft_line_opened {
    size_t start; /* of the contents, from the buffer's start */
    size_t room;  /* bytes before them that are kept for the length */
};

/* Room for headers has been made. expected: about how long it will be. */
struct weft_line_opened weft_line_open(struct weft_log_line_reader *reader, size_t expected);
bool weft_line_close(struct weft_log_line_reader *reader, const struct weft_line_opened *opened) WEFT_MUST_CHECK;

/* The text of a string in the line, with its escapes resolved in scratch. False: it is none, or too long for that. */
bool weft_line_string_text(struct weft_slice value, uint8_t *scratch, size_t scratch_size, struct weft_slice *out_text);

/* log_line_members.c: the members of the object whose brace is at `at`, as those of the line. Returns the byte after,
 * or NULL as weft_line_put_value. */
const uint8_t *weft_line_read_members(struct weft_log_line_reader *reader, const uint8_t *at,
                                      enum weft_line_place place) WEFT_MUST_CHECK;

/* As if the line had had these keys already; those that mean something stay free for the line. */
void weft_line_see_keys(struct weft_log_line_reader *reader, const struct weft_slice *keys, size_t count);

/* log_line_ids.c */

/* A member of an object inside the line, at that place. */
void weft_line_note_nested(struct weft_log_line_reader *reader, enum weft_line_place place,
                           const struct weft_line_key *key, struct weft_slice value);
void weft_line_note_id(struct weft_line_id_set *set, const struct weft_line_key *key, struct weft_slice value,
                       bool is_written);
void weft_line_begin_nested(struct weft_log_line_reader *reader);
void weft_line_end_nested(struct weft_log_line_reader *reader, enum weft_line_place place);

/* The ids of the line, all places in their order. */
void weft_line_resolve_ids(struct weft_log_line_reader *reader, struct weft_line_ids *out_ids);

/* log_line_text.c */
void weft_line_find_ids_in_text(struct weft_slice line, struct weft_line_ids *ids);
bool weft_line_is_utf8(struct weft_slice text);

/* How much of the text, at most limit bytes, ends with a whole character. */
size_t weft_line_cut_utf8(struct weft_slice text, size_t limit);
