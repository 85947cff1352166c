/* Taking records out of a batch (batch.h). Nothing of the batch is changed before all memory is there: the parts that
 * will be are made beside those that are, in two lists, and then take their places. */
#include "base/assert.h"
#include "pipeline/batch_internal.h"

/* How much of a part is selected. */
enum share { SHARE_NONE, SHARE_SOME, SHARE_ALL };

struct taking {
    struct weft_batch *batch;
    const struct weft_selection *selection;
    struct weft_batch *taken, *kept; /* the lists; their parts own nothing yet but the arenas of divided ones */
};

size_t weft_part_record_count(const struct weft_part *part)
{
    return part->is_open ? part->table.record_count : part->counts.records;
}

size_t weft_batch_record_count(const struct weft_batch *batch)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->part_count; i++) {
        count += weft_part_record_count(&batch->parts[i]);
    }
    return count;
}

static enum share share_of(const struct taking *taking, const struct weft_part *part, size_t first_bit)
{
    size_t record_count = weft_part_record_count(part);
    size_t selected = weft_selection_count(taking->selection, first_bit, first_bit + record_count);
    if (selected == 0) {
        return SHARE_NONE;
    }
    return selected == record_count ? SHARE_ALL : SHARE_SOME;
}

/* Makes both parts that a divided one becomes. Of what is kept only the table is there yet, with all rows. */
static enum weft_status divide(struct taking *taking, const struct weft_part *part, size_t first_bit)
{
    struct weft_part kept = *part;
    if (!part->is_open) {
        if (weft_part_try_build(taking->batch, part, NULL, &kept.arena, &kept.table) != WEFT_OK) {
            return WEFT_NOMEM;
        }
        kept.is_open = true;
        kept.wire = NULL;
    }
    struct weft_part taken = kept;
    if (weft_otlp_table_pick(&kept.table, taking->selection, first_bit, taking->batch->budget, &taken.arena,
                             &taken.table) != WEFT_OK) {
        if (!part->is_open) {
            weft_arena_unref(&kept.arena);
        }
        return WEFT_NOMEM;
    }
    taken.weight = taken.table.weight;
    taken.size_bytes = weft_otlp_table_size_bytes(&taken.table);
    weft_batch_push_part(taking->taken, &taken);
    weft_batch_push_part(taking->kept, &kept);
    return WEFT_OK;
}

/* Takes back what was made of the parts before the given one. */
static void take_back(struct taking *taking, size_t part_end)
{
    size_t first_bit = 0, taken_index = 0, kept_index = 0;
    for (size_t i = 0; i < part_end; i++) {
        const struct weft_part *part = &taking->batch->parts[i];
        enum share share = share_of(taking, part, first_bit);
        if (share == SHARE_SOME) {
            weft_arena_unref(&taking->taken->parts[taken_index].arena);
        }
        if (share == SHARE_SOME && !part->is_open) {
            weft_arena_unref(&taking->kept->parts[kept_index].arena);
        }
        taken_index += share != SHARE_NONE;
        kept_index += share != SHARE_ALL;
        first_bit += weft_part_record_count(part);
    }
}

static enum weft_status make_lists(struct taking *taking)
{
    size_t first_bit = 0;
    for (size_t i = 0; i < taking->batch->part_count; i++) {
        const struct weft_part *part = &taking->batch->parts[i];
        enum share share = share_of(taking, part, first_bit);
        if (share == SHARE_SOME && divide(taking, part, first_bit) != WEFT_OK) {
            take_back(taking, i);
            return WEFT_NOMEM;
        }
        if (share != SHARE_SOME) {
            weft_batch_push_part(share == SHARE_ALL ? taking->taken : taking->kept, part);
        }
        first_bit += weft_part_record_count(part);
    }
    return WEFT_OK;
}

/* From here on nothing fails: what is taken out of a part leaves its table, and the batch has the parts that it keeps.
 */
static void change_places(struct taking *taking)
{
    struct weft_batch *batch = taking->batch;
    size_t first_bit = 0, kept_index = 0;
    for (size_t i = 0; i < batch->part_count; i++) {
        struct weft_part *part = &batch->parts[i];
        enum share share = share_of(taking, part, first_bit);
        first_bit += weft_part_record_count(part);
        if (share == SHARE_SOME) {
            struct weft_part *kept = &taking->kept->parts[kept_index];
            weft_otlp_table_remove(&kept->table, taking->selection, first_bit - weft_part_record_count(part));
            kept->weight = kept->table.weight;
            kept->size_bytes = weft_otlp_table_size_bytes(&kept->table);
            weft_payload_ref(part->payload); /* which is also what was taken out of it */
            weft_payload_unref(&part->wire);
        }
        kept_index += share != SHARE_ALL;
    }
    batch->weight = 0;
    batch->size_bytes = 0;
    batch->part_count = 0;
    for (size_t i = 0; i < taking->kept->part_count; i++) {
        weft_batch_push_part(batch, &taking->kept->parts[i]);
    }
}

enum weft_status weft_batch_take(struct weft_batch *batch, const struct weft_selection *selection,
                                 struct weft_batch **out_taken)
{
    weft_check_magic(batch, batch);
    weft_assert(!batch->is_lent);
    weft_assert(selection->count == weft_batch_record_count(batch));
    if (weft_selection_count(selection, 0, selection->count) == 0) {
        *out_taken = NULL;
        return WEFT_OK;
    }
    struct taking taking = { .batch = batch,
                             .selection = selection,
                             .taken = weft_batch_try_new_like(batch),
                             .kept = weft_batch_try_new_like(batch) };
    bool has_room = taking.taken != NULL && taking.kept != NULL &&
                    weft_batch_reserve_parts(taking.taken, batch->part_count) == WEFT_OK &&
                    weft_batch_reserve_parts(taking.kept, batch->part_count) == WEFT_OK;
    if (!has_room || make_lists(&taking) != WEFT_OK) {
        weft_batch_free_empty(taking.taken);
        weft_batch_free_empty(taking.kept);
        return WEFT_NOMEM;
    }
    change_places(&taking);
    weft_batch_free_empty(taking.kept);
    taking.taken->outlet_flow = batch->outlet_flow;
    *out_taken = taking.taken;
    return WEFT_OK;
}

struct weft_batch_cursor weft_batch_records(const struct weft_batch *batch)
{
    weft_check_magic(batch, batch);
    return (struct weft_batch_cursor){ .batch = batch, .index = SIZE_MAX };
}

static bool next_in_part(struct weft_batch_cursor *cursor, const struct weft_part *part, struct weft_slice *out_record)
{
    if (!part->is_open) {
        if (!cursor->is_walking) {
            cursor->walk = weft_otlp_walk_of(weft_payload_slice(part->payload));
            cursor->is_walking = true;
        }
        bool has_record = weft_otlp_walk_next(&cursor->walk, out_record);
        cursor->resource_x = cursor->walk.resource_x;
        cursor->scope_x = cursor->walk.scope_x;
        return has_record;
    }
    if (cursor->row == part->table.record_count) {
        return false;
    }
    const struct weft_otlp_record *record = &part->table.records[cursor->row++];
    const struct weft_otlp_scope *scope = &part->table.scopes[record->scope];
    cursor->resource_x = part->table.resources[scope->resource].header;
    cursor->scope_x = scope->header;
    *out_record = weft_slice_of(record->bytes, record->length);
    return true;
}

bool weft_batch_next_record_anywhere(struct weft_batch_cursor *cursor, struct weft_slice *out_record)
{
    for (; cursor->part < cursor->batch->part_count; cursor->part++, cursor->row = 0, cursor->is_walking = false) {
        if (next_in_part(cursor, &cursor->batch->parts[cursor->part], out_record)) {
            cursor->index++;
            return true;
        }
    }
    return false;
}
