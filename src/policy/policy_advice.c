/* What a person should know of policies that are valid and probably not meant so (policy.h). */
#include "policy/policy.h"

#include <stdio.h>
#include <string.h>

/* Kept together with the place that every note names. */
struct advice {
    struct weft_config_notes *notes;
    const struct weft_policy_config *policy;
    enum weft_status status;
};

static void warn(struct advice *advice, const char *text)
{
    const struct weft_policy_config *policy = advice->policy;
    if (advice->status == WEFT_OK) {
        advice->status = weft_config_notes_add(advice->notes, WEFT_NOTE_WARNING, "%s:%u: policy \"%s\": %s",
                                               policy->position.file, policy->position.line, policy->name, text);
    }
}

/* Why a policy keeps every trace; NULL if it does not. */
static const char *keeps_all(const struct weft_policy_config *policy)
{
    if (strcmp(policy->type, "always_sample") == 0) {
        return "it keeps every trace";
    }
    if (strcmp(policy->type, "probabilistic") == 0 && policy->probabilistic.sampling_percentage >= 100) {
        return policy->probabilistic.sampling_percentage > 100 ? "sampling_percentage is over 100: it keeps every trace"
                                                               : "sampling_percentage is 100: it keeps every trace";
    }
    bool has_threshold = policy->latency.threshold_ms > 0 || policy->latency.upper_threshold_ms != 0;
    return strcmp(policy->type, "latency") == 0 && !has_threshold
               ? "threshold_ms is 0: it keeps every trace that takes a millisecond"
               : NULL;
}

static void look_at_policy(struct advice *advice)
{
    const struct weft_policy_config *policy = advice->policy;
    if (strcmp(policy->type, "probabilistic") == 0) {
        double percentage = policy->probabilistic.sampling_percentage;
        if (percentage > 100) {
            warn(advice, keeps_all(policy));
        } else if (percentage <= 0) {
            warn(advice, "sampling_percentage is 0 or less: it keeps no trace");
        }
    } else if (strcmp(policy->type, "string_attribute") == 0 && policy->string_attribute.values.count == 0) {
        warn(advice, "it has no values: no attribute matches");
    } else if (strcmp(policy->type, "rate_limiting") == 0 && policy->rate_limiting.spans_per_second <= 0) {
        warn(advice, "spans_per_second is 0 or less: beyond a burst it keeps no trace");
    } else if (strcmp(policy->type, "bytes_limiting") == 0 && policy->bytes_limiting.bytes_per_second <= 0) {
        warn(advice, "bytes_per_second is 0 or less: beyond a burst it keeps no trace");
    }
}

static void look_at_parts(struct advice *advice, const struct weft_config_list *parts, const char *if_empty)
{
    const struct weft_policy_part_config *items = parts->items;
    if (parts->count == 0) {
        warn(advice, if_empty);
    }
    for (size_t i = 0; i < parts->count; i++) {
        struct advice part = { advice->notes, &items[i].policy, advice->status };
        look_at_policy(&part);
        advice->status = part.status;
    }
}

static bool has_allocation(const struct weft_policy_composite_config *composite, const char *part)
{
    const struct weft_policy_allocation_config *allocations = composite->rate_allocation.items;
    for (size_t i = 0; i < composite->rate_allocation.count; i++) {
        if (strcmp(allocations[i].policy, part) == 0) {
            return true;
        }
    }
    return false;
}

static void look_at_composite(struct advice *advice, const struct weft_policy_composite_config *composite)
{
    const struct weft_policy_composite_part_config *items = composite->composite_sub_policy.items;
    for (size_t i = 0; i < composite->composite_sub_policy.count; i++) {
        struct advice part = { advice->notes, &items[i].policy, advice->status };
        look_at_policy(&part);
        if (!has_allocation(composite, items[i].policy.name)) {
            warn(&part, "rate_allocation does not name it: it keeps no trace, as in the Collector");
        }
        advice->status = part.status;
    }
}

/* Of several policies the one that keeps all is what counts, but for drops: to drop some and keep the rest is a use. */
static bool has_drop(const struct weft_config_list *policies)
{
    const struct weft_policy_item_config *items = policies->items;
    for (size_t i = 0; i < policies->count; i++) {
        if (strcmp(items[i].policy.type, "drop") == 0) {
            return true;
        }
    }
    return false;
}

static void look_at_keeping(struct advice *advice, size_t policy_count)
{
    const char *why = keeps_all(advice->policy);
    bool is_told = strcmp(advice->policy->type, "probabilistic") == 0 &&
                   advice->policy->probabilistic.sampling_percentage > 100; /* as of parts */
    char text[160];
    if (why != NULL && !is_told) {
        snprintf(text, sizeof text, "%s%s", why,
                 policy_count > 1 ? ", whatever the others say" : ", so that there is nothing to decide");
        warn(advice, text);
    }
}

enum weft_status weft_policies_advise(const struct weft_config_list *policies, struct weft_config_notes *notes)
{
    const struct weft_policy_item_config *items = policies->items;
    struct advice advice = { .notes = notes, .status = WEFT_OK };
    bool is_dropping = has_drop(policies);
    for (size_t i = 0; i < policies->count; i++) {
        advice.policy = &items[i].policy;
        look_at_policy(&advice);
        if (!is_dropping) {
            look_at_keeping(&advice, policies->count);
        }
        if (strcmp(items[i].policy.type, "and") == 0) {
            look_at_parts(&advice, &items[i].and.and_sub_policy, "it has no parts: it keeps every trace");
        } else if (strcmp(items[i].policy.type, "drop") == 0) {
            look_at_parts(&advice, &items[i].drop.drop_sub_policy, "it has no parts: it drops every trace");
        } else if (strcmp(items[i].policy.type, "composite") == 0) {
            look_at_composite(&advice, &items[i].composite);
        }
    }
    return advice.status;
}
