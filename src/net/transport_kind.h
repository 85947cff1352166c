#pragma once

#include "net/transport.h"

/* Inside of transport.h, for transport.c and net/tls/transport.c only. */
struct ssl_st;

struct weft_transport {
    const struct weft_transport_kind *kind;
    int descriptor;
    unsigned interest; /* see weft_transport_interest */
    char failure[160];
    struct ssl_st *tls;               /* NULL: plain, or a server whose client has not said anything yet */
    struct weft_tls_context *context; /* of a server: for then */
    bool is_handshake_done;
    bool has_heard;       /* the peer has begun to shake hands, with a whole record */
    uint8_t peek_count;   /* looks at the first record of a client while it was not whole */
    bool is_broken;       /* TLS: after a fatal error nothing more may be sent, not even close_notify */
    char alpn[16];        /* TLS: what the peer must have agreed to; "" = nothing */
    size_t pending_write; /* TLS: length of a record that the socket did not take; the next write begins with it */
};

struct weft_transport_kind {
    enum weft_io_result (*handshake)(struct weft_transport *transport);
    enum weft_io_result (*read)(struct weft_transport *transport, void *bytes, size_t capacity, size_t *out_length);
    enum weft_io_result (*write)(struct weft_transport *transport, const struct iovec *vectors, size_t vector_count,
                                 size_t *out_length);
    bool (*has_buffered)(const struct weft_transport *transport);
    void (*fini)(struct weft_transport *transport);
};

struct weft_transport *weft_transport_make(int descriptor, const struct weft_transport_kind *kind);
