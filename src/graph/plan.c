/* Plans (plan.h): from a tree to components with typed configs. */
#include "graph/plan.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "config/gates.h"
#include "config/place.h"
#include "config/unknown_key.h"
#include "graph/advice.h"
#include "graph/plan_internal.h"

/* Configs may borrow from their tree, so it stays for as long as any component that came from it. */
struct weft_plan_tree {
    struct weft_tree *tree;
    uint32_t references;
};

static void tree_unref(struct weft_plan_tree **own_tree)
{
    struct weft_plan_tree *tree = *own_tree;
    *own_tree = NULL;
    weft_assert(tree == NULL || tree->references > 0);
    if (tree != NULL && --tree->references == 0) {
        weft_tree_free(&tree->tree);
        weft_free(tree);
    }
}

static bool has_type(const struct weft_component *component, const char *type)
{
    if (strcmp(component->type, type) == 0) {
        return true;
    }
    for (const char *const *alias = component->aliases; alias != NULL && *alias != NULL; alias++) {
        if (strcmp(*alias, type) == 0) {
            return true;
        }
    }
    return false;
}

const struct weft_component *weft_component_find(const struct weft_component_registry *registry,
                                                 enum weft_component_kind kind, const char *type)
{
    for (size_t i = 0; registry->components[i] != NULL; i++) {
        if (registry->components[i]->kind == kind && has_type(registry->components[i], type)) {
            return registry->components[i];
        }
    }
    return NULL;
}

bool weft_plan_nodes_equal(const struct weft_node *left, const struct weft_node *right)
{
    if (left == NULL || right == NULL) {
        return left == right;
    }
    if (weft_node_kind(left) != weft_node_kind(right) || weft_node_count(left) != weft_node_count(right)) {
        return false;
    }
    const char *left_text = weft_node_text(left);
    const char *right_text = weft_node_text(right);
    if ((left_text == NULL) != (right_text == NULL) || (left_text != NULL && strcmp(left_text, right_text) != 0)) {
        return false;
    }
    for (size_t i = 0; i < weft_node_count(left); i++) {
        const struct weft_node *left_child = weft_node_at(left, i);
        const struct weft_node *right_child = weft_node_at(right, i);
        const char *left_key = weft_node_key(left_child);
        const char *right_key = weft_node_key(right_child);
        if ((left_key != NULL && (right_key == NULL || strcmp(left_key, right_key) != 0)) ||
            !weft_plan_nodes_equal(left_child, right_child)) {
            return false;
        }
    }
    return true;
}

/* ---- components ---- */

static void component_unref(struct weft_plan_component *component)
{
    weft_assert(component == NULL || component->references > 0);
    if (component == NULL || --component->references > 0) {
        return;
    }
    if (component->is_shared && component->component->unshare != NULL) {
        component->component->unshare(component->shared);
    }
    weft_config_fini(component->component->fields, component->config);
    weft_free(component->config);
    weft_free(component->id);
    tree_unref(&component->tree);
    weft_free(component);
}

/* Of the Collector's, with what does their work here. "Did you mean" would lead astray. */
static const struct {
    enum weft_component_kind kind;
    const char *type, *instead;
} substitutes[] = {
    { WEFT_EXPORTER, "logging", "debug has taken its place" },
    { WEFT_EXPORTER, "loadbalancing", "one gateway takes all of a trace: docs/tail-sampling.md, \"Where it stands\"" },
    { WEFT_EXPORTER, "load_balancing", "one gateway takes all of a trace: docs/tail-sampling.md, \"Where it stands\"" },
    { WEFT_PROCESSOR, "k8sattributes",
      "the operator container of file_log says whose lines are; other attributes have to come with the records" },
    { WEFT_PROCESSOR, "k8s_attributes",
      "the operator container of file_log says whose lines are; other attributes have to come with the records" },
};

static const char *substitute_of(enum weft_component_kind kind, const char *type)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(substitutes); i++) {
        if (substitutes[i].kind == kind && strcmp(substitutes[i].type, type) == 0) {
            return substitutes[i].instead;
        }
    }
    return NULL;
}

static enum weft_status fail_unknown_type(const struct weft_component_registry *registry, enum weft_component_kind kind,
                                          const struct weft_component_settings *settings, struct weft_error *error)
{
    enum { MAX_TYPES = 64 };
    const char *types[MAX_TYPES];
    size_t count = 0, used = 0;
    char known[256] = "";
    for (size_t i = 0; registry->components[i] != NULL && count < MAX_TYPES; i++) {
        if (registry->components[i]->kind == kind) {
            types[count++] = registry->components[i]->type;
        }
    }
    for (size_t i = 0; i < count && used < sizeof known - 1; i++) {
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", types[i]);
    }
    const char *substitute = substitute_of(kind, settings->id.type);
    if (substitute != NULL) {
        return weft_node_fail(error, WEFT_UNSUPPORTED, settings->node, "weft has no %s \"%s\"; %s",
                              weft_component_kind_name(kind), settings->id.type, substitute);
    }
    const char *nearest = weft_config_nearest(settings->id.type, types, count);
    return weft_node_fail(error, WEFT_UNSUPPORTED, settings->node,
                          "unknown %s type \"%s\"%s%s%s; weft has: %s (docs/from-the-collector.md)",
                          weft_component_kind_name(kind), settings->id.type, nearest != NULL ? ", did you mean \"" : "",
                          nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "",
                          known[0] == '\0' ? "none" : known);
}

static struct weft_plan_component *find_component(struct weft_plan_component *const *components, size_t count,
                                                  enum weft_component_kind kind, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (components[i]->kind == kind && strcmp(components[i]->id, id) == 0) {
            return components[i];
        }
    }
    return NULL;
}

struct weft_plan_component *weft_plan_find_component(const struct weft_plan *plan, enum weft_component_kind kind,
                                                     const char *id)
{
    return find_component(plan->components, plan->component_count, kind, id);
}

enum weft_status weft_plan_fail_at(struct weft_error *error, enum weft_status status, const struct weft_node *node,
                                   const struct weft_error *cause)
{
    struct weft_position position = weft_node_position(node);
    size_t length = position.file == NULL ? 0 : strlen(position.file);
    if (length > 0 && strncmp(cause->text, position.file, length) == 0 && cause->text[length] == ':') {
        return weft_fail(error, status, "%s", cause->text);
    }
    const char *text = cause->text;
    const struct weft_node *place = weft_config_place_of(node, &text);
    return weft_node_fail(error, status, place, "%s", text);
}

/* Those that validate has not told, since it tells the first; nothing is said of them where errors end the reading. */
static enum weft_status tell_errors(const struct weft_component *type, const void *config, const struct weft_node *node,
                                    struct weft_config_notes *notes, enum weft_status status)
{
    bool wants_all = status != WEFT_OK && notes != NULL && notes->keeps_errors && type->tell_errors != NULL;
    return wants_all && type->tell_errors(config, node, notes) == WEFT_NOMEM ? WEFT_NOMEM : status;
}

static enum weft_status parse_component(struct weft_plan *plan, const struct weft_component *type,
                                        const struct weft_component_settings *settings, struct weft_config_notes *notes,
                                        struct weft_plan_component **out_component, struct weft_error *error)
{
    void *config = weft_alloc(type->config_size);
    enum weft_status status = weft_config_parse(type->fields, settings->node, config, notes, error);
    status = tell_errors(type, NULL, settings->node, notes, status);
    if (status == WEFT_OK && type->validate != NULL) {
        struct weft_error cause = WEFT_ERROR_NONE;
        status = type->validate(config, &cause);
        if (status != WEFT_OK) {
            status = tell_errors(type, config, settings->node, notes, status);
            weft_config_fini(type->fields, config);
            (void)weft_plan_fail_at(error, status, settings->node, &cause);
        }
    }
    if (status == WEFT_OK && type->advise != NULL && notes != NULL) {
        status = type->advise(config, settings->node, notes);
        if (status != WEFT_OK) {
            weft_config_fini(type->fields, config);
            (void)weft_fail(error, status, "no memory for notes on the config");
        }
    }
    if (status != WEFT_OK) {
        weft_free(config);
        return status;
    }
    struct weft_plan_component *component = weft_alloc(sizeof *component);
    component->component = type;
    component->kind = type->kind;
    component->id = weft_alloc_string(settings->id.text);
    component->config = config;
    component->node = settings->node;
    component->tree = plan->tree;
    plan->tree->references++;
    component->references = 1;
    *out_component = component;
    return WEFT_OK;
}

static bool has_reference(const struct weft_reference_list *references, const struct weft_component_settings *component)
{
    for (size_t i = 0; i < references->count; i++) {
        if (references->items[i].component == component) {
            return true;
        }
    }
    return false;
}

static bool is_used(const struct weft_settings *settings, const struct weft_component_settings *component)
{
    for (size_t i = 0; i < settings->pipeline_count; i++) {
        const struct weft_pipeline_settings *pipeline = &settings->pipelines[i];
        if (has_reference(&pipeline->receivers, component) || has_reference(&pipeline->processors, component) ||
            has_reference(&pipeline->exporters, component)) {
            return true;
        }
    }
    return has_reference(&settings->extensions, component);
}

static enum weft_status add_component(struct weft_plan *plan, const struct weft_component_registry *registry,
                                      enum weft_component_kind kind, const struct weft_component_settings *settings,
                                      const struct weft_plan *former, struct weft_config_notes *notes,
                                      struct weft_error *error)
{
    const struct weft_component *type = weft_component_find(registry, kind, settings->id.type);
    if (type == NULL) {
        return fail_unknown_type(registry, kind, settings, error);
    }
    struct weft_plan_component *component = NULL;
    enum weft_status status = parse_component(plan, type, settings, notes, &component, error);
    if (status != WEFT_OK) {
        return status;
    }
    component->is_used = is_used(&plan->settings, settings);
    struct weft_plan_component *same =
        former == NULL ? NULL : find_component(former->components, former->component_count, kind, component->id);
    /* One that is not used any more must not keep its sockets open through the plan that still defines it. */
    if (same != NULL && same->component == type && same->is_used == component->is_used &&
        weft_plan_nodes_equal(same->node, component->node) &&
        weft_plan_has_same_authenticators(former, &plan->settings, same)) {
        component_unref(component);
        component = same;
        component->references++;
    }
    plan->components[plan->component_count++] = component;
    return WEFT_OK;
}

/* ---- pipelines ---- */

static enum weft_status check_signal(const struct weft_plan_component *component, enum weft_signal signal,
                                     const struct weft_position *reference, struct weft_error *error)
{
    const struct weft_component *type = component->component;
    if ((type->signals & (1u << signal)) == 0) {
        return weft_fail(error, WEFT_INVALID, "%s:%u: %s \"%s\" does not support %s", reference->file, reference->line,
                         weft_component_kind_name(component->kind), component->id, weft_signal_name(signal));
    }
    struct weft_error cause = WEFT_ERROR_NONE;
    enum weft_status status =
        type->validate_signal == NULL ? WEFT_OK : type->validate_signal(component->config, signal, &cause);
    return status == WEFT_OK ? WEFT_OK : weft_plan_fail_at(error, status, component->node, &cause);
}

static enum weft_status resolve(const struct weft_plan *plan, enum weft_component_kind kind,
                                const struct weft_reference_list *references, enum weft_signal signal,
                                struct weft_plan_component ***out_components, struct weft_error *error)
{
    struct weft_plan_component **components =
        weft_alloc((references->count + 1) * sizeof(struct weft_plan_component *));
    for (size_t i = 0; i < references->count; i++) {
        struct weft_plan_component *component =
            find_component(plan->components, plan->component_count, kind, references->items[i].id);
        weft_assert(component != NULL);
        enum weft_status status =
            kind == WEFT_EXTENSION ? WEFT_OK : check_signal(component, signal, &references->items[i].position, error);
        if (status != WEFT_OK) {
            weft_free(components);
            return status;
        }
        components[i] = component;
    }
    *out_components = components;
    return WEFT_OK;
}

static enum weft_status check_gate(const struct weft_plan *plan, const struct weft_pipeline_settings *settings,
                                   struct weft_error *error)
{
    if (settings->signal != WEFT_PROFILES || (weft_tree_gates(plan->tree->tree) & WEFT_GATE_PROFILES) != 0) {
        return WEFT_OK;
    }
    const char *gate = weft_gate_rows[WEFT_GATE_BIT_OF_PROFILES].id;
    return weft_node_fail(error, WEFT_UNSUPPORTED, settings->node,
                          "profiles are in development, behind a feature gate: start weft with --feature-gates=%s",
                          gate);
}

static enum weft_status add_pipeline(struct weft_plan *plan, const struct weft_pipeline_settings *settings,
                                     struct weft_error *error)
{
    struct weft_plan_pipeline *pipeline = &plan->pipelines[plan->pipeline_count++];
    *pipeline = (struct weft_plan_pipeline){ .id = settings->id.text,
                                             .signal = settings->signal,
                                             .receiver_count = settings->receivers.count,
                                             .processor_count = settings->processors.count,
                                             .exporter_count = settings->exporters.count };
    enum weft_status status = check_gate(plan, settings, error);
    if (status == WEFT_OK) {
        status = resolve(plan, WEFT_RECEIVER, &settings->receivers, settings->signal, &pipeline->receivers, error);
    }
    if (status == WEFT_OK) {
        status = resolve(plan, WEFT_PROCESSOR, &settings->processors, settings->signal, &pipeline->processors, error);
    }
    if (status == WEFT_OK) {
        status = resolve(plan, WEFT_EXPORTER, &settings->exporters, settings->signal, &pipeline->exporters, error);
    }
    return status;
}

static bool has_all_extensions(const struct weft_plan *plan)
{
    const struct weft_reference_list *references = &plan->settings.extensions;
    bool has_all = true;
    for (size_t i = 0; has_all && i < references->count; i++) {
        has_all =
            find_component(plan->components, plan->component_count, WEFT_EXTENSION, references->items[i].id) != NULL;
    }
    return has_all;
}

static enum weft_status find_authenticators(struct weft_plan *plan, struct weft_config_notes *notes,
                                            struct weft_error *error)
{
    const struct weft_reference_list *references = &plan->settings.extensions;
    enum weft_status status = resolve(plan, WEFT_EXTENSION, references, WEFT_TRACES, &plan->extensions, error);
    if (status != WEFT_OK) {
        return status;
    }
    plan->extension_count = references->count;
    return weft_plan_find_authenticators(plan, notes, error);
}

static enum weft_status fill(struct weft_plan *plan, const struct weft_component_registry *registry,
                             const struct weft_plan *former, struct weft_config_notes *notes, struct weft_error *error)
{
    enum weft_status status = weft_settings_parse(weft_tree_root(plan->tree->tree), &plan->settings, notes, error);
    if (status != WEFT_OK) {
        return status;
    }
    const struct weft_settings *settings = &plan->settings;
    size_t defined_count = 0;
    for (int kind = 0; kind < WEFT_COMPONENT_KIND_COUNT; kind++) {
        defined_count += settings->components[kind].count;
    }
    plan->components = weft_alloc((defined_count + 1) * sizeof(struct weft_plan_component *));
    plan->pipelines = weft_alloc((settings->pipeline_count + 1) * sizeof *plan->pipelines);
    for (int kind = 0; kind < WEFT_COMPONENT_KIND_COUNT; kind++) {
        const struct weft_component_list *list = &settings->components[kind];
        for (size_t i = 0; status == WEFT_OK && i < list->count; i++) {
            status =
                add_component(plan, registry, (enum weft_component_kind)kind, &list->items[i], former, notes, error);
            status = weft_config_notes_survive(notes, status, error);
        }
    }
    if (status == WEFT_OK && weft_config_notes_errors(notes) > 0 && has_all_extensions(plan)) {
        status = find_authenticators(plan, notes, error); /* of the others */
    }
    if (status == WEFT_OK) { /* pipelines of what was not understood would only repeat it */
        status = weft_config_notes_fail(notes, 0, error);
    }
    for (size_t i = 0; status == WEFT_OK && i < settings->pipeline_count; i++) {
        status = weft_config_notes_survive(notes, add_pipeline(plan, &settings->pipelines[i], error), error);
    }
    status = status == WEFT_OK ? weft_config_notes_fail(notes, 0, error) : status;
    if (status == WEFT_OK) {
        status = weft_plan_find_stages(plan, former, error);
    }
    if (status == WEFT_OK) {
        status = find_authenticators(plan, notes, error);
    }
    status = status == WEFT_OK ? weft_config_notes_fail(notes, 0, error) : status;
    if (status == WEFT_OK && notes != NULL && weft_plan_advise(plan, notes) != WEFT_OK) {
        status = weft_fail(error, WEFT_NOMEM, "no memory for notes on the config");
    }
    return status;
}

enum weft_status weft_plan_new(struct weft_tree **own_tree, const struct weft_component_registry *registry,
                               const struct weft_plan *former, struct weft_config_notes *notes,
                               struct weft_plan **out_plan, struct weft_error *error)
{
    struct weft_plan *plan = weft_alloc(sizeof *plan);
    plan->tree = weft_alloc(sizeof *plan->tree);
    plan->tree->tree = *own_tree;
    plan->tree->references = 1;
    weft_atomic_store(&plan->references, 1);
    enum weft_status status = fill(plan, registry, former, notes, error);
    if (status != WEFT_OK) {
        /* The tree stays the caller's: what came from it is freed, but not the tree. */
        plan->tree->references++;
        struct weft_plan_tree *tree = plan->tree;
        weft_plan_unref(&plan);
        weft_assert(tree->references == 1);
        weft_free(tree);
        return status;
    }
    *own_tree = NULL;
    *out_plan = plan;
    return WEFT_OK;
}

const struct weft_node *weft_plan_root(const struct weft_plan *plan)
{
    return weft_tree_root(plan->tree->tree);
}

void weft_plan_own(struct weft_plan *plan)
{
    weft_tree_own(plan->tree->tree);
}

struct weft_plan *weft_plan_ref(struct weft_plan *plan)
{
    weft_assert(weft_atomic_load(&plan->references) > 0);
    weft_atomic_add(&plan->references, 1);
    return plan;
}

void weft_plan_unref(struct weft_plan **own_plan)
{
    struct weft_plan *plan = *own_plan;
    *own_plan = NULL;
    weft_assert(plan == NULL || weft_atomic_load(&plan->references) > 0);
    if (plan == NULL || weft_atomic_sub(&plan->references, 1) > 0) {
        return;
    }
    weft_plan_free_stages(plan);
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        weft_free(plan->pipelines[i].receivers);
        weft_free(plan->pipelines[i].processors);
        weft_free(plan->pipelines[i].exporters);
    }
    weft_free(plan->pipelines);
    weft_free(plan->extensions);
    for (size_t i = 0; i < plan->component_count; i++) {
        component_unref(plan->components[i]);
    }
    weft_free(plan->components);
    weft_settings_fini(&plan->settings);
    tree_unref(&plan->tree);
    weft_free(plan);
}
