/* Copying records out of a batch (batch.h). Only reads: the batch may be lent, and then other threads read it, too. */
#include "base/assert.h"
#include "pipeline/batch_internal.h"

struct copying {
    const struct weft_batch *batch;
    const struct weft_selection *selection;
    struct weft_payload_pool *pool;
    struct weft_batch *copy;
};

static enum weft_status push_payload(struct copying *copying, struct weft_payload *payload,
                                     const struct weft_otlp_counts *counts, uint64_t weight)
{
    struct weft_part part = { .payload = payload, .counts = *counts, .weight = weight, .size_bytes = payload->length };
    weft_batch_push_part(copying->copy, &part);
    return WEFT_OK;
}

static enum weft_status copy_whole(struct copying *copying, const struct weft_part *part)
{
    struct weft_payload *payload = weft_payload_try_new(copying->pool, part->payload->length);
    if (payload == NULL) {
        return WEFT_NOMEM;
    }
    weft_payload_append(payload, weft_payload_slice(part->payload).bytes, part->payload->length);
    return push_payload(copying, payload, &part->counts, part->weight);
}

/* Writes the request that the table stands for into a payload of its own. */
static enum weft_status copy_table(struct copying *copying, const struct weft_otlp_table *table,
                                   struct weft_arena *arena)
{
    struct weft_slices slices;
    weft_slices_init(&slices);
    enum weft_status status = weft_otlp_table_emit(table, arena, &slices);
    struct weft_payload *payload = status == WEFT_OK ? weft_payload_try_new(copying->pool, slices.length) : NULL;
    for (size_t i = 0; payload != NULL && i < slices.count; i++) {
        weft_payload_append(payload, slices.items[i].bytes, slices.items[i].length);
    }
    weft_slices_fini(&slices);
    if (payload == NULL) {
        return WEFT_NOMEM;
    }
    struct weft_otlp_counts counts;
    struct weft_error error;
    status = weft_otlp_check(table->signal, weft_payload_slice(payload), NULL, &counts, &error);
    weft_assert(status == WEFT_OK); /* it was made of records that have been checked */
    return push_payload(copying, payload, &counts, table->weight);
}

enum weft_status weft_batch_look(const struct weft_batch *batch, const struct weft_part *part,
                                 struct weft_arena **out_arena, struct weft_otlp_table *out_table)
{
    *out_arena = NULL;
    if (part->is_open) {
        *out_table = part->table;
        return WEFT_OK;
    }
    return weft_part_try_build(batch, part, NULL, out_arena, out_table);
}

static enum weft_status copy_some(struct copying *copying, const struct weft_part *part, size_t first_bit)
{
    struct weft_otlp_table table, picked;
    struct weft_arena *built = NULL;
    struct weft_arena *picked_arena = NULL;
    enum weft_status status = weft_batch_look(copying->copy, part, &built, &table);
    if (status == WEFT_OK) {
        status =
            weft_otlp_table_pick(&table, copying->selection, first_bit, copying->copy->budget, &picked_arena, &picked);
    }
    if (status == WEFT_OK) {
        status = copy_table(copying, &picked, picked_arena);
    }
    weft_arena_unref(&picked_arena);
    weft_arena_unref(&built);
    return status;
}

static enum weft_status copy_parts(struct copying *copying)
{
    const struct weft_batch *batch = copying->batch;
    size_t first_bit = 0;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < batch->part_count; i++) {
        const struct weft_part *part = &batch->parts[i];
        size_t record_count = weft_part_record_count(part);
        size_t selected = weft_selection_count(copying->selection, first_bit, first_bit + record_count);
        if (selected == record_count && !part->is_open && record_count > 0) {
            status = copy_whole(copying, part);
        } else if (selected > 0) {
            status = copy_some(copying, part, first_bit);
        }
        first_bit += record_count;
    }
    return status;
}

enum weft_status weft_batch_copy(const struct weft_batch *batch, const struct weft_selection *selection,
                                 struct weft_payload_pool *pool, struct weft_batch **out_copy)
{
    weft_check_magic(batch, batch);
    weft_assert(selection->count == weft_batch_record_count(batch));
    struct copying copying = { .batch = batch,
                               .selection = selection,
                               .pool = pool,
                               .copy = weft_batch_try_new_empty(batch->budget, batch->signal) };
    if (copying.copy == NULL) {
        return WEFT_NOMEM;
    }
    enum weft_status status = weft_batch_reserve_parts(copying.copy, batch->part_count);
    if (status == WEFT_OK) {
        status = copy_parts(&copying);
    }
    if (status != WEFT_OK) {
        weft_batch_end(&copying.copy, NULL, -1);
        return status;
    }
    *out_copy = copying.copy;
    return WEFT_OK;
}
