/* A blocking GET for the command line (get.h). The answer's head is read with the strictness of the server's
 * parser: CR LF lines, one Content-Length or none, no transfer coding. Everything ends at one deadline. */
#include "net/http1/get.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { MAX_HEAD_BYTES = 16 * 1024, READ_BYTES = 16 * 1024, MAX_LENGTH_DIGITS = 15 };

struct get {
    int descriptor;
    struct weft_monotonic deadline;
    struct weft_buffer received; /* head, then what came of the body */
    size_t head_length;          /* with the empty line; 0 = not complete yet */
    int code;
    bool has_length;
    uint64_t content_length;
    size_t max_body_bytes;
    struct weft_error *error;
};

static enum weft_status wait_for(const struct get *get, short events)
{
    while (true) {
        int64_t left_ns = get->deadline.ns - weft_monotonic_now().ns;
        if (left_ns <= 0) {
            return weft_fail(get->error, WEFT_TIMEOUT, "no answer in time");
        }
        struct pollfd wait = { .fd = get->descriptor, .events = events };
        int result = poll(&wait, 1, (int)(left_ns / WEFT_NS_PER_MS) + 1);
        if (result > 0) {
            return WEFT_OK;
        }
        if (result < 0 && errno != EINTR) {
            return weft_fail(get->error, WEFT_IO, "poll: %s", strerror(errno));
        }
    }
}

static enum weft_status connect_to(struct get *get, const struct sockaddr_storage *address, socklen_t length)
{
    get->descriptor = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (get->descriptor < 0) {
        return weft_fail(get->error, WEFT_IO, "socket: %s", strerror(errno));
    }
    if (connect(get->descriptor, (const struct sockaddr *)address, length) != 0 && errno != EINPROGRESS) {
        return weft_fail(get->error, WEFT_IO, "connect: %s", strerror(errno));
    }
    enum weft_status status = wait_for(get, POLLOUT);
    if (status != WEFT_OK) {
        return status;
    }
    int reason = 0;
    socklen_t reason_size = sizeof reason;
    if (getsockopt(get->descriptor, SOL_SOCKET, SO_ERROR, &reason, &reason_size) != 0 || reason != 0) {
        return weft_fail(get->error, WEFT_IO, "connect: %s", strerror(reason));
    }
    return WEFT_OK;
}

/* This machine has two names for itself; an agent listens on one of them at least. */
static enum weft_status connect_to_localhost(struct get *get, uint16_t port)
{
    struct sockaddr_storage address = { 0 };
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    *v4 =
        (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
    if (connect_to(get, &address, sizeof *v4) == WEFT_OK) {
        return WEFT_OK;
    }
    if (get->descriptor >= 0) {
        close(get->descriptor);
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    *v6 =
        (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    return connect_to(get, &address, sizeof *v6);
}

static enum weft_status connect_endpoint(struct get *get, const struct weft_endpoint *endpoint)
{
    if (endpoint->wants_tls) {
        return weft_fail(get->error, WEFT_INVALID, "only plain HTTP is spoken here");
    }
    bool is_any = !endpoint->is_unix && (endpoint->host[0] == '\0' || strcmp(endpoint->host, "0.0.0.0") == 0 ||
                                         strcmp(endpoint->host, "::") == 0 || strcmp(endpoint->host, "localhost") == 0);
    if (is_any) {
        return connect_to_localhost(get, endpoint->port);
    }
    struct sockaddr_storage address;
    socklen_t length;
    if (weft_endpoint_literal(endpoint, &address, &length) != WEFT_OK) {
        return weft_fail(get->error, WEFT_INVALID, "%s is not an address of this machine", endpoint->host);
    }
    return connect_to(get, &address, length);
}

static enum weft_status send_request(struct get *get, const struct weft_endpoint *endpoint, const char *target)
{
    struct weft_buffer request;
    weft_buffer_init(&request, 0);
    weft_buffer_append_format(&request, "GET %s HTTP/1.1\r\nHost: ", target);
    if (!endpoint->is_unix && endpoint->host[0] != '\0') {
        bool is_v6 = strchr(endpoint->host, ':') != NULL;
        weft_buffer_append_format(&request, is_v6 ? "[%s]:%u" : "%s:%u", endpoint->host, endpoint->port);
    } else {
        weft_buffer_append_text(&request, "localhost");
    }
    weft_buffer_append_text(&request, "\r\nConnection: close\r\n\r\n");
    enum weft_status status = weft_buffer_status(&request);
    size_t sent = 0;
    while (status == WEFT_OK && sent < request.length) {
        status = wait_for(get, POLLOUT);
        if (status == WEFT_OK) {
            ssize_t length = send(get->descriptor, request.bytes + sent, request.length - sent, MSG_NOSIGNAL);
            if (length < 0 && errno != EAGAIN && errno != EINTR) {
                status = weft_fail(get->error, WEFT_IO, "send: %s", strerror(errno));
            }
            sent += length > 0 ? (size_t)length : 0;
        }
    }
    weft_buffer_fini(&request);
    return status;
}

static enum weft_status read_length(struct get *get, const char *value, size_t length)
{
    uint64_t number = 0;
    bool is_valid = !get->has_length && length > 0 && length <= MAX_LENGTH_DIGITS;
    for (size_t i = 0; i < length && is_valid; i++) {
        is_valid = isdigit((unsigned char)value[i]) != 0;
        number = number * 10 + (uint64_t)(value[i] - '0');
    }
    if (!is_valid) {
        return weft_fail(get->error, WEFT_INVALID, "the answer's Content-Length");
    }
    if (number > get->max_body_bytes) {
        return weft_fail(get->error, WEFT_LIMIT, "the answer has %llu bytes, more than %zu", (unsigned long long)number,
                         get->max_body_bytes);
    }
    get->has_length = true;
    get->content_length = number;
    return WEFT_OK;
}

static enum weft_status read_field(struct get *get, const char *line, size_t length)
{
    static const char length_name[] = "content-length:", coding_name[] = "transfer-encoding:";
    if (length >= sizeof coding_name - 1 && strncasecmp(line, coding_name, sizeof coding_name - 1) == 0) {
        return weft_fail(get->error, WEFT_INVALID, "the answer has a transfer coding");
    }
    if (length < sizeof length_name - 1 || strncasecmp(line, length_name, sizeof length_name - 1) != 0) {
        return WEFT_OK;
    }
    const char *value = line + sizeof length_name - 1;
    const char *end = line + length;
    while (value < end && *value == ' ') {
        value++;
    }
    while (end > value && end[-1] == ' ') {
        end--;
    }
    return read_length(get, value, (size_t)(end - value));
}

static enum weft_status read_head(struct get *get)
{
    const char *text = (const char *)get->received.bytes;
    const char *head_end = text + get->head_length - 2; /* the empty line */
    if (get->head_length < 17 || memcmp(text, "HTTP/1.", 7) != 0 || text[8] != ' ' ||
        !isdigit((unsigned char)text[9]) || !isdigit((unsigned char)text[10]) || !isdigit((unsigned char)text[11])) {
        return weft_fail(get->error, WEFT_INVALID, "the answer is not HTTP/1");
    }
    get->code = (text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0');
    for (const char *line = text; line < head_end;) {
        const char *line_end = memmem(line, (size_t)(head_end - line), "\r\n", 2);
        enum weft_status status = read_field(get, line, (size_t)(line_end - line));
        if (status != WEFT_OK) {
            return status;
        }
        line = line_end + 2;
    }
    return WEFT_OK;
}

static enum weft_status find_head(struct get *get)
{
    const uint8_t *bytes = get->received.bytes;
    const uint8_t *end = memmem(bytes, get->received.length, "\r\n\r\n", 4);
    if (end != NULL && (size_t)(end - bytes) + 4 <= MAX_HEAD_BYTES) {
        get->head_length = (size_t)(end - bytes) + 4;
        return read_head(get);
    }
    return get->received.length >= MAX_HEAD_BYTES
               ? weft_fail(get->error, WEFT_INVALID, "the answer's headers do not end")
               : WEFT_OK;
}

static bool is_whole(const struct get *get, bool has_ended)
{
    if (get->head_length == 0) {
        return false;
    }
    return get->has_length ? get->received.length - get->head_length >= get->content_length : has_ended;
}

static enum weft_status receive_answer(struct get *get)
{
    bool has_ended = false;
    while (!is_whole(get, has_ended)) {
        if (has_ended) {
            return weft_fail(get->error, WEFT_IO, "the connection ended before the answer");
        }
        enum weft_status status = wait_for(get, POLLIN);
        if (status != WEFT_OK) {
            return status;
        }
        uint8_t *end = weft_buffer_reserve(&get->received, READ_BYTES);
        if (end == NULL) {
            return weft_fail(get->error, WEFT_NOMEM, "no memory for the answer");
        }
        ssize_t length = recv(get->descriptor, end, READ_BYTES, 0);
        if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
            continue;
        }
        if (length < 0) {
            return weft_fail(get->error, WEFT_IO, "receive: %s", strerror(errno));
        }
        has_ended = length == 0;
        get->received.length += (size_t)length;
        status = get->head_length == 0 ? find_head(get) : WEFT_OK;
        if (status != WEFT_OK) {
            return status;
        }
        if (get->head_length > 0 && get->received.length - get->head_length > get->max_body_bytes) {
            return weft_fail(get->error, WEFT_LIMIT, "the answer is larger than %zu bytes", get->max_body_bytes);
        }
    }
    return WEFT_OK;
}

enum weft_status weft_http1_get(const struct weft_endpoint *endpoint, const char *target,
                                const struct weft_http1_get_settings *settings, int *out_code,
                                struct weft_buffer *out_body, struct weft_error *error)
{
    int64_t timeout_ns = settings->timeout_ns == 0 ? 5 * WEFT_NS_PER_S : settings->timeout_ns;
    struct weft_error own_error = WEFT_ERROR_NONE;
    struct get get = {
        .descriptor = -1,
        .deadline = weft_monotonic_after(weft_monotonic_now(), timeout_ns),
        .max_body_bytes = settings->max_body_bytes == 0 ? 16 * 1024 * 1024 : settings->max_body_bytes,
        .error = error != NULL ? error : &own_error,
    };
    weft_buffer_init(&get.received, 0);
    enum weft_status status = connect_endpoint(&get, endpoint);
    status = status == WEFT_OK ? send_request(&get, endpoint, target) : status;
    status = status == WEFT_OK ? receive_answer(&get) : status;
    if (status == WEFT_OK) {
        size_t body_length = get.received.length - get.head_length;
        if (get.has_length && body_length > get.content_length) {
            body_length = (size_t)get.content_length;
        }
        weft_buffer_append(out_body, get.received.bytes + get.head_length, body_length);
        status = weft_buffer_status(out_body);
        *out_code = get.code;
    }
    if (status == WEFT_NOMEM) {
        weft_fail(get.error, WEFT_NOMEM, "no memory for the answer");
    }
    if (get.descriptor >= 0) {
        close(get.descriptor);
    }
    weft_buffer_fini(&get.received);
    return status;
}
