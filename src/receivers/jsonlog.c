/* Receiver `jsonlog`: log lines, JSON or text, over HTTP, from sockets that they are written to, and from the standard
 * input.
 *
 * Here are its config and its listening sockets. Lines become requests of logs in log_body.c; the HTTP server is that
 * of the otlp receiver with another kind of body (otlp_http.c); sockets are log_sockets.c's, the standard input is
 * log_stdin.c's and worker 0's, both as streams of lines (log_stream.c); and what becomes of a request is the same as
 * there (otlp_ingest.c, inlet_receiver.c). */
#include "weft/component.h"

#include <unistd.h>

#include "base/alloc.h"
#include "receivers/inlet_receiver.h"
#include "receivers/listening.h"
#include "receivers/log_sockets.h"
#include "receivers/log_stdin.h"
#include "receivers/otlp_http.h"

struct stdin_config {
    bool unused; /* no keys yet */
};

struct protocols_config {
    bool has_http, has_tcp, has_unix, has_stdin;
    struct weft_otlp_http_config http; /* logs_url_path is the one path */
    struct weft_log_sockets_config tcp, unix_socket;
    struct stdin_config stdin;
};

struct jsonlog_config {
    struct protocols_config protocols;
    struct weft_inlet_config inlet;
};

enum { LISTENERS_MAX = 3 };

/* In the order of the receiver's inlets: http, tcp, unix, those that there are. */
struct jsonlog_shared {
    struct weft_shared_listeners listeners; /* first: the acceptor reads it */
    struct weft_listener items[LISTENERS_MAX];
    struct weft_tls_context *tls[LISTENERS_MAX]; /* NULL = plain */
};

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
    WEFT_FIELD(HTTP, compression_algorithms, "[\"\", gzip, zstd, zlib, snappy, deflate, lz4, x-snappy-framed]",
               "Content encodings taken, \"\" for none; an empty list takes every body as it is."),
    WEFT_FIELD(HTTP, response_headers, NULL, "Headers put on every answer."),
    WEFT_FIELD(HTTP, read_timeout, "0s", "Time for a whole request; 0 = 15 s for a body, and more as it comes."),
    WEFT_FIELD(HTTP, read_header_timeout, "0s", "Time for a request's headers; 0 = 10 s."),
    WEFT_FIELD(HTTP, write_timeout, "0s", "Time for a client to take its answer; 0 = 30 s."),
    WEFT_FIELD(HTTP, idle_timeout, "0s", "Close connections idle this long; 0 = 6 min."),
    WEFT_FIELD(HTTP, keep_alives_enabled, "true", "Several requests over one connection."),
    WEFT_FIELD(HTTP, max_connections, "1000",
               "Connections open at once; beyond it one without a request, or silent, makes room.", .minimum = 1,
               .maximum = 1000000),
    WEFT_FIELD(HTTP, max_connections_per_address, "0",
               "Of these, how many one address may have (IPv6: a /64 network); 0 = half. Its own make room.",
               .maximum = 1000000),
    WEFT_FIELD(
        HTTP, include_metadata, "false",
        "Keep the headers of requests, for batch's metadata_keys, headers_setter and from_context of processors."),
    WEFT_FIELD_OPTIONAL(HTTP, auth, has_auth, weft_otlp_http_auth_fields, "off", "Who may send: 401 for others.",
                        .is_off_as_null = true),
    WEFT_FIELDS_END,
};

#define SOCKETS struct weft_log_sockets_config

/* Of both kinds of sockets. */
#define SOCKETS_LIMITS                                                                                                \
    WEFT_FIELD(SOCKETS, max_connections, "100", "Open at once; beyond it one without a line, or silent, makes room.", \
               .minimum = 1, .maximum = 1000000),                                                                     \
        WEFT_FIELD(SOCKETS, max_buffered_bytes, "16777216",                                                           \
                   "Memory of unfinished lines, per worker; beyond it who was silent for longest is cut off.",        \
                   .minimum = 1048576, .maximum = 1024.0 * 1024 * 1024)

static const struct weft_field tcp_fields[] = {
    WEFT_FIELD(SOCKETS, endpoint, "localhost:4320", "Listening address."),
    WEFT_FIELD_OPTIONAL(SOCKETS, tls, has_tls, weft_tls_server_fields, "off", "Transport security.",
                        .is_off_as_null = true),
    WEFT_FIELD(SOCKETS, max_connections_per_address, "0",
               "Of these, how many one address may have (IPv6: a /64 network); 0 = half. Its own make room.",
               .maximum = 1000000),
    SOCKETS_LIMITS,
    WEFT_FIELDS_END,
};

static const struct weft_field unix_fields[] = {
    WEFT_FIELD(SOCKETS, endpoint, "", "Path of the socket; there is no default."),
    SOCKETS_LIMITS,
    WEFT_FIELDS_END,
};

static const struct weft_field stdin_fields[] = { WEFT_FIELDS_END };

static const struct weft_field protocols_fields[] = {
    WEFT_FIELD_OPTIONAL(struct protocols_config, http, has_http, http_fields, "off",
                        "Lines in the bodies of POST: one per line, or the elements of a JSON array."),
    WEFT_FIELD_OPTIONAL(struct protocols_config, tcp, has_tcp, tcp_fields, "off",
                        "Lines that are written to a TCP connection; nothing is answered."),
    { .key = "unix",
      .kind = WEFT_KIND_OPTIONAL,
      .offset = offsetof(struct protocols_config, unix_socket),
      .present_offset = offsetof(struct protocols_config, has_unix),
      .fields = unix_fields,
      .default_text = "off",
      .help = "The same with a unix socket." },
    WEFT_FIELD_OPTIONAL(struct protocols_config, stdin, has_stdin, stdin_fields, "off", "Lines of the standard input."),
    WEFT_FIELDS_END,
};

static const struct weft_field jsonlog_fields[] = {
    WEFT_FIELD_BLOCK(struct jsonlog_config, protocols, protocols_fields, "Where lines come from; at least one."),
    WEFT_FIELD_INLINE(struct jsonlog_config, inlet, weft_inlet_fields),
    WEFT_FIELDS_END,
};

/* ---- config ---- */

static struct weft_listening listening_of_http(const struct protocols_config *protocols)
{
    const struct weft_otlp_http_config *http = &protocols->http;
    const struct weft_tls_config *tls = http->has_tls ? &http->tls : NULL;
    return (struct weft_listening){ "http", "lines over HTTP", http->endpoint, http->transport, tls, "http/1.1" };
}

static struct weft_listening listening_of_tcp(const struct protocols_config *protocols)
{
    const struct weft_log_sockets_config *tcp = &protocols->tcp;
    const struct weft_tls_config *tls = tcp->has_tls ? &tcp->tls : NULL;
    return (struct weft_listening){ "tcp", "lines over TCP", tcp->endpoint, "tcp", tls, NULL };
}

static struct weft_listening listening_of_unix(const struct protocols_config *protocols)
{
    return (
        struct weft_listening){ "unix", "lines over a socket", protocols->unix_socket.endpoint, "unix", NULL, NULL };
}

static enum weft_status validate_http(const struct protocols_config *protocols, struct weft_error *error)
{
    struct weft_listening listening = listening_of_http(protocols);
    enum weft_status status = weft_listening_validate(&listening, error);
    if (status == WEFT_OK) {
        status = weft_otlp_http_validate_path("path", protocols->http.logs_url_path, error);
    }
    return status == WEFT_OK ? weft_otlp_http_validate_server(&protocols->http, error) : status;
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct jsonlog_config *config = untyped;
    const struct protocols_config *protocols = &config->protocols;
    struct weft_listening tcp = listening_of_tcp(protocols);
    struct weft_listening unix_socket = listening_of_unix(protocols);
    if (!protocols->has_http && !protocols->has_tcp && !protocols->has_unix && !protocols->has_stdin) {
        return weft_fail(error, WEFT_INVALID, "protocols: at least one of http, tcp, unix and stdin is needed");
    }
    if (protocols->has_http && validate_http(protocols, error) != WEFT_OK) {
        return weft_fail_prefix(error, "protocols::http");
    }
    if (protocols->has_tcp && weft_listening_validate(&tcp, error) != WEFT_OK) {
        return weft_fail_prefix(error, "protocols::tcp");
    }
    if (protocols->has_unix && protocols->unix_socket.endpoint[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "protocols::unix: endpoint is needed, the path of the socket");
    }
    if (protocols->has_unix && weft_listening_validate(&unix_socket, error) != WEFT_OK) {
        return weft_fail_prefix(error, "protocols::unix");
    }
    return WEFT_OK;
}

/* ---- what workers share ---- */

static void shared_free(void *untyped)
{
    struct jsonlog_shared *shared = untyped;
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        if (i < shared->listeners.count) {
            weft_listener_close(&shared->items[i]);
        }
        weft_tls_context_free(shared->tls[i]);
    }
    weft_free(shared);
}

static enum weft_status renew(void *untyped, struct weft_error *error)
{
    const struct jsonlog_shared *shared = untyped;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < LISTENERS_MAX; i++) {
        status = weft_tls_context_renew(shared->tls[i], error);
    }
    return status;
}

static void end_renewal(void *untyped, bool is_used)
{
    const struct jsonlog_shared *shared = untyped;
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        weft_tls_context_end_renewal(shared->tls[i], is_used);
    }
}

static enum weft_status open_next(struct jsonlog_shared *shared, const struct weft_listening *listening, const char *id,
                                  struct weft_error *error)
{
    size_t next = shared->listeners.count++;
    return weft_listening_open(listening, id, "accepting log lines", &shared->items[next], &shared->tls[next], error);
}

static enum weft_status open_all(struct jsonlog_shared *shared, const struct protocols_config *protocols,
                                 const char *id, struct weft_error *error)
{
    struct weft_listening http = listening_of_http(protocols);
    struct weft_listening tcp = listening_of_tcp(protocols);
    struct weft_listening unix_socket = listening_of_unix(protocols);
    enum weft_status status = protocols->has_http ? open_next(shared, &http, id, error) : WEFT_OK;
    if (status == WEFT_OK && protocols->has_tcp) {
        status = open_next(shared, &tcp, id, error);
    }
    if (status == WEFT_OK && protocols->has_unix) {
        status = open_next(shared, &unix_socket, id, error);
    }
    return status;
}

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)budget;
    const struct jsonlog_config *config = untyped;
    struct jsonlog_shared *shared = weft_alloc(sizeof *shared);
    shared->listeners.items = shared->items;
    enum weft_status status = open_all(shared, &config->protocols, id, error);
    if (status != WEFT_OK) {
        shared_free(shared);
        return status;
    }
    *out_shared = shared;
    return WEFT_OK;
}

/* ---- on each worker ---- */

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_receiver **out_receiver,
                               struct weft_error *error)
{
    (void)error;
    const struct weft_log_line_settings settings = { 0 };
    const struct jsonlog_shared *shared = setup->shared;
    const struct jsonlog_config *config = setup->config;
    const struct protocols_config *protocols = &config->protocols;
    struct weft_inlet_receiver *receiver = weft_inlet_receiver_new(setup, &config->inlet);
    struct weft_otlp_ingest *ingest = &receiver->ingest;
    size_t next = 0;
    if (protocols->has_http) {
        struct weft_tls_context *tls = shared->tls[next++];
        weft_inlet_receiver_add(
            receiver, weft_otlp_http_new_for_lines(ingest, &protocols->http, &settings, tls, setup->authenticators[0]));
    }
    if (protocols->has_tcp) {
        struct weft_tls_context *tls = shared->tls[next++];
        weft_inlet_receiver_add(receiver, weft_log_sockets_new(ingest, false, &protocols->tcp, &settings, tls));
    }
    if (protocols->has_unix) {
        weft_inlet_receiver_add(receiver, weft_log_sockets_new(ingest, true, &protocols->unix_socket, &settings, NULL));
    }
    if (protocols->has_stdin && setup->host->worker_index == 0) {
        weft_inlet_receiver_add(receiver, weft_log_stdin_new(ingest, STDIN_FILENO, &settings));
    }
    *out_receiver = &receiver->receiver;
    return WEFT_OK;
}

static size_t auth_needs(const void *untyped, struct weft_auth_need *out_needs)
{
    const struct protocols_config *protocols = &((const struct jsonlog_config *)untyped)->protocols;
    if (!protocols->has_http || !protocols->http.has_auth) {
        return 0;
    }
    out_needs[0] = (struct weft_auth_need){ protocols->http.auth.authenticator, WEFT_AUTHENTICATES_SERVERS, false };
    return 1;
}

static enum weft_status try_files(const void *untyped, struct weft_error *error)
{
    const struct protocols_config *protocols = &((const struct jsonlog_config *)untyped)->protocols;
    struct weft_listening http = listening_of_http(protocols);
    struct weft_listening tcp = listening_of_tcp(protocols);
    enum weft_status status = protocols->has_http ? weft_listening_try_files(&http, error) : WEFT_OK;
    return status == WEFT_OK && protocols->has_tcp ? weft_listening_try_files(&tcp, error) : status;
}

static enum weft_holding explain(const void *untyped, struct weft_buffer *out)
{
    const struct protocols_config *protocols = &((const struct jsonlog_config *)untyped)->protocols;
    weft_buffer_append_text(out, "holds requests until they are whole, and lines until there is a request of them");
    bool is_http_alone = protocols->has_http && !protocols->has_tcp && !protocols->has_unix;
    return is_http_alone ? WEFT_HOLDS_UNANSWERED : WEFT_HOLDS_ONLY_COPY; /* who writes to a socket gets no answer */
}

static enum weft_reach reach(const void *untyped)
{
    const struct protocols_config *protocols = &((const struct jsonlog_config *)untyped)->protocols;
    struct weft_listening http = listening_of_http(protocols);
    struct weft_listening tcp = listening_of_tcp(protocols);
    bool is_open = (protocols->has_http && weft_listening_reach(&http) == WEFT_REACH_NETWORK) ||
                   (protocols->has_tcp && weft_listening_reach(&tcp) == WEFT_REACH_NETWORK);
    return is_open ? WEFT_REACH_NETWORK : WEFT_REACH_MACHINE;
}

static bool waits_for_delivery(const void *config)
{
    return weft_inlet_waits_for_delivery(&((const struct jsonlog_config *)config)->inlet);
}

static bool gives_metadata(const void *untyped)
{
    const struct protocols_config *protocols = &((const struct jsonlog_config *)untyped)->protocols;
    return protocols->has_http && protocols->http.include_metadata;
}

const struct weft_component weft_receiver_jsonlog = {
    .kind = WEFT_RECEIVER,
    .type = "jsonlog",
    .signals = WEFT_SIGNAL_BIT_LOGS,
    .help = "Receives log lines, JSON or text, over HTTP, from sockets and from the standard input.",
    .fields = jsonlog_fields,
    .config_size = sizeof(struct jsonlog_config),
    .validate = validate,
    .waits_for_delivery = waits_for_delivery,
    .auth_needs = auth_needs,
    .gives_metadata = gives_metadata,
    .reach = reach,
    .explain = explain,
    .try_files = try_files,
    .share = share,
    .unshare = shared_free,
    .renew = renew,
    .end_renewal = end_renewal,
    .create_receiver = create,
};
