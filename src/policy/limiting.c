/* Policies `rate_limiting` and `bytes_limiting`: keep traces as long as their spans, or bytes, fit into a token bucket,
 * which all workers share. A trace that is over the burst never fits. Bytes are those of the trace as one request. */
#include "policy/policy_internal.h"

#include "base/alloc.h"

static enum weft_status make_bucket(int64_t per_second, int64_t burst, struct weft_policy_node *node,
                                    struct weft_error *error)
{
    node->limit = weft_try_alloc(sizeof *node->limit);
    if (node->limit == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    node->limit->per_second = (double)per_second;
    node->limit->burst = burst > 0 ? (double)burst : 2 * (double)per_second;
    return WEFT_OK;
}

static enum weft_status make_rate(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                                  struct weft_policy_node *node, struct weft_error *error)
{
    const struct weft_policy_rate_config *wanted = &config->policy.rate_limiting;
    (void)set;
    return make_bucket(wanted->spans_per_second, wanted->burst_capacity, node, error);
}

static enum weft_status make_bytes(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                                   struct weft_policy_node *node, struct weft_error *error)
{
    const struct weft_policy_bytes_config *wanted = &config->policy.bytes_limiting;
    (void)set;
    return make_bucket(wanted->bytes_per_second, wanted->burst_capacity, node, error);
}

static enum weft_policy_answer take(const struct weft_policy_node *node, const struct weft_policy_trace *trace,
                                    uint64_t amount)
{
    return weft_token_bucket_take(node->limit, trace->now, amount) ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}

static enum weft_policy_answer decide_rate(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    return take(node, trace, trace->span_count);
}

static enum weft_policy_answer decide_bytes(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    return take(node, trace, trace->size_bytes(trace->context));
}

const struct weft_policy_kind weft_policy_rate_limiting = {
    .type = "rate_limiting", .places = WEFT_POLICY_ANYWHERE, .has_state = true, .make = make_rate, .decide = decide_rate
};
const struct weft_policy_kind weft_policy_bytes_limiting = { .type = "bytes_limiting",
                                                             .places = WEFT_POLICY_ANYWHERE,
                                                             .has_state = true,
                                                             .make = make_bytes,
                                                             .decide = decide_bytes };
