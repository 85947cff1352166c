/* Batches (batch.h): parts over counted payloads, cloned by reference, merged by concatenation, opened into tables.
 * Cutting them is batch_split.c, taking records out batch_take.c. */
#include "pipeline/batch_internal.h"

#include "base/alloc.h"
#include "base/assert.h"

struct weft_batch *weft_batch_try_new_empty(struct weft_budget *budget, enum weft_signal signal)
{
    struct weft_batch *batch = weft_try_alloc(sizeof *batch);
    if (batch != NULL) {
        weft_set_magic(batch, batch);
        weft_list_init(&batch->node);
        batch->signal = signal;
        batch->budget = budget;
        batch->parts = &batch->first_part;
        batch->part_capacity = 1;
        weft_budget_charge(budget, sizeof *batch);
    }
    return batch;
}

struct weft_batch *weft_batch_try_new_like(const struct weft_batch *batch)
{
    struct weft_batch *made = weft_batch_try_new_empty(batch->budget, batch->signal);
    if (made != NULL) {
        made->metadata = weft_metadata_ref(batch->metadata);
    }
    return made;
}

static bool has_list(const struct weft_batch *batch)
{
    return batch->parts != &batch->first_part;
}

void weft_batch_free_empty(struct weft_batch *batch)
{
    if (batch == NULL) {
        return;
    }
    weft_clear_magic(batch, batch);
    size_t size_bytes = sizeof *batch;
    if (has_list(batch)) {
        size_bytes += batch->part_capacity * sizeof *batch->parts;
        weft_free(batch->parts);
    }
    weft_budget_release(batch->budget, size_bytes);
    weft_metadata_unref(&batch->metadata);
    weft_free(batch);
}

enum weft_status weft_batch_reserve_parts(struct weft_batch *batch, size_t part_count)
{
    if (part_count <= batch->part_capacity) {
        return WEFT_OK;
    }
    size_t capacity = batch->part_capacity * 2 > part_count ? batch->part_capacity * 2 : part_count;
    size_t charged_count = has_list(batch) ? batch->part_capacity : 0;
    struct weft_part *parts = has_list(batch) ? weft_try_realloc(batch->parts, capacity * sizeof *parts)
                                              : weft_try_alloc_raw(capacity * sizeof *parts);
    if (parts == NULL) {
        return WEFT_NOMEM;
    }
    if (!has_list(batch)) {
        memcpy(parts, batch->parts, batch->part_count * sizeof *parts);
    }
    weft_budget_charge(batch->budget, (capacity - charged_count) * sizeof *parts);
    batch->parts = parts;
    batch->part_capacity = capacity;
    return WEFT_OK;
}

void weft_batch_push_part(struct weft_batch *batch, const struct weft_part *part)
{
    weft_assert(batch->part_count < batch->part_capacity && part->payload != NULL);
    batch->parts[batch->part_count] = *part;
    if (part->weight == 0) {
        batch->parts[batch->part_count].ticket = NULL; /* which does not wait for it */
    }
    batch->part_count++;
    batch->weight += part->weight;
    batch->size_bytes += part->size_bytes;
}

struct weft_batch *weft_batch_try_new(enum weft_signal signal, struct weft_payload **own_payload,
                                      struct weft_payload *wire, enum weft_encoding wire_encoding,
                                      const struct weft_otlp_counts *counts, struct weft_ticket *ticket)
{
    weft_assert((unsigned)signal < WEFT_SIGNAL_COUNT);
    struct weft_batch *batch = weft_batch_try_new_empty(weft_payload_budget(*own_payload), signal);
    if (batch == NULL) {
        return NULL;
    }
    struct weft_part part = {
        .payload = *own_payload,
        .wire = wire == NULL ? NULL : weft_payload_ref(wire),
        .wire_encoding = wire_encoding,
        .ticket = ticket,
        .counts = *counts,
        .weight = weft_otlp_weight(signal, counts),
        .size_bytes = (*own_payload)->length,
    };
    *own_payload = NULL;
    weft_batch_push_part(batch, &part);
    return batch;
}

void weft_part_release(struct weft_part *part)
{
    weft_payload_unref(&part->payload);
    weft_payload_unref(&part->wire);
    weft_arena_unref(&part->arena);
}

static struct weft_otlp_counts row_counts(const struct weft_otlp_table *table)
{
    return (struct weft_otlp_counts){ .resources = table->resource_count,
                                      .scopes = table->scope_count,
                                      .records = table->record_count };
}

/* Shares what can be shared. The table of an open part lies in an arena of its own, which goes with the copy; what the
 * rows point to lies under it. */
static enum weft_status clone_part(struct weft_part *part, struct weft_part *out_copy)
{
    struct weft_part copy = *part;
    if (part->is_open) {
        struct weft_otlp_counts counts = row_counts(&part->table);
        copy.arena = weft_arena_try_new_over(part->arena, weft_otlp_table_rows_bytes(&counts));
        if (copy.arena == NULL || weft_otlp_table_copy(&part->table, copy.arena, &copy.table) != WEFT_OK) {
            weft_arena_unref(&copy.arena);
            return WEFT_NOMEM;
        }
    }
    weft_payload_ref(copy.payload);
    if (copy.wire != NULL) {
        weft_payload_ref(copy.wire);
    }
    *out_copy = copy;
    return WEFT_OK;
}

struct weft_batch *weft_batch_try_clone(struct weft_batch *batch)
{
    weft_check_magic(batch, batch);
    weft_assert(!batch->is_lent);
    struct weft_batch *copy = weft_batch_try_new_like(batch);
    if (copy == NULL || weft_batch_reserve_parts(copy, batch->part_count) != WEFT_OK) {
        weft_batch_free_empty(copy);
        return NULL;
    }
    copy->outlet_flow = batch->outlet_flow;
    for (size_t i = 0; i < batch->part_count; i++) {
        struct weft_part part;
        if (clone_part(&batch->parts[i], &part) != WEFT_OK) {
            for (size_t j = 0; j < copy->part_count; j++) {
                weft_part_release(&copy->parts[j]);
            }
            weft_batch_free_empty(copy);
            return NULL;
        }
        weft_batch_push_part(copy, &part);
    }
    for (size_t i = 0; i < copy->part_count; i++) {
        if (copy->parts[i].ticket != NULL) {
            weft_ticket_add(copy->parts[i].ticket, copy->parts[i].weight);
        }
    }
    return copy;
}

enum weft_status weft_batch_merge(struct weft_batch *batch, struct weft_batch **own_other)
{
    struct weft_batch *other = *own_other;
    weft_check_magic(batch, batch);
    weft_check_magic(other, batch);
    weft_assert(batch != other && !batch->is_lent && !other->is_lent);
    weft_assert(batch->signal == other->signal && weft_list_is_empty(&other->node));
    weft_assert(!weft_signal_stays_whole(batch->signal));
    weft_assert(batch->budget == other->budget);
    struct weft_metadata *common;
    if (weft_batch_reserve_parts(batch, batch->part_count + other->part_count) != WEFT_OK ||
        weft_metadata_try_common(batch->metadata, other->metadata, &common) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    for (size_t i = 0; i < other->part_count; i++) {
        weft_batch_push_part(batch, &other->parts[i]);
    }
    weft_metadata_unref(&batch->metadata);
    batch->metadata = common;
    weft_batch_free_empty(other);
    *own_other = NULL;
    return WEFT_OK;
}

enum weft_status weft_part_try_build(const struct weft_batch *batch, const struct weft_part *part,
                                     const struct weft_otlp_row_visitor *visitor, struct weft_arena **out_arena,
                                     struct weft_otlp_table *out_table)
{
    struct weft_arena *arena = weft_arena_try_new_charged(batch->budget, weft_otlp_table_rows_bytes(&part->counts));
    if (arena == NULL) {
        return WEFT_NOMEM;
    }
    enum weft_status status = weft_otlp_table_build_visited(batch->signal, weft_payload_slice(part->payload),
                                                            &part->counts, arena, visitor, out_table, NULL);
    if (status != WEFT_OK) {
        weft_arena_unref(&arena);
        return status;
    }
    *out_arena = arena;
    return WEFT_OK;
}

static enum weft_status open_visited(const struct weft_batch *batch, struct weft_part *part,
                                     const struct weft_otlp_row_visitor *visitor)
{
    weft_assert(!part->is_open && !weft_signal_stays_whole(batch->signal));
    enum weft_status status = weft_part_try_build(batch, part, visitor, &part->arena, &part->table);
    if (status == WEFT_OK) {
        part->is_open = true;
        weft_payload_unref(&part->wire);
    }
    return status;
}

enum weft_status weft_part_open(const struct weft_batch *batch, struct weft_part *part)
{
    return part->is_open ? WEFT_OK : open_visited(batch, part, NULL);
}

enum weft_status weft_batch_visit(struct weft_batch *batch, size_t part_index,
                                  const struct weft_otlp_row_visitor *visitor)
{
    weft_check_magic(batch, batch);
    weft_assert(!batch->is_lent && part_index < batch->part_count);
    struct weft_part *part = &batch->parts[part_index];
    if (!part->is_open) {
        return open_visited(batch, part, visitor);
    }
    enum weft_status status = WEFT_OK;
    for (uint32_t i = 0; status == WEFT_OK && i < part->table.record_count; i++) {
        status = visitor->on_row(visitor->context, &part->table, &part->table.records[i]);
    }
    return status;
}

enum weft_status weft_batch_open(struct weft_batch *batch)
{
    weft_check_magic(batch, batch);
    weft_assert(!batch->is_lent);
    for (size_t i = 0; i < batch->part_count; i++) {
        if (weft_part_open(batch, &batch->parts[i]) != WEFT_OK) {
            return WEFT_NOMEM;
        }
    }
    return WEFT_OK;
}

void weft_batch_recount(struct weft_batch *batch)
{
    weft_check_magic(batch, batch);
    weft_assert(!batch->is_lent);
    batch->weight = 0;
    batch->size_bytes = 0;
    for (size_t i = 0; i < batch->part_count; i++) {
        struct weft_part *part = &batch->parts[i];
        if (part->is_open) {
            weft_assert(part->ticket == NULL || part->table.weight == part->weight);
            part->weight = part->table.weight;
            part->size_bytes = weft_otlp_table_size_bytes(&part->table);
        }
        batch->weight += part->weight;
        batch->size_bytes += part->size_bytes;
    }
}

enum weft_status weft_batch_emit(const struct weft_batch *batch, struct weft_arena *arena, struct weft_slices *slices)
{
    weft_check_magic(batch, batch);
    for (size_t i = 0; i < batch->part_count; i++) {
        const struct weft_part *part = &batch->parts[i];
        enum weft_status status = part->is_open ? weft_otlp_table_emit(&part->table, arena, slices)
                                                : weft_slices_add(slices, weft_payload_slice(part->payload));
        if (status != WEFT_OK) {
            return status;
        }
    }
    return WEFT_OK;
}

static void settle_part(struct weft_part *part, const struct weft_error *outcome, int64_t retry_after_ns)
{
    struct weft_ticket *ticket = part->ticket;
    part->ticket = NULL;
    if (ticket != NULL && part->weight > 0) {
        weft_ticket_settle(ticket, part->weight, outcome, retry_after_ns);
    }
}

void weft_batch_hand_over(struct weft_batch *batch, size_t first_part)
{
    weft_check_magic(batch, batch);
    weft_assert(!batch->is_lent && first_part <= batch->part_count);
    for (size_t i = first_part; i < batch->part_count; i++) {
        struct weft_part *part = &batch->parts[i];
        if (part->ticket != NULL && part->ticket->acknowledge == WEFT_ACKNOWLEDGE_ACCEPTED) {
            settle_part(part, NULL, -1);
        }
    }
}

void weft_batch_end(struct weft_batch **own_batch, const struct weft_error *outcome, int64_t retry_after_ns)
{
    struct weft_batch *batch = *own_batch;
    *own_batch = NULL;
    weft_check_magic(batch, batch);
    weft_assert(!batch->is_lent && weft_list_is_empty(&batch->node));
    for (size_t i = 0; i < batch->part_count; i++) {
        settle_part(&batch->parts[i], outcome, retry_after_ns);
        weft_part_release(&batch->parts[i]);
    }
    weft_batch_free_empty(batch);
}
