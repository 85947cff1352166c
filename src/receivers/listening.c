/* Listening sockets of receivers (listening.h). */
#include "receivers/listening.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum { BACKLOG = 1024 };

static bool is_unix(const struct weft_listening *listening)
{
    return strcmp(listening->transport, "unix") == 0;
}

static enum weft_status parse_endpoint(const struct weft_listening *listening, struct weft_endpoint *out_endpoint,
                                       struct weft_error *error)
{
    char text[WEFT_HOST_BYTES + 8];
    bool has_prefix = strncmp(listening->endpoint, "unix:", 5) == 0;
    snprintf(text, sizeof text, "%s%s", is_unix(listening) && !has_prefix ? "unix:" : "", listening->endpoint);
    enum weft_status status = weft_endpoint_parse(text, 0, out_endpoint, error);
    int family = strcmp(listening->transport, "tcp4") == 0   ? AF_INET
                 : strcmp(listening->transport, "tcp6") == 0 ? AF_INET6
                                                             : 0;
    return status == WEFT_OK && family != 0 ? weft_endpoint_set_family(out_endpoint, family, error) : status;
}

enum weft_status weft_listening_validate(const struct weft_listening *listening, struct weft_error *error)
{
    static const char *const transports[] = { "tcp", "tcp4", "tcp6", "unix" };
    bool is_known = false;
    for (size_t i = 0; i < WEFT_COUNT_OF(transports); i++) {
        is_known = is_known || strcmp(listening->transport, transports[i]) == 0;
    }
    if (!is_known) {
        return weft_fail(error, WEFT_INVALID, "transport: \"%s\" is not tcp, tcp4, tcp6 or unix", listening->transport);
    }
    struct weft_endpoint endpoint;
    enum weft_status status = parse_endpoint(listening, &endpoint, error);
    return status == WEFT_OK && listening->tls != NULL ? weft_tls_config_validate_server(listening->tls, error)
                                                       : status;
}

enum weft_reach weft_listening_reach(const struct weft_listening *listening)
{
    struct weft_endpoint endpoint;
    bool is_local = parse_endpoint(listening, &endpoint, NULL) == WEFT_OK && weft_endpoint_is_local(&endpoint);
    return is_local ? WEFT_REACH_MACHINE : WEFT_REACH_NETWORK;
}

enum weft_status weft_listening_try_files(const struct weft_listening *listening, struct weft_error *error)
{
    if (listening->tls == NULL || weft_tls_config_try(listening->tls, true, error) == WEFT_OK) {
        return WEFT_OK;
    }
    return weft_fail_prefix(error, "protocols::%s", listening->name);
}

enum weft_status weft_listening_open(const struct weft_listening *listening, const char *receiver_id, const char *what,
                                     struct weft_listener *out_listener, struct weft_tls_context **out_tls,
                                     struct weft_error *error)
{
    *out_tls = NULL;
    out_listener->descriptor = -1;
    struct weft_endpoint endpoint;
    enum weft_status status = parse_endpoint(listening, &endpoint, error);
    if (status == WEFT_OK && listening->tls != NULL) {
        status =
            weft_tls_config_open(listening->tls, true, listening->alpn, listening->is_alpn_optional, out_tls, error);
    }
    if (status == WEFT_OK) {
        status = weft_listener_open(&endpoint, BACKLOG, out_listener, error);
    }
    if (status != WEFT_OK) {
        return weft_fail_prefix(error, "protocols::%s", listening->name);
    }
    weft_log(INFO, "receiver.listening", what, WEFT_LOG_STRING("receiver", receiver_id),
             WEFT_LOG_STRING("protocol", listening->label), WEFT_LOG_STRING("endpoint", listening->endpoint),
             WEFT_LOG_STRING("tls", listening->tls != NULL ? "on" : "off"));
    return WEFT_OK;
}
