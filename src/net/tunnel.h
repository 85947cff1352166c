#pragma once

#include <stddef.h>

#include "net/transport.h"

/* The way through an HTTP proxy to where TLS begins: CONNECT (RFC 9110 9.3.6) over a socket that is connected to the
 * proxy. Embedded in a dialer; plain data. */
enum { WEFT_TUNNEL_ANSWER_BYTES = 4096 }; /* the largest head of an answer */

struct weft_tunnel {
    const char *request; /* all of it, with the empty line; outlives the tunnel */
    size_t sent;
    char answer[WEFT_TUNNEL_ANSWER_BYTES + 1];
    size_t length;
    char failure[120];
};

/* DONE: what comes next is the other side's. AGAIN: wait for what weft_tunnel_interest says. FAILED: the text is in
 * failure. */
enum weft_io_result weft_tunnel_advance(struct weft_tunnel *tunnel, int descriptor);
unsigned weft_tunnel_interest(const struct weft_tunnel *tunnel);
