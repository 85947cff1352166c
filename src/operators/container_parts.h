#pragma once

#include "base/table.h"
#include "operators/operator_internal.h"

/* Texts that come in pieces, by a key of the source: an entry is kept until its last piece comes. */
struct weft_container_parts {
    struct weft_budget none;  /* charged when the run has no budget */
    struct weft_table *table; /* NULL: nothing was ever kept */
    struct weft_budget *budget;
    size_t size_bytes;
    struct weft_buffer spent;              /* the body of the entry that was handed out last, */
    struct weft_entry_memory spent_memory; /* and all else of it */
};

enum {
    /* As many as the Collector's recombine has. */
    WEFT_CONTAINER_MAX_SOURCES = 1000,
    WEFT_CONTAINER_MAX_BYTES = 16 << 20, /* of all sources */
};

void weft_container_parts_fini(struct weft_container_parts *parts);

/* The next piece of a text. True: the entry goes on; it is that of the first piece, its body is all that there is of
 * the text, and it lives until the next call. False: it is kept; or memory is gone (*out_status). max_bytes: a text
 * that is longer goes on without its end; 0 = no limit. */
bool weft_container_parts_add(struct weft_container_parts *parts, struct weft_operator_run *run, uint64_t key,
                              struct weft_log_entry *entry, struct weft_slice piece, bool is_last, size_t max_bytes,
                              enum weft_status *out_status);

/* No more sources or bytes should be kept: flush. */
bool weft_container_parts_are_full(const struct weft_container_parts *parts);

/* What was begun five seconds ago or earlier, or all, is sent to the operator's outputs as it is. */
void weft_container_parts_flush(struct weft_container_parts *parts, struct weft_operator_run *run,
                                const struct weft_operator *self, int64_t now_ns, bool is_all);
