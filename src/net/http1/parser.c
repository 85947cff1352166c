/* The state machine of the HTTP/1 parser (parser.h): finds the lines of the head, follows the body by its
 * length or its chunks, and keeps every limit. The outcome does not depend on how the input is cut into pieces: a line
 * is judged only when its LF has been seen or its limit is passed. Used by server.c and the fuzz target. */
#include "net/http1/parser.h"

#include "base/assert.h"
#include "base/hex.h"

enum {
    DEFAULT_HEADER_BYTES = 16 * 1024,
    DEFAULT_HEADER_FIELDS = 64,
    DEFAULT_BODY_BYTES = 1024 * 1024,
    MAX_CHUNK_DIGITS = 15,  /* below 2^60: adding to the body's length cannot overflow */
    KEPT_HEAD_BYTES = 4096, /* a larger buffer is given back between requests */
};

static void start_request(struct weft_http1_parser *parser)
{
    struct weft_buffer bytes = parser->head.bytes;
    weft_buffer_clear(&bytes);
    struct weft_http1_parser_settings settings = parser->settings;
    memset(parser, 0, sizeof *parser);
    parser->settings = settings;
    parser->head.bytes = bytes;
    parser->state = settings.is_response ? WEFT_HTTP1_STATE_STATUS_LINE : WEFT_HTTP1_STATE_REQUEST_LINE;
}

void weft_http1_parser_init(struct weft_http1_parser *parser, const struct weft_http1_parser_settings *settings)
{
    memset(parser, 0, sizeof *parser);
    parser->settings = *settings;
    struct weft_http1_parser_settings *own = &parser->settings;
    own->max_header_bytes = own->max_header_bytes == 0 ? DEFAULT_HEADER_BYTES : own->max_header_bytes;
    own->max_header_fields = own->max_header_fields == 0 ? DEFAULT_HEADER_FIELDS : own->max_header_fields;
    size_t default_body_bytes = own->is_response ? SIZE_MAX : DEFAULT_BODY_BYTES;
    own->max_body_bytes = own->max_body_bytes == 0 ? default_body_bytes : own->max_body_bytes;
    weft_assert(own->max_header_fields <= WEFT_HTTP1_MAX_HEADER_FIELDS && own->max_header_bytes < UINT32_MAX / 4);
    weft_buffer_init(&parser->head.bytes, 0);
    start_request(parser);
}

void weft_http1_parser_fini(struct weft_http1_parser *parser)
{
    weft_buffer_fini(&parser->head.bytes);
}

void weft_http1_parser_reset(struct weft_http1_parser *parser)
{
    weft_assert(parser->state == WEFT_HTTP1_STATE_COMPLETE);
    if (parser->head.bytes.capacity > KEPT_HEAD_BYTES) {
        weft_buffer_fini(&parser->head.bytes);
    }
    start_request(parser);
}

static enum weft_http1_event refuse(struct weft_http1_parser *parser, int code, const char *reason)
{
    parser->state = WEFT_HTTP1_STATE_REFUSED;
    parser->refusal_code = code;
    parser->refusal_text = reason;
    return WEFT_HTTP1_REFUSED;
}

static void take(struct weft_slice *input, size_t length)
{
    input->bytes += length;
    input->length -= length;
}

enum line_result { LINE_MORE, LINE_READY, LINE_REFUSED };

/* Gathers input up to LF behind what the head already holds. out_line excludes CR LF. section_start: where the bytes
 * that share one limit begin. */
static enum line_result gather_line(struct weft_http1_parser *parser, struct weft_slice *input, size_t section_start,
                                    struct weft_http1_span *out_line)
{
    struct weft_buffer *bytes = &parser->head.bytes;
    const uint8_t *feed = memchr(input->bytes, '\n', input->length);
    size_t length = feed != NULL ? (size_t)(feed - input->bytes) + 1 : input->length;
    if (bytes->length - section_start + length > parser->settings.max_header_bytes) {
        refuse(parser, 431, "the headers are larger than allowed");
        return LINE_REFUSED;
    }
    weft_buffer_append(bytes, input->bytes, length);
    if (bytes->is_failed) {
        refuse(parser, 503, "out of memory");
        return LINE_REFUSED;
    }
    take(input, length);
    if (feed == NULL) {
        return LINE_MORE;
    }
    size_t line_length = bytes->length - parser->line_start - 1;
    if (line_length == 0 || bytes->bytes[bytes->length - 2] != '\r') {
        refuse(parser, 400, "a line that does not end in CR LF");
        return LINE_REFUSED;
    }
    *out_line = (struct weft_http1_span){ (uint32_t)parser->line_start, (uint32_t)line_length - 1 };
    parser->line_start = bytes->length;
    return LINE_READY;
}

static enum weft_http1_event finish_head(struct weft_http1_parser *parser)
{
    const char *reason;
    enum weft_http1_state body = parser->head.is_chunked ? WEFT_HTTP1_STATE_CHUNK_SIZE : WEFT_HTTP1_STATE_LENGTH_BODY;
    int code = parser->settings.is_response ? weft_http1_head_finish_response(&parser->head, &body, &reason)
                                            : weft_http1_head_finish(&parser->head, &reason);
    if (code != 0) {
        return refuse(parser, code, reason);
    }
    if (parser->head.content_length > parser->settings.max_body_bytes) {
        refuse(parser, 413,
               "the body is larger than allowed"); /* told next: by then the service can be asked for its words */
        return WEFT_HTTP1_HEAD;
    }
    parser->trailer_start = parser->head.bytes.length;
    parser->remaining_bytes = parser->head.content_length;
    parser->state = body;
    return WEFT_HTTP1_HEAD;
}

/* A step returns MORE when the machine should look again at its new state, if there is input left. */
static enum weft_http1_event step_request_line(struct weft_http1_parser *parser, struct weft_slice *input)
{
    struct weft_http1_span line;
    enum line_result result = gather_line(parser, input, 0, &line);
    if (result != LINE_READY) {
        return result == LINE_MORE ? WEFT_HTTP1_MORE : WEFT_HTTP1_REFUSED;
    }
    if (line.length == 0 && !parser->has_skipped_empty_line) {
        parser->has_skipped_empty_line = true; /* RFC 9112 2.2: some clients end a body with an extra CR LF */
        return WEFT_HTTP1_MORE;
    }
    const char *reason;
    int code = weft_http1_head_request_line(&parser->head, line, &reason);
    if (code != 0) {
        return refuse(parser, code, reason);
    }
    parser->state = WEFT_HTTP1_STATE_FIELDS;
    return WEFT_HTTP1_MORE;
}

static enum weft_http1_event step_status_line(struct weft_http1_parser *parser, struct weft_slice *input)
{
    struct weft_http1_span line;
    enum line_result result = gather_line(parser, input, 0, &line);
    if (result != LINE_READY) {
        return result == LINE_MORE ? WEFT_HTTP1_MORE : WEFT_HTTP1_REFUSED;
    }
    const char *reason;
    int code = weft_http1_head_status_line(&parser->head, line, &reason);
    if (code != 0) {
        return refuse(parser, code, reason);
    }
    parser->state = WEFT_HTTP1_STATE_FIELDS;
    return WEFT_HTTP1_MORE;
}

static enum weft_http1_event step_fields(struct weft_http1_parser *parser, struct weft_slice *input)
{
    struct weft_http1_span line;
    enum line_result result = gather_line(parser, input, 0, &line);
    if (result != LINE_READY) {
        return result == LINE_MORE ? WEFT_HTTP1_MORE : WEFT_HTTP1_REFUSED;
    }
    if (line.length == 0) {
        return finish_head(parser);
    }
    const char *reason;
    int code = weft_http1_head_field(&parser->head, line, false, parser->settings.max_header_fields, &reason);
    return code == 0 ? WEFT_HTTP1_MORE : refuse(parser, code, reason);
}

static enum weft_http1_event step_trailers(struct weft_http1_parser *parser, struct weft_slice *input)
{
    struct weft_http1_span line;
    enum line_result result = gather_line(parser, input, parser->trailer_start, &line);
    if (result != LINE_READY) {
        return result == LINE_MORE ? WEFT_HTTP1_MORE : WEFT_HTTP1_REFUSED;
    }
    if (line.length == 0) {
        parser->state = WEFT_HTTP1_STATE_COMPLETE;
        return WEFT_HTTP1_COMPLETE;
    }
    if (parser->trailer_count++ == parser->settings.max_header_fields) {
        return refuse(parser, 431, "too many trailers");
    }
    const char *reason;
    int code = weft_http1_head_field(&parser->head, line, true, 0, &reason);
    return code == 0 ? WEFT_HTTP1_MORE : refuse(parser, code, reason);
}

size_t weft_http1_parser_body_run(const struct weft_http1_parser *parser)
{
    bool is_body = parser->state == WEFT_HTTP1_STATE_LENGTH_BODY || parser->state == WEFT_HTTP1_STATE_CHUNK_DATA;
    return is_body ? (size_t)parser->remaining_bytes : 0;
}

void weft_http1_parser_skip_body(struct weft_http1_parser *parser, size_t length)
{
    weft_assert(length <= weft_http1_parser_body_run(parser));
    parser->remaining_bytes -= length;
    parser->body_bytes += length;
    if (parser->state == WEFT_HTTP1_STATE_CHUNK_DATA && parser->remaining_bytes == 0) {
        parser->state = WEFT_HTTP1_STATE_CHUNK_CR;
    }
}

static void take_body(struct weft_http1_parser *parser, struct weft_slice *input, struct weft_slice *out_body)
{
    size_t length = input->length < parser->remaining_bytes ? input->length : (size_t)parser->remaining_bytes;
    *out_body = weft_slice_of(input->bytes, length);
    take(input, length);
    weft_http1_parser_skip_body(parser, length);
}

static enum weft_http1_event end_chunk_size(struct weft_http1_parser *parser)
{
    if (parser->chunk_digit_count == 0) {
        return refuse(parser, 400, "a chunk without a size");
    }
    if (parser->remaining_bytes > parser->settings.max_body_bytes - parser->body_bytes) {
        return refuse(parser, 413, "the body is larger than allowed");
    }
    parser->state = parser->remaining_bytes > 0 ? WEFT_HTTP1_STATE_CHUNK_DATA : WEFT_HTTP1_STATE_TRAILERS;
    parser->line_start = parser->head.bytes.length;
    return WEFT_HTTP1_MORE;
}

static enum weft_http1_event step_chunk_size(struct weft_http1_parser *parser, uint8_t byte)
{
    int digit = weft_hex_value(byte);
    if (digit >= 0 && parser->chunk_digit_count < MAX_CHUNK_DIGITS) {
        parser->chunk_digit_count++;
        parser->remaining_bytes = parser->remaining_bytes * 16 + (uint64_t)digit;
        return WEFT_HTTP1_MORE;
    }
    if (byte == '\r') {
        parser->state = WEFT_HTTP1_STATE_CHUNK_SIZE_LF;
    } else if (byte == ';' && parser->chunk_digit_count > 0) {
        parser->chunk_extension_bytes = 1;
        parser->state = WEFT_HTTP1_STATE_CHUNK_EXTENSION;
    } else {
        return refuse(parser, 400, "a chunk size");
    }
    return WEFT_HTTP1_MORE;
}

static enum weft_http1_event step_chunk_extension(struct weft_http1_parser *parser, uint8_t byte)
{
    if (byte == '\r') {
        parser->state = WEFT_HTTP1_STATE_CHUNK_SIZE_LF;
        return WEFT_HTTP1_MORE;
    }
    if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
        return refuse(parser, 400, "a control character in a chunk extension");
    }
    if (++parser->chunk_extension_bytes > WEFT_HTTP1_MAX_CHUNK_EXTENSION_BYTES) {
        return refuse(parser, 400, "a chunk extension longer than 64 bytes");
    }
    return WEFT_HTTP1_MORE;
}

static enum weft_http1_event step_chunk_byte(struct weft_http1_parser *parser, uint8_t byte)
{
    switch (parser->state) {
    case WEFT_HTTP1_STATE_CHUNK_SIZE:
        return step_chunk_size(parser, byte);
    case WEFT_HTTP1_STATE_CHUNK_EXTENSION:
        return step_chunk_extension(parser, byte);
    case WEFT_HTTP1_STATE_CHUNK_SIZE_LF:
        return byte == '\n' ? end_chunk_size(parser) : refuse(parser, 400, "a chunk size that does not end in CR LF");
    case WEFT_HTTP1_STATE_CHUNK_CR:
        parser->state = WEFT_HTTP1_STATE_CHUNK_LF;
        return byte == '\r' ? WEFT_HTTP1_MORE : refuse(parser, 400, "a chunk that does not end in CR LF");
    case WEFT_HTTP1_STATE_CHUNK_LF:
        parser->state = WEFT_HTTP1_STATE_CHUNK_SIZE;
        parser->chunk_digit_count = 0;
        return byte == '\n' ? WEFT_HTTP1_MORE : refuse(parser, 400, "a chunk that does not end in CR LF");
    case WEFT_HTTP1_STATE_REQUEST_LINE:
    case WEFT_HTTP1_STATE_STATUS_LINE:
    case WEFT_HTTP1_STATE_FIELDS:
    case WEFT_HTTP1_STATE_LENGTH_BODY:
    case WEFT_HTTP1_STATE_OPEN_BODY:
    case WEFT_HTTP1_STATE_CHUNK_DATA:
    case WEFT_HTTP1_STATE_TRAILERS:
    case WEFT_HTTP1_STATE_COMPLETE:
    case WEFT_HTTP1_STATE_REFUSED:
        break;
    }
    weft_assert(false);
    return WEFT_HTTP1_REFUSED;
}

/* There is input. */
static enum weft_http1_event step(struct weft_http1_parser *parser, struct weft_slice *input,
                                  struct weft_slice *out_body)
{
    switch (parser->state) {
    case WEFT_HTTP1_STATE_REQUEST_LINE:
        parser->is_begun = true;
        return step_request_line(parser, input);
    case WEFT_HTTP1_STATE_STATUS_LINE:
        parser->is_begun = true;
        return step_status_line(parser, input);
    case WEFT_HTTP1_STATE_FIELDS:
        return step_fields(parser, input);
    case WEFT_HTTP1_STATE_LENGTH_BODY:
    case WEFT_HTTP1_STATE_CHUNK_DATA:
        take_body(parser, input, out_body);
        return WEFT_HTTP1_BODY;
    case WEFT_HTTP1_STATE_OPEN_BODY:
        *out_body = *input;
        take(input, input->length);
        parser->body_bytes += out_body->length;
        return WEFT_HTTP1_BODY;
    case WEFT_HTTP1_STATE_TRAILERS:
        return step_trailers(parser, input);
    case WEFT_HTTP1_STATE_CHUNK_SIZE:
    case WEFT_HTTP1_STATE_CHUNK_EXTENSION:
    case WEFT_HTTP1_STATE_CHUNK_SIZE_LF:
    case WEFT_HTTP1_STATE_CHUNK_CR:
    case WEFT_HTTP1_STATE_CHUNK_LF: {
        uint8_t byte = input->bytes[0];
        take(input, 1);
        return step_chunk_byte(parser, byte);
    }
    case WEFT_HTTP1_STATE_COMPLETE:
    case WEFT_HTTP1_STATE_REFUSED:
        break;
    }
    weft_assert(false);
    return WEFT_HTTP1_REFUSED;
}

enum weft_http1_event weft_http1_parser_next(struct weft_http1_parser *parser, struct weft_slice *input,
                                             struct weft_slice *out_body)
{
    weft_assert(parser->state != WEFT_HTTP1_STATE_COMPLETE);
    if (parser->state == WEFT_HTTP1_STATE_REFUSED) {
        return WEFT_HTTP1_REFUSED;
    }
    /* A body of length zero, or its last byte, ends the request without another byte of input. */
    while (true) {
        if (parser->state == WEFT_HTTP1_STATE_LENGTH_BODY && parser->remaining_bytes == 0) {
            parser->state = WEFT_HTTP1_STATE_COMPLETE;
            return WEFT_HTTP1_COMPLETE;
        }
        if (input->length == 0) {
            return WEFT_HTTP1_MORE;
        }
        enum weft_http1_event event = step(parser, input, out_body);
        if (event != WEFT_HTTP1_MORE) {
            return event;
        }
    }
}

enum weft_http1_event weft_http1_parser_end(struct weft_http1_parser *parser)
{
    if (parser->state == WEFT_HTTP1_STATE_OPEN_BODY) {
        parser->state = WEFT_HTTP1_STATE_COMPLETE;
        return WEFT_HTTP1_COMPLETE;
    }
    bool is_refused = parser->state == WEFT_HTTP1_STATE_REFUSED;
    return is_refused ? WEFT_HTTP1_REFUSED
                      : refuse(parser, 400, parser->is_begun ? "closed in the middle" : "closed before the first byte");
}

static struct weft_slice text_of(const struct weft_http1_parser *parser, struct weft_http1_span span)
{
    return span.length == 0 ? WEFT_SLICE_EMPTY : weft_slice_of(parser->head.bytes.bytes + span.start, span.length);
}

struct weft_slice weft_http1_parser_method(const struct weft_http1_parser *parser)
{
    return text_of(parser, parser->head.method);
}

struct weft_slice weft_http1_parser_path(const struct weft_http1_parser *parser)
{
    return text_of(parser, parser->head.path);
}

struct weft_slice weft_http1_parser_query(const struct weft_http1_parser *parser)
{
    return text_of(parser, parser->head.query);
}

struct weft_slice weft_http1_parser_header(const struct weft_http1_parser *parser, const char *name)
{
    for (uint32_t i = 0; i < parser->head.field_count; i++) {
        if (weft_slice_equal_text(text_of(parser, parser->head.fields[i].name), name)) {
            return text_of(parser, parser->head.fields[i].value);
        }
    }
    return WEFT_SLICE_EMPTY;
}

bool weft_http1_parser_keeps_alive(const struct weft_http1_parser *parser)
{
    const struct weft_http1_head *head = &parser->head;
    bool is_framed = !parser->settings.is_response || head->is_chunked || head->has_length;
    return is_framed && !head->wants_close && (head->minor_version == 1 || head->wants_keep_alive);
}
