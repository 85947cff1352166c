#pragma once

#include "base/magic.h"
#include "net/http1/client.h"
#include "net/http1/parser.h"
#include "net/dialer.h"
#include "net/transport.h"

/* Inside of the HTTP/1.1 client: client.c (pool), client_head.c (texts), client_connection.c
 * (sockets and time) and client_exchange.c (one request on one connection) share these structs, nobody else. */

enum weft_http1_client_request_phase {
    WEFT_HTTP1_REQUEST_NONE,    /* not the client's (any more) */
    WEFT_HTTP1_REQUEST_WAITING, /* for a connection */
    WEFT_HTTP1_REQUEST_OPEN,    /* its connection's */
    WEFT_HTTP1_REQUEST_ENDED,   /* the result is known; on_done runs at the end of the tick */
};

WEFT_MAGIC(http1_client, 0x0177c4a1);

struct weft_http1_client {
    uint32_t magic;
    struct weft_net_context net;
    struct weft_http1_client_settings settings; /* zeros replaced by defaults; its pointers are not used after _new */
    struct weft_tls_context *tls;
    struct weft_resolver *resolver; /* net's, or own_resolver */
    struct weft_resolver *own_resolver;
    struct weft_balancer *balancer;
    char *target_name;              /* "host:port", for texts */
    char *target_prefix;            /* what stands before a request's target: "" or, for a proxy, the origin */
    char *tunnel_request;           /* to a proxy that TLS goes through; NULL = none */
    struct weft_buffer common_head; /* the header lines that all requests have, but for what they replace */
    bool has_own_content_type;      /* a configured header replaces the requests' */
    struct weft_list connections;   /* all that are not freed yet; the one that became idle last comes first */
    struct weft_list waiting;       /* requests, oldest first */
    struct weft_list ended;
    struct weft_deferred turn; /* frees, assigns and delivers at the end of the tick */
    uint32_t requests_open;
    bool is_freeing, is_delivering;
    uint64_t connects, connect_failures, bytes_sent, retries;
    char last_failure[160];
};

enum weft_http1_client_phase {
    WEFT_HTTP1_CLIENT_DIALING, /* look-up, connect, TLS */
    WEFT_HTTP1_CLIENT_IDLE,
    WEFT_HTTP1_CLIENT_BUSY,   /* with `request` */
    WEFT_HTTP1_CLIENT_CLOSED, /* freed at the end of the tick */
};

WEFT_MAGIC(http1_client_connection, 0x0177c04e);

struct weft_http1_client_connection {
    struct weft_list node;
    uint32_t magic;
    struct weft_http1_client *client;
    enum weft_http1_client_phase phase;
    struct weft_dialer dialer;
    struct weft_transport *transport; /* once connected */
    struct weft_watch *watch;
    struct weft_timer timer;   /* the idle timeout */
    struct weft_deferred turn; /* writes; reads on if a read was cut short */
    bool must_read;
    bool is_write_broken; /* the peer takes no more; it may have answered all the same */
    uint32_t served_count;
    char failure[160];

    /* the present request */
    struct weft_http1_client_request *request;
    struct weft_buffer head;
    size_t head_offset, slice_index, slice_offset; /* what is to be written next */
    struct weft_http1_parser parser;
    bool has_read; /* a byte came since the request was begun */
    uint32_t interim_count;
};

/* client.c: what connections report. */
void weft_http1_client_attend(struct weft_http1_client *client); /* run its turn at the end of the tick */
void weft_http1_client_end(struct weft_http1_client *client, struct weft_http1_client_request *request,
                           enum weft_status status, const char *failure);
void weft_http1_client_requeue(struct weft_http1_client *client, struct weft_http1_client_request *request);
void weft_http1_client_note_connected(struct weft_http1_client *client);
/* is_hopeless: nor would another attempt succeed now, so the oldest request for which no attempt is left ends. */
void weft_http1_client_note_unconnected(struct weft_http1_client *client, const char *reason, bool is_hopeless);

/* client_head.c */
enum weft_status weft_http1_client_make_texts(struct weft_http1_client *client,
                                              const struct weft_http1_client_settings *settings) WEFT_MUST_CHECK;
enum weft_status weft_http1_client_write_head(const struct weft_http1_client *client,
                                              const struct weft_http1_client_request *request,
                                              struct weft_buffer *out) WEFT_MUST_CHECK;

/* client_connection.c. NULL: no memory. */
struct weft_http1_client_connection *
weft_http1_client_connection_try_new(struct weft_http1_client *client) WEFT_MUST_CHECK;
void weft_http1_client_connection_free(struct weft_http1_client_connection *connection);
void weft_http1_client_connection_set_phase(struct weft_http1_client_connection *connection,
                                            enum weft_http1_client_phase phase);
void weft_http1_client_connection_attend(struct weft_http1_client_connection *connection);

/* Ends its request and stops everything, now; the struct goes at the end of the client's tick. */
void weft_http1_client_connection_close(struct weft_http1_client_connection *connection, const char *reason);

/* client_exchange.c: one request on a connection that is idle. */
void weft_http1_client_exchange_begin(struct weft_http1_client_connection *connection,
                                      struct weft_http1_client_request *request);

/* Writes as much as the socket takes. */
void weft_http1_client_exchange_write(struct weft_http1_client_connection *connection);
bool weft_http1_client_exchange_is_written(const struct weft_http1_client_connection *connection);

/* Bytes, or the end of them, from the peer. False if the connection is gone. */
bool weft_http1_client_exchange_take(struct weft_http1_client_connection *connection, struct weft_slice input);
void weft_http1_client_exchange_take_end(struct weft_http1_client_connection *connection);

/* The connection has ended: tries the request again or ends it. */
void weft_http1_client_exchange_fail(struct weft_http1_client_connection *connection, const char *reason);

/* Ends the request from our side, and its connection. */
void weft_http1_client_exchange_abandon(struct weft_http1_client_request *request, enum weft_status status,
                                        const char *reason);
