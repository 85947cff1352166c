/* Reading `proxy_url` (otlp_http_proxy.h): http://user:password@host:port, percent-encoded. */
#include "exporters/otlp_http_proxy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/hex.h"
#include "net/url.h"

static const char scheme[] = "http://";
enum { SCHEME_BYTES = sizeof scheme - 1, MAX_URL_BYTES = 1024 };

static void append_decoded(struct weft_buffer *out, const char *text, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)text;
    for (size_t i = 0; i < length; i++) {
        int escaped = bytes[i] == '%' && i + 2 < length ? weft_hex_byte(bytes + i + 1) : -1;
        weft_buffer_append_byte(out, escaped >= 0 ? (uint8_t)escaped : bytes[i]);
        i += escaped >= 0 ? 2 : 0;
    }
}

/* "user:password", of which the password may be missing, as Proxy-Authorization has it. Start-up. */
static char *make_authorization(const char *user, size_t length)
{
    struct weft_buffer pair, value;
    const char *colon = memchr(user, ':', length);
    size_t name_length = colon == NULL ? length : (size_t)(colon - user);
    weft_buffer_init(&pair, 0);
    weft_buffer_init(&value, 0);
    append_decoded(&pair, user, name_length);
    weft_buffer_append_byte(&pair, ':');
    if (colon != NULL) {
        append_decoded(&pair, colon + 1, length - name_length - 1);
    }
    weft_buffer_append_text(&value, "Basic ");
    weft_base64_append(&value, weft_buffer_slice(&pair), WEFT_BASE64_STANDARD, true);
    char *text = weft_alloc_format("%.*s", WEFT_SLICE_PRINT(weft_buffer_slice(&value)));
    weft_buffer_fini(&pair);
    weft_buffer_fini(&value);
    return text;
}

enum weft_status weft_proxy_parse(const char *text, struct weft_proxy *out_proxy, struct weft_error *error)
{
    char bare[MAX_URL_BYTES];
    struct weft_url url;
    struct weft_proxy proxy = { .authorization = NULL };
    if (text == NULL || text[0] == '\0') {
        *out_proxy = proxy;
        return WEFT_OK;
    }
    if (strncasecmp(text, "https://", 8) == 0 || strncasecmp(text, "socks5", 6) == 0) {
        return weft_fail(error, WEFT_UNSUPPORTED, "proxy_url: weft speaks to proxies in plain HTTP only (http://)");
    }
    if (strncasecmp(text, scheme, SCHEME_BYTES) != 0) {
        return weft_fail(error, WEFT_INVALID, "proxy_url: http:// was expected before the host");
    }
    const char *rest = text + SCHEME_BYTES;
    size_t authority = strcspn(rest, "/?#");
    const char *at = memrchr(rest, '@', authority);
    size_t user_length = at == NULL ? 0 : (size_t)(at - rest);
    const char *host = at == NULL ? rest : at + 1;
    int length = snprintf(bare, sizeof bare, "%s%s", scheme, host);
    if ((size_t)length >= sizeof bare || weft_url_parse(bare, &url, NULL) != WEFT_OK) {
        return weft_fail(error, WEFT_INVALID, "proxy_url: not a URL of a host");
    }
    proxy.endpoint = url.endpoint;
    proxy.authorization = at == NULL ? NULL : make_authorization(rest, user_length);
    *out_proxy = proxy;
    return WEFT_OK;
}

void weft_proxy_fini(struct weft_proxy *proxy)
{
    weft_free(proxy->authorization);
    proxy->authorization = NULL;
}
