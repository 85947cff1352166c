/* `verbosity: normal` (debug_text.h): read field by field from the bytes of records; what is not shown is skipped. */
#include "exporters/debug_text.h"

#include <inttypes.h>
#include <math.h>

#include "exporters/debug_profiles.h"
#include "exporters/debug_write.h"

static const struct {
    const char *resource, *scope;
} titles[] = {
    [WEFT_TRACES] = { "ResourceTraces", "ScopeTraces" },
    [WEFT_METRICS] = { "ResourceMetrics", "ScopeMetrics" },
    [WEFT_LOGS] = { "ResourceLog", "ScopeLog" },
    [WEFT_PROFILES] = { "ResourceProfiles", "ScopeProfiles" },
};

/* ---- resources and scopes ---- */

static void put_resource(struct weft_debug_writer *writer, enum weft_signal signal, uint32_t number,
                         struct weft_slice header)
{
    struct weft_slice schema = weft_debug_bytes(header, 3);
    weft_buffer_append_format(writer->out, "%s #%" PRIu32, titles[signal].resource, number);
    if (schema.length > 0) {
        weft_buffer_append_text(writer->out, " [");
        weft_debug_put_text(writer, schema);
        weft_buffer_append_byte(writer->out, ']');
    }
    weft_debug_put_pairs(writer, weft_debug_bytes(header, 1), 1, " ", " ");
    weft_buffer_append_byte(writer->out, '\n');
}

static void put_scope(struct weft_debug_writer *writer, enum weft_signal signal, uint32_t number,
                      struct weft_slice header)
{
    struct weft_slice scope = weft_debug_bytes(header, 1), schema = weft_debug_bytes(header, 3);
    struct weft_slice name = weft_debug_bytes(scope, 1), version = weft_debug_bytes(scope, 2);
    weft_buffer_append_format(writer->out, "%s #%" PRIu32 "%s", titles[signal].scope, number,
                              name.length + version.length > 0 ? " " : "");
    weft_debug_put_text(writer, name);
    weft_buffer_append_text(writer->out, version.length > 0 ? "@" : "");
    weft_debug_put_text(writer, version);
    if (schema.length > 0) {
        weft_buffer_append_text(writer->out, " [");
        weft_debug_put_text(writer, schema);
        weft_buffer_append_byte(writer->out, ']');
    }
    weft_debug_put_pairs(writer, scope, 3, " ", " ");
    weft_buffer_append_byte(writer->out, '\n');
}

/* ---- spans and log records ---- */

static void put_span(struct weft_debug_writer *writer, struct weft_slice span)
{
    weft_debug_put_text(writer, weft_debug_bytes(span, 5));
    weft_buffer_append_byte(writer->out, ' ');
    weft_debug_put_id(writer, weft_debug_bytes(span, 1));
    weft_buffer_append_byte(writer->out, ' ');
    weft_debug_put_id(writer, weft_debug_bytes(span, 2));
    weft_debug_put_pairs(writer, span, 9, " ", " ");
    weft_buffer_append_byte(writer->out, '\n');
}

static void put_log(struct weft_debug_writer *writer, struct weft_slice record)
{
    weft_debug_put_value(writer, record, WEFT_OTLP_BODY_FIELD);
    weft_buffer_append_byte(writer->out, ' ');
    weft_debug_put_pairs(writer, record, 6, "", " ");
    weft_buffer_append_byte(writer->out, '\n');
}

/* ---- data points: "name{a=b,c=d} value" ---- */

static void put_named(struct weft_debug_writer *writer, const char *name, double value)
{
    weft_buffer_append_text(writer->out, name);
    weft_debug_put_shortest(writer, value);
}

static void put_optional(struct weft_debug_writer *writer, const char *name, struct weft_slice point, uint32_t field)
{
    struct weft_wire_field found;
    if (weft_debug_find(point, field, &found)) {
        put_named(writer, name, weft_debug_double(point, field));
    }
}

static void put_number(struct weft_debug_writer *writer, struct weft_slice point)
{
    struct weft_wire_field integer, real;
    bool is_integer = weft_debug_find(point, 6, &integer), is_real = weft_debug_find(point, 4, &real);
    if (is_integer && (!is_real || integer.whole.bytes > real.whole.bytes)) {
        weft_buffer_append_format(writer->out, "%" PRId64, (int64_t)integer.number_value);
    } else if (is_real) {
        weft_debug_put_shortest(writer, weft_debug_double(point, 4));
    }
}

static void put_histogram(struct weft_debug_writer *writer, struct weft_slice point)
{
    weft_buffer_append_format(writer->out, "count=%" PRIu64, weft_debug_number(point, 4));
    put_optional(writer, " sum=", point, 5);
    put_optional(writer, " min=", point, 11);
    put_optional(writer, " max=", point, 12);
    struct weft_debug_numbers counts = { .rest = point }, bounds = { .rest = point };
    uint64_t count, bound;
    while (weft_debug_next_number(&counts, 6, false, &count)) {
        weft_buffer_append_byte(writer->out, ' ');
        if (weft_debug_next_number(&bounds, 7, false, &bound)) {
            double value;
            memcpy(&value, &bound, sizeof value);
            put_named(writer, "le", value);
            weft_buffer_append_byte(writer->out, '=');
        }
        weft_buffer_append_format(writer->out, "%" PRIu64, count);
    }
}

static void put_bucket(struct weft_debug_writer *writer, double bound, uint64_t count)
{
    put_named(writer, " le", bound);
    weft_buffer_append_format(writer->out, "=%" PRIu64, count);
}

/* The largest index comes first. */
static void put_negative(struct weft_debug_writer *writer, struct weft_slice buckets, double factor)
{
    double offset = weft_debug_zigzag(weft_debug_number(buckets, 1));
    for (size_t i = weft_debug_count_numbers(buckets, 2, true); i > 0; i--) {
        put_bucket(writer, -exp((offset + (double)(i - 1)) * factor), weft_debug_number_at(buckets, 2, true, i - 1));
    }
}

static void put_exponential(struct weft_debug_writer *writer, struct weft_slice point)
{
    double factor = ldexp(M_LN2, -weft_debug_zigzag(weft_debug_number(point, 6)));
    uint64_t zero_count = weft_debug_number(point, 7);
    struct weft_slice positive = weft_debug_bytes(point, 8);
    weft_buffer_append_format(writer->out, "count=%" PRIu64, weft_debug_number(point, 4));
    put_optional(writer, " sum=", point, 5);
    put_optional(writer, " min=", point, 12);
    put_optional(writer, " max=", point, 13);
    put_negative(writer, weft_debug_bytes(point, 9), factor);
    if (zero_count != 0) {
        weft_buffer_append_format(writer->out, " zero=%" PRIu64, zero_count);
    }
    struct weft_debug_numbers counts = { .rest = positive };
    double index = weft_debug_zigzag(weft_debug_number(positive, 1));
    uint64_t count;
    for (; weft_debug_next_number(&counts, 2, true, &count); index++) {
        put_bucket(writer, exp((index + 1) * factor), count);
    }
}

static void put_summary(struct weft_debug_writer *writer, struct weft_slice point)
{
    struct weft_wire_field quantile;
    weft_buffer_append_format(writer->out, "count=%" PRIu64 " sum=", weft_debug_number(point, 4));
    weft_debug_put_fixed(writer, weft_debug_double(point, 5));
    for (struct weft_slice rest = point; weft_debug_next(&rest, 6, &quantile);) {
        put_named(writer, " q", weft_debug_double(quantile.bytes, 1));
        put_named(writer, "=", weft_debug_double(quantile.bytes, 2));
    }
}

static const struct {
    uint32_t metric_field, attributes_field;
    void (*put)(struct weft_debug_writer *writer, struct weft_slice point);
} kinds[] = {
    { 5, 7, put_number },       { 7, 7, put_number },   { 9, 9, put_histogram },
    { 10, 1, put_exponential }, { 11, 7, put_summary },
};

static void put_metric(struct weft_debug_writer *writer, struct weft_slice metric)
{
    struct weft_slice name = weft_debug_bytes(metric, 1);
    for (size_t i = 0; i < WEFT_COUNT_OF(kinds); i++) {
        struct weft_wire_field point;
        for (struct weft_slice rest = weft_debug_bytes(metric, kinds[i].metric_field);
             weft_debug_next(&rest, 1, &point);) {
            weft_debug_put_text(writer, name);
            weft_buffer_append_byte(writer->out, '{');
            weft_debug_put_pairs(writer, point.bytes, kinds[i].attributes_field, "", ",");
            weft_buffer_append_text(writer->out, "} ");
            kinds[i].put(writer, point.bytes);
            weft_buffer_append_byte(writer->out, '\n');
        }
    }
}

/* ---- requests ---- */

static void put_record(struct weft_debug_writer *writer, enum weft_signal signal, uint32_t number,
                       struct weft_slice record)
{
    (void)number;
    switch (signal) {
    case WEFT_TRACES:
        put_span(writer, record);
        break;
    case WEFT_METRICS:
        put_metric(writer, record);
        break;
    case WEFT_LOGS:
        put_log(writer, record);
        break;
    case WEFT_PROFILES:
        weft_debug_put_profile_line(writer, record);
        break;
    }
}

static const struct weft_debug_form normal_form = { NULL, put_resource, put_scope, put_record };

enum weft_status weft_debug_write_records(const struct weft_otlp_table *table, struct weft_buffer *out)
{
    return weft_debug_write(table, &normal_form, out);
}
