/* weft-floor: the least that a relay over HTTP/2 can do, as the measure for weft. One thread; collects each request
 * body in a recycled buffer, sends the very bytes on, answers the client when the backend has answered. It checks
 * nothing, counts nothing, retries nothing and bounds nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/check.h"
#include "lib/connection.h"
#include "lib/options.h"

static const char export_path[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

enum { UPSTREAM_MAX = 64, GRPC_INVALID_ARGUMENT = 3, GRPC_UNAVAILABLE = 14 };

/* One request on its way: the client's stream and the backend's. Either may go first. */
struct relay {
    struct relay *next_idle;
    struct bench_stream *downstream;
    struct bench_stream *upstream;
    struct bench_body *kept; /* --keep */
};

struct floor {
    struct bench_loop loop;
    struct bench_endpoint server;
    struct bench_endpoint client;
    struct bench_listener listener;
    struct bench_body_pool copies;
    struct bench_connection *upstreams[UPSTREAM_MAX];
    uint64_t upstream_count;
    uint64_t next_upstream;
    const char *target;
    struct relay *idle_relays;
    bool is_walking;
    bool is_copying;
    bool is_keeping;
    bool is_early;
    uint64_t requests;
    uint64_t bytes;
    uint64_t spans; /* --walk only */
    uint64_t refused;
};

static struct relay *relay_take(struct floor *floor)
{
    struct relay *relay = floor->idle_relays;
    if (relay != NULL) {
        floor->idle_relays = relay->next_idle;
    } else {
        relay = bench_alloc(sizeof *relay);
    }
    *relay = (struct relay){ 0 };
    return relay;
}

static void relay_release_if_done(struct floor *floor, struct relay *relay)
{
    if (relay->downstream == NULL && relay->upstream == NULL) {
        bench_body_unref(&relay->kept);
        relay->next_idle = floor->idle_relays;
        floor->idle_relays = relay;
    }
}

static struct bench_connection *upstream_of(struct floor *floor)
{
    uint64_t i = floor->next_upstream++ % floor->upstream_count;
    if (floor->upstreams[i] == NULL) {
        floor->upstreams[i] = bench_connection_open(&floor->client, floor->target);
    }
    return floor->upstreams[i];
}

static bool walk(struct floor *floor, const struct bench_body *body)
{
    struct bench_range request = { body->bytes + BENCH_GRPC_PREFIX, body->bytes + body->length };
    uint64_t span_count;
    if (body->length < BENCH_GRPC_PREFIX || !bench_check_request(request, &span_count)) {
        return false;
    }
    floor->spans += span_count;
    return true;
}

static struct bench_body *copy_of(struct floor *floor, struct bench_body **own_body)
{
    struct bench_body *copy = bench_body_take(&floor->copies);
    bench_body_reserve(copy, (*own_body)->length);
    bench_body_append(copy, (*own_body)->bytes, (*own_body)->length);
    bench_body_unref(own_body);
    return copy;
}

static void refuse(struct floor *floor, struct bench_stream *stream, int grpc_status)
{
    floor->refused++;
    bench_stream_refuse(stream, grpc_status, 0);
}

static void on_request(struct bench_stream *stream)
{
    struct floor *floor = stream->connection->endpoint->context;
    floor->requests++;
    floor->bytes += stream->request->length;
    if (floor->is_walking && !walk(floor, stream->request)) {
        refuse(floor, stream, GRPC_INVALID_ARGUMENT);
        return;
    }
    if (floor->is_copying) {
        stream->request = copy_of(floor, &stream->request);
    }
    struct bench_connection *upstream = upstream_of(floor);
    struct relay *relay = relay_take(floor);
    if (upstream != NULL) {
        relay->upstream = bench_connection_call(upstream, export_path, stream->request, stream->encoding, relay);
    }
    if (relay->upstream == NULL) {
        relay_release_if_done(floor, relay);
        refuse(floor, stream, GRPC_UNAVAILABLE);
        return;
    }
    if (floor->is_keeping) {
        relay->kept = bench_body_ref(stream->request);
    }
    bench_body_unref(&stream->request);
    if (floor->is_early) {
        bench_stream_answer(stream, NULL, 0);
    } else {
        relay->downstream = stream;
        stream->context = relay;
    }
}

static void on_downstream_closed(struct bench_stream *stream)
{
    struct relay *relay = stream->context;
    if (relay != NULL) {
        relay->downstream = NULL;
        relay_release_if_done(stream->connection->endpoint->context, relay);
    }
}

static void on_answer(struct bench_stream *stream)
{
    struct relay *relay = stream->context;
    if (relay->downstream == NULL) {
        return;
    }
    if (stream->grpc_status == 0) {
        size_t length = stream->reply_length > BENCH_GRPC_PREFIX ? stream->reply_length - BENCH_GRPC_PREFIX : 0;
        bench_stream_answer(relay->downstream, stream->reply + BENCH_GRPC_PREFIX, length);
    } else {
        bench_stream_refuse(relay->downstream, stream->grpc_status > 0 ? stream->grpc_status : GRPC_UNAVAILABLE, 0);
    }
}

static void on_upstream_closed(struct bench_stream *stream)
{
    struct relay *relay = stream->context;
    struct floor *floor = stream->connection->endpoint->context;
    if (relay == NULL) {
        return;
    }
    if (!stream->is_message_complete && relay->downstream != NULL) {
        refuse(floor, relay->downstream, GRPC_UNAVAILABLE);
    }
    if (relay->downstream != NULL) {
        relay->downstream->context = NULL;
        relay->downstream = NULL;
    }
    relay->upstream = NULL;
    relay_release_if_done(floor, relay);
}

static void on_upstream_lost(struct bench_connection *connection)
{
    struct floor *floor = connection->endpoint->context;
    for (uint64_t i = 0; i < floor->upstream_count; i++) {
        if (floor->upstreams[i] == connection) {
            floor->upstreams[i] = NULL;
        }
    }
}

static const struct bench_handlers server_handlers = { on_request, on_downstream_closed, NULL };
static const struct bench_handlers client_handlers = { on_answer, on_upstream_closed, on_upstream_lost };

static int64_t on_tick(void *context, int64_t now_ns)
{
    (void)context;
    (void)now_ns;
    return BENCH_NEVER;
}

static void print_summary(const struct floor *floor)
{
    double user, system;
    bench_cpu_seconds(&user, &system);
    printf("{\"requests\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"spans_walked\": %" PRIu64 ", \"refused\": %" PRIu64
           ", \"cpu_user_seconds\": %.6f, \"cpu_system_seconds\": %.6f, \"cpu_seconds_per_gb\": %.4f, "
           "\"body_blocks\": %zu}\n",
           floor->requests, floor->bytes, floor->spans, floor->refused, user, system,
           floor->bytes > 0 ? (user + system) * 1e9 / (double)floor->bytes : 0.0,
           floor->server.bodies.block_count + floor->copies.block_count);
}

int main(int argc, char **argv)
{
    static struct floor floor;
    const char *listen = "127.0.0.1:4317", *acknowledge = "delivered";
    uint64_t connections = 4, read_kib = 256, write_kib = 1024, frame_kib = 1024;
    floor.target = "127.0.0.1:4319";
    const struct bench_option table[] = {
        { "listen", "host:port (127.0.0.1:4317)", .text = &listen },
        { "target", "host:port of the backend (127.0.0.1:4319)", .text = &floor.target },
        { "connections", "to the backend (4)", .number = &connections },
        { "ack", "delivered: answer when the backend did; early: at once (delivered)", .text = &acknowledge },
        { "walk", "check every request structurally to its last byte", .flag = &floor.is_walking },
        { "memcpy", "copy every request once more", .flag = &floor.is_copying },
        { "keep", "hold every request until it is answered, as a relay that retries must", .flag = &floor.is_keeping },
        { "read-kib", "size of a read (256)", .number = &read_kib },
        { "write-kib", "gathered for one writev (1024)", .number = &write_kib },
        { "frame-kib", "largest DATA frame, both ways (1024)", .number = &frame_kib },
        { NULL },
    };
    bench_options_parse(table, "weft-floor: the physical limit of an OTLP/gRPC relay", argc, argv);
    floor.is_early = strcmp(acknowledge, "early") == 0;
    floor.upstream_count = connections < UPSTREAM_MAX ? connections : UPSTREAM_MAX;
    bench_loop_init(&floor.loop, read_kib * 1024);
    floor.server = bench_endpoint_default();
    floor.server.loop = &floor.loop;
    floor.server.context = &floor;
    floor.server.write_bytes = write_kib * 1024;
    floor.server.send_frame_bytes = floor.server.receive_frame_bytes = (uint32_t)frame_kib * 1024;
    floor.client = floor.server;
    floor.server.handlers = &server_handlers;
    floor.client.handlers = &client_handlers;
    bench_listener_start(&floor.listener, &floor.server, listen);
    bench_loop_run(&floor.loop, on_tick, &floor);
    print_summary(&floor);
    bench_end();
}
