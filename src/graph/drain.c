/* Draining a graph in phases (graph.h), from the receivers to the exporters. A phase begins when all workers have done
 * the one before it: a record may go from worker to worker at a stage, so what lies before the stage has to be empty
 * everywhere first. */
#include "base/alloc.h"
#include "graph/graph_internal.h"

/* The first phase is the receivers', the last the exporters'; what lies between belongs to the pipelines. */
enum { PHASE_RECEIVERS = 0, PHASE_PIPELINES = 1, PHASE_EXPORTERS = 2, PHASE_COUNT };

unsigned weft_plan_phase_count(const struct weft_plan *plan)
{
    (void)plan;
    return PHASE_COUNT;
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
    if (consumer->operations->drain != NULL) {
        consumer->operations->drain(consumer, reason, is_forced);
    }
    if (consumer->operations->audit != NULL) {
        consumer->operations->audit(consumer, &held);
    }
    return held == 0;
}

/* From the first consumer on: one that drains takes no more, so those before it have to be empty by then. */
static bool drain_pipeline(struct graph_pipeline *pipeline, enum weft_drop_reason reason, bool is_forced)
{
    bool is_drained = true;
    for (size_t i = 0; i < pipeline->processor_count && (is_drained || is_forced); i++) {
        is_drained = drain_consumer(pipeline->processors[i], reason, is_forced) && is_drained;
    }
    if (pipeline->fan_out != NULL && (is_drained || is_forced)) {
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

static bool drain_pipelines(struct weft_graph *graph, enum weft_drop_reason reason, bool is_forced)
{
    bool is_drained = true;
    for (size_t i = 0; i < graph->pipeline_count; i++) {
        is_drained = drain_pipeline(graph->pipelines[i], reason, is_forced) && is_drained;
    }
    return is_drained;
}

/* Receivers that have had their time still wait for answers: they only hold up the last phase. */
bool weft_graph_drain(struct weft_graph *graph, unsigned phase, enum weft_drop_reason reason, bool is_forced)
{
    bool are_receivers_drained = drain_receivers(graph);
    if (phase < PHASE_PIPELINES) {
        return are_receivers_drained;
    }
    bool is_drained = drain_pipelines(graph, reason, is_forced);
    if (phase < PHASE_EXPORTERS) {
        return is_drained;
    }
    if (is_drained || is_forced) {
        is_drained = drain_exporters(graph, reason, is_forced) && is_drained;
    }
    return is_drained && are_receivers_drained;
}

uint64_t weft_graph_held(const struct weft_graph *graph)
{
    uint64_t held = 0;
    struct weft_audit audit = { 0 };
    weft_graph_audit(graph, &audit);
    for (size_t i = 0; i < audit.count; i++) {
        held += audit.lines[i].held;
    }
    weft_audit_fini(&audit);
    return held;
}
