#pragma once

#include "base/budget.h"
#include "base/status.h"

/* Blocks of up to 4,096 bytes, named by 32 bits, from chunks of 32 KiB that come from the system and go back to it.
 * A chunk holds blocks of one size out of about 80; the sizes are those that divide a chunk, so that nothing is left
 * at its end. Which blocks are free stands beside the chunks: to take or give back a block touches none of its bytes.
 * Where no chunk of the wanted size has room, one of a size up to an eighth larger lends a block before another chunk
 * is mapped. Empty chunks beyond 2 and an eighth of those in use go back at once.
 *
 * The budget is charged by the chunk and for the table of chunks. At most 2^23 chunks (256 GiB). One worker. */
struct weft_blocks;

enum { WEFT_BLOCK_BYTES_MAX = 4096 };

/* 0 names no block. */
typedef uint32_t weft_block_id;

/* budget outlives the blocks. */
struct weft_blocks *weft_blocks_new(struct weft_budget *budget);

/* All blocks must be back. */
void weft_blocks_free(struct weft_blocks *blocks);

/* A block of at least size_bytes, not zeroed, aligned to 16. WEFT_NOMEM changes nothing. */
enum weft_status weft_blocks_take(struct weft_blocks *blocks, size_t size_bytes, weft_block_id *out_id) WEFT_MUST_CHECK;

void weft_blocks_give(struct weft_blocks *blocks, weft_block_id id);

/* Stays in place until the block is given back. */
uint8_t *weft_blocks_at(const struct weft_blocks *blocks, weft_block_id id);

/* Gives the empty chunks back to the system that were kept for the next blocks (idle timer, memory pressure). */
void weft_blocks_trim(struct weft_blocks *blocks);

/* Chunks mapped, with or without blocks. */
size_t weft_blocks_chunk_count(const struct weft_blocks *blocks);

/* What the budget is charged with. */
size_t weft_blocks_size_bytes(const struct weft_blocks *blocks);
