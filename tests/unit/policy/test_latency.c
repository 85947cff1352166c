/* Policy latency: strictly over the threshold, up to the upper one, looked at after every span. */
#include "policy/policy_test.h"

#include "base/clock.h"

struct times {
    uint64_t start_ns, end_ns;
};

enum { MAX_SPANS = 3 };

struct row {
    const char *keys;
    struct times spans[MAX_SPANS]; /* up to the first {0, 0} behind the first */
    bool is_kept;
};

#define MS UINT64_C(1000000)
#define S  UINT64_C(1700000000000000000)

static const struct row rows[] = {
    { "threshold_ms: 100", { { S, S + 100 * MS } }, false },
    { "threshold_ms: 100", { { S, S + 101 * MS - 1 } }, false }, /* parts of a millisecond are cut off */
    { "threshold_ms: 100", { { S, S + 101 * MS } }, true },
    { "threshold_ms: 100", { { S, S + 60 * MS }, { S + 50 * MS, S + 101 * MS } }, true },
    { "threshold_ms: 100", { { S + 50 * MS, S + 101 * MS }, { S, S + 60 * MS } }, true },
    { "threshold_ms: 0", { { S, S } }, false },
    { "threshold_ms: -1", { { S, S } }, true },
    { "", { { S, S + 1 * MS } }, true },
    { "threshold_ms: 100, upper_threshold_ms: 200", { { S, S + 200 * MS } }, true },
    { "threshold_ms: 100, upper_threshold_ms: 200", { { S, S + 201 * MS } }, false },
    { "threshold_ms: 100, upper_threshold_ms: 200", { { S, S + 100 * MS } }, false },
    /* The bound held after the first span, so the trace is kept. */
    { "threshold_ms: 100, upper_threshold_ms: 200", { { S, S + 150 * MS }, { S, S + 500 * MS } }, true },
    { "threshold_ms: 100, upper_threshold_ms: 200", { { S, S + 500 * MS }, { S, S + 150 * MS } }, false },
    /* No start: all the time since 1970, and the next start takes its place. */
    { "threshold_ms: 100", { { 0, S } }, true },
    { "threshold_ms: 100", { { S, 0 } }, false },
    { "threshold_ms: 100", { { 0, 1 * MS }, { S, S + 1 * MS } }, false },
    /* What does not fit. */
    { "threshold_ms: 9223372036853", { { UINT64_C(1) << 63, INT64_MAX } }, true },
    { "threshold_ms: 100", { { S, UINT64_MAX } }, false }, /* an end before 1970 */
};

static bool is_row_kept(const struct row *row, bool in_parts)
{
    struct policy_test test;
    char *list = weft_alloc_format("  - {name: slow, type: latency, latency: {%s}}", row->keys);
    policy_test_open(&test, list);
    size_t bytes = weft_policy_set_facts_bytes(test.set);
    for (size_t i = 0; i < MAX_SPANS && (i == 0 || row->spans[i].end_ns != 0); i++) {
        struct weft_policy_facts *trace = test.facts;
        if (in_parts) {
            test.facts = weft_alloc(bytes);
        }
        policy_test_add_span(&test, row->spans[i].start_ns, row->spans[i].end_ns, 0, WEFT_SLICE_EMPTY);
        if (in_parts) {
            weft_policy_facts_merge_part(test.set, trace, test.facts);
            weft_free(test.facts);
            test.facts = trace;
        }
    }
    bool is_kept = policy_test_is_kept(&test);
    policy_test_close(&test);
    weft_free(list);
    return is_kept;
}

START_TEST(test_each_row)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        ck_assert_msg(is_row_kept(&rows[i], false) == rows[i].is_kept, "row %zu: %s", i, rows[i].keys);
    }
}
END_TEST

/* One span a part: with one span or without an upper bound the same comes out. */
START_TEST(test_parts_merge_to_the_whole)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        if (rows[i].spans[0].start_ns != 0 && strstr(rows[i].keys, "upper") == NULL) {
            ck_assert_msg(is_row_kept(&rows[i], true) == rows[i].is_kept, "row %zu: %s", i, rows[i].keys);
        }
    }
}
END_TEST

START_TEST(test_no_latency_is_taken_across_traces)
{
    struct policy_test test;
    policy_test_open(&test, "  - {name: slow, type: latency, latency: {threshold_ms: 100}}");
    struct weft_policy_facts *first = test.facts;
    policy_test_add_span(&test, S, S + 1 * MS, 0, WEFT_SLICE_EMPTY);
    test.facts = weft_alloc(weft_policy_set_facts_bytes(test.set));
    policy_test_add_span(&test, S + 500 * MS, S + 501 * MS, 0, WEFT_SLICE_EMPTY);
    weft_policy_facts_merge_trace(test.set, first, test.facts);
    struct weft_policy_facts *second = test.facts;
    test.facts = first;
    ck_assert(!policy_test_is_kept(&test));
    weft_policy_facts_merge_part(test.set, first, second);
    ck_assert(policy_test_is_kept(&test));
    weft_free(second);
    policy_test_close(&test);
}
END_TEST

int main(void)
{
    const struct policy_test_case tests[] = {
        POLICY_TEST(test_each_row),
        POLICY_TEST(test_parts_merge_to_the_whole),
        POLICY_TEST(test_no_latency_is_taken_across_traces),
    };
    return POLICY_TEST_RUN("latency", tests);
}
