#pragma once

#include "net/http1/server.h"

/* Which of a service's paths a request is for, and what is said to one that is for none: a table, looked at from the
 * first row on. HEAD is taken where GET is; the server leaves its body out. Holds nothing of its own. */
enum {
    WEFT_HTTP1_GET = 1u << 0, /* and HEAD */
    WEFT_HTTP1_POST = 1u << 1,
    WEFT_HTTP1_ANY_METHOD = ~0u,
};

struct weft_http1_match;

/* Answers with weft_http1_server_exchange_reply, now or later. */
typedef void (*weft_http1_route_fn)(void *context, struct weft_http1_server_exchange *exchange,
                                    const struct weft_http1_server_request *request,
                                    const struct weft_http1_match *match);

struct weft_http1_route {
    const char *path; /* the first '/' may be left out */
    bool is_tree;     /* ends with '/' and stands for all that begins with it */
    unsigned methods; /* OR of WEFT_HTTP1_* */
    weft_http1_route_fn on_request;
    const void *subject; /* the service's own */
};

enum weft_http1_verdict {
    WEFT_HTTP1_NOT_FOUND,
    WEFT_HTTP1_WRONG_METHOD,
    WEFT_HTTP1_PREFLIGHT, /* of CORS, for whatever path */
    WEFT_HTTP1_FOUND,
};

struct weft_http1_match {
    enum weft_http1_verdict verdict;
    const struct weft_http1_route *route; /* where the path is one; else NULL */
    struct weft_slice below;              /* what follows a tree's path; as long as the request */
};

struct weft_http1_routes {
    const struct weft_http1_route *rows; /* outlive the server */
    size_t count;

    /* Answers 404 and 405 in the service's words. headers: lines, for a 405 with Allow; never NULL. */
    void (*on_refused)(void *context, struct weft_http1_server_exchange *exchange, int code, const char *headers);

    /* Answers a preflight; NULL: OPTIONS is a method like any other. */
    void (*on_preflight)(void *context, struct weft_http1_server_exchange *exchange);
};

/* As soon as the head is there. exchange is looked at for preflights only. */
struct weft_http1_match weft_http1_routes_find(const struct weft_http1_routes *routes,
                                               const struct weft_http1_server_exchange *exchange,
                                               const struct weft_http1_server_request *request);

/* wants_body of the server's settings, for a service none of whose routes wants one. */
bool weft_http1_routes_want_no_body(void *context, struct weft_http1_server_exchange *exchange,
                                    const struct weft_http1_server_request *request);

/* Calls the row's on_request, or the one that says why there is none. */
void weft_http1_routes_serve(const struct weft_http1_routes *routes, const struct weft_http1_match *match,
                             void *context, struct weft_http1_server_exchange *exchange,
                             const struct weft_http1_server_request *request);
