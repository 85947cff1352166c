#pragma once

#include "net/balancer.h"
#include "net/loop.h"
#include "net/transport.h"
#include "net/tunnel.h"

/* One attempt to connect: an address from the balancer, a socket, a proxy's tunnel if there is one, TLS. Embedded in a
 * client's connection, whose own greeting may still turn out that the address will not do (weft_dialer_fail). No
 * callback runs inside weft_dialer_start. One thread. */
struct weft_dialer_operations {
    /* Connected, the TLS handshake included; the transport is the callee's. The deadline runs until
     * weft_dialer_succeed. */
    void (*on_connected)(void *context, struct weft_transport *own_transport);
    /* Before on_connected or, if the deadline passes or weft_dialer_fail is called, after it. */
    void (*on_failed)(void *context, const char *reason);
};

struct weft_dialer_settings {
    struct weft_loop *loop;
    struct weft_balancer *balancer;
    struct weft_tls_context *tls; /* NULL = plaintext */
    const char *peer_name;        /* for TLS; outlives the dialer */
    const char *tunnel_request; /* to be asked of a proxy, which the balancer's endpoint is; NULL = none; outlives it */
    int64_t timeout_ns;         /* shared by the addresses that have not failed yet */
};

enum weft_dialer_phase {
    WEFT_DIALER_LOOKING_UP,
    WEFT_DIALER_CONNECTING,
    WEFT_DIALER_TUNNELING,
    WEFT_DIALER_HANDSHAKING,
    WEFT_DIALER_CONNECTED, /* the caller has the transport */
    WEFT_DIALER_ENDED,     /* succeeded, failed or stopped */
};

WEFT_MAGIC(dialer, 0x0d1a1e40);

struct weft_dialer {
    uint32_t magic;
    struct weft_dialer_settings settings;
    const struct weft_dialer_operations *operations;
    void *context;
    enum weft_dialer_phase phase;
    struct weft_monotonic started;
    struct weft_balancer_wait wait;
    struct weft_balancer_address *address; /* until weft_dialer_stop; NULL = none */
    int descriptor;
    struct weft_tunnel *tunnel; /* while it is asked for */
    struct weft_transport *transport;
    struct weft_watch *watch;
    struct weft_timer timer;
};

/* operations and context outlive the dialer. */
void weft_dialer_start(struct weft_dialer *dialer, const struct weft_dialer_settings *settings,
                       const struct weft_dialer_operations *operations, void *context);

/* After on_connected: the peer says what it should. The address stays the dialer's. */
void weft_dialer_succeed(struct weft_dialer *dialer);

/* After on_connected: it does not. on_failed is called. */
void weft_dialer_fail(struct weft_dialer *dialer, const char *reason);

/* Whatever it does, it does not do it any more, and the address is given back. Harmless when it was never started. */
void weft_dialer_stop(struct weft_dialer *dialer);

/* Whether the endpoint's name still means the address that it has. */
bool weft_dialer_is_listed(const struct weft_dialer *dialer);
