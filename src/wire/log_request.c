/* Many lines as one request (log_request.h). Records lie behind one another as they come; a run is those of one
 * resource without others between, and at the end each resource's runs are copied behind its head: a copy costs less
 * than a twentieth of reading the line. */
#include "wire/log_request.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "wire/protobuf.h"
#include "wire/string_attribute.h"

enum {
    NONE = -1,
    FIELD_RESOURCE_LOGS = 1, /* of the request */
    FIELD_RESOURCE = 1,      /* of ResourceLogs */
    FIELD_SCOPE_LOGS = 2,
    FIELD_SCOPE = 1, /* of ScopeLogs */
    FIELD_RECORD = 2,
    FIELD_NAME = 1, /* of InstrumentationScope */
    USUAL_BYTES = 1 << 20,
};

struct run {
    size_t at, length; /* in records */
    ptrdiff_t next;
};

/* What tells resources apart, in the order in which it lies in names. */
enum { SERVICE, ENVIRONMENT, ATTRIBUTES, SCOPE, IDENTITY_PARTS };

struct identity {
    struct weft_slice parts[IDENTITY_PARTS];
};

struct resource {
    size_t name_at;
    size_t lengths[IDENTITY_PARTS];
    size_t bytes; /* of its records */
    ptrdiff_t first_run, last_run;
};

struct weft_log_request {
    struct weft_log_line_reader *reader;
    struct weft_log_source source;
    struct weft_buffer records;
    struct weft_buffer names;
    struct resource *resources;
    size_t resource_count, resource_capacity;
    struct run *runs;
    size_t run_count, run_capacity;
    size_t record_count;
    ptrdiff_t last_resource; /* of the last line; NONE: there is none */
};

struct weft_log_request *weft_log_request_new(const struct weft_log_line_settings *settings)
{
    struct weft_log_request *request = weft_alloc(sizeof *request);
    request->reader = weft_log_line_reader_new(settings);
    weft_buffer_init(&request->records, 0);
    weft_buffer_init(&request->names, 0);
    request->last_resource = NONE;
    return request;
}

void weft_log_request_free(struct weft_log_request *request)
{
    weft_log_line_reader_free(request->reader);
    weft_buffer_fini(&request->records);
    weft_buffer_fini(&request->names);
    weft_free(request->resources);
    weft_free(request->runs);
    weft_free(request);
}

void weft_log_request_set_source(struct weft_log_request *request, const struct weft_log_source *source)
{
    request->source = *source;
    weft_log_line_reader_set_source(request->reader, source);
}

static void clear_buffer(struct weft_buffer *buffer)
{
    weft_buffer_clear(buffer);
    if (buffer->capacity > USUAL_BYTES) {
        weft_buffer_fini(buffer);
    }
}

void weft_log_request_clear(struct weft_log_request *request)
{
    clear_buffer(&request->records);
    clear_buffer(&request->names);
    request->resource_count = 0;
    request->run_count = 0;
    request->record_count = 0;
    request->last_resource = NONE;
}

size_t weft_log_request_size_bytes(const struct weft_log_request *request)
{
    return request->records.length + request->names.length;
}

static struct weft_slice part_of(const struct weft_log_request *request, const struct resource *resource, int part)
{
    size_t at = resource->name_at;
    for (int i = 0; i < part; i++) {
        at += resource->lengths[i];
    }
    return resource->lengths[part] == 0 ? WEFT_SLICE_EMPTY
                                        : weft_slice_of(request->names.bytes + at, resource->lengths[part]);
}

/* Lengths first: nearly all of what differs differs in one. */
static bool is_of(const struct weft_log_request *request, ptrdiff_t index, const struct identity *identity)
{
    const struct resource *resource = &request->resources[index];
    for (int i = 0; i < IDENTITY_PARTS; i++) {
        if (resource->lengths[i] != identity->parts[i].length) {
            return false;
        }
    }
    const uint8_t *at = request->names.bytes + resource->name_at;
    for (int i = 0; i < IDENTITY_PARTS; i++) {
        if (resource->lengths[i] > 0 && memcmp(at, identity->parts[i].bytes, resource->lengths[i]) != 0) {
            return false;
        }
        at += resource->lengths[i];
    }
    return true;
}

/* The last line's, or one of the latest; else NONE. */
static ptrdiff_t find_resource(const struct weft_log_request *request, const struct identity *identity)
{
    if (request->last_resource != NONE && is_of(request, request->last_resource, identity)) {
        return request->last_resource;
    }
    ptrdiff_t count = (ptrdiff_t)request->resource_count;
    ptrdiff_t oldest = count > WEFT_LOG_REQUEST_RESOURCES ? count - WEFT_LOG_REQUEST_RESOURCES : 0;
    for (ptrdiff_t i = count - 1; i >= oldest; i--) {
        if (is_of(request, i, identity)) {
            return i;
        }
    }
    return NONE;
}

/* NONE: memory is gone, and nothing has changed but memory that is kept for later. */
static ptrdiff_t add_resource(struct weft_log_request *request, const struct identity *identity)
{
    struct weft_buffer *names = &request->names;
    size_t name_at = names->length;
    if (weft_try_grow(&request->resources, sizeof *request->resources, request->resource_count,
                      &request->resource_capacity) != WEFT_OK) {
        return NONE;
    }
    struct resource resource = { .name_at = name_at, .first_run = NONE, .last_run = NONE };
    for (int i = 0; i < IDENTITY_PARTS; i++) {
        weft_buffer_append(names, identity->parts[i].bytes, identity->parts[i].length);
        resource.lengths[i] = identity->parts[i].length;
    }
    if (weft_buffer_status(names) != WEFT_OK) {
        names->length = name_at;
        names->is_failed = false;
        return NONE;
    }
    request->resources[request->resource_count] = resource;
    return (ptrdiff_t)request->resource_count++;
}

static bool add_run(struct weft_log_request *request, ptrdiff_t index, size_t at, size_t length)
{
    struct resource *resource = &request->resources[index];
    if (request->last_resource == index) {
        request->runs[resource->last_run].length += length;
    } else {
        if (weft_try_grow(&request->runs, sizeof *request->runs, request->run_count, &request->run_capacity) !=
            WEFT_OK) {
            return false;
        }
        ptrdiff_t run = (ptrdiff_t)request->run_count++;
        request->runs[run] = (struct run){ at, length, NONE };
        if (resource->last_run == NONE) {
            resource->first_run = run;
        } else {
            request->runs[resource->last_run].next = run;
        }
        resource->last_run = run;
    }
    resource->bytes += length;
    request->last_resource = index;
    return true;
}

/* Records from `at` on are one of that identity, if status is good; else they are taken back. */
static enum weft_status settle(struct weft_log_request *request, const struct identity *identity, size_t at,
                               enum weft_status status)
{
    struct weft_buffer *records = &request->records;
    if (status == WEFT_OK) {
        ptrdiff_t index = find_resource(request, identity);
        index = index == NONE ? add_resource(request, identity) : index;
        status = index != NONE && add_run(request, index, at, records->length - at) ? WEFT_OK : WEFT_NOMEM;
    }
    if (status != WEFT_OK) {
        records->length = at;
        records->is_failed = false;
        return status;
    }
    request->record_count++;
    return WEFT_OK;
}

enum weft_status weft_log_request_add(struct weft_log_request *request, struct weft_slice line, uint64_t observed_ns,
                                      struct weft_log_line *out_line)
{
    size_t at = request->records.length;
    struct weft_log_line read = { .record_length = 0 };
    enum weft_status status = weft_log_line_read(request->reader, line, observed_ns, &request->records, &read);
    const struct weft_log_source *source = &request->source;
    struct identity identity = { { [SERVICE] = source->has_service ? WEFT_SLICE_EMPTY : read.service,
                                   [ENVIRONMENT] = source->has_environment ? WEFT_SLICE_EMPTY : read.environment,
                                   [ATTRIBUTES] = source->resource,
                                   [SCOPE] = source->scope } };
    status = settle(request, &identity, at, status);
    if (status == WEFT_OK) {
        *out_line = read;
    }
    return status;
}

uint8_t *weft_log_request_add_record(struct weft_log_request *request, size_t size)
{
    struct weft_buffer *records = &request->records;
    size_t at = records->length;
    size_t whole = weft_wire_size_bytes_header(FIELD_RECORD, size) + size;
    uint8_t *to = weft_buffer_reserve(records, whole);
    if (to == NULL) {
        records->is_failed = false;
        return NULL;
    }
    weft_wire_put_bytes_header(to, FIELD_RECORD, size);
    records->length += whole;
    struct identity identity = { { [ATTRIBUTES] = request->source.resource, [SCOPE] = request->source.scope } };
    return settle(request, &identity, at, WEFT_OK) == WEFT_OK ? records->bytes + at + (whole - size) : NULL;
}

size_t weft_log_request_count(const struct weft_log_request *request)
{
    return request->record_count;
}

static size_t framed_size(uint32_t number, size_t length)
{
    return weft_wire_size_bytes_header(number, length) + length;
}

/* 0: an empty value is no attribute. */
static size_t attribute_size(struct weft_slice key, struct weft_slice value)
{
    return value.length == 0 ? 0 : weft_wire_size_string_attribute(WEFT_RESOURCE_ATTRIBUTE_FIELD, key, value);
}

static uint8_t *put_attribute(uint8_t *to, struct weft_slice key, struct weft_slice value)
{
    return value.length == 0 ? to : weft_wire_put_string_attribute(to, WEFT_RESOURCE_ATTRIBUTE_FIELD, key, value);
}

const struct weft_slice weft_log_service_key = WEFT_SLICE_LITERAL("service.name");
const struct weft_slice weft_log_environment_key = WEFT_SLICE_LITERAL("deployment.environment.name");

static size_t resource_size(const struct weft_log_request *request, const struct resource *resource)
{
    return resource->lengths[ATTRIBUTES] + attribute_size(weft_log_service_key, part_of(request, resource, SERVICE)) +
           attribute_size(weft_log_environment_key, part_of(request, resource, ENVIRONMENT));
}

/* Of the InstrumentationScope; 0: there is none. */
static size_t scope_size(const struct resource *resource)
{
    return resource->lengths[SCOPE] == 0 ? 0 : framed_size(FIELD_NAME, resource->lengths[SCOPE]);
}

static size_t scope_logs_size(const struct resource *resource)
{
    size_t scope = scope_size(resource);
    return (scope == 0 ? 0 : framed_size(FIELD_SCOPE, scope)) + resource->bytes;
}

/* Of its ResourceLogs. */
static size_t resource_logs_size(const struct weft_log_request *request, const struct resource *resource)
{
    size_t size = resource_size(request, resource);
    return (size == 0 ? 0 : framed_size(FIELD_RESOURCE, size)) +
           framed_size(FIELD_SCOPE_LOGS, scope_logs_size(resource));
}

static uint8_t *put_slice(uint8_t *to, struct weft_slice bytes)
{
    if (bytes.length > 0) {
        memcpy(to, bytes.bytes, bytes.length);
    }
    return to + bytes.length;
}

static uint8_t *put_scope_logs(const struct weft_log_request *request, const struct resource *resource, uint8_t *to)
{
    struct weft_slice name = part_of(request, resource, SCOPE);
    to = weft_wire_put_bytes_header(to, FIELD_SCOPE_LOGS, scope_logs_size(resource));
    if (name.length > 0) {
        to = weft_wire_put_bytes_header(to, FIELD_SCOPE, scope_size(resource));
        to = put_slice(weft_wire_put_bytes_header(to, FIELD_NAME, name.length), name);
    }
    for (ptrdiff_t i = resource->first_run; i != NONE; i = request->runs[i].next) {
        to = put_slice(to, weft_slice_of(request->records.bytes + request->runs[i].at, request->runs[i].length));
    }
    return to;
}

static uint8_t *put_resource(const struct weft_log_request *request, const struct resource *resource, uint8_t *to)
{
    size_t size = resource_size(request, resource);
    to = weft_wire_put_bytes_header(to, FIELD_RESOURCE_LOGS, resource_logs_size(request, resource));
    if (size > 0) {
        to = weft_wire_put_bytes_header(to, FIELD_RESOURCE, size);
        to = put_slice(to, part_of(request, resource, ATTRIBUTES));
        to = put_attribute(to, weft_log_service_key, part_of(request, resource, SERVICE));
        to = put_attribute(to, weft_log_environment_key, part_of(request, resource, ENVIRONMENT));
    }
    return put_scope_logs(request, resource, to);
}

enum weft_status weft_log_request_finish(const struct weft_log_request *request, struct weft_payload *out,
                                         struct weft_otlp_counts *out_counts)
{
    size_t size = 0;
    uint32_t used = 0; /* one whose first line failed for lack of memory has none */
    for (size_t i = 0; i < request->resource_count; i++) {
        const struct resource *resource = &request->resources[i];
        if (resource->bytes > 0) {
            size += framed_size(FIELD_RESOURCE_LOGS, resource_logs_size(request, resource));
            used++;
        }
    }
    if (weft_payload_reserve(out, out->length + size) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    uint8_t *start = out->bytes + out->length;
    uint8_t *to = start;
    for (size_t i = 0; i < request->resource_count; i++) {
        if (request->resources[i].bytes > 0) {
            to = put_resource(request, &request->resources[i], to);
        }
    }
    weft_assert((size_t)(to - start) == size);
    weft_payload_commit(out, size);
    *out_counts = (struct weft_otlp_counts){ .resources = used,
                                             .scopes = used,
                                             .records = (uint32_t)request->record_count,
                                             .data_points = (uint32_t)request->record_count };
    return WEFT_OK;
}
