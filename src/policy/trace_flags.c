/* Policy `trace_flags`: keeps traces with a span whose W3C trace flags have the sampled flag set. */
#include "policy/policy_internal.h"

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    (void)config;
    if (set->sampled_flag_bit == 0) {
        enum weft_status status = weft_policy_take_bits(set, 1, &set->sampled_flag_bit, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    node->bit = set->sampled_flag_bit;
    return WEFT_OK;
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    return weft_policy_has_bit(trace->facts, node->bit) ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}

const struct weft_policy_kind weft_policy_trace_flags = {
    .type = "trace_flags", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = decide
};
