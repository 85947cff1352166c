/* One connection of an HTTP/1.1 client: what the dialer brings, then the socket's side of the requests that it gets one
 * after the other, and its deadlines. What the bytes mean is client_exchange.c's. Whatever goes wrong ends in
 * weft_http1_client_connection_close. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/http1/client_internal.h"

enum {
    READS_PER_TICK = 16, /* so that one peer cannot keep the loop */
    MAX_HEADER_BYTES = 32 * 1024,
    PROBE_INTERVAL_S = 15, /* TCP keep-alive: what stands between may drop an idle connection without a word */
};

static struct weft_timers *timers_of(const struct weft_http1_client_connection *connection)
{
    return weft_loop_timers(connection->client->net.loop);
}

static bool is_connecting(const struct weft_http1_client_connection *connection)
{
    return connection->phase == WEFT_HTTP1_CLIENT_DIALING;
}

static bool is_phase_allowed(enum weft_http1_client_phase from, enum weft_http1_client_phase to)
{
    switch (to) {
    case WEFT_HTTP1_CLIENT_DIALING:
        return false;
    case WEFT_HTTP1_CLIENT_IDLE:
        return from == WEFT_HTTP1_CLIENT_DIALING || from == WEFT_HTTP1_CLIENT_BUSY;
    case WEFT_HTTP1_CLIENT_BUSY:
        return from == WEFT_HTTP1_CLIENT_IDLE;
    case WEFT_HTTP1_CLIENT_CLOSED:
        return from != WEFT_HTTP1_CLIENT_CLOSED;
    }
    return false;
}

void weft_http1_client_connection_attend(struct weft_http1_client_connection *connection)
{
    weft_loop_defer(connection->client->net.loop, &connection->turn);
}

static void become_idle(struct weft_http1_client_connection *connection)
{
    struct weft_http1_client *client = connection->client;
    weft_list_remove(&connection->node);
    weft_list_push_front(&client->connections, &connection->node);
    if (client->settings.idle_timeout_ns > 0) {
        weft_timer_set_after(timers_of(connection), &connection->timer, client->settings.idle_timeout_ns);
    }
}

void weft_http1_client_connection_set_phase(struct weft_http1_client_connection *connection,
                                            enum weft_http1_client_phase phase)
{
    weft_assert(is_phase_allowed(connection->phase, phase));
    connection->phase = phase;
    weft_timer_cancel(timers_of(connection), &connection->timer);
    if (phase == WEFT_HTTP1_CLIENT_IDLE) {
        become_idle(connection);
    }
    weft_http1_client_attend(connection->client);
}

void weft_http1_client_connection_close(struct weft_http1_client_connection *connection, const char *reason)
{
    if (connection->phase == WEFT_HTTP1_CLIENT_CLOSED) {
        return;
    }
    bool was_connecting = is_connecting(connection);
    snprintf(connection->failure, sizeof connection->failure, "%.60s: %.90s", connection->client->target_name, reason);
    weft_http1_client_connection_set_phase(connection, WEFT_HTTP1_CLIENT_CLOSED);
    if (connection->request != NULL) {
        weft_http1_client_exchange_fail(connection, connection->failure);
    }
    weft_deferred_cancel(&connection->turn);
    weft_dialer_stop(&connection->dialer);
    if (connection->watch != NULL) {
        weft_watch_set_interest(connection->watch, 0);
    }
    if (was_connecting) {
        weft_http1_client_note_unconnected(connection->client, connection->failure,
                                           !weft_balancer_may_connect(connection->client->balancer));
    } else {
        weft_log(DEBUG, "http.disconnected", "connection ended", WEFT_LOG_STRING("reason", connection->failure));
    }
}

void weft_http1_client_connection_free(struct weft_http1_client_connection *connection)
{
    weft_assert(connection->phase == WEFT_HTTP1_CLIENT_CLOSED && connection->request == NULL);
    weft_list_remove(&connection->node);
    weft_deferred_cancel(&connection->turn);
    if (connection->watch != NULL) {
        weft_watch_free(connection->watch);
    }
    weft_transport_free(connection->transport);
    weft_buffer_fini(&connection->head);
    weft_http1_parser_fini(&connection->parser);
    weft_clear_magic(connection, http1_client_connection);
    weft_free(connection);
}

static void on_timer_expired(void *context)
{
    struct weft_http1_client_connection *connection = context;
    weft_check_magic(connection, http1_client_connection);
    weft_http1_client_connection_close(connection, "idle for too long");
}

static void update_interest(struct weft_http1_client_connection *connection)
{
    unsigned interest = weft_transport_interest(connection->transport);
    if (interest == 0) {
        bool must_write =
            connection->phase == WEFT_HTTP1_CLIENT_BUSY && !weft_http1_client_exchange_is_written(connection);
        interest = WEFT_READABLE | (must_write ? WEFT_WRITABLE : 0U);
    }
    weft_watch_set_interest(connection->watch, interest);
}

/* ---- serving ---- */

/* Returns false if the connection is gone. */
static bool read_input(struct weft_http1_client_connection *connection)
{
    const struct weft_net_context *net = &connection->client->net;
    connection->must_read = false;
    for (int i = 0; i < READS_PER_TICK; i++) {
        size_t length = 0;
        switch (weft_transport_read(connection->transport, net->read_buffer, net->read_buffer_bytes, &length)) {
        case WEFT_IO_DONE:
            break;
        case WEFT_IO_AGAIN:
            return true;
        case WEFT_IO_END:
            weft_http1_client_exchange_take_end(connection);
            return false;
        case WEFT_IO_FAILED:
            weft_http1_client_connection_close(connection, weft_transport_failure(connection->transport));
            return false;
        }
        if (!weft_http1_client_exchange_take(connection, weft_slice_of(net->read_buffer, length))) {
            return false;
        }
        if (length < net->read_buffer_bytes && !weft_transport_has_buffered(connection->transport)) {
            return true; /* the socket is level-triggered: no need to ask it for AGAIN */
        }
    }
    connection->must_read = true;
    weft_http1_client_connection_attend(connection);
    return true;
}

/* The end of the tick: writes what the tick brought. */
static void take_turn(void *context)
{
    struct weft_http1_client_connection *connection = context;
    weft_check_magic(connection, http1_client_connection);
    if (connection->phase != WEFT_HTTP1_CLIENT_IDLE && connection->phase != WEFT_HTTP1_CLIENT_BUSY) {
        return;
    }
    if (connection->must_read && !read_input(connection)) {
        return;
    }
    bool must_write = connection->phase == WEFT_HTTP1_CLIENT_BUSY && !weft_http1_client_exchange_is_written(connection);
    if (must_write) {
        weft_http1_client_exchange_write(connection);
    }
    if (connection->is_write_broken) {
        /* A peer that refuses a request early answers, closes, and resets what still comes: the answer may lie here. */
        if (read_input(connection) && connection->is_write_broken) {
            weft_http1_client_connection_close(connection, weft_transport_failure(connection->transport));
        }
        return;
    }
    update_interest(connection);
}

static void on_ready(void *context, unsigned readiness)
{
    struct weft_http1_client_connection *connection = context;
    weft_check_magic(connection, http1_client_connection);
    (void)readiness;
    if (connection->phase != WEFT_HTTP1_CLIENT_CLOSED && read_input(connection)) {
        weft_http1_client_connection_attend(connection);
    }
}

/* ---- connecting ---- */

static void set_probes(int descriptor)
{
    int yes = 1, interval_s = PROBE_INTERVAL_S;
    /* Each fails on unix sockets, which need none. */
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &interval_s, sizeof interval_s);
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
}

static void on_connected(void *context, struct weft_transport *own_transport)
{
    struct weft_http1_client_connection *connection = context;
    weft_check_magic(connection, http1_client_connection);
    int descriptor = weft_transport_descriptor(own_transport);
    connection->transport = own_transport;
    set_probes(descriptor);
    connection->watch = weft_watch_new(connection->client->net.loop, descriptor, WEFT_READABLE, on_ready, connection);
    weft_dialer_succeed(&connection->dialer);
    weft_http1_client_connection_set_phase(connection, WEFT_HTTP1_CLIENT_IDLE);
    weft_http1_client_note_connected(connection->client);
}

static void on_failed(void *context, const char *reason)
{
    struct weft_http1_client_connection *connection = context;
    weft_check_magic(connection, http1_client_connection);
    weft_http1_client_connection_close(connection, reason);
}

static const struct weft_dialer_operations dialer_operations = { on_connected, on_failed };

struct weft_http1_client_connection *weft_http1_client_connection_try_new(struct weft_http1_client *client)
{
    struct weft_http1_client_connection *connection = weft_try_alloc(sizeof *connection);
    if (connection == NULL) {
        return NULL;
    }
    weft_set_magic(connection, http1_client_connection);
    connection->client = client;
    weft_list_push_back(&client->connections, &connection->node);
    weft_buffer_init(&connection->head, 0);
    weft_http1_parser_init(&connection->parser,
                           &(struct weft_http1_parser_settings){ .is_response = true,
                                                                 .max_header_bytes = MAX_HEADER_BYTES,
                                                                 .max_header_fields = WEFT_HTTP1_MAX_HEADER_FIELDS });
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
                          .tunnel_request = client->tunnel_request,
                          .timeout_ns = client->settings.connect_timeout_ns,
                      },
                      &dialer_operations, connection);
    return connection;
}
