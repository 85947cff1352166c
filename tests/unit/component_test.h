#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "config/load.h"
#include "pipeline/fan_out.h"
#include "suite.h"
#include "weft/component.h"
#include "wire/protobuf.h"

/* A component between an in_flight account and a sink, on a host without network: config from YAML text, batches from
 * bytes, time by hand. */
struct component_fixture {
    struct weft_host host;
    struct weft_budget budget;
    const struct weft_component *component;
    struct weft_tree *tree;
    void *config;
    void *shared;
    struct weft_consumer *consumer;
    struct weft_consumer *outlet; /* exporters: what feeds them */
    struct weft_account in_flight;
    weft_flow_id offered_flow; /* offered -> in_flight */
};

/* Takes batches as `answer` says and keeps the bytes of the last one. */
struct component_sink {
    struct weft_consumer consumer;
    enum weft_status answer;
    weft_flow_id sent_flow;
    uint64_t batch_count, weight;
    struct weft_buffer last;
};

static struct component_fixture fixture;
static int64_t fixture_turn_ns; /* of the host; 0: long edits are done at once */
static struct component_sink sink;

static inline void append_batch(const struct weft_batch *batch, struct weft_buffer *out)
{
    struct weft_arena *arena = weft_arena_try_new();
    struct weft_slices slices;
    weft_slices_init(&slices);
    ck_assert(weft_batch_emit(batch, arena, &slices) == WEFT_OK);
    ck_assert_uint_eq(slices.length, batch->size_bytes);
    for (size_t i = 0; i < slices.count; i++) {
        weft_buffer_append(out, slices.items[i].bytes, slices.items[i].length);
    }
    weft_slices_fini(&slices);
    weft_arena_unref(&arena);
}

static inline enum weft_status sink_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                            struct weft_error *error)
{
    if (sink.answer != WEFT_OK) {
        return weft_fail(error, sink.answer, "the sink refuses");
    }
    sink.batch_count++;
    sink.weight += (*own_batch)->weight;
    weft_buffer_clear(&sink.last);
    append_batch(*own_batch, &sink.last);
    weft_host_book(consumer->host, sink.sent_flow, (*own_batch)->weight);
    weft_batch_end(own_batch, NULL, -1);
    return WEFT_OK;
}

static const struct weft_consumer_operations sink_operations = { .consume = sink_consume };

static inline void fixture_begin(enum weft_signal signal)
{
    struct weft_ledger *ledger = NULL;
    memset(&fixture, 0, sizeof fixture);
    memset(&sink, 0, sizeof sink);
    ck_assert(weft_ledger_open(NULL, 1, &ledger, NULL) == WEFT_OK);
    fixture.host = (struct weft_host){
        .timers = weft_timers_new((struct weft_monotonic){ 1 }),
        .pool = weft_payload_pool_new(&fixture.budget, 1 << 20),
        .codec = weft_codec_new(&fixture.budget),
        .budget = &fixture.budget,
        .ledger = ledger,
        .books = weft_ledger_worker_of(ledger, 0),
        .worker_count = 1,
        .random_state = 1,
        .turn_ns = fixture_turn_ns,
    };
    const char *signal_name = weft_signal_name(signal);
    fixture.in_flight = (struct weft_account){ WEFT_ACCOUNT_IN_FLIGHT, signal_name, "test", "", WEFT_DROP_NONE };
    struct weft_account offered = { WEFT_ACCOUNT_OFFERED, signal_name, "", "test", WEFT_DROP_NONE };
    struct weft_account sent = { WEFT_ACCOUNT_SENT, signal_name, "", "sink", WEFT_DROP_NONE };
    fixture.offered_flow = weft_ledger_flow(ledger, &offered, &fixture.in_flight);
    weft_consumer_init(&sink.consumer, &sink_operations, &fixture.host, "sink");
    sink.sent_flow = weft_ledger_flow(ledger, &fixture.in_flight, &sent);
    weft_buffer_init(&sink.last, 0);
}

/* Parses and validates; the error goes to *out_error. */
static inline enum weft_status component_configure(const struct weft_component *component, const char *yaml,
                                                   struct weft_error *out_error)
{
    fixture.component = component;
    fixture.config = weft_alloc(component->config_size);
    ck_assert(weft_config_load_text(yaml, "test.yaml", &fixture.tree, out_error) == WEFT_OK);
    enum weft_status status =
        weft_config_parse(component->fields, weft_tree_root(fixture.tree), fixture.config, NULL, out_error);
    if (status == WEFT_OK && component->validate != NULL) {
        status = component->validate(fixture.config, out_error);
        if (status != WEFT_OK) {
            weft_config_fini(component->fields, fixture.config);
        }
    }
    if (status != WEFT_OK) {
        weft_free(fixture.config);
        weft_tree_free(&fixture.tree);
        fixture.config = NULL;
    }
    return status;
}

static inline void component_expect_refused(const struct weft_component *component, const char *yaml,
                                            enum weft_status expected, const char *text)
{
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(component_configure(component, yaml, &error) == expected, "%s: %s", yaml, error.text);
    ck_assert_msg(strstr(error.text, text) != NULL, "%s: \"%s\" is not in \"%s\"", yaml, text, error.text);
}

static inline enum weft_status component_create(const struct weft_component *component, const char *yaml,
                                                enum weft_signal signal, struct weft_error *error)
{
    ck_assert_msg(component_configure(component, yaml, error) == WEFT_OK, "%s", error->text);
    if (component->share != NULL) {
        enum weft_status status = component->share(fixture.config, "test", &fixture.budget, &fixture.shared, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    struct weft_instance_setup setup = { .host = &fixture.host,
                                         .id = "test",
                                         .config = fixture.config,
                                         .shared = fixture.shared,
                                         .signal = signal,
                                         .in_flight = &fixture.in_flight,
                                         .next = &sink.consumer };
    enum weft_status status = component->create_consumer(&setup, &fixture.consumer, error);
    if (status == WEFT_OK && component->kind == WEFT_EXPORTER) {
        fixture.outlet = weft_outlet_new(&fixture.host, &fixture.in_flight, fixture.consumer);
    }
    return status;
}

static inline void component_begin(const struct weft_component *component, const char *yaml, enum weft_signal signal)
{
    struct weft_error error = WEFT_ERROR_NONE;
    fixture_begin(signal);
    ck_assert_msg(component_create(component, yaml, signal, &error) == WEFT_OK, "%s", error.text);
}

/* Everything is given back, and the books balance with nothing held. */
static inline void fixture_end(void)
{
    if (fixture.outlet != NULL) {
        fixture.outlet->operations->free(fixture.outlet);
    }
    if (fixture.consumer != NULL) {
        fixture.consumer->operations->free(fixture.consumer);
    }
    if (fixture.shared != NULL) {
        fixture.component->unshare(fixture.shared);
    }
    if (fixture.config != NULL) {
        weft_config_fini(fixture.component->fields, fixture.config);
        weft_free(fixture.config);
        weft_tree_free(&fixture.tree);
    }
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(fixture.host.ledger, &snapshot) == WEFT_OK);
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct weft_ledger_balance *balance = &snapshot.balances[i];
        if (balance->account.kind == WEFT_ACCOUNT_QUEUED || balance->account.kind == WEFT_ACCOUNT_BUFFERED) {
            ck_assert_uint_eq(balance->inflow, balance->outflow);
        }
    }
    weft_ledger_snapshot_fini(&snapshot);
    weft_consumer_fini(&sink.consumer);
    weft_buffer_fini(&sink.last);
    weft_codec_free(fixture.host.codec);
    weft_payload_pool_free(fixture.host.pool);
    weft_timers_free(fixture.host.timers);
    weft_ledger_close(fixture.host.ledger);
    ck_assert_uint_eq(weft_budget_reserved(&fixture.budget), 0);
}

static inline void advance(int64_t ns)
{
    weft_timers_run(fixture.host.timers, weft_monotonic_after(weft_timers_now(fixture.host.timers), ns));
}

/* Sum of what flowed into one account kind. */
static inline uint64_t booked(enum weft_account_kind kind)
{
    uint64_t sum = 0;
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(fixture.host.ledger, &snapshot) == WEFT_OK);
    for (size_t i = 0; i < snapshot.count; i++) {
        sum += snapshot.balances[i].account.kind == kind ? snapshot.balances[i].inflow : 0;
    }
    weft_ledger_snapshot_fini(&snapshot);
    return sum;
}

/* ---- messages ---- */

static inline void put_field(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    uint8_t header[16];
    uint8_t *end = weft_wire_put_bytes_header(header, number, contents.length);
    weft_buffer_append(out, header, (size_t)(end - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

/* The contents of *own_message as a field of out; the message is gone. */
static inline void put_message(struct weft_buffer *out, uint32_t number, struct weft_buffer *own_message)
{
    put_field(out, number, weft_buffer_slice(own_message));
    weft_buffer_fini(own_message);
}

/* ResourceX { ScopeX { record } }: the export request of one record. */
static inline void put_request(struct weft_buffer *out, struct weft_slice record)
{
    struct weft_buffer scope = { 0 };
    struct weft_buffer resource = { 0 };
    put_field(&scope, 2, record);
    put_message(&resource, 2, &scope);
    put_message(out, 1, &resource);
}

static inline struct weft_batch *batch_of(enum weft_signal signal, struct weft_slice request,
                                          struct weft_ticket *ticket)
{
    struct weft_payload *payload = weft_payload_try_new(fixture.host.pool, request.length);
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    weft_payload_append(payload, request.bytes, request.length);
    ck_assert_msg(weft_otlp_check(signal, request, NULL, &counts, &error) == WEFT_OK, "%s", error.text);
    struct weft_batch *batch = weft_batch_try_new(signal, &payload, NULL, WEFT_ENCODING_IDENTITY, &counts, ticket);
    weft_host_book(&fixture.host, fixture.offered_flow, batch->weight);
    return batch;
}

/* Offers one request; what is refused is ended. */
static inline enum weft_status offer(enum weft_signal signal, struct weft_slice request, struct weft_ticket *ticket)
{
    struct weft_batch *batch = batch_of(signal, request, ticket);
    struct weft_consumer *first = fixture.outlet != NULL ? fixture.outlet : fixture.consumer;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_consumer_consume(first, &batch, &error);
    ck_assert((status == WEFT_OK) == (batch == NULL));
    if (batch != NULL) {
        weft_batch_end(&batch, &error, -1);
    }
    return status;
}

/* A span with this name and the ids 0102.. and a1a2... */
static inline void put_span(struct weft_buffer *out, const char *name)
{
    static const uint8_t trace_id[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
    static const uint8_t span_id[8] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8 };
    put_field(out, 1, weft_slice_of(trace_id, sizeof trace_id));
    put_field(out, 2, weft_slice_of(span_id, sizeof span_id));
    put_field(out, 5, weft_slice_of_text(name));
}

static inline void put_string_attribute(struct weft_buffer *out, uint32_t number, const char *key, const char *value)
{
    struct weft_buffer any = { 0 };
    struct weft_buffer key_value = { 0 };
    put_field(&any, 1, weft_slice_of_text(value));
    put_field(&key_value, 1, weft_slice_of_text(key));
    put_message(&key_value, 2, &any);
    put_message(out, number, &key_value);
}

/* A request of one span that has this name. */
static inline enum weft_status offer_span(const char *name, struct weft_ticket *ticket)
{
    struct weft_buffer span = { 0 };
    struct weft_buffer request = { 0 };
    put_span(&span, name);
    put_request(&request, weft_buffer_slice(&span));
    enum weft_status status = offer(WEFT_TRACES, weft_buffer_slice(&request), ticket);
    weft_buffer_fini(&span);
    weft_buffer_fini(&request);
    return status;
}

static inline int component_run(const char *name, void (*add)(TCase *))
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    add(tests);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
