#pragma once

#include "pipeline/stage.h"
#include "wire/otlp_table_selection.h"

/* Sharing a batch out among the workers that own its records.
 *
 * Home, the worker where the batch came in, takes its own records at once and lends the batch to each other owner, with
 * the list of the records that are that owner's: one mail each. While it is lent nobody edits, merges, splits, clones
 * or ends it; owners read it at the same time, copy what is theirs and hand it back. When the last one has, home
 * settles the batch's tickets and ends it.
 *
 * Books: home in_flight -> in_transit when it lends, the owner in_transit -> buffered before it takes, each in its own
 * cells; a batch that comes back unread goes in_transit -> in_flight -> dropped(reload). Behind the face nothing is
 * refused: an owner takes a record or books it dropped, and its ticket then fails retryably. For traces and logs, whose
 * records weigh one each. */
struct weft_share_operations {
    /* The worker that owns the record, by its bytes and the rules: called where the batch came in. */
    uint32_t (*owner_of)(const struct weft_stage *stage, enum weft_signal signal, struct weft_slice record);

    /* The owner's: copies the selected records. They are booked as held already. One that is not taken is booked from
     * held to dropped by the component, and added to out_dropped (begun, nothing selected). */
    void (*take)(struct weft_stage *stage, struct weft_stage_outlet *outlet, const struct weft_batch *batch,
                 const struct weft_selection *records, struct weft_selection *out_dropped);
};

/* For weft_stage_operations.consume. WEFT_NOMEM: nothing has happened. */
enum weft_status weft_share_out(struct weft_stage_outlet *outlet, const struct weft_share_operations *operations,
                                struct weft_batch **own_batch, struct weft_error *error) WEFT_MUST_CHECK;
