/* Sets of policies: which one decides, and and drop, status_code and always_sample, refusals with their place, memory
 * that runs out. */
#include "policy/policy_test.h"

static void expect(const struct policy_test *test, bool is_kept, bool is_dropped, const char *name)
{
    struct weft_policy_decision decision = policy_test_decide(test);
    const char *policy = decision.policy < 0 ? "none" : weft_policy_set_name(test->set, (size_t)decision.policy);
    ck_assert_str_eq(policy, name);
    ck_assert_int_eq(decision.is_kept, is_kept);
    ck_assert_int_eq(decision.is_dropped, is_dropped);
}

START_TEST(test_the_first_that_keeps_is_named)
{
    struct policy_test test;
    policy_test_open(&test, "  - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}\n"
                            "  - {name: all, type: always_sample, always_sample: {}}\n"
                            "  - {name: more, type: always_sample}");
    policy_test_add_span(&test, 1, 2, 1, WEFT_SLICE_EMPTY);
    expect(&test, true, false, "all");
    policy_test_add_span(&test, 1, 2, 2, WEFT_SLICE_EMPTY);
    expect(&test, true, false, "errors");
    ck_assert_uint_eq(weft_policy_set_count(test.set), 3);
    policy_test_close(&test);
}
END_TEST

START_TEST(test_statuses_are_those_of_any_span)
{
    static const struct {
        const char *codes;
        uint32_t status;
        bool is_kept;
    } rows[] = {
        { "[ERROR]", 2, true },      { "[ERROR]", 1, false }, { "[OK]", 1, true },           { "[UNSET]", 0, true },
        { "[OK, UNSET]", 2, false }, { "[UNSET]", 3, false }, { "[OK, ERROR]", 200, false },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct policy_test test;
        char *list =
            weft_alloc_format("  - {name: p, type: status_code, status_code: {status_codes: %s}}", rows[i].codes);
        policy_test_open(&test, list);
        policy_test_add_span(&test, 1, 2, rows[i].status, WEFT_SLICE_EMPTY);
        ck_assert_msg(policy_test_is_kept(&test) == rows[i].is_kept, "row %zu", i);
        policy_test_close(&test);
        weft_free(list);
    }
}
END_TEST

START_TEST(test_drop_comes_first_wherever_it_stands)
{
    struct policy_test test;
    policy_test_open(
        &test, "  - {name: all, type: always_sample}\n"
               "  - {name: health, type: drop, drop: {drop_sub_policy: [{type: string_attribute, string_attribute: "
               "{key: route, values: [/health]}}, {type: status_code, status_code: {status_codes: [OK]}}]}}");
    policy_test_add_span(&test, 1, 2, 1, WEFT_SLICE_EMPTY);
    expect(&test, true, false, "all");
    policy_test_add_text(&test, "route", "/health");
    expect(&test, false, true, "health");
    policy_test_close(&test);
}
END_TEST

START_TEST(test_and_wants_all_its_parts)
{
    struct policy_test test;
    policy_test_open(&test,
                     "  - {name: both, type: and, and: {and_sub_policy: [{name: a, type: string_attribute, "
                     "string_attribute: {key: env, values: [prod]}}, {type: string_attribute, string_attribute: {key: "
                     "env, values: [dev], invert_match: true}}]}}");
    expect(&test, false, false, "none");
    policy_test_add_text(&test, "env", "prod");
    expect(&test, true, false, "both");
    policy_test_add_text(&test, "env", "dev");
    expect(&test, false, false, "none");
    policy_test_close(&test);
}
END_TEST

START_TEST(test_without_parts_and_keeps_all_and_drop_drops_all)
{
    struct policy_test test;
    policy_test_open(&test, "  - {name: p, type: and, and: {}}");
    expect(&test, true, false, "p");
    policy_test_close(&test);
    policy_test_open(&test, "  - {name: all, type: always_sample}\n  - {name: p, type: drop}");
    expect(&test, false, true, "p");
    policy_test_close(&test);
}
END_TEST

/* A part that cannot say makes its policy one that cannot, unless a part before it said no. */
START_TEST(test_an_error_of_a_part_is_one_of_the_policy)
{
    static const char hostile[] = "{type: string_attribute, string_attribute: {key: env, values: "
                                  "[\"(x?[a-z]*)*[0-9]\"], enabled_regex_matching: true}}";
    struct policy_test test;
    char *list = weft_alloc_format("  - {name: all, type: always_sample}\n"
                                   "  - {name: d, type: drop, drop: {drop_sub_policy: [%s]}}\n"
                                   "  - {name: e, type: drop, drop: {drop_sub_policy: [{type: status_code, "
                                   "status_code: {status_codes: [ERROR]}}, %s]}}",
                                   hostile, hostile);
    policy_test_open(&test, list);
    policy_test_add_text(&test, "env", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    expect(&test, true, false, "all");
    ck_assert_uint_eq(policy_test_decide(&test).errors, 1);
    policy_test_close(&test);
    weft_free(list);
}
END_TEST

/* More conditions than one word of facts, several on one key. */
START_TEST(test_many_policies_have_facts_of_their_own)
{
    enum { COUNT = 70 };
    struct policy_test test;
    char list[COUNT * 128] = "";
    for (int i = 0; i < COUNT; i++) {
        char line[128];
        snprintf(line, sizeof line,
                 "  - {name: p%d, type: string_attribute, string_attribute: {key: k%d, values: "
                 "[v%d, w]}}\n",
                 i, i % 7, i);
        strcat(list, line);
    }
    policy_test_open(&test, list);
    ck_assert_uint_eq(weft_policy_set_facts_bytes(test.set), 16 + 8 * ((3 + 2 * COUNT + 63) / 64));
    for (int i = 0; i < COUNT; i++) {
        char key[8];
        char value[8];
        char name[8];
        snprintf(key, sizeof key, "k%d", i % 7);
        snprintf(value, sizeof value, "v%d", i);
        snprintf(name, sizeof name, "p%d", i);
        policy_test_new_trace(&test);
        policy_test_add_text(&test, key, value);
        expect(&test, true, false, name);
    }
    policy_test_close(&test);
}
END_TEST

START_TEST(test_another_trace_of_a_group_counts)
{
    struct policy_test test;
    policy_test_open(&test, "  - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}");
    struct weft_policy_facts *other = weft_alloc(weft_policy_set_facts_bytes(test.set));
    other->bits[0] = 1 << 2;
    expect(&test, false, false, "none");
    weft_policy_facts_merge_trace(test.set, test.facts, other);
    expect(&test, true, false, "errors");
    weft_free(other);
    policy_test_close(&test);
}
END_TEST

START_TEST(test_what_is_wrong_is_refused_with_its_place)
{
    static const char types[] = POLICY_TEST_TYPES;
    char text[512];
    policy_test_refuse("  - {type: latency}", WEFT_INVALID, "test.yaml:2: a policy needs a name");
    policy_test_refuse("  - {name: a, type: latency}\n  - {name: a, type: latency}", WEFT_INVALID,
                       "test.yaml:3: policy \"a\": its name is that of the policy in line 2");
    snprintf(text, sizeof text,
             "test.yaml:2: policy \"a\": type \"latancy\" is unknown; there are %s, and, not, drop, composite", types);
    policy_test_refuse("  - {name: a, type: latancy}", WEFT_INVALID, text);
    snprintf(text, sizeof text, "test.yaml:2: policy \"a\": it has no type; there are %s, and, not, drop, composite",
             types);
    policy_test_refuse("  - {name: a, latency: {threshold_ms: 1}}", WEFT_INVALID, text);
    snprintf(text, sizeof text,
             "test.yaml:3: policy \"a\": test.yaml:6: part \"b\": type \"and\" is unknown within a policy; there are "
             "%s, not",
             types);
    policy_test_refuse("  -\n    name: a\n    type: and\n    and:\n      and_sub_policy: [{name: b, type: and}]",
                       WEFT_INVALID, text);
    policy_test_refuse("  - {name: a, type: status_code}", WEFT_INVALID,
                       "test.yaml:2: policy \"a\": status_codes is empty; OK, ERROR or UNSET");
    policy_test_refuse("  - {name: a, type: status_code, status_code: {status_codes: [Error]}}", WEFT_INVALID,
                       "test.yaml:2: policy \"a\": status_codes: \"Error\" is not one of OK, ERROR, UNSET");
}
END_TEST

static bool is_kept_of(const struct policy_test *test, uint64_t spans, bool is_first_match_enough)
{
    static const uint8_t trace_id[16] = { 1 };
    struct weft_policy_trace trace = {
        .trace_id = trace_id, .facts = test->facts, .span_count = spans, .is_first_match_enough = is_first_match_enough
    };
    struct weft_policy_decision decision;
    weft_policy_set_decide(test->set, &trace, &decision);
    ck_assert(!decision.is_kept || decision.policy == (spans < 50 ? 0 : 1));
    return decision.is_kept;
}

/* 100 spans at once: what another policy keeps is on its way, too. */
START_TEST(test_rates_count_what_others_keep)
{
    static const char list[] = "  - {name: small, type: span_count, span_count: {min_spans: 1, max_spans: 49}}\n"
                               "  - {name: some, type: rate_limiting, rate_limiting: {burst_capacity: 100}}";
    for (int is_first_enough = 0; is_first_enough <= 1; is_first_enough++) {
        struct policy_test test;
        policy_test_open(&test, list);
        ck_assert(is_kept_of(&test, 40, is_first_enough == 1));
        ck_assert(is_kept_of(&test, 20, is_first_enough == 1));
        ck_assert_int_eq(is_kept_of(&test, 60, is_first_enough == 1), is_first_enough == 1);
        ck_assert(is_kept_of(&test, 10, is_first_enough == 1));
        policy_test_close(&test);
    }
}
END_TEST

/* The config as it was written, and what there is to say of it. */
static void expect_advice(const char *list, const char *expected)
{
    struct weft_tree *tree = NULL;
    struct policies_config config;
    struct weft_config_notes notes = { 0 };
    char *text = weft_alloc_format("policies:\n%s\n", list);
    ck_assert(weft_config_load_text(text, "test.yaml", &tree, NULL) == WEFT_OK);
    ck_assert(weft_config_parse(policies_fields, weft_tree_root(tree), &config, NULL, NULL) == WEFT_OK);
    ck_assert(weft_policies_advise(&config.policies, &notes) == WEFT_OK);
    ck_assert_msg(notes.count == (expected != NULL), "%s: %zu notes", list, notes.count);
    if (expected != NULL) {
        ck_assert_str_eq(notes.items[0].text, expected);
    }
    weft_config_notes_fini(&notes);
    weft_config_fini(policies_fields, &config);
    weft_tree_free(&tree);
    weft_free(text);
}

START_TEST(test_what_keeps_all_or_nothing_is_warned_of)
{
    expect_advice("  - {name: a, type: always_sample}",
                  "test.yaml:2: policy \"a\": it keeps every trace, so that there is nothing to decide");
    expect_advice(
        "  - {name: a, type: always_sample}\n  - {name: b, type: drop, drop: {drop_sub_policy: [{name: c, type: "
        "always_sample}]}}",
        NULL);
    expect_advice("  - {name: a, type: and, and: {and_sub_policy: [{name: b, type: always_sample}]}}", NULL);
    expect_advice("  - {name: a, type: always_sample}\n  - {name: b, type: probabilistic, probabilistic: "
                  "{sampling_percentage: 10}}",
                  "test.yaml:2: policy \"a\": it keeps every trace, whatever the others say");
    expect_advice("  - {name: a, type: latency}", "test.yaml:2: policy \"a\": threshold_ms is 0: it keeps every trace "
                                                  "that takes a millisecond, so that there is nothing to decide");
    expect_advice("  - {name: a, type: latency, latency: {upper_threshold_ms: 5}}", NULL);
    expect_advice("  - {name: a, type: latency, latency: {threshold_ms: 5}}", NULL);
    expect_advice(
        "  - {name: a, type: probabilistic, probabilistic: {sampling_percentage: 100}}",
        "test.yaml:2: policy \"a\": sampling_percentage is 100: it keeps every trace, so that there is nothing "
        "to decide");
    expect_advice("  - {name: a, type: and}", "test.yaml:2: policy \"a\": it has no parts: it keeps every trace");
    expect_advice("  - {name: a, type: drop}", "test.yaml:2: policy \"a\": it has no parts: it drops every trace");
    expect_advice("  - {name: a, type: probabilistic, probabilistic: {sampling_percentage: 10}}", NULL);
    expect_advice("  - {name: a, type: probabilistic, probabilistic: {sampling_percentage: 101}}",
                  "test.yaml:2: policy \"a\": sampling_percentage is over 100: it keeps every trace");
    expect_advice("  - {name: a, type: and, and: {and_sub_policy: [{name: b, type: probabilistic}]}}",
                  "test.yaml:2: policy \"b\": sampling_percentage is 0 or less: it keeps no trace");
    expect_advice("  - {name: a, type: string_attribute, string_attribute: {key: k}}",
                  "test.yaml:2: policy \"a\": it has no values: no attribute matches");
    expect_advice("  - {name: a, type: rate_limiting}",
                  "test.yaml:2: policy \"a\": spans_per_second is 0 or less: beyond a burst it keeps no trace");
    expect_advice(
        "  - {name: a, type: composite, composite: {composite_sub_policy: [{name: b, type: latency}]}}",
        "test.yaml:2: policy \"b\": rate_allocation does not name it: it keeps no trace, as in the Collector");
}
END_TEST

START_TEST(test_keys_are_checked)
{
    static const struct {
        const char *list, *part;
        enum weft_status status;
    } rows[] = {
        { "  - {name: a, type: latency, latency: {treshold_ms: 1}}", "threshold_ms", WEFT_INVALID },
        { "  - {name: a, type: latency, lattency: {}}", "latency", WEFT_INVALID },
        { "  - {name: a, type: and, and: {and_sub_policy: [{name: b, drop: {}}]}}", "drop", WEFT_INVALID },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_policy_set *set = NULL;
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_int_eq(policy_test_load(rows[i].list, &set, &error), rows[i].status);
        ck_assert_msg(strncmp(error.text, "test.yaml:2: ", 13) == 0 && strstr(error.text, rows[i].part) != NULL, "%s",
                      error.text);
    }
}
END_TEST

START_TEST(test_too_many_conditions_are_told)
{
    enum { COUNT = 511 };
    char *list = weft_alloc(COUNT * 96 + 1);
    for (int i = 0; i < COUNT; i++) {
        char line[96];
        snprintf(line, sizeof line, "  - {name: p%d, type: string_attribute, string_attribute: {key: k}}\n", i);
        strcat(list, line);
    }
    policy_test_refuse(list, WEFT_LIMIT,
                       "test.yaml:512: policy \"p510\": more conditions than the 1021 that a set of policies may have");
    weft_free(list);
}
END_TEST

/* Each allocation fails in turn while the set is made. */
START_TEST(test_memory_that_runs_out_is_told)
{
    static const char text[] =
        "policies: [{name: a, type: latency, latency: {threshold_ms: 5}}, {name: b, type: and, and: "
        "{and_sub_policy: [{type: string_attribute, string_attribute: {key: k, values: [v, w]}}, "
        "{type: string_attribute, string_attribute: {key: k, values: [\"v+\"], "
        "enabled_regex_matching: true}}]}}]";
    struct weft_tree *tree = NULL;
    struct policies_config config;
    ck_assert_int_eq(weft_config_load_text(text, "test.yaml", &tree, NULL), WEFT_OK);
    ck_assert_int_eq(weft_config_parse(policies_fields, weft_tree_root(tree), &config, NULL, NULL), WEFT_OK);
    for (size_t nth = 1;; nth++) {
        struct weft_policy_set *set = NULL;
        struct weft_error error = WEFT_ERROR_NONE;
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_policy_set_new(&config.policies, &set, &error);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        /* Without memory for the JIT a pattern is interpreted. */
        ck_assert_msg(status == WEFT_OK || (status == WEFT_NOMEM && has_failed), "%s", error.text);
        ck_assert_int_eq(status == WEFT_OK, set != NULL);
        weft_policy_set_free(&set);
        if (!has_failed) {
            ck_assert_uint_gt(nth, 12);
            break;
        }
    }
    weft_config_fini(policies_fields, &config);
    weft_tree_free(&tree);
}
END_TEST

int main(void)
{
    const struct policy_test_case tests[] = {
        POLICY_TEST(test_the_first_that_keeps_is_named),
        POLICY_TEST(test_statuses_are_those_of_any_span),
        POLICY_TEST(test_drop_comes_first_wherever_it_stands),
        POLICY_TEST(test_and_wants_all_its_parts),
        POLICY_TEST(test_without_parts_and_keeps_all_and_drop_drops_all),
        POLICY_TEST(test_an_error_of_a_part_is_one_of_the_policy),
        POLICY_TEST(test_many_policies_have_facts_of_their_own),
        POLICY_TEST(test_another_trace_of_a_group_counts),
        POLICY_TEST(test_what_is_wrong_is_refused_with_its_place),
        POLICY_TEST(test_rates_count_what_others_keep),
        POLICY_TEST(test_what_keeps_all_or_nothing_is_warned_of),
        POLICY_TEST(test_keys_are_checked),
        POLICY_TEST(test_too_many_conditions_are_told),
        POLICY_TEST(test_memory_that_runs_out_is_told),
    };
    return POLICY_TEST_RUN("policy set", tests);
}
