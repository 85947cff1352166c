#pragma once

#include "config/node_internal.h"

/* Anchors, aliases and merge keys of one YAML document (YAML 1.2 sections 3.2.2.2 and 7.1; merge keys as YAML 1.1 had
 * them, which is what Collectors read). An alias is a copy, since a node has one place in the tree; what copies may
 * come to is bounded, so a document that multiplies itself is an error. */
struct weft_yaml_anchor {
    struct weft_yaml_anchor *next;
    const char *name;
    struct weft_node *node;
    bool is_open; /* its collection is still being read */
};

struct weft_yaml_anchors {
    struct weft_yaml_anchor *first; /* the latest first: a name may be given again; in the heap */
    uint32_t copied_nodes;
};

enum { WEFT_YAML_MAX_COPIED_NODES = 100000 };

void weft_yaml_anchors_fini(struct weft_yaml_anchors *anchors);

/* name is copied into the tree. WEFT_NOMEM; WEFT_LIMIT when the tree is full. */
enum weft_status weft_yaml_anchors_add(struct weft_yaml_anchors *anchors, struct weft_tree *tree, const char *name,
                                       struct weft_node *node, bool is_open) WEFT_MUST_CHECK;

/* The collection is read to its end. */
void weft_yaml_anchors_close(struct weft_yaml_anchors *anchors, const struct weft_node *node);

/* NULL: no such anchor so far. */
const struct weft_yaml_anchor *weft_yaml_anchors_find(const struct weft_yaml_anchors *anchors, const char *name);

/* A copy without a place, for a value that will stand at this depth. WEFT_LIMIT with text: too deep or too many copies;
 * a full tree or no memory: as weft_tree_fail_full says. */
enum weft_status weft_yaml_copy(struct weft_yaml_anchors *anchors, struct weft_tree *tree, const struct weft_node *node,
                                size_t depth, struct weft_node **out_copy, struct weft_error *error) WEFT_MUST_CHECK;

/* The map is complete: what stands under its merge key, the child at that index, becomes keys of its own, except where
 * it has them already; of several maps the first has precedence. WEFT_INVALID: it is no map and no list of maps. */
enum weft_status weft_yaml_merge(struct weft_yaml_anchors *anchors, struct weft_tree *tree, struct weft_node *map,
                                 size_t merge_index, size_t depth, struct weft_error *error) WEFT_MUST_CHECK;
