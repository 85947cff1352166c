#pragma once

#include "base/same_text.h"
#include "base/slice.h"

/* The keys of attributes that texts name which are asked about the same records. They are numbered while the texts are
 * compiled, so that one walk over a record's attributes finds the values of all of them (slots.h).
 *
 * A key takes part if it is written in the text, short and UTF-8, and if there is room; another one is looked for when
 * it is asked for. The keys lie in the programs that name them: once one could not be compiled, nothing may be added.
 */
enum { WEFT_OTTL_MAX_SOUGHT = 64, WEFT_OTTL_MAX_SOUGHT_BYTES = 127 };

/* All zero is empty. */
struct weft_ottl_sought {
    uint32_t fields;   /* bit n: texts name field n of their records, or have it looked at otherwise */
    bool looks_around; /* texts name what is not in their records, but around them */
    uint8_t count;
    uint8_t by_length[WEFT_OTTL_MAX_SOUGHT_BYTES + 1]; /* 1 + the number of a key that is so long; 0 = none */
    uint8_t next[WEFT_OTTL_MAX_SOUGHT + 1];            /* by 1 + a number: the same of another one of the same length */
    const uint8_t *first[WEFT_OTTL_MAX_SOUGHT + 1];    /* by 1 + a number: the key's bytes */
    struct weft_slice keys[WEFT_OTTL_MAX_SOUGHT];
};

/* False: it takes no part. */
bool weft_ottl_sought_add(struct weft_ottl_sought *sought, struct weft_slice key, uint8_t *out_number);

/* Whether it is one of them; a key of up to WEFT_OTTL_MAX_SOUGHT_BYTES. */
static inline bool weft_ottl_sought_find(const struct weft_ottl_sought *sought, const uint8_t *key, size_t length,
                                         uint8_t *out_number)
{
    for (size_t next = sought->by_length[length]; next != 0; next = sought->next[next]) {
        if (weft_is_same_text(sought->first[next], key, length)) {
            *out_number = (uint8_t)(next - 1);
            return true;
        }
    }
    return false;
}
