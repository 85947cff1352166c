#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/body.h"
#include "lib/compression.h"
#include "lib/loop.h"
#include "lib/output.h"

/* OTLP without TLS, both sides: unary gRPC over HTTP/2, whose bodies include the 5-byte prefix, or POSTs over HTTP/1.1,
 * one at a time on each connection. Which one is the endpoint's protocol. */
enum { BENCH_GRPC_PREFIX = 5, BENCH_REPLY_MAX = 512, BENCH_STATUS_LOST = -1 };

struct bench_stream;
struct bench_connection;
struct bench_protocol;

extern const struct bench_protocol bench_protocol_grpc, bench_protocol_http1;

/* "grpc" or "http"; NULL for anything else. */
const struct bench_protocol *bench_protocol_parse(const char *name);

/* The bytes before each message in a body. */
size_t bench_protocol_prefix(const struct bench_protocol *protocol);

struct bench_handlers {
    /* Server: a whole request is in stream->request. Client: the answer is in stream->grpc_status and reply. */
    void (*on_message)(struct bench_stream *stream);
    /* The stream is about to go; the pointer is invalid afterwards. On a client without on_message before: lost. */
    void (*on_stream_closed)(struct bench_stream *stream);
    /* The connection is about to go, after its streams. May be NULL. */
    void (*on_connection_closed)(struct bench_connection *connection);
};

struct bench_endpoint {
    struct bench_loop *loop;
    const struct bench_handlers *handlers;
    const struct bench_protocol *protocol;
    const char *content_type; /* of HTTP requests that leave from here */
    void *context;
    uint32_t stream_window_bytes;
    uint32_t connection_window_bytes;
    uint32_t receive_frame_bytes; /* SETTINGS_MAX_FRAME_SIZE that we advertise */
    uint32_t send_frame_bytes;    /* our own cap of DATA frames, below the peer's SETTINGS_MAX_FRAME_SIZE */
    size_t write_bytes;           /* gathered for one writev */
    struct bench_body_pool bodies;
    struct bench_stream *idle_streams;
    struct bench_connection *connections; /* all that are open */
    bool is_paused;
};

struct bench_stream {
    struct bench_connection *connection;
    struct bench_stream *previous;
    struct bench_stream *next;
    int32_t id;
    bool is_message_complete;
    bool has_error_details;
    int grpc_status; /* client: BENCH_STATUS_LOST until known; over HTTP what the code stands for */
    enum bench_encoding encoding;
    struct bench_body *request; /* server: arrives here; client: leaves from here */
    size_t request_sent;
    uint8_t reply[BENCH_REPLY_MAX]; /* client: arrived (cut at the end of the array); server: leaves from here */
    size_t reply_length;
    size_t reply_sent;
    void *context; /* of the application */
};

struct bench_connection {
    struct bench_endpoint *endpoint;
    struct bench_watch watch;
    void *session;                /* of the protocol */
    struct bench_stream *streams; /* all of them */
    unsigned stream_count;
    struct bench_connection *previous_open;
    struct bench_connection *next_open;
    struct bench_connection *next_dirty;
    struct bench_connection *next_dead;
    bool is_server;
    bool is_dirty;
    bool is_closing;
    uint32_t epoll_events;
    void *context;
    struct bench_output output;
};

/* The windows and sizes that weft uses too; fill in loop, handlers and context. */
struct bench_endpoint bench_endpoint_default(void);

struct bench_listener {
    struct bench_watch watch;
    struct bench_endpoint *endpoint;
};

void bench_listener_start(struct bench_listener *listener, struct bench_endpoint *endpoint, const char *address);

/* A client connection, or NULL if nobody listens. */
struct bench_connection *bench_connection_open(struct bench_endpoint *endpoint, const char *address);

/* Client: sends body (a reference of its own is kept until it is written) as one Export call. NULL if the connection
 * takes no more. path is the rpc's; context goes to stream->context. */
struct bench_stream *bench_connection_call(struct bench_connection *connection, const char *path,
                                           struct bench_body *body, enum bench_encoding encoding, void *context);

/* Server: answers with message (without prefix; may be empty) and OK. Over HTTP the stream ends here; so does it when
 * refused. */
void bench_stream_answer(struct bench_stream *stream, const uint8_t *message, size_t length);

/* Server: answers with a grpc-status (over HTTP the code for it) and, if retry_after_ms > 0, with google.rpc.RetryInfo
 * (over HTTP with Retry-After). */
void bench_stream_refuse(struct bench_stream *stream, int grpc_status, uint64_t retry_after_ms);

/* Stops or resumes reading, on all connections of the endpoint and those to come. */
void bench_endpoint_pause(struct bench_endpoint *endpoint, bool is_paused);

void bench_connections_flush(struct bench_loop *loop);
void bench_connections_reap(struct bench_loop *loop);
