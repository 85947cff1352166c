#pragma once

#include "config/node.h"

/* Reads a YAML document, the first if there are several, into nodes of tree; aliases become copies, merge keys what
 * they stand for. file must be owned by the tree. With a line, every node gets that position (the text stood inside a
 * value there); with line 0 nodes get their own line in file, copies that of their original. No document: a null.
 * WEFT_INVALID: not YAML, a key twice, an alias without an anchor, a value that is not of its tag's type;
 * WEFT_UNSUPPORTED: YAML that weft refuses (keys that are no scalars, !!timestamp, UTF-16); WEFT_LIMIT: too large, too
 * deep, or aliases that multiply. Every text has file:line. */
enum weft_status weft_yaml_parse(struct weft_tree *tree, struct weft_slice bytes, struct weft_position position,
                                 struct weft_node **out_node, struct weft_error *error) WEFT_MUST_CHECK;
