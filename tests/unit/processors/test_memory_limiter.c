/* memory_limiter: its limits, refusing and closing by the bytes reserved, and opening again. */
#include "component_test.h"

extern const struct weft_component weft_processor_memory_limiter;

enum { MIB = 1 << 20 };

static void begin(const char *yaml)
{
    component_begin(&weft_processor_memory_limiter, yaml, WEFT_TRACES);
}

static double sample(const char *name)
{
    struct weft_samples samples;
    double value = -1;
    weft_samples_init(&samples);
    weft_processor_memory_limiter.collect(fixture.consumer, &samples);
    for (size_t i = 0; i < samples.count; i++) {
        value = strcmp(samples.items[i].name, name) == 0 ? samples.items[i].value : value;
    }
    weft_samples_fini(&samples);
    return value;
}

START_TEST(test_config_rules_are_the_collectors)
{
    const struct weft_component *component = &weft_processor_memory_limiter;
    component_expect_refused(component, "{}", WEFT_INVALID, "check_interval must be greater than zero");
    component_expect_refused(component, "check_interval: 1s", WEFT_INVALID, "limit_mib or limit_percentage");
    component_expect_refused(component, "{check_interval: 1s, limit_percentage: 101}", WEFT_INVALID, "hundred");
    component_expect_refused(component, "{check_interval: 1s, limit_mib: 10, spike_limit_mib: 10}", WEFT_INVALID,
                             "spike_limit_mib must be smaller");
    component_expect_refused(component, "{check_interval: 1s, limit_percentage: 10, spike_limit_percentage: 10}",
                             WEFT_INVALID, "spike_limit_percentage must be smaller");
    component_expect_refused(component, "{check_interval: 1s, limit_mib: -1}", WEFT_INVALID, "limit_mib");
    component_expect_refused(component, "{check_interval: 1s, limit_mib: 17592186044416}", WEFT_INVALID, "at most");
}
END_TEST

START_TEST(test_below_the_soft_limit_all_passes)
{
    begin("{check_interval: 1s, limit_mib: 10}");
    weft_budget_charge(&fixture.budget, 7 * MIB);
    ck_assert(offer_span("a", NULL) == WEFT_OK);
    ck_assert_uint_eq(sink.weight, 1);
    ck_assert(fixture.consumer->is_open);
    weft_budget_release(&fixture.budget, 7 * MIB);
    fixture_end();
}
END_TEST

/* The soft limit is 80 % of 10 MiB. */
START_TEST(test_above_the_soft_limit_it_refuses_and_closes)
{
    begin("{check_interval: 10s, limit_mib: 10}");
    weft_budget_charge(&fixture.budget, 8 * MIB);
    ck_assert(offer_span("a", NULL) == WEFT_CLOSED);
    ck_assert(!fixture.consumer->is_open);
    ck_assert_uint_eq(sink.weight, 0);
    advance(50 * WEFT_NS_PER_MS);
    weft_budget_release(&fixture.budget, 8 * MIB);
    ck_assert(!fixture.consumer->is_open);
    advance(50 * WEFT_NS_PER_MS);
    ck_assert(fixture.consumer->is_open);
    ck_assert(offer_span("a", NULL) == WEFT_OK);
    ck_assert(sample("otelcol_processor_memory_limiter_accepted_spans") == 1);
    ck_assert(sample("otelcol_processor_memory_limiter_refused_spans") == 1);
    ck_assert(sample("otelcol_processor_refused_spans") == 1);
    fixture_end();
}
END_TEST

START_TEST(test_spike_limit_lowers_the_soft_limit)
{
    begin("{check_interval: 1s, limit_mib: 10, spike_limit_mib: 9}");
    weft_budget_charge(&fixture.budget, MIB - 1024 * 1024 / 2);
    ck_assert(offer_span("a", NULL) == WEFT_OK);
    weft_budget_charge(&fixture.budget, MIB);
    ck_assert(offer_span("a", NULL) == WEFT_CLOSED);
    weft_budget_release(&fixture.budget, 2 * MIB - 1024 * 1024 / 2);
    fixture_end();
}
END_TEST

START_TEST(test_percentage_counts_from_all_memory)
{
    begin("{check_interval: 1s, limit_percentage: 100, spike_limit_percentage: 1}");
    ck_assert(offer_span("a", NULL) == WEFT_OK);
    weft_budget_charge(&fixture.budget, (size_t)1 << 50);
    ck_assert(offer_span("a", NULL) == WEFT_CLOSED);
    weft_budget_release(&fixture.budget, (size_t)1 << 50);
    fixture_end();
}
END_TEST

/* What lies before it may hold the memory: then closing for ever would be a deadlock. */
START_TEST(test_after_ten_seconds_it_only_refuses)
{
    begin("{check_interval: 1s, limit_mib: 10}");
    weft_budget_charge(&fixture.budget, 9 * MIB);
    ck_assert(offer_span("a", NULL) == WEFT_CLOSED);
    for (int i = 0; i < 99; i++) {
        advance(100 * WEFT_NS_PER_MS);
        ck_assert(!fixture.consumer->is_open);
    }
    advance(100 * WEFT_NS_PER_MS);
    ck_assert(fixture.consumer->is_open);
    ck_assert(offer_span("a", NULL) == WEFT_CLOSED);
    ck_assert(fixture.consumer->is_open);
    weft_budget_release(&fixture.budget, 9 * MIB);
    advance(100 * WEFT_NS_PER_MS);
    ck_assert(offer_span("a", NULL) == WEFT_OK);
    /* Pressure that comes anew closes anew. */
    weft_budget_charge(&fixture.budget, 9 * MIB);
    ck_assert(offer_span("a", NULL) == WEFT_CLOSED);
    ck_assert(!fixture.consumer->is_open);
    weft_budget_release(&fixture.budget, 9 * MIB);
    fixture_end();
}
END_TEST

/* Half received requests fill memory while no batch comes by. */
START_TEST(test_above_half_of_the_limit_it_looks_by_itself)
{
    begin("{check_interval: 1s, limit_mib: 10}");
    weft_budget_charge(&fixture.budget, 5 * MIB);
    ck_assert(offer_span("a", NULL) == WEFT_OK);
    weft_budget_charge(&fixture.budget, 4 * MIB);
    ck_assert(fixture.consumer->is_open);
    advance(100 * WEFT_NS_PER_MS);
    ck_assert(!fixture.consumer->is_open);
    weft_budget_release(&fixture.budget, 4 * MIB);
    advance(100 * WEFT_NS_PER_MS);
    ck_assert(fixture.consumer->is_open);
    weft_budget_charge(&fixture.budget, 4 * MIB);
    advance(100 * WEFT_NS_PER_MS);
    ck_assert(!fixture.consumer->is_open);
    weft_budget_release(&fixture.budget, 9 * MIB);
    advance(100 * WEFT_NS_PER_MS);
    ck_assert(fixture.consumer->is_open);
    /* Below half nobody looks, and nothing wakes up for it. */
    weft_budget_charge(&fixture.budget, 9 * MIB);
    advance(WEFT_NS_PER_S);
    ck_assert(fixture.consumer->is_open);
    weft_budget_release(&fixture.budget, 9 * MIB);
    fixture_end();
}
END_TEST

START_TEST(test_soft_limit_is_the_budgets_while_it_lives)
{
    begin("{check_interval: 1s, limit_mib: 10}");
    ck_assert_uint_eq(weft_budget_limit(&fixture.budget), 8 * MIB);
    fixture_end();
    ck_assert_uint_eq(weft_budget_limit(&fixture.budget), UINT64_MAX);
}
END_TEST

START_TEST(test_idle_blocks_go_when_memory_is_above)
{
    begin("{check_interval: 1s, limit_mib: 10}");
    struct weft_payload *block = weft_payload_try_new(fixture.host.pool, MIB);
    weft_payload_unref(&block);
    weft_budget_charge(&fixture.budget, 9 * MIB);
    ck_assert(offer_span("a", NULL) == WEFT_CLOSED);
    advance(100 * WEFT_NS_PER_MS);
    weft_alloc_fail_at(1);
    block = weft_payload_try_new(fixture.host.pool, MIB);
    weft_alloc_fail_at(0);
    ck_assert_ptr_null(block);
    weft_budget_release(&fixture.budget, 9 * MIB);
    fixture_end();
}
END_TEST

START_TEST(test_it_is_open_only_while_what_follows_is)
{
    begin("{check_interval: 1s, limit_mib: 10}");
    weft_consumer_set_open(&sink.consumer, false);
    ck_assert(!fixture.consumer->is_open);
    weft_consumer_set_open(&sink.consumer, true);
    ck_assert(fixture.consumer->is_open);
    weft_budget_charge(&fixture.budget, 9 * MIB);
    ck_assert(offer_span("a", NULL) == WEFT_CLOSED);
    weft_consumer_set_open(&sink.consumer, false);
    weft_budget_release(&fixture.budget, 9 * MIB);
    advance(WEFT_NS_PER_S);
    ck_assert(!fixture.consumer->is_open);
    weft_consumer_set_open(&sink.consumer, true);
    ck_assert(fixture.consumer->is_open);
    fixture_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_config_rules_are_the_collectors);
    tcase_add_test(tests, test_below_the_soft_limit_all_passes);
    tcase_add_test(tests, test_above_the_soft_limit_it_refuses_and_closes);
    tcase_add_test(tests, test_spike_limit_lowers_the_soft_limit);
    tcase_add_test(tests, test_percentage_counts_from_all_memory);
    tcase_add_test(tests, test_after_ten_seconds_it_only_refuses);
    tcase_add_test(tests, test_above_half_of_the_limit_it_looks_by_itself);
    tcase_add_test(tests, test_soft_limit_is_the_budgets_while_it_lives);
    tcase_add_test(tests, test_idle_blocks_go_when_memory_is_above);
    tcase_add_test(tests, test_it_is_open_only_while_what_follows_is);
}

int main(void)
{
    weft_log_configure(&(struct weft_log_config){ .level = WEFT_LOG_ERROR, .service = "test", .descriptor = 2 });
    return component_run("memory_limiter", add_tests);
}
