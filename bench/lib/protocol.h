#pragma once

#include <stdbool.h>

#include "lib/connection.h"

/* What a protocol does for connection.c; only the protocols and connection.c include this. */
enum { BENCH_MESSAGE_MAX_BYTES = 64 << 20 };

struct bench_protocol {
    void (*open)(struct bench_connection *connection);
    void (*close)(struct bench_connection *connection);
    /* Takes what was read; false: the connection is over or the peer broke the protocol. */
    bool (*receive)(struct bench_connection *connection, const uint8_t *bytes, size_t length);
    /* Puts what waits into connection->output while that has room; false as above. */
    bool (*gather)(struct bench_connection *connection);
    struct bench_stream *(*call)(struct bench_connection *connection, const char *path, struct bench_body *body,
                                 enum bench_encoding encoding, void *context);
    void (*answer)(struct bench_stream *stream, const uint8_t *message, size_t length);
    void (*refuse)(struct bench_stream *stream, int grpc_status, uint64_t retry_after_ms);
    size_t prefix_bytes;
};

/* Has the connection flushed at the end of this turn. */
void bench_connection_mark_dirty(struct bench_connection *connection);
void bench_connection_close_later(struct bench_connection *connection);

/* A new stream of the connection; released it is gone, after on_stream_closed. */
struct bench_stream *bench_stream_take(struct bench_connection *connection);
void bench_stream_release(struct bench_stream *stream);
