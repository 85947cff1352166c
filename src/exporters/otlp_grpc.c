/* Exporter `otlp_grpc` (alias `otlp`): OTLP over gRPC to one backend.
 *
 * The sender (pipeline/sender) owns queue, batching, timeout and retry; a push here makes its content
 * (exporters/otlp_content) and starts one unary call on the client. */
#include "weft/component.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "exporters/otlp_content.h"
#include "net/grpc/client.h"
#include "net/tls/config.h"
#include "pipeline/exporter.h"
#include "pipeline/exporter_balancing.h"
#include "pipeline/exporter_body.h"

/* gRPC status codes that matter here (grpc/doc/statuscodes.md). */
enum {
    GRPC_CANCELLED = 1,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_ABORTED = 10,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_DATA_LOSS = 15,
};

struct keepalive_config {
    struct weft_duration time;
    struct weft_duration timeout;
    bool permit_without_stream;
};

struct otlp_config {
    char *endpoint;
    char *compression;
    bool wait_for_ready;
    struct weft_secret_map headers;
    char *authority;
    char *user_agent;
    uint64_t connections;
    struct weft_balancing_config balancing;
    struct weft_tls_config tls;
    bool has_keepalive;
    struct keepalive_config keepalive;
    struct weft_sender_config sender;
    bool has_auth;
    struct weft_auth_config auth;
};

WEFT_MAGIC(otlp_shared, 0x07195a41);

/* What the workers' instances have in common. */
struct otlp_shared {
    uint32_t magic;
    struct weft_endpoint endpoint;
    struct weft_tls_context *tls;                        /* NULL = plaintext */
    struct weft_sender_shared sender[WEFT_SIGNAL_COUNT]; /* each signal has a queue of its own */
};

struct otlp_exporter {
    struct weft_consumer consumer;
    const struct otlp_config *config;
    struct weft_body_form form;
    struct weft_grpc_client *client;
    struct weft_auth_client *auth; /* NULL = none */
    struct weft_sender *sender;
};

WEFT_MAGIC(otlp_push, 0x07195051);

struct otlp_push {
    struct weft_push push; /* first: the sender allocates this struct */
    uint32_t magic;        /* while it is under way */
    struct otlp_exporter *exporter;
    struct weft_grpc_client_request request;
    struct weft_otlp_content content;
};

static const struct weft_field keepalive_fields[] = {
    WEFT_FIELD(struct keepalive_config, time, "0s", "Ping after this long without traffic; 0 = never."),
    WEFT_FIELD(struct keepalive_config, timeout, "20s", "Close if a ping is not answered in this time."),
    WEFT_FIELD(struct keepalive_config, permit_without_stream, "false", "Ping also when nothing is under way."),
    WEFT_FIELDS_END,
};

static const struct weft_field otlp_fields[] = {
    WEFT_FIELD(struct otlp_config, endpoint, NULL, "Backend as host:port, or unix:path.", .is_required = true),
    WEFT_FIELD(struct otlp_config, compression, "gzip", "gzip, zstd, snappy or none."),
    WEFT_FIELD(struct otlp_config, wait_for_ready, "false", "Wait for a connection instead of failing an attempt."),
    WEFT_FIELD(struct otlp_config, headers, NULL, "Metadata sent with each request."),
    WEFT_FIELD(struct otlp_config, authority, NULL, "The :authority to send instead of the endpoint."),
    WEFT_FIELD(struct otlp_config, user_agent, NULL, "The user-agent to send."),
    WEFT_FIELD(struct otlp_config, connections, "2",
               "HTTP/2 connections to the backend, per worker; each of several addresses has one.", .minimum = 1,
               .maximum = 64),
    WEFT_FIELD_INLINE(struct otlp_config, balancing, weft_balancing_fields),
    WEFT_FIELD_BLOCK(struct otlp_config, tls, weft_tls_client_fields,
                     "Transport security; on unless insecure is true."),
    WEFT_FIELD_OPTIONAL(struct otlp_config, keepalive, has_keepalive, keepalive_fields, "off",
                        "Pings on idle connections.", .is_off_as_null = true),
    WEFT_SENDER_FIELDS(struct otlp_config, "5s"),
    WEFT_FIELD_NO_EFFECT("read_buffer_size", "int", "weft sizes its own buffers."),
    WEFT_FIELD_NO_EFFECT("write_buffer_size", "int", "weft writes each tick's output in one go."),
    WEFT_FIELD_OPTIONAL(struct otlp_config, auth, has_auth, weft_auth_fields, "off",
                        "Who gives requests their credentials.", .is_off_as_null = true),
    WEFT_FIELD_UNSUPPORTED("middlewares", "Middleware extensions."),
    WEFT_FIELDS_END,
};

static enum weft_status advise(const void *untyped, const struct weft_node *node, struct weft_config_notes *notes)
{
    const struct otlp_config *config = untyped;
    struct weft_position at = weft_node_position(node);
    enum weft_status status =
        !weft_endpoint_names_server(config->endpoint)
            ? WEFT_OK
            : weft_config_notes_add(notes, WEFT_NOTE_WARNING,
                                    "%s:%u: endpoint \"%s\": weft asks the system's name servers, not the one in it",
                                    at.file, at.line, config->endpoint);
    return status == WEFT_OK ? weft_exporter_advise_headers(&config->headers.map, node, notes) : status;
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct otlp_config *config = untyped;
    enum weft_encoding encoding;
    struct weft_endpoint endpoint;
    if (config->endpoint == NULL || config->endpoint[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "requires a non-empty \"endpoint\"");
    }
    enum weft_status status = weft_endpoint_parse(config->endpoint, 0, &endpoint, error);
    if (status == WEFT_OK) {
        status = weft_exporter_parse_compression(config->compression, WEFT_COMPRESSION_GRPC, &encoding, error);
    }
    if (status == WEFT_OK) {
        status = weft_tls_config_validate(&config->tls, error);
    }
    return status == WEFT_OK ? weft_sender_config_validate(&config->sender, error) : status;
}

/* configtls: plaintext only if insecure and no CA was given; https:// and unix sockets say what they want themselves.
 */
static bool is_plaintext(const struct otlp_config *config, const struct weft_endpoint *endpoint)
{
    bool has_ca = (config->tls.ca_file != NULL && config->tls.ca_file[0] != '\0') ||
                  (config->tls.ca_pem != NULL && config->tls.ca_pem[0] != '\0');
    return config->tls.insecure && !has_ca && !endpoint->wants_tls;
}

static size_t auth_needs(const void *untyped, struct weft_auth_need *out_needs)
{
    const struct otlp_config *config = untyped;
    struct weft_endpoint endpoint;
    if (!config->has_auth) {
        return 0;
    }
    bool is_clear =
        weft_endpoint_parse(config->endpoint, 0, &endpoint, NULL) == WEFT_OK && is_plaintext(config, &endpoint);
    out_needs[0] = (struct weft_auth_need){ config->auth.authenticator, WEFT_AUTHENTICATES_CLIENTS, is_clear };
    return 1;
}

static enum weft_reach reach(const void *untyped)
{
    struct weft_endpoint endpoint;
    enum weft_status status = weft_endpoint_parse(((const struct otlp_config *)untyped)->endpoint, 0, &endpoint, NULL);
    return status == WEFT_OK && weft_endpoint_is_local(&endpoint) ? WEFT_REACH_MACHINE : WEFT_REACH_NETWORK;
}

static enum weft_status try_files(const void *untyped, struct weft_error *error)
{
    const struct otlp_config *config = untyped;
    struct weft_endpoint endpoint;
    enum weft_status status = weft_endpoint_parse(config->endpoint, 0, &endpoint, error);
    return status == WEFT_OK && !is_plaintext(config, &endpoint) ? weft_tls_config_try(&config->tls, false, error)
                                                                 : status;
}

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)id;
    (void)budget;
    const struct otlp_config *config = untyped;
    struct otlp_shared *shared = weft_alloc(sizeof *shared);
    weft_set_magic(shared, otlp_shared);
    enum weft_status status = weft_endpoint_parse(config->endpoint, 0, &shared->endpoint, error);
    if (status == WEFT_OK && !is_plaintext(config, &shared->endpoint)) {
        status = weft_tls_config_open(&config->tls, false, "h2", false, &shared->tls, error);
    }
    if (status != WEFT_OK) {
        weft_free(shared);
        return status;
    }
    *out_shared = shared;
    return WEFT_OK;
}

static void shared_free(void *untyped)
{
    struct otlp_shared *shared = untyped;
    weft_clear_magic(shared, otlp_shared);
    if (shared->tls != NULL) {
        weft_tls_context_free(shared->tls);
    }
    weft_free(shared);
}

static enum weft_status renew(void *untyped, struct weft_error *error)
{
    struct otlp_shared *shared = untyped;
    weft_check_magic(shared, otlp_shared);
    return weft_tls_context_renew(shared->tls, error);
}

static void end_renewal(void *untyped, bool is_used)
{
    struct otlp_shared *shared = untyped;
    weft_check_magic(shared, otlp_shared);
    weft_tls_context_end_renewal(shared->tls, is_used);
}

/* ---- one push ---- */

static struct otlp_push *push_of(struct weft_push *untyped)
{
    weft_check_magic(untyped, push);
    return WEFT_CONTAINER_OF(untyped, struct otlp_push, push);
}

static void finish(struct otlp_push *push, const struct weft_push_outcome *outcome)
{
    weft_otlp_content_fini(&push->content);
    weft_clear_magic(push, otlp_push);
    weft_push_done(&push->push, outcome);
}

static bool is_retryable(int grpc_status, int64_t retry_delay_ns)
{
    switch (grpc_status) {
    case GRPC_CANCELLED:
    case GRPC_DEADLINE_EXCEEDED:
    case GRPC_ABORTED:
    case GRPC_OUT_OF_RANGE:
    case GRPC_UNAVAILABLE:
    case GRPC_DATA_LOSS:
        return true;
    case GRPC_RESOURCE_EXHAUSTED:
        return retry_delay_ns >= 0;
    default:
        return false;
    }
}

/* What the client is told if nothing here tries again. */
static enum weft_status status_of(int grpc_status, bool may_retry)
{
    if (!may_retry) {
        return WEFT_INVALID;
    }
    return grpc_status == GRPC_RESOURCE_EXHAUSTED ? WEFT_THROTTLED : WEFT_IO;
}

/* Whether a smaller request may do better. Besides INVALID_ARGUMENT there is what the server's library says before its
 * service is asked: INTERNAL of bytes that it cannot decode (grpc-go, grpc-java, grpcio, grpc-js and tonic all do),
 * RESOURCE_EXHAUSTED of a message above its limit. */
static enum weft_push_fault fault_of(const struct weft_grpc_client_result *result)
{
    if (result->is_unconfirmed) {
        return WEFT_PUSH_FAULT_NONE;
    }
    switch (result->grpc_status) {
    case GRPC_INVALID_ARGUMENT:
    case GRPC_INTERNAL:
        return WEFT_PUSH_FAULT_INVALID;
    case GRPC_RESOURCE_EXHAUSTED:
        return WEFT_PUSH_FAULT_TOO_LARGE;
    default:
        return WEFT_PUSH_FAULT_NONE;
    }
}

/* Of an answer that is too large to be read whole, what its start says counts. */
static void judge_success(struct otlp_push *push, const struct weft_grpc_client_result *result,
                          struct weft_push_outcome *outcome)
{
    struct weft_partial_success partial;
    if (!result->is_truncated) {
        partial = weft_otlp_response_read(result->response);
    } else if (!weft_otlp_response_read_start(result->response, &partial)) {
        outcome->verdict = WEFT_PUSH_PERMANENT;
        outcome->is_unconfirmed = true;
        weft_fail(&outcome->error, WEFT_INTERNAL,
                  "%s: the answer is too large, and its start does not say what was taken",
                  push->exporter->consumer.id);
        return;
    }
    outcome->verdict = WEFT_PUSH_SENT;
    outcome->rejected_count = weft_exporter_take_partial_success(&push->exporter->consumer, &partial);
}

static void call_done(void *context, const struct weft_grpc_client_result *result)
{
    struct otlp_push *push = context;
    weft_check_magic(push, otlp_push);
    struct weft_push_outcome outcome = { .retry_after_ns = -1 };
    if (result->grpc_status == 0) {
        judge_success(push, result, &outcome);
    } else {
        outcome.retry_after_ns = weft_rpc_status_retry_delay_ns(result->details);
        bool may_retry = is_retryable(result->grpc_status, outcome.retry_after_ns);
        outcome.verdict = may_retry ? WEFT_PUSH_RETRY : WEFT_PUSH_PERMANENT;
        outcome.is_unconfirmed = result->is_unconfirmed;
        outcome.fault = may_retry ? WEFT_PUSH_FAULT_NONE : fault_of(result);
        weft_fail(&outcome.error, status_of(result->grpc_status, may_retry), "%s: grpc-status %d: %s",
                  push->exporter->consumer.id, result->grpc_status, result->message);
    }
    finish(push, &outcome);
}

static void content_failed(void *context, const struct weft_push_outcome *outcome)
{
    struct otlp_push *push = context;
    weft_check_magic(push, otlp_push);
    finish(push, outcome);
}

static void start(void *context, struct weft_push *untyped)
{
    struct otlp_exporter *exporter = context;
    struct otlp_push *push = push_of(untyped);
    weft_set_magic(push, otlp_push);
    push->exporter = exporter;
    if (!weft_otlp_content_make(&push->content, push->push.batch, &exporter->form, exporter->auth,
                                exporter->consumer.host, content_failed, push)) {
        return;
    }
    const struct weft_slices *body = &push->content.body.slices;
    push->request = (struct weft_grpc_client_request){
        .path = weft_signal_export_method(exporter->form.signal),
        .slices = body->items,
        .slice_count = body->count,
        .length = body->length,
        .encoding = exporter->form.encoding,
        .deadline = push->push.deadline,
        .headers = weft_otlp_content_headers(&push->content),
        .on_done = call_done,
        .context = push,
    };
    weft_grpc_client_start(exporter->client, &push->request);
}

static void cancel(void *context, struct weft_push *untyped)
{
    struct otlp_exporter *exporter = context;
    struct otlp_push *push = push_of(untyped);
    weft_check_magic(push, otlp_push);
    weft_assert(push->exporter == exporter);
    if (!weft_otlp_content_is_failing(&push->content)) {
        weft_grpc_client_cancel(exporter->client, &push->request);
    }
}

static const struct weft_sender_operations push_operations = { .start = start, .cancel = cancel };

/* ---- the consumer ---- */

static const struct weft_consumer_operations otlp_operations;

static struct otlp_exporter *exporter_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &otlp_operations);
    return WEFT_CONTAINER_OF(consumer, struct otlp_exporter, consumer);
}

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    return weft_sender_consume(exporter_of(consumer)->sender, own_batch, error);
}

static void audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    weft_sender_audit(exporter_of(consumer)->sender, in_out_count);
}

static void drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    weft_sender_drain(exporter_of(consumer)->sender, reason, is_forced);
}

static void exporter_free(struct weft_consumer *consumer)
{
    struct otlp_exporter *exporter = exporter_of(consumer);
    weft_grpc_client_free(exporter->client);
    weft_sender_free(exporter->sender);
    weft_auth_client_free(exporter->auth);
    weft_consumer_fini(consumer);
    weft_free(exporter);
}

static const struct weft_consumer_operations otlp_operations = {
    .consume = consume,
    .audit = audit,
    .drain = drain,
    .free = exporter_free,
};

static struct weft_grpc_client *open_client(struct otlp_exporter *exporter, const struct otlp_shared *shared)
{
    const struct otlp_config *config = exporter->config;
    const struct weft_config_map *map = &config->headers.map;
    struct weft_header *headers = weft_alloc((map->count + 1) * sizeof *headers);
    for (size_t i = 0, count = 0; i < map->count; i++) {
        if (weft_exporter_may_send_header(&map->entries[i])) {
            headers[count++] = (struct weft_header){ map->entries[i].key, map->entries[i].value };
        }
    }
    struct weft_grpc_client_settings settings = {
        .endpoint = shared->endpoint,
        .authority = config->authority,
        .user_agent = config->user_agent == NULL ? "weft/" WEFT_VERSION : config->user_agent,
        .headers = headers,
        .connection_count = (uint32_t)config->connections,
        .balancing = weft_balancing_of(&config->balancing),
        .look_up_interval_ns = config->balancing.resolve_interval.ns,
        .wait_for_ready = config->wait_for_ready,
    };
    if (config->has_keepalive) {
        settings.keepalive_time_ns = config->keepalive.time.ns;
        settings.keepalive_timeout_ns = config->keepalive.timeout.ns;
        settings.permit_pings_without_stream = config->keepalive.permit_without_stream;
    }
    struct weft_grpc_client *client = weft_grpc_client_new(exporter->consumer.host->net, &settings, shared->tls);
    weft_free(headers);
    return client;
}

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    const struct otlp_config *config = setup->config;
    enum weft_encoding encoding;
    enum weft_status status =
        weft_exporter_parse_compression(config->compression, WEFT_COMPRESSION_GRPC, &encoding, error);
    if (status != WEFT_OK) {
        return status;
    }
    struct otlp_shared *shared = setup->shared;
    weft_check_magic(shared, otlp_shared);
    struct otlp_exporter *exporter = weft_alloc(sizeof *exporter);
    weft_consumer_init(&exporter->consumer, &otlp_operations, setup->host, setup->id);
    exporter->consumer.held_account = weft_exporter_account(setup->signal, setup->id);
    exporter->config = config;
    exporter->form = (struct weft_body_form){ .signal = setup->signal, .encoding = encoding };
    exporter->client = open_client(exporter, shared);
    exporter->auth = weft_auth_client_open(
        setup->authenticators[0],
        &(struct weft_auth_client_setup){ .host = setup->host, .is_grpc = true, .headers = &config->headers.map });
    exporter->sender = weft_sender_new(&exporter->consumer, &(struct weft_sender_settings){
                                                                .config = &config->sender,
                                                                .shared = &shared->sender[setup->signal],
                                                                .operations = &push_operations,
                                                                .exporter = exporter,
                                                                .push_size_bytes = sizeof(struct otlp_push),
                                                                .auth = exporter->auth,
                                                                .signal = setup->signal,
                                                            });
    *out_consumer = &exporter->consumer;
    return WEFT_OK;
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct otlp_exporter *exporter = exporter_of(consumer);
    weft_exporter_collect_sender(consumer, exporter->form.signal, exporter->sender, samples);
    struct weft_grpc_client_state state;
    weft_grpc_client_read_state(exporter->client, &state);
    weft_exporter_collect_connections(
        consumer,
        &(struct weft_exporter_connections){ .ready = state.connections_ready,
                                             .connect_failures = state.connect_failures,
                                             .sent_bytes = state.bytes_sent,
                                             .addresses = state.addresses,
                                             .addresses_left_out = state.addresses_left_out },
        samples);
}

static void check(const struct weft_consumer *consumer, char *out_text)
{
    struct weft_grpc_client_state state;
    weft_grpc_client_read_state(exporter_of(consumer)->client, &state);
    weft_exporter_check(exporter_of(consumer)->sender, state.connections_ready, state.last_failure, WEFT_CHECK_BYTES,
                        out_text);
}

static const char *const aliases[] = { "otlp", NULL };

static enum weft_holding explain(const void *untyped, struct weft_buffer *out)
{
    return weft_sender_config_explain(&((const struct otlp_config *)untyped)->sender, out) ? WEFT_HOLDS_ANSWERED
                                                                                           : WEFT_HOLDS_UNANSWERED;
}

const struct weft_component weft_exporter_otlp_grpc = {
    .kind = WEFT_EXPORTER,
    .type = "otlp_grpc",
    .aliases = aliases,
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS | WEFT_SIGNAL_BIT_PROFILES,
    .help = "Sends OTLP over gRPC.",
    .fields = otlp_fields,
    .config_size = sizeof(struct otlp_config),
    .validate = validate,
    .advise = advise,
    .auth_needs = auth_needs,
    .reach = reach,
    .explain = explain,
    .try_files = try_files,
    .share = share,
    .unshare = shared_free,
    .renew = renew,
    .end_renewal = end_renewal,
    .create_consumer = create,
    .check = check,
    .collect = collect,
};
