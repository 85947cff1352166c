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

struct weft_policy_probabilistic_config {
    char *hash_salt;
    double sampling_percentage;
};

/* What a policy and a part of `and` or `drop` have in common. */
struct weft_policy_config {
    struct weft_position position;
    char *name; /* "" for a part that has none */
    char *type;
    struct weft_policy_latency_config latency;
    struct weft_policy_status_config status_code;
    struct weft_policy_string_config string_attribute;
    struct weft_policy_probabilistic_config probabilistic;
};

struct weft_policy_and_config {
    struct weft_config_list and_sub_policy; /* of struct weft_policy_config */
};

struct weft_policy_drop_config {
    struct weft_config_list drop_sub_policy; /* of struct weft_policy_config */
};

struct weft_policy_item_config {
    struct weft_policy_config policy;
    struct weft_policy_and_config and;
    struct weft_policy_drop_config drop;
};

/* For WEFT_FIELD_LIST(struct ..., policies, struct weft_policy_item_config, weft_policy_item_fields, ...). */
extern const struct weft_field weft_policy_item_fields[];
