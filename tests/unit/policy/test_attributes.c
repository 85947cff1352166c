/* Policies numeric_attribute and boolean_attribute: bounds, values of other types, resources and spans, which of
 * several attributes counts, several policies on one key, and what is refused. */
#include "policy/policy_test.h"

enum { SPAN_ATTRIBUTES = 9, RESOURCE_ATTRIBUTES = 1 };

/* Policies with other keys, that match nothing: with so many keys a span's attributes are read into a list, while a few
 * are looked for one by one. */
#define OTHER(key) "\n  - {name: " key ", type: numeric_attribute, numeric_attribute: {key: " key ", min_value: 1}}"
enum { OTHER_COUNT = 4 };

static void open_list(struct policy_test *test, const char *list, bool has_others)
{
    char *whole = weft_alloc_format("%s%s", list, has_others ? OTHER("k1") OTHER("k2") OTHER("k3") OTHER("k4") : "");
    policy_test_open(test, whole);
    weft_free(whole);
}

static void open_with(struct policy_test *test, const char *type, const char *keys, bool has_others)
{
    char *list = weft_alloc_format("  - {name: p, type: %s, %s: {key: count%s%s}}", type, type,
                                   keys[0] == '\0' ? "" : ", ", keys);
    open_list(test, list, has_others);
    weft_free(list);
}

/* ---- attributes by hand ---- */

/* An AnyValue: its bytes as they are, or an integer. */
struct any {
    struct weft_slice bytes;
    int64_t integer;
    bool is_integer;
};

#define INTEGER(number)                         \
    {                                           \
        .integer = (number), .is_integer = true \
    }
#define ANY(text)                         \
    {                                     \
        .bytes = WEFT_SLICE_LITERAL(text) \
    }

static const struct any any_true = ANY("\x10\x01"), any_false = ANY("\x10\x00"), any_empty = ANY("");

static size_t put_any(uint8_t *to, const struct any *any)
{
    if (any->is_integer) {
        to[0] = 3 << 3;
        return (size_t)(weft_wire_put_varint(to + 1, (uint64_t)any->integer) - to);
    }
    memcpy(to, any->bytes.bytes, any->bytes.length);
    return any->bytes.length;
}

static size_t put_attribute(uint8_t *to, uint32_t field, const char *key, const struct any *any)
{
    uint8_t value[64];
    size_t value_length = put_any(value, any);
    size_t key_length = strlen(key);
    uint8_t *at = weft_wire_put_bytes_header(to, field, 2 + key_length + 2 + value_length);
    at = weft_wire_put_bytes_header(at, 1, key_length);
    memcpy(at, key, key_length);
    at = weft_wire_put_bytes_header(at + key_length, 2, value_length);
    memcpy(at, value, value_length);
    return (size_t)(at + value_length - to);
}

static void add_span(struct policy_test *test, const char *key, struct any any)
{
    uint8_t bytes[128];
    size_t length = put_attribute(bytes, SPAN_ATTRIBUTES, key, &any);
    policy_test_add_span(test, 1, 2, 0, weft_slice_of(bytes, length));
}

static void add_span_of_two(struct policy_test *test, const char *key, struct any first, struct any second)
{
    uint8_t bytes[256];
    size_t length = put_attribute(bytes, SPAN_ATTRIBUTES, key, &first);
    length += put_attribute(bytes + length, SPAN_ATTRIBUTES, key, &second);
    policy_test_add_span(test, 1, 2, 0, weft_slice_of(bytes, length));
}

/* Of the spans that follow, with the attributes as they are. */
static void set_resource_attributes(struct policy_test *test, struct weft_slice attributes)
{
    uint8_t header[300];
    uint8_t *at = weft_wire_put_bytes_header(header, 1, attributes.length);
    memcpy(at, attributes.bytes, attributes.length);
    memset(test->resource, 0, weft_policy_set_facts_bytes(test->set));
    weft_policy_set_gather_resource(test->set, test->scratch,
                                    weft_slice_of(header, (size_t)(at - header) + attributes.length), test->resource);
}

static void set_resource(struct policy_test *test, const char *key, struct any any)
{
    uint8_t bytes[128];
    size_t length = put_attribute(bytes, RESOURCE_ATTRIBUTES, key, &any);
    set_resource_attributes(test, weft_slice_of(bytes, length));
}

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
        POLICY_TEST(test_bounds_that_say_nothing_are_refused_with_their_place),
        POLICY_TEST(test_bounds_without_a_number_in_between_are_refused_with_their_place),
        POLICY_TEST(test_values_of_other_types_are_refused_with_their_place),
    };
    return POLICY_TEST_RUN("attributes", tests);
}
