/* The gRPC server object (server.h): settings, the list of connections, what concerns all of them. The rest is in
 * server_connection.c, server_session.c, server_call.c and server_reply.c. */
#include "net/grpc/server.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/grpc/decode.h"
#include "net/grpc/server_internal.h"

static void tell_drained(void *context);

static void set_defaults(struct weft_grpc_server_settings *settings)
{
#define DEFAULT(member, value) settings->member = settings->member == 0 ? (value) : settings->member
    DEFAULT(max_message_bytes, 4 * 1024 * 1024);
    DEFAULT(max_concurrent_streams, 100);
    DEFAULT(max_header_bytes, 16 * 1024);
    DEFAULT(max_header_fields, 64);
    DEFAULT(max_connections, 1000);
    DEFAULT(keepalive_time_ns, 7200 * WEFT_NS_PER_S);
    DEFAULT(keepalive_timeout_ns, 20 * WEFT_NS_PER_S);
    DEFAULT(min_ping_interval_ns, 300 * WEFT_NS_PER_S);
    DEFAULT(handshake_timeout_ns, 5 * WEFT_NS_PER_S);
    DEFAULT(preface_timeout_ns, 5 * WEFT_NS_PER_S);
    DEFAULT(header_timeout_ns, 10 * WEFT_NS_PER_S);
    DEFAULT(body_timeout_ns, 15 * WEFT_NS_PER_S);
    DEFAULT(max_control_frames_per_s, 1000);
    DEFAULT(stream_window_bytes, 8 * 1024 * 1024);
    DEFAULT(connection_window_bytes, 24 * 1024 * 1024);
    DEFAULT(window_credit_bytes, 64 * 1024 * 1024);
#undef DEFAULT
}

static void make_way(struct weft_guest *guest)
{
    struct weft_grpc_server_connection *connection =
        WEFT_CONTAINER_OF(guest, struct weft_grpc_server_connection, guest);
    weft_check_magic(connection, grpc_server_connection);
    connection->server->counters.connections_evicted++;
    weft_grpc_server_connection_free(connection);
}

static void open_house(struct weft_grpc_server *server)
{
    weft_guests_init(&server->guests, &(struct weft_guests_settings){
                                          .max_count = server->settings.max_connections,
                                          .max_per_address = server->settings.max_connections_per_address,
                                          .end = make_way,
                                          .timers = weft_loop_timers(server->net.loop),
                                          .hall = server->net.guests,
                                      });
}

struct weft_grpc_server *weft_grpc_server_new(const struct weft_net_context *net,
                                              const struct weft_grpc_server_settings *settings,
                                              const struct weft_grpc_server_method *methods,
                                              struct weft_tls_context *tls)
{
    struct weft_grpc_server *server = weft_alloc(sizeof *server);
    weft_set_magic(server, grpc_server);
    server->net = *net;
    server->settings = *settings;
    set_defaults(&server->settings);
    server->methods = methods;
    server->tls = tls;
    server->callbacks = weft_grpc_server_callbacks();
    server->options = weft_grpc_server_options();
    server->is_reading = true;
    open_house(server);
    weft_list_init(&server->connections);
    weft_list_init(&server->closed);
    weft_deferred_init(&server->drained, tell_drained, server);
    server->bodies = net->bodies;
    if (server->bodies == NULL) {
        server->own_bodies = weft_body_credit_new(net->loop, net->budget, &(struct weft_body_credit_settings){ 0 });
        server->bodies = server->own_bodies;
    }
    weft_body_credit_note_promised(server->bodies, server->settings.max_message_bytes);
    return server;
}

void weft_grpc_server_free(struct weft_grpc_server *server)
{
    weft_check_magic(server, grpc_server);
    server->is_draining = false;
    struct weft_list *node;
    while ((node = weft_list_first(&server->connections)) != NULL ||
           (node = weft_list_first(&server->closed)) != NULL) {
        weft_grpc_server_connection_free(weft_grpc_server_connection_of(node));
    }
    weft_deferred_cancel(&server->drained);
    weft_guests_fini(&server->guests);
    if (!server->is_reading) {
        weft_body_credit_unpause(server->bodies);
    }
    weft_body_credit_free(server->own_bodies);
    nghttp2_session_callbacks_del(server->callbacks);
    nghttp2_option_del(server->options);
    weft_clear_magic(server, grpc_server);
    weft_free(server);
}

/* Plus or minus a tenth, so that connections that began together do not all come back together (gRPC proposal A9). */
static int64_t jittered(const struct weft_grpc_server *server, int64_t age_ns)
{
    uint64_t seed = ((uint64_t)weft_grpc_server_now(server).ns + server->counters.connections) * 0x9e3779b97f4a7c15U;
    int64_t tenth_ns = age_ns / 10;
    return tenth_ns == 0 ? age_ns : age_ns - tenth_ns + (int64_t)((seed >> 16) % (uint64_t)(2 * tenth_ns));
}

void weft_grpc_server_adopt(struct weft_grpc_server *server, int descriptor)
{
    struct weft_peer peer;
    if (server->is_draining) {
        close(descriptor);
        return;
    }
    if (!weft_guests_admit(&server->guests, &descriptor, &peer)) {
        server->counters.connections_refused++;
        return;
    }
    struct weft_transport *transport =
        server->tls != NULL ? weft_transport_tls(descriptor, server->tls, NULL) : weft_transport_plain(descriptor);
    struct weft_grpc_server_connection *connection = weft_grpc_server_connection_new(server, transport);
    if (connection->phase == WEFT_GRPC_SERVER_CLOSED) {
        return; /* no memory for its session */
    }
    weft_peer_name(&peer, connection->peer, sizeof connection->peer);
    weft_guests_enter(&server->guests, &connection->guest, descriptor, &peer);
    connection->age_limit_ns = jittered(server, server->settings.max_connection_age_ns);
    /* What it sent meanwhile, before others push it out. */
    weft_grpc_server_connection_begin(connection);
}

void weft_grpc_server_set_reading(struct weft_grpc_server *server, bool is_reading)
{
    if (server->is_reading == is_reading) {
        return;
    }
    server->is_reading = is_reading;
    weft_guests_set_reading(&server->guests, is_reading);
    (is_reading ? weft_body_credit_unpause : weft_body_credit_pause)(server->bodies);
    WEFT_LIST_EACH(node, &server->connections)
    {
        struct weft_grpc_server_connection *connection = weft_grpc_server_connection_of(node);
        weft_grpc_server_connection_watch(connection);
        if (is_reading) {
            weft_grpc_server_connection_resume(connection);
        }
    }
}

static void tell_drained(void *context)
{
    struct weft_grpc_server *server = context;
    weft_check_magic(server, grpc_server);
    if (server->on_drained != NULL) {
        server->on_drained(server->drained_context);
    }
}

void weft_grpc_server_note_closed(struct weft_grpc_server *server)
{
    if (server->is_draining && server->connection_count == 0) {
        weft_loop_defer(server->net.loop, &server->drained);
    }
}

void weft_grpc_server_drain(struct weft_grpc_server *server, void (*on_drained)(void *context), void *context)
{
    server->is_draining = true;
    server->on_drained = on_drained;
    server->drained_context = context;
    struct weft_list *next;
    for (struct weft_list *node = server->connections.next; node != &server->connections; node = next) {
        next = node->next;
        weft_grpc_server_connection_leave(weft_grpc_server_connection_of(node));
    }
    weft_grpc_server_note_closed(server);
}

size_t weft_grpc_server_connection_count(const struct weft_grpc_server *server)
{
    return server->connection_count;
}

const struct weft_grpc_server_counters *weft_grpc_server_read_counters(const struct weft_grpc_server *server)
{
    return &server->counters;
}
