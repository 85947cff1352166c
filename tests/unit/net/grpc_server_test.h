#pragma once

/* A loop, a gRPC server with one method, and raw peers on socket pairs. Time moves on by hand (advance). */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "http2_raw_peer.h"
#include "net/body_credit.h"
#include "net/grpc/server.h"
#include "suite.h"

enum { WORLD_READ_BYTES = 256 * 1024, WORLD_MAX_HELD = 256 };

enum answer { ANSWER_OK, ANSWER_TEXT, ANSWER_FAIL, ANSWER_LATER };

struct world {
    struct weft_loop *loop;
    struct weft_budget budget;
    struct weft_payload_pool *pool;
    struct weft_codec *codec;
    uint8_t *read_buffer;
    struct weft_net_context net;
    struct weft_grpc_server_settings settings;
    struct weft_body_credit_settings bodies; /* of the worker's account of half received messages */
    struct weft_grpc_server *server;
    struct raw_peer *peer;
    enum answer answer;
    size_t call_count;
    struct weft_slice expected; /* if not empty, each message must be this */
    size_t last_length;
    bool is_last_timed;
    struct weft_grpc_server_call *held[WORLD_MAX_HELD];
    size_t held_count;
    bool is_drained;
};

static struct world world;

static inline void on_call(void *context, struct weft_grpc_server_call *call, struct weft_payload *own_message,
                           struct weft_payload *wire, enum weft_encoding wire_encoding)
{
    (void)wire;
    (void)wire_encoding;
    ck_assert_ptr_eq(context, &world);
    world.call_count++;
    world.last_length = own_message->length;
    world.is_last_timed = weft_grpc_server_call_deadline(call).ns != INT64_MAX;
    ck_assert_uint_gt(weft_grpc_server_call_peer(call).length, 0);
    if (world.expected.length > 0) {
        ck_assert(weft_slice_equal(weft_payload_slice(own_message), world.expected));
    }
    weft_payload_unref(&own_message);
    switch (world.answer) {
    case ANSWER_OK:
        weft_grpc_server_call_reply(call, WEFT_SLICE_EMPTY);
        break;
    case ANSWER_TEXT:
        weft_grpc_server_call_reply(call, WEFT_SLICE_LITERAL("hello"));
        break;
    case ANSWER_FAIL:
        weft_grpc_server_call_fail(call, 8, "too \"much\": 100%\n", WEFT_SLICE_LITERAL("\x01\x02\x03\x04"));
        break;
    case ANSWER_LATER:
        ck_assert_uint_lt(world.held_count, WORLD_MAX_HELD);
        world.held[world.held_count++] = call;
        break;
    }
}

static const struct weft_grpc_server_method world_methods[] = {
    { "/test.Service/Export", on_call, &world },
    { NULL, NULL, NULL },
};

static inline void stop_loop(void *context)
{
    weft_loop_stop(context);
}

/* One turn of the loop that never waits. */
static inline void tick(void *context)
{
    (void)context;
    struct weft_deferred stop;
    weft_deferred_init(&stop, stop_loop, world.loop);
    weft_loop_defer(world.loop, &stop);
    weft_loop_run(world.loop);
}

static inline void set_up(void)
{
    weft_log_configure(&(struct weft_log_config){ .level = WEFT_LOG_ERROR, .service = "test", .descriptor = 2 });
    memset(&world, 0, sizeof world);
    world.loop = weft_loop_new();
    world.pool = weft_payload_pool_new(&world.budget, 1 << 20);
    world.codec = weft_codec_new(&world.budget);
    world.read_buffer = malloc(WORLD_READ_BYTES);
    world.net = (struct weft_net_context){ .loop = world.loop,
                                           .pool = world.pool,
                                           .codec = world.codec,
                                           .budget = &world.budget,
                                           .read_buffer = world.read_buffer,
                                           .read_buffer_bytes = WORLD_READ_BYTES };
    world.settings.max_message_bytes = 1 << 20;
}

static inline struct raw_peer *connect_silent(void)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    weft_grpc_server_adopt(world.server, pair[0]);
    return raw_peer_new(pair[1], tick, NULL);
}

static inline struct raw_peer *connect_peer(void)
{
    struct raw_peer *peer = connect_silent();
    raw_start(peer);
    raw_settle(peer);
    return peer;
}

static inline void start_server(void)
{
    world.net.bodies = weft_body_credit_new(world.loop, &world.budget, &world.bodies);
    world.server = weft_grpc_server_new(&world.net, &world.settings, world_methods, NULL);
    world.peer = connect_peer();
    ck_assert_uint_eq(world.peer->settings_count, 1);
    ck_assert_uint_eq(world.peer->settings_acks, 1);
}

static inline void set_up_server(void)
{
    set_up();
    start_server();
}

/* Everything that was reserved must have come back. */
static inline void tear_down(void)
{
    if (world.peer != NULL) {
        raw_peer_free(world.peer);
    }
    if (world.server != NULL) {
        weft_grpc_server_free(world.server);
    }
    for (size_t i = 0; i < world.held_count; i++) {
        ck_assert(!weft_grpc_server_call_reply(world.held[i], WEFT_SLICE_EMPTY));
    }
    if (world.net.bodies != NULL) {
        ck_assert_uint_eq(weft_body_credit_read(world.net.bodies).begun_count, 0);
        ck_assert_uint_eq(weft_body_credit_read(world.net.bodies).held_bytes, 0);
    }
    weft_body_credit_free(world.net.bodies);
    weft_codec_free(world.codec);
    weft_payload_pool_free(world.pool);
    ck_assert_uint_eq(weft_budget_reserved(&world.budget), 0);
    weft_loop_free(world.loop);
    free(world.read_buffer);
}

static inline void advance(int64_t ns)
{
    struct weft_timers *timers = weft_loop_timers(world.loop);
    weft_timers_touch(timers, weft_monotonic_after(weft_timers_now(timers), ns));
    raw_settle(world.peer);
}

/* One whole call with this message; returns what came back. */
static inline struct raw_stream *call_once(int32_t id, const struct raw_request *request, const void *body,
                                           size_t length)
{
    raw_headers(world.peer, id, request, false);
    raw_data(world.peer, id, body, length, true);
    raw_settle(world.peer);
    return raw_stream(world.peer, id);
}

static inline const struct weft_grpc_server_counters *counters(void)
{
    return weft_grpc_server_read_counters(world.server);
}

static const struct raw_request usual = { 0 };

static inline void assert_ok(const struct raw_stream *stream)
{
    static const uint8_t empty[5] = { 0 };
    ck_assert_int_eq(stream->http_status, 200);
    ck_assert_int_eq(stream->grpc_status, 0);
    ck_assert(stream->has_ended);
    ck_assert(!stream->has_reset);
    ck_assert_uint_eq(stream->body_length, 5);
    ck_assert_mem_eq(stream->body, empty, 5);
}

static inline int run_suite(const char *name, TCase *tcase)
{
    Suite *suite = suite_create(name);
    tcase_set_timeout(tcase, 0);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
