#pragma once

#include "net/context.h"
#include "net/tls/tls.h"

/* A unary gRPC server on HTTP/2 (nghttp2), h2c with prior knowledge or TLS with ALPN h2. One server object per endpoint
 * and worker: it gets accepted sockets from the acceptor and owns them. It reads a call's one message into one payload,
 * inflates it, and hands it to the service; the answer may come at once or later. All flood, size and time limits live
 * here; each has a counter. */
struct weft_grpc_server;
struct weft_grpc_server_call; /* lives until it is answered, even if the stream or the connection is gone by then */

/* Takes the message (inflated). wire: the message as it came in, if it was compressed as wire_encoding says, else NULL;
 * borrowed, the service may take a reference. The service answers exactly once, now or later, with
 * weft_grpc_server_call_reply or weft_grpc_server_call_fail. */
typedef void (*weft_grpc_server_call_fn)(void *context, struct weft_grpc_server_call *call,
                                         struct weft_payload *own_message, struct weft_payload *wire,
                                         enum weft_encoding wire_encoding);

enum { WEFT_GRPC_SERVER_CALL_STATE_BYTES = 96 };

/* Sees an uncompressed message grow, for work that is cheaper while the bytes are in the processor's cache. state:
 * WEFT_GRPC_SERVER_CALL_STATE_BYTES of the call, zero at first, the service's own; on_call finds it by
 * weft_grpc_server_call_state.
 */
typedef void (*weft_grpc_server_arriving_fn)(void *context, void *state, struct weft_slice arrived);

struct weft_grpc_server_method {
    const char *path; /* "/opentelemetry.proto.collector.trace.v1.TraceService/Export" */
    weft_grpc_server_call_fn on_call;
    void *context;
    weft_grpc_server_arriving_fn on_arriving; /* NULL = none */
};

/* What a client is told whose half received call had to go. */
#define WEFT_GRPC_SERVER_SHED_TEXT "too many messages are half sent; this one moved too slowly"

/* Whether a call may go on whose header fields are complete; else it ends with the error's status and text. */
typedef bool (*weft_grpc_server_admit_fn)(void *context, const struct weft_grpc_server_call *call,
                                          struct weft_error *error);

struct weft_grpc_server_settings {
    size_t max_message_bytes;             /* before and after inflating; RESOURCE_EXHAUSTED beyond */
    uint32_t max_concurrent_streams;      /* 0 = 100 */
    size_t max_header_bytes;              /* with 32 per field; 0 = 16 KiB */
    uint32_t max_header_fields;           /* 0 = 64 */
    uint32_t max_connections;             /* 0 = 1000; who makes room is said in net/guests.h */
    uint32_t max_connections_per_address; /* 0 = half of max_connections or so; its own make room */
    int64_t max_connection_idle_ns, max_connection_age_ns, max_connection_age_grace_ns; /* 0 = none */
    int64_t keepalive_time_ns, keepalive_timeout_ns; /* 2 h and 20 s in the Collector */
    int64_t min_ping_interval_ns;                    /* enforcement_policy.min_time; 5 min */
    bool permit_pings_without_stream;
    int64_t handshake_timeout_ns, preface_timeout_ns, header_timeout_ns,
        body_timeout_ns;                                 /* 0 = 5 s, 5 s, 10 s, 15 s + 1 s per 64 KiB */
    uint32_t max_control_frames_per_s;                   /* 0 = 1000 */
    size_t stream_window_bytes, connection_window_bytes; /* largest; 0 = 8 MiB, 24 MiB; they start at 256 KiB and 1 MiB
                                                            and grow while window credit lasts */
    size_t window_credit_bytes;                          /* for windows that have grown; 0 = 64 MiB */
    const char *kept_field;          /* that calls keep for the service, in lower case; NULL = none */
    bool keeps_all_fields;           /* but for those of HTTP/2 and gRPC themselves */
    weft_grpc_server_admit_fn admit; /* NULL: all may */
    void *admit_context;
    struct weft_slice shed_details; /* an encoded google.rpc.Status for calls that are given up; outlives the server */
};

/* Counters of one server; monotone, read on the worker's thread. One X-macro row per counter: name, help. */
#define WEFT_GRPC_SERVER_COUNTERS(ROW)                                                        \
    ROW(connections, "connections accepted")                                                  \
    ROW(connections_refused, "connections closed at once, too many being open and busy")      \
    ROW(connections_evicted, "connections without a request, or silent, closed to make room") \
    ROW(connections_failed, "connections ended by a protocol or TLS error")                   \
    ROW(connections_timed_out, "connections ended by a deadline")                             \
    ROW(connections_flooded, "connections ended by a flood limit")                            \
    ROW(calls, "calls begun")                                                                 \
    ROW(calls_refused, "calls refused because of max_concurrent_streams")                     \
    ROW(calls_cancelled, "calls whose stream ended before the answer")                        \
    ROW(calls_failed, "calls answered with an error before they reached a service")           \
    ROW(calls_shed, "calls given up because half messages held too much, or were too many")   \
    ROW(messages_refused, "calls reset at once, too many messages being half received")       \
    ROW(calls_withheld, "calls that had to wait for the credit of half messages")             \
    ROW(message_bytes, "message bytes received, as sent")                                     \
    ROW(inflated_bytes, "message bytes after inflating")

struct weft_grpc_server_counters {
#define WEFT_GRPC_COUNTER_MEMBER(name, help) uint64_t name;
    WEFT_GRPC_SERVER_COUNTERS(WEFT_GRPC_COUNTER_MEMBER)
#undef WEFT_GRPC_COUNTER_MEMBER
};

/* methods ends with a NULL path and outlives the server; tls may be NULL and outlives the server. */
struct weft_grpc_server *weft_grpc_server_new(const struct weft_net_context *net,
                                              const struct weft_grpc_server_settings *settings,
                                              const struct weft_grpc_server_method *methods,
                                              struct weft_tls_context *tls);

/* Takes over an accepted, non-blocking socket. */
void weft_grpc_server_adopt(struct weft_grpc_server *server, int descriptor);

/* Stops (and resumes) reading from all connections: back-pressure. Calls already complete are unaffected. */
void weft_grpc_server_set_reading(struct weft_grpc_server *server, bool is_reading);

/* GOAWAY to all; open calls may finish; on_drained runs once no connection is left (or the caller frees earlier). */
void weft_grpc_server_drain(struct weft_grpc_server *server, void (*on_drained)(void *context), void *context);

/* Closes what is left. Calls that are not answered yet become detached: answering them later is harmless. Not to be
 * called from a service or from a callback of a connection; on_drained is fine. */
void weft_grpc_server_free(struct weft_grpc_server *server);

size_t weft_grpc_server_connection_count(const struct weft_grpc_server *server);
const struct weft_grpc_server_counters *weft_grpc_server_read_counters(const struct weft_grpc_server *server);

/* OK with this response message (copied; empty is legal). Returns false if the peer is gone: the answer was lost. */
bool weft_grpc_server_call_reply(struct weft_grpc_server_call *call, struct weft_slice message);

/* grpc-status, grpc-message (percent-encoded here), and for retry_after_ns >= 0 a RetryInfo in grpc-status-details-bin
 * (details: an encoded google.rpc.Status made by the caller or empty). Returns false if the peer is gone. */
bool weft_grpc_server_call_fail(struct weft_grpc_server_call *call, int grpc_status, const char *message,
                                struct weft_slice details);

/* The time by which the client wants its answer (grpc-timeout); WEFT_NEVER if none. */
struct weft_monotonic weft_grpc_server_call_deadline(const struct weft_grpc_server_call *call);

/* What on_arriving has left there; zero if it was not called. Valid inside on_call. */
void *weft_grpc_server_call_state(struct weft_grpc_server_call *call);

/* The client's address, as in "10.0.0.1:41234", "[::1]:41234" or "unix". Valid until the call is answered. */
struct weft_slice weft_grpc_server_call_peer(const struct weft_grpc_server_call *call);

/* What counts as its address (net/peer.h); empty if there is none, or the client is gone. */
struct weft_slice weft_grpc_server_call_household(const struct weft_grpc_server_call *call);

/* The first kept field of that name; empty if there is none. Until the call is answered. */
struct weft_slice weft_grpc_server_call_field(const struct weft_grpc_server_call *call, const char *name);

/* The kept fields in their order; *in_out_offset is 0 at first. False at the end. */
bool weft_grpc_server_call_next_field(const struct weft_grpc_server_call *call, size_t *in_out_offset,
                                      struct weft_slice *out_name, struct weft_slice *out_value);
