/* Repeatable random numbers for payload contents. */
#include "lib/random.h"

uint64_t bench_random_next(struct bench_random *random)
{
    uint64_t value = bench_mix(random->state);
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return value;
}

uint64_t bench_random_below(struct bench_random *random, uint64_t bound)
{
    return bound == 0 ? 0 : bench_random_next(random) % bound;
}
