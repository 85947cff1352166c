/* Policy `boolean_attribute`: keeps traces in which the attribute, of a resource or of a span, has the value; inverted,
 * those in which none has. As in the Collector what is no bool counts as false. */
#include "policy/policy_internal.h"

static enum weft_policy_answer match(const struct weft_policy_attribute *attribute, struct weft_policy_scratch *scratch,
                                     const struct weft_otlp_value *value, bool is_span)
{
    (void)scratch;
    (void)is_span;
    bool is_true = value->kind == WEFT_OTLP_VALUE_BOOL && value->is_true;
    return is_true == attribute->is_true ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    const struct weft_policy_boolean_config *wanted = &config->policy.boolean_attribute;
    struct weft_policy_attribute attribute = { .match = match, .is_true = wanted->value };
    node->is_inverted = wanted->invert_match;
    return weft_policy_attribute_add(set, wanted->key, &attribute, &node->bit, error);
}

const struct weft_policy_kind weft_policy_boolean_attribute = {
    .type = "boolean_attribute", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = weft_policy_attribute_decide
};
