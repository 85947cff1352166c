/* Seeded hash (hash.h): the home of xxhash. */
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

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
