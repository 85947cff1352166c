#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Sizes as the Collector's log operators write them: a number, perhaps with a fraction, and perhaps a unit of k, m, g,
 * t, p with b (of 1000) or ib (of 1024), in any case. False: it is none, or does not fit int64. */
bool weft_byte_size_parse(const char *text, uint64_t *out_bytes) WEFT_MUST_CHECK;
