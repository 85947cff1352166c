/* Asking a proxy for a tunnel (tunnel.h). The other side says nothing before TLS has begun, so whatever follows the
 * answer's head is a mistake of the proxy's. */
#include "net/tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/loop.h"

static bool is_sent(const struct weft_tunnel *tunnel)
{
    return tunnel->request[tunnel->sent] == '\0';
}

unsigned weft_tunnel_interest(const struct weft_tunnel *tunnel)
{
    return is_sent(tunnel) ? WEFT_READABLE : WEFT_WRITABLE;
}

static enum weft_io_result fail(struct weft_tunnel *tunnel, const char *what, const char *detail)
{
    snprintf(tunnel->failure, sizeof tunnel->failure, "the proxy %s%.80s", what, detail);
    return WEFT_IO_FAILED;
}

static enum weft_io_result fail_with_errno(struct weft_tunnel *tunnel)
{
    bool is_later = errno == EAGAIN || errno == EINTR;
    return is_later ? WEFT_IO_AGAIN : fail(tunnel, "cannot be asked: ", strerror(errno));
}

/* "HTTP/1.1 200 Connection established" */
static enum weft_io_result judge(struct weft_tunnel *tunnel)
{
    tunnel->answer[strcspn(tunnel->answer, "\r\n")] = '\0';
    bool is_http = strncmp(tunnel->answer, "HTTP/1.", 7) == 0 && strlen(tunnel->answer) >= 12;
    if (!is_http) {
        return fail(tunnel, "does not answer in HTTP/1.1", "");
    }
    return tunnel->answer[9] == '2' ? WEFT_IO_DONE : fail(tunnel, "refuses: ", tunnel->answer + 9);
}

static enum weft_io_result take_answer(struct weft_tunnel *tunnel, int descriptor)
{
    size_t room = WEFT_TUNNEL_ANSWER_BYTES - tunnel->length;
    ssize_t length = room == 0 ? 0 : recv(descriptor, tunnel->answer + tunnel->length, room, 0);
    if (length < 0) {
        return fail_with_errno(tunnel);
    }
    if (length == 0) {
        return fail(tunnel, room == 0 ? "answers without an end" : "has closed the connection", "");
    }
    tunnel->length += (size_t)length;
    tunnel->answer[tunnel->length] = '\0';
    const char *end = strstr(tunnel->answer, "\r\n\r\n");
    if (end == NULL) {
        return WEFT_IO_AGAIN;
    }
    bool has_more = end + 4 != tunnel->answer + tunnel->length;
    enum weft_io_result result = judge(tunnel);
    return result == WEFT_IO_DONE && has_more ? fail(tunnel, "says more than its answer", "") : result;
}

enum weft_io_result weft_tunnel_advance(struct weft_tunnel *tunnel, int descriptor)
{
    if (!is_sent(tunnel)) {
        const char *rest = tunnel->request + tunnel->sent;
        ssize_t sent = send(descriptor, rest, strlen(rest), MSG_NOSIGNAL);
        if (sent < 0) {
            return fail_with_errno(tunnel);
        }
        tunnel->sent += (size_t)sent;
        return WEFT_IO_AGAIN;
    }
    return take_answer(tunnel, descriptor);
}
