/* Parts of expressions that are constant (expression_internal.h), as one. The Collector's library does the same, which
 * shows: a part beside `and false` is never looked at, and a pattern may be written in pieces. */
#include "operators/expression_internal.h"

static bool is_constant(const struct weft_expression *node, enum weft_log_value_kind kind)
{
    return node->kind == WEFT_EXPRESSION_CONSTANT && node->type == (int)kind && node->constant.kind == kind;
}

static void set_constant(struct weft_expression *node, struct weft_log_value value)
{
    *node = (struct weft_expression){
        .kind = WEFT_EXPRESSION_CONSTANT, .type = (int)value.kind, .height = 1, .constant = value
    };
}

static enum weft_status join_texts(struct weft_expression_parser *parser, struct weft_expression *node)
{
    struct weft_slice left = node->items[0]->constant.text, right = node->items[1]->constant.text;
    uint8_t *bytes = NULL;
    enum weft_status status = weft_operator_alloc(parser->reader, left.length + right.length + 1, &bytes);
    if (status == WEFT_OK) {
        memcpy(bytes, left.bytes, left.length);
        memcpy(bytes + left.length, right.bytes, right.length);
        set_constant(node, weft_log_string(weft_slice_of(bytes, left.length + right.length)));
    }
    return status;
}

static bool are_both(const struct weft_expression *node, enum weft_log_value_kind kind)
{
    return is_constant(node->items[0], kind) && is_constant(node->items[1], kind);
}

static void fold_equal(struct weft_expression *node)
{
    const struct weft_log_value *left = &node->items[0]->constant, *right = &node->items[1]->constant;
    if (are_both(node, WEFT_LOG_BOOL)) {
        set_constant(node, weft_expression_bool(left->boolean == right->boolean));
    } else if (are_both(node, WEFT_LOG_INT)) {
        set_constant(node, weft_expression_bool(left->integer == right->integer));
    } else if (are_both(node, WEFT_LOG_STRING)) {
        set_constant(node, weft_expression_bool(weft_slice_equal(left->text, right->text)));
    }
}

/* Of two items or more only the last may be constant, since the others have been here before; of two, either. */
static void fold_logic(struct weft_expression *node)
{
    bool neutral = node->kind == WEFT_EXPRESSION_AND;
    struct weft_expression *first = node->items[0], *last = node->items[node->count - 1];
    if (is_constant(last, WEFT_LOG_BOOL) && last->constant.boolean != neutral) {
        set_constant(node, last->constant);
    } else if (is_constant(last, WEFT_LOG_BOOL)) {
        node->count--;
    } else if (node->count == 2 && is_constant(first, WEFT_LOG_BOOL)) {
        node->items[0] = first->constant.boolean == neutral ? last : first;
        node->count = 1;
    }
    if (node->count == 1 && is_constant(node->items[0], WEFT_LOG_BOOL)) {
        set_constant(node, node->items[0]->constant);
    }
}

enum weft_status weft_expression_fold(struct weft_expression_parser *parser, struct weft_expression *node, size_t at)
{
    if (node->kind == WEFT_EXPRESSION_AND || node->kind == WEFT_EXPRESSION_OR) {
        fold_logic(node);
    } else if (node->kind == WEFT_EXPRESSION_NOT && is_constant(node->items[0], WEFT_LOG_BOOL)) {
        set_constant(node, weft_expression_bool(!node->items[0]->constant.boolean));
    } else if (node->kind == WEFT_EXPRESSION_EQUAL) {
        fold_equal(node);
    } else if (node->kind == WEFT_EXPRESSION_ADD && are_both(node, WEFT_LOG_STRING)) {
        return join_texts(parser, node);
    } else if (node->kind == WEFT_EXPRESSION_REMAINDER && are_both(node, WEFT_LOG_INT) &&
               node->items[1]->constant.integer == 0) {
        return weft_expression_fail(parser, at, WEFT_INVALID, "%% by zero");
    }
    return WEFT_OK;
}
