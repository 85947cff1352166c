/* Traces that are held (join_internal.h): their records and where these come from, their lanes, their end, and the ring
 * of those that are decided but still there for who asks. */
#include "base/alloc.h"
#include "base/assert.h"
#include "join/join_internal.h"

enum { PINNED_TRACE_BYTES = 1 << 20 }; /* the rest of a larger trace is copied: it would hold too many payloads */

/* ---- records ---- */

static void count_source(struct weft_trace *trace, uint32_t context)
{
    for (uint8_t i = 0; i < trace->source_count && i < JOIN_TRACE_SOURCES; i++) {
        if (trace->sources[i].context == context) {
            trace->sources[i].count++;
            return;
        }
    }
    if (trace->source_count < JOIN_TRACE_SOURCES) {
        trace->sources[trace->source_count++] = (struct weft_trace_source){ context, 1 };
    } else {
        trace->source_count = JOIN_TRACE_SOURCES + 1;
    }
}

static enum weft_status append(struct weft_join *join, struct weft_trace *trace, uint32_t context, weft_pin_id pin,
                               struct weft_slice record)
{
    if (pin == 0 || trace->is_copied || trace->chain.length > PINNED_TRACE_BYTES) {
        return weft_slab_append(join->slab, &trace->chain, context, record);
    }
    enum weft_status status = weft_slab_append_pinned(join->slab, &trace->chain, context, pin, record);
    if (status == WEFT_OK && trace->chain.pinned_count == 1) {
        weft_list_push_back(&join->pinning, &trace->pinning);
    }
    return status;
}

enum weft_status weft_trace_append(struct weft_join *join, struct weft_trace *trace, uint32_t context, weft_pin_id pin,
                                   struct weft_slice record)
{
    if (append(join, trace, context, pin, record) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    struct weft_context *from = weft_contexts_at(join->contexts, context);
    weft_context_ref(from, 1);
    count_source(trace, context);
    trace->outlets |= UINT32_C(1) << from->outlet;
    if (trace->lane == WEFT_LANE_ASKING) {
        join->asking_bytes += record.length;
    }
    return WEFT_OK;
}

bool weft_trace_copy_pinned(struct weft_join *join, struct weft_trace *trace, size_t *in_out_bytes)
{
    trace->is_copied = true;
    if (weft_slab_copy_pinned(join->slab, &trace->chain, in_out_bytes) != WEFT_OK) {
        return false;
    }
    if (trace->chain.pinned_count == 0) {
        weft_list_remove(&trace->pinning);
    }
    return true;
}

/* The next record in one piece: where it lies, or put together in *scratch. */
static bool next_record(const struct weft_join *join, struct weft_slab_cursor *cursor, struct weft_buffer *scratch,
                        struct weft_slab_part *out_record, bool *in_out_is_whole)
{
    if (!weft_slab_next(join->slab, cursor, out_record)) {
        return false;
    }
    if (out_record->is_last) {
        return true;
    }
    weft_buffer_clear(scratch);
    weft_buffer_append(scratch, out_record->bytes.bytes, out_record->bytes.length);
    while (!out_record->is_last && weft_slab_next(join->slab, cursor, out_record)) {
        weft_buffer_append(scratch, out_record->bytes.bytes, out_record->bytes.length);
    }
    out_record->bytes = weft_buffer_slice(scratch);
    *in_out_is_whole = *in_out_is_whole && !scratch->is_failed;
    return true;
}

bool weft_join_each_record(const struct weft_join *join, const struct weft_slab_chain *chain, weft_record_fn act,
                           void *user)
{
    struct weft_slab_cursor cursor = weft_slab_begin(chain);
    struct weft_slab_part record;
    struct weft_buffer scratch;
    bool is_complete = true;
    bool is_whole = true;
    weft_buffer_init(&scratch, 0);
    for (; next_record(join, &cursor, &scratch, &record, &is_whole); is_whole = true) {
        if (!is_whole) {
            is_complete = false;
            continue;
        }
        act(user, record.tag, record.bytes);
    }
    weft_buffer_fini(&scratch);
    return is_complete;
}

/* Of a trace with more sources than it has room to count each record says it. */
static void each_source_of_chain(const struct weft_join *join, const struct weft_slab_chain *chain, weft_source_fn act,
                                 void *user)
{
    struct weft_slab_cursor cursor = weft_slab_begin(chain);
    struct weft_slab_part piece;
    while (weft_slab_next(join->slab, &cursor, &piece)) {
        if (piece.is_last) {
            act(user, piece.tag, 1);
        }
    }
}

void weft_join_each_source(const struct weft_join *join, const struct weft_slab_chain *chain,
                           const struct weft_trace_source *sources, uint8_t source_count, weft_source_fn act,
                           void *user)
{
    if (source_count > JOIN_TRACE_SOURCES) {
        each_source_of_chain(join, chain, act, user);
        return;
    }
    for (uint8_t i = 0; i < source_count; i++) {
        act(user, sources[i].context, sources[i].count);
    }
}

/* ---- lanes ---- */

static void leave_lane(struct weft_join *join, struct weft_trace *trace)
{
    weft_list_remove(&trace->node);
    join->kept_count -= trace->lane == WEFT_LANE_KEPT;
    if (trace->lane == WEFT_LANE_ASKING) {
        weft_assert(join->asking_count > 0 && join->asking_bytes >= trace->chain.length);
        join->asking_count--;
        join->asking_bytes -= trace->chain.length;
    }
}

void weft_trace_set_lane(struct weft_join *join, struct weft_trace *trace, enum weft_lane lane)
{
    leave_lane(join, trace);
    join->kept_count += lane == WEFT_LANE_KEPT;
    if (lane == WEFT_LANE_ASKING) {
        join->asking_count++;
        join->asking_bytes += trace->chain.length;
    }
    trace->lane = lane;
    weft_list_push_back(&join->lanes[lane], &trace->node);
}

void weft_trace_start(struct weft_join *join, struct weft_trace *trace)
{
    trace->began = weft_timers_now(join->stage.host->timers);
    weft_trace_set_lane(join, trace, WEFT_LANE_WAITING);
}

static struct weft_monotonic due_by_root(const struct weft_join *join, const struct weft_trace *trace)
{
    int64_t wait_ns = join->rules->decision_wait_after_root_ns;
    return trace->has_root && wait_ns > 0 ? weft_monotonic_after(trace->root, wait_ns) : WEFT_NEVER;
}

static enum weft_lane lane_of(const struct weft_join *join, const struct weft_trace *trace)
{
    struct weft_monotonic due = weft_monotonic_after(trace->began, join->rules->decision_wait_ns);
    return due_by_root(join, trace).ns < due.ns ? WEFT_LANE_ROOT : WEFT_LANE_WAITING;
}

struct weft_monotonic weft_trace_due(const struct weft_join *join, const struct weft_trace *trace)
{
    return trace->lane == WEFT_LANE_ROOT ? due_by_root(join, trace)
                                         : weft_monotonic_after(trace->began, join->rules->decision_wait_ns);
}

void weft_trace_note_root(struct weft_join *join, struct weft_trace *trace)
{
    if (!trace->has_root) {
        trace->has_root = true;
        trace->root = weft_timers_now(join->stage.host->timers);
        if (trace->lane == WEFT_LANE_WAITING && lane_of(join, trace) == WEFT_LANE_ROOT) {
            weft_trace_set_lane(join, trace, WEFT_LANE_ROOT);
        }
    }
}

/* ---- lanes under other rules ---- */

static struct weft_list *merge_runs(const struct weft_join *join, struct weft_list *left, struct weft_list *right)
{
    struct weft_list *first = NULL;
    struct weft_list **last = &first;
    while (left != NULL && right != NULL) {
        int64_t left_ns = weft_trace_due(join, WEFT_CONTAINER_OF(left, struct weft_trace, node)).ns;
        int64_t right_ns = weft_trace_due(join, WEFT_CONTAINER_OF(right, struct weft_trace, node)).ns;
        struct weft_list **from = left_ns <= right_ns ? &left : &right;
        *last = *from;
        last = &(*from)->next;
        *from = (*from)->next;
    }
    *last = left != NULL ? left : right;
    return first;
}

/* The next count nodes of a run that is linked by next only, in order; *in_out_rest is what follows them. */
static struct weft_list *sort_run(const struct weft_join *join, struct weft_list **in_out_rest, size_t count)
{
    if (count == 1) {
        struct weft_list *node = *in_out_rest;
        *in_out_rest = node->next;
        node->next = NULL;
        return node;
    }
    struct weft_list *left = sort_run(join, in_out_rest, count / 2);
    struct weft_list *right = sort_run(join, in_out_rest, count - count / 2);
    return merge_runs(join, left, right);
}

static void sort_lane(struct weft_join *join, enum weft_lane lane)
{
    size_t count = 0;
    WEFT_LIST_EACH(node, &join->lanes[lane])
    {
        count++;
    }
    if (count > 0) {
        struct weft_list *rest = join->lanes[lane].next;
        struct weft_list *next = sort_run(join, &rest, count);
        weft_list_init(&join->lanes[lane]);
        while (next != NULL) {
            struct weft_list *node = next;
            next = node->next;
            weft_list_push_back(&join->lanes[lane], node);
        }
    }
}

void weft_join_sort_lanes(struct weft_join *join)
{
    static const enum weft_lane lanes[] = { WEFT_LANE_WAITING, WEFT_LANE_ROOT };
    for (size_t i = 0; i < WEFT_COUNT_OF(lanes); i++) {
        struct weft_list *next = NULL;
        for (struct weft_list *node = join->lanes[lanes[i]].next; node != &join->lanes[lanes[i]]; node = next) {
            struct weft_trace *trace = WEFT_CONTAINER_OF(node, struct weft_trace, node);
            enum weft_lane lane = lane_of(join, trace);
            next = node->next;
            if (lane != trace->lane) {
                weft_trace_set_lane(join, trace, lane);
            }
        }
    }
    sort_lane(join, WEFT_LANE_WAITING);
    sort_lane(join, WEFT_LANE_ROOT);
}

/* ---- ends ---- */

struct dropping {
    struct weft_join *join;
    enum weft_drop_reason reason;
    uint32_t policy;
};

static weft_flow_id drop_flow(const struct weft_join_outlet *outlet, enum weft_drop_reason reason)
{
    switch (reason) {
    case WEFT_DROP_SAMPLED_OUT:
        return outlet->sampled_out_flow;
    case WEFT_DROP_NO_TRACE:
        return outlet->no_trace_flow;
    case WEFT_DROP_EVICTED:
        return outlet->evicted_flow;
    case WEFT_DROP_OUT_OF_MEMORY:
        return outlet->out_of_memory_flow;
    case WEFT_DROP_SHUTDOWN:
        return outlet->shutdown_flow;
    case WEFT_DROP_RELOAD:
        return outlet->reload_flow;
    default:
        weft_assert(reason == WEFT_DROP_REFUSED_DOWNSTREAM);
        return outlet->refused_flow;
    }
}

void weft_join_drop_records(struct weft_join *join, struct weft_join_outlet *outlet, uint32_t context,
                            enum weft_drop_reason reason, uint32_t policy, uint64_t count)
{
    struct weft_slice service = context == 0 ? WEFT_SLICE_EMPTY : weft_contexts_at(join->contexts, context)->service;
    weft_host_drop_records(join->stage.host, drop_flow(outlet, reason), weft_names_at(join->names, policy), service,
                           count);
    outlet->held -= count;
}

void weft_join_drop_batch(struct weft_join *join, struct weft_join_outlet *outlet, enum weft_drop_reason reason,
                          struct weft_batch **own_batch)
{
    weft_host_drop(join->stage.host, drop_flow(outlet, reason), *own_batch);
    outlet->held -= (*own_batch)->weight;
    weft_batch_end(own_batch, NULL, -1);
}

static void drop_source(void *user, uint32_t context, uint32_t count)
{
    const struct dropping *dropping = user;
    struct weft_join *join = dropping->join;
    struct weft_join_outlet *outlet = join->outlets[weft_contexts_at(join->contexts, context)->outlet];
    weft_join_drop_records(join, outlet, context, dropping->reason, dropping->policy, count);
}

void weft_trace_drop(struct weft_join *join, struct weft_trace *trace, enum weft_drop_reason reason, uint32_t policy)
{
    struct dropping dropping = { join, reason, policy };
    weft_join_each_source(join, &trace->chain, trace->sources, trace->source_count, drop_source, &dropping);
}

static void unref_source(void *user, uint32_t context, uint32_t count)
{
    struct weft_join *join = user;
    weft_contexts_unref(join->contexts, context, count);
}

static void release_chain(struct weft_join *join, struct weft_slab_chain *chain,
                          const struct weft_trace_source *sources, uint8_t source_count)
{
    weft_join_each_source(join, chain, sources, source_count, unref_source, join);
    weft_slab_release(join->slab, chain);
}

/* What the ring is bounded by: with the places of its records, since these may be empty. */
static size_t recent_size_bytes(const struct weft_slab_chain *chain)
{
    return chain->length + chain->piece_count * sizeof(struct weft_slab_piece);
}

void weft_join_forget_recent(struct weft_join *join, size_t bytes_max)
{
    while (join->recent_count > 0 && join->recent_bytes > bytes_max) {
        struct weft_recent *oldest = &join->recent[join->recent_first];
        join->recent_bytes -= recent_size_bytes(&oldest->chain);
        release_chain(join, &oldest->chain, oldest->sources, oldest->source_count);
        join->recent_first = (join->recent_first + 1) % join->recent_capacity;
        join->recent_count--;
        join->recent_copied_count -= join->recent_copied_count > 0;
    }
}

bool weft_join_copy_recent(struct weft_join *join, size_t *in_out_bytes)
{
    size_t at = (join->recent_first + join->recent_copied_count) % join->recent_capacity;
    struct weft_recent *recent = &join->recent[at];
    weft_assert(join->recent_copied_count < join->recent_count);
    if (weft_slab_copy_pinned(join->slab, &recent->chain, in_out_bytes) != WEFT_OK) {
        return false;
    }
    join->recent_copied_count += recent->chain.pinned_count == 0;
    return true;
}

void weft_trace_end(struct weft_join *join, struct weft_trace *trace)
{
    size_t recent_max = join->recent_capacity == 0 ? 0 : join->recent_bytes_max;
    size_t size_bytes = recent_size_bytes(&trace->chain);
    leave_lane(join, trace); /* while its chain still has its length */
    if (trace->chain.record_count == 0 || size_bytes > recent_max / 4 || weft_trace_is_late(join, trace)) {
        release_chain(join, &trace->chain, trace->sources, trace->source_count);
    } else {
        weft_join_forget_recent(join, recent_max - size_bytes);
        if (join->recent_count == join->recent_capacity) {
            weft_join_forget_recent(join, join->recent_bytes - 1);
        }
        struct weft_recent *recent = &join->recent[(join->recent_first + join->recent_count++) % join->recent_capacity];
        struct weft_slice key = weft_table_key(join->traces, trace);
        memset(recent->trace_id, 0, WEFT_TRACE_ID_BYTES);
        memcpy(recent->trace_id, key.bytes, key.length);
        recent->chain = trace->chain;
        recent->source_count = trace->source_count;
        memcpy(recent->sources, trace->sources, sizeof recent->sources);
        join->recent_bytes += size_bytes;
    }
    weft_list_remove(&trace->pinning);
    weft_table_remove(join->traces, trace);
}

size_t weft_join_size_bytes(const struct weft_join *join)
{
    return weft_slab_size_bytes(join->slab) + weft_table_size_bytes(join->traces) +
           weft_contexts_size_bytes(join->contexts) + join->parked_bytes + weft_letters_size_bytes(join->letters);
}
