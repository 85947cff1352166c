/* Dividing records (filter_divide.h). */
#include "processors/filter_divide.h"

#include "base/assert.h"
#include "processors/filter_items.h"

static enum weft_status fail_memory(const struct weft_filter_look *look, struct weft_error *error)
{
    return weft_fail(error, WEFT_NOMEM, "%s: no memory to take something out of a record", look->id);
}

static struct weft_slice bytes_of(const struct weft_otlp_record *record)
{
    return weft_slice_of(record->bytes, record->length);
}

/* The record with some of its items only, in the arena of its part. */
static enum weft_status write_some(struct weft_filter_look *look, struct weft_arena *arena, bool are_selected,
                                   const struct weft_otlp_record *record, struct weft_otlp_record *out_record)
{
    struct weft_buffer *out = &look->rebuilt;
    weft_buffer_clear(out);
    weft_filter_items_put(look->signal, bytes_of(record), &look->items, are_selected, out);
    if (weft_buffer_status(out) != WEFT_OK) {
        weft_buffer_fini(out);
        return WEFT_NOMEM;
    }
    uint8_t *bytes = weft_arena_try_bytes(arena, out->length);
    if (bytes == NULL || out->length > UINT32_MAX) {
        return WEFT_NOMEM;
    }
    if (out->length > 0) {
        memcpy(bytes, out->bytes, out->length);
    }
    *out_record = *record;
    out_record->bytes = bytes;
    out_record->length = (uint32_t)out->length;
    return WEFT_OK;
}

static enum weft_status divide_spans(struct weft_filter_look *look, struct weft_part *part, size_t first_record,
                                     struct weft_error *error)
{
    for (uint32_t i = 0; i < part->table.record_count; i++) {
        struct weft_otlp_record *record = &part->table.records[i];
        if (!weft_selection_has(&look->divided, first_record + i)) {
            continue;
        }
        enum weft_status status = weft_filter_look_again(look, &part->table, record, error);
        if (status != WEFT_OK) {
            return status;
        }
        if (write_some(look, part->arena, false, record, record) != WEFT_OK) {
            return fail_memory(look, error);
        }
    }
    return WEFT_OK;
}

/* One metric becomes two rows. */
static enum weft_status divide_metric(struct weft_filter_look *look, struct weft_part *part,
                                      const struct weft_otlp_record *record, struct weft_otlp_record *rows,
                                      struct weft_error *error)
{
    enum weft_status status = weft_filter_look_again(look, &part->table, record, error);
    if (status != WEFT_OK) {
        return status;
    }
    uint32_t dropped = (uint32_t)weft_selection_count(&look->items, 0, look->items.count);
    weft_assert(dropped > 0 && dropped < record->weight);
    if (write_some(look, part->arena, false, record, &rows[0]) != WEFT_OK ||
        write_some(look, part->arena, true, record, &rows[1]) != WEFT_OK) {
        return fail_memory(look, error);
    }
    rows[0].weight = record->weight - dropped;
    rows[1].weight = dropped;
    return WEFT_OK;
}

/* The rows of the part with a second one behind each that is divided. */
static enum weft_status divide_metrics(struct weft_filter_look *look, struct weft_part *part, size_t first_record,
                                       size_t first_row, struct weft_selection *dropped, struct weft_error *error)
{
    struct weft_otlp_table *table = &part->table;
    size_t extra = weft_selection_count(&look->divided, first_record, first_record + table->record_count);
    struct weft_otlp_record *rows = weft_arena_try_alloc(part->arena, (table->record_count + extra) * sizeof *rows);
    uint32_t count = 0;
    if (rows == NULL) {
        return fail_memory(look, error);
    }
    for (uint32_t i = 0; i < table->record_count; i++) {
        bool is_divided = weft_selection_has(&look->divided, first_record + i);
        if (is_divided) {
            enum weft_status status = divide_metric(look, part, &table->records[i], &rows[count], error);
            if (status != WEFT_OK) {
                return status;
            }
            weft_selection_add(dropped, first_row + count + 1);
        } else {
            rows[count] = table->records[i];
            if (weft_selection_has(&look->dropped, first_record + i)) {
                weft_selection_add(dropped, first_row + count);
            }
        }
        count += is_divided ? 2 : 1;
    }
    table->records = rows;
    table->record_count = count;
    return WEFT_OK;
}

enum weft_status weft_filter_divide(struct weft_filter_look *look, struct weft_edit *edit,
                                    struct weft_selection *out_dropped, struct weft_error *error)
{
    size_t count = look->dropped.count;
    size_t extra = look->signal == WEFT_METRICS ? weft_selection_count(&look->divided, 0, count) : 0;
    size_t first_record = 0, first_row = 0;
    if (weft_selection_begin(out_dropped, count + extra) != WEFT_OK || weft_edit_open(edit) != WEFT_OK) {
        return fail_memory(look, error);
    }
    for (size_t i = 0; i < edit->batch->part_count; i++) {
        struct weft_part *part = &edit->batch->parts[i];
        uint32_t record_count = part->table.record_count;
        enum weft_status status = look->signal == WEFT_METRICS
                                      ? divide_metrics(look, part, first_record, first_row, out_dropped, error)
                                      : divide_spans(look, part, first_record, error);
        if (status != WEFT_OK) {
            return status;
        }
        first_record += record_count;
        first_row += part->table.record_count;
    }
    for (size_t i = 0; look->signal != WEFT_METRICS && i < count; i++) {
        i = weft_selection_next(&look->dropped, i, count);
        if (i < count) {
            weft_selection_add(out_dropped, i);
        }
    }
    weft_edit_note_change(edit);
    return WEFT_OK;
}
