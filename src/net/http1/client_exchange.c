/* One request and its answer on one connection of an HTTP/1.1 client: the head and the borrowed body into one writev,
 * the answer out of the parser into the request's state, and what becomes of both when the connection ends early. */
#include <stdio.h>

#include "base/assert.h"
#include "net/http1/client_internal.h"

enum {
    MAX_VECTORS = 256,
    WRITES_PER_TICK = 16,
    MAX_INTERIM_ANSWERS = 16, /* 1xx before the answer proper */
    KEPT_HEAD_BYTES = 4096,
};

/* ---- beginning and ending ---- */

void weft_http1_client_exchange_begin(struct weft_http1_client_connection *connection,
                                      struct weft_http1_client_request *request)
{
    struct weft_http1_client_request_state *state = &request->state;
    state->phase = WEFT_HTTP1_REQUEST_OPEN;
    state->connection = connection;
    state->is_sent = false;
    if (weft_http1_client_write_head(connection->client, request, &connection->head) != WEFT_OK) {
        weft_http1_client_end(connection->client, request, WEFT_NOMEM, "no memory for a request's head");
        return;
    }
    connection->request = request;
    connection->head_offset = 0;
    connection->slice_index = 0;
    connection->slice_offset = 0;
    connection->has_read = false;
    connection->interim_count = 0;
    weft_http1_client_connection_set_phase(connection, WEFT_HTTP1_CLIENT_BUSY);
    weft_http1_client_connection_attend(connection);
}

static struct weft_http1_client_request *detach(struct weft_http1_client_connection *connection)
{
    struct weft_http1_client_request *request = connection->request;
    connection->request = NULL;
    return request;
}

static void forget_answer(struct weft_http1_client_request_state *state)
{
    weft_buffer_fini(&state->body);
    weft_buffer_init(&state->body, 0);
    state->is_truncated = false;
}

void weft_http1_client_exchange_fail(struct weft_http1_client_connection *connection, const char *reason)
{
    struct weft_http1_client_request *request = detach(connection);
    struct weft_http1_client_request_state *state = &request->state;
    bool is_stale = connection->served_count > 0 && !connection->has_read && !state->is_retried;
    state->has_unconfirmed = state->has_unconfirmed || state->is_sent;
    forget_answer(state);
    if (is_stale) {
        state->is_retried = true;
        weft_http1_client_requeue(connection->client, request);
    } else {
        weft_http1_client_end(connection->client, request, WEFT_IO, reason);
    }
}

void weft_http1_client_exchange_abandon(struct weft_http1_client_request *request, enum weft_status status,
                                        const char *reason)
{
    struct weft_http1_client_request_state *state = &request->state;
    struct weft_http1_client_connection *connection = state->connection;
    char text[sizeof state->failure];
    snprintf(text, sizeof text, "%.100s: %.90s", connection->client->target_name, reason);
    detach(connection);
    state->has_unconfirmed = state->has_unconfirmed || state->is_sent;
    forget_answer(state);
    weft_http1_client_end(connection->client, request, status, text);
    weft_http1_client_connection_close(connection, reason);
}

static void copy_text(char *to, struct weft_slice text)
{
    snprintf(to, WEFT_HTTP1_TEXT_BYTES, "%.*s", WEFT_SLICE_PRINT(text));
}

/* A part of it would lead to another place. */
static void copy_location(char *to, struct weft_slice text)
{
    snprintf(to, WEFT_HTTP1_LOCATION_BYTES, "%.*s",
             WEFT_SLICE_PRINT(text.length < WEFT_HTTP1_LOCATION_BYTES ? text : WEFT_SLICE_EMPTY));
}

enum { MAX_DECODED_BYTES = 4 * 1024 * 1024, MAX_DECODED_RATIO = 200 };

static enum weft_status decode(const struct weft_http1_client *client, struct weft_slice coding, struct weft_slice body,
                               struct weft_payload **out_decoded)
{
    const struct weft_codec_limits limits = { .max_inflated_bytes = MAX_DECODED_BYTES, .max_ratio = MAX_DECODED_RATIO };
    enum weft_encoding encoding;
    if (weft_encoding_parse(coding, &encoding) != WEFT_OK) {
        return WEFT_UNSUPPORTED;
    }
    return weft_inflate(client->net.codec, encoding, body, &limits, client->net.pool, out_decoded, NULL);
}

/* Nobody asked for a coded body, but what stands between may have coded it all the same. */
static void decode_body(const struct weft_http1_client *client, struct weft_http1_client_request_state *state,
                        struct weft_slice coding)
{
    enum weft_encoding encoding;
    struct weft_payload *decoded = NULL;
    bool is_plain = weft_encoding_parse(coding, &encoding) == WEFT_OK && encoding == WEFT_ENCODING_IDENTITY;
    if (is_plain || state->body.length == 0) {
        return;
    }
    bool is_decoded =
        !state->is_truncated && decode(client, coding, weft_buffer_slice(&state->body), &decoded) == WEFT_OK;
    weft_buffer_clear(&state->body);
    if (is_decoded) {
        weft_buffer_append(&state->body, decoded->bytes, decoded->length);
    }
    state->is_truncated = !is_decoded || state->body.is_failed;
    weft_payload_unref(&decoded);
}

/* The answer is there. Returns false if the connection has ended with it. */
static bool finish(struct weft_http1_client_connection *connection, bool may_reuse)
{
    struct weft_http1_client *client = connection->client;
    struct weft_http1_client_request *request = detach(connection);
    struct weft_http1_client_request_state *state = &request->state;
    const struct weft_http1_parser *parser = &connection->parser;
    state->code = parser->head.status_code;
    decode_body(client, state, weft_http1_parser_header(parser, "content-encoding"));
    copy_text(state->content_type, weft_http1_parser_header(parser, "content-type"));
    copy_text(state->retry_after, weft_http1_parser_header(parser, "retry-after"));
    copy_location(state->location, weft_http1_parser_header(parser, "location"));
    bool is_reusable =
        may_reuse && state->is_sent && weft_http1_parser_keeps_alive(parser) && !client->settings.disable_keep_alives;
    weft_http1_client_end(client, request, WEFT_OK, "");
    if (!is_reusable) {
        weft_http1_client_connection_close(connection, "not to be used again");
        return false;
    }
    weft_http1_parser_reset(&connection->parser);
    if (connection->head.capacity > KEPT_HEAD_BYTES) {
        weft_buffer_fini(&connection->head);
    }
    connection->served_count++;
    weft_http1_client_connection_set_phase(connection, WEFT_HTTP1_CLIENT_IDLE);
    return true;
}

/* ---- writing ---- */

bool weft_http1_client_exchange_is_written(const struct weft_http1_client_connection *connection)
{
    return connection->request->state.is_sent || connection->is_write_broken;
}

static size_t fill_vectors(const struct weft_http1_client_connection *connection, struct iovec *out_vectors)
{
    const struct weft_http1_client_request *request = connection->request;
    size_t count = 0;
    if (connection->head_offset < connection->head.length) {
        out_vectors[count++] = (struct iovec){ connection->head.bytes + connection->head_offset,
                                               connection->head.length - connection->head_offset };
    }
    size_t offset = connection->slice_offset;
    for (size_t i = connection->slice_index; i < request->slice_count && count < MAX_VECTORS; i++) {
        struct weft_slice slice = request->slices[i];
        if (slice.length > offset) {
            out_vectors[count++] = (struct iovec){ (void *)(slice.bytes + offset), slice.length - offset };
        }
        offset = 0;
    }
    return count;
}

static void advance(struct weft_http1_client_connection *connection, size_t length)
{
    const struct weft_http1_client_request *request = connection->request;
    size_t head_left = connection->head.length - connection->head_offset;
    size_t of_head = length < head_left ? length : head_left;
    connection->head_offset += of_head;
    length -= of_head;
    while (connection->slice_index < request->slice_count) {
        size_t left = request->slices[connection->slice_index].length - connection->slice_offset;
        if (length < left) {
            connection->slice_offset += length;
            return;
        }
        length -= left;
        connection->slice_index++;
        connection->slice_offset = 0;
    }
    weft_assert(length == 0);
}

void weft_http1_client_exchange_write(struct weft_http1_client_connection *connection)
{
    struct iovec vectors[MAX_VECTORS];
    for (int i = 0; i < WRITES_PER_TICK; i++) {
        size_t written = 0;
        size_t count = fill_vectors(connection, vectors);
        enum weft_io_result result = weft_transport_write(connection->transport, vectors, count, &written);
        if (result == WEFT_IO_AGAIN) {
            return;
        }
        if (result != WEFT_IO_DONE) {
            connection->is_write_broken = true;
            return;
        }
        connection->client->bytes_sent += written;
        advance(connection, written);
        bool is_whole = connection->head_offset == connection->head.length &&
                        connection->slice_index == connection->request->slice_count;
        if (is_whole) {
            connection->request->state.is_sent = true;
            return;
        }
    } /* the watch asks for the rest */
}

/* ---- reading ---- */

/* False: there is enough. */
static bool keep_body(struct weft_http1_client_connection *connection, struct weft_slice bytes)
{
    struct weft_http1_client_request_state *state = &connection->request->state;
    if (connection->parser.head.status_code < 200) {
        return true;
    }
    size_t room = connection->client->settings.max_response_bytes - state->body.length;
    size_t kept = bytes.length < room ? bytes.length : room;
    weft_buffer_append(&state->body, bytes.bytes, kept);
    state->is_truncated = kept < bytes.length || state->body.is_failed;
    return !state->is_truncated;
}

static bool refuse(struct weft_http1_client_connection *connection, const char *reason)
{
    char text[120];
    snprintf(text, sizeof text, "the answer is not proper HTTP/1.1: %s", reason);
    weft_http1_client_connection_close(connection, text);
    return false;
}

/* A message is complete: an interim one, or the answer. */
static bool take_complete(struct weft_http1_client_connection *connection, bool has_more)
{
    if (connection->parser.head.status_code >= 200) {
        return finish(connection, !has_more);
    }
    if (++connection->interim_count > MAX_INTERIM_ANSWERS) {
        return refuse(connection, "too many interim answers");
    }
    weft_http1_parser_reset(&connection->parser);
    return true;
}

bool weft_http1_client_exchange_take(struct weft_http1_client_connection *connection, struct weft_slice input)
{
    struct weft_slice body;
    if (connection->request == NULL) {
        weft_http1_client_connection_close(connection, "bytes that nobody asked for");
        return false;
    }
    connection->has_read = true;
    while (connection->request != NULL) {
        switch (weft_http1_parser_next(&connection->parser, &input, &body)) {
        case WEFT_HTTP1_MORE:
            return true;
        case WEFT_HTTP1_HEAD:
            break;
        case WEFT_HTTP1_BODY:
            if (!keep_body(connection, body)) {
                return finish(connection, false);
            }
            break;
        case WEFT_HTTP1_COMPLETE:
            if (!take_complete(connection, input.length > 0)) {
                return false;
            }
            break;
        case WEFT_HTTP1_REFUSED:
            return refuse(connection, connection->parser.refusal_text);
        }
    }
    return true;
}

void weft_http1_client_exchange_take_end(struct weft_http1_client_connection *connection)
{
    if (connection->request == NULL) {
        weft_http1_client_connection_close(connection, "closed by the peer");
        return;
    }
    if (weft_http1_parser_end(&connection->parser) == WEFT_HTTP1_COMPLETE) {
        finish(connection, false);
        return;
    }
    weft_http1_client_connection_close(connection, connection->has_read
                                                       ? "closed by the peer in the middle of an answer"
                                                       : "closed by the peer before it answered");
}
