/* The check of a tree (check.h), node by node. As deep as the parser let it be. */
#include "ottl/check.h"

#include "ottl/parser.h"

static enum weft_status check_enum(struct weft_ottl_checker *checker, struct weft_ottl_node *node)
{
    int64_t number = 0;
    enum weft_ottl_context context = checker->program->options.context;
    if (weft_ottl_enum_of(node->name, context, &number)) {
        node->kind = WEFT_OTTL_NODE_LITERAL;
        node->literal = weft_ottl_int(number);
        return WEFT_OK;
    }
    const char *nearest = weft_ottl_enum_nearest(node->name, context);
    return weft_ottl_fail_at(checker->program->text, node->at, checker->error, WEFT_INVALID, "unknown enum %.*s%s%s%s",
                             WEFT_SLICE_PRINT(node->name), nearest == NULL ? "" : "; did you mean ",
                             nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
}

enum weft_status weft_ottl_check_keys(struct weft_ottl_checker *checker, const struct weft_ottl_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum weft_status status = WEFT_OK;
        if (keys[i].node != NULL) {
            status = weft_ottl_check(checker, (struct weft_ottl_node *)keys[i].node);
        }
        if (status != WEFT_OK) {
            return status;
        }
    }
    return WEFT_OK;
}

static enum weft_status check_items(struct weft_ottl_checker *checker, struct weft_ottl_node *node)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < node->count; i++) {
        status = weft_ottl_check(checker, node->items[i]);
    }
    return status;
}

/* Two literals: the answer is known. */
static void fold_comparison(struct weft_ottl_node *node)
{
    const struct weft_ottl_node *left = node->items[0];
    const struct weft_ottl_node *right = node->items[1];
    if (left->kind == WEFT_OTTL_NODE_LITERAL && right->kind == WEFT_OTTL_NODE_LITERAL) {
        node->literal = weft_ottl_bool(weft_ottl_compare(&left->literal, &right->literal, node->operation));
        node->kind = WEFT_OTTL_NODE_LITERAL;
    }
}

enum weft_status weft_ottl_check(struct weft_ottl_checker *checker, struct weft_ottl_node *node)
{
    enum weft_status status = WEFT_OK;
    switch (node->kind) {
    case WEFT_OTTL_NODE_LITERAL:
        return WEFT_OK;
    case WEFT_OTTL_NODE_ENUM:
        return check_enum(checker, node);
    case WEFT_OTTL_NODE_FUNCTION:
        return weft_ottl_fail_at(checker->program->text, node->at, checker->error, WEFT_INVALID,
                                 "%.*s is a converter; it is called with ()", WEFT_SLICE_PRINT(node->name));
    case WEFT_OTTL_NODE_PATH:
        return weft_ottl_check_path(checker, node);
    case WEFT_OTTL_NODE_CALL:
        return weft_ottl_check_call(checker, node);
    case WEFT_OTTL_NODE_COMPARE:
        status = check_items(checker, node);
        if (status == WEFT_OK) {
            fold_comparison(node);
        }
        return status;
    case WEFT_OTTL_NODE_LIST:
    case WEFT_OTTL_NODE_MAP:
    case WEFT_OTTL_NODE_CALCULATE:
    case WEFT_OTTL_NODE_NEGATE:
    case WEFT_OTTL_NODE_NOT:
    case WEFT_OTTL_NODE_AND:
    case WEFT_OTTL_NODE_OR:
        return check_items(checker, node);
    }
    return status;
}
