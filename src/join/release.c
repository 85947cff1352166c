/* What is kept goes on (join.h): pieces of records are listed by context, and a flush writes them into one request for
 * each outlet, each resource and scope once. The bytes are copied here, so that a slab is free as soon as it is read.
 */
#include "base/alloc.h"
#include "base/assert.h"
#include "join/join_internal.h"
#include "wire/protobuf.h"

enum { RESOURCES_FIELD = 1, SCOPES_FIELD = 2, RECORDS_FIELD = 2 };

/* ---- listing ---- */

static bool make_room(struct weft_join_outlet *outlet, const struct weft_context *from, size_t piece_count)
{
    while (outlet->emission_capacity - outlet->emission_count < piece_count) {
        if (weft_try_grow(&outlet->emissions, sizeof *outlet->emissions, outlet->emission_capacity,
                          &outlet->emission_capacity) != WEFT_OK) {
            return false;
        }
    }
    return from->first != 0 || weft_try_grow(&outlet->touched, sizeof *outlet->touched, outlet->touched_count,
                                             &outlet->touched_capacity) == WEFT_OK;
}

/* There is room for it. */
static void emit_piece(struct weft_join_outlet *outlet, struct weft_context *from, uint32_t context,
                       struct weft_slice piece, size_t record_length)
{
    outlet->emissions[outlet->emission_count++] =
        (struct weft_emission){ .bytes = piece, .record_length = (uint32_t)record_length };
    uint32_t number = (uint32_t)outlet->emission_count; /* index + 1 */
    if (from->first == 0) {
        outlet->touched[outlet->touched_count++] = context;
        from->first = number;
    } else {
        outlet->emissions[from->last - 1].next = number;
    }
    from->last = number;
    outlet->emission_records += record_length != WEFT_EMISSION_MORE;
    outlet->emission_bytes += piece.length;
}

bool weft_join_emit(struct weft_join *join, struct weft_join_outlet *outlet, uint32_t context, struct weft_slice record)
{
    struct weft_context *from = weft_contexts_at(join->contexts, context);
    if (!make_room(outlet, from, 1)) {
        return false;
    }
    emit_piece(outlet, from, context, record, record.length);
    return true;
}

/* ---- writing ---- */

struct group {
    uint64_t records;
    size_t records_bytes, scope_bytes, resource_bytes; /* contents of the messages */
};

static struct group measure(const struct weft_join_outlet *outlet, const struct weft_context *from)
{
    struct group group = { 0 };
    for (uint32_t number = from->first; number != 0; number = outlet->emissions[number - 1].next) {
        const struct weft_emission *emission = &outlet->emissions[number - 1];
        group.records_bytes += emission->bytes.length;
        if (emission->record_length != WEFT_EMISSION_MORE) {
            group.records++;
            group.records_bytes += weft_wire_size_bytes_header(RECORDS_FIELD, emission->record_length);
        }
    }
    group.scope_bytes = from->scope.length + group.records_bytes;
    group.resource_bytes =
        from->resource.length + weft_wire_size_bytes_header(SCOPES_FIELD, group.scope_bytes) + group.scope_bytes;
    return group;
}

static uint8_t *put(uint8_t *to, struct weft_slice bytes)
{
    if (bytes.length > 0) {
        memcpy(to, bytes.bytes, bytes.length);
    }
    return to + bytes.length;
}

static uint8_t *write_group(const struct weft_join_outlet *outlet, const struct weft_context *from, uint8_t *to)
{
    struct group group = measure(outlet, from);
    to = weft_wire_put_bytes_header(to, RESOURCES_FIELD, group.resource_bytes);
    to = put(to, from->resource);
    to = weft_wire_put_bytes_header(to, SCOPES_FIELD, group.scope_bytes);
    to = put(to, from->scope);
    for (uint32_t number = from->first; number != 0; number = outlet->emissions[number - 1].next) {
        const struct weft_emission *emission = &outlet->emissions[number - 1];
        if (emission->record_length != WEFT_EMISSION_MORE) {
            to = weft_wire_put_bytes_header(to, RECORDS_FIELD, emission->record_length);
        }
        to = put(to, emission->bytes);
    }
    return to;
}

/* NULL when memory is gone. */
static struct weft_batch *write_batch(struct weft_join *join, const struct weft_join_outlet *outlet)
{
    size_t size_bytes = 0;
    for (size_t i = 0; i < outlet->touched_count; i++) {
        struct group group = measure(outlet, weft_contexts_at(join->contexts, outlet->touched[i]));
        size_bytes += weft_wire_size_bytes_header(RESOURCES_FIELD, group.resource_bytes) + group.resource_bytes;
    }
    struct weft_payload *payload = weft_payload_try_new(join->stage.host->pool, size_bytes);
    if (payload == NULL) {
        return NULL;
    }
    uint8_t *to = payload->bytes;
    for (size_t i = 0; i < outlet->touched_count; i++) {
        to = write_group(outlet, weft_contexts_at(join->contexts, outlet->touched[i]), to);
    }
    weft_assert((size_t)(to - payload->bytes) == size_bytes);
    weft_payload_commit(payload, size_bytes);
    struct weft_otlp_counts counts = { .resources = (uint32_t)outlet->touched_count,
                                       .scopes = (uint32_t)outlet->touched_count,
                                       .records = (uint32_t)outlet->emission_records,
                                       .data_points = (uint32_t)outlet->emission_records };
    struct weft_batch *batch =
        weft_batch_try_new(outlet->outlet.signal, &payload, NULL, WEFT_ENCODING_IDENTITY, &counts, NULL);
    weft_payload_unref(&payload);
    return batch;
}

static void forget_emissions(struct weft_join *join, struct weft_join_outlet *outlet)
{
    for (size_t i = 0; i < outlet->touched_count; i++) {
        struct weft_context *from = weft_contexts_at(join->contexts, outlet->touched[i]);
        from->first = from->last = 0;
    }
    outlet->touched_count = 0;
    outlet->emission_count = 0;
    outlet->emission_records = 0;
    outlet->emission_bytes = 0;
}

/* ---- passing on ---- */

static void park(struct weft_join *join, struct weft_join_outlet *outlet, struct weft_batch *batch)
{
    join->parked_bytes += batch->size_bytes;
    weft_list_push_back(&outlet->parked, &batch->node);
    weft_stage_outlet_set_blocked(&outlet->outlet, true);
}

/* False if it has to wait: it is the caller's still. */
static bool pass_on(struct weft_join *join, struct weft_join_outlet *outlet, struct weft_batch **own_batch)
{
    if (!weft_stage_outlet_is_next_open(&outlet->outlet)) {
        return false;
    }
    uint64_t weight = (*own_batch)->weight;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_stage_outlet_pass_on(&outlet->outlet, own_batch, &error);
    if (status == WEFT_OK) {
        outlet->held -= weight;
        return true;
    }
    if (status == WEFT_CLOSED && !weft_stage_outlet_is_next_open(&outlet->outlet)) {
        return false;
    }
    weight = (*own_batch)->weight;
    weft_log(ERROR, "tail_sampling.dropped", "what follows refused records that were kept",
             WEFT_LOG_STRING("processor", join->stage.identity->id), WEFT_LOG_INT("records", weight),
             WEFT_LOG_STRING("error", error.text));
    enum weft_drop_reason reason = status == WEFT_NOMEM ? WEFT_DROP_OUT_OF_MEMORY : WEFT_DROP_REFUSED_DOWNSTREAM;
    weft_join_drop_batch(join, outlet, reason, own_batch);
    return true;
}

static void flush_outlet(struct weft_join *join, struct weft_join_outlet *outlet)
{
    if (outlet->emission_count == 0) {
        return;
    }
    struct weft_batch *batch = write_batch(join, outlet);
    uint64_t records = outlet->emission_records;
    forget_emissions(join, outlet);
    if (batch == NULL) {
        weft_join_drop_records(join, outlet, 0, WEFT_DROP_OUT_OF_MEMORY, WEFT_NAME_NONE, records);
    } else if (!weft_list_is_empty(&outlet->parked) || !pass_on(join, outlet, &batch)) {
        park(join, outlet, batch);
    }
}

void weft_join_flush(struct weft_join *join)
{
    for (uint32_t i = 0; i < JOIN_OUTLETS_MAX; i++) {
        if (join->outlets[i] != NULL) {
            flush_outlet(join, join->outlets[i]);
        }
    }
    struct weft_list *node = NULL;
    while ((node = weft_list_first(&join->lanes[WEFT_LANE_LEAVING])) != NULL) {
        weft_trace_end(join, WEFT_CONTAINER_OF(node, struct weft_trace, node));
    }
    join->leaving_count = 0;
    join->leaving_bytes = 0;
}

bool weft_join_is_blocked(const struct weft_join *join, uint32_t outlets)
{
    for (; outlets != 0; outlets &= outlets - 1) {
        const struct weft_join_outlet *outlet = join->outlets[__builtin_ctz(outlets)];
        if (outlet->outlet.is_blocked || outlet->outlet.face == NULL) {
            return true;
        }
    }
    return false;
}

void weft_join_unpark(struct weft_join *join, struct weft_join_outlet *outlet)
{
    while (!weft_list_is_empty(&outlet->parked)) {
        struct weft_list *node = weft_list_first(&outlet->parked);
        struct weft_batch *batch = WEFT_CONTAINER_OF(node, struct weft_batch, node);
        size_t size_bytes = batch->size_bytes;
        weft_list_remove(node);
        if (!pass_on(join, outlet, &batch)) {
            weft_list_push_front(&outlet->parked, node);
            return;
        }
        join->parked_bytes -= size_bytes;
    }
    if (outlet->outlet.is_blocked && weft_stage_outlet_is_next_open(&outlet->outlet)) {
        weft_stage_outlet_set_blocked(&outlet->outlet, false);
        join->has_gone_on = true;
    }
}

void weft_join_drop_parked(struct weft_join *join, struct weft_join_outlet *outlet, enum weft_drop_reason reason)
{
    struct weft_list *node = NULL;
    while ((node = weft_list_pop_front(&outlet->parked)) != NULL) {
        struct weft_batch *batch = WEFT_CONTAINER_OF(node, struct weft_batch, node);
        join->parked_bytes -= batch->size_bytes;
        weft_join_drop_batch(join, outlet, reason, &batch);
    }
}

/* ---- traces ---- */

struct extent {
    size_t length, piece_count;
};

/* How large the record is that begins with this piece: the cursor stands behind the piece. */
static struct extent extent_of_record(const struct weft_join *join, struct weft_slab_cursor cursor,
                                      struct weft_slab_part piece)
{
    struct extent extent = { piece.bytes.length, 1 };
    while (!piece.is_last && weft_slab_next(join->slab, &cursor, &piece)) {
        extent.length += piece.bytes.length;
        extent.piece_count++;
    }
    return extent;
}

static bool is_much(const struct weft_join_outlet *outlet)
{
    return outlet->emission_bytes >= JOIN_EMIT_BYTES || outlet->emission_records >= JOIN_EMIT_RECORDS;
}

/* Emits one record, flushing its outlet before if there is much already. Without memory for all of its pieces it is
 * dropped: half a record would spoil the request. */
static void emit_record(struct weft_join *join, struct weft_slab_cursor *cursor, struct weft_slab_part piece)
{
    struct weft_context *from = weft_contexts_at(join->contexts, piece.tag);
    struct weft_join_outlet *outlet = join->outlets[from->outlet];
    struct extent extent = extent_of_record(join, *cursor, piece);
    if (is_much(outlet)) {
        flush_outlet(join, outlet);
    }
    bool has_room = make_room(outlet, from, extent.piece_count);
    if (has_room) {
        emit_piece(outlet, from, piece.tag, piece.bytes, extent.length);
    } else {
        weft_join_drop_records(join, outlet, piece.tag, WEFT_DROP_OUT_OF_MEMORY, WEFT_NAME_NONE, 1);
    }
    while (!piece.is_last && weft_slab_next(join->slab, cursor, &piece)) {
        if (has_room) {
            emit_piece(outlet, from, piece.tag, piece.bytes, WEFT_EMISSION_MORE);
        }
    }
}

void weft_join_emit_now(struct weft_join *join, struct weft_trace *trace)
{
    struct weft_slab_cursor cursor = weft_slab_begin(&trace->chain);
    struct weft_slab_part piece;
    while (weft_slab_next(join->slab, &cursor, &piece)) {
        emit_record(join, &cursor, piece);
    }
    weft_trace_set_lane(join, trace, WEFT_LANE_LEAVING);
    join->leaving_bytes += trace->chain.length;
    if (++join->leaving_count == JOIN_STEP_TRACES) {
        weft_join_flush(join);
    }
}

void weft_join_emit_trace(struct weft_join *join, struct weft_trace *trace)
{
    if (!weft_join_is_blocked(join, trace->outlets)) {
        weft_join_emit_now(join, trace);
    } else if (trace->lane != WEFT_LANE_KEPT) {
        weft_trace_set_lane(join, trace, WEFT_LANE_KEPT);
    }
}
