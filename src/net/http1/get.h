#pragma once

#include "base/buffer.h"
#include "net/address.h"

/* One blocking GET of a running agent on this machine (`weft ledger`): plain TCP on a loopback or literal address, or a
 * unix socket. Not for use within a loop, and not a general client: one request, one connection, no redirects. */
struct weft_http1_get_settings {
    int64_t timeout_ns;    /* for all of it; 0 = 5 s */
    size_t max_body_bytes; /* 0 = 16 MiB */
};

/* target: path and query. The body, whatever the code, is appended to out_body (initialised by the caller; on failure
 * it may hold a part). WEFT_IO: nobody listens, or the connection broke; WEFT_TIMEOUT; WEFT_LIMIT: a larger body;
 * WEFT_INVALID: not an HTTP/1.1 answer, or an endpoint that is a name other than localhost; WEFT_NOMEM. */
enum weft_status weft_http1_get(const struct weft_endpoint *endpoint, const char *target,
                                const struct weft_http1_get_settings *settings, int *out_code,
                                struct weft_buffer *out_body, struct weft_error *error) WEFT_MUST_CHECK;
