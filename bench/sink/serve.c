/* The backend: takes whole requests, books them, and answers now, later, badly or not at all, as told. */
#include "sink/serve.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/options.h"

enum { PACE_SLACK_NS = 20000000, PACE_CREDIT_NS = 500000000, GRPC_INVALID_ARGUMENT = 3 };

/* An answer that waits for its time. */
struct sink_answer {
    struct sink_answer *next;
    struct bench_stream *stream; /* NULL: the stream went first */
    int64_t due_ns;
    uint64_t rejected;
};

static double seconds_since_first(const struct sink *sink, int64_t now_ns)
{
    return sink->first_ns == 0 ? 0 : (double)(now_ns - sink->first_ns) / 1e9;
}

static bool text_is(const char *text, const char *wanted)
{
    return strcmp(text, wanted) == 0;
}

/* ---- answers ---- */

static void answer_now(struct bench_stream *stream, uint64_t rejected)
{
    if (rejected == 0) {
        bench_stream_answer(stream, NULL, 0);
        return;
    }
    struct bench_bytes partial = { 0 }, message = { 0 };
    bench_put_tag(&partial, 1, 0);
    bench_put_varint(&partial, rejected);
    bench_put_bytes(&partial, 2, "rejected by the bench", 21);
    bench_put_bytes(&message, 1, partial.bytes, partial.length);
    bench_stream_answer(stream, message.bytes, message.length);
    bench_bytes_free(&partial);
    bench_bytes_free(&message);
}

static void answer_later(struct sink *sink, struct bench_stream *stream, uint64_t rejected, int64_t due_ns)
{
    struct sink_answer *answer = bench_alloc(sizeof *answer);
    *answer = (struct sink_answer){ .stream = stream, .due_ns = due_ns, .rejected = rejected };
    stream->context = answer;
    if (sink->first_answer == NULL) {
        sink->first_answer = answer;
    } else {
        sink->last_answer->next = answer;
    }
    sink->last_answer = answer;
}

static void send_due_answers(struct sink *sink, int64_t now_ns)
{
    while (sink->first_answer != NULL && sink->first_answer->due_ns <= now_ns) {
        struct sink_answer *answer = sink->first_answer;
        sink->first_answer = answer->next;
        if (answer->stream != NULL) {
            answer->stream->context = NULL;
            answer_now(answer->stream, answer->rejected);
        }
        free(answer);
    }
}

/* When this request may be answered: 0 = now. */
static int64_t answer_time(struct sink *sink, uint64_t span_count, int64_t now_ns)
{
    const struct sink_options *options = sink->options;
    int64_t due_ns = 0;
    if (options->max_rate > 0) {
        int64_t oldest_ns = now_ns - PACE_CREDIT_NS; /* an idle moment may be made up for */
        int64_t start_ns = sink->paced_until_ns > oldest_ns ? sink->paced_until_ns : oldest_ns;
        sink->paced_until_ns = start_ns + (int64_t)((double)span_count * 1e9 / options->max_rate);
        due_ns = text_is(options->pace_mode, "answer") && sink->paced_until_ns > now_ns ? sink->paced_until_ns : 0;
    }
    double at = seconds_since_first(sink, now_ns);
    if (options->stall_seconds > 0 && text_is(options->stall_mode, "answer") && at >= options->stall_at_seconds &&
        at < options->stall_at_seconds + options->stall_seconds) {
        int64_t end_ns = sink->first_ns + (int64_t)((options->stall_at_seconds + options->stall_seconds) * 1e9);
        due_ns = due_ns > end_ns ? due_ns : end_ns;
    }
    if (due_ns == 0 && sink->first_answer != NULL) {
        due_ns = sink->last_answer->due_ns; /* keep the order */
    }
    return due_ns;
}

static bool is_refused(struct sink *sink, int64_t now_ns)
{
    const struct sink_options *options = sink->options;
    double at = seconds_since_first(sink, now_ns);
    if (at < options->refuse_from_seconds ||
        (options->refuse_until_seconds > 0 && at >= options->refuse_until_seconds)) {
        return false;
    }
    if (options->refuse_every > 0 && sink->requests % options->refuse_every == 0) {
        return true;
    }
    return options->refuse_percent > 0 &&
           (double)bench_random_below(&sink->random, 1000000) < options->refuse_percent * 10000.0;
}

/* ---- requests ---- */

static bool inflate(struct sink *sink, enum bench_encoding encoding, struct bench_range *message)
{
    if (!bench_inflate(encoding, message->at, (size_t)(message->end - message->at), &sink->inflated)) {
        return false;
    }
    *message = (struct bench_range){ sink->inflated.bytes, sink->inflated.bytes + sink->inflated.length };
    return true;
}

/* The message itself, without prefix and inflated; false if it is not one whole message. */
static bool unwrap(struct sink *sink, const struct bench_stream *stream, struct bench_range *out_request)
{
    const struct bench_body *body = stream->request;
    if (bench_protocol_prefix(sink->options->protocol) == 0) {
        *out_request = (struct bench_range){ body->bytes, body->bytes + body->length };
        return stream->encoding == BENCH_ENCODING_NONE || inflate(sink, stream->encoding, out_request);
    }
    if (body->length < BENCH_GRPC_PREFIX) {
        return false;
    }
    const uint8_t *prefix = body->bytes;
    size_t length = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
    if (length != body->length - BENCH_GRPC_PREFIX) {
        return false;
    }
    *out_request = (struct bench_range){ prefix + BENCH_GRPC_PREFIX, prefix + BENCH_GRPC_PREFIX + length };
    if (prefix[0] != 0) {
        return inflate(sink, stream->encoding, out_request);
    }
    return true;
}

static void refuse(struct sink *sink, struct bench_stream *stream, struct bench_range request)
{
    uint64_t span_count = 0;
    if (ledger_count(request, &span_count)) {
        sink->refused_spans += span_count;
    }
    sink->refused_requests++;
    bench_stream_refuse(stream, (int)sink->options->refuse_status, sink->options->retry_after_ms);
}

static void note_arrival(struct sink *sink, int64_t now_ns, size_t wire_bytes)
{
    if (sink->first_ns == 0) {
        double user, system;
        bench_cpu_seconds(&user, &system);
        sink->cpu_at_first = user + system;
        sink->first_ns = now_ns;
    }
    sink->last_ns = now_ns;
    sink->requests++;
    sink->wire_bytes += wire_bytes;
}

static void on_message(struct bench_stream *stream)
{
    struct sink *sink = stream->connection->endpoint->context;
    int64_t now_ns = bench_now_ns();
    struct bench_range request;
    note_arrival(sink, now_ns, stream->request->length);
    if (!unwrap(sink, stream, &request)) {
        sink->malformed_requests++;
        bench_stream_refuse(stream, GRPC_INVALID_ARGUMENT, 0);
        return;
    }
    sink->plain_bytes += (uint64_t)(request.end - request.at);
    if (is_refused(sink, now_ns)) {
        refuse(sink, stream, request);
        return;
    }
    bool is_partial = sink->options->partial_every > 0 && sink->requests % sink->options->partial_every == 0;
    uint64_t rejected = is_partial ? sink->options->partial_rejected : 0;
    uint64_t before = sink->ledger.received;
    if (!ledger_book(&sink->ledger, request, rejected)) {
        sink->malformed_requests++;
        bench_stream_refuse(stream, GRPC_INVALID_ARGUMENT, 0);
        return;
    }
    sink->partial_rejected_spans += rejected;
    bench_body_unref(&stream->request);
    int64_t due_ns = answer_time(sink, sink->ledger.received - before, now_ns);
    if (due_ns > now_ns) {
        answer_later(sink, stream, rejected, due_ns);
    } else {
        answer_now(stream, rejected);
    }
}

static void on_stream_closed(struct bench_stream *stream)
{
    struct sink_answer *answer = stream->context;
    if (answer != NULL) {
        answer->stream = NULL;
    }
}

static const struct bench_handlers handlers = { on_message, on_stream_closed, NULL };

/* ---- time ---- */

/* Pauses reading during a stall or while ahead of the pace; returns when that changes. */
static int64_t apply_pause(struct sink *sink, int64_t now_ns)
{
    const struct sink_options *options = sink->options;
    bool is_paused = false;
    int64_t wake_ns = BENCH_NEVER;
    if (options->stall_seconds > 0 && text_is(options->stall_mode, "read") && sink->first_ns != 0) {
        int64_t start_ns = sink->first_ns + (int64_t)(options->stall_at_seconds * 1e9);
        int64_t end_ns = start_ns + (int64_t)(options->stall_seconds * 1e9);
        is_paused = now_ns >= start_ns && now_ns < end_ns;
        wake_ns = now_ns < start_ns ? start_ns : is_paused ? end_ns : BENCH_NEVER;
    }
    if (options->max_rate > 0 && text_is(options->pace_mode, "read") && sink->paced_until_ns > now_ns + PACE_SLACK_NS) {
        is_paused = true;
        int64_t resume_ns = sink->paced_until_ns - PACE_SLACK_NS / 2;
        wake_ns = resume_ns < wake_ns ? resume_ns : wake_ns;
    }
    bench_endpoint_pause(&sink->endpoint, is_paused);
    return wake_ns;
}

static int64_t on_tick(void *context, int64_t now_ns)
{
    struct sink *sink = context;
    const struct sink_options *options = sink->options;
    send_due_answers(sink, now_ns);
    int64_t wake_ns = apply_pause(sink, now_ns);
    if (sink->first_answer != NULL && sink->first_answer->due_ns < wake_ns) {
        wake_ns = sink->first_answer->due_ns;
    }
    if (options->timeout_seconds > 0) {
        int64_t end_ns = sink->program_start_ns + (int64_t)(options->timeout_seconds * 1e9);
        sink->loop.is_stopping = now_ns >= end_ns;
        wake_ns = end_ns < wake_ns ? end_ns : wake_ns;
    }
    if (options->until_spans > 0 && sink->ledger.distinct + sink->ledger.cycled >= options->until_spans &&
        sink->first_answer == NULL) {
        sink->loop.is_stopping = true;
    }
    return wake_ns;
}

static void on_counters_ready(void *context, uint32_t events)
{
    struct sink *sink = context;
    int fd = accept4(sink->counters.fd, NULL, NULL, SOCK_CLOEXEC);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    (void)events;
    if (file != NULL) {
        sink_print(sink, file);
        fclose(file);
    }
}

void sink_run(struct sink *sink, const struct sink_options *options)
{
    sink->options = options;
    sink->ledger.is_hashing = !options->is_hash_skipped;
    sink->program_start_ns = bench_now_ns();
    bench_loop_init(&sink->loop, 256 * 1024);
    sink->endpoint = bench_endpoint_default();
    sink->endpoint.loop = &sink->loop;
    sink->endpoint.handlers = &handlers;
    sink->endpoint.protocol = options->protocol;
    sink->endpoint.context = sink;
    bench_listener_start(&sink->listener, &sink->endpoint, options->listen);
    if (options->counters != NULL) {
        char host[64];
        uint16_t port;
        bench_address_parse(options->counters, host, &port);
        sink->counters = (struct bench_watch){ bench_listen(host, port), on_counters_ready, sink };
        bench_loop_watch(&sink->loop, &sink->counters, EPOLLIN);
    }
    bench_loop_run(&sink->loop, on_tick, sink);
}

void sink_print(const struct sink *sink, FILE *file)
{
    const struct sink_ledger *ledger = &sink->ledger;
    double user, system;
    bench_cpu_seconds(&user, &system);
    double elapsed = (double)(sink->last_ns - sink->first_ns) / 1e9;
    fprintf(file, "{\n  \"mode\": \"%s\",\n  \"requests\": %" PRIu64 ",\n  \"received\": %" PRIu64 ",\n",
            ledger->cycled > 0 ? "cycled" : "unique", sink->requests, ledger->received);
    fprintf(file, "  \"distinct\": %" PRIu64 ",\n  \"duplicates\": %" PRIu64 ",\n  \"cycled\": %" PRIu64 ",\n",
            ledger->distinct, ledger->duplicates, ledger->cycled);
    fprintf(file,
            "  \"unknown\": %" PRIu64 ",\n  \"resources\": %" PRIu64 ",\n  \"malformed_requests\": %" PRIu64 ",\n",
            ledger->unknown, ledger->resources, sink->malformed_requests);
    fprintf(file,
            "  \"refused_requests\": %" PRIu64 ",\n  \"refused\": %" PRIu64 ",\n  \"partial_rejected\": %" PRIu64 ",\n",
            sink->refused_requests, sink->refused_spans, sink->partial_rejected_spans);
    fprintf(file, "  \"wire_bytes\": %" PRIu64 ",\n  \"plain_bytes\": %" PRIu64 ",\n", sink->wire_bytes,
            sink->plain_bytes);
    if (ledger->is_hashing) {
        fprintf(file, "  \"hash\": \"%016" PRIx64 "\",\n  \"tree_hash\": \"%016" PRIx64 "\",\n", ledger->hash,
                ledger->tree_hash);
    }
    fprintf(file, "  \"elapsed_seconds\": %.6f,\n  \"cpu_seconds\": %.6f,\n  \"cpu_us_per_span\": %.4f\n}\n", elapsed,
            user + system - sink->cpu_at_first,
            ledger->received > 0 ? (user + system - sink->cpu_at_first) * 1e6 / (double)ledger->received : 0.0);
}
