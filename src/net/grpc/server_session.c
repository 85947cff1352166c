/* nghttp2 on the server's side: options, SETTINGS, windows, and callbacks that hand each event to its call. No callback
 * ends the session or frees anything but a call whose stream nghttp2 has closed; a connection that must go is marked,
 * and closed when nghttp2 has returned (CVE-2026-27135 was an end from inside a callback). */
#include "base/assert.h"
#include "net/grpc/server_internal.h"

enum {
    FIRST_STREAM_WINDOW = 256 * 1024,
    FIRST_CONNECTION_WINDOW = 1024 * 1024,
    MAX_FRAME_BYTES = 256 * 1024,
    RESET_BURST = 1000, /* the meter's 100 comes first and says why; this is the second line */
    RESETS_PER_SECOND = 33,
    MAX_CONTINUATIONS = 4,
    MAX_OUTBOUND_ACKS = 100,
    MAX_PING_STRIKES = 2, /* as in grpc-go and grpc-core */
};

#define PING_INTERVAL_WITHOUT_CALLS_NS (7200 * WEFT_NS_PER_S)

static struct weft_grpc_server_call *call_of(nghttp2_session *session, int32_t stream_id)
{
    struct weft_grpc_server_call *call = nghttp2_session_get_stream_user_data(session, stream_id);
    weft_assert(call == NULL || call->magic == weft_magic_grpc_server_call);
    return call;
}

/* What still comes for it is thrown away. */
static void refuse_stream(struct weft_grpc_server_connection *connection, int32_t stream_id)
{
    if (nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_REFUSED_STREAM) != 0) {
        connection->is_broken = true;
    }
}

static int on_headers_begun(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct weft_grpc_server_connection *connection = context;
    weft_check_magic(connection, grpc_server_connection);
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0;
    }
    if (connection->has_final_goaway && frame->hd.stream_id > connection->last_stream_id) {
        return 0; /* the client will take it elsewhere: to serve it too would be to have it twice */
    }
    if (connection->call_count >= connection->server->settings.max_concurrent_streams) {
        connection->server->counters.calls_refused++;
        if (!weft_http2_excess_take(&connection->excess, weft_grpc_server_now(connection->server))) {
            connection->flood = WEFT_HTTP2_FLOOD_STREAMS;
        }
        refuse_stream(connection, frame->hd.stream_id);
        return 0;
    }
    if (!weft_grpc_server_call_has_place(connection)) {
        connection->server->counters.messages_refused++;
        refuse_stream(connection, frame->hd.stream_id);
        return 0;
    }
    struct weft_grpc_server_call *call = weft_grpc_server_call_try_new(connection, frame->hd.stream_id);
    if (call == NULL) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, call);
    return 0;
}

static int on_header_received(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                              size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                              void *context)
{
    (void)flags;
    (void)context;
    struct weft_grpc_server_call *call = call_of(session, frame->hd.stream_id);
    if (call == NULL ||
        weft_grpc_server_call_take_header(call, weft_slice_of(name, name_length), weft_slice_of(value, value_length))) {
        return 0;
    }
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* nghttp2 would drop the field; the request that has it is malformed (RFC 9113 section 8.2.1), and whoever stands
 * before or behind us may understand it otherwise. By white space around a value nobody is misled: that field is
 * dropped. */
static int on_bad_header_received(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                                  size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                                  void *context)
{
    bool is_padded =
        nghttp2_check_header_name(name, name_length) != 0 && nghttp2_check_header_value(value, value_length) != 0;
    return is_padded ? on_header_received(session, frame, name, name_length, value, value_length, flags, context)
                     : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* PROTOCOL_ERROR */
}

static int on_data_received(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *bytes,
                            size_t length, void *context)
{
    (void)flags;
    struct weft_grpc_server_connection *connection = context;
    weft_check_magic(connection, grpc_server_connection);
    struct weft_grpc_server_call *call = call_of(session, stream_id);
    if (call != NULL) {
        weft_grpc_server_call_take_data(call, weft_slice_of(bytes, length));
    }
    /* The connection's window is never held back, or one stream would stall the others. */
    size_t refill = call == NULL ? length : weft_grpc_server_call_refill(call, length);
    if (nghttp2_session_consume_connection(session, length) != 0 ||
        (refill > 0 && nghttp2_session_consume_stream(session, stream_id, refill) != 0)) {
        connection->is_broken = true;
    }
    return 0;
}

/* gRPC's keepalive enforcement (proposal A8): pings are welcome only so often, and anything that we sent in between
 * wipes the slate clean. */
static void count_ping(struct weft_grpc_server_connection *connection)
{
    const struct weft_grpc_server_settings *settings = &connection->server->settings;
    struct weft_monotonic now = weft_grpc_server_now(connection->server);
    bool is_idle = connection->call_count == 0 && !settings->permit_pings_without_stream;
    int64_t interval_ns = is_idle ? PING_INTERVAL_WITHOUT_CALLS_NS : settings->min_ping_interval_ns;
    if (connection->last_ping.ns != 0 && now.ns - connection->last_ping.ns < interval_ns) {
        connection->ping_strikes++;
    }
    connection->last_ping = now;
    if (connection->ping_strikes > MAX_PING_STRIKES) {
        connection->flood = WEFT_HTTP2_FLOOD_PINGS;
    }
}

void weft_grpc_server_session_end_streams(struct weft_grpc_server_connection *connection)
{
    weft_assert(connection->phase == WEFT_GRPC_SERVER_LEAVING && !connection->has_final_goaway);
    connection->has_final_goaway = true;
    connection->last_stream_id = nghttp2_session_get_last_proc_stream_id(connection->session);
    if (nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE, connection->last_stream_id, NGHTTP2_NO_ERROR,
                              NULL, 0) != 0) {
        connection->is_broken = true;
    }
}

const uint8_t weft_grpc_server_notice_ping[8] = "goaway";

/* The answer to a keepalive ping may still be on its way when the notice goes out: it does not say that the client has
 * seen that. */
static void take_ping(struct weft_grpc_server_connection *connection, const nghttp2_ping *ping)
{
    if ((ping->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
        count_ping(connection);
        return;
    }
    connection->ping_sent = (struct weft_monotonic){ 0 };
    if (connection->phase == WEFT_GRPC_SERVER_LEAVING &&
        memcmp(ping->opaque_data, weft_grpc_server_notice_ping, sizeof ping->opaque_data) == 0) {
        connection->is_notice_seen = true;
    }
}

static int on_frame_received(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct weft_grpc_server_connection *connection = context;
    weft_check_magic(connection, grpc_server_connection);
    bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    struct weft_grpc_server_call *call = NULL;
    switch (frame->hd.type) {
    case NGHTTP2_SETTINGS:
        connection->excess.has_agreed |= (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0 && connection->phase == WEFT_GRPC_SERVER_PREFACE) {
            weft_grpc_server_connection_set_phase(connection, WEFT_GRPC_SERVER_OPEN);
            if (connection->server->is_draining) {
                weft_grpc_server_connection_leave(connection);
            }
        }
        break;
    case NGHTTP2_PING:
        take_ping(connection, &frame->ping);
        break;
    case NGHTTP2_HEADERS:
        call = call_of(session, frame->hd.stream_id);
        if (call != NULL) {
            connection->has_called = true;
            weft_grpc_server_call_take_headers_end(call);
        }
        break;
    case NGHTTP2_DATA:
        call = call_of(session, frame->hd.stream_id);
        break;
    default:
        break;
    }
    if (call != NULL && is_end) {
        weft_grpc_server_call_take_end(call);
    }
    return 0;
}

/* A bad frame leads to a reset, or ends the connection. */
static void count_reset(struct weft_grpc_server_connection *connection, uint32_t code)
{
    if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_REFUSED_STREAM &&
        !weft_http2_errors_take(&connection->errors, weft_grpc_server_now(connection->server))) {
        connection->flood = WEFT_HTTP2_FLOOD_ERRORS;
    }
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct weft_grpc_server_connection *connection = context;
    weft_check_magic(connection, grpc_server_connection);
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        count_reset(connection, frame->rst_stream.error_code);
    }
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR &&
        connection->phase < WEFT_GRPC_SERVER_ENDING) {
        connection->server->counters.connections_failed++; /* nghttp2 found a connection error */
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
        return 0;
    }
    connection->ping_strikes = 0;
    connection->last_ping = (struct weft_monotonic){ 0 };
    struct weft_grpc_server_call *call = call_of(session, frame->hd.stream_id);
    if (call != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && !call->has_ended_remotely) {
        /* The answer is complete; the client may stop sending the rest (RFC 9113 section 8.1). */
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    }
    return 0;
}

static int on_stream_closed(nghttp2_session *session, int32_t stream_id, uint32_t code, void *context)
{
    (void)code;
    (void)context;
    struct weft_grpc_server_call *call = call_of(session, stream_id);
    if (call != NULL) {
        nghttp2_session_set_stream_user_data(session, stream_id, NULL);
        weft_grpc_server_call_detach(call);
    }
    return 0;
}

nghttp2_session_callbacks *weft_grpc_server_callbacks(void)
{
    nghttp2_session_callbacks *callbacks = NULL;
    int result = nghttp2_session_callbacks_new(&callbacks);
    weft_assert(result == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_headers_begun);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header_received);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_bad_header_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_received);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_received);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
    return callbacks;
}

nghttp2_option *weft_grpc_server_options(void)
{
    nghttp2_option *options = NULL;
    int result = nghttp2_option_new(&options);
    weft_assert(result == 0);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_max_outbound_ack(options, MAX_OUTBOUND_ACKS);
    /* These two came with Debian's u1 and u2; a build against less must fail here. */
    nghttp2_option_set_stream_reset_rate_limit(options, RESET_BURST, RESETS_PER_SECOND);
    nghttp2_option_set_max_continuations(options, MAX_CONTINUATIONS);
    return options;
}

/* nghttp2 is told of our limit by this name, which it does not know: where it knows the limit, it ends the connection
 * of who is above it by a stream. In the first frame that goes out the name is the real one. */
enum { HIDDEN_MAX_CONCURRENT_STREAMS = 0xfc0e };

static enum weft_status send_first_settings(struct weft_grpc_server_connection *connection)
{
    enum { HEADER_BYTES = 9, ENTRY_BYTES = 6, FRAME_BYTES_MAX = 128 };
    uint8_t bytes[FRAME_BYTES_MAX];
    const uint8_t *frame = NULL;
    ssize_t length = nghttp2_session_mem_send(connection->session, &frame);
    if (length <= HEADER_BYTES || (size_t)length > sizeof bytes) {
        return WEFT_NOMEM;
    }
    memcpy(bytes, frame, (size_t)length);
    for (uint8_t *entry = bytes + HEADER_BYTES; entry + ENTRY_BYTES <= bytes + length; entry += ENTRY_BYTES) {
        if (entry[0] == HIDDEN_MAX_CONCURRENT_STREAMS >> 8 && entry[1] == (HIDDEN_MAX_CONCURRENT_STREAMS & 0xff)) {
            entry[0] = 0;
            entry[1] = NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS;
        }
    }
    return weft_http2_output_copy(&connection->output, bytes, (size_t)length);
}

enum weft_status weft_grpc_server_session_start(struct weft_grpc_server_connection *connection)
{
    struct weft_grpc_server *server = connection->server;
    weft_http2_memory_init(&connection->memory, server->net.budget);
    nghttp2_mem memory = weft_http2_memory_hooks(&connection->memory);
    if (nghttp2_session_server_new3(&connection->session, server->callbacks, connection, server->options, &memory) !=
        0) {
        connection->session = NULL;
        return WEFT_NOMEM;
    }
    connection->stream_window = weft_grpc_server_smaller(FIRST_STREAM_WINDOW, server->settings.stream_window_bytes);
    connection->connection_window =
        weft_grpc_server_smaller(FIRST_CONNECTION_WINDOW, server->settings.connection_window_bytes);
    const nghttp2_settings_entry entries[] = {
        { HIDDEN_MAX_CONCURRENT_STREAMS, server->settings.max_concurrent_streams },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)connection->stream_window },
        { NGHTTP2_SETTINGS_MAX_FRAME_SIZE, MAX_FRAME_BYTES },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)server->settings.max_header_bytes },
        { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
    };
    if (nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, entries, WEFT_COUNT_OF(entries)) != 0 ||
        send_first_settings(connection) != WEFT_OK ||
        nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0,
                                              (int32_t)connection->connection_window) != 0) {
        return WEFT_NOMEM;
    }
    return WEFT_OK;
}

static void grow_stream_window(struct weft_grpc_server_connection *connection, size_t wanted)
{
    size_t window = connection->stream_window;
    while (window < wanted) {
        window *= 2;
    }
    window = weft_grpc_server_smaller(window, connection->server->settings.stream_window_bytes);
    if (window <= connection->stream_window) {
        return;
    }
    const nghttp2_settings_entry entry = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)window };
    if (nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, &entry, 1) == 0) {
        connection->stream_window = window;
    }
}

/* A window is a promise to take that many bytes; the part above the first size is paid from the server's credit. */
static void grow_connection_window(struct weft_grpc_server_connection *connection, size_t wanted)
{
    struct weft_grpc_server *server = connection->server;
    size_t window = connection->connection_window;
    while (window < wanted) {
        window *= 2;
    }
    window = weft_grpc_server_smaller(window, server->settings.connection_window_bytes);
    if (window <= connection->connection_window) {
        return;
    }
    size_t more = window - connection->connection_window;
    if (server->window_credit_used + more > server->settings.window_credit_bytes) {
        return;
    }
    if (nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0, (int32_t)window) == 0) {
        server->window_credit_used += more;
        connection->window_credit += more;
        connection->connection_window = window;
    }
}

void weft_grpc_server_session_grow(struct weft_grpc_server_connection *connection, size_t message_bytes)
{
    if (message_bytes * 4 > connection->connection_window) {
        grow_connection_window(connection, message_bytes * 4);
    }
    /* One stream may use what the connection has; more would be an empty promise. */
    if (message_bytes > connection->stream_window) {
        grow_stream_window(connection, weft_grpc_server_smaller(message_bytes * 2, connection->connection_window));
    }
}
