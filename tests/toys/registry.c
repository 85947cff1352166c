/* The table of components of weft_toys: weft's own and the toys. The linker takes this one before the worker floor's.
 */
#include "worker/registry.h"

extern const struct weft_component weft_processor_hold, weft_processor_half;

#define COMPONENT(name) extern const struct weft_component weft_##name;
#include "components.def"
#undef COMPONENT

static const struct weft_component *const components[] = {
#define COMPONENT(name) &weft_##name,
#include "components.def"
#undef COMPONENT
    &weft_processor_hold,
    &weft_processor_half,
    NULL,
};

const struct weft_component_registry *weft_registry(void)
{
    static const struct weft_component_registry registry = { components };
    return &registry;
}
