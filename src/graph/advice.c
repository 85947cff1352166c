/* Advice on whole pipelines (advice.h): all of it, and what its files share. */
#include "graph/advice.h"

#include "base/assert.h"

bool weft_advice_judges_traces(const struct weft_plan_component *component)
{
    return (component->component->answers & WEFT_QUESTION_BIT_TRACE) != 0;
}

struct weft_position weft_advice_place(const struct weft_plan *plan, size_t pipeline, size_t processor)
{
    const struct weft_reference_list *processors = &plan->settings.pipelines[pipeline].processors;
    weft_assert(pipeline < plan->pipeline_count && processor < processors->count);
    return processors->items[processor].position;
}

enum weft_status weft_plan_advise(const struct weft_plan *plan, struct weft_config_notes *notes)
{
    static enum weft_status (*const all[])(const struct weft_plan *, struct weft_config_notes *) = {
        weft_advise_of_agents, weft_advise_of_masked_keys, weft_advise_of_metadata,
        weft_advise_of_order,  weft_advise_of_signals,     weft_advise_of_unused,
    };
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < WEFT_COUNT_OF(all); i++) {
        status = all[i](plan, notes);
    }
    return status;
}
