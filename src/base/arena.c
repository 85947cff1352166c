/* Arena: a chain of chunks, newest first; only the newest one has room (arena.h). */
#include "base/arena.h"

#include <stdalign.h>

#include "base/alloc.h"
#include "base/magic.h"
#include "base/prefetch.h"
#include "base/thread.h"

enum { LEAST_CHUNK_BYTES = 256, FIRST_CHUNK_BYTES = 16 << 10, MOST_CHUNK_BYTES = 64 << 10 };

struct chunk {
    struct chunk *older;
    size_t used;
    size_t capacity;
    alignas(max_align_t) uint8_t bytes[];
};

WEFT_MAGIC(arena, 0x7a12e4a5);

struct weft_arena {
    uint32_t magic;
    uint32_t references;
    uintptr_t owner;            /* the thread that made it */
    struct weft_budget *budget; /* NULL: nobody is charged */
    struct weft_arena *under;   /* a reference, or NULL */
    struct chunk *newest;
    size_t size_bytes; /* taken from the heap and charged */
    bool has_first;    /* the oldest chunk lies behind this struct */
    alignas(max_align_t) uint8_t first[];
};

static void check(const struct weft_arena *arena)
{
    weft_check_magic(arena, arena);
    weft_assert(arena->owner == weft_thread_id());
}

static void charge(struct weft_arena *arena, size_t size_bytes)
{
    arena->size_bytes += size_bytes;
    if (arena->budget != NULL) {
        weft_budget_charge(arena->budget, size_bytes);
    }
}

struct weft_arena *weft_arena_try_new_charged(struct weft_budget *budget, size_t first_bytes)
{
    if (first_bytes > SIZE_MAX / 4) {
        return NULL;
    }
    size_t behind = first_bytes > 0 ? sizeof(struct chunk) + first_bytes : 0;
    struct weft_arena *arena = weft_try_alloc_raw(sizeof *arena + behind);
    if (arena == NULL) {
        return NULL;
    }
    *arena = (struct weft_arena){
        .owner = weft_thread_id(), .budget = budget, .references = 1, .has_first = first_bytes > 0
    };
    weft_set_magic(arena, arena);
    if (arena->has_first) {
        arena->newest = (struct chunk *)(void *)arena->first;
        *arena->newest = (struct chunk){ .capacity = first_bytes };
    }
    charge(arena, sizeof *arena + behind);
    return arena;
}

void weft_arena_own(struct weft_arena *arena)
{
    weft_check_magic(arena, arena);
    weft_assert(arena->references == 1 && arena->under == NULL);
    arena->owner = weft_thread_id();
}

struct weft_arena *weft_arena_try_new(void)
{
    return weft_arena_try_new_charged(NULL, 0);
}

struct weft_arena *weft_arena_try_new_over(struct weft_arena *under, size_t first_bytes)
{
    struct weft_arena *arena = weft_arena_try_new_charged(under->budget, first_bytes);
    if (arena != NULL) {
        arena->under = weft_arena_ref(under);
    }
    return arena;
}

struct weft_arena *weft_arena_ref(struct weft_arena *arena)
{
    check(arena);
    weft_assert(arena->references > 0);
    arena->references++;
    return arena;
}

static void free_chunks(struct weft_arena *arena)
{
    for (struct chunk *chunk = arena->newest; chunk != NULL;) {
        struct chunk *older = chunk->older;
        if (older != NULL || !arena->has_first) {
            weft_free(chunk);
        }
        chunk = older;
    }
}

void weft_arena_unref(struct weft_arena **own_arena)
{
    struct weft_arena *arena = *own_arena;
    *own_arena = NULL;
    while (arena != NULL) {
        check(arena);
        weft_assert(arena->references > 0);
        if (--arena->references > 0) {
            return;
        }
        struct weft_arena *under = arena->under;
        weft_clear_magic(arena, arena);
        free_chunks(arena);
        if (arena->budget != NULL) {
            weft_budget_release(arena->budget, arena->size_bytes);
        }
        weft_free(arena);
        arena = under;
    }
}

/* A new newest chunk with room for size_bytes. */
static struct chunk *add_chunk(struct weft_arena *arena, size_t size_bytes)
{
    check(arena);
    size_t usual = FIRST_CHUNK_BYTES;
    if (arena->newest != NULL) {
        size_t twice = arena->newest->capacity * 2;
        usual = twice < LEAST_CHUNK_BYTES ? LEAST_CHUNK_BYTES : twice < MOST_CHUNK_BYTES ? twice : MOST_CHUNK_BYTES;
    }
    size_t capacity = size_bytes > usual / 4 ? size_bytes + usual : usual;
    struct chunk *fresh = weft_try_alloc_raw(sizeof *fresh + capacity);
    if (fresh == NULL) {
        return NULL;
    }
    *fresh = (struct chunk){ .older = arena->newest, .capacity = capacity };
    arena->newest = fresh;
    charge(arena, sizeof *fresh + capacity);
    return fresh;
}

static void *take(struct weft_arena *arena, size_t size_bytes, size_t alignment)
{
    if (size_bytes > SIZE_MAX / 4) {
        return NULL;
    }
    struct chunk *chunk = arena->newest;
    size_t at = chunk == NULL ? 0 : (chunk->used + alignment - 1) & ~(alignment - 1);
    if (chunk == NULL || at > chunk->capacity || size_bytes > chunk->capacity - at) {
        chunk = add_chunk(arena, size_bytes);
        if (chunk == NULL) {
            return NULL;
        }
        at = 0;
    }
    chunk->used = at + size_bytes;
    return chunk->bytes + at;
}

void *weft_arena_try_alloc(struct weft_arena *arena, size_t size_bytes)
{
    return take(arena, size_bytes, alignof(max_align_t));
}

uint8_t *weft_arena_try_bytes(struct weft_arena *arena, size_t size_bytes)
{
    return take(arena, size_bytes, 1);
}

void weft_arena_look_ahead(const struct weft_arena *arena, size_t size_bytes)
{
    const struct chunk *chunk = arena->newest;
    if (chunk != NULL) {
        size_t rest = chunk->capacity - chunk->used;
        weft_prefetch(chunk->bytes + chunk->used, rest < size_bytes ? rest : size_bytes);
    }
}

struct weft_slice weft_arena_neighbours(const struct weft_arena *arena, const uint8_t *byte)
{
    uintptr_t at = (uintptr_t)byte;
    for (; arena != NULL; arena = arena->under) {
        for (const struct chunk *chunk = arena->newest; chunk != NULL; chunk = chunk->older) {
            uintptr_t start = (uintptr_t)chunk->bytes;
            if (at >= start && at < start + chunk->used) {
                return weft_slice_of(chunk->bytes, chunk->used);
            }
        }
    }
    return WEFT_SLICE_EMPTY;
}

size_t weft_arena_size_bytes(const struct weft_arena *arena)
{
    return arena->size_bytes;
}
