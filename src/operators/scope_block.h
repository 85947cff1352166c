#pragma once

#include "operators/operator_internal.h"

/* The key with which operators read the name of a scope: the block `scope_name` of parsers, and scope_name_parser. */
struct weft_scope_block {
    struct weft_log_path parse_from; /* the body, if it is not given */
};

extern const struct weft_operator_key weft_scope_block_keys[];

/* Sets the entry's scope; on failure it stays as it is. */
enum weft_operator_verdict weft_scope_block_apply(const struct weft_scope_block *block, struct weft_operator_run *run,
                                                  struct weft_log_entry *entry);
