#pragma once

#include "base/slice.h"
#include "base/status.h"

/* Memory that lives and dries up together: chunks of 16 KiB (larger on demand), freed at the last unref. Counted, not
 * locked: one worker only. What is handed out is never moved, so several batches may share one arena. */
struct weft_arena;

/* NULL when memory is gone. */
struct weft_arena *weft_arena_try_new(void) WEFT_MUST_CHECK;
struct weft_arena *weft_arena_ref(struct weft_arena *arena);

/* Drops the caller's reference and sets *own_arena to NULL; NULL is allowed. */
void weft_arena_unref(struct weft_arena **own_arena);

/* Uninitialised, aligned for any type; NULL when memory is gone. */
void *weft_arena_try_alloc(struct weft_arena *arena, size_t size_bytes) WEFT_MUST_CHECK;

/* The same for bytes, unaligned and so without gaps. */
uint8_t *weft_arena_try_bytes(struct weft_arena *arena, size_t size_bytes) WEFT_MUST_CHECK;

/* Bytes held from the heap. */
size_t weft_arena_size_bytes(const struct weft_arena *arena);
