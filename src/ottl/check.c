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

bool weft_ottl_is_constant(const struct weft_ottl_node *node)
{
    bool is_constant =
        node->kind == WEFT_OTTL_NODE_LITERAL || node->kind == WEFT_OTTL_NODE_LIST || node->kind == WEFT_OTTL_NODE_MAP;
    for (size_t i = 0; is_constant && i < node->count; i++) {
        is_constant = weft_ottl_is_constant(node->items[i]);
    }
    return is_constant;
}

static void become(struct weft_ottl_node *node, bool holds)
{
    node->literal = weft_ottl_bool(holds);
    node->kind = WEFT_OTTL_NODE_LITERAL;
    node->count = 0;
}

/* Two constants: the answer is known. */
static enum weft_status fold_comparison(struct weft_ottl_checker *checker, struct weft_ottl_node *node)
{
    bool holds = false;
    if (!weft_ottl_is_constant(node->items[0]) || !weft_ottl_is_constant(node->items[1])) {
        return WEFT_OK;
    }
    enum weft_status status = weft_ottl_holds(checker->run, node, &holds);
    if (status != WEFT_OK) {
        return status == WEFT_NOMEM ? weft_fail(checker->error, status, "no memory for a statement")
                                    : weft_ottl_fail_at(checker->program->text, node->at, checker->error, status, "%s",
                                                        checker->run->error.text);
    }
    become(node, holds);
    return WEFT_OK;
}

/* One constant may say all, wherever it stands: then the others are not asked, and cannot fail. Constants that say
 * nothing are left out. */
static void fold_chain(struct weft_ottl_node *node)
{
    bool decides = node->kind == WEFT_OTTL_NODE_OR;
    size_t count = 0;
    for (size_t i = 0; i < node->count; i++) {
        const struct weft_ottl_node *item = node->items[i];
        bool is_bool = item->kind == WEFT_OTTL_NODE_LITERAL && item->literal.kind == WEFT_OTTL_BOOL;
        if (is_bool && item->literal.boolean == decides) {
            become(node, decides);
            return;
        }
        if (!is_bool) {
            node->items[count++] = node->items[i];
        }
    }
    node->count = count;
    if (count == 0) {
        become(node, !decides);
    }
}

static void fold_not(struct weft_ottl_node *node)
{
    const struct weft_ottl_node *item = node->items[0];
    if (item->kind == WEFT_OTTL_NODE_LITERAL && item->literal.kind == WEFT_OTTL_BOOL) {
        become(node, !item->literal.boolean);
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
        return status == WEFT_OK ? fold_comparison(checker, node) : status;
    case WEFT_OTTL_NODE_NOT:
        status = check_items(checker, node);
        if (status == WEFT_OK) {
            fold_not(node);
        }
        return status;
    case WEFT_OTTL_NODE_AND:
    case WEFT_OTTL_NODE_OR:
        status = check_items(checker, node);
        if (status == WEFT_OK) {
            fold_chain(node);
        }
        return status;
    case WEFT_OTTL_NODE_LIST:
    case WEFT_OTTL_NODE_MAP:
    case WEFT_OTTL_NODE_CALCULATE:
    case WEFT_OTTL_NODE_NEGATE:
        return check_items(checker, node);
    }
    return status;
}
