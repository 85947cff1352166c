/* Groups (groups.h): what they may take, how long they are remembered, and what is known of them. */
#include "join/groups.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "join/groups_internal.h"

enum {
    ENTRIES_MAX = 1 << 24,
    TABLE_BYTES_PER_ENTRY = 40, /* beside key and entry */
    DEFAULT_MEMORY_BYTES = 16 << 20,
};

static const int64_t default_ttl_ns = 3600 * WEFT_NS_PER_S;
static const int64_t open_slack_ns = 60 * WEFT_NS_PER_S;

static int64_t ttl_ns(const struct weft_groups *groups)
{
    const struct weft_alias_rules *rules = groups->join->rules->aliases;
    return rules == NULL ? default_ttl_ns : rules->ttl_ns;
}

/* NULL: there is none that is not being decided. */
static struct weft_group *oldest_of(const struct weft_groups *groups)
{
    struct weft_list *node = groups->aging.next;
    return node == &groups->aging ? NULL : WEFT_CONTAINER_OF(node, struct weft_group, node);
}

/* ---- memory ---- */

size_t weft_groups_size_bytes(const struct weft_groups *groups)
{
    return weft_table_count(groups->table) * (sizeof(struct weft_group) + sizeof(uint64_t) + TABLE_BYTES_PER_ENTRY) +
           weft_table_count(groups->members) *
               (sizeof(struct weft_member) + WEFT_TRACE_ID_BYTES + TABLE_BYTES_PER_ENTRY) +
           weft_table_count(groups->aliases) *
               (sizeof(struct weft_group_alias) + WEFT_ALIAS_BYTES + TABLE_BYTES_PER_ENTRY) +
           groups->facts_bytes + groups->deferred.capacity;
}

void weft_group_remove_alias(struct weft_groups *groups, struct weft_group_alias *alias)
{
    if (alias->group != NULL) {
        weft_assert(alias->group->alias_count > 0);
        alias->group->alias_count--;
    }
    weft_list_remove(&alias->node);
    weft_table_remove(groups->aliases, alias);
}

void weft_group_remove_member(struct weft_groups *groups, struct weft_member *member)
{
    weft_assert(member->group->member_count > 0);
    member->group->member_count--;
    weft_list_remove(&member->node);
    weft_table_remove(groups->members, member);
}

void weft_group_remove(struct weft_groups *groups, struct weft_group *group)
{
    struct weft_list *node = NULL;
    while ((node = weft_list_first(&group->members)) != NULL) {
        weft_group_remove_member(groups, WEFT_CONTAINER_OF(node, struct weft_member, node));
    }
    while ((node = weft_list_first(&group->aliases)) != NULL) {
        weft_group_remove_alias(groups, WEFT_CONTAINER_OF(node, struct weft_group_alias, node));
    }
    weft_assert(group->member_count == 0 && group->alias_count == 0);
    weft_group_forget_facts(groups, group);
    weft_list_remove(&group->node);
    weft_table_remove(groups->table, group);
}

/* One that is being decided is spared: its verdict is under way. False if there is nothing to forget. */
static bool forget_oldest(struct weft_groups *groups)
{
    struct weft_group *group = oldest_of(groups);
    if (group != NULL) {
        groups->counters.forgotten++;
        weft_group_remove(groups, group);
        return true;
    }
    struct weft_list *node = weft_list_first(&groups->burnt);
    if (node != NULL) {
        weft_group_remove_alias(groups, WEFT_CONTAINER_OF(node, struct weft_group_alias, node));
    }
    return node != NULL;
}

void weft_groups_make_room(struct weft_groups *groups)
{
    const struct weft_alias_rules *rules = groups->join->rules->aliases;
    size_t bytes_max = rules == NULL ? DEFAULT_MEMORY_BYTES : (size_t)rules->memory_bytes;
    bytes_max -= bytes_max / WEFT_CLAIMS_MEMORY_SHARE;
    while (weft_groups_size_bytes(groups) > bytes_max && forget_oldest(groups)) {
    }
}

void weft_group_age_anew(struct weft_groups *groups, struct weft_group *group)
{
    group->aged = weft_groups_now(groups);
    weft_list_remove(&group->node);
    weft_list_push_back(&groups->aging, &group->node);
}

/* ---- time ---- */

/* A group that is open for very long has lost its traces. */
static struct weft_monotonic end_of(const struct weft_groups *groups, const struct weft_group *group)
{
    bool is_decided = group->state == WEFT_GROUP_KEPT || group->state == WEFT_GROUP_DROPPED;
    int64_t open_ns = is_decided ? 0 : 2 * groups->join->rules->decision_wait_ns + open_slack_ns;
    return weft_monotonic_after(group->aged, ttl_ns(groups) + open_ns);
}

static struct weft_group_alias *first_burnt(const struct weft_groups *groups)
{
    struct weft_list *node = groups->burnt.next;
    return node == &groups->burnt ? NULL : WEFT_CONTAINER_OF(node, struct weft_group_alias, node);
}

void weft_groups_step(struct weft_groups *groups)
{
    int64_t now_ns = weft_groups_now(groups).ns;
    weft_groups_hurry(groups);
    for (unsigned i = 0; i < JOIN_STEP_TRACES; i++) {
        struct weft_group *group = oldest_of(groups);
        if (group == NULL || end_of(groups, group).ns > now_ns) {
            break;
        }
        weft_group_remove(groups, group);
    }
    for (unsigned i = 0; i < JOIN_STEP_TRACES; i++) {
        struct weft_group_alias *alias = first_burnt(groups);
        if (alias == NULL || weft_monotonic_after(alias->burnt, ttl_ns(groups)).ns > now_ns) {
            break;
        }
        weft_group_remove_alias(groups, alias);
    }
}

struct weft_monotonic weft_groups_due(const struct weft_groups *groups)
{
    struct weft_monotonic due = weft_groups_hurry_due(groups);
    const struct weft_group *group = oldest_of(groups);
    const struct weft_group_alias *alias = first_burnt(groups);
    if (group != NULL && end_of(groups, group).ns < due.ns) {
        due = end_of(groups, group);
    }
    if (alias != NULL && weft_monotonic_after(alias->burnt, ttl_ns(groups)).ns < due.ns) {
        due = weft_monotonic_after(alias->burnt, ttl_ns(groups));
    }
    return due;
}

/* ---- looking ---- */

static const char *state_text(enum weft_group_state state)
{
    switch (state) {
    case WEFT_GROUP_OPEN:
    case WEFT_GROUP_DECIDING:
        return "undecided";
    case WEFT_GROUP_KEPT:
        return "kept";
    case WEFT_GROUP_DROPPED:
        return "dropped";
    }
    weft_assert(!"state");
}

bool weft_groups_look_up(const struct weft_groups *groups, const uint8_t *bytes, struct weft_trace_group *out_group)
{
    const struct weft_group_alias *alias = weft_table_find(groups->aliases, weft_slice_of(bytes, WEFT_ALIAS_BYTES));
    const struct weft_member *member = weft_table_find(groups->members, weft_slice_of(bytes, WEFT_TRACE_ID_BYTES));
    if (alias == NULL && member == NULL) {
        return false;
    }
    struct weft_group *group = member != NULL ? member->group : alias->group;
    out_group->is_known = true;
    out_group->is_burnt = group == NULL;
    if (group == NULL) {
        return true;
    }
    out_group->is_closed = group->is_closed;
    out_group->state = state_text(group->state);
    WEFT_LIST_EACH(node, &group->members)
    {
        const struct weft_member *each = WEFT_CONTAINER_OF(node, struct weft_member, node);
        weft_assert(out_group->member_count < WEFT_ANSWER_MEMBERS_MAX);
        memcpy(out_group->members[out_group->member_count++], weft_table_key(groups->members, each).bytes,
               WEFT_TRACE_ID_BYTES);
    }
    return true;
}

/* ---- numbers ---- */

const struct weft_group_counters *weft_groups_counters(const struct weft_groups *groups)
{
    return &groups->counters;
}

size_t weft_groups_count(const struct weft_groups *groups)
{
    return weft_table_count(groups->table);
}

size_t weft_groups_member_count(const struct weft_groups *groups)
{
    return weft_table_count(groups->members);
}

size_t weft_groups_alias_count(const struct weft_groups *groups)
{
    return weft_table_count(groups->aliases);
}

/* ---- life ---- */

static struct weft_table *table_new(const struct weft_join *join, size_t key_bytes, size_t entry_bytes)
{
    return weft_table_new(&(struct weft_table_settings){ .budget = join->stage.host->budget,
                                                         .secret = join->stage.host->secret,
                                                         .key_bytes_max = key_bytes,
                                                         .entry_bytes = entry_bytes,
                                                         .entry_count_max = ENTRIES_MAX });
}

struct weft_groups *weft_groups_new(struct weft_join *join)
{
    struct weft_groups *groups = weft_alloc(sizeof *groups);
    groups->join = join;
    groups->table = table_new(join, sizeof(uint64_t), sizeof(struct weft_group));
    groups->members = table_new(join, WEFT_TRACE_ID_BYTES, sizeof(struct weft_member));
    groups->aliases = table_new(join, WEFT_ALIAS_BYTES, sizeof(struct weft_group_alias));
    weft_list_init(&groups->aging);
    weft_list_init(&groups->deciding);
    weft_list_init(&groups->burnt);
    weft_buffer_init(&groups->deferred, 0);
    return groups;
}

void weft_groups_free(struct weft_groups *groups)
{
    struct weft_group *group = NULL;
    while ((group = oldest_of(groups)) != NULL) {
        weft_group_remove(groups, group);
    }
    struct weft_list *node = NULL;
    while ((node = weft_list_first(&groups->deciding)) != NULL) {
        weft_group_remove(groups, WEFT_CONTAINER_OF(node, struct weft_group, node));
    }
    weft_buffer_fini(&groups->deferred);
    weft_table_free(groups->table);
    weft_table_free(groups->members);
    weft_table_free(groups->aliases);
    weft_free(groups);
}
