#pragma once

#include "config/node.h"

/* Puts the keys of from into into, both maps of tree: maps merge deep, anything else replaces. A key "a::b" stands for
 * b inside a, as in the Collector (but not inside lists, nor in what ${...} gives). from must not be used afterwards.
 * WEFT_NOMEM, WEFT_LIMIT. */
enum weft_status weft_config_merge(struct weft_tree *tree, struct weft_node *into, struct weft_node *from,
                                   struct weft_error *error) WEFT_MUST_CHECK;
