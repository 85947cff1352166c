/* Taking records out of a table (otlp_table.h): what is picked gets a table whose memory is all its own, what stays
 * closes up in place. Called by batches, for filters and samplers. */
#include "wire/otlp_table_internal.h"

enum { NO_ROW = UINT32_MAX };

/* Selected rows of one table. */
struct picking {
    const struct weft_otlp_table *table;
    const struct weft_selection *selection;
    size_t first_bit;
    struct weft_otlp_counts counts; /* of what is selected, and what goes with it */
    size_t foreign_bytes;           /* of those that lie elsewhere than in the request */
};

/* What the request does not hold has to be copied. */
static bool is_foreign(const struct weft_otlp_table *table, struct weft_slice slice)
{
    uintptr_t start = (uintptr_t)table->request.bytes, at = (uintptr_t)slice.bytes;
    return slice.length > 0 && (at < start || at >= start + table->request.length);
}

static void measure_slice(struct picking *picking, struct weft_slice slice)
{
    picking->foreign_bytes += is_foreign(picking->table, slice) ? slice.length : 0;
}

/* The selected record at index or after it; the table's count when there is none. */
static uint32_t next_selected(const struct picking *picking, uint32_t index)
{
    size_t end = picking->first_bit + picking->table->record_count;
    return (uint32_t)(weft_selection_next(picking->selection, picking->first_bit + index, end) - picking->first_bit);
}

static void measure(struct picking *picking)
{
    const struct weft_otlp_table *table = picking->table;
    uint32_t scope = NO_ROW, resource = NO_ROW;
    measure_slice(picking, table->envelope);
    for (uint32_t i = next_selected(picking, 0); i < table->record_count; i = next_selected(picking, i + 1)) {
        const struct weft_otlp_record *record = &table->records[i];
        measure_slice(picking, weft_slice_of(record->bytes, record->length));
        picking->counts.records++;
        if (record->scope == scope) {
            continue;
        }
        scope = record->scope;
        measure_slice(picking, table->scopes[scope].header);
        picking->counts.scopes++;
        if (table->scopes[scope].resource != resource) {
            resource = table->scopes[scope].resource;
            measure_slice(picking, table->resources[resource].header);
            picking->counts.resources++;
        }
    }
}

/* The slice itself, or a copy at *to. */
static struct weft_slice carry(const struct weft_otlp_table *table, struct weft_slice slice, uint8_t **to)
{
    if (!is_foreign(table, slice)) {
        return slice;
    }
    uint8_t *copy = *to;
    memcpy(copy, slice.bytes, slice.length);
    *to += slice.length;
    return weft_slice_of(copy, slice.length);
}

/* picked has room for what was measured. */
static void fill(const struct picking *picking, struct weft_otlp_table *picked, uint8_t *foreign)
{
    const struct weft_otlp_table *table = picking->table;
    uint32_t scope = NO_ROW, resource = NO_ROW;
    picked->envelope = carry(table, table->envelope, &foreign);
    for (uint32_t i = next_selected(picking, 0); i < table->record_count; i = next_selected(picking, i + 1)) {
        struct weft_otlp_record record = table->records[i];
        if (record.scope != scope) {
            scope = record.scope;
            const struct weft_otlp_scope *from = &table->scopes[scope];
            if (from->resource != resource) {
                resource = from->resource;
                picked->resources[picked->resource_count++].header =
                    carry(table, table->resources[resource].header, &foreign);
            }
            picked->scopes[picked->scope_count++] =
                (struct weft_otlp_scope){ carry(table, from->header, &foreign), picked->resource_count - 1 };
        }
        record.bytes = carry(table, weft_slice_of(record.bytes, record.length), &foreign).bytes;
        record.scope = picked->scope_count - 1;
        picked->records[picked->record_count++] = record;
        picked->weight += record.weight;
    }
}

enum weft_status weft_otlp_table_pick(const struct weft_otlp_table *table, const struct weft_selection *selection,
                                      size_t first_bit, struct weft_budget *budget, struct weft_arena **out_arena,
                                      struct weft_otlp_table *out_picked)
{
    struct picking picking = { .table = table, .selection = selection, .first_bit = first_bit };
    measure(&picking);
    struct weft_otlp_table picked = { .signal = table->signal, .request = table->request };
    struct weft_arena *arena =
        weft_arena_try_new_charged(budget, weft_otlp_table_rows_bytes(&picking.counts) + picking.foreign_bytes);
    uint8_t *foreign = NULL;
    bool has_all = arena != NULL && weft_otlp_table_take_rows(&picked, &picking.counts, arena) == WEFT_OK;
    if (has_all) {
        foreign = weft_arena_try_bytes(arena, picking.foreign_bytes);
    }
    if (foreign == NULL) {
        weft_arena_unref(&arena);
        return WEFT_NOMEM;
    }
    fill(&picking, &picked, foreign);
    *out_arena = arena;
    *out_picked = picked;
    return WEFT_OK;
}

void weft_otlp_table_remove(struct weft_otlp_table *table, const struct weft_selection *selection, size_t first_bit)
{
    struct picking picking = { .table = table, .selection = selection, .first_bit = first_bit };
    uint32_t at = next_selected(&picking, 0), kept = at;
    while (at < table->record_count) {
        table->weight -= table->records[at].weight;
        uint32_t next = next_selected(&picking, at + 1);
        memmove(&table->records[kept], &table->records[at + 1], (next - at - 1) * sizeof *table->records);
        kept += next - at - 1;
        at = next;
    }
    table->record_count = kept;
}
