#pragma once

#include "base/blocks.h"
#include "base/pins.h"
#include "base/slice.h"

/* Recycled storage for the bytes of kept records. What belongs together (a trace) is a chain: records in order of
 * arrival, released at once. A record is copied into blocks, one piece, or several where it has more than 4,096 bytes;
 * or it stays where it is, in a payload that is pinned (base/pins.h), and is one piece. Where the pieces lie, how long
 * they are and the number that the owner gave the record stand outside of them, so that neither reading a chain's
 * slices nor releasing it touches the records' memory, which is cold by then.
 *
 * Costs 16 bytes a piece and what blocks.h and pins.h say; bounded by the caller, who counts weft_slab_size_bytes. One
 * worker. */
struct weft_slab;

struct weft_slab_piece {
    uint32_t place;  /* a block, 0 for an empty record; or a pin */
    uint32_t length; /* the top bit: the record goes on in the next piece; the one below: the place is a pin */
    uint32_t offset; /* in the pinned payload */
    uint32_t tag;
};

enum { WEFT_SLAB_CHAIN_PIECES = 2 };

/* Embedded in what owns the records; all zero is empty. The fields are the slab's, but for the first three. */
struct weft_slab_chain {
    uint64_t length; /* bytes of all records */
    uint32_t record_count;
    uint32_t pinned_count; /* of them, in payloads */
    uint32_t piece_count;
    uint32_t last_list_count;
    struct weft_slab_piece pieces[WEFT_SLAB_CHAIN_PIECES]; /* the first ones; the others are in lists */
    weft_block_id first_list, last_list;
};

/* A place in a chain; good until the chain is changed. */
struct weft_slab_cursor {
    const struct weft_slab_chain *chain;
    uint32_t piece; /* the next one */
    weft_block_id list;
    uint32_t list_at;
};

/* A piece of a record as it is read. */
struct weft_slab_part {
    struct weft_slice bytes;
    uint32_t tag; /* the owner's number for the record: all its pieces have it */
    bool is_last; /* the record ends with it */
};

/* budget outlives the slab. */
struct weft_slab *weft_slab_new(struct weft_budget *budget);

/* All chains must have been released, and pins ended. */
void weft_slab_free(struct weft_slab *slab);

/* Copies a record to the chain's end. WEFT_NOMEM changes nothing. */
enum weft_status weft_slab_append(struct weft_slab *slab, struct weft_slab_chain *chain, uint32_t tag,
                                  struct weft_slice record) WEFT_MUST_CHECK;

/* Keeps a payload in place for records that are appended by reference, until weft_slab_unpin and as long as one of them
 * is there. WEFT_NOMEM changes nothing. */
enum weft_status weft_slab_pin(struct weft_slab *slab, struct weft_payload *payload,
                               weft_pin_id *out_pin) WEFT_MUST_CHECK;
void weft_slab_unpin(struct weft_slab *slab, weft_pin_id pin);

/* Appends a record without copying it; it lies in the pinned payload and has at most WEFT_BLOCK_BYTES_MAX bytes.
 * WEFT_NOMEM changes nothing. */
enum weft_status weft_slab_append_pinned(struct weft_slab *slab, struct weft_slab_chain *chain, uint32_t tag,
                                         weft_pin_id pin, struct weft_slice record) WEFT_MUST_CHECK;

/* Copies records of the chain that lie in payloads, and lets go of these, until none does (pinned_count is 0) or so
 * many bytes were copied, which are taken off *in_out_bytes. WEFT_NOMEM: some may have been copied. */
enum weft_status weft_slab_copy_pinned(struct weft_slab *slab, struct weft_slab_chain *chain,
                                       size_t *in_out_bytes) WEFT_MUST_CHECK;

static inline struct weft_slab_cursor weft_slab_begin(const struct weft_slab_chain *chain)
{
    return (struct weft_slab_cursor){ .chain = chain };
}

/* The next piece, in order; false at the end. The bytes stay in place until the chain is released or copied. */
bool weft_slab_next(const struct weft_slab *slab, struct weft_slab_cursor *cursor, struct weft_slab_part *out_part);

/* Gives all records back; the chain is empty and may be used again. */
void weft_slab_release(struct weft_slab *slab, struct weft_slab_chain *chain);

/* Gives back to the system what is kept for the next records (idle timer, memory pressure). */
void weft_slab_trim(struct weft_slab *slab);

/* Bytes held from the system, blocks and pinned payloads, which are what the budget is charged with. */
size_t weft_slab_size_bytes(const struct weft_slab *slab);

/* The part of it that is in pinned payloads and in no chain's records. */
size_t weft_slab_unused_pinned_bytes(const struct weft_slab *slab);

/* Chunks of 32 KiB mapped: what tests look at. */
size_t weft_slab_chunk_count(const struct weft_slab *slab);
