/* The pool of an HTTP/1.1 client (client.h): requests that wait, the connections that take them, and when a
 * further one is begun. Every request passes weft_http1_client_end exactly once, and on_done runs from the client's
 * turn at the end of the tick. */
#include "net/http1/client.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/http1/client_internal.h"

enum { DEFAULT_RESPONSE_BYTES = 64 * 1024 };
static const int64_t default_connect_timeout_ns = 30 * WEFT_NS_PER_S;

static struct weft_timers *timers_of(const struct weft_http1_client *client)
{
    return weft_loop_timers(client->net.loop);
}

static struct weft_http1_client_request *request_of(struct weft_list *node)
{
    struct weft_http1_client_request *request = WEFT_CONTAINER_OF(node, struct weft_http1_client_request, state.node);
    weft_check_magic(&request->state, http1_client_request);
    return request;
}

static struct weft_http1_client_connection *connection_of(struct weft_list *node)
{
    struct weft_http1_client_connection *connection =
        WEFT_CONTAINER_OF(node, struct weft_http1_client_connection, node);
    weft_check_magic(connection, http1_client_connection);
    return connection;
}

void weft_http1_client_attend(struct weft_http1_client *client)
{
    weft_loop_defer(client->net.loop, &client->turn);
}

/* ---- requests ---- */

void weft_http1_client_end(struct weft_http1_client *client, struct weft_http1_client_request *request,
                           enum weft_status status, const char *failure)
{
    struct weft_http1_client_request_state *state = &request->state;
    weft_assert(state->phase == WEFT_HTTP1_REQUEST_WAITING || state->phase == WEFT_HTTP1_REQUEST_OPEN);
    weft_timer_cancel(timers_of(client), &state->deadline_timer);
    weft_list_remove(&state->node);
    weft_list_push_back(&client->ended, &state->node);
    state->phase = WEFT_HTTP1_REQUEST_ENDED;
    state->connection = NULL;
    state->status = status;
    snprintf(state->failure, sizeof state->failure, "%s", failure);
    weft_http1_client_attend(client);
}

void weft_http1_client_requeue(struct weft_http1_client *client, struct weft_http1_client_request *request)
{
    client->retries++;
    weft_list_push_front(&client->waiting, &request->state.node);
    request->state.phase = WEFT_HTTP1_REQUEST_WAITING;
    request->state.connection = NULL;
    weft_http1_client_attend(client);
}

/* The request may be freed or started again by its on_done, so the state is moved out of it first. */
static void deliver(struct weft_http1_client *client, struct weft_http1_client_request *request)
{
    struct weft_http1_client_request_state state = request->state;
    request->state = (struct weft_http1_client_request_state){ .phase = WEFT_HTTP1_REQUEST_NONE };
    client->requests_open--;
    struct weft_http1_client_result result = {
        .status = state.status,
        .failure = state.failure,
        .code = state.status == WEFT_OK ? state.code : 0,
        .is_truncated = state.is_truncated,
        .content_type = state.content_type,
        .retry_after = state.retry_after,
        .location = state.location,
        .is_unconfirmed = state.has_unconfirmed,
    };
    if (state.status == WEFT_OK) {
        result.body = weft_buffer_slice(&state.body);
    }
    request->on_done(request->context, &result);
    weft_buffer_fini(&state.body);
}

static void deliver_ended(struct weft_http1_client *client)
{
    struct weft_list *node;
    weft_assert(!client->is_delivering);
    client->is_delivering = true;
    while ((node = weft_list_pop_front(&client->ended)) != NULL) {
        deliver(client, request_of(node));
    }
    client->is_delivering = false;
}

static void on_deadline_expired(void *context)
{
    struct weft_http1_client_request *request = context;
    weft_check_magic(&request->state, http1_client_request);
    struct weft_http1_client *client = request->state.client;
    if (request->state.phase == WEFT_HTTP1_REQUEST_OPEN) {
        bool is_sent = request->state.is_sent;
        weft_http1_client_exchange_abandon(request, WEFT_TIMEOUT,
                                           is_sent ? "no answer in time" : "the request could not be written in time");
        return;
    }
    char text[sizeof request->state.failure];
    snprintf(text, sizeof text, "%s: no connection in time (%s)", client->target_name,
             client->last_failure[0] != '\0' ? client->last_failure : "none failed");
    weft_http1_client_end(client, request, WEFT_TIMEOUT, text);
}

/* ---- connections ---- */

struct census {
    uint32_t connecting, idle, busy;
    uint32_t undecided; /* of those connecting: without an address yet */
};

static struct census count_connections(const struct weft_http1_client *client)
{
    struct census census = { 0 };
    WEFT_LIST_EACH(node, &client->connections)
    {
        switch (connection_of(node)->phase) {
        case WEFT_HTTP1_CLIENT_DIALING:
            census.connecting++;
            census.undecided += connection_of(node)->dialer.address == NULL;
            break;
        case WEFT_HTTP1_CLIENT_IDLE:
            census.idle++;
            break;
        case WEFT_HTTP1_CLIENT_BUSY:
            census.busy++;
            break;
        case WEFT_HTTP1_CLIENT_CLOSED:
            break;
        }
    }
    return census;
}

static uint32_t count_waiting(const struct weft_http1_client *client)
{
    uint32_t count = 0;
    WEFT_LIST_EACH(node, &client->waiting)
    {
        count++;
    }
    return count;
}

void weft_http1_client_note_connected(struct weft_http1_client *client)
{
    client->connects++;
    client->last_failure[0] = '\0';
    weft_http1_client_attend(client);
}

void weft_http1_client_note_unconnected(struct weft_http1_client *client, const char *reason, bool is_hopeless)
{
    if (client->is_freeing) {
        return;
    }
    client->connect_failures++;
    snprintf(client->last_failure, sizeof client->last_failure, "%s", reason);
    weft_log(WARN, "http.connect_failed", "cannot connect", WEFT_LOG_STRING("reason", reason));
    if (is_hopeless && count_waiting(client) > count_connections(client).connecting) {
        weft_http1_client_end(client, request_of(weft_list_first(&client->waiting)), WEFT_IO, reason);
    }
    weft_http1_client_attend(client);
}

/* Of several addresses the connection that has been idle for longest, so that all have their turn; of one the one that
 * became idle last, so that those that are not needed end. A request that a reused connection has failed wants a fresh
 * one; there is room for it where the dead one was, and it is the first that waits. */
static struct weft_http1_client_connection *find_idle(struct weft_http1_client *client,
                                                      const struct weft_http1_client_request *request)
{
    bool has_turns = weft_balancer_count(client->balancer).listed > 1;
    struct weft_http1_client_connection *found = NULL;
    WEFT_LIST_EACH(node, &client->connections)
    {
        struct weft_http1_client_connection *connection = connection_of(node);
        if (connection->phase == WEFT_HTTP1_CLIENT_IDLE &&
            (!request->state.is_retried || connection->served_count == 0)) {
            found = connection;
            if (!has_turns) {
                break;
            }
        }
    }
    return found;
}

/* As many attempts as requests that wait, and one for each address that has no connection yet while there is work. */
static void open_connections(struct weft_http1_client *client)
{
    struct census census = count_connections(client);
    uint32_t waiting = count_waiting(client);
    uint32_t total = census.connecting + census.idle + census.busy;
    uint32_t wanted = waiting > census.connecting ? waiting - census.connecting : 0;
    struct weft_balancer_census addresses = weft_balancer_count(client->balancer);
    bool is_in_use = waiting > 0 || census.busy > 0;
    if (addresses.listed > 1 && is_in_use && addresses.unserved > census.undecided + wanted) {
        wanted = addresses.unserved - census.undecided;
    }
    for (; wanted > 0 && total < client->settings.max_connections; wanted--, total++) {
        if (weft_http1_client_connection_try_new(client) == NULL) {
            weft_http1_client_note_unconnected(client, "out of memory for a connection", true);
            return;
        }
    }
}

/* Idle ones whose address is no longer the endpoint's; others when they become idle. */
static void retire_connections(struct weft_http1_client *client)
{
    WEFT_LIST_EACH(node, &client->connections)
    {
        struct weft_http1_client_connection *connection = connection_of(node);
        if (connection->phase == WEFT_HTTP1_CLIENT_IDLE && !weft_dialer_is_listed(&connection->dialer)) {
            weft_http1_client_connection_close(connection, "the endpoint's name has other addresses now");
        }
    }
}

static void on_addresses_changed(void *context)
{
    struct weft_http1_client *client = context;
    weft_check_magic(client, http1_client);
    weft_http1_client_attend(client);
}

static void assign(struct weft_http1_client *client)
{
    struct weft_list *node = client->waiting.next;
    while (node != &client->waiting) {
        struct weft_http1_client_request *request = request_of(node);
        node = node->next;
        struct weft_http1_client_connection *connection = find_idle(client, request);
        if (connection != NULL) {
            weft_list_remove(&request->state.node);
            weft_http1_client_exchange_begin(connection, request);
        }
    }
    open_connections(client);
}

/* Closes those that have been idle longest. */
static void trim_idle(struct weft_http1_client *client)
{
    uint32_t idle = count_connections(client).idle;
    for (struct weft_list *node = client->connections.previous;
         node != &client->connections && idle > client->settings.max_idle_connections; node = node->previous) {
        if (connection_of(node)->phase == WEFT_HTTP1_CLIENT_IDLE) {
            weft_http1_client_connection_close(connection_of(node), "more idle connections than allowed");
            idle--;
        }
    }
}

static void free_closed_connections(struct weft_http1_client *client)
{
    struct weft_list *node = client->connections.next;
    while (node != &client->connections) {
        struct weft_http1_client_connection *connection = connection_of(node);
        node = node->next;
        if (connection->phase == WEFT_HTTP1_CLIENT_CLOSED) {
            weft_http1_client_connection_free(connection);
        }
    }
}

static void take_turn(void *context)
{
    struct weft_http1_client *client = context;
    weft_check_magic(client, http1_client);
    free_closed_connections(client);
    retire_connections(client);
    assign(client);
    trim_idle(client);
    deliver_ended(client);
}

/* ---- the verbs ---- */

void weft_http1_client_start(struct weft_http1_client *client, struct weft_http1_client_request *request)
{
    weft_check_magic(client, http1_client);
    weft_assert(request->state.phase == WEFT_HTTP1_REQUEST_NONE && request->on_done != NULL &&
                request->target != NULL && request->content_type != NULL);
    struct weft_http1_client_request_state *state = &request->state;
    *state = (struct weft_http1_client_request_state){ .phase = WEFT_HTTP1_REQUEST_WAITING, .client = client };
    weft_set_magic(state, http1_client_request);
    weft_list_init(&state->node);
    weft_buffer_init(&state->body, 0);
    weft_timer_init(&state->deadline_timer, on_deadline_expired, request);
    client->requests_open++;
    weft_list_push_back(&client->waiting, &state->node);
    if (client->is_freeing) {
        weft_http1_client_end(client, request, WEFT_CLOSED, "client closed");
        return;
    }
    if (request->deadline.ns != WEFT_NEVER.ns) {
        weft_timer_set_at(timers_of(client), &state->deadline_timer, request->deadline);
    }
    assign(client);
}

void weft_http1_client_cancel(struct weft_http1_client *client, struct weft_http1_client_request *request)
{
    weft_check_magic(client, http1_client);
    weft_assert(request->state.phase == WEFT_HTTP1_REQUEST_NONE || request->state.client == client);
    switch ((enum weft_http1_client_request_phase)request->state.phase) {
    case WEFT_HTTP1_REQUEST_WAITING:
        weft_http1_client_end(client, request, WEFT_CLOSED, "cancelled");
        break;
    case WEFT_HTTP1_REQUEST_OPEN:
        weft_http1_client_exchange_abandon(request, WEFT_CLOSED, "cancelled");
        break;
    case WEFT_HTTP1_REQUEST_ENDED: /* its result stands */
    case WEFT_HTTP1_REQUEST_NONE:
        break;
    }
}

static void copy_settings(struct weft_http1_client *client, const struct weft_http1_client_settings *settings)
{
    struct weft_http1_client_settings *own = &client->settings;
    *own = *settings;
    own->user_agent = NULL;
    own->headers = NULL;
    own->proxy = NULL;
    own->proxy_authorization = NULL;
    own->max_connections = own->max_connections == 0 ? UINT32_MAX : own->max_connections;
    own->max_idle_connections = own->max_idle_connections == 0 ? UINT32_MAX : own->max_idle_connections;
    own->connect_timeout_ns = own->connect_timeout_ns == 0 ? default_connect_timeout_ns : own->connect_timeout_ns;
    own->max_response_bytes = own->max_response_bytes == 0 ? DEFAULT_RESPONSE_BYTES : own->max_response_bytes;
}

struct weft_http1_client *weft_http1_client_new(const struct weft_net_context *net,
                                                const struct weft_http1_client_settings *settings,
                                                struct weft_tls_context *tls)
{
    struct weft_http1_client *client = weft_http1_client_try_new(net, settings, tls);
    weft_assert(client != NULL); /* start-up */
    return client;
}

struct weft_http1_client *weft_http1_client_try_new(const struct weft_net_context *net,
                                                    const struct weft_http1_client_settings *settings,
                                                    struct weft_tls_context *tls)
{
    struct weft_http1_client *client = weft_try_alloc(sizeof *client);
    if (client == NULL) {
        return NULL;
    }
    weft_set_magic(client, http1_client);
    client->net = *net;
    client->tls = tls;
    client->resolver = net->resolver;
    if (client->resolver == NULL) {
        client->own_resolver = weft_resolver_new(net->loop, NULL);
        client->resolver = client->own_resolver;
    }
    copy_settings(client, settings);
    client->balancer = weft_balancer_try_new(&(struct weft_balancer_settings){
        .loop = net->loop,
        .resolver = client->resolver,
        .endpoint = settings->proxy != NULL ? *settings->proxy : settings->endpoint,
        .balancing = settings->balancing,
        .look_up_interval_ns = settings->look_up_interval_ns,
        .on_change = on_addresses_changed,
        .context = client,
    });
    weft_list_init(&client->connections);
    weft_list_init(&client->waiting);
    weft_list_init(&client->ended);
    weft_deferred_init(&client->turn, take_turn, client);
    if (weft_http1_client_make_texts(client, settings) != WEFT_OK || client->balancer == NULL) {
        weft_http1_client_free(client);
        return NULL;
    }
    return client;
}

static void end_all(struct weft_http1_client *client)
{
    WEFT_LIST_EACH(node, &client->connections)
    {
        struct weft_http1_client_connection *connection = connection_of(node);
        if (connection->request != NULL) {
            weft_http1_client_exchange_abandon(connection->request, WEFT_CLOSED, "client closed");
        } else if (connection->phase != WEFT_HTTP1_CLIENT_CLOSED) {
            weft_http1_client_connection_close(connection, "client closed");
        }
    }
    while (!weft_list_is_empty(&client->waiting)) {
        weft_http1_client_end(client, request_of(weft_list_first(&client->waiting)), WEFT_CLOSED, "client closed");
    }
}

void weft_http1_client_free(struct weft_http1_client *client)
{
    weft_check_magic(client, http1_client);
    weft_assert(!client->is_delivering);
    client->is_freeing = true;
    end_all(client);
    deliver_ended(client);
    free_closed_connections(client);
    weft_assert(client->requests_open == 0);
    if (client->balancer != NULL) { /* there was memory for it */
        weft_balancer_free(client->balancer);
    }
    weft_deferred_cancel(&client->turn);
    if (client->own_resolver != NULL) {
        weft_resolver_free(client->own_resolver);
    }
    weft_buffer_fini(&client->common_head);
    weft_free(client->target_name);
    weft_free(client->target_prefix);
    weft_free(client->tunnel_request);
    weft_clear_magic(client, http1_client);
    weft_free(client);
}

void weft_http1_client_read_state(const struct weft_http1_client *client, struct weft_http1_client_state *out_state)
{
    struct census census = count_connections(client);
    *out_state = (struct weft_http1_client_state){
        .connections_ready = census.idle + census.busy,
        .requests_open = client->requests_open,
        .connects = client->connects,
        .connect_failures = client->connect_failures,
        .bytes_sent = client->bytes_sent,
        .retries = client->retries,
    };
    struct weft_balancer_census addresses = weft_balancer_count(client->balancer);
    out_state->addresses = addresses.listed;
    out_state->addresses_left_out = addresses.left_out;
    memcpy(out_state->last_failure, client->last_failure, sizeof out_state->last_failure);
}
