/* The files that a plan's components would read at the start, read and let go of (plan.h): for `weft validate`, so that
 * a certificate that is not there, or not one, is told with the rest. */
#include "base/alloc.h"
#include "graph/plan_internal.h"

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
        }
    }
    return status;
}
