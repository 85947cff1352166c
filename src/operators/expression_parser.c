/* The grammar of expressions (expression_internal.h): operators by precedence, as the Collector's library has them. */
#include "operators/expression_internal.h"

enum { MAX_DEPTH = 64, LOWEST_COMPARISON = 20 };

struct operator_row {
    const char *sign;
    enum weft_expression_kind kind;
    int precedence;
    bool is_right;       /* a ** b ** c is a ** (b ** c) */
    bool may_be_negated; /* behind `not` */
    bool is_comparison;  /* a < b < c is a < b and b < c */
};

static const struct operator_row operators[] = {
    { .sign = "|", .kind = WEFT_EXPRESSION_PIPE, .precedence = 0 },
    { .sign = "or", .kind = WEFT_EXPRESSION_OR, .precedence = 10 },
    { .sign = "||", .kind = WEFT_EXPRESSION_OR, .precedence = 10 },
    { .sign = "and", .kind = WEFT_EXPRESSION_AND, .precedence = 15 },
    { .sign = "&&", .kind = WEFT_EXPRESSION_AND, .precedence = 15 },
    { .sign = "==", .kind = WEFT_EXPRESSION_EQUAL, .precedence = 20 },
    { .sign = "!=", .kind = WEFT_EXPRESSION_UNEQUAL, .precedence = 20 },
    { .sign = "<", .kind = WEFT_EXPRESSION_LESS, .precedence = 20, .is_comparison = true },
    { .sign = ">", .kind = WEFT_EXPRESSION_MORE, .precedence = 20, .is_comparison = true },
    { .sign = "<=", .kind = WEFT_EXPRESSION_LESS_OR_EQUAL, .precedence = 20, .is_comparison = true },
    { .sign = ">=", .kind = WEFT_EXPRESSION_MORE_OR_EQUAL, .precedence = 20, .is_comparison = true },
    { .sign = "in", .kind = WEFT_EXPRESSION_IN, .precedence = 20, .may_be_negated = true },
    { .sign = "matches", .kind = WEFT_EXPRESSION_MATCHES, .precedence = 20, .may_be_negated = true },
    { .sign = "contains", .kind = WEFT_EXPRESSION_CONTAINS, .precedence = 20, .may_be_negated = true },
    { .sign = "startsWith", .kind = WEFT_EXPRESSION_STARTS_WITH, .precedence = 20, .may_be_negated = true },
    { .sign = "endsWith", .kind = WEFT_EXPRESSION_ENDS_WITH, .precedence = 20, .may_be_negated = true },
    { .sign = "..", .kind = WEFT_EXPRESSION_RANGE, .precedence = 25 },
    { .sign = "+", .kind = WEFT_EXPRESSION_ADD, .precedence = 30 },
    { .sign = "-", .kind = WEFT_EXPRESSION_SUBTRACT, .precedence = 30 },
    { .sign = "*", .kind = WEFT_EXPRESSION_MULTIPLY, .precedence = 60 },
    { .sign = "/", .kind = WEFT_EXPRESSION_DIVIDE, .precedence = 60 },
    { .sign = "%", .kind = WEFT_EXPRESSION_REMAINDER, .precedence = 60 },
    { .sign = "**", .kind = WEFT_EXPRESSION_POWER, .precedence = 100, .is_right = true },
    { .sign = "^", .kind = WEFT_EXPRESSION_POWER, .precedence = 100, .is_right = true },
    { .sign = "??", .kind = WEFT_EXPRESSION_COALESCE, .precedence = 500 },
};

bool weft_expression_is_at(const struct weft_expression_parser *parser, const char *sign)
{
    return parser->token.kind == WEFT_EXPRESSION_TOKEN_SIGN && weft_slice_equal_text(parser->token.text, sign);
}

enum weft_status weft_expression_fail_unexpected(const struct weft_expression_parser *parser)
{
    const struct weft_expression_token *token = &parser->token;
    return token->kind == WEFT_EXPRESSION_TOKEN_END
               ? weft_expression_fail(parser, token->at, WEFT_INVALID, "it ends too early")
               : weft_expression_fail(parser, token->at, WEFT_INVALID, "%.*s cannot stand here",
                                      token->text.length > 100 ? 100 : (int)token->text.length,
                                      (const char *)token->text.bytes);
}

enum weft_status weft_expression_expect(struct weft_expression_parser *parser, const char *sign)
{
    return weft_expression_is_at(parser, sign) ? weft_expression_advance(parser)
                                               : weft_expression_fail_unexpected(parser);
}

static const struct operator_row *find_operator(const struct weft_expression_parser *parser)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(operators); i++) {
        if (weft_expression_is_at(parser, operators[i].sign)) {
            return &operators[i];
        }
    }
    return NULL;
}

enum weft_status weft_expression_make_one(struct weft_expression_parser *parser, enum weft_expression_kind kind,
                                          size_t at, const char *sign, struct weft_expression *item,
                                          struct weft_expression **out_node)
{
    struct weft_expression node = { .kind = kind, .items = &item, .count = 1 };
    return weft_expression_make(parser, &node, at, sign, out_node);
}

static enum weft_status make_two(struct weft_expression_parser *parser, enum weft_expression_kind kind, size_t at,
                                 const char *sign, struct weft_expression *left, struct weft_expression *right,
                                 struct weft_expression **out_node)
{
    struct weft_expression *items[] = { left, right };
    struct weft_expression node = { .kind = kind, .items = items, .count = 2 };
    return weft_expression_make(parser, &node, at, sign, out_node);
}

/* ---- operators ---- */

/* a and b and c is one node: long ones are common, and nesting has a limit. */
static enum weft_status make_operation(struct weft_expression_parser *parser, const struct operator_row *row, size_t at,
                                       struct weft_expression *right, struct weft_expression **in_out_left)
{
    struct weft_expression *left = *in_out_left;
    bool is_logic = row->kind == WEFT_EXPRESSION_AND || row->kind == WEFT_EXPRESSION_OR;
    if (!is_logic || left->kind != row->kind) {
        return make_two(parser, row->kind, at, row->sign, left, right, in_out_left);
    }
    enum weft_status status = weft_expression_append(parser, left, right, at);
    status = status == WEFT_OK ? weft_expression_set_type(parser, left, at, row->sign) : status;
    return status == WEFT_OK ? weft_expression_fold(parser, left, at) : status;
}

/* The parser is behind the first of the operators. */
static enum weft_status parse_comparisons(struct weft_expression_parser *parser, const struct operator_row *row,
                                          size_t at, struct weft_expression **in_out_left)
{
    static const struct operator_row both = { .sign = "and", .kind = WEFT_EXPRESSION_AND };
    struct weft_expression *all = NULL, *left = *in_out_left;
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK) {
        struct weft_expression *right = NULL, *pair = NULL;
        status = weft_expression_parse(parser, LOWEST_COMPARISON + 1, &right);
        status = status == WEFT_OK ? make_two(parser, row->kind, at, row->sign, left, right, &pair) : status;
        if (status == WEFT_OK && all != NULL) {
            status = make_operation(parser, &both, at, pair, &all);
        } else {
            all = pair;
        }
        left = right;
        const struct operator_row *next = find_operator(parser);
        if (status != WEFT_OK || next == NULL || !next->is_comparison) {
            break;
        }
        row = next;
        at = parser->token.at;
        status = weft_expression_advance(parser);
    }
    *in_out_left = all;
    return status;
}

static enum weft_status parse_pipe(struct weft_expression_parser *parser, struct weft_expression **in_out_left)
{
    struct weft_expression_token name = parser->token;
    if (name.kind != WEFT_EXPRESSION_TOKEN_NAME) {
        return weft_expression_fail_unexpected(parser);
    }
    enum weft_status status = weft_expression_advance(parser);
    status =
        status == WEFT_OK && !weft_expression_is_at(parser, "(") ? weft_expression_fail_unexpected(parser) : status;
    return status == WEFT_OK ? weft_expression_parse_call(parser, &name, *in_out_left, in_out_left) : status;
}

/* The parser is behind the operator. */
static enum weft_status parse_right(struct weft_expression_parser *parser, const struct operator_row *row, size_t at,
                                    bool is_negated, struct weft_expression **in_out_left)
{
    if (row->kind == WEFT_EXPRESSION_PIPE) {
        return parse_pipe(parser, in_out_left);
    }
    if (row->is_comparison) {
        return parse_comparisons(parser, row, at, in_out_left);
    }
    struct weft_expression *right = NULL;
    enum weft_status status = weft_expression_parse(parser, row->precedence + !row->is_right, &right);
    status = status == WEFT_OK ? make_operation(parser, row, at, right, in_out_left) : status;
    return status == WEFT_OK && is_negated
               ? weft_expression_make_one(parser, WEFT_EXPRESSION_NOT, at, "not", *in_out_left, in_out_left)
               : status;
}

/* The operator at which the parser is, and whether `not` stands before it. NULL: there is none of that precedence, and
 * the parser is where it was. */
static enum weft_status take_operator(struct weft_expression_parser *parser, int precedence, bool *out_is_negated,
                                      const struct operator_row **out_row)
{
    struct weft_expression_parser before = *parser;
    *out_is_negated = weft_expression_is_at(parser, "not");
    enum weft_status status = *out_is_negated ? weft_expression_advance(parser) : WEFT_OK;
    if (status != WEFT_OK) {
        return status;
    }
    *out_row = find_operator(parser);
    if (*out_is_negated && (*out_row == NULL || !(*out_row)->may_be_negated)) {
        return weft_expression_fail_unexpected(parser);
    }
    if (*out_row == NULL || (*out_row)->precedence < precedence) {
        *out_row = NULL;
        parser->at = before.at;
        parser->token = before.token;
    }
    return WEFT_OK;
}

static enum weft_status parse_operators(struct weft_expression_parser *parser, int precedence,
                                        struct weft_expression **in_out_left)
{
    bool was_coalesce = false;
    for (;;) {
        const struct operator_row *row = NULL;
        bool is_negated = false;
        enum weft_status status = take_operator(parser, precedence, &is_negated, &row);
        if (status != WEFT_OK || row == NULL) {
            return status;
        }
        size_t at = parser->token.at;
        bool is_coalesce = row->kind == WEFT_EXPRESSION_COALESCE;
        if (was_coalesce && !is_coalesce && row->kind != WEFT_EXPRESSION_PIPE) {
            return weft_expression_fail(parser, at, WEFT_INVALID, "%s behind ?? needs one of them in parentheses",
                                        row->sign);
        }
        status = weft_expression_advance(parser);
        status = status == WEFT_OK ? parse_right(parser, row, at, is_negated, in_out_left) : status;
        if (status != WEFT_OK) {
            return status;
        }
        was_coalesce = is_coalesce;
    }
}

/* The parser is at a question mark. a ?: b is a ? a : b. */
static enum weft_status parse_ways(struct weft_expression_parser *parser, struct weft_expression **in_out_node)
{
    struct weft_expression *items[] = { *in_out_node, *in_out_node, NULL };
    size_t at = parser->token.at;
    enum weft_status status = weft_expression_advance(parser);
    if (status == WEFT_OK && !weft_expression_is_at(parser, ":")) {
        status = weft_expression_parse(parser, 0, &items[1]);
    }
    status = status == WEFT_OK ? weft_expression_expect(parser, ":") : status;
    status = status == WEFT_OK ? weft_expression_parse(parser, 0, &items[2]) : status;
    struct weft_expression node = { .kind = WEFT_EXPRESSION_CONDITION, .items = items, .count = 3 };
    return status == WEFT_OK ? weft_expression_make(parser, &node, at, "?:", in_out_node) : status;
}

enum weft_status weft_expression_parse(struct weft_expression_parser *parser, int precedence,
                                       struct weft_expression **out_node)
{
    if (parser->depth >= MAX_DEPTH) {
        return weft_expression_fail(parser, parser->token.at, WEFT_LIMIT, "it is nested deeper than %d", MAX_DEPTH);
    }
    parser->depth++;
    enum weft_status status = weft_expression_parse_operand(parser, out_node);
    status = status == WEFT_OK ? parse_operators(parser, precedence, out_node) : status;
    while (status == WEFT_OK && precedence == 0 && weft_expression_is_at(parser, "?")) {
        status = parse_ways(parser, out_node);
    }
    parser->depth--;
    return status;
}

static enum weft_status check_whole(const struct weft_expression_parser *parser, const struct weft_expression *root)
{
    bool is_bool = root->type == WEFT_EXPRESSION_ANY || root->type == WEFT_LOG_BOOL;
    if (parser->token.kind != WEFT_EXPRESSION_TOKEN_END) {
        return weft_expression_is_at(parser, ";") ? weft_expression_check_supported(parser)
                                                  : weft_expression_fail_unexpected(parser);
    }
    if (root->kind == WEFT_EXPRESSION_RANGE) {
        return weft_expression_fail(parser, 0, WEFT_UNSUPPORTED, "weft has ranges (..) only behind `in` yet");
    }
    return !parser->source->is_condition || is_bool
               ? WEFT_OK
               : weft_expression_fail(parser, 0, WEFT_INVALID, "it must be a bool, not %s",
                                      weft_expression_type_text(root->type));
}

enum weft_status weft_expression_compile(struct weft_operator_reader *reader,
                                         const struct weft_expression_source *source,
                                         const struct weft_expression **out_expression)
{
    struct weft_expression_parser parser = { .reader = reader, .source = source };
    struct weft_expression *root = NULL;
    if (source->text.length > WEFT_EXPRESSION_MAX_BYTES) {
        return weft_expression_fail(&parser, 0, WEFT_LIMIT, "it has more than %d bytes", WEFT_EXPRESSION_MAX_BYTES);
    }
    enum weft_status status = weft_expression_advance(&parser);
    status = status == WEFT_OK ? weft_expression_parse(&parser, 0, &root) : status;
    status = status == WEFT_OK ? check_whole(&parser, root) : status;
    if (status == WEFT_OK) {
        *out_expression = root;
    }
    return status;
}
