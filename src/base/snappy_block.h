#pragma once

#include "base/slice.h"
#include "base/status.h"

/* One block of snappy (google/snappy: format_description.txt): its length, then elements that are bytes to take over or
 * refer to bytes before them. Pure functions over memory that the caller has; compression_snappy.c is the caller. */

enum {
    WEFT_SNAPPY_PIECE_BYTES = 64 * 1024, /* what is deflated at a time; nothing refers further back */
    WEFT_SNAPPY_TABLE_ENTRIES = 1 << 14,
    WEFT_SNAPPY_MAX_PREAMBLE_BYTES = 5,
};

/* Reads the length that a block says it has. False: it says none, or more than 32 bits. */
bool weft_snappy_block_length(struct weft_slice block, size_t *out_length) WEFT_MUST_CHECK;

/* Writes all length bytes of the block, which says that it has so many, to `to`. False: it is broken, and what is in
 * `to` is nothing. */
bool weft_snappy_block_inflate(struct weft_slice block, uint8_t *to, size_t length) WEFT_MUST_CHECK;

/* What length bytes become at most, preamble and all, however they are cut into pieces of the size above. */
size_t weft_snappy_block_bound(size_t length);

/* Writes the preamble of a block of length bytes (of 32 bits) and returns where its first piece goes. */
uint8_t *weft_snappy_block_begin(size_t length, uint8_t *to);

/* Writes the elements of the next piece and returns where the next one goes. table: scratch of
 * WEFT_SNAPPY_TABLE_ENTRIES, which is overwritten. */
uint8_t *weft_snappy_block_deflate(const uint8_t *piece, size_t length, uint16_t *table, uint8_t *to);
