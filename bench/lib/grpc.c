/* gRPC on nghttp2: frames in, whole messages out, and back. DATA is lent to the socket, not copied. */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/protocol.h"

/* ---- nghttp2 callbacks: in ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct bench_connection *connection = context;
    if (connection->is_server && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        struct bench_stream *stream = bench_stream_take(connection);
        stream->id = frame->hd.stream_id;
        stream->request = bench_body_take(&connection->endpoint->bodies);
        nghttp2_session_set_stream_user_data(session, stream->id, stream);
    }
    return 0;
}

static bool name_is(const uint8_t *name, size_t length, const char *wanted, size_t wanted_length)
{
    return length == wanted_length && memcmp(name, wanted, length) == 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t value_length, uint8_t flags, void *context)
{
    (void)flags;
    (void)context;
    struct bench_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream == NULL || name_length < 11) {
        return 0;
    }
    if (name_is(name, name_length, "grpc-status", 11)) {
        stream->grpc_status = atoi((const char *)value);
    } else if (name_is(name, name_length, "grpc-encoding", 13)) {
        stream->encoding = bench_encoding_parse((const char *)value, value_length);
    } else if (name_is(name, name_length, "grpc-status-details-bin", 23)) {
        stream->has_error_details = true;
    }
    return 0;
}

/* The gRPC prefix says how long the message will be: one reservation instead of several growths. */
static void reserve_message(struct bench_body *body, const uint8_t *bytes, size_t length)
{
    if (length >= BENCH_GRPC_PREFIX) {
        size_t expected = (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 | bytes[4];
        bench_body_reserve(body, (expected < BENCH_MESSAGE_MAX_BYTES ? expected : BENCH_MESSAGE_MAX_BYTES) +
                                     BENCH_GRPC_PREFIX);
    }
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *bytes, size_t length,
                   void *context)
{
    (void)flags;
    struct bench_connection *connection = context;
    struct bench_stream *stream = nghttp2_session_get_stream_user_data(session, stream_id);
    if (stream == NULL) {
        return 0;
    }
    if (!connection->is_server) {
        size_t room = BENCH_REPLY_MAX - stream->reply_length;
        memcpy(stream->reply + stream->reply_length, bytes, length < room ? length : room);
        stream->reply_length += length < room ? length : room;
        return 0;
    }
    if (stream->request->length == 0) {
        reserve_message(stream->request, bytes, length);
    }
    if (stream->request->length + length > BENCH_MESSAGE_MAX_BYTES + BENCH_GRPC_PREFIX) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    bench_body_append(stream->request, bytes, length);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct bench_connection *connection = context;
    if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        return 0;
    }
    struct bench_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream != NULL && !stream->is_message_complete) {
        stream->is_message_complete = true;
        connection->endpoint->handlers->on_message(stream);
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t code, void *context)
{
    (void)code;
    (void)context;
    struct bench_stream *stream = nghttp2_session_get_stream_user_data(session, stream_id);
    if (stream != NULL) {
        bench_stream_release(stream);
    }
    return 0;
}

/* ---- nghttp2 callbacks: out ---- */

static ssize_t on_frame_length(nghttp2_session *session, uint8_t type, int32_t stream_id, int32_t session_window,
                               int32_t stream_window, uint32_t max_frame_bytes, void *context)
{
    (void)session;
    (void)type;
    (void)stream_id;
    (void)session_window;
    (void)stream_window;
    const struct bench_connection *connection = context;
    uint32_t own = connection->endpoint->send_frame_bytes;
    return own < max_frame_bytes ? own : max_frame_bytes;
}

static ssize_t read_request(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t length,
                            uint32_t *flags, nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)stream_id;
    (void)buffer;
    (void)context;
    const struct bench_stream *stream = source->ptr;
    size_t left = stream->request->length - stream->request_sent;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (left <= length) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        return (ssize_t)left;
    }
    return (ssize_t)length;
}

static int send_request_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_header, size_t length,
                             nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)frame;
    struct bench_connection *connection = context;
    struct bench_stream *stream = source->ptr;
    if (!bench_output_has_room(&connection->output, connection->endpoint->write_bytes)) {
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    bench_output_copy(&connection->output, frame_header, 9);
    bench_output_lend(&connection->output, stream->request, stream->request_sent, length);
    stream->request_sent += length;
    if (stream->request_sent == stream->request->length) {
        bench_body_unref(&stream->request); /* the output holds it until the kernel has it */
    }
    return 0;
}

#define HEADER(name, value)                                                                       \
    {                                                                                             \
        (uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), strlen(value), \
            NGHTTP2_NV_FLAG_NO_COPY_NAME                                                          \
    }

static ssize_t read_reply(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t length, uint32_t *flags,
                          nghttp2_data_source *source, void *context)
{
    (void)context;
    struct bench_stream *stream = source->ptr;
    size_t left = stream->reply_length - stream->reply_sent;
    size_t part = left < length ? left : length;
    memcpy(buffer, stream->reply + stream->reply_sent, part);
    stream->reply_sent += part;
    if (part == left) {
        const nghttp2_nv trailer = HEADER("grpc-status", "0");
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(session, stream_id, &trailer, 1) != 0) {
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
    }
    return (ssize_t)part;
}

/* ---- calls and answers ---- */

static struct bench_stream *call(struct bench_connection *connection, const char *path, struct bench_body *body,
                                 enum bench_encoding encoding, void *context)
{
    const char *encoding_name = bench_encoding_name(encoding);
    const nghttp2_nv headers[] = {
        HEADER(":method", "POST"),
        HEADER(":scheme", "http"),
        HEADER(":path", path),
        HEADER(":authority", "localhost"),
        HEADER("te", "trailers"),
        HEADER("content-type", "application/grpc"),
        HEADER("user-agent", "weft-bench"),
        HEADER("grpc-encoding", encoding_name),
    };
    size_t header_count = sizeof headers / sizeof headers[0] - (encoding == BENCH_ENCODING_NONE ? 1 : 0);
    struct bench_stream *stream = bench_stream_take(connection);
    stream->request = bench_body_ref(body);
    stream->encoding = encoding;
    stream->context = context;
    const nghttp2_data_provider provider = { .source.ptr = stream, .read_callback = read_request };
    stream->id = nghttp2_submit_request(connection->session, NULL, headers, header_count, &provider, stream);
    if (stream->id < 0) {
        stream->context = NULL;
        bench_stream_release(stream);
        bench_connection_close_later(connection);
        return NULL;
    }
    bench_connection_mark_dirty(connection);
    return stream;
}

static void answer(struct bench_stream *stream, const uint8_t *message, size_t length)
{
    const nghttp2_nv headers[] = { HEADER(":status", "200"), HEADER("content-type", "application/grpc") };
    const nghttp2_data_provider provider = { .source.ptr = stream, .read_callback = read_reply };
    const uint8_t prefix[BENCH_GRPC_PREFIX] = { 0, 0, 0, (uint8_t)(length >> 8), (uint8_t)length };
    if (length > BENCH_REPLY_MAX - BENCH_GRPC_PREFIX) {
        length = 0;
    }
    memcpy(stream->reply, prefix, sizeof prefix);
    if (length > 0) {
        memcpy(stream->reply + sizeof prefix, message, length);
    }
    stream->reply_length = sizeof prefix + length;
    if (nghttp2_submit_response(stream->connection->session, stream->id, headers, 2, &provider) != 0) {
        bench_connection_close_later(stream->connection);
    }
    bench_connection_mark_dirty(stream->connection);
}

static void encode_base64(const uint8_t *bytes, size_t length, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | bytes[i];
        for (count += 8; count >= 6; count -= 6) {
            *out++ = digits[bits >> (count - 6) & 63];
        }
    }
    if (count > 0) {
        *out++ = digits[bits << (6 - count) & 63];
    }
    *out = '\0';
}

/* google.rpc.Status{code, details: Any{RetryInfo{retry_delay}}}, base64 without padding as gRPC wants it. */
static void encode_retry_details(int grpc_status, uint64_t retry_after_ms, char *out_text)
{
    struct bench_bytes duration = { 0 }, info = { 0 }, any = { 0 }, status = { 0 };
    bench_put_tag(&duration, 1, 0);
    bench_put_varint(&duration, retry_after_ms / 1000);
    bench_put_tag(&duration, 2, 0);
    bench_put_varint(&duration, retry_after_ms % 1000 * 1000000);
    bench_put_bytes(&info, 1, duration.bytes, duration.length);
    bench_put_bytes(&any, 1, "type.googleapis.com/google.rpc.RetryInfo", 40);
    bench_put_bytes(&any, 2, info.bytes, info.length);
    bench_put_tag(&status, 1, 0);
    bench_put_varint(&status, (uint64_t)grpc_status);
    bench_put_bytes(&status, 3, any.bytes, any.length);
    encode_base64(status.bytes, status.length, out_text);
    bench_bytes_free(&duration);
    bench_bytes_free(&info);
    bench_bytes_free(&any);
    bench_bytes_free(&status);
}

static void refuse(struct bench_stream *stream, int grpc_status, uint64_t retry_after_ms)
{
    char status_text[16];
    char details[256];
    snprintf(status_text, sizeof status_text, "%d", grpc_status);
    nghttp2_nv headers[] = {
        HEADER(":status", "200"),
        HEADER("content-type", "application/grpc"),
        HEADER("grpc-status", status_text),
        HEADER("grpc-message", "refused by the bench"),
        HEADER("grpc-status-details-bin", ""),
    };
    size_t header_count = 4;
    if (retry_after_ms > 0) {
        encode_retry_details(grpc_status, retry_after_ms, details);
        headers[4].value = (uint8_t *)details;
        headers[4].valuelen = strlen(details);
        header_count = 5;
    }
    if (nghttp2_submit_response(stream->connection->session, stream->id, headers, header_count, NULL) != 0) {
        bench_connection_close_later(stream->connection);
    }
    bench_connection_mark_dirty(stream->connection);
}

/* ---- the session ---- */

static nghttp2_session_callbacks *callbacks_of(bool is_server)
{
    static nghttp2_session_callbacks *made[2];
    nghttp2_session_callbacks **callbacks = &made[is_server];
    if (*callbacks == NULL && nghttp2_session_callbacks_new(callbacks) != 0) {
        bench_die("out of memory");
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(*callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(*callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(*callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(*callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(*callbacks, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(*callbacks, send_request_data);
    if (!is_server) {
        nghttp2_session_callbacks_set_data_source_read_length_callback(*callbacks, on_frame_length);
    }
    return *callbacks;
}

static void open_session(struct bench_connection *connection)
{
    const struct bench_endpoint *endpoint = connection->endpoint;
    bool is_server = connection->is_server;
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, endpoint->stream_window_bytes },
        { NGHTTP2_SETTINGS_MAX_FRAME_SIZE, endpoint->receive_frame_bytes },
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1024 },
    };
    nghttp2_session *session;
    nghttp2_option *option;
    if (nghttp2_option_new(&option) != 0) {
        bench_die("out of memory");
    }
    nghttp2_option_set_peer_max_concurrent_streams(option, 1024);
    int rc = is_server ? nghttp2_session_server_new2(&session, callbacks_of(true), connection, option)
                       : nghttp2_session_client_new2(&session, callbacks_of(false), connection, option);
    nghttp2_option_del(option);
    if (rc != 0 || nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 3) != 0 ||
        nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                              (int32_t)endpoint->connection_window_bytes) != 0) {
        bench_die("nghttp2: no session");
    }
    connection->session = session;
}

static void close_session(struct bench_connection *connection)
{
    nghttp2_session_del(connection->session);
}

static bool receive(struct bench_connection *connection, const uint8_t *bytes, size_t length)
{
    if (nghttp2_session_mem_recv(connection->session, bytes, length) < 0) {
        return false;
    }
    if (nghttp2_session_want_write(connection->session)) {
        bench_connection_mark_dirty(connection);
        return true;
    }
    return nghttp2_session_want_read(connection->session);
}

static bool gather(struct bench_connection *connection)
{
    const uint8_t *bytes;
    while (bench_output_has_room(&connection->output, connection->endpoint->write_bytes)) {
        ssize_t length = nghttp2_session_mem_send(connection->session, &bytes);
        if (length <= 0) {
            return length == 0;
        }
        bench_output_copy(&connection->output, bytes, (size_t)length);
    }
    return true;
}

const struct bench_protocol bench_protocol_grpc = { open_session, close_session, receive, gather,
                                                    call,         answer,        refuse,  BENCH_GRPC_PREFIX };
