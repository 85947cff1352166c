#pragma once

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/slice.h"
#include "net/loop.h"

/* A scripted HTTP/2 server on the test's own loop: raw nghttp2, nothing of weft's server, and memory from
 * malloc, so that failing allocations hit the client only. The script is two callbacks: when a request's
 * headers are complete, and when the whole request is (and on_reset, before a stream that was reset goes).
 * They answer with the fake_* verbs, at once or later. */
struct fake_server;
struct fake_connection;

struct fake_stream {
    struct weft_list node;
    struct fake_connection *connection;
    int32_t id;
    char fields[2048]; /* "name: value\n" for each */
    uint8_t *body;
    size_t body_length, body_capacity;
    uint8_t *response;
    size_t response_length, response_position;
    char status_text[8];
    char message_text[256], details_text[256];
    bool ends_without_trailers;
    bool is_complete, is_answered;
};

struct fake_connection {
    struct weft_list node;
    struct fake_server *server;
    int descriptor;
    struct weft_watch *watch;
    nghttp2_session *session;
    struct weft_list streams;
    struct weft_deferred turn;
    bool must_close;
};

typedef void (*fake_fn)(struct fake_stream *stream);

struct fake_server {
    struct weft_loop *loop;
    int listener;
    struct weft_watch *watch;
    uint16_t port;
    struct weft_list connections;
    fake_fn on_headers, on_request, on_reset;
    nghttp2_settings_entry settings[4];
    size_t settings_count;
    int32_t connection_window; /* 0 = HTTP/2's own */
    int receive_buffer_bytes;  /* 0 = the system's */
    bool never_greets, closes_at_once, leaves_at_once;
    unsigned accepted, requests, pings, resets, data_frames;
    uint32_t last_reset_code;
    size_t largest_data_frame, data_bytes;
};

static void fake_attend(struct fake_connection *connection)
{
    weft_loop_defer(connection->server->loop, &connection->turn);
}

/* ---- answers ---- */

static nghttp2_nv fake_field(const char *name, const char *value)
{
    return (nghttp2_nv){ (uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE };
}

static size_t fake_trailers(struct fake_stream *stream, nghttp2_nv *out_fields)
{
    size_t count = 0;
    out_fields[count++] = fake_field("grpc-status", stream->status_text);
    if (stream->message_text[0] != '\0') {
        out_fields[count++] = fake_field("grpc-message", stream->message_text);
    }
    if (stream->details_text[0] != '\0') {
        out_fields[count++] = fake_field("grpc-status-details-bin", stream->details_text);
    }
    return count;
}

static ssize_t fake_on_response_read(nghttp2_session *session, int32_t id, uint8_t *bytes, size_t length,
                                     uint32_t *flags, nghttp2_data_source *source, void *context)
{
    (void)context;
    struct fake_stream *stream = source->ptr;
    size_t part = stream->response_length - stream->response_position;
    part = part < length ? part : length;
    if (part > 0) {
        memcpy(bytes, stream->response + stream->response_position, part);
    }
    stream->response_position += part;
    if (stream->response_position == stream->response_length) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (!stream->ends_without_trailers) {
            nghttp2_nv fields[3];
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            ck_assert_int_eq(nghttp2_submit_trailer(session, id, fields, fake_trailers(stream, fields)), 0);
        }
    }
    return (ssize_t)part;
}

/* Headers, these bytes as DATA (framed by the caller), then trailers with this status; status NULL:
 * END_STREAM without trailers. */
static inline void fake_answer_raw(struct fake_stream *stream, const void *bytes, size_t length, const char *encoding,
                                   const char *status)
{
    const nghttp2_nv fields[] = { fake_field(":status", "200"), fake_field("content-type", "application/grpc"),
                                  fake_field("grpc-encoding", encoding) };
    free(stream->response);
    stream->response = malloc(length + 1);
    memcpy(stream->response, bytes, length);
    stream->response_length = length;
    stream->response_position = 0;
    stream->ends_without_trailers = status == NULL;
    snprintf(stream->status_text, sizeof stream->status_text, "%s", status != NULL ? status : "");
    const nghttp2_data_provider provider = { { .ptr = stream }, fake_on_response_read };
    ck_assert_int_eq(nghttp2_submit_response(stream->connection->session, stream->id, fields, 3, &provider), 0);
    fake_attend(stream->connection);
}

static inline void fake_answer(struct fake_stream *stream, const void *message, size_t length, const char *encoding)
{
    uint8_t *framed = malloc(length + 5);
    framed[0] = strcmp(encoding, "identity") != 0;
    for (size_t i = 0; i < 4; i++) {
        framed[1 + i] = (uint8_t)(length >> (24 - 8 * i));
    }
    memcpy(framed + 5, message, length);
    fake_answer_raw(stream, framed, length + 5, encoding, "0");
    free(framed);
}

static inline void fake_ok(struct fake_stream *stream)
{
    fake_answer(stream, "fine", 4, "identity");
}

/* Trailers-only. */
static inline void fake_fail(struct fake_stream *stream, const char *status, const char *message, const char *details)
{
    nghttp2_nv fields[5] = { fake_field(":status", "200"), fake_field("content-type", "application/grpc") };
    snprintf(stream->status_text, sizeof stream->status_text, "%s", status);
    snprintf(stream->message_text, sizeof stream->message_text, "%s", message);
    snprintf(stream->details_text, sizeof stream->details_text, "%s", details);
    size_t count = 2 + fake_trailers(stream, fields + 2);
    ck_assert_int_eq(nghttp2_submit_response(stream->connection->session, stream->id, fields, count, NULL), 0);
    fake_attend(stream->connection);
}

static inline void fake_http_status(struct fake_stream *stream, const char *status)
{
    const nghttp2_nv field = fake_field(":status", status);
    ck_assert_int_eq(nghttp2_submit_response(stream->connection->session, stream->id, &field, 1, NULL), 0);
    fake_attend(stream->connection);
}

static inline void fake_reset(struct fake_stream *stream, uint32_t code)
{
    ck_assert_int_eq(nghttp2_submit_rst_stream(stream->connection->session, 0, stream->id, code), 0);
    fake_attend(stream->connection);
}

static inline void fake_goaway(struct fake_connection *connection, int32_t last_stream_id, uint32_t code)
{
    ck_assert_int_eq(nghttp2_submit_goaway(connection->session, 0, last_stream_id, code, NULL, 0), 0);
    fake_attend(connection);
}

/* At the end of the tick, without another byte. */
static inline void fake_close(struct fake_connection *connection)
{
    connection->must_close = true;
    fake_attend(connection);
}

/* ---- protocol ---- */

static struct fake_stream *fake_stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static int fake_on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct fake_connection *connection = context;
    struct fake_stream *stream = calloc(1, sizeof *stream);
    stream->connection = connection;
    stream->id = frame->hd.stream_id;
    weft_list_push_back(&connection->streams, &stream->node);
    nghttp2_session_set_stream_user_data(session, stream->id, stream);
    return 0;
}

static int fake_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                          const uint8_t *value, size_t value_length, uint8_t flags, void *context)
{
    (void)flags;
    (void)context;
    struct fake_stream *stream = fake_stream_of(session, frame->hd.stream_id);
    size_t used = strlen(stream->fields);
    snprintf(stream->fields + used, sizeof stream->fields - used, "%.*s: %.*s\n", (int)name_length, (const char *)name,
             (int)value_length, (const char *)value);
    return 0;
}

static int fake_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t length,
                        void *context)
{
    (void)flags;
    struct fake_connection *connection = context;
    struct fake_stream *stream = fake_stream_of(session, id);
    connection->server->data_bytes += length;
    if (stream->body_length + length > stream->body_capacity) {
        stream->body_capacity = (stream->body_length + length) * 2;
        stream->body = realloc(stream->body, stream->body_capacity);
    }
    memcpy(stream->body + stream->body_length, bytes, length);
    stream->body_length += length;
    return 0;
}

static void fake_take_request_end(struct fake_connection *connection, struct fake_stream *stream)
{
    stream->is_complete = true;
    connection->server->requests++;
    if (connection->server->on_request != NULL) {
        connection->server->on_request(stream);
    }
}

static int fake_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct fake_connection *connection = context;
    struct fake_server *server = connection->server;
    struct fake_stream *stream = frame->hd.stream_id != 0 ? fake_stream_of(session, frame->hd.stream_id) : NULL;
    server->pings += frame->hd.type == NGHTTP2_PING;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        server->resets++;
        server->last_reset_code = frame->rst_stream.error_code;
        if (stream != NULL && server->on_reset != NULL) {
            server->on_reset(stream);
        }
    }
    if (frame->hd.type == NGHTTP2_DATA) {
        server->data_frames++;
        server->largest_data_frame =
            frame->hd.length > server->largest_data_frame ? frame->hd.length : server->largest_data_frame;
    }
    if (stream != NULL && frame->hd.type == NGHTTP2_HEADERS && server->on_headers != NULL) {
        server->on_headers(stream);
    }
    bool is_message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (stream != NULL && is_message && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        fake_take_request_end(connection, stream);
    }
    return 0;
}

static void fake_free_stream(struct fake_stream *stream)
{
    weft_list_remove(&stream->node);
    free(stream->body);
    free(stream->response);
    free(stream);
}

static int fake_on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
    (void)code;
    (void)context;
    struct fake_stream *stream = fake_stream_of(session, id);
    if (stream != NULL) {
        nghttp2_session_set_stream_user_data(session, id, NULL);
        fake_free_stream(stream);
    }
    return 0;
}

static void fake_connection_free(struct fake_connection *connection)
{
    weft_deferred_cancel(&connection->turn);
    weft_list_remove(&connection->node);
    while (!weft_list_is_empty(&connection->streams)) {
        fake_free_stream(WEFT_CONTAINER_OF(weft_list_first(&connection->streams), struct fake_stream, node));
    }
    nghttp2_session_del(connection->session);
    weft_watch_free(connection->watch);
    close(connection->descriptor);
    free(connection);
}

/* Answers are small enough for a socket buffer. */
static void fake_take_turn(void *context)
{
    struct fake_connection *connection = context;
    const uint8_t *bytes;
    ssize_t length;
    while (!connection->must_close && (length = nghttp2_session_mem_send(connection->session, &bytes)) > 0) {
        ssize_t sent = send(connection->descriptor, bytes, (size_t)length, MSG_NOSIGNAL);
        if (sent != length) {
            connection->must_close = true;
        }
    }
    if (connection->must_close) {
        fake_connection_free(connection);
    }
}

static void fake_on_ready(void *context, unsigned readiness)
{
    struct fake_connection *connection = context;
    (void)readiness;
    static uint8_t bytes[65536];
    ssize_t length = recv(connection->descriptor, bytes, sizeof bytes, 0);
    if (length < 0 && errno == EAGAIN) {
        return;
    }
    if (length > 0 && connection->server->never_greets) {
        return; /* nghttp2 would answer */
    }
    if (length <= 0 || nghttp2_session_mem_recv(connection->session, bytes, (size_t)length) < 0) {
        weft_watch_set_interest(connection->watch, 0);
        fake_close(connection);
        return;
    }
    fake_attend(connection);
}

static void fake_start_session(struct fake_connection *connection)
{
    struct fake_server *server = connection->server;
    nghttp2_session_callbacks *callbacks;
    ck_assert_int_eq(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, fake_on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, fake_on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, fake_on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, fake_on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, fake_on_stream_close);
    ck_assert_int_eq(nghttp2_session_server_new(&connection->session, callbacks, connection), 0);
    nghttp2_session_callbacks_del(callbacks);
    if (!server->never_greets) {
        ck_assert_int_eq(nghttp2_submit_settings(connection->session, 0, server->settings, server->settings_count), 0);
        if (server->connection_window != 0) {
            ck_assert_int_eq(
                nghttp2_session_set_local_window_size(connection->session, 0, 0, server->connection_window), 0);
        }
        if (server->leaves_at_once) {
            fake_goaway(connection, 0, NGHTTP2_NO_ERROR);
        }
        fake_attend(connection);
    }
}

static void fake_on_accept(void *context, unsigned readiness)
{
    struct fake_server *server = context;
    (void)readiness;
    int descriptor = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
        return;
    }
    server->accepted++;
    int yes = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (server->closes_at_once) {
        close(descriptor);
        return;
    }
    struct fake_connection *connection = calloc(1, sizeof *connection);
    connection->server = server;
    connection->descriptor = descriptor;
    weft_list_init(&connection->streams);
    weft_deferred_init(&connection->turn, fake_take_turn, connection);
    weft_list_push_back(&server->connections, &connection->node);
    connection->watch = weft_watch_new(server->loop, descriptor, WEFT_READABLE, fake_on_ready, connection);
    fake_start_session(connection);
}

/* ---- set-up ---- */

static inline void fake_listen(struct fake_server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(server->port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    int yes = 1;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (server->receive_buffer_bytes != 0) {
        setsockopt(server->listener, SOL_SOCKET, SO_RCVBUF, &server->receive_buffer_bytes, sizeof(int));
    }
    ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(server->listener, 16), 0);
    ck_assert_int_eq(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    server->watch = weft_watch_new(server->loop, server->listener, WEFT_READABLE, fake_on_accept, server);
}

static inline void fake_stop_listening(struct fake_server *server)
{
    if (server->watch != NULL) {
        weft_watch_free(server->watch);
        server->watch = NULL;
        close(server->listener);
    }
}

static inline void fake_close_all(struct fake_server *server)
{
    while (!weft_list_is_empty(&server->connections)) {
        fake_connection_free(WEFT_CONTAINER_OF(weft_list_first(&server->connections), struct fake_connection, node));
    }
}

static inline void fake_set_reading(struct fake_server *server, bool is_reading)
{
    WEFT_LIST_EACH(node, &server->connections)
    {
        weft_watch_set_interest(WEFT_CONTAINER_OF(node, struct fake_connection, node)->watch,
                                is_reading ? WEFT_READABLE : 0);
    }
}

static inline struct fake_stream *fake_first_stream(struct fake_server *server)
{
    WEFT_LIST_EACH(node, &server->connections)
    {
        struct fake_connection *connection = WEFT_CONTAINER_OF(node, struct fake_connection, node);
        struct weft_list *first = weft_list_first(&connection->streams);
        if (first != NULL) {
            return WEFT_CONTAINER_OF(first, struct fake_stream, node);
        }
    }
    return NULL;
}
