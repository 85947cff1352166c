#pragma once

#include "config/component_id.h"
#include "config/node.h"
#include "config/notes.h"
#include "wire/signal.h"

/* The top level of a config: which components are defined, and how pipelines join them. Checked here: everything that
 * needs no knowledge of what a component is. Texts are owned; nodes and positions borrow from the tree. */

enum weft_component_kind { WEFT_RECEIVER, WEFT_PROCESSOR, WEFT_EXPORTER, WEFT_CONNECTOR, WEFT_EXTENSION };

enum { WEFT_COMPONENT_KIND_COUNT = 5 };

/* One entry under receivers:, processors: ... */
struct weft_component_settings {
    struct weft_component_id id;
    const struct weft_node *node; /* its block: a map or a null */
};

struct weft_component_list {
    struct weft_component_settings *items; /* in file order */
    size_t count;
};

/* One id in a pipeline or in service.extensions. */
struct weft_component_reference {
    const char *id;                                  /* of component */
    const struct weft_component_settings *component; /* in the settings' lists */
    bool is_connector;                               /* component is in connectors, not in receivers or exporters */
    struct weft_position position;
};

struct weft_reference_list {
    struct weft_component_reference *items; /* in config order */
    size_t count;
};

struct weft_pipeline_settings {
    struct weft_component_id id; /* type = "traces", "metrics", "logs" or "profiles" */
    enum weft_signal signal;
    struct weft_position position;
    const struct weft_node *node;
    struct weft_reference_list receivers;
    struct weft_reference_list processors;
    struct weft_reference_list exporters;
};

struct weft_settings {
    struct weft_component_list components[WEFT_COMPONENT_KIND_COUNT];
    struct weft_reference_list extensions; /* service.extensions */
    struct weft_pipeline_settings *pipelines;
    size_t pipeline_count;
    const struct weft_node *telemetry;     /* service.telemetry; NULL when absent */
    const struct weft_node *workers;       /* service.workers, weft's own key; NULL when absent */
    const struct weft_node *wake_interval; /* service.wake_interval, weft's own key; NULL when absent */
    const struct weft_node *max_begun_requests, *max_begun_requests_per_address, *max_begun_bytes; /* also weft's own */
};

/* root: of a loaded tree. WEFT_INVALID with file:line for whatever breaks a rule, WEFT_NOMEM. On WEFT_OK the caller
 * ends it with weft_settings_fini. */
enum weft_status weft_settings_parse(const struct weft_node *root, struct weft_settings *out_settings,
                                     struct weft_config_notes *notes, struct weft_error *error) WEFT_MUST_CHECK;
void weft_settings_fini(struct weft_settings *settings);

/* NULL when no component of that kind has the id. */
const struct weft_component_settings *weft_settings_find(const struct weft_settings *settings,
                                                         enum weft_component_kind kind, const char *id);

/* "receiver", "processor" ... */
const char *weft_component_kind_name(enum weft_component_kind kind);
