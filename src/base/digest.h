#pragma once

#include "base/slice.h"
#include "base/status.h"

/* Cryptographic digests, plain or keyed (HMAC, RFC 2104). */
enum weft_digest_kind {
    WEFT_DIGEST_MD5,
    WEFT_DIGEST_SHA1,
    WEFT_DIGEST_SHA256,
    WEFT_DIGEST_SHA512,
    WEFT_DIGEST_SHA3_256,
};

enum { WEFT_DIGEST_MAX_BYTES = 64, WEFT_DIGEST_MAX_HEX = 2 * WEFT_DIGEST_MAX_BYTES };

/* Made once, used for any number of texts by one thread, which costs no memory. */
struct weft_digest;

/* key NULL: plain. The key is copied, and wiped when the digest is freed. WEFT_NOMEM; WEFT_UNSUPPORTED for a kind that
 * this machine's library refuses. */
enum weft_status weft_digest_new(enum weft_digest_kind kind, const struct weft_slice *key,
                                 struct weft_digest **out_digest, struct weft_error *error) WEFT_MUST_CHECK;
void weft_digest_free(struct weft_digest **own_digest);

/* Returns how many bytes there are; 0 if the library failed. */
size_t weft_digest_compute(struct weft_digest *digest, struct weft_slice text,
                           uint8_t out_bytes[WEFT_DIGEST_MAX_BYTES]);

/* The same in lower-case hex digits, without an end. */
size_t weft_digest_compute_hex(struct weft_digest *digest, struct weft_slice text, char out_text[WEFT_DIGEST_MAX_HEX]);
