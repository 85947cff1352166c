#pragma once

#include "pipeline/entry.h"

/* What the files about entries share: the ways into the pipelines, and the flows of the books for each. */
struct entrance {
    struct weft_consumer *first;
    const char *pipeline;       /* its name; borrowed */
    weft_flow_id offered_flow;  /* offered -> in_flight: once for each batch */
    weft_flow_id copied_flow;   /* copied -> in_flight: all other times */
    weft_flow_id refused_flow;  /* in_flight -> refused */
    weft_flow_id uncopied_flow; /* in_flight -> uncopied */
    struct weft_batch *branch;  /* scratch of one offer */
    struct weft_pressure_listener listener;
};

WEFT_MAGIC(entry, 0x0e4704e4);

struct weft_entry {
    uint32_t magic;
    struct weft_host *host;
    struct weft_entry_counters counters;
    const char *receiver_id;
    const char *signal;
    weft_flow_id invalid_flow; /* offered -> refused(invalid_utf8); WEFT_FLOW_NONE: not asked for */
    struct weft_list offers;   /* that wait here (entry_offer.h) */
    bool is_open;
    bool asks_for_address;
    void (*on_pressure)(void *context);
    void *context;
    size_t entrance_count;
    struct entrance entrances[];
};
