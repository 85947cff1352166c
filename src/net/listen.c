/* Listening sockets (address.h). Runs at start-up and reload only, so it may look a name up and wait for that. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/address.h"

struct manner {
    int backlog;
    bool is_dual_stack; /* IPv6 sockets take IPv4 too */
    bool is_beside;     /* next to a socket that already listens on the port */
    bool is_private;    /* a unix socket that only its owner may connect to */
};

/* Returns the descriptor, or -1 with errno. */
static int listen_on(const struct sockaddr *address, socklen_t length, const struct manner *manner)
{
    int descriptor = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -1;
    }
    int yes = 1, no = 0;
    if (address->sa_family != AF_UNIX) {
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        /* Accepted sockets inherit it. */
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, manner->is_beside ? &yes : &no, sizeof yes);
    }
    if (address->sa_family == AF_INET6) {
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, manner->is_dual_stack ? &no : &yes, sizeof yes);
    }
    /* The file gets the socket's mode as it is made (unix(7)): nobody else can connect in between. */
    bool is_set = !manner->is_private || fchmod(descriptor, S_IRUSR | S_IWUSR) == 0;
    if (!is_set || bind(descriptor, address, length) != 0 || listen(descriptor, manner->backlog) != 0) {
        int reason = errno;
        close(descriptor);
        errno = reason;
        return -1;
    }
    return descriptor;
}

/* True if the path is a socket that nobody listens on: left over from a process that died. */
static bool is_stale_socket(const struct sockaddr_un *path, socklen_t length)
{
    struct stat file;
    if (lstat(path->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) {
        return false;
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0) {
        return false;
    }
    bool is_stale = connect(probe, (const struct sockaddr *)path, length) != 0 && errno == ECONNREFUSED;
    close(probe);
    return is_stale;
}

static int listen_unix(const struct sockaddr_un *path, socklen_t length, const struct manner *manner)
{
    const struct sockaddr *address = (const struct sockaddr *)path;
    int descriptor = listen_on(address, length, manner);
    if (descriptor < 0 && errno == EADDRINUSE) {
        if (!is_stale_socket(path, length)) {
            errno = EADDRINUSE;
            return -1;
        }
        unlink(path->sun_path);
        descriptor = listen_on(address, length, manner);
    }
    return descriptor;
}

/* The first address of the name that can be listened on. IPv4 first: what "localhost" means to most clients. */
static int listen_by_name(const struct weft_endpoint *endpoint, const struct manner *manner, const char **out_reason)
{
    static const int families[] = { AF_INET, AF_INET6 };
    char port[8];
    snprintf(port, sizeof port, "%u", endpoint->port);
    int last_error = 0;
    *out_reason = NULL;
    for (size_t i = 0; i < WEFT_COUNT_OF(families); i++) {
        struct addrinfo hints = { .ai_family = families[i], .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
        struct addrinfo *found = NULL;
        int result = getaddrinfo(endpoint->host, port, &hints, &found);
        if (result != 0) {
            *out_reason = gai_strerror(result);
            continue;
        }
        for (struct addrinfo *each = found; each != NULL; each = each->ai_next) {
            int descriptor = listen_on(each->ai_addr, each->ai_addrlen, manner);
            if (descriptor >= 0) {
                freeaddrinfo(found);
                return descriptor;
            }
            last_error = errno;
        }
        freeaddrinfo(found);
    }
    if (last_error != 0) {
        *out_reason = strerror(last_error);
    }
    return -1;
}

static int listen_literal(const struct weft_endpoint *endpoint, const struct sockaddr_storage *address,
                          socklen_t length, const struct manner *given_manner)
{
    if (endpoint->is_unix) {
        return listen_unix((const struct sockaddr_un *)address, length, given_manner);
    }
    struct manner manner = *given_manner;
    manner.is_dual_stack = endpoint->host[0] == '\0' || strcmp(endpoint->host, "::") == 0;
    int descriptor = listen_on((const struct sockaddr *)address, length, &manner);
    if (descriptor < 0 && endpoint->host[0] == '\0' && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        /* A kernel without IPv6. */
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(endpoint->port) };
        descriptor = listen_on((const struct sockaddr *)&v4, sizeof v4, &manner);
    }
    return descriptor;
}

static enum weft_status listen_in(const struct weft_endpoint *endpoint, const struct manner *manner,
                                  int *out_descriptor, struct weft_error *error)
{
    struct sockaddr_storage address;
    socklen_t length;
    const char *reason = NULL;
    int descriptor;
    if (weft_endpoint_literal(endpoint, &address, &length) == WEFT_OK) {
        descriptor = listen_literal(endpoint, &address, length, manner);
        reason = descriptor < 0 ? strerror(errno) : NULL;
    } else {
        descriptor = listen_by_name(endpoint, manner, &reason);
    }
    if (descriptor >= 0) {
        *out_descriptor = descriptor;
        return WEFT_OK;
    }
    if (endpoint->is_unix) {
        return weft_fail(error, WEFT_IO, "listen on unix:%s: %s", endpoint->host, reason);
    }
    bool needs_brackets = strchr(endpoint->host, ':') != NULL;
    return weft_fail(error, WEFT_IO, "listen on %s%s%s:%u: %s", needs_brackets ? "[" : "", endpoint->host,
                     needs_brackets ? "]" : "", endpoint->port, reason);
}

enum weft_status weft_listen(const struct weft_endpoint *endpoint, int backlog, int *out_descriptor,
                             struct weft_error *error)
{
    return listen_in(endpoint, &(struct manner){ .backlog = backlog }, out_descriptor, error);
}

enum weft_status weft_listen_beside(const struct weft_endpoint *endpoint, int backlog, int *out_descriptor,
                                    struct weft_error *error)
{
    return listen_in(endpoint, &(struct manner){ .backlog = backlog, .is_beside = true }, out_descriptor, error);
}

enum weft_status weft_listen_private(const struct weft_endpoint *endpoint, int backlog, int *out_descriptor,
                                     struct weft_error *error)
{
    weft_assert(endpoint->is_unix);
    return listen_in(endpoint, &(struct manner){ .backlog = backlog, .is_private = true }, out_descriptor, error);
}
