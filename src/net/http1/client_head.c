/* The texts of an HTTP/1.1 client: the header lines that are the same for every request, written once, and the head of
 * one request around them. */
#include <stdio.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/http1/client_internal.h"

/* What frames the message, says how the body is coded, or belongs to one hop (RFC 9110 7.6.1) is the client's alone.
 */
static const char *const framing_names[] = {
    "connection", "content-encoding", "content-length",    "expect",  "keep-alive",
    "te",         "trailer",          "transfer-encoding", "upgrade",
};

static bool is_framing(const char *name)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(framing_names); i++) {
        if (strcasecmp(name, framing_names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_header(const struct weft_header *headers, const char *name)
{
    for (; headers != NULL && headers->name != NULL; headers++) {
        if (strcasecmp(headers->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* "host:port" or "[v6]:port"; without the port if it is the scheme's own, as Host wants it (RFC 9110 7.2). */
static void write_authority(const struct weft_http1_client *client, bool is_short, struct weft_buffer *out)
{
    const struct weft_endpoint *endpoint = &client->settings.endpoint;
    if (endpoint->is_unix) {
        weft_buffer_append_text(out, is_short ? "localhost" : endpoint->host);
        return;
    }
    bool is_v6 = strchr(endpoint->host, ':') != NULL;
    weft_buffer_append_format(out, "%s%s%s", is_v6 ? "[" : "", endpoint->host, is_v6 ? "]" : "");
    if (!is_short || endpoint->port != (client->tls != NULL ? 443 : 80)) {
        weft_buffer_append_format(out, ":%u", endpoint->port);
    }
}

/* What the buffer has as a string; is_failed without memory. */
static char *end_text(struct weft_buffer *buffer)
{
    weft_buffer_append_byte(buffer, '\0');
    return (char *)buffer->bytes;
}

/* A proxy gets the whole URL (RFC 9112 3.2.2), or is asked for a tunnel and sees nothing of what goes through it. */
static bool make_proxy_texts(struct weft_http1_client *client, const struct weft_http1_client_settings *settings)
{
    const char *secret = settings->proxy_authorization;
    bool has_tunnel = settings->proxy != NULL && client->tls != NULL;
    struct weft_buffer prefix = { 0 }, request = { 0 };
    if (settings->proxy != NULL && !has_tunnel) {
        weft_buffer_append_format(&prefix, "http://%s", client->target_name);
    }
    client->target_prefix = end_text(&prefix);
    if (has_tunnel) {
        weft_buffer_append_format(
            &request, "CONNECT %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: weft/" WEFT_VERSION "\r\n%s%s%s\r\n",
            client->target_name, client->target_name, secret != NULL ? "Proxy-Authorization: " : "",
            secret != NULL ? secret : "", secret != NULL ? "\r\n" : "");
        client->tunnel_request = end_text(&request);
    }
    return !prefix.is_failed && !request.is_failed;
}

static void make_head(struct weft_http1_client *client, const struct weft_http1_client_settings *settings)
{
    const struct weft_header *headers = settings->headers;
    struct weft_buffer *head = &client->common_head;
    weft_buffer_init(head, 0);
    if (!has_header(headers, "host")) {
        weft_buffer_append_text(head, "Host: ");
        write_authority(client, true, head);
        weft_buffer_append_text(head, "\r\n");
    }
    if (!has_header(headers, "user-agent")) {
        const char *user_agent = settings->user_agent != NULL ? settings->user_agent : "weft/" WEFT_VERSION;
        weft_buffer_append_format(head, "User-Agent: %s\r\n", user_agent);
    }
    if (!has_header(headers, "accept-encoding")) {
        weft_buffer_append_text(head, "Accept-Encoding: identity\r\n");
    }
    for (; headers != NULL && headers->name != NULL; headers++) {
        weft_assert(weft_header_is_valid(headers->name, headers->value));
        if (!is_framing(headers->name)) {
            weft_buffer_append_format(head, "%s: %s\r\n", headers->name, headers->value);
        }
    }
    if (settings->proxy != NULL && client->tls == NULL && settings->proxy_authorization != NULL) {
        weft_buffer_append_format(head, "Proxy-Authorization: %s\r\n", settings->proxy_authorization);
    }
    if (client->settings.disable_keep_alives) {
        weft_buffer_append_text(head, "Connection: close\r\n");
    }
    client->has_own_content_type = has_header(settings->headers, "content-type");
}

enum weft_status weft_http1_client_make_texts(struct weft_http1_client *client,
                                              const struct weft_http1_client_settings *settings)
{
    struct weft_buffer name = { 0 };
    write_authority(client, false, &name);
    client->target_name = end_text(&name);
    if (name.is_failed || !make_proxy_texts(client, settings)) {
        return WEFT_NOMEM;
    }
    make_head(client, settings);
    return weft_buffer_status(&client->common_head);
}

/* The name of the line that begins there. */
static bool is_named(const char *line, size_t name_length, const char *name)
{
    return strlen(name) == name_length && strncasecmp(line, name, name_length) == 0;
}

static bool is_replaced(const struct weft_header *headers, const char *line, size_t name_length)
{
    for (; headers->name != NULL; headers++) {
        if (is_named(line, name_length, headers->name)) {
            return true;
        }
    }
    return false;
}

/* The common lines but for those that the request has itself. A name has no ':' and no line is folded. */
static void append_others(const struct weft_http1_client *client, const struct weft_header *headers,
                          struct weft_buffer *out)
{
    const char *line = (const char *)client->common_head.bytes;
    const char *end = line + client->common_head.length;
    while (line < end) {
        const char *next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
        const char *colon = memchr(line, ':', (size_t)(next - line));
        if (!is_replaced(headers, line, (size_t)(colon - line))) {
            weft_buffer_append(out, line, (size_t)(next - line));
        }
        line = next;
    }
}

static void append_own(const struct weft_header *headers, struct weft_buffer *out)
{
    for (; headers->name != NULL; headers++) {
        if (headers->value != NULL && !is_framing(headers->name)) {
            weft_buffer_append_format(out, "%s: %s\r\n", headers->name, headers->value);
        }
    }
}

enum weft_status weft_http1_client_write_head(const struct weft_http1_client *client,
                                              const struct weft_http1_client_request *request, struct weft_buffer *out)
{
    weft_buffer_clear(out);
    weft_buffer_append_format(out, "POST %s%s HTTP/1.1\r\n", client->target_prefix, request->target);
    if (request->headers == NULL) {
        weft_buffer_append(out, client->common_head.bytes, client->common_head.length);
    } else {
        append_others(client, request->headers, out);
        append_own(request->headers, out);
    }
    if (!client->has_own_content_type && !has_header(request->headers, "content-type")) {
        weft_buffer_append_format(out, "Content-Type: %s\r\n", request->content_type);
    }
    if (request->content_encoding != NULL) {
        weft_buffer_append_format(out, "Content-Encoding: %s\r\n", request->content_encoding);
    }
    weft_buffer_append_format(out, "Content-Length: %zu\r\n\r\n", request->length);
    return weft_buffer_status(out);
}
