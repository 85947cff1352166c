/* Policy `drop`: drops traces that all its parts would keep, whatever other policies say; without parts, every one. */
#include "policy/policy_internal.h"

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    return weft_policy_parts_make(set, &config->drop.drop_sub_policy, &node->parts, error);
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    enum weft_policy_answer answer = weft_policy_parts_decide(&node->parts, trace);
    return answer == WEFT_POLICY_YES ? WEFT_POLICY_DROP : answer;
}

const struct weft_policy_kind weft_policy_drop = {
    .type = "drop", .places = WEFT_POLICY_AT_TOP, .make = make, .decide = decide
};
