/* How the outcome of a request over HTTP goes back (otlp_http_internal.h): in the request's own encoding, failures as
 * google.rpc.Status (OTLP 1.11 "OTLP/HTTP", and where that leaves room, as the Collector answers). */
#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "receivers/otlp_http_internal.h"
#include "wire/rpc_status.h"

/* The headers of every answer, and those that are given. The buffer ends with NUL. */
static void write_headers(struct weft_otlp_http_inlet *http, const struct weft_http1_server_exchange *exchange,
                          const char *given, struct weft_buffer *out)
{
    weft_buffer_append(out, http->response_headers.bytes, http->response_headers.length);
    if (http->cors != NULL &&
        !weft_otlp_cors_write(http->cors, weft_http1_server_exchange_header(exchange, "origin"), out)) {
        http->counters.strange_origins++;
    }
    weft_buffer_append_text(out, given);
    weft_buffer_append_byte(out, 0);
}

static void reply(struct weft_otlp_http_inlet *http, struct weft_http1_server_exchange *exchange, int code,
                  const char *type, const char *headers, struct weft_slice body)
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

void weft_otlp_http_reply_text(struct weft_otlp_http_inlet *http, struct weft_http1_server_exchange *exchange, int code,
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

void weft_otlp_http_reply_status(struct weft_otlp_http_inlet *http, struct weft_http1_server_exchange *exchange,
                                 bool is_json, int http_code, int grpc_code, const char *message,
                                 int64_t retry_after_ns)
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

static struct weft_otlp_http_call *call_of(struct weft_otlp_call *base)
{
    weft_assert(base->operations == &weft_otlp_http_operations);
    return WEFT_CONTAINER_OF(base, struct weft_otlp_http_call, call);
}

/* Without memory for what was refused the answer says that it went well. */
static void reply_partial(struct weft_otlp_http_inlet *http, struct weft_http1_server_exchange *exchange, bool is_json,
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

void weft_otlp_http_answer_call(struct weft_otlp_call *base, const struct weft_error *failure, int64_t retry_after_ns)
{
    struct weft_otlp_http_call *call = call_of(base);
    struct weft_http1_server_exchange *exchange = call->exchange;
    bool is_json = call->is_json;
    struct weft_otlp_http_inlet *http = base->inlet == NULL ? NULL : weft_otlp_http_of(base->inlet);
    const struct weft_otlp_partial *partial = base->partial;
    enum weft_signal signal = base->signal;
    weft_free(call);
    if (http == NULL) {
        (void)weft_http1_server_exchange_reply(exchange, 503, text_type, NULL, WEFT_SLICE_EMPTY);
    } else if (failure != NULL) {
        weft_otlp_http_reply_status(http, exchange, is_json, http_code_of(failure->status),
                                    weft_otlp_grpc_code(failure->status), failure->text, retry_after_ns);
    } else if (partial != NULL) {
        reply_partial(http, exchange, is_json, signal, partial);
    } else if (weft_otlp_http_takes_lines(http)) {
        reply(http, exchange, 200, json_type, "", WEFT_SLICE_LITERAL("{}"));
    } else if (is_json) {
        reply(http, exchange, 200, json_type, "", WEFT_SLICE_LITERAL("{\"partialSuccess\":{}}"));
    } else {
        reply(http, exchange, 200, protobuf_type, "", WEFT_SLICE_EMPTY);
    }
}

void weft_otlp_http_reply_preflight(void *context, struct weft_http1_server_exchange *exchange)
{
    struct weft_otlp_http_inlet *http = weft_otlp_http_of(context);
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

void weft_otlp_http_reply_no_route(void *context, struct weft_http1_server_exchange *exchange, int code,
                                   const char *headers)
{
    struct weft_otlp_http_inlet *http = weft_otlp_http_of(context);
    http->counters.not_found += code == 404;
    http->counters.wrong_method += code == 405;
    weft_otlp_http_reply_text(http, exchange, code, headers,
                              code == 404 ? "404 page not found\n" : "405 method not allowed, supported: [POST]");
}
