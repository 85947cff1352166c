/* Policies that ask for attributes: which attribute of a trace counts, and several policies beside each other. */
#include "policy/by_hand.h"

/* ---- which attribute counts ---- */

START_TEST(test_keys_are_compared_whole)
{
    static const char *const keys[] = { "Count", "coun", "counts", "count ", "", "acount" };
    static const struct any seven = INTEGER(7);
    for (size_t i = 0; i < 2 * WEFT_COUNT_OF(keys); i++) {
        struct policy_test test;
        open_with(&test, "numeric_attribute", "min_value: 5", i % 2 == 1);
        add_span(&test, keys[i / 2], seven);
        ck_assert(!policy_test_is_kept(&test));
        set_resource(&test, keys[i / 2], seven);
        policy_test_add_span(&test, 1, 2, 0, WEFT_SLICE_EMPTY);
        ck_assert(!policy_test_is_kept(&test));
        policy_test_close(&test);
    }
}
END_TEST

START_TEST(test_any_span_or_resource_of_the_trace_counts)
{
    static const struct any one = INTEGER(1), seven = INTEGER(7);
    for (int way = 0; way < 4; way++) {
        struct policy_test test;
        bool is_inverted = way / 2 == 1;
        open_with(&test, "numeric_attribute", is_inverted ? "min_value: 5, invert_match: true" : "min_value: 5",
                  way % 2 == 1);
        add_span(&test, "count", one);
        add_span(&test, "count", any_true);
        ck_assert_int_eq(policy_test_is_kept(&test), is_inverted);
        add_span(&test, "count", seven);
        add_span(&test, "count", one);
        ck_assert_int_eq(policy_test_is_kept(&test), !is_inverted);
        policy_test_new_trace(&test);
        set_resource(&test, "count", one);
        add_span(&test, "count", one);
        ck_assert_int_eq(policy_test_is_kept(&test), is_inverted);
        set_resource(&test, "count", seven);
        add_span(&test, "count", one);
        set_resource(&test, "count", one);
        add_span(&test, "count", one);
        ck_assert_int_eq(policy_test_is_kept(&test), !is_inverted);
        policy_test_close(&test);
    }
}
END_TEST

/* The resource says one thing, its span another: each is looked at. */
START_TEST(test_attribute_of_a_resource_does_not_hide_that_of_a_span)
{
    static const struct any one = INTEGER(1), seven = INTEGER(7);
    for (int way = 0; way < 4; way++) {
        struct policy_test test;
        open_with(&test, "numeric_attribute", "min_value: 5", way % 2 == 1);
        set_resource(&test, "count", way / 2 == 1 ? seven : one);
        add_span(&test, "count", way / 2 == 1 ? one : seven);
        ck_assert(policy_test_is_kept(&test));
        policy_test_close(&test);
    }
}
END_TEST

START_TEST(test_first_attribute_of_a_key_counts)
{
    static const struct any one = INTEGER(1), seven = INTEGER(7);
    for (int way = 0; way < 2; way++) {
        struct policy_test test;
        open_with(&test, "numeric_attribute", "min_value: 5", way == 1);
        add_span_of_two(&test, "count", one, seven);
        add_span_of_two(&test, "count", any_empty, seven);
        ck_assert(!policy_test_is_kept(&test));
        add_span_of_two(&test, "count", seven, one);
        ck_assert(policy_test_is_kept(&test));
        policy_test_close(&test);
        open_with(&test, "boolean_attribute", "value: true", way == 1);
        add_span_of_two(&test, "count", any_false, any_true);
        add_span_of_two(&test, "count", one, any_true);
        ck_assert(!policy_test_is_kept(&test));
        add_span_of_two(&test, "count", any_true, any_false);
        ck_assert(policy_test_is_kept(&test));
        policy_test_close(&test);
    }
}
END_TEST

START_TEST(test_first_attribute_of_a_resource_counts)
{
    static const struct any one = INTEGER(1), seven = INTEGER(7);
    for (int way = 0; way < 4; way++) {
        struct policy_test test;
        uint8_t bytes[128];
        bool is_first = way / 2 == 1;
        open_with(&test, "numeric_attribute", "min_value: 5", way % 2 == 1);
        size_t length = put_attribute(bytes, RESOURCE_ATTRIBUTES, "other", &seven);
        length += put_attribute(bytes + length, RESOURCE_ATTRIBUTES, "count", is_first ? &seven : &one);
        length += put_attribute(bytes + length, RESOURCE_ATTRIBUTES, "count", is_first ? &one : &seven);
        set_resource_attributes(&test, weft_slice_of(bytes, length));
        policy_test_add_span(&test, 1, 2, 0, WEFT_SLICE_EMPTY);
        ck_assert_int_eq(policy_test_is_kept(&test), is_first);
        policy_test_close(&test);
    }
}
END_TEST

/* Parts of a trace, and traces of a group, are judged by what each of them has. */
START_TEST(test_what_parts_of_a_trace_have_counts_for_it)
{
    static const struct any seven = INTEGER(7);
    struct policy_test test;
    open_list(&test,
              "  - {name: number, type: numeric_attribute, numeric_attribute: {key: count, min_value: 5}}\n"
              "  - {name: bool, type: boolean_attribute, boolean_attribute: {key: cached, value: true}}",
              true);
    size_t bytes = weft_policy_set_facts_bytes(test.set);
    struct weft_policy_facts *part = weft_alloc(bytes);
    add_span(&test, "count", seven);
    memcpy(part, test.facts, bytes);
    policy_test_new_trace(&test);
    add_span(&test, "cached", any_true);
    ck_assert_int_eq(policy_test_decide(&test).policy, 1);
    weft_policy_facts_merge_part(test.set, test.facts, part);
    ck_assert_int_eq(policy_test_decide(&test).policy, 0);
    policy_test_new_trace(&test);
    ck_assert_int_eq(policy_test_decide(&test).policy, -1);
    weft_policy_facts_merge_trace(test.set, test.facts, part);
    ck_assert_int_eq(policy_test_decide(&test).policy, 0);
    weft_free(part);
    policy_test_close(&test);
}
END_TEST

/* ---- several policies ---- */

static const char on_one_key[] =
    "  - {name: low, type: numeric_attribute, numeric_attribute: {key: count, min_value: 1, max_value: 3}}\n"
    "  - {name: bool, type: boolean_attribute, boolean_attribute: {key: count, value: true}}\n"
    "  - {name: text, type: string_attribute, string_attribute: {key: count, values: [\"5\"]}}\n"
    "  - {name: middle, type: numeric_attribute, numeric_attribute: {key: count, min_value: 4, max_value: 6}}\n"
    "  - {name: top, type: numeric_attribute, numeric_attribute: {key: count, min_value: 5}}\n"
    "  - {name: zero, type: numeric_attribute, numeric_attribute: {key: count, min_value: -1, max_value: 1}}\n"
    "  - {name: away, type: numeric_attribute, numeric_attribute: {key: away, min_value: 1}}";

static const char *decider(const struct policy_test *test)
{
    int32_t policy = policy_test_decide(test).policy;
    return policy < 0 ? "none" : weft_policy_set_name(test->set, (size_t)policy);
}

START_TEST(test_several_policies_on_one_key_each_have_their_say)
{
    static const struct {
        struct any any;
        const char *name;
    } rows[] = {
        { INTEGER(2), "low" },    { INTEGER(1), "low" },           { ANY("\x10\x01"), "bool" },
        { INTEGER(5), "middle" }, { ANY("\x0a\x01\x35"), "text" }, { INTEGER(7), "top" },
        { INTEGER(0), "zero" },   { ANY("\x10\x00"), "zero" },     { INTEGER(-2), "none" },
    };
    for (size_t i = 0; i < 2 * WEFT_COUNT_OF(rows); i++) {
        struct policy_test test;
        open_list(&test, on_one_key, i % 2 == 1);
        add_span(&test, "count", rows[i / 2].any);
        ck_assert_msg(strcmp(decider(&test), rows[i / 2].name) == 0, "row %zu: %s", i / 2, decider(&test));
        policy_test_new_trace(&test);
        set_resource(&test, "count", rows[i / 2].any);
        policy_test_add_span(&test, 1, 2, 0, WEFT_SLICE_EMPTY);
        ck_assert_msg(strcmp(decider(&test), rows[i / 2].name) == 0, "resource, row %zu: %s", i / 2, decider(&test));
        policy_test_close(&test);
    }
}
END_TEST

/* Those that were answered early must not stop the others from being asked. */
START_TEST(test_answers_come_from_different_spans)
{
    static const char list[] =
        "  - {name: all, type: and, and: {and_sub_policy: [\n"
        "      {type: numeric_attribute, numeric_attribute: {key: count, min_value: 1, max_value: 3}},\n"
        "      {type: numeric_attribute, numeric_attribute: {key: count, min_value: 4, max_value: 6}},\n"
        "      {type: boolean_attribute, boolean_attribute: {key: count, value: true}},\n"
        "      {type: boolean_attribute, boolean_attribute: {key: cached, value: false}},\n"
        "      {type: numeric_attribute, numeric_attribute: {key: count, min_value: 9, invert_match: true}}]}}";
    static const struct any two = INTEGER(2), five = INTEGER(5), nine = INTEGER(9);
    for (int way = 0; way < 2; way++) {
        struct policy_test test;
        open_list(&test, list, way == 1);
        add_span(&test, "count", two);
        add_span(&test, "cached", any_false);
        ck_assert(!policy_test_is_kept(&test));
        add_span(&test, "count", any_true);
        ck_assert(!policy_test_is_kept(&test));
        add_span(&test, "count", five);
        ck_assert(policy_test_is_kept(&test));
        add_span(&test, "count", nine);
        ck_assert(!policy_test_is_kept(&test));
        policy_test_close(&test);
    }
}
END_TEST

/* Three keys are looked for, four are read: the same answers on both sides. */
START_TEST(test_each_of_one_to_six_keys_is_found)
{
    static const struct any seven = INTEGER(7);
    for (size_t keys = 1; keys <= 6; keys++) {
        struct policy_test test;
        char list[1000] = "";
        for (size_t i = 0; i < keys; i++) {
            snprintf(list + strlen(list), sizeof list - strlen(list),
                     "  - {name: p%zu, type: numeric_attribute, numeric_attribute: {key: key%zu, min_value: 7}}\n", i,
                     i);
        }
        policy_test_open(&test, list);
        for (size_t i = 0; i < keys; i++) {
            char key[8];
            snprintf(key, sizeof key, "key%zu", i);
            policy_test_new_trace(&test);
            add_span(&test, key, seven);
            ck_assert_int_eq(policy_test_decide(&test).policy, (int)i);
        }
        policy_test_new_trace(&test);
        add_span(&test, "key6", seven);
        ck_assert_int_eq(policy_test_decide(&test).policy, -1);
        policy_test_close(&test);
    }
}
END_TEST

START_TEST(test_without_memory_the_policy_cannot_say)
{
    static const char *const types[] = { "numeric_attribute", "boolean_attribute" };
    static const char *const keys[] = { "min_value: 1, invert_match: true", "value: true, invert_match: true" };
    for (size_t i = 0; i < WEFT_COUNT_OF(types); i++) {
        struct policy_test test;
        open_with(&test, types[i], keys[i], true);
        weft_alloc_fail_at(1);
        add_span(&test, "count", any_false);
        ck_assert(weft_alloc_has_failed());
        weft_alloc_fail_at(0);
        ck_assert(!policy_test_is_kept(&test));
        ck_assert_uint_eq(policy_test_decide(&test).errors, 1 + OTHER_COUNT);
        policy_test_close(&test);
    }
}
END_TEST

int main(void)
{
    const struct policy_test_case tests[] = {
        POLICY_TEST(test_keys_are_compared_whole),
        POLICY_TEST(test_any_span_or_resource_of_the_trace_counts),
        POLICY_TEST(test_attribute_of_a_resource_does_not_hide_that_of_a_span),
        POLICY_TEST(test_first_attribute_of_a_key_counts),
        POLICY_TEST(test_first_attribute_of_a_resource_counts),
        POLICY_TEST(test_what_parts_of_a_trace_have_counts_for_it),
        POLICY_TEST(test_several_policies_on_one_key_each_have_their_say),
        POLICY_TEST(test_answers_come_from_different_spans),
        POLICY_TEST(test_each_of_one_to_six_keys_is_found),
        POLICY_TEST(test_without_memory_the_policy_cannot_say),
    };
    return POLICY_TEST_RUN("attributes", tests);
}
