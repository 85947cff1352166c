/* Policy `tree`, weft's own: keeps traces whose tree of spans lacks something or failed at its end, where the cause is.
 * The tree is made when the policy is asked, so it should stand behind cheaper ones. */
#include "policy/policy_internal.h"

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    const struct weft_policy_tree_config *wanted = &config->policy.tree;
    set->sees_tree = true;
    node->wanted = (struct weft_policy_tree){ wanted->missing_root, wanted->orphans, wanted->error_in_leaf };
    if (!wanted->missing_root && !wanted->orphans && !wanted->error_in_leaf) {
        return weft_fail(error, WEFT_INVALID,
                         "none of missing_root, orphans, error_in_leaf is true: it would keep nothing");
    }
    return WEFT_OK;
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    struct weft_policy_tree tree;
    if (!trace->see_tree(trace->context, &tree)) {
        return WEFT_POLICY_ERROR;
    }
    bool is_match = (node->wanted.is_without_root && tree.is_without_root) ||
                    (node->wanted.has_orphan && tree.has_orphan) ||
                    (node->wanted.has_error_in_leaf && tree.has_error_in_leaf);
    return is_match ? WEFT_POLICY_YES : WEFT_POLICY_NO;
}

const struct weft_policy_kind weft_policy_tree = {
    .type = "tree", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = decide
};
