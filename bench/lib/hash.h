#pragma once

/* The one definition of the hashes on which generator and sink must agree. */
#define XXH_INLINE_ALL
#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

#include "lib/random.h"

static inline uint64_t bench_hash(const uint8_t *bytes, size_t length)
{
    return XXH3_64bits(bytes, length);
}

/* resource and scope are hashes of the Resource and InstrumentationScope messages (0 when absent). */
static inline uint64_t bench_hash_surroundings(uint64_t resource, uint64_t scope)
{
    return bench_mix(resource) ^ bench_mix(scope + 1);
}

static inline uint64_t bench_hash_in_tree(uint64_t span, uint64_t surroundings)
{
    return (span ^ surroundings) * UINT64_C(0x9e3779b97f4a7c15);
}
