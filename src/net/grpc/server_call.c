/* Reading one gRPC request: header fields are understood as they come and none is stored unless the service asks for
 * it (server_fields.c); the message goes from the
 * read buffer straight into its payload, whose room grows with what has arrived, never with what a prefix promises
 * (grpc/doc/PROTOCOL-HTTP2.md). Knows nghttp2 only through the session's callbacks, which call in here. */
#include "base/alloc.h"
#include "base/assert.h"
#include "base/compression.h"
#include "net/grpc/decode.h"
#include "net/grpc/server_internal.h"

enum {
    FIELD_OVERHEAD_BYTES = 32,
    PREFIX_BYTES = 5,
    FIRST_BLOCK_BYTES = 64 * 1024,
    SMALL_BLOCK_BYTES = 4 * 1024, /* the first one of a message that comes in small pieces */
    STREAM_BYTES = 512,           /* what nghttp2 keeps of a stream, about */
    STALL_BYTES = 16 * 1024,      /* a peer with less of a window than a usual frame has to wait for more */
    MAX_INFLATE_RATIO = 200,
    BODY_BYTES_PER_S = 64 * 1024,
};

static void on_timer(void *context);
static void give_up(struct weft_body *body);
static void reopen(struct weft_body *body);

static const struct weft_body_kind call_kind = { .give_up = give_up, .resume = reopen };

/* What a call holds, its message aside. */
static const size_t bare_call_bytes = sizeof(struct weft_grpc_server_call) + STREAM_BYTES;

bool weft_grpc_server_call_has_place(struct weft_grpc_server_connection *connection)
{
    struct weft_body_credit *bodies = connection->server->bodies;
    if (connection->address == NULL) {
        struct weft_peer peer = { 0 };
        if (connection->transport != NULL) {
            peer = weft_peer_of(weft_transport_descriptor(connection->transport));
        }
        connection->address = weft_body_address_acquire(bodies, weft_peer_household(&peer));
    }
    return weft_body_credit_make_place(bodies, connection->address);
}

struct weft_grpc_server_call *weft_grpc_server_call_try_new(struct weft_grpc_server_connection *connection,
                                                            int32_t stream_id)
{
    struct weft_grpc_server_call *call = weft_try_alloc(sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    struct weft_grpc_server *server = connection->server;
    weft_set_magic(call, grpc_server_call);
    call->connection = connection;
    call->stream_id = stream_id;
    call->timeout_ns = -1;
    call->deadline = WEFT_NEVER;
    call->phase_entered = weft_grpc_server_now(server);
    weft_timer_init(&call->timer, on_timer, call);
    weft_timer_set_after(weft_loop_timers(server->net.loop), &call->timer, server->settings.header_timeout_ns);
    weft_list_push_back(&connection->calls, &call->node);
    connection->call_count++;
    weft_budget_charge(server->net.budget, sizeof *call);
    weft_body_begin(&call->body, server->bodies, &call_kind, connection->address, bare_call_bytes);
    connection->begun_count++;
    server->counters.calls++;
    return call;
}

static struct weft_timers *timers_of(const struct weft_grpc_server_call *call)
{
    return weft_loop_timers(call->connection->server->net.loop);
}

void weft_grpc_server_call_free(struct weft_grpc_server_call *call)
{
    weft_assert(call->connection == NULL && !call->is_with_service && call->message == NULL);
    if (call->reply != call->small_reply) {
        weft_free(call->reply);
    }
    weft_buffer_fini(&call->fields);
    weft_clear_magic(call, grpc_server_call);
    weft_free(call);
}

void weft_grpc_server_call_detach(struct weft_grpc_server_call *call)
{
    struct weft_grpc_server_connection *connection = call->connection;
    weft_check_magic(call, grpc_server_call);
    weft_assert(connection->call_count > 0);
    weft_timer_cancel(timers_of(call), &call->timer);
    weft_list_remove(&call->node);
    weft_budget_release(connection->server->net.budget, sizeof *call + call->fields.capacity);
    connection->call_count--;
    connection->served_count -= call->is_with_service;
    if (connection->call_count == 0) {
        connection->idle_since = weft_grpc_server_now(connection->server);
    }
    if (call->phase != WEFT_GRPC_SERVER_CALL_ANSWERED) {
        connection->server->counters.calls_cancelled++;
    }
    weft_grpc_server_call_end_partial(call);
    weft_payload_unref(&call->message);
    weft_payload_unref(&call->wire);
    call->connection = NULL;
    if (!call->is_with_service) {
        weft_grpc_server_call_free(call);
    }
}

/* --- header fields --- */

static const struct weft_grpc_server_method *find_method(const struct weft_grpc_server_method *methods,
                                                         struct weft_slice path)
{
    for (; methods->path != NULL; methods++) {
        if (weft_slice_equal_text(path, methods->path)) {
            return methods;
        }
    }
    return NULL;
}

/* "application/grpc", "application/grpc+proto", "application/grpc; charset=..."; not "application/grpc-web". */
static bool is_grpc_type(struct weft_slice type)
{
    static const struct weft_slice name = WEFT_SLICE_LITERAL("application/grpc");
    return type.length >= name.length && memcmp(type.bytes, name.bytes, name.length) == 0 &&
           (type.length == name.length || type.bytes[name.length] == '+' || type.bytes[name.length] == ';');
}

/* At most eight digits and a unit. -1 if it is not that. */
static int64_t parse_timeout(struct weft_slice text)
{
    if (text.length < 2 || text.length > 9) {
        return -1;
    }
    int64_t number = 0;
    for (size_t i = 0; i + 1 < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return -1;
        }
        number = number * 10 + (text.bytes[i] - '0');
    }
    switch (text.bytes[text.length - 1]) {
    case 'H':
        return number > INT64_MAX / (3600 * WEFT_NS_PER_S) ? INT64_MAX : number * 3600 * WEFT_NS_PER_S;
    case 'M':
        return number * 60 * WEFT_NS_PER_S;
    case 'S':
        return number * WEFT_NS_PER_S;
    case 'm':
        return number * WEFT_NS_PER_MS;
    case 'u':
        return number * 1000;
    case 'n':
        return number;
    default:
        return -1;
    }
}

static void take_method(struct weft_grpc_server_call *call, struct weft_slice value)
{
    call->is_post = weft_slice_equal_text(value, "POST");
}

static void take_path(struct weft_grpc_server_call *call, struct weft_slice value)
{
    call->method = find_method(call->connection->server->methods, value);
}

static void take_content_type(struct weft_grpc_server_call *call, struct weft_slice value)
{
    call->is_grpc = is_grpc_type(value);
}

static void take_encoding(struct weft_grpc_server_call *call, struct weft_slice value)
{
    call->has_bad_encoding = weft_grpc_parse_encoding(value, &call->encoding) != WEFT_OK;
}

static void take_timeout(struct weft_grpc_server_call *call, struct weft_slice value)
{
    call->timeout_ns = parse_timeout(value);
    call->has_bad_timeout = call->timeout_ns < 0;
}

/* Everything else, `te` included, is counted, and forgotten unless the service wants to see it. */
static const struct known_field {
    const char *name;
    void (*take)(struct weft_grpc_server_call *call, struct weft_slice value);
} known_fields[] = {
    { ":method", take_method },         { ":path", take_path },           { "content-type", take_content_type },
    { "grpc-encoding", take_encoding }, { "grpc-timeout", take_timeout },
};

bool weft_grpc_server_call_take_header(struct weft_grpc_server_call *call, struct weft_slice name,
                                       struct weft_slice value)
{
    const struct weft_grpc_server_settings *settings = &call->connection->server->settings;
    call->field_count++;
    call->field_bytes += name.length + value.length + FIELD_OVERHEAD_BYTES;
    if (call->field_count > settings->max_header_fields || call->field_bytes > settings->max_header_bytes) {
        return false;
    }
    if (call->phase != WEFT_GRPC_SERVER_CALL_HEADERS) {
        return true; /* trailers of a request mean nothing in gRPC */
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(known_fields); i++) {
        if (weft_slice_equal_text(name, known_fields[i].name)) {
            known_fields[i].take(call, value);
            break;
        }
    }
    return weft_grpc_server_call_keep_field(call, name, value);
}

/* False: the service does not want the call. */
static bool admit(struct weft_grpc_server_call *call)
{
    const struct weft_grpc_server_settings *settings = &call->connection->server->settings;
    struct weft_error error = WEFT_ERROR_NONE;
    if (settings->admit == NULL || settings->admit(settings->admit_context, call, &error)) {
        return true;
    }
    weft_grpc_server_call_refuse(call, weft_status_grpc_code(error.status), "%s", error.text);
    return false;
}

void weft_grpc_server_call_take_headers_end(struct weft_grpc_server_call *call)
{
    if (call->phase != WEFT_GRPC_SERVER_CALL_HEADERS) {
        return;
    }
    call->phase = WEFT_GRPC_SERVER_CALL_BODY;
    weft_grpc_server_call_restart_clock(call);
    if (!call->is_post) {
        weft_grpc_server_call_refuse_http(call, 405, WEFT_GRPC_INTERNAL, "gRPC requests are POST");
    } else if (!call->is_grpc) {
        weft_grpc_server_call_refuse_http(call, 415, 3 /* INVALID_ARGUMENT */, "content-type must be application/grpc");
    } else if (call->method == NULL) {
        weft_grpc_server_call_refuse(call, WEFT_GRPC_UNIMPLEMENTED, "no such method here");
    } else if (call->has_bad_encoding) {
        weft_grpc_server_call_refuse(call, WEFT_GRPC_UNIMPLEMENTED,
                                     "grpc-encoding is not supported; identity, gzip, zstd, snappy and deflate are");
    } else if (call->has_bad_timeout) {
        weft_grpc_server_call_refuse(call, WEFT_GRPC_INTERNAL, "grpc-timeout is malformed");
    } else if (admit(call) && call->timeout_ns >= 0) {
        call->deadline = weft_monotonic_after(call->phase_entered, call->timeout_ns);
    }
}

/* --- the message --- */

/* Room for more bytes of the message: a small block if they are few, then one of 64 KiB, then one of the declared
 * length. */
static enum weft_status reserve(struct weft_grpc_server_call *call, size_t more)
{
    size_t needed = (call->message == NULL ? 0 : call->message->length) + more;
    size_t capacity = needed <= SMALL_BLOCK_BYTES   ? SMALL_BLOCK_BYTES
                      : needed <= FIRST_BLOCK_BYTES ? FIRST_BLOCK_BYTES
                                                    : call->declared_bytes;
    capacity = weft_grpc_server_smaller(capacity, call->declared_bytes);
    if (call->message != NULL) {
        return weft_payload_reserve(call->message, capacity);
    }
    call->message = weft_payload_try_new(call->connection->server->net.pool, capacity);
    return call->message == NULL ? WEFT_NOMEM : WEFT_OK;
}

static void take_prefix(struct weft_grpc_server_call *call)
{
    const uint8_t *prefix = call->prefix;
    size_t max_bytes = call->connection->server->settings.max_message_bytes;
    call->declared_bytes =
        (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | (size_t)prefix[4];
    if (prefix[0] > 1) {
        weft_grpc_server_call_refuse(call, WEFT_GRPC_INTERNAL, "message flag is %u, not 0 or 1", prefix[0]);
    } else if (prefix[0] == 1 && call->encoding == WEFT_ENCODING_IDENTITY) {
        weft_grpc_server_call_refuse(call, WEFT_GRPC_INTERNAL, "compressed flag is set without a grpc-encoding");
    } else if (call->declared_bytes > max_bytes) {
        weft_grpc_server_call_refuse(call, WEFT_GRPC_RESOURCE_EXHAUSTED,
                                     "message of %zu bytes is larger than the limit of %zu", call->declared_bytes,
                                     max_bytes);
    } else if (call->declared_bytes == 0 && reserve(call, 0) != WEFT_OK) {
        weft_grpc_server_call_refuse(call, WEFT_GRPC_UNAVAILABLE, "no memory for the message");
    } else {
        weft_body_expect(&call->body, bare_call_bytes + call->declared_bytes);
        weft_grpc_server_session_grow(call->connection, call->declared_bytes);
    }
}

/* Returns how many bytes it took. */
static size_t append(struct weft_grpc_server_call *call, struct weft_slice bytes)
{
    size_t room = call->declared_bytes - (call->message == NULL ? 0 : call->message->length);
    if (room == 0) {
        weft_grpc_server_call_refuse(call, WEFT_GRPC_INTERNAL,
                                     "request has bytes after its one message of %zu bytes; calls here are unary",
                                     call->declared_bytes);
        return 0;
    }
    size_t length = bytes.length < room ? bytes.length : room;
    if ((call->message == NULL || call->message->length + length > call->message->capacity) &&
        reserve(call, length) != WEFT_OK) {
        weft_grpc_server_call_refuse(call, WEFT_GRPC_UNAVAILABLE, "no memory for the message");
        return 0;
    }
    weft_payload_append(call->message, bytes.bytes, length);
    if (call->prefix[0] == 0 && call->method->on_arriving != NULL) {
        call->method->on_arriving(call->method->context, call->service_state, weft_payload_slice(call->message));
    }
    return length;
}

/* The peer has used up what it was allowed. */
static bool is_stalled(const struct weft_grpc_server_call *call)
{
    nghttp2_session *session = call->connection->session;
    int32_t window = nghttp2_session_get_stream_effective_local_window_size(session, call->stream_id);
    return window - nghttp2_session_get_stream_effective_recv_data_length(session, call->stream_id) < STALL_BYTES;
}

/* Each stream has its window, and there are many streams: past the credit none is opened again for a large message
 * until its turn comes. */
size_t weft_grpc_server_call_refill(struct weft_grpc_server_call *call, size_t length)
{
    size_t owed = call->withheld_bytes + length;
    if (call->phase != WEFT_GRPC_SERVER_CALL_BODY || weft_body_may_grow(&call->body)) {
        call->withheld_bytes = 0;
        return owed;
    }
    call->withheld_bytes = owed;
    if (!weft_body_is_waiting(&call->body) && is_stalled(call)) {
        call->connection->server->counters.calls_withheld++;
        weft_body_wait(&call->body);
    }
    return 0;
}

static struct weft_grpc_server_call *call_of_body(struct weft_body *body)
{
    struct weft_grpc_server_call *call = WEFT_CONTAINER_OF(body, struct weft_grpc_server_call, body);
    weft_check_magic(call, grpc_server_call);
    return call;
}

static void reopen(struct weft_body *body)
{
    struct weft_grpc_server_call *call = call_of_body(body);
    struct weft_grpc_server_connection *connection = call->connection;
    if (nghttp2_session_consume_stream(connection->session, call->stream_id, call->withheld_bytes) != 0) {
        connection->is_broken = true;
    }
    call->withheld_bytes = 0;
    weft_grpc_server_call_restart_clock(call);
    weft_grpc_server_connection_attend(connection);
}

static void give_up(struct weft_body *body)
{
    struct weft_grpc_server_call *call = call_of_body(body);
    call->connection->server->counters.calls_shed++;
    weft_grpc_server_call_shed(call);
}

void weft_grpc_server_call_end_partial(struct weft_grpc_server_call *call)
{
    if (call->body.credit != NULL) {
        weft_body_end(&call->body);
        call->connection->begun_count--;
    }
    call->withheld_bytes = 0; /* a message that is over needs no window */
}

void weft_grpc_server_call_take_data(struct weft_grpc_server_call *call, struct weft_slice bytes)
{
    size_t moved_bytes = bytes.length;
    call->received_bytes += bytes.length;
    call->connection->server->counters.message_bytes += bytes.length;
    while (call->phase == WEFT_GRPC_SERVER_CALL_BODY && bytes.length > 0) {
        size_t taken;
        if (call->prefix_length < PREFIX_BYTES) {
            size_t missing = PREFIX_BYTES - call->prefix_length;
            taken = bytes.length < missing ? bytes.length : missing;
            memcpy(call->prefix + call->prefix_length, bytes.bytes, taken);
            call->prefix_length += taken;
            if (call->prefix_length == PREFIX_BYTES) {
                take_prefix(call);
            }
        } else {
            taken = append(call, bytes);
        }
        bytes = weft_slice_of(bytes.bytes + taken, bytes.length - taken);
    }
    size_t message_bytes = call->message == NULL ? 0 : call->message->resident;
    (void)weft_body_move(&call->body, moved_bytes, bare_call_bytes + message_bytes);
}

static int grpc_status_of_inflate(enum weft_status status)
{
    return status == WEFT_LIMIT   ? WEFT_GRPC_RESOURCE_EXHAUSTED
           : status == WEFT_NOMEM ? WEFT_GRPC_UNAVAILABLE
                                  : WEFT_GRPC_INTERNAL;
}

/* False: the call was refused. */
static bool inflate(struct weft_grpc_server_call *call)
{
    struct weft_grpc_server *server = call->connection->server;
    struct weft_codec_limits limits = { .max_inflated_bytes = server->settings.max_message_bytes,
                                        .max_ratio = MAX_INFLATE_RATIO };
    struct weft_payload *inflated = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_inflate(server->net.codec, call->encoding, weft_payload_slice(call->message),
                                           &limits, server->net.pool, &inflated, &error);
    if (status != WEFT_OK) {
        weft_grpc_server_call_refuse(call, grpc_status_of_inflate(status), "%s message: %s",
                                     weft_grpc_encoding_name(call->encoding), error.text);
        return false;
    }
    call->wire = call->message;
    call->message = inflated;
    server->counters.inflated_bytes += inflated->length;
    return true;
}

static void hand_over(struct weft_grpc_server_call *call)
{
    struct weft_payload *message = call->message;
    call->message = NULL;
    call->phase = WEFT_GRPC_SERVER_CALL_SERVING;
    call->is_with_service = true;
    call->connection->served_count++;
    weft_timer_cancel(timers_of(call), &call->timer);
    memcpy(call->peer, call->connection->peer, sizeof call->peer);
    struct weft_payload *wire = call->wire;
    call->wire = NULL;
    call->method->on_call(call->method->context, call, message, wire,
                          wire == NULL ? WEFT_ENCODING_IDENTITY : call->encoding);
    weft_payload_unref(&wire);
}

void weft_grpc_server_call_take_end(struct weft_grpc_server_call *call)
{
    call->has_ended_remotely = true;
    weft_grpc_server_call_end_partial(call);
    if (call->phase != WEFT_GRPC_SERVER_CALL_BODY) {
        return;
    }
    if (call->prefix_length == 0) {
        weft_grpc_server_call_refuse(call, WEFT_GRPC_INTERNAL, "request has no message");
    } else if (call->prefix_length < PREFIX_BYTES) {
        weft_grpc_server_call_refuse(call, WEFT_GRPC_INTERNAL, "request has %zu of %d bytes of the message prefix",
                                     call->prefix_length, PREFIX_BYTES);
    } else if (call->message == NULL || call->message->length < call->declared_bytes) {
        weft_grpc_server_call_refuse(call, WEFT_GRPC_INTERNAL, "request has %zu of %zu declared bytes",
                                     call->message == NULL ? 0 : call->message->length, call->declared_bytes);
    } else if (call->prefix[0] == 0 || inflate(call)) {
        hand_over(call);
    }
}

/* --- time --- */

void weft_grpc_server_call_restart_clock(struct weft_grpc_server_call *call)
{
    const struct weft_grpc_server_settings *settings = &call->connection->server->settings;
    call->phase_entered = weft_grpc_server_now(call->connection->server);
    switch (call->phase) {
    case WEFT_GRPC_SERVER_CALL_HEADERS:
        weft_timer_set_after(timers_of(call), &call->timer, settings->header_timeout_ns);
        break;
    case WEFT_GRPC_SERVER_CALL_BODY:
        weft_timer_set_after(timers_of(call), &call->timer, settings->body_timeout_ns);
        break;
    case WEFT_GRPC_SERVER_CALL_SERVING:
        break;
    case WEFT_GRPC_SERVER_CALL_ANSWERED:
        weft_timer_set_after(timers_of(call), &call->timer, WEFT_GRPC_ANSWER_TIMEOUT_NS);
        break;
    }
}

static void abort_stream(struct weft_grpc_server_call *call, uint32_t code)
{
    if (nghttp2_submit_rst_stream(call->connection->session, NGHTTP2_FLAG_NONE, call->stream_id, code) != 0) {
        call->connection->is_broken = true;
    }
    weft_grpc_server_connection_attend(call->connection);
}

/* A body may take its time as long as it keeps a minimal rate; the timer is not moved for every chunk. */
static void expire_body(struct weft_grpc_server_call *call)
{
    struct weft_grpc_server *server = call->connection->server;
    int64_t earned_ns = (int64_t)(call->received_bytes / BODY_BYTES_PER_S) * WEFT_NS_PER_S;
    struct weft_monotonic end = weft_monotonic_after(call->phase_entered, server->settings.body_timeout_ns + earned_ns);
    if (end.ns > weft_grpc_server_now(server).ns) {
        weft_timer_set_at(timers_of(call), &call->timer, end);
        return;
    }
    weft_grpc_server_call_refuse(
        call, WEFT_GRPC_DEADLINE_EXCEEDED, "the request came too slowly: %zu bytes in %lld s", call->received_bytes,
        (long long)((weft_grpc_server_now(server).ns - call->phase_entered.ns) / WEFT_NS_PER_S));
}

/* The peer does not read its answer. The first time costs it the call, the second the connection. */
static void expire_answer(struct weft_grpc_server_call *call)
{
    struct weft_grpc_server_connection *connection = call->connection;
    connection->stalled_calls++;
    if (connection->stalled_calls > 1) {
        connection->flood = WEFT_HTTP2_FLOOD_STALLS;
    }
    abort_stream(call, NGHTTP2_CANCEL);
}

static void on_timer(void *context)
{
    struct weft_grpc_server_call *call = context;
    weft_check_magic(call, grpc_server_call);
    struct weft_grpc_server *server = call->connection->server;
    if (!server->is_reading || weft_body_is_waiting(&call->body)) {
        weft_grpc_server_call_restart_clock(call); /* it is us who keep it waiting */
        return;
    }
    switch (call->phase) {
    case WEFT_GRPC_SERVER_CALL_HEADERS:
        server->counters.connections_timed_out++;
        weft_grpc_server_connection_close(call->connection);
        break;
    case WEFT_GRPC_SERVER_CALL_BODY:
        expire_body(call);
        break;
    case WEFT_GRPC_SERVER_CALL_SERVING:
        break;
    case WEFT_GRPC_SERVER_CALL_ANSWERED:
        expire_answer(call);
        break;
    }
}

struct weft_monotonic weft_grpc_server_call_deadline(const struct weft_grpc_server_call *call)
{
    return call->deadline;
}

void *weft_grpc_server_call_state(struct weft_grpc_server_call *call)
{
    weft_check_magic(call, grpc_server_call);
    return call->service_state;
}

struct weft_slice weft_grpc_server_call_household(const struct weft_grpc_server_call *call)
{
    return call->connection == NULL ? WEFT_SLICE_EMPTY : weft_guest_address(&call->connection->guest);
}

struct weft_slice weft_grpc_server_call_peer(const struct weft_grpc_server_call *call)
{
    return weft_slice_of_text(call->peer);
}
