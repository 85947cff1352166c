/* The plain half of a transport and the dispatch to the other (transport.h). TCP_NODELAY is always on: output is
 * gathered per tick, and Nagle would hold small trailers back until the peer's delayed acknowledgement. */
#include "net/transport.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/transport_kind.h"

enum { MAX_VECTORS = 1024 /* IOV_MAX of Linux */ };

struct weft_transport *weft_transport_make(int descriptor, const struct weft_transport_kind *kind)
{
    weft_assert(descriptor >= 0);
    struct weft_transport *transport = weft_alloc(sizeof *transport);
    transport->kind = kind;
    transport->descriptor = descriptor;
    int yes = 1;
    /* Fails on unix sockets, which have no such delay. */
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return transport;
}

static enum weft_io_result fail_with_errno(struct weft_transport *transport, const char *what)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return WEFT_IO_AGAIN;
    }
    snprintf(transport->failure, sizeof transport->failure, "%s: %s", what, strerror(errno));
    return WEFT_IO_FAILED;
}

static enum weft_io_result plain_handshake(struct weft_transport *transport)
{
    (void)transport;
    return WEFT_IO_DONE;
}

static enum weft_io_result plain_read(struct weft_transport *transport, void *bytes, size_t capacity,
                                      size_t *out_length)
{
    ssize_t length = recv(transport->descriptor, bytes, capacity, 0);
    if (length < 0) {
        return fail_with_errno(transport, "read");
    }
    *out_length = (size_t)length;
    return length == 0 ? WEFT_IO_END : WEFT_IO_DONE;
}

static enum weft_io_result plain_write(struct weft_transport *transport, const struct iovec *vectors,
                                       size_t vector_count, size_t *out_length)
{
    /* sendmsg is writev that can be told not to raise SIGPIPE. */
    struct msghdr message = { .msg_iov = (struct iovec *)vectors,
                              .msg_iovlen = vector_count > MAX_VECTORS ? MAX_VECTORS : vector_count };
    ssize_t length = sendmsg(transport->descriptor, &message, MSG_NOSIGNAL);
    if (length < 0) {
        return fail_with_errno(transport, "write");
    }
    *out_length = (size_t)length;
    return WEFT_IO_DONE;
}

static bool plain_has_buffered(const struct weft_transport *transport)
{
    (void)transport;
    return false;
}

static void plain_fini(struct weft_transport *transport)
{
    (void)transport;
}

static const struct weft_transport_kind plain_kind = { plain_handshake, plain_read, plain_write, plain_has_buffered,
                                                       plain_fini };

struct weft_transport *weft_transport_plain(int descriptor)
{
    struct weft_transport *transport = weft_transport_make(descriptor, &plain_kind);
    transport->is_handshake_done = true;
    return transport;
}

void weft_transport_free(struct weft_transport *transport)
{
    if (transport == NULL) {
        return;
    }
    transport->kind->fini(transport);
    close(transport->descriptor);
    weft_free(transport);
}

int weft_transport_descriptor(const struct weft_transport *transport)
{
    return transport->descriptor;
}

enum weft_io_result weft_transport_handshake(struct weft_transport *transport)
{
    return transport->is_handshake_done ? WEFT_IO_DONE : transport->kind->handshake(transport);
}

bool weft_transport_has_heard(const struct weft_transport *transport)
{
    return transport->has_heard;
}

enum weft_io_result weft_transport_read(struct weft_transport *transport, void *bytes, size_t capacity,
                                        size_t *out_length)
{
    weft_assert(capacity > 0);
    *out_length = 0;
    return transport->is_handshake_done ? transport->kind->read(transport, bytes, capacity, out_length) : WEFT_IO_AGAIN;
}

enum weft_io_result weft_transport_write(struct weft_transport *transport, const struct iovec *vectors,
                                         size_t vector_count, size_t *out_length)
{
    *out_length = 0;
    if (!transport->is_handshake_done) {
        return WEFT_IO_AGAIN;
    }
    return vector_count == 0 ? WEFT_IO_DONE : transport->kind->write(transport, vectors, vector_count, out_length);
}

bool weft_transport_has_buffered(const struct weft_transport *transport)
{
    return transport->kind->has_buffered(transport);
}

unsigned weft_transport_interest(const struct weft_transport *transport)
{
    return transport->interest;
}

const char *weft_transport_failure(const struct weft_transport *transport)
{
    return transport->failure;
}
