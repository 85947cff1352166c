#pragma once

#include <sys/socket.h>

#include "base/slice.h"
#include "base/status.h"

/* Endpoints as in a Collector config: "host:port", "[v6]:port", ":port" (all interfaces), "unix:path", "unix:///path";
 * for exporters also "http://", "https://", "dns:///", "dns://server/", "passthrough:///" before it. */
enum { WEFT_HOST_BYTES = 256 };

struct weft_endpoint {
    char host[WEFT_HOST_BYTES]; /* name, literal address without brackets, "" = all interfaces, or a socket path */
    uint16_t port;
    bool is_unix;
    bool has_scheme;
    bool wants_tls; /* https:// */
};

/* WEFT_INVALID with what would be right. default_port 0 = a port is required. */
enum weft_status weft_endpoint_parse(const char *text, uint16_t default_port, struct weft_endpoint *out_endpoint,
                                     struct weft_error *error) WEFT_MUST_CHECK;

/* Whether the text names the name server to ask, as in "dns://8.8.8.8/host:4317", which weft does not ask. */
bool weft_endpoint_names_server(const char *text);

/* Makes it listen on addresses of this family (AF_INET or AF_INET6) only: "" and "localhost" become that family's. A
 * literal of the other one is WEFT_INVALID. */
enum weft_status weft_endpoint_set_family(struct weft_endpoint *endpoint, int family,
                                          struct weft_error *error) WEFT_MUST_CHECK;

/* Literal addresses and unix paths only, no name service: WEFT_NOT_FOUND for a name (which a resolver must look up). */
enum weft_status weft_endpoint_literal(const struct weft_endpoint *endpoint, struct sockaddr_storage *out_address,
                                       socklen_t *out_length) WEFT_MUST_CHECK;

/* "10.0.0.1:4317", "[::1]:4317". address: 4 or 16 bytes, as family (AF_INET, AF_INET6) has them. */
void weft_address_format(int family, const void *address, uint16_t port, char *out_text, size_t capacity);

/* The same, or "unix" for a path. */
void weft_socket_address_format(const struct sockaddr_storage *address, char *out_text, size_t capacity);

/* Whether only this machine is there: a unix path, localhost, 127.0.0.0/8, ::1. No name service. */
bool weft_endpoint_is_local(const struct weft_endpoint *endpoint);

/* A listening, non-blocking socket; "localhost" listens on the loopback addresses' first family that works. A unix path
 * that nobody listens on is replaced. The error names the endpoint and the system's reason. */
enum weft_status weft_listen(const struct weft_endpoint *endpoint, int backlog, int *out_descriptor,
                             struct weft_error *error) WEFT_MUST_CHECK;

/* The same beside sockets of this process that have the port already and that were given SO_REUSEPORT: on 0.0.0.0 next
 * to 127.0.0.1, for instance. */
enum weft_status weft_listen_beside(const struct weft_endpoint *endpoint, int backlog, int *out_descriptor,
                                    struct weft_error *error) WEFT_MUST_CHECK;

/* A unix path that only the process's user may connect to (mode 0600 from the first moment on). What is there already
 * is replaced if it is a socket that nobody listens on, and nothing else: links are not followed. */
enum weft_status weft_listen_private(const struct weft_endpoint *endpoint, int backlog, int *out_descriptor,
                                     struct weft_error *error) WEFT_MUST_CHECK;
