#pragma once

#include "net/http1/routes.h"
#include "pipeline/authenticator.h"

/* Who may see the pages of an extension: asked before anything else of a request is looked at, so that who is not let
 * in learns of no path. Of those whose credentials take time 64 wait at most, and others are told 503. Embedded in the
 * extension; one worker. */
struct weft_page_guard {
    struct weft_auth_server *auth; /* NULL: anybody */
    const struct weft_http1_routes *routes;
    void *context;            /* of the routes */
    struct weft_list waiting; /* whose credentials are being looked at */
    size_t waiting_count;
};

/* authenticator: NULL = none. Routes, whose handlers must not look at the request, and context outlive the guard. */
void weft_page_guard_init(struct weft_page_guard *guard, struct weft_authenticator *authenticator,
                          struct weft_host *host, const struct weft_http1_routes *routes, void *context);

/* Before the server is freed. */
void weft_page_guard_fini(struct weft_page_guard *guard);

/* The server's on_request. */
void weft_page_guard_serve(struct weft_page_guard *guard, struct weft_http1_server_exchange *exchange,
                           const struct weft_http1_server_request *request);
