/* OTLP/JSON made from the canonical protobuf of a template: once, at start. Ids are 16 or 32 hex digits and times 19
 * decimal digits (until the year 2286), so that patching moves nothing here either. What the protobuf says and what the
 * JSON says are the same spans, and the books are kept by the hash of the protobuf. */
#include "load/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/walk.h"

enum { TIME_DIGITS = 19 };

struct writer {
    struct json_template *made;
    struct bench_bytes *out;
};

struct row;
typedef void put_fn(struct writer *writer, struct bench_range value, const struct row *row);

/* One field of a message: fields with an array are repeated, and stand side by side in canonical protobuf. */
struct row {
    uint32_t number;
    const char *name;
    put_fn *put;
    const struct row *inner; /* of put_message; ends with number 0 */
    bool is_array;
};

static void put(struct writer *writer, const char *text)
{
    bench_bytes_append_text(writer->out, text);
}

static uint64_t number_of(struct bench_range value)
{
    uint64_t number = 0;
    bench_walk_varint(&value, &number);
    return number;
}

/* ---- values ---- */

static void put_string(struct writer *writer, struct bench_range value, const struct row *row)
{
    (void)row;
    put(writer, "\"");
    for (; value.at < value.end; value.at++) {
        char escaped[8];
        if (*value.at == '"' || *value.at == '\\') {
            snprintf(escaped, sizeof escaped, "\\%c", *value.at);
            put(writer, escaped);
        } else if (*value.at < 0x20) {
            snprintf(escaped, sizeof escaped, "\\u%04x", *value.at);
            put(writer, escaped);
        } else {
            bench_bytes_append(writer->out, value.at, 1);
        }
    }
    put(writer, "\"");
}

static void put_hex(struct writer *writer, struct bench_range value, const struct row *row)
{
    (void)row;
    put(writer, "\"");
    for (; value.at < value.end; value.at++) {
        char digits[3];
        snprintf(digits, sizeof digits, "%02x", *value.at);
        put(writer, digits);
    }
    put(writer, "\"");
}

static void put_varint(struct writer *writer, struct bench_range value, const struct row *row)
{
    (void)row;
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, number_of(value));
    put(writer, text);
}

static void put_long(struct writer *writer, struct bench_range value, const struct row *row)
{
    (void)row;
    char text[32];
    snprintf(text, sizeof text, "\"%" PRId64 "\"", (int64_t)number_of(value));
    put(writer, text);
}

static void put_time(struct writer *writer, struct bench_range value, const struct row *row)
{
    (void)row;
    char text[32];
    uint64_t number;
    memcpy(&number, value.at, sizeof number);
    snprintf(text, sizeof text, "\"%0*" PRIu64 "\"", TIME_DIGITS, number);
    put(writer, text);
}

static void put_bool(struct writer *writer, struct bench_range value, const struct row *row)
{
    (void)row;
    put(writer, *value.at != 0 ? "true" : "false");
}

static void put_double(struct writer *writer, struct bench_range value, const struct row *row)
{
    (void)row;
    char text[40];
    double real;
    memcpy(&real, value.at, sizeof real);
    snprintf(text, sizeof text, "%.17g", real);
    put(writer, text);
}

/* ---- messages ---- */

static const struct row *row_of(const struct row *rows, uint32_t number)
{
    while (rows->number != 0 && rows->number != number) {
        rows++;
    }
    if (rows->number == 0) {
        bench_die("json: a template has the unknown field %u", (unsigned)number);
    }
    return rows;
}

static void put_message(struct writer *writer, struct bench_range message, const struct row *row)
{
    uint32_t last = 0;
    bool is_array_open = false;
    struct bench_field field;
    put(writer, "{");
    while (message.at < message.end && bench_walk_next(&message, &field)) {
        const struct row *inner = row_of(row->inner, field.number);
        if (field.number != last) {
            put(writer, is_array_open ? "]" : "");
            put(writer, last != 0 ? ",\"" : "\"");
            put(writer, inner->name);
            put(writer, inner->is_array ? "\":[" : "\":");
            is_array_open = inner->is_array;
        } else {
            put(writer, ",");
        }
        last = field.number;
        inner->put(writer, field.value, inner);
    }
    put(writer, is_array_open ? "]}" : "}");
}

static const struct row any_value_rows[] = {
    { 1, "stringValue", put_string, NULL, false },
    { 2, "boolValue", put_bool, NULL, false },
    { 3, "intValue", put_long, NULL, false },
    { 4, "doubleValue", put_double, NULL, false },
    { 0, NULL, NULL, NULL, false },
};
static const struct row key_value_rows[] = {
    { 1, "key", put_string, NULL, false },
    { 2, "value", put_message, any_value_rows, false },
    { 0, NULL, NULL, NULL, false },
};
static const struct row resource_rows[] = {
    { 1, "attributes", put_message, key_value_rows, true },
    { 0, NULL, NULL, NULL, false },
};
static const struct row scope_rows[] = {
    { 1, "name", put_string, NULL, false },
    { 2, "version", put_string, NULL, false },
    { 0, NULL, NULL, NULL, false },
};
static const struct row event_rows[] = {
    { 1, "timeUnixNano", put_time, NULL, false },
    { 2, "name", put_string, NULL, false },
    { 3, "attributes", put_message, key_value_rows, true },
    { 0, NULL, NULL, NULL, false },
};
static const struct row status_rows[] = {
    { 2, "message", put_string, NULL, false },
    { 3, "code", put_varint, NULL, false },
    { 0, NULL, NULL, NULL, false },
};

/* The changing fields of a span also note where they are. */
#define NOTED(name, put_value, field)                                                            \
    static void name(struct writer *writer, struct bench_range value, const struct row *row)     \
    {                                                                                            \
        writer->made->spans[writer->made->span_count].field = (uint32_t)writer->out->length + 1; \
        put_value(writer, value, row);                                                           \
    }
NOTED(put_trace_id, put_hex, trace_id)
NOTED(put_span_id, put_hex, span_id)
NOTED(put_parent_span_id, put_hex, parent_span_id)
NOTED(put_start_time, put_time, start_time)
NOTED(put_end_time, put_time, end_time)

static const struct row span_rows[] = {
    { BENCH_SPAN_TRACE_ID, "traceId", put_trace_id, NULL, false },
    { BENCH_SPAN_SPAN_ID, "spanId", put_span_id, NULL, false },
    { BENCH_SPAN_PARENT_SPAN_ID, "parentSpanId", put_parent_span_id, NULL, false },
    { BENCH_SPAN_NAME, "name", put_string, NULL, false },
    { BENCH_SPAN_KIND, "kind", put_varint, NULL, false },
    { BENCH_SPAN_START, "startTimeUnixNano", put_start_time, NULL, false },
    { BENCH_SPAN_END, "endTimeUnixNano", put_end_time, NULL, false },
    { BENCH_SPAN_ATTRIBUTES, "attributes", put_message, key_value_rows, true },
    { BENCH_SPAN_EVENTS, "events", put_message, event_rows, true },
    { BENCH_SPAN_STATUS, "status", put_message, status_rows, false },
    { 0, NULL, NULL, NULL, false },
};

static void put_span(struct writer *writer, struct bench_range value, const struct row *row)
{
    put_message(writer, value, row);
    writer->made->span_count++;
}

static const struct row scope_spans_rows[] = {
    { BENCH_SCOPE_SPANS_SCOPE, "scope", put_message, scope_rows, false },
    { BENCH_SCOPE_SPANS_SPANS, "spans", put_span, span_rows, true },
    { 0, NULL, NULL, NULL, false },
};
static const struct row resource_spans_rows[] = {
    { BENCH_RESOURCE_SPANS_RESOURCE, "resource", put_message, resource_rows, false },
    { BENCH_RESOURCE_SPANS_SCOPE_SPANS, "scopeSpans", put_message, scope_spans_rows, true },
    { 0, NULL, NULL, NULL, false },
};
static const struct row request_rows[] = {
    { BENCH_REQUEST_RESOURCE_SPANS, "resourceSpans", put_message, resource_spans_rows, true },
    { 0, NULL, NULL, NULL, false },
};
static const struct row request_row = { 1, NULL, put_message, request_rows, false };

struct json_template json_build(const struct template *made)
{
    struct json_template json = { .spans = bench_alloc_zero(made->span_count, sizeof *json.spans) };
    struct writer writer = { &json, &json.text };
    struct bench_range request = { made->request.bytes + made->prefix_bytes,
                                   made->request.bytes + made->request.length };
    put_message(&writer, request, &request_row);
    return json;
}

void json_free(struct json_template *json)
{
    bench_bytes_free(&json->text);
    free(json->spans);
}

/* ---- patching ---- */

static void write_hex(uint8_t *text, const uint8_t *bytes, unsigned count)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < count; i++) {
        text[2 * i] = (uint8_t)digits[bytes[i] >> 4];
        text[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
    }
}

static void write_time(uint8_t *text, const uint8_t *bytes)
{
    uint64_t number;
    memcpy(&number, bytes, sizeof number);
    for (int i = TIME_DIGITS - 1; i >= 0; i--) {
        text[i] = (uint8_t)('0' + number % 10);
        number /= 10;
    }
}

void json_patch(const struct json_template *json, uint8_t *text, const struct template *made, const uint8_t *request)
{
    for (uint32_t i = 0; i < json->span_count; i++) {
        const struct json_span *to = &json->spans[i];
        const struct template_span *from = &made->spans[i];
        write_hex(text + to->trace_id, request + from->trace_id, 16);
        write_hex(text + to->span_id, request + from->span_id, 8);
        if (to->parent_span_id != 0) {
            write_hex(text + to->parent_span_id, request + from->parent_span_id, 8);
        }
        write_time(text + to->start_time, request + from->start_time);
        write_time(text + to->end_time, request + from->end_time);
    }
}
