/* Arena: a chain of chunks, newest first; only the newest one has room (arena.h). */
#include "base/arena.h"

#include <stdalign.h>

#include "base/alloc.h"
#include "base/assert.h"

enum { CHUNK_BYTES = 16 * 1024 };

struct chunk {
    struct chunk *older;
    size_t used;
    size_t capacity;
    alignas(max_align_t) uint8_t bytes[];
};

struct weft_arena {
    struct chunk *newest;
    size_t size_bytes;
    uint32_t references;
};

struct weft_arena *weft_arena_try_new(void)
{
    struct weft_arena *arena = weft_try_alloc(sizeof *arena);
    if (arena != NULL) {
        arena->references = 1;
        arena->size_bytes = sizeof *arena;
    }
    return arena;
}

struct weft_arena *weft_arena_ref(struct weft_arena *arena)
{
    weft_assert(arena->references > 0);
    arena->references++;
    return arena;
}

void weft_arena_unref(struct weft_arena **own_arena)
{
    struct weft_arena *arena = *own_arena;
    *own_arena = NULL;
    if (arena == NULL || --arena->references > 0) {
        return;
    }
    for (struct chunk *chunk = arena->newest; chunk != NULL;) {
        struct chunk *older = chunk->older;
        weft_free(chunk);
        chunk = older;
    }
    weft_free(arena);
}

static void *take(struct weft_arena *arena, size_t size_bytes, size_t alignment)
{
    if (size_bytes > SIZE_MAX / 4) {
        return NULL;
    }
    struct chunk *chunk = arena->newest;
    size_t at = chunk == NULL ? 0 : (chunk->used + alignment - 1) & ~(alignment - 1);
    if (chunk == NULL || at > chunk->capacity || size_bytes > chunk->capacity - at) {
        size_t capacity = size_bytes > CHUNK_BYTES / 4 ? size_bytes + CHUNK_BYTES : CHUNK_BYTES;
        struct chunk *fresh = weft_try_alloc_raw(sizeof *fresh + capacity);
        if (fresh == NULL) {
            return NULL;
        }
        *fresh = (struct chunk){ .older = chunk, .capacity = capacity };
        arena->newest = fresh;
        arena->size_bytes += sizeof *fresh + capacity;
        chunk = fresh;
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

size_t weft_arena_size_bytes(const struct weft_arena *arena)
{
    return arena->size_bytes;
}
