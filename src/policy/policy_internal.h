#pragma once

#include "base/pattern.h"
#include "base/rate_limit.h"
#include "ottl/ottl.h"
#include "policy/policy.h"
#include "wire/otlp_attributes.h"

/* What the files of this floor share. A policy is a node; `and` and `drop` have parts, which are nodes. What a node
 * must know about spans it registers at its making: a bit of the facts that gathering sets. */

enum weft_policy_answer {
    WEFT_POLICY_NO,
    WEFT_POLICY_YES,
    WEFT_POLICY_DROP,
    WEFT_POLICY_ERROR,
};

struct weft_policy_kind;

struct weft_policy_parts {
    struct weft_policy_node *items;
    size_t count;
};

/* A part's share of a composite. */
struct weft_policy_share {
    struct weft_second_count count;
    uint64_t spans_per_second;
};

struct weft_policy_node {
    const struct weft_policy_kind *kind;
    bool has_state;                   /* it or a part of it */
    uint32_t bit;                     /* latency, attributes, trace_state, trace_flags, ottl_condition */
    bool is_inverted;                 /* attributes */
    uint64_t statuses;                /* status_code: bits of the first word of the facts */
    uint64_t hash, threshold;         /* probabilistic: of the salt; the highest that is kept */
    int64_t min_spans, max_spans;     /* span_count */
    uint8_t min_severity;             /* log_severity */
    struct weft_policy_tree wanted;   /* tree */
    struct weft_token_bucket *limit;  /* rate_limiting, bytes_limiting */
    struct weft_policy_parts parts;   /* and, not, drop, composite */
    struct weft_policy_share *shares; /* composite: of each part */
};

/* Where a policy of some type may stand. */
enum {
    WEFT_POLICY_AT_TOP = 1,
    WEFT_POLICY_IN_AND = 2, /* and in drop */
    WEFT_POLICY_IN_NOT = 4,
    WEFT_POLICY_IN_COMPOSITE = 8,
    WEFT_POLICY_ANYWHERE = 15,
};

/* One type of policy, one file. */
struct weft_policy_kind {
    const char *type;
    uint32_t places;
    bool has_state; /* asking it changes what it answers next */
    enum weft_status (*make)(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error);
    enum weft_policy_answer (*decide)(const struct weft_policy_node *node, const struct weft_policy_trace *trace);
};

extern const struct weft_policy_kind weft_policy_always_sample;
extern const struct weft_policy_kind weft_policy_latency;
extern const struct weft_policy_kind weft_policy_status_code;
extern const struct weft_policy_kind weft_policy_string_attribute;
extern const struct weft_policy_kind weft_policy_numeric_attribute;
extern const struct weft_policy_kind weft_policy_boolean_attribute;
extern const struct weft_policy_kind weft_policy_probabilistic;
extern const struct weft_policy_kind weft_policy_rate_limiting;
extern const struct weft_policy_kind weft_policy_bytes_limiting;
extern const struct weft_policy_kind weft_policy_span_count;
extern const struct weft_policy_kind weft_policy_trace_state;
extern const struct weft_policy_kind weft_policy_trace_flags;
extern const struct weft_policy_kind weft_policy_log_severity;
extern const struct weft_policy_kind weft_policy_tree;
extern const struct weft_policy_kind weft_policy_ottl_condition;
extern const struct weft_policy_kind weft_policy_and;
extern const struct weft_policy_kind weft_policy_not;
extern const struct weft_policy_kind weft_policy_drop;
extern const struct weft_policy_kind weft_policy_composite;

/* Bits 0 to 2 of the facts: some span has status unset, ok, error. */
enum { WEFT_POLICY_STATUS_BITS = 3, WEFT_POLICY_MAX_WORDS = 16 };

struct weft_policy_latency {
    int64_t threshold_ms, upper_threshold_ms;
    uint32_t bit;
};

/* An attribute that some policy asks for. bit: a value matched; bit + 1: it could not be said of some value. */
struct weft_policy_attribute {
    struct weft_slice key;
    /* Whether the value of the first attribute of that key is one that is asked for. */
    enum weft_policy_answer (*match)(const struct weft_policy_attribute *attribute, struct weft_policy_scratch *scratch,
                                     const struct weft_otlp_value *value, bool is_span);
    uint32_t bit;
    int64_t min, max; /* numeric_attribute */
    bool is_true;     /* boolean_attribute */
    /* string_attribute */
    struct weft_slice *values; /* by length, then by bytes; only those are set that are compared */
    size_t value_count;
    struct weft_pattern **patterns;
    size_t pattern_count;
    bool has_patterns; /* also when there are none */
};

/* A member of tracestate that some policy asks for. */
struct weft_policy_trace_state {
    struct weft_slice key;
    struct weft_slice *values;
    size_t value_count;
    uint32_t bit;
};

/* Conditions of one policy. bit: one was true; bit + 1: one failed before that, which error_mode has propagated. */
struct weft_policy_conditions {
    struct weft_ottl_program **programs; /* those on spans, then those on span events */
    size_t span_count, count;
    enum weft_ottl_error_mode error_mode;
    uint32_t bit;
};

struct weft_policy {
    char *name;
    struct weft_policy_node node;
};

struct weft_policy_set {
    struct weft_policy *policies; /* in the order of the config */
    size_t count;
    uint32_t *order; /* as they are asked: drop policies first */
    struct weft_policy_latency *latencies;
    size_t latency_count, latency_capacity;
    struct weft_policy_attribute *attributes; /* those of one key stand together */
    size_t attribute_count, attribute_capacity;
    size_t key_count; /* different keys of attributes */
    struct weft_policy_trace_state *trace_states;
    size_t trace_state_count, trace_state_capacity;
    struct weft_policy_conditions *conditions;
    size_t conditions_count, conditions_capacity;
    struct weft_ottl_sought sought; /* what conditions ask for */
    struct weft_ottl_wants wants;   /* the same, if all are brief */
    bool has_long_condition;
    uint32_t sampled_flag_bit; /* 0 = nobody asks */
    uint32_t bit_count;
    bool sees_tree;                        /* some policy asks for the tree */
    uint64_t asked[WEFT_POLICY_MAX_WORDS]; /* the attributes' first bits: once all are set no span is opened */
};

struct weft_policy_scratch {
    struct weft_otlp_attributes attributes;
    struct weft_pattern_scratch *pattern;
    struct weft_ottl_run ottl;
};

static inline bool weft_policy_has_bit(const struct weft_policy_facts *facts, uint32_t bit)
{
    return (facts->bits[bit / 64] >> bit % 64 & 1) != 0;
}

static inline void weft_policy_set_bit(struct weft_policy_facts *facts, uint32_t bit)
{
    facts->bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

static inline size_t weft_policy_word_count(const struct weft_policy_set *set)
{
    return (set->bit_count + 63) / 64;
}

/* policy_set.c: the next count bits of the facts. */
enum weft_status weft_policy_take_bits(struct weft_policy_set *set, uint32_t count, uint32_t *out_bit,
                                       struct weft_error *error) WEFT_MUST_CHECK;

/* policy_node.c: a policy for one of the places. On failure the node needs no freeing. */
enum weft_status weft_policy_node_make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                                       uint32_t place, struct weft_policy_node *out_node,
                                       struct weft_error *error) WEFT_MUST_CHECK;
enum weft_status weft_policy_parts_make(struct weft_policy_set *set, const struct weft_config_list *configs,
                                        struct weft_policy_parts *out_parts, struct weft_error *error) WEFT_MUST_CHECK;
void weft_policy_node_fini(struct weft_policy_node *node);

/* YES if all parts say so; the first that does not is the answer, and no other is asked. */
enum weft_policy_answer weft_policy_parts_decide(const struct weft_policy_parts *parts,
                                                 const struct weft_policy_trace *trace);

/* latency.c: after each span. */
void weft_policy_latencies_gather(const struct weft_policy_set *set, struct weft_policy_facts *facts);

/* trace_state.c: what a span's tracestate says. */
void weft_policy_trace_states_gather(const struct weft_policy_set *set, struct weft_slice trace_state,
                                     struct weft_policy_facts *facts);
void weft_policy_trace_states_fini(struct weft_policy_set *set);

/* ottl_condition.c */
void weft_policy_conditions_gather(const struct weft_policy_set *set, struct weft_policy_scratch *scratch,
                                   const struct weft_policy_span *span, struct weft_policy_facts *facts);
void weft_policy_conditions_fini(struct weft_policy_set *set);

/* attributes.c: an attribute that is asked for, which is moved into the set with a copy of the key; on failure it is
 * freed. *out_bit: of its facts, for weft_policy_attribute_decide. */
enum weft_status weft_policy_attribute_add(struct weft_policy_set *set, const char *key,
                                           struct weft_policy_attribute *attribute, uint32_t *out_bit,
                                           struct weft_error *error) WEFT_MUST_CHECK;
enum weft_policy_answer weft_policy_attribute_decide(const struct weft_policy_node *node,
                                                     const struct weft_policy_trace *trace);

/* scratch->attributes are those of a resource or of a span; has_memory false: they are not all. */
void weft_policy_attributes_gather(const struct weft_policy_set *set, struct weft_policy_scratch *scratch,
                                   bool has_memory, bool is_span, struct weft_policy_facts *facts);

/* The same for a span whose attributes were not read: each key is looked for. Cheaper for a few. */
enum { WEFT_POLICY_KEYS_LOOKED_FOR = 3 };
void weft_policy_attributes_look_for(const struct weft_policy_set *set, struct weft_policy_scratch *scratch,
                                     struct weft_slice attributes, struct weft_policy_facts *facts);
void weft_policy_attributes_fini(struct weft_policy_set *set);

/* A copy that ends with a byte of 0; its bytes are freed with weft_free. */
enum weft_status weft_policy_copy_text(const char *text, struct weft_slice *out_copy,
                                       struct weft_error *error) WEFT_MUST_CHECK;

/* string_attribute.c: what only it has in an attribute. */
void weft_policy_string_fini(struct weft_policy_attribute *attribute);
