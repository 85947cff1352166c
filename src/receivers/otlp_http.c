/* OTLP over HTTP/1.1: the inlet. What a request is judged by is in otlp_http_judge.c, how its body becomes a request in
 * protobuf in otlp_http_body.c, how the outcome goes back in otlp_http_answers.c. The server is net/http1/server; what
 * comes of a good request is otlp_ingest.c's. */
#include "receivers/otlp_http.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "receivers/otlp_http_internal.h"

enum { IDLE_SECONDS = 360 }; /* none of the usual export intervals: no race with an export */

/* ---- requests ---- */

/* A request whose metadata cannot be kept is refused: without it the records would be taken for another tenant's. */
static enum weft_status read_metadata(const struct weft_otlp_http_inlet *http, enum weft_signal signal,
                                      const struct weft_http1_server_exchange *exchange,
                                      struct weft_metadata **out_metadata, struct weft_error *error)
{
    struct weft_metadata_item items[WEFT_METADATA_MAX];
    size_t count = 0, index = 0;
    if (!weft_otlp_ingest_wants_metadata(&http->inlet, signal)) {
        return WEFT_OK;
    }
    struct weft_peer peer = weft_http1_server_exchange_peer(exchange);
    char address[64];
    weft_peer_address(&peer, address, sizeof address);
    while (http->inlet.includes_metadata && count < WEFT_METADATA_MAX &&
           weft_http1_server_exchange_next_field(exchange, &index, &items[count].key, &items[count].value)) {
        count++;
    }
    *out_metadata = weft_metadata_try_new(http->inlet.ingest->host->budget, items, count, weft_slice_of_text(address));
    return *out_metadata != NULL ? WEFT_OK : weft_fail(error, WEFT_NOMEM, "no memory for the metadata");
}

static void take(struct weft_otlp_http_inlet *http, struct weft_http1_server_exchange *exchange,
                 const struct weft_http1_server_request *request)
{
    struct weft_otlp_http_state *state = weft_http1_server_exchange_state(exchange);
    const struct weft_otlp_http_judgement *judgement = &state->judgement;
    struct weft_otlp_http_call *call = weft_try_alloc(sizeof *call);
    if (call == NULL) {
        weft_otlp_http_reply_status(http, exchange, judgement->is_json, 503, weft_status_grpc_code(WEFT_NOMEM),
                                    "no memory for the request", http->inlet.ingest->retry_after_ns);
        return;
    }
    call->exchange = exchange;
    call->is_json = judgement->is_json;
    struct weft_otlp_request decoded = { .signal = judgement->signal, .checker = &state->checker };
    struct weft_error error = WEFT_ERROR_NONE;
    if (weft_otlp_http_decode(http, judgement, request, &decoded, &error) != WEFT_OK ||
        read_metadata(http, decoded.signal, exchange, &decoded.metadata, &error) != WEFT_OK) {
        weft_payload_unref(&decoded.message);
        weft_otlp_ingest_fail(&http->inlet, &call->call, &error);
        return;
    }
    struct weft_auth_claim claim = weft_otlp_http_claim_of(http, exchange);
    weft_otlp_ingest_take_judged(&http->inlet, &call->call, &decoded, &claim);
}

static bool wants_body(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request)
{
    struct weft_otlp_http_state *state = weft_http1_server_exchange_state(exchange);
    state->judgement = weft_otlp_http_judge_head(weft_otlp_http_of(context), exchange, request);
    return state->judgement.verdict == WEFT_OTLP_HTTP_TAKEN;
}

/* Only what is forwarded as it came can be checked as it comes. */
static void on_arriving(void *context, struct weft_http1_server_exchange *exchange, struct weft_slice arrived)
{
    (void)context;
    struct weft_otlp_http_state *state = weft_http1_server_exchange_state(exchange);
    const struct weft_otlp_http_judgement *judgement = &state->judgement;
    if (!judgement->is_json && judgement->encoding == WEFT_ENCODING_IDENTITY) {
        weft_otlp_ingest_check_arriving(&state->checker, judgement->signal, arrived);
    }
}

/* Said before the type is looked at, so to who sends neither protobuf nor JSON, too. */
static void reply_wrong_encoding(struct weft_otlp_http_inlet *http, struct weft_http1_server_exchange *exchange,
                                 const struct weft_otlp_http_judgement *judgement)
{
    static const char text[] = "unsupported Content-Encoding";
    http->counters.wrong_encoding++;
    if (judgement->is_known_type) {
        weft_otlp_http_reply_status(http, exchange, judgement->is_json, 400, weft_status_grpc_code(WEFT_INVALID), text,
                                    -1);
    } else {
        weft_otlp_http_reply_text(http, exchange, 400, "", text);
    }
}

/* A request at one of our paths. */
static void on_export(void *context, struct weft_http1_server_exchange *exchange,
                      const struct weft_http1_server_request *request, const struct weft_http1_match *match)
{
    (void)match;
    struct weft_otlp_http_inlet *http = weft_otlp_http_of(context);
    const struct weft_otlp_http_state *state = weft_http1_server_exchange_state(exchange);
    switch (state->judgement.verdict) {
    case WEFT_OTLP_HTTP_TAKEN:
        take(http, exchange, request);
        return;
    case WEFT_OTLP_HTTP_WRONG_CONTENT_TYPE:
        http->counters.wrong_content_type++;
        weft_otlp_http_reply_text(http, exchange, 415, "",
                                  "415 unsupported media type, supported: [application/json, application/x-protobuf]");
        return;
    case WEFT_OTLP_HTTP_WRONG_ENCODING:
        reply_wrong_encoding(http, exchange, &state->judgement);
        return;
    case WEFT_OTLP_HTTP_NOT_LET_IN:
    case WEFT_OTLP_HTTP_NOT_ROUTED:
        weft_assert(false);
    }
}

/* In the request's own encoding, or as text where it has none of ours. The reason is asked for again. */
static void reply_not_let_in(struct weft_otlp_http_inlet *http, struct weft_http1_server_exchange *exchange,
                             const struct weft_otlp_http_judgement *judgement)
{
    struct weft_error error = WEFT_ERROR_NONE;
    weft_fail(&error, WEFT_UNAUTHENTICATED, "not authenticated");
    struct weft_auth_claim claim = weft_otlp_http_claim_of(http, exchange);
    (void)http->inlet.auth->operations->judge(http->inlet.auth, &claim, NULL, &error);
    if (judgement->is_known_type) {
        weft_otlp_http_reply_status(http, exchange, judgement->is_json, 401,
                                    weft_status_grpc_code(WEFT_UNAUTHENTICATED), error.text, -1);
    } else {
        weft_otlp_http_reply_text(http, exchange, 401, "", error.text);
    }
}

static void on_request(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request)
{
    struct weft_http1_routes routes = weft_otlp_http_routes_of(weft_otlp_http_of(context));
    const struct weft_otlp_http_state *state = weft_http1_server_exchange_state(exchange);
    if (state->judgement.verdict == WEFT_OTLP_HTTP_NOT_LET_IN) {
        reply_not_let_in(weft_otlp_http_of(context), exchange, &state->judgement);
        return;
    }
    weft_http1_routes_serve(&routes, &state->judgement.match, context, exchange, request);
}

/* Too large, too slow, or not HTTP. */
static void on_refused(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request, int code, const char *reason)
{
    (void)request;
    struct weft_otlp_http_inlet *http = weft_otlp_http_of(context);
    const struct weft_otlp_http_judgement *judgement =
        &((struct weft_otlp_http_state *)weft_http1_server_exchange_state(exchange))->judgement;
    enum weft_status status = code == 413   ? WEFT_LIMIT
                              : code == 408 ? WEFT_TIMEOUT
                              : code == 503 ? WEFT_NOMEM
                                            : WEFT_INVALID;
    http->counters.too_large += code == 413;
    http->counters.too_slow += code == 408;
    http->counters.broken_framing += status == WEFT_INVALID;
    if (judgement->verdict != WEFT_OTLP_HTTP_TAKEN && judgement->verdict != WEFT_OTLP_HTTP_WRONG_ENCODING) {
        weft_otlp_http_reply_text(http, exchange, code, "", reason);
        return;
    }
    weft_otlp_http_reply_status(http, exchange, judgement->is_json, code, weft_status_grpc_code(status), reason,
                                code == 503 ? http->inlet.ingest->retry_after_ns : -1);
}

/* ---- life cycle ---- */

static void adopt(struct weft_otlp_inlet *inlet, int descriptor)
{
    weft_http1_server_adopt(weft_otlp_http_of(inlet)->server, descriptor);
}

static void set_reading(struct weft_otlp_inlet *inlet, bool is_reading)
{
    weft_http1_server_set_reading(weft_otlp_http_of(inlet)->server, is_reading);
}

static void drain(struct weft_otlp_inlet *inlet)
{
    weft_http1_server_drain(weft_otlp_http_of(inlet)->server);
}

static size_t connection_count(const struct weft_otlp_inlet *inlet)
{
    return weft_http1_server_connection_count(weft_otlp_http_of(inlet)->server);
}

static void collect(const struct weft_otlp_inlet *inlet, struct weft_samples *samples)
{
    weft_otlp_inlet_collect(inlet, samples);
    const struct weft_otlp_http_inlet *http = weft_otlp_http_of(inlet);
    const struct weft_sample_label *labels = WEFT_LABELS({ "receiver", inlet->ingest->id }, { "transport", "http" });
#define COLLECT_COUNTER(name, help)                                                                                \
    weft_samples_add(samples, "weft_receiver_http_" #name, help, WEFT_SAMPLE_COUNTER, (double)http->counters.name, \
                     labels);
    WEFT_OTLP_HTTP_COUNTERS(COLLECT_COUNTER)
#undef COLLECT_COUNTER
    if (weft_otlp_http_takes_lines(http)) {
        weft_log_bodies_collect(&http->lines, inlet->ingest->id, "http", samples);
    }
    const struct weft_http1_server_counters *counters = weft_http1_server_read_counters(http->server);
#define COLLECT_COUNTER(name, help) \
    weft_samples_add(samples, "weft_http_server_" #name, help, WEFT_SAMPLE_COUNTER, (double)counters->name, labels);
    WEFT_HTTP1_SERVER_COUNTERS(COLLECT_COUNTER)
#undef COLLECT_COUNTER
}

static void http_free(struct weft_otlp_inlet *inlet)
{
    struct weft_otlp_http_inlet *http = weft_otlp_http_of(inlet);
    weft_http1_server_free(http->server);
    if (weft_otlp_http_takes_lines(http)) {
        weft_log_bodies_fini(&http->lines);
    }
    weft_buffer_fini(&http->response_headers);
    inlet->operations = NULL;
    weft_free(http);
}

const struct weft_otlp_inlet_operations weft_otlp_http_operations = {
    .transport = "http",
    .answer = weft_otlp_http_answer_call,
    .adopt = adopt,
    .set_reading = set_reading,
    .drain = drain,
    .connection_count = connection_count,
    .collect = collect,
    .free = http_free,
};

static struct weft_http1_server_settings server_settings(const struct weft_otlp_http_inlet *http)
{
    const struct weft_otlp_http_config *config = http->config;
    return (struct weft_http1_server_settings){
        .max_body_bytes = http->max_body_bytes,
        .max_connections = weft_host_share(http->inlet.ingest->host, config->max_connections),
        .max_connections_per_address = weft_host_share(http->inlet.ingest->host, config->max_connections_per_address),
        .header_timeout_ns = config->read_header_timeout.ns,
        .request_timeout_ns = config->read_timeout.ns,
        .write_timeout_ns = config->write_timeout.ns,
        .idle_timeout_ns = config->idle_timeout.ns > 0 ? config->idle_timeout.ns : IDLE_SECONDS * WEFT_NS_PER_S,
        .ends_each_request = !config->keep_alives_enabled,
        .wants_body = wants_body,
        .on_arriving = on_arriving,
        .on_refused = on_refused,
    };
}

static void add_routes(struct weft_otlp_http_inlet *http)
{
    static const enum weft_signal signals[WEFT_SIGNAL_COUNT] = { WEFT_TRACES, WEFT_METRICS, WEFT_LOGS, WEFT_PROFILES };
    for (size_t i = 0; i < WEFT_COUNT_OF(signals); i++) {
        if (!weft_otlp_http_takes_lines(http) || signals[i] == WEFT_LOGS) {
            http->routes[http->route_count++] =
                (struct weft_http1_route){ .path = weft_otlp_http_path(http->config, signals[i]),
                                           .methods = WEFT_HTTP1_POST,
                                           .on_request = on_export,
                                           .subject = &signals[i] };
        }
    }
}

struct weft_otlp_inlet *weft_otlp_http_new(struct weft_otlp_ingest *ingest, const struct weft_otlp_http_config *config,
                                           const struct weft_otlp_json *json, struct weft_tls_context *tls,
                                           struct weft_authenticator *authenticator)
{
    struct weft_otlp_http_inlet *http = weft_alloc(sizeof *http);
    http->inlet.operations = &weft_otlp_http_operations;
    http->inlet.ingest = ingest;
    http->inlet.auth = weft_auth_server_open(authenticator, ingest->host);
    http->inlet.includes_metadata = config->include_metadata;
    http->config = config;
    http->json = json;
    http->cors = config->has_cors && config->cors.allowed_origins.count > 0 ? &config->cors : NULL;
    http->max_body_bytes = http->inlet.max_message_bytes = weft_otlp_http_max_body_bytes(config);
    weft_buffer_init(&http->response_headers, 0);
    const struct weft_config_map *headers = &config->response_headers.map;
    for (size_t i = 0; i < headers->count; i++) {
        weft_buffer_append_format(&http->response_headers, "%s: %s\r\n", headers->entries[i].key,
                                  headers->entries[i].value);
    }
    add_routes(http);
    struct weft_http1_server_settings settings = server_settings(http);
    http->server = weft_http1_server_new(ingest->host->net, &settings, on_request, &http->inlet, tls);
    return &http->inlet;
}

struct weft_otlp_inlet *weft_otlp_http_new_for_lines(struct weft_otlp_ingest *ingest,
                                                     const struct weft_otlp_http_config *config,
                                                     const struct weft_log_line_settings *settings,
                                                     struct weft_tls_context *tls,
                                                     struct weft_authenticator *authenticator)
{
    struct weft_otlp_inlet *inlet = weft_otlp_http_new(ingest, config, NULL, tls, authenticator);
    weft_log_bodies_init(&weft_otlp_http_of(inlet)->lines, settings);
    return inlet;
}
