/* Fields that hold several texts: string lists, maps, maps of secrets (value.h). Entries are freed one by one, so that
 * a component may take one out of its config. */
#include "base/alloc.h"
#include "config/value.h"

void weft_value_fini_strings(struct weft_config_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++) {
        weft_free(strings->items[i]);
    }
    weft_free(strings->items);
    *strings = (struct weft_config_strings){ 0 };
}

void weft_value_fini_map(struct weft_config_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        weft_free(map->entries[i].key);
        weft_free(map->entries[i].value);
    }
    weft_free(map->entries);
    *map = (struct weft_config_map){ 0 };
}

static enum weft_status fail_memory(const struct weft_config_reader *reader)
{
    return weft_fail(reader->error, WEFT_NOMEM, "out of memory");
}

static char *try_copy(const char *text, size_t length)
{
    char *copy = weft_try_alloc_raw(length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

/* As the Collector: "a,b" for a list of strings is two of them, "" is none. Blanks stay. */
static enum weft_status split_commas(const struct weft_config_reader *reader, const char *text,
                                     struct weft_config_strings *strings)
{
    if (text[0] == '\0') {
        return WEFT_OK;
    }
    size_t count = 1;
    for (const char *comma = strchr(text, ','); comma != NULL; comma = strchr(comma + 1, ',')) {
        count++;
    }
    strings->items = weft_try_alloc(count * sizeof strings->items[0]);
    if (strings->items == NULL) {
        return fail_memory(reader);
    }
    for (; strings->count < count; strings->count++) {
        size_t length = strcspn(text, ",");
        strings->items[strings->count] = try_copy(text, length);
        if (strings->items[strings->count] == NULL) {
            return fail_memory(reader);
        }
        text += length + 1;
    }
    return WEFT_OK;
}

static enum weft_status read_items(const struct weft_config_reader *reader, const struct weft_node *node,
                                   struct weft_config_strings *strings)
{
    size_t count = weft_node_count(node);
    strings->items = weft_try_alloc(count * sizeof strings->items[0]);
    if (strings->items == NULL) {
        return fail_memory(reader);
    }
    for (; strings->count < count; strings->count++) {
        enum weft_status status =
            weft_value_read_string(reader, weft_node_at(node, strings->count), &strings->items[strings->count]);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return WEFT_OK;
}

enum weft_status weft_value_read_strings(const struct weft_config_reader *reader, const struct weft_node *node,
                                         struct weft_config_strings *out_strings)
{
    struct weft_config_strings strings = { 0 };
    enum weft_status status;
    if (weft_node_kind(node) == WEFT_NODE_LIST) {
        status = read_items(reader, node, &strings);
    } else if (weft_node_kind(node) != WEFT_NODE_STRING && weft_node_kind(node) != WEFT_NODE_NULL) {
        return weft_node_fail(reader->error, WEFT_INVALID, node, "wants a list of strings, not %s",
                              weft_node_kind_text(node));
    } else {
        weft_node_mark_read(node, WEFT_NODE_STRING);
        status = split_commas(reader, weft_node_text(node), &strings);
    }
    if (status != WEFT_OK) {
        weft_value_fini_strings(&strings);
        return status;
    }
    *out_strings = strings;
    return WEFT_OK;
}

/* Adds one entry; a value that is null or not there is an empty text. Where the Collector has values of any type
 * (initial fields) their text counts. */
static enum weft_status add_entry(const struct weft_config_reader *reader, struct weft_config_map *map, const char *key,
                                  const struct weft_node *value, bool wants_string)
{
    struct weft_config_map_entry *entry = &map->entries[map->count];
    entry->key = try_copy(key, strlen(key));
    if (entry->key == NULL) {
        return fail_memory(reader);
    }
    map->count++;
    if (value == NULL || weft_node_kind(value) == WEFT_NODE_NULL) {
        entry->value = try_copy("", 0);
        return entry->value != NULL ? WEFT_OK : fail_memory(reader);
    }
    return wants_string ? weft_value_read_string(reader, value, &entry->value)
                        : weft_value_read_text(reader, value, &entry->value);
}

static enum weft_status read_map_form(const struct weft_config_reader *reader, const struct weft_node *node,
                                      bool is_secret, bool wants_strings, struct weft_config_map *map)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < weft_node_count(node) && status == WEFT_OK; i++) {
        const struct weft_node *value = weft_node_at(node, i);
        if (is_secret) {
            weft_node_mark_secret(value);
        }
        status = add_entry(reader, map, weft_node_key(value), value, wants_strings);
    }
    return status;
}

static enum weft_status read_pair(const struct weft_config_reader *reader, const struct weft_node *pair,
                                  struct weft_config_map *map)
{
    const struct weft_node *name = weft_node_find(pair, "name");
    const struct weft_node *value = weft_node_find(pair, "value");
    if (value != NULL) {
        weft_node_mark_secret(value);
    }
    size_t key_count = (name != NULL) + (value != NULL);
    if (name == NULL || weft_node_text(name) == NULL || weft_node_count(pair) != key_count) {
        return weft_node_fail(reader->error, WEFT_INVALID, pair, "wants exactly the keys name and value");
    }
    return add_entry(reader, map, weft_node_text(name), value, true);
}

static enum weft_status read_list_form(const struct weft_config_reader *reader, const struct weft_node *node,
                                       struct weft_config_map *map)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < weft_node_count(node) && status == WEFT_OK; i++) {
        status = read_pair(reader, weft_node_at(node, i), map);
    }
    return status;
}

static enum weft_status read_entries(const struct weft_config_reader *reader, const struct weft_node *node,
                                     bool is_secret, bool wants_strings, struct weft_config_map *out_map)
{
    struct weft_config_map map = { 0 };
    bool is_list = weft_node_kind(node) == WEFT_NODE_LIST;
    if (weft_node_kind(node) == WEFT_NODE_NULL) {
        weft_node_mark_read(node, WEFT_NODE_MAP);
        *out_map = map;
        return WEFT_OK;
    }
    if (weft_node_kind(node) != WEFT_NODE_MAP && !(is_secret && is_list)) {
        return weft_node_fail(reader->error, WEFT_INVALID, node, "wants a map, not %s", weft_node_kind_text(node));
    }
    map.entries = weft_try_alloc(weft_node_count(node) * sizeof map.entries[0]);
    if (map.entries == NULL) {
        return fail_memory(reader);
    }
    enum weft_status status =
        is_list ? read_list_form(reader, node, &map) : read_map_form(reader, node, is_secret, wants_strings, &map);
    if (status != WEFT_OK) {
        weft_value_fini_map(&map);
        return status;
    }
    *out_map = map;
    return WEFT_OK;
}

enum weft_status weft_value_read_map(const struct weft_config_reader *reader, const struct weft_node *node,
                                     bool takes_numbers, struct weft_config_map *out_map)
{
    return read_entries(reader, node, false, !takes_numbers, out_map);
}

enum weft_status weft_value_read_secret_map(const struct weft_config_reader *reader, const struct weft_node *node,
                                            struct weft_secret_map *out_map)
{
    return read_entries(reader, node, true, true, &out_map->map);
}
