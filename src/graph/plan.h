#pragma once

#include "config/load.h"
#include "config/service.h"
#include "weft/component.h"

/* A plan is a config that has been understood: every component found, its block parsed and validated, what workers
 * share opened. Built by the main thread, read by all workers, counted. A later plan takes over the components whose
 * blocks did not change and that are used as before: the same object, so the same sockets and the same instances. */

/* Ends with NULL. */
struct weft_component_registry {
    const struct weft_component *const *components;
};

/* NULL when no component of that kind has the type or alias. */
const struct weft_component *weft_component_find(const struct weft_component_registry *registry,
                                                 enum weft_component_kind kind, const char *type);

struct weft_plan_component {
    const struct weft_component *component;
    enum weft_component_kind kind;
    char *id;
    void *config;
    void *shared; /* NULL until weft_plan_open, and if it is not used */
    bool is_shared;
    bool has_begun;   /* its begin_use was called */
    bool is_used;     /* by a pipeline or in service.extensions */
    bool is_renewing; /* between weft_plan_renew and weft_plan_end_renewal */
    const struct weft_node *node;
    struct weft_plan_tree *tree;
    struct weft_plan_component *authenticators[WEFT_AUTH_NEEDS_MAX]; /* by auth_needs; of the same plans */
    uint32_t references;
};

/* A stage (pipeline/stage.h): one core on every worker, a face in each pipeline that points to it. */
struct weft_plan_stage {
    struct weft_plan_component *component;
    const char *lead;                     /* the pipeline that it is known by */
    struct weft_stage_identity *identity; /* a reference; the former plan's if that has the stage, else NULL until
                                             weft_plan_open */
    unsigned rank;                        /* those of lower rank drain first */
};

struct weft_plan_pipeline {
    const char *id; /* "traces/a" */
    enum weft_signal signal;
    struct weft_plan_component **receivers;
    struct weft_plan_component **processors;
    struct weft_plan_component **exporters;
    struct weft_plan_stage **stages; /* by processor; NULL = it is no stage */
    size_t receiver_count, processor_count, exporter_count;
};

struct weft_plan {
    struct weft_plan_tree *tree;
    struct weft_settings settings;
    struct weft_plan_component **components; /* references; all that are defined */
    size_t component_count;
    struct weft_plan_pipeline *pipelines;
    size_t pipeline_count;
    struct weft_plan_stage *stages;
    size_t stage_count;
    unsigned stage_rank_count;
    struct weft_plan_component **extensions; /* in service.extensions */
    size_t extension_count;
    struct weft_atomic_u64 references;
};

/* Takes the tree over on success. former may be NULL. notes gain what weft_config_parse says. Opens nothing yet. */
enum weft_status weft_plan_new(struct weft_tree **own_tree, const struct weft_component_registry *registry,
                               const struct weft_plan *former, struct weft_config_notes *notes,
                               struct weft_plan **out_plan, struct weft_error *error) WEFT_MUST_CHECK;

/* Reads the files that the components in use would read at the start. Errors are kept in notes, if these keep them. */
enum weft_status weft_plan_try_files(const struct weft_plan *plan, struct weft_config_notes *notes,
                                     struct weft_error *error) WEFT_MUST_CHECK;

/* Opens what so many workers share, for every component in use. On failure what was opened here is closed with the
 * plan. */
enum weft_status weft_plan_open(struct weft_plan *plan, struct weft_budget *budget, uint32_t worker_count,
                                struct weft_error *error) WEFT_MUST_CHECK;

/* Before weft_plan_open: what the components that come from the former plan have read outside their configs is read
 * again, beside what is in use. Does not need the main thread. */
enum weft_status weft_plan_renew(struct weft_plan *plan, struct weft_error *error) WEFT_MUST_CHECK;

/* It is in use from now on: its components that were in none before hear of it. Main thread. */
void weft_plan_begin_use(struct weft_plan *plan);

/* What was read is used from now on, or forgotten. Harmless where nothing was. Main thread. */
void weft_plan_end_renewal(struct weft_plan *plan, bool is_used);

/* Its graphs drain in so many phases: receivers; for each rank of stages what lies before them, then they; the rest of
 * the pipelines; exporters. */
unsigned weft_plan_phase_count(const struct weft_plan *plan);

/* For an instance's setup, once the plan is open. */
void weft_plan_give_authenticators(const struct weft_plan_component *component, struct weft_instance_setup *setup);

/* The merged and expanded config that the plan was made of. */
const struct weft_node *weft_plan_root(const struct weft_plan *plan);

/* After it was made, and opened, on another thread: the calling one, which is the main one, has it from now on. */
void weft_plan_own(struct weft_plan *plan);

/* Main thread. */
struct weft_plan *weft_plan_ref(struct weft_plan *plan);
void weft_plan_unref(struct weft_plan **own_plan);
