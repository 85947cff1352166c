/* Policies rate_limiting and bytes_limiting, alone, within others, and on several workers. */
#include "policy/judge.h"

/* ---- rate_limiting and bytes_limiting ---- */

START_TEST(test_rate_limiting_keeps_spans_that_fit)
{
    struct judge judge;
    open_one(&judge, "rate_limiting", "spans_per_second: 10"); /* 20 at once */
    ck_assert(!keeps_spans(&judge, 21));
    ck_assert(keeps_spans(&judge, 15));
    ck_assert(!keeps_spans(&judge, 6));
    ck_assert(keeps_spans(&judge, 5));
    ck_assert(!keeps_spans(&judge, 1));
    judge.trace.now.ns += NS / 10;
    ck_assert(keeps_spans(&judge, 1));
    ck_assert(!keeps_spans(&judge, 1));
    judge.trace.now.ns += NS;
    ck_assert(!keeps_spans(&judge, 11));
    ck_assert(keeps_spans(&judge, 10));
    judge.trace.now.ns += 3600 * NS;
    ck_assert(!keeps_spans(&judge, 21));
    ck_assert(keeps_spans(&judge, 20));
    ck_assert(!keeps_spans(&judge, 1));
    ck_assert_uint_eq(judge.sizes_asked, 0);
    close_judge(&judge);
}
END_TEST

START_TEST(test_bytes_limiting_keeps_bytes_that_fit)
{
    struct judge judge;
    open_one(&judge, "bytes_limiting", "bytes_per_second: 1000"); /* 2000 at once */
    judge.trace.span_count = 1000000;
    ck_assert(!keeps_bytes(&judge, 2001));
    ck_assert(keeps_bytes(&judge, 1500));
    ck_assert(!keeps_bytes(&judge, 501));
    ck_assert(keeps_bytes(&judge, 500));
    ck_assert(!keeps_bytes(&judge, 1));
    judge.trace.now.ns += NS / 2;
    ck_assert(!keeps_bytes(&judge, 501));
    ck_assert(keeps_bytes(&judge, 500));
    judge.trace.now.ns += 3600 * NS;
    ck_assert(!keeps_bytes(&judge, UINT64_C(1) << 40));
    ck_assert(!keeps_bytes(&judge, 2001));
    ck_assert(keeps_bytes(&judge, 2000));
    close_judge(&judge);
}
END_TEST

START_TEST(test_burst_capacity_bounds_what_passes_at_once)
{
    static const struct {
        const char *type, *keys;
    } rows[] = {
        { "rate_limiting", "spans_per_second: 100, burst_capacity: 5" },
        { "bytes_limiting", "bytes_per_second: 100, burst_capacity: 5" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct judge judge;
        open_one(&judge, rows[i].type, rows[i].keys);
        for (int second = 0; second < 3; second++) {
            judge.trace.now.ns += NS;
            judge.trace.span_count = judge.size_bytes = 6;
            ck_assert(!keeps(&judge));
            judge.trace.span_count = judge.size_bytes = 5;
            ck_assert(keeps(&judge));
            judge.trace.span_count = judge.size_bytes = 1;
            ck_assert(!keeps(&judge));
        }
        close_judge(&judge);
    }
}
END_TEST

START_TEST(test_burst_capacity_may_be_more_than_twice_the_rate)
{
    struct judge judge;
    open_one(&judge, "rate_limiting", "spans_per_second: 1, burst_capacity: 500");
    ck_assert(keeps_spans(&judge, 500));
    judge.trace.now.ns += 10 * NS;
    ck_assert(!keeps_spans(&judge, 11));
    ck_assert(keeps_spans(&judge, 10));
    close_judge(&judge);
}
END_TEST

START_TEST(test_limit_without_a_rate_keeps_its_burst_once)
{
    static const char *const nothing[] = { "", "spans_per_second: 0", "spans_per_second: -5",
                                           "spans_per_second: -5, burst_capacity: -5" };
    struct judge judge;
    for (size_t i = 0; i < WEFT_COUNT_OF(nothing); i++) {
        open_one(&judge, "rate_limiting", nothing[i]);
        ck_assert(!keeps_spans(&judge, 1));
        judge.trace.now.ns += 3600 * NS;
        ck_assert(!keeps_spans(&judge, 1));
        close_judge(&judge);
    }
    open_one(&judge, "rate_limiting", "burst_capacity: 3");
    ck_assert(keeps_spans(&judge, 3));
    judge.trace.now.ns += 3600 * NS;
    ck_assert(!keeps_spans(&judge, 1));
    close_judge(&judge);
}
END_TEST

START_TEST(test_limits_are_each_ones_own)
{
    struct judge judge;
    open_judge(&judge, "  - {name: p, type: rate_limiting, rate_limiting: {spans_per_second: 5, burst_capacity: 5}}\n"
                       "  - {name: q, type: rate_limiting, rate_limiting: {spans_per_second: 5, burst_capacity: 9}}");
    judge.trace.span_count = 5;
    ck_assert_int_eq(decide(&judge).policy, 0);
    judge.trace.span_count = 9; /* over the first one's burst */
    judge.trace.now.ns += 3600 * NS;
    ck_assert_int_eq(decide(&judge).policy, 1);
    judge.trace.span_count = 1;
    ck_assert_int_eq(decide(&judge).policy, 0);
    judge.trace.span_count = 5;
    ck_assert_int_eq(decide(&judge).policy, -1);
    close_judge(&judge);
}
END_TEST

/* What an earlier part refuses takes nothing from the limit. */
START_TEST(test_limit_within_and_counts_what_comes_to_it)
{
    struct judge judge;
    open_judge(&judge, "  - {name: p, type: and, and: {and_sub_policy: [{type: status_code, status_code: "
                       "{status_codes: [ERROR]}}, {type: rate_limiting, rate_limiting: {spans_per_second: 10}}]}}");
    for (int i = 0; i < 10; i++) {
        ck_assert(!keeps_spans(&judge, 20));
    }
    add_status(&judge, 2);
    ck_assert(keeps_spans(&judge, 20));
    ck_assert(!keeps_spans(&judge, 1));
    close_judge(&judge);
}
END_TEST

START_TEST(test_limit_within_not_and_drop_is_turned_round)
{
    struct judge judge;
    open_judge(&judge, "  - {name: p, type: not, not: {not_sub_policy: {type: rate_limiting, rate_limiting: "
                       "{spans_per_second: 10}}}}");
    ck_assert(!keeps_spans(&judge, 20));
    ck_assert(keeps_spans(&judge, 20));
    ck_assert(keeps_spans(&judge, 21));
    judge.trace.now.ns += NS;
    ck_assert(!keeps_spans(&judge, 10));
    close_judge(&judge);
    open_judge(&judge, "  - {name: all, type: always_sample}\n"
                       "  - {name: p, type: drop, drop: {drop_sub_policy: [{type: bytes_limiting, bytes_limiting: "
                       "{bytes_per_second: 10}}]}}");
    ck_assert(!keeps_bytes(&judge, 20));
    ck_assert(keeps_bytes(&judge, 1));
    close_judge(&judge);
}
END_TEST

/* ---- several workers ---- */

enum { WORKERS = 4, TRACES = 20000 };

struct worker {
    const struct judge *judge;
    uint64_t kept;
};

static void judge_many(void *context)
{
    struct worker *worker = context;
    for (size_t i = 0; i < TRACES; i++) {
        struct weft_policy_decision decision;
        weft_policy_set_decide(worker->judge->test.set, &worker->judge->trace, &decision);
        worker->kept += decision.is_kept;
    }
}

/* By all workers together. */
static uint64_t kept_by_all(const struct judge *judge)
{
    struct worker workers[WORKERS];
    struct weft_thread *threads[WORKERS];
    uint64_t kept = 0;
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){ .judge = judge };
        threads[i] = weft_thread_start("judge", judge_many, &workers[i]);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        weft_thread_join(threads[i]);
        kept += workers[i].kept;
    }
    return kept;
}

START_TEST(test_workers_share_a_limit)
{
    struct judge judge;
    open_one(&judge, "rate_limiting", "spans_per_second: 60000, burst_capacity: 30001");
    ck_assert_uint_eq(kept_by_all(&judge), 30001);
    judge.trace.now.ns += NS / 4;
    ck_assert_uint_eq(kept_by_all(&judge), 15000);
    close_judge(&judge);
    open_judge(&judge, "  - {name: c, type: composite, composite: {max_total_spans_per_second: 30001, "
                       "composite_sub_policy: [{name: all, type: always_sample}], rate_allocation: [{policy: all, "
                       "percent: 100}]}}");
    ck_assert_uint_eq(kept_by_all(&judge), 30001);
    judge.trace.wall.ns += NS;
    ck_assert_uint_eq(kept_by_all(&judge), 30001);
    close_judge(&judge);
}
END_TEST

int main(void)
{
    const struct policy_test_case tests[] = {
        POLICY_TEST(test_rate_limiting_keeps_spans_that_fit),
        POLICY_TEST(test_bytes_limiting_keeps_bytes_that_fit),
        POLICY_TEST(test_burst_capacity_bounds_what_passes_at_once),
        POLICY_TEST(test_burst_capacity_may_be_more_than_twice_the_rate),
        POLICY_TEST(test_limit_without_a_rate_keeps_its_burst_once),
        POLICY_TEST(test_limits_are_each_ones_own),
        POLICY_TEST(test_limit_within_and_counts_what_comes_to_it),
        POLICY_TEST(test_limit_within_not_and_drop_is_turned_round),
        POLICY_TEST(test_workers_share_a_limit),
    };
    return POLICY_TEST_RUN("limiting", tests);
}
