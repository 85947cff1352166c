/* URLs of origins (url.h; RFC 3986, as far as http and https need it). Host and port are address.c's to judge. */
#include "net/url.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "base/alloc.h"

struct scheme {
    const char *prefix;
    uint16_t default_port;
};

static const struct scheme schemes[] = { { "http://", 80 }, { "https://", 443 } };

static const struct scheme *find_scheme(const char *text)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(schemes); i++) {
        if (strncasecmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) == 0) {
            return &schemes[i];
        }
    }
    return NULL;
}

/* Neither text nor URL may hold what could be read as the end of a request line, or as escapes gone wrong. */
static bool is_clean(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 0x7f || strchr("\"<>\\^`{|}", *at) != NULL) {
            return false;
        }
        if (*at == '%' && !(isxdigit(at[1]) && isxdigit(at[2]))) {
            return false;
        }
    }
    return true;
}

static enum weft_status parse_authority(const char *text, const struct scheme *scheme, struct weft_slice authority,
                                        struct weft_endpoint *out_endpoint, struct weft_error *error)
{
    if (authority.length == 0 || authority.bytes[0] == ':') {
        return weft_fail(error, WEFT_INVALID, "URL \"%.200s\" has no host", text);
    }
    char origin[WEFT_HOST_BYTES + 32];
    if (authority.length > sizeof origin - 16) {
        return weft_fail(error, WEFT_INVALID, "URL \"%.200s\": the host is too long", text);
    }
    snprintf(origin, sizeof origin, "%s%.*s", scheme->prefix, WEFT_SLICE_PRINT(authority));
    return weft_endpoint_parse(origin, scheme->default_port, out_endpoint, error);
}

enum weft_status weft_url_parse(const char *text, struct weft_url *out_url, struct weft_error *error)
{
    const struct scheme *scheme = find_scheme(text);
    const char *host = scheme == NULL ? text : text + strlen(scheme->prefix);
    if (memchr(host, '@', strcspn(host, "/?#")) != NULL || (scheme == NULL && strchr(text, '@') != NULL)) {
        /* not shown: there may be a password beside it */
        return weft_fail(error, WEFT_INVALID, "a URL with a user name in it: use headers for credentials");
    }
    if (scheme == NULL) {
        return weft_fail(error, WEFT_INVALID, "URL \"%.200s\": http:// or https:// was expected before the host", text);
    }
    if (!is_clean(text)) {
        return weft_fail(error, WEFT_INVALID, "URL \"%.200s\" has a character that must be written as %%XX", text);
    }
    const char *rest = host;
    size_t authority_length = strcspn(rest, "/?#");
    struct weft_url url = { 0 };
    enum weft_status status =
        parse_authority(text, scheme, weft_slice_of(rest, authority_length), &url.endpoint, error);
    if (status != WEFT_OK) {
        return status;
    }
    rest += authority_length;
    url.path = weft_slice_of(rest, strcspn(rest, "?#"));
    rest += url.path.length;
    if (*rest == '?') {
        url.has_query = true;
        url.query = weft_slice_of(rest + 1, strcspn(rest + 1, "#"));
    }
    *out_url = url;
    return WEFT_OK;
}

char *weft_url_target(const struct weft_url *url, const char *suffix)
{
    struct weft_slice path = url->path;
    bool has_slash = path.length > 0 && path.bytes[path.length - 1] == '/';
    if (has_slash && suffix[0] == '/') {
        path.length--;
    }
    bool is_empty = path.length == 0 && suffix[0] == '\0';
    return weft_alloc_format("%.*s%s%s%.*s", WEFT_SLICE_PRINT(path), is_empty ? "/" : suffix, url->has_query ? "?" : "",
                             WEFT_SLICE_PRINT(url->query));
}
