/* The gRPC server object (server.h): settings, the list of connections, what concerns all of them. The rest is in
 * server_connection.c, server_session.c, server_call.c and server_reply.c. */
#include "net/grpc/server.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/grpc/decode.h"
#include "net/grpc/server_internal.h"

static void tell_drained(void *context);
static void reopen_windows(void *context);

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
                                          .sets = server->net.guest_sets,
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
    weft_deferred_init(&server->reopen, reopen_windows, server);
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
    weft_deferred_cancel(&server->reopen);
    weft_guests_fini(&server->guests);
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
    server->guests.is_reading = is_reading;
    WEFT_LIST_EACH(node, &server->connections)
    {
        struct weft_grpc_server_connection *connection = weft_grpc_server_connection_of(node);
        weft_grpc_server_connection_watch(connection);
        if (is_reading) {
            weft_grpc_server_connection_resume(connection);
        }
    }
}

/* Messages have ended, so that others may come in again. */
static void reopen_windows(void *context)
{
    struct weft_grpc_server *server = context;
    weft_check_magic(server, grpc_server);
    if (server->partial_bytes > weft_grpc_server_credit(server)) {
        return;
    }
    WEFT_LIST_EACH(node, &server->connections)
    {
        struct weft_grpc_server_connection *connection = weft_grpc_server_connection_of(node);
        WEFT_LIST_EACH(call, &connection->calls)
        {
            weft_grpc_server_call_reopen(weft_grpc_server_call_of(call));
        }
    }
}

size_t weft_grpc_server_credit(const struct weft_grpc_server *server)
{
    const struct weft_grpc_server_settings *settings = &server->settings;
    size_t share = weft_budget_share(server->net.budget, settings->window_credit_bytes);
    size_t least = weft_grpc_server_smaller(settings->max_message_bytes, settings->window_credit_bytes);
    return share > least ? share : least;
}

/* What a half message costs: its bytes for as long as they lie there. */
static uint64_t held_cost(const struct weft_grpc_server_call *call)
{
    int64_t held_ms = (weft_grpc_server_now(call->connection->server).ns - call->phase_entered.ns) / WEFT_NS_PER_MS;
    return call->phase == WEFT_GRPC_SERVER_CALL_BODY ? call->partial_bytes * (uint64_t)(held_ms + 1) : 0;
}

/* Refuses calls that cost at least so much until partial_bytes is low enough; returns the highest cost that is left. */
static uint64_t shed_above(struct weft_grpc_server *server, uint64_t cost, size_t low_bytes)
{
    uint64_t highest = 0;
    WEFT_LIST_EACH(node, &server->connections)
    {
        struct weft_grpc_server_connection *connection = weft_grpc_server_connection_of(node);
        WEFT_LIST_EACH(call_node, &connection->calls)
        {
            struct weft_grpc_server_call *call = weft_grpc_server_call_of(call_node);
            uint64_t held = held_cost(call);
            if (held > 0 && held >= cost && server->partial_bytes > low_bytes) {
                server->counters.calls_shed++;
                weft_grpc_server_call_refuse(call, 200, WEFT_GRPC_UNAVAILABLE,
                                             "too many messages are half sent; this one waited too long");
            } else if (held > highest) {
                highest = held;
            }
        }
    }
    return highest;
}

/* Each new stream has a first window that was promised, and there are many streams on many connections: twice the
 * credit is the end. So is memory that is overdrawn, by whatever; but one message may always come in whole, so that
 * the pipeline can refuse it and count its records. */
static size_t allowed_bytes(const struct weft_grpc_server *server)
{
    const struct weft_budget *budget = server->net.budget;
    size_t credit = weft_grpc_server_credit(server);
    if (server->partial_bytes > 2 * credit) {
        return credit + credit / 2;
    }
    if (!weft_budget_is_overdrawn(budget)) {
        return SIZE_MAX;
    }
    uint64_t excess = weft_budget_reserved(budget) - weft_budget_limit(budget);
    size_t rest = server->partial_bytes > excess ? server->partial_bytes - (size_t)excess : 0;
    size_t whole_message = server->settings.max_message_bytes;
    return rest > whole_message ? rest : whole_message;
}

/* Those that cost most go, which are never messages that arrive at a good pace. */
void weft_grpc_server_shed(struct weft_grpc_server *server)
{
    size_t allowed = allowed_bytes(server);
    uint64_t cost = UINT64_MAX;
    while (server->partial_bytes > allowed && cost > 0) {
        cost = shed_above(server, cost, allowed);
        cost -= cost / 2;
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
