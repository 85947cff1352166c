#pragma once

#include "net/http1/client.h"

/* `proxy_url` of an HTTP client: where the proxy is and how to say who we are. */
struct weft_proxy {
    struct weft_endpoint endpoint;
    char *authorization; /* the value of Proxy-Authorization; NULL = none */
};

/* text NULL or "": *out_proxy is all zero. WEFT_INVALID; WEFT_UNSUPPORTED for a proxy that is not spoken to in plain
 * HTTP. Neither tells the password. */
enum weft_status weft_proxy_parse(const char *text, struct weft_proxy *out_proxy,
                                  struct weft_error *error) WEFT_MUST_CHECK;
void weft_proxy_fini(struct weft_proxy *proxy);
