#pragma once

#include <nghttp2/nghttp2.h>

#include "base/budget.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/slice.h"

/* What one HTTP/2 peer may cost. The meter reads frame headers from the raw bytes before nghttp2 sees them, because
 * nghttp2 1.52 does not tell about every frame (unknown types, DATA of closed streams) and limits only some of them; so
 * the answer to a flood is also given outside of nghttp2's callbacks. About ten operations per frame. */

/* Tokens come back at a steady rate up to burst; an event takes one. */
struct weft_rate {
    uint32_t burst;
    uint32_t per_second;
    int64_t credit_ns; /* the tokens there are, as the time that they take to come back */
    struct weft_monotonic last;
};

void weft_rate_init(struct weft_rate *rate, uint32_t burst, uint32_t per_second, struct weft_monotonic now);

/* False when nothing is left. */
bool weft_rate_take(struct weft_rate *rate, struct weft_monotonic now);

/* Puts tokens back, up to burst. */
void weft_rate_give(struct weft_rate *rate, uint32_t tokens);

/* Streams beyond max_concurrent_streams. They are refused, which costs a client nothing but the stream (RFC 9113
 * section 5.1.2): whoever has not seen the limit cannot keep it, and whoever has may be wrong for a while. */
struct weft_http2_excess {
    struct weft_rate after; /* the client agreed to our SETTINGS */
    uint32_t before;        /* that many so far */
    bool has_agreed;
};

void weft_http2_excess_init(struct weft_http2_excess *excess, struct weft_monotonic now);

/* One more; false: the client takes no notice. */
bool weft_http2_excess_take(struct weft_http2_excess *excess, struct weft_monotonic now);

/* Streams that we had to reset. A few are nobody's fault, so that a connection has some for free and more for what was
 * served; many at once are an attack (CVE-2025-8671), and so are those of a connection that does nothing else, however
 * slow. */
struct weft_http2_errors {
    struct weft_rate rate;
    uint32_t allowance;
};

void weft_http2_errors_init(struct weft_http2_errors *errors, struct weft_monotonic now);

/* One more; false: too many. */
bool weft_http2_errors_take(struct weft_http2_errors *errors, struct weft_monotonic now);

/* A call was served. */
void weft_http2_errors_forgive(struct weft_http2_errors *errors);

/* Why a connection must go; the text is sent as GOAWAY's debug data. The last two are faults, no floods. */
#define WEFT_HTTP2_FLOODS(ROW)                    \
    ROW(NONE, "")                                 \
    ROW(CONTROL, "too_many_frames")               \
    ROW(RESET, "too_many_resets")                 \
    ROW(EMPTY_DATA, "too_many_empty_data_frames") \
    ROW(HEADERS, "header_block_too_large")        \
    ROW(CONTINUATION, "too_many_continuations")   \
    ROW(ERRORS, "too_many_errors")                \
    ROW(STREAMS, "too_many_streams")              \
    ROW(PINGS, "too_many_pings")                  \
    ROW(STALLS, "responses_not_read")             \
    ROW(BAD_STREAM, "bad_stream_identifier")      \
    ROW(ENDED_STREAM, "headers_of_ended_stream")

enum weft_http2_flood {
#define WEFT_HTTP2_FLOOD_ENUM(name, text) WEFT_HTTP2_FLOOD_##name,
    WEFT_HTTP2_FLOODS(WEFT_HTTP2_FLOOD_ENUM)
#undef WEFT_HTTP2_FLOOD_ENUM
};

const char *weft_http2_flood_text(enum weft_http2_flood flood);
uint32_t weft_http2_flood_code(enum weft_http2_flood flood);

enum { WEFT_HTTP2_KNOWN_STREAMS = 128, WEFT_HTTP2_STREAM_ENDED = 1U << 31 };

struct weft_http2_meter {
    struct weft_rate control;    /* all frames but DATA and HEADERS that begin a call, which give some back */
    struct weft_rate resets;     /* RST_STREAM received (CVE-2023-44487) */
    struct weft_rate empty_data; /* DATA without a byte that does not end its stream */
    size_t max_header_block_bytes;
    size_t header_block_bytes; /* of the block that is open */
    uint32_t continuations;
    uint8_t header[9];
    size_t header_length;
    size_t preface_left; /* of the 24 bytes before the first frame */
    size_t payload_left;
    bool awaits_padding;  /* the next byte says how much of a DATA frame is padding */
    uint32_t last_stream; /* the highest that HEADERS began */
    /* What the client said of its streams, each in the place that its number has, until a later one takes it: the
     * number, and whether the client has ended it. What it sends behind that nghttp2 would ignore. */
    uint32_t streams[WEFT_HTTP2_KNOWN_STREAMS];
    uint32_t stray_stream; /* one that has ended and that DATA came for; 0 = none */
};

void weft_http2_meter_init(struct weft_http2_meter *meter, uint32_t max_control_frames_per_s,
                           size_t max_header_block_bytes, struct weft_monotonic now);

/* Counts the frames in the next bytes of the connection. */
enum weft_http2_flood weft_http2_meter_take(struct weft_http2_meter *meter, struct weft_slice bytes,
                                            struct weft_monotonic now);

/* Memory for one session, charged to the budget, which outlives it; failing allocations of tests reach nghttp2 this
 * way. Every block is known: without memory nghttp2 (1.52) frees what a stream still points to, and once more with the
 * session (nghttp2_submit_data, where the queue of streams cannot grow). A session that was ever refused memory is not
 * taken apart by nghttp2, therefore, but goes as a whole. */
struct weft_http2_memory {
    struct weft_budget *budget;
    struct weft_list blocks;
    bool has_failed;
};

void weft_http2_memory_init(struct weft_http2_memory *memory, struct weft_budget *budget);

/* Valid while the memory stays where it is. */
nghttp2_mem weft_http2_memory_hooks(struct weft_http2_memory *memory);

/* Instead of nghttp2_session_del; NULL is none. */
void weft_http2_memory_end(struct weft_http2_memory *memory, nghttp2_session *session);
