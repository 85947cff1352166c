#pragma once

#include "base/slice.h"

/* XXH3 over a secret of 192 random bytes: whoever does not know the secret cannot choose keys that collide. One for
 * the process, from the kernel; tests make their own. */
struct weft_hash_secret {
    uint8_t bytes[192];
};

void weft_hash_secret_init(struct weft_hash_secret *secret);

enum { WEFT_WIDE_HASH_BYTES = 16 };

uint64_t weft_hash(const struct weft_hash_secret *secret, struct weft_slice bytes);

/* Without a secret, for hashes that others are to compute, too: XXH3, and XXH128 as its low and high word. */
uint64_t weft_hash_xxh3(struct weft_slice bytes);
uint64_t weft_hash_xxh128(struct weft_slice bytes, uint64_t *out_high);

/* So wide that two of it are equal only if the bytes were. */
void weft_hash_wide(const struct weft_hash_secret *secret, struct weft_slice bytes,
                    uint8_t out_hash[WEFT_WIDE_HASH_BYTES]);
