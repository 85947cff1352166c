/* Calls of functions in expressions (expression_internal.h). */
#include <stdlib.h>

#include "operators/expression_internal.h"

static enum weft_status fail_unknown(const struct weft_expression_parser *parser,
                                     const struct weft_expression_token *name)
{
    return weft_expression_function_is_later(name->text)
               ? weft_expression_fail(parser, name->at, WEFT_UNSUPPORTED, "weft does not have the function %.*s() yet",
                                      WEFT_SLICE_PRINT(name->text))
               : weft_expression_fail(parser, name->at, WEFT_INVALID, "there is no function %.*s()",
                                      WEFT_SLICE_PRINT(name->text));
}

/* The environment is read once, like the config. */
static enum weft_status make_environment(struct weft_expression_parser *parser,
                                         const struct weft_expression_token *name, const struct weft_expression *call,
                                         struct weft_expression **out_node)
{
    bool is_text = call->count == 1 && call->items[0]->kind == WEFT_EXPRESSION_CONSTANT &&
                   call->items[0]->constant.kind == WEFT_LOG_STRING;
    if (!is_text) {
        return weft_expression_fail(parser, name->at, WEFT_UNSUPPORTED,
                                    "weft has env() only with one constant text yet");
    }
    struct weft_slice variable = call->items[0]->constant.text, copy = WEFT_SLICE_EMPTY;
    char text[256] = "";
    if (variable.length >= sizeof text) {
        return weft_expression_fail(parser, name->at, WEFT_LIMIT, "the name of a variable has more than 255 bytes");
    }
    memcpy(text, variable.bytes, variable.length);
    const char *value = memchr(text, '\0', variable.length) == NULL ? getenv(text) : NULL;
    enum weft_status status = weft_expression_copy(parser, weft_slice_of_text(value == NULL ? "" : value), &copy);
    status =
        status == WEFT_OK ? weft_expression_make_constant(parser, weft_log_string(copy), name->at, out_node) : status;
    if (status == WEFT_OK) {
        (*out_node)->type = WEFT_EXPRESSION_ANY;
    }
    return status;
}

static bool may_be_given(int wanted, int type)
{
    return wanted == WEFT_EXPRESSION_ANY || type == WEFT_EXPRESSION_ANY || wanted == type;
}

static enum weft_status check_call(const struct weft_expression_parser *parser,
                                   const struct weft_expression_token *name, const struct weft_expression *call)
{
    const struct weft_expression_function *function = call->function;
    if (call->count < function->min_count || call->count > function->max_count) {
        return weft_expression_fail(parser, name->at, WEFT_INVALID, "%s() does not take %zu arguments", function->name,
                                    call->count);
    }
    for (size_t i = 0; i < call->count; i++) {
        int type = call->items[i]->type;
        bool is_taken = function->takes == NULL ? may_be_given(function->argument_types[i], type)
                                                : type == WEFT_EXPRESSION_ANY || function->takes(type);
        if (!is_taken) {
            return weft_expression_fail(parser, name->at, WEFT_INVALID, "%s() does not take %s", function->name,
                                        weft_expression_type_text(type));
        }
    }
    return WEFT_OK;
}

enum weft_status weft_expression_parse_call(struct weft_expression_parser *parser,
                                            const struct weft_expression_token *name, struct weft_expression *first,
                                            struct weft_expression **out_node)
{
    const struct weft_expression_function *function = weft_expression_function_find(name->text);
    bool is_environment = weft_slice_equal_text(name->text, "env");
    if (function == NULL && !is_environment) {
        return fail_unknown(parser, name);
    }
    struct weft_expression list = { .kind = WEFT_EXPRESSION_LIST };
    enum weft_status status = weft_expression_make(parser, &list, name->at, "", out_node);
    struct weft_expression *call = *out_node;
    status = status == WEFT_OK && first != NULL ? weft_expression_append(parser, call, first, name->at) : status;
    status = status == WEFT_OK ? weft_expression_advance(parser) : status;
    status = status == WEFT_OK ? weft_expression_parse_items(parser, ")", call) : status;
    if (status != WEFT_OK || is_environment) {
        return status == WEFT_OK ? make_environment(parser, name, call, out_node) : status;
    }
    call->kind = WEFT_EXPRESSION_CALL;
    call->function = function;
    status = check_call(parser, name, call);
    return status == WEFT_OK ? weft_expression_set_type(parser, call, name->at, "") : status;
}
