/* The rules of `filter` (filter_rules.h) from its config. */
#include "processors/filter_rules.h"

#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "config/unknown_key.h"
#include "processors/filter_match.h"

/* ---- memory ---- */

struct weft_filter_group *weft_filter_group_add(struct weft_filter_rules *rules, enum weft_signal signal)
{
    struct weft_filter_signal_rules *of = &rules->signals[signal];
    if (weft_try_grow(&of->groups, sizeof *of->groups, of->count, &of->capacity) != WEFT_OK) {
        return NULL;
    }
    of->groups[of->count] = (struct weft_filter_group){ 0 };
    return &of->groups[of->count++];
}

enum weft_status weft_filter_condition_add(struct weft_filter_rules *rules, enum weft_signal signal,
                                           struct weft_filter_group *group, struct weft_slice text,
                                           const struct weft_ottl_options *options,
                                           enum weft_ottl_error_mode error_mode, const char *name,
                                           struct weft_error *error)
{
    struct weft_filter_list *list = &group->lists[options->context];
    struct weft_filter_condition condition = { .error_mode = error_mode };
    if (weft_try_grow(&list->items, sizeof *list->items, list->count, &list->capacity) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a condition");
    }
    struct weft_ottl_options own_options = *options;
    own_options.sought = &rules->signals[signal].sought;
    enum weft_status status = weft_ottl_program_new(text, &own_options, &condition.program, error);
    if (status != WEFT_OK) {
        return status;
    }
    condition.name = name == NULL ? weft_slice_trim(condition.program->text) : weft_slice_of_text(name);
    condition.index = rules->signals[signal].condition_count++;
    list->items[list->count++] = condition;
    return WEFT_OK;
}

static void group_fini(struct weft_filter_group *group)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(group->lists); i++) {
        for (size_t j = 0; j < group->lists[i].count; j++) {
            weft_ottl_program_free(&group->lists[i].items[j].program);
        }
        weft_free(group->lists[i].items);
    }
}

void weft_filter_rules_free(struct weft_filter_rules **own_rules)
{
    struct weft_filter_rules *rules = *own_rules;
    *own_rules = NULL;
    if (rules == NULL) {
        return;
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(rules->signals); i++) {
        for (size_t j = 0; j < rules->signals[i].count; j++) {
            group_fini(&rules->signals[i].groups[j]);
        }
        weft_free(rules->signals[i].groups);
    }
    weft_free(rules);
}

/* ---- conditions by what they are asked of ---- */

static bool is_set(struct weft_config_any any)
{
    return any.node != NULL && weft_node_kind(any.node) != WEFT_NODE_NULL;
}

static enum weft_status prefix_position(struct weft_error *error, const struct weft_node *node)
{
    char path[200];
    struct weft_position position = weft_node_position(node);
    weft_node_format_path(node, path, sizeof path);
    return weft_fail_prefix(error, "%s:%u: %s", position.file, position.line, path);
}

static enum weft_status text_of(const struct weft_node *node, struct weft_slice *out_text, struct weft_error *error)
{
    const char *text = weft_node_text(node);
    if (weft_node_kind(node) == WEFT_NODE_LIST || weft_node_kind(node) == WEFT_NODE_MAP || text == NULL) {
        return weft_node_fail(error, WEFT_INVALID, node, "a condition in OTTL is expected, not %s",
                              weft_node_kind_text(node));
    }
    *out_text = weft_slice_of_text(text);
    return WEFT_OK;
}

/* A list of conditions, or one alone, for one context. */
static enum weft_status add_list(struct weft_filter_rules *rules, enum weft_signal signal,
                                 struct weft_filter_group *group, struct weft_config_any list,
                                 enum weft_ottl_context context, enum weft_ottl_error_mode error_mode,
                                 struct weft_error *error)
{
    struct weft_ottl_options options = { .form = WEFT_OTTL_CONDITION, .context = context };
    bool is_one = is_set(list) && weft_node_kind(list.node) != WEFT_NODE_LIST;
    size_t count = !is_set(list) ? 0 : is_one ? 1 : weft_node_count(list.node);
    for (size_t i = 0; i < count; i++) {
        const struct weft_node *node = is_one ? list.node : weft_node_at(list.node, i);
        struct weft_slice text;
        enum weft_status status = text_of(node, &text, error);
        if (status == WEFT_OK) {
            status = weft_filter_condition_add(rules, signal, group, text, &options, error_mode, NULL, error);
            status = status == WEFT_OK ? status : prefix_position(error, node);
        }
        status = weft_config_notes_survive(rules->notes, status, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return WEFT_OK;
}

/* ---- conditions whose context is inferred ---- */

static bool find_error_mode(const char *text, enum weft_ottl_error_mode *out_mode)
{
    for (int i = 0; weft_filter_error_modes[i] != NULL; i++) {
        if (strcmp(weft_filter_error_modes[i], text) == 0) {
            *out_mode = (enum weft_ottl_error_mode)i;
            return true;
        }
    }
    return false;
}

/* One condition; each has a context of its own, the block's or what it says itself. */
static enum weft_status add_inferred(struct weft_filter_rules *rules, enum weft_signal signal,
                                     struct weft_filter_group *group, const struct weft_node *node,
                                     const enum weft_ottl_context *context, enum weft_ottl_error_mode error_mode,
                                     struct weft_error *error)
{
    struct weft_ottl_options options = { .form = WEFT_OTTL_CONDITION, .needs_prefix = context == NULL };
    struct weft_slice text;
    bool is_inferred = context != NULL;
    enum weft_status status = text_of(node, &text, error);
    if (status != WEFT_OK) {
        return status;
    }
    if (context != NULL) {
        options.context = *context;
    } else {
        status = weft_ottl_infer_context(&text, 1, WEFT_OTTL_CONDITION, signal, &is_inferred, &options.context, error);
    }
    if (status == WEFT_OK && !is_inferred) {
        return weft_node_fail(error, WEFT_INVALID, node,
                              "no path says what the condition is asked of; begin one with its context, as resource.");
    }
    if (status == WEFT_OK && !weft_ottl_context_is_of(options.context, signal)) {
        return weft_node_fail(error, WEFT_INVALID, node, "%s have no context %s", weft_signal_name(signal),
                              weft_ottl_context_name(options.context));
    }
    if (status == WEFT_OK) {
        status = weft_filter_condition_add(rules, signal, group, text, &options, error_mode, NULL, error);
    }
    return status == WEFT_OK ? status : prefix_position(error, node);
}

static enum weft_status read_context(const struct weft_node *node, enum weft_signal signal,
                                     enum weft_ottl_context *out_context, struct weft_error *error)
{
    char word[32] = "";
    const char *text = weft_node_text(node);
    for (size_t i = 0; text != NULL && text[i] != '\0' && i + 1 < sizeof word; i++) {
        word[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
    }
    if (!weft_ottl_context_of(weft_slice_of_text(word), out_context) ||
        !weft_ottl_context_is_of(*out_context, signal) || strcmp(word, "instrumentation_scope") == 0) {
        return weft_node_fail(error, WEFT_INVALID, node, "%s have no context \"%s\"", weft_signal_name(signal),
                              text == NULL ? "" : text);
    }
    return WEFT_OK;
}

/* { context, conditions, error_mode } */
static enum weft_status add_block(struct weft_filter_rules *rules, enum weft_signal signal,
                                  const struct weft_node *block, enum weft_ottl_error_mode error_mode,
                                  struct weft_error *error)
{
    static const char *const keys[] = { "context", "conditions", "error_mode" };
    enum weft_ottl_context context = WEFT_OTTL_RESOURCE;
    bool has_context = false;
    const struct weft_node *conditions = weft_node_find(block, "conditions");
    struct weft_filter_group *group = weft_filter_group_add(rules, signal);
    enum weft_status status = group == NULL ? weft_fail(error, WEFT_NOMEM, "no memory for conditions") : WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < weft_node_count(block); i++) {
        const struct weft_node *child = weft_node_at(block, i);
        const char *key = weft_node_key(child);
        bool is_there = weft_node_kind(child) != WEFT_NODE_NULL;
        if (strcmp(key, "context") == 0 && is_there) {
            has_context = weft_node_text(child) != NULL && weft_node_text(child)[0] != '\0';
            status = has_context ? read_context(child, signal, &context, error) : WEFT_OK;
        } else if (strcmp(key, "error_mode") == 0 && is_there) {
            if (weft_node_text(child) == NULL || !find_error_mode(weft_node_text(child), &error_mode)) {
                status = weft_node_fail(error, WEFT_INVALID, child, "use propagate, ignore or silent");
            }
        } else if (strcmp(key, "context") != 0 && strcmp(key, "conditions") != 0 && strcmp(key, "error_mode") != 0) {
            status = weft_config_fail_unknown_key(child, keys, WEFT_COUNT_OF(keys), error);
        }
    }
    for (size_t i = 0; status == WEFT_OK && i < weft_node_count(conditions); i++) {
        status = add_inferred(rules, signal, group, weft_node_at(conditions, i), has_context ? &context : NULL,
                              error_mode, error);
        status = weft_config_notes_survive(rules->notes, status, error);
    }
    return status;
}

/* A list of conditions, which are one group, or of blocks. */
static enum weft_status add_conditions(struct weft_filter_rules *rules, enum weft_signal signal,
                                       struct weft_config_any list, enum weft_ottl_error_mode error_mode,
                                       struct weft_error *error)
{
    struct weft_filter_group *group = NULL;
    bool has_blocks = false;
    enum weft_status status = WEFT_OK;
    if (is_set(list) && weft_node_kind(list.node) != WEFT_NODE_LIST) {
        return weft_node_fail(error, WEFT_INVALID, list.node, "a list is expected");
    }
    for (size_t i = 0; status == WEFT_OK && is_set(list) && i < weft_node_count(list.node); i++) {
        const struct weft_node *node = weft_node_at(list.node, i);
        bool is_block = weft_node_kind(node) == WEFT_NODE_MAP;
        if (is_block ? group != NULL : has_blocks) {
            return weft_node_fail(error, WEFT_INVALID, node, "conditions and blocks do not go together in one list");
        }
        has_blocks = has_blocks || is_block;
        if (is_block) {
            status = add_block(rules, signal, node, error_mode, error);
            status = weft_config_notes_survive(rules->notes, status, error);
            continue;
        }
        group = group == NULL ? weft_filter_group_add(rules, signal) : group;
        status = group == NULL ? weft_fail(error, WEFT_NOMEM, "no memory for conditions")
                               : add_inferred(rules, signal, group, node, NULL, error_mode, error);
        status = weft_config_notes_survive(rules->notes, status, error);
    }
    return status;
}

/* ---- the whole ---- */

struct plain_list {
    struct weft_config_any list;
    enum weft_ottl_context context;
};

static enum weft_status add_signal(struct weft_filter_rules *rules, enum weft_signal signal, const char *name,
                                   const struct plain_list *lists, size_t count, struct weft_config_any inferred,
                                   const struct weft_filter_matches *matches, enum weft_ottl_error_mode error_mode,
                                   struct weft_position position, struct weft_error *error)
{
    bool has_lists = false;
    bool has_matches = matches->has_include || matches->has_exclude;
    for (size_t i = 0; i < count; i++) {
        has_lists = has_lists || is_set(lists[i].list);
    }
    if (has_lists + is_set(inferred) + (has_matches && signal != WEFT_TRACES) > 1 || (has_lists && has_matches)) {
        return weft_fail(
            error, WEFT_INVALID,
            "%s:%u: %s are filtered by conditions whose context is inferred, or by conditions by what they "
            "are asked of, or by include and exclude; not by two of them",
            position.file, position.line, name);
    }
    if (is_set(inferred) && weft_node_count(inferred.node) > 0) {
        return add_conditions(rules, signal, inferred, error_mode, error);
    }
    struct weft_filter_group *group = has_lists || has_matches ? weft_filter_group_add(rules, signal) : NULL;
    if (group == NULL) {
        return has_lists || has_matches ? weft_fail(error, WEFT_NOMEM, "no memory for conditions") : WEFT_OK;
    }
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        status = add_list(rules, signal, group, lists[i].list, lists[i].context, error_mode, error);
    }
    return status == WEFT_OK && has_matches ? weft_filter_matches_add(rules, signal, group, matches, error) : status;
}

static enum weft_status add_all(struct weft_filter_rules *rules, const struct weft_filter_config *config,
                                struct weft_error *error)
{
    const struct weft_filter_matches no_matches = { 0 };
    enum weft_ottl_error_mode mode = (enum weft_ottl_error_mode)config->error_mode.value;
    const struct plain_list traces[] = { { config->traces.resource, WEFT_OTTL_RESOURCE },
                                         { config->traces.span, WEFT_OTTL_SPAN },
                                         { config->traces.spanevent, WEFT_OTTL_SPANEVENT } };
    const struct plain_list metrics[] = { { config->metrics.resource, WEFT_OTTL_RESOURCE },
                                          { config->metrics.metric, WEFT_OTTL_METRIC },
                                          { config->metrics.datapoint, WEFT_OTTL_DATAPOINT } };
    const struct plain_list logs[] = { { config->logs.resource, WEFT_OTTL_RESOURCE },
                                       { config->logs.log_record, WEFT_OTTL_LOG } };
    enum weft_status status =
        add_signal(rules, WEFT_TRACES, "spans", traces, WEFT_COUNT_OF(traces), config->trace_conditions,
                   is_set(config->trace_conditions) ? &no_matches : &config->spans, mode, config->position, error);
    if (status == WEFT_OK) {
        status = add_signal(rules, WEFT_METRICS, "metrics", metrics, WEFT_COUNT_OF(metrics), config->metric_conditions,
                            &config->metrics.matches, mode, config->position, error);
    }
    if (status == WEFT_OK) {
        status = add_signal(rules, WEFT_LOGS, "logs", logs, WEFT_COUNT_OF(logs), config->log_conditions,
                            &config->logs.matches, mode, config->position, error);
    }
    return status;
}

enum weft_status weft_filter_rules_new(const struct weft_filter_config *config, struct weft_config_notes *notes,
                                       struct weft_filter_rules **out_rules, struct weft_error *error)
{
    size_t error_count = weft_config_notes_errors(notes);
    struct weft_filter_rules *rules = weft_try_alloc(sizeof *rules);
    if (rules == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for conditions");
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(rules->signals); i++) {
        rules->signals[i].max_steps = config->max_steps;
    }
    rules->notes = notes;
    enum weft_status status = add_all(rules, config, error);
    rules->notes = NULL;
    status = status == WEFT_OK ? weft_config_notes_fail(notes, error_count, error) : status;
    if (status != WEFT_OK) {
        weft_filter_rules_free(&rules);
        return status;
    }
    *out_rules = rules;
    return WEFT_OK;
}
