#pragma once

#include "base/list.h"
#include "net/context.h"
#include "net/guests.h"
#include "net/loop.h"
#include "net/transport.h"

/* A server of connections that are only read from, plain or TLS, as of clients that write lines: it accepts, shakes
 * hands, reads where its service has room, and says who goes for whom (guests.h). What the bytes are, and when one has
 * too many, is the service's affair. One thread. */
struct weft_stream_server;

/* Embedded in the service's own; its fields are the server's. A connection whose socket is gone stays until its bytes
 * are done with. */
struct weft_stream_connection {
    uint32_t magic;
    struct weft_stream_server *server;
    struct weft_transport *transport; /* NULL: it has ended */
    struct weft_watch *watch;
    struct weft_deferred deferred;
    struct weft_list node; /* in open or ended */
    struct weft_guest guest;
    bool is_shaking_hands;
    bool has_spoken;  /* something came from it */
    bool has_brought; /* take has said so */
};

/* What a service does with its connections. */
struct weft_stream_operations {
    /* Memory for one more. */
    struct weft_stream_connection *(*open)(void *context);

    /* Whether it reads on: there is room, and what came before is taken. weft_stream_connection_attend tells of a
     * change. */
    bool (*wants_more)(const struct weft_stream_connection *connection);

    /* Where the next bytes go. NULL: without memory; it wants no more for a while. */
    uint8_t *(*room)(struct weft_stream_connection *connection, size_t *out_capacity);

    /* So many bytes were written there, or 0. True: with them came the end of something that the client is here for. */
    bool (*take)(struct weft_stream_connection *connection, size_t length);

    /* Whether it has begun something and not ended it. */
    bool (*is_midway)(const struct weft_stream_connection *connection);

    /* Some have read: the place to end connections. */
    void (*on_read)(void *context);

    /* The socket is gone: what is left of the bytes is all there will be. */
    void (*on_ended)(struct weft_stream_connection *connection);

    /* The same, while the server drains: there is no time to wait. */
    void (*on_drained)(struct weft_stream_connection *connection);

    /* Ended, and nothing of it is held any more. */
    bool (*is_done)(const struct weft_stream_connection *connection);

    /* Frees what open returned. */
    void (*free)(struct weft_stream_connection *connection);
};

/* Monotone. One row a counter: name, help. */
#define WEFT_STREAM_SERVER_COUNTERS(ROW)                                     \
    ROW(accepted, "Connections accepted")                                    \
    ROW(refused, "Connections closed at once, too many being open and busy") \
    ROW(evicted, "Connections that brought nothing, or were silent, closed to make room")

struct weft_stream_server_counters {
#define WEFT_STREAM_COUNTER_MEMBER(name, help) uint64_t name;
    WEFT_STREAM_SERVER_COUNTERS(WEFT_STREAM_COUNTER_MEMBER)
#undef WEFT_STREAM_COUNTER_MEMBER
};

struct weft_stream_server_settings {
    uint32_t max_connections;             /* those that have ended and are not done count, too */
    uint32_t max_connections_per_address; /* 0 = as guests.h says */
    const struct weft_stream_operations *operations;
    void *context;
    struct weft_tls_context *tls; /* NULL = plain; outlives the server */
};

struct weft_stream_server *weft_stream_server_new(const struct weft_net_context *net,
                                                  const struct weft_stream_server_settings *settings);

/* Frees its connections, whatever they hold. */
void weft_stream_server_free(struct weft_stream_server *server);

/* Takes over an accepted, non-blocking socket. */
void weft_stream_server_adopt(struct weft_stream_server *server, int descriptor);

/* Under pressure silence says nothing about a client: all are asked anew whether they read on. */
void weft_stream_server_set_reading(struct weft_stream_server *server, bool is_reading);

/* Takes no new connection and closes all sockets; what was not read stays in them. */
void weft_stream_server_drain(struct weft_stream_server *server);

/* Open, and ended but not done. */
size_t weft_stream_server_connection_count(const struct weft_stream_server *server);
const struct weft_stream_server_counters *weft_stream_server_read_counters(const struct weft_stream_server *server);

/* Whether it wants more may have changed, or it is done: looked at at the end of the tick. */
void weft_stream_connection_attend(struct weft_stream_connection *connection);

/* Closes the socket of one that is open; on_ended follows. */
void weft_stream_connection_end(struct weft_stream_connection *connection);
