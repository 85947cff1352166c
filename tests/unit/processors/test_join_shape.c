/* Policies that look at a trace's records: the tree of its spans, and its size. */
#include "join/join_internal.h"
#include "join_seen.h"
#include "suite.h"

enum { SPANS_MAX = 64 };

/* One trace: spans are numbered from 0 on, each with its parent's number. */
struct shape {
    const char *name;
    size_t count;
    struct {
        uint32_t parent;
        bool is_error;
    } spans[6];
    bool is_without_root, has_orphan, has_error_in_leaf;
};

static const struct shape shapes[] = {
    { "a root alone", 1, { { JOIN_NO_SPAN, false } }, false, false, false },
    { "a root that failed", 1, { { JOIN_NO_SPAN, true } }, false, false, true },
    { "a root with zeros for a parent", 1, { { JOIN_ZERO_SPAN, false } }, false, false, false },
    { "an error above a leaf", 2, { { JOIN_NO_SPAN, true }, { 0, false } }, false, false, false },
    { "an error in the leaf", 3, { { JOIN_NO_SPAN, false }, { 0, true }, { 1, true } }, false, false, true },
    { "children before their parents", 3, { { 1, false }, { 2, true }, { JOIN_NO_SPAN, false } }, false, false, false },
    { "no root, its id is known", 2, { { 40, false }, { 0, false } }, true, true, false },
    { "an orphan beside a root", 3, { { JOIN_NO_SPAN, false }, { 0, false }, { 41, false } }, false, true, false },
    { "a cycle", 2, { { 1, false }, { 0, true } }, true, false, false },
    { "its own parent", 1, { { 0, true } }, true, true, true },
    { "two roots", 2, { { JOIN_NO_SPAN, false }, { JOIN_NO_SPAN, true } }, false, false, true },
};

static uint8_t trace_id[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static bool is_kept(const char *policy, const struct shape *shape, uint32_t worker_count)
{
    char config[256];
    struct join_record records[6];
    snprintf(config, sizeof config, "decision_wait: 10ms\npolicies: [{name: tree, type: tree, tree: {%s: true}}]\n",
             policy);
    start_seeing(worker_count, config);
    for (uint32_t i = 0; i < shape->count; i++) {
        records[i] = (struct join_record){ .number = i,
                                           .trace_id = trace_id,
                                           .parent = shape->spans[i].parent,
                                           .span = JOIN_NO_SPAN,
                                           .status = shape->spans[i].is_error ? 2 : 0,
                                           .padding = i == 1 ? 9000 : 0 }; /* one that is in pieces */
    }
    ck_assert_int_eq(join_offer(0, records, shape->count, NULL), WEFT_OK);
    join_deliver_all();
    advance(11 * WEFT_NS_PER_MS);
    join_deliver_all();
    bool is_out = seen[0] == 1;
    stop();
    return is_out;
}

static void expect(const char *policy, const struct shape *shape, bool expected)
{
    for (uint32_t worker_count = 1; worker_count <= 2; worker_count++) {
        ck_assert_msg(is_kept(policy, shape, worker_count) == expected, "%s, %s, %u workers", shape->name, policy,
                      worker_count);
    }
}

START_TEST(test_trees_are_seen_as_they_are)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(shapes); i++) {
        expect("missing_root", &shapes[i], shapes[i].is_without_root);
        expect("orphans", &shapes[i], shapes[i].has_orphan);
        expect("error_in_leaf", &shapes[i], shapes[i].has_error_in_leaf);
    }
}
END_TEST

static void offer_span(uint32_t number, uint32_t padding)
{
    static uint8_t ids[SPANS_MAX][16];
    memset(ids[number], 0x20, 16);
    memcpy(ids[number], &number, sizeof number);
    struct join_record record = {
        .number = number, .trace_id = ids[number], .parent = JOIN_NO_SPAN, .span = JOIN_NO_SPAN, .padding = padding
    };
    ck_assert_int_eq(join_offer(0, &record, 1, NULL), WEFT_OK);
}

/* 10,000 bytes at once, then 1,000 a second. */
START_TEST(test_bytes_of_a_trace_are_those_of_its_request)
{
    start_seeing(1, "decision_wait: 10ms\npolicies: [{name: b, type: bytes_limiting, bytes_limiting: "
                    "{bytes_per_second: 1000, burst_capacity: 10000}}]\n");
    offer_span(0, 10000); /* over the burst with all that is around it */
    offer_span(1, 9700);
    offer_span(2, 9700);
    advance(11 * WEFT_NS_PER_MS);
    ck_assert(seen[0] == 0 && seen[1] == 1 && seen[2] == 0);
    advance(9 * WEFT_NS_PER_S);
    offer_span(3, 9700);
    offer_span(4, 8000);
    advance(11 * WEFT_NS_PER_MS);
    ck_assert(seen[3] == 0 && seen[4] == 1);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join shape");
    TCase *tests = tcase_create("shape");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_trees_are_seen_as_they_are);
    tcase_add_test(tests, test_bytes_of_a_trace_are_those_of_its_request);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
