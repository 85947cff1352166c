/* The field tables of the policies (policy_config.h). What a table cannot say is checked where a policy is made. */
#include "policy/policy_config.h"

static const struct weft_field latency_fields[] = {
    WEFT_FIELD(struct weft_policy_latency_config, threshold_ms, "0", "Traces that take longer are kept."),
    WEFT_FIELD(struct weft_policy_latency_config, upper_threshold_ms, "0",
               "But not those that take longer than this; 0 = no bound."),
    WEFT_FIELDS_END,
};

static const struct weft_field status_code_fields[] = {
    WEFT_FIELD(struct weft_policy_status_config, status_codes, NULL,
               "OK, ERROR, UNSET: traces with a span that has one of them are kept."),
    WEFT_FIELDS_END,
};

static const struct weft_field string_attribute_fields[] = {
    WEFT_FIELD(struct weft_policy_string_config, key, "", "The attribute, of the resource or of a span."),
    WEFT_FIELD(struct weft_policy_string_config, values, NULL,
               "Its values; with enabled_regex_matching regular expressions."),
    WEFT_FIELD(struct weft_policy_string_config, enabled_regex_matching, "false",
               "Whether values are regular expressions."),
    WEFT_FIELD(struct weft_policy_string_config, invert_match, "false",
               "Whether traces without such a value are kept, instead of those with one."),
    WEFT_FIELD_NO_EFFECT("cache_max_size", "int",
                         "Results that the Collector remembers; matching anew is as fast here."),
    WEFT_FIELDS_END,
};

static const struct weft_field probabilistic_fields[] = {
    WEFT_FIELD(struct weft_policy_probabilistic_config, hash_salt, "",
               "Hashed with the trace id; \"\" = default-hash-seed."),
    WEFT_FIELD(struct weft_policy_probabilistic_config, sampling_percentage, "0", "How many of 100 traces are kept."),
    WEFT_FIELDS_END,
};

static const struct weft_field policy_fields[] = {
    WEFT_FIELD_POSITION(struct weft_policy_config, position),
    WEFT_FIELD(struct weft_policy_config, name, "", "Its name, for metrics and for the verdict."),
    WEFT_FIELD(
        struct weft_policy_config, type, "",
        "always_sample, latency, status_code, string_attribute, probabilistic; not within one another: and, drop."),
    WEFT_FIELD_NO_EFFECT("always_sample", "any", "Has no keys."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, latency, latency_fields, "For type latency."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, status_code, status_code_fields, "For type status_code."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, string_attribute, string_attribute_fields,
                     "For type string_attribute."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, probabilistic, probabilistic_fields, "For type probabilistic."),
    WEFT_FIELD_UNSUPPORTED("numeric_attribute", "A range of an attribute."),
    WEFT_FIELD_UNSUPPORTED("boolean_attribute", "A value of an attribute."),
    WEFT_FIELD_UNSUPPORTED("rate_limiting", "Spans a second."),
    WEFT_FIELD_UNSUPPORTED("bytes_limiting", "Bytes a second."),
    WEFT_FIELD_UNSUPPORTED("span_count", "Spans of the trace."),
    WEFT_FIELD_UNSUPPORTED("trace_state", "A member of the tracestate."),
    WEFT_FIELD_UNSUPPORTED("trace_flags", "The sampled flag."),
    WEFT_FIELD_UNSUPPORTED("ottl_condition", "OTTL."),
    WEFT_FIELD_UNSUPPORTED("not", "The opposite of a policy."),
    WEFT_FIELDS_END,
};

static const struct weft_field and_fields[] = {
    WEFT_FIELD_LIST(struct weft_policy_and_config, and_sub_policy, struct weft_policy_config, policy_fields,
                    "All of them must keep the trace."),
    WEFT_FIELDS_END,
};

static const struct weft_field drop_fields[] = {
    WEFT_FIELD_LIST(struct weft_policy_drop_config, drop_sub_policy, struct weft_policy_config, policy_fields,
                    "A trace that all of them would keep is dropped, whatever other policies say."),
    WEFT_FIELDS_END,
};

const struct weft_field weft_policy_item_fields[] = {
    WEFT_FIELD_INLINE(struct weft_policy_item_config, policy, policy_fields),
    WEFT_FIELD_BLOCK(struct weft_policy_item_config, and, and_fields, "For type and."),
    WEFT_FIELD_BLOCK(struct weft_policy_item_config, drop, drop_fields, "For type drop."),
    WEFT_FIELD_UNSUPPORTED("composite", "Shares of a rate."),
    WEFT_FIELDS_END,
};
