/* What a request over HTTP is judged by before its body counts (otlp_http_internal.h): path and method, credentials,
 * types. */
#include "base/alloc.h"
#include "base/assert.h"
#include "receivers/otlp_http_internal.h"

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

bool weft_otlp_http_takes_lines(const struct weft_otlp_http_inlet *http)
{
    return http->json == NULL;
}

struct weft_http1_routes weft_otlp_http_routes_of(const struct weft_otlp_http_inlet *http)
{
    return (struct weft_http1_routes){ .rows = http->routes,
                                       .count = http->route_count,
                                       .on_refused = weft_otlp_http_reply_no_route,
                                       .on_preflight = http->cors == NULL ? NULL : weft_otlp_http_reply_preflight };
}

static struct weft_slice credentials_of(const struct weft_otlp_http_inlet *http,
                                        const struct weft_http1_server_exchange *exchange)
{
    const struct weft_auth_server *auth = http->inlet.auth;
    if (auth == NULL) {
        return WEFT_SLICE_EMPTY;
    }
    struct weft_slice value = weft_http1_server_exchange_header(exchange, auth->field);
    bool is_empty = value.length == 0 && weft_http1_server_exchange_header_count(exchange, auth->field) > 0;
    return is_empty ? WEFT_SLICE_LITERAL("") : value; /* which is not the same as none */
}

struct weft_auth_claim weft_otlp_http_claim_of(const struct weft_otlp_http_inlet *http,
                                               const struct weft_http1_server_exchange *exchange)
{
    return (struct weft_auth_claim){ credentials_of(http, exchange), weft_http1_server_exchange_household(exchange) };
}

static bool lets_in(struct weft_otlp_http_inlet *http, const struct weft_http1_server_exchange *exchange,
                    struct weft_error *error)
{
    struct weft_auth_claim claim = weft_otlp_http_claim_of(http, exchange);
    return weft_otlp_ingest_lets_in(&http->inlet, &claim, error);
}

struct weft_otlp_http_judgement weft_otlp_http_judge_head(struct weft_otlp_http_inlet *http,
                                                          const struct weft_http1_server_exchange *exchange,
                                                          const struct weft_http1_server_request *request)
{
    struct weft_otlp_http_judgement judgement = { .verdict = WEFT_OTLP_HTTP_TAKEN };
    struct weft_slice type = weft_http1_server_exchange_header(exchange, "content-type");
    judgement.is_json = is_type(type, json_type);
    judgement.is_known_type = judgement.is_json || is_type(type, protobuf_type);
    if (weft_otlp_http_takes_lines(http)) { /* of whatever type: who sends lines seldom says so; answers are JSON */
        judgement.may_be_array = judgement.is_json;
        judgement.is_json = judgement.is_known_type = true;
    }
    struct weft_http1_routes routes = weft_otlp_http_routes_of(http);
    judgement.match = weft_http1_routes_find(&routes, exchange, request);
    if (judgement.match.route != NULL) {
        judgement.signal = *(const enum weft_signal *)judgement.match.route->subject;
        if (http->inlet.ingest->entries[judgement.signal] == NULL) { /* in no pipeline */
            judgement.match.verdict = WEFT_HTTP1_NOT_FOUND;
        }
    }
    if (judgement.match.verdict != WEFT_HTTP1_PREFLIGHT && !lets_in(http, exchange, NULL)) {
        judgement.verdict = WEFT_OTLP_HTTP_NOT_LET_IN;
    } else if (judgement.match.verdict != WEFT_HTTP1_FOUND) {
        judgement.verdict = WEFT_OTLP_HTTP_NOT_ROUTED;
    } else if (weft_http1_server_exchange_header_count(exchange, "content-encoding") > 1 ||
               weft_otlp_http_encoding(http->config, weft_http1_server_exchange_header(exchange, "content-encoding"),
                                       &judgement.encoding) != WEFT_OK) {
        judgement.verdict = WEFT_OTLP_HTTP_WRONG_ENCODING;
    } else if (!judgement.is_known_type || weft_http1_server_exchange_header_count(exchange, "content-type") > 1) {
        judgement.verdict = WEFT_OTLP_HTTP_WRONG_CONTENT_TYPE;
    }
    return judgement;
}
