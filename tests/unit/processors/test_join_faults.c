/* The join without memory, with ids that were chosen, with traces and times beyond all measure. */
#include <time.h>

#include "join_records.h"
#include "suite.h"

#define KEEP_ALL "policies: [{name: all, type: always_sample}]\n"

static void make_id(uint8_t *id, uint32_t number)
{
    memset(id, 0x33, 16);
    memcpy(id + 4, &number, sizeof number);
    memcpy(id + 12, &number, sizeof number);
}

static struct join_record record_of(size_t pipeline, const uint8_t *id, uint32_t number, uint32_t padding)
{
    return (struct join_record){ .number = number,
                                 .pipeline = pipeline,
                                 .trace_id = id,
                                 .parent = JOIN_NO_SPAN,
                                 .span = JOIN_NO_SPAN,
                                 .start_ns = 1000,
                                 .end_ns = 2000,
                                 .resource = number % JOIN_RESOURCES,
                                 .scope = number % JOIN_SCOPES,
                                 .padding = padding };
}

static uint64_t sum_of(enum weft_account_kind kind)
{
    uint64_t count = 0;
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(host.ledger, &snapshot) == WEFT_OK);
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct weft_ledger_balance *balance = &snapshot.balances[i];
        count += balance->account.kind == kind ? balance->inflow - balance->outflow : 0;
    }
    weft_ledger_snapshot_fini(&snapshot);
    return count;
}

/* ---- without memory ---- */

static unsigned settled, failed;

static void on_settled(struct weft_ticket *ticket)
{
    settled++;
    failed += ticket->worst.status != WEFT_OK;
    ck_assert(ticket->worst.status == WEFT_OK || weft_status_is_retryable(ticket->worst.status));
}

/* What came out is what came in: torn records would not even be counted by the sink's table. */
static void see(size_t pipeline, uint32_t worker, const struct weft_otlp_table *table, uint32_t row)
{
    (void)pipeline;
    (void)worker;
    ck_assert_uint_lt(join_number_of(weft_slice_of(table->records[row].bytes, table->records[row].length)), 1000);
}

enum { BATCH = 12 };

/* New traces, several contexts, one record in pieces, late ones, lines; then time. */
static void go_through(uint32_t round)
{
    static uint8_t ids[BATCH][16];
    for (size_t pipeline = 0; pipeline < 2; pipeline++) {
        struct join_record records[BATCH];
        struct weft_ticket ticket;
        for (uint32_t i = 0; i < BATCH; i++) {
            make_id(ids[i], i % 5 == 0 ? 1 : round * BATCH + i / 2);
            records[i] = record_of(pipeline, i == 7 && pipeline == 1 ? NULL : ids[i], i, i == 3 ? 9000 : 10);
        }
        struct weft_payload *payload = join_payload(records, BATCH);
        struct weft_batch *batch = batch_of(join_signal_of(pipeline), payload, &ticket);
        weft_ticket_init(&ticket, BATCH, WEFT_ACKNOWLEDGE_ACCEPTED, on_settled);
        weft_host_book(&join->hosts[0], join->offered_flow[pipeline], BATCH);
        weft_alloc_fail_at(1 + round);
        struct weft_error error = WEFT_ERROR_NONE;
        enum weft_status status = weft_consumer_consume(join->faces[0][pipeline], &batch, &error);
        join_deliver_all();
        weft_alloc_fail_at(0);
        if (status != WEFT_OK) {
            weft_host_book(&join->hosts[0], join->refused_flow[pipeline], BATCH);
            error.status = status;
            weft_batch_end(&batch, &error, -1);
        }
    }
}

static void fail_each_allocation(uint32_t worker_count, bool fails_late)
{
    enum { ROUNDS = 120 };
    join_begin(worker_count, "decision_wait: 100ms\nmax_bytes: 100000000\nverdict_memory: 65536\n" KEEP_ALL);
    join->on_out = see;
    settled = failed = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        go_through(round);
        weft_alloc_fail_at(fails_late ? 1 + round / 4 : 0);
        for (int i = 0; i < 12; i++) {
            advance(10 * WEFT_NS_PER_MS);
            join_deliver_all();
        }
        weft_alloc_fail_at(0);
        join_expect_audit();
        ck_assert_uint_eq(settled, 2 * (round + 1));
    }
    advance(WEFT_NS_PER_S);
    ck_assert_uint_eq(sum_of(WEFT_ACCOUNT_BUFFERED) + sum_of(WEFT_ACCOUNT_IN_TRANSIT), 0);
    ck_assert_uint_gt(failed, 0);
    ck_assert_uint_gt(dropped_for(WEFT_DROP_OUT_OF_MEMORY), 0);
    ck_assert_uint_eq(sum_of(WEFT_ACCOUNT_SENT) + sum_of(WEFT_ACCOUNT_DROPPED) + sum_of(WEFT_ACCOUNT_REFUSED),
                      2 * ROUNDS * BATCH);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_OUT_OF_MEMORY), sum_of(WEFT_ACCOUNT_DROPPED));
    join_drain(WEFT_DROP_SHUTDOWN, false);
    join_end();
}

START_TEST(test_each_allocation_may_fail)
{
    fail_each_allocation(1, false);
    fail_each_allocation(1, true);
    fail_each_allocation(3, true);
}
END_TEST

/* A record in many pieces goes whole or not at all. */
START_TEST(test_no_record_is_torn)
{
    unsigned dropped = 0;
    for (uint64_t at = 1; at < 12; at++) {
        uint8_t id[16];
        make_id(id, 1);
        join_begin(1, "decision_wait: 100ms\n" KEEP_ALL);
        join->on_out = see;
        struct join_record record = record_of(0, id, 1, 300000);
        ck_assert_int_eq(join_offer(0, &record, 1, NULL), WEFT_OK);
        weft_alloc_fail_at(at);
        advance(200 * WEFT_NS_PER_MS);
        weft_alloc_fail_at(0);
        join_expect_audit();
        ck_assert_uint_eq(join->sinks[0][0].records + dropped_for(WEFT_DROP_OUT_OF_MEMORY), 1);
        dropped += join->sinks[0][0].records == 0;
        join_drain(WEFT_DROP_SHUTDOWN, false);
        join_end();
    }
    ck_assert_uint_gt(dropped, 2);
}
END_TEST

/* ---- new rules ---- */

static char *rules_with(unsigned policies)
{
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    weft_buffer_append_text(&text, "decision_wait: 100ms\npolicies:\n");
    for (unsigned i = 0; i < policies; i++) {
        weft_buffer_append_format(&text,
                                  "  - {name: p%u, type: string_attribute, string_attribute: {key: k%u, values: "
                                  "[v%u]}}\n",
                                  i, i, i);
    }
    weft_buffer_append_text(&text, "  - {name: pay, type: string_attribute, string_attribute: {key: route, values: "
                                   "[\"/pay\"]}}\n");
    weft_buffer_append(&text, "", 1);
    return (char *)text.bytes;
}

/* What is held is judged by rules that need more facts than its entries had room for, memory or not. */
static void reload_to_larger_facts(uint64_t fail_at)
{
    uint8_t ids[40][16];
    char *small = rules_with(1);
    char *large = rules_with(450);
    join_begin(1, small);
    for (uint32_t i = 0; i < 40; i++) {
        make_id(ids[i], i);
        struct join_record record = record_of(0, ids[i], i, 0);
        record.route = i % 2 == 0 ? "/pay" : "/health";
        if (i == 20) {
            struct join_rules rules = join_rules_of(large);
            weft_alloc_fail_at(fail_at);
            join->cores[0]->operations->update(join->cores[0], rules.config, rules.shared);
            weft_alloc_fail_at(0);
            join_rules_free(&join->rules);
            join->rules = rules;
        }
        ck_assert_int_eq(join_offer(0, &record, 1, NULL), WEFT_OK);
    }
    for (uint32_t i = 0; i < 40; i++) {
        struct weft_trace_answer answer = join_ask(ids[i]);
        ck_assert_int_eq(answer.knowledge, WEFT_TRACE_HELD);
        weft_buffer_fini(&answer.json);
    }
    advance(200 * WEFT_NS_PER_MS);
    ck_assert_uint_eq(join->sinks[0][0].records, 20);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_SAMPLED_OUT), 20);
    weft_free(small);
    weft_free(large);
    join_drain(WEFT_DROP_SHUTDOWN, false);
    join_end();
}

START_TEST(test_rules_that_need_more_facts_go_for_what_is_held)
{
    for (uint64_t fail_at = 0; fail_at < 8; fail_at++) {
        reload_to_larger_facts(fail_at);
    }
}
END_TEST

/* ---- attacks ---- */

static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* As many ids as there are, equal in one half. */
static void attack_with_ids(size_t varied_at)
{
    enum { COUNT = 100000, PER_BATCH = 500 };
    static uint8_t ids[PER_BATCH][16];
    static struct join_record records[PER_BATCH];
    double start = seconds();
    join_begin(2, "num_traces: 1000000\nmax_bytes: 1000000000\n" KEEP_ALL);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint64_t number = (uint64_t)i + 1;
        memset(ids[i % PER_BATCH], 0x44, 16);
        memcpy(ids[i % PER_BATCH] + varied_at, &number, sizeof number);
        records[i % PER_BATCH] = record_of(0, ids[i % PER_BATCH], i, 0);
        records[i % PER_BATCH].resource = records[i % PER_BATCH].scope = 0;
        if ((i + 1) % PER_BATCH == 0) {
            ck_assert_int_eq(join_offer(0, records, PER_BATCH, NULL), WEFT_OK);
            join_deliver_all();
        }
    }
    ck_assert_uint_eq(join_held(), COUNT);
    for (int i = 0; i < 400; i++) {
        advance(100 * WEFT_NS_PER_MS);
    }
    ck_assert_uint_eq(join->sinks[0][0].records + join->sinks[1][0].records, COUNT);
    join_drain(WEFT_DROP_SHUTDOWN, false);
    join_end();
    printf("%d ids that differ in bytes %zu to %zu: %.2f s\n", COUNT, varied_at, varied_at + 7, seconds() - start);
}

START_TEST(test_ids_that_share_a_half_cost_no_more)
{
    attack_with_ids(0);
    attack_with_ids(8);
}
END_TEST

START_TEST(test_a_trace_of_a_million_spans)
{
    enum { COUNT = 1000000, PER_BATCH = 1000 };
    static struct join_record records[PER_BATCH];
    uint8_t id[16];
    double start = seconds();
    make_id(id, 1);
    join_begin(1, "decision_wait: 1h\nmax_bytes: 1000000000\n" KEEP_ALL);
    for (uint32_t i = 0; i < COUNT; i++) {
        records[i % PER_BATCH] = record_of(0, id, i, 0);
        records[i % PER_BATCH].resource = records[i % PER_BATCH].scope = 0;
        if ((i + 1) % PER_BATCH == 0) {
            ck_assert_int_eq(join_offer(0, records, PER_BATCH, NULL), WEFT_OK);
        }
    }
    printf("a trace of %d spans: taken in %.2f s, %.1f MB reserved", COUNT, seconds() - start,
           (double)weft_budget_reserved(&budget) / 1e6);
    start = seconds();
    struct weft_trace_answer answer = join_ask(id);
    ck_assert_int_eq(answer.knowledge, WEFT_TRACE_HELD);
    weft_buffer_fini(&answer.json);
    printf(", asked for in %.2f s", seconds() - start);
    start = seconds();
    join_drain(WEFT_DROP_SHUTDOWN, false);
    ck_assert_uint_eq(join->sinks[0][0].records, COUNT);
    printf(", passed on in %.2f s\n", seconds() - start);
    join_end();
}
END_TEST

/* Times of records are a year off, or none: they change no wait, and the answer is JSON all the same. */
START_TEST(test_times_of_records_decide_no_wait)
{
    static const uint64_t times[] = { 0, 1, INT64_MAX, UINT64_MAX, UINT64_C(1764000000000000000) };
    uint8_t ids[WEFT_COUNT_OF(times)][16];
    join_begin(1, "decision_wait: 100ms\n" KEEP_ALL);
    for (uint32_t i = 0; i < WEFT_COUNT_OF(times); i++) {
        make_id(ids[i], i);
        struct join_record record = record_of(0, ids[i], i, 0);
        record.start_ns = times[i];
        record.end_ns = times[WEFT_COUNT_OF(times) - 1 - i];
        ck_assert_int_eq(join_offer(0, &record, 1, NULL), WEFT_OK);
    }
    advance(99 * WEFT_NS_PER_MS);
    ck_assert_uint_eq(join->sinks[0][0].records, 0);
    advance(7 * WEFT_NS_PER_MS);
    ck_assert_uint_eq(join->sinks[0][0].records, WEFT_COUNT_OF(times));
    join_drain(WEFT_DROP_SHUTDOWN, false);
    join_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join faults");
    TCase *tests = tcase_create("faults");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, test_each_allocation_may_fail);
    tcase_add_test(tests, test_no_record_is_torn);
    tcase_add_test(tests, test_rules_that_need_more_facts_go_for_what_is_held);
    tcase_add_test(tests, test_ids_that_share_a_half_cost_no_more);
    tcase_add_test(tests, test_a_trace_of_a_million_spans);
    tcase_add_test(tests, test_times_of_records_decide_no_wait);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
