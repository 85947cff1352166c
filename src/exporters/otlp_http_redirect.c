/* Reading where a redirect leads (otlp_http_redirect.h; RFC 9110 10.2.2). Relative paths without a leading '/' are not
 * read: no backend is known that sends them. */
#include "exporters/otlp_http_redirect.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/url.h"

bool weft_redirect_keeps_body(int code)
{
    return code == 307 || code == 308;
}

/* The location as a whole URL of the origin that answered, were it only a path. False: it has no room, or is neither.
 */
static bool make_absolute(const struct weft_endpoint *from, const char *location, char *out_text, size_t capacity)
{
    const char *scheme = from->wants_tls ? "https" : "http";
    bool is_v6 = strchr(from->host, ':') != NULL;
    int length = -1;
    if (strncmp(location, "//", 2) == 0) {
        length = snprintf(out_text, capacity, "%s:%s", scheme, location);
    } else if (location[0] == '/') {
        length = snprintf(out_text, capacity, "%s://%s%s%s:%u%s", scheme, is_v6 ? "[" : "", from->host,
                          is_v6 ? "]" : "", from->port, location);
    } else if (strstr(location, "://") != NULL) {
        length = snprintf(out_text, capacity, "%s", location);
    }
    return length > 0 && (size_t)length < capacity;
}

static bool is_allowed(const struct weft_endpoint *from, const struct weft_endpoint *to)
{
    if (strcasecmp(from->host, to->host) != 0) {
        return false;
    }
    bool is_same_scheme = from->wants_tls == to->wants_tls;
    return is_same_scheme ? from->port == to->port : to->wants_tls;
}

static bool write_target(const struct weft_url *url, char *out_text)
{
    bool is_bare = url->path.length == 0;
    int length = snprintf(out_text, WEFT_REDIRECT_TARGET_BYTES, "%s%.*s%s%.*s", is_bare ? "/" : "",
                          WEFT_SLICE_PRINT(url->path), url->has_query ? "?" : "", WEFT_SLICE_PRINT(url->query));
    return length < WEFT_REDIRECT_TARGET_BYTES;
}

enum weft_status weft_redirect_resolve(const struct weft_endpoint *from, const char *location,
                                       struct weft_redirect *out_redirect, struct weft_error *error)
{
    char text[WEFT_REDIRECT_TARGET_BYTES + WEFT_HOST_BYTES];
    struct weft_url url;
    struct weft_redirect redirect;
    if (location[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "a redirect that does not say where to");
    }
    if (from->is_unix || !make_absolute(from, location, text, sizeof text) ||
        weft_url_parse(text, &url, NULL) != WEFT_OK || !write_target(&url, redirect.target)) {
        return weft_fail(error, WEFT_INVALID, "a redirect that cannot be followed (to %.100s)", location);
    }
    if (!is_allowed(from, &url.endpoint)) {
        return weft_fail(error, WEFT_INVALID,
                         "a redirect is followed to the same host only, or from http to https of it (not to %.100s)",
                         location);
    }
    redirect.endpoint = url.endpoint;
    redirect.is_upgrade = url.endpoint.wants_tls && !from->wants_tls;
    *out_redirect = redirect;
    return WEFT_OK;
}
