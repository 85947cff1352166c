#pragma once

#include "join_world.h"

/* Spans and log lines as bytes, for tests of the join: each has a number in a field that no version of OTLP has, so
 * that it is known again wherever it comes out. */
enum { JOIN_NUMBER_FIELD = 1000, JOIN_RESOURCES = 4, JOIN_SCOPES = 2 };

struct join_record {
    uint32_t number;
    size_t pipeline;
    const uint8_t *trace_id;   /* 16 bytes; NULL = none */
    uint32_t parent;           /* number of the parent span; UINT32_MAX = none */
    uint32_t span;             /* of a log: the span that it names; UINT32_MAX = none */
    uint64_t start_ns, end_ns; /* of a span */
    uint32_t status;
    const char *status_message; /* or NULL */
    uint32_t kind;              /* of a span */
    uint32_t severity;
    const char *route;      /* an attribute, or NULL */
    const char *key, *word; /* one more, or NULL */
    const uint8_t *links;   /* trace ids of so many links, one after another */
    uint32_t link_count;
    uint32_t resource, scope;
    uint32_t padding; /* bytes more */
};

#define JOIN_NO_SPAN   UINT32_MAX
#define JOIN_ZERO_SPAN (UINT32_MAX - 1) /* an id of zeros */

static inline void put_varint_field(struct weft_buffer *out, uint32_t number, uint64_t value)
{
    uint8_t bytes[20];
    uint8_t *end = weft_wire_put_varint(bytes, (uint64_t)number << 3 | WEFT_WIRE_VARINT);
    weft_buffer_append(out, bytes, (size_t)(weft_wire_put_varint(end, value) - bytes));
}

static inline void put_fixed64_field(struct weft_buffer *out, uint32_t number, uint64_t value)
{
    uint8_t bytes[20];
    uint8_t *end = weft_wire_put_varint(bytes, (uint64_t)number << 3 | WEFT_WIRE_FIXED64);
    memcpy(end, &value, 8);
    weft_buffer_append(out, bytes, (size_t)(end + 8 - bytes));
}

static inline void put_attribute(struct weft_buffer *out, uint32_t field, const char *key, const char *text)
{
    struct weft_buffer value, pair;
    weft_buffer_init(&value, 0);
    weft_buffer_init(&pair, 0);
    put_field(&value, 1, text, strlen(text));
    put_field(&pair, 1, key, strlen(key));
    put_message(&pair, 2, &value);
    put_message(out, field, &pair);
}

static inline void join_span_id(uint32_t number, uint8_t *out_id)
{
    memset(out_id, 0xbb, 8);
    memcpy(out_id + 4, &number, 4);
}

static inline void put_id_of_span(struct weft_buffer *out, uint32_t field, uint32_t number)
{
    uint8_t id[8];
    if (number != JOIN_NO_SPAN) {
        join_span_id(number, id);
        if (number == JOIN_ZERO_SPAN) {
            memset(id, 0, sizeof id);
        }
        put_field(out, field, id, sizeof id);
    }
}

static inline void put_padding(struct weft_buffer *out, const struct join_record *record)
{
    if (record->padding > 0) {
        uint8_t *bytes = weft_alloc(record->padding);
        memset(bytes, 'x', record->padding);
        put_field(out, 1001, bytes, record->padding);
        weft_free(bytes);
    }
    put_field(out, JOIN_NUMBER_FIELD, &record->number, sizeof record->number);
}

static inline void put_join_links(struct weft_buffer *out, const struct join_record *record)
{
    struct weft_buffer link;
    for (uint32_t i = 0; i < record->link_count; i++) {
        weft_buffer_init(&link, 0);
        put_field(&link, 1, record->links + (size_t)i * 16, 16);
        put_message(out, 13, &link);
    }
}

static inline void put_join_span(struct weft_buffer *out, const struct join_record *record)
{
    struct weft_buffer status;
    char name[32];
    snprintf(name, sizeof name, "span %u", record->number);
    if (record->trace_id != NULL) {
        put_field(out, 1, record->trace_id, 16);
    }
    put_id_of_span(out, 2, record->number);
    put_id_of_span(out, 4, record->parent);
    put_field(out, 5, name, strlen(name));
    put_varint_field(out, 6, record->kind);
    put_fixed64_field(out, 7, record->start_ns);
    put_fixed64_field(out, 8, record->end_ns);
    if (record->route != NULL) {
        put_attribute(out, 9, "route", record->route);
    }
    if (record->key != NULL) {
        put_attribute(out, 9, record->key, record->word);
    }
    put_join_links(out, record);
    weft_buffer_init(&status, 0);
    if (record->status_message != NULL) {
        put_field(&status, 2, record->status_message, strlen(record->status_message));
    }
    put_varint_field(&status, 3, record->status);
    put_message(out, 15, &status);
    put_padding(out, record);
}

static inline void put_join_log(struct weft_buffer *out, const struct join_record *record)
{
    struct weft_buffer body;
    char text[32];
    snprintf(text, sizeof text, "line %u", record->number);
    put_fixed64_field(out, 1, record->start_ns);
    put_varint_field(out, 2, record->severity);
    weft_buffer_init(&body, 0);
    put_field(&body, 1, text, strlen(text));
    put_message(out, 5, &body);
    if (record->route != NULL) {
        put_attribute(out, 6, "route", record->route);
    }
    if (record->key != NULL) {
        put_attribute(out, 6, record->key, record->word);
    }
    if (record->trace_id != NULL) {
        put_field(out, 9, record->trace_id, 16);
    }
    put_id_of_span(out, 10, record->span);
    put_padding(out, record);
}

/* The contents of the Span or LogRecord. */
static inline void put_join_record(struct weft_buffer *out, const struct join_record *record)
{
    if (record->pipeline == 0) {
        put_join_span(out, record);
    } else {
        put_join_log(out, record);
    }
}

static inline const char *join_environment(uint32_t resource)
{
    return resource == 1 ? "prod" : "dev";
}

static inline void put_join_resource(struct weft_buffer *out, uint32_t resource)
{
    struct weft_buffer message;
    char service[32];
    snprintf(service, sizeof service, "service %u", resource);
    weft_buffer_init(&message, 0);
    put_attribute(&message, 1, "service.name", service);
    put_attribute(&message, 1, "environment", join_environment(resource));
    put_message(out, 1, &message);
}

static inline void put_join_scope(struct weft_buffer *out, uint32_t scope)
{
    struct weft_buffer message;
    char name[32];
    snprintf(name, sizeof name, "scope %u", scope);
    weft_buffer_init(&message, 0);
    put_field(&message, 1, name, strlen(name));
    put_message(out, 1, &message);
}

/* The number of a record that came out; UINT32_MAX: it is none of ours. */
static inline uint32_t join_number_of(struct weft_slice record)
{
    struct weft_wire_reader reader = weft_wire_reader_of(record);
    struct weft_wire_field field;
    bool has_field = false;
    uint32_t number = UINT32_MAX;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == JOIN_NUMBER_FIELD && field.bytes.length == sizeof number) {
            memcpy(&number, field.bytes.bytes, sizeof number);
        }
    }
    return number;
}

/* A batch of records of one pipeline; neighbours with the same resource and scope share them. */
static inline struct weft_payload *join_payload(const struct join_record *records, size_t count)
{
    struct weft_buffer request, resource, scope, record;
    weft_buffer_init(&request, 0);
    for (size_t i = 0; i < count;) {
        size_t first = i;
        weft_buffer_init(&resource, 0);
        weft_buffer_init(&scope, 0);
        put_join_resource(&resource, records[i].resource);
        put_join_scope(&scope, records[i].scope);
        for (; i < count && records[i].resource == records[first].resource && records[i].scope == records[first].scope;
             i++) {
            weft_buffer_init(&record, 0);
            put_join_record(&record, &records[i]);
            put_message(&scope, 2, &record);
        }
        put_message(&resource, 2, &scope);
        put_message(&request, 1, &resource);
    }
    struct weft_payload *payload = weft_payload_try_new(host.pool, request.length);
    weft_payload_append(payload, request.bytes, request.length);
    weft_buffer_fini(&request);
    return payload;
}

/* Offers to the worker's face of the pipeline. What is refused is ended and booked so. */
static inline enum weft_status join_offer_payload(uint32_t worker, size_t pipeline, struct weft_payload *payload,
                                                  struct weft_ticket *ticket)
{
    struct weft_batch *batch = batch_of(join_signal_of(pipeline), payload, ticket);
    struct weft_error error = WEFT_ERROR_NONE;
    uint64_t weight = batch->weight;
    weft_host_book(&join->hosts[worker], join->offered_flow[pipeline], weight);
    enum weft_status status = weft_consumer_consume(join->faces[worker][pipeline], &batch, &error);
    if (status != WEFT_OK) {
        ck_assert_ptr_nonnull(batch);
        weft_host_book(&join->hosts[worker], join->refused_flow[pipeline], weight);
        error.status = status;
        weft_batch_end(&batch, &error, -1);
    }
    ck_assert_ptr_null(batch);
    return status;
}

static inline enum weft_status join_offer(uint32_t worker, const struct join_record *records, size_t count,
                                          struct weft_ticket *ticket)
{
    return join_offer_payload(worker, records[0].pipeline, join_payload(records, count), ticket);
}
