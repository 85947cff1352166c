#pragma once

/* What the tests of this floor share: a set of policies from YAML, and spans and resources written by hand. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "config/load.h"
#include "policy/policy.h"
#include "suite.h"
#include "wire/protobuf.h"

/* The types that may stand anywhere, as errors list them. */
#define POLICY_TEST_TYPES                                                                                          \
    "always_sample, latency, status_code, string_attribute, numeric_attribute, boolean_attribute, probabilistic, " \
    "rate_limiting, bytes_limiting, span_count, trace_state, trace_flags, log_severity, tree, ottl_condition"

struct policies_config {
    struct weft_config_list policies;
};

static const struct weft_field policies_fields[] = {
    WEFT_FIELD_LIST(struct policies_config, policies, struct weft_policy_item_config, weft_policy_item_fields,
                    "What is tested."),
    WEFT_FIELDS_END,
};

/* From "- {name: ..., type: ...}" lines, standing in test.yaml from line 2 on. */
static inline enum weft_status policy_test_load(const char *list, struct weft_policy_set **out_set,
                                                struct weft_error *error)
{
    struct weft_tree *tree = NULL;
    struct policies_config config;
    char *text = weft_alloc_format("policies:\n%s\n", list);
    enum weft_status status = weft_config_load_text(text, "test.yaml", &tree, error);
    weft_free(text);
    if (status == WEFT_OK) {
        status = weft_config_parse(policies_fields, weft_tree_root(tree), &config, NULL, error);
    }
    if (status == WEFT_OK) {
        status = weft_policy_set_new(&config.policies, out_set, error);
        weft_config_fini(policies_fields, &config);
    }
    weft_tree_free(&tree);
    return status;
}

static inline void policy_test_refuse(const char *list, enum weft_status expected, const char *text)
{
    struct weft_policy_set *set = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = policy_test_load(list, &set, &error);
    ck_assert_msg(status == expected && strcmp(error.text, text) == 0, "%s: %s, \"%s\"", list, weft_status_name(status),
                  error.text);
    ck_assert_ptr_null(set);
}

/* One trace under one set. The config and its tree are gone when the set is used. */
struct policy_test {
    struct weft_policy_set *set;
    struct weft_policy_scratch *scratch;
    struct weft_policy_facts *facts, *resource;
};

static inline void policy_test_open(struct policy_test *test, const char *list)
{
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(policy_test_load(list, &test->set, &error) == WEFT_OK, "%s: %s", list, error.text);
    ck_assert_int_eq(weft_policy_scratch_new(&test->scratch, NULL), WEFT_OK);
    test->facts = weft_alloc(weft_policy_set_facts_bytes(test->set));
    test->resource = weft_alloc(weft_policy_set_facts_bytes(test->set));
}

static inline void policy_test_close(struct policy_test *test)
{
    weft_free(test->facts);
    weft_free(test->resource);
    weft_policy_scratch_free(&test->scratch);
    weft_policy_set_free(&test->set);
}

static inline void policy_test_new_trace(struct policy_test *test)
{
    memset(test->facts, 0, weft_policy_set_facts_bytes(test->set));
    memset(test->resource, 0, weft_policy_set_facts_bytes(test->set));
}

/* A field with attribute key = value, a string; number is the member of the value, 1 for a string. */
static inline size_t policy_test_attribute(uint8_t *to, uint32_t field, const char *key, uint32_t number,
                                           struct weft_slice value)
{
    size_t key_length = strlen(key);
    size_t member = weft_wire_size_bytes_header(number, value.length) + value.length;
    size_t any = weft_wire_size_bytes_header(2, member) + member;
    size_t contents = weft_wire_size_bytes_header(1, key_length) + key_length + any;
    uint8_t *at = weft_wire_put_bytes_header(to, field, contents);
    at = weft_wire_put_bytes_header(at, 1, key_length);
    memcpy(at, key, key_length);
    at = weft_wire_put_bytes_header(at + key_length, 2, member);
    at = weft_wire_put_bytes_header(at, number, value.length);
    memcpy(at, value.bytes, value.length);
    return (size_t)(at + value.length - to);
}

static inline void policy_test_add_span(struct policy_test *test, uint64_t start_ns, uint64_t end_ns, uint32_t status,
                                        struct weft_slice attributes)
{
    struct weft_policy_span span = {
        .start_ns = start_ns, .end_ns = end_ns, .status_code = status, .attributes = attributes
    };
    weft_policy_set_gather(test->set, test->scratch, test->resource, &span, test->facts);
}

/* A span with one attribute, a string. */
static inline void policy_test_add_text(struct policy_test *test, const char *key, const char *value)
{
    uint8_t bytes[512];
    size_t length = policy_test_attribute(bytes, 9, key, 1, weft_slice_of_text(value));
    policy_test_add_span(test, 1, 2, 0, weft_slice_of(bytes, length));
}

/* The resource of the spans that follow, with one attribute. */
static inline void policy_test_set_resource(struct policy_test *test, const char *key, uint32_t number,
                                            const char *value)
{
    uint8_t attribute[512];
    uint8_t header[530];
    size_t length = policy_test_attribute(attribute, 1, key, number, weft_slice_of_text(value));
    uint8_t *at = weft_wire_put_bytes_header(header, 1, length);
    memcpy(at, attribute, length);
    memset(test->resource, 0, weft_policy_set_facts_bytes(test->set));
    weft_policy_set_gather_resource(test->set, test->scratch, weft_slice_of(header, (size_t)(at - header) + length),
                                    test->resource);
}

static inline struct weft_policy_decision policy_test_decide(const struct policy_test *test)
{
    static const uint8_t trace_id[16] = { 1 };
    struct weft_policy_decision decision;
    struct weft_policy_trace trace = { .trace_id = trace_id, .facts = test->facts };
    weft_policy_set_decide(test->set, &trace, &decision);
    return decision;
}

static inline bool policy_test_is_kept(const struct policy_test *test)
{
    return policy_test_decide(test).is_kept;
}

struct policy_test_case {
    const char *name;
    const TTest *test;
};

#define POLICY_TEST(name) \
    {                     \
#name, name       \
    }

static inline int policy_test_run(const char *suite_name, const struct policy_test_case *tests, size_t count)
{
    Suite *suite = suite_create(suite_name);
    for (size_t i = 0; i < count; i++) {
        TCase *tcase = tcase_create(tests[i].name);
        tcase_add_test(tcase, tests[i].test);
        suite_add_tcase(suite, tcase);
    }
    return suite_run(suite);
}

#define POLICY_TEST_RUN(suite, tests) policy_test_run(suite, tests, sizeof(tests) / sizeof((tests)[0]))
