/* Graphs: built from plans, taken over by later ones, drained from the receivers to the exporters. */
#include "graph_test.h"

#include "base/base_test.h"
#include "base/thread.h"
#include "suite.h"

static struct weft_graph *graph_of(const struct weft_plan *plan, struct weft_graph *former)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_graph *graph = NULL;
    ck_assert_msg(weft_graph_build(&host, plan, former, &graph, &error) == WEFT_OK, "%s", error.text);
    weft_graph_switch(graph, former);
    return graph;
}

static void expect_audit(const struct weft_graph *graph, const struct weft_graph *former)
{
    struct weft_audit audit = { 0 };
    weft_graph_audit(graph, &audit);
    if (former != NULL) {
        weft_graph_audit(former, &audit);
    }
    weft_graph_audit_stages(&host, &audit);
    ck_assert_uint_eq(weft_audit_check(&audit, &host, NULL), 0);
    weft_audit_fini(&audit);
}

static enum weft_status offer(struct instance *receiver, enum weft_signal signal, uint32_t count)
{
    struct weft_batch *batch = spans(0, count, NULL);
    return weft_entry_offer(receiver->entries[signal], &batch);
}

enum { LAST_PHASE = 2 };

/* As a worker alone would: each phase until it is done, but not beyond. */
static bool drain_as_far_as_it_goes(struct weft_graph *graph, unsigned *phase, bool is_forced)
{
    while (weft_graph_drain(graph, *phase, WEFT_DROP_RELOAD, is_forced)) {
        if ((*phase)++ == LAST_PHASE) {
            return true;
        }
    }
    return false;
}

static void retire(struct weft_graph *graph)
{
    for (unsigned i = 0, phase = 0; i < 10 && !drain_as_far_as_it_goes(graph, &phase, i > 5); i++) {
    }
    ck_assert_uint_eq(weft_graph_held(graph), 0);
    weft_graph_free(graph);
}

/* A graph that is built from nothing and the plan that it is of. */
struct built {
    struct weft_plan *plan;
    struct weft_graph *graph;
};

static struct built build(const char *yaml)
{
    begin();
    struct built built = { .plan = plan_of(yaml, NULL) };
    built.graph = graph_of(built.plan, NULL);
    return built;
}

static struct built rebuild(struct built *former, const char *yaml)
{
    struct built built = { .plan = plan_of(yaml, former->plan) };
    built.graph = graph_of(built.plan, former->graph);
    return built;
}

static void give_up(struct built *built)
{
    retire(built->graph);
    weft_plan_unref(&built->plan);
}

static void end_all(void)
{
    forget_instances();
    struct weft_ledger_totals sum = totals();
    ck_assert_uint_eq(sum.in_flight + sum.buffered + sum.queued, 0);
    ck_assert_uint_eq(sum.offered + sum.copied, sum.sent + sum.dropped + sum.refused + sum.uncopied);
    end();
}

#define NAMED(receiver, processor, exporter, pipelines)                                        \
    "receivers: {fake/r: {text: " receiver "}}\nprocessors: {fake/p: {text: " processor "}}\n" \
    "exporters: {fake/e: {text: " exporter "}}\nservice: {pipelines: {" pipelines "}}\n"
#define TRACES "traces: {receivers: [fake/r], processors: [fake/p], exporters: [fake/e]}"
#define LOGS   "logs: {receivers: [fake/r], exporters: [fake/e]}"

START_TEST(test_offered_records_are_sent)
{
    struct built built = build(NAMED("a", "a", "a", TRACES));
    ck_assert_int_eq(offer(instance_of("fake/r"), WEFT_TRACES, 5), WEFT_OK);
    ck_assert_uint_eq(totals().sent, 5);
    ck_assert_ptr_null(instance_of("fake/r")->entries[WEFT_LOGS]);
    expect_audit(built.graph, NULL);
    give_up(&built);
    end_all();
}
END_TEST

START_TEST(test_same_config_takes_everything_over)
{
    struct built first = build(NAMED("a", "a", "a", TRACES));
    instance_of("fake/p")->is_holding = true;
    ck_assert_int_eq(offer(instance_of("fake/r"), WEFT_TRACES, 5), WEFT_OK);
    struct built second = rebuild(&first, NAMED("a", "a", "a", TRACES));
    ck_assert_uint_eq(living(), 3);
    ck_assert_uint_eq(weft_graph_held(first.graph), 0);
    ck_assert_uint_eq(weft_graph_held(second.graph), 5);
    expect_audit(second.graph, first.graph);
    unsigned phase = 0;
    ck_assert(drain_as_far_as_it_goes(first.graph, &phase, false));
    give_up(&first);
    instance_of("fake/p")->is_holding = false;
    ck_assert_int_eq(offer(instance_of("fake/r"), WEFT_TRACES, 7), WEFT_OK);
    ck_assert_uint_eq(totals().sent, 7);
    give_up(&second);
    ck_assert_uint_eq(totals().sent, 12);
    end_all();
}
END_TEST

/* Each component changes alone; what it held leaves through what it was made with. */
static void change_one(const char *yaml, const char *changed_id, size_t new_count)
{
    struct built first = build(NAMED("a", "a", "a", TRACES));
    struct instance *processor = instance_of("fake/p");
    struct instance *changed = instance_of(changed_id);
    processor->is_holding = true;
    ck_assert_int_eq(offer(instance_of("fake/r"), WEFT_TRACES, 5), WEFT_OK);
    struct built second = rebuild(&first, yaml);
    ck_assert_uint_eq(living(), 3 + new_count);
    ck_assert_ptr_ne(instance_of(changed_id), changed);
    expect_audit(second.graph, first.graph);
    give_up(&first);
    ck_assert(changed->is_freed);
    ck_assert_uint_eq(living(), 3);
    expect_audit(second.graph, NULL);
    ck_assert_int_eq(processor == instance_of("fake/p"), strcmp(changed_id, "fake/r") == 0);
    if (processor->is_freed) {
        ck_assert_uint_eq(totals().sent, 5);
        ck_assert_int_eq(offer(instance_of("fake/r"), WEFT_TRACES, 7), WEFT_OK);
        ck_assert_uint_eq(totals().sent, 12);
    }
    give_up(&second);
    ck_assert_uint_eq(totals().dropped, 0);
    end_all();
}

START_TEST(test_only_the_receiver_changes)
{
    change_one(NAMED("b", "a", "a", TRACES), "fake/r", 1);
}
END_TEST

START_TEST(test_only_the_processor_changes)
{
    change_one(NAMED("a", "b", "a", TRACES), "fake/p", 1);
}
END_TEST

START_TEST(test_only_the_exporter_changes)
{
    change_one(NAMED("a", "a", "b", TRACES), "fake/e", 2); /* and the pipeline, whose outlet leads to it */
}
END_TEST

START_TEST(test_pipeline_comes_and_goes)
{
    struct built first = build(NAMED("a", "a", "a", TRACES));
    struct built second = rebuild(&first, NAMED("a", "a", "a", TRACES ", " LOGS));
    struct instance *receiver = instance_of("fake/r");
    ck_assert_ptr_nonnull(receiver->entries[WEFT_LOGS]);
    ck_assert_uint_eq(living(), 4); /* the exporter has one instance for each signal */
    give_up(&first);
    struct built third = rebuild(&second, NAMED("a", "a", "a", TRACES));
    ck_assert_ptr_null(receiver->entries[WEFT_LOGS]);
    give_up(&second);
    ck_assert_uint_eq(living(), 3);
    ck_assert_int_eq(offer(receiver, WEFT_TRACES, 5), WEFT_OK);
    give_up(&third);
    end_all();
}
END_TEST

START_TEST(test_failed_build_leaves_the_former_graph_as_it_was)
{
    static const char *const configs[] = {
        "receivers: {fake/r: {text: a}, fake/x: {must_fail: true}}\nprocessors: {fake/p: {text: a}}\n"
        "exporters: {fake/e: {text: a}}\n"
        "service: {pipelines: {traces: {receivers: [fake/r, fake/x], processors: [fake/p], exporters: [fake/e]}}}\n",
        "receivers: {fake/r: {text: a}}\nprocessors: {fake/p: {text: a}, fake/x: {must_fail: true}, fake/y: }\n"
        "exporters: {fake/e: {text: a}}\n"
        "service: {pipelines: {traces: {receivers: [fake/r], processors: [fake/p, fake/x, fake/y], exporters: "
        "[fake/e]}}}\n",
        "receivers: {fake/r: {text: a}}\nprocessors: {fake/p: {text: a}}\n"
        "exporters: {fake/e: {text: a}, fake/x: {must_fail: true}}\n"
        "service: {pipelines: {traces: {receivers: [fake/r], processors: [fake/p], exporters: [fake/e, fake/x]}}}\n",
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(configs); i++) {
        struct built first = build(NAMED("a", "a", "a", TRACES));
        struct weft_error error = WEFT_ERROR_NONE;
        struct weft_graph *graph = NULL;
        struct weft_plan *plan = plan_of(configs[i], first.plan);
        ck_assert_int_eq(weft_graph_build(&host, plan, first.graph, &graph, &error), WEFT_IO);
        weft_plan_unref(&plan);
        ck_assert_uint_eq(living(), 3);
        ck_assert_int_eq(offer(instance_of("fake/r"), WEFT_TRACES, 5), WEFT_OK);
        ck_assert_uint_eq(totals().sent, 5);
        give_up(&first);
        end_all();
    }
}
END_TEST

#define CHAIN                                                                          \
    "receivers: {fake/r: }\nprocessors: {fake/p: , fake/q: }\nexporters: {fake/e: }\n" \
    "service: {pipelines: {traces: {receivers: [fake/r], processors: [fake/p, fake/q], exporters: [fake/e]}}}\n"

/* One that drains takes no more: those before it have to be empty by then, or what they hold is lost with time to
 * spare. */
START_TEST(test_drain_goes_from_the_receivers_to_the_exporters)
{
    struct built built = build(CHAIN);
    struct instance *receiver = instance_of("fake/r"), *p = instance_of("fake/p"), *q = instance_of("fake/q");
    struct instance *exporter = instance_of("fake/e");
    receiver->is_undrained = true;
    p->is_holding = p->is_undrained = true;
    q->is_holding = q->is_undrained = true;
    ck_assert_int_eq(offer(receiver, WEFT_TRACES, 5), WEFT_OK);
    unsigned phase = 0;
    ck_assert(!drain_as_far_as_it_goes(built.graph, &phase, false));
    ck_assert(!p->is_draining);
    receiver->is_undrained = false;
    ck_assert(!drain_as_far_as_it_goes(built.graph, &phase, false));
    ck_assert(p->is_draining && !q->is_draining && !exporter->is_draining);
    p->is_undrained = false;
    ck_assert(!drain_as_far_as_it_goes(built.graph, &phase, false));
    ck_assert(q->is_draining && !exporter->is_draining);
    exporter->is_holding = exporter->is_undrained = true;
    q->is_undrained = false;
    ck_assert(!drain_as_far_as_it_goes(built.graph, &phase, false));
    ck_assert(exporter->is_draining && exporter->held != NULL);
    exporter_let_go(exporter);
    ck_assert(drain_as_far_as_it_goes(built.graph, &phase, false));
    ck_assert_uint_lt(receiver->order, p->order);
    ck_assert_uint_lt(p->order, q->order);
    ck_assert_uint_lt(q->order, exporter->order);
    ck_assert_uint_eq(totals().dropped, 0);
    give_up(&built);
    end_all();
}
END_TEST

START_TEST(test_receivers_that_had_their_time_hold_up_only_the_last_phase)
{
    struct built built = build(NAMED("a", "a", "a", TRACES));
    struct instance *receiver = instance_of("fake/r");
    receiver->is_undrained = true;
    ck_assert(!weft_graph_drain(built.graph, 0, WEFT_DROP_RELOAD, false));
    ck_assert(weft_graph_drain(built.graph, 1, WEFT_DROP_RELOAD, false));
    ck_assert(!weft_graph_drain(built.graph, LAST_PHASE, WEFT_DROP_RELOAD, false));
    receiver->is_undrained = false;
    ck_assert(weft_graph_drain(built.graph, LAST_PHASE, WEFT_DROP_RELOAD, false));
    give_up(&built);
    end_all();
}
END_TEST

START_TEST(test_graph_that_is_not_used_leaves_the_former_one_as_it_was)
{
    struct built first = build(NAMED("a", "a", "a", TRACES));
    struct weft_plan *plan = plan_of(NAMED("b", "b", "a", TRACES "," LOGS), first.plan);
    struct weft_graph *graph = NULL;
    ck_assert(weft_graph_build(&host, plan, first.graph, &graph, NULL) == WEFT_OK);
    ck_assert_uint_eq(living(), 6); /* beside the former three: receiver, processor, the exporter for logs */
    weft_graph_free(graph);
    weft_plan_unref(&plan);
    ck_assert_uint_eq(living(), 3);
    ck_assert_int_eq(offer(instance_of("fake/r"), WEFT_TRACES, 3), WEFT_OK);
    ck_assert_uint_eq(totals().sent, 3);
    give_up(&first);
    end_all();
}
END_TEST

START_TEST(test_forced_drain_drops_what_is_held_everywhere)
{
    struct built built = build(CHAIN);
    struct instance *exporter = instance_of("fake/e"), *p = instance_of("fake/p");
    exporter->is_holding = true;
    ck_assert_int_eq(offer(instance_of("fake/r"), WEFT_TRACES, 3), WEFT_OK);
    p->is_holding = p->is_undrained = true;
    ck_assert_int_eq(offer(instance_of("fake/r"), WEFT_TRACES, 5), WEFT_OK);
    expect_audit(built.graph, NULL);
    ck_assert(weft_graph_drain(built.graph, LAST_PHASE, WEFT_DROP_RELOAD, true));
    ck_assert_uint_eq(dropped_for(WEFT_DROP_RELOAD), 8);
    give_up(&built);
    end_all();
}
END_TEST

/* A pipeline that goes drains into an exporter that stays. */
START_TEST(test_former_pipeline_drains_into_the_exporter_that_stays)
{
    struct built first = build(NAMED("a", "a", "a", TRACES));
    instance_of("fake/p")->is_holding = true;
    ck_assert_int_eq(offer(instance_of("fake/r"), WEFT_TRACES, 5), WEFT_OK);
    struct instance *exporter = instance_of("fake/e");
    struct built second = rebuild(&first, NAMED("a", "b", "a", TRACES));
    ck_assert_ptr_eq(instance_of("fake/e"), exporter);
    give_up(&first);
    ck_assert(!exporter->is_draining);
    ck_assert_uint_eq(totals().sent, 5);
    give_up(&second);
    end_all();
}
END_TEST

START_TEST(test_pressure_of_a_taken_over_exporter_reaches_the_receiver_once)
{
    struct built first = build(NAMED("a", "a", "a", TRACES));
    struct built second = rebuild(&first, NAMED("a", "a", "a", TRACES));
    struct instance *receiver = instance_of("fake/r");
    unsigned before = receiver->pressure_calls;
    weft_consumer_set_open(&instance_of("fake/e")->consumer, false);
    ck_assert_uint_eq(receiver->pressure_calls, before + 1);
    ck_assert(!weft_entry_is_open(receiver->entries[WEFT_TRACES]));
    give_up(&first);
    weft_consumer_set_open(&instance_of("fake/e")->consumer, true);
    ck_assert_uint_eq(receiver->pressure_calls, before + 2);
    give_up(&second);
    end_all();
}
END_TEST

START_TEST(test_receiver_in_two_pipelines_offers_copies)
{
    struct built built = build("receivers: {fake/r: }\nexporters: {fake/e: , fake/f: }\nservice: {pipelines: {"
                               "traces/a: {receivers: [fake/r], exporters: [fake/e]}, traces/b: {receivers: [fake/r], "
                               "exporters: [fake/e, fake/f]}}}\n");
    ck_assert_int_eq(offer(instance_of("fake/r"), WEFT_TRACES, 5), WEFT_OK);
    ck_assert_uint_eq(totals().sent, 15);
    ck_assert_uint_eq(totals().copied, 10);
    expect_audit(built.graph, NULL);
    give_up(&built);
    end_all();
}
END_TEST

static struct built touched;

static void touch_held(void *context)
{
    (void)context;
    ck_assert_uint_eq(weft_graph_held(touched.graph), 0);
}

static void touch_drain(void *context)
{
    (void)context;
    ck_assert(weft_graph_drain(touched.graph, 0, WEFT_DROP_RELOAD, false));
}

static void touch_build(void *context)
{
    (void)context;
    struct weft_graph *graph = NULL;
    ck_assert_int_eq(weft_graph_build(&host, touched.plan, touched.graph, &graph, NULL), WEFT_OK);
}

static void touch_entry(void *context)
{
    (void)context;
    ck_assert_int_eq(offer(instance_of("fake/r"), WEFT_TRACES, 1), WEFT_OK);
}

/* Once the host has named its thread, no other one builds, drains, offers or asks. */
START_TEST(test_graph_is_touched_by_its_worker_only)
{
    void (*const calls[])(void *context) = { touch_held, touch_drain, touch_build, touch_entry };
    touched = build(CHAIN);
    for (size_t i = 0; i < WEFT_COUNT_OF(calls); i++) {
        host.thread = weft_thread_id();
        ck_assert(!base_test_aborts(calls[i], NULL));
        host.thread++;
        ck_assert(base_test_aborts(calls[i], NULL));
    }
    host.thread = 0;
    give_up(&touched);
    end_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("graph/graph");
    TCase *tests = tcase_create("graph");
    tcase_add_test(tests, test_offered_records_are_sent);
    tcase_add_test(tests, test_same_config_takes_everything_over);
    tcase_add_test(tests, test_only_the_receiver_changes);
    tcase_add_test(tests, test_only_the_processor_changes);
    tcase_add_test(tests, test_only_the_exporter_changes);
    tcase_add_test(tests, test_pipeline_comes_and_goes);
    tcase_add_test(tests, test_failed_build_leaves_the_former_graph_as_it_was);
    tcase_add_test(tests, test_drain_goes_from_the_receivers_to_the_exporters);
    tcase_add_test(tests, test_receivers_that_had_their_time_hold_up_only_the_last_phase);
    tcase_add_test(tests, test_graph_that_is_not_used_leaves_the_former_one_as_it_was);
    tcase_add_test(tests, test_forced_drain_drops_what_is_held_everywhere);
    tcase_add_test(tests, test_former_pipeline_drains_into_the_exporter_that_stays);
    tcase_add_test(tests, test_pressure_of_a_taken_over_exporter_reaches_the_receiver_once);
    tcase_add_test(tests, test_receiver_in_two_pipelines_offers_copies);
    tcase_add_test(tests, test_graph_is_touched_by_its_worker_only);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
