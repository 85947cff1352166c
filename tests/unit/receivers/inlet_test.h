#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "receivers/otlp_http.h"

/* An inlet under test: on a loop of its own, with a client at the other end of a socket, and one pipeline behind it
 * that does as the test says. */

static struct {
    struct weft_consumer consumer; /* first */
    enum weft_status answer;
    bool holds;
    struct weft_batch *held;
    uint64_t weight; /* taken */
    size_t offers;
    size_t wire_count;     /* batches that had their wire bytes */
    size_t metadata_count; /* batches that had metadata */
    char text[4096];       /* bytes of the last request taken, for looking for words in it */
    size_t text_length;
} pipeline;

static struct weft_loop *loop;
static struct weft_net_context net;
static struct weft_budget budget;
static struct weft_host host;
static struct weft_otlp_http_config config;
static struct weft_otlp_ingest ingest;
static struct weft_otlp_inlet *inlet;
static enum weft_signal entry_signal;
static int client; /* the other end of the socket */
static char answers[64 * 1024];
static size_t answers_length;

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    (void)consumer;
    pipeline.offers++;
    if (pipeline.answer != WEFT_OK) {
        return weft_fail(error, pipeline.answer, "the pipeline refuses");
    }
    const struct weft_part *part = &(*own_batch)->parts[0];
    pipeline.weight += (*own_batch)->weight;
    pipeline.wire_count += part->wire != NULL;
    pipeline.metadata_count += (*own_batch)->metadata != NULL;
    pipeline.text_length = part->payload->length < sizeof pipeline.text ? part->payload->length : sizeof pipeline.text;
    memcpy(pipeline.text, part->payload->bytes, pipeline.text_length);
    if (pipeline.holds) {
        pipeline.held = *own_batch;
        *own_batch = NULL;
        return WEFT_OK;
    }
    weft_batch_end(own_batch, NULL, -1);
    return WEFT_OK;
}

static const struct weft_consumer_operations consumer_operations = { .consume = consume };

static void stop(void *context)
{
    weft_loop_stop(context);
}

static inline void run_loop(void)
{
    for (int i = 0; i < 12; i++) {
        struct weft_deferred end;
        weft_deferred_init(&end, stop, loop);
        weft_loop_defer(loop, &end);
        weft_loop_run(loop);
    }
}

/* Lets the receiver do what it can, and takes what it has answered. */
static inline void tick(void)
{
    run_loop();
    ssize_t count;
    while ((count = recv(client, answers + answers_length, sizeof answers - 1 - answers_length, MSG_DONTWAIT)) > 0) {
        answers_length += (size_t)count;
    }
    answers[answers_length] = '\0';
}

static inline void connect_client(void)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    client = pair[1];
    inlet->operations->adopt(inlet, pair[0]);
}

/* head without its Content-Length. */
static inline void send_request(const char *head, const void *body, size_t length)
{
    char text[400];
    int text_length = snprintf(text, sizeof text, "%sContent-Length: %zu\r\n\r\n", head, length);
    ck_assert_int_lt(text_length, (int)sizeof text);
    answers_length = 0;
    ck_assert_int_eq((int)send(client, text, (size_t)text_length, MSG_NOSIGNAL), text_length);
    ck_assert_int_eq((int)send(client, body, length, MSG_NOSIGNAL), (int)length);
    tick();
}

static inline void make_host(void)
{
    struct weft_ledger *ledger = NULL;
    ck_assert(weft_ledger_open(NULL, 1, &ledger, NULL) == WEFT_OK);
    loop = weft_loop_new();
    net = (struct weft_net_context){ .loop = loop,
                                     .pool = weft_payload_pool_new(&budget, 0),
                                     .codec = weft_codec_new(&budget),
                                     .budget = &budget,
                                     .read_buffer = weft_alloc(256 * 1024),
                                     .read_buffer_bytes = 256 * 1024 };
    host = (struct weft_host){ .net = &net,
                               .timers = weft_loop_timers(loop),
                               .pool = net.pool,
                               .codec = net.codec,
                               .budget = &budget,
                               .ledger = ledger,
                               .books = weft_ledger_worker_of(ledger, 0),
                               .worker_count = 1,
                               .random_state = 1 };
}

/* All but the inlet: a host, the config's defaults, and an ingest that leads into a pipeline of the signal. */
static inline void begin_ingest(const char *receiver_id, enum weft_signal signal, const char *pipeline_id)
{
    make_host();
    ck_assert(weft_config_parse(weft_otlp_http_fields, NULL, &config, NULL, NULL) == WEFT_OK);
    memset(&pipeline, 0, sizeof pipeline);
    weft_consumer_init(&pipeline.consumer, &consumer_operations, &host, "pipeline");
    memset(&ingest, 0, sizeof ingest);
    ingest.host = &host;
    ingest.id = receiver_id;
    ingest.retry_after_ns = 1500000000;
    weft_otlp_ingest_init(&ingest);
    entry_signal = signal;
    struct weft_pipeline_entrance entrance = { { WEFT_ACCOUNT_IN_FLIGHT, pipeline_id, pipeline_id, "", WEFT_DROP_NONE },
                                               &pipeline.consumer };
    ingest.entries[signal] = weft_entry_new(&host, receiver_id, signal, &entrance, 1, NULL, NULL);
    answers_length = 0;
}

static inline void free_inlet(void)
{
    inlet->operations->free(inlet);
    weft_otlp_ingest_fini(&ingest);
    inlet = NULL;
}

static inline void end_ingest(void)
{
    if (inlet != NULL) {
        free_inlet();
    }
    close(client);
    weft_entry_free(ingest.entries[entry_signal]);
    weft_consumer_fini(&pipeline.consumer);
    weft_config_fini(weft_otlp_http_fields, &config);
    weft_codec_free(host.codec);
    weft_payload_pool_free(host.pool);
    weft_free(net.read_buffer);
    weft_loop_free(loop);
    weft_ledger_close(host.ledger);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
