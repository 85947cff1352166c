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

static const struct weft_field numeric_attribute_fields[] = {
    WEFT_FIELD(struct weft_policy_numeric_config, key, "", "The attribute, of the resource or of a span."),
    WEFT_FIELD(struct weft_policy_numeric_config, min_value, "0", "The least whole number that matches; 0 = no bound."),
    WEFT_FIELD(struct weft_policy_numeric_config, max_value, "0", "The largest one; 0 = no bound."),
    WEFT_FIELD(struct weft_policy_numeric_config, invert_match, "false",
               "Whether traces without such a value are kept, instead of those with one."),
    WEFT_FIELDS_END,
};

static const struct weft_field boolean_attribute_fields[] = {
    WEFT_FIELD(struct weft_policy_boolean_config, key, "", "The attribute, of the resource or of a span."),
    WEFT_FIELD(struct weft_policy_boolean_config, value, "false",
               "Its value; what is no bool counts as false, as in the Collector."),
    WEFT_FIELD(struct weft_policy_boolean_config, invert_match, "false",
               "Whether traces without such a value are kept, instead of those with one."),
    WEFT_FIELDS_END,
};

static const struct weft_field rate_limiting_fields[] = {
    WEFT_FIELD(struct weft_policy_rate_config, spans_per_second, "0", "Spans that are kept a second, by all workers."),
    WEFT_FIELD(struct weft_policy_rate_config, burst_capacity, "0",
               "Spans at once; a trace with more never passes. 0 = twice spans_per_second."),
    WEFT_FIELDS_END,
};

static const struct weft_field bytes_limiting_fields[] = {
    WEFT_FIELD(struct weft_policy_bytes_config, bytes_per_second, "0", "Bytes that are kept a second, by all workers."),
    WEFT_FIELD(struct weft_policy_bytes_config, burst_capacity, "0",
               "Bytes at once; a larger trace never passes. 0 = twice bytes_per_second."),
    WEFT_FIELDS_END,
};

static const struct weft_field span_count_fields[] = {
    WEFT_FIELD(struct weft_policy_span_count_config, min_spans, "0", "The least spans.", .minimum = INT32_MIN,
               .maximum = INT32_MAX),
    WEFT_FIELD(struct weft_policy_span_count_config, max_spans, "0", "The most; 0 = no bound.", .minimum = INT32_MIN,
               .maximum = INT32_MAX),
    WEFT_FIELDS_END,
};

static const struct weft_field trace_state_fields[] = {
    WEFT_FIELD(struct weft_policy_trace_state_config, key, "", "The member of the W3C tracestate of a span."),
    WEFT_FIELD(struct weft_policy_trace_state_config, values, NULL, "Its values, exactly."),
    WEFT_FIELDS_END,
};

/* The first three in the order of enum weft_ottl_error_mode. */
static const char *const error_modes[] = { "propagate", "ignore", "silent", "", NULL };

static const struct weft_field ottl_condition_fields[] = {
    WEFT_FIELD_CHOICE(
        struct weft_policy_ottl_config, error_mode, error_modes, "",
        "What becomes of a condition that fails: propagate, and the policy cannot say; ignore logs it and "
        "counts it as false, silent does so without a log, and so does \"\", as in the Collector."),
    WEFT_FIELD(struct weft_policy_ottl_config, span, NULL,
               "Conditions in OTTL: traces with a span of which one is true are kept."),
    WEFT_FIELD(struct weft_policy_ottl_config, spanevent, NULL, "The same for span events."),
    WEFT_FIELDS_END,
};

static const struct weft_field log_severity_fields[] = {
    WEFT_FIELD(struct weft_policy_log_severity_config, min_severity, "ERROR",
               "A word, or 1 to 24: traces with a log line so severe are kept. weft's own.", .takes_numbers = true),
    WEFT_FIELDS_END,
};

static const struct weft_field tree_fields[] = {
    WEFT_FIELD(struct weft_policy_tree_config, missing_root, "false", "Keep traces without a root span. weft's own."),
    WEFT_FIELD(struct weft_policy_tree_config, orphans, "false", "Keep traces with a span whose parent has not come."),
    WEFT_FIELD(struct weft_policy_tree_config, error_in_leaf, "false",
               "Keep traces in which a span without children failed."),
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
        "The block of this name counts, whatever others stand there. and, not, drop and composite have parts, and "
        "may not all stand within one another."),
    WEFT_FIELD_NO_EFFECT("always_sample", "any", "Has no keys."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, latency, latency_fields, "For type latency."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, status_code, status_code_fields, "For type status_code."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, string_attribute, string_attribute_fields,
                     "For type string_attribute."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, probabilistic, probabilistic_fields, "For type probabilistic."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, numeric_attribute, numeric_attribute_fields,
                     "For type numeric_attribute."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, boolean_attribute, boolean_attribute_fields,
                     "For type boolean_attribute."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, rate_limiting, rate_limiting_fields, "For type rate_limiting."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, bytes_limiting, bytes_limiting_fields, "For type bytes_limiting."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, span_count, span_count_fields, "For type span_count."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, trace_state, trace_state_fields, "For type trace_state."),
    WEFT_FIELD_NO_EFFECT("trace_flags", "any", "Has no keys: traces with a span whose sampled flag is set are kept."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, log_severity, log_severity_fields,
                     "For type log_severity, weft's own."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, tree, tree_fields, "For type tree, weft's own."),
    WEFT_FIELD_BLOCK(struct weft_policy_config, ottl_condition, ottl_condition_fields, "For type ottl_condition."),
    WEFT_FIELDS_END,
};

static const struct weft_field not_fields[] = {
    WEFT_FIELD_BLOCK(struct weft_policy_not_config, not_sub_policy, policy_fields,
                     "Traces that it would not keep are."),
    WEFT_FIELDS_END,
};

static const struct weft_field part_fields[] = {
    WEFT_FIELD_INLINE(struct weft_policy_part_config, policy, policy_fields),
    WEFT_FIELD_BLOCK(struct weft_policy_part_config, not, not_fields, "For type not."),
    WEFT_FIELDS_END,
};

static const struct weft_field and_fields[] = {
    WEFT_FIELD_LIST(struct weft_policy_and_config, and_sub_policy, struct weft_policy_part_config, part_fields,
                    "All of them must keep the trace."),
    WEFT_FIELDS_END,
};

static const struct weft_field drop_fields[] = {
    WEFT_FIELD_LIST(struct weft_policy_drop_config, drop_sub_policy, struct weft_policy_part_config, part_fields,
                    "A trace that all of them would keep is dropped, whatever other policies say."),
    WEFT_FIELDS_END,
};

static const struct weft_field composite_part_fields[] = {
    WEFT_FIELD_INLINE(struct weft_policy_composite_part_config, policy, policy_fields),
    WEFT_FIELD_BLOCK(struct weft_policy_composite_part_config, and, and_fields, "For type and."),
    WEFT_FIELDS_END,
};

static const struct weft_field allocation_fields[] = {
    WEFT_FIELD_POSITION(struct weft_policy_allocation_config, position),
    WEFT_FIELD(struct weft_policy_allocation_config, policy, "", "The name of a part."),
    WEFT_FIELD(struct weft_policy_allocation_config, percent, "0",
               "Its share of max_total_spans_per_second; 0 = an equal one."),
    WEFT_FIELDS_END,
};

static const struct weft_field composite_fields[] = {
    WEFT_FIELD(struct weft_policy_composite_config, max_total_spans_per_second, "0",
               "What the shares are of, by all workers; no part keeps more a second."),
    WEFT_FIELD_NO_EFFECT("policy_order", "strings",
                         "Parts are asked in the order of composite_sub_policy, as in the Collector."),
    WEFT_FIELD_LIST(struct weft_policy_composite_config, composite_sub_policy, struct weft_policy_composite_part_config,
                    composite_part_fields, "The first that would keep a trace decides, within its share."),
    WEFT_FIELD_LIST(struct weft_policy_composite_config, rate_allocation, struct weft_policy_allocation_config,
                    allocation_fields, "The shares; a part without one keeps nothing, as in the Collector."),
    WEFT_FIELDS_END,
};

const struct weft_field weft_policy_item_fields[] = {
    WEFT_FIELD_INLINE(struct weft_policy_item_config, policy, policy_fields),
    WEFT_FIELD_BLOCK(struct weft_policy_item_config, and, and_fields, "For type and."),
    WEFT_FIELD_BLOCK(struct weft_policy_item_config, not, not_fields, "For type not."),
    WEFT_FIELD_BLOCK(struct weft_policy_item_config, drop, drop_fields, "For type drop."),
    WEFT_FIELD_BLOCK(struct weft_policy_item_config, composite, composite_fields, "For type composite."),
    WEFT_FIELDS_END,
};
