#pragma once

#include "base/thread.h"

/* A limit that someone has set for a budget; the lowest one counts. */
struct weft_budget_limit {
    uint64_t bytes;
    struct weft_budget_limit *next;
};

/* What weft has reserved from memory, in bytes, over all workers: the number that memory_limiter compares. A charge
 * is one atomic add per buffer, never per record. Any thread. All zero is an empty one without limits. */
struct weft_budget {
    struct weft_atomic_u64 reserved_bytes;
    struct weft_atomic_u64 limit_bytes; /* the lowest; 0 = none */
    struct weft_budget_limit *limits;
};

static inline void weft_budget_charge(struct weft_budget *budget, size_t size_bytes)
{
    weft_atomic_add(&budget->reserved_bytes, size_bytes);
}

static inline void weft_budget_release(struct weft_budget *budget, size_t size_bytes)
{
    weft_atomic_sub(&budget->reserved_bytes, size_bytes);
}

static inline uint64_t weft_budget_reserved(const struct weft_budget *budget)
{
    return weft_atomic_load(&budget->reserved_bytes);
}

/* The limit stays the caller's, and in place until it is removed. */
void weft_budget_add_limit(struct weft_budget *budget, struct weft_budget_limit *limit);
void weft_budget_remove_limit(struct weft_budget *budget, struct weft_budget_limit *limit);

/* UINT64_MAX when there is none. */
static inline uint64_t weft_budget_limit(const struct weft_budget *budget)
{
    uint64_t bytes = weft_atomic_load(&budget->limit_bytes);
    return bytes == 0 ? UINT64_MAX : bytes;
}

/* More is reserved than the limit and an eighth: whoever kept to the limit stopped long before, so what has to go now
 * are things that others still fill. */
static inline bool weft_budget_is_overdrawn(const struct weft_budget *budget)
{
    uint64_t limit = weft_budget_limit(budget);
    return limit != UINT64_MAX && weft_budget_reserved(budget) > limit + limit / 8;
}

/* Of wanted_bytes as many as one use among several may take: half of the limit. */
static inline size_t weft_budget_share(const struct weft_budget *budget, size_t wanted_bytes)
{
    uint64_t half = weft_budget_limit(budget) / 2;
    return half < wanted_bytes ? (size_t)half : wanted_bytes;
}
