#pragma once

#include "graph/plan.h"

/* Between plan.c and plan_stages.c. */

/* Applies the rules over all pipelines that name a component, finds the stages and ranks them. former: as for
 * weft_plan_new; a stage that it has too keeps its identity. */
enum weft_status weft_plan_find_stages(struct weft_plan *plan, const struct weft_plan *former,
                                       struct weft_error *error) WEFT_MUST_CHECK;

/* Gives new stages their identity. */
void weft_plan_open_stages(struct weft_plan *plan, uint32_t worker_count);

void weft_plan_free_stages(struct weft_plan *plan);
