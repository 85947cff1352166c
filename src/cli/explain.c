/* What a plan's nodes hold, and what a crash of the process would take with it (explain.h). Each component says what it
 * holds; whether a client would send it again depends on who is behind its answer. */
#include "cli/explain.h"

#include <stdio.h>

#include "weft/component.h"

/* Whether the pipeline's clients are answered only when the backend has answered. */
static bool waits_for_delivery(const struct weft_plan_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->receiver_count; i++) {
        const struct weft_plan_component *receiver = pipeline->receivers[i];
        if (receiver->component->waits_for_delivery == NULL ||
            !receiver->component->waits_for_delivery(receiver->config)) {
            return false;
        }
    }
    return true;
}

static const char *cost_of(enum weft_holding holding, const struct weft_plan_pipeline *pipeline)
{
    switch (holding) {
    case WEFT_HOLDS_NOTHING:
        return "a crash costs nothing here";
    case WEFT_HOLDS_UNANSWERED:
        return "a crash costs nothing that a client would not send again";
    case WEFT_HOLDS_ANSWERED:
        return waits_for_delivery(pipeline)
                   ? "a crash loses it here, and the clients, which have no answer, send it again"
                   : "a crash loses it: the clients have their answer";
    case WEFT_HOLDS_ONLY_COPY:
        return "a crash loses it: nobody would send it again";
    case WEFT_HOLDS_LAST_VALUE:
        return "a crash loses it, and it is shown again when the series is heard of again";
    }
    return "";
}

static void explain_node(const struct weft_plan_component *node, const struct weft_plan_pipeline *pipeline)
{
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    enum weft_holding holding =
        node->component->explain == NULL ? WEFT_HOLDS_NOTHING : node->component->explain(node->config, &text);
    if (text.length == 0) {
        weft_buffer_append_text(&text, "holds nothing: what comes is passed on before the next comes");
    }
    printf("  %s %s %.*s; %s.\n", weft_component_kind_name(node->kind), node->id, (int)text.length,
           (const char *)text.bytes, cost_of(holding, pipeline));
    weft_buffer_fini(&text);
}

void weft_cli_explain(const struct weft_plan *plan)
{
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct weft_plan_pipeline *pipeline = &plan->pipelines[i];
        printf("pipeline %s\n", pipeline->id);
        for (size_t j = 0; j < pipeline->receiver_count; j++) {
            explain_node(pipeline->receivers[j], pipeline);
        }
        for (size_t j = 0; j < pipeline->processor_count; j++) {
            explain_node(pipeline->processors[j], pipeline);
        }
        for (size_t j = 0; j < pipeline->exporter_count; j++) {
            explain_node(pipeline->exporters[j], pipeline);
        }
    }
    puts("A crash is the end of the process without SIGTERM: kill -9, a fault, a loss of power. SIGTERM empties what "
         "is\n"
         "held first. What a crash lost is in the ledger of the next start as dropped(crash), with --state-dir.");
}
