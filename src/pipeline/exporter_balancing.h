#pragma once

#include "config/field.h"
#include "net/balancer.h"

/* How an exporter's connections spread over the addresses of its endpoint: the same keys in all exporters that
 * connect, inline in their blocks. */
struct weft_balancing_config {
    struct weft_choice balancer_name;
    struct weft_duration resolve_interval;
};

extern const struct weft_field weft_balancing_fields[];

enum weft_balancing weft_balancing_of(const struct weft_balancing_config *config);
