/* The Prometheus text format (metrics.h). Called by whatever gathers counters for a scrape; knows no metric by name. */
#include "admin/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void weft_metrics_writer_init(struct weft_metrics_writer *writer, struct weft_buffer *out, bool has_type_suffix,
                              bool has_unit_suffix)
{
    *writer = (struct weft_metrics_writer){ .out = out,
                                            .has_type_suffix = has_type_suffix,
                                            .has_unit_suffix = has_unit_suffix };
}

static bool is_name_byte(char byte, bool is_first)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           (byte >= '0' && byte <= '9' && !is_first);
}

static const char *unit_suffix(const char *unit)
{
    static const struct {
        const char *unit, *suffix;
    } suffixes[] = { { "s", "_seconds" }, { "ms", "_milliseconds" }, { "By", "_bytes" }, { "%", "_percent" } };
    for (size_t i = 0; i < WEFT_COUNT_OF(suffixes); i++) {
        if (strcmp(unit, suffixes[i].unit) == 0) {
            return suffixes[i].suffix;
        }
    }
    return ""; /* annotations such as {spans} never show */
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static void append_suffix(struct weft_metrics_writer *writer, const char *suffix)
{
    size_t length = strlen(writer->family);
    if (!ends_with(writer->family, suffix)) {
        snprintf(writer->family + length, sizeof writer->family - length, "%s", suffix);
    }
}

static void set_family(struct weft_metrics_writer *writer, const char *name, const char *unit,
                       enum weft_metric_type type)
{
    snprintf(writer->family, sizeof writer->family, "%s", name);
    for (char *at = writer->family; *at != '\0'; at++) {
        *at = is_name_byte(*at, at == writer->family) || *at == ':' ? *at : '_';
    }
    if (writer->has_unit_suffix) {
        append_suffix(writer, unit_suffix(unit));
    }
    if (writer->has_type_suffix && type == WEFT_METRIC_COUNTER) {
        append_suffix(writer, "_total");
    }
}

static void append_help(struct weft_buffer *out, const char *help)
{
    for (const char *at = help; *at != '\0'; at++) {
        const char *escape = *at == '\\' ? "\\\\" : *at == '\n' ? "\\n" : NULL;
        if (escape != NULL) {
            weft_buffer_append_text(out, escape);
        } else {
            weft_buffer_append_byte(out, (uint8_t)*at);
        }
    }
}

void weft_metrics_family(struct weft_metrics_writer *writer, const char *name, const char *unit, const char *help,
                         enum weft_metric_type type)
{
    static const char *const types[] = {
        [WEFT_METRIC_COUNTER] = "counter", [WEFT_METRIC_GAUGE] = "gauge", [WEFT_METRIC_HISTOGRAM] = "histogram"
    };
    set_family(writer, name, unit, type);
    weft_buffer_append_format(writer->out, "# HELP %s ", writer->family);
    append_help(writer->out, help);
    weft_buffer_append_format(writer->out, "\n# TYPE %s %s\n", writer->family, types[type]);
}

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte != '"' && byte != '\\';
}

static void append_label_value(struct weft_buffer *out, struct weft_slice value)
{
    size_t at = 0;
    while (at < value.length) {
        size_t end = at;
        while (end < value.length && is_plain(value.bytes[end])) {
            end++;
        }
        /* Of a run without specials JSON's escaping only mends what is not UTF-8, which a scraper would refuse the page
         * for. */
        weft_buffer_append_json_escaped(out, weft_slice_of(value.bytes + at, end - at));
        if (end < value.length) {
            uint8_t special = value.bytes[end++];
            if (special == '\n') {
                weft_buffer_append_text(out, "\\n");
            } else if (special == '"' || special == '\\') {
                weft_buffer_append_byte(out, '\\');
                weft_buffer_append_byte(out, special);
            } else {
                weft_buffer_append_byte(out, special); /* the format escapes no other control character */
            }
        }
        at = end;
    }
}

static void append_label(struct weft_buffer *out, const char *name, struct weft_slice value, bool is_first)
{
    weft_buffer_append_byte(out, is_first ? '{' : ',');
    for (const char *at = name; *at != '\0'; at++) {
        weft_buffer_append_byte(out, is_name_byte(*at, at == name) ? (uint8_t)*at : '_');
    }
    weft_buffer_append_text(out, "=\"");
    append_label_value(out, value);
    weft_buffer_append_byte(out, '"');
}

/* Everything of a line before its value. bound: the text of `le`, NULL if the line has none. */
static void begin_line(struct weft_metrics_writer *writer, const char *suffix, const struct weft_metric_label *labels,
                       size_t label_count, const char *bound)
{
    weft_buffer_append_text(writer->out, writer->family);
    weft_buffer_append_text(writer->out, suffix);
    for (size_t i = 0; i < label_count; i++) {
        append_label(writer->out, labels[i].name, labels[i].value, i == 0);
    }
    if (bound != NULL) {
        append_label(writer->out, "le", weft_slice_of_text(bound), label_count == 0);
    }
    weft_buffer_append_text(writer->out, label_count > 0 || bound != NULL ? "} " : " ");
}

enum { REAL_BYTES = 40 };

/* The shortest decimal that reads back equal. */
static void format_real(double value, char *out_text)
{
    if (isnan(value) || isinf(value)) {
        snprintf(out_text, REAL_BYTES, "%s", isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out_text, REAL_BYTES, "%.*g", digits, value);
        if (strtod(out_text, NULL) == value) {
            return;
        }
    }
}

void weft_metrics_sample(struct weft_metrics_writer *writer, const struct weft_metric_label *labels, size_t label_count,
                         uint64_t value)
{
    begin_line(writer, "", labels, label_count, NULL);
    weft_buffer_append_format(writer->out, "%" PRIu64 "\n", value);
}

void weft_metrics_sample_real(struct weft_metrics_writer *writer, const struct weft_metric_label *labels,
                              size_t label_count, double value)
{
    char text[REAL_BYTES];
    format_real(value, text);
    begin_line(writer, "", labels, label_count, NULL);
    weft_buffer_append_format(writer->out, "%s\n", text);
}

void weft_metrics_sample_histogram(struct weft_metrics_writer *writer, const struct weft_metric_label *labels,
                                   size_t label_count, const struct weft_metric_histogram *histogram)
{
    char text[REAL_BYTES];
    uint64_t count = 0;
    for (size_t i = 0; i <= histogram->bound_count; i++) {
        count += histogram->counts[i];
        format_real(i < histogram->bound_count ? histogram->bounds[i] : INFINITY, text);
        begin_line(writer, "_bucket", labels, label_count, text);
        weft_buffer_append_format(writer->out, "%" PRIu64 "\n", count);
    }
    format_real(histogram->sum, text);
    begin_line(writer, "_sum", labels, label_count, NULL);
    weft_buffer_append_format(writer->out, "%s\n", text);
    begin_line(writer, "_count", labels, label_count, NULL);
    weft_buffer_append_format(writer->out, "%" PRIu64 "\n", count);
}
