/* What this worker's cores know of a trace (graph.h): every stage that judges traces is asked. */
#include "graph/graph_internal.h"

uint32_t weft_graph_look_up(const struct weft_graph *graph, const struct weft_trace_question *question,
                            struct weft_trace_answer *in_out_answer)
{
    uint32_t judges = 0;
    for (size_t i = 0; i < graph->stage_count; i++) {
        const struct weft_component *component = graph->stages[i]->component->component;
        if (component->look_up != NULL) {
            component->look_up(graph->stages[i]->core, question, in_out_answer);
            judges++;
        }
    }
    return judges;
}
