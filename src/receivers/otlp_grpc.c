/* OTLP over gRPC: net/grpc_server brings whole, inflated messages, and a call's outcome goes back as a gRPC status,
 * with RetryInfo where the client may come back. */
#include "receivers/otlp_grpc.h"

#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/grpc/decode.h"
#include "net/grpc/server.h"
#include "wire/rpc_status.h"

enum { DEFAULT_MAX_MESSAGE_MIB = 4 };

struct method {
    struct otlp_grpc *grpc;
    enum weft_signal signal;
};

struct otlp_grpc {
    struct weft_otlp_inlet inlet;
    struct weft_grpc_server *server;
    struct method methods[WEFT_SIGNAL_COUNT];
    struct weft_grpc_server_method routes[WEFT_SIGNAL_COUNT + 1];
    struct weft_buffer shed_details; /* what clients are told whose calls are given up */
};

struct grpc_call {
    struct weft_otlp_call call;
    struct weft_grpc_server_call *grpc;
};

static const struct weft_field server_parameters_fields[] = {
    WEFT_FIELD(struct weft_otlp_grpc_server_parameters, max_connection_idle, "0s",
               "Close connections idle this long; 0 = never."),
    WEFT_FIELD(struct weft_otlp_grpc_server_parameters, max_connection_age, "0s",
               "Close connections of this age; 0 = never."),
    WEFT_FIELD(struct weft_otlp_grpc_server_parameters, max_connection_age_grace, "0s",
               "Time for open calls after that; 0 = all they need."),
    WEFT_FIELD(struct weft_otlp_grpc_server_parameters, time, "2h", "Ping after this long without traffic."),
    WEFT_FIELD(struct weft_otlp_grpc_server_parameters, timeout, "20s",
               "Close if a ping is not answered in this time."),
    WEFT_FIELDS_END,
};

static const struct weft_field enforcement_fields[] = {
    WEFT_FIELD(struct weft_otlp_grpc_enforcement, min_time, "5m", "Shortest time between a client's pings."),
    WEFT_FIELD(struct weft_otlp_grpc_enforcement, permit_without_stream, "false", "Allow pings while no call is open."),
    WEFT_FIELDS_END,
};

static const struct weft_field keepalive_fields[] = {
    WEFT_FIELD_BLOCK(struct weft_otlp_grpc_keepalive, server_parameters, server_parameters_fields,
                     "The server's own pings and ages."),
    WEFT_FIELD_BLOCK(struct weft_otlp_grpc_keepalive, enforcement_policy, enforcement_fields, "What clients may do."),
    WEFT_FIELDS_END,
};

const struct weft_field weft_otlp_grpc_fields[] = {
    WEFT_FIELD(struct weft_otlp_grpc_config, endpoint, "localhost:4317",
               "Listening address, or a path with transport unix."),
    WEFT_FIELD(struct weft_otlp_grpc_config, transport, "tcp", "tcp or unix."),
    WEFT_FIELD_OPTIONAL(struct weft_otlp_grpc_config, tls, has_tls, weft_tls_server_fields, "off",
                        "Transport security.", .is_off_as_null = true),
    WEFT_FIELD(struct weft_otlp_grpc_config, require_alpn, "true",
               "Refuse TLS clients that do not agree to h2 by ALPN, as grpc-go does."),
    WEFT_FIELD(struct weft_otlp_grpc_config, max_recv_msg_size_mib, "0",
               "Largest message, before and after inflating; 0 = 4.", .maximum = 1024),
    WEFT_FIELD(struct weft_otlp_grpc_config, max_concurrent_streams, "0", "Calls open at once per connection; 0 = 100.",
               .maximum = 1000000),
    WEFT_FIELD(struct weft_otlp_grpc_config, max_connections, "1000",
               "Connections open at once; beyond it one without a request, or silent, makes room.", .minimum = 1,
               .maximum = 1000000),
    WEFT_FIELD(struct weft_otlp_grpc_config, max_connections_per_address, "0",
               "Of these, how many one address may have (IPv6: a /64 network); 0 = half. Its own make room.",
               .maximum = 1000000),
    WEFT_FIELD_BLOCK(struct weft_otlp_grpc_config, keepalive, keepalive_fields, "Pings and connection ages."),
    WEFT_FIELD_NO_EFFECT("read_buffer_size", "uint", "weft sizes its own buffers."),
    WEFT_FIELD_NO_EFFECT("write_buffer_size", "uint", "weft writes each tick's output in one go."),
    WEFT_FIELD(struct weft_otlp_grpc_config, include_metadata, "false",
               "Keep what requests say in their metadata, for batch's metadata_keys, headers_setter and from_context "
               "of processors."),
    WEFT_FIELD_OPTIONAL(struct weft_otlp_grpc_config, auth, has_auth, weft_auth_fields, "off",
                        "Who may send: UNAUTHENTICATED for others.", .is_off_as_null = true),
    WEFT_FIELD_UNSUPPORTED("middlewares", "Middleware extensions."),
    WEFT_FIELDS_END,
};

static const struct weft_otlp_inlet_operations grpc_operations;

static struct otlp_grpc *grpc_of(const struct weft_otlp_inlet *inlet)
{
    weft_assert(inlet->operations == &grpc_operations);
    return WEFT_CONTAINER_OF(inlet, struct otlp_grpc, inlet);
}

/* ---- calls ---- */

static bool reply_success(struct weft_grpc_server_call *grpc, const struct weft_otlp_partial *partial)
{
    struct weft_buffer body;
    weft_buffer_init(&body, 0);
    if (partial != NULL) {
        struct weft_partial_success success = { partial->rejected_count, weft_slice_of_text(partial->message) };
        if (weft_otlp_response_write(&success, &body) != WEFT_OK) {
            weft_buffer_clear(&body);
        }
    }
    bool is_sent = weft_grpc_server_call_reply(grpc, weft_buffer_slice(&body));
    weft_buffer_fini(&body);
    return is_sent;
}

static bool reply_failure(struct weft_grpc_server_call *grpc, const struct weft_error *failure, int64_t retry_after_ns)
{
    int code = weft_otlp_grpc_code(failure->status);
    struct weft_buffer details;
    weft_buffer_init(&details, 0);
    if (retry_after_ns >= 0 && weft_rpc_status_write(code, failure->text, retry_after_ns, &details) != WEFT_OK) {
        weft_buffer_clear(&details);
    }
    bool is_sent = weft_grpc_server_call_fail(grpc, code, failure->text, weft_buffer_slice(&details));
    weft_buffer_fini(&details);
    return is_sent;
}

static struct grpc_call *call_of(struct weft_otlp_call *base)
{
    weft_assert(base->operations == &grpc_operations);
    return WEFT_CONTAINER_OF(base, struct grpc_call, call);
}

static void answer(struct weft_otlp_call *base, const struct weft_error *failure, int64_t retry_after_ns)
{
    struct grpc_call *call = call_of(base);
    bool is_sent =
        failure == NULL ? reply_success(call->grpc, base->partial) : reply_failure(call->grpc, failure, retry_after_ns);
    if (!is_sent && base->inlet != NULL) {
        base->inlet->answers_lost++;
    }
    weft_free(call);
}

_Static_assert(sizeof(struct weft_otlp_checker) <= WEFT_GRPC_SERVER_CALL_STATE_BYTES,
               "the checker must fit into a call");

/* The check runs as the bytes come in. */
static void on_arriving(void *context, void *state, struct weft_slice arrived)
{
    const struct method *method = context;
    weft_otlp_ingest_check_arriving(state, method->signal, arrived);
}

static struct weft_auth_claim claim_of(const struct weft_otlp_inlet *inlet, const struct weft_grpc_server_call *grpc)
{
    bool is_judged = inlet->auth != NULL;
    return (struct weft_auth_claim){
        .credentials = is_judged ? weft_grpc_server_call_field(grpc, inlet->auth->field) : WEFT_SLICE_EMPTY,
        .household = is_judged ? weft_grpc_server_call_household(grpc) : WEFT_SLICE_EMPTY,
    };
}

/* Who is known to be nobody is refused before the message comes. */
static bool admit(void *context, const struct weft_grpc_server_call *grpc, struct weft_error *error)
{
    struct weft_otlp_inlet *inlet = context;
    struct weft_auth_claim claim = claim_of(inlet, grpc);
    return weft_otlp_ingest_lets_in(inlet, &claim, error);
}

/* Without the port; an IPv6 address has brackets around it where it has one. */
static struct weft_slice address_of(const struct weft_grpc_server_call *grpc)
{
    struct weft_slice peer = weft_grpc_server_call_peer(grpc);
    const uint8_t *colon = peer.length == 0 ? NULL : memrchr(peer.bytes, ':', peer.length);
    if (colon == NULL) {
        return WEFT_SLICE_EMPTY; /* a unix socket */
    }
    size_t length = (size_t)(colon - peer.bytes);
    return peer.bytes[0] == '[' ? weft_slice_of(peer.bytes + 1, length - 2) : weft_slice_of(peer.bytes, length);
}

/* A request whose metadata cannot be kept is refused: without it the records would be taken for another tenant's. */
static enum weft_status read_metadata(const struct weft_otlp_inlet *inlet, enum weft_signal signal,
                                      const struct weft_grpc_server_call *grpc, struct weft_metadata **out_metadata,
                                      struct weft_error *error)
{
    struct weft_metadata_item items[WEFT_METADATA_MAX];
    size_t count = 0, offset = 0;
    if (!weft_otlp_ingest_wants_metadata(inlet, signal)) {
        return WEFT_OK;
    }
    while (inlet->includes_metadata && count < WEFT_METADATA_MAX &&
           weft_grpc_server_call_next_field(grpc, &offset, &items[count].key, &items[count].value)) {
        if (weft_slice_equal_text(items[count].key, ":authority")) {
            items[count].key = WEFT_SLICE_LITERAL("host");
        }
        count++;
    }
    *out_metadata = weft_metadata_try_new(inlet->ingest->host->budget, items, count, address_of(grpc));
    return *out_metadata != NULL ? WEFT_OK : weft_fail(error, WEFT_NOMEM, "no memory for the metadata");
}

static void on_call(void *context, struct weft_grpc_server_call *grpc, struct weft_payload *own_message,
                    struct weft_payload *wire, enum weft_encoding wire_encoding)
{
    struct method *method = context;
    struct weft_otlp_inlet *inlet = &method->grpc->inlet;
    weft_assert(method == &grpc_of(inlet)->methods[method->signal] && own_message != NULL);
    struct grpc_call *call = weft_try_alloc(sizeof *call);
    if (call == NULL) {
        struct weft_error error;
        weft_fail(&error, WEFT_NOMEM, "no memory for the call");
        inlet->answers_lost += !reply_failure(grpc, &error, inlet->ingest->retry_after_ns);
        weft_payload_unref(&own_message);
        return;
    }
    call->grpc = grpc;
    struct weft_otlp_request request = { .signal = method->signal,
                                         .message = own_message,
                                         .checker = weft_grpc_server_call_state(grpc),
                                         .wire = wire,
                                         .wire_encoding = wire_encoding };
    struct weft_error error = WEFT_ERROR_NONE;
    if (read_metadata(inlet, method->signal, grpc, &request.metadata, &error) != WEFT_OK) {
        weft_payload_unref(&request.message);
        weft_otlp_ingest_fail(inlet, &call->call, &error);
        return;
    }
    struct weft_auth_claim claim = claim_of(inlet, grpc);
    weft_otlp_ingest_take_judged(inlet, &call->call, &request, &claim);
}

/* ---- life cycle ---- */

static void adopt(struct weft_otlp_inlet *inlet, int descriptor)
{
    weft_grpc_server_adopt(grpc_of(inlet)->server, descriptor);
}

static void set_reading(struct weft_otlp_inlet *inlet, bool is_reading)
{
    weft_grpc_server_set_reading(grpc_of(inlet)->server, is_reading);
}

static void drain(struct weft_otlp_inlet *inlet)
{
    weft_grpc_server_drain(grpc_of(inlet)->server, NULL, NULL);
}

static size_t connection_count(const struct weft_otlp_inlet *inlet)
{
    return weft_grpc_server_connection_count(grpc_of(inlet)->server);
}

static void collect(const struct weft_otlp_inlet *inlet, struct weft_samples *samples)
{
    weft_otlp_inlet_collect(inlet, samples);
    const struct weft_sample_label *labels = WEFT_LABELS({ "receiver", inlet->ingest->id }, { "transport", "grpc" });
    const struct weft_grpc_server_counters *counters = weft_grpc_server_read_counters(grpc_of(inlet)->server);
#define COLLECT_COUNTER(name, help) \
    weft_samples_add(samples, "weft_grpc_server_" #name, help, WEFT_SAMPLE_COUNTER, (double)counters->name, labels);
    WEFT_GRPC_SERVER_COUNTERS(COLLECT_COUNTER)
#undef COLLECT_COUNTER
}

static void grpc_free(struct weft_otlp_inlet *inlet)
{
    struct otlp_grpc *grpc = grpc_of(inlet);
    weft_grpc_server_free(grpc->server);
    weft_buffer_fini(&grpc->shed_details);
    inlet->operations = NULL;
    weft_free(grpc);
}

static const struct weft_otlp_inlet_operations grpc_operations = {
    .transport = "grpc",
    .answer = answer,
    .adopt = adopt,
    .set_reading = set_reading,
    .drain = drain,
    .connection_count = connection_count,
    .collect = collect,
    .free = grpc_free,
};

static struct weft_grpc_server_settings server_settings(const struct weft_otlp_grpc_config *config,
                                                        const struct weft_host *host, struct weft_slice shed_details)
{
    const struct weft_otlp_grpc_server_parameters *parameters = &config->keepalive.server_parameters;
    uint64_t mib = config->max_recv_msg_size_mib == 0 ? DEFAULT_MAX_MESSAGE_MIB : config->max_recv_msg_size_mib;
    return (struct weft_grpc_server_settings){
        .max_message_bytes = (size_t)mib << 20,
        .max_concurrent_streams = (uint32_t)config->max_concurrent_streams,
        .max_connections = weft_host_share(host, config->max_connections),
        .max_connections_per_address = weft_host_share(host, config->max_connections_per_address),
        .max_connection_idle_ns = parameters->max_connection_idle.ns,
        .max_connection_age_ns = parameters->max_connection_age.ns,
        .max_connection_age_grace_ns = parameters->max_connection_age_grace.ns,
        .keepalive_time_ns = parameters->time.ns,
        .keepalive_timeout_ns = parameters->timeout.ns,
        .min_ping_interval_ns = config->keepalive.enforcement_policy.min_time.ns,
        .permit_pings_without_stream = config->keepalive.enforcement_policy.permit_without_stream,
        .shed_details = shed_details,
    };
}

struct weft_otlp_inlet *weft_otlp_grpc_new(struct weft_otlp_ingest *ingest, const struct weft_otlp_grpc_config *config,
                                           struct weft_tls_context *tls, struct weft_authenticator *authenticator)
{
    struct otlp_grpc *grpc = weft_alloc(sizeof *grpc);
    grpc->inlet.operations = &grpc_operations;
    grpc->inlet.ingest = ingest;
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        grpc->methods[signal] = (struct method){ grpc, (enum weft_signal)signal };
        grpc->routes[signal] = (struct weft_grpc_server_method){ weft_signal_export_method((enum weft_signal)signal),
                                                                 on_call, &grpc->methods[signal], on_arriving };
    }
    weft_buffer_init(&grpc->shed_details, 0);
    if (weft_rpc_status_write(WEFT_GRPC_UNAVAILABLE, WEFT_GRPC_SERVER_SHED_TEXT, ingest->retry_after_ns,
                              &grpc->shed_details) != WEFT_OK) {
        weft_buffer_clear(&grpc->shed_details); /* the status says as much to most clients */
    }
    struct weft_grpc_server_settings settings =
        server_settings(config, ingest->host, weft_buffer_slice(&grpc->shed_details));
    grpc->inlet.max_message_bytes = settings.max_message_bytes;
    grpc->inlet.auth = weft_auth_server_open(authenticator, ingest->host);
    grpc->inlet.includes_metadata = config->include_metadata;
    settings.keeps_all_fields = config->include_metadata;
    if (authenticator != NULL) {
        settings.kept_field = grpc->inlet.auth->field;
        settings.admit = admit;
        settings.admit_context = &grpc->inlet;
    }
    grpc->server = weft_grpc_server_new(ingest->host->net, &settings, grpc->routes, tls);
    return &grpc->inlet;
}
