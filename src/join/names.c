/* Names (names.h): a table whose entries are the numbers. */
#include "join/names.h"

#include "base/alloc.h"

struct weft_names {
    struct weft_table *table; /* of uint32_t */
    void *by_number[WEFT_NAMES_MAX];
    uint32_t count;
};

struct weft_names *weft_names_new(struct weft_budget *budget, const struct weft_hash_secret *secret)
{
    struct weft_names *names = weft_alloc(sizeof *names);
    names->table = weft_table_new(&(struct weft_table_settings){ .budget = budget,
                                                                 .secret = secret,
                                                                 .key_bytes_max = WEFT_NAME_BYTES_MAX,
                                                                 .entry_bytes = sizeof(uint32_t),
                                                                 .entry_count_max = WEFT_NAMES_MAX });
    names->count = WEFT_NAME_OTHER + 1;
    return names;
}

void weft_names_free(struct weft_names *names)
{
    weft_table_free(names->table);
    weft_free(names);
}

static uint32_t intern(struct weft_names *names, struct weft_slice text, uint32_t count_max)
{
    if (text.length == 0) {
        return WEFT_NAME_NONE;
    }
    text.length = text.length > WEFT_NAME_BYTES_MAX ? WEFT_NAME_BYTES_MAX : text.length;
    uint32_t *found = weft_table_find(names->table, text);
    if (found != NULL) {
        return *found;
    }
    void *entry = NULL;
    bool is_new = false;
    if (names->count >= count_max || weft_table_put(names->table, text, &entry, &is_new) != WEFT_OK) {
        return WEFT_NAME_OTHER;
    }
    names->by_number[names->count] = entry;
    *(uint32_t *)entry = names->count;
    return names->count++;
}

uint32_t weft_names_intern(struct weft_names *names, struct weft_slice text)
{
    return intern(names, text, WEFT_NAMES_MAX);
}

uint32_t weft_names_intern_of_record(struct weft_names *names, struct weft_slice text)
{
    return intern(names, text, WEFT_NAMES_OF_RECORDS_MAX);
}

struct weft_slice weft_names_at(const struct weft_names *names, uint32_t name)
{
    if (name <= WEFT_NAME_OTHER || name >= names->count) {
        return name == WEFT_NAME_NONE ? WEFT_SLICE_EMPTY : WEFT_SLICE_LITERAL("other");
    }
    return weft_table_key(names->table, names->by_number[name]);
}
