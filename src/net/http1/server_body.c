/* Where a request's body goes: into a payload whose room grows with what has arrived, never with what a header promises
 * (first 64 KiB, then straight to the declared length; chunked ones fourfold). What is under way on all connections
 * shares one credit: past it a body of more than a small size waits for its turn, and one at a time goes on, so that
 * all end. Called by server_connection.c. */
#include "base/assert.h"
#include "net/http1/server_internal.h"

enum {
    FIRST_BLOCK_BYTES = 64 * 1024,
    FIRST_CHUNKED_BLOCK_BYTES = 16 * 1024,
    CHUNKED_GROWTH = 4,       /* each step moves all that there is; room that is not filled costs no memory yet */
    FREE_BYTES = 256 * 1024,  /* of each body: small requests never wait for large ones */
    DIRECT_BYTES = 32 * 1024, /* below that a copy is cheaper than a read of its own */
    BODY_BYTES_PER_SECOND = 64 * 1024, /* slower than this runs into the deadline */
};

void weft_http1_server_body_begin(struct weft_http1_server_connection *connection, bool is_wanted)
{
    weft_assert(connection->body.payload == NULL && connection->body.partial_bytes == 0);
    connection->body.is_forgotten = !is_wanted;
    connection->body.begun = weft_timers_now(weft_loop_timers(connection->server->net->loop));
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
        return needed <= FIRST_BLOCK_BYTES ? minimum(declared, FIRST_BLOCK_BYTES) : declared;
    }
    size_t capacity = FIRST_CHUNKED_BLOCK_BYTES;
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
    connection->server->counters.body_bytes += length;
    if (!connection->body.is_forgotten) {
        connection->body.partial_bytes += length;
        connection->server->partial_bytes += length;
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
    if (connection->state != WEFT_HTTP1_RECEIVING || body->is_forgotten || coming < DIRECT_BYTES) {
        return NULL;
    }
    bool is_full = body->payload != NULL && body->payload->length == body->payload->capacity;
    if ((body->payload == NULL || is_full) && make_room(connection, minimum(coming, DIRECT_BYTES)) != WEFT_OK) {
        return NULL; /* the usual way will say so */
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

/* Bytes of bodies under way up to which all of them grow; none when memory is overdrawn. */
static size_t credit_of(const struct weft_http1_server *server)
{
    const struct weft_budget *budget = server->net->budget;
    return weft_budget_is_overdrawn(budget) ? 0 : weft_budget_share(budget, server->settings.body_credit_bytes);
}

bool weft_http1_server_body_may_grow(struct weft_http1_server_connection *connection)
{
    struct weft_http1_server *server = connection->server;
    if (connection->state != WEFT_HTTP1_RECEIVING || connection->body.partial_bytes <= FREE_BYTES ||
        server->partial_bytes <= credit_of(server) || server->privileged == connection) {
        return true;
    }
    if (server->privileged == NULL) {
        server->privileged = connection;
        return true;
    }
    if (weft_list_is_empty(&connection->withheld_node)) {
        server->counters.bodies_withheld++;
        weft_list_push_back(&server->withheld, &connection->withheld_node);
    }
    return false;
}

void weft_http1_server_body_release(void *context)
{
    struct weft_http1_server *server = context;
    weft_check_magic(server, http1_server);
    struct weft_list *node;
    while ((node = weft_list_first(&server->withheld)) != NULL) {
        if (server->partial_bytes > credit_of(server) && server->privileged != NULL) {
            return;
        }
        struct weft_http1_server_connection *connection =
            WEFT_CONTAINER_OF(node, struct weft_http1_server_connection, withheld_node);
        weft_check_magic(connection, http1_server_connection);
        weft_list_remove(node);
        if (server->partial_bytes > credit_of(server)) {
            server->privileged = connection;
        }
        weft_http1_server_connection_resume(connection);
    }
}

void weft_http1_server_body_end(struct weft_http1_server_connection *connection)
{
    struct weft_http1_server *server = connection->server;
    server->partial_bytes -= connection->body.partial_bytes;
    connection->body.partial_bytes = 0;
    weft_list_remove(&connection->withheld_node);
    if (server->privileged == connection) {
        server->privileged = NULL;
    }
    if (!weft_list_is_empty(&server->withheld)) {
        weft_loop_defer(server->net->loop, &server->release);
    }
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
