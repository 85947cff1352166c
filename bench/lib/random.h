#pragma once

#include <stdint.h>

/* splitmix64: the same numbers for the same seed on every machine, so that a run can be repeated byte for byte. */
static inline uint64_t bench_mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

struct bench_random {
    uint64_t state;
};

uint64_t bench_random_next(struct bench_random *random);

/* 0 .. bound - 1. */
uint64_t bench_random_below(struct bench_random *random, uint64_t bound);
