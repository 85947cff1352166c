/* Log-linear latency histogram: fixed memory, no allocation while running. */
#include "lib/histogram.h"

static unsigned bucket_of(uint64_t value)
{
    if (value < BENCH_HISTOGRAM_STEPS) {
        return (unsigned)value;
    }
    unsigned exponent = 63u - (unsigned)__builtin_clzll(value); /* >= 6 */
    unsigned bucket =
        (exponent - 5) * BENCH_HISTOGRAM_STEPS + (unsigned)(value >> (exponent - 6)) - BENCH_HISTOGRAM_STEPS;
    return bucket < BENCH_HISTOGRAM_BUCKETS ? bucket : BENCH_HISTOGRAM_BUCKETS - 1;
}

static int64_t value_of(unsigned bucket)
{
    if (bucket < BENCH_HISTOGRAM_STEPS) {
        return bucket;
    }
    unsigned exponent = bucket / BENCH_HISTOGRAM_STEPS + 5;
    uint64_t step = bucket % BENCH_HISTOGRAM_STEPS + BENCH_HISTOGRAM_STEPS;
    return (int64_t)(step << (exponent - 6));
}

void bench_histogram_add(struct bench_histogram *histogram, int64_t value_ns)
{
    if (value_ns < 0) {
        value_ns = 0;
    }
    histogram->counts[bucket_of((uint64_t)value_ns)]++;
    histogram->count++;
    if (value_ns > histogram->max_ns) {
        histogram->max_ns = value_ns;
    }
}

int64_t bench_histogram_quantile_ns(const struct bench_histogram *histogram, double fraction)
{
    uint64_t rank = (uint64_t)(fraction * (double)histogram->count);
    uint64_t below = 0;
    for (unsigned i = 0; i < BENCH_HISTOGRAM_BUCKETS; i++) {
        below += histogram->counts[i];
        if (below > rank) {
            return value_of(i);
        }
    }
    return histogram->max_ns;
}
