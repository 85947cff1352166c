#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A span_id is a number, big endian. Unique mode: the sequence number of the span, each sent once, so that one bit per
 * span says whether it was seen; bit 62 is set, since an id of zeros is no id. Cycled mode (compressed requests made
 * beforehand): the top bit is set and the number is the span's place in the set; each repeat of the set is one more
 * generation, and a counter per place says how many generations arrived. */
#define BENCH_SEQUENCE_CYCLED (UINT64_C(1) << 63)
#define BENCH_SEQUENCE_UNIQUE (UINT64_C(1) << 62)
#define BENCH_SEQUENCE_MASK   ((UINT64_C(1) << 40) - 1)

static inline void bench_store_u64_be(uint8_t *bytes, uint64_t value)
{
    value = __builtin_bswap64(value);
    __builtin_memcpy(bytes, &value, sizeof value);
}

static inline uint64_t bench_load_u64_be(const uint8_t *bytes)
{
    uint64_t value;
    __builtin_memcpy(&value, bytes, sizeof value);
    return __builtin_bswap64(value);
}

static inline void bench_store_u64_le(uint8_t *bytes, uint64_t value)
{
    __builtin_memcpy(bytes, &value, sizeof value);
}
