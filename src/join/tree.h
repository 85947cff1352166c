#pragma once

#include "join/join_internal.h"

/* Appends `,"tree":...` to an answer (docs/asking.md), or nothing without memory: spans with the parent before its
 * children, logs at their
 * spans. Spans whose parent is not there are roots that say so, and so is the first span of a cycle; at most 2,000
 * spans and as many log lines are shown, bodies of log lines up to 200 bytes. */
void weft_join_write_tree(const struct weft_join *join, const struct weft_slab_chain *chain, struct weft_buffer *out);

/* The nodes alone, each behind a comma, roots at this depth. False: some were left out. */
bool weft_join_write_nodes(const struct weft_join *join, const struct weft_slab_chain *chain, int depth,
                           struct weft_buffer *out);
