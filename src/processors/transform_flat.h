#pragma once

#include "wire/otlp_table.h"

/* flatten_data of a transform of logs: each record has a resource and a scope of its own while the statements run, so
 * that what one of them writes there is not seen by the next record. Headers are bytes of the request or of an arena,
 * and those that stay the same stay one; nothing of them is copied. */

/* Of headers, each as often as there are records under it, and of rows for them. */
enum { WEFT_TRANSFORM_MAX_FLAT_BYTES = 64 << 20 };

/* WEFT_LIMIT: they would be more, to be looked at and written one by one; WEFT_NOMEM. Then the table is as it was. */
enum weft_status weft_transform_flatten(struct weft_otlp_table *table, struct weft_arena *arena,
                                        struct weft_error *error) WEFT_MUST_CHECK;

/* Records whose resources, and scopes, are the same bytes have them in common again, in the order in which the first of
 * them came. WEFT_NOMEM only. */
enum weft_status weft_transform_regroup(struct weft_otlp_table *table, struct weft_arena *arena) WEFT_MUST_CHECK;
