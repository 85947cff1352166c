/* Anchors, aliases and merge keys (yaml_anchors.h). */
#include "config/yaml_anchors.h"

#include "base/alloc.h"
#include "base/assert.h"

void weft_yaml_anchors_fini(struct weft_yaml_anchors *anchors)
{
    while (anchors->first != NULL) {
        struct weft_yaml_anchor *anchor = anchors->first;
        anchors->first = anchor->next;
        weft_free(anchor);
    }
}

enum weft_status weft_yaml_anchors_add(struct weft_yaml_anchors *anchors, struct weft_tree *tree, const char *name,
                                       struct weft_node *node, bool is_open)
{
    struct weft_yaml_anchor *anchor = weft_try_alloc(sizeof *anchor);
    if (anchor == NULL) {
        return WEFT_NOMEM;
    }
    *anchor = (struct weft_yaml_anchor){ .next = anchors->first, .node = node, .is_open = is_open };
    anchor->name = weft_tree_try_text(tree, weft_slice_of_text(name));
    if (anchor->name == NULL) {
        weft_free(anchor);
        return WEFT_NOMEM;
    }
    anchors->first = anchor;
    return WEFT_OK;
}

void weft_yaml_anchors_close(struct weft_yaml_anchors *anchors, const struct weft_node *node)
{
    for (struct weft_yaml_anchor *anchor = anchors->first; anchor != NULL; anchor = anchor->next) {
        if (anchor->node == node) {
            anchor->is_open = false;
            return;
        }
    }
}

const struct weft_yaml_anchor *weft_yaml_anchors_find(const struct weft_yaml_anchors *anchors, const char *name)
{
    const struct weft_yaml_anchor *anchor = anchors->first;
    while (anchor != NULL && strcmp(anchor->name, name) != 0) {
        anchor = anchor->next;
    }
    return anchor;
}

enum weft_status weft_yaml_copy(struct weft_yaml_anchors *anchors, struct weft_tree *tree, const struct weft_node *node,
                                size_t depth, struct weft_node **out_copy, struct weft_error *error)
{
    bool is_collection = node->kind == WEFT_NODE_MAP || node->kind == WEFT_NODE_LIST;
    if (is_collection && depth == WEFT_CONFIG_MAX_DEPTH) {
        return weft_fail(error, WEFT_LIMIT, "more than %d nested maps and lists", WEFT_CONFIG_MAX_DEPTH);
    }
    if (++anchors->copied_nodes > WEFT_YAML_MAX_COPIED_NODES) {
        return weft_fail(error, WEFT_LIMIT, "aliases come to more than %d values", WEFT_YAML_MAX_COPIED_NODES);
    }
    struct weft_node *copy = weft_tree_try_node(tree, node->kind, weft_node_position(node));
    if (copy == NULL) {
        return weft_tree_fail_full(tree, error);
    }
    copy->text = node->text;
    copy->is_negative = node->is_negative;
    if (!is_collection) {
        copy->value = node->value;
    }
    for (size_t i = 0; is_collection && i < node->value.children.count; i++) {
        const struct weft_node *child = node->value.children.items[i];
        struct weft_node *child_copy;
        enum weft_status status = weft_yaml_copy(anchors, tree, child, depth + 1, &child_copy, error);
        if (status != WEFT_OK) {
            return status;
        }
        if (weft_node_try_append(tree, copy, child->key, child_copy) != WEFT_OK) {
            return weft_tree_fail_full(tree, error);
        }
    }
    *out_copy = copy;
    return WEFT_OK;
}

/* depth: of the map's own children. */
static enum weft_status merge_map(struct weft_yaml_anchors *anchors, struct weft_tree *tree, struct weft_node *map,
                                  const struct weft_node *from, size_t depth, struct weft_error *error)
{
    if (from->kind != WEFT_NODE_MAP) {
        return weft_fail(error, WEFT_INVALID, "what is merged (<<) must be a map or a list of maps, not %s",
                         weft_node_kind_text(from));
    }
    for (size_t i = 0; i < from->value.children.count; i++) {
        const struct weft_node *child = from->value.children.items[i];
        struct weft_node *copy;
        if (weft_node_find(map, child->key) != NULL) {
            continue;
        }
        if (map->value.children.count >= WEFT_CONFIG_MAX_KEYS) {
            return weft_fail(error, WEFT_LIMIT, "more than %d values in one map", WEFT_CONFIG_MAX_KEYS);
        }
        enum weft_status status = weft_yaml_copy(anchors, tree, child, depth, &copy, error);
        if (status != WEFT_OK) {
            return status;
        }
        if (weft_node_try_append(tree, map, child->key, copy) != WEFT_OK) {
            return weft_tree_fail_full(tree, error);
        }
    }
    return WEFT_OK;
}

static struct weft_node *take_child(struct weft_node *map, size_t index)
{
    struct weft_node *child = map->value.children.items[index];
    size_t count = --map->value.children.count;
    for (size_t i = index; i < count; i++) {
        map->value.children.items[i] = map->value.children.items[i + 1];
        map->value.children.items[i]->index = (uint32_t)i;
    }
    return child;
}

enum weft_status weft_yaml_merge(struct weft_yaml_anchors *anchors, struct weft_tree *tree, struct weft_node *map,
                                 size_t merge_index, size_t depth, struct weft_error *error)
{
    weft_assert(map->kind == WEFT_NODE_MAP && merge_index < map->value.children.count);
    const struct weft_node *from = take_child(map, merge_index);
    if (from->kind != WEFT_NODE_LIST) {
        return merge_map(anchors, tree, map, from, depth, error);
    }
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < from->value.children.count && status == WEFT_OK; i++) {
        status = merge_map(anchors, tree, map, from->value.children.items[i], depth, error);
    }
    return status;
}
