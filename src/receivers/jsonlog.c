/* Receiver `jsonlog`: log lines, JSON or text, over HTTP and from the standard input.
 *
 * Here are its config, its listening socket, its life and its answer to pressure. Lines become requests of logs in
 * log_body.c; the HTTP server is that of the otlp receiver with another kind of body (otlp_http.c), the standard input
 * is log_stdin.c's and worker 0's, and what becomes of a request is the same as there (otlp_ingest.c). */
#include "weft/component.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "receivers/log_stdin.h"
#include "receivers/otlp_http.h"

enum { BACKLOG = 1024, MAX_INLETS = 2 };

struct stdin_config {
    bool unused; /* no keys yet */
};

struct protocols_config {
    bool has_http, has_stdin;
    struct weft_otlp_http_config http; /* logs_url_path is the one path */
    struct stdin_config stdin;
};

struct jsonlog_config {
    struct protocols_config protocols;
    struct weft_choice acknowledge;
    struct weft_duration refuse_after;
    struct weft_duration retry_after;
};

struct jsonlog_shared {
    struct weft_shared_listeners listeners; /* first: the acceptor reads it */
    struct weft_listener listener;
    struct weft_tls_context *tls; /* NULL = plain */
};

struct jsonlog_receiver {
    struct weft_receiver receiver;
    const struct jsonlog_config *config;
    struct weft_otlp_ingest ingest;
    struct weft_otlp_inlet *inlets[MAX_INLETS]; /* HTTP first, if it is on */
    size_t inlet_count;
    struct weft_timer refuse_timer;
    struct weft_timer offer_timer; /* offers what waits in a tick of its own, not inside the consumer that has opened */
};

static const char *const acknowledge_words[] = { "accepted", "delivered", NULL };

#define HTTP struct weft_otlp_http_config

static const struct weft_field http_fields[] = {
    WEFT_FIELD(HTTP, endpoint, "localhost:4319", "Listening address, or a path with transport unix."),
    WEFT_FIELD(HTTP, transport, "tcp", "tcp or unix."),
    WEFT_FIELD_OPTIONAL(HTTP, tls, has_tls, weft_tls_server_fields, "off", "Transport security; HTTP/1.1 within.",
                        .is_off_as_null = true),
    { .key = "path",
      .kind = WEFT_KIND_STRING,
      .offset = offsetof(HTTP, logs_url_path),
      .default_text = "/",
      .help = "Path that takes lines." },
    WEFT_FIELD_OPTIONAL(HTTP, cors, has_cors, weft_otlp_cors_fields, "off", "Pages of other sites that may send.",
                        .is_off_as_null = true),
    WEFT_FIELD(HTTP, max_request_body_size, "0", "Largest body in bytes, before and after inflating; 0 = 20 MiB.",
               .maximum = 1024.0 * 1024 * 1024),
    WEFT_FIELD(HTTP, compression_algorithms, "[\"\", gzip, zstd, zlib, deflate]",
               "Content encodings taken, \"\" for none; an empty list takes every body as it is."),
    WEFT_FIELD(HTTP, response_headers, NULL, "Headers put on every answer."),
    WEFT_FIELD(HTTP, read_timeout, "0s", "Time for a whole request; 0 = 15 s for a body, and more as it comes."),
    WEFT_FIELD(HTTP, read_header_timeout, "0s", "Time for a request's headers; 0 = 10 s."),
    WEFT_FIELD(HTTP, write_timeout, "0s", "Time for a client to take its answer; 0 = 30 s."),
    WEFT_FIELD(HTTP, idle_timeout, "0s", "Close connections idle this long; 0 = 6 min."),
    WEFT_FIELD(HTTP, keep_alives_enabled, "true", "Several requests over one connection."),
    WEFT_FIELD(HTTP, max_connections, "1000", "Connections open at once, per worker; the oldest idle one makes room.",
               .minimum = 1, .maximum = 1000000),
    WEFT_FIELDS_END,
};

static const struct weft_field stdin_fields[] = { WEFT_FIELDS_END };

static const struct weft_field protocols_fields[] = {
    WEFT_FIELD_OPTIONAL(struct protocols_config, http, has_http, http_fields, "off",
                        "Lines in the bodies of POST: one per line, or the elements of a JSON array."),
    WEFT_FIELD_OPTIONAL(struct protocols_config, stdin, has_stdin, stdin_fields, "off", "Lines of the standard input."),
    WEFT_FIELDS_END,
};

static const struct weft_field jsonlog_fields[] = {
    WEFT_FIELD_BLOCK(struct jsonlog_config, protocols, protocols_fields, "Where lines come from; at least one."),
    WEFT_FIELD_CHOICE(struct jsonlog_config, acknowledge, acknowledge_words, "accepted",
                      "When a client gets its OK: accepted (in memory that outlives the call) or delivered (the "
                      "backend has it)."),
    WEFT_FIELD(struct jsonlog_config, refuse_after, "5s",
               "Under pressure reading stops; after this time requests are refused."),
    WEFT_FIELD(struct jsonlog_config, retry_after, "1s", "The delay that refused clients are asked for."),
    WEFT_FIELDS_END,
};

/* ---- config ---- */

static bool is_unix(const struct weft_otlp_http_config *http)
{
    return strcmp(http->transport, "unix") == 0;
}

static enum weft_status parse_endpoint(const struct weft_otlp_http_config *http, struct weft_endpoint *out_endpoint,
                                       struct weft_error *error)
{
    char text[WEFT_HOST_BYTES + 8];
    bool has_prefix = strncmp(http->endpoint, "unix:", 5) == 0;
    snprintf(text, sizeof text, "%s%s", is_unix(http) && !has_prefix ? "unix:" : "", http->endpoint);
    return weft_endpoint_parse(text, 0, out_endpoint, error);
}

static enum weft_status validate_http(const struct weft_otlp_http_config *http, struct weft_error *error)
{
    if (strcmp(http->transport, "tcp") != 0 && !is_unix(http)) {
        return weft_fail(error, WEFT_INVALID, "transport: \"%s\" is not tcp or unix", http->transport);
    }
    struct weft_endpoint endpoint;
    enum weft_status status = parse_endpoint(http, &endpoint, error);
    if (status == WEFT_OK && http->has_tls) {
        status = weft_tls_config_validate_server(&http->tls, error);
    }
    if (status == WEFT_OK) {
        status = weft_otlp_http_validate_path("path", http->logs_url_path, error);
    }
    return status == WEFT_OK ? weft_otlp_http_validate_server(http, error) : status;
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct jsonlog_config *config = untyped;
    const struct protocols_config *protocols = &config->protocols;
    if (!protocols->has_http && !protocols->has_stdin) {
        return weft_fail(error, WEFT_INVALID, "protocols: at least one of http and stdin is needed");
    }
    if (protocols->has_http && validate_http(&protocols->http, error) != WEFT_OK) {
        return weft_fail_prefix(error, "protocols::http");
    }
    return WEFT_OK;
}

/* ---- what workers share ---- */

static void shared_free(void *untyped)
{
    struct jsonlog_shared *shared = untyped;
    if (shared->listeners.count > 0) {
        weft_listener_close(&shared->listener);
    }
    weft_tls_context_free(shared->tls);
    weft_free(shared);
}

static enum weft_status start_listening(struct jsonlog_shared *shared, const struct weft_otlp_http_config *http,
                                        const char *id, struct weft_error *error)
{
    struct weft_endpoint endpoint;
    enum weft_status status = parse_endpoint(http, &endpoint, error);
    if (status == WEFT_OK && http->has_tls) {
        status = weft_tls_config_open(&http->tls, true, "http/1.1", &shared->tls, error);
    }
    if (status == WEFT_OK) {
        status = weft_listener_open(&endpoint, BACKLOG, &shared->listener, error);
    }
    if (status != WEFT_OK) {
        return weft_fail_prefix(error, "protocols::http");
    }
    shared->listeners.count = 1;
    weft_log(INFO, "receiver.listening", "accepting log lines", WEFT_LOG_STRING("receiver", id),
             WEFT_LOG_STRING("protocol", "lines over HTTP"), WEFT_LOG_STRING("endpoint", http->endpoint),
             WEFT_LOG_STRING("tls", http->has_tls ? "on" : "off"));
    return WEFT_OK;
}

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)budget;
    const struct jsonlog_config *config = untyped;
    struct jsonlog_shared *shared = weft_alloc(sizeof *shared);
    shared->listeners.items = &shared->listener;
    if (config->protocols.has_http) {
        enum weft_status status = start_listening(shared, &config->protocols.http, id, error);
        if (status != WEFT_OK) {
            shared_free(shared);
            return status;
        }
    }
    *out_shared = shared;
    return WEFT_OK;
}

/* ---- pressure ---- */

static const struct weft_receiver_operations jsonlog_operations;

static struct jsonlog_receiver *receiver_of(const struct weft_receiver *base)
{
    weft_assert(base->operations == &jsonlog_operations);
    return WEFT_CONTAINER_OF(base, struct jsonlog_receiver, receiver);
}

static void set_reading(struct jsonlog_receiver *receiver, bool is_reading)
{
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        receiver->inlets[i]->operations->set_reading(receiver->inlets[i], is_reading);
    }
}

static void start_refusing(void *context)
{
    struct jsonlog_receiver *receiver = receiver_of(context);
    weft_log(WARN, "receiver.refusing", "pressure lasts: requests are refused now",
             WEFT_LOG_STRING("receiver", receiver->receiver.id));
    receiver->ingest.is_refusing = true;
    weft_otlp_ingest_offer_waiting(&receiver->ingest, true);
    set_reading(receiver, true);
}

static void offer_again(void *context)
{
    struct jsonlog_receiver *receiver = receiver_of(context);
    weft_otlp_ingest_offer_waiting(&receiver->ingest, false);
}

static void on_pressure(struct weft_receiver *base)
{
    struct jsonlog_receiver *receiver = receiver_of(base);
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

/* The one listener is that of HTTP. */
static void adopt(struct weft_receiver *base, size_t listener_index, int descriptor)
{
    struct jsonlog_receiver *receiver = receiver_of(base);
    weft_assert(listener_index == 0 && receiver->config->protocols.has_http);
    receiver->inlets[0]->operations->adopt(receiver->inlets[0], descriptor);
}

static void drain(struct weft_receiver *base)
{
    struct jsonlog_receiver *receiver = receiver_of(base);
    if (receiver->ingest.is_draining) {
        return;
    }
    receiver->ingest.is_draining = true;
    weft_timer_cancel(base->host->timers, &receiver->refuse_timer);
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        receiver->inlets[i]->operations->drain(receiver->inlets[i]);
    }
    weft_otlp_ingest_offer_waiting(&receiver->ingest, true);
    set_reading(receiver, true);
}

static size_t connection_count(const struct weft_receiver *base)
{
    const struct jsonlog_receiver *receiver = receiver_of(base);
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
    struct jsonlog_receiver *receiver = receiver_of(base);
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
    const struct jsonlog_receiver *receiver = receiver_of(base);
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        receiver->inlets[i]->operations->collect(receiver->inlets[i], samples);
    }
}

static const struct weft_receiver_operations jsonlog_operations = {
    .set_entry = set_entry,
    .adopt = adopt,
    .on_pressure = on_pressure,
    .drain = drain,
    .is_drained = is_drained,
    .free = receiver_free,
    .connection_count = connection_count,
    .collect = collect,
};

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_receiver **out_receiver,
                               struct weft_error *error)
{
    (void)error;
    const struct weft_log_line_settings settings = { 0 };
    const struct jsonlog_shared *shared = setup->shared;
    struct jsonlog_receiver *receiver = weft_alloc(sizeof *receiver);
    receiver->receiver = (struct weft_receiver){ &jsonlog_operations, setup->host, setup->id };
    receiver->config = setup->config;
    weft_timer_init(&receiver->refuse_timer, start_refusing, &receiver->receiver);
    weft_timer_init(&receiver->offer_timer, offer_again, &receiver->receiver);
    receiver->ingest.host = setup->host;
    receiver->ingest.id = setup->id;
    receiver->ingest.acknowledge = (enum weft_acknowledge)receiver->config->acknowledge.value;
    receiver->ingest.retry_after_ns = receiver->config->retry_after.ns;
    weft_otlp_ingest_init(&receiver->ingest);
    const struct protocols_config *protocols = &receiver->config->protocols;
    if (protocols->has_http) {
        receiver->inlets[receiver->inlet_count++] =
            weft_otlp_http_new_for_lines(&receiver->ingest, &protocols->http, &settings, shared->tls);
    }
    if (protocols->has_stdin && setup->host->worker_index == 0) {
        receiver->inlets[receiver->inlet_count++] = weft_log_stdin_new(&receiver->ingest, STDIN_FILENO, &settings);
    }
    *out_receiver = &receiver->receiver;
    return WEFT_OK;
}

static bool waits_for_delivery(const void *config)
{
    return ((const struct jsonlog_config *)config)->acknowledge.value == WEFT_ACKNOWLEDGE_DELIVERED;
}

const struct weft_component weft_receiver_jsonlog = {
    .kind = WEFT_RECEIVER,
    .type = "jsonlog",
    .signals = WEFT_SIGNAL_BIT_LOGS,
    .help = "Receives log lines, JSON or text, over HTTP and from the standard input.",
    .fields = jsonlog_fields,
    .config_size = sizeof(struct jsonlog_config),
    .validate = validate,
    .waits_for_delivery = waits_for_delivery,
    .share = share,
    .unshare = shared_free,
    .create_receiver = create,
};
