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

struct graph_pipeline {
    char *id;
    enum weft_signal signal;
    struct weft_account in_flight; /* strings are id and static */
    const struct weft_plan_component **processor_components;
    const struct weft_plan_component **exporter_components;
    struct weft_consumer **processors; /* in config order */
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
    struct graph_pipeline **pipelines; /* in plan order */
    size_t pipeline_count;
    struct graph_receiver **receivers;
    size_t receiver_count;
};
