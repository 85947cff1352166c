/* Exporter `otlp_http` (alias `otlphttp`): OTLP over HTTP/1.1 to one backend, as protobuf or JSON.
 *
 * The sender (pipeline/sender) owns queue, batching, timeout and retry; a push (otlp_http_push.c) makes the body
 * (pipeline/exporter_body) and starts one POST on the client, and one more for each redirect that is followed; what
 * the answer means is otlp_http_answer.c's, what the keys mean otlp_http_config.c's. The scheme of the URL alone
 * decides on TLS, as in the Collector: there `insecure` means nothing over HTTP. */
#include "weft/component.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "exporters/otlp_http_push.h"

WEFT_MAGIC(otlp_http_shared, 0x07195a42);

/* What the workers' instances have in common. */
struct otlp_http_shared {
    uint32_t magic;
    struct weft_tls_context *tls; /* also where no URL wants it: a redirect may. NULL = none (may_want_tls) */
    struct weft_sender_shared sender[WEFT_SIGNAL_COUNT]; /* each signal has a queue of its own */
};

static enum weft_status try_files(const void *untyped, struct weft_error *error)
{
    const struct weft_otlp_http_export_config *config = untyped;
    return weft_otlp_http_export_may_want_tls(config) ? weft_tls_config_try(&config->tls, false, error) : WEFT_OK;
}

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)id;
    (void)budget;
    const struct weft_otlp_http_export_config *config = untyped;
    struct otlp_http_shared *shared = weft_alloc(sizeof *shared);
    weft_set_magic(shared, otlp_http_shared);
    if (weft_otlp_http_export_may_want_tls(config)) {
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

/* ---- the consumer ---- */

static const struct weft_consumer_operations otlp_http_operations;

static struct weft_otlp_http_exporter *exporter_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &otlp_http_operations);
    return WEFT_CONTAINER_OF(consumer, struct weft_otlp_http_exporter, consumer);
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
    struct weft_otlp_http_exporter *exporter = exporter_of(consumer);
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

static void make_client_settings(struct weft_otlp_http_exporter *exporter)
{
    const struct weft_otlp_http_export_config *config = exporter->config;
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

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    const struct weft_otlp_http_export_config *config = setup->config;
    struct otlp_http_shared *shared = setup->shared;
    weft_check_magic(shared, otlp_http_shared);
    struct weft_body_form form = { .signal = setup->signal, .format = (enum weft_body_format)config->encoding.value };
    struct weft_url url;
    const char *suffix;
    enum weft_status status = weft_otlp_http_export_url(config, setup->signal, &url, &suffix, error);
    if (status == WEFT_OK) {
        status = weft_exporter_parse_compression(config->compression, WEFT_COMPRESSION_HTTP, &form.encoding, error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    form.level = weft_otlp_http_export_level(config, form.encoding);
    struct weft_otlp_http_exporter *exporter = weft_alloc(sizeof *exporter);
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
                                                                .operations = &weft_otlp_http_push_operations,
                                                                .exporter = exporter,
                                                                .push_size_bytes = sizeof(struct weft_otlp_http_push),
                                                                .auth = exporter->auth,
                                                                .signal = setup->signal,
                                                            });
    *out_consumer = &exporter->consumer;
    return WEFT_OK;
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct weft_otlp_http_exporter *exporter = exporter_of(consumer);
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
    weft_exporter_check(exporter_of(consumer)->sender, state.connections_ready, state.last_failure, WEFT_CHECK_BYTES,
                        out_text);
}

static const char *const aliases[] = { "otlphttp", NULL };

static enum weft_holding explain(const void *untyped, struct weft_buffer *out)
{
    return weft_sender_config_explain(&((const struct weft_otlp_http_export_config *)untyped)->sender, out)
               ? WEFT_HOLDS_ANSWERED
               : WEFT_HOLDS_UNANSWERED;
}

const struct weft_component weft_exporter_otlp_http = {
    .kind = WEFT_EXPORTER,
    .type = "otlp_http",
    .aliases = aliases,
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS | WEFT_SIGNAL_BIT_PROFILES,
    .help = "Sends OTLP over HTTP/1.1, as protobuf or JSON.",
    .fields = weft_otlp_http_export_fields,
    .config_size = sizeof(struct weft_otlp_http_export_config),
    .validate = weft_otlp_http_export_validate,
    .auth_needs = weft_otlp_http_export_auth_needs,
    .advise = weft_otlp_http_export_advise,
    .validate_signal = weft_otlp_http_export_validate_signal,
    .reach = weft_otlp_http_export_reach,
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
