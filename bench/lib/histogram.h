#pragma once

#include <stdint.h>

/* Latencies in nanoseconds, log-linear: 64 steps per power of two, so a percentile is right within 1.6 %. */
enum { BENCH_HISTOGRAM_STEPS = 64, BENCH_HISTOGRAM_BUCKETS = 64 * 44 };

struct bench_histogram {
    uint64_t counts[BENCH_HISTOGRAM_BUCKETS];
    uint64_t count;
    int64_t max_ns;
};

void bench_histogram_add(struct bench_histogram *histogram, int64_t value_ns);

/* The value below which the fraction (0..1) of all values lie; 0 when empty. */
int64_t bench_histogram_quantile_ns(const struct bench_histogram *histogram, double fraction);
