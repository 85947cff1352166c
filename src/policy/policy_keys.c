/* Which attributes policies decide by, and the values that they look for (policy.h). */
#include "policy/policy.h"

#include <string.h>

/* Kept together: parts without a name go by that of the policy they are of. */
struct naming {
    struct weft_named_keys *keys;
    const char *policy;
    enum weft_status status;
};

static void name_key(struct naming *naming, const struct weft_policy_config *policy, const char *key,
                     const struct weft_config_strings *values)
{
    if (naming->status == WEFT_OK && key[0] != '\0') {
        const struct weft_named_key named = { .key = key,
                                              .kind = "policy",
                                              .name = policy->name[0] == '\0' ? naming->policy : policy->name,
                                              .values = values == NULL ? NULL : (const char *const *)values->items,
                                              .value_count = values == NULL ? 0 : values->count,
                                              .signals = 1u << WEFT_TRACES };
        naming->status = weft_named_keys_add(naming->keys, &named);
    }
}

static void name_keys_of_policy(struct naming *naming, const struct weft_policy_config *policy)
{
    if (strcmp(policy->type, "string_attribute") == 0) {
        const struct weft_policy_string_config *wanted = &policy->string_attribute;
        name_key(naming, policy, wanted->key, wanted->enabled_regex_matching ? NULL : &wanted->values);
    } else if (strcmp(policy->type, "numeric_attribute") == 0) {
        name_key(naming, policy, policy->numeric_attribute.key, NULL);
    } else if (strcmp(policy->type, "boolean_attribute") == 0) {
        name_key(naming, policy, policy->boolean_attribute.key, NULL);
    }
}

static void name_keys_of_not(struct naming *naming, const struct weft_policy_config *policy,
                             const struct weft_policy_not_config * not )
{
    if (strcmp(policy->type, "not") == 0) {
        name_keys_of_policy(naming, &not ->not_sub_policy);
    }
}

/* Of `and` and of `drop`. */
static void name_keys_of_parts(struct naming *naming, const struct weft_config_list *parts)
{
    const struct weft_policy_part_config *items = parts->items;
    for (size_t i = 0; i < parts->count; i++) {
        name_keys_of_policy(naming, &items[i].policy);
        name_keys_of_not(naming, &items[i].policy, &items[i].not );
    }
}

static void name_keys_of_composite(struct naming *naming, const struct weft_policy_composite_config *composite)
{
    const struct weft_policy_composite_part_config *items = composite->composite_sub_policy.items;
    for (size_t i = 0; i < composite->composite_sub_policy.count; i++) {
        name_keys_of_policy(naming, &items[i].policy);
        if (strcmp(items[i].policy.type, "and") == 0) {
            name_keys_of_parts(naming, &items[i].and.and_sub_policy);
        }
    }
}

enum weft_status weft_policies_name_keys(const struct weft_config_list *policies, struct weft_named_keys *keys)
{
    const struct weft_policy_item_config *items = policies->items;
    struct naming naming = { .keys = keys, .status = WEFT_OK };
    for (size_t i = 0; i < policies->count; i++) {
        const char *type = items[i].policy.type;
        naming.policy = items[i].policy.name;
        name_keys_of_policy(&naming, &items[i].policy);
        name_keys_of_not(&naming, &items[i].policy, &items[i].not );
        if (strcmp(type, "and") == 0) {
            name_keys_of_parts(&naming, &items[i].and.and_sub_policy);
        } else if (strcmp(type, "drop") == 0) {
            name_keys_of_parts(&naming, &items[i].drop.drop_sub_policy);
        } else if (strcmp(type, "composite") == 0) {
            name_keys_of_composite(&naming, &items[i].composite);
        }
    }
    return naming.status;
}
