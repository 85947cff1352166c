/* ottl_condition: a span or a span event of which a condition is true keeps the trace; what fails is as error_mode
 * says. */
#include "policy/judge.h"

static const char *list_of(const char *keys)
{
    static char text[600];
    snprintf(text, sizeof text, "  - {name: p, type: ottl_condition, ottl_condition: {%s}}", keys);
    return text;
}

static void put_bytes(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    uint8_t header[16];
    weft_buffer_append(out, header, (size_t)(weft_wire_put_bytes_header(header, number, contents.length) - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

/* Attribute "k" with a string. */
static void put_attribute(struct weft_buffer *out, uint32_t field, const char *text)
{
    struct weft_buffer key_value = { 0 }, value = { 0 };
    put_bytes(&value, 1, weft_slice_of_text(text));
    put_bytes(&key_value, 1, WEFT_SLICE_LITERAL("k"));
    put_bytes(&key_value, 2, weft_buffer_slice(&value));
    put_bytes(out, field, weft_buffer_slice(&key_value));
    weft_buffer_fini(&key_value);
    weft_buffer_fini(&value);
}

/* A span of that name, which it has in an attribute, too, with one event, in the scope "lib" of a resource with a
 * schema_url. */
static void add_whole_span(struct policy_test *test, const char *name, const char *event_name)
{
    struct weft_buffer span = { 0 }, event = { 0 }, scope = { 0 }, scope_x = { 0 }, resource_x = { 0 };
    put_bytes(&span, 5, weft_slice_of_text(name));
    put_attribute(&span, 9, name);
    put_bytes(&event, 2, weft_slice_of_text(event_name));
    put_attribute(&event, 3, event_name);
    put_bytes(&span, 11, weft_buffer_slice(&event));
    put_bytes(&scope, 1, WEFT_SLICE_LITERAL("lib"));
    put_bytes(&scope_x, 1, weft_buffer_slice(&scope));
    put_bytes(&resource_x, 3, WEFT_SLICE_LITERAL("schema/1"));
    struct weft_policy_span asked = { .start_ns = 1,
                                      .end_ns = 2,
                                      .contents = weft_buffer_slice(&span),
                                      .scope_x = weft_buffer_slice(&scope_x),
                                      .resource_x = weft_buffer_slice(&resource_x) };
    weft_policy_set_gather(test->set, test->scratch, test->resource, &asked, test->facts);
    weft_buffer_fini(&span);
    weft_buffer_fini(&event);
    weft_buffer_fini(&scope);
    weft_buffer_fini(&scope_x);
    weft_buffer_fini(&resource_x);
}

START_TEST(test_a_true_condition_keeps)
{
    static const struct {
        const char *keys;
        bool is_kept, is_error;
    } rows[] = {
        { "span: ['name == \"b\"']", true, false },
        { "span: ['name == \"x\"', 'span.name == \"a\"']", true, false },
        { "span: ['name == \"x\"']", false, false },
        { "spanevent: ['name == \"f\"']", true, false },
        { "span: ['attributes[\"k\"] == \"b\"']", true, false },
        { "span: ['attributes[\"k\"] == \"x\"', 'attributes[\"none\"] != nil']", false, false },
        { "spanevent: ['attributes[\"k\"] == \"f\" and span.attributes[\"k\"] == \"b\"']", true, false },
        { "spanevent: ['attributes[\"k\"] == \"f\" and span.attributes[\"k\"] == \"a\"']", false, false },
        { "span: ['Len(attributes) > 1'], spanevent: ['IsMatch(attributes[\"k\"], \"^f\")']", true, false },
        { "span: ['name == \"x\"'], spanevent: ['spanevent.name == \"e\" and span.name == \"a\"']", true, false },
        { "spanevent: ['name == \"e\" and span.name == \"b\"']", false, false },
        { "span: ['scope.name == \"lib\" and resource.schema_url == \"schema/1\"']", true, false },
        { "span: ['Len(kind) == 1', 'name == \"b\"']", true, false },
        { "span: ['Len(kind) == 1', 'name == \"b\"'], error_mode: ignore", true, false },
        { "span: ['Len(kind) == 1', 'name == \"b\"'], error_mode: propagate", false, true },
        { "span: ['name == \"a\"', 'Len(kind) == 1'], error_mode: propagate", true, false },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct policy_test test;
        policy_test_open(&test, list_of(rows[i].keys));
        add_whole_span(&test, "a", "e");
        add_whole_span(&test, "b", "f");
        struct weft_policy_decision decision = policy_test_decide(&test);
        ck_assert_msg(decision.is_kept == rows[i].is_kept && (decision.errors > 0) == rows[i].is_error, "%s: %d %u",
                      rows[i].keys, decision.is_kept, decision.errors);
        policy_test_close(&test);
    }
}
END_TEST

START_TEST(test_not_keeps_what_no_condition_is_true_of)
{
    struct policy_test test;
    policy_test_open(&test, "  - {name: p, type: not, not: {not_sub_policy: {type: ottl_condition, ottl_condition: "
                            "{span: ['name == \"a\"']}}}}");
    add_whole_span(&test, "b", "e");
    ck_assert(policy_test_is_kept(&test));
    add_whole_span(&test, "a", "e");
    ck_assert(!policy_test_is_kept(&test));
    policy_test_close(&test);
}
END_TEST

START_TEST(test_what_is_refused)
{
    refuse(list_of(""), "test.yaml:2: policy \"p\": ", "at least one condition");
    refuse(list_of("span: ['true', 'nam == 1']"),
           "test.yaml:2: policy \"p\": span[1]: line 1 column 1: ", "did you mean name?");
    refuse(list_of("spanevent: ['kind == 1']"), "test.yaml:2: policy \"p\": spanevent[0]: ", "unknown path kind");
    refuse(list_of("span: ['true'], error_mode: loud"), "test.yaml:2: ", "error_mode");
}
END_TEST

START_TEST(test_memory_that_runs_out_is_told)
{
    static const char text[] = "policies: [{name: a, type: ottl_condition, ottl_condition: {span: ['name == \"x\"'], "
                               "spanevent: ['IsMatch(name, \"y\")']}}]";
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
        ck_assert_msg(status == WEFT_OK || (has_failed && status == WEFT_NOMEM), "%zu: %s", nth, error.text);
        ck_assert_int_eq(status == WEFT_OK, set != NULL);
        weft_policy_set_free(&set);
    }
    weft_config_fini(policies_fields, &config);
    weft_tree_free(&tree);
}
END_TEST

int main(void)
{
    const struct policy_test_case tests[] = {
        POLICY_TEST(test_a_true_condition_keeps),
        POLICY_TEST(test_not_keeps_what_no_condition_is_true_of),
        POLICY_TEST(test_what_is_refused),
        POLICY_TEST(test_memory_that_runs_out_is_told),
    };
    return POLICY_TEST_RUN("ottl_condition", tests);
}
