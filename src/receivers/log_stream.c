/* Streams of log lines (log_stream.h). One request is under way at a time: its lines are in the request's payload, kept
 * until it is settled well, and only the beginning of the next line is in the buffer. */
#include "receivers/log_stream.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"

enum { ROOM_MIN = 4 * 1024, READ_AHEAD = 64 * 1024 };

/* Outlives the stream if the pipelines still hold what it waits for. */
struct weft_log_call {
    struct weft_otlp_call call;
    struct weft_log_stream *stream; /* NULL: gone */
    struct weft_payload *message;   /* to be offered again; NULL: nothing is under way */
    struct weft_otlp_counts counts;
    bool is_offered; /* it is with the ingest */
};

static struct weft_host *host_of(const struct weft_log_stream *stream)
{
    return stream->owner->inlet.ingest->host;
}

static bool is_busy(const struct weft_log_stream *stream)
{
    return stream->call->message != NULL;
}

bool weft_log_stream_wants_more(const struct weft_log_stream *stream)
{
    return stream->owner->is_reading && !stream->is_ended && !is_busy(stream) &&
           !weft_timer_is_set(&stream->offer_timer);
}

bool weft_log_stream_is_done(const struct weft_log_stream *stream)
{
    return stream->is_ended && !is_busy(stream) && stream->length == 0 &&
           !weft_log_bodies_has_rest(&stream->owner->bodies);
}

/* ---- buffer ---- */

/* A byte more than the limit: so that a line that is too long is seen to be. */
static size_t capacity_max(const struct weft_log_stream *stream)
{
    size_t line_bytes = stream->owner->max_line_bytes + 1;
    return line_bytes > READ_AHEAD ? line_bytes : READ_AHEAD;
}

static void resized(struct weft_log_stream *stream, size_t capacity)
{
    struct weft_budget *budget = host_of(stream)->budget;
    weft_budget_charge(budget, capacity);
    weft_budget_release(budget, stream->capacity);
    stream->owner->buffered_bytes += capacity - stream->capacity;
    stream->capacity = capacity;
}

static void give_buffer_back(struct weft_log_stream *stream)
{
    weft_free(stream->buffer);
    stream->buffer = NULL;
    resized(stream, 0);
}

static bool resize(struct weft_log_stream *stream, size_t capacity)
{
    uint8_t *buffer = weft_try_alloc_raw(capacity);
    if (buffer == NULL) {
        return false;
    }
    if (stream->length > 0) {
        memcpy(buffer, stream->buffer, stream->length);
    }
    weft_free(stream->buffer);
    stream->buffer = buffer;
    resized(stream, capacity);
    return true;
}

/* Doubled, so that a line that comes byte by byte is not copied for each. */
static void grow(struct weft_log_stream *stream)
{
    size_t wanted = stream->capacity * 2;
    wanted = wanted < stream->length + READ_AHEAD ? stream->length + READ_AHEAD : wanted;
    (void)resize(stream, wanted < capacity_max(stream) ? wanted : capacity_max(stream));
}

/* What is kept between reads is little: the beginning of a line. */
static void shrink(struct weft_log_stream *stream)
{
    if (stream->length == 0) {
        give_buffer_back(stream);
    } else if (stream->length < stream->capacity / 4 && stream->capacity > ROOM_MIN) {
        (void)resize(stream, stream->length * 2 < ROOM_MIN ? ROOM_MIN : stream->length * 2);
    }
}

uint8_t *weft_log_stream_room(struct weft_log_stream *stream, size_t *out_length)
{
    weft_assert(weft_log_stream_wants_more(stream) && stream->length < capacity_max(stream));
    if (stream->capacity - stream->length < ROOM_MIN && stream->capacity < capacity_max(stream)) {
        grow(stream);
    }
    if (stream->length == stream->capacity) {
        weft_timer_set_after(host_of(stream)->timers, &stream->offer_timer,
                             stream->owner->inlet.ingest->retry_after_ns);
        return NULL;
    }
    *out_length = stream->capacity - stream->length;
    return stream->buffer + stream->length;
}

/* The first bytes of the buffer are done with. */
static void forget(struct weft_log_stream *stream, size_t length)
{
    weft_assert(length <= stream->length);
    stream->length -= length;
    if (stream->length > 0) {
        memmove(stream->buffer, stream->buffer + length, stream->length);
    }
}

/* ---- offering ---- */

static void offer(struct weft_log_stream *stream)
{
    struct weft_log_call *call = stream->call;
    weft_assert(is_busy(stream) && !call->is_offered);
    struct weft_otlp_request request = {
        .signal = WEFT_LOGS, .message = weft_payload_ref(call->message), .is_counted = true, .counts = call->counts
    };
    call->is_offered = true;
    weft_otlp_ingest_take(&stream->owner->inlet, &call->call, &request);
}

/* The body's lines as a request; false: no memory. */
static bool read_body(struct weft_log_stream *stream, struct weft_slice body, struct weft_payload **out_message)
{
    struct weft_error error = WEFT_ERROR_NONE;
    weft_assert(!is_busy(stream));
    return weft_log_bodies_read(&stream->owner->bodies, body, false, SIZE_MAX, weft_wall_now(), host_of(stream)->pool,
                                out_message, &stream->call->counts, &error) == WEFT_OK;
}

static void begin(struct weft_log_stream *stream, struct weft_payload *own_message)
{
    if (stream->call->counts.records == 0) {
        weft_payload_unref(&own_message);
        return;
    }
    stream->call->message = own_message;
    offer(stream);
}

static void wait_for_memory(struct weft_log_stream *stream)
{
    weft_timer_set_after(host_of(stream)->timers, &stream->offer_timer, stream->owner->inlet.ingest->retry_after_ns);
}

/* The first length bytes of the buffer are lines; false: no memory for them, they stay there. */
static bool take_lines(struct weft_log_stream *stream, size_t length)
{
    struct weft_payload *message = NULL;
    if (!read_body(stream, weft_slice_of(stream->buffer, length), &message)) {
        return false;
    }
    forget(stream, length);
    begin(stream, message);
    return true;
}

bool weft_log_stream_take_whole(struct weft_log_stream *stream, struct weft_slice lines)
{
    struct weft_payload *message = NULL;
    weft_assert(weft_log_stream_wants_more(stream) && stream->length == 0 && !stream->is_skipping);
    if (!read_body(stream, lines, &message)) {
        wait_for_memory(stream);
        return false;
    }
    begin(stream, message);
    return true;
}

/* What can be offered of the buffer: whole lines; all of it when no more comes, or when it is full. */
static size_t ready_length(const struct weft_log_stream *stream)
{
    const uint8_t *last = stream->length == 0 ? NULL : memrchr(stream->buffer, '\n', stream->length);
    bool is_all = stream->is_ended || (last == NULL && stream->length == capacity_max(stream));
    return is_all ? stream->length : last == NULL ? 0 : (size_t)(last + 1 - stream->buffer);
}

static void take_what_is_ready(struct weft_log_stream *stream)
{
    while (!is_busy(stream)) {
        size_t length = ready_length(stream);
        if (length == 0 && !weft_log_bodies_has_rest(&stream->owner->bodies)) {
            break;
        }
        bool is_cut = length > 0 && !stream->is_ended && stream->buffer[length - 1] != '\n';
        if (!take_lines(stream, length)) {
            wait_for_memory(stream);
            break;
        }
        stream->is_skipping = stream->is_skipping || is_cut;
    }
    shrink(stream);
    stream->on_changed(stream);
}

static void offer_again(void *context)
{
    struct weft_log_stream *stream = context;
    const struct weft_log_inlet *owner = stream->owner;
    if (!is_busy(stream)) {
        take_what_is_ready(stream);
    } else if (weft_otlp_ingest_is_open(owner->inlet.ingest) || owner->is_draining) {
        offer(stream);
    } else {
        weft_timer_set_after(host_of(stream)->timers, &stream->offer_timer, owner->inlet.ingest->retry_after_ns);
    }
}

static void give_up(struct weft_log_stream *stream, const struct weft_error *failure)
{
    struct weft_log_inlet *owner = stream->owner;
    owner->lost += stream->call->counts.records;
    weft_log(WARN, "receiver.lines_lost", "log lines were refused for good",
             WEFT_LOG_STRING("receiver", owner->inlet.ingest->id),
             WEFT_LOG_STRING("transport", owner->inlet.operations->transport),
             WEFT_LOG_INT("lines", (int64_t)stream->call->counts.records), WEFT_LOG_STRING("error", failure->text));
}

/* May run inside offer: what follows waits for a tick of its own. */
void weft_log_stream_answer(struct weft_otlp_call *base, const struct weft_error *failure, int64_t retry_after_ns)
{
    struct weft_log_call *call = WEFT_CONTAINER_OF(base, struct weft_log_call, call);
    struct weft_log_stream *stream = call->stream;
    weft_assert(base->operations->answer == weft_log_stream_answer && call->is_offered);
    call->is_offered = false;
    if (stream == NULL) {
        weft_payload_unref(&call->message);
        weft_free(call);
        return;
    }
    weft_assert(stream->call == call);
    bool is_offered_again = !stream->owner->is_draining || stream->owner->is_patient;
    if (failure != NULL && weft_status_is_retryable(failure->status) && is_offered_again) {
        weft_timer_set_after(host_of(stream)->timers, &stream->offer_timer, retry_after_ns);
        return;
    }
    if (failure != NULL) {
        give_up(stream, failure);
    }
    weft_payload_unref(&call->message);
    weft_timer_set_after(host_of(stream)->timers, &stream->offer_timer, 0);
}

/* ---- bytes ---- */

/* Of a line that was too long the rest, up to its end. */
static void skip_rest(struct weft_log_stream *stream)
{
    const uint8_t *found = memchr(stream->buffer, '\n', stream->length);
    stream->is_skipping = found == NULL;
    forget(stream, found == NULL ? stream->length : (size_t)(found + 1 - stream->buffer));
}

void weft_log_stream_take(struct weft_log_stream *stream, size_t length)
{
    weft_assert(length <= stream->capacity - stream->length);
    stream->length += length;
    if (stream->is_skipping && stream->length > 0) {
        skip_rest(stream);
    }
    take_what_is_ready(stream);
}

void weft_log_stream_take_rest(struct weft_log_stream *stream)
{
    if (!is_busy(stream) && !weft_timer_is_set(&stream->offer_timer)) {
        take_what_is_ready(stream);
    }
}

void weft_log_stream_end(struct weft_log_stream *stream)
{
    stream->is_ended = true;
    stream->is_skipping = false;
    take_what_is_ready(stream);
}

void weft_log_stream_drain(struct weft_log_stream *stream)
{
    weft_assert(stream->owner->is_draining);
    stream->is_ended = true;
    stream->is_skipping = false;
    if (weft_timer_is_set(&stream->offer_timer)) {
        weft_timer_set_after(host_of(stream)->timers, &stream->offer_timer, 0);
    } else {
        take_what_is_ready(stream);
    }
}

/* ---- life ---- */

void weft_log_stream_init(struct weft_log_stream *stream, struct weft_log_inlet *owner, weft_log_stream_fn on_changed)
{
    *stream = (struct weft_log_stream){ .owner = owner, .on_changed = on_changed };
    stream->call = weft_alloc(sizeof *stream->call);
    stream->call->stream = stream;
    weft_timer_init(&stream->offer_timer, offer_again, stream);
}

void weft_log_stream_fini(struct weft_log_stream *stream)
{
    weft_timer_cancel(host_of(stream)->timers, &stream->offer_timer);
    stream->call->stream = NULL;
    if (!stream->call->is_offered) {
        if (is_busy(stream)) { /* the drain has ended before somebody took it */
            give_up(stream, &WEFT_ERROR_NONE);
        }
        weft_payload_unref(&stream->call->message);
        weft_free(stream->call);
    }
    give_buffer_back(stream);
}

void weft_log_inlet_init(struct weft_log_inlet *inlet, const struct weft_otlp_inlet_operations *operations,
                         struct weft_otlp_ingest *ingest, const struct weft_log_line_settings *settings)
{
    inlet->inlet.operations = operations;
    inlet->inlet.ingest = ingest;
    inlet->max_line_bytes = settings->max_line_bytes == 0 ? (size_t)WEFT_LINE_DEFAULT_BYTES : settings->max_line_bytes;
    inlet->is_reading = true;
    weft_log_bodies_init(&inlet->bodies, settings);
}

void weft_log_inlet_fini(struct weft_log_inlet *inlet)
{
    weft_assert(inlet->buffered_bytes == 0);
    weft_log_bodies_fini(&inlet->bodies);
    inlet->inlet.operations = NULL;
}

void weft_log_inlet_collect(const struct weft_log_inlet *inlet, struct weft_samples *samples)
{
    const char *id = inlet->inlet.ingest->id;
    const char *transport = inlet->inlet.operations->transport;
    weft_otlp_inlet_collect(&inlet->inlet, samples);
    weft_log_bodies_collect(&inlet->bodies, id, transport, samples);
    weft_samples_add(samples, "weft_receiver_lines_lost", "Log lines that nobody took in the end", WEFT_SAMPLE_COUNTER,
                     (double)(inlet->lost + weft_log_bodies_lost(&inlet->bodies)),
                     WEFT_LABELS({ "receiver", id }, { "transport", transport }));
}
