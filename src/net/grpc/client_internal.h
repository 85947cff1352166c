#pragma once

#include <nghttp2/nghttp2.h>

#include "base/magic.h"
#include "net/grpc/client.h"
#include "net/grpc/decode.h"
#include "net/http2/limits.h"
#include "net/http2/output.h"
#include "net/dialer.h"
#include "net/transport.h"

/* Inside of the gRPC client: client.c (client), client_connection.c (sockets and time),
 * client_session.c (nghttp2) and client_stream.c (one call) share these structs, nobody else. */

/* Where a request is. */
enum weft_grpc_client_phase {
    WEFT_GRPC_CLIENT_PHASE_NONE,    /* not the client's (any more) */
    WEFT_GRPC_CLIENT_PHASE_WAITING, /* for a connection with room */
    WEFT_GRPC_CLIENT_PHASE_OPEN,    /* a stream of its connection */
    WEFT_GRPC_CLIENT_PHASE_ENDED,   /* the result is known; on_done runs at the end of the tick */
};

/* What a client can do for a new call now. */
enum weft_grpc_client_connectivity {
    WEFT_GRPC_IDLE,       /* no connection; the next call makes one */
    WEFT_GRPC_CONNECTING, /* one is on its way; calls wait */
    WEFT_GRPC_READY,      /* at least one takes calls */
    WEFT_GRPC_BACKOFF,    /* none, and the balancer says not to try */
};

enum {
    WEFT_GRPC_PATH_FIELD = 2,           /* where :path is among a client's fields */
    WEFT_GRPC_CLIENT_CALL_HEADERS = 32, /* that a request may add */
};

WEFT_MAGIC(grpc_client, 0x06e4c4a1);

struct weft_grpc_client {
    uint32_t magic;
    struct weft_net_context net;
    struct weft_grpc_client_settings settings; /* zeros replaced by defaults; its pointers are not used after _new */
    struct weft_tls_context *tls;
    struct weft_resolver *resolver; /* net's, or own_resolver */
    struct weft_resolver *own_resolver;
    struct weft_balancer *balancer;
    char *authority;
    char *user_agent;
    char *target;       /* for texts */
    nghttp2_nv *fields; /* sent with each call; names and values are heap strings */
    nghttp2_nv *others; /* the same but for what a call replaces; only while its fields are handed over */
    size_t field_count;
    enum weft_grpc_client_connectivity connectivity;
    struct weft_list connections; /* all that are not freed yet */
    struct weft_list waiting;     /* requests, oldest first */
    struct weft_list ended;
    struct weft_deferred turn; /* frees, assigns and delivers at the end of the tick */
    int64_t keepalive_time_ns; /* doubled when the peer says that we ping too often */
    uint32_t calls_open;
    bool is_freeing, is_delivering;
    uint64_t connects, connect_failures, bytes_sent;
    char last_failure[160];
};

enum weft_grpc_client_connection_phase {
    WEFT_GRPC_DIALING,  /* look-up, connect, TLS */
    WEFT_GRPC_GREETING, /* our preface is on its way; the peer's SETTINGS make it ready */
    WEFT_GRPC_SERVING,
    WEFT_GRPC_DRAINING, /* GOAWAY came or stream ids are used up: open streams may finish */
    WEFT_GRPC_CLOSED,   /* freed at the end of the tick */
};

WEFT_MAGIC(grpc_client_connection, 0x06e4c04e);

struct weft_grpc_client_connection {
    struct weft_list node;
    uint32_t magic;
    struct weft_grpc_client *client;
    enum weft_grpc_client_connection_phase phase;
    struct weft_dialer dialer;
    struct weft_transport *transport; /* from greeting on */
    struct weft_watch *watch;
    nghttp2_session *session;
    struct weft_http2_memory memory; /* of the session */
    struct weft_http2_output output;
    uint64_t written_bytes;    /* given to the socket */
    struct weft_list requests; /* open */
    uint32_t request_count;
    struct weft_deferred turn; /* writes the tick's output; reads on if a read was cut short */
    bool must_read;
    struct weft_timer timer; /* keepalive */
    bool is_ping_open;
    struct weft_monotonic last_read;
    bool has_settings; /* the peer's first SETTINGS came */
    bool has_goaway;
    uint32_t goaway_code;
    size_t header_bytes; /* of the header block that is coming in */
    bool is_broken;      /* must be closed with `failure` before anything else is read or written */
    char failure[160];
};

/* From a list of the client or of a connection. */
static inline struct weft_grpc_client_request *weft_grpc_client_request_of(struct weft_list *node)
{
    struct weft_grpc_client_request *request = WEFT_CONTAINER_OF(node, struct weft_grpc_client_request, state.node);
    weft_check_magic(&request->state, grpc_client_request);
    return request;
}

/* client.c: what connections report. */
void weft_grpc_client_attend(struct weft_grpc_client *client); /* run its turn at the end of the tick */
void weft_grpc_client_end(struct weft_grpc_client *client, struct weft_grpc_client_request *request, int grpc_status,
                          const char *text);
void weft_grpc_client_requeue(struct weft_grpc_client *client, struct weft_grpc_client_request *request);
void weft_grpc_client_note_ready(struct weft_grpc_client *client);
void weft_grpc_client_note_closed(struct weft_grpc_client *client, const struct weft_grpc_client_connection *connection,
                                  bool was_ready, bool has_cut_calls);

/* client_connection.c */
struct weft_grpc_client_connection *weft_grpc_client_connection_new(struct weft_grpc_client *client);

/* Its address is no longer the endpoint's: open calls may finish, it takes no further ones. */
void weft_grpc_client_connection_retire(struct weft_grpc_client_connection *connection);
void weft_grpc_client_connection_free(struct weft_grpc_client_connection *connection);
bool weft_grpc_client_connection_has_room(const struct weft_grpc_client_connection *connection);
void weft_grpc_client_connection_attend(
    struct weft_grpc_client_connection *connection); /* write at the end of the tick */
void weft_grpc_client_connection_wake_keepalive(struct weft_grpc_client_connection *connection);

/* The connection will be closed with this reason before it moves another byte; safe inside nghttp2's
 * callbacks. */
void weft_grpc_client_connection_break(struct weft_grpc_client_connection *connection, const char *reason);

/* Ends its requests and stops everything, now; the struct goes at the end of the client's tick. Not in
 * nghttp2's callbacks. */
void weft_grpc_client_connection_close(struct weft_grpc_client_connection *connection, const char *reason);

void weft_grpc_client_connection_say_goodbye(struct weft_grpc_client_connection *connection);

/* client_session.c */
enum weft_status weft_grpc_client_session_new(struct weft_grpc_client_connection *connection) WEFT_MUST_CHECK;

/* The new stream's id, or an nghttp2 error (negative). */
int32_t weft_grpc_client_session_submit(struct weft_grpc_client_connection *connection,
                                        struct weft_grpc_client_request *request, const nghttp2_nv *fields,
                                        size_t field_count);

/* The stream's callbacks will not find the request any more; must_reset: RST_STREAM(CANCEL) as well. */
void weft_grpc_client_session_forget(struct weft_grpc_client_connection *connection, int32_t stream_id,
                                     bool must_reset);

/* Serialises frames into the output until it is full or nothing is left. */
enum weft_status weft_grpc_client_session_collect(struct weft_grpc_client_connection *connection) WEFT_MUST_CHECK;

/* client_stream.c: one call on one connection. */
void weft_grpc_client_stream_open(struct weft_grpc_client_connection *connection,
                                  struct weft_grpc_client_request *request);

/* Ends a call that is open, from our side if `reset` says so: the stream forgets the request, whose bytes are
 * then not needed any more. */
void weft_grpc_client_stream_end(struct weft_grpc_client_request *request, bool must_reset, int grpc_status,
                                 const char *text);

ssize_t weft_grpc_client_stream_send_length(struct weft_grpc_client_request *request, size_t limit,
                                            uint32_t *out_flags);
enum weft_status weft_grpc_client_stream_send(struct weft_grpc_client_request *request, size_t length,
                                              bool is_last) WEFT_MUST_CHECK;
void weft_grpc_client_stream_take_header(struct weft_grpc_client_request *request, struct weft_slice name,
                                         struct weft_slice value);
void weft_grpc_client_stream_take_data(struct weft_grpc_client_request *request, struct weft_slice bytes);
void weft_grpc_client_stream_take_end(struct weft_grpc_client_request *request);
void weft_grpc_client_stream_take_close(struct weft_grpc_client_request *request, uint32_t code);

/* The request never was processed: tried again once, elsewhere, else it ends UNAVAILABLE. */
void weft_grpc_client_stream_refuse(struct weft_grpc_client_request *request, const char *text);

/* As before a first try: frees what was received, forgets what was sent. */
void weft_grpc_client_stream_reset(struct weft_grpc_client_call *state);
