/* The channel (grpc_client.h): a queue of calls that wait, the connections that take them, and the back-off
 * between attempts (grpc/doc/connection-backoff.md). A further connection is opened when no ready one has
 * room or the least busy one has BUSY_STREAMS calls open, one attempt at a time; so an idle exporter keeps
 * one. Every call passes weft_grpc_channel_end exactly once, and on_done runs from the channel's turn at the
 * end of the tick. */
#include "net/grpc_client.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/grpc_client_internal.h"

enum { BUSY_STREAMS = 4, FIXED_FIELDS = 8, ROOM_FIELDS = WEFT_GRPC_CALL_HEADERS + 2, MAX_STREAMS = 100 };

static struct weft_timers *timers_of(const struct weft_grpc_channel *channel)
{
    return weft_loop_timers(channel->net.loop);
}

static struct weft_grpc_connection *connection_of(struct weft_list *node)
{
    struct weft_grpc_connection *connection = WEFT_CONTAINER_OF(node, struct weft_grpc_connection, node);
    weft_check_magic(connection, grpc_connection);
    return connection;
}

void weft_grpc_channel_attend(struct weft_grpc_channel *channel)
{
    weft_loop_defer(channel->net.loop, &channel->turn);
}

/* ---- connectivity ---- */

static bool is_edge_allowed(enum weft_grpc_connectivity from, enum weft_grpc_connectivity to)
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

static void set_connectivity(struct weft_grpc_channel *channel, enum weft_grpc_connectivity connectivity)
{
    static const char *const names[] = { "idle", "connecting", "ready", "backoff" };
    if (connectivity == channel->connectivity) {
        return;
    }
    weft_assert(is_edge_allowed(channel->connectivity, connectivity));
    channel->connectivity = connectivity;
    weft_log(DEBUG, "grpc.channel_state", "channel state", WEFT_LOG_STRING("endpoint", channel->target),
             WEFT_LOG_STRING("state", names[connectivity]));
}

struct census {
    uint32_t connecting, ready;
    struct weft_grpc_connection *least_busy; /* of those with room */
};

static struct census count_connections(struct weft_grpc_channel *channel)
{
    struct census census = { 0 };
    WEFT_LIST_EACH(node, &channel->connections)
    {
        struct weft_grpc_connection *connection = connection_of(node);
        census.connecting += connection->phase < WEFT_GRPC_SERVING;
        census.ready += connection->phase == WEFT_GRPC_SERVING;
        bool is_better = census.least_busy == NULL || connection->request_count < census.least_busy->request_count;
        if (is_better && weft_grpc_connection_has_room(connection)) {
            census.least_busy = connection;
        }
    }
    return census;
}

static void update_connectivity(struct weft_grpc_channel *channel)
{
    struct census census = count_connections(channel);
    set_connectivity(channel, census.ready > 0                             ? WEFT_GRPC_READY
                              : census.connecting > 0                      ? WEFT_GRPC_CONNECTING
                              : weft_timer_is_set(&channel->backoff_timer) ? WEFT_GRPC_BACKOFF
                                                                           : WEFT_GRPC_IDLE);
}

/* Uniform in [0, 1). */
static double draw(struct weft_grpc_channel *channel)
{
    channel->random ^= channel->random << 13;
    channel->random ^= channel->random >> 7;
    channel->random ^= channel->random << 17;
    return (double)(channel->random >> 11) / 9007199254740992.0;
}

/* Counted from the start of the attempt that failed, as gRPC's document does. */
static void back_off(struct weft_grpc_channel *channel, struct weft_monotonic attempt_started)
{
    const struct weft_grpc_channel_settings *settings = &channel->settings;
    int64_t next_ns = (int64_t)((double)channel->backoff_ns * 1.6);
    next_ns = next_ns > settings->reconnect_min_ns ? next_ns : settings->reconnect_min_ns;
    channel->backoff_ns = next_ns < settings->reconnect_max_ns ? next_ns : settings->reconnect_max_ns;
    int64_t delay_ns = (int64_t)((double)channel->backoff_ns * (0.8 + 0.4 * draw(channel)));
    weft_timer_set_at(timers_of(channel), &channel->backoff_timer, weft_monotonic_after(attempt_started, delay_ns));
}

void weft_grpc_channel_note_ready(struct weft_grpc_channel *channel)
{
    channel->connects++;
    channel->last_failure[0] = '\0';
    channel->backoff_ns = 0;
    weft_timer_cancel(timers_of(channel), &channel->backoff_timer);
    weft_log(INFO, "grpc.connected", "connected", WEFT_LOG_STRING("endpoint", channel->target));
    weft_grpc_channel_attend(channel);
}

void weft_grpc_channel_note_closed(struct weft_grpc_channel *channel, const struct weft_grpc_connection *connection,
                                   bool was_ready, bool has_cut_calls)
{
    if (channel->is_freeing) {
        return;
    }
    /* Servers let idle connections go: that is no failure. */
    if (!was_ready || has_cut_calls) {
        snprintf(channel->last_failure, sizeof channel->last_failure, "%s", connection->failure);
    }
    if (was_ready) {
        weft_log(INFO, "grpc.disconnected", "connection ended", WEFT_LOG_STRING("reason", connection->failure));
    } else {
        channel->connect_failures++;
        back_off(channel, connection->started);
        weft_log(WARN, "grpc.connect_failed", "cannot connect", WEFT_LOG_STRING("reason", connection->failure));
    }
    weft_grpc_channel_attend(channel);
}

/* ---- calls ---- */

static void set_text(struct weft_grpc_call_state *state, const char *text)
{
    size_t size_bytes = strlen(text) + 1;
    weft_free(state->received.text);
    state->received.text = weft_try_alloc(size_bytes);
    if (state->received.text != NULL) {
        memcpy(state->received.text, text, size_bytes);
    }
}

void weft_grpc_channel_end(struct weft_grpc_channel *channel, struct weft_grpc_request *request, int grpc_status,
                           const char *text)
{
    struct weft_grpc_call_state *state = &request->state;
    weft_assert(state->phase == WEFT_GRPC_PHASE_WAITING || state->phase == WEFT_GRPC_PHASE_OPEN);
    weft_timer_cancel(timers_of(channel), &state->deadline_timer);
    weft_list_remove(&state->node);
    weft_list_push_back(&channel->ended, &state->node);
    state->phase = WEFT_GRPC_PHASE_ENDED;
    state->grpc_status = grpc_status;
    if (text != NULL) {
        set_text(state, text);
    }
    weft_grpc_channel_attend(channel);
}

void weft_grpc_channel_requeue(struct weft_grpc_channel *channel, struct weft_grpc_request *request)
{
    weft_list_push_front(&channel->waiting, &request->state.node);
    request->state.phase = WEFT_GRPC_PHASE_WAITING;
    weft_grpc_channel_attend(channel);
}

/* The request may be freed or started again by its on_done, so the state is moved out of it first. */
static void deliver(struct weft_grpc_channel *channel, struct weft_grpc_request *request)
{
    struct weft_grpc_call_state state = request->state;
    request->state = (struct weft_grpc_call_state){ .phase = WEFT_GRPC_PHASE_NONE };
    channel->calls_open--;
    struct weft_grpc_result result = {
        .grpc_status = state.grpc_status,
        .message = state.received.text != NULL ? state.received.text : "",
        .details = weft_slice_of(state.received.details, state.received.details_length),
        .is_unconfirmed = state.is_unconfirmed,
    };
    if (state.grpc_status == 0 && state.received.message != NULL) {
        result.response = weft_payload_slice(state.received.message);
    }
    request->on_done(request->context, &result);
    weft_grpc_stream_reset(&state);
}

static void deliver_ended(struct weft_grpc_channel *channel)
{
    struct weft_list *node;
    weft_assert(!channel->is_delivering);
    channel->is_delivering = true;
    while ((node = weft_list_pop_front(&channel->ended)) != NULL) {
        deliver(channel, weft_grpc_request_of(node));
    }
    channel->is_delivering = false;
}

static void fail_waiting(struct weft_grpc_channel *channel, int grpc_status, const char *text)
{
    while (!weft_list_is_empty(&channel->waiting)) {
        weft_grpc_channel_end(channel, weft_grpc_request_of(weft_list_first(&channel->waiting)), grpc_status, text);
    }
}

static void open_further_connection(struct weft_grpc_channel *channel)
{
    struct census census = count_connections(channel);
    bool is_busy = census.least_busy != NULL && census.least_busy->request_count >= BUSY_STREAMS;
    bool is_needed = is_busy || !weft_list_is_empty(&channel->waiting);
    if (is_needed && census.connecting == 0 && census.ready < channel->settings.connection_count &&
        !weft_timer_is_set(&channel->backoff_timer)) {
        weft_grpc_connection_new(channel);
    }
}

static void assign(struct weft_grpc_channel *channel)
{
    while (!weft_list_is_empty(&channel->waiting)) {
        struct weft_grpc_connection *connection = count_connections(channel).least_busy;
        if (connection == NULL) {
            break;
        }
        weft_grpc_stream_open(connection, weft_grpc_request_of(weft_list_pop_front(&channel->waiting)));
    }
    open_further_connection(channel);
    update_connectivity(channel);
    if (channel->connectivity == WEFT_GRPC_BACKOFF && !channel->settings.wait_for_ready) {
        fail_waiting(channel, WEFT_GRPC_UNAVAILABLE, channel->last_failure);
    }
}

static void free_closed_connections(struct weft_grpc_channel *channel)
{
    struct weft_list *node = channel->connections.next;
    while (node != &channel->connections) {
        struct weft_grpc_connection *connection = connection_of(node);
        node = node->next;
        if (connection->phase == WEFT_GRPC_CLOSED) {
            weft_grpc_connection_free(connection);
        }
    }
}

static void take_turn(void *context)
{
    struct weft_grpc_channel *channel = context;
    weft_check_magic(channel, grpc_channel);
    free_closed_connections(channel);
    assign(channel);
    deliver_ended(channel);
}

static void on_backoff_expired(void *context)
{
    struct weft_grpc_channel *channel = context;
    weft_check_magic(channel, grpc_channel);
    assign(channel);
}

static void on_deadline_expired(void *context)
{
    struct weft_grpc_request *request = context;
    weft_check_magic(&request->state, grpc_request);
    struct weft_grpc_channel *channel = request->state.channel;
    if (request->state.phase == WEFT_GRPC_PHASE_OPEN) {
        weft_grpc_stream_end(request, true, WEFT_GRPC_DEADLINE_EXCEEDED, "deadline exceeded");
        return;
    }
    char text[256];
    snprintf(text, sizeof text, "deadline exceeded while waiting for a connection (%s)",
             channel->last_failure[0] != '\0' ? channel->last_failure : "none failed");
    weft_grpc_channel_end(channel, request, WEFT_GRPC_DEADLINE_EXCEEDED, text);
}

void weft_grpc_channel_start(struct weft_grpc_channel *channel, struct weft_grpc_request *request)
{
    weft_check_magic(channel, grpc_channel);
    weft_assert(request->state.phase == WEFT_GRPC_PHASE_NONE && request->on_done != NULL && request->path != NULL);
    weft_assert(request->length <= UINT32_MAX);
    struct weft_grpc_call_state *state = &request->state;
    *state = (struct weft_grpc_call_state){ .phase = WEFT_GRPC_PHASE_WAITING, .channel = channel };
    weft_set_magic(state, grpc_request);
    weft_list_init(&state->node);
    weft_timer_init(&state->deadline_timer, on_deadline_expired, request);
    channel->calls_open++;
    weft_list_push_back(&channel->waiting, &state->node);
    if (channel->is_freeing) {
        weft_grpc_channel_end(channel, request, WEFT_GRPC_CANCELLED, "channel closed");
        return;
    }
    if (request->deadline.ns != WEFT_NEVER.ns) {
        weft_timer_set_at(timers_of(channel), &state->deadline_timer, request->deadline);
    }
    assign(channel);
}

void weft_grpc_channel_cancel(struct weft_grpc_channel *channel, struct weft_grpc_request *request)
{
    weft_check_magic(channel, grpc_channel);
    weft_assert(request->state.phase == WEFT_GRPC_PHASE_NONE || request->state.channel == channel);
    switch ((enum weft_grpc_phase)request->state.phase) {
    case WEFT_GRPC_PHASE_WAITING:
        weft_grpc_channel_end(channel, request, WEFT_GRPC_CANCELLED, "cancelled");
        break;
    case WEFT_GRPC_PHASE_OPEN:
        weft_grpc_stream_end(request, true, WEFT_GRPC_CANCELLED, "cancelled");
        break;
    case WEFT_GRPC_PHASE_ENDED: /* its result stands */
    case WEFT_GRPC_PHASE_NONE:
        break;
    }
}

/* ---- making and freeing ---- */

static int64_t or_default(int64_t value, int64_t default_value)
{
    return value > 0 ? value : default_value;
}

static void copy_settings(struct weft_grpc_channel *channel, const struct weft_grpc_channel_settings *settings)
{
    struct weft_grpc_channel_settings *own = &channel->settings;
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
    channel->keepalive_time_ns = settings->keepalive_time_ns;
}

static void make_names(struct weft_grpc_channel *channel, const struct weft_grpc_channel_settings *settings)
{
    const struct weft_endpoint *endpoint = &settings->endpoint;
    bool is_v6 = strchr(endpoint->host, ':') != NULL;
    char text[WEFT_HOST_BYTES + 16];
    if (endpoint->is_unix) {
        snprintf(text, sizeof text, "unix:%s", endpoint->host);
    } else {
        snprintf(text, sizeof text, "%s%s%s:%u", is_v6 ? "[" : "", endpoint->host, is_v6 ? "]" : "", endpoint->port);
    }
    channel->target = weft_alloc_string(text);
    const char *authority = endpoint->is_unix ? "localhost" : text;
    channel->authority = weft_alloc_string(settings->authority != NULL ? settings->authority : authority);
    channel->user_agent = weft_alloc_string(settings->user_agent != NULL ? settings->user_agent : "weft/" WEFT_VERSION);
}

/* Names and values live as long as the channel, longer than any session: nghttp2 need not copy them. */
static nghttp2_nv channel_field(const char *name, const char *value)
{
    return (nghttp2_nv){ .name = (uint8_t *)name,
                         .namelen = strlen(name),
                         .value = (uint8_t *)value,
                         .valuelen = strlen(value),
                         .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE };
}

static nghttp2_nv copied_field(const struct weft_grpc_header *header)
{
    char *name = weft_alloc_string(header->name);
    for (char *letter = name; *letter != '\0'; letter++) {
        *letter = *letter >= 'A' && *letter <= 'Z' ? (char)(*letter | 0x20) : *letter; /* HTTP/2 has no upper case */
    }
    return channel_field(name, weft_alloc_string(header->value));
}

static void make_fields(struct weft_grpc_channel *channel, const struct weft_grpc_header *headers)
{
    size_t header_count = 0;
    while (headers != NULL && headers[header_count].name != NULL) {
        header_count++;
    }
    const nghttp2_nv fixed[FIXED_FIELDS] = {
        channel_field(":method", "POST"),
        channel_field(":scheme", channel->tls != NULL ? "https" : "http"),
        channel_field(":path", "/"), /* the call's */
        channel_field(":authority", channel->authority),
        channel_field("te", "trailers"),
        channel_field("content-type", "application/grpc"),
        channel_field("user-agent", channel->user_agent),
        channel_field("grpc-accept-encoding", "identity,gzip,zstd"),
    };
    channel->fields = weft_alloc((FIXED_FIELDS + header_count + ROOM_FIELDS) * sizeof(nghttp2_nv));
    memcpy(channel->fields, fixed, sizeof fixed);
    channel->field_count = FIXED_FIELDS;
    for (size_t i = 0; i < header_count; i++) {
        channel->fields[channel->field_count++] = copied_field(&headers[i]);
    }
}

struct weft_grpc_channel *weft_grpc_channel_new(const struct weft_net_context *net,
                                                const struct weft_grpc_channel_settings *settings,
                                                struct weft_tls_context *tls)
{
    struct weft_grpc_channel *channel = weft_alloc(sizeof *channel);
    weft_set_magic(channel, grpc_channel);
    channel->net = *net;
    channel->tls = tls;
    channel->resolver = net->resolver;
    if (channel->resolver == NULL) {
        channel->own_resolver = weft_resolver_new(net->loop, NULL);
        channel->resolver = channel->own_resolver;
    }
    copy_settings(channel, settings);
    make_names(channel, settings);
    make_fields(channel, settings->headers);
    weft_list_init(&channel->connections);
    weft_list_init(&channel->waiting);
    weft_list_init(&channel->ended);
    weft_deferred_init(&channel->turn, take_turn, channel);
    weft_timer_init(&channel->backoff_timer, on_backoff_expired, channel);
    ssize_t length = getrandom(&channel->random, sizeof channel->random, GRND_NONBLOCK);
    channel->random |= length == (ssize_t)sizeof channel->random ? 1 : (uint64_t)(uintptr_t)channel | 1;
    return channel;
}

static void cancel_open_calls(struct weft_grpc_connection *connection)
{
    while (!weft_list_is_empty(&connection->requests)) {
        weft_grpc_stream_end(weft_grpc_request_of(weft_list_first(&connection->requests)), true, WEFT_GRPC_CANCELLED,
                             "channel closed");
    }
}

static void free_strings(struct weft_grpc_channel *channel)
{
    for (size_t i = FIXED_FIELDS; i < channel->field_count; i++) {
        weft_free(channel->fields[i].name);
        weft_free(channel->fields[i].value);
    }
    weft_free(channel->fields);
    weft_free(channel->target);
    weft_free(channel->authority);
    weft_free(channel->user_agent);
}

void weft_grpc_channel_free(struct weft_grpc_channel *channel)
{
    weft_check_magic(channel, grpc_channel);
    weft_assert(!channel->is_delivering);
    channel->is_freeing = true;
    WEFT_LIST_EACH(node, &channel->connections)
    {
        struct weft_grpc_connection *connection = connection_of(node);
        cancel_open_calls(connection);
        weft_grpc_connection_say_goodbye(connection);
        weft_grpc_connection_close(connection, "channel closed");
    }
    fail_waiting(channel, WEFT_GRPC_CANCELLED, "channel closed");
    deliver_ended(channel);
    free_closed_connections(channel);
    weft_assert(channel->calls_open == 0);
    weft_timer_cancel(timers_of(channel), &channel->backoff_timer);
    weft_deferred_cancel(&channel->turn);
    if (channel->own_resolver != NULL) {
        weft_resolver_free(channel->own_resolver);
    }
    free_strings(channel);
    weft_clear_magic(channel, grpc_channel);
    weft_free(channel);
}

void weft_grpc_channel_read_state(const struct weft_grpc_channel *channel, struct weft_grpc_channel_state *out_state)
{
    *out_state = (struct weft_grpc_channel_state){
        .calls_open = channel->calls_open,
        .connects = channel->connects,
        .connect_failures = channel->connect_failures,
        .bytes_sent = channel->bytes_sent,
    };
    WEFT_LIST_EACH(node, &channel->connections)
    {
        out_state->connections_ready += connection_of(node)->phase == WEFT_GRPC_SERVING;
    }
    memcpy(out_state->last_failure, channel->last_failure, sizeof out_state->last_failure);
}
