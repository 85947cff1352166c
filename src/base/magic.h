#pragma once

#include "base/assert.h"

/* A number per kind at a fixed place in an object, for what comes back as a void pointer, out of a list or from a
 * member's address: a wrong kind, an object that is gone or one that was never made ends at the cast, not far behind.
 * One comparison, on in release. A kind is declared beside its struct, which has a `uint32_t magic`:
 *
 *     WEFT_MAGIC(payload, 0x7061796c);
 *
 * whoever makes the object sets it, whoever frees it clears it first, and everyone in between may check. */
#define WEFT_MAGIC(kind, number) enum { weft_magic_##kind = (number) }

#define weft_set_magic(object, kind)   ((void)((object)->magic = weft_magic_##kind))
#define weft_clear_magic(object, kind) (weft_check_magic(object, kind), (void)((object)->magic = 0))
#define weft_check_magic(object, kind) weft_assert((object) != NULL && (object)->magic == weft_magic_##kind)
