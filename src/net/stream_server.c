/* A server of connections that are only read from (stream_server.h). Nothing is freed on its own stack: what is done is
 * freed at the end of the tick, or when it makes way for another. */
#include "net/stream_server.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/magic.h"

enum { READS_PER_TICK = 4 };

struct weft_stream_server {
    const struct weft_net_context *net;
    struct weft_stream_server_settings settings;
    struct weft_guests guests;
    struct weft_list open;
    struct weft_list ended; /* without a socket, with bytes that are not done with */
    size_t open_count, ended_count;
    bool is_reading, is_draining;
    struct weft_stream_server_counters counters;
};

WEFT_MAGIC(stream_connection, 0x57cea3c0);

static const struct weft_stream_operations *operations_of(const struct weft_stream_connection *connection)
{
    return connection->server->settings.operations;
}

static struct weft_stream_connection *connection_of(struct weft_list *node)
{
    struct weft_stream_connection *connection = WEFT_CONTAINER_OF(node, struct weft_stream_connection, node);
    weft_check_magic(connection, stream_connection);
    return connection;
}

void weft_stream_connection_attend(struct weft_stream_connection *connection)
{
    weft_loop_defer(connection->server->net->loop, &connection->deferred);
}

static void rank(struct weft_stream_connection *connection)
{
    const struct weft_stream_operations *operations = operations_of(connection);
    bool is_midway = operations->is_midway(connection);
    enum weft_guest_standing standing = connection->has_spoken ? WEFT_GUEST_NEW : WEFT_GUEST_SILENT;
    if (connection->transport == NULL ||
        (!connection->is_shaking_hands && connection->server->is_reading && !operations->wants_more(connection))) {
        standing = WEFT_GUEST_SERVED;
    } else if (connection->has_brought) {
        standing = is_midway ? WEFT_GUEST_BUSY : WEFT_GUEST_IDLE;
    } else if (is_midway) {
        standing = WEFT_GUEST_TRYING;
    }
    weft_guest_stand(&connection->guest, standing);
}

/* ---- ends ---- */

static void connection_free(struct weft_stream_connection *connection)
{
    struct weft_stream_server *server = connection->server;
    *(connection->transport != NULL ? &server->open_count : &server->ended_count) -= 1;
    weft_guests_leave(&connection->guest);
    weft_list_remove(&connection->node);
    weft_deferred_cancel(&connection->deferred);
    weft_watch_free(connection->watch);
    if (connection->transport != NULL) {
        weft_transport_free(connection->transport);
    }
    weft_clear_magic(connection, stream_connection);
    server->settings.operations->free(connection);
}

static void close_socket(struct weft_stream_connection *connection)
{
    struct weft_stream_server *server = connection->server;
    weft_assert(connection->transport != NULL);
    weft_watch_free(connection->watch);
    connection->watch = NULL;
    weft_transport_free(connection->transport);
    connection->transport = NULL;
    weft_list_remove(&connection->node);
    weft_list_push_back(&server->ended, &connection->node);
    server->open_count--;
    server->ended_count++;
    rank(connection);
    weft_stream_connection_attend(connection);
}

void weft_stream_connection_end(struct weft_stream_connection *connection)
{
    close_socket(connection);
    operations_of(connection)->on_ended(connection);
}

static void make_way(struct weft_guest *guest)
{
    struct weft_stream_connection *connection = WEFT_CONTAINER_OF(guest, struct weft_stream_connection, guest);
    weft_check_magic(connection, stream_connection);
    connection->server->counters.evicted++;
    weft_stream_connection_end(connection);
    if (operations_of(connection)->is_done(connection)) {
        connection_free(connection);
    }
}

/* ---- reading ---- */

static void note_progress(struct weft_stream_connection *connection, size_t bytes, bool has_brought)
{
    connection->has_spoken |= bytes > 0;
    connection->has_brought |= has_brought;
    rank(connection);
    weft_guest_progress(&connection->guest, bytes);
    if (has_brought) {
        weft_guest_touch(&connection->guest);
    }
}

/* False: nothing more to read now. */
static bool read_some(struct weft_stream_connection *connection)
{
    const struct weft_stream_operations *operations = operations_of(connection);
    size_t capacity = 0;
    size_t length = 0;
    uint8_t *room = operations->room(connection, &capacity);
    if (room == NULL) {
        return false;
    }
    switch (weft_transport_read(connection->transport, room, capacity, &length)) {
    case WEFT_IO_DONE:
        note_progress(connection, length, operations->take(connection, length));
        return true;
    case WEFT_IO_AGAIN:
        operations->take(connection, 0);
        return false;
    case WEFT_IO_END:
    case WEFT_IO_FAILED:
        weft_stream_connection_end(connection);
        return false;
    }
    return false;
}

static void read_more(struct weft_stream_connection *connection)
{
    const struct weft_stream_server *server = connection->server;
    for (int i = 0; i < READS_PER_TICK; i++) {
        if (!server->settings.operations->wants_more(connection) || !read_some(connection)) {
            break;
        }
    }
    server->settings.operations->on_read(server->settings.context);
}

static void shake_hands(struct weft_stream_connection *connection)
{
    enum weft_io_result result = weft_transport_handshake(connection->transport);
    connection->has_spoken |= weft_transport_has_heard(connection->transport);
    rank(connection);
    switch (result) {
    case WEFT_IO_DONE:
        connection->is_shaking_hands = false;
        note_progress(connection, 0, false);
        break;
    case WEFT_IO_AGAIN:
        break;
    case WEFT_IO_END:
    case WEFT_IO_FAILED:
        weft_stream_connection_end(connection);
        break;
    }
}

static void update_interest(struct weft_stream_connection *connection)
{
    unsigned interest = weft_transport_interest(connection->transport);
    if (!connection->is_shaking_hands && !operations_of(connection)->wants_more(connection)) {
        interest = 0;
    } else if (interest == 0) {
        interest = WEFT_READABLE;
    }
    weft_watch_set_interest(connection->watch, interest);
}

static void on_ready(void *context, unsigned readiness)
{
    struct weft_stream_connection *connection = context;
    weft_check_magic(connection, stream_connection);
    (void)readiness;
    if (connection->is_shaking_hands) {
        shake_hands(connection);
    } else {
        read_more(connection);
    }
    weft_stream_connection_attend(connection);
}

/* At the end of a tick: what a connection waits for, or its end. */
static void run_deferred(void *context)
{
    struct weft_stream_connection *connection = context;
    weft_check_magic(connection, stream_connection);
    const struct weft_stream_operations *operations = operations_of(connection);
    if (connection->transport == NULL) {
        if (operations->is_done(connection)) {
            connection_free(connection);
        }
        return;
    }
    rank(connection);
    update_interest(connection);
    if (!connection->is_shaking_hands && operations->wants_more(connection) &&
        weft_transport_has_buffered(connection->transport)) {
        read_more(connection);
        weft_stream_connection_attend(connection);
    }
}

/* ---- the server ---- */

void weft_stream_server_adopt(struct weft_stream_server *server, int descriptor)
{
    struct weft_tls_context *tls = server->settings.tls;
    struct weft_peer peer;
    server->counters.accepted++;
    if (server->is_draining) {
        server->counters.refused++;
        close(descriptor);
        return;
    }
    if (!weft_guests_admit(&server->guests, &descriptor, &peer)) { /* those that have ended cannot be hurried */
        server->counters.refused++;
        return;
    }
    struct weft_stream_connection *connection = server->settings.operations->open(server->settings.context);
    weft_set_magic(connection, stream_connection);
    connection->server = server;
    connection->transport = tls == NULL ? weft_transport_plain(descriptor) : weft_transport_tls(descriptor, tls, NULL);
    connection->is_shaking_hands = true;
    connection->watch = weft_watch_new(server->net->loop, descriptor, WEFT_READABLE, on_ready, connection);
    weft_deferred_init(&connection->deferred, run_deferred, connection);
    weft_list_push_back(&server->open, &connection->node);
    server->open_count++;
    weft_guests_enter(&server->guests, &connection->guest, descriptor, &peer);
    shake_hands(connection);
    weft_stream_connection_attend(connection);
    if (connection->transport != NULL && !connection->is_shaking_hands) {
        read_more(connection); /* what it sent meanwhile, before others push it out */
    }
}

void weft_stream_server_set_reading(struct weft_stream_server *server, bool is_reading)
{
    server->is_reading = is_reading;
    weft_guests_set_reading(&server->guests, is_reading);
    WEFT_LIST_EACH(node, &server->open)
    {
        weft_stream_connection_attend(connection_of(node));
    }
}

void weft_stream_server_drain(struct weft_stream_server *server)
{
    struct weft_list *node = NULL;
    struct weft_list *next = NULL;
    server->is_draining = true;
    while ((node = weft_list_first(&server->open)) != NULL) {
        close_socket(connection_of(node));
    }
    for (node = server->ended.next; node != &server->ended; node = next) {
        next = node->next;
        server->settings.operations->on_drained(connection_of(node));
    }
}

size_t weft_stream_server_connection_count(const struct weft_stream_server *server)
{
    return server->open_count + server->ended_count;
}

const struct weft_stream_server_counters *weft_stream_server_read_counters(const struct weft_stream_server *server)
{
    return &server->counters;
}

static void free_all(struct weft_list *list)
{
    struct weft_list *node = NULL;
    while ((node = weft_list_first(list)) != NULL) {
        connection_free(connection_of(node));
    }
}

struct weft_stream_server *weft_stream_server_new(const struct weft_net_context *net,
                                                  const struct weft_stream_server_settings *settings)
{
    struct weft_stream_server *server = weft_alloc(sizeof *server);
    server->net = net;
    server->settings = *settings;
    weft_guests_init(&server->guests, &(struct weft_guests_settings){
                                          .max_count = settings->max_connections,
                                          .max_per_address = settings->max_connections_per_address,
                                          .end = make_way,
                                          .timers = weft_loop_timers(net->loop),
                                          .hall = net->guests,
                                      });
    weft_list_init(&server->open);
    weft_list_init(&server->ended);
    server->is_reading = true;
    return server;
}

void weft_stream_server_free(struct weft_stream_server *server)
{
    free_all(&server->open);
    free_all(&server->ended);
    weft_guests_fini(&server->guests);
    weft_free(server);
}
