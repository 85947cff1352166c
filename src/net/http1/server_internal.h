#pragma once

#include "base/magic.h"
#include "net/body_credit.h"
#include "net/http1/parser.h"
#include "net/door.h"
#include "net/guests.h"
#include "net/http1/server.h"
#include "net/transport.h"

/* What the files of the server share: server.c (listening, connections as a set, exchanges), server_connection.c (one
 * connection), server_request.c (its request), server_body.c (where a body goes, and the credit of all) and
 * server_answer.c (the bytes of an answer). */
struct weft_http1_server_connection;

WEFT_MAGIC(http1_server, 0x01775e41);

struct weft_http1_server {
    uint32_t magic;
    const struct weft_net_context *net;
    struct weft_http1_server_settings settings; /* no zeros left, but for those that mean none */
    weft_http1_server_request_fn on_request;
    void *context;
    struct weft_tls_context *tls; /* NULL = plain */
    struct weft_door *door;       /* NULL: sockets are adopted only */
    int listening_descriptor;     /* -1 = none */
    struct weft_guests guests;    /* which connections give way to others */
    struct weft_list connections; /* open ones */
    struct weft_list closed;      /* to be freed at the end of the tick */
    size_t connection_count;      /* open */
    bool is_reading, is_draining;
    struct weft_body_credit *bodies, *own_bodies; /* own: NULL if the worker has one */
    struct weft_http1_server_counters counters;
};

enum weft_http1_server_connection_state {
    WEFT_HTTP1_HANDSHAKE, /* TLS */
    WEFT_HTTP1_IDLE,      /* between requests; reads */
    WEFT_HTTP1_HEADERS,   /* a first byte has come, or must come soon; reads */
    WEFT_HTTP1_RECEIVING, /* the body; reads */
    WEFT_HTTP1_ANSWERING, /* the service has the exchange */
    WEFT_HTTP1_WRITING,   /* the answer is on its way */
    WEFT_HTTP1_LINGERING, /* told the peer that this is the end; swallows what it still sends, so that no reset destroys
                             the answer */
    WEFT_HTTP1_CLOSED,    /* freed at the end of the tick */
};

/* The body of the request under way. */
struct weft_http1_server_body {
    struct weft_payload *payload; /* NULL: none yet, or it is forgotten */
    bool is_forgotten;            /* nobody wants it */
    struct weft_body credited;    /* in the account of half received messages, if it is kept and has a byte */
    struct weft_monotonic begun;
};

WEFT_MAGIC(http1_server_connection, 0x0177c041);

struct weft_http1_server_connection {
    uint32_t magic;
    struct weft_list node; /* of connections or closed */
    struct weft_guest guest;
    struct weft_http1_server *server;
    struct weft_transport *transport;
    struct weft_watch *watch;
    struct weft_timer timer;       /* the one deadline of the state */
    struct weft_deferred deferred; /* goes on, or frees */
    enum weft_http1_server_connection_state state;
    struct weft_http1_parser parser;
    struct weft_http1_server_exchange *exchange; /* from a request's head to its answer */
    struct weft_http1_server_body body;
    struct weft_body_address *address; /* NULL: no body has begun */
    struct weft_buffer pending;        /* pipelined bytes that came behind the present request */
    struct weft_buffer output;
    struct weft_buffer output_body; /* behind it: of an answer whose body was handed over */
    size_t output_sent_bytes;       /* of both */
    size_t charged_bytes;           /* to the budget, beside the body's payload */
    size_t lingered_bytes;
    struct weft_monotonic request_begun;
    bool closes_after_answer;
    bool has_spoken;   /* something came from it */
    bool has_answered; /* a request before */
};

WEFT_MAGIC(http1_server_exchange, 0x01775c4a);

struct weft_http1_server_exchange {
    uint32_t magic;
    struct weft_http1_server_connection *connection; /* NULL: gone */
    bool is_with_service;
    _Alignas(max_align_t) uint8_t state[WEFT_HTTP1_SERVER_EXCHANGE_STATE_BYTES];
};

/* From the server's lists. */
static inline struct weft_http1_server_connection *weft_http1_server_connection_of(struct weft_list *node)
{
    struct weft_http1_server_connection *connection =
        WEFT_CONTAINER_OF(node, struct weft_http1_server_connection, node);
    weft_check_magic(connection, http1_server_connection);
    return connection;
}

/* ---- server_connection.c ---- */

/* Takes the descriptor, and reads what may have come already. */
void weft_http1_server_connection_open(struct weft_http1_server *server, int descriptor, const struct weft_peer *peer);

/* Ends it at once; the memory goes at the end of the tick. */
void weft_http1_server_connection_close(struct weft_http1_server_connection *connection);
void weft_http1_server_connection_free(struct weft_http1_server_connection *connection);

/* Does at the end of the tick what can be done by then. */
void weft_http1_server_connection_attend(struct weft_http1_server_connection *connection);

/* Reading was held back and goes on: its deadlines begin anew. */
void weft_http1_server_connection_resume(struct weft_http1_server_connection *connection);

/* Moves on, and sets the deadline of the state. */
void weft_http1_server_connection_set_state(struct weft_http1_server_connection *connection,
                                            enum weft_http1_server_connection_state state);

/* Tells the guests how it stands, by which they choose who gives way. */
void weft_http1_server_connection_stand(struct weft_http1_server_connection *connection);

/* The peer is to send something. */
static inline bool weft_http1_server_connection_is_receiving(const struct weft_http1_server_connection *connection)
{
    return connection->state == WEFT_HTTP1_IDLE || connection->state == WEFT_HTTP1_HEADERS ||
           connection->state == WEFT_HTTP1_RECEIVING;
}

static inline size_t weft_http1_server_connection_unsent(const struct weft_http1_server_connection *connection)
{
    return connection->output.length + connection->output_body.length - connection->output_sent_bytes;
}

/* ---- server_request.c ---- */

/* Feeds the parser until the input is used up or a request is complete; what then remains waits in pending. */
void weft_http1_server_request_take_input(struct weft_http1_server_connection *connection, struct weft_slice input);

/* The same with what waits. */
void weft_http1_server_request_take_pending(struct weft_http1_server_connection *connection);

/* So much of the body has come: its deadline moves, and the service may see what there is. */
void weft_http1_server_request_note_progress(struct weft_http1_server_connection *connection, size_t bytes);

/* The request goes no further, and what follows on the connection cannot be told apart any more: the answer is its
 * last.
 */
void weft_http1_server_request_refuse(struct weft_http1_server_connection *connection, int code, const char *reason);

/* Puts a whole answer into the output and goes on at the end of the tick. own_body: what body lies in, taken over; or
 * NULL: it is copied. */
void weft_http1_server_request_answer(struct weft_http1_server_connection *connection, int code,
                                      const char *content_type, const char *extra_headers, struct weft_slice body,
                                      struct weft_buffer *own_body);

/* The connection has nothing to do with the exchange any more; the service may have it still. */
void weft_http1_server_request_detach(struct weft_http1_server_connection *connection);

/* ---- server_body.c ---- */

/* The head is complete. is_wanted: the body is kept. False: too many are half received. */
bool weft_http1_server_body_begin(struct weft_http1_server_connection *connection, bool is_wanted);

/* Copies a piece behind what there is. WEFT_NOMEM only. Any connection's request may be refused, this one's, too. */
enum weft_status weft_http1_server_body_append(struct weft_http1_server_connection *connection,
                                               struct weft_slice bytes) WEFT_MUST_CHECK;

/* Where bytes of the body may be read to without a copy, if enough of them are to come; else length 0. */
uint8_t *weft_http1_server_body_direct_room(struct weft_http1_server_connection *connection, size_t *out_length);

/* length bytes were read to that room. Any connection's request may be refused. */
void weft_http1_server_body_commit(struct weft_http1_server_connection *connection, size_t length);

/* False: the credit is used up and the connection waits for its turn; it is resumed when that comes. */
bool weft_http1_server_body_may_grow(struct weft_http1_server_connection *connection);

/* It is complete or will never be: gives the credit back. The payload stays. */
void weft_http1_server_body_end(struct weft_http1_server_connection *connection);

/* Drops the payload as well. */
void weft_http1_server_body_clear(struct weft_http1_server_connection *connection);

/* The peer may take longer the more it has sent: a slow line is not an attack, a dribble is. */
struct weft_monotonic weft_http1_server_body_deadline(const struct weft_http1_server_connection *connection);

/* ---- server_answer.c ---- */

struct weft_http1_server_answer {
    int code;
    const char *content_type;
    const char *extra_headers; /* or NULL */
    struct weft_slice body;
    bool is_head;   /* the length is told, the body is not sent */
    bool is_apart;  /* nor written here */
    bool is_last;   /* Connection: close */
    bool is_http10; /* keep-alive must be said */
};

void weft_http1_server_answer_write(const struct weft_http1_server_answer *answer, struct weft_buffer *out);
