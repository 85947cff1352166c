/* Who belongs together (groups.h): what words that are sighted do to groups. */
#include "base/assert.h"
#include "base/log.h"
#include "join/groups_internal.h"

enum { DEFERRED_BYTES_MAX = 64 << 10 }; /* more sightings than these are passed over */

static struct weft_slice id_of(const struct weft_item *item)
{
    return weft_slice_of(item->trace_id, WEFT_TRACE_ID_BYTES);
}

/* ---- membership ---- */

/* NULL without memory. */
static struct weft_group *begin_group(struct weft_groups *groups)
{
    void *entry = NULL;
    bool is_new = false;
    uint64_t serial = groups->next_serial;
    if (weft_table_put(groups->table, weft_slice_of(&serial, sizeof serial), &entry, &is_new) != WEFT_OK) {
        return NULL;
    }
    weft_assert(is_new);
    struct weft_group *group = entry;
    groups->next_serial++;
    groups->counters.groups++;
    group->aged = weft_groups_now(groups);
    weft_list_init(&group->members);
    weft_list_init(&group->aliases);
    weft_list_push_back(&groups->aging, &group->node);
    return group;
}

/* Without memory it is in no group. */
static void add_member(struct weft_groups *groups, struct weft_group *group, const struct weft_item *item)
{
    void *entry = NULL;
    bool is_new = false;
    weft_assert(group->member_count < WEFT_GROUP_TRACES_MAX);
    if (weft_table_put(groups->members, id_of(item), &entry, &is_new) != WEFT_OK) {
        return;
    }
    struct weft_member *member = entry;
    weft_assert(is_new);
    member->group = group;
    member->has_spans = item->has_spans;
    member->is_late = group->state != WEFT_GROUP_OPEN;
    weft_list_push_back(&group->members, &member->node);
    group->member_count++;
}

static void set_group(struct weft_group_alias *alias, struct weft_group *group)
{
    alias->group = group;
    group->alias_count++;
    weft_list_remove(&alias->node);
    weft_list_push_back(&group->aliases, &alias->node);
}

/* What many share by accident or on purpose joins nobody any more. The value is not said: it is a record's. A trace
 * that is undecided tells an alias once; what comes behind a verdict may tell it with each record, and does not count.
 */
static void note_outside(struct weft_groups *groups, struct weft_group_alias *alias, const struct weft_item *item)
{
    struct weft_group *group = alias->group;
    if (item->is_decided) {
        return;
    }
    groups->counters.closed_groups += !group->is_closed;
    group->is_closed = true;
    if (++alias->outside_count < WEFT_ALIAS_SIGHTINGS_MAX) {
        return;
    }
    groups->counters.burnt_aliases++;
    weft_log(WARN, "tail_sampling.alias_burnt", "so many traces share a word that it joins none from now on",
             WEFT_LOG_STRING("processor", groups->join->stage.identity->id),
             WEFT_LOG_INT("outside_its_group", alias->outside_count));
    group->alias_count--;
    alias->group = NULL;
    alias->burnt = weft_groups_now(groups);
    weft_list_remove(&alias->node);
    weft_list_push_back(&groups->burnt, &alias->node);
}

/* ---- merging ---- */

static void move_all(struct weft_groups *groups, struct weft_group *to, struct weft_group *from)
{
    struct weft_list *node = NULL;
    while ((node = weft_list_pop_front(&from->members)) != NULL) {
        struct weft_member *member = WEFT_CONTAINER_OF(node, struct weft_member, node);
        member->group = to;
        member->is_late = member->is_late || to->state != WEFT_GROUP_OPEN;
        weft_list_push_back(&to->members, node);
    }
    while ((node = weft_list_pop_front(&from->aliases)) != NULL) {
        WEFT_CONTAINER_OF(node, struct weft_group_alias, node)->group = to;
        weft_list_push_back(&to->aliases, node);
    }
    to->member_count += from->member_count;
    to->alias_count += from->alias_count;
    to->is_closed = to->is_closed || from->is_closed;
    from->member_count = from->alias_count = 0;
    weft_group_remove(groups, from);
}

/* Two open groups: the smaller one's members move. */
static void merge_open(struct weft_groups *groups, struct weft_group *one, struct weft_group *other)
{
    if (one->member_count >= other->member_count) {
        move_all(groups, one, other);
    } else {
        move_all(groups, other, one);
    }
}

static void move_member(struct weft_member *member, struct weft_group *to)
{
    member->group->member_count--;
    to->member_count++;
    member->group = to;
    weft_list_remove(&member->node);
    weft_list_push_back(&to->members, &member->node);
}

/* What comes of it depends on the verdict that one of them is about to have. */
static bool has_to_wait(const struct weft_group *own, const struct weft_group *other)
{
    return own->state == WEFT_GROUP_DECIDING || other->state == WEFT_GROUP_DECIDING;
}

/* A trace that was dropped has been named by those that have its id as a word. */
static bool is_named(const struct weft_item *item)
{
    return item->is_decided && memcmp(item->alias, item->trace_id, WEFT_TRACE_ID_BYTES) == 0;
}

/* What comes of a dropped trace with a word of a group that is open says nothing about that one: whoever writes late
 * records could tear it apart. */
static bool is_passed_over(const struct weft_item *item, const struct weft_group *group)
{
    return item->is_decided && item->outcome == WEFT_OUTCOME_DROPPED && !is_named(item) &&
           group->state == WEFT_GROUP_OPEN && group->member_count > 0;
}

/* A member of one group has an alias of another; neither is being decided. A member that was dropped stays where it
 * was: those that have named it are late members of its group. One that still waits for its verdict, late, goes over
 * to a group that has more to say. */
static void meet(struct weft_groups *groups, struct weft_member *member, struct weft_group_alias *alias,
                 const struct weft_item *item)
{
    struct weft_group *own = member->group;
    struct weft_group *other = alias->group;
    bool has_room = own->member_count + other->member_count <= WEFT_GROUP_TRACES_MAX &&
                    own->alias_count + other->alias_count <= WEFT_GROUP_ALIASES_MAX;
    if (is_named(item) && own->state == WEFT_GROUP_DROPPED && other->state == WEFT_GROUP_OPEN && has_room) {
        move_all(groups, own, other);
        weft_group_answer_waiting(groups, own);
    } else if (own->state == WEFT_GROUP_OPEN && other->state == WEFT_GROUP_DROPPED) {
        member->is_late = true; /* of that one; it is judged with its own */
    } else if (own->state == WEFT_GROUP_DROPPED && other->state != WEFT_GROUP_DROPPED &&
               other->member_count < WEFT_GROUP_TRACES_MAX) {
        move_member(member, other);
        weft_group_answer_waiting(groups, other);
    } else if (!has_room) {
        note_outside(groups, alias, item);
    } else if (own->state == WEFT_GROUP_OPEN && other->state == WEFT_GROUP_OPEN) {
        merge_open(groups, own, other);
    } else if (own->state == WEFT_GROUP_OPEN && other->state == WEFT_GROUP_KEPT) {
        move_all(groups, other, own);
        weft_group_answer_waiting(groups, other);
    } else if (own->state == WEFT_GROUP_KEPT && other->state == WEFT_GROUP_OPEN) {
        move_all(groups, own, other);
        weft_group_answer_waiting(groups, own);
    }
}

/* ---- sightings ---- */

/* A trace that was named, or brings a word, and has its verdict: who has it in common with it follows a keep; who has
 * named it, or comes later, is late after a drop. */
static void take_decided(struct weft_groups *groups, const struct weft_item *item, struct weft_group *group)
{
    bool is_kept = item->outcome == WEFT_OUTCOME_KEPT;
    if (group->state != WEFT_GROUP_OPEN) {
        return;
    }
    WEFT_LIST_EACH(node, &group->members)
    {
        WEFT_CONTAINER_OF(node, struct weft_member, node)->is_late = true;
    }
    if (is_kept || group->member_count == 0) {
        group->state = is_kept ? WEFT_GROUP_KEPT : WEFT_GROUP_DROPPED;
        group->policy = -1;
        group->generation = item->generation;
        weft_group_age_anew(groups, group);
        weft_group_answer_waiting(groups, group);
    }
}

/* NULL without memory: then the trace is in no group by this alias. */
static struct weft_group_alias *alias_of(struct weft_groups *groups, const struct weft_item *item, bool *out_is_new)
{
    void *entry = NULL;
    if (weft_table_put(groups->aliases, weft_slice_of(item->alias, WEFT_ALIAS_BYTES), &entry, out_is_new) != WEFT_OK) {
        return NULL;
    }
    struct weft_group_alias *alias = entry;
    if (*out_is_new) {
        weft_list_init(&alias->node);
    }
    return alias;
}

/* Whoever owns the trace that was named says so when it is there. */
static void claim(struct weft_groups *groups, const uint8_t *trace_id)
{
    struct weft_item item = { .kind = WEFT_ITEM_CLAIM };
    struct weft_join *join = groups->join;
    memcpy(item.trace_id, trace_id, sizeof item.trace_id);
    (void)weft_letters_write(join->letters, weft_join_owner_of_id(&join->stage, trace_id), &item, NULL);
}

/* False without room: it is as if the trace had not had the word. */
static bool defer(struct weft_groups *groups, const struct weft_item *item)
{
    bool has_room = groups->deferred.length + sizeof *item <= DEFERRED_BYTES_MAX;
    if (has_room) {
        weft_buffer_append(&groups->deferred, (const void *)item, sizeof *item);
        has_room = !groups->deferred.is_failed;
        groups->deferred.is_failed = false;
    }
    return has_room;
}

/* A new alias, of the group of who told it. False without memory, or if that one has as many as it may. */
static bool begin_alias(struct weft_groups *groups, const struct weft_item *item, struct weft_group_alias *alias,
                        struct weft_member *member)
{
    struct weft_group *group = member != NULL ? member->group : begin_group(groups);
    bool is_late = item->is_decided && member != NULL && !is_named(item);
    if (group == NULL) {
        return false;
    }
    if (group->alias_count == WEFT_GROUP_ALIASES_MAX ||
        (is_late && member->late_alias_count == WEFT_LATE_ALIASES_MAX)) {
        groups->counters.aliases_passed++;
        return false;
    }
    set_group(alias, group);
    if (is_late) {
        member->late_alias_count++;
    }
    return true;
}

/* False: it is as if nobody had told the alias, which was new. */
static bool join_by(struct weft_groups *groups, const struct weft_item *item, struct weft_group_alias *alias)
{
    struct weft_member *member = weft_table_find(groups->members, id_of(item));
    if (alias->group == NULL && !begin_alias(groups, item, alias, member)) {
        weft_group_remove_alias(groups, alias);
        return false;
    }
    struct weft_group *group = alias->group;
    if ((member == NULL || member->group != group) && is_passed_over(item, group)) {
        return true;
    }
    if (item->is_decided && member == NULL) {
        take_decided(groups, item, group);
        if (group->member_count < WEFT_GROUP_TRACES_MAX) {
            add_member(groups, group, item);
        }
    } else if (member != NULL && member->group != group && has_to_wait(member->group, group)) {
        groups->counters.sightings_passed += !defer(groups, item);
    } else if (member != NULL && member->group != group) {
        meet(groups, member, alias, item);
    } else if (member == NULL && group->member_count == WEFT_GROUP_TRACES_MAX) {
        note_outside(groups, alias, item);
    } else if (member == NULL) {
        add_member(groups, group, item);
    }
    return true;
}

static void take_sighting(struct weft_groups *groups, const struct weft_item *item)
{
    bool is_new = false;
    weft_groups_make_room(groups);
    struct weft_group_alias *alias = alias_of(groups, item, &is_new);
    if (alias == NULL || (!is_new && alias->group == NULL)) {
        return; /* burnt */
    }
    bool is_there = join_by(groups, item, alias);
    if (is_there && is_new && item->is_trace && memcmp(item->alias, item->trace_id, WEFT_TRACE_ID_BYTES) != 0) {
        claim(groups, item->alias);
    }
}

/* Behind the sightings that were told before it. */
static void take_late(struct weft_groups *groups, const struct weft_item *item)
{
    if (groups->deferred.length == 0 || !defer(groups, item)) {
        weft_group_take_late(groups, item);
    }
}

void weft_groups_look_again(struct weft_groups *groups)
{
    struct weft_buffer items = groups->deferred;
    if (items.length == 0) {
        return;
    }
    weft_buffer_init(&groups->deferred, 0);
    for (size_t at = 0; at < items.length; at += sizeof(struct weft_item)) {
        weft_groups_receive(groups, (const void *)(items.bytes + at), NULL);
    }
    weft_buffer_fini(&items);
}

static void take_spans(struct weft_groups *groups, const struct weft_item *item)
{
    struct weft_member *member = weft_table_find(groups->members, id_of(item));
    if (member != NULL) {
        member->has_spans = true;
        member->is_waiting = false;
    }
}

void weft_groups_receive(struct weft_groups *groups, const struct weft_item *item,
                         const struct weft_policy_facts *facts)
{
    switch ((enum weft_item_kind)item->kind) {
    case WEFT_ITEM_SIGHTED:
        take_sighting(groups, item);
        return;
    case WEFT_ITEM_SPANS:
        take_spans(groups, item);
        return;
    case WEFT_ITEM_LATE:
        take_late(groups, item);
        return;
    case WEFT_ITEM_DUE:
        weft_group_take_due(groups, item);
        return;
    case WEFT_ITEM_FACTS:
        weft_group_take_facts(groups, item, facts);
        return;
    case WEFT_ITEM_CLAIM:
    case WEFT_ITEM_ASK:
    case WEFT_ITEM_VERDICT:
        break;
    }
    weft_assert(!"an item for a trace's owner");
}
