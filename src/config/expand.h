#pragma once

#include "config/node.h"
#include "config/source.h"

/* Replaces ${env:NAME}, ${NAME}, ${env:NAME:-default}, ${file:path} and ${yaml:text} in every text below root, then $$
 * by
 * $. Keys stay. A value that is one whole ${...} takes the type of what it stands for. The text of an error names the
 * place. WEFT_INVALID, WEFT_UNSUPPORTED, WEFT_LIMIT, WEFT_NOMEM, and what reading a file gives. */
enum weft_status weft_config_expand(struct weft_tree *tree, struct weft_node *root,
                                    const struct weft_config_environment *environment, struct weft_config_notes *notes,
                                    struct weft_error *error) WEFT_MUST_CHECK;
