/* Batches (batch.h): parts over counted payloads, cloned by reference, merged by concatenation, split through tables.
 */
#include "pipeline/batch.h"

#include "base/alloc.h"
#include "base/assert.h"

static struct weft_batch *try_new_empty(enum weft_signal signal)
{
    struct weft_batch *batch = weft_try_alloc(sizeof *batch);
    if (batch != NULL) {
        weft_list_init(&batch->node);
        batch->signal = signal;
        batch->parts = &batch->first_part;
        batch->part_capacity = 1;
    }
    return batch;
}

static enum weft_status reserve_parts(struct weft_batch *batch, size_t part_count)
{
    if (part_count <= batch->part_capacity) {
        return WEFT_OK;
    }
    size_t capacity = batch->part_capacity * 2 > part_count ? batch->part_capacity * 2 : part_count;
    bool is_inline = batch->parts == &batch->first_part;
    struct weft_part *parts = is_inline ? weft_try_alloc_raw(capacity * sizeof *parts)
                                        : weft_try_realloc(batch->parts, capacity * sizeof *parts);
    if (parts == NULL) {
        return WEFT_NOMEM;
    }
    if (is_inline) {
        memcpy(parts, batch->parts, batch->part_count * sizeof *parts);
    }
    batch->parts = parts;
    batch->part_capacity = capacity;
    return WEFT_OK;
}

/* The caller has reserved the room. */
static void push_part(struct weft_batch *batch, const struct weft_part *part)
{
    weft_assert(batch->part_count < batch->part_capacity);
    batch->parts[batch->part_count++] = *part;
    batch->weight += part->weight;
    batch->size_bytes += part->size_bytes;
}

static void drop_parts_front(struct weft_batch *batch, size_t part_count)
{
    for (size_t i = 0; i < part_count; i++) {
        batch->weight -= batch->parts[i].weight;
        batch->size_bytes -= batch->parts[i].size_bytes;
    }
    batch->part_count -= part_count;
    memmove(batch->parts, batch->parts + part_count, batch->part_count * sizeof *batch->parts);
}

static void free_empty(struct weft_batch *batch)
{
    if (batch->parts != &batch->first_part) {
        weft_free(batch->parts);
    }
    weft_free(batch);
}

struct weft_batch *weft_batch_try_new(enum weft_signal signal, struct weft_payload **own_payload,
                                      struct weft_payload *wire, enum weft_encoding wire_encoding,
                                      const struct weft_otlp_counts *counts, struct weft_ticket *ticket)
{
    struct weft_batch *batch = try_new_empty(signal);
    if (batch == NULL) {
        return NULL;
    }
    struct weft_part part = {
        .payload = *own_payload,
        .wire = wire == NULL ? NULL : weft_payload_ref(wire),
        .wire_encoding = wire_encoding,
        .ticket = ticket,
        .counts = *counts,
        .weight = signal == WEFT_METRICS ? counts->data_points : counts->records,
        .size_bytes = (*own_payload)->length,
    };
    *own_payload = NULL;
    push_part(batch, &part);
    return batch;
}

static void release_part(struct weft_part *part)
{
    weft_payload_unref(&part->payload);
    weft_payload_unref(&part->wire);
    weft_arena_unref(&part->arena);
}

/* Shares what can be shared; an open part gets a table of its own in the shared arena, which only grows. */
static enum weft_status clone_part(const struct weft_part *part, struct weft_part *out_copy)
{
    struct weft_part copy = *part;
    if (part->is_open && weft_otlp_table_copy(&part->table, part->arena, &copy.table) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    weft_payload_ref(copy.payload);
    if (copy.wire != NULL) {
        weft_payload_ref(copy.wire);
    }
    if (copy.arena != NULL) {
        weft_arena_ref(copy.arena);
    }
    *out_copy = copy;
    return WEFT_OK;
}

struct weft_batch *weft_batch_try_clone(const struct weft_batch *batch)
{
    struct weft_batch *copy = try_new_empty(batch->signal);
    if (copy == NULL || reserve_parts(copy, batch->part_count) != WEFT_OK) {
        weft_free(copy);
        return NULL;
    }
    for (size_t i = 0; i < batch->part_count; i++) {
        struct weft_part part;
        if (clone_part(&batch->parts[i], &part) != WEFT_OK) {
            for (size_t j = 0; j < copy->part_count; j++) {
                release_part(&copy->parts[j]);
            }
            free_empty(copy);
            return NULL;
        }
        push_part(copy, &part);
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
    weft_assert(batch->signal == other->signal && weft_list_is_empty(&other->node));
    if (reserve_parts(batch, batch->part_count + other->part_count) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    for (size_t i = 0; i < other->part_count; i++) {
        push_part(batch, &other->parts[i]);
    }
    free_empty(other);
    *own_other = NULL;
    return WEFT_OK;
}

static enum weft_status open_part(enum weft_signal signal, struct weft_part *part)
{
    if (part->is_open) {
        return WEFT_OK;
    }
    struct weft_arena *arena = weft_arena_try_new();
    if (arena == NULL || weft_otlp_table_build(signal, weft_payload_slice(part->payload), &part->counts, arena,
                                               &part->table, NULL) != WEFT_OK) {
        weft_arena_unref(&arena);
        return WEFT_NOMEM;
    }
    part->arena = arena;
    part->is_open = true;
    weft_payload_unref(&part->wire);
    return WEFT_OK;
}

enum weft_status weft_batch_open(struct weft_batch *batch)
{
    for (size_t i = 0; i < batch->part_count; i++) {
        if (open_part(batch->signal, &batch->parts[i]) != WEFT_OK) {
            return WEFT_NOMEM;
        }
    }
    return WEFT_OK;
}

void weft_batch_recount(struct weft_batch *batch)
{
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

/* The encoded size of what a split leaves. Counting it anew after every split would make the splits of one large
 * request quadratic, so a rest that will be split many times more gets a close upper bound: what both halves repeat are
 * the envelope, one resource's and one scope's fields, and their frames. What may leave without another split is exact.
 */
static size_t size_of_rest(const struct weft_part *part, const struct weft_part *piece, uint64_t max_weight)
{
    enum { REPEATED_FRAMES_BYTES = 2 * 6, SPLITS_TO_COME = 4 };
    const struct weft_otlp_table *rest = &part->table;
    if (rest->weight / SPLITS_TO_COME <= max_weight) {
        return weft_otlp_table_size_bytes(rest);
    }
    const struct weft_otlp_scope *scope = &rest->scopes[rest->records[0].scope];
    size_t repeated = rest->envelope.length + scope->header.length + rest->resources[scope->resource].header.length;
    return part->size_bytes + repeated + REPEATED_FRAMES_BYTES - piece->size_bytes;
}

/* Splits the first part of the batch between head and batch. */
static enum weft_status split_first_part(struct weft_batch *batch, struct weft_batch *head, uint64_t max_weight,
                                         size_t max_bytes)
{
    uint64_t room = max_weight - head->weight;
    struct weft_part *part = &batch->parts[0];
    if (open_part(batch->signal, part) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    struct weft_part piece = *part;
    weft_otlp_table_split(&part->table, room, max_bytes, &piece.table);
    piece.weight = piece.table.weight;
    piece.size_bytes = weft_otlp_table_size_bytes(&piece.table);
    push_part(head, &piece);
    if (part->table.record_count == 0) {
        drop_parts_front(batch, 1);
        return WEFT_OK;
    }
    weft_payload_ref(piece.payload);
    weft_arena_ref(piece.arena);
    batch->weight -= piece.weight;
    batch->size_bytes -= part->size_bytes;
    part->weight -= piece.weight;
    part->size_bytes = size_of_rest(part, &piece, max_bytes > 0 ? UINT64_MAX : max_weight);
    batch->size_bytes += part->size_bytes;
    return WEFT_OK;
}

enum weft_status weft_batch_split(struct weft_batch *batch, uint64_t max_weight, size_t max_bytes,
                                  struct weft_batch **out_head)
{
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
    struct weft_batch *head = try_new_empty(batch->signal);
    if (head == NULL || reserve_parts(head, whole_count + 1) != WEFT_OK) {
        weft_free(head);
        return WEFT_NOMEM;
    }
    for (size_t i = 0; i < whole_count; i++) {
        push_part(head, &batch->parts[i]);
    }
    drop_parts_front(batch, whole_count);
    /* By weight the head is filled to the brim; by bytes it is enough that one record moves. */
    bool has_room = weight < max_weight && (whole_count == 0 || max_bytes == 0);
    if (batch->part_count > 0 && has_room && split_first_part(batch, head, max_weight, max_bytes) != WEFT_OK &&
        whole_count == 0) {
        free_empty(head);
        return WEFT_NOMEM;
    }
    head->outlet_flow = batch->outlet_flow;
    *out_head = head;
    return WEFT_OK;
}

enum weft_status weft_batch_take_last_part(struct weft_batch *batch, struct weft_batch **out_single)
{
    weft_assert(batch->part_count > 1);
    struct weft_batch *single = try_new_empty(batch->signal);
    if (single == NULL) {
        return WEFT_NOMEM;
    }
    const struct weft_part *last = &batch->parts[--batch->part_count];
    push_part(single, last);
    batch->weight -= last->weight;
    batch->size_bytes -= last->size_bytes;
    single->outlet_flow = batch->outlet_flow;
    *out_single = single;
    return WEFT_OK;
}

enum weft_status weft_batch_emit(const struct weft_batch *batch, struct weft_arena *arena, struct weft_slices *slices)
{
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
    weft_assert(weft_list_is_empty(&batch->node));
    for (size_t i = 0; i < batch->part_count; i++) {
        settle_part(&batch->parts[i], outcome, retry_after_ns);
        release_part(&batch->parts[i]);
    }
    free_empty(batch);
}
