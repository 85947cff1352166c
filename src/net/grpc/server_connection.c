/* One accepted connection of the gRPC server: its socket, its phases, its turn at the end of a tick. Bytes go through
 * the flood meter into nghttp2; what nghttp2 and the calls want to say is collected once a tick and leaves in one
 * writev. Closing is immediate for everything but the struct, which its turn frees. */
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/grpc/server_internal.h"

enum {
    READS_PER_TURN = 4, /* then other connections get theirs */
    FIRST_READ_BYTES = 8 * 1024,
    LEAST_READ_BYTES = 4 * 1024,
    MANY_CALLS = 4, /* begun by one read, and not complete */
    BUSY_CALLS = 500,
    OUTPUT_LIMIT_BYTES = 1024 * 1024,
    HEADER_BLOCK_SLACK_BYTES = 16 * 1024,
};

static void on_ready(void *context, unsigned readiness);
static void take_turn(void *context);

void weft_grpc_server_connection_attend(struct weft_grpc_server_connection *connection)
{
    weft_loop_defer(connection->server->net.loop, &connection->turn);
}

static enum weft_guest_standing standing_of(const struct weft_grpc_server_connection *connection)
{
    if (connection->phase >= WEFT_GRPC_SERVER_ENDING) {
        return WEFT_GUEST_OVER;
    }
    if (connection->served_count > 0) {
        return WEFT_GUEST_SERVED;
    }
    if (connection->has_answered) {
        return connection->call_count == 0 ? WEFT_GUEST_IDLE : WEFT_GUEST_BUSY;
    }
    if (connection->has_called) {
        return WEFT_GUEST_TRYING;
    }
    return connection->has_spoken ? WEFT_GUEST_NEW : WEFT_GUEST_SILENT;
}

void weft_grpc_server_connection_rank(struct weft_grpc_server_connection *connection)
{
    weft_guest_stand(&connection->guest, standing_of(connection));
}

void weft_grpc_server_connection_set_phase(struct weft_grpc_server_connection *connection,
                                           enum weft_grpc_server_phase phase)
{
    weft_assert(phase > connection->phase);
    connection->phase = phase;
    connection->phase_entered = weft_grpc_server_now(connection->server);
    weft_grpc_server_connection_rank(connection);
    weft_grpc_server_connection_attend(connection);
}

static void start_session(struct weft_grpc_server_connection *connection)
{
    if (weft_grpc_server_session_start(connection) != WEFT_OK) {
        weft_grpc_server_connection_close(connection);
        return;
    }
    weft_grpc_server_connection_set_phase(connection, WEFT_GRPC_SERVER_PREFACE);
}

struct weft_grpc_server_connection *weft_grpc_server_connection_new(struct weft_grpc_server *server,
                                                                    struct weft_transport *transport)
{
    struct weft_grpc_server_connection *connection = weft_alloc(sizeof *connection);
    weft_set_magic(connection, grpc_server_connection);
    struct weft_monotonic now = weft_grpc_server_now(server);
    connection->server = server;
    connection->transport = transport;
    weft_http2_output_init(&connection->output);
    weft_http2_meter_init(&connection->meter, server->settings.max_control_frames_per_s,
                          server->settings.max_header_bytes + HEADER_BLOCK_SLACK_BYTES, now);
    weft_http2_errors_init(&connection->errors, now);
    weft_http2_excess_init(&connection->excess, now);
    weft_list_init(&connection->calls);
    weft_deferred_init(&connection->turn, take_turn, connection);
    weft_timer_init(&connection->timer, weft_grpc_server_connection_on_timer, connection);
    connection->opened = connection->phase_entered = connection->last_read = now;
    connection->last_progress = connection->idle_since = now;
    weft_list_push_back(&server->connections, &connection->node);
    server->connection_count++;
    server->counters.connections++;
    if (transport != NULL) {
        connection->watch =
            weft_watch_new(server->net.loop, weft_transport_descriptor(transport), 0, on_ready, connection);
    }
    if (transport == NULL || weft_transport_handshake(transport) == WEFT_IO_DONE) {
        start_session(connection);
    }
    weft_grpc_server_connection_attend(connection);
    return connection;
}

void weft_grpc_server_connection_close(struct weft_grpc_server_connection *connection)
{
    if (connection->phase == WEFT_GRPC_SERVER_CLOSED) {
        return;
    }
    struct weft_grpc_server *server = connection->server;
    connection->phase = WEFT_GRPC_SERVER_CLOSED;
    while (!weft_list_is_empty(&connection->calls)) {
        weft_grpc_server_call_detach(weft_grpc_server_call_of(connection->calls.next));
    }
    weft_http2_memory_end(&connection->memory, connection->session);
    connection->session = NULL;
    weft_http2_output_fini(&connection->output);
    weft_timer_cancel(weft_loop_timers(server->net.loop), &connection->timer);
    weft_watch_free(connection->watch);
    connection->watch = NULL;
    weft_transport_free(connection->transport);
    connection->transport = NULL;
    weft_assert(server->window_credit_used >= connection->window_credit && server->connection_count > 0);
    weft_assert(connection->call_count == 0);
    server->window_credit_used -= connection->window_credit;
    server->connection_count--;
    weft_guests_leave(&connection->guest);
    weft_list_remove(&connection->node);
    weft_list_push_back(&server->closed, &connection->node);
    weft_grpc_server_connection_attend(connection);
    weft_grpc_server_note_closed(server);
}

void weft_grpc_server_connection_free(struct weft_grpc_server_connection *connection)
{
    weft_grpc_server_connection_close(connection);
    weft_body_address_release(&connection->address);
    weft_deferred_cancel(&connection->turn);
    weft_list_remove(&connection->node);
    weft_clear_magic(connection, grpc_server_connection);
    weft_free(connection);
}

static void close_failed(struct weft_grpc_server_connection *connection, const char *reason)
{
    connection->server->counters.connections_failed++;
    weft_log(DEBUG, "grpc.connection_failed", "gRPC connection ended by an error",
             WEFT_LOG_STRING("peer", connection->peer), WEFT_LOG_STRING("reason", reason));
    weft_grpc_server_connection_close(connection);
}

void weft_grpc_server_connection_calm(struct weft_grpc_server_connection *connection, enum weft_http2_flood flood)
{
    connection->flood = WEFT_HTTP2_FLOOD_NONE;
    if (connection->phase >= WEFT_GRPC_SERVER_ENDING) {
        return;
    }
    const char *text = weft_http2_flood_text(flood);
    uint32_t code = weft_http2_flood_code(flood);
    if (code == NGHTTP2_ENHANCE_YOUR_CALM) {
        connection->server->counters.connections_flooded++;
        weft_log(WARN, "grpc.connection_flooded", "gRPC connection ended by a flood limit",
                 WEFT_LOG_STRING("peer", connection->peer), WEFT_LOG_STRING("limit", text));
    } else {
        connection->server->counters.connections_failed++;
    }
    if (nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(connection->session), code, (const uint8_t *)text,
                              strlen(text)) != 0) {
        weft_grpc_server_connection_close(connection);
        return;
    }
    weft_grpc_server_connection_set_phase(connection, WEFT_GRPC_SERVER_ENDING);
}

/* Acts on what callbacks found. */
static void settle_marks(struct weft_grpc_server_connection *connection)
{
    if (connection->phase == WEFT_GRPC_SERVER_CLOSED) {
        return;
    }
    if (connection->is_broken) {
        close_failed(connection, "no memory for HTTP/2");
    } else if (connection->flood != WEFT_HTTP2_FLOOD_NONE) {
        weft_grpc_server_connection_calm(connection, connection->flood);
    }
}

void weft_grpc_server_connection_receive(struct weft_grpc_server_connection *connection, struct weft_slice bytes)
{
    if (connection->phase >= WEFT_GRPC_SERVER_ENDING) {
        return;
    }
    struct weft_monotonic now = weft_grpc_server_now(connection->server);
    connection->last_read = now;
    connection->has_spoken = true;
    weft_grpc_server_connection_attend(connection);
    enum weft_http2_flood flood = weft_http2_meter_take(&connection->meter, bytes, now);
    if (flood != WEFT_HTTP2_FLOOD_NONE) {
        weft_grpc_server_connection_calm(connection, flood);
        return;
    }
    uint32_t stray = connection->meter.stray_stream;
    connection->meter.stray_stream = 0;
    ssize_t result = nghttp2_session_mem_recv(connection->session, bytes.bytes, bytes.length);
    if (result < 0) {
        close_failed(connection, nghttp2_strerror((int)result));
        return;
    }
    if (stray != 0 && nghttp2_session_find_stream(connection->session, (int32_t)stray) == NULL &&
        nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, (int32_t)stray, NGHTTP2_STREAM_CLOSED) != 0) {
        connection->is_broken = true;
    }
    settle_marks(connection);
    weft_grpc_server_connection_rank(connection);
    weft_guest_progress(&connection->guest, bytes.length);
}

/* --- reading --- */

static void continue_handshake(struct weft_grpc_server_connection *connection)
{
    enum weft_io_result result = weft_transport_handshake(connection->transport);
    connection->has_spoken |= weft_transport_has_heard(connection->transport);
    weft_grpc_server_connection_rank(connection);
    switch (result) {
    case WEFT_IO_DONE:
        start_session(connection);
        break;
    case WEFT_IO_AGAIN:
        break;
    case WEFT_IO_END:
    case WEFT_IO_FAILED:
        close_failed(connection, weft_transport_failure(connection->transport));
        break;
    }
}

/* Of a client that nothing is known of little is read at a time while many calls are half received. */
static size_t next_read_bytes(const struct weft_grpc_server_connection *connection)
{
    const struct weft_grpc_server *server = connection->server;
    bool is_busy = weft_body_credit_count(server->bodies) >= BUSY_CALLS;
    return connection->read_bytes > 0 ? connection->read_bytes
           : is_busy                  ? FIRST_READ_BYTES
                                      : server->net.read_buffer_bytes;
}

/* Who brings the beginnings of many calls and few ends costs much for each byte: it is read from by small pieces, so
 * that a thousand of them do not keep others waiting for long. False: its turn is over. */
static bool adapt_reading(struct weft_grpc_server_connection *connection, size_t begun_before, size_t read_bytes)
{
    if (connection->begun_count > begun_before + MANY_CALLS) {
        connection->read_bytes = LEAST_READ_BYTES;
        return false;
    }
    connection->read_bytes = weft_grpc_server_smaller(read_bytes * 2, connection->server->net.read_buffer_bytes);
    return true;
}

/* False: nothing more for now. */
static bool read_once(struct weft_grpc_server_connection *connection)
{
    struct weft_grpc_server *server = connection->server;
    size_t length = 0, wanted = next_read_bytes(connection), begun_count = connection->begun_count;
    switch (weft_transport_read(connection->transport, server->net.read_buffer, wanted, &length)) {
    case WEFT_IO_AGAIN:
        return false;
    case WEFT_IO_END:
        weft_grpc_server_connection_close(connection);
        return false;
    case WEFT_IO_FAILED:
        if (connection->phase >= WEFT_GRPC_SERVER_ENDING) {
            weft_grpc_server_connection_close(connection);
        } else {
            close_failed(connection, weft_transport_failure(connection->transport));
        }
        return false;
    case WEFT_IO_DONE:
        break;
    }
    weft_loop_count_read(server->net.loop, length);
    weft_grpc_server_connection_receive(connection, weft_slice_of(server->net.read_buffer, length));
    /* A read that was cut short has emptied the socket: asking again would only cost a system call. */
    return adapt_reading(connection, begun_count, wanted) && connection->phase != WEFT_GRPC_SERVER_CLOSED &&
           server->is_reading && length == wanted;
}

static void read_some(struct weft_grpc_server_connection *connection)
{
    if (connection->phase == WEFT_GRPC_SERVER_HANDSHAKE) {
        continue_handshake(connection);
    }
    if (connection->phase == WEFT_GRPC_SERVER_HANDSHAKE || connection->phase == WEFT_GRPC_SERVER_CLOSED) {
        return;
    }
    for (size_t i = 0; i < READS_PER_TURN && read_once(connection); i++) {
    }
    if (connection->phase != WEFT_GRPC_SERVER_CLOSED && weft_transport_has_buffered(connection->transport)) {
        connection->must_read = true;
        weft_grpc_server_connection_attend(connection);
    }
}

static void on_ready(void *context, unsigned readiness)
{
    (void)readiness;
    struct weft_grpc_server_connection *connection = context;
    weft_check_magic(connection, grpc_server_connection);
    weft_grpc_server_connection_attend(connection);
    if (connection->server->is_reading || connection->phase >= WEFT_GRPC_SERVER_ENDING) {
        read_some(connection);
    }
}

void weft_grpc_server_connection_begin(struct weft_grpc_server_connection *connection)
{
    if (connection->server->is_reading) {
        read_some(connection);
    }
}

void weft_grpc_server_connection_resume(struct weft_grpc_server_connection *connection)
{
    struct weft_monotonic now = weft_grpc_server_now(connection->server);
    connection->last_read = now;
    if (connection->phase <= WEFT_GRPC_SERVER_PREFACE) {
        connection->phase_entered = now;
    }
    WEFT_LIST_EACH(node, &connection->calls)
    {
        weft_grpc_server_call_restart_clock(weft_grpc_server_call_of(node));
    }
    connection->must_read = true;
    weft_grpc_server_connection_attend(connection);
}

/* --- writing --- */

/* One write attempt. DONE: nothing is left. */
static enum weft_io_result write_output(struct weft_grpc_server_connection *connection)
{
    if (connection->transport == NULL) {
        weft_http2_output_fini(&connection->output);
        weft_http2_output_init(&connection->output);
        return WEFT_IO_DONE;
    }
    uint64_t sent_before = connection->bytes_sent;
    enum weft_io_result result =
        weft_http2_output_flush(&connection->output, connection->transport, &connection->bytes_sent);
    if (result == WEFT_IO_DONE || connection->bytes_sent != sent_before) {
        connection->last_progress = weft_grpc_server_now(connection->server);
        weft_guest_progress(&connection->guest, (size_t)(connection->bytes_sent - sent_before));
    }
    return result;
}

/* False: the connection was closed. */
static bool write_all(struct weft_grpc_server_connection *connection)
{
    struct weft_error error = WEFT_ERROR_NONE;
    do {
        if (weft_http2_output_collect(&connection->output, connection->session, OUTPUT_LIMIT_BYTES, &error) !=
            WEFT_OK) {
            close_failed(connection, error.text);
            return false;
        }
        enum weft_io_result result = write_output(connection);
        if (result == WEFT_IO_FAILED) {
            close_failed(connection, weft_transport_failure(connection->transport));
            return false;
        }
        if (result == WEFT_IO_AGAIN) {
            break;
        }
    } while (nghttp2_session_want_write(connection->session) != 0);
    return true;
}

/* A close with unread input would reset the connection, and the reset may overtake our last words. */
static void linger(struct weft_grpc_server_connection *connection)
{
    if (connection->transport == NULL || shutdown(weft_transport_descriptor(connection->transport), SHUT_WR) != 0) {
        weft_grpc_server_connection_close(connection);
        return;
    }
    weft_grpc_server_connection_set_phase(connection, WEFT_GRPC_SERVER_LINGERING);
}

static bool is_finished(const struct weft_grpc_server_connection *connection)
{
    if (connection->phase == WEFT_GRPC_SERVER_LINGERING || !weft_http2_output_is_empty(&connection->output) ||
        nghttp2_session_want_write(connection->session) != 0) {
        return false;
    }
    return connection->phase == WEFT_GRPC_SERVER_ENDING || nghttp2_session_want_read(connection->session) == 0;
}

void weft_grpc_server_connection_watch(struct weft_grpc_server_connection *connection)
{
    if (connection->watch == NULL) {
        return;
    }
    unsigned interest = 0;
    if (connection->server->is_reading || connection->phase >= WEFT_GRPC_SERVER_ENDING) {
        interest |= WEFT_READABLE | weft_transport_interest(connection->transport);
    }
    if (!weft_http2_output_is_empty(&connection->output)) {
        interest |= WEFT_WRITABLE;
    }
    weft_watch_set_interest(connection->watch, interest);
}

static void take_turn(void *context)
{
    struct weft_grpc_server_connection *connection = context;
    weft_check_magic(connection, grpc_server_connection);
    if (connection->phase == WEFT_GRPC_SERVER_CLOSED) {
        weft_grpc_server_connection_free(connection);
        return;
    }
    if (connection->must_read && connection->server->is_reading) {
        connection->must_read = false;
        read_some(connection);
    }
    if (connection->phase == WEFT_GRPC_SERVER_LEAVING && connection->is_notice_seen && !connection->has_final_goaway) {
        weft_grpc_server_session_end_streams(connection);
    }
    if (connection->session != NULL && connection->phase != WEFT_GRPC_SERVER_LINGERING && write_all(connection)) {
        settle_marks(connection);
    }
    if (connection->phase == WEFT_GRPC_SERVER_CLOSED) {
        return;
    }
    if (connection->session != NULL && is_finished(connection)) {
        linger(connection);
    }
    if (connection->phase != WEFT_GRPC_SERVER_CLOSED) {
        weft_grpc_server_connection_rank(connection);
        weft_grpc_server_connection_watch(connection);
        weft_grpc_server_connection_set_timer(connection);
    }
}

void weft_grpc_server_connection_leave(struct weft_grpc_server_connection *connection)
{
    if (connection->phase >= WEFT_GRPC_SERVER_LEAVING) {
        return;
    }
    if (connection->phase < WEFT_GRPC_SERVER_OPEN) {
        /* A client that is being accepted would lose the calls it has ready: it gets its GOAWAY once it can take one,
         * or is closed by the deadline of its phase. */
        return;
    }
    if (nghttp2_submit_shutdown_notice(connection->session) != 0 ||
        nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, weft_grpc_server_notice_ping) != 0) {
        connection->is_broken = true; /* this may run inside a callback of its session */
    }
    weft_grpc_server_connection_set_phase(connection, WEFT_GRPC_SERVER_LEAVING);
}
