#pragma once

#include "base/blocks.h"
#include "base/slice.h"

/* Recycled storage for the bytes of kept records. What belongs together (a trace) is a chain: records in order of
 * arrival, released at once. A record is one piece; one of more than 4,096 bytes is several. Where the pieces lie and
 * how long they are stands outside of them, so that neither reading a chain's slices nor releasing it touches the
 * records' memory, which is cold by then.
 *
 * Costs 8 bytes a piece and what blocks.h says; bounded by the caller, who counts weft_slab_size_bytes. One worker. */
struct weft_slab;

struct weft_slab_piece {
    weft_block_id block; /* 0 = an empty record */
    uint32_t length;     /* the top bit: the record goes on in the next piece */
};

enum { WEFT_SLAB_CHAIN_PIECES = 2 };

/* Embedded in what owns the records; all zero is empty. The fields are the slab's, but for the first two. */
struct weft_slab_chain {
    uint64_t length; /* bytes of all records */
    uint32_t record_count;
    uint32_t piece_count;
    struct weft_slab_piece pieces[WEFT_SLAB_CHAIN_PIECES]; /* the first ones; the others are in lists */
    weft_block_id first_list, last_list;
    uint32_t last_list_count;
};

/* A place in a chain; good until the chain is changed. */
struct weft_slab_cursor {
    const struct weft_slab_chain *chain;
    uint32_t piece; /* the next one */
    weft_block_id list;
    uint32_t list_at;
};

/* budget outlives the slab. */
struct weft_slab *weft_slab_new(struct weft_budget *budget);

/* All chains must have been released. */
void weft_slab_free(struct weft_slab *slab);

/* Copies the slices as one record to the chain's end. WEFT_NOMEM changes nothing. */
enum weft_status weft_slab_append(struct weft_slab *slab, struct weft_slab_chain *chain,
                                  const struct weft_slice *slices, size_t slice_count) WEFT_MUST_CHECK;

static inline struct weft_slab_cursor weft_slab_begin(const struct weft_slab_chain *chain)
{
    return (struct weft_slab_cursor){ .chain = chain };
}

/* The next piece, in order; false at the end. *out_is_last: the record ends with it. The bytes are the chain's and
 * stay in place until it is released. */
bool weft_slab_next(const struct weft_slab *slab, struct weft_slab_cursor *cursor, struct weft_slice *out_piece,
                    bool *out_is_last);

/* Gives all records back; the chain is empty and may be used again. */
void weft_slab_release(struct weft_slab *slab, struct weft_slab_chain *chain);

/* Gives back to the system what is kept for the next records (idle timer, memory pressure). */
void weft_slab_trim(struct weft_slab *slab);

/* Bytes held from the system, which are what the budget is charged with. */
size_t weft_slab_size_bytes(const struct weft_slab *slab);

/* Chunks of 32 KiB mapped: what tests look at. */
size_t weft_slab_chunk_count(const struct weft_slab *slab);
