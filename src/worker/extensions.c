/* The extensions that run (extensions.h). */
#include "worker/extensions.h"

#include "base/alloc.h"
#include "graph/plan.h"

struct running_extension {
    const struct weft_plan_component *component;
    struct weft_extension *extension;
};

struct weft_extensions {
    struct weft_host *host;
    const struct weft_agent_view *view;
    struct running_extension *running;
    size_t count;
};

static void free_running(struct running_extension *extensions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (extensions[i].extension != NULL) {
            extensions[i].extension->free(extensions[i].extension);
        }
    }
    weft_free(extensions);
}

/* The extension that runs for this component, taken out of the list; NULL if there is none. */
static struct weft_extension *take_extension(struct running_extension *extensions, size_t count,
                                             const struct weft_plan_component *component)
{
    for (size_t i = 0; i < count; i++) {
        if (extensions[i].component == component) {
            struct weft_extension *extension = extensions[i].extension;
            extensions[i].extension = NULL;
            return extension;
        }
    }
    return NULL;
}

static enum weft_status start_extension(const struct weft_extensions *extensions, struct running_extension *running,
                                        struct weft_error *error)
{
    const struct weft_plan_component *component = running->component;
    if (component->component->create_extension == NULL) {
        return WEFT_OK;
    }
    struct weft_instance_setup setup = { .host = extensions->host,
                                         .id = component->id,
                                         .config = component->config,
                                         .shared = component->shared,
                                         .agent = extensions->view };
    weft_plan_give_authenticators(component, &setup);
    struct weft_error cause = WEFT_ERROR_NONE;
    enum weft_status status = component->component->create_extension(&setup, &running->extension, &cause);
    return status == WEFT_OK ? WEFT_OK : weft_node_fail(error, status, component->node, "%s", cause.text);
}

struct weft_extensions *weft_extensions_new(struct weft_host *host, const struct weft_agent_view *view)
{
    struct weft_extensions *extensions = weft_alloc(sizeof *extensions);
    extensions->host = host;
    extensions->view = view;
    return extensions;
}

void weft_extensions_free(struct weft_extensions *extensions)
{
    free_running(extensions->running, extensions->count);
    weft_free(extensions);
}

enum weft_status weft_extensions_replace(struct weft_extensions *extensions, const struct weft_plan *plan,
                                         struct weft_error *error)
{
    size_t count = plan->extension_count;
    struct running_extension *running = weft_alloc((count + 1) * sizeof *running);
    for (size_t i = 0; i < count; i++) {
        running[i].component = plan->extensions[i];
        running[i].extension = take_extension(extensions->running, extensions->count, running[i].component);
    }
    free_running(extensions->running, extensions->count);
    extensions->running = running;
    extensions->count = count;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < count; i++) {
        if (running[i].extension == NULL) {
            enum weft_status started = start_extension(extensions, &running[i], status == WEFT_OK ? error : NULL);
            status = status == WEFT_OK ? started : status;
        }
    }
    return status;
}
