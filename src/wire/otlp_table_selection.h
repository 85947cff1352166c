#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Some of the records of a batch or of a table: a bit for each, in their order. For metrics a record is a Metric with
 * all its data points. Made for filters and samplers that ask record after record, keep one selection and begin it
 * anew for each batch: it grows with the largest batch (one bit a record) and takes no memory otherwise. All zero is
 * an empty one. */
struct weft_selection {
    uint64_t *words;
    size_t count;    /* records, selected or not */
    size_t capacity; /* of words */
};

/* Of so many records none. WEFT_NOMEM changes nothing. */
enum weft_status weft_selection_begin(struct weft_selection *selection, size_t count) WEFT_MUST_CHECK;
void weft_selection_fini(struct weft_selection *selection);

static inline void weft_selection_add(struct weft_selection *selection, size_t index)
{
    selection->words[index / 64] |= (uint64_t)1 << index % 64;
}

static inline bool weft_selection_has(const struct weft_selection *selection, size_t index)
{
    return (selection->words[index / 64] >> index % 64 & 1) != 0;
}

/* What was selected is not and the other way round. */
void weft_selection_invert(struct weft_selection *selection);

/* How many of first .. end - 1 are selected. */
size_t weft_selection_count(const struct weft_selection *selection, size_t first, size_t end);

/* The first selected one of first .. end - 1; end if there is none. */
size_t weft_selection_next(const struct weft_selection *selection, size_t first, size_t end);
