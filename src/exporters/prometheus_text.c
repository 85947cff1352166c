/* Pages (prometheus_text.h), line by line as the Prometheus libraries for Go write them. */
#include "exporters/prometheus_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "exporters/prometheus_number.h"
#include "wire/json_values.h"

/* ---- names and labels ---- */

/* A line's name with its labels: all that the lines of one series share. */
struct line {
    const struct weft_prometheus_format *format;
    struct weft_slice family;
    const struct weft_prometheus_labels *labels;
    struct weft_buffer *out;
    bool is_plain;                   /* the family's name as it is */
    bool is_begun;                   /* a brace is open */
    size_t labels_at, labels_length; /* in out, where a line of the series has them already; nowhere */
};

static const size_t nowhere = SIZE_MAX;

static void put_help(struct weft_slice help, bool escapes_quotes, struct weft_buffer *out)
{
    for (size_t i = 0; i < help.length; i++) {
        uint8_t byte = help.bytes[i];
        if (byte == '\\' || byte == '\n' || (byte == '"' && escapes_quotes)) {
            weft_buffer_append_text(out, byte == '\\' ? "\\\\" : byte == '\n' ? "\\n" : "\\\"");
        } else {
            weft_buffer_append_byte(out, byte);
        }
    }
}

static void put_name(struct weft_slice name, const struct weft_prometheus_format *format, struct weft_buffer *out)
{
    if (weft_prometheus_is_plain_name(name)) {
        weft_buffer_append(out, name.bytes, name.length);
    } else if (format->escaping == WEFT_PROMETHEUS_ALLOW_UTF8) {
        weft_buffer_append_byte(out, '"');
        put_help(name, true, out);
        weft_buffer_append_byte(out, '"');
    } else {
        weft_prometheus_put_escaped_name(name, format->escaping, out);
    }
}

/* That of a label has no colons, which that of a metric may have: Prometheus would refuse the whole page. */
static void put_label_name(struct weft_slice name, const struct weft_prometheus_format *format, struct weft_buffer *out)
{
    size_t start = out->length;
    bool has_colon = name.length > 0 && memchr(name.bytes, ':', name.length) != NULL;
    if (has_colon && format->escaping == WEFT_PROMETHEUS_ALLOW_UTF8) {
        weft_buffer_append_byte(out, '"');
        put_help(name, true, out);
        weft_buffer_append_byte(out, '"');
        return;
    }
    put_name(name, format, out);
    for (size_t i = start; has_colon && i < out->length; i++) {
        out->bytes[i] = out->bytes[i] == ':' ? '_' : out->bytes[i];
    }
}

static void open_brace(struct line *line)
{
    weft_buffer_append_byte(line->out, line->is_begun ? ',' : '{');
    line->is_begun = true;
}

/* A name that is neither plain nor made so stands inside of the braces. */
static void put_line_name(struct line *line, const char *suffix)
{
    struct weft_buffer *out = line->out;
    line->is_begun = false;
    if (line->is_plain || line->format->escaping != WEFT_PROMETHEUS_ALLOW_UTF8) {
        put_name(line->family, line->format, out);
        weft_buffer_append_text(out, suffix);
        return;
    }
    open_brace(line);
    weft_buffer_append_byte(out, '"');
    put_help(line->family, true, out);
    weft_buffer_append_text(out, suffix);
    weft_buffer_append_byte(out, '"');
}

/* Labels one after the other (struct weft_prometheus_labels). */
static bool next_label(const struct weft_prometheus_labels *labels, size_t *in_out_at, struct weft_slice *out_name,
                       struct weft_slice *out_value)
{
    uint32_t lengths[2];
    if (*in_out_at >= labels->length) {
        return false;
    }
    const uint8_t *at = labels->bytes + *in_out_at;
    memcpy(lengths, at, sizeof lengths);
    *out_name = weft_slice_of(at + sizeof lengths, lengths[0]);
    *out_value = weft_slice_of(at + sizeof lengths + lengths[0], lengths[1]);
    *in_out_at += sizeof lengths + lengths[0] + lengths[1];
    return true;
}

/* What each label's name becomes for this scraper, as a hash. Returns how many there are; 0: names stay as they are,
 * and differ, or there are more than that. */
static size_t hash_escaped_names(struct line *line, uint64_t *out_hashes, size_t capacity)
{
    size_t count = 0;
    size_t at = 0;
    bool is_any_escaped = false;
    struct weft_slice name, value;
    while (line->format->escaping != WEFT_PROMETHEUS_ALLOW_UTF8 && next_label(line->labels, &at, &name, &value)) {
        size_t start = line->out->length;
        if (count == capacity) {
            return 0;
        }
        put_label_name(name, line->format, line->out);
        if (line->out->is_failed) {
            return 0;
        }
        struct weft_slice escaped = weft_slice_of(line->out->bytes + start, line->out->length - start);
        is_any_escaped = is_any_escaped || !weft_slice_equal(escaped, name);
        out_hashes[count++] = weft_hash_xxh3(escaped);
        line->out->length = start;
    }
    return is_any_escaped ? count : 0;
}

/* The values of the labels behind this one that have the same name now. */
static void join_values(struct line *line, const uint64_t *hashes, size_t count, size_t index, size_t at)
{
    struct weft_slice name, value;
    size_t first = index + 1;
    while (first < count && hashes[first] != hashes[index]) {
        first++;
    }
    for (size_t i = index + 1; first < count && i < count && next_label(line->labels, &at, &name, &value); i++) {
        if (hashes[i] == hashes[index]) {
            weft_buffer_append_byte(line->out, ';');
            weft_buffer_append(line->out, value.bytes, value.length);
        }
    }
}

static bool was_before(const uint64_t *hashes, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (hashes[i] == hashes[index]) {
            return true;
        }
    }
    return false;
}

/* Names that differ and are the same when they are escaped, as p.q and p_q, share a label, as where names are made of
 * attributes' keys: with a label twice Prometheus refuses the whole page. */
static void write_labels(struct line *line)
{
    enum { JOINED_MAX = 1024 }; /* far more than attributes of a point and its scope */
    uint64_t hashes[JOINED_MAX];
    size_t count = hash_escaped_names(line, hashes, JOINED_MAX);
    size_t at = 0;
    struct weft_slice name, value;
    for (size_t i = 0; next_label(line->labels, &at, &name, &value); i++) {
        if (count > 0 && was_before(hashes, i)) {
            continue;
        }
        open_brace(line);
        put_label_name(name, line->format, line->out);
        weft_buffer_append(line->out, "=\"", 2);
        weft_buffer_append(line->out, value.bytes, value.length);
        join_values(line, hashes, count, i, at);
        weft_buffer_append_byte(line->out, '"');
    }
}

/* They are the same in all lines of a series: written once, then copied. */
static void put_labels(struct line *line)
{
    struct weft_buffer *out = line->out;
    if (line->labels_at == nowhere) {
        line->labels_at = out->length;
        write_labels(line);
        line->labels_length = out->length - line->labels_at;
    } else if (line->labels_length > 0) {
        uint8_t *to = weft_buffer_reserve(out, line->labels_length);
        if (to != NULL) {
            memcpy(to, out->bytes + line->labels_at, line->labels_length);
            out->length += line->labels_length;
        }
        line->is_begun = true;
    }
}

static void put_value(const struct weft_prometheus_format *format, double value, struct weft_buffer *out)
{
    if (format->is_open_metrics) {
        weft_prometheus_put_real(value, out);
    } else {
        weft_prometheus_put_number(value, out);
    }
}

/* Up to the value. extra: the name of one more label, or NULL. */
static void begin_line(struct line *line, const char *suffix, const char *extra, double extra_value)
{
    put_line_name(line, suffix);
    put_labels(line);
    if (extra != NULL) {
        open_brace(line);
        weft_buffer_append_text(line->out, extra);
        weft_buffer_append_text(line->out, "=\"");
        put_value(line->format, extra_value, line->out);
        weft_buffer_append_byte(line->out, '"');
    }
    weft_buffer_append_text(line->out, line->is_begun ? "} " : " ");
}

static void put_count(const struct weft_prometheus_format *format, uint64_t count, struct weft_buffer *out)
{
    if (format->is_open_metrics) {
        weft_json_put_u64(out, count);
    } else {
        weft_prometheus_put_number((double)count, out);
    }
}

static void put_id(const char *name, const uint8_t *bytes, size_t length, bool is_first, struct weft_buffer *out)
{
    weft_buffer_append_text(out, is_first ? "" : ",");
    weft_buffer_append_text(out, name);
    weft_buffer_append_byte(out, '=');
    weft_json_put_hex(out, weft_slice_of(bytes, length));
}

static void put_exemplar(const struct weft_prometheus_exemplar *exemplar, struct weft_buffer *out)
{
    weft_buffer_append_text(out, " # {");
    if (exemplar->has_trace_id) {
        put_id("trace_id", exemplar->trace_id, sizeof exemplar->trace_id, true, out);
    }
    if (exemplar->has_span_id) {
        put_id("span_id", exemplar->span_id, sizeof exemplar->span_id, !exemplar->has_trace_id, out);
    }
    weft_buffer_append_text(out, "} ");
    weft_prometheus_put_real(exemplar->value, out);
    weft_buffer_append_byte(out, ' ');
    weft_prometheus_put_real((double)(int64_t)exemplar->time_ns / 1e9, out);
}

static void end_line(const struct line *line, const struct weft_prometheus_series *series,
                     const struct weft_prometheus_exemplar *exemplar)
{
    struct weft_buffer *out = line->out;
    if (line->format->sends_timestamps && series != NULL) {
        int64_t time_ms = (int64_t)(series->time_ns / 1000000);
        weft_buffer_append_byte(out, ' ');
        if (line->format->is_open_metrics) {
            weft_prometheus_put_real((double)time_ms / 1e3, out);
        } else {
            weft_json_put_i64(out, time_ms);
        }
    }
    if (exemplar != NULL && line->format->is_open_metrics && (exemplar->has_trace_id || exemplar->has_span_id)) {
        put_exemplar(exemplar, out);
    }
    weft_buffer_append_byte(out, '\n');
}

/* ---- series ---- */

static void write_number(struct line *line, const struct weft_prometheus_series *series)
{
    begin_line(line, "", NULL, 0);
    put_value(line->format, series->is_integer ? (double)series->integer : series->real, line->out);
    end_line(line, series, series->exemplar_count > 0 ? &series->exemplars[series->exemplar_count - 1] : NULL);
}

static void write_sum_and_count(struct line *line, const struct weft_prometheus_series *series)
{
    begin_line(line, "_sum", NULL, 0);
    put_value(line->format, series->sum, line->out);
    end_line(line, series, NULL);
    begin_line(line, "_count", NULL, 0);
    put_count(line->format, series->count, line->out);
    end_line(line, series, NULL);
}

static void write_bucket(struct line *line, const struct weft_prometheus_series *series, double bound, uint64_t count,
                         const struct weft_prometheus_exemplar *exemplar)
{
    begin_line(line, "_bucket", "le", bound);
    put_count(line->format, count, line->out);
    end_line(line, series, exemplar);
}

static void write_histogram(struct line *line, const struct weft_prometheus_series *series)
{
    uint32_t bounds = series->kind == WEFT_PROMETHEUS_HISTOGRAM ? series->word_count / 2 : 0;
    uint32_t next = 0; /* exemplar */
    uint64_t count = 0;
    for (uint32_t i = 0; i <= bounds && !line->out->is_failed; i++) {
        const struct weft_prometheus_exemplar *exemplar = NULL;
        if (next < series->exemplar_count && series->exemplars[next].bucket == i) {
            exemplar = &series->exemplars[next++];
        }
        if (i < bounds) {
            count += series->words[bounds + i].integer;
            write_bucket(line, series, series->words[i].real, count, exemplar);
        } else if (bounds == 0 || series->words[bounds - 1].real != (double)INFINITY) {
            write_bucket(line, series, (double)INFINITY, series->count, exemplar);
        }
    }
    write_sum_and_count(line, series);
}

static void write_summary(struct line *line, const struct weft_prometheus_series *series)
{
    for (uint32_t i = 0; i < series->word_count; i += 2) {
        begin_line(line, "", "quantile", series->words[i].real);
        put_value(line->format, series->words[i + 1].real, line->out);
        end_line(line, series, NULL);
    }
    write_sum_and_count(line, series);
}

static uint64_t line_count(const struct weft_prometheus_series *series)
{
    switch (series->kind) {
    case WEFT_PROMETHEUS_GAUGE:
    case WEFT_PROMETHEUS_SUM:
    case WEFT_PROMETHEUS_COUNTER:
        return 1;
    case WEFT_PROMETHEUS_HISTOGRAM:
    case WEFT_PROMETHEUS_SUMMARY:
        return (uint64_t)series->word_count / 2 + 3;
    case WEFT_PROMETHEUS_EXPONENTIAL:
        return 3;
    }
    return 0;
}

size_t weft_prometheus_text_bytes(const struct weft_prometheus_series *series)
{
    /* value and time; suffix, le or quantile, besides; ids, value and time */
    enum { REST_OF_LINE = 48, REST_OF_LONGER_LINE = 100, EXEMPLAR = 150 };
    uint64_t lines = line_count(series);
    size_t rest = lines == 1 ? REST_OF_LINE : REST_OF_LONGER_LINE;
    return lines * (series->family->name_length + series->labels.length + rest) +
           (size_t)series->exemplar_count * EXEMPLAR;
}

/* ---- families ---- */

static const char *type_of(enum weft_prometheus_kind kind)
{
    switch (kind) {
    case WEFT_PROMETHEUS_GAUGE:
    case WEFT_PROMETHEUS_SUM:
        return "gauge";
    case WEFT_PROMETHEUS_COUNTER:
        return "counter";
    case WEFT_PROMETHEUS_HISTOGRAM:
    case WEFT_PROMETHEUS_EXPONENTIAL:
        return "histogram";
    case WEFT_PROMETHEUS_SUMMARY:
        return "summary";
    }
    return "";
}

/* The name in the lines before a family's. drops_total: without its _total, for which it is looked at as it is written
 * for this scraper. True if there was one. */
static bool put_family_name(struct weft_slice name, bool drops_total, const struct weft_prometheus_format *format,
                            struct weft_buffer *out)
{
    const struct weft_slice total = WEFT_SLICE_LITERAL("_total");
    size_t start = out->length;
    put_name(name, format, out);
    bool is_quoted = !out->is_failed && out->length > start && out->bytes[start] == '"';
    size_t end = out->length - (is_quoted ? 1 : 0);
    if (!drops_total || out->is_failed || end - start < total.length ||
        memcmp(out->bytes + end - total.length, total.bytes, total.length) != 0) {
        return false;
    }
    out->length = end - total.length;
    weft_buffer_append_text(out, is_quoted ? "\"" : "");
    return true;
}

/* OpenMetrics has no counter without _total. */
static void write_head(struct weft_slice name, struct weft_slice help, enum weft_prometheus_kind kind,
                       const struct weft_prometheus_format *format, struct weft_buffer *out)
{
    bool is_counter = format->is_open_metrics && kind == WEFT_PROMETHEUS_COUNTER;
    weft_buffer_append_text(out, "# HELP ");
    bool has_total = put_family_name(name, is_counter, format, out);
    weft_buffer_append_byte(out, ' ');
    put_help(help, format->is_open_metrics, out);
    weft_buffer_append_text(out, "\n# TYPE ");
    (void)put_family_name(name, is_counter, format, out);
    weft_buffer_append_format(out, " %s\n", is_counter && !has_total ? "unknown" : type_of(kind));
}

static void write_series(const struct weft_prometheus_family *family, const struct weft_prometheus_series *series,
                         const struct weft_prometheus_format *format, struct weft_buffer *out)
{
    struct line line = { .format = format,
                         .family = weft_slice_of(family->name, family->name_length),
                         .labels = &series->labels,
                         .out = out,
                         .labels_at = nowhere };
    line.is_plain = weft_prometheus_is_plain_name(line.family);
    switch (family->kind) {
    case WEFT_PROMETHEUS_GAUGE:
    case WEFT_PROMETHEUS_SUM:
    case WEFT_PROMETHEUS_COUNTER:
        write_number(&line, series);
        break;
    case WEFT_PROMETHEUS_HISTOGRAM:
    case WEFT_PROMETHEUS_EXPONENTIAL:
        write_histogram(&line, series);
        break;
    case WEFT_PROMETHEUS_SUMMARY:
        write_summary(&line, series);
        break;
    }
}

static void next_family(const struct weft_prometheus_table *table, struct weft_prometheus_cursor *cursor)
{
    struct weft_list *next = cursor->family->node.next;
    cursor->family = next == &table->families ? NULL : WEFT_CONTAINER_OF(next, struct weft_prometheus_family, node);
    cursor->series = cursor->family == NULL ? NULL : cursor->family->series.next;
    cursor->is_begun = false;
}

/* What a page begins with: target_info. */
static void write_targets(struct weft_prometheus_table *table, struct weft_prometheus_cursor *cursor,
                          const struct weft_prometheus_format *format, size_t enough_bytes, struct weft_buffer *out)
{
    struct weft_slice name = table->settings.target_info_name;
    bool is_plain = weft_prometheus_is_plain_name(name);
    while (cursor->target != &table->targets && out->length < enough_bytes && !out->is_failed) {
        const struct weft_prometheus_target *target =
            WEFT_CONTAINER_OF(cursor->target, struct weft_prometheus_target, node);
        struct line line = { .format = format,
                             .family = name,
                             .labels = &target->labels,
                             .out = out,
                             .is_plain = is_plain,
                             .labels_at = nowhere };
        cursor->target = cursor->target->next;
        if (target->labels.bytes == NULL) {
            continue;
        }
        if (!cursor->is_begun) {
            write_head(name, WEFT_SLICE_LITERAL("Target metadata"), WEFT_PROMETHEUS_GAUGE, format, out);
            cursor->is_begun = true;
        }
        begin_line(&line, "", NULL, 0);
        put_value(format, 1, out);
        end_line(&line, NULL, NULL);
    }
}

bool weft_prometheus_page_write(struct weft_prometheus_table *table, struct weft_prometheus_cursor *cursor,
                                const struct weft_prometheus_format *format, size_t enough_bytes,
                                struct weft_buffer *out)
{
    if (cursor->target != NULL) {
        write_targets(table, cursor, format, enough_bytes, out);
        if (cursor->target != &table->targets) {
            return false;
        }
        cursor->target = NULL;
        cursor->is_begun = false;
    }
    while (cursor->family != NULL && out->length < enough_bytes && !out->is_failed) {
        const struct weft_prometheus_family *family = cursor->family;
        if (cursor->series == &family->series) {
            next_family(table, cursor);
            continue;
        }
        const struct weft_prometheus_series *series = weft_prometheus_series_in_family(cursor->series);
        cursor->series = cursor->series->next;
        if (weft_prometheus_is_expired(table, series)) {
            continue;
        }
        if (!cursor->is_begun) {
            write_head(weft_slice_of(family->name, family->name_length),
                       weft_slice_of(family->help, family->help_length), family->kind, format, out);
            cursor->is_begun = true;
        }
        write_series(family, series, format, out);
    }
    return cursor->family == NULL;
}
