/* Advice (advice.h): what waits for a verdict is shown to who asks, and stays in memory: it should be redacted before.
 * Only who redacts at all is told: in the same pipeline, behind the processor that holds, or in another pipeline that
 * shares this processor. */
#include "graph/advice.h"

static const struct weft_plan_component *find_redaction(const struct weft_plan_pipeline *pipeline, size_t begin,
                                                        size_t end)
{
    for (size_t i = begin; i < end; i++) {
        if (pipeline->processors[i]->component->judge_keys != NULL) {
            return pipeline->processors[i];
        }
    }
    return NULL;
}

/* A pipeline that redacts before the same stage; NULL if there is none. */
static const struct weft_plan_pipeline *find_redacting(const struct weft_plan *plan,
                                                       const struct weft_plan_stage *stage)
{
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct weft_plan_pipeline *pipeline = &plan->pipelines[i];
        for (size_t j = 0; j < pipeline->processor_count; j++) {
            if (pipeline->stages[j] == stage && find_redaction(pipeline, 0, j) != NULL) {
                return pipeline;
            }
        }
    }
    return NULL;
}

static enum weft_status advise_of(const struct weft_plan *plan, size_t index, size_t holder,
                                  struct weft_config_notes *notes)
{
    const struct weft_plan_pipeline *pipeline = &plan->pipelines[index];
    const char *id = pipeline->processors[holder]->id;
    struct weft_position at = weft_advice_place(plan, index, holder);
    if (find_redaction(pipeline, 0, holder) != NULL) {
        return WEFT_OK;
    }
    const struct weft_plan_component *later = find_redaction(pipeline, holder + 1, pipeline->processor_count);
    if (later != NULL) {
        return weft_config_notes_add(notes, WEFT_NOTE_WARNING,
                                     "%s:%u: pipeline %s: %s stands before %s: what it holds and `weft trace` shows is "
                                     "not redacted yet; put %s first",
                                     at.file, at.line, pipeline->id, id, later->id, later->id);
    }
    const struct weft_plan_pipeline *other = find_redacting(plan, pipeline->stages[holder]);
    return other == NULL ? WEFT_OK
                         : weft_config_notes_add(notes, WEFT_NOTE_WARNING,
                                                 "%s:%u: pipeline %s: no redaction stands before %s, as in pipeline "
                                                 "%s: what it holds and `weft trace` shows is not redacted",
                                                 at.file, at.line, pipeline->id, id, other->id);
}

enum weft_status weft_advise_of_order(const struct weft_plan *plan, struct weft_config_notes *notes)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        for (size_t j = 0; j < plan->pipelines[i].processor_count && status == WEFT_OK; j++) {
            if (weft_advice_judges_traces(plan->pipelines[i].processors[j])) {
                status = advise_of(plan, i, j, notes);
            }
        }
    }
    return status;
}
