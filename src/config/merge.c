/* Deep merge of maps, by the rules of the Collector's confmap (merge.h). Used for each --config and --set. */
#include "config/merge.h"

#include "config/node_internal.h"

static const char SEPARATOR[] = "::";
enum { SEPARATOR_BYTES = 2 };

static enum weft_status put(struct weft_tree *tree, struct weft_node *into, const char *key, struct weft_node *child,
                            struct weft_error *error);

/* A replaced value stands where the replacement stands. */
static void replace(struct weft_node *existing, const struct weft_node *child)
{
    weft_node_take_value(existing, child);
    existing->is_expanded = child->is_expanded;
    existing->origin = child->origin;
    existing->file = child->file;
    existing->line = child->line;
}

/* The map under key; made, or made from what stood there, when there is none. NULL when memory is gone. */
static struct weft_node *enter(struct weft_tree *tree, struct weft_node *into, const char *key,
                               const struct weft_node *place)
{
    struct weft_node *map = weft_node_find_writable(into, key);
    if (map != NULL && map->kind == WEFT_NODE_MAP) {
        return map;
    }
    struct weft_node *fresh = weft_tree_try_node(tree, WEFT_NODE_MAP, weft_node_position(place));
    if (fresh == NULL) {
        return NULL;
    }
    if (map != NULL) {
        replace(map, fresh);
        return map;
    }
    return weft_node_try_append(tree, into, key, fresh) == WEFT_OK ? fresh : NULL;
}

static enum weft_status put_split(struct weft_tree *tree, struct weft_node *into, const char *key,
                                  const char *separator, struct weft_node *child, struct weft_error *error)
{
    size_t length = (size_t)(separator - key);
    const char *head = weft_tree_try_text(tree, weft_slice_of(key, length));
    struct weft_node *map = head == NULL ? NULL : enter(tree, into, head, child);
    if (map == NULL) {
        return weft_tree_fail_full(tree, error);
    }
    return put(tree, map, separator + SEPARATOR_BYTES, child, error);
}

static enum weft_status put(struct weft_tree *tree, struct weft_node *into, const char *key, struct weft_node *child,
                            struct weft_error *error)
{
    const char *separator = strstr(key, SEPARATOR);
    if (separator != NULL) {
        return put_split(tree, into, key, separator, child, error);
    }
    if (child->kind == WEFT_NODE_MAP) {
        struct weft_node *map = enter(tree, into, key, child);
        return map == NULL ? weft_tree_fail_full(tree, error) : weft_config_merge(tree, map, child, error);
    }
    struct weft_node *existing = weft_node_find_writable(into, key);
    if (existing != NULL) {
        replace(existing, child);
        return WEFT_OK;
    }
    return weft_node_try_append(tree, into, key, child) == WEFT_OK ? WEFT_OK : weft_tree_fail_full(tree, error);
}

/* Before put recurses on it. */
static bool has_many_separators(const char *key)
{
    size_t count = 0;
    for (const char *at = strstr(key, SEPARATOR); at != NULL; at = strstr(at + SEPARATOR_BYTES, SEPARATOR)) {
        count++;
    }
    return count >= WEFT_CONFIG_MAX_DEPTH;
}

enum weft_status weft_config_merge(struct weft_tree *tree, struct weft_node *into, struct weft_node *from,
                                   struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < weft_node_count(from) && status == WEFT_OK; i++) {
        struct weft_node *child = from->value.children.items[i];
        if (has_many_separators(child->key)) {
            return weft_fail(error, WEFT_LIMIT, "%s:%u: a key with more than 32 parts", child->file, child->line);
        }
        status = put(tree, into, child->key, child, error);
    }
    return status;
}
