#pragma once

#include "net/address.h"

/* A listening socket that a receiver shares between workers. The acceptor watches it; the receiver opens and closes it.
 */
struct weft_listener {
    int descriptor; /* -1: not open, or closed because a reload or the end of the process took the receiver out */
};

/* Opens a listening socket, or joins the one that this process has at the same endpoint: in a reload a changed receiver
 * so takes over the socket of the one that it replaces, with the connections that wait in it. Where this process has
 * the port at overlapping addresses both listen for a while. Any thread; status and error as weft_listen. */
enum weft_status weft_listener_open(const struct weft_endpoint *endpoint, int backlog,
                                    struct weft_listener *out_listener, struct weft_error *error) WEFT_MUST_CHECK;

/* Harmless when it is not open. The last of those that share a socket closes it, and removes a unix socket's path. */
void weft_listener_close(struct weft_listener *listener);

/* True if clients could reach either at the same address: fine between the receiver that goes and the one that comes,
 * but not for two that are to stay. */
bool weft_listeners_collide(const struct weft_listener *left, const struct weft_listener *right);
