/* An HTTP/1 server: listens, keeps the number of connections within its limit, and is where services answer. What
 * happens on a connection is in server_connection.c, what a request looks like in parser.c. */
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/http1/server_internal.h"

enum {
    DEFAULT_HEADER_BYTES = 16 * 1024,
    DEFAULT_BODY_BYTES = 1024 * 1024,
    DEFAULT_CONNECTIONS = 100,
};

static int64_t seconds_or(int64_t given_ns, int64_t default_seconds)
{
    return given_ns == 0 ? default_seconds * WEFT_NS_PER_S : given_ns;
}

static void make_way(struct weft_guest *guest)
{
    struct weft_http1_server_connection *connection =
        WEFT_CONTAINER_OF(guest, struct weft_http1_server_connection, guest);
    weft_check_magic(connection, http1_server_connection);
    connection->server->counters.connections_evicted++;
    weft_http1_server_connection_close(connection);
    weft_http1_server_connection_free(connection);
}

void weft_http1_server_adopt(struct weft_http1_server *server, int descriptor)
{
    struct weft_peer peer;
    server->counters.connections_accepted++;
    if (server->is_draining) {
        server->counters.connections_refused++;
        close(descriptor);
        return;
    }
    if (!weft_guests_admit(&server->guests, &descriptor, &peer)) {
        server->counters.connections_refused++;
        return;
    }
    weft_http1_server_connection_open(server, descriptor, &peer);
}

static void on_accepted(void *context, int descriptor)
{
    struct weft_http1_server *server = context;
    weft_check_magic(server, http1_server);
    weft_http1_server_adopt(server, descriptor);
}

struct weft_http1_server *weft_http1_server_new(const struct weft_net_context *net,
                                                const struct weft_http1_server_settings *settings,
                                                weft_http1_server_request_fn on_request, void *context,
                                                struct weft_tls_context *tls)
{
    struct weft_http1_server *server = weft_alloc(sizeof *server);
    weft_set_magic(server, http1_server);
    server->net = net;
    server->settings = *settings;
    struct weft_http1_server_settings *own = &server->settings;
    own->max_header_bytes = own->max_header_bytes == 0 ? DEFAULT_HEADER_BYTES : own->max_header_bytes;
    own->max_body_bytes = own->max_body_bytes == 0 ? DEFAULT_BODY_BYTES : own->max_body_bytes;
    own->max_connections = own->max_connections == 0 ? DEFAULT_CONNECTIONS : own->max_connections;
    own->header_timeout_ns = seconds_or(own->header_timeout_ns, 10);
    own->body_timeout_ns = seconds_or(own->body_timeout_ns, 15);
    own->idle_timeout_ns = seconds_or(own->idle_timeout_ns, 60);
    own->write_timeout_ns = seconds_or(own->write_timeout_ns, 30);
    server->on_request = on_request;
    server->context = context;
    server->tls = tls;
    server->listening_descriptor = -1;
    weft_guests_init(&server->guests, &(struct weft_guests_settings){
                                          .max_count = own->max_connections,
                                          .max_per_address = own->max_connections_per_address,
                                          .always_admits = own->always_admits,
                                          .end = make_way,
                                          .timers = weft_loop_timers(net->loop),
                                          .hall = net->guests,
                                      });
    weft_list_init(&server->connections);
    weft_list_init(&server->closed);
    server->is_reading = true;
    server->bodies = net->bodies;
    if (server->bodies == NULL) {
        server->own_bodies = weft_body_credit_new(net->loop, net->budget, &(struct weft_body_credit_settings){ 0 });
        server->bodies = server->own_bodies;
    }
    weft_body_credit_note_largest(server->bodies, own->max_body_bytes);
    return server;
}

void weft_http1_server_listen(struct weft_http1_server *server, int listening_descriptor)
{
    weft_assert(server->door == NULL);
    server->listening_descriptor = listening_descriptor;
    server->door = weft_door_new(server->net->loop, listening_descriptor, server->net->guests, on_accepted, server);
}

void weft_http1_server_set_reading(struct weft_http1_server *server, bool is_reading)
{
    if (server->is_reading == is_reading) {
        return;
    }
    server->is_reading = is_reading;
    weft_guests_set_reading(&server->guests, is_reading);
    (is_reading ? weft_body_credit_unpause : weft_body_credit_pause)(server->bodies);
    WEFT_LIST_EACH(node, &server->connections)
    {
        struct weft_http1_server_connection *connection = weft_http1_server_connection_of(node);
        if (is_reading) {
            weft_http1_server_connection_resume(connection);
        } else {
            weft_http1_server_connection_attend(connection); /* stops watching */
        }
    }
}

void weft_http1_server_drain(struct weft_http1_server *server)
{
    server->is_draining = true;
    if (server->door != NULL) {
        weft_door_shut(server->door);
    }
    WEFT_LIST_EACH(node, &server->connections)
    {
        weft_http1_server_connection_attend(weft_http1_server_connection_of(node));
    }
}

void weft_http1_server_free(struct weft_http1_server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->door != NULL) {
        weft_door_free(server->door);
        close(server->listening_descriptor);
    }
    struct weft_list *node;
    while ((node = weft_list_first(&server->connections)) != NULL) {
        weft_http1_server_connection_close(weft_http1_server_connection_of(node));
    }
    while ((node = weft_list_first(&server->closed)) != NULL) {
        weft_http1_server_connection_free(weft_http1_server_connection_of(node));
    }
    weft_assert(server->connection_count == 0);
    weft_guests_fini(&server->guests);
    if (!server->is_reading) {
        weft_body_credit_unpause(server->bodies);
    }
    weft_body_credit_free(server->own_bodies);
    weft_clear_magic(server, http1_server);
    weft_free(server);
}

size_t weft_http1_server_connection_count(const struct weft_http1_server *server)
{
    return server->connection_count;
}

size_t weft_http1_server_unsent_bytes(const struct weft_http1_server *server)
{
    size_t sum = 0;
    WEFT_LIST_EACH(node, &server->connections)
    {
        const struct weft_http1_server_connection *connection = weft_http1_server_connection_of(node);
        sum += weft_http1_server_connection_unsent(connection);
    }
    return sum;
}

const struct weft_http1_server_counters *weft_http1_server_read_counters(const struct weft_http1_server *server)
{
    return &server->counters;
}

struct weft_slice weft_http1_server_exchange_header(const struct weft_http1_server_exchange *exchange, const char *name)
{
    return exchange->connection == NULL ? WEFT_SLICE_EMPTY
                                        : weft_http1_parser_header(&exchange->connection->parser, name);
}

static struct weft_slice text_of(const struct weft_http1_head *head, struct weft_http1_span span)
{
    return weft_slice_of(head->bytes.bytes + span.start, span.length);
}

bool weft_http1_server_exchange_next_field(const struct weft_http1_server_exchange *exchange, size_t *in_out_index,
                                           struct weft_slice *out_name, struct weft_slice *out_value)
{
    const struct weft_http1_head *head = exchange->connection == NULL ? NULL : &exchange->connection->parser.head;
    if (head == NULL || *in_out_index >= head->field_count) {
        return false;
    }
    *out_name = text_of(head, head->fields[*in_out_index].name);
    *out_value = text_of(head, head->fields[*in_out_index].value);
    ++*in_out_index;
    return true;
}

struct weft_slice weft_http1_server_exchange_household(const struct weft_http1_server_exchange *exchange)
{
    weft_check_magic(exchange, http1_server_exchange);
    return exchange->connection == NULL ? WEFT_SLICE_EMPTY : weft_guest_address(&exchange->connection->guest);
}

struct weft_peer weft_http1_server_exchange_peer(const struct weft_http1_server_exchange *exchange)
{
    return exchange->connection == NULL ? (struct weft_peer){ 0 }
                                        : weft_peer_of(weft_transport_descriptor(exchange->connection->transport));
}

void *weft_http1_server_exchange_state(struct weft_http1_server_exchange *exchange)
{
    weft_check_magic(exchange, http1_server_exchange);
    return exchange->state;
}

size_t weft_http1_server_exchange_header_count(const struct weft_http1_server_exchange *exchange, const char *name)
{
    size_t count = 0;
    const struct weft_http1_head *head = exchange->connection == NULL ? NULL : &exchange->connection->parser.head;
    for (uint32_t i = 0; head != NULL && i < head->field_count; i++) {
        count += weft_slice_equal_text(text_of(head, head->fields[i].name), name);
    }
    return count;
}

static bool answer(struct weft_http1_server_exchange *exchange, int code, const char *content_type,
                   const char *extra_headers, struct weft_slice body, struct weft_buffer *own_body)
{
    weft_check_magic(exchange, http1_server_exchange);
    struct weft_http1_server_connection *connection = exchange->connection;
    if (connection != NULL) {
        weft_assert(connection->state == WEFT_HTTP1_ANSWERING && connection->exchange == exchange);
        connection->exchange = NULL;
        weft_http1_server_request_answer(connection, code, content_type, extra_headers, body, own_body);
    }
    weft_clear_magic(exchange, http1_server_exchange);
    weft_free(exchange);
    return connection != NULL;
}

bool weft_http1_server_exchange_reply(struct weft_http1_server_exchange *exchange, int code, const char *content_type,
                                      const char *extra_headers, struct weft_slice body)
{
    return answer(exchange, code, content_type, extra_headers, body, NULL);
}

bool weft_http1_server_exchange_reply_own(struct weft_http1_server_exchange *exchange, int code,
                                          const char *content_type, const char *extra_headers,
                                          struct weft_buffer *own_body)
{
    weft_assert(!own_body->is_failed);
    bool is_there = answer(exchange, code, content_type, extra_headers, weft_buffer_slice(own_body), own_body);
    weft_buffer_fini(own_body); /* nobody took it */
    return is_there;
}
