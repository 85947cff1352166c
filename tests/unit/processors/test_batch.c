/* Processor `batch`: merges, splits, waits and gives way to pressure; every span's bytes out are its bytes in. */
#include "base/hash.h"
#include "config/load.h"
#include "pipeline/pipeline_test.h"
#include "suite.h"
#include "weft/component.h"

extern const struct weft_component weft_processor_batch;

static struct stub stub;
static struct weft_consumer *outlet, *processor;
static struct weft_tree *tree;
static void *config;
static struct weft_hash_secret secret;

static void begin_with(const char *yaml)
{
    struct weft_error error = WEFT_ERROR_NONE;
    begin();
    host.secret = &secret;
    stub_init(&stub, "stub");
    outlet = weft_outlet_new(&host, &in_flight, &stub.consumer);
    config = weft_alloc(weft_processor_batch.config_size);
    ck_assert(weft_config_load_text(yaml, "test.yaml", &tree, &error) == WEFT_OK);
    ck_assert_msg(weft_config_parse(weft_processor_batch.fields, weft_tree_root(tree), config, NULL, &error) ==
                          WEFT_OK &&
                      weft_processor_batch.validate(config, &error) == WEFT_OK,
                  "%s", error.text);
    struct weft_instance_setup setup = {
        .host = &host, .id = "batch", .config = config, .signal = WEFT_TRACES, .in_flight = &in_flight, .next = outlet
    };
    ck_assert(weft_processor_batch.create_consumer(&setup, &processor, &error) == WEFT_OK);
}

static uint64_t held(void)
{
    uint64_t count = 0;
    processor->operations->audit(processor, &count);
    return count;
}

static void expect_books(void)
{
    ck_assert_int_eq(weft_ledger_worker_balance(host.ledger, host.books, &processor->held_account), (int64_t)held());
    ck_assert_int_eq(weft_ledger_worker_balance(host.ledger, host.books, &in_flight), 0);
}

static void end_all(void)
{
    processor->operations->drain(processor, WEFT_DROP_SHUTDOWN, true);
    expect_books();
    processor->operations->free(processor);
    stub_end_kept(&stub, NULL);
    outlet->operations->free(outlet);
    stub_fini(&stub);
    weft_config_fini(weft_processor_batch.fields, config);
    weft_free(config);
    weft_tree_free(&tree);
    end();
}

static enum weft_status give(struct weft_batch *batch)
{
    struct weft_error error = WEFT_ERROR_NONE;
    uint64_t weight = batch->weight;
    book_offered(weight);
    enum weft_status status = weft_consumer_consume(processor, &batch, &error);
    if (status != WEFT_OK) {
        struct weft_account refused = {
            .kind = WEFT_ACCOUNT_REFUSED, .signal = "traces", .pipeline = "", .owner = "client"
        };
        weft_host_book(&host, weft_ledger_flow(host.ledger, &in_flight, &refused), weight);
        weft_batch_end(&batch, &error, -1);
    }
    expect_books();
    return status;
}

START_TEST(test_batch_waits_for_its_size)
{
    begin_with("{send_batch_size: 10, timeout: 1s}");
    ck_assert_int_eq(give(spans(0, 4, NULL)), WEFT_OK);
    ck_assert_int_eq(give(spans(4, 5, NULL)), WEFT_OK);
    ck_assert_uint_eq(stub.kept_count, 0);
    ck_assert_int_eq(give(spans(9, 5, NULL)), WEFT_OK);
    ck_assert_uint_eq(stub.kept_count, 1);
    expect_spans(stub.kept[0], 0, 14);
    end_all();
}
END_TEST

START_TEST(test_batch_goes_after_its_timeout)
{
    begin_with("{send_batch_size: 10, timeout: 1s}");
    ck_assert_int_eq(give(spans(0, 4, NULL)), WEFT_OK);
    advance(WEFT_NS_PER_S - 1);
    ck_assert_uint_eq(stub.kept_count, 0);
    advance(1);
    expect_spans(stub.kept[0], 0, 4);
    end_all();
}
END_TEST

START_TEST(test_zero_timeout_goes_at_once)
{
    begin_with("{send_batch_size: 10, timeout: 0s}");
    ck_assert_int_eq(give(spans(0, 4, NULL)), WEFT_OK);
    expect_spans(stub.kept[0], 0, 4);
    end_all();
}
END_TEST

/* As in the Collector: with nothing to wait for nothing waits, and only the largest size counts. */
START_TEST(test_zero_size_goes_at_once)
{
    begin_with("{send_batch_size: 0, send_batch_max_size: 3, timeout: 1s}");
    ck_assert_int_eq(give(spans(0, 4, NULL)), WEFT_OK);
    ck_assert_uint_eq(stub.kept_count, 2);
    expect_spans(stub.kept[0], 0, 3);
    expect_spans(stub.kept[1], 3, 1);
    end_all();
}
END_TEST

START_TEST(test_batch_is_cut_to_its_largest_size)
{
    static const struct {
        uint32_t given, batches;
    } cases[] = { { 3, 1 }, { 4, 1 }, { 7, 1 }, { 8, 2 }, { 21, 3 }, { 22, 4 }, { 200, 29 } };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        begin_with("{send_batch_size: 4, send_batch_max_size: 7, timeout: 1s}");
        ck_assert_int_eq(give(spans(0, cases[i].given, NULL)), WEFT_OK);
        advance(WEFT_NS_PER_S);
        ck_assert_uint_eq(stub.kept_count, cases[i].batches);
        uint32_t done = 0;
        for (size_t j = 0; j < stub.kept_count; j++) {
            ck_assert_uint_le(stub.kept[j]->weight, 7);
            expect_spans(stub.kept[j], done, (uint32_t)stub.kept[j]->weight);
            done += (uint32_t)stub.kept[j]->weight;
        }
        ck_assert_uint_eq(done, cases[i].given);
        end_all();
    }
}
END_TEST

START_TEST(test_thousands_of_small_requests_keep_their_bytes)
{
    begin_with("{send_batch_size: 8192, timeout: 1s}");
    for (uint32_t i = 0; i < 8192; i++) {
        struct weft_error error = WEFT_ERROR_NONE;
        struct weft_batch *batch = spans(i, 1, NULL);
        book_offered(1);
        ck_assert_int_eq(weft_consumer_consume(processor, &batch, &error), WEFT_OK);
    }
    ck_assert_uint_eq(stub.kept_count, 1);
    expect_spans(stub.kept[0], 0, 8192);
    end_all();
}
END_TEST

START_TEST(test_client_is_answered_when_the_batch_has_it)
{
    struct counted_ticket accepted, delivered;
    begin_with("{send_batch_size: 10, timeout: 1s}");
    counted_init(&accepted, 3, WEFT_ACKNOWLEDGE_ACCEPTED);
    counted_init(&delivered, 3, WEFT_ACKNOWLEDGE_DELIVERED);
    ck_assert_int_eq(give(spans(0, 3, &accepted.ticket)), WEFT_OK);
    ck_assert_int_eq(give(spans(3, 3, &delivered.ticket)), WEFT_OK);
    ck_assert_uint_eq(accepted.settled, 1);
    ck_assert_uint_eq(delivered.settled, 0);
    advance(WEFT_NS_PER_S);
    stub_end_kept(&stub, NULL);
    ck_assert_uint_eq(delivered.settled, 1);
    end_all();
}
END_TEST

START_TEST(test_refused_flush_is_dropped)
{
    static const struct {
        enum weft_status status;
        enum weft_drop_reason reason;
    } cases[] = { { WEFT_CLOSED, WEFT_DROP_QUEUE_FULL },
                  { WEFT_LIMIT, WEFT_DROP_REFUSED_DOWNSTREAM },
                  { WEFT_PARTIAL, WEFT_DROP_REFUSED_DOWNSTREAM } };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        struct counted_ticket counted;
        begin_with("{send_batch_size: 4, timeout: 1s}");
        counted_init(&counted, 4, WEFT_ACKNOWLEDGE_DELIVERED);
        stub.answer = cases[i].status;
        ck_assert_int_eq(give(spans(0, 4, &counted.ticket)), WEFT_OK);
        ck_assert_uint_eq(dropped_for(cases[i].reason), 4);
        ck_assert_uint_eq(counted.settled, 1);
        ck_assert(weft_status_is_retryable(counted.status));
        end_all();
    }
}
END_TEST

/* block_on_overflow: what cannot go on is kept, the processor closes when it is full, and all goes on in order. */
START_TEST(test_batch_is_kept_while_what_follows_is_closed)
{
    begin_with("{send_batch_size: 4, send_batch_max_size: 4, timeout: 1s}");
    weft_consumer_set_open(&stub.consumer, false);
    ck_assert(processor->is_open);
    ck_assert_int_eq(give(spans(0, 3, NULL)), WEFT_OK);
    ck_assert(processor->is_open);
    ck_assert_int_eq(give(spans(3, 6, NULL)), WEFT_OK);
    ck_assert(!processor->is_open);
    ck_assert_uint_eq(held(), 9);
    ck_assert_int_eq(give(spans(9, 1, NULL)), WEFT_CLOSED);
    advance(10 * WEFT_NS_PER_S);
    ck_assert_uint_eq(held(), 9);
    weft_consumer_set_open(&stub.consumer, true);
    ck_assert(processor->is_open);
    ck_assert_uint_eq(held(), 0);
    ck_assert_uint_eq(stub.kept_count, 3);
    expect_spans(stub.kept[0], 0, 4);
    expect_spans(stub.kept[1], 4, 4);
    expect_spans(stub.kept[2], 8, 1);
    ck_assert_uint_eq(totals().dropped, 0);
    end_all();
}
END_TEST

START_TEST(test_timeout_under_pressure_closes)
{
    begin_with("{send_batch_size: 4, timeout: 1s}");
    weft_consumer_set_open(&stub.consumer, false);
    ck_assert_int_eq(give(spans(0, 3, NULL)), WEFT_OK);
    advance(WEFT_NS_PER_S);
    ck_assert(!processor->is_open);
    ck_assert_uint_eq(held(), 3);
    weft_consumer_set_open(&stub.consumer, true);
    expect_spans(stub.kept[0], 0, 3);
    end_all();
}
END_TEST

/* It closes while it looks at the batch (another worker was faster): nothing is lost, and the order stays. */
START_TEST(test_batch_refused_by_what_closes_is_kept)
{
    begin_with("{send_batch_size: 4, send_batch_max_size: 4, timeout: 1s}");
    stub.must_close = true;
    stub.answer = WEFT_CLOSED;
    ck_assert_int_eq(give(spans(0, 10, NULL)), WEFT_OK);
    ck_assert_uint_eq(held(), 10);
    ck_assert(!processor->is_open);
    stub.must_close = false;
    stub.answer = WEFT_OK;
    weft_consumer_set_open(&stub.consumer, true);
    ck_assert_uint_eq(stub.kept_count, 3);
    expect_spans(stub.kept[0], 0, 4);
    expect_spans(stub.kept[2], 8, 2);
    end_all();
}
END_TEST

START_TEST(test_drain_passes_on_and_then_refuses)
{
    begin_with("{send_batch_size: 10, timeout: 1s}");
    ck_assert_int_eq(give(spans(0, 3, NULL)), WEFT_OK);
    processor->operations->drain(processor, WEFT_DROP_SHUTDOWN, false);
    expect_spans(stub.kept[0], 0, 3);
    ck_assert_int_eq(give(spans(3, 3, NULL)), WEFT_CLOSED);
    end_all();
}
END_TEST

START_TEST(test_drain_waits_for_what_follows_until_it_is_forced)
{
    for (int is_reload = 0; is_reload < 2; is_reload++) {
        enum weft_drop_reason reason = is_reload != 0 ? WEFT_DROP_RELOAD : WEFT_DROP_SHUTDOWN;
        begin_with("{send_batch_size: 10, timeout: 1s}");
        weft_consumer_set_open(&stub.consumer, false);
        ck_assert_int_eq(give(spans(0, 3, NULL)), WEFT_OK);
        processor->operations->drain(processor, reason, false);
        ck_assert_uint_eq(held(), 3);
        processor->operations->drain(processor, reason, true);
        ck_assert_uint_eq(held(), 0);
        ck_assert_uint_eq(dropped_for(reason), 3);
        end_all();
    }
}
END_TEST

START_TEST(test_failed_allocations_lose_nothing)
{
    for (size_t n = 1, is_done = 0; !is_done; n++) {
        begin_with("{send_batch_size: 3, send_batch_max_size: 3, timeout: 1s}");
        ck_assert_int_eq(give(spans(0, 2, NULL)), WEFT_OK);
        struct weft_batch *batch = spans(2, 8, NULL);
        struct weft_error error = WEFT_ERROR_NONE;
        book_offered(8);
        weft_alloc_fail_at(n);
        enum weft_status status = weft_consumer_consume(processor, &batch, &error);
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        if (status != WEFT_OK) {
            ck_assert_int_eq(status, WEFT_NOMEM);
            ck_assert_int_eq(weft_consumer_consume(processor, &batch, &error), WEFT_OK);
        }
        advance(WEFT_NS_PER_S);
        uint32_t done = 0;
        for (size_t i = 0; i < stub.kept_count; i++) {
            expect_spans(stub.kept[i], done, (uint32_t)stub.kept[i]->weight);
            done += (uint32_t)stub.kept[i]->weight;
        }
        ck_assert_uint_eq(done, 10);
        end_all();
    }
}
END_TEST

static struct weft_batch *spans_of(struct weft_slice tenant)
{
    struct weft_batch *batch = spans(0, 1, NULL);
    const struct weft_metadata_item item = { WEFT_SLICE_LITERAL("tenant"), tenant };
    batch->metadata = weft_metadata_try_new(&budget, &item, 1, WEFT_SLICE_EMPTY);
    return batch;
}

/* Which values there are is the clients' choice. */
START_TEST(test_shards_are_charged_while_they_last)
{
    char value[20000];
    memset(value, 'x', sizeof value);
    begin_with("metadata_keys: [tenant]\ntimeout: 0s");
    int64_t charged[4];
    for (int i = 0; i < 4; i++) { /* the second of two finds its shard; then one more is made */
        value[0] = i < 2 ? 'x' : 'y';
        ck_assert_int_eq(give(spans_of(weft_slice_of(value, sizeof value))), WEFT_OK);
        stub_end_kept(&stub, NULL);
        weft_payload_pool_trim(host.pool);
        charged[i] = (int64_t)weft_budget_reserved(&budget);
    }
    ck_assert_int_eq(charged[1], charged[0]);
    ck_assert_int_eq(charged[3], charged[2]);
    ck_assert_int_ge(charged[2] - charged[0], sizeof value);
    ck_assert_int_lt(charged[2] - charged[0], sizeof value + 200);
    advance(WEFT_NS_PER_S);
    ck_assert_int_lt((int64_t)weft_budget_reserved(&budget), charged[0] - (int64_t)sizeof value);
    end_all();
}
END_TEST

/* Who sends a thousand values once has not used the limit up for those that come later. */
START_TEST(test_a_shard_that_collects_nothing_is_given_up)
{
    begin_with("metadata_keys: [tenant]\nmetadata_cardinality_limit: 2\ntimeout: 1s\nsend_batch_size: 2");
    ck_assert_int_eq(give(spans_of(WEFT_SLICE_LITERAL("a"))), WEFT_OK);
    ck_assert_int_eq(give(spans_of(WEFT_SLICE_LITERAL("b"))), WEFT_OK);
    ck_assert_int_eq(give(spans_of(WEFT_SLICE_LITERAL("c"))), WEFT_INTERNAL);
    advance(WEFT_NS_PER_S); /* both are passed on, and stay */
    ck_assert_uint_eq(stub.kept_count, 2);
    advance(5 * WEFT_NS_PER_S);
    ck_assert_int_eq(give(spans_of(WEFT_SLICE_LITERAL("c"))), WEFT_INTERNAL);
    ck_assert_int_eq(give(spans_of(WEFT_SLICE_LITERAL("a"))), WEFT_OK);
    ck_assert_int_eq(give(spans_of(WEFT_SLICE_LITERAL("a"))), WEFT_OK); /* by its size */
    ck_assert_uint_eq(stub.kept_count, 3);
    advance(5 * WEFT_NS_PER_S); /* ten since b was used, not since a was */
    ck_assert_int_eq(give(spans_of(WEFT_SLICE_LITERAL("c"))), WEFT_OK);
    ck_assert_int_eq(give(spans_of(WEFT_SLICE_LITERAL("b"))), WEFT_INTERNAL);
    weft_consumer_set_open(&stub.consumer, false);
    advance(100 * WEFT_NS_PER_S); /* a is given up; c holds a record that cannot go on */
    ck_assert_uint_eq(held(), 1);
    weft_consumer_set_open(&stub.consumer, true);
    ck_assert_uint_eq(held(), 0);
    ck_assert_int_eq(give(spans_of(WEFT_SLICE_LITERAL("c"))), WEFT_OK);
    ck_assert_int_eq(give(spans_of(WEFT_SLICE_LITERAL("b"))), WEFT_OK);
    ck_assert_int_eq(give(spans_of(WEFT_SLICE_LITERAL("a"))), WEFT_INTERNAL);
    end_all();
}
END_TEST

START_TEST(test_failed_allocations_make_no_shard)
{
    for (size_t n = 1, is_done = 0; !is_done; n++) {
        begin_with("{metadata_keys: [tenant], metadata_cardinality_limit: 1, timeout: 1s}");
        struct weft_batch *batch = spans_of(WEFT_SLICE_LITERAL("a"));
        struct weft_error error = WEFT_ERROR_NONE;
        book_offered(1);
        weft_alloc_fail_at(n);
        enum weft_status status = weft_consumer_consume(processor, &batch, &error);
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        if (status != WEFT_OK) {
            ck_assert_int_eq(status, WEFT_NOMEM);
            ck_assert_int_eq(weft_consumer_consume(processor, &batch, &error), WEFT_OK);
        }
        ck_assert_uint_eq(held(), 1);
        end_all();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("processors/batch");
    TCase *tests = tcase_create("batch");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_batch_waits_for_its_size);
    tcase_add_test(tests, test_batch_goes_after_its_timeout);
    tcase_add_test(tests, test_zero_timeout_goes_at_once);
    tcase_add_test(tests, test_zero_size_goes_at_once);
    tcase_add_test(tests, test_batch_is_cut_to_its_largest_size);
    tcase_add_test(tests, test_thousands_of_small_requests_keep_their_bytes);
    tcase_add_test(tests, test_client_is_answered_when_the_batch_has_it);
    tcase_add_test(tests, test_refused_flush_is_dropped);
    tcase_add_test(tests, test_batch_is_kept_while_what_follows_is_closed);
    tcase_add_test(tests, test_timeout_under_pressure_closes);
    tcase_add_test(tests, test_batch_refused_by_what_closes_is_kept);
    tcase_add_test(tests, test_drain_passes_on_and_then_refuses);
    tcase_add_test(tests, test_drain_waits_for_what_follows_until_it_is_forced);
    tcase_add_test(tests, test_failed_allocations_lose_nothing);
    tcase_add_test(tests, test_shards_are_charged_while_they_last);
    tcase_add_test(tests, test_a_shard_that_collects_nothing_is_given_up);
    tcase_add_test(tests, test_failed_allocations_make_no_shard);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
