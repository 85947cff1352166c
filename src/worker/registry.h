#pragma once

#include "graph/plan.h"

/* Every component of src/components.def. */
const struct weft_component_registry *weft_registry(void);
