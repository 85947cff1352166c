/* Slab (slab.h): chains of pieces in base/blocks. Beyond its first pieces a chain keeps them in lists, blocks too,
 * each twice as long as the one before: 7, 15, 31, then 63 pieces. */
#include "base/slab.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { LIST_PIECES_FIRST = 7, LIST_PIECES_MAX = 63 };

#define GOES_ON UINT32_C(0x80000000)

struct list {
    weft_block_id next;
    uint32_t capacity;
    struct weft_slab_piece pieces[];
};

struct weft_slab {
    struct weft_blocks *blocks;
};

struct weft_slab *weft_slab_new(struct weft_budget *budget)
{
    struct weft_slab *slab = weft_alloc(sizeof *slab);
    slab->blocks = weft_blocks_new(budget);
    return slab;
}

void weft_slab_free(struct weft_slab *slab)
{
    weft_blocks_free(slab->blocks);
    weft_free(slab);
}

static struct list *list_at(const struct weft_slab *slab, weft_block_id block)
{
    return (struct list *)(void *)weft_blocks_at(slab->blocks, block);
}

/* ---- append ---- */

static enum weft_status add_list(struct weft_slab *slab, struct weft_slab_chain *chain)
{
    struct list *last = chain->last_list == 0 ? NULL : list_at(slab, chain->last_list);
    uint32_t capacity = last == NULL ? LIST_PIECES_FIRST : last->capacity * 2 + 1;
    capacity = capacity < LIST_PIECES_MAX ? capacity : LIST_PIECES_MAX;
    weft_block_id block;
    enum weft_status status =
        weft_blocks_take(slab->blocks, sizeof(struct list) + capacity * sizeof(struct weft_slab_piece), &block);
    if (status != WEFT_OK) {
        return status;
    }
    *list_at(slab, block) = (struct list){ .capacity = capacity };
    if (last == NULL) {
        chain->first_list = block;
    } else {
        last->next = block;
    }
    chain->last_list = block;
    chain->last_list_count = 0;
    return WEFT_OK;
}

static enum weft_status add_piece(struct weft_slab *slab, struct weft_slab_chain *chain, struct weft_slab_piece piece)
{
    if (chain->piece_count < WEFT_SLAB_CHAIN_PIECES) {
        chain->pieces[chain->piece_count++] = piece;
        return WEFT_OK;
    }
    if (chain->last_list == 0 || chain->last_list_count == list_at(slab, chain->last_list)->capacity) {
        enum weft_status status = add_list(slab, chain);
        if (status != WEFT_OK) {
            return status;
        }
    }
    list_at(slab, chain->last_list)->pieces[chain->last_list_count++] = piece;
    chain->piece_count++;
    return WEFT_OK;
}

/* Where the next byte of a record that is given in slices comes from. */
struct source {
    const struct weft_slice *slices;
    size_t offset;
};

static void copy_from(struct source *source, uint8_t *target, size_t length)
{
    while (length > 0) {
        size_t left = source->slices->length - source->offset;
        size_t taken = left < length ? left : length;
        if (taken > 0) {
            memcpy(target, source->slices->bytes + source->offset, taken);
        }
        target += taken;
        length -= taken;
        source->offset += taken;
        if (source->offset == source->slices->length) {
            source->slices++;
            source->offset = 0;
        }
    }
}

static enum weft_status append_piece(struct weft_slab *slab, struct weft_slab_chain *chain, struct source *source,
                                     size_t length, bool goes_on)
{
    struct weft_slab_piece piece = { .length = (uint32_t)length | (goes_on ? GOES_ON : 0) };
    if (length > 0) {
        enum weft_status status = weft_blocks_take(slab->blocks, length, &piece.block);
        if (status != WEFT_OK) {
            return status;
        }
        copy_from(source, weft_blocks_at(slab->blocks, piece.block), length);
    }
    enum weft_status status = add_piece(slab, chain, piece);
    if (status != WEFT_OK && piece.block != 0) {
        weft_blocks_give(slab->blocks, piece.block);
    }
    return status;
}

/* ---- what was appended, and its end ---- */

static bool next_piece(const struct weft_slab *slab, struct weft_slab_cursor *cursor, struct weft_slab_piece *out_piece)
{
    const struct weft_slab_chain *chain = cursor->chain;
    if (cursor->piece == chain->piece_count) {
        return false;
    }
    if (cursor->piece < WEFT_SLAB_CHAIN_PIECES) {
        *out_piece = chain->pieces[cursor->piece++];
        return true;
    }
    if (cursor->list == 0) {
        cursor->list = chain->first_list;
    }
    const struct list *list = list_at(slab, cursor->list);
    if (cursor->list_at == list->capacity) {
        cursor->list = list->next;
        cursor->list_at = 0;
        list = list_at(slab, cursor->list);
    }
    *out_piece = list->pieces[cursor->list_at++];
    cursor->piece++;
    return true;
}

bool weft_slab_next(const struct weft_slab *slab, struct weft_slab_cursor *cursor, struct weft_slice *out_piece,
                    bool *out_is_last)
{
    struct weft_slab_piece piece;
    if (!next_piece(slab, cursor, &piece)) {
        return false;
    }
    const uint8_t *bytes = piece.block == 0 ? NULL : weft_blocks_at(slab->blocks, piece.block);
    *out_piece = weft_slice_of(bytes, piece.length & ~GOES_ON);
    *out_is_last = (piece.length & GOES_ON) == 0;
    return true;
}

/* Gives back the pieces from the cursor on, and the lists from `list` on. */
static void give_back(struct weft_slab *slab, struct weft_slab_cursor cursor, weft_block_id list)
{
    struct weft_slab_piece piece;
    while (next_piece(slab, &cursor, &piece)) {
        if (piece.block != 0) {
            weft_blocks_give(slab->blocks, piece.block);
        }
    }
    while (list != 0) {
        weft_block_id next = list_at(slab, list)->next;
        weft_blocks_give(slab->blocks, list);
        list = next;
    }
}

static void go_back_to(struct weft_slab *slab, struct weft_slab_chain *chain, const struct weft_slab_chain *before)
{
    struct weft_slab_cursor cursor = { chain, before->piece_count, before->last_list, before->last_list_count };
    struct list *last = before->last_list == 0 ? NULL : list_at(slab, before->last_list);
    give_back(slab, cursor, last == NULL ? chain->first_list : last->next);
    if (last != NULL) {
        last->next = 0;
    }
    *chain = *before;
}

enum weft_status weft_slab_append(struct weft_slab *slab, struct weft_slab_chain *chain,
                                  const struct weft_slice *slices, size_t slice_count)
{
    size_t left = 0;
    for (size_t i = 0; i < slice_count; i++) {
        left += slices[i].length;
    }
    struct weft_slab_chain before = *chain;
    struct source source = { .slices = slices };
    chain->length += left;
    chain->record_count++;
    do {
        size_t length = left < WEFT_BLOCK_BYTES_MAX ? left : WEFT_BLOCK_BYTES_MAX;
        left -= length;
        enum weft_status status = append_piece(slab, chain, &source, length, left > 0);
        if (status != WEFT_OK) {
            go_back_to(slab, chain, &before);
            return status;
        }
    } while (left > 0);
    return WEFT_OK;
}

void weft_slab_release(struct weft_slab *slab, struct weft_slab_chain *chain)
{
    give_back(slab, weft_slab_begin(chain), chain->first_list);
    *chain = (struct weft_slab_chain){ 0 };
}

void weft_slab_trim(struct weft_slab *slab)
{
    weft_blocks_trim(slab->blocks);
}

size_t weft_slab_size_bytes(const struct weft_slab *slab)
{
    return weft_blocks_size_bytes(slab->blocks);
}

size_t weft_slab_chunk_count(const struct weft_slab *slab)
{
    return weft_blocks_chunk_count(slab->blocks);
}
