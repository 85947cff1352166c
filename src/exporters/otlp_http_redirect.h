#pragma once

#include "net/address.h"

/* Where a redirect leads that keeps the method and the body (307, 308). Records go where the config says, so what is
 * followed is a path of the same origin, or of the same host over TLS where it was asked without. */
enum { WEFT_REDIRECT_TARGET_BYTES = 512 };

struct weft_redirect {
    struct weft_endpoint endpoint;
    bool is_upgrade; /* from http to https */
    char target[WEFT_REDIRECT_TARGET_BYTES];
};

/* Whether the code is one of a redirect that is a request again, with its body. */
bool weft_redirect_keeps_body(int code);

/* from: where the answer came from. location: the header, "" when there is none. WEFT_INVALID: it leads elsewhere, or
 * cannot be read; the text says which. */
enum weft_status weft_redirect_resolve(const struct weft_endpoint *from, const char *location,
                                       struct weft_redirect *out_redirect, struct weft_error *error) WEFT_MUST_CHECK;
