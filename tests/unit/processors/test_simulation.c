/* Simulation of consume, tickets and pressure (DESIGN "Consume, pressure, acknowledgement"): the real entry, fan-out,
 * batch processor and sender under random topologies, random backends and virtual time.
 *
 * A seed decides everything: who feeds whom, queue sizes and sizers, when clients send, and for each attempt whether
 * the backend takes it, takes it and loses the answer, refuses it for a while or for good, or rejects a part. After
 * each seed:
 *   - every ticket was settled exactly once
 *   - no memory account holds anything and offered + copied equals where everything went
 *   - a client that was promised delivery has it: every exporter's backend saw each of its records, or rejected it
 *   - sent <= distinct records at each backend <= sent + unconfirmed + what it rejected of a part, and what it
 * acknowledged is what is booked as sent
 *   - accepted is what the clients were told, and an accepted request is answered at its first hand-over
 *   - what was dropped, refused or rejected is broken down, flow by flow
 *   - payload memory is back
 * and at random moments between, the audit recounts what the books say.
 *
 * WEFT_SIMULATION_SEEDS=1000000 and WEFT_SIMULATION_FIRST_SEED choose the range; a failure names its seed. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "config/load.h"
#include "pipeline/exporter.h"
#include "pipeline/fan_out.h"
#include "processors/simulation_drops.h"
#include "suite.h"
#include "weft/component.h"
#include "wire/protobuf.h"

extern const struct weft_component weft_processor_batch;

enum {
    MAX_EXPORTERS = 3,
    MAX_PIPELINES = 2,
    MAX_REQUESTS = 24,
    MAX_RECORDS = 6,
    RECORD_COUNT = MAX_REQUESTS * MAX_RECORDS
};

static const char *const exporter_ids[MAX_EXPORTERS] = { "sim/0", "sim/1", "sim/2" };
static const char *const pipeline_ids[MAX_PIPELINES] = { "traces/0", "traces/1" };

struct simulation;

/* A backend and the exporter in front of it. */
struct sim_exporter {
    struct weft_consumer consumer;
    struct simulation *simulation;
    struct weft_sender_config config;
    struct weft_sender_shared shared;
    struct weft_sender *sender;
    unsigned bad_percent;        /* how often an attempt goes wrong */
    bool must_see[RECORD_COUNT]; /* booked as sent in full: these must have been seen */
    uint32_t seen[RECORD_COUNT]; /* how often the backend took a record */
    uint64_t lost_answers;       /* records that it took without a word */
    uint64_t acknowledged;       /* records that it said it has */
    uint64_t partly_rejected;    /* records that it said it has not, of requests that it took */
    uint64_t former_unconfirmed; /* dropped(unconfirmed) of earlier seeds */
    bool is_used;
};

struct sim_push {
    struct weft_push push;
    struct sim_exporter *exporter;
    struct weft_timer timer;
    struct weft_push_outcome outcome;
};

struct sim_request {
    struct weft_ticket ticket;
    struct simulation *simulation;
    uint32_t first_record, record_count;
    bool was_sent;
    unsigned settled;
    enum weft_status status;
    struct weft_timer timer;
};

struct simulation {
    uint64_t random;
    struct weft_host host;
    struct weft_budget budget;
    struct sim_exporter exporters[MAX_EXPORTERS];
    size_t exporter_count;
    struct weft_consumer *outlets[MAX_PIPELINES][MAX_EXPORTERS];
    struct weft_consumer *fan_outs[MAX_PIPELINES];
    struct weft_consumer *processors[MAX_PIPELINES];
    void *processor_configs[MAX_PIPELINES];
    struct weft_account in_flight[MAX_PIPELINES];
    size_t pipeline_count;
    struct weft_entry *entry;
    struct sim_request requests[MAX_REQUESTS];
    size_t request_count;
    uint64_t accepted;                /* records of requests that were not refused */
    struct weft_ledger_totals before; /* what earlier seeds left in the books */
};

static uint64_t current_seed;

static uint32_t pick(struct simulation *simulation, uint32_t bound)
{
    uint64_t state = simulation->random;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    simulation->random = state;
    return (uint32_t)(state >> 33) % bound;
}

static bool chance(struct simulation *simulation, unsigned percent)
{
    return pick(simulation, 100) < percent;
}

/* ---- requests ---- */

/* ResourceSpans{ScopeSpans{Span{span_id}*}}, the ids being record numbers. */
static struct weft_payload *make_request(struct simulation *simulation, const struct sim_request *request)
{
    enum { SPAN_BYTES = 10 };
    size_t spans_bytes = request->record_count * (SPAN_BYTES + 2);
    struct weft_payload *payload = weft_payload_try_new(simulation->host.pool, spans_bytes + 8);
    uint8_t bytes[MAX_RECORDS * (SPAN_BYTES + 2) + 8];
    uint8_t *at = weft_wire_put_bytes_header(bytes, 1, spans_bytes + 2);
    at = weft_wire_put_bytes_header(at, 2, spans_bytes);
    for (uint32_t i = 0; i < request->record_count; i++) {
        uint64_t id = request->first_record + i + 1;
        at = weft_wire_put_bytes_header(at, 2, SPAN_BYTES);
        at = weft_wire_put_bytes_header(at, 2, 8);
        memcpy(at, &id, 8);
        at += 8;
    }
    weft_payload_append(payload, bytes, (size_t)(at - bytes));
    return payload;
}

static void request_settled(struct weft_ticket *ticket)
{
    struct sim_request *request = WEFT_CONTAINER_OF(ticket, struct sim_request, ticket);
    request->settled++;
    request->status = ticket->worst.status;
}

/* In every pipeline the first hand-over comes within the call: a batch processor, or queues that do not wait. */
static bool is_handed_over_at_once(const struct simulation *simulation)
{
    for (size_t p = 0; p < simulation->pipeline_count; p++) {
        for (size_t e = 0; simulation->processors[p] == NULL && e < simulation->exporter_count; e++) {
            const struct weft_sender_config *config = &simulation->exporters[e].config;
            bool may_park = simulation->fan_outs[p] != NULL && config->sending_queue.block_on_overflow;
            if (!config->has_queue || config->sending_queue.wait_for_result || may_park) {
                return false;
            }
        }
    }
    return true;
}

static void send_request(void *context)
{
    struct sim_request *request = context;
    struct simulation *simulation = request->simulation;
    struct weft_payload *payload = make_request(simulation, request);
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(weft_otlp_check(WEFT_TRACES, weft_payload_slice(payload), NULL, &counts, &error) == WEFT_OK, "%s",
                  error.text);
    ck_assert_uint_eq(counts.records, request->record_count);
    weft_ticket_init(&request->ticket, request->record_count,
                     chance(simulation, 50) ? WEFT_ACKNOWLEDGE_ACCEPTED : WEFT_ACKNOWLEDGE_DELIVERED, request_settled);
    struct weft_batch *batch =
        weft_batch_try_new(WEFT_TRACES, &payload, NULL, WEFT_ENCODING_IDENTITY, &counts, &request->ticket);
    request->was_sent = true;
    bool is_taken = weft_entry_offer(simulation->entry, &batch) == WEFT_OK;
    ck_assert_ptr_null(batch);
    simulation->accepted += is_taken ? request->record_count : 0;
    ck_assert_msg(!is_handed_over_at_once(simulation) || request->ticket.acknowledge == WEFT_ACKNOWLEDGE_DELIVERED ||
                      request->settled == 1,
                  "seed %llu: an accepted request was not answered at the hand-over", (unsigned long long)current_seed);
}

/* ---- the backend ---- */

/* Calls act for each record of the batch. */
static void each_record(const struct weft_batch *batch, void (*act)(struct sim_exporter *exporter, uint32_t record),
                        struct sim_exporter *exporter)
{
    struct weft_arena *arena = weft_arena_try_new();
    struct weft_slices slices;
    uint8_t bytes[4096];
    size_t length = 0;
    weft_slices_init(&slices);
    ck_assert(weft_batch_emit(batch, arena, &slices) == WEFT_OK);
    ck_assert_uint_eq(slices.length, batch->size_bytes);
    for (size_t i = 0; i < slices.count; i++) {
        ck_assert_uint_le(length + slices.items[i].length, sizeof bytes);
        memcpy(bytes + length, slices.items[i].bytes, slices.items[i].length);
        length += slices.items[i].length;
    }
    struct weft_otlp_counts counts;
    struct weft_otlp_table table;
    ck_assert(weft_otlp_check(WEFT_TRACES, weft_slice_of(bytes, length), NULL, &counts, NULL) == WEFT_OK);
    ck_assert_uint_eq(counts.records, batch->weight);
    ck_assert(weft_otlp_table_build(WEFT_TRACES, weft_slice_of(bytes, length), &counts, arena, &table, NULL) ==
              WEFT_OK);
    for (uint32_t i = 0; i < table.record_count; i++) {
        uint64_t id = 0;
        memcpy(&id, table.records[i].bytes + 2, 8);
        act(exporter, (uint32_t)id - 1);
    }
    weft_slices_fini(&slices);
    weft_arena_unref(&arena);
}

static void mark_seen(struct sim_exporter *exporter, uint32_t record)
{
    exporter->seen[record]++;
}

static void mark_must_see(struct sim_exporter *exporter, uint32_t record)
{
    exporter->must_see[record] = true;
}

/* What the backend makes of an attempt; it takes the records now, the answer comes later. */
static void decide(struct sim_push *push)
{
    struct sim_exporter *exporter = push->exporter;
    struct simulation *simulation = exporter->simulation;
    const struct weft_batch *batch = push->push.batch;
    struct weft_push_outcome *outcome = &push->outcome;
    *outcome = (struct weft_push_outcome){ .retry_after_ns = -1 };
    if (!chance(simulation, exporter->bad_percent)) {
        each_record(batch, mark_seen, exporter);
        outcome->verdict = WEFT_PUSH_SENT;
        if (chance(simulation, 15)) {
            outcome->rejected_count = pick(simulation, (uint32_t)batch->weight + 2);
        }
        if (outcome->rejected_count == 0) {
            each_record(batch, mark_must_see, exporter);
        }
        return;
    }
    if (chance(simulation, 20)) {
        outcome->verdict = WEFT_PUSH_PERMANENT;
        outcome->fault = (enum weft_push_fault)pick(simulation, WEFT_PUSH_FAULT_COUNT);
        weft_fail(&outcome->error, WEFT_INVALID, "refused for good");
        return;
    }
    outcome->verdict = WEFT_PUSH_RETRY;
    weft_fail(&outcome->error, WEFT_IO, "not now");
    if (chance(simulation, 40)) {
        outcome->is_unconfirmed = true;
        if (chance(simulation, 50)) {
            each_record(batch, mark_seen, exporter);
            exporter->lost_answers += batch->weight;
        }
    }
    if (chance(simulation, 20)) {
        outcome->retry_after_ns = (int64_t)pick(simulation, 4000) * WEFT_NS_PER_MS;
    }
}

static void push_answered(void *context)
{
    struct sim_push *push = context;
    struct weft_push_outcome outcome = push->outcome;
    if (outcome.verdict == WEFT_PUSH_SENT) {
        uint64_t weight = push->push.batch->weight;
        uint64_t rejected = outcome.rejected_count > weight ? weight : outcome.rejected_count;
        push->exporter->acknowledged += weight - rejected;
        push->exporter->partly_rejected += rejected;
    }
    weft_push_done(&push->push, &outcome);
}

static void push_start(void *context, struct weft_push *untyped)
{
    struct sim_exporter *exporter = context;
    struct sim_push *push = WEFT_CONTAINER_OF(untyped, struct sim_push, push);
    push->exporter = exporter;
    weft_timer_init(&push->timer, push_answered, push);
    decide(push);
    if (chance(exporter->simulation, 30)) {
        push_answered(push);
        return;
    }
    weft_timer_set_after(exporter->simulation->host.timers, &push->timer,
                         (int64_t)pick(exporter->simulation, 3000) * WEFT_NS_PER_MS);
}

/* The answer will not be waited for: unless it was a plain refusal, nobody knows what the backend did. */
static void push_cancel(void *context, struct weft_push *untyped)
{
    struct sim_exporter *exporter = context;
    struct sim_push *push = WEFT_CONTAINER_OF(untyped, struct sim_push, push);
    if (push->outcome.verdict == WEFT_PUSH_SENT) {
        exporter->lost_answers += push->push.batch->weight;
    }
    push->outcome =
        (struct weft_push_outcome){ .verdict = WEFT_PUSH_RETRY, .retry_after_ns = -1, .is_unconfirmed = true };
    weft_fail(&push->outcome.error, WEFT_CLOSED, "cancelled");
    weft_timer_set_after(exporter->simulation->host.timers, &push->timer, 0);
}

static const struct weft_sender_operations push_operations = { push_start, push_cancel };

static struct sim_exporter *exporter_of(const struct weft_consumer *consumer)
{
    return WEFT_CONTAINER_OF(consumer, struct sim_exporter, consumer);
}

static enum weft_status exporter_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                         struct weft_error *error)
{
    return weft_sender_consume(exporter_of(consumer)->sender, own_batch, error);
}

static void exporter_audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    weft_sender_audit(exporter_of(consumer)->sender, in_out_count);
}

static const struct weft_consumer_operations exporter_operations = { .consume = exporter_consume,
                                                                     .audit = exporter_audit };

/* ---- topology ---- */

static uint64_t unconfirmed_of(struct weft_ledger *ledger, const char *exporter_id)
{
    uint64_t count = 0;
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(ledger, &snapshot) == WEFT_OK);
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct weft_account *account = &snapshot.balances[i].account;
        if (account->kind == WEFT_ACCOUNT_DROPPED && account->reason == WEFT_DROP_UNCONFIRMED &&
            strcmp(account->owner, exporter_id) == 0) {
            count += snapshot.balances[i].inflow;
        }
    }
    weft_ledger_snapshot_fini(&snapshot);
    return count;
}

static void random_sender_config(struct simulation *simulation, struct weft_sender_config *config)
{
    struct weft_queue_config *queue = &config->sending_queue;
    *config = (struct weft_sender_config){ .has_queue = chance(simulation, 80), .has_retry = chance(simulation, 80) };
    queue->num_consumers = 1 + pick(simulation, 3);
    queue->sizer.value = (int)pick(simulation, 3);
    queue->queue_size = queue->sizer.value == WEFT_SIZER_BYTES ? 50 + pick(simulation, 800) : 1 + pick(simulation, 40);
    queue->block_on_overflow = chance(simulation, 40);
    queue->wait_for_result = chance(simulation, 30);
    queue->has_batch = chance(simulation, 40);
    queue->batch.flush_timeout.ns = (int64_t)(1 + pick(simulation, 500)) * WEFT_NS_PER_MS;
    queue->batch.sizer.value = (int)pick(simulation, 3);
    queue->batch.min_size = pick(simulation, 30);
    queue->batch.max_size = chance(simulation, 50) ? 0 : queue->batch.min_size + 1 + pick(simulation, 20);
    config->retry_on_failure = (struct weft_retry_config){
        .initial_interval.ns = (int64_t)(1 + pick(simulation, 2000)) * WEFT_NS_PER_MS,
        .randomization_factor = 0.5,
        .multiplier = 1.5,
        .max_interval.ns = 5 * WEFT_NS_PER_S,
        .max_elapsed_time.ns = chance(simulation, 20) ? 0 : (int64_t)(5 + pick(simulation, 20)) * WEFT_NS_PER_S,
    };
    config->timeout.ns = 5 * WEFT_NS_PER_S;
}

static void exporter_init(struct simulation *simulation, size_t index)
{
    struct sim_exporter *exporter = &simulation->exporters[index];
    exporter->simulation = simulation;
    exporter->former_unconfirmed = unconfirmed_of(simulation->host.ledger, exporter_ids[index]);
    exporter->bad_percent = pick(simulation, 4) * 30;
    random_sender_config(simulation, &exporter->config);
    weft_consumer_init(&exporter->consumer, &exporter_operations, &simulation->host, exporter_ids[index]);
    exporter->consumer.held_account = weft_exporter_account(WEFT_TRACES, exporter_ids[index]);
    exporter->sender = weft_sender_new(&exporter->consumer, &(struct weft_sender_settings){
                                                                .config = &exporter->config,
                                                                .shared = &exporter->shared,
                                                                .operations = &push_operations,
                                                                .exporter = exporter,
                                                                .push_size_bytes = sizeof(struct sim_push),
                                                            });
}

static struct weft_consumer *batch_new(struct simulation *simulation, size_t pipeline, struct weft_consumer *next)
{
    char text[200];
    uint32_t size = pick(simulation, 12);
    uint32_t max_size = chance(simulation, 50) ? 0 : size + 1 + pick(simulation, 6);
    snprintf(text, sizeof text, "{timeout: %ums, send_batch_size: %u, send_batch_max_size: %u}", pick(simulation, 300),
             size, max_size);
    struct weft_tree *tree = NULL;
    void *config = weft_alloc(weft_processor_batch.config_size);
    ck_assert(weft_config_load_text(text, "simulation", &tree, NULL) == WEFT_OK);
    ck_assert(weft_config_parse(weft_processor_batch.fields, weft_tree_root(tree), config, NULL, NULL) == WEFT_OK);
    weft_tree_free(&tree);
    simulation->processor_configs[pipeline] = config;
    struct weft_instance_setup setup = { .host = &simulation->host,
                                         .id = "batch",
                                         .config = config,
                                         .signal = WEFT_TRACES,
                                         .in_flight = &simulation->in_flight[pipeline],
                                         .next = next };
    struct weft_consumer *consumer = NULL;
    ck_assert(weft_processor_batch.create_consumer(&setup, &consumer, NULL) == WEFT_OK);
    return consumer;
}

static struct weft_consumer *pipeline_new(struct simulation *simulation, size_t pipeline)
{
    simulation->in_flight[pipeline] = (struct weft_account){
        .kind = WEFT_ACCOUNT_IN_FLIGHT, .signal = "traces", .pipeline = pipeline_ids[pipeline], .owner = ""
    };
    struct weft_consumer **outlets = simulation->outlets[pipeline];
    size_t outlet_count = 0;
    for (size_t i = 0; i < simulation->exporter_count; i++) {
        bool is_last_chance = outlet_count == 0 && i + 1 == simulation->exporter_count;
        if (is_last_chance || chance(simulation, 60)) {
            outlets[outlet_count++] = weft_outlet_new(&simulation->host, &simulation->in_flight[pipeline],
                                                      &simulation->exporters[i].consumer);
        }
    }
    struct weft_consumer *first = outlets[0];
    if (outlet_count > 1) {
        first = weft_fan_out_new(&simulation->host, &simulation->in_flight[pipeline], outlets, outlet_count);
        simulation->fan_outs[pipeline] = first;
    }
    if (chance(simulation, 60)) {
        first = batch_new(simulation, pipeline, first);
        simulation->processors[pipeline] = first;
    }
    return first;
}

static void build(struct simulation *simulation)
{
    struct weft_pipeline_entrance entrances[MAX_PIPELINES];
    simulation->exporter_count = 1 + pick(simulation, MAX_EXPORTERS);
    simulation->pipeline_count = 1 + pick(simulation, MAX_PIPELINES);
    for (size_t i = 0; i < simulation->exporter_count; i++) {
        exporter_init(simulation, i);
    }
    for (size_t i = 0; i < simulation->pipeline_count; i++) {
        entrances[i].first = pipeline_new(simulation, i);
        entrances[i].in_flight = simulation->in_flight[i];
    }
    simulation->entry =
        weft_entry_new(&simulation->host, "client", WEFT_TRACES, entrances, simulation->pipeline_count, NULL, NULL);
    simulation->request_count = 1 + pick(simulation, MAX_REQUESTS);
    for (size_t i = 0; i < simulation->request_count; i++) {
        struct sim_request *request = &simulation->requests[i];
        request->simulation = simulation;
        request->first_record = (uint32_t)(i * MAX_RECORDS);
        request->record_count = 1 + pick(simulation, MAX_RECORDS);
        weft_timer_init(&request->timer, send_request, request);
        weft_timer_set_after(simulation->host.timers, &request->timer,
                             (int64_t)pick(simulation, 20000) * WEFT_NS_PER_MS);
    }
}

static void take_apart(struct simulation *simulation)
{
    weft_entry_free(simulation->entry);
    for (size_t i = 0; i < simulation->pipeline_count; i++) {
        if (simulation->processors[i] != NULL) {
            simulation->processors[i]->operations->free(simulation->processors[i]);
            weft_config_fini(weft_processor_batch.fields, simulation->processor_configs[i]);
            weft_free(simulation->processor_configs[i]);
        }
        if (simulation->fan_outs[i] != NULL) {
            simulation->fan_outs[i]->operations->free(simulation->fan_outs[i]);
        }
        for (size_t j = 0; j < MAX_EXPORTERS && simulation->outlets[i][j] != NULL; j++) {
            simulation->outlets[i][j]->operations->free(simulation->outlets[i][j]);
        }
    }
    for (size_t i = 0; i < simulation->exporter_count; i++) {
        weft_sender_free(simulation->exporters[i].sender);
        weft_consumer_fini(&simulation->exporters[i].consumer);
    }
}

/* ---- checks ---- */

static void audit_one(struct simulation *simulation, const struct weft_consumer *consumer)
{
    uint64_t held = 0;
    consumer->operations->audit(consumer, &held);
    ck_assert_msg(weft_ledger_worker_balance(simulation->host.ledger, simulation->host.books,
                                             &consumer->held_account) == (int64_t)held,
                  "seed %llu: %s holds %llu, its books say otherwise", (unsigned long long)current_seed, consumer->id,
                  (unsigned long long)held);
}

static void audit(struct simulation *simulation)
{
    for (size_t i = 0; i < simulation->exporter_count; i++) {
        audit_one(simulation, &simulation->exporters[i].consumer);
    }
    for (size_t i = 0; i < simulation->pipeline_count; i++) {
        if (simulation->processors[i] != NULL) {
            audit_one(simulation, simulation->processors[i]);
        }
        uint64_t parked = 0;
        if (simulation->fan_outs[i] != NULL) {
            simulation->fan_outs[i]->operations->audit(simulation->fan_outs[i], &parked);
        }
        ck_assert_int_eq(
            weft_ledger_worker_balance(simulation->host.ledger, simulation->host.books, &simulation->in_flight[i]),
            (int64_t)parked);
    }
}

static bool has_ended(const struct simulation *simulation, struct weft_ledger_totals *out_totals)
{
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(simulation->host.ledger, &snapshot) == WEFT_OK);
    weft_ledger_snapshot_totals(&snapshot, "traces", out_totals);
    weft_ledger_snapshot_fini(&snapshot);
    return out_totals->in_flight == 0 && out_totals->buffered == 0 && out_totals->queued == 0;
}

static void check_client(const struct simulation *simulation, const struct sim_request *request)
{
    ck_assert_msg(!request->was_sent || request->settled == 1, "seed %llu: a ticket was settled %u times",
                  (unsigned long long)current_seed, request->settled);
    if (!request->was_sent || request->status != WEFT_OK || request->ticket.acknowledge != WEFT_ACKNOWLEDGE_DELIVERED) {
        return;
    }
    for (size_t p = 0; p < simulation->pipeline_count; p++) {
        for (size_t o = 0; o < MAX_EXPORTERS && simulation->outlets[p][o] != NULL; o++) {
            for (size_t e = 0; e < simulation->exporter_count; e++) {
                const struct sim_exporter *exporter = &simulation->exporters[e];
                for (uint32_t r = 0;
                     exporter->consumer.id == simulation->outlets[p][o]->id && r < request->record_count; r++) {
                    ck_assert_msg(exporter->seen[request->first_record + r] > 0,
                                  "seed %llu: promised delivery of record %u, %s never saw it",
                                  (unsigned long long)current_seed, request->first_record + r, exporter->consumer.id);
                }
            }
        }
    }
}

/* sent <= distinct records at the sink <= sent + unconfirmed, where one pipeline feeds the exporter. OTLP does not say
 * which records a partial success means: this sink counts them as seen. */
static void check_exporter(const struct simulation *simulation, const struct sim_exporter *exporter)
{
    const struct weft_sender_counters *counters = weft_sender_read_counters(exporter->sender);
    uint64_t distinct = 0;
    for (size_t i = 0; i < RECORD_COUNT; i++) {
        distinct += exporter->seen[i] > 0 ? 1 : 0;
        ck_assert(!exporter->must_see[i] || exporter->seen[i] > 0);
    }
    uint64_t unconfirmed =
        unconfirmed_of(simulation->host.ledger, exporter->consumer.id) - exporter->former_unconfirmed;
    ck_assert_uint_eq(counters->sent, exporter->acknowledged);
    ck_assert_msg(counters->sent <= distinct * simulation->pipeline_count, "seed %llu: %s sent %llu of %llu records",
                  (unsigned long long)current_seed, exporter->consumer.id, (unsigned long long)counters->sent,
                  (unsigned long long)(distinct * simulation->pipeline_count));
    uint64_t allowed = counters->sent + exporter->partly_rejected + unconfirmed;
    ck_assert_msg(distinct <= allowed, "seed %llu: %s has %llu records, the books allow %llu",
                  (unsigned long long)current_seed, exporter->consumer.id, (unsigned long long)distinct,
                  (unsigned long long)allowed);
}

/* ---- one seed ---- */

static void run_until_idle(struct simulation *simulation, struct weft_monotonic until)
{
    struct weft_timers *timers = simulation->host.timers;
    while (weft_timers_next(timers).ns <= until.ns) {
        weft_timers_run(timers, weft_timers_next(timers));
        if (chance(simulation, 10)) {
            audit(simulation);
        }
    }
    weft_timers_touch(timers, until);
}

static void drain(struct simulation *simulation, bool is_forced)
{
    for (size_t i = 0; i < simulation->pipeline_count; i++) {
        if (simulation->processors[i] != NULL) {
            simulation->processors[i]->operations->drain(simulation->processors[i], WEFT_DROP_SHUTDOWN, is_forced);
        }
        if (simulation->fan_outs[i] != NULL) {
            simulation->fan_outs[i]->operations->drain(simulation->fan_outs[i], WEFT_DROP_SHUTDOWN, is_forced);
        }
    }
    for (size_t i = 0; i < simulation->exporter_count; i++) {
        weft_sender_drain(simulation->exporters[i].sender, WEFT_DROP_SHUTDOWN, is_forced);
    }
}

static uint64_t lost_in_all;

static void run_seed(uint64_t seed, struct weft_ledger *ledger)
{
    current_seed = seed;
    struct simulation *simulation = weft_alloc(sizeof *simulation);
    simulation->random = (seed + 1) * 0x9e3779b97f4a7c15;
    simulation->host = (struct weft_host){
        .timers = weft_timers_new((struct weft_monotonic){ 1 }),
        .pool = weft_payload_pool_new(&simulation->budget, 1 << 20),
        .budget = &simulation->budget,
        .ledger = ledger,
        .books = weft_ledger_worker_of(ledger, 0),
        .worker_count = 1,
        .random_state = seed + 1,
    };
    simulation->host.drops = weft_drops_new(weft_timers_now(simulation->host.timers));
    build(simulation);
    (void)has_ended(simulation, &simulation->before);
    int64_t life_ns = (int64_t)(5 + pick(simulation, 60)) * WEFT_NS_PER_S;
    run_until_idle(simulation, (struct weft_monotonic){ life_ns });
    for (size_t i = 0; i < simulation->request_count; i++) {
        weft_timer_cancel(simulation->host.timers, &simulation->requests[i].timer);
    }
    struct weft_ledger_totals totals;
    for (int step = 0; !has_ended(simulation, &totals); step++) {
        ck_assert_msg(step < 40, "seed %llu: does not drain", (unsigned long long)seed);
        drain(simulation, step > 20);
        run_until_idle(simulation,
                       weft_monotonic_after(weft_timers_now(simulation->host.timers), 100 * WEFT_NS_PER_MS));
    }
    audit(simulation);
    ck_assert_msg(totals.offered + totals.copied ==
                      totals.sent + totals.rejected + totals.dropped + totals.refused + totals.uncopied,
                  "seed %llu: the books do not balance", (unsigned long long)seed);
    ck_assert_msg(totals.offered - totals.refused - (simulation->before.offered - simulation->before.refused) ==
                      simulation->accepted,
                  "seed %llu: the books have not accepted what the clients were told", (unsigned long long)seed);
    for (size_t i = 0; i < simulation->request_count; i++) {
        check_client(simulation, &simulation->requests[i]);
    }
    for (size_t i = 0; i < simulation->exporter_count; i++) {
        check_exporter(simulation, &simulation->exporters[i]);
    }
    take_apart(simulation);
    lost_in_all += drops_check(&simulation->host, seed);
    weft_drops_free(simulation->host.drops);
    ck_assert_uint_eq(weft_budget_reserved(&simulation->budget), 0);
    weft_payload_pool_free(simulation->host.pool);
    weft_timers_free(simulation->host.timers);
    weft_free(simulation);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

START_TEST(test_any_seed_settles_every_ticket_once)
{
    struct weft_ledger *ledger = NULL;
    struct weft_log_config quiet = {
        .level = WEFT_LOG_ERROR + 1, .service = "simulation", .environment = "", .descriptor = 2
    };
    weft_log_configure(&quiet);
    ck_assert(weft_ledger_open(NULL, 1, &ledger, NULL) == WEFT_OK);
    uint64_t first = from_environment("WEFT_SIMULATION_FIRST_SEED", 0);
    uint64_t count = from_environment("WEFT_SIMULATION_SEEDS", 3000);
    for (uint64_t seed = first; seed < first + count; seed++) {
        run_seed(seed, ledger);
    }
    weft_ledger_close(ledger);
    ck_assert_uint_gt(lost_in_all, 0);
    printf("%llu seeds\n", (unsigned long long)count);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulation");
    TCase *tests = tcase_create("seeds");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, test_any_seed_settles_every_ticket_once);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
