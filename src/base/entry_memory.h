#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"

/* What one record or log entry is made of while someone works on it: taken piece by piece, given back all at once
 * before the next one, so that an entry costs no call to the heap once the memory has grown to what entries need. Keeps
 * 64 KiB at most between entries. One thread. */
struct weft_entry_memory {
    struct weft_entry_chunk *chunks; /* the newest first */
    size_t used;                     /* of the newest */
    size_t size_bytes;               /* of all */
    size_t max_bytes;                /* 0 = WEFT_ENTRY_MEMORY_MAX_BYTES */
    bool is_full;                    /* more was asked for than an entry may have; until the next clear */
};

enum { WEFT_ENTRY_MEMORY_MAX_BYTES = 128 << 20 /* beyond it memory is as good as gone */ };

/* All zero is empty. */
void weft_entry_memory_fini(struct weft_entry_memory *memory);

/* From now on, until the next clear, so many bytes may be taken besides what is there; never more than an entry may
 * have. */
static inline void weft_entry_memory_allow(struct weft_entry_memory *memory, size_t size_bytes)
{
    size_t left = (size_t)WEFT_ENTRY_MEMORY_MAX_BYTES - memory->size_bytes;
    memory->max_bytes = memory->size_bytes + (size_bytes < left ? size_bytes : left);
    memory->is_full = false;
}

void weft_entry_memory_give_back(struct weft_entry_memory *memory); /* for weft_entry_memory_clear only */

/* Everything taken is gone. */
static inline void weft_entry_memory_clear(struct weft_entry_memory *memory)
{
    memory->max_bytes = 0;
    memory->is_full = false;
    if (memory->used > 0) {
        weft_entry_memory_give_back(memory);
    }
}

struct weft_entry_chunk {
    struct weft_entry_chunk *next;
    size_t capacity;
    max_align_t bytes[];
};

void *weft_entry_memory_try_more(struct weft_entry_memory *memory, size_t size_bytes); /* for what follows only */

/* Uninitialised, aligned for any value; NULL without memory. */
static inline WEFT_MUST_CHECK void *weft_entry_memory_try_alloc(struct weft_entry_memory *memory, size_t size_bytes)
{
    size_t alignment = _Alignof(max_align_t);
    size_t size = (size_bytes + alignment - 1) / alignment * alignment;
    if (memory->chunks == NULL || memory->chunks->capacity - memory->used < size) {
        return weft_entry_memory_try_more(memory, size);
    }
    uint8_t *taken = (uint8_t *)memory->chunks->bytes + memory->used;
    memory->used += size;
    return taken;
}

/* A copy of left and right behind one another; bytes NULL without memory (of an empty one it is NULL, too). */
struct weft_slice weft_entry_memory_try_join(struct weft_entry_memory *memory, struct weft_slice left,
                                             struct weft_slice right) WEFT_MUST_CHECK;
