/* Advice (advice.h): extensions that are defined and not in service.extensions, where a pipeline's components have
 * pipelines to be missed in. As in the Collector that is no error. */
#include "graph/advice.h"

enum weft_status weft_advise_of_unused(const struct weft_plan *plan, struct weft_config_notes *notes)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < plan->component_count && status == WEFT_OK; i++) {
        const struct weft_plan_component *component = plan->components[i];
        if (component->kind == WEFT_EXTENSION && !component->is_used) {
            struct weft_position at = weft_node_position(component->node);
            status = weft_config_notes_add(notes, WEFT_NOTE_NO_EFFECT,
                                           "%s:%u: extensions.%s has no effect: it is not in service.extensions",
                                           at.file, at.line, component->id);
        }
    }
    return status;
}
