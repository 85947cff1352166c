#pragma once

#include "base/buffer.h"
#include "base/list.h"
#include "base/magic.h"
#include "base/timers.h"
#include "net/balancer.h"
#include "net/context.h"
#include "net/header.h"
#include "net/tls/tls.h"

/* An HTTP/1.1 client: keep-alive connections to one origin, one POST at a time on each. Body bytes are borrowed slices
 * that leave with the head in one writev; they must stay until on_done, and may go then: a request that ends early
 * takes its connection with it.
 *
 * A request takes an idle connection, of several addresses (balancer.h) that of the one whose turn it is, else the one
 * that became idle last; or it waits for the first to become free or ready. Attempts to connect are begun until there
 * are as many as requests that wait and one for each address, up to max_connections; when every address has failed,
 * each failed attempt ends the oldest request that waits. There is no back-off then: whoever starts requests pauses.
 * Redirects are the caller's to follow, cookies are not kept.
 *
 * A request that was given to a reused connection which then ends before the first byte of an answer is tried once more
 * by the client itself, on a fresh connection: servers close idle connections whenever they like. One thread. */
struct weft_http1_client;

struct weft_http1_client_settings {
    struct weft_endpoint endpoint;
    const struct weft_endpoint
        *proxy;                      /* an HTTP proxy to go through, plain; NULL = none; copied. With TLS by a tunnel */
    const char *proxy_authorization; /* for it; NULL = none; copied */
    const char *user_agent;          /* NULL = weft's own */
    /* Sent with each request; name NULL ends; copied. They replace what the client would write itself, but for what
     * frames the message: that is left out. */
    const struct weft_header *headers;
    enum weft_balancing balancing;
    int64_t look_up_interval_ns;   /* the name is looked up again; 0 = 1 min */
    uint32_t max_connections;      /* 0 = as many as there are requests */
    uint32_t max_idle_connections; /* 0 = no limit */
    int64_t idle_timeout_ns;       /* 0 = until the peer closes */
    bool disable_keep_alives;      /* a connection for each request */
    int64_t connect_timeout_ns;    /* look-up, connect and TLS; 0 = 30 s */
    size_t max_response_bytes;     /* kept of a body; 0 = 64 KiB */
};

enum { WEFT_HTTP1_TEXT_BYTES = 128, WEFT_HTTP1_LOCATION_BYTES = 512 };

/* How a request ended. Texts and body are valid during on_done. */
struct weft_http1_client_result {
    enum weft_status status; /* OK: code and body are the peer's answer; IO: connection failed or the answer is not
                                HTTP/1.1; TIMEOUT; CLOSED: cancelled; NOMEM */
    const char *failure;     /* for a person; "" when OK */
    int code;
    struct weft_slice body; /* its first max_response_bytes; decoded if it was coded */
    bool is_truncated;      /* the body was longer, or there was no memory for it, or it was coded so that it cannot be
                               decoded; it is empty in the latter case, and if it was both longer and coded */
    const char *content_type; /* these three "" when absent; cut to WEFT_HTTP1_TEXT_BYTES */
    const char *retry_after;
    const char *location; /* one that is longer than WEFT_HTTP1_LOCATION_BYTES is absent */
    /* The peer may have acted on the request and did not say how: resending may duplicate. True iff some try had given
     * its last byte to the socket and no whole answer to that try came. (So it can be true beside a code: then the
     * answer is to the second try.) */
    bool is_unconfirmed;
};

WEFT_MAGIC(http1_client_request, 0x01774e91);

/* What the client keeps for one request, inside the caller's struct, so that only bodies of answers allocate. */
struct weft_http1_client_request_state {
    uint32_t magic;        /* while the client has it */
    struct weft_list node; /* among the client's waiting or ended requests */
    struct weft_timer deadline_timer;
    struct weft_http1_client *client;
    struct weft_http1_client_connection *connection; /* while open */
    uint8_t phase;                                   /* enum weft_http1_client_request_phase */
    bool is_retried;
    bool has_unconfirmed;
    bool is_sent; /* this try: its last byte was given to the socket */
    enum weft_status status;
    int code;
    bool is_truncated;
    struct weft_buffer body;
    char failure[200];
    char content_type[WEFT_HTTP1_TEXT_BYTES];
    char retry_after[WEFT_HTTP1_TEXT_BYTES];
    char location[WEFT_HTTP1_LOCATION_BYTES];
};

struct weft_http1_client_request {
    const char *target; /* path and query */
    const char *content_type;
    const char *content_encoding; /* NULL = none */
    /* Borrowed; name NULL ends; may be NULL. They stand in the place of the client's of the same name; value NULL: none
     * of that name is sent. */
    const struct weft_header *headers;
    const struct weft_slice *slices; /* the body */
    size_t slice_count;
    size_t length;                  /* of the body */
    struct weft_monotonic deadline; /* WEFT_NEVER = none */
    /* Exactly once, never inside _start. */
    void (*on_done)(void *context, const struct weft_http1_client_result *result);
    void *context;
    struct weft_http1_client_request_state state; /* the client's own; zero at start and, from on_done on, again */
};

/* settings' strings are copied; tls may be NULL (plaintext), asks for ALPN http/1.1, and outlives the client. */
struct weft_http1_client *weft_http1_client_new(const struct weft_net_context *net,
                                                const struct weft_http1_client_settings *settings,
                                                struct weft_tls_context *tls);

/* The same while it runs, where net has a resolver. NULL: no memory. */
struct weft_http1_client *weft_http1_client_try_new(const struct weft_net_context *net,
                                                    const struct weft_http1_client_settings *settings,
                                                    struct weft_tls_context *tls) WEFT_MUST_CHECK;

/* Requests under way end with CLOSED first (on_done is called; what it starts ends likewise). Not inside an on_done of
 * this client. */
void weft_http1_client_free(struct weft_http1_client *client);

/* The request struct stays in place, and its bytes too, until on_done. */
void weft_http1_client_start(struct weft_http1_client *client, struct weft_http1_client_request *request);

/* Closes its connection if it is open; on_done is called (CLOSED) at the end of the tick. */
void weft_http1_client_cancel(struct weft_http1_client *client, struct weft_http1_client_request *request);

struct weft_http1_client_state {
    uint32_t connections_ready; /* idle or busy */
    uint32_t requests_open;
    uint32_t addresses, addresses_left_out;
    uint64_t connects, connect_failures, bytes_sent, retries;
    char last_failure[160]; /* to connect; "" after a success */
};
void weft_http1_client_read_state(const struct weft_http1_client *client, struct weft_http1_client_state *out_state);
