/* Seeded hash (hash.h): the home of xxhash. */
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string.h>

#include "base/random.h"

void weft_hash_secret_init(struct weft_hash_secret *secret)
{
    weft_random_bytes(secret->bytes, sizeof secret->bytes);
}

uint64_t weft_hash(const struct weft_hash_secret *secret, struct weft_slice bytes)
{
    return XXH3_64bits_withSecret(bytes.length == 0 ? secret->bytes : bytes.bytes, bytes.length, secret->bytes,
                                  sizeof secret->bytes);
}

void weft_hash_wide(const struct weft_hash_secret *secret, struct weft_slice bytes,
                    uint8_t out_hash[WEFT_WIDE_HASH_BYTES])
{
    XXH128_hash_t hash = XXH3_128bits_withSecret(bytes.length == 0 ? secret->bytes : bytes.bytes, bytes.length,
                                                 secret->bytes, sizeof secret->bytes);
    memcpy(out_hash, &hash.low64, sizeof hash.low64);
    memcpy(out_hash + sizeof hash.low64, &hash.high64, sizeof hash.high64);
}

uint64_t weft_hash_xxh3(struct weft_slice bytes)
{
    return XXH3_64bits(bytes.bytes, bytes.length);
}

uint64_t weft_hash_xxh128(struct weft_slice bytes, uint64_t *out_high)
{
    XXH128_hash_t hash = XXH3_128bits(bytes.bytes, bytes.length);
    *out_high = hash.high64;
    return hash.low64;
}
