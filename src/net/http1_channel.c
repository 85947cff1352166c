/* The pool of an HTTP/1.1 channel (http1_channel.h): requests that wait, the connections that take them, and when a
 * further one is begun. Every request passes weft_http1_channel_end exactly once, and on_done runs from the channel's
 * turn at the end of the tick. */
#include "net/http1_channel.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/http1_channel_internal.h"

enum { DEFAULT_RESPONSE_BYTES = 64 * 1024 };
static const int64_t default_connect_timeout_ns = 30 * WEFT_NS_PER_S;

static struct weft_timers *timers_of(const struct weft_http1_channel *channel)
{
    return weft_loop_timers(channel->net.loop);
}

static struct weft_http1_request *request_of(struct weft_list *node)
{
    struct weft_http1_request *request = WEFT_CONTAINER_OF(node, struct weft_http1_request, state.node);
    weft_check_magic(&request->state, http1_request);
    return request;
}

static struct weft_http1_client_connection *connection_of(struct weft_list *node)
{
    struct weft_http1_client_connection *connection =
        WEFT_CONTAINER_OF(node, struct weft_http1_client_connection, node);
    weft_check_magic(connection, http1_client_connection);
    return connection;
}

void weft_http1_channel_attend(struct weft_http1_channel *channel)
{
    weft_loop_defer(channel->net.loop, &channel->turn);
}

/* ---- requests ---- */

void weft_http1_channel_end(struct weft_http1_channel *channel, struct weft_http1_request *request,
                            enum weft_status status, const char *failure)
{
    struct weft_http1_request_state *state = &request->state;
    weft_assert(state->phase == WEFT_HTTP1_REQUEST_WAITING || state->phase == WEFT_HTTP1_REQUEST_OPEN);
    weft_timer_cancel(timers_of(channel), &state->deadline_timer);
    weft_list_remove(&state->node);
    weft_list_push_back(&channel->ended, &state->node);
    state->phase = WEFT_HTTP1_REQUEST_ENDED;
    state->connection = NULL;
    state->status = status;
    snprintf(state->failure, sizeof state->failure, "%s", failure);
    weft_http1_channel_attend(channel);
}

void weft_http1_channel_requeue(struct weft_http1_channel *channel, struct weft_http1_request *request)
{
    channel->retries++;
    weft_list_push_front(&channel->waiting, &request->state.node);
    request->state.phase = WEFT_HTTP1_REQUEST_WAITING;
    request->state.connection = NULL;
    weft_http1_channel_attend(channel);
}

/* The request may be freed or started again by its on_done, so the state is moved out of it first. */
static void deliver(struct weft_http1_channel *channel, struct weft_http1_request *request)
{
    struct weft_http1_request_state state = request->state;
    request->state = (struct weft_http1_request_state){ .phase = WEFT_HTTP1_REQUEST_NONE };
    channel->requests_open--;
    struct weft_http1_result result = {
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

static void deliver_ended(struct weft_http1_channel *channel)
{
    struct weft_list *node;
    weft_assert(!channel->is_delivering);
    channel->is_delivering = true;
    while ((node = weft_list_pop_front(&channel->ended)) != NULL) {
        deliver(channel, request_of(node));
    }
    channel->is_delivering = false;
}

static void on_deadline_expired(void *context)
{
    struct weft_http1_request *request = context;
    weft_check_magic(&request->state, http1_request);
    struct weft_http1_channel *channel = request->state.channel;
    if (request->state.phase == WEFT_HTTP1_REQUEST_OPEN) {
        bool is_sent = request->state.is_sent;
        weft_http1_exchange_abandon(request, WEFT_TIMEOUT,
                                    is_sent ? "no answer in time" : "the request could not be written in time");
        return;
    }
    char text[sizeof request->state.failure];
    snprintf(text, sizeof text, "%s: no connection in time (%s)", channel->target_name,
             channel->last_failure[0] != '\0' ? channel->last_failure : "none failed");
    weft_http1_channel_end(channel, request, WEFT_TIMEOUT, text);
}

/* ---- connections ---- */

struct census {
    uint32_t connecting, idle, busy;
};

static struct census count_connections(const struct weft_http1_channel *channel)
{
    struct census census = { 0 };
    WEFT_LIST_EACH(node, &channel->connections)
    {
        switch (connection_of(node)->phase) {
        case WEFT_HTTP1_CLIENT_RESOLVING:
        case WEFT_HTTP1_CLIENT_DIALING:
        case WEFT_HTTP1_CLIENT_HANDSHAKING:
            census.connecting++;
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

static uint32_t count_waiting(const struct weft_http1_channel *channel)
{
    uint32_t count = 0;
    WEFT_LIST_EACH(node, &channel->waiting)
    {
        count++;
    }
    return count;
}

void weft_http1_channel_note_connected(struct weft_http1_channel *channel)
{
    channel->connects++;
    channel->last_failure[0] = '\0';
    weft_http1_channel_attend(channel);
}

void weft_http1_channel_note_unconnected(struct weft_http1_channel *channel, const char *reason)
{
    if (channel->is_freeing) {
        return;
    }
    channel->connect_failures++;
    snprintf(channel->last_failure, sizeof channel->last_failure, "%s", reason);
    weft_log(WARN, "http.connect_failed", "cannot connect", WEFT_LOG_STRING("reason", reason));
    if (count_waiting(channel) > count_connections(channel).connecting) {
        weft_http1_channel_end(channel, request_of(weft_list_first(&channel->waiting)), WEFT_IO, reason);
    }
    weft_http1_channel_attend(channel);
}

/* A request that a reused connection has failed wants a fresh one; there is room for it where the dead one was, and it
 * is the first that waits. */
static struct weft_http1_client_connection *find_idle(struct weft_http1_channel *channel,
                                                      const struct weft_http1_request *request)
{
    WEFT_LIST_EACH(node, &channel->connections)
    {
        struct weft_http1_client_connection *connection = connection_of(node);
        if (connection->phase == WEFT_HTTP1_CLIENT_IDLE &&
            (!request->state.is_retried || connection->served_count == 0)) {
            return connection;
        }
    }
    return NULL;
}

static void on_resolver_answered(void *context, const struct weft_resolver_answer *answer)
{
    struct weft_http1_channel *channel = context;
    weft_check_magic(channel, http1_channel);
    channel->query = NULL;
    /* What a failure ends or begins is done in turns: the list keeps its nodes meanwhile. */
    WEFT_LIST_EACH(node, &channel->connections)
    {
        if (connection_of(node)->phase == WEFT_HTTP1_CLIENT_RESOLVING) {
            weft_http1_client_connection_take_answer(connection_of(node), answer);
        }
    }
}

static void look_up(struct weft_http1_channel *channel, struct weft_http1_client_connection *connection)
{
    struct weft_error error = WEFT_ERROR_NONE;
    if (channel->query == NULL &&
        weft_resolver_ask(channel->resolver, &channel->settings.endpoint, on_resolver_answered, channel,
                          &channel->query, &error) != WEFT_OK) {
        weft_http1_client_connection_close(connection, error.text);
    }
}

static void open_connections(struct weft_http1_channel *channel)
{
    struct census census = count_connections(channel);
    uint32_t waiting = count_waiting(channel);
    uint32_t total = census.connecting + census.idle + census.busy;
    uint32_t limit = channel->settings.max_connections;
    while (census.connecting < waiting && total < limit) {
        struct weft_http1_client_connection *connection = weft_http1_client_connection_try_new(channel);
        if (connection == NULL) {
            weft_http1_channel_note_unconnected(channel, "out of memory for a connection");
            return;
        }
        look_up(channel, connection);
        census.connecting++;
        total++;
    }
}

static void assign(struct weft_http1_channel *channel)
{
    struct weft_list *node = channel->waiting.next;
    while (node != &channel->waiting) {
        struct weft_http1_request *request = request_of(node);
        node = node->next;
        struct weft_http1_client_connection *connection = find_idle(channel, request);
        if (connection != NULL) {
            weft_list_remove(&request->state.node);
            weft_http1_exchange_begin(connection, request);
        }
    }
    open_connections(channel);
}

/* Closes those that have been idle longest. */
static void trim_idle(struct weft_http1_channel *channel)
{
    uint32_t idle = count_connections(channel).idle;
    for (struct weft_list *node = channel->connections.previous;
         node != &channel->connections && idle > channel->settings.max_idle_connections; node = node->previous) {
        if (connection_of(node)->phase == WEFT_HTTP1_CLIENT_IDLE) {
            weft_http1_client_connection_close(connection_of(node), "more idle connections than allowed");
            idle--;
        }
    }
}

static void free_closed_connections(struct weft_http1_channel *channel)
{
    struct weft_list *node = channel->connections.next;
    while (node != &channel->connections) {
        struct weft_http1_client_connection *connection = connection_of(node);
        node = node->next;
        if (connection->phase == WEFT_HTTP1_CLIENT_CLOSED) {
            weft_http1_client_connection_free(connection);
        }
    }
}

static void take_turn(void *context)
{
    struct weft_http1_channel *channel = context;
    weft_check_magic(channel, http1_channel);
    free_closed_connections(channel);
    assign(channel);
    trim_idle(channel);
    deliver_ended(channel);
}

/* ---- the verbs ---- */

void weft_http1_channel_start(struct weft_http1_channel *channel, struct weft_http1_request *request)
{
    weft_check_magic(channel, http1_channel);
    weft_assert(request->state.phase == WEFT_HTTP1_REQUEST_NONE && request->on_done != NULL &&
                request->target != NULL && request->content_type != NULL);
    struct weft_http1_request_state *state = &request->state;
    *state = (struct weft_http1_request_state){ .phase = WEFT_HTTP1_REQUEST_WAITING, .channel = channel };
    weft_set_magic(state, http1_request);
    weft_list_init(&state->node);
    weft_buffer_init(&state->body, 0);
    weft_timer_init(&state->deadline_timer, on_deadline_expired, request);
    channel->requests_open++;
    weft_list_push_back(&channel->waiting, &state->node);
    if (channel->is_freeing) {
        weft_http1_channel_end(channel, request, WEFT_CLOSED, "channel closed");
        return;
    }
    if (request->deadline.ns != WEFT_NEVER.ns) {
        weft_timer_set_at(timers_of(channel), &state->deadline_timer, request->deadline);
    }
    assign(channel);
}

void weft_http1_channel_cancel(struct weft_http1_channel *channel, struct weft_http1_request *request)
{
    weft_check_magic(channel, http1_channel);
    weft_assert(request->state.phase == WEFT_HTTP1_REQUEST_NONE || request->state.channel == channel);
    switch ((enum weft_http1_request_phase)request->state.phase) {
    case WEFT_HTTP1_REQUEST_WAITING:
        weft_http1_channel_end(channel, request, WEFT_CLOSED, "cancelled");
        break;
    case WEFT_HTTP1_REQUEST_OPEN:
        weft_http1_exchange_abandon(request, WEFT_CLOSED, "cancelled");
        break;
    case WEFT_HTTP1_REQUEST_ENDED: /* its result stands */
    case WEFT_HTTP1_REQUEST_NONE:
        break;
    }
}

static void copy_settings(struct weft_http1_channel *channel, const struct weft_http1_channel_settings *settings)
{
    struct weft_http1_channel_settings *own = &channel->settings;
    *own = *settings;
    own->user_agent = NULL;
    own->headers = NULL;
    own->max_connections = own->max_connections == 0 ? UINT32_MAX : own->max_connections;
    own->max_idle_connections = own->max_idle_connections == 0 ? UINT32_MAX : own->max_idle_connections;
    own->connect_timeout_ns = own->connect_timeout_ns == 0 ? default_connect_timeout_ns : own->connect_timeout_ns;
    own->max_response_bytes = own->max_response_bytes == 0 ? DEFAULT_RESPONSE_BYTES : own->max_response_bytes;
}

struct weft_http1_channel *weft_http1_channel_new(const struct weft_net_context *net,
                                                  const struct weft_http1_channel_settings *settings,
                                                  struct weft_tls_context *tls)
{
    struct weft_http1_channel *channel = weft_alloc(sizeof *channel);
    weft_set_magic(channel, http1_channel);
    channel->net = *net;
    channel->tls = tls;
    channel->resolver = net->resolver;
    if (channel->resolver == NULL) {
        channel->own_resolver = weft_resolver_new(net->loop, NULL);
        channel->resolver = channel->own_resolver;
    }
    copy_settings(channel, settings);
    weft_http1_channel_make_texts(channel, settings);
    weft_list_init(&channel->connections);
    weft_list_init(&channel->waiting);
    weft_list_init(&channel->ended);
    weft_deferred_init(&channel->turn, take_turn, channel);
    return channel;
}

static void end_all(struct weft_http1_channel *channel)
{
    WEFT_LIST_EACH(node, &channel->connections)
    {
        struct weft_http1_client_connection *connection = connection_of(node);
        if (connection->request != NULL) {
            weft_http1_exchange_abandon(connection->request, WEFT_CLOSED, "channel closed");
        } else if (connection->phase != WEFT_HTTP1_CLIENT_CLOSED) {
            weft_http1_client_connection_close(connection, "channel closed");
        }
    }
    while (!weft_list_is_empty(&channel->waiting)) {
        weft_http1_channel_end(channel, request_of(weft_list_first(&channel->waiting)), WEFT_CLOSED, "channel closed");
    }
}

void weft_http1_channel_free(struct weft_http1_channel *channel)
{
    weft_check_magic(channel, http1_channel);
    weft_assert(!channel->is_delivering);
    channel->is_freeing = true;
    end_all(channel);
    deliver_ended(channel);
    free_closed_connections(channel);
    weft_assert(channel->requests_open == 0);
    if (channel->query != NULL) {
        weft_resolver_cancel(channel->resolver, channel->query);
    }
    weft_deferred_cancel(&channel->turn);
    if (channel->own_resolver != NULL) {
        weft_resolver_free(channel->own_resolver);
    }
    weft_buffer_fini(&channel->common_head);
    weft_free(channel->target_name);
    weft_clear_magic(channel, http1_channel);
    weft_free(channel);
}

void weft_http1_channel_read_state(const struct weft_http1_channel *channel, struct weft_http1_channel_state *out_state)
{
    struct census census = count_connections(channel);
    *out_state = (struct weft_http1_channel_state){
        .connections_ready = census.idle + census.busy,
        .requests_open = channel->requests_open,
        .connects = channel->connects,
        .connect_failures = channel->connect_failures,
        .bytes_sent = channel->bytes_sent,
        .retries = channel->retries,
    };
    memcpy(out_state->last_failure, channel->last_failure, sizeof out_state->last_failure);
}
