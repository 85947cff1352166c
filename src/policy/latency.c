/* Policy `latency`: keeps traces that take longer than a threshold, from the earliest start to the latest end of their
 * spans. The Collector looks after every span and keeps the trace if the condition ever held, which makes a difference
 * with an upper bound and for times of 0; so it is gathered as a bit. */
#include "policy/policy_internal.h"

#include "base/alloc.h"
#include "base/clock.h"

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    const struct weft_policy_latency_config *wanted = &config->policy.latency;
    for (size_t i = 0; i < set->latency_count; i++) {
        const struct weft_policy_latency *known = &set->latencies[i];
        if (known->threshold_ms == wanted->threshold_ms && known->upper_threshold_ms == wanted->upper_threshold_ms) {
            node->bit = known->bit;
            return WEFT_OK;
        }
    }
    enum weft_status status = weft_policy_take_bits(set, 1, &node->bit, error);
    if (status != WEFT_OK) {
        return status;
    }
    if (weft_try_grow(&set->latencies, sizeof *set->latencies, set->latency_count, &set->latency_capacity) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    set->latencies[set->latency_count++] =
        (struct weft_policy_latency){ wanted->threshold_ms, wanted->upper_threshold_ms, node->bit };
    return WEFT_OK;
}

/* Times are taken as signed, a difference that does not fit is the largest that does, and parts of a millisecond are
 * cut off: as Go's time does it. */
static int64_t duration_ms(const struct weft_policy_facts *facts)
{
    int64_t start = (int64_t)facts->start_min_ns;
    int64_t end = (int64_t)facts->end_max_ns;
    int64_t duration;
    if (__builtin_sub_overflow(end, start, &duration)) {
        duration = end < start ? INT64_MIN : INT64_MAX;
    }
    return duration / WEFT_NS_PER_MS;
}

void weft_policy_latencies_gather(const struct weft_policy_set *set, struct weft_policy_facts *facts)
{
    if (set->latency_count == 0) {
        return;
    }
    int64_t duration = duration_ms(facts);
    for (size_t i = 0; i < set->latency_count; i++) {
        const struct weft_policy_latency *latency = &set->latencies[i];
        bool is_over = duration > latency->threshold_ms;
        if (is_over && (latency->upper_threshold_ms == 0 || duration <= latency->upper_threshold_ms)) {
            weft_policy_set_bit(facts, latency->bit);
        }
    }
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    return weft_policy_has_bit(trace->facts, node->bit) ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}

const struct weft_policy_kind weft_policy_latency = {
    .type = "latency", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = decide
};
