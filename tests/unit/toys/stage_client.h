#pragma once

#include "stage_world.h"
#include "wire/protobuf.h"

/* Receiver `client`: offers requests, or keeps some until the pressure goes and offers them in the next tick, as the
 * OTLP receiver does. */
struct client_config {
    char *text;
};

enum { MAX_PARKED = 3 };

struct client {
    struct weft_receiver receiver;
    struct weft_list node; /* in all_clients */
    size_t index;
    struct weft_entry *entries[WEFT_SIGNAL_COUNT];
    const struct shape *shapes[WEFT_SIGNAL_COUNT]; /* that the entries lead into */
    struct request *parked[MAX_PARKED];
    size_t parked_count;
    struct weft_timer offer_timer;
    bool is_draining;
};

static struct weft_list all_clients;

static const struct weft_field client_fields[] = {
    WEFT_FIELD(struct client_config, text, NULL, ""),
    WEFT_FIELDS_END,
};

static const char *const client_names[CLIENTS] = { "client/0", "client/1", "client/2", "client/3" };

/* Client 0 feeds all traces pipelines, 1 all logs pipelines, 2 those named a, 3 those named b. */
static inline bool does_feed(size_t client, size_t pipeline)
{
    return client == 0 ? pipeline < 2 : client == 1 ? pipeline >= 2 : pipeline % 2 == client - 2;
}

static inline struct client *client_of(const struct weft_receiver *receiver)
{
    return WEFT_CONTAINER_OF(receiver, struct client, receiver);
}

/* ---- requests ---- */

static inline void request_settled(struct weft_ticket *ticket)
{
    struct request *request = WEFT_CONTAINER_OF(ticket, struct request, ticket);
    EXPECT(request->settled++ == 0, "a ticket was settled twice");
    request->status = ticket->worst.status;
}

/* ResourceX{ScopeX{record*}}; a record has a trace id and, as its span id, its number. NULL without memory. */
static inline struct weft_payload *request_payload(const struct request *request, struct weft_payload_pool *pool)
{
    enum { RECORD_BYTES = 28 };
    uint8_t bytes[16 + MAX_RECORDS * (RECORD_BYTES + 2)];
    uint8_t trace_field = request->signal == WEFT_TRACES ? 1 : 9;
    size_t records_bytes = request->record_count * (RECORD_BYTES + 2);
    size_t header_bytes = records_bytes < 128 ? 2 : 3;
    uint8_t *at = weft_wire_put_bytes_header(bytes, 1, records_bytes + header_bytes);
    at = weft_wire_put_bytes_header(at, 2, records_bytes);
    for (uint32_t i = 0; i < request->record_count; i++) {
        uint64_t id = request->first_record + i;
        uint8_t trace_id[16] = { 1 };
        trace_id[8] = world->owner_byte[id];
        at = weft_wire_put_bytes_header(at, 2, RECORD_BYTES);
        at = weft_wire_put_bytes_header(at, trace_field, 16);
        memcpy(at, trace_id, 16);
        at = weft_wire_put_bytes_header(at + 16, trace_field + 1, 8);
        memcpy(at, &id, 8);
        at += 8;
    }
    size_t length = (size_t)(at - bytes);
    struct weft_payload *payload = weft_payload_try_new(pool, length);
    if (payload != NULL) {
        weft_payload_append(payload, bytes, length);
    }
    return payload;
}

static inline struct weft_batch *request_batch(struct request *request, struct weft_payload_pool *pool)
{
    struct weft_payload *payload = request_payload(request, pool);
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    if (payload == NULL) {
        return NULL;
    }
    enum weft_status status = weft_otlp_check(request->signal, weft_payload_slice(payload), NULL, &counts, &error);
    EXPECT(status == WEFT_OK && counts.records == request->record_count, "%s", error.text);
    struct weft_batch *batch =
        weft_batch_try_new(request->signal, &payload, NULL, WEFT_ENCODING_IDENTITY, &counts, &request->ticket);
    if (batch == NULL) {
        weft_payload_unref(&payload);
        return NULL;
    }
    bool is_delivered = world->is_strict || chance(30);
    weft_ticket_init(&request->ticket, request->record_count,
                     is_delivered ? WEFT_ACKNOWLEDGE_DELIVERED : WEFT_ACKNOWLEDGE_ACCEPTED, request_settled);
    request->was_sent = true;
    return batch;
}

static inline void note_offered(const struct client *client, struct request *request)
{
    const struct shape *shape = client->shapes[request->signal];
    request->is_staged = true;
    for (size_t p = 0; p < PIPELINES; p++) {
        const struct pipeline_shape *pipeline = &shape->pipelines[p];
        if (signal_of(p) != request->signal || !pipeline->is_there || !does_feed(client->index, p)) {
            continue;
        }
        bool is_held = pipeline->has_step[STEP_HOLD_A] || pipeline->has_step[STEP_HOLD_B];
        request->is_staged = request->is_staged && (is_held || pipeline->has_step[STEP_SAMPLE]);
        for (uint32_t i = 0; i < request->record_count; i++) {
            world->was_offered[p][request->first_record + i] = true;
            world->was_held[p][request->first_record + i] = is_held && !pipeline->has_step[STEP_SAMPLE];
        }
    }
}

static inline bool is_any_core_closed(const struct weft_stage_identity *identity)
{
    for (uint32_t w = 0; w < identity->worker_count; w++) {
        if (weft_atomic_load(&identity->is_closed[w]) != 0) {
            return true;
        }
    }
    return false;
}

/* The first pipeline that it comes into begins with a face, and some core of that stage takes no more. */
static inline bool meets_a_closed_core(const struct client *client, enum weft_signal signal)
{
    const struct worker *worker = &world->workers[client->receiver.host->worker_index];
    const struct weft_graph *graph = worker->graph;
    bool is_of_former = client->shapes[signal] != worker->shape;
    for (size_t i = 0; !is_of_former && i < graph->pipeline_count; i++) {
        const struct graph_pipeline *pipeline = graph->pipelines[i];
        if (pipeline->signal == signal && does_feed(client->index, pipeline_index(pipeline->id))) {
            return pipeline->processor_count > 0 && pipeline->stages[0] != NULL &&
                   is_any_core_closed(pipeline->stages[0]);
        }
    }
    return false;
}

/* Sometimes two requests in one batch. */
static inline void offer(struct client *client, struct request *request, struct request *other)
{
    struct weft_payload_pool *pool = client->receiver.host->pool;
    struct weft_batch *batch = request_batch(request, pool);
    if (batch == NULL) {
        return;
    }
    note_offered(client, request);
    uint64_t weight = request->record_count;
    struct weft_batch *second = other == NULL ? NULL : request_batch(other, pool);
    if (second != NULL && weft_batch_merge(batch, &second) == WEFT_OK) {
        note_offered(client, other);
        weight += other->record_count;
    } else if (second != NULL) {
        weft_batch_end(&second, &(struct weft_error){ .status = WEFT_NOMEM }, -1);
    }
    bool must_refuse = meets_a_closed_core(client, request->signal);
    enum weft_status status = weft_entry_offer(client->entries[request->signal], &batch);
    world->accepted[request->signal] += status == WEFT_OK ? weight : 0;
    EXPECT(batch == NULL, "an offered batch came back");
    EXPECT(!must_refuse || status != WEFT_OK, "a face took a batch for a core that was closed");
    for (size_t p = 0; p < PIPELINES && status == WEFT_NOMEM; p++) {
        world->unsure[p] += world->was_offered[p][request->first_record] ? weight : 0;
    }
}

static inline void come(struct client *client, struct request *request)
{
    struct weft_entry *entry = client->entries[request->signal];
    if (entry == NULL) {
        return;
    }
    bool is_patient = client->parked_count < MAX_PARKED && chance(60);
    if (!weft_entry_is_open(entry) && is_patient) {
        client->parked[client->parked_count++] = request;
        return;
    }
    struct request *other = NULL;
    if (client->parked_count > 0 && client->parked[client->parked_count - 1]->signal == request->signal) {
        other = client->parked[--client->parked_count];
    }
    offer(client, request, other);
}

/* The client's instance that works on the request's worker. */
static inline void request_comes(void *context)
{
    struct request *request = context;
    WEFT_LIST_EACH(node, &all_clients)
    {
        struct client *client = WEFT_CONTAINER_OF(node, struct client, node);
        if (client->index == request->client && client->receiver.host->worker_index == request->worker &&
            !client->is_draining && client->entries[request->signal] != NULL) {
            come(client, request);
            return;
        }
    }
}

/* ---- receiver ---- */

static inline void client_set_entry(struct weft_receiver *receiver, enum weft_signal signal, struct weft_entry *entry)
{
    struct client *client = client_of(receiver);
    client->entries[signal] = entry;
    client->shapes[signal] = world->workers[receiver->host->worker_index].shape;
}

static inline void offer_parked(void *context)
{
    struct client *client = context;
    while (client->parked_count > 0 && !client->is_draining) {
        struct request *request = client->parked[client->parked_count - 1];
        struct weft_entry *entry = client->entries[request->signal];
        if (entry == NULL || !weft_entry_is_open(entry)) {
            return;
        }
        client->parked_count--;
        offer(client, request, NULL);
    }
}

static inline void client_on_pressure(struct weft_receiver *receiver)
{
    weft_timer_set_after(world->timers, &client_of(receiver)->offer_timer, 0);
}

static inline void client_drain(struct weft_receiver *receiver)
{
    client_of(receiver)->is_draining = true;
    client_of(receiver)->parked_count = 0;
}

static inline bool client_is_drained(const struct weft_receiver *receiver)
{
    return client_of(receiver)->parked_count == 0;
}

static inline void client_free(struct weft_receiver *receiver)
{
    weft_timer_cancel(world->timers, &client_of(receiver)->offer_timer);
    weft_list_remove(&client_of(receiver)->node);
    weft_free(client_of(receiver));
}

static const struct weft_receiver_operations client_operations = {
    .set_entry = client_set_entry,
    .on_pressure = client_on_pressure,
    .drain = client_drain,
    .is_drained = client_is_drained,
    .free = client_free,
};

static inline enum weft_status client_create(const struct weft_instance_setup *setup,
                                             struct weft_receiver **out_receiver, struct weft_error *error)
{
    if (setup->host->worker_index == world->failing_worker) {
        return weft_fail(error, WEFT_IO, "told to fail");
    }
    struct client *client = weft_alloc(sizeof *client);
    client->receiver = (struct weft_receiver){ &client_operations, setup->host, setup->id };
    weft_timer_init(&client->offer_timer, offer_parked, client);
    client->index = (size_t)(setup->id[7] - '0');
    weft_list_push_back(&all_clients, &client->node);
    *out_receiver = &client->receiver;
    return WEFT_OK;
}

static const struct weft_component client_component = {
    .kind = WEFT_RECEIVER,
    .type = "client",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_LOGS,
    .fields = client_fields,
    .config_size = sizeof(struct client_config),
    .create_receiver = client_create,
};
