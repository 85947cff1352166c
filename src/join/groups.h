#pragma once

#include "join/letters.h"

/* Traces that share an alias: a group, judged as one. The groups of all workers are here, on the one worker that
 * weft_groups_worker names; the traces, their records and their facts are with their owners. What is said to a group
 * and by it are items (letters.h).
 *
 *   an alias that nobody had begins a group; who has an alias of a group joins it; who has aliases of two merges them;
 *   the first member with spans whose time is up decides: all members are asked, and told the verdict;
 *   who joins after a keep follows it; after a drop it is judged alone, as a late member;
 *   what a trace brings behind its drop changes no open group, but who has named the trace is a late member of its own;
 *   a group is remembered alias_ttl from its verdict on.
 *
 * A group closes at 64 traces, and has 512 aliases at most; a trace brings 8 new ones behind its verdict, beside one
 * that brings it here. An alias that undecided traces have told 1,024 times outside of its group is burnt: it joins
 * nobody until alias_ttl is over. What is remembered is bounded by alias_memory; beyond it the oldest group is
 * forgotten: its traces are then judged alone. Every step is linear in the members and aliases of one or two groups. */
enum {
    WEFT_GROUP_TRACES_MAX = 64,
    WEFT_GROUP_ALIASES_MAX = 512,
    WEFT_LATE_ALIASES_MAX = 8, /* of a trace behind its verdict */
    WEFT_ALIAS_SIGHTINGS_MAX = 1024,
    WEFT_CLAIMS_MEMORY_SHARE = 8, /* of alias_memory so much is for traces that were named and have not come */
};

enum weft_group_state {
    WEFT_GROUP_OPEN,
    WEFT_GROUP_DECIDING, /* its members were asked */
    WEFT_GROUP_KEPT,
    WEFT_GROUP_DROPPED,
};

struct weft_group_counters {
    uint64_t groups;           /* that were begun */
    uint64_t closed_groups;    /* that refused a trace */
    uint64_t aliases_passed;   /* over: of groups and traces that had as many as they may */
    uint64_t burnt_aliases;    /* values */
    uint64_t late_members;     /* traces that were judged alone after a drop */
    uint64_t forgotten;        /* groups, for want of memory */
    uint64_t sightings_passed; /* over: they had to wait for a verdict, and there was no room */
    uint64_t unknown;          /* members whose group was not known any more */
    uint64_t missed_answers;   /* members that did not say in time what they know */
};

struct weft_groups;

static inline uint32_t weft_groups_worker(const struct weft_stage *stage)
{
    (void)stage;
    return 0;
}

/* The join outlives them. */
struct weft_groups *weft_groups_new(struct weft_join *join);
void weft_groups_free(struct weft_groups *groups);

/* An item of a kind that goes to groups. */
void weft_groups_receive(struct weft_groups *groups, const struct weft_item *item,
                         const struct weft_policy_facts *facts);

/* Sightings that had to wait for a verdict, at the end of a turn. */
void weft_groups_look_again(struct weft_groups *groups);

/* What time has made due: members that do not answer, groups that are over. */
void weft_groups_step(struct weft_groups *groups);
struct weft_monotonic weft_groups_due(const struct weft_groups *groups);

/* The group of a trace or of an alias (both 16 bytes), for who asks; false: there is none. */
bool weft_groups_look_up(const struct weft_groups *groups, const uint8_t *bytes, struct weft_trace_group *out_group);

const struct weft_group_counters *weft_groups_counters(const struct weft_groups *groups);
size_t weft_groups_count(const struct weft_groups *groups);
size_t weft_groups_member_count(const struct weft_groups *groups);
size_t weft_groups_alias_count(const struct weft_groups *groups);
size_t weft_groups_size_bytes(const struct weft_groups *groups);
