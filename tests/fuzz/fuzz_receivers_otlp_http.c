/* Bytes of one connection to the OTLP/HTTP receiver, over a socket pair, with its pipelines behind it. The first byte
 * chooses how the bytes are cut, the second what the receiver is configured to and what its pipelines do. Every answer
 * is HTTP, every ticket settles, and everything reserved comes back. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "receivers/otlp_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum {
    WITH_CORS = 1,
    WITH_HEADERS = 2,
    HOLDS = 4,
    REFUSES = 8,
    IS_CLOSED = 16,
    DRAINS = 32,
    NO_LOGS = 64,
    MAX_HELD = 256
};

static struct weft_loop *loop;
static struct weft_net_context net;
static struct weft_budget budget;
static struct weft_host host;
static struct weft_otlp_json json;
static uint8_t mode;
static struct weft_batch *held[MAX_HELD];
static size_t held_count;

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    (void)consumer;
    if ((mode & REFUSES) != 0) {
        return weft_fail(error, (*own_batch)->weight % 2 == 0 ? WEFT_CLOSED : WEFT_LIMIT, "fuzz \"refuses\"\r\n");
    }
    if ((mode & HOLDS) != 0 && held_count < MAX_HELD) {
        held[held_count++] = *own_batch;
        *own_batch = NULL;
        return WEFT_OK;
    }
    weft_batch_end(own_batch, NULL, -1);
    return WEFT_OK;
}

static const struct weft_consumer_operations consumer_operations = { .consume = consume };

static void set_up(void)
{
    weft_log_configure(
        &(struct weft_log_config){ .level = WEFT_LOG_ERROR, .service = "fuzz", .environment = "", .descriptor = 2 });
    loop = weft_loop_new();
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 0);
    struct weft_codec *codec = weft_codec_new(&budget);
    net = (struct weft_net_context){ .loop = loop,
                                     .pool = pool,
                                     .codec = codec,
                                     .budget = &budget,
                                     .read_buffer = weft_alloc(256 * 1024),
                                     .read_buffer_bytes = 256 * 1024 };
    struct weft_ledger *ledger = NULL;
    weft_assert(weft_ledger_open(NULL, 1, &ledger, NULL) == WEFT_OK);
    host = (struct weft_host){ .net = &net,
                               .timers = weft_loop_timers(loop),
                               .pool = pool,
                               .codec = codec,
                               .budget = &budget,
                               .ledger = ledger,
                               .books = weft_ledger_worker_of(ledger, 0),
                               .worker_count = 1,
                               .random_state = 1 };
    weft_otlp_json_init(&json);
}

static void stop(void *context)
{
    weft_loop_stop(context);
}

static void tick(void)
{
    for (int i = 0; i < 3; i++) {
        struct weft_deferred end;
        weft_deferred_init(&end, stop, loop);
        weft_loop_defer(loop, &end);
        weft_loop_run(loop);
    }
}

static void configure(struct weft_otlp_http_config *config)
{
    static char *algorithms[] = { "", "gzip", "zstd", "deflate" };
    static char *origins[] = { "https://*.a", "null" };
    static char *headers[] = { "x-a" };
    static struct weft_config_map_entry answers[] = { { "X-Served-By", "fuzz" } };
    *config = (struct weft_otlp_http_config){
        .traces_url_path = "/v1/traces",
        .metrics_url_path = "v1/metrics",
        .logs_url_path = "/v1/logs",
        .max_request_body_size = 1 << 16,
        .compression_algorithms = { algorithms, WEFT_COUNT_OF(algorithms) },
        .keep_alives_enabled = true,
        .max_connections = 4,
    };
    if ((mode & WITH_CORS) != 0) {
        config->has_cors = true;
        config->cors = (struct weft_otlp_cors_config){ { origins, 2 }, { headers, 1 }, { headers, 1 }, 5 };
    }
    if ((mode & WITH_HEADERS) != 0) {
        config->response_headers.map = (struct weft_config_map){ answers, 1 };
    }
    weft_assert(weft_otlp_http_validate(config, NULL) == WEFT_OK);
}

/* Takes what the receiver has written. */
static void read_answers(int descriptor)
{
    static char answers[1 << 20];
    static size_t length;
    length = 0;
    ssize_t count;
    while ((count = recv(descriptor, answers + length, sizeof answers - length, MSG_DONTWAIT)) > 0) {
        length += (size_t)count;
    }
    weft_assert(length == 0 || (length > 13 && memcmp(answers, "HTTP/1.1 ", 9) == 0));
}

static void converse(struct weft_otlp_inlet *inlet, const uint8_t *bytes, size_t length, size_t piece_bytes)
{
    int pair[2];
    weft_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    inlet->operations->adopt(inlet, pair[0]);
    for (size_t at = 0; at < length; at += piece_bytes) {
        size_t left = length - at;
        (void)send(pair[1], bytes + at, left < piece_bytes ? left : piece_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        tick();
        read_answers(pair[1]);
    }
    if ((mode & DRAINS) != 0) {
        inlet->operations->drain(inlet);
        tick();
    }
    close(pair[1]);
    tick();
}

static void end_held(void)
{
    static const struct weft_error failure = { .status = WEFT_IO, .text = "the backend failed" };
    while (held_count > 0) {
        held_count--;
        weft_batch_end(&held[held_count], held_count % 2 == 0 ? NULL : &failure, 5000000000);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (loop == NULL) {
        set_up();
    }
    if (length < 2) {
        return 0;
    }
    mode = bytes[1];
    uint64_t reserved_before = weft_budget_reserved(&budget);
    struct weft_otlp_http_config config;
    configure(&config);
    struct weft_consumer consumer;
    weft_consumer_init(&consumer, &consumer_operations, &host, "fuzz");
    struct weft_otlp_ingest ingest = { .host = &host, .id = "otlp", .retry_after_ns = 1500000000 };
    weft_otlp_ingest_init(&ingest);
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT - ((mode & NO_LOGS) != 0); signal++) {
        struct weft_pipeline_entrance entrance = { { WEFT_ACCOUNT_IN_FLIGHT, weft_signal_name((enum weft_signal)signal),
                                                     "fuzz", "", WEFT_DROP_NONE },
                                                   &consumer };
        ingest.entries[signal] = weft_entry_new(&host, "otlp", (enum weft_signal)signal, &entrance, 1, NULL, NULL);
    }
    if ((mode & IS_CLOSED) != 0) {
        weft_consumer_set_open(&consumer, false);
    }
    struct weft_otlp_inlet *inlet = weft_otlp_http_new(&ingest, &config, &json, NULL, NULL);
    converse(inlet, bytes + 2, length - 2, (size_t)1 << bytes[0] % 17U);
    weft_otlp_ingest_offer_waiting(&ingest, true);
    if (length % 2 == 0) {
        end_held();
    }
    inlet->operations->free(inlet);
    weft_otlp_ingest_fini(&ingest);
    end_held(); /* calls may outlive the receiver */
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        if (ingest.entries[signal] != NULL) {
            weft_entry_free(ingest.entries[signal]);
        }
    }
    weft_consumer_fini(&consumer);
    /* The codec keeps contexts that it has once made; nothing else may stay. */
    static uint64_t codec_bytes;
    codec_bytes += weft_budget_reserved(&budget) - reserved_before;
    weft_assert(codec_bytes < 16 << 20);
    return 0;
}
