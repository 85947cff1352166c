#pragma once

#include "base/thread.h"

/* What weft has reserved from memory, in bytes, over all workers: the number that memory_limiter compares. A charge
 * is one atomic add per buffer, never per record. Any thread. */
struct weft_budget {
    struct weft_atomic_u64 reserved_bytes;
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
