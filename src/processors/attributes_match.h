#pragma once

#include "config/field.h"
#include "processors/attributes_edit.h"
#include "wire/otlp_table.h"

/* The `include` and `exclude` blocks (filterconfig's MatchProperties): different properties must all hold, of the texts
 * in one list any; of `attributes`, `resources` and `libraries` every entry. */
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
    struct weft_position position;
    struct weft_choice match_type;
    struct weft_config_strings services, span_names, span_kinds;
    struct weft_config_strings log_bodies, log_severity_texts;
    struct weft_config_strings metric_names;
    bool has_log_severity_number;
    struct weft_match_severity log_severity_number;
    struct weft_config_list attributes, resources, libraries;
};

extern const struct weft_field weft_match_fields[];

/* Whether the block has properties for this signal, and only such. */
enum weft_status weft_match_validate_signal(const struct weft_match_config *match, enum weft_signal signal,
                                            struct weft_error *error) WEFT_MUST_CHECK;

/* Whether the block restricts anything for this signal: of metrics their names alone are asked for, as the Collector
 * does. */
bool weft_match_restricts(const struct weft_match_config *match, enum weft_signal signal);

/* Warns of what is taken and not asked for; name: the block's. WEFT_NOMEM. */
enum weft_status weft_match_advise_signal(const struct weft_match_config *match, enum weft_signal signal,
                                          const char *name, struct weft_config_notes *notes) WEFT_MUST_CHECK;

/* A block made ready; it never changes, and all workers may ask it. */
struct weft_match;

/* config outlives it. keys: get the attributes that are asked for. WEFT_INVALID, WEFT_UNSUPPORTED, WEFT_NOMEM. */
enum weft_status weft_match_new(const struct weft_match_config *config, struct weft_attribute_keys *keys,
                                struct weft_match **out_match, struct weft_error *error) WEFT_MUST_CHECK;
void weft_match_free(struct weft_match **own_match);

/* What a worker matches with. */
struct weft_match_scratch {
    struct weft_pattern_scratch *patterns;
    struct weft_attribute_texts texts;
    struct weft_otlp_attributes attributes;
    uint64_t limit_count; /* matches that met their limit: they count as none */
};

enum weft_status weft_match_scratch_init(struct weft_match_scratch *scratch, struct weft_error *error) WEFT_MUST_CHECK;

/* A batch begins (weft_pattern_scratch_begin_batch); of a scratch that was not made, too. */
void weft_match_scratch_begin(struct weft_match_scratch *scratch, const char *component);
void weft_match_scratch_fini(struct weft_match_scratch *scratch);

/* What lies above the record: services, resources, libraries. WEFT_NOMEM only. */
enum weft_status weft_match_scope(const struct weft_match *match, struct weft_match_scratch *scratch,
                                  const struct weft_otlp_table *table, uint32_t scope,
                                  bool *out_is_match) WEFT_MUST_CHECK;

/* The record itself, but for its attributes. WEFT_NOMEM only. */
enum weft_status weft_match_record(const struct weft_match *match, struct weft_match_scratch *scratch,
                                   enum weft_signal signal, struct weft_slice record,
                                   bool *out_is_match) WEFT_MUST_CHECK;

bool weft_match_asks_for_attributes(const struct weft_match *match);

/* The attributes that the editor has read. WEFT_NOMEM only. */
enum weft_status weft_match_attributes(const struct weft_match *match, struct weft_match_scratch *scratch,
                                       const struct weft_attribute_editor *editor, bool *out_is_match) WEFT_MUST_CHECK;
