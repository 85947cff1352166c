/* Policies that ask for the whole of a trace, or for what its spans have beside attributes: span_count, trace_flags,
 * trace_state, not, log_severity and tree; and what of their config is refused. */
#include "policy/judge.h"

/* ---- span_count ---- */

START_TEST(test_span_count_keeps_within_bounds)
{
    static const struct {
        const char *keys;
        uint64_t count;
        bool is_kept;
    } rows[] = {
        { "min_spans: 2", 1, false },
        { "min_spans: 2", 2, true },
        { "min_spans: 2", 3000000000, true },
        { "max_spans: 3", 1, true },
        { "max_spans: 3", 3, true },
        { "max_spans: 3", 4, false },
        { "max_spans: 3", (UINT64_C(1) << 32) + 1, false },
        { "min_spans: 2, max_spans: 3", 1, false },
        { "min_spans: 2, max_spans: 3", 2, true },
        { "min_spans: 2, max_spans: 3", 3, true },
        { "min_spans: 2, max_spans: 3", 4, false },
        { "min_spans: 2, max_spans: 2", 2, true },
        { "min_spans: 2, max_spans: 0", 1000, true },
        { "", 1, true },
        { "min_spans: -1", 1, true },
        { "min_spans: 3, max_spans: 2", 2, false },
        { "min_spans: 3, max_spans: 2", 3, false },
        { "max_spans: -1", 1, false },
        { "min_spans: 2147483647, max_spans: 2147483647", 2147483647, true },
        { "min_spans: 2147483647, max_spans: 2147483647", 2147483646, false },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct judge judge;
        open_one(&judge, "span_count", rows[i].keys);
        ck_assert_msg(keeps_spans(&judge, rows[i].count) == rows[i].is_kept, "row %zu: %s", i, rows[i].keys);
        close_judge(&judge);
    }
}
END_TEST

START_TEST(test_span_count_beyond_32_bits_is_refused)
{
    refuse("  - {name: p, type: span_count, span_count: {min_spans: 2147483648}}", "test.yaml:2: ", "min_spans");
    refuse("  - name: p\n    type: span_count\n    span_count:\n      max_spans: -2147483649",
           "test.yaml:5: ", "max_spans");
}
END_TEST

/* ---- trace_flags ---- */

START_TEST(test_trace_flags_keeps_what_was_sampled)
{
    static const struct {
        uint32_t flags;
        bool is_kept;
    } rows[] = { { 0, false },    { 1, true },           { 2, false },        { 3, true },
                 { 0xfe, false }, { 0x100, false },      { 0x101, true },     { 0x300, false },
                 { 0x301, true }, { 0xfffffffe, false }, { UINT32_MAX, true } };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct judge judge;
        open_judge(&judge, "  - {name: p, type: trace_flags}\n  - {name: q, type: trace_flags, trace_flags: {}}");
        add_span(&judge, rows[i].flags, "");
        ck_assert_msg(keeps(&judge) == rows[i].is_kept, "flags %x", rows[i].flags);
        add_span(&judge, 0, "");
        ck_assert_int_eq(keeps(&judge), rows[i].is_kept);
        add_span(&judge, 1, "");
        ck_assert_int_eq(decide(&judge).policy, 0);
        policy_test_new_trace(&judge.test);
        ck_assert(!keeps(&judge));
        close_judge(&judge);
    }
}
END_TEST

/* ---- trace_state ---- */

START_TEST(test_trace_state_keeps_the_values_of_its_key)
{
    static const struct {
        const char *keys, *state;
        bool is_kept;
    } rows[] = {
        { "key: a, values: [x, \"y z\"]", "a=x", true },
        { "key: a, values: [x, \"y z\"]", "b=1,a=y z", true },
        { "key: a, values: [x, \"y z\"]", " b=1 , a=x ", true },
        { "key: a, values: [x, \"y z\"]", "a=X", false },
        { "key: a, values: [x, \"y z\"]", "a=xx", false },
        { "key: a, values: [x, \"y z\"]", "a= x", false },
        { "key: a, values: [x, \"y z\"]", "b=x", false },
        { "key: a, values: [x, \"y z\"]", "A=x", false },
        { "key: a, values: [x, \"y z\"]", "", false },
        { "key: a, values: [\" x\"]", "a= x", true },
        /* What is not valid says nothing. */
        { "key: a, values: [x]", "a=x,B=1", false },
        { "key: a, values: [x]", "a=x,a=x", false },
        { "key: a, values: [x]", "a=x,b", false },
        { "key: t@s, values: [x]", "t@s=x", true },
        { "key: t@s, values: [x]", "t=x,s=x", false },
        { "key: a, values: [\"\", y]", "b=1", false },
        { "key: a, values: [\"\"]", "", false },
        { "key: a, values: []", "a=x", false },
        { "values: [x]", "a=x", false },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct judge judge;
        open_one(&judge, "trace_state", rows[i].keys);
        add_span(&judge, 0, rows[i].state);
        ck_assert_msg(keeps(&judge) == rows[i].is_kept, "row %zu: %s, \"%s\"", i, rows[i].keys, rows[i].state);
        close_judge(&judge);
    }
}
END_TEST

START_TEST(test_trace_state_of_any_span_counts)
{
    struct judge judge;
    open_one(&judge, "trace_state", "key: a, values: [x, y]");
    add_span(&judge, 0, "a=z");
    add_span(&judge, 1, "");
    add_span(&judge, 0, "a=x,?");
    ck_assert(!keeps(&judge));
    add_span(&judge, 0, "b=1,a=y");
    add_span(&judge, 0, "a=z");
    ck_assert(keeps(&judge));
    policy_test_new_trace(&judge.test);
    ck_assert(!keeps(&judge));
    close_judge(&judge);
}
END_TEST

START_TEST(test_trace_states_are_told_apart)
{
    static const char *const states[] = { "a=x", "b=x", "a=y", "b=y", "a=y,b=x", "a=z" };
    static const int32_t deciders[] = { 0, 1, 2, -1, 1, -1 };
    for (size_t i = 0; i < WEFT_COUNT_OF(states); i++) {
        struct judge judge;
        open_judge(&judge, "  - {name: p, type: trace_state, trace_state: {key: a, values: [x]}}\n"
                           "  - {name: q, type: trace_state, trace_state: {key: b, values: [w, x]}}\n"
                           "  - {name: r, type: trace_state, trace_state: {key: a, values: [y]}}");
        add_span(&judge, 0, states[i]);
        ck_assert_msg(decide(&judge).policy == deciders[i], "%s", states[i]);
        close_judge(&judge);
    }
}
END_TEST

/* As in the Collector, key and value together have less than 256 bytes, although a value alone may have 256. */
START_TEST(test_trace_state_of_256_bytes_matches_nothing)
{
    for (size_t length = 250; length <= 256; length++) {
        struct judge judge;
        char value[300] = "";
        char text[400];
        memset(value, 'v', length);
        snprintf(text, sizeof text, "key: abc, values: [%s, x]", value);
        open_one(&judge, "trace_state", text);
        snprintf(text, sizeof text, "abc=%s", value);
        add_span(&judge, 0, text);
        ck_assert_msg(keeps(&judge) == (length + 3 < 256), "%zu bytes", length);
        add_span(&judge, 0, "abc=x");
        ck_assert(keeps(&judge));
        close_judge(&judge);
    }
}
END_TEST

/* ---- not ---- */

START_TEST(test_not_keeps_what_its_part_does_not)
{
    struct judge judge;
    open_judge(&judge, "  - {name: p, type: not, not: {not_sub_policy: {name: errors, type: status_code, "
                       "status_code: {status_codes: [ERROR]}}}}");
    ck_assert(keeps(&judge));
    add_status(&judge, 1);
    ck_assert(keeps(&judge));
    ck_assert_int_eq(decide(&judge).policy, 0);
    add_status(&judge, 2);
    ck_assert(!keeps(&judge));
    close_judge(&judge);
    open_judge(&judge, "  - {name: p, type: not, not: {not_sub_policy: {type: always_sample}}}");
    ck_assert(!keeps(&judge));
    close_judge(&judge);
    open_judge(&judge, "  - {name: p, type: not, not: {not_sub_policy: {type: string_attribute, string_attribute: "
                       "{key: env, values: [prod], invert_match: true}}}}");
    ck_assert(!keeps(&judge));
    policy_test_add_text(&judge.test, "env", "prod");
    ck_assert(keeps(&judge));
    close_judge(&judge);
}
END_TEST

START_TEST(test_not_is_a_part_of_and_and_of_drop)
{
    static const char parts[] = "[{type: status_code, status_code: {status_codes: [OK]}}, {name: n, type: not, "
                                "not: {not_sub_policy: {type: span_count, span_count: {min_spans: 5}}}}]";
    struct judge judge;
    char *list = weft_alloc_format("  - {name: p, type: and, and: {and_sub_policy: %s}}", parts);
    open_judge(&judge, list);
    ck_assert(!keeps_spans(&judge, 4));
    add_status(&judge, 1);
    ck_assert(keeps_spans(&judge, 4));
    ck_assert(!keeps_spans(&judge, 5));
    close_judge(&judge);
    weft_free(list);
    list = weft_alloc_format("  - {name: all, type: always_sample}\n"
                             "  - {name: p, type: drop, drop: {drop_sub_policy: %s}}",
                             parts);
    open_judge(&judge, list);
    ck_assert(keeps_spans(&judge, 4));
    add_status(&judge, 1);
    ck_assert(!keeps_spans(&judge, 4));
    ck_assert(decide(&judge).is_dropped);
    ck_assert(keeps_spans(&judge, 5));
    close_judge(&judge);
    weft_free(list);
}
END_TEST

START_TEST(test_part_that_cannot_say_makes_not_unable_too)
{
    struct judge judge;
    open_judge(&judge, "  - {name: p, type: not, not: {not_sub_policy: {type: tree, tree: {orphans: true}}}}");
    judge.has_no_memory = true;
    ck_assert_uint_eq(decide(&judge).errors, 1);
    ck_assert(!decide(&judge).is_kept);
    judge.has_no_memory = false;
    ck_assert(keeps(&judge));
    judge.tree.has_orphan = true;
    ck_assert(!keeps(&judge));
    close_judge(&judge);
}
END_TEST

START_TEST(test_not_has_no_place_within_not_or_composite)
{
    policy_test_refuse("  - name: p\n    type: not\n    not:\n      not_sub_policy:\n        {name: q, type: not}",
                       WEFT_INVALID,
                       "test.yaml:2: policy \"p\": test.yaml:5: part \"q\": type \"not\" is unknown within a policy; "
                       "there are " POLICY_TEST_TYPES);
    policy_test_refuse("  - name: p\n    type: composite\n    composite:\n      composite_sub_policy:\n"
                       "        - {name: q, type: not}",
                       WEFT_INVALID,
                       "test.yaml:2: policy \"p\": test.yaml:6: part \"q\": type \"not\" is unknown within a policy; "
                       "there are " POLICY_TEST_TYPES ", and");
    refuse("  - name: p\n    type: not\n    not:\n      not_sub_policy:\n        type: not\n"
           "        not: {not_sub_policy: {type: always_sample}}",
           "test.yaml:7: ", "unknown key \"not\"");
    refuse("  - name: p\n    type: composite\n    composite:\n      composite_sub_policy:\n"
           "        - {name: q, type: not, not: {not_sub_policy: {type: always_sample}}}",
           "test.yaml:6: ", "unknown key \"not\"");
}
END_TEST

START_TEST(test_not_is_refused_with_the_places_it_goes_through)
{
    refuse("  - {name: p, type: not}", "test.yaml:2: policy \"p\": ", "no type");
    refuse("  - {name: p, type: not, not: {}}", "test.yaml:2: policy \"p\": ", "no type");
    refuse("  - {name: p, type: not, not: {not_sub_policy: {name: q}}}",
           "test.yaml:2: policy \"p\": ", "part \"q\": it has no type");
    refuse("  - {name: p, type: not, not: {not_sub_policy: {name: q, type: and}}}",
           "test.yaml:2: policy \"p\": ", "part \"q\": type \"and\" is unknown within a policy");
    policy_test_refuse("  - name: p\n"
                       "    type: drop\n"
                       "    drop:\n"
                       "      drop_sub_policy:\n"
                       "        - {name: s, type: always_sample}\n"
                       "        - name: q\n"
                       "          type: not\n"
                       "          not:\n"
                       "            not_sub_policy:\n"
                       "              {name: r, type: tree}",
                       WEFT_INVALID,
                       "test.yaml:2: policy \"p\": test.yaml:7: part \"q\": test.yaml:10: part \"r\": none of "
                       "missing_root, orphans, error_in_leaf is true: it would keep nothing");
}
END_TEST

/* ---- log_severity ---- */

START_TEST(test_log_severity_keeps_lines_at_least_so_severe)
{
    static const struct {
        const char *keys;
        uint8_t least;
    } rows[] = {
        { "", 17 },
        { "min_severity: TRACE", 1 },
        { "min_severity: DEBUG", 5 },
        { "min_severity: INFO", 9 },
        { "min_severity: WARN", 13 },
        { "min_severity: ERROR", 17 },
        { "min_severity: FATAL", 21 },
        { "min_severity: warn", 13 },
        { "min_severity: Error", 17 },
        { "min_severity: 1", 1 },
        { "min_severity: 10", 10 },
        { "min_severity: \"17\"", 17 },
        { "min_severity: 20", 20 },
        { "min_severity: 24", 24 },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct judge judge;
        open_one(&judge, "log_severity", rows[i].keys);
        for (uint8_t worst = 0; worst <= 24; worst++) {
            judge.trace.worst_severity = worst;
            ck_assert_msg(keeps(&judge) == (worst >= rows[i].least), "%s: %u", rows[i].keys, worst);
        }
        close_judge(&judge);
    }
}
END_TEST

START_TEST(test_log_severity_without_its_block_means_errors)
{
    struct judge judge;
    open_judge(&judge, "  - {name: p, type: log_severity}");
    judge.trace.worst_severity = 16;
    ck_assert(!keeps(&judge));
    judge.trace.worst_severity = 17;
    ck_assert(keeps(&judge));
    close_judge(&judge);
}
END_TEST

START_TEST(test_unknown_severity_is_refused_with_its_place)
{
    static const char *const words[] = { "LOUD", "0", "25", "-1", "100", "ERRORS", "" };
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        char list[100];
        char text[200];
        snprintf(list, sizeof list, "  - {name: p, type: log_severity, log_severity: {min_severity: \"%s\"}}",
                 words[i]);
        snprintf(text, sizeof text,
                 "test.yaml:2: policy \"p\": min_severity \"%s\" is none: TRACE, DEBUG, INFO, WARN, ERROR, FATAL, or 1 "
                 "to 24",
                 words[i]);
        policy_test_refuse(list, WEFT_INVALID, text);
    }
    refuse("  - {name: p, type: log_severity, log_severity: {min_severity: 17.5}}", "test.yaml:2: ", "17.5");
}
END_TEST

/* ---- tree ---- */

static const char *const tree_keys[] = { "missing_root", "orphans", "error_in_leaf" };

/* Bit by bit as above. */
static struct weft_policy_tree tree_of(unsigned bits)
{
    return (struct weft_policy_tree){ .is_without_root = (bits & 1) != 0,
                                      .has_orphan = (bits & 2) != 0,
                                      .has_error_in_leaf = (bits & 4) != 0 };
}

START_TEST(test_tree_keeps_what_any_of_its_keys_asks_for)
{
    for (unsigned asked = 1; asked < 8; asked++) {
        char keys[100] = "";
        struct judge judge;
        for (unsigned i = 0; i < 3; i++) {
            snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "%s%s: %s", i == 0 ? "" : ", ", tree_keys[i],
                     (asked >> i & 1) != 0 ? "true" : "false");
        }
        open_one(&judge, "tree", keys);
        for (unsigned seen = 0; seen < 8; seen++) {
            judge.tree = tree_of(seen);
            ck_assert_msg(keeps(&judge) == ((asked & seen) != 0), "%s: %u", keys, seen);
        }
        close_judge(&judge);
    }
}
END_TEST

START_TEST(test_tree_that_cannot_be_seen_is_an_error_of_the_policy)
{
    struct judge judge;
    open_judge(&judge, "  - {name: t, type: tree, tree: {missing_root: true}}\n"
                       "  - {name: u, type: tree, tree: {orphans: true}}\n"
                       "  - {name: ok, type: status_code, status_code: {status_codes: [OK]}}");
    judge.tree = tree_of(7);
    judge.has_no_memory = true;
    struct weft_policy_decision decision = decide(&judge);
    ck_assert_uint_eq(decision.errors, 2);
    ck_assert_int_eq(decision.policy, -1);
    add_status(&judge, 1);
    ck_assert_int_eq(decide(&judge).policy, 2); /* the others decide */
    judge.has_no_memory = false;
    ck_assert_int_eq(decide(&judge).policy, 0);
    ck_assert(keeps(&judge));
    close_judge(&judge);
}
END_TEST

START_TEST(test_size_and_tree_are_asked_for_only_by_need)
{
    struct judge judge;
    open_judge(&judge, "  - {name: p, type: and, and: {and_sub_policy: [{type: status_code, status_code: "
                       "{status_codes: [ERROR]}}, {type: tree, tree: {orphans: true}}, {type: bytes_limiting, "
                       "bytes_limiting: {bytes_per_second: 100}}]}}\n"
                       "  - {name: q, type: rate_limiting, rate_limiting: {spans_per_second: 100}}\n"
                       "  - {name: r, type: log_severity}");
    ck_assert(keeps(&judge));
    ck_assert_uint_eq(judge.trees_asked + judge.sizes_asked, 0);
    add_status(&judge, 2);
    ck_assert_int_eq(decide(&judge).policy, 1);
    ck_assert_uint_eq(judge.trees_asked, 1);
    ck_assert_uint_eq(judge.sizes_asked, 0);
    judge.tree.has_orphan = true;
    ck_assert_int_eq(decide(&judge).policy, 0);
    ck_assert_uint_eq(judge.sizes_asked, 1);
    close_judge(&judge);
}
END_TEST

START_TEST(test_tree_that_asks_for_nothing_is_refused)
{
    static const char text[] =
        "test.yaml:2: policy \"p\": none of missing_root, orphans, error_in_leaf is true: it would "
        "keep nothing";
    policy_test_refuse("  - {name: p, type: tree}", WEFT_INVALID, text);
    policy_test_refuse("  - {name: p, type: tree, tree: {orphans: false}}", WEFT_INVALID, text);
    refuse("  - {name: p, type: tree, tree: {orphan: true}}", "test.yaml:2: ", "orphans");
}
END_TEST

/* ---- making ---- */

/* Each allocation fails in turn while the set is made. */
START_TEST(test_memory_that_runs_out_is_told)
{
    static const char text[] =
        "policies: [{name: a, type: rate_limiting, rate_limiting: {spans_per_second: 5}}, {name: b, type: not, not: "
        "{not_sub_policy: {type: trace_state, trace_state: {key: k, values: [v, w]}}}}, {name: c, type: composite, "
        "composite: {max_total_spans_per_second: 5, composite_sub_policy: [{name: d, type: numeric_attribute, "
        "numeric_attribute: {key: k, min_value: 5}}, {name: e, type: and, and: {and_sub_policy: [{type: "
        "boolean_attribute, boolean_attribute: {key: l}}, {type: not, not: {not_sub_policy: {type: "
        "bytes_limiting}}}]}}], "
        "rate_allocation: [{policy: d}]}}]";
    struct weft_tree *tree = NULL;
    struct policies_config config;
    ck_assert_int_eq(weft_config_load_text(text, "test.yaml", &tree, NULL), WEFT_OK);
    ck_assert_int_eq(weft_config_parse(policies_fields, weft_tree_root(tree), &config, NULL, NULL), WEFT_OK);
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_policy_set *set = NULL;
        struct weft_error error = WEFT_ERROR_NONE;
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_policy_set_new(&config.policies, &set, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_msg(status == (has_failed ? WEFT_NOMEM : WEFT_OK), "%zu: %s", nth, error.text);
        ck_assert_int_eq(status == WEFT_OK, set != NULL);
        ck_assert(status == WEFT_OK || strstr(error.text, "no memory") != NULL);
        ck_assert(has_failed || nth > 15);
        weft_policy_set_free(&set);
    }
    weft_config_fini(policies_fields, &config);
    weft_tree_free(&tree);
}
END_TEST

int main(void)
{
    const struct policy_test_case tests[] = {
        POLICY_TEST(test_span_count_keeps_within_bounds),
        POLICY_TEST(test_span_count_beyond_32_bits_is_refused),
        POLICY_TEST(test_trace_flags_keeps_what_was_sampled),
        POLICY_TEST(test_trace_state_keeps_the_values_of_its_key),
        POLICY_TEST(test_trace_state_of_any_span_counts),
        POLICY_TEST(test_trace_states_are_told_apart),
        POLICY_TEST(test_trace_state_of_256_bytes_matches_nothing),
        POLICY_TEST(test_not_keeps_what_its_part_does_not),
        POLICY_TEST(test_not_is_a_part_of_and_and_of_drop),
        POLICY_TEST(test_part_that_cannot_say_makes_not_unable_too),
        POLICY_TEST(test_not_has_no_place_within_not_or_composite),
        POLICY_TEST(test_not_is_refused_with_the_places_it_goes_through),
        POLICY_TEST(test_log_severity_keeps_lines_at_least_so_severe),
        POLICY_TEST(test_log_severity_without_its_block_means_errors),
        POLICY_TEST(test_unknown_severity_is_refused_with_its_place),
        POLICY_TEST(test_tree_keeps_what_any_of_its_keys_asks_for),
        POLICY_TEST(test_tree_that_cannot_be_seen_is_an_error_of_the_policy),
        POLICY_TEST(test_size_and_tree_are_asked_for_only_by_need),
        POLICY_TEST(test_tree_that_asks_for_nothing_is_refused),
        POLICY_TEST(test_memory_that_runs_out_is_told),
    };
    return POLICY_TEST_RUN("policies", tests);
}
