/* Questions to this worker's components (graph.h): each that answers the kind is asked. */
#include "graph/graph_internal.h"

void weft_graph_ask(const struct weft_graph *graph, struct weft_question *question)
{
    for (size_t i = 0; i < graph->stage_count; i++) {
        const struct weft_component *component = graph->stages[i]->component->component;
        if ((component->answers & 1u << question->kind) != 0) {
            component->ask(graph->stages[i]->core, question);
            question->asked_count++;
        }
    }
}
