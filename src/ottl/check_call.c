/* Calls (check.h): which argument is for which parameter, and whether it can be taken. What an argument must be is
 * known here if it is written in the statement; all else shows when the call is made. */
#include <stdio.h>

#include "ottl/check.h"
#include "ottl/function.h"
#include "ottl/parser.h"

static enum weft_status fail(struct weft_ottl_checker *checker, const struct weft_ottl_node *node, const char *call,
                             const char *reason)
{
    return weft_ottl_fail_at(checker->program->text, node->at, checker->error, WEFT_INVALID, "%s: %s", call, reason);
}

/* "an_argument" is AnArgument in the Collector, which takes either way of writing it. */
static bool is_same_name(struct weft_slice written, const char *name)
{
    size_t at = 0;
    bool is_first = true;
    for (size_t i = 0; i < written.length; i++) {
        bool is_start = is_first || (i > 0 && written.bytes[i - 1] == '_');
        uint8_t byte = written.bytes[i];
        if (byte == '_') {
            continue;
        }
        bool is_name_start = at == 0 || name[at] == '_';
        at += name[at] == '_';
        uint8_t mine = (uint8_t)name[at++];
        uint8_t letter = is_start && byte >= 'a' && byte <= 'z' ? (uint8_t)(byte - 32) : byte;
        uint8_t expected = is_name_start && mine >= 'a' && mine <= 'z' ? (uint8_t)(mine - 32) : mine;
        if (mine == '\0' || letter != expected) {
            return false;
        }
        is_first = false;
    }
    return name[at] == '\0';
}

static size_t parameter_count(const struct weft_ottl_function *function)
{
    size_t count = 0;
    while (function->parameters[count].name != NULL) {
        count++;
    }
    return count;
}

static enum weft_status fail_count(struct weft_ottl_checker *checker, const struct weft_ottl_node *node,
                                   const struct weft_ottl_function *function)
{
    size_t most = parameter_count(function);
    size_t least = 0;
    while (least < most && !function->parameters[least].is_optional) {
        least++;
    }
    char range[32];
    snprintf(range, sizeof range, least == most ? "%zu" : "%zu to %zu", least, most);
    return weft_ottl_fail_at(checker->program->text, node->at, checker->error, WEFT_INVALID,
                             "%s takes %s arguments, not %zu", function->name, range, node->count);
}

/* Which parameter the argument is for. */
static enum weft_status find_parameter(struct weft_ottl_checker *checker, const struct weft_ottl_node *node,
                                       size_t index, const struct weft_ottl_function *function, size_t *out_parameter)
{
    struct weft_slice name = node->names[index];
    if (name.length == 0 && index > 0 && node->names[index - 1].length > 0) {
        return fail(checker, node->items[index], function->name, "an argument by position behind one by name");
    }
    if (name.length == 0) {
        *out_parameter = index;
        return WEFT_OK;
    }
    for (size_t i = 0; function->parameters[i].name != NULL; i++) {
        if (is_same_name(name, function->parameters[i].name)) {
            *out_parameter = i;
            return WEFT_OK;
        }
    }
    return weft_ottl_fail_at(checker->program->text, node->items[index]->at, checker->error, WEFT_INVALID,
                             "%s has no parameter %.*s", function->name, WEFT_SLICE_PRINT(name));
}

/* ---- one argument ---- */

static enum weft_status check_literal(struct weft_ottl_checker *checker, const struct weft_ottl_function *function,
                                      const struct weft_ottl_node *node, enum weft_ottl_kind kind, const char *reason)
{
    bool is_literal = node->kind == WEFT_OTTL_NODE_LITERAL && node->literal.kind == kind && !node->is_condition;
    return is_literal ? WEFT_OK : fail(checker, node, function->name, reason);
}

static enum weft_status check_function_name(struct weft_ottl_checker *checker,
                                            const struct weft_ottl_function *function, struct weft_ottl_node *node)
{
    if (node->kind != WEFT_OTTL_NODE_ENUM && node->kind != WEFT_OTTL_NODE_FUNCTION) {
        return fail(checker, node, function->name, "the name of a converter is expected, without ()");
    }
    const struct weft_ottl_function *named = weft_ottl_function_find(node->name, checker->program->options.context);
    if (named == NULL || named->is_unsupported) {
        return weft_ottl_fail_at(checker->program->text, node->at, checker->error,
                                 named == NULL ? WEFT_INVALID : WEFT_UNSUPPORTED, "%s function %.*s",
                                 named == NULL ? "unknown" : "not supported:", WEFT_SLICE_PRINT(node->name));
    }
    node->kind = WEFT_OTTL_NODE_LITERAL;
    node->literal = (struct weft_ottl_value){ .kind = WEFT_OTTL_FUNCTION, .function = named };
    return WEFT_OK;
}

/* What is constant is converted now: whether it can be is known. */
static enum weft_status check_known(struct weft_ottl_checker *checker, const struct weft_ottl_function *function,
                                    enum weft_ottl_takes takes, const struct weft_ottl_node *node)
{
    struct weft_ottl_value value;
    if (!weft_ottl_is_constant(node)) {
        return WEFT_OK;
    }
    enum weft_status status = weft_ottl_evaluate(checker->run, node, &value);
    if (status == WEFT_OK) {
        status = weft_ottl_argument_take(checker->run, takes, &value);
    }
    if (status == WEFT_NOMEM) {
        return weft_fail(checker->error, status, "no memory for a statement");
    }
    return status == WEFT_OK ? status : fail(checker, node, function->name, checker->run->error.text);
}

static enum weft_status check_argument(struct weft_ottl_checker *checker, const struct weft_ottl_function *function,
                                       enum weft_ottl_takes takes, struct weft_ottl_node *node)
{
    if (takes == WEFT_OTTL_TAKES_FUNCTION) {
        return check_function_name(checker, function, node);
    }
    bool is_enum = node->kind == WEFT_OTTL_NODE_ENUM;
    enum weft_status status = weft_ottl_check(checker, node);
    if (status != WEFT_OK) {
        return status;
    }
    switch (takes) {
    case WEFT_OTTL_TAKES_TARGET:
        return node->kind == WEFT_OTTL_NODE_PATH ? WEFT_OK : fail(checker, node, function->name, "a path is expected");
    case WEFT_OTTL_TAKES_ENUM:
        return is_enum ? WEFT_OK : fail(checker, node, function->name, "an enum is expected");
    case WEFT_OTTL_TAKES_LITERAL_STRING:
        return check_literal(checker, function, node, WEFT_OTTL_STRING, "a string is expected");
    case WEFT_OTTL_TAKES_LITERAL_INT:
        return check_literal(checker, function, node, WEFT_OTTL_INT, "a whole number is expected");
    case WEFT_OTTL_TAKES_LITERAL_FLOAT:
        return check_literal(checker, function, node, WEFT_OTTL_DOUBLE, "a number with a point is expected");
    case WEFT_OTTL_TAKES_LITERAL_BOOL:
        return check_literal(checker, function, node, WEFT_OTTL_BOOL, "true or false is expected");
    case WEFT_OTTL_TAKES_LITERAL_BYTES:
        return check_literal(checker, function, node, WEFT_OTTL_BYTES, "bytes are expected, as 0x00");
    default:
        return check_known(checker, function, takes, node);
    }
}

static enum weft_status check_list(struct weft_ottl_checker *checker, const struct weft_ottl_function *function,
                                   enum weft_ottl_takes takes, struct weft_ottl_node *node)
{
    enum weft_status status = WEFT_OK;
    if (node->kind != WEFT_OTTL_NODE_LIST) {
        return fail(checker, node, function->name, "a list is expected, in []");
    }
    for (size_t i = 0; status == WEFT_OK && i < node->count; i++) {
        status = check_argument(checker, function, takes, node->items[i]);
    }
    return status;
}

/* ---- the call ---- */

static enum weft_status fail_unknown(struct weft_ottl_checker *checker, const struct weft_ottl_node *node)
{
    const char *nearest = weft_ottl_function_nearest(node->name, checker->program->options.context);
    return weft_ottl_fail_at(checker->program->text, node->at, checker->error, WEFT_INVALID,
                             "unknown %s %.*s in context %s%s%s%s", node->is_editor ? "editor" : "converter",
                             WEFT_SLICE_PRINT(node->name), weft_ottl_context_name(checker->program->options.context),
                             nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest,
                             nearest == NULL ? "" : "?");
}

static enum weft_status take_arguments(struct weft_ottl_checker *checker, struct weft_ottl_node *node,
                                       struct weft_ottl_call_node *call)
{
    const struct weft_ottl_function *function = call->function;
    if (node->count > call->count) {
        return fail_count(checker, node, function);
    }
    for (size_t i = 0; i < node->count; i++) {
        size_t at = 0;
        enum weft_status status = find_parameter(checker, node, i, function, &at);
        if (status != WEFT_OK) {
            return status;
        }
        const struct weft_ottl_parameter *parameter = &function->parameters[at];
        status = parameter->is_list ? check_list(checker, function, parameter->takes, node->items[i])
                                    : check_argument(checker, function, parameter->takes, node->items[i]);
        if (status != WEFT_OK) {
            return status;
        }
        call->nodes[at] = node->items[i];
    }
    for (size_t i = 0; i < call->count; i++) {
        if (call->nodes[i] == NULL && !function->parameters[i].is_optional) {
            return fail_count(checker, node, function);
        }
    }
    return WEFT_OK;
}

static enum weft_ottl_argument_way way_of(const struct weft_ottl_node *node,
                                          const struct weft_ottl_parameter *parameter)
{
    if (node == NULL || parameter->is_lazy || parameter->takes == WEFT_OTTL_TAKES_TARGET) {
        return WEFT_OTTL_ARGUMENT_NONE;
    }
    if (parameter->is_list) {
        return WEFT_OTTL_ARGUMENT_LIST;
    }
    return node->kind == WEFT_OTTL_NODE_LITERAL && parameter->takes <= WEFT_OTTL_TAKES_LIST ? WEFT_OTTL_ARGUMENT_LITERAL
                                                                                            : WEFT_OTTL_ARGUMENT_VALUE;
}

/* The function's own look at what is known. */
static enum weft_status make(struct weft_ottl_checker *checker, const struct weft_ottl_node *node,
                             struct weft_ottl_call_node *call)
{
    const struct weft_ottl_function *function = call->function;
    struct weft_ottl_value arguments[WEFT_OTTL_MAX_PARAMETERS];
    if (function->make == NULL) {
        return WEFT_OK;
    }
    for (size_t i = 0; i < call->count; i++) {
        bool is_known = call->nodes[i] != NULL && call->nodes[i]->kind == WEFT_OTTL_NODE_LITERAL;
        arguments[i] = is_known ? call->nodes[i]->literal : (struct weft_ottl_value){ .kind = WEFT_OTTL_ABSENT };
    }
    const struct weft_ottl_options *options = &checker->program->options;
    struct weft_ottl_maker maker = { checker->program->arena, options->context, options->sought, NULL };
    struct weft_ottl_call made = { .function = function, .nodes = call->nodes, .arguments = arguments };
    struct weft_error reason = WEFT_ERROR_NONE;
    enum weft_status status = function->make(&maker, &made, &call->state, &reason);
    call->direct = maker.direct;
    if (status != WEFT_OK) {
        return weft_ottl_fail_at(checker->program->text, node->at, checker->error, status, "%s: %s", function->name,
                                 reason.text);
    }
    if (call->state != NULL && function->free_state != NULL) {
        status = weft_ottl_program_keep(checker->program, call->state, function->free_state);
        if (status != WEFT_OK) {
            function->free_state(call->state);
            return weft_fail(checker->error, status, "no memory for a statement");
        }
    }
    return WEFT_OK;
}

enum weft_status weft_ottl_check_call(struct weft_ottl_checker *checker, struct weft_ottl_node *node)
{
    const struct weft_ottl_function *function = weft_ottl_function_find(node->name, checker->program->options.context);
    if (node->is_editor && node != checker->program->editor) {
        return weft_ottl_fail_at(checker->program->text, node->at, checker->error, WEFT_INVALID,
                                 "%.*s is no converter: their names begin with a capital letter",
                                 WEFT_SLICE_PRINT(node->name));
    }
    if (function == NULL) {
        return fail_unknown(checker, node);
    }
    if (function->is_unsupported) {
        return weft_ottl_fail_at(checker->program->text, node->at, checker->error, WEFT_UNSUPPORTED,
                                 "%s is not supported by weft", function->name);
    }
    size_t count = parameter_count(function);
    struct weft_ottl_call_node *call = weft_arena_try_alloc(checker->program->arena, sizeof *call);
    const struct weft_ottl_node **nodes =
        weft_arena_try_alloc(checker->program->arena, (count + 1) * sizeof(const struct weft_ottl_node *));
    uint8_t *ways = weft_arena_try_alloc(checker->program->arena, count + 1);
    if (call == NULL || nodes == NULL || ways == NULL) {
        return weft_fail(checker->error, WEFT_NOMEM, "no memory for a statement");
    }
    memset(nodes, 0, (count + 1) * sizeof(const struct weft_ottl_node *));
    *call = (struct weft_ottl_call_node){ .function = function, .nodes = nodes, .ways = ways, .count = count };
    enum weft_status status = take_arguments(checker, node, call);
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        ways[i] = (uint8_t)way_of(nodes[i], &function->parameters[i]);
    }
    if (status == WEFT_OK) {
        status = weft_ottl_check_keys(checker, node->keys, node->key_count);
    }
    if (status == WEFT_OK) {
        status = make(checker, node, call);
    }
    node->call = call;
    return status;
}
