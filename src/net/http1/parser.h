#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"

/* A strict, streaming parser of HTTP/1 requests and responses (RFC 9112), sans-I/O. Bytes go in as they arrive; one
 * event comes out per call. The head is gathered in the parser's own buffer, since it may arrive in pieces; the body
 * comes out as slices of the input, never copied. Where the RFC lets a server be lenient this one refuses, because what
 * two parsers read differently is how requests are smuggled: bare LF, folded lines, space before a colon, both or
 * several lengths, any transfer coding but `chunked`, control characters, a target that is neither a path nor
 * http(s)://. */
enum weft_http1_event {
    WEFT_HTTP1_MORE, /* all input is used up */
    WEFT_HTTP1_HEAD, /* request or status line and headers are complete; that the body is too large may be refused next
                      */
    WEFT_HTTP1_BODY, /* out_body is the next piece, borrowed from the input */
    WEFT_HTTP1_COMPLETE, /* the message is over; weft_http1_parser_reset before the next */
    WEFT_HTTP1_REFUSED,  /* refusal_code and refusal_text say why; the connection cannot go on */
};

enum { WEFT_HTTP1_MAX_HEADER_FIELDS = 128, WEFT_HTTP1_MAX_CHUNK_EXTENSION_BYTES = 64 };

struct weft_http1_parser_settings {
    bool is_response;           /* a client's parser: each answer to a POST, 1xx included, is a message of its own */
    size_t max_header_bytes;    /* request line and headers; trailers again as much; 0 = 16 KiB */
    uint32_t max_header_fields; /* 0 = 64; at most WEFT_HTTP1_MAX_HEADER_FIELDS */
    size_t max_body_bytes;      /* 0 = 1 MiB, for a response no limit: who reads it stops when there is enough */
};

/* Where a text lies within the head. */
struct weft_http1_span {
    uint32_t start;
    uint32_t length;
};

/* What a head says; filled line by line (head.c). */
struct weft_http1_head {
    struct weft_buffer bytes; /* the lines, names in lower case, path decoded in place */
    struct weft_http1_span method, path, query;
    struct {
        struct weft_http1_span name, value;
    } fields[WEFT_HTTP1_MAX_HEADER_FIELDS];
    uint32_t field_count;
    uint16_t status_code;  /* of a response, 100 to 999 */
    uint8_t minor_version; /* HTTP/1.x */
    bool has_host, has_length, has_coding;
    bool is_chunked;
    bool expects_continue;
    bool wants_close, wants_keep_alive; /* Connection: */
    uint64_t content_length;
};

enum weft_http1_state {
    WEFT_HTTP1_STATE_REQUEST_LINE,
    WEFT_HTTP1_STATE_STATUS_LINE,
    WEFT_HTTP1_STATE_FIELDS,
    WEFT_HTTP1_STATE_LENGTH_BODY,     /* remaining bytes of content_length */
    WEFT_HTTP1_STATE_OPEN_BODY,       /* of a response: until the peer closes */
    WEFT_HTTP1_STATE_CHUNK_SIZE,      /* digits */
    WEFT_HTTP1_STATE_CHUNK_EXTENSION, /* after ';' */
    WEFT_HTTP1_STATE_CHUNK_SIZE_LF,   /* CR seen */
    WEFT_HTTP1_STATE_CHUNK_DATA,      /* remaining bytes of the chunk */
    WEFT_HTTP1_STATE_CHUNK_CR,        /* after the data */
    WEFT_HTTP1_STATE_CHUNK_LF,
    WEFT_HTTP1_STATE_TRAILERS,
    WEFT_HTTP1_STATE_COMPLETE,
    WEFT_HTTP1_STATE_REFUSED,
};

/* Embedded in its connection. Read head, is_begun and the refusal; the rest is the parser's. */
struct weft_http1_parser {
    struct weft_http1_parser_settings settings;
    struct weft_http1_head head;
    enum weft_http1_state state;
    bool is_begun; /* a byte of the present request has been seen */
    bool has_skipped_empty_line;
    size_t line_start;    /* of the line that is being gathered, in head.bytes */
    size_t trailer_start; /* in head.bytes */
    uint32_t trailer_count;
    uint64_t remaining_bytes;
    uint64_t body_bytes; /* so far, without chunk framing */
    uint32_t chunk_digit_count, chunk_extension_bytes;
    int refusal_code;
    const char *refusal_text;
};

void weft_http1_parser_init(struct weft_http1_parser *parser, const struct weft_http1_parser_settings *settings);
void weft_http1_parser_fini(struct weft_http1_parser *parser);

/* Takes bytes from the front of *input and returns the next event. Call again with what is left until MORE. */
enum weft_http1_event weft_http1_parser_next(struct weft_http1_parser *parser, struct weft_slice *input,
                                             struct weft_slice *out_body);

/* How many bytes of the body come next without anything in between. */
size_t weft_http1_parser_body_run(const struct weft_http1_parser *parser);

/* The first length bytes of that run went elsewhere and will not come in as input. */
void weft_http1_parser_skip_body(struct weft_http1_parser *parser, size_t length);

/* The peer has closed its side. COMPLETE: that was how the response was to end; else REFUSED, as the message is cut
 * off. */
enum weft_http1_event weft_http1_parser_end(struct weft_http1_parser *parser);

/* Ready for the next message of the connection; what the head lent is gone. */
void weft_http1_parser_reset(struct weft_http1_parser *parser);

/* Texts of the head, valid from HEAD until reset; take them again after each call of _next. */
struct weft_slice weft_http1_parser_method(const struct weft_http1_parser *parser);
struct weft_slice
weft_http1_parser_path(const struct weft_http1_parser *parser); /* unreserved characters decoded, no query */
struct weft_slice weft_http1_parser_query(const struct weft_http1_parser *parser); /* raw, without '?' */

/* The first field of that name (lower case), empty if there is none. */
struct weft_slice weft_http1_parser_header(const struct weft_http1_parser *parser, const char *name);

/* Whether the connection may carry another message after this one. */
bool weft_http1_parser_keeps_alive(const struct weft_http1_parser *parser);

/* The lines of a head, for parser.c: line excludes CR LF and lies in head->bytes. Return 0, or the status code
 * and why. is_trailer: the grammar is checked and the field is forgotten. */
int weft_http1_head_request_line(struct weft_http1_head *head, struct weft_http1_span line, const char **out_reason);
int weft_http1_head_field(struct weft_http1_head *head, struct weft_http1_span line, bool is_trailer,
                          uint32_t max_fields, const char **out_reason);

/* What only the whole head can tell: Host and lengths. */
int weft_http1_head_finish(struct weft_http1_head *head, const char **out_reason);

/* The same for a response (parser_response.c). out_body_state: where the machine goes on. */
int weft_http1_head_status_line(struct weft_http1_head *head, struct weft_http1_span line, const char **out_reason);
int weft_http1_head_finish_response(struct weft_http1_head *head, enum weft_http1_state *out_body_state,
                                    const char **out_reason);
