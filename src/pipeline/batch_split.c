/* Splitting batches (batch.h): whole parts move, and at most one is cut, through its table, where that must be between
 * the data points of a metric. */
#include "base/assert.h"
#include "pipeline/batch_internal.h"

static void drop_parts_front(struct weft_batch *batch, size_t part_count)
{
    for (size_t i = 0; i < part_count; i++) {
        batch->weight -= batch->parts[i].weight;
        batch->size_bytes -= batch->parts[i].size_bytes;
    }
    batch->part_count -= part_count;
    memmove(batch->parts, batch->parts + part_count, batch->part_count * sizeof *batch->parts);
}

/* The encoded size of what a split leaves. Counting it anew after every split would make the splits of one large
 * request quadratic, so a rest that will be split many times more gets a close upper bound: what both halves repeat are
 * the envelope, one resource's and one scope's fields, and their frames, besides what they repeat of a metric. What may
 * leave without another split is exact. */
static size_t size_of_rest(const struct weft_part *part, const struct weft_part *piece, uint64_t max_weight,
                           size_t repeated_of_metric)
{
    enum { REPEATED_FRAMES_BYTES = 3 * 6, SPLITS_TO_COME = 4 };
    const struct weft_otlp_table *rest = &part->table;
    if (rest->weight / SPLITS_TO_COME <= max_weight) {
        return weft_otlp_table_size_bytes(rest);
    }
    const struct weft_otlp_scope *scope = &rest->scopes[rest->records[0].scope];
    size_t repeated = rest->envelope.length + scope->header.length + rest->resources[scope->resource].header.length;
    return part->size_bytes + repeated + repeated_of_metric + REPEATED_FRAMES_BYTES - piece->size_bytes;
}

/* Splits the first part of the batch between head and batch. */
static enum weft_status split_first_part(struct weft_batch *batch, struct weft_batch *head, uint64_t max_weight,
                                         size_t max_bytes)
{
    uint64_t room = max_weight - head->weight;
    struct weft_part *part = &batch->parts[0];
    if (weft_part_open(batch, part) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    struct weft_part piece = *part;
    size_t repeated_of_metric;
    if (weft_otlp_table_split(&part->table, room, max_bytes, part->arena, &piece.table, &repeated_of_metric) !=
        WEFT_OK) {
        return WEFT_NOMEM;
    }
    piece.weight = piece.table.weight;
    piece.size_bytes = weft_otlp_table_size_bytes(&piece.table);
    weft_batch_push_part(head, &piece);
    if (part->table.record_count == 0) {
        drop_parts_front(batch, 1);
        return WEFT_OK;
    }
    weft_payload_ref(piece.payload);
    weft_arena_ref(piece.arena);
    batch->weight -= piece.weight;
    batch->size_bytes -= part->size_bytes;
    part->weight -= piece.weight;
    part->ticket = part->weight == 0 ? NULL : part->ticket;
    part->size_bytes = size_of_rest(part, &piece, max_bytes > 0 ? UINT64_MAX : max_weight, repeated_of_metric);
    batch->size_bytes += part->size_bytes;
    return WEFT_OK;
}

enum weft_status weft_batch_split(struct weft_batch *batch, uint64_t max_weight, size_t max_bytes,
                                  struct weft_batch **out_head)
{
    weft_check_magic(batch, batch);
    weft_assert(!batch->is_lent);
    weft_assert(batch->part_count > 0 && max_weight > 0);
    size_t whole_count = 0;
    uint64_t weight = 0;
    size_t size_bytes = 0;
    while (whole_count < batch->part_count) {
        const struct weft_part *part = &batch->parts[whole_count];
        if (part->weight > max_weight - weight || (max_bytes > 0 && part->size_bytes > max_bytes - size_bytes)) {
            break;
        }
        weight += part->weight;
        size_bytes += part->size_bytes;
        whole_count++;
    }
    struct weft_batch *head = weft_batch_try_new_like(batch);
    if (head == NULL || weft_batch_reserve_parts(head, whole_count + 1) != WEFT_OK) {
        weft_batch_free_empty(head);
        return WEFT_NOMEM;
    }
    for (size_t i = 0; i < whole_count; i++) {
        weft_batch_push_part(head, &batch->parts[i]);
    }
    drop_parts_front(batch, whole_count);
    /* By weight the head is filled to the brim; by bytes it is enough that one record moves. */
    bool has_room = weight < max_weight && (whole_count == 0 || max_bytes == 0);
    if (batch->part_count > 0 && has_room && split_first_part(batch, head, max_weight, max_bytes) != WEFT_OK &&
        whole_count == 0) {
        weft_batch_free_empty(head);
        return WEFT_NOMEM;
    }
    head->outlet_flow = batch->outlet_flow;
    *out_head = head;
    return WEFT_OK;
}

enum weft_status weft_batch_halve(struct weft_batch *batch, struct weft_batch **out_head)
{
    weft_check_magic(batch, batch);
    weft_assert(!batch->is_lent && batch->part_count > 0);
    if (batch->part_count == 1) {
        return weft_batch_split(batch, batch->weight > 2 ? batch->weight / 2 : 1, 0, out_head);
    }
    size_t count = batch->part_count / 2;
    struct weft_batch *head = weft_batch_try_new_like(batch);
    if (head == NULL || weft_batch_reserve_parts(head, count) != WEFT_OK) {
        weft_batch_free_empty(head);
        return WEFT_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        weft_batch_push_part(head, &batch->parts[i]);
    }
    drop_parts_front(batch, count);
    head->outlet_flow = batch->outlet_flow;
    *out_head = head;
    return WEFT_OK;
}
