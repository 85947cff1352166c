#pragma once

#include "base/entry_memory.h"

/* Values of a log entry: what its body, its attributes and its resource are made of. Texts and members are borrowed,
 * from the line, the config or the entry's memory, and live as long as the entry. Maps and lists are shared by who
 * copies a value: to change one that others may have, copy it first. */
enum weft_log_value_kind {
    WEFT_LOG_NIL,
    WEFT_LOG_BOOL,
    WEFT_LOG_INT,
    WEFT_LOG_DOUBLE,
    WEFT_LOG_STRING,
    WEFT_LOG_BYTES,
    WEFT_LOG_LIST,
    WEFT_LOG_MAP,
};

struct weft_log_map;
struct weft_log_list;

struct weft_log_value {
    enum weft_log_value_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct weft_slice text; /* STRING, BYTES */
        struct weft_log_list *list;
        struct weft_log_map *map;
    };
};

struct weft_log_member {
    struct weft_slice key;
    struct weft_log_value value;
};

/* In the order in which keys came; no key twice. */
struct weft_log_map {
    struct weft_log_member *members;
    size_t count, capacity;
};

struct weft_log_list {
    struct weft_log_value *items;
    size_t count, capacity;
};

enum { WEFT_LOG_VALUE_MAX_DEPTH = 64 };

static inline struct weft_log_value weft_log_string(struct weft_slice text)
{
    return (struct weft_log_value){ .kind = WEFT_LOG_STRING, .text = text };
}

/* NULL without memory. */
struct weft_log_map *weft_log_map_try_new(struct weft_entry_memory *memory) WEFT_MUST_CHECK;
struct weft_log_list *weft_log_list_try_new(struct weft_entry_memory *memory) WEFT_MUST_CHECK;

/* NULL: there is none. Valid until the map changes. */
struct weft_log_value *weft_log_map_find(const struct weft_log_map *map, struct weft_slice key);

/* Replaces the key's value or appends it. WEFT_NOMEM changes nothing. */
enum weft_status weft_log_map_set(struct weft_log_map *map, struct weft_entry_memory *memory, struct weft_slice key,
                                  struct weft_log_value value) WEFT_MUST_CHECK;

/* The same for a key that the map does not have. */
enum weft_status weft_log_map_append(struct weft_log_map *map, struct weft_entry_memory *memory, struct weft_slice key,
                                     struct weft_log_value value) WEFT_MUST_CHECK;

/* Sets each member of from, in its order. WEFT_NOMEM changes nothing. */
enum weft_status weft_log_map_merge(struct weft_log_map *map, struct weft_entry_memory *memory,
                                    const struct weft_log_map *from) WEFT_MUST_CHECK;

/* Takes the member out and gives its value; false: there is none. */
bool weft_log_map_remove(struct weft_log_map *map, struct weft_slice key, struct weft_log_value *out_value);

enum weft_status weft_log_list_append(struct weft_log_list *list, struct weft_entry_memory *memory,
                                      struct weft_log_value value) WEFT_MUST_CHECK;

/* Maps and lists anew, down to the last; texts stay where they are. WEFT_LIMIT: nested too deep. */
enum weft_status weft_log_value_copy(struct weft_entry_memory *memory, const struct weft_log_value *value,
                                     struct weft_log_value *out_copy) WEFT_MUST_CHECK;

/* "a text", "a map" ...: for failures. */
const char *weft_log_value_kind_text(enum weft_log_value_kind kind);
