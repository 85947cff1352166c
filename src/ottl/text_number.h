#pragma once

#include "base/buffer.h"

/* Numbers as Go's strconv writes and reads them. */

/* The fewest digits that read back as the same number, as %g and %e of fmt with no precision. */
void weft_ottl_put_shortest(struct weft_buffer *out, double value, char verb);

/* As strconv.ParseInt: base 0 goes by the prefix (0x, 0o, 0b, 0) and takes underscores. False: no such number. */
bool weft_ottl_read_int(struct weft_slice text, int64_t base, int64_t *out_value);
