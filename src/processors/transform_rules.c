/* The config of transform (transform_rules.h). A list of texts is one group whose context is that of the lowest record
 * that its paths name; a block is a group that may say its context itself. */
#include "processors/transform_rules.h"

#include <strings.h>

#include "base/alloc.h"
#include "ottl/function.h"

const char *const weft_transform_error_modes[] = { "propagate", "ignore", "silent", NULL };

/* A block of a list. */
struct block {
    char *context;
    struct weft_config_strings conditions, statements;
    struct weft_choice error_mode; /* 0: that of the processor */
};

static const char *const block_error_modes[] = { "", "propagate", "ignore", "silent", NULL };

static const struct weft_field block_fields[] = {
    WEFT_FIELD(struct block, context, "", "resource, scope, span, spanevent, metric, datapoint or log."),
    WEFT_FIELD(struct block, conditions, NULL, "Conditions of which one must hold."),
    WEFT_FIELD(struct block, statements, NULL, "What is done."),
    WEFT_FIELD_CHOICE(struct block, error_mode, block_error_modes, "", "Instead of the processor's."),
    WEFT_FIELDS_END,
};

/* Where texts stand, for errors. A text by itself is its own node. */
struct texts {
    struct weft_slice *items;
    const struct weft_node *list; /* of nodes; NULL: there are none */
    size_t first;                 /* that belongs to items[0] */
    size_t count;
    struct weft_config_notes *notes; /* to read past errors; NULL: the first ends it */
};

static const struct weft_node *node_of(const struct texts *texts, size_t at)
{
    return texts->list == NULL ? NULL : weft_node_at(texts->list, texts->first + at);
}

static enum weft_status fail_at(struct weft_error *error, const struct weft_node *node)
{
    struct weft_error inner = *error;
    return node == NULL ? inner.status : weft_node_fail(error, inner.status, node, "%s", inner.text);
}

/* ---- contexts ---- */

static enum weft_status fail_foreign(enum weft_ottl_context context, enum weft_signal signal, struct weft_error *error)
{
    return weft_fail(error, WEFT_INVALID, "paths begin with %s, which is no context of %s",
                     weft_ottl_context_name(context), weft_signal_name(signal));
}

/* The lower of what statements and conditions name. */
static enum weft_status infer(const struct texts *statements, const struct texts *conditions, enum weft_signal signal,
                              enum weft_ottl_context *out_context, struct weft_error *error)
{
    bool is_inferred = false, is_by_conditions = false;
    enum weft_ottl_context by_conditions = WEFT_OTTL_RESOURCE;
    enum weft_status status = weft_ottl_infer_context(statements->items, statements->count, WEFT_OTTL_STATEMENT, signal,
                                                      &is_inferred, out_context, error);
    if (status == WEFT_OK && conditions->count > 0) {
        status = weft_ottl_infer_context(conditions->items, conditions->count, WEFT_OTTL_CONDITION, signal,
                                         &is_by_conditions, &by_conditions, error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    if (!is_inferred && !is_by_conditions) {
        return weft_fail(error, WEFT_INVALID,
                         "no path says which records are meant; begin paths with resource, scope, %s or set context",
                         signal == WEFT_TRACES    ? "span, spanevent"
                         : signal == WEFT_METRICS ? "metric, datapoint"
                                                  : "log");
    }
    if (is_by_conditions && (!is_inferred || by_conditions < *out_context)) {
        *out_context = by_conditions;
    }
    return weft_ottl_context_is_of(*out_context, signal) ? WEFT_OK : fail_foreign(*out_context, signal, error);
}

static enum weft_status name_context(const char *name, enum weft_signal signal, enum weft_ottl_context *out_context,
                                     struct weft_error *error)
{
    for (int i = 0; i < WEFT_OTTL_CONTEXT_COUNT; i++) {
        if (strcasecmp(name, weft_ottl_context_name((enum weft_ottl_context)i)) == 0 &&
            weft_ottl_context_is_of((enum weft_ottl_context)i, signal)) {
            *out_context = (enum weft_ottl_context)i;
            return WEFT_OK;
        }
    }
    if (strcasecmp(name, "exemplar") == 0 && signal == WEFT_METRICS) {
        return weft_fail(error, WEFT_UNSUPPORTED, "context exemplar is not supported by weft");
    }
    return weft_fail(error, WEFT_INVALID, "\"%s\" is no context of %s", name, weft_signal_name(signal));
}

/* ---- groups ---- */

static void free_programs(struct weft_ottl_program **programs, size_t count)
{
    for (size_t i = 0; programs != NULL && i < count; i++) {
        weft_ottl_program_free(&programs[i]);
    }
    weft_free(programs);
}

/* Of a statement that can be compiled and yet fails on every record: as the Collector, weft takes it. */
static enum weft_status doubt(const struct weft_ottl_program *program, const struct weft_node *node,
                              struct weft_config_notes *notes)
{
    struct weft_error why = WEFT_ERROR_NONE;
    struct weft_error line = WEFT_ERROR_NONE;
    if (notes == NULL || node == NULL || !weft_ottl_program_is_doubtful(program, &why)) {
        return WEFT_OK;
    }
    (void)weft_node_fail(&line, WEFT_INVALID, node, "it will fail on each record: %s", why.text);
    return weft_config_notes_add(notes, WEFT_NOTE_WARNING, "%s", line.text);
}

static enum weft_status compile_one(const struct texts *texts, size_t at, const struct weft_ottl_options *options,
                                    struct weft_ottl_program **out_program, struct weft_error *error)
{
    enum weft_status status = weft_ottl_program_new(texts->items[at], options, out_program, error);
    return status == WEFT_OK ? doubt(*out_program, node_of(texts, at), texts->notes)
                             : weft_config_notes_survive(texts->notes, fail_at(error, node_of(texts, at)), error);
}

static enum weft_status compile(const struct texts *texts, const struct weft_ottl_options *options,
                                struct weft_ottl_program ***out_programs, size_t *out_count, struct weft_error *error)
{
    struct weft_ottl_program **programs = weft_try_alloc((texts->count + 1) * sizeof *programs);
    if (programs == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for statements");
    }
    memset(programs, 0, (texts->count + 1) * sizeof *programs);
    for (size_t i = 0; i < texts->count; i++) {
        enum weft_status status = compile_one(texts, i, options, &programs[i], error);
        if (status != WEFT_OK) {
            free_programs(programs, texts->count);
            return status;
        }
    }
    *out_programs = programs;
    *out_count = texts->count;
    return WEFT_OK;
}

/* Which context texts are of has not been found: because of which of them. */
static enum weft_status blame(const struct texts *texts, enum weft_ottl_form_of_text form, enum weft_signal signal,
                              struct weft_error *error)
{
    enum weft_ottl_context context;
    bool is_inferred;
    for (size_t i = 0; i < texts->count && texts->list != NULL; i++) {
        struct weft_error own = WEFT_ERROR_NONE;
        if (weft_ottl_infer_context(&texts->items[i], 1, form, signal, &is_inferred, &context, &own) != WEFT_OK) {
            enum weft_status status = weft_config_notes_survive(texts->notes, fail_at(&own, node_of(texts, i)), &own);
            if (status != WEFT_OK) {
                *error = own;
                return status;
            }
        }
    }
    return WEFT_OK;
}

static bool changes_count(const struct weft_transform_group *group)
{
    for (size_t i = 0; i < group->statement_count; i++) {
        const struct weft_ottl_program *statement = group->statements[i]; /* NULL: it is wrong, and others are read */
        if (statement != NULL && statement->editor->call->function->changes_count) {
            return true;
        }
    }
    return false;
}

/* A copy is looked at in turn, and would be copied, too. */
static enum weft_status doubt_copies(const struct texts *statements, const struct weft_transform_group *group)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < group->statement_count && group->condition_count == 0; i++) {
        const struct weft_ottl_program *statement = group->statements[i];
        const struct weft_node *node = node_of(statements, i);
        struct weft_error line = WEFT_ERROR_NONE;
        if (statement != NULL && statement->condition == NULL && node != NULL && statements->notes != NULL &&
            weft_slice_equal_text(statement->editor->name, "copy_metric")) {
            (void)weft_node_fail(&line, WEFT_INVALID, node,
                                 "it copies its own copies until the request has grown by %d MiB; say which metrics "
                                 "are meant: copy_metric(...) where metric.name == \"...\"",
                                 WEFT_TRANSFORM_MAX_GROWTH_BYTES >> 20);
            status = weft_config_notes_add(statements->notes, WEFT_NOTE_WARNING, "%s", line.text);
        }
    }
    return status;
}

/* context empty: it is inferred, and then all paths begin with theirs. */
static enum weft_status make_group(const struct texts *statements, const struct texts *conditions, const char *context,
                                   enum weft_signal signal, struct weft_transform_group *group,
                                   struct weft_error *error)
{
    struct weft_ottl_options options = { .form = WEFT_OTTL_STATEMENT,
                                         .needs_prefix = context[0] == '\0',
                                         .sought = &group->sought };
    enum weft_status status = options.needs_prefix ? infer(statements, conditions, signal, &options.context, error)
                                                   : name_context(context, signal, &options.context, error);
    if (status != WEFT_OK) {
        size_t error_count = weft_config_notes_errors(statements->notes);
        status = blame(statements, WEFT_OTTL_STATEMENT, signal, error);
        status = status == WEFT_OK ? blame(conditions, WEFT_OTTL_CONDITION, signal, error) : status;
        bool is_told = weft_config_notes_errors(statements->notes) > error_count;
        return status != WEFT_OK || is_told ? status : fail_at(error, statements->list);
    }
    group->context = options.context;
    status = compile(statements, &options, &group->statements, &group->statement_count, error);
    if (status == WEFT_OK) {
        group->changes_count = changes_count(group);
        options.form = WEFT_OTTL_CONDITION;
        status = compile(conditions, &options, &group->conditions, &group->condition_count, error);
    }
    return status == WEFT_OK ? doubt_copies(statements, group) : status;
}

/* The texts of a list; the slices are the caller's. */
static enum weft_status slice_texts(const struct weft_config_strings *strings, const struct weft_node *list,
                                    struct weft_config_notes *notes, struct texts *out_texts, struct weft_error *error)
{
    struct weft_slice *items = weft_try_alloc((strings->count + 1) * sizeof *items);
    if (items == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for statements");
    }
    for (size_t i = 0; i < strings->count; i++) {
        items[i] = weft_slice_of_text(strings->items[i]);
    }
    bool is_list = list != NULL && weft_node_kind(list) == WEFT_NODE_LIST;
    *out_texts =
        (struct texts){ .items = items, .list = is_list ? list : NULL, .count = strings->count, .notes = notes };
    return WEFT_OK;
}

static enum weft_status add_block(const struct weft_node *node, enum weft_signal signal,
                                  struct weft_config_notes *notes, struct weft_transform_group *group,
                                  struct weft_error *error)
{
    struct block block;
    struct texts statements = { 0 };
    struct texts conditions = { 0 };
    enum weft_status status = weft_config_parse(block_fields, node, &block, NULL, error);
    if (status != WEFT_OK) {
        return status;
    }
    if (block.error_mode.value > 0) {
        group->error_mode = (enum weft_ottl_error_mode)(block.error_mode.value - 1);
    }
    status = slice_texts(&block.statements, weft_node_find(node, "statements"), notes, &statements, error);
    if (status == WEFT_OK) {
        status = slice_texts(&block.conditions, weft_node_find(node, "conditions"), notes, &conditions, error);
    }
    if (status == WEFT_OK) {
        status = make_group(&statements, &conditions, block.context, signal, group, error);
    }
    weft_free(statements.items);
    weft_free(conditions.items);
    weft_config_fini(block_fields, &block);
    return status;
}

/* ---- lists ---- */

static enum weft_status check_items(const struct weft_node *list, size_t *out_blocks, struct weft_error *error)
{
    size_t texts = 0;
    *out_blocks = 0;
    if (weft_node_kind(list) != WEFT_NODE_LIST) {
        return weft_node_fail(error, WEFT_INVALID, list, "a list is expected, not %s", weft_node_kind_text(list));
    }
    for (size_t i = 0; i < weft_node_count(list); i++) {
        const struct weft_node *item = weft_node_at(list, i);
        enum weft_node_kind kind = weft_node_kind(item);
        if (kind != WEFT_NODE_STRING && kind != WEFT_NODE_MAP) {
            return weft_node_fail(error, WEFT_INVALID, item, "a statement or a block is expected, not %s",
                                  weft_node_kind_text(item));
        }
        if (kind == WEFT_NODE_MAP && texts > 0) {
            return weft_node_fail(error, WEFT_INVALID, item, "a block stands behind statements by themselves");
        }
        texts += kind == WEFT_NODE_STRING;
        *out_blocks += kind == WEFT_NODE_MAP;
    }
    return WEFT_OK;
}

/* Texts by themselves stand behind all blocks and are one group. */
static enum weft_status add_texts(const struct weft_node *list, size_t first, enum weft_signal signal,
                                  struct weft_config_notes *notes, struct weft_transform_group *group,
                                  struct weft_error *error)
{
    static const struct texts none;
    size_t count = weft_node_count(list) - first;
    struct texts texts = { .list = list, .first = first, .count = count, .notes = notes };
    texts.items = weft_try_alloc((count + 1) * sizeof *texts.items);
    if (texts.items == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for statements");
    }
    for (size_t i = 0; i < count; i++) {
        texts.items[i] = weft_slice_of_text(weft_node_text(weft_node_at(list, first + i)));
    }
    enum weft_status status = make_group(&texts, &none, "", signal, group, error);
    weft_free(texts.items);
    return status;
}

static enum weft_status reserve(struct weft_transform_rules *rules, enum weft_signal signal, size_t count,
                                enum weft_ottl_error_mode error_mode, struct weft_error *error)
{
    struct weft_transform_group *groups = weft_try_alloc(count * sizeof *groups);
    if (groups == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for statements");
    }
    for (size_t i = 0; i < count; i++) {
        groups[i] = (struct weft_transform_group){ .error_mode = error_mode };
    }
    rules->groups[signal] = groups;
    rules->group_counts[signal] = count;
    return WEFT_OK;
}

static enum weft_status add_list(struct weft_transform_rules *rules, const struct weft_node *list,
                                 enum weft_signal signal, enum weft_ottl_error_mode error_mode,
                                 struct weft_config_notes *notes, struct weft_error *error)
{
    size_t blocks = 0;
    if (list == NULL || weft_node_kind(list) == WEFT_NODE_NULL || weft_node_count(list) == 0) {
        return list == NULL || weft_node_kind(list) == WEFT_NODE_NULL ? WEFT_OK : check_items(list, &blocks, error);
    }
    enum weft_status status = check_items(list, &blocks, error);
    bool has_texts = status == WEFT_OK && blocks < weft_node_count(list);
    if (status == WEFT_OK) {
        status = reserve(rules, signal, blocks + has_texts, error_mode, error);
    }
    for (size_t i = 0; status == WEFT_OK && i < blocks; i++) {
        status = add_block(weft_node_at(list, i), signal, notes, &rules->groups[signal][i], error);
        status = weft_config_notes_survive(notes, status, error);
    }
    if (status == WEFT_OK && has_texts) {
        status = add_texts(list, blocks, signal, notes, &rules->groups[signal][blocks], error);
    }
    return status;
}

bool weft_transform_rules_change_count(const struct weft_transform_rules *rules, enum weft_signal signal)
{
    for (size_t i = 0; i < rules->group_counts[signal]; i++) {
        if (rules->groups[signal][i].changes_count) {
            return true;
        }
    }
    return false;
}

void weft_transform_rules_free(struct weft_transform_rules **own_rules)
{
    struct weft_transform_rules *rules = *own_rules;
    *own_rules = NULL;
    for (size_t signal = 0; rules != NULL && signal < WEFT_SIGNAL_COUNT; signal++) {
        for (size_t i = 0; i < rules->group_counts[signal]; i++) {
            struct weft_transform_group *group = &rules->groups[signal][i];
            free_programs(group->statements, group->statement_count);
            free_programs(group->conditions, group->condition_count);
        }
        weft_free(rules->groups[signal]);
    }
    weft_free(rules);
}

static struct weft_transform_rules *try_rules(struct weft_error *error)
{
    struct weft_transform_rules *rules = weft_try_alloc(sizeof *rules);
    if (rules == NULL) {
        (void)weft_fail(error, WEFT_NOMEM, "no memory for statements");
        return NULL;
    }
    *rules = (struct weft_transform_rules){ 0 };
    return rules;
}

enum weft_status weft_transform_rules_new(const struct weft_transform_config *config, struct weft_config_notes *notes,
                                          struct weft_transform_rules **out_rules, struct weft_error *error)
{
    struct weft_error ignored = WEFT_ERROR_NONE;
    size_t error_count = weft_config_notes_errors(notes);
    error = error == NULL ? &ignored : error;
    const struct weft_node *lists[WEFT_SIGNAL_COUNT] = { [WEFT_TRACES] = config->trace_statements.node,
                                                         [WEFT_METRICS] = config->metric_statements.node,
                                                         [WEFT_LOGS] = config->log_statements.node };
    enum weft_ottl_error_mode error_mode = (enum weft_ottl_error_mode)config->error_mode.value;
    struct weft_transform_rules *rules = try_rules(error);
    enum weft_status status = rules == NULL ? WEFT_NOMEM : WEFT_OK;
    if (rules != NULL) {
        rules->max_steps = config->max_steps;
        rules->flatten_data = config->flatten_data && config->log_statements.node != NULL;
    }
    for (size_t signal = 0; status == WEFT_OK && signal < WEFT_SIGNAL_COUNT; signal++) {
        status = add_list(rules, lists[signal], (enum weft_signal)signal, error_mode, notes, error);
        status = weft_config_notes_survive(notes, status, error);
    }
    status = status == WEFT_OK ? weft_config_notes_fail(notes, error_count, error) : status;
    if (status != WEFT_OK) {
        weft_transform_rules_free(&rules);
        return status;
    }
    *out_rules = rules;
    return WEFT_OK;
}

enum weft_status weft_transform_rules_of(enum weft_signal signal, const char *context,
                                         const struct weft_slice *statements, size_t count,
                                         struct weft_transform_rules **out_rules, struct weft_error *error)
{
    static const struct texts none;
    struct texts texts = { .items = (struct weft_slice *)(uintptr_t)statements, .count = count };
    struct weft_transform_rules *rules = try_rules(error);
    enum weft_status status = rules == NULL ? WEFT_NOMEM : reserve(rules, signal, 1, WEFT_OTTL_PROPAGATE, error);
    if (status == WEFT_OK) {
        status = make_group(&texts, &none, context, signal, &rules->groups[signal][0], error);
    }
    if (status != WEFT_OK) {
        weft_transform_rules_free(&rules);
        return status;
    }
    *out_rules = rules;
    return WEFT_OK;
}
