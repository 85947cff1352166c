#pragma once

#include "operators/log_entry.h"

/* Where a value of an entry is: `body`, `body.a["b.c"]`, `attributes.x`, `resource['k']`. Read once, from config; its
 * memory is borrowed. All zero is the body. */
enum weft_log_root { WEFT_LOG_BODY, WEFT_LOG_ATTRIBUTES, WEFT_LOG_RESOURCE };

enum { WEFT_LOG_PATH_MAX_KEYS = 32 };

struct weft_log_path {
    enum weft_log_root root;
    bool is_given; /* false: the config has none */
    struct weft_slice *keys;
    size_t count;
    const char *text; /* as it was written */
};

/* text stays. may_be_root: attributes and resource may stand without a key. WEFT_INVALID says why, without a place. */
enum weft_status weft_log_path_parse(const char *text, bool may_be_root, struct weft_entry_memory *memory,
                                     struct weft_log_path *out_path, struct weft_error *error) WEFT_MUST_CHECK;

/* False: there is none. Maps and lists are those of the entry, not copies. */
bool weft_log_path_get(const struct weft_log_path *path, struct weft_log_entry *entry,
                       struct weft_log_value *out_value) WEFT_MUST_CHECK;

/* Makes the maps on the way; what is no map on the way is replaced. A map is merged, key by key, into what is there.
 * WEFT_INVALID: attributes and resource are always maps; WEFT_NOMEM. */
enum weft_status weft_log_path_set(const struct weft_log_path *path, struct weft_log_entry *entry,
                                   struct weft_log_value value) WEFT_MUST_CHECK;

/* Takes it out; false: there is none. */
bool weft_log_path_remove(const struct weft_log_path *path, struct weft_log_entry *entry,
                          struct weft_log_value *out_value) WEFT_MUST_CHECK;
