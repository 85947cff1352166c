/* One unary call on one connection: request fields, the message in DATA frames, the answer. Called by the
 * client and, through the session, by nghttp2. The request's bytes are borrowed: whenever a call ends, what
 * the connection's output still holds of them is copied (a DATA header has promised its length, so it must be
 * sent) or the connection is broken. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/base64.h"
#include "net/grpc/client_internal.h"

enum {
    PREFIX_BYTES = 5,
    MAX_TEXT_BYTES = 1024,
    MAX_DETAILS_BYTES = 16384,
    MAX_CALL_FIELDS = WEFT_GRPC_CLIENT_CALL_HEADERS + 2,
    MAX_PASSED_OVER = 16, /* times the largest response: a larger one is not heard out */
    SMALL_BYTES = 64,     /* a vector of its own costs the kernel more than copying these */
};

void weft_grpc_client_stream_reset(struct weft_grpc_client_call *state)
{
    weft_payload_unref(&state->received.message);
    weft_free(state->received.text);
    weft_free(state->received.details);
    memset(&state->sent, 0, sizeof state->sent);
    memset(&state->received, 0, sizeof state->received);
    state->received.grpc_status = -1;
    state->has_begun = false;
}

static nghttp2_nv field(const char *name, const char *value, uint8_t flags)
{
    return (nghttp2_nv){ .name = (uint8_t *)name,
                         .namelen = strlen(name),
                         .value = (uint8_t *)value,
                         .valuelen = strlen(value),
                         .flags = flags };
}

static bool is_replaced(const struct weft_header *headers, const nghttp2_nv *sent)
{
    for (; headers->name != NULL; headers++) {
        if (weft_slice_equal_text(weft_slice_of(sent->name, sent->namelen), headers->name)) {
            return true;
        }
    }
    return false;
}

/* The client's fields but for those that the call has itself. Returns how many. */
static size_t choose_others(const struct weft_grpc_client *client, const struct weft_header *headers)
{
    size_t count = 0;
    for (size_t i = 0; i < client->field_count; i++) {
        if (!is_replaced(headers, &client->fields[i])) {
            client->others[count++] = client->fields[i];
        }
    }
    return count;
}

/* The client's fields are followed by room for those of a call. Returns how many there are now; 0 = too
 * many. */
static size_t add_call_fields(const struct weft_grpc_client_request *request, int64_t timeout_ns, char *timeout_text,
                              nghttp2_nv **out_fields)
{
    struct weft_grpc_client *client = request->state.client;
    bool has_own = request->headers != NULL;
    nghttp2_nv *fields = has_own ? client->others : client->fields;
    size_t count = has_own ? choose_others(client, request->headers) : client->field_count;
    *out_fields = fields;
    fields[WEFT_GRPC_PATH_FIELD] = field(":path", request->path, NGHTTP2_NV_FLAG_NO_COPY_NAME);
    if (request->encoding != WEFT_ENCODING_IDENTITY) {
        fields[count++] = field("grpc-encoding", weft_grpc_encoding_name(request->encoding), NGHTTP2_NV_FLAG_NONE);
    }
    if (timeout_ns != INT64_MAX) {
        weft_grpc_format_timeout(timeout_ns, timeout_text);
        /* Each call has another one: indexing it would only push the fields that do come again out of the
         * table. */
        fields[count++] = field("grpc-timeout", timeout_text, NGHTTP2_NV_FLAG_NO_INDEX);
    }
    const struct weft_header *header = request->headers;
    for (; header != NULL && header->name != NULL; header++) {
        if (count == client->field_count + MAX_CALL_FIELDS) {
            return 0;
        }
        fields[count++] = field(header->name, header->value, NGHTTP2_NV_FLAG_NONE);
    }
    return count;
}

static void write_prefix(const struct weft_grpc_client_request *request, uint8_t *out_prefix)
{
    out_prefix[0] = request->encoding != WEFT_ENCODING_IDENTITY;
    for (size_t i = 0; i < 4; i++) {
        out_prefix[1 + i] = (uint8_t)(request->length >> (24 - 8 * i));
    }
}

void weft_grpc_client_stream_open(struct weft_grpc_client_connection *connection,
                                  struct weft_grpc_client_request *request)
{
    struct weft_grpc_client_call *state = &request->state;
    struct weft_grpc_client *client = connection->client;
    int64_t timeout_ns = INT64_MAX;
    if (request->deadline.ns != WEFT_NEVER.ns) {
        timeout_ns = request->deadline.ns - weft_timers_now(weft_loop_timers(client->net.loop)).ns;
    }
    if (timeout_ns <= 0) {
        weft_grpc_client_end(client, request, WEFT_GRPC_DEADLINE_EXCEEDED, "deadline exceeded before the call began");
        return;
    }
    weft_grpc_client_stream_reset(state);
    write_prefix(request, state->sent.prefix);
    char timeout_text[WEFT_GRPC_TIMEOUT_BYTES];
    nghttp2_nv *fields = NULL;
    size_t field_count = add_call_fields(request, timeout_ns, timeout_text, &fields);
    if (field_count == 0) {
        weft_grpc_client_end(client, request, WEFT_GRPC_INTERNAL, "too many request headers");
        return;
    }
    int32_t stream_id = weft_grpc_client_session_submit(connection, request, fields, field_count);
    if (stream_id < 0) {
        weft_grpc_client_end(client, request, WEFT_GRPC_UNAVAILABLE, nghttp2_strerror(stream_id));
        return;
    }
    state->stream_id = stream_id;
    state->connection = connection;
    state->phase = WEFT_GRPC_CLIENT_PHASE_OPEN;
    weft_list_push_back(&connection->requests, &state->node);
    connection->request_count++;
    weft_grpc_client_connection_wake_keepalive(connection);
    weft_grpc_client_connection_attend(connection);
}

/* Without END_STREAM in full the peer cannot have the whole message, so its application was not given it. */
static bool was_sent(const struct weft_grpc_client_call *state)
{
    return state->sent.has_ended && state->connection->written_bytes >= state->sent.end_position;
}

/* A 4xx or 503 says by itself that the request was not acted upon; other answers without grpc-status say
 * nothing. */
static bool was_answered(const struct weft_grpc_client_call *state, int grpc_status)
{
    if (state->received.grpc_status >= 0) {
        return state->received.grpc_status != 0 || grpc_status == 0;
    }
    int http_status = state->received.http_status;
    return (http_status >= 400 && http_status < 500) || http_status == 503;
}

/* The stream and the request know nothing of each other after this. */
static void detach(struct weft_grpc_client_request *request, bool must_reset)
{
    struct weft_grpc_client_call *state = &request->state;
    struct weft_grpc_client_connection *connection = state->connection;
    weft_assert(state->phase == WEFT_GRPC_CLIENT_PHASE_OPEN);
    weft_list_remove(&state->node);
    connection->request_count--;
    weft_grpc_client_session_forget(connection, state->stream_id, must_reset);
    if (!connection->is_broken && weft_http2_output_settle(&connection->output, request) != WEFT_OK) {
        weft_grpc_client_connection_break(connection, "out of memory for the rest of a cancelled request");
    }
    state->connection = NULL;
    weft_grpc_client_connection_attend(connection);
}

void weft_grpc_client_stream_end(struct weft_grpc_client_request *request, bool must_reset, int grpc_status,
                                 const char *text)
{
    struct weft_grpc_client_call *state = &request->state;
    state->is_unconfirmed = was_sent(state) && !was_answered(state, grpc_status);
    detach(request, must_reset);
    weft_grpc_client_end(state->client, request, grpc_status, text);
}

void weft_grpc_client_stream_refuse(struct weft_grpc_client_request *request, const char *text)
{
    struct weft_grpc_client_call *state = &request->state;
    detach(request, false);
    state->is_unconfirmed = false;
    if (state->is_retried) {
        weft_grpc_client_end(state->client, request, WEFT_GRPC_UNAVAILABLE, text);
        return;
    }
    state->is_retried = true;
    weft_grpc_client_stream_reset(state);
    weft_grpc_client_requeue(state->client, request);
}

ssize_t weft_grpc_client_stream_send_length(struct weft_grpc_client_request *request, size_t limit, uint32_t *out_flags)
{
    size_t remaining = PREFIX_BYTES + request->length - request->state.sent.position;
    *out_flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (remaining <= limit) {
        *out_flags |= NGHTTP2_DATA_FLAG_EOF;
        return (ssize_t)remaining;
    }
    return (ssize_t)limit;
}

enum weft_status weft_grpc_client_stream_send(struct weft_grpc_client_request *request, size_t length, bool is_last)
{
    struct weft_grpc_client_call *state = &request->state;
    struct weft_http2_output *output = &state->connection->output;
    enum weft_status status = WEFT_OK;
    if (state->sent.position < PREFIX_BYTES) {
        size_t in_prefix = PREFIX_BYTES - state->sent.position;
        in_prefix = in_prefix < length ? in_prefix : length;
        status = weft_http2_output_copy(output, state->sent.prefix + state->sent.position, in_prefix);
        state->sent.position += in_prefix;
        length -= in_prefix;
    }
    while (length > 0 && status == WEFT_OK) {
        weft_assert(state->sent.slice_index < request->slice_count);
        struct weft_slice slice = request->slices[state->sent.slice_index];
        size_t part = slice.length - state->sent.slice_offset;
        part = part < length ? part : length;
        const uint8_t *bytes = slice.bytes + state->sent.slice_offset;
        status = part < SMALL_BYTES ? weft_http2_output_copy(output, bytes, part)
                                    : weft_http2_output_borrow(output, request, weft_slice_of(bytes, part));
        state->sent.position += part;
        state->sent.slice_offset += part;
        length -= part;
        if (state->sent.slice_offset == slice.length) {
            state->sent.slice_index++;
            state->sent.slice_offset = 0;
        }
    }
    if (is_last) {
        state->sent.has_ended = true;
        state->sent.end_position = state->connection->written_bytes + output->queued_bytes;
    }
    return status;
}

static void take_http_status(struct weft_grpc_client_call *state, struct weft_slice value)
{
    state->received.http_status = 0;
    for (size_t i = 0; i < value.length && i < 3; i++) {
        state->received.http_status = state->received.http_status * 10 + (value.bytes[i] - '0');
    }
}

static void take_text(struct weft_grpc_client_call *state, struct weft_slice value)
{
    size_t capacity = (value.length < MAX_TEXT_BYTES ? value.length : MAX_TEXT_BYTES) + 1;
    weft_free(state->received.text);
    state->received.text = weft_try_alloc(capacity);
    if (state->received.text != NULL) {
        weft_grpc_decode_message(value, state->received.text, capacity);
    }
}

/* Details are extra: if they are broken, too long or there is no memory, the status stands without them. */
static void take_details(struct weft_grpc_client_call *state, struct weft_slice value)
{
    weft_free(state->received.details);
    state->received.details = NULL;
    state->received.details_length = 0;
    if (value.length == 0 || value.length > MAX_DETAILS_BYTES) {
        return;
    }
    uint8_t *details = weft_try_alloc(value.length);
    if (details == NULL) {
        return;
    }
    if (weft_base64_decode(value, WEFT_BASE64_STANDARD, details, &state->received.details_length) != WEFT_OK) {
        weft_free(details);
        return;
    }
    state->received.details = details;
}

void weft_grpc_client_stream_take_header(struct weft_grpc_client_request *request, struct weft_slice name,
                                         struct weft_slice value)
{
    struct weft_grpc_client_call *state = &request->state;
    if (weft_slice_equal_text(name, ":status")) {
        take_http_status(state, value);
    } else if (weft_slice_equal_text(name, "grpc-status")) {
        state->received.grpc_status = weft_grpc_parse_status(value);
    } else if (weft_slice_equal_text(name, "grpc-message")) {
        take_text(state, value);
    } else if (weft_slice_equal_text(name, "grpc-status-details-bin")) {
        take_details(state, value);
    } else if (weft_slice_equal_text(name, "grpc-encoding")) {
        state->received.has_unknown_encoding = weft_grpc_parse_encoding(value, &state->received.encoding) != WEFT_OK;
    }
}

static bool end_if(bool is_wrong, struct weft_grpc_client_request *request, int grpc_status, const char *text)
{
    if (is_wrong) {
        weft_grpc_client_stream_end(request, true, grpc_status, text);
    }
    return is_wrong;
}

/* The prefix is complete. Returns false if that ended the call. */
static bool begin_message(struct weft_grpc_client_request *request)
{
    struct weft_grpc_client_call *state = &request->state;
    const uint8_t *prefix = state->received.prefix;
    bool is_compressed = prefix[0] == 1;
    state->received.message_length =
        (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | (size_t)prefix[4];
    bool has_encoding = state->received.encoding != WEFT_ENCODING_IDENTITY && !state->received.has_unknown_encoding;
    return !end_if(prefix[0] > 1, request, WEFT_GRPC_INTERNAL, "response message with undefined flags") &&
           !end_if(is_compressed && !has_encoding, request, WEFT_GRPC_INTERNAL,
                   "response message compressed with an unknown encoding") &&
           !end_if(state->received.message_length / MAX_PASSED_OVER > state->client->settings.max_response_bytes,
                   request, WEFT_GRPC_RESOURCE_EXHAUSTED, "response message is far too large");
}

static size_t kept_length(const struct weft_grpc_client_call *state)
{
    return state->received.message != NULL ? state->received.message->length : 0;
}

static size_t message_received(const struct weft_grpc_client_call *state)
{
    return kept_length(state) + state->received.skipped_length;
}

/* Memory follows the bytes that came, not the length that was announced. Of a message that is too large its start is
 * kept, which may say what matters; the rest is passed over, until the peer says how the call went or its time is up.
 */
static enum weft_status append_message(struct weft_grpc_client_call *state, struct weft_slice bytes)
{
    size_t limit = state->client->settings.max_response_bytes;
    if (state->received.message_length > limit) {
        bool is_readable = state->received.prefix[0] == 0; /* a start of something compressed is not */
        size_t room = is_readable ? limit - kept_length(state) : 0;
        size_t kept = bytes.length < room ? bytes.length : room;
        state->received.is_truncated = true;
        state->received.skipped_length += bytes.length - kept;
        bytes.length = kept;
    }
    if (bytes.length == 0) {
        return WEFT_OK;
    }
    if (state->received.message == NULL) {
        state->received.message = weft_payload_try_new(state->client->net.pool, bytes.length);
        if (state->received.message == NULL) {
            return WEFT_NOMEM;
        }
    }
    struct weft_payload *message = state->received.message;
    if (bytes.length > message->capacity - message->length) {
        size_t wanted = (message->length + bytes.length) * 2;
        if (weft_payload_reserve(message, wanted) != WEFT_OK) {
            return WEFT_NOMEM;
        }
    }
    weft_payload_append(message, bytes.bytes, bytes.length);
    return WEFT_OK;
}

void weft_grpc_client_stream_take_data(struct weft_grpc_client_request *request, struct weft_slice bytes)
{
    struct weft_grpc_client_call *state = &request->state;
    if (state->received.http_status != 200) {
        return; /* a proxy's error page */
    }
    while (bytes.length > 0) {
        size_t part;
        if (state->received.prefix_length < PREFIX_BYTES) {
            part = PREFIX_BYTES - state->received.prefix_length;
            part = part < bytes.length ? part : bytes.length;
            memcpy(state->received.prefix + state->received.prefix_length, bytes.bytes, part);
            state->received.prefix_length += (uint8_t)part;
            if (state->received.prefix_length == PREFIX_BYTES && !begin_message(request)) {
                return;
            }
        } else {
            part = state->received.message_length - message_received(state);
            if (end_if(part == 0, request, WEFT_GRPC_INTERNAL, "more than one response message")) {
                return;
            }
            part = part < bytes.length ? part : bytes.length;
            if (end_if(append_message(state, weft_slice_of(bytes.bytes, part)) != WEFT_OK, request,
                       WEFT_GRPC_UNAVAILABLE, "out of memory for the response")) {
                return;
            }
        }
        bytes = weft_slice_of(bytes.bytes + part, bytes.length - part);
    }
}

static enum weft_status inflate_message(struct weft_grpc_client_call *state, struct weft_error *error)
{
    const struct weft_grpc_client *client = state->client;
    const struct weft_codec_limits limits = { .max_inflated_bytes = client->settings.max_response_bytes };
    struct weft_payload *inflated = NULL;
    struct weft_slice input =
        state->received.message != NULL ? weft_payload_slice(state->received.message) : WEFT_SLICE_EMPTY;
    enum weft_status status =
        weft_inflate(client->net.codec, state->received.encoding, input, &limits, client->net.pool, &inflated, error);
    if (status == WEFT_OK) {
        weft_payload_unref(&state->received.message);
        state->received.message = inflated;
    }
    return status;
}

/* The peer says OK. An OK without any message counts as one with an empty message: what it says about the
 * data is clear. */
static void take_ok(struct weft_grpc_client_request *request, bool must_reset)
{
    struct weft_grpc_client_call *state = &request->state;
    bool is_complete =
        state->received.prefix_length == 0 ||
        (state->received.prefix_length == PREFIX_BYTES && message_received(state) == state->received.message_length);
    if (!is_complete) {
        weft_grpc_client_stream_end(request, must_reset, WEFT_GRPC_INTERNAL, "response message is cut short");
        return;
    }
    struct weft_error error = WEFT_ERROR_NONE;
    bool is_compressed = state->received.prefix[0] == 1 && !state->received.is_truncated;
    if (is_compressed && inflate_message(state, &error) != WEFT_OK) {
        if (error.status != WEFT_LIMIT) {
            weft_grpc_client_stream_end(request, must_reset, WEFT_GRPC_INTERNAL, error.text);
            return;
        }
        state->received.is_truncated = true;
        weft_payload_unref(&state->received.message);
    }
    weft_grpc_client_stream_end(request, must_reset, 0, NULL);
}

static void end_without_status(struct weft_grpc_client_request *request, bool must_reset)
{
    int http_status = request->state.received.http_status;
    char text[64];
    snprintf(text, sizeof text, "HTTP status %d and no grpc-status", http_status);
    weft_grpc_client_stream_end(request, must_reset, weft_grpc_status_of_http(http_status), text);
}

void weft_grpc_client_stream_take_end(struct weft_grpc_client_request *request)
{
    struct weft_grpc_client_call *state = &request->state;
    bool must_reset = !state->sent.has_ended; /* it does not want the rest of the request */
    if (state->received.grpc_status < 0) {
        end_without_status(request, must_reset);
    } else if (state->received.grpc_status == 0) {
        take_ok(request, must_reset);
    } else {
        weft_grpc_client_stream_end(request, must_reset, state->received.grpc_status, NULL);
    }
}

void weft_grpc_client_stream_take_close(struct weft_grpc_client_request *request, uint32_t code)
{
    struct weft_grpc_client_call *state = &request->state;
    char text[96];
    snprintf(text, sizeof text, "stream reset: %s (%u)", nghttp2_http2_strerror(code), code);
    if (code == NGHTTP2_REFUSED_STREAM || !state->has_begun) {
        weft_grpc_client_stream_refuse(request, text);
    } else if (state->received.http_status != 0 && state->received.http_status != 200) {
        end_without_status(request, false);
    } else {
        weft_grpc_client_stream_end(request, false, weft_grpc_status_of_reset(code), text);
    }
}
