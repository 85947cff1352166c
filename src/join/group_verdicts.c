/* The verdict on a group (groups.h): its members are asked for what they know, the policies judge all of it together,
 * and each member is told. */
#include "base/alloc.h"
#include "base/assert.h"
#include "join/groups_internal.h"

static const int64_t answer_wait_ns = 5 * WEFT_NS_PER_S;
static const int64_t reload_wait_ns = 10 * WEFT_NS_PER_S; /* then who goes by other rules counts as unknown */
static const int64_t ask_again_ns = 5 * WEFT_NS_PER_MS;

static struct weft_member *member_of(struct weft_list *node)
{
    return WEFT_CONTAINER_OF(node, struct weft_member, node);
}

static struct weft_member *find(const struct weft_groups *groups, const struct weft_item *item)
{
    return weft_table_find(groups->members, weft_slice_of(item->trace_id, WEFT_TRACE_ID_BYTES));
}

static const uint8_t *id_of(const struct weft_groups *groups, const struct weft_member *member)
{
    return weft_table_key(groups->members, member).bytes;
}

/* ---- telling ---- */

static void tell(struct weft_groups *groups, const uint8_t *trace_id, enum weft_outcome outcome,
                 const struct weft_group *group, bool is_late)
{
    struct weft_item item = { .kind = WEFT_ITEM_VERDICT, .outcome = (uint8_t)outcome, .is_late = is_late };
    struct weft_join *join = groups->join;
    memcpy(item.trace_id, trace_id, sizeof item.trace_id);
    if (group != NULL) {
        item.policy = group->policy;
        item.generation = group->generation;
        item.is_early = group->is_early;
    }
    groups->counters.late_members += is_late && outcome == WEFT_OUTCOME_ALONE;
    /* Without memory its owner judges it alone when no answer has come for long enough. */
    (void)weft_letters_write(join->letters, weft_join_owner_of_id(&join->stage, trace_id), &item, NULL);
}

/* Who came after a drop is judged alone. */
static void tell_verdict(struct weft_groups *groups, struct weft_member *member)
{
    const struct weft_group *group = member->group;
    bool is_kept = group->state == WEFT_GROUP_KEPT;
    enum weft_outcome after_drop = member->is_late ? WEFT_OUTCOME_ALONE : WEFT_OUTCOME_DROPPED;
    weft_assert(is_kept || group->state == WEFT_GROUP_DROPPED);
    tell(groups, id_of(groups, member), is_kept ? WEFT_OUTCOME_KEPT : after_drop, group, member->is_late);
    member->is_waiting = false;
}

void weft_group_answer_waiting(struct weft_groups *groups, struct weft_group *group)
{
    WEFT_LIST_EACH(node, &group->members)
    {
        if (member_of(node)->is_waiting) {
            tell_verdict(groups, member_of(node));
        }
    }
}

/* ---- judging ---- */

static uint64_t group_size_bytes(void *context)
{
    const struct weft_group *group = context;
    return group->size_bytes;
}

static bool see_group_tree(void *context, struct weft_policy_tree *out_tree)
{
    const struct weft_group *group = context;
    *out_tree = group->tree;
    return group->has_tree;
}

static void judge(struct weft_groups *groups, struct weft_group *group)
{
    struct weft_join *join = groups->join;
    struct weft_policy_decision decision;
    weft_assert(group->facts_generation == join->generation);
    struct weft_policy_trace asked = { .trace_id = group->first,
                                       .facts = group->facts,
                                       .span_count = group->span_count,
                                       .worst_severity = group->worst_severity,
                                       .is_first_match_enough = join->rules->samples_on_first_match,
                                       .now = weft_groups_now(groups),
                                       .wall = weft_wall_now(),
                                       .size_bytes = group_size_bytes,
                                       .see_tree = see_group_tree,
                                       .context = group };
    weft_policy_set_decide(join->rules->policies, &asked, &decision);
    join->counters.policy_errors += decision.errors;
    group->state = decision.is_kept ? WEFT_GROUP_KEPT : WEFT_GROUP_DROPPED;
    group->policy = decision.policy;
    group->generation = join->generation;
}

/* No trace of it has a span: log lines, which leave no verdict and are no group any more. Or those that have did not
 * say in time, by these rules, what they know: each is judged alone. */
static void end_without_spans(struct weft_groups *groups, struct weft_group *group)
{
    WEFT_LIST_EACH(node, &group->members)
    {
        const struct weft_member *member = member_of(node);
        if (member->is_held || member->is_waiting) {
            tell(groups, id_of(groups, member), member->has_spans ? WEFT_OUTCOME_ALONE : WEFT_OUTCOME_NO_SPANS, NULL,
                 false);
        }
    }
    weft_group_remove(groups, group);
}

static void conclude(struct weft_groups *groups, struct weft_group *group)
{
    if (group->span_count == 0) {
        end_without_spans(groups, group);
        return;
    }
    judge(groups, group);
    weft_group_forget_facts(groups, group);
    weft_group_age_anew(groups, group);
    WEFT_LIST_EACH(node, &group->members)
    {
        struct weft_member *member = member_of(node);
        if (member->is_held || member->is_waiting) {
            tell_verdict(groups, member);
        }
        member->is_asked = member->is_held = false;
    }
}

/* ---- asking ---- */

void weft_group_forget_facts(struct weft_groups *groups, struct weft_group *group)
{
    if (group->facts != NULL) {
        weft_budget_release(groups->join->stage.host->budget, group->facts_bytes);
        groups->facts_bytes -= group->facts_bytes;
        weft_free(group->facts);
        group->facts = NULL;
    }
}

/* The rules have changed since: what was answered means something else under these, and takes other room. */
static bool is_of_other_rules(const struct weft_groups *groups, const struct weft_group *group)
{
    return group->facts_generation != groups->join->generation;
}

/* Nothing was answered yet. False without memory. */
static bool begin_facts(struct weft_groups *groups, struct weft_group *group)
{
    const struct weft_policy_set *policies = groups->join->rules->policies;
    weft_group_forget_facts(groups, group);
    group->span_count = group->size_bytes = 0;
    group->worst_severity = 0;
    group->has_tree = weft_policy_set_sees_tree(policies);
    group->tree = (struct weft_policy_tree){ 0 };
    group->is_stale = false;
    group->awaiting = 0;
    group->facts_bytes = weft_policy_set_facts_bytes(policies);
    group->facts_generation = groups->join->generation;
    group->facts = weft_try_alloc(group->facts_bytes);
    if (group->facts == NULL) {
        return false;
    }
    weft_budget_charge(groups->join->stage.host->budget, group->facts_bytes);
    groups->facts_bytes += group->facts_bytes;
    return true;
}

static void give_up(struct weft_groups *groups, struct weft_group *group)
{
    WEFT_LIST_EACH(node, &group->members)
    {
        tell(groups, id_of(groups, member_of(node)), WEFT_OUTCOME_ALONE, NULL, false);
    }
    weft_group_remove(groups, group);
}

static void ask_all(struct weft_groups *groups, struct weft_group *group)
{
    struct weft_join *join = groups->join;
    group->asked = weft_groups_now(groups);
    weft_list_remove(&group->node);
    weft_list_push_back(&groups->deciding, &group->node);
    if (!begin_facts(groups, group)) {
        give_up(groups, group);
        return;
    }
    struct weft_item item = { .kind = WEFT_ITEM_ASK, .group = weft_table_handle(groups->table, group) };
    WEFT_LIST_EACH(node, &group->members)
    {
        struct weft_member *member = member_of(node);
        memcpy(item.trace_id, id_of(groups, member), sizeof item.trace_id);
        uint32_t owner = weft_join_owner_of_id(&join->stage, item.trace_id);
        member->is_held = false;
        member->is_asked = weft_letters_write(join->letters, owner, &item, NULL);
        group->awaiting += member->is_asked;
    }
    if (group->awaiting == 0) {
        give_up(groups, group);
    }
}

static void decide(struct weft_groups *groups, struct weft_group *group, bool is_early)
{
    weft_assert(group->state == WEFT_GROUP_OPEN && group->member_count > 0);
    group->state = WEFT_GROUP_DECIDING;
    group->is_early = is_early;
    group->aged = weft_groups_now(groups);
    ask_all(groups, group);
}

/* ---- what members say ---- */

static bool has_spans(struct weft_group *group)
{
    WEFT_LIST_EACH(node, &group->members)
    {
        if (member_of(node)->has_spans) {
            return true;
        }
    }
    return false;
}

/* Log lines wait for the spans of their group; if there are none they are not of it any more. */
static void take_due_lines(struct weft_groups *groups, struct weft_member *member, bool is_early)
{
    struct weft_group *group = member->group;
    if (has_spans(group)) {
        member->is_waiting = true;
        if (is_early) {
            decide(groups, group, true);
        }
        return;
    }
    tell(groups, id_of(groups, member), WEFT_OUTCOME_NO_SPANS, NULL, false);
    weft_group_remove_member(groups, member);
    if (group->member_count == 0) {
        weft_group_remove(groups, group);
    }
}

void weft_group_take_due(struct weft_groups *groups, const struct weft_item *item)
{
    struct weft_member *member = find(groups, item);
    if (member == NULL) {
        groups->counters.unknown++;
        tell(groups, item->trace_id, item->has_spans ? WEFT_OUTCOME_ALONE : WEFT_OUTCOME_NO_SPANS, NULL, false);
        return;
    }
    member->has_spans = member->has_spans || item->has_spans;
    switch (member->group->state) {
    case WEFT_GROUP_KEPT:
    case WEFT_GROUP_DROPPED:
        tell_verdict(groups, member);
        return;
    case WEFT_GROUP_DECIDING:
        member->is_waiting = true;
        return;
    case WEFT_GROUP_OPEN:
        if (member->has_spans) {
            decide(groups, member->group, item->is_early);
        } else {
            take_due_lines(groups, member, item->is_early);
        }
        return;
    }
}

/* Of a trace that was dropped more has come: if its group was kept it follows that from now on. It decides nothing. */
void weft_group_take_late(struct weft_groups *groups, const struct weft_item *item)
{
    struct weft_member *member = find(groups, item);
    if (member != NULL && member->group->state == WEFT_GROUP_DECIDING) {
        member->is_waiting = true;
        return;
    }
    bool is_kept = member != NULL && member->group->state == WEFT_GROUP_KEPT;
    tell(groups, item->trace_id, is_kept ? WEFT_OUTCOME_KEPT : WEFT_OUTCOME_ALONE, is_kept ? member->group : NULL,
         false);
}

static void add_facts(struct weft_groups *groups, struct weft_group *group, const struct weft_item *item,
                      const struct weft_policy_facts *facts)
{
    weft_assert(item->facts_bytes == group->facts_bytes);
    group->size_bytes += item->size_bytes;
    group->worst_severity = item->worst_severity > group->worst_severity ? item->worst_severity : group->worst_severity;
    if (item->span_count > 0) {
        bool is_least = group->span_count == 0 || memcmp(item->trace_id, group->first, sizeof group->first) < 0;
        if (is_least) {
            memcpy(group->first, item->trace_id, sizeof group->first);
        }
        group->span_count += item->span_count;
        group->has_tree = group->has_tree && item->has_tree;
        group->tree.is_without_root = group->tree.is_without_root || item->tree.is_without_root;
        group->tree.has_orphan = group->tree.has_orphan || item->tree.has_orphan;
        group->tree.has_error_in_leaf = group->tree.has_error_in_leaf || item->tree.has_error_in_leaf;
        weft_policy_facts_merge_trace(groups->join->rules->policies, group->facts, facts);
    }
}

/* It was not waited for any more, or its group was forgotten. */
static void answer_latecomer(struct weft_groups *groups, const struct weft_item *item)
{
    struct weft_member *member = find(groups, item);
    if (!item->is_held || (member != NULL && member->group->state == WEFT_GROUP_DECIDING)) {
        return;
    }
    if (member != NULL && member->group->state != WEFT_GROUP_OPEN) {
        tell_verdict(groups, member);
        return;
    }
    groups->counters.unknown++;
    tell(groups, item->trace_id, item->span_count > 0 ? WEFT_OUTCOME_ALONE : WEFT_OUTCOME_NO_SPANS, NULL, false);
}

void weft_group_take_facts(struct weft_groups *groups, const struct weft_item *item,
                           const struct weft_policy_facts *facts)
{
    struct weft_group *group = weft_table_resolve(groups->table, item->group);
    struct weft_member *member = find(groups, item);
    bool is_awaited = group != NULL && group->state == WEFT_GROUP_DECIDING && member != NULL &&
                      member->group == group && member->is_asked;
    if (!is_awaited) {
        answer_latecomer(groups, item);
        return;
    }
    member->is_asked = false;
    member->is_held = item->is_held;
    if (is_of_other_rules(groups, group) || (item->is_held && item->generation != groups->join->generation)) {
        group->is_stale = true;
        groups->has_stale = true;
    } else if (item->is_held) {
        add_facts(groups, group, item, facts);
    }
    weft_assert(group->awaiting > 0);
    if (--group->awaiting == 0 && !group->is_stale) {
        conclude(groups, group);
    }
}

/* ---- time ---- */

static bool is_too_long(const struct weft_groups *groups, const struct weft_group *group)
{
    return weft_monotonic_after(group->aged, reload_wait_ns).ns <= weft_groups_now(groups).ns;
}

/* Nobody is waited for any more, and some have not been asked under these rules. That is done once for each reload,
 * however long the group has been waiting; those whose own rules are others may be waited for for too long. */
static bool is_to_be_asked_again(const struct weft_groups *groups, const struct weft_group *group, bool is_over)
{
    bool is_answered = group->awaiting == 0 || is_over;
    return is_answered && (is_of_other_rules(groups, group) || (group->is_stale && !is_too_long(groups, group)));
}

/* Asks those again whose answers were of other rules, and decides without those that do not answer. */
void weft_groups_hurry(struct weft_groups *groups)
{
    int64_t now_ns = weft_groups_now(groups).ns;
    struct weft_list *next = NULL;
    const struct weft_list *last = groups->deciding.previous;
    bool is_last = weft_list_is_empty(&groups->deciding);
    bool has_stale = groups->has_stale;
    groups->has_stale = false;
    for (struct weft_list *node = groups->deciding.next; !is_last; node = next) {
        struct weft_group *group = WEFT_CONTAINER_OF(node, struct weft_group, node);
        bool is_over = weft_monotonic_after(group->asked, answer_wait_ns).ns <= now_ns;
        is_last = node == last;
        next = node->next;
        if (is_to_be_asked_again(groups, group, is_over)) {
            ask_all(groups, group);
        } else if (is_over || (group->is_stale && group->awaiting == 0)) {
            groups->counters.missed_answers += group->awaiting;
            conclude(groups, group);
        } else if (!has_stale) {
            return; /* those behind were asked later */
        } else {
            groups->has_stale = groups->has_stale || group->is_stale;
        }
    }
}

struct weft_monotonic weft_groups_hurry_due(const struct weft_groups *groups)
{
    struct weft_list *node = groups->deciding.next;
    if (node == &groups->deciding) {
        return WEFT_NEVER;
    }
    const struct weft_group *group = WEFT_CONTAINER_OF(node, struct weft_group, node);
    return groups->has_stale ? weft_monotonic_after(weft_groups_now(groups), ask_again_ns)
                             : weft_monotonic_after(group->asked, answer_wait_ns);
}
