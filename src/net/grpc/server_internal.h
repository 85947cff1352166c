#pragma once

#include <nghttp2/nghttp2.h>

#include "base/buffer.h"
#include "base/magic.h"
#include "net/body_credit.h"
#include "net/grpc/server.h"
#include "net/guests.h"
#include "net/http2/limits.h"
#include "net/http2/output.h"
#include "net/transport.h"

/* Inside of the gRPC server, for its own files only: server.c (the object and its list of connections),
 * server_connection.c (I/O), server_clock.c (deadlines), server_session.c (nghttp2),
 * server_call.c (reading a request), server_fields.c (what the service sees of its header) and server_reply.c
 * (answering it). */

WEFT_MAGIC(grpc_server, 0x06e45e41);

struct weft_grpc_server {
    uint32_t magic;
    struct weft_net_context net;
    struct weft_grpc_server_settings settings; /* zeros replaced by defaults */
    const struct weft_grpc_server_method *methods;
    struct weft_tls_context *tls;
    struct weft_grpc_server_counters counters;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    struct weft_guests guests;    /* which connections give way to others */
    struct weft_list connections; /* in order of arrival */
    struct weft_list closed;      /* freed at the end of the tick */
    size_t connection_count;
    size_t window_credit_used;                    /* by connection windows above their first size */
    struct weft_body_credit *bodies, *own_bodies; /* own: NULL if the worker has one */
    bool is_reading;
    bool is_draining;
    void (*on_drained)(void *context);
    void *drained_context;
    struct weft_deferred drained; /* tells that nothing is left */
};

enum weft_grpc_server_phase {
    WEFT_GRPC_SERVER_HANDSHAKE, /* TLS */
    WEFT_GRPC_SERVER_PREFACE,   /* waits for the client's magic and SETTINGS */
    WEFT_GRPC_SERVER_OPEN,
    WEFT_GRPC_SERVER_LEAVING,   /* GOAWAY is sent or on its way; open calls finish */
    WEFT_GRPC_SERVER_ENDING,    /* nothing more is read as HTTP/2; what is queued goes out */
    WEFT_GRPC_SERVER_LINGERING, /* our side is shut; input is thrown away, so that no reset overtakes the GOAWAY */
    WEFT_GRPC_SERVER_CLOSED,    /* freed at the end of the tick */
};

WEFT_MAGIC(grpc_server_connection, 0x06e4c041);

struct weft_grpc_server_connection {
    struct weft_list node;
    struct weft_guest guest; /* of none without a transport */
    uint32_t magic;
    struct weft_grpc_server *server;
    enum weft_grpc_server_phase phase;
    struct weft_transport
        *transport; /* NULL: bytes are brought by weft_grpc_server_connection_receive (tests, fuzzing) */
    struct weft_watch *watch;
    nghttp2_session *session;
    struct weft_http2_memory memory; /* of the session */
    struct weft_http2_output output;
    struct weft_http2_meter meter;
    struct weft_http2_errors errors;
    struct weft_http2_excess excess;
    struct weft_list calls;
    size_t call_count, served_count; /* all; those that the service has */
    size_t begun_count;              /* those whose messages are not complete */
    size_t read_bytes;               /* of the next read at most; 0: the first one */
    struct weft_deferred turn;       /* at the end of the tick: writes, closes, frees */
    bool must_read;                  /* input waits although the socket may not become readable */
    bool is_broken;                  /* a session call failed for good; close after the callback */
    enum weft_http2_flood flood;     /* found inside a callback; acted on after it */
    struct weft_timer timer;
    struct weft_monotonic opened, phase_entered, last_read, idle_since;
    struct weft_monotonic last_progress; /* of writing: the output was empty, or some of it went out */
    uint64_t bytes_sent;
    struct weft_monotonic ping_sent; /* ns 0 = none is open */
    int64_t age_limit_ns;            /* with jitter */
    struct weft_monotonic last_ping; /* received; ns 0 = none since we last sent something */
    uint32_t ping_strikes;
    uint32_t stalled_calls;
    bool is_notice_seen; /* the client has answered the first GOAWAY, or had its time: the final one is due */
    bool has_final_goaway;
    int32_t last_stream_id; /* that the final one names; later ones are not served */
    bool has_spoken;        /* something came from it */
    bool has_called;        /* the headers of a call have come */
    bool has_answered;      /* a service has answered one of its calls */
    size_t stream_window, connection_window;
    size_t window_credit;
    struct weft_body_address *address; /* NULL: no call has begun */
    char peer[64];
};

/* How long a peer may leave an answer unread because of its windows. */
#define WEFT_GRPC_ANSWER_TIMEOUT_NS (10 * WEFT_NS_PER_S)

enum weft_grpc_server_call_phase {
    WEFT_GRPC_SERVER_CALL_HEADERS,
    WEFT_GRPC_SERVER_CALL_BODY,
    WEFT_GRPC_SERVER_CALL_SERVING,  /* the service has it */
    WEFT_GRPC_SERVER_CALL_ANSWERED, /* the answer is queued; more input is thrown away */
};

WEFT_MAGIC(grpc_server_call, 0x06e4ca11);

struct weft_grpc_server_call {
    struct weft_list node;
    uint32_t magic;
    struct weft_grpc_server_connection *connection; /* NULL once the stream is gone */
    int32_t stream_id;
    enum weft_grpc_server_call_phase phase;
    bool is_with_service;

    /* Request headers, taken apart as they come. */
    uint32_t field_count;
    size_t field_bytes; /* with 32 per field, as RFC 9113 6.5.2 counts */
    bool is_post, is_grpc, has_bad_timeout, has_bad_encoding;
    enum weft_encoding encoding;
    const struct weft_grpc_server_method *method; /* NULL = unknown path */
    int64_t timeout_ns;                           /* -1 = none */
    struct weft_monotonic deadline;
    struct weft_buffer fields; /* those that are kept: two lengths, name, value (server_fields.c) */

    /* Length-prefixed message. */
    uint8_t prefix[5];
    size_t prefix_length;
    size_t declared_bytes;
    struct weft_payload *message;
    struct weft_payload *wire; /* the message as it came in, once it is inflated; until the service has it */

    uint64_t service_state[WEFT_GRPC_SERVER_CALL_STATE_BYTES / sizeof(uint64_t)];

    struct weft_timer timer; /* headers, body, then the answer's way out */
    struct weft_monotonic phase_entered;
    size_t received_bytes;
    struct weft_body body; /* in the account of half received messages */
    size_t withheld_bytes; /* taken from the stream's window and not given back yet */

    /* Answer. */
    uint8_t small_reply[64];
    uint8_t *reply; /* prefix and message; small_reply or from the heap */
    size_t reply_length, reply_sent;
    bool has_ended_remotely; /* END_STREAM came */
    char peer[64];
};

/* From the server's lists. */
static inline struct weft_grpc_server_connection *weft_grpc_server_connection_of(struct weft_list *node)
{
    struct weft_grpc_server_connection *connection = WEFT_CONTAINER_OF(node, struct weft_grpc_server_connection, node);
    weft_check_magic(connection, grpc_server_connection);
    return connection;
}

/* From a connection's. */
static inline struct weft_grpc_server_call *weft_grpc_server_call_of(struct weft_list *node)
{
    struct weft_grpc_server_call *call = WEFT_CONTAINER_OF(node, struct weft_grpc_server_call, node);
    weft_check_magic(call, grpc_server_call);
    return call;
}

static inline size_t weft_grpc_server_smaller(size_t left, size_t right)
{
    return left < right ? left : right;
}

/* server.c: the connection has moved to `closed`. */
void weft_grpc_server_note_closed(struct weft_grpc_server *server);

/* server_connection.c */
struct weft_grpc_server_connection *weft_grpc_server_connection_new(struct weft_grpc_server *server,
                                                                    struct weft_transport *transport);

/* Reads what it may have sent already. */
void weft_grpc_server_connection_begin(struct weft_grpc_server_connection *connection);

/* Bytes of the HTTP/2 connection, in order, whatever brought them. The connection may be closed afterwards. */
void weft_grpc_server_connection_receive(struct weft_grpc_server_connection *connection, struct weft_slice bytes);

/* Who it is among the guests, after anything that changes it. */
void weft_grpc_server_connection_rank(struct weft_grpc_server_connection *connection);

/* Its turn comes at the end of the tick. Safe anywhere. */
void weft_grpc_server_connection_attend(struct weft_grpc_server_connection *connection);

/* Detaches the calls, stops everything; the struct is freed at the end of the tick. Not inside nghttp2's callbacks. */
void weft_grpc_server_connection_close(struct weft_grpc_server_connection *connection);

/* GOAWAY ENHANCE_YOUR_CALM and an end; counted as a flood. Not inside nghttp2's callbacks: set ->flood there. */
void weft_grpc_server_connection_calm(struct weft_grpc_server_connection *connection, enum weft_http2_flood flood);
void weft_grpc_server_connection_set_phase(struct weft_grpc_server_connection *connection,
                                           enum weft_grpc_server_phase phase);
/* What the socket is watched for, after anything that changes it. */
void weft_grpc_server_connection_watch(struct weft_grpc_server_connection *connection);

/* Reading goes on after a pause: what was buffered meanwhile, and clocks that must not count the pause. */
void weft_grpc_server_connection_resume(struct weft_grpc_server_connection *connection);

/* GOAWAY; open calls may finish. */
void weft_grpc_server_connection_leave(struct weft_grpc_server_connection *connection);

/* Frees at once; only when nothing of it is on the stack. */
void weft_grpc_server_connection_free(struct weft_grpc_server_connection *connection);

/* server_clock.c: the connection's one timer. */
void weft_grpc_server_connection_on_timer(void *context);
void weft_grpc_server_connection_set_timer(struct weft_grpc_server_connection *connection);
struct weft_monotonic weft_grpc_server_now(const struct weft_grpc_server *server);

/* server_session.c */
nghttp2_session_callbacks *weft_grpc_server_callbacks(void);
nghttp2_option *weft_grpc_server_options(void);
enum weft_status weft_grpc_server_session_start(struct weft_grpc_server_connection *connection) WEFT_MUST_CHECK;

/* What the ping behind the first GOAWAY carries, and so its answer. */
extern const uint8_t weft_grpc_server_notice_ping[8];

/* The second GOAWAY of an orderly end, with the last stream that will be answered. Not inside nghttp2's callbacks:
 * streams that stand in the same read behind what led here were sent before the client could know of it. */
void weft_grpc_server_session_end_streams(struct weft_grpc_server_connection *connection);

/* Makes the windows large enough for a message of this length, as far as limits and credit allow. */
void weft_grpc_server_session_grow(struct weft_grpc_server_connection *connection, size_t message_bytes);

/* server_call.c */

/* Whether one more may begin, maybe in another's place. */
bool weft_grpc_server_call_has_place(struct weft_grpc_server_connection *connection);
struct weft_grpc_server_call *weft_grpc_server_call_try_new(struct weft_grpc_server_connection *connection,
                                                            int32_t stream_id);

/* False: a limit on headers is exceeded. */
bool weft_grpc_server_call_take_header(struct weft_grpc_server_call *call, struct weft_slice name,
                                       struct weft_slice value);
void weft_grpc_server_call_take_headers_end(struct weft_grpc_server_call *call);

/* server_fields.c. False: no memory for it. */
bool weft_grpc_server_call_keep_field(struct weft_grpc_server_call *call, struct weft_slice name,
                                      struct weft_slice value);
void weft_grpc_server_call_take_data(struct weft_grpc_server_call *call, struct weft_slice bytes);
void weft_grpc_server_call_take_end(struct weft_grpc_server_call *call);

/* How many bytes more the peer may send after these, and whatever it was not allowed before. 0: it waits. */
size_t weft_grpc_server_call_refill(struct weft_grpc_server_call *call, size_t length);

/* The message is complete, or will never be: it is not in the account of those that are half received any more. */
void weft_grpc_server_call_end_partial(struct weft_grpc_server_call *call);

/* The deadline of its phase begins again. */
void weft_grpc_server_call_restart_clock(struct weft_grpc_server_call *call);

/* The stream is gone: no answer can reach the peer. Frees the call unless the service still has it. */
void weft_grpc_server_call_detach(struct weft_grpc_server_call *call);

/* Neither its connection nor the service has it any more. */
void weft_grpc_server_call_free(struct weft_grpc_server_call *call);

/* server_reply.c */
void weft_grpc_server_call_refuse(struct weft_grpc_server_call *call, int grpc_status, const char *format, ...)
    WEFT_PRINTF(3, 4);

/* The same for what is not gRPC. The text is short, and a literal. */
void weft_grpc_server_call_refuse_http(struct weft_grpc_server_call *call, int http_status, int grpc_status,
                                       const char *text);

/* UNAVAILABLE, with what the settings say of coming again. */
void weft_grpc_server_call_shed(struct weft_grpc_server_call *call);
