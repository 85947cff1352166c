/* The client (client.h): a queue of calls that wait, the connections that take them, and the back-off
 * between attempts, which the balancer knows. A further connection to the same address is opened when no ready one has
 * room or the least busy one has BUSY_STREAMS calls open, one attempt at a time; so an idle exporter keeps one for
 * each address. Every call passes weft_grpc_client_end exactly once, and on_done runs from the client's turn at the
 * end of the tick. */
#include "net/grpc/client.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/base64.h"
#include "base/log.h"
#include "net/grpc/client_internal.h"

enum { BUSY_STREAMS = 4, FIXED_FIELDS = 8, ROOM_FIELDS = WEFT_GRPC_CLIENT_CALL_HEADERS + 2, MAX_STREAMS = 100 };

static struct weft_timers *timers_of(const struct weft_grpc_client *client)
{
    return weft_loop_timers(client->net.loop);
}

static struct weft_grpc_client_connection *connection_of(struct weft_list *node)
{
    struct weft_grpc_client_connection *connection = WEFT_CONTAINER_OF(node, struct weft_grpc_client_connection, node);
    weft_check_magic(connection, grpc_client_connection);
    return connection;
}

void weft_grpc_client_attend(struct weft_grpc_client *client)
{
    weft_loop_defer(client->net.loop, &client->turn);
}

/* ---- connectivity ---- */

static bool is_edge_allowed(enum weft_grpc_client_connectivity from, enum weft_grpc_client_connectivity to)
{
    switch (from) {
    case WEFT_GRPC_IDLE:
        return to == WEFT_GRPC_CONNECTING;
    case WEFT_GRPC_CONNECTING:
        return true;
    case WEFT_GRPC_READY:
        return true;
    case WEFT_GRPC_BACKOFF:
        return to == WEFT_GRPC_IDLE || to == WEFT_GRPC_CONNECTING;
    }
    return false;
}

static void set_connectivity(struct weft_grpc_client *client, enum weft_grpc_client_connectivity connectivity)
{
    static const char *const names[] = { "idle", "connecting", "ready", "backoff" };
    if (connectivity == client->connectivity) {
        return;
    }
    weft_assert(is_edge_allowed(client->connectivity, connectivity));
    client->connectivity = connectivity;
    weft_log(DEBUG, "grpc.client_state", "client state", WEFT_LOG_STRING("endpoint", client->target),
             WEFT_LOG_STRING("state", names[connectivity]));
}

struct census {
    uint32_t connecting, ready;
    uint32_t undecided;                             /* of those connecting: without an address yet */
    struct weft_grpc_client_connection *least_busy; /* of those with room */
};

static struct census count_connections(struct weft_grpc_client *client)
{
    struct census census = { 0 };
    WEFT_LIST_EACH(node, &client->connections)
    {
        struct weft_grpc_client_connection *connection = connection_of(node);
        census.connecting += connection->phase < WEFT_GRPC_SERVING;
        census.undecided += connection->phase < WEFT_GRPC_SERVING && connection->dialer.address == NULL;
        census.ready += connection->phase == WEFT_GRPC_SERVING;
        bool is_better = census.least_busy == NULL || connection->request_count < census.least_busy->request_count;
        if (is_better && weft_grpc_client_connection_has_room(connection)) {
            census.least_busy = connection;
        }
    }
    return census;
}

static void update_connectivity(struct weft_grpc_client *client)
{
    struct census census = count_connections(client);
    set_connectivity(client, census.ready > 0                              ? WEFT_GRPC_READY
                             : census.connecting > 0                       ? WEFT_GRPC_CONNECTING
                             : weft_balancer_may_connect(client->balancer) ? WEFT_GRPC_IDLE
                                                                           : WEFT_GRPC_BACKOFF);
}

void weft_grpc_client_note_ready(struct weft_grpc_client *client)
{
    client->connects++;
    client->last_failure[0] = '\0';
    weft_log(INFO, "grpc.connected", "connected", WEFT_LOG_STRING("endpoint", client->target));
    weft_grpc_client_attend(client);
}

void weft_grpc_client_note_closed(struct weft_grpc_client *client, const struct weft_grpc_client_connection *connection,
                                  bool was_ready, bool has_cut_calls)
{
    if (client->is_freeing) {
        return;
    }
    /* Servers let idle connections go: that is no failure. */
    if (!was_ready || has_cut_calls) {
        snprintf(client->last_failure, sizeof client->last_failure, "%s", connection->failure);
    }
    if (was_ready) {
        weft_balancer_note_lost(client->balancer);
        weft_log(INFO, "grpc.disconnected", "connection ended", WEFT_LOG_STRING("reason", connection->failure));
    } else {
        client->connect_failures++;
        weft_log(WARN, "grpc.connect_failed", "cannot connect", WEFT_LOG_STRING("reason", connection->failure));
    }
    weft_grpc_client_attend(client);
}

/* ---- calls ---- */

static void set_text(struct weft_grpc_client_call *state, const char *text)
{
    size_t size_bytes = strlen(text) + 1;
    weft_free(state->received.text);
    state->received.text = weft_try_alloc(size_bytes);
    if (state->received.text != NULL) {
        memcpy(state->received.text, text, size_bytes);
    }
}

void weft_grpc_client_end(struct weft_grpc_client *client, struct weft_grpc_client_request *request, int grpc_status,
                          const char *text)
{
    struct weft_grpc_client_call *state = &request->state;
    weft_assert(state->phase == WEFT_GRPC_CLIENT_PHASE_WAITING || state->phase == WEFT_GRPC_CLIENT_PHASE_OPEN);
    weft_timer_cancel(timers_of(client), &state->deadline_timer);
    weft_list_remove(&state->node);
    weft_list_push_back(&client->ended, &state->node);
    state->phase = WEFT_GRPC_CLIENT_PHASE_ENDED;
    state->grpc_status = grpc_status;
    if (text != NULL) {
        set_text(state, text);
    }
    weft_grpc_client_attend(client);
}

void weft_grpc_client_requeue(struct weft_grpc_client *client, struct weft_grpc_client_request *request)
{
    weft_list_push_front(&client->waiting, &request->state.node);
    request->state.phase = WEFT_GRPC_CLIENT_PHASE_WAITING;
    weft_grpc_client_attend(client);
}

/* The request may be freed or started again by its on_done, so the state is moved out of it first. */
static void deliver(struct weft_grpc_client *client, struct weft_grpc_client_request *request)
{
    struct weft_grpc_client_call state = request->state;
    request->state = (struct weft_grpc_client_call){ .phase = WEFT_GRPC_CLIENT_PHASE_NONE };
    client->calls_open--;
    struct weft_grpc_client_result result = {
        .grpc_status = state.grpc_status,
        .message = state.received.text != NULL ? state.received.text : "",
        .details = weft_slice_of(state.received.details, state.received.details_length),
        .is_unconfirmed = state.is_unconfirmed,
    };
    if (state.grpc_status == 0 && state.received.message != NULL) {
        result.response = weft_payload_slice(state.received.message);
    }
    result.is_truncated = state.grpc_status == 0 && state.received.is_truncated;
    request->on_done(request->context, &result);
    weft_grpc_client_stream_reset(&state);
}

static void deliver_ended(struct weft_grpc_client *client)
{
    struct weft_list *node;
    weft_assert(!client->is_delivering);
    client->is_delivering = true;
    while ((node = weft_list_pop_front(&client->ended)) != NULL) {
        deliver(client, weft_grpc_client_request_of(node));
    }
    client->is_delivering = false;
}

static void fail_waiting(struct weft_grpc_client *client, int grpc_status, const char *text)
{
    while (!weft_list_is_empty(&client->waiting)) {
        weft_grpc_client_end(client, weft_grpc_client_request_of(weft_list_first(&client->waiting)), grpc_status, text);
    }
}

/* The first with the first call; once there is one, one for each address that has none, and with fewer addresses than
 * connection_count further ones when those that there are do not suffice, one attempt at a time. */
static void open_connections(struct weft_grpc_client *client)
{
    struct census census = count_connections(client);
    struct weft_balancer_census addresses = weft_balancer_count(client->balancer);
    bool is_waited_for = !weft_list_is_empty(&client->waiting);
    bool is_busy = census.least_busy != NULL && census.least_busy->request_count >= BUSY_STREAMS;
    uint32_t count = census.ready + census.connecting, wanted = 0;
    if (count == 0 || census.undecided > 0) {
        wanted = count == 0 && is_waited_for ? 1 : 0;
    } else if (addresses.unserved > 0) {
        wanted = addresses.unserved;
    } else if (census.connecting == 0 && census.ready < client->settings.connection_count) {
        wanted = is_busy || is_waited_for ? 1 : 0;
    }
    for (uint32_t i = 0; i < wanted && weft_balancer_may_connect(client->balancer); i++) {
        weft_grpc_client_connection_new(client);
    }
}

/* Those whose address is no longer the endpoint's, once there is another to take their calls. */
static void retire_connections(struct weft_grpc_client *client)
{
    bool has_other = false;
    WEFT_LIST_EACH(node, &client->connections)
    {
        const struct weft_grpc_client_connection *connection = connection_of(node);
        has_other = has_other || (connection->phase == WEFT_GRPC_SERVING && weft_dialer_is_listed(&connection->dialer));
    }
    WEFT_LIST_EACH(node, &client->connections)
    {
        struct weft_grpc_client_connection *connection = connection_of(node);
        if (has_other && !weft_dialer_is_listed(&connection->dialer)) {
            weft_grpc_client_connection_retire(connection);
        }
    }
}

static void on_addresses_changed(void *context)
{
    struct weft_grpc_client *client = context;
    weft_check_magic(client, grpc_client);
    weft_grpc_client_attend(client);
}

static void assign(struct weft_grpc_client *client)
{
    while (!weft_list_is_empty(&client->waiting)) {
        struct weft_grpc_client_connection *connection = count_connections(client).least_busy;
        if (connection == NULL) {
            break;
        }
        weft_list_remove(&connection->node); /* among those that are equally busy the one that waited longest is next */
        weft_list_push_back(&client->connections, &connection->node);
        weft_grpc_client_stream_open(connection, weft_grpc_client_request_of(weft_list_pop_front(&client->waiting)));
    }
    open_connections(client);
    update_connectivity(client);
    if (client->connectivity == WEFT_GRPC_BACKOFF && !client->settings.wait_for_ready) {
        fail_waiting(client, WEFT_GRPC_UNAVAILABLE, client->last_failure);
    }
}

static void free_closed_connections(struct weft_grpc_client *client)
{
    struct weft_list *node = client->connections.next;
    while (node != &client->connections) {
        struct weft_grpc_client_connection *connection = connection_of(node);
        node = node->next;
        if (connection->phase == WEFT_GRPC_CLOSED) {
            weft_grpc_client_connection_free(connection);
        }
    }
}

static void take_turn(void *context)
{
    struct weft_grpc_client *client = context;
    weft_check_magic(client, grpc_client);
    free_closed_connections(client);
    retire_connections(client);
    assign(client);
    deliver_ended(client);
}

static void on_deadline_expired(void *context)
{
    struct weft_grpc_client_request *request = context;
    weft_check_magic(&request->state, grpc_client_request);
    struct weft_grpc_client *client = request->state.client;
    if (request->state.phase == WEFT_GRPC_CLIENT_PHASE_OPEN) {
        weft_grpc_client_stream_end(request, true, WEFT_GRPC_DEADLINE_EXCEEDED, "deadline exceeded");
        return;
    }
    char text[256];
    snprintf(text, sizeof text, "deadline exceeded while waiting for a connection (%s)",
             client->last_failure[0] != '\0' ? client->last_failure : "none failed");
    weft_grpc_client_end(client, request, WEFT_GRPC_DEADLINE_EXCEEDED, text);
}

void weft_grpc_client_start(struct weft_grpc_client *client, struct weft_grpc_client_request *request)
{
    weft_check_magic(client, grpc_client);
    weft_assert(request->state.phase == WEFT_GRPC_CLIENT_PHASE_NONE && request->on_done != NULL &&
                request->path != NULL);
    weft_assert(request->length <= UINT32_MAX);
    struct weft_grpc_client_call *state = &request->state;
    *state = (struct weft_grpc_client_call){ .phase = WEFT_GRPC_CLIENT_PHASE_WAITING, .client = client };
    weft_set_magic(state, grpc_client_request);
    weft_list_init(&state->node);
    weft_timer_init(&state->deadline_timer, on_deadline_expired, request);
    client->calls_open++;
    weft_list_push_back(&client->waiting, &state->node);
    if (client->is_freeing) {
        weft_grpc_client_end(client, request, WEFT_GRPC_CANCELLED, "client closed");
        return;
    }
    if (request->deadline.ns != WEFT_NEVER.ns) {
        weft_timer_set_at(timers_of(client), &state->deadline_timer, request->deadline);
    }
    assign(client);
}

void weft_grpc_client_cancel(struct weft_grpc_client *client, struct weft_grpc_client_request *request)
{
    weft_check_magic(client, grpc_client);
    weft_assert(request->state.phase == WEFT_GRPC_CLIENT_PHASE_NONE || request->state.client == client);
    switch ((enum weft_grpc_client_phase)request->state.phase) {
    case WEFT_GRPC_CLIENT_PHASE_WAITING:
        weft_grpc_client_end(client, request, WEFT_GRPC_CANCELLED, "cancelled");
        break;
    case WEFT_GRPC_CLIENT_PHASE_OPEN:
        weft_grpc_client_stream_end(request, true, WEFT_GRPC_CANCELLED, "cancelled");
        break;
    case WEFT_GRPC_CLIENT_PHASE_ENDED: /* its result stands */
    case WEFT_GRPC_CLIENT_PHASE_NONE:
        break;
    }
}

/* ---- making and freeing ---- */

static int64_t or_default(int64_t value, int64_t default_value)
{
    return value > 0 ? value : default_value;
}

static void copy_settings(struct weft_grpc_client *client, const struct weft_grpc_client_settings *settings)
{
    struct weft_grpc_client_settings *own = &client->settings;
    *own = *settings;
    own->authority = NULL;
    own->user_agent = NULL;
    own->headers = NULL;
    own->connection_count = (uint32_t)or_default(settings->connection_count, 2);
    own->max_streams_per_connection = (uint32_t)or_default(settings->max_streams_per_connection, MAX_STREAMS);
    own->connect_timeout_ns = or_default(settings->connect_timeout_ns, 20 * WEFT_NS_PER_S);
    own->keepalive_timeout_ns = or_default(settings->keepalive_timeout_ns, 20 * WEFT_NS_PER_S);
    own->reconnect_min_ns = or_default(settings->reconnect_min_ns, WEFT_NS_PER_S);
    own->reconnect_max_ns = or_default(settings->reconnect_max_ns, 120 * WEFT_NS_PER_S);
    own->max_response_bytes = settings->max_response_bytes > 0 ? settings->max_response_bytes : 4 * 1024 * 1024;
    client->keepalive_time_ns = settings->keepalive_time_ns;
}

static void make_names(struct weft_grpc_client *client, const struct weft_grpc_client_settings *settings)
{
    const struct weft_endpoint *endpoint = &settings->endpoint;
    bool is_v6 = strchr(endpoint->host, ':') != NULL;
    char text[WEFT_HOST_BYTES + 16];
    if (endpoint->is_unix) {
        snprintf(text, sizeof text, "unix:%s", endpoint->host);
    } else {
        snprintf(text, sizeof text, "%s%s%s:%u", is_v6 ? "[" : "", endpoint->host, is_v6 ? "]" : "", endpoint->port);
    }
    client->target = weft_alloc_string(text);
    const char *authority = endpoint->is_unix ? "localhost" : text;
    client->authority = weft_alloc_string(settings->authority != NULL ? settings->authority : authority);
    client->user_agent = weft_alloc_string(settings->user_agent != NULL ? settings->user_agent : "weft/" WEFT_VERSION);
}

/* Names and values live as long as the client, longer than any session: nghttp2 need not copy them. */
static nghttp2_nv constant_field(const char *name, const char *value)
{
    return (nghttp2_nv){ .name = (uint8_t *)name,
                         .namelen = strlen(name),
                         .value = (uint8_t *)value,
                         .valuelen = strlen(value),
                         .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE };
}

/* Metadata of that name is any bytes, in base64 on the wire. */
static bool ends_in_bin(const char *name)
{
    static const char suffix[] = "-bin";
    size_t length = strlen(name), suffix_length = sizeof suffix - 1;
    return length >= suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

static nghttp2_nv copied_field(const struct weft_header *header)
{
    char *name = weft_alloc_string(header->name);
    for (char *letter = name; *letter != '\0'; letter++) {
        *letter = *letter >= 'A' && *letter <= 'Z' ? (char)(*letter | 0x20) : *letter; /* HTTP/2 has no upper case */
    }
    if (!ends_in_bin(name)) {
        return constant_field(name, weft_alloc_string(header->value));
    }
    struct weft_buffer value;
    weft_buffer_init(&value, 0);
    weft_base64_append(&value, weft_slice_of_text(header->value), WEFT_BASE64_STANDARD, false);
    weft_buffer_append_byte(&value, '\0');
    weft_assert(!value.is_failed); /* start-up */
    return constant_field(name, (const char *)value.bytes);
}

static void make_fields(struct weft_grpc_client *client, const struct weft_header *headers)
{
    size_t header_count = 0;
    while (headers != NULL && headers[header_count].name != NULL) {
        header_count++;
    }
    const nghttp2_nv fixed[FIXED_FIELDS] = {
        constant_field(":method", "POST"),
        constant_field(":scheme", client->tls != NULL ? "https" : "http"),
        constant_field(":path", "/"), /* the call's */
        constant_field(":authority", client->authority),
        constant_field("te", "trailers"),
        constant_field("content-type", "application/grpc"),
        constant_field("user-agent", client->user_agent),
        constant_field("grpc-accept-encoding", "identity,gzip,zstd"),
    };
    client->fields = weft_alloc((FIXED_FIELDS + header_count + ROOM_FIELDS) * sizeof(nghttp2_nv));
    client->others = weft_alloc((FIXED_FIELDS + header_count + ROOM_FIELDS) * sizeof(nghttp2_nv));
    memcpy(client->fields, fixed, sizeof fixed);
    client->field_count = FIXED_FIELDS;
    for (size_t i = 0; i < header_count; i++) {
        client->fields[client->field_count++] = copied_field(&headers[i]);
    }
}

struct weft_grpc_client *weft_grpc_client_new(const struct weft_net_context *net,
                                              const struct weft_grpc_client_settings *settings,
                                              struct weft_tls_context *tls)
{
    struct weft_grpc_client *client = weft_alloc(sizeof *client);
    weft_set_magic(client, grpc_client);
    client->net = *net;
    client->tls = tls;
    client->resolver = net->resolver;
    if (client->resolver == NULL) {
        client->own_resolver = weft_resolver_new(net->loop, NULL);
        client->resolver = client->own_resolver;
    }
    copy_settings(client, settings);
    make_names(client, settings);
    make_fields(client, settings->headers);
    weft_list_init(&client->connections);
    weft_list_init(&client->waiting);
    weft_list_init(&client->ended);
    weft_deferred_init(&client->turn, take_turn, client);
    client->balancer = weft_balancer_new(&(struct weft_balancer_settings){
        .loop = net->loop,
        .resolver = client->resolver,
        .endpoint = settings->endpoint,
        .balancing = settings->balancing,
        .look_up_interval_ns = settings->look_up_interval_ns,
        .retry_min_ns = client->settings.reconnect_min_ns,
        .retry_max_ns = client->settings.reconnect_max_ns,
        .on_change = on_addresses_changed,
        .context = client,
    });
    return client;
}

static void cancel_open_calls(struct weft_grpc_client_connection *connection)
{
    while (!weft_list_is_empty(&connection->requests)) {
        weft_grpc_client_stream_end(weft_grpc_client_request_of(weft_list_first(&connection->requests)), true,
                                    WEFT_GRPC_CANCELLED, "client closed");
    }
}

static void free_strings(struct weft_grpc_client *client)
{
    for (size_t i = FIXED_FIELDS; i < client->field_count; i++) {
        weft_free(client->fields[i].name);
        weft_free(client->fields[i].value);
    }
    weft_free(client->fields);
    weft_free(client->others);
    weft_free(client->target);
    weft_free(client->authority);
    weft_free(client->user_agent);
}

void weft_grpc_client_free(struct weft_grpc_client *client)
{
    weft_check_magic(client, grpc_client);
    weft_assert(!client->is_delivering);
    client->is_freeing = true;
    WEFT_LIST_EACH(node, &client->connections)
    {
        struct weft_grpc_client_connection *connection = connection_of(node);
        cancel_open_calls(connection);
        weft_grpc_client_connection_say_goodbye(connection);
        weft_grpc_client_connection_close(connection, "client closed");
    }
    fail_waiting(client, WEFT_GRPC_CANCELLED, "client closed");
    deliver_ended(client);
    free_closed_connections(client);
    weft_assert(client->calls_open == 0);
    weft_balancer_free(client->balancer);
    weft_deferred_cancel(&client->turn);
    if (client->own_resolver != NULL) {
        weft_resolver_free(client->own_resolver);
    }
    free_strings(client);
    weft_clear_magic(client, grpc_client);
    weft_free(client);
}

void weft_grpc_client_read_state(const struct weft_grpc_client *client, struct weft_grpc_client_state *out_state)
{
    *out_state = (struct weft_grpc_client_state){
        .calls_open = client->calls_open,
        .connects = client->connects,
        .connect_failures = client->connect_failures,
        .bytes_sent = client->bytes_sent,
    };
    struct weft_balancer_census addresses = weft_balancer_count(client->balancer);
    out_state->addresses = addresses.listed;
    out_state->addresses_left_out = addresses.left_out;
    WEFT_LIST_EACH(node, &client->connections)
    {
        out_state->connections_ready += connection_of(node)->phase == WEFT_GRPC_SERVING;
    }
    memcpy(out_state->last_failure, client->last_failure, sizeof out_state->last_failure);
}
