/* Evaluating an expression for one entry (expression.h). The tree's height bounds the recursion; steps and bytes are
 * counted, since some parts of it are looked at more than once (a < b < c). */
#include <stdarg.h>
#include <stdio.h>

#include "operators/expression_internal.h"

bool weft_expression_fail_state(struct weft_expression_state *state, const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)weft_operator_fail(state->run, "an expression fails: %s", text);
    return false;
}

void *weft_expression_take(struct weft_expression_state *state, size_t size_bytes)
{
    if (size_bytes > WEFT_EXPRESSION_MAX_TAKEN_BYTES - state->taken_bytes) {
        (void)weft_expression_fail_state(state, "it takes more than %d MiB", WEFT_EXPRESSION_MAX_TAKEN_BYTES >> 20);
        return NULL;
    }
    state->taken_bytes += size_bytes;
    void *memory = weft_entry_memory_try_alloc(state->entry->memory, size_bytes);
    if (memory == NULL) {
        (void)weft_operator_fail_memory(state->run);
    }
    return memory;
}

static bool evaluate(struct weft_expression_state *state, const struct weft_expression *node,
                     struct weft_log_value *out_value);

static bool evaluate_bool(struct weft_expression_state *state, const struct weft_expression *node, bool *out_is_true)
{
    struct weft_log_value value;
    if (!evaluate(state, node, &value)) {
        return false;
    }
    *out_is_true = value.kind == WEFT_LOG_BOOL && value.boolean;
    return value.kind == WEFT_LOG_BOOL || weft_expression_fail_state(state, "a condition is %s, not a bool",
                                                                     weft_expression_type_text((int)value.kind));
}

/* The last one may be anything, as in the Collector. */
static bool evaluate_logic(struct weft_expression_state *state, const struct weft_expression *node,
                           struct weft_log_value *out_value)
{
    bool goes_on = node->kind == WEFT_EXPRESSION_AND, is_true = goes_on;
    for (size_t i = 0; i + 1 < node->count; i++) {
        if (!evaluate_bool(state, node->items[i], &is_true)) {
            return false;
        }
        if (is_true != goes_on) {
            *out_value = weft_expression_bool(is_true);
            return true;
        }
    }
    return evaluate(state, node->items[node->count - 1], out_value);
}

static bool evaluate_condition(struct weft_expression_state *state, const struct weft_expression *node,
                               struct weft_log_value *out_value)
{
    bool is_true = false;
    return evaluate_bool(state, node->items[0], &is_true) && evaluate(state, node->items[is_true ? 1 : 2], out_value);
}

static bool evaluate_coalesce(struct weft_expression_state *state, const struct weft_expression *node,
                              struct weft_log_value *out_value)
{
    return evaluate(state, node->items[0], out_value) &&
           (!weft_expression_is_nil(state, out_value) || evaluate(state, node->items[1], out_value));
}

/* Only members of the same chain are between an optional member and its chain. */
static bool evaluate_member(struct weft_expression_state *state, const struct weft_expression *node,
                            struct weft_log_value *out_value)
{
    struct weft_log_value pair[2];
    if (!evaluate(state, node->items[0], &pair[0])) {
        return false;
    }
    if (!state->is_chain_over && node->is_optional && weft_expression_is_nil(state, &pair[0])) {
        state->is_chain_over = true;
    }
    if (state->is_chain_over) {
        *out_value = (struct weft_log_value){ .kind = WEFT_LOG_NIL };
        return true;
    }
    return evaluate(state, node->items[1], &pair[1]) && weft_expression_member(state, pair, out_value);
}

static bool evaluate_chain(struct weft_expression_state *state, const struct weft_expression *node,
                           struct weft_log_value *out_value)
{
    bool is_done = evaluate(state, node->items[0], out_value);
    state->is_chain_over = false;
    if (is_done && weft_expression_is_nil(state, out_value)) {
        *out_value = (struct weft_log_value){ .kind = WEFT_LOG_NIL };
    }
    return is_done;
}

static bool evaluate_list(struct weft_expression_state *state, const struct weft_expression *node,
                          struct weft_log_value *out_value)
{
    struct weft_log_list *list = weft_expression_take(state, sizeof *list);
    struct weft_log_value *items = list == NULL ? NULL : weft_expression_take(state, node->count * sizeof *items + 1);
    if (items == NULL) {
        return false;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (!evaluate(state, node->items[i], &items[i])) {
            return false;
        }
    }
    *list = (struct weft_log_list){ .items = items, .count = node->count, .capacity = node->count };
    *out_value = (struct weft_log_value){ .kind = WEFT_LOG_LIST, .list = list };
    return true;
}

static bool evaluate_call(struct weft_expression_state *state, const struct weft_expression *node,
                          struct weft_log_value *out_value)
{
    const struct weft_expression_function *function = node->function;
    struct weft_expression_call call = { .state = state, .count = node->count };
    for (size_t i = 0; i < node->count; i++) {
        struct weft_log_value *argument = &call.arguments[i];
        if (!evaluate(state, node->items[i], argument)) {
            return false;
        }
        int wanted = function->argument_types[i];
        if (wanted != WEFT_EXPRESSION_ANY && wanted != (int)argument->kind) {
            return weft_expression_fail_state(state, "%s() does not take %s", function->name,
                                              weft_expression_type_text((int)argument->kind));
        }
        if (argument->kind == WEFT_LOG_STRING && argument->text.length == 0) {
            argument->text = WEFT_SLICE_LITERAL("");
        }
    }
    return function->call(&call, out_value);
}

static bool evaluate_matches(struct weft_expression_state *state, const struct weft_expression *node,
                             struct weft_log_value *out_value)
{
    struct weft_log_value subject;
    if (!evaluate(state, node->items[0], &subject)) {
        return false;
    }
    if (weft_expression_is_nil(state, &subject)) {
        *out_value = weft_expression_bool(false);
        return true;
    }
    if (subject.kind != WEFT_LOG_STRING && subject.kind != WEFT_LOG_BYTES) {
        return weft_expression_fail_state(state, "%s matches no pattern", weft_log_value_kind_text(subject.kind));
    }
    enum weft_pattern_outcome outcome = weft_pattern_match(node->pattern, state->run->pattern, subject.text);
    *out_value = weft_expression_bool(outcome == WEFT_PATTERN_MATCH);
    state->run->has_met_limit = state->run->has_met_limit || outcome == WEFT_PATTERN_LIMIT;
    return outcome != WEFT_PATTERN_LIMIT || weft_expression_fail_state(state, "a pattern takes too long");
}

static bool evaluate_texts(struct weft_expression_state *state, const struct weft_expression *node,
                           struct weft_log_value *out_value)
{
    struct weft_log_value value;
    if (!evaluate(state, node->items[0], &value)) {
        return false;
    }
    if (value.kind == WEFT_LOG_NIL) { /* the Collector looks for the empty text then */
        value = weft_log_string(WEFT_SLICE_EMPTY);
    }
    if (value.kind != WEFT_LOG_STRING) {
        return weft_expression_fail_state(state, "%s is looked for among texts", weft_log_value_kind_text(value.kind));
    }
    bool is_found = false;
    for (size_t i = 0; i < node->items[1]->count && !is_found; i++) {
        is_found = weft_slice_equal(node->items[1]->items[i]->constant.text, value.text);
    }
    *out_value = weft_expression_bool(is_found);
    return true;
}

/* The bounds are integers; a number with a fraction is not between them. */
static bool evaluate_range(struct weft_expression_state *state, const struct weft_expression *node,
                           struct weft_log_value *out_value)
{
    struct weft_log_value value, low, high;
    int64_t first = 0, last = 0;
    bool is_done = evaluate(state, node->items[0], &value) && evaluate(state, node->items[1]->items[0], &low) &&
                   evaluate(state, node->items[1]->items[1], &high) && weft_expression_to_int(state, &low, &first) &&
                   weft_expression_to_int(state, &high, &last);
    if (!is_done) {
        return false;
    }
    if (first <= last && (uint64_t)last - (uint64_t)first >= WEFT_EXPRESSION_MAX_RANGE) {
        return weft_expression_fail_state(state, "a range has more than %d numbers", WEFT_EXPRESSION_MAX_RANGE);
    }
    bool is_integer = value.kind == WEFT_LOG_INT;
    bool is_whole = value.kind == WEFT_LOG_DOUBLE && value.real >= -9.2e18 && value.real <= 9.2e18 &&
                    (double)(int64_t)value.real == value.real;
    int64_t number = is_integer ? value.integer : is_whole ? (int64_t)value.real : 0;
    *out_value = weft_expression_bool((is_integer || is_whole) && number >= first && number <= last);
    return true;
}

static bool evaluate_pair(struct weft_expression_state *state, const struct weft_expression *node,
                          struct weft_log_value *out_value)
{
    struct weft_log_value pair[2];
    return evaluate(state, node->items[0], &pair[0]) && evaluate(state, node->items[1], &pair[1]) &&
           (node->kind == WEFT_EXPRESSION_IN ? weft_expression_find(state, pair, out_value)
            : node->kind < WEFT_EXPRESSION_ADD || node->kind > WEFT_EXPRESSION_POWER
                ? weft_expression_compare(state, node->kind, pair, out_value)
                : weft_expression_calculate(state, node->kind, pair, out_value));
}

static bool evaluate_not(struct weft_expression_state *state, const struct weft_expression *node,
                         struct weft_log_value *out_value)
{
    bool is_true = false;
    bool is_done = evaluate_bool(state, node->items[0], &is_true);
    *out_value = weft_expression_bool(!is_true);
    return is_done;
}

static bool evaluate_constant(struct weft_expression_state *state, const struct weft_expression *node,
                              struct weft_log_value *out_value)
{
    (void)state;
    *out_value = node->constant;
    return true;
}

static bool evaluate_entry(struct weft_expression_state *state, const struct weft_expression *node,
                           struct weft_log_value *out_value)
{
    struct weft_log_map *map =
        node->kind == WEFT_EXPRESSION_ATTRIBUTES ? &state->entry->attributes : &state->entry->resource;
    *out_value = node->kind == WEFT_EXPRESSION_BODY ? state->entry->body
                                                    : (struct weft_log_value){ .kind = WEFT_LOG_MAP, .map = map };
    return true;
}

static bool evaluate_sign(struct weft_expression_state *state, const struct weft_expression *node,
                          struct weft_log_value *out_value)
{
    return evaluate(state, node->items[0], out_value) &&
           (node->kind == WEFT_EXPRESSION_PLUS || weft_expression_negate(state, out_value));
}

static bool evaluate_in(struct weft_expression_state *state, const struct weft_expression *node,
                        struct weft_log_value *out_value)
{
    return node->items[1]->kind == WEFT_EXPRESSION_RANGE ? evaluate_range(state, node, out_value)
                                                         : evaluate_pair(state, node, out_value);
}

typedef bool evaluate_fn(struct weft_expression_state *state, const struct weft_expression *node,
                         struct weft_log_value *out_value);

/* What is not here is calculated from two values. */
static evaluate_fn *const evaluators[] = {
    [WEFT_EXPRESSION_CONSTANT] = evaluate_constant,
    [WEFT_EXPRESSION_BODY] = evaluate_entry,
    [WEFT_EXPRESSION_ATTRIBUTES] = evaluate_entry,
    [WEFT_EXPRESSION_RESOURCE] = evaluate_entry,
    [WEFT_EXPRESSION_LIST] = evaluate_list,
    [WEFT_EXPRESSION_CALL] = evaluate_call,
    [WEFT_EXPRESSION_MEMBER] = evaluate_member,
    [WEFT_EXPRESSION_CHAIN] = evaluate_chain,
    [WEFT_EXPRESSION_NOT] = evaluate_not,
    [WEFT_EXPRESSION_PLUS] = evaluate_sign,
    [WEFT_EXPRESSION_MINUS] = evaluate_sign,
    [WEFT_EXPRESSION_AND] = evaluate_logic,
    [WEFT_EXPRESSION_OR] = evaluate_logic,
    [WEFT_EXPRESSION_COALESCE] = evaluate_coalesce,
    [WEFT_EXPRESSION_CONDITION] = evaluate_condition,
    [WEFT_EXPRESSION_MATCHES] = evaluate_matches,
    [WEFT_EXPRESSION_IN_TEXTS] = evaluate_texts,
    [WEFT_EXPRESSION_IN] = evaluate_in,
    [WEFT_EXPRESSION_PIPE] = NULL,
};

static bool evaluate(struct weft_expression_state *state, const struct weft_expression *node,
                     struct weft_log_value *out_value)
{
    if (state->steps++ >= WEFT_EXPRESSION_MAX_STEPS) {
        return weft_expression_fail_state(state, "it takes more than %d steps", WEFT_EXPRESSION_MAX_STEPS);
    }
    evaluate_fn *evaluator = evaluators[node->kind] == NULL ? evaluate_pair : evaluators[node->kind];
    return evaluator(state, node, out_value);
}

enum weft_operator_verdict weft_expression_evaluate(const struct weft_expression *expression,
                                                    struct weft_operator_run *run, struct weft_log_entry *entry,
                                                    struct weft_log_value *out_value)
{
    struct weft_expression_state state = { .run = run, .entry = entry };
    return evaluate(&state, expression, out_value) ? WEFT_OPERATOR_SEND : WEFT_OPERATOR_FAILED;
}

enum weft_operator_verdict weft_expression_test(const struct weft_expression *expression, struct weft_operator_run *run,
                                                struct weft_log_entry *entry, bool *out_is_true)
{
    struct weft_log_value value;
    enum weft_operator_verdict verdict = weft_expression_evaluate(expression, run, entry, &value);
    if (verdict != WEFT_OPERATOR_SEND) {
        return verdict;
    }
    *out_is_true = value.kind == WEFT_LOG_BOOL && value.boolean;
    return value.kind == WEFT_LOG_BOOL || value.kind == WEFT_LOG_NIL
               ? WEFT_OPERATOR_SEND
               : weft_operator_fail(run, "an expression gives %s, not a bool", weft_log_value_kind_text(value.kind));
}
