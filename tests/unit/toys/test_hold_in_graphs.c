/* Stages in plans and graphs, by the toy stage `hold`: which pipelines share a core, what a reload keeps of it, and
 * which configs are refused. */
#include "graph/graph_test.h"

#include "join/question.h"
#include "suite.h"

extern const struct weft_component weft_processor_hold;

static const struct weft_component_registry registry = { (const struct weft_component *const[]){
    &fake_receiver, &fake_processor, &fake_exporter, &weft_processor_hold, NULL } };

#define CONFIG(hold, exporter, pipelines)                                                                        \
    "receivers: {fake/in: {}, fake/late: {text: delivered}}\nprocessors: {hold: {wait: " hold "}, hold/b: {}}\n" \
    "exporters: {fake: {text: " exporter "}}\nservice: {pipelines: {" pipelines "}}\n"
#define PIPELINE(name, processors) name ": {receivers: [fake/in], processors: " processors ", exporters: [fake]}"

static enum weft_status try_stage_plan(const char *yaml, const struct weft_plan *former, struct weft_plan **out_plan,
                                       struct weft_error *error)
{
    struct weft_tree *tree = NULL;
    ck_assert_msg(weft_config_load_text(yaml, "test.yaml", &tree, error) == WEFT_OK, "%s", error->text);
    enum weft_status status = weft_plan_new(&tree, &registry, former, NULL, out_plan, error);
    if (status != WEFT_OK) {
        weft_tree_free(&tree);
    }
    return status;
}

struct built {
    struct weft_plan *plan;
    struct weft_graph *graph;
};

static struct built build_beside(struct built *former, const char *yaml)
{
    struct built built = { NULL };
    struct weft_error error = WEFT_ERROR_NONE;
    const struct weft_plan *former_plan = former == NULL ? NULL : former->plan;
    ck_assert_msg(try_stage_plan(yaml, former_plan, &built.plan, &error) == WEFT_OK, "%s", error.text);
    ck_assert(weft_plan_open(built.plan, &budget, 1, &error) == WEFT_OK);
    ck_assert(weft_graph_build(&host, built.plan, former == NULL ? NULL : former->graph, &built.graph, &error) ==
              WEFT_OK);
    return built;
}

static struct built start(const char *yaml)
{
    begin();
    struct built built = build_beside(NULL, yaml);
    weft_graph_switch(built.graph, NULL);
    return built;
}

static struct built reload(struct built *former, const char *yaml)
{
    struct built built = build_beside(former, yaml);
    weft_graph_switch(built.graph, former->graph);
    return built;
}

static void leave(struct built *built)
{
    for (unsigned phase = 0; phase < weft_plan_phase_count(built->plan); phase++) {
        if (!weft_graph_drain(built->graph, phase, WEFT_DROP_RELOAD, false)) {
            (void)weft_graph_drain(built->graph, phase, WEFT_DROP_RELOAD, true);
        }
    }
    ck_assert_uint_eq(weft_graph_held(built->graph), 0);
    weft_graph_free(built->graph);
    weft_plan_unref(&built->plan);
}

static void end_all(void)
{
    forget_instances();
    ck_assert_ptr_null(host.stages);
    struct weft_ledger_totals sum = totals();
    ck_assert_uint_eq(sum.in_flight + sum.buffered + sum.queued, 0);
    ck_assert_uint_eq(sum.offered + sum.copied, sum.sent + sum.dropped + sum.refused + sum.uncopied);
    end();
}

static unsigned core_count(void)
{
    unsigned count = 0;
    for (const struct weft_stage *stage = host.stages; stage != NULL; stage = stage->next) {
        count++;
    }
    return count;
}

static void offer_spans(uint32_t count)
{
    struct weft_batch *batch = spans(0, count, NULL);
    ck_assert(weft_entry_offer(instance_of("fake/in")->entries[WEFT_TRACES], &batch) == WEFT_OK);
}

static void expect_audit(const struct weft_graph *graph)
{
    struct weft_audit audit = { 0 };
    weft_graph_audit(graph, &audit);
    ck_assert_uint_eq(weft_audit_check(&audit, &host, NULL), 0);
    weft_audit_fini(&audit);
}

START_TEST(test_a_traces_and_a_logs_pipeline_share_one_core)
{
    struct built built = start(CONFIG("1s", "a", PIPELINE("traces", "[hold]") "," PIPELINE("logs", "[hold]")));
    ck_assert_uint_eq(core_count(), 1);
    ck_assert_ptr_nonnull(weft_stage_outlet_find(host.stages, "traces"));
    ck_assert_ptr_nonnull(weft_stage_outlet_find(host.stages, "logs"));
    expect_audit(built.graph);
    leave(&built);
    end_all();
}
END_TEST

START_TEST(test_two_traces_pipelines_have_a_core_each)
{
    struct built built = start(CONFIG("1s", "a", PIPELINE("traces/a", "[hold]") "," PIPELINE("traces/b", "[hold]")));
    ck_assert_uint_eq(core_count(), 2);
    leave(&built);
    end_all();
}
END_TEST

static void expect_refusal(const char *yaml, const char *text)
{
    struct weft_plan *plan = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(try_stage_plan(yaml, NULL, &plan, &error), WEFT_INVALID);
    ck_assert_msg(strstr(error.text, text) != NULL, "%s", error.text);
    ck_assert_msg(strncmp(error.text, "test.yaml:", 10) == 0, "%s", error.text);
}

START_TEST(test_configs_that_share_what_cannot_be_shared_are_refused)
{
    expect_refusal(
        CONFIG("1s", "a",
               PIPELINE("traces/a", "[hold]") "," PIPELINE("traces/b", "[hold]") "," PIPELINE("logs", "[hold]")),
        "stands in 2 traces pipelines");
    expect_refusal(CONFIG("1s", "a", PIPELINE("traces", "[hold, hold/b]") "," PIPELINE("logs", "[hold/b, hold]")),
                   "opposite order");
    expect_refusal(CONFIG("1s", "a", "traces: {receivers: [fake/late], processors: [hold], exporters: [fake]}"),
                   "acknowledge: accepted");
}
END_TEST

START_TEST(test_a_changed_exporter_keeps_what_the_stage_holds)
{
    struct built first = start(CONFIG("1h", "a", PIPELINE("traces", "[hold]")));
    const struct weft_stage *core = host.stages;
    offer_spans(5);
    struct built second = reload(&first, CONFIG("1h", "b", PIPELINE("traces", "[hold]")));
    ck_assert_ptr_eq(host.stages, core);
    ck_assert_uint_eq(weft_graph_held(first.graph), 0);
    ck_assert_uint_eq(weft_graph_held(second.graph), 5);
    leave(&first);
    expect_audit(second.graph);
    ck_assert_uint_eq(totals().buffered, 5);
    leave(&second);
    ck_assert_uint_eq(totals().sent, 5);
    end_all();
}
END_TEST

START_TEST(test_changed_rules_go_for_what_is_held)
{
    struct built first = start(CONFIG("1h", "a", PIPELINE("traces", "[hold]")));
    const struct weft_stage *core = host.stages;
    offer_spans(5);
    struct built second = reload(&first, CONFIG("1s", "a", PIPELINE("traces", "[hold]")));
    ck_assert_ptr_eq(host.stages, core);
    leave(&first);
    ck_assert_uint_eq(totals().sent, 0);
    advance(WEFT_NS_PER_S);
    ck_assert_uint_eq(totals().sent, 5);
    leave(&second);
    end_all();
}
END_TEST

START_TEST(test_a_pipeline_that_goes_takes_its_records_along)
{
    struct built first = start(
        CONFIG("1h", "a", PIPELINE("traces", "[hold]") "," PIPELINE("traces/b", "[]") "," PIPELINE("logs", "[hold]")));
    offer_spans(5);
    struct built second = reload(&first, CONFIG("1h", "a", PIPELINE("traces/b", "[]") "," PIPELINE("logs", "[hold]")));
    leave(&first);
    ck_assert_uint_eq(totals().sent, 10);
    leave(&second);
    end_all();
}
END_TEST

START_TEST(test_a_logs_pipeline_may_come_and_go_beside_the_same_core)
{
    struct built first = start(CONFIG("1h", "a", PIPELINE("traces", "[hold]")));
    const struct weft_stage *core = host.stages;
    offer_spans(5);
    struct built second =
        reload(&first, CONFIG("1h", "a", PIPELINE("traces", "[hold]") "," PIPELINE("logs", "[hold]")));
    leave(&first);
    ck_assert_ptr_eq(host.stages, core);
    struct built third = reload(&second, CONFIG("1h", "a", PIPELINE("traces", "[hold]")));
    leave(&second);
    ck_assert_ptr_eq(host.stages, core);
    ck_assert_ptr_null(weft_stage_outlet_find(host.stages, "logs"));
    ck_assert_uint_eq(totals().buffered, 5);
    leave(&third);
    ck_assert_uint_eq(totals().sent, 5);
    end_all();
}
END_TEST

/* What it holds for the former pipeline goes out there; what it remembers stays. */
START_TEST(test_a_renamed_pipeline_keeps_its_core)
{
    struct built first = start(CONFIG("1h", "a", PIPELINE("traces", "[hold]")));
    const struct weft_stage *core = host.stages;
    offer_spans(5);
    struct built second = reload(&first, CONFIG("1h", "a", PIPELINE("traces/new", "[hold]")));
    leave(&first);
    ck_assert_ptr_eq(host.stages, core);
    ck_assert_uint_eq(core_count(), 1);
    ck_assert_ptr_null(weft_stage_outlet_find(host.stages, "traces"));
    ck_assert_uint_eq(totals().sent, 5);
    offer_spans(3);
    expect_audit(second.graph);
    ck_assert_uint_eq(totals().buffered, 3);
    leave(&second);
    ck_assert_uint_eq(totals().sent, 8);
    end_all();
}
END_TEST

START_TEST(test_of_two_cores_none_goes_on_under_a_third_name)
{
    struct built first = start(CONFIG("1h", "a", PIPELINE("traces/a", "[hold]") "," PIPELINE("traces/b", "[hold]")));
    struct built second = reload(&first, CONFIG("1h", "a", PIPELINE("traces/c", "[hold]")));
    ck_assert_uint_eq(core_count(), 3);
    leave(&first);
    ck_assert_uint_eq(core_count(), 1);
    struct built third =
        reload(&second, CONFIG("1h", "a", PIPELINE("traces/a", "[hold]") "," PIPELINE("traces/b", "[hold]")));
    ck_assert_uint_eq(core_count(), 3);
    leave(&second);
    leave(&third);
    end_all();
}
END_TEST

START_TEST(test_a_build_that_is_not_used_leaves_the_stage_as_it_was)
{
    struct built first = start(CONFIG("1h", "a", PIPELINE("traces", "[hold]")));
    offer_spans(5);
    struct built second =
        build_beside(&first, CONFIG("1s", "b", PIPELINE("traces", "[hold]") "," PIPELINE("logs", "[hold]")));
    weft_graph_free(second.graph);
    weft_plan_unref(&second.plan);
    ck_assert_uint_eq(core_count(), 1);
    ck_assert_ptr_null(weft_stage_outlet_find(host.stages, "logs"));
    advance(WEFT_NS_PER_S);
    ck_assert_uint_eq(totals().buffered, 5);
    leave(&first);
    ck_assert_uint_eq(totals().sent, 5);
    end_all();
}
END_TEST

/* What lies before a stage is empty before the stage drains: each has its phase. */
START_TEST(test_stages_drain_by_rank)
{
    struct built built = start(CONFIG("1h", "a", PIPELINE("traces", "[hold, hold/b]")));
    ck_assert_uint_eq(weft_plan_phase_count(built.plan), 7);
    offer_spans(5);
    ck_assert(weft_graph_drain(built.graph, 0, WEFT_DROP_RELOAD, false));
    ck_assert(weft_graph_drain(built.graph, 1, WEFT_DROP_RELOAD, false));
    ck_assert_uint_eq(weft_graph_held(built.graph), 5);
    ck_assert(weft_graph_drain(built.graph, 2, WEFT_DROP_RELOAD, false)); /* from the first to the second */
    ck_assert_uint_eq(totals().sent, 0);
    ck_assert(weft_graph_drain(built.graph, 3, WEFT_DROP_RELOAD, false));
    ck_assert_uint_eq(totals().sent, 0);
    ck_assert(weft_graph_drain(built.graph, 4, WEFT_DROP_RELOAD, false));
    ck_assert_uint_eq(totals().sent, 5);
    leave(&built);
    end_all();
}
END_TEST

START_TEST(test_every_judge_of_a_graph_is_asked_for_a_trace)
{
    struct built built = start(CONFIG("1s", "a", PIPELINE("traces/a", "[hold]") "," PIPELINE("traces/b", "[hold/b]")));
    struct weft_trace_lookup lookup = { .base = { .kind = WEFT_QUESTION_TRACE },
                                        .question = { .word = "asked", .has_trace_id = true, .trace_id = { 0xaa } } };
    weft_buffer_init(&lookup.answer.json, 0);
    offer_spans(3); /* into both */
    lookup.question.trace_id[8] = 7;
    weft_graph_ask(built.graph, &lookup.base);
    ck_assert_uint_eq(lookup.base.asked_count, 2);
    ck_assert_int_eq(lookup.answer.knowledge, WEFT_TRACE_NOT_SEEN);
    lookup.question.trace_id[8] = 2;
    weft_graph_ask(built.graph, &lookup.base);
    ck_assert_uint_eq(lookup.base.asked_count, 4);
    ck_assert_int_eq(lookup.answer.knowledge, WEFT_TRACE_HELD);
    ck_assert(weft_slice_equal_text(weft_buffer_slice(&lookup.answer.json), "\"spans\":1"));
    weft_buffer_fini(&lookup.answer.json);
    leave(&built);
    end_all();
}
END_TEST

START_TEST(test_nobody_is_asked_what_he_does_not_answer)
{
    struct built built = start(CONFIG("1s", "a", PIPELINE("traces/a", "[hold]")));
    struct weft_question other = { .kind = (enum weft_question_kind)(WEFT_QUESTION_TRACE + 1) };
    weft_graph_ask(built.graph, &other);
    ck_assert_uint_eq(other.asked_count, 0);
    leave(&built);
    end_all();
}
END_TEST

START_TEST(test_a_graph_without_judges_knows_nothing)
{
    struct built built = start(CONFIG("1s", "a", PIPELINE("traces", "[]")));
    struct weft_trace_lookup lookup = { .base = { .kind = WEFT_QUESTION_TRACE }, .question = { .word = "asked" } };
    weft_graph_ask(built.graph, &lookup.base);
    ck_assert_uint_eq(lookup.base.asked_count, 0);
    leave(&built);
    end_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("toys/hold_in_graphs");
    TCase *tests = tcase_create("graphs");
    tcase_add_test(tests, test_a_traces_and_a_logs_pipeline_share_one_core);
    tcase_add_test(tests, test_two_traces_pipelines_have_a_core_each);
    tcase_add_test(tests, test_configs_that_share_what_cannot_be_shared_are_refused);
    tcase_add_test(tests, test_a_changed_exporter_keeps_what_the_stage_holds);
    tcase_add_test(tests, test_changed_rules_go_for_what_is_held);
    tcase_add_test(tests, test_a_pipeline_that_goes_takes_its_records_along);
    tcase_add_test(tests, test_a_logs_pipeline_may_come_and_go_beside_the_same_core);
    tcase_add_test(tests, test_a_renamed_pipeline_keeps_its_core);
    tcase_add_test(tests, test_of_two_cores_none_goes_on_under_a_third_name);
    tcase_add_test(tests, test_a_build_that_is_not_used_leaves_the_stage_as_it_was);
    tcase_add_test(tests, test_stages_drain_by_rank);
    tcase_add_test(tests, test_every_judge_of_a_graph_is_asked_for_a_trace);
    tcase_add_test(tests, test_nobody_is_asked_what_he_does_not_answer);
    tcase_add_test(tests, test_a_graph_without_judges_knows_nothing);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
