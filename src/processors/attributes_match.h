#pragma once

#include "config/field.h"
#include "wire/otlp_attributes.h"
#include "wire/otlp_table.h"

/* The `include` and `exclude` blocks (filterconfig's MatchProperties, match_type strict): different properties must all
 * hold, of the words in one list any; of `attributes` and `resources` every pair. */
struct weft_match_pair {
    char *key;
    struct weft_config_any value; /* absent: the key alone counts */
};

struct weft_match_library {
    char *name;
    char *version; /* NULL = any, "" = none */
};

struct weft_match_severity {
    int64_t min;
    bool match_undefined;
};

struct weft_match_config {
    struct weft_choice match_type;
    struct weft_config_strings services, span_names, span_kinds;
    struct weft_config_strings log_bodies, log_severity_texts;
    struct weft_config_strings metric_names;
    bool has_log_severity_number;
    struct weft_match_severity log_severity_number;
    struct weft_config_list attributes, resources, libraries;
};

extern const struct weft_field weft_match_fields[];

enum weft_status weft_match_validate(const struct weft_match_config *match, struct weft_error *error) WEFT_MUST_CHECK;

/* Whether the block has properties for this signal, and only such. */
enum weft_status weft_match_validate_signal(const struct weft_match_config *match, enum weft_signal signal,
                                            struct weft_error *error) WEFT_MUST_CHECK;

/* What lies above the record: services, resources, libraries. attributes is scratch. WEFT_NOMEM only. */
enum weft_status weft_match_scope(const struct weft_match_config *match, const struct weft_otlp_table *table,
                                  uint32_t scope, struct weft_otlp_attributes *attributes,
                                  bool *out_is_match) WEFT_MUST_CHECK;

/* The record itself. */
enum weft_status weft_match_record(const struct weft_match_config *match, enum weft_signal signal,
                                   struct weft_slice record, struct weft_otlp_attributes *attributes,
                                   bool *out_is_match) WEFT_MUST_CHECK;
