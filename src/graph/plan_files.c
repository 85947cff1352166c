/* The files that a plan's components would read at the start, read and let go of (plan.h): for `weft validate`, so that
 * a certificate that is not there, or not one, is told with the rest, and what is passed over in them. */
#include "base/alloc.h"
#include "graph/plan_internal.h"

static enum weft_status advise(const struct weft_plan_component *component, struct weft_config_notes *notes,
                               struct weft_error *error)
{
    bool has_advice = component->component->advise_files != NULL && notes != NULL;
    enum weft_status status =
        has_advice ? component->component->advise_files(component->config, component->node, notes) : WEFT_OK;
    return status == WEFT_OK ? WEFT_OK : weft_fail(error, status, "no memory for notes on the config");
}

enum weft_status weft_plan_try_files(const struct weft_plan *plan, struct weft_config_notes *notes,
                                     struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < plan->component_count; i++) {
        const struct weft_plan_component *component = plan->components[i];
        struct weft_error cause = WEFT_ERROR_NONE;
        if (!component->is_used || component->component->try_files == NULL) {
            continue;
        }
        status = component->component->try_files(component->config, &cause);
        if (status != WEFT_OK) {
            (void)weft_plan_fail_at(error, status, component->node, &cause);
            status = weft_config_notes_survive(notes, status, error);
        } else {
            status = advise(component, notes, error);
        }
    }
    return status;
}
