#pragma once

#include "pipeline/batch.h"
#include "processors/filter_rules.h"

/* Asking the conditions about the records of a batch. The batch is only read; what is to be done with it is in the
 * selections, and by which condition in the notes. One worker. */
struct weft_filter_note {
    struct weft_slice service; /* of the resource; a copy */
    uint32_t condition;
    uint64_t count; /* records; of metrics data points */
};

struct weft_filter_look {
    const struct weft_filter_signal_rules *rules;
    enum weft_signal signal;
    const char *id;
    struct weft_ottl_run run;

    /* What was found in the batch. */
    struct weft_selection dropped; /* records that go as a whole */
    struct weft_selection divided; /* records out of which items go: span events, data points */
    struct weft_filter_note *notes;
    size_t note_count, note_capacity;
    uint64_t event_count; /* that go */
    uint64_t error_count; /* of all batches */
    /* All conditions of records, in the order in which they are asked, if all are brief and nothing is asked of items;
     * else NULL. */
    struct weft_ottl_briefs *briefs;
    uint32_t *brief_conditions; /* which one each is */

    bool has_purse;          /* what conditions take in a batch is bounded, too: none is asked twice */
    uint64_t purse;          /* steps that are left for it */
    const bool *is_given_up; /* then looking ends with WEFT_CLOSED; NULL: never */

    /* What is known of the resource and the scope that were looked at last; -1 = kept, else a condition. */
    struct weft_slice resource_x, scope_x;
    int64_t *resource_verdicts, *scope_verdicts; /* by group */
    bool is_kept;                                /* all of them say so */
    uint64_t *counts;                            /* by condition: dropped of this resource */
    struct weft_entry_memory services;

    /* Of one record. */
    struct weft_selection items; /* events or points that go, in the order of the record as it came */
    struct weft_buffer rebuilt;  /* the record without them, for the next group */
};

enum weft_status weft_filter_look_init(struct weft_filter_look *look, const struct weft_filter_signal_rules *rules,
                                       enum weft_signal signal, const char *id,
                                       struct weft_error *error) WEFT_MUST_CHECK;
void weft_filter_look_fini(struct weft_filter_look *look);

/* WEFT_INVALID: a condition failed that says propagate. WEFT_NOMEM. Says how far it is (base/work.h), from condition to
 * condition. */
enum weft_status weft_filter_look_at(struct weft_filter_look *look, const struct weft_batch *batch,
                                     struct weft_error *error) WEFT_MUST_CHECK;

/* Asks again about one row that is divided: look->items has what goes then. */
enum weft_status weft_filter_look_again(struct weft_filter_look *look, const struct weft_otlp_table *table,
                                        const struct weft_otlp_record *row, struct weft_error *error) WEFT_MUST_CHECK;
