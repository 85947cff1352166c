/* The top level: what the Collector loads loads, what it refuses is refused with file:line. */
#include "config/loading.h"

#include "config/service.h"
#include "suite.h"

#define TWO_ENDS "receivers: {otlp: , otlp/2: {}}\nexporters: {otlp: , debug: }\n"

static const char full_text[] = "receivers:\n"
                                "  otlp:\n"
                                "  filelog/pods: {include: [x]}\n"
                                "processors:\n"
                                "  batch:\n"
                                "  batch/big: {timeout: 1s}\n"
                                "exporters:\n"
                                "  otlp/backend: {endpoint: x}\n"
                                "  debug:\n"
                                "connectors:\n"
                                "  count:\n"
                                "extensions:\n"
                                "  health_check:\n"
                                "service:\n"
                                "  extensions: [health_check]\n"
                                "  workers: auto\n"
                                "  telemetry: {metrics: {level: none}}\n"
                                "  pipelines:\n"
                                "    traces:\n"
                                "      receivers: [otlp]\n"
                                "      processors: [batch/big, batch]\n"
                                "      exporters:\n"
                                "        - otlp/backend\n"
                                "        - count\n"
                                "    metrics/count:\n"
                                "      receivers: [count]\n"
                                "      exporters: [debug]\n"
                                "    logs: {receivers: [otlp, filelog/pods], exporters: [debug]}\n";

START_TEST(test_settings_hold_the_whole_top_level)
{
    struct weft_tree *tree = must_load(full_text);
    struct weft_settings settings;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_settings_parse(weft_tree_root(tree), &settings, NULL, &error);
    ck_assert_msg(status == WEFT_OK, "%s", error.text);
    ck_assert_uint_eq(settings.components[WEFT_RECEIVER].count, 2);
    const struct weft_component_settings *pods = weft_settings_find(&settings, WEFT_RECEIVER, "filelog/pods");
    ck_assert_ptr_nonnull(pods);
    ck_assert_str_eq(pods->id.type, "filelog");
    ck_assert_str_eq(pods->id.name, "pods");
    ck_assert_ptr_nonnull(weft_node_find(pods->node, "include"));
    ck_assert_str_eq(settings.components[WEFT_RECEIVER].items[0].id.name, "");
    ck_assert_ptr_null(weft_settings_find(&settings, WEFT_PROCESSOR, "otlp"));
    ck_assert_uint_eq(settings.extensions.count, 1);
    ck_assert_ptr_eq(settings.extensions.items[0].component, settings.components[WEFT_EXTENSION].items);
    ck_assert_str_eq(weft_node_text(settings.workers), "auto");
    ck_assert_ptr_nonnull(weft_node_find(settings.telemetry, "metrics"));

    ck_assert_uint_eq(settings.pipeline_count, 3);
    const struct weft_pipeline_settings *traces = &settings.pipelines[0];
    ck_assert_int_eq(traces->signal, WEFT_TRACES);
    ck_assert_int_eq(traces->position.line, 19);
    ck_assert_str_eq(traces->processors.items[0].id, "batch/big");
    ck_assert_int_eq(traces->exporters.items[1].position.line, 24);
    ck_assert(traces->exporters.items[1].is_connector);
    ck_assert(!traces->exporters.items[0].is_connector);
    ck_assert_int_eq(settings.pipelines[1].signal, WEFT_METRICS);
    ck_assert_str_eq(settings.pipelines[1].id.text, "metrics/count");
    ck_assert_str_eq(settings.pipelines[1].id.name, "count");
    ck_assert(settings.pipelines[1].receivers.items[0].is_connector);
    ck_assert_int_eq(settings.pipelines[2].signal, WEFT_LOGS);
    ck_assert_uint_eq(settings.pipelines[2].receivers.count, 2);
    ck_assert_str_eq(settings.pipelines[2].receivers.items[1].id, "filelog/pods");
    weft_settings_fini(&settings);
    weft_tree_free(&tree);
}
END_TEST

static const char *const good_cases[] = {
    TWO_ENDS "service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}",
    TWO_ENDS "processors:\nextensions: {}\nconnectors:\n"
             "service: {extensions: , pipelines: {traces/a-b: {receivers: [otlp], processors: , exporters: [debug]}}}",
};

START_TEST(test_config_with_empty_sections_loads)
{
    struct weft_tree *tree = must_load(good_cases[_i]);
    struct weft_settings settings;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_settings_parse(weft_tree_root(tree), &settings, NULL, &error), WEFT_OK);
    weft_settings_fini(&settings);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_receiver_listed_twice_counts_once_with_a_note)
{
    struct weft_tree *tree =
        must_load(TWO_ENDS "service: {pipelines: {traces: {receivers: [otlp, ' otlp '], exporters: [debug]}}}");
    struct weft_settings settings;
    struct weft_config_notes notes = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_settings_parse(weft_tree_root(tree), &settings, &notes, &error), WEFT_OK);
    ck_assert_uint_eq(settings.pipelines[0].receivers.count, 1);
    ck_assert_uint_eq(notes.count, 1);
    ck_assert_str_eq(notes.items[0].text, "config.yaml:3: service.pipelines.traces.receivers[1]: receiver \"otlp\" is "
                                          "listed twice; taken once");
    weft_config_notes_fini(&notes);
    weft_settings_fini(&settings);
    weft_tree_free(&tree);
}
END_TEST

#define PIPELINE "service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}\n"

static const struct {
    const char *text;
    enum weft_status status;
    const char *error;
} bad_cases[] = {
    { "recievers: {}", WEFT_INVALID, "config.yaml:1: unknown key \"recievers\"; did you mean \"receivers\"?" },
    { "a: 1\nfoobar:", WEFT_INVALID,
      "config.yaml:1: unknown key \"a\"; known: receivers, processors, exporters, connectors, extensions, service" },
    { "", WEFT_INVALID, "config.yaml: no receiver is defined" },
    { "receivers: {otlp: }", WEFT_INVALID, "config.yaml:1: no exporter is defined" },
    { "receivers: [otlp]", WEFT_INVALID, "config.yaml:1: receivers: wants a map, not a list" },
    { "receivers:\n  otlp: 5", WEFT_INVALID, "config.yaml:2: receivers.otlp: wants a map, not a number" },
    { "receivers:\n  otlp: \n  ' otlp': ", WEFT_INVALID,
      "config.yaml:3: receivers. otlp: the same id is defined twice" },
    { "receivers:\n  1otlp:", WEFT_INVALID,
      "config.yaml:2: receivers.1otlp: id \"1otlp\": a type is a letter and then up to 62 letters, digits or _" },
    { "receivers:\n  /a:", WEFT_INVALID, "config.yaml:2: receivers./a: id \"/a\" has no type" },
    { "receivers:\n  otlp/:", WEFT_INVALID, "config.yaml:2: receivers.otlp/: id \"otlp/\": nothing after the /" },
    { "receivers:\n  otlp/a b:", WEFT_INVALID,
      "config.yaml:2: receivers.otlp/a b: id \"otlp/a b\": a name has no blanks, control characters or symbols" },
    { TWO_ENDS, WEFT_INVALID, "config.yaml:1: the service must have at least one pipeline, and at most 1000" },
    { TWO_ENDS "service:", WEFT_INVALID,
      "config.yaml:3: service: the service must have at least one pipeline, and at most 1000" },
    { TWO_ENDS "service: {piplines: {}}", WEFT_INVALID,
      "config.yaml:3: service: unknown key \"piplines\"; did you mean \"pipelines\"?" },
    { TWO_ENDS "service: {pipelines: {traces: }}", WEFT_INVALID,
      "config.yaml:3: service.pipelines.traces: must have at least one receiver" },
    { TWO_ENDS "service: {pipelines: {traces: {receivers: [otlp]}}}", WEFT_INVALID,
      "config.yaml:3: service.pipelines.traces: must have at least one exporter" },
    { TWO_ENDS "service: {pipelines: {traces: {receivers: [otlp], exporters: []}}}", WEFT_INVALID,
      "config.yaml:3: service.pipelines.traces: must have at least one exporter" },
    { TWO_ENDS "service: {pipelines: {spans: {receivers: [otlp], exporters: [debug]}}}", WEFT_INVALID,
      "config.yaml:3: service.pipelines.spans: \"spans\" is not a signal (traces, metrics, logs or profiles)" },
    { TWO_ENDS "service:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporter: [debug]", WEFT_INVALID,
      "config.yaml:7: service.pipelines.traces: unknown key \"exporter\"; did you mean \"exporters\"?" },
    { TWO_ENDS "service:\n  pipelines:\n    traces:\n      receivers:\n        - otlp/3\n      exporters: [debug]",
      WEFT_INVALID,
      "config.yaml:7: service.pipelines.traces.receivers[0]: receiver \"otlp/3\" is not defined; did you mean "
      "\"otlp/2\"?" },
    { TWO_ENDS "service: {pipelines: {traces: {receivers: [otlp], exporters: [zipkin]}}}", WEFT_INVALID,
      "config.yaml:3: service.pipelines.traces.exporters[0]: exporter \"zipkin\" is not defined" },
    { TWO_ENDS "service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [debug]}}}",
      WEFT_INVALID, "config.yaml:3: service.pipelines.traces.processors[0]: processor \"batch\" is not defined" },
    { TWO_ENDS "processors: {batch: }\nservice: {pipelines: {traces: {receivers: [otlp], processors: [batch, batch], "
               "exporters: [debug]}}}",
      WEFT_INVALID,
      "config.yaml:4: service.pipelines.traces.processors[1]: processor \"batch\" stands twice in one pipeline" },
    { TWO_ENDS "service: {pipelines: {traces: {receivers: {otlp: }, exporters: [debug]}}}", WEFT_INVALID,
      "config.yaml:3: service.pipelines.traces.receivers: wants a list of ids, not a map" },
    { TWO_ENDS "service: {pipelines: {traces: {receivers: [[otlp]], exporters: [debug]}}}", WEFT_INVALID,
      "config.yaml:3: service.pipelines.traces.receivers[0]: wants an id, not a list" },
    { TWO_ENDS "service: {extensions: [pprof], pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}",
      WEFT_INVALID, "config.yaml:3: service.extensions[0]: extension \"pprof\" is not defined" },
    { TWO_ENDS "service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}, ' traces': {receivers: [otlp], "
               "exporters: [debug]}}}",
      WEFT_INVALID, "config.yaml:3: service.pipelines. traces: the same id is defined twice" },
    { TWO_ENDS "connectors: {debug: }\n" PIPELINE, WEFT_INVALID,
      "config.yaml:3: connectors.debug: there is also an exporter \"debug\"; rename one of them" },
    { TWO_ENDS "connectors: {otlp/2: }\n" PIPELINE, WEFT_INVALID,
      "config.yaml:3: connectors.otlp/2: there is also a receiver \"otlp/2\"; rename one of them" },
    { TWO_ENDS "connectors: {count: }\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [count]}}}",
      WEFT_INVALID, "config.yaml:4: connector \"count\" is an exporter here, but a receiver in no pipeline" },
    { TWO_ENDS "connectors: {count: }\nservice: {pipelines: {traces: {receivers: [count], exporters: [debug]}}}",
      WEFT_INVALID, "config.yaml:4: connector \"count\" is a receiver here, but an exporter in no pipeline" },
    { TWO_ENDS "connectors: {forward: }\nservice: {pipelines: {traces: {receivers: [forward], exporters: [forward]}}}",
      WEFT_INVALID, "config.yaml:4: connector \"forward\" closes a cycle of pipelines" },
    { TWO_ENDS "connectors: {a: , b: }\nservice:\n  pipelines:\n    traces: {receivers: [otlp, b], exporters: [a]}\n"
               "    traces/2: {receivers: [a], exporters: [b, debug]}\n",
      WEFT_INVALID, "config.yaml:7: connector \"b\" closes a cycle of pipelines" },
};

START_TEST(test_broken_rule_is_refused_with_its_place)
{
    struct weft_tree *tree = must_load(bad_cases[_i].text);
    struct weft_settings settings;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_settings_parse(weft_tree_root(tree), &settings, NULL, &error);
    assert_fails_with(status, bad_cases[_i].status, error, bad_cases[_i].error);
    weft_tree_free(&tree);
}
END_TEST

START_TEST(test_diamond_of_connectors_is_no_cycle)
{
    struct weft_tree *tree = must_load(TWO_ENDS "connectors: {a: , b: , c: , unused: }\nservice:\n  pipelines:\n"
                                                "    traces: {receivers: [otlp], exporters: [a, b]}\n"
                                                "    traces/1: {receivers: [a], exporters: [c]}\n"
                                                "    traces/2: {receivers: [b], exporters: [c]}\n"
                                                "    traces/3: {receivers: [c], exporters: [debug]}\n");
    struct weft_settings settings;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_settings_parse(weft_tree_root(tree), &settings, NULL, &error), WEFT_OK);
    weft_settings_fini(&settings);
    weft_tree_free(&tree);
}
END_TEST

/* Checked against component.ID.UnmarshalText of the Collector. */
static const struct {
    const char *text;
    const char *whole; /* NULL = refused */
} id_cases[] = {
    { "otlp", "otlp" },
    { "a_1/b", "a_1/b" },
    { " otlp / x ", "otlp/x" },
    { "otlp/a/b", "otlp/a/b" },
    { "otlp/a.b-c_d:e@f#g%h&i*j(k)l[m]{n}!?,;'\"\\", "otlp/a.b-c_d:e@f#g%h&i*j(k)l[m]{n}!?,;'\"\\" },
    { "otlp/\xc3\xa4\xe6\x97\xa5", "otlp/\xc3\xa4\xe6\x97\xa5" },
    { "", NULL },
    { " ", NULL },
    { "/", NULL },
    { "_a", NULL },
    { "a-b", NULL },
    { "\xc3\xa4", NULL },
    { "otlp/ ", NULL },
    { "otlp/a$", NULL },
    { "otlp/a+b", NULL },
    { "otlp/<a>", NULL },
    { "otlp/a=b", NULL },
    { "otlp/a|b", NULL },
    { "otlp/a~", NULL },
    { "otlp/a`", NULL },
    { "otlp/a^", NULL },
    { "otlp/a\tb", NULL },
    { "otlp/a\x7f", NULL },
    { "otlp/a\xc2\xa0"
      "b",
      NULL },
    { "otlp/\xe2\x82\xac", NULL },
    { "otlp/\xf0\x9f\x98\x80", NULL },
    { "otlp/\xe2\x80\x8b", NULL },
    { "otlp/\xff", NULL },
};

START_TEST(test_ids_follow_the_collectors_rules)
{
    struct weft_component_id id;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_component_id_parse(id_cases[_i].text, &id, &error);
    if (id_cases[_i].whole == NULL) {
        ck_assert_msg(status == WEFT_INVALID, "%s", id_cases[_i].text);
        return;
    }
    ck_assert_msg(status == WEFT_OK, "%s: %s", id_cases[_i].text, error.text);
    ck_assert_str_eq(id.text, id_cases[_i].whole);
    weft_component_id_fini(&id);
}
END_TEST

START_TEST(test_id_lengths_are_bounded)
{
    char text[1100];
    struct weft_component_id id;
    struct weft_error error = WEFT_ERROR_NONE;
    for (size_t extra = 0; extra < 2; extra++) {
        memset(text, 'a', sizeof text);
        text[63 + extra] = '\0';
        ck_assert_int_eq(weft_component_id_parse(text, &id, &error), extra == 0 ? WEFT_OK : WEFT_INVALID);
        if (extra == 0) {
            weft_component_id_fini(&id);
        }
        memset(text, 'a', sizeof text);
        text[1] = '/';
        text[2 + 1024 + extra] = '\0';
        ck_assert_int_eq(weft_component_id_parse(text, &id, &error), extra == 0 ? WEFT_OK : WEFT_INVALID);
        if (extra == 0) {
            weft_component_id_fini(&id);
        }
    }
}
END_TEST

START_TEST(test_every_failed_allocation_is_reported)
{
    struct weft_tree *tree = must_load(full_text);
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_settings settings;
        struct weft_error error = WEFT_ERROR_NONE;
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_settings_parse(weft_tree_root(tree), &settings, NULL, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_msg(status == (has_failed ? WEFT_NOMEM : WEFT_OK), "allocation %zu: %s", nth, error.text);
        if (status == WEFT_OK) {
            weft_settings_fini(&settings);
        }
    }
    weft_tree_free(&tree);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service");
    TCase *test_case = tcase_create("service");
    tcase_add_test(test_case, test_settings_hold_the_whole_top_level);
    tcase_add_loop_test(test_case, test_config_with_empty_sections_loads, 0, WEFT_COUNT_OF(good_cases));
    tcase_add_test(test_case, test_receiver_listed_twice_counts_once_with_a_note);
    tcase_add_loop_test(test_case, test_broken_rule_is_refused_with_its_place, 0, WEFT_COUNT_OF(bad_cases));
    tcase_add_test(test_case, test_diamond_of_connectors_is_no_cycle);
    tcase_add_loop_test(test_case, test_ids_follow_the_collectors_rules, 0, WEFT_COUNT_OF(id_cases));
    tcase_add_test(test_case, test_id_lengths_are_bounded);
    tcase_add_test(test_case, test_every_failed_allocation_is_reported);
    suite_add_tcase(suite, test_case);
    return suite_run(suite);
}
