#pragma once

#include "join/groups.h"
#include "join/join_internal.h"

/* Structs of sightings.c (who belongs together), group_verdicts.c (what becomes of them) and groups.c (for how long).
 */

/* Entry of the table of groups; its key is its serial number. */
struct weft_group {
    struct weft_list node; /* in groups->aging, by `aged`; DECIDING: in groups->deciding, by `asked` */
    struct weft_list members, aliases;
    struct weft_monotonic aged;  /* when it began; DECIDING, KEPT, DROPPED: since when it is */
    struct weft_monotonic asked; /* DECIDING: when */
    uint32_t member_count, alias_count;
    uint32_t awaiting; /* DECIDING: members that have not answered */
    enum weft_group_state state;
    bool is_closed; /* has refused a trace */
    bool is_early;
    bool is_stale; /* DECIDING: an answer was of other rules: all are asked again */
    /* DECIDING: what was answered. */
    struct weft_policy_facts *facts; /* of facts_bytes; else NULL */
    size_t facts_bytes;
    uint32_t facts_generation; /* of the rules that they were begun under: no others read or add to them */
    uint64_t span_count, size_bytes;
    uint8_t first[WEFT_TRACE_ID_BYTES]; /* the least id of those with spans: what `probabilistic` hashes */
    uint8_t worst_severity;
    bool has_tree;
    struct weft_policy_tree tree;
    /* KEPT, DROPPED. */
    int32_t policy;
    uint32_t generation;
};

/* Entry of the table of members; its key is the trace id. */
struct weft_member {
    struct weft_list node;
    struct weft_group *group;
    uint8_t late_alias_count; /* that nobody had before it, and that it told behind its verdict */
    bool has_spans;
    bool is_late;    /* joined after the verdict, or while it was made */
    bool is_waiting; /* its time is up, and it wants to know */
    bool is_asked, is_held;
};

/* Entry of the table of aliases. */
struct weft_group_alias {
    struct weft_list node;       /* of its group, or in groups->burnt */
    struct weft_group *group;    /* NULL: burnt */
    struct weft_monotonic burnt; /* when */
    uint32_t outside_count;      /* sightings that could not join */
};

struct weft_groups {
    struct weft_join *join;
    struct weft_table *table, *members, *aliases;
    struct weft_list aging, deciding, burnt;
    struct weft_buffer deferred; /* sightings of groups that are being decided, to be looked at again */
    bool has_stale;              /* a group in deciding may be stale */
    uint64_t next_serial;
    size_t facts_bytes; /* of all groups that are being decided */
    struct weft_group_counters counters;
};

static inline struct weft_monotonic weft_groups_now(const struct weft_groups *groups)
{
    return weft_timers_now(groups->join->stage.host->timers);
}

/* groups.c */
void weft_groups_make_room(struct weft_groups *groups);
void weft_group_remove_alias(struct weft_groups *groups, struct weft_group_alias *alias);
void weft_group_remove(struct weft_groups *groups, struct weft_group *group);
void weft_group_remove_member(struct weft_groups *groups, struct weft_member *member);

/* Its verdict is there: it is remembered from now on. */
void weft_group_age_anew(struct weft_groups *groups, struct weft_group *group);

/* group_verdicts.c */
void weft_group_take_due(struct weft_groups *groups, const struct weft_item *item);
void weft_group_take_late(struct weft_groups *groups, const struct weft_item *item);
void weft_group_take_facts(struct weft_groups *groups, const struct weft_item *item,
                           const struct weft_policy_facts *facts);
void weft_group_forget_facts(struct weft_groups *groups, struct weft_group *group);

/* Tells members whose time was up, now that the verdict is there. */
void weft_group_answer_waiting(struct weft_groups *groups, struct weft_group *group);

/* Asks again, or decides without those that do not answer; and when that is due. */
void weft_groups_hurry(struct weft_groups *groups);
struct weft_monotonic weft_groups_hurry_due(const struct weft_groups *groups);
