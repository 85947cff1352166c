/* Plans: what becomes of a config, what a later plan takes over, and who listens where. */
#include "graph_test.h"
#include "suite.h"

#define PIPELINE   "service: {pipelines: {traces: {receivers: [fake], processors: [fake], exporters: [fake]}}}\n"
#define COMPONENTS "receivers: {fake: }\nprocessors: {fake: }\nexporters: {fake: }\n"

static void expect_failure(const char *yaml, const char *text)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_plan *plan = NULL;
    ck_assert_msg(try_plan(yaml, NULL, &plan, &error) != WEFT_OK, "%s", yaml);
    ck_assert_msg(strstr(error.text, text) != NULL, "\"%s\" is not in \"%s\"", text, error.text);
    ck_assert_ptr_null(plan);
}

START_TEST(test_plan_resolves_its_pipelines)
{
    begin();
    struct weft_plan *plan = plan_of(COMPONENTS PIPELINE, NULL);
    ck_assert_uint_eq(plan->pipeline_count, 1);
    ck_assert_str_eq(plan->pipelines[0].id, "traces");
    ck_assert_ptr_eq(plan->pipelines[0].receivers[0], component_of(plan, WEFT_RECEIVER, "fake"));
    ck_assert_ptr_eq(plan->pipelines[0].exporters[0], component_of(plan, WEFT_EXPORTER, "fake"));
    ck_assert_uint_eq(shared_count, 2);
    weft_plan_unref(&plan);
    forget_instances();
    end();
}
END_TEST

START_TEST(test_aliases_name_the_same_component)
{
    ck_assert_ptr_eq(weft_component_find(&fake_registry, WEFT_RECEIVER, "fake_alias"), &fake_receiver);
    ck_assert_ptr_null(weft_component_find(&fake_registry, WEFT_EXPORTER, "fake_alias"));
    ck_assert_ptr_null(weft_component_find(&fake_registry, WEFT_CONNECTOR, "fake"));
}
END_TEST

START_TEST(test_bad_configs_name_their_line)
{
    begin();
    static const char unknown[] = "receivers:\n  fake:\n  kafka:\nprocessors: {fake: }\nexporters: {fake: }\n" PIPELINE;
    expect_failure(unknown, "test.yaml:3: receivers.kafka: unknown receiver type");
    expect_failure(unknown, "weft has: fake");
    expect_failure("receivers: {fake: }\nprocessors: {fake: , k8sattributes: }\nexporters: {fake: }\n" PIPELINE,
                   "weft has no processor \"k8sattributes\"; the operator container");
    expect_failure("receivers: {fake: }\nprocessors: {fake: {txet: 1}}\nexporters: {fake: }\n" PIPELINE, "test.yaml:2");
    expect_failure(
        "receivers: {fake: }\nprocessors: {fake: }\nexporters: {fake: }\nservice:\n  pipelines:\n    metrics:\n"
        "      receivers: [fake]\n      exporters: [fake]\n",
        "test.yaml:7: receiver \"fake\" does not support metrics");
    ck_assert_uint_eq(shared_count, 0);
    end();
}
END_TEST

START_TEST(test_unused_component_is_checked_but_not_opened)
{
    begin();
    struct weft_plan *plan = plan_of("receivers: {fake: , fake/unused: {endpoint: \"127.0.0.1:1\"}}\n"
                                     "exporters: {fake: , fake/unused: }\n"
                                     "service: {pipelines: {traces: {receivers: [fake], exporters: [fake]}}}\n",
                                     NULL);
    ck_assert_uint_eq(shared_count, 2);
    ck_assert(!component_of(plan, WEFT_RECEIVER, "fake/unused")->is_used);
    weft_plan_unref(&plan);
    expect_failure("receivers: {fake: , fake/unused: {nonsense: 1}}\nexporters: {fake: }\n"
                   "service: {pipelines: {traces: {receivers: [fake], exporters: [fake]}}}\n",
                   "nonsense");
    forget_instances();
    end();
}
END_TEST

START_TEST(test_unchanged_components_are_taken_over)
{
    begin();
    struct weft_plan *first = plan_of(COMPONENTS PIPELINE, NULL);
    struct weft_plan *second =
        plan_of("exporters: {fake: {text: changed}}\nprocessors: {fake: }\n\nreceivers: {fake: }\n" PIPELINE, first);
    ck_assert_ptr_eq(component_of(first, WEFT_RECEIVER, "fake"), component_of(second, WEFT_RECEIVER, "fake"));
    ck_assert_ptr_eq(component_of(first, WEFT_PROCESSOR, "fake"), component_of(second, WEFT_PROCESSOR, "fake"));
    ck_assert_ptr_ne(component_of(first, WEFT_EXPORTER, "fake"), component_of(second, WEFT_EXPORTER, "fake"));
    ck_assert_uint_eq(shared_count, 3);
    weft_plan_unref(&first);
    ck_assert_uint_eq(shared_count, 2);
    /* What was taken over lives on the first plan's text. */
    struct weft_plan *third = plan_of(COMPONENTS PIPELINE, second);
    ck_assert_ptr_eq(component_of(third, WEFT_RECEIVER, "fake"), component_of(second, WEFT_RECEIVER, "fake"));
    weft_plan_unref(&second);
    weft_plan_unref(&third);
    forget_instances();
    end();
}
END_TEST

/* What was taken over, that is: what is new has just read everything. */
START_TEST(test_what_was_taken_over_is_renewed_all_or_nothing)
{
    begin();
    renewed_count = 0;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_plan *first = plan_of(COMPONENTS PIPELINE, NULL), *second = NULL;
    for (int i = 0; i < 3; i++) {
        bool is_used = i == 2;
        does_renewal_fail = i == 0;
        ck_assert_int_eq(
            try_plan("receivers: {fake: }\nprocessors: {fake: }\nexporters: {fake: {text: changed}}\n" PIPELINE, first,
                     &second, &error),
            WEFT_OK);
        ck_assert_int_eq(weft_plan_renew(second, &error), does_renewal_fail ? WEFT_IO : WEFT_OK);
        ck_assert_uint_eq(renewing_count, 1); /* the receiver */
        if (does_renewal_fail) {
            ck_assert_ptr_nonnull(strstr(error.text, "receivers.fake: it cannot be renewed"));
        }
        weft_plan_end_renewal(second, is_used);
        ck_assert_uint_eq(renewing_count, 0);
        ck_assert_uint_eq(renewed_count, is_used);
        weft_plan_end_renewal(second, true);
        ck_assert_uint_eq(renewed_count, is_used);
        weft_plan_unref(&second);
    }
    weft_plan_unref(&first);
    forget_instances();
    end();
}
END_TEST

START_TEST(test_component_that_falls_out_of_use_is_closed)
{
    static const char both[] = "receivers: {fake: , fake/b: }\nexporters: {fake: }\n"
                               "service: {pipelines: {traces: {receivers: [fake, fake/b], exporters: [fake]}}}\n";
    static const char one[] = "receivers: {fake: , fake/b: }\nexporters: {fake: }\n"
                              "service: {pipelines: {traces: {receivers: [fake], exporters: [fake]}}}\n";
    begin();
    struct weft_plan *plan = plan_of(both, NULL);
    for (int i = 0; i < 2; i++) {
        struct weft_plan *next = plan_of(one, plan);
        weft_plan_unref(&plan);
        ck_assert_uint_eq(shared_count, 2);
        plan = plan_of(both, next);
        weft_plan_unref(&next);
        ck_assert_uint_eq(shared_count, 3);
    }
    weft_plan_unref(&plan);
    forget_instances();
    end();
}
END_TEST

/* ---- listeners ---- */

static int descriptor_of(const struct weft_plan *plan, const char *id)
{
    const struct fake_shared *shared = component_of(plan, WEFT_RECEIVER, id)->shared;
    return shared->listener.descriptor;
}

#define LISTENING(rest) "receivers: {fake: " rest "}\nprocessors: {fake: }\nexporters: {fake: }\n" PIPELINE

START_TEST(test_changed_receiver_takes_the_socket_over)
{
    begin();
    struct weft_plan *first = plan_of(LISTENING("{endpoint: \"127.0.0.1:0\", text: a}"), NULL);
    struct weft_plan *second = plan_of(LISTENING("{endpoint: \"127.0.0.1:0\", text: b}"), first);
    ck_assert_ptr_ne(component_of(first, WEFT_RECEIVER, "fake"), component_of(second, WEFT_RECEIVER, "fake"));
    ck_assert_int_eq(descriptor_of(first, "fake"), descriptor_of(second, "fake"));
    weft_plan_unref(&first);
    struct weft_plan *third = plan_of(LISTENING("{endpoint: \"127.0.0.1:0\", text: a}"), second);
    ck_assert_int_eq(descriptor_of(third, "fake"), descriptor_of(second, "fake"));
    weft_plan_unref(&second);
    weft_plan_unref(&third);
    forget_instances();
    end();
}
END_TEST

START_TEST(test_two_receivers_on_one_endpoint_are_refused)
{
    begin();
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_plan *first = plan_of(LISTENING("{endpoint: \"127.0.0.1:0\"}"), NULL), *second = NULL;
    ck_assert_int_eq(try_plan("receivers:\n  fake: {endpoint: \"127.0.0.1:0\"}\n  fake/b: {endpoint: \"127.0.0.1:0\"}\n"
                              "exporters: {fake: }\n"
                              "service: {pipelines: {traces: {receivers: [fake, fake/b], exporters: [fake]}}}\n",
                              first, &second, &error),
                     WEFT_OK);
    ck_assert_int_eq(weft_plan_open(second, &budget, 1, &error), WEFT_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "test.yaml:3"));
    ck_assert_ptr_nonnull(strstr(error.text, "receiver \"fake\" already listens"));
    weft_plan_unref(&second);
    ck_assert_int_ge(descriptor_of(first, "fake"), 0);
    weft_plan_unref(&first);
    forget_instances();
    end();
}
END_TEST

START_TEST(test_plan_that_cannot_open_leaves_nothing_open)
{
    begin();
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_plan *plan = NULL;
    ck_assert_int_eq(try_plan(LISTENING("{endpoint: \"256.0.0.1:1\"}"), NULL, &plan, &error), WEFT_OK);
    ck_assert_int_ne(weft_plan_open(plan, &budget, 1, &error), WEFT_OK);
    ck_assert_ptr_nonnull(strstr(error.text, "test.yaml:1: receivers.fake"));
    weft_plan_unref(&plan);
    forget_instances();
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("graph/plan");
    TCase *tests = tcase_create("plan");
    tcase_add_test(tests, test_plan_resolves_its_pipelines);
    tcase_add_test(tests, test_aliases_name_the_same_component);
    tcase_add_test(tests, test_bad_configs_name_their_line);
    tcase_add_test(tests, test_unused_component_is_checked_but_not_opened);
    tcase_add_test(tests, test_unchanged_components_are_taken_over);
    tcase_add_test(tests, test_what_was_taken_over_is_renewed_all_or_nothing);
    tcase_add_test(tests, test_component_that_falls_out_of_use_is_closed);
    tcase_add_test(tests, test_changed_receiver_takes_the_socket_over);
    tcase_add_test(tests, test_two_receivers_on_one_endpoint_are_refused);
    tcase_add_test(tests, test_plan_that_cannot_open_leaves_nothing_open);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
