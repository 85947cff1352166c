#pragma once

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "pipeline/fan_out.h"
#include "suite.h"
#include "wire/protobuf.h"

/* A host without network, real small OTLP requests, tickets that count, and consumers that do as they are told. */
static struct weft_budget budget;
static struct weft_host host;
static struct weft_account in_flight;

static inline void begin_as(uint32_t worker_count)
{
    struct weft_log_config quiet = {
        .level = WEFT_LOG_ERROR + 1, .service = "test", .environment = "", .descriptor = 2
    };
    weft_log_configure(&quiet);
    memset(&budget, 0, sizeof budget);
    struct weft_ledger *ledger = NULL;
    ck_assert(weft_ledger_open(NULL, worker_count, &ledger, NULL) == WEFT_OK);
    host = (struct weft_host){
        .timers = weft_timers_new((struct weft_monotonic){ 1 }),
        .pool = weft_payload_pool_new(&budget, 1 << 20),
        .budget = &budget,
        .ledger = ledger,
        .books = weft_ledger_worker_of(ledger, 0),
        .worker_count = worker_count,
        .random_state = 1,
    };
    in_flight = (struct weft_account){
        .kind = WEFT_ACCOUNT_IN_FLIGHT, .signal = "traces", .pipeline = "traces/test", .owner = ""
    };
}

static inline void begin(void)
{
    begin_as(1);
}

/* All payloads are back and the books are as the test has said. */
static inline void end(void)
{
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    weft_payload_pool_free(host.pool);
    weft_timers_free(host.timers);
    weft_ledger_close(host.ledger);
}

static inline void advance(int64_t ns)
{
    weft_timers_run(host.timers, weft_monotonic_after(weft_timers_now(host.timers), ns));
}

static inline struct weft_ledger_totals totals(void)
{
    struct weft_ledger_totals sum;
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(host.ledger, &snapshot) == WEFT_OK);
    weft_ledger_snapshot_totals(&snapshot, "traces", &sum);
    weft_ledger_snapshot_fini(&snapshot);
    return sum;
}

static inline uint64_t dropped_for(enum weft_drop_reason reason)
{
    uint64_t count = 0;
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(host.ledger, &snapshot) == WEFT_OK);
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct weft_ledger_balance *balance = &snapshot.balances[i];
        bool is_wanted = balance->account.kind == WEFT_ACCOUNT_DROPPED && balance->account.reason == reason;
        count += is_wanted ? balance->inflow : 0;
    }
    weft_ledger_snapshot_fini(&snapshot);
    return count;
}

/* ---- requests ---- */

static inline void put_field(struct weft_buffer *out, uint32_t number, const void *bytes, size_t length)
{
    uint8_t header[16];
    weft_buffer_append(out, header, (size_t)(weft_wire_put_bytes_header(header, number, length) - header));
    weft_buffer_append(out, bytes, length);
}

static inline void put_message(struct weft_buffer *out, uint32_t number, struct weft_buffer *message)
{
    put_field(out, number, message->bytes, message->length);
    weft_buffer_fini(message);
}

/* Span number `number`: ids, a name of its own length, and a field that no version of OTLP has. */
static inline void put_span(struct weft_buffer *out, uint32_t number)
{
    struct weft_buffer span;
    uint8_t trace_id[16] = { 0xaa };
    uint8_t span_id[8] = { 0xbb };
    char name[64];
    memcpy(trace_id + 8, &number, sizeof number);
    memcpy(span_id + 4, &number, sizeof number);
    snprintf(name, sizeof name, "span %u%.*s", number, (int)(number % 17), "-----------------");
    weft_buffer_init(&span, 0);
    put_field(&span, 1, trace_id, sizeof trace_id);
    put_field(&span, 2, span_id, sizeof span_id);
    put_field(&span, 5, name, strlen(name));
    put_field(&span, 1000, "unknown", 7);
    put_message(out, 2, &span);
}

/* Spans first .. first + count - 1, in one scope. */
static inline struct weft_payload *spans_payload(uint32_t first, uint32_t count)
{
    struct weft_buffer request, resource, scope, empty;
    weft_buffer_init(&request, 0);
    weft_buffer_init(&resource, 0);
    weft_buffer_init(&scope, 0);
    weft_buffer_init(&empty, 0);
    put_message(&resource, 1, &empty);
    for (uint32_t i = 0; i < count; i++) {
        put_span(&scope, first + i);
    }
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    struct weft_payload *payload = weft_payload_try_new(host.pool, request.length);
    weft_payload_append(payload, request.bytes, request.length);
    weft_buffer_fini(&request);
    return payload;
}

static inline struct weft_batch *batch_of(enum weft_signal signal, struct weft_payload *payload,
                                          struct weft_ticket *ticket)
{
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(weft_otlp_check(signal, weft_payload_slice(payload), NULL, &counts, &error) == WEFT_OK, "%s",
                  error.text);
    struct weft_batch *batch = weft_batch_try_new(signal, &payload, NULL, WEFT_ENCODING_IDENTITY, &counts, ticket);
    ck_assert_ptr_nonnull(batch);
    return batch;
}

static inline struct weft_batch *spans(uint32_t first, uint32_t count, struct weft_ticket *ticket)
{
    return batch_of(WEFT_TRACES, spans_payload(first, count), ticket);
}

/* points[i] data points in metric i: ExportMetricsServiceRequest with gauges. */
static inline struct weft_batch *metrics(const uint32_t *points, size_t count, struct weft_ticket *ticket)
{
    struct weft_buffer request, resource, scope;
    weft_buffer_init(&request, 0);
    weft_buffer_init(&resource, 0);
    weft_buffer_init(&scope, 0);
    for (size_t i = 0; i < count; i++) {
        struct weft_buffer metric, gauge;
        weft_buffer_init(&metric, 0);
        weft_buffer_init(&gauge, 0);
        for (uint32_t j = 0; j < points[i]; j++) {
            put_field(&gauge, 1, "\x19\0\0\0\0\0\0\0\0", 9);
        }
        put_field(&metric, 1, "m", 1);
        put_message(&metric, 5, &gauge);
        put_message(&scope, 2, &metric);
    }
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    struct weft_payload *payload = weft_payload_try_new(host.pool, request.length);
    weft_payload_append(payload, request.bytes, request.length);
    weft_buffer_fini(&request);
    return batch_of(WEFT_METRICS, payload, ticket);
}

/* One profile of so many samples, with a dictionary beside it: ExportProfilesServiceRequest. */
static inline struct weft_batch *profiles(uint32_t sample_count)
{
    struct weft_buffer request, resource, scope, profile, dictionary;
    struct weft_buffer *all[] = { &request, &resource, &scope, &profile, &dictionary };
    for (size_t i = 0; i < WEFT_COUNT_OF(all); i++) {
        weft_buffer_init(all[i], 0);
    }
    for (uint32_t i = 0; i < sample_count; i++) {
        put_field(&profile, 2, "\x08\x01", 2);
    }
    put_message(&scope, 2, &profile);
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    put_field(&dictionary, 5, "", 0);
    put_message(&request, 2, &dictionary);
    struct weft_payload *payload = weft_payload_try_new(host.pool, request.length);
    weft_payload_append(payload, request.bytes, request.length);
    weft_buffer_fini(&request);
    return batch_of(WEFT_PROFILES, payload, NULL);
}

static inline void append_bytes(const struct weft_batch *batch, struct weft_buffer *out)
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

/* Each span of the batch, in order, is byte by byte the one that put_span makes of first, first + 1, ... */
static inline void expect_spans(const struct weft_batch *batch, uint32_t first, uint32_t count)
{
    struct weft_buffer bytes, expected;
    struct weft_otlp_counts counts;
    struct weft_otlp_table table;
    struct weft_arena *arena = weft_arena_try_new();
    weft_buffer_init(&bytes, 0);
    append_bytes(batch, &bytes);
    ck_assert(weft_otlp_check(WEFT_TRACES, weft_buffer_slice(&bytes), NULL, &counts, NULL) == WEFT_OK);
    ck_assert(weft_otlp_table_build(WEFT_TRACES, weft_buffer_slice(&bytes), &counts, arena, &table, NULL) == WEFT_OK);
    ck_assert_uint_eq(batch->weight, count);
    ck_assert_uint_eq(table.record_count, count);
    for (uint32_t i = 0; i < count; i++) {
        weft_buffer_init(&expected, 0);
        put_span(&expected, first + i);
        size_t header = expected.length - table.records[i].length;
        ck_assert_uint_lt(header, expected.length);
        ck_assert_mem_eq(expected.bytes + header, table.records[i].bytes, table.records[i].length);
        weft_buffer_fini(&expected);
    }
    weft_buffer_fini(&bytes);
    weft_arena_unref(&arena);
}

/* ---- tickets ---- */

struct counted_ticket {
    struct weft_ticket ticket;
    unsigned settled;
    enum weft_status status;
    int64_t retry_after_ns;
};

static inline void counted_settled(struct weft_ticket *ticket)
{
    struct counted_ticket *counted = WEFT_CONTAINER_OF(ticket, struct counted_ticket, ticket);
    counted->settled++;
    counted->status = ticket->worst.status;
    counted->retry_after_ns = ticket->retry_after_ns;
}

static inline void counted_init(struct counted_ticket *counted, uint64_t count, enum weft_acknowledge acknowledge)
{
    memset(counted, 0, sizeof *counted);
    weft_ticket_init(&counted->ticket, count, acknowledge, counted_settled);
}

/* ---- a consumer that does as it is told ---- */

enum { MAX_KEPT = 64 };

struct stub {
    struct weft_consumer consumer;
    enum weft_status answer; /* OK: takes and keeps */
    bool must_close;         /* closes when it is offered something */
    bool must_edit;          /* renames every span of what it takes */
    struct weft_batch *kept[MAX_KEPT];
    size_t kept_count;
    unsigned offers;
    weft_flow_id sent_flow;
};

static inline void stub_edit(struct weft_batch *batch)
{
    ck_assert(weft_batch_open(batch) == WEFT_OK);
    for (size_t i = 0; i < batch->part_count; i++) {
        struct weft_otlp_table *table = &batch->parts[i].table;
        for (uint32_t j = 0; j < table->record_count; j++) {
            table->records[j].bytes = (const uint8_t *)"\x2a\x06"
                                                       "edited";
            table->records[j].length = 8;
        }
    }
    weft_batch_recount(batch);
}

static inline enum weft_status stub_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                            struct weft_error *error)
{
    struct stub *stub = WEFT_CONTAINER_OF(consumer, struct stub, consumer);
    stub->offers++;
    if (stub->must_close) {
        weft_consumer_set_open(consumer, false);
    }
    if (stub->answer != WEFT_OK) {
        return weft_fail(error, stub->answer, "%s refuses", consumer->id);
    }
    if (stub->must_edit) {
        stub_edit(*own_batch);
    }
    if ((*own_batch)->outlet_flow != WEFT_FLOW_NONE) { /* it came through an outlet */
        weft_host_book(consumer->host, (*own_batch)->outlet_flow, (*own_batch)->weight);
    }
    ck_assert_uint_lt(stub->kept_count, MAX_KEPT);
    stub->kept[stub->kept_count++] = *own_batch;
    *own_batch = NULL;
    return WEFT_OK;
}

static inline void stub_audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    const struct stub *stub = WEFT_CONTAINER_OF(consumer, struct stub, consumer);
    for (size_t i = 0; i < stub->kept_count; i++) {
        *in_out_count += stub->kept[i]->weight;
    }
}

static const struct weft_consumer_operations stub_operations = { .consume = stub_consume, .audit = stub_audit };

/* As an exporter: what it takes is queued, what it ends is sent. */
static inline void stub_init(struct stub *stub, const char *id)
{
    memset(stub, 0, sizeof *stub);
    weft_consumer_init(&stub->consumer, &stub_operations, &host, id);
    stub->consumer.held_account =
        (struct weft_account){ .kind = WEFT_ACCOUNT_QUEUED, .signal = "traces", .pipeline = "", .owner = id };
    struct weft_account sent = stub->consumer.held_account;
    sent.kind = WEFT_ACCOUNT_SENT;
    stub->sent_flow = weft_ledger_flow(host.ledger, &stub->consumer.held_account, &sent);
}

static inline void stub_end_kept(struct stub *stub, const struct weft_error *outcome)
{
    for (size_t i = 0; i < stub->kept_count; i++) {
        weft_host_book(&host, stub->sent_flow, stub->kept[i]->weight);
        weft_batch_end(&stub->kept[i], outcome, -1);
    }
    stub->kept_count = 0;
}

static inline void stub_fini(struct stub *stub)
{
    stub_end_kept(stub, NULL);
    weft_consumer_fini(&stub->consumer);
}

/* Books what a test offers to a consumer by hand. */
static inline void book_offered(uint64_t count)
{
    struct weft_account offered = {
        .kind = WEFT_ACCOUNT_OFFERED, .signal = "traces", .pipeline = "", .owner = "client"
    };
    weft_host_book(&host, weft_ledger_flow(host.ledger, &offered, &in_flight), count);
}
