/* What stands between the operators of an expression (expression_internal.h): constants, names, lists, parentheses,
 * each with the signs before it and the members behind it. */
#include "operators/expression_internal.h"

/* What the language has and weft does not, by the sign that it begins with. */
enum weft_status weft_expression_check_supported(const struct weft_expression_parser *parser)
{
    static const struct {
        const char *sign, *what;
    } rows[] = {
        { "let", "variables (let)" }, { "if", "if {} else {}" },       { ";", "sequences (;)" },
        { "{", "maps ({})" },         { "#", "predicates (# and .)" }, { ".", "predicates (# and .)" },
        { "::", "names behind ::" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        if (weft_expression_is_at(parser, rows[i].sign)) {
            return weft_expression_fail(parser, parser->token.at, WEFT_UNSUPPORTED, "weft does not have %s yet",
                                        rows[i].what);
        }
    }
    return WEFT_OK;
}

enum weft_status weft_expression_parse_items(struct weft_expression_parser *parser, const char *end,
                                             struct weft_expression *node)
{
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK && !weft_expression_is_at(parser, end)) {
        struct weft_expression *item = NULL;
        size_t at = parser->token.at;
        status = weft_expression_parse(parser, 0, &item);
        status = status == WEFT_OK ? weft_expression_append(parser, node, item, at) : status;
        if (status == WEFT_OK && !weft_expression_is_at(parser, end)) {
            status = weft_expression_expect(parser, ",");
        }
    }
    return status == WEFT_OK ? weft_expression_advance(parser) : status;
}

static enum weft_status parse_list(struct weft_expression_parser *parser, struct weft_expression **out_node)
{
    struct weft_expression list = { .kind = WEFT_EXPRESSION_LIST };
    size_t at = parser->token.at;
    enum weft_status status = weft_expression_make(parser, &list, at, "", out_node);
    status = status == WEFT_OK ? weft_expression_advance(parser) : status;
    status = status == WEFT_OK ? weft_expression_parse_items(parser, "]", *out_node) : status;
    status = status == WEFT_OK ? weft_expression_set_type(parser, *out_node, at, "") : status;
    return status == WEFT_OK ? weft_expression_parse_members(parser, out_node) : status;
}

static enum weft_status parse_parentheses(struct weft_expression_parser *parser, struct weft_expression **out_node)
{
    enum weft_status status = weft_expression_advance(parser);
    status = status == WEFT_OK ? weft_expression_parse(parser, 0, out_node) : status;
    status = status == WEFT_OK && weft_expression_is_at(parser, ";") ? weft_expression_check_supported(parser) : status;
    status = status == WEFT_OK ? weft_expression_expect(parser, ")") : status;
    return status == WEFT_OK ? weft_expression_parse_members(parser, out_node) : status;
}

static enum weft_status parse_constant(struct weft_expression_parser *parser, struct weft_log_value value,
                                       struct weft_expression **out_node)
{
    enum weft_status status = weft_expression_make_constant(parser, value, parser->token.at, out_node);
    return status == WEFT_OK ? weft_expression_advance(parser) : status;
}

static enum weft_status parse_name(struct weft_expression_parser *parser, struct weft_expression **out_node)
{
    struct weft_expression_token name = parser->token;
    struct weft_log_value value;
    if (weft_expression_read_word(name.text, &value)) {
        return parse_constant(parser, value, out_node);
    }
    enum weft_status status = weft_expression_advance(parser);
    if (status == WEFT_OK) {
        status = weft_expression_is_at(parser, "(") ? weft_expression_parse_call(parser, &name, NULL, out_node)
                                                    : weft_expression_make_name(parser, &name, out_node);
    }
    return status == WEFT_OK ? weft_expression_parse_members(parser, out_node) : status;
}

static enum weft_status parse_unsigned(struct weft_expression_parser *parser, struct weft_expression **out_node)
{
    struct weft_log_value value;
    enum weft_status status = weft_expression_check_supported(parser);
    if (status != WEFT_OK) {
        return status;
    }
    switch (parser->token.kind) {
    case WEFT_EXPRESSION_TOKEN_NUMBER:
        return weft_expression_read_number(parser->token.text, &value)
                   ? parse_constant(parser, value, out_node)
                   : weft_expression_fail(parser, parser->token.at, WEFT_INVALID, "this is no number, or too large");
    case WEFT_EXPRESSION_TOKEN_TEXT:
        status = parse_constant(parser, weft_log_string(parser->token.value), out_node);
        return status == WEFT_OK ? weft_expression_parse_members(parser, out_node) : status;
    case WEFT_EXPRESSION_TOKEN_NAME:
        return parse_name(parser, out_node);
    case WEFT_EXPRESSION_TOKEN_SIGN:
    case WEFT_EXPRESSION_TOKEN_END:
        break;
    }
    return weft_expression_is_at(parser, "[")   ? parse_list(parser, out_node)
           : weft_expression_is_at(parser, "(") ? parse_parentheses(parser, out_node)
                                                : weft_expression_fail_unexpected(parser);
}

enum weft_status weft_expression_parse_operand(struct weft_expression_parser *parser, struct weft_expression **out_node)
{
    static const struct {
        const char *sign;
        enum weft_expression_kind kind;
        int precedence;
    } rows[] = {
        { "not", WEFT_EXPRESSION_NOT, 50 },
        { "!", WEFT_EXPRESSION_NOT, 50 },
        { "-", WEFT_EXPRESSION_MINUS, 90 },
        { "+", WEFT_EXPRESSION_PLUS, 90 },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        if (weft_expression_is_at(parser, rows[i].sign)) {
            struct weft_expression *item = NULL;
            size_t at = parser->token.at;
            enum weft_status status = weft_expression_advance(parser);
            status = status == WEFT_OK ? weft_expression_parse(parser, rows[i].precedence, &item) : status;
            status = status == WEFT_OK
                         ? weft_expression_make_one(parser, rows[i].kind, at, rows[i].sign, item, out_node)
                         : status;
            return status == WEFT_OK ? weft_expression_parse_members(parser, out_node) : status;
        }
    }
    return parse_unsigned(parser, out_node);
}
