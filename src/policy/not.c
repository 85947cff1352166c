/* Policy `not`: keeps traces that its part would not. */
#include "policy/policy_internal.h"

#include "base/alloc.h"

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    struct weft_policy_item_config part = { .policy = config->not .not_sub_policy };
    node->parts.items = weft_try_alloc(sizeof *node->parts.items);
    if (node->parts.items == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    enum weft_status status = weft_policy_node_make(set, &part, WEFT_POLICY_IN_NOT, node->parts.items, error);
    node->parts.count = status == WEFT_OK;
    return status;
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    enum weft_policy_answer answer = weft_policy_parts_decide(&node->parts, trace);
    if (answer == WEFT_POLICY_ERROR) {
        return answer;
    }
    return answer == WEFT_POLICY_YES ? WEFT_POLICY_NO : WEFT_POLICY_YES;
}

const struct weft_policy_kind weft_policy_not = {
    .type = "not", .places = WEFT_POLICY_AT_TOP | WEFT_POLICY_IN_AND, .make = make, .decide = decide
};
