/* Policy `and`: keeps traces that all its parts would keep; without parts, every one. */
#include "policy/policy_internal.h"

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    return weft_policy_parts_make(set, &config->and.and_sub_policy, &node->parts, error);
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    return weft_policy_parts_decide(&node->parts, trace);
}

const struct weft_policy_kind weft_policy_and = {
    .type = "and", .places = WEFT_POLICY_AT_TOP | WEFT_POLICY_IN_COMPOSITE, .make = make, .decide = decide
};
