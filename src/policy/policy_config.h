#pragma once

#include "config/field.h"

/* The `policies` of tail_sampling, with the Collector's keys: a list of blocks with a name, a type and a block of the
 * type's name. Blocks of other types may stand there, too; they are parsed and count for nothing, as in the Collector.
 */

struct weft_policy_latency_config {
    int64_t threshold_ms, upper_threshold_ms;
};

struct weft_policy_status_config {
    struct weft_config_strings status_codes;
};

struct weft_policy_string_config {
    char *key;
    struct weft_config_strings values;
    bool enabled_regex_matching;
    bool invert_match;
};

struct weft_policy_numeric_config {
    char *key;
    int64_t min_value, max_value; /* 0 = no bound */
    bool invert_match;
};

struct weft_policy_boolean_config {
    char *key;
    bool value;
    bool invert_match;
};

struct weft_policy_probabilistic_config {
    char *hash_salt;
    double sampling_percentage;
};

struct weft_policy_rate_config {
    int64_t spans_per_second, burst_capacity;
};

struct weft_policy_bytes_config {
    int64_t bytes_per_second, burst_capacity;
};

struct weft_policy_span_count_config {
    int64_t min_spans, max_spans; /* of 32 bits, as in the Collector */
};

struct weft_policy_trace_state_config {
    char *key;
    struct weft_config_strings values;
};

struct weft_policy_log_severity_config {
    char *min_severity;
};

struct weft_policy_ottl_config {
    struct weft_choice error_mode;
    struct weft_config_strings span, spanevent;
};

struct weft_policy_tree_config {
    bool missing_root, orphans, error_in_leaf;
};

/* What policies have in common, wherever they stand. */
struct weft_policy_config {
    struct weft_position position;
    char *name; /* "" for a part that has none */
    char *type;
    struct weft_policy_latency_config latency;
    struct weft_policy_status_config status_code;
    struct weft_policy_string_config string_attribute;
    struct weft_policy_numeric_config numeric_attribute;
    struct weft_policy_boolean_config boolean_attribute;
    struct weft_policy_probabilistic_config probabilistic;
    struct weft_policy_rate_config rate_limiting;
    struct weft_policy_bytes_config bytes_limiting;
    struct weft_policy_span_count_config span_count;
    struct weft_policy_trace_state_config trace_state;
    struct weft_policy_ottl_config ottl_condition;
    struct weft_policy_log_severity_config log_severity;
    struct weft_policy_tree_config tree;
};

struct weft_policy_not_config {
    struct weft_policy_config not_sub_policy;
};

/* A part of `and` or `drop`. */
struct weft_policy_part_config {
    struct weft_policy_config policy;
    struct weft_policy_not_config not ;
};

struct weft_policy_and_config {
    struct weft_config_list and_sub_policy; /* of struct weft_policy_part_config */
};

struct weft_policy_drop_config {
    struct weft_config_list drop_sub_policy; /* of struct weft_policy_part_config */
};

struct weft_policy_allocation_config {
    struct weft_position position;
    char *policy;
    int64_t percent; /* 0 = an equal share */
};

struct weft_policy_composite_part_config {
    struct weft_policy_config policy;
    struct weft_policy_and_config and;
};

struct weft_policy_composite_config {
    int64_t max_total_spans_per_second;
    struct weft_config_list composite_sub_policy; /* of struct weft_policy_composite_part_config */
    struct weft_config_list rate_allocation;      /* of struct weft_policy_allocation_config */
};

struct weft_policy_item_config {
    struct weft_policy_config policy;
    struct weft_policy_and_config and;
    struct weft_policy_not_config not ;
    struct weft_policy_drop_config drop;
    struct weft_policy_composite_config composite;
};

/* For WEFT_FIELD_LIST(struct ..., policies, struct weft_policy_item_config, weft_policy_item_fields, ...). */
extern const struct weft_field weft_policy_item_fields[];
