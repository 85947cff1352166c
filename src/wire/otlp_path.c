/* Where in a request a byte lies, as a path of field names for a person. Only the error route comes here, so
 * it walks from the start again, with names from protobuf-c's descriptors, instead of keeping a path while
 * checking. */
#include "wire/otlp_internal.h"

#include <stdio.h>

#include "base/assert.h"
#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "profiles_service.pb-c.h"
#include "trace_service.pb-c.h"
#include "wire/wire_scan.h"

const ProtobufCMessageDescriptor *weft_otlp_request_descriptor(enum weft_signal signal)
{
    switch (signal) {
    case WEFT_TRACES:
        return &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor;
    case WEFT_METRICS:
        return &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor;
    case WEFT_LOGS:
        return &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor;
    case WEFT_PROFILES:
        return &opentelemetry__proto__collector__profiles__v1development__export_profiles_service_request__descriptor;
    }
    weft_assert(!"signal");
}

struct path {
    char *text;
    size_t size;
    size_t used;
    bool is_cut;
};

static void path_add(struct path *path, const char *text)
{
    size_t length = strlen(text);
    if (path->is_cut || length >= path->size - path->used) {
        path->is_cut = true;
        return;
    }
    memcpy(path->text + path->used, text, length + 1);
    path->used += length;
}

/* How many fields of that number lie between start and stop. */
static uint32_t count_before(const uint8_t *start, const uint8_t *stop, const uint8_t *end, uint32_t number)
{
    struct weft_wire_reader reader = { start, end, start };
    uint32_t count = 0;
    struct weft_wire_field field;
    while (reader.at < stop && weft_wire_scan(&reader, &field) == NULL) {
        count += field.number == number;
    }
    return count;
}

static void path_add_field(struct path *path, const ProtobufCFieldDescriptor *descriptor, uint32_t number,
                           uint32_t index)
{
    char suffix[24] = "";
    if (descriptor == NULL) {
        snprintf(suffix, sizeof suffix, "field %u", number);
    } else if (descriptor->label == PROTOBUF_C_LABEL_REPEATED) {
        snprintf(suffix, sizeof suffix, "[%u]", index);
    }
    path_add(path, path->used > 0 ? "." : "");
    path_add(path, descriptor == NULL ? "" : descriptor->name);
    path_add(path, suffix);
}

/* One level of the walk: finds the field of message that holds position and adds its name. False at the last
 * one. */
static bool path_descend(struct path *path, const ProtobufCMessageDescriptor **message, struct weft_wire_reader *reader,
                         const uint8_t *position)
{
    const uint8_t *start = reader->at;
    while (reader->at < reader->end) {
        const uint8_t *field_start = reader->at;
        uint32_t tag;
        if (weft_wire_read_small(field_start, reader->end, &tag) == NULL || tag >> 3 == 0) {
            return false;
        }
        struct weft_wire_field field = { 0 };
        bool is_last = field_start == position || weft_wire_scan(reader, &field) != NULL;
        if (!is_last && reader->at <= position) {
            continue;
        }
        uint32_t number = tag >> 3;
        const ProtobufCFieldDescriptor *descriptor = protobuf_c_message_descriptor_get_field(*message, number);
        path_add_field(path, descriptor, number, count_before(start, field_start, reader->end, number));
        if (is_last || descriptor == NULL || descriptor->type != PROTOBUF_C_TYPE_MESSAGE) {
            return false;
        }
        *message = descriptor->descriptor;
        *reader = weft_wire_reader_of(field.bytes);
        return true;
    }
    return false;
}

void weft_otlp_path(enum weft_signal signal, struct weft_slice request, const uint8_t *position, char *out_path,
                    size_t path_size)
{
    static const char ellipsis[] = "...";
    weft_assert(path_size > sizeof ellipsis);
    struct path path = { .text = out_path, .size = path_size - sizeof ellipsis };
    out_path[0] = '\0';
    const ProtobufCMessageDescriptor *message = weft_otlp_request_descriptor(signal);
    struct weft_wire_reader reader = weft_wire_reader_of(request);
    while (path_descend(&path, &message, &reader, position)) {
    }
    if (path.is_cut) {
        memcpy(out_path + path.used, ellipsis, sizeof ellipsis);
    }
}
