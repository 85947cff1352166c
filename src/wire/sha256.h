#pragma once

#include "base/slice.h"

enum { WEFT_SHA256_BYTES = 32 };

/* SHA-256 (FIPS 180-4) of a short text. */
void weft_sha256(struct weft_slice text, uint8_t out_digest[WEFT_SHA256_BYTES]);
