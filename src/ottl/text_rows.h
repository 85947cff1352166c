#pragma once

#include "ottl/value.h"

/* Rows of separated values, and pairs of keys and values, as the Collector reads them. What they make borrows from the
 * text and from memory. WEFT_INVALID says why; WEFT_NOMEM. */

enum weft_ottl_quotes {
    WEFT_OTTL_QUOTES_STRICT,
    WEFT_OTTL_QUOTES_LAZY, /* one in the middle of a value is a part of it */
};

/* The values of a row. Further lines go on where the one before ended: their first value continues its last. */
enum weft_status weft_ottl_read_csv(struct weft_slice row, uint32_t delimiter, enum weft_ottl_quotes quotes,
                                    struct weft_entry_memory *memory, struct weft_ottl_list *list,
                                    struct weft_error *error) WEFT_MUST_CHECK;

/* What stands between delimiters, of which one at least has a byte; an empty delimiter cuts between characters. */
enum weft_status weft_ottl_split(struct weft_slice text, struct weft_slice delimiter, struct weft_entry_memory *memory,
                                 struct weft_ottl_list *list) WEFT_MUST_CHECK;

/* key=value pairs; quotes keep delimiters together and go. */
enum weft_status weft_ottl_read_pairs(struct weft_slice text, struct weft_slice delimiter,
                                      struct weft_slice pair_delimiter, struct weft_entry_memory *memory,
                                      struct weft_ottl_map *map, struct weft_error *error) WEFT_MUST_CHECK;
