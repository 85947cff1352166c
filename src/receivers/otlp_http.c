/* OTLP over HTTP/1.1: what a request is judged by before its body counts, how the body becomes a request in protobuf,
 * and how the outcome goes back: in the request's own encoding, failures as google.rpc.Status (OTLP 1.11 "OTLP/HTTP",
 * and where that leaves room, as the Collector answers). The server is net/http1_server; what comes of a good request
 * is otlp_ingest.c's. */
#include "receivers/otlp_http.h"

#include <stdio.h>

#include "base/alloc.h"
#include "net/http1/routes.h"
#include "receivers/log_body.h"
#include "wire/json_reader.h"
#include "wire/rpc_status.h"

/* The check of protobuf takes as many messages inside one another: JSON says nothing that protobuf could not. */
enum { MAX_JSON_DEPTH = 100 };

enum { MAX_LINES_RATIO = 2 }; /* of the records that a body of lines becomes to the largest body */

enum { MAX_INFLATE_RATIO = 200, IDLE_SECONDS = 360 /* none of the usual export intervals: no race with an export */ };

/* What became of requests that went no further. One row: name, help. */
#define HTTP_COUNTERS(ROW)                                                                  \
    ROW(not_found, "requests for a path that takes nothing")                                \
    ROW(wrong_method, "requests other than POST")                                           \
    ROW(wrong_content_type, "requests neither in protobuf nor in JSON")                     \
    ROW(wrong_encoding, "requests in a content encoding that is not taken")                 \
    ROW(too_large, "requests larger than max_request_body_size, before or after inflating") \
    ROW(not_inflatable, "requests whose compressed body is broken")                         \
    ROW(too_slow, "requests that did not arrive in time")                                   \
    ROW(broken_framing, "requests whose body is not framed as HTTP/1.1 says")               \
    ROW(preflights, "CORS preflights")                                                      \
    ROW(strange_origins, "requests and preflights from an origin that is not allowed")

struct http_counters {
#define HTTP_COUNTER_MEMBER(name, help) uint64_t name;
    HTTP_COUNTERS(HTTP_COUNTER_MEMBER)
#undef HTTP_COUNTER_MEMBER
};

struct otlp_http {
    struct weft_otlp_inlet inlet;
    const struct weft_otlp_http_config *config;
    const struct weft_otlp_json *json;        /* NULL: bodies are log lines */
    struct weft_log_bodies lines;             /* if they are */
    const struct weft_otlp_cors_config *cors; /* NULL = off */
    struct weft_http1_server *server;
    struct weft_http1_route routes[WEFT_SIGNAL_COUNT]; /* one a signal */
    size_t route_count;
    struct weft_buffer response_headers; /* lines */
    size_t max_body_bytes;
    struct http_counters counters;
};

struct http_call {
    struct weft_otlp_call call;
    struct weft_http1_server_exchange *exchange;
    bool is_json;
};

/* What the head of a request that has a route says. */
enum verdict { TAKEN, NOT_LET_IN, NOT_ROUTED, WRONG_CONTENT_TYPE, WRONG_ENCODING };

struct judgement {
    struct weft_http1_match match;
    enum verdict verdict;
    enum weft_signal signal;
    bool is_known_type, is_json;
    bool may_be_array; /* of log lines */
    enum weft_encoding encoding;
};

/* Kept with the exchange from its head on. */
struct request_state {
    struct judgement judgement;
    struct weft_otlp_checker checker;
};

_Static_assert(sizeof(struct request_state) <= WEFT_HTTP1_SERVER_EXCHANGE_STATE_BYTES,
               "the state must fit into an exchange");

static const char protobuf_type[] = "application/x-protobuf";
static const char json_type[] = "application/json";
static const char text_type[] = "text/plain";

static const struct weft_otlp_inlet_operations http_operations;

static struct otlp_http *http_of(const struct weft_otlp_inlet *inlet)
{
    weft_assert(inlet->operations == &http_operations);
    return WEFT_CONTAINER_OF(inlet, struct otlp_http, inlet);
}

/* ---- judging a head ---- */

static bool begins_ignoring_case(struct weft_slice text, const char *lower)
{
    size_t length = strlen(lower);
    for (size_t i = 0; i < length; i++) {
        if (i == text.length ||
            (text.bytes[i] | (text.bytes[i] >= 'A' && text.bytes[i] <= 'Z' ? 0x20 : 0)) != lower[i]) {
            return false;
        }
    }
    return true;
}

/* Parameters (charset=utf-8) may follow and say nothing new. */
static bool is_type(struct weft_slice value, const char *type)
{
    size_t end = strlen(type);
    return begins_ignoring_case(value, type) &&
           (value.length == end || value.bytes[end] == ';' || value.bytes[end] == ' ' || value.bytes[end] == '\t');
}

static bool takes_lines(const struct otlp_http *http)
{
    return http->json == NULL;
}

static void reply_no_route(void *context, struct weft_http1_server_exchange *exchange, int code, const char *headers);
static void reply_preflight(void *context, struct weft_http1_server_exchange *exchange);

static struct weft_http1_routes routes_of(const struct otlp_http *http)
{
    return (struct weft_http1_routes){ .rows = http->routes,
                                       .count = http->route_count,
                                       .on_refused = reply_no_route,
                                       .on_preflight = http->cors == NULL ? NULL : reply_preflight };
}

static struct weft_slice credentials_of(const struct otlp_http *http, const struct weft_http1_server_exchange *exchange)
{
    const struct weft_auth_server *auth = http->inlet.auth;
    if (auth == NULL) {
        return WEFT_SLICE_EMPTY;
    }
    struct weft_slice value = weft_http1_server_exchange_header(exchange, auth->field);
    bool is_empty = value.length == 0 && weft_http1_server_exchange_header_count(exchange, auth->field) > 0;
    return is_empty ? WEFT_SLICE_LITERAL("") : value; /* which is not the same as none */
}

static struct weft_auth_claim claim_of(const struct otlp_http *http, const struct weft_http1_server_exchange *exchange)
{
    return (struct weft_auth_claim){ credentials_of(http, exchange), weft_http1_server_exchange_household(exchange) };
}

static bool lets_in(struct otlp_http *http, const struct weft_http1_server_exchange *exchange, struct weft_error *error)
{
    struct weft_auth_claim claim = claim_of(http, exchange);
    return weft_otlp_ingest_lets_in(&http->inlet, &claim, error);
}

static struct judgement judge(struct otlp_http *http, const struct weft_http1_server_exchange *exchange,
                              const struct weft_http1_server_request *request)
{
    struct judgement judgement = { .verdict = TAKEN };
    struct weft_slice type = weft_http1_server_exchange_header(exchange, "content-type");
    judgement.is_json = is_type(type, json_type);
    judgement.is_known_type = judgement.is_json || is_type(type, protobuf_type);
    if (takes_lines(http)) { /* of whatever type: who sends lines seldom says so; answers are JSON */
        judgement.may_be_array = judgement.is_json;
        judgement.is_json = judgement.is_known_type = true;
    }
    struct weft_http1_routes routes = routes_of(http);
    judgement.match = weft_http1_routes_find(&routes, exchange, request);
    if (judgement.match.route != NULL) {
        judgement.signal = *(const enum weft_signal *)judgement.match.route->subject;
        if (http->inlet.ingest->entries[judgement.signal] == NULL) { /* in no pipeline */
            judgement.match.verdict = WEFT_HTTP1_NOT_FOUND;
        }
    }
    if (judgement.match.verdict != WEFT_HTTP1_PREFLIGHT && !lets_in(http, exchange, NULL)) {
        judgement.verdict = NOT_LET_IN;
    } else if (judgement.match.verdict != WEFT_HTTP1_FOUND) {
        judgement.verdict = NOT_ROUTED;
    } else if (weft_http1_server_exchange_header_count(exchange, "content-encoding") > 1 ||
               weft_otlp_http_encoding(http->config, weft_http1_server_exchange_header(exchange, "content-encoding"),
                                       &judgement.encoding) != WEFT_OK) {
        judgement.verdict = WRONG_ENCODING;
    } else if (!judgement.is_known_type || weft_http1_server_exchange_header_count(exchange, "content-type") > 1) {
        judgement.verdict = WRONG_CONTENT_TYPE;
    }
    return judgement;
}

/* ---- answers ---- */

/* The headers of every answer, and those that are given. The buffer ends with NUL. */
static void write_headers(struct otlp_http *http, const struct weft_http1_server_exchange *exchange, const char *given,
                          struct weft_buffer *out)
{
    weft_buffer_append(out, http->response_headers.bytes, http->response_headers.length);
    if (http->cors != NULL &&
        !weft_otlp_cors_write(http->cors, weft_http1_server_exchange_header(exchange, "origin"), out)) {
        http->counters.strange_origins++;
    }
    weft_buffer_append_text(out, given);
    weft_buffer_append_byte(out, 0);
}

static void reply(struct otlp_http *http, struct weft_http1_server_exchange *exchange, int code, const char *type,
                  const char *headers, struct weft_slice body)
{
    bool is_sent;
    if (http->cors == NULL && http->response_headers.length == 0) {
        is_sent = weft_http1_server_exchange_reply(exchange, code, type, headers, body);
    } else {
        struct weft_buffer lines;
        weft_buffer_init(&lines, 0);
        write_headers(http, exchange, headers, &lines);
        is_sent = weft_http1_server_exchange_reply(exchange, code, type,
                                                   lines.is_failed ? headers : (const char *)lines.bytes, body);
        weft_buffer_fini(&lines);
    }
    http->inlet.answers_lost += !is_sent;
}

static void reply_text(struct otlp_http *http, struct weft_http1_server_exchange *exchange, int code,
                       const char *headers, const char *text)
{
    reply(http, exchange, code, text_type, headers, weft_slice_of_text(text));
}

/* google.rpc.Status as protobuf's own JSON writes it. */
static enum weft_status write_json_status(int code, const char *message, int64_t retry_after_ns,
                                          struct weft_buffer *out)
{
    weft_buffer_append_format(out, "{\"code\":%d,\"message\":", code);
    weft_buffer_append_json_string(out, weft_slice_of_text(message));
    if (retry_after_ns >= 0) {
        weft_buffer_append_format(out,
                                  ",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\","
                                  "\"retryDelay\":\"%lld.%09llds\"}]",
                                  (long long)(retry_after_ns / WEFT_NS_PER_S),
                                  (long long)(retry_after_ns % WEFT_NS_PER_S));
    }
    weft_buffer_append_byte(out, '}');
    return weft_buffer_status(out);
}

static void reply_status(struct otlp_http *http, struct weft_http1_server_exchange *exchange, bool is_json,
                         int http_code, int grpc_code, const char *message, int64_t retry_after_ns)
{
    struct weft_buffer body;
    weft_buffer_init(&body, 0);
    enum weft_status status = is_json ? write_json_status(grpc_code, message, retry_after_ns, &body)
                                      : weft_rpc_status_write(grpc_code, message, retry_after_ns, &body);
    char headers[48] = "";
    if (retry_after_ns >= 0 && (http_code == 429 || http_code == 503)) {
        /* Whole seconds, and never earlier than was asked for. */
        snprintf(headers, sizeof headers, "Retry-After: %lld\r\n",
                 (long long)(retry_after_ns / WEFT_NS_PER_S + (retry_after_ns % WEFT_NS_PER_S > 0)));
    }
    reply(http, exchange, http_code, is_json ? json_type : protobuf_type, headers,
          status == WEFT_OK ? weft_buffer_slice(&body) : WEFT_SLICE_EMPTY);
    weft_buffer_fini(&body);
}

/* The Collector's table from gRPC codes to HTTP codes; LIMIT is 413, as the specification has it. */
static int http_code_of(enum weft_status status)
{
    if (weft_status_is_retryable(status) && status != WEFT_THROTTLED) {
        return weft_status_http_code(WEFT_CLOSED);
    }
    return status == WEFT_UNSUPPORTED ? 404 : weft_status_http_code(status);
}

static struct http_call *call_of(struct weft_otlp_call *base)
{
    weft_assert(base->operations == &http_operations);
    return WEFT_CONTAINER_OF(base, struct http_call, call);
}

/* Without memory for what was refused the answer says that it went well. */
static void reply_partial(struct otlp_http *http, struct weft_http1_server_exchange *exchange, bool is_json,
                          enum weft_signal signal, const struct weft_otlp_partial *partial)
{
    struct weft_buffer body;
    struct weft_partial_success success = { partial->rejected_count, weft_slice_of_text(partial->message) };
    weft_buffer_init(&body, 0);
    if (is_json) {
        weft_buffer_append_format(&body, "{\"partialSuccess\":{\"%s\":\"%llu\",\"errorMessage\":",
                                  weft_signal_rejected_key(signal), (unsigned long long)success.rejected_count);
        weft_buffer_append_json_string(&body, success.message);
        weft_buffer_append_text(&body, "}}");
    } else if (weft_otlp_response_write(&success, &body) != WEFT_OK) {
        weft_buffer_clear(&body);
    }
    bool is_written = weft_buffer_status(&body) == WEFT_OK;
    reply(http, exchange, 200, is_json ? json_type : protobuf_type, "",
          is_written ? weft_buffer_slice(&body) : weft_slice_of_text(is_json ? "{}" : ""));
    weft_buffer_fini(&body);
}

static void answer(struct weft_otlp_call *base, const struct weft_error *failure, int64_t retry_after_ns)
{
    struct http_call *call = call_of(base);
    struct weft_http1_server_exchange *exchange = call->exchange;
    bool is_json = call->is_json;
    struct otlp_http *http = base->inlet == NULL ? NULL : http_of(base->inlet);
    const struct weft_otlp_partial *partial = base->partial;
    enum weft_signal signal = base->signal;
    weft_free(call);
    if (http == NULL) {
        (void)weft_http1_server_exchange_reply(exchange, 503, text_type, NULL, WEFT_SLICE_EMPTY);
    } else if (failure != NULL) {
        reply_status(http, exchange, is_json, http_code_of(failure->status), weft_otlp_grpc_code(failure->status),
                     failure->text, retry_after_ns);
    } else if (partial != NULL) {
        reply_partial(http, exchange, is_json, signal, partial);
    } else if (takes_lines(http)) {
        reply(http, exchange, 200, json_type, "", WEFT_SLICE_LITERAL("{}"));
    } else if (is_json) {
        reply(http, exchange, 200, json_type, "", WEFT_SLICE_LITERAL("{\"partialSuccess\":{}}"));
    } else {
        reply(http, exchange, 200, protobuf_type, "", WEFT_SLICE_EMPTY);
    }
}

/* ---- requests ---- */

static void reply_preflight(void *context, struct weft_http1_server_exchange *exchange)
{
    struct otlp_http *http = http_of(context);
    struct weft_buffer lines;
    weft_buffer_init(&lines, 0);
    weft_buffer_append(&lines, http->response_headers.bytes, http->response_headers.length);
    http->counters.preflights++;
    bool is_allowed = weft_otlp_cors_write_preflight(
        http->cors, weft_http1_server_exchange_header(exchange, "origin"),
        weft_http1_server_exchange_header(exchange, "access-control-request-method"),
        weft_http1_server_exchange_header(exchange, "access-control-request-headers"), &lines);
    http->counters.strange_origins += !is_allowed;
    weft_buffer_append_byte(&lines, 0);
    bool is_sent =
        weft_http1_server_exchange_reply(exchange, lines.is_failed ? 503 : 204, text_type,
                                         lines.is_failed ? NULL : (const char *)lines.bytes, WEFT_SLICE_EMPTY);
    http->inlet.answers_lost += !is_sent;
    weft_buffer_fini(&lines);
}

static void reply_no_route(void *context, struct weft_http1_server_exchange *exchange, int code, const char *headers)
{
    struct otlp_http *http = http_of(context);
    http->counters.not_found += code == 404;
    http->counters.wrong_method += code == 405;
    reply_text(http, exchange, code, headers,
               code == 404 ? "404 page not found\n" : "405 method not allowed, supported: [POST]");
}

static enum weft_status inflate(struct otlp_http *http, enum weft_encoding encoding, struct weft_slice body,
                                struct weft_payload **out_message, struct weft_error *error)
{
    const struct weft_host *host = http->inlet.ingest->host;
    struct weft_codec_limits limits = { .max_inflated_bytes = http->max_body_bytes, .max_ratio = MAX_INFLATE_RATIO };
    enum weft_status status = weft_inflate(host->codec, encoding, body, &limits, host->pool, out_message, error);
    http->counters.too_large += status == WEFT_LIMIT;
    http->counters.not_inflatable += status == WEFT_INVALID;
    return status == WEFT_OK ? WEFT_OK : weft_fail_prefix(error, "%s body", weft_encoding_name(encoding));
}

static enum weft_status read_json(struct otlp_http *http, struct weft_slice body, struct weft_otlp_request *request,
                                  struct weft_error *error)
{
    struct weft_payload *message = weft_payload_try_new(http->inlet.ingest->host->pool, body.length / 2);
    if (message == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for the message");
    }
    struct weft_json_limits limits = { .max_depth = MAX_JSON_DEPTH,
                                       .max_bytes = http->max_body_bytes,
                                       .takes_bad_text = true };
    enum weft_status status =
        weft_json_read_message(http->json->requests[request->signal], body, &limits, message, &request->counts, error);
    if (status != WEFT_OK) {
        http->inlet.malformed_requests += status == WEFT_INVALID;
        http->counters.too_large += status == WEFT_LIMIT;
        weft_payload_unref(&message);
        return status;
    }
    request->message = message;
    request->is_counted = true;
    return WEFT_OK;
}

static enum weft_status read_lines(struct otlp_http *http, struct weft_slice body, bool may_be_array,
                                   struct weft_otlp_request *request, struct weft_error *error)
{
    enum weft_status status =
        weft_log_bodies_read(&http->lines, body, may_be_array, MAX_LINES_RATIO * http->max_body_bytes, weft_wall_now(),
                             http->inlet.ingest->host->pool, &request->message, &request->counts, error);
    http->inlet.malformed_requests += status == WEFT_INVALID;
    http->counters.too_large += status == WEFT_LIMIT;
    request->is_counted = status == WEFT_OK;
    return status;
}

/* The body as a request in protobuf. */
static enum weft_status decode(struct otlp_http *http, const struct judgement *judgement,
                               const struct weft_http1_server_request *request, struct weft_otlp_request *out_request,
                               struct weft_error *error)
{
    struct weft_payload *inflated = NULL;
    struct weft_slice body = request->body;
    if (judgement->encoding != WEFT_ENCODING_IDENTITY) {
        enum weft_status status = inflate(http, judgement->encoding, body, &inflated, error);
        if (status != WEFT_OK) {
            return status;
        }
        body = weft_payload_slice(inflated);
    }
    if (judgement->is_json) {
        enum weft_status status = takes_lines(http)
                                      ? read_lines(http, body, judgement->may_be_array, out_request, error)
                                      : read_json(http, body, out_request, error);
        weft_payload_unref(&inflated);
        return status;
    }
    if (inflated != NULL) {
        out_request->message = inflated;
        out_request->wire = request->payload;
        out_request->wire_encoding = weft_encoding_of(judgement->encoding, request->body);
        return WEFT_OK;
    }
    /* An empty request is a request. */
    out_request->message = request->payload != NULL ? weft_payload_ref(request->payload)
                                                    : weft_payload_try_new(http->inlet.ingest->host->pool, 0);
    return out_request->message != NULL ? WEFT_OK : weft_fail(error, WEFT_NOMEM, "no memory for the message");
}

/* A request whose metadata cannot be kept is refused: without it the records would be taken for another tenant's. */
static enum weft_status read_metadata(const struct otlp_http *http, enum weft_signal signal,
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

static void take(struct otlp_http *http, struct weft_http1_server_exchange *exchange,
                 const struct weft_http1_server_request *request)
{
    struct request_state *state = weft_http1_server_exchange_state(exchange);
    const struct judgement *judgement = &state->judgement;
    struct http_call *call = weft_try_alloc(sizeof *call);
    if (call == NULL) {
        reply_status(http, exchange, judgement->is_json, 503, weft_status_grpc_code(WEFT_NOMEM),
                     "no memory for the request", http->inlet.ingest->retry_after_ns);
        return;
    }
    call->exchange = exchange;
    call->is_json = judgement->is_json;
    struct weft_otlp_request decoded = { .signal = judgement->signal, .checker = &state->checker };
    struct weft_error error = WEFT_ERROR_NONE;
    if (decode(http, judgement, request, &decoded, &error) != WEFT_OK ||
        read_metadata(http, decoded.signal, exchange, &decoded.metadata, &error) != WEFT_OK) {
        weft_payload_unref(&decoded.message);
        weft_otlp_ingest_fail(&http->inlet, &call->call, &error);
        return;
    }
    struct weft_auth_claim claim = claim_of(http, exchange);
    weft_otlp_ingest_take_judged(&http->inlet, &call->call, &decoded, &claim);
}

static bool wants_body(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request)
{
    struct request_state *state = weft_http1_server_exchange_state(exchange);
    state->judgement = judge(http_of(context), exchange, request);
    return state->judgement.verdict == TAKEN;
}

/* Only what is forwarded as it came can be checked as it comes. */
static void on_arriving(void *context, struct weft_http1_server_exchange *exchange, struct weft_slice arrived)
{
    (void)context;
    struct request_state *state = weft_http1_server_exchange_state(exchange);
    const struct judgement *judgement = &state->judgement;
    if (!judgement->is_json && judgement->encoding == WEFT_ENCODING_IDENTITY) {
        weft_otlp_ingest_check_arriving(&state->checker, judgement->signal, arrived);
    }
}

/* Said before the type is looked at, so to who sends neither protobuf nor JSON, too. */
static void reply_wrong_encoding(struct otlp_http *http, struct weft_http1_server_exchange *exchange,
                                 const struct judgement *judgement)
{
    static const char text[] = "unsupported Content-Encoding";
    http->counters.wrong_encoding++;
    if (judgement->is_known_type) {
        reply_status(http, exchange, judgement->is_json, 400, weft_status_grpc_code(WEFT_INVALID), text, -1);
    } else {
        reply_text(http, exchange, 400, "", text);
    }
}

/* A request at one of our paths. */
static void on_export(void *context, struct weft_http1_server_exchange *exchange,
                      const struct weft_http1_server_request *request, const struct weft_http1_match *match)
{
    (void)match;
    struct otlp_http *http = http_of(context);
    const struct request_state *state = weft_http1_server_exchange_state(exchange);
    switch (state->judgement.verdict) {
    case TAKEN:
        take(http, exchange, request);
        return;
    case WRONG_CONTENT_TYPE:
        http->counters.wrong_content_type++;
        reply_text(http, exchange, 415, "",
                   "415 unsupported media type, supported: [application/json, application/x-protobuf]");
        return;
    case WRONG_ENCODING:
        reply_wrong_encoding(http, exchange, &state->judgement);
        return;
    case NOT_LET_IN:
    case NOT_ROUTED:
        weft_assert(false);
    }
}

/* In the request's own encoding, or as text where it has none of ours. The reason is asked for again. */
static void reply_not_let_in(struct otlp_http *http, struct weft_http1_server_exchange *exchange,
                             const struct judgement *judgement)
{
    struct weft_error error = WEFT_ERROR_NONE;
    weft_fail(&error, WEFT_UNAUTHENTICATED, "not authenticated");
    struct weft_auth_claim claim = claim_of(http, exchange);
    (void)http->inlet.auth->operations->judge(http->inlet.auth, &claim, NULL, &error);
    if (judgement->is_known_type) {
        reply_status(http, exchange, judgement->is_json, 401, weft_status_grpc_code(WEFT_UNAUTHENTICATED), error.text,
                     -1);
    } else {
        reply_text(http, exchange, 401, "", error.text);
    }
}

static void on_request(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request)
{
    struct weft_http1_routes routes = routes_of(http_of(context));
    const struct request_state *state = weft_http1_server_exchange_state(exchange);
    if (state->judgement.verdict == NOT_LET_IN) {
        reply_not_let_in(http_of(context), exchange, &state->judgement);
        return;
    }
    weft_http1_routes_serve(&routes, &state->judgement.match, context, exchange, request);
}

/* Too large, too slow, or not HTTP. */
static void on_refused(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request, int code, const char *reason)
{
    (void)request;
    struct otlp_http *http = http_of(context);
    const struct judgement *judgement =
        &((struct request_state *)weft_http1_server_exchange_state(exchange))->judgement;
    enum weft_status status = code == 413   ? WEFT_LIMIT
                              : code == 408 ? WEFT_TIMEOUT
                              : code == 503 ? WEFT_NOMEM
                                            : WEFT_INVALID;
    http->counters.too_large += code == 413;
    http->counters.too_slow += code == 408;
    http->counters.broken_framing += status == WEFT_INVALID;
    if (judgement->verdict != TAKEN && judgement->verdict != WRONG_ENCODING) {
        reply_text(http, exchange, code, "", reason);
        return;
    }
    reply_status(http, exchange, judgement->is_json, code, weft_status_grpc_code(status), reason,
                 code == 503 ? http->inlet.ingest->retry_after_ns : -1);
}

/* ---- life cycle ---- */

static void adopt(struct weft_otlp_inlet *inlet, int descriptor)
{
    weft_http1_server_adopt(http_of(inlet)->server, descriptor);
}

static void set_reading(struct weft_otlp_inlet *inlet, bool is_reading)
{
    weft_http1_server_set_reading(http_of(inlet)->server, is_reading);
}

static void drain(struct weft_otlp_inlet *inlet)
{
    weft_http1_server_drain(http_of(inlet)->server);
}

static size_t connection_count(const struct weft_otlp_inlet *inlet)
{
    return weft_http1_server_connection_count(http_of(inlet)->server);
}

static void collect(const struct weft_otlp_inlet *inlet, struct weft_samples *samples)
{
    weft_otlp_inlet_collect(inlet, samples);
    const struct otlp_http *http = http_of(inlet);
    const struct weft_sample_label *labels = WEFT_LABELS({ "receiver", inlet->ingest->id }, { "transport", "http" });
#define COLLECT_COUNTER(name, help)                                                                                \
    weft_samples_add(samples, "weft_receiver_http_" #name, help, WEFT_SAMPLE_COUNTER, (double)http->counters.name, \
                     labels);
    HTTP_COUNTERS(COLLECT_COUNTER)
#undef COLLECT_COUNTER
    if (takes_lines(http)) {
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
    struct otlp_http *http = http_of(inlet);
    weft_http1_server_free(http->server);
    if (takes_lines(http)) {
        weft_log_bodies_fini(&http->lines);
    }
    weft_buffer_fini(&http->response_headers);
    inlet->operations = NULL;
    weft_free(http);
}

static const struct weft_otlp_inlet_operations http_operations = {
    .transport = "http",
    .answer = answer,
    .adopt = adopt,
    .set_reading = set_reading,
    .drain = drain,
    .connection_count = connection_count,
    .collect = collect,
    .free = http_free,
};

static struct weft_http1_server_settings server_settings(const struct otlp_http *http)
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

static void add_routes(struct otlp_http *http)
{
    static const enum weft_signal signals[WEFT_SIGNAL_COUNT] = { WEFT_TRACES, WEFT_METRICS, WEFT_LOGS, WEFT_PROFILES };
    for (size_t i = 0; i < WEFT_COUNT_OF(signals); i++) {
        if (!takes_lines(http) || signals[i] == WEFT_LOGS) {
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
    struct otlp_http *http = weft_alloc(sizeof *http);
    http->inlet.operations = &http_operations;
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
    weft_log_bodies_init(&http_of(inlet)->lines, settings);
    return inlet;
}
