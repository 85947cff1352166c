#pragma once

#include "ottl/run.h"

/* URLs and references as Go's net/url reads them, for the converter URL. All slices lie in the text or in run->memory;
 * what is not there is empty. */
struct weft_ottl_url {
    struct weft_slice original; /* written anew from its parts */
    struct weft_slice scheme, domain, path, query, fragment;
    struct weft_slice user_info, username, password;
    struct weft_slice port; /* digits */
    bool has_user, has_password;
};

/* WEFT_INVALID with run->error; WEFT_NOMEM. */
enum weft_status weft_ottl_url_read(struct weft_ottl_run *run, struct weft_slice text,
                                    struct weft_ottl_url *out_url) WEFT_MUST_CHECK;

/* A component of a query as it is meant: "+" is a space. */
enum weft_status weft_ottl_url_decode_query(struct weft_ottl_run *run, struct weft_slice text,
                                            struct weft_slice *out_decoded) WEFT_MUST_CHECK;
