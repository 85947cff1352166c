/* Looking ahead (ahead.h). SDKs write fields in their order: of a span nothing is read but its head, which is the trace
 * id, of a log record its end, which has little behind it. */
#include "join/ahead.h"

enum {
    INDEX_AHEAD = 12, /* records; the places of the indexes come this long before the record */
    TRACE_AHEAD = 6,
    ID_FIELD_BYTES = 2 + WEFT_TRACE_ID_BYTES,
    SPAN_TRACE_ID_TAG = 1 << 3 | 2,
    LOG_TRACE_ID_TAG = 9 << 3 | 2,
};

static bool is_id_field(const uint8_t *at, uint8_t tag)
{
    return at[0] == tag && at[1] == WEFT_TRACE_ID_BYTES;
}

/* What may stand behind a trace id, by the tag: flags, span_id, the time at which it was observed. */
static size_t length_of_last_field(const uint8_t *end)
{
    return end[-10] == (10 << 3 | 2) ? 10 : end[-9] == (11 << 3 | 1) ? 9 : end[-5] == (8 << 3 | 5) ? 5 : 0;
}

/* Of the fields that the end looks like; a hint, as all here. */
static const uint8_t *id_in_log(const struct weft_otlp_record *row)
{
    const uint8_t *end = row->bytes + row->length;
    while ((size_t)(end - row->bytes) >= ID_FIELD_BYTES) {
        if (is_id_field(end - ID_FIELD_BYTES, LOG_TRACE_ID_TAG)) {
            return end - WEFT_TRACE_ID_BYTES;
        }
        size_t length = length_of_last_field(end);
        if (length == 0) {
            return NULL;
        }
        end -= length;
    }
    return NULL;
}

/* NULL: it is not where SDKs write it. */
static const uint8_t *id_in(const struct weft_otlp_table *table, size_t number)
{
    const struct weft_otlp_record *row = &table->records[number];
    if (table->signal == WEFT_LOGS) {
        return id_in_log(row);
    }
    return row->length >= ID_FIELD_BYTES && is_id_field(row->bytes, SPAN_TRACE_ID_TAG) ? row->bytes + 2 : NULL;
}

void weft_ahead_look(struct weft_ahead *ahead, const struct weft_join *join, const struct weft_otlp_table *table,
                     size_t number)
{
    size_t next = (number + INDEX_AHEAD) % WEFT_AHEAD_COUNT;
    const uint8_t *trace_id = number + INDEX_AHEAD < table->record_count ? id_in(table, number + INDEX_AHEAD) : NULL;
    ahead->records[next].trace_id = trace_id;
    if (trace_id != NULL) {
        uint64_t hash = weft_hash(join->stage.host->secret, weft_slice_of(trace_id, WEFT_TRACE_ID_BYTES));
        ahead->records[next].hash = hash;
        weft_table_prefetch(join->traces, hash);
        weft_verdicts_prefetch(join->verdicts, hash);
    }
    size_t soon = (number + TRACE_AHEAD) % WEFT_AHEAD_COUNT;
    if (ahead->records[soon].trace_id != NULL) {
        weft_table_prefetch_entry(join->traces, ahead->records[soon].hash);
    }
}

uint64_t weft_ahead_hash(const struct weft_ahead *ahead, const struct weft_join *join, size_t number,
                         const uint8_t *trace_id)
{
    size_t now = number % WEFT_AHEAD_COUNT;
    return ahead->records[now].trace_id == trace_id
               ? ahead->records[now].hash
               : weft_hash(join->stage.host->secret, weft_slice_of(trace_id, WEFT_TRACE_ID_BYTES));
}
