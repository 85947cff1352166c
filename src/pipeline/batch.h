#pragma once

#include "base/arena.h"
#include "base/compression.h"
#include "base/list.h"
#include "base/magic.h"
#include "base/payload.h"
#include "ledger/ledger.h"
#include "pipeline/metadata.h"
#include "pipeline/ticket.h"
#include "wire/otlp_table.h"

/* A batch is what consumers pass on: parts, each a checked request (or a piece of one) over a counted payload.
 *
 * A part is *whole* while nobody edited or split it: its bytes are the payload's, and merging is putting parts side by
 * side, since protobuf defines concatenation as merge. Only an edit or a split *opens* it: a table of records in the
 * part's arena (wire/otlp_table). Payload bytes never change; a clone shares payloads, and has its tables in arenas of
 * its own that lie over those it was made from.
 *
 * The budget of the payloads is charged for all of it: the payloads, the arenas by chunk, the batch and its parts.
 *
 * A batch has one owner at a time and belongs to one worker. Every part's ticket is settled exactly once: by
 * weft_batch_hand_over or by the function that ends the batch. */
struct weft_part {
    struct weft_payload *payload; /* a reference */
    struct weft_payload *wire;    /* the compressed message it was inflated from, or NULL; valid while whole */
    enum weft_encoding wire_encoding;
    struct weft_arena *arena;       /* a reference; NULL while whole. Rows, and what was written for them */
    struct weft_ticket *ticket;     /* NULL once settled, or if the part weighs nothing */
    struct weft_otlp_counts counts; /* of the payload; for opening */
    struct weft_otlp_table table;   /* valid when is_open */
    bool is_open;
    uint64_t weight;   /* records (metrics: data points) */
    size_t size_bytes; /* as it would be sent; of a rest that is about to be split on, at most a few bytes more */
};

struct weft_pipeline;

WEFT_MAGIC(batch, 0x0ba7c45e);

struct weft_batch {
    struct weft_list node; /* for whoever holds it */
    uint32_t magic;
    enum weft_signal signal;
    struct weft_budget *budget;
    bool is_lent;                   /* other workers read it (loan.h): nothing may be done with it but looking */
    weft_flow_id outlet_flow;       /* in_flight -> queued, set by the outlet on the way to an exporter */
    struct weft_metadata *metadata; /* a reference: of the request that the records came by, or what is the same
                                       in all of them. NULL: none is kept */
    uint64_t weight;                /* sum over parts */
    size_t size_bytes;
    struct weft_part *parts;
    size_t part_count;
    size_t part_capacity;
    struct weft_part first_part; /* so that the common batch of one request is one allocation */
};

/* The batch of a node on its holder's list. */
static inline struct weft_batch *weft_batch_of(struct weft_list *node)
{
    struct weft_batch *batch = WEFT_CONTAINER_OF(node, struct weft_batch, node);
    weft_check_magic(batch, batch);
    return batch;
}

/* Takes the payload over on success. ticket may be NULL; wire may be NULL (else a reference is taken). NULL when memory
 * is gone. */
struct weft_batch *weft_batch_try_new(enum weft_signal signal, struct weft_payload **own_payload,
                                      struct weft_payload *wire, enum weft_encoding wire_encoding,
                                      const struct weft_otlp_counts *counts,
                                      struct weft_ticket *ticket) WEFT_MUST_CHECK;

/* A copy for one more branch; its tickets then wait for it too. NULL when memory is gone. */
struct weft_batch *weft_batch_try_clone(struct weft_batch *batch) WEFT_MUST_CHECK;

/* Appends the parts of the other batch, which is gone on success. Of the metadata stays what both say. Neither this nor
 * what opens, splits or takes records out is for a signal that stays whole. */
enum weft_status weft_batch_merge(struct weft_batch *batch, struct weft_batch **own_other) WEFT_MUST_CHECK;

/* Moves leading records, at most max_weight of them and at most max_bytes (0 = no limit), into a new batch; a metric is
 * cut between its data points where that is needed for it (weft_otlp_table_split). At least one record moves and the
 * rest stays (possibly nothing: then *out_head is all of it and the batch is empty, to be freed by the caller).
 * WEFT_NOMEM changes nothing. */
enum weft_status weft_batch_split(struct weft_batch *batch, uint64_t max_weight, size_t max_bytes,
                                  struct weft_batch **out_head) WEFT_MUST_CHECK;

/* Moves the first half into a new batch: of the parts, which stay as they are, or of the records if there is one part
 * only. As for a split, *out_head may be all of it. WEFT_NOMEM changes nothing. */
enum weft_status weft_batch_halve(struct weft_batch *batch, struct weft_batch **out_head) WEFT_MUST_CHECK;

/* What selections count: Spans, LogRecords, Metrics (whole ones, so that no data point loses its metric). */
size_t weft_batch_record_count(const struct weft_batch *batch);
size_t weft_part_record_count(const struct weft_part *part);

/* Moves the selected records into a new batch: *out_taken, NULL if none is selected. The rest stays, in order; if
 * nothing does the batch is empty, to be ended by the caller. The selection is of this batch as it is
 * (weft_batch_record_count). WEFT_NOMEM changes nothing.
 *
 * Parts that are selected as a whole, or not at all, move or stay as they are, unopened. A divided part becomes two
 * over the same payload, each written with frames of its own, without resources and scopes that have no record left.
 * What was taken has a table and an arena of its own, with copies of what was edited: it pins them and the payload, not
 * the arena it comes from. What stays pins its arena, whose table keeps the room of the rows that left.
 *
 * A ticket with records in both waits for both. weight and size_bytes of both are exact. */
enum weft_status weft_batch_take(struct weft_batch *batch, const struct weft_selection *selection,
                                 struct weft_batch **out_taken) WEFT_MUST_CHECK;

/* A copy of the selected records (at least one) in payloads of this pool, without tickets and without ties to the
 * batch, which is only read: for an owner that a batch is lent to (loan.h). WEFT_NOMEM only. */
enum weft_status weft_batch_copy(const struct weft_batch *batch, const struct weft_selection *selection,
                                 struct weft_payload_pool *pool, struct weft_batch **out_copy) WEFT_MUST_CHECK;

/* The table of a part, without opening it: *out_arena, the caller's to let go of, has what it took; NULL if the part
 * was open. For who only reads, and may not do more since the batch is lent. WEFT_NOMEM only. */
enum weft_status weft_batch_look(const struct weft_batch *batch, const struct weft_part *part,
                                 struct weft_arena **out_arena, struct weft_otlp_table *out_table) WEFT_MUST_CHECK;

/* Looks at the records of a batch in order, without opening it:
 *
 *     struct weft_batch_cursor cursor = weft_batch_records(batch);
 *     while (weft_batch_next_record(&cursor, &record)) { ... weft_selection_add(&selection, cursor.index) ... }
 *
 * The batch stays as it is meanwhile. Plain data. */
struct weft_batch_cursor {
    const struct weft_batch *batch;
    size_t index; /* of the record in the batch, as selections count */
    size_t part;  /* that the record lies in */
    uint32_t row;
    bool is_walking; /* that part is not open, and the walk stands in it */
    struct weft_otlp_walk walk;
    struct weft_slice resource_x,
        scope_x; /* what holds the record: its fields but, in an open part, those of records */
};

struct weft_batch_cursor weft_batch_records(const struct weft_batch *batch);

/* For the next function only. */
bool weft_batch_next_record_anywhere(struct weft_batch_cursor *cursor, struct weft_slice *out_record);

/* False at the end. out_record: contents of the Span, Metric or LogRecord; borrowed from the batch. */
static inline bool weft_batch_next_record(struct weft_batch_cursor *cursor, struct weft_slice *out_record)
{
    if (WEFT_LIKELY(cursor->is_walking && weft_otlp_walk_next_short(&cursor->walk, out_record))) {
        cursor->index++;
        return true;
    }
    return weft_batch_next_record_anywhere(cursor, out_record);
}

/* Opens every part for editing. After editing tables the editor calls weft_batch_recount; no weight may have changed,
 * since tickets count it: records leave by weft_batch_take, and who makes some says so (weft_edit_reweigh).
 * WEFT_NOMEM: unchanged but for opened parts. */
enum weft_status weft_batch_open(struct weft_batch *batch) WEFT_MUST_CHECK;

/* Whether its attributes are plain (wire/otlp_check.h). */
static inline bool weft_part_is_plain(const struct weft_part *part)
{
    return part->is_open ? part->table.is_plain : part->counts.is_plain;
}

/* Shows all rows of a part to the visitor, who may give them other bytes: as it is opened if it is not open yet, so
 * that who needs headers opens the batch before. Returns what the visitor said last, or WEFT_NOMEM. After a failure a
 * part that was open keeps what the visitor changed in it, so that its batch is of no use. */
enum weft_status weft_batch_visit(struct weft_batch *batch, size_t part_index,
                                  const struct weft_otlp_row_visitor *visitor) WEFT_MUST_CHECK;
void weft_batch_recount(struct weft_batch *batch);

/* Appends the export request. Slices borrow the batch; framing comes from arena. */
enum weft_status weft_batch_emit(const struct weft_batch *batch, struct weft_arena *arena,
                                 struct weft_slices *slices) WEFT_MUST_CHECK;

/* The parts from first_part on (those that were merged in just now) have reached memory that outlives their calls:
 * settles the tickets that count this as acceptance. */
void weft_batch_hand_over(struct weft_batch *batch, size_t first_part);

/* Ends the batch: settles what tickets it still holds (outcome NULL = well) and frees it. */
void weft_batch_end(struct weft_batch **own_batch, const struct weft_error *outcome, int64_t retry_after_ns);
