/* Draining a graph in phases (graph.h), from the receivers to the exporters. A phase begins when all workers have done
 * the one before it: a record may go from worker to worker at a stage, so what lies before the stage has to be empty
 * everywhere first. */
#include "base/alloc.h"
#include "base/assert.h"
#include "graph/graph_internal.h"

/* Phase 0 is the receivers'; rank r of the stages has two: what lies before them, and they themselves. */
static unsigned phase_before_rank(unsigned rank)
{
    return 1 + 2 * rank;
}

static unsigned phase_of_rank(unsigned rank)
{
    return 2 + 2 * rank;
}

static unsigned phase_of_rest(const struct weft_plan *plan)
{
    return 1 + 2 * plan->stage_rank_count;
}

static unsigned phase_of_exporters(const struct weft_plan *plan)
{
    return phase_of_rest(plan) + 1;
}

unsigned weft_plan_phase_count(const struct weft_plan *plan)
{
    return phase_of_exporters(plan) + 1;
}

static bool drain_receivers(struct weft_graph *graph)
{
    bool is_drained = true;
    for (size_t i = 0; i < graph->receiver_count; i++) {
        struct weft_receiver *receiver = graph->receivers[i]->receiver;
        if (receiver != NULL) {
            receiver->operations->drain(receiver);
            is_drained = is_drained && receiver->operations->is_drained(receiver);
        }
    }
    return is_drained;
}

/* True when it holds nothing. */
static bool drain_consumer(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    uint64_t held = 0;
    weft_assert(consumer->operations != NULL);
    if (consumer->operations->drain != NULL) {
        consumer->operations->drain(consumer, reason, is_forced);
    }
    if (consumer->operations->audit != NULL) {
        consumer->operations->audit(consumer, &held);
    }
    return held == 0;
}

static bool drain_processor(struct graph_pipeline *pipeline, size_t position, enum weft_drop_reason reason,
                            bool is_forced)
{
    struct weft_consumer *processor = pipeline->processors[position];
    bool is_drained = drain_consumer(processor, reason, is_forced);
    return pipeline->stages[position] == NULL ? is_drained : weft_face_held(processor) == 0;
}

/* The phase of a processor: its own as a stage, else that of what lies before the next stage. */
static unsigned phase_of_processor(const struct weft_plan *plan, const struct weft_plan_pipeline *pipeline,
                                   size_t position)
{
    if (pipeline->stages[position] != NULL) {
        return phase_of_rank(pipeline->stages[position]->rank);
    }
    for (size_t i = position; i < pipeline->processor_count; i++) {
        if (pipeline->stages[i] != NULL) {
            return phase_before_rank(pipeline->stages[i]->rank);
        }
    }
    return phase_of_rest(plan);
}

/* From the first consumer on: one that drains takes no more, so those before it have to be empty by then. */
static bool drain_pipeline(const struct weft_graph *graph, size_t index, unsigned phase, enum weft_drop_reason reason,
                           bool is_forced)
{
    struct graph_pipeline *pipeline = graph->pipelines[index];
    bool is_drained = true;
    for (size_t i = 0; i < pipeline->processor_count && (is_drained || is_forced); i++) {
        if (phase_of_processor(graph->plan, graph->pipeline_plans[index], i) > phase) {
            return is_drained;
        }
        is_drained = drain_processor(pipeline, i, reason, is_forced) && is_drained;
    }
    if (pipeline->fan_out != NULL && phase >= phase_of_rest(graph->plan) && (is_drained || is_forced)) {
        is_drained = drain_consumer(pipeline->fan_out, reason, is_forced) && is_drained;
    }
    return is_drained;
}

static bool drain_exporters(struct weft_graph *graph, enum weft_drop_reason reason, bool is_forced)
{
    bool is_drained = true;
    for (size_t i = 0; i < graph->exporter_count; i++) {
        is_drained = drain_consumer(graph->exporters[i]->consumer, reason, is_forced) && is_drained;
    }
    return is_drained;
}

static bool drain_pipelines(struct weft_graph *graph, unsigned phase, enum weft_drop_reason reason, bool is_forced)
{
    bool is_drained = true;
    for (size_t i = 0; i < graph->pipeline_count; i++) {
        is_drained = drain_pipeline(graph, i, phase, reason, is_forced) && is_drained;
    }
    return is_drained;
}

/* Mail of the cores that go with this graph. One that a later graph has too may send as long as it likes. */
static uint64_t mail_away(const struct weft_graph *graph)
{
    uint64_t count = 0;
    for (size_t i = 0; i < graph->stage_count; i++) {
        count += graph->stages[i]->core->mail_away;
    }
    return count;
}

/* Receivers that have had their time still wait for answers: they only hold up the last phase. */
bool weft_graph_drain(struct weft_graph *graph, unsigned phase, enum weft_drop_reason reason, bool is_forced)
{
    weft_assert(weft_host_is_here(graph->host) && phase < weft_plan_phase_count(graph->plan));
    weft_assert(reason == WEFT_DROP_SHUTDOWN || reason == WEFT_DROP_RELOAD);
    bool are_receivers_drained = drain_receivers(graph);
    if (phase == 0) {
        return are_receivers_drained;
    }
    bool is_drained = drain_pipelines(graph, phase, reason, is_forced) && mail_away(graph) == 0;
    if (phase < phase_of_exporters(graph->plan)) {
        return is_drained;
    }
    if (is_drained || is_forced) {
        is_drained = drain_exporters(graph, reason, is_forced) && is_drained;
    }
    return is_drained && are_receivers_drained;
}

uint64_t weft_graph_held(const struct weft_graph *graph)
{
    weft_assert(weft_host_is_here(graph->host));
    uint64_t held = mail_away(graph);
    struct weft_audit audit = { 0 };
    weft_graph_audit(graph, &audit);
    for (size_t i = 0; i < audit.count; i++) {
        held += audit.lines[i].held;
    }
    held += audit.is_incomplete ? 1 : 0;
    weft_audit_fini(&audit);
    for (size_t i = 0; i < graph->pipeline_count; i++) {
        for (size_t j = 0; j < graph->pipelines[i]->processor_count; j++) {
            held += graph->pipelines[i]->stages[j] == NULL ? 0 : weft_face_held(graph->pipelines[i]->processors[j]);
        }
    }
    return held;
}
