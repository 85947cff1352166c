#pragma once

#include "config/field.h"
#include "ottl/ottl.h"

/* So much longer than it came a request may become, all records together; what would make it longer fails. */
enum { WEFT_TRANSFORM_MAX_GROWTH_BYTES = 64 << 20 };

/* What the config of a transform says, compiled: for each signal groups of statements, in order. Made once, used by all
 * workers at once. */
struct weft_transform_config {
    struct weft_choice error_mode;
    struct weft_config_any trace_statements, metric_statements, log_statements;
    bool flatten_data;
    uint64_t max_steps;
};

extern const char *const weft_transform_error_modes[]; /* in the order of enum weft_ottl_error_mode */

/* Statements that are run on the same records, one after the other, if one of the conditions holds. */
struct weft_transform_group {
    enum weft_ottl_context context;
    enum weft_ottl_error_mode error_mode;
    struct weft_ottl_program **statements, **conditions;
    size_t statement_count, condition_count;
    bool changes_count;             /* one of them makes data points, or puts some together */
    struct weft_ottl_sought sought; /* what they ask for */
};

struct weft_transform_rules {
    struct weft_transform_group *groups[WEFT_SIGNAL_COUNT];
    size_t group_counts[WEFT_SIGNAL_COUNT];
    bool flatten_data;
    uint64_t max_steps; /* of a statement on a record; 0 = WEFT_OTTL_STEPS_MAX */
};

/* WEFT_INVALID, WEFT_UNSUPPORTED and WEFT_LIMIT with file, line and key, and the place in the statement; WEFT_NOMEM.
 * All errors of statements are added to notes that keep them, and warnings of statements that will fail; NULL: the
 * first error ends it. */
enum weft_status weft_transform_rules_new(const struct weft_transform_config *config, struct weft_config_notes *notes,
                                          struct weft_transform_rules **out_rules,
                                          struct weft_error *error) WEFT_MUST_CHECK;

/* One group of one signal, of statements that name their context, or, where it is not "", of this one: for who tries
 * some. */
enum weft_status weft_transform_rules_of(enum weft_signal signal, const char *context,
                                         const struct weft_slice *statements, size_t count,
                                         struct weft_transform_rules **out_rules,
                                         struct weft_error *error) WEFT_MUST_CHECK;

/* Whether statements of the signal may leave more data points, or less. */
bool weft_transform_rules_change_count(const struct weft_transform_rules *rules, enum weft_signal signal);

void weft_transform_rules_free(struct weft_transform_rules **own_rules);
