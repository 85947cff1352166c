/* Pieces of debug's texts (debug_write.h). */
#include "exporters/debug_write.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/hex.h"
#include "exporters/debug_profiles.h"
#include "wire/otlp_text.h"

void weft_debug_writer_fini(struct weft_debug_writer *writer)
{
    weft_otlp_attributes_fini(&writer->attributes);
    weft_buffer_fini(&writer->stack);
    weft_buffer_fini(&writer->value);
}

/* ---- fields ---- */

bool weft_debug_next(struct weft_slice *in_out_rest, uint32_t number, struct weft_wire_field *out_field)
{
    struct weft_wire_reader reader = weft_wire_reader_of(*in_out_rest);
    struct weft_wire_field field;
    bool has_field = true;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == number) {
            *in_out_rest = weft_slice_of(reader.at, (size_t)(reader.end - reader.at));
            *out_field = field;
            return true;
        }
    }
    return false;
}

bool weft_debug_find(struct weft_slice message, uint32_t number, struct weft_wire_field *out_field)
{
    bool is_found = false;
    while (number != 0 && weft_debug_next(&message, number, out_field)) {
        is_found = true;
    }
    return is_found;
}

struct weft_slice weft_debug_bytes(struct weft_slice message, uint32_t number)
{
    struct weft_wire_field field;
    return weft_debug_find(message, number, &field) ? field.bytes : WEFT_SLICE_EMPTY;
}

uint64_t weft_debug_number(struct weft_slice message, uint32_t number)
{
    struct weft_wire_field field;
    return weft_debug_find(message, number, &field) ? field.number_value : 0;
}

double weft_debug_double(struct weft_slice message, uint32_t number)
{
    uint64_t bits = weft_debug_number(message, number);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool take_packed(struct weft_slice *packed, bool is_varint, uint64_t *out_number)
{
    uint64_t number = 0;
    size_t length = 0;
    if (!is_varint) {
        if (packed->length < sizeof number) {
            return false;
        }
        memcpy(&number, packed->bytes, sizeof number);
        length = sizeof number;
    } else {
        for (unsigned shift = 0; length < packed->length && shift < 64; shift += 7) {
            uint8_t byte = packed->bytes[length++];
            number |= (uint64_t)(byte & 0x7f) << shift;
            if (byte < 0x80) {
                break;
            }
        }
    }
    *packed = weft_slice_of(packed->bytes + length, packed->length - length);
    *out_number = number;
    return length > 0;
}

bool weft_debug_next_number(struct weft_debug_numbers *numbers, uint32_t number, bool is_varint, uint64_t *out_number)
{
    struct weft_wire_field field;
    while (!take_packed(&numbers->packed, is_varint, out_number)) {
        if (!weft_debug_next(&numbers->rest, number, &field)) {
            return false;
        }
        if (field.type != WEFT_WIRE_BYTES) {
            *out_number = field.number_value;
            return true;
        }
        numbers->packed = field.bytes;
    }
    return true;
}

size_t weft_debug_count_numbers(struct weft_slice message, uint32_t number, bool is_varint)
{
    struct weft_debug_numbers numbers = { .rest = message };
    uint64_t unused;
    size_t count = 0;
    while (weft_debug_next_number(&numbers, number, is_varint, &unused)) {
        count++;
    }
    return count;
}

uint64_t weft_debug_number_at(struct weft_slice message, uint32_t number, bool is_varint, size_t index)
{
    struct weft_debug_numbers numbers = { .rest = message };
    uint64_t found = 0;
    for (size_t i = 0; i <= index; i++) {
        (void)weft_debug_next_number(&numbers, number, is_varint, &found);
    }
    return found;
}

/* ---- texts ---- */

/* JSON's escapes, but a quote and a backslash stay as they are. */
void weft_debug_put_text(struct weft_debug_writer *writer, struct weft_slice text)
{
    size_t start = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < ' ' || text.bytes[i] == 0x7f) {
            weft_buffer_append(writer->out, text.bytes + start, i - start);
            weft_buffer_append_json_escaped(writer->out, weft_slice_of(text.bytes + i, 1));
            start = i + 1;
        }
    }
    if (text.length > start) {
        weft_buffer_append(writer->out, text.bytes + start, text.length - start);
    }
}

void weft_debug_put_id(struct weft_debug_writer *writer, struct weft_slice id)
{
    uint8_t any = 0;
    for (size_t i = 0; i < id.length; i++) {
        any |= id.bytes[i];
    }
    if (any != 0) {
        weft_hex_append(writer->out, id);
    }
}

/* A text that is a place in the dictionary. */
static bool find_reference(const struct weft_debug_writer *writer, struct weft_slice value, struct weft_slice *out_text)
{
    enum { STRING_INDEX_FIELD = 8 };
    struct weft_wire_field index;
    return writer->dictionary != NULL && weft_debug_find(value, STRING_INDEX_FIELD, &index) &&
           weft_debug_find_string(writer->dictionary, (int32_t)index.number_value, out_text);
}

void weft_debug_put_key(struct weft_debug_writer *writer, const struct weft_otlp_attribute *attribute)
{
    enum { KEY_INDEX_FIELD = 3 };
    struct weft_slice key = attribute->key;
    struct weft_wire_field index;
    if (key.length == 0 && writer->dictionary != NULL &&
        weft_debug_find(attribute->contents, KEY_INDEX_FIELD, &index)) {
        (void)weft_debug_find_string(writer->dictionary, (int32_t)index.number_value, &key);
    }
    weft_debug_put_text(writer, key);
}

/* "Str(text)" */
void weft_debug_put_typed_value(struct weft_debug_writer *writer, struct weft_slice message, uint32_t field)
{
    static const char *const types[] = {
        [WEFT_OTLP_VALUE_NONE] = "Empty", [WEFT_OTLP_VALUE_STRING] = "Str",    [WEFT_OTLP_VALUE_BOOL] = "Bool",
        [WEFT_OTLP_VALUE_INT] = "Int",    [WEFT_OTLP_VALUE_DOUBLE] = "Double", [WEFT_OTLP_VALUE_ARRAY] = "Slice",
        [WEFT_OTLP_VALUE_MAP] = "Map",    [WEFT_OTLP_VALUE_BYTES] = "Bytes",
    };
    struct weft_slice text;
    bool is_reference = find_reference(writer, weft_debug_bytes(message, field), &text);
    weft_buffer_append_format(writer->out, "%s(",
                              types[is_reference ? WEFT_OTLP_VALUE_STRING : weft_otlp_value_of(message, field).kind]);
    weft_debug_put_value(writer, message, field);
    weft_buffer_append_byte(writer->out, ')');
}

void weft_debug_put_value(struct weft_debug_writer *writer, struct weft_slice message, uint32_t field)
{
    struct weft_slice text;
    if (find_reference(writer, weft_debug_bytes(message, field), &text)) {
        weft_debug_put_text(writer, text);
        return;
    }
    struct weft_otlp_value value = weft_otlp_value_of(message, field);
    weft_buffer_clear(&writer->value);
    weft_otlp_put_text(&value, &writer->stack, &writer->value);
    writer->is_failed = writer->is_failed || writer->value.is_failed || writer->stack.is_failed;
    weft_debug_put_text(writer, weft_buffer_slice(&writer->value));
}

void weft_debug_put_time(struct weft_debug_writer *writer, uint64_t time_unix_nano)
{
    int64_t ns = (int64_t)time_unix_nano;
    int64_t fraction = ns % WEFT_NS_PER_S;
    time_t seconds = (time_t)(ns / WEFT_NS_PER_S - (fraction < 0));
    fraction += fraction < 0 ? WEFT_NS_PER_S : 0;
    struct tm parts = { 0 };
    char text[64];
    gmtime_r(&seconds, &parts);
    size_t length = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    weft_buffer_append(writer->out, text, length);
    if (fraction != 0) {
        length = (size_t)snprintf(text, sizeof text, ".%09" PRId64, fraction);
        while (text[length - 1] == '0') {
            length--;
        }
        weft_buffer_append(writer->out, text, length);
    }
    weft_buffer_append_text(writer->out, " +0000 UTC");
}

static bool put_special(struct weft_debug_writer *writer, double value)
{
    if (isfinite(value)) {
        return false;
    }
    weft_buffer_append_text(writer->out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
    return true;
}

/* The fewest digits that read back as the same number; with an exponent below 1e-4 and from 1e6 on. */
void weft_debug_put_shortest(struct weft_debug_writer *writer, double value)
{
    enum { MAX_DIGITS = 17, PLAIN_DIGITS = 6 };
    char text[64];
    int digits = 0;
    if (put_special(writer, value)) {
        return;
    }
    do {
        snprintf(text, sizeof text, "%.*e", digits, value);
    } while (strtod(text, NULL) != value && ++digits < MAX_DIGITS);
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent >= -4 && exponent < PLAIN_DIGITS) {
        snprintf(text, sizeof text, "%.*f", digits > exponent ? digits - exponent : 0, value);
    }
    weft_buffer_append_text(writer->out, text);
}

void weft_debug_put_fixed(struct weft_debug_writer *writer, double value)
{
    if (!put_special(writer, value)) {
        weft_buffer_append_format(writer->out, "%f", value);
    }
}

size_t weft_debug_put_pairs(struct weft_debug_writer *writer, struct weft_slice message, uint32_t field,
                            const char *before, const char *between)
{
    if (weft_otlp_attributes_read(message, field, &writer->attributes) != WEFT_OK) {
        writer->is_failed = true;
        return 0;
    }
    for (size_t i = 0; i < writer->attributes.count; i++) {
        weft_buffer_append_text(writer->out, i == 0 ? before : between);
        weft_debug_put_key(writer, &writer->attributes.items[i]);
        weft_buffer_append_byte(writer->out, '=');
        weft_debug_put_value(writer, writer->attributes.items[i].contents, WEFT_OTLP_VALUE_FIELD);
    }
    return writer->attributes.count;
}

enum weft_status weft_debug_write(const struct weft_otlp_table *table, const struct weft_debug_form *form,
                                  struct weft_buffer *out)
{
    enum { MOST_TIMES_AS_LONG = 16, ALWAYS_BYTES = 64 * 1024 };
    struct weft_debug_writer writer = { .out = out };
    struct weft_debug_dictionary dictionary;
    uint32_t scope = 0, record = 0;
    writer.most_length = out->length + ALWAYS_BYTES + MOST_TIMES_AS_LONG * table->request.length;
    if (table->signal == WEFT_PROFILES) {
        if (weft_debug_dictionary_read(table, &dictionary) != WEFT_OK) {
            return WEFT_NOMEM;
        }
        writer.dictionary = &dictionary;
        if (form->put_dictionary != NULL) {
            form->put_dictionary(&writer);
        }
    }
    for (uint32_t i = 0; i < table->resource_count; i++) {
        form->put_resource(&writer, table->signal, i, table->resources[i].header);
        for (uint32_t j = 0; scope < table->scope_count && table->scopes[scope].resource == i; j++, scope++) {
            form->put_scope(&writer, table->signal, j, table->scopes[scope].header);
            for (uint32_t k = 0; record < table->record_count && table->records[record].scope == scope; k++, record++) {
                struct weft_slice bytes = { table->records[record].bytes, table->records[record].length };
                form->put_record(&writer, table->signal, k, bytes);
            }
        }
    }
    bool is_failed = writer.is_failed;
    weft_debug_writer_fini(&writer);
    return is_failed ? WEFT_NOMEM : weft_buffer_status(out);
}
