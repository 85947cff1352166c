/* Looking ahead (ahead.h). SDKs write the trace id first, so nothing of a span is read but its head. */
#include "join/ahead.h"

enum {
    INDEX_AHEAD = 12, /* spans; the places of the indexes come this long before the span */
    TRACE_AHEAD = 6,
    HEAD_TAG = 1 << 3 | 2, /* trace_id, bytes */
};

void weft_ahead_look(struct weft_ahead *ahead, const struct weft_join *join, const struct weft_otlp_table *table,
                     size_t number)
{
    size_t next = (number + INDEX_AHEAD) % WEFT_AHEAD_COUNT;
    ahead->spans[next].trace_id = NULL;
    if (number + INDEX_AHEAD < table->record_count) {
        const struct weft_otlp_record *row = &table->records[number + INDEX_AHEAD];
        if (row->length >= 2 + WEFT_TRACE_ID_BYTES && row->bytes[0] == HEAD_TAG &&
            row->bytes[1] == WEFT_TRACE_ID_BYTES) {
            const uint8_t *trace_id = row->bytes + 2;
            uint64_t hash = weft_hash(join->stage.host->secret, weft_slice_of(trace_id, WEFT_TRACE_ID_BYTES));
            ahead->spans[next].trace_id = trace_id;
            ahead->spans[next].hash = hash;
            weft_table_prefetch(join->traces, hash);
            weft_verdicts_prefetch(join->verdicts, hash);
        }
    }
    size_t soon = (number + TRACE_AHEAD) % WEFT_AHEAD_COUNT;
    if (ahead->spans[soon].trace_id != NULL) {
        weft_table_prefetch_entry(join->traces, ahead->spans[soon].hash);
    }
}

uint64_t weft_ahead_hash(const struct weft_ahead *ahead, const struct weft_join *join, size_t number,
                         const uint8_t *trace_id)
{
    size_t now = number % WEFT_AHEAD_COUNT;
    return ahead->spans[now].trace_id == trace_id
               ? ahead->spans[now].hash
               : weft_hash(join->stage.host->secret, weft_slice_of(trace_id, WEFT_TRACE_ID_BYTES));
}
