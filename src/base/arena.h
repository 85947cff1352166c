#pragma once

#include "base/budget.h"
#include "base/slice.h"
#include "base/status.h"

/* Memory that lives and dries up together, freed at the last unref. Counted, not locked: the thread that made it is the
 * only one that refs and unrefs it and that takes from it, which is asserted (taking only where a chunk is added: it is
 * done for every record). What is handed out is never moved, so several batches may share one arena.
 *
 * The first chunk is as large as the maker foresees and lies with the arena itself; each further one is twice as large
 * as the last, up to 64 KiB (larger on demand). The budget is charged for each chunk when it is taken from the heap
 * and gets everything back at the end. A charge never fails: to refuse what is too much is memory_limiter's business.
 */
struct weft_arena;

/* Charges nobody and takes chunks of 16 KiB and more: for configs and tests. NULL when memory is gone. */
struct weft_arena *weft_arena_try_new(void) WEFT_MUST_CHECK;

/* The calling thread is the arena's owner from now on, for one that was filled on another thread, which is done with
 * it. Not for one that lies over another. */
void weft_arena_own(struct weft_arena *arena);

/* budget outlives the arena. first_bytes 0: nothing is foreseen, the first chunk, of 16 KiB, is taken when something is
 * asked for. NULL when memory is gone. */
struct weft_arena *weft_arena_try_new_charged(struct weft_budget *budget, size_t first_bytes) WEFT_MUST_CHECK;

/* As charged to the budget of under, which stays at least as long: for who replaces some of what lies in under and
 * keeps pointing to the rest. Takes a reference to under. NULL when memory is gone. */
struct weft_arena *weft_arena_try_new_over(struct weft_arena *under, size_t first_bytes) WEFT_MUST_CHECK;

struct weft_arena *weft_arena_ref(struct weft_arena *arena);

/* Drops the caller's reference and sets *own_arena to NULL; NULL is allowed. */
void weft_arena_unref(struct weft_arena **own_arena);

/* Uninitialised, aligned for any type; NULL when memory is gone. */
void *weft_arena_try_alloc(struct weft_arena *arena, size_t size_bytes) WEFT_MUST_CHECK;

/* The same for bytes, unaligned and so without gaps. */
uint8_t *weft_arena_try_bytes(struct weft_arena *arena, size_t size_bytes) WEFT_MUST_CHECK;

/* Asks for the memory that the next so many bytes will be taken from, for who fills one run after the other. */
void weft_arena_look_ahead(const struct weft_arena *arena, size_t size_bytes);

/* What weft_arena_try_alloc uses of a chunk for that many bytes: for first_bytes. */
static inline size_t weft_arena_aligned_bytes(size_t size_bytes)
{
    size_t alignment = _Alignof(max_align_t);
    return (size_bytes + alignment - 1) / alignment * alignment;
}

/* What was handed out of the chunk that holds this byte, of this arena or of one under it; empty if none does. Bytes
 * that were handed out one after the other lie side by side in it. Any pointer may be asked about. */
struct weft_slice weft_arena_neighbours(const struct weft_arena *arena, const uint8_t *byte);

/* Bytes held from the heap, without what lies under it. */
size_t weft_arena_size_bytes(const struct weft_arena *arena);
