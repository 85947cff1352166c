#pragma once

#include "config/load.h"
#include "worker/telemetry_config.h"
#include "worker/worker_config.h"

struct weft_budget;
struct weft_helper_box;
struct weft_plan;

/* The agent's config: how it is read and understood, at the start, by the command line, and for a reload.
 *
 * Loads and understands the config, without opening anything: `weft validate`. notes may be NULL. */
enum weft_status weft_agent_load(const struct weft_config_sources *sources, const struct weft_plan *former,
                                 struct weft_config_notes *notes, struct weft_plan **out_plan,
                                 struct weft_telemetry *out_telemetry, struct weft_worker_config *out_workers,
                                 struct weft_error *error) WEFT_MUST_CHECK;

/* A loader reads the next config beside the one in use: what it leads to may stand (a disk, a listener's path), so a
 * helper does it. One at a time. Main thread; the callback runs there, too. */
struct weft_loader;

struct weft_loaded {
    struct weft_plan *plan; /* opened, and what lies outside the config renewed; the callee's */
    struct weft_telemetry telemetry;
    struct weft_worker_config workers;
    struct weft_config_notes notes; /* the loader's */
};

struct weft_loader_settings {
    const struct weft_config_sources *sources;
    struct weft_budget *budget;
    uint32_t worker_count;
    struct weft_helper_box *answers;                              /* of the main thread's loop */
    void (*on_loaded)(void *context, struct weft_loaded *loaded); /* the loader is free again */
    void (*on_failed)(void *context, const struct weft_error *error);
    void *context;
};

struct weft_loader *weft_loader_new(const struct weft_loader_settings *settings);

/* former: the plan in use, which stays as it is until the callback, or until the loader is left. */
void weft_loader_begin(struct weft_loader *loader, const struct weft_plan *former);

/* No callback comes any more. The thread may go on, and look at what it was given. */
void weft_loader_leave(struct weft_loader *loader);

/* From time to time: says in the log, once, that a config is not to be had for now. */
void weft_loader_watch(struct weft_loader *loader);

/* The box has been freed. False: the thread is still out, and what it looks at (sources, budget, plans) stays. */
bool weft_loader_free(struct weft_loader *loader) WEFT_MUST_CHECK;
