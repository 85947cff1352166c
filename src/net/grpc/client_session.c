/* nghttp2 for one client connection: settings, limits, and callbacks that each find the request and call one
 * verb of client_stream.c. A stream's user data is its request, NULL once the call has ended. */
#include <string.h>

#include "base/assert.h"
#include "net/grpc/client_internal.h"
#include "net/http2/limits.h"

enum {
    OUTPUT_BYTES = 1024 * 1024, /* collected before a write: a large request goes out in one */
    FRAME_BYTES = 256 * 1024,   /* of DATA at most, so that a cancelled call leaves little to copy */
    MAX_HEADER_BYTES = 64 * 1024,
    FIELD_OVERHEAD_BYTES = 32, /* RFC 9113 6.5.2 */
};

static struct weft_grpc_client_request *request_of(nghttp2_session *session, int32_t stream_id)
{
    struct weft_grpc_client_request *request = nghttp2_session_get_stream_user_data(session, stream_id);
    weft_assert(request == NULL || request->state.magic == weft_magic_grpc_client_request);
    return request;
}

static ssize_t on_data_read(nghttp2_session *session, int32_t stream_id, uint8_t *bytes, size_t length, uint32_t *flags,
                            nghttp2_data_source *source, void *context)
{
    (void)bytes;
    (void)source;
    (void)context;
    struct weft_grpc_client_request *request = request_of(session, stream_id);
    /* Without a request its RST_STREAM is on its way. */
    return request != NULL ? weft_grpc_client_stream_send_length(request, length, flags) : NGHTTP2_ERR_DEFERRED;
}

static int on_data_sent(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_header, size_t length,
                        nghttp2_data_source *source, void *context)
{
    (void)source;
    struct weft_grpc_client_connection *connection = context;
    weft_check_magic(connection, grpc_client_connection);
    struct weft_grpc_client_request *request = request_of(session, frame->hd.stream_id);
    weft_assert(request != NULL && frame->data.padlen == 0);
    bool is_last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (weft_http2_output_copy(&connection->output, frame_header, 9) != WEFT_OK ||
        weft_grpc_client_stream_send(request, length, is_last) != WEFT_OK) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return connection->output.queued_bytes >= OUTPUT_BYTES ? NGHTTP2_ERR_PAUSE : 0;
}

static ssize_t on_data_length_asked(nghttp2_session *session, uint8_t frame_type, int32_t stream_id,
                                    int32_t session_window, int32_t stream_window, uint32_t max_frame_size,
                                    void *context)
{
    (void)session;
    (void)frame_type;
    (void)stream_id;
    (void)context;
    int64_t length = session_window < stream_window ? session_window : stream_window;
    length = length < (int64_t)max_frame_size ? length : (int64_t)max_frame_size;
    return (ssize_t)(length < FRAME_BYTES ? length : FRAME_BYTES);
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    (void)context;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        struct weft_grpc_client_request *request = request_of(session, frame->hd.stream_id);
        if (request != NULL) {
            request->state.has_begun = true;
        }
    }
    return 0;
}

static int on_headers_begun(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    (void)session;
    (void)frame;
    ((struct weft_grpc_client_connection *)context)->header_bytes = 0;
    return 0;
}

static int on_header_received(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                              size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                              void *context)
{
    (void)flags;
    struct weft_grpc_client_connection *connection = context;
    weft_check_magic(connection, grpc_client_connection);
    connection->header_bytes += name_length + value_length + FIELD_OVERHEAD_BYTES;
    if (connection->header_bytes > MAX_HEADER_BYTES) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    struct weft_grpc_client_request *request = request_of(session, frame->hd.stream_id);
    if (request != NULL) {
        weft_grpc_client_stream_take_header(request, weft_slice_of(name, name_length),
                                            weft_slice_of(value, value_length));
    }
    return 0;
}

static int on_data_received(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *bytes,
                            size_t length, void *context)
{
    (void)flags;
    (void)context;
    struct weft_grpc_client_request *request = request_of(session, stream_id);
    if (request != NULL) {
        weft_grpc_client_stream_take_data(request, weft_slice_of(bytes, length));
    }
    return 0;
}

static void take_goaway(struct weft_grpc_client_connection *connection, const nghttp2_goaway *goaway)
{
    connection->has_goaway = true;
    connection->goaway_code = goaway->error_code;
    weft_grpc_client_connection_attend(connection);
}

static int on_frame_received(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct weft_grpc_client_connection *connection = context;
    weft_check_magic(connection, grpc_client_connection);
    switch (frame->hd.type) {
    case NGHTTP2_SETTINGS:
        connection->has_settings = true;
        break;
    case NGHTTP2_GOAWAY:
        take_goaway(connection, &frame->goaway);
        break;
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            struct weft_grpc_client_request *request = request_of(session, frame->hd.stream_id);
            if (request != NULL) {
                weft_grpc_client_stream_take_end(request);
            }
        }
        break;
    default:
        break;
    }
    return 0;
}

static int on_stream_closed(nghttp2_session *session, int32_t stream_id, uint32_t code, void *context)
{
    struct weft_grpc_client_connection *connection = context;
    weft_check_magic(connection, grpc_client_connection);
    struct weft_grpc_client_request *request = request_of(session, stream_id);
    if (request != NULL) {
        weft_grpc_client_stream_take_close(request, code);
    }
    weft_grpc_client_attend(connection->client); /* there may be room for one that waits */
    return 0;
}

static nghttp2_session_callbacks *make_callbacks(void)
{
    nghttp2_session_callbacks *callbacks = NULL;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) {
        return NULL;
    }
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_data_sent);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, on_data_length_asked);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_headers_begun);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_received);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_received);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
    return callbacks;
}

static nghttp2_option *make_options(void)
{
    nghttp2_option *option = NULL;
    if (nghttp2_option_new(&option) != 0) {
        return NULL;
    }
    nghttp2_option_set_max_outbound_ack(option, 100);
    nghttp2_option_set_max_continuations(option, 4);
    return option;
}

/* Responses are small, so the windows stay at HTTP/2's defaults and nghttp2 opens them again by itself. */
static int start_session(struct weft_grpc_client_connection *connection, const nghttp2_session_callbacks *callbacks,
                         const nghttp2_option *option)
{
    static const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, MAX_HEADER_BYTES },
    };
    weft_http2_memory_init(&connection->memory, connection->client->net.budget);
    nghttp2_mem memory = weft_http2_memory_hooks(&connection->memory);
    int result = nghttp2_session_client_new3(&connection->session, callbacks, connection, option, &memory);
    if (result == 0) {
        result = nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings, WEFT_COUNT_OF(settings));
    }
    return result;
}

enum weft_status weft_grpc_client_session_new(struct weft_grpc_client_connection *connection)
{
    nghttp2_session_callbacks *callbacks = make_callbacks();
    nghttp2_option *option = make_options();
    int result = NGHTTP2_ERR_NOMEM;
    if (callbacks != NULL && option != NULL) {
        result = start_session(connection, callbacks, option);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return result == 0 ? WEFT_OK : WEFT_NOMEM;
}

int32_t weft_grpc_client_session_submit(struct weft_grpc_client_connection *connection,
                                        struct weft_grpc_client_request *request, const nghttp2_nv *fields,
                                        size_t field_count)
{
    const nghttp2_data_provider provider = { .source.ptr = NULL, .read_callback = on_data_read };
    return nghttp2_submit_request(connection->session, NULL, fields, field_count, &provider, request);
}

void weft_grpc_client_session_forget(struct weft_grpc_client_connection *connection, int32_t stream_id, bool must_reset)
{
    if (connection->session == NULL) {
        return;
    }
    /* Fails for a stream that is closing: then nobody will ask for its request again either. */
    (void)nghttp2_session_set_stream_user_data(connection->session, stream_id, NULL);
    if (must_reset &&
        nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_CANCEL) != 0) {
        weft_grpc_client_connection_break(connection, "out of memory for a stream's reset");
    }
}

enum weft_status weft_grpc_client_session_collect(struct weft_grpc_client_connection *connection)
{
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_http2_output_collect(&connection->output, connection->session, OUTPUT_BYTES, &error);
    if (status != WEFT_OK) {
        weft_grpc_client_connection_break(connection, error.text);
    }
    return status;
}
