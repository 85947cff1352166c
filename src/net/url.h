#pragma once

#include "base/slice.h"
#include "net/address.h"

/* An http:// or https:// URL as an exporter's config writes it: where to connect to, and what to ask for there. */
struct weft_url {
    struct weft_endpoint endpoint; /* wants_tls says which scheme; the port is 80 or 443 if none was written */
    struct weft_slice path;        /* of the text; may be empty, else begins with '/' */
    struct weft_slice query;       /* of the text, without '?' */
    bool has_query;
};

/* WEFT_INVALID: another scheme or none, a user name, a character that must be escaped, no host. A fragment is cut off.
 * text outlives the URL. */
enum weft_status weft_url_parse(const char *text, struct weft_url *out_url, struct weft_error *error) WEFT_MUST_CHECK;

/* What a request line asks for: the path with suffix appended (a '/' between them is not doubled; "" = "/"), then the
 * query. Heap string; start-up. */
char *weft_url_target(const struct weft_url *url, const char *suffix);
