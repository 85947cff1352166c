/* Values of log entries (log_value.h). Maps are searched one by one: those of log lines have few keys, and comparing
 * lengths first leaves hardly any bytes to compare. */
#include "operators/log_value.h"

#include <stdlib.h>

enum { FIRST_COUNT = 8 };

/* Old rooms stay in the entry's memory until the entry ends: with doubling they are less than what is used. */
static bool grow(struct weft_entry_memory *memory, void **in_out_items, size_t item_size, size_t count,
                 size_t *in_out_capacity)
{
    if (count < *in_out_capacity) {
        return true;
    }
    size_t capacity = *in_out_capacity == 0 ? (size_t)FIRST_COUNT : *in_out_capacity * 2;
    void *items = weft_entry_memory_try_alloc(memory, capacity * item_size);
    if (items == NULL) {
        return false;
    }
    if (count > 0) {
        memcpy(items, *in_out_items, count * item_size);
    }
    *in_out_items = items;
    *in_out_capacity = capacity;
    return true;
}

struct weft_log_map *weft_log_map_try_new(struct weft_entry_memory *memory)
{
    struct weft_log_map *map = weft_entry_memory_try_alloc(memory, sizeof *map);
    if (map != NULL) {
        *map = (struct weft_log_map){ 0 };
    }
    return map;
}

struct weft_log_list *weft_log_list_try_new(struct weft_entry_memory *memory)
{
    struct weft_log_list *list = weft_entry_memory_try_alloc(memory, sizeof *list);
    if (list != NULL) {
        *list = (struct weft_log_list){ 0 };
    }
    return list;
}

struct weft_log_value *weft_log_map_find(const struct weft_log_map *map, struct weft_slice key)
{
    for (size_t i = 0; i < map->count; i++) {
        if (weft_slice_equal(map->members[i].key, key)) {
            return &map->members[i].value;
        }
    }
    return NULL;
}

enum weft_status weft_log_map_append(struct weft_log_map *map, struct weft_entry_memory *memory, struct weft_slice key,
                                     struct weft_log_value value)
{
    void *members = map->members;
    if (!grow(memory, &members, sizeof *map->members, map->count, &map->capacity)) {
        return WEFT_NOMEM;
    }
    map->members = members;
    map->members[map->count++] = (struct weft_log_member){ key, value };
    return WEFT_OK;
}

enum weft_status weft_log_map_set(struct weft_log_map *map, struct weft_entry_memory *memory, struct weft_slice key,
                                  struct weft_log_value value)
{
    struct weft_log_value *found = weft_log_map_find(map, key);
    if (found == NULL) {
        return weft_log_map_append(map, memory, key, value);
    }
    *found = value;
    return WEFT_OK;
}

static bool reserve(struct weft_log_map *map, struct weft_entry_memory *memory, size_t count)
{
    if (count <= map->capacity - map->count) {
        return true;
    }
    size_t capacity = map->count + count;
    struct weft_log_member *members = weft_entry_memory_try_alloc(memory, capacity * sizeof *members);
    if (members == NULL) {
        return false;
    }
    if (map->count > 0) {
        memcpy(members, map->members, map->count * sizeof *members);
    }
    map->members = members;
    map->capacity = capacity;
    return true;
}

/* ---- merging ---- */

enum { SEARCHED_PAIRS = 4096 }; /* so many comparisons cost less than sorting */

/* Shorter keys first: bytes are compared where lengths agree. */
static int compare_keys(const void *left_untyped, const void *right_untyped)
{
    const struct weft_slice left = (*(struct weft_log_member *const *)left_untyped)->key;
    const struct weft_slice right = (*(struct weft_log_member *const *)right_untyped)->key;
    if (left.length != right.length) {
        return left.length < right.length ? -1 : 1;
    }
    return left.length == 0 ? 0 : memcmp(left.bytes, right.bytes, left.length);
}

/* Members of a map in the order of their keys, where searching one by one would take long; else, or without memory,
 * NULL. */
static struct weft_log_member **sorted_members(const struct weft_log_map *map, size_t searches,
                                               struct weft_entry_memory *memory)
{
    if (map->count == 0 || searches <= SEARCHED_PAIRS / map->count) {
        return NULL;
    }
    struct weft_log_member **sorted =
        weft_entry_memory_try_alloc(memory, map->count * sizeof(struct weft_log_member *));
    for (size_t i = 0; sorted != NULL && i < map->count; i++) {
        sorted[i] = &map->members[i];
    }
    if (sorted != NULL) {
        qsort(sorted, map->count, sizeof *sorted, compare_keys);
    }
    return sorted;
}

static struct weft_log_value *find_sorted(const struct weft_log_map *map, struct weft_log_member **sorted,
                                          struct weft_log_member *wanted)
{
    if (sorted == NULL) {
        return weft_log_map_find(map, wanted->key);
    }
    struct weft_log_member **found = bsearch(&wanted, sorted, map->count, sizeof *sorted, compare_keys);
    return found == NULL ? NULL : &(*found)->value;
}

/* No key is twice in from: those that come are looked for among those that were there only. */
enum weft_status weft_log_map_merge(struct weft_log_map *map, struct weft_entry_memory *memory,
                                    const struct weft_log_map *from)
{
    if (from == map) {
        return WEFT_OK;
    }
    struct weft_log_map before = { .count = map->count };
    if (!reserve(map, memory, from->count)) {
        return WEFT_NOMEM;
    }
    before.members = map->members;
    struct weft_log_member **sorted = sorted_members(&before, from->count, memory);
    for (size_t i = 0; i < from->count; i++) {
        struct weft_log_value *found = find_sorted(&before, sorted, &from->members[i]);
        if (found != NULL) {
            *found = from->members[i].value;
        } else {
            map->members[map->count++] = from->members[i];
        }
    }
    return WEFT_OK;
}

bool weft_log_map_remove(struct weft_log_map *map, struct weft_slice key, struct weft_log_value *out_value)
{
    struct weft_log_value *found = weft_log_map_find(map, key);
    if (found == NULL) {
        return false;
    }
    struct weft_log_member *member =
        (struct weft_log_member *)((uint8_t *)found - offsetof(struct weft_log_member, value));
    struct weft_log_member *last = map->members + --map->count;
    *out_value = member->value;
    memmove(member, member + 1, (size_t)(last - member) * sizeof *member);
    return true;
}

enum weft_status weft_log_list_append(struct weft_log_list *list, struct weft_entry_memory *memory,
                                      struct weft_log_value value)
{
    void *items = list->items;
    if (!grow(memory, &items, sizeof *list->items, list->count, &list->capacity)) {
        return WEFT_NOMEM;
    }
    list->items = items;
    list->items[list->count++] = value;
    return WEFT_OK;
}

static enum weft_status copy_at(struct weft_entry_memory *memory, const struct weft_log_value *value, int depth,
                                struct weft_log_value *out_copy);

static enum weft_status copy_list(struct weft_entry_memory *memory, const struct weft_log_list *list, int depth,
                                  struct weft_log_value *out_copy)
{
    out_copy->list = weft_log_list_try_new(memory);
    enum weft_status status = out_copy->list == NULL ? WEFT_NOMEM : WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < list->count; i++) {
        struct weft_log_value item;
        status = copy_at(memory, &list->items[i], depth + 1, &item);
        status = status == WEFT_OK ? weft_log_list_append(out_copy->list, memory, item) : status;
    }
    return status;
}

static enum weft_status copy_map(struct weft_entry_memory *memory, const struct weft_log_map *map, int depth,
                                 struct weft_log_value *out_copy)
{
    out_copy->map = weft_log_map_try_new(memory);
    enum weft_status status = out_copy->map == NULL ? WEFT_NOMEM : WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < map->count; i++) {
        struct weft_log_value item;
        status = copy_at(memory, &map->members[i].value, depth + 1, &item);
        status = status == WEFT_OK ? weft_log_map_append(out_copy->map, memory, map->members[i].key, item) : status;
    }
    return status;
}

static enum weft_status copy_at(struct weft_entry_memory *memory, const struct weft_log_value *value, int depth,
                                struct weft_log_value *out_copy)
{
    *out_copy = *value;
    if (depth > WEFT_LOG_VALUE_MAX_DEPTH) {
        return WEFT_LIMIT;
    }
    return value->kind == WEFT_LOG_LIST  ? copy_list(memory, value->list, depth, out_copy)
           : value->kind == WEFT_LOG_MAP ? copy_map(memory, value->map, depth, out_copy)
                                         : WEFT_OK;
}

enum weft_status weft_log_value_copy(struct weft_entry_memory *memory, const struct weft_log_value *value,
                                     struct weft_log_value *out_copy)
{
    return copy_at(memory, value, 0, out_copy);
}

const char *weft_log_value_kind_text(enum weft_log_value_kind kind)
{
    static const char *const texts[] = {
        [WEFT_LOG_NIL] = "nothing",     [WEFT_LOG_BOOL] = "a bool",   [WEFT_LOG_INT] = "an integer",
        [WEFT_LOG_DOUBLE] = "a number", [WEFT_LOG_STRING] = "a text", [WEFT_LOG_BYTES] = "bytes",
        [WEFT_LOG_LIST] = "a list",     [WEFT_LOG_MAP] = "a map",
    };
    return texts[kind];
}
