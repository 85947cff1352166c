#pragma once

/* An HTTP/2 client that writes frames by hand, well-formed or not, and remembers what the server said. Not tied to any
 * loop: the test gives the other side its turn through `tick`. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"

enum { RAW_MAX_STREAMS = 4096 };

struct raw_stream {
    int http_status;
    int grpc_status; /* -1 = none came */
    char message[512];
    char details[128];
    char accept_encoding[64];
    uint8_t body[256];
    size_t body_length;
    bool has_ended, has_reset;
    uint32_t reset_code;
    size_t window_bytes; /* granted by WINDOW_UPDATE */
};

struct raw_peer {
    int descriptor;
    void (*tick)(void *context);
    void *context;
    struct weft_buffer input;
    nghttp2_hd_inflater *inflater;
    struct raw_stream streams[RAW_MAX_STREAMS]; /* by (id - 1) / 2 */
    bool is_closed, has_goaway, holds_acks;
    uint32_t goaway_code, goaway_count;
    int32_t goaway_last_stream;
    char goaway_text[64];
    size_t settings_count, settings_acks, ping_acks, pings, window_updates;
    uint32_t initial_window, max_concurrent_streams;
    uint64_t window_bytes; /* granted on the connection, beyond the first 65535 */
};

static inline struct raw_stream *raw_stream(struct raw_peer *peer, int32_t id)
{
    return &peer->streams[(id - 1) / 2 % RAW_MAX_STREAMS];
}

static inline void raw_take_header(struct raw_stream *stream, const nghttp2_nv *field)
{
    struct weft_slice name = { field->name, field->namelen }, value = { field->value, field->valuelen };
    char text[512];
    snprintf(text, sizeof text, "%.*s", WEFT_SLICE_PRINT(value));
    if (weft_slice_equal_text(name, ":status")) {
        stream->http_status = atoi(text);
    } else if (weft_slice_equal_text(name, "grpc-status")) {
        stream->grpc_status = atoi(text);
    } else if (weft_slice_equal_text(name, "grpc-message")) {
        snprintf(stream->message, sizeof stream->message, "%s", text);
    } else if (weft_slice_equal_text(name, "grpc-status-details-bin")) {
        snprintf(stream->details, sizeof stream->details, "%.*s", (int)sizeof stream->details - 1, text);
    } else if (weft_slice_equal_text(name, "grpc-accept-encoding")) {
        snprintf(stream->accept_encoding, sizeof stream->accept_encoding, "%.*s",
                 (int)sizeof stream->accept_encoding - 1, text);
    }
}

static inline void raw_take_headers(struct raw_peer *peer, struct raw_stream *stream, struct weft_slice block)
{
    nghttp2_nv field;
    int flags = 0;
    do {
        ssize_t used = nghttp2_hd_inflate_hd2(peer->inflater, &field, &flags, block.bytes, block.length, 1);
        ck_assert_int_ge(used, 0);
        block = weft_slice_of(block.bytes + used, block.length - (size_t)used);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
            raw_take_header(stream, &field);
        }
    } while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0);
    nghttp2_hd_inflate_end_headers(peer->inflater);
}

static inline void raw_write(struct raw_peer *peer, const void *bytes, size_t length);
static inline void raw_frame(struct raw_peer *peer, uint8_t type, uint8_t flags, int32_t stream, const void *payload,
                             size_t length);

static inline uint32_t raw_number(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void raw_take_goaway(struct raw_peer *peer, const uint8_t *payload, size_t length)
{
    peer->has_goaway = true;
    peer->goaway_count++;
    peer->goaway_last_stream = (int32_t)raw_number(payload);
    peer->goaway_code = raw_number(payload + 4);
    snprintf(peer->goaway_text, sizeof peer->goaway_text, "%.*s", (int)(length - 8), (const char *)payload + 8);
}

static inline void raw_take_settings(struct raw_peer *peer, uint8_t flags, const uint8_t *payload, size_t length)
{
    if ((flags & NGHTTP2_FLAG_ACK) != 0) {
        peer->settings_acks++;
        return;
    }
    peer->settings_count++;
    for (size_t i = 0; i + 6 <= length; i += 6) {
        ck_assert_uint_lt((uint32_t)payload[i] << 8 | payload[i + 1], 16); /* no name that nobody knows */
        if (payload[i] == 0 && payload[i + 1] == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) {
            peer->max_concurrent_streams = raw_number(payload + i + 2);
        }
        if (payload[i] == 0 && payload[i + 1] == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) {
            peer->initial_window = raw_number(payload + i + 2);
        }
    }
    if (!peer->holds_acks) {
        raw_frame(peer, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
    }
}

static inline void raw_take_frame(struct raw_peer *peer, const uint8_t *header, const uint8_t *payload, size_t length)
{
    int32_t id = (int32_t)raw_number(header + 5);
    uint8_t flags = header[4];
    struct raw_stream *stream = id > 0 ? raw_stream(peer, id) : NULL;
    switch (header[3]) {
    case NGHTTP2_DATA:
        ck_assert_ptr_nonnull(stream);
        for (size_t i = 0; i < length && stream->body_length < sizeof stream->body; i++) {
            stream->body[stream->body_length++] = payload[i];
        }
        break;
    case NGHTTP2_HEADERS:
        ck_assert_ptr_nonnull(stream);
        raw_take_headers(peer, stream, weft_slice_of(payload, length));
        break;
    case NGHTTP2_RST_STREAM:
        ck_assert_ptr_nonnull(stream);
        stream->has_reset = true;
        stream->reset_code = raw_number(payload);
        break;
    case NGHTTP2_SETTINGS:
        raw_take_settings(peer, flags, payload, length);
        break;
    case NGHTTP2_PING:
        if ((flags & NGHTTP2_FLAG_ACK) != 0) {
            peer->ping_acks++;
        } else {
            peer->pings++;
            if (!peer->holds_acks) {
                raw_frame(peer, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, payload, length);
            }
        }
        break;
    case NGHTTP2_GOAWAY:
        raw_take_goaway(peer, payload, length);
        break;
    case NGHTTP2_WINDOW_UPDATE:
        peer->window_updates++;
        if (stream != NULL) {
            stream->window_bytes += raw_number(payload);
        } else {
            peer->window_bytes += raw_number(payload);
        }
        break;
    default:
        break;
    }
    bool may_end = header[3] == NGHTTP2_DATA || header[3] == NGHTTP2_HEADERS;
    if (may_end && (flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        stream->has_ended = true;
    }
}

/* Reads what is there. */
static inline void raw_read(struct raw_peer *peer)
{
    uint8_t bytes[65536];
    ssize_t length;
    while (!peer->is_closed && (length = recv(peer->descriptor, bytes, sizeof bytes, MSG_DONTWAIT)) != -1) {
        peer->is_closed = length == 0;
        weft_buffer_append(&peer->input, bytes, (size_t)length);
    }
    if (!peer->is_closed && errno != EAGAIN) {
        peer->is_closed = true;
    }
    size_t at = 0;
    while (peer->input.length - at >= 9) {
        const uint8_t *header = peer->input.bytes + at;
        size_t payload = (size_t)header[0] << 16 | (size_t)header[1] << 8 | header[2];
        if (peer->input.length - at < 9 + payload) {
            break;
        }
        raw_take_frame(peer, header, header + 9, payload);
        at += 9 + payload;
    }
    weft_buffer_consume(&peer->input, at);
}

/* Both sides a few times, until nothing moves any more. */
static inline void raw_settle(struct raw_peer *peer)
{
    for (int i = 0; i < 8; i++) {
        peer->tick(peer->context);
        raw_read(peer);
    }
}

/* All of it; the other side gets turns while the socket is full. What the server has closed takes nothing. */
static inline void raw_write(struct raw_peer *peer, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    while (length > 0 && !peer->is_closed) {
        ssize_t written = send(peer->descriptor, at, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (written > 0) {
            at += written;
            length -= (size_t)written;
        } else if (errno == EAGAIN) {
            peer->tick(peer->context);
            raw_read(peer);
        } else {
            return;
        }
    }
}

static inline void raw_frame(struct raw_peer *peer, uint8_t type, uint8_t flags, int32_t stream, const void *payload,
                             size_t length)
{
    uint8_t *frame = malloc(9 + length);
    uint8_t header[9] = {
        (uint8_t)(length >> 16),           (uint8_t)(length >> 8),  (uint8_t)length,        type,           flags,
        (uint8_t)((uint32_t)stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream
    };
    memcpy(frame, header, 9);
    if (length > 0) {
        memcpy(frame + 9, payload, length);
    }
    raw_write(peer, frame, 9 + length);
    free(frame);
}

/* HPACK: literal, never indexed, name spelt out, no Huffman. Lengths below 127. */
static inline void raw_bytes_field(struct weft_buffer *block, const char *name, const char *value, size_t value_length)
{
    weft_buffer_append_byte(block, 0x10);
    weft_buffer_append_byte(block, (uint8_t)strlen(name));
    weft_buffer_append_text(block, name);
    weft_buffer_append_byte(block, (uint8_t)value_length);
    weft_buffer_append(block, value, value_length);
}

static inline void raw_field(struct weft_buffer *block, const char *name, const char *value)
{
    raw_bytes_field(block, name, value, strlen(value));
}

struct raw_request {
    const char *method, *path, *content_type, *encoding,
        *timeout; /* NULL = the usual, for encoding and timeout: none */
};

static inline void raw_fields(struct weft_buffer *block, const struct raw_request *request)
{
    raw_field(block, ":method", request->method != NULL ? request->method : "POST");
    raw_field(block, ":scheme", "http");
    raw_field(block, ":path", request->path != NULL ? request->path : "/test.Service/Export");
    raw_field(block, ":authority", "localhost");
    raw_field(block, "content-type", request->content_type != NULL ? request->content_type : "application/grpc");
    raw_field(block, "te", "trailers");
    if (request->encoding != NULL) {
        raw_field(block, "grpc-encoding", request->encoding);
    }
    if (request->timeout != NULL) {
        raw_field(block, "grpc-timeout", request->timeout);
    }
}

static inline void raw_headers(struct raw_peer *peer, int32_t stream, const struct raw_request *request, bool is_end)
{
    struct weft_buffer block;
    weft_buffer_init(&block, 0);
    raw_fields(&block, request);
    raw_frame(peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | (is_end ? NGHTTP2_FLAG_END_STREAM : 0), stream,
              block.bytes, block.length);
    weft_buffer_fini(&block);
    raw_stream(peer, stream)->grpc_status = -1;
}

static inline void raw_data(struct raw_peer *peer, int32_t stream, const void *bytes, size_t length, bool is_end)
{
    raw_frame(peer, NGHTTP2_DATA, is_end ? NGHTTP2_FLAG_END_STREAM : 0, stream, bytes, length);
}

/* The five bytes and the message. */
static inline size_t raw_message(uint8_t *out, uint8_t flag, size_t declared, const void *bytes, size_t length)
{
    out[0] = flag;
    for (size_t i = 0; i < 4; i++) {
        out[1 + i] = (uint8_t)(declared >> (24 - 8 * i));
    }
    if (length > 0) {
        memcpy(out + 5, bytes, length);
    }
    return 5 + length;
}

static inline void raw_start(struct raw_peer *peer)
{
    raw_write(peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    raw_frame(peer, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
}

static inline struct raw_peer *raw_peer_new(int descriptor, void (*tick)(void *context), void *context)
{
    struct raw_peer *peer = calloc(1, sizeof *peer);
    peer->descriptor = descriptor;
    peer->tick = tick;
    peer->context = context;
    weft_buffer_init(&peer->input, 0);
    ck_assert_int_eq(nghttp2_hd_inflate_new(&peer->inflater), 0);
    return peer;
}

static inline void raw_peer_free(struct raw_peer *peer)
{
    close(peer->descriptor);
    nghttp2_hd_inflate_del(peer->inflater);
    weft_buffer_fini(&peer->input);
    free(peer);
}
