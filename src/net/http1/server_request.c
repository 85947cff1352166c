/* The request that a connection (server_connection.c) has, one at a time: from bytes, by way of the parser, to the
 * service, and from its answer to bytes. The exchange is what the service has of it, from the head to the answer. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/http1/server_internal.h"

void weft_http1_server_request_detach(struct weft_http1_server_connection *connection)
{
    struct weft_http1_server_exchange *exchange = connection->exchange;
    connection->exchange = NULL;
    if (exchange == NULL) {
        return;
    }
    exchange->connection = NULL;
    if (!exchange->is_with_service) {
        weft_clear_magic(exchange, http1_server_exchange);
        weft_free(exchange);
    }
}

void weft_http1_server_request_answer(struct weft_http1_server_connection *connection, int code,
                                      const char *content_type, const char *extra_headers, struct weft_slice body,
                                      struct weft_buffer *own_body)
{
    const struct weft_http1_server *server = connection->server;
    const struct weft_http1_parser *parser = &connection->parser;
    connection->closes_after_answer =
        connection->closes_after_answer || server->is_draining || server->settings.ends_each_request;
    struct weft_http1_server_answer answer = {
        .code = code,
        .content_type = content_type,
        .extra_headers = extra_headers,
        .body = body,
        .is_head = weft_slice_equal_text(weft_http1_parser_method(parser), "HEAD"),
        .is_apart = own_body != NULL,
        .is_last = connection->closes_after_answer,
        .is_http10 = parser->head.minor_version == 0,
    };
    weft_http1_server_answer_write(&answer, &connection->output);
    if (connection->output.is_failed) {
        weft_http1_server_connection_close(connection);
        return;
    }
    if (own_body != NULL && !answer.is_head) {
        weft_assert(connection->output_body.length == 0 && code != 204 && code != 304);
        connection->output_body = *own_body;
        weft_buffer_init(own_body, 0);
    }
    weft_http1_server_connection_set_state(connection, WEFT_HTTP1_WRITING);
    weft_http1_server_connection_attend(connection);
}

static struct weft_http1_server_request request_of(const struct weft_http1_server_connection *connection,
                                                   struct weft_payload *payload)
{
    return (struct weft_http1_server_request){
        .method = weft_http1_parser_method(&connection->parser),
        .path = weft_http1_parser_path(&connection->parser),
        .query = weft_http1_parser_query(&connection->parser),
        .body = payload == NULL ? WEFT_SLICE_EMPTY : weft_payload_slice(payload),
        .payload = payload,
    };
}

void weft_http1_server_request_refuse(struct weft_http1_server_connection *connection, int code, const char *reason)
{
    struct weft_http1_server *server = connection->server;
    server->counters.requests_refused++;
    connection->closes_after_answer = true;
    weft_http1_server_body_clear(connection);
    if (connection->exchange != NULL && server->settings.on_refused != NULL) {
        struct weft_http1_server_request request = request_of(connection, NULL);
        connection->exchange->is_with_service = true;
        weft_http1_server_connection_set_state(connection, WEFT_HTTP1_ANSWERING);
        server->settings.on_refused(server->context, connection->exchange, &request, code, reason);
        return;
    }
    weft_http1_server_request_detach(connection);
    char text[160];
    int length = snprintf(text, sizeof text, "%s\n", reason);
    weft_http1_server_request_answer(connection, code, "text/plain; charset=utf-8", NULL,
                                     weft_slice_of(text, (size_t)length), NULL);
}

static void hand_over(struct weft_http1_server_connection *connection, bool is_last)
{
    struct weft_http1_server *server = connection->server;
    struct weft_payload *payload = connection->body.payload;
    struct weft_http1_server_request request = request_of(connection, payload);
    connection->body.payload = NULL; /* an answer at once may begin the next request */
    weft_http1_server_body_end(connection);
    connection->exchange->is_with_service = true;
    connection->closes_after_answer = is_last || !weft_http1_parser_keeps_alive(&connection->parser);
    weft_http1_server_connection_set_state(connection, WEFT_HTTP1_ANSWERING);
    server->counters.requests++;
    server->on_request(server->context, connection->exchange, &request);
    weft_payload_unref(&payload);
}

static void begin_body(struct weft_http1_server_connection *connection)
{
    struct weft_http1_server *server = connection->server;
    connection->exchange = weft_try_alloc(sizeof *connection->exchange);
    if (connection->exchange == NULL) {
        weft_http1_server_request_refuse(connection, 503, "out of memory");
        return;
    }
    weft_set_magic(connection->exchange, http1_server_exchange);
    connection->exchange->connection = connection;
    struct weft_http1_server_request request = request_of(connection, NULL);
    bool is_wanted = server->settings.wants_body == NULL ||
                     server->settings.wants_body(server->context, connection->exchange, &request);
    if (!weft_http1_server_body_begin(connection, is_wanted)) {
        weft_http1_server_request_refuse(connection, 503, "too many requests are half received");
        return;
    }
    weft_http1_server_connection_set_state(connection, WEFT_HTTP1_RECEIVING);
    if (!connection->parser.head.expects_continue || connection->parser.state == WEFT_HTTP1_STATE_REFUSED) {
        return;
    }
    if (is_wanted) {
        weft_buffer_append_text(&connection->output, "HTTP/1.1 100 Continue\r\n\r\n");
    } else {
        hand_over(connection, true); /* the client may now send the body or not: nothing more can be told apart */
    }
}

static void begin_request(struct weft_http1_server_connection *connection)
{
    connection->request_begun = weft_timers_now(weft_loop_timers(connection->server->net->loop));
    connection->has_spoken = true;
    weft_http1_server_connection_stand(connection);
    if (connection->state == WEFT_HTTP1_IDLE) {
        weft_http1_server_connection_set_state(connection, WEFT_HTTP1_HEADERS);
    }
}

void weft_http1_server_request_note_progress(struct weft_http1_server_connection *connection, size_t bytes)
{
    weft_guest_progress(&connection->guest, bytes);
    const struct weft_http1_server *server = connection->server;
    if (connection->state != WEFT_HTTP1_RECEIVING) {
        return; /* it had to make way for others */
    }
    if (server->settings.on_arriving != NULL && connection->body.payload != NULL) {
        server->settings.on_arriving(server->context, connection->exchange,
                                     weft_payload_slice(connection->body.payload));
    }
    weft_timer_set_at(weft_loop_timers(connection->server->net->loop), &connection->timer,
                      weft_http1_server_body_deadline(connection));
}

static void keep_pending(struct weft_http1_server_connection *connection, struct weft_slice input)
{
    weft_buffer_append(&connection->pending, input.bytes, input.length);
    if (connection->pending.is_failed) {
        weft_http1_server_request_refuse(connection, 503, "out of memory");
    }
}

void weft_http1_server_request_take_input(struct weft_http1_server_connection *connection, struct weft_slice input)
{
    struct weft_http1_parser *parser = &connection->parser;
    struct weft_slice body = WEFT_SLICE_EMPTY;
    while (weft_http1_server_connection_is_receiving(connection)) {
        enum weft_http1_event event = weft_http1_parser_next(parser, &input, &body);
        if (parser->is_begun && connection->request_begun.ns == 0) {
            begin_request(connection);
        }
        switch (event) {
        case WEFT_HTTP1_MORE:
            return;
        case WEFT_HTTP1_HEAD:
            begin_body(connection);
            break;
        case WEFT_HTTP1_BODY:
            if (weft_http1_server_body_append(connection, body) != WEFT_OK) {
                weft_http1_server_request_refuse(connection, 503, "out of memory");
                return;
            }
            weft_http1_server_request_note_progress(connection, body.length);
            break;
        case WEFT_HTTP1_COMPLETE:
            keep_pending(connection, input);
            if (weft_http1_server_connection_is_receiving(connection)) {
                hand_over(connection, false);
            }
            return;
        case WEFT_HTTP1_REFUSED:
            weft_http1_server_request_refuse(connection, parser->refusal_code, parser->refusal_text);
            return;
        }
    }
}

void weft_http1_server_request_take_pending(struct weft_http1_server_connection *connection)
{
    struct weft_buffer pending = connection->pending;
    weft_buffer_init(&connection->pending, 0);
    weft_http1_server_request_take_input(connection, weft_buffer_slice(&pending));
    weft_buffer_fini(&pending);
}
