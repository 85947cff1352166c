#pragma once

#include "base/arena.h"
#include "wire/otlp_table.h"

/* Data of a metric that came in pieces, as no encoder writes it and every decoder reads it: statements and conditions
 * look at one message, so the pieces become one, and what is of another kind before them goes, which protobuf has it
 * lose. As many data points as the table counted are there then. WEFT_NOMEM only. */
enum weft_status weft_metric_unite(struct weft_otlp_table *table, struct weft_arena *arena) WEFT_MUST_CHECK;

bool weft_metric_is_in_pieces(struct weft_slice metric);
