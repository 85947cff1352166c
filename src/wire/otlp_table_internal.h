#pragma once

#include "wire/otlp_table.h"

/* Takes room for so many rows from arena; the table's counts of them stay as they are. WEFT_NOMEM only. */
enum weft_status weft_otlp_table_take_rows(struct weft_otlp_table *table, const struct weft_otlp_counts *counts,
                                           struct weft_arena *arena) WEFT_MUST_CHECK;
