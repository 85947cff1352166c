/* Token bucket and count by second (rate_limit.h): one compare-and-swap each. */
#include "base/rate_limit.h"

/* Of a nanosecond: 18 years of them fit. */
#define UNITS    16
#define DEBT_MAX ((double)(INT64_C(1) << 62))

/* How long the bucket needs until it is full. */
static double debt_of(uint64_t full_at, uint64_t now)
{
    return full_at > now ? (double)(full_at - now) : 0;
}

static bool take_without_rate(struct weft_token_bucket *bucket, uint64_t amount)
{
    uint64_t taken = weft_atomic_load(&bucket->full_at);
    do {
        if ((double)taken + (double)amount > bucket->burst) {
            return false;
        }
    } while (!weft_atomic_replace(&bucket->full_at, &taken, taken + amount));
    return true;
}

static uint64_t latest_of(struct weft_token_bucket *bucket, uint64_t now)
{
    uint64_t latest = weft_atomic_load(&bucket->latest);
    while (now > latest && !weft_atomic_replace(&bucket->latest, &latest, now)) {
    }
    return now > latest ? now : latest;
}

bool weft_token_bucket_take(struct weft_token_bucket *bucket, struct weft_monotonic now, uint64_t amount)
{
    if ((double)amount > bucket->burst) {
        return false;
    }
    if (bucket->per_second <= 0) {
        return take_without_rate(bucket, amount);
    }
    double token_units = (double)WEFT_NS_PER_S * UNITS / bucket->per_second;
    double burst_units = bucket->burst * token_units < DEBT_MAX ? bucket->burst * token_units : DEBT_MAX;
    uint64_t now_units = latest_of(bucket, (uint64_t)now.ns * UNITS);
    uint64_t full_at = weft_atomic_load(&bucket->full_at);
    uint64_t next;
    do {
        double debt = debt_of(full_at, now_units) + (double)amount * token_units;
        if (debt > burst_units) {
            return false;
        }
        next = now_units + (uint64_t)debt;
    } while (!weft_atomic_replace(&bucket->full_at, &full_at, next));
    return true;
}

bool weft_second_count_add(struct weft_second_count *count, uint64_t second, uint64_t amount, uint64_t limit)
{
    uint64_t known = weft_atomic_load(&count->second_and_count);
    uint64_t next;
    second &= UINT32_MAX;
    do {
        uint64_t counted = known >> 32;
        uint64_t wanted = ((second + 1) & UINT32_MAX) == counted ? counted : second;
        uint64_t before = counted == wanted ? known & UINT32_MAX : 0;
        if (amount > UINT32_MAX || before + amount > limit || before + amount > UINT32_MAX) {
            return false;
        }
        next = wanted << 32 | (before + amount);
    } while (!weft_atomic_replace(&count->second_and_count, &known, next));
    return true;
}
