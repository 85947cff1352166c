#pragma once

#include "base/alloc.h"
#include "base/log.h"
#include "fake_grpc_server.h"
#include "net/grpc/client.h"
#include "net/resolver.h"
#include "loop_test.h"
#include "suite.h"

/* A loop, a fake server, a client to it and calls that remember how they ended. */
enum { READ_BUFFER_BYTES = 256 * 1024, MAX_CALLS = 16 };

struct call {
    struct weft_grpc_client_request request;
    struct weft_slice *slices;
    uint8_t *bytes;
    size_t length;
    unsigned done_count;
    int grpc_status;
    bool is_unconfirmed, is_truncated;
    char message[512];
    uint8_t response[64];
    size_t response_length;
    uint8_t details[64];
    size_t details_length;
};

struct bench {
    struct weft_loop *loop;
    struct weft_budget budget;
    struct weft_payload_pool *pool;
    struct weft_codec *codec;
    uint8_t *read_buffer;
    struct weft_net_context net;
    struct fake_server server;
    struct weft_grpc_client_settings settings;
    struct weft_grpc_client *client;
    struct call calls[MAX_CALLS];
};

static struct bench bench;

static void set_up(void)
{
    weft_log_configure(&(struct weft_log_config){ .level = WEFT_LOG_ERROR, .service = "test", .descriptor = 2 });
    memset(&bench, 0, sizeof bench);
    bench.loop = weft_loop_new();
    bench.pool = weft_payload_pool_new(&bench.budget, 1 << 20);
    bench.codec = weft_codec_new(&bench.budget);
    bench.read_buffer = malloc(READ_BUFFER_BYTES);
    bench.net = (struct weft_net_context){ .loop = bench.loop,
                                           .pool = bench.pool,
                                           .codec = bench.codec,
                                           .budget = &bench.budget,
                                           .read_buffer = bench.read_buffer,
                                           .read_buffer_bytes = READ_BUFFER_BYTES };
    bench.server.loop = bench.loop;
    weft_list_init(&bench.server.connections);
    bench.settings.reconnect_min_ns = 20 * WEFT_NS_PER_MS;
    bench.settings.reconnect_max_ns = 50 * WEFT_NS_PER_MS;
}

static inline void start_server(fake_fn on_request)
{
    bench.server.on_request = on_request;
    fake_listen(&bench.server);
}

static inline void open_channel(void)
{
    snprintf(bench.settings.endpoint.host, sizeof bench.settings.endpoint.host, "127.0.0.1");
    bench.settings.endpoint.port = bench.server.port;
    bench.client = weft_grpc_client_new(&bench.net, &bench.settings, NULL);
}

static void free_call_bytes(struct call *call)
{
    if (call->bytes != NULL) {
        memset(call->bytes, 0xEE, call->length); /* the kernel reads freed memory without a word */
    }
    free(call->slices);
    free(call->bytes);
    call->slices = NULL;
    call->bytes = NULL;
}

static void tear_down(void)
{
    if (bench.client != NULL) {
        weft_grpc_client_free(bench.client);
    }
    fake_stop_listening(&bench.server);
    fake_close_all(&bench.server);
    for (size_t i = 0; i < MAX_CALLS; i++) {
        free_call_bytes(&bench.calls[i]);
    }
    weft_loop_free(bench.loop);
    weft_codec_free(bench.codec);
    weft_payload_pool_free(bench.pool);
    free(bench.read_buffer);
    ck_assert_uint_eq(weft_budget_reserved(&bench.budget), 0);
}

/* ---- calls ---- */

static void on_done(void *context, const struct weft_grpc_client_result *result)
{
    struct call *call = context;
    call->done_count++;
    call->grpc_status = result->grpc_status;
    call->is_unconfirmed = result->is_unconfirmed;
    call->is_truncated = result->is_truncated;
    snprintf(call->message, sizeof call->message, "%s", result->message);
    call->response_length = result->response.length;
    call->details_length = result->details.length;
    ck_assert_uint_le(result->details.length, sizeof call->details);
    memcpy(call->response, result->response.bytes != NULL ? result->response.bytes : (const uint8_t *)"",
           result->response.length < sizeof call->response ? result->response.length : sizeof call->response);
    if (result->details.length > 0) {
        memcpy(call->details, result->details.bytes, result->details.length);
    }
    free_call_bytes(call); /* as the contract allows: whoever still reads them is caught by ASan */
}

static uint8_t pattern_byte(size_t position)
{
    return (uint8_t)(position * 131 + position / 251);
}

/* A message of length bytes in slices of slice_bytes; timeout_ns 0 = no deadline. */
static struct call *make_call(size_t index, size_t length, size_t slice_bytes, int64_t timeout_ns)
{
    struct call *call = &bench.calls[index];
    free_call_bytes(call);
    memset(call, 0, sizeof *call);
    size_t slice_count = slice_bytes > 0 ? (length + slice_bytes - 1) / slice_bytes : 0;
    call->bytes = malloc(length + 1);
    call->length = length;
    call->slices = calloc(slice_count + 1, sizeof *call->slices);
    for (size_t i = 0; i < length; i++) {
        call->bytes[i] = pattern_byte(i);
    }
    for (size_t i = 0; i < slice_count; i++) {
        size_t start = i * slice_bytes;
        call->slices[i] =
            weft_slice_of(call->bytes + start, length - start < slice_bytes ? length - start : slice_bytes);
    }
    struct weft_monotonic deadline = WEFT_NEVER;
    if (timeout_ns != 0) {
        weft_timers_touch(weft_loop_timers(bench.loop), weft_monotonic_now());
        deadline = weft_monotonic_after(weft_timers_now(weft_loop_timers(bench.loop)), timeout_ns);
    }
    call->request = (struct weft_grpc_client_request){ .path = "/test.Service/Call",
                                                       .slices = call->slices,
                                                       .slice_count = slice_count,
                                                       .length = length,
                                                       .deadline = deadline,
                                                       .on_done = on_done,
                                                       .context = call };
    return call;
}

static struct call *start_call(size_t index, size_t length, size_t slice_bytes, int64_t timeout_ns)
{
    struct call *call = make_call(index, length, slice_bytes, timeout_ns);
    weft_grpc_client_start(bench.client, &call->request);
    ck_assert_uint_eq(call->done_count, 0); /* never inside _start */
    return call;
}

static inline bool is_pattern(const uint8_t *framed, size_t framed_length, size_t message_length)
{
    const uint8_t prefix[5] = { 0, (uint8_t)(message_length >> 24), (uint8_t)(message_length >> 16),
                                (uint8_t)(message_length >> 8), (uint8_t)message_length };
    for (size_t i = 0; i < framed_length; i++) {
        if (framed[i] != (i < 5 ? prefix[i] : pattern_byte(i - 5))) {
            return false;
        }
    }
    return true;
}

/* ---- running ---- */

static inline void run_until(bool (*is_reached)(void))
{
    run_loop_until(bench.loop, is_reached);
}

static bool are_all_done(void)
{
    for (size_t i = 0; i < MAX_CALLS; i++) {
        if (bench.calls[i].request.on_done != NULL && bench.calls[i].done_count == 0) {
            return false;
        }
    }
    return true;
}

static inline void run_ticks(unsigned count)
{
    run_loop_ticks(bench.loop, count);
}

static inline void run_calls(void)
{
    run_until(are_all_done);
    run_ticks(3);
    for (size_t i = 0; i < MAX_CALLS; i++) {
        ck_assert_uint_le(bench.calls[i].done_count, 1);
    }
}

static inline struct weft_grpc_client_state client_state(void)
{
    struct weft_grpc_client_state state;
    weft_grpc_client_read_state(bench.client, &state);
    return state;
}

static inline int run_suite_with(const char *name, const TTest *const *tests, size_t count, void (*before)(void),
                                 void (*after)(void))
{
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < count; i++) {
        TCase *tcase = tcase_create(tests[i]->name);
        tcase_set_timeout(tcase, 0);
        tcase_add_checked_fixture(tcase, before, after);
        tcase_add_test(tcase, tests[i]);
        suite_add_tcase(suite, tcase);
    }
    return suite_run(suite);
}

static inline int run_suite(const char *name, const TTest *const *tests, size_t count)
{
    return run_suite_with(name, tests, count, set_up, tear_down);
}
