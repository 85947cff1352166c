/* Reading the agent's config (agent_load.h). What a thread has out looks at the plan in use and at the sources; if it
 * is not back at the end of the process, it and what it looks at stay behind. */
#include "worker/agent_load.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/helper.h"
#include "base/log.h"
#include "graph/plan.h"
#include "net/tls/tls.h"
#include "worker/registry.h"

/* Its errors, too, where all are to be told; else the first one stands. */
static void check_telemetry(const struct weft_node *root, struct weft_config_notes *notes, struct weft_error *error)
{
    struct weft_telemetry telemetry;
    struct weft_error other = WEFT_ERROR_NONE;
    if (notes == NULL || !notes->keeps_errors) {
        return;
    }
    const struct weft_node *node = weft_node_find(weft_node_find(root, "service"), "telemetry");
    enum weft_status status = weft_telemetry_parse(node, &telemetry, notes, &other);
    if (weft_config_notes_survive(notes, status, &other) != WEFT_OK) {
        *error = other;
    }
}

enum weft_status weft_agent_load(const struct weft_config_sources *sources, const struct weft_plan *former,
                                 struct weft_config_notes *notes, struct weft_plan **out_plan,
                                 struct weft_telemetry *out_telemetry, struct weft_worker_config *out_workers,
                                 struct weft_error *error)
{
    struct weft_tree *tree = NULL;
    struct weft_plan *plan = NULL;
    enum weft_status status = weft_config_load(sources, &tree, notes, error);
    if (status != WEFT_OK) {
        return status;
    }
    status = weft_plan_new(&tree, weft_registry(), former, notes, &plan, error);
    if (status != WEFT_OK) {
        check_telemetry(weft_tree_root(tree), notes, error);
        weft_tree_free(&tree);
        return status;
    }
    status = weft_telemetry_parse(plan->settings.telemetry, out_telemetry, notes, error);
    if (status == WEFT_OK) {
        status = weft_worker_config_parse(&plan->settings, out_workers, error);
    }
    if (status != WEFT_OK) {
        weft_plan_unref(&plan);
        return status;
    }
    *out_plan = plan;
    return WEFT_OK;
}

/* ---- beside the one in use ---- */

struct load {
    struct weft_helper_task task;
    struct weft_loader *loader;
    uintptr_t thread; /* the main one */
    const struct weft_plan *former;
    struct weft_monotonic started;
    bool has_been_told_of; /* in the log */
    struct weft_loaded loaded;
    struct weft_error error;
};

struct weft_loader {
    struct weft_loader_settings settings;
    struct weft_helper *helper;
    struct load *load; /* NULL: none is out */
};

static void load_now(struct weft_helper_task *task, void *context)
{
    struct load *load = WEFT_CONTAINER_OF(task, struct load, task);
    const struct weft_loader_settings *settings = &load->loader->settings;
    struct weft_loaded *loaded = &load->loaded;
    (void)context;
    enum weft_status status = weft_agent_load(settings->sources, load->former, &loaded->notes, &loaded->plan,
                                              &loaded->telemetry, &loaded->workers, &load->error);
    if (status == WEFT_OK) {
        status = weft_plan_renew(loaded->plan, &load->error);
    }
    if (status == WEFT_OK) {
        (void)!weft_plan_open(loaded->plan, settings->budget, settings->worker_count, &load->error);
    }
    weft_tls_leave_thread();
}

/* Main thread. A plan that nobody took has opened nothing for good. */
static void free_load(struct load *load)
{
    load->loader->load = NULL;
    if (load->loaded.plan != NULL) {
        weft_plan_own(load->loaded.plan);
        weft_plan_end_renewal(load->loaded.plan, false);
    }
    weft_plan_unref(&load->loaded.plan);
    weft_config_notes_fini(&load->loaded.notes);
    weft_free(load);
}

static void was_left(struct weft_helper_task *task)
{
    struct load *load = WEFT_CONTAINER_OF(task, struct load, task);
    if (load->thread == weft_thread_id()) {
        free_load(load);
    }
}

/* The callback comes last: it may begin the next. */
static void was_loaded(struct weft_helper_task *task)
{
    struct load *load = WEFT_CONTAINER_OF(task, struct load, task);
    struct weft_loader_settings settings = load->loader->settings;
    if (load->error.status != WEFT_OK) {
        struct weft_error error = load->error;
        free_load(load);
        settings.on_failed(settings.context, &error);
        return;
    }
    struct weft_loaded loaded = load->loaded;
    load->loaded = (struct weft_loaded){ 0 };
    weft_plan_own(loaded.plan);
    free_load(load);
    settings.on_loaded(settings.context, &loaded);
    weft_config_notes_fini(&loaded.notes);
}

struct weft_loader *weft_loader_new(const struct weft_loader_settings *settings)
{
    struct weft_loader *loader = weft_alloc(sizeof *loader);
    loader->settings = *settings;
    loader->helper = weft_helper_new("weft-reload", 1, NULL, NULL);
    return loader;
}

void weft_loader_begin(struct weft_loader *loader, const struct weft_plan *former)
{
    weft_assert(loader->load == NULL);
    struct load *load = weft_alloc(sizeof *load);
    load->task = (struct weft_helper_task){ .work = load_now, .on_done = was_loaded, .on_left = was_left };
    load->loader = loader;
    load->thread = weft_thread_id();
    load->former = former;
    load->started = weft_monotonic_now();
    loader->load = load;
    if (weft_helper_ask(loader->helper, loader->settings.answers, &load->task, NULL) != WEFT_OK) { /* no thread */
        load_now(&load->task, NULL);
        was_loaded(&load->task);
    }
}

void weft_loader_leave(struct weft_loader *loader)
{
    weft_helper_leave(&loader->load->task);
}

void weft_loader_watch(struct weft_loader *loader)
{
    struct load *load = loader->load;
    if (load != NULL && !load->has_been_told_of && weft_monotonic_now().ns - load->started.ns > WEFT_NS_PER_S) {
        load->has_been_told_of = true;
        weft_log(WARN, "agent.reload_stands", "the config, or a file that it names, cannot be read for now");
    }
}

bool weft_loader_free(struct weft_loader *loader)
{
    weft_helper_free(loader->helper);
    if (loader->load != NULL) {
        return false;
    }
    weft_free(loader);
    return true;
}
