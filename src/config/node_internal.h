#pragma once

#include "config/node.h"

/* How the tree is built and changed: for the files of this floor that load it. Others read through node.h. */

/* Bounds of one config, all sources and expansions together. */
enum {
    WEFT_CONFIG_MAX_BYTES = 1024 * 1024,           /* of one file, and of one expanded value */
    WEFT_CONFIG_MAX_DEPTH = 32,                    /* of nested maps and lists */
    WEFT_CONFIG_MAX_KEYS = 10000,                  /* in one map or list: finding a key is linear */
    WEFT_CONFIG_MAX_TREE_BYTES = 64 * 1024 * 1024, /* of the memory of one tree */
};

struct weft_node {
    enum weft_node_kind kind;
    bool is_expanded;
    bool is_secret;
    bool is_negative; /* INT */
    bool is_read_as;  /* its key took it as what read_as says */
    enum weft_node_kind read_as;
    uint32_t line;
    uint32_t index;    /* in the parent */
    uint32_t key_hash; /* so that finding a key looks at few texts */
    const char *file;
    const char *key;
    const char *text;
    const char
        *origin; /* what was written where ${...} gave the value, or a list or map that it is in; NULL: nothing */
    struct weft_node *parent;
    union {
        bool boolean;
        uint64_t magnitude; /* INT: absolute value */
        double real;
        struct {
            struct weft_node **items;
            size_t count;
            size_t capacity;
        } children; /* LIST, MAP */
    } value;
};

/* NULL when memory is gone. */
struct weft_tree *weft_tree_try_new(void) WEFT_MUST_CHECK;
void weft_tree_set_gates(struct weft_tree *tree, unsigned gates);
void weft_tree_set_root(struct weft_tree *tree, struct weft_node *root);
struct weft_node *weft_tree_writable_root(struct weft_tree *tree);

/* A terminated copy that lives as long as the tree; NULL when memory is gone or the tree is full. */
char *weft_tree_try_text(struct weft_tree *tree, struct weft_slice text) WEFT_MUST_CHECK;
struct weft_node *weft_tree_try_node(struct weft_tree *tree, enum weft_node_kind kind,
                                     struct weft_position position) WEFT_MUST_CHECK;

/* Appends; key is NULL for a list and must be new and owned by the tree for a map. The child learns its parent. */
enum weft_status weft_node_try_append(struct weft_tree *tree, struct weft_node *parent, const char *key,
                                      struct weft_node *child) WEFT_MUST_CHECK;
struct weft_node *weft_node_find_writable(struct weft_node *map, const char *key);

/* Puts what is in from (value and children) into node, which keeps its place in the tree. */
void weft_node_take_value(struct weft_node *node, const struct weft_node *from);

/* Gives node the type that a plain (unquoted) scalar has in the Collector's YAML; text stays the caller's. */
void weft_node_resolve_plain(struct weft_node *node, const char *text);

/* In a message about node, of capacity bytes: what ${...} gave, there or below, becomes what was written instead. */
void weft_node_hide_values(const struct weft_node *node, char *text, size_t capacity);

/* WEFT_NOMEM, or WEFT_LIMIT when the tree has reached its bound, with a text. */
enum weft_status weft_tree_fail_full(const struct weft_tree *tree, struct weft_error *error);
