/* attributes with include and exclude: each property, alone and together, and which signals may have it. */
#include "component_test.h"

extern const struct weft_component weft_processor_attributes;

#define ACTIONS "actions: [{key: edited, action: insert, value: 1}]"

/* ResourceX {Resource {service.name, flag: true}, ScopeX {scope "library" 1.2, the record}} */
static void put_all(struct weft_buffer *out, struct weft_slice record)
{
    struct weft_buffer resource = { 0 };
    struct weft_buffer scope = { 0 };
    struct weft_buffer scope_x = { 0 };
    struct weft_buffer resource_x = { 0 };
    put_string_attribute(&resource, 1, "service.name", "checkout");
    put_field(&resource, 1,
              WEFT_SLICE_LITERAL("\x0a\x04"
                                 "flag\x12\x02\x10\x01"));
    put_field(&scope, 1, WEFT_SLICE_LITERAL("library"));
    put_field(&scope, 2, WEFT_SLICE_LITERAL("1.2"));
    put_message(&scope_x, 1, &scope);
    put_field(&scope_x, 2, record);
    put_message(&resource_x, 1, &resource);
    put_message(&resource_x, 2, &scope_x);
    put_message(out, 1, &resource_x);
}

static void put_record(enum weft_signal signal, struct weft_buffer *out)
{
    if (signal == WEFT_TRACES) {
        put_span(out, "GET /");
        weft_buffer_append(out, "\x30\x02", 2); /* server */
        put_string_attribute(out, 9, "text", "7");
        put_field(out, 9, WEFT_SLICE_LITERAL("\x0a\x06number\x12\x02\x18\x07"));
        put_field(out, 9, WEFT_SLICE_LITERAL("\x0a\x04half\x12\x09\x21\0\0\0\0\0\0\xe0\x3f"));
        put_field(out, 9, WEFT_SLICE_LITERAL("\x0a\x04huge\x12\x09\x21\xec\xf9\xc3\x3c\xb8\x10\x94\x4b"));
        put_field(out, 9, WEFT_SLICE_LITERAL("\x0a\x04list\x12\x0b\x2a\x09\x0a\x02\x18\x01\x0a\x03\x0a\x01x"));
        put_field(out, 9,
                  WEFT_SLICE_LITERAL("\x0a\x03map\x12\x14\x32\x12\x0a\x07\x0a\x01"
                                     "a\x12\x02\x10\x01\x0a\x07\x0a\x01"
                                     "b\x12\x02\x18\x02"));
    } else if (signal == WEFT_LOGS) {
        weft_buffer_append(out,
                           "\x10\x0d\x1a\x04"
                           "WARN\x2a\x04\x0a\x02hi",
                           14); /* 13, "WARN", body "hi" */
        put_string_attribute(out, 6, "text", "7");
    } else {
        put_field(out, 1, WEFT_SLICE_LITERAL("requests"));
        put_field(out, 5,
                  WEFT_SLICE_LITERAL("\x0a\x09\x11"
                                     "12345678"));
    }
}

/* Plays one record through: whether it was edited. */
static bool is_edited(enum weft_signal signal, const char *blocks)
{
    char yaml[1000];
    struct weft_buffer record = { 0 };
    struct weft_buffer request = { 0 };
    snprintf(yaml, sizeof yaml, ACTIONS "\n%s", blocks);
    component_begin(&weft_processor_attributes, yaml, signal);
    put_record(signal, &record);
    put_all(&request, weft_buffer_slice(&record));
    ck_assert(offer(signal, weft_buffer_slice(&request), NULL) == WEFT_OK);
    bool is_longer = sink.last.length > request.length;
    ck_assert(is_longer || weft_slice_equal(weft_buffer_slice(&sink.last), weft_buffer_slice(&request)));
    weft_buffer_fini(&record);
    weft_buffer_fini(&request);
    fixture_end();
    return is_longer;
}

struct match_case {
    enum weft_signal signal;
    const char *properties;
    bool is_match;
};

static const struct match_case cases[] = {
    { WEFT_TRACES, "services: [shop, checkout]", true },
    { WEFT_TRACES, "services: [shop]", false },
    { WEFT_TRACES, "span_names: [\"GET /\"]", true },
    { WEFT_TRACES, "span_names: [\"GET\"]", false },
    { WEFT_TRACES, "span_kinds: [SPAN_KIND_CLIENT, SPAN_KIND_SERVER]", true },
    { WEFT_TRACES, "span_kinds: [SPAN_KIND_CLIENT]", false },
    { WEFT_TRACES, "attributes: [{key: text}]", true },
    { WEFT_TRACES, "attributes: [{key: texts}]", false },
    { WEFT_TRACES, "attributes: [{key: text, value: \"7\"}, {key: number, value: 7}]", true },
    { WEFT_TRACES, "attributes: [{key: text, value: 7}]", false },
    { WEFT_TRACES, "attributes: [{key: number, value: \"7\"}]", false },
    { WEFT_TRACES, "attributes: [{key: number, value: 7}, {key: missing}]", false },
    { WEFT_TRACES, "attributes: [{key: half, value: 0.5}]", true },
    { WEFT_TRACES, "attributes: [{key: half, value: 0.25}]", false },
    { WEFT_TRACES, "attributes: [{key: number, value: 7.0}]", false },
    { WEFT_TRACES, "resources: [{key: flag, value: true}]", true },
    { WEFT_TRACES, "resources: [{key: flag, value: \"true\"}]", false },
    { WEFT_TRACES, "resources: [{key: flag, value: false}]", false },
    { WEFT_TRACES, "libraries: [{name: library}]", true },
    { WEFT_TRACES, "libraries: [{name: library, version: \"1.2\"}]", true },
    { WEFT_TRACES, "libraries: [{name: library, version: \"\"}]", false },
    { WEFT_TRACES, "libraries: [{name: other}, {name: library, version: \"1.3\"}]", false },
    { WEFT_TRACES, "libraries: [{name: library}, {name: other}]", false }, /* each of them must match */
    { WEFT_TRACES, "libraries: [{name: other}, {name: library}]", false },
    { WEFT_TRACES, "libraries: [{name: library}, {name: library, version: \"1.2\"}]", true },
    { WEFT_TRACES, "attributes: [{key: list, value: [1, x]}]", true },
    { WEFT_TRACES, "attributes: [{key: list, value: [x, 1]}]", false },
    { WEFT_TRACES, "attributes: [{key: list, value: [1]}]", false },
    { WEFT_TRACES, "attributes: [{key: list, value: [1, x, y]}]", false },
    { WEFT_TRACES, "attributes: [{key: map, value: {b: 2, a: true}}]", true },
    { WEFT_TRACES, "attributes: [{key: map, value: {a: true}}]", false },
    { WEFT_TRACES, "attributes: [{key: map, value: {a: true, b: 2.0}}]", false },
    { WEFT_TRACES, "attributes: [{key: map, value: {a: true, b: 2, c: 3}}]", false },
    { WEFT_TRACES, "services: [checkout], span_names: [\"GET /\"], attributes: [{key: text}]", true },
    { WEFT_TRACES, "services: [checkout], span_names: [other], attributes: [{key: text}]", false },
    { WEFT_LOGS, "log_bodies: [hi, ho]", true },
    { WEFT_LOGS, "log_bodies: [ho]", false },
    { WEFT_LOGS, "log_severity_texts: [WARN]", true },
    { WEFT_LOGS, "log_severity_texts: [INFO]", false },
    { WEFT_LOGS, "log_severity_number: {min: 13}", true },
    { WEFT_LOGS, "log_severity_number: {min: 14, match_undefined: true}", false },
    { WEFT_LOGS, "attributes: [{key: text, value: \"7\"}], resources: [{key: flag}]", true },
};

/* The same with regular expressions, which match anywhere; scalars count by their texts. */
static const struct match_case by_pattern[] = {
    { WEFT_TRACES, "services: [shop, '^check']", true },
    { WEFT_TRACES, "services: ['^out']", false },
    { WEFT_TRACES, "span_names: ['/$', '^$']", true },
    { WEFT_TRACES, "span_names: ['^GET$']", false },
    { WEFT_TRACES, "span_kinds: ['(?i)_server']", true },
    { WEFT_TRACES, "span_kinds: [CLIENT]", false },
    { WEFT_TRACES, "attributes: [{key: text}, {key: text, value: '^\\d$'}]", true },
    { WEFT_TRACES, "attributes: [{key: text, value: a}]", false },
    { WEFT_TRACES, "attributes: [{key: te.t, value: '7'}]", false }, /* keys are no expressions */
    { WEFT_TRACES, "attributes: [{key: number, value: '^7$'}, {key: half, value: '^0\\.5$'}]", true },
    { WEFT_TRACES, "attributes: [{key: huge, value: '^1230{54}$'}]", true }, /* a double has no exponent here */
    { WEFT_TRACES, "attributes: [{key: list, value: '.*'}]", false },
    { WEFT_TRACES, "resources: [{key: flag, value: '^true$'}]", true },
    { WEFT_TRACES, "libraries: [{name: '^lib', version: '1'}]", true },
    { WEFT_TRACES, "libraries: [{name: '^lib', version: '^$'}]", false },
    { WEFT_LOGS, "log_bodies: ['^h.$']", true },
    { WEFT_LOGS, "log_bodies: ['^o']", false },
    { WEFT_LOGS, "log_severity_texts: ['WARN|ERROR']", true },
    { WEFT_METRICS, "metric_names: ['^req', x]", true },
    { WEFT_METRICS, "metric_names: ['^quests']", false },
};

static void check_case(const struct match_case *match, const char *type)
{
    char blocks[400];
    snprintf(blocks, sizeof blocks, "include: {match_type: %s, %s}", type, match->properties);
    ck_assert_msg(is_edited(match->signal, blocks) == match->is_match, "%s", blocks);
    snprintf(blocks, sizeof blocks, "exclude: {match_type: %s, %s}", type, match->properties);
    ck_assert_msg(is_edited(match->signal, blocks) != match->is_match, "%s", blocks);
}

START_TEST(test_properties_include_and_exclude)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        check_case(&cases[i], "strict");
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(by_pattern); i++) {
        check_case(&by_pattern[i], "regexp");
    }
}
END_TEST

/* Where there is no text to match nobody needs to say how. */
START_TEST(test_keys_alone_need_no_match_type)
{
    ck_assert(is_edited(WEFT_TRACES, "include: {attributes: [{key: text}], resources: [{key: flag}]}"));
    ck_assert(!is_edited(WEFT_TRACES, "include: {attributes: [{key: other}]}"));
    ck_assert(is_edited(WEFT_LOGS, "include: {log_severity_number: {min: 1}}"));
}
END_TEST

static bool is_body_matched(const char *any, size_t length, const char *body)
{
    char yaml[400];
    struct weft_buffer record = { 0 };
    struct weft_buffer request = { 0 };
    snprintf(yaml, sizeof yaml, ACTIONS "\ninclude: {match_type: strict, log_bodies: ['%s']}", body);
    component_begin(&weft_processor_attributes, yaml, WEFT_LOGS);
    put_field(&record, 5, weft_slice_of(any, length));
    put_request(&request, weft_buffer_slice(&record));
    ck_assert(offer(WEFT_LOGS, weft_buffer_slice(&request), NULL) == WEFT_OK);
    bool is_longer = sink.last.length > request.length;
    weft_buffer_fini(&record);
    weft_buffer_fini(&request);
    fixture_end();
    return is_longer;
}

START_TEST(test_bodies_and_services_are_matched_as_text)
{
    ck_assert(is_body_matched("\x18\x07", 2, "7"));
    ck_assert(is_body_matched("\x2a\x04\x0a\x02\x10\x01", 6, "[true]"));
    ck_assert(is_body_matched("", 0, ""));
    ck_assert(!is_body_matched("\x18\x07", 2, "8"));
    struct weft_buffer request = { 0 };
    component_begin(&weft_processor_attributes,
                    ACTIONS "\ninclude: {match_type: strict, services: [\"<nil-service-name>\"]}", WEFT_TRACES);
    put_request(&request, WEFT_SLICE_EMPTY);
    ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
    ck_assert_uint_gt(sink.last.length, request.length); /* what the Collector calls a resource without one */
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

/* The metric of put_record has a point without attributes, which insert gives one. */
START_TEST(test_metrics_are_matched_by_name)
{
    ck_assert(is_edited(WEFT_METRICS, "include: {match_type: strict, metric_names: [requests]}"));
    ck_assert(!is_edited(WEFT_METRICS, "include: {match_type: strict, metric_names: [errors]}"));
    /* As in the Collector their resources count for nothing. */
    ck_assert(is_edited(WEFT_METRICS, "exclude: {match_type: strict, resources: [{key: flag}]}"));
    ck_assert(is_edited(WEFT_METRICS, "include: {match_type: strict, resources: [{key: other}]}"));
    ck_assert(
        is_edited(WEFT_METRICS, "include: {match_type: strict, metric_names: [requests], resources: [{key: other}]}"));
    ck_assert(
        !is_edited(WEFT_METRICS, "include: {match_type: strict, metric_names: [errors], resources: [{key: flag}]}"));
}
END_TEST

START_TEST(test_exclude_takes_from_what_is_included)
{
    ck_assert(!is_edited(WEFT_TRACES, "include: {match_type: strict, services: [checkout]}\n"
                                      "exclude: {match_type: strict, span_names: [\"GET /\"]}"));
    ck_assert(is_edited(WEFT_TRACES, "include: {match_type: strict, services: [checkout]}\n"
                                     "exclude: {match_type: strict, span_names: [\"PUT /\"]}"));
}
END_TEST

/* Two scopes in one request: what was found of the first must not count for the second. */
START_TEST(test_every_scope_is_looked_at)
{
    struct weft_buffer record = { 0 };
    struct weft_buffer request = { 0 };
    component_begin(&weft_processor_attributes, ACTIONS "\ninclude: {match_type: strict, services: [checkout]}",
                    WEFT_TRACES);
    put_record(WEFT_TRACES, &record);
    put_request(&request, weft_buffer_slice(&record));
    put_all(&request, weft_buffer_slice(&record));
    put_request(&request, weft_buffer_slice(&record));
    struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
    ck_assert(weft_consumer_consume(fixture.consumer, &batch, NULL) == WEFT_OK);
    struct weft_otlp_walk walk = weft_otlp_walk_of(weft_buffer_slice(&sink.last));
    for (int i = 0; i < 3; i++) {
        struct weft_slice passed;
        ck_assert(weft_otlp_walk_next(&walk, &passed));
        ck_assert((passed.length > record.length) == (i == 1));
        ck_assert(passed.length >= record.length);
    }
    weft_buffer_fini(&record);
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

/* What is repeated merges: the resource, the scope, an attribute's value and a log's body come in two parts each, and
 * what is asked for stands in the first. */
static void put_all_in_parts(struct weft_buffer *out)
{
    struct weft_buffer resource = { 0 };
    struct weft_buffer scope_x = { 0 };
    struct weft_buffer resource_x = { 0 };
    put_string_attribute(&resource, 1, "service.name", "checkout");
    put_message(&resource_x, 1, &resource);
    put_field(&resource_x, 1, WEFT_SLICE_LITERAL("\x0a\x06\x0a\x04more"));
    put_field(&scope_x, 1, WEFT_SLICE_LITERAL("\x0a\x07library"));
    put_field(&scope_x, 1,
              WEFT_SLICE_LITERAL("\x12\x03"
                                 "1.2"));
    put_field(&scope_x, 2,
              WEFT_SLICE_LITERAL("\x2a\x04\x0a\x02hi\x2a\x00" /* body "hi", and an empty one */
                                 "\x32\x0d\x0a\x04text\x12\x03\x0a\x01"
                                 "7\x12\x00"));
    put_message(&resource_x, 2, &scope_x);
    put_message(out, 1, &resource_x);
}

START_TEST(test_repeated_messages_are_looked_at_as_one)
{
    static const char *const properties[] = { "resources: [{key: service.name, value: checkout}, {key: more}]",
                                              "libraries: [{name: library, version: \"1.2\"}]", "log_bodies: [hi]",
                                              "attributes: [{key: text, value: \"7\"}]" };
    for (size_t i = 0; i < WEFT_COUNT_OF(properties); i++) {
        char yaml[400];
        struct weft_buffer request = { 0 };
        snprintf(yaml, sizeof yaml, ACTIONS "\ninclude: {match_type: strict, %s}", properties[i]);
        component_begin(&weft_processor_attributes, yaml, WEFT_LOGS);
        put_all_in_parts(&request);
        ck_assert(offer(WEFT_LOGS, weft_buffer_slice(&request), NULL) == WEFT_OK);
        ck_assert_msg(sink.last.length > request.length, "%s", properties[i]);
        weft_buffer_fini(&request);
        fixture_end();
    }
}
END_TEST

START_TEST(test_config_rules)
{
    const struct weft_component *component = &weft_processor_attributes;
    component_expect_refused(component, ACTIONS "\ninclude: {services: [a]}", WEFT_INVALID, "include: match_type");
    component_expect_refused(component, ACTIONS "\ninclude: {attributes: [{key: a, value: b}]}", WEFT_INVALID,
                             "include: match_type");
    component_expect_refused(component, ACTIONS "\nexclude: {match_type: regexp, services: [a, '(']}", WEFT_INVALID,
                             "exclude: services: \"(\": ");
    component_expect_refused(component, ACTIONS "\ninclude: {match_type: regexp, attributes: [{key: a, value: 1}]}",
                             WEFT_INVALID, "include: attributes: with regexp the value for \"a\" must be a string");
    component_expect_refused(component, ACTIONS "\ninclude: {match_type: regexp, libraries: [{name: '*'}]}",
                             WEFT_INVALID, "include: libraries: \"*\"");
    component_expect_refused(component, ACTIONS "\ninclude: {match_type: strict, attributes: [{key: \"\"}]}",
                             WEFT_INVALID, "the key is empty");
}
END_TEST

static void expect_refused_for(enum weft_signal signal, const char *properties, const char *text)
{
    char yaml[400];
    struct weft_error error = WEFT_ERROR_NONE;
    snprintf(yaml, sizeof yaml, ACTIONS "\nexclude: {match_type: strict, %s}", properties);
    fixture_begin(signal);
    ck_assert(component_configure(&weft_processor_attributes, yaml, &error) == WEFT_OK);
    ck_assert(weft_processor_attributes.validate_signal(fixture.config, signal, &error) == WEFT_INVALID);
    ck_assert_msg(strncmp(error.text, "exclude: ", 9) == 0 && strstr(error.text, text) != NULL, "%s", error.text);
    fixture_end();
}

static size_t advise(enum weft_signal signal, const char *blocks, const char *text)
{
    char yaml[400];
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_config_notes notes = { 0 };
    snprintf(yaml, sizeof yaml, ACTIONS "\n%s", blocks);
    fixture_begin(signal);
    ck_assert_msg(component_configure(&weft_processor_attributes, yaml, &error) == WEFT_OK, "%s", error.text);
    ck_assert(weft_processor_attributes.advise_signal(fixture.config, signal, &notes) == WEFT_OK);
    size_t count = notes.count;
    ck_assert(count == 0 || strstr(notes.items[0].text, text) != NULL);
    weft_config_notes_fini(&notes);
    fixture_end();
    return count;
}

START_TEST(test_resources_of_metrics_are_warned_of)
{
    static const char *const block = "exclude: {match_type: strict, resources: [{key: a}]}";
    ck_assert_uint_eq(advise(WEFT_METRICS, block, "test.yaml:2: exclude.resources: metrics are not asked"), 1);
    ck_assert_uint_eq(advise(WEFT_METRICS, block, "no effect"), 1);
    ck_assert_uint_eq(advise(WEFT_METRICS, "include: {match_type: strict, metric_names: [m], resources: [{key: a}]}",
                             "only metric_names count"),
                      1);
    ck_assert_uint_eq(advise(WEFT_METRICS, "include: {match_type: strict, metric_names: [m]}", ""), 0);
    ck_assert_uint_eq(advise(WEFT_TRACES, block, ""), 0);
}
END_TEST

/* Blocks, programs and what they are matched with: whatever cannot be had is an error, and nothing is left. */
START_TEST(test_making_it_may_fail)
{
    bool has_failed = true;
    for (size_t n = 1; has_failed; n++) {
        struct weft_error error = WEFT_ERROR_NONE;
        void *shared = NULL;
        fixture_begin(WEFT_TRACES);
        ck_assert_msg(component_configure(&weft_processor_attributes,
                                          "actions: [{key: a, action: extract, pattern: '(?P<b>.)'}, {key: c, "
                                          "action: insert, value: [1, {a: b}]}]\n"
                                          "include: {match_type: regexp, services: [a, b], libraries: [{name: a}],\n"
                                          "  attributes: [{key: a, value: b}], resources: [{key: a}]}",
                                          &error) == WEFT_OK,
                      "%s", error.text);
        weft_alloc_fail_at(n);
        enum weft_status status =
            weft_processor_attributes.share(fixture.config, "test", &fixture.budget, &shared, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        /* A pattern without its JIT is interpreted. */
        ck_assert_msg(status == WEFT_OK || (has_failed && status == WEFT_NOMEM), "%zu: %s", n, error.text);
        if (status == WEFT_OK) {
            weft_processor_attributes.unshare(shared);
        }
        ck_assert(n > 15 || has_failed);
        fixture_end();
    }
}
END_TEST

START_TEST(test_each_signal_has_its_properties)
{
    expect_refused_for(WEFT_TRACES, "services: [a], log_bodies: [b]", "log_bodies must not be specified for traces");
    expect_refused_for(WEFT_LOGS, "span_names: [a]", "span_names must not be specified for logs");
    expect_refused_for(WEFT_LOGS, "services: [a]", "services must not be specified for logs");
    expect_refused_for(WEFT_METRICS, "attributes: [{key: a}]", "attributes must not be specified for metrics");
    expect_refused_for(WEFT_TRACES, "services: []", "at least one property");
    expect_refused_for(WEFT_TRACES, "span_kinds: [SERVER]", "span_kinds[0]: \"SERVER\" is none");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_properties_include_and_exclude);
    tcase_add_test(tests, test_metrics_are_matched_by_name);
    tcase_add_test(tests, test_exclude_takes_from_what_is_included);
    tcase_add_test(tests, test_every_scope_is_looked_at);
    tcase_add_test(tests, test_repeated_messages_are_looked_at_as_one);
    tcase_add_test(tests, test_keys_alone_need_no_match_type);
    tcase_add_test(tests, test_bodies_and_services_are_matched_as_text);
    tcase_add_test(tests, test_resources_of_metrics_are_warned_of);
    tcase_add_test(tests, test_making_it_may_fail);
    tcase_add_test(tests, test_config_rules);
    tcase_add_test(tests, test_each_signal_has_its_properties);
}

int main(void)
{
    return component_run("attributes_match", add_tests);
}
