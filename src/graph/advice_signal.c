/* Advice on pipelines (advice.h): what a processor of one does not do for its signal, as the processor says itself. */
#include "graph/advice.h"

enum weft_status weft_advise_of_signals(const struct weft_plan *plan, struct weft_config_notes *notes)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct weft_plan_pipeline *pipeline = &plan->pipelines[i];
        for (size_t j = 0; j < pipeline->processor_count && status == WEFT_OK; j++) {
            const struct weft_plan_component *processor = pipeline->processors[j];
            if (processor->component->advise_signal != NULL) {
                status = processor->component->advise_signal(processor->config, pipeline->signal, notes);
            }
        }
    }
    return status;
}
