/* The table of paths (path.h): field numbers are OTLP's. */
#include "config/unknown_key.h"
#include "ottl/path_write.h"

#define AT_RESOURCE_X WEFT_OTTL_LEVEL_RESOURCE_X
#define AT_RESOURCE   WEFT_OTTL_LEVEL_RESOURCE
#define AT_SCOPE_X    WEFT_OTTL_LEVEL_SCOPE_X
#define AT_SCOPE      WEFT_OTTL_LEVEL_SCOPE
#define AT_RECORD     WEFT_OTTL_LEVEL_RECORD
#define AT_STATUS     WEFT_OTTL_LEVEL_STATUS
#define AT_ITEM       WEFT_OTTL_LEVEL_ITEM
#define AS(form)      WEFT_OTTL_FORM_##form
#define BY(what)      .read = weft_ottl_read_##what, .write = weft_ottl_write_##what

static const struct weft_ottl_path_row rows[] = {
    { WEFT_OTTL_RESOURCE, "attributes", AT_RESOURCE, 1, AS(MAP), .takes_keys = true },
    { WEFT_OTTL_RESOURCE, "dropped_attributes_count", AT_RESOURCE, 2, AS(UINT) },
    { WEFT_OTTL_RESOURCE, "schema_url", AT_RESOURCE_X, 3, AS(STRING) },
    { WEFT_OTTL_RESOURCE, "cache", AT_RESOURCE, 0, AS(CACHE), .takes_keys = true },

    { WEFT_OTTL_SCOPE, "name", AT_SCOPE, 1, AS(STRING) },
    { WEFT_OTTL_SCOPE, "version", AT_SCOPE, 2, AS(STRING) },
    { WEFT_OTTL_SCOPE, "attributes", AT_SCOPE, 3, AS(MAP), .takes_keys = true },
    { WEFT_OTTL_SCOPE, "dropped_attributes_count", AT_SCOPE, 4, AS(UINT) },
    { WEFT_OTTL_SCOPE, "schema_url", AT_SCOPE_X, 3, AS(STRING) },
    { WEFT_OTTL_SCOPE, "cache", AT_SCOPE, 0, AS(CACHE), .takes_keys = true },

    { WEFT_OTTL_SPAN, "trace_id", AT_RECORD, 1, AS(TRACE_ID) },
    { WEFT_OTTL_SPAN, "trace_id.string", AT_RECORD, 1, AS(TRACE_ID_TEXT) },
    { WEFT_OTTL_SPAN, "span_id", AT_RECORD, 2, AS(SPAN_ID) },
    { WEFT_OTTL_SPAN, "span_id.string", AT_RECORD, 2, AS(SPAN_ID_TEXT) },
    { WEFT_OTTL_SPAN, "trace_state", AT_RECORD, 3, AS(SPECIAL), .takes_keys = true, BY(trace_state) },
    { WEFT_OTTL_SPAN, "parent_span_id", AT_RECORD, 4, AS(SPAN_ID) },
    { WEFT_OTTL_SPAN, "parent_span_id.string", AT_RECORD, 4, AS(SPAN_ID_TEXT) },
    { WEFT_OTTL_SPAN, "name", AT_RECORD, 5, AS(STRING) },
    { WEFT_OTTL_SPAN, "kind", AT_RECORD, 6, AS(ENUM) },
    { WEFT_OTTL_SPAN, "kind.string", AT_RECORD, 6, AS(SPECIAL), BY(kind_text) },
    { WEFT_OTTL_SPAN, "kind.deprecated_string", AT_RECORD, 6, AS(SPECIAL), BY(kind_old_text) },
    { WEFT_OTTL_SPAN, "start_time_unix_nano", AT_RECORD, 7, AS(NANOS) },
    { WEFT_OTTL_SPAN, "end_time_unix_nano", AT_RECORD, 8, AS(NANOS) },
    { WEFT_OTTL_SPAN, "start_time", AT_RECORD, 7, AS(TIME) },
    { WEFT_OTTL_SPAN, "end_time", AT_RECORD, 8, AS(TIME) },
    { WEFT_OTTL_SPAN, "attributes", AT_RECORD, 9, AS(MAP), .takes_keys = true },
    { WEFT_OTTL_SPAN, "dropped_attributes_count", AT_RECORD, 10, AS(UINT) },
    { WEFT_OTTL_SPAN, "events", AT_RECORD, 11, AS(MESSAGES) },
    { WEFT_OTTL_SPAN, "dropped_events_count", AT_RECORD, 12, AS(UINT) },
    { WEFT_OTTL_SPAN, "links", AT_RECORD, 13, AS(MESSAGES) },
    { WEFT_OTTL_SPAN, "dropped_links_count", AT_RECORD, 14, AS(UINT) },
    { WEFT_OTTL_SPAN, "status", AT_RECORD, 15, AS(MESSAGE) },
    { WEFT_OTTL_SPAN, "status.code", AT_STATUS, 3, AS(ENUM) },
    { WEFT_OTTL_SPAN, "status.message", AT_STATUS, 2, AS(STRING) },
    { WEFT_OTTL_SPAN, "flags", AT_RECORD, 16, AS(UINT) },
    { WEFT_OTTL_SPAN, "cache", AT_RECORD, 0, AS(CACHE), .takes_keys = true },

    { WEFT_OTTL_SPANEVENT, "time_unix_nano", AT_ITEM, 1, AS(NANOS) },
    { WEFT_OTTL_SPANEVENT, "time", AT_ITEM, 1, AS(TIME) },
    { WEFT_OTTL_SPANEVENT, "name", AT_ITEM, 2, AS(STRING) },
    { WEFT_OTTL_SPANEVENT, "attributes", AT_ITEM, 3, AS(MAP), .takes_keys = true },
    { WEFT_OTTL_SPANEVENT, "dropped_attributes_count", AT_ITEM, 4, AS(UINT) },
    { WEFT_OTTL_SPANEVENT, "event_index", AT_ITEM, 0, AS(SPECIAL), .read = weft_ottl_read_event_index },
    { WEFT_OTTL_SPANEVENT, "cache", AT_ITEM, 0, AS(CACHE), .takes_keys = true },

    { WEFT_OTTL_LOG, "time_unix_nano", AT_RECORD, 1, AS(NANOS) },
    { WEFT_OTTL_LOG, "observed_time_unix_nano", AT_RECORD, 11, AS(NANOS) },
    { WEFT_OTTL_LOG, "time", AT_RECORD, 1, AS(TIME) },
    { WEFT_OTTL_LOG, "observed_time", AT_RECORD, 11, AS(TIME) },
    { WEFT_OTTL_LOG, "severity_number", AT_RECORD, 2, AS(ENUM) },
    { WEFT_OTTL_LOG, "severity_text", AT_RECORD, 3, AS(STRING) },
    { WEFT_OTTL_LOG, "body", AT_RECORD, 5, AS(SPECIAL), .takes_keys = true, BY(body) },
    { WEFT_OTTL_LOG, "body.string", AT_RECORD, 5, AS(SPECIAL), BY(body_text) },
    { WEFT_OTTL_LOG, "attributes", AT_RECORD, 6, AS(MAP), .takes_keys = true },
    { WEFT_OTTL_LOG, "dropped_attributes_count", AT_RECORD, 7, AS(UINT) },
    { WEFT_OTTL_LOG, "flags", AT_RECORD, 8, AS(UINT) },
    { WEFT_OTTL_LOG, "trace_id", AT_RECORD, 9, AS(TRACE_ID) },
    { WEFT_OTTL_LOG, "trace_id.string", AT_RECORD, 9, AS(TRACE_ID_TEXT) },
    { WEFT_OTTL_LOG, "span_id", AT_RECORD, 10, AS(SPAN_ID) },
    { WEFT_OTTL_LOG, "span_id.string", AT_RECORD, 10, AS(SPAN_ID_TEXT) },
    { WEFT_OTTL_LOG, "event_name", AT_RECORD, 12, AS(STRING) },
    { WEFT_OTTL_LOG, "cache", AT_RECORD, 0, AS(CACHE), .takes_keys = true },

    { WEFT_OTTL_METRIC, "name", AT_RECORD, 1, AS(STRING) },
    { WEFT_OTTL_METRIC, "description", AT_RECORD, 2, AS(STRING) },
    { WEFT_OTTL_METRIC, "unit", AT_RECORD, 3, AS(STRING) },
    { WEFT_OTTL_METRIC, "type", AT_RECORD, 0, AS(SPECIAL), BY(metric_type) },
    { WEFT_OTTL_METRIC, "aggregation_temporality", AT_RECORD, 0, AS(SPECIAL), BY(temporality) },
    { WEFT_OTTL_METRIC, "is_monotonic", AT_RECORD, 0, AS(SPECIAL), BY(monotonic) },
    { WEFT_OTTL_METRIC, "data_points", AT_RECORD, 0, AS(SPECIAL), .read = weft_ottl_read_data_points },
    { WEFT_OTTL_METRIC, "metadata", AT_RECORD, 12, AS(MAP), .takes_keys = true },
    { WEFT_OTTL_METRIC, "cache", AT_RECORD, 0, AS(CACHE), .takes_keys = true },

    { WEFT_OTTL_DATAPOINT, "attributes", AT_ITEM, 0, AS(MAP), .takes_keys = true },
    { WEFT_OTTL_DATAPOINT, "start_time_unix_nano", AT_ITEM, 2, AS(NANOS) },
    { WEFT_OTTL_DATAPOINT, "time_unix_nano", AT_ITEM, 3, AS(NANOS) },
    { WEFT_OTTL_DATAPOINT, "start_time", AT_ITEM, 2, AS(TIME) },
    { WEFT_OTTL_DATAPOINT, "time", AT_ITEM, 3, AS(TIME) },
    { WEFT_OTTL_DATAPOINT, "value_double", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "value_int", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "exemplars", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "flags", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "count", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "sum", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "bucket_counts", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "explicit_bounds", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "scale", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "zero_count", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "positive", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "positive.offset", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "positive.bucket_counts", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "negative", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "negative.offset", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "negative.bucket_counts", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "quantile_values", AT_ITEM, 0, AS(SPECIAL), BY(point) },
    { WEFT_OTTL_DATAPOINT, "cache", AT_ITEM, 0, AS(CACHE), .takes_keys = true },
};

const struct weft_ottl_path_row *weft_ottl_path_find(enum weft_ottl_context context, struct weft_slice name)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        if (rows[i].context == context && weft_slice_equal_text(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *weft_ottl_path_nearest(enum weft_ottl_context context, struct weft_slice name)
{
    enum { MAX_WORD = 64 };
    const char *names[WEFT_COUNT_OF(rows)];
    char word[MAX_WORD + 1];
    size_t count = 0;
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        if (rows[i].context == context) {
            names[count++] = rows[i].name;
        }
    }
    if (name.length > MAX_WORD) {
        return NULL;
    }
    memcpy(word, name.bytes, name.length);
    word[name.length] = '\0';
    return weft_config_nearest(word, names, count);
}
