#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/walk.h"

/* What arrived, span by span; log records, named by the span id that they bear, are "spans", too. Unique ids: one bit
 * seen, one bit duplicate. Cycled ids: a counter. */
struct sink_ledger {
    bool is_hashing;
    uint64_t received; /* spans, with duplicates */
    uint64_t distinct; /* unique ids seen at least once */
    uint64_t duplicates;
    uint64_t cycled;  /* spans with cycled ids */
    uint64_t unknown; /* no usable span_id */
    uint64_t resources;
    uint64_t hash; /* unique: of the first seen; cycled: of all */
    uint64_t tree_hash;
    uint8_t *seen_bits;
    uint8_t *duplicate_bits;
    uint64_t bit_count; /* capacity; a multiple of 64 */
    uint64_t highest;   /* sequence number + 1 */
    uint32_t *generations;
    uint64_t generation_count;
};

/* Books one ExportTraceServiceRequest, without its first skipped_spans spans. False if it is malformed down to the
 * level of spans; what came before is booked. */
bool ledger_book(struct sink_ledger *ledger, struct bench_range request, uint64_t skipped_spans);

/* The number of spans, without booking. */
bool ledger_count(struct bench_range request, uint64_t *out_spans);

/* Writes the seen bits (or the generation counters) for bench/check.py. */
void ledger_write(const struct sink_ledger *ledger, const char *path);
