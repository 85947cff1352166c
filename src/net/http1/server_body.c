/* Where a request's body goes: into a payload whose room grows with what has arrived, never with what a header promises
 * (4 KiB if it comes in small pieces, then 64 KiB, then straight to the declared length; chunked ones fourfold). Each
 * is in the account of half received messages, which says when it is to wait or to be given up. Called by
 * server_connection.c. */
#include "base/assert.h"
#include "net/http1/server_internal.h"

enum {
    SMALL_BLOCK_BYTES = 4 * 1024,
    FIRST_BLOCK_BYTES = 64 * 1024,
    CHUNKED_GROWTH = 4,       /* each step moves all that there is; room that is not filled costs no memory yet */
    DIRECT_BYTES = 32 * 1024, /* below that a copy is cheaper than a read of its own */
    BODY_BYTES_PER_SECOND = 64 * 1024, /* slower than this runs into the deadline */
};

static void give_up(struct weft_body *credited);
static void go_on(struct weft_body *credited);

static const struct weft_body_kind body_kind = { .give_up = give_up, .resume = go_on };

/* What a request holds beside its connection and its body. */
static const size_t bare_request_bytes = sizeof(struct weft_http1_server_exchange);

static struct weft_http1_server_connection *connection_of_body(struct weft_body *credited)
{
    struct weft_http1_server_connection *connection =
        WEFT_CONTAINER_OF(credited, struct weft_http1_server_connection, body.credited);
    weft_check_magic(connection, http1_server_connection);
    return connection;
}

static void give_up(struct weft_body *credited)
{
    struct weft_http1_server_connection *connection = connection_of_body(credited);
    connection->server->counters.bodies_shed++;
    weft_http1_server_request_refuse(connection, 503, "too many requests are half received; this one moved too slowly");
    weft_body_end(credited); /* the connection may have been closed in its place */
}

static void go_on(struct weft_body *credited)
{
    weft_http1_server_connection_resume(connection_of_body(credited));
}

static struct weft_body_address *address_of(struct weft_http1_server_connection *connection)
{
    if (connection->address == NULL) {
        struct weft_peer peer = weft_peer_of(weft_transport_descriptor(connection->transport));
        connection->address = weft_body_address_acquire(connection->server->bodies, weft_peer_household(&peer));
    }
    return connection->address;
}

bool weft_http1_server_body_begin(struct weft_http1_server_connection *connection, bool is_wanted)
{
    struct weft_http1_server *server = connection->server;
    struct weft_http1_server_body *body = &connection->body;
    const struct weft_http1_head *head = &connection->parser.head;
    weft_assert(body->payload == NULL && body->credited.credit == NULL);
    body->is_forgotten = !is_wanted;
    body->begun = weft_timers_now(weft_loop_timers(server->net->loop));
    if (!is_wanted || (!head->is_chunked && head->content_length == 0)) {
        return true;
    }
    struct weft_body_address *address = address_of(connection);
    if (!weft_body_credit_make_place(server->bodies, address)) {
        server->counters.bodies_refused++;
        return false;
    }
    weft_body_begin(&body->credited, server->bodies, &body_kind, address, bare_request_bytes);
    weft_body_expect(&body->credited, bare_request_bytes + (head->is_chunked ? 0 : (size_t)head->content_length));
    return true;
}

static size_t minimum(size_t left, size_t right)
{
    return left < right ? left : right;
}

/* The capacity that a body of needed bytes should get. */
static size_t capacity_for(const struct weft_http1_server_connection *connection, size_t needed)
{
    const struct weft_http1_head *head = &connection->parser.head;
    if (!head->is_chunked) {
        size_t declared = (size_t)head->content_length;
        return needed <= SMALL_BLOCK_BYTES   ? minimum(declared, SMALL_BLOCK_BYTES)
               : needed <= FIRST_BLOCK_BYTES ? minimum(declared, FIRST_BLOCK_BYTES)
                                             : declared;
    }
    size_t capacity = SMALL_BLOCK_BYTES;
    while (capacity < needed) {
        capacity *= CHUNKED_GROWTH;
    }
    return minimum(capacity, connection->server->settings.max_body_bytes);
}

static enum weft_status make_room(struct weft_http1_server_connection *connection, size_t length)
{
    struct weft_http1_server_body *body = &connection->body;
    size_t needed = (body->payload == NULL ? 0 : body->payload->length) + length;
    if (body->payload == NULL) {
        body->payload = weft_payload_try_new(connection->server->net->pool, capacity_for(connection, needed));
        return body->payload == NULL ? WEFT_NOMEM : WEFT_OK;
    }
    if (needed <= body->payload->capacity) {
        return WEFT_OK;
    }
    return weft_payload_reserve(body->payload, capacity_for(connection, needed));
}

static void count(struct weft_http1_server_connection *connection, size_t length)
{
    struct weft_http1_server_body *body = &connection->body;
    connection->server->counters.body_bytes += length;
    if (body->payload != NULL) {
        (void)weft_body_move(&body->credited, length, bare_request_bytes + body->payload->resident);
    }
}

enum weft_status weft_http1_server_body_append(struct weft_http1_server_connection *connection, struct weft_slice bytes)
{
    if (!connection->body.is_forgotten) {
        if (make_room(connection, bytes.length) != WEFT_OK) {
            return WEFT_NOMEM;
        }
        weft_payload_append(connection->body.payload, bytes.bytes, bytes.length);
    }
    count(connection, bytes.length);
    return WEFT_OK;
}

uint8_t *weft_http1_server_body_direct_room(struct weft_http1_server_connection *connection, size_t *out_length)
{
    struct weft_http1_server_body *body = &connection->body;
    size_t coming = weft_http1_parser_body_run(&connection->parser);
    *out_length = 0;
    /* No room is made for a body of which nothing has come. */
    if (connection->state != WEFT_HTTP1_RECEIVING || body->payload == NULL || coming < DIRECT_BYTES) {
        return NULL;
    }
    if (body->payload->length == body->payload->capacity) {
        if (make_room(connection, minimum(coming, DIRECT_BYTES)) != WEFT_OK) {
            return NULL; /* the usual way will say so */
        }
        count(connection, 0); /* the new block may have been used before */
        if (connection->state != WEFT_HTTP1_RECEIVING) {
            return NULL;
        }
    }
    size_t room = body->payload->capacity - body->payload->length;
    if (room < DIRECT_BYTES) {
        return NULL;
    }
    *out_length = minimum(coming, room);
    return body->payload->bytes + body->payload->length;
}

void weft_http1_server_body_commit(struct weft_http1_server_connection *connection, size_t length)
{
    weft_http1_parser_skip_body(&connection->parser, length);
    weft_payload_commit(connection->body.payload, length);
    count(connection, length);
}

bool weft_http1_server_body_may_grow(struct weft_http1_server_connection *connection)
{
    struct weft_body *credited = &connection->body.credited;
    if (connection->state != WEFT_HTTP1_RECEIVING) {
        return true;
    }
    if (weft_body_is_waiting(credited)) {
        return false;
    }
    if (weft_body_may_grow(credited)) {
        return true;
    }
    connection->server->counters.bodies_withheld++;
    weft_body_wait(credited);
    return false;
}

void weft_http1_server_body_end(struct weft_http1_server_connection *connection)
{
    weft_body_end(&connection->body.credited);
}

void weft_http1_server_body_clear(struct weft_http1_server_connection *connection)
{
    weft_http1_server_body_end(connection);
    weft_payload_unref(&connection->body.payload);
}

struct weft_monotonic weft_http1_server_body_deadline(const struct weft_http1_server_connection *connection)
{
    const struct weft_http1_server_settings *settings = &connection->server->settings;
    struct weft_monotonic now = weft_timers_now(weft_loop_timers(connection->server->net->loop));
    int64_t earned_ns = (int64_t)(connection->parser.body_bytes / BODY_BYTES_PER_SECOND) * WEFT_NS_PER_S;
    struct weft_monotonic by_rate = weft_monotonic_after(connection->body.begun, settings->body_timeout_ns + earned_ns);
    struct weft_monotonic by_progress = weft_monotonic_after(now, settings->body_timeout_ns);
    struct weft_monotonic earlier = by_rate.ns < by_progress.ns ? by_rate : by_progress;
    if (settings->request_timeout_ns == 0) {
        return earlier;
    }
    struct weft_monotonic whole = weft_monotonic_after(connection->request_begun, settings->request_timeout_ns);
    return whole.ns < earlier.ns ? whole : earlier;
}
