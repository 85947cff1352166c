/* Policy composite: shares of a rate, by seconds of the wall clock. */
#include "policy/judge.h"

/* Two parts: errors, and all. */
static void open_composite(struct judge *judge, const char *allocations)
{
    char *list = weft_alloc_format("  - {name: c, type: composite, composite: {max_total_spans_per_second: 100, "
                                   "policy_order: [all, errors], composite_sub_policy: [{name: errors, type: "
                                   "status_code, status_code: {status_codes: [ERROR]}}, {name: all, type: "
                                   "always_sample}], rate_allocation: [%s]}}",
                                   allocations);
    open_judge(judge, list);
    weft_free(list);
}

static void be_error(struct judge *judge, bool is_error)
{
    policy_test_new_trace(&judge->test);
    add_status(judge, is_error ? 2 : 1);
}

/* How many spans this part lets pass in a second, as far as to a thousand, in traces of one. */
static uint64_t share_of(struct judge *judge, bool is_error)
{
    uint64_t kept = 0;
    be_error(judge, is_error);
    judge->trace.wall.ns += NS;
    while (kept < 1000 && keeps_spans(judge, 1)) {
        kept++;
    }
    return kept;
}

START_TEST(test_composite_shares_its_rate)
{
    static const struct {
        const char *allocations;
        uint64_t of_errors, of_others;
    } rows[] = {
        { "{policy: errors, percent: 60}, {policy: all, percent: 10}", 60, 10 },
        { "{policy: all, percent: 10}, {policy: errors, percent: 60}", 60, 10 },
        { "{policy: errors, percent: 100}, {policy: all, percent: 100}", 100, 100 },
        { "{policy: errors, percent: 250}, {policy: all, percent: 1}", 100, 1 },
        { "{policy: errors, percent: 0}, {policy: all}", 50, 50 },
        { "{policy: errors, percent: -5}, {policy: all, percent: 80}", 50, 80 },
        { "{policy: errors, percent: 60}", 60, 0 },
        { "{policy: all, percent: 60}", 0, 60 },
        { "", 0, 0 },
        { "{policy: errors, percent: 60}, {policy: errors, percent: 7}", 7, 0 },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct judge judge;
        open_composite(&judge, rows[i].allocations);
        uint64_t of_errors = share_of(&judge, true);
        uint64_t of_others = share_of(&judge, false);
        ck_assert_msg(of_errors == rows[i].of_errors && of_others == rows[i].of_others, "row %zu: %ju and %ju", i,
                      (uintmax_t)of_errors, (uintmax_t)of_others);
        close_judge(&judge);
    }
}
END_TEST

/* Parts of spans are cut off: 29 % of 100 are 28, by the Collector's floating point. */
START_TEST(test_composite_shares_are_whole_spans)
{
    static const struct {
        const char *total, *percent;
        uint64_t share;
    } rows[] = { { "10", "33", 3 }, { "10", "0", 3 },    { "100", "29", 28 }, { "7", "100", 7 },
                 { "10", "9", 0 },  { "2", "0", 0 },     { "0", "50", 0 },    { "-5", "50", 0 },
                 { "0", "0", 0 },   { "199", "50", 99 }, { "3", "0", 1 },     { "11", "57", 6 } };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct judge judge;
        char *list = weft_alloc_format("  - {name: c, type: composite, composite: {max_total_spans_per_second: %s, "
                                       "composite_sub_policy: [{name: a, type: always_sample}, {name: b, type: "
                                       "always_sample}, {name: c, type: always_sample}], rate_allocation: [{policy: a, "
                                       "percent: %s}]}}",
                                       rows[i].total, rows[i].percent);
        open_judge(&judge, list);
        ck_assert_uint_eq(share_of(&judge, false), rows[i].share);
        close_judge(&judge);
        weft_free(list);
    }
}
END_TEST

START_TEST(test_composite_counts_each_part_by_itself)
{
    struct judge judge;
    open_composite(&judge, "{policy: errors, percent: 90}, {policy: all, percent: 80}");
    be_error(&judge, true);
    ck_assert(keeps_spans(&judge, 90));
    be_error(&judge, false);
    ck_assert(keeps_spans(&judge, 80)); /* 170 of a total of 100, as in the Collector */
    ck_assert(!keeps_spans(&judge, 1));
    be_error(&judge, true);
    ck_assert(!keeps_spans(&judge, 1));
    close_judge(&judge);
}
END_TEST

START_TEST(test_composite_trace_that_does_not_fit_takes_nothing)
{
    struct judge judge;
    open_composite(&judge, "{policy: errors, percent: 60}");
    be_error(&judge, true);
    ck_assert(!keeps_spans(&judge, 61));
    ck_assert(keeps_spans(&judge, 50));
    ck_assert(!keeps_spans(&judge, 11));
    ck_assert(!keeps_spans(&judge, UINT64_MAX));
    ck_assert(keeps_spans(&judge, 10));
    ck_assert(!keeps_spans(&judge, 1));
    close_judge(&judge);
}
END_TEST

/* An error that is over the share of errors is no case for the part that would keep all. */
START_TEST(test_composite_first_part_decides)
{
    struct judge judge;
    open_composite(&judge, "{policy: errors, percent: 5}, {policy: all, percent: 90}");
    be_error(&judge, true);
    ck_assert(keeps_spans(&judge, 5));
    ck_assert(!keeps_spans(&judge, 1));
    ck_assert_int_eq(decide(&judge).policy, -1);
    be_error(&judge, false);
    ck_assert(keeps_spans(&judge, 90)); /* nothing was taken from it */
    close_judge(&judge);
    open_composite(&judge, "{policy: all, percent: 90}");
    be_error(&judge, true);
    ck_assert(!keeps_spans(&judge, 1));
    be_error(&judge, false);
    ck_assert(keeps_spans(&judge, 90));
    close_judge(&judge);
}
END_TEST

START_TEST(test_composite_begins_anew_with_each_second_of_the_wall_clock)
{
    struct judge judge;
    open_composite(&judge, "{policy: all, percent: 10}");
    be_error(&judge, false);
    for (int second = 0; second < 3; second++) {
        ck_assert(keeps_spans(&judge, 10));
        judge.trace.wall.ns += NS - 1;
        ck_assert(!keeps_spans(&judge, 1));
        judge.trace.now.ns += 3600 * NS;
        ck_assert(!keeps_spans(&judge, 1));
        judge.trace.wall.ns += 1;
    }
    judge.trace.wall.ns += 3600 * NS;
    ck_assert(keeps_spans(&judge, 9));
    ck_assert(!keeps_spans(&judge, 2));
    ck_assert(keeps_spans(&judge, 1));
    close_judge(&judge);
}
END_TEST

START_TEST(test_composite_whose_parts_say_no_keeps_nothing)
{
    struct judge judge;
    open_one(&judge, "composite", "max_total_spans_per_second: 100");
    ck_assert(!keeps(&judge));
    close_judge(&judge);
    open_judge(&judge, "  - {name: c, type: composite, composite: {max_total_spans_per_second: 100, "
                       "composite_sub_policy: [{name: errors, type: status_code, status_code: {status_codes: "
                       "[ERROR]}}], rate_allocation: [{policy: errors, percent: 100}]}}\n"
                       "  - {name: d, type: span_count, span_count: {min_spans: 2}}");
    add_status(&judge, 1);
    ck_assert(!keeps(&judge));
    judge.trace.span_count = 2;
    ck_assert_int_eq(decide(&judge).policy, 1);
    add_status(&judge, 2);
    ck_assert_int_eq(decide(&judge).policy, 0);
    close_judge(&judge);
}
END_TEST

START_TEST(test_composite_has_and_among_its_parts)
{
    struct judge judge;
    open_judge(&judge, "  - {name: c, type: composite, composite: {max_total_spans_per_second: 100, "
                       "composite_sub_policy: [{name: both, type: and, and: {and_sub_policy: [{type: status_code, "
                       "status_code: {status_codes: [ERROR]}}, {type: not, not: {not_sub_policy: {type: span_count, "
                       "span_count: {max_spans: 4}}}}]}}, {name: all, type: always_sample}], rate_allocation: "
                       "[{policy: both, percent: 50}, {policy: all, percent: 7}]}}");
    add_status(&judge, 2);
    ck_assert(keeps_spans(&judge, 50));
    ck_assert(!keeps_spans(&judge, 5));
    ck_assert(keeps_spans(&judge, 4)); /* by the part that keeps all */
    ck_assert(keeps_spans(&judge, 3));
    ck_assert(!keeps_spans(&judge, 1));
    close_judge(&judge);
}
END_TEST

START_TEST(test_composite_with_a_part_that_cannot_say_cannot_either)
{
    struct judge judge;
    open_judge(&judge,
               "  - {name: c, type: composite, composite: {max_total_spans_per_second: 100, "
               "composite_sub_policy: [{name: shape, type: tree, tree: {orphans: true}}, {name: all, type: "
               "always_sample}], rate_allocation: [{policy: shape, percent: 10}, {policy: all, percent: 20}]}}");
    judge.has_no_memory = true;
    ck_assert_uint_eq(decide(&judge).errors, 1);
    ck_assert(!decide(&judge).is_kept);
    judge.has_no_memory = false;
    ck_assert(keeps_spans(&judge, 20)); /* nothing was taken */
    judge.tree.has_orphan = true;
    ck_assert(keeps_spans(&judge, 10));
    ck_assert(!keeps_spans(&judge, 1));
    close_judge(&judge);
}
END_TEST

START_TEST(test_composite_allocation_without_its_part_is_refused_with_its_place)
{
    policy_test_refuse("  - name: c\n"
                       "    type: composite\n"
                       "    composite:\n"
                       "      max_total_spans_per_second: 100\n"
                       "      composite_sub_policy:\n"
                       "        - {name: errors, type: always_sample}\n"
                       "      rate_allocation:\n"
                       "        - {policy: errors, percent: 10}\n"
                       "        - {policy: error, percent: 10}",
                       WEFT_INVALID,
                       "test.yaml:2: policy \"c\": test.yaml:10: rate_allocation names \"error\", which is no part of "
                       "it");
    policy_test_refuse("  - {name: c, type: composite, composite: {composite_sub_policy: [{name: a, type: "
                       "always_sample}], rate_allocation: [{percent: 10}]}}",
                       WEFT_INVALID,
                       "test.yaml:2: policy \"c\": test.yaml:2: rate_allocation names \"\", which is no part of it");
}
END_TEST

START_TEST(test_composite_parts_are_refused_with_their_place)
{
    static const char *const types[] = { "composite", "drop", "other" };
    for (size_t i = 0; i < WEFT_COUNT_OF(types); i++) {
        char list[200];
        char text[400];
        snprintf(list, sizeof list,
                 "  - name: c\n    type: composite\n    composite:\n      composite_sub_policy:\n"
                 "        - {name: a, type: always_sample}\n        - {name: b, type: %s}",
                 types[i]);
        snprintf(
            text, sizeof text,
            "test.yaml:2: policy \"c\": test.yaml:7: part \"b\": type \"%s\" is unknown within a policy; there are "
            "%s, and",
            types[i], POLICY_TEST_TYPES);
        policy_test_refuse(list, WEFT_INVALID, text);
    }
    refuse("  - {name: p, type: and, and: {and_sub_policy: [{name: b, type: composite}]}}",
           "test.yaml:2: ", "part \"b\": type \"composite\" is unknown within a policy");
    refuse("  - {name: p, type: drop, drop: {drop_sub_policy: [{name: b, type: composite}]}}",
           "test.yaml:2: ", "part \"b\": type \"composite\" is unknown within a policy");
    refuse("  - {name: p, type: not, not: {not_sub_policy: {name: b, type: composite}}}",
           "test.yaml:2: ", "part \"b\": type \"composite\" is unknown within a policy");
}
END_TEST

int main(void)
{
    const struct policy_test_case tests[] = {
        POLICY_TEST(test_composite_shares_its_rate),
        POLICY_TEST(test_composite_shares_are_whole_spans),
        POLICY_TEST(test_composite_counts_each_part_by_itself),
        POLICY_TEST(test_composite_trace_that_does_not_fit_takes_nothing),
        POLICY_TEST(test_composite_first_part_decides),
        POLICY_TEST(test_composite_begins_anew_with_each_second_of_the_wall_clock),
        POLICY_TEST(test_composite_whose_parts_say_no_keeps_nothing),
        POLICY_TEST(test_composite_has_and_among_its_parts),
        POLICY_TEST(test_composite_with_a_part_that_cannot_say_cannot_either),
        POLICY_TEST(test_composite_allocation_without_its_part_is_refused_with_its_place),
        POLICY_TEST(test_composite_parts_are_refused_with_their_place),
    };
    return POLICY_TEST_RUN("composite", tests);
}
