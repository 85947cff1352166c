/* What a plan's components have in common over all workers (plan.h), from when the plan is to be used: sockets, keys
 * and files are opened here, renewed, and given their first work. */
#include "base/assert.h"
#include "graph/plan_internal.h"

static enum weft_status open_component(struct weft_plan_component *component, struct weft_budget *budget,
                                       struct weft_error *error)
{
    if (component->is_shared || component->component->share == NULL) {
        return WEFT_OK;
    }
    struct weft_error cause = WEFT_ERROR_NONE;
    enum weft_status status =
        component->component->share(component->config, component->id, budget, &component->shared, &cause);
    if (status != WEFT_OK) {
        return weft_plan_fail_at(error, status, component->node, &cause);
    }
    component->is_shared = true;
    return WEFT_OK;
}

static enum weft_status open_all(struct weft_plan_component *const *components, size_t count,
                                 struct weft_budget *budget, struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        status = open_component(components[i], budget, error);
    }
    return status;
}

/* True if a socket of left is one of right too, or another one of its own. */
static bool have_common_listener(const struct weft_plan_component *left, const struct weft_plan_component *right)
{
    const struct weft_shared_listeners *left_listeners = left->shared;
    const struct weft_shared_listeners *right_listeners = right->shared;
    for (size_t i = 0; left_listeners != NULL && i < left_listeners->count; i++) {
        size_t end = left == right ? i : right_listeners == NULL ? 0 : right_listeners->count;
        for (size_t j = 0; j < end; j++) {
            if (weft_listeners_collide(&left_listeners->items[i], &right_listeners->items[j])) {
                return true;
            }
        }
    }
    return false;
}

static bool has_listeners(const struct weft_plan_component *component)
{
    return component->kind == WEFT_RECEIVER || component->component->has_listeners;
}

/* An endpoint may pass from plan to plan, but belongs to one component, and one protocol of it, in each. */
static enum weft_status check_listeners(const struct weft_plan *plan, struct weft_error *error)
{
    for (size_t i = 0; i < plan->component_count; i++) {
        for (size_t j = 0; j <= i; j++) {
            const struct weft_plan_component *component = plan->components[i];
            const struct weft_plan_component *other = plan->components[j];
            if (has_listeners(component) && has_listeners(other) && have_common_listener(component, other)) {
                return weft_node_fail(error, WEFT_INVALID, component->node,
                                      "%s \"%s\" already listens on that endpoint",
                                      weft_component_kind_name(other->kind), other->id);
            }
        }
    }
    return WEFT_OK;
}

enum weft_status weft_plan_open(struct weft_plan *plan, struct weft_budget *budget, uint32_t worker_count,
                                struct weft_error *error)
{
    weft_plan_open_stages(plan, worker_count);
    enum weft_status status = open_all(plan->extensions, plan->extension_count, budget, error);
    if (status == WEFT_OK) {
        weft_plan_join_authenticators(plan);
    }
    for (size_t i = 0; status == WEFT_OK && i < plan->pipeline_count; i++) {
        const struct weft_plan_pipeline *pipeline = &plan->pipelines[i];
        status = open_all(pipeline->exporters, pipeline->exporter_count, budget, error);
        if (status == WEFT_OK) {
            status = open_all(pipeline->processors, pipeline->processor_count, budget, error);
        }
        if (status == WEFT_OK) {
            status = open_all(pipeline->receivers, pipeline->receiver_count, budget, error);
        }
    }
    return status == WEFT_OK ? check_listeners(plan, error) : status;
}

enum weft_status weft_plan_renew(struct weft_plan *plan, struct weft_error *error)
{
    for (size_t i = 0; i < plan->component_count; i++) {
        struct weft_plan_component *component = plan->components[i];
        if (!component->is_shared || component->component->renew == NULL) {
            continue;
        }
        struct weft_error cause = WEFT_ERROR_NONE;
        component->is_renewing = true;
        enum weft_status status = component->component->renew(component->shared, &cause);
        if (status != WEFT_OK) {
            return weft_node_fail(error, status, component->node, "%s", cause.text);
        }
    }
    return WEFT_OK;
}

void weft_plan_end_renewal(struct weft_plan *plan, bool is_used)
{
    for (size_t i = 0; i < plan->component_count; i++) {
        struct weft_plan_component *component = plan->components[i];
        if (component->is_renewing) {
            component->is_renewing = false;
            component->component->end_renewal(component->shared, is_used);
        }
    }
}

void weft_plan_begin_use(struct weft_plan *plan)
{
    for (size_t i = 0; i < plan->component_count; i++) {
        struct weft_plan_component *component = plan->components[i];
        if (component->is_shared && !component->has_begun && component->component->begin_use != NULL) {
            component->has_begun = true;
            component->component->begin_use(component->shared);
        }
    }
}
