/* `verbosity: detailed` (debug_text.h): every field that the Collector's debug exporter shows, in its order. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "exporters/debug_profiles.h"
#include "exporters/debug_text.h"
#include "exporters/debug_write.h"

/* ---- lines ---- */

static void put_line_text(struct weft_debug_writer *writer, const char *title, struct weft_slice text)
{
    weft_buffer_append_text(writer->out, title);
    weft_debug_put_text(writer, text);
    weft_buffer_append_byte(writer->out, '\n');
}

static void put_line_number(struct weft_debug_writer *writer, const char *title, uint64_t number)
{
    weft_buffer_append_format(writer->out, "%s%" PRIu64 "\n", title, number);
}

static void put_line_id(struct weft_debug_writer *writer, const char *title, struct weft_slice id)
{
    weft_buffer_append_text(writer->out, title);
    weft_debug_put_id(writer, id);
    weft_buffer_append_byte(writer->out, '\n');
}

static void put_line_time(struct weft_debug_writer *writer, const char *title, uint64_t time_unix_nano)
{
    weft_buffer_append_text(writer->out, title);
    weft_debug_put_time(writer, time_unix_nano);
    weft_buffer_append_byte(writer->out, '\n');
}

static void put_line_double(struct weft_debug_writer *writer, const char *title, double value)
{
    weft_buffer_append_text(writer->out, title);
    weft_debug_put_fixed(writer, value);
    weft_buffer_append_byte(writer->out, '\n');
}

static void put_attributes(struct weft_debug_writer *writer, const char *title, const char *indent,
                           struct weft_slice message, uint32_t field)
{
    if (weft_otlp_attributes_read(message, field, &writer->attributes) != WEFT_OK) {
        writer->is_failed = true;
        return;
    }
    for (size_t i = 0; i < writer->attributes.count; i++) {
        weft_buffer_append_format(writer->out, "%s%s%s     -> ", i == 0 ? title : "", i == 0 ? ":\n" : "", indent);
        weft_debug_put_key(writer, &writer->attributes.items[i]);
        weft_buffer_append_text(writer->out, ": ");
        weft_debug_put_typed_value(writer, writer->attributes.items[i].contents, WEFT_OTLP_VALUE_FIELD);
        weft_buffer_append_byte(writer->out, '\n');
    }
}

static const char *word_of(const char *const *words, size_t count, uint64_t number)
{
    return number < count ? words[number] : "";
}

/* ---- resources and scopes ---- */

static const struct {
    const char *resource, *scope;
} titles[] = {
    [WEFT_TRACES] = { "ResourceSpans", "ScopeSpans" },
    [WEFT_METRICS] = { "ResourceMetrics", "ScopeMetrics" },
    [WEFT_LOGS] = { "ResourceLog", "ScopeLogs" },
    [WEFT_PROFILES] = { "ResourceProfiles", "ScopeProfiles" },
};

static void put_keys(struct weft_debug_writer *writer, const char *title, struct weft_slice reference, uint32_t field)
{
    struct weft_wire_field key;
    bool is_first = true;
    for (struct weft_slice rest = reference; weft_debug_next(&rest, field, &key); is_first = false) {
        weft_buffer_append_text(writer->out, is_first ? title : "");
        put_line_text(writer, "               -> ", key.bytes);
    }
}

static void put_entities(struct weft_debug_writer *writer, struct weft_slice resource)
{
    struct weft_wire_field entity;
    uint64_t number = 0;
    for (struct weft_slice rest = resource; weft_debug_next(&rest, 3, &entity); number++) {
        struct weft_slice schema = weft_debug_bytes(entity.bytes, 1);
        weft_buffer_append_format(writer->out, "%s     -> Entity ref #%" PRIu64 ":\n",
                                  number == 0 ? "Resource entity refs:\n" : "", number);
        put_line_text(writer, "          -> Type: ", weft_debug_bytes(entity.bytes, 2));
        if (schema.length > 0) {
            put_line_text(writer, "          -> Schema URL: ", schema);
        }
        put_keys(writer, "          -> ID keys:\n", entity.bytes, 3);
        put_keys(writer, "          -> Description keys:\n", entity.bytes, 4);
    }
}

static void put_resource(struct weft_debug_writer *writer, enum weft_signal signal, uint32_t number,
                         struct weft_slice header)
{
    struct weft_slice resource = weft_debug_bytes(header, 1);
    weft_buffer_append_format(writer->out, "%s #%" PRIu32 "\n", titles[signal].resource, number);
    put_line_text(writer, "Resource SchemaURL: ", weft_debug_bytes(header, 3));
    put_attributes(writer, "Resource attributes", "", resource, 1);
    put_entities(writer, resource);
}

static void put_scope(struct weft_debug_writer *writer, enum weft_signal signal, uint32_t number,
                      struct weft_slice header)
{
    struct weft_slice scope = weft_debug_bytes(header, 1);
    weft_buffer_append_format(writer->out, "%s #%" PRIu32 "\n%s SchemaURL: ", titles[signal].scope, number,
                              titles[signal].scope);
    put_line_text(writer, "", weft_debug_bytes(header, 3));
    weft_buffer_append_text(writer->out, "InstrumentationScope ");
    weft_debug_put_text(writer, weft_debug_bytes(scope, 1));
    put_line_text(writer, " ", weft_debug_bytes(scope, 2));
    put_attributes(writer, "InstrumentationScope attributes", "", scope, 3);
}

/* ---- spans ---- */

static void put_events(struct weft_debug_writer *writer, struct weft_slice span)
{
    struct weft_wire_field event;
    uint64_t number = 0;
    for (struct weft_slice rest = span; weft_debug_next(&rest, 11, &event); number++) {
        put_line_number(writer, number == 0 ? "Events:\nSpanEvent #" : "SpanEvent #", number);
        put_line_text(writer, "     -> Name: ", weft_debug_bytes(event.bytes, 2));
        put_line_time(writer, "     -> Timestamp: ", weft_debug_number(event.bytes, 1));
        put_line_number(writer, "     -> DroppedAttributesCount: ", weft_debug_number(event.bytes, 4));
        put_attributes(writer, "     -> Attributes:", "     ", event.bytes, 3);
    }
}

static void put_links(struct weft_debug_writer *writer, struct weft_slice span)
{
    struct weft_wire_field link;
    uint64_t number = 0;
    for (struct weft_slice rest = span; weft_debug_next(&rest, 13, &link); number++) {
        put_line_number(writer, number == 0 ? "Links:\nSpanLink #" : "SpanLink #", number);
        put_line_id(writer, "     -> Trace ID: ", weft_debug_bytes(link.bytes, 1));
        put_line_id(writer, "     -> ID: ", weft_debug_bytes(link.bytes, 2));
        put_line_text(writer, "     -> TraceState: ", weft_debug_bytes(link.bytes, 3));
        put_line_number(writer, "     -> DroppedAttributesCount: ", weft_debug_number(link.bytes, 5));
        put_attributes(writer, "     -> Attributes:", "     ", link.bytes, 4);
    }
}

static void put_span(struct weft_debug_writer *writer, uint32_t number, struct weft_slice span)
{
    static const char *const kinds[] = { "Unspecified", "Internal", "Server", "Client", "Producer", "Consumer" };
    static const char *const codes[] = { "Unset", "Ok", "Error" };
    struct weft_slice state = weft_debug_bytes(span, 3), status = weft_debug_bytes(span, 15);
    put_line_number(writer, "Span #", number);
    put_line_id(writer, "    Trace ID       : ", weft_debug_bytes(span, 1));
    put_line_id(writer, "    Parent ID      : ", weft_debug_bytes(span, 4));
    put_line_id(writer, "    ID             : ", weft_debug_bytes(span, 2));
    put_line_text(writer, "    Name           : ", weft_debug_bytes(span, 5));
    weft_buffer_append_format(writer->out, "    Kind           : %s\n",
                              word_of(kinds, WEFT_COUNT_OF(kinds), weft_debug_number(span, 6)));
    if (state.length > 0) {
        put_line_text(writer, "    TraceState     : ", state);
    }
    put_line_time(writer, "    Start time     : ", weft_debug_number(span, 7));
    put_line_time(writer, "    End time       : ", weft_debug_number(span, 8));
    weft_buffer_append_format(writer->out, "    Status code    : %s\n",
                              word_of(codes, WEFT_COUNT_OF(codes), weft_debug_number(status, 3)));
    put_line_text(writer, "    Status message : ", weft_debug_bytes(status, 2));
    put_line_number(writer, "    DroppedAttributesCount: ", weft_debug_number(span, 10));
    put_line_number(writer, "    DroppedEventsCount: ", weft_debug_number(span, 12));
    put_line_number(writer, "    DroppedLinksCount: ", weft_debug_number(span, 14));
    put_attributes(writer, "Attributes", "", span, 9);
    put_events(writer, span);
    put_links(writer, span);
}

/* ---- log records ---- */

static void put_severity(struct weft_debug_writer *writer, uint64_t number)
{
    static const char *const names[] = { "Trace", "Debug", "Info", "Warn", "Error", "Fatal" };
    char name[16] = "";
    if (number >= 1 && number <= 24) {
        snprintf(name, sizeof name, "%s", names[(number - 1) / 4]);
        if ((number - 1) % 4 > 0) {
            snprintf(name + strlen(name), sizeof name - strlen(name), "%d", (int)((number - 1) % 4 + 1));
        }
    }
    weft_buffer_append_format(writer->out, "SeverityNumber: %s(%" PRId32 ")\n", number == 0 ? "Unspecified" : name,
                              (int32_t)number);
}

static void put_log(struct weft_debug_writer *writer, uint32_t number, struct weft_slice record)
{
    struct weft_slice event_name = weft_debug_bytes(record, 12);
    put_line_number(writer, "LogRecord #", number);
    put_line_time(writer, "ObservedTimestamp: ", weft_debug_number(record, 11));
    put_line_time(writer, "Timestamp: ", weft_debug_number(record, 1));
    put_line_text(writer, "SeverityText: ", weft_debug_bytes(record, 3));
    put_severity(writer, weft_debug_number(record, 2));
    if (event_name.length > 0) {
        put_line_text(writer, "EventName: ", event_name);
    }
    weft_buffer_append_text(writer->out, "Body: ");
    weft_debug_put_typed_value(writer, record, WEFT_OTLP_BODY_FIELD);
    weft_buffer_append_byte(writer->out, '\n');
    put_attributes(writer, "Attributes", "", record, 6);
    put_line_id(writer, "Trace ID: ", weft_debug_bytes(record, 9));
    put_line_id(writer, "Span ID: ", weft_debug_bytes(record, 10));
    put_line_number(writer, "Flags: ", weft_debug_number(record, 8));
}

/* ---- data points ---- */

/* The member of a oneof that came last counts. */
static void put_number_value(struct weft_debug_writer *writer, const char *title, struct weft_slice message,
                             uint32_t double_field)
{
    enum { INTEGER_FIELD = 6 };
    struct weft_wire_field integer, real;
    bool is_integer = weft_debug_find(message, INTEGER_FIELD, &integer);
    bool is_real = weft_debug_find(message, double_field, &real);
    if (is_integer && (!is_real || integer.whole.bytes > real.whole.bytes)) {
        weft_buffer_append_format(writer->out, "%s%" PRId64 "\n", title, (int64_t)integer.number_value);
    } else if (is_real) {
        put_line_double(writer, title, weft_debug_double(message, double_field));
    }
}

static void put_exemplars(struct weft_debug_writer *writer, struct weft_slice point, uint32_t field)
{
    struct weft_wire_field exemplar;
    uint64_t number = 0;
    for (struct weft_slice rest = point; weft_debug_next(&rest, field, &exemplar); number++) {
        put_line_number(writer, number == 0 ? "Exemplars:\nExemplar #" : "Exemplar #", number);
        put_line_id(writer, "     -> Trace ID: ", weft_debug_bytes(exemplar.bytes, 5));
        put_line_id(writer, "     -> Span ID: ", weft_debug_bytes(exemplar.bytes, 4));
        put_line_time(writer, "     -> Timestamp: ", weft_debug_number(exemplar.bytes, 2));
        put_number_value(writer, "     -> Value: ", exemplar.bytes, 3);
        put_attributes(writer, "     -> FilteredAttributes", "     ", exemplar.bytes, 7);
    }
}

static void put_optional(struct weft_debug_writer *writer, const char *title, struct weft_slice point, uint32_t field)
{
    struct weft_wire_field found;
    if (weft_debug_find(point, field, &found)) {
        put_line_double(writer, title, weft_debug_double(point, field));
    }
}

static void put_number(struct weft_debug_writer *writer, struct weft_slice point)
{
    put_number_value(writer, "Value: ", point, 4);
    put_exemplars(writer, point, 5);
}

static void put_histogram(struct weft_debug_writer *writer, struct weft_slice point)
{
    put_line_number(writer, "Count: ", weft_debug_number(point, 4));
    put_optional(writer, "Sum: ", point, 5);
    put_optional(writer, "Min: ", point, 11);
    put_optional(writer, "Max: ", point, 12);
    struct weft_debug_numbers bounds = { .rest = point }, counts = { .rest = point };
    uint64_t number, index = 0;
    for (; weft_debug_next_number(&bounds, 7, false, &number); index++) {
        double bound;
        memcpy(&bound, &number, sizeof bound);
        weft_buffer_append_format(writer->out, "ExplicitBounds #%" PRIu64, index);
        put_line_double(writer, ": ", bound);
    }
    for (index = 0; weft_debug_next_number(&counts, 6, false, &number); index++) {
        weft_buffer_append_format(writer->out, "Buckets #%" PRIu64 ", Count: %" PRIu64 "\n", index, number);
    }
    put_exemplars(writer, point, 8);
}

static void put_bucket(struct weft_debug_writer *writer, bool is_negative, double index, double factor, uint64_t count)
{
    double lower = exp(index * factor), upper = exp((index + 1) * factor);
    weft_buffer_append_text(writer->out, is_negative ? "Bucket [" : "Bucket (");
    weft_debug_put_fixed(writer, is_negative ? -upper : lower);
    weft_buffer_append_text(writer->out, ", ");
    weft_debug_put_fixed(writer, is_negative ? -lower : upper);
    weft_buffer_append_format(writer->out, "%s, Count: %" PRIu64 "\n", is_negative ? ")" : "]", count);
}

static void put_exponential(struct weft_debug_writer *writer, struct weft_slice point)
{
    double factor = ldexp(M_LN2, -weft_debug_zigzag(weft_debug_number(point, 6)));
    struct weft_slice positive = weft_debug_bytes(point, 8), negative = weft_debug_bytes(point, 9);
    uint64_t zero_count = weft_debug_number(point, 7), count;
    put_line_number(writer, "Count: ", weft_debug_number(point, 4));
    put_optional(writer, "Sum: ", point, 5);
    put_optional(writer, "Min: ", point, 12);
    put_optional(writer, "Max: ", point, 13);
    double offset = weft_debug_zigzag(weft_debug_number(negative, 1));
    for (size_t i = weft_debug_count_numbers(negative, 2, true); i > 0; i--) {
        put_bucket(writer, true, offset + (double)(i - 1), factor, weft_debug_number_at(negative, 2, true, i - 1));
    }
    if (zero_count != 0) {
        put_line_number(writer, "Bucket [0, 0], Count: ", zero_count);
    }
    struct weft_debug_numbers counts = { .rest = positive };
    double index = weft_debug_zigzag(weft_debug_number(positive, 1));
    for (; weft_debug_next_number(&counts, 2, true, &count); index++) {
        put_bucket(writer, false, index, factor, count);
    }
    put_exemplars(writer, point, 11);
}

static void put_summary(struct weft_debug_writer *writer, struct weft_slice point)
{
    struct weft_wire_field quantile;
    uint64_t number = 0;
    put_line_number(writer, "Count: ", weft_debug_number(point, 4));
    put_line_double(writer, "Sum: ", weft_debug_double(point, 5));
    for (struct weft_slice rest = point; weft_debug_next(&rest, 6, &quantile); number++) {
        weft_buffer_append_format(writer->out, "QuantileValue #%" PRIu64 ": Quantile ", number);
        weft_debug_put_fixed(writer, weft_debug_double(quantile.bytes, 1));
        put_line_double(writer, ", Value ", weft_debug_double(quantile.bytes, 2));
    }
}

static const struct kind {
    uint32_t metric_field, attributes_field;
    const char *type, *points;
    bool has_temporality, is_sum;
    void (*put)(struct weft_debug_writer *writer, struct weft_slice point);
} kinds[] = {
    { 5, 7, "Gauge", "NumberDataPoints", false, false, put_number },
    { 7, 7, "Sum", "NumberDataPoints", true, true, put_number },
    { 9, 9, "Histogram", "HistogramDataPoints", true, false, put_histogram },
    { 10, 1, "ExponentialHistogram", "ExponentialHistogramDataPoints", true, false, put_exponential },
    { 11, 7, "Summary", "SummaryDataPoints", false, false, put_summary },
};

static void put_points(struct weft_debug_writer *writer, const struct kind *kind, struct weft_slice data)
{
    static const char *const temporalities[] = { "Unspecified", "Delta", "Cumulative" };
    struct weft_wire_field point;
    uint64_t number = 0;
    if (kind->is_sum) {
        weft_buffer_append_format(writer->out, "     -> IsMonotonic: %s\n",
                                  weft_debug_number(data, 3) != 0 ? "true" : "false");
    }
    if (kind->has_temporality) {
        weft_buffer_append_format(writer->out, "     -> AggregationTemporality: %s\n",
                                  word_of(temporalities, WEFT_COUNT_OF(temporalities), weft_debug_number(data, 2)));
    }
    for (struct weft_slice rest = data; weft_debug_next(&rest, 1, &point); number++) {
        weft_buffer_append_format(writer->out, "%s #%" PRIu64 "\n", kind->points, number);
        put_attributes(writer, "Data point attributes", "", point.bytes, kind->attributes_field);
        put_line_time(writer, "StartTimestamp: ", weft_debug_number(point.bytes, 2));
        put_line_time(writer, "Timestamp: ", weft_debug_number(point.bytes, 3));
        kind->put(writer, point.bytes);
    }
}

static void put_metric(struct weft_debug_writer *writer, uint32_t number, struct weft_slice metric)
{
    const struct kind *kind = NULL;
    struct weft_wire_field data = { 0 };
    for (size_t i = 0; i < WEFT_COUNT_OF(kinds) && kind == NULL; i++) {
        kind = weft_debug_find(metric, kinds[i].metric_field, &data) ? &kinds[i] : NULL;
    }
    put_line_number(writer, "Metric #", number);
    put_line_text(writer, "Descriptor:\n     -> Name: ", weft_debug_bytes(metric, 1));
    put_line_text(writer, "     -> Description: ", weft_debug_bytes(metric, 2));
    put_line_text(writer, "     -> Unit: ", weft_debug_bytes(metric, 3));
    weft_buffer_append_format(writer->out, "     -> DataType: %s\n", kind == NULL ? "Empty" : kind->type);
    put_attributes(writer, "     -> Metadata", "     ", metric, 12);
    if (kind != NULL) {
        put_points(writer, kind, data.bytes);
    }
}

/* ---- requests ---- */

static void put_record(struct weft_debug_writer *writer, enum weft_signal signal, uint32_t number,
                       struct weft_slice record)
{
    switch (signal) {
    case WEFT_TRACES:
        put_span(writer, number, record);
        break;
    case WEFT_METRICS:
        put_metric(writer, number, record);
        break;
    case WEFT_LOGS:
        put_log(writer, number, record);
        break;
    case WEFT_PROFILES:
        weft_debug_put_profile(writer, number, record);
        break;
    }
}

static const struct weft_debug_form detailed_form = { weft_debug_put_dictionary, put_resource, put_scope, put_record };

enum weft_status weft_debug_write_details(const struct weft_otlp_table *table, struct weft_buffer *out)
{
    return weft_debug_write(table, &detailed_form, out);
}
