/* Settling maps (map_settle.h): members in the order of their keys are looked at group by group. */
#include "ottl/map_settle.h"

#include "base/work.h"
#include "wire/otlp_text.h"

/* Few pairs are compared as they stand. */
enum { MAX_PAIRS = 1024 };

/* Takes the members out whose keys were marked as gone. */
static void close_gaps(struct weft_ottl_map *map, const uint8_t *is_gone)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->count; i++) {
        weft_work_did_each(i + 1);
        if (is_gone[i] == 0) {
            map->members[kept++] = map->members[i];
        }
    }
    map->count = kept;
}

/* member: the one of its key that counts. added: the last of its key that was appended. */
static void settle_one(struct weft_ottl_map *map, size_t member, size_t added, size_t before,
                       enum weft_ottl_settle settle, uint8_t *is_gone)
{
    bool was_there = member < before;
    if (settle != WEFT_OTTL_INSERT || !was_there) {
        map->members[member].value = map->members[added].value;
        map->members[member].wire = WEFT_SLICE_EMPTY;
    }
    is_gone[member] = settle == WEFT_OTTL_UPDATE && !was_there;
}

static void settle_few(struct weft_ottl_map *map, size_t before, enum weft_ottl_settle settle, uint8_t *is_gone)
{
    for (size_t i = before; i < map->count; i++) {
        size_t first = 0;
        while (!weft_slice_equal(map->members[first].key, map->members[i].key)) {
            first++;
        }
        is_gone[i] = first < i;
        settle_one(map, first, i, before, settle, is_gone);
    }
}

/* entries: members by key, those of one key in any order; the place in the map is in the length of the contents. */
static void settle_group(struct weft_ottl_map *map, const struct weft_otlp_named *entries, size_t count, size_t before,
                         enum weft_ottl_settle settle, uint8_t *is_gone)
{
    size_t first = SIZE_MAX;
    size_t last = 0;
    bool has_added = false;
    for (size_t i = 0; i < count; i++) {
        size_t at = entries[i].contents.length;
        first = at < first ? at : first;
        last = at > last ? at : last;
        is_gone[at] = at >= before;
        has_added = has_added || at >= before;
    }
    if (has_added) {
        is_gone[first] = 0;
        settle_one(map, first, last, before, settle, is_gone);
    }
}

static enum weft_status settle_many(struct weft_entry_memory *memory, struct weft_ottl_map *map, size_t before,
                                    enum weft_ottl_settle settle, uint8_t *is_gone)
{
    struct weft_otlp_named *entries = weft_entry_memory_try_alloc(memory, map->count * sizeof *entries);
    if (entries == NULL) {
        return WEFT_NOMEM;
    }
    for (size_t i = 0; i < map->count; i++) {
        weft_work_did_each(i + 1);
        entries[i] = (struct weft_otlp_named){ .name = map->members[i].key, .contents = { NULL, i } };
    }
    weft_otlp_sort_named(entries, map->count);
    size_t start = 0;
    for (size_t i = 1; i <= map->count; i++) {
        weft_work_did_each(i + 1);
        if (i == map->count || !weft_slice_equal(entries[i].name, entries[start].name)) {
            settle_group(map, entries + start, i - start, before, settle, is_gone);
            start = i;
        }
    }
    return WEFT_OK;
}

enum weft_status weft_ottl_map_settle(struct weft_entry_memory *memory, struct weft_ottl_map *map, size_t before,
                                      enum weft_ottl_settle settle)
{
    size_t added = map->count - before;
    if (added == 0) {
        return WEFT_OK;
    }
    uint8_t *is_gone = weft_entry_memory_try_alloc(memory, map->count);
    if (is_gone == NULL) {
        return WEFT_NOMEM;
    }
    memset(is_gone, 0, map->count);
    if (added <= MAX_PAIRS / map->count) {
        settle_few(map, before, settle, is_gone);
    } else if (settle_many(memory, map, before, settle, is_gone) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    close_gaps(map, is_gone);
    return WEFT_OK;
}
