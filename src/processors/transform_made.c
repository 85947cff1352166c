/* Metrics that statements made, and points that came and went (transform_made.h). A row's weight is its number of
 * points, and the table's the sum, so both are kept exact here: the ledger counts by them. */
#include "processors/transform_made.h"

#include "base/assert.h"
#include "ottl/metric.h"
#include "wire/otlp_attributes.h"

void weft_transform_made_fini(struct weft_transform_made *made)
{
    weft_buffer_fini(&made->records);
    weft_buffer_fini(&made->gone);
    weft_buffer_fini(&made->services);
}

void weft_transform_made_clear(struct weft_transform_made *made)
{
    weft_buffer_clear(&made->records);
    weft_buffer_clear(&made->gone);
    weft_buffer_clear(&made->services);
    made->point_count = 0;
}

enum weft_status weft_transform_made_add(struct weft_transform_made *made, struct weft_otlp_table *table,
                                         struct weft_arena *arena, struct weft_slice metric, uint32_t scope)
{
    size_t frame_length = weft_wire_size_bytes_header(WEFT_OTLP_RECORDS_FIELD, metric.length);
    uint8_t *bytes = metric.length > UINT32_MAX ? NULL : weft_arena_try_bytes(arena, frame_length + metric.length);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    uint8_t *contents = weft_wire_put_bytes_header(bytes, WEFT_OTLP_RECORDS_FIELD, metric.length);
    if (metric.length > 0) {
        memcpy(contents, metric.bytes, metric.length);
    }
    struct weft_otlp_record record = { .bytes = contents, .length = (uint32_t)metric.length, .scope = scope };
    record.weight = weft_ottl_metric_point_count(metric);
    weft_buffer_append(&made->records, &record, sizeof record);
    made->point_count += record.weight;
    table->weight += record.weight;
    return weft_buffer_status(&made->records);
}

/* Rows of a resource come one after the other. */
static enum weft_status note_gone(struct weft_transform_made *made, struct weft_slice service, uint64_t count)
{
    size_t noted = made->gone.length / sizeof(struct weft_transform_gone);
    struct weft_transform_gone *last =
        noted == 0 ? NULL : (struct weft_transform_gone *)(void *)made->gone.bytes + (noted - 1);
    if (last != NULL) {
        const uint8_t *end = made->services.bytes + made->services.length;
        if (weft_slice_equal(weft_slice_of(end - last->service_bytes, last->service_bytes), service)) {
            last->count += count;
            return WEFT_OK;
        }
    }
    struct weft_transform_gone gone = { service.length, count };
    weft_buffer_append(&made->services, service.bytes, service.length);
    weft_buffer_append(&made->gone, &gone, sizeof gone);
    return weft_buffer_status(&made->gone) == WEFT_OK ? weft_buffer_status(&made->services) : WEFT_NOMEM;
}

enum weft_status weft_transform_made_recount(struct weft_transform_made *made, struct weft_otlp_table *table,
                                             struct weft_otlp_record *record)
{
    uint32_t before = record->weight;
    struct weft_slice bytes = weft_slice_of(record->bytes, record->length);
    record->weight = weft_ottl_metric_point_count(bytes);
    table->weight += record->weight;
    table->weight -= before;
    if (record->weight >= before) {
        made->point_count += record->weight - before;
        return WEFT_OK;
    }
    const struct weft_otlp_resource *resource = &table->resources[table->scopes[record->scope].resource];
    return note_gone(made, weft_otlp_service_name(resource->header), before - record->weight);
}

enum weft_status weft_transform_made_insert(struct weft_transform_made *made, struct weft_otlp_table *table,
                                            struct weft_arena *arena)
{
    size_t count = weft_transform_made_count(made);
    size_t all = table->record_count + count;
    size_t at = 0, next = 0;
    if (count == 0) {
        return WEFT_OK;
    }
    struct weft_otlp_record *rows = all > UINT32_MAX ? NULL : weft_arena_try_alloc(arena, all * sizeof *rows);
    if (rows == NULL) {
        return WEFT_NOMEM;
    }
    for (uint32_t i = 0; i < table->record_count; i++) {
        for (; next < count && weft_transform_made_at(made, next)->scope < table->records[i].scope; next++) {
            rows[at++] = *weft_transform_made_at(made, next);
        }
        rows[at++] = table->records[i];
    }
    while (next < count) {
        rows[at++] = *weft_transform_made_at(made, next++);
    }
    table->records = rows;
    table->record_count = (uint32_t)all;
    weft_buffer_clear(&made->records);
    return WEFT_OK;
}
