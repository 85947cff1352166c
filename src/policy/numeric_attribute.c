/* Policy `numeric_attribute`: keeps traces in which the attribute, of a resource or of a span, is a whole number within
 * bounds; inverted, those in which none is. As in the Collector a bound of 0 is none, and what is no whole number
 * counts as 0. */
#include "policy/policy_internal.h"

static enum weft_policy_answer match(const struct weft_policy_attribute *attribute, struct weft_policy_scratch *scratch,
                                     const struct weft_otlp_value *value, bool is_span)
{
    (void)scratch;
    (void)is_span;
    int64_t number = value->kind == WEFT_OTLP_VALUE_INT ? value->integer : 0;
    return number >= attribute->min && number <= attribute->max ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    const struct weft_policy_numeric_config *wanted = &config->policy.numeric_attribute;
    if (wanted->min_value == 0 && wanted->max_value == 0) {
        return weft_fail(error, WEFT_INVALID,
                         "min_value and max_value are 0, which is no bound: one of them must be another number");
    }
    struct weft_policy_attribute attribute = { .match = match,
                                               .min = wanted->min_value == 0 ? INT64_MIN : wanted->min_value,
                                               .max = wanted->max_value == 0 ? INT64_MAX : wanted->max_value };
    if (attribute.min > attribute.max) {
        return weft_fail(error, WEFT_INVALID, "min_value %lld is more than max_value %lld: no number is in between",
                         (long long)wanted->min_value, (long long)wanted->max_value);
    }
    node->is_inverted = wanted->invert_match;
    return weft_policy_attribute_add(set, wanted->key, &attribute, &node->bit, error);
}

const struct weft_policy_kind weft_policy_numeric_attribute = {
    .type = "numeric_attribute", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = weft_policy_attribute_decide
};
