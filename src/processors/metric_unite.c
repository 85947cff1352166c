/* Metrics whose data came in pieces (metric_unite.h). */
#include "processors/metric_unite.h"

#include "base/assert.h"
#include "base/work.h"
#include "wire/checked.h"
#include "wire/otlp_metric_data.h"

/* Of a metric: its data, and the fields that are none. */
struct extent {
    uint32_t number;      /* of the data that counts: the last kind */
    const uint8_t *start; /* of its first piece behind those of other kinds */
    size_t pieces;        /* of any kind */
    size_t data_bytes, other_bytes;
};

static struct extent extent_of(struct weft_slice metric)
{
    struct weft_wire_reader reader = weft_wire_reader_of(metric);
    struct weft_wire_field field;
    struct extent extent = { 0 };
    enum { METRIC_BYTES = 64 }; /* what a look at its fields costs */
    weft_work_did(METRIC_BYTES);
    while (weft_wire_next_checked(&reader, &field)) {
        if (!weft_otlp_is_metric_data(&field)) {
            extent.other_bytes += field.whole.length;
            continue;
        }
        if (field.number != extent.number) {
            extent.number = field.number;
            extent.start = field.whole.bytes;
            extent.data_bytes = 0;
        }
        extent.data_bytes += field.bytes.length;
        extent.pieces++;
    }
    return extent;
}

static uint8_t *append(uint8_t *to, struct weft_slice bytes)
{
    if (bytes.length > 0) {
        weft_work_copy(to, bytes.bytes, bytes.length);
    }
    return to + bytes.length;
}

static uint8_t *write_united(uint8_t *to, struct weft_slice metric, const struct extent *extent)
{
    struct weft_wire_reader reader = weft_wire_reader_of(metric);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (!weft_otlp_is_metric_data(&field)) {
            to = append(to, field.whole);
        }
    }
    to = weft_wire_put_bytes_header(to, extent->number, extent->data_bytes);
    reader = weft_wire_reader_of(metric);
    while (weft_wire_next_checked(&reader, &field)) {
        if (weft_otlp_is_metric_data(&field) && field.whole.bytes >= extent->start) {
            to = append(to, field.bytes);
        }
    }
    return to;
}

static enum weft_status unite(struct weft_otlp_record *record, const struct extent *extent, struct weft_arena *arena)
{
    struct weft_slice metric = { record->bytes, record->length };
    size_t length = extent->other_bytes + weft_wire_size_bytes_field(extent->number, extent->data_bytes);
    size_t frame_length = weft_wire_size_bytes_header(WEFT_OTLP_RECORDS_FIELD, length);
    uint8_t *bytes = length > UINT32_MAX ? NULL : weft_arena_try_bytes(arena, frame_length + length);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    uint8_t *contents = weft_wire_put_bytes_header(bytes, WEFT_OTLP_RECORDS_FIELD, length);
    const uint8_t *end = write_united(contents, metric, extent);
    weft_assert(end == contents + length);
    record->bytes = contents;
    record->length = (uint32_t)length;
    return WEFT_OK;
}

bool weft_metric_is_in_pieces(struct weft_slice metric)
{
    return extent_of(metric).pieces > 1;
}

enum weft_status weft_metric_unite(struct weft_otlp_table *table, struct weft_arena *arena)
{
    enum weft_status status = WEFT_OK;
    for (uint32_t i = 0; status == WEFT_OK && i < table->record_count; i++) {
        struct weft_otlp_record *record = &table->records[i];
        struct extent extent = extent_of(weft_slice_of(record->bytes, record->length));
        status = extent.pieces < 2 ? WEFT_OK : unite(record, &extent, arena);
    }
    return status;
}
