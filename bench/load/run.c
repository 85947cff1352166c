/* The load itself. Open loop: requests are due at fixed times whatever the peer does, and latency counts from when a
 * request was due, so that a stall shows in every request it delayed. Closed loop: the next request leaves when one is
 * answered. A body is patched in place, hashed, lent to the socket, and reused as soon as the kernel has it. */
#include "load/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/connection.h"
#include "lib/sequence.h"
#include "lib/walk.h"
#include "load/cycle.h"
#include "load/json.h"

enum { TEMPLATE_COUNT = 8, RECONNECT_DELAY_NS = 100000000 };

static const char grpc_path[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
static const char grpc_logs_path[] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
static const char http_path[] = "/v1/traces";
static const char http_logs_path[] = "/v1/logs";

/* One call under way. */
struct load_request {
    struct load_request *next_idle;
    struct load *load;
    uint64_t index;
    int64_t due_ns;
    struct template_hash hash;
};

struct load {
    const struct load_options *options;
    const struct shape *shape;
    struct load_account *account;
    struct bench_loop loop;
    struct bench_endpoint endpoint;
    const char *path, *logs_path;
    struct bench_connection **connections; /* NULL = lost */
    uint64_t next_connection;
    struct template templates[TEMPLATE_COUNT];
    struct json_template jsons[TEMPLATE_COUNT];
    struct lines_template lines[TEMPLATE_COUNT];
    struct cycle cycle;
    struct bench_body_pool dealt_bodies[TRACES_REQUESTS_MAX]; /* by part of those that share their traces */
    struct template line_templates[TEMPLATE_COUNT];           /* of the lines of dealt traces */
    struct bench_body_pool line_bodies;
    int64_t dealt_ns; /* the time of the traces that are under way */
    struct load_request *idle_requests;
    uint64_t in_flight;
    uint64_t next_index;
    uint64_t last_index; /* never sent; UINT64_MAX = no limit */
    int64_t started_ns;
    int64_t send_until_ns;
    int64_t answered_ns;
    int64_t reconnect_ns;
    double interval_ns;
    struct load_result result;
};

/* ---- answers ---- */

/* The number behind the quoted name, with quotes of its own or not; 0 if there is none. */
static uint64_t json_number(const uint8_t *text, size_t length, const char *name)
{
    char copy[BENCH_REPLY_MAX + 1];
    memcpy(copy, text, length);
    copy[length] = '\0';
    const char *found = strstr(copy, name);
    return found == NULL ? 0 : strtoull(found + strlen(name) + strspn(found + strlen(name), " :\""), NULL, 10);
}

/* ExportTraceServiceResponse.partial_success.rejected_spans, 0 if there is none. */
static uint64_t rejected_spans(const struct bench_stream *stream)
{
    const struct bench_endpoint *endpoint = stream->connection->endpoint;
    size_t prefix_bytes = bench_protocol_prefix(endpoint->protocol);
    struct bench_range reply = { stream->reply + prefix_bytes, stream->reply + stream->reply_length };
    struct bench_field partial, rejected;
    uint64_t count = 0;
    if (((const struct load *)endpoint->context)->options->is_json) {
        return json_number(stream->reply, stream->reply_length, "\"rejectedSpans\"");
    }
    if (stream->reply_length <= prefix_bytes || !bench_walk_next(&reply, &partial) || partial.number != 1 ||
        partial.wire_type != 2) {
        return 0;
    }
    while (partial.value.at < partial.value.end && bench_walk_next(&partial.value, &rejected)) {
        if (rejected.number == 1 && rejected.wire_type == 0 && !bench_walk_varint(&rejected.value, &count)) {
            return 0;
        }
    }
    return count;
}

static void on_message(struct bench_stream *stream)
{
    const struct load_request *request = stream->context;
    struct load *load = request->load;
    struct load_account *account = load->account;
    int64_t now_ns = bench_now_ns();
    uint64_t rejected;
    load->answered_ns = now_ns;
    if (now_ns - load->started_ns > (int64_t)(load->options->warmup_seconds * 1e9)) {
        bench_histogram_add(&account->latency, now_ns - request->due_ns);
    }
    if (stream->grpc_status > 0) {
        account->refused_requests[stream->grpc_status < LOAD_STATUS_COUNT ? stream->grpc_status : 2]++;
        account->refused_with_details += stream->has_error_details;
    } else if (stream->grpc_status < 0) {
        account->failed_requests++; /* ended without a grpc-status */
    } else if ((rejected = rejected_spans(stream)) > 0) {
        account->partial_requests++;
        account->partial_rejected_spans += rejected;
    } else {
        account_acknowledge(account, request->index, request->hash);
    }
}

static void on_stream_closed(struct bench_stream *stream)
{
    struct load_request *request = stream->context;
    if (request == NULL) {
        return;
    }
    struct load *load = request->load;
    if (!stream->is_message_complete) {
        load->account->failed_requests++;
    }
    load->in_flight--;
    request->next_idle = load->idle_requests;
    load->idle_requests = request;
}

static void on_connection_closed(struct bench_connection *connection)
{
    struct load *load = connection->endpoint->context;
    load->result.connection_losses++;
    for (uint64_t i = 0; i < load->options->connections; i++) {
        if (load->connections[i] == connection) {
            load->connections[i] = NULL;
        }
    }
    if (!load->options->is_reconnecting) {
        fprintf(stderr, "weft-load: connection lost\n");
    }
}

static const struct bench_handlers handlers = { on_message, on_stream_closed, on_connection_closed };

/* ---- sending ---- */

static struct bench_connection *connection_with_room(struct load *load)
{
    for (uint64_t i = 0; i < load->options->connections; i++) {
        struct bench_connection *connection = load->connections[load->next_connection];
        load->next_connection = (load->next_connection + 1) % load->options->connections;
        if (connection != NULL && !connection->is_closing && connection->stream_count < load->options->in_flight) {
            return connection;
        }
    }
    return NULL;
}

/* Traces that are dealt are sent whole: none is left half. */
static bool is_between_traces(const struct load *load)
{
    return load->options->traces == NULL || load->next_index % traces_round(load->options->traces) == 0;
}

static bool is_of_lines(const struct load *load)
{
    return load->options->traces != NULL && traces_is_of_lines(load->options->traces, load->next_index);
}

/* A body is of one template for good; those of a part of the dealt traces are those of its pool. */
static const struct template *template_of(const struct load *load, const struct bench_body *body, uint64_t part)
{
    uint64_t parts = load->options->traces->requests;
    return is_of_lines(load) ? &load->line_templates[body->tag % TEMPLATE_COUNT]
                             : &load->templates[(body->tag % (TEMPLATE_COUNT / parts)) * parts + part];
}

static void fill(struct bench_body *body, const struct bench_bytes *text)
{
    if (body->capacity == 0) {
        bench_body_reserve(body, text->length);
        memcpy(body->bytes, text->bytes, text->length);
    }
    body->length = text->length;
}

static struct bench_body *next_dealt_body(struct load *load, struct template_hash *out_hash)
{
    const struct load_options *options = load->options;
    const struct traces *traces = options->traces;
    uint64_t part = traces_part(traces, load->next_index);
    struct bench_body *body = bench_body_take(is_of_lines(load) ? &load->line_bodies : &load->dealt_bodies[part]);
    const struct template *made = template_of(load, body, part);
    fill(body, &made->request);
    if (is_between_traces(load)) {
        load->dealt_ns = bench_wall_ns(); /* of all their spans: a stall must not make a trace slow */
    }
    uint64_t first = load->next_index * made->span_count;
    template_patch_dealt(made, body->bytes, first, traces, load->dealt_ns);
    *out_hash = !options->is_hashing  ? (struct template_hash){ 0, 0 }
                : options->is_sampled ? template_hash_kept(made, body->bytes, first, traces)
                                      : template_hash(made, body->bytes);
    return body;
}

static struct bench_body *next_lines_body(struct load *load, struct template_hash *out_hash)
{
    struct bench_body *body = bench_body_take(&load->endpoint.bodies);
    const struct lines_template *made = &load->lines[body->tag % TEMPLATE_COUNT];
    fill(body, &made->text);
    lines_patch(made, body->bytes, load->next_index * made->record_count, load->options->seed);
    *out_hash = (struct template_hash){ 0, 0 }; /* what a line becomes is not known here */
    return body;
}

static struct bench_body *next_body(struct load *load, struct template_hash *out_hash)
{
    if (load->options->traces != NULL) {
        return next_dealt_body(load, out_hash);
    }
    if (load->options->lines != NULL) {
        return next_lines_body(load, out_hash);
    }
    if (load->cycle.count > 0) {
        const struct cycle_request *request = &load->cycle.requests[load->next_index % load->cycle.count];
        *out_hash = request->hash;
        return bench_body_ref(request->body);
    }
    struct bench_body *body = bench_body_take(&load->endpoint.bodies);
    const struct template *made = &load->templates[body->tag % TEMPLATE_COUNT];
    const struct json_template *json = load->options->is_json ? &load->jsons[body->tag % TEMPLATE_COUNT] : NULL;
    const struct bench_bytes *text = json != NULL ? &json->text : &made->request;
    fill(body, text);
    uint8_t *request = json != NULL ? made->request.bytes : body->bytes; /* the JSON follows the template's own */
    template_patch(made, request, BENCH_SEQUENCE_UNIQUE | load->next_index * made->span_count,
                   load->shape->spans_per_trace, load->options->seed, bench_wall_ns());
    if (json != NULL) {
        json_patch(json, body->bytes, made, request);
    }
    *out_hash = load->options->is_hashing ? template_hash(made, request) : (struct template_hash){ 0, 0 };
    return body;
}

static void send_one(struct load *load, struct bench_connection *connection, int64_t due_ns)
{
    struct load_request *request = load->idle_requests;
    if (request != NULL) {
        load->idle_requests = request->next_idle;
    } else {
        request = bench_alloc(sizeof *request);
    }
    *request = (struct load_request){ .load = load, .index = load->next_index, .due_ns = due_ns };
    const char *path = is_of_lines(load) ? load->logs_path : load->path;
    struct bench_body *body = next_body(load, &request->hash);
    load->in_flight++;
    load->next_index++;
    load->account->sent_requests++;
    load->account->sent_bytes += body->length;
    if (bench_connection_call(connection, path, body, load->options->encoding, request) == NULL) {
        load->in_flight--;
        load->account->failed_requests++;
        request->next_idle = load->idle_requests;
        load->idle_requests = request;
    }
    bench_body_unref(&body);
}

static bool is_sending_over(const struct load *load, int64_t now_ns)
{
    return is_between_traces(load) && (load->next_index >= load->last_index || now_ns >= load->send_until_ns);
}

static int64_t due_ns_of(const struct load *load, uint64_t index)
{
    return load->started_ns + (int64_t)((double)index * load->interval_ns);
}

/* Sends what is due and fits; returns when to look again. */
static int64_t send_due(struct load *load, int64_t now_ns)
{
    bool is_open_loop = load->options->rate > 0;
    while (load->next_index < load->last_index) {
        int64_t due_ns = is_open_loop ? due_ns_of(load, load->next_index) : now_ns;
        if (due_ns > now_ns) {
            return due_ns < load->send_until_ns || !is_between_traces(load) ? due_ns : load->send_until_ns;
        }
        struct bench_connection *connection = connection_with_room(load);
        if (connection == NULL) {
            return load->send_until_ns > now_ns ? load->send_until_ns : BENCH_NEVER; /* an answer makes room */
        }
        send_one(load, connection, due_ns);
    }
    return BENCH_NEVER;
}

static void reconnect(struct load *load, int64_t now_ns)
{
    if (!load->options->is_reconnecting || now_ns < load->reconnect_ns) {
        return;
    }
    load->reconnect_ns = now_ns + RECONNECT_DELAY_NS;
    for (uint64_t i = 0; i < load->options->connections; i++) {
        if (load->connections[i] == NULL) {
            load->connections[i] = bench_connection_open(&load->endpoint, load->options->target);
        }
    }
}

static bool is_connected(const struct load *load)
{
    for (uint64_t i = 0; i < load->options->connections; i++) {
        if (load->connections[i] != NULL) {
            return true;
        }
    }
    return false;
}

static int64_t on_tick(void *context, int64_t now_ns)
{
    struct load *load = context;
    reconnect(load, now_ns);
    if (!is_sending_over(load, now_ns)) {
        int64_t wake_ns = send_due(load, now_ns);
        if (!is_connected(load) && !load->options->is_reconnecting) {
            load->loop.is_stopping = true;
        }
        return load->options->is_reconnecting && wake_ns > load->reconnect_ns ? load->reconnect_ns : wake_ns;
    }
    int64_t give_up_ns = now_ns;
    if (load->in_flight > 0) {
        if (load->send_until_ns > now_ns) {
            load->send_until_ns = now_ns; /* ended by count: the drain starts here */
        }
        give_up_ns = load->send_until_ns + (int64_t)(load->options->drain_seconds * 1e9);
    }
    if (now_ns >= give_up_ns) {
        load->loop.is_stopping = true;
    }
    return give_up_ns;
}

/* ---- start and end ---- */

/* message_bytes is the mean over both. */
static void prepare_lines_of_traces(struct load *load, size_t prefix_bytes)
{
    const struct load_options *options = load->options;
    uint64_t line_bytes = 0;
    for (unsigned i = 0; i < TEMPLATE_COUNT; i++) {
        load->line_templates[i] =
            template_build_lines(options->log_shape, options->traces, options->seed + i, prefix_bytes);
        line_bytes += load->line_templates[i].request.length / TEMPLATE_COUNT;
    }
    load->result.message_bytes =
        (load->result.message_bytes + options->traces->lines * line_bytes) / (1 + options->traces->lines);
}

static void prepare_bodies(struct load *load)
{
    const struct load_options *options = load->options;
    uint64_t spans = load->account->spans_per_request;
    size_t prefix_bytes = bench_protocol_prefix(options->protocol);
    if (options->encoding != BENCH_ENCODING_NONE) {
        const struct cycle_form form = { options->encoding, options->level, prefix_bytes, options->is_json };
        load->cycle =
            cycle_build(load->shape, spans, options->cycle_count, &form, options->seed, &load->endpoint.bodies);
        load->result.message_bytes = load->cycle.plain_bytes / load->cycle.count;
        return;
    }
    for (unsigned i = 0; i < TEMPLATE_COUNT && options->lines != NULL; i++) {
        load->lines[i] = lines_build(options->lines, spans, options->seed + i);
        load->result.message_bytes += load->lines[i].text.length / TEMPLATE_COUNT;
    }
    for (unsigned i = 0; i < TEMPLATE_COUNT && options->lines == NULL; i++) {
        load->templates[i] = options->traces == NULL
                                 ? template_build(load->shape, spans, options->seed + i, prefix_bytes)
                                 : template_build_dealt(load->shape, options->traces, i % options->traces->requests,
                                                        options->seed + i, prefix_bytes);
        if (options->is_json) {
            load->jsons[i] = json_build(&load->templates[i]);
        }
        load->result.message_bytes += load->templates[i].request.length / TEMPLATE_COUNT;
    }
    if (options->traces != NULL && options->traces->lines > 0) {
        prepare_lines_of_traces(load, prefix_bytes);
    }
}

static void connect_all(struct load *load)
{
    load->connections = bench_alloc_zero(load->options->connections, sizeof(struct bench_connection *));
    for (uint64_t i = 0; i < load->options->connections; i++) {
        load->connections[i] = bench_connection_open(&load->endpoint, load->options->target);
        if (load->connections[i] == NULL && !load->options->is_reconnecting) {
            bench_die("weft-load: nobody listens on %s", load->options->target);
        }
    }
}

static void start_clock(struct load *load)
{
    const struct load_options *options = load->options;
    uint64_t spans = load->account->spans_per_request;
    load->interval_ns = options->rate > 0 ? (double)spans * 1e9 / options->rate : 0;
    load->last_index = options->spans > 0 ? (options->spans + spans - 1) / spans : UINT64_MAX;
    if (options->traces != NULL && load->last_index != UINT64_MAX) {
        uint64_t requests = traces_round(options->traces);
        load->last_index = (load->last_index + requests - 1) / requests * requests;
    }
    load->started_ns = load->answered_ns = bench_now_ns();
    load->send_until_ns = options->seconds > 0 ? load->started_ns + (int64_t)(options->seconds * 1e9) : BENCH_NEVER;
}

static void count_unsent(struct load *load)
{
    const struct load_options *options = load->options;
    if (options->rate > 0 && options->seconds > 0) {
        uint64_t due = (uint64_t)(options->seconds * 1e9 / load->interval_ns);
        due = due < load->last_index ? due : load->last_index;
        load->result.unsent_requests = due > load->next_index ? due - load->next_index : 0;
    }
}

struct load_result load_run(const struct load_options *options, const struct shape *shape, struct load_account *account)
{
    struct load *load = bench_alloc_zero(1, sizeof *load);
    double user, system;
    load->options = options;
    load->shape = shape;
    load->account = account;
    bench_loop_init(&load->loop, 64 * 1024);
    load->endpoint = bench_endpoint_default();
    load->endpoint.loop = &load->loop;
    load->endpoint.handlers = &handlers;
    load->endpoint.context = load;
    load->endpoint.send_frame_bytes = (uint32_t)options->frame_bytes;
    load->endpoint.protocol = options->protocol;
    load->endpoint.content_type = options->is_json ? "application/json" : "application/x-protobuf";
    load->path = options->protocol == &bench_protocol_grpc ? grpc_path : http_path;
    load->logs_path = options->protocol == &bench_protocol_grpc ? grpc_logs_path : http_logs_path;
    if (options->lines != NULL) {
        load->path = options->lines->path;
        load->endpoint.content_type = options->lines->type;
    }
    prepare_bodies(load);
    connect_all(load);
    bench_cpu_seconds(&user, &system);
    start_clock(load);
    bench_loop_run(&load->loop, on_tick, load);
    account->failed_requests += load->in_flight;
    bench_cpu_seconds(&load->result.cpu_user_seconds, &load->result.cpu_system_seconds);
    load->result.cpu_user_seconds -= user;
    load->result.cpu_system_seconds -= system;
    load->result.elapsed_seconds = (double)(load->answered_ns - load->started_ns) / 1e9;
    count_unsent(load);
    return load->result; /* the process ends here; its memory goes with it */
}
