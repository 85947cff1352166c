/* The keys of balancing (exporter_balancing.h). Names are gRPC's; nothing is pick_first, as there. */
#include "pipeline/exporter_balancing.h"

static const char *const balancer_names[] = { "round_robin", "pick_first", "", NULL };

const struct weft_field weft_balancing_fields[] = {
    WEFT_FIELD_CHOICE(
        struct weft_balancing_config, balancer_name, balancer_names, "round_robin",
        "round_robin: connections to all addresses of the endpoint; pick_first: to the first that works."),
    WEFT_FIELD(struct weft_balancing_config, resolve_interval, "1m",
               "The endpoint's name is looked up again after this long, and soon after failures.", .minimum = 0.001),
    WEFT_FIELDS_END,
};

enum weft_balancing weft_balancing_of(const struct weft_balancing_config *config)
{
    return config->balancer_name.value == 0 ? WEFT_ROUND_ROBIN : WEFT_PICK_FIRST;
}
