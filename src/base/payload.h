#pragma once

#include "base/budget.h"
#include "base/magic.h"
#include "base/slice.h"
#include "base/status.h"

/* A payload is one counted run of bytes: filled once by whoever receives it, immutable from the first
 * weft_payload_ref or hand-over on. One worker only; the count is not atomic.
 *
 * Its block comes from the worker's pool and goes back there, because fresh pages cost more than the bytes they
 * carry (first-touch faults). The pool keeps at most max_idle_bytes, and nothing while that and what is reserved are
 * above the budget's limit; the rest goes back to the system. The budget is charged with what is resident, never with
 * an empty capacity: the pages of the bytes that arrived, or as many as the block had from its earlier uses. */
struct weft_payload_pool;

WEFT_MAGIC(payload, 0x50a71d0e);

struct weft_payload {
    uint32_t magic;
    uint32_t references;
    uint8_t *bytes;
    size_t length;
    size_t capacity;
    size_t resident; /* bytes at the block's start that have ever been written, in whole pages where the block has
                        them: what the budget is charged with */
    struct weft_payload_pool *pool;
    struct weft_payload *next_idle; /* in the pool only */
};

/* budget outlives the pool. */
struct weft_payload_pool *weft_payload_pool_new(struct weft_budget *budget, size_t max_idle_bytes);

/* The calling thread is the pool's owner from now on: blocks are taken, counted and given back there only, which is
 * asserted. Until this is called the owner is the thread that takes the first block. For a worker that was built on
 * one thread and runs on another: the former owner must not use it meanwhile. */
void weft_payload_pool_own(struct weft_payload_pool *pool);

/* All payloads must be back. */
void weft_payload_pool_free(struct weft_payload_pool *pool);

/* Gives back those idle blocks that nobody has needed since the last call: of each size the fewest that lay there in
 * between. To be called every few seconds. Returns how many bytes that were. */
size_t weft_payload_pool_age(struct weft_payload_pool *pool);

/* Gives idle blocks back to the system (idle timer, memory pressure). */
void weft_payload_pool_trim(struct weft_payload_pool *pool);

/* Empty, with room for capacity bytes and one reference; NULL when memory is gone. */
struct weft_payload *weft_payload_try_new(struct weft_payload_pool *pool, size_t capacity) WEFT_MUST_CHECK;

/* Moves the contents to a block with room for capacity bytes if there is not enough. WEFT_NOMEM changes nothing. */
enum weft_status weft_payload_reserve(struct weft_payload *payload, size_t capacity) WEFT_MUST_CHECK;

/* Counts length bytes, already written at bytes + length, as part of the payload, and charges them. */
void weft_payload_commit(struct weft_payload *payload, size_t length);

/* So many bytes from the block's start have been written, committed or not: they are resident from now on. */
void weft_payload_note_written(struct weft_payload *payload, size_t length);

/* Copies bytes to the end; the room must have been reserved. */
void weft_payload_append(struct weft_payload *payload, const void *bytes, size_t length);

struct weft_payload *weft_payload_ref(struct weft_payload *payload);

/* Drops the caller's reference and sets *own_payload to NULL; NULL is allowed. */
void weft_payload_unref(struct weft_payload **own_payload);

/* What its bytes are charged to. */
struct weft_budget *weft_payload_budget(const struct weft_payload *payload);

static inline struct weft_slice weft_payload_slice(const struct weft_payload *payload)
{
    return (struct weft_slice){ payload->bytes, payload->length };
}
