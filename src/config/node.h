#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"

/* A config as a tree of nodes: what the YAML says, before any component gives it meaning. The tree owns every node and
 * every text and frees them at once; readers borrow. Scalars have the type that the Collector's YAML reader gives them
 * (true, null, 0x1f, .inf ...; quoted = string) and keep their original text, so that 0123 under a key that wants a
 * string stays "0123". One thread at a time. */
struct weft_tree;
struct weft_node;

/* Where a value stands; every node has one, and so may every parsed block (WEFT_FIELD_POSITION). */
struct weft_position {
    const char *file; /* borrowed from the tree */
    uint32_t line;    /* 1-based; 0 = not from a file */
};

enum weft_node_kind {
    WEFT_NODE_NULL,
    WEFT_NODE_BOOL,
    WEFT_NODE_INT,
    WEFT_NODE_DOUBLE,
    WEFT_NODE_STRING,
    WEFT_NODE_LIST,
    WEFT_NODE_MAP,
};

/* The map at the top; NULL before anything was loaded. */
const struct weft_node *weft_tree_root(const struct weft_tree *tree);
void weft_tree_free(struct weft_tree **own_tree);

/* The gates (config/gates.h) that were open when it was loaded. */
unsigned weft_tree_gates(const struct weft_tree *tree);

/* The calling thread is the one that will free it, if another one has made it. */
void weft_tree_own(struct weft_tree *tree);

enum weft_node_kind weft_node_kind(const struct weft_node *node);

/* "a map", "a list", "a string" ...: for error texts. */
const char *weft_node_kind_text(const struct weft_node *node);
struct weft_position weft_node_position(const struct weft_node *node);

/* A scalar as it was written (without quotes); of a list or a map only if it came from one ${...}: the text behind it;
 * else NULL. */
const char *weft_node_text(const struct weft_node *node);

/* True for what one whole ${...} gave: then the text counts for a string, and a null means zero, not the default. */
bool weft_node_is_expanded(const struct weft_node *node);

/* What stands in the config instead of the value, which may be a secret: "${env:NAME}". NULL: the value itself. */
const char *weft_node_origin(const struct weft_node *node);

/* The key under which the node stands in its map; NULL for a list item and for the root. */
const char *weft_node_key(const struct weft_node *node);

bool weft_node_bool(const struct weft_node *node);

/* False if the number does not fit. */
bool weft_node_get_int(const struct weft_node *node, int64_t *out_value) WEFT_MUST_CHECK;
bool weft_node_get_uint(const struct weft_node *node, uint64_t *out_value) WEFT_MUST_CHECK;

/* Of an int or a double. */
double weft_node_double(const struct weft_node *node);

/* Of a list or a map, in file order; 0 for any other node and for NULL. */
size_t weft_node_count(const struct weft_node *node);
const struct weft_node *weft_node_at(const struct weft_node *node, size_t index);

/* NULL when the key is absent, the node is NULL or not a map. Linear in the number of keys. */
const struct weft_node *weft_node_find(const struct weft_node *node, const char *key);

/* "exporters.otlp.timeout", "processors.attributes.actions[0].key"; cut to size_bytes. "" for the root. */
void weft_node_format_path(const struct weft_node *node, char *out_text, size_t size_bytes);

/* weft_fail with "file:line: path: " before the text. */
enum weft_status weft_node_fail(struct weft_error *error, enum weft_status status, const struct weft_node *node,
                                const char *format, ...) WEFT_PRINTF(4, 5);

/* What came out of ${...} is taken as its key wants it: a number by its text, a null as zero. Printed it is as it was
 * taken, so that it loads the same. This mark and the next are all that changes after loading. */
void weft_node_mark_read(const struct weft_node *node, enum weft_node_kind kind);

/* A parsed secret is masked wherever the tree is printed. */
void weft_node_mark_secret(const struct weft_node *node);
bool weft_node_is_secret(const struct weft_node *node);
