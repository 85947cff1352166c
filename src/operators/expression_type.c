/* Which values an expression's parts can have (expression_internal.h), as far as that is known before there is an
 * entry: what can never be right is refused where the Collector refuses it. Whatever comes from an entry may be any. */
#include "operators/expression_internal.h"

enum { ANY = WEFT_EXPRESSION_ANY, REFUSED = -1 };

const char *weft_expression_type_text(int type)
{
    return type == WEFT_LOG_NIL ? "nil" : weft_log_value_kind_text((enum weft_log_value_kind)type);
}

static bool is_number(int type)
{
    return type == WEFT_LOG_INT || type == WEFT_LOG_DOUBLE;
}

static bool is_any_or(int type, int wanted)
{
    return type == ANY || type == wanted;
}

static bool is_any_or_number(int type)
{
    return type == ANY || is_number(type);
}

static bool are_comparable(int left, int right)
{
    return left == ANY || right == ANY || left == WEFT_LOG_NIL || right == WEFT_LOG_NIL || left == right ||
           (is_number(left) && is_number(right));
}

static bool are_texts(int left, int right)
{
    return is_any_or(left, WEFT_LOG_STRING) && is_any_or(right, WEFT_LOG_STRING);
}

static bool are_numbers(int left, int right)
{
    return is_any_or_number(left) && is_any_or_number(right);
}

static bool are_integers(int left, int right)
{
    return is_any_or(left, WEFT_LOG_INT) && is_any_or(right, WEFT_LOG_INT);
}

static int type_when(bool is_taken, int type)
{
    return is_taken ? type : REFUSED;
}

static int type_of_any(const struct weft_expression *node)
{
    (void)node;
    return ANY;
}

static int type_of_list(const struct weft_expression *node)
{
    (void)node;
    return WEFT_LOG_LIST;
}

static int type_of_call(const struct weft_expression *node)
{
    return node->function->type;
}

static int type_of_chain(const struct weft_expression *node)
{
    return node->items[0]->type;
}

static int type_of_not(const struct weft_expression *node)
{
    return type_when(is_any_or(node->items[0]->type, WEFT_LOG_BOOL), WEFT_LOG_BOOL);
}

static int type_of_sign(const struct weft_expression *node)
{
    return type_when(is_any_or_number(node->items[0]->type), node->items[0]->type);
}

static int type_of_logic(const struct weft_expression *node)
{
    bool is_taken = true;
    for (size_t i = 0; i < node->count; i++) {
        is_taken = is_taken && is_any_or(node->items[i]->type, WEFT_LOG_BOOL);
    }
    return type_when(is_taken, WEFT_LOG_BOOL);
}

static int type_of_either(int left, int right)
{
    return left == WEFT_LOG_NIL ? right : right == WEFT_LOG_NIL || left == right ? left : ANY;
}

static int type_of_coalesce(const struct weft_expression *node)
{
    return type_of_either(node->items[0]->type, node->items[1]->type);
}

static int type_of_condition(const struct weft_expression *node)
{
    return type_when(is_any_or(node->items[0]->type, WEFT_LOG_BOOL),
                     type_of_either(node->items[1]->type, node->items[2]->type));
}

static int type_of_member(const struct weft_expression *node)
{
    const struct weft_expression *base = node->items[0];
    bool is_item = base->type == WEFT_LOG_LIST && is_any_or(node->items[1]->type, WEFT_LOG_INT);
    return base->type == ANY ? ANY : type_when(is_item, base->item_type);
}

static int type_of_equality(const struct weft_expression *node)
{
    return type_when(are_comparable(node->items[0]->type, node->items[1]->type), WEFT_LOG_BOOL);
}

static int type_of_order(const struct weft_expression *node)
{
    int left = node->items[0]->type, right = node->items[1]->type;
    return type_when(are_numbers(left, right) || are_texts(left, right), WEFT_LOG_BOOL);
}

static int type_of_sum(const struct weft_expression *node)
{
    int left = node->items[0]->type, right = node->items[1]->type;
    bool may_be_text = node->kind == WEFT_EXPRESSION_ADD;
    if (may_be_text && left == WEFT_LOG_STRING && right == WEFT_LOG_STRING) {
        return WEFT_LOG_STRING;
    }
    if (is_number(left) && is_number(right)) {
        return left == WEFT_LOG_DOUBLE || right == WEFT_LOG_DOUBLE ? WEFT_LOG_DOUBLE : WEFT_LOG_INT;
    }
    return type_when(are_numbers(left, right) || (may_be_text && are_texts(left, right)), ANY);
}

static int type_of_quotient(const struct weft_expression *node)
{
    return type_when(are_numbers(node->items[0]->type, node->items[1]->type), WEFT_LOG_DOUBLE);
}

static int type_of_remainder(const struct weft_expression *node)
{
    return type_when(are_integers(node->items[0]->type, node->items[1]->type), WEFT_LOG_INT);
}

static int type_of_range(const struct weft_expression *node)
{
    return type_when(are_integers(node->items[0]->type, node->items[1]->type), WEFT_LOG_LIST);
}

static int type_of_in(const struct weft_expression *node)
{
    const struct weft_expression *left = node->items[0], *right = node->items[1];
    bool is_taken = right->type == ANY ||
                    (right->type == WEFT_LOG_LIST && are_comparable(left->type, right->item_type)) ||
                    (left->type == ANY && right->type == WEFT_LOG_STRING);
    return type_when(is_taken, WEFT_LOG_BOOL);
}

static int type_of_search(const struct weft_expression *node)
{
    return type_when(are_texts(node->items[0]->type, node->items[1]->type), WEFT_LOG_BOOL);
}

typedef int type_fn(const struct weft_expression *node);

/* Of all kinds but constants, which have one, and those that others become. */
static type_fn *const types[] = {
    [WEFT_EXPRESSION_BODY] = type_of_any,
    [WEFT_EXPRESSION_ATTRIBUTES] = type_of_any,
    [WEFT_EXPRESSION_RESOURCE] = type_of_any,
    [WEFT_EXPRESSION_LIST] = type_of_list,
    [WEFT_EXPRESSION_CALL] = type_of_call,
    [WEFT_EXPRESSION_MEMBER] = type_of_member,
    [WEFT_EXPRESSION_CHAIN] = type_of_chain,
    [WEFT_EXPRESSION_NOT] = type_of_not,
    [WEFT_EXPRESSION_PLUS] = type_of_sign,
    [WEFT_EXPRESSION_MINUS] = type_of_sign,
    [WEFT_EXPRESSION_AND] = type_of_logic,
    [WEFT_EXPRESSION_OR] = type_of_logic,
    [WEFT_EXPRESSION_COALESCE] = type_of_coalesce,
    [WEFT_EXPRESSION_CONDITION] = type_of_condition,
    [WEFT_EXPRESSION_EQUAL] = type_of_equality,
    [WEFT_EXPRESSION_UNEQUAL] = type_of_equality,
    [WEFT_EXPRESSION_LESS] = type_of_order,
    [WEFT_EXPRESSION_LESS_OR_EQUAL] = type_of_order,
    [WEFT_EXPRESSION_MORE] = type_of_order,
    [WEFT_EXPRESSION_MORE_OR_EQUAL] = type_of_order,
    [WEFT_EXPRESSION_ADD] = type_of_sum,
    [WEFT_EXPRESSION_SUBTRACT] = type_of_sum,
    [WEFT_EXPRESSION_MULTIPLY] = type_of_sum,
    [WEFT_EXPRESSION_DIVIDE] = type_of_quotient,
    [WEFT_EXPRESSION_REMAINDER] = type_of_remainder,
    [WEFT_EXPRESSION_POWER] = type_of_quotient,
    [WEFT_EXPRESSION_RANGE] = type_of_range,
    [WEFT_EXPRESSION_IN] = type_of_in,
    [WEFT_EXPRESSION_MATCHES] = type_of_search,
    [WEFT_EXPRESSION_CONTAINS] = type_of_search,
    [WEFT_EXPRESSION_STARTS_WITH] = type_of_search,
    [WEFT_EXPRESSION_ENDS_WITH] = type_of_search,
};

/* Of a list, or of what may become one. */
static int item_type_of(const struct weft_expression *node)
{
    if (node->kind == WEFT_EXPRESSION_RANGE) {
        return WEFT_LOG_INT;
    }
    if (node->kind == WEFT_EXPRESSION_CALL) {
        return node->function->item_type;
    }
    if (node->kind != WEFT_EXPRESSION_LIST || node->count == 0) {
        return ANY;
    }
    for (size_t i = 1; i < node->count; i++) {
        if (node->items[i]->type != node->items[0]->type) {
            return ANY;
        }
    }
    return node->items[0]->type;
}

enum weft_status weft_expression_set_type(const struct weft_expression_parser *parser, struct weft_expression *node,
                                          size_t at, const char *sign)
{
    int type = types[node->kind](node);
    node->type = type;
    node->item_type = item_type_of(node);
    if (type != REFUSED) {
        return WEFT_OK;
    }
    const char *first = weft_expression_type_text(node->items[0]->type == ANY ? WEFT_LOG_NIL : node->items[0]->type);
    if (node->kind == WEFT_EXPRESSION_CONDITION) {
        return weft_expression_fail(parser, at, WEFT_INVALID, "a condition must be a bool, not %s", first);
    }
    if (node->count == 1) {
        return weft_expression_fail(parser, at, WEFT_INVALID, "%s does not take %s", sign, first);
    }
    int left = node->items[node->count - 2]->type, right = node->items[node->count - 1]->type;
    return weft_expression_fail(parser, at, WEFT_INVALID, "%s does not take %s and %s", sign,
                                left == ANY ? "what it is given" : weft_expression_type_text(left),
                                right == ANY ? "what it is given" : weft_expression_type_text(right));
}
