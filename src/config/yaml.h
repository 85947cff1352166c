#pragma once

#include "config/node.h"

/* Reads one YAML document into nodes of tree. file must be owned by the tree. With a line, every node gets that
 * position (the text stood inside a value there); with line 0 nodes get their own line in file. No document: a null.
 * WEFT_INVALID: not YAML, or a key twice; WEFT_UNSUPPORTED: YAML that weft refuses (anchors, aliases, merge keys, tags,
 * directives, several documents); WEFT_LIMIT: too large or too deep. Every text has file:line. */
enum weft_status weft_yaml_parse(struct weft_tree *tree, struct weft_slice bytes, struct weft_position position,
                                 struct weft_node **out_node, struct weft_error *error) WEFT_MUST_CHECK;
