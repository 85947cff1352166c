#pragma once

#include "graph/plan.h"

/* Between plan.c, plan_open.c, plan_stages.c and plan_auth.c. */

/* What a component says of its config, with one place: the key's that it begins with, else the block's, unless it names
 * a place itself. */
enum weft_status weft_plan_fail_at(struct weft_error *error, enum weft_status status, const struct weft_node *node,
                                   const struct weft_error *cause);

/* Applies the rules over all pipelines that name a component, finds the stages and ranks them. former: as for
 * weft_plan_new; a stage that it has too keeps its identity. */
enum weft_status weft_plan_find_stages(struct weft_plan *plan, const struct weft_plan *former,
                                       struct weft_error *error) WEFT_MUST_CHECK;

/* Gives new stages their identity. */
void weft_plan_open_stages(struct weft_plan *plan, uint32_t worker_count);

void weft_plan_free_stages(struct weft_plan *plan);

/* NULL: the plan has none. */
struct weft_plan_component *weft_plan_find_component(const struct weft_plan *plan, enum weft_component_kind kind,
                                                     const char *id);
bool weft_plan_nodes_equal(const struct weft_node *left, const struct weft_node *right);

/* Whether the component of the former plan would have the authenticators that it has, unchanged. */
bool weft_plan_has_same_authenticators(const struct weft_plan *former, const struct weft_settings *settings,
                                       const struct weft_plan_component *component);

/* Of every component in use. */
enum weft_status weft_plan_find_authenticators(const struct weft_plan *plan, struct weft_config_notes *notes,
                                               struct weft_error *error) WEFT_MUST_CHECK;

/* Once the extensions are open: those that name another one have it. */
void weft_plan_join_authenticators(const struct weft_plan *plan);
