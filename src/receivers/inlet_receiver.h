#pragma once

#include "config/field.h"
#include "receivers/otlp_ingest.h"

/* A receiver whose requests come in by inlets, whatever these speak: its answer to pressure and its life. Under
 * pressure reading stops and requests that are complete already wait; after refuse_after reading starts again and they
 * are refused, so that clients learn of it. */

enum { WEFT_INLETS_MAX = 4 };

/* The keys that are the same in each; a config has it inline. */
struct weft_inlet_config {
    struct weft_choice acknowledge;
    struct weft_duration refuse_after;
    struct weft_duration retry_after;
};

extern const struct weft_field weft_inlet_fields[];

/* A receiver's waits_for_delivery. */
bool weft_inlet_waits_for_delivery(const struct weft_inlet_config *config);

struct weft_inlet_receiver {
    struct weft_receiver receiver;
    const struct weft_inlet_config *config;
    struct weft_otlp_ingest ingest;
    struct weft_otlp_inlet *inlets[WEFT_INLETS_MAX]; /* those of listeners first, in the order of these */
    size_t inlet_count;
    struct weft_timer refuse_timer;
    struct weft_timer offer_timer; /* offers what waits in a tick of its own, not inside the consumer that has opened */
};

/* Without an inlet. It frees itself and its inlets as receivers do. */
struct weft_inlet_receiver *weft_inlet_receiver_new(const struct weft_instance_setup *setup,
                                                    const struct weft_inlet_config *config);

/* The receiver owns the inlet from now on, and the inlet's authenticator. */
void weft_inlet_receiver_add(struct weft_inlet_receiver *receiver, struct weft_otlp_inlet *own_inlet);
