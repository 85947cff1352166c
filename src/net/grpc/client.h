#pragma once

#include "base/compression.h"
#include "base/list.h"
#include "base/magic.h"
#include "base/timers.h"
#include "net/balancer.h"
#include "net/context.h"
#include "net/header.h"
#include "net/tls/tls.h"

/* A gRPC client: a few HTTP/2 connections to one endpoint, kept alive and made again after failures. Unary
 * calls. Message bytes are borrowed slices sent with NO_COPY DATA and one large writev; they must stay until
 * on_done, and may go then: what a connection still has to send of a call that ended early is copied, or the
 * connection closed.
 *
 * The first connection is made by the first call; then each address of the endpoint gets one (balancer.h), and a
 * further one is made when no connection has room or the least busy one has four calls open. A stream that the peer
 * says it did not process (REFUSED_STREAM, GOAWAY) is tried once more by the client itself. Calls that wait are bounded
 * by whoever starts them. One thread. */
struct weft_grpc_client;

struct weft_grpc_client_settings {
    struct weft_endpoint endpoint;
    const char *authority; /* NULL = from the endpoint */
    const char *user_agent;
    const struct weft_header *headers; /* sent with each call; name NULL ends; copied */
    enum weft_balancing balancing;
    int64_t look_up_interval_ns;                     /* the name is looked up again; 0 = 1 min */
    uint32_t connection_count;                       /* with fewer addresses than that; 0 = 2 */
    uint32_t max_streams_per_connection;             /* 0 = what the peer allows, at most 100 */
    int64_t keepalive_time_ns, keepalive_timeout_ns; /* 0 = no pings */
    bool permit_pings_without_stream;
    int64_t connect_timeout_ns;                 /* 0 = 20 s */
    int64_t reconnect_min_ns, reconnect_max_ns; /* 0 = 1 s, 120 s as gRPC's connection backoff; jittered */
    size_t max_response_bytes;                  /* 0 = 4 MiB */
    bool wait_for_ready; /* true: calls wait for a connection (until their deadline); false: fail UNAVAILABLE
                            while the client is in failure back-off */
};

/* How a call ended. */
struct weft_grpc_client_result {
    int grpc_status;            /* 0 = OK; 14 when the connection failed */
    const char *message;        /* decoded text, "" if none */
    struct weft_slice response; /* response message (inflated), on OK */
    bool is_truncated;          /* it was larger than max_response_bytes (up to 16 times: else RESOURCE_EXHAUSTED): its
                                   start, or nothing if it is compressed */
    struct weft_slice details;  /* decoded grpc-status-details-bin: an encoded google.rpc.Status; empty if none */
    bool is_unconfirmed;        /* the peer may have acted on the request and did not say how: resending may
                                   duplicate. True only if the request's last byte (END_STREAM) was given to the
                                   socket, for without it the peer cannot have the whole message; false if the peer
                                   answered (grpc-status, or HTTP 4xx or 503 from what stands between) or said that
                                   it did not process the stream (GOAWAY's last-stream-id, REFUSED_STREAM). */
};

WEFT_MAGIC(grpc_client_request, 0x06e44e91);

/* What the client keeps for one call, inside the caller's request, so that a call allocates nothing of its
 * own. */
struct weft_grpc_client_call {
    uint32_t magic;        /* while the client has it */
    struct weft_list node; /* among the client's waiting or ended calls, or its connection's open ones */
    struct weft_timer deadline_timer;
    struct weft_grpc_client *client;
    struct weft_grpc_client_connection *connection; /* while open */
    int32_t stream_id;
    uint8_t phase;   /* enum weft_grpc_client_phase */
    bool is_retried; /* transparently, after the peer said that it did not process the stream */
    bool has_begun;  /* its HEADERS are in the connection's output */
    struct {
        uint8_t prefix[5];
        bool has_ended; /* its last bytes are in the connection's output */
        size_t slice_index, slice_offset;
        size_t position;       /* of prefix + message */
        uint64_t end_position; /* in the connection's stream of bytes, once has_ended */
    } sent;
    struct {
        int http_status;
        int grpc_status; /* -1 = none yet */
        enum weft_encoding encoding;
        bool has_unknown_encoding;
        uint8_t prefix[5];
        uint8_t prefix_length;
        size_t message_length;
        size_t skipped_length; /* of the message, beyond max_response_bytes */
        bool is_truncated;
        struct weft_payload *message; /* as received, then inflated; NULL if empty */
        char *text;
        uint8_t *details;
        size_t details_length;
    } received;
    int grpc_status; /* once ended */
    bool is_unconfirmed;
};

struct weft_grpc_client_request {
    const char *path;
    const struct weft_slice *slices; /* the message, already encoded as `encoding` says */
    size_t slice_count;
    size_t length; /* of the message */
    enum weft_encoding encoding;
    struct weft_monotonic deadline; /* WEFT_NEVER = none; sent as grpc-timeout */
    /* Borrowed; name NULL ends, at most 32; may be NULL. They stand in the place of the client's of the same name. */
    const struct weft_header *headers;
    /* Exactly once, never inside _start; the result is valid during the call. */
    void (*on_done)(void *context, const struct weft_grpc_client_result *result);
    void *context;
    struct weft_grpc_client_call state; /* the client's own; zero at start and, from on_done on, again */
};

/* settings' strings are copied; tls may be NULL (plaintext) and outlives the client. Connections are made on
 * first use. */
struct weft_grpc_client *weft_grpc_client_new(const struct weft_net_context *net,
                                              const struct weft_grpc_client_settings *settings,
                                              struct weft_tls_context *tls);

/* Requests under way end with CANCELLED (1) first (on_done is called; what it starts ends likewise). Not
 * inside an on_done of this client. */
void weft_grpc_client_free(struct weft_grpc_client *client);

/* The request struct stays in place, and its bytes too, until on_done. */
void weft_grpc_client_start(struct weft_grpc_client *client, struct weft_grpc_client_request *request);

/* Resets the stream if it is open; on_done is called (CANCELLED) at the end of the tick. */
void weft_grpc_client_cancel(struct weft_grpc_client *client, struct weft_grpc_client_request *request);

struct weft_grpc_client_state {
    uint32_t connections_ready;
    uint32_t calls_open;
    uint32_t addresses, addresses_left_out;
    uint64_t connects, connect_failures, bytes_sent;
    char last_failure[160]; /* to connect, or of a connection with calls; "" once there is one again */
};
void weft_grpc_client_read_state(const struct weft_grpc_client *client, struct weft_grpc_client_state *out_state);
