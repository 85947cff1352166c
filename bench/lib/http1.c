/* OTLP over HTTP/1.1: POST with Content-Length, kept alive, one at a time on each connection, no chunks. Heads are read
 * into a small buffer, bodies go straight to where gRPC messages go. A peer that does more than that is cut off: the
 * generator then counts what it asked as failed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/bytes.h"
#include "lib/protocol.h"

enum { HEAD_MAX = 8192 };

struct http1 {
    struct bench_stream *stream; /* under way; NULL = none */
    bool is_in_body;
    bool is_last; /* the peer said Connection: close */
    size_t body_left;
    size_t head_length;
    char head[HEAD_MAX];
};

/* What a head says that matters here. */
struct head {
    int code; /* of a response */
    uint64_t body_bytes;
    bool has_length;
    bool has_retry_after;
    bool is_last;
    enum bench_encoding encoding;
};

/* gRPC's statuses and what OTLP/HTTP has for them. */
static const struct {
    int grpc_status;
    int code;
    const char *line;
} codes[] = {
    { 0, 200, "200 OK" },
    { 3, 400, "400 Bad Request" },
    { 8, 429, "429 Too Many Requests" },
    { 14, 503, "503 Service Unavailable" },
    { 14, 502, "502 Bad Gateway" },
    { 14, 504, "504 Gateway Timeout" },
    { 2, 500, "500 Internal Server Error" },
};
enum { CODE_COUNT = sizeof codes / sizeof codes[0] };

static int grpc_status_of(int code)
{
    for (int i = 0; i < CODE_COUNT; i++) {
        if (codes[i].code == code) {
            return codes[i].grpc_status;
        }
    }
    return 2;
}

static const char *line_of(int grpc_status)
{
    for (int i = 0; i < CODE_COUNT; i++) {
        if (codes[i].grpc_status == grpc_status) {
            return codes[i].line;
        }
    }
    return codes[CODE_COUNT - 1].line;
}

/* ---- in ---- */

/* The value, if the line is this field; the line ends with a NUL. */
static const char *value_of(const char *line, const char *name)
{
    size_t length = strlen(name);
    if (strncasecmp(line, name, length) != 0 || line[length] != ':') {
        return NULL;
    }
    line += length + 1;
    return line + strspn(line, " \t");
}

static bool parse_field(const char *line, struct head *head)
{
    const char *value;
    if ((value = value_of(line, "content-length")) != NULL) {
        char *end;
        errno = 0;
        head->body_bytes = strtoull(value, &end, 10);
        head->has_length = true;
        return errno == 0 && end != value && *end == '\0' && head->body_bytes <= BENCH_MESSAGE_MAX_BYTES;
    }
    if ((value = value_of(line, "content-encoding")) != NULL) {
        head->encoding = bench_encoding_parse(value, strlen(value));
    } else if ((value = value_of(line, "connection")) != NULL) {
        head->is_last = strcasecmp(value, "close") == 0;
    } else if (value_of(line, "retry-after") != NULL) {
        head->has_retry_after = true;
    }
    return value_of(line, "transfer-encoding") == NULL;
}

/* text is a whole head with its empty line; it is cut into lines. */
static bool parse_head(char *text, bool is_server, struct head *head)
{
    char *line_end = strstr(text, "\r\n");
    *line_end = '\0';
    if (is_server ? strncmp(text, "POST ", 5) != 0 : sscanf(text, "HTTP/1.1 %3d", &head->code) != 1) {
        return false;
    }
    for (char *line = line_end + 2; *line != '\r'; line = line_end + 2) {
        line_end = strstr(line, "\r\n");
        *line_end = '\0';
        if (!parse_field(line, head)) {
            return false;
        }
    }
    return head->has_length;
}

static bool start_message(struct bench_connection *connection, const struct head *head)
{
    struct http1 *http1 = connection->session;
    if (connection->is_server) {
        if (http1->stream != NULL) {
            return false; /* pipelined */
        }
        http1->stream = bench_stream_take(connection);
        http1->stream->encoding = head->encoding;
        http1->stream->request = bench_body_take(&connection->endpoint->bodies);
        bench_body_reserve(http1->stream->request, head->body_bytes);
    } else if (http1->stream == NULL) {
        return false; /* nobody asked */
    } else {
        http1->stream->grpc_status = grpc_status_of(head->code);
        http1->stream->has_error_details = head->has_retry_after;
    }
    http1->is_last = head->is_last;
    http1->body_left = head->body_bytes;
    http1->is_in_body = true;
    return true;
}

/* Returns how many of the bytes belong to the head; -1 if it is not one. */
static ssize_t take_head(struct bench_connection *connection, const uint8_t *bytes, size_t length)
{
    struct http1 *http1 = connection->session;
    size_t before = http1->head_length, room = HEAD_MAX - 1 - before;
    size_t part = length < room ? length : room;
    memcpy(http1->head + before, bytes, part);
    http1->head[before + part] = '\0';
    char *end = strstr(http1->head, "\r\n\r\n");
    if (end == NULL) {
        http1->head_length += part;
        return http1->head_length < HEAD_MAX - 1 ? (ssize_t)part : -1;
    }
    end[4] = '\0';
    size_t used = (size_t)(end + 4 - http1->head) - before;
    struct head head = { 0 };
    http1->head_length = 0;
    return parse_head(http1->head, connection->is_server, &head) && start_message(connection, &head) ? (ssize_t)used
                                                                                                     : -1;
}

static size_t take_body(struct bench_connection *connection, const uint8_t *bytes, size_t length)
{
    struct http1 *http1 = connection->session;
    struct bench_stream *stream = http1->stream;
    size_t part = length < http1->body_left ? length : http1->body_left;
    http1->body_left -= part;
    if (connection->is_server) {
        bench_body_append(stream->request, bytes, part);
    } else {
        size_t room = BENCH_REPLY_MAX - stream->reply_length;
        memcpy(stream->reply + stream->reply_length, bytes, part < room ? part : room);
        stream->reply_length += part < room ? part : room;
    }
    return part;
}

/* False if this was the last message of the connection. */
static bool end_message(struct bench_connection *connection)
{
    struct http1 *http1 = connection->session;
    struct bench_stream *stream = http1->stream;
    http1->is_in_body = false;
    stream->is_message_complete = true;
    connection->endpoint->handlers->on_message(stream); /* a server's stream may be gone now */
    if (connection->is_server) {
        return true;
    }
    http1->stream = NULL;
    bench_stream_release(stream);
    return !http1->is_last;
}

static bool receive(struct bench_connection *connection, const uint8_t *bytes, size_t length)
{
    struct http1 *http1 = connection->session;
    while (length > 0) {
        ssize_t used =
            http1->is_in_body ? (ssize_t)take_body(connection, bytes, length) : take_head(connection, bytes, length);
        if (used < 0) {
            return false;
        }
        bytes += used;
        length -= (size_t)used;
        if (http1->is_in_body && http1->body_left == 0 && !end_message(connection)) {
            return false;
        }
    }
    return true;
}

/* ---- out ---- */

static bool gather(struct bench_connection *connection)
{
    (void)connection; /* all is in the output already */
    return true;
}

static struct bench_stream *call(struct bench_connection *connection, const char *path, struct bench_body *body,
                                 enum bench_encoding encoding, void *context)
{
    struct http1 *http1 = connection->session;
    char head[512];
    if (http1->stream != NULL) {
        return NULL;
    }
    bool is_compressed = encoding != BENCH_ENCODING_NONE;
    int length =
        snprintf(head, sizeof head,
                 "POST %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: weft-bench\r\nContent-Type: %s\r\n"
                 "%s%s%sContent-Length: %zu\r\n\r\n",
                 path, connection->endpoint->content_type, is_compressed ? "Content-Encoding: " : "",
                 is_compressed ? bench_encoding_name(encoding) : "", is_compressed ? "\r\n" : "", body->length);
    struct bench_stream *stream = http1->stream = bench_stream_take(connection);
    stream->encoding = encoding;
    stream->context = context;
    bench_output_copy(&connection->output, (const uint8_t *)head, (size_t)length);
    bench_output_lend(&connection->output, body, 0, body->length);
    bench_connection_mark_dirty(connection);
    return stream;
}

static void end_exchange(struct bench_stream *stream, const char *head, int head_length)
{
    struct bench_connection *connection = stream->connection;
    struct http1 *http1 = connection->session;
    bench_output_copy(&connection->output, (const uint8_t *)head, (size_t)head_length);
    bench_output_copy(&connection->output, stream->reply, stream->reply_length);
    bench_connection_mark_dirty(connection);
    http1->stream = NULL;
    bench_stream_release(stream);
}

static void answer(struct bench_stream *stream, const uint8_t *message, size_t length)
{
    char head[256];
    stream->reply_length = length < BENCH_REPLY_MAX ? length : 0;
    if (stream->reply_length > 0) {
        memcpy(stream->reply, message, length);
    }
    int head_length = snprintf(head, sizeof head,
                               "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                               stream->reply_length);
    end_exchange(stream, head, head_length);
}

static void refuse(struct bench_stream *stream, int grpc_status, uint64_t retry_after_ms)
{
    char head[256], retry[64] = "";
    if (retry_after_ms > 0) {
        snprintf(retry, sizeof retry, "Retry-After: %llu\r\n", (unsigned long long)(retry_after_ms + 999) / 1000);
    }
    int head_length =
        snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: 0\r\n\r\n", line_of(grpc_status), retry);
    stream->reply_length = 0;
    end_exchange(stream, head, head_length);
}

static void open_connection(struct bench_connection *connection)
{
    connection->session = bench_alloc_zero(1, sizeof(struct http1));
}

static void close_connection(struct bench_connection *connection)
{
    free(connection->session);
}

const struct bench_protocol bench_protocol_http1 = { open_connection, close_connection, receive, gather, call,
                                                     answer,          refuse,           0 };
