#pragma once

#include "base/buffer.h"
#include "net/context.h"
#include "net/peer.h"
#include "net/tls/tls.h"

/* A small, strict HTTP/1.1 server for telemetry, health and OTLP/HTTP; the parser is net/http1_parser (sans-I/O,
 * streaming). A connection serves one request at a time. Its body goes from the socket straight into a payload of the
 * worker's pool, whose room grows with what has arrived; bodies under way are in the worker's account of half
 * received messages (net/body_credit.h). */
struct weft_http1_server;
struct weft_http1_server_exchange; /* one request and its answer; lives until answered */

struct weft_http1_server_request {
    struct weft_slice method;
    struct weft_slice path;       /* without the query, percent-decoded only where unreserved */
    struct weft_slice query;      /* raw, without '?' */
    struct weft_slice body;       /* whole, within max_body_bytes; empty in wants_body and if that said no */
    struct weft_payload *payload; /* what body lies in, borrowed: a service that keeps it takes a reference; or NULL */
};

/* Answers with weft_http1_server_exchange_reply, now or later. */
typedef void (*weft_http1_server_request_fn)(void *context, struct weft_http1_server_exchange *exchange,
                                             const struct weft_http1_server_request *request);

/* Whether the body of this request is worth keeping: the head is complete. False: it is read and forgotten (and not
 * asked for, if the client waits for 100 Continue), and the request is handed over without it. Does not answer. */
typedef bool (*weft_http1_server_wants_body_fn)(void *context, struct weft_http1_server_exchange *exchange,
                                                const struct weft_http1_server_request *request);

/* Sees a body that is kept grow, for work that is cheaper while the bytes are in the processor's cache. arrived: all of
 * it so far. */
typedef void (*weft_http1_server_arriving_fn)(void *context, struct weft_http1_server_exchange *exchange,
                                              struct weft_slice arrived);

/* The request cannot be handed over: its body is too large, too slow or not framed as it should be. Answers at once,
 * with this code and in the service's own words; the connection ends after that. */
typedef void (*weft_http1_server_refused_fn)(void *context, struct weft_http1_server_exchange *exchange,
                                             const struct weft_http1_server_request *request, int code,
                                             const char *reason);

struct weft_http1_server_settings {
    size_t max_header_bytes;              /* 0 = 16 KiB */
    size_t max_body_bytes;                /* 0 = 1 MiB */
    uint32_t max_connections;             /* 0 = 100; who makes room is said in net/guests.h */
    uint32_t max_connections_per_address; /* 0 = half of max_connections; its own make room */
    bool always_admits;                   /* a new one always gets in: for probes */
    int64_t header_timeout_ns, body_timeout_ns, idle_timeout_ns,
        write_timeout_ns;                       /* 0 = 10 s, 15 s + 1 s per 64 KiB, 60 s, 30 s */
    int64_t request_timeout_ns;                 /* from a request's first byte to its last; 0 = as the others say */
    bool ends_each_request;                     /* no keep-alive */
    weft_http1_server_wants_body_fn wants_body; /* NULL: every body is kept */
    weft_http1_server_arriving_fn on_arriving;  /* NULL = none */
    weft_http1_server_refused_fn on_refused;    /* NULL: the reason, as plain text */
};

/* Counters of one server; monotone, read on the worker's thread. One X-macro row per counter: name, help. */
#define WEFT_HTTP1_SERVER_COUNTERS(ROW)                                                       \
    ROW(connections_accepted, "connections accepted")                                         \
    ROW(connections_refused, "connections closed at once, too many being open and busy")      \
    ROW(connections_evicted, "connections without a request, or silent, closed to make room") \
    ROW(connections_timed_out, "connections ended by a deadline")                             \
    ROW(requests, "requests handed to the service")                                           \
    ROW(requests_refused, "requests answered with an error before they reached the service")  \
    ROW(requests_abandoned, "requests whose client was gone before their end")                \
    ROW(bodies_withheld, "bodies that had to wait for the credit of half messages")           \
    ROW(bodies_shed, "bodies given up because half messages held too much, or were too many") \
    ROW(bodies_refused, "requests refused at once, too many messages being half received")    \
    ROW(body_bytes, "body bytes received, as sent, without chunk framing")

struct weft_http1_server_counters {
#define WEFT_HTTP1_COUNTER_MEMBER(name, help) uint64_t name;
    WEFT_HTTP1_SERVER_COUNTERS(WEFT_HTTP1_COUNTER_MEMBER)
#undef WEFT_HTTP1_COUNTER_MEMBER
};

/* tls may be NULL and outlives the server. net->pool is where bodies lie. */
struct weft_http1_server *weft_http1_server_new(const struct weft_net_context *net,
                                                const struct weft_http1_server_settings *settings,
                                                weft_http1_server_request_fn on_request, void *context,
                                                struct weft_tls_context *tls);

/* Watches and accepts on the listening socket, which it takes over. */
void weft_http1_server_listen(struct weft_http1_server *server, int listening_descriptor);

/* Takes over an accepted, non-blocking socket. */
void weft_http1_server_adopt(struct weft_http1_server *server, int descriptor);

/* Stops (and resumes) reading from all connections: back-pressure. No deadline of reading runs meanwhile. */
void weft_http1_server_set_reading(struct weft_http1_server *server, bool is_reading);

/* Takes no new connection and ends those it has: idle ones now, the others with the answer to the request under way.
 * weft_http1_server_connection_count tells when none is left. */
void weft_http1_server_drain(struct weft_http1_server *server);

/* Not from within on_request. Exchanges that are not answered yet become detached: answering them later is harmless. */
void weft_http1_server_free(struct weft_http1_server *server);

size_t weft_http1_server_connection_count(const struct weft_http1_server *server);

/* Answers that peers have not taken yet, in bytes. Looks at every connection. */
size_t weft_http1_server_unsent_bytes(const struct weft_http1_server *server);
const struct weft_http1_server_counters *weft_http1_server_read_counters(const struct weft_http1_server *server);

/* Header value by lower-case name; empty if absent or if the peer is gone. Valid until the exchange is answered. */
struct weft_slice weft_http1_server_exchange_header(const struct weft_http1_server_exchange *exchange,
                                                    const char *name);

/* The fields in their order; *in_out_index is 0 at first. False at the end, or if the peer is gone. Inside on_request
 * and wants_body. */
bool weft_http1_server_exchange_next_field(const struct weft_http1_server_exchange *exchange, size_t *in_out_index,
                                           struct weft_slice *out_name, struct weft_slice *out_value);

/* What counts as the peer's address (net/peer.h); empty if there is none, or the peer is gone. */
struct weft_slice weft_http1_server_exchange_household(const struct weft_http1_server_exchange *exchange);

enum { WEFT_HTTP1_SERVER_EXCHANGE_STATE_BYTES = 128 };

/* WEFT_HTTP1_SERVER_EXCHANGE_STATE_BYTES of the exchange, zero at first, the service's own. Valid until it is answered.
 */
void *weft_http1_server_exchange_state(struct weft_http1_server_exchange *exchange);

/* How many fields of that name there are. */
size_t weft_http1_server_exchange_header_count(const struct weft_http1_server_exchange *exchange, const char *name);

/* Who sends it; all zero if the peer is gone. */
struct weft_peer weft_http1_server_exchange_peer(const struct weft_http1_server_exchange *exchange);

/* Answers once, now or later; body is copied. extra_headers: "Name: value\r\n..." or NULL. HEAD gets no body. False if
 * the peer is gone: the answer was lost. */
bool weft_http1_server_exchange_reply(struct weft_http1_server_exchange *exchange, int code, const char *content_type,
                                      const char *extra_headers, struct weft_slice body);

/* The same with a body that is taken over, not copied, whatever comes of it; for large ones. */
bool weft_http1_server_exchange_reply_own(struct weft_http1_server_exchange *exchange, int code,
                                          const char *content_type, const char *extra_headers,
                                          struct weft_buffer *own_body);
