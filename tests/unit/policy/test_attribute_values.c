/* Policies numeric_attribute and boolean_attribute: which values match, and what of their config is refused. */
#include "policy/by_hand.h"

/* ---- values ---- */

struct row {
    const char *type, *keys;
    struct any any; /* of the attribute count */
    bool is_match;
};

/* On a span and on a resource; plain and inverted. */
static void check_row(size_t number, const struct row *row, bool has_others, bool is_inverted)
{
    struct policy_test test;
    char *keys = weft_alloc_format("%s%s", is_inverted ? "invert_match: true, " : "", row->keys);
    open_with(&test, row->type, keys, has_others);
    add_span(&test, "other", row->any);
    ck_assert_int_eq(policy_test_is_kept(&test), is_inverted);
    add_span(&test, "count", row->any);
    ck_assert_msg(policy_test_is_kept(&test) == (row->is_match != is_inverted), "span, row %zu: %s", number, keys);
    policy_test_new_trace(&test);
    set_resource(&test, "other", row->any);
    policy_test_add_span(&test, 1, 2, 0, WEFT_SLICE_EMPTY);
    ck_assert_int_eq(policy_test_is_kept(&test), is_inverted);
    set_resource(&test, "count", row->any);
    add_span(&test, "other", row->any);
    ck_assert_msg(policy_test_is_kept(&test) == (row->is_match != is_inverted), "resource, row %zu: %s", number, keys);
    ck_assert_uint_eq(policy_test_decide(&test).errors, 0);
    policy_test_close(&test);
    weft_free(keys);
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (int way = 0; way < 4; way++) {
            check_row(i, &rows[i], way % 2 == 1, way / 2 == 1);
        }
    }
}

#define NUMERIC(keys, number, is_match)                      \
    {                                                        \
        "numeric_attribute", keys, INTEGER(number), is_match \
    }

START_TEST(test_bounds_are_inclusive)
{
    static const struct row rows[] = {
        NUMERIC("min_value: 5, max_value: 10", 4, false),    NUMERIC("min_value: 5, max_value: 10", 5, true),
        NUMERIC("min_value: 5, max_value: 10", 7, true),     NUMERIC("min_value: 5, max_value: 10", 10, true),
        NUMERIC("min_value: 5, max_value: 10", 11, false),   NUMERIC("min_value: 5, max_value: 10", -7, false),
        NUMERIC("min_value: 5, max_value: 5", 5, true),      NUMERIC("min_value: 5, max_value: 5", 4, false),
        NUMERIC("min_value: 5, max_value: 5", 6, false),     NUMERIC("min_value: -10, max_value: -5", -10, true),
        NUMERIC("min_value: -10, max_value: -5", -5, true),  NUMERIC("min_value: -10, max_value: -5", -11, false),
        NUMERIC("min_value: -10, max_value: -5", -4, false), NUMERIC("min_value: -10, max_value: -5", 7, false),
        NUMERIC("min_value: -5, max_value: 5", 0, true),
    };
    check_rows(rows, WEFT_COUNT_OF(rows));
}
END_TEST

START_TEST(test_bound_of_zero_is_none)
{
    static const struct row rows[] = {
        NUMERIC("min_value: 5", 4, false),
        NUMERIC("min_value: 5", 5, true),
        NUMERIC("min_value: 5", INT64_MAX, true),
        NUMERIC("min_value: 5", INT64_MIN, false),
        NUMERIC("min_value: 5, max_value: 0", 6, true),
        NUMERIC("min_value: -5", -6, false),
        NUMERIC("min_value: -5", -5, true),
        NUMERIC("min_value: -5", 0, true),
        NUMERIC("min_value: -5", INT64_MAX, true),
        NUMERIC("max_value: 5", 5, true),
        NUMERIC("max_value: 5", 6, false),
        NUMERIC("max_value: 5", 0, true),
        NUMERIC("max_value: 5", INT64_MIN, true),
        NUMERIC("min_value: 0, max_value: 5", -1, true),
        NUMERIC("max_value: -5", -5, true),
        NUMERIC("max_value: -5", -4, false),
        NUMERIC("max_value: -5", 0, false),
    };
    check_rows(rows, WEFT_COUNT_OF(rows));
}
END_TEST

START_TEST(test_numbers_of_64_bits_are_exact)
{
    static const struct row rows[] = {
        NUMERIC("min_value: 9007199254740993", 9007199254740992, false),
        NUMERIC("min_value: 9007199254740993", 9007199254740993, true),
        NUMERIC("max_value: 9007199254740992", 9007199254740993, false),
        NUMERIC("min_value: 9223372036854775807", INT64_MAX, true),
        NUMERIC("min_value: 9223372036854775807", INT64_MAX - 1, false),
        NUMERIC("max_value: -9223372036854775808", INT64_MIN, true),
        NUMERIC("max_value: -9223372036854775808", INT64_MIN + 1, false),
        NUMERIC("min_value: -9223372036854775808, max_value: 9223372036854775807", INT64_MIN, true),
        NUMERIC("min_value: 4294967297, max_value: 4294967298", 1, false),
        NUMERIC("min_value: 1, max_value: 2", 4294967297, false),
    };
    check_rows(rows, WEFT_COUNT_OF(rows));
}
END_TEST

/* A string, a double, a bool, an array, a list of keys, bytes, nothing. */
static const struct any no_integers[] = {
    ANY("\x0a\x01\x37"),
    ANY("\x21\x00\x00\x00\x00\x00\x00\x1c\x40"),
    ANY("\x10\x01"),
    ANY("\x2a\x04\x0a\x02\x18\x07"),
    ANY("\x32\x00"),
    ANY("\x3a\x01\x07"),
    ANY(""),
};

START_TEST(test_what_is_no_integer_counts_as_zero)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(no_integers); i++) {
        const struct row rows[] = {
            { "numeric_attribute", "min_value: -5, max_value: 5", no_integers[i], true },
            { "numeric_attribute", "max_value: 5", no_integers[i], true },
            { "numeric_attribute", "min_value: -1", no_integers[i], true },
            { "numeric_attribute", "min_value: 1", no_integers[i], false },
            { "numeric_attribute", "min_value: 5, max_value: 10", no_integers[i], false },
            { "numeric_attribute", "max_value: -1", no_integers[i], false },
        };
        check_rows(rows, WEFT_COUNT_OF(rows));
    }
}
END_TEST

START_TEST(test_bools_match_their_value)
{
    const struct row rows[] = {
        { "boolean_attribute", "value: true", any_true, true },
        { "boolean_attribute", "value: true", any_false, false },
        { "boolean_attribute", "value: false", any_true, false },
        { "boolean_attribute", "value: false", any_false, true },
        { "boolean_attribute", "", any_true, false },
        { "boolean_attribute", "", any_false, true },
    };
    check_rows(rows, WEFT_COUNT_OF(rows));
}
END_TEST

START_TEST(test_what_is_no_bool_counts_as_false)
{
    static const struct any no_bools[] = {
        INTEGER(1),
        INTEGER(0),
        ANY("\x0a\x04true"),
        ANY("\x21\x00\x00\x00\x00\x00\x00\xf0\x3f"),
        ANY("\x2a\x04\x0a\x02\x10\x01"),
        ANY("\x32\x00"),
        ANY("\x3a\x01\x01"),
        ANY(""),
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(no_bools); i++) {
        const struct row rows[] = {
            { "boolean_attribute", "value: true", no_bools[i], false },
            { "boolean_attribute", "value: false", no_bools[i], true },
        };
        check_rows(rows, WEFT_COUNT_OF(rows));
    }
}
END_TEST

/* "count" without a value: it is there, and what it has is no integer and no bool. */
START_TEST(test_attribute_without_a_value_is_there)
{
    static const struct weft_slice span = WEFT_SLICE_LITERAL("\x4a\x07\x0a\x05"
                                                             "count");
    static const struct weft_slice resource = WEFT_SLICE_LITERAL("\x0a\x07\x0a\x05"
                                                                 "count");
    static const char *const types[] = { "numeric_attribute", "boolean_attribute" };
    static const char *const keys[] = { "max_value: 5", "value: false" };
    for (size_t i = 0; i < 2 * WEFT_COUNT_OF(types); i++) {
        struct policy_test test;
        open_with(&test, types[i / 2], keys[i / 2], i % 2 == 1);
        policy_test_add_span(&test, 1, 2, 0, WEFT_SLICE_EMPTY);
        ck_assert(!policy_test_is_kept(&test));
        policy_test_add_span(&test, 1, 2, 0, span);
        ck_assert(policy_test_is_kept(&test));
        policy_test_new_trace(&test);
        set_resource_attributes(&test, resource);
        policy_test_add_span(&test, 1, 2, 0, WEFT_SLICE_EMPTY);
        ck_assert(policy_test_is_kept(&test));
        policy_test_close(&test);
    }
}
END_TEST

/* ---- config ---- */

START_TEST(test_bounds_that_say_nothing_are_refused_with_their_place)
{
    static const char without[] =
        "min_value and max_value are 0, which is no bound: one of them must be another number";
    char text[300];
    snprintf(text, sizeof text, "test.yaml:2: policy \"p\": %s", without);
    policy_test_refuse("  - {name: p, type: numeric_attribute, numeric_attribute: {key: k}}", WEFT_INVALID, text);
    policy_test_refuse("  - {name: p, type: numeric_attribute}", WEFT_INVALID, text);
    policy_test_refuse(
        "  - {name: p, type: numeric_attribute, numeric_attribute: {key: k, min_value: 0, max_value: 0}}", WEFT_INVALID,
        text);
    policy_test_refuse("  - {name: p, type: numeric_attribute, boolean_attribute: {key: k}, "
                       "numeric_attribute: {key: k, invert_match: true}}",
                       WEFT_INVALID, text);
    snprintf(text, sizeof text, "test.yaml:3: policy \"p\": test.yaml:7: part \"b\": %s", without);
    policy_test_refuse("  - {name: a, type: always_sample}\n"
                       "  - name: p\n"
                       "    type: and\n"
                       "    and:\n"
                       "      and_sub_policy:\n"
                       "        - {name: b, type: numeric_attribute, numeric_attribute: {key: k}}",
                       WEFT_INVALID, text);
}
END_TEST

START_TEST(test_bounds_without_a_number_in_between_are_refused_with_their_place)
{
    policy_test_refuse(
        "  - {name: p, type: numeric_attribute, numeric_attribute: {key: k, min_value: 6, max_value: 5}}", WEFT_INVALID,
        "test.yaml:2: policy \"p\": min_value 6 is more than max_value 5: no number is in between");
    policy_test_refuse("  - {name: a, type: always_sample}\n"
                       "  - name: p\n"
                       "    type: numeric_attribute\n"
                       "    numeric_attribute: {key: k, min_value: 1, max_value: -9223372036854775808}",
                       WEFT_INVALID,
                       "test.yaml:3: policy \"p\": min_value 1 is more than max_value -9223372036854775808: no number "
                       "is in between");
}
END_TEST

START_TEST(test_values_of_other_types_are_refused_with_their_place)
{
    static const struct {
        const char *list, *part;
    } rows[] = {
        { "  - {name: p, type: numeric_attribute, numeric_attribute: {key: k, max_value: much}}", "max_value" },
        { "  - {name: p, type: numeric_attribute, numeric_attribute: {key: k, min_value: 9223372036854775808}}",
          "min_value" },
        { "  - {name: p, type: boolean_attribute, boolean_attribute: {key: k, value: 2}}", "value" },
        { "  - {name: p, type: boolean_attribute, boolean_attribute: {key: k, values: [true]}}", "values" },
        { "  - {name: p, type: always_sample, numeric_attribute: {key: k, minimum: 1}}", "minimum" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_policy_set *set = NULL;
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_int_eq(policy_test_load(rows[i].list, &set, &error), WEFT_INVALID);
        ck_assert_msg(strncmp(error.text, "test.yaml:2: ", 13) == 0 && strstr(error.text, rows[i].part) != NULL, "%s",
                      error.text);
    }
}
END_TEST

int main(void)
{
    const struct policy_test_case tests[] = {
        POLICY_TEST(test_bounds_are_inclusive),
        POLICY_TEST(test_bound_of_zero_is_none),
        POLICY_TEST(test_numbers_of_64_bits_are_exact),
        POLICY_TEST(test_what_is_no_integer_counts_as_zero),
        POLICY_TEST(test_bools_match_their_value),
        POLICY_TEST(test_what_is_no_bool_counts_as_false),
        POLICY_TEST(test_attribute_without_a_value_is_there),
        POLICY_TEST(test_bounds_that_say_nothing_are_refused_with_their_place),
        POLICY_TEST(test_bounds_without_a_number_in_between_are_refused_with_their_place),
        POLICY_TEST(test_values_of_other_types_are_refused_with_their_place),
    };
    return POLICY_TEST_RUN("attribute values", tests);
}
