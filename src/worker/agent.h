#pragma once

#include "worker/agent_load.h"

/* The agent: plan, workers, acceptor, telemetry port, signals. Called by the command line; returns when the process
 * is to end. */
struct weft_agent_options {
    struct weft_config_sources sources;
    const char *state_directory; /* where the ledger lives; NULL = memory only */
    int64_t shutdown_timeout_ns; /* for draining after SIGTERM */
    int64_t reload_timeout_ns;   /* for draining what a reload took out */
};

/* Runs until SIGTERM or SIGINT. WEFT_OK after an orderly end. The options and what they lead to stay until the process
 * ends: a reload that stands may look at them once more. */
enum weft_status weft_agent_run(const struct weft_agent_options *options, struct weft_error *error) WEFT_MUST_CHECK;
