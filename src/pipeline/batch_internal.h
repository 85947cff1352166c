#pragma once

#include "pipeline/batch.h"

/* What the files about batches share: batches and parts in the making. */

/* Without parts, with room for one. NULL when memory is gone. */
/* For records of that batch: with its metadata. */
struct weft_batch *weft_batch_try_new_like(const struct weft_batch *batch) WEFT_MUST_CHECK;
struct weft_batch *weft_batch_try_new_empty(struct weft_budget *budget, enum weft_signal signal) WEFT_MUST_CHECK;

/* Frees a batch whose parts are elsewhere; NULL is allowed. */
void weft_batch_free_empty(struct weft_batch *batch);

/* WEFT_NOMEM changes nothing. */
enum weft_status weft_batch_reserve_parts(struct weft_batch *batch, size_t part_count) WEFT_MUST_CHECK;

/* Appends the part and counts it; the room has been reserved. */
void weft_batch_push_part(struct weft_batch *batch, const struct weft_part *part);

/* Gives up the part's references. */
void weft_part_release(struct weft_part *part);

/* The table of a part that is whole, in an arena of its own, which is the caller's; visitor: see wire/otlp_table.h, or
 * NULL. WEFT_NOMEM, or what the visitor said, changes nothing. */
enum weft_status weft_part_try_build(const struct weft_batch *batch, const struct weft_part *part,
                                     const struct weft_otlp_row_visitor *visitor, struct weft_arena **out_arena,
                                     struct weft_otlp_table *out_table) WEFT_MUST_CHECK;

/* Opens the part if it is whole. WEFT_NOMEM changes nothing. */
enum weft_status weft_part_open(const struct weft_batch *batch, struct weft_part *part) WEFT_MUST_CHECK;
