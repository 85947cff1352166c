#pragma once

#include "pipeline/edit.h"
#include "processors/filter_look.h"

/* Items leave the records that were found to be divided (filter_look.h). A span is written anew without the events
 * that go. A metric becomes two, side by side, one with the points that stay and one with those that go, so that all
 * that is dropped leaves as records. *out_dropped: what is to be removed of the batch as it is then; begun here.
 * WEFT_NOMEM, and what the conditions say when they are asked again. */
enum weft_status weft_filter_divide(struct weft_filter_look *look, struct weft_edit *edit,
                                    struct weft_selection *out_dropped, struct weft_error *error) WEFT_MUST_CHECK;
