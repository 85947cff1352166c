/* The inlet that reads lines from a descriptor (log_stdin.h); what becomes of them is log_stream.h's. */
#include "receivers/log_stdin.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/loop.h"
#include "receivers/log_stream.h"

struct log_stdin {
    struct weft_log_inlet base;
    struct weft_log_stream stream;
    int descriptor;
    struct weft_watch *watch; /* NULL: a file, which is always ready, or the end has come */
    struct weft_timer read_timer;
};

static const struct weft_otlp_inlet_operations stdin_operations;

static struct log_stdin *stdin_of(const struct weft_otlp_inlet *inlet)
{
    weft_assert(inlet->operations == &stdin_operations);
    return WEFT_CONTAINER_OF(inlet, struct log_stdin, base.inlet);
}

static struct weft_timers *timers_of(const struct log_stdin *input)
{
    return input->base.inlet.ingest->host->timers;
}

/* ---- reading ---- */

/* Reads on where it may. */
static void update_interest(struct log_stdin *input)
{
    bool wants = weft_log_stream_wants_more(&input->stream);
    if (input->watch != NULL) {
        weft_watch_set_interest(input->watch, wants ? WEFT_READABLE : 0);
    } else if (!wants) {
        weft_timer_cancel(timers_of(input), &input->read_timer);
    } else if (!weft_timer_is_set(&input->read_timer)) {
        weft_timer_set_after(timers_of(input), &input->read_timer, 0);
    }
}

static void on_changed(struct weft_log_stream *stream)
{
    update_interest(WEFT_CONTAINER_OF(stream, struct log_stdin, stream));
}

static void stop_watching(struct log_stdin *input)
{
    weft_watch_free(input->watch);
    input->watch = NULL;
}

static void end(struct log_stdin *input, const char *reason)
{
    weft_log(INFO, "receiver.input_ended", "the standard input has ended",
             WEFT_LOG_STRING("receiver", input->base.inlet.ingest->id), WEFT_LOG_STRING("error", reason));
    stop_watching(input);
    weft_log_stream_end(&input->stream);
}

static void read_more(struct log_stdin *input)
{
    size_t capacity = 0;
    uint8_t *room = weft_log_stream_room(&input->stream, &capacity);
    if (room == NULL) {
        update_interest(input);
        return;
    }
    ssize_t count = read(input->descriptor, room, capacity);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        update_interest(input);
    } else if (count <= 0) {
        end(input, count < 0 ? strerror(errno) : "");
    } else {
        weft_log_stream_take(&input->stream, (size_t)count);
    }
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
    input->base.is_reading = is_reading && weft_otlp_ingest_is_open(inlet->ingest);
    update_interest(input);
}

/* What is in the buffer is offered once; what is not read yet stays in the pipe. */
static void drain(struct weft_otlp_inlet *inlet)
{
    struct log_stdin *input = stdin_of(inlet);
    input->base.is_draining = true;
    stop_watching(input);
    weft_timer_cancel(timers_of(input), &input->read_timer);
    weft_log_stream_drain(&input->stream);
}

/* 1 while lines are on their way that only the inlet knows of. */
static size_t connection_count(const struct weft_otlp_inlet *inlet)
{
    const struct log_stdin *input = stdin_of(inlet);
    return input->base.is_draining && !weft_log_stream_is_done(&input->stream);
}

static void collect(const struct weft_otlp_inlet *inlet, struct weft_samples *samples)
{
    weft_log_inlet_collect(&stdin_of(inlet)->base, samples);
}

static void stdin_free(struct weft_otlp_inlet *inlet)
{
    struct log_stdin *input = stdin_of(inlet);
    stop_watching(input);
    weft_timer_cancel(timers_of(input), &input->read_timer);
    weft_log_stream_fini(&input->stream);
    weft_log_inlet_fini(&input->base);
    weft_free(input);
}

static const struct weft_otlp_inlet_operations stdin_operations = {
    .transport = "stdin",
    .answer = weft_log_stream_answer,
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
    weft_log_inlet_init(&input->base, &stdin_operations, ingest, settings);
    weft_log_stream_init(&input->stream, &input->base, on_changed);
    input->descriptor = descriptor;
    weft_timer_init(&input->read_timer, on_read_timer, &input->base.inlet);
    if (!is_always_ready(descriptor)) {
        input->watch = weft_watch_new(ingest->host->net->loop, descriptor, 0, on_readable, &input->base.inlet);
    }
    update_interest(input);
    return &input->base.inlet;
}
