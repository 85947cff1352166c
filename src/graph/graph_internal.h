#pragma once

#include "graph/graph.h"

/* The graph's structs, for graph.c, drain.c and audit.c. */

/* Counted, because while a graph is being built both it and the former one name what is taken over. */
struct graph_exporter {
    const struct weft_plan_component *component;
    enum weft_signal signal;
    struct weft_consumer *consumer;
    uint32_t references;
};

/* The core of a stage on this worker; counted for the same reason. */
struct graph_stage {
    const struct weft_plan_component *component; /* whose rules it goes by */
    const struct weft_stage_identity *identity;
    struct weft_stage *core;
    uint32_t references;
};

struct graph_pipeline {
    char *id;
    enum weft_signal signal;
    struct weft_account in_flight; /* strings are id and static */
    const struct weft_plan_component **processor_components;
    const struct weft_plan_component **exporter_components;
    struct weft_consumer **processors;         /* in config order */
    const struct weft_stage_identity **stages; /* by processor: the processor is a face of this; NULL = it is not */
    size_t processor_count;
    struct weft_consumer **outlets;
    size_t outlet_count;
    struct weft_consumer *fan_out; /* NULL with one outlet */
    struct weft_consumer *first;
    uint32_t references;
};

struct graph_receiver {
    const struct weft_plan_component *component;
    struct weft_receiver *receiver; /* NULL: a later graph has it now */
    struct weft_entry *entries[WEFT_SIGNAL_COUNT];
    bool is_taken_over; /* while building: still the former graph's */
};

struct weft_graph {
    struct weft_host *host;
    const struct weft_plan *plan;
    struct graph_exporter **exporters;
    size_t exporter_count;
    struct graph_stage **stages;
    size_t stage_count;
    struct graph_pipeline **pipelines;                /* in plan order */
    const struct weft_plan_pipeline **pipeline_plans; /* by pipeline */
    size_t pipeline_count;
    struct graph_receiver **receivers;
    size_t receiver_count;
};
