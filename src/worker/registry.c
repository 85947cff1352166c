/* The table of components (src/components.def). */
#include "worker/registry.h"

#define COMPONENT(name) extern const struct weft_component weft_##name;
#include "components.def"
#undef COMPONENT

static const struct weft_component *const components[] = {
#define COMPONENT(name) &weft_##name,
#include "components.def"
#undef COMPONENT
    NULL,
};

const struct weft_component_registry *weft_registry(void)
{
    static const struct weft_component_registry registry = { components };
    return &registry;
}
