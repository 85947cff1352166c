#pragma once

#include "base/log.h"
#include "config/node.h"
#include "config/notes.h"

/* `service.telemetry`: the agent's own logs and metrics, in the Collector's keys. */
struct weft_telemetry {
    struct weft_log_config log; /* service and environment point into texts below */
    char service[128];
    char environment[128];
    bool has_metrics; /* level is not none */
    char host[256];   /* of the pull reader */
    uint16_t port;
    bool adds_type_suffix; /* counters end in _total: the reader said without_type_suffix: false */
};

/* node NULL = defaults: info, localhost:8888. */
enum weft_status weft_telemetry_parse(const struct weft_node *node, struct weft_telemetry *out_telemetry,
                                      struct weft_config_notes *notes, struct weft_error *error) WEFT_MUST_CHECK;
