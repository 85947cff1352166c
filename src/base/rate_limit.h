#pragma once

#include "base/clock.h"
#include "base/thread.h"

/* Rates that several threads draw on, without locks. All zero but for the rates is a new one. */

/* A token bucket, full at first: one number says when it will be full again [generic cell rate algorithm, ITU-T
 * I.371]. A rate of 0 or less never refills. Amounts over the burst never pass. A burst that takes more than 9 years to
 * refill is taken for one of 9 years. */
struct weft_token_bucket {
    double per_second, burst;
    struct weft_atomic_u64 full_at; /* monotonic, in 1/16 ns; without a rate: what was taken */
    struct weft_atomic_u64 latest;  /* the latest time that anyone gave: who is behind has the same */
};

/* Takes the amount if it is there. Any thread; a now behind that of others counts as theirs. */
bool weft_token_bucket_take(struct weft_token_bucket *bucket, struct weft_monotonic now, uint64_t amount);

/* A count that begins anew with each second. */
struct weft_second_count {
    struct weft_atomic_u64 second_and_count; /* 32 bits each */
};

/* Adds the amount if the second's count stays within the limit. Any thread; who still has the second before the counted
 * one is counted in that. */
bool weft_second_count_add(struct weft_second_count *count, uint64_t second, uint64_t amount, uint64_t limit);
