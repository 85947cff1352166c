/* Sockets, streams and their order: what gRPC (grpc.c) and OTLP/HTTP (http1.c) have in common. The rest of the bench
 * sees whole messages. A request is never copied on the way out (output.h) and once on the way in, from the read buffer
 * to the body. */
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
#include "lib/protocol.h"

enum { READS_PER_TURN = 4 };

const struct bench_protocol *bench_protocol_parse(const char *name)
{
    return strcmp(name, "grpc") == 0 ? &bench_protocol_grpc : strcmp(name, "http") == 0 ? &bench_protocol_http1 : NULL;
}

size_t bench_protocol_prefix(const struct bench_protocol *protocol)
{
    return protocol->prefix_bytes;
}

struct bench_endpoint bench_endpoint_default(void)
{
    return (struct bench_endpoint){
        .protocol = &bench_protocol_grpc,
        .stream_window_bytes = 8 << 20,
        .connection_window_bytes = 24 << 20,
        .receive_frame_bytes = 1 << 20,
        .send_frame_bytes = 1 << 20,
        .write_bytes = 1 << 20,
    };
}

void bench_connection_mark_dirty(struct bench_connection *connection)
{
    struct bench_loop *loop = connection->endpoint->loop;
    if (!connection->is_dirty && !connection->is_closing) {
        connection->is_dirty = true;
        connection->next_dirty = loop->dirty;
        loop->dirty = connection;
    }
}

void bench_connection_close_later(struct bench_connection *connection)
{
    if (!connection->is_closing) {
        connection->is_closing = true;
        connection->next_dead = connection->endpoint->loop->dead;
        connection->endpoint->loop->dead = connection;
    }
}

struct bench_stream *bench_stream_take(struct bench_connection *connection)
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

void bench_stream_release(struct bench_stream *stream)
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

/* ---- calls and answers ---- */

struct bench_stream *bench_connection_call(struct bench_connection *connection, const char *path,
                                           struct bench_body *body, enum bench_encoding encoding, void *context)
{
    return connection->is_closing ? NULL
                                  : connection->endpoint->protocol->call(connection, path, body, encoding, context);
}

void bench_stream_answer(struct bench_stream *stream, const uint8_t *message, size_t length)
{
    stream->connection->endpoint->protocol->answer(stream, message, length);
}

void bench_stream_refuse(struct bench_stream *stream, int grpc_status, uint64_t retry_after_ms)
{
    stream->connection->endpoint->protocol->refuse(stream, grpc_status, retry_after_ms);
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
    if (!connection->endpoint->protocol->gather(connection)) {
        bench_connection_close_later(connection);
        return false;
    }
    return connection->output.count > connection->output.first;
}

static void flush(struct bench_connection *connection)
{
    while (!connection->is_closing && gather(connection)) {
        enum bench_written written = bench_output_write(&connection->output, connection->watch.fd);
        if (written == BENCH_WRITTEN_FAILED) {
            bench_connection_close_later(connection);
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
        if (length <= 0 || !connection->endpoint->protocol->receive(connection, loop->read_buffer, (size_t)length)) {
            bench_connection_close_later(connection);
            return;
        }
        if ((size_t)length < loop->read_buffer_bytes) {
            break;
        }
    }
}

static void on_connection_ready(void *context, uint32_t events)
{
    struct bench_connection *connection = context;
    if (connection->is_closing) {
        return;
    }
    if (events & EPOLLOUT) {
        bench_connection_mark_dirty(connection);
    }
    if (events & EPOLLIN) {
        receive(connection);
    } else if (events & (EPOLLHUP | EPOLLERR)) {
        bench_connection_close_later(connection);
    }
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
    endpoint->protocol->open(connection);
    connection->next_open = endpoint->connections;
    if (connection->next_open != NULL) {
        connection->next_open->previous_open = connection;
    }
    endpoint->connections = connection;
    bench_loop_watch(endpoint->loop, &connection->watch, EPOLLIN);
    bench_connection_mark_dirty(connection);
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
        bench_stream_release(connection->streams);
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
    endpoint->protocol->close(connection);
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
