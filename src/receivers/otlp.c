/* Receiver `otlp`: OTLP over gRPC and over HTTP.
 *
 * Here are its config, its listening sockets, its life and its answer to pressure; each protocol has its own file
 * (otlp_grpc.c, otlp_http.c), and what becomes of a request is the same for both (otlp_ingest.c). Under pressure
 * reading stops and requests that are complete already wait; after refuse_after reading starts again and they are
 * refused, so that clients learn of it. */
#include "weft/component.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "receivers/otlp_grpc.h"
#include "receivers/otlp_http.h"

enum { BACKLOG = 1024, PROTOCOL_COUNT = 2 };

struct protocols_config {
    bool has_grpc, has_http;
    struct weft_otlp_grpc_config grpc;
    struct weft_otlp_http_config http;
};

struct otlp_config {
    struct protocols_config protocols;
    struct weft_choice acknowledge;
    struct weft_duration refuse_after;
    struct weft_duration retry_after;
};

enum protocol_kind { GRPC, HTTP };

/* What a protocol's config says of where to listen. */
struct protocol {
    enum protocol_kind kind;
    const char *name, *label;
    const char *endpoint, *transport;
    const struct weft_tls_config *tls; /* NULL = plain */
    const char *alpn;
};

/* A listening socket and who speaks there. */
struct listening {
    enum protocol_kind kind;
    struct weft_tls_context *tls; /* NULL = plain */
};

struct otlp_shared {
    struct weft_shared_listeners listeners; /* first: the acceptor reads it */
    struct weft_listener items[PROTOCOL_COUNT];
    struct listening listenings[PROTOCOL_COUNT]; /* of the items */
    struct weft_otlp_json json;
};

struct otlp_receiver {
    struct weft_receiver receiver;
    const struct otlp_config *config;
    struct weft_otlp_ingest ingest;
    struct weft_otlp_inlet *inlets[PROTOCOL_COUNT]; /* of the listeners, in their order */
    size_t inlet_count;
    struct weft_timer refuse_timer;
    struct weft_timer offer_timer; /* offers what waits in a tick of its own, not inside the consumer that has opened */
};

static const char *const acknowledge_words[] = { "accepted", "delivered", NULL };

static const struct weft_field protocols_fields[] = {
    WEFT_FIELD_OPTIONAL(struct protocols_config, grpc, has_grpc, weft_otlp_grpc_fields, "off", "OTLP over gRPC."),
    WEFT_FIELD_OPTIONAL(struct protocols_config, http, has_http, weft_otlp_http_fields, "off", "OTLP over HTTP."),
    WEFT_FIELDS_END,
};

static const struct weft_field otlp_fields[] = {
    WEFT_FIELD_BLOCK(struct otlp_config, protocols, protocols_fields, "What to listen to; at least one."),
    WEFT_FIELD_CHOICE(struct otlp_config, acknowledge, acknowledge_words, "accepted",
                      "When a client gets its OK: accepted (in memory that outlives the call) or delivered (the "
                      "backend has it)."),
    WEFT_FIELD(struct otlp_config, refuse_after, "5s",
               "Under pressure reading stops; after this time requests are refused."),
    WEFT_FIELD(struct otlp_config, retry_after, "1s", "The delay that refused clients are asked for."),
    WEFT_FIELDS_END,
};

/* ---- config ---- */

/* Those that are on. */
static size_t list_protocols(const struct protocols_config *config, struct protocol out_protocols[PROTOCOL_COUNT])
{
    size_t count = 0;
    if (config->has_grpc) {
        const struct weft_otlp_grpc_config *grpc = &config->grpc;
        const struct weft_tls_config *tls = grpc->has_tls ? &grpc->tls : NULL;
        out_protocols[count++] =
            (struct protocol){ GRPC, "grpc", "OTLP over gRPC", grpc->endpoint, grpc->transport, tls, "h2" };
    }
    if (config->has_http) {
        const struct weft_otlp_http_config *http = &config->http;
        const struct weft_tls_config *tls = http->has_tls ? &http->tls : NULL;
        out_protocols[count++] =
            (struct protocol){ HTTP, "http", "OTLP over HTTP", http->endpoint, http->transport, tls, "http/1.1" };
    }
    return count;
}

static bool is_unix(const struct protocol *protocol)
{
    return strcmp(protocol->transport, "unix") == 0;
}

static enum weft_status parse_endpoint(const struct protocol *protocol, struct weft_endpoint *out_endpoint,
                                       struct weft_error *error)
{
    char text[WEFT_HOST_BYTES + 8];
    bool has_prefix = strncmp(protocol->endpoint, "unix:", 5) == 0;
    snprintf(text, sizeof text, "%s%s", is_unix(protocol) && !has_prefix ? "unix:" : "", protocol->endpoint);
    return weft_endpoint_parse(text, 0, out_endpoint, error);
}

static enum weft_status validate_protocol(const struct protocol *protocol, struct weft_error *error)
{
    if (strcmp(protocol->transport, "tcp") != 0 && !is_unix(protocol)) {
        return weft_fail(error, WEFT_INVALID, "transport: \"%s\" is not tcp or unix", protocol->transport);
    }
    struct weft_endpoint endpoint;
    enum weft_status status = parse_endpoint(protocol, &endpoint, error);
    return status == WEFT_OK && protocol->tls != NULL ? weft_tls_config_validate_server(protocol->tls, error) : status;
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct otlp_config *config = untyped;
    struct protocol protocols[PROTOCOL_COUNT];
    size_t count = list_protocols(&config->protocols, protocols);
    if (count == 0) {
        return weft_fail(error, WEFT_INVALID, "must specify at least one protocol when using the OTLP receiver");
    }
    for (size_t i = 0; i < count; i++) {
        enum weft_status status = validate_protocol(&protocols[i], error);
        if (status == WEFT_OK && protocols[i].kind == HTTP) {
            status = weft_otlp_http_validate(&config->protocols.http, error);
        }
        if (status != WEFT_OK) {
            return weft_fail_prefix(error, "protocols::%s", protocols[i].name);
        }
    }
    return WEFT_OK;
}

/* ---- what workers share ---- */

static void shared_free(void *untyped)
{
    struct otlp_shared *shared = untyped;
    for (size_t i = 0; i < shared->listeners.count; i++) {
        weft_listener_close(&shared->items[i]);
        weft_tls_context_free(shared->listenings[i].tls);
    }
    weft_otlp_json_fini(&shared->json);
    weft_free(shared);
}

static enum weft_status start_listening(struct otlp_shared *shared, const struct protocol *protocol, const char *id,
                                        struct weft_error *error)
{
    size_t index = shared->listeners.count++;
    struct listening *listening = &shared->listenings[index];
    listening->kind = protocol->kind;
    shared->items[index].descriptor = -1;
    struct weft_endpoint endpoint;
    enum weft_status status = parse_endpoint(protocol, &endpoint, error);
    if (status == WEFT_OK && protocol->tls != NULL) {
        status = weft_tls_config_open(protocol->tls, true, protocol->alpn, &listening->tls, error);
    }
    if (status == WEFT_OK) {
        status = weft_listener_open(&endpoint, BACKLOG, &shared->items[index], error);
    }
    if (status != WEFT_OK) {
        return weft_fail_prefix(error, "protocols::%s", protocol->name);
    }
    weft_log(INFO, "receiver.listening", "accepting OTLP", WEFT_LOG_STRING("receiver", id),
             WEFT_LOG_STRING("protocol", protocol->label), WEFT_LOG_STRING("endpoint", protocol->endpoint),
             WEFT_LOG_STRING("tls", protocol->tls != NULL ? "on" : "off"));
    return WEFT_OK;
}

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)budget;
    const struct otlp_config *config = untyped;
    struct protocol protocols[PROTOCOL_COUNT];
    size_t count = list_protocols(&config->protocols, protocols);
    struct otlp_shared *shared = weft_alloc(sizeof *shared);
    shared->listeners.items = shared->items;
    if (config->protocols.has_http) {
        weft_otlp_json_init(&shared->json);
    }
    for (size_t i = 0; i < count; i++) {
        enum weft_status status = start_listening(shared, &protocols[i], id, error);
        if (status != WEFT_OK) {
            shared_free(shared);
            return status;
        }
    }
    *out_shared = shared;
    return WEFT_OK;
}

/* ---- pressure ---- */

static const struct weft_receiver_operations otlp_operations;

static struct otlp_receiver *receiver_of(const struct weft_receiver *base)
{
    weft_assert(base->operations == &otlp_operations);
    return WEFT_CONTAINER_OF(base, struct otlp_receiver, receiver);
}

static void set_reading(struct otlp_receiver *receiver, bool is_reading)
{
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        receiver->inlets[i]->operations->set_reading(receiver->inlets[i], is_reading);
    }
}

static void start_refusing(void *context)
{
    struct otlp_receiver *receiver = receiver_of(context);
    weft_log(WARN, "receiver.refusing", "pressure lasts: requests are refused now",
             WEFT_LOG_STRING("receiver", receiver->receiver.id));
    receiver->ingest.is_refusing = true;
    weft_otlp_ingest_offer_waiting(&receiver->ingest, true);
    set_reading(receiver, true);
}

static void offer_again(void *context)
{
    struct otlp_receiver *receiver = receiver_of(context);
    weft_otlp_ingest_offer_waiting(&receiver->ingest, false);
}

static void on_pressure(struct weft_receiver *base)
{
    struct otlp_receiver *receiver = receiver_of(base);
    struct weft_otlp_ingest *ingest = &receiver->ingest;
    bool is_open = weft_otlp_ingest_is_open(ingest);
    set_reading(receiver, is_open || ingest->is_draining || ingest->is_refusing);
    if (is_open) {
        ingest->is_refusing = false;
        weft_timer_cancel(base->host->timers, &receiver->refuse_timer);
        weft_timer_set_after(base->host->timers, &receiver->offer_timer, 0);
    } else if (!ingest->is_refusing && !weft_timer_is_set(&receiver->refuse_timer)) {
        weft_timer_set_after(base->host->timers, &receiver->refuse_timer, receiver->config->refuse_after.ns);
    }
}

/* ---- life cycle ---- */

static void set_entry(struct weft_receiver *base, enum weft_signal signal, struct weft_entry *entry)
{
    weft_otlp_ingest_set_entry(&receiver_of(base)->ingest, signal, entry);
}

static void adopt(struct weft_receiver *base, size_t listener_index, int descriptor)
{
    struct otlp_receiver *receiver = receiver_of(base);
    weft_assert(listener_index < receiver->inlet_count);
    receiver->inlets[listener_index]->operations->adopt(receiver->inlets[listener_index], descriptor);
}

static void drain(struct weft_receiver *base)
{
    struct otlp_receiver *receiver = receiver_of(base);
    if (receiver->ingest.is_draining) {
        return;
    }
    receiver->ingest.is_draining = true;
    weft_timer_cancel(base->host->timers, &receiver->refuse_timer);
    weft_otlp_ingest_offer_waiting(&receiver->ingest, true);
    set_reading(receiver, true);
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        receiver->inlets[i]->operations->drain(receiver->inlets[i]);
    }
}

static size_t connection_count(const struct weft_receiver *base)
{
    const struct otlp_receiver *receiver = receiver_of(base);
    size_t count = 0;
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        count += receiver->inlets[i]->operations->connection_count(receiver->inlets[i]);
    }
    return count;
}

static bool is_drained(const struct weft_receiver *base)
{
    return weft_otlp_ingest_is_idle(&receiver_of(base)->ingest) && connection_count(base) == 0;
}

static void receiver_free(struct weft_receiver *base)
{
    struct otlp_receiver *receiver = receiver_of(base);
    weft_timer_cancel(base->host->timers, &receiver->refuse_timer);
    weft_timer_cancel(base->host->timers, &receiver->offer_timer);
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        receiver->inlets[i]->operations->free(receiver->inlets[i]);
    }
    weft_otlp_ingest_fini(&receiver->ingest);
    base->operations = NULL;
    weft_free(receiver);
}

static void collect(const struct weft_receiver *base, struct weft_samples *samples)
{
    const struct otlp_receiver *receiver = receiver_of(base);
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        receiver->inlets[i]->operations->collect(receiver->inlets[i], samples);
    }
}

static const struct weft_receiver_operations otlp_operations = {
    .set_entry = set_entry,
    .adopt = adopt,
    .on_pressure = on_pressure,
    .drain = drain,
    .is_drained = is_drained,
    .free = receiver_free,
    .connection_count = connection_count,
    .collect = collect,
};

static struct weft_otlp_inlet *make_inlet(struct otlp_receiver *receiver, const struct otlp_shared *shared,
                                          size_t index)
{
    const struct protocols_config *protocols = &receiver->config->protocols;
    const struct listening *listening = &shared->listenings[index];
    switch (listening->kind) {
    case GRPC:
        return weft_otlp_grpc_new(&receiver->ingest, &protocols->grpc, listening->tls);
    case HTTP:
        return weft_otlp_http_new(&receiver->ingest, &protocols->http, &shared->json, listening->tls);
    }
    weft_assert(!"protocol");
}

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_receiver **out_receiver,
                               struct weft_error *error)
{
    (void)error;
    const struct otlp_shared *shared = setup->shared;
    struct otlp_receiver *receiver = weft_alloc(sizeof *receiver);
    receiver->receiver = (struct weft_receiver){ &otlp_operations, setup->host, setup->id };
    receiver->config = setup->config;
    weft_timer_init(&receiver->refuse_timer, start_refusing, &receiver->receiver);
    weft_timer_init(&receiver->offer_timer, offer_again, &receiver->receiver);
    receiver->ingest.host = setup->host;
    receiver->ingest.id = setup->id;
    receiver->ingest.acknowledge = (enum weft_acknowledge)receiver->config->acknowledge.value;
    receiver->ingest.retry_after_ns = receiver->config->retry_after.ns;
    weft_otlp_ingest_init(&receiver->ingest);
    receiver->inlet_count = shared->listeners.count;
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        receiver->inlets[i] = make_inlet(receiver, shared, i);
    }
    *out_receiver = &receiver->receiver;
    return WEFT_OK;
}

static bool waits_for_delivery(const void *config)
{
    return ((const struct otlp_config *)config)->acknowledge.value == WEFT_ACKNOWLEDGE_DELIVERED;
}

const struct weft_component weft_receiver_otlp = {
    .kind = WEFT_RECEIVER,
    .type = "otlp",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS,
    .help = "Receives OTLP over gRPC and over HTTP.",
    .fields = otlp_fields,
    .config_size = sizeof(struct otlp_config),
    .validate = validate,
    .waits_for_delivery = waits_for_delivery,
    .share = share,
    .unshare = shared_free,
    .create_receiver = create,
    .collect = NULL,
};
