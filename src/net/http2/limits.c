/* Flood limits of HTTP/2 (limits.h). Sans-I/O; time comes in by parameter. */
#include "net/http2/limits.h"

enum {
    PREFACE_BYTES = 24,
    FRAME_HEADER_BYTES = 9,
    RESET_BURST = 100,
    RESETS_PER_SECOND = 33,
    EMPTY_DATA_PER_SECOND = 50,
    MAX_CONTINUATIONS = 4,
    TOKENS_PER_CALL = 3,
    MAX_PADDED_BYTES = 1 + 255,
    EXCESS_BEFORE = 10000,
    EXCESS_BURST = 1000,
    EXCESS_PER_SECOND = 100,
    ERROR_BURST = 100,
    ERRORS_PER_SECOND = 33,
    FIRST_ERRORS = 20,
};

static const char *const flood_texts[] = {
#define FLOOD_TEXT(name, text) [WEFT_HTTP2_FLOOD_##name] = (text),
    WEFT_HTTP2_FLOODS(FLOOD_TEXT)
#undef FLOOD_TEXT
};

const char *weft_http2_flood_text(enum weft_http2_flood flood)
{
    return flood_texts[flood];
}

uint32_t weft_http2_flood_code(enum weft_http2_flood flood)
{
    switch (flood) {
    case WEFT_HTTP2_FLOOD_BAD_STREAM:
        return NGHTTP2_PROTOCOL_ERROR;
    case WEFT_HTTP2_FLOOD_ENDED_STREAM:
        return NGHTTP2_STREAM_CLOSED;
    case WEFT_HTTP2_FLOOD_NONE:
    case WEFT_HTTP2_FLOOD_CONTROL:
    case WEFT_HTTP2_FLOOD_RESET:
    case WEFT_HTTP2_FLOOD_EMPTY_DATA:
    case WEFT_HTTP2_FLOOD_HEADERS:
    case WEFT_HTTP2_FLOOD_CONTINUATION:
    case WEFT_HTTP2_FLOOD_ERRORS:
    case WEFT_HTTP2_FLOOD_STREAMS:
    case WEFT_HTTP2_FLOOD_PINGS:
    case WEFT_HTTP2_FLOOD_STALLS:
        break;
    }
    return NGHTTP2_ENHANCE_YOUR_CALM;
}

void weft_rate_init(struct weft_rate *rate, uint32_t burst, uint32_t per_second, struct weft_monotonic now)
{
    *rate = (struct weft_rate){ .burst = burst, .per_second = per_second, .last = now };
    rate->credit_ns = (int64_t)burst * (WEFT_NS_PER_S / per_second);
}

bool weft_rate_take(struct weft_rate *rate, struct weft_monotonic now)
{
    int64_t token_ns = WEFT_NS_PER_S / rate->per_second;
    int64_t full_ns = token_ns * rate->burst;
    int64_t elapsed_ns = now.ns - rate->last.ns;
    rate->last = now;
    rate->credit_ns = elapsed_ns >= full_ns - rate->credit_ns ? full_ns : rate->credit_ns + elapsed_ns;
    if (rate->credit_ns < token_ns) {
        return false;
    }
    rate->credit_ns -= token_ns;
    return true;
}

void weft_rate_give(struct weft_rate *rate, uint32_t tokens)
{
    int64_t token_ns = WEFT_NS_PER_S / rate->per_second;
    int64_t full_ns = token_ns * rate->burst;
    rate->credit_ns = full_ns - rate->credit_ns < token_ns * tokens ? full_ns : rate->credit_ns + token_ns * tokens;
}

void weft_http2_excess_init(struct weft_http2_excess *excess, struct weft_monotonic now)
{
    *excess = (struct weft_http2_excess){ 0 };
    weft_rate_init(&excess->after, EXCESS_BURST, EXCESS_PER_SECOND, now);
}

bool weft_http2_excess_take(struct weft_http2_excess *excess, struct weft_monotonic now)
{
    return excess->has_agreed ? weft_rate_take(&excess->after, now) : ++excess->before <= EXCESS_BEFORE;
}

void weft_http2_errors_init(struct weft_http2_errors *errors, struct weft_monotonic now)
{
    errors->allowance = FIRST_ERRORS;
    weft_rate_init(&errors->rate, ERROR_BURST, ERRORS_PER_SECOND, now);
}

bool weft_http2_errors_take(struct weft_http2_errors *errors, struct weft_monotonic now)
{
    if (errors->allowance == 0 || !weft_rate_take(&errors->rate, now)) {
        return false;
    }
    errors->allowance--;
    return true;
}

void weft_http2_errors_forgive(struct weft_http2_errors *errors)
{
    errors->allowance += errors->allowance < ERROR_BURST;
}

void weft_http2_meter_init(struct weft_http2_meter *meter, uint32_t max_control_frames_per_s,
                           size_t max_header_block_bytes, struct weft_monotonic now)
{
    *meter =
        (struct weft_http2_meter){ .preface_left = PREFACE_BYTES, .max_header_block_bytes = max_header_block_bytes };
    weft_rate_init(&meter->control, max_control_frames_per_s, max_control_frames_per_s, now);
    weft_rate_init(&meter->resets, RESET_BURST, RESETS_PER_SECOND, now);
    weft_rate_init(&meter->empty_data, EMPTY_DATA_PER_SECOND, EMPTY_DATA_PER_SECOND, now);
}

/* The size of a header block is limited on the wire too, since nghttp2 decodes what it no longer hands out. */
static enum weft_http2_flood count_header_block(struct weft_http2_meter *meter, uint8_t type, size_t length)
{
    if (type == NGHTTP2_CONTINUATION) {
        meter->continuations++;
        meter->header_block_bytes += length;
    } else {
        meter->continuations = 0;
        meter->header_block_bytes = length;
    }
    if (meter->continuations > MAX_CONTINUATIONS) {
        return WEFT_HTTP2_FLOOD_CONTINUATION;
    }
    return meter->header_block_bytes > meter->max_header_block_bytes ? WEFT_HTTP2_FLOOD_HEADERS : WEFT_HTTP2_FLOOD_NONE;
}

static enum weft_http2_flood count_empty_data(struct weft_http2_meter *meter, struct weft_monotonic now)
{
    return weft_rate_take(&meter->empty_data, now) ? WEFT_HTTP2_FLOOD_NONE : WEFT_HTTP2_FLOOD_EMPTY_DATA;
}

/* A short padded frame may be padding alone: its first byte will tell. */
static enum weft_http2_flood count_data(struct weft_http2_meter *meter, uint8_t flags, struct weft_monotonic now)
{
    if ((flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        return WEFT_HTTP2_FLOOD_NONE;
    }
    bool is_padded = (flags & NGHTTP2_FLAG_PADDED) != 0 && meter->payload_left > 0;
    meter->awaits_padding = is_padded && meter->payload_left <= MAX_PADDED_BYTES;
    return meter->payload_left == 0 ? count_empty_data(meter, now) : WEFT_HTTP2_FLOOD_NONE;
}

static uint32_t stream_of(const struct weft_http2_meter *meter)
{
    const uint8_t *id = meter->header + FRAME_HEADER_BYTES - sizeof(uint32_t);
    return ((uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3]) & INT32_MAX;
}

static uint32_t *place_of(struct weft_http2_meter *meter, uint32_t stream)
{
    return &meter->streams[stream / 2 % WEFT_HTTP2_KNOWN_STREAMS];
}

/* The client has ended the stream, and that is remembered. */
static bool has_ended(struct weft_http2_meter *meter, uint32_t stream)
{
    return *place_of(meter, stream) == (stream | WEFT_HTTP2_STREAM_ENDED);
}

static void note_end(struct weft_http2_meter *meter, uint32_t stream)
{
    uint32_t *place = place_of(meter, stream);
    *place |= *place == stream ? WEFT_HTTP2_STREAM_ENDED : 0;
}

/* HEADERS of an earlier stream are trailers, or of a stream that is over and ignored: no call comes of them. */
static bool begins_call(struct weft_http2_meter *meter, uint32_t stream)
{
    if (stream <= meter->last_stream) {
        return false;
    }
    meter->last_stream = stream;
    *place_of(meter, stream) = stream;
    return true;
}

/* Of a stream that does not begin here (RFC 9113 sections 5.1 and 5.1.1). */
static enum weft_http2_flood judge_old_stream(struct weft_http2_meter *meter, uint32_t stream)
{
    uint32_t known = *place_of(meter, stream);
    if (has_ended(meter, stream)) {
        return WEFT_HTTP2_FLOOD_ENDED_STREAM;
    }
    return stream % 2 == 1 && (known & INT32_MAX) < stream ? WEFT_HTTP2_FLOOD_BAD_STREAM : WEFT_HTTP2_FLOOD_NONE;
}

/* What the frame says of its stream, which nghttp2 would not mind. */
static enum weft_http2_flood follow_stream(struct weft_http2_meter *meter, uint8_t type, uint8_t flags, bool begins)
{
    uint32_t stream = stream_of(meter);
    bool is_headers = type == NGHTTP2_HEADERS, is_data = type == NGHTTP2_DATA;
    enum weft_http2_flood fault = is_headers && !begins ? judge_old_stream(meter, stream) : WEFT_HTTP2_FLOOD_NONE;
    if (is_data && has_ended(meter, stream)) {
        meter->stray_stream = stream;
    }
    if (type == NGHTTP2_RST_STREAM || ((is_headers || is_data) && (flags & NGHTTP2_FLAG_END_STREAM) != 0)) {
        note_end(meter, stream);
    }
    return type == NGHTTP2_PRIORITY && stream == 0 ? WEFT_HTTP2_FLOOD_BAD_STREAM : fault;
}

static enum weft_http2_flood count_frame(struct weft_http2_meter *meter, struct weft_monotonic now)
{
    const uint8_t *header = meter->header;
    size_t length = (size_t)header[0] << 16 | (size_t)header[1] << 8 | header[2];
    uint8_t type = header[3], flags = header[4];
    meter->payload_left = length;
    bool begins = type == NGHTTP2_HEADERS && begins_call(meter, stream_of(meter));
    enum weft_http2_flood fault = follow_stream(meter, type, flags, begins);
    if (type == NGHTTP2_DATA) {
        return count_data(meter, flags, now);
    }
    if (begins) {
        /* A busy client opens thousands of calls a second and sends window updates and pings for each. Calls have
         * limits of their own: how many are open, reset, or in error. */
        weft_rate_give(&meter->control, TOKENS_PER_CALL);
    } else if (!weft_rate_take(&meter->control, now)) {
        return WEFT_HTTP2_FLOOD_CONTROL;
    }
    if (type == NGHTTP2_RST_STREAM && !weft_rate_take(&meter->resets, now)) {
        return WEFT_HTTP2_FLOOD_RESET;
    }
    if (fault == WEFT_HTTP2_FLOOD_NONE && (type == NGHTTP2_HEADERS || type == NGHTTP2_CONTINUATION)) {
        return count_header_block(meter, type, length);
    }
    return fault;
}

static size_t smaller(size_t left, size_t right)
{
    return left < right ? left : right;
}

enum weft_http2_flood weft_http2_meter_take(struct weft_http2_meter *meter, struct weft_slice bytes,
                                            struct weft_monotonic now)
{
    size_t at = smaller(meter->preface_left, bytes.length);
    meter->preface_left -= at;
    while (at < bytes.length) {
        if (meter->awaits_padding) {
            meter->awaits_padding = false;
            if (1 + (size_t)bytes.bytes[at] >= meter->payload_left &&
                count_empty_data(meter, now) != WEFT_HTTP2_FLOOD_NONE) {
                return WEFT_HTTP2_FLOOD_EMPTY_DATA;
            }
        }
        size_t skipped = smaller(meter->payload_left, bytes.length - at);
        meter->payload_left -= skipped;
        at += skipped;
        size_t taken = smaller(FRAME_HEADER_BYTES - meter->header_length, bytes.length - at);
        if (meter->payload_left > 0 || taken == 0) {
            break;
        }
        memcpy(meter->header + meter->header_length, bytes.bytes + at, taken);
        meter->header_length += taken;
        at += taken;
        if (meter->header_length < FRAME_HEADER_BYTES) {
            break;
        }
        meter->header_length = 0;
        enum weft_http2_flood flood = count_frame(meter, now);
        if (flood != WEFT_HTTP2_FLOOD_NONE) {
            return flood;
        }
    }
    return WEFT_HTTP2_FLOOD_NONE;
}
