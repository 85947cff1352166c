/* Blocks (blocks.h). An id is the chunk's number and the block's place in it. The chunks of a size that have room
 * form a list; the one that was full a moment ago stands first, since it is the fullest: the others run empty. */
#include "base/blocks.h"

#include "base/alloc.h"
#include "base/assert.h"

enum {
    CHUNK_BYTES = 32 * 1024,
    GRAIN_BYTES = 16,
    SMALLEST_BYTES = 64,
    PLACE_BITS = 9, /* 32 KiB / 64 */
    PLACES_MAX = 1 << PLACE_BITS,
    CHUNKS_MAX = 1 << (32 - PLACE_BITS),
    SIZES_MAX = 96,
    LENDING_SHARE = 8,
    SPARE_COUNT = 2,
    SPARE_SHARE = 8, /* traces that came together go together: what they leave is filled again at once */
    WORD_BITS = 64,
};

struct chunk {
    uint8_t *bytes; /* NULL = this number is free */
    uint32_t next;  /* in the list of chunks with room, or of free numbers; 0 = end */
    uint32_t previous;
    uint16_t block_bytes, block_count, used_count;
    uint8_t size; /* index of block_bytes in sizes */
    bool has_room;
    uint64_t free_places[PLACES_MAX / WORD_BITS];
};

/* In a chunk that has no blocks. */
struct spare {
    struct spare *next;
};

struct weft_blocks {
    struct weft_budget *budget;
    struct chunk *chunks; /* [0] is not used, so that no block is named 0 */
    size_t chunk_capacity;
    uint32_t chunk_end;
    uint32_t free_number;
    uint32_t used_count; /* chunks with blocks */
    uint32_t spare_count;
    struct spare *spares;
    size_t size_count;
    uint16_t sizes[SIZES_MAX];
    uint32_t with_room[SIZES_MAX]; /* first of the list of each size; 0 = none */
    uint8_t size_of[WEFT_BLOCK_BYTES_MAX / GRAIN_BYTES + 1];
};

static void work_out_sizes(struct weft_blocks *blocks)
{
    size_t grains = 0;
    for (size_t wanted = SMALLEST_BYTES; wanted <= WEFT_BLOCK_BYTES_MAX; wanted += GRAIN_BYTES) {
        size_t block_bytes = CHUNK_BYTES / (CHUNK_BYTES / wanted) / GRAIN_BYTES * GRAIN_BYTES;
        weft_assert(blocks->size_count < SIZES_MAX && block_bytes >= wanted);
        for (; grains * GRAIN_BYTES <= block_bytes && grains < WEFT_COUNT_OF(blocks->size_of); grains++) {
            blocks->size_of[grains] = (uint8_t)blocks->size_count;
        }
        blocks->sizes[blocks->size_count++] = (uint16_t)block_bytes;
        wanted = block_bytes;
    }
}

struct weft_blocks *weft_blocks_new(struct weft_budget *budget)
{
    struct weft_blocks *blocks = weft_alloc(sizeof *blocks);
    blocks->budget = budget;
    blocks->chunk_end = 1;
    work_out_sizes(blocks);
    return blocks;
}

void weft_blocks_free(struct weft_blocks *blocks)
{
    weft_assert(blocks->used_count == 0);
    weft_blocks_trim(blocks);
    weft_assert(blocks->spare_count == 0);
    weft_budget_release(blocks->budget, blocks->chunk_capacity * sizeof *blocks->chunks);
    weft_free(blocks->chunks);
    weft_free(blocks);
}

/* ---- chunks and the system ---- */

static void push_spare(struct weft_blocks *blocks, void *memory)
{
    struct spare *spare = memory;
    spare->next = blocks->spares;
    blocks->spares = spare;
    blocks->spare_count++;
}

static void *pop_spare(struct weft_blocks *blocks)
{
    struct spare *spare = blocks->spares;
    blocks->spares = spare->next;
    blocks->spare_count--;
    return spare;
}

static void keep_spares(struct weft_blocks *blocks, uint32_t count)
{
    while (blocks->spare_count > count) {
        void *memory = pop_spare(blocks);
        if (!weft_unmap(memory, CHUNK_BYTES)) {
            push_spare(blocks, memory);
            return;
        }
        weft_budget_release(blocks->budget, CHUNK_BYTES);
    }
}

void weft_blocks_trim(struct weft_blocks *blocks)
{
    keep_spares(blocks, 0);
}

static void *chunk_memory(struct weft_blocks *blocks)
{
    if (blocks->spare_count > 0) {
        return pop_spare(blocks);
    }
    void *memory = weft_try_map(CHUNK_BYTES);
    if (memory != NULL) {
        weft_budget_charge(blocks->budget, CHUNK_BYTES);
    }
    return memory;
}

/* 0 when there is none. */
static uint32_t chunk_number(struct weft_blocks *blocks)
{
    if (blocks->free_number != 0) {
        return blocks->free_number;
    }
    size_t capacity = blocks->chunk_capacity;
    if (blocks->chunk_end == CHUNKS_MAX ||
        weft_try_grow(&blocks->chunks, sizeof *blocks->chunks, blocks->chunk_end, &blocks->chunk_capacity) != WEFT_OK) {
        return 0;
    }
    weft_budget_charge(blocks->budget, (blocks->chunk_capacity - capacity) * sizeof *blocks->chunks);
    return blocks->chunk_end;
}

/* ---- the lists of chunks with room ---- */

static void list_push(struct weft_blocks *blocks, uint32_t number)
{
    struct chunk *chunk = &blocks->chunks[number];
    uint32_t *first = &blocks->with_room[chunk->size];
    chunk->previous = 0;
    chunk->next = *first;
    if (*first != 0) {
        blocks->chunks[*first].previous = number;
    }
    *first = number;
    chunk->has_room = true;
}

static void list_remove(struct weft_blocks *blocks, uint32_t number)
{
    struct chunk *chunk = &blocks->chunks[number];
    if (chunk->previous != 0) {
        blocks->chunks[chunk->previous].next = chunk->next;
    } else {
        blocks->with_room[chunk->size] = chunk->next;
    }
    if (chunk->next != 0) {
        blocks->chunks[chunk->next].previous = chunk->previous;
    }
    chunk->has_room = false;
}

/* ---- blocks ---- */

static void mark_all_free(struct chunk *chunk)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(chunk->free_places); i++) {
        size_t before = i * WORD_BITS;
        size_t count = chunk->block_count > before ? chunk->block_count - before : 0;
        chunk->free_places[i] = count >= WORD_BITS ? UINT64_MAX : (UINT64_C(1) << count) - 1;
    }
}

static uint32_t new_chunk(struct weft_blocks *blocks, uint8_t size)
{
    uint32_t number = chunk_number(blocks);
    void *memory = number == 0 ? NULL : chunk_memory(blocks);
    if (memory == NULL) {
        return 0;
    }
    struct chunk *chunk = &blocks->chunks[number];
    if (number == blocks->chunk_end) {
        blocks->chunk_end++;
    } else {
        blocks->free_number = chunk->next;
    }
    *chunk = (struct chunk){ .bytes = memory, .size = size, .block_bytes = blocks->sizes[size] };
    chunk->block_count = (uint16_t)(CHUNK_BYTES / chunk->block_bytes);
    mark_all_free(chunk);
    list_push(blocks, number);
    blocks->used_count++;
    return number;
}

static uint32_t chunk_with_room(struct weft_blocks *blocks, uint8_t size)
{
    size_t block_bytes_max = blocks->sizes[size] + (size_t)blocks->sizes[size] / LENDING_SHARE;
    for (size_t i = size; i < blocks->size_count && blocks->sizes[i] <= block_bytes_max; i++) {
        if (blocks->with_room[i] != 0) {
            return blocks->with_room[i];
        }
    }
    return new_chunk(blocks, size);
}

enum weft_status weft_blocks_take(struct weft_blocks *blocks, size_t size_bytes, weft_block_id *out_id)
{
    weft_assert(size_bytes <= WEFT_BLOCK_BYTES_MAX);
    uint32_t number = chunk_with_room(blocks, blocks->size_of[(size_bytes + GRAIN_BYTES - 1) / GRAIN_BYTES]);
    if (number == 0) {
        return WEFT_NOMEM;
    }
    struct chunk *chunk = &blocks->chunks[number];
    uint32_t word = 0;
    while (chunk->free_places[word] == 0) {
        word++;
    }
    uint32_t place = word * WORD_BITS + (uint32_t)__builtin_ctzll(chunk->free_places[word]);
    chunk->free_places[word] &= chunk->free_places[word] - 1;
    chunk->used_count++;
    if (chunk->used_count == chunk->block_count) {
        list_remove(blocks, number);
    }
    *out_id = number << PLACE_BITS | place;
    return WEFT_OK;
}

static void give_chunk(struct weft_blocks *blocks, uint32_t number)
{
    struct chunk *chunk = &blocks->chunks[number];
    list_remove(blocks, number);
    push_spare(blocks, chunk->bytes);
    chunk->bytes = NULL;
    chunk->next = blocks->free_number;
    blocks->free_number = number;
    blocks->used_count--;
    bool is_short = weft_budget_reserved(blocks->budget) > weft_budget_limit(blocks->budget);
    keep_spares(blocks, is_short ? 0 : SPARE_COUNT + blocks->used_count / SPARE_SHARE);
}

static struct chunk *chunk_of(const struct weft_blocks *blocks, weft_block_id id)
{
    uint32_t number = id >> PLACE_BITS;
    weft_assert(number > 0 && number < blocks->chunk_end);
    return &blocks->chunks[number];
}

void weft_blocks_give(struct weft_blocks *blocks, weft_block_id id)
{
    struct chunk *chunk = chunk_of(blocks, id);
    uint32_t place = id % PLACES_MAX;
    uint64_t bit = UINT64_C(1) << place % WORD_BITS;
    weft_assert(chunk->bytes != NULL && place < chunk->block_count);
    weft_assert((chunk->free_places[place / WORD_BITS] & bit) == 0);
    chunk->free_places[place / WORD_BITS] |= bit;
    if (!chunk->has_room) {
        list_push(blocks, id >> PLACE_BITS);
    }
    chunk->used_count--;
    if (chunk->used_count == 0) {
        give_chunk(blocks, id >> PLACE_BITS);
    }
}

uint8_t *weft_blocks_at(const struct weft_blocks *blocks, weft_block_id id)
{
    const struct chunk *chunk = chunk_of(blocks, id);
    return chunk->bytes + (size_t)(id % PLACES_MAX) * chunk->block_bytes;
}

size_t weft_blocks_chunk_count(const struct weft_blocks *blocks)
{
    return (size_t)blocks->used_count + blocks->spare_count;
}

size_t weft_blocks_size_bytes(const struct weft_blocks *blocks)
{
    return weft_blocks_chunk_count(blocks) * CHUNK_BYTES + blocks->chunk_capacity * sizeof *blocks->chunks;
}
