/* Policy `composite`: shares of a rate. The first part that would keep a trace decides: kept if the part's spans of
 * this second and the trace's are within the part's share, else not, and no other part is asked. As in the Collector
 * seconds are those of the wall clock, the total bounds each part by itself, parts are asked as they are listed,
 * whatever policy_order says, and one without an allocation keeps nothing. All workers share the counts. */
#include "policy/policy_internal.h"

#include "base/alloc.h"

/* In spans a second; the last allocation of a name counts. */
static uint64_t share_of(const struct weft_policy_composite_config *config, const char *part)
{
    const struct weft_policy_allocation_config *allocations = config->rate_allocation.items;
    double total = (double)config->max_total_spans_per_second;
    double share = 0;
    for (size_t i = 0; i < config->rate_allocation.count; i++) {
        if (strcmp(allocations[i].policy, part) == 0) {
            share = allocations[i].percent > 0 ? (double)allocations[i].percent / 100 * total
                                               : total / (double)config->composite_sub_policy.count;
        }
    }
    share = share < total ? share : total;
    return share < 1 ? 0 : (uint64_t)share;
}

static enum weft_status check_allocations(const struct weft_policy_composite_config *config, struct weft_error *error)
{
    const struct weft_policy_allocation_config *allocations = config->rate_allocation.items;
    const struct weft_policy_composite_part_config *parts = config->composite_sub_policy.items;
    for (size_t i = 0; i < config->rate_allocation.count; i++) {
        size_t part = 0;
        while (part < config->composite_sub_policy.count &&
               strcmp(parts[part].policy.name, allocations[i].policy) != 0) {
            part++;
        }
        if (part == config->composite_sub_policy.count) {
            return weft_fail(error, WEFT_INVALID, "%s:%u: rate_allocation names \"%s\", which is no part of it",
                             allocations[i].position.file, allocations[i].position.line, allocations[i].policy);
        }
    }
    return WEFT_OK;
}

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    const struct weft_policy_composite_config *wanted = &config->composite;
    const struct weft_policy_composite_part_config *parts = wanted->composite_sub_policy.items;
    size_t count = wanted->composite_sub_policy.count;
    enum weft_status status = check_allocations(wanted, error);
    if (status != WEFT_OK) {
        return status;
    }
    node->parts.items = weft_try_alloc((count + 1) * sizeof *node->parts.items);
    node->shares = weft_try_alloc((count + 1) * sizeof *node->shares);
    if (node->parts.items == NULL || node->shares == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    for (size_t i = 0; i < count; i++) {
        struct weft_policy_item_config part = { .policy = parts[i].policy, .and = parts[i].and };
        status = weft_policy_node_make(set, &part, WEFT_POLICY_IN_COMPOSITE, &node->parts.items[i], error);
        if (status != WEFT_OK) {
            return status;
        }
        node->shares[i].spans_per_second = share_of(wanted, parts[i].policy.name);
        node->parts.count++;
    }
    return WEFT_OK;
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    uint64_t second = (uint64_t)(trace->wall.ns / WEFT_NS_PER_S);
    for (size_t i = 0; i < node->parts.count; i++) {
        const struct weft_policy_node *part = &node->parts.items[i];
        struct weft_policy_share *share = &node->shares[i];
        enum weft_policy_answer answer = part->kind->decide(part, trace);
        if (answer == WEFT_POLICY_ERROR) {
            return answer;
        }
        if (answer == WEFT_POLICY_YES) {
            return weft_second_count_add(&share->count, second, trace->span_count, share->spans_per_second)
                       ? WEFT_POLICY_YES
                       : WEFT_POLICY_NO;
        }
    }
    return WEFT_POLICY_NO;
}

const struct weft_policy_kind weft_policy_composite = {
    .type = "composite", .places = WEFT_POLICY_AT_TOP, .has_state = true, .make = make, .decide = decide
};
