/* Endpoints as a config writes them (address.h). Parsing is text only; names are looked up elsewhere, because that
 * blocks. */
#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

struct scheme {
    const char *prefix;
    bool wants_tls;
    bool is_unix;
};

/* Longer forms before the shorter ones that they begin with. */
static const struct scheme schemes[] = {
    { "http://", false, false }, { "https://", true, false },
    { "dns:///", false, false }, { "passthrough:///", false, false },
    { "tcp://", false, false },  { "unix://", false, true },
    { "unix:", false, true },
};

static enum weft_status parse_unix(const char *text, const char *path, struct weft_endpoint *endpoint,
                                   struct weft_error *error)
{
    enum { PATH_BYTES = sizeof(((struct sockaddr_un *)NULL)->sun_path) };
    size_t length = strlen(path);
    if (length == 0) {
        return weft_fail(error, WEFT_INVALID, "endpoint \"%s\": a socket path must follow, as in unix:///run/weft.sock",
                         text);
    }
    if (length >= PATH_BYTES) {
        return weft_fail(error, WEFT_INVALID, "endpoint \"%s\": socket paths have at most %d bytes, this one has %zu",
                         text, PATH_BYTES - 1, length);
    }
    memcpy(endpoint->host, path, length + 1);
    endpoint->is_unix = true;
    return WEFT_OK;
}

static enum weft_status parse_port(const char *text, struct weft_slice digits, uint16_t *out_port,
                                   struct weft_error *error)
{
    unsigned port = 0;
    bool is_bad = digits.length == 0 || digits.length > 5;
    for (size_t i = 0; !is_bad && i < digits.length; i++) {
        is_bad = digits.bytes[i] < '0' || digits.bytes[i] > '9';
        port = port * 10 + (unsigned)(digits.bytes[i] - '0');
    }
    if (is_bad || port > 65535) {
        return weft_fail(error, WEFT_INVALID, "endpoint \"%s\": port \"%.*s\" is not a number from 0 to 65535", text,
                         WEFT_SLICE_PRINT(digits));
    }
    *out_port = (uint16_t)port;
    return WEFT_OK;
}

/* "dns://8.8.8.8/host:port" names a name server, too (gRPC's naming document): what follows it. NULL: there is none. */
static const char *behind_name_server(const char *text)
{
    static const char prefix[] = "dns://";
    const char *slash = strncmp(text, prefix, sizeof prefix - 1) == 0 ? strchr(text + sizeof prefix - 1, '/') : NULL;
    return slash != NULL && slash > text + sizeof prefix - 1 ? slash + 1 : NULL;
}

bool weft_endpoint_names_server(const char *text)
{
    return behind_name_server(text) != NULL;
}

/* Splits "[v6]:port", "v4:port", "name:port", ":port"; the port's slice has NULL bytes when there is none. */
static enum weft_status split_host(const char *text, struct weft_slice rest, struct weft_slice *out_host,
                                   struct weft_slice *out_port, struct weft_error *error)
{
    *out_port = WEFT_SLICE_EMPTY;
    if (rest.length > 0 && rest.bytes[0] == '[') {
        const uint8_t *end = memchr(rest.bytes, ']', rest.length);
        if (end == NULL) {
            return weft_fail(error, WEFT_INVALID, "endpoint \"%s\": ']' is missing after the IPv6 address", text);
        }
        *out_host = weft_slice_of(rest.bytes + 1, (size_t)(end - rest.bytes) - 1);
        rest = weft_slice_of(end + 1, rest.length - (size_t)(end + 1 - rest.bytes));
        if (rest.length > 0 && rest.bytes[0] != ':') {
            return weft_fail(error, WEFT_INVALID, "endpoint \"%s\": only \":port\" may follow ']'", text);
        }
    } else {
        const uint8_t *colon = rest.length > 0 ? memchr(rest.bytes, ':', rest.length) : NULL;
        if (colon != NULL && memchr(colon + 1, ':', rest.length - (size_t)(colon + 1 - rest.bytes)) != NULL) {
            return weft_fail(error, WEFT_INVALID,
                             "endpoint \"%s\": write an IPv6 address in brackets, as in [::1]:4317", text);
        }
        size_t host_length = colon == NULL ? rest.length : (size_t)(colon - rest.bytes);
        *out_host = weft_slice_of(rest.bytes, host_length);
        rest = weft_slice_of(rest.bytes + host_length, rest.length - host_length);
    }
    if (rest.length > 0) {
        *out_port = weft_slice_of(rest.bytes + 1, rest.length - 1);
    }
    return WEFT_OK;
}

static bool is_host_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '.' || byte == '-' || byte == '_' || byte == ':' || byte == '%';
}

static enum weft_status check_host(const char *text, struct weft_slice host, struct weft_error *error)
{
    if (host.length >= WEFT_HOST_BYTES) {
        return weft_fail(error, WEFT_INVALID, "endpoint: the host has %zu bytes, more than %d", host.length,
                         WEFT_HOST_BYTES - 1);
    }
    for (size_t i = 0; i < host.length; i++) {
        if (!is_host_byte(host.bytes[i])) {
            return weft_fail(error, WEFT_INVALID, "endpoint \"%.200s\": host:port was expected, as in 127.0.0.1:4317",
                             text);
        }
    }
    return WEFT_OK;
}

enum weft_status weft_endpoint_parse(const char *text, uint16_t default_port, struct weft_endpoint *out_endpoint,
                                     struct weft_error *error)
{
    struct weft_endpoint endpoint = { .port = default_port };
    const char *rest = text;
    for (size_t i = 0; i < WEFT_COUNT_OF(schemes); i++) {
        size_t length = strlen(schemes[i].prefix);
        if (strncmp(text, schemes[i].prefix, length) != 0) {
            continue;
        }
        endpoint.has_scheme = true;
        endpoint.wants_tls = schemes[i].wants_tls;
        rest = text + length;
        if (schemes[i].is_unix) {
            enum weft_status status = parse_unix(text, rest, &endpoint, error);
            if (status == WEFT_OK) {
                *out_endpoint = endpoint;
            }
            return status;
        }
        break;
    }
    if (behind_name_server(text) != NULL) {
        endpoint.has_scheme = true;
        rest = behind_name_server(text);
    }
    if (strchr(rest, '@') != NULL) { /* not shown: there may be a password beside it */
        return weft_fail(error, WEFT_INVALID, "an endpoint with a user name in it: use headers for credentials");
    }
    struct weft_slice host, port, remainder = weft_slice_of_text(rest);
    if (endpoint.has_scheme && remainder.length > 0 && remainder.bytes[remainder.length - 1] == '/') {
        remainder.length--; /* "http://host:4317/" names the same place */
    }
    enum weft_status status = split_host(text, remainder, &host, &port, error);
    if (status == WEFT_OK) {
        status = check_host(text, host, error);
    }
    if (status == WEFT_OK && port.bytes != NULL) {
        status = parse_port(text, port, &endpoint.port, error);
    } else if (status == WEFT_OK && (default_port == 0 || host.length == 0)) {
        status = weft_fail(error, WEFT_INVALID, "endpoint \"%s\": host:port was expected, as in 127.0.0.1:4317", text);
    }
    if (status != WEFT_OK) {
        return status;
    }
    memcpy(endpoint.host, host.bytes, host.length);
    *out_endpoint = endpoint;
    return WEFT_OK;
}

static void literal_unix(const struct weft_endpoint *endpoint, struct sockaddr_storage *out_address,
                         socklen_t *out_length)
{
    struct sockaddr_un *path = (struct sockaddr_un *)out_address;
    path->sun_family = AF_UNIX;
    snprintf(path->sun_path, sizeof path->sun_path, "%s", endpoint->host);
    *out_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path->sun_path) + 1);
}

/* "fe80::1%eth0": the zone is an interface's name or number. */
static bool literal_v6(const struct weft_endpoint *endpoint, struct sockaddr_in6 *v6)
{
    char host[WEFT_HOST_BYTES];
    snprintf(host, sizeof host, "%s", endpoint->host[0] == '\0' ? "::" : endpoint->host);
    char *zone = strchr(host, '%');
    if (zone != NULL) {
        *zone++ = '\0';
        unsigned index = if_nametoindex(zone);
        v6->sin6_scope_id = index != 0 ? index : (uint32_t)strtoul(zone, NULL, 10);
        if (v6->sin6_scope_id == 0) {
            return false;
        }
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint->port);
    return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
}

/* "::ffff:127.0.0.1" names the IPv4 address: a socket that speaks IPv6 only can neither be bound nor connected to it.
 */
static void as_v4(struct sockaddr_storage *address)
{
    struct sockaddr_in6 mapped;
    memcpy(&mapped, address, sizeof mapped);
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = mapped.sin6_port };
    memcpy(&v4.sin_addr, mapped.sin6_addr.s6_addr + 12, sizeof v4.sin_addr);
    memset(address, 0, sizeof *address);
    memcpy(address, &v4, sizeof v4);
}

enum weft_status weft_endpoint_literal(const struct weft_endpoint *endpoint, struct sockaddr_storage *out_address,
                                       socklen_t *out_length)
{
    struct sockaddr_storage address = { 0 };
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    if (endpoint->is_unix) {
        literal_unix(endpoint, &address, out_length);
    } else if (inet_pton(AF_INET, endpoint->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(endpoint->port);
        *out_length = sizeof *v4;
    } else if (literal_v6(endpoint, (struct sockaddr_in6 *)&address)) {
        *out_length = sizeof(struct sockaddr_in6);
        if (IN6_IS_ADDR_V4MAPPED(&((struct sockaddr_in6 *)&address)->sin6_addr)) {
            as_v4(&address);
            *out_length = sizeof *v4;
        }
    } else {
        return WEFT_NOT_FOUND;
    }
    *out_address = address;
    return WEFT_OK;
}

void weft_address_format(int family, const void *address, uint16_t port, char *out_text, size_t capacity)
{
    char host[INET6_ADDRSTRLEN] = "";
    inet_ntop(family, address, host, sizeof host);
    snprintf(out_text, capacity, family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, port);
}

void weft_socket_address_format(const struct sockaddr_storage *address, char *out_text, size_t capacity)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    if (address->ss_family == AF_INET) {
        weft_address_format(AF_INET, &v4->sin_addr, ntohs(v4->sin_port), out_text, capacity);
    } else if (address->ss_family == AF_INET6) {
        weft_address_format(AF_INET6, &v6->sin6_addr, ntohs(v6->sin6_port), out_text, capacity);
    } else {
        snprintf(out_text, capacity, "unix");
    }
}

enum weft_status weft_endpoint_set_family(struct weft_endpoint *endpoint, int family, struct weft_error *error)
{
    bool is_v6 = family == AF_INET6;
    struct sockaddr_storage address;
    socklen_t length;
    if (endpoint->host[0] == '\0') {
        snprintf(endpoint->host, sizeof endpoint->host, "%s", is_v6 ? "::" : "0.0.0.0");
    } else if (strcmp(endpoint->host, "localhost") == 0) {
        snprintf(endpoint->host, sizeof endpoint->host, "%s", is_v6 ? "::1" : "127.0.0.1");
    }
    if (weft_endpoint_literal(endpoint, &address, &length) == WEFT_OK && address.ss_family != family) {
        return weft_fail(error, WEFT_INVALID, "endpoint \"%s\" is no IPv%d address", endpoint->host, is_v6 ? 6 : 4);
    }
    return WEFT_OK;
}

bool weft_endpoint_is_local(const struct weft_endpoint *endpoint)
{
    struct sockaddr_storage address;
    socklen_t length;
    if (endpoint->is_unix || strcmp(endpoint->host, "localhost") == 0) {
        return true;
    }
    if (weft_endpoint_literal(endpoint, &address, &length) != WEFT_OK) {
        return false;
    }
    if (address.ss_family == AF_INET6) {
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&address)->sin6_addr);
    }
    enum { NETWORK_SHIFT = 24 };
    return ntohl(((const struct sockaddr_in *)&address)->sin_addr.s_addr) >> NETWORK_SHIFT == IN_LOOPBACKNET;
}
