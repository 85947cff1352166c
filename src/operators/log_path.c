/* Places in log entries (log_path.h): the Collector's rules for how they are written, and for what happens on the way
 * when a value is set. */
#include "operators/log_path.h"

/* Where the next key begins; keys are counted first and written in a second round. */
struct splitter {
    const char *at;
    struct weft_slice *keys; /* NULL: only count */
    size_t count;
};

static void put_key(struct splitter *splitter, const char *start)
{
    if (splitter->keys != NULL) {
        splitter->keys[splitter->count] = weft_slice_of(start, (size_t)(splitter->at - start));
    }
    splitter->count++;
}

static void split_plain(struct splitter *splitter)
{
    const char *start = splitter->at;
    splitter->at += strcspn(start, ".[");
    put_key(splitter, start);
}

/* at is after the bracket. */
static enum weft_status split_quoted(struct splitter *splitter, struct weft_error *error)
{
    char quote = *splitter->at;
    if (quote == '\0') {
        return weft_fail(error, WEFT_INVALID, "a bracket is not closed");
    }
    if (quote != '"' && quote != '\'') {
        return weft_fail(error, WEFT_INVALID, "a key in brackets must stand in quotes");
    }
    const char *start = ++splitter->at;
    const char *end = strchr(start, quote);
    if (end == NULL) {
        return weft_fail(error, WEFT_INVALID, "a quote is not closed");
    }
    splitter->at = end;
    put_key(splitter, start);
    if (end[1] != ']') {
        return weft_fail(error, WEFT_INVALID, "a key in quotes must be followed by ]");
    }
    splitter->at = end + 2;
    return WEFT_OK;
}

static enum weft_status split(struct splitter *splitter, struct weft_error *error)
{
    if (*splitter->at == '\0') {
        return weft_fail(error, WEFT_INVALID, "it is empty");
    }
    if (*splitter->at != '[') {
        split_plain(splitter);
    }
    while (*splitter->at != '\0') {
        char next = *splitter->at++;
        if (next == '.') {
            split_plain(splitter);
        } else if (next != '[') {
            return weft_fail(error, WEFT_INVALID, "after ] another key must follow, with . or [");
        } else {
            enum weft_status status = split_quoted(splitter, error);
            if (status != WEFT_OK) {
                return status;
            }
        }
    }
    return WEFT_OK;
}

static bool read_root(struct weft_slice key, enum weft_log_root *out_root)
{
    static const char *const roots[] = {
        [WEFT_LOG_BODY] = "body", [WEFT_LOG_ATTRIBUTES] = "attributes", [WEFT_LOG_RESOURCE] = "resource"
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(roots); i++) {
        if (weft_slice_equal_text(key, roots[i])) {
            *out_root = (enum weft_log_root)i;
            return true;
        }
    }
    return false;
}

enum weft_status weft_log_path_parse(const char *text, bool may_be_root, struct weft_entry_memory *memory,
                                     struct weft_log_path *out_path, struct weft_error *error)
{
    struct splitter splitter = { .at = text };
    enum weft_status status = split(&splitter, error);
    if (status != WEFT_OK) {
        return status;
    }
    if (splitter.count > WEFT_LOG_PATH_MAX_KEYS) {
        return weft_fail(error, WEFT_LIMIT, "it has more than %d keys", WEFT_LOG_PATH_MAX_KEYS);
    }
    struct weft_slice *keys = weft_entry_memory_try_alloc(memory, splitter.count * sizeof *keys);
    if (keys == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a field");
    }
    splitter = (struct splitter){ .at = text, .keys = keys };
    status = split(&splitter, error);
    struct weft_log_path path = { .is_given = true, .keys = keys + 1, .count = splitter.count - 1, .text = text };
    if (status != WEFT_OK || !read_root(keys[0], &path.root)) {
        return weft_fail(error, WEFT_INVALID, "it must begin with body, attributes or resource");
    }
    if (path.count == 0 && path.root != WEFT_LOG_BODY && !may_be_root) {
        return weft_fail(error, WEFT_INVALID, "%s needs a key here", text);
    }
    *out_path = path;
    return WEFT_OK;
}

/* Of attributes and resource. */
static struct weft_log_map *root_map(const struct weft_log_path *path, struct weft_log_entry *entry)
{
    return path->root == WEFT_LOG_ATTRIBUTES ? &entry->attributes : &entry->resource;
}

/* The map in which the last key stands; NULL: there is none. */
static struct weft_log_map *find_parent(const struct weft_log_path *path, struct weft_log_entry *entry)
{
    struct weft_log_map *map = path->root != WEFT_LOG_BODY        ? root_map(path, entry)
                               : entry->body.kind == WEFT_LOG_MAP ? entry->body.map
                                                                  : NULL;
    for (size_t i = 0; map != NULL && i + 1 < path->count; i++) {
        const struct weft_log_value *value = weft_log_map_find(map, path->keys[i]);
        map = value != NULL && value->kind == WEFT_LOG_MAP ? value->map : NULL;
    }
    return map;
}

bool weft_log_path_get(const struct weft_log_path *path, struct weft_log_entry *entry, struct weft_log_value *out_value)
{
    if (path->count == 0) {
        *out_value = path->root == WEFT_LOG_BODY
                         ? entry->body
                         : (struct weft_log_value){ .kind = WEFT_LOG_MAP, .map = root_map(path, entry) };
        return path->root == WEFT_LOG_BODY || out_value->map->members != NULL;
    }
    const struct weft_log_map *map = find_parent(path, entry);
    const struct weft_log_value *value = map == NULL ? NULL : weft_log_map_find(map, path->keys[path->count - 1]);
    if (value != NULL) {
        *out_value = *value;
    }
    return value != NULL;
}

/* The map that stands in *value, or a new one in its place; NULL without memory. */
static struct weft_log_map *map_at(struct weft_log_value *value, struct weft_entry_memory *memory)
{
    if (value->kind != WEFT_LOG_MAP) {
        struct weft_log_map *map = weft_log_map_try_new(memory);
        if (map == NULL) {
            return NULL;
        }
        *value = (struct weft_log_value){ .kind = WEFT_LOG_MAP, .map = map };
    }
    return value->map;
}

/* The map under the first count keys, made on the way; NULL without memory. */
static struct weft_log_map *make_maps(const struct weft_log_path *path, size_t count, struct weft_log_entry *entry)
{
    struct weft_log_map *map =
        path->root == WEFT_LOG_BODY ? map_at(&entry->body, entry->memory) : root_map(path, entry);
    for (size_t i = 0; map != NULL && i < count; i++) {
        struct weft_log_value *value = weft_log_map_find(map, path->keys[i]);
        if (value == NULL) {
            struct weft_log_value nothing = { .kind = WEFT_LOG_NIL };
            value = weft_log_map_append(map, entry->memory, path->keys[i], nothing) == WEFT_OK
                        ? &map->members[map->count - 1].value
                        : NULL;
        }
        map = value == NULL ? NULL : map_at(value, entry->memory);
    }
    return map;
}

enum weft_status weft_log_path_set(const struct weft_log_path *path, struct weft_log_entry *entry,
                                   struct weft_log_value value)
{
    bool is_map = value.kind == WEFT_LOG_MAP;
    if (path->count == 0 && !is_map) {
        entry->body = path->root == WEFT_LOG_BODY ? value : entry->body;
        return path->root == WEFT_LOG_BODY ? WEFT_OK : WEFT_INVALID;
    }
    struct weft_log_map *map = make_maps(path, is_map ? path->count : path->count - 1, entry);
    if (map == NULL) {
        return WEFT_NOMEM;
    }
    return is_map ? weft_log_map_merge(map, entry->memory, value.map)
                  : weft_log_map_set(map, entry->memory, path->keys[path->count - 1], value);
}

bool weft_log_path_remove(const struct weft_log_path *path, struct weft_log_entry *entry,
                          struct weft_log_value *out_value)
{
    if (path->count > 0) {
        struct weft_log_map *map = find_parent(path, entry);
        return map != NULL && weft_log_map_remove(map, path->keys[path->count - 1], out_value);
    }
    if (!weft_log_path_get(path, entry, out_value)) {
        return false;
    }
    if (path->root == WEFT_LOG_BODY) {
        entry->body = (struct weft_log_value){ .kind = WEFT_LOG_NIL };
    } else {
        struct weft_log_map *old = weft_log_map_try_new(entry->memory);
        if (old != NULL) {
            *old = *root_map(path, entry);
        }
        *out_value = old == NULL ? (struct weft_log_value){ .kind = WEFT_LOG_NIL }
                                 : (struct weft_log_value){ .kind = WEFT_LOG_MAP, .map = old };
        *root_map(path, entry) = (struct weft_log_map){ 0 };
    }
    return true;
}
