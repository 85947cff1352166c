/* A set of policies (policy.h): made from config, asked in the Collector's order: drop policies first, then the others,
 * each in the order of the config. The first that drops ends it; else the first that keeps is the one that is named,
 * and of those behind it only policies with a state are asked: what passes uses up their rates, whoever kept it. */
#include "policy/policy_internal.h"

#include "base/alloc.h"
#include "base/assert.h"

/* ---- making ---- */

enum weft_status weft_policy_take_bits(struct weft_policy_set *set, uint32_t count, uint32_t *out_bit,
                                       struct weft_error *error)
{
    if (set->bit_count + count > WEFT_POLICY_MAX_WORDS * 64) {
        return weft_fail(error, WEFT_LIMIT, "more conditions than the %d that a set of policies may have",
                         WEFT_POLICY_MAX_WORDS * 64 - WEFT_POLICY_STATUS_BITS);
    }
    *out_bit = set->bit_count;
    set->bit_count += count;
    return WEFT_OK;
}

/* Of those before it none has its name. */
static enum weft_status check_name(const struct weft_policy_item_config *items, size_t index, struct weft_error *error)
{
    const struct weft_policy_config *config = &items[index].policy;
    if (config->name[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "%s:%u: a policy needs a name", config->position.file,
                         config->position.line);
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(items[i].policy.name, config->name) == 0) {
            return weft_fail(error, WEFT_INVALID, "%s:%u: policy \"%s\": its name is that of the policy in line %u",
                             config->position.file, config->position.line, config->name, items[i].policy.position.line);
        }
    }
    return WEFT_OK;
}

static enum weft_status add_policy(struct weft_policy_set *set, const struct weft_policy_item_config *items,
                                   size_t index, struct weft_error *error)
{
    struct weft_policy *policy = &set->policies[index];
    size_t name_bytes = strlen(items[index].policy.name) + 1;
    enum weft_status status = check_name(items, index, error);
    if (status != WEFT_OK) {
        return status;
    }
    policy->name = weft_try_alloc(name_bytes);
    if (policy->name == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    memcpy(policy->name, items[index].policy.name, name_bytes);
    return weft_policy_node_make(set, &items[index], WEFT_POLICY_AT_TOP, &policy->node, error);
}

static void put_in_order(struct weft_policy_set *set)
{
    size_t at = 0;
    for (int is_drop = 1; is_drop >= 0; is_drop--) {
        for (size_t i = 0; i < set->count; i++) {
            if ((set->policies[i].node.kind == &weft_policy_drop) == (is_drop == 1)) {
                set->order[at++] = (uint32_t)i;
            }
        }
    }
}

enum weft_status weft_policy_set_new(const struct weft_config_list *policies, struct weft_policy_set **out_set,
                                     struct weft_error *error)
{
    const struct weft_policy_item_config *items = policies->items;
    struct weft_policy_set *set = weft_try_alloc(sizeof *set);
    if (set != NULL) {
        set->bit_count = WEFT_POLICY_STATUS_BITS;
        set->policies = weft_try_alloc((policies->count + 1) * sizeof *set->policies);
        set->order = weft_try_alloc((policies->count + 1) * sizeof *set->order);
    }
    if (set == NULL || set->policies == NULL || set->order == NULL) {
        weft_policy_set_free(&set);
        return weft_fail(error, WEFT_NOMEM, "no memory for policies");
    }
    for (size_t i = 0; i < policies->count; i++) {
        set->count++;
        enum weft_status status = add_policy(set, items, i, error);
        if (status != WEFT_OK) {
            weft_policy_set_free(&set);
            return status;
        }
    }
    for (size_t i = 0; i < set->attribute_count; i++) {
        uint32_t bit = set->attributes[i].bit;
        set->asked[bit / 64] |= UINT64_C(1) << bit % 64;
        set->key_count += i == 0 || !weft_slice_equal(set->attributes[i - 1].key, set->attributes[i].key);
    }
    put_in_order(set);
    *out_set = set;
    return WEFT_OK;
}

void weft_policy_set_free(struct weft_policy_set **own_set)
{
    struct weft_policy_set *set = *own_set;
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        weft_free(set->policies[i].name);
        weft_policy_node_fini(&set->policies[i].node);
    }
    weft_policy_attributes_fini(set);
    weft_policy_trace_states_fini(set);
    weft_policy_conditions_fini(set);
    weft_free(set->latencies);
    weft_free(set->policies);
    weft_free(set->order);
    weft_free(set);
    *own_set = NULL;
}

bool weft_policy_set_sees_tree(const struct weft_policy_set *set)
{
    return set->sees_tree;
}

size_t weft_policy_set_facts_bytes(const struct weft_policy_set *set)
{
    return sizeof(struct weft_policy_facts) + weft_policy_word_count(set) * sizeof(uint64_t);
}

size_t weft_policy_set_count(const struct weft_policy_set *set)
{
    return set->count;
}

const char *weft_policy_set_name(const struct weft_policy_set *set, size_t policy)
{
    weft_assert(policy < set->count);
    return set->policies[policy].name;
}

/* ---- deciding ---- */

void weft_policy_set_decide(const struct weft_policy_set *set, const struct weft_policy_trace *trace,
                            struct weft_policy_decision *out_decision)
{
    struct weft_policy_decision decision = { .policy = -1 };
    for (size_t i = 0; i < set->count && !decision.is_dropped; i++) {
        uint32_t index = set->order[i];
        const struct weft_policy_node *node = &set->policies[index].node;
        if (decision.is_kept && (!node->has_state || trace->is_first_match_enough)) {
            continue;
        }
        enum weft_policy_answer answer = node->kind->decide(node, trace);
        if (answer == WEFT_POLICY_ERROR) {
            decision.errors++;
        } else if (answer != WEFT_POLICY_NO && !decision.is_kept) {
            decision.is_kept = answer == WEFT_POLICY_YES;
            decision.is_dropped = answer == WEFT_POLICY_DROP;
            decision.policy = (int32_t)index;
        }
    }
    *out_decision = decision;
}
