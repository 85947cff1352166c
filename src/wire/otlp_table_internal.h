#pragma once

#include "base/assert.h"
#include "wire/otlp_table.h"
#include "wire/wire_scan.h"

/* Takes room for so many rows from arena; the table's counts of them stay as they are. WEFT_NOMEM only. */
enum weft_status weft_otlp_table_take_rows(struct weft_otlp_table *table, const struct weft_otlp_counts *counts,
                                           struct weft_arena *arena) WEFT_MUST_CHECK;

/* The short way for rows, of which there are many one after the other: true if the next field is one, with its tag in
 * one byte; the reader is then past it. The bytes passed the check. */
static inline bool weft_otlp_next_row(struct weft_wire_reader *reader, uint32_t number, struct weft_slice *out_row)
{
    uint32_t length;
    if (reader->at >= reader->end || *reader->at != (number << 3 | WEFT_WIRE_BYTES)) {
        return false;
    }
    const uint8_t *contents = weft_wire_read_small(reader->at + 1, reader->end, &length);
    weft_assert(contents != NULL && length <= (size_t)(reader->end - contents));
    *out_row = weft_slice_of(contents, length);
    reader->at = contents + length;
    return true;
}
