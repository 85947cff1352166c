#pragma once

#include "ottl/value.h"

/* Many members for a map at once, in n log n steps however many they are: append them all, and settle. */
enum weft_ottl_settle {
    WEFT_OTTL_INSERT, /* what is there stays */
    WEFT_OTTL_UPDATE, /* only what is there is replaced */
    WEFT_OTTL_UPSERT,
};

/* The members from `before` on were appended. Of a key that is in the map already the first member counts; of a key
 * that was appended several times, the last value. A replaced member keeps its place. WEFT_NOMEM leaves them appended.
 */
enum weft_status weft_ottl_map_settle(struct weft_entry_memory *memory, struct weft_ottl_map *map, size_t before,
                                      enum weft_ottl_settle settle) WEFT_MUST_CHECK;
