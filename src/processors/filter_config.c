/* The field tables of `filter` (filter_config.h). What they cannot say is checked where the rules are made. */
#include "processors/filter_config.h"

const char *const weft_filter_error_modes[] = { "propagate", "ignore", "silent", NULL };

static const char *const match_types[] = { "", "strict", "regexp", "expr", NULL };

static const struct weft_field pair_fields[] = {
    WEFT_FIELD(struct weft_filter_pair, key, NULL, "The attribute's key.", .is_required = true),
    WEFT_FIELD(struct weft_filter_pair, value, NULL, "Its value; without, the key alone counts."),
    WEFT_FIELDS_END,
};

static const struct weft_field library_fields[] = {
    WEFT_FIELD(struct weft_filter_library, name, NULL, "Name of the instrumentation scope.", .is_required = true),
    WEFT_FIELD(struct weft_filter_library, version, NULL, "Its version; without, any."),
    WEFT_FIELDS_END,
};

static const struct weft_field severity_fields[] = {
    WEFT_FIELD(struct weft_filter_severity, min, "", "The lowest that matches: 1 to 24, or a word as WARN or INFO2.",
               .takes_numbers = true),
    WEFT_FIELD(struct weft_filter_severity, match_undefined, "false", "Whether records without one match."),
    WEFT_FIELDS_END,
};

static const struct weft_field span_match_fields[] = {
    WEFT_FIELD_POSITION(struct weft_filter_match, position),
    WEFT_FIELD_CHOICE(struct weft_filter_match, match_type, match_types, "", "strict or regexp."),
    WEFT_FIELD(struct weft_filter_match, services, NULL, "Values of the resource's service.name."),
    WEFT_FIELD(struct weft_filter_match, span_names, NULL, "Names of spans."),
    WEFT_FIELD(struct weft_filter_match, span_kinds, NULL, "Kinds of spans, as SPAN_KIND_SERVER."),
    WEFT_FIELD_LIST(struct weft_filter_match, attributes, struct weft_filter_pair, pair_fields,
                    "Attributes of the span; all must be there."),
    WEFT_FIELD_LIST(struct weft_filter_match, resources, struct weft_filter_pair, pair_fields,
                    "Attributes of the resource; all must be there."),
    WEFT_FIELD_LIST(struct weft_filter_match, libraries, struct weft_filter_library, library_fields,
                    "Instrumentation scopes."),
    WEFT_FIELD_NO_EFFECT("regexp", "map", "A cache of regular expressions."),
    WEFT_FIELDS_END,
};

static const struct weft_field log_match_fields[] = {
    WEFT_FIELD_POSITION(struct weft_filter_match, position),
    WEFT_FIELD_CHOICE(struct weft_filter_match, match_type, match_types, "", "strict or regexp."),
    { .key = "resource_attributes",
      .kind = WEFT_KIND_LIST,
      .offset = offsetof(struct weft_filter_match, resources),
      .item_size = sizeof(struct weft_filter_pair),
      .fields = pair_fields,
      .help = "Attributes of the resource; all must be there." },
    { .key = "record_attributes",
      .kind = WEFT_KIND_LIST,
      .offset = offsetof(struct weft_filter_match, attributes),
      .item_size = sizeof(struct weft_filter_pair),
      .fields = pair_fields,
      .help = "Attributes of the record; all must be there." },
    WEFT_FIELD(struct weft_filter_match, severity_texts, NULL, "Severity texts."),
    WEFT_FIELD(struct weft_filter_match, bodies, NULL, "Bodies, as text."),
    WEFT_FIELD_OPTIONAL(struct weft_filter_match, severity_number, has_severity_number, severity_fields, "off",
                        "Severity numbers.", .is_off_as_null = true),
    WEFT_FIELDS_END,
};

static const struct weft_field metric_match_fields[] = {
    WEFT_FIELD_POSITION(struct weft_filter_match, position),
    WEFT_FIELD_CHOICE(struct weft_filter_match, match_type, match_types, "",
                      "strict or regexp; expr is not supported."),
    WEFT_FIELD(struct weft_filter_match, metric_names, NULL, "Names of metrics."),
    { .key = "resource_attributes",
      .kind = WEFT_KIND_LIST,
      .offset = offsetof(struct weft_filter_match, resources),
      .item_size = sizeof(struct weft_filter_pair),
      .fields = pair_fields,
      .help = "Attributes of the resource; all must be there." },
    WEFT_FIELD_UNSUPPORTED("expressions", "Expressions over data points, for match_type expr."),
    WEFT_FIELD_NO_EFFECT("regexp", "map", "A cache of regular expressions."),
    WEFT_FIELDS_END,
};

#define MATCHES(kind)                                                                                     \
    WEFT_FIELD_OPTIONAL(struct weft_filter_matches, include, has_include, kind##_match_fields, "off",     \
                        "What does not match is dropped.", .is_off_as_null = true),                       \
        WEFT_FIELD_OPTIONAL(struct weft_filter_matches, exclude, has_exclude, kind##_match_fields, "off", \
                            "What matches is dropped.", .is_off_as_null = true)

static const struct weft_field span_matches_fields[] = { MATCHES(span), WEFT_FIELDS_END };
static const struct weft_field log_matches_fields[] = { MATCHES(log), WEFT_FIELDS_END };
static const struct weft_field metric_matches_fields[] = { MATCHES(metric), WEFT_FIELDS_END };

static const struct weft_field traces_fields[] = {
    WEFT_FIELD(struct weft_filter_traces, resource, NULL, "Conditions; where one is true the resource is dropped."),
    WEFT_FIELD(struct weft_filter_traces, span, NULL, "Conditions; where one is true the span is dropped."),
    WEFT_FIELD(struct weft_filter_traces, spanevent, NULL, "Conditions; where one is true the span event is dropped."),
    WEFT_FIELDS_END,
};

static const struct weft_field metrics_fields[] = {
    WEFT_FIELD(struct weft_filter_metrics, resource, NULL, "Conditions; where one is true the resource is dropped."),
    WEFT_FIELD(struct weft_filter_metrics, metric, NULL, "Conditions; where one is true the metric is dropped."),
    WEFT_FIELD(struct weft_filter_metrics, datapoint, NULL, "Conditions; where one is true the data point is dropped."),
    WEFT_FIELD_INLINE(struct weft_filter_metrics, matches, metric_matches_fields),
    WEFT_FIELD_NO_EFFECT("regexp", "map", "A cache of regular expressions."),
    WEFT_FIELDS_END,
};

static const struct weft_field logs_fields[] = {
    WEFT_FIELD(struct weft_filter_logs, resource, NULL, "Conditions; where one is true the resource is dropped."),
    WEFT_FIELD(struct weft_filter_logs, log_record, NULL, "Conditions; where one is true the log record is dropped."),
    WEFT_FIELD_INLINE(struct weft_filter_logs, matches, log_matches_fields),
    WEFT_FIELDS_END,
};

const struct weft_field weft_filter_fields[] = {
    WEFT_FIELD_POSITION(struct weft_filter_config, position),
    WEFT_FIELD_CHOICE(struct weft_filter_config, error_mode, weft_filter_error_modes, "ignore",
                      "What becomes of a condition that fails: propagate refuses the batch, ignore logs it and counts "
                      "it as false, silent does the same without a log."),
    WEFT_FIELD(
        struct weft_filter_config, trace_conditions, NULL,
        "Conditions whose paths say what they are asked of, as span.name; or blocks with conditions, context and "
        "error_mode."),
    WEFT_FIELD(struct weft_filter_config, metric_conditions, NULL, "The same for metrics and data points."),
    WEFT_FIELD(struct weft_filter_config, log_conditions, NULL, "The same for log records."),
    WEFT_FIELD_BLOCK(struct weft_filter_config, traces, traces_fields, "Conditions by what they are asked of."),
    WEFT_FIELD_BLOCK(struct weft_filter_config, metrics, metrics_fields, "Conditions by what they are asked of."),
    WEFT_FIELD_BLOCK(struct weft_filter_config, logs, logs_fields, "Conditions by what they are asked of."),
    WEFT_FIELD_BLOCK(struct weft_filter_config, spans, span_matches_fields, "Spans by their properties."),
    WEFT_FIELD(
        struct weft_filter_config, max_steps, "20000000",
        "weft's own: what a condition may take on one record: steps of about a nanosecond, and half as many again "
        "in bytes of memory. A longer one fails.",
        .minimum = 100000, .maximum = 100000000),
    WEFT_FIELD_UNSUPPORTED("profiles", "Profiles."),
    WEFT_FIELD_UNSUPPORTED("profile_conditions", "Profiles."),
    WEFT_FIELDS_END,
};
