/* The inlet that reads lines from a descriptor (log_stdin.h). One request is under way at a time: its lines are in the
 * request's payload, kept until it is settled well, and only the beginning of the next line is in the buffer. */
#include "receivers/log_stdin.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/loop.h"

enum { READ_AHEAD = 64 * 1024 };

struct log_stdin;

/* Outlives the inlet if the pipelines still hold what it waits for. */
struct stdin_call {
    struct weft_otlp_call call;
    struct weft_payload *message; /* to be offered again; NULL: nothing is under way */
    struct weft_otlp_counts counts;
};

struct log_stdin {
    struct weft_otlp_inlet inlet;
    struct weft_log_bodies bodies;
    struct stdin_call *call;
    int descriptor;
    struct weft_watch *watch; /* NULL: a file, which is always ready, or the end has come */
    struct weft_timer read_timer;
    struct weft_timer offer_timer;
    uint8_t *buffer;
    size_t length, capacity;
    bool is_reading;  /* pressure lets it */
    bool is_skipping; /* the rest of a line that was too long */
    bool is_ended;    /* nothing more will be read */
    bool is_draining;
    bool is_offered; /* the call is with the ingest */
    uint64_t lost;   /* records that nobody took in the end */
};

static const struct weft_otlp_inlet_operations stdin_operations;

static struct log_stdin *stdin_of(const struct weft_otlp_inlet *inlet)
{
    weft_assert(inlet->operations == &stdin_operations);
    return WEFT_CONTAINER_OF(inlet, struct log_stdin, inlet);
}

static struct weft_host *host_of(const struct log_stdin *input)
{
    return input->inlet.ingest->host;
}

static bool is_busy(const struct log_stdin *input)
{
    return input->call->message != NULL;
}

/* Reads on where it may. */
static void update_interest(struct log_stdin *input)
{
    bool wants = input->is_reading && !input->is_ended && !is_busy(input) && !weft_timer_is_set(&input->offer_timer);
    if (input->watch != NULL) {
        weft_watch_set_interest(input->watch, wants ? WEFT_READABLE : 0);
    } else if (!wants) {
        weft_timer_cancel(host_of(input)->timers, &input->read_timer);
    } else if (!weft_timer_is_set(&input->read_timer)) {
        weft_timer_set_after(host_of(input)->timers, &input->read_timer, 0);
    }
}

/* ---- offering ---- */

static void offer(struct log_stdin *input)
{
    struct stdin_call *call = input->call;
    weft_assert(is_busy(input) && !input->is_offered);
    struct weft_otlp_request request = {
        .signal = WEFT_LOGS, .message = weft_payload_ref(call->message), .is_counted = true, .counts = call->counts
    };
    input->is_offered = true;
    weft_otlp_ingest_take(&input->inlet, &call->call, &request);
}

/* The first length bytes of the buffer are lines; false: no memory for them, they stay there. */
static bool take_lines(struct log_stdin *input, size_t length)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct stdin_call *call = input->call;
    struct weft_payload *message = NULL;
    struct weft_slice body = { input->buffer, length };
    weft_assert(!is_busy(input));
    if (weft_log_bodies_read(&input->bodies, body, false, SIZE_MAX, weft_wall_now(), host_of(input)->pool, &message,
                             &call->counts, &error) != WEFT_OK) {
        return false;
    }
    input->length -= length;
    memmove(input->buffer, input->buffer + length, input->length);
    if (call->counts.records == 0) {
        weft_payload_unref(&message);
        return true;
    }
    call->message = message;
    offer(input);
    return true;
}

/* What can be offered of the buffer: whole lines; all of it when no more comes, or when it is full. */
static size_t ready_length(const struct log_stdin *input)
{
    const uint8_t *last = input->length == 0 ? NULL : memrchr(input->buffer, '\n', input->length);
    bool is_all = input->is_ended || (last == NULL && input->length == input->capacity);
    return is_all ? input->length : last == NULL ? 0 : (size_t)(last + 1 - input->buffer);
}

static void take_what_is_ready(struct log_stdin *input)
{
    while (!is_busy(input)) {
        size_t length = ready_length(input);
        if (length == 0) {
            break;
        }
        bool is_cut = !input->is_ended && input->buffer[length - 1] != '\n';
        if (!take_lines(input, length)) {
            weft_timer_set_after(host_of(input)->timers, &input->offer_timer, input->inlet.ingest->retry_after_ns);
            break;
        }
        input->is_skipping = input->is_skipping || is_cut;
    }
    update_interest(input);
}

static void offer_again(void *context)
{
    struct log_stdin *input = stdin_of(context);
    if (!is_busy(input)) {
        take_what_is_ready(input);
    } else if (weft_otlp_ingest_is_open(input->inlet.ingest) || input->is_draining) {
        offer(input);
    } else {
        weft_timer_set_after(host_of(input)->timers, &input->offer_timer, input->inlet.ingest->retry_after_ns);
    }
}

static void give_up(struct log_stdin *input, const struct weft_error *failure)
{
    input->lost += input->call->counts.records;
    weft_log(WARN, "receiver.lines_lost", "lines from the standard input were refused for good",
             WEFT_LOG_STRING("receiver", input->inlet.ingest->id),
             WEFT_LOG_INT("lines", (int64_t)input->call->counts.records), WEFT_LOG_STRING("error", failure->text));
}

/* May run inside offer: what follows waits for a tick of its own. */
static void answer(struct weft_otlp_call *base, const struct weft_error *failure, int64_t retry_after_ns)
{
    weft_assert(base->operations == &stdin_operations);
    struct stdin_call *call = WEFT_CONTAINER_OF(base, struct stdin_call, call);
    if (base->inlet == NULL) {
        weft_payload_unref(&call->message);
        weft_free(call);
        return;
    }
    struct log_stdin *input = stdin_of(base->inlet);
    weft_assert(input->call == call && input->is_offered);
    input->is_offered = false;
    if (failure != NULL && weft_status_is_retryable(failure->status) && !input->is_draining) {
        weft_timer_set_after(host_of(input)->timers, &input->offer_timer, retry_after_ns);
        return;
    }
    if (failure != NULL) {
        give_up(input, failure);
    }
    weft_payload_unref(&call->message);
    weft_timer_set_after(host_of(input)->timers, &input->offer_timer, 0);
}

/* ---- reading ---- */

static void end(struct log_stdin *input)
{
    input->is_ended = true;
    weft_watch_free(input->watch);
    input->watch = NULL;
    input->is_skipping = false;
}

/* Of a line that was too long the rest, up to its end. */
static void skip_rest(struct log_stdin *input)
{
    const uint8_t *found = input->length == 0 ? NULL : memchr(input->buffer, '\n', input->length);
    size_t skipped = found == NULL ? input->length : (size_t)(found + 1 - input->buffer);
    input->is_skipping = found == NULL;
    weft_assert(skipped <= input->length);
    input->length -= skipped;
    memmove(input->buffer, input->buffer + skipped, input->length);
}

static void read_more(struct log_stdin *input)
{
    weft_assert(input->length < input->capacity);
    ssize_t count = read(input->descriptor, input->buffer + input->length, input->capacity - input->length);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        update_interest(input);
        return;
    }
    if (count <= 0) {
        weft_log(INFO, "receiver.input_ended", "the standard input has ended",
                 WEFT_LOG_STRING("receiver", input->inlet.ingest->id),
                 WEFT_LOG_STRING("error", count < 0 ? strerror(errno) : ""));
        end(input);
    } else {
        input->length += (size_t)count;
        if (input->is_skipping) {
            skip_rest(input);
        }
    }
    take_what_is_ready(input);
}

static void on_readable(void *context, unsigned readiness)
{
    (void)readiness;
    read_more(stdin_of(context));
}

static void on_read_timer(void *context)
{
    read_more(stdin_of(context));
}

/* ---- life cycle ---- */

static void set_reading(struct weft_otlp_inlet *inlet, bool is_reading)
{
    struct log_stdin *input = stdin_of(inlet);
    input->is_reading = is_reading && weft_otlp_ingest_is_open(inlet->ingest);
    update_interest(input);
}

/* What is in the buffer is offered once; what is not read yet stays in the pipe. */
static void drain(struct weft_otlp_inlet *inlet)
{
    struct log_stdin *input = stdin_of(inlet);
    input->is_draining = true;
    end(input);
    weft_timer_cancel(host_of(input)->timers, &input->read_timer);
    if (weft_timer_is_set(&input->offer_timer)) {
        weft_timer_set_after(host_of(input)->timers, &input->offer_timer, 0);
    } else {
        take_what_is_ready(input);
    }
}

/* 1 while lines are on their way that only the inlet knows of. */
static size_t connection_count(const struct weft_otlp_inlet *inlet)
{
    const struct log_stdin *input = stdin_of(inlet);
    return input->is_draining ? is_busy(input) || input->length > 0 : 0;
}

static void collect(const struct weft_otlp_inlet *inlet, struct weft_samples *samples)
{
    const struct log_stdin *input = stdin_of(inlet);
    weft_otlp_inlet_collect(inlet, samples);
    weft_log_bodies_collect(&input->bodies, inlet->ingest->id, "stdin", samples);
    weft_samples_add(samples, "weft_receiver_lines_lost", "Log lines that nobody took in the end", WEFT_SAMPLE_COUNTER,
                     (double)input->lost, WEFT_LABELS({ "receiver", inlet->ingest->id }, { "transport", "stdin" }));
}

static void stdin_free(struct weft_otlp_inlet *inlet)
{
    struct log_stdin *input = stdin_of(inlet);
    end(input);
    weft_timer_cancel(host_of(input)->timers, &input->read_timer);
    weft_timer_cancel(host_of(input)->timers, &input->offer_timer);
    weft_log_bodies_fini(&input->bodies);
    if (!input->is_offered) {
        weft_payload_unref(&input->call->message);
        weft_free(input->call);
    }
    weft_free(input->buffer);
    inlet->operations = NULL;
    weft_free(input);
}

static const struct weft_otlp_inlet_operations stdin_operations = {
    .transport = "stdin",
    .answer = answer,
    .set_reading = set_reading,
    .drain = drain,
    .connection_count = connection_count,
    .collect = collect,
    .free = stdin_free,
};

/* Pipes, sockets and terminals tell when there is something; files and devices are always ready. */
static bool is_always_ready(int descriptor)
{
    struct stat state;
    return fstat(descriptor, &state) != 0 || S_ISREG(state.st_mode) || (S_ISCHR(state.st_mode) && !isatty(descriptor));
}

struct weft_otlp_inlet *weft_log_stdin_new(struct weft_otlp_ingest *ingest, int descriptor,
                                           const struct weft_log_line_settings *settings)
{
    struct log_stdin *input = weft_alloc(sizeof *input);
    size_t max_line_bytes = settings->max_line_bytes == 0 ? (size_t)WEFT_LINE_DEFAULT_BYTES : settings->max_line_bytes;
    input->inlet.operations = &stdin_operations;
    input->inlet.ingest = ingest;
    input->descriptor = descriptor;
    input->call = weft_alloc(sizeof *input->call);
    /* A byte more than the limit: so that a line that is too long is seen to be. */
    input->capacity = max_line_bytes + 1 > READ_AHEAD ? max_line_bytes + 1 : READ_AHEAD;
    input->buffer = weft_alloc(input->capacity);
    input->is_reading = true;
    weft_log_bodies_init(&input->bodies, settings);
    weft_timer_init(&input->read_timer, on_read_timer, &input->inlet);
    weft_timer_init(&input->offer_timer, offer_again, &input->inlet);
    if (!is_always_ready(descriptor)) {
        input->watch = weft_watch_new(ingest->host->net->loop, descriptor, 0, on_readable, &input->inlet);
    }
    update_interest(input);
    return &input->inlet;
}
