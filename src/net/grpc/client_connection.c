/* One HTTP/2 connection of a client: what the dialer brings, preface, then reading, writing and keepalive.
 * Output is gathered until the end of the tick. Whatever goes wrong ends in weft_grpc_client_connection_close, which
 * ends the open calls; from inside nghttp2's callbacks it is asked for with _break and done after they have
 * returned. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/grpc/client_internal.h"

enum {
    READS_PER_TICK = 16, /* so that one peer cannot keep the loop */
    WRITES_PER_TICK = 16,
};

static struct weft_timers *timers_of(const struct weft_grpc_client_connection *connection)
{
    return weft_loop_timers(connection->client->net.loop);
}

static bool is_phase_allowed(enum weft_grpc_client_connection_phase from, enum weft_grpc_client_connection_phase to)
{
    switch (to) {
    case WEFT_GRPC_DIALING:
        return false;
    case WEFT_GRPC_GREETING:
    case WEFT_GRPC_SERVING:
    case WEFT_GRPC_DRAINING:
        return from + 1 == to;
    case WEFT_GRPC_CLOSED:
        return from != WEFT_GRPC_CLOSED;
    }
    return false;
}

static void set_phase(struct weft_grpc_client_connection *connection, enum weft_grpc_client_connection_phase phase)
{
    weft_assert(is_phase_allowed(connection->phase, phase));
    connection->phase = phase;
    weft_grpc_client_attend(connection->client);
}

void weft_grpc_client_connection_attend(struct weft_grpc_client_connection *connection)
{
    weft_loop_defer(connection->client->net.loop, &connection->turn);
}

void weft_grpc_client_connection_break(struct weft_grpc_client_connection *connection, const char *reason)
{
    if (!connection->is_broken) {
        connection->is_broken = true;
        snprintf(connection->failure, sizeof connection->failure, "%s", reason);
        weft_grpc_client_connection_attend(connection);
    }
}

/* RST_STREAM and GOAWAY as far as the socket takes them at once. */
void weft_grpc_client_connection_say_goodbye(struct weft_grpc_client_connection *connection)
{
    if (connection->session == NULL || connection->is_broken ||
        nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR) != 0 ||
        weft_grpc_client_session_collect(connection) != WEFT_OK) {
        return;
    }
    (void)weft_http2_output_flush(&connection->output, connection->transport, &connection->written_bytes);
}

/* Back to having an address and nothing else. */
static void drop_transport(struct weft_grpc_client_connection *connection)
{
    if (connection->watch != NULL) {
        weft_watch_free(connection->watch);
        connection->watch = NULL;
    }
    weft_http2_memory_end(&connection->memory, connection->session);
    connection->session = NULL;
    weft_transport_free(connection->transport);
    connection->transport = NULL;
    weft_http2_output_fini(&connection->output);
    weft_http2_output_init(&connection->output);
    connection->written_bytes = 0;
    connection->has_settings = false;
}

void weft_grpc_client_connection_close(struct weft_grpc_client_connection *connection, const char *reason)
{
    if (connection->phase == WEFT_GRPC_CLOSED) {
        return;
    }
    bool was_ready = connection->phase >= WEFT_GRPC_SERVING;
    bool has_cut_calls = connection->request_count > 0;
    char text[sizeof connection->failure];
    snprintf(text, sizeof text, "%.60s: %.90s", connection->client->target, reason);
    memcpy(connection->failure, text, sizeof text);
    connection->is_broken = true;
    set_phase(connection, WEFT_GRPC_CLOSED);
    while (!weft_list_is_empty(&connection->requests)) {
        struct weft_list *node = weft_list_first(&connection->requests);
        weft_grpc_client_stream_end(weft_grpc_client_request_of(node), false, WEFT_GRPC_UNAVAILABLE,
                                    connection->failure);
    }
    weft_timer_cancel(timers_of(connection), &connection->timer);
    weft_deferred_cancel(&connection->turn);
    weft_dialer_stop(&connection->dialer);
    if (connection->watch != NULL) {
        weft_watch_set_interest(connection->watch, 0);
    }
    weft_grpc_client_note_closed(connection->client, connection, was_ready, has_cut_calls);
}

void weft_grpc_client_connection_free(struct weft_grpc_client_connection *connection)
{
    weft_assert(connection->phase == WEFT_GRPC_CLOSED && connection->request_count == 0);
    weft_list_remove(&connection->node);
    weft_deferred_cancel(&connection->turn);
    drop_transport(connection);
    weft_http2_output_fini(&connection->output);
    weft_clear_magic(connection, grpc_client_connection);
    weft_free(connection);
}

static void update_interest(struct weft_grpc_client_connection *connection, bool must_write)
{
    unsigned interest = weft_transport_interest(connection->transport);
    if (interest == 0) {
        interest = WEFT_READABLE | (must_write ? WEFT_WRITABLE : 0U);
    }
    weft_watch_set_interest(connection->watch, interest);
}

static void set_keepalive(struct weft_grpc_client_connection *connection)
{
    int64_t after_ns = connection->client->keepalive_time_ns;
    if (after_ns > 0) {
        weft_timer_set_after(timers_of(connection), &connection->timer, after_ns);
    }
}

void weft_grpc_client_connection_wake_keepalive(struct weft_grpc_client_connection *connection)
{
    if (!weft_timer_is_set(&connection->timer)) {
        set_keepalive(connection);
    }
}

static void ping(struct weft_grpc_client_connection *connection)
{
    if (nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, NULL) != 0) {
        weft_grpc_client_connection_close(connection, "out of memory for a ping");
        return;
    }
    connection->is_ping_open = true;
    weft_timer_set_after(timers_of(connection), &connection->timer, connection->client->settings.keepalive_timeout_ns);
    weft_grpc_client_connection_attend(connection);
}

static void on_timer_expired(void *context)
{
    struct weft_grpc_client_connection *connection = context;
    weft_check_magic(connection, grpc_client_connection);
    if (connection->is_ping_open) {
        weft_grpc_client_connection_close(connection, "keepalive ping not answered");
        return;
    }
    bool may_ping = connection->request_count > 0 || connection->client->settings.permit_pings_without_stream;
    struct weft_monotonic due = weft_monotonic_after(connection->last_read, connection->client->keepalive_time_ns);
    if (due.ns > weft_timers_now(timers_of(connection)).ns) {
        weft_timer_set_at(timers_of(connection), &connection->timer, due);
    } else if (may_ping) {
        ping(connection);
    } /* else it sleeps until the next call */
}

static void become_ready(struct weft_grpc_client_connection *connection)
{
    set_phase(connection, WEFT_GRPC_SERVING);
    weft_dialer_succeed(&connection->dialer);
    set_keepalive(connection);
    weft_grpc_client_note_ready(connection->client);
}

/* Before it has served, that is the address's failure, which is left out for a while: or the next attempt would follow
 * at once, and the one after it. */
static void give_up(struct weft_grpc_client_connection *connection, const char *reason)
{
    if (connection->phase == WEFT_GRPC_GREETING) {
        weft_dialer_fail(&connection->dialer, reason); /* which closes it */
    } else {
        weft_grpc_client_connection_close(connection, reason);
    }
}

/* What nghttp2's callbacks noted down. Returns false if the connection is gone. */
static bool settle_events(struct weft_grpc_client_connection *connection)
{
    if (connection->is_broken) {
        char reason[sizeof connection->failure];
        memcpy(reason, connection->failure, sizeof reason);
        give_up(connection, reason);
        return false;
    }
    if (connection->has_goaway && connection->phase == WEFT_GRPC_GREETING) {
        give_up(connection, "GOAWAY before the first call");
        return false;
    }
    if (connection->has_settings && connection->phase == WEFT_GRPC_GREETING) {
        become_ready(connection);
    }
    bool is_used_up =
        connection->phase == WEFT_GRPC_SERVING && nghttp2_session_check_request_allowed(connection->session) == 0;
    if (is_used_up) {
        set_phase(connection, WEFT_GRPC_DRAINING);
        if (connection->goaway_code == NGHTTP2_ENHANCE_YOUR_CALM) {
            connection->client->keepalive_time_ns *= 2;
        }
    }
    return true;
}

/* Everything that can happen is over: a drained connection has no calls left, or nghttp2 wants neither side
 * any more. */
static bool is_finished(const struct weft_grpc_client_connection *connection)
{
    bool is_silent =
        nghttp2_session_want_read(connection->session) == 0 && nghttp2_session_want_write(connection->session) == 0;
    bool is_drained = connection->phase == WEFT_GRPC_DRAINING && connection->request_count == 0;
    return weft_http2_output_is_empty(&connection->output) && (is_silent || is_drained);
}

static const char *finish_reason(const struct weft_grpc_client_connection *connection)
{
    return connection->has_goaway ? nghttp2_http2_strerror(connection->goaway_code) : "HTTP/2 session ended";
}

/* Returns false if the connection is gone. */
static bool write_output(struct weft_grpc_client_connection *connection)
{
    bool must_write = true;
    for (int i = 0; must_write && i < WRITES_PER_TICK; i++) {
        if (weft_grpc_client_session_collect(connection) != WEFT_OK || connection->is_broken) {
            return settle_events(connection);
        }
        if (weft_http2_output_is_empty(&connection->output)) {
            must_write = false;
            break;
        }
        uint64_t before = connection->written_bytes;
        enum weft_io_result result =
            weft_http2_output_flush(&connection->output, connection->transport, &connection->written_bytes);
        connection->client->bytes_sent += connection->written_bytes - before;
        if (result == WEFT_IO_FAILED || result == WEFT_IO_END) {
            weft_grpc_client_connection_break(connection, weft_transport_failure(connection->transport));
            return settle_events(connection);
        }
        if (result == WEFT_IO_AGAIN) {
            break;
        }
    }
    update_interest(connection, must_write);
    return true;
}

static void take_bytes(struct weft_grpc_client_connection *connection, size_t length)
{
    connection->last_read = weft_timers_now(timers_of(connection));
    if (connection->is_ping_open) {
        connection->is_ping_open = false; /* any sign of life will do */
        set_keepalive(connection);
    }
    ssize_t result = nghttp2_session_mem_recv(connection->session, connection->client->net.read_buffer, length);
    if (result < 0) {
        weft_grpc_client_connection_break(connection, nghttp2_strerror((int)result));
    }
    weft_grpc_client_connection_attend(connection);
}

/* Returns false if the connection is gone. */
static bool read_input(struct weft_grpc_client_connection *connection)
{
    const struct weft_net_context *net = &connection->client->net;
    connection->must_read = false;
    for (int i = 0; i < READS_PER_TICK; i++) {
        size_t length = 0;
        enum weft_io_result result =
            weft_transport_read(connection->transport, net->read_buffer, net->read_buffer_bytes, &length);
        switch (result) {
        case WEFT_IO_DONE:
            take_bytes(connection, length);
            break;
        case WEFT_IO_AGAIN:
            return true;
        case WEFT_IO_END:
            weft_grpc_client_connection_break(connection, "closed by the peer");
            break;
        case WEFT_IO_FAILED:
            weft_grpc_client_connection_break(connection, weft_transport_failure(connection->transport));
            break;
        }
        if (!settle_events(connection)) {
            return false;
        }
        if (length < net->read_buffer_bytes && !weft_transport_has_buffered(connection->transport)) {
            return true; /* the socket is level-triggered: no need to ask it for AGAIN */
        }
    }
    connection->must_read = true;
    weft_grpc_client_connection_attend(connection);
    return true;
}

static void on_ready(void *context, unsigned readiness)
{
    struct weft_grpc_client_connection *connection = context;
    weft_check_magic(connection, grpc_client_connection);
    (void)readiness;
    if (connection->phase != WEFT_GRPC_CLOSED && read_input(connection)) {
        weft_grpc_client_connection_attend(connection);
    }
}

/* The end of the tick: one write for all that the tick brought. */
static void take_turn(void *context)
{
    struct weft_grpc_client_connection *connection = context;
    weft_check_magic(connection, grpc_client_connection);
    if (connection->phase == WEFT_GRPC_CLOSED || connection->phase == WEFT_GRPC_DIALING) {
        return;
    }
    if (connection->must_read && !read_input(connection)) {
        return;
    }
    if (settle_events(connection) && write_output(connection) && is_finished(connection)) {
        give_up(connection, finish_reason(connection));
    }
}

/* ---- connecting ---- */

static void on_connected(void *context, struct weft_transport *own_transport)
{
    struct weft_grpc_client_connection *connection = context;
    weft_check_magic(connection, grpc_client_connection);
    connection->transport = own_transport;
    set_phase(connection, WEFT_GRPC_GREETING);
    if (weft_grpc_client_session_new(connection) != WEFT_OK) {
        give_up(connection, "out of memory for an HTTP/2 session");
        return;
    }
    connection->watch = weft_watch_new(connection->client->net.loop, weft_transport_descriptor(own_transport),
                                       WEFT_READABLE, on_ready, connection);
    weft_grpc_client_connection_attend(connection);
}

static void on_failed(void *context, const char *reason)
{
    struct weft_grpc_client_connection *connection = context;
    weft_check_magic(connection, grpc_client_connection);
    weft_grpc_client_connection_close(connection, reason);
}

static const struct weft_dialer_operations dialer_operations = { on_connected, on_failed };

struct weft_grpc_client_connection *weft_grpc_client_connection_new(struct weft_grpc_client *client)
{
    struct weft_grpc_client_connection *connection = weft_alloc(sizeof *connection);
    weft_set_magic(connection, grpc_client_connection);
    connection->client = client;
    weft_list_init(&connection->requests);
    weft_list_push_back(&client->connections, &connection->node);
    weft_http2_output_init(&connection->output);
    weft_deferred_init(&connection->turn, take_turn, connection);
    weft_timer_init(&connection->timer, on_timer_expired, connection);
    if (client->tls != NULL) {
        weft_tls_context_reload(client->tls, false);
    }
    weft_dialer_start(&connection->dialer,
                      &(struct weft_dialer_settings){
                          .loop = client->net.loop,
                          .balancer = client->balancer,
                          .tls = client->tls,
                          .peer_name = client->settings.endpoint.host,
                          .timeout_ns = client->settings.connect_timeout_ns,
                      },
                      &dialer_operations, connection);
    return connection;
}

void weft_grpc_client_connection_retire(struct weft_grpc_client_connection *connection)
{
    if (connection->phase == WEFT_GRPC_SERVING) {
        set_phase(connection, WEFT_GRPC_DRAINING);
        weft_grpc_client_connection_attend(connection); /* it ends with its last call */
    }
}

bool weft_grpc_client_connection_has_room(const struct weft_grpc_client_connection *connection)
{
    if (connection->phase != WEFT_GRPC_SERVING || connection->is_broken ||
        nghttp2_session_check_request_allowed(connection->session) == 0) {
        return false;
    }
    uint32_t peer_limit =
        nghttp2_session_get_remote_settings(connection->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return connection->request_count < peer_limit &&
           connection->request_count < connection->client->settings.max_streams_per_connection;
}
