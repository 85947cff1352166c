/* Who authenticates whom in a plan: the extensions that components name by `auth`, found, checked, and handed to their
 * instances. Called by plan.c and, for setups, by who makes instances. */
#include <stdio.h>

#include "base/assert.h"
#include "graph/plan_internal.h"

static size_t needs_of(const struct weft_component *type, const void *config,
                       struct weft_auth_need out_needs[WEFT_AUTH_NEEDS_MAX])
{
    size_t count = type->auth_needs == NULL ? 0 : type->auth_needs(config, out_needs);
    weft_assert(count <= WEFT_AUTH_NEEDS_MAX);
    return count;
}

/* ---- reloads ---- */

enum { MAX_CHAIN = 8 }; /* of authenticators that name another one; what is longer is a circle */

static bool is_same_extension(const struct weft_plan *former, const struct weft_settings *settings, const char *id,
                              int depth)
{
    const struct weft_component_settings *now = weft_settings_find(settings, WEFT_EXTENSION, id);
    const struct weft_plan_component *before = weft_plan_find_component(former, WEFT_EXTENSION, id);
    if (now == NULL || before == NULL || !weft_plan_nodes_equal(now->node, before->node) || depth == MAX_CHAIN) {
        return false;
    }
    struct weft_auth_need needs[WEFT_AUTH_NEEDS_MAX];
    size_t count = needs_of(before->component, before->config, needs);
    for (size_t i = 0; i < count; i++) {
        if (!is_same_extension(former, settings, needs[i].authenticator, depth + 1)) {
            return false;
        }
    }
    return true;
}

bool weft_plan_has_same_authenticators(const struct weft_plan *former, const struct weft_settings *settings,
                                       const struct weft_plan_component *component)
{
    struct weft_auth_need needs[WEFT_AUTH_NEEDS_MAX];
    size_t count = needs_of(component->component, component->config, needs);
    for (size_t i = 0; i < count; i++) {
        if (!is_same_extension(former, settings, needs[i].authenticator, 0)) {
            return false;
        }
    }
    return true;
}

/* ---- finding ---- */

static struct weft_plan_component *find_running(const struct weft_plan *plan, const char *id)
{
    for (size_t i = 0; i < plan->extension_count; i++) {
        if (strcmp(plan->extensions[i]->id, id) == 0) {
            return plan->extensions[i];
        }
    }
    return NULL;
}

static unsigned abilities_of(const struct weft_plan *plan, const struct weft_plan_component *extension, int depth)
{
    const struct weft_component *type = extension->component;
    unsigned abilities = type->authenticates == NULL ? 0 : type->authenticates(extension->config);
    struct weft_auth_need needs[WEFT_AUTH_NEEDS_MAX];
    size_t count = depth == MAX_CHAIN ? 0 : needs_of(type, extension->config, needs);
    for (size_t i = 0; i < count; i++) {
        const struct weft_plan_component *other = find_running(plan, needs[i].authenticator);
        abilities |= other == NULL ? 0 : abilities_of(plan, other, depth + 1) & WEFT_AUTHENTICATES_OVER_TLS_ONLY;
    }
    return abilities;
}

/* An authenticator that names itself, by whatever way, would never be open. */
static bool is_in_circle(const struct weft_plan *plan, const struct weft_plan_component *extension, int depth)
{
    struct weft_auth_need needs[WEFT_AUTH_NEEDS_MAX];
    size_t count = needs_of(extension->component, extension->config, needs);
    bool is_too_deep = depth == MAX_CHAIN && count > 0;
    for (size_t i = 0; !is_too_deep && i < count; i++) {
        const struct weft_plan_component *other = find_running(plan, needs[i].authenticator);
        is_too_deep = other != NULL && is_in_circle(plan, other, depth + 1);
    }
    return is_too_deep;
}

static enum weft_status find_one(const struct weft_plan *plan, const struct weft_plan_component *component,
                                 const struct weft_auth_need *need, struct weft_plan_component **out_extension,
                                 struct weft_error *error)
{
    struct weft_plan_component *extension = find_running(plan, need->authenticator);
    if (need->authenticator[0] == '\0') {
        return weft_node_fail(error, WEFT_INVALID, component->node, "auth: authenticator must be specified");
    }
    if (extension == NULL) {
        return weft_node_fail(error, WEFT_INVALID, component->node,
                              "failed to resolve authenticator \"%s\": authenticator not found in service::extensions",
                              need->authenticator);
    }
    if (is_in_circle(plan, extension, 0)) {
        return weft_node_fail(error, WEFT_INVALID, component->node,
                              "authenticator \"%s\" names others in a circle, or in a chain of more than %d",
                              need->authenticator, (int)MAX_CHAIN);
    }
    unsigned abilities = abilities_of(plan, extension, 0);
    if ((abilities & need->side) == 0) {
        return weft_node_fail(error, WEFT_INVALID, component->node,
                              "requested authenticator \"%s\" does not authenticate %s as it is configured",
                              need->authenticator, need->side == WEFT_AUTHENTICATES_SERVERS ? "servers" : "clients");
    }
    if (need->is_clear_grpc && (abilities & WEFT_AUTHENTICATES_OVER_TLS_ONLY) != 0) {
        return weft_node_fail(error, WEFT_INVALID, component->node,
                              "the credentials of \"%s\" require transport level security, and tls::insecure is on: "
                              "take it out, and set tls::ca_file where no public authority vouches for the backend",
                              need->authenticator);
    }
    *out_extension = extension;
    return WEFT_OK;
}

static enum weft_status find_all(const struct weft_plan *plan, struct weft_plan_component *component,
                                 struct weft_error *error)
{
    struct weft_auth_need needs[WEFT_AUTH_NEEDS_MAX];
    size_t count = needs_of(component->component, component->config, needs);
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        struct weft_plan_component *extension = NULL;
        status = find_one(plan, component, &needs[i], &extension, error);
        if (status == WEFT_OK && component->authenticators[i] != extension) { /* what was taken over has them already */
            weft_assert(component->authenticators[i] == NULL);
            component->authenticators[i] = extension;
        }
    }
    return status;
}

enum weft_status weft_plan_find_authenticators(const struct weft_plan *plan, struct weft_config_notes *notes,
                                               struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < plan->component_count; i++) {
        if (plan->components[i]->is_used) {
            status = weft_config_notes_survive(notes, find_all(plan, plan->components[i], error), error);
        }
    }
    return status;
}

/* ---- handing over ---- */

static struct weft_authenticator *authenticator_of(const struct weft_plan_component *extension)
{
    struct weft_authenticator *authenticator = extension->shared;
    weft_check_magic(authenticator, authenticator);
    return authenticator;
}

void weft_plan_join_authenticators(const struct weft_plan *plan)
{
    for (size_t i = 0; i < plan->extension_count; i++) {
        const struct weft_plan_component *extension = plan->extensions[i];
        if (extension->authenticators[0] != NULL && extension->component->authenticates != NULL) {
            struct weft_authenticator *authenticator = authenticator_of(extension);
            struct weft_authenticator *additional = authenticator_of(extension->authenticators[0]);
            if (authenticator->additional != additional) { /* one that was taken over is in use */
                weft_assert(authenticator->additional == NULL);
                authenticator->additional = additional;
            }
        }
    }
}

void weft_plan_give_authenticators(const struct weft_plan_component *component, struct weft_instance_setup *setup)
{
    for (size_t i = 0; i < WEFT_AUTH_NEEDS_MAX; i++) {
        const struct weft_plan_component *extension = component->authenticators[i];
        setup->authenticators[i] = extension == NULL ? NULL : authenticator_of(extension);
    }
}
