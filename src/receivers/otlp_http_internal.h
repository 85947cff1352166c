#pragma once

#include "base/assert.h"
#include "base/buffer.h"
#include "net/http1/routes.h"
#include "receivers/log_body.h"
#include "receivers/otlp_http.h"

/* What the files of the inlet for HTTP share: otlp_http_judge.c judges heads, otlp_http_body.c makes a request in
 * protobuf of a body, otlp_http_answers.c writes answers, otlp_http.c is the inlet. */

/* What became of requests that went no further. One row: name, help. */
#define WEFT_OTLP_HTTP_COUNTERS(ROW)                                                        \
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

struct weft_otlp_http_counters {
#define HTTP_COUNTER_MEMBER(name, help) uint64_t name;
    WEFT_OTLP_HTTP_COUNTERS(HTTP_COUNTER_MEMBER)
#undef HTTP_COUNTER_MEMBER
};

struct weft_otlp_http_inlet {
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
    struct weft_otlp_http_counters counters;
};

struct weft_otlp_http_call {
    struct weft_otlp_call call;
    struct weft_http1_server_exchange *exchange;
    bool is_json;
};

/* What the head of a request that has a route says. */
enum weft_otlp_http_verdict {
    WEFT_OTLP_HTTP_TAKEN,
    WEFT_OTLP_HTTP_NOT_LET_IN,
    WEFT_OTLP_HTTP_NOT_ROUTED,
    WEFT_OTLP_HTTP_WRONG_CONTENT_TYPE,
    WEFT_OTLP_HTTP_WRONG_ENCODING
};

struct weft_otlp_http_judgement {
    struct weft_http1_match match;
    enum weft_otlp_http_verdict verdict;
    enum weft_signal signal;
    bool is_known_type, is_json;
    bool may_be_array; /* of log lines */
    enum weft_encoding encoding;
};

/* Kept with the exchange from its head on. */
struct weft_otlp_http_state {
    struct weft_otlp_http_judgement judgement;
    struct weft_otlp_checker checker;
};

_Static_assert(sizeof(struct weft_otlp_http_state) <= WEFT_HTTP1_SERVER_EXCHANGE_STATE_BYTES,
               "the state must fit into an exchange");

static const char protobuf_type[] = "application/x-protobuf";
static const char json_type[] = "application/json";
static const char text_type[] = "text/plain";

extern const struct weft_otlp_inlet_operations weft_otlp_http_operations;

static inline struct weft_otlp_http_inlet *weft_otlp_http_of(const struct weft_otlp_inlet *inlet)
{
    weft_assert(inlet->operations == &weft_otlp_http_operations);
    return WEFT_CONTAINER_OF(inlet, struct weft_otlp_http_inlet, inlet);
}

/* ---- otlp_http_judge.c ---- */

/* Whether bodies are log lines. */
bool weft_otlp_http_takes_lines(const struct weft_otlp_http_inlet *http);
struct weft_http1_routes weft_otlp_http_routes_of(const struct weft_otlp_http_inlet *http);

/* Who the client says it is. */
struct weft_auth_claim weft_otlp_http_claim_of(const struct weft_otlp_http_inlet *http,
                                               const struct weft_http1_server_exchange *exchange);

/* What the head alone says; an authenticator may be asked. */
struct weft_otlp_http_judgement weft_otlp_http_judge_head(struct weft_otlp_http_inlet *http,
                                                          const struct weft_http1_server_exchange *exchange,
                                                          const struct weft_http1_server_request *request);

/* ---- otlp_http_body.c ---- */

/* The body as a request in protobuf. What is not OK is a reason to refuse it. */
enum weft_status weft_otlp_http_decode(struct weft_otlp_http_inlet *http,
                                       const struct weft_otlp_http_judgement *judgement,
                                       const struct weft_http1_server_request *request,
                                       struct weft_otlp_request *out_request, struct weft_error *error);

/* ---- otlp_http_answers.c ---- */

/* All of them end the exchange. headers: lines, or "". */
void weft_otlp_http_reply_text(struct weft_otlp_http_inlet *http, struct weft_http1_server_exchange *exchange, int code,
                               const char *headers, const char *text);
void weft_otlp_http_reply_status(struct weft_otlp_http_inlet *http, struct weft_http1_server_exchange *exchange,
                                 bool is_json, int http_code, int grpc_code, const char *message,
                                 int64_t retry_after_ns);

/* Of the inlet's contract (otlp_ingest.h). */
void weft_otlp_http_answer_call(struct weft_otlp_call *base, const struct weft_error *failure, int64_t retry_after_ns);

/* Of the routes (net/http1/routes.h). */
void weft_otlp_http_reply_preflight(void *context, struct weft_http1_server_exchange *exchange);
void weft_otlp_http_reply_no_route(void *context, struct weft_http1_server_exchange *exchange, int code,
                                   const char *headers);
