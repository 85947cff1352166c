#pragma once

#include "join/join_internal.h"
#include "wire/otlp_table.h"

/* The records of a request that come next: each trace id is hashed once, and the memory in which it will be sought is
 * fetched into the cache meanwhile, first the places in the indexes, then the trace. A hint only: what it says nothing
 * about is hashed when it is needed. */
enum { WEFT_AHEAD_COUNT = 16 };

struct weft_ahead {
    struct {
        const uint8_t *trace_id; /* in the request; NULL = not seen */
        uint64_t hash;
    } records[WEFT_AHEAD_COUNT];
};

/* Before the record of this number is taken, for all records of a table in their order. */
void weft_ahead_look(struct weft_ahead *ahead, const struct weft_join *join, const struct weft_otlp_table *table,
                     size_t number);

/* The hash of a trace id, which lies in the record of this number or anywhere. */
uint64_t weft_ahead_hash(const struct weft_ahead *ahead, const struct weft_join *join, size_t number,
                         const uint8_t *trace_id);
