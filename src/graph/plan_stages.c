/* The stages of a plan: which pipelines share which, in which order they drain, and the rules over all pipelines that
 * name a component. Called by plan.c when all pipelines are resolved. */
#include "base/alloc.h"
#include "base/assert.h"
#include "graph/plan_internal.h"

/* ---- rules over all uses ---- */

static bool names(struct weft_plan_component *const *components, size_t count,
                  const struct weft_plan_component *component)
{
    for (size_t i = 0; i < count; i++) {
        if (components[i] == component) {
            return true;
        }
    }
    return false;
}

static bool is_used_by(const struct weft_plan_pipeline *pipeline, const struct weft_plan_component *component)
{
    return names(pipeline->receivers, pipeline->receiver_count, component) ||
           names(pipeline->processors, pipeline->processor_count, component) ||
           names(pipeline->exporters, pipeline->exporter_count, component);
}

static enum weft_status check_uses(const struct weft_plan *plan, const struct weft_plan_component *component,
                                   struct weft_error *error)
{
    if (component->component->validate_uses == NULL) {
        return WEFT_OK;
    }
    struct weft_use *uses = weft_alloc((plan->pipeline_count + 1) * sizeof *uses);
    size_t count = 0;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        if (is_used_by(&plan->pipelines[i], component)) {
            uses[count++] = (struct weft_use){ plan->pipelines[i].id, plan->pipelines[i].signal };
        }
    }
    struct weft_error cause = WEFT_ERROR_NONE;
    enum weft_status status =
        count == 0 ? WEFT_OK : component->component->validate_uses(component->config, uses, count, &cause);
    weft_free(uses);
    return status == WEFT_OK ? WEFT_OK : weft_node_fail(error, status, component->node, "%s", cause.text);
}

/* A stage is a hand-over: a client that shall hear of the backend would be told too early. */
static enum weft_status check_receivers(const struct weft_plan_pipeline *pipeline,
                                        const struct weft_plan_component *stage, struct weft_error *error)
{
    for (size_t i = 0; i < pipeline->receiver_count; i++) {
        const struct weft_plan_component *receiver = pipeline->receivers[i];
        if (receiver->component->waits_for_delivery != NULL &&
            receiver->component->waits_for_delivery(receiver->config)) {
            return weft_node_fail(error, WEFT_INVALID, receiver->node,
                                  "receiver \"%s\" acknowledges what is delivered, but pipeline %s has %s, which "
                                  "answers for what it has taken: use acknowledge: accepted",
                                  receiver->id, pipeline->id, stage->id);
        }
    }
    return WEFT_OK;
}

/* ---- which pipelines share a stage ---- */

static bool is_stage(const struct weft_plan_component *component)
{
    return component->component->create_stage != NULL;
}

/* The traces pipelines that name the component; *out_first is the first of them, or of all pipelines if there is none.
 */
static size_t count_traces_uses(const struct weft_plan *plan, const struct weft_plan_component *component,
                                const struct weft_plan_pipeline **out_first)
{
    size_t count = 0;
    const struct weft_plan_pipeline *any = NULL;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct weft_plan_pipeline *pipeline = &plan->pipelines[i];
        if (!names(pipeline->processors, pipeline->processor_count, component)) {
            continue;
        }
        any = any == NULL ? pipeline : any;
        if (pipeline->signal == WEFT_TRACES && count++ == 0) {
            *out_first = pipeline;
        }
    }
    *out_first = count == 0 ? any : *out_first;
    return count;
}

/* Two traces pipelines that name one component have a stage each; else all pipelines that name it share one. */
static enum weft_status find_lead(const struct weft_plan *plan, const struct weft_plan_component *component,
                                  const struct weft_plan_pipeline *pipeline, const char **out_lead,
                                  struct weft_error *error)
{
    const struct weft_plan_pipeline *first = NULL;
    size_t traces_count = count_traces_uses(plan, component, &first);
    if (traces_count > 1 && pipeline->signal != WEFT_TRACES) {
        return weft_node_fail(
            error, WEFT_INVALID, component->node,
            "processor \"%s\" stands in %zu traces pipelines: pipeline %s cannot share it with one of "
            "them; give that one a processor of its own name",
            component->id, traces_count, pipeline->id);
    }
    *out_lead = traces_count > 1 ? pipeline->id : first->id;
    return WEFT_OK;
}

static struct weft_plan_stage *find_stage(const struct weft_plan *plan, const char *id, const char *lead)
{
    for (size_t i = 0; i < plan->stage_count; i++) {
        struct weft_plan_stage *stage = &plan->stages[i];
        if (strcmp(stage->component->id, id) == 0 && strcmp(stage->lead, lead) == 0) {
            return stage;
        }
    }
    return NULL;
}

static size_t count_stages(const struct weft_plan *plan, const char *id, struct weft_plan_stage **out_last)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->stage_count; i++) {
        if (strcmp(plan->stages[i].component->id, id) == 0) {
            *out_last = &plan->stages[i];
            count++;
        }
    }
    return count;
}

/* The stage of the former plan that this one goes on as: that of the same pipeline, or, if each plan has only one stage
 * of the component, that one, whatever its pipelines are called now. */
static const struct weft_plan_stage *find_former(const struct weft_plan *plan, const struct weft_plan *former,
                                                 const struct weft_plan_component *component, const char *lead)
{
    if (former == NULL) {
        return NULL;
    }
    const struct weft_plan_pipeline *first = NULL;
    struct weft_plan_stage *stage = find_stage(former, component->id, lead);
    if (stage == NULL &&
        (count_traces_uses(plan, component, &first) > 1 || count_stages(former, component->id, &stage) != 1)) {
        return NULL;
    }
    return stage->component->component == component->component && stage->identity != NULL ? stage : NULL;
}

static enum weft_status add_stage(struct weft_plan *plan, struct weft_plan_pipeline *pipeline, size_t position,
                                  const struct weft_plan *former, struct weft_error *error)
{
    struct weft_plan_component *component = pipeline->processors[position];
    const char *lead = NULL;
    enum weft_status status = check_receivers(pipeline, component, error);
    if (status == WEFT_OK) {
        status = find_lead(plan, component, pipeline, &lead, error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_plan_stage *stage = find_stage(plan, component->id, lead);
    if (stage == NULL) {
        stage = &plan->stages[plan->stage_count++];
        *stage = (struct weft_plan_stage){ .component = component, .lead = lead };
        const struct weft_plan_stage *same = find_former(plan, former, component, lead);
        stage->identity = same == NULL ? NULL : weft_stage_identity_ref(same->identity);
    }
    pipeline->stages[position] = stage;
    return WEFT_OK;
}

/* ---- the order in which they drain ---- */

/* A stage ranks above all that stand before it in any pipeline. False when that has no end: two pipelines name them in
 * opposite order. */
static bool rank_stages(struct weft_plan *plan)
{
    bool has_changed = true;
    for (size_t round = 0; has_changed; round++) {
        if (round > plan->stage_count) {
            return false;
        }
        has_changed = false;
        for (size_t i = 0; i < plan->pipeline_count; i++) {
            const struct weft_plan_pipeline *pipeline = &plan->pipelines[i];
            unsigned least = 0;
            for (size_t j = 0; j < pipeline->processor_count; j++) {
                struct weft_plan_stage *stage = pipeline->stages[j];
                if (stage == NULL) {
                    continue;
                }
                if (stage->rank < least) {
                    stage->rank = least;
                    has_changed = true;
                }
                least = stage->rank + 1;
                plan->stage_rank_count = plan->stage_rank_count < least ? least : plan->stage_rank_count;
            }
        }
    }
    return true;
}

enum weft_status weft_plan_find_stages(struct weft_plan *plan, const struct weft_plan *former, struct weft_error *error)
{
    size_t stage_max = 0;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        struct weft_plan_pipeline *pipeline = &plan->pipelines[i];
        pipeline->stages = weft_alloc((pipeline->processor_count + 1) * sizeof(struct weft_plan_stage *));
        stage_max += pipeline->processor_count;
    }
    plan->stages = weft_alloc((stage_max + 1) * sizeof *plan->stages);
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < plan->component_count; i++) {
        status = check_uses(plan, plan->components[i], error);
    }
    for (size_t i = 0; status == WEFT_OK && i < plan->pipeline_count; i++) {
        for (size_t j = 0; status == WEFT_OK && j < plan->pipelines[i].processor_count; j++) {
            if (is_stage(plan->pipelines[i].processors[j])) {
                status = add_stage(plan, &plan->pipelines[i], j, former, error);
            }
        }
    }
    if (status == WEFT_OK && !rank_stages(plan)) {
        status = weft_node_fail(error, WEFT_INVALID, plan->stages[0].component->node,
                                "two pipelines name the same stages in opposite order");
    }
    return status;
}

void weft_plan_open_stages(struct weft_plan *plan, uint32_t worker_count)
{
    for (size_t i = 0; i < plan->stage_count; i++) {
        struct weft_plan_stage *stage = &plan->stages[i];
        if (stage->identity == NULL) {
            stage->identity = weft_stage_identity_new(stage->component->id, stage->lead, worker_count);
        }
    }
}

void weft_plan_free_stages(struct weft_plan *plan)
{
    for (size_t i = 0; i < plan->stage_count; i++) {
        weft_stage_identity_unref(&plan->stages[i].identity);
    }
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        weft_free(plan->pipelines[i].stages);
    }
    weft_free(plan->stages);
}
