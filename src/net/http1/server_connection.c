/* One HTTP/1 connection of a server: reads what its requests (server_request.c) are made of, writes their answers, and
 * goes on with the next one: while an answer is due nothing more is read, so a peer that pipelines fills no memory. One
 * timer guards whatever the connection waits for. Called by server.c. */
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/http1/server_internal.h"

enum {
    READ_BYTES = 64 * 1024,
    DIRECT_READ_BYTES = 256 * 1024,
    READS_PER_TICK = 4,
    LINGER_BYTES = 64 * 1024 * 1024,
    LINGER_SECONDS = 2,
    KEPT_BUFFER_BYTES = 16 * 1024, /* larger ones are given back between requests */
};

void weft_http1_server_connection_attend(struct weft_http1_server_connection *connection)
{
    weft_loop_defer(connection->server->net->loop, &connection->deferred);
}

/* And we are willing to take it. */
static bool may_read(struct weft_http1_server_connection *connection)
{
    return weft_http1_server_connection_is_receiving(connection) && connection->server->is_reading &&
           weft_http1_server_body_may_grow(connection);
}

/* No request has begun. */
static bool is_unused(const struct weft_http1_server_connection *connection)
{
    return connection->state == WEFT_HTTP1_HANDSHAKE ||
           (weft_http1_server_connection_is_receiving(connection) && !connection->parser.is_begun &&
            connection->pending.length == 0);
}

static int64_t header_timeout(const struct weft_http1_server_settings *settings)
{
    bool is_shorter = settings->request_timeout_ns > 0 && settings->request_timeout_ns < settings->header_timeout_ns;
    return is_shorter ? settings->request_timeout_ns : settings->header_timeout_ns;
}

static enum weft_guest_standing standing_of(const struct weft_http1_server_connection *connection)
{
    bool has_answered = connection->has_answered;
    enum weft_guest_standing first = connection->has_spoken ? WEFT_GUEST_NEW : WEFT_GUEST_SILENT;
    switch (connection->state) {
    case WEFT_HTTP1_HANDSHAKE:
        return first;
    case WEFT_HTTP1_IDLE:
        return WEFT_GUEST_IDLE;
    case WEFT_HTTP1_HEADERS:
        return has_answered ? WEFT_GUEST_BUSY : first;
    case WEFT_HTTP1_RECEIVING:
    case WEFT_HTTP1_WRITING:
        return has_answered ? WEFT_GUEST_BUSY : WEFT_GUEST_TRYING;
    case WEFT_HTTP1_ANSWERING:
        return WEFT_GUEST_SERVED;
    case WEFT_HTTP1_LINGERING:
    case WEFT_HTTP1_CLOSED:
        break;
    }
    return WEFT_GUEST_OVER;
}

void weft_http1_server_connection_stand(struct weft_http1_server_connection *connection)
{
    weft_guest_stand(&connection->guest, standing_of(connection));
}

void weft_http1_server_connection_set_state(struct weft_http1_server_connection *connection,
                                            enum weft_http1_server_connection_state state)
{
    const struct weft_http1_server_settings *settings = &connection->server->settings;
    struct weft_timers *timers = weft_loop_timers(connection->server->net->loop);
    weft_assert(connection->state != WEFT_HTTP1_CLOSED);
    connection->state = state;
    weft_http1_server_connection_stand(connection);
    switch (state) {
    case WEFT_HTTP1_HANDSHAKE:
    case WEFT_HTTP1_HEADERS:
        weft_timer_set_after(timers, &connection->timer, header_timeout(settings));
        return;
    case WEFT_HTTP1_IDLE:
        weft_timer_set_after(timers, &connection->timer, settings->idle_timeout_ns);
        return;
    case WEFT_HTTP1_RECEIVING:
        weft_timer_set_at(timers, &connection->timer, weft_http1_server_body_deadline(connection));
        return;
    case WEFT_HTTP1_WRITING:
        weft_timer_set_after(timers, &connection->timer, settings->write_timeout_ns);
        return;
    case WEFT_HTTP1_LINGERING:
        weft_timer_set_after(timers, &connection->timer, LINGER_SECONDS * WEFT_NS_PER_S);
        return;
    case WEFT_HTTP1_ANSWERING: /* the service has its own deadlines */
    case WEFT_HTTP1_CLOSED:
        weft_timer_cancel(timers, &connection->timer);
        return;
    }
}

void weft_http1_server_connection_close(struct weft_http1_server_connection *connection)
{
    if (connection->state == WEFT_HTTP1_CLOSED) {
        return;
    }
    connection->server->counters.requests_abandoned +=
        weft_http1_server_connection_is_receiving(connection) && connection->parser.is_begun;
    weft_http1_server_connection_set_state(connection, WEFT_HTTP1_CLOSED);
    weft_watch_set_interest(connection->watch, 0);
    weft_http1_server_request_detach(connection);
    weft_http1_server_body_clear(connection);
    weft_guests_leave(&connection->guest);
    weft_list_remove(&connection->node);
    weft_list_push_back(&connection->server->closed, &connection->node);
    weft_assert(connection->server->connection_count > 0);
    connection->server->connection_count--;
    weft_http1_server_connection_attend(connection);
}

void weft_http1_server_connection_free(struct weft_http1_server_connection *connection)
{
    weft_assert(connection->state == WEFT_HTTP1_CLOSED);
    weft_list_remove(&connection->node);
    weft_deferred_cancel(&connection->deferred);
    weft_watch_free(connection->watch);
    weft_transport_free(connection->transport);
    weft_body_address_release(&connection->address);
    weft_http1_parser_fini(&connection->parser);
    weft_buffer_fini(&connection->pending);
    weft_buffer_fini(&connection->output);
    weft_buffer_fini(&connection->output_body);
    weft_budget_release(connection->server->net->budget, connection->charged_bytes);
    weft_clear_magic(connection, http1_server_connection);
    weft_free(connection);
}

/* Reads once: to where the body lies if that is worth a read of its own, else to the worker's buffer. out_is_all: there
 * was less than asked for, so that a socket would have nothing more. */
static enum weft_io_result read_once(struct weft_http1_server_connection *connection, bool *out_is_all)
{
    const struct weft_net_context *net = connection->server->net;
    size_t length = 0, room = 0;
    uint8_t *direct = weft_http1_server_body_direct_room(connection, &room);
    if (direct != NULL) {
        room = room < DIRECT_READ_BYTES ? room : DIRECT_READ_BYTES;
        enum weft_io_result result = weft_transport_read(connection->transport, direct, room, &length);
        *out_is_all = length < room && connection->server->tls == NULL;
        weft_loop_count_read(net->loop, length);
        if (result == WEFT_IO_DONE) {
            weft_http1_server_body_commit(connection, length);
            weft_http1_server_request_note_progress(connection, length);
            weft_http1_server_request_take_input(connection,
                                                 WEFT_SLICE_EMPTY); /* its last byte may have been among them */
        }
        return result;
    }
    size_t capacity = net->read_buffer_bytes < READ_BYTES ? net->read_buffer_bytes : READ_BYTES;
    enum weft_io_result result = weft_transport_read(connection->transport, net->read_buffer, capacity, &length);
    *out_is_all = length < capacity && connection->server->tls == NULL;
    weft_loop_count_read(net->loop, length);
    if (result == WEFT_IO_DONE) {
        weft_http1_server_request_take_input(connection, weft_slice_of(net->read_buffer, length));
    }
    return result;
}

static void read_input(struct weft_http1_server_connection *connection)
{
    bool is_all = false;
    for (int i = 0; i < READS_PER_TICK && !is_all && may_read(connection) && connection->pending.length == 0; i++) {
        enum weft_io_result result = read_once(connection, &is_all);
        if (result == WEFT_IO_AGAIN) {
            weft_body_note_silence(&connection->body.credited);
            return;
        }
        if (result != WEFT_IO_DONE) {
            weft_http1_server_connection_close(connection);
            return;
        }
    }
    if (may_read(connection) && weft_transport_has_buffered(connection->transport)) {
        weft_http1_server_connection_attend(connection); /* within the TLS library, where no descriptor tells of it */
    }
}

/* A TLS peer is not told by FIN, which would cut its session off, but by the answer's length and Connection: close. */
static void begin_lingering(struct weft_http1_server_connection *connection)
{
    if (connection->server->tls == NULL) {
        shutdown(weft_transport_descriptor(connection->transport), SHUT_WR);
    }
    weft_http1_server_connection_set_state(connection, WEFT_HTTP1_LINGERING);
}

static void linger(struct weft_http1_server_connection *connection)
{
    const struct weft_net_context *net = connection->server->net;
    size_t length = 0;
    enum weft_io_result result =
        weft_transport_read(connection->transport, net->read_buffer, net->read_buffer_bytes, &length);
    connection->lingered_bytes += length;
    if ((result != WEFT_IO_DONE && result != WEFT_IO_AGAIN) || connection->lingered_bytes > LINGER_BYTES) {
        weft_http1_server_connection_close(connection);
    }
}

static void clear_buffer(struct weft_buffer *buffer)
{
    if (buffer->capacity > KEPT_BUFFER_BYTES) {
        weft_buffer_fini(buffer);
    }
    weft_buffer_clear(buffer);
}

static void end_answer(struct weft_http1_server_connection *connection)
{
    clear_buffer(&connection->output);
    weft_buffer_fini(&connection->output_body);
    connection->output_sent_bytes = 0;
    if (connection->closes_after_answer) {
        begin_lingering(connection);
        return;
    }
    weft_http1_parser_reset(&connection->parser);
    connection->request_begun = (struct weft_monotonic){ 0 };
    connection->has_answered = true;
    weft_http1_server_connection_set_state(connection, WEFT_HTTP1_IDLE);
    if (connection->pending.length > 0) {
        weft_http1_server_connection_attend(connection); /* other connections come first */
    }
}

static size_t list_unsent(const struct weft_http1_server_connection *connection, struct iovec out_rest[2])
{
    const struct weft_buffer *buffers[] = { &connection->output, &connection->output_body };
    size_t sent = connection->output_sent_bytes;
    size_t count = 0;
    for (size_t i = 0; i < WEFT_COUNT_OF(buffers); i++) {
        size_t skipped = sent < buffers[i]->length ? sent : buffers[i]->length;
        sent -= skipped;
        if (skipped < buffers[i]->length) {
            out_rest[count++] = (struct iovec){ buffers[i]->bytes + skipped, buffers[i]->length - skipped };
        }
    }
    return count;
}

static void write_output(struct weft_http1_server_connection *connection)
{
    while (weft_http1_server_connection_unsent(connection) > 0) {
        struct iovec rest[2];
        size_t length = 0;
        enum weft_io_result result =
            weft_transport_write(connection->transport, rest, list_unsent(connection, rest), &length);
        if (result == WEFT_IO_AGAIN) {
            return;
        }
        if (result != WEFT_IO_DONE) {
            weft_http1_server_connection_close(connection);
            return;
        }
        connection->output_sent_bytes += length;
        weft_guest_progress(&connection->guest, length);
    }
    if (connection->state == WEFT_HTTP1_WRITING) {
        end_answer(connection);
    }
}

static void shake_hands(struct weft_http1_server_connection *connection)
{
    enum weft_io_result result = weft_transport_handshake(connection->transport);
    connection->has_spoken |= weft_transport_has_heard(connection->transport);
    weft_http1_server_connection_stand(connection);
    if (result == WEFT_IO_DONE) {
        weft_http1_server_connection_set_state(connection, WEFT_HTTP1_HEADERS);
    } else if (result != WEFT_IO_AGAIN) {
        weft_http1_server_connection_close(connection);
    }
}

static void update_interest(struct weft_http1_server_connection *connection)
{
    unsigned interest = weft_http1_server_connection_unsent(connection) > 0 ? WEFT_WRITABLE : 0U;
    if (may_read(connection) || connection->state == WEFT_HTTP1_LINGERING ||
        connection->state == WEFT_HTTP1_HANDSHAKE) {
        interest |= WEFT_READABLE;
    }
    unsigned needed = weft_transport_interest(connection->transport);
    weft_watch_set_interest(connection->watch, interest == 0 || needed == 0 ? interest : needed);
}

static void charge(struct weft_http1_server_connection *connection)
{
    struct weft_budget *budget = connection->server->net->budget;
    size_t held = sizeof *connection + connection->pending.capacity + connection->output.capacity +
                  connection->output_body.capacity + connection->parser.head.bytes.capacity +
                  (connection->exchange == NULL ? 0 : sizeof *connection->exchange);
    weft_budget_charge(budget, held);
    weft_budget_release(budget, connection->charged_bytes);
    connection->charged_bytes = held;
}

/* Does what can be done now, in every state. */
static void go_on(struct weft_http1_server_connection *connection)
{
    if (connection->state == WEFT_HTTP1_HANDSHAKE) {
        shake_hands(connection);
    }
    if (connection->state != WEFT_HTTP1_CLOSED) {
        write_output(connection);
    }
    if (may_read(connection)) {
        if (connection->pending.length > 0) {
            weft_http1_server_request_take_pending(connection);
        } else {
            read_input(connection);
        }
    } else if (connection->state == WEFT_HTTP1_LINGERING) {
        linger(connection);
    }
    if (connection->state != WEFT_HTTP1_CLOSED) {
        write_output(connection);
    }
    if (connection->server->is_draining && is_unused(connection)) {
        weft_http1_server_connection_close(connection);
    }
    if (connection->state != WEFT_HTTP1_CLOSED) {
        update_interest(connection);
        charge(connection);
    }
}

/* Whether the peer had the time that it has a right to is only known while we read. */
static void restart_clock(struct weft_http1_server_connection *connection)
{
    struct weft_monotonic now = weft_timers_now(weft_loop_timers(connection->server->net->loop));
    connection->body.begun = now;
    if (connection->parser.is_begun) {
        connection->request_begun = now;
    }
    weft_http1_server_connection_set_state(connection, connection->state);
}

void weft_http1_server_connection_resume(struct weft_http1_server_connection *connection)
{
    if (weft_http1_server_connection_is_receiving(connection)) {
        restart_clock(connection);
    }
    weft_http1_server_connection_attend(connection);
}

static void on_ready(void *context, unsigned readiness)
{
    (void)readiness;
    struct weft_http1_server_connection *connection = context;
    weft_check_magic(connection, http1_server_connection);
    go_on(connection);
}

static void on_deferred(void *context)
{
    struct weft_http1_server_connection *connection = context;
    weft_check_magic(connection, http1_server_connection);
    if (connection->state == WEFT_HTTP1_CLOSED) {
        weft_http1_server_connection_free(connection);
    } else {
        go_on(connection);
    }
}

static void on_timed_out(void *context)
{
    struct weft_http1_server_connection *connection = context;
    weft_check_magic(connection, http1_server_connection);
    if (weft_http1_server_connection_is_receiving(connection) && !may_read(connection)) {
        restart_clock(connection); /* it is us who keep it waiting */
        return;
    }
    connection->server->counters.connections_timed_out += connection->state != WEFT_HTTP1_LINGERING;
    bool may_answer = (connection->state == WEFT_HTTP1_HEADERS && connection->parser.is_begun) ||
                      connection->state == WEFT_HTTP1_RECEIVING;
    if (may_answer) {
        weft_http1_server_request_refuse(connection, 408, "the request did not arrive in time");
    } else {
        weft_http1_server_connection_close(connection);
    }
}

void weft_http1_server_connection_open(struct weft_http1_server *server, int descriptor, const struct weft_peer *peer)
{
    struct weft_http1_server_connection *connection = weft_alloc(sizeof *connection);
    weft_set_magic(connection, http1_server_connection);
    connection->server = server;
    connection->transport =
        server->tls != NULL ? weft_transport_tls(descriptor, server->tls, NULL) : weft_transport_plain(descriptor);
    connection->watch = weft_watch_new(server->net->loop, descriptor, 0, on_ready, connection);
    weft_timer_init(&connection->timer, on_timed_out, connection);
    weft_deferred_init(&connection->deferred, on_deferred, connection);
    struct weft_http1_parser_settings limits = { .max_header_bytes = server->settings.max_header_bytes,
                                                 .max_body_bytes = server->settings.max_body_bytes };
    weft_http1_parser_init(&connection->parser, &limits);
    weft_buffer_init(&connection->pending, 0);
    weft_buffer_init(&connection->output, 0);
    weft_buffer_init(&connection->output_body, 0);
    weft_list_push_back(&server->connections, &connection->node);
    server->connection_count++;
    weft_guests_enter(&server->guests, &connection->guest, descriptor, peer);
    /* The first request must come as promptly as its headers; only a connection that has served may idle. */
    weft_http1_server_connection_set_state(connection, server->tls != NULL ? WEFT_HTTP1_HANDSHAKE : WEFT_HTTP1_HEADERS);
    go_on(connection); /* what it sent meanwhile, before others push it out */
}
