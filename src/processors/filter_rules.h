#pragma once

#include "ottl/ottl.h"
#include "processors/filter_config.h"

/* What `filter` drops: conditions in OTTL, by signal and by what they are asked of. The older forms of the config are
 * written as such conditions, too (filter_match.h), so that one thing is asked in the end. Made from a config once for
 * all workers; never changes. */
struct weft_filter_condition {
    struct weft_ottl_program *program;
    struct weft_slice name; /* what the books say; lies in the program or is a constant */
    enum weft_ottl_error_mode error_mode;
    uint32_t index; /* among those of its signal */
};

struct weft_filter_list {
    struct weft_filter_condition *items;
    size_t count, capacity;
};

/* What is asked in one go, from the resource down. Groups follow one another: each sees what the ones before left. */
struct weft_filter_group {
    struct weft_filter_list lists[WEFT_OTTL_CONTEXT_COUNT]; /* ORed */
};

struct weft_filter_signal_rules {
    struct weft_filter_group *groups;
    size_t count, capacity;
    uint32_t condition_count;
    uint64_t max_steps;             /* of a condition on a record */
    struct weft_ottl_sought sought; /* what they ask for */
};

struct weft_filter_rules {
    struct weft_filter_signal_rules signals[WEFT_SIGNAL_COUNT];
    struct weft_config_notes *notes; /* while they are made: to read past errors */
};

/* WEFT_INVALID and WEFT_UNSUPPORTED with file:line, and with line and column in the condition; WEFT_NOMEM. All errors
 * of conditions are added to notes that keep them; NULL: the first ends it. */
enum weft_status weft_filter_rules_new(const struct weft_filter_config *config, struct weft_config_notes *notes,
                                       struct weft_filter_rules **out_rules, struct weft_error *error) WEFT_MUST_CHECK;
void weft_filter_rules_free(struct weft_filter_rules **own_rules);

/* ---- between the files that make them ---- */

/* A group more of the signal. NULL without memory. */
struct weft_filter_group *weft_filter_group_add(struct weft_filter_rules *rules,
                                                enum weft_signal signal) WEFT_MUST_CHECK;

/* The condition is compiled and appended. name: empty = its text. */
enum weft_status weft_filter_condition_add(struct weft_filter_rules *rules, enum weft_signal signal,
                                           struct weft_filter_group *group, struct weft_slice text,
                                           const struct weft_ottl_options *options,
                                           enum weft_ottl_error_mode error_mode, const char *name,
                                           struct weft_error *error) WEFT_MUST_CHECK;
