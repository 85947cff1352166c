#pragma once

#include "base/entry_memory.h"
#include "wire/otlp_attributes.h"

/* What OTTL calculates with: a tagged union of 32 bytes that borrows. Texts, maps and lists lie in the record's wire
 * bytes, in the statement or in the memory of the evaluation (struct weft_ottl_run), whichever lives shortest.
 *
 * A map or list is either `is_wire`, which is one as it came and is read on demand, or open: members in memory. Both
 * are walked by weft_ottl_each_next, so that who only reads need not know. Who changes one opens it
 * (weft_ottl_map_open); what lies within stays on the wire until it is opened in turn. */
enum weft_ottl_kind {
    WEFT_OTTL_NIL,
    WEFT_OTTL_BOOL,
    WEFT_OTTL_INT,
    WEFT_OTTL_DOUBLE,
    WEFT_OTTL_STRING,
    WEFT_OTTL_BYTES, /* with no bytes at NULL it compares as nil, as the Collector's empty slice does */
    WEFT_OTTL_TIME,
    WEFT_OTTL_DURATION, /* integer: nanoseconds */
    WEFT_OTTL_MAP,
    WEFT_OTTL_LIST,
    WEFT_OTTL_TRACE_ID, /* bytes: 16, always */
    WEFT_OTTL_SPAN_ID,  /* bytes: 8, always */
    WEFT_OTTL_MESSAGE,  /* bytes: contents of a Status, of Buckets: moved as a whole */
    WEFT_OTTL_MESSAGES, /* bytes: a run of fields that has all those of the number `field`: events, links, data points
                         */
    WEFT_OTTL_FUNCTION, /* as an argument only */
    WEFT_OTTL_ABSENT,   /* an optional argument that was not given */
};

/* Which of Go's types stands behind a map or list in the Collector: it decides what is equal. */
enum weft_ottl_origin {
    WEFT_OTTL_PDATA, /* pcommon.Map, pcommon.Slice */
    WEFT_OTTL_RAW,   /* map[string]any, []any: lists in statements, results of some converters */
    WEFT_OTTL_TYPED, /* []string, []int64, ...: equal to nothing */
};

struct weft_ottl_time {
    int64_t seconds; /* since 1970 */
    int32_t nanos;   /* 0 to 999,999,999 */
    int32_t east_of_utc_seconds;
};

struct weft_ottl_map;
struct weft_ottl_list;
struct weft_ottl_function;

struct weft_ottl_value {
    enum weft_ottl_kind kind;
    uint8_t origin; /* MAP, LIST: enum weft_ottl_origin */
    bool is_wire;   /* MAP, LIST: bytes, not map or list */
    uint32_t field; /* wire MAP: of its KeyValues in bytes; MESSAGES */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct weft_slice bytes; /* also of a wire LIST: contents of the ArrayValue */
        struct weft_ottl_time time;
        struct weft_ottl_map *map;
        struct weft_ottl_list *list;
        const struct weft_ottl_function *function;
    };
};

struct weft_ottl_member {
    struct weft_slice key;
    struct weft_ottl_value value;
    struct weft_slice wire; /* contents of its KeyValue as it came; empty if it is new, and as soon as it changes */
};

/* In the order in which keys came. A map of the wire may have a key twice; the first one counts. */
struct weft_ottl_map {
    struct weft_ottl_member *members;
    size_t count, capacity;
};

struct weft_ottl_list {
    struct weft_ottl_value *items;
    size_t count, capacity;
};

enum { WEFT_OTTL_VALUE_MAX_DEPTH = 64 };

static inline struct weft_ottl_value weft_ottl_nil(void)
{
    return (struct weft_ottl_value){ .kind = WEFT_OTTL_NIL };
}

static inline struct weft_ottl_value weft_ottl_bool(bool boolean)
{
    return (struct weft_ottl_value){ .kind = WEFT_OTTL_BOOL, .boolean = boolean };
}

static inline struct weft_ottl_value weft_ottl_int(int64_t integer)
{
    return (struct weft_ottl_value){ .kind = WEFT_OTTL_INT, .integer = integer };
}

static inline struct weft_ottl_value weft_ottl_double(double real)
{
    return (struct weft_ottl_value){ .kind = WEFT_OTTL_DOUBLE, .real = real };
}

static inline struct weft_ottl_value weft_ottl_string(struct weft_slice text)
{
    return (struct weft_ottl_value){ .kind = WEFT_OTTL_STRING, .bytes = text };
}

static inline struct weft_ottl_value weft_ottl_open_map(struct weft_ottl_map *map)
{
    return (struct weft_ottl_value){ .kind = WEFT_OTTL_MAP, .map = map };
}

static inline struct weft_ottl_value weft_ottl_open_list(struct weft_ottl_list *list)
{
    return (struct weft_ottl_value){ .kind = WEFT_OTTL_LIST, .list = list };
}

/* The KeyValues in that field of a run of fields. */
static inline struct weft_ottl_value weft_ottl_wire_map(struct weft_slice fields, uint32_t field)
{
    return (struct weft_ottl_value){ .kind = WEFT_OTTL_MAP, .is_wire = true, .field = field, .bytes = fields };
}

/* "a string", "nil" ...: for errors. */
const char *weft_ottl_kind_text(enum weft_ottl_kind kind);

struct weft_ottl_value weft_ottl_value_of_wire(const struct weft_otlp_value *wire);

/* Of the contents of a KeyValue. */
struct weft_ottl_value weft_ottl_value_of_key_value(struct weft_slice key_value);

/* What is in a map or list, one after the other. The value does not change meanwhile. */
struct weft_ottl_each {
    const struct weft_ottl_value *value;
    struct weft_slice rest; /* of a wire one */
    size_t at;              /* of an open one */
};

struct weft_ottl_each weft_ottl_each_of(const struct weft_ottl_value *value);
/* False at the end. The key is empty in a list. */
bool weft_ottl_each_next(struct weft_ottl_each *each, struct weft_ottl_member *out_member);

/* Of a map, list or MESSAGES; linear on the wire. */
size_t weft_ottl_length(const struct weft_ottl_value *value);

/* False: no such key, no such index. */
bool weft_ottl_map_find(const struct weft_ottl_value *map, struct weft_slice key, struct weft_ottl_value *out_value);
bool weft_ottl_list_at(const struct weft_ottl_value *list, int64_t index, struct weft_ottl_value *out_value);

/* An open map or list with the members of that one; one level only. NULL without memory. */
struct weft_ottl_map *weft_ottl_map_open(struct weft_entry_memory *memory,
                                         const struct weft_ottl_value *map) WEFT_MUST_CHECK;
struct weft_ottl_list *weft_ottl_list_open(struct weft_entry_memory *memory,
                                           const struct weft_ottl_value *list) WEFT_MUST_CHECK;

/* WEFT_NOMEM changes nothing. set: replaces the first of that key, or appends. */
enum weft_status weft_ottl_map_append(struct weft_entry_memory *memory, struct weft_ottl_map *map,
                                      struct weft_slice key, struct weft_ottl_value value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_map_set(struct weft_entry_memory *memory, struct weft_ottl_map *map, struct weft_slice key,
                                   struct weft_ottl_value value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_list_append(struct weft_entry_memory *memory, struct weft_ottl_list *list,
                                       struct weft_ottl_value value) WEFT_MUST_CHECK;
