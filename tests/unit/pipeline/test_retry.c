/* Backoff arithmetic, by the Collector's rules. */
#include "pipeline/retry.h"

#include "pipeline_test.h"
#include "suite.h"

static struct weft_retry_config config;

static void defaults(void)
{
    config = (struct weft_retry_config){
        .initial_interval.ns = 5 * WEFT_NS_PER_S,
        .multiplier = 1.5,
        .max_interval.ns = 30 * WEFT_NS_PER_S,
        .max_elapsed_time.ns = 300 * WEFT_NS_PER_S,
    };
}

static int64_t at(int64_t now_s, struct weft_retry *retry, int64_t server_delay_ns)
{
    int64_t pause_ns = -1;
    struct weft_monotonic now = { now_s * WEFT_NS_PER_S };
    return weft_retry_next(retry, &config, &host, server_delay_ns, now, &pause_ns) ? pause_ns / WEFT_NS_PER_MS : -1;
}

START_TEST(test_pauses_grow_up_to_the_maximum)
{
    static const int64_t expected_ms[] = { 5000, 7500, 11250, 16875, 25312, 30000, 30000 };
    begin();
    defaults();
    struct weft_retry retry;
    weft_retry_start(&retry, &config, (struct weft_monotonic){ 0 });
    for (size_t i = 0; i < WEFT_COUNT_OF(expected_ms); i++) {
        ck_assert_int_eq(at(0, &retry, -1), expected_ms[i]);
    }
    end();
}
END_TEST

START_TEST(test_pauses_without_growth_stay_as_they_are)
{
    begin();
    defaults();
    config.multiplier = 0;
    struct weft_retry retry;
    weft_retry_start(&retry, &config, (struct weft_monotonic){ 0 });
    ck_assert_int_eq(at(0, &retry, -1), 5000);
    ck_assert_int_eq(at(0, &retry, -1), 5000);
    end();
}
END_TEST

START_TEST(test_pauses_vary_within_their_share)
{
    begin();
    defaults();
    config.randomization_factor = 0.5;
    int64_t smallest = INT64_MAX, largest = 0;
    for (int i = 0; i < 2000; i++) {
        struct weft_retry retry;
        weft_retry_start(&retry, &config, (struct weft_monotonic){ 0 });
        int64_t pause_ms = at(0, &retry, -1);
        smallest = pause_ms < smallest ? pause_ms : smallest;
        largest = pause_ms > largest ? pause_ms : largest;
    }
    ck_assert(smallest >= 2500 && smallest < 2600);
    ck_assert(largest <= 7500 && largest > 7400);
    end();
}
END_TEST

START_TEST(test_longer_wish_of_the_server_wins)
{
    begin();
    defaults();
    struct weft_retry retry;
    weft_retry_start(&retry, &config, (struct weft_monotonic){ 0 });
    ck_assert_int_eq(at(0, &retry, 60 * WEFT_NS_PER_S), 60000);
    ck_assert_int_eq(at(0, &retry, 1), 7500);
    end();
}
END_TEST

START_TEST(test_pause_past_the_budget_gives_up)
{
    begin();
    defaults();
    struct weft_retry retry;
    weft_retry_start(&retry, &config, (struct weft_monotonic){ 0 });
    ck_assert_int_eq(at(295, &retry, -1), 5000);
    ck_assert_int_eq(at(293, &retry, -1), -1);
    config.max_elapsed_time.ns = 0;
    ck_assert_int_gt(at(1000000, &retry, -1), 0);
    end();
}
END_TEST

/* A backend may ask for anything: the sum must not wrap round to a small number. */
START_TEST(test_endless_wish_of_the_server_gives_up)
{
    begin();
    defaults();
    struct weft_retry retry;
    weft_retry_start(&retry, &config, (struct weft_monotonic){ 0 });
    ck_assert_int_eq(at(10, &retry, INT64_MAX), -1);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/retry");
    TCase *tests = tcase_create("retry");
    tcase_add_test(tests, test_pauses_grow_up_to_the_maximum);
    tcase_add_test(tests, test_pauses_without_growth_stay_as_they_are);
    tcase_add_test(tests, test_pauses_vary_within_their_share);
    tcase_add_test(tests, test_longer_wish_of_the_server_wins);
    tcase_add_test(tests, test_pause_past_the_budget_gives_up);
    tcase_add_test(tests, test_endless_wish_of_the_server_gives_up);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
