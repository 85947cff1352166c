#pragma once

#include "config/field.h"
#include "wire/signal.h"

/* The config of `filter`, with the Collector's keys: conditions whose context is inferred (trace_conditions, ...),
 * conditions by what they are asked of (traces.span, ...), and the oldest form, include and exclude with properties. */
struct weft_filter_pair {
    char *key;
    struct weft_config_any value; /* absent: the key alone counts */
};

struct weft_filter_library {
    char *name;
    char *version; /* NULL = any */
};

struct weft_filter_severity {
    char *min;
    bool match_undefined;
};

/* The properties of all signals; each signal's table has its own. */
struct weft_filter_match {
    struct weft_position position;
    struct weft_choice match_type;
    struct weft_config_strings services, span_names, span_kinds;
    struct weft_config_strings severity_texts, bodies;
    struct weft_config_strings metric_names;
    struct weft_config_list attributes; /* of struct weft_filter_pair: of the span or log record */
    struct weft_config_list resources;  /* the same, of the resource */
    struct weft_config_list libraries;  /* of struct weft_filter_library */
    bool has_severity_number;
    struct weft_filter_severity severity_number;
};

enum { WEFT_FILTER_MATCH_NONE, WEFT_FILTER_MATCH_STRICT, WEFT_FILTER_MATCH_REGEXP, WEFT_FILTER_MATCH_EXPR };

/* include and exclude of one signal. */
struct weft_filter_matches {
    bool has_include, has_exclude;
    struct weft_filter_match include, exclude;
};

struct weft_filter_traces {
    struct weft_config_any resource, span, spanevent;
};

struct weft_filter_metrics {
    struct weft_config_any resource, metric, datapoint;
    struct weft_filter_matches matches;
};

struct weft_filter_logs {
    struct weft_config_any resource, log_record;
    struct weft_filter_matches matches;
};

struct weft_filter_config {
    struct weft_position position;
    struct weft_choice error_mode;
    uint64_t max_steps;
    struct weft_config_any trace_conditions, metric_conditions, log_conditions;
    struct weft_filter_traces traces;
    struct weft_filter_metrics metrics;
    struct weft_filter_logs logs;
    struct weft_filter_matches spans;
};

extern const struct weft_field weft_filter_fields[];

/* The words of error_mode, in the order of enum weft_ottl_error_mode. */
extern const char *const weft_filter_error_modes[];
