/* Policy string_attribute: exact values and regular expressions, of resources and spans, inverted, and what is no
 * string. */
#include "policy/policy_test.h"

/* Policies with other keys, that match nothing: with so many keys a span's attributes are read into a list, while a few
 * are looked for one by one. */
#define OTHER(key) "\n  - {name: " key ", type: string_attribute, string_attribute: {key: " key ", values: [never]}}"
enum { OTHER_COUNT = 4 };

static void open_among(struct policy_test *test, const char *keys, bool has_others)
{
    char *list = weft_alloc_format("  - {name: p, type: string_attribute, string_attribute: {key: env, %s}}%s", keys,
                                   has_others ? OTHER("k1") OTHER("k2") OTHER("k3") OTHER("k4") : "");
    policy_test_open(test, list);
    weft_free(list);
}

static void open_with(struct policy_test *test, const char *keys)
{
    open_among(test, keys, false);
}

struct row {
    const char *keys;
    const char *value; /* of the attribute env */
    bool of_span, of_resource;
};

/* What the Collector says when a span or a resource has the value. */
static const struct row rows[] = {
    { "values: [prod, staging, a, bb]", "prod", true, true },
    { "values: [prod, staging, a, bb]", "bb", true, true },
    { "values: [prod, staging, a, bb]", "Prod", false, false },
    { "values: [prod, staging, a, bb]", "pro", false, false },
    { "values: [prod, \"\"]", "", false, false },
    { "values: []", "prod", false, false },
    { "values: [prod], invert_match: true", "prod", false, false },
    { "values: [prod], invert_match: true", "dev", true, true },
    { "values: [\"^pro\"], enabled_regex_matching: true", "prod", true, true },
    { "values: [x, \"o\"], enabled_regex_matching: true, cache_max_size: 1", "prod", true, true },
    { "values: [\"^ro\"], enabled_regex_matching: true", "prod", false, false },
    { "values: [\"^$\"], enabled_regex_matching: true", "", false, true }, /* a span's "" is skipped */
    { "values: [prod, \"^d\"], enabled_regex_matching: true, invert_match: true", "dev", false, false },
    { "values: [\"^(x*|[a-z])+$\"], enabled_regex_matching: true", "prod", true, true },
};

START_TEST(test_each_row_on_a_span_and_on_a_resource)
{
    for (size_t j = 0; j < 2 * WEFT_COUNT_OF(rows); j++) {
        struct policy_test test;
        size_t i = j / 2;
        open_among(&test, rows[i].keys, j % 2 == 1);
        policy_test_add_text(&test, "other", "prod");
        policy_test_add_text(&test, "env", rows[i].value);
        ck_assert_msg(policy_test_is_kept(&test) == rows[i].of_span, "span %zu: %s", i, rows[i].keys);
        policy_test_new_trace(&test);
        policy_test_set_resource(&test, "env", 1, rows[i].value);
        policy_test_add_text(&test, "other", "prod");
        ck_assert_msg(policy_test_is_kept(&test) == rows[i].of_resource, "resource %zu: %s", i, rows[i].keys);
        policy_test_close(&test);
    }
}
END_TEST

START_TEST(test_any_span_of_the_trace_counts_and_an_absent_key_is_no_match)
{
    struct policy_test test;
    open_with(&test, "values: [prod]");
    policy_test_add_text(&test, "env", "dev");
    ck_assert(!policy_test_is_kept(&test));
    policy_test_add_text(&test, "env", "prod");
    policy_test_add_text(&test, "env", "dev");
    ck_assert(policy_test_is_kept(&test));
    policy_test_close(&test);

    open_with(&test, "values: [prod], invert_match: true");
    policy_test_add_text(&test, "other", "prod");
    ck_assert(policy_test_is_kept(&test));
    policy_test_close(&test);
}
END_TEST

START_TEST(test_only_strings_are_values)
{
    static const char *const keys[] = { "values: [prod]", "values: [prod], enabled_regex_matching: true",
                                        "values: [\"^$\"], enabled_regex_matching: true" };
    static const bool of_resource[] = { false, false, true }; /* what is no string reads as "" there */
    enum { BYTES_MEMBER = 7 };
    for (size_t i = 0; i < WEFT_COUNT_OF(keys); i++) {
        struct policy_test test;
        uint8_t bytes[64];
        size_t length = policy_test_attribute(bytes, 9, "env", BYTES_MEMBER, WEFT_SLICE_LITERAL("prod"));
        open_with(&test, keys[i]);
        policy_test_add_span(&test, 1, 2, 0, weft_slice_of(bytes, length));
        ck_assert(!policy_test_is_kept(&test));
        policy_test_set_resource(&test, "env", BYTES_MEMBER, "prod");
        policy_test_add_span(&test, 1, 2, 0, WEFT_SLICE_EMPTY);
        ck_assert_int_eq(policy_test_is_kept(&test), of_resource[i]);
        policy_test_close(&test);
    }
}
END_TEST

/* Key behind value, the value in two parts, a long value, an unknown field: all legal. */
START_TEST(test_a_value_in_any_legal_shape_is_read)
{
    static const struct weft_slice spans[] = {
        WEFT_SLICE_LITERAL("\x4a\x0d\x12\x06\x0a\x04prod\x0a\x03"
                           "env"),
        WEFT_SLICE_LITERAL("\x4a\x12\x0a\x03"
                           "env\x12\x03\x0a\x01x\x12\x06\x0a\x04prod"),
        WEFT_SLICE_LITERAL("\x4a\x10\x0a\x03"
                           "env\x12\x09\x0a\x01x\x0a\x04prod"),
        WEFT_SLICE_LITERAL("\x4a\x10\x0a\x03"
                           "env\x12\x09\x0a\x04prod\x7a\x01x"),
    };
    static const struct weft_slice first_counts = WEFT_SLICE_LITERAL("\x4a\x0c\x0a\x03"
                                                                     "env\x12\x05\x0a\x03"
                                                                     "dev\x4a\x0d\x0a\x03"
                                                                     "env\x12\x06\x0a\x04prod");
    static const struct weft_slice last_member_counts = WEFT_SLICE_LITERAL("\x4a\x0f\x0a\x03"
                                                                           "env\x12\x08\x0a\x04prod\x18\x01");
    struct policy_test test;
    open_with(&test, "values: [prod]");
    for (size_t i = 0; i < WEFT_COUNT_OF(spans); i++) {
        policy_test_new_trace(&test);
        policy_test_add_span(&test, 1, 2, 0, spans[i]);
        ck_assert_msg(policy_test_is_kept(&test), "span %zu", i);
    }
    policy_test_new_trace(&test);
    policy_test_add_span(&test, 1, 2, 0, first_counts);
    policy_test_add_span(&test, 1, 2, 0, last_member_counts);
    ck_assert(!policy_test_is_kept(&test));
    policy_test_close(&test);

    char value[300];
    memset(value, 'x', sizeof value);
    value[sizeof value - 1] = '\0';
    open_with(&test, "values: [\"x{299}\"], enabled_regex_matching: true");
    policy_test_add_text(&test, "env", value);
    ck_assert(policy_test_is_kept(&test));
    policy_test_close(&test);
}
END_TEST

/* A match that meets its limits is no match and no miss: the policy cannot say. Another value that matches can. */
START_TEST(test_a_limit_is_an_error_of_the_policy)
{
    static const char *const keys[] = { "values: [\"(x?[a-z]*)*[0-9]\"], enabled_regex_matching: true",
                                        "values: [\"(x?[a-z]*)*[0-9]\"], enabled_regex_matching: true, "
                                        "invert_match: true" };
    for (size_t i = 0; i < WEFT_COUNT_OF(keys); i++) {
        struct policy_test test;
        open_with(&test, keys[i]);
        policy_test_add_text(&test, "env", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        ck_assert(!policy_test_is_kept(&test));
        ck_assert_uint_eq(policy_test_decide(&test).errors, 1);
        ck_assert_int_eq(policy_test_decide(&test).policy, -1);
        policy_test_add_text(&test, "env", "a1");
        ck_assert_uint_eq(policy_test_decide(&test).errors, 0);
        ck_assert_int_eq(policy_test_is_kept(&test), i == 0);
        policy_test_close(&test);
    }
}
END_TEST

START_TEST(test_without_memory_the_policy_cannot_say)
{
    struct policy_test test;
    open_among(&test, "values: [prod], invert_match: true", true);
    weft_alloc_fail_at(1);
    policy_test_add_text(&test, "env", "prod");
    ck_assert(weft_alloc_has_failed());
    weft_alloc_fail_at(0);
    ck_assert(!policy_test_is_kept(&test));
    ck_assert_uint_eq(policy_test_decide(&test).errors, 1 + OTHER_COUNT);
    policy_test_close(&test);
}
END_TEST

START_TEST(test_an_expression_that_is_wrong_is_refused_with_its_place)
{
    policy_test_refuse("  - {name: p, type: string_attribute, string_attribute: {key: env, values: [a, \"b(?=c)\"], "
                       "enabled_regex_matching: true}}",
                       WEFT_INVALID,
                       "test.yaml:2: policy \"p\": values[1]: regular expression: offset 1: \"(?=\": looking ahead is "
                       "not in RE2's language");
}
END_TEST

int main(void)
{
    const struct policy_test_case tests[] = {
        POLICY_TEST(test_each_row_on_a_span_and_on_a_resource),
        POLICY_TEST(test_any_span_of_the_trace_counts_and_an_absent_key_is_no_match),
        POLICY_TEST(test_only_strings_are_values),
        POLICY_TEST(test_a_value_in_any_legal_shape_is_read),
        POLICY_TEST(test_a_limit_is_an_error_of_the_policy),
        POLICY_TEST(test_without_memory_the_policy_cannot_say),
        POLICY_TEST(test_an_expression_that_is_wrong_is_refused_with_its_place),
    };
    return POLICY_TEST_RUN("string_attribute", tests);
}
