/* Answers of the gRPC server: response message and trailers, or trailers only for a failure. Everything is queued in
 * nghttp2 at once and leaves with the connection's next write. An answer to a stream or connection that is gone is
 * lost, and said to be. */
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/base64.h"
#include "base/hex.h"
#include "net/grpc/decode.h"
#include "net/grpc/server_internal.h"

enum {
    PREFIX_BYTES = 5,
    MAX_FIELDS = 8,
    MAX_MESSAGE_BYTES = 1024,     /* of grpc-message before encoding; the rest is cut */
    MAX_DETAILS_BYTES = 8 * 1024, /* of grpc-status-details-bin before encoding; more is left out */
};

struct fields {
    nghttp2_nv list[MAX_FIELDS];
    size_t count;
};

static void add_field(struct fields *fields, const char *name, struct weft_slice value)
{
    weft_assert(fields->count < MAX_FIELDS);
    fields->list[fields->count++] = (nghttp2_nv){ .name = (uint8_t *)name,
                                                  .namelen = strlen(name),
                                                  .value = (uint8_t *)value.bytes,
                                                  .valuelen = value.length,
                                                  .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME };
}

/* grpc-message: printable ASCII but '%' stands for itself (PROTOCOL-HTTP2, "Percent-Byte-Encoded"). */
static void append_percent_encoded(struct weft_buffer *out, struct weft_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        if (byte >= 0x20 && byte <= 0x7e && byte != '%') {
            weft_buffer_append_byte(out, byte);
        } else {
            uint8_t escape[3] = { '%' };
            weft_hex_put_byte(escape + 1, byte, WEFT_HEX_UPPER);
            weft_buffer_append(out, escape, sizeof escape);
        }
    }
}

/* What holds whatever the answer is: the call has one, and the peer has a while to take it. */
static void set_answered(struct weft_grpc_server_call *call)
{
    struct weft_grpc_server_connection *connection = call->connection;
    weft_grpc_server_call_end_partial(call);
    weft_payload_unref(&call->message);
    weft_payload_unref(&call->wire);
    call->phase = WEFT_GRPC_SERVER_CALL_ANSWERED;
    weft_grpc_server_call_restart_clock(call);
    weft_grpc_server_connection_attend(connection);
}

/* No memory for an answer: the stream is reset, which needs less; if that fails too the connection goes. */
static bool give_up(struct weft_grpc_server_call *call)
{
    set_answered(call);
    if (nghttp2_submit_rst_stream(call->connection->session, NGHTTP2_FLAG_NONE, call->stream_id,
                                  NGHTTP2_INTERNAL_ERROR) != 0) {
        call->connection->is_broken = true;
    }
    return false;
}

static ssize_t on_text_wanted(nghttp2_session *session, int32_t stream_id, uint8_t *out_bytes, size_t capacity,
                              uint32_t *out_flags, nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)stream_id;
    (void)context;
    struct weft_grpc_server_call *call = source->ptr;
    size_t left = call->reply_length - call->reply_sent;
    size_t length = left < capacity ? left : capacity;
    memcpy(out_bytes, call->reply + call->reply_sent, length);
    call->reply_sent += length;
    *out_flags |= call->reply_sent == call->reply_length ? NGHTTP2_DATA_FLAG_EOF : 0U;
    return (ssize_t)length;
}

/* For who does not speak gRPC, a person with curl for instance: an answer of plain HTTP, in which a gRPC client finds
 * its status, too. */
static void submit_text(struct weft_grpc_server_call *call, int http_status, int grpc_status, const char *text)
{
    char http_text[16], status_text[16];
    snprintf(http_text, sizeof http_text, "%d", http_status);
    snprintf(status_text, sizeof status_text, "%d", grpc_status);
    call->reply = call->small_reply;
    call->reply_length = strlen(text) + 1;
    weft_assert(call->reply_length <= sizeof call->small_reply);
    memcpy(call->reply, text, call->reply_length);
    call->reply[call->reply_length - 1] = '\n';
    struct fields fields = { 0 };
    add_field(&fields, ":status", weft_slice_of_text(http_text));
    add_field(&fields, "content-type", WEFT_SLICE_LITERAL("text/plain; charset=utf-8"));
    if (http_status == 405) {
        add_field(&fields, "allow", WEFT_SLICE_LITERAL("POST"));
    }
    add_field(&fields, "grpc-status", weft_slice_of_text(status_text));
    add_field(&fields, "grpc-message", weft_slice_of_text(text));
    nghttp2_data_provider provider = { .source.ptr = call, .read_callback = on_text_wanted };
    if (nghttp2_submit_response(call->connection->session, call->stream_id, fields.list, fields.count, &provider) !=
        0) {
        (void)give_up(call);
        return;
    }
    set_answered(call);
}

void weft_grpc_server_call_refuse_http(struct weft_grpc_server_call *call, int http_status, int grpc_status,
                                       const char *text)
{
    call->connection->server->counters.calls_failed++;
    submit_text(call, http_status, grpc_status, text);
}

static bool submit_trailers_only(struct weft_grpc_server_call *call, int grpc_status, struct weft_slice message,
                                 struct weft_slice details)
{
    struct weft_buffer encoded_message, encoded_details;
    weft_buffer_init(&encoded_message, 0);
    weft_buffer_init(&encoded_details, 0);
    message.length = message.length > MAX_MESSAGE_BYTES ? MAX_MESSAGE_BYTES : message.length;
    append_percent_encoded(&encoded_message, message);
    if (details.length <= MAX_DETAILS_BYTES) {
        weft_base64_append(&encoded_details, details, WEFT_BASE64_STANDARD, false);
    }
    char status_text[16];
    snprintf(status_text, sizeof status_text, "%d", grpc_status);
    struct fields fields = { 0 };
    add_field(&fields, ":status", WEFT_SLICE_LITERAL("200"));
    add_field(&fields, "content-type", WEFT_SLICE_LITERAL("application/grpc"));
    if (call->has_bad_encoding) {
        add_field(&fields, "grpc-accept-encoding", WEFT_SLICE_LITERAL("identity,gzip,zstd,snappy,deflate"));
    }
    add_field(&fields, "grpc-status", weft_slice_of_text(status_text));
    if (encoded_message.length > 0) {
        add_field(&fields, "grpc-message", weft_buffer_slice(&encoded_message));
    }
    if (encoded_details.length > 0) {
        add_field(&fields, "grpc-status-details-bin", weft_buffer_slice(&encoded_details));
    }
    bool is_good =
        weft_buffer_status(&encoded_message) == WEFT_OK && weft_buffer_status(&encoded_details) == WEFT_OK &&
        nghttp2_submit_response(call->connection->session, call->stream_id, fields.list, fields.count, NULL) == 0;
    weft_buffer_fini(&encoded_message);
    weft_buffer_fini(&encoded_details);
    if (!is_good) {
        return give_up(call);
    }
    set_answered(call);
    return true;
}

void weft_grpc_server_call_refuse(struct weft_grpc_server_call *call, int grpc_status, const char *format, ...)
{
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    call->connection->server->counters.calls_failed++;
    (void)submit_trailers_only(call, grpc_status, weft_slice_of_text(text), WEFT_SLICE_EMPTY);
}

void weft_grpc_server_call_shed(struct weft_grpc_server_call *call)
{
    struct weft_grpc_server *server = call->connection->server;
    server->counters.calls_failed++;
    (void)submit_trailers_only(call, WEFT_GRPC_UNAVAILABLE, WEFT_SLICE_LITERAL(WEFT_GRPC_SERVER_SHED_TEXT),
                               server->settings.shed_details);
}

/* The service gives the call back. True if the answer can still be sent; otherwise the call is freed, now or with its
 * connection, whose side of ours may be shut already. */
static bool take_back(struct weft_grpc_server_call *call)
{
    weft_check_magic(call, grpc_server_call);
    weft_assert(call->is_with_service);
    call->is_with_service = false;
    if (call->connection == NULL) {
        weft_grpc_server_call_free(call);
        return false;
    }
    call->connection->served_count--;
    if (call->connection->phase >= WEFT_GRPC_SERVER_LINGERING) {
        return false;
    }
    call->connection->has_answered = true;
    weft_guest_touch(&call->connection->guest);
    weft_http2_errors_forgive(&call->connection->errors);
    return true;
}

bool weft_grpc_server_call_fail(struct weft_grpc_server_call *call, int grpc_status, const char *message,
                                struct weft_slice details)
{
    if (!take_back(call)) {
        return false;
    }
    struct weft_slice text = message == NULL ? WEFT_SLICE_EMPTY : weft_slice_of_text(message);
    return submit_trailers_only(call, grpc_status, text, details);
}

static ssize_t on_reply_wanted(nghttp2_session *session, int32_t stream_id, uint8_t *out_bytes, size_t capacity,
                               uint32_t *out_flags, nghttp2_data_source *source, void *context)
{
    (void)context;
    struct weft_grpc_server_call *call = source->ptr;
    size_t left = call->reply_length - call->reply_sent;
    size_t length = left < capacity ? left : capacity;
    memcpy(out_bytes, call->reply + call->reply_sent, length);
    call->reply_sent += length;
    if (call->reply_sent == call->reply_length) {
        static const char name[] = "grpc-status", value[] = "0";
        nghttp2_nv status = { (uint8_t *)name, (uint8_t *)value, sizeof name - 1, sizeof value - 1,
                              NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE };
        *out_flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(session, stream_id, &status, 1) != 0) {
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
    }
    return (ssize_t)length;
}

static bool frame_reply(struct weft_grpc_server_call *call, struct weft_slice message)
{
    call->reply_length = PREFIX_BYTES + message.length;
    call->reply =
        call->reply_length <= sizeof call->small_reply ? call->small_reply : weft_try_alloc_raw(call->reply_length);
    if (call->reply == NULL || message.length > UINT32_MAX) {
        return false;
    }
    call->reply[0] = 0;
    for (size_t i = 0; i < 4; i++) {
        call->reply[1 + i] = (uint8_t)(message.length >> (24 - 8 * i));
    }
    if (message.length > 0) {
        memcpy(call->reply + PREFIX_BYTES, message.bytes, message.length);
    }
    return true;
}

bool weft_grpc_server_call_reply(struct weft_grpc_server_call *call, struct weft_slice message)
{
    if (!take_back(call)) {
        return false;
    }
    if (!frame_reply(call, message)) {
        return give_up(call);
    }
    struct fields fields = { 0 };
    add_field(&fields, ":status", WEFT_SLICE_LITERAL("200"));
    add_field(&fields, "content-type", WEFT_SLICE_LITERAL("application/grpc"));
    nghttp2_data_provider provider = { .source.ptr = call, .read_callback = on_reply_wanted };
    if (nghttp2_submit_response(call->connection->session, call->stream_id, fields.list, fields.count, &provider) !=
        0) {
        return give_up(call);
    }
    set_answered(call);
    return true;
}
