#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Go's time.ParseDuration: [-+] then numbers with units (ns, us, µs, ms, s, m, h), fractions allowed; or "0".
 * False when the text is none, or does not fit int64 nanoseconds. */
bool weft_duration_parse(const char *text, int64_t *out_ns) WEFT_MUST_CHECK;
