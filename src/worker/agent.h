#pragma once

#include "config/load.h"

/* The agent: plan, workers, acceptor, telemetry port, signals. Called by the command line; returns when the process
 * is to end. */
struct weft_agent_options {
    struct weft_config_sources sources;
    const char *state_directory; /* where the ledger lives; NULL = memory only */
    int64_t shutdown_timeout_ns; /* for draining after SIGTERM */
    int64_t reload_timeout_ns;   /* for draining what a reload took out */
};

/* Loads and understands the config, without opening anything: `weft validate`. notes may be NULL. */
struct weft_plan;
struct weft_telemetry;
struct weft_worker_config;
struct weft_config_notes;
enum weft_status weft_agent_load(const struct weft_config_sources *sources, const struct weft_plan *former,
                                 struct weft_config_notes *notes, struct weft_plan **out_plan,
                                 struct weft_telemetry *out_telemetry, struct weft_worker_config *out_workers,
                                 struct weft_error *error) WEFT_MUST_CHECK;

/* Runs until SIGTERM or SIGINT. WEFT_OK after an orderly end. The options and what they lead to stay until the process
 * ends: a reload that stands may look at them once more. */
enum weft_status weft_agent_run(const struct weft_agent_options *options, struct weft_error *error) WEFT_MUST_CHECK;
