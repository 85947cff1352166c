/* Policy `always_sample`: keeps every trace. */
#include "policy/policy_internal.h"

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    (void)set;
    (void)config;
    (void)node;
    (void)error;
    return WEFT_OK;
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    (void)node;
    (void)trace;
    return WEFT_POLICY_YES;
}

const struct weft_policy_kind weft_policy_always_sample = {
    .type = "always_sample", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = decide
};
