/* Policy `span_count`: keeps traces with so many spans. */
#include "policy/policy_internal.h"

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    (void)set;
    (void)error;
    node->min_spans = config->policy.span_count.min_spans;
    node->max_spans = config->policy.span_count.max_spans;
    return WEFT_OK;
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    int64_t count = (int64_t)trace->span_count;
    bool is_within = count >= node->min_spans && (node->max_spans == 0 || count <= node->max_spans);
    return is_within ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}

const struct weft_policy_kind weft_policy_span_count = {
    .type = "span_count", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = decide
};
