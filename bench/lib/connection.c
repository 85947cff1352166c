/* One HTTP/2 connection on nghttp2: bytes in, messages out, and back. The rest of the bench sees whole gRPC messages.
 * DATA is never copied on the way out (output.h) and once on the way in, from the read buffer to the body. */
#include "lib/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bytes.h"
#include "lib/options.h"

enum { MESSAGE_MAX_BYTES = 64 << 20, READS_PER_TURN = 4 };

struct bench_endpoint bench_endpoint_default(void)
{
    return (struct bench_endpoint){
        .stream_window_bytes = 8 << 20,
        .connection_window_bytes = 24 << 20,
        .receive_frame_bytes = 1 << 20,
        .send_frame_bytes = 1 << 20,
        .write_bytes = 1 << 20,
    };
}

static void mark_dirty(struct bench_connection *connection)
{
    struct bench_loop *loop = connection->endpoint->loop;
    if (!connection->is_dirty && !connection->is_closing) {
        connection->is_dirty = true;
        connection->next_dirty = loop->dirty;
        loop->dirty = connection;
    }
}

static void close_later(struct bench_connection *connection)
{
    if (!connection->is_closing) {
        connection->is_closing = true;
        connection->next_dead = connection->endpoint->loop->dead;
        connection->endpoint->loop->dead = connection;
    }
}

static struct bench_stream *stream_take(struct bench_connection *connection)
{
    struct bench_endpoint *endpoint = connection->endpoint;
    struct bench_stream *stream = endpoint->idle_streams;
    if (stream != NULL) {
        endpoint->idle_streams = stream->next;
    } else {
        stream = bench_alloc(sizeof *stream);
    }
    memset(stream, 0, offsetof(struct bench_stream, reply));
    stream->reply_length = stream->reply_sent = 0;
    stream->context = NULL;
    stream->connection = connection;
    stream->grpc_status = BENCH_STATUS_LOST;
    stream->next = connection->streams;
    if (stream->next != NULL) {
        stream->next->previous = stream;
    }
    connection->streams = stream;
    connection->stream_count++;
    return stream;
}

static void stream_release(struct bench_stream *stream)
{
    struct bench_connection *connection = stream->connection;
    connection->endpoint->handlers->on_stream_closed(stream);
    bench_body_unref(&stream->request);
    if (stream->previous != NULL) {
        stream->previous->next = stream->next;
    } else {
        connection->streams = stream->next;
    }
    if (stream->next != NULL) {
        stream->next->previous = stream->previous;
    }
    connection->stream_count--;
    stream->next = connection->endpoint->idle_streams;
    connection->endpoint->idle_streams = stream;
}

/* ---- nghttp2 callbacks: in ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct bench_connection *connection = context;
    if (connection->is_server && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        struct bench_stream *stream = stream_take(connection);
        stream->id = frame->hd.stream_id;
        stream->request = bench_body_take(&connection->endpoint->bodies);
        nghttp2_session_set_stream_user_data(session, stream->id, stream);
    }
    return 0;
}

static bool name_is(const uint8_t *name, size_t length, const char *wanted, size_t wanted_length)
{
    return length == wanted_length && memcmp(name, wanted, length) == 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t value_length, uint8_t flags, void *context)
{
    (void)flags;
    (void)context;
    struct bench_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream == NULL || name_length < 11) {
        return 0;
    }
    if (name_is(name, name_length, "grpc-status", 11)) {
        stream->grpc_status = atoi((const char *)value);
    } else if (name_is(name, name_length, "grpc-encoding", 13)) {
        stream->encoding = bench_encoding_parse((const char *)value, value_length);
    } else if (name_is(name, name_length, "grpc-status-details-bin", 23)) {
        stream->has_error_details = true;
    }
    return 0;
}

/* The gRPC prefix says how long the message will be: one reservation instead of several growths. */
static void reserve_message(struct bench_body *body, const uint8_t *bytes, size_t length)
{
    if (length >= BENCH_GRPC_PREFIX) {
        size_t expected = (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 | bytes[4];
        bench_body_reserve(body, (expected < MESSAGE_MAX_BYTES ? expected : MESSAGE_MAX_BYTES) + BENCH_GRPC_PREFIX);
    }
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *bytes, size_t length,
                   void *context)
{
    (void)flags;
    struct bench_connection *connection = context;
    struct bench_stream *stream = nghttp2_session_get_stream_user_data(session, stream_id);
    if (stream == NULL) {
        return 0;
    }
    if (!connection->is_server) {
        size_t room = BENCH_REPLY_MAX - stream->reply_length;
        memcpy(stream->reply + stream->reply_length, bytes, length < room ? length : room);
        stream->reply_length += length < room ? length : room;
        return 0;
    }
    if (stream->request->length == 0) {
        reserve_message(stream->request, bytes, length);
    }
    if (stream->request->length + length > MESSAGE_MAX_BYTES + BENCH_GRPC_PREFIX) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    bench_body_append(stream->request, bytes, length);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct bench_connection *connection = context;
    if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        return 0;
    }
    struct bench_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream != NULL && !stream->is_message_complete) {
        stream->is_message_complete = true;
        connection->endpoint->handlers->on_message(stream);
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t code, void *context)
{
    (void)code;
    (void)context;
    struct bench_stream *stream = nghttp2_session_get_stream_user_data(session, stream_id);
    if (stream != NULL) {
        stream_release(stream);
    }
    return 0;
}

/* ---- nghttp2 callbacks: out ---- */

static ssize_t on_frame_length(nghttp2_session *session, uint8_t type, int32_t stream_id, int32_t session_window,
                               int32_t stream_window, uint32_t max_frame_bytes, void *context)
{
    (void)session;
    (void)type;
    (void)stream_id;
    (void)session_window;
    (void)stream_window;
    const struct bench_connection *connection = context;
    uint32_t own = connection->endpoint->send_frame_bytes;
    return own < max_frame_bytes ? own : max_frame_bytes;
}

static ssize_t read_request(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t length,
                            uint32_t *flags, nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)stream_id;
    (void)buffer;
    (void)context;
    const struct bench_stream *stream = source->ptr;
    size_t left = stream->request->length - stream->request_sent;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (left <= length) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        return (ssize_t)left;
    }
    return (ssize_t)length;
}

static int send_request_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_header, size_t length,
                             nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)frame;
    struct bench_connection *connection = context;
    struct bench_stream *stream = source->ptr;
    if (!bench_output_has_room(&connection->output, connection->endpoint->write_bytes)) {
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    bench_output_copy(&connection->output, frame_header, 9);
    bench_output_lend(&connection->output, stream->request, stream->request_sent, length);
    stream->request_sent += length;
    if (stream->request_sent == stream->request->length) {
        bench_body_unref(&stream->request); /* the output holds it until the kernel has it */
    }
    return 0;
}

#define HEADER(name, value)                                                                       \
    {                                                                                             \
        (uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), strlen(value), \
            NGHTTP2_NV_FLAG_NO_COPY_NAME                                                          \
    }

static ssize_t read_reply(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t length, uint32_t *flags,
                          nghttp2_data_source *source, void *context)
{
    (void)context;
    struct bench_stream *stream = source->ptr;
    size_t left = stream->reply_length - stream->reply_sent;
    size_t part = left < length ? left : length;
    memcpy(buffer, stream->reply + stream->reply_sent, part);
    stream->reply_sent += part;
    if (part == left) {
        const nghttp2_nv trailer = HEADER("grpc-status", "0");
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(session, stream_id, &trailer, 1) != 0) {
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
    }
    return (ssize_t)part;
}

/* ---- calls and answers ---- */

struct bench_stream *bench_connection_call(struct bench_connection *connection, const char *path,
                                           struct bench_body *body, enum bench_encoding encoding, void *context)
{
    const char *encoding_name = bench_encoding_name(encoding);
    const nghttp2_nv headers[] = {
        HEADER(":method", "POST"),
        HEADER(":scheme", "http"),
        HEADER(":path", path),
        HEADER(":authority", "localhost"),
        HEADER("te", "trailers"),
        HEADER("content-type", "application/grpc"),
        HEADER("user-agent", "weft-bench"),
        HEADER("grpc-encoding", encoding_name),
    };
    size_t header_count = sizeof headers / sizeof headers[0] - (encoding == BENCH_ENCODING_NONE ? 1 : 0);
    if (connection->is_closing) {
        return NULL;
    }
    struct bench_stream *stream = stream_take(connection);
    stream->request = bench_body_ref(body);
    stream->encoding = encoding;
    stream->context = context;
    const nghttp2_data_provider provider = { .source.ptr = stream, .read_callback = read_request };
    stream->id = nghttp2_submit_request(connection->session, NULL, headers, header_count, &provider, stream);
    if (stream->id < 0) {
        stream->context = NULL;
        stream_release(stream);
        close_later(connection);
        return NULL;
    }
    mark_dirty(connection);
    return stream;
}

void bench_stream_answer(struct bench_stream *stream, const uint8_t *message, size_t length)
{
    const nghttp2_nv headers[] = { HEADER(":status", "200"), HEADER("content-type", "application/grpc") };
    const nghttp2_data_provider provider = { .source.ptr = stream, .read_callback = read_reply };
    const uint8_t prefix[BENCH_GRPC_PREFIX] = { 0, 0, 0, (uint8_t)(length >> 8), (uint8_t)length };
    if (length > BENCH_REPLY_MAX - BENCH_GRPC_PREFIX) {
        length = 0;
    }
    memcpy(stream->reply, prefix, sizeof prefix);
    if (length > 0) {
        memcpy(stream->reply + sizeof prefix, message, length);
    }
    stream->reply_length = sizeof prefix + length;
    if (nghttp2_submit_response(stream->connection->session, stream->id, headers, 2, &provider) != 0) {
        close_later(stream->connection);
    }
    mark_dirty(stream->connection);
}

static void encode_base64(const uint8_t *bytes, size_t length, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | bytes[i];
        for (count += 8; count >= 6; count -= 6) {
            *out++ = digits[bits >> (count - 6) & 63];
        }
    }
    if (count > 0) {
        *out++ = digits[bits << (6 - count) & 63];
    }
    *out = '\0';
}

/* google.rpc.Status{code, details: Any{RetryInfo{retry_delay}}}, base64 without padding as gRPC wants it. */
static void encode_retry_details(int grpc_status, uint64_t retry_after_ms, char *out_text)
{
    struct bench_bytes duration = { 0 }, info = { 0 }, any = { 0 }, status = { 0 };
    bench_put_tag(&duration, 1, 0);
    bench_put_varint(&duration, retry_after_ms / 1000);
    bench_put_tag(&duration, 2, 0);
    bench_put_varint(&duration, retry_after_ms % 1000 * 1000000);
    bench_put_bytes(&info, 1, duration.bytes, duration.length);
    bench_put_bytes(&any, 1, "type.googleapis.com/google.rpc.RetryInfo", 40);
    bench_put_bytes(&any, 2, info.bytes, info.length);
    bench_put_tag(&status, 1, 0);
    bench_put_varint(&status, (uint64_t)grpc_status);
    bench_put_bytes(&status, 3, any.bytes, any.length);
    encode_base64(status.bytes, status.length, out_text);
    bench_bytes_free(&duration);
    bench_bytes_free(&info);
    bench_bytes_free(&any);
    bench_bytes_free(&status);
}

void bench_stream_refuse(struct bench_stream *stream, int grpc_status, uint64_t retry_after_ms)
{
    char status_text[16];
    char details[256];
    snprintf(status_text, sizeof status_text, "%d", grpc_status);
    nghttp2_nv headers[] = {
        HEADER(":status", "200"),
        HEADER("content-type", "application/grpc"),
        HEADER("grpc-status", status_text),
        HEADER("grpc-message", "refused by the bench"),
        HEADER("grpc-status-details-bin", ""),
    };
    size_t header_count = 4;
    if (retry_after_ms > 0) {
        encode_retry_details(grpc_status, retry_after_ms, details);
        headers[4].value = (uint8_t *)details;
        headers[4].valuelen = strlen(details);
        header_count = 5;
    }
    if (nghttp2_submit_response(stream->connection->session, stream->id, headers, header_count, NULL) != 0) {
        close_later(stream->connection);
    }
    mark_dirty(stream->connection);
}

/* ---- the socket ---- */

static void update_events(struct bench_connection *connection)
{
    uint32_t events = connection->endpoint->is_paused ? 0 : EPOLLIN;
    if (connection->output.count > connection->output.first) {
        events |= EPOLLOUT;
    }
    if (events != connection->epoll_events) {
        connection->epoll_events = events;
        bench_loop_change(connection->endpoint->loop, &connection->watch, events);
    }
}

static bool gather(struct bench_connection *connection)
{
    struct bench_output *output = &connection->output;
    const uint8_t *bytes;
    while (bench_output_has_room(output, connection->endpoint->write_bytes)) {
        ssize_t length = nghttp2_session_mem_send(connection->session, &bytes);
        if (length < 0) {
            close_later(connection);
            return false;
        }
        if (length == 0) {
            break;
        }
        bench_output_copy(output, bytes, (size_t)length);
    }
    return output->count > output->first;
}

static void flush(struct bench_connection *connection)
{
    while (!connection->is_closing && gather(connection)) {
        enum bench_written written = bench_output_write(&connection->output, connection->watch.fd);
        if (written == BENCH_WRITTEN_FAILED) {
            close_later(connection);
        }
        if (written != BENCH_WRITTEN_ALL) {
            break;
        }
    }
    if (!connection->is_closing) {
        update_events(connection);
    }
}

static void receive(struct bench_connection *connection)
{
    struct bench_loop *loop = connection->endpoint->loop;
    for (int i = 0; i < READS_PER_TURN && !connection->endpoint->is_paused; i++) {
        ssize_t length = read(connection->watch.fd, loop->read_buffer, loop->read_buffer_bytes);
        if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        if (length <= 0 || nghttp2_session_mem_recv(connection->session, loop->read_buffer, (size_t)length) < 0) {
            close_later(connection);
            return;
        }
        if ((size_t)length < loop->read_buffer_bytes) {
            break;
        }
    }
    if (nghttp2_session_want_write(connection->session)) {
        mark_dirty(connection);
    } else if (!nghttp2_session_want_read(connection->session)) {
        close_later(connection);
    }
}

static void on_connection_ready(void *context, uint32_t events)
{
    struct bench_connection *connection = context;
    if (connection->is_closing) {
        return;
    }
    if (events & EPOLLOUT) {
        mark_dirty(connection);
    }
    if (events & EPOLLIN) {
        receive(connection);
    } else if (events & (EPOLLHUP | EPOLLERR)) {
        close_later(connection);
    }
}

static nghttp2_session_callbacks *callbacks_of(bool is_server)
{
    static nghttp2_session_callbacks *made[2];
    nghttp2_session_callbacks **callbacks = &made[is_server];
    if (*callbacks == NULL && nghttp2_session_callbacks_new(callbacks) != 0) {
        bench_die("out of memory");
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(*callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(*callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(*callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(*callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(*callbacks, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(*callbacks, send_request_data);
    if (!is_server) {
        nghttp2_session_callbacks_set_data_source_read_length_callback(*callbacks, on_frame_length);
    }
    return *callbacks;
}

static struct bench_connection *connection_new(struct bench_endpoint *endpoint, int fd, bool is_server)
{
    struct bench_connection *connection = bench_alloc_zero(1, sizeof *connection);
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connection->endpoint = endpoint;
    connection->is_server = is_server;
    connection->watch = (struct bench_watch){ fd, on_connection_ready, connection };
    connection->epoll_events = EPOLLIN;
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, endpoint->stream_window_bytes },
        { NGHTTP2_SETTINGS_MAX_FRAME_SIZE, endpoint->receive_frame_bytes },
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1024 },
    };
    nghttp2_option *option;
    if (nghttp2_option_new(&option) != 0) {
        bench_die("out of memory");
    }
    nghttp2_option_set_peer_max_concurrent_streams(option, 1024);
    int rc = is_server ? nghttp2_session_server_new2(&connection->session, callbacks_of(true), connection, option)
                       : nghttp2_session_client_new2(&connection->session, callbacks_of(false), connection, option);
    nghttp2_option_del(option);
    if (rc != 0 || nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings, 3) != 0 ||
        nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0,
                                              (int32_t)endpoint->connection_window_bytes) != 0) {
        bench_die("nghttp2: no session");
    }
    connection->next_open = endpoint->connections;
    if (connection->next_open != NULL) {
        connection->next_open->previous_open = connection;
    }
    endpoint->connections = connection;
    bench_loop_watch(endpoint->loop, &connection->watch, EPOLLIN);
    mark_dirty(connection);
    return connection;
}

static void on_listener_ready(void *context, uint32_t events)
{
    (void)events;
    struct bench_listener *listener = context;
    int fd = accept4(listener->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        connection_new(listener->endpoint, fd, true);
    }
}

void bench_listener_start(struct bench_listener *listener, struct bench_endpoint *endpoint, const char *address)
{
    char host[64];
    uint16_t port;
    bench_address_parse(address, host, &port);
    listener->endpoint = endpoint;
    listener->watch = (struct bench_watch){ bench_listen(host, port), on_listener_ready, listener };
    bench_loop_watch(endpoint->loop, &listener->watch, EPOLLIN);
}

struct bench_connection *bench_connection_open(struct bench_endpoint *endpoint, const char *address)
{
    char host[64];
    uint16_t port;
    bench_address_parse(address, host, &port);
    int fd = bench_connect(host, port);
    return fd < 0 ? NULL : connection_new(endpoint, fd, false);
}

void bench_endpoint_pause(struct bench_endpoint *endpoint, bool is_paused)
{
    if (endpoint->is_paused == is_paused) {
        return;
    }
    endpoint->is_paused = is_paused;
    for (struct bench_connection *connection = endpoint->connections; connection != NULL;
         connection = connection->next_open) {
        update_events(connection);
    }
}

void bench_connections_flush(struct bench_loop *loop)
{
    while (loop->dirty != NULL) {
        struct bench_connection *connection = loop->dirty;
        loop->dirty = connection->next_dirty;
        connection->is_dirty = false;
        flush(connection);
    }
}

static void connection_free(struct bench_connection *connection)
{
    struct bench_endpoint *endpoint = connection->endpoint;
    close(connection->watch.fd);
    while (connection->streams != NULL) {
        stream_release(connection->streams);
    }
    if (connection->previous_open != NULL) {
        connection->previous_open->next_open = connection->next_open;
    } else {
        endpoint->connections = connection->next_open;
    }
    if (connection->next_open != NULL) {
        connection->next_open->previous_open = connection->previous_open;
    }
    if (endpoint->handlers->on_connection_closed != NULL) {
        endpoint->handlers->on_connection_closed(connection);
    }
    bench_output_clear(&connection->output);
    nghttp2_session_del(connection->session);
    free(connection);
}

void bench_connections_reap(struct bench_loop *loop)
{
    while (loop->dead != NULL) {
        struct bench_connection *connection = loop->dead;
        loop->dead = connection->next_dead;
        connection_free(connection);
    }
}
