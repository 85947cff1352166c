/* Bytes of one HTTP/2 connection to the gRPC server, without a socket. The first byte chooses how the bytes are cut,
 * how the service answers, and whether a preface and SETTINGS are put before them. Everything reserved must come back.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/grpc/server_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { HAS_PREFACE = 1, ANSWERS_LATER = 2, FAILS = 4, PIECE_SHIFT = 3, MAX_HELD = 256 };

static struct weft_loop *loop;
static struct weft_budget budget;
static struct weft_payload_pool *pool;
static struct weft_codec *codec;
static uint8_t mode;
static struct weft_grpc_server_call *held[MAX_HELD];
static size_t held_count;

static void answer(struct weft_grpc_server_call *call)
{
    if ((mode & FAILS) != 0) {
        weft_grpc_server_call_fail(call, 14, "fuzz", WEFT_SLICE_LITERAL("details"));
    } else {
        weft_grpc_server_call_reply(call, WEFT_SLICE_LITERAL("fuzz"));
    }
}

static void on_call(void *context, struct weft_grpc_server_call *call, struct weft_payload *own_message,
                    struct weft_payload *wire, enum weft_encoding wire_encoding)
{
    (void)wire;
    (void)wire_encoding;
    (void)context;
    weft_payload_unref(&own_message);
    if ((mode & ANSWERS_LATER) != 0 && held_count < MAX_HELD) {
        held[held_count++] = call;
    } else {
        answer(call);
    }
}

static const struct weft_grpc_server_method methods[] = { { "/s/M", on_call, NULL }, { NULL, NULL, NULL } };

static void stop(void *context)
{
    weft_loop_stop(context);
}

static void tick(void)
{
    struct weft_deferred end;
    weft_deferred_init(&end, stop, loop);
    weft_loop_defer(loop, &end);
    weft_loop_run(loop);
}

static void set_up(void)
{
    weft_log_configure(
        &(struct weft_log_config){ .level = WEFT_LOG_ERROR, .service = "fuzz", .environment = "", .descriptor = 2 });
    loop = weft_loop_new();
    pool = weft_payload_pool_new(&budget, 1 << 20);
    codec = weft_codec_new(&budget);
}

static void answer_held(void)
{
    while (held_count > 0) {
        answer(held[--held_count]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    if (loop == NULL) {
        set_up();
    }
    if (length == 0) {
        return 0;
    }
    mode = bytes[0];
    struct weft_net_context net = { .loop = loop, .pool = pool, .codec = codec, .budget = &budget };
    struct weft_grpc_server_settings settings = { .max_message_bytes = 1 << 16 };
    uint64_t reserved_before = weft_budget_reserved(&budget);
    struct weft_grpc_server *server = weft_grpc_server_new(&net, &settings, methods, NULL);
    struct weft_grpc_server_connection *connection = weft_grpc_server_connection_new(server, NULL);
    if ((mode & HAS_PREFACE) != 0) {
        weft_grpc_server_connection_receive(connection, weft_slice_of(preface, 33));
    }
    size_t piece = (size_t)1 << (mode >> PIECE_SHIFT) % 16;
    for (size_t at = 1; at < length && weft_grpc_server_connection_count(server) > 0; at += piece) {
        size_t left = length - at;
        weft_grpc_server_connection_receive(connection, weft_slice_of(bytes + at, left < piece ? left : piece));
        if (piece > 16) {
            tick();
        }
    }
    if ((length & 1) != 0) {
        answer_held();
    }
    tick();
    weft_grpc_server_free(server);
    answer_held();
    /* The codec keeps contexts that it has once made; nothing else may stay. */
    static uint64_t codec_bytes;
    uint64_t kept = weft_budget_reserved(&budget) - reserved_before;
    codec_bytes += kept;
    weft_assert(codec_bytes < 16 << 20);
    return 0;
}
