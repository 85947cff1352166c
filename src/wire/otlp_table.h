#pragma once

#include "base/arena.h"
#include "base/prefetch.h"
#include "base/slice.h"
#include "base/status.h"
#include "wire/otlp_check.h"
#include "wire/otlp_table_selection.h"
#include "wire/protobuf.h"
#include "wire/signal.h"

enum { WEFT_OTLP_RECORDS_FIELD = 2 }; /* of ScopeX */

/* A checked request as a table of its records, for components that edit, remove or split. Rows are slices of
 * the request or of the arena; an edit replaces a row's slice and never touches request bytes. Memory: 24
 * bytes a record.
 *
 * Re-framing: a record that was not touched leaves as the very bytes it came in (unknown fields included);
 * runs of untouched neighbours leave as one slice with their original framing. So do records that an edit wrote to the
 * arena one after the other, each with its frame right before it (WEFT_OTLP_RECORDS_FIELD and its length); where there
 * is none it is written when the table is emitted. */
struct weft_otlp_record {
    const uint8_t *bytes; /* contents of the Span, Metric or LogRecord */
    uint32_t length;
    uint32_t scope;  /* index in scopes */
    uint32_t weight; /* what it counts for: 1, or the data points of a Metric */
};

struct weft_otlp_scope {
    struct weft_slice header; /* every field of ScopeX but its records, in order (scope, schema_url, unknown) */
    uint32_t resource;        /* index in resources */
};

struct weft_otlp_resource {
    struct weft_slice header; /* every field of ResourceX but its scopes, in order */
};

struct weft_otlp_table {
    enum weft_signal signal;
    struct weft_slice request;  /* what the rows were taken from; borrowed */
    struct weft_arena *arena;   /* of the rows and of what was written for them; borrowed */
    struct weft_slice envelope; /* fields of the request other than ResourceX (unknown ones), in order */
    struct weft_otlp_resource *resources;
    struct weft_otlp_scope *scopes;
    struct weft_otlp_record *records; /* in scope order; scopes in resource order */
    uint32_t resource_count, scope_count, record_count;
    uint64_t weight; /* sum over records */
    bool is_plain; /* of the request's counts; what is written for the rows keeps to it, but for keys, which may be long
                    */
    /* The bytes of the first record, if they are what a split left of a metric that it cut, and in no other table: then
     * the next split may write over them. */
    uint8_t *laid_out;
};

/* What a table with so many rows takes from its arena, if no header lies in pieces: for the arena's first chunk. */
size_t weft_otlp_table_rows_bytes(const struct weft_otlp_counts *counts);

/* Builds the table of a request that weft_otlp_check has passed with these counts. Arrays come from arena,
 * which outlives the table; the table struct is the caller's. WEFT_NOMEM only. */
enum weft_status weft_otlp_table_build(enum weft_signal signal, struct weft_slice request,
                                       const struct weft_otlp_counts *counts, struct weft_arena *arena,
                                       struct weft_otlp_table *out_table, struct weft_error *error) WEFT_MUST_CHECK;

/* Who sees each row as soon as it is there, while its bytes are near, and may give it other ones, as any edit does. The
 * headers of its scope and resource are not known yet, and the table lies elsewhere later. What on_row returns but
 * WEFT_OK ends the building. */
struct weft_otlp_row_visitor {
    enum weft_status (*on_row)(void *context, const struct weft_otlp_table *table, struct weft_otlp_record *row);
    void *context;
};

/* The same, with each row shown to the visitor (NULL: nobody). */
enum weft_status weft_otlp_table_build_visited(enum weft_signal signal, struct weft_slice request,
                                               const struct weft_otlp_counts *counts, struct weft_arena *arena,
                                               const struct weft_otlp_row_visitor *visitor,
                                               struct weft_otlp_table *out_table,
                                               struct weft_error *error) WEFT_MUST_CHECK;

/* A copy of the row arrays, for a branch of a fan-out: bytes are shared, rows are not. WEFT_NOMEM only. */
enum weft_status weft_otlp_table_copy(struct weft_otlp_table *table, struct weft_arena *arena,
                                      struct weft_otlp_table *out_table) WEFT_MUST_CHECK;

/* The selected records (bit first_bit + i is record i; at least one) as a table of their own, with the scopes and
 * resources that they need and the envelope. Everything but the request's bytes is in *out_arena, the caller's, which
 * is made just large enough: the rows, and copies of what was edited or put together. The table stays as it is.
 * WEFT_NOMEM only. */
enum weft_status weft_otlp_table_pick(const struct weft_otlp_table *table, const struct weft_selection *selection,
                                      size_t first_bit, struct weft_budget *budget, struct weft_arena **out_arena,
                                      struct weft_otlp_table *out_picked) WEFT_MUST_CHECK;

/* Removes the selected records. Scopes and resources that become empty are not written. Only for who knows what becomes
 * of them: out of a batch records go by weft_batch_take, which gives their tickets to another one. */
void weft_otlp_table_remove(struct weft_otlp_table *table, const struct weft_selection *selection, size_t first_bit);

/* Moves leading records into *out_head until the next would exceed max_weight or max_bytes (of the encoded
 * request); 0 is no limit. The rest stays. By weight the head is filled: a Metric that would exceed it is cut between
 * its data points, and what both pieces then repeat (name, unit, metadata, what is unknown) is *out_repeated_bytes; by
 * bytes a Metric is cut that is larger than max_bytes alone. If there are records, at least one moves (a single one, or
 * a single data point, may be larger than max_bytes). Rows are shared, not copied, but those of a head with a piece of
 * a Metric, which come from arena as pieces do: both keep pointing into the same arrays, and an edit of a scope or
 * resource header shows in both. The envelope goes with both. WEFT_NOMEM, only where the first record has to be cut,
 * leaves the table's message as it was. */
enum weft_status weft_otlp_table_split(struct weft_otlp_table *table, uint64_t max_weight, size_t max_bytes,
                                       struct weft_arena *arena, struct weft_otlp_table *out_head,
                                       size_t *out_repeated_bytes) WEFT_MUST_CHECK;

/* Bytes of the request that weft_otlp_table_emit would write. */
size_t weft_otlp_table_size_bytes(const struct weft_otlp_table *table);

/* Where emitted bytes go: a growing array of slices; framing bytes come from its arena. */
struct weft_slices {
    struct weft_slice *items;
    size_t count, capacity;
    size_t length; /* sum over items */
};

void weft_slices_init(struct weft_slices *slices);
void weft_slices_fini(struct weft_slices *slices);
void weft_slices_clear(struct weft_slices *slices);

/* Joins with the last slice when they touch. */
enum weft_status weft_slices_add(struct weft_slices *slices, struct weft_slice slice) WEFT_MUST_CHECK;

/* Appends the export request that the table stands for (no records: nothing, not even what had none when it
 * came). Emitted slices borrow request, arena and rewritten bytes. WEFT_NOMEM leaves slices longer than
 * before; the caller clears them. */
enum weft_status weft_otlp_table_emit(const struct weft_otlp_table *table, struct weft_arena *arena,
                                      struct weft_slices *slices) WEFT_MUST_CHECK;

/* Behind a record of that length, which was read just now: the next one is about as long, and its bytes are asked for
 * while somebody looks at this one. Since the check came by they have gone far away if the request is a long one. */
static inline void weft_otlp_look_ahead(const struct weft_wire_reader *reader, size_t length)
{
    size_t rest = (size_t)(reader->end - reader->at);
    weft_prefetch(reader->at, rest < length ? rest : length);
}

/* The records of a checked request in order, without a table. Plain data. */
struct weft_otlp_walk {
    struct weft_wire_reader request, resource, scope;
    struct weft_slice resource_x, scope_x; /* contents of the messages that hold the last record */
};

struct weft_otlp_walk weft_otlp_walk_of(struct weft_slice request);

/* The next one of the scope that the last one lay in, if it is right behind it and below 16 KiB, which most are; false
 * says nothing. */
static inline bool weft_otlp_walk_next_short(struct weft_otlp_walk *walk, struct weft_slice *out_record)
{
    enum { TAG = 2 << 3 | WEFT_WIRE_BYTES, MORE = 0x80, HEADER = 3 };
    const uint8_t *at = walk->scope.at;
    if (walk->scope.end - at < HEADER || at[0] != TAG || (at[1] >= MORE && at[2] >= MORE)) {
        return false;
    }
    bool is_long = at[1] >= MORE;
    size_t length = is_long ? (size_t)(at[1] - MORE) | (size_t)at[2] << 7 : at[1];
    const uint8_t *contents = at + HEADER - !is_long;
    if (length > (size_t)(walk->scope.end - contents)) {
        return false;
    }
    *out_record = weft_slice_of(contents, length);
    walk->scope.at = contents + length;
    weft_otlp_look_ahead(&walk->scope, length);
    return true;
}

/* False at the end. The slice is what a row of the table would have: contents of the Span, Metric or LogRecord. */
bool weft_otlp_walk_next(struct weft_otlp_walk *walk, struct weft_slice *out_record);
