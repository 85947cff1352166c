/* Slab (slab.h): chains of pieces in base/blocks or pinned payloads. Beyond its first pieces a chain keeps them in
 * lists, blocks too, each twice as long as the one before: 7, 15, 31, then 63 pieces. */
#include "base/slab.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { LIST_PIECES_FIRST = 7, LIST_PIECES_MAX = 63 };

#define GOES_ON      UINT32_C(0x80000000)
#define IS_PINNED    UINT32_C(0x40000000)
#define LENGTH_FLAGS (GOES_ON | IS_PINNED)

struct list {
    weft_block_id next;
    uint32_t capacity;
    struct weft_slab_piece pieces[];
};

struct weft_slab {
    struct weft_blocks *blocks;
    struct weft_pins *pins;
};

struct weft_slab *weft_slab_new(struct weft_budget *budget)
{
    struct weft_slab *slab = weft_alloc(sizeof *slab);
    slab->blocks = weft_blocks_new(budget);
    slab->pins = weft_pins_new(budget);
    return slab;
}

void weft_slab_free(struct weft_slab *slab)
{
    weft_blocks_free(slab->blocks);
    weft_pins_free(slab->pins);
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

static enum weft_status append_copy(struct weft_slab *slab, struct weft_slab_chain *chain, uint32_t tag,
                                    struct weft_slice bytes, bool goes_on)
{
    struct weft_slab_piece piece = { .length = (uint32_t)bytes.length | (goes_on ? GOES_ON : 0), .tag = tag };
    if (bytes.length > 0) {
        enum weft_status status = weft_blocks_take(slab->blocks, bytes.length, &piece.place);
        if (status != WEFT_OK) {
            return status;
        }
        memcpy(weft_blocks_at(slab->blocks, piece.place), bytes.bytes, bytes.length);
    }
    enum weft_status status = add_piece(slab, chain, piece);
    if (status != WEFT_OK && piece.place != 0) {
        weft_blocks_give(slab->blocks, piece.place);
    }
    return status;
}

/* ---- what was appended, and its end ---- */

/* The next piece, where it stands, or NULL at the end. */
static struct weft_slab_piece *next_piece(const struct weft_slab *slab, struct weft_slab_cursor *cursor)
{
    const struct weft_slab_chain *chain = cursor->chain;
    if (cursor->piece == chain->piece_count) {
        return NULL;
    }
    if (cursor->piece < WEFT_SLAB_CHAIN_PIECES) {
        return (struct weft_slab_piece *)&chain->pieces[cursor->piece++];
    }
    if (cursor->list == 0) {
        cursor->list = chain->first_list;
    }
    struct list *list = list_at(slab, cursor->list);
    if (cursor->list_at == list->capacity) {
        cursor->list = list->next;
        cursor->list_at = 0;
        list = list_at(slab, cursor->list);
    }
    cursor->piece++;
    return &list->pieces[cursor->list_at++];
}

static const uint8_t *bytes_at(const struct weft_slab *slab, const struct weft_slab_piece *piece)
{
    if ((piece->length & IS_PINNED) != 0) {
        return weft_pins_at(slab->pins, piece->place)->bytes + piece->offset;
    }
    return piece->place == 0 ? NULL : weft_blocks_at(slab->blocks, piece->place);
}

bool weft_slab_next(const struct weft_slab *slab, struct weft_slab_cursor *cursor, struct weft_slab_part *out_part)
{
    const struct weft_slab_piece *piece = next_piece(slab, cursor);
    if (piece == NULL) {
        return false;
    }
    out_part->bytes = weft_slice_of(bytes_at(slab, piece), piece->length & ~LENGTH_FLAGS);
    out_part->tag = piece->tag;
    out_part->is_last = (piece->length & GOES_ON) == 0;
    return true;
}

/* Gives back the pieces from the cursor on, and the lists from `list` on. */
static void give_back(struct weft_slab *slab, struct weft_slab_cursor cursor, weft_block_id list)
{
    const struct weft_slab_piece *piece;
    while ((piece = next_piece(slab, &cursor)) != NULL) {
        if ((piece->length & IS_PINNED) != 0) {
            weft_pins_unclaim(slab->pins, piece->place, piece->length & ~LENGTH_FLAGS);
        } else if (piece->place != 0) {
            weft_blocks_give(slab->blocks, piece->place);
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

enum weft_status weft_slab_append(struct weft_slab *slab, struct weft_slab_chain *chain, uint32_t tag,
                                  struct weft_slice record)
{
    struct weft_slab_chain before = *chain;
    chain->length += record.length;
    chain->record_count++;
    do {
        size_t length = record.length < WEFT_BLOCK_BYTES_MAX ? record.length : WEFT_BLOCK_BYTES_MAX;
        struct weft_slice bytes = { record.bytes, length };
        record = (struct weft_slice){ record.bytes + length, record.length - length };
        enum weft_status status = append_copy(slab, chain, tag, bytes, record.length > 0);
        if (status != WEFT_OK) {
            go_back_to(slab, chain, &before);
            return status;
        }
    } while (record.length > 0);
    return WEFT_OK;
}

/* ---- records that stay in a payload ---- */

enum weft_status weft_slab_pin(struct weft_slab *slab, struct weft_payload *payload, weft_pin_id *out_pin)
{
    return weft_pins_add(slab->pins, payload, out_pin);
}

void weft_slab_unpin(struct weft_slab *slab, weft_pin_id pin)
{
    weft_pins_unclaim(slab->pins, pin, 0);
}

enum weft_status weft_slab_append_pinned(struct weft_slab *slab, struct weft_slab_chain *chain, uint32_t tag,
                                         weft_pin_id pin, struct weft_slice record)
{
    const struct weft_payload *payload = weft_pins_at(slab->pins, pin);
    size_t offset = (size_t)(record.bytes - payload->bytes);
    weft_assert(offset <= payload->length && record.length <= payload->length - offset && record.length < IS_PINNED &&
                offset <= UINT32_MAX);
    struct weft_slab_piece piece = { pin, (uint32_t)record.length | IS_PINNED, (uint32_t)offset, tag };
    enum weft_status status = add_piece(slab, chain, piece);
    if (status == WEFT_OK) {
        weft_pins_claim(slab->pins, pin, record.length);
        chain->length += record.length;
        chain->record_count++;
        chain->pinned_count++;
    }
    return status;
}

/* In its place: a pinned record is one piece, and so is its copy. */
static enum weft_status copy_piece(struct weft_slab *slab, struct weft_slab_chain *chain, struct weft_slab_piece *piece)
{
    size_t length = piece->length & ~LENGTH_FLAGS;
    weft_block_id block = 0;
    if (length > 0) {
        enum weft_status status = weft_blocks_take(slab->blocks, length, &block);
        if (status != WEFT_OK) {
            return status;
        }
        memcpy(weft_blocks_at(slab->blocks, block), bytes_at(slab, piece), length);
    }
    weft_pins_unclaim(slab->pins, piece->place, length);
    *piece = (struct weft_slab_piece){ .place = block, .length = (uint32_t)length, .tag = piece->tag };
    chain->pinned_count--;
    return WEFT_OK;
}

enum weft_status weft_slab_copy_pinned(struct weft_slab *slab, struct weft_slab_chain *chain, size_t *in_out_bytes)
{
    struct weft_slab_cursor cursor = weft_slab_begin(chain);
    while (chain->pinned_count > 0 && *in_out_bytes > 0) {
        struct weft_slab_piece *piece = next_piece(slab, &cursor);
        size_t length = piece->length & ~LENGTH_FLAGS;
        if ((piece->length & IS_PINNED) != 0) {
            enum weft_status status = copy_piece(slab, chain, piece);
            if (status != WEFT_OK) {
                return status;
            }
            *in_out_bytes -= length < *in_out_bytes ? length : *in_out_bytes;
        }
    }
    return WEFT_OK;
}

/* ---- end and size ---- */

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
    return weft_blocks_size_bytes(slab->blocks) + weft_pins_size_bytes(slab->pins);
}

size_t weft_slab_unused_pinned_bytes(const struct weft_slab *slab)
{
    return weft_pins_unclaimed_bytes(slab->pins);
}

size_t weft_slab_chunk_count(const struct weft_slab *slab)
{
    return weft_blocks_chunk_count(slab->blocks);
}
