/* Routes of a service over HTTP/1 (routes.h). Called by the services, not by the server: some judge more of a head than
 * its path before they want a body. */
#include "net/http1/routes.h"

#include <stdio.h>

static const struct {
    const char *name;
    unsigned bit;
} methods[] = {
    { "GET", WEFT_HTTP1_GET },
    { "HEAD", WEFT_HTTP1_GET },
    { "POST", WEFT_HTTP1_POST },
};

enum { ALLOW_BYTES = 64 };

static bool is_at(const struct weft_http1_route *route, struct weft_slice path, struct weft_slice *out_below)
{
    struct weft_slice own = weft_slice_of_text(route->path);
    size_t skipped = own.length > 0 && own.bytes[0] == '/' ? 0 : 1;
    size_t length = own.length + skipped;
    bool is_path = path.length >= length && path.length > 0 && path.bytes[0] == '/'; /* not "*" */
    if (!is_path || memcmp(path.bytes + skipped, own.bytes, own.length) != 0) {
        return false;
    }
    *out_below = weft_slice_of(path.bytes + length, path.length - length);
    return route->is_tree || out_below->length == 0;
}

static bool takes_method(const struct weft_http1_route *route, struct weft_slice method)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(methods); i++) {
        if (weft_slice_equal_text(method, methods[i].name)) {
            return (route->methods & methods[i].bit) != 0;
        }
    }
    return route->methods == WEFT_HTTP1_ANY_METHOD;
}

static bool is_preflight(const struct weft_http1_server_exchange *exchange,
                         const struct weft_http1_server_request *request)
{
    return weft_slice_equal_text(request->method, "OPTIONS") &&
           weft_http1_server_exchange_header(exchange, "access-control-request-method").length > 0;
}

struct weft_http1_match weft_http1_routes_find(const struct weft_http1_routes *routes,
                                               const struct weft_http1_server_exchange *exchange,
                                               const struct weft_http1_server_request *request)
{
    struct weft_http1_match match = { .verdict = WEFT_HTTP1_NOT_FOUND };
    if (routes->on_preflight != NULL && is_preflight(exchange, request)) {
        match.verdict = WEFT_HTTP1_PREFLIGHT;
        return match;
    }
    for (size_t i = 0; i < routes->count && match.verdict != WEFT_HTTP1_FOUND; i++) {
        const struct weft_http1_route *route = &routes->rows[i];
        struct weft_slice below;
        if (!is_at(route, request->path, &below)) {
            continue;
        }
        bool is_taken = takes_method(route, request->method);
        match = (struct weft_http1_match){ .verdict = is_taken ? WEFT_HTTP1_FOUND : WEFT_HTTP1_WRONG_METHOD,
                                           .route = route,
                                           .below = below };
    }
    return match;
}

bool weft_http1_routes_want_no_body(void *context, struct weft_http1_server_exchange *exchange,
                                    const struct weft_http1_server_request *request)
{
    (void)context;
    (void)exchange;
    (void)request;
    return false;
}

/* All that is allowed at the path, which may stand in several rows. */
static void write_allow(const struct weft_http1_routes *routes, const char *path, char *out_line)
{
    unsigned allowed = 0;
    for (size_t i = 0; i < routes->count; i++) {
        allowed |= strcmp(routes->rows[i].path, path) == 0 ? routes->rows[i].methods : 0;
    }
    size_t length = 0;
    for (size_t i = 0; i < WEFT_COUNT_OF(methods); i++) {
        if ((allowed & methods[i].bit) != 0) {
            length += (size_t)snprintf(out_line + length, ALLOW_BYTES - length, "%s%s", length == 0 ? "Allow: " : ", ",
                                       methods[i].name);
        }
    }
    snprintf(out_line + length, ALLOW_BYTES - length, "\r\n");
}

void weft_http1_routes_serve(const struct weft_http1_routes *routes, const struct weft_http1_match *match,
                             void *context, struct weft_http1_server_exchange *exchange,
                             const struct weft_http1_server_request *request)
{
    char allow[ALLOW_BYTES];
    switch (match->verdict) {
    case WEFT_HTTP1_FOUND:
        match->route->on_request(context, exchange, request, match);
        return;
    case WEFT_HTTP1_PREFLIGHT:
        routes->on_preflight(context, exchange);
        return;
    case WEFT_HTTP1_WRONG_METHOD:
        write_allow(routes, match->route->path, allow);
        routes->on_refused(context, exchange, 405, allow);
        return;
    case WEFT_HTTP1_NOT_FOUND:
        routes->on_refused(context, exchange, 404, "");
        return;
    }
}
