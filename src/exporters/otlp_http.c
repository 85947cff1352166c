/* Exporter `otlp_http` (alias `otlphttp`): OTLP over HTTP/1.1 to one backend, as protobuf or JSON.
 *
 * The sender (pipeline/sender) owns queue, batching, timeout and retry; a push here makes the body
 * (pipeline/exporter_body) and starts one POST on the client, and one more for each redirect that is followed; what
 * the answer means is otlp_http_answer.c's. The scheme of the URL alone decides on TLS, as in the Collector: there
 * `insecure` means nothing over HTTP. */
#include "weft/component.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/http1/client.h"
#include "net/tls/config.h"
#include "net/url.h"
#include "exporters/otlp_http_answer.h"
#include "exporters/otlp_http_proxy.h"
#include "exporters/otlp_http_redirect.h"
#include "pipeline/exporter.h"
#include "pipeline/exporter_balancing.h"
#include "pipeline/exporter_body.h"

enum { MAX_REDIRECTS = 10 }; /* of one attempt; as Go's client has it */

struct compression_params {
    int64_t level;
};

struct otlp_http_config {
    char *endpoint;
    char *traces_endpoint;
    char *metrics_endpoint;
    char *logs_endpoint;
    char *profiles_endpoint;
    struct weft_choice encoding; /* enum weft_body_format */
    char *compression;
    struct compression_params compression_params;
    struct weft_secret proxy_url;
    struct weft_secret_map headers;
    uint64_t max_idle_conns;
    uint64_t max_idle_conns_per_host;
    struct weft_balancing_config balancing;
    uint64_t max_conns_per_host;
    struct weft_duration idle_conn_timeout;
    bool disable_keep_alives;
    struct weft_tls_config tls;
    struct weft_sender_config sender;
    bool has_auth;
    struct weft_auth_config auth;
};

WEFT_MAGIC(otlp_http_shared, 0x07195a42);

/* What the workers' instances have in common. */
struct otlp_http_shared {
    uint32_t magic;
    struct weft_tls_context *tls; /* also where no URL wants it: a redirect may. NULL = none (may_want_tls) */
    struct weft_sender_shared sender[WEFT_SIGNAL_COUNT]; /* each signal has a queue of its own */
};

struct otlp_http_exporter {
    struct weft_consumer consumer;
    const struct otlp_http_config *config;
    struct weft_body_form form;
    struct weft_endpoint endpoint;
    char *target; /* path and query */
    struct weft_http1_client_settings client_settings;
    struct weft_proxy proxy;     /* that these point to, as to the headers */
    struct weft_header *headers; /* name NULL ends */
    struct weft_http1_client *client;
    struct weft_tls_context *tls;
    struct weft_http1_client *upgraded; /* the same host over TLS, since a redirect led there; NULL: none has */
    struct weft_endpoint upgraded_endpoint;
    struct weft_auth_client *auth; /* NULL = none */
    struct weft_sender *sender;
};

WEFT_MAGIC(otlp_http_push, 0x07195052);

struct otlp_http_push {
    struct weft_push push; /* first: the sender allocates this struct */
    uint32_t magic;        /* while it is under way */
    struct otlp_http_exporter *exporter;
    struct weft_http1_client_request request;
    struct weft_http1_client *client; /* that has the request */
    const struct weft_endpoint *endpoint;
    int redirect_count;
    char *redirect_target; /* NULL: it was asked for the exporter's own */
    struct weft_exporter_body body;
    struct weft_header_set *headers; /* of its own; NULL = none */
    struct weft_timer failure;       /* reports a push that failed before it reached the client */
    struct weft_error error;
};

static const char *const content_types[] = {
    [WEFT_BODY_PROTOBUF] = "application/x-protobuf",
    [WEFT_BODY_JSON] = "application/json",
};

static const char *const encoding_words[] = { "proto", "json", NULL };

static const struct weft_field compression_fields[] = {
    WEFT_FIELD(struct compression_params, level, "0", "Level of the compression; 0 = its default."),
    WEFT_FIELDS_END,
};

static const struct weft_field otlp_http_fields[] = {
    WEFT_FIELD(struct otlp_http_config, endpoint, "",
               "Base URL of the backend; /v1/traces and so on (/v1development/profiles) is appended. Redirects by 307 "
               "and 308 are followed to "
               "the same host, or from http to https of it."),
    WEFT_FIELD(struct otlp_http_config, traces_endpoint, "", "URL for traces, as it stands."),
    WEFT_FIELD(struct otlp_http_config, metrics_endpoint, "", "URL for metrics, as it stands."),
    WEFT_FIELD(struct otlp_http_config, logs_endpoint, "", "URL for logs, as it stands."),
    WEFT_FIELD(struct otlp_http_config, profiles_endpoint, "", "URL for profiles, as it stands."),
    WEFT_FIELD_CHOICE(struct otlp_http_config, encoding, encoding_words, "proto", "proto or json."),
    WEFT_FIELD(struct otlp_http_config, compression, "gzip",
               "gzip, zstd, deflate, zlib, snappy, x-snappy-framed, lz4 or none."),
    WEFT_FIELD_BLOCK(struct otlp_http_config, compression_params, compression_fields, "How to compress."),
    WEFT_FIELD(struct otlp_http_config, headers, NULL, "Headers sent with each request."),
    WEFT_FIELD(struct otlp_http_config, max_idle_conns, "100", "Idle connections kept; 0 = no limit.", .maximum = 1e6),
    WEFT_FIELD(struct otlp_http_config, max_idle_conns_per_host, "0",
               "The same; the smaller counts, as there is one host. 0 = no limit.", .maximum = 1e6),
    WEFT_FIELD(struct otlp_http_config, max_conns_per_host, "0",
               "Connections at most, over all workers; 0 = as many as requests are under way.", .maximum = 1e6),
    WEFT_FIELD(struct otlp_http_config, idle_conn_timeout, "90s",
               "Close a connection that is idle for so long; 0 = never."),
    WEFT_FIELD(struct otlp_http_config, disable_keep_alives, "false", "Make a connection for each request."),
    WEFT_FIELD_INLINE(struct otlp_http_config, balancing, weft_balancing_fields),
    WEFT_FIELD_BLOCK(struct otlp_http_config, tls, weft_tls_client_fields, "Transport security, for https:// URLs."),
    WEFT_SENDER_FIELDS(struct otlp_http_config, "30s"),
    WEFT_FIELD_NO_EFFECT("read_buffer_size", "int", "weft sizes its own buffers."),
    WEFT_FIELD_NO_EFFECT("write_buffer_size", "int", "weft writes each request in one go."),
    WEFT_FIELD_NO_EFFECT("http2_read_idle_timeout", "duration", "weft speaks HTTP/1.1 here."),
    WEFT_FIELD_NO_EFFECT("http2_ping_timeout", "duration", "weft speaks HTTP/1.1 here."),
    WEFT_FIELD_NO_EFFECT("force_attempt_http2", "bool", "weft speaks HTTP/1.1 here."),
    WEFT_FIELD(struct otlp_http_config, proxy_url, NULL,
               "A proxy to send through, http://user:password@host:port; https:// goes by a tunnel."),
    WEFT_FIELD_UNSUPPORTED("cookies", "Keeping cookies."),
    WEFT_FIELD_OPTIONAL(struct otlp_http_config, auth, has_auth, weft_auth_fields, "off",
                        "Who gives requests their credentials.", .is_off_as_null = true),
    WEFT_FIELD_UNSUPPORTED("middlewares", "Middleware extensions."),
    WEFT_FIELDS_END,
};

/* ---- config ---- */

static const char *own_endpoint(const struct otlp_http_config *config, enum weft_signal signal)
{
    switch (signal) {
    case WEFT_TRACES:
        return config->traces_endpoint;
    case WEFT_METRICS:
        return config->metrics_endpoint;
    case WEFT_LOGS:
        return config->logs_endpoint;
    case WEFT_PROFILES:
        return config->profiles_endpoint;
    }
    return "";
}

/* Where a signal goes. out_suffix: what the URL's path still lacks. */
static enum weft_status find_url(const struct otlp_http_config *config, enum weft_signal signal,
                                 struct weft_url *out_url, const char **out_suffix, struct weft_error *error)
{
    const char *own = own_endpoint(config, signal);
    bool is_own = own[0] != '\0';
    if (!is_own && config->endpoint[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "either endpoint or %s_endpoint must be specified",
                         weft_signal_name(signal));
    }
    *out_suffix = is_own ? "" : weft_signal_url_path(signal);
    return weft_url_parse(is_own ? own : config->endpoint, out_url, error);
}

static bool has_endpoint(const struct otlp_http_config *config, enum weft_signal signal)
{
    return config->endpoint[0] != '\0' || own_endpoint(config, signal)[0] != '\0';
}

static enum weft_status validate_urls(const struct otlp_http_config *config, struct weft_error *error)
{
    bool has_any = false;
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        struct weft_url url;
        const char *suffix;
        if (!has_endpoint(config, (enum weft_signal)signal)) {
            continue;
        }
        has_any = true;
        enum weft_status status = find_url(config, (enum weft_signal)signal, &url, &suffix, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return has_any ? WEFT_OK : weft_fail(error, WEFT_INVALID, "at least one endpoint must be specified");
}

static size_t auth_needs(const void *untyped, struct weft_auth_need *out_needs)
{
    const struct otlp_http_config *config = untyped;
    if (!config->has_auth) {
        return 0;
    }
    out_needs[0] = (struct weft_auth_need){ config->auth.authenticator, WEFT_AUTHENTICATES_CLIENTS, false };
    return 1;
}

/* Each pipeline's signal has somewhere to go. */
static enum weft_status validate_signal(const void *untyped, enum weft_signal signal, struct weft_error *error)
{
    struct weft_url url;
    const char *suffix;
    return find_url(untyped, signal, &url, &suffix, error);
}

static enum weft_reach reach(const void *config)
{
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        struct weft_url url;
        const char *suffix;
        if (has_endpoint(config, (enum weft_signal)signal) &&
            (find_url(config, (enum weft_signal)signal, &url, &suffix, NULL) != WEFT_OK ||
             !weft_endpoint_is_local(&url.endpoint))) {
            return WEFT_REACH_NETWORK;
        }
    }
    return WEFT_REACH_MACHINE;
}

static enum weft_status advise(const void *untyped, const struct weft_node *node, struct weft_config_notes *notes)
{
    const struct otlp_http_config *config = untyped;
    return weft_exporter_advise_headers(&config->headers.map, node, notes);
}

/* configcompression: zlib's levels for its family; zstd takes any and means the nearest. */
static enum weft_status validate_level(const struct otlp_http_config *config, enum weft_encoding encoding,
                                       struct weft_error *error)
{
    int64_t level = config->compression_params.level;
    bool is_deflate = encoding == WEFT_ENCODING_GZIP || encoding == WEFT_ENCODING_DEFLATE;
    bool is_known = is_deflate ? level >= -2 && level <= 9 : true; /* none has no level to be wrong */
    return is_known ? WEFT_OK
                    : weft_fail(error, WEFT_INVALID, "compression_params: level %lld is not one of compression \"%s\"",
                                (long long)level, config->compression);
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct otlp_http_config *config = untyped;
    enum weft_encoding encoding;
    enum weft_status status = validate_urls(config, error);
    if (status == WEFT_OK) {
        status = weft_exporter_parse_compression(config->compression, WEFT_COMPRESSION_HTTP, &encoding, error);
    }
    if (status == WEFT_OK) {
        status = validate_level(config, encoding, error);
    }
    if (status == WEFT_OK) {
        status = weft_tls_config_validate(&config->tls, error);
    }
    if (status == WEFT_OK) {
        struct weft_proxy proxy;
        status = weft_proxy_parse(config->proxy_url.text, &proxy, error);
        if (status == WEFT_OK) {
            weft_proxy_fini(&proxy);
        }
    }
    return status == WEFT_OK ? weft_sender_config_validate(&config->sender, error) : status;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* Also where a redirect may lead to https. A context with the system's authorities takes 4 MiB, so what is on this
 * machine gets one only if the config says something of TLS. */
static bool may_want_tls(const struct otlp_http_config *config)
{
    bool has_authority = is_set(config->tls.ca_file) || is_set(config->tls.ca_pem) || config->tls.insecure_skip_verify;
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        struct weft_url url;
        const char *suffix;
        if (find_url(config, (enum weft_signal)signal, &url, &suffix, NULL) == WEFT_OK &&
            (url.endpoint.wants_tls || has_authority || !weft_endpoint_is_local(&url.endpoint))) {
            return true;
        }
    }
    return false;
}

static enum weft_status try_files(const void *untyped, struct weft_error *error)
{
    const struct otlp_http_config *config = untyped;
    return may_want_tls(config) ? weft_tls_config_try(&config->tls, false, error) : WEFT_OK;
}

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)id;
    (void)budget;
    const struct otlp_http_config *config = untyped;
    struct otlp_http_shared *shared = weft_alloc(sizeof *shared);
    weft_set_magic(shared, otlp_http_shared);
    if (may_want_tls(config)) {
        enum weft_status status = weft_tls_config_open(&config->tls, false, "http/1.1", false, &shared->tls, error);
        if (status != WEFT_OK) {
            weft_free(shared);
            return status;
        }
    }
    *out_shared = shared;
    return WEFT_OK;
}

static void shared_free(void *untyped)
{
    struct otlp_http_shared *shared = untyped;
    weft_clear_magic(shared, otlp_http_shared);
    if (shared->tls != NULL) {
        weft_tls_context_free(shared->tls);
    }
    weft_free(shared);
}

static enum weft_status renew(void *untyped, struct weft_error *error)
{
    struct otlp_http_shared *shared = untyped;
    weft_check_magic(shared, otlp_http_shared);
    return weft_tls_context_renew(shared->tls, error);
}

static void end_renewal(void *untyped, bool is_used)
{
    struct otlp_http_shared *shared = untyped;
    weft_check_magic(shared, otlp_http_shared);
    weft_tls_context_end_renewal(shared->tls, is_used);
}

/* ---- one push ---- */

static struct otlp_http_push *push_of(struct weft_push *untyped)
{
    weft_check_magic(untyped, push);
    return WEFT_CONTAINER_OF(untyped, struct otlp_http_push, push);
}

static void finish(struct otlp_http_push *push, const struct weft_push_outcome *outcome)
{
    weft_exporter_body_fini(&push->body, push->exporter->consumer.host);
    weft_header_set_free(push->headers);
    weft_free(push->redirect_target);
    weft_clear_magic(push, otlp_http_push);
    weft_push_done(&push->push, outcome);
}

/* One further client at most: a backend that leads to one port now and to another later is not followed to both. */
static enum weft_status upgrade(struct otlp_http_push *push, const struct weft_endpoint *endpoint,
                                struct weft_error *error)
{
    struct otlp_http_exporter *exporter = push->exporter;
    if (exporter->tls == NULL) {
        return weft_fail(error, WEFT_INVALID, "a redirect to https on this machine, and tls has no ca_file");
    }
    if (exporter->upgraded == NULL) {
        struct weft_http1_client_settings settings = exporter->client_settings;
        settings.endpoint = *endpoint;
        exporter->upgraded_endpoint = *endpoint;
        exporter->upgraded = weft_http1_client_try_new(exporter->consumer.host->net, &settings, exporter->tls);
        if (exporter->upgraded == NULL) {
            return weft_fail(error, WEFT_NOMEM, "no memory to follow a redirect to https");
        }
    } else if (exporter->upgraded_endpoint.port != endpoint->port) {
        return weft_fail(error, WEFT_INVALID, "redirects lead to port %u and to port %u",
                         exporter->upgraded_endpoint.port, endpoint->port);
    }
    push->client = exporter->upgraded;
    push->endpoint = &exporter->upgraded_endpoint;
    return WEFT_OK;
}

/* Asks again where the answer says, with the same body. */
static enum weft_status follow(struct otlp_http_push *push, const char *location, struct weft_error *error)
{
    struct weft_redirect redirect;
    if (push->redirect_count >= MAX_REDIRECTS) {
        return weft_fail(error, WEFT_INVALID, "stopped after %d redirects", MAX_REDIRECTS);
    }
    enum weft_status status = weft_redirect_resolve(push->endpoint, location, &redirect, error);
    if (status == WEFT_OK && redirect.is_upgrade) {
        status = upgrade(push, &redirect.endpoint, error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    char *target = weft_try_alloc(strlen(redirect.target) + 1);
    if (target == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory to follow a redirect");
    }
    strcpy(target, redirect.target);
    weft_free(push->redirect_target);
    push->redirect_target = target;
    push->redirect_count++;
    push->request.target = target;
    weft_http1_client_start(push->client, &push->request);
    return WEFT_OK;
}

/* False: it is a usual answer, or one that leads nowhere and whose error says why. */
static bool is_followed(struct otlp_http_push *push, const struct weft_http1_client_result *result,
                        struct weft_push_outcome *outcome)
{
    struct weft_error error = WEFT_ERROR_NONE;
    if (result->status != WEFT_OK || !weft_redirect_keeps_body(result->code)) {
        return false;
    }
    if (follow(push, result->location, &error) == WEFT_OK) {
        return true;
    }
    outcome->verdict = weft_status_is_retryable(error.status) ? WEFT_PUSH_RETRY : WEFT_PUSH_PERMANENT;
    weft_fail(&outcome->error, error.status, "%s: HTTP %d: %s", push->exporter->consumer.id, result->code, error.text);
    return false;
}

static void request_done(void *context, const struct weft_http1_client_result *result)
{
    struct otlp_http_push *push = context;
    weft_check_magic(push, otlp_http_push);
    struct weft_otlp_http_answer answer;
    weft_otlp_http_judge(result, push->exporter->consumer.id, weft_wall_now(), &answer);
    if (is_followed(push, result, &answer.outcome)) {
        return;
    }
    if (answer.outcome.verdict == WEFT_PUSH_SENT) {
        struct weft_partial_success partial = { answer.outcome.rejected_count, weft_slice_of_text(answer.message) };
        answer.outcome.rejected_count = weft_exporter_take_partial_success(&push->exporter->consumer, &partial);
    }
    finish(push, &answer.outcome);
}

static void failed_before_request(void *context)
{
    struct otlp_http_push *push = context;
    weft_check_magic(push, otlp_http_push);
    bool may_retry = weft_status_is_retryable(push->error.status);
    struct weft_push_outcome outcome = { .verdict = may_retry ? WEFT_PUSH_RETRY : WEFT_PUSH_PERMANENT,
                                         .retry_after_ns = -1,
                                         .error = push->error };
    finish(push, &outcome);
}

static void start(void *context, struct weft_push *untyped)
{
    struct otlp_http_exporter *exporter = context;
    struct otlp_http_push *push = push_of(untyped);
    struct weft_host *host = exporter->consumer.host;
    weft_set_magic(push, otlp_http_push);
    push->exporter = exporter;
    push->redirect_target = NULL;
    push->headers = NULL;
    weft_timer_init(&push->failure, failed_before_request, push);
    enum weft_status status =
        weft_auth_client_headers(exporter->auth, push->push.batch->metadata, &push->headers, &push->error);
    if (status == WEFT_OK) {
        status = weft_exporter_body_make(&push->body, push->push.batch, &exporter->form, host, &push->error);
    }
    if (status != WEFT_OK) {
        weft_timer_set_after(host->timers, &push->failure, 0);
        return;
    }
    bool is_compressed = exporter->form.encoding != WEFT_ENCODING_IDENTITY;
    push->request = (struct weft_http1_client_request){
        .target = exporter->target,
        .content_type = content_types[exporter->form.format],
        .content_encoding = is_compressed ? exporter->config->compression : NULL,
        .slices = push->body.slices.items,
        .slice_count = push->body.slices.count,
        .length = push->body.slices.length,
        .headers = push->headers == NULL ? NULL : push->headers->items,
        .deadline = push->push.deadline,
        .on_done = request_done,
        .context = push,
    };
    push->client = exporter->client;
    push->endpoint = &exporter->endpoint;
    push->redirect_count = 0;
    weft_http1_client_start(push->client, &push->request);
}

static void cancel(void *context, struct weft_push *untyped)
{
    struct otlp_http_exporter *exporter = context;
    struct otlp_http_push *push = push_of(untyped);
    weft_check_magic(push, otlp_http_push);
    weft_assert(push->exporter == exporter);
    if (!weft_timer_is_set(&push->failure)) {
        weft_http1_client_cancel(push->client, &push->request);
    }
}

static const struct weft_sender_operations push_operations = { .start = start, .cancel = cancel };

/* ---- the consumer ---- */

static const struct weft_consumer_operations otlp_http_operations;

static struct otlp_http_exporter *exporter_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &otlp_http_operations);
    return WEFT_CONTAINER_OF(consumer, struct otlp_http_exporter, consumer);
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
    struct otlp_http_exporter *exporter = exporter_of(consumer);
    if (exporter->upgraded != NULL) {
        weft_http1_client_free(exporter->upgraded);
    }
    weft_http1_client_free(exporter->client);
    weft_sender_free(exporter->sender);
    weft_auth_client_free(exporter->auth);
    weft_consumer_fini(consumer);
    weft_free(exporter->target);
    weft_free(exporter->headers);
    weft_proxy_fini(&exporter->proxy);
    weft_free(exporter);
}

static const struct weft_consumer_operations otlp_http_operations = {
    .consume = consume,
    .audit = audit,
    .drain = drain,
    .free = exporter_free,
};

/* A worker's share of a number for the process, at least one; 0 stays "no limit". */
static uint32_t share_of(uint64_t limit, const struct weft_host *host)
{
    uint64_t part = limit / host->worker_count;
    return limit == 0 ? 0 : part == 0 ? 1 : (uint32_t)part;
}

static uint64_t smaller_limit(uint64_t one, uint64_t other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

static void make_client_settings(struct otlp_http_exporter *exporter)
{
    const struct otlp_http_config *config = exporter->config;
    const struct weft_host *host = exporter->consumer.host;
    const struct weft_config_map *map = &config->headers.map;
    struct weft_header *headers = weft_alloc((map->count + 1) * sizeof *headers);
    for (size_t i = 0, count = 0; i < map->count; i++) {
        if (weft_exporter_may_send_header(&map->entries[i])) {
            headers[count++] = (struct weft_header){ map->entries[i].key, map->entries[i].value };
        }
    }
    enum weft_status status = weft_proxy_parse(config->proxy_url.text, &exporter->proxy, NULL);
    weft_assert(status == WEFT_OK); /* validated */
    exporter->headers = headers;
    exporter->client_settings = (struct weft_http1_client_settings){
        .endpoint = exporter->endpoint,
        .proxy = exporter->proxy.endpoint.host[0] == '\0' ? NULL : &exporter->proxy.endpoint,
        .proxy_authorization = exporter->proxy.authorization,
        .headers = headers,
        .max_connections = share_of(config->max_conns_per_host, host),
        .max_idle_connections = share_of(smaller_limit(config->max_idle_conns, config->max_idle_conns_per_host), host),
        .idle_timeout_ns = config->idle_conn_timeout.ns,
        .balancing = weft_balancing_of(&config->balancing),
        .look_up_interval_ns = config->balancing.resolve_interval.ns,
        .disable_keep_alives = config->disable_keep_alives,
    };
}

/* weft_deflate counts 0 as the default, as the config does; zlib's -1 is the same, its -2 the fastest. */
static int level_of(const struct otlp_http_config *config, enum weft_encoding encoding)
{
    int64_t level = config->compression_params.level;
    if (encoding != WEFT_ENCODING_ZSTD) {
        return level == -1 ? 0 : level == -2 ? 1 : (int)level;
    }
    return level < -100 ? -100 : level > 100 ? 100 : (int)level;
}

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    const struct otlp_http_config *config = setup->config;
    struct otlp_http_shared *shared = setup->shared;
    weft_check_magic(shared, otlp_http_shared);
    struct weft_body_form form = { .signal = setup->signal, .format = (enum weft_body_format)config->encoding.value };
    struct weft_url url;
    const char *suffix;
    enum weft_status status = find_url(config, setup->signal, &url, &suffix, error);
    if (status == WEFT_OK) {
        status = weft_exporter_parse_compression(config->compression, WEFT_COMPRESSION_HTTP, &form.encoding, error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    form.level = level_of(config, form.encoding);
    struct otlp_http_exporter *exporter = weft_alloc(sizeof *exporter);
    weft_consumer_init(&exporter->consumer, &otlp_http_operations, setup->host, setup->id);
    exporter->consumer.held_account = weft_exporter_account(setup->signal, setup->id);
    exporter->config = config;
    exporter->form = form;
    exporter->target = weft_url_target(&url, suffix);
    exporter->endpoint = url.endpoint;
    exporter->tls = shared->tls;
    make_client_settings(exporter);
    exporter->client = weft_http1_client_new(setup->host->net, &exporter->client_settings,
                                             exporter->endpoint.wants_tls ? shared->tls : NULL);
    exporter->auth =
        weft_auth_client_open(setup->authenticators[0],
                              &(struct weft_auth_client_setup){ .host = setup->host, .headers = &config->headers.map });
    exporter->sender = weft_sender_new(&exporter->consumer, &(struct weft_sender_settings){
                                                                .config = &config->sender,
                                                                .shared = &shared->sender[setup->signal],
                                                                .operations = &push_operations,
                                                                .exporter = exporter,
                                                                .push_size_bytes = sizeof(struct otlp_http_push),
                                                                .auth = exporter->auth,
                                                                .signal = setup->signal,
                                                            });
    *out_consumer = &exporter->consumer;
    return WEFT_OK;
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct otlp_http_exporter *exporter = exporter_of(consumer);
    weft_exporter_collect_sender(consumer, exporter->form.signal, exporter->sender, samples);
    struct weft_http1_client_state state, upgraded = { 0 };
    weft_http1_client_read_state(exporter->client, &state);
    if (exporter->upgraded != NULL) {
        weft_http1_client_read_state(exporter->upgraded, &upgraded);
    }
    weft_exporter_collect_connections(
        consumer,
        &(struct weft_exporter_connections){ .ready = state.connections_ready + upgraded.connections_ready,
                                             .connect_failures = state.connect_failures + upgraded.connect_failures,
                                             .sent_bytes = state.bytes_sent + upgraded.bytes_sent,
                                             .addresses = state.addresses,
                                             .addresses_left_out = state.addresses_left_out },
        samples);
}

static void check(const struct weft_consumer *consumer, char *out_text)
{
    struct weft_http1_client_state state;
    weft_http1_client_read_state(exporter_of(consumer)->client, &state);
    bool is_failing = state.connections_ready == 0 && state.last_failure[0] != '\0';
    snprintf(out_text, WEFT_CHECK_BYTES, "%s", is_failing ? state.last_failure : "ok");
}

static const char *const aliases[] = { "otlphttp", NULL };

static enum weft_holding explain(const void *untyped, struct weft_buffer *out)
{
    return weft_sender_config_explain(&((const struct otlp_http_config *)untyped)->sender, out) ? WEFT_HOLDS_ANSWERED
                                                                                                : WEFT_HOLDS_UNANSWERED;
}

const struct weft_component weft_exporter_otlp_http = {
    .kind = WEFT_EXPORTER,
    .type = "otlp_http",
    .aliases = aliases,
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS | WEFT_SIGNAL_BIT_PROFILES,
    .help = "Sends OTLP over HTTP/1.1, as protobuf or JSON.",
    .fields = otlp_http_fields,
    .config_size = sizeof(struct otlp_http_config),
    .validate = validate,
    .auth_needs = auth_needs,
    .advise = advise,
    .validate_signal = validate_signal,
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
