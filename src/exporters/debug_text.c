/* Records as lines of text (debug_text.h). Read field by field from their bytes; what is not shown is skipped. */
#include "exporters/debug_text.h"

#include <inttypes.h>

#include "common.pb-c.h"
#include "wire/json_writer.h"
#include "wire/otlp_attributes.h"
#include "wire/protobuf.h"

/* Fields shown besides attributes; 0 = the signal has none. */
static const struct {
    uint32_t name, body, trace_id, span_id;
} shown_fields[] = {
    [WEFT_TRACES] = { .name = 5, .trace_id = 1, .span_id = 2 },
    [WEFT_METRICS] = { .name = 1 },
    [WEFT_LOGS] = { .body = 5, .trace_id = 9, .span_id = 10 },
};

enum { VALUE_STRING = 1, VALUE_BOOL = 2, VALUE_INT = 3, VALUE_DOUBLE = 4 };

/* The last field of that number; false if there is none. */
static bool find_field(struct weft_slice message, uint32_t number, struct weft_wire_field *out_field)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    bool has_field = true;
    bool is_found = false;
    while (number != 0 && weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == number) {
            *out_field = field;
            is_found = true;
        }
    }
    return is_found;
}

/* An AnyValue: scalars as they are, arrays and maps as OTLP/JSON. */
static enum weft_status write_value(struct weft_slice value, struct weft_buffer *out)
{
    double real;
    struct weft_wire_reader reader = weft_wire_reader_of(value);
    struct weft_wire_field field;
    bool has_field = false;
    if (weft_wire_next(&reader, &field, &has_field, NULL) != WEFT_OK || !has_field) {
        return WEFT_OK;
    }
    switch (field.number) {
    case VALUE_STRING:
        weft_buffer_append_json_escaped(out, field.bytes);
        return WEFT_OK;
    case VALUE_BOOL:
        weft_buffer_append_text(out, field.number_value != 0 ? "true" : "false");
        return WEFT_OK;
    case VALUE_INT:
        weft_buffer_append_format(out, "%" PRId64, (int64_t)field.number_value);
        return WEFT_OK;
    case VALUE_DOUBLE:
        memcpy(&real, &field.number_value, sizeof real);
        weft_buffer_append_format(out, "%.17g", real);
        return WEFT_OK;
    default:
        return weft_json_write_message(&opentelemetry__proto__common__v1__any_value__descriptor, value, out, NULL);
    }
}

static void write_id(struct weft_slice record, uint32_t number, struct weft_buffer *out)
{
    struct weft_wire_field field;
    if (!find_field(record, number, &field) || field.bytes.length == 0) {
        return;
    }
    weft_buffer_append_byte(out, ' ');
    for (size_t i = 0; i < field.bytes.length; i++) {
        weft_buffer_append_format(out, "%02x", field.bytes.bytes[i]);
    }
}

static enum weft_status write_attributes(struct weft_slice record, uint32_t number,
                                         struct weft_otlp_attributes *attributes, struct weft_buffer *out)
{
    enum weft_status status = weft_otlp_attributes_read(record, number, attributes);
    for (size_t i = 0; status == WEFT_OK && i < attributes->count; i++) {
        struct weft_wire_field value;
        weft_buffer_append_byte(out, ' ');
        weft_buffer_append_json_escaped(out, attributes->items[i].key);
        weft_buffer_append_byte(out, '=');
        if (find_field(attributes->items[i].contents, WEFT_OTLP_VALUE_FIELD, &value)) {
            status = write_value(value.bytes, out);
        }
    }
    return status;
}

static enum weft_status write_record(enum weft_signal signal, const struct weft_otlp_record *record,
                                     struct weft_otlp_attributes *attributes, struct weft_buffer *out)
{
    struct weft_slice bytes = { record->bytes, record->length };
    struct weft_wire_field field;
    enum weft_status status = WEFT_OK;
    if (find_field(bytes, shown_fields[signal].name, &field)) {
        weft_buffer_append_json_escaped(out, field.bytes);
    } else if (find_field(bytes, shown_fields[signal].body, &field)) {
        status = write_value(field.bytes, out);
    }
    write_id(bytes, shown_fields[signal].trace_id, out);
    write_id(bytes, shown_fields[signal].span_id, out);
    if (signal == WEFT_METRICS) {
        weft_buffer_append_format(out, " data_points=%" PRIu32, record->weight);
    } else if (status == WEFT_OK) {
        status = write_attributes(bytes, weft_otlp_attributes_field(signal), attributes, out);
    }
    weft_buffer_append_byte(out, '\n');
    return status;
}

enum weft_status weft_debug_write_records(const struct weft_otlp_table *table, struct weft_buffer *out)
{
    struct weft_otlp_attributes attributes = { 0 };
    enum weft_status status = WEFT_OK;
    for (uint32_t i = 0; status == WEFT_OK && i < table->record_count; i++) {
        status = write_record(table->signal, &table->records[i], &attributes, out);
    }
    weft_otlp_attributes_fini(&attributes);
    return status == WEFT_OK ? weft_buffer_status(out) : WEFT_NOMEM;
}
