/* Advice (advice.h): one weft judges only what it sees, and an agent sees what passes its node. A config is taken for
 * an agent's if it reads the log files of a node's pods, its spans may come from other machines, and it sends them to
 * another. Environment variables say nothing: charts set a node's name in every pod, also in a gateway's. */
#include "graph/advice.h"

static const struct weft_plan_component *find_reach(struct weft_plan_component *const *components, size_t count,
                                                    enum weft_reach reach)
{
    for (size_t i = 0; i < count; i++) {
        const struct weft_plan_component *component = components[i];
        if (component->is_used && component->component->reach != NULL &&
            component->component->reach(component->config) == reach) {
            return component;
        }
    }
    return NULL;
}

static enum weft_status advise_of(const struct weft_plan *plan, size_t index,
                                  const struct weft_plan_component *node_reader, struct weft_config_notes *notes)
{
    const struct weft_plan_pipeline *pipeline = &plan->pipelines[index];
    enum weft_status status = WEFT_OK;
    if (pipeline->signal != WEFT_TRACES ||
        find_reach(pipeline->receivers, pipeline->receiver_count, WEFT_REACH_NETWORK) == NULL ||
        find_reach(pipeline->exporters, pipeline->exporter_count, WEFT_REACH_NETWORK) == NULL) {
        return WEFT_OK;
    }
    for (size_t i = 0; status == WEFT_OK && i < pipeline->processor_count; i++) {
        if (!weft_advice_judges_traces(pipeline->processors[i])) {
            continue;
        }
        struct weft_position at = weft_advice_place(plan, index, i);
        status = weft_config_notes_add(
            notes, WEFT_NOTE_WARNING,
            "%s:%u: pipeline %s: %s judges what this node sees (%s reads the files of its pods), so a trace that "
            "crosses nodes is judged in pieces: leave it to one gateway behind all agents. If there is no other node, "
            "nothing is wrong",
            at.file, at.line, pipeline->id, pipeline->processors[i]->id, node_reader->id);
    }
    return status;
}

enum weft_status weft_advise_of_agents(const struct weft_plan *plan, struct weft_config_notes *notes)
{
    const struct weft_plan_component *node_reader =
        find_reach(plan->components, plan->component_count, WEFT_REACH_NODE);
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; node_reader != NULL && status == WEFT_OK && i < plan->pipeline_count; i++) {
        status = advise_of(plan, i, node_reader, notes);
    }
    return status;
}
