#pragma once

#include "base/clock.h"
#include "config/named_keys.h"
#include "config/notes.h"
#include "policy/policy_config.h"

/* Sampling policies, as the Collector's tail_sampling has them (contrib 0.158, trace-complete). A trace is judged from
 * facts that were gathered as its spans arrived, so that deciding reads no span again. Facts are one small record per
 * trace, of a size that the set decides; a part of a trace has facts of its own that merge. */

struct weft_policy_set;

/* What gathering writes to besides the facts: one per worker, for any number of sets. */
struct weft_policy_scratch;

/* All zero = nothing seen. Of weft_policy_set_facts_bytes(set), aligned as uint64_t. */
struct weft_policy_facts {
    uint64_t start_min_ns, end_max_ns; /* 0 = none yet, and a span's 0 counts as none, as in the Collector */
    uint64_t bits[];                   /* what some span or resource has; which bit says what is the set's */
};

/* One span, checked. */
struct weft_policy_span {
    uint64_t start_ns, end_ns;
    uint32_t status_code; /* as on the wire: 0 unset, 1 ok, 2 error */
    uint32_t flags;
    struct weft_slice trace_state;
    struct weft_slice attributes; /* a run of whole fields of the span that has all its attributes; the whole span will
                                     do. Read only while a policy asks for an attribute that was not found yet. */
    /* Read by ottl_condition only, until it knows. */
    struct weft_slice contents;            /* of the Span */
    struct weft_slice resource_x, scope_x; /* what holds it: the fields beside scopes, beside spans */
};

/* What only the tree of a trace's spans shows. */
struct weft_policy_tree {
    bool is_without_root;   /* no span is without a parent */
    bool has_orphan;        /* a span names a parent that has not come */
    bool has_error_in_leaf; /* a span that failed has no children */
};

/* A trace that is judged. */
struct weft_policy_trace {
    const uint8_t *trace_id; /* 16 bytes; of a group that of its first trace */
    const struct weft_policy_facts *facts;
    uint64_t span_count;
    uint8_t worst_severity;     /* of its log lines, 1 to 24; 0 = none */
    bool is_first_match_enough; /* rates behind the first policy that keeps it are not drawn on */
    struct weft_monotonic now;
    struct weft_wall wall;
    /* What costs a look at the records: called by policies that ask for it, when they do. */
    uint64_t (*size_bytes)(void *context); /* as one request in protobuf, with its log lines */
    bool (*see_tree)(void *context, struct weft_policy_tree *out_tree); /* false without memory */
    void *context;
};

struct weft_policy_decision {
    bool is_kept;
    bool is_dropped; /* a drop policy took it: not only did no policy keep it */
    int32_t policy;  /* the first that said so; -1 = no policy kept it */
    uint32_t errors; /* policies that could not say, because a regular expression met its limits or memory was gone;
                        they are ignored */
};

/* policies: of struct weft_policy_item_config; nothing of it is borrowed. All workers may use it: but for what limits a
 * rate, which they share, a set never changes. WEFT_INVALID and WEFT_UNSUPPORTED with file:line, WEFT_LIMIT over 1,021
 * bits of facts, WEFT_NOMEM. */
enum weft_status weft_policy_set_new(const struct weft_config_list *policies, struct weft_policy_set **out_set,
                                     struct weft_error *error) WEFT_MUST_CHECK;
void weft_policy_set_free(struct weft_policy_set **own_set);

/* Warns of what is valid and probably not meant: policies that keep everything or nothing. WEFT_NOMEM. */
enum weft_status weft_policies_advise(const struct weft_config_list *policies,
                                      struct weft_config_notes *notes) WEFT_MUST_CHECK;

/* Adds the attributes that policies decide by. WEFT_NOMEM. */
enum weft_status weft_policies_name_keys(const struct weft_config_list *policies,
                                         struct weft_named_keys *keys) WEFT_MUST_CHECK;

/* Whether some policy may ask for the tree. */
bool weft_policy_set_sees_tree(const struct weft_policy_set *set);

size_t weft_policy_set_facts_bytes(const struct weft_policy_set *set);

/* In the order of the config. */
size_t weft_policy_set_count(const struct weft_policy_set *set);
const char *weft_policy_set_name(const struct weft_policy_set *set, size_t policy);

enum weft_status weft_policy_scratch_new(struct weft_policy_scratch **out_scratch,
                                         struct weft_error *error) WEFT_MUST_CHECK;

/* A batch begins (weft_pattern_scratch_begin_batch), and how many matches met a limit. */
void weft_policy_scratch_begin(struct weft_policy_scratch *scratch, const char *component);
uint64_t weft_policy_scratch_limits_met(const struct weft_policy_scratch *scratch);
void weft_policy_scratch_free(struct weft_policy_scratch **own_scratch);

/* What the policies ask of a resource, once for all its spans. header: the fields of a ResourceSpans beside its scopes,
 * as struct weft_otlp_table has them. Adds to facts, which then go with each span of the resource. */
void weft_policy_set_gather_resource(const struct weft_policy_set *set, struct weft_policy_scratch *scratch,
                                     struct weft_slice header, struct weft_policy_facts *facts);

/* Each span once, in the order of arrival. Log records have no part in these policies. Cannot fail: without memory the
 * policies that look at attributes cannot say (weft_policy_decision.errors). */
void weft_policy_set_gather(const struct weft_policy_set *set, struct weft_policy_scratch *scratch,
                            const struct weft_policy_facts *resource, const struct weft_policy_span *span,
                            struct weft_policy_facts *facts);

/* Adds a later part of the same trace. A latency with an upper bound looks at every start of the sequence of spans;
 * here it sees the parts whole. */
void weft_policy_facts_merge_part(const struct weft_policy_set *set, struct weft_policy_facts *facts,
                                  const struct weft_policy_facts *part);

/* Adds another trace of a group: what it has counts, its times do not, since latency is never taken across traces. */
void weft_policy_facts_merge_trace(const struct weft_policy_set *set, struct weft_policy_facts *facts,
                                   const struct weft_policy_facts *other);

void weft_policy_set_decide(const struct weft_policy_set *set, const struct weft_policy_trace *trace,
                            struct weft_policy_decision *out_decision);
